/*
 * A trial: all states that are possible are carried through the history at once. Whenever an op
 * opens, it is tried in all of them, and whatever is open is tried in each that is new; when one
 * whose answer counts closes, the states in which it has not taken effect are gone. Nothing is left
 * out, so no state left is a proof.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_smallest_walk.h"

/* ---- ops open and close ---- */

static bool is_probe(const struct walk *walk, uint32_t i)
{
	return walk->ops[i].role == JUDGE_PROBE && walk_part(walk, i) == PART_KEPT;
}

/* Nothing that is done anew can come of it, if nothing came of its like. */
static bool is_known_futile(struct walk *walk, uint32_t i)
{
	uint64_t signature;
	struct tried *tried;

	if (walk_has_bits(walk, i))
		return false;
	signature = world_signature(&walk->world, i);
	HASH_FIND(hh, walk->tried, &signature, sizeof(signature), tried);
	return tried && tried->version == walk->version;
}

static void note_futile(struct walk *walk, uint32_t i)
{
	uint64_t signature;
	struct tried *tried;

	if (walk_has_bits(walk, i))
		return;
	signature = world_signature(&walk->world, i);
	HASH_FIND(hh, walk->tried, &signature, sizeof(signature), tried);
	if (!tried) {
		tried = malloc(sizeof(*tried));
		if (!tried) {
			walk->no_memory = true;
			return;
		}
		tried->signature = signature;
		HASH_ADD(hh, walk->tried, signature, sizeof(signature), tried);
	}
	tried->version = walk->version;
}

static bool is_over(const struct walk *walk)
{
	return walk->too_long || walk->no_memory || walk->world.lu.no_memory;
}

/* Tries the op in the first `known` states (JUDGE_NO_OP: none), and all that are open in the others
 * and in what comes of it. */
static void explore(struct walk *walk, uint32_t opened, size_t known)
{
	if (opened != JUDGE_NO_OP && known == walk->count && is_known_futile(walk, opened))
		return;
	for (size_t i = 0; i < known && opened != JUDGE_NO_OP && !is_over(walk); i++)
		walk_try(walk, i, opened);
	for (size_t i = known; i < walk->count && !is_over(walk); i++)
		for (uint32_t k = 0; k < walk->open.count && !is_over(walk); k++)
			walk_try(walk, i, walk->open.ops[k]);
	if (opened != JUDGE_NO_OP)
		note_futile(walk, opened);
}

/* What the op finds when it is opened. Returns how many states, the first ones, are as they were.
 */
static size_t look_around(struct walk *walk, uint32_t i)
{
	uint32_t slot = walk->ops[i].slot;
	size_t count, same;
	struct config **items = walk_take_out(walk, &count);

	for (unsigned changed = 0; changed < 2; changed++) {
		same = changed == 0 ? 0 : walk->count;
		for (size_t k = 0; k < count; k++) {
			if (!items[k])
				continue;
			walk_load(walk, items[k]);
			if (is_probe(walk, i))
				walk_settle_probe(walk, i);
			else
				walk_note_clear(walk, i);
			if ((walk_bit(walk->done, slot) || walk_bit(walk->clear, slot)) !=
			    (changed == 1))
				continue;
			walk_store(walk);
			free(items[k]);
			items[k] = NULL;
		}
	}
	free((void *)items);
	return same;
}

static void open_op(struct walk *walk, uint32_t i)
{
	size_t known = walk->count;

	if (is_probe(walk, i)) {
		walk->probes.ops[walk->probes.count++] = i;
		known = look_around(walk, i);
		explore(walk, JUDGE_NO_OP, known);
		return;
	}
	walk->open.ops[walk->open.count++] = i;
	if (walk_has_bits(walk, i) && world_is_attentive(&walk->world, &walk->ops[i]))
		known = look_around(walk, i);
	explore(walk, i, known);
}

static void unlist(struct op_list *list, uint32_t i)
{
	for (uint32_t k = 0; k < list->count; k++)
		if (list->ops[k] == i) {
			memmove(list->ops + k, list->ops + k + 1,
				(--list->count - k) * sizeof(*list->ops));
			return;
		}
}

