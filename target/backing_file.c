/*
 * The file store: a sparse file or a block device. What the page cache has is read at once, and
 * what it takes without waiting is written at once where the file system can tell, or the pages are
 * known to be at hand (backing_file_store.c); all else is done by the executor, so the loop never
 * waits for the disk. A file that lies in memory
 * (tmpfs) has no disk to wait for: it is read and written at once, as the memory store is.
 *
 * A flush that failed is never forgotten: the kernel reports a failed write-back once and then
 * takes the lost pages for clean, so a later flush that "succeeds" would call lost data durable.
 * From the first failure on every flush and every FUA write fails, until the store is opened anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pr_engine/io_posix.h"
#include "target/backing_file_internal.h"

/* What is longer goes to the executor even when it is cached: copying it would hold up the loop.
 */
#define INLINE_MAX	((size_t)256 * 1024)
#define QUICK_WRITE_MAX ((size_t)64 * 1024)
#define PAGE_LEN	4096 /* of the page cache */
/* Bytes that WRITE_SAME, and UNMAP where holes cannot be punched, write at a time. */
#define FILL_LEN ((size_t)256 * 1024)

/*
 * Something has changed. While no flush has begun since a change was last counted, that count
 * stands for this one, too: loops that write one file all the time only read these numbers.
 */
static void file_count_change(struct backing_file *file)
{
	if (atomic_load(&file->flushing) >= atomic_load(&file->changes))
		atomic_fetch_add(&file->changes, 1);
}

/* A sync begins now: of so many changes. Those that come behind it are counted anew. */
static uint_fast64_t file_begin_flush(struct backing_file *file)
{
	uint_fast64_t changes = atomic_load(&file->changes);
	uint_fast64_t before = atomic_load(&file->flushing);

	while (before < changes && !atomic_compare_exchange_weak(&file->flushing, &before, changes))
		;
	file_cool(file);
	return changes;
}

/* What came of a sync of so many changes. */
static int file_flushed(struct backing_file *file, int error, uint_fast64_t changes)
{
	uint_fast64_t durable = atomic_load(&file->durable);

	if (error != 0) {
		atomic_store(&file->flush_error, error);
		return error;
	}
	while (durable < changes &&
	       !atomic_compare_exchange_weak(&file->durable, &durable, changes))
		;
	file_cool(file);
	return 0;
}

/*
 * fdatasync, also for FUA: sync_file_range knows neither the disk's cache nor metadata, and makes
 * nothing durable. With nothing changed since the last one there is nothing to do.
 */
