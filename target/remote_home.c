/*
 * The home's side of remote targets: letters of other loops become calls on the real target.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "target/buffer.h"
#include "target/lease.h"
#include "target/remote_internal.h"
#include "target/trace.h"

/* ---- nexuses --------------------------------------------------------------------------------- */

void remote_home_open(struct scsi_letter *letter)
{
	struct remote_nexus *remote = remote_of(letter, struct remote_nexus, open);

	remote->nexus = scsi_nexus_open_masked(remote->home, &remote->id, &remote->visible);
}

static void nexus_closed(void *context)
{
	struct remote_nexus *remote = context;

	scsi_line_post_for(&remote->link->down, &remote->closed, remote_loop_closed);
}

void remote_home_close(struct scsi_letter *letter)
{
	struct remote_nexus *remote = remote_of(letter, struct remote_nexus, close);

	if (remote->nexus)
		scsi_nexus_close(remote->nexus, remote->why, nexus_closed, remote);
	else
		nexus_closed(remote);
}

static void note_full(struct scsi_nexus *nexus, const uint8_t lun_bytes[8])
{
	struct scsi_task task = {.nexus = nexus, .status = SCSI_STATUS_TASK_SET_FULL};
	uint16_t number;

	if (scsi_lun_number_decode(lun_bytes, &number))
		task.lun = scsi_nexus_lun(nexus, number);
	if (task.lun)
		scsi_task_note_status(&task);
}

void remote_home_note(struct scsi_letter *letter)
{
	struct remote_note *note = remote_of(letter, struct remote_note, up);
	struct scsi_nexus *nexus = note->nexus->nexus;

	switch (note->kind) {
	case REMOTE_NOTE_CLEARED:
		if (nexus)
			scsi_nexus_note_cleared(nexus, note->lun_bytes);
		break;
	case REMOTE_NOTE_FULL:
		if (nexus)
			note_full(nexus, note->lun_bytes);
		break;
	case REMOTE_NOTE_QUERIES:
		if (nexus)
			scsi_nexus_set_queries(nexus, note->queries);
		break;
	}
	free(note);
}

/* ---- commands -------------------------------------------------------------------------------- */

/* What is left with the double is what the loop reads. The transport's data stay the transport's.
 */
static void post_end(struct remote_task *remote)
{
	struct scsi_task *task = &remote->task;
	uint8_t *data_in = task->data_in;

	task->data_in = NULL;
	if (remote->has_data)
		task->data_out = NULL;
	target_task_release(task);
	task->data_in = data_in;
	remote->ended = true;
	remote->taken_at_end = remote->taken;
	scsi_line_post_for(&remote->link->down, &remote->end, remote_loop_end);
}

static void double_complete(struct scsi_task *task)
{
	post_end(task->owner);
}

/* What has come for it; the task may have ended when this returns. */
static void take_data(struct remote_task *remote)
{
	struct scsi_task *task = &remote->task;

	if (remote->failed) {
		scsi_task_fail_data(task, remote->key, remote->asc, remote->ascq);
	} else if (remote->eager_len > 0 && remote->eager_len != task->data_out_len) {
		/* Another LUN has taken the place of the one that it was meant for. */
		target_data_out_failed(task, 0x47, 0x05);
	} else {
		remote->has_data = true;
		task->data_out = remote->data_out;
		target_data_out_ready(task);
	}
}

static void double_want_data(struct scsi_task *task)
{
	struct remote_task *remote = task->owner;

	remote->wants_data = true;
	if (remote->data_came) {
		take_data(remote);
		return;
	}
	if (remote->eager_len > 0)
		return;
	remote->wanted_len = task->data_out_len;
	remote->wanted_room = task->data_out_room;
	remote->wanted_transfer_len = task->transfer_len;
	scsi_line_post_for(&remote->link->down, &remote->want, remote_loop_want);
}

static bool double_room_for_data_in(struct scsi_task *task, uint32_t len)
{
	const struct remote_task *remote = task->owner;

	(void)len;
	return remote->has_room;
}

static void double_aborted(struct scsi_task *task, bool send_status)
{
	struct remote_task *remote = task->owner;

	remote->aborted = true;
	remote->send_status = send_status;
	post_end(remote);
}

/* The loop is asked, and says so by remote_home_pass. */
static enum scsi_gate double_begin(struct scsi_task *task)
{
	struct remote_task *remote = task->owner;
	struct remote_answer *answer = &remote->answer;

