/* Writes that are stored through a file's mapping: when, and that nothing is lost by it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "pr_engine/io_posix.h"
#include "target/backing.h"
#include "target/in_flight.h"
#include "tests/support/suite.h"

#define SIZE ((uint64_t)1024 * 1024)
#define PAGE ((size_t)4096)

/* ---- these calls stand before the C library's ------------------------------------------------ */

static struct backing *backing;

static struct {
	unsigned writes; /* pwrite calls */
	unsigned syncs;	 /* fdatasync calls */
	int sync_error;
	bool cuts_off;	       /* the file, behind each write */
	bool stores_meanwhile; /* somebody writes while a sync is under way */
	bool stored_meanwhile; /* ... and that was at once */
	bool flushes_between;  /* a whole flush, when a store has been begun and nothing copied */
	uint32_t file_system;
	time_t second;
	long step_ns; /* that each look at the clock takes */
	long ns;
	long page_faults; /* of this thread, so far */
} faults;

static void store_meanwhile(void)
{
	uint8_t data[PAGE];

	memset(data, 'm', sizeof(data));
	if (faults.stores_meanwhile)
		faults.stored_meanwhile =
			backing->ops->at_once(backing, BACKING_WRITE, 0, data, sizeof(data)) == 0;
}

int fdatasync(int fd)
{
	faults.syncs++;
	store_meanwhile();
	if (faults.sync_error) {
		errno = faults.sync_error;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	faults.writes++;
	ssize_t n = syscall(SYS_pwrite64, fd, data, len, offset);
	if (faults.cuts_off)
		ck_assert_int_eq(ftruncate(fd, 0), 0);
	return n;
}

/* As on ext4: it cannot be told whether a write would wait. */
ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	(void)fd;
	(void)iov;
	(void)count;
	(void)offset;
	(void)flags;
	errno = EOPNOTSUPP;
	return -1;
}

int fstatfs(int fd, struct statfs *ret_fs)
{
	int result = (int)syscall(SYS_fstatfs, fd, ret_fs);

	ret_fs->f_type = faults.file_system;
	return result;
}

int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	if (clock != CLOCK_MONOTONIC_COARSE)
		return (int)syscall(SYS_clock_gettime, clock, ret_now);
	faults.ns += faults.step_ns;
	*ret_now = (struct timespec){.tv_sec = faults.second, .tv_nsec = faults.ns};
	return 0;
}

static int run(enum backing_op op, uint64_t offset, uint64_t len);

int getrusage(__rusage_who_t who, struct rusage *ret_usage)
{
	int result = (int)syscall(SYS_getrusage, who, ret_usage);

	if (faults.flushes_between) {
		faults.flushes_between = false;
		ck_assert_int_eq(run(BACKING_FLUSH, 0, 0), 0);
	}

	ret_usage->ru_majflt = 0;
	ret_usage->ru_minflt = faults.page_faults;
	return result;
}

/* ---- the store ------------------------------------------------------------------------------- */

static char directory[64];
static char path[96], record_path[96];
static struct scsi_executor *executor;
static struct in_flight *in_flight;
static unsigned done_calls;

static void open_store(bool stores)
{
	const char *error = NULL;

	ck_assert_int_eq(backing_file_open(path, SIZE, false, executor, &backing, &error), 0);
	ck_assert_int_eq(backing_file_store_through(backing, in_flight, stores), 0);
}

/* The disk has data everywhere, all in the page cache. */
static void setup(void)
{
	snprintf(directory, sizeof(directory), "%s/holdfast-store-XXXXXX", suite_folder());
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/disk", directory);
	snprintf(record_path, sizeof(record_path), "%s/in-flight", directory);
	ck_assert_int_eq(in_flight_open(record_path, &in_flight), 0);
	executor = scsi_executor_create(0);
	ck_assert_ptr_nonnull(executor);
	faults.file_system = EXT4_SUPER_MAGIC;
	faults.second = 1000;
	open_store(true);
}

static void teardown(void)
{
	backing->ops->close(backing);
	scsi_executor_free(&executor);
	in_flight_free(&in_flight);
	unlink(path);
	unlink(record_path);
	rmdir(directory);
}

