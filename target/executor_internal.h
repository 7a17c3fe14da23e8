/*
 * What an executor is made of: for executor*.c alone.
 */
#ifndef TARGET_EXECUTOR_INTERNAL_H
#define TARGET_EXECUTOR_INTERNAL_H

#include <pthread.h>

#include "target/executor.h"
#include "target/ring.h"

#define EXECUTOR_THREADS_MAX 64

struct job_list {
	struct scsi_job *first, *last;
};

struct scsi_executor {
	pthread_mutex_t lock;
	pthread_cond_t work; /* something in `queue`, or `stopping` */
	struct job_list queue;
	struct scsi_job *delayed; /* in the order they are due */
	struct job_list finished;
	unsigned untold; /* jobs in `finished` that the eventfd was not written for */
	bool told;	 /* it was written, and nobody has reaped since */
	unsigned idle;	 /* threads that wait for work */
	bool stopping;
	bool holding;	      /* the loop's thread only, as are the next two */
	struct job_list held; /* submitted while `holding` */
	unsigned held_wakes, held_quick;
	unsigned pending; /* submitted, done not called; the loop's thread only */
	unsigned thread_count;
	int fd;
	struct scsi_ring *ring; /* NULL: everything is run; the loop's thread only */
	pthread_t threads[EXECUTOR_THREADS_MAX];
};

static inline void job_list_append(struct job_list *list, struct scsi_job *job)
{
	job->next = NULL;
	if (list->last)
		list->last->next = job;
	else
		list->first = job;
	list->last = job;
}

static inline struct scsi_job *job_list_take(struct job_list *list)
{
	struct scsi_job *job = list->first;

	if (job) {
		list->first = job->next;
		if (!list->first)
			list->last = NULL;
	}
	return job;
}

/* CLOCK_MONOTONIC, as the delayed jobs are due by. */
uint64_t executor_now_ns(void);
/* Makes the descriptor readable. */
void executor_signal(const struct scsi_executor *executor);
/* 0 or an error number; those that were started stay. */
int executor_start_threads(struct scsi_executor *executor, unsigned threads);
void executor_stop_threads(struct scsi_executor *executor);

#endif
