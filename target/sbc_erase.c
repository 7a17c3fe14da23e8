/*
 * An erasure's beginning and end, and what everybody else sees of it; see sbc_erase.h.
 */
#include "target/sbc_erase.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* ---- what others see ------------------------------------------------------------------------- */

/* 65536ths (SPC-4 4.5.2.4.4). */
static uint16_t erase_progress(const struct sbc_erase *erase)
{
	uint64_t size = scsi_lun_medium_size(erase->lun);
	uint64_t done = size >> 16 > 0 ? erase->record.at / ((size >> 16) + 1)
				       : erase->record.at * 65535 / size;

	return (uint16_t)((erase->record.pass * UINT64_C(65536) + done) / erase->record.passes);
}

static bool is_format(const struct sbc_erase *erase)
{
	return erase->record.operation == MEDIUM_FORMAT;
}

static enum scsi_sense failure_of(const struct sbc_erase *erase)
{
	return is_format(erase) ? SCSI_SENSE_FORMAT_FAILED : SCSI_SENSE_SANITIZE_FAILED;
}

bool scsi_lun_erase_state(const struct scsi_lun *lun, enum scsi_sense *ret_sense,
			  uint16_t *ret_progress)
{
	const struct sbc_erase *erase = lun->erase;

	if (!erase)
		return false;
	*ret_progress = erase->io ? erase_progress(erase) : 0;
	if (erase->io)
		*ret_sense = is_format(erase) ? SCSI_SENSE_FORMAT_IN_PROGRESS
					      : SCSI_SENSE_SANITIZE_IN_PROGRESS;
	else
		*ret_sense = failure_of(erase);
	return true;
}

bool scsi_task_medium_is_erased(struct scsi_task *task)
{
	enum scsi_sense sense;
	uint16_t progress;

	if (!scsi_lun_erase_state(task->lun, &sense, &progress))
		return false;
	if (task->lun->erase->io)
		scsi_task_check_condition_progress(task, sense, progress);
	else
		scsi_task_check_condition(task, sense);
	return true;
}

bool sbc_erase_permits(struct scsi_task *task, enum medium_operation operation)
{
	const struct sbc_erase *erase = task->lun->erase;

	/* What a SANITIZE could not do, a FORMAT UNIT does not mend. */
	if (!erase || (!erase->io && (operation != MEDIUM_FORMAT || is_format(erase))))
		return true;
	scsi_task_medium_is_erased(task);
	return false;
}

/* ---- the waiter ------------------------------------------------------------------------------ */

/* Aborted: nobody waits any more. The erasure goes on (SBC-3 4.11.2). */
static bool waiter_withdraw(struct scsi_task *task)
{
	task->lun->erase->waiter = NULL;
	return true;
}

void sbc_erase_finish_waiter(struct scsi_task *task, enum scsi_sense sense)
{
	if (!task)
		return;
	task->cancel = NULL;
	if (sense == SCSI_SENSE_NONE)
		scsi_task_good(task);
	else
		scsi_task_check_condition(task, sense);
	scsi_task_finish(task);
}

struct scsi_task *sbc_erase_take_waiter(struct sbc_erase *erase)
{
	struct scsi_task *task = erase->waiter;

	erase->waiter = NULL;
	return task;
}

/* ---- beginning and ending -------------------------------------------------------------------- */

/* What is left to be remembered when it has ended: true, or nothing. */
static bool erase_settle(struct sbc_erase *erase, enum scsi_sense *ret_sense)
{
	switch (erase->outcome) {
	case SBC_ERASE_FAILED:
		*ret_sense = failure_of(erase);
		return true;
	case SBC_ERASE_NOT_BEGUN:
		*ret_sense = SCSI_SENSE_INTERNAL_TARGET_FAILURE;
		erase->record = erase->before;
		return erase->before.operation != MEDIUM_IDLE;
	case SBC_ERASE_DONE:
		*ret_sense = SCSI_SENSE_NONE;
		return false;
	case SBC_ERASE_OPEN:
		break;
	}
	*ret_sense = SCSI_SENSE_INTERNAL_TARGET_FAILURE; /* left off: nobody waits */
	return true;
}

