/*
 * Drives medium accesses; see sbc.h. All of it runs on the loop's thread.
 */
#include "target/sbc.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "target/lease.h"
#include "target/lent.h"
#include "target/sbc_access.h"

/* Those without a buffer are all alike: READ and WRITE have such. */
static void io_free(void *work)
{
	struct sbc_io *io = work;

	if (io->buffer_len == 0)
		spare_give(io->spares, io);
	else
		free(io);
}

struct sbc_io *sbc_io_create(struct scsi_task *task, size_t buffer_len)
{
	struct spare_list *spares = &task->lun->target->spare_ios;
	struct sbc_io *io = buffer_len == 0 ? spare_take(spares, sizeof(*io))
					    : calloc(1, sizeof(*io) + buffer_len);

	if (!io) {
		scsi_task_check_condition(task, SCSI_SENSE_INSUFFICIENT_RESOURCES);
		return NULL;
	}
	io->spares = spares;
	io->lun = task->lun;
	io->task = task;
	io->buffer = (uint8_t *)(io + 1);
	io->buffer_len = buffer_len;
	task->work = io;
	task->work_free = io_free;
	return io;
}

struct sbc_io *sbc_io_create_background(struct scsi_lun *lun, size_t buffer_len,
					void (*ended)(struct sbc_io *io))
{
	struct sbc_io *io = calloc(1, sizeof(*io) + buffer_len);

	if (!io)
		return NULL;
	io->lun = lun;
	io->buffer = (uint8_t *)(io + 1);
	io->buffer_len = buffer_len;
	io->ended = ended;
	return io;
}

/* ---- the chain of steps ---------------------------------------------------------------------- */

static void io_run(struct sbc_io *io);

static void accesses_start_ready(struct sbc_accesses *accesses);
static void io_submit_job(struct sbc_io *io);

/* ---- other loops ----------------------------------------------------------------------------- */

static bool marks_take(struct sbc_io *io)
{
	struct scsi_lun *lun = io->lun;

	enum sbc_mark mark = io->access == SBC_EXCLUSIVE ? SBC_MARK_ALONE : SBC_MARK_READ;

	if (!sbc_marks_take(lun->marks, lun->target->loop_number, mark, io->lba << lun->block_shift,
			    io->blocks << lun->block_shift))
		return false;
	io->marks = lun->marks;
	return true;
}

static void marks_give(struct sbc_io *io)
{
	struct scsi_lun *lun = io->lun;

	if (!io->marks)
		return;
	sbc_marks_give(io->marks, lun->target->loop_number, io->lba << lun->block_shift,
		       io->blocks << lun->block_shift);
	io->marks = NULL;
}

/* It has not begun, and nothing of it is left here. */
static bool io_goes_home(struct sbc_io *io)
{
	struct sbc_accesses *accesses = &io->lun->accesses;
	struct scsi_task *task = io->task;
	struct scsi_lun *lun = io->lun;

	if (!task || scsi_task_is_aborted(task) || !scsi_lease_send_home(task))
		return false;
	sbc_access_leave(accesses, io);
	io_free(io);
	accesses_start_ready(accesses);
	scsi_lun_settle(lun);
	return true;
}

/* Others stay where it wants to be: the home has them leave. */
static void io_give_up(struct sbc_io *io)
{
	if (!io->lun->lease) {
		io->awaits_recall = true;
		scsi_lun_recall(io->lun);
	} else if (!io_goes_home(io)) {
		io->tries = 0;
		io_submit_job(io);
	}
}

/* True: nobody is in its way. False: it begins later. */
static bool io_takes_marks(struct sbc_io *io)
{
	if (!io->lun->marks || io->blocks == 0 || marks_take(io))
		return true;
	/* An aborted one ends without having begun. */
	if (io->task && scsi_task_is_aborted(io->task))
		return true;
	io->comes_again = true;
	if (++io->tries < SBC_MARK_TRIES_MAX)
		io_submit_job(io);
	else
		io_give_up(io);
	return false;
}

bool sbc_io_mark_all(struct scsi_lun *lun)
{
	struct sbc_io *io;

	for (io = lun->accesses.first; io; io = io->next)
		if (io->begun && io->blocks > 0 && !io->marks && !marks_take(io))
			break;
	if (!io)
		return true;
	for (io = lun->accesses.first; io; io = io->next)
		marks_give(io);
	return false;
}

void sbc_io_leases_returned(struct scsi_lun *lun)
{
	for (struct sbc_io *io = lun->accesses.first; io; io = io->next) {
		if (!io->awaits_recall)
			continue;
		io->awaits_recall = io->comes_again = false;
		io->tries = 0;
		sbc_access_ready(&lun->accesses, io);
	}
	accesses_start_ready(&lun->accesses);
}

/* ---- the steps ------------------------------------------------------------------------------- */

/* Its turn has come. What it waited for may have left a medium that must not be written. */
static void io_begin(struct sbc_io *io)
{
	if (!io_takes_marks(io))
		return;
	io->begun = true;
	if (io->task && scsi_task_medium_is_broken(io->task))
		io->next_step = NULL;
	io_run(io);
}

/* One at a time, however deep in completions this is called. */
static void accesses_start_ready(struct sbc_accesses *accesses)
{
	if (accesses->starting)
		return;
	accesses->starting = true;
	while (accesses->ready_first) {
		struct sbc_io *io = accesses->ready_first;

		accesses->ready_first = io->ready_next;
		if (!accesses->ready_first)
			accesses->ready_last = NULL;
		io_begin(io);
	}
	accesses->starting = false;
}

