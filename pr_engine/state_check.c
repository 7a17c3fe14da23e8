/*
 * The invariants of a state, for asserts, tests and `holdfast journal check`. Nothing is believed:
 * a broken state must be told, not crashed on.
 */
#include "pr_engine/state_internal.h"

#include <string.h>

#include "pr_engine/bytes.h"

static const char *check_counts(const struct pr_state *state)
{
	uint64_t places = (uint64_t)state->index_mask + 1;

	if (pr_state_size(state->capacity) == 0)
		return "the capacity is impossible";
	if ((places & (places - 1)) != 0 || places < 2 * (uint64_t)state->capacity)
		return "the indices have a wrong size";
	if (state->touched > state->capacity)
		return "more slots were touched than there are";
	if (state->count > state->touched)
		return "more registrations are counted than slots were touched";
	if ((state->count == 0) != (state->first == 0) || (state->count == 0) != (state->last == 0))
		return "the list's ends and the count disagree";
	if (state->first > state->touched || state->last > state->touched)
		return "an end of the list lies outside the slots";
	return NULL;
}

static const char *check_registration(const struct pr_state *state, uint32_t position,
				      uint64_t id_before)
{
	const struct pr_registration *registration = &pr_state_slot(state, position)->registration;

	if (!pr_nexus_id_is_whole(&registration->nexus))
		return "a registration has no proper nexus";
	if (registration->key == 0)
		return "a registration has key 0";
	if (registration->id <= id_before)
		return "the registrations are not in the order of their ids";
	if (registration->id >= state->next_id)
		return "a registration's id is not below the next one";
	if (pr_state_locate_nexus(state, &registration->nexus) != position)
		return "a registration is not found by its nexus, or its nexus is there twice";
	if (pr_state_locate_id(state, registration->id) != position)
		return "a registration is not found by its id";
	return NULL;
}

static const char *check_list(const struct pr_state *state)
{
	uint32_t seen = 0, before = 0;
	uint64_t id_before = 0;

	for (uint32_t position = state->first; position != 0;) {
		const struct pr_slot *slot = pr_state_slot(state, position);
		if (++seen > state->count)
			return "the list is longer than the count";
		if (slot->previous != before)
			return "the list's links disagree";
		if (slot->next > state->touched)
			return "a link of the list lies outside the slots";
		const char *problem = check_registration(state, position, id_before);
		if (problem)
			return problem;
		id_before = slot->registration.id;
		before = position;
		position = slot->next;
	}
	if (seen != state->count)
		return "the list is shorter than the count";
	return state->last == before ? NULL : "the list does not end at its end";
}

static const char *check_free(const struct pr_state *state)
{
	uint32_t seen = 0;

	for (uint32_t position = state->free; position != 0;
	     position = pr_state_slot(state, position)->next) {
		if (position > state->touched)
			return "a free slot lies outside the slots that were touched";
		if (++seen > state->touched - state->count)
			break;
	}
	return seen == state->touched - state->count ? NULL : "slots were lost, or are free twice";
}

/* An index that holds as many entries as there are registrations, all found, holds no others. */
static const char *check_index(const struct pr_state *state, enum pr_index which)
{
	const uint32_t *index = pr_state_index(state, which);
	uint32_t entries = 0;

	for (size_t place = 0; place <= state->index_mask; place++) {
		if (index[place] > state->touched)
			return "an index entry lies outside the slots";
		entries += index[place] != 0;
	}
	return entries == state->count ? NULL : "an index and the count disagree";
}

static const char *check_reservation(const struct pr_state *state)
{
	const struct pr_reservation *reservation = &state->reservation;

	if (reservation->type == PR_TYPE_NONE) {
		if (reservation->scope != 0 || reservation->holder_id != 0 ||
		    reservation->since.time_ms != 0 || reservation->since.sequence != 0)
			return "there is no reservation, but something is left of one";
		return NULL;
	}
	if (!pr_type_is_defined(reservation->type) || reservation->scope != 0)
		return "the reservation has an undefined type or scope";
	if (state->count == 0)
		return "there is a reservation without registrations";
	if (pr_type_is_all_registrants(reservation->type))
		return reservation->holder_id == 0
			       ? NULL
			       : "an all-registrants reservation names a holder";
	return pr_state_locate_id(state, reservation->holder_id) != 0
		       ? NULL
		       : "the reservation's holder is not registered";
}

const char *pr_state_check(const struct pr_state *state)
{
	const char *problem = check_counts(state);

	/* The indices come before the list: what follows looks things up in them. */
	if (!problem)
		problem = check_index(state, PR_INDEX_BY_NEXUS);
	if (!problem)
		problem = check_index(state, PR_INDEX_BY_ID);
	if (!problem)
		problem = check_list(state);
	if (!problem)
		problem = check_free(state);
	if (!problem)
		problem = check_reservation(state);
	return problem;
}
