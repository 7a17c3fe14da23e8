/*
 * The states of a trial. Followed nexuses come first in the model. In a rough trial two strangers
 * stand for all others: the first is the holder if one of them is, and both are registered with
 * whatever key lets most happen, anew for each command.
 *
 * A key that no kept command names is told from those that one does, and not from its like: each
 * place has one value for all of them.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_lu_internal.h"
#include "tools/lab/judge_smallest.h"

#define OTHER_KEYS_MASK 0xffffull /* places are fewer than this */

/* ---- keys ---- */

static bool has_key(struct world_key *keys, uint64_t key)
{
	struct world_key *found;

	HASH_FIND(hh, keys, &key, sizeof(key), found);
	return found != NULL;
}

static bool add_key(struct world_key **keys, uint64_t key)
{
	struct world_key *entry;

	if (has_key(*keys, key))
		return true;
	entry = malloc(sizeof(*entry));
	if (!entry)
		return false;
	entry->key = key;
	HASH_ADD(hh, *keys, key, sizeof(entry->key), entry);
	return true;
}

static void free_keys(struct world_key **keys)
{
	struct world_key *entry, *next;

	HASH_ITER(hh, *keys, entry, next)
	{
		HASH_DEL(*keys, entry);
		free(entry);
	}
}

static bool add_keys_of(struct world_key **keys, const struct judge_op *op)
{
	const struct history_result *r = op->result;

	if (!add_key(keys, op->command->key) || !add_key(keys, op->command->action_key))
		return false;
	if (!r)
		return true;
	for (uint32_t i = 0; i < history_keys_listed(r); i++)
		if (!add_key(keys, r->keys[i]))
			return false;
	return add_key(keys, r->holder_key);
}

/* Nobody uses a key of this range. */
static bool is_unused(const struct judge_ops *ops, uint64_t range)
{
	for (uint32_t i = 0; i < ops->op_count; i++) {
		const struct history_command *c = ops->ops[i].command;
		const struct history_result *r = ops->ops[i].result;
		if (!c)
			continue;
		if ((c->key & ~OTHER_KEYS_MASK) == range ||
		    (c->action_key & ~OTHER_KEYS_MASK) == range ||
		    (r && (r->holder_key & ~OTHER_KEYS_MASK) == range))
			return false;
		for (uint32_t k = 0; r && k < history_keys_listed(r); k++)
			if ((r->keys[k] & ~OTHER_KEYS_MASK) == range)
				return false;
	}
	return true;
}

static bool gather_keys(struct world *world)
{
	const struct trial *trial = world->trial;
	bool memory = add_key(&world->keys, 0);

	for (uint32_t i = 0; memory && i < trial->ops->op_count; i++) {
		const struct judge_op *op = &trial->ops->ops[i];
		if (op->role == JUDGE_CRASHED)
			world->crashes = true;
		if (!op->command)
			continue;
		world->every_key |= trial->exact || op->command->all_tg_pt;
		memory = !trial->kept[i] || add_keys_of(&world->keys, op);
		if (memory && op->command->action_key != 0 &&
		    (world->places[op->nexus] == WORLD_NO_PLACE ||
		     op->command->op == HISTORY_REGISTER_AND_MOVE || op->command->all_tg_pt))
			memory = add_key(&world->offered, op->command->action_key);
	}
	world->other_key = 0xa5a5a5a500000000;
	while (!is_unused(trial->ops, world->other_key))
		world->other_key += OTHER_KEYS_MASK + 1;
	return memory;
}

uint64_t world_other_key(const struct world *world, uint32_t place)
{
	return world->other_key + place;
}

static bool is_other_key(const struct world *world, uint64_t key)
{
	return (key & ~OTHER_KEYS_MASK) == world->other_key;
}

bool world_is_named(const struct world *world, uint64_t key)
{
	return world->every_key || has_key(world->keys, key);
}

bool world_is_offered(const struct world *world, uint64_t key)
{
	return world->strangers && has_key(world->offered, key);
}

/* ---- unit attentions ---- */

/* Of each place: the kinds that a kept answer reports. */
static bool gather_kinds(struct world *world)
{
	const struct trial *trial = world->trial;

	world->kinds = calloc((size_t)world->followed + 1, sizeof(*world->kinds));
	for (uint32_t i = 0; world->kinds && i < trial->ops->op_count; i++) {
		const struct judge_op *op = &trial->ops->ops[i];
		if (!trial->kept[i] || !op->command || !op->result ||
		    op->result->outcome != HISTORY_CHECK || op->result->sense_key != 6 ||
		    world->places[op->nexus] == WORLD_NO_PLACE)
			continue;
		world->kinds[world->places[op->nexus]] |=
			lu_attention_kinds(op->result->asc, op->result->ascq);
	}
	return world->kinds != NULL;
}

/* Of kinds that no kept answer reports it only matters whether one is due. */
static void tidy_attentions(struct world *world, uint32_t place)
{
	struct lu *lu = &world->lu;
	uint32_t told = world->kinds[place], others = lu->pending[place] & ~told, other = 1;

	while ((told & other) != 0)
		other <<= 1;
	lu_set(lu, &lu->pending[place], (lu->pending[place] & told) | (others != 0 ? other : 0));
	lu_set(lu, &lu->maybe[place], lu->maybe[place] & told);
}

/* ---- begin and end ---- */

