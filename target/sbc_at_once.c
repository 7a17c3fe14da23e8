/*
 * Reads and writes in one step, and what an error of the store means; see sbc.h.
 */
#include "target/sbc.h"

#include <assert.h>
#include <errno.h>

#include "target/lent.h"
#include "target/marks.h"
#include "target/sbc_access.h"

enum scsi_sense sbc_error_sense(enum backing_op op, int error)
{
	switch (-error) {
	case ENOSPC:
	case EDQUOT:
		return SCSI_SENSE_SPACE_ALLOCATION_FAILED;
	case ENOMEM:
		return SCSI_SENSE_INSUFFICIENT_RESOURCES;
	default:
		break;
	}
	switch (op) {
	case BACKING_READ:
		return SCSI_SENSE_UNRECOVERED_READ_ERROR;
	case BACKING_WRITE:
	case BACKING_FLUSH:
	case BACKING_UNMAP:
	case BACKING_WRITE_SAME:
		return SCSI_SENSE_WRITE_ERROR;
	case BACKING_PREFETCH:
	case BACKING_EXTENT:
	case BACKING_INVALID:
		break;
	}
	return SCSI_SENSE_INTERNAL_TARGET_FAILURE;
}

void sbc_task_fail(struct scsi_task *task, enum backing_op op, int error)
{
	task->data_in_len = 0; /* an error status travels without data */
	task->transfer_len = 0;
	scsi_task_check_condition(task, sbc_error_sense(op, error));
}

/* Is nothing under way that it could meet? Then it need not enter to be alone. */
static bool is_apart(struct scsi_lun *lun, uint64_t offset, uint64_t len)
{
	return !lun->accesses.first ||
	       !sbc_accesses_may_have(&lun->accesses, offset >> lun->block_shift,
				      ((len - 1) >> lun->block_shift) + 1);
}

static bool may_be_at_once(const struct scsi_task *task, uint64_t offset, uint64_t len)
{
	struct scsi_lun *lun = task->lun;

	return lun->backing->ops->at_once && !lun->erase && !lun->intents.broken &&
	       task->attribute != SCSI_ATTRIBUTE_ORDERED && is_apart(lun, offset, len);
}

bool sbc_at_once(struct scsi_task *task, enum backing_op op, uint64_t offset, uint8_t *data,
		 size_t len)
{
	const struct scsi_lun *lun = task->lun;
	struct backing *backing = lun->backing;
	unsigned loop = lun->target->loop_number;

	assert(offset <= backing->size && len <= backing->size - offset);
	enum sbc_mark mark = op == BACKING_WRITE ? SBC_MARK_ALONE : SBC_MARK_READ;
	if (!may_be_at_once(task, offset, len) ||
	    (lun->marks && !sbc_marks_take(lun->marks, loop, mark, offset, len)))
		return false;
	if (op == BACKING_WRITE && lun->lent)
		scsi_lent_settle(task->lun, offset, len);
	int error = backing->ops->at_once(backing, op, offset, data, len);
	if (lun->marks)
		sbc_marks_give(lun->marks, loop, offset, len);
	if (error == -EAGAIN)
		return false;
	if (error == 0)
		scsi_task_good(task);
	else
		sbc_task_fail(task, op, error);
	return true;
}

bool sbc_lend(struct scsi_task *task, uint64_t offset, uint64_t len)
{
	assert(offset <= task->lun->backing->size && len <= task->lun->backing->size - offset);
	if (!may_be_at_once(task, offset, len) || !scsi_lent_begin(task, offset, len))
		return false;
	scsi_task_good(task);
	return true;
}
