/*
 * A small number for each op while it is open, so that a configuration needs a bit for each.
 */
#include <stdlib.h>

#include "tools/lab/judge_internal.h"

bool judge_op_ends(const struct judge_op *end, const struct judge_op *op)
{
	return (op->role == JUDGE_MAYBE || op->role == JUDGE_UNHEARD) &&
	       (end->role == JUDGE_CRASHED ||
		(end->role == JUDGE_SESSION_END && end->nexus == op->nexus));
}

struct slots {
	uint32_t *taken; /* by which op; JUDGE_NO_OP: free */
	uint32_t *unused;
	uint32_t count, unused_count;
};

static void open_slot(struct slots *slots, struct judge_op *ops, uint32_t i)
{
	ops[i].slot =
		slots->unused_count > 0 ? slots->unused[--slots->unused_count] : slots->count++;
	slots->taken[ops[i].slot] = i;
}

static void free_slot(struct slots *slots, uint32_t slot)
{
	slots->taken[slot] = JUDGE_NO_OP;
	slots->unused[slots->unused_count++] = slot;
}

static void close_slots(struct slots *slots, const struct judge_op *ops, uint32_t i)
{
	free_slot(slots, ops[i].slot);
	if (ops[i].role != JUDGE_SESSION_END && ops[i].role != JUDGE_CRASHED)
		return;
	for (uint32_t slot = 0; slot < slots->count; slot++)
		if (slots->taken[slot] != JUDGE_NO_OP &&
		    judge_op_ends(&ops[i], &ops[slots->taken[slot]]))
			free_slot(slots, slot);
}

bool judge_ops_assign_slots(struct judge_ops *out)
{
	struct slots slots = {.count = 0};

	slots.taken = malloc((out->op_count + 1) * sizeof(*slots.taken));
	slots.unused = malloc((out->op_count + 1) * sizeof(*slots.unused));
	for (size_t i = 0; slots.taken && slots.unused && i < out->step_count; i++) {
		if (out->steps[i].closes)
			close_slots(&slots, out->ops, out->steps[i].op);
		else
			open_slot(&slots, out->ops, out->steps[i].op);
	}
	out->slot_count = slots.count;
	free(slots.taken);
	free(slots.unused);
	return slots.taken && slots.unused;
}
