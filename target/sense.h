/*
 * Sense data (SPC-4 4.5): every additional sense code that this target can report, as one enum and
 * one table, and the helpers that end a task with them. Fixed format, or descriptor format when the
 * Control mode page's D_SENSE says so.
 */
#ifndef TARGET_SENSE_H
#define TARGET_SENSE_H

#include "target/task.h"

enum scsi_sense_key {
	SCSI_KEY_NO_SENSE = 0x0,
	SCSI_KEY_NOT_READY = 0x2,
	SCSI_KEY_MEDIUM_ERROR = 0x3,
	SCSI_KEY_HARDWARE_ERROR = 0x4,
	SCSI_KEY_ILLEGAL_REQUEST = 0x5,
	SCSI_KEY_UNIT_ATTENTION = 0x6,
	SCSI_KEY_DATA_PROTECT = 0x7,
	SCSI_KEY_COPY_ABORTED = 0xa,
	SCSI_KEY_ABORTED_COMMAND = 0xb,
	SCSI_KEY_MISCOMPARE = 0xe,
};

/* Named conditions: each is a row (key, ASC, ASCQ, name) in sense.c's table. */
enum scsi_sense {
	SCSI_SENSE_NONE = 0,
	SCSI_SENSE_NOT_READY_MEDIUM_NOT_PRESENT,	/* 2/3A/00 */
	SCSI_SENSE_NOT_READY_STOPPED,			/* 2/04/02 initializing command required */
	SCSI_SENSE_FORMAT_IN_PROGRESS,			/* 2/04/04 */
	SCSI_SENSE_SANITIZE_IN_PROGRESS,		/* 2/04/1B */
	SCSI_SENSE_ACCESS_STATE_TRANSITION,		/* 2/04/0A */
	SCSI_SENSE_TARGET_PORT_STANDBY,			/* 2/04/0B */
	SCSI_SENSE_TARGET_PORT_UNAVAILABLE,		/* 2/04/0C */
	SCSI_SENSE_UNRECOVERED_READ_ERROR,		/* 3/11/00 */
	SCSI_SENSE_FORMAT_FAILED,			/* 3/31/01 */
	SCSI_SENSE_SANITIZE_FAILED,			/* 3/31/03 */
	SCSI_SENSE_WRITE_ERROR,				/* 3/0C/00 */
	SCSI_SENSE_INTERNAL_TARGET_FAILURE,		/* 4/44/00 */
	SCSI_SENSE_OPERATION_IN_PROGRESS,		/* 5/00/16 */
	SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR,		/* 5/1A/00 */
	SCSI_SENSE_INVALID_OPERATION_CODE,		/* 5/20/00 */
	SCSI_SENSE_LBA_OUT_OF_RANGE,			/* 5/21/00 */
	SCSI_SENSE_INVALID_FIELD_IN_CDB,		/* 5/24/00 */
	SCSI_SENSE_LOGICAL_UNIT_NOT_SUPPORTED,		/* 5/25/00 */
	SCSI_SENSE_INVALID_FIELD_IN_PARAMETER_LIST,	/* 5/26/00 */
	SCSI_SENSE_INVALID_RELEASE,			/* 5/26/04 */
	SCSI_SENSE_TOO_MANY_CSCD_DESCRIPTORS,		/* 5/26/06 */
	SCSI_SENSE_UNSUPPORTED_CSCD_DESCRIPTOR,		/* 5/26/07 */
	SCSI_SENSE_TOO_MANY_SEGMENT_DESCRIPTORS,	/* 5/26/08 */
	SCSI_SENSE_UNSUPPORTED_SEGMENT_DESCRIPTOR,	/* 5/26/09 */
	SCSI_SENSE_INLINE_DATA_LENGTH_EXCEEDED,		/* 5/26/0B */
	SCSI_SENSE_COMMAND_SEQUENCE_ERROR,		/* 5/2C/00 */
	SCSI_SENSE_SAVING_PARAMETERS_NOT_SUPPORTED,	/* 5/39/00 */
	SCSI_SENSE_MEDIUM_REMOVAL_PREVENTED,		/* 5/53/02 */
	SCSI_SENSE_INVALID_MESSAGE,			/* 5/49/00 */
	SCSI_SENSE_INSUFFICIENT_RESOURCES,		/* 5/55/03 */
	SCSI_SENSE_INSUFFICIENT_REGISTRATION_RESOURCES, /* 5/55/04 */
	SCSI_SENSE_INVALID_INFORMATION_UNIT,		/* 5/0E/03 */
	SCSI_SENSE_WRITE_PROTECTED,			/* 7/27/00 */
	SCSI_SENSE_SPACE_ALLOCATION_FAILED,		/* 7/27/07 */
	SCSI_SENSE_COPY_ABORTED,			/* A/00/00 the copy target's own sense */
	SCSI_SENSE_UNREACHABLE_COPY_TARGET,		/* A/08/04 */
	SCSI_SENSE_THIRD_PARTY_DEVICE_FAILURE,		/* A/0D/01 */
	SCSI_SENSE_INCORRECT_COPY_TARGET_TYPE,		/* A/0D/03 */
	SCSI_SENSE_UNEXPECTED_INEXACT_SEGMENT,		/* A/26/0A */
	SCSI_SENSE_UNEXPECTED_UNSOLICITED_DATA,		/* B/0C/0C */
	SCSI_SENSE_INCORRECT_AMOUNT_OF_DATA,		/* B/0C/0D */
	SCSI_SENSE_PROTOCOL_SERVICE_CRC_ERROR,		/* B/47/05 */
	SCSI_SENSE_MISCOMPARE_DURING_VERIFY,		/* E/1D/00 */
	SCSI_SENSE_COUNT,
};

