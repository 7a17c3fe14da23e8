/*
 * The queue of changes; see saved.h. The first change of the queue is the one whose values a worker
 * is writing; all others wait for it.
 */
#include "target/saved.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <utlist.h>

#include "pr_engine/store.h"

struct scsi_saved_change {
	struct scsi_saved_change *prev, *next;
	struct scsi_task *task;
	scsi_change_plan plan;
	scsi_change_installed installed;
	struct scsi_mode current; /* planned */
	struct scsi_saved_values saved;
	struct scsi_mode before;
	bool took_effect;
	/* The worker's. */
	struct scsi_job job;
	struct pr_store *store;
	uint8_t image[SCSI_SAVED_IMAGE_MAX];
	size_t image_len;
	int error;
};

static void change_write(struct scsi_job *job)
{
	struct scsi_saved_change *change =
		(struct scsi_saved_change *)((char *)job - offsetof(struct scsi_saved_change, job));

	change->error =
		change->store->ops->replace(change->store, change->image, change->image_len);
}

static void change_install(struct scsi_saved_change *change)
{
	struct scsi_lun *lun = change->task->lun;

	change->before = lun->mode;
	lun->mode = change->current;
	scsi_lun_show(lun);
	lun->saved.values = change->saved;
	change->took_effect = true;
}

static void change_fail(struct scsi_saved_change *change)
{
	bool no_space = change->error == -ENOSPC || change->error == -EDQUOT;

	scsi_task_check_condition(change->task, no_space ? SCSI_SENSE_INSUFFICIENT_RESOURCES
							 : SCSI_SENSE_INTERNAL_TARGET_FAILURE);
}

static void change_written(struct scsi_job *job);

/* Plans it, and installs it unless it must be written first: then false. */
static bool change_begin(struct scsi_saved_change *change)
{
	struct scsi_task *task = change->task;
	struct scsi_lun *lun = task->lun;

	task->cancel = NULL;
	change->current = lun->mode;
	change->saved = lun->saved.values;
	switch (change->plan(task, &change->current, &change->saved)) {
	case SCSI_CHANGE_REFUSED:
		return true;
	case SCSI_CHANGE_CURRENT:
		change_install(change);
		return true;
	case SCSI_CHANGE_SAVED:
		break;
	}
	change->store = lun->config.saved_store;
	change->image_len = scsi_saved_encode(lun, &change->saved, change->image);
	change->job = (struct scsi_job){.run = change_write, .done = change_written};
	scsi_executor_submit(lun->target->config.executor, &change->job);
	return false;
}

/* What the command does once it is out of the queue. The change is freed. */
static enum scsi_result change_end(struct scsi_saved_change *change)
{
	enum scsi_result result = SCSI_DONE;

	if (change->took_effect)
		result = change->installed(change->task, &change->before);
	free(change);
	return result;
}

/* After the first has ended: the others, until one must be written. All leave the queue before any
 * is answered, as with the last task its LUN may go. */
static struct scsi_saved_change *queue_take_ended(struct scsi_lun *lun)
{
	struct scsi_saved_change *ended = NULL, *change;

	do {
		change = lun->saved.first;
		DL_DELETE(lun->saved.first, change);
		DL_APPEND(ended, change);
	} while (lun->saved.first && change_begin(lun->saved.first));
	return ended;
}

static void change_written(struct scsi_job *job)
{
	struct scsi_saved_change *change =
		(struct scsi_saved_change *)((char *)job - offsetof(struct scsi_saved_change, job));
	struct scsi_saved_change *ended, *next;

	if (change->error == 0)
		change_install(change);
	else
		change_fail(change);
	ended = queue_take_ended(change->task->lun);
	DL_FOREACH_SAFE(ended, change, next)
	{
		struct scsi_task *task = change->task;

		if (change_end(change) == SCSI_DONE)
			scsi_task_finish(task);
	}
}

/* The queue's first is with the worker and has no cancel. */
static bool change_cancel(struct scsi_task *task)
{
	struct scsi_lun *lun = task->lun;
	struct scsi_saved_change *change;

	DL_SEARCH_SCALAR(lun->saved.first, change, task, task);
	DL_DELETE(lun->saved.first, change);
	free(change);
	return true;
}

enum scsi_result scsi_saved_change(struct scsi_task *task, scsi_change_plan plan,
				   scsi_change_installed installed)
{
	struct scsi_lun *lun = task->lun;
	struct scsi_saved_change *change = calloc(1, sizeof(*change));

	if (!change) {
		scsi_task_check_condition(task, SCSI_SENSE_INSUFFICIENT_RESOURCES);
		return SCSI_DONE;
	}
	change->task = task;
	change->plan = plan;
	change->installed = installed;
	DL_APPEND(lun->saved.first, change);
	if (lun->saved.first != change) {
		task->cancel = change_cancel;
		return SCSI_PENDING;
	}
	if (!change_begin(change))
		return SCSI_PENDING;
	DL_DELETE(lun->saved.first, change);
	return change_end(change);
}
