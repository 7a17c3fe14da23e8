/*
 * A trial: all states that are possible are carried through the history at once. Whenever an op
 * opens, it is tried in all of them, and whatever is open is tried in each that is new; when one
 * whose answer counts closes, the states in which it has not taken effect are gone. Nothing is left
 * out, so no state left is a proof.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_smallest.h"

#define STATES_AT_ONCE_MAX 60000

enum part {
	PART_NONE = 0, /* nothing to do with the trial */
	PART_KEPT,     /* takes effect, and is answered as it was */
	PART_LOOSE,    /* may take effect */
};

/* A state, then a bit for each slot: its op is done; a unit attention did not keep it. */
struct config {
	UT_hash_handle hh;
	uint64_t words[];
};

/* What had nothing to add the last time, and when that was. */
struct tried {
	uint64_t signature, version;
	UT_hash_handle hh;
};

struct op_list {
	uint32_t *ops;
	uint32_t count;
};

struct walk {
	const struct trial *trial;
	const struct judge_op *ops;
	struct world world;
	size_t image_words, bit_words;
	struct config *table, **items;
	struct config *draft; /* for the next one */
	size_t count, capacity;
	struct op_list open, probes;
	uint64_t *done, *clear;	   /* of the state at hand */
	const struct config *from; /* the state before the op that is being tried */
	uint8_t *parts;
	bool *bits; /* of each op: is it known whether it is done? */
	struct tried *tried;
	uint32_t applied; /* the op that is being tried */
	uint64_t version; /* of the set: changes with it */
	uint64_t states;
	bool soup; /* before the first that counts: everything as often as it likes */
	bool too_long, no_memory;
};

/* ---- bits ---- */

static bool bit(const uint64_t *bits, uint32_t slot)
{
	return (bits[slot / 64] >> slot % 64 & 1) != 0;
}

static void set_bit(uint64_t *bits, uint32_t slot)
{
	bits[slot / 64] |= 1ull << slot % 64;
}

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

static enum part part_of(const struct walk *walk, uint32_t i)
{
	return (enum part)walk->parts[i];
}

static bool has_bits(const struct walk *walk, uint32_t i)
{
	return !walk->soup && walk->bits[i];
}

/* What is left out of a rough trial may be done again and again, unless nobody knows when it could
 * not any more. */
static void find_parts(struct walk *walk)
{
	for (uint32_t i = 0; i < walk->trial->ops->op_count; i++) {
		const struct judge_op *op = &walk->ops[i];
		enum part part = find_part(walk, i);
		walk->parts[i] = (uint8_t)part;
		walk->bits[i] = walk->trial->exact || part == PART_KEPT ||
				(op->role == JUDGE_MAYBE && walk->trial->followed[op->nexus]);
	}
}

/* ---- the set ---- */

static size_t words_of(const struct walk *walk)
{
	return walk->image_words + 2 * walk->bit_words;
}

static bool is_known(const struct walk *walk, const struct config *config)
{
	struct config *known;

	HASH_FIND(hh, walk->table, config->words, words_of(walk) * sizeof(uint64_t), known);
	return known != NULL;
}

/* Takes it over. */
static void add(struct walk *walk, struct config *config)
{
	if (is_known(walk, config)) {
		free(config);
		return;
	}
	if (walk->count == walk->capacity) {
		size_t capacity = walk->capacity == 0 ? 256 : 2 * walk->capacity;
		struct config **items = realloc((void *)walk->items, capacity * sizeof(void *));
		if (!items) {
			free(config);
			walk->no_memory = true;
			return;
		}
		walk->items = items;
		walk->capacity = capacity;
	}
	walk->items[walk->count++] = config;
	walk->version++;
	HASH_ADD_KEYPTR(hh, walk->table, config->words, words_of(walk) * sizeof(uint64_t), config);
}

/* The state at hand, with its bits. */
static void store(struct walk *walk)
{
	size_t image = walk->image_words, bits = walk->bit_words;
	struct config *config = walk->draft;

	lu_save(&walk->world.lu, config->words);
	memcpy(config->words + image, walk->done, bits * sizeof(uint64_t));
	memcpy(config->words + image + bits, walk->clear, bits * sizeof(uint64_t));
	if (is_known(walk, config))
		return;
	walk->draft = calloc(1, sizeof(*config) + words_of(walk) * sizeof(uint64_t));
	if (!walk->draft) {
		walk->draft = config;
		walk->no_memory = true;
		return;
	}
	add(walk, config);
}

