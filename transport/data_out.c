/*
 * Write data: unsolicited Data-Out, R2T and solicited Data-Out (RFC 7143 11.7, 11.8, 4.2.5.2).
 *
 * The target is asked first, then the data: a command that the device server refuses sends no R2T.
 * What arrives before the device server has spoken is kept, at most FirstBurstLength of it.
 * A sequence that goes wrong marks the task faulted: nothing more is stored or asked for, what is
 * still announced is swallowed, and then the task fails.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "transport/conn_internal.h"

/* ABORTED COMMAND with these codes (RFC 7143 11.4.7.2). */
#define ASC_INCORRECT_AMOUNT   0x0c, 0x0d
#define ASC_UNEXPECTED_DATA    0x0c, 0x0c
#define ASC_PROTOCOL_CRC_ERROR 0x47, 0x05

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* --- the clock -------------------------------------------------------------------------------- */

static void disarm(struct iscsi_task *task)
{
	if (!task->timed)
		return;
	DL_DELETE2(task->conn->timed, task, timed_prev, timed_next);
	task->timed = false;
}

void iscsi_data_out_arm(struct iscsi_task *task)
{
	disarm(task);
	/* The newest goes last, so the first one is always the one that runs out first. */
	task->last_data_ms = task->session->node->now_ms;
	DL_APPEND2(task->conn->timed, task, timed_prev, timed_next);
	task->timed = true;
}

/* --- room for data: limits.session_data_max --------------------------------------------------- */

static void stop_waiting(struct iscsi_task *task)
{
	if (!task->waits_for_room)
		return;
	DL_DELETE2(task->session->data_waiters, task, waiter_prev, waiter_next);
	task->waits_for_room = false;
}

static void take_share(struct iscsi_task *task)
{
	task->data_share = task->scsi.data_out_len;
	task->session->data_used += task->data_share;
}

/* Someone alone always fits, so a command larger than the limit is slow, not stuck. */
static bool fits(const struct iscsi_session *session, const struct iscsi_task *task)
{
	uint64_t max = session->node->config.limits.session_data_max;

	return session->data_used == 0 || session->data_used + task->scsi.data_out_len <= max;
}

static bool has_room(struct iscsi_task *task)
{
	struct iscsi_session *session = task->session;

	if (task->data_share > 0)
		return true;
	if (task->waits_for_room)
		return false;
	if (!session->data_waiters && fits(session, task)) {
		take_share(task);
		return true;
	}
	DL_APPEND2(session->data_waiters, task, waiter_prev, waiter_next);
	task->waits_for_room = true;
	return false;
}

static void give_back_share(struct iscsi_task *task)
{
	struct iscsi_session *session = task->session;

	if (task->data_share == 0)
		return;
	session->data_used -= task->data_share;
	task->data_share = 0;
	while (session->state == ISCSI_SESSION_LIVE && session->data_waiters &&
	       fits(session, session->data_waiters)) {
		struct iscsi_task *next = session->data_waiters;
		stop_waiting(next);
		take_share(next);
		iscsi_data_out_continue(next);
	}
}

/* --- sequences -------------------------------------------------------------------------------- */

bool iscsi_data_out_expected(const struct iscsi_task *task)
{
	return task->unsolicited.open || task->r2ts_open > 0;
}

static struct iscsi_burst *burst_find(struct iscsi_task *task, uint32_t ttt)
{
	if (ttt == ISCSI_NO_TAG)
		return task->unsolicited.open ? &task->unsolicited : NULL;
	for (uint32_t i = 0; i < task->r2t_slots; i++)
		if (task->r2ts[i].open && task->r2ts[i].ttt == ttt)
			return &task->r2ts[i];
	return NULL;
}

static void burst_close(struct iscsi_task *task, struct iscsi_burst *burst)
{
	burst->open = false;
	if (burst != &task->unsolicited)
		task->r2ts_open--;
}

