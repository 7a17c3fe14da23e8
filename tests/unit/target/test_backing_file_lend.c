/* What a file store lends of its mapping, and what it does not. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "pr_engine/io_posix.h"
#include "target/backing.h"
#include "tests/support/suite.h"

#define SIZE ((uint64_t)1024 * 1024)

/* ---- these calls stand before the C library's ------------------------------------------------ */

static struct {
	unsigned missing;     /* pages that are not resident of what is asked for, from the front */
	unsigned asked_pages; /* mincore calls */
	long major_faults;
	bool is_somebody_else;
} faults;

int mincore(void *address, size_t len, unsigned char *ret_there)
{
	faults.asked_pages++;
	int result = (int)syscall(SYS_mincore, address, len, ret_there);

	memset(ret_there, 0, faults.missing);
	return result;
}

int getrusage(__rusage_who_t who, struct rusage *ret_usage)
{
	int result = (int)syscall(SYS_getrusage, who, ret_usage);

	ret_usage->ru_majflt = faults.major_faults;
	return result;
}

uid_t geteuid(void)
{
	return (uid_t)syscall(SYS_geteuid) + faults.is_somebody_else;
}

/* A second that passes when the test says so. */
static time_t second = 1000;

int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	if (clock != CLOCK_MONOTONIC_COARSE)
		return (int)syscall(SYS_clock_gettime, clock, ret_now);
	*ret_now = (struct timespec){.tv_sec = second};
	return 0;
}

/* ---- the store ------------------------------------------------------------------------------- */

static char directory[64];
static char path[96];
static int file;
static struct scsi_executor *executor;
static struct backing *backing;

static void write_filled(uint64_t offset, size_t len, uint8_t value)
{
	uint8_t *data = malloc(len);

	ck_assert_ptr_nonnull(data);
	memset(data, value, len);
	ck_assert_int_eq(pr_io_write(file, offset, data, len), 0);
	free(data);
}

/* A store on a file that is full of 'l'. */
static void setup(void)
{
	const char *error = NULL;

	snprintf(directory, sizeof(directory), "%s/holdfast-map-XXXXXX", suite_folder());
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/disk", directory);
	executor = scsi_executor_create(0);
	ck_assert_ptr_nonnull(executor);
	ck_assert_int_eq(backing_file_open(path, SIZE, false, executor, &backing, &error), 0);
	file = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(file, 0);
	write_filled(0, SIZE, 'l');
}

static void teardown(void)
{
	backing->ops->close(backing);
	scsi_executor_free(&executor);
	close(file);
	unlink(path);
	rmdir(directory);
}

/* By which it is asked. */
static unsigned loop;

static uint8_t *lend(uint64_t offset, size_t len)
{
	return backing->ops->lend(backing, loop, offset, len);
}

/* What is asked for again and again. */
static uint8_t *lend_in_the_end(uint64_t offset, size_t len)
{
	for (unsigned i = 0; i < 3; i++)
		ck_assert_ptr_null(lend(offset, len));
	return lend(offset, len);
}

/* By the kernel: as it is sent. */
static void assert_sends(const uint8_t *data, size_t len, uint8_t value)
{
	uint8_t got[8192];
	int ends[2];

	ck_assert_ptr_nonnull(data);
	ck_assert_uint_le(len, sizeof(got));
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq((int)write(ends[1], data, len), (int)len);
	ck_assert_int_eq((int)read(ends[0], got, len), (int)len);
	close(ends[0]);
	close(ends[1]);
	for (size_t i = 0; i < len; i++)
		ck_assert_uint_eq(got[i], value);
}

START_TEST(what_is_read_often_and_cached_is_lent)
{
	assert_sends(lend_in_the_end(8192, 4096), 4096, 'l');
	ck_assert_uint_eq(faults.asked_pages, 1);
	assert_sends(lend(512, 512), 512, 'l'); /* of the same region nobody is asked again */
	ck_assert_uint_eq(faults.asked_pages, 1);
	write_filled(0, 4096, 'm');
	assert_sends(lend(0, 4096), 4096, 'm');
}
END_TEST

START_TEST(what_is_lent_may_lie_in_two_regions)
{
	const uint64_t region = 256 * 1024;

	lend_in_the_end(region - 4096, 4096);
	ck_assert_ptr_null(lend(region - 4096, 8192)); /* the second was never asked for */
	for (unsigned i = 0; i < 2; i++)
		ck_assert_ptr_null(lend(region, 4096));
	assert_sends(lend(region - 4096, 8192), 8192, 'l');
}
END_TEST

START_TEST(what_is_not_in_memory_is_not_lent)
{
	faults.missing = 8;
	ck_assert_ptr_null(lend_in_the_end(7 * 4096, 4096));
	ck_assert_ptr_null(lend(7 * 4096, 8192));
	ck_assert_ptr_nonnull(lend(8 * 4096, 4096));
	ck_assert_uint_eq(faults.asked_pages, 1);
	faults.missing = 0;
	second++;
	ck_assert_ptr_nonnull(lend_in_the_end(0, 4096));
}
END_TEST

START_TEST(where_much_is_not_in_memory_nothing_is_lent)
{
	faults.missing = 9;
	ck_assert_ptr_null(lend_in_the_end(63 * 4096, 4096));
}
END_TEST

START_TEST(what_was_in_memory_is_believed_for_a_second)
{
	ck_assert_ptr_nonnull(lend_in_the_end(0, 4096));
	second++;
	faults.missing = 64;
	ck_assert_ptr_null(lend_in_the_end(0, 4096));
}
END_TEST

