/*
 * The steps of an erasure; see sbc_erase.h. A pass goes over the whole medium once:
 *
 *  - fill: the pattern is written over everything (OVERWRITE; every other pass inverted if asked);
 *  - wipe: zeros are written over what is mapped, in place;
 *  - unmap: everything is unmapped.
 *
 * BLOCK ERASE wipes and then, on a thin LUN, unmaps: only to punch holes would leave the old data
 * on the host's disk. FORMAT UNIT promises nothing about old data: it unmaps, or wipes where it
 * cannot.
 */
#include "target/sbc_erase.h"

#include <stdlib.h>
#include <string.h>

/* Bytes after which the record is brought up to date, so that a restart begins no earlier. */
#define STORE_EVERY ((uint64_t)1024 * 1024 * 1024)
/* With a rate: bytes at a time, and the longest pause that the end of the LUN may have to wait for.
 */
#define PACED_PART   ((uint64_t)1024 * 1024)
#define PAUSE_MAX_MS 100

enum pass_kind {
	PASS_INVALID = 0,
	PASS_FILL,
	PASS_WIPE,
	PASS_UNMAP,
};

static struct sbc_erase *erase_of(const struct sbc_io *io)
{
	return io->lun->erase;
}

static enum pass_kind pass_of(const struct sbc_erase *erase)
{
	switch (erase->record.operation) {
	case MEDIUM_OVERWRITE:
		return PASS_FILL;
	case MEDIUM_BLOCK_ERASE:
	case MEDIUM_CRYPTOGRAPHIC_ERASE:
		return erase->record.pass == 0 ? PASS_WIPE : PASS_UNMAP;
	case MEDIUM_FORMAT:
		return erase->lun->config.thin ? PASS_UNMAP : PASS_WIPE;
	case MEDIUM_IDLE:
	case MEDIUM_OPERATION_COUNT:
		break;
	}
	return PASS_INVALID;
}

uint8_t sbc_erase_passes(const struct scsi_lun *lun, const struct medium_erase_record *record)
{
	switch (record->operation) {
	case MEDIUM_OVERWRITE:
		return record->passes;
	case MEDIUM_BLOCK_ERASE:
	case MEDIUM_CRYPTOGRAPHIC_ERASE:
		return lun->config.thin ? 2 : 1;
	case MEDIUM_FORMAT:
	case MEDIUM_IDLE:
	case MEDIUM_OPERATION_COUNT:
		break;
	}
	return 1;
}

/* ---- the record ------------------------------------------------------------------------------ */

static int store_work(struct sbc_io *io)
{
	return medium_erase_store(io->lun->config.medium_store, &erase_of(io)->record);
}

static int store_idle_work(struct sbc_io *io)
{
	return medium_erase_store(io->lun->config.medium_store,
				  &(struct medium_erase_record){.operation = MEDIUM_IDLE});
}

/* Nothing survives a restart where there is no store, and nothing has to. */
static bool plan_store(struct sbc_io *io, int (*work)(struct sbc_io *io), sbc_step next)
{
	erase_of(io)->since_store = 0;
	erase_of(io)->record.medium = scsi_lun_medium_identity(io->lun);
	return io->lun->config.medium_store ? sbc_io_plan_work(io, work, next) : next(io);
}

/* ---- the steps ------------------------------------------------------------------------------- */

static bool pass_step(struct sbc_io *io);

static bool end_step(struct sbc_io *io)
{
	(void)io;
	return false;
}

/* Something went wrong: that is remembered, if it can be; if not, a restart will try all again. */
static bool fail_step(struct sbc_io *io)
{
	erase_of(io)->outcome = SBC_ERASE_FAILED;
	erase_of(io)->record.failed = true;
	return plan_store(io, store_work, end_step);
}

static bool finished_step(struct sbc_io *io)
{
	erase_of(io)->outcome = SBC_ERASE_DONE;
	return false;
}

static bool pass_over_step(struct sbc_io *io)
{
	struct sbc_erase *erase = erase_of(io);

	if (erase->record.pass + 1 == erase->record.passes)
		return plan_store(io, store_idle_work, finished_step);
	erase->record.pass++;
	erase->record.at = 0;
	return plan_store(io, store_work, pass_step);
}

/* What the record says is done, is on stable storage. */
static bool checkpoint_step(struct sbc_io *io)
{
	return plan_store(io, store_work, pass_step);
}

static bool pause_step(struct sbc_io *io)
{
	struct sbc_erase *erase = erase_of(io);
	uint64_t pause_ms = erase->pause_ms < PAUSE_MAX_MS ? erase->pause_ms : PAUSE_MAX_MS;

	if (pause_ms == 0 || erase->stopping)
		return pass_step(io);
	erase->pause_ms -= pause_ms;
	return sbc_io_plan_delay(io, (uint32_t)pause_ms, pause_step);
}

