/*
 * The loop's side of a remote target: what the transport asks for becomes letters to the home, and
 * their answers calls of the transport.
 */
#include "target/remote.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/buffer.h"
#include "target/remote_internal.h"

struct scsi_target *scsi_target_create_remote(struct scsi_target *home, struct scsi_link *link,
					      struct scsi_executor *executor,
					      struct trace_ring *trace)
{
	struct scsi_target_config config = home->config;

	config.executor = executor;
	config.trace = trace;
	struct scsi_target *target = scsi_target_create(&config);
	if (!target)
		return NULL;
	target->home = home;
	target->link = link;
	target->loop_number = ++home->loops;
	return target;
}

/* ---- nexuses --------------------------------------------------------------------------------- */

bool remote_nexus_open(struct scsi_nexus *nexus)
{
	struct remote_nexus *remote = calloc(1, sizeof(*remote));

	if (!remote)
		return false;
	remote->local = nexus;
	remote->link = nexus->target->link;
	remote->home = nexus->target->home;
	remote->id = nexus->id;
	remote->visible = nexus->visible;
	nexus->remote = remote;
	scsi_line_post_for(&remote->link->up, &remote->open, remote_home_open);
	return true;
}

void remote_nexus_close(struct scsi_nexus *nexus, enum scsi_nexus_end why)
{
	struct remote_nexus *remote = nexus->remote;

	remote->why = why;
	scsi_line_post_for(&remote->link->up, &remote->close, remote_home_close);
}

void remote_loop_closed(struct scsi_letter *letter)
{
	struct remote_nexus *remote = remote_of(letter, struct remote_nexus, closed);
	struct scsi_nexus *nexus = remote->local;

	free(remote);
	scsi_nexus_forget_task(nexus);
}

void remote_nexus_note(struct scsi_nexus *nexus, enum remote_note_kind kind,
		       const uint8_t lun_bytes[8], bool queries)
{
	struct remote_note *note = calloc(1, sizeof(*note));

	if (!note)
		return; /* the loop goes on; that a thing was not told is the least of its worries
			 */
	note->nexus = nexus->remote;
	note->kind = kind;
	note->queries = queries;
	if (lun_bytes)
		memcpy(note->lun_bytes, lun_bytes, sizeof(note->lun_bytes));
	scsi_line_post_for(&note->nexus->link->up, &note->up, remote_home_note);
}

/* ---- commands -------------------------------------------------------------------------------- */

static void task_post(struct remote_task *remote, struct scsi_letter *letter,
		      void (*deliver)(struct scsi_letter *letter))
{
	remote->posted++;
	scsi_line_post_for(&remote->link->up, letter, deliver);
}

static void task_end_here(struct scsi_task *task, enum scsi_status status)
{
	task->status = status;
	task->phase = SCSI_TASK_DONE;
	task->ops->complete(task);
}

/* The request, for the double. */
static void copy_request(const struct scsi_task *from, struct scsi_task *to)
{
	to->tag = from->tag;
	memcpy(to->lun_bytes, from->lun_bytes, sizeof(to->lun_bytes));
	to->attribute = from->attribute;
	memcpy(to->cdb, from->cdb, sizeof(to->cdb));
	to->cdb_len = from->cdb_len;
	to->expected_out = from->expected_out;
	to->expected_in = from->expected_in;
}

/*
 * The home cannot ask the session whether there is room for what a command may bring, so that is
 * asked before it is sent. The home begins no command that has none; one that it refuses, or that
 * turns out to need none, ends all the same.
 */
static bool ask_for_room(const struct scsi_task *task, const struct remote_task *remote)
{
	enum scsi_sense sense;
	const struct scsi_command *row = scsi_command_find(task->cdb, &sense);
	uint32_t most = scsi_target_transfer_max(remote->home, task->lun_bytes);
	uint32_t len = task->expected_in < most ? task->expected_in : most;

	if (!row || row->data_out || len <= SCSI_DATA_IN_SHORT || !task->ops->room_for_data_in)
		return true;
	return task->ops->room_for_data_in((struct scsi_task *)task, len);
}

