#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>

#include "target/executor.h"
#include "tests/support/suite.h"

struct test_job {
	struct scsi_job job;
	pthread_t ran_on;
	int ran, done;
	int order; /* of its run, within `runs` */
	struct scsi_executor *executor;
	struct test_job *then; /* submitted from done */
};

static int runs;

static struct test_job *test_job(struct scsi_job *job)
{
	return (struct test_job *)(void *)((char *)job - offsetof(struct test_job, job));
}

static void run(struct scsi_job *job)
{
	test_job(job)->ran_on = pthread_self();
	test_job(job)->ran++;
}

static void run_in_order(struct scsi_job *job)
{
	run(job);
	test_job(job)->order = ++runs;
}

static void done(struct scsi_job *job)
{
	struct test_job *test = test_job(job);

	ck_assert_int_eq(test->ran, 1);
	test->done++;
	if (test->then)
		scsi_executor_submit(test->executor, &test->then->job);
}

static bool is_readable(const struct scsi_executor *executor, int timeout_ms)
{
	struct pollfd fd = {.fd = scsi_executor_fd(executor), .events = POLLIN};

	return poll(&fd, 1, timeout_ms) == 1;
}

static void reap_all(struct scsi_executor *executor)
{
	while (scsi_executor_pending(executor) > 0) {
		ck_assert(is_readable(executor, -1));
		scsi_executor_reap(executor);
	}
}

START_TEST(without_threads_a_job_waits_for_reap)
{
	struct scsi_executor *executor = scsi_executor_create(0);
	struct test_job test = {.job = {.run = run, .done = done}};

	ck_assert(!is_readable(executor, 0));
	scsi_executor_submit(executor, &test.job);
	ck_assert_int_eq(test.ran, 0);
	ck_assert_uint_eq(scsi_executor_pending(executor), 1);
	ck_assert(is_readable(executor, 0));
	ck_assert(scsi_executor_reap(executor));
	ck_assert_int_eq(test.done, 1);
	ck_assert(pthread_equal(test.ran_on, pthread_self()));
	ck_assert_uint_eq(scsi_executor_pending(executor), 0);
	ck_assert(!scsi_executor_reap(executor));
	ck_assert(!is_readable(executor, 0));
	scsi_executor_free(&executor);
	ck_assert_ptr_null(executor);
}
END_TEST

START_TEST(without_threads_jobs_run_in_the_order_submitted)
{
	struct scsi_executor *executor = scsi_executor_create(0);
	struct test_job tests[5] = {0};

	for (int i = 0; i < 5; i++) {
		tests[i].job = (struct scsi_job){.run = run_in_order, .done = done};
		scsi_executor_submit(executor, &tests[i].job);
	}
	ck_assert(scsi_executor_reap(executor));
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(tests[i].order, i + 1);
	scsi_executor_free(&executor);
}
END_TEST

START_TEST(a_job_submitted_from_done_is_for_the_next_reap)
{
	struct scsi_executor *executor = scsi_executor_create(0);
	struct test_job second = {.job = {.run = run, .done = done}};
	struct test_job first = {
		.job = {.run = run, .done = done}, .executor = executor, .then = &second};

	scsi_executor_submit(executor, &first.job);
	ck_assert(scsi_executor_reap(executor));
	ck_assert_int_eq(second.ran, 0);
	ck_assert(is_readable(executor, 0));
	ck_assert(scsi_executor_reap(executor));
	ck_assert_int_eq(second.done, 1);
	scsi_executor_free(&executor);
}
END_TEST

START_TEST(with_threads_every_job_is_run_elsewhere_and_done_here)
{
	struct scsi_executor *executor = scsi_executor_create(4);
	static struct test_job tests[500];

	ck_assert_ptr_nonnull(executor);
	for (int i = 0; i < 500; i++) {
		tests[i].job = (struct scsi_job){.run = run, .done = done};
		scsi_executor_submit(executor, &tests[i].job);
	}
	reap_all(executor);
	for (int i = 0; i < 500; i++) {
		ck_assert_int_eq(tests[i].done, 1);
		ck_assert(!pthread_equal(tests[i].ran_on, pthread_self()));
	}
	scsi_executor_free(&executor);
}
END_TEST

#define AN_HOUR_MS 3600000

START_TEST(a_delayed_job_holds_up_no_other_and_runs_when_its_time_has_come)
{
	struct scsi_executor *executor = scsi_executor_create(1);
	struct test_job later = {.job = {.run = run, .done = done}};
	struct test_job soon[3] = {0};

	scsi_executor_submit_later(executor, &later.job, AN_HOUR_MS);
	for (int i = 0; i < 3; i++) {
		soon[i].job = (struct scsi_job){.run = run_in_order, .done = done};
		scsi_executor_submit_later(executor, &soon[i].job, 1 + (uint32_t)i);
	}
	while (scsi_executor_pending(executor) > 1) {
		ck_assert(is_readable(executor, -1));
		scsi_executor_reap(executor);
	}
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(soon[i].order, i + 1);
	ck_assert_int_eq(later.ran, 0);
	scsi_executor_free(&executor);
	ck_assert_int_eq(later.ran, 1);
}
END_TEST

