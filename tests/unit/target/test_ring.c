/* The executor with a ring; what a file store does with it is tested in test_backing_file.c. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/executor.h"
#include "tests/support/suite.h"
#include "tests/support/uring_faults.h"

#define BLOCK	 512u
#define BLOCKS	 64u
#define MANY	 3000u
#define LONG_LEN ((size_t)1024 * 1024)

struct test_job {
	struct scsi_job job;
	int landed, ran, done;
	bool goes_on; /* a sync follows */
	uint8_t data[BLOCK];
};

static struct scsi_executor *executor;
static int fd;

static struct test_job *test_job(struct scsi_job *job)
{
	return (struct test_job *)(void *)((char *)job - offsetof(struct test_job, job));
}

static void run(struct scsi_job *job)
{
	test_job(job)->ran++;
}

static enum scsi_landing landed(struct scsi_job *job)
{
	struct test_job *test = test_job(job);

	test->landed++;
	if (job->io.result < 0)
		return SCSI_LANDED_BADLY;
	if (!test->goes_on)
		return SCSI_LANDED;
	test->goes_on = false;
	job->io = (struct scsi_io){.op = SCSI_IO_SYNC, .fd = fd};
	return SCSI_LANDED_ON_THE_WAY;
}

static void done(struct scsi_job *job)
{
	test_job(job)->done++;
}

/* Reads block `number`, whose bytes are that number. */
static void job_init(struct test_job *test, unsigned number)
{
	*test = (struct test_job){
		.job = {.run = run,
			.done = done,
			.landed = landed,
			.io = {.op = SCSI_IO_READ,
			       .fd = fd,
			       .offset = (uint64_t)(number % BLOCKS) * BLOCK,
			       .data = test->data,
			       .len = BLOCK}},
	};
}

static void reap_all(void)
{
	while (scsi_executor_pending(executor) > 0) {
		struct pollfd readable = {.fd = scsi_executor_fd(executor), .events = POLLIN};

		ck_assert_int_eq(poll(&readable, 1, -1), 1);
		scsi_executor_reap(executor);
	}
}

static void start(unsigned threads)
{
	executor = scsi_executor_create(threads);
	ck_assert_ptr_nonnull(executor);
	ck_assert_int_eq(scsi_executor_use_ring(executor), 0);
}

static void setup(void)
{
	FILE *file = tmpfile();

	ck_assert_ptr_nonnull(file);
	for (unsigned i = 0; i < BLOCKS * BLOCK; i++)
		ck_assert_int_ne(fputc((int)(i / BLOCK), file), EOF);
	ck_assert_int_eq(fflush(file), 0);
	fd = dup(fileno(file));
	fclose(file);
	start(1);
}

static void teardown(void)
{
	uring_faults_set(NULL);
	scsi_executor_free(&executor);
	close(fd);
}

START_TEST(the_kernel_does_what_a_job_gives_as_io)
{
	struct test_job test;

	job_init(&test, 7);
	scsi_executor_submit(executor, &test.job);
	reap_all();
	ck_assert_int_eq(test.landed, 1);
	ck_assert_int_eq(test.ran, 0);
	ck_assert_int_eq(test.done, 1);
	ck_assert_int_eq(test.job.io.result, BLOCK);
	ck_assert_uint_eq(test.data[BLOCK - 1], 7);
}
END_TEST

START_TEST(a_job_without_io_is_run)
{
	struct test_job test = {.job = {.run = run, .done = done, .landed = landed}};

	scsi_executor_submit(executor, &test.job);
	reap_all();
	ck_assert_int_eq(test.landed, 0);
	ck_assert_int_eq(test.ran, 1);
	ck_assert_int_eq(test.done, 1);
}
END_TEST

START_TEST(what_the_kernel_could_not_do_is_run)
{
	struct test_job test;

	job_init(&test, 1);
	test.job.io.fd = -1;
	scsi_executor_submit(executor, &test.job);
	reap_all();
	ck_assert_int_eq(test.job.io.result, -EBADF);
	ck_assert_int_eq(test.ran, 1);
	ck_assert_int_eq(test.done, 1);
}
END_TEST

START_TEST(a_job_may_take_several_steps)
{
	struct test_job test;

	job_init(&test, 1);
	test.goes_on = true;
	scsi_executor_submit(executor, &test.job);
	reap_all();
	ck_assert_int_eq(test.landed, 2);
	ck_assert_int_eq(test.ran, 0);
	ck_assert_int_eq(test.done, 1);
}
END_TEST

/* More than the ring has room for; held and not; among others that have no io. */
START_TEST(any_number_of_jobs_is_done_once_each)
{
	struct test_job *tests = calloc(MANY, sizeof(*tests));

	ck_assert_ptr_nonnull(tests);
	for (unsigned i = 0; i < MANY; i++) {
		if (i % 100 == 0)
			scsi_executor_release(executor);
		if (i % 200 == 0)
			scsi_executor_hold(executor);
		job_init(&tests[i], i);
		if (i % 5 == 0)
			tests[i].job.io.op = SCSI_IO_NONE;
		scsi_executor_submit(executor, &tests[i].job);
	}
	scsi_executor_release(executor);
	reap_all();
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_int_eq(tests[i].done, 1);
		ck_assert_int_eq(tests[i].landed + tests[i].ran, 1);
		if (tests[i].landed == 1)
			ck_assert_uint_eq(tests[i].data[0], i % BLOCKS);
	}
	free(tests);
}
END_TEST

