/*
 * LUNs that go, or grow, while the target serves.
 *
 * A LUN that goes is not there for new commands from that moment on. Commands that wait for their
 * turn or for data are refused as those are; what is at work ends as it would have, its backing
 * store and journal being there until then. The last of it is freed from a job, as the command that
 * was waited for is still on the stack when it ends. The journal's file stays.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <utlist.h>

#include "target/lease.h"
#include "target/lent.h"

static bool lun_is_at_work(struct scsi_lun *lun)
{
	const struct scsi_lun_nexus *lun_nexus;

	if (scsi_lun_recall(lun) || lun->dropped || lun->drains || !scsi_lun_is_idle(lun))
		return true;
	DL_FOREACH(lun->nexuses, lun_nexus)
	if (lun_nexus->tasks)
		return true;
	return false;
}

static void lun_end(struct scsi_lun *lun)
{
	void (*removed)(void *context) = lun->removed;
	void *context = lun->removed_context;

	scsi_lease_dismiss(lun);
	while (lun->nexuses)
		scsi_lun_detach(lun, lun->nexuses->nexus);
	DL_DELETE2(lun->target->leaving, lun, leaving_prev, leaving_next);
	scsi_lun_free(&lun);
	if (removed)
		removed(context);
}

static void farewell_run(struct scsi_job *job)
{
	(void)job;
}

static void farewell_done(struct scsi_job *job)
{
	struct scsi_lun *lun =
		(struct scsi_lun *)(void *)((char *)job - offsetof(struct scsi_lun, farewell));

	lun->farewell_is_due = false;
	if (!lun_is_at_work(lun))
		lun_end(lun);
}

void scsi_lun_settle(struct scsi_lun *lun)
{
	if (lun->lease)
		scsi_lease_settle(lun->lease);
	if (!lun->is_leaving || lun->farewell_is_due)
		return;
	lun->farewell_is_due = true;
	lun->farewell = (struct scsi_job){.run = farewell_run, .done = farewell_done};
	scsi_executor_submit(lun->target->config.executor, &lun->farewell);
}

int scsi_target_remove_lun(struct scsi_target *target, uint16_t number,
			   void (*removed)(void *context), void *context)
{
	struct scsi_lun *lun = scsi_target_lun(target, number);

	if (!lun)
		return -ENOENT;
	target->luns[number] = NULL;
	lun->is_leaving = true;
	scsi_lun_recall(lun);
	scsi_lun_show(lun);
	lun->removed = removed;
	lun->removed_context = context;
	DL_APPEND2(target->leaving, lun, leaving_prev, leaving_next);
	scsi_target_raise_luns_changed(target, number);
	scsi_task_set_refuse_waiting(lun, SCSI_SENSE_LOGICAL_UNIT_NOT_SUPPORTED);
	scsi_lun_erase_stop(lun);
	scsi_lun_settle(lun);
	return 0;
}

bool scsi_target_is_removing_lun(const struct scsi_target *target, uint16_t number)
{
	const struct scsi_lun *lun;

	DL_FOREACH2(target->leaving, lun, leaving_next)
	if (lun->number == number)
		return true;
	return false;
}

int scsi_target_resize_lun(struct scsi_target *target, uint16_t number, uint64_t size)
{
	struct scsi_lun *lun = scsi_target_lun(target, number);
	uint64_t settled;

	if (!lun)
		return -ENOENT;
	if (!lun->backing->ops->grow)
		return -EOPNOTSUPP;
	if (size % lun->block_size != 0)
		return -EINVAL;
	if (size != 0 && size < lun->backing->size)
		return -EFBIG;
	scsi_lent_settle_all(lun);
	int error = lun->backing->ops->grow(lun->backing, size, &settled);
	if (error != 0)
		return error;
	assert(settled >= lun->backing->size);
	if (settled % lun->block_size != 0) /* the next start would refuse it */
		return -EINVAL;
	lun->backing->size = settled;
	uint64_t blocks = settled >> lun->block_shift;
	if (blocks != lun->blocks)
		scsi_lun_raise(lun, SCSI_UA_CAPACITY_CHANGED, NULL);
	lun->blocks = blocks;
	return 0;
}
