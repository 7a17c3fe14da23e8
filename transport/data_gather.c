/*
 * The write data of a task, from the first announced byte to target_data_out_ready (RFC 7143
 * 4.2.5.2).
 *
 * The target is asked first, then the data: a command that the device server refuses sends no R2T.
 * What arrives before the device server has spoken, or before there is room for the buffer, is kept
 * apart, at most FirstBurstLength of it. A sequence that goes wrong marks the task faulted: nothing
 * more is stored or asked for, what is still announced is swallowed, and then the task fails.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "transport/conn_internal.h"

/* --- the clock -------------------------------------------------------------------------------- */

static void disarm(struct iscsi_task *task)
{
	if (!task->timed)
		return;
	DL_DELETE2(task->conn->timed, task, timed_prev, timed_next);
	task->timed = false;
}

void iscsi_data_out_arm(struct iscsi_task *task)
{
	disarm(task);
	/* The newest goes last, so the first one is always the one that runs out first. */
	task->last_data_ms = task->session->node->now_ms;
	DL_APPEND2(task->conn->timed, task, timed_prev, timed_next);
	task->timed = true;
}

/* --- sequences -------------------------------------------------------------------------------- */

bool iscsi_data_out_expected(const struct iscsi_task *task)
{
	return task->unsolicited.open || task->r2ts_open > 0;
}

void iscsi_data_out_cancel(struct iscsi_task *task)
{
	if (task->unsolicited.open)
		iscsi_burst_close(task, &task->unsolicited);
	for (uint32_t i = 0; i < task->r2t_slots; i++)
		if (task->r2ts[i].open)
			iscsi_burst_close(task, &task->r2ts[i]);
	disarm(task);
	iscsi_room_give_back(task);
}

void iscsi_data_out_suspend(struct iscsi_task *task)
{
	uint32_t from = task->solicited;

	if (task->unsolicited.open)
		iscsi_burst_close(task, &task->unsolicited);
	for (uint32_t i = 0; i < task->r2t_slots; i++) {
		struct iscsi_burst *burst = &task->r2ts[i];
		if (!burst->open)
			continue;
		if (burst->first.from < from)
			from = burst->first.from;
		iscsi_burst_close(task, burst);
	}
	if (task->soliciting && task->received < task->scsi.data_out_len)
		task->received = task->solicited = from;
	disarm(task);
}

void iscsi_data_out_free(struct iscsi_task *task)
{
	free(task->early);
	free(task->r2ts);
}

/* --- data that comes early -------------------------------------------------------------------- */

uint32_t iscsi_data_out_early_need(const struct iscsi_task *task, uint32_t immediate_len)
{
	const struct iscsi_burst *burst = &task->unsolicited;

	return burst->open && burst->end > immediate_len ? burst->end : immediate_len;
}

/* Memory for the command's own data, and for what comes unsolicited before it has a buffer. */
static bool keep_early(struct iscsi_task *task)
{
	uint32_t room = iscsi_data_out_early_need(task, task->early_len);

	if (room == 0)
		return true;
	task->early = calloc(1, room);
	if (!task->early) {
		task->early_len = 0;
		return false;
	}
	iscsi_room_take_early(task, room);
	if (task->early_len > 0)
		memcpy(task->early, task->immediate_data, task->early_len);
	task->early_len = room;
	return true;
}

bool iscsi_data_out_settle(struct iscsi_task *task)
{
	if (task->state == ISCSI_TASK_GATHERING)
		iscsi_data_out_continue(task);
	bool waits = task->state == ISCSI_TASK_EXECUTING || task->state == ISCSI_TASK_GATHERING;
	if (!waits || task->scsi.data_out)
		return true;
	if (task->unsolicited.open && !task->timed)
		iscsi_data_out_arm(task);
	return keep_early(task);
}

/* With the command: then it runs before those bytes go away. */
static bool is_all_at_hand(const struct iscsi_task *task)
{
	return task->immediate_data && !task->unsolicited.open &&
	       task->early_len >= task->scsi.data_out_len;
}

/* The buffer, with what came early in it, or that itself. False: not yet, or the task has ended. */
static bool take_buffer(struct iscsi_task *task)
{
	const uint8_t *early = task->early ? task->early : task->immediate_data;

	if (task->scsi.data_out)
		return true;
	if (!iscsi_room_take(task))
		return false;
	if (is_all_at_hand(task) && target_data_out_lend(&task->scsi, task->immediate_data))
		return true;
	if (!target_data_out_prepare(&task->scsi))
		return false;
	uint32_t len = task->early_len < task->scsi.data_out_len ? task->early_len
								 : task->scsi.data_out_len;
	if (len > 0)
		memcpy(task->scsi.data_out, early, len);
	free(task->early);
	task->early = NULL;
	iscsi_room_give_back_early(task);
	return true;
}

/* --- gathering -------------------------------------------------------------------------------- */

