/*
 * Who minds a connection's PDUs: the observer, a trace that wants them, and fault rules. The way of
 * a connection that nobody minds asks once a PDU (conn->attended) and never comes here.
 */
#include "transport/conn_internal.h"

void iscsi_attend_event(struct iscsi_conn *conn, enum iscsi_frame_event event)
{
	if (conn->watch)
		iscsi_observe_event(conn, event);
	if (iscsi_trace_wants_pdus(conn))
		iscsi_trace_received(conn, event);
}

bool iscsi_attend_received(struct iscsi_conn *conn, enum iscsi_frame_event event,
			   struct iscsi_pdu *pdu)
{
	iscsi_attend_event(conn, event);
	return !conn->fault || iscsi_fault_received(conn, pdu, event == ISCSI_FRAME_PDU);
}

void iscsi_attend_sent(struct iscsi_conn *conn, struct iscsi_out *out)
{
	/* What goes in its place was shown when it was made. */
	if (conn->fault && iscsi_fault_sent(conn, out))
		return;
	if (conn->watch)
		iscsi_observe_sent(conn, out);
	if (iscsi_trace_wants_pdus(conn))
		iscsi_trace_sent(conn, out);
}

int iscsi_attend_shape(struct iscsi_conn *conn, struct iovec *iov, int count)
{
	return conn->fault ? iscsi_fault_shape(conn, iov, count) : count;
}

void iscsi_attend_consumed(struct iscsi_conn *conn, size_t n)
{
	if (conn->fault)
		iscsi_fault_consumed(conn, n);
}
