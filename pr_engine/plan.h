/*
 * PERSISTENT RESERVE OUT: from a request and a state to what is to happen (SPC-4 5.13, 6.16).
 *
 * A plan changes nothing. It says how the command ends and, for GOOD, holds the changes that make
 * the new state, encoded, ready to be journaled and then applied. The caller makes the changes
 * durable if `must_persist`, applies them, bumps PRGENERATION if `bumps_generation`, and carries
 * out the effects.
 *
 * Pure: calls nothing but mem*, str* and assert.
 */
#ifndef PR_ENGINE_PLAN_H
#define PR_ENGINE_PLAN_H

#include "pr_engine/conflict.h"
#include "pr_engine/profile.h"
#include "pr_engine/state.h"

/* How a PERSISTENT RESERVE OUT ends, in the engine's words; target/ gives them SCSI's bytes. */
enum pr_outcome {
	PR_OUTCOME_INVALID = 0,
	PR_OUTCOME_GOOD,
	PR_OUTCOME_RESERVATION_CONFLICT,
	PR_OUTCOME_INVALID_FIELD_IN_CDB,	       /* CC 5/24/00; `field` tells where */
	PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST,    /* CC 5/26/00; `field` tells where */
	PR_OUTCOME_INVALID_RELEASE,		       /* CC 5/26/04 */
	PR_OUTCOME_INSUFFICIENT_REGISTRATION_RESOURCES /* CC 5/55/04 */
};

/* The field at fault. */
enum pr_field {
	PR_FIELD_NONE = 0,
	PR_FIELD_SERVICE_ACTION,	  /* CDB byte 1 bit 4 */
	PR_FIELD_SCOPE,			  /* CDB byte 2 bit 7 */
	PR_FIELD_TYPE,			  /* CDB byte 2 bit 3 */
	PR_FIELD_SERVICE_ACTION_KEY,	  /* parameter list byte 8 */
	PR_FIELD_SPEC_I_PT,		  /* parameter list byte 20 bit 3 */
	PR_FIELD_ALL_TG_PT,		  /* parameter list byte 20 bit 2 */
	PR_FIELD_TRANSPORT_ID,		  /* parameter list byte 24 */
	PR_FIELD_RELATIVE_TARGET_PORT_ID, /* parameter list byte 18 (REGISTER AND MOVE) */
};

struct pr_request {
	enum pr_out_action action;
	uint8_t scope; /* CDB byte 2, high nibble */
	uint8_t type;  /* CDB byte 2, low nibble, not validated */
	uint64_t reservation_key;
	uint64_t service_action_key;
	bool aptpl;		  /* byte 20 bit 0, or byte 17 bit 0 for REGISTER AND MOVE */
	bool spec_i_pt;		  /* byte 20 bit 3 */
	bool all_tg_pt;		  /* byte 20 bit 2 */
	bool unreg;		  /* REGISTER AND MOVE: byte 17 bit 1 */
	struct pr_nexus_id nexus; /* the caller */
	struct pr_stamp stamp;	  /* for what comes about through this request */

	/*
	 * Borrowed. SPEC_I_PT: the initiator ports named in the list (their relative_target_port_id
	 * is that of the caller). REGISTER AND MOVE: exactly one, the destination; none, or one
	 * with an empty name, stands for a TransportID that could not be read.
	 */
	const struct pr_nexus_id *named;
	uint32_t named_count;

	/*
	 * Borrowed. All relative target port ids of the target, each once, for ALL_TG_PT and for
	 * the destination of REGISTER AND MOVE (none given: any id but 0 is taken for one).
	 */
	const uint16_t *target_ports;
	uint32_t target_port_count;
};

struct pr_plan {
	enum pr_outcome outcome;
	enum pr_field field;
	enum pr_conflict conflict; /* why, with RESERVATION_CONFLICT */

	/* Below: all zero unless GOOD. */
	size_t changes_len; /* bytes written to the caller's buffer; 0: nothing changes */
	bool bumps_generation;
	bool must_persist; /* APTPL is in force before or after: durable before GOOD */

	/*
	 * Effects, to be carried out after the changes are applied, on nexuses that are logged in:
	 * victims: every nexus but the caller that lost its registration through the changes.
	 * others: every nexus but the caller that is registered after the changes.
	 */
	enum pr_unit_attention victims_unit_attention;
	enum pr_unit_attention others_unit_attention;
	bool abort_victims; /* PREEMPT AND ABORT: abort the victims' commands, drain, then answer */
	bool abort_caller;  /* ... and the caller's other commands: it named its own key */
};

/* Upper bound of the bytes that pr_plan_make may write for this request on this state. */
size_t pr_plan_changes_max(const struct pr_state *state, const struct pr_request *request);

/*
 * Checks in the sheet's order (3.1, steps 6 to 9): the caller has already validated the service
 * action against the profile, unit attentions, SPC-2 reservations, pr_access_permits_out and the
 * parameter list length, and parsed TransportIDs.
 * `changes` must have room for pr_plan_changes_max bytes (asserted).
 */
void pr_plan_make(const struct pr_state *state, const struct pr_profile *profile,
		  const struct pr_request *request, uint8_t *changes, size_t changes_cap,
		  struct pr_plan *ret_plan);

#endif
