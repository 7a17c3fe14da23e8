/*
 * A pool of threads with one queue in front and one list of finished jobs behind. The eventfd is
 * written once for each batch of finished jobs: reap reads it before it takes the list, so a job
 * that finishes in between makes it readable again and nothing is ever forgotten.
 *
 * Waking a thread costs more than a quick job does. So one thread is woken for many of them, and
 * the loop hears of several at once: a thread that goes on with another quick job keeps the news to
 * itself, and tells before it begins anything else, before it sleeps, and after TELL_MAX jobs.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "target/executor_internal.h"

#define QUICK_JOBS_A_THREAD 32 /* so many are worth waking one more */
#define NS_PER_MS	    1000000u

static void executor_destroy(struct scsi_executor *executor)
{
	scsi_ring_free(&executor->ring);
	executor_stop_threads(executor);
	pthread_cond_destroy(&executor->work);
	pthread_mutex_destroy(&executor->lock);
	close(executor->fd);
	free(executor);
}

static void executor_init_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attr);
	pthread_condattr_destroy(&attr);
}

struct scsi_executor *scsi_executor_create(unsigned threads)
{
	if (threads > EXECUTOR_THREADS_MAX) {
		errno = EINVAL;
		return NULL;
	}
	struct scsi_executor *executor = calloc(1, sizeof(*executor));
	if (!executor)
		return NULL;
	executor->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (executor->fd < 0) {
		free(executor);
		return NULL;
	}
	pthread_mutex_init(&executor->lock, NULL);
	executor_init_condition(&executor->work);
	int error = executor_start_threads(executor, threads);
	if (error != 0) {
		executor_destroy(executor);
		errno = error;
		return NULL;
	}
	return executor;
}

int scsi_executor_use_ring(struct scsi_executor *executor)
{
	assert(executor->pending == 0 && !executor->ring);
	return scsi_ring_create(executor->fd, &executor->ring);
}

/* To the pool: behind all that is there, or into the queue that reap runs. */
static void executor_queue(struct scsi_executor *executor, struct scsi_job *job)
{
	if (executor->thread_count == 0) {
		job_list_append(&executor->queue, job);
		executor_signal(executor);
		return;
	}
	job_list_append(&executor->held, job);
	if (job->quick)
		executor->held_quick++;
	else
		executor->held_wakes++;
}

static void executor_ring_hand_over(struct scsi_executor *executor)
{
	struct scsi_job *refused = scsi_ring_submit(executor->ring);

	while (refused) {
		struct scsi_job *job = refused;

		refused = job->next;
		executor_queue(executor, job);
	}
}

static void job_list_join(struct job_list *list, struct job_list *more)
{
	if (list->last)
		list->last->next = more->first;
	else
		list->first = more->first;
	list->last = more->last;
	*more = (struct job_list){0};
}

/* Hands over what was held: a thread for each job that may take its time, and one for the quick. */
static void executor_pool_hand_over(struct scsi_executor *executor)
{
	unsigned wakes = executor->held_wakes +
			 (executor->held_quick + QUICK_JOBS_A_THREAD - 1) / QUICK_JOBS_A_THREAD;

	if (!executor->held.first)
		return;
	executor->held_wakes = executor->held_quick = 0;
	pthread_mutex_lock(&executor->lock);
	assert(!executor->stopping);
	job_list_join(&executor->queue, &executor->held);
	unsigned idle = executor->idle;
	pthread_mutex_unlock(&executor->lock);
	for (unsigned i = 0; i < wakes && i < idle; i++)
		pthread_cond_signal(&executor->work);
}

static void executor_hand_over(struct scsi_executor *executor)
{
	if (executor->ring)
		executor_ring_hand_over(executor);
	executor_pool_hand_over(executor);
}

/* Runs what the kernel could not do, here and now. */
static void executor_empty_ring(struct scsi_executor *executor)
{
	struct scsi_job *job;

	executor_ring_hand_over(executor);
	while ((job = scsi_ring_wait(executor->ring)) != NULL) {
		enum scsi_landing landing = job->landed(job);

		if (landing == SCSI_LANDED_ON_THE_WAY && scsi_ring_put(executor->ring, job))
			executor_ring_hand_over(executor);
		else if (landing != SCSI_LANDED)
			job->run(job);
	}
}

