/*
 * Drives medium accesses; see sbc.h. All of it runs on the loop's thread.
 */
#include "target/sbc.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "target/lease.h"
#include "target/lent.h"

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

/* ---- the range of blocks --------------------------------------------------------------------- */

static bool is_ordered(const struct sbc_io *io)
{
	return io->task && io->task->attribute == SCSI_ATTRIBUTE_ORDERED;
}

/* HEAD OF QUEUE waits for nobody's turn. */
static bool conflict_in_order(const struct sbc_io *earlier, const struct sbc_io *later)
{
	return earlier->task && later->task && (is_ordered(earlier) || is_ordered(later)) &&
	       earlier->task->nexus != later->task->nexus &&
	       later->task->attribute != SCSI_ATTRIBUTE_HEAD_OF_QUEUE;
}

static bool conflict(const struct sbc_io *earlier, const struct sbc_io *later)
{
	bool exclusive = earlier->access == SBC_EXCLUSIVE || later->access == SBC_EXCLUSIVE;

	return (exclusive && earlier->lba < later->lba + later->blocks &&
		later->lba < earlier->lba + earlier->blocks) ||
	       conflict_in_order(earlier, later);
}

#define REGION_SHIFT   7 /* blocks of a region, as a power of 2 */
#define REGIONS_OF_ONE 8 /* an access that touches more is counted as wide */

static bool is_wide(uint64_t blocks)
{
	return blocks > (uint64_t)(REGIONS_OF_ONE - 1) << REGION_SHIFT;
}

static unsigned *region_of(struct sbc_accesses *accesses, uint64_t region)
{
	return &accesses->regions[region % SBC_REGIONS];
}

static uint64_t first_region(uint64_t lba)
{
	return lba >> REGION_SHIFT;
}

/* One behind the last; none of an access without blocks. */
static uint64_t end_region(uint64_t lba, uint64_t blocks)
{
	return blocks == 0 ? first_region(lba) : ((lba + blocks - 1) >> REGION_SHIFT) + 1;
}

static void count_regions(struct sbc_accesses *accesses, const struct sbc_io *io, bool enters)
{
	uint64_t end = end_region(io->lba, io->blocks);

	if (is_wide(io->blocks)) {
		accesses->wide += enters ? 1u : -1u;
		return;
	}
	for (uint64_t region = first_region(io->lba); region < end; region++)
		*region_of(accesses, region) += enters ? 1u : -1u;
}

/* False: none of those that are there can have any of these blocks, nor an earlier turn. */
static bool may_be_taken(struct sbc_accesses *accesses, uint64_t lba, uint64_t blocks)
{
	uint64_t end = end_region(lba, blocks);

	if (accesses->ordered > 0 || accesses->wide > 0 || is_wide(blocks))
		return true;
	for (uint64_t region = first_region(lba); region < end; region++)
		if (*region_of(accesses, region) > 0)
			return true;
	return false;
}

static bool may_conflict(struct sbc_accesses *accesses, const struct sbc_io *io)
{
	return is_ordered(io) || may_be_taken(accesses, io->lba, io->blocks);
}

static void access_enter(struct sbc_accesses *accesses, struct sbc_io *io)
{
	/* Nearly always nothing is about that could conflict, and nobody has to be looked at. */
	if (may_conflict(accesses, io)) {
		for (const struct sbc_io *other = accesses->first; other; other = other->next)
			io->blockers += conflict(other, io);
	}
	accesses->ordered += is_ordered(io);
	accesses->waiting += io->blockers > 0;
	count_regions(accesses, io, true);
	io->entered = true;
	io->prev = accesses->last;
	if (accesses->last)
		accesses->last->next = io;
	else
		accesses->first = io;
	accesses->last = io;
}

static void access_ready(struct sbc_accesses *accesses, struct sbc_io *io)
{
	io->ready_next = NULL; /* it may have waited here before (sbc_io_leases_returned) */
	if (accesses->ready_last)
		accesses->ready_last->ready_next = io;
	else
		accesses->ready_first = io;
	accesses->ready_last = io;
}

