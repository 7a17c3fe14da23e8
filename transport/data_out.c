/*
 * Data-Out PDUs (RFC 7143 11.7): which sequence they belong to, what is wrong with them, and where
 * their data goes. What follows from it for the task is decided in data_gather.c.
 */
#include <string.h>

#include "transport/conn_internal.h"

/* ABORTED COMMAND with these codes (RFC 7143 11.4.7.2). */
#define ASC_INCORRECT_AMOUNT 0x0c, 0x0d
#define ASC_UNEXPECTED_DATA  0x0c, 0x0c

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

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
	if (!task || task->state != ISCSI_TASK_GATHERING || !task->scsi.data_out || task->faulted ||
	    data_len == 0)
		return NULL;
	const struct iscsi_burst *burst = iscsi_burst_find(task, pdu.ttt);
	uint64_t end = (uint64_t)pdu.offset + data_len;
	if (!burst || burst->lost || pdu.data_sn != burst->data_sn ||
	    !iscsi_burst_takes(task, burst, pdu.offset, data_len) || end > task->scsi.data_out_len)
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
	/* What came late, or twice, is dropped when things may be sent again. */
	if (iscsi_task_recovers(task) && !iscsi_burst_find(task, data_out.ttt))
		return 0;
	if (data_out.ttt == ISCSI_NO_TAG) {
		/* Nothing was announced: that fails the command, as long as it can still fail. */
		bool can_fail = task->write && (task->state == ISCSI_TASK_GATHERING ||
						task->state == ISCSI_TASK_EXECUTING);
		return task->unsolicited.open || can_fail ? 0 : ISCSI_REJECT_PROTOCOL_ERROR;
	}
	if (memcmp(data_out.lun, task->scsi.lun_bytes, sizeof(data_out.lun)) != 0 ||
	    !iscsi_burst_find(task, data_out.ttt))
		return ISCSI_REJECT_INVALID_PDU_FIELD;
	return 0;
}

static void store(struct iscsi_task *task, uint32_t offset, const struct iscsi_pdu *pdu)
{
	uint32_t len = pdu->data_len;

	task->session->bytes_out += len;
	if (task->early) {
		memcpy(task->early + offset, pdu->data, len);
	} else if (task->scsi.data_out && offset < task->scsi.data_out_len) {
		uint8_t *place = task->scsi.data_out + offset;
		len = min_u32(len, task->scsi.data_out_len - offset);
		if (pdu->data != place)
			memcpy(place, pdu->data, len);
	}
}

/* The checks of the sheet's 12.2, in its order. A Reject reason, or 0; a fault is noted. */
static uint8_t burst_judge(struct iscsi_task *task, const struct iscsi_burst *burst,
			   const struct iscsi_data_out *data_out, uint32_t len)
{
	uint64_t end = (uint64_t)data_out->offset + len;

	if (end > burst->end) {
		iscsi_data_out_fault(task, ASC_INCORRECT_AMOUNT);
		return ISCSI_REJECT_PROTOCOL_ERROR;
	}
	if (!iscsi_burst_takes(task, burst, data_out->offset, len)) {
		iscsi_data_out_fault(task, ASC_INCORRECT_AMOUNT);
	} else if (data_out->data_sn != burst->data_sn) {
		/* A PDU got lost or came twice; at ErrorRecoveryLevel 0 it cannot be had again. */
		iscsi_data_out_fault(task, ISCSI_ASC_PROTOCOL_CRC_ERROR);
	} else if (data_out->final != (len == burst->missing)) {
		iscsi_data_out_fault(task, ASC_INCORRECT_AMOUNT);
		return data_out->final ? 0 : ISCSI_REJECT_PROTOCOL_ERROR;
	}
	return 0;
}

static void burst_store(struct iscsi_task *task, struct iscsi_burst *burst, uint32_t offset,
			const struct iscsi_pdu *pdu)
{
	if (!iscsi_burst_take(burst, offset, pdu->data_len)) {
		iscsi_data_out_fault(task, ASC_INCORRECT_AMOUNT); /* in too many pieces */
		return;
	}
	if (pdu->data_len > 0)
		store(task, offset, pdu);
	if (burst == &task->unsolicited)
		task->first_len = burst->missing == 0 ? burst->end : burst->first.from;
	else
		task->received += pdu->data_len;
}

/* ErrorRecoveryLevel > 0: a PDU that came before is dropped; one that is missing spoils the rest of
 * its sequence, which is asked for again when that ends (RFC 7143 7.9). False: it is of no use. */
static bool burst_is_on_track(struct iscsi_task *task, struct iscsi_burst *burst,
			      const struct iscsi_data_out *data_out)
{
	if (!iscsi_task_recovers(task) || task->faulted)
		return true;
	if (iscsi_sn_before(data_out->data_sn, burst->data_sn))
		return false;
	if (data_out->data_sn != burst->data_sn)
		burst->lost = true;
	if (!burst->lost)
		return true;
	burst->data_sn = data_out->data_sn + 1;
	iscsi_data_out_arm(task);
	if (data_out->final) {
		iscsi_data_out_recover(task, burst);
		iscsi_data_out_progress(task);
	}
	return false;
}

static void burst_take(struct iscsi_conn *conn, struct iscsi_task *task, struct iscsi_burst *burst,
		       const struct iscsi_data_out *data_out, const struct iscsi_pdu *pdu)
{
	if (pdu->data_len == 0 && ++burst->empty_pdus > ISCSI_EMPTY_DATA_MAX)
		iscsi_conn_doom(conn, "too many Data-Out PDUs without data", false);
	if (!burst_is_on_track(task, burst, data_out))
		return;
	if (!task->faulted) {
		uint8_t reason = burst_judge(task, burst, data_out, pdu->data_len);
		if (reason != 0)
			iscsi_reject(conn, pdu, reason);
	}
	if (!task->faulted) {
		burst_store(task, burst, data_out->offset, pdu);
		burst->data_sn++;
		iscsi_data_out_arm(task);
	}
	if (data_out->final)
		iscsi_burst_close(task, burst);
	iscsi_data_out_progress(task);
}

void iscsi_data_out_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	struct iscsi_data_out data_out;

	iscsi_data_out_decode(pdu->bhs, &data_out);
	struct iscsi_task *task = task_of(conn, data_out.itt);
	if (!task)
		return; /* late data of a task that ended */
	struct iscsi_burst *burst = iscsi_burst_find(task, data_out.ttt);
	if (burst) {
		burst_take(conn, task, burst, &data_out, pdu);
	} else if (!iscsi_task_recovers(task)) {
		iscsi_data_out_fault(task, ASC_UNEXPECTED_DATA);
		iscsi_data_out_progress(task);
	}
}

void iscsi_data_out_digest_error(struct iscsi_conn *conn, const uint8_t *bhs)
{
	struct iscsi_data_out data_out;

	iscsi_data_out_decode(bhs, &data_out);
	struct iscsi_task *task = task_of(conn, data_out.itt);
	struct iscsi_burst *burst = task ? iscsi_burst_find(task, data_out.ttt) : NULL;
	if (!burst)
		return;
	/* The header is sound (it has its own digest, or none was asked for): its F bit counts. */
	if (iscsi_task_recovers(task)) {
		burst->lost = burst->lost || !iscsi_sn_before(data_out.data_sn, burst->data_sn);
		burst_is_on_track(task, burst, &data_out);
		return;
	}
	iscsi_data_out_fault(task, ISCSI_ASC_PROTOCOL_CRC_ERROR);
	if (data_out.final)
		iscsi_burst_close(task, burst);
	iscsi_data_out_progress(task);
}
