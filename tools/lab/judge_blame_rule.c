/*
 * Which rule does an answer break that no order explains? The answer is held against the model's
 * state on the path that came furthest, and against the commands that made this state.
 */
#include <string.h>

#include "tools/lab/judge_search.h"

static bool registers(const struct history_command *c)
{
	return (c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE) &&
	       c->action_key != 0;
}

static bool is_good(const struct judge_op *op)
{
	return op->result && op->result->outcome == HISTORY_GOOD;
}

/* ---- crashes ---- */

/* What others register is nothing that could hide what a crash did to somebody else. */
static bool hides_crash(const struct judge_op *mover, const struct judge_op *op)
{
	return history_op_is_pr_out(mover->command->op) && is_good(mover) &&
	       (!registers(mover->command) || mover->nexus == op->nexus);
}

/* Has nothing that matters been changed since a crash? Then the crash is to blame. */
static bool fresh_from_crash(const struct search *search, const struct judge_op *op)
{
	const struct judge_op *mover;
	uint32_t at = search->path;

	while ((mover = search_previous(search, &at)) != NULL) {
		if (mover->role == JUDGE_CRASHED)
			return true;
		if (mover->command && hides_crash(mover, op))
			return false;
	}
	return false;
}

/* Is the model's registration of this nexus one that a crash should have left? */
static bool registration_survived(const struct search *search, uint32_t nexus)
{
	const struct judge_op *mover;
	uint32_t at = search->path;

	while (search->lu.keys[nexus] != 0 && (mover = search_previous(search, &at)) != NULL) {
		const struct history_command *c = mover->command;
		if (mover->role == JUDGE_CRASHED)
			return true;
		if (c &&
		    ((mover->nexus == nexus && registers(c)) ||
		     (c->op == HISTORY_REGISTER_AND_MOVE && c->move_to == nexus) || c->all_tg_pt))
			return false;
	}
	return false;
}

/* Is the model's reservation one that a crash should have left? */
static bool reservation_survived(const struct search *search)
{
	const struct judge_op *mover;
	uint32_t at = search->path;

	while (search->lu.type != 0 && (mover = search_previous(search, &at)) != NULL) {
		const struct history_command *c = mover->command;
		if (mover->role == JUDGE_CRASHED)
			return true;
		if (c && (c->op == HISTORY_RESERVE || c->op == HISTORY_PREEMPT ||
			  c->op == HISTORY_PREEMPT_AND_ABORT || c->op == HISTORY_REGISTER_AND_MOVE))
			return false;
	}
	return false;
}

static uint32_t registrations_that_survived(const struct search *search)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < search->lu.nexus_count; i++)
		count += registration_survived(search, i);
	return count;
}

/* Is there a key that a crash should have left, and that is not among those that are shown? */
static bool surviving_key_is_missing(const struct search *search, const struct history_result *r)
{
	for (uint32_t i = 0; history_keys_are_all(r) && i < search->lu.nexus_count; i++) {
		uint64_t key = search->lu.keys[i];
		uint32_t shown = 0, there = 0;

		for (uint32_t k = 0; k < r->key_count; k++)
			shown += r->keys[k] == key;
		for (uint32_t n = 0; n < search->lu.nexus_count; n++)
			there += search->lu.keys[n] == key;
		if (shown < there && registration_survived(search, i))
			return true;
	}
	return false;
}

/* ---- what was before ---- */

static bool was_registered(const struct search *search, uint32_t nexus)
{
	const struct judge_op *mover;
	uint32_t at = search->path;

	while ((mover = search_previous(search, &at)) != NULL)
		if (mover->command && mover->nexus == nexus && registers(mover->command))
			return true;
	return false;
}

static bool reported_before(const struct search *search, const struct judge_op *op)
{
	const struct judge_op *mover;
	uint32_t at = search->path;

	while ((mover = search_previous(search, &at)) != NULL) {
		if (mover->nexus != op->nexus)
			continue;
		if (mover->role == JUDGE_SESSION_BEGIN)
			return false;
		if (mover->result && mover->result->outcome == HISTORY_CHECK &&
		    mover->result->sense_key == 6 && mover->result->asc == op->result->asc &&
		    mover->result->ascq == op->result->ascq)
			return true;
	}
	return false;
}

/* Does an SPC-2 reservation stand in the way of this? It keeps its own holder, too, from PERSISTENT
 * RESERVE IN and OUT. */
