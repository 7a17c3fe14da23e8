/*
 * A connection's input: where bytes go, and the PDUs that they become.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "transport/conn_internal.h"

static bool is_reading(const struct iscsi_conn *conn)
{
	return (conn->state == ISCSI_CONN_LOGIN || conn->state == ISCSI_CONN_FULL_FEATURE) &&
	       conn->stops == 0;
}

/* A peer that does not take its answers gets no new questions in. */
bool iscsi_conn_is_held_back(const struct iscsi_conn *conn)
{
	return conn->out_weight > conn->node->config.limits.send_queue_max;
}

/*
 * How much is received into the buffer. Commands and small data come by the dozen; of long data as
 * little as may be, since the rest of a segment is received straight into its place.
 */
static size_t input_room(const struct iscsi_conn *conn)
{
	if (conn->state == ISCSI_CONN_LOGIN)
		return sizeof(conn->login_input);
	return conn->framer.data_len >= ISCSI_DATA_LONG ? ISCSI_INPUT_LONG : ISCSI_NODE_INPUT;
}

/* What a login left in its own buffer is taken by now. */
int iscsi_conn_input(struct iscsi_conn *conn, struct iovec iov[2])
{
	uint8_t *place;
	int count = 0;

	if (!is_reading(conn) || iscsi_conn_is_held_back(conn))
		return 0;
	if (conn->state == ISCSI_CONN_FULL_FEATURE)
		conn->input = conn->node->input;
	size_t direct = iscsi_framer_direct(&conn->framer, &place);
	if (direct > 0)
		iov[count++] = (struct iovec){.iov_base = place, .iov_len = direct};
	iov[count++] = (struct iovec){.iov_base = conn->input, .iov_len = input_room(conn)};
	return count;
}

static struct iscsi_pdu framed_pdu(const struct iscsi_framer *framer)
{
	struct iscsi_pdu pdu = {
		.bhs = framer->bhs,
		.ahs = framer->ahs,
		.data = framer->data,
		.ahs_len = framer->ahs_len,
		.data_len = framer->data_len,
	};

	iscsi_bhs_decode(framer->bhs, &pdu.head);
	return pdu;
}

static void take_header(struct iscsi_conn *conn)
{
	struct iscsi_bhs head;

	iscsi_bhs_decode(conn->framer.bhs, &head);
	if (conn->state != ISCSI_CONN_FULL_FEATURE || head.opcode != ISCSI_DATA_OUT)
		return;
	uint8_t *place = iscsi_data_out_place(conn, conn->framer.bhs, conn->framer.data_len);
	if (place)
		iscsi_framer_place(&conn->framer, place);
}

void iscsi_conn_take_pdu(struct iscsi_conn *conn, const struct iscsi_pdu *pdu, bool data_is_sound)
{
	if (conn->state == ISCSI_CONN_LOGIN)
		iscsi_login_phase_take(conn, pdu);
	else if (data_is_sound)
		iscsi_dispatch(conn, pdu);
	else
		iscsi_dispatch_digest_error(conn, pdu);
}

/* While this PDU is taken, what the next one asks for can be on its way. */
static void look_ahead(const struct iscsi_conn *conn)
{
	const uint8_t *next = conn->input + conn->input_at;

	if (conn->input_end - conn->input_at >= ISCSI_BHS_LEN && conn->session &&
	    conn->session->nexus && iscsi_bhs_is_command(next))
		target_expect(conn->session->nexus, iscsi_bhs_lun(next), iscsi_bhs_cdb(next));
}

static void take_pdu(struct iscsi_conn *conn, enum iscsi_frame_event event)
{
	struct iscsi_pdu pdu = framed_pdu(&conn->framer);

	look_ahead(conn);
	if (!conn->attended || iscsi_attend_received(conn, event, &pdu))
		iscsi_conn_take_pdu(conn, &pdu, event == ISCSI_FRAME_PDU);
	iscsi_conn_stop_receiving(conn);
}

static void take_event(struct iscsi_conn *conn, enum iscsi_frame_event event)
{
	switch (event) {
	case ISCSI_FRAME_HEADER:
		take_header(conn);
		break;
	case ISCSI_FRAME_PDU:
	case ISCSI_FRAME_DATA_DIGEST:
		take_pdu(conn, event);
		break;
	case ISCSI_FRAME_HEADER_DIGEST:
		iscsi_attend_event(conn, event);
		conn->node->counters.digest_errors++;
		iscsi_conn_doom(conn, "header digest error", false);
		break;
	case ISCSI_FRAME_TOO_LONG:
		iscsi_attend_event(conn, event);
		conn->node->counters.format_errors++;
		iscsi_conn_doom(conn, "data segment longer than declared", false);
		break;
	case ISCSI_FRAME_NO_MEMORY:
		iscsi_conn_doom(conn, "out of memory", true);
		break;
	case ISCSI_FRAME_MORE:
		break;
	}
}

void iscsi_conn_process(struct iscsi_conn *conn)
{
	/* One piece of input can hold hundreds of commands: when the answers of the first fill the
	 * queue, the others wait where they are. */
	while (is_reading(conn) && !iscsi_conn_is_held_back(conn)) {
		const uint8_t *at = conn->input + conn->input_at;
		size_t left = conn->input_end - conn->input_at;
		enum iscsi_frame_event event = iscsi_framer_next(&conn->framer, &at, &left);

		conn->input_at = conn->input_end - left;
		if (event == ISCSI_FRAME_MORE)
			return;
		take_event(conn, event);
	}
}

/* The node's buffer is everybody's: what is left in it waits in memory of its own. */
static void keep_rest(struct iscsi_conn *conn)
{
	size_t len = conn->input_end - conn->input_at;
	uint8_t *rest = malloc(len);

	if (!rest) {
		iscsi_conn_doom(conn, "out of memory", true);
		return;
	}
	memcpy(rest, conn->input + conn->input_at, len);
	free(conn->rest);
	conn->rest = rest;
	conn->input = rest;
	conn->input_at = 0;
	conn->input_end = len;
}

void iscsi_conn_received(struct iscsi_conn *conn, size_t n, uint64_t now_ms)
{
	uint8_t *place;

	iscsi_conn_enter(conn, now_ms);
	if (conn->node->config.trace)
		trace_tick(conn->node->config.trace);
	conn->received_ms = conn->node->now_ms;
	if (is_reading(conn)) {
		size_t direct = iscsi_framer_direct(&conn->framer, &place);
		if (direct > n)
			direct = n;
		if (direct > 0)
			iscsi_framer_landed(&conn->framer, direct);
		assert(n - direct <= input_room(conn));
		conn->input_at = 0;
		conn->input_end = n - direct;
		iscsi_conn_process(conn);
		if (conn->input_at < conn->input_end && conn->input == conn->node->input)
			keep_rest(conn);
	}
	iscsi_conn_leave(conn);
}
