/*
 * Putting into force what a PERSISTENT RESERVE OUT has changed, and answering it. For pr_commit.c.
 */
#ifndef TARGET_PR_INSTALL_H
#define TARGET_PR_INSTALL_H

#include "target/pr_commit.h"

/*
 * The request's changes go into the committed state; the cached standings of the nexuses, unit
 * attentions and aborts follow. Only for a plan that says GOOD. Marks commands as aborted but calls
 * nobody back.
 */
void pr_install_apply(struct scsi_lun *lun, struct pr_state *state,
		      struct pr_commit_request *request, const uint8_t *changes);

/*
 * Ends the request's task; a PREEMPT AND ABORT waits for what it has aborted first. The request
 * may be gone when this returns.
 */
void pr_install_answer(struct pr_commit_request *request);

#endif