START_TEST(without_threads_no_job_is_delayed)
{
	struct scsi_executor *executor = scsi_executor_create(0);
	struct test_job test = {.job = {.run = run, .done = done}};

	scsi_executor_submit_later(executor, &test.job, AN_HOUR_MS);
	ck_assert(scsi_executor_reap(executor));
	ck_assert_int_eq(test.done, 1);
	scsi_executor_free(&executor);
}
END_TEST

/* Many of both kinds, in turns of a loop. */
START_TEST(held_jobs_are_run_when_they_are_released)
{
	struct scsi_executor *executor = scsi_executor_create(2);
	static struct test_job tests[300];

	for (int turn = 0; turn < 3; turn++) {
		scsi_executor_hold(executor);
		for (int i = 0; i < 100; i++) {
			struct test_job *test = &tests[turn * 100 + i];
			test->job =
				(struct scsi_job){.run = run, .done = done, .quick = i % 7 != 0};
			scsi_executor_submit(executor, &test->job);
			ck_assert_int_eq(test->ran, 0);
		}
		scsi_executor_release(executor);
	}
	reap_all(executor);
	for (int i = 0; i < 300; i++)
		ck_assert_int_eq(tests[i].done, 1);
	scsi_executor_free(&executor);
}
END_TEST

START_TEST(who_reaps_need_not_release_and_free_runs_what_is_held)
{
	struct scsi_executor *executor = scsi_executor_create(1);
	struct test_job tests[2] = {{.job = {.run = run, .done = done, .quick = true}},
				    {.job = {.run = run, .done = done, .quick = true}}};

	scsi_executor_hold(executor);
	scsi_executor_submit(executor, &tests[0].job);
	scsi_executor_reap(executor);
	reap_all(executor);
	ck_assert_int_eq(tests[0].done, 1);
	scsi_executor_submit(executor, &tests[1].job);
	scsi_executor_free(&executor);
	ck_assert_int_eq(tests[1].ran, 1);
}
END_TEST

static pthread_barrier_t gate;

static void run_behind_the_gate(struct scsi_job *job)
{
	pthread_barrier_wait(&gate);
	run(job);
}

/* One thread has two quick jobs and then one that takes its time: the two are told of before. */
START_TEST(a_job_that_takes_its_time_holds_up_no_news_of_quick_ones)
{
	struct scsi_executor *executor = scsi_executor_create(1);
	struct test_job quick[2] = {{.job = {.run = run, .done = done, .quick = true}},
				    {.job = {.run = run, .done = done, .quick = true}}};
	struct test_job slow = {.job = {.run = run_behind_the_gate, .done = done}};

	pthread_barrier_init(&gate, NULL, 2);
	scsi_executor_hold(executor);
	scsi_executor_submit(executor, &quick[0].job);
	scsi_executor_submit(executor, &quick[1].job);
	scsi_executor_submit(executor, &slow.job);
	scsi_executor_release(executor);
	while (scsi_executor_pending(executor) > 1) {
		ck_assert(is_readable(executor, -1));
		scsi_executor_reap(executor);
	}
	ck_assert_int_eq(quick[0].done + quick[1].done, 2);
	ck_assert_int_eq(slow.done, 0);
	pthread_barrier_wait(&gate);
	reap_all(executor);
	ck_assert_int_eq(slow.done, 1);
	scsi_executor_free(&executor);
	pthread_barrier_destroy(&gate);
}
END_TEST

START_TEST(free_runs_what_was_not_begun)
{
	struct scsi_executor *executor = scsi_executor_create(0);
	struct test_job test = {.job = {.run = run, .done = done}};

	scsi_executor_submit(executor, &test.job);
	scsi_executor_free(&executor);
	ck_assert_int_eq(test.ran, 1);
	ck_assert_int_eq(test.done, 0);
}
END_TEST

START_TEST(too_many_threads_are_refused)
{
	errno = 0;
	ck_assert_ptr_null(scsi_executor_create(65));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, without_threads_a_job_waits_for_reap);
	tcase_add_test(tcase, without_threads_jobs_run_in_the_order_submitted);
	tcase_add_test(tcase, a_job_submitted_from_done_is_for_the_next_reap);
	tcase_add_test(tcase, with_threads_every_job_is_run_elsewhere_and_done_here);
	tcase_add_test(tcase, a_delayed_job_holds_up_no_other_and_runs_when_its_time_has_come);
	tcase_add_test(tcase, without_threads_no_job_is_delayed);
	tcase_add_test(tcase, held_jobs_are_run_when_they_are_released);
	tcase_add_test(tcase, who_reaps_need_not_release_and_free_runs_what_is_held);
	tcase_add_test(tcase, a_job_that_takes_its_time_holds_up_no_news_of_quick_ones);
	tcase_add_test(tcase, free_runs_what_was_not_begun);
	tcase_add_test(tcase, too_many_threads_are_refused);
}

int main(void)
{
	return suite_run("target/executor", fill);
}
