#include "target/task_set.h"

#include <assert.h>
#include <stddef.h>
#include <utlist.h>

#include "target/lease.h"
#include "target/trace_task.h"

void scsi_drain_begin(struct scsi_drain *drain, struct scsi_lun *lun,
		      void (*done)(struct scsi_drain *drain), void *context)
{
	*drain = (struct scsi_drain){.lun = lun, .done = done, .context = context};
	DL_APPEND(lun->drains, drain);
}

/* Ends every drain at the front that waits for nothing. `done` may begin and end others. */
static void lun_settle_drains(struct scsi_lun *lun)
{
	struct scsi_drain *drain;

	while ((drain = lun->drains) != NULL && drain->sealed && drain->tasks == 0) {
		DL_DELETE(lun->drains, drain);
		drain->lun = NULL;
		if (drain->done)
			drain->done(drain);
	}
}

void scsi_drain_leases_returned(struct scsi_lun *lun)
{
	struct scsi_drain *drain;

	DL_FOREACH(lun->drains, drain)
	{
		if (drain->awaits_recall)
			drain->tasks--;
		drain->awaits_recall = false;
	}
	lun_settle_drains(lun);
}

void scsi_drain_cancel(struct scsi_drain *drain)
{
	assert(drain->tasks == 0);
	if (!drain->lun)
		return;
	DL_DELETE(drain->lun->drains, drain);
	drain->lun = NULL;
}

/* ---- the order of commands ---- */

/*
 * Starts what may run now that something has ended, one after the other, however deep in
 * completions this is called.
 */
static void release_dormant(struct scsi_lun_nexus *lun_nexus)
{
	struct scsi_task_order *order = &lun_nexus->order;
	struct scsi_task *task;

	if (order->releasing)
		return;
	order->releasing = true;
	while ((task = scsi_task_order_next(order)) != NULL)
		scsi_task_start(task);
	order->releasing = false;
}

/* ---- aborting ---- */

static void task_report_aborted(struct scsi_task *task)
{
	bool send_status = task->abort_send_status;

	task->status = SCSI_STATUS_TASK_ABORTED;
	task->sense_len = 0;
	task->data_in_len = 0;
	task->transfer_len = 0;
	scsi_trace_command(task,
			   TRACE_COMMAND_ABORTED | (send_status ? TRACE_COMMAND_ANSWERED : 0));
	task->ops->aborted(task, send_status);
}

/* A nexus cannot end while one of its tasks is on lun->dropped: it is counted until after the call.
 */
static void lun_report_dropped(struct scsi_lun *lun)
{
	struct scsi_task *task;

	while ((task = lun->dropped) != NULL) {
		struct scsi_nexus *nexus = task->nexus;

		struct scsi_lun_nexus *lun_nexus = scsi_task_lun_nexus(task);

		DL_DELETE(lun->dropped, task);
		task_report_aborted(task);
		release_dormant(lun_nexus);
		scsi_nexus_forget_task(nexus);
	}
}

void scsi_drain_seal(struct scsi_drain *drain)
{
	struct scsi_lun *lun = drain->lun;

	lun_report_dropped(lun);
	drain->sealed = true;
	lun_settle_drains(lun);
	scsi_lun_settle(lun);
}

bool scsi_task_set_add(struct scsi_task *task)
{
	struct scsi_lun_nexus *lun_nexus = scsi_task_lun_nexus(task);

	task->phase = SCSI_TASK_DORMANT;
	task->cancel = NULL;
	task->drain = NULL;
	DL_APPEND(lun_nexus->tasks, task);
	task->lun->tasks++;
	task->nexus->tasks++;
	task->nexus->target->tasks++;
	return scsi_task_order_enter(&lun_nexus->order, task);
}

bool scsi_task_is_alive(const struct scsi_task *task)
{
	return task->lun &&
	       (task->phase == SCSI_TASK_DORMANT || task->phase == SCSI_TASK_WAITING_DATA ||
		task->phase == SCSI_TASK_RUNNING);
}

/* Takes it out of its task set, if nothing of it works any more. */
static bool task_let_go(struct scsi_task *task, enum scsi_task_phase phase)
{
	struct scsi_lun_nexus *lun_nexus = scsi_task_lun_nexus(task);

	if (phase == SCSI_TASK_DORMANT)
		scsi_task_order_forget(&lun_nexus->order, task);
	else if (phase == SCSI_TASK_WAITING_DATA || (task->cancel && task->cancel(task)))
		scsi_task_order_leave(&lun_nexus->order, task);
	else
		return false;
	if (task->awaits_recall)
		scsi_lease_forget_task(task);
	DL_DELETE(lun_nexus->tasks, task);
	lun_nexus->lun->tasks--;
	return true;
}

