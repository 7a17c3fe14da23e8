/*
 * EXTENDED COPY (LID1): the copy manager at work. See copy.h.
 */
#include "target/copy.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/buffer.h"

enum copy_step {
	STEP_NEXT = 0, /* no command of ours is under way */
	STEP_READ,
	STEP_WRITE,
};

struct copy {
	struct scsi_task *task; /* the EXTENDED COPY */
	struct scsi_copy_result *result;
	struct scsi_copy_result unlisted; /* what `result` points at without a list id */
	struct copy_list list;
	uint16_t segment; /* the one being copied */
	uint64_t at;	  /* bytes of it that are copied */
	uint32_t piece;	  /* bytes being copied */
	enum copy_step step;
	struct scsi_job breather; /* between two pieces */
	struct scsi_task command; /* ours, READ or WRITE */
	bool command_aborted;
	bool running, again;
	uint8_t *data; /* what was read */
};

/* ---- how it ends ----------------------------------------------------------------------------- */

static void copy_free(void *work)
{
	struct copy *copy = work;

	target_task_release(&copy->command);
	scsi_buffer_give(copy->task->spares, copy->data);
	free(copy);
}

/* The EXTENDED COPY's status is set, or it was aborted. Nothing of ours is under way. */
static void copy_end(struct copy *copy)
{
	struct scsi_task *task = copy->task;
	struct scsi_copy_result *result = copy->result;

	task->nexus->copies--;
	result->in_progress = false;
	result->failed = task->status != SCSI_STATUS_GOOD || scsi_task_is_aborted(task);
	result->status = (uint8_t)task->status;
	result->sense_len = task->sense_len;
	memcpy(result->sense, task->sense, task->sense_len);
	result->used = copy->list.id_usage == COPY_LIST_ID_HOLD;
	scsi_task_finish(task);
}

/* False, for copy_advance to return. */
static bool copy_fail(struct copy *copy, enum scsi_sense sense)
{
	scsi_task_copy_aborted(copy->task, sense, copy->segment);
	return false;
}

/* ---- the copy manager's own commands --------------------------------------------------------- */

static void copy_run(struct copy *copy);

static void breather_run(struct scsi_job *job)
{
	(void)job;
}

static void breather_done(struct scsi_job *job)
{
	copy_run((struct copy *)((char *)job - offsetof(struct copy, breather)));
}

/* A store may complete at once: the loop does other things before the next piece all the same. */
static void breathe(struct copy *copy)
{
	copy->breather = (struct scsi_job){.run = breather_run, .done = breather_done};
	scsi_executor_submit(copy->task->lun->target->config.executor, &copy->breather);
}

static void command_complete(struct scsi_task *command)
{
	struct copy *copy = command->owner;

	copy_run(copy);
}

static void command_want_data(struct scsi_task *command)
{
	struct copy *copy = command->owner;

	assert(command->data_out_len == copy->piece);
	if (!target_data_out_prepare(command))
		return; /* no memory: it has ended */
	memcpy(command->data_out, copy->data, copy->piece);
	target_data_out_ready(command);
}

/* Whoever aborts it may be about to abort the EXTENDED COPY as well: that is known a breath later.
 */
static void command_aborted(struct scsi_task *command, bool send_status)
{
	struct copy *copy = command->owner;
	(void)send_status;

	copy->command_aborted = true;
	breathe(copy);
}

static void command_start(struct copy *copy, enum copy_step step, uint16_t lun, uint8_t opcode,
			  uint64_t lba, uint32_t blocks)
{
	static const struct scsi_task_ops ops = {.complete = command_complete,
						 .want_data = command_want_data,
						 .aborted = command_aborted};
	struct scsi_task *command = &copy->command;

	*command = (struct scsi_task){
		.nexus = copy->task->nexus,
		.ops = &ops,
		.owner = copy,
		.tag = copy->task->tag,
		.attribute = SCSI_ATTRIBUTE_SIMPLE,
		.by_copy_manager = true,
		.cdb = {opcode},
		.cdb_len = 16,
		.expected_in = step == STEP_READ ? copy->piece : 0,
		.expected_out = step == STEP_WRITE ? copy->piece : 0,
	};
	put_be16(command->lun_bytes, lun);
	put_be64(command->cdb + 2, lba);
	put_be32(command->cdb + 10, blocks);
	copy->step = step;
	target_execute(command);
}