/* Of the states in which `needed` is done, with the bits of what is open. */
static void keep(struct walk *walk, uint32_t needed, const uint64_t *mask)
{
	size_t count, image = walk->image_words, bits = walk->bit_words;
	struct config **items = walk_take_out(walk, &count);

	for (size_t k = 0; k < count; k++) {
		uint64_t *words = items[k]->words + image;
		if (needed != JUDGE_NO_OP && !walk_bit(words, walk->ops[needed].slot)) {
			free(items[k]);
			continue;
		}
		for (size_t w = 0; w < 2 * bits; w++)
			words[w] &= mask[w % bits];
		walk_add(walk, items[k]);
	}
	free((void *)items);
}

static void close_op(struct walk *walk, uint32_t i)
{
	const struct judge_op *op = &walk->ops[i];
	uint64_t *mask;
	bool had_bits = walk_has_bits(walk, i);

	unlist(&walk->open, i);
	unlist(&walk->probes, i);
	for (uint32_t k = walk->open.count; !op->command && k-- > 0;) {
		uint32_t other = walk->open.ops[k];
		if (!judge_op_ends(op, &walk->ops[other]))
			continue;
		had_bits |= walk_has_bits(walk, other);
		unlist(&walk->open, other);
	}
	if (!had_bits)
		return;
	mask = calloc(walk->bit_words, sizeof(*mask));
	if (!mask) {
		walk->no_memory = true;
		return;
	}
	for (uint32_t k = 0; k < walk->open.count; k++)
		walk_set_bit(mask, walk->ops[walk->open.ops[k]].slot);
	for (uint32_t k = 0; k < walk->probes.count; k++)
		walk_set_bit(mask, walk->ops[walk->probes.ops[k]].slot);
	keep(walk, walk_part(walk, i) == PART_KEPT ? i : JUDGE_NO_OP, mask);
	free(mask);
}

/* ---- what was before ---- */

/* The first step that has to do with an answer that counts. */
static size_t first_step(const struct walk *walk)
{
	const struct judge_ops *ops = walk->trial->ops;
	size_t at = 0;

	while (at < ops->step_count && at < walk->trial->step_end &&
	       !(walk->ops[ops->steps[at].op].command &&
		 walk_part(walk, ops->steps[at].op) == PART_KEPT))
		at++;
	return at;
}

static bool is_first_of_its_kind(struct walk *walk, uint32_t i)
{
	uint64_t signature = world_signature(&walk->world, i);
	struct tried *tried;

	HASH_FIND(hh, walk->tried, &signature, sizeof(signature), tried);
	if (tried)
		return false;
	tried = calloc(1, sizeof(*tried));
	if (!tried) {
		walk->no_memory = true;
		return false;
	}
	tried->signature = signature;
	HASH_ADD(hh, walk->tried, signature, sizeof(signature), tried);
	return true;
}

/* Before the first answer that counts, the order is not looked at: more is possible like that, and
 * it is found out once instead of again with every command. */
static void stir(struct walk *walk, size_t first)
{
	const struct judge_step *steps = walk->trial->ops->steps;

	walk->soup = true;
	for (size_t at = 0; at < first; at++)
		if (!steps[at].closes && walk_part(walk, steps[at].op) != PART_NONE &&
		    is_first_of_its_kind(walk, steps[at].op))
			walk->open.ops[walk->open.count++] = steps[at].op;
	explore(walk, JUDGE_NO_OP, 0);
	walk->open.count = 0;
	walk->soup = false;
	walk->version++;
}