START_TEST(held_jobs_are_submitted_by_whoever_reaps)
{
	struct test_job test;

	job_init(&test, 3);
	scsi_executor_hold(executor);
	scsi_executor_submit(executor, &test.job);
	scsi_executor_reap(executor);
	reap_all();
	ck_assert_int_eq(test.landed, 1);
	ck_assert_int_eq(test.done, 1);
}
END_TEST

/* ---- a kernel that takes nothing ---- */

static int submit_error;

static struct uring_verdict refuse(enum scsi_io_op op)
{
	return (struct uring_verdict){.error = op == SCSI_IO_NONE ? submit_error : 0};
}

static void submit_some(struct test_job *tests, unsigned count)
{
	scsi_executor_hold(executor);
	for (unsigned i = 0; i < count; i++) {
		job_init(&tests[i], i);
		scsi_executor_submit(executor, &tests[i].job);
	}
	scsi_executor_release(executor);
	reap_all();
	for (unsigned i = 0; i < count; i++)
		ck_assert_int_eq(tests[i].done, 1);
}

START_TEST(what_the_kernel_does_not_take_is_run_and_nothing_is_done_twice)
{
	static struct test_job tests[200];

	uring_faults_set(refuse);
	submit_error = EAGAIN;
	submit_some(tests, 200);
	for (unsigned i = 0; i < 200; i++)
		ck_assert_int_eq(tests[i].ran, 1);
	/* What was given back leaves less room in the ring, until the kernel takes something. */
	submit_error = 0;
	submit_some(tests, 200);
	for (unsigned i = 0; i < 200; i++)
		ck_assert_int_eq(tests[i].landed + tests[i].ran, 1);
	submit_some(tests, 200);
	for (unsigned i = 0; i < 200; i++)
		ck_assert_int_eq(tests[i].landed, 1);
}
END_TEST

START_TEST(without_threads_reap_runs_what_the_kernel_does_not_take)
{
	static struct test_job tests[20];

	scsi_executor_free(&executor);
	start(0);
	uring_faults_set(refuse);
	submit_error = ENOMEM;
	submit_some(tests, 20);
	ck_assert_int_eq(tests[19].ran, 1);
}
END_TEST

START_TEST(free_waits_for_what_is_under_way)
{
	static struct test_job tests[3];

	for (unsigned i = 0; i < 3; i++)
		job_init(&tests[i], i);
	tests[1].job.io.fd = -1;
	tests[2].goes_on = true;
	scsi_executor_hold(executor);
	for (unsigned i = 0; i < 3; i++)
		scsi_executor_submit(executor, &tests[i].job);
	scsi_executor_free(&executor);
	ck_assert_int_eq(tests[0].landed, 1);
	ck_assert_int_eq(tests[1].ran, 1);
	ck_assert_int_eq(tests[2].landed, 2);
	ck_assert_int_eq(tests[0].done, 0);
}
END_TEST

START_TEST(long_reads_are_done_too)
{
	uint8_t *data = malloc(LONG_LEN);
	struct test_job test;

	ck_assert_ptr_nonnull(data);
	ck_assert_int_eq(ftruncate(fd, (off_t)LONG_LEN), 0);
	job_init(&test, 0);
	test.job.io.data = data;
	test.job.io.len = LONG_LEN;
	scsi_executor_submit(executor, &test.job);
	reap_all();
	ck_assert_int_eq(test.job.io.result, (int)LONG_LEN);
	ck_assert_uint_eq(data[3 * BLOCK], 3);
	free(data);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_kernel_does_what_a_job_gives_as_io);
	tcase_add_test(tcase, a_job_without_io_is_run);
	tcase_add_test(tcase, what_the_kernel_could_not_do_is_run);
	tcase_add_test(tcase, a_job_may_take_several_steps);
	tcase_add_test(tcase, any_number_of_jobs_is_done_once_each);
	tcase_add_test(tcase, held_jobs_are_submitted_by_whoever_reaps);
	tcase_add_test(tcase, what_the_kernel_does_not_take_is_run_and_nothing_is_done_twice);
	tcase_add_test(tcase, without_threads_reap_runs_what_the_kernel_does_not_take);
	tcase_add_test(tcase, free_waits_for_what_is_under_way);
	tcase_add_test(tcase, long_reads_are_done_too);
}

int main(void)
{
	executor = scsi_executor_create(0);
	int error = executor ? scsi_executor_use_ring(executor) : -ENOMEM;
	scsi_executor_free(&executor);
	if (error != 0) {
		printf("target/ring: skipped: %s\n1 passed, 0 failed\n", strerror(-error));
		return EXIT_SUCCESS;
	}
	return suite_run("target/ring", fill);
}
