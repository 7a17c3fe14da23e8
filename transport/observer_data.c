/*
 * Data-Out and the R2Ts it answers (RFC 7143 11.7, 11.8, 4.2.5.2).
 */
#include <string.h>

#include "pr_engine/bytes.h"
#include "transport/observer_internal.h"

#define R2T_PROBES 8u

/* --- R2Ts ------------------------------------------------------------------------------------- */

static struct seen_r2t *r2t_place(struct seen_session *session, uint32_t ttt, unsigned probe)
{
	return &session->r2ts[(ttt + probe) % ISCSI_OBSERVER_R2TS_MAX];
}

static struct seen_r2t *r2t_find(struct seen_session *session, uint32_t itt, uint32_t ttt)
{
	for (unsigned probe = 0; probe < R2T_PROBES; probe++) {
		struct seen_r2t *r2t = r2t_place(session, ttt, probe);
		if (r2t->used && r2t->ttt == ttt && r2t->itt == itt)
			return r2t;
	}
	return NULL;
}

void watch_r2t(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu)
{
	struct iscsi_r2t sent;

	iscsi_r2t_decode(pdu->bhs, &sent);
	struct seen_task *task = seen_task_find(watch->session, sent.itt);
	if (!task || r2t_find(watch->session, sent.itt, sent.ttt))
		return; /* it is sent once more */
	uint32_t order = task->r2ts_sent++;
	for (unsigned probe = 0; probe < R2T_PROBES; probe++) {
		struct seen_r2t *r2t = r2t_place(watch->session, sent.ttt, probe);
		if (r2t->used && !r2t->done)
			continue;
		*r2t = (struct seen_r2t){
			.used = true,
			.itt = sent.itt,
			.ttt = sent.ttt,
			.offset = sent.offset,
			.len = sent.desired_len,
			.order = order,
			.since_ms = watch->now_ms,
		};
		return;
	}
	/* Unfollowed: data for it must not be taken for data with a wrong tag. */
	task->edtl = 0;
	watch->observer->missed++;
}

void watch_data_end(struct iscsi_watch *watch, struct seen_task *task)
{
	struct seen_session *session = watch->session;

	if (task->r2ts_sent == 0)
		return;
	for (unsigned i = 0; i < ISCSI_OBSERVER_R2TS_MAX; i++) {
		struct seen_r2t *r2t = &session->r2ts[i];
		if (!r2t->used || r2t->itt != task->itt)
			continue;
		if (r2t->early)
			watch_judge(watch, ISCSI_CHECK_DOUT_R2T_COMPLETE, false,
				    "as much as the R2T asked for", "%u bytes of %u", r2t->got,
				    r2t->len);
		r2t->used = false;
	}
}

/* --- data ------------------------------------------------------------------------------------- */

static void note_delay(struct iscsi_watch *watch, uint64_t since_ms)
{
	uint64_t waited_ms = watch->now_ms - since_ms;

	watch_judge(watch, ISCSI_CHECK_CONN_NODELAY, waited_ms < ISCSI_OBSERVER_NAGLE_MS,
		    "data at once", "%llu ms later", (unsigned long long)waited_ms);
}

/* Is an earlier command's burst still open on this connection? */
static bool is_overtaking(struct iscsi_watch *watch, const struct seen_task *task)
{
	if (watch->bursts_open <= 1)
		return false;
	for (unsigned i = 0; i < ISCSI_OBSERVER_TASKS_MAX; i++) {
		const struct seen_task *other = &watch->session->tasks[i];
		if (other->used && other->burst_open && other->watch == watch &&
		    other->burst_order < task->burst_order)
			return true;
	}
	return false;
}

static void end_burst(struct iscsi_watch *watch, struct seen_task *task)
{
	task->burst_open = false;
	task->burst_was = true;
	watch->bursts_open--;
}

static void judge_burst_end(struct iscsi_watch *watch, struct seen_task *task,
			    const struct iscsi_data_out *data)
{
	uint32_t limit = watch->params.first_burst_len < task->edtl ? watch->params.first_burst_len
								    : task->edtl;
	bool over = task->burst_next > limit;

	watch_judge(watch, ISCSI_CHECK_DOUT_FIRSTBURST_LIMIT, !over, "at most FirstBurstLength",
		    "%u bytes of %u", task->burst_next, limit);
	if (data->final && !over) {
		watch_judge(watch, ISCSI_CHECK_DOUT_FIRSTBURST_EXACT, task->burst_next == limit,
			    "all of the first burst", "%u bytes of %u", task->burst_next, limit);
		watch_judge(watch, ISCSI_CHECK_DOUT_FINAL_UNSOLICITED, true, "", " ");
	} else if (task->burst_next == limit) {
		watch_judge(watch, ISCSI_CHECK_DOUT_FINAL_UNSOLICITED, false,
			    "F on the last PDU of the burst", "F clear");
	}
	if (data->final || task->burst_next >= limit)
		end_burst(watch, task);
}

