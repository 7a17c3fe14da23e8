#include "tests/unit/failure/inject.h"

#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

#include "target/spare.h"
#include "tests/support/uring_faults.h"

/* A scenario with more calls than this is one that never ends. */
#define CALLS_MAX  100000
#define FRAMES_MAX 24
#define TRACE	   "INJECT_TRACE"

static struct {
	const char *name;
	bool on;
	int disk_error; /* not 0: calls of the disk fail, with this; else all others */
	bool lasting;	/* all calls from fail_at on fail, not just that one */
	unsigned calls; /* made while on, in this run */
	unsigned fail_at;
	bool failed; /* since inject_on */
	bool failed_in_run;
	long live; /* blocks that the libraries hold */
} inject;

static void tell_failure(void)
{
	void *frames[FRAMES_MAX];

	fprintf(stderr, "%s: call %u fails%s, made from\n", inject.name, inject.calls,
		inject.lasting ? ", and all behind it" : "");
	backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), STDERR_FILENO);
}

static bool call_is_due(void)
{
	inject.calls++;
	if (inject.calls != inject.fail_at && !(inject.lasting && inject.calls > inject.fail_at))
		return false;
	if (!inject.failed_in_run && getenv(TRACE))
		tell_failure();
	inject.failed = true;
	inject.failed_in_run = true;
	return true;
}

static bool call_fails(int error)
{
	if (!inject.on || inject.disk_error != 0 || !call_is_due())
		return false;
	errno = error;
	return true;
}

static bool disk_fails(void)
{
	if (!inject.on || inject.disk_error == 0 || !call_is_due())
		return false;
	errno = inject.disk_error;
	return true;
}

/* ---- what the libraries call ---- */

void *fail_malloc(size_t len);
void *fail_calloc(size_t count, size_t len);
void *fail_realloc(void *block, size_t len);
char *fail_strdup(const char *text);
void fail_free(void *block);
FILE *fail_fopen(const char *path, const char *mode);
int fail_eventfd(unsigned initial, int flags);
int fail_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
			void *context);

void *fail_malloc(size_t len)
{
	void *block = call_fails(ENOMEM) ? NULL : malloc(len);

	inject.live += block != NULL;
	return block;
}

void *fail_calloc(size_t count, size_t len)
{
	void *block = call_fails(ENOMEM) ? NULL : calloc(count, len);

	inject.live += block != NULL;
	return block;
}

void *fail_realloc(void *block, size_t len)
{
	bool is_new = block == NULL;
	void *bigger = call_fails(ENOMEM) ? NULL : realloc(block, len);

	inject.live += is_new && bigger != NULL;
	return bigger;
}

char *fail_strdup(const char *text)
{
	char *copy = call_fails(ENOMEM) ? NULL : strdup(text);

	inject.live += copy != NULL;
	return copy;
}

void fail_free(void *block)
{
	inject.live -= block != NULL;
	free(block);
}

/* Here nothing is kept for the next command: every allocation is to have its turn to fail, and what
 * is not freed is a leak. */
void spare_give(struct spare_list *list, void *piece)
{
	(void)list;
	fail_free(piece);
}

FILE *fail_fopen(const char *path, const char *mode)
{
	return call_fails(EMFILE) ? NULL : fopen(path, mode);
}

int fail_eventfd(unsigned initial, int flags)
{
	return call_fails(EMFILE) ? -1 : eventfd(initial, flags);
}

int fail_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
			void *context)
{
	return call_fails(EAGAIN) ? EAGAIN : pthread_create(thread, attributes, start, context);
}

#ifdef HAVE_LIBURING
int fail_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
				    struct io_uring_params *params);
int fail_io_uring_register_eventfd(struct io_uring *ring, int fd);
int fail_io_uring_submit(struct io_uring *ring);

int fail_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
				    struct io_uring_params *params)
{
	return call_fails(ENOMEM) ? -ENOMEM : io_uring_queue_init_params(entries, ring, params);
}

int fail_io_uring_register_eventfd(struct io_uring *ring, int fd)
{
	return call_fails(ENOMEM) ? -ENOMEM : io_uring_register_eventfd(ring, fd);
}

int fail_io_uring_submit(struct io_uring *ring)
{
	return call_fails(EAGAIN) ? -EAGAIN : io_uring_submit(ring);
}
#endif

int fail_socket(int domain, int type, int protocol);
int fail_setsockopt(int fd, int level, int option, const void *value, socklen_t len);
int fail_bind(int fd, const struct sockaddr *address, socklen_t len);
int fail_listen(int fd, int backlog);
int fail_getsockname(int fd, struct sockaddr *address, socklen_t *len);
int fail_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);

int fail_socket(int domain, int type, int protocol)
{
	return call_fails(EMFILE) ? -1 : socket(domain, type, protocol);
}

int fail_setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	return call_fails(ENOBUFS) ? -1 : setsockopt(fd, level, option, value, len);
}

int fail_bind(int fd, const struct sockaddr *address, socklen_t len)
{
	return call_fails(EADDRNOTAVAIL) ? -1 : bind(fd, address, len);
}

int fail_listen(int fd, int backlog)
{
	return call_fails(EADDRINUSE) ? -1 : listen(fd, backlog);
}

int fail_getsockname(int fd, struct sockaddr *address, socklen_t *len)
{
	return call_fails(ENOBUFS) ? -1 : getsockname(fd, address, len);
}

int fail_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
	return call_fails(EMFILE) ? -1 : accept4(fd, address, len, flags);
}