static void count_done(struct backing_request *request)
{
	(void)request;
	done_calls++;
}

/* Its error. */
static int submit(struct backing_request *request)
{
	unsigned before = done_calls;

	request->done = count_done;
	backing->ops->submit(backing, request);
	while (done_calls == before) {
		struct pollfd fd = {.fd = scsi_executor_fd(executor), .events = POLLIN};
		ck_assert_int_eq(poll(&fd, 1, -1), 1);
		scsi_executor_reap(executor);
	}
	return request->error;
}

static int run(enum backing_op op, uint64_t offset, uint64_t len)
{
	return submit(&(struct backing_request){.op = op, .offset = offset, .len = len});
}

static void write_filled(uint64_t offset, size_t len, uint8_t value)
{
	uint8_t data[32 * PAGE];

	ck_assert_uint_le(len, sizeof(data));
	memset(data, value, len);
	ck_assert_int_eq(submit(&(struct backing_request){.op = BACKING_WRITE,
							  .offset = offset,
							  .len = len,
							  .data = data,
							  .data_len = len}),
			 0);
}

/* Was it stored? Otherwise it was written. */
static bool is_stored(uint64_t offset, size_t len, uint8_t value)
{
	unsigned before = faults.writes;

	write_filled(offset, len, value);
	return faults.writes == before;
}

/* Often enough to be stored the next time. */
static void warm(uint64_t offset, size_t len)
{
	ck_assert(!is_stored(offset, len, 'w'));
	ck_assert(!is_stored(offset, len, 'w'));
}

static void assert_filled(uint64_t offset, size_t len, uint8_t value)
{
	uint8_t data[32 * PAGE];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pr_io_read(fd, offset, data, len), 0);
	close(fd);
	for (size_t i = 0; i < len; i++)
		ck_assert_uint_eq(data[i], value);
}

START_TEST(a_page_that_is_written_again_and_again_is_stored)
{
	ck_assert(!is_stored(PAGE, PAGE, 'a'));
	ck_assert(!is_stored(PAGE, PAGE, 'b'));
	ck_assert(is_stored(PAGE, PAGE, 'c'));
	assert_filled(0, PAGE, 0);
	assert_filled(PAGE, PAGE, 'c');
	assert_filled(2 * PAGE, PAGE, 0);
	ck_assert(!is_stored(0, PAGE, 'd'));
	ck_assert(is_stored(PAGE, PAGE, 'e'));
	assert_filled(PAGE, PAGE, 'e');
}
END_TEST

START_TEST(all_pages_must_be_warm_and_may_lie_in_several_regions)
{
	warm(14 * PAGE, 4 * PAGE);
	ck_assert(is_stored(14 * PAGE, 4 * PAGE, 's'));
	assert_filled(14 * PAGE, 4 * PAGE, 's');
	ck_assert(!is_stored(13 * PAGE, 2 * PAGE, 't'));
	ck_assert(!is_stored(17 * PAGE, 2 * PAGE, 't'));
	assert_filled(13 * PAGE, 2 * PAGE, 't');
	assert_filled(15 * PAGE, 2 * PAGE, 's');
	assert_filled(17 * PAGE, 2 * PAGE, 't');
}
END_TEST

START_TEST(a_part_of_a_warm_page_is_stored)
{
	warm(0, 2 * PAGE);
	ck_assert(is_stored(PAGE - 512, 1024, 'p'));
	assert_filled(0, PAGE - 512, 'w');
	assert_filled(PAGE - 512, 1024, 'p');
	assert_filled(PAGE + 512, PAGE - 512, 'w');
}
END_TEST

START_TEST(what_is_long_is_written)
{
	for (unsigned i = 0; i < 4; i++)
		ck_assert(!is_stored(0, 17 * PAGE, 'l'));
	warm(0, 16 * PAGE);
	ck_assert(is_stored(0, 16 * PAGE, 's'));
	assert_filled(0, 16 * PAGE, 's');
}
END_TEST

