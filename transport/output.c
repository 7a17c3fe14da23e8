/*
 * The output queue: PDUs in the order they go out, turned into iovecs so that payload is sent from
 * where it lies and many PDUs leave in one writev.
 *
 * A PDU is encoded when its bytes are first asked for, and from then on stays as it is until it is
 * sent: a partial write continues with the same bytes.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/crc32c.h"
#include "transport/conn_internal.h"

#define IOVECS_PER_PDU 3 /* header, data, padding and digest */

struct iscsi_out *iscsi_out_take(struct iscsi_node *node)
{
	struct iscsi_out *out = spare_take(&node->spare_outs, sizeof(*out));

	if (out)
		out->spares = &node->spare_outs;
	return out;
}

struct iscsi_out *iscsi_out_new(struct iscsi_conn *conn, enum iscsi_out_kind kind)
{
	struct iscsi_out *out = iscsi_out_take(conn->node);

	if (!out) {
		iscsi_conn_doom(conn, "out of memory", true);
		return NULL;
	}
	out->kind = kind;
	out->header_digest = conn->params.header_digest;
	out->data_digest = conn->params.data_digest;
	out->weight = sizeof(*out);
	return out;
}

static void free_owned(struct iscsi_out *out)
{
	if (out->wire)
		iscsi_fault_wire_restore(out);
	free(out->owned);
}

void iscsi_out_free(struct iscsi_out *out)
{
	if (out->task)
		iscsi_task_unref(out->task);
	if (out->owned || out->wire)
		free_owned(out);
	spare_give(out->spares, out);
}

bool iscsi_out_set_data(struct iscsi_conn *conn, struct iscsi_out *out, const void *data,
			uint32_t len)
{
	if (len == 0)
		return true;
	out->owned = malloc(len);
	if (!out->owned) {
		iscsi_conn_doom(conn, "out of memory", true);
		iscsi_out_free(out);
		return false;
	}
	memcpy(out->owned, data, len);
	out->data = out->owned;
	out->data_len = len;
	out->weight += len;
	return true;
}

/* Does the PDU use up a StatSN (RFC 7143 4.2.2.2)? */
static bool uses_stat_sn(const struct iscsi_out *out)
{
	switch (out->kind) {
	case ISCSI_OUT_SCSI_RESPONSE:
	case ISCSI_OUT_TASK_MANAGEMENT_RESPONSE:
	case ISCSI_OUT_TEXT_RESPONSE:
	case ISCSI_OUT_LOGOUT_RESPONSE:
	case ISCSI_OUT_ASYNC_MESSAGE:
	case ISCSI_OUT_REJECT:
	case ISCSI_OUT_TASK: /* with its last PDU */
		return true;
	case ISCSI_OUT_DATA_IN:
		return out->pdu.data_in.has_status;
	case ISCSI_OUT_NOP_IN:
		return out->pdu.nop.itt != ISCSI_NO_TAG;
	case ISCSI_OUT_R2T:
	case ISCSI_OUT_INVALID:
	case ISCSI_OUT_LOGIN_RESPONSE:
	case ISCSI_OUT_DATA_AGAIN:
	case ISCSI_OUT_FAULT: /* which counts for itself */
	case ISCSI_OUT_FAULT_LATE:
		return false;
	}
	return false;
}

void iscsi_out_push(struct iscsi_conn *conn, struct iscsi_out *out)
{
	if (!conn->out_first) {
		conn->out_first = out;
		conn->sent_ms = conn->node->now_ms; /* a stall counts from here */
	} else {
		conn->out_last->next = out;
	}
	conn->out_last = out;
	conn->out_weight += out->weight;
	iscsi_memory_take(conn->node, out->weight);
	conn->stat_pending += uses_stat_sn(out) && !out->again;
	iscsi_conn_wake(conn);
}

/* RFC 7143 7.2: with recovery, what uses up a StatSN can be asked for until it is acknowledged. */
static bool is_kept(const struct iscsi_conn *conn, const struct iscsi_out *out)
{
	return conn->state == ISCSI_CONN_FULL_FEATURE && conn->params.error_recovery_level > 0 &&
	       uses_stat_sn(out) && !iscsi_sn_before(out->stat_sn, conn->acked_stat_sn);
}

/* It is out of the list already. */
static void out_leaves(struct iscsi_conn *conn, struct iscsi_out *out, bool sent)
{
	assert(conn->out_weight >= out->weight);
	conn->out_weight -= out->weight;
	iscsi_memory_give(conn->node, out->weight);
	if (!sent || !is_kept(conn, out)) {
		iscsi_out_free(out);
		return;
	}
	if (out->wire)
		iscsi_fault_wire_restore(out);
	iscsi_kept_add(conn, out);
}

static void pop_first(struct iscsi_conn *conn, bool sent)
{
	struct iscsi_out *out = conn->out_first;

	conn->out_first = out->next;
	if (!conn->out_first)
		conn->out_last = NULL;
	conn->out_sent = 0;
	out_leaves(conn, out, sent);
}

