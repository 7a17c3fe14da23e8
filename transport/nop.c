/*
 * NOP-Out and NOP-In (RFC 7143 11.18, 11.19): pings both ways, and the command window's news.
 */
#include <string.h>

#include "transport/conn_internal.h"

uint8_t iscsi_nop_check(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	struct iscsi_nop_out nop;
	(void)conn;

	iscsi_nop_out_decode(pdu->bhs, &nop);
	if (nop.itt == ISCSI_NO_TAG)
		return nop.immediate ? 0 : ISCSI_REJECT_PROTOCOL_ERROR;
	return nop.ttt == ISCSI_NO_TAG ? 0 : ISCSI_REJECT_INVALID_PDU_FIELD;
}

void iscsi_nop_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	struct iscsi_nop_out nop;

	iscsi_nop_out_decode(pdu->bhs, &nop);
	if (nop.itt == ISCSI_NO_TAG) {
		/* An answer to our ping; one that comes too late, or never was asked for, is
		 * harmless. */
		if (nop.ttt != ISCSI_NO_TAG && nop.ttt == conn->ping_ttt)
			conn->ping_ttt = ISCSI_NO_TAG;
		return;
	}
	struct iscsi_out *out = iscsi_out_new(conn, ISCSI_OUT_NOP_IN);
	if (!out)
		return;
	uint32_t len = pdu->data_len;
	if (len > conn->params.max_send_data_segment_len)
		len = conn->params.max_send_data_segment_len;
	out->pdu.nop = (struct iscsi_nop_in){.itt = nop.itt, .ttt = ISCSI_NO_TAG};
	memcpy(out->pdu.nop.lun, nop.lun, sizeof(nop.lun));
	if (iscsi_out_set_data(conn, out, pdu->data, len))
		iscsi_out_push(conn, out);
}

static void nop_in_send(struct iscsi_conn *conn, uint32_t ttt)
{
	struct iscsi_out *out = iscsi_out_new(conn, ISCSI_OUT_NOP_IN);

	if (!out)
		return;
	out->pdu.nop = (struct iscsi_nop_in){.itt = ISCSI_NO_TAG, .ttt = ttt};
	iscsi_out_push(conn, out);
}

void iscsi_nop_ping(struct iscsi_conn *conn)
{
	conn->ping_ttt = iscsi_session_take_ttt(conn->session);
	conn->ping_ms = conn->node->now_ms;
	nop_in_send(conn, conn->ping_ttt);
}

void iscsi_nop_carry_window(struct iscsi_conn *conn)
{
	nop_in_send(conn, ISCSI_NO_TAG);
}
