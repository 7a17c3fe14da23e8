/*
 * One SCSI task of a session: from the SCSI Command PDU to the last byte of its answer.
 *
 *   EXECUTING --want_data--> GATHERING --all data--> RUNNING --complete--> ENDED
 *       |                        |                                           ^
 *       +--complete, data still announced--> REFUSED --last F bit------------+
 *   and aborted leads from anywhere to ENDED.
 *
 * An ended task has left its session, so that its ITT and its place in the command window are free;
 * it lives on while output refers to it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "transport/conn_internal.h"

static void task_complete(struct scsi_task *scsi);
static void task_complete_faulty(struct scsi_task *scsi);
static void task_want_data(struct scsi_task *scsi);
static void task_aborted(struct scsi_task *scsi, bool send_status);
static void task_aborted_faulty(struct scsi_task *scsi, bool send_status);
static bool task_room_for_data_in(struct scsi_task *scsi, uint32_t len);

/* The second while there are fault rules. */
static const struct scsi_task_ops task_ops[2] = {
	{
		.complete = task_complete,
		.want_data = task_want_data,
		.aborted = task_aborted,
		.room_for_data_in = task_room_for_data_in,
	},
	{
		.begin = iscsi_fault_begin_task,
		.complete = task_complete_faulty,
		.want_data = task_want_data,
		.aborted = task_aborted_faulty,
		.room_for_data_in = task_room_for_data_in,
	},
};

struct iscsi_task *iscsi_task_new(struct iscsi_conn *conn, const struct iscsi_scsi_command *command)
{
	struct spare_list *spares = &conn->node->spare_tasks;
	struct iscsi_task *task = spare_take(spares, sizeof(*task));

	if (!task)
		return NULL;
	task->spares = spares;
	task->session = conn->session;
	task->conn = conn;
	task->state = ISCSI_TASK_EXECUTING;
	task->refs = 1;
	task->itt = command->itt;
	task->immediate = command->immediate;
	task->read = command->read;
	task->write = command->write;
	task->unsolicited.ttt = ISCSI_NO_TAG;
	task->ack_ttt = iscsi_session_take_ttt(conn->session);

	task->scsi.nexus = conn->session->nexus;
	task->scsi.ops = &task_ops[conn->fault != NULL];
	task->scsi.owner = task;
	task->scsi.tag = command->itt;
	memcpy(task->scsi.lun_bytes, command->lun, sizeof(task->scsi.lun_bytes));
	task->scsi.attribute = (enum scsi_task_attribute)command->attribute;
	memcpy(task->scsi.cdb, command->cdb, sizeof(command->cdb));
	task->scsi.cdb_len = sizeof(command->cdb);
	/* EDTL without a direction means nothing, and of both directions the write (RFC 7143
	 * 11.3.4); the read has its own, in an AHS. */
	task->scsi.expected_in = command->read && !command->write ? command->expected_len : 0;
	task->scsi.expected_out = command->write ? command->expected_len : 0;
	task->scsi.takes_lent = command->read && !command->write && iscsi_conn_takes_lent(conn);

	iscsi_session_add_task(conn->session, task);
	conn->session->commands++;
	if (task->immediate)
		conn->immediate_commands++;
	return task;
}

void iscsi_task_unref(struct iscsi_task *task)
{
	assert(task->refs > 0);
	if (--task->refs > 0)
		return;
	assert(task->state == ISCSI_TASK_ENDED);
	target_task_release(&task->scsi);
	iscsi_data_out_free(task);
	spare_give(task->spares, task);
}

void iscsi_task_end(struct iscsi_task *task)
{
	struct iscsi_session *session = task->session;

	assert(task->state != ISCSI_TASK_ENDED);
	session->busy++;
	/* Only a command that writes has data to come, or to be kept. */
	if (task->write) {
		if (iscsi_data_out_expected(task) || iscsi_task_recovers(task))
			iscsi_session_remember_ended(session, task->itt);
		iscsi_data_out_cancel(task);
	}
	iscsi_session_remove_task(session, task);
	task->state = ISCSI_TASK_ENDED;
	task->session = NULL;
	if (!task->immediate)
		iscsi_window_release(session);
	else if (task->conn)
		task->conn->immediate_commands--;
	if (task->read_share > 0 || task->waits_to_read)
		iscsi_read_room_give_back(session, task);
	iscsi_task_unref(task);
	session->busy--;
	iscsi_session_settle(session);
}

