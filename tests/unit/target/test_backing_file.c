#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "target/backing.h"
#include "tests/support/suite.h"
#include "tests/support/uring_faults.h"

#define SIZE ((uint64_t)1024 * 1024)

/* ---- faults: these calls stand before the C library's
 * -------------------------------------------- */

static struct {
	int fdatasync_error;
	unsigned fdatasyncs; /* calls */
	int fallocate_error;
	int pwrite_error;
	size_t pwrite_max; /* bytes that one call takes; 0: all */
	bool nothing_cached;
	bool takes_at_once; /* the file system can tell whether a write would wait */
	unsigned asked;	    /* how often it was */
	bool in_memory;	    /* what the file system says of itself */
	bool is_block_device;
	struct backing *written; /* while a sync is under way, or NULL */
} faults;

static void write_meanwhile(void)
{
	uint8_t data[4096] = {0};

	if (faults.written)
		faults.written->ops->at_once(faults.written, BACKING_WRITE, 0, data, sizeof(data));
}

static int fail_with(int error)
{
	errno = error;
	return -1;
}

int fdatasync(int fd)
{
	faults.fdatasyncs++;
	write_meanwhile();
	return faults.fdatasync_error ? fail_with(faults.fdatasync_error)
				      : (int)syscall(SYS_fdatasync, fd);
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	return faults.fallocate_error ? fail_with(faults.fallocate_error)
				      : (int)syscall(SYS_fallocate, fd, mode, offset, len);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	if (faults.pwrite_error)
		return fail_with(faults.pwrite_error);
	if (faults.pwrite_max && len > faults.pwrite_max)
		len = faults.pwrite_max;
	return syscall(SYS_pwrite64, fd, data, len, offset);
}

ssize_t preadv2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	if (faults.nothing_cached)
		return fail_with(EAGAIN);
	/* Offset in two halves; on a 64-bit machine the lower one has all of it. */
	return syscall(SYS_preadv2, fd, iov, count, offset, 0, flags);
}

ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	(void)flags;
	faults.asked++;
	return faults.takes_at_once ? pwritev(fd, iov, count, offset) : fail_with(EOPNOTSUPP);
}

/* The same faults where the kernel does it all. */
static struct uring_verdict judge(enum scsi_io_op op)
{
	if (op == SCSI_IO_WRITE)
		return (struct uring_verdict){.error = faults.pwrite_error,
					      .len_max = faults.pwrite_max};
	if (op != SCSI_IO_SYNC)
		return (struct uring_verdict){0};
	faults.fdatasyncs++;
	write_meanwhile();
	return (struct uring_verdict){.error = faults.fdatasync_error};
}

/* Wherever the tests' folder lies, its files are on a disk unless a test says otherwise. */
int fstatfs(int fd, struct statfs *ret_fs)
{
	int result = (int)syscall(SYS_fstatfs, fd, ret_fs);

	ret_fs->f_type = faults.in_memory ? TMPFS_MAGIC : EXT4_SUPER_MAGIC;
	return result;
}

int fstat(int fd, struct stat *ret_status)
{
	int result = fstatat(fd, "", ret_status, AT_EMPTY_PATH);

	if (faults.is_block_device)
		ret_status->st_mode = S_IFBLK;
	return result;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;

	(void)fd;
	ck_assert_uint_eq(request, BLKGETSIZE64);
	va_start(arguments, request);
	*va_arg(arguments, uint64_t *) = SIZE;
	va_end(arguments);
	return 0;
}

static bool with_ring; /* the kernel does what it can by itself */
static char directory[64];
static char path[96];
static struct scsi_executor *executor;
static struct backing *backing;
static unsigned done_calls;

/* No threads: jobs run in scsi_executor_reap. */
static void setup(void)
{
	snprintf(directory, sizeof(directory), "%s/holdfast-backing-XXXXXX", suite_folder());
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/disk", directory);
	executor = scsi_executor_create(0);
	ck_assert_ptr_nonnull(executor);
	if (with_ring) {
		ck_assert_int_eq(scsi_executor_use_ring(executor), 0);
		uring_faults_set(judge);
	}
	backing = NULL;
	done_calls = 0;
}