static void run(struct iscsi_task *task)
{
	disarm(task);
	task->state = ISCSI_TASK_RUNNING;
	target_data_out_ready(&task->scsi);
}

/* The first burst is over: the rest has to be asked for. */
static void begin_soliciting(struct iscsi_task *task)
{
	task->soliciting = true;
	task->received = task->first_len;
	if (task->received > task->scsi.data_out_len)
		task->received = task->scsi.data_out_len;
	task->solicited = task->received;
}

static void continue_faulted(struct iscsi_task *task)
{
	if (!iscsi_data_out_expected(task))
		target_data_out_failed(&task->scsi, task->fault_asc, task->fault_ascq);
	else if (!task->timed)
		iscsi_data_out_arm(task);
}

void iscsi_data_out_continue(struct iscsi_task *task)
{
	assert(task->state == ISCSI_TASK_GATHERING);
	if (!task->conn)
		return; /* its connection is gone, its abort is on the way */
	if (task->faulted) {
		continue_faulted(task);
		return;
	}
	if (task->stopping) {
		if (!task->timed)
			iscsi_data_out_arm(task);
		return;
	}
	if (!take_buffer(task))
		return;
	if (task->unsolicited.open) {
		if (!task->timed)
			iscsi_data_out_arm(task);
		return;
	}
	if (!task->soliciting)
		begin_soliciting(task);
	if (task->received == task->scsi.data_out_len)
		run(task);
	else
		iscsi_r2t_solicit(task);
}

void iscsi_data_out_progress(struct iscsi_task *task)
{
	switch (task->state) {
	case ISCSI_TASK_GATHERING:
		iscsi_data_out_continue(task);
		break;
	case ISCSI_TASK_REFUSED:
		if (!iscsi_data_out_expected(task))
			iscsi_task_answer(task);
		break;
	case ISCSI_TASK_EXECUTING: /* want_data or complete will find what is here */
	case ISCSI_TASK_RUNNING:
	case ISCSI_TASK_ENDED:
	case ISCSI_TASK_INVALID:
		break;
	}
}

void iscsi_data_out_fault(struct iscsi_task *task, uint8_t asc, uint8_t ascq)
{
	if (task->faulted)
		return;
	task->faulted = true;
	task->fault_asc = asc;
	task->fault_ascq = ascq;
	iscsi_room_stop_waiting(task);
}

/* --- what got lost (RFC 7143 7.2, 7.9) -------------------------------------------------------- */

bool iscsi_task_recovers(const struct iscsi_task *task)
{
	return task->session->params.error_recovery_level > 0;
}

static bool can_recover(const struct iscsi_task *task)
{
	bool wants = task->state == ISCSI_TASK_GATHERING || task->state == ISCSI_TASK_EXECUTING;

	return wants && iscsi_task_recovers(task) && !task->faulted && !task->stopping;
}

void iscsi_data_out_recover(struct iscsi_task *task, struct iscsi_burst *burst)
{
	/* What counts is how often nothing was gained. */
	if (burst->first.from > burst->start)
		task->recoveries = 0;
	if (!can_recover(task) || burst->missing == 0) {
		iscsi_burst_close(task, burst);
	} else if (++task->recoveries > ISCSI_RECOVERIES_MAX) {
		iscsi_data_out_fault(task, ISCSI_ASC_PROTOCOL_CRC_ERROR);
		iscsi_burst_close(task, burst);
	} else if (burst == &task->unsolicited) {
		/* The R2Ts begin where it has its first gap. */
		iscsi_burst_close(task, burst);
	} else {
		iscsi_r2t_recover(task, burst);
	}
}

/* An R2T can have got lost, its answer, or the end of that. False: enough of that. */
static bool recover_all(struct iscsi_task *task)
{
	if (!can_recover(task) || task->recoveries >= ISCSI_RECOVERIES_MAX)
		return false;
	if (task->unsolicited.open)
		iscsi_data_out_recover(task, &task->unsolicited);
	for (uint32_t i = 0; i < task->r2t_slots; i++) {
		struct iscsi_burst *burst = &task->r2ts[i];
		if (!burst->open)
			continue;
		if (burst->data_sn > 0 || burst->repeated) {
			iscsi_data_out_recover(task, burst);
		} else {
			/* Who has it already takes no notice: next time it is a new one. */
			task->recoveries++;
			burst->repeated = true;
			iscsi_r2t_repeat(task, burst);
		}
	}
	if (iscsi_data_out_expected(task))
		iscsi_data_out_arm(task);
	else
		disarm(task);
	iscsi_data_out_progress(task);
	return true;
}

void iscsi_data_out_timeout(struct iscsi_task *task)
{
	if (recover_all(task))
		return;
	iscsi_session_remember_ended(task->session, task->itt);
	iscsi_data_out_fault(task, ISCSI_ASC_PROTOCOL_CRC_ERROR);
	iscsi_data_out_cancel(task);
	iscsi_data_out_progress(task);
}
