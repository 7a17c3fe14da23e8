/*
 * SNACK (RFC 7143 11.16): what the initiator did not get is sent again.
 *
 * Data is cut anew from the task, at the same places; a response that was sent before goes out once
 * more with its StatSN.
 */
#include <string.h>

#include "transport/conn_internal.h"

enum snack_type {
	SNACK_DATA_OR_R2T = 0,
	SNACK_STATUS = 1,
	SNACK_DATA_ACK = 2,
	SNACK_R_DATA = 3,
};

/* A run of sequence numbers; `end` lies behind the last. */
struct run {
	uint32_t first, end;
};

/* RunLength 0: to the end; both 0: all that are not acknowledged. False: some were acknowledged, or
 * were never sent. */
static bool run_take(const struct iscsi_snack_request *snack, uint32_t acked, uint32_t next,
		     struct run *ret)
{
	struct run run = {snack->beg_run, snack->beg_run + snack->run_len};

	if (snack->beg_run == 0 && snack->run_len == 0)
		run.first = acked;
	if (snack->run_len == 0)
		run.end = next;
	if (iscsi_sn_before(run.first, acked) || iscsi_sn_before(next, run.end) ||
	    !iscsi_sn_before(run.first, run.end))
		return false;
	*ret = run;
	return true;
}

static bool run_has(const struct run *run, uint32_t sn)
{
	return !iscsi_sn_before(sn, run->first) && iscsi_sn_before(sn, run->end);
}

uint8_t iscsi_snack_check(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	(void)pdu;

	/* ErrorRecoveryLevel 0 keeps nothing that could be sent again. */
	return conn->params.error_recovery_level > 0 ? 0 : ISCSI_REJECT_SNACK;
}

/* --- status ----------------------------------------------------------------------------------- */

static void send_again(struct iscsi_conn *conn, struct iscsi_out *kept)
{
	struct iscsi_out *out = iscsi_kept_take(conn, kept);

	out->encoded = false;
	out->again = true;
	iscsi_out_push(conn, out);
}

/* In the queue already, with a number: it comes by itself. */
static bool is_queued(const struct iscsi_conn *conn, const struct run *run)
{
	for (const struct iscsi_out *out = conn->out_first; out; out = out->next)
		if ((out->encoded || out->again) && run_has(run, out->stat_sn))
			return true;
	return false;
}

static void snack_status(struct iscsi_conn *conn, const struct iscsi_pdu *pdu,
			 const struct iscsi_snack_request *snack)
{
	struct run run;
	bool found = false;

	if (!run_take(snack, conn->acked_stat_sn, conn->stat_sn, &run)) {
		/* "All" of nothing is no error: it crossed what it asks for. */
		if (snack->beg_run != 0 || snack->run_len != 0)
			iscsi_reject(conn, pdu, ISCSI_REJECT_PROTOCOL_ERROR);
		return;
	}
	for (struct iscsi_out *out = conn->kept_first, *next; out; out = next) {
		next = out->next;
		if (!run_has(&run, out->stat_sn))
			continue;
		send_again(conn, out);
		found = true;
	}
	if (!found && !is_queued(conn, &run))
		iscsi_reject(conn, pdu, ISCSI_REJECT_SNACK); /* limits.unacked_max */
}

/* --- data ------------------------------------------------------------------------------------- */

static struct iscsi_out *entry_in(struct iscsi_out *list, uint32_t itt)
{
	for (struct iscsi_out *out = list; out; out = out->next)
		if (out->task && out->task->itt == itt && out->task->scsi.data_in_len > 0 &&
		    (out->kind == ISCSI_OUT_TASK || out->kind == ISCSI_OUT_SCSI_RESPONSE))
			return out;
	return NULL;
}

/* The entry of an answered task with data: it is being sent, or is kept. */
static struct iscsi_out *entry_of(const struct iscsi_conn *conn, uint32_t itt)
{
	struct iscsi_out *out = entry_in(conn->out_first, itt);

	return out ? out : entry_in(conn->kept_first, itt);
}

static uint32_t offset_of(const struct iscsi_conn *conn, const struct iscsi_task *task, uint32_t sn)
{
	uint32_t offset = task->acked_offset;

	for (uint32_t at = task->acked_data_sn; at != sn; at++)
		offset += iscsi_task_segment_len(conn, task, offset);
	return offset;
}

static void snack_data(struct iscsi_conn *conn, const struct iscsi_pdu *pdu,
		       const struct iscsi_snack_request *snack, struct iscsi_task *task)
{
	struct run run;

	if (!run_take(snack, task->acked_data_sn, task->data_sn, &run)) {
		iscsi_reject_run(conn, pdu, task->data_sn);
		return;
	}
	/* RFC 7143 11.16.1: when the limit has changed, only an R-Data SNACK will do. */
	if (task->segment_max > conn->params.max_send_data_segment_len) {
		iscsi_reject(conn, pdu, ISCSI_REJECT_SNACK);
		return;
	}
	struct iscsi_out *out = iscsi_out_new(conn, ISCSI_OUT_DATA_AGAIN);
	if (!out)
		return;
	out->task = task;
	task->refs++;
	out->at_sn = run.first;
	out->at_offset = offset_of(conn, task, run.first);
	out->end_sn = run.end;
	out->weight += task->scsi.data_in_len - out->at_offset;
	iscsi_out_push(conn, out);
}