/* Queues the answer and ends the task. */
static void task_respond(struct iscsi_task *task)
{
	struct iscsi_conn *conn = task->conn;

	assert(task->scsi.data_in_len <= task->scsi.expected_in);
	if (conn && conn->state == ISCSI_CONN_FULL_FEATURE) {
		struct iscsi_out *out = iscsi_out_new(conn, ISCSI_OUT_TASK);
		if (out) {
			iscsi_task_note_residuals(task);
			task->session->bytes_in += task->scsi.data_in_len;
			task->refs++;
			out->task = task;
			conn->has_lent |= task->scsi.data_in_lent;
			task->segment_max = conn->params.max_send_data_segment_len;
			out->weight += task->scsi.data_in_len;
			iscsi_out_push(conn, out);
		}
	}
	if (task->suspended && task->session->state == ISCSI_SESSION_LIVE)
		iscsi_lost_add_answer(task);
	iscsi_task_end(task);
}

void iscsi_task_answer(struct iscsi_task *task)
{
	/* RFC 7143 11.4.2: a response only when every outstanding sequence has delivered its last
	 * PDU. */
	if (task->conn && iscsi_data_out_expected(task)) {
		task->state = ISCSI_TASK_REFUSED;
		iscsi_data_out_arm(task);
		return;
	}
	task_respond(task);
}

static void task_complete(struct scsi_task *scsi)
{
	iscsi_task_answer(scsi->owner);
}

/* A rule may still hold it: its logical unit was removed. */
static void task_complete_faulty(struct scsi_task *scsi)
{
	struct iscsi_task *task = scsi->owner;

	if (iscsi_fault_task_ended(task)) {
		iscsi_task_end(task);
		return;
	}
	if (task->conn && task->conn->fault)
		iscsi_fault_result(task);
	iscsi_task_answer(task);
}

static void task_want_data(struct scsi_task *scsi)
{
	struct iscsi_task *task = scsi->owner;

	assert(task->state == ISCSI_TASK_EXECUTING);
	task->state = ISCSI_TASK_GATHERING;
	/* From inside target_execute the caller goes on, when the target's stack is left. */
	if (!task->inside_execute)
		iscsi_data_out_continue(task);
}

static bool task_room_for_data_in(struct scsi_task *scsi, uint32_t len)
{
	return iscsi_read_room_take(scsi->owner, len);
}

static void task_aborted(struct scsi_task *scsi, bool send_status)
{
	struct iscsi_task *task = scsi->owner;

	/* Data that was asked for may still come; it is dropped without a word. */
	if (send_status)
		task_respond(task);
	else
		iscsi_task_end(task);
}

static void task_aborted_faulty(struct scsi_task *scsi, bool send_status)
{
	(void)iscsi_fault_task_ended(scsi->owner);
	task_aborted(scsi, send_status);
}

/* A task of that connection that was not yet told to abort. */
static struct iscsi_task *next_orphan(const struct iscsi_session *session)
{
	for (uint32_t i = 0; i <= session->ring_mask; i++)
		for (struct iscsi_task *t = session->tasks_by_itt[i]; t; t = t->chain)
			/* The analyzer does not see that ended tasks have left the table. */
			if (!t->conn && !t->abort_sent &&
			    !t->suspended) /* NOLINT(clang-analyzer-unix.Malloc) */
				return t;
	return NULL;
}

void iscsi_task_abort_all_of(struct iscsi_session *session, const struct iscsi_conn *conn)
{
	struct iscsi_task *task;

	iscsi_manage_forget(session, conn);
	for (uint32_t i = 0; i <= session->ring_mask; i++)
		for (task = session->tasks_by_itt[i]; task; task = task->chain)
			if (task->conn == conn) {
				iscsi_data_out_cancel(task);
				task->conn = NULL;
			}
	iscsi_task_abort_orphans(session);
}

void iscsi_task_abort_orphans(struct iscsi_session *session)
{
	struct iscsi_task *task;

	/* An abort may end other tasks as well: look anew after each. */
	while ((task = next_orphan(session))) {
		task->abort_sent = true;
		if (session->nexus)
			scsi_nexus_note_cleared(session->nexus, task->scsi.lun_bytes);
		if (task->state == ISCSI_TASK_REFUSED)
			iscsi_task_end(task);
		else
			iscsi_manage_abort(task);
	}
}