/* "ILLEGAL REQUEST, INVALID FIELD IN CDB (5/24/00)". Never NULL, also for codes not in the table.
 */
const char *scsi_sense_name(uint8_t key, uint8_t asc, uint8_t ascq);

/* Each sets status and sense; none calls ops->complete. */
void scsi_task_check_condition(struct scsi_task *task, enum scsi_sense sense);
/* bit 0..7, or -1: no bit pointer. */
void scsi_task_invalid_cdb_field(struct scsi_task *task, uint16_t byte, int bit);
void scsi_task_invalid_parameter_field(struct scsi_task *task, uint16_t byte, int bit);
/* With the INFORMATION field valid: an LBA (any width; descriptor format or cut as SPC-4 4.5.3
 * says), or a miscompare's offset. */
void scsi_task_check_condition_info(struct scsi_task *task, enum scsi_sense sense,
				    uint64_t information);
/* With the progress indication, in 65536ths (SPC-4 4.5.2.4.4). */
void scsi_task_check_condition_progress(struct scsi_task *task, enum scsi_sense sense,
					uint16_t progress);
/* Ends an EXTENDED COPY at this segment, named in COMMAND-SPECIFIC INFORMATION (SPC-4 5.17.7.3). */
void scsi_task_copy_aborted(struct scsi_task *task, enum scsi_sense sense, uint16_t segment);
/* Any key/ASC/ASCQ (unit attentions, transport errors). */
void scsi_task_sense(struct scsi_task *task, uint8_t key, uint8_t asc, uint8_t ascq);

/* As scsi_task_check_condition, but of a command that ended before: a deferred error (SPC-4 4.5.5).
 */
void scsi_task_deferred_error(struct scsi_task *task, enum scsi_sense sense);
/* Key, ASC and ASCQ. */
void scsi_sense_code(enum scsi_sense sense, uint8_t *ret_key, uint8_t *ret_asc, uint8_t *ret_ascq);

#define SCSI_SENSE_DEFERRED 0x01 /* added to the response code: 71h, 73h */

/* Encodes fixed or descriptor format sense; returns its length. For REQUEST SENSE too. */
uint8_t scsi_sense_encode(uint8_t ret_sense[SCSI_SENSE_MAX], bool descriptor_format, uint8_t key,
			  uint8_t asc, uint8_t ascq);
/* A named condition; with a progress indication when its key is NOT READY. */
uint8_t scsi_sense_encode_row(uint8_t ret_sense[SCSI_SENSE_MAX], bool descriptor_format,
			      enum scsi_sense sense, uint16_t progress);

#endif
