#include "target/lent.h"

#include <errno.h>
#include <utlist.h>

#include "target/buffer.h"
#include "target/command.h"
#include "target/marks.h"

/* Other loops write nothing there until the marks are given back. */
static bool marks_take(struct scsi_task *task, uint64_t offset, size_t len)
{
	const struct scsi_lun *lun = task->lun;

	if (!lun->marks)
		return true;
	if (!sbc_marks_take(lun->marks, lun->target->loop_number, SBC_MARK_LEND, offset, len))
		return false;
	task->lent_marks = lun->marks;
	task->lent_marked_len = len;
	return true;
}

static void marks_give(struct scsi_task *task, uint64_t offset)
{
	if (!task->lent_marks)
		return;
	sbc_marks_give(task->lent_marks, task->lun->target->loop_number, offset,
		       task->lent_marked_len);
	task->lent_marks = NULL;
}

bool scsi_lent_begin(struct scsi_task *task, uint64_t offset, size_t len)
{
	struct scsi_lun *lun = task->lun;
	struct backing *backing = lun->backing;

	if (!task->takes_lent || !backing->ops->lend || lun->lent_count >= SCSI_LENT_MAX ||
	    !marks_take(task, offset, len))
		return false;
	uint8_t *data = backing->ops->lend(backing, lun->target->loop_number, offset, len);
	if (!data) {
		marks_give(task, offset);
		return false;
	}
	scsi_buffer_give(task->spares, task->data_in);
	task->data_in = data;
	task->data_in_lent = true;
	task->lent_offset = offset;
	scsi_task_cut_in(task, len);
	DL_APPEND2(lun->lent, task, lent_prev, lent_next);
	lun->lent_count++;
	return true;
}

void scsi_lent_end(struct scsi_task *task)
{
	struct scsi_lun *lun = task->lun;

	DL_DELETE2(lun->lent, task, lent_prev, lent_next);
	lun->lent_count--;
	marks_give(task, task->lent_offset);
	task->data_in_lent = false;
	task->data_in = NULL;
}

/* NULL: there is no memory, or the store has lost it. */
static uint8_t *copy_of(const struct scsi_task *task)
{
	struct backing *backing = task->lun->backing;
	uint8_t *data = scsi_buffer_take(task->spares, task->data_in_len);

	if (data &&
	    backing->ops->copy_lent(backing, task->lent_offset, data, task->data_in_len) == 0)
		return data;
	scsi_buffer_give(task->spares, data);
	return NULL;
}

bool target_data_in_keep(struct scsi_task *task)
{
	if (!task->data_in_lent)
		return !task->data_in_lost;
	uint8_t *data = copy_of(task);
	scsi_lent_end(task);
	task->data_in = data;
	task->data_in_lost = !data;
	return data != NULL;
}

void scsi_lent_settle(struct scsi_lun *lun, uint64_t offset, uint64_t len)
{
	struct scsi_task *task, *next;

	DL_FOREACH_SAFE2(lun->lent, task, next, lent_next)
	if (task->lent_offset < offset + len && offset < task->lent_offset + task->data_in_len)
		target_data_in_keep(task);
}

void scsi_lent_settle_all(struct scsi_lun *lun)
{
	while (lun->lent)
		target_data_in_keep(lun->lent);
}
