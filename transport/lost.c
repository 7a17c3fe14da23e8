/*
 * Connections that are lost and may be recovered (ErrorRecoveryLevel 2, RFC 7143 7.1.4.3, 7.2.2).
 *
 * The tasks of such a connection go on, without one, for DefaultTime2Wait and DefaultTime2Retain;
 * what they would have answered, and what was answered and not acknowledged, is kept. When the
 * connection was logged out for recovery, or reinstated, TASK REASSIGN gives each task to another
 * connection. What nobody has asked for in time is aborted. A session without connections waits
 * just so long.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "transport/conn_internal.h"

struct iscsi_lost {
	struct iscsi_lost *next; /* session->lost */
	uint16_t cid;
	bool released; /* by a logout for recovery, or a reinstatement: tasks may be reassigned */
	uint64_t deadline_ms;
	/* TASK, or SCSI_RESPONSE without anything to read. As many as a connection keeps. */
	struct iscsi_out *answers;
	uint32_t answer_count;
	uint64_t answers_weight;
};

/* --- losing ----------------------------------------------------------------------------------- */

static uint64_t retention_ms(const struct iscsi_session *session)
{
	const struct iscsi_params *params = &session->params;

	return params->default_time2retain == 0
		       ? 0
		       : (params->default_time2wait + params->default_time2retain) * UINT64_C(1000);
}

bool iscsi_lost_may_keep(const struct iscsi_conn *conn)
{
	const struct iscsi_session *session = conn->session;

	return session && session->state == ISCSI_SESSION_LIVE && !session->node->stopping &&
	       conn->state == ISCSI_CONN_FULL_FEATURE &&
	       session->params.error_recovery_level == 2 && retention_ms(session) > 0;
}

static struct iscsi_lost *lost_of(const struct iscsi_session *session, uint16_t cid)
{
	struct iscsi_lost *lost;

	LL_SEARCH_SCALAR(session->lost, lost, cid, cid);
	return lost;
}

static bool is_answer(const struct iscsi_out *out)
{
	return out->kind == ISCSI_OUT_TASK || out->kind == ISCSI_OUT_SCSI_RESPONSE;
}

/* A copy: what is half on its way stays where it is. NULL without memory: then it is lost. */
static struct iscsi_out *answer_copy(const struct iscsi_out *out)
{
	struct iscsi_out *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *out;
	if (out->data == out->small)
		copy->data = copy->small;
	if (copy->task)
		copy->task->refs++;
	copy->next = NULL;
	return copy;
}

static void answer_take(struct iscsi_lost *lost, struct iscsi_out *out)
{
	LL_DELETE(lost->answers, out);
	out->next = NULL;
	lost->answer_count--;
	lost->answers_weight -= iscsi_kept_weight(out);
}

static void answer_add(const struct iscsi_node *node, struct iscsi_lost *lost,
		       struct iscsi_out *out)
{
	LL_APPEND(lost->answers, out);
	lost->answer_count++;
	lost->answers_weight += iscsi_kept_weight(out);
	while (lost->answers &&
	       iscsi_kept_is_too_much(node, lost->answer_count, lost->answers_weight)) {
		struct iscsi_out *oldest = lost->answers;
		answer_take(lost, oldest);
		iscsi_out_free(oldest);
	}
}

static void answers_collect(const struct iscsi_node *node, struct iscsi_lost *lost,
			    const struct iscsi_out *list)
{
	for (const struct iscsi_out *out = list; out; out = out->next) {
		struct iscsi_out *copy = is_answer(out) ? answer_copy(out) : NULL;
		if (copy)
			answer_add(node, lost, copy);
	}
}

/* Its tasks lose it; what was asked for will not come. */
static void tasks_suspend(struct iscsi_session *session, const struct iscsi_conn *conn)
{
	for (uint32_t i = 0; i <= session->ring_mask; i++)
		for (struct iscsi_task *t = session->tasks_by_itt[i]; t; t = t->chain) {
			if (t->conn != conn)
				continue;
			iscsi_data_out_suspend(t);
			t->conn = NULL;
			t->cid = conn->cid;
			/* Immediate commands do not outlive their connection (RFC 7143 E.1). */
			t->suspended = !t->immediate;
		}
}

