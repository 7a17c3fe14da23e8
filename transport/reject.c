/*
 * Reject (RFC 7143 11.17): the bad PDU's header goes back, and storms end the connection.
 */
#include <string.h>

#include "transport/conn_internal.h"

static bool is_storm(struct iscsi_conn *conn)
{
	uint64_t now_ms = conn->node->now_ms;

	if (now_ms - conn->rejects_since_ms >= ISCSI_REJECT_WINDOW_MS) {
		conn->rejects_since_ms = now_ms;
		conn->rejects = 0;
	}
	return ++conn->rejects > conn->node->config.limits.rejects_max;
}

static void reject(struct iscsi_conn *conn, const struct iscsi_pdu *pdu, uint8_t reason,
		   uint32_t next_sn)
{
	uint8_t header[ISCSI_BHS_LEN + ISCSI_AHS_MAX];
	uint32_t len = ISCSI_BHS_LEN + pdu->ahs_len;

	conn->node->counters.rejects++;
	if (is_storm(conn)) {
		iscsi_conn_doom(conn, "too many rejected PDUs", false);
		return;
	}
	struct iscsi_out *out = iscsi_out_new(conn, ISCSI_OUT_REJECT);
	if (!out)
		return;
	memcpy(header, pdu->bhs, ISCSI_BHS_LEN);
	if (pdu->ahs_len > 0)
		memcpy(header + ISCSI_BHS_LEN, pdu->ahs, pdu->ahs_len);
	if (len > conn->params.max_send_data_segment_len)
		len = conn->params.max_send_data_segment_len;
	if (!iscsi_out_set_data(conn, out, header, len))
		return;
	out->pdu.reject.reason = reason;
	out->pdu.reject.data_sn = next_sn;
	iscsi_out_push(conn, out);
	iscsi_node_log(conn->node, ISCSI_LOG_DEBUG, "rejected %s from %s, reason 0x%02x",
		       iscsi_opcode_name(pdu->head.opcode), conn->peer, reason);
}

void iscsi_reject(struct iscsi_conn *conn, const struct iscsi_pdu *pdu, uint8_t reason)
{
	reject(conn, pdu, reason, 0);
}

void iscsi_reject_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu, uint32_t next_sn)
{
	reject(conn, pdu, ISCSI_REJECT_PROTOCOL_ERROR, next_sn);
}
