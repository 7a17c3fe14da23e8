/*
 * PRGENERATION by itself: between two views of it (or since the target's start) it grows by at
 * least what surely was counted, and by at most what may have been.
 */
#include "tools/lab/judge_smallest.h"

#define VIEWS_BACK 16 /* earlier views that one is held against */

/* Where PRGENERATION is known: from `opened` to `closed`, events. */
struct known {
	size_t opened, closed;
	uint32_t generation;
};

static bool is_good(const struct judge_op *op)
{
	return op->role == JUDGE_MOVER && op->result->outcome == HISTORY_GOOD;
}

static bool shows_generation(const struct judge_op *op)
{
	return op->role == JUDGE_PROBE && op->command && op->result &&
	       op->result->outcome == HISTORY_GOOD && history_op_is_pr_in(op->command->op) &&
	       op->command->op != HISTORY_REPORT_CAPABILITIES;
}

/* If it is GOOD, that counts: at once, or only if it changes something. */
static bool counts(const struct history_command *c, bool surely)
{
	if (c->op == HISTORY_REGISTER)
		return c->action_key != 0 || c->key != 0;
	if (c->op == HISTORY_REGISTER_AND_IGNORE)
		return c->action_key != 0 || !surely;
	return c->op == HISTORY_REGISTER_AND_MOVE || c->op == HISTORY_CLEAR ||
	       c->op == HISTORY_PREEMPT || c->op == HISTORY_PREEMPT_AND_ABORT;
}

static bool contradicts(const struct judge_ops *ops, const bool *kept, const struct known *from,
			const struct judge_op *view)
{
	uint64_t least = from->generation, most = least;

	for (uint32_t i = 0; i < ops->op_count; i++) {
		const struct judge_op *op = &ops->ops[i];
		if (op->opened_by >= view->closed_by)
			break;
		if (op->closed_by < from->opened || !op->command)
			continue;
		/* What nobody answered may be from long ago. */
		if (kept[i] && is_good(op) && counts(op->command, true) &&
		    op->opened_by > from->closed && op->closed_by < view->opened_by)
			least++;
		if ((!kept[i] || is_good(op)) && counts(op->command, false))
			most++;
	}
	return view->result->generation < least || view->result->generation > most;
}

/* Ops are in the order in which they were opened. */
bool smallest_miscounts(const struct judge_ops *ops, const bool *kept, uint32_t shown)
{
	const struct judge_op *view = &ops->ops[shown];
	struct known start = {.opened = 0, .closed = 0, .generation = 0};
	unsigned views = 0;

	if (!shows_generation(view) || !kept[shown])
		return false;
	for (uint32_t i = shown; i-- > 0;)
		if (ops->ops[i].role == JUDGE_CRASHED) {
			if (ops->ops[i].closed_by >= view->opened_by)
				return false;
			start.opened = ops->ops[i].opened_by;
			start.closed = ops->ops[i].closed_by;
			break;
		}
	for (uint32_t i = shown + 1; i < ops->op_count && ops->ops[i].opened_by < view->closed_by;
	     i++)
		if (ops->ops[i].role == JUDGE_CRASHED)
			return false;
	for (uint32_t i = shown; i-- > 0 && views < VIEWS_BACK;) {
		const struct judge_op *op = &ops->ops[i];
		if (op->opened_by <= start.closed)
			break;
		if (!kept[i] || !shows_generation(op) || op->closed_by >= view->opened_by)
			continue;
		views++;
		if (contradicts(
			    ops, kept,
			    &(struct known){op->opened_by, op->closed_by, op->result->generation},
			    view))
			return true;
	}
	return contradicts(ops, kept, &start, view);
}