static void find_last(struct iscsi_conn *conn)
{
	conn->out_last = conn->out_first;
	while (conn->out_last && conn->out_last->next)
		conn->out_last = conn->out_last->next;
}

/* Lost on the wire, as a fault rule wants it: for us it was sent. */
static void lose(struct iscsi_conn *conn, struct iscsi_out **link)
{
	struct iscsi_out *out = *link;

	*link = out->next;
	find_last(conn);
	out_leaves(conn, out, true);
}

void iscsi_out_discard_behind(struct iscsi_conn *conn, struct iscsi_out *out)
{
	struct iscsi_out *next;

	while ((next = out->next) != NULL) {
		out->next = next->next;
		conn->stat_pending -= !next->encoded && uses_stat_sn(next) && !next->again;
		out_leaves(conn, next, false);
	}
	conn->out_last = out;
}

void iscsi_out_discard_all(struct iscsi_conn *conn)
{
	while (conn->out_first)
		pop_first(conn, false);
}

void iscsi_out_discard_tasks(struct iscsi_conn *conn)
{
	struct iscsi_out **link = &conn->out_first;

	conn->out_last = NULL;
	while (*link) {
		struct iscsi_out *out = *link;
		bool goes = !out->encoded &&
			    (out->kind == ISCSI_OUT_TASK || out->kind == ISCSI_OUT_DATA_AGAIN ||
			     out->kind == ISCSI_OUT_SCSI_RESPONSE);
		if (!goes) {
			conn->out_last = out;
			link = &out->next;
			continue;
		}
		*link = out->next;
		conn->out_weight -= out->weight;
		iscsi_memory_give(conn->node, out->weight);
		conn->stat_pending -= uses_stat_sn(out) && !out->again;
		iscsi_out_free(out);
	}
}

/* --- encoding --------------------------------------------------------------------------------- */

/* One case a PDU type: fill in the numbers, write the header. */
static void encode_header(struct iscsi_out *out, const struct iscsi_sns *sns)
{
	switch (out->kind) {
	case ISCSI_OUT_SCSI_RESPONSE:
		out->pdu.response.sns = *sns;
		iscsi_scsi_response_encode(&out->pdu.response, out->head);
		break;
	case ISCSI_OUT_DATA_IN:
		out->pdu.data_in.sns = *sns;
		iscsi_data_in_encode(&out->pdu.data_in, out->head);
		break;
	case ISCSI_OUT_R2T:
		out->pdu.r2t.sns = *sns;
		iscsi_r2t_encode(&out->pdu.r2t, out->head);
		break;
	case ISCSI_OUT_TASK_MANAGEMENT_RESPONSE:
		out->pdu.management.sns = *sns;
		iscsi_task_management_response_encode(&out->pdu.management, out->head);
		break;
	case ISCSI_OUT_TEXT_RESPONSE:
		out->pdu.text.sns = *sns;
		iscsi_text_response_encode(&out->pdu.text, out->head);
		break;
	case ISCSI_OUT_LOGOUT_RESPONSE:
		out->pdu.logout.sns = *sns;
		iscsi_logout_response_encode(&out->pdu.logout, out->head);
		break;
	case ISCSI_OUT_NOP_IN:
		out->pdu.nop.sns = *sns;
		iscsi_nop_in_encode(&out->pdu.nop, out->head);
		break;
	case ISCSI_OUT_ASYNC_MESSAGE:
		out->pdu.async.sns = *sns;
		iscsi_async_message_encode(&out->pdu.async, out->head);
		break;
	case ISCSI_OUT_REJECT:
		out->pdu.reject.sns = *sns;
		iscsi_reject_encode(&out->pdu.reject, out->head);
		break;
	case ISCSI_OUT_LOGIN_RESPONSE: /* the login wrote it */
	case ISCSI_OUT_TASK:
	case ISCSI_OUT_DATA_AGAIN:
	case ISCSI_OUT_FAULT:
	case ISCSI_OUT_FAULT_LATE:
	case ISCSI_OUT_INVALID:
		break;
	}
}

/* Digests go out least significant byte first (RFC 7143 13.1). */
static void put_digest(uint8_t *place, uint32_t crc)
{
	for (unsigned i = 0; i < ISCSI_DIGEST_LEN; i++)
		place[i] = (uint8_t)(crc >> (8 * i));
}

static void add_padding_and_digests(struct iscsi_out *out)
{
	static const uint8_t zeros[3];
	uint32_t pad = iscsi_pad(out->data_len);

	out->head_len = ISCSI_BHS_LEN;
	if (out->header_digest) {
		put_digest(out->head + ISCSI_BHS_LEN, crc32c(0, out->head, ISCSI_BHS_LEN));
		out->head_len += ISCSI_DIGEST_LEN;
	}
	out->tail_len = (uint8_t)pad;
	memset(out->tail, 0, pad);
	if (out->data_digest && out->data_len > 0) {
		uint32_t crc = out->lent ? out->lent_crc : crc32c(0, out->data, out->data_len);
		put_digest(out->tail + pad, crc32c(crc, zeros, pad));
		out->tail_len = (uint8_t)(pad + ISCSI_DIGEST_LEN);
	}
}

