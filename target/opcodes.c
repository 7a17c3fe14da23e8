/*
 * REPORT SUPPORTED OPERATION CODES (SPC-4 6.35) and REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS
 * (SPC-4 6.36), printed from the command table.
 */
#include "target/sbc.h"

#include <stdlib.h>

#include "pr_engine/bytes.h"

#define RCTD 0x80

#define TIMEOUTS_DESCRIPTOR_LEN 12
#define ALL_DESCRIPTOR_LEN	8

enum reporting_options {
	REPORT_ALL = 0,
	REPORT_OPCODE = 1,	       /* an opcode without service actions */
	REPORT_SERVICE_ACTION = 2,     /* an opcode with service actions */
	REPORT_ANY_SERVICE_ACTION = 3, /* either, as the opcode is */
};

static bool has_service_action(const struct scsi_command *row)
{
	return row->service_action != SCSI_NO_SERVICE_ACTION;
}

/* The table is for all LUNs; some rows are not for this one. */
static bool row_is_supported(const struct scsi_lun *lun, const struct scsi_command *row)
{
	const struct pr_profile *profile = lun->config.profile;

	if ((row->flags & SCSI_COMMAND_BY_PROFILE) != 0) {
		unsigned actions = row->access == PR_ACCESS_PR_OUT ? profile->out_actions
								   : profile->in_actions;
		return (actions >> row->service_action & 1) != 0;
	}
	if (row->run == scsi_write_atomic)
		return sbc_atomic_max_blocks(lun) > 0;
	return row->run != scsi_unmap || lun->config.thin;
}

