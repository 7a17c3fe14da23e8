/*
 * Loaded into a program before the C library (LD_PRELOAD): writes down what the program changes in
 * files and directories, and what it syncs, so that the lab can tell what a power cut would have
 * left. What is asked for is done as ever, and its result is what the program gets.
 *
 * A change and its record go under one lock, so that the log has the order in which changes
 * happened. A sync covers what was recorded before it began. A program that dies between a change
 * and its record has told nobody of that change; the lab finds it when it looks at the files.
 *
 * Files cannot be mapped to be written: that would not be seen. Not seen: io_uring, sync, syncfs,
 * sync_file_range. A write with O_SYNC, O_DSYNC or RWF_DSYNC counts as a sync of its whole file.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tools/power/record.h"

#define PATH_LEN_MAX 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static uint64_t recorded; /* records so far */

/* The function that this one stands before. */
#define NEXT(name)                     \
	static __typeof__(name) *next; \
	if (!next)                     \
	*(void **)(void *)&next = dlsym(RTLD_NEXT, #name)

/* ---- the log ---- */

static void __attribute__((constructor)) open_log(void)
{
	const char *path = getenv(POWER_LOG_VARIABLE);

	if (path)
		log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* A log that is not whole would tell lies: then rather no program. */
static void write_log(const struct iovec *parts, int count, size_t len)
{
	NEXT(writev);
	ssize_t n;

	do
		n = next(log_fd, parts, count);
	while (n < 0 && errno == EINTR);
	if (n < 0 || (size_t)n != len)
		abort();
	recorded++;
}

static void record(struct power_record r, const struct iovec *data, int count)
{
	struct iovec parts[64] = {{.iov_base = &r, .iov_len = sizeof(r)}};
	size_t left = (size_t)r.data_len;
	int error = errno, used = 1;

	r.magic = POWER_MAGIC;
	for (int i = 0; i < count && left > 0; i++) {
		size_t len = data[i].iov_len < left ? data[i].iov_len : left;

		if (used == (int)(sizeof(parts) / sizeof(parts[0])))
			abort();
		parts[used++] = (struct iovec){.iov_base = data[i].iov_base, .iov_len = len};
		left -= len;
	}
	write_log(parts, used, sizeof(r) + (size_t)r.data_len);
	errno = error;
}

static void record_names(struct power_record r, const char *name, const char *other)
{
	struct iovec names[2] = {{.iov_base = (char *)name, .iov_len = strlen(name) + 1}};

	if (other)
		names[1] = (struct iovec){.iov_base = (char *)other, .iov_len = strlen(other) + 1};
	r.data_len = names[0].iov_len + names[1].iov_len;
	record(r, names, 2);
}

/* Waits for its turn. False: nothing is recorded here. */
static bool begin(void)
{
	if (log_fd < 0)
		return false;
	pthread_mutex_lock(&lock);
	return true;
}

static void end(bool began)
{
	if (began)
		pthread_mutex_unlock(&lock);
}

/* ---- which file, which directory ---- */

/* False: no regular file. */
static bool file_of(int fd, uint64_t *ret_inode)
{
	int error = errno;
	struct stat st;
	bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

	errno = error;
	if (regular)
		*ret_inode = (uint64_t)st.st_ino;
	return regular;
}

struct place {
	uint64_t directory;
	const char *name; /* in the caller's path */
};

/* The directory that a name is in. False: there is none, or the path is too long. */
static bool place_of(int at_fd, const char *path, struct place *ret_place)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_LEN_MAX] = ".";
	int error = errno;
	struct stat st;
	bool found;

	if (slash && (size_t)(slash - path) + 2 > sizeof(directory))
		return false;
	if (slash)
		snprintf(directory, sizeof(directory), "%.*s",
			 slash == path ? 1 : (int)(slash - path), path);
	found = fstatat(at_fd, directory, &st, 0) == 0;
	errno = error;
	if (!found)
		return false;
	*ret_place =
		(struct place){.directory = (uint64_t)st.st_ino, .name = slash ? slash + 1 : path};
	return true;
}

static bool is_there(int at_fd, const char *path, struct stat *ret_stat)
{
	int error = errno;
	bool there = fstatat(at_fd, path, ret_stat, AT_SYMLINK_NOFOLLOW) == 0;

	errno = error;
	return there;
}

