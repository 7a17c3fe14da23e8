/*
 * The file store: a sparse file or a block device. What the page cache has is read at once; all
 * else is done by the executor, so the loop never waits for the disk. A file that lies in memory
 * (tmpfs) has no disk to wait for: it is read and written at once, as the memory store is.
 *
 * A flush that failed is never forgotten: the kernel reports a failed write-back once and then
 * takes the lost pages for clean, so a later flush that "succeeds" would call lost data durable.
 * From the first failure on every flush and every FUA write fails, until the store is opened anew.
 */
#include "target/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "pr_engine/io_posix.h"

/* What is longer goes to the executor even when it is cached: copying it would hold up the loop.
 */
#define INLINE_MAX	((size_t)256 * 1024)
#define QUICK_WRITE_MAX ((size_t)64 * 1024)
#define PAGE_LEN	4096 /* of the page cache */
/* Bytes that WRITE_SAME, and UNMAP where holes cannot be punched, write at a time. */
#define FILL_LEN ((size_t)256 * 1024)

struct backing_file {
	struct backing backing;
	struct scsi_executor *executor;
	int fd;
	bool in_memory;
	atomic_int flush_error; /* 0, or what the first failed flush said */
	/* Changes that have been made, and how many of them are known to be on stable storage. What
	 * the file held when it was opened counts as one: it may be in the page cache only. */
	atomic_uint_fast64_t changes, durable;
};

/*
 * fdatasync, also for FUA: sync_file_range knows neither the disk's cache nor metadata, and makes
 * nothing durable. With nothing changed since the last one there is nothing to do.
 */
static int file_flush(struct backing_file *file)
{
	uint_fast64_t changes = atomic_load(&file->changes);
	uint_fast64_t durable = atomic_load(&file->durable);
	int error = atomic_load(&file->flush_error);

	if (error != 0 || durable >= changes)
		return error;
	if (fdatasync(file->fd) != 0) {
		error = -errno;
		atomic_store(&file->flush_error, error);
		return error;
	}
	while (durable < changes &&
	       !atomic_compare_exchange_weak(&file->durable, &durable, changes))
		;
	return 0;
}

static bool op_changes_file(enum backing_op op)
{
	return op == BACKING_WRITE || op == BACKING_WRITE_SAME || op == BACKING_UNMAP;
}

/* Repeats the block at `block` (NULL: zeros) over the range. */
static int file_fill(int fd, const uint8_t *block, size_t block_len, uint64_t offset, uint64_t len)
{
	size_t room = len < FILL_LEN ? (size_t)len : FILL_LEN;
	uint8_t *buffer = calloc(1, room);
	int error = 0;

	if (!buffer)
		return -ENOMEM;
	for (size_t at = 0; block && at < room; at += block_len)
		memcpy(buffer + at, block, block_len < room - at ? block_len : room - at);
	while (len > 0 && error == 0) {
		size_t n = len < room ? (size_t)len : room;

		error = pr_io_write(fd, offset, buffer, n);
		offset += n;
		len -= n;
	}
	free(buffer);
	return error;
}

static int file_unmap(int fd, uint64_t offset, uint64_t len)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	while (fallocate(fd, mode, (off_t)offset, (off_t)len) != 0) {
		switch (errno) {
		case EINTR:
			continue;
		case EOPNOTSUPP:
		case ENOSYS:
		case ENODEV:
		case EINVAL:
			return file_fill(fd, NULL, 0, offset, len);
		default:
			return -errno;
		}
	}
	return 0;
}

/* A file system that cannot tell holes from data has only data. */
static int file_extent(int fd, struct backing_request *request)
{
	off_t offset = (off_t)request->offset;
	off_t data = lseek(fd, offset, SEEK_DATA);
	off_t end;

	if (data < 0 && errno == ENXIO) {
		request->mapped = false; /* a hole up to the end */
		return 0;
	}
	request->mapped = data <= offset;
	end = request->mapped ? lseek(fd, offset, SEEK_HOLE) : data;
	if (end > offset && (uint64_t)(end - offset) < request->len)
		request->len = (uint64_t)(end - offset);
	return 0;
}

