/*
 * Asynchronous messages (RFC 7143 11.9): asking for logout, saying why a connection ends, and what
 * somebody wants to be said.
 */
#include <errno.h>
#include <string.h>

#include "pr_engine/bytes.h"
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
	case ISCSI_ASYNC_NEGOTIATION_REQUEST:
	case ISCSI_ASYNC_TASK_TERMINATION:
	case ISCSI_ASYNC_VENDOR_FIRST:
		break;
	}
	iscsi_out_push(conn, out);
}

void iscsi_async_lost(struct iscsi_conn *conn, uint16_t cid)
{
	struct iscsi_out *out = iscsi_out_new(conn, ISCSI_OUT_ASYNC_MESSAGE);

	if (!out)
		return;
	out->pdu.async = (struct iscsi_async_message){
		.event = ISCSI_ASYNC_CONNECTION_DROP,
		.parameter1 = cid,
		.parameter2 = (uint16_t)conn->params.default_time2wait,
		.parameter3 = (uint16_t)conn->params.default_time2retain,
	};
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

/* --- on demand -------------------------------------------------------------------------------- */

static struct iscsi_session *session_of(const struct iscsi_node *node, uint16_t tsih)
{
	for (struct iscsi_session *s = node->sessions; s; s = s->next)
		if (s->state == ISCSI_SESSION_LIVE && s->tsih == tsih)
			return s;
	return NULL;
}

static bool is_meant(const struct iscsi_conn *conn, const struct iscsi_async_order *order)
{
	return conn->state == ISCSI_CONN_FULL_FEATURE &&
	       (!order->one_connection || conn->cid == order->cid);
}

static bool reaches_somebody(const struct iscsi_session *session,
			     const struct iscsi_async_order *order)
{
	for (const struct iscsi_conn *c = session->conns; c; c = c->session_next)
		if (is_meant(c, order))
			return true;
	return false;
}

static void tell(struct iscsi_conn *conn, const struct iscsi_async_order *order)
{
	struct iscsi_out *out = iscsi_out_new(conn, ISCSI_OUT_ASYNC_MESSAGE);
	uint8_t data[2 + UINT8_MAX];

	if (!out)
		return;
	out->pdu.async.event = order->event;
	memcpy(out->pdu.async.lun, order->lun_bytes, sizeof(order->lun_bytes));
	if (order->event == ISCSI_ASYNC_LOGOUT_REQUEST ||
	    order->event == ISCSI_ASYNC_NEGOTIATION_REQUEST)
		out->pdu.async.parameter3 = order->seconds;
	if (order->event >= ISCSI_ASYNC_VENDOR_FIRST) {
		out->pdu.async.vcode = order->vcode;
		out->pdu.async.parameter1 = order->parameters[0];
		out->pdu.async.parameter2 = order->parameters[1];
		out->pdu.async.parameter3 = order->parameters[2];
	}
	if (order->event == ISCSI_ASYNC_SCSI) {
		put_be16(data, order->sense_len);
		memcpy(data + 2, order->sense, order->sense_len);
		if (!iscsi_out_set_data(conn, out, data, 2u + order->sense_len))
			return;
	}
	iscsi_out_push(conn, out);
}

/* The message, and what follows from it for this connection. */
static void carry_out(struct iscsi_conn *conn, const struct iscsi_async_order *order)
{
	uint64_t deadline_ms = conn->node->now_ms + order->seconds * UINT64_C(1000);

	if (order->event == ISCSI_ASYNC_CONNECTION_DROP) {
		iscsi_conn_doom(conn, "asked for", false); /* which says so itself */
		return;
	}
	tell(conn, order);
	if (order->event == ISCSI_ASYNC_LOGOUT_REQUEST)
		conn->logout_deadline_ms = deadline_ms;
	else if (order->event == ISCSI_ASYNC_NEGOTIATION_REQUEST)
		conn->negotiation_deadline_ms = deadline_ms;
}

static bool is_sound(const struct iscsi_async_order *order)
{
	if (order->event == ISCSI_ASYNC_SCSI)
		return order->sense && order->sense_len > 0 && order->sense_len <= UINT8_MAX;
	return order->event <= ISCSI_ASYNC_TASK_TERMINATION ||
	       order->event >= ISCSI_ASYNC_VENDOR_FIRST;
}

int iscsi_node_send_async(struct iscsi_node *node, const struct iscsi_async_order *order)
{
	struct iscsi_session *session = session_of(node, order->tsih);

	if (!session || !reaches_somebody(session, order))
		return -ENOENT;
	if (session->type == ISCSI_SESSION_DISCOVERY || !is_sound(order))
		return -EINVAL;
	for (struct iscsi_conn *c = session->conns; c; c = c->session_next)
		if (is_meant(c, order))
			carry_out(c, order);
	if (order->event == ISCSI_ASYNC_SESSION_DROP) {
		node->counters.sessions_lost++;
		iscsi_session_end(session, SCSI_NEXUS_LOSS);
	}
	return 0;
}