/* ---- names ---- */

static void opened(int fd, int at_fd, const char *path, int flags, bool existed)
{
	struct place place;
	uint64_t inode;

	if (!file_of(fd, &inode))
		return;
	if (!existed && place_of(at_fd, path, &place))
		record_names((struct power_record){.kind = POWER_CREATE,
						   .inode = place.directory,
						   .other = inode},
			     place.name, NULL);
	else if (existed && (flags & O_TRUNC) != 0)
		record((struct power_record){.kind = POWER_SIZE, .inode = inode}, NULL, 0);
}

static int open_at(int at_fd, const char *path, int flags, mode_t mode)
{
	NEXT(openat);
	bool changes = (flags & (O_CREAT | O_TRUNC)) != 0 && (flags & O_TMPFILE) != O_TMPFILE;
	bool began = changes && begin();
	struct stat st;
	bool existed = began && is_there(at_fd, path, &st);
	int fd = next(at_fd, path, flags, mode);

	if (fd >= 0 && began)
		opened(fd, at_fd, path, flags, existed);
	end(began);
	return fd;
}

#define MODE_OF(flags, mode)                                \
	do {                                                \
		va_list arguments;                          \
		va_start(arguments, flags);                 \
		if (((flags) & (O_CREAT | O_TMPFILE)) != 0) \
			(mode) = va_arg(arguments, mode_t); \
		va_end(arguments);                          \
	} while (0)

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(flags, mode);
	return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int at_fd, const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(flags, mode);
	return open_at(at_fd, path, flags, mode);
}

int mkdirat(int at_fd, const char *path, mode_t mode)
{
	NEXT(mkdirat);
	bool began = begin();
	int status = next(at_fd, path, mode);
	struct place place;
	struct stat st;

	if (status == 0 && began && place_of(at_fd, path, &place) && is_there(at_fd, path, &st))
		record_names((struct power_record){.kind = POWER_MKDIR,
						   .inode = place.directory,
						   .other = (uint64_t)st.st_ino},
			     place.name, NULL);
	end(began);
	return status;
}

int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	NEXT(renameat);
	bool began = begin();
	int status = next(from_fd, from, to_fd, to);
	struct place old, new;

	if (status == 0 && began && place_of(from_fd, from, &old) && place_of(to_fd, to, &new))
		record_names((struct power_record){.kind = POWER_RENAME,
						   .inode = old.directory,
						   .other = new.directory},
			     old.name, new.name);
	end(began);
	return status;
}

int rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	NEXT(linkat);
	bool began = begin();
	int status = next(from_fd, from, to_fd, to, flags);
	struct place place;
	struct stat st;

	if (status == 0 && began && place_of(to_fd, to, &place) && is_there(to_fd, to, &st))
		record_names((struct power_record){.kind = POWER_LINK,
						   .inode = place.directory,
						   .other = (uint64_t)st.st_ino},
			     place.name, NULL);
	end(began);
	return status;
}

