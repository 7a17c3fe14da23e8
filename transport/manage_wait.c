/*
 * The order that task management owes to commands, data and responses (RFC 7143 4.2.3.3).
 *
 * A function that aborts many tasks waits until every command before it has come and every sequence
 * of data that was asked for has ended; whatever is numbered behind it waits for it. When the
 * target is done, and the session has other connections, the answer waits until what was sent there
 * before is acknowledged. Each wait ends after limits.abort_wait_ms: many initiators stop answering
 * R2Ts once they have sent the request, and late data is dropped without a word (data_out.c).
 */
#include <utlist.h>

#include "transport/conn_internal.h"

static bool is_target_reset(const struct iscsi_tmf *tmf)
{
	return tmf->scsi.function == SCSI_TMF_TARGET_WARM_RESET ||
	       tmf->scsi.function == SCSI_TMF_TARGET_COLD_RESET;
}

static void begin(struct iscsi_tmf *tmf, enum iscsi_tmf_stage stage)
{
	const struct iscsi_node *node = tmf->session->node;

	tmf->stage = stage;
	tmf->deadline_ms = node->now_ms + node->config.limits.abort_wait_ms;
	/* Another connection may have set it off: its own one has a deadline now. */
	if (tmf->conn)
		iscsi_conn_wake(tmf->conn);
}

/* --- before ----------------------------------------------------------------------------------- */

/* For a reset of the target, commands before it that have not been delivered count as received. */
static void plug_all_before(const struct iscsi_tmf *tmf)
{
	struct iscsi_session *session = tmf->session;
	uint32_t sn = session->exp_cmd_sn;

	for (; iscsi_sn_before(sn, tmf->cmd_sn) && !iscsi_sn_before(session->max_cmd_sn, sn); sn++)
		if (!iscsi_window_held(session, sn) && !iscsi_window_plug(session, sn))
			return;
}

/* Nothing more is asked for its tasks. Does data that was asked for still have to come? */
static bool stop_tasks(const struct iscsi_tmf *tmf)
{
	const struct iscsi_session *session = tmf->session;
	bool expected = false;

	for (uint32_t i = 0; i <= session->ring_mask; i++)
		for (struct iscsi_task *t = session->tasks_by_itt[i]; t; t = t->chain) {
			if (!iscsi_manage_is_in_scope(tmf, t->scsi.lun_bytes))
				continue;
			t->stopping = true;
			expected = expected || (t->conn && iscsi_data_out_expected(t));
		}
	return expected;
}

static bool may_execute(const struct iscsi_tmf *tmf)
{
	const struct iscsi_session *session = tmf->session;

	if (session->node->now_ms >= tmf->deadline_ms)
		return true;
	return !iscsi_sn_before(session->exp_cmd_sn, tmf->cmd_sn) && !stop_tasks(tmf);
}

/* --- behind ----------------------------------------------------------------------------------- */

void iscsi_manage_fence(struct iscsi_tmf *tmf)
{
	struct iscsi_session *session = tmf->session;
	bool waits = false;

	if (!tmf->many || !tmf->conn) {
		iscsi_manage_finish(tmf);
		return;
	}
	for (struct iscsi_conn *c = session->conns; c; c = c->session_next) {
		c->fence_stat_sn = c->stat_sn + c->stat_pending;
		if (c == tmf->conn || c->state != ISCSI_CONN_FULL_FEATURE ||
		    c->acked_stat_sn == c->fence_stat_sn)
			continue;
		waits = true;
		if (c->ping_ttt == ISCSI_NO_TAG)
			iscsi_nop_ping(c); /* its answer tells ExpStatSN */
	}
	if (!waits) {
		iscsi_manage_finish(tmf);
		return;
	}
	begin(tmf, ISCSI_TMF_FENCED);
}

static bool may_answer(const struct iscsi_tmf *tmf)
{
	if (tmf->session->node->now_ms >= tmf->deadline_ms)
		return true;
	for (const struct iscsi_conn *c = tmf->session->conns; c; c = c->session_next)
		if (c != tmf->conn && iscsi_sn_before(c->acked_stat_sn, c->fence_stat_sn))
			return false;
	return true;
}

