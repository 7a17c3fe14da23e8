/*
 * What later commands say of resets: each one tells a nexus once. A nexus that is told more often
 * than resets are left to tell it is on a wrong turn.
 */
#include <stdlib.h>

#include "tools/lab/judge_search.h"

static bool is_told(const struct judge_op *op)
{
	return op->command && search_op_is_attention(op) &&
	       (lu_attention_kinds(op->result->asc, op->result->ascq) & LU_UA_RESET) != 0;
}

bool search_look_ahead_resets(struct search *search)
{
	const struct judge_ops *ops = search->ops;
	struct ahead *ahead = &search->ahead;
	size_t next = SIZE_MAX;

	ahead->next_reset = malloc((ops->step_count + 1) * sizeof(*ahead->next_reset));
	if (!ahead->next_reset)
		return false;
	ahead->next_reset[ops->step_count] = SIZE_MAX;
	for (size_t at = ops->step_count; at-- > 0;) {
		if (!ops->steps[at].closes && judge_op_is_reset(&ops->ops[ops->steps[at].op]))
			next = at;
		ahead->next_reset[at] = next;
	}
	return true;
}

void search_finish_ahead_resets(struct search *search)
{
	free(search->ahead.next_reset);
}

struct count {
	unsigned there, told; /* what there is to tell, and how often it is told before the next */
	bool renewed;	      /* its session ends or begins */
};

static struct count count_open(const struct search *search, uint32_t nexus, size_t until)
{
	const struct lu *lu = &search->lu;
	struct count count = {.there = (lu->pending[nexus] & LU_UA_RESET) != 0};

	count.there += (lu->maybe[nexus] & LU_UA_RESET) != 0;
	for (uint32_t k = 0; k < search->movers.count; k++) {
		uint32_t i = search->movers.ops[k];
		const struct judge_op *op = &search->ops->ops[i];
		if (search_is_done(search, i))
			continue;
		count.there += judge_op_is_reset(op);
		count.told += op->nexus == nexus && is_told(op) && search->ahead.closes[i] < until;
		count.renewed |= op->role == JUDGE_CRASHED ||
				 (op->nexus == nexus && (op->role == JUDGE_SESSION_BEGIN ||
							 op->role == JUDGE_SESSION_END));
	}
	return count;
}

static bool is_told_too_often(const struct search *search, uint32_t nexus)
{
	const struct ahead *ahead = &search->ahead;
	size_t until = ahead->next_reset[search->at + 1];
	uint32_t i = search_first_later(search, nexus, search->at + 1);
	struct count count;

	if (ahead->next_crash[search->at] < until)
		until = ahead->next_crash[search->at];
	count = count_open(search, nexus, until);
	for (; !count.renewed && count.told <= count.there && i < ahead->first_of_nexus[nexus + 1];
	     i++) {
		const struct judge_op *op = &search->ops->ops[ahead->of_nexus[i].op];
		if (op->role == JUDGE_SESSION_END || ahead->of_nexus[i].at > until)
			break;
		count.told += op->nexus == nexus && is_told(op) &&
			      ahead->closes[ahead->of_nexus[i].op] < until;
	}
	return !count.renewed && count.told > count.there;
}

bool search_lacks_reset(struct search *search, uint32_t applied)
{
	const struct judge_op *op = &search->ops->ops[applied];

	if (!search->lu.rules->unit_attentions || search->crash != JUDGE_NO_OP)
		return false;
	if (is_told(op))
		return is_told_too_often(search, op->nexus);
	for (uint32_t n = 0; judge_op_is_reset(op) && n < search->lu.nexus_count; n++)
		if (is_told_too_often(search, n))
			return true;
	return false;
}