static bool kept_out_by_spc2(const struct search *search, const struct judge_op *op)
{
	uint32_t owner = search->lu.spc2_owner;

	return owner != (uint32_t)LU_NOBODY &&
	       (owner != op->nexus || history_op_is_pr_out(op->command->op) ||
		history_op_is_pr_in(op->command->op));
}

/* ---- the rules of each kind of command ---- */

static enum judge_rule rule_of_data(const struct search *search, const struct judge_op *op,
				    bool let_through)
{
	bool write =
		op->command->op == HISTORY_WRITE || op->command->access == HISTORY_ACCESS_WRITE;

	if (!let_through && registration_survived(search, op->nexus))
		return JUDGE_LOST_BY_CRASH;
	if (!let_through)
		return fresh_from_crash(search, op) ? JUDGE_KEPT_OVER_CRASH
						    : JUDGE_NEEDLESS_CONFLICT;
	if (op->found_on_medium)
		return JUDGE_FENCED_WRITE_ON_MEDIUM;
	if (kept_out_by_spc2(search, op))
		return JUDGE_SPC2_RESERVATION;
	if (reservation_survived(search))
		return JUDGE_LOST_BY_CRASH;
	if (!write)
		return JUDGE_READ_BY_STRANGER;
	return was_registered(search, op->nexus) && search->lu.keys[op->nexus] == 0
		       ? JUDGE_FENCED_WRITE_ACKNOWLEDGED
		       : JUDGE_WRITE_BY_STRANGER;
}

static enum judge_rule rule_of_holder(const struct search *search, const struct judge_op *op)
{
	if (op->result->holder_type == 0 && reservation_survived(search))
		return JUDGE_LOST_BY_CRASH;
	if (!fresh_from_crash(search, op))
		return JUDGE_HOLDER;
	return search->lu.type != 0 ? JUDGE_LOST_BY_CRASH : JUDGE_KEPT_OVER_CRASH;
}

static enum judge_rule rule_of_keys(const struct search *search, const struct judge_op *op)
{
	uint32_t shown = op->result->key_count, wanted = search->lu.registered;

	if (shown < wanted && registrations_that_survived(search) >= wanted - shown)
		return JUDGE_LOST_BY_CRASH;
	if (surviving_key_is_missing(search, op->result))
		return JUDGE_LOST_BY_CRASH;
	if (!fresh_from_crash(search, op))
		return JUDGE_KEYS;
	return shown > wanted ? JUDGE_KEPT_OVER_CRASH : JUDGE_LOST_BY_CRASH;
}

/* Can what is under way have brought PRGENERATION to where it is? Then something else is wrong. */
static bool generation_may_come(const struct search *search, const struct history_result *r)
{
	uint32_t ahead = r->generation - search->lu.generation, changes = 0;

	for (uint32_t i = 0; i < search->movers.count; i++) {
		const struct judge_op *mover = &search->ops->ops[search->movers.ops[i]];

		changes += !search_is_done(search, search->movers.ops[i]) && mover->command &&
			   history_op_is_pr_out(mover->command->op);
	}
	return r->generation > search->lu.generation && ahead <= changes;
}

static enum judge_rule rule_of_generation(const struct search *search, const struct judge_op *op)
{
	const struct history_result *r = op->result;
	enum history_op kind = op->command->op;

	if (!generation_may_come(search, r) || !fresh_from_crash(search, op))
		return JUDGE_GENERATION;
	if (kind == HISTORY_READ_RESERVATION)
		return (r->holder_type != 0) != (search->lu.type != 0) ? rule_of_holder(search, op)
								       : JUDGE_GENERATION;
	return (!r->cut_off && r->key_count != search->lu.registered) ||
			       surviving_key_is_missing(search, r)
		       ? rule_of_keys(search, op)
		       : JUDGE_GENERATION;
}

static enum judge_rule rule_of_pr_in(struct search *search, const struct judge_op *op)
{
	const char *field = "";

	if (kept_out_by_spc2(search, op))
		return JUDGE_SPC2_RESERVATION;
	if (lu_shows(&search->lu, op->command, op->result, &field))
		return JUDGE_ORDER;
	if (strcmp(field, "generation") == 0)
		return rule_of_generation(search, op);
	return strcmp(field, "keys") == 0 ? rule_of_keys(search, op) : rule_of_holder(search, op);
}

