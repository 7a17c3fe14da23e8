/*
 * Changes, applied. Everything is checked before anything is touched: the changes may come from a
 * journal that a disk has mangled.
 */
#include "pr_engine/state_internal.h"

#include <string.h>

#include "pr_engine/bytes.h"

bool pr_nexus_id_is_whole(const struct pr_nexus_id *nexus)
{
	return nexus->relative_target_port_id != 0 && nexus->initiator_name[0] != '\0' &&
	       memchr(nexus->initiator_name, '\0', sizeof(nexus->initiator_name)) != NULL;
}

static bool apply_add(struct pr_state *state, const struct pr_change *change)
{
	struct pr_registration registration = {
		.id = change->registration_id,
		.key = change->key,
		.since = change->since,
		.nexus = change->nexus,
	};

	/* The last id is never given, so that there is always a next one. */
	if (registration.id < state->next_id || registration.id == UINT64_MAX)
		return false;
	if (registration.key == 0 || !pr_nexus_id_is_whole(&registration.nexus))
		return false;
	if (state->count == state->capacity ||
	    pr_state_locate_nexus(state, &registration.nexus) != 0)
		return false;
	pr_state_insert(state, &registration);
	return true;
}

/* Would the reservation stand without a holder if this registration went? */
static bool reservation_needs(const struct pr_state *state, uint64_t id)
{
	if (state->reservation.type == PR_TYPE_NONE)
		return false;
	if (pr_type_is_all_registrants(state->reservation.type))
		return state->count == 1;
	return state->reservation.holder_id == id;
}

static bool apply_remove(struct pr_state *state, const struct pr_change *change)
{
	uint32_t position = pr_state_locate_id(state, change->registration_id);

	if (position == 0 || reservation_needs(state, change->registration_id))
		return false;
	pr_state_erase(state, position);
	return true;
}

static bool apply_set_key(struct pr_state *state, const struct pr_change *change)
{
	uint32_t position = pr_state_locate_id(state, change->registration_id);

	if (position == 0 || change->key == 0)
		return false;
	state->slots[position - 1].registration.key = change->key;
	return true;
}

static bool apply_reserve(struct pr_state *state, const struct pr_change *change)
{
	if (!pr_type_is_defined(change->type) || change->scope != 0)
		return false;
	/* SPC-4 5.13.10: under an all-registrants type every registrant holds, and no one by name.
	 */
	if (pr_type_is_all_registrants(change->type)) {
		if (change->registration_id != 0 || state->count == 0)
			return false;
	} else if (pr_state_locate_id(state, change->registration_id) == 0) {
		return false;
	}
	state->reservation = (struct pr_reservation){
		.type = change->type,
		.scope = change->scope,
		.holder_id = change->registration_id,
		.since = change->since,
	};
	return true;
}

static bool apply_release(struct pr_state *state)
{
	if (state->reservation.type == PR_TYPE_NONE)
		return false;
	state->reservation = (struct pr_reservation){0};
	return true;
}

static bool apply_next_id(struct pr_state *state, const struct pr_change *change)
{
	if (change->registration_id < state->next_id)
		return false;
	state->next_id = change->registration_id;
	return true;
}

bool pr_state_apply(struct pr_state *state, const struct pr_change *change)
{
	switch (change->op) {
	case PR_CHANGE_ADD:
		return apply_add(state, change);
	case PR_CHANGE_REMOVE:
		return apply_remove(state, change);
	case PR_CHANGE_REMOVE_ALL:
		pr_state_erase_all(state);
		return true;
	case PR_CHANGE_SET_KEY:
		return apply_set_key(state, change);
	case PR_CHANGE_RESERVE:
		return apply_reserve(state, change);
	case PR_CHANGE_RELEASE:
		return apply_release(state);
	case PR_CHANGE_APTPL:
		state->aptpl = change->aptpl;
		return true;
	case PR_CHANGE_NEXT_ID:
		return apply_next_id(state, change);
	case PR_CHANGE_INVALID:
		break;
	}
	return false;
}

bool pr_state_apply_encoded(struct pr_state *state, const uint8_t *changes, size_t len)
{
	struct byte_reader in = byte_reader_over(changes, len);
	struct pr_change change;

	while (pr_change_decode(&in, &change))
		if (!pr_state_apply(state, &change))
			return false;
	return !in.failed;
}
