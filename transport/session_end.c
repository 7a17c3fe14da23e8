/*
 * How connections leave a session, and how it ends (RFC 7143 6.3.5, 7.1.4, 11.14).
 */
#include <utlist.h>

#include "transport/conn_internal.h"
#include "transport/session.h"

void iscsi_session_unlink(struct iscsi_conn *conn)
{
	struct iscsi_session *session = conn->session;

	LL_DELETE2(session->conns, conn, session_next);
	session->conn_count--;
	if (!session->conns)
		iscsi_memory_leave_line(session);
	else if (session->memory_due)
		iscsi_conn_wake(session->conns);
}

bool iscsi_session_keep_tasks(struct iscsi_conn *conn, bool released)
{
	struct iscsi_session *session = conn->session;

	if (!iscsi_lost_may_keep(conn))
		return false;
	session->busy++;
	bool kept = iscsi_lost_keep(conn, released);
	session->busy--;
	return kept;
}

static void conns_let_go(struct iscsi_session *session, bool discard)
{
	while (session->conns) {
		struct iscsi_conn *conn = session->conns;
		iscsi_session_unlink(conn);
		iscsi_conn_let_go(conn);
		iscsi_conn_shut(conn, discard);
	}
}

/* Tasks that the target has finished with, and that only waited for data that was announced. */
static void refused_tasks_end(struct iscsi_session *session)
{
	for (uint32_t i = 0; i <= session->ring_mask; i++) {
		struct iscsi_task *task = session->tasks_by_itt[i];
		while (task) {
			struct iscsi_task *next = task->chain;
			if (task->state == ISCSI_TASK_REFUSED)
				iscsi_task_end(task);
			task = next;
		}
	}
}

static void tasks_forget_conns(struct iscsi_session *session)
{
	for (uint32_t i = 0; i <= session->ring_mask; i++)
		for (struct iscsi_task *t = session->tasks_by_itt[i]; t; t = t->chain) {
			iscsi_data_out_cancel(t);
			t->conn = NULL;
		}
	iscsi_manage_forget(session, NULL);
}

void iscsi_session_end(struct iscsi_session *session, enum scsi_nexus_end why)
{
	if (session->state == ISCSI_SESSION_ENDED)
		return;
	session->state = ISCSI_SESSION_ENDED;
	session->busy++;
	iscsi_lost_forget_all(session);
	refused_tasks_end(session);
	tasks_forget_conns(session);
	/* A logout's response and what was answered before it still have to be sent; and what is
	 * said about a session that is lost. */
	conns_let_go(session, why == SCSI_NEXUS_REINSTATED);
	if (session->nexus) {
		struct scsi_nexus *nexus = session->nexus;
		session->nexus = NULL;
		session->nexus_draining = true;
		scsi_nexus_close(nexus, why, iscsi_session_nexus_closed, session);
	}
	session->busy--;
	iscsi_session_settle(session);
}

/* RFC 7143 7.1.4.4, 7.1.5: at ErrorRecoveryLevel 0 there is no recovery below that of the session.
 * The connections that are left hear of it. */
static bool is_lost_with(const struct iscsi_session *session, const struct iscsi_conn *conn,
			 enum scsi_nexus_end why)
{
	return why == SCSI_NEXUS_LOSS && conn->state == ISCSI_CONN_FULL_FEATURE &&
	       session->params.error_recovery_level == 0;
}

static void announce_loss(const struct iscsi_session *session)
{
	for (struct iscsi_conn *c = session->conns; c; c = c->session_next) {
		iscsi_conn_log(c, ISCSI_LOG_WARNING, "dropped",
			       "another connection of its session is lost");
		if (c->state == ISCSI_CONN_FULL_FEATURE)
			iscsi_async_send(c, ISCSI_ASYNC_SESSION_DROP);
	}
}

/* RFC 7143 11.9.1: one of the others says which one, and how long it can be recovered. */
static void announce_recovery(const struct iscsi_session *session, const struct iscsi_conn *conn)
{
	for (struct iscsi_conn *c = session->conns; c; c = c->session_next)
		if (c->state == ISCSI_CONN_FULL_FEATURE) {
			iscsi_async_lost(c, conn->cid);
			return;
		}
}

static void connection_leave(struct iscsi_session *session, struct iscsi_conn *conn)
{
	session->busy++;
	iscsi_task_abort_all_of(session, conn);
	iscsi_conn_let_go(conn);
	iscsi_read_room_pass_on(session);
	iscsi_manage_resume(session);
	session->busy--;
	iscsi_session_settle(session);
}

void iscsi_session_leave(struct iscsi_conn *conn, enum scsi_nexus_end why)
{
	struct iscsi_session *session = conn->session;

	if (!session)
		return;
	bool kept = why == SCSI_NEXUS_LOSS && iscsi_session_keep_tasks(conn, false);
	iscsi_session_unlink(conn);
	iscsi_window_forget(session, conn);
	if (kept)
		announce_recovery(session, conn);
	if (kept || (session->conn_count > 0 && !is_lost_with(session, conn, why))) {
		connection_leave(session, conn);
		return;
	}
	announce_loss(session);
	iscsi_conn_let_go(conn);
	if (why == SCSI_NEXUS_LOSS)
		session->node->counters.sessions_lost++;
	iscsi_session_end(session, why);
}

void iscsi_session_remove(struct iscsi_conn *conn)
{
	struct iscsi_session *session = conn->session;

	if (!iscsi_session_keep_tasks(conn, true)) {
		iscsi_session_leave(conn, SCSI_NEXUS_LOGOUT);
		return;
	}
	iscsi_session_unlink(conn);
	iscsi_window_forget(session, conn);
	connection_leave(session, conn);
}
