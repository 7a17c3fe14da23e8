/*
 * WRITE ATOMIC (16) (SBC-4 5.48): all of it or nothing, as others see it and over a crash.
 *
 * Others see no part of it because the access is exclusive. Against a crash the data are first made
 * durable in the medium's store, then on the medium, and only then forgotten by the store; a start
 * that finds them there writes them again, before anybody reads what may be half of them. There is
 * one such place a LUN, so atomic writes go one after the other. What does not survive a crash
 * anyway needs none of this.
 *
 * If the store cannot be made to forget, writes are refused from then on, those that waited for
 * their turn or their data too: the next start would write old data over theirs.
 */
#include "target/sbc.h"

#include <errno.h>
#include <stdlib.h>

static struct sbc_intents *intents_of(const struct sbc_io *io)
{
	return &io->lun->intents;
}

/* ---- the one place --------------------------------------------------------------------------- */

static void intents_enqueue(struct sbc_intents *intents, struct sbc_io *io)
{
	if (intents->last)
		intents->last->ready_next = io;
	else
		intents->first = io;
	intents->last = io;
	io->ready_next = NULL;
}

/* One after the other, however deep in completions this is called. */
static void intents_release(struct sbc_intents *intents)
{
	intents->owner = NULL;
	if (intents->waking)
		return;
	intents->waking = true;
	while (!intents->owner && intents->first) {
		struct sbc_io *io = intents->first;

		intents->first = io->ready_next;
		if (!intents->first)
			intents->last = NULL;
		intents->owner = io;
		sbc_io_unpark(io);
	}
	intents->waking = false;
}

/* ---- the steps ------------------------------------------------------------------------------- */

/* io->at: offset on the medium; io->end: bytes. */
static uint8_t *data_of(const struct sbc_io *io)
{
	return io->task ? io->task->data_out : io->buffer;
}

/* On a worker: the LUN's size is not its to look at, as that may change meanwhile. */
static int store_work(struct sbc_io *io)
{
	const struct medium_intent intent = {
		.medium = intents_of(io)->medium,
		.offset = io->at,
		.len = (uint32_t)io->end,
	};

	return medium_intent_store(io->lun->config.medium_store, &intent, data_of(io));
}

static int clear_work(struct sbc_io *io)
{
	return medium_intent_clear(io->lun->config.medium_store);
}

static bool over_step(struct sbc_io *io)
{
	intents_release(intents_of(io));
	return false;
}

static bool done_step(struct sbc_io *io)
{
	if (io->task)
		scsi_task_good(io->task);
	return over_step(io);
}

static bool broken_step(struct sbc_io *io)
{
	intents_of(io)->broken = true;
	return over_step(io);
}

/* After an error: whatever stands there must not be written at the next start. */
static bool undo_step(struct sbc_io *io)
{
	io->failed_step = broken_step;
	return sbc_io_plan_work(io, clear_work, over_step);
}

static bool clear_step(struct sbc_io *io)
{
	io->failed_step = broken_step;
	return sbc_io_plan_work(io, clear_work, done_step);
}

static bool write_step(struct sbc_io *io)
{
	io->fua = true;
	return sbc_io_plan(io, BACKING_WRITE, io->at, data_of(io), io->end, clear_step);
}

static bool store_step(struct sbc_io *io)
{
	if (scsi_task_is_aborted(io->task) || scsi_task_medium_is_broken(io->task))
		return over_step(io);
	io->failed_step = undo_step;
	intents_of(io)->medium = scsi_lun_medium_identity(io->lun);
	return sbc_io_plan_work(io, store_work, write_step);
}

/* From here on the place has to be given back, so no abort ends it between two steps. */
static bool take_step(struct sbc_io *io)
{
	struct sbc_intents *intents = intents_of(io);

	io->unstoppable = true;
	if (intents->owner) {
		intents_enqueue(intents, io);
		return sbc_io_park(io, store_step);
	}
	intents->owner = io;
	return store_step(io);
}

static bool volatile_step(struct sbc_io *io)
{
	io->fua = sbc_durable(io->task);
	return sbc_io_plan(io, BACKING_WRITE, io->at, io->task->data_out, io->end, sbc_io_good);
}

bool scsi_task_medium_is_broken(struct scsi_task *task)
{
	if (!task->lun->intents.broken || !(task->command->flags & SCSI_COMMAND_WRITES_MEDIUM))
		return false;
	scsi_task_check_condition(task, SCSI_SENSE_INTERNAL_TARGET_FAILURE);
	return true;
}

/* ---- the command ----------------------------------------------------------------------------- */