int fail_open(const char *path, int flags, ...);
int fail_openat(int dir, const char *path, int flags, ...);
int fail_mkdirat(int dir, const char *path, mode_t mode);
int fail_fsync(int fd);
int fail_fdatasync(int fd);
int fail_flock(int fd, int operation);
int fail_fstat(int fd, struct stat *status);
int fail_fstatat(int dir, const char *path, struct stat *status, int flags);
ssize_t fail_pread(int fd, void *data, size_t len, off_t offset);
ssize_t fail_pwrite(int fd, const void *data, size_t len, off_t offset);
int fail_ftruncate(int fd, off_t len);
int fail_renameat(int old_dir, const char *old_path, int new_dir, const char *new_path);
int fail_linkat(int old_dir, const char *old_path, int new_dir, const char *new_path, int flags);
int fail_unlinkat(int dir, const char *path, int flags);

static mode_t mode_argument(int flags, va_list arguments)
{
	return (flags & O_CREAT) != 0 ? (mode_t)va_arg(arguments, unsigned) : 0;
}

int fail_open(const char *path, int flags, ...)
{
	va_list arguments;

	va_start(arguments, flags);
	mode_t mode = mode_argument(flags, arguments);
	va_end(arguments);
	return disk_fails() ? -1 : open(path, flags, mode);
}

int fail_openat(int dir, const char *path, int flags, ...)
{
	va_list arguments;

	va_start(arguments, flags);
	mode_t mode = mode_argument(flags, arguments);
	va_end(arguments);
	return disk_fails() ? -1 : openat(dir, path, flags, mode);
}

int fail_mkdirat(int dir, const char *path, mode_t mode)
{
	return disk_fails() ? -1 : mkdirat(dir, path, mode);
}

int fail_fsync(int fd)
{
	return disk_fails() ? -1 : fsync(fd);
}

int fail_fdatasync(int fd)
{
	return disk_fails() ? -1 : fdatasync(fd);
}

int fail_flock(int fd, int operation)
{
	return disk_fails() ? -1 : flock(fd, operation);
}

int fail_fstat(int fd, struct stat *status)
{
	return disk_fails() ? -1 : fstat(fd, status);
}

int fail_fstatat(int dir, const char *path, struct stat *status, int flags)
{
	return disk_fails() ? -1 : fstatat(dir, path, status, flags);
}

ssize_t fail_pread(int fd, void *data, size_t len, off_t offset)
{
	return disk_fails() ? -1 : pread(fd, data, len, offset);
}

/* As a full disk does: a part of it, and then the error. */
ssize_t fail_pwrite(int fd, const void *data, size_t len, off_t offset)
{
	if (!disk_fails())
		return pwrite(fd, data, len, offset);
	int error = errno;
	(void)pwrite(fd, data, len / 2, offset);
	errno = error;
	return -1;
}

int fail_ftruncate(int fd, off_t len)
{
	return disk_fails() ? -1 : ftruncate(fd, len);
}

int fail_renameat(int old_dir, const char *old_path, int new_dir, const char *new_path)
{
	return disk_fails() ? -1 : renameat(old_dir, old_path, new_dir, new_path);
}

int fail_linkat(int old_dir, const char *old_path, int new_dir, const char *new_path, int flags)
{
	return disk_fails() ? -1 : linkat(old_dir, old_path, new_dir, new_path, flags);
}

int fail_unlinkat(int dir, const char *path, int flags)
{
	return disk_fails() ? -1 : unlinkat(dir, path, flags);
}

/* ---- scenarios ---- */

void inject_on(void)
{
	inject.on = true;
	inject.disk_error = 0;
	inject.failed = false;
}

/* What the kernel does by itself. */
static struct uring_verdict disk_judge(enum scsi_io_op op)
{
	bool fails = op != SCSI_IO_NONE && disk_fails();

	return (struct uring_verdict){.error = fails ? inject.disk_error : 0};
}

void inject_disk_on(int error)
{
	inject_on();
	inject.disk_error = error;
	uring_faults_set(disk_judge);
}

bool inject_is_lasting(void)
{
	return inject.lasting;
}

bool inject_off(void)
{
	inject.on = false;
	return inject.failed;
}

static unsigned open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* True when a call has failed. */
static bool run_once(void (*scenario)(void), unsigned fail_at)
{
	long live = inject.live;
	unsigned fds = open_fds();

	inject.calls = 0;
	inject.fail_at = fail_at;
	inject.failed_in_run = false;
	scenario();
	ck_assert_msg(!inject.on, "the scenario left injection on");
	ck_assert_msg(inject.live == live, "%ld blocks leaked", inject.live - live);
	ck_assert_uint_eq(open_fds(), fds);
	return inject.failed_in_run;
}

static unsigned run_all(void (*scenario)(void))
{
	unsigned failures = 0;

	while (run_once(scenario, failures + 1)) {
		failures++;
		ck_assert_uint_lt(failures, CALLS_MAX);
	}
	return failures;
}

static unsigned run_both(const char *name, void (*scenario)(void))
{
	inject.name = name;
	inject.lasting = false;
	unsigned failures = run_all(scenario);
	inject.lasting = true;
	failures += run_all(scenario);
	if (failures > 0)
		printf("%s: %u passed, 0 failed\n", name, failures);
	fflush(stdout);
	return failures;
}

void inject_each(const char *name, void (*scenario)(void))
{
	unsigned failures = run_both(name, scenario);

	ck_assert_msg(failures > 0, "%s: no call to fail", name);
}

void inject_each_if_any(const char *name, void (*scenario)(void))
{
	(void)run_both(name, scenario);
}
