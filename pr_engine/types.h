/*
 * The words of persistent reservations (SPC-4 5.13, 6.15, 6.16), shared by every other room.
 *
 * Zero is invalid or the strictest choice in every enum here, so a forgotten field never opens a
 * door.
 */
#ifndef PR_ENGINE_TYPES_H
#define PR_ENGINE_TYPES_H

#include <stdbool.h>
#include <stdint.h>

/* PERSISTENT RESERVE IN service actions, the CDB's values (SPC-4 6.15.1). */
enum pr_in_action {
	PR_IN_READ_KEYS = 0x00,
	PR_IN_READ_RESERVATION = 0x01,
	PR_IN_REPORT_CAPABILITIES = 0x02,
	PR_IN_READ_FULL_STATUS = 0x03,
};

/* PERSISTENT RESERVE OUT service actions, the CDB's values (SPC-4 6.16.2). */
enum pr_out_action {
	PR_OUT_REGISTER = 0x00,
	PR_OUT_RESERVE = 0x01,
	PR_OUT_RELEASE = 0x02,
	PR_OUT_CLEAR = 0x03,
	PR_OUT_PREEMPT = 0x04,
	PR_OUT_PREEMPT_AND_ABORT = 0x05,
	PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY = 0x06,
	PR_OUT_REGISTER_AND_MOVE = 0x07,
	PR_OUT_ACTION_COUNT = 0x08,
};

/* Persistent reservation types, the CDB's values (SPC-4 6.15.3.4). NONE is the obsolete code 0h. */
enum pr_type {
	PR_TYPE_NONE = 0x0,
	PR_TYPE_WRITE_EXCLUSIVE = 0x1,
	PR_TYPE_EXCLUSIVE_ACCESS = 0x3,
	PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY = 0x5,
	PR_TYPE_EXCLUSIVE_ACCESS_REGISTRANTS_ONLY = 0x6,
	PR_TYPE_WRITE_EXCLUSIVE_ALL_REGISTRANTS = 0x7,
	PR_TYPE_EXCLUSIVE_ACCESS_ALL_REGISTRANTS = 0x8,
};

/* Is this one of the six types that SPC-4 defines? */
static inline bool pr_type_is_defined(unsigned type)
{
	return type == 1 || type == 3 || (type >= 5 && type <= 8);
}

static inline bool pr_type_is_all_registrants(enum pr_type type)
{
	return type == PR_TYPE_WRITE_EXCLUSIVE_ALL_REGISTRANTS ||
	       type == PR_TYPE_EXCLUSIVE_ACCESS_ALL_REGISTRANTS;
}

/* Types under which every registrant may work: 5, 6 and the all-registrants pair. */
static inline bool pr_type_is_registrants_only(enum pr_type type)
{
	return type >= PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY;
}

static inline bool pr_type_is_write_exclusive(enum pr_type type)
{
	return type == PR_TYPE_WRITE_EXCLUSIVE ||
	       type == PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY ||
	       type == PR_TYPE_WRITE_EXCLUSIVE_ALL_REGISTRANTS;
}

/* How a command meets a reservation (SPC-4 table 66 and its kin, folded into five classes). */
enum pr_access_class {
	PR_ACCESS_INVALID = 0, /* a command table row that forgot its class: never permitted */
	PR_ACCESS_ALLOW,       /* runs whatever is reserved */
	PR_ACCESS_READ,	       /* reads the medium, or housekeeping that WE types let pass */
	PR_ACCESS_WRITE,       /* changes the medium or the device */
	PR_ACCESS_PR_OUT,      /* PERSISTENT RESERVE OUT: decided by its service action */
	PR_ACCESS_RESERVE,     /* SPC-2 RESERVE/RELEASE(6/10): decided by the CRH rules */
	PR_ACCESS_CLASS_COUNT,
};

/* What a nexus is to the reservation in force. With no reservation nobody is a holder. */
enum pr_standing {
	PR_STANDING_STRANGER = 0,
	PR_STANDING_REGISTRANT,
	PR_STANDING_HOLDER, /* under an all-registrants type every registrant is one */
};

/* Unit attentions that reservations cause (SPC-4 5.13). */
enum pr_unit_attention {
	PR_UA_NONE = 0,
	PR_UA_RESERVATIONS_PREEMPTED,  /* 2A/03 */
	PR_UA_RESERVATIONS_RELEASED,   /* 2A/04 */
	PR_UA_REGISTRATIONS_PREEMPTED, /* 2A/05 */
};

#define PR_INITIATOR_NAME_MAX 223 /* bytes, without the NUL (RFC 7143 4.2.7.1) */
#define PR_ISID_LEN	      6

/*
 * An I_T nexus: an initiator port (name and ISID) and a target port of the LUN's target.
 * The name is stored canonical (lower case); comparing is comparing bytes. `initiator_name` is
 * NUL-terminated, and what follows the NUL has no meaning.
 */
struct pr_nexus_id {
	char initiator_name[PR_INITIATOR_NAME_MAX + 1];
	uint8_t isid[PR_ISID_LEN];
	uint16_t relative_target_port_id; /* 1-based; 0 is invalid */
};

bool pr_nexus_id_equal(const struct pr_nexus_id *a, const struct pr_nexus_id *b);

/* Names for people, e.g. "PREEMPT AND ABORT", "Write Exclusive - Registrants Only"; never NULL. */
const char *pr_out_action_name(unsigned action);
const char *pr_in_action_name(unsigned action);
const char *pr_type_name(unsigned type);

#endif
