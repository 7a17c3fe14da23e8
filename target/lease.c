/*
 * Leases as a loop has them: commands that run on the shadow of a LUN, and how they go home.
 */
#include "target/lease.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "target/lent.h"
#include "target/remote_internal.h"

/* ---- commands -------------------------------------------------------------------------------- */

static struct scsi_lun_nexus *lun_nexus_of(const struct scsi_nexus *nexus,
					   const uint8_t lun_bytes[8])
{
	uint16_t number;

	return scsi_lun_number_decode(lun_bytes, &number) ? nexus->luns[number] : NULL;
}

static void lease_stop(struct scsi_lease *lease);

/* An older command must not come home behind one that has to run after it. */
static void stop_before_barrier(const struct scsi_task *task)
{
	const struct scsi_lun_nexus *lun_nexus = lun_nexus_of(task->nexus, task->lun_bytes);

	if (lun_nexus && (task->attribute == SCSI_ATTRIBUTE_ORDERED ||
			  task->attribute == SCSI_ATTRIBUTE_HEAD_OF_QUEUE))
		lease_stop(lun_nexus->lun->lease);
}

bool scsi_lease_serves(struct scsi_task *task)
{
	unsigned access = scsi_lease_access_of(task);

	if (access == 0) {
		stop_before_barrier(task);
		return false;
	}
	const struct scsi_lun_nexus *lun_nexus = lun_nexus_of(task->nexus, task->lun_bytes);
	if (!lun_nexus || !(lun_nexus->lease_access & access))
		return false;
	task->lun = lun_nexus->lun;
	return true;
}

bool scsi_lease_send_home(struct scsi_task *task)
{
	if (!remote_go_on(task, scsi_task_lun_nexus(task)->epoch))
		return false;
	scsi_task_set_leave(task);
	task->lun = NULL;
	task->command = NULL;
	task->work = NULL;
	task->work_free = NULL;
	scsi_nexus_forget_task(task->nexus);
	return true;
}

/* No command begins any more; those that wait for data, or for room, go home now. One for which
 * there is no memory ends here. */
static void lease_stop(struct scsi_lease *lease)
{
	struct scsi_lun_nexus *lun_nexus;
	struct scsi_task *task, *next;

	if (!lease->held)
		return;
	lease->held = false;
	DL_FOREACH(lease->shadow->nexuses, lun_nexus)
	{
		lun_nexus->lease_access = 0;
		DL_FOREACH_SAFE(lun_nexus->tasks, task, next)
		if (task->phase == SCSI_TASK_WAITING_DATA)
			scsi_lease_send_home(task);
	}
}

void scsi_lease_settle(struct scsi_lease *lease)
{
	if (!lease->recalled || (lease->shadow && lease->shadow->tasks > 0))
		return;
	lease->recalled = false;
	if (lease->shadow) {
		scsi_lent_settle_all(lease->shadow);
		memcpy(lease->work, lease->shadow->log.work, sizeof(lease->work));
		memset(lease->shadow->log.work, 0, sizeof(lease->work));
	}
	scsi_line_post_for(&lease->link->up, &lease->returned, scsi_lease_on_returned);
}

/* ---- task management ------------------------------------------------------------------------- */

void scsi_lease_stop_for(const struct scsi_tmf *tmf)
{
	const struct scsi_lun_nexus *lun_nexus;

	switch (tmf->function) {
	case SCSI_TMF_ABORT_TASK_SET:
	case SCSI_TMF_CLEAR_TASK_SET:
	case SCSI_TMF_LOGICAL_UNIT_RESET:
		lun_nexus = lun_nexus_of(tmf->nexus, tmf->lun_bytes);
		if (lun_nexus)
			lease_stop(lun_nexus->lun->lease);
		return;
	case SCSI_TMF_TARGET_WARM_RESET:
	case SCSI_TMF_TARGET_COLD_RESET:
	case SCSI_TMF_I_T_NEXUS_RESET:
		for (struct scsi_lease *lease = tmf->nexus->target->shadows; lease;
		     lease = lease->shadow_next)
			lease_stop(lease);
		return;
	case SCSI_TMF_INVALID:
	case SCSI_TMF_ABORT_TASK:
	case SCSI_TMF_CLEAR_ACA:
	case SCSI_TMF_QUERY_TASK:
	case SCSI_TMF_QUERY_TASK_SET:
	case SCSI_TMF_QUERY_ASYNC_EVENT:
		return;
	}
}

