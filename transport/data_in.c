/*
 * Data-In, phase collapse, SCSI Response and residuals (RFC 7143 11.4, 11.7).
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "transport/conn_internal.h"

static uint32_t clamp_u32(uint64_t value)
{
	return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static bool is_bidirectional(const struct iscsi_task *task)
{
	return task->read && task->write;
}

/* Bytes that the command wanted to move in a direction that the initiator announced. A command
 * whose CDB goes the other way moves none of them (the sheet, 12.1). */
static uint64_t wanted_len(const struct iscsi_task *task, bool write)
{
	bool gathered = task->scsi.wants_data_out;

	if (gathered != write &&
	    (gathered || is_bidirectional(task) || task->scsi.status == SCSI_STATUS_GOOD))
		return 0;
	return task->scsi.transfer_len;
}

static struct iscsi_residual residual_of(const struct iscsi_task *task, bool write,
					 uint32_t expected)
{
	uint64_t wanted = wanted_len(task, write);
	uint64_t moved = write ? task->received : task->scsi.data_in_len;

	if (wanted > expected)
		return (struct iscsi_residual){
			.overflow = true,
			.count = clamp_u32(wanted - expected),
		};
	if (task->scsi.status != SCSI_STATUS_GOOD && moved < wanted)
		wanted = moved;
	if (wanted < expected)
		return (struct iscsi_residual){
			.underflow = true,
			.count = (uint32_t)(expected - wanted),
		};
	return (struct iscsi_residual){0};
}

/* RFC 7143 11.4.5: of a bidirectional command O, U describe the write, and o, u the read. */
void iscsi_task_note_residuals(struct iscsi_task *task)
{
	uint32_t expected = task->write ? task->scsi.expected_out : task->scsi.expected_in;

	task->residual = residual_of(task, task->write, expected);
	if (is_bidirectional(task))
		task->read_residual = residual_of(task, false, task->scsi.expected_in);
}

/* RFC 7143 11.7.3: only these may end in a Data-In PDU. */
static bool status_collapses(const struct iscsi_conn *conn, const struct iscsi_task *task)
{
	/* With recovery data and status are asked for, and resent, apart. */
	if (is_bidirectional(task) || conn->params.error_recovery_level > 0)
		return false;
	return task->scsi.status == SCSI_STATUS_GOOD ||
	       task->scsi.status == SCSI_STATUS_CONDITION_MET;
}

/* MaxBurstLength, a multiple of four bytes: where a sequence of Data-In PDUs ends. */
static uint32_t burst_len(const struct iscsi_conn *conn)
{
	return conn->params.max_burst_len & ~3u;
}

/* The next segment: at most what the initiator takes, not over the end of a burst, and every one
 * but the last a multiple of four bytes. */
static uint32_t segment_len(const struct iscsi_conn *conn, const struct iscsi_task *task,
			    uint32_t offset)
{
	uint32_t left = task->scsi.data_in_len - offset;
	uint32_t len = task->segment_max & ~3u;
	uint32_t burst_left = burst_len(conn) - offset % burst_len(conn);

	if (len > burst_left)
		len = burst_left;
	return len < left ? len : left;
}

/* A Data-In PDU without status. With recovery the last one of a sequence asks to be acknowledged,
 * but for the last of all: then the status's ExpStatSN says it. */
static void become_data_in(struct iscsi_conn *conn, struct iscsi_out *out, struct iscsi_task *task,
			   uint32_t data_sn, uint32_t offset)
{
	uint32_t len = segment_len(conn, task, offset);
	uint32_t end = offset + len;
	bool last = end == task->scsi.data_in_len;
	bool final = last || end % burst_len(conn) == 0;
	bool acknowledge = final && !last && conn->params.error_recovery_level > 0;

	out->kind = ISCSI_OUT_DATA_IN;
	out->pdu.data_in = (struct iscsi_data_in){
		.final = final,
		.acknowledge = acknowledge,
		.itt = task->itt,
		.ttt = acknowledge ? task->ack_ttt : ISCSI_NO_TAG,
		.data_sn = data_sn,
		.offset = offset,
	};
	if (acknowledge)
		memcpy(out->pdu.data_in.lun, task->scsi.lun_bytes, sizeof(out->pdu.data_in.lun));
	out->lent = task->scsi.data_in_lent;
	out->data = task->scsi.data_in + offset;
	out->data_len = len;
}