void scsi_executor_free(struct scsi_executor **executor)
{
	if (!*executor)
		return;
	if ((*executor)->ring)
		executor_empty_ring(*executor);
	if ((*executor)->thread_count == 0) {
		struct scsi_job *job;

		while ((job = job_list_take(&(*executor)->queue)) != NULL)
			job->run(job);
	}
	scsi_executor_release(*executor);
	executor_destroy(*executor);
	*executor = NULL;
}

void scsi_executor_hold(struct scsi_executor *executor)
{
	executor->holding = executor->thread_count > 0 || executor->ring;
}

void scsi_executor_release(struct scsi_executor *executor)
{
	executor->holding = false;
	executor_hand_over(executor);
}

void scsi_executor_submit(struct scsi_executor *executor, struct scsi_job *job)
{
	executor->pending++;
	if (!executor->ring || job->io.op == SCSI_IO_NONE || !scsi_ring_put(executor->ring, job))
		executor_queue(executor, job);
	if (!executor->holding)
		executor_hand_over(executor);
}

void scsi_executor_submit_later(struct scsi_executor *executor, struct scsi_job *job,
				uint32_t delay_ms)
{
	struct scsi_job **at = &executor->delayed;

	if (executor->thread_count == 0 || delay_ms == 0) {
		scsi_executor_submit(executor, job);
		return;
	}
	pthread_mutex_lock(&executor->lock);
	assert(!executor->stopping);
	executor->pending++;
	job->due_ns = executor_now_ns() + (uint64_t)delay_ms * NS_PER_MS;
	while (*at && (*at)->due_ns <= job->due_ns)
		at = &(*at)->next;
	job->next = *at;
	*at = job;
	pthread_cond_signal(&executor->work);
	pthread_mutex_unlock(&executor->lock);
}

int scsi_executor_fd(const struct scsi_executor *executor)
{
	return executor->fd;
}

static void executor_clear_signal(const struct scsi_executor *executor)
{
	uint64_t count;
	ssize_t n;

	do
		n = read(executor->fd, &count, sizeof(count));
	while (n < 0 && errno == EINTR);
}

/* Without threads the queue itself is what there is to reap: run what is in it now. */
static struct job_list executor_run_inline(struct scsi_executor *executor)
{
	struct job_list list = executor->queue;

	executor->queue = (struct job_list){0};
	for (struct scsi_job *job = list.first; job; job = job->next)
		job->run(job);
	return list;
}

static struct job_list executor_take_finished(struct scsi_executor *executor)
{
	pthread_mutex_lock(&executor->lock);
	struct job_list list = executor->finished;
	executor->finished = (struct job_list){0};
	executor->untold = 0;
	executor->told = false;
	pthread_mutex_unlock(&executor->lock);
	return list;
}

static void executor_done(struct scsi_executor *executor, struct scsi_job *job)
{
	executor->pending--;
	job->done(job); /* which may free the job, and may submit others */
}

/* What the kernel has finished: at most as many as were under way, whatever `done` submits. */
static bool executor_reap_ring(struct scsi_executor *executor)
{
	unsigned left = executor->pending;
	struct scsi_job *job;
	bool any = false;

	while (left-- > 0 && (job = scsi_ring_take(executor->ring)) != NULL) {
		enum scsi_landing landing = job->landed(job);

		if (landing == SCSI_LANDED) {
			any = true;
			executor_done(executor, job);
		} else if (landing == SCSI_LANDED_BADLY || !scsi_ring_put(executor->ring, job)) {
			executor_queue(executor, job);
		}
	}
	if (!executor->holding)
		executor_hand_over(executor);
	return any;
}

bool scsi_executor_reap(struct scsi_executor *executor)
{
	struct scsi_job *job;
	struct job_list list;
	bool any = false;

	executor_clear_signal(executor);
	executor_hand_over(executor); /* whoever reaps may be about to wait for what is held */
	if (executor->thread_count == 0)
		list = executor_run_inline(executor);
	else
		list = executor_take_finished(executor);
	while ((job = job_list_take(&list)) != NULL) {
		any = true;
		executor_done(executor, job);
	}
	if (executor->ring && executor_reap_ring(executor))
		any = true;
	return any;
}

unsigned scsi_executor_pending(const struct scsi_executor *executor)
{
	return executor->pending;
}