static int file_perform(struct backing_file *file, struct backing_request *request)
{
	switch (request->op) {
	case BACKING_READ:
		return pr_io_read(file->fd, request->offset, request->data, request->data_len);
	case BACKING_WRITE:
		return pr_io_write(file->fd, request->offset, request->data, request->data_len);
	case BACKING_WRITE_SAME:
		return file_fill(file->fd, request->data, request->data_len, request->offset,
				 request->len);
	case BACKING_UNMAP:
		return file_unmap(file->fd, request->offset, request->len);
	case BACKING_FLUSH:
		return file_flush(file);
	case BACKING_PREFETCH:
		(void)posix_fadvise(file->fd, (off_t)request->offset, (off_t)request->len,
				    POSIX_FADV_WILLNEED);
		return 0;
	case BACKING_EXTENT:
		return file_extent(file->fd, request);
	case BACKING_INVALID:
		break;
	}
	return -EINVAL;
}

static struct backing_request *request_of(struct scsi_job *job)
{
	return (struct backing_request *)((char *)job - offsetof(struct backing_request, job));
}

static void file_job_run(struct scsi_job *job)
{
	struct backing_request *request = request_of(job);
	struct backing_file *file = (struct backing_file *)request->backing;

	request->error = file_perform(file, request);
	/* Failed or not, it may have changed something; counted before anybody hears of it. */
	if (op_changes_file(request->op))
		atomic_fetch_add(&file->changes, 1);
	if (request->error == 0 && request->fua)
		request->error = file_flush(file);
}

static void file_job_done(struct scsi_job *job)
{
	struct backing_request *request = request_of(job);

	request->done(request);
}

/* True when the page cache had all of it. */
static bool file_read_cached(const struct backing_file *file, const struct backing_request *request)
{
	struct iovec iov = {.iov_base = request->data, .iov_len = request->data_len};

	return request->data_len <= INLINE_MAX && preadv2(file->fd, &iov, 1, (off_t)request->offset,
							  RWF_NOWAIT) == (ssize_t)request->data_len;
}

/* A write of whole pages goes into the page cache and waits for no disk, as a rule. */
static bool is_quick(const struct backing_request *request)
{
	return request->op == BACKING_WRITE && !request->fua &&
	       request->data_len <= QUICK_WRITE_MAX &&
	       (request->offset | request->data_len) % PAGE_LEN == 0;
}

/* RWF_NOWAIT is not for such files: they know of nothing that a read or write could wait for. */
static bool file_is_at_hand(const struct backing_file *file, const struct backing_request *request)
{
	return file->in_memory && request->data_len <= INLINE_MAX &&
	       (request->op == BACKING_READ || (request->op == BACKING_WRITE && !request->fua));
}

static void file_submit(struct backing *backing, struct backing_request *request)
{
	struct backing_file *file = (struct backing_file *)backing;

	request->backing = backing;
	request->job = (struct scsi_job){
		.run = file_job_run, .done = file_job_done, .quick = is_quick(request)};
	if (file_is_at_hand(file, request)) {
		file_job_run(&request->job);
		request->done(request);
		return;
	}
	if (request->op == BACKING_READ && file_read_cached(file, request)) {
		request->error = 0;
		request->done(request);
		return;
	}
	scsi_executor_submit(file->executor, &request->job);
}

static void file_close(struct backing *backing)
{
	struct backing_file *file = (struct backing_file *)backing;

	close(file->fd);
	free(file);
}

static int file_size(int fd, uint64_t *ret_size)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (S_ISBLK(st.st_mode))
		return ioctl(fd, BLKGETSIZE64, ret_size) != 0 ? -errno : 0;
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

/* No sync: the new length goes to disk with the first flush of what is written there. */
static int file_grow(struct backing *backing, uint64_t size, uint64_t *ret_size)
{
	const struct backing_file *file = (const struct backing_file *)backing;
	uint64_t current = 0;
	int error = size > INT64_MAX ? -EFBIG : file_size(file->fd, &current);

	if (error != 0)
		return error;
	/* EINVAL: open for reading only, or a block device. */
	if (current < size && ftruncate(file->fd, (off_t)size) != 0)
		return errno == EINVAL ? -EOPNOTSUPP : -errno;
	uint64_t settled = size != 0 ? size : current;
	if (settled < backing->size)
		return -ENOSPC;
	*ret_size = settled;
	return 0;
}