/* The next one of all. */
static void become_next(struct iscsi_conn *conn, struct iscsi_out *out, struct iscsi_task *task)
{
	become_data_in(conn, out, task, task->data_sn++, task->in_sent);
	task->in_sent += out->data_len;
}

static void add_status(struct iscsi_data_in *data_in, const struct iscsi_task *task)
{
	data_in->has_status = true;
	data_in->status = (uint8_t)task->scsi.status;
	data_in->residual = task->residual;
}

static void become_response(struct iscsi_out *out, const struct iscsi_task *task)
{
	out->kind = ISCSI_OUT_SCSI_RESPONSE;
	out->pdu.response = (struct iscsi_scsi_response){
		.status = (uint8_t)task->scsi.status,
		.itt = task->itt,
		.snack_tag = task->snack_tag,
		.exp_data_sn = task->data_sn,
		.residual = task->residual,
		.read_residual = task->read_residual,
	};
	if (task->scsi.sense_len == 0)
		return;
	/* RFC 7143 11.4.7: SenseLength, then the sense data. */
	put_be16(out->small, task->scsi.sense_len);
	memcpy(out->small + 2, task->scsi.sense, task->scsi.sense_len);
	out->data = out->small;
	out->data_len = 2u + task->scsi.sense_len;
}

uint32_t iscsi_task_segment_len(const struct iscsi_conn *conn, const struct iscsi_task *task,
				uint32_t offset)
{
	return segment_len(conn, task, offset);
}

/* A Data-In PDU to be sent before `entry`. */
static struct iscsi_out *data_in_new(struct iscsi_conn *conn, const struct iscsi_out *entry)
{
	struct iscsi_out *out = iscsi_out_new(conn, ISCSI_OUT_DATA_IN);

	if (!out)
		return NULL;
	out->header_digest = entry->header_digest;
	out->data_digest = entry->data_digest;
	out->task = entry->task;
	out->task->refs++;
	return out;
}

struct iscsi_out *iscsi_task_next_pdu(struct iscsi_conn *conn, struct iscsi_out *entry)
{
	struct iscsi_task *task = entry->task;
	uint32_t left = task->scsi.data_in_len - task->in_sent;

	if (left == 0) {
		become_response(entry, task);
		return entry;
	}
	if (task->scsi.data_in_lost) {
		iscsi_lent_lost(conn);
		return NULL;
	}
	if (segment_len(conn, task, task->in_sent) == left && status_collapses(conn, task)) {
		become_next(conn, entry, task);
		add_status(&entry->pdu.data_in, task);
		return entry;
	}
	struct iscsi_out *out = data_in_new(conn, entry);
	if (!out)
		return NULL;
	become_next(conn, out, task);
	/* Its bytes were counted with the whole task. */
	out->weight = out->data_len;
	entry->weight -= out->data_len;
	return out;
}

struct iscsi_out *iscsi_task_next_again(struct iscsi_conn *conn, struct iscsi_out *entry)
{
	struct iscsi_out *out = entry;
	uint32_t sn = entry->at_sn++, offset = entry->at_offset;

	if (entry->at_sn != entry->end_sn) {
		out = data_in_new(conn, entry);
		if (!out)
			return NULL;
		out->weight = 0; /* the entry stands for all of them */
	}
	become_data_in(conn, out, entry->task, sn, offset);
	entry->at_offset = offset + out->data_len;
	return out;
}
