/*
 * ORWRITE (16) (SBC-3 5.6.1): sets bits, and clears none. Nothing else that overlaps runs between
 * the read and the write: the access is exclusive.
 */
#include "target/sbc.h"

static uint64_t offset_of(const struct scsi_task *task)
{
	return sbc_bytes(task, scsi_cdb_extent(task->cdb).lba);
}

static bool write_step(struct sbc_io *io)
{
	for (size_t i = 0; i < io->buffer_len; i++)
		io->buffer[i] |= io->task->data_out[i];
	io->fua = sbc_durable(io->task);
	return sbc_io_plan(io, BACKING_WRITE, offset_of(io->task), io->buffer, io->buffer_len,
			   sbc_io_good);
}

static bool read_step(struct sbc_io *io)
{
	return sbc_io_plan(io, BACKING_READ, offset_of(io->task), io->buffer, io->buffer_len,
			   write_step);
}

enum scsi_result scsi_orwrite_data(struct scsi_task *task)
{
	struct scsi_extent extent = scsi_cdb_extent(task->cdb);

	task->transfer_len = sbc_bytes(task, extent.blocks);
	if (task->data_out_len == 0) {
		scsi_task_good(task);
		return SCSI_DONE;
	}
	struct sbc_io *io = sbc_io_create(task, task->data_out_len);
	if (!io)
		return SCSI_DONE;
	return sbc_io_start(io, SBC_EXCLUSIVE, extent.lba,
			    task->data_out_len >> task->lun->block_shift, read_step);
}