static void take_unsolicited(struct iscsi_watch *watch, struct seen_task *task,
			     const struct iscsi_data_out *data, uint32_t len)
{
	watch_judge(watch, ISCSI_CHECK_DOUT_UNSOLICITED_ALLOWED, !watch->params.initial_r2t,
		    "an R2T first", "data without one");
	if (watch->params.initial_r2t)
		return;
	if (!task->burst_open) {
		watch_judge(watch, ISCSI_CHECK_DOUT_FINAL_UNSOLICITED, false, "nothing behind F",
			    "%u bytes", len);
		return;
	}
	watch_judge(watch, ISCSI_CHECK_DOUT_UNSOLICITED_ORDER, !is_overtaking(watch, task),
		    "the burst of an earlier command first", "a later command's");
	watch_judge_equal(watch, ISCSI_CHECK_DOUT_DATASN, "DataSN", task->burst_sn++,
			  data->data_sn);
	watch_judge_equal(watch, ISCSI_CHECK_DOUT_OFFSET, "Buffer Offset", task->burst_next,
			  data->offset);
	if (!task->data_began)
		note_delay(watch, task->since_ms);
	task->data_began = true;
	task->burst_next += len;
	judge_burst_end(watch, task, data);
}

/* The first data for an R2T: was it its turn? */
static void begin_r2t(struct iscsi_watch *watch, struct seen_task *task, const struct seen_r2t *r2t)
{
	watch_judge(watch, ISCSI_CHECK_DOUT_R2T_ORDER, r2t->order == task->r2ts_begun,
		    "R2Ts in the order they came", "number %u before number %u", r2t->order,
		    task->r2ts_begun);
	if (r2t->order >= task->r2ts_begun)
		task->r2ts_begun = r2t->order + 1;
	note_delay(watch, r2t->since_ms);
}

static void judge_r2t_end(struct iscsi_watch *watch, struct seen_r2t *r2t, bool final)
{
	bool over = r2t->got > r2t->len, full = r2t->got == r2t->len;

	if (over || full)
		watch_judge(watch, ISCSI_CHECK_DOUT_R2T_COMPLETE, full,
			    "as much as the R2T asked for", "%u bytes of %u", r2t->got, r2t->len);
	if (full)
		watch_judge(watch, ISCSI_CHECK_DOUT_FINAL_SOLICITED, final,
			    "F on the last PDU of the sequence", "F clear");
	r2t->early = final && r2t->got < r2t->len;
	r2t->done = final || full || over;
}

static void take_solicited(struct iscsi_watch *watch, struct seen_task *task, struct seen_r2t *r2t,
			   const struct iscsi_data_out *data, uint32_t len)
{
	const uint8_t *lun = task->bhs + 8;

	watch_judge(watch, ISCSI_CHECK_DOUT_LUN_ECHO, memcmp(lun, data->lun, 8) == 0,
		    "the command's LUN", "%02x%02x%02x%02x...", data->lun[0], data->lun[1],
		    data->lun[2], data->lun[3]);
	if (r2t->early)
		watch_judge(watch, ISCSI_CHECK_DOUT_FINAL_SOLICITED, false,
			    "F on the last PDU of the sequence", "data behind F");
	if (r2t->got == 0 && r2t->data_sn == 0)
		begin_r2t(watch, task, r2t);
	watch_judge_equal(watch, ISCSI_CHECK_DOUT_DATASN, "DataSN", r2t->data_sn++, data->data_sn);
	if (watch->params.data_pdu_in_order)
		watch_judge_equal(watch, ISCSI_CHECK_DOUT_OFFSET, "Buffer Offset",
				  r2t->offset + r2t->got, data->offset);
	r2t->got += len;
	judge_r2t_end(watch, r2t, data->final);
}

void watch_data_out(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu)
{
	struct iscsi_data_out data;
	uint32_t len = get_be24(pdu->bhs + 5);

	iscsi_data_out_decode(pdu->bhs, &data);
	watch_acknowledge(watch, ISCSI_CHECK_DOUT_EXPSTATSN, data.exp_stat_sn);
	watch_judge(watch, ISCSI_CHECK_DOUT_ZERO_LENGTH, len > 0, "data", "none");
	if (!data.final)
		watch_judge(watch, ISCSI_CHECK_DOUT_WORD_MULTIPLE, len % 4 == 0,
			    "a multiple of 4 bytes without F", "%u bytes", len);
	/* Data for a task that has just ended may be on its way; it is nobody's fault. */
	struct seen_task *task = seen_task_find(watch->session, data.itt);
	if (!task || task->opcode != ISCSI_SCSI_COMMAND)
		return;
	watch_judge(watch, ISCSI_CHECK_DOUT_ALLEGIANCE, task->watch == watch,
		    "the connection of the command", "another one");
	if (task->watch != watch)
		return;
	if (data.ttt == ISCSI_NO_TAG) {
		take_unsolicited(watch, task, &data, len);
		return;
	}
	struct seen_r2t *r2t = r2t_find(watch->session, data.itt, data.ttt);
	if (r2t || task->edtl > 0)
		watch_judge(watch, ISCSI_CHECK_DOUT_TTT_ECHO, r2t != NULL,
			    "the tag of an R2T of this task", "0x%08x", data.ttt);
	if (r2t)
		take_solicited(watch, task, r2t, &data, len);
}
