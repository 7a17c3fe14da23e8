/*
 * A task's way through the target: from target_execute to its release.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "target/buffer.h"
#include "target/lease.h"
#include "target/lent.h"
#include "target/remote_internal.h"
#include "target/trace_task.h"

static void task_clear_answer(struct scsi_task *task)
{
	task->status = SCSI_STATUS_GOOD;
	task->sense_len = 0;
	task->data_in = NULL;
	task->data_in_len = 0;
	task->transfer_len = 0;
	task->data_out = NULL;
	task->data_out_lent = false;
	task->wants_data_out = false;
	task->data_out_len = 0;
	task->data_out_room = 0;
	task->phase = SCSI_TASK_RUNNING;
	task->has_room = false;
	task->awaits_recall = false;
	task->at_gate = false;
	task->descriptor_sense = false;
	task->lun = NULL;
	task->command = NULL;
	task->work = NULL;
	task->work_free = NULL;
	task->remote = NULL;
	task->spares = &task->nexus->target->spare_buffers;
}

/* What becomes of a task after its handler has returned. After PENDING it may be gone already. */
static void task_conclude(struct scsi_task *task, enum scsi_result result)
{
	switch (result) {
	case SCSI_DONE:
		scsi_task_finish(task);
		return;
	case SCSI_WANT_DATA:
		task->phase = SCSI_TASK_WAITING_DATA;
		task->ops->want_data(task);
		return;
	case SCSI_PENDING:
		return;
	case SCSI_INVALID:
		break;
	}
	assert(0 && "a handler returned no result");
}

/* Commands that read, but for short answers. What is refused needs none. */
static bool task_has_room(struct scsi_task *task)
{
	uint32_t len = task->expected_in;

	if (!task->lun || !task->ops->room_for_data_in || len <= SCSI_DATA_IN_SHORT ||
	    task->command->data_out)
		return true;
	if (!task->has_room)
		task->has_room =
			task->ops->room_for_data_in(task, len < task->lun->config.transfer_max
								  ? len
								  : task->lun->config.transfer_max);
	return task->has_room;
}

static void task_run(struct scsi_task *task)
{
	task->phase = SCSI_TASK_RUNNING;
	if (!scsi_task_may_run(task))
		task_conclude(task, SCSI_DONE);
	else if (task_has_room(task))
		task_conclude(task, task->command->run(task));
	else
		task->phase = SCSI_TASK_WAITING_DATA;
}

/* Waits like one without data, which can be let go at any time. */
static void task_pass_gate(struct scsi_task *task)
{
	task->phase = SCSI_TASK_WAITING_DATA;
	task->at_gate = true;
	enum scsi_gate gate = task->ops->begin(task);
	if (gate == SCSI_GATE_CLOSED)
		return;
	task->at_gate = false;
	if (gate == SCSI_GATE_OPEN)
		task_run(task);
	else
		scsi_task_finish(task);
}

void scsi_task_start(struct scsi_task *task)
{
	if (task->lun && task->lun->leases && scsi_lease_holds_up(task))
		return;
	if (task->ops->begin && task->lun)
		task_pass_gate(task);
	else
		task_run(task);
}

void target_task_go_on(struct scsi_task *task)
{
	if (task->remote) {
		remote_begin(task);
		return;
	}
	if (task->phase == SCSI_TASK_WAITING_DATA && task->at_gate)
		task_pass_gate(task);
}

/* What the checks look at may have changed meanwhile: they are made again. */
void target_data_in_room(struct scsi_task *task)
{
	if (task->remote) {
		remote_data_in_room(task);
		return;
	}
	if (task->phase != SCSI_TASK_WAITING_DATA)
		return;
	task->has_room = true;
	if (!task->awaits_recall && !task->at_gate)
		task_run(task);
}

static void task_find_lun(struct scsi_task *task)
{
	const struct scsi_target *home = task->nexus->target->home;
	uint16_t number;

	if (!scsi_lun_number_decode(task->lun_bytes, &number))
		return;
	task->lun = scsi_nexus_lun(task->nexus, number);
	if (home && scsi_nexus_may_see(task->nexus, number))
		task->descriptor_sense = atomic_load_explicit(&home->shown[number].descriptor_sense,
							      memory_order_relaxed);
}

/* When its bytes came: the transport has looked at the clock then. */
static void task_arrives(struct scsi_task *task)
{
	task->arrived_ns = scsi_nexus_now_ns(task->nexus);
}