static void out_encode(struct iscsi_conn *conn, struct iscsi_out *out)
{
	struct iscsi_sns sns = iscsi_conn_sns(conn);

	if (out->again)
		sns.stat_sn = out->stat_sn;
	out->stat_sn = sns.stat_sn;
	encode_header(out, &sns);
	iscsi_bhs_set_lengths(out->head, out->data_len);
	if (uses_stat_sn(out) && !out->again) {
		conn->stat_sn++;
		conn->stat_pending--;
	}
	add_padding_and_digests(out);
	out->encoded = true;
}

/* The same where somebody minds. False: a fault rule wants it lost on the wire. */
static bool out_encode_attended(struct iscsi_conn *conn, struct iscsi_out *out)
{
	if (!conn->fault || !iscsi_fault_write(conn, out)) {
		out_encode(conn, out);
		iscsi_attend_sent(conn, out);
	}
	return !out->wire || !iscsi_fault_is_lost(out);
}

/* The PDU that the entry is next; a TASK entry gives birth to its PDUs one by one. NULL without
 * memory. */
static struct iscsi_out *unfold(struct iscsi_conn *conn, struct iscsi_out **link)
{
	struct iscsi_out *out = *link;

	if (out->kind != ISCSI_OUT_TASK && out->kind != ISCSI_OUT_DATA_AGAIN)
		return out;
	out = out->kind == ISCSI_OUT_TASK ? iscsi_task_next_pdu(conn, out)
					  : iscsi_task_next_again(conn, out);
	if (out && out != *link) {
		/* The queue grows by the entry itself; its data was counted before. */
		out->next = *link;
		*link = out;
	}
	return out;
}

/* Of data that are sent from where they lie: what is written there later is not sent (lent.c). */
static bool digest_lent(struct iscsi_conn *conn, struct iscsi_out *out)
{
	return iscsi_lent_find(conn, out) &&
	       (target_data_in_crc32c(&out->task->scsi, out->pdu.data_in.offset, out->data_len,
				      &out->lent_crc) ||
		iscsi_lent_keep(conn, out));
}

/* The next PDU that goes, from `*link` on, encoded. NULL: there is none, or no memory. */
static struct iscsi_out *prepare(struct iscsi_conn *conn, struct iscsi_out **link)
{
	while (*link) {
		struct iscsi_out *out = *link;

		if (out->encoded)
			return out;
		out = unfold(conn, link);
		if (!out)
			return NULL;
		if (out->lent && conn->attended && !iscsi_lent_keep(conn, out))
			return NULL;
		if (out->lent && out->data_digest && !digest_lent(conn, out))
			return NULL;
		if (!conn->attended) {
			out_encode(conn, out);
			return out;
		}
		if (out_encode_attended(conn, out))
			return out;
		lose(conn, link);
	}
	return NULL;
}

/* --- iovecs ----------------------------------------------------------------------------------- */

/* Adds what lies behind the first *skip bytes. */
static int add_iovec(struct iovec *iov, int count, const uint8_t *bytes, size_t len, size_t *skip)
{
	if (*skip >= len) {
		*skip -= len;
		return count;
	}
	/* iovecs are shared by readv and writev, so their pointer is not const; nothing is written
	 * through this one. */
	iov[count].iov_base = (void *)(bytes + *skip);
	iov[count].iov_len = len - *skip;
	*skip = 0;
	return count + 1;
}

int iscsi_out_gather(struct iscsi_conn *conn, struct iovec *iov, int max)
{
	struct iscsi_out **link = &conn->out_first;
	size_t skip = conn->out_sent;
	int count = 0;

	assert(max >= IOVECS_PER_PDU);
	while (count + IOVECS_PER_PDU <= max) {
		struct iscsi_out *out = prepare(conn, link);
		if (!out)
			break;
		if (out->lent && !iscsi_lent_find(conn, out))
			break;
		count = add_iovec(iov, count, out->head, out->head_len, &skip);
		count = add_iovec(iov, count, out->data, out->data_len, &skip);
		count = add_iovec(iov, count, out->tail, out->tail_len, &skip);
		link = &out->next;
	}
	return count;
}

static size_t out_len(const struct iscsi_out *out)
{
	return (size_t)out->head_len + out->data_len + out->tail_len;
}

void iscsi_out_consume(struct iscsi_conn *conn, size_t n)
{
	conn->out_sent += n;
	if (conn->attended)
		iscsi_attend_consumed(conn, n);
	while (conn->out_first && conn->out_first->encoded &&
	       conn->out_sent >= out_len(conn->out_first)) {
		size_t rest = conn->out_sent - out_len(conn->out_first);
		pop_first(conn, true);
		conn->out_sent = rest;
	}
	if (!conn->out_first)
		conn->out_sent = 0;
	if (conn->session && conn->session->readers)
		iscsi_read_room_pass_on(conn->session);
}