static int file_flush(struct backing_file *file)
{
	uint_fast64_t changes = file_begin_flush(file);
	int error = atomic_load(&file->flush_error);

	if (error != 0 || atomic_load(&file->durable) >= changes)
		return error;
	return file_flushed(file, fdatasync(file->fd) == 0 ? 0 : -errno, changes);
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
		file_cool(file);
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

/* Failed or not, it may have changed something; counted before anybody hears of it. */
static void file_changed(struct backing_file *file, const struct backing_request *request)
{
	if (backing_op_changes(request->op))
		file_count_change(file);
}

static void file_job_run(struct scsi_job *job)
{
	struct backing_request *request = request_of(job);
	struct backing_file *file = (struct backing_file *)request->backing;

	request->error = file_perform(file, request);
	if (request->op == BACKING_WRITE && !request->fua && request->error == 0)
		file_warm(file, request->offset, request->data, request->data_len);
	file_changed(file, request);
	if (request->error == 0 && request->fua)
		request->error = file_flush(file);
}

/* What the kernel is to sync: all that has changed until now. */
static void file_begin_sync(struct backing_file *file, struct backing_request *request)
{
	request->changes = file_begin_flush(file);
	request->job.io = (struct scsi_io){.op = SCSI_IO_SYNC, .fd = file->fd};
}

static enum scsi_landing file_sync_landed(struct backing_file *file,
					  struct backing_request *request)
{
	request->error = file_flushed(file, request->job.io.result, request->changes);
	return SCSI_LANDED;
}

/*
 * The kernel has done what file_job_run would have, or a part of it. A part is no error yet: run
 * does all of it once more, and learns what is wrong, if anything is.
 */
static enum scsi_landing file_job_landed(struct scsi_job *job)
{
	struct backing_request *request = request_of(job);
	struct backing_file *file = (struct backing_file *)request->backing;

	if (job->io.op == SCSI_IO_SYNC)
		return file_sync_landed(file, request);
	if (job->io.result < 0 || (size_t)job->io.result != request->data_len)
		return SCSI_LANDED_BADLY;
	request->error = 0;
	file_changed(file, request);
	if (!request->fua)
		return SCSI_LANDED;
	request->error = atomic_load(&file->flush_error);
	if (request->error != 0)
		return SCSI_LANDED;
	file_begin_sync(file, request);
	return SCSI_LANDED_ON_THE_WAY;
}

static void file_job_done(struct scsi_job *job)
{
	struct backing_request *request = request_of(job);

	request->done(request);
}

/* A write of whole pages goes into the page cache and waits for no disk, as a rule. */
static bool quick_write(uint64_t offset, size_t len)
{
	return len <= QUICK_WRITE_MAX && (offset | len) % PAGE_LEN == 0;
}

static bool is_quick(const struct backing_request *request)
{
	return request->op == BACKING_WRITE && !request->fua &&
	       quick_write(request->offset, request->data_len);
}

/* True when the page cache had all of it. */
static bool file_read_cached(const struct backing_file *file, uint64_t offset, uint8_t *data,
			     size_t len)
{
	struct iovec iov = {.iov_base = data, .iov_len = len};

	return preadv2(file->fd, &iov, 1, (off_t)offset, RWF_NOWAIT) == (ssize_t)len;
}

/*
 * True when the page cache has taken all of it. A part may be written by then, and all of it is
 * written again. Many file systems cannot tell whether a write would wait: then nobody asks again.
 */
static bool file_write_cached(struct backing_file *file, uint64_t offset, uint8_t *data, size_t len)
{
	struct iovec iov = {.iov_base = data, .iov_len = len};

	if (!atomic_load_explicit(&file->tells_waits, memory_order_relaxed))
		return false;
	ssize_t n = pwritev2(file->fd, &iov, 1, (off_t)offset, RWF_NOWAIT);
	if (n < 0 && (errno == EOPNOTSUPP || errno == EINVAL))
		atomic_store_explicit(&file->tells_waits, false, memory_order_relaxed);
	return n == (ssize_t)len;
}

/*
 * RWF_NOWAIT is not for files in memory: they know of nothing that a read or write could wait for.
 * Elsewhere only a quick write is tried.
 */
static int file_read_or_write(struct backing_file *file, enum backing_op op, uint64_t offset,
			      uint8_t *data, size_t len)
{
	if (len > INLINE_MAX)
		return -EAGAIN;
	if (op == BACKING_READ) {
		if (file->in_memory)
			return pr_io_read(file->fd, offset, data, len);
		return file_read_cached(file, offset, data, len) ? 0 : -EAGAIN;
	}
	if (file->in_memory)
		return pr_io_write(file->fd, offset, data, len);
	if (file_store(file, offset, data, len))
		return 0;
	return quick_write(offset, len) && file_write_cached(file, offset, data, len) ? 0 : -EAGAIN;
}

int backing_file_at_once(struct backing *backing, enum backing_op op, uint64_t offset,
			 uint8_t *data, size_t len)
{
	struct backing_file *file = (struct backing_file *)backing;
	int error = file_read_or_write(file, op, offset, data, len);

	if (error != -EAGAIN && backing_op_changes(op))
		file_count_change(file);
	return error;
}

/* Else there is nothing to sync, or no use in it. */
static bool file_flush_is_due(struct backing_file *file)
{
	return atomic_load(&file->flush_error) == 0 &&
	       atomic_load(&file->durable) < atomic_load(&file->changes);
}

/*
 * What the kernel can do by itself, the first step of it. Not a quick write: where it could not be
 * done at once it would go to a thread of the kernel, which takes one at a time and longer.
 */
static void file_offer_io(struct backing_file *file, struct backing_request *request)
{
	struct scsi_job *job = &request->job;

	if (request->op == BACKING_FLUSH && file_flush_is_due(file))
		file_begin_sync(file, request);
	if (request->op != BACKING_READ && (request->op != BACKING_WRITE || job->quick))
		return;
	job->io = (struct scsi_io){
		.op = request->op == BACKING_READ ? SCSI_IO_READ : SCSI_IO_WRITE,
		.fd = file->fd,
		.offset = request->offset,
		.data = request->data,
		.len = request->data_len,
	};
}

/* True when it has been done. */
static bool file_do_at_once(struct backing *backing, struct backing_request *request)
{
	if (request->op != BACKING_READ && (request->op != BACKING_WRITE || request->fua))
		return false;
	int error = backing_file_at_once(backing, request->op, request->offset, request->data,
					 request->data_len);
	if (error == -EAGAIN)
		return false;
	request->error = error;
	return true;
}

void backing_file_submit(struct backing *backing, struct backing_request *request)
{
	struct backing_file *file = (struct backing_file *)backing;

	request->backing = backing;
	if (file_do_at_once(backing, request)) {
		request->done(request);
		return;
	}
	request->job = (struct scsi_job){.run = file_job_run,
					 .landed = file_job_landed,
					 .done = file_job_done,
					 .quick = is_quick(request)};
	file_offer_io(file, request);
	scsi_executor_submit(request->executor ? request->executor : file->executor, &request->job);
}