/* A plain WRITE whose data are all there wants them, unless it is refused. */
static uint32_t eager_len(const struct scsi_task *task, const struct remote_task *remote)
{
	struct scsi_extent extent = scsi_cdb_extent(task->cdb);
	bool writes = task->cdb[0] == 0x0a || task->cdb[0] == 0x2a || task->cdb[0] == 0xaa ||
		      task->cdb[0] == 0x8a;

	if (!writes || task->data_at_hand == 0 || task->data_at_hand != task->expected_out ||
	    scsi_target_block_bytes(remote->home, task->lun_bytes, extent.blocks) !=
		    task->data_at_hand)
		return 0;
	return task->data_at_hand;
}

static void want(struct scsi_task *task, uint32_t len, uint64_t room, uint64_t transfer_len)
{
	task->data_out_len = len;
	task->data_out_room = room;
	task->transfer_len = transfer_len;
	task->wants_data_out = true;
	task->phase = SCSI_TASK_WAITING_DATA;
	task->ops->want_data(task);
}

static struct remote_task *task_double(struct scsi_task *task)
{
	struct spare_list *spares = &task->nexus->target->spare_doubles;
	struct remote_task *remote = spare_take(spares, sizeof(*remote));

	if (!remote)
		return NULL;
	remote->spares = spares;
	remote->nexus = task->nexus->remote;
	remote->link = remote->nexus->link;
	remote->home = remote->nexus->home;
	remote->origin = task;
	copy_request(task, &remote->task);
	task->remote = remote;
	return remote;
}

/* One that has not begun. */
static void send_home(struct scsi_task *task, struct remote_task *remote)
{
	task->phase = SCSI_TASK_RUNNING;
	remote->asked_for_room = !ask_for_room(task, remote);
	/* Read by the home before any letter but this one was posted. */
	remote->has_room = !remote->asked_for_room;
	remote->gated = task->ops->begin != NULL;
	remote->eager_len = remote->gated ? 0 : eager_len(task, remote);
	task_post(remote, &remote->execute, remote_home_execute);
	if (remote->eager_len > 0)
		want(task, remote->eager_len, remote->eager_len, remote->eager_len);
}

void remote_execute(struct scsi_task *task)
{
	struct remote_task *remote = task_double(task);

	if (remote)
		send_home(task, remote);
	else
		task_end_here(task, SCSI_STATUS_BUSY);
}

/* The transport was told already what data are wanted: it goes on gathering, or has done so. */
static void send_rest_home(struct scsi_task *task, struct remote_task *remote)
{
	bool writes = task->command->data_out != NULL;

	remote->eager_len = writes ? task->data_out_len : 0;
	remote->has_room = writes || task->has_room || task->phase == SCSI_TASK_RUNNING;
	remote->asked_for_room = !remote->has_room;
	scsi_buffer_give(task->spares, task->data_in);
	task->data_in = NULL;
	task_post(remote, &remote->execute, remote_home_execute);
	if (writes && task->phase == SCSI_TASK_RUNNING) {
		remote->data_out = task->data_out;
		task_post(remote, &remote->data, remote_home_data);
	} else if (!writes) {
		task->phase = SCSI_TASK_RUNNING;
	}
}

bool remote_go_on(struct scsi_task *task, uint64_t epoch)
{
	struct remote_task *remote = task_double(task);

	if (!remote)
		return false;
	remote->began = true;
	remote->epoch = epoch;
	remote->asked = task->at_gate;
	task->at_gate = false;
	if (remote->asked)
		send_home(task, remote);
	else
		send_rest_home(task, remote);
	return true;
}

void remote_data_in_room(struct scsi_task *task)
{
	struct remote_task *remote = task->remote;

	if (remote->asked_for_room)
		task_post(remote, &remote->room, remote_home_room);
	remote->asked_for_room = false;
}

static void take_answer(struct scsi_task *task, struct remote_answer *ret_answer)
{
	*ret_answer = (struct remote_answer){
		.status = task->status,
		.sense_len = task->sense_len,
		.data_in = task->data_in,
		.data_in_len = task->data_in_len,
		.transfer_len = task->transfer_len,
	};
	memcpy(ret_answer->sense, task->sense, sizeof(task->sense));
	task->data_in = NULL;
}

void remote_begin(struct scsi_task *task)
{
	struct remote_task *remote = task->remote;
	enum scsi_gate verdict = task->ops->begin(task);

	if (verdict == SCSI_GATE_CLOSED)
		return;
	if (verdict == SCSI_GATE_ENDED)
		take_answer(task, &remote->answer);
	remote->verdict = verdict;
	task_post(remote, &remote->pass, remote_home_pass);
}

