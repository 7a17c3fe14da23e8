/*
 * PDUs of faults as bytes, and what goes in place of a PDU.
 */
#include <stdlib.h>
#include <string.h>

#include "pr_engine/crc32c.h"
#include "transport/fault_internal.h"

/* Where `len` more go; NULL: no memory. */
static uint8_t *bytes_grow(struct fault_bytes *bytes, size_t len)
{
	if (len > bytes->cap - bytes->len) {
		size_t cap = bytes->cap + len > 2 * bytes->cap ? bytes->cap + len : 2 * bytes->cap;
		uint8_t *grown = cap > bytes->cap ? realloc(bytes->p, cap) : NULL;

		if (!grown) {
			bytes->failed = true;
			return NULL;
		}
		bytes->p = grown;
		bytes->cap = cap;
	}
	bytes->len += len;
	return bytes->p + bytes->len - len;
}

void fault_bytes_add(struct fault_bytes *bytes, const void *p, size_t len)
{
	uint8_t *place = bytes->failed || len == 0 ? NULL : bytes_grow(bytes, len);

	if (place)
		memcpy(place, p, len);
}

void fault_bytes_fill(struct fault_bytes *bytes, uint8_t fill, size_t len)
{
	uint8_t *place = bytes->failed || len == 0 ? NULL : bytes_grow(bytes, len);

	if (place)
		memset(place, fill, len);
}

/* Least significant byte first (RFC 7143 13.1). */
static void add_digest(struct fault_bytes *bytes, uint32_t crc, bool spoil)
{
	uint8_t digest[ISCSI_DIGEST_LEN];

	for (unsigned i = 0; i < ISCSI_DIGEST_LEN; i++)
		digest[i] = (uint8_t)(crc >> (8 * i));
	if (spoil)
		digest[0] ^= 0xff;
	fault_bytes_add(bytes, digest, sizeof(digest));
}

void fault_bytes_add_pdu(struct fault_bytes *bytes, const uint8_t *bhs, const uint8_t *data,
			 uint32_t len, const struct fault_pdu_format *format)
{
	static const uint8_t zeros[3];
	uint32_t pad = iscsi_pad(len);

	fault_bytes_add(bytes, bhs, ISCSI_BHS_LEN);
	if (format->header_digest)
		add_digest(bytes, crc32c(0, bhs, ISCSI_BHS_LEN), format->spoil_header);
	fault_bytes_add(bytes, data, len);
	fault_bytes_add(bytes, zeros, pad);
	if (format->data_digest && len > 0)
		add_digest(bytes, crc32c(crc32c(0, data, len), zeros, pad), format->spoil_data);
}

/* As an entry of the queue would have it: that is what observer and trace look at. */
void fault_show(struct iscsi_conn *conn, const struct fault_bytes *bytes, size_t from,
		uint32_t data_len, const struct fault_pdu_format *format)
{
	struct iscsi_out out = {.header_digest = format->header_digest,
				.data_digest = format->data_digest};
	const uint8_t *at = bytes->p + from;

	if (bytes->failed)
		return;
	out.head_len = ISCSI_BHS_LEN + (format->header_digest ? ISCSI_DIGEST_LEN : 0);
	memcpy(out.head, at, out.head_len);
	out.data = at + out.head_len;
	out.data_len = data_len;
	out.tail_len = (uint8_t)(bytes->len - from - out.head_len - data_len);
	memcpy(out.tail, out.data + data_len, out.tail_len);
	if (conn->watch)
		iscsi_observe_sent(conn, &out);
	if (iscsi_trace_wants_pdus(conn))
		iscsi_trace_sent(conn, &out);
}

bool fault_wire_put(struct iscsi_conn *conn, struct iscsi_out *out, const struct fault_bytes *bytes,
		    uint32_t piece, uint32_t pause_ms)
{
	struct iscsi_fault_wire *wire = bytes->failed || bytes->len > UINT32_MAX
						? NULL
						: malloc(sizeof(*wire) + bytes->len);

	if (!wire) {
		iscsi_conn_doom(conn, "out of memory", true);
		return false;
	}
	*wire = (struct iscsi_fault_wire){
		.data = out->data,
		.data_len = out->data_len,
		.head_len = out->head_len,
		.tail_len = out->tail_len,
		.piece = piece,
		.pause_ms = pause_ms,
	};
	if (bytes->len > 0)
		memcpy(wire->bytes, bytes->p, bytes->len);
	out->wire = wire;
	out->head_len = out->tail_len = 0;
	out->data = wire->bytes;
	out->data_len = (uint32_t)bytes->len;
	return true;
}

