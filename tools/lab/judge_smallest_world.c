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
	for (uint32_t i = 0; r->keys && i < r->key_count && i < HISTORY_KEYS_MAX; i++)
		if (!add_key(keys, r->keys[i]))
			return false;
	return add_key(keys, r->holder_key);
}

static bool gather_keys(struct world *world)
{
	const struct trial *trial = world->trial;
	struct world_key *all = NULL;
	bool memory = true;

	for (uint32_t i = 0; memory && i < trial->ops->op_count; i++) {
		const struct judge_op *op = &trial->ops->ops[i];
		if (op->role == JUDGE_CRASHED)
			world->crashes = true;
		if (!op->command)
			continue;
		world->every_key |= trial->exact || op->command->all_tg_pt;
		memory =
			add_keys_of(&all, op) && (!trial->kept[i] || add_keys_of(&world->keys, op));
		if (memory && op->command->action_key != 0 &&
		    (world->places[op->nexus] == WORLD_NO_PLACE ||
		     op->command->op == HISTORY_REGISTER_AND_MOVE || op->command->all_tg_pt))
			memory = add_key(&world->offered, op->command->action_key);
	}
	world->other_key = 0xa5a5a5a500000000;
	for (struct world_key *key = all; memory && key; key = key->hh.next)
		if ((key->key & ~OTHER_KEYS_MASK) == world->other_key) {
			world->other_key += OTHER_KEYS_MASK + 1;
			key = all;
		}
	free_keys(&all);
	return memory && add_key(&world->keys, 0);
}

static uint64_t other_key_of(const struct world *world, uint32_t place)
{
	return world->other_key + place;
}

static bool is_other_key(const struct world *world, uint64_t key)
{
	return (key & ~OTHER_KEYS_MASK) == world->other_key;
}

static bool is_named(const struct world *world, uint64_t key)
{
	return world->every_key || has_key(world->keys, key);
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

static bool wants_attention(const struct judge_op *op)
{
	return op->result && op->result->outcome == HISTORY_CHECK && op->result->sense_key == 6;
}

static bool is_reset(const struct history_command *c)
{
	return c->op == HISTORY_LUN_RESET || c->op == HISTORY_TARGET_RESET;
}

static bool changes_state(const struct history_command *c)
{
	return history_op_is_pr_out(c->op) || c->op == HISTORY_SPC2_RESERVE ||
	       c->op == HISTORY_SPC2_RELEASE || is_reset(c);
}

static uint32_t place_of(const struct world *world, uint32_t nexus)
{
	return nexus < world->trial->history->nexus_count ? world->places[nexus] : WORLD_NO_PLACE;
}

bool world_is_attentive(const struct world *world, const struct judge_op *op)
{
	uint32_t place = place_of(world, op->nexus);

	return place != WORLD_NO_PLACE && world->attentions[place];
}

/* Nothing that is followed can change by it: a registration of somebody who is not. */
static bool stranger_matters(const struct world *world, const struct history_command *c)
{
	if ((c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE) &&
	    c->action_key != 0)
		return world->crashes || c->all_tg_pt;
	return changes_state(c);
}

bool world_concerns(const struct world *world, uint32_t i)
{
	const struct judge_op *op = &world->trial->ops->ops[i];
	bool followed = place_of(world, op->nexus) != WORLD_NO_PLACE;

	if (op->role == JUDGE_CRASHED)
		return true;
	if (!followed && !world->strangers)
		return false;
	if (op->role == JUDGE_SESSION_BEGIN)
		return world_is_attentive(world, op);
	if (op->role == JUDGE_SESSION_END)
		return true;
	if (!followed)
		return stranger_matters(world, op->command);
	if (world->trial->kept[i])
		return !wants_attention(op) || world_is_attentive(world, op);
	return changes_state(op->command) || world_is_attentive(world, op);
}

uint64_t world_signature(const struct world *world, uint32_t i)
{
	const struct judge_op *op = &world->trial->ops->ops[i];
	const struct history_command *c = op->command;
	uint32_t place = place_of(world, op->nexus);
	uint64_t parts[5] = {(uint64_t)op->role, place};
	uint64_t sum = 0;

	if (c && lu_reports_attention(c))
		parts[0] |= 0x80;
	if (c && changes_state(c)) {
		parts[2] = (uint64_t)c->op << 32 | (uint64_t)c->type << 16 |
			   (uint64_t)c->scope << 8 | (uint64_t)c->aptpl << 3 |
			   (uint64_t)c->all_tg_pt << 2 | (uint64_t)c->unregister_source << 1;
		parts[3] = is_named(world, c->key) ? c->key : world->other_key;
		parts[4] = is_named(world, c->action_key) ? c->action_key : world->other_key;
		if (c->op == HISTORY_REGISTER_AND_MOVE)
			parts[0] |= (uint64_t)place_of(world, c->move_to) << 8;
	}
	for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++)
		sum = lu_key_mix(sum ^ parts[k]) + k;
	return sum;
}