void iscsi_data_out_cancel(struct iscsi_task *task)
{
	task->unsolicited.open = false;
	for (uint32_t i = 0; i < task->r2t_slots; i++)
		task->r2ts[i].open = false;
	task->r2ts_open = 0;
	disarm(task);
	stop_waiting(task);
	give_back_share(task);
}

void iscsi_data_out_free(struct iscsi_task *task)
{
	free(task->early);
	free(task->r2ts);
}

/* --- R2T -------------------------------------------------------------------------------------- */

static bool r2t_slots_make(struct iscsi_task *task)
{
	const struct iscsi_params *params = &task->session->params;
	uint32_t left = task->scsi.data_out_len - task->solicited;
	uint32_t needed = left / params->max_burst_len + (left % params->max_burst_len != 0);

	if (task->r2ts)
		return true;
	task->r2t_slots = min_u32(needed, min_u32(params->max_outstanding_r2t, ISCSI_R2TS_MAX));
	task->r2ts = calloc(task->r2t_slots, sizeof(task->r2ts[0]));
	if (!task->r2ts)
		task->r2t_slots = 0;
	return task->r2ts != NULL;
}

static bool r2t_send(struct iscsi_task *task, struct iscsi_burst *burst)
{
	struct iscsi_out *out = iscsi_out_new(task->conn, ISCSI_OUT_R2T);

	if (!out)
		return false;
	uint32_t len = min_u32(task->scsi.data_out_len - task->solicited,
			       task->session->params.max_burst_len);
	*burst = (struct iscsi_burst){
		.open = true,
		.ttt = iscsi_session_take_ttt(task->session),
		.next = task->solicited,
		.end = task->solicited + len,
	};
	out->pdu.r2t = (struct iscsi_r2t){
		.itt = task->itt,
		.ttt = burst->ttt,
		.r2t_sn = task->r2t_sn++,
		.offset = task->solicited,
		.desired_len = len,
	};
	memcpy(out->pdu.r2t.lun, task->scsi.lun_bytes, sizeof(out->pdu.r2t.lun));
	task->solicited += len;
	task->r2ts_open++;
	iscsi_out_push(task->conn, out);
	return true;
}

/* Asks for more, as far as MaxOutstandingR2T goes. */
static void solicit(struct iscsi_task *task)
{
	if (!r2t_slots_make(task)) {
		iscsi_conn_doom(task->conn, "out of memory", true);
		return;
	}
	for (uint32_t i = 0; i < task->r2t_slots; i++) {
		if (task->solicited == task->scsi.data_out_len)
			break;
		if (!task->r2ts[i].open && !r2t_send(task, &task->r2ts[i]))
			return;
	}
	iscsi_data_out_arm(task);
}

/* --- gathering -------------------------------------------------------------------------------- */

/* The command's own data, and what came unsolicited, before the device server wanted it. */
bool iscsi_data_out_keep_early(struct iscsi_task *task)
{
	const struct iscsi_burst *burst = &task->unsolicited;
	uint32_t room = burst->open && burst->end > task->early_len ? burst->end : task->early_len;

	if (room == 0)
		return true;
	task->early = malloc(room);
	if (!task->early) {
		task->early_len = 0;
		return false;
	}
	if (task->early_len > 0)
		memcpy(task->early, task->immediate_data, task->early_len);
	return true;
}

void iscsi_data_out_begin(struct iscsi_task *task)
{
	const uint8_t *early = task->inside_execute ? task->immediate_data : task->early;
	uint32_t len = min_u32(task->early_len, task->scsi.data_out_len);

	if (len > 0)
		memcpy(task->scsi.data_out, early, len);
	task->received = len;
	free(task->early);
	task->early = NULL;
}

static void run(struct iscsi_task *task)
{
	disarm(task);
	if (task->data_share == 0)
		take_share(task); /* all of it is here already: it counts, but does not wait */
	task->state = ISCSI_TASK_RUNNING;
	target_data_out_ready(&task->scsi);
}