/* The last thing done with it: who waits may begin another one at once. */
static void erase_ended(struct sbc_io *io)
{
	struct scsi_lun *lun = io->lun;
	struct sbc_erase *erase = lun->erase;
	struct scsi_task *waiter = sbc_erase_take_waiter(erase);
	enum scsi_sense sense;

	free(io);
	erase->io = NULL;
	if (!erase_settle(erase, &sense)) {
		lun->erase = NULL;
		free(erase);
	}
	scsi_lun_settle(lun);
	sbc_erase_finish_waiter(waiter, sense);
}

static bool erase_start(struct scsi_lun *lun, struct sbc_erase *erase, sbc_step first)
{
	struct sbc_io *io = sbc_io_create_background(lun, lun->block_size, erase_ended);

	if (!io)
		return false;
	erase->lun = lun;
	erase->io = io;
	erase->outcome = SBC_ERASE_OPEN;
	lun->erase = erase;
	sbc_io_start(io, SBC_EXCLUSIVE, 0, lun->blocks, first);
	return true;
}

enum scsi_result sbc_erase_begin(struct scsi_task *task, const struct medium_erase_record *record,
				 bool immediate)
{
	struct scsi_lun *lun = task->lun;
	struct sbc_erase *failed = lun->erase;
	struct sbc_erase *erase = calloc(1, sizeof(*erase));

	if (erase) {
		erase->record = *record;
		erase->record.medium = scsi_lun_medium_identity(lun);
		erase->record.passes = sbc_erase_passes(lun, record);
		erase->before = failed ? failed->record : erase->before;
		erase->waiter = task;
		erase->immediate = immediate;
		task->cancel = waiter_withdraw;
	}
	if (!erase || !erase_start(lun, erase, sbc_erase_begin_step)) {
		free(erase);
		task->cancel = NULL;
		scsi_task_check_condition(task, SCSI_SENSE_INSUFFICIENT_RESOURCES);
		return SCSI_DONE;
	}
	free(failed);
	return SCSI_PENDING;
}

/* ---- a failure that is to be forgotten ------------------------------------------------------- */

enum scsi_result sbc_erase_forget(struct scsi_task *task)
{
	struct sbc_io *io = sbc_io_create(task, 0);

	if (!io)
		return SCSI_DONE;
	/* Until it is over nothing else begins, and it is not left halfway. */
	task->lun->erase->io = io;
	io->unstoppable = true;
	return sbc_io_start(io, SBC_SHARED, 0, 0, sbc_erase_forget_step);
}

/* ---- the LUN comes and goes ------------------------------------------------------------------ */

int scsi_lun_erase_restore(struct scsi_lun *lun)
{
	struct medium_identity now = scsi_lun_medium_identity(lun);
	struct medium_erase_record record = {.operation = MEDIUM_IDLE};
	int error = 0;

	if (lun->config.medium_store)
		error = medium_erase_load(lun->config.medium_store, &record);
	if (error != 0 || record.operation == MEDIUM_IDLE)
		return error;
	/* It may have grown meanwhile. */
	if (record.medium.size > now.size || record.medium.identity != now.identity ||
	    lun->config.read_only)
		return -EMEDIUMTYPE;
	struct sbc_erase *erase = calloc(1, sizeof(*erase));
	if (!erase)
		return -ENOMEM;
	erase->lun = lun;
	erase->record = record;
	erase->outcome = record.failed ? SBC_ERASE_FAILED : SBC_ERASE_OPEN;
	lun->erase = erase;
	return 0;
}

bool scsi_lun_erase_resume(struct scsi_lun *lun)
{
	struct sbc_erase *erase = lun->erase;

	return !erase || erase->outcome == SBC_ERASE_FAILED ||
	       erase_start(lun, erase, sbc_erase_resume_step);
}

void scsi_lun_erase_stop(struct scsi_lun *lun)
{
	if (lun->erase)
		lun->erase->stopping = true;
}

bool scsi_lun_erase_is_running(const struct scsi_lun *lun)
{
	return lun->erase && lun->erase->io;
}

void scsi_lun_erase_free(struct scsi_lun *lun)
{
	assert(!scsi_lun_erase_is_running(lun));
	free(lun->erase);
	lun->erase = NULL;
}
