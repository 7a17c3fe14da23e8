/*
 * limits.session_data_max: memory for the write data of one session.
 *
 * Two kinds count. What comes unasked (immediate data, unsolicited bursts, requests before their
 * turn) may take half of it: more is refused. The buffers of commands may take the rest: who does
 * not fit waits, first come first served. So neither can shut out the other. A buffer alone always
 * fits: a command larger than the limit is slow, not stuck.
 */
#include <utlist.h>

#include "transport/conn_internal.h"

bool iscsi_room_fits_early(const struct iscsi_session *session, uint32_t len)
{
	uint64_t max = session->node->config.limits.session_data_max / 2;
	uint64_t used = session->early_used + session->held_bytes;

	return (used == 0 || used + len <= max) && iscsi_memory_fits_early(session->node, len);
}

void iscsi_room_take_early(struct iscsi_task *task, uint32_t len)
{
	task->early_share = len;
	task->session->early_used += len;
	iscsi_memory_take_early(task->session->node, len);
}

static bool fits(struct iscsi_session *session, const struct iscsi_task *task)
{
	uint64_t max = session->node->config.limits.session_data_max;
	/* What it brought early is given back when it gets its buffer. */
	uint64_t early = session->early_used - task->early_share + session->held_bytes;

	return (session->data_used == 0 ||
		session->data_used + early + task->scsi.data_out_room <= max) &&
	       iscsi_memory_fits(session, task->early_share, task->scsi.data_out_room);
}

static void take(struct iscsi_task *task)
{
	task->data_share = task->scsi.data_out_room;
	task->session->data_used += task->data_share;
	iscsi_memory_take(task->session->node, task->data_share);
}

void iscsi_room_stop_waiting(struct iscsi_task *task)
{
	if (!task->waits_for_room)
		return;
	DL_DELETE2(task->session->data_waiters, task, waiter_prev, waiter_next);
	task->waits_for_room = false;
}

bool iscsi_room_take(struct iscsi_task *task)
{
	struct iscsi_session *session = task->session;

	if (task->data_share > 0)
		return true;
	if (task->waits_for_room)
		return false;
	if (!session->data_waiters && fits(session, task)) {
		take(task);
		return true;
	}
	DL_APPEND2(session->data_waiters, task, waiter_prev, waiter_next);
	task->waits_for_room = true;
	return false;
}

/* Whoever gets room may end at once and give it back: then this is entered again, and leaves the
 * rest to the one that is under way. */
void iscsi_room_pass_on(struct iscsi_session *session)
{
	if (session->passing_room)
		return;
	session->passing_room = true;
	session->busy++;
	while (session->state == ISCSI_SESSION_LIVE && session->data_waiters &&
	       fits(session, session->data_waiters)) {
		struct iscsi_task *next = session->data_waiters;
		iscsi_room_stop_waiting(next);
		take(next);
		iscsi_data_out_continue(next);
	}
	session->passing_room = false;
	session->busy--;
}

/* Nobody is woken: the caller goes on with its task, which has a buffer now and gives that back. */
void iscsi_room_give_back_early(struct iscsi_task *task)
{
	if (task->early_share == 0)
		return;
	task->session->early_used -= task->early_share;
	iscsi_memory_give_early(task->session->node, task->early_share);
	task->early_share = 0;
}

void iscsi_room_give_back(struct iscsi_task *task)
{
	struct iscsi_session *session = task->session;

	iscsi_room_stop_waiting(task);
	if (task->data_share > 0) {
		session->data_used -= task->data_share;
		iscsi_memory_give(session->node, task->data_share);
		task->data_share = 0;
	}
	iscsi_room_give_back_early(task);
	if (session->data_waiters)
		iscsi_room_pass_on(session);
}
