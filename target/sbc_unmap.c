/*
 * UNMAP (SBC-3 5.19) and WRITE SAME (10), (16) (SBC-3 5.40, 5.41).
 */
#include "target/sbc.h"

#include "pr_engine/bytes.h"

#define UNMAP_HEADER_LEN     8
#define UNMAP_DESCRIPTOR_LEN 16

/* ---- UNMAP ----------------------------------------------------------------------------------- */

/* io->at and io->end count descriptors. */
static bool unmap_step(struct sbc_io *io)
{
	struct scsi_task *task = io->task;

	while (io->at < io->end) {
		const uint8_t *descriptor =
			task->data_out + UNMAP_HEADER_LEN + io->at * UNMAP_DESCRIPTOR_LEN;
		uint64_t lba = get_be64(descriptor);
		uint32_t blocks = get_be32(descriptor + 8);

		io->at++;
		if (blocks > 0)
			return sbc_io_plan(io, BACKING_UNMAP, sbc_bytes(task, lba), NULL,
					   sbc_bytes(task, blocks), unmap_step);
	}
	return sbc_io_good(io);
}

struct unmap_list {
	uint32_t descriptors;
	uint64_t first, end; /* the blocks between the lowest and the highest one named */
};

/* Every descriptor is looked at before any of them takes effect. */
static bool unmap_list_check(struct scsi_task *task, struct unmap_list *list)
{
	uint64_t total = 0;

	*list = (struct unmap_list){.first = UINT64_MAX,
				    .descriptors =
					    get_be16(task->data_out + 2) / UNMAP_DESCRIPTOR_LEN};
	if (list->descriptors > SBC_UNMAP_MAX_DESCRIPTORS) {
		scsi_task_invalid_parameter_field(task, 2, -1);
		return false;
	}
	for (uint32_t i = 0; i < list->descriptors; i++) {
		uint32_t at = UNMAP_HEADER_LEN + i * UNMAP_DESCRIPTOR_LEN;
		uint64_t lba = get_be64(task->data_out + at);
		uint32_t blocks = get_be32(task->data_out + at + 8);

		if (!sbc_range_check(task, lba, blocks))
			return false;
		total += blocks;
		if (total > SBC_UNMAP_MAX_BLOCKS) {
			scsi_task_invalid_parameter_field(task, (uint16_t)(at + 8), -1);
			return false;
		}
		if (blocks == 0)
			continue;
		if (lba < list->first)
			list->first = lba;
		if (lba + blocks > list->end)
			list->end = lba + blocks;
	}
	return true;
}

enum scsi_result scsi_unmap(struct scsi_task *task)
{
	uint16_t len = get_be16(task->cdb + 7);

	if (!task->lun->config.thin) {
		scsi_task_check_condition(task, SCSI_SENSE_INVALID_OPERATION_CODE);
		return SCSI_DONE;
	}
	if ((task->cdb[1] & 0x01) != 0) { /* ANCHOR: there is no anchored state here */
		scsi_task_invalid_cdb_field(task, 1, 0);
		return SCSI_DONE;
	}
	if (len == 0) {
		scsi_task_good(task);
		return SCSI_DONE;
	}
	if (len < UNMAP_HEADER_LEN) {
		scsi_task_check_condition(task, SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR);
		return SCSI_DONE;
	}
	return scsi_task_want(task, len);
}

enum scsi_result scsi_unmap_data(struct scsi_task *task)
{
	struct unmap_list list;

	/* The descriptors must all have arrived; an incomplete last one is ignored (5.19.2). */
	if (task->data_out_len < UNMAP_HEADER_LEN ||
	    get_be16(task->data_out + 2) > task->data_out_len - UNMAP_HEADER_LEN) {
		scsi_task_check_condition(task, SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR);
		return SCSI_DONE;
	}
	if (!unmap_list_check(task, &list))
		return SCSI_DONE;
	if (list.end == 0) {
		scsi_task_good(task);
		return SCSI_DONE;
	}
	struct sbc_io *io = sbc_io_create(task, 0);
	if (!io)
		return SCSI_DONE;
	io->end = list.descriptors;
	io->fua = !task->lun->mode.write_cache;
	return sbc_io_start(io, SBC_SHARED, list.first, list.end - list.first, unmap_step);
}