/* ---- one command, in one guise of those who are not followed ---- */

struct attempt {
	struct world *world;
	const void *image;
	const struct judge_op *op;
	struct history_command
		command; /* with places for nexuses, and keys as the model has them */
	bool loose;	 /* it is left out */
	world_taker take;
	void *taker;
	/* The guise. */
	uint32_t as; /* place */
	uint64_t own_key;
	uint64_t strangers[2];
};

/* What is not looked at is always the same. */
static void tidy(struct world *world)
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
			lu_set_key(lu, i, other_key_of(world, i));
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

static void put_guise(const struct attempt *a)
{
	struct lu *lu = &a->world->lu;

	for (uint32_t i = 0; a->world->strangers && i < 2; i++) {
		uint32_t place = a->world->followed + i;
		lu_set_key(lu, place, place == a->as ? a->own_key : a->strangers[i]);
	}
}

static void load(const struct attempt *a)
{
	lu_load(&a->world->lu, a->image);
	put_guise(a);
}

static bool answers_alike(const struct lu_answer *answer, const struct history_result *r)
{
	return answer->outcome == r->outcome &&
	       (r->outcome != HISTORY_CHECK || (answer->sense_key == r->sense_key &&
						answer->asc == r->asc && answer->ascq == r->ascq));
}

/* Calls with each guise. */
typedef void (*guised)(struct attempt *a);

static void try_guise(struct attempt *a, guised try, uint64_t first, uint64_t second)
{
	a->strangers[0] = first;
	a->strangers[1] = second;
	try(a);
}

/* Whether others are registered, and with which key, matters to few commands. */
static bool looks_at_others(const struct history_command *c)
{
	if (c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE)
		return c->action_key == 0;
	return c->op == HISTORY_PREEMPT || c->op == HISTORY_PREEMPT_AND_ABORT ||
	       c->op == HISTORY_SPC2_RESERVE || c->op == HISTORY_SPC2_RELEASE;
}

/* The first stranger matters if it is the holder, who is always registered; the second is for all
 * the others, unless it is the one that does it. */
static void try_strangers(struct attempt *a, guised try)
{
	struct world *world = a->world;
	uint64_t other = other_key_of(world, world->followed), action = a->command.action_key;
	uint64_t firsts[2] = {other, action}, seconds[3] = {0, other, action};
	bool held;

	if (a->image)
		lu_load(&world->lu, a->image);
	held = world->lu.holder == world->followed;
	if (!world->strangers || !looks_at_others(&a->command)) {
		try_guise(a, try, held ? other : 0, 0);
		return;
	}
	for (unsigned i = 0; i < (held && a->as != world->followed ? 2 : 1); i++)
		for (unsigned k = 0; k < 3; k++)
			if ((i == 0 || action != 0) && (k < 2 || action != 0))
				try_guise(a, try, held ? firsts[i] : 0, seconds[k]);
}

/* Somebody who is not followed does it: the holder, or another one. */
static void try_as_stranger(struct attempt *a, guised try)
{
	const struct world *world = a->world;
	bool ignores = a->command.op == HISTORY_REGISTER_AND_IGNORE, among;

	lu_load(&a->world->lu, a->image);
	among = world->lu.holder == world->followed || world->lu.spc2_owner == world->followed;
	for (uint32_t i = 0; i < (among ? 2u : 1u); i++) {
		a->as = world->followed + i;
		a->own_key = a->command.key;
		if (ignores || !history_op_is_pr_out(a->command.op))
			a->own_key = other_key_of(world, a->as);
		try_strangers(a, try);
		if (!ignores && history_op_is_pr_out(a->command.op))
			continue;
		a->own_key = 0;
		try_strangers(a, try);
	}
}

