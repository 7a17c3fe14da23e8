/*
 * SANITIZE (SBC-3 5.29) and FORMAT UNIT (SBC-3 5.3): what may be asked for. sbc_erase.c does it.
 *
 * CRYPTOGRAPHIC ERASE is to make the data unreadable by throwing away their key. There is no key
 * here, so it makes them unreadable as BLOCK ERASE does: slower than its caller may hope, and no
 * weaker.
 */
#include "target/sbc_erase.h"

#include <string.h>

#include "pr_engine/bytes.h"

#define IMMED 0x80
#define AUSE  0x20

#define SANITIZE_CRYPTOGRAPHIC_ERASE 0x03

static enum medium_operation sanitize_operation(const struct scsi_task *task)
{
	bool cryptographic = task->command->service_action == SANITIZE_CRYPTOGRAPHIC_ERASE;

	return cryptographic ? MEDIUM_CRYPTOGRAPHIC_ERASE : MEDIUM_BLOCK_ERASE;
}

/* A failure that was to stay restricted cannot be mended by something less strict (4.11.3). */
static bool sanitize_permits(struct scsi_task *task)
{
	const struct sbc_erase *erase = task->lun->erase;
	bool unrestricted = (task->cdb[1] & AUSE) != 0;

	if (!sbc_erase_permits(task, MEDIUM_OVERWRITE))
		return false;
	if (!erase || !erase->record.restricted || !unrestricted)
		return true;
	scsi_task_invalid_cdb_field(task, 1, 5);
	return false;
}

static bool no_parameters(struct scsi_task *task)
{
	if (get_be16(task->cdb + 7) == 0)
		return true;
	scsi_task_invalid_cdb_field(task, 7, -1);
	return false;
}

static enum scsi_result sanitize_begin(struct scsi_task *task, struct medium_erase_record *record)
{
	record->restricted = (task->cdb[1] & AUSE) == 0;
	return sbc_erase_begin(task, record, (task->cdb[1] & IMMED) != 0);
}

enum scsi_result scsi_sanitize(struct scsi_task *task)
{
	struct medium_erase_record record = {.operation = sanitize_operation(task)};

	if (!no_parameters(task) || !sanitize_permits(task))
		return SCSI_DONE;
	return sanitize_begin(task, &record);
}

/* Without a failure there is nothing to be done, and that is no error. */
enum scsi_result scsi_sanitize_exit_failure_mode(struct scsi_task *task)
{
	const struct sbc_erase *erase = task->lun->erase;

	if (!no_parameters(task) || !sbc_erase_permits(task, MEDIUM_OVERWRITE))
		return SCSI_DONE;
	if (!erase) {
		scsi_task_good(task);
		return SCSI_DONE;
	}
	if (erase->record.restricted || erase->record.operation == MEDIUM_FORMAT) {
		scsi_task_invalid_cdb_field(task, 1, 4);
		return SCSI_DONE;
	}
	return sbc_erase_forget(task);
}

/* ---- OVERWRITE ------------------------------------------------------------------------------- */

#define OVERWRITE_HEADER_LEN 4
#define OVERWRITE_INVERT     0x80
#define OVERWRITE_TEST	     0x60
#define OVERWRITE_COUNT	     0x1f

enum scsi_result scsi_sanitize_overwrite(struct scsi_task *task)
{
	uint16_t len = get_be16(task->cdb + 7);

	if (len <= OVERWRITE_HEADER_LEN || len > OVERWRITE_HEADER_LEN + task->lun->block_size) {
		scsi_task_invalid_cdb_field(task, 7, -1);
		return SCSI_DONE;
	}
	return sanitize_permits(task) ? scsi_task_want(task, len) : SCSI_DONE;
}