/* Those that only waited for their data to end. */
static struct iscsi_task *next_refused(const struct iscsi_session *session, uint16_t cid)
{
	for (uint32_t i = 0; i <= session->ring_mask; i++)
		for (struct iscsi_task *t = session->tasks_by_itt[i]; t; t = t->chain)
			if (t->suspended && t->cid == cid && t->state == ISCSI_TASK_REFUSED)
				return t;
	return NULL;
}

static void lost_free(struct iscsi_session *session, struct iscsi_lost *lost)
{
	struct iscsi_out *out, *next;

	LL_DELETE(session->lost, lost);
	session->node->lost_count--;
	LL_FOREACH_SAFE(lost->answers, out, next)
	iscsi_out_free(out);
	free(lost);
}

static void lost_give_up(struct iscsi_session *session, struct iscsi_lost *lost)
{
	uint16_t cid = lost->cid;

	lost_free(session, lost);
	for (uint32_t i = 0; i <= session->ring_mask; i++)
		for (struct iscsi_task *t = session->tasks_by_itt[i]; t; t = t->chain)
			if (t->suspended && t->cid == cid)
				t->suspended = false;
	iscsi_task_abort_orphans(session);
}

/* RFC 7143 7.1.4.3: MaxConnections, and the one to recover them with. Who loses more than that has
 * given up the oldest. */
static void make_room(struct iscsi_session *session)
{
	const struct iscsi_lost *lost;
	uint32_t count;

	LL_COUNT(session->lost, lost, count);
	if (count > session->params.max_connections)
		lost_give_up(session, session->lost);
}

/* The next deadline is asked for in each turn of the loop, and sessions are many: it is known
 * without a look at them. It may be too early, when what it was for is gone. */
static void deadline_note(struct iscsi_node *node, uint64_t deadline_ms)
{
	if (deadline_ms < node->lost_deadline_ms)
		node->lost_deadline_ms = deadline_ms;
}

static struct iscsi_lost *lost_new(struct iscsi_session *session, uint16_t cid)
{
	struct iscsi_lost *lost = calloc(1, sizeof(*lost));

	if (!lost)
		return NULL;
	make_room(session);
	lost->cid = cid;
	LL_APPEND(session->lost, lost);
	session->node->lost_count++;
	return lost;
}

bool iscsi_lost_keep(struct iscsi_conn *conn, bool released)
{
	struct iscsi_session *session = conn->session;
	struct iscsi_lost *lost = lost_of(session, conn->cid);
	struct iscsi_task *task;

	if (!lost)
		lost = lost_new(session, conn->cid);
	if (!lost)
		return false;
	lost->released = released;
	lost->deadline_ms = session->node->now_ms + retention_ms(session);
	deadline_note(session->node, lost->deadline_ms);
	answers_collect(session->node, lost, conn->kept_first);
	answers_collect(session->node, lost, conn->out_first);
	iscsi_out_discard_tasks(conn);
	iscsi_manage_forget(session, conn);
	tasks_suspend(session, conn);
	while ((task = next_refused(session, conn->cid)))
		iscsi_task_answer(task);
	iscsi_task_abort_orphans(session);
	return true;
}

void iscsi_lost_add_answer(struct iscsi_task *task)
{
	struct iscsi_lost *lost = lost_of(task->session, task->cid);
	struct iscsi_out *out = lost ? iscsi_out_take(task->session->node) : NULL;

	if (!out)
		return;
	iscsi_task_note_residuals(task);
	out->kind = ISCSI_OUT_TASK;
	out->task = task;
	task->refs++;
	answer_add(task->session->node, lost, out);
}

/* --- the end of waiting ----------------------------------------------------------------------- */

void iscsi_lost_forget_all(struct iscsi_session *session)
{
	while (session->lost)
		lost_free(session, session->lost);
}

bool iscsi_lost_log_out(struct iscsi_session *session, uint16_t cid, bool for_recovery)
{
	struct iscsi_lost *lost = lost_of(session, cid);

	if (!lost)
		return false;
	if (for_recovery)
		lost->released = true;
	else
		lost_give_up(session, lost);
	return true;
}

static struct iscsi_lost *next_due(const struct iscsi_session *session)
{
	for (struct iscsi_lost *lost = session->lost; lost; lost = lost->next)
		if (session->node->now_ms >= lost->deadline_ms)
			return lost;
	return NULL;
}