static void try_victims(struct attempt *a, guised try)
{
	if (place_of(a->world, a->op->nexus) == WORLD_NO_PLACE)
		try_as_stranger(a, try);
	else
		try_strangers(a, try);
}

static bool is_preempt(const struct history_command *c)
{
	return c->op == HISTORY_PREEMPT || c->op == HISTORY_PREEMPT_AND_ABORT;
}

/* The keys of what is left out: one that is not named may be any of the others. */
static void try_keys(struct attempt *a, guised try)
{
	const struct world *world = a->world;
	struct history_command *c = &a->command;
	uint32_t place = place_of(world, a->op->nexus);

	if (a->loose && place != WORLD_NO_PLACE && !is_named(world, c->key))
		c->key = other_key_of(world, place);
	if (!a->loose || is_named(world, c->action_key)) {
		try_victims(a, try);
		return;
	}
	if (!is_preempt(c)) {
		place = c->op == HISTORY_REGISTER_AND_MOVE ? c->move_to : place;
		if (place < world->lu.nexus_count)
			c->action_key = other_key_of(world, place);
		try_victims(a, try);
		return;
	}
	for (uint32_t i = 0; i < world->lu.nexus_count && i <= world->followed; i++) {
		c->action_key = other_key_of(world, i);
		try_victims(a, try);
	}
}

/* ---- what comes of it ---- */

static void begin_attempt(struct attempt *a, struct world *world, const struct judge_op *op)
{
	uint32_t place = place_of(world, op->nexus);

	memset(a, 0, sizeof(*a));
	a->world = world;
	a->op = op;
	a->as = place;
	if (!op->command)
		return;
	a->command = *op->command;
	if (a->command.op != HISTORY_REGISTER_AND_MOVE)
		return;
	a->command.move_to = place_of(world, op->command->move_to);
	if (a->command.move_to == WORLD_NO_PLACE && world->strangers &&
	    op->command->move_to < world->trial->history->nexus_count)
		a->command.move_to = world->followed + 1;
}

/* It is done, with the answer that it had; or, left out, with a change. */
static void do_command(struct attempt *a)
{
	unsigned variants = 1;

	for (unsigned variant = 0; variant < variants; variant++) {
		struct lu_answer answer;
		load(a);
		answer = lu_step(&a->world->lu, a->as, &a->command, variant, &variants);
		if (answer.outcome != HISTORY_GOOD || (a->loose && !answer.changes))
			continue;
		tidy(a->world);
		a->take(a->taker);
	}
}

/* It may have been told any unit attention that is due. */
static void take_attentions(const struct attempt *a)
{
	struct lu *lu = &a->world->lu;

	for (uint32_t kind = 1; kind <= LU_UA_CLEARED; kind <<= 1) {
		lu_load(lu, a->image);
		if ((lu->pending[a->as] & kind) == 0)
			continue;
		lu_set(lu, &lu->pending[a->as], lu->pending[a->as] & ~kind);
		lu_forget(lu);
		a->take(a->taker);
	}
}

static void end_session(const struct attempt *a)
{
	struct lu *lu = &a->world->lu;

	lu_load(lu, a->image);
	if (a->as != WORLD_NO_PLACE)
		lu_session_ends(lu, a->as);
	else if (lu->spc2_owner == a->world->followed)
		lu_set(lu, &lu->spc2_owner, (uint32_t)LU_NOBODY);
	tidy(a->world);
	a->take(a->taker);
}

static void try_event(const struct attempt *a)
{
	struct lu *lu = &a->world->lu;

	if (a->op->role == JUDGE_SESSION_END) {
		end_session(a);
		return;
	}
	lu_load(lu, a->image);
	if (a->op->role == JUDGE_CRASHED)
		lu_crash(lu);
	else
		lu_session_begins(lu, a->as);
	tidy(a->world);
	a->take(a->taker);
}

