/*
 * READ CAPACITY (10), (16) (SBC-3 5.13, 5.14) and GET LBA STATUS (SBC-3 5.4).
 */
#include "target/sbc.h"

#include "pr_engine/bytes.h"

enum scsi_result scsi_read_capacity_10(struct scsi_task *task)
{
	const struct scsi_lun *lun = task->lun;
	uint64_t last = lun->blocks - 1;
	uint8_t data[8];

	/* All ones: more than fits, ask READ CAPACITY (16). */
	put_be32(data, last < UINT32_MAX ? (uint32_t)last : UINT32_MAX);
	put_be32(data + 4, lun->block_size);
	return scsi_task_answer(task, data, sizeof(data), sizeof(data));
}

enum scsi_result scsi_read_capacity_16(struct scsi_task *task)
{
	const struct scsi_lun *lun = task->lun;
	uint8_t data[32] = {0};

	put_be64(data, lun->blocks - 1);
	put_be32(data + 8, lun->block_size);
	data[13] = lun->config.physical_exponent & 0x0f;
	if (lun->config.thin)
		data[14] = 0xc0; /* LBPME, LBPRZ */
	return scsi_task_answer(task, data, sizeof(data), get_be32(task->cdb + 10));
}

/* ---- GET LBA STATUS -------------------------------------------------------------------------- */

#define LBA_STATUS_HEADER_LEN	   8
#define LBA_STATUS_DESCRIPTOR_LEN  16
#define LBA_STATUS_DESCRIPTORS_MAX 64
/* A bound on the time: the store may tell of a long extent in many parts. */
#define LBA_STATUS_REQUESTS_MAX 256

enum provisioning_status {
	LBA_MAPPED = 0x0,
	LBA_DEALLOCATED = 0x1,
};

static uint8_t *descriptor_at(struct sbc_io *io, uint32_t index)
{
	return io->buffer + LBA_STATUS_HEADER_LEN + (size_t)index * LBA_STATUS_DESCRIPTOR_LEN;
}

/* How many descriptors there is room for in the answer; never none. */
static uint32_t descriptors_wanted(const struct scsi_task *task)
{
	uint32_t allocation = get_be32(task->cdb + 10);
	uint32_t room = allocation < LBA_STATUS_HEADER_LEN + LBA_STATUS_DESCRIPTOR_LEN
				? 1
				: (allocation - LBA_STATUS_HEADER_LEN) / LBA_STATUS_DESCRIPTOR_LEN;

	return room < LBA_STATUS_DESCRIPTORS_MAX ? room : LBA_STATUS_DESCRIPTORS_MAX;
}

/* Header first, then the descriptors: `io->end` of them. */
static bool lba_status_answer(struct sbc_io *io)
{
	size_t len = LBA_STATUS_HEADER_LEN + (size_t)io->end * LBA_STATUS_DESCRIPTOR_LEN;

	put_be32(io->buffer, (uint32_t)(len - 4));
	scsi_task_answer(io->task, io->buffer, len, get_be32(io->task->cdb + 10));
	return false;
}

/* Adds [lba, lba + blocks) to the last descriptor when it goes on there, else as a new one. */
static void lba_status_add(struct sbc_io *io, uint64_t lba, uint32_t blocks,
			   enum provisioning_status status)
{
	if (io->end > 0) {
		uint8_t *last = descriptor_at(io, (uint32_t)io->end - 1);
		uint32_t before = get_be32(last + 8);

		if (last[12] == status && before <= UINT32_MAX - blocks) {
			put_be32(last + 8, before + blocks);
			return;
		}
	}
	uint8_t *descriptor = descriptor_at(io, (uint32_t)io->end++);
	put_be64(descriptor, lba);
	put_be32(descriptor + 8, blocks);
	descriptor[12] = (uint8_t)status;
}

static bool lba_status_step(struct sbc_io *io);

/* The store's extents need not end at a block's edge: a block is a hole only when all of it is. */
static bool extent_step(struct sbc_io *io)
{
	const struct scsi_lun *lun = io->task->lun;
	bool mapped = io->request.mapped;
	uint64_t len = io->request.len;
	uint64_t blocks = len >> lun->block_shift;

	if (mapped || blocks == 0)
		blocks = (len + lun->block_size - 1) >> lun->block_shift;
	if (blocks > UINT32_MAX)
		blocks = UINT32_MAX;
	mapped = mapped || len < lun->block_size;
	lba_status_add(io, io->at, (uint32_t)blocks, mapped ? LBA_MAPPED : LBA_DEALLOCATED);
	io->at += blocks;
	return lba_status_step(io);
}

/* io->at: the next LBA; io->end: the descriptors so far; buffer_len: room for those wanted. */
static bool lba_status_step(struct sbc_io *io)
{
	const struct scsi_lun *lun = io->task->lun;
	uint64_t wanted = (io->buffer_len - LBA_STATUS_HEADER_LEN) / LBA_STATUS_DESCRIPTOR_LEN;

	if (io->end == wanted || io->at == lun->blocks || io->requests == LBA_STATUS_REQUESTS_MAX)
		return lba_status_answer(io);
	return sbc_io_plan(io, BACKING_EXTENT, sbc_bytes(io->task, io->at), NULL,
			   sbc_bytes(io->task, lun->blocks - io->at), extent_step);
}

/* Without provisioning management there is one extent, and it is mapped. */
static bool lba_status_thick_step(struct sbc_io *io)
{
	uint64_t left = io->task->lun->blocks - io->at;

	lba_status_add(io, io->at, left < UINT32_MAX ? (uint32_t)left : UINT32_MAX, LBA_MAPPED);
	return lba_status_answer(io);
}

enum scsi_result scsi_get_lba_status(struct scsi_task *task)
{
	uint64_t lba = get_be64(task->cdb + 2);
	uint32_t wanted = descriptors_wanted(task);

	if (!sbc_range_check(task, lba, 1))
		return SCSI_DONE;
	struct sbc_io *io = sbc_io_create(task, LBA_STATUS_HEADER_LEN +
							(size_t)wanted * LBA_STATUS_DESCRIPTOR_LEN);
	if (!io)
		return SCSI_DONE;
	io->at = lba;
	return sbc_io_start(io, SBC_SHARED, lba, 0,
			    task->lun->config.thin ? lba_status_step : lba_status_thick_step);
}