/* What the entry was; recovery may send it again, as it should have been. */
void iscsi_fault_wire_restore(struct iscsi_out *out)
{
	struct iscsi_fault_wire *wire = out->wire;

	out->data = wire->data;
	out->data_len = wire->data_len;
	out->head_len = wire->head_len;
	out->tail_len = wire->tail_len;
	out->wire = NULL;
	free(wire->insert);
	free(wire);
}

bool iscsi_fault_is_lost(const struct iscsi_out *out)
{
	return out->encoded && out->data_len == 0;
}

/* --- how much goes at a time ------------------------------------------------------------------ */

static int cut(struct iovec *iov, int count, size_t max)
{
	for (int i = 0; i < count; i++) {
		if (iov[i].iov_len >= max) {
			iov[i].iov_len = max;
			return max > 0 ? i + 1 : i;
		}
		max -= iov[i].iov_len;
	}
	return count;
}

static size_t entry_len(const struct iscsi_out *out)
{
	return (size_t)out->head_len + out->data_len + out->tail_len;
}

/* Bytes up to the first place where a piece ends. */
static size_t until_piece_ends(const struct iscsi_conn *conn)
{
	size_t len = 0, sent = conn->out_sent;

	for (const struct iscsi_out *out = conn->out_first; out && out->encoded; out = out->next) {
		if (out->wire && out->wire->piece > 0) {
			size_t left = entry_len(out) - sent;
			size_t piece = out->wire->piece - sent % out->wire->piece;

			/* What stands before it goes by itself. */
			return len > 0 ? len : piece < left ? piece : left;
		}
		len += entry_len(out) - sent;
		sent = 0;
	}
	return SIZE_MAX;
}

/* Bytes that a narrow line takes now; 0: none before quiet_until_ms. */
static size_t narrow_room(struct iscsi_conn *conn)
{
	struct iscsi_fault_state *state = conn->fault;
	uint64_t now_ms = conn->node->now_ms;
	uint64_t most = state->rate * FAULT_BURST_MS; /* thousandths of bytes */

	if (most < FAULT_BURST_MIN * 1000)
		most = FAULT_BURST_MIN * 1000;
	uint64_t elapsed_ms = now_ms - state->tokens_ms;
	if (elapsed_ms > most / state->rate)
		state->tokens = most;
	else
		state->tokens += elapsed_ms * state->rate;
	if (state->tokens > most)
		state->tokens = most;
	state->tokens_ms = now_ms;
	if (state->tokens < 1000)
		state->quiet_until_ms = now_ms + (1000 - state->tokens) / state->rate + 1;
	return state->tokens / 1000;
}

int iscsi_fault_shape(struct iscsi_conn *conn, struct iovec *iov, int count)
{
	struct iscsi_fault_state *state = conn->fault;

	if (count == 0 || state->mute.on || state->quiet_until_ms > conn->node->now_ms)
		return 0;
	size_t max = until_piece_ends(conn);
	if (state->narrow) {
		size_t room = narrow_room(conn);
		max = room < max ? room : max;
	}
	if (state->is_limited && state->limit < max)
		max = (size_t)state->limit;
	return max == SIZE_MAX ? count : cut(iov, count, max);
}

void iscsi_fault_consumed(struct iscsi_conn *conn, size_t n)
{
	struct iscsi_fault_state *state = conn->fault;
	const struct iscsi_out *out = conn->out_first;

	if (out && out->wire && out->wire->piece > 0 && out->wire->pause_ms > 0)
		state->quiet_until_ms = conn->node->now_ms + out->wire->pause_ms;
	if (state->narrow)
		state->tokens -= n * 1000 < state->tokens ? n * 1000 : state->tokens;
	if (!state->is_limited)
		return;
	state->limit -= n < state->limit ? n : state->limit;
	if (state->limit == 0 && state->limit_then != FAULT_THEN_NOTHING)
		fault_close(conn, state->limit_then, true);
}