void world_try(struct world *world, const void *image, uint32_t i, bool clear, world_taker take,
	       void *taker)
{
	const struct judge_op *op = &world->trial->ops->ops[i];
	const struct history_result *r = op->result;
	struct attempt a;

	begin_attempt(&a, world, op);
	a.image = image;
	a.take = take;
	a.taker = taker;
	a.loose = !world->trial->kept[i] || a.as == WORLD_NO_PLACE;
	if (!op->command) {
		try_event(&a);
		return;
	}
	if (!a.loose && wants_attention(op)) {
		lu_load(&world->lu, image);
		if (lu_attention_take(&world->lu, a.as, r->asc, r->ascq)) {
			lu_forget(&world->lu);
			take(taker);
		}
		return;
	}
	if (a.loose && op->role != JUDGE_MAYBE && world_is_attentive(world, op) &&
	    lu_reports_attention(op->command))
		take_attentions(&a);
	if (changes_state(op->command) && (clear || !lu_reports_attention(op->command)))
		try_keys(&a, do_command);
}

/* ---- probes ---- */

/* Registrations that are followed are shown; what else is shown, somebody else may have. */
static bool keys_fit(const struct world *world, const struct history_result *r)
{
	const struct lu *lu = &world->lu;
	uint32_t wanted = 0;

	if (!r->keys || r->key_count > HISTORY_KEYS_MAX)
		return lu->registered <= r->key_count;
	for (uint32_t i = 0; i < world->followed; i++) {
		uint32_t alike = 0, shown = 0;
		if (lu->keys[i] == 0)
			continue;
		wanted++;
		for (uint32_t k = 0; k < world->followed; k++)
			alike += lu->keys[k] == lu->keys[i];
		for (uint32_t k = 0; k < r->key_count; k++)
			shown += r->keys[k] == lu->keys[i];
		if (shown < alike)
			return false;
	}
	for (uint32_t k = 0; k < r->key_count; k++) {
		uint32_t alike = 0, shown = 0;
		for (uint32_t i = 0; i < world->followed; i++)
			alike += lu->keys[i] == r->keys[k];
		for (uint32_t i = 0; i < r->key_count; i++)
			shown += r->keys[i] == r->keys[k];
		if (shown > alike && !(world->strangers && has_key(world->offered, r->keys[k])))
			return false;
	}
	return wanted <= r->key_count && (world->strangers || wanted == r->key_count);
}

/* READ FULL STATUS tells whose each key is. */
static bool owners_fit(const struct world *world, const struct history_result *r)
{
	for (uint32_t k = 0; r->key_nexuses && k < r->key_count && k < HISTORY_KEYS_MAX; k++) {
		uint32_t place = place_of(world, r->key_nexuses[k]);
		if (place != WORLD_NO_PLACE && world->lu.keys[place] != r->keys[k])
			return false;
	}
	return true;
}

static bool holder_fits(const struct world *world, const struct history_result *r)
{
	const struct lu *lu = &world->lu;
	uint64_t key = 0;

	if (r->holder_type != lu->type)
		return false;
	if (lu->type != 0 && !lu_all_registrants(lu->type))
		key = lu->holder >= world->followed ? r->holder_key : lu->keys[lu->holder];
	return r->holder_key == key;
}

static bool shows(const struct world *world, const struct judge_op *op)
{
	const struct history_result *r = op->result;
	const char *field;

	if (world->trial->exact)
		return lu_shows(&world->lu, op->command, r, &field);
	if (op->command->op == HISTORY_REPORT_CAPABILITIES)
		return true;
	if (op->command->op == HISTORY_READ_RESERVATION)
		return holder_fits(world, r);
	return keys_fit(world, r) && owners_fit(world, r);
}

/* The state at hand is an image for this. */
static void compare(struct attempt *a)
{
	bool *fits = a->taker;
	unsigned variants = 1;

	for (unsigned variant = 0; variant < variants && !*fits; variant++) {
		struct lu_answer answer;
		size_t mark = lu_mark(&a->world->lu);
		put_guise(a);
		answer = lu_step(&a->world->lu, a->as, &a->command, variant, &variants);
		lu_undo_to(&a->world->lu, mark);
		*fits = answers_alike(&answer, a->op->result);
	}
}

bool world_fits(struct world *world, uint32_t i)
{
	const struct judge_op *op = &world->trial->ops->ops[i];
	bool fits = false;
	struct attempt a;

	begin_attempt(&a, world, op);
	a.taker = &fits;
	if (op->found_on_medium)
		return lu_admits(&world->lu, a.as, true);
	if (op->result->outcome == HISTORY_GOOD && history_op_is_pr_in(op->command->op) &&
	    !shows(world, op))
		return false;
	try_strangers(&a, compare);
	return fits;
}
