/*
 * The threads of the pool: what a worker does, and how it lets the loop know.
 */
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "target/executor_internal.h"

#define TELL_MAX 16

void executor_signal(const struct scsi_executor *executor)
{
	const uint64_t one = 1;
	ssize_t n;

	/* EAGAIN would mean that the counter is full: then it is readable, which is all we want. */
	do
		n = write(executor->fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
}

#define NS_PER_S 1000000000u

uint64_t executor_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The first delayed job whose time has come: all of them when there is no time left. */
static struct scsi_job *executor_take_due(struct scsi_executor *executor)
{
	struct scsi_job *job = executor->delayed;

	if (!job || (!executor->stopping && job->due_ns > executor_now_ns()))
		return NULL;
	executor->delayed = job->next;
	return job;
}

static void executor_wait_until_due(struct scsi_executor *executor)
{
	const struct timespec due = {
		.tv_sec = (time_t)(executor->delayed->due_ns / NS_PER_S),
		.tv_nsec = (long)(executor->delayed->due_ns % NS_PER_S),
	};

	pthread_cond_timedwait(&executor->work, &executor->lock, &due);
}

/* Until there is a job in the queue, or a delayed one is due. */
static void executor_wait(struct scsi_executor *executor)
{
	executor->idle++;
	if (executor->delayed)
		executor_wait_until_due(executor);
	else
		pthread_cond_wait(&executor->work, &executor->lock);
	executor->idle--;
}

/* Lets the loop know what has finished. Not under the lock, which it will ask for at once. */
static void executor_tell(struct scsi_executor *executor)
{
	bool known = executor->untold == 0 || executor->told;

	executor->untold = 0;
	if (known)
		return;
	executor->told = true;
	pthread_mutex_unlock(&executor->lock);
	executor_signal(executor);
	pthread_mutex_lock(&executor->lock);
}

static void executor_run(struct scsi_executor *executor, struct scsi_job *job)
{
	pthread_mutex_unlock(&executor->lock);
	job->run(job);
	pthread_mutex_lock(&executor->lock);
	job_list_append(&executor->finished, job);
	executor->untold++;

	const struct scsi_job *next = executor->queue.first;
	if (!next || !next->quick || executor->delayed || executor->untold >= TELL_MAX)
		executor_tell(executor);
}

static void *executor_thread(void *context)
{
	struct scsi_executor *executor = context;

	pthread_mutex_lock(&executor->lock);
	for (;;) {
		struct scsi_job *job = executor_take_due(executor);

		if (!job)
			job = job_list_take(&executor->queue);
		if (!job) {
			if (executor->stopping)
				break;
			if (executor->untold > 0)
				executor_tell(executor);
			else
				executor_wait(executor);
			continue;
		}
		executor_run(executor, job);
	}
	pthread_mutex_unlock(&executor->lock);
	return NULL;
}

void executor_stop_threads(struct scsi_executor *executor)
{
	pthread_mutex_lock(&executor->lock);
	executor->stopping = true;
	pthread_cond_broadcast(&executor->work);
	pthread_mutex_unlock(&executor->lock);
	for (unsigned i = 0; i < executor->thread_count; i++)
		pthread_join(executor->threads[i], NULL);
}

/* Signals are the loop's business: workers start with all of them blocked, but for the one that a
 * thread brings upon itself (guarded.h). */
int executor_start_threads(struct scsi_executor *executor, unsigned threads)
{
	sigset_t all, before;
	int error = 0;

	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (executor->thread_count < threads && error == 0) {
		error = pthread_create(&executor->threads[executor->thread_count], NULL,
				       executor_thread, executor);
		if (error == 0)
			executor->thread_count++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}
