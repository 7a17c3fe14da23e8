/*
 * What connections tell the trace: that they come and go, who logs in, and their PDUs.
 */
#include <stdio.h>
#include <string.h>

#include "pr_engine/crc32c.h"
#include "transport/conn_internal.h"
#include "transport/observer.h"

static struct trace_ring *ring_of(const struct iscsi_conn *conn)
{
	return conn->node->config.trace;
}

/* ---- coming and going ------------------------------------------------------------------------ */

static void tell(const struct iscsi_conn *conn, enum trace_connection code, const char *text)
{
	struct trace_note note = {.tag = TRACE_NO_TAG, .lun = TRACE_NO_LUN, .code = (uint16_t)code};

	trace_put_note(ring_of(conn), TRACE_CONNECTION, conn->who, &note, text);
}

void iscsi_trace_open(struct iscsi_conn *conn)
{
	struct trace_ring *ring = ring_of(conn);
	char addresses[2 * ISCSI_ADDRESS_MAX + 16];

	if (!ring)
		return;
	trace_tick(ring);
	conn->who = trace_who_add(ring);
	trace_who_address(ring, conn->who, conn->peer, conn->local_address);
	snprintf(addresses, sizeof(addresses), "opened: %s to %s", conn->peer, conn->local_address);
	tell(conn, TRACE_CONNECTION_OPENED, addresses);
}

void iscsi_trace_close(struct iscsi_conn *conn)
{
	if (!ring_of(conn))
		return;
	tell(conn, TRACE_CONNECTION_CLOSED, "closed");
	trace_who_remove(ring_of(conn), conn->who);
}

static void set_name(const struct iscsi_conn *conn)
{
	const struct iscsi_session *session = conn->session;
	const struct iscsi_login *login = conn->login;
	struct pr_nexus_id id = {0};

	if (session) {
		trace_who_name(ring_of(conn), conn->who, &session->id,
			       session->target ? scsi_target_name(session->target) : NULL);
	} else if (login && login->initiator_name[0] != '\0') {
		memcpy(id.initiator_name, login->initiator_name, sizeof(id.initiator_name));
		memcpy(id.isid, login->isid, sizeof(id.isid));
		id.relative_target_port_id = conn->portal->portal_group_tag;
		trace_who_name(ring_of(conn), conn->who, &id, login->target_name);
	}
}

void iscsi_trace_told(const struct iscsi_conn *conn, const char *what, const char *why)
{
	char text[TRACE_NOTE_MAX];

	if (!ring_of(conn))
		return;
	trace_tick(ring_of(conn));
	set_name(conn);
	snprintf(text, sizeof(text), "%s%s%s", what, why ? ": " : "", why ? why : "");
	tell(conn, TRACE_CONNECTION_TOLD, text);
}

/* ---- PDUs ------------------------------------------------------------------------------------ */

/* The parts of a PDU as they are on the wire. */
struct part {
	const uint8_t *bytes;
	uint32_t len;
};

#define PARTS_MAX 5

static void capture(const struct iscsi_conn *conn, struct trace_ring *ring, uint8_t flags,
		    uint32_t snap_len, const struct part parts[PARTS_MAX])
{
	struct trace_whole_pdu *whole;
	uint32_t wire_len = 0, at = 0;

	for (unsigned i = 0; i < PARTS_MAX; i++)
		wire_len += parts[i].len;
	uint32_t kept_len = wire_len < snap_len ? wire_len : snap_len;
	ring->now_ns = ring_of(conn)->now_ns;
	whole = trace_take(ring, TRACE_PDU, (uint8_t)(flags | TRACE_PDU_WHOLE), conn->who,
			   (uint32_t)sizeof(*whole) + kept_len);
	if (!whole)
		return;
	whole->wire_len = wire_len;
	whole->kept_len = kept_len;
	for (unsigned i = 0; i < PARTS_MAX && at < kept_len; i++) {
		uint32_t len = parts[i].len < kept_len - at ? parts[i].len : kept_len - at;

		if (len > 0)
			memcpy(whole->bytes + at, parts[i].bytes, len);
		at += len;
	}
}

/* The digest that came, right or wrong: only a wrong one is still there. */
static void header_digest(const struct iscsi_framer *framer, bool bad, uint8_t ret_digest[4])
{
	uint32_t crc = crc32c(0, framer->bhs, ISCSI_BHS_LEN);

	crc = crc32c(crc, framer->ahs, framer->ahs_len);
	for (unsigned i = 0; i < ISCSI_DIGEST_LEN; i++)
		ret_digest[i] = (uint8_t)(bad ? framer->tail[i] : crc >> (8 * i));
}