static void load_bits(struct walk *walk, const struct config *config)
{
	size_t image = walk->image_words, bits = walk->bit_words;

	memcpy(walk->done, config->words + image, bits * sizeof(uint64_t));
	memcpy(walk->clear, config->words + image + bits, bits * sizeof(uint64_t));
}

static void load(struct walk *walk, const struct config *config)
{
	lu_load(&walk->world.lu, config->words);
	load_bits(walk, config);
}

static void empty(struct walk *walk)
{
	HASH_CLEAR(hh, walk->table);
	for (size_t i = 0; i < walk->count; i++)
		free(walk->items[i]);
	walk->count = 0;
}

/* ---- one op in one state ---- */

static void note_clear(struct walk *walk, uint32_t i)
{
	const struct judge_op *op = &walk->ops[i];

	if (op->command && has_bits(walk, i) && world_is_attentive(&walk->world, op) &&
	    !lu_attention_pending(&walk->world.lu, walk->world.places[op->nexus]))
		set_bit(walk->clear, op->slot);
}

static bool is_clear(const struct walk *walk, uint32_t i)
{
	const struct judge_op *op = &walk->ops[i];

	return !has_bits(walk, i) || !world_is_attentive(&walk->world, op) ||
	       bit(walk->clear, op->slot);
}

static void settle_probe(struct walk *walk, uint32_t i)
{
	const struct judge_op *op = &walk->ops[i];

	note_clear(walk, i);
	if (!bit(walk->done, op->slot) &&
	    (is_clear(walk, i) || !lu_reports_attention(op->command)) &&
	    world_fits(&walk->world, i))
		set_bit(walk->done, op->slot);
}

static void settle(struct walk *walk)
{
	for (uint32_t k = 0; k < walk->open.count; k++)
		note_clear(walk, walk->open.ops[k]);
	for (uint32_t k = 0; k < walk->probes.count; k++)
		settle_probe(walk, walk->probes.ops[k]);
}

