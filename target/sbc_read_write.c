/*
 * READ and WRITE (6), (10), (12), (16) (SBC-3 5.8 to 5.12, 5.25 to 5.29).
 */
#include "target/sbc.h"

/* ---- READ ------------------------------------------------------------------------------------ */

static bool read_step(struct sbc_io *io)
{
	/* transfer_len is what the CDB asks for; only what the initiator takes is read. */
	struct scsi_task *task = io->task;
	uint64_t offset = sbc_bytes(task, scsi_cdb_extent(task->cdb).lba);

	return sbc_io_plan(io, BACKING_READ, offset, task->data_in, io->end, sbc_io_good);
}

static bool read_flush_step(struct sbc_io *io)
{
	return sbc_io_plan(io, BACKING_FLUSH, 0, NULL, 0, read_step);
}

enum scsi_result scsi_read(struct scsi_task *task)
{
	struct scsi_extent extent;

	if (!sbc_extent_check(task, &extent))
		return SCSI_DONE;

	uint64_t len = sbc_bytes(task, extent.blocks);
	uint64_t taken = len < task->expected_in ? len : task->expected_in;
	/* Whole blocks: the last one may be taken in part. */
	uint64_t blocks = (taken + task->lun->block_size - 1) >> task->lun->block_shift;

	if (blocks == 0) {
		task->transfer_len = len;
		scsi_task_good(task);
		return SCSI_DONE;
	}
	uint64_t end = sbc_bytes(task, blocks);
	bool flushes = sbc_reads_medium(task);

	if (!flushes && task->takes_lent && sbc_lend(task, sbc_bytes(task, extent.lba), end)) {
		task->transfer_len = len;
		return SCSI_DONE;
	}
	if (!scsi_task_alloc_in(task, end))
		return SCSI_DONE;
	task->transfer_len = len;
	if (!flushes && sbc_at_once(task, BACKING_READ, sbc_bytes(task, extent.lba), task->data_in,
				    (size_t)end))
		return SCSI_DONE;
	struct sbc_io *io = sbc_io_create(task, 0);
	if (!io)
		return SCSI_DONE;
	io->end = end;
	return sbc_io_start(io, SBC_SHARED, extent.lba, blocks,
			    flushes ? read_flush_step : read_step);
}

/* ---- WRITE ----------------------------------------------------------------------------------- */

static bool write_step(struct sbc_io *io)
{
	struct scsi_task *task = io->task;
	uint64_t offset = sbc_bytes(task, scsi_cdb_extent(task->cdb).lba);

	io->fua = sbc_durable(task);
	return sbc_io_plan(io, BACKING_WRITE, offset, task->data_out, task->data_out_len,
			   sbc_io_good);
}

enum scsi_result scsi_write(struct scsi_task *task)
{
	struct scsi_extent extent;
	uint64_t len;

	if (!sbc_extent_check(task, &extent) ||
	    !sbc_data_out_len(task, sbc_bytes(task, extent.blocks), &len))
		return SCSI_DONE;
	return scsi_task_want(task, len);
}

enum scsi_result scsi_write_data(struct scsi_task *task)
{
	struct scsi_extent extent = scsi_cdb_extent(task->cdb);

	task->transfer_len = sbc_bytes(task, extent.blocks);
	if (task->data_out_len == 0) {
		scsi_task_good(task);
		return SCSI_DONE;
	}
	if (!sbc_durable(task) && sbc_at_once(task, BACKING_WRITE, sbc_bytes(task, extent.lba),
					      task->data_out, task->data_out_len))
		return SCSI_DONE;
	struct sbc_io *io = scsi_task_keep_out(task) ? sbc_io_create(task, 0) : NULL;
	if (!io)
		return SCSI_DONE;
	/* A file does not keep a READ from seeing half of a block that is being written; a disk
	 * does, and cluster software relies on it. */
	return sbc_io_start(io, SBC_EXCLUSIVE, extent.lba,
			    task->data_out_len >> task->lun->block_shift, write_step);
}
