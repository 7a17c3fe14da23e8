/*
 * READ BUFFER and WRITE BUFFER (SPC-4 6.15, 6.49): the echo buffer, one for each nexus, so nobody
 * can overwrite another's.
 */
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/command.h"

#define ECHO_BUFFER_MAX 4096 /* bytes; the descriptor has 13 bits for it */

enum buffer_mode {
	BUFFER_DESCRIPTOR = 0x03,
	BUFFER_ECHO = 0x0a,
	BUFFER_ECHO_DESCRIPTOR = 0x0b,
};

struct scsi_echo_buffer {
	size_t len;
	uint8_t data[ECHO_BUFFER_MAX];
};

static enum scsi_result refuse_mode(struct scsi_task *task)
{
	scsi_task_invalid_cdb_field(task, 1, 4);
	return SCSI_DONE;
}

static enum scsi_result read_echo(struct scsi_task *task, uint32_t allocation_length)
{
	const struct scsi_echo_buffer *echo = scsi_task_lun_nexus(task)->echo;

	if (!echo) {
		scsi_task_check_condition(task, SCSI_SENSE_COMMAND_SEQUENCE_ERROR);
		return SCSI_DONE;
	}
	return scsi_task_answer(task, echo->data, echo->len, allocation_length);
}

enum scsi_result scsi_read_buffer(struct scsi_task *task)
{
	uint32_t allocation_length = get_be24(task->cdb + 6);
	uint8_t descriptor[4] = {0};

	switch (task->cdb[1] & 0x1f) {
	case BUFFER_DESCRIPTOR: /* no buffer has a number: zeros say so */
		return scsi_task_answer(task, descriptor, sizeof(descriptor), allocation_length);
	case BUFFER_ECHO:
		return read_echo(task, allocation_length);
	case BUFFER_ECHO_DESCRIPTOR:
		put_be16(descriptor + 2, ECHO_BUFFER_MAX);
		return scsi_task_answer(task, descriptor, sizeof(descriptor), allocation_length);
	default:
		return refuse_mode(task);
	}
}

enum scsi_result scsi_write_buffer(struct scsi_task *task)
{
	uint32_t len = get_be24(task->cdb + 6);

	if ((task->cdb[1] & 0x1f) != BUFFER_ECHO)
		return refuse_mode(task);
	if (len > ECHO_BUFFER_MAX) {
		scsi_task_invalid_cdb_field(task, 6, -1);
		return SCSI_DONE;
	}
	return scsi_task_want(task, len);
}

enum scsi_result scsi_write_buffer_data(struct scsi_task *task)
{
	struct scsi_lun_nexus *lun_nexus = scsi_task_lun_nexus(task);

	if (!lun_nexus->echo)
		lun_nexus->echo = malloc(sizeof(*lun_nexus->echo));
	if (!lun_nexus->echo) {
		scsi_task_check_condition(task, SCSI_SENSE_INSUFFICIENT_RESOURCES);
		return SCSI_DONE;
	}
	lun_nexus->echo->len = task->data_out_len;
	memcpy(lun_nexus->echo->data, task->data_out, task->data_out_len);
	scsi_task_good(task);
	return SCSI_DONE;
}