/* ---- WRITE SAME ------------------------------------------------------------------------------ */

#define WRITE_SAME_ANCHOR 0x10
#define WRITE_SAME_UNMAP  0x08
#define WRITE_SAME_NDOB	  0x01

static bool block_is_zero(const uint8_t *block, uint32_t len)
{
	return block[0] == 0 && memcmp(block, block + 1, len - 1) == 0;
}

/* Zero blocks are all of them up to the end, where that is permitted (WSNZ = 0). */
static uint64_t write_same_blocks(const struct scsi_task *task, struct scsi_extent extent)
{
	return extent.blocks > 0 ? extent.blocks : task->lun->blocks - extent.lba;
}

/* io->at and io->end are offsets on the medium. */
static bool write_same_step(struct sbc_io *io)
{
	struct scsi_task *task = io->task;
	bool unmap = (task->cdb[1] & WRITE_SAME_UNMAP) != 0;
	/* Without data, the io's zeroed buffer is the block. */
	uint8_t *block = task->data_out_len > 0 ? task->data_out : io->buffer;

	/* Unmapped blocks read as zeros (LBPRZ), so only a block of zeros may unmap (table 5.41).
	 */
	unmap = unmap && block_is_zero(block, task->lun->block_size);
	uint64_t chunk = unmap ? SBC_UNMAP_CHUNK : SBC_FILL_CHUNK;
	uint64_t offset = io->at;
	uint64_t len = io->end - offset < chunk ? io->end - offset : chunk;
	io->at += len;
	/* The flush of the last part covers those before it. */
	io->fua = io->at == io->end && !task->lun->mode.write_cache;
	return sbc_io_plan(io, unmap ? BACKING_UNMAP : BACKING_WRITE_SAME, offset, block, len,
			   io->at == io->end ? sbc_io_good : write_same_step);
}

static enum scsi_result write_same_start(struct scsi_task *task)
{
	struct scsi_extent extent = scsi_cdb_extent(task->cdb);
	uint64_t blocks = write_same_blocks(task, extent);
	struct sbc_io *io = sbc_io_create(task, task->lun->block_size);

	if (!io)
		return SCSI_DONE;
	io->at = sbc_bytes(task, extent.lba);
	io->end = io->at + sbc_bytes(task, blocks);
	return sbc_io_start(io, SBC_SHARED, extent.lba, blocks, write_same_step);
}

/* UNMAP and ANCHOR promise what only a thin LUN can do, and anchoring none of ours. */
static bool write_same_flags_check(struct scsi_task *task)
{
	if ((task->cdb[1] & WRITE_SAME_ANCHOR) != 0) {
		scsi_task_invalid_cdb_field(task, 1, 4);
		return false;
	}
	if ((task->cdb[1] & WRITE_SAME_UNMAP) != 0 && !task->lun->config.thin) {
		scsi_task_invalid_cdb_field(task, 1, 3);
		return false;
	}
	return true;
}

enum scsi_result scsi_write_same(struct scsi_task *task)
{
	struct scsi_extent extent = scsi_cdb_extent(task->cdb);

	/* Up to the end is one block at least. */
	if (!write_same_flags_check(task) ||
	    !sbc_range_check(task, extent.lba, extent.blocks > 0 ? extent.blocks : 1))
		return SCSI_DONE;
	bool forbidden_zero = extent.blocks == 0 && !task->lun->config.write_same_to_end;
	if (forbidden_zero ||
	    write_same_blocks(task, extent) > sbc_write_same_max_blocks(task->lun)) {
		scsi_task_invalid_cdb_field(task, sbc_length_field(task->cdb), -1);
		return SCSI_DONE;
	}
	if ((task->cdb[1] & WRITE_SAME_NDOB) != 0) /* the table lets it pass in (16) alone */
		return write_same_start(task);
	if (!sbc_data_out_exact(task, task->lun->block_size))
		return SCSI_DONE;
	return scsi_task_want(task, task->lun->block_size);
}

enum scsi_result scsi_write_same_data(struct scsi_task *task)
{
	return write_same_start(task);
}
