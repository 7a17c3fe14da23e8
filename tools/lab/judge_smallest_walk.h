/*
 * The walk of a trial, for the files that it is made of.
 */
#ifndef LAB_JUDGE_SMALLEST_WALK_H
#define LAB_JUDGE_SMALLEST_WALK_H

#include "tools/lab/judge_smallest.h"

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

static inline bool walk_bit(const uint64_t *bits, uint32_t slot)
{
	return (bits[slot / 64] >> slot % 64 & 1) != 0;
}

static inline void walk_set_bit(uint64_t *bits, uint32_t slot)
{
	bits[slot / 64] |= 1ull << slot % 64;
}

/* ---- judge_smallest_set.c: the states that are possible ---- */

size_t walk_words(const struct walk *walk);
/* Takes it over. */
void walk_add(struct walk *walk, struct config *config);
/* The state at hand, with its bits. */
void walk_store(struct walk *walk);
void walk_load_bits(struct walk *walk, const struct config *config);
void walk_load(struct walk *walk, const struct config *config);
void walk_empty(struct walk *walk);
/* Takes the states out, to put them in again changed, or not at all. */
struct config **walk_take_out(struct walk *walk, size_t *ret_count);

/* ---- judge_smallest_try.c: one op in one state ---- */

void walk_find_parts(struct walk *walk);
enum part walk_part(const struct walk *walk, uint32_t op);
/* Is it known whether the op is done? */
bool walk_has_bits(const struct walk *walk, uint32_t op);
void walk_note_clear(struct walk *walk, uint32_t op);
void walk_settle_probe(struct walk *walk, uint32_t op);
/* Puts what comes of the op in this state into the set. */
void walk_try(struct walk *walk, size_t item, uint32_t op);

#endif
