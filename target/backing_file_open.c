/*
 * Opening, growing and closing a file store; what it does between stands in backing_file.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "target/backing_file_internal.h"

static void file_close(struct backing *backing)
{
	struct backing_file *file = (struct backing_file *)backing;

	struct file_map *map = atomic_load(&file->map);

	file_map_free(&map);
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
	struct backing_file *file = (struct backing_file *)backing;
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
	struct file_map *map = file_map_create(file->fd, settled, file->stores.in_flight != NULL);
	if (!map)
		return -ENOMEM;
	map->older = atomic_load(&file->map);
	atomic_store(&file->map, map);
	*ret_size = settled;
	return 0;
}

static const struct backing_ops file_ops = {
	.name = "file",
	.submit = backing_file_submit,
	.at_once = backing_file_at_once,
	.lend = backing_file_lend,
	.copy_lent = backing_file_copy_lent,
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
	} else if (fd >= 0 && !read_only) {
		/* Who made it may have died before its name was durable. (Where the directory is
		 * not ours to read, it was not us.) */
		(void)directory_sync(path);
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

/* Not a block device: where its node lies (on a tmpfs, as a rule) is not where its blocks do. */
static bool is_in_memory(int fd)
{
	struct statfs fs;
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fstatfs(fd, &fs) == 0 &&
	       (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
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
	struct file_map *map = file ? file_map_create(fd, settled, false) : NULL;

	if (error == 0 && !map) {
		sentence = "out of memory";
		error = -ENOMEM;
	}
	if (error != 0) {
		free(file);
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
	atomic_init(&file->map, map);
	atomic_init(&file->tells_waits, true);
	atomic_init(&file->changes, 1);
	*ret_backing = &file->backing;
	return 0;
}
