/*
 * Where the registrations are kept and how they are found. The layout is told in state_internal.h.
 */
#include "pr_engine/state_internal.h"

#include <assert.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "pr_engine/hash.h"

/* Twice as many, rounded up to a power of two, still counts in 32 bits. */
#define CAPACITY_MAX (UINT32_C(1) << 30)

static uint32_t index_mask_for(uint32_t capacity)
{
	uint32_t places = 2;

	while (places < 2 * capacity)
		places *= 2;
	return places - 1;
}

size_t pr_state_size(uint32_t capacity)
{
	if (capacity == 0 || capacity > CAPACITY_MAX)
		return 0;
	/* At most 2^30 slots and 2^32 places: no sum here comes near 64 bits. */
	uint64_t size = sizeof(struct pr_state) + (uint64_t)capacity * sizeof(struct pr_slot) +
			2 * ((uint64_t)index_mask_for(capacity) + 1) * sizeof(uint32_t);
	return size <= SIZE_MAX ? (size_t)size : 0;
}

struct pr_state *pr_state_init(void *memory, uint32_t capacity, uint64_t hash_seed)
{
	struct pr_state *state = memory;

	assert(pr_state_size(capacity) != 0);
	memset(state, 0, sizeof(*state));
	state->capacity = capacity;
	state->index_mask = index_mask_for(capacity);
	state->next_id = 1;
	state->hash_key[0] = hash_seed;
	state->hash_key[1] = ~hash_seed;
	return state;
}

void pr_state_copy(struct pr_state *dst, const struct pr_state *src)
{
	size_t places = (size_t)src->index_mask + 1;

	assert(dst->capacity == src->capacity);
	memcpy(dst, src, sizeof(*dst));
	memcpy(dst->slots, src->slots, src->touched * sizeof(struct pr_slot));
	memcpy(dst->slots + dst->capacity, src->slots + src->capacity,
	       2 * places * sizeof(uint32_t));
}

uint32_t pr_state_capacity(const struct pr_state *state)
{
	return state->capacity;
}

uint32_t pr_state_count(const struct pr_state *state)
{
	return state->count;
}

uint32_t pr_state_generation(const struct pr_state *state)
{
	return state->generation;
}

bool pr_state_aptpl(const struct pr_state *state)
{
	return state->aptpl;
}

struct pr_reservation pr_state_reservation(const struct pr_state *state)
{
	return state->reservation;
}

uint64_t pr_state_next_id(const struct pr_state *state)
{
	return state->next_id;
}

void pr_state_set_generation(struct pr_state *state, uint32_t generation)
{
	state->generation = generation;
}

/* ---- the two indices ---- */

static uint32_t *index_of(struct pr_state *state, enum pr_index which)
{
	uint32_t *indices = (void *)(state->slots + state->capacity);

	return indices + which * ((size_t)state->index_mask + 1);
}

static struct pr_slot *slot_of(struct pr_state *state, uint32_t position)
{
	return &state->slots[position - 1];
}

static uint32_t home_of_nexus(const struct pr_state *state, const struct pr_nexus_id *nexus)
{
	uint8_t bytes[PR_INITIATOR_NAME_MAX + PR_ISID_LEN + 2];
	size_t name_len = strnlen(nexus->initiator_name, PR_INITIATOR_NAME_MAX);

	memcpy(bytes, nexus->isid, PR_ISID_LEN);
	put_be16(bytes + PR_ISID_LEN, nexus->relative_target_port_id);
	memcpy(bytes + PR_ISID_LEN + 2, nexus->initiator_name, name_len);
	return (uint32_t)pr_hash(state->hash_key, bytes, PR_ISID_LEN + 2 + name_len) &
	       state->index_mask;
}

static uint32_t home_of_id(const struct pr_state *state, uint64_t id)
{
	uint8_t bytes[8];

	put_be64(bytes, id);
	return (uint32_t)pr_hash(state->hash_key, bytes, sizeof(bytes)) & state->index_mask;
}

static uint32_t home_of(const struct pr_state *state, enum pr_index which, uint32_t position)
{
	const struct pr_registration *registration = &pr_state_slot(state, position)->registration;

	return which == PR_INDEX_BY_NEXUS ? home_of_nexus(state, &registration->nexus)
					  : home_of_id(state, registration->id);
}

uint32_t pr_state_locate_nexus(const struct pr_state *state, const struct pr_nexus_id *nexus)
{
	const uint32_t *index = pr_state_index(state, PR_INDEX_BY_NEXUS);
	uint32_t place = home_of_nexus(state, nexus);

	for (; index[place] != 0; place = (place + 1) & state->index_mask)
		if (pr_nexus_id_equal(&pr_state_slot(state, index[place])->registration.nexus,
				      nexus))
			return index[place];
	return 0;
}