/* --- looking ---------------------------------------------------------------------------------- */

static struct iscsi_tmf *next_ready(const struct iscsi_session *session)
{
	for (struct iscsi_tmf *f = session->tmfs; f; f = f->next)
		if ((f->stage == ISCSI_TMF_WAITING && may_execute(f)) ||
		    (f->stage == ISCSI_TMF_FENCED && may_answer(f)))
			return f;
	return NULL;
}

void iscsi_manage_look(struct iscsi_session *session)
{
	struct iscsi_tmf *tmf;

	session->busy++;
	/* Each may end others: look anew. */
	while (session->state == ISCSI_SESSION_LIVE && (tmf = next_ready(session))) {
		if (tmf->stage == ISCSI_TMF_FENCED) {
			iscsi_manage_finish(tmf);
			continue;
		}
		tmf->stage = ISCSI_TMF_EXECUTING;
		iscsi_manage_execute(tmf);
		iscsi_dispatch_held(session);
	}
	session->busy--;
	iscsi_session_settle(session);
}

void iscsi_manage_wait(struct iscsi_tmf *tmf)
{
	struct iscsi_session *session = tmf->session;

	tmf->many = true;
	begin(tmf, ISCSI_TMF_WAITING);
	if (is_target_reset(tmf)) {
		plug_all_before(tmf);
		iscsi_dispatch_held(session);
	}
	iscsi_manage_look(session);
}

bool iscsi_manage_bars(const struct iscsi_session *session, uint32_t cmd_sn)
{
	for (const struct iscsi_tmf *f = session->tmfs; f; f = f->next)
		if (f->stage == ISCSI_TMF_WAITING && !iscsi_sn_before(cmd_sn, f->cmd_sn))
			return true;
	return false;
}

uint64_t iscsi_manage_deadline(const struct iscsi_conn *conn)
{
	uint64_t deadline = UINT64_MAX;

	for (const struct iscsi_tmf *f = conn->session->tmfs; f; f = f->next)
		if (f->conn == conn && f->stage != ISCSI_TMF_EXECUTING && f->deadline_ms < deadline)
			deadline = f->deadline_ms;
	return deadline;
}

void iscsi_manage_forget(struct iscsi_session *session, const struct iscsi_conn *conn)
{
	struct iscsi_tmf *f, *next;

	DL_FOREACH_SAFE(session->tmfs, f, next)
	{
		if (conn && f->conn != conn)
			continue;
		if (f->stage != ISCSI_TMF_EXECUTING)
			iscsi_manage_drop(f);
		else
			f->conn = NULL;
	}
}

/* --- a wait that comes to nothing ------------------------------------------------------------- */

static bool is_awaited(const struct iscsi_task *task)
{
	for (const struct iscsi_tmf *f = task->session->tmfs; f; f = f->next)
		if (f->many && f->stage != ISCSI_TMF_FENCED &&
		    iscsi_manage_is_in_scope(f, task->scsi.lun_bytes))
			return true;
	return false;
}

static struct iscsi_task *next_spared(const struct iscsi_session *session)
{
	for (uint32_t i = 0; i <= session->ring_mask; i++)
		for (struct iscsi_task *t = session->tasks_by_itt[i]; t; t = t->chain)
			if (t->stopping && !is_awaited(t))
				return t;
	return NULL;
}

void iscsi_manage_resume(struct iscsi_session *session)
{
	struct iscsi_task *task;

	session->busy++;
	/* Each may end, and others with it: look anew. */
	while (session->state == ISCSI_SESSION_LIVE && (task = next_spared(session))) {
		task->stopping = false;
		if (task->state == ISCSI_TASK_GATHERING)
			iscsi_data_out_continue(task);
	}
	iscsi_manage_look(session);
	iscsi_dispatch_held(session);
	session->busy--;
	iscsi_session_settle(session);
}