START_TEST(the_last_pages_of_the_disk_are_stored_too)
{
	warm(SIZE - PAGE, PAGE);
	ck_assert(is_stored(SIZE - PAGE, PAGE, 'e'));
	assert_filled(SIZE - PAGE, PAGE, 'e');
}
END_TEST

START_TEST(a_flush_ends_it_and_covers_what_was_stored)
{
	warm(0, PAGE);
	ck_assert_int_eq(run(BACKING_FLUSH, 0, 0), 0);
	ck_assert_uint_eq(faults.syncs, 1);
	warm(0, PAGE);
	ck_assert_int_eq(run(BACKING_FLUSH, 0, 0), 0);
	warm(0, PAGE);
	ck_assert_int_eq(run(BACKING_FLUSH, 0, 0), 0);
	ck_assert_uint_eq(faults.syncs, 3);
	ck_assert_int_eq(run(BACKING_FLUSH, 0, 0), 0); /* there is nothing new */
	ck_assert_uint_eq(faults.syncs, 3);
	warm(0, PAGE);
	ck_assert(is_stored(0, PAGE, 's'));
	ck_assert_int_eq(run(BACKING_FLUSH, 0, 0), 0);
	ck_assert_uint_eq(faults.syncs, 4);
}
END_TEST

#define CACHESTAT 451 /* everywhere; older headers do not know it */

struct range {
	uint64_t offset, len;
};