/* Leaves the list; those behind it that waited for it alone become ready. */
static void access_leave(struct sbc_accesses *accesses, struct sbc_io *io)
{
	if (accesses->waiting > 0) {
		for (struct sbc_io *other = io->next; other; other = other->next) {
			if (!conflict(io, other) || --other->blockers > 0)
				continue;
			accesses->waiting--;
			access_ready(accesses, other);
		}
	}
	accesses->ordered -= is_ordered(io);
	count_regions(accesses, io, false);
	if (io->prev)
		io->prev->next = io->next;
	else
		accesses->first = io->next;
	if (io->next)
		io->next->prev = io->prev;
	else
		accesses->last = io->prev;
}

/* ---- errors ---------------------------------------------------------------------------------- */

enum scsi_sense sbc_error_sense(enum backing_op op, int error)
{
	switch (-error) {
	case ENOSPC:
	case EDQUOT:
		return SCSI_SENSE_SPACE_ALLOCATION_FAILED;
	case ENOMEM:
		return SCSI_SENSE_INSUFFICIENT_RESOURCES;
	default:
		break;
	}
	switch (op) {
	case BACKING_READ:
		return SCSI_SENSE_UNRECOVERED_READ_ERROR;
	case BACKING_WRITE:
	case BACKING_FLUSH:
	case BACKING_UNMAP:
	case BACKING_WRITE_SAME:
		return SCSI_SENSE_WRITE_ERROR;
	case BACKING_PREFETCH:
	case BACKING_EXTENT:
	case BACKING_INVALID:
		break;
	}
	return SCSI_SENSE_INTERNAL_TARGET_FAILURE;
}

static void task_fail(struct scsi_task *task, enum backing_op op, int error)
{
	task->data_in_len = 0; /* an error status travels without data */
	task->transfer_len = 0;
	scsi_task_check_condition(task, sbc_error_sense(op, error));
}

/* ---- at once --------------------------------------------------------------------------------- */

/* Is nothing under way that it could meet? Then it need not enter to be alone. */
static bool is_apart(struct scsi_lun *lun, uint64_t offset, uint64_t len)
{
	return !lun->accesses.first || !may_be_taken(&lun->accesses, offset >> lun->block_shift,
						     ((len - 1) >> lun->block_shift) + 1);
}

static bool may_be_at_once(const struct scsi_task *task, uint64_t offset, uint64_t len)
{
	struct scsi_lun *lun = task->lun;

	return lun->backing->ops->at_once && !lun->erase && !lun->intents.broken &&
	       task->attribute != SCSI_ATTRIBUTE_ORDERED && is_apart(lun, offset, len);
}

bool sbc_at_once(struct scsi_task *task, enum backing_op op, uint64_t offset, uint8_t *data,
		 size_t len)
{
	const struct scsi_lun *lun = task->lun;
	struct backing *backing = lun->backing;
	unsigned loop = lun->target->loop_number;

	assert(offset <= backing->size && len <= backing->size - offset);
	enum sbc_mark mark = op == BACKING_WRITE ? SBC_MARK_ALONE : SBC_MARK_READ;
	if (!may_be_at_once(task, offset, len) ||
	    (lun->marks && !sbc_marks_take(lun->marks, loop, mark, offset, len)))
		return false;
	if (op == BACKING_WRITE && lun->lent)
		scsi_lent_settle(task->lun, offset, len);
	int error = backing->ops->at_once(backing, op, offset, data, len);
	if (lun->marks)
		sbc_marks_give(lun->marks, loop, offset, len);
	if (error == -EAGAIN)
		return false;
	if (error == 0)
		scsi_task_good(task);
	else
		task_fail(task, op, error);
	return true;
}

bool sbc_lend(struct scsi_task *task, uint64_t offset, uint64_t len)
{
	assert(offset <= task->lun->backing->size && len <= task->lun->backing->size - offset);
	if (!may_be_at_once(task, offset, len) || !scsi_lent_begin(task, offset, len))
		return false;
	scsi_task_good(task);
	return true;
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
	access_leave(accesses, io);
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
		access_ready(&lun->accesses, io);
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
		access_leave(&lun->accesses, io);
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
		task_fail(io->task, io->request.op, io->request.error);
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
	if (blocks > 0 || is_ordered(io))
		access_enter(&io->lun->accesses, io);
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
