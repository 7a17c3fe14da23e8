/*
 * Which part of a history is impossible by itself: a few nexuses whose answers cannot be explained,
 * up to the accused command, whatever all others were answered.
 */
#include <string.h>

#include "tools/lab/judge_smallest_small.h"

#define FOLLOWED_MAX	  5 /* nexuses */
#define EXACT_NEXUSES_MAX 8
#define EXACT_OPS_MAX	  200

/* ---- trials ---- */

enum trial_verdict small_try(struct small *small, struct trial trial, uint64_t states,
			     size_t *ret_step)
{
	size_t step = 0;
	enum trial_verdict verdict;

	trial.history = small->history;
	trial.ops = small->ops;
	trial.rules = small->rules;
	trial.attentions = small->attentions;
	trial.step_end = small->step_end;
	trial.states_max = states < small->states_left ? states : small->states_left;
	trial.states_left = &small->states_left;
	if (trial.states_max == 0)
		return TRIAL_TOO_LONG;
	verdict = trial_run(&trial, &step);
	small->no_memory |= verdict == TRIAL_NO_MEMORY;
	if (verdict == TRIAL_IMPOSSIBLE && ret_step)
		*ret_step = step;
	return verdict;
}

enum trial_verdict small_try_rough(struct small *small, uint64_t states, size_t *ret_step)
{
	return small_try(small, (struct trial){.kept = small->kept, .followed = small->followed},
			 states, ret_step);
}

enum trial_verdict small_try_exact(struct small *small, size_t *ret_step)
{
	return small_try(
		small,
		(struct trial){.kept = small->kept, .followed = small->all_followed, .exact = true},
		SMALL_STATES_EXACT, ret_step);
}

/* ---- where it happens ---- */

bool small_is_answered(const struct judge_op *op)
{
	return op->command && (op->role == JUDGE_PROBE || op->role == JUDGE_MOVER);
}

bool small_only_shows(const struct judge_op *op)
{
	return op->role == JUDGE_PROBE || op->result->outcome != HISTORY_GOOD;
}

/* The first step at which the op is over. */
size_t small_step_of_end(const struct small *small, uint32_t i)
{
	size_t at = small->ops->step_count;

	while (at > 0 && !(small->ops->steps[at - 1].closes && small->ops->steps[at - 1].op == i))
		at--;
	return at == 0 ? small->ops->step_count : at;
}

static void keep_all(struct small *small)
{
	for (uint32_t i = 0; i < small->ops->op_count; i++)
		small->kept[i] = small_is_answered(&small->ops->ops[i]);
}

/* What changes says more of what happened than what shows it. */
static void keep_movers(struct small *small)
{
	for (uint32_t i = 0; i < small->ops->op_count; i++)
		small->kept[i] = small_is_answered(&small->ops->ops[i]) &&
				 (i == small->accused || !small_only_shows(&small->ops->ops[i]));
}

/* With ALL_TG_PT, what one path of an initiator does is done to all of them. */
static void follow(struct small *small, uint32_t nexus)
{
	const struct history_nexus *nexuses = small->history->nexuses;

	small->followed[nexus] = true;
	for (uint32_t i = 0; i < small->ops->op_count; i++) {
		const struct judge_op *op = &small->ops->ops[i];
		if (!op->command || !op->command->all_tg_pt)
			continue;
		for (uint32_t n = 0; n < small->history->nexus_count; n++)
			if (strcmp(nexuses[n].name, nexuses[nexus].name) == 0 &&
			    memcmp(nexuses[n].isid, nexuses[nexus].isid, 6) == 0)
				small->followed[n] = true;
		return;
	}
}

/* Are the answers that are kept enough? */
static bool is_ground(struct small *small, bool attentive)
{
	size_t step;

	for (unsigned i = 0; i < 2; i++, attentive = !attentive) {
		if (small->accused != JUDGE_NO_OP)
			small->attentions[small->ops->ops[small->accused].nexus] = attentive;
		if (small_try_rough(small, SMALL_STATES_GROUND, &step) != TRIAL_IMPOSSIBLE)
			continue;
		small->step_end = step + 1;
		return true;
	}
	return false;
}