/* SBC-3 5.29.2.2. TEST is vendor specific, and nothing here. */
static bool overwrite_check(struct scsi_task *task)
{
	const uint8_t *list = task->data_out;
	uint16_t pattern_len = get_be16(list + 2);

	if (task->data_out_len < task->transfer_len) {
		scsi_task_check_condition(task, SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR);
		return false;
	}
	if ((list[0] & OVERWRITE_TEST) != 0) {
		scsi_task_invalid_parameter_field(task, 0, 6);
		return false;
	}
	if ((list[0] & OVERWRITE_COUNT) == 0) {
		scsi_task_invalid_parameter_field(task, 0, 4);
		return false;
	}
	if (pattern_len == 0 || pattern_len > task->data_out_len - OVERWRITE_HEADER_LEN) {
		scsi_task_invalid_parameter_field(task, 2, -1);
		return false;
	}
	return true;
}

enum scsi_result scsi_sanitize_overwrite_data(struct scsi_task *task)
{
	const uint8_t *list = task->data_out;
	struct medium_erase_record record = {.operation = MEDIUM_OVERWRITE};

	/* Another one may have begun while the list was on its way. */
	if (!overwrite_check(task) || !sanitize_permits(task))
		return SCSI_DONE;
	record.invert = (list[0] & OVERWRITE_INVERT) != 0;
	record.passes = list[0] & OVERWRITE_COUNT;
	record.pattern_len = get_be16(list + 2);
	memcpy(record.pattern, list + OVERWRITE_HEADER_LEN, record.pattern_len);
	return sanitize_begin(task, &record);
}

/* ---- FORMAT UNIT ----------------------------------------------------------------------------- */

#define FORMAT_LONGLIST 0x20
#define FORMAT_FMTDATA	0x10

/* Byte 1 of the header. */
#define FORMAT_OPTIONS 0xfd /* FOV, DPRY, DCRT, STPF, IP and others: all but IMMED */
#define FORMAT_FOV     0x80
#define FORMAT_IP      0x08
#define FORMAT_VENDOR  0x05
#define FORMAT_IMMED   0x02

static enum scsi_result format_begin(struct scsi_task *task, bool immediate)
{
	struct medium_erase_record record = {.operation = MEDIUM_FORMAT};

	if (!sbc_erase_permits(task, MEDIUM_FORMAT))
		return SCSI_DONE;
	return sbc_erase_begin(task, &record, immediate);
}

static uint32_t format_header_len(const struct scsi_task *task)
{
	return (task->cdb[1] & FORMAT_LONGLIST) != 0 ? 8 : 4;
}

enum scsi_result scsi_format_unit(struct scsi_task *task)
{
	if (!sbc_erase_permits(task, MEDIUM_FORMAT))
		return SCSI_DONE;
	if ((task->cdb[1] & FORMAT_FMTDATA) == 0)
		return format_begin(task, false);
	if (task->expected_out < format_header_len(task)) {
		scsi_task_check_condition(task, SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR);
		return SCSI_DONE;
	}
	return scsi_task_want(task, format_header_len(task));
}

/* SBC-3 5.3.2.2: no protection, no pattern of the initiator's own, no defects. */
static bool format_check(struct scsi_task *task)
{
	const uint8_t *list = task->data_out;
	bool is_long = format_header_len(task) == 8;
	uint32_t defects = is_long ? get_be32(list + 4) : get_be16(list + 2);

	if (list[0] != 0 || (is_long && (list[2] != 0 || list[3] != 0))) {
		scsi_task_invalid_parameter_field(task, list[0] != 0 ? 0 : 3, -1);
		return false;
	}
	if ((list[1] & (FORMAT_IP | FORMAT_VENDOR)) != 0 ||
	    ((list[1] & FORMAT_FOV) == 0 && (list[1] & FORMAT_OPTIONS) != 0)) {
		scsi_task_invalid_parameter_field(task, 1, -1);
		return false;
	}
	if (defects != 0) {
		scsi_task_invalid_parameter_field(task, is_long ? 4 : 2, -1);
		return false;
	}
	return true;
}

enum scsi_result scsi_format_unit_data(struct scsi_task *task)
{
	if (!format_check(task))
		return SCSI_DONE;
	return format_begin(task, (task->data_out[1] & FORMAT_IMMED) != 0);
}
