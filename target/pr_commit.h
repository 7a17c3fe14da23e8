/*
 * The one way in which a LUN's reservations change: plan, journal, install, answer. For target/
 * only.
 *
 * PERSISTENT RESERVE OUTs that have their parameter list stand in one queue. While no job is under
 * way everything queued becomes a batch: each is planned against the state that its predecessors
 * will leave (the pending state), the changes go to the journal as one job, and when that is done
 * the changes are installed in the same order and the commands answered. The committed state is
 * what everybody else sees.
 */
#ifndef TARGET_PR_COMMIT_H
#define TARGET_PR_COMMIT_H

#include "pr_engine/access.h"
#include "target/lun.h"
#include "target/sense.h"

/* One PERSISTENT RESERVE OUT on its way; it is its task's `work`. */
struct pr_commit_request {
	struct pr_commit_request *prev, *next; /* the queue, or the batch */
	struct scsi_task *task;

	/* By pr_out.c. The stamp is filled in when it is planned; `named` is owned. */
	struct pr_request request;
	struct pr_nexus_id *named;
	bool named_by_name;  /* the one named has no ISID: to be found when it is planned */
	uint16_t wrong_byte; /* of the parameter list, where a TransportID is wrong; 0: none is */
	uint16_t aptpl_byte; /* of the parameter list, where APTPL stands */
	struct scsi_drain *drain; /* PREEMPT AND ABORT */

	/* By pr_commit.c. */
	struct pr_plan plan;
	enum scsi_sense sense; /* not NONE: it ends with this, whatever the plan says */
	uint16_t field_byte;   /* the field at fault, when the plan says invalid field */
	int field_bit;
	size_t changes_at; /* where the plan's changes are in the batch */
};

/* Recovers the journal (lun->config.store) or starts empty, and sets lun->reservation_type. 0 or a
 * negative errno; the store stays the LUN's either way. */
int pr_commit_create(struct scsi_lun *lun, struct pr_journal_report *ret_report,
		     struct pr_commit **ret_commit);
/* Must be idle. */
void pr_commit_free(struct pr_commit **commit);

/* The committed state. */
const struct pr_state *pr_commit_state(const struct pr_commit *commit);

/* Nothing is queued, planned, or being journaled. */
bool pr_commit_is_idle(const struct pr_commit *commit);

/* Takes the request on; its task is finished when it is due, possibly before this returns. */
void pr_commit_submit(struct pr_commit *commit, struct pr_commit_request *request);

/* RESERVE/RELEASE(6/10) of this nexus, now. */
enum pr_spc2_verdict pr_commit_spc2_verdict(const struct pr_commit *commit,
					    const struct scsi_lun_nexus *lun_nexus);

/* The first registration is being made durable. Until it is, nobody may be told of it, and a crash
 * may take it back; but the two ways to reserve exclude each other. */
bool pr_commit_registration_is_coming(const struct pr_commit *commit);

struct pr_journal_counters pr_commit_counters(const struct pr_commit *commit);

#endif