/* Whatever a session or the target had not done when it ended, it never will. */
static void drop_unanswered(struct walk *walk, const struct judge_op *end)
{
	for (uint32_t k = 0; k < walk->open.count; k++) {
		uint32_t i = walk->open.ops[k];
		if (judge_op_ends(end, &walk->ops[i]) && has_bits(walk, i))
			set_bit(walk->done, walk->ops[i].slot);
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
	load_bits(walk, walk->from);
	if (has_bits(walk, walk->applied))
		set_bit(walk->done, op->slot);
	if (!op->command)
		drop_unanswered(walk, op);
	settle(walk);
	store(walk);
}

/* A crash comes after everything that was answered before it was seen. */
static bool crash_may_come(const struct walk *walk, const struct judge_op *crash)
{
	const struct op_list *lists[] = {&walk->open, &walk->probes};

	for (unsigned l = 0; l < 2; l++)
		for (uint32_t k = 0; k < lists[l]->count; k++) {
			uint32_t i = lists[l]->ops[k];
			const struct judge_op *op = &walk->ops[i];
			if (op->command && part_of(walk, i) == PART_KEPT &&
			    op->opened_by < crash->opened_by && !bit(walk->done, op->slot))
				return false;
		}
	return true;
}

static void try_op(struct walk *walk, size_t item, uint32_t i)
{
	const struct judge_op *op = &walk->ops[i];
	const struct config *config = walk->items[item];
	bool clear;

	load(walk, config);
	if ((has_bits(walk, i) && bit(walk->done, op->slot)) ||
	    (op->role == JUDGE_CRASHED && !crash_may_come(walk, op)))
		return;
	clear = is_clear(walk, i);
	if (part_of(walk, i) == PART_KEPT && op->command && !clear &&
	    lu_reports_attention(op->command) && op->result->outcome != HISTORY_CHECK)
		return;
	walk->applied = i;
	walk->from = config;
	world_try(&walk->world, config->words, i, clear, take, walk);
}

/* ---- ops open and close ---- */

static bool is_probe(const struct walk *walk, uint32_t i)
{
	return walk->ops[i].role == JUDGE_PROBE && part_of(walk, i) == PART_KEPT;
}

/* Nothing that is done anew can come of it, if nothing came of its like. */
static bool is_known_futile(struct walk *walk, uint32_t i)
{
	uint64_t signature;
	struct tried *tried;

	if (has_bits(walk, i))
		return false;
	signature = world_signature(&walk->world, i);
	HASH_FIND(hh, walk->tried, &signature, sizeof(signature), tried);
	return tried && tried->version == walk->version;
}

static void note_futile(struct walk *walk, uint32_t i)
{
	uint64_t signature;
	struct tried *tried;

	if (has_bits(walk, i))
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
		try_op(walk, i, opened);
	for (size_t i = known; i < walk->count && !is_over(walk); i++)
		for (uint32_t k = 0; k < walk->open.count && !is_over(walk); k++)
			try_op(walk, i, walk->open.ops[k]);
	if (opened != JUDGE_NO_OP)
		note_futile(walk, opened);
}

/* Takes the states out, to put them in again changed, or not at all. */
static struct config **take_out(struct walk *walk, size_t *ret_count)
{
	struct config **items = walk->items;

	*ret_count = walk->count;
	HASH_CLEAR(hh, walk->table);
	walk->items = NULL;
	walk->count = walk->capacity = 0;
	walk->version++;
	return items;
}

/* What the op finds when it is opened. Returns how many states, the first ones, are as they were.
 */
static size_t look_around(struct walk *walk, uint32_t i)
{
	uint32_t slot = walk->ops[i].slot;
	size_t count, same;
	struct config **items = take_out(walk, &count);

	for (unsigned changed = 0; changed < 2; changed++) {
		same = changed == 0 ? 0 : walk->count;
		for (size_t k = 0; k < count; k++) {
			if (!items[k])
				continue;
			load(walk, items[k]);
			if (is_probe(walk, i))
				settle_probe(walk, i);
			else
				note_clear(walk, i);
			if ((bit(walk->done, slot) || bit(walk->clear, slot)) != (changed == 1))
				continue;
			store(walk);
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
	if (has_bits(walk, i) && world_is_attentive(&walk->world, &walk->ops[i]))
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
	struct config **items = take_out(walk, &count);

	for (size_t k = 0; k < count; k++) {
		uint64_t *words = items[k]->words + image;
		if (needed != JUDGE_NO_OP && !bit(words, walk->ops[needed].slot)) {
			free(items[k]);
			continue;
		}
		for (size_t w = 0; w < 2 * bits; w++)
			words[w] &= mask[w % bits];
		add(walk, items[k]);
	}
	free((void *)items);
}

static void close_op(struct walk *walk, uint32_t i)
{
	const struct judge_op *op = &walk->ops[i];
	uint64_t *mask;
	bool had_bits = has_bits(walk, i);

	unlist(&walk->open, i);
	unlist(&walk->probes, i);
	for (uint32_t k = walk->open.count; !op->command && k-- > 0;) {
		uint32_t other = walk->open.ops[k];
		if (!judge_op_ends(op, &walk->ops[other]))
			continue;
		had_bits |= has_bits(walk, other);
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
		set_bit(mask, walk->ops[walk->open.ops[k]].slot);
	for (uint32_t k = 0; k < walk->probes.count; k++)
		set_bit(mask, walk->ops[walk->probes.ops[k]].slot);
	keep(walk, part_of(walk, i) == PART_KEPT ? i : JUDGE_NO_OP, mask);
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
		 part_of(walk, ops->steps[at].op) == PART_KEPT))
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
		if (!steps[at].closes && part_of(walk, steps[at].op) != PART_NONE &&
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
		if (part_of(walk, i) == PART_NONE)
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
		if (part_of(walk, step.op) == PART_NONE)
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
	find_parts(walk);
	walk->image_words =
		(lu_image_len(&walk->world.lu) + sizeof(uint64_t) - 1) / sizeof(uint64_t);
	walk->draft = calloc(1, sizeof(*walk->draft) + words_of(walk) * sizeof(uint64_t));
	if (!walk->draft)
		return false;
	store(walk);
	return !walk->no_memory;
}

static void finish(struct walk *walk)
{
	struct tried *tried, *next;

	empty(walk);
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