	if (!remote->passed) {
		if (!remote->asked)
			scsi_line_post_for(&remote->link->down, &remote->gate, remote_loop_gate);
		remote->asked = true;
		return SCSI_GATE_CLOSED;
	}
	if (remote->verdict == SCSI_GATE_ENDED) {
		task->status = answer->status;
		task->sense_len = answer->sense_len;
		memcpy(task->sense, answer->sense, sizeof(task->sense));
		task->data_in = answer->data_in;
		task->data_in_len = answer->data_in_len;
		task->transfer_len = answer->transfer_len;
		answer->data_in = NULL;
	}
	return remote->verdict;
}

static const struct scsi_task_ops gated_ops = {
	.begin = double_begin,
	.complete = double_complete,
	.want_data = double_want_data,
	.room_for_data_in = double_room_for_data_in,
	.aborted = double_aborted,
};

static const struct scsi_task_ops double_ops = {
	.complete = double_complete,
	.want_data = double_want_data,
	.room_for_data_in = double_room_for_data_in,
	.aborted = double_aborted,
};

/*
 * A command that began on its loop, and comes home as its lease was recalled: all commands of its
 * nexus may have been aborted meanwhile. It was one of them.
 */
static bool was_aborted_on_the_way(struct remote_task *remote)
{
	struct scsi_task *task = &remote->task;
	struct scsi_lun_nexus *lun_nexus;
	uint16_t number;

	if (!scsi_lun_number_decode(task->lun_bytes, &number))
		return false;
	lun_nexus = task->nexus->luns[number];
	if (!lun_nexus || lun_nexus->epoch == remote->epoch)
		return false;
	if (lun_nexus->abort_tells)
		scsi_lun_nexus_raise(lun_nexus, SCSI_UA_COMMANDS_CLEARED);
	task->status = SCSI_STATUS_TASK_ABORTED;
	double_aborted(task, lun_nexus->abort_sends_status);
	return true;
}

void remote_home_execute(struct scsi_letter *letter)
{
	struct remote_task *remote = remote_of(letter, struct remote_task, execute);
	struct scsi_task *task = &remote->task;

	remote->taken++;
	if (remote->nexus->home->config.trace)
		trace_tick(remote->nexus->home->config.trace);
	task->nexus = remote->nexus->nexus;
	task->ops = remote->gated ? &gated_ops : &double_ops;
	task->owner = remote;
	if (task->nexus && remote->began && was_aborted_on_the_way(remote))
		return;
	if (task->nexus) {
		scsi_lease_consider(task, remote->nexus->local);
		target_execute(task);
		return;
	}
	task->status = SCSI_STATUS_BUSY; /* no memory for its nexus */
	post_end(remote);
}

void remote_home_pass(struct scsi_letter *letter)
{
	struct remote_task *remote = remote_of(letter, struct remote_task, pass);

	remote->taken++;
	remote->passed = true;
	if (!remote->ended)
		target_task_go_on(&remote->task);
}

void remote_home_room(struct scsi_letter *letter)
{
	struct remote_task *remote = remote_of(letter, struct remote_task, room);

	remote->taken++;
	remote->has_room = true;
	if (!remote->ended)
		target_data_in_room(&remote->task);
}

void remote_home_data(struct scsi_letter *letter)
{
	struct remote_task *remote = remote_of(letter, struct remote_task, data);

	remote->taken++;
	if (remote->ended)
		return;
	remote->data_came = true;
	if (remote->wants_data)
		take_data(remote);
}

void remote_home_forget(struct scsi_letter *letter)
{
	struct remote_task *remote = remote_of(letter, struct remote_task, forget);

	scsi_buffer_give(&remote->home->spare_buffers, remote->answer.data_in);
	free(remote);
}

/* ---- task management ------------------------------------------------------------------------- */

static void tmf_complete(struct scsi_tmf *tmf)
{
	struct remote_tmf *remote = tmf->owner;

	scsi_line_post_for(&remote->link->down, &remote->down, remote_loop_managed);
}

void remote_home_manage(struct scsi_letter *letter)
{
	struct remote_tmf *remote = remote_of(letter, struct remote_tmf, up);
	struct scsi_tmf *tmf = &remote->tmf;

	if (remote->referenced) {
		remote->referenced->taken++;
		if (!remote->referenced->ended)
			tmf->referenced = &remote->referenced->task;
	}
	tmf->nexus = remote->nexus->nexus;
	tmf->owner = remote;
	tmf->complete = tmf_complete;
	if (tmf->nexus) {
		target_manage(tmf);
		return;
	}
	tmf->response = SCSI_TMF_REJECTED;
	tmf_complete(tmf);
}