/* Which of them are still open there? */
static void open_again(struct walk *walk, size_t first)
{
	const struct judge_step *steps = walk->trial->ops->steps;
	struct op_list still = {.ops = calloc(walk->trial->ops->op_count + 1u, sizeof(uint32_t))};

	if (!still.ops) {
		walk->no_memory = true;
		return;
	}
	for (size_t at = 0; at < first; at++) {
		uint32_t i = steps[at].op;
		if (walk_part(walk, i) == PART_NONE)
			continue;
		if (!steps[at].closes) {
			still.ops[still.count++] = i;
			continue;
		}
		unlist(&still, i);
		for (uint32_t k = still.count; !walk->ops[i].command && k-- > 0;)
			if (judge_op_ends(&walk->ops[i], &walk->ops[still.ops[k]]))
				unlist(&still, still.ops[k]);
	}
	for (uint32_t k = 0; k < still.count && !is_over(walk); k++)
		open_op(walk, still.ops[k]);
	free(still.ops);
}

/* ---- all ---- */

static enum trial_verdict run(struct walk *walk, size_t *ret_step)
{
	const struct judge_ops *ops = walk->trial->ops;
	size_t first = walk->trial->exact ? 0 : first_step(walk);

	if (first == ops->step_count || first == walk->trial->step_end)
		return TRIAL_POSSIBLE;
	if (first > 0) {
		stir(walk, first);
		open_again(walk, first);
	}
	for (size_t at = first; at < ops->step_count && at < walk->trial->step_end; at++) {
		struct judge_step step = ops->steps[at];
		if (walk_part(walk, step.op) == PART_NONE)
			continue;
		if (step.closes)
			close_op(walk, step.op);
		else
			open_op(walk, step.op);
		if (walk->no_memory || walk->world.lu.no_memory)
			return TRIAL_NO_MEMORY;
		if (walk->too_long)
			return TRIAL_TOO_LONG;
		if (walk->count == 0) {
			*ret_step = at;
			return TRIAL_IMPOSSIBLE;
		}
	}
	return TRIAL_POSSIBLE;
}

static bool init(struct walk *walk)
{
	size_t slots = walk->trial->ops->slot_count + 1u;

	walk->open.ops = calloc(walk->trial->ops->op_count + 1u, sizeof(*walk->open.ops));
	walk->probes.ops = calloc(slots, sizeof(*walk->probes.ops));
	walk->bit_words = slots / 64 + 1;
	walk->done = calloc(walk->bit_words, sizeof(*walk->done));
	walk->clear = calloc(walk->bit_words, sizeof(*walk->clear));
	walk->parts = calloc(walk->trial->ops->op_count + 1u, sizeof(*walk->parts));
	walk->bits = calloc(walk->trial->ops->op_count + 1u, sizeof(*walk->bits));
	if (!world_init(&walk->world, walk->trial) || !walk->open.ops || !walk->probes.ops ||
	    !walk->done || !walk->clear || !walk->parts || !walk->bits)
		return false;
	walk_find_parts(walk);
	walk->image_words =
		(lu_image_len(&walk->world.lu) + sizeof(uint64_t) - 1) / sizeof(uint64_t);
	walk->draft = calloc(1, sizeof(*walk->draft) + walk_words(walk) * sizeof(uint64_t));
	if (!walk->draft)
		return false;
	walk_store(walk);
	return !walk->no_memory;
}

static void finish(struct walk *walk)
{
	struct tried *tried, *next;

	walk_empty(walk);
	free((void *)walk->items);
	free(walk->draft);
	HASH_ITER(hh, walk->tried, tried, next)
	{
		HASH_DEL(walk->tried, tried);
		free(tried);
	}
	free(walk->open.ops);
	free(walk->probes.ops);
	free(walk->done);
	free(walk->clear);
	free(walk->parts);
	free(walk->bits);
	world_finish(&walk->world);
}

enum trial_verdict trial_run(const struct trial *trial, size_t *ret_step)
{
	struct walk walk = {.trial = trial, .ops = trial->ops->ops};
	enum trial_verdict verdict = init(&walk) ? run(&walk, ret_step) : TRIAL_NO_MEMORY;

	if (trial->states_left)
		*trial->states_left -=
			walk.states < *trial->states_left ? walk.states : *trial->states_left;
	finish(&walk);
	return verdict;
}