void iscsi_data_out_continue(struct iscsi_task *task)
{
	assert(task->state == ISCSI_TASK_GATHERING);
	if (!task->conn)
		return; /* its connection is gone, its abort is on the way */
	if (iscsi_data_out_expected(task) && (task->faulted || task->unsolicited.open)) {
		if (!task->timed)
			iscsi_data_out_arm(task);
		return;
	}
	if (task->faulted) {
		target_data_out_failed(&task->scsi, task->fault_asc, task->fault_ascq);
		return;
	}
	if (task->received == task->scsi.data_out_len) {
		run(task);
		return;
	}
	if (task->solicited == 0)
		task->solicited = task->received;
	if (has_room(task))
		solicit(task);
}

/* A sequence moved on, or ended: what follows for the task? */
static void progress(struct iscsi_task *task)
{
	switch (task->state) {
	case ISCSI_TASK_GATHERING:
		iscsi_data_out_continue(task);
		break;
	case ISCSI_TASK_REFUSED:
		if (!iscsi_data_out_expected(task))
			iscsi_task_answer(task);
		break;
	case ISCSI_TASK_EXECUTING: /* want_data or complete will find what is here */
	case ISCSI_TASK_RUNNING:
	case ISCSI_TASK_ENDED:
	case ISCSI_TASK_INVALID:
		break;
	}
}

static void fault(struct iscsi_task *task, uint8_t asc, uint8_t ascq)
{
	if (task->faulted)
		return;
	task->faulted = true;
	task->fault_asc = asc;
	task->fault_ascq = ascq;
	stop_waiting(task);
}

void iscsi_data_out_timeout(struct iscsi_task *task)
{
	iscsi_session_remember_ended(task->session, task->itt);
	fault(task, ASC_PROTOCOL_CRC_ERROR);
	iscsi_data_out_cancel(task);
	progress(task);
}

/* --- Data-Out PDUs ---------------------------------------------------------------------------- */

/* The task on this connection, or NULL. */
static struct iscsi_task *task_of(const struct iscsi_conn *conn, uint32_t itt)
{
	struct iscsi_task *task = iscsi_session_find_task(conn->session, itt);

	return task && task->conn == conn ? task : NULL;
}

uint8_t *iscsi_data_out_place(struct iscsi_conn *conn, const uint8_t *bhs, uint32_t data_len)
{
	struct iscsi_data_out pdu;

	iscsi_data_out_decode(bhs, &pdu);
	struct iscsi_task *task = task_of(conn, pdu.itt);
	if (!task || task->state != ISCSI_TASK_GATHERING || task->faulted || data_len == 0)
		return NULL;
	const struct iscsi_burst *burst = burst_find(task, pdu.ttt);
	uint64_t end = (uint64_t)pdu.offset + data_len;
	if (!burst || pdu.offset != burst->next || end > burst->end ||
	    end > task->scsi.data_out_len)
		return NULL;
	task->refs++;
	conn->receiving = task;
	return task->scsi.data_out + pdu.offset;
}

uint8_t iscsi_data_out_check(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	struct iscsi_data_out data_out;

	iscsi_data_out_decode(pdu->bhs, &data_out);
	struct iscsi_task *task = task_of(conn, data_out.itt);
	if (!task)
		return iscsi_session_recently_ended(conn->session, data_out.itt)
			       ? 0
			       : ISCSI_REJECT_INVALID_PDU_FIELD;
	if (data_out.ttt == ISCSI_NO_TAG) {
		/* Nothing was announced: that fails the command, as long as it can still fail. */
		bool can_fail = task->write && (task->state == ISCSI_TASK_GATHERING ||
						task->state == ISCSI_TASK_EXECUTING);
		return task->unsolicited.open || can_fail ? 0 : ISCSI_REJECT_PROTOCOL_ERROR;
	}
	if (memcmp(data_out.lun, task->scsi.lun_bytes, sizeof(data_out.lun)) != 0 ||
	    !burst_find(task, data_out.ttt))
		return ISCSI_REJECT_INVALID_PDU_FIELD;
	return 0;
}