static const struct backing_ops file_ops = {
	.name = "file",
	.submit = file_submit,
	.close = file_close,
	.grow = file_grow,
};

/* The new file's name must survive a crash as its data does. */
static int directory_sync(const char *path)
{
	char *copy = strdup(path);
	int error = 0;

	if (!copy)
		return -ENOMEM;
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		error = -errno;
	if (fd >= 0)
		close(fd);
	free(copy);
	return error;
}

/* Opens what is there, or makes it when the caller said how long it should be. */
static int file_open_fd(const char *path, bool may_create, bool read_only, const char **ret_error)
{
	int fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && may_create) {
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0) {
			*ret_error = "the backing file cannot be created";
			return -errno;
		}
		int error = directory_sync(path);
		if (error != 0) {
			close(fd);
			*ret_error = "the directory of the backing file cannot be synced";
			return error;
		}
	}
	if (fd < 0) {
		*ret_error = "the backing file cannot be opened";
		return -errno;
	}
	return fd;
}

/* The size that the store is to have: 0 or a negative errno. */
static int file_settle_size(int fd, uint64_t wanted, bool read_only, uint64_t *ret_size,
			    const char **ret_error)
{
	struct stat st;
	uint64_t size = 0;

	*ret_error = "the size of the backing file cannot be found out";
	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode)) {
		*ret_error = "the backing store is neither a regular file nor a block device";
		return -EINVAL;
	}
	int error = file_size(fd, &size);
	if (error != 0)
		return error;
	if (wanted == 0)
		wanted = size;
	if (wanted == 0 || wanted > INT64_MAX) {
		*ret_error = "the backing file is empty, and no size is configured";
		return -EINVAL;
	}
	if (size > wanted) {
		*ret_error = "the backing file is longer than the configured size";
		return -EFBIG;
	}
	if (size < wanted && (read_only || S_ISBLK(st.st_mode))) {
		*ret_error = "the backing store is shorter than the configured size";
		return -ENOSPC;
	}
	if (size < wanted && (ftruncate(fd, (off_t)wanted) != 0 || fsync(fd) != 0)) {
		*ret_error = "the backing file cannot be grown to the configured size";
		return -errno;
	}
	*ret_size = wanted;
	return 0;
}

static uint64_t file_identity(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return 0;
	return S_ISBLK(st.st_mode) ? (uint64_t)st.st_rdev : (uint64_t)st.st_ino;
}

static int file_prepare(int fd, uint64_t wanted, bool read_only, uint64_t *ret_size,
			const char **ret_error)
{
	/* Readers may share; a writer is alone. */
	if (flock(fd, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
		*ret_error = "the backing file is in use: another target or LUN has it open";
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	}
	return file_settle_size(fd, wanted, read_only, ret_size, ret_error);
}

static bool is_in_memory(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

int backing_file_open(const char *path, uint64_t size, bool read_only,
		      struct scsi_executor *executor, struct backing **ret_backing,
		      const char **ret_error)
{
	const char *sentence = NULL;
	uint64_t settled = 0;
	int fd = file_open_fd(path, size > 0 && !read_only, read_only, &sentence);
	int error = fd < 0 ? fd : file_prepare(fd, size, read_only, &settled, &sentence);
	struct backing_file *file = error == 0 ? calloc(1, sizeof(*file)) : NULL;

	if (error == 0 && !file) {
		sentence = "out of memory";
		error = -ENOMEM;
	}
	if (error != 0) {
		if (fd >= 0)
			close(fd);
		*ret_error = sentence;
		return error;
	}
	file->backing =
		(struct backing){.ops = &file_ops, .size = settled, .identity = file_identity(fd)};
	file->executor = executor;
	file->fd = fd;
	file->in_memory = is_in_memory(fd);
	atomic_init(&file->changes, 1);
	*ret_backing = &file->backing;
	return 0;
}