/* No time is promised: zero is "not indicated" (SPC-4 6.35.4). */
static void put_timeouts(struct byte_writer *data)
{
	byte_writer_be16(data, TIMEOUTS_DESCRIPTOR_LEN - 2);
	byte_writer_zeros(data, TIMEOUTS_DESCRIPTOR_LEN - 2);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void put_command(struct byte_writer *data, const struct scsi_command *row, bool timeouts)
{
	bool servactv = has_service_action(row);

	byte_writer_u8(data, row->opcode);
	byte_writer_u8(data, 0);
	byte_writer_be16(data, servactv ? (uint16_t)row->service_action : 0);
	byte_writer_u8(data, 0);
	byte_writer_u8(data, (uint8_t)((timeouts ? 0x02 : 0) | (servactv ? 0x01 : 0)));
	byte_writer_be16(data, row->cdb_len);
	if (timeouts)
		put_timeouts(data);
}

static enum scsi_result report_all(struct scsi_task *task, bool timeouts)
{
	size_t cap = 4 + scsi_command_count * (ALL_DESCRIPTOR_LEN + TIMEOUTS_DESCRIPTOR_LEN);
	uint8_t *bytes = malloc(cap);

	if (!bytes) {
		scsi_task_check_condition(task, SCSI_SENSE_INSUFFICIENT_RESOURCES);
		return SCSI_DONE;
	}
	struct byte_writer data = byte_writer_over(bytes, cap);
	byte_writer_be32(&data, 0);
	for (size_t i = 0; i < scsi_command_count; i++) {
		if (row_is_supported(task->lun, &scsi_commands[i]))
			put_command(&data, &scsi_commands[i], timeouts);
	}
	put_be32(bytes, (uint32_t)(data.len - 4));
	enum scsi_result result = scsi_task_answer(task, bytes, data.len, get_be32(task->cdb + 6));
	free(bytes);
	return result;
}

/* ---- one of them ----------------------------------------------------------------------------- */

/* SUPPORT (table 287). */
#define NOT_SUPPORTED 0x01
#define SUPPORTED     0x03

/* What may be set in the CDB; OPERATION CODE and SERVICE ACTION as they are (6.35.3). */
static void put_usage(struct byte_writer *data, const struct scsi_command *row)
{
	uint8_t second = row->usage[1];

	if (has_service_action(row))
		second = (uint8_t)((second & 0xe0) | row->service_action);
	byte_writer_u8(data, row->opcode);
	byte_writer_u8(data, second);
	byte_writer_bytes(data, row->usage + 2, (size_t)row->cdb_len - 2);
}

static enum scsi_result answer_one(struct scsi_task *task, const struct scsi_command *row,
				   bool timeouts)
{
	uint8_t bytes[4 + SCSI_CDB_MAX + TIMEOUTS_DESCRIPTOR_LEN];
	struct byte_writer data = byte_writer_over(bytes, sizeof(bytes));

	byte_writer_u8(&data, 0);
	if (!row) {
		byte_writer_u8(&data, NOT_SUPPORTED);
		byte_writer_be16(&data, 0);
	} else {
		byte_writer_u8(&data, (uint8_t)(SUPPORTED | (timeouts ? 0x80 : 0)));
		byte_writer_be16(&data, row->cdb_len);
		put_usage(&data, row);
		if (timeouts)
			put_timeouts(&data);
	}
	return scsi_task_answer(task, bytes, data.len, get_be32(task->cdb + 6));
}

struct opcode_lookup {
	bool known;		   /* the opcode has a row */
	bool with_service_actions; /* and rows for its service actions */
	const struct scsi_command *row;
};

static struct opcode_lookup look_up(const struct scsi_lun *lun, uint8_t opcode, uint16_t action)
{
	struct opcode_lookup found = {0};

	for (size_t i = 0; i < scsi_command_count; i++) {
		const struct scsi_command *row = &scsi_commands[i];

		if (row->opcode != opcode || !row_is_supported(lun, row))
			continue;
		found.known = true;
		found.with_service_actions = has_service_action(row);
		if (!has_service_action(row) || row->service_action == action)
			found.row = row;
	}
	return found;
}

static enum scsi_result report_one(struct scsi_task *task, enum reporting_options options)
{
	struct opcode_lookup found = look_up(task->lun, task->cdb[3], get_be16(task->cdb + 4));
	bool mismatch = (options == REPORT_OPCODE && found.with_service_actions) ||
			(options == REPORT_SERVICE_ACTION && !found.with_service_actions);

	if (found.known && mismatch) {
		scsi_task_invalid_cdb_field(task, 2, 2);
		return SCSI_DONE;
	}
	/* Option 011b: an opcode without service actions has service action 0 only (6.35.1). */
	if (options == REPORT_ANY_SERVICE_ACTION && found.known && !found.with_service_actions &&
	    get_be16(task->cdb + 4) != 0)
		found.row = NULL;
	return answer_one(task, found.row, (task->cdb[2] & RCTD) != 0);
}

enum scsi_result scsi_report_supported_operation_codes(struct scsi_task *task)
{
	uint8_t options = task->cdb[2] & 0x07;

	if (options == REPORT_ALL)
		return report_all(task, (task->cdb[2] & RCTD) != 0);
	if (options <= REPORT_ANY_SERVICE_ACTION)
		return report_one(task, options);
	scsi_task_invalid_cdb_field(task, 2, 2);
	return SCSI_DONE;
}

/* ---- task management functions --------------------------------------------------------------- */

#define REPD 0x80

/* No CLEAR ACA, as there is no ACA. TARGET RESET and WAKEUP are obsolete since SAM-3. */
#define ATS_ATSS_CTSS_LURS 0xd8
#define QTS		   0x04
#define QAES_QTSS_ITNRS	   0x07

enum scsi_result scsi_report_supported_task_management(struct scsi_task *task)
{
	bool extended = (task->cdb[2] & REPD) != 0;
	uint32_t allocation_length = get_be32(task->cdb + 6);
	uint8_t data[16] = {0};

	if (allocation_length < 4) {
		scsi_task_invalid_cdb_field(task, 6, -1);
		return SCSI_DONE;
	}
	data[0] = ATS_ATSS_CTSS_LURS;
	if (task->nexus->queries) {
		data[0] |= QTS;
		data[1] = QAES_QTSS_ITNRS;
	}
	if (extended)
		data[3] = sizeof(data) - 4; /* time-outs: none are promised */
	return scsi_task_answer(task, data, extended ? sizeof(data) : 4, allocation_length);
}