static const struct copy_segment *segment_of(const struct copy *copy)
{
	return &copy->list.segments[copy->segment];
}

/* A LUN that has gone is for the command to find out. */
static bool is_as_it_was(const struct copy *copy, uint16_t index)
{
	const struct copy_cscd *cscd = &copy->list.cscds[index];
	const struct scsi_lun_nexus *lun_nexus = copy->task->nexus->luns[cscd->number];

	return !lun_nexus || lun_nexus->epoch == cscd->epoch;
}

/* False: the copy has ended. */
static bool cscds_check(struct copy *copy)
{
	const struct copy_segment *segment = segment_of(copy);

	if (is_as_it_was(copy, segment->source) && is_as_it_was(copy, segment->destination))
		return true;
	return copy_fail(copy, SCSI_SENSE_THIRD_PARTY_DEVICE_FAILURE);
}

static bool read_start(struct copy *copy)
{
	const struct copy_segment *segment = segment_of(copy);
	const struct copy_cscd *source = &copy->list.cscds[segment->source];

	if (!cscds_check(copy))
		return false;
	command_start(copy, STEP_READ, source->number, 0x88,
		      segment->source_lba + copy->at / source->block_size,
		      copy->piece / source->block_size);
	return true;
}

static bool write_start(struct copy *copy)
{
	const struct copy_segment *segment = segment_of(copy);
	const struct copy_cscd *destination = &copy->list.cscds[segment->destination];

	if (!cscds_check(copy))
		return false;
	command_start(copy, STEP_WRITE, destination->number, 0x8a,
		      segment->destination_lba + copy->at / destination->block_size,
		      copy->piece / destination->block_size);
	return true;
}

/* ---- segment by segment, piece by piece ------------------------------------------------------ */

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static bool segment_check(struct copy *copy, uint64_t *ret_len)
{
	const struct copy_segment *segment = segment_of(copy);
	const struct copy_list *list = &copy->list;

	if (segment->source >= list->cscd_count || segment->destination >= list->cscd_count)
		return copy_fail(copy, SCSI_SENSE_UNREACHABLE_COPY_TARGET);
	const struct copy_cscd *source = &list->cscds[segment->source];
	const struct copy_cscd *destination = &list->cscds[segment->destination];
	if (!source->reachable || !destination->reachable)
		return copy_fail(copy, SCSI_SENSE_UNREACHABLE_COPY_TARGET);
	if (!source->is_disk || !destination->is_disk)
		return copy_fail(copy, SCSI_SENSE_INCORRECT_COPY_TARGET_TYPE);
	uint64_t len =
		(uint64_t)segment->blocks *
		(segment->count_is_destinations ? destination->block_size : source->block_size);
	/* What is left of a block has no place to go to: nothing is padded here. */
	if (len % source->block_size != 0 || len % destination->block_size != 0)
		return copy_fail(copy, SCSI_SENSE_UNEXPECTED_INEXACT_SEGMENT);
	*ret_len = len;
	return true;
}

/* The next piece, if there is one. False: the copy has ended. */
static bool next_piece(struct copy *copy)
{
	for (; copy->segment < copy->list.segment_count; copy->segment++, copy->at = 0) {
		const struct copy_segment *segment = segment_of(copy);
		uint64_t len;

		if (!segment_check(copy, &len))
			return false;
		if (copy->at < len) {
			uint32_t most =
				smaller(copy->list.cscds[segment->source].transfer_max,
					copy->list.cscds[segment->destination].transfer_max);

			/* Whole blocks of either size, and one at least. */
			most = smaller(most, COPY_PIECE_BYTES);
			most -= most % SCSI_TRANSFER_MAX_MIN;
			copy->piece = len - copy->at < most ? (uint32_t)(len - copy->at) : most;
			return read_start(copy);
		}
		copy->result->segments++;
	}
	scsi_task_good(copy->task);
	return false;
}

