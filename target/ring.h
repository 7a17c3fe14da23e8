/*
 * io_uring: reads, writes and syncs that the kernel does by itself, for the executor alone.
 *
 * All calls are made on the loop's thread. Where the kernel has no io_uring, forbids it, or lacks
 * one of the operations, there is no ring: scsi_ring_create says why.
 */
#ifndef TARGET_RING_H
#define TARGET_RING_H

#include "target/executor.h"

struct scsi_ring;

/*
 * `event_fd` becomes readable whenever something has finished. 0, or a negative errno: -ENOSYS when
 * there is no io_uring, in this build or in this kernel; -EPERM when it is forbidden.
 */
int scsi_ring_create(int event_fd, struct scsi_ring **ret_ring);
/* Nothing may be under way. */
void scsi_ring_free(struct scsi_ring **ring);

/* Takes the job's io up, to be submitted. False when there is no room. */
bool scsi_ring_put(struct scsi_ring *ring, struct scsi_job *job);
/*
 * Hands over to the kernel what was put. What the kernel does not take (it has no memory, as a
 * rule) is given back, as a list by `next`.
 */
struct scsi_job *scsi_ring_submit(struct scsi_ring *ring);
/* The next job that has finished, with io.result set; NULL when there is none. */
struct scsi_job *scsi_ring_take(struct scsi_ring *ring);
/* Waits for one, when there is one under way; else NULL. */
struct scsi_job *scsi_ring_wait(struct scsi_ring *ring);

#endif