static bool part_done_step(struct sbc_io *io)
{
	uint64_t rate = io->lun->config.erase_rate;
	struct sbc_erase *erase = erase_of(io);

	erase->record.at += erase->len;
	erase->since_store += erase->len;
	erase->pause_ms = rate > 0 ? erase->len * 1000 / rate : 0;
	return pause_step(io);
}

/* One block, as this pass wants it: the pattern over and over (SBC-3 5.29.2). */
static void fill_block(struct sbc_io *io)
{
	const struct medium_erase_record *record = &erase_of(io)->record;
	uint8_t flip = record->invert && record->pass % 2 == 1 ? 0xff : 0;

	memset(io->buffer, 0, io->buffer_len);
	for (size_t i = 0; record->operation == MEDIUM_OVERWRITE && i < io->buffer_len; i++)
		io->buffer[i] = record->pattern[i % record->pattern_len] ^ flip;
}

/* With a rate parts are short, but not so short that holes could not be punched. */
static uint64_t part_len(const struct sbc_io *io, uint64_t chunk)
{
	uint64_t left = scsi_lun_medium_size(io->lun) - erase_of(io)->record.at;

	if (io->lun->config.erase_rate > 0)
		chunk = PACED_PART;
	return left < chunk ? left : chunk;
}

static bool write_part(struct sbc_io *io)
{
	struct sbc_erase *erase = erase_of(io);

	erase->len = part_len(io, SBC_FILL_CHUNK);
	fill_block(io);
	return sbc_io_plan(io, BACKING_WRITE_SAME, erase->record.at, io->buffer, erase->len,
			   part_done_step);
}

static bool unmap_part(struct sbc_io *io)
{
	struct sbc_erase *erase = erase_of(io);

	erase->len = part_len(io, SBC_UNMAP_CHUNK);
	return sbc_io_plan(io, BACKING_UNMAP, erase->record.at, NULL, erase->len, part_done_step);
}

/* A hole has nothing to be wiped. One that ends within a block is taken for data. */
static bool extent_step(struct sbc_io *io)
{
	struct sbc_erase *erase = erase_of(io);
	uint64_t hole = io->request.len >> io->lun->block_shift << io->lun->block_shift;

	if (io->request.mapped || hole == 0)
		return write_part(io);
	erase->record.at += hole;
	erase->since_store += hole;
	return pass_step(io);
}

static bool pass_step(struct sbc_io *io)
{
	struct sbc_erase *erase = erase_of(io);
	uint64_t left = scsi_lun_medium_size(io->lun) - erase->record.at;

	if (erase->stopping)
		return false;
	if (left == 0)
		return sbc_io_plan(io, BACKING_FLUSH, 0, NULL, 0, pass_over_step);
	if (erase->since_store >= STORE_EVERY)
		return sbc_io_plan(io, BACKING_FLUSH, 0, NULL, 0, checkpoint_step);
	switch (pass_of(erase)) {
	case PASS_FILL:
		return write_part(io);
	case PASS_WIPE:
		return sbc_io_plan(io, BACKING_EXTENT, erase->record.at, NULL, left, extent_step);
	case PASS_UNMAP:
		return unmap_part(io);
	case PASS_INVALID:
		break;
	}
	return fail_step(io);
}

bool sbc_erase_resume_step(struct sbc_io *io)
{
	io->failed_step = fail_step;
	return pass_step(io);
}

static bool begun_step(struct sbc_io *io)
{
	struct sbc_erase *erase = erase_of(io);

	if (erase->immediate)
		sbc_erase_finish_waiter(sbc_erase_take_waiter(erase), SCSI_SENSE_NONE);
	return sbc_erase_resume_step(io);
}

static bool not_begun_step(struct sbc_io *io)
{
	erase_of(io)->outcome = SBC_ERASE_NOT_BEGUN;
	return false;
}

bool sbc_erase_begin_step(struct sbc_io *io)
{
	if (erase_of(io)->stopping)
		return false;
	io->failed_step = not_begun_step;
	return plan_store(io, store_work, begun_step);
}

/* ---- a failure that is to be forgotten ------------------------------------------------------- */

static bool forgotten_step(struct sbc_io *io)
{
	free(io->lun->erase);
	io->lun->erase = NULL;
	return sbc_io_good(io);
}

static bool not_forgotten_step(struct sbc_io *io)
{
	io->lun->erase->io = NULL;
	return false;
}

bool sbc_erase_forget_step(struct sbc_io *io)
{
	io->failed_step = not_forgotten_step;
	return io->lun->config.medium_store ? sbc_io_plan_work(io, store_idle_work, forgotten_step)
					    : forgotten_step(io);
}
