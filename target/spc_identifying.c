/*
 * REPORT IDENTIFYING INFORMATION and SET IDENTIFYING INFORMATION (SPC-4 6.32, 6.44): names that an
 * operator gives a LUN. They are saved.
 */
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/saved.h"

#define INFORMATION_TYPES 0x7f /* which types there are */

struct information_type {
	uint8_t type;
	uint16_t max; /* bytes */
};

static const struct information_type information_types[SCSI_IDENTIFYING_COUNT] = {
	[SCSI_IDENTIFYING_LU] = {0x00, SCSI_IDENTIFYING_LU_MAX},
	[SCSI_IDENTIFYING_TEXT] = {0x02, SCSI_IDENTIFYING_TEXT_MAX},
};

/* SCSI_IDENTIFYING_COUNT: there is no such type. */
static unsigned kind_of(const struct scsi_task *task)
{
	uint8_t type = task->cdb[10] >> 1;
	unsigned kind = 0;

	while (kind < SCSI_IDENTIFYING_COUNT && information_types[kind].type != type)
		kind++;
	return kind;
}

static enum scsi_result refuse_type(struct scsi_task *task)
{
	scsi_task_invalid_cdb_field(task, 10, 7);
	return SCSI_DONE;
}

static void put_types(struct byte_writer *data)
{
	for (unsigned kind = 0; kind < SCSI_IDENTIFYING_COUNT; kind++) {
		byte_writer_u8(data, (uint8_t)(information_types[kind].type << 1));
		byte_writer_u8(data, 0);
		byte_writer_be16(data, information_types[kind].max);
	}
}

enum scsi_result scsi_report_identifying_information(struct scsi_task *task)
{
	uint8_t bytes[4 + SCSI_IDENTIFYING_TEXT_MAX];
	struct byte_writer data = byte_writer_over(bytes, sizeof(bytes));
	unsigned kind = kind_of(task);

	byte_writer_be32(&data, 0);
	if (task->cdb[10] >> 1 == INFORMATION_TYPES) {
		put_types(&data);
	} else if (kind < SCSI_IDENTIFYING_COUNT) {
		const struct scsi_identifying *text = &task->lun->saved.values.identifying[kind];

		byte_writer_bytes(&data, text->bytes, text->len);
	} else {
		return refuse_type(task);
	}
	put_be16(bytes + 2, (uint16_t)(data.len - 4));
	return scsi_task_answer(task, bytes, data.len, get_be32(task->cdb + 6));
}

enum scsi_result scsi_set_identifying_information(struct scsi_task *task)
{
	uint32_t len = get_be32(task->cdb + 6);
	unsigned kind = kind_of(task);

	if (kind == SCSI_IDENTIFYING_COUNT)
		return refuse_type(task);
	if (!scsi_saved_is_possible(task->lun)) {
		scsi_task_check_condition(task, SCSI_SENSE_SAVING_PARAMETERS_NOT_SUPPORTED);
		return SCSI_DONE;
	}
	if (len > information_types[kind].max) {
		scsi_task_invalid_cdb_field(task, 6, -1);
		return SCSI_DONE;
	}
	return scsi_task_want(task, len);
}

static enum scsi_change plan(struct scsi_task *task, struct scsi_mode *current,
			     struct scsi_saved_values *saved)
{
	struct scsi_identifying *text = &saved->identifying[kind_of(task)];
	(void)current;

	if (task->data_out_len < task->transfer_len) {
		scsi_task_check_condition(task, SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR);
		return SCSI_CHANGE_REFUSED;
	}
	*text = (struct scsi_identifying){.len = (uint16_t)task->data_out_len};
	memcpy(text->bytes, task->data_out, task->data_out_len);
	return SCSI_CHANGE_SAVED;
}

static enum scsi_result installed(struct scsi_task *task, const struct scsi_mode *before)
{
	(void)before;
	scsi_lun_raise(task->lun, SCSI_UA_IDENTIFIER_CHANGED, task->nexus);
	scsi_task_good(task);
	return SCSI_DONE;
}

enum scsi_result scsi_set_identifying_information_data(struct scsi_task *task)
{
	return scsi_saved_change(task, plan, installed);
}
