#include "tests/unit/pr_engine/posix_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct posix_faults posix_faults;

static bool fault_is_due(void)
{
	posix_faults.made++;
	if (posix_faults.fail_from == 0 || posix_faults.made < posix_faults.fail_from ||
	    posix_faults.made - posix_faults.fail_from >= posix_faults.fail_count)
		return false;
	errno = posix_faults.error;
	return true;
}

int fsync(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		posix_faults.directory_syncs++;
	else
		posix_faults.file_syncs++;
	return fault_is_due() ? -1 : (int)syscall(SYS_fsync, fd);
}

int renameat(int old_dir, const char *old_name, int new_dir, const char *new_name)
{
	return fault_is_due()
		       ? -1
		       : (int)syscall(SYS_renameat2, old_dir, old_name, new_dir, new_name, 0);
}

int linkat(int old_dir, const char *old_name, int new_dir, const char *new_name, int flags)
{
	return fault_is_due()
		       ? -1
		       : (int)syscall(SYS_linkat, old_dir, old_name, new_dir, new_name, flags);
}

int unlinkat(int dir, const char *name, int flags)
{
	return fault_is_due() ? -1 : (int)syscall(SYS_unlinkat, dir, name, flags);
}

int ftruncate(int fd, off_t size)
{
	return fault_is_due() ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	if (posix_faults.interrupted > 0) {
		posix_faults.interrupted--;
		errno = EINTR;
		return -1;
	}
	if (fault_is_due())
		return -1;
	if (posix_faults.short_writes > 0 && len > 1) {
		posix_faults.short_writes--;
		len = 1;
	}
	return (ssize_t)syscall(SYS_pwrite64, fd, data, len, offset);
}

ssize_t pread(int fd, void *data, size_t len, off_t offset)
{
	posix_faults.reads++;
	return (ssize_t)syscall(SYS_pread64, fd, data, len, offset);
}

int posix_fadvise(int fd, off_t offset, off_t len, int advice)
{
	if (advice == POSIX_FADV_DONTNEED && offset == 0 && len == 0) {
		posix_faults.cache_drops++;
		posix_faults.syncs_before_drop = posix_faults.file_syncs;
		posix_faults.reads_before_drop = posix_faults.reads;
	}
	return syscall(SYS_fadvise64, fd, offset, len, advice) == 0 ? 0 : errno;
}

void posix_faults_set(unsigned from, unsigned count, int error)
{
	memset(&posix_faults, 0, sizeof posix_faults);
	posix_faults.fail_from = from;
	posix_faults.fail_count = count;
	posix_faults.error = error;
}
