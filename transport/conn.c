/*
 * The connection's facade: bytes in, bytes out, time, and the states in between (RFC 7143 8.1).
 *
 * Nothing that runs inside the protocol destroys a connection or its session under the feet of its
 * callers: they "doom" it, and it is closed when the facade's call ends, or at the next tick.
 */
#include "transport/conn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "transport/conn_internal.h"
#include "transport/observer.h"

/* --- leaving ---------------------------------------------------------------------------------- */

void iscsi_conn_wake(struct iscsi_conn *conn)
{
	if (conn->entered == 0)
		conn->host->wake(conn->host_context);
}

void iscsi_conn_doom(struct iscsi_conn *conn, const char *why, bool discard)
{
	if (conn->doom || conn->state == ISCSI_CONN_CLOSING)
		return;
	conn->doom = why;
	conn->stops |= ISCSI_STOP_DOOM;
	conn->doom_discards = discard;
	iscsi_conn_wake(conn);
}

void iscsi_conn_let_go(struct iscsi_conn *conn)
{
	struct iscsi_sns sns = iscsi_conn_sns(conn);

	conn->last_exp_cmd_sn = sns.exp_cmd_sn;
	conn->last_max_cmd_sn = sns.max_cmd_sn;
	conn->session = NULL;
}

static bool is_logging_in(const struct iscsi_conn *conn)
{
	return conn->state == ISCSI_CONN_LOGIN || conn->state == ISCSI_CONN_WAITING;
}

void iscsi_conn_shut(struct iscsi_conn *conn, bool discard)
{
	assert(!conn->session);
	if (discard)
		iscsi_out_discard_all(conn);
	if (discard && conn->fault)
		iscsi_fault_discard(conn);
	iscsi_kept_forget_all(conn);
	if (conn->state == ISCSI_CONN_CLOSING)
		return;
	if (is_logging_in(conn))
		iscsi_login_phase_leave(conn);
	conn->state = ISCSI_CONN_CLOSING;
	conn->closing_ms = conn->node->now_ms;
	iscsi_conn_wake(conn);
}

void iscsi_conn_stop_receiving(struct iscsi_conn *conn)
{
	struct iscsi_task *task = conn->receiving;

	conn->receiving = NULL;
	if (task)
		iscsi_task_unref(task);
}

void iscsi_conn_log(const struct iscsi_conn *conn, enum iscsi_log_level level, const char *what,
		    const char *why)
{
	char initiator[256] = "unknown", target[256] = "";
	const struct iscsi_session *s = conn->session;

	iscsi_trace_told(conn, what, why);
	if (s) {
		iscsi_log_escape(initiator, sizeof(initiator), s->id.initiator_name);
		if (s->target)
			iscsi_log_escape(target, sizeof(target), scsi_target_name(s->target));
	} else if (conn->login && conn->login->initiator_name[0] != '\0') {
		iscsi_log_escape(initiator, sizeof(initiator), conn->login->initiator_name);
		iscsi_log_escape(target, sizeof(target), conn->login->target_name);
	}
	iscsi_node_log(conn->node, level, "%s: initiator %s at %s, target %s%s%s", what, initiator,
		       conn->peer, target[0] != '\0' ? target : "none", why ? ": " : "",
		       why ? why : "");
}

void iscsi_conn_log_no_login(const struct iscsi_conn *conn, const char *why)
{
	/* Who never said a name is not worth a line each: port scans, floods, health checks. */
	bool has_name = conn->login && conn->login->initiator_name[0] != '\0';

	iscsi_conn_log(conn, has_name ? ISCSI_LOG_INFO : ISCSI_LOG_DEBUG, "login given up", why);
}

struct iscsi_sns iscsi_conn_sns(struct iscsi_conn *conn)
{
	struct iscsi_session *session = conn->session;

	if (!session)
		return (struct iscsi_sns){conn->stat_sn, conn->last_exp_cmd_sn,
					  conn->last_max_cmd_sn};
	session->told_max_cmd_sn = session->max_cmd_sn;
	return (struct iscsi_sns){conn->stat_sn, session->exp_cmd_sn, session->max_cmd_sn};
}

void iscsi_conn_acknowledge(struct iscsi_conn *conn, uint32_t exp_stat_sn)
{
	/* Only what was sent can be acknowledged. */
	if (iscsi_sn_before(conn->acked_stat_sn, exp_stat_sn) &&
	    !iscsi_sn_before(conn->stat_sn, exp_stat_sn)) {
		conn->acked_stat_sn = exp_stat_sn;
		iscsi_kept_acknowledge(conn, exp_stat_sn);
	}
}

/* Carries out what iscsi_conn_doom asked for. */
static void drop(struct iscsi_conn *conn)
{
	struct iscsi_node *node = conn->node;

	if (conn->state == ISCSI_CONN_FULL_FEATURE) {
		iscsi_conn_log(conn, ISCSI_LOG_WARNING, "dropped", conn->doom);
		/* RFC 7143 11.9.1: say so before closing; a discovery session gets none. */
		if (!conn->doom_discards && conn->session->type == ISCSI_SESSION_NORMAL &&
		    !(conn->fault && iscsi_fault_is_silent(conn)))
			iscsi_async_send(conn, node->stopping ? ISCSI_ASYNC_SESSION_DROP
							      : ISCSI_ASYNC_CONNECTION_DROP);
	} else {
		node->counters.login_failures++;
		iscsi_conn_log_no_login(conn, conn->doom);
	}
	iscsi_session_leave(conn, SCSI_NEXUS_LOSS);
	iscsi_conn_shut(conn, conn->doom_discards);
}