/* R2Ts that were answered count as acknowledged. */
static void snack_r2t(struct iscsi_conn *conn, const struct iscsi_pdu *pdu,
		      const struct iscsi_snack_request *snack, struct iscsi_task *task)
{
	struct run run;
	bool found = false;

	if (!run_take(snack, 0, task->r2t_sn, &run)) {
		iscsi_reject_run(conn, pdu, task->r2t_sn);
		return;
	}
	for (uint32_t i = 0; i < task->r2t_slots; i++) {
		if (!task->r2ts[i].open || !run_has(&run, task->r2ts[i].r2t_sn))
			continue;
		iscsi_r2t_repeat(task, &task->r2ts[i]);
		found = true;
	}
	if (!found)
		iscsi_reject_run(conn, pdu, task->r2t_sn);
}

static void snack_data_or_r2t(struct iscsi_conn *conn, const struct iscsi_pdu *pdu,
			      const struct iscsi_snack_request *snack)
{
	struct iscsi_task *task = iscsi_session_find_task(conn->session, snack->itt);
	const struct iscsi_out *entry = entry_of(conn, snack->itt);

	if (task && task->conn == conn && task->write)
		snack_r2t(conn, pdu, snack, task);
	else if (entry)
		snack_data(conn, pdu, snack, entry->task);
	else
		iscsi_reject_run(conn, pdu, 0);
}

static void snack_data_ack(struct iscsi_conn *conn, const struct iscsi_pdu *pdu,
			   const struct iscsi_snack_request *snack)
{
	const struct iscsi_out *entry = entry_of(conn, snack->itt);
	struct iscsi_task *task = entry ? entry->task : NULL;

	if (!task || snack->ttt != task->ack_ttt ||
	    memcmp(snack->lun, task->scsi.lun_bytes, sizeof(snack->lun)) != 0 ||
	    iscsi_sn_before(task->data_sn, snack->beg_run)) {
		iscsi_reject(conn, pdu, ISCSI_REJECT_INVALID_DATA_ACK);
		return;
	}
	if (!iscsi_sn_before(task->acked_data_sn, snack->beg_run))
		return; /* an old one */
	task->acked_offset = offset_of(conn, task, snack->beg_run);
	task->acked_data_sn = snack->beg_run;
}

void iscsi_task_resume_data(struct iscsi_conn *conn, struct iscsi_task *task, uint32_t exp_data_sn)
{
	if (exp_data_sn != 0 && !iscsi_sn_before(exp_data_sn, task->acked_data_sn) &&
	    !iscsi_sn_before(task->data_sn, exp_data_sn)) {
		task->acked_offset = offset_of(conn, task, exp_data_sn);
		task->acked_data_sn = exp_data_sn;
	}
	task->in_sent = task->acked_offset;
	task->data_sn = task->acked_data_sn;
	task->segment_max = conn->params.max_send_data_segment_len;
}

/* Everything that is not acknowledged, cut anew, and the status behind it. */
static void begin_anew(struct iscsi_conn *conn, struct iscsi_out *entry, uint32_t snack_tag)
{
	struct iscsi_task *task = entry->task;

	entry->weight += task->in_sent - task->acked_offset;
	task->in_sent = task->acked_offset;
	task->data_sn = task->acked_data_sn;
	task->segment_max = conn->params.max_send_data_segment_len;
	task->snack_tag = snack_tag;
	entry->kind = ISCSI_OUT_TASK;
}

static bool is_being_repeated(const struct iscsi_conn *conn, uint32_t itt)
{
	for (const struct iscsi_out *out = conn->out_first; out; out = out->next)
		if (out->kind == ISCSI_OUT_DATA_AGAIN && out->task->itt == itt)
			return true;
	return false;
}

static void snack_r_data(struct iscsi_conn *conn, const struct iscsi_pdu *pdu,
			 const struct iscsi_snack_request *snack)
{
	struct iscsi_out *queued = entry_in(conn->out_first, snack->itt);
	struct iscsi_out *kept = entry_in(conn->kept_first, snack->itt);

	if (snack->ttt == 0 || snack->ttt == ISCSI_NO_TAG) {
		iscsi_reject(conn, pdu, ISCSI_REJECT_INVALID_PDU_FIELD);
	} else if (is_being_repeated(conn, snack->itt)) {
		iscsi_reject(conn, pdu, ISCSI_REJECT_SNACK); /* its cuts still hold */
	} else if (queued && !queued->encoded) {
		conn->out_weight -= queued->weight;
		iscsi_memory_give(conn->node, queued->weight);
		begin_anew(conn, queued, snack->ttt);
		conn->out_weight += queued->weight;
		iscsi_memory_take(conn->node, queued->weight);
	} else if (kept) {
		kept = iscsi_kept_take(conn, kept);
		kept->encoded = false;
		kept->again = true;
		kept->data = NULL;
		kept->data_len = 0;
		kept->weight = sizeof(*kept);
		begin_anew(conn, kept, snack->ttt);
		iscsi_out_push(conn, kept);
	} else {
		/* Half of its status is on the wire, or it is gone. */
		iscsi_reject(conn, pdu, ISCSI_REJECT_SNACK);
	}
}

void iscsi_snack_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	struct iscsi_snack_request snack;

	iscsi_snack_request_decode(pdu->bhs, &snack);
	switch (snack.type) {
	case SNACK_DATA_OR_R2T:
		snack_data_or_r2t(conn, pdu, &snack);
		break;
	case SNACK_STATUS:
		snack_status(conn, pdu, &snack);
		break;
	case SNACK_DATA_ACK:
		snack_data_ack(conn, pdu, &snack);
		break;
	case SNACK_R_DATA:
		snack_r_data(conn, pdu, &snack);
		break;
	default:
		iscsi_reject(conn, pdu, ISCSI_REJECT_INVALID_PDU_FIELD);
	}
}