/* Our command has ended: did it end well? */
static bool command_check(struct copy *copy)
{
	const struct scsi_task *command = &copy->command;

	if (copy->command_aborted)
		return copy_fail(copy, SCSI_SENSE_THIRD_PARTY_DEVICE_FAILURE);
	if (command->status == SCSI_STATUS_GOOD)
		return true;
	/* SPC-4 5.17.7.3 leaves the additional sense code open when the copy target answered with
	 * CHECK CONDITION; a conflict is told apart from that. */
	return copy_fail(copy, command->status == SCSI_STATUS_CHECK_CONDITION
				       ? SCSI_SENSE_COPY_ABORTED
				       : SCSI_SENSE_THIRD_PARTY_DEVICE_FAILURE);
}

/* Starts the next command of ours; false: the copy has ended. */
static bool copy_advance(struct copy *copy)
{
	enum copy_step ended = copy->step;

	copy->step = STEP_NEXT;
	if (scsi_task_is_aborted(copy->task) || (ended != STEP_NEXT && !command_check(copy)))
		return false;
	if (ended == STEP_READ) {
		copy->data = copy->command.data_in;
		copy->command.data_in = NULL;
		target_task_release(&copy->command);
		return write_start(copy);
	}
	if (ended == STEP_WRITE) {
		target_task_release(&copy->command);
		scsi_buffer_give(copy->task->spares, copy->data);
		copy->data = NULL;
		copy->at += copy->piece;
		copy->result->bytes += copy->piece;
		breathe(copy);
		return true;
	}
	return next_piece(copy);
}

/* One step at a time, however deep in completions this is called. */
static void copy_run(struct copy *copy)
{
	if (copy->running) {
		copy->again = true;
		return;
	}
	copy->running = true;
	do {
		copy->again = false;
		if (!copy_advance(copy)) {
			copy_end(copy);
			return;
		}
	} while (copy->again);
	copy->running = false;
}

/* ---- the command ----------------------------------------------------------------------------- */

enum scsi_result scsi_extended_copy(struct scsi_task *task)
{
	uint32_t len = get_be32(task->cdb + 10);

	if (len == 0) {
		scsi_task_good(task);
		return SCSI_DONE;
	}
	if (len < COPY_HEADER_LEN || len > COPY_HEADER_LEN + COPY_DESCRIPTORS_MAX) {
		scsi_task_check_condition(task, SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR);
		return SCSI_DONE;
	}
	return scsi_task_want(task, len);
}

enum scsi_result scsi_extended_copy_data(struct scsi_task *task)
{
	struct copy *copy;

	if (task->data_out_len < task->transfer_len) {
		scsi_task_check_condition(task, SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR);
		return SCSI_DONE;
	}
	copy = calloc(1, sizeof(*copy));
	if (!copy) {
		scsi_task_check_condition(task, SCSI_SENSE_INSUFFICIENT_RESOURCES);
		return SCSI_DONE;
	}
	copy->task = task;
	task->work = copy;
	task->work_free = copy_free;
	if (!copy_list_parse(task, &copy->list))
		return SCSI_DONE;
	if (task->nexus->copies == COPY_RUNNING_MAX) {
		scsi_task_check_condition(task, SCSI_SENSE_INSUFFICIENT_RESOURCES);
		return SCSI_DONE;
	}
	copy->result = copy->list.id_usage == COPY_LIST_ID_NONE
			       ? &copy->unlisted
			       : copy_result_begin(task, copy->list.id);
	if (!copy->result)
		return SCSI_DONE;
	task->nexus->copies++;
	copy_run(copy);
	return SCSI_PENDING;
}