int unlinkat(int at_fd, const char *path, int flags)
{
	NEXT(unlinkat);
	bool began = begin();
	struct place place;
	bool placed = began && place_of(at_fd, path, &place);
	int status = next(at_fd, path, flags);

	if (status == 0 && placed)
		record_names((struct power_record){.kind = POWER_UNLINK, .inode = place.directory},
			     place.name, NULL);
	end(began);
	return status;
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

/* ---- content ---- */

static bool writes_through(int fd, int flags)
{
	int error = errno, status_flags = fcntl(fd, F_GETFL);

	errno = error;
	return (flags & (RWF_DSYNC | RWF_SYNC)) != 0 ||
	       (status_flags >= 0 && (status_flags & O_DSYNC) != 0);
}

static void wrote(int fd, const struct iovec *parts, int count, ssize_t n, off_t offset, int flags)
{
	uint64_t inode;

	if (n <= 0 || !file_of(fd, &inode))
		return;
	record((struct power_record){.kind = POWER_WRITE,
				     .inode = inode,
				     .offset = (uint64_t)offset,
				     .data_len = (uint64_t)n},
	       parts, count);
	if (writes_through(fd, flags))
		record((struct power_record){.kind = POWER_SYNCED,
					     .inode = inode,
					     .offset = recorded},
		       NULL, 0);
}

/* At the file's position, which may be its end. */
static void wrote_on(int fd, const struct iovec *parts, int count, ssize_t n)
{
	int error = errno;
	off_t behind = n > 0 ? lseek(fd, 0, SEEK_CUR) : -1;

	errno = error;
	if (behind >= n)
		wrote(fd, parts, count, n, behind - n, 0);
}

ssize_t write(int fd, const void *data, size_t len)
{
	NEXT(write);
	struct iovec part = {.iov_base = (char *)data, .iov_len = len};
	uint64_t inode;
	bool began = log_fd >= 0 && file_of(fd, &inode) && begin();
	ssize_t n = next(fd, data, len);

	if (began)
		wrote_on(fd, &part, 1, n);
	end(began);
	return n;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	NEXT(writev);
	uint64_t inode;
	bool began = log_fd >= 0 && file_of(fd, &inode) && begin();
	ssize_t n = next(fd, parts, count);

	if (began)
		wrote_on(fd, parts, count, n);
	end(began);
	return n;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	NEXT(pwrite);
	struct iovec part = {.iov_base = (char *)data, .iov_len = len};
	bool began = begin();
	ssize_t n = next(fd, data, len, offset);

	if (began)
		wrote(fd, &part, 1, n, offset, 0);
	end(began);
	return n;
}

ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
	NEXT(pwritev2);
	bool began = begin();
	ssize_t n = next(fd, parts, count, offset, flags);

	if (began)
		wrote(fd, parts, count, n, offset, flags);
	end(began);
	return n;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
	return pwritev2(fd, parts, count, offset, 0);
}

int ftruncate(int fd, off_t size)
{
	NEXT(ftruncate);
	bool began = begin();
	int status = next(fd, size);
	uint64_t inode;

	if (status == 0 && began && file_of(fd, &inode))
		record((struct power_record){.kind = POWER_SIZE,
					     .inode = inode,
					     .offset = (uint64_t)size},
		       NULL, 0);
	end(began);
	return status;
}

static void allocated(int fd, int mode, off_t offset, off_t len)
{
	struct stat st;
	uint64_t inode;

	if (!file_of(fd, &inode))
		return;
	if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0)
		record((struct power_record){.kind = POWER_ZERO,
					     .inode = inode,
					     .offset = (uint64_t)offset,
					     .len = (uint64_t)len},
		       NULL, 0);
	if ((mode & FALLOC_FL_KEEP_SIZE) == 0 && fstat(fd, &st) == 0)
		record((struct power_record){.kind = POWER_SIZE,
					     .inode = inode,
					     .offset = (uint64_t)st.st_size},
		       NULL, 0);
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	NEXT(fallocate);
	bool began = begin();
	int status = next(fd, mode, offset, len);

	if (status == 0 && began)
		allocated(fd, mode, offset, len);
	end(began);
	return status;
}

void *mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	NEXT(mmap);
	uint64_t inode;

	if (log_fd >= 0 && (protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0 &&
	    file_of(fd, &inode)) {
		errno = EACCES;
		return MAP_FAILED;
	}
	return next(address, len, protection, flags, fd, offset);
}

/* ---- syncs ---- */

static uint64_t recorded_now(void)
{
	uint64_t count = 0;

	if (begin()) {
		count = recorded;
		end(true);
	}
	return count;
}

static void synced(int fd, uint64_t before)
{
	int error = errno;
	struct stat st;

	if (fstat(fd, &st) == 0 && begin()) {
		record((struct power_record){.kind = POWER_SYNCED,
					     .inode = (uint64_t)st.st_ino,
					     .offset = before},
		       NULL, 0);
		end(true);
	}
	errno = error;
}

int fsync(int fd)
{
	NEXT(fsync);
	uint64_t before = recorded_now();
	int status = next(fd);

	if (status == 0)
		synced(fd, before);
	return status;
}

int fdatasync(int fd)
{
	NEXT(fdatasync);
	uint64_t before = recorded_now();
	int status = next(fd);

	if (status == 0)
		synced(fd, before);
	return status;
}
