/*
 * When a connection wants to be called, and what is due then: the timers of the sheet's 22.
 */
#include "transport/conn_internal.h"

/* Deadlines are rounded up to this, so that a busy connection does not move its timer with every
 * PDU. */
#define DEADLINE_STEP_MS 64

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* When the peer has to be asked whether it is there, or has not answered that. */
static uint64_t nop_deadline(const struct iscsi_conn *conn)
{
	const struct iscsi_limits *limits = &conn->node->config.limits;

	if (limits->nop_interval_ms == 0 || conn->session->type == ISCSI_SESSION_DISCOVERY ||
	    iscsi_conn_is_held_back(conn))
		return UINT64_MAX;
	if (conn->ping_ttt != ISCSI_NO_TAG)
		return later(conn->ping_ms, conn->received_ms) + limits->nop_timeout_ms;
	uint64_t interval_ms = limits->nop_interval_ms;
	/* A response can have got lost: StatSN in a ping shows it. */
	if (conn->kept_first)
		interval_ms = earlier(interval_ms, limits->recovery_ms);
	return later(conn->sent_ms, conn->received_ms) + interval_ms;
}

static uint64_t stall_deadline(const struct iscsi_conn *conn)
{
	return conn->out_first ? conn->sent_ms + conn->node->config.limits.send_stall_ms
			       : UINT64_MAX;
}

static uint64_t hole_deadline(const struct iscsi_conn *conn)
{
	const struct iscsi_session *session = conn->session;

	return session->held_count > 0
		       ? session->hole_since_ms + conn->node->config.limits.data_out_timeout_ms
		       : UINT64_MAX;
}

static uint64_t data_out_deadline(const struct iscsi_conn *conn)
{
	const struct iscsi_limits *limits = &conn->node->config.limits;
	bool recovers = conn->params.error_recovery_level > 0;

	return conn->timed ? conn->timed->last_data_ms +
				     (recovers ? limits->recovery_ms : limits->data_out_timeout_ms)
			   : UINT64_MAX;
}

static uint64_t discovery_deadline(const struct iscsi_conn *conn)
{
	return conn->session->type == ISCSI_SESSION_DISCOVERY
		       ? later(conn->sent_ms, conn->received_ms) + ISCSI_DISCOVERY_IDLE_MS
		       : UINT64_MAX;
}

static uint64_t text_deadline(const struct iscsi_conn *conn)
{
	return conn->text.open ? conn->text.moved_ms + ISCSI_TEXT_IDLE_MS : UINT64_MAX;
}

static uint64_t full_feature_deadline(const struct iscsi_conn *conn)
{
	uint64_t deadline = earlier(nop_deadline(conn), stall_deadline(conn));

	deadline = earlier(deadline, hole_deadline(conn));
	deadline = earlier(deadline, data_out_deadline(conn));
	deadline = earlier(deadline, text_deadline(conn));
	deadline = earlier(deadline, discovery_deadline(conn));
	deadline = earlier(deadline, iscsi_manage_deadline(conn));
	return earlier(deadline, earlier(conn->logout_deadline_ms, conn->negotiation_deadline_ms));
}

static uint64_t own_deadline(const struct iscsi_conn *conn)
{
	const struct iscsi_limits *limits = &conn->node->config.limits;
	uint64_t deadline = UINT64_MAX;

	switch (conn->state) {
	case ISCSI_CONN_LOGIN:
	case ISCSI_CONN_WAITING:
		deadline = conn->created_ms + limits->login_timeout_ms;
		break;
	case ISCSI_CONN_FULL_FEATURE:
		deadline = full_feature_deadline(conn);
		break;
	case ISCSI_CONN_CLOSING:
		if (conn->out_first)
			deadline = conn->closing_ms + limits->send_stall_ms;
		break;
	case ISCSI_CONN_INVALID:
		break;
	}
	return deadline > UINT64_MAX - DEADLINE_STEP_MS
		       ? UINT64_MAX
		       : (deadline + DEADLINE_STEP_MS - 1) / DEADLINE_STEP_MS * DEADLINE_STEP_MS;
}

/* The first connection of a session has its turn for it. */
static bool memory_is_due(const struct iscsi_conn *conn)
{
	return conn->state == ISCSI_CONN_FULL_FEATURE && conn->session->memory_due &&
	       conn->session->conns == conn;
}

uint64_t iscsi_conn_deadline(const struct iscsi_conn *conn)
{
	if (conn->state != ISCSI_CONN_CLOSING && (conn->doom || conn->resumes))
		return 0;
	if (memory_is_due(conn))
		return 0;
	uint64_t deadline = own_deadline(conn);
	return conn->fault ? iscsi_fault_deadline(conn, deadline) : deadline;
}

static void tick_nop(struct iscsi_conn *conn, uint64_t now_ms)
{
	if (now_ms < nop_deadline(conn))
		return;
	if (conn->ping_ttt != ISCSI_NO_TAG)
		iscsi_conn_doom(conn, "no answer to a NOP-In", true);
	else
		iscsi_nop_ping(conn);
}

static void tick_full_feature(struct iscsi_conn *conn, uint64_t now_ms)
{
	if (now_ms >= stall_deadline(conn))
		iscsi_conn_doom(conn, "it takes no data", true);
	else if (now_ms >= hole_deadline(conn))
		iscsi_conn_doom(conn, "a request is missing in the CmdSN order", false);
	else if (now_ms >= discovery_deadline(conn))
		iscsi_conn_doom(conn, "a discovery session that says nothing", false);
	else if (now_ms >= conn->logout_deadline_ms)
		iscsi_conn_doom(conn, "no logout in time", false);
	else if (now_ms >= conn->negotiation_deadline_ms)
		iscsi_conn_doom(conn, "no negotiation in time", false);
	while (!conn->doom && now_ms >= data_out_deadline(conn))
		iscsi_data_out_timeout(conn->timed);
	if (now_ms >= text_deadline(conn))
		iscsi_text_exchange_free(&conn->text);
	if (!conn->doom && now_ms >= iscsi_manage_deadline(conn))
		iscsi_manage_look(conn->session);
	if (!conn->doom && memory_is_due(conn))
		iscsi_memory_continue(conn->session);
	if (!conn->doom && conn->session)
		tick_nop(conn, now_ms);
}

void iscsi_conn_tick(struct iscsi_conn *conn, uint64_t now_ms)
{
	iscsi_conn_enter(conn, now_ms);
	if (conn->node->config.trace)
		trace_tick(conn->node->config.trace);
	now_ms = conn->node->now_ms;
	if (conn->fault)
		iscsi_fault_tick(conn);
	if (conn->fault && iscsi_fault_stops_time(conn)) {
		iscsi_conn_leave(conn);
		return;
	}
	if (conn->resumes && conn->state == ISCSI_CONN_WAITING && !conn->doom) {
		iscsi_login_phase_complete(conn);
		iscsi_conn_process(conn);
	}
	switch (conn->state) {
	case ISCSI_CONN_LOGIN:
	case ISCSI_CONN_WAITING:
		if (now_ms >= conn->created_ms + conn->node->config.limits.login_timeout_ms)
			iscsi_conn_doom(conn, "login timeout", true);
		break;
	case ISCSI_CONN_FULL_FEATURE:
		if (!conn->doom)
			tick_full_feature(conn, now_ms);
		break;
	case ISCSI_CONN_CLOSING:
		if (now_ms >= conn->closing_ms + conn->node->config.limits.send_stall_ms)
			iscsi_out_discard_all(conn);
		break;
	case ISCSI_CONN_INVALID:
		break;
	}
	iscsi_conn_leave(conn);
}