static void teardown(void)
{
	if (backing)
		backing->ops->close(backing);
	scsi_executor_free(&executor);
	unlink(path);
	rmdir(directory);
}

static int open_store(uint64_t size, bool read_only)
{
	const char *error = NULL;
	int result = backing_file_open(path, size, read_only, executor, &backing, &error);

	ck_assert_int_eq(result == 0, error == NULL);
	return result;
}

static void count_done(struct backing_request *request)
{
	(void)request;
	done_calls++;
}

static void reap(void)
{
	struct pollfd fd = {.fd = scsi_executor_fd(executor), .events = POLLIN};

	ck_assert_int_eq(poll(&fd, 1, -1), 1);
	scsi_executor_reap(executor);
}

static struct backing_request attempt(enum backing_op op, uint64_t offset, uint64_t len, void *data,
				      size_t data_len, bool fua)
{
	struct backing_request request = {.op = op,
					  .fua = fua,
					  .offset = offset,
					  .len = len,
					  .data = data,
					  .data_len = data_len,
					  .error = 1,
					  .done = count_done};
	unsigned before = done_calls;

	backing->ops->submit(backing, &request);
	while (done_calls == before)
		reap();
	ck_assert_uint_eq(done_calls, before + 1);
	return request;
}

static struct backing_request run(enum backing_op op, uint64_t offset, uint64_t len, void *data,
				  size_t data_len)
{
	struct backing_request request = attempt(op, offset, len, data, data_len, false);

	ck_assert_int_eq(request.error, 0);
	return request;
}

static void write_filled(uint64_t offset, size_t len, uint8_t value)
{
	uint8_t *data = malloc(len);

	ck_assert_ptr_nonnull(data);
	memset(data, value, len);
	run(BACKING_WRITE, offset, len, data, len);
	free(data);
}

static void assert_filled(uint64_t offset, size_t len, uint8_t value)
{
	uint8_t *data = malloc(len);

	ck_assert_ptr_nonnull(data);
	memset(data, 0xee, len);
	run(BACKING_READ, offset, len, data, len);
	for (size_t i = 0; i < len; i++)
		ck_assert_uint_eq(data[i], value);
	free(data);
}

static struct stat file_stat(void)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st;
}

static void make_file(const char *content, off_t len)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, content, strlen(content)), (int)strlen(content));
	ck_assert_int_eq(ftruncate(fd, len), 0);
	close(fd);
}

