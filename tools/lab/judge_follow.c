/*
 * One step along the order that the target tells: the next change, what has to come before it, and
 * what it is not quoted with.
 */
#include <string.h>

#include "tools/lab/judge_search.h"

#define SKIPPED_MAX 4

/* Those that were told before the next change what this one makes due again. */
static void try_merged(struct search *search, uint32_t item, uint32_t closing)
{
	for (uint32_t k = 0; k < search->movers.count && !search->no_memory; k++) {
		uint32_t i = search->movers.ops[k];
		search_load(search, search->nodes.items[item]);
		if (!search_is_done(search, i) && search_led_merged(search, i))
			search_try(search, item, i, closing, SEARCH_ANY_GENERATION);
	}
}

/* The op cannot come before its nexus was told of a unit attention. */
static void note_blocked(struct search *search, uint32_t i)
{
	const struct judge_op *op = &search->ops->ops[i];

	if (op->command && !search_op_is_attention(op) && !search_may_answer(search, op))
		search->blocked[op->nexus] = true;
}

/* The next change that the target tells, or one that is just like it. */
static void try_next(struct search *search, uint32_t item, uint32_t next, uint32_t closing)
{
	const struct judge_op *op = &search->ops->ops[next];
	uint64_t generation =
		op->command && history_op_is_pr_out(op->command->op) && !search_op_is_attention(op)
			? op->generation_after
			: SEARCH_ANY_GENERATION;

	for (uint32_t k = 0; k < search->movers.count && !search->no_memory; k++) {
		uint32_t i = search->movers.ops[k];
		search_load(search, search->nodes.items[item]);
		if (search_is_done(search, i) || !search_led_may_stand_for(search, i, next))
			continue;
		note_blocked(search, i);
		search_try(search, item, i, closing, generation);
		if (search->lu.has_merged)
			try_merged(search, item, closing);
	}
}

/* One that cannot have been next lets the one behind it have its turn, if there is trouble. */
static uint32_t try_those_behind(struct search *search, uint32_t item, uint32_t next,
				 uint32_t closing)
{
	for (unsigned skipped = 0; skipped < SKIPPED_MAX && next != JUDGE_NO_OP; skipped++) {
		uint64_t states = search->states;
		search_load(search, search->nodes.items[item]);
		next = search_led_next(search, search->ops->ops[next].rank);
		if (next != JUDGE_NO_OP)
			try_next(search, item, next, closing);
		if (search->states != states)
			break;
	}
	return next;
}

static bool is_blocked(const struct search *search)
{
	return memchr(search->blocked, 1, search->lu.nexus_count) != NULL;
}

/* A nexus that has to be told of something first. */
static void try_blocked(struct search *search, uint32_t item, uint32_t closing)
{
	uint32_t own = search->ops->ops[closing].nexus;

	for (uint32_t k = 0; k < search->movers.count && !search->no_memory; k++) {
		uint32_t i = search->movers.ops[k];
		search_load(search, search->nodes.items[item]);
		if (!search_is_done(search, i) && search_led_is_blocked(search, i) &&
		    search->ops->ops[i].nexus != own)
			search_try(search, item, i, closing, SEARCH_ANY_GENERATION);
	}
}

void search_follow(struct search *search, uint32_t item, uint32_t closing)
{
	uint64_t states;
	uint32_t next;

	memset(search->blocked, false, search->lu.nexus_count);
	search_load(search, search->nodes.items[item]);
	next = search_led_next(search, JUDGE_NO_RANK);
	search_try_idle(search, item, closing);
	states = search->states;
	if (next != JUDGE_NO_OP)
		try_next(search, item, next, closing);
	if (search->states == states && search_obeys(search) && search_is_in_trouble(search))
		next = try_those_behind(search, item, next, closing);
	for (uint32_t k = 0; k < search->movers.count && !search->no_memory; k++) {
		uint32_t i = search->movers.ops[k];
		search_load(search, search->nodes.items[item]);
		if (i == next || search_is_done(search, i) ||
		    !search_led_may_come(search, i, next, closing))
			continue;
		note_blocked(search, i);
		lu_note_merged(&search->lu, true);
		search_try(search, item, i, closing, SEARCH_ANY_GENERATION);
		if (search->lu.has_merged)
			try_merged(search, item, closing);
	}
	if (is_blocked(search) || search_is_in_trouble(search))
		try_blocked(search, item, closing);
}
