/*
 * COMPARE AND WRITE (SBC-3 5.2). Data-Out is the blocks to compare with, then as many to write.
 * Nothing else that overlaps runs between the read and the write: the access is exclusive.
 */
#include "target/sbc.h"

#include <string.h>

static uint64_t offset_of(const struct scsi_task *task)
{
	return sbc_bytes(task, scsi_cdb_extent(task->cdb).lba);
}

static bool write_step(struct sbc_io *io)
{
	struct scsi_task *task = io->task;
	size_t len = io->buffer_len;

	if (memcmp(io->buffer, task->data_out, len) != 0) {
		size_t at = 0;

		while (io->buffer[at] == task->data_out[at])
			at++;
		scsi_task_check_condition_info(task, SCSI_SENSE_MISCOMPARE_DURING_VERIFY, at);
		return false;
	}
	io->fua = sbc_durable(task);
	return sbc_io_plan(io, BACKING_WRITE, offset_of(task), task->data_out + len, len,
			   sbc_io_good);
}

static bool read_step(struct sbc_io *io)
{
	return sbc_io_plan(io, BACKING_READ, offset_of(io->task), io->buffer, io->buffer_len,
			   write_step);
}

enum scsi_result scsi_compare_and_write(struct scsi_task *task)
{
	struct scsi_extent extent = scsi_cdb_extent(task->cdb);
	uint64_t len = 2 * sbc_bytes(task, extent.blocks);

	if (!sbc_range_check(task, extent.lba, extent.blocks))
		return SCSI_DONE;
	if (extent.blocks > sbc_compare_and_write_max_blocks(task->lun)) {
		scsi_task_invalid_cdb_field(task, 13, -1);
		return SCSI_DONE;
	}
	if (extent.blocks == 0 && task->expected_out > 0) { /* 256 blocks do not fit the field */
		scsi_task_invalid_cdb_field(task, 13, -1);
		return SCSI_DONE;
	}
	if (extent.blocks == 0) {
		scsi_task_good(task);
		return SCSI_DONE;
	}
	/* Half a comparison, or half a write, is neither. */
	if (!sbc_data_out_exact(task, len))
		return SCSI_DONE;
	return scsi_task_want(task, len);
}

enum scsi_result scsi_compare_and_write_data(struct scsi_task *task)
{
	struct scsi_extent extent = scsi_cdb_extent(task->cdb);
	struct sbc_io *io = sbc_io_create(task, (size_t)sbc_bytes(task, extent.blocks));

	if (!io)
		return SCSI_DONE;
	return sbc_io_start(io, SBC_EXCLUSIVE, extent.lba, extent.blocks, read_step);
}