void scsi_task_set_leave(struct scsi_task *task)
{
	struct scsi_lun_nexus *lun_nexus = scsi_task_lun_nexus(task);

	scsi_task_order_leave(&lun_nexus->order, task);
	DL_DELETE(lun_nexus->tasks, task);
	lun_nexus->lun->tasks--;
}

unsigned scsi_task_abort(struct scsi_task *task, bool send_status, struct scsi_drain *drain)
{
	enum scsi_task_phase phase = task->phase;

	if (!scsi_task_is_alive(task))
		return 0;
	task->phase = SCSI_TASK_ABORTED;
	task->abort_send_status = send_status;
	if (task_let_go(task, phase)) {
		DL_APPEND(task->lun->dropped, task);
	} else {
		task->drain = drain;
		drain->tasks++;
	}
	return 1;
}

unsigned scsi_task_set_abort(struct scsi_lun_nexus *lun_nexus, const struct scsi_task *except,
			     bool send_status, struct scsi_drain *drain)
{
	struct scsi_task *task, *next;
	unsigned count = 0;

	lun_nexus->epoch = ++lun_nexus->nexus->target->epochs;
	DL_FOREACH_SAFE(lun_nexus->tasks, task, next)
	if (task != except)
		count += scsi_task_abort(task, send_status, drain);
	return count;
}

void scsi_task_set_refuse_waiting(struct scsi_lun *lun, enum scsi_sense sense)
{
	struct scsi_lun_nexus *lun_nexus;
	struct scsi_task *task, *next, *refused = NULL;

	DL_FOREACH(lun->nexuses, lun_nexus)
	{
		DL_FOREACH_SAFE(lun_nexus->tasks, task, next)
		{
			if (task->phase != SCSI_TASK_DORMANT &&
			    task->phase != SCSI_TASK_WAITING_DATA)
				continue;
			task_let_go(task, task->phase);
			task->phase = SCSI_TASK_DONE;
			scsi_task_check_condition(task, sense);
			task->transfer_len = 0;
			DL_APPEND(refused, task);
		}
	}
	/* Nobody is called back before; a nexus counts its task until then. */
	while ((task = refused) != NULL) {
		struct scsi_nexus *nexus = task->nexus;

		DL_DELETE(refused, task);
		scsi_trace_command(task, TRACE_COMMAND_ANSWERED);
		task->ops->complete(task);
		scsi_nexus_forget_task(nexus);
	}
}

static void task_finish_aborted(struct scsi_task *task)
{
	struct scsi_lun_nexus *lun_nexus = scsi_task_lun_nexus(task);
	struct scsi_nexus *nexus = task->nexus;
	struct scsi_lun *lun = task->lun;

	DL_DELETE(lun_nexus->tasks, task);
	lun->tasks--;
	scsi_task_order_leave(&lun_nexus->order, task);
	task->drain->tasks--;
	task_report_aborted(task);
	lun_settle_drains(lun);
	release_dormant(lun_nexus);
	scsi_lun_settle(lun);
	scsi_nexus_forget_task(nexus);
}

/* The nexus counts the task until those behind it were started: it cannot end before. */
static void task_finish_before_others(struct scsi_task *task)
{
	struct scsi_lun_nexus *lun_nexus = scsi_task_lun_nexus(task);
	struct scsi_nexus *nexus = task->nexus;
	bool others;

	DL_DELETE(lun_nexus->tasks, task);
	task->lun->tasks--;
	scsi_task_order_leave(&lun_nexus->order, task);
	scsi_lun_settle(task->lun);
	others = lun_nexus->order.dormant != NULL;
	if (!others)
		scsi_nexus_forget_task(nexus);
	task->phase = SCSI_TASK_DONE;
	/* The transport may release the task, and close its nexus, from in here. */
	task->ops->complete(task);
	if (!others)
		return;
	release_dormant(lun_nexus);
	scsi_nexus_forget_task(nexus);
}

void scsi_task_finish(struct scsi_task *task)
{
	if (task->phase == SCSI_TASK_ABORTED) {
		task_finish_aborted(task);
		return;
	}
	assert(task->phase == SCSI_TASK_RUNNING || task->phase == SCSI_TASK_WAITING_DATA);
	scsi_trace_command(task, TRACE_COMMAND_ANSWERED);
	if (task->lun) {
		scsi_log_task(task);
		if (task->status != SCSI_STATUS_GOOD)
			scsi_task_note_status(task);
		task_finish_before_others(task);
		return;
	}
	task->phase = SCSI_TASK_DONE;
	task->ops->complete(task);
}