START_TEST(when_memory_is_short_nothing_is_lent_for_a_while)
{
	ck_assert_ptr_nonnull(lend_in_the_end(0, 4096));
	faults.major_faults = 17;
	second++;
	ck_assert_ptr_null(lend_in_the_end(0, 4096));
	second += 2;
	ck_assert_ptr_null(lend_in_the_end(0, 4096));
	second++;
	ck_assert_ptr_nonnull(lend_in_the_end(0, 4096));
}
END_TEST

START_TEST(a_few_pages_that_went_among_many_that_were_lent_are_no_reason)
{
	ck_assert_ptr_nonnull(lend_in_the_end(0, 4096));
	for (unsigned i = 0; i < 17 * 256; i++)
		ck_assert_ptr_nonnull(lend(0, 4096));
	faults.major_faults = 17;
	second++;
	ck_assert_ptr_nonnull(lend_in_the_end(0, 4096));
	faults.major_faults = 2 * 17; /* with as few lent as this: they are */
	second++;
	ck_assert_ptr_null(lend_in_the_end(0, 4096));
}
END_TEST

START_TEST(what_is_long_or_outside_is_not_lent)
{
	ck_assert_ptr_null(lend_in_the_end(0, 512 * 1024));
	ck_assert_ptr_null(lend_in_the_end(SIZE - 4096, 8192));
	ck_assert_ptr_null(lend_in_the_end(SIZE, 4096));
	ck_assert_uint_eq(faults.asked_pages, 0);
}
END_TEST

START_TEST(what_is_lent_can_be_copied)
{
	uint8_t data[4096];

	ck_assert_ptr_nonnull(lend_in_the_end(0, 4096));
	ck_assert_int_eq(backing->ops->copy_lent(backing, 0, data, sizeof(data)), 0);
	ck_assert_uint_eq(data[4095], 'l');
}
END_TEST

START_TEST(a_file_that_was_cut_off_kills_nobody)
{
	uint8_t data[4096];
	int ends[2];

	uint8_t *lent = lend_in_the_end(0, 4096);
	ck_assert_ptr_nonnull(lent);
	ck_assert_int_eq(truncate(path, 0), 0);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq((int)write(ends[1], lent, 4096), -1);
	ck_assert_int_eq(errno, EFAULT);
	close(ends[0]);
	close(ends[1]);
	ck_assert_int_eq(backing->ops->copy_lent(backing, 0, data, sizeof(data)), -EIO);
	ck_assert_ptr_null(lend(0, 4096)); /* so that the next READ is told */
}
END_TEST

/* The kernel tells who owns a file, or may write it, what of it is in memory. */
START_TEST(of_somebody_elses_file_that_is_only_read_nothing_is_lent)
{
	const char *error = NULL;

	backing->ops->close(backing);
	ck_assert_int_eq(backing_file_open(path, 0, true, executor, &backing, &error), 0);
	ck_assert_ptr_nonnull(lend_in_the_end(0, 4096));
	backing->ops->close(backing);
	faults.is_somebody_else = true;
	ck_assert_int_eq(backing_file_open(path, 0, true, executor, &backing, &error), 0);
	ck_assert_ptr_null(lend_in_the_end(0, 4096));
	backing->ops->close(backing);
	ck_assert_int_eq(backing_file_open(path, 0, false, executor, &backing, &error), 0);
	ck_assert_ptr_nonnull(lend_in_the_end(0, 4096));
}
END_TEST

START_TEST(each_loop_asks_for_itself)
{
	ck_assert_ptr_nonnull(lend_in_the_end(0, 4096));
	loop = 7;
	ck_assert_ptr_nonnull(lend_in_the_end(0, 4096));
	ck_assert_uint_eq(faults.asked_pages, 2);
	faults.major_faults = 17; /* of this loop's thread */
	second++;
	ck_assert_ptr_null(lend_in_the_end(0, 4096));
	faults.major_faults = 0;
	loop = 0;
	ck_assert_ptr_nonnull(lend_in_the_end(0, 4096));
}
END_TEST

START_TEST(what_a_file_has_grown_by_is_lent_too)
{
	uint64_t size = 0;

	ck_assert_int_eq(backing->ops->grow(backing, 2 * SIZE, &size), 0);
	backing->size = size;
	write_filled(SIZE, SIZE, 'g');
	assert_sends(lend_in_the_end(SIZE, 4096), 4096, 'g');
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_is_read_often_and_cached_is_lent);
	tcase_add_test(tcase, what_is_lent_may_lie_in_two_regions);
	tcase_add_test(tcase, what_is_not_in_memory_is_not_lent);
	tcase_add_test(tcase, where_much_is_not_in_memory_nothing_is_lent);
	tcase_add_test(tcase, what_was_in_memory_is_believed_for_a_second);
	tcase_add_test(tcase, when_memory_is_short_nothing_is_lent_for_a_while);
	tcase_add_test(tcase, a_few_pages_that_went_among_many_that_were_lent_are_no_reason);
	tcase_add_test(tcase, what_is_long_or_outside_is_not_lent);
	tcase_add_test(tcase, what_is_lent_can_be_copied);
	tcase_add_test(tcase, a_file_that_was_cut_off_kills_nobody);
	tcase_add_test(tcase, of_somebody_elses_file_that_is_only_read_nothing_is_lent);
	tcase_add_test(tcase, each_loop_asks_for_itself);
	tcase_add_test(tcase, what_a_file_has_grown_by_is_lent_too);
}

int main(void)
{
	return suite_run("target/backing_file_lend", fill);
}
