/*
 * Task sets, aborting and draining. For target/ only.
 *
 * A command that waits for its turn or for its data, or whose work can be withdrawn (task->cancel),
 * is let go at once. Any other one cannot be stopped: it is marked, and ops->aborted follows when
 * its work has ended (scsi_task_finish). A drain is the wait for that.
 *
 * The drains of one LUN end in the order they began. So a drain also covers what earlier ones
 * aborted and still wait for: after it, no aborted command touches the medium, whoever aborted it.
 * Nothing can wait in a circle: a command that is waited for depends on the backing store or on the
 * journal alone. (A PREEMPT AND ABORT that waits for a drain lets go of it when it is aborted.)
 */
#ifndef TARGET_TASK_SET_H
#define TARGET_TASK_SET_H

#include <stdbool.h>

#include "target/sense.h"

struct scsi_lun;
struct scsi_lun_nexus;
struct scsi_nexus;
struct scsi_task;

struct scsi_drain {
	struct scsi_lun *lun;		/* NULL: not begun, or over */
	struct scsi_drain *prev, *next; /* lun->drains */
	unsigned tasks;			/* aborted for this drain and still working */
	bool awaits_recall;		/* `tasks` counts the leases of the LUN, too (lease.h) */
	bool sealed;			/* everything to be aborted has been */
	/* Called once, possibly from scsi_drain_seal; may free the drain. May be NULL. */
	void (*done)(struct scsi_drain *drain);
	void *context;
};

void scsi_drain_begin(struct scsi_drain *drain, struct scsi_lun *lun,
		      void (*done)(struct scsi_drain *drain), void *context);
/* Tells the transport about the commands that could be let go, then lets the drain end. */
void scsi_drain_seal(struct scsi_drain *drain);
/* Takes a drain that waits for no task out of the order, without calling done. */
void scsi_drain_cancel(struct scsi_drain *drain);

/* True: it may run. False: it is dormant, and is started when its turn comes. */
bool scsi_task_set_add(struct scsi_task *task);

/* All leases are back: drains that waited for that may end. */
void scsi_drain_leases_returned(struct scsi_lun *lun);

/* Takes one out of its task set that nothing works for; it goes on elsewhere (lease.h). */
void scsi_task_set_leave(struct scsi_task *task);

/* Ends every command of the LUN that waits for its turn or for data with this sense data. */
void scsi_task_set_refuse_waiting(struct scsi_lun *lun, enum scsi_sense sense);

/* Is it in a task set, and not aborted? */
bool scsi_task_is_alive(const struct scsi_task *task);

/*
 * Aborts one command, or all of a nexus on a LUN but `except` (may be NULL): marks only, calls
 * nobody back before scsi_drain_seal. Returns how many it aborted; commands that were aborted
 * before do not count.
 */
unsigned scsi_task_abort(struct scsi_task *task, bool send_status, struct scsi_drain *drain);
unsigned scsi_task_set_abort(struct scsi_lun_nexus *lun_nexus, const struct scsi_task *except,
			     bool send_status, struct scsi_drain *drain);

#endif
