/*
 * What an op does to a state of a trial. Those who are not followed come in the guises that let
 * most happen: each command of theirs is done by one who has the key for it, and whether others of
 * them are registered, and with which key, is tried both ways where it matters.
 */
#include <string.h>

#include "tools/lab/judge_lu_internal.h"
#include "tools/lab/judge_smallest.h"

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
	uint64_t other = world_other_key(world, world->followed), action = a->command.action_key;
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
			a->own_key = world_other_key(world, a->as);
		try_strangers(a, try);
		if (!ignores && history_op_is_pr_out(a->command.op))
			continue;
		a->own_key = 0;
		try_strangers(a, try);
	}
}

static void try_victims(struct attempt *a, guised try)
{
	if (world_place(a->world, a->op->nexus) == WORLD_NO_PLACE)
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
	uint32_t place = world_place(world, a->op->nexus);

	if (a->loose && place != WORLD_NO_PLACE && !world_is_named(world, c->key))
		c->key = world_other_key(world, place);
	if (!a->loose || world_is_named(world, c->action_key)) {
		try_victims(a, try);
		return;
	}
	if (!is_preempt(c)) {
		place = c->op == HISTORY_REGISTER_AND_MOVE ? c->move_to : place;
		if (place < world->lu.nexus_count)
			c->action_key = world_other_key(world, place);
		try_victims(a, try);
		return;
	}
	for (uint32_t i = 0; i < world->lu.nexus_count && i <= world->followed; i++) {
		c->action_key = world_other_key(world, i);
		try_victims(a, try);
	}
}

/* ---- what comes of it ---- */

static void begin_attempt(struct attempt *a, struct world *world, const struct judge_op *op)
{
	uint32_t place = world_place(world, op->nexus);

	memset(a, 0, sizeof(*a));
	a->world = world;
	a->op = op;
	a->as = place;
	if (!op->command)
		return;
	a->command = *op->command;
	if (a->command.op != HISTORY_REGISTER_AND_MOVE)
		return;
	a->command.move_to = world_place(world, op->command->move_to);
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
		world_tidy(a->world);
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
	world_tidy(a->world);
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
	if (a->op->role == JUDGE_CRASHED) {
		lu_crash(lu);
	} else if (a->op->role == JUDGE_UNHEARD) {
		a->take(a->taker); /* it was none */
		lu_load(lu, a->image);
		lu_attention_unheard(lu, a->as);
	} else {
		lu_session_begins(lu, a->as);
	}
	world_tidy(a->world);
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
	if (!a.loose && world_wants_attention(op)) {
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
	if (history_op_changes_state(op->command->op) &&
	    (clear || !lu_reports_attention(op->command)))
		try_keys(&a, do_command);
}

/* ---- probes ---- */

/* Registrations that are followed are shown; what else is shown, somebody else may have. */
static bool keys_fit(const struct world *world, const struct history_result *r)
{
	const struct lu *lu = &world->lu;
	uint32_t wanted = 0;

	if (r->cut_off)
		return true;
	if (!history_keys_are_all(r))
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
		if (shown > alike && !world_is_offered(world, r->keys[k]))
			return false;
	}
	return wanted <= r->key_count && (world->strangers || wanted == r->key_count);
}

/* READ FULL STATUS tells whose each key is. */
static bool owners_fit(const struct world *world, const struct history_result *r)
{
	for (uint32_t k = 0; r->key_nexuses && k < history_keys_listed(r); k++) {
		uint32_t place = world_place(world, r->key_nexuses[k]);
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
