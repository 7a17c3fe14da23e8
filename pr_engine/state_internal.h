/*
 * What a state is made of: for state*.c and the tests of their invariants, nobody else.
 *
 * One block of memory: this struct, then `capacity` slots, then the two hash indices. Positions are
 * numbers, never pointers, and 0 always means "none": zeroed memory is an empty state, and a copy
 * needs no fixing. A position p is slots[p - 1].
 *
 * The slots in use hang in a list in order of registration, which is also the order of ids, since
 * an id is larger than all before it. Slots given back hang in a list of free ones, and are used
 * again before a slot is taken that was never touched.
 *
 * The indices are open-addressed, of a power of two places, at least twice as many as slots.
 * Removing shifts back what had to step aside, so there are no tombstones to wade through.
 */
#ifndef PR_ENGINE_STATE_INTERNAL_H
#define PR_ENGINE_STATE_INTERNAL_H

#include "pr_engine/state.h"

struct pr_slot {
	struct pr_registration registration;
	uint32_t previous, next; /* positions; `next` also links the free slots */
};

struct pr_state {
	uint32_t capacity;
	uint32_t index_mask; /* places of one index, less one */
	uint32_t count;	     /* slots in use */
	uint32_t touched;    /* slots that were ever used: the first ones */
	uint32_t first, last, free;
	uint32_t generation;
	bool aptpl;
	struct pr_reservation reservation;
	uint64_t next_id;
	uint64_t hash_key[2];
	struct pr_slot slots[];
};

enum pr_index {
	PR_INDEX_BY_NEXUS = 0,
	PR_INDEX_BY_ID,
};

static inline const uint32_t *pr_state_index(const struct pr_state *state, enum pr_index which)
{
	const uint32_t *indices = (const void *)(state->slots + state->capacity);

	return indices + which * ((size_t)state->index_mask + 1);
}

static inline const struct pr_slot *pr_state_slot(const struct pr_state *state, uint32_t position)
{
	return &state->slots[position - 1];
}

/* Positions; 0 when there is none. */
uint32_t pr_state_locate_nexus(const struct pr_state *state, const struct pr_nexus_id *nexus);
uint32_t pr_state_locate_id(const struct pr_state *state, uint64_t id);

/* These do what they say and check nothing: the checks are state_apply.c's. */
void pr_state_insert(struct pr_state *state, const struct pr_registration *registration);
void pr_state_erase(struct pr_state *state, uint32_t position);
void pr_state_erase_all(struct pr_state *state);

/* An initiator name that ends within its array and is not empty, and a target port. */
bool pr_nexus_id_is_whole(const struct pr_nexus_id *nexus);

#endif