/* The last thing done with the task: it and the io, and with the last task the LUN, may be gone
 * after scsi_task_finish. */
static void io_end(struct sbc_io *io)
{
	struct scsi_lun *lun = io->lun;

	if (io->entered) {
		marks_give(io);
		sbc_access_leave(&lun->accesses, io);
		accesses_start_ready(&lun->accesses);
	}
	if (io->task)
		scsi_task_finish(io->task);
	else
		io->ended(io);
}

static void io_fail(struct sbc_io *io)
{
	if (io->task)
		sbc_task_fail(io->task, io->request.op, io->request.error);
}

/* Takes the next step, unless there is a reason not to. True: a request is planned. */
static bool io_advance(struct sbc_io *io)
{
	sbc_step step = io->next_step;

	if (io->task && scsi_task_is_aborted(io->task) && !io->unstoppable)
		return false;
	if (io->request.error != 0) {
		io_fail(io);
		step = io->failed_step;
		io->failed_step = NULL;
		io->request.error = 0;
	}
	return step && step(io);
}

static struct sbc_io *io_of_job(struct scsi_job *job)
{
	return (struct sbc_io *)((char *)job - offsetof(struct sbc_io, job));
}

static void job_run(struct scsi_job *job)
{
	struct sbc_io *io = io_of_job(job);

	if (io->work)
		io->request.error = io->work(io);
}

static void job_done(struct scsi_job *job)
{
	struct sbc_io *io = io_of_job(job);

	io->work = NULL;
	io->delay_ms = 0;
	if (io->comes_again) {
		io->comes_again = false;
		io_begin(io);
	} else {
		io_run(io);
	}
}

/* Work, a delay, or, with neither, others get their turn of the loop before this one goes on. */
static void io_submit_job(struct sbc_io *io)
{
	io->job = (struct scsi_job){.run = job_run, .done = job_done, .quick = !io->work};
	scsi_executor_submit_later(io->lun->target->config.executor, &io->job, io->delay_ms);
}

static void io_submit(struct sbc_io *io)
{
	const struct backing_request *request = &io->request;
	struct scsi_lun *lun = io->lun;

	if (lun->lent && backing_op_changes(request->op))
		scsi_lent_settle(lun, request->offset, request->len);
	lun->backing->ops->submit(lun->backing, &io->request);
}

/* A store that completes before submit returns is driven in this loop, not by recursion; and not
 * for long, as nobody else is served meanwhile. */
static void io_run(struct sbc_io *io)
{
	unsigned in_a_row = 0;

	while (io_advance(io)) {
		if (io->parked)
			return;
		if (io->work || io->delay_ms > 0) {
			io_submit_job(io);
			return;
		}
		io->submitting = true;
		io->completed = false;
		io_submit(io);
		io->submitting = false;
		if (!io->completed)
			return;
		if (++in_a_row == SBC_IN_A_ROW_MAX) {
			io_submit_job(io);
			return;
		}
	}
	io_end(io);
}

static void io_done(struct backing_request *request)
{
	struct sbc_io *io = (struct sbc_io *)((char *)request - offsetof(struct sbc_io, request));

	if (io->submitting)
		io->completed = true;
	else
		io_run(io);
}

enum scsi_result sbc_io_start(struct sbc_io *io, enum sbc_access access, uint64_t lba,
			      uint64_t blocks, sbc_step first)
{
	/* Data-Out may come when an erasure has begun meanwhile: nothing of before is written
	 * behind it. */
	if (io->task && blocks > 0 && scsi_task_medium_is_erased(io->task))
		return SCSI_DONE;
	io->access = access;
	io->lba = lba;
	io->blocks = blocks;
	io->next_step = first;
	if (blocks > 0 || sbc_access_is_ordered(io))
		sbc_access_enter(&io->lun->accesses, io);
	if (io->blockers == 0)
		io_begin(io);
	return SCSI_PENDING;
}

bool sbc_io_plan(struct sbc_io *io, enum backing_op op, uint64_t offset, uint8_t *data,
		 uint64_t len, sbc_step next)
{
	bool same = op == BACKING_WRITE_SAME;

	assert(op == BACKING_FLUSH || (len > 0 && offset <= io->lun->backing->size &&
				       len <= io->lun->backing->size - offset));
	io->request = (struct backing_request){
		.op = op,
		.fua = io->fua && (op == BACKING_WRITE || op == BACKING_UNMAP || same),
		.offset = offset,
		.len = len,
		.data = data,
		.data_len = same   ? io->lun->block_size
			    : data ? (size_t)len
				   : 0,
		.done = io_done,
		.executor = io->lun->target->config.executor,
	};
	io->next_step = next;
	io->requests++;
	return true;
}

bool sbc_io_plan_work(struct sbc_io *io, int (*work)(struct sbc_io *io), sbc_step next)
{
	io->request = (struct backing_request){.op = BACKING_WRITE};
	io->work = work;
	io->next_step = next;
	return true;
}

bool sbc_io_plan_delay(struct sbc_io *io, uint32_t delay_ms, sbc_step next)
{
	io->delay_ms = delay_ms;
	io->next_step = next;
	return true;
}

bool sbc_io_park(struct sbc_io *io, sbc_step next)
{
	io->parked = true;
	io->next_step = next;
	return true;
}

void sbc_io_unpark(struct sbc_io *io)
{
	io->parked = false;
	io_run(io);
}

bool sbc_io_good(struct sbc_io *io)
{
	scsi_task_good(io->task);
	return false;
}