START_TEST(a_new_file_is_sparse_private_and_as_long_as_asked)
{
	ck_assert_int_eq(open_store(SIZE, false), 0);
	struct stat st = file_stat();
	ck_assert_uint_eq(backing->size, SIZE);
	ck_assert_int_eq(st.st_size, (off_t)SIZE);
	ck_assert_int_eq(st.st_blocks, 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert(!backing->volatile_store);
	assert_filled(0, SIZE, 0);
}
END_TEST

START_TEST(what_is_written_is_there_after_opening_again)
{
	ck_assert_int_eq(open_store(SIZE, false), 0);
	write_filled(4096, 8192, 'p');
	backing->ops->close(backing);
	ck_assert_int_eq(open_store(0, false), 0);
	ck_assert_uint_eq(backing->size, SIZE);
	assert_filled(4096, 8192, 'p');
}
END_TEST

START_TEST(a_shorter_file_is_grown_and_keeps_its_data)
{
	make_file("abc", 4096);
	ck_assert_int_eq(open_store(SIZE, false), 0);
	ck_assert_int_eq(file_stat().st_size, (off_t)SIZE);
	uint8_t data[512];
	run(BACKING_READ, 0, sizeof(data), data, sizeof(data));
	ck_assert_mem_eq(data, "abc", 4);
}
END_TEST

START_TEST(a_longer_file_is_refused_and_left_alone)
{
	make_file("abc", (off_t)SIZE + 512);
	ck_assert_int_eq(open_store(SIZE, false), -EFBIG);
	ck_assert_int_eq(file_stat().st_size, (off_t)SIZE + 512);
}
END_TEST

START_TEST(without_a_size_a_missing_file_is_not_made)
{
	ck_assert_int_eq(open_store(0, false), -ENOENT);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(without_a_size_an_empty_file_is_refused)
{
	make_file("", 0);
	ck_assert_int_eq(open_store(0, false), -EINVAL);
}
END_TEST

START_TEST(read_only_neither_makes_nor_grows_a_file)
{
	ck_assert_int_eq(open_store(SIZE, true), -ENOENT);
	make_file("abc", 4096);
	ck_assert_int_eq(open_store(SIZE, true), -ENOSPC);
	ck_assert_int_eq(file_stat().st_size, 4096);
	ck_assert_int_eq(open_store(4096, true), 0);
	uint8_t data[512] = {0};
	ck_assert_int_lt(attempt(BACKING_WRITE, 0, 512, data, 512, false).error, 0);
}
END_TEST

START_TEST(a_directory_is_no_store)
{
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(open_store(0, true), -EINVAL);
	rmdir(path);
}
END_TEST

START_TEST(a_file_in_use_is_refused)
{
	struct backing *second = NULL;
	const char *error = NULL;

	ck_assert_int_eq(open_store(SIZE, false), 0);
	ck_assert_int_eq(backing_file_open(path, SIZE, false, executor, &second, &error), -EBUSY);
	ck_assert_int_eq(backing_file_open(path, SIZE, true, executor, &second, &error), -EBUSY);
	ck_assert_ptr_nonnull(strstr(error, "in use"));
	ck_assert_ptr_null(second);
}
END_TEST

START_TEST(a_cached_read_completes_before_submit_returns)
{
	uint8_t data[4096];
	struct backing_request request = {.op = BACKING_READ,
					  .len = sizeof(data),
					  .data = data,
					  .data_len = sizeof(data),
					  .error = 1,
					  .done = count_done};

	ck_assert_int_eq(open_store(SIZE, false), 0);
	write_filled(0, sizeof(data), 'c');
	backing->ops->submit(backing, &request);
	/* A file system without RWF_NOWAIT takes the long way. */
	while (done_calls == 1)
		reap();
	ck_assert_uint_eq(done_calls, 2);
	ck_assert_int_eq(request.error, 0);
	ck_assert_uint_eq(data[4095], 'c');
}
END_TEST

START_TEST(unmap_gives_the_space_back_and_the_range_reads_as_zeros)
{
	ck_assert_int_eq(open_store(SIZE, false), 0);
	write_filled(0, SIZE, 'u');
	run(BACKING_FLUSH, 0, 0, NULL, 0);
	blkcnt_t before = file_stat().st_blocks;
	run(BACKING_UNMAP, 65536, 131072, NULL, 0);
	ck_assert_int_lt(file_stat().st_blocks, before);
	ck_assert_int_eq(file_stat().st_size, (off_t)SIZE);
	assert_filled(0, 65536, 'u');
	assert_filled(65536, 131072, 0);
	assert_filled(65536 + 131072, 65536, 'u');
}
END_TEST

START_TEST(write_same_fills_a_range_longer_than_its_buffer)
{
	uint8_t block[512], data[512];

	ck_assert_int_eq(open_store(SIZE, false), 0);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)(i * 3);
	run(BACKING_WRITE_SAME, 512, SIZE - 1024, block, sizeof(block));
	for (uint64_t at = 512; at < SIZE - 512; at += 512) {
		run(BACKING_READ, at, 512, data, sizeof(data));
		ck_assert_mem_eq(data, block, sizeof(block));
	}
	assert_filled(0, 512, 0);
	assert_filled(SIZE - 512, 512, 0);
}
END_TEST

START_TEST(extents_follow_the_files_holes)
{
	ck_assert_int_eq(open_store(SIZE, false), 0);
	write_filled(131072, 65536, 'x');
	run(BACKING_FLUSH, 0, 0, NULL, 0);

	struct backing_request hole = run(BACKING_EXTENT, 0, SIZE, NULL, 0);
	ck_assert(!hole.mapped);
	ck_assert_uint_eq(hole.len, 131072);
	struct backing_request data = run(BACKING_EXTENT, 131072, SIZE - 131072, NULL, 0);
	ck_assert(data.mapped);
	ck_assert_uint_eq(data.len, 65536);
	struct backing_request rest = run(BACKING_EXTENT, 196608, SIZE - 196608, NULL, 0);
	ck_assert(!rest.mapped);
	ck_assert_uint_eq(rest.len, SIZE - 196608);
}
END_TEST

START_TEST(fua_writes_and_unmaps_succeed)
{
	uint8_t data[4096];

	ck_assert_int_eq(open_store(SIZE, false), 0);
	memset(data, 'f', sizeof(data));
	ck_assert_int_eq(attempt(BACKING_WRITE, 0, 4096, data, 4096, true).error, 0);
	ck_assert_int_eq(attempt(BACKING_UNMAP, 0, 4096, NULL, 0, true).error, 0);
	ck_assert_int_eq(attempt(BACKING_WRITE_SAME, 0, 4096, data, 512, true).error, 0);
	assert_filled(0, 4096, 'f');
}
END_TEST

START_TEST(reading_where_the_file_was_cut_off_is_an_error)
{
	uint8_t data[512];

	ck_assert_int_eq(open_store(SIZE, false), 0);
	ck_assert_int_eq(truncate(path, 4096), 0);
	ck_assert_int_eq(attempt(BACKING_READ, 8192, 512, data, 512, false).error, -EIO);
}
END_TEST

START_TEST(what_is_not_cached_is_read_away_from_the_loop)
{
	uint8_t data[4096];
	struct backing_request request = {.op = BACKING_READ,
					  .len = sizeof(data),
					  .data = data,
					  .data_len = sizeof(data),
					  .error = 1,
					  .done = count_done};

	ck_assert_int_eq(open_store(SIZE, false), 0);
	write_filled(0, sizeof(data), 'c');
	faults.nothing_cached = true;
	backing->ops->submit(backing, &request);
	ck_assert_uint_eq(done_calls, 1);
	while (done_calls == 1)
		reap();
	ck_assert_uint_eq(done_calls, 2);
	ck_assert_int_eq(request.error, 0);
	ck_assert_uint_eq(data[4095], 'c');
	faults.nothing_cached = false;
}
END_TEST

START_TEST(a_write_that_need_not_wait_completes_before_submit_returns)
{
	uint8_t data[4096];
	struct backing_request request = {.op = BACKING_WRITE,
					  .len = sizeof(data),
					  .data = data,
					  .data_len = sizeof(data),
					  .error = 1,
					  .done = count_done};

	ck_assert_int_eq(open_store(SIZE, false), 0);
	run(BACKING_FLUSH, 0, 0, NULL, 0);
	faults.takes_at_once = true;
	memset(data, 'w', sizeof(data));
	backing->ops->submit(backing, &request);
	ck_assert_uint_eq(done_calls, 2);
	ck_assert_int_eq(request.error, 0);
	assert_filled(0, sizeof(data), 'w');
	faults.fdatasyncs = 0;
	run(BACKING_FLUSH, 0, 0, NULL, 0);
	ck_assert_uint_eq(faults.fdatasyncs, 1);
}
END_TEST

START_TEST(a_file_system_that_cannot_tell_whether_a_write_waits_is_asked_once)
{
	ck_assert_int_eq(open_store(SIZE, false), 0);
	write_filled(0, 4096, 'a');
	write_filled(4096, 4096, 'b');
	ck_assert_uint_eq(faults.asked, 1);
	assert_filled(0, 4096, 'a');
	assert_filled(4096, 4096, 'b');
}
END_TEST

START_TEST(a_file_in_memory_is_read_and_written_before_submit_returns_but_not_with_fua)
{
	uint8_t data[4096];
	struct backing_request request = {.op = BACKING_WRITE,
					  .len = sizeof(data),
					  .data = data,
					  .data_len = sizeof(data),
					  .error = 1,
					  .done = count_done};

	faults.in_memory = true;
	ck_assert_int_eq(open_store(SIZE, false), 0);
	faults.in_memory = false;
	faults.nothing_cached = true;
	memset(data, 'm', sizeof(data));
	backing->ops->submit(backing, &request);
	ck_assert_uint_eq(done_calls, 1);
	ck_assert_int_eq(request.error, 0);

	memset(data, 0, sizeof(data));
	request.op = BACKING_READ;
	backing->ops->submit(backing, &request);
	ck_assert_uint_eq(done_calls, 2);
	ck_assert_int_eq(request.error, 0);
	ck_assert_uint_eq(data[4095], 'm');

	request.op = BACKING_WRITE;
	request.fua = true;
	backing->ops->submit(backing, &request);
	ck_assert_uint_eq(done_calls, 2);
	while (done_calls == 2)
		reap();
	ck_assert_uint_eq(done_calls, 3);
	faults.nothing_cached = false;
}
END_TEST

/* Its node is in a file system in memory, but its blocks are not. */
START_TEST(a_block_device_is_no_file_in_memory)
{
	uint8_t data[512] = {0};
	struct backing_request request = {.op = BACKING_WRITE,
					  .len = sizeof(data),
					  .data = data,
					  .data_len = sizeof(data),
					  .error = 1,
					  .done = count_done};

	ck_assert_int_eq(open_store(SIZE, false), 0);
	backing->ops->close(backing);
	backing = NULL;
	faults.in_memory = faults.is_block_device = true;
	ck_assert_int_eq(open_store(SIZE, false), 0);
	backing->ops->submit(backing, &request);
	ck_assert_uint_eq(done_calls, 0);
	while (done_calls == 0)
		reap();
	ck_assert_int_eq(request.error, 0);
}
END_TEST

START_TEST(a_write_that_is_taken_in_parts_is_continued)
{
	ck_assert_int_eq(open_store(SIZE, false), 0);
	faults.pwrite_max = 1000;
	write_filled(4096, 8192, 'p');
	faults.pwrite_max = 0;
	assert_filled(4096, 8192, 'p');
	assert_filled(0, 4096, 0);
}
END_TEST

START_TEST(errors_come_back_as_they_are)
{
	uint8_t data[512] = {0};

	ck_assert_int_eq(open_store(SIZE, false), 0);
	faults.pwrite_error = ENOSPC;
	ck_assert_int_eq(attempt(BACKING_WRITE, 0, 512, data, 512, false).error, -ENOSPC);
	ck_assert_int_eq(attempt(BACKING_WRITE_SAME, 0, 4096, data, 512, false).error, -ENOSPC);
	faults.pwrite_error = 0;
	faults.fallocate_error = EIO;
	ck_assert_int_eq(attempt(BACKING_UNMAP, 0, 4096, NULL, 0, false).error, -EIO);
	faults.fallocate_error = 0;
}
END_TEST

START_TEST(where_no_hole_can_be_punched_zeros_are_written)
{
	ck_assert_int_eq(open_store(SIZE, false), 0);
	write_filled(0, SIZE, 'z');
	faults.fallocate_error = EOPNOTSUPP;
	run(BACKING_UNMAP, 512, SIZE - 1024, NULL, 0);
	faults.fallocate_error = 0;
	assert_filled(0, 512, 'z');
	assert_filled(512, SIZE - 1024, 0);
	assert_filled(SIZE - 512, 512, 'z');
}
END_TEST

START_TEST(a_flush_that_failed_is_never_forgotten)
{
	uint8_t data[512] = {0};

	ck_assert_int_eq(open_store(SIZE, false), 0);
	faults.fdatasync_error = EIO;
	ck_assert_int_eq(attempt(BACKING_FLUSH, 0, 0, NULL, 0, false).error, -EIO);
	faults.fdatasync_error = 0;
	ck_assert_int_eq(attempt(BACKING_FLUSH, 0, 0, NULL, 0, false).error, -EIO);
	ck_assert_int_eq(attempt(BACKING_WRITE, 0, 512, data, 512, true).error, -EIO);
	/* What promises nothing goes on. */
	ck_assert_int_eq(attempt(BACKING_WRITE, 0, 512, data, 512, false).error, 0);
	backing->ops->close(backing);
	ck_assert_int_eq(open_store(SIZE, false), 0);
	run(BACKING_FLUSH, 0, 0, NULL, 0);
}
END_TEST

START_TEST(a_flush_syncs_only_what_is_not_durable_yet)
{
	uint8_t data[512] = {0};

	ck_assert_int_eq(open_store(SIZE, false), 0);
	faults.fdatasyncs = 0;
	run(BACKING_FLUSH, 0, 0, NULL, 0); /* what the file held may be in the page cache only */
	ck_assert_uint_eq(faults.fdatasyncs, 1);
	run(BACKING_FLUSH, 0, 0, NULL, 0);
	ck_assert_uint_eq(faults.fdatasyncs, 1);
	ck_assert_int_eq(attempt(BACKING_WRITE, 0, 512, data, 512, true).error, 0);
	run(BACKING_FLUSH, 0, 0, NULL, 0);
	ck_assert_uint_eq(faults.fdatasyncs, 2);
	run(BACKING_UNMAP, 0, 512, NULL, 0);
	run(BACKING_FLUSH, 0, 0, NULL, 0);
	ck_assert_uint_eq(faults.fdatasyncs, 3);
}
END_TEST

START_TEST(what_is_written_while_a_flush_is_under_way_needs_another_one)
{
	faults.takes_at_once = true;
	ck_assert_int_eq(open_store(SIZE, false), 0);
	faults.fdatasyncs = 0;
	faults.written = backing;
	run(BACKING_FLUSH, 0, 0, NULL, 0);
	run(BACKING_FLUSH, 0, 0, NULL, 0);
	ck_assert_uint_eq(faults.fdatasyncs, 2);
	faults.written = NULL;
	run(BACKING_FLUSH, 0, 0, NULL, 0);
	run(BACKING_FLUSH, 0, 0, NULL, 0);
	ck_assert_uint_eq(faults.fdatasyncs, 3);
}
END_TEST

/* Part of it may have been written. */
START_TEST(a_write_that_failed_is_flushed_too)
{
	uint8_t data[512] = {0};

	ck_assert_int_eq(open_store(SIZE, false), 0);
	run(BACKING_FLUSH, 0, 0, NULL, 0);
	faults.pwrite_error = ENOSPC;
	ck_assert_int_eq(attempt(BACKING_WRITE, 0, 512, data, 512, false).error, -ENOSPC);
	faults.pwrite_error = 0;
	faults.fdatasyncs = 0;
	run(BACKING_FLUSH, 0, 0, NULL, 0);
	ck_assert_uint_eq(faults.fdatasyncs, 1);
}
END_TEST

START_TEST(it_grows_and_what_was_there_stays)
{
	uint8_t data[512];
	uint64_t size = 0;

	memset(data, 'g', sizeof(data));
	ck_assert_int_eq(open_store(SIZE, false), 0);
	ck_assert_int_eq(attempt(BACKING_WRITE, 0, 512, data, 512, false).error, 0);
	ck_assert_int_eq(backing->ops->grow(backing, 2 * SIZE, &size), 0);
	ck_assert_uint_eq(size, 2 * SIZE);
	assert_filled(0, 512, 'g');
	assert_filled(2 * SIZE - 512, 512, 0);
	/* By itself, as far as the store can tell. */
	ck_assert_int_eq(truncate(path, 3 * SIZE), 0);
	ck_assert_int_eq(backing->ops->grow(backing, 0, &size), 0);
	ck_assert_uint_eq(size, 3 * SIZE);
}
END_TEST

START_TEST(a_read_only_store_does_not_grow)
{
	static const uint8_t zeros[SIZE];
	uint64_t size = 7;

	make_file((const char *)zeros, SIZE);
	ck_assert_int_eq(open_store(SIZE, true), 0);
	ck_assert_int_eq(backing->ops->grow(backing, 2 * SIZE, &size), -EOPNOTSUPP);
	ck_assert_int_eq(file_stat().st_size, SIZE);
	ck_assert_int_eq(backing->ops->grow(backing, 0, &size), 0);
}
END_TEST

START_TEST(a_store_that_became_shorter_has_not_grown)
{
	uint64_t size = 7;

	ck_assert_int_eq(open_store(SIZE, false), 0);
	ck_assert_int_eq(truncate(path, SIZE / 2), 0);
	ck_assert_int_eq(backing->ops->grow(backing, 0, &size), -ENOSPC);
	ck_assert_int_eq(backing->ops->grow(backing, UINT64_MAX - 511, &size), -EFBIG);
}
END_TEST

START_TEST(fua_fails_when_the_disk_cannot_be_reached)
{
	uint8_t data[512] = {0};

	ck_assert_int_eq(open_store(SIZE, false), 0);
	faults.fdatasync_error = EIO;
	ck_assert_int_eq(attempt(BACKING_WRITE, 0, 512, data, 512, false).error, 0);
	ck_assert_int_eq(attempt(BACKING_WRITE, 0, 512, data, 512, true).error, -EIO);
	faults.fdatasync_error = 0;
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_new_file_is_sparse_private_and_as_long_as_asked);
	tcase_add_test(tcase, what_is_written_is_there_after_opening_again);
	tcase_add_test(tcase, a_shorter_file_is_grown_and_keeps_its_data);
	tcase_add_test(tcase, a_longer_file_is_refused_and_left_alone);
	tcase_add_test(tcase, without_a_size_a_missing_file_is_not_made);
	tcase_add_test(tcase, without_a_size_an_empty_file_is_refused);
	tcase_add_test(tcase, read_only_neither_makes_nor_grows_a_file);
	tcase_add_test(tcase, a_directory_is_no_store);
	tcase_add_test(tcase, a_file_in_use_is_refused);
	tcase_add_test(tcase, a_cached_read_completes_before_submit_returns);
	tcase_add_test(tcase, unmap_gives_the_space_back_and_the_range_reads_as_zeros);
	tcase_add_test(tcase, write_same_fills_a_range_longer_than_its_buffer);
	tcase_add_test(tcase, extents_follow_the_files_holes);
	tcase_add_test(tcase, fua_writes_and_unmaps_succeed);
	tcase_add_test(tcase, reading_where_the_file_was_cut_off_is_an_error);
	tcase_add_test(tcase, fua_fails_when_the_disk_cannot_be_reached);
	tcase_add_test(tcase, a_flush_that_failed_is_never_forgotten);
	tcase_add_test(tcase, a_flush_syncs_only_what_is_not_durable_yet);
	tcase_add_test(tcase, what_is_written_while_a_flush_is_under_way_needs_another_one);
	tcase_add_test(tcase, a_write_that_failed_is_flushed_too);
	tcase_add_test(tcase, it_grows_and_what_was_there_stays);
	tcase_add_test(tcase, a_read_only_store_does_not_grow);
	tcase_add_test(tcase, a_store_that_became_shorter_has_not_grown);
	tcase_add_test(tcase, where_no_hole_can_be_punched_zeros_are_written);
	tcase_add_test(tcase, errors_come_back_as_they_are);
	tcase_add_test(tcase, a_block_device_is_no_file_in_memory);
	tcase_add_test(tcase, a_write_that_is_taken_in_parts_is_continued);
	tcase_add_test(tcase, what_is_not_cached_is_read_away_from_the_loop);
	tcase_add_test(tcase, a_write_that_need_not_wait_completes_before_submit_returns);
	tcase_add_test(tcase, a_file_system_that_cannot_tell_whether_a_write_waits_is_asked_once);
	tcase_add_test(tcase,
		       a_file_in_memory_is_read_and_written_before_submit_returns_but_not_with_fua);
}

/* Everything once more where the kernel does what it can by itself. */
int main(void)
{
	int status = suite_run("target/backing_file", fill);

	executor = scsi_executor_create(0);
	int error = executor ? scsi_executor_use_ring(executor) : -ENOMEM;
	scsi_executor_free(&executor);
	if (error != 0) {
		printf("target/backing_file with io_uring: skipped: %s\n", strerror(-error));
		return status;
	}
	with_ring = true;
	return suite_run("target/backing_file with io_uring", fill) | status;
}
