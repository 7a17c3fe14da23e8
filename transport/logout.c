/*
 * Logout (RFC 7143 11.14, 11.15).
 */
#include <string.h>

#include "transport/conn_internal.h"

enum logout_reason {
	LOGOUT_CLOSE_SESSION = 0,
	LOGOUT_CLOSE_CONNECTION = 1,
	LOGOUT_REMOVE_FOR_RECOVERY = 2,
};

enum logout_response {
	LOGOUT_SUCCESS = 0,
	LOGOUT_CID_NOT_FOUND = 1,
	LOGOUT_RECOVERY_NOT_SUPPORTED = 2,
};

uint8_t iscsi_logout_check(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	struct iscsi_logout_request request;

	iscsi_logout_request_decode(pdu->bhs, &request);
	if (request.itt == ISCSI_NO_TAG || request.reason > LOGOUT_REMOVE_FOR_RECOVERY)
		return ISCSI_REJECT_INVALID_PDU_FIELD;
	if (conn->session->type == ISCSI_SESSION_DISCOVERY &&
	    request.reason != LOGOUT_CLOSE_SESSION)
		return ISCSI_REJECT_PROTOCOL_ERROR;
	return 0;
}

static void respond(struct iscsi_conn *conn, uint32_t itt, enum logout_response response)
{
	struct iscsi_out *out = iscsi_out_new(conn, ISCSI_OUT_LOGOUT_RESPONSE);

	if (!out)
		return;
	out->pdu.logout = (struct iscsi_logout_response){
		.response = (uint8_t)response,
		.itt = itt,
	};
	/* What is meant for a session that lives on: when and how long to try again. */
	if (response != LOGOUT_SUCCESS || conn->params.error_recovery_level == 2) {
		out->pdu.logout.time2wait = (uint16_t)conn->params.default_time2wait;
		out->pdu.logout.time2retain = (uint16_t)conn->params.default_time2retain;
	}
	iscsi_out_push(conn, out);
}

static struct iscsi_conn *conn_by_cid(const struct iscsi_session *session, uint16_t cid)
{
	for (struct iscsi_conn *c = session->conns; c; c = c->session_next)
		if (c->cid == cid)
			return c;
	return NULL;
}

static void close_session(struct iscsi_conn *conn, uint32_t itt)
{
	conn->node->counters.logouts++;
	iscsi_conn_log(conn, ISCSI_LOG_INFO, "logout", NULL);
	respond(conn, itt, LOGOUT_SUCCESS);
	iscsi_session_end(conn->session, SCSI_NEXUS_LOGOUT);
}

/* `leaving` may be the connection that asks, or another one of its session. */
static void close_connection(struct iscsi_conn *conn, struct iscsi_conn *leaving, uint32_t itt)
{
	if (conn->session->conn_count == 1) {
		close_session(conn, itt);
		return;
	}
	conn->node->counters.logouts++;
	iscsi_conn_log(leaving, ISCSI_LOG_INFO, "logout", NULL);
	respond(conn, itt, LOGOUT_SUCCESS);
	iscsi_session_leave(leaving, SCSI_NEXUS_LOGOUT);
	iscsi_conn_shut(leaving, false);
}

/* Its tasks wait for somebody to reassign them. */
static void remove_connection(struct iscsi_conn *conn, struct iscsi_conn *leaving, uint32_t itt)
{
	conn->node->counters.logouts++;
	iscsi_conn_log(leaving, ISCSI_LOG_INFO, "logout for recovery", NULL);
	respond(conn, itt, LOGOUT_SUCCESS);
	iscsi_session_remove(leaving);
	iscsi_conn_shut(leaving, leaving != conn);
}

void iscsi_logout_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	struct iscsi_logout_request request;

	iscsi_logout_request_decode(pdu->bhs, &request);
	if (request.reason == LOGOUT_CLOSE_SESSION) {
		close_session(conn, request.itt);
		return;
	}
	bool recovers = request.reason == LOGOUT_REMOVE_FOR_RECOVERY;
	struct iscsi_conn *leaving = conn_by_cid(conn->session, request.cid);
	if (recovers && conn->params.error_recovery_level < 2)
		respond(conn, request.itt,
			leaving ? LOGOUT_RECOVERY_NOT_SUPPORTED : LOGOUT_CID_NOT_FOUND);
	else if (leaving && recovers)
		remove_connection(conn, leaving, request.itt);
	else if (leaving)
		close_connection(conn, leaving, request.itt);
	else if (iscsi_lost_log_out(conn->session, request.cid, recovers))
		respond(conn, request.itt, LOGOUT_SUCCESS);
	else
		respond(conn, request.itt, LOGOUT_CID_NOT_FOUND);
}
