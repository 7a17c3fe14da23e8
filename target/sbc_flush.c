/*
 * SYNCHRONIZE CACHE with IMMED = 1 (SBC-3 5.18): status goes out at once, and the flush runs behind
 * it. When that fails, whoever asked for it is told with a deferred error (SPC-4 4.5.5), on the
 * next command.
 *
 * However many ask, one flush runs and one is due behind it, as a flush covers everything that was
 * written before it began. Nothing is kept for a single request but two numbers at the nexus: the
 * first and the last flush that it waits to hear of.
 */
#include <stddef.h>
#include <utlist.h>

#include "target/lease.h"
#include "target/sbc.h"

static struct scsi_lun *lun_of(struct backing_request *request)
{
	return (struct scsi_lun *)(void *)((char *)request -
					   offsetof(struct scsi_lun, behind.request));
}

static void flush_done(struct backing_request *request);

static void flush_start(struct scsi_lun *lun)
{
	struct sbc_flush_behind *behind = &lun->behind;

	behind->run++;
	behind->running = true;
	behind->again = false;
	behind->request = (struct backing_request){.op = BACKING_FLUSH, .done = flush_done};
	lun->backing->ops->submit(lun->backing, &behind->request);
}

static void tell_who_asked(struct scsi_lun *lun, enum scsi_sense sense)
{
	struct scsi_lun_nexus *lun_nexus;
	uint64_t run = lun->behind.run;

	DL_FOREACH(lun->nexuses, lun_nexus)
	if (lun_nexus->flush_first <= run && run <= lun_nexus->flush_last)
		lun_nexus->deferred_error = sense;
	scsi_lun_recall(lun);
}

static void flush_done(struct backing_request *request)
{
	struct scsi_lun *lun = lun_of(request);

	if (request->error != 0)
		tell_who_asked(lun, sbc_error_sense(BACKING_FLUSH, request->error));
	lun->behind.running = false;
	if (lun->behind.again)
		flush_start(lun);
	else
		scsi_lun_settle(lun);
}

void sbc_flush_behind(struct scsi_lun_nexus *lun_nexus)
{
	struct scsi_lun *lun = lun_nexus->lun;
	struct sbc_flush_behind *behind = &lun->behind;
	uint64_t awaited = behind->running ? behind->run : behind->run + 1;

	if (lun_nexus->flush_last < awaited)
		lun_nexus->flush_first = behind->run + 1;
	lun_nexus->flush_last = behind->run + 1;
	if (behind->running)
		behind->again = true;
	else
		flush_start(lun);
}
