/*
 * What every handler uses: finding the row of a CDB, and ending a task.
 */
#include "target/command.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/buffer.h"
#include "target/target.h"

static bool command_has_service_action(const struct scsi_command *row)
{
	return row->service_action != SCSI_NO_SERVICE_ACTION;
}

/* The first row of an opcode, or where it would be. */
static size_t command_lower_bound(uint8_t opcode)
{
	size_t low = 0, high = scsi_command_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (scsi_commands[middle].opcode < opcode)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The row behind `at`, where the rows of the CDB's opcode begin. */
static const struct scsi_command *command_find_from(size_t at, const uint8_t *cdb,
						    enum scsi_sense *ret_sense)
{
	if (at >= scsi_command_count || scsi_commands[at].opcode != cdb[0]) {
		*ret_sense = SCSI_SENSE_INVALID_OPERATION_CODE;
		return NULL;
	}
	for (; at < scsi_command_count && scsi_commands[at].opcode == cdb[0]; at++) {
		const struct scsi_command *row = &scsi_commands[at];

		if (!command_has_service_action(row) || row->service_action == (cdb[1] & 0x1f))
			return row;
	}
	*ret_sense = SCSI_SENSE_INVALID_FIELD_IN_CDB;
	return NULL;
}

const struct scsi_command *scsi_command_find(const uint8_t *cdb, enum scsi_sense *ret_sense)
{
	return command_find_from(command_lower_bound(cdb[0]), cdb, ret_sense);
}

const struct scsi_command *scsi_command_find_in(const struct scsi_command_index *index,
						const uint8_t *cdb, enum scsi_sense *ret_sense)
{
	return command_find_from(index->first[cdb[0]], cdb, ret_sense);
}

void scsi_command_index_fill(struct scsi_command_index *ret_index)
{
	assert(scsi_command_count <= UINT8_MAX);
	for (unsigned opcode = 0; opcode < sizeof(ret_index->first); opcode++)
		ret_index->first[opcode] = (uint8_t)command_lower_bound((uint8_t)opcode);
}

void scsi_task_good(struct scsi_task *task)
{
	task->status = SCSI_STATUS_GOOD;
	task->sense_len = 0;
}

bool scsi_task_alloc_in(struct scsi_task *task, uint64_t len)
{
	uint8_t *data = NULL;

	if (len <= SIZE_MAX)
		data = scsi_buffer_take(task->spares, (size_t)len);
	if (!data) {
		scsi_task_check_condition(task, SCSI_SENSE_INSUFFICIENT_RESOURCES);
		return false;
	}
	scsi_buffer_give(task->spares, task->data_in);
	task->data_in = data;
	scsi_task_cut_in(task, len);
	return true;
}

void scsi_task_cut_in(struct scsi_task *task, uint64_t len)
{
	task->data_in_len = len < task->expected_in ? (uint32_t)len : task->expected_in;
	task->transfer_len = len;
}

enum scsi_result scsi_task_answer(struct scsi_task *task, const void *data, size_t len,
				  uint32_t allocation_length)
{
	size_t transfer = len < allocation_length ? len : allocation_length;

	if (!scsi_task_alloc_in(task, transfer))
		return SCSI_DONE;
	if (transfer > 0)
		memcpy(task->data_in, data, transfer);
	scsi_task_good(task);
	return SCSI_DONE;
}

enum scsi_result scsi_task_want(struct scsi_task *task, uint64_t len)
{
	task->data_out_len = len < task->expected_out ? (uint32_t)len : task->expected_out;
	task->data_out_room = len;
	task->transfer_len = len;
	task->wants_data_out = true;
	if (task->data_out_len > 0)
		return SCSI_WANT_DATA;
	return scsi_task_alloc_out(task) ? task->command->data_out(task) : SCSI_DONE;
}

bool scsi_task_alloc_out(struct scsi_task *task)
{
	size_t room = (size_t)task->data_out_room;
	uint8_t *data = NULL;

	if (task->data_out_room <= SIZE_MAX)
		data = scsi_buffer_take(task->spares, room);
	if (!data) {
		scsi_task_check_condition(task, SCSI_SENSE_INSUFFICIENT_RESOURCES);
		return false;
	}
	memset(data + task->data_out_len, 0, room - task->data_out_len);
	task->data_out = data;
	return true;
}

bool scsi_task_keep_out(struct scsi_task *task)
{
	const uint8_t *lent = task->data_out;

	if (!task->data_out_lent)
		return true;
	task->data_out = NULL;
	task->data_out_lent = false;
	if (!scsi_task_alloc_out(task)) {
		task->transfer_len = 0;
		return false;
	}
	memcpy(task->data_out, lent, task->data_out_len);
	return true;
}

struct scsi_extent scsi_cdb_extent(const uint8_t *cdb)
{
	switch (cdb[0] >> 5) {
	case 0: /* 6 bytes: 21 bits of LBA, and a length of 0 means 256 */
		return (struct scsi_extent){.lba = get_be24(cdb + 1) & 0x1fffff,
					    .blocks = cdb[4] != 0 ? cdb[4] : 256};
	case 1:
	case 2: /* 10 bytes */
		return (struct scsi_extent){.lba = get_be32(cdb + 2), .blocks = get_be16(cdb + 7)};
	case 5: /* 12 bytes */
		return (struct scsi_extent){.lba = get_be32(cdb + 2), .blocks = get_be32(cdb + 6)};
	default: /* 16 bytes */
		return (struct scsi_extent){.lba = get_be64(cdb + 2), .blocks = get_be32(cdb + 10)};
	}
}

void target_task_inject_data(struct scsi_task *task, const void *data, size_t len)
{
	scsi_task_answer(task, data, len, UINT32_MAX);
}
