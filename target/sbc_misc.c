/*
 * SYNCHRONIZE CACHE (10), (16), PRE-FETCH (10), (16), START STOP UNIT (SBC-3 5.18, 5.7, 5.17) and
 * PREVENT ALLOW MEDIUM REMOVAL (SPC-4 6.13).
 */
#include "target/sbc.h"

/* ---- the cache ------------------------------------------------------------------------------- */

static bool flush_step(struct sbc_io *io)
{
	return sbc_io_plan(io, BACKING_FLUSH, 0, NULL, 0, sbc_io_good);
}

#define SYNCHRONIZE_IMMED 0x02

/* Whatever the range, all of the cache is flushed: every write whose status was sent is covered. */
enum scsi_result scsi_synchronize_cache(struct scsi_task *task)
{
	struct scsi_extent extent = scsi_cdb_extent(task->cdb);

	if (!sbc_range_check(task, extent.lba, extent.blocks))
		return SCSI_DONE;
	if ((task->cdb[1] & SYNCHRONIZE_IMMED) != 0) {
		sbc_flush_behind(scsi_task_lun_nexus(task));
		scsi_task_good(task);
		return SCSI_DONE;
	}
	struct sbc_io *io = sbc_io_create(task, 0);
	if (!io)
		return SCSI_DONE;
	return sbc_io_start(io, SBC_SHARED, extent.lba, 0, flush_step);
}

static bool prefetch_step(struct sbc_io *io)
{
	const struct scsi_task *task = io->task;
	uint64_t lba = scsi_cdb_extent(task->cdb).lba;

	return sbc_io_plan(io, BACKING_PREFETCH, sbc_bytes(task, lba), NULL, io->end, sbc_io_good);
}

/*
 * The cache is the host's, and is only told. CONDITION MET would claim that all blocks are in it by
 * now, so the answer is GOOD, with IMMED and without.
 */
enum scsi_result scsi_prefetch(struct scsi_task *task)
{
	struct scsi_extent extent = scsi_cdb_extent(task->cdb);

	if (!sbc_range_check(task, extent.lba, extent.blocks))
		return SCSI_DONE;
	uint64_t left = task->lun->blocks - extent.lba;
	if (left == 0) {
		scsi_task_good(task);
		return SCSI_DONE;
	}
	struct sbc_io *io = sbc_io_create(task, 0);
	if (!io)
		return SCSI_DONE;
	io->end = sbc_bytes(task, extent.blocks > 0 ? extent.blocks : left); /* 0: to the end */
	return sbc_io_start(io, SBC_SHARED, extent.lba, 0, prefetch_step);
}

/* ---- the medium ------------------------------------------------------------------------------ */

#define START_STOP_START 0x01
#define START_STOP_LOEJ	 0x02

static bool removal_is_prevented(const struct scsi_lun *lun)
{
	for (const struct scsi_lun_nexus *nexus = lun->nexuses; nexus; nexus = nexus->next) {
		if (nexus->prevents_removal)
			return true;
	}
	return false;
}

/* A medium that comes back may be another one, as far as the other nexuses can tell. */
static void lun_start(struct scsi_task *task)
{
	struct scsi_lun *lun = task->lun;

	if (lun->ejected)
		scsi_lun_raise(lun, SCSI_UA_MEDIUM_MAY_HAVE_CHANGED, task->nexus);
	lun->ejected = false;
	lun->stopped = false;
}

/*
 * A disk is stopped until it is started again (SBC-3 4.20.5). A removable medium is taken for a
 * card in its slot: there is no motor, so without LOEJ all that happens is the flush.
 */
static bool stop_step(struct sbc_io *io)
{
	struct scsi_lun *lun = io->task->lun;
	bool eject = (io->task->cdb[4] & START_STOP_LOEJ) != 0;

	lun->stopped = lun->stopped || eject || !lun->config.removable;
	lun->ejected = lun->ejected || eject;
	return sbc_io_good(io);
}

static bool stop_flush_step(struct sbc_io *io)
{
	return sbc_io_plan(io, BACKING_FLUSH, 0, NULL, 0, stop_step);
}

/* NO_FLUSH permits to leave the cache alone, and does not ask for it. */
static enum scsi_result lun_stop(struct scsi_task *task)
{
	struct sbc_io *io = sbc_io_create(task, 0);

	if (!io)
		return SCSI_DONE;
	return sbc_io_start(io, SBC_SHARED, 0, 0, stop_flush_step);
}

enum scsi_result scsi_start_stop_unit(struct scsi_task *task)
{
	const struct scsi_lun *lun = task->lun;
	bool start = (task->cdb[4] & START_STOP_START) != 0;
	bool load_eject = (task->cdb[4] & START_STOP_LOEJ) != 0;

	if (task->cdb[4] >> 4 != 0) {
		/* POWER CONDITION: START and LOEJ are ignored, and we have one condition only. */
		scsi_task_good(task);
		return SCSI_DONE;
	}
	if (load_eject && !lun->config.removable) {
		scsi_task_invalid_cdb_field(task, 4, 1);
		return SCSI_DONE;
	}
	if (load_eject && removal_is_prevented(lun)) { /* to load is to move it as well */
		scsi_task_check_condition(task, SCSI_SENSE_MEDIUM_REMOVAL_PREVENTED);
		return SCSI_DONE;
	}
	if (start && lun->ejected && !load_eject) {
		scsi_task_check_condition(task, SCSI_SENSE_NOT_READY_MEDIUM_NOT_PRESENT);
		return SCSI_DONE;
	}
	if (!start)
		return lun_stop(task);
	lun_start(task);
	scsi_task_good(task);
	return SCSI_DONE;
}

enum scsi_result scsi_prevent_allow(struct scsi_task *task)
{
	uint8_t prevent = task->cdb[4] & 0x03;

	if (prevent > 1) { /* obsolete: the medium changer's own */
		scsi_task_invalid_cdb_field(task, 4, 1);
		return SCSI_DONE;
	}
	scsi_task_lun_nexus(task)->prevents_removal = prevent == 1;
	scsi_task_good(task);
	return SCSI_DONE;
}