bool scsi_lease_is_busy(const struct scsi_nexus *nexus, const uint8_t lun_bytes[8])
{
	const struct scsi_lun_nexus *lun_nexus = lun_nexus_of(nexus, lun_bytes);
	const struct scsi_task *task;

	if (!lun_nexus)
		return false;
	DL_FOREACH(lun_nexus->tasks, task)
	if (scsi_task_is_alive(task))
		return true;
	return false;
}

/* ---- coming and going ------------------------------------------------------------------------ */

static struct scsi_lun *shadow_of(struct scsi_lease *lease)
{
	if (!lease->shadow) {
		lease->shadow = calloc(1, sizeof(*lease->shadow));
		if (!lease->shadow)
			return NULL;
		lease->shadow_next = lease->there->shadows;
		lease->there->shadows = lease;
	}
	return lease->shadow;
}

void scsi_lease_on_grant(struct scsi_letter *letter)
{
	struct scsi_lease *lease = lease_of(letter, grant);
	struct scsi_lun *shadow = shadow_of(lease);

	if (!shadow)
		return; /* the home has it back when it asks for it */
	shadow->target = lease->there;
	shadow->lease = lease;
	shadow->number = lease->config.number;
	shadow->config = lease->config;
	shadow->backing = lease->backing;
	shadow->blocks = lease->blocks;
	shadow->block_size = lease->block_size;
	shadow->block_shift = lease->block_shift;
	shadow->mode = lease->mode;
	shadow->marks = lease->marks;
	memcpy(shadow->access, lease->access, sizeof(shadow->access));
	lease->held = true;
}

static struct scsi_lun_nexus *attach(struct scsi_lun *shadow, struct scsi_nexus *nexus)
{
	struct scsi_lun_nexus *lun_nexus = nexus->luns[shadow->number];

	if (lun_nexus)
		return lun_nexus;
	lun_nexus = calloc(1, sizeof(*lun_nexus));
	if (!lun_nexus)
		return NULL;
	lun_nexus->nexus = nexus;
	lun_nexus->lun = shadow;
	DL_APPEND(shadow->nexuses, lun_nexus);
	nexus->luns[shadow->number] = lun_nexus;
	return lun_nexus;
}

void scsi_lease_on_admit(struct scsi_letter *letter)
{
	struct scsi_admission *admission = (struct scsi_admission *)(void *)letter;
	struct scsi_nexus *nexus = admission->nexus;
	struct scsi_lease *lease = admission->lease;

	if (lease->held && !nexus->closed) {
		struct scsi_lun_nexus *lun_nexus = attach(lease->shadow, nexus);

		if (lun_nexus) {
			lun_nexus->lease_access = admission->access;
			lun_nexus->epoch = admission->epoch;
		}
	}
	free(admission);
}

void scsi_lease_on_recall(struct scsi_letter *letter)
{
	struct scsi_lease *lease = lease_of(letter, recall);

	lease->recalled = true;
	lease_stop(lease);
	scsi_lease_settle(lease);
}

static void shadow_free(struct scsi_lease *lease)
{
	while (lease->shadow->nexuses)
		scsi_lun_detach(lease->shadow, lease->shadow->nexuses->nexus);
	free(lease->shadow);
	lease->shadow = NULL;
}

void scsi_lease_on_gone(struct scsi_letter *letter)
{
	struct scsi_lease *lease = lease_of(letter, gone);

	if (lease->shadow) {
		LL_DELETE2(lease->there->shadows, lease, shadow_next);
		shadow_free(lease);
	}
	free(lease);
}

void scsi_lease_free_shadows(struct scsi_target *target)
{
	struct scsi_lease *lease;

	while ((lease = target->shadows) != NULL) {
		target->shadows = lease->shadow_next;
		shadow_free(lease);
	}
}
