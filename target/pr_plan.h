/*
 * From one queued PERSISTENT RESERVE OUT and the state before it to its plan. For pr_commit.c.
 */
#ifndef TARGET_PR_PLAN_H
#define TARGET_PR_PLAN_H

#include "target/pr_commit.h"

/* A buffer that grows: encoded changes, one command's after the other's. */
struct pr_changes {
	uint8_t *data;
	size_t len, cap;
};

/*
 * Fills in request->plan, changes_at, the field at fault, or `sense` (no memory). The plan's
 * changes are appended. `persists`: there is a journal, so APTPL = 1 can be kept.
 */
void pr_plan_request(const struct scsi_lun *lun, const struct pr_state *state,
		     struct pr_commit_request *request, bool persists, struct pr_changes *changes);

#endif
