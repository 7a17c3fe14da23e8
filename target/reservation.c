/*
 * SPC-2 RESERVE and RELEASE, 6 and 10 bytes (SPC-2 7.21, 7.27), next to persistent reservations as
 * CRH = 1 asks (SPC-4 5.13.4). Who is refused was decided before; third parties, extents and long
 * ids are refused by the usage mask.
 */
#include "target/command.h"
#include "target/pr_commit.h"

static bool task_has_effect(const struct scsi_task *task)
{
	return pr_commit_spc2_verdict(task->lun->pr, scsi_task_lun_nexus(task)) == PR_SPC2_PROCEED;
}

enum scsi_result scsi_reserve(struct scsi_task *task)
{
	bool has_effect = task_has_effect(task);

	if (has_effect && pr_commit_registration_is_coming(task->lun->pr)) {
		task->status = SCSI_STATUS_BUSY; /* neither GOOD nor a conflict would be true */
		return SCSI_DONE;
	}
	if (has_effect)
		task->lun->spc2_owner = scsi_task_lun_nexus(task);
	scsi_task_good(task);
	return SCSI_DONE;
}

/* By anybody but the owner, or with nothing reserved: GOOD, and nothing happens. */
enum scsi_result scsi_release(struct scsi_task *task)
{
	if (task->lun->spc2_owner == scsi_task_lun_nexus(task))
		task->lun->spc2_owner = NULL;
	scsi_task_good(task);
	return SCSI_DONE;
}
