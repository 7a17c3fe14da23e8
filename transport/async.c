/*
 * Asynchronous messages (RFC 7143 11.9): asking for logout, and saying why a connection ends.
 */
#include "transport/conn_internal.h"

void iscsi_async_send(struct iscsi_conn *conn, enum iscsi_async_event event)
{
	struct iscsi_out *out = iscsi_out_new(conn, ISCSI_OUT_ASYNC_MESSAGE);

	if (!out)
		return;
	out->pdu.async.event = (uint8_t)event;
	switch (event) {
	case ISCSI_ASYNC_LOGOUT_REQUEST:
		out->pdu.async.parameter3 = ISCSI_SHUTDOWN_LOGOUT_S;
		break;
	case ISCSI_ASYNC_CONNECTION_DROP:
		out->pdu.async.parameter1 = conn->cid;
		break;
	case ISCSI_ASYNC_SESSION_DROP: /* Time2Wait and Time2Retain 0: nothing is kept */
	case ISCSI_ASYNC_SCSI:
		break;
	}
	iscsi_out_push(conn, out);
}

void iscsi_async_shutdown(struct iscsi_conn *conn)
{
	if (conn->state == ISCSI_CONN_CLOSING)
		return;
	/* A discovery session is simply dropped (the sheet, 11). */
	if (conn->state != ISCSI_CONN_FULL_FEATURE ||
	    conn->session->type == ISCSI_SESSION_DISCOVERY) {
		iscsi_conn_doom(conn, "the target is stopping", false);
		return;
	}
	iscsi_async_send(conn, ISCSI_ASYNC_LOGOUT_REQUEST);
	conn->logout_deadline_ms = conn->node->now_ms + ISCSI_SHUTDOWN_LOGOUT_S * 1000;
}
