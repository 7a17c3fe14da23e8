/*
 * Answers are taken away as long as the rest is impossible. In the end each single one has to be
 * needed: an order is found for the others, in an exact trial.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_smallest_small.h"

/* ---- taking away ---- */

static bool is_impossible(struct small *small)
{
	if (small->by_count)
		return smallest_miscounts(small->ops, small->kept, small->accused) ||
		       (small->exact_affordable &&
			small_try_exact(small, NULL) == TRIAL_IMPOSSIBLE);
	return small_try_rough(small, SMALL_STATES_ROUGH, NULL) == TRIAL_IMPOSSIBLE ||
	       (small->exact_affordable && small_try_exact(small, NULL) == TRIAL_IMPOSSIBLE);
}

void small_put_in_order(struct small *small)
{
	const struct judge_ops *ops = small->ops;
	size_t end = ops->steps[small->step_end - 1].event;

	small->count = 0;
	for (unsigned round = 0; round < 2; round++)
		for (uint32_t i = 0; i < ops->op_count; i++) {
			const struct judge_op *op = &ops->ops[i];
			if (small->kept[i] && small_only_shows(op) == (round == 0) &&
			    small->followed[op->nexus] && op->opened_by < end)
				small->order[small->count++] = i;
		}
	memset(small->kept, 0, ops->op_count * sizeof(*small->kept));
	for (uint32_t k = 0; k < small->count; k++)
		small->kept[small->order[k]] = true;
}

static void set_kept(struct small *small, uint32_t from, uint32_t count, bool kept)
{
	for (uint32_t k = from; k < from + count; k++)
		small->kept[small->order[k]] = kept;
}

/* Takes them away if the rest is still impossible. */
static bool take_away(struct small *small, uint32_t from, uint32_t count)
{
	set_kept(small, from, count, false);
	if (is_impossible(small)) {
		memmove(small->order + from, small->order + from + count,
			(small->count - from - count) * sizeof(*small->order));
		small->count -= count;
		return true;
	}
	set_kept(small, from, count, true);
	return false;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* How few of the youngest are enough? */
static void forget_old(struct small *small)
{
	uint32_t count = small->count;

	qsort(small->order, count, sizeof(*small->order), by_number);
	for (uint32_t recent = 8; recent < count; recent *= 2) {
		set_kept(small, 0, count - recent, false);
		if (is_impossible(small))
			break;
		set_kept(small, 0, count - recent, true);
	}
	small_put_in_order(small);
}

void small_take_away_many(struct small *small)
{
	forget_old(small);
	for (uint32_t many = small->count / 2; many > 1; many /= 2)
		for (uint32_t from = 0; from + many <= small->count && !small->no_memory;)
			if (!take_away(small, from, many))
				from += many;
}

/* ---- is each one needed? ---- */

/* Nothing that was left out ever happened, or only what was GOOD and `close` enough. */
static bool is_possible_with(struct small *small, uint32_t recent)
{
	const struct judge_ops *ops = small->ops;
	size_t end = ops->steps[small->step_end - 1].event;
	uint32_t seen = 0;

	for (uint32_t i = ops->op_count; i-- > 0;) {
		const struct judge_op *op = &ops->ops[i];
		bool likely = op->role == JUDGE_MAYBE || (op->role == JUDGE_MOVER && op->command &&
							  op->result->outcome == HISTORY_GOOD);
		small->silent[i] = op->command && !small->kept[i];
		if (small->silent[i] && likely && op->opened_by < end && seen < recent) {
			small->silent[i] = false;
			seen++;
		}
	}
	return small_try(small,
			 (struct trial){.kept = small->kept,
					.followed = small->all_followed,
					.silent = small->silent,
					.exact = true},
			 SMALL_STATES_FEW, NULL) == TRIAL_POSSIBLE;
}

/* Everything was as it was answered, but for the youngest changes and the one that was taken away,
 * which may have been anything; `seen`: and but for what only shows. */
static bool is_possible_lately(struct small *small, uint32_t taken, uint32_t recent, bool seen)
{
	const struct judge_ops *ops = small->ops;
	size_t end = ops->steps[small->step_end - 1].event;
	struct trial trial = {.kept = small->others,
			      .followed = small->all_followed,
			      .silent = small->silent,
			      .exact = true};

	for (uint32_t i = ops->op_count; i-- > 0;) {
		const struct judge_op *op = &ops->ops[i];
		bool loose = i == taken;
		if (!loose && op->command && !small->kept[i] && op->opened_by < end && recent > 0 &&
		    history_op_is_pr_out(op->command->op)) {
			loose = true;
			recent--;
		}
		small->others[i] = small->kept[i] || (!loose && small_is_answered(op) &&
						      (seen || !small_only_shows(op)));
		small->silent[i] = op->command && !small->others[i] && !loose;
	}
	return small_try(small, trial, SMALL_STATES_FEW, NULL) == TRIAL_POSSIBLE;
}

/* With what was left out as far as it helps, the likeliest first; at last with all of it. */
static enum trial_verdict try_without(struct small *small, uint32_t taken)
{
	if (is_possible_with(small, 0) || is_possible_lately(small, taken, 0, true) ||
	    is_possible_lately(small, taken, 0, false) ||
	    is_possible_lately(small, taken, 4, false) ||
	    is_possible_lately(small, taken, 12, false) || is_possible_with(small, 4) ||
	    is_possible_with(small, 12) || is_possible_with(small, 40))
		return TRIAL_POSSIBLE;
	return small_try_exact(small, NULL);
}

/* Each that is kept counts, also if it was still under way when the search was stuck. */
static void see_all_out(struct small *small)
{
	for (uint32_t k = 0; k < small->count; k++) {
		size_t end = small_step_of_end(small, small->order[k]);
		small->step_end = end > small->step_end ? end : small->step_end;
	}
}

/* False: one more could be taken away. */
static bool prove_each(struct small *small)
{
	small->proven = true;
	for (uint32_t k = 0; k < small->count && !small->no_memory; k++) {
		uint32_t op = small->order[k];
		enum trial_verdict verdict;

		small->kept[op] = false;
		verdict = try_without(small, op);
		if (verdict == TRIAL_IMPOSSIBLE) {
			memmove(small->order + k, small->order + k + 1,
				(small->count - k - 1) * sizeof(*small->order));
			small->count--;
			return false;
		}
		small->kept[op] = true;
		small->proven &= verdict == TRIAL_POSSIBLE;
	}
	return true;
}

void small_take_away_singly(struct small *small)
{
	see_all_out(small);
	for (uint32_t k = 0; k < small->count && !small->no_memory;)
		if (!take_away(small, k, 1))
			k++;
	while (!prove_each(small))
		;
}