uint32_t pr_state_locate_id(const struct pr_state *state, uint64_t id)
{
	const uint32_t *index = pr_state_index(state, PR_INDEX_BY_ID);
	uint32_t place = home_of_id(state, id);

	for (; index[place] != 0; place = (place + 1) & state->index_mask)
		if (pr_state_slot(state, index[place])->registration.id == id)
			return index[place];
	return 0;
}

static void index_insert(struct pr_state *state, enum pr_index which, uint32_t position)
{
	uint32_t *index = index_of(state, which);
	uint32_t place = home_of(state, which, position);

	while (index[place] != 0)
		place = (place + 1) & state->index_mask;
	index[place] = position;
}

/*
 * Empties the place of `position` and closes the gap: each entry behind it, up to the next empty
 * place, moves into the gap unless that would put it before its home.
 */
static void index_erase(struct pr_state *state, enum pr_index which, uint32_t position)
{
	uint32_t *index = index_of(state, which);
	uint32_t mask = state->index_mask;
	uint32_t gap = home_of(state, which, position);

	while (index[gap] != position)
		gap = (gap + 1) & mask;
	for (uint32_t place = (gap + 1) & mask; index[place] != 0; place = (place + 1) & mask) {
		uint32_t home = home_of(state, which, index[place]);
		if (((place - home) & mask) < ((place - gap) & mask))
			continue;
		index[gap] = index[place];
		gap = place;
	}
	index[gap] = 0;
}

/* ---- slots ---- */

static uint32_t slot_take(struct pr_state *state)
{
	uint32_t position = state->free;

	if (position == 0)
		return ++state->touched;
	state->free = slot_of(state, position)->next;
	return position;
}

void pr_state_insert(struct pr_state *state, const struct pr_registration *registration)
{
	uint32_t position = slot_take(state);
	struct pr_slot *slot = slot_of(state, position);

	slot->registration = *registration;
	slot->previous = state->last;
	slot->next = 0;
	if (state->last != 0)
		slot_of(state, state->last)->next = position;
	else
		state->first = position;
	state->last = position;
	state->count++;
	state->next_id = registration->id + 1;
	index_insert(state, PR_INDEX_BY_NEXUS, position);
	index_insert(state, PR_INDEX_BY_ID, position);
}

void pr_state_erase(struct pr_state *state, uint32_t position)
{
	struct pr_slot *slot = slot_of(state, position);

	index_erase(state, PR_INDEX_BY_NEXUS, position);
	index_erase(state, PR_INDEX_BY_ID, position);
	if (slot->previous != 0)
		slot_of(state, slot->previous)->next = slot->next;
	else
		state->first = slot->next;
	if (slot->next != 0)
		slot_of(state, slot->next)->previous = slot->previous;
	else
		state->last = slot->previous;
	slot->next = state->free;
	state->free = position;
	state->count--;
}

void pr_state_erase_all(struct pr_state *state)
{
	size_t places = (size_t)state->index_mask + 1;

	if (state->count > 0)
		memset(index_of(state, PR_INDEX_BY_NEXUS), 0, 2 * places * sizeof(uint32_t));
	state->count = 0;
	state->touched = 0;
	state->first = 0;
	state->last = 0;
	state->free = 0;
	memset(&state->reservation, 0, sizeof(state->reservation));
}

/* ---- looking up ---- */

static const struct pr_registration *registration_at(const struct pr_state *state,
						     uint32_t position)
{
	return position != 0 ? &pr_state_slot(state, position)->registration : NULL;
}

const struct pr_registration *pr_state_find(const struct pr_state *state,
					    const struct pr_nexus_id *nexus)
{
	return registration_at(state, pr_state_locate_nexus(state, nexus));
}

const struct pr_registration *pr_state_by_id(const struct pr_state *state, uint64_t id)
{
	return registration_at(state, pr_state_locate_id(state, id));
}

const struct pr_registration *pr_state_first(const struct pr_state *state)
{
	return registration_at(state, state->first);
}

const struct pr_registration *pr_state_next(const struct pr_state *state,
					    const struct pr_registration *registration)
{
	/* The registration is the first member of its slot. */
	const struct pr_slot *slot = (const void *)registration;

	return registration_at(state, slot->next);
}

enum pr_standing pr_state_standing(const struct pr_state *state, const struct pr_nexus_id *nexus)
{
	const struct pr_reservation *reservation = &state->reservation;
	const struct pr_registration *registration = pr_state_find(state, nexus);

	if (!registration)
		return PR_STANDING_STRANGER;
	if (reservation->type == PR_TYPE_NONE)
		return PR_STANDING_REGISTRANT;
	if (pr_type_is_all_registrants(reservation->type) ||
	    reservation->holder_id == registration->id)
		return PR_STANDING_HOLDER;
	return PR_STANDING_REGISTRANT;
}