void iscsi_conn_enter(struct iscsi_conn *conn, uint64_t now_ms)
{
	conn->entered++;
	conn->attended = iscsi_conn_is_attended(conn);
	if (now_ms > conn->node->now_ms)
		conn->node->now_ms = now_ms;
}

void iscsi_conn_leave(struct iscsi_conn *conn)
{
	if (conn->doom && conn->state != ISCSI_CONN_CLOSING)
		drop(conn);
	conn->entered--;
}

/* --- a connection's life ---------------------------------------------------------------------- */

struct iscsi_conn *iscsi_conn_create(struct iscsi_node *node, struct iscsi_portal *portal,
				     const char *local_address, const char *peer,
				     const struct iscsi_conn_host *host, void *host_context,
				     uint64_t now_ms)
{
	if (node->connection_count >= node->config.limits.connections_max)
		return NULL;
	struct iscsi_conn *conn = calloc(1, sizeof(*conn));
	if (!conn)
		return NULL;
	conn->node = node;
	conn->portal = portal;
	conn->host = host;
	conn->host_context = host_context;
	snprintf(conn->local_address, sizeof(conn->local_address), "%s", local_address);
	snprintf(conn->peer, sizeof(conn->peer), "%s", peer);
	conn->state = ISCSI_CONN_LOGIN;
	conn->ping_ttt = ISCSI_NO_TAG;
	conn->logout_deadline_ms = conn->negotiation_deadline_ms = UINT64_MAX;
	conn->created_ms = conn->received_ms = conn->sent_ms = now_ms;
	conn->rejects_since_ms = now_ms;
	conn->input = conn->login_input;
	iscsi_framer_init(&conn->framer);
	conn->framer.data_limit = ISCSI_LOGIN_DATA_MAX;
	if (!iscsi_login_phase_begin(conn)) {
		iscsi_framer_finish(&conn->framer);
		free(conn);
		return NULL;
	}
	if (now_ms > node->now_ms)
		node->now_ms = now_ms;
	iscsi_registry_login_begin(node->registry, &conn->registered_login, &node->waker,
				   node->config.limits.logins_max);
	iscsi_login_phase_make_room(node);
	DL_APPEND(node->conns, conn);
	node->connection_count++;
	DL_APPEND2(node->logins, conn, login_prev, login_next);
	iscsi_trace_open(conn);
	iscsi_observe_begin(conn);
	if (node->faults)
		iscsi_fault_accept(conn);
	return conn;
}

void iscsi_conn_free(struct iscsi_conn **conn)
{
	struct iscsi_conn *c = *conn;

	if (!c)
		return;
	c->entered++; /* nobody to wake any more */
	iscsi_session_leave(c, SCSI_NEXUS_LOSS);
	iscsi_conn_shut(c, true);
	iscsi_conn_stop_receiving(c);
	if (c->fault)
		iscsi_fault_free(c);
	iscsi_login_phase_free(c);
	iscsi_framer_finish(&c->framer);
	iscsi_text_exchange_free(&c->text);
	free(c->rest);
	iscsi_observe_end(c);
	iscsi_trace_close(c);
	DL_DELETE(c->node->conns, c);
	c->node->connection_count--;
	free(c);
	*conn = NULL;
}

bool iscsi_conn_finished(const struct iscsi_conn *conn)
{
	return conn->state == ISCSI_CONN_CLOSING && !(conn->fault && iscsi_fault_is_sending(conn));
}

void iscsi_conn_eof(struct iscsi_conn *conn, uint64_t now_ms)
{
	iscsi_conn_enter(conn, now_ms);
	if (conn->watch)
		iscsi_watch_eof(conn->watch, conn->node->now_ms);
	if (conn->state == ISCSI_CONN_FULL_FEATURE) {
		iscsi_conn_log(conn, ISCSI_LOG_INFO, "dropped", "connection lost");
	} else if (is_logging_in(conn)) {
		conn->node->counters.login_failures++;
		iscsi_conn_log_no_login(conn, "connection lost");
	}
	iscsi_session_leave(conn, SCSI_NEXUS_LOSS);
	iscsi_conn_shut(conn, true);
	iscsi_conn_leave(conn);
}

/* --- output ----------------------------------------------------------------------------------- */

int iscsi_conn_output(struct iscsi_conn *conn, struct iovec *iov, int max)
{
	int count;

	conn->attended = iscsi_conn_is_attended(conn);
	count = iscsi_out_gather(conn, iov, max);
	return conn->attended ? iscsi_attend_shape(conn, iov, count) : count;
}

void iscsi_conn_sent(struct iscsi_conn *conn, size_t n, uint64_t now_ms)
{
	iscsi_conn_enter(conn, now_ms);
	conn->sent_ms = conn->node->now_ms;
	bool was_held_back = iscsi_conn_is_held_back(conn);
	conn->is_blocked = false;
	iscsi_out_consume(conn, n);
	if (was_held_back)
		iscsi_conn_process(conn);
	iscsi_conn_leave(conn);
}
