/*
 * What an op does to one state of a trial, and which part each op has in it.
 */
#include <string.h>

#include "tools/lab/judge_smallest_walk.h"

#define STATES_AT_ONCE_MAX 60000

/* ---- the parts ---- */

static enum part find_part(const struct walk *walk, uint32_t i)
{
	const struct trial *trial = walk->trial;
	const struct judge_op *op = &walk->ops[i];
	bool followed = op->nexus < trial->history->nexus_count && trial->followed[op->nexus];

	if (!world_concerns(&walk->world, i) || (trial->silent && trial->silent[i]))
		return PART_NONE;
	if (!op->command)
		return op->role == JUDGE_CRASHED || followed ? PART_KEPT : PART_LOOSE;
	return followed && trial->kept[i] ? PART_KEPT : PART_LOOSE;
}

enum part walk_part(const struct walk *walk, uint32_t i)
{
	return (enum part)walk->parts[i];
}

bool walk_has_bits(const struct walk *walk, uint32_t i)
{
	return !walk->soup && walk->bits[i];
}

/* What is left out of a rough trial may be done again and again, unless nobody knows when it could
 * not any more. */
void walk_find_parts(struct walk *walk)
{
	for (uint32_t i = 0; i < walk->trial->ops->op_count; i++) {
		const struct judge_op *op = &walk->ops[i];
		enum part part = find_part(walk, i);
		walk->parts[i] = (uint8_t)part;
		walk->bits[i] = walk->trial->exact || part == PART_KEPT ||
				(op->role == JUDGE_MAYBE && walk->trial->followed[op->nexus]);
	}
}

/* ---- one op in one state ---- */

void walk_note_clear(struct walk *walk, uint32_t i)
{
	const struct judge_op *op = &walk->ops[i];

	if (op->command && walk_has_bits(walk, i) && world_is_attentive(&walk->world, op) &&
	    !lu_attention_pending(&walk->world.lu, walk->world.places[op->nexus]))
		walk_set_bit(walk->clear, op->slot);
}

static bool is_clear(const struct walk *walk, uint32_t i)
{
	const struct judge_op *op = &walk->ops[i];

	return !walk_has_bits(walk, i) || !world_is_attentive(&walk->world, op) ||
	       walk_bit(walk->clear, op->slot);
}

void walk_settle_probe(struct walk *walk, uint32_t i)
{
	const struct judge_op *op = &walk->ops[i];

	walk_note_clear(walk, i);
	if (!walk_bit(walk->done, op->slot) &&
	    (is_clear(walk, i) || !lu_reports_attention(op->command)) &&
	    world_fits(&walk->world, i))
		walk_set_bit(walk->done, op->slot);
}

static void settle(struct walk *walk)
{
	for (uint32_t k = 0; k < walk->open.count; k++)
		walk_note_clear(walk, walk->open.ops[k]);
	for (uint32_t k = 0; k < walk->probes.count; k++)
		walk_settle_probe(walk, walk->probes.ops[k]);
}

/* Whatever a session or the target had not done when it ended, it never will. */
static void drop_unanswered(struct walk *walk, const struct judge_op *end)
{
	for (uint32_t k = 0; k < walk->open.count; k++) {
		uint32_t i = walk->open.ops[k];
		if (judge_op_ends(end, &walk->ops[i]) && walk_has_bits(walk, i))
			walk_set_bit(walk->done, walk->ops[i].slot);
	}
}

/* The op came to this. */
static void take(void *taker)
{
	struct walk *walk = taker;
	const struct judge_op *op = &walk->ops[walk->applied];

	if (++walk->states > walk->trial->states_max || walk->count > STATES_AT_ONCE_MAX) {
		walk->too_long = true;
		return;
	}
	walk_load_bits(walk, walk->from);
	if (walk_has_bits(walk, walk->applied))
		walk_set_bit(walk->done, op->slot);
	if (!op->command)
		drop_unanswered(walk, op);
	settle(walk);
	walk_store(walk);
}

/* A crash comes after everything that was answered before it was seen. */
static bool crash_may_come(const struct walk *walk, const struct judge_op *crash)
{
	const struct op_list *lists[] = {&walk->open, &walk->probes};

	for (unsigned l = 0; l < 2; l++)
		for (uint32_t k = 0; k < lists[l]->count; k++) {
			uint32_t i = lists[l]->ops[k];
			const struct judge_op *op = &walk->ops[i];
			if (op->command && walk_part(walk, i) == PART_KEPT &&
			    op->opened_by < crash->opened_by && !walk_bit(walk->done, op->slot))
				return false;
		}
	return true;
}

void walk_try(struct walk *walk, size_t item, uint32_t i)
{
	const struct judge_op *op = &walk->ops[i];
	const struct config *config = walk->items[item];
	bool clear;

	walk_load(walk, config);
	if ((walk_has_bits(walk, i) && walk_bit(walk->done, op->slot)) ||
	    (op->role == JUDGE_CRASHED && !crash_may_come(walk, op)))
		return;
	clear = is_clear(walk, i);
	if (walk_part(walk, i) == PART_KEPT && op->command && !clear &&
	    lu_reports_attention(op->command) && op->result->outcome != HISTORY_CHECK)
		return;
	walk->applied = i;
	walk->from = config;
	world_try(&walk->world, config->words, i, clear, take, walk);
}