void remote_loop_gate(struct scsi_letter *letter)
{
	remote_begin(remote_of(letter, struct remote_task, gate)->origin);
}

void remote_loop_want(struct scsi_letter *letter)
{
	struct remote_task *remote = remote_of(letter, struct remote_task, want);

	want(remote->origin, remote->wanted_len, remote->wanted_room, remote->wanted_transfer_len);
}

static void post_failure(struct scsi_task *task, uint8_t key, uint8_t asc, uint8_t ascq)
{
	struct remote_task *remote = task->remote;

	task->phase = SCSI_TASK_RUNNING;
	remote->failed = true;
	remote->key = key;
	remote->asc = asc;
	remote->ascq = ascq;
	task_post(remote, &remote->data, remote_home_data);
}

bool remote_data_out_prepare(struct scsi_task *task)
{
	uint8_t key, asc, ascq;

	if (task->phase != SCSI_TASK_WAITING_DATA)
		return false;
	assert(!task->data_out);
	if (scsi_task_alloc_out(task))
		return true;
	scsi_sense_code(SCSI_SENSE_INSUFFICIENT_RESOURCES, &key, &asc, &ascq);
	post_failure(task, key, asc, ascq);
	return false;
}

void remote_data_out_ready(struct scsi_task *task)
{
	struct remote_task *remote = task->remote;

	if (task->phase != SCSI_TASK_WAITING_DATA)
		return;
	assert(task->data_out);
	task->phase = SCSI_TASK_RUNNING;
	remote->data_out = task->data_out;
	task_post(remote, &remote->data, remote_home_data);
}

void remote_data_out_failed(struct scsi_task *task, uint8_t asc, uint8_t ascq)
{
	if (task->phase == SCSI_TASK_WAITING_DATA)
		post_failure(task, SCSI_KEY_ABORTED_COMMAND, asc, ascq);
}

void remote_loop_end(struct scsi_letter *letter)
{
	struct remote_task *remote = remote_of(letter, struct remote_task, end);
	struct scsi_task *task = remote->origin, *answer = &remote->task;

	task->status = answer->status;
	task->sense_len = answer->sense_len;
	memcpy(task->sense, answer->sense, sizeof(task->sense));
	task->data_in = answer->data_in;
	task->data_in_len = answer->data_in_len;
	task->transfer_len = answer->transfer_len;
	task->wants_data_out = answer->wants_data_out; /* though perhaps none came */
	answer->data_in = NULL;
	if (remote->aborted) {
		task->phase = SCSI_TASK_ABORTED;
		task->ops->aborted(task, remote->send_status);
	} else {
		task->phase = SCSI_TASK_DONE;
		task->ops->complete(task);
	}
}

/* It has ended. */
void remote_release(struct scsi_task *task)
{
	struct remote_task *remote = task->remote;

	task->remote = NULL;
	if (remote->posted == remote->taken_at_end) {
		scsi_buffer_give(task->spares, remote->answer.data_in);
		spare_give(remote->spares, remote);
	} else {
		scsi_line_post_for(&remote->link->up, &remote->forget, remote_home_forget);
	}
}

/* ---- task management ------------------------------------------------------------------------- */

void remote_manage(struct scsi_tmf *tmf)
{
	struct remote_tmf *remote = calloc(1, sizeof(*remote));

	if (!remote) {
		tmf->response = SCSI_TMF_REJECTED;
		tmf->complete(tmf);
		return;
	}
	remote->nexus = tmf->nexus->remote;
	remote->link = remote->nexus->link;
	remote->origin = tmf;
	remote->tmf.function = tmf->function;
	memcpy(remote->tmf.lun_bytes, tmf->lun_bytes, sizeof(tmf->lun_bytes));
	if (tmf->referenced && tmf->referenced->remote) {
		remote->referenced = tmf->referenced->remote;
		remote->referenced->posted++;
	}
	scsi_line_post_for(&remote->link->up, &remote->up, remote_home_manage);
}

void remote_loop_managed(struct scsi_letter *letter)
{
	struct remote_tmf *remote = remote_of(letter, struct remote_tmf, down);
	struct scsi_tmf *tmf = remote->origin;

	tmf->response = remote->tmf.response;
	memcpy(tmf->additional, remote->tmf.additional, sizeof(tmf->additional));
	free(remote);
	tmf->complete(tmf);
}