static void store(struct iscsi_task *task, uint32_t offset, const struct iscsi_pdu *pdu)
{
	uint32_t len = pdu->data_len;

	task->session->bytes_out += len;
	if (task->state == ISCSI_TASK_EXECUTING) {
		memcpy(task->early + offset, pdu->data, len);
		task->early_len += len;
	} else if (task->state == ISCSI_TASK_GATHERING && offset < task->scsi.data_out_len) {
		uint8_t *place = task->scsi.data_out + offset;
		len = min_u32(len, task->scsi.data_out_len - offset);
		if (pdu->data != place)
			memcpy(place, pdu->data, len);
		task->received += len;
	}
}

/* The checks of the sheet's 12.2, in its order. A Reject reason, or 0; a fault is noted. */
static uint8_t burst_judge(struct iscsi_task *task, const struct iscsi_burst *burst,
			   const struct iscsi_data_out *data_out, uint32_t len)
{
	uint64_t end = (uint64_t)data_out->offset + len;

	if (end > burst->end) {
		fault(task, ASC_INCORRECT_AMOUNT);
		return ISCSI_REJECT_PROTOCOL_ERROR;
	}
	if (data_out->offset != burst->next) {
		fault(task, ASC_INCORRECT_AMOUNT);
	} else if (data_out->data_sn != burst->data_sn) {
		/* A PDU got lost or came twice; at ErrorRecoveryLevel 0 it cannot be had again. */
		fault(task, ASC_PROTOCOL_CRC_ERROR);
	} else if (data_out->final != (end == burst->end)) {
		fault(task, ASC_INCORRECT_AMOUNT);
		return data_out->final ? 0 : ISCSI_REJECT_PROTOCOL_ERROR;
	}
	return 0;
}

static void burst_take(struct iscsi_conn *conn, struct iscsi_task *task, struct iscsi_burst *burst,
		       const struct iscsi_data_out *data_out, const struct iscsi_pdu *pdu)
{
	if (pdu->data_len == 0 && ++burst->empty_pdus > ISCSI_EMPTY_DATA_MAX)
		iscsi_conn_doom(conn, "too many Data-Out PDUs without data", false);
	if (!task->faulted) {
		uint8_t reason = burst_judge(task, burst, data_out, pdu->data_len);
		if (reason != 0)
			iscsi_reject(conn, pdu, reason);
	}
	if (!task->faulted) {
		if (pdu->data_len > 0)
			store(task, data_out->offset, pdu);
		burst->next += pdu->data_len;
		burst->data_sn++;
		iscsi_data_out_arm(task);
	}
	if (data_out->final)
		burst_close(task, burst);
	progress(task);
}

void iscsi_data_out_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	struct iscsi_data_out data_out;

	iscsi_data_out_decode(pdu->bhs, &data_out);
	struct iscsi_task *task = task_of(conn, data_out.itt);
	if (!task)
		return; /* late data of a task that ended */
	struct iscsi_burst *burst = burst_find(task, data_out.ttt);
	if (burst) {
		burst_take(conn, task, burst, &data_out, pdu);
	} else {
		fault(task, ASC_UNEXPECTED_DATA);
		progress(task);
	}
}

void iscsi_data_out_digest_error(struct iscsi_conn *conn, const uint8_t *bhs)
{
	struct iscsi_data_out data_out;

	iscsi_data_out_decode(bhs, &data_out);
	struct iscsi_task *task = task_of(conn, data_out.itt);
	struct iscsi_burst *burst = task ? burst_find(task, data_out.ttt) : NULL;
	if (!burst)
		return;
	/* The header is sound (it has its own digest, or none was asked for): its F bit counts. */
	fault(task, ASC_PROTOCOL_CRC_ERROR);
	if (data_out.final)
		burst_close(task, burst);
	progress(task);
}