static bool is_of_attentions(enum judge_rule rule)
{
	return rule == JUDGE_UNIT_ATTENTION_LOST || rule == JUDGE_UNIT_ATTENTION_TWICE ||
	       rule == JUDGE_UNIT_ATTENTION_WRONG;
}

/* The next one to be followed: the accused's, those of the causes, the latest first, and those that
 * changed something last. HISTORY_NO_NEXUS: no more. */
static uint32_t next_nexus(const struct small *small, const struct judge_violation *violation)
{
	const struct judge_ops *ops = small->ops;
	uint32_t last = small->accused == JUDGE_NO_OP ? ops->op_count : small->accused;

	if (last < ops->op_count && !small->followed[ops->ops[last].nexus])
		return ops->ops[last].nexus;
	for (size_t i = violation->event_count; i-- > 0;) {
		uint32_t nexus = small->history->events[violation->events[i]].nexus;
		if (nexus != HISTORY_NO_NEXUS && !small->followed[nexus])
			return nexus;
	}
	for (uint32_t i = last; i-- > 0;) {
		const struct judge_op *op = &ops->ops[i];
		if (small_is_answered(op) && history_op_is_pr_out(op->command->op) &&
		    !small_only_shows(op) && !small->followed[op->nexus])
			return op->nexus;
	}
	return HISTORY_NO_NEXUS;
}

/* Nexuses of the causes, the latest first, are followed one after the other until what they changed
 * leaves no explanation for the accused; or else, what they changed and saw. */
static bool find_nexuses_before(struct small *small, const struct judge_violation *violation,
				size_t step_end)
{
	bool attentive = is_of_attentions(violation->rule);

	for (unsigned all = 0; all < 2; all++) {
		small->step_end = step_end;
		memset(small->followed, 0, small->history->nexus_count * sizeof(*small->followed));
		if (all)
			keep_all(small);
		else
			keep_movers(small);
		for (uint32_t count = 0; count < FOLLOWED_MAX; count++) {
			uint32_t nexus = next_nexus(small, violation);
			if (nexus == HISTORY_NO_NEXUS)
				break;
			follow(small, nexus);
			if (is_ground(small, attentive))
				return true;
		}
	}
	return false;
}

/* Up to the accused, if that is enough: what is wrong may show itself again and again. */
static bool find_nexuses(struct small *small, const struct judge_violation *violation)
{
	size_t end = small->ops->step_count;

	if (small->accused != JUDGE_NO_OP &&
	    find_nexuses_before(small, violation, small_step_of_end(small, small->accused)))
		return true;
	return find_nexuses_before(small, violation, end);
}

static void find_accused(struct small *small, const struct judge_violation *violation)
{
	for (uint32_t i = 0; i < small->ops->op_count; i++)
		if (small->ops->ops[i].command &&
		    small->ops->ops[i].opened_by == violation->accused)
			small->accused = i;
}

static bool is_miscount(struct small *small)
{
	keep_all(small);
	if (small->accused == JUDGE_NO_OP ||
	    !smallest_miscounts(small->ops, small->kept, small->accused))
		return false;
	small->step_end = small_step_of_end(small, small->accused);
	small->by_count = true;
	return true;
}

bool small_find_ground(struct small *small, const struct judge_violation *violation)
{
	size_t step;

	small->exact_affordable = small->history->nexus_count <= EXACT_NEXUSES_MAX &&
				  small->ops->op_count <= EXACT_OPS_MAX;
	find_accused(small, violation);
	if (violation->rule != JUDGE_GENERATION && find_nexuses(small, violation))
		return true;
	memcpy(small->followed, small->all_followed,
	       small->history->nexus_count * sizeof(*small->followed));
	if (is_miscount(small))
		return true;
	keep_all(small);
	small->step_end = small->ops->step_count;
	if (!small->exact_affordable || small_try_exact(small, &step) != TRIAL_IMPOSSIBLE)
		return false;
	small->step_end = step + 1;
	return true;
}
