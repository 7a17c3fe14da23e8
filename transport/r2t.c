/*
 * R2T (RFC 7143 11.8): asking for write data.
 */
#include <stdlib.h>
#include <string.h>

#include "transport/conn_internal.h"

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

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

/* The R2Ts and the Data-In PDUs of a bidirectional command are numbered together (RFC 7143
 * 4.2.2.3). */
static uint32_t take_r2t_sn(struct iscsi_task *task)
{
	return task->read ? task->data_sn++ : task->r2t_sn++;
}

void iscsi_r2t_repeat(struct iscsi_task *task, const struct iscsi_burst *burst)
{
	struct iscsi_out *out = iscsi_out_new(task->conn, ISCSI_OUT_R2T);

	if (!out)
		return;
	out->pdu.r2t = (struct iscsi_r2t){
		.itt = task->itt,
		.ttt = burst->ttt,
		.r2t_sn = burst->r2t_sn,
		.offset = burst->start,
		.desired_len = burst->end - burst->start,
	};
	memcpy(out->pdu.r2t.lun, task->scsi.lun_bytes, sizeof(out->pdu.r2t.lun));
	iscsi_out_push(task->conn, out);
}

static void r2t_send(struct iscsi_task *task, struct iscsi_burst *burst, uint32_t start,
		     uint32_t end)
{
	iscsi_burst_open(burst, iscsi_session_take_ttt(task->session), start, end);
	burst->r2t_sn = take_r2t_sn(task);
	iscsi_r2t_repeat(task, burst);
}

void iscsi_r2t_recover(struct iscsi_task *task, struct iscsi_burst *burst)
{
	uint32_t from = burst->first.from;
	uint32_t stored = burst->end - burst->start - burst->missing;

	/* What lies behind the first gap comes again. */
	task->received -= stored - (from - burst->start);
	r2t_send(task, burst, from, burst->end);
	iscsi_data_out_arm(task);
}

void iscsi_r2t_solicit(struct iscsi_task *task)
{
	uint32_t max = task->session->params.max_burst_len;

	if (!r2t_slots_make(task)) {
		iscsi_conn_doom(task->conn, "out of memory", true);
		return;
	}
	for (uint32_t i = 0; i < task->r2t_slots; i++) {
		if (task->solicited == task->scsi.data_out_len)
			break;
		if (task->r2ts[i].open)
			continue;
		uint32_t len = min_u32(task->scsi.data_out_len - task->solicited, max);
		r2t_send(task, &task->r2ts[i], task->solicited, task->solicited + len);
		task->r2ts_open++;
		task->solicited += len;
	}
	iscsi_data_out_arm(task);
}
