/*
 * Checks that the block commands share; see sbc.h.
 */
#include "target/sbc.h"

#include "pr_engine/bytes.h"

bool sbc_range_check(struct scsi_task *task, uint64_t lba, uint64_t blocks)
{
	uint64_t capacity = task->lun->blocks;

	if (lba <= capacity && blocks <= capacity - lba)
		return true;
	scsi_task_check_condition(task, SCSI_SENSE_LBA_OUT_OF_RANGE);
	return false;
}

uint16_t sbc_length_field(const uint8_t *cdb)
{
	switch (cdb[0] >> 5) {
	case 0:
		return 4;
	case 1:
	case 2:
		return 7;
	case 5:
		return 6;
	default:
		return 10;
	}
}

bool sbc_extent_check(struct scsi_task *task, struct scsi_extent *ret_extent)
{
	struct scsi_extent extent = scsi_cdb_extent(task->cdb);

	if (!sbc_range_check(task, extent.lba, extent.blocks))
		return false;
	if (extent.blocks > sbc_transfer_max_blocks(task->lun)) {
		scsi_task_invalid_cdb_field(task, sbc_length_field(task->cdb), -1);
		return false;
	}
	*ret_extent = extent;
	return true;
}

bool sbc_data_out_len(struct scsi_task *task, uint64_t len, uint64_t *ret_len)
{
	task->transfer_len = len;
	if (task->expected_out >= len) {
		*ret_len = len;
		return true;
	}
	if (task->expected_out % task->lun->block_size != 0) {
		scsi_task_check_condition(task, SCSI_SENSE_INVALID_INFORMATION_UNIT);
		return false;
	}
	*ret_len = task->expected_out;
	return true;
}

bool sbc_data_out_exact(struct scsi_task *task, uint64_t len)
{
	if (task->expected_out == len)
		return true;
	task->transfer_len = len;
	scsi_task_check_condition(task, SCSI_SENSE_INVALID_INFORMATION_UNIT);
	return false;
}

bool sbc_durable(const struct scsi_task *task)
{
	bool has_fua = task->cdb[0] >> 5 != 0;

	return (has_fua && (task->cdb[1] & 0x08) != 0) || !task->lun->mode.write_cache;
}

/* What is on the medium already needs no flush before it is looked at. */
bool sbc_reads_medium(const struct scsi_task *task)
{
	bool has_fua = task->cdb[0] >> 5 != 0;
	bool forced = has_fua && (task->cdb[1] & 0x08) != 0;

	return (forced || task->lun->mode.read_cache_disable) && task->lun->mode.write_cache;
}

uint32_t sbc_transfer_max_blocks(const struct scsi_lun *lun)
{
	return lun->config.transfer_max >> lun->block_shift;
}

uint32_t sbc_compare_and_write_max_blocks(const struct scsi_lun *lun)
{
	/* Data-Out carries every block twice. */
	uint32_t most = sbc_transfer_max_blocks(lun) / 2;

	return most < SBC_COMPARE_AND_WRITE_MAX_BLOCKS ? most : SBC_COMPARE_AND_WRITE_MAX_BLOCKS;
}

uint32_t sbc_write_same_max_blocks(const struct scsi_lun *lun)
{
	uint32_t most = (uint32_t)(SBC_WRITE_SAME_MAX_BYTES >> lun->block_shift);
	uint32_t transfer_max = sbc_transfer_max_blocks(lun);

	/* Not more than one READ could look at. */
	return most < transfer_max ? most : transfer_max;
}