/* GOOD, where it had to be refused. */
static enum judge_rule rule_of_admitted(const struct search *search, const struct judge_op *op)
{
	bool registered = search->lu.keys[op->nexus] != 0;

	if (kept_out_by_spc2(search, op))
		return JUDGE_SPC2_RESERVATION;
	if ((op->command->op == HISTORY_RESERVE || op->command->op == HISTORY_RELEASE) &&
	    registered && reservation_survived(search))
		return JUDGE_LOST_BY_CRASH;
	if (!registered && fresh_from_crash(search, op))
		return JUDGE_KEPT_OVER_CRASH;
	return JUDGE_PR_OUT_ADMITTED;
}

/* The target takes who says so for the holder, of another type (SPC-4 5.13.11.2). */
static bool is_invalid_release(const struct history_result *r)
{
	return r->outcome == HISTORY_CHECK && r->sense_key == 5 && r->asc == 0x26 &&
	       r->ascq == 0x04;
}

static enum judge_rule rule_of_pr_out(const struct search *search, const struct judge_op *op,
				      const struct lu_answer *wanted)
{
	if (op->result->outcome == wanted->outcome)
		return JUDGE_ORDER;
	if (op->result->outcome == HISTORY_GOOD)
		return rule_of_admitted(search, op);
	if (registration_survived(search, op->nexus))
		return JUDGE_LOST_BY_CRASH;
	if (fresh_from_crash(search, op))
		return JUDGE_KEPT_OVER_CRASH;
	/* An answer for one who is not in the way of a reservation, which was to survive. */
	if (op->result->outcome == HISTORY_CHECK && reservation_survived(search))
		return JUDGE_LOST_BY_CRASH;
	if (op->result->outcome == HISTORY_CHECK && wanted->outcome == HISTORY_CONFLICT)
		return JUDGE_PR_OUT_ADMITTED;
	if (is_invalid_release(op->result) && wanted->outcome == HISTORY_GOOD)
		return JUDGE_HOLDER;
	if (op->result->outcome != HISTORY_CONFLICT)
		return JUDGE_ORDER;
	return wanted->outcome == HISTORY_GOOD ? JUDGE_NEEDLESS_CONFLICT : JUDGE_ORDER;
}

static enum judge_rule rule_of_spc2(const struct search *search, const struct judge_op *op)
{
	uint32_t registered = search->lu.registered;

	/* It is kept out by those who are registered: by nobody, if the crash has taken them. */
	if (op->result->outcome == HISTORY_GOOD && !kept_out_by_spc2(search, op) &&
	    registered > 0 && registrations_that_survived(search) == registered)
		return JUDGE_LOST_BY_CRASH;
	if (op->result->outcome == HISTORY_GOOD)
		return JUDGE_SPC2_RESERVATION;
	if (op->result->outcome != HISTORY_CONFLICT)
		return JUDGE_ORDER;
	return rule_of_data(search, op, false);
}

static bool is_spc2(const struct history_command *c)
{
	return c->op == HISTORY_SPC2_RESERVE || c->op == HISTORY_SPC2_RELEASE;
}

enum judge_rule search_rule_of(struct search *search, const struct judge_op *op,
			       const struct lu_answer *wanted)
{
	const struct history_result *r = op->result;

	if (!op->command)
		return JUDGE_ORDER;
	if (!r || op->found_on_medium)
		return rule_of_data(search, op, true);
	if (r->outcome == HISTORY_CHECK && r->sense_key == 6)
		return reported_before(search, op) && !lu_attention_pending(&search->lu, op->nexus)
			       ? JUDGE_UNIT_ATTENTION_TWICE
			       : JUDGE_UNIT_ATTENTION_WRONG;
	if (lu_attention_pending(&search->lu, op->nexus) && !search_was_clear(search, op) &&
	    lu_reports_attention(op->command))
		return JUDGE_UNIT_ATTENTION_LOST;
	if (history_op_is_pr_in(op->command->op))
		return r->outcome == HISTORY_GOOD ? rule_of_pr_in(search, op) : JUDGE_ORDER;
	if (history_op_is_pr_out(op->command->op))
		return rule_of_pr_out(search, op, wanted);
	if (is_spc2(op->command))
		return rule_of_spc2(search, op);
	return rule_of_data(search, op, r->outcome == HISTORY_GOOD);
}