static bool place_nexuses(struct world *world)
{
	const struct trial *trial = world->trial;
	uint32_t count = trial->history->nexus_count;

	world->places = malloc((count + 1) * sizeof(*world->places));
	world->nexuses = calloc((size_t)count + 2, sizeof(*world->nexuses));
	world->attentions = calloc((size_t)count + 2, sizeof(*world->attentions));
	if (!world->places || !world->nexuses || !world->attentions)
		return false;
	for (uint32_t n = 0; n < count; n++) {
		world->places[n] = WORLD_NO_PLACE;
		if (!trial->followed[n])
			continue;
		world->nexuses[world->followed] = trial->history->nexuses[n];
		world->attentions[world->followed] = trial->exact || trial->attentions[n];
		world->places[n] = world->followed++;
	}
	world->strangers = !trial->exact && world->followed < count;
	for (uint32_t i = 0; world->strangers && i < 2; i++) {
		struct history_nexus *stranger = &world->nexuses[world->followed + i];
		/* No initiator has such a name. */
		stranger->name[0] = '*';
		stranger->isid[0] = (uint8_t)i;
	}
	return true;
}

bool world_init(struct world *world, const struct trial *trial)
{
	memset(world, 0, sizeof(*world));
	world->trial = trial;
	world->rules = *trial->rules;
	if (!trial->exact)
		world->rules.registrations_max = 0;
	return place_nexuses(world) && gather_keys(world) && gather_kinds(world) &&
	       lu_init(&world->lu, &world->rules, world->nexuses,
		       world->followed + (world->strangers ? 2 : 0)) == 0;
}

void world_finish(struct world *world)
{
	lu_finish(&world->lu);
	free_keys(&world->keys);
	free_keys(&world->offered);
	free(world->nexuses);
	free(world->places);
	free(world->attentions);
	free(world->kinds);
}

/* ---- what has to do with the trial ---- */

bool world_wants_attention(const struct judge_op *op)
{
	return op->result && op->result->outcome == HISTORY_CHECK && op->result->sense_key == 6;
}

uint32_t world_place(const struct world *world, uint32_t nexus)
{
	return nexus < world->trial->history->nexus_count ? world->places[nexus] : WORLD_NO_PLACE;
}

bool world_is_attentive(const struct world *world, const struct judge_op *op)
{
	uint32_t place = world_place(world, op->nexus);

	return place != WORLD_NO_PLACE && world->attentions[place];
}

/* Nothing that is followed can change by it: a registration of somebody who is not. */
static bool stranger_matters(const struct world *world, const struct history_command *c)
{
	if ((c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE) &&
	    c->action_key != 0)
		return world->crashes || c->all_tg_pt;
	return history_op_changes_state(c->op);
}

bool world_concerns(const struct world *world, uint32_t i)
{
	const struct judge_op *op = &world->trial->ops->ops[i];
	bool followed = world_place(world, op->nexus) != WORLD_NO_PLACE;

	if (op->role == JUDGE_CRASHED)
		return true;
	if (!followed && !world->strangers)
		return false;
	if (op->role == JUDGE_SESSION_BEGIN)
		return world_is_attentive(world, op);
	if (op->role == JUDGE_UNHEARD)
		return followed && world_is_attentive(world, op);
	if (op->role == JUDGE_SESSION_END)
		return true;
	if (!followed)
		return stranger_matters(world, op->command);
	if (world->trial->kept[i])
		return !world_wants_attention(op) || world_is_attentive(world, op);
	return history_op_changes_state(op->command->op) || world_is_attentive(world, op);
}

uint64_t world_signature(const struct world *world, uint32_t i)
{
	const struct judge_op *op = &world->trial->ops->ops[i];
	const struct history_command *c = op->command;
	uint32_t place = world_place(world, op->nexus);
	uint64_t parts[5] = {(uint64_t)op->role, place};
	uint64_t sum = 0;

	if (c && lu_reports_attention(c))
		parts[0] |= 0x80;
	if (c && history_op_changes_state(c->op)) {
		parts[2] = (uint64_t)c->op << 32 | (uint64_t)c->type << 16 |
			   (uint64_t)c->scope << 8 | (uint64_t)c->aptpl << 3 |
			   (uint64_t)c->all_tg_pt << 2 | (uint64_t)c->unregister_source << 1;
		parts[3] = world_is_named(world, c->key) ? c->key : world->other_key;
		parts[4] = world_is_named(world, c->action_key) ? c->action_key : world->other_key;
		if (c->op == HISTORY_REGISTER_AND_MOVE)
			parts[0] |= (uint64_t)world_place(world, c->move_to) << 8;
	}
	for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++)
		sum = lu_key_mix(sum ^ parts[k]) + k;
	return sum;
}

/* ---- the same for what is the same ---- */

/* What is not looked at is always the same. */
void world_tidy(struct world *world)
{
	struct lu *lu = &world->lu;
	uint32_t first = world->followed;

	if (!world->trial->exact) {
		lu_set(lu, &lu->generation, 0);
		if (!world->crashes)
			lu_set(lu, &lu->aptpl, 0);
	}
	for (uint32_t i = 0; i < lu->nexus_count; i++) {
		if (i >= first)
			lu_set_key(lu, i, 0);
		else if (is_other_key(world, lu->keys[i]))
			lu_set_key(lu, i, world_other_key(world, i));
		if (i < first && world->attentions[i]) {
			if (!world->trial->exact)
				tidy_attentions(world, i);
			continue;
		}
		lu_set(lu, &lu->pending[i], 0);
		lu_set(lu, &lu->maybe[i], 0);
		lu_set(lu, &lu->up[i], 0);
	}
	if (world->strangers && lu->holder == first + 1)
		lu_set(lu, &lu->holder, first);
	if (world->strangers && lu->spc2_owner == first + 1)
		lu_set(lu, &lu->spc2_owner, first);
	lu_forget(lu);
}