static void session_tick(struct iscsi_session *session)
{
	struct iscsi_lost *lost;

	session->busy++;
	while (session->state == ISCSI_SESSION_LIVE && (lost = next_due(session)))
		lost_give_up(session, lost);
	if (session->state == ISCSI_SESSION_LIVE && !session->conns && !session->lost) {
		session->node->counters.sessions_lost++;
		iscsi_session_end(session, SCSI_NEXUS_LOSS);
	}
	session->busy--;
	iscsi_session_settle(session);
}

uint64_t iscsi_node_deadline(const struct iscsi_node *node)
{
	return node->lost_count > 0 ? node->lost_deadline_ms : UINT64_MAX;
}

static void deadline_find(struct iscsi_node *node)
{
	node->lost_deadline_ms = UINT64_MAX;
	for (const struct iscsi_session *s = node->sessions; s; s = s->next)
		for (const struct iscsi_lost *lost = s->lost; lost; lost = lost->next)
			deadline_note(node, lost->deadline_ms);
}

void iscsi_node_tick(struct iscsi_node *node, uint64_t now_ms)
{
	struct iscsi_session *s, *next;

	if (now_ms > node->now_ms)
		node->now_ms = now_ms;
	DL_FOREACH_SAFE(node->sessions, s, next)
	if (s->lost)
		session_tick(s);
	deadline_find(node);
}

void iscsi_lost_shutdown(struct iscsi_node *node)
{
	struct iscsi_session *s, *next;

	DL_FOREACH_SAFE(node->sessions, s, next)
	if (s->state == ISCSI_SESSION_LIVE && !s->conns)
		iscsi_session_end(s, SCSI_NEXUS_LOSS);
}

/* --- reassignment ----------------------------------------------------------------------------- */

static struct iscsi_out *answer_of(const struct iscsi_lost *lost, uint32_t itt)
{
	for (struct iscsi_out *out = lost->answers; out; out = out->next)
		if (itt == (out->task ? out->task->itt : out->pdu.response.itt))
			return out;
	return NULL;
}

static struct iscsi_lost *lost_with_answer(const struct iscsi_session *session, uint32_t itt)
{
	for (struct iscsi_lost *lost = session->lost; lost; lost = lost->next)
		if (answer_of(lost, itt))
			return lost;
	return NULL;
}

enum iscsi_reassign_verdict iscsi_lost_judge(const struct iscsi_session *session, uint32_t itt)
{
	const struct iscsi_task *task = iscsi_session_find_task(session, itt);
	const struct iscsi_lost *lost = task ? NULL : lost_with_answer(session, itt);

	if (task && task->suspended)
		lost = lost_of(session, task->cid);
	if (task && !task->suspended)
		return ISCSI_REASSIGN_STILL_ALLEGIANT;
	if (!lost)
		return ISCSI_REASSIGN_NO_TASK;
	return lost->released ? ISCSI_REASSIGN_COMPLETE : ISCSI_REASSIGN_STILL_ALLEGIANT;
}

/* Data from ExpDataSN on (0: from what was acknowledged), cut for this connection, and the status,
 * with a number of this connection. */
static void answer_resume(struct iscsi_conn *conn, struct iscsi_out *out, uint32_t exp_data_sn)
{
	struct iscsi_task *task = out->task;

	out->encoded = out->again = false;
	out->header_digest = conn->params.header_digest;
	out->data_digest = conn->params.data_digest;
	out->weight = sizeof(*out);
	if (task && task->scsi.data_in_len > 0) {
		iscsi_task_resume_data(conn, task, exp_data_sn);
		out->weight += task->scsi.data_in_len - task->in_sent;
		out->kind = ISCSI_OUT_TASK;
		out->data = NULL;
		out->data_len = 0;
	}
	iscsi_out_push(conn, out);
}

void iscsi_lost_resume(struct iscsi_conn *conn, uint32_t itt, uint32_t exp_data_sn)
{
	struct iscsi_task *task = iscsi_session_find_task(conn->session, itt);
	struct iscsi_lost *lost = lost_with_answer(conn->session, itt);

	if (task) {
		task->conn = conn;
		task->suspended = false;
		if (task->state == ISCSI_TASK_GATHERING)
			iscsi_data_out_continue(task);
		else
			iscsi_read_room_pass_on(conn->session);
	} else if (lost) {
		struct iscsi_out *out = answer_of(lost, itt);
		answer_take(lost, out);
		answer_resume(conn, out, exp_data_sn);
	}
}