uint32_t sbc_atomic_max_blocks(const struct scsi_lun *lun)
{
	uint32_t most = (uint32_t)(SBC_ATOMIC_MAX_BYTES >> lun->block_shift);
	uint32_t transfer_max = sbc_transfer_max_blocks(lun);

	if (!lun->backing->volatile_store && !lun->config.medium_store)
		return 0;
	if (transfer_max < most)
		most = transfer_max;
	return most - most % lun->config.atomic_granularity;
}

/* SBC-4 6.6.4: a multiple of so many blocks at a multiple of so many, or INVALID FIELD IN CDB. */
static bool is_granular(struct scsi_task *task, struct scsi_extent extent)
{
	uint32_t granularity = task->lun->config.atomic_granularity;

	if (extent.lba % granularity != 0) {
		scsi_task_invalid_cdb_field(task, 2, -1);
		return false;
	}
	if (extent.blocks % granularity != 0) {
		scsi_task_invalid_cdb_field(task, 12, -1);
		return false;
	}
	return true;
}

/* ATOMIC BOUNDARY, in front of the length, is 0: none is supported. */
enum scsi_result scsi_write_atomic(struct scsi_task *task)
{
	struct scsi_extent extent = scsi_cdb_extent(task->cdb);
	uint32_t most = sbc_atomic_max_blocks(task->lun);

	if (most == 0) {
		scsi_task_check_condition(task, SCSI_SENSE_INVALID_OPERATION_CODE);
		return SCSI_DONE;
	}
	if (!sbc_range_check(task, extent.lba, extent.blocks) || !is_granular(task, extent))
		return SCSI_DONE;
	if (extent.blocks > most) {
		scsi_task_invalid_cdb_field(task, 12, -1);
		return SCSI_DONE;
	}
	if (extent.blocks == 0) {
		scsi_task_good(task);
		return SCSI_DONE;
	}
	/* Half of it would not be all of it. */
	if (!sbc_data_out_exact(task, sbc_bytes(task, extent.blocks)))
		return SCSI_DONE;
	return scsi_task_want(task, sbc_bytes(task, extent.blocks));
}

enum scsi_result scsi_write_atomic_data(struct scsi_task *task)
{
	struct scsi_extent extent = scsi_cdb_extent(task->cdb);
	struct sbc_io *io = sbc_io_create(task, 0);

	if (!io)
		return SCSI_DONE;
	io->at = sbc_bytes(task, extent.lba);
	io->end = sbc_bytes(task, extent.blocks);
	return sbc_io_start(io, SBC_EXCLUSIVE, extent.lba, extent.blocks,
			    task->lun->backing->volatile_store ? volatile_step : take_step);
}

/* ---- the LUN comes --------------------------------------------------------------------------- */

static void redo_ended(struct sbc_io *io)
{
	scsi_lun_settle(io->lun);
	free(io);
}

/* A failure leaves the medium as it may be, half written: nothing may be written over it. */
static bool redo_step(struct sbc_io *io)
{
	io->failed_step = broken_step;
	return write_step(io);
}

static int intent_check(const struct scsi_lun *lun, const struct medium_intent *intent)
{
	struct medium_identity now = scsi_lun_medium_identity(lun);
	uint32_t block = lun->block_size;

	if (intent->medium.size > now.size || intent->medium.identity != now.identity ||
	    lun->config.read_only)
		return -EMEDIUMTYPE;
	if (intent->len % block != 0 || intent->offset % block != 0 || intent->offset > now.size ||
	    intent->len > now.size - intent->offset)
		return -EILSEQ;
	return 0;
}

int scsi_lun_intent_restore(struct scsi_lun *lun)
{
	struct medium_intent intent;

	if (!lun->config.medium_store)
		return 0;
	struct sbc_io *io = sbc_io_create_background(lun, SBC_ATOMIC_MAX_BYTES, redo_ended);
	if (!io)
		return -ENOMEM;
	int error = medium_intent_load(lun->config.medium_store, &intent, io->buffer,
				       SBC_ATOMIC_MAX_BYTES);
	if (error == 0 && intent.len > 0)
		error = intent_check(lun, &intent);
	if (error != 0 || intent.len == 0) {
		free(io);
		return error;
	}
	io->at = intent.offset;
	io->end = intent.len;
	lun->intents.owner = io;
	return 0;
}

void scsi_lun_intent_redo(struct scsi_lun *lun)
{
	struct sbc_io *io = lun->intents.owner;

	if (io)
		sbc_io_start(io, SBC_EXCLUSIVE, io->at >> lun->block_shift,
			     io->end >> lun->block_shift, redo_step);
}

void scsi_lun_intent_drop(struct scsi_lun *lun)
{
	free(lun->intents.owner);
	lun->intents.owner = NULL;
}