/* READ (10), (12), (16) */
static bool reads_blocks(const uint8_t *cdb)
{
	return cdb[0] == 0x28 || cdb[0] == 0x88 || cdb[0] == 0xa8;
}

void target_expect(const struct scsi_nexus *nexus, const uint8_t lun_bytes[8], const uint8_t *cdb)
{
	uint16_t number;

	if (!reads_blocks(cdb) || !scsi_lun_number_decode(lun_bytes, &number))
		return;
	const struct scsi_lun *lun = scsi_nexus_lun(nexus, number);
	/* Where other loops write, a look is not for nothing (marks.h). */
	if (!lun || lun->marks || !lun->backing->ops->expect)
		return;
	uint64_t lba = scsi_cdb_extent(cdb).lba;
	if (lba < lun->blocks)
		lun->backing->ops->expect(lun->backing, lba << lun->block_shift);
}

/* A LUN that is not there has no task set, and no order. */
void target_execute(struct scsi_task *task)
{
	task_clear_answer(task);
	task_find_lun(task);
	task_arrives(task);
	if (task->nexus->remote && !scsi_lease_serves(task))
		remote_execute(task);
	else if (!task->lun || scsi_task_set_add(task))
		scsi_task_start(task);
}

bool target_data_out_prepare(struct scsi_task *task)
{
	if (task->remote)
		return remote_data_out_prepare(task);
	if (task->phase != SCSI_TASK_WAITING_DATA)
		return false;
	assert(!task->data_out);
	if (scsi_task_alloc_out(task))
		return true;
	task->transfer_len = 0;
	scsi_task_finish(task);
	return false;
}

/* WRITE alone looks whether its data are its own before it keeps them for later. */
bool target_data_out_lend(struct scsi_task *task, const uint8_t *data)
{
	if (task->remote || task->phase != SCSI_TASK_WAITING_DATA ||
	    task->command->data_out != scsi_write_data || task->data_out_room != task->data_out_len)
		return false;
	assert(!task->data_out);
	task->data_out = (uint8_t *)data; /* which nobody writes to */
	task->data_out_lent = true;
	return true;
}

void target_data_out_ready(struct scsi_task *task)
{
	if (task->remote) {
		remote_data_out_ready(task);
		return;
	}
	if (task->phase != SCSI_TASK_WAITING_DATA)
		return;
	assert(task->data_out);
	task->phase = SCSI_TASK_RUNNING;
	task_conclude(task, task->command->data_out(task));
}

void scsi_task_fail_data(struct scsi_task *task, uint8_t key, uint8_t asc, uint8_t ascq)
{
	if (task->phase != SCSI_TASK_WAITING_DATA)
		return;
	scsi_task_sense(task, key, asc, ascq);
	task->transfer_len = 0;
	scsi_task_finish(task);
}

void target_data_out_failed(struct scsi_task *task, uint8_t asc, uint8_t ascq)
{
	if (task->remote)
		remote_data_out_failed(task, asc, ascq);
	else
		scsi_task_fail_data(task, SCSI_KEY_ABORTED_COMMAND, asc, ascq);
}

void target_task_fail(struct scsi_task *task, uint8_t key, uint8_t asc, uint8_t ascq)
{
	task_clear_answer(task);
	task_find_lun(task); /* whose mode parameters choose the format of sense data */
	task->phase = SCSI_TASK_DONE;
	task_arrives(task);
	scsi_task_sense(task, key, asc, ascq);
	scsi_trace_command(task, TRACE_COMMAND_ANSWERED);
}

void target_task_full(struct scsi_task *task)
{
	task_clear_answer(task);
	task_find_lun(task);
	task->phase = SCSI_TASK_DONE;
	task->status = SCSI_STATUS_TASK_SET_FULL;
	task_arrives(task);
	scsi_trace_command(task, TRACE_COMMAND_ANSWERED);
	if (task->lun)
		scsi_task_note_status(task);
	else if (task->nexus->remote)
		remote_nexus_note(task->nexus, REMOTE_NOTE_FULL, task->lun_bytes, false);
}

void target_task_release(struct scsi_task *task)
{
	if (task->remote)
		remote_release(task);
	if (task->work && task->work_free)
		task->work_free(task->work);
	task->work = NULL;
	if (task->data_in_lent)
		scsi_lent_end(task);
	scsi_buffer_give(task->spares, task->data_in);
	task->data_in = NULL;
	task->data_in_lost = false;
	if (!task->data_out_lent)
		scsi_buffer_give(task->spares, task->data_out);
	task->data_out = NULL;
	task->data_out_lent = false;
	task->phase = SCSI_TASK_IDLE;
}
