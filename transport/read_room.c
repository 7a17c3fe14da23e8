/*
 * limits.session_read_max: memory for the read data of one session.
 *
 * A command that reads begins when there is room for what it may bring, first come first served.
 * Its room is its own until it has answered; then its data count as queued output until they are
 * sent. So an initiator that asks and does not listen holds this much, and no more. A command alone
 * always fits: one larger than the limit is slow, not stuck.
 */
#include <utlist.h>

#include "transport/conn_internal.h"

/* What is queued and not sent, on all of its connections. */
static uint64_t queued(const struct iscsi_session *session)
{
	uint64_t bytes = 0;

	for (const struct iscsi_conn *c = session->conns; c; c = c->session_next)
		bytes += c->out_weight;
	return bytes;
}

static bool fits(struct iscsi_session *session, uint32_t len)
{
	uint64_t used = session->read_used + queued(session);

	return (used == 0 || used + len <= session->node->config.limits.session_read_max) &&
	       iscsi_memory_fits(session, 0, len);
}

static void take(struct iscsi_task *task)
{
	task->read_share = task->read_wanted;
	task->session->read_used += task->read_share;
	iscsi_memory_take(task->session->node, task->read_share);
}

static void stop_waiting(struct iscsi_session *session, struct iscsi_task *task)
{
	if (!task->waits_to_read)
		return;
	DL_DELETE2(session->readers, task, reader_prev, reader_next);
	task->waits_to_read = false;
}

bool iscsi_read_room_take(struct iscsi_task *task, uint32_t len)
{
	struct iscsi_session *session = task->session;

	task->read_wanted = len;
	if (!session->readers && fits(session, len)) {
		take(task);
		return true;
	}
	DL_APPEND2(session->readers, task, reader_prev, reader_next);
	task->waits_to_read = true;
	return false;
}

/* Who has no connection could not be answered, and waits on. */
static struct iscsi_task *next_reader(struct iscsi_session *session)
{
	struct iscsi_task *task = session->readers;

	while (task && task->suspended)
		task = task->reader_next;
	return task && fits(session, task->read_wanted) ? task : NULL;
}

/* Whoever gets room may end at once and give it back: then this is entered again, and leaves the
 * rest to the one that is under way. */
void iscsi_read_room_pass_on(struct iscsi_session *session)
{
	struct iscsi_task *next;

	if (!session->readers || session->passing_read_room)
		return;
	session->passing_read_room = true;
	session->busy++;
	while (session->state == ISCSI_SESSION_LIVE && (next = next_reader(session))) {
		stop_waiting(session, next);
		take(next);
		target_data_in_room(&next->scsi);
	}
	session->passing_read_room = false;
	session->busy--;
}

void iscsi_read_room_give_back(struct iscsi_session *session, struct iscsi_task *task)
{
	stop_waiting(session, task);
	if (task->read_share > 0) {
		session->read_used -= task->read_share;
		iscsi_memory_give(session->node, task->read_share);
		task->read_share = 0;
	}
	iscsi_read_room_pass_on(session);
}
