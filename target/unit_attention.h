/*
 * Unit attentions (SAM-5 5.14): a bit set per nexus and LUN. A lower number is reported first.
 */
#ifndef TARGET_UNIT_ATTENTION_H
#define TARGET_UNIT_ATTENTION_H

#include <stdbool.h>
#include <stdint.h>

enum scsi_unit_attention {
	SCSI_UA_POWER_ON = 0,		    /* 29/01 */
	SCSI_UA_BUS_RESET,		    /* 29/02 target reset */
	SCSI_UA_LOGICAL_UNIT_RESET,	    /* 29/03 bus device reset function */
	SCSI_UA_NEXUS_LOSS,		    /* 29/07 */
	SCSI_UA_MODE_PARAMETERS_CHANGED,    /* 2A/01 */
	SCSI_UA_RESERVATIONS_PREEMPTED,	    /* 2A/03 */
	SCSI_UA_RESERVATIONS_RELEASED,	    /* 2A/04 */
	SCSI_UA_REGISTRATIONS_PREEMPTED,    /* 2A/05 */
	SCSI_UA_CAPACITY_CHANGED,	    /* 2A/09 */
	SCSI_UA_COMMANDS_CLEARED,	    /* 2F/00 by another initiator */
	SCSI_UA_INQUIRY_DATA_CHANGED,	    /* 3F/03 */
	SCSI_UA_REPORTED_LUNS_CHANGED,	    /* 3F/0E */
	SCSI_UA_MEDIUM_MAY_HAVE_CHANGED,    /* 28/00 */
	SCSI_UA_TASKS_CLEARED_BY_TRANSPORT, /* 47/7F some commands cleared by iSCSI event */
	SCSI_UA_COUNT,
};

typedef uint32_t scsi_ua_set;

static inline void scsi_ua_raise(scsi_ua_set *set, enum scsi_unit_attention ua)
{
	*set |= (scsi_ua_set)1 << ua;
}

/* Takes the first one out of the set; false when the set is empty. */
bool scsi_ua_take(scsi_ua_set *set, enum scsi_unit_attention *ret_ua);
/* Looks without taking. */
bool scsi_ua_first(scsi_ua_set set, enum scsi_unit_attention *ret_ua);

void scsi_ua_code(enum scsi_unit_attention ua, uint8_t *ret_asc, uint8_t *ret_ascq);

#endif
