/*
 * A pool of threads with one queue in front and one list of finished jobs behind. The eventfd is
 * written once for each batch of finished jobs: reap reads it before it takes the list, so a job
 * that finishes in between makes it readable again and nothing is ever forgotten.
 *
 * Waking a thread costs more than a quick job does. So one thread is woken for many of them, and
 * the loop hears of several at once: a thread that goes on with another quick job keeps the news to
 * itself, and tells before it begins anything else, before it sleeps, and after TELL_MAX jobs.
 */
#include "target/executor.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define EXECUTOR_THREADS_MAX 64
#define QUICK_JOBS_A_THREAD  32 /* so many are worth waking one more */
#define TELL_MAX	     16

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
	pthread_t threads[EXECUTOR_THREADS_MAX];
};

static void job_list_append(struct job_list *list, struct scsi_job *job)
{
	job->next = NULL;
	if (list->last)
		list->last->next = job;
	else
		list->first = job;
	list->last = job;
}

static struct scsi_job *job_list_take(struct job_list *list)
{
	struct scsi_job *job = list->first;

	if (job) {
		list->first = job->next;
		if (!list->first)
			list->last = NULL;
	}
	return job;
}

static void executor_signal(const struct scsi_executor *executor)
{
	const uint64_t one = 1;
	ssize_t n;

	/* EAGAIN would mean that the counter is full: then it is readable, which is all we want. */
	do
		n = write(executor->fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
}

#define NS_PER_MS 1000000u
#define NS_PER_S  1000000000u

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The first delayed job whose time has come: all of them when there is no time left. */
static struct scsi_job *executor_take_due(struct scsi_executor *executor)
{
	struct scsi_job *job = executor->delayed;

	if (!job || (!executor->stopping && job->due_ns > now_ns()))
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

static void executor_stop_threads(struct scsi_executor *executor)
{
	pthread_mutex_lock(&executor->lock);
	executor->stopping = true;
	pthread_cond_broadcast(&executor->work);
	pthread_mutex_unlock(&executor->lock);
	for (unsigned i = 0; i < executor->thread_count; i++)
		pthread_join(executor->threads[i], NULL);
}

/* Signals are the loop's business: workers start with all of them blocked. */
static int executor_start_threads(struct scsi_executor *executor, unsigned threads)
{
	sigset_t all, before;
	int error = 0;

	sigfillset(&all);
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

static void executor_destroy(struct scsi_executor *executor)
{
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

void scsi_executor_free(struct scsi_executor **executor)
{
	if (!*executor)
		return;
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
	executor->holding = executor->thread_count > 0;
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
static void executor_hand_over(struct scsi_executor *executor)
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

void scsi_executor_release(struct scsi_executor *executor)
{
	executor->holding = false;
	executor_hand_over(executor);
}

void scsi_executor_submit(struct scsi_executor *executor, struct scsi_job *job)
{
	executor->pending++;
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
	job->due_ns = now_ns() + (uint64_t)delay_ms * NS_PER_MS;
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
	/* done may free the job, and may submit others. */
	while ((job = job_list_take(&list)) != NULL) {
		executor->pending--;
		any = true;
		job->done(job);
	}
	return any;
}

unsigned scsi_executor_pending(const struct scsi_executor *executor)
{
	return executor->pending;
}