static void capture_received(const struct iscsi_conn *conn, struct trace_ring *ring, uint8_t flags,
			     uint32_t snap_len, bool is_whole)
{
	const struct iscsi_framer *framer = &conn->framer;
	uint8_t digest[ISCSI_DIGEST_LEN];
	uint32_t data_len = is_whole ? framer->data_len : 0;
	uint32_t tail_len = iscsi_pad(data_len);

	if (framer->data_digest && data_len > 0)
		tail_len += ISCSI_DIGEST_LEN;
	header_digest(framer, (flags & TRACE_PDU_BAD_HEADER) != 0, digest);
	capture(conn, ring, flags, snap_len,
		(struct part[PARTS_MAX]){
			{framer->bhs, ISCSI_BHS_LEN},
			{framer->ahs, framer->ahs_len},
			{digest, framer->header_digest ? ISCSI_DIGEST_LEN : 0},
			{framer->data, data_len},
			{framer->tail, data_len > 0 ? tail_len : 0},
		});
}

static uint8_t received_flags(const struct iscsi_framer *framer, enum iscsi_frame_event event)
{
	unsigned flags = 0;

	if (framer->header_digest)
		flags |= TRACE_PDU_HEADER_DIGEST;
	if (framer->data_digest)
		flags |= TRACE_PDU_DATA_DIGEST;
	if (event == ISCSI_FRAME_HEADER_DIGEST)
		flags |= TRACE_PDU_BAD_HEADER;
	if (event == ISCSI_FRAME_DATA_DIGEST)
		flags |= TRACE_PDU_BAD_DATA;
	if (event == ISCSI_FRAME_TOO_LONG)
		flags |= TRACE_PDU_TOO_LONG;
	return (uint8_t)flags;
}

void iscsi_trace_received(struct iscsi_conn *conn, enum iscsi_frame_event event)
{
	const struct iscsi_framer *framer = &conn->framer;
	bool is_whole = event == ISCSI_FRAME_PDU || event == ISCSI_FRAME_DATA_DIGEST;
	uint32_t snap_len;

	if (event == ISCSI_FRAME_HEADER || event == ISCSI_FRAME_MORE ||
	    event == ISCSI_FRAME_NO_MEMORY)
		return;
	uint8_t flags = received_flags(framer, event);
	trace_put(ring_of(conn), TRACE_PDU, flags, conn->who, framer->bhs, ISCSI_BHS_LEN);
	struct trace_ring *captured = trace_ring_captured(ring_of(conn), &snap_len);
	if (captured)
		capture_received(conn, captured, flags, snap_len, is_whole);
}

void iscsi_trace_sent(struct iscsi_conn *conn, const struct iscsi_out *out)
{
	unsigned flags = TRACE_PDU_OUT;
	uint32_t snap_len;

	/* What it answers may have come from another loop meanwhile. */
	trace_tick(ring_of(conn));
	if (out->header_digest)
		flags |= TRACE_PDU_HEADER_DIGEST;
	if (out->data_digest)
		flags |= TRACE_PDU_DATA_DIGEST;
	trace_put(ring_of(conn), TRACE_PDU, (uint8_t)flags, conn->who, out->head, ISCSI_BHS_LEN);
	struct trace_ring *captured = trace_ring_captured(ring_of(conn), &snap_len);
	if (captured)
		capture(conn, captured, (uint8_t)flags, snap_len,
			(struct part[PARTS_MAX]){
				{out->head, out->head_len},
				{out->data, out->data_len},
				{out->tail, out->tail_len},
			});
}

/* ---- what the observer says ------------------------------------------------------------------ */

void iscsi_trace_finding(void *context, const struct iscsi_finding *finding)
{
	const struct iscsi_conn *conn = context;
	struct trace_note note = {.tag = TRACE_NO_TAG, .lun = TRACE_NO_LUN};
	char text[TRACE_NOTE_MAX];

	snprintf(text, sizeof(text), "%s %s: expected %s, got %s",
		 iscsi_verdict_name(finding->verdict), iscsi_check_row(finding->check)->id,
		 finding->expected, finding->got);
	trace_put_note(ring_of(conn), TRACE_FINDING, conn->who, &note, text);
}
