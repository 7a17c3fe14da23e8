/*
 * Primary commands (SPC-4 6) that need no file of their own.
 */
#include "target/access_state.h"

#include "pr_engine/bytes.h"
#include "target/trace_task.h"

enum scsi_result scsi_test_unit_ready(struct scsi_task *task)
{
	/* What could speak against it, target_execute has asked already. */
	scsi_task_good(task);
	return SCSI_DONE;
}

/* ---- REQUEST SENSE (6.39) -------------------------------------------------------------------- */

struct condition {
	uint8_t key, asc, ascq;
	bool deferred;
};

/* What TEST UNIT READY would meet. */
static enum scsi_sense not_ready_by_access_state(const struct scsi_task *task)
{
	static const uint8_t test_unit_ready[6];
	enum scsi_sense unknown;

	return scsi_access_state_check(task->lun, task->nexus,
				       scsi_command_find(test_unit_ready, &unknown));
}

/* The condition that stands now. A unit attention is cleared by being told (SAM-5 5.14), as is a
 * deferred error. */
static struct condition task_condition(struct scsi_task *task)
{
	struct condition condition = {0};
	struct scsi_lun_nexus *lun_nexus;
	enum scsi_unit_attention ua;

	if (!task->lun)
		return (struct condition){SCSI_KEY_ILLEGAL_REQUEST, 0x25, 0x00, false};
	enum scsi_sense refusal = not_ready_by_access_state(task);

	lun_nexus = scsi_task_lun_nexus(task);
	if (scsi_ua_take(&lun_nexus->unit_attentions, &ua)) {
		condition.key = SCSI_KEY_UNIT_ATTENTION;
		scsi_ua_code(ua, &condition.asc, &condition.ascq);
		scsi_trace_reported(task, ua);
	} else if (lun_nexus->deferred_error != SCSI_SENSE_NONE) {
		condition.deferred = true;
		scsi_sense_code(lun_nexus->deferred_error, &condition.key, &condition.asc,
				&condition.ascq);
		lun_nexus->deferred_error = SCSI_SENSE_NONE;
	} else if (refusal != SCSI_SENSE_NONE) {
		scsi_sense_code(refusal, &condition.key, &condition.asc, &condition.ascq);
	} else if (task->lun->ejected) {
		condition = (struct condition){SCSI_KEY_NOT_READY, 0x3a, 0x00, false};
	} else if (task->lun->stopped) {
		condition = (struct condition){SCSI_KEY_NOT_READY, 0x04, 0x02, false};
	}
	return condition;
}

enum scsi_result scsi_request_sense(struct scsi_task *task)
{
	bool descriptor_format = (task->cdb[1] & 0x01) != 0;
	struct condition condition = task_condition(task);
	uint8_t sense[SCSI_SENSE_MAX];
	enum scsi_sense erase;
	uint16_t progress;
	uint8_t len = scsi_sense_encode(sense, descriptor_format, condition.key, condition.asc,
					condition.ascq);

	if (condition.deferred)
		sense[0] |= SCSI_SENSE_DEFERRED;
	else if (task->lun && condition.key == 0 &&
		 scsi_lun_erase_state(task->lun, &erase, &progress))
		len = scsi_sense_encode_row(sense, descriptor_format, erase, progress);
	return scsi_task_answer(task, sense, len, task->cdb[4]);
}

/* ---- REPORT LUNS (6.33) ---------------------------------------------------------------------- */

enum select_report {
	SELECT_ADDRESSABLE = 0x00,
	SELECT_WELL_KNOWN = 0x01, /* there are none */
	SELECT_ALL = 0x02,
	SELECT_ADMINISTRATIVE = 0x10, /* there are none */
	SELECT_TOP_LEVEL = 0x11,      /* administrative ones, and those of no conglomerate */
};

/* Subsidiary LUNs (12h) can only be asked for at an administrative one. */
static bool select_report_is_known(uint8_t select)
{
	return select <= SELECT_ALL || select == SELECT_ADMINISTRATIVE ||
	       select == SELECT_TOP_LEVEL;
}

#define REPORT_LUNS_HEADER_LEN 8
#define REPORT_LUNS_ENTRY_LEN  8

static size_t put_lun_list(const struct scsi_nexus *nexus, uint8_t *to)
{
	size_t len = 0;

	for (uint16_t number = 0; number <= SCSI_LUN_MAX; number++) {
		if (!scsi_nexus_lun(nexus, number))
			continue;
		/* Peripheral device addressing, bus 0 (SAM-5 4.7.7.2). */
		put_be64(to + len, (uint64_t)number << 48);
		len += REPORT_LUNS_ENTRY_LEN;
	}
	return len;
}

/* Whoever reads the list knows of its change, on all LUNs (SPC-4 6.33.1). */
static void clear_luns_changed(struct scsi_nexus *nexus)
{
	for (unsigned i = 0; i <= SCSI_LUN_MAX; i++) {
		if (nexus->luns[i])
			scsi_ua_clear(&nexus->luns[i]->unit_attentions,
				      SCSI_UA_REPORTED_LUNS_CHANGED);
	}
}

enum scsi_result scsi_report_luns(struct scsi_task *task)
{
	uint8_t select = task->cdb[2];
	uint32_t allocation_length = get_be32(task->cdb + 6);
	uint8_t data[REPORT_LUNS_HEADER_LEN + (SCSI_LUN_MAX + 1) * REPORT_LUNS_ENTRY_LEN] = {0};
	size_t len = 0;

	if (!select_report_is_known(select)) {
		scsi_task_invalid_cdb_field(task, 2, -1);
		return SCSI_DONE;
	}
	if (allocation_length < 16) {
		scsi_task_invalid_cdb_field(task, 6, -1);
		return SCSI_DONE;
	}
	if (select != SELECT_WELL_KNOWN && select != SELECT_ADMINISTRATIVE)
		len = put_lun_list(task->nexus, data + REPORT_LUNS_HEADER_LEN);
	put_be32(data, (uint32_t)len);
	clear_luns_changed(task->nexus);
	return scsi_task_answer(task, data, REPORT_LUNS_HEADER_LEN + len, allocation_length);
}
