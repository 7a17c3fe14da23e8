/*
 * What a LUN counts for LOG SENSE. For target/ only. Counters begin at power on, are not saved, and
 * are reset by LOG SELECT.
 */
#ifndef TARGET_SPC_LOG_H
#define TARGET_SPC_LOG_H

#include <stdbool.h>
#include <stdint.h>

struct scsi_lun;
struct scsi_task;

/* Commands of one kind that have ended. */
struct scsi_log_work {
	uint64_t commands;
	uint64_t blocks;
	uint64_t ms;	 /* from arrival to status, of each, added up */
	uint64_t errors; /* that ended in MEDIUM ERROR */
};

enum scsi_log_kind {
	SCSI_LOG_READ = 0,
	SCSI_LOG_WRITE,
	SCSI_LOG_VERIFY,
	SCSI_LOG_KINDS,
};

#define SCSI_SELF_TESTS_MAX 20 /* SPC-4 7.3.18: so many results, the latest first */

struct scsi_self_test {
	uint8_t code; /* as SEND DIAGNOSTIC had it */
	bool failed;
	uint16_t power_on_hours;
};

struct scsi_log {
	uint64_t since_ms; /* power on */
	struct scsi_log_work work[SCSI_LOG_KINDS];
	struct scsi_self_test self_tests[SCSI_SELF_TESTS_MAX];
};

/* The task's status is set, and it was not aborted. */
void scsi_log_task(const struct scsi_task *task);

/* For docs/: every page there is. */
void scsi_log_each_page(void (*each)(void *context, const char *name, uint8_t code,
				     uint8_t subpage),
			void *context);

#endif