struct counts {
	uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

/* Pages of the file that are not on the disk yet; -1: the kernel does not tell. */
static long dirty_pages(void)
{
	struct range all = {.len = SIZE};
	struct counts counts = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	long result = syscall(CACHESTAT, fd, &all, &counts, 0);
	close(fd);
	return result == 0 ? (long)(counts.dirty + counts.writeback) : -1;
}

START_TEST(what_was_stored_is_on_the_disk_after_a_flush)
{
	warm(0, 4 * PAGE);
	if (dirty_pages() <= 0 || run(BACKING_FLUSH, 0, 0) != 0 || dirty_pages() != 0)
		return; /* a file system without a disk */
	warm(0, 4 * PAGE);
	ck_assert(is_stored(0, 4 * PAGE, 's'));
	ck_assert_int_eq(dirty_pages(), 4);
	ck_assert_int_eq(run(BACKING_FLUSH, 0, 0), 0);
	ck_assert_int_eq(dirty_pages(), 0);
}
END_TEST

START_TEST(nothing_is_stored_while_a_sync_is_under_way)
{
	warm(0, PAGE);
	faults.stores_meanwhile = true;
	ck_assert_int_eq(run(BACKING_FLUSH, 0, 0), 0);
	ck_assert(!faults.stored_meanwhile);
	assert_filled(0, PAGE, 'w');
}
END_TEST

/* It may have come too late for that flush. */
START_TEST(what_is_stored_around_a_flush_is_synced_by_the_next_one)
{
	uint8_t data[PAGE];

	memset(data, 'b', sizeof(data));
	warm(0, PAGE);
	faults.second++;
	faults.flushes_between = true;
	ck_assert_int_eq(backing->ops->at_once(backing, BACKING_WRITE, 0, data, PAGE), 0);
	ck_assert(!faults.flushes_between);
	ck_assert_uint_eq(faults.syncs, 1);
	ck_assert_int_eq(run(BACKING_FLUSH, 0, 0), 0);
	ck_assert_uint_eq(faults.syncs, 2);
	assert_filled(0, PAGE, 'b');
}
END_TEST

START_TEST(a_write_with_fua_is_synced_and_warms_nothing)
{
	uint8_t data[PAGE] = {0};

	warm(0, PAGE);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(submit(&(struct backing_request){.op = BACKING_WRITE,
								  .fua = true,
								  .len = sizeof(data),
								  .data = data,
								  .data_len = sizeof(data)}),
				 0);
	ck_assert_uint_eq(faults.syncs, 3);
	ck_assert(!is_stored(0, PAGE, 'f'));
}
END_TEST

START_TEST(after_a_failed_sync_nothing_is_stored_any_more)
{
	warm(0, PAGE);
	faults.sync_error = EIO;
	ck_assert_int_eq(run(BACKING_FLUSH, 0, 0), -EIO);
	faults.sync_error = 0;
	for (unsigned i = 0; i < 4; i++)
		ck_assert(!is_stored(0, PAGE, 'f'));
	ck_assert_int_eq(run(BACKING_FLUSH, 0, 0), -EIO);
}
END_TEST

START_TEST(what_was_unmapped_is_written_first)
{
	warm(0, 2 * PAGE);
	ck_assert_int_eq(run(BACKING_UNMAP, 0, PAGE), 0);
	assert_filled(0, PAGE, 0);
	ck_assert(!is_stored(0, PAGE, 'u'));
	ck_assert(!is_stored(0, PAGE, 'u'));
	ck_assert(is_stored(0, PAGE, 'v'));
	assert_filled(0, PAGE, 'v');
}
END_TEST

START_TEST(a_file_that_was_cut_off_is_written_in_the_ordinary_way_and_kills_nobody)
{
	warm(0, 4 * PAGE);
	ck_assert_int_eq(truncate(path, PAGE), 0);
	ck_assert(!is_stored(0, 4 * PAGE, 'c'));
	assert_filled(0, 4 * PAGE, 'c');
	/* And so for a while. */
	for (unsigned i = 0; i < 4; i++)
		ck_assert(!is_stored(0, PAGE, 'd'));
	faults.second += 5;
	warm(0, PAGE);
	ck_assert(is_stored(0, PAGE, 'e'));
	assert_filled(0, PAGE, 'e');
	assert_filled(PAGE, 3 * PAGE, 'c');
}
END_TEST

START_TEST(a_page_that_went_before_it_was_touched_kills_nobody)
{
	ck_assert(!is_stored(0, PAGE, 'a'));
	faults.cuts_off = true;
	ck_assert(!is_stored(0, PAGE, 'b'));
	ck_assert(!is_stored(0, PAGE, 'b'));
	faults.cuts_off = false;
	ck_assert(!is_stored(0, PAGE, 'b'));
	ck_assert(is_stored(0, PAGE, 'c'));
	assert_filled(0, PAGE, 'c');
}
END_TEST

START_TEST(nobody_believes_for_longer_than_the_kernel_keeps_pages_dirty)
{
	warm(0, PAGE);
	faults.second += 20;
	ck_assert(is_stored(0, PAGE, 'b'));
	faults.second++;
	ck_assert(!is_stored(0, PAGE, 'c'));
	ck_assert(!is_stored(0, PAGE, 'c'));
	ck_assert(is_stored(0, PAGE, 'd'));
}
END_TEST

START_TEST(after_a_store_that_took_long_nothing_is_stored_for_a_while)
{
	warm(0, PAGE);
	ck_assert(is_stored(0, PAGE, 'k'));
	faults.step_ns = 30000000;
	faults.page_faults = 1;
	ck_assert(is_stored(0, PAGE, 'l'));
	faults.step_ns = 0;
	for (unsigned i = 0; i < 4; i++)
		ck_assert(!is_stored(0, PAGE, 'w'));
	faults.second += 5;
	warm(0, PAGE);
	ck_assert(is_stored(0, PAGE, 's'));
}
END_TEST

START_TEST(that_somebody_else_had_the_processor_is_no_reason)
{
	faults.page_faults = 7;
	warm(0, PAGE);
	faults.step_ns = 30000000;
	for (unsigned i = 0; i < 8; i++)
		ck_assert(is_stored(0, PAGE, 'l'));
}
END_TEST

START_TEST(what_a_file_has_grown_by_is_stored_too)
{
	uint64_t size = 0;

	warm(0, PAGE);
	ck_assert_int_eq(backing->ops->grow(backing, 2 * SIZE, &size), 0);
	backing->size = size;
	warm(0, PAGE);
	warm(2 * SIZE - PAGE, PAGE);
	ck_assert(is_stored(0, PAGE, 'g'));
	ck_assert(is_stored(2 * SIZE - PAGE, PAGE, 'h'));
	assert_filled(0, PAGE, 'g');
	assert_filled(2 * SIZE - PAGE, PAGE, 'h');
}
END_TEST

START_TEST(on_other_file_systems_all_is_written)
{
	const uint32_t others[] = {NFS_SUPER_MAGIC, FUSE_SUPER_MAGIC, 0};

	backing->ops->close(backing);
	faults.file_system = others[_i];
	open_store(true);
	for (unsigned i = 0; i < 4; i++)
		ck_assert(!is_stored(0, PAGE, 'o'));
}
END_TEST

START_TEST(without_a_record_all_is_written)
{
	const char *error = NULL;

	backing->ops->close(backing);
	ck_assert_int_eq(backing_file_open(path, SIZE, false, executor, &backing, &error), 0);
	for (unsigned i = 0; i < 4; i++)
		ck_assert(!is_stored(0, PAGE, 'o'));
}
END_TEST

START_TEST(where_the_configuration_wants_no_stores_all_is_written)
{
	uint64_t size = 0;

	backing->ops->close(backing);
	open_store(false);
	for (unsigned i = 0; i < 4; i++)
		ck_assert(!is_stored(0, PAGE, 'o'));
	ck_assert_int_eq(backing->ops->grow(backing, 2 * SIZE, &size), 0);
	backing->size = size;
	for (unsigned i = 0; i < 4; i++)
		ck_assert(!is_stored(0, PAGE, 'o'));
}
END_TEST

START_TEST(what_is_lent_shows_what_was_stored)
{
	uint8_t *lent = NULL;

	/* A region of which much is not there is not lent. */
	for (uint64_t at = 0; at < SIZE; at += 16 * PAGE)
		write_filled(at, 16 * PAGE, 'o');
	ck_assert(!is_stored(0, PAGE, 'w'));
	ck_assert(is_stored(0, PAGE, 's'));
	for (unsigned i = 0; i < 4; i++)
		lent = backing->ops->lend(backing, 0, 0, PAGE);
	ck_assert_ptr_nonnull(lent);
	for (size_t i = 0; i < PAGE; i++)
		ck_assert_uint_eq(lent[i], 's');
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_page_that_is_written_again_and_again_is_stored);
	tcase_add_test(tcase, all_pages_must_be_warm_and_may_lie_in_several_regions);
	tcase_add_test(tcase, a_part_of_a_warm_page_is_stored);
	tcase_add_test(tcase, what_is_long_is_written);
	tcase_add_test(tcase, the_last_pages_of_the_disk_are_stored_too);
	tcase_add_test(tcase, a_flush_ends_it_and_covers_what_was_stored);
	tcase_add_test(tcase, what_was_stored_is_on_the_disk_after_a_flush);
	tcase_add_test(tcase, nothing_is_stored_while_a_sync_is_under_way);
	tcase_add_test(tcase, what_is_stored_around_a_flush_is_synced_by_the_next_one);
	tcase_add_test(tcase, a_write_with_fua_is_synced_and_warms_nothing);
	tcase_add_test(tcase, after_a_failed_sync_nothing_is_stored_any_more);
	tcase_add_test(tcase, what_was_unmapped_is_written_first);
	tcase_add_test(tcase,
		       a_file_that_was_cut_off_is_written_in_the_ordinary_way_and_kills_nobody);
	tcase_add_test(tcase, a_page_that_went_before_it_was_touched_kills_nobody);
	tcase_add_test(tcase, nobody_believes_for_longer_than_the_kernel_keeps_pages_dirty);
	tcase_add_test(tcase, after_a_store_that_took_long_nothing_is_stored_for_a_while);
	tcase_add_test(tcase, that_somebody_else_had_the_processor_is_no_reason);
	tcase_add_test(tcase, what_a_file_has_grown_by_is_stored_too);
	tcase_add_loop_test(tcase, on_other_file_systems_all_is_written, 0, 3);
	tcase_add_test(tcase, without_a_record_all_is_written);
	tcase_add_test(tcase, where_the_configuration_wants_no_stores_all_is_written);
	tcase_add_test(tcase, what_is_lent_shows_what_was_stored);
}

int main(void)
{
	return suite_run("target/backing_file_store", fill);
}
