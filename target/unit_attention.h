/*
 * Unit attentions (SAM-5 5.14): a queue per nexus and LUN.
 *
 * They are reported in the order in which they came, but for those of the 29h family, which go
 * first. Of that family only the one of the highest precedence (SAM-5 6.2) stays: whoever learns of
 * a power on has nothing to learn from the resets before it. The same condition is not queued
 * twice. So the queue has room for whatever may come, and never overflows.
 */
#ifndef TARGET_UNIT_ATTENTION_H
#define TARGET_UNIT_ATTENTION_H

#include <stdbool.h>
#include <stdint.h>

/* The 29h family comes first, the highest precedence before all others. */
enum scsi_unit_attention {
	SCSI_UA_POWER_ON = 0,		       /* 29/01 */
	SCSI_UA_BUS_RESET,		       /* 29/02 target reset */
	SCSI_UA_LOGICAL_UNIT_RESET,	       /* 29/03 bus device reset function */
	SCSI_UA_NEXUS_LOSS,		       /* 29/07 */
	SCSI_UA_MODE_PARAMETERS_CHANGED,       /* 2A/01 */
	SCSI_UA_LOG_PARAMETERS_CHANGED,	       /* 2A/02 */
	SCSI_UA_RESERVATIONS_PREEMPTED,	       /* 2A/03 */
	SCSI_UA_RESERVATIONS_RELEASED,	       /* 2A/04 */
	SCSI_UA_REGISTRATIONS_PREEMPTED,       /* 2A/05 */
	SCSI_UA_ACCESS_STATE_CHANGED,	       /* 2A/06 */
	SCSI_UA_CAPACITY_CHANGED,	       /* 2A/09 */
	SCSI_UA_COMMANDS_CLEARED,	       /* 2F/00 by another initiator */
	SCSI_UA_INQUIRY_DATA_CHANGED,	       /* 3F/03 */
	SCSI_UA_IDENTIFIER_CHANGED,	       /* 3F/05 */
	SCSI_UA_REPORTED_LUNS_CHANGED,	       /* 3F/0E */
	SCSI_UA_MEDIUM_MAY_HAVE_CHANGED,       /* 28/00 */
	SCSI_UA_TASKS_CLEARED_BY_TRANSPORT,    /* 47/7F some commands cleared by iSCSI event */
	SCSI_UA_PREVIOUS_BUSY,		       /* 2C/07; these three with UA_INTLCK_CTRL 11b */
	SCSI_UA_PREVIOUS_TASK_SET_FULL,	       /* 2C/08 */
	SCSI_UA_PREVIOUS_RESERVATION_CONFLICT, /* 2C/09 */
	SCSI_UA_COUNT,
};

#define SCSI_UA_QUEUE_MAX SCSI_UA_COUNT /* unit attentions pending for one nexus on one LUN */

/* All zero when empty. */
struct scsi_ua_queue {
	uint8_t count;
	uint8_t pending[SCSI_UA_QUEUE_MAX]; /* enum scsi_unit_attention, the next one first */
};

void scsi_ua_raise(struct scsi_ua_queue *queue, enum scsi_unit_attention ua);

/* Takes the next one; false when there is none. */
bool scsi_ua_take(struct scsi_ua_queue *queue, enum scsi_unit_attention *ret_ua);
/* Looks without taking. */
bool scsi_ua_first(const struct scsi_ua_queue *queue, enum scsi_unit_attention *ret_ua);

/* Forgets this one, wherever it stands. */
void scsi_ua_clear(struct scsi_ua_queue *queue, enum scsi_unit_attention ua);

void scsi_ua_code(enum scsi_unit_attention ua, uint8_t *ret_asc, uint8_t *ret_ascq);

#endif
