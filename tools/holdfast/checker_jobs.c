/*
 * All runs of a report, several at a time: each has a target and ports of its own.
 */
#include <pthread.h>
#include <stdlib.h>

#include "tools/holdfast/checker.h"

#define JOBS_MAX 64

struct jobs {
	struct check_report *report;
	const struct checker_options *options;
	pthread_mutex_t lock;
	size_t result, run; /* the next one */
};

/* NULL: there is none left. */
static struct check_run_result *next_job(struct jobs *jobs, const struct check_run **ret_run)
{
	struct check_run_result *job = NULL;

	pthread_mutex_lock(&jobs->lock);
	while (jobs->result < jobs->report->count) {
		struct check_result *result = &jobs->report->results[jobs->result];
		if (jobs->run < result->run_count) {
			job = &result->runs[jobs->run];
			*ret_run = job->run;
			jobs->run++;
			break;
		}
		jobs->result++;
		jobs->run = 0;
	}
	pthread_mutex_unlock(&jobs->lock);
	return job;
}

static void *work(void *context)
{
	struct jobs *jobs = context;
	const struct check_run *run;
	struct check_run_result *job;

	while ((job = next_job(jobs, &run)) != NULL)
		checker_run(run, jobs->options, job);
	return NULL;
}

void checker_run_all(struct check_report *report, const struct checker_options *options)
{
	struct jobs jobs = {.report = report, .options = options};
	pthread_t threads[JOBS_MAX];
	unsigned started = 0, wanted = options->jobs < JOBS_MAX ? options->jobs : JOBS_MAX;
	uint64_t began = checker_now_ms();

	pthread_mutex_init(&jobs.lock, NULL);
	while (started + 1 < wanted && pthread_create(&threads[started], NULL, work, &jobs) == 0)
		started++;
	work(&jobs);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_destroy(&jobs.lock);
	for (size_t i = 0; i < report->count; i++)
		check_result_judge(&report->results[i]);
	report->ms = (uint32_t)(checker_now_ms() - began);
}
