/*
 * VERIFY and WRITE AND VERIFY (10), (12), (16) (SBC-3 5.20 to 5.22, 5.33 to 5.35).
 *
 * The medium is read back in chunks. BYTCHK = 0 reads it and compares nothing; 1 compares it with
 * Data-Out; 3 (VERIFY alone) compares every block with the single one of Data-Out.
 */
#include "target/sbc.h"

#include <string.h>

enum bytchk {
	BYTCHK_NONE = 0,
	BYTCHK_BYTES = 1,
	BYTCHK_RESERVED = 2,
	BYTCHK_ONE_BLOCK = 3,
};

static enum bytchk bytchk_of(const struct scsi_task *task)
{
	return task->cdb[1] >> 1 & 3;
}

/* Offset of the first byte of the chunk that differs from Data-Out, or `len`. */
static size_t first_difference(const struct sbc_io *io, size_t len)
{
	const struct scsi_task *task = io->task;
	const uint8_t *wanted = task->data_out;
	size_t period = task->data_out_len;
	size_t at = 0;

	while (at < len) {
		size_t start = (size_t)((io->at + at) % period);
		size_t n = period - start < len - at ? period - start : len - at;

		if (memcmp(io->buffer + at, wanted + start, n) != 0) {
			while (io->buffer[at] == wanted[start]) {
				at++;
				start++;
			}
			return at;
		}
		at += n;
	}
	return len;
}

static bool compare_step(struct sbc_io *io)
{
	size_t len = (size_t)io->request.len;

	if (bytchk_of(io->task) != BYTCHK_NONE) {
		size_t at = first_difference(io, len);

		if (at < len) {
			scsi_task_check_condition_info(
				io->task, SCSI_SENSE_MISCOMPARE_DURING_VERIFY, io->at + at);
			return false;
		}
	}
	io->at += len;
	return sbc_verify_step(io);
}

bool sbc_verify_step(struct sbc_io *io)
{
	uint64_t left = io->end - io->at;
	uint64_t offset = sbc_bytes(io->task, scsi_cdb_extent(io->task->cdb).lba) + io->at;

	if (left == 0)
		return sbc_io_good(io);
	return sbc_io_plan(io, BACKING_READ, offset, io->buffer,
			   left < io->buffer_len ? left : io->buffer_len, compare_step);
}

static struct sbc_io *verify_io_create(struct scsi_task *task, uint64_t len)
{
	struct sbc_io *io =
		sbc_io_create(task, len < SBC_VERIFY_CHUNK ? (size_t)len : SBC_VERIFY_CHUNK);

	if (io)
		io->end = len;
	return io;
}

/* ---- VERIFY ---------------------------------------------------------------------------------- */

/* The medium is what is verified, so what is cached goes there first. */
static bool verify_flush_step(struct sbc_io *io)
{
	return sbc_io_plan(io, BACKING_FLUSH, 0, NULL, 0, sbc_verify_step);
}

static enum scsi_result verify_start(struct scsi_task *task, uint64_t blocks)
{
	struct sbc_io *io = verify_io_create(task, sbc_bytes(task, blocks));

	if (!io)
		return SCSI_DONE;
	return sbc_io_start(io, SBC_SHARED, scsi_cdb_extent(task->cdb).lba, blocks,
			    task->lun->mode.write_cache && blocks > 0 ? verify_flush_step
								      : sbc_verify_step);
}

static enum scsi_result verify_bytes(struct scsi_task *task, uint64_t blocks)
{
	uint64_t len;

	if (!sbc_data_out_len(task, sbc_bytes(task, blocks), &len))
		return SCSI_DONE;
	return scsi_task_want(task, len);
}

enum scsi_result scsi_verify(struct scsi_task *task)
{
	struct scsi_extent extent;

	if (!sbc_extent_check(task, &extent))
		return SCSI_DONE;
	switch (bytchk_of(task)) {
	case BYTCHK_NONE:
		return verify_start(task, extent.blocks);
	case BYTCHK_BYTES:
		return verify_bytes(task, extent.blocks);
	case BYTCHK_ONE_BLOCK:
		if (!sbc_data_out_exact(task, task->lun->block_size))
			return SCSI_DONE;
		return scsi_task_want(task, task->lun->block_size);
	case BYTCHK_RESERVED:
		break;
	}
	scsi_task_invalid_cdb_field(task, 1, 2);
	return SCSI_DONE;
}

enum scsi_result scsi_verify_data(struct scsi_task *task)
{
	uint32_t blocks = scsi_cdb_extent(task->cdb).blocks;

	if (bytchk_of(task) == BYTCHK_ONE_BLOCK)
		return verify_start(task, blocks);
	task->transfer_len = sbc_bytes(task, blocks);
	return verify_start(task, task->data_out_len >> task->lun->block_shift);
}

/* ---- WRITE AND VERIFY ------------------------------------------------------------------------ */

/* Durable whatever the cache does: what is read back afterwards is to be the medium. */
static bool write_step(struct sbc_io *io)
{
	struct scsi_task *task = io->task;
	uint64_t offset = sbc_bytes(task, scsi_cdb_extent(task->cdb).lba);

	io->fua = true;
	return sbc_io_plan(io, BACKING_WRITE, offset, task->data_out, task->data_out_len,
			   sbc_verify_step);
}

enum scsi_result scsi_write_and_verify(struct scsi_task *task)
{
	/* Only 0 and 1 are defined here: there is a block of Data-Out for every block. */
	if (bytchk_of(task) >= BYTCHK_RESERVED) {
		scsi_task_invalid_cdb_field(task, 1, 2);
		return SCSI_DONE;
	}
	return scsi_write(task);
}

enum scsi_result scsi_write_and_verify_data(struct scsi_task *task)
{
	struct scsi_extent extent = scsi_cdb_extent(task->cdb);

	task->transfer_len = sbc_bytes(task, extent.blocks);
	if (task->data_out_len == 0) {
		scsi_task_good(task);
		return SCSI_DONE;
	}
	struct sbc_io *io = verify_io_create(task, task->data_out_len);
	if (!io)
		return SCSI_DONE;
	/* Somebody else's write in between would look like a medium that lost ours. */
	return sbc_io_start(io, SBC_EXCLUSIVE, extent.lba,
			    task->data_out_len >> task->lun->block_shift, write_step);
}
