/*
 * The reservation state of one logical unit, and the only way to change it.
 *
 * A state is read through accessors and changed by applying `struct pr_change`s, whether they come
 * from a plan that has just been made durable or from the journal at start. No command code runs at
 * recovery, so replay cannot disagree with execution.
 *
 * Memory: the caller hands in pr_state_size(capacity) zeroed bytes, aligned as malloc aligns; the
 * state holds no pointer to anything outside. Pages of a large calloc'd block that no registration
 * has touched stay untouched. Finding, adding and removing one registration cost the same at any
 * count (hash indices by nexus and by id, seeded against chosen names).
 *
 * Pure: calls nothing but mem*, str* and assert.
 */
#ifndef PR_ENGINE_STATE_H
#define PR_ENGINE_STATE_H

#include <stddef.h>

#include "pr_engine/types.h"

/* When and by which journal record something came about. */
struct pr_stamp {
	uint64_t time_ms;  /* wall clock, milliseconds since 1970-01-01 UTC */
	uint64_t sequence; /* of the journal record */
};

struct pr_registration {
	uint64_t id;  /* never 0, never used twice on one LUN, survives key changes and restarts */
	uint64_t key; /* never 0 */
	struct pr_stamp since; /* when this nexus was registered (not re-keyed) */
	struct pr_nexus_id nexus;
};

struct pr_reservation {
	enum pr_type type;  /* PR_TYPE_NONE: no reservation, and the rest is zero */
	uint8_t scope;	    /* always 0: LU_SCOPE */
	uint64_t holder_id; /* registration id; 0 under the all-registrants types */
	struct pr_stamp since;
};

struct pr_state;

/* 0 when capacity is 0 or so large that the size would overflow. */
size_t pr_state_size(uint32_t capacity);

/* An empty state: no registrations, no reservation, APTPL 0, generation 0. */
struct pr_state *pr_state_init(void *memory, uint32_t capacity, uint64_t hash_seed);

/* dst becomes equal to src. Both must have the same capacity (asserted). */
void pr_state_copy(struct pr_state *dst, const struct pr_state *src);

uint32_t pr_state_capacity(const struct pr_state *state);
uint32_t pr_state_count(const struct pr_state *state);
uint32_t pr_state_generation(const struct pr_state *state);
bool pr_state_aptpl(const struct pr_state *state);
struct pr_reservation pr_state_reservation(const struct pr_state *state);

/* The id that the next registration will get: larger than every id ever used on this LUN. */
uint64_t pr_state_next_id(const struct pr_state *state);

/* NULL when there is none. The pointer is good until the next change. */
const struct pr_registration *pr_state_find(const struct pr_state *state,
					    const struct pr_nexus_id *nexus);
const struct pr_registration *pr_state_by_id(const struct pr_state *state, uint64_t id);

/* Registrations in order of registration: first, then next until NULL. */
const struct pr_registration *pr_state_first(const struct pr_state *state);
const struct pr_registration *pr_state_next(const struct pr_state *state,
					    const struct pr_registration *registration);

enum pr_standing pr_state_standing(const struct pr_state *state, const struct pr_nexus_id *nexus);

/* PRGENERATION is volatile and not part of any change: the installer bumps it, power on zeroes it.
 */
void pr_state_set_generation(struct pr_state *state, uint32_t generation);

enum pr_change_op {
	PR_CHANGE_INVALID = 0,
	PR_CHANGE_ADD,	  /* registration_id, key, nexus, since */
	PR_CHANGE_REMOVE, /* registration_id; a holder's removal must come after RELEASE or RESERVE
			   */
	PR_CHANGE_REMOVE_ALL, /* every registration and the reservation */
	PR_CHANGE_SET_KEY,    /* registration_id, key */
	PR_CHANGE_RESERVE, /* type, scope, registration_id of the holder (0: all registrants), since
			    */
	PR_CHANGE_RELEASE, /* no reservation any more */
	PR_CHANGE_APTPL,   /* aptpl */
	PR_CHANGE_NEXT_ID, /* registration_id: the next id to give (snapshots) */
};

struct pr_change {
	enum pr_change_op op;
	bool aptpl;
	uint8_t scope;
	enum pr_type type;
	uint64_t registration_id;
	uint64_t key;
	struct pr_stamp since;
	struct pr_nexus_id nexus;
};

/*
 * The encoded form is what a plan writes, what the journal stores, and what recovery applies. Its
 * layout is described at the top of change.c.
 */
#define PR_CHANGE_ENCODED_MAX 300 /* bytes, for any one change */
#define PR_CHANGE_SHORT_MAX   32  /* bytes, for any change but ADD */

struct byte_writer;
struct byte_reader;

/* Appends one encoded change; sets out->overflow when it does not fit. */
void pr_change_encode(const struct pr_change *change, struct byte_writer *out);

/* Reads the next change. False at the end of the bytes (in->failed tells damage from the end). */
bool pr_change_decode(struct byte_reader *in, struct pr_change *ret_change);

/*
 * Applies one change. False, with the state untouched, when it makes no sense there: an id or nexus
 * already registered, an unknown id, key 0, an undefined type, a holder that is not registered, no
 * room, removing the holder of a standing reservation. From a plan this never happens; from a
 * journal it means damage.
 */
bool pr_state_apply(struct pr_state *state, const struct pr_change *change);

/* Applies all changes encoded in [changes, changes+len). False as above; may stop half way. */
bool pr_state_apply_encoded(struct pr_state *state, const uint8_t *changes, size_t len);

/* The whole state as changes that build it from an empty one. NULL-out measuring is not offered:
 * pr_state_snapshot_max tells an upper bound in bytes. */
size_t pr_state_snapshot_max(const struct pr_state *state);
void pr_state_snapshot(const struct pr_state *state, struct byte_writer *out);

/*
 * Every invariant of a state: counts, indices, order, no nexus or id twice, keys not 0, a holder
 * that exists, no holder under all-registrants types, a reservation only with registrations.
 * Returns NULL, or a sentence about the first one that is broken.
 */
const char *pr_state_check(const struct pr_state *state);

#endif
