/*
 * Work that may block (disk reads, fsync, a journal's commit), done away from the event loop.
 *
 * A job runs on any thread; its completion is called on the loop's thread, from
 * scsi_executor_reap(). The owner of the loop waits for the file descriptor to become readable and
 * then calls reap.
 */
#ifndef TARGET_EXECUTOR_H
#define TARGET_EXECUTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scsi_io_op {
	SCSI_IO_NONE = 0,
	SCSI_IO_READ,
	SCSI_IO_WRITE,
	SCSI_IO_SYNC, /* fdatasync */
};

/* One call of the kernel. */
struct scsi_io {
	enum scsi_io_op op;
	int fd;
	uint64_t offset;
	void *data;
	size_t len;
	int32_t result; /* what the call would return, or a negative errno */
};

/* What a job's `landed` says. */
enum scsi_landing {
	SCSI_LANDED_BADLY = 0, /* `run` is to do all of it */
	SCSI_LANDED,	       /* `done` is next */
	SCSI_LANDED_ON_THE_WAY /* `io` says what comes next */
};

struct scsi_job {
	void (*run)(struct scsi_job *job);  /* any thread; may block */
	void (*done)(struct scsi_job *job); /* the loop's thread */
	/* It takes some microseconds, as a rule: not worth a thread of its own. */
	bool quick;
	/*
	 * When io.op is not NONE the same can be had by this call, and then `landed` is called on
	 * the loop's thread, with its result, in place of `run`; an executor without a ring, or
	 * with no room in it, runs `run`.
	 */
	struct scsi_io io;
	enum scsi_landing (*landed)(struct scsi_job *job);
	/* The executor's. */
	struct scsi_job *next;
	uint64_t due_ns; /* of scsi_executor_submit_later */
};

struct scsi_executor;

/*
 * `threads` 1..64: that many worker threads. 0: no thread; a job waits until scsi_executor_reap
 * runs it and completes it (tests, fuzzing: everything in one thread, in the order submitted). NULL
 * when the threads or the eventfd cannot be had (errno tells).
 */
struct scsi_executor *scsi_executor_create(unsigned threads);

/*
 * From now on the kernel does by itself (io_uring) what jobs give as `io`. Call it before the first
 * submit. 0, or a negative errno and nothing has changed: -ENOSYS when there is no io_uring, -EPERM
 * when it is forbidden here.
 */
int scsi_executor_use_ring(struct scsi_executor *executor);

/* Waits for running jobs; jobs not yet begun are run too. Call reap until idle before this. */
void scsi_executor_free(struct scsi_executor **executor);

/* Never fails and never blocks; on the loop's thread. The job must live until its done was called.
 */
void scsi_executor_submit(struct scsi_executor *executor, struct scsi_job *job);

/*
 * Between hold and release jobs are collected, and handed over together: the owner of a loop holds
 * while it works, and releases before it sleeps. Reap hands over, too. No effect without threads.
 */
void scsi_executor_hold(struct scsi_executor *executor);
void scsi_executor_release(struct scsi_executor *executor);

/* The same, begun `delay_ms` from now at the earliest, and at once when the executor is freed or
 * has no threads (their owner has all the time in his hand). */
void scsi_executor_submit_later(struct scsi_executor *executor, struct scsi_job *job,
				uint32_t delay_ms);

/* Readable when there is something to reap. */
int scsi_executor_fd(const struct scsi_executor *executor);

/* Calls done of every finished job. True when it called any. */
bool scsi_executor_reap(struct scsi_executor *executor);

/* Jobs submitted whose done has not been called. */
unsigned scsi_executor_pending(const struct scsi_executor *executor);

#endif
