/*
 * READ DEFECT DATA (10), (12) (SBC-3 5.14, 5.15). Bad blocks are the host's affair: both lists are
 * empty, in whatever format they are asked for.
 */
#include "target/sbc.h"

#include "pr_engine/bytes.h"

#define DEFECT_LISTS 0x18 /* REQ_PLIST and REQ_GLIST, and PLISTV and GLISTV in the answer */
/* SBC-3 table 47: 110b is vendor specific, 111b reserved. */
#define DEFECT_FORMAT_LAST 5

static bool defect_format_check(struct scsi_task *task, uint8_t byte)
{
	if ((task->cdb[byte] & 0x07) <= DEFECT_FORMAT_LAST)
		return true;
	scsi_task_invalid_cdb_field(task, byte, 2);
	return false;
}

enum scsi_result scsi_read_defect_data_10(struct scsi_task *task)
{
	const uint8_t header[4] = {0, task->cdb[2] & (DEFECT_LISTS | 0x07)};

	if (!defect_format_check(task, 2))
		return SCSI_DONE;
	return scsi_task_answer(task, header, sizeof(header), get_be16(task->cdb + 7));
}

/* ADDRESS DESCRIPTOR INDEX is behind the end of an empty list, which is no error. */
enum scsi_result scsi_read_defect_data_12(struct scsi_task *task)
{
	const uint8_t header[8] = {0, task->cdb[1] & (DEFECT_LISTS | 0x07)};

	if (!defect_format_check(task, 1))
		return SCSI_DONE;
	return scsi_task_answer(task, header, sizeof(header), get_be32(task->cdb + 6));
}
