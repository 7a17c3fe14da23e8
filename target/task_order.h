/*
 * Task attributes (SAM-5 8.6): which command of one nexus on one LUN may run when.
 *
 *   HEAD OF QUEUE  at once
 *   ORDERED        when every older command, and every HEAD OF QUEUE command, has ended
 *   SIMPLE         when every older ORDERED, and every HEAD OF QUEUE command, has ended
 *
 * A command that may not run yet is dormant: none of its checks has been made. Nobody waits for a
 * command of another nexus here, which may wait for data that never comes; between nexuses an
 * ORDERED command takes its turn where the medium is accessed (sbc_io.c).
 */
#ifndef TARGET_TASK_ORDER_H
#define TARGET_TASK_ORDER_H

#include <stdbool.h>

struct scsi_task;

/* All zero when there is no command. */
struct scsi_task_order {
	struct scsi_task *dormant; /* the oldest first */
	unsigned enabled;	   /* commands that run */
	unsigned barriers;	   /* those of them that are ORDERED or HEAD OF QUEUE */
	bool releasing;		   /* dormant commands are being started (task_set.c) */
};

/* A new command: true when it may run now, else it is dormant. */
bool scsi_task_order_enter(struct scsi_task_order *order, struct scsi_task *task);
/* One that ran has ended. */
void scsi_task_order_leave(struct scsi_task_order *order, const struct scsi_task *task);
/* A dormant one will never run. */
void scsi_task_order_forget(struct scsi_task_order *order, struct scsi_task *task);
/* Takes the next dormant one that may run now; NULL: there is none. */
struct scsi_task *scsi_task_order_next(struct scsi_task_order *order);

#endif
