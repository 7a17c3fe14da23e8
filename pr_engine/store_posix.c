/*
 * The posix byte store: one file in one directory. The one file of pr_engine that touches the disk.
 *
 * Beside the file NAME live, in the same directory:
 *   NAME.lock  empty; flock'ed as long as the store is open. A file of its own, because NAME itself
 *              is missing at first and replaced later: a lock on it would get lost on the way
 *   NAME.new   the next content while replace writes it
 *   NAME.old   the content that replace is about to give up, until the directory is durable
 * A crash may leave .new and .old behind; the next replace removes them.
 *
 * fsync and not fdatasync: nearly every sync here follows a write that made the file longer, so the
 * inode has to be written in any case, and fsync rests on no fine print about which parts of it.
 */
#include "pr_engine/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX_LEN    5 /* ".lock", ".new", ".old" */
#define DIR_MODE      0700
#define FILE_MODE     0600
#define OPEN_FILE     (O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK)
#define OPEN_DIR      (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define OPEN_DIR_PATH (O_PATH | O_DIRECTORY | O_CLOEXEC)

struct posix_store {
	struct pr_store store;
	int dir_fd;
	int lock_fd; /* -1 when readonly */
	int fd;	     /* -1: the file does not exist */
	bool readonly;
	/*
	 * The file's name may not be on stable storage: always so after open, since whoever wrote
	 * before us may have died between rename and fsync of the directory.
	 */
	bool dir_sync_due;
	char name[NAME_MAX + 1];
	char new_name[NAME_MAX + 1];
	char old_name[NAME_MAX + 1];
};

static struct posix_store *posix_store(struct pr_store *store)
{
	return (struct posix_store *)((char *)store - offsetof(struct posix_store, store));
}

static void fd_close(int *fd)
{
	/* Nothing here waits for close to report: what matters was fsynced before. */
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static bool range_is_valid(uint64_t offset, size_t len)
{
	return offset <= INT64_MAX && len <= INT64_MAX - offset;
}

static int write_all(int fd, uint64_t offset, const uint8_t *data, size_t len)
{
	if (!range_is_valid(offset, len))
		return -EFBIG;
	while (len > 0) {
		ssize_t n = pwrite(fd, data, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		data += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* An fsync is never tried again, not even after EINTR: the second one may know nothing. */
static int sync_fd(int fd)
{
	return fsync(fd) == 0 ? 0 : -errno;
}

/* ---- directories ---- */

/* Makes the entries of the directory `path`, seen from at_fd, durable. */
static int dir_sync(int at_fd, const char *path)
{
	int fd = openat(at_fd, path, OPEN_DIR);
	int err;

	if (fd < 0)
		return -errno;
	err = sync_fd(fd);
	fd_close(&fd);
	return err;
}

/* As above for the parent of a directory that was there already, and may not be ours to read. */
static int parent_sync(int dir_fd)
{
	int err = dir_sync(dir_fd, "..");

	return err == -EACCES ? 0 : err;
}

static int component_create(int parent_fd, const char *name)
{
	if (mkdirat(parent_fd, name, DIR_MODE) < 0 && errno != EEXIST)
		return -errno;
	return dir_sync(parent_fd, ".");
}

/*
 * Steps from *fd into its child `name`, which is created when `create`. The deepest directory that
 * was there already may come from a process that died before it had made it durable: its entry in
 * its parent is synced before anything is built on it.
 */
static int component_enter(int *fd, const char *name, bool create, bool *created)
{
	int child = openat(*fd, name, OPEN_DIR_PATH);
	int err;

	if (child < 0 && errno == ENOENT && create) {
		err = *created ? 0 : parent_sync(*fd);
		if (err == 0)
			err = component_create(*fd, name);
		if (err != 0)
			return err;
		*created = true;
		child = openat(*fd, name, OPEN_DIR_PATH);
	}
	if (child < 0)
		return -errno;
	fd_close(fd);
	*fd = child;
	return 0;
}

/* Opens the directory of `path` (which is cut into pieces), creating what is missing. */
static int dir_enter(char *path, bool create, int *ret_fd)
{
	int fd = open(path[0] == '/' ? "/" : ".", OPEN_DIR_PATH);
	bool created = false;
	char *rest = NULL;
	int err = 0;

	if (fd < 0)
		return -errno;
	for (char *name = strtok_r(path, "/", &rest); name && err == 0;
	     name = strtok_r(NULL, "/", &rest))
		err = component_enter(&fd, name, create, &created);
	if (err == 0 && create && !created)
		err = parent_sync(fd);
	if (err != 0) {
		fd_close(&fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

/* As dir_enter, for a descriptor that can be fsynced. */
static int dir_open(char *path, bool create, int *ret_fd)
{
	int path_fd = -1;
	int err = dir_enter(path, create, &path_fd);

	if (err != 0)
		return err;
	int fd = openat(path_fd, ".", OPEN_DIR);
	err = fd < 0 ? -errno : 0;
	fd_close(&path_fd);
	if (err == 0)
		*ret_fd = fd;
	return err;
}

/* ---- operations ---- */

static int posix_size(struct pr_store *store, uint64_t *ret_size)
{
	struct posix_store *posix = posix_store(store);
	struct stat st;

	if (posix->fd < 0) {
		*ret_size = 0;
		return 0;
	}
	if (fstat(posix->fd, &st) < 0)
		return -errno;
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

static int posix_read(struct pr_store *store, uint64_t offset, void *data, size_t len)
{
	struct posix_store *posix = posix_store(store);
	uint8_t *at = data;

	if ((posix->fd < 0 && len > 0) || !range_is_valid(offset, len))
		return -EIO;
	while (len > 0) {
		ssize_t n = pread(posix->fd, at, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		at += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int posix_write(struct pr_store *store, uint64_t offset, const void *data, size_t len)
{
	struct posix_store *posix = posix_store(store);

	if (posix->readonly)
		return -EROFS;
	if (posix->fd < 0) {
		posix->fd = openat(posix->dir_fd, posix->name,
				   O_RDWR | O_CREAT | O_EXCL | OPEN_FILE, FILE_MODE);
		if (posix->fd < 0)
			return -errno;
		posix->dir_sync_due = true;
	}
	return write_all(posix->fd, offset, data, len);
}

static int posix_sync(struct pr_store *store)
{
	struct posix_store *posix = posix_store(store);
	int err;

	if (posix->readonly || posix->fd < 0)
		return 0;
	err = sync_fd(posix->fd);
	if (err != 0 || !posix->dir_sync_due)
		return err;
	err = sync_fd(posix->dir_fd);
	if (err == 0)
		posix->dir_sync_due = false;
	return err;
}

static int posix_truncate(struct pr_store *store, uint64_t size)
{
	struct posix_store *posix = posix_store(store);

	if (posix->readonly)
		return -EROFS;
	if (posix->fd < 0)
		return size == 0 ? 0 : -EINVAL;
	if (!range_is_valid(size, 0))
		return -EFBIG;
	while (ftruncate(posix->fd, (off_t)size) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/* Removes what an earlier replace may have left. */
static int leftover_remove(const struct posix_store *posix, const char *name)
{
	if (unlinkat(posix->dir_fd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

/* The new content, whole and on stable storage, under its temporary name. */
static int new_file_write(const struct posix_store *posix, const void *data, size_t len,
			  int *ret_fd)
{
	int err = leftover_remove(posix, posix->new_name);

	if (err != 0)
		return err;
	int fd = openat(posix->dir_fd, posix->new_name, O_RDWR | O_CREAT | O_EXCL | OPEN_FILE,
			FILE_MODE);
	if (fd < 0)
		return -errno;
	err = write_all(fd, 0, data, len);
	if (err == 0)
		err = sync_fd(fd);
	if (err != 0) {
		fd_close(&fd);
		(void)leftover_remove(posix, posix->new_name);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

/*
 * A second name for the old content, so that the rename can be taken back. False where there is no
 * old content, or a file system without hard links: then there is no way back.
 */
static bool old_file_keep(const struct posix_store *posix)
{
	return posix->fd >= 0 && leftover_remove(posix, posix->old_name) == 0 &&
	       linkat(posix->dir_fd, posix->name, posix->dir_fd, posix->old_name, 0) == 0;
}

/* The rename may not be durable: back to what readers found before. True when that went well. */
static bool rename_undo(const struct posix_store *posix, bool old_kept)
{
	bool undone = true;

	if (old_kept)
		undone = renameat(posix->dir_fd, posix->old_name, posix->dir_fd, posix->name) == 0;
	else if (posix->fd < 0)
		undone = unlinkat(posix->dir_fd, posix->name, 0) == 0;
	else
		undone = false;
	if (undone)
		(void)sync_fd(posix->dir_fd);
	return undone;
}

/* Gives the new file its name. *ret_adopted: whether the store's file is now the new one. */
static int new_file_install(struct posix_store *posix, bool *ret_adopted)
{
	bool old_kept = old_file_keep(posix);
	int err;

	*ret_adopted = false;
	if (renameat(posix->dir_fd, posix->new_name, posix->dir_fd, posix->name) < 0) {
		err = -errno;
		(void)leftover_remove(posix, posix->new_name);
	} else {
		err = sync_fd(posix->dir_fd);
		*ret_adopted = err == 0 || !rename_undo(posix, old_kept);
		posix->dir_sync_due = err != 0;
	}
	if (old_kept)
		(void)leftover_remove(posix, posix->old_name);
	return err;
}

static int posix_replace(struct pr_store *store, const void *data, size_t len)
{
	struct posix_store *posix = posix_store(store);
	bool adopted;
	int fd = -1;
	int err;

	if (posix->readonly)
		return -EROFS;
	err = new_file_write(posix, data, len, &fd);
	if (err != 0)
		return err;
	err = new_file_install(posix, &adopted);
	if (adopted) {
		fd_close(&posix->fd);
		posix->fd = fd;
	} else {
		fd_close(&fd);
	}
	return err;
}

static void posix_close(struct pr_store *store)
{
	struct posix_store *posix = posix_store(store);

	fd_close(&posix->fd);
	fd_close(&posix->dir_fd);
	fd_close(&posix->lock_fd);
	free(posix);
}

static const struct pr_store_ops posix_ops = {
	.size = posix_size,
	.read = posix_read,
	.write = posix_write,
	.sync = posix_sync,
	.truncate = posix_truncate,
	.replace = posix_replace,
	.close = posix_close,
};

/* ---- open ---- */

static int names_set(struct posix_store *posix, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EISDIR;
	if (len > NAME_MAX - SUFFIX_LEN)
		return -ENAMETOOLONG;
	memcpy(posix->name, name, len + 1);
	memcpy(posix->new_name, name, len);
	memcpy(posix->new_name + len, ".new", sizeof ".new");
	memcpy(posix->old_name, name, len);
	memcpy(posix->old_name + len, ".old", sizeof ".old");
	return 0;
}

static int lock_take(struct posix_store *posix)
{
	char lock_name[NAME_MAX + 1];

	(void)snprintf(lock_name, sizeof lock_name, "%.*s.lock", NAME_MAX - SUFFIX_LEN,
		       posix->name);
	posix->lock_fd = openat(posix->dir_fd, lock_name, O_RDWR | O_CREAT | OPEN_FILE, FILE_MODE);
	if (posix->lock_fd < 0)
		return -errno;
	while (flock(posix->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static int file_open(struct posix_store *posix)
{
	struct stat st;

	posix->fd = openat(posix->dir_fd, posix->name,
			   (posix->readonly ? O_RDONLY : O_RDWR) | OPEN_FILE);
	if (posix->fd < 0)
		return errno == ENOENT && !posix->readonly ? 0 : -errno;
	if (fstat(posix->fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

/* Splits a copy of path and opens directory, lock and file. What was opened stays in *posix. */
static int posix_open(struct posix_store *posix, const char *path)
{
	char *dir = strdup(path);
	int err;

	if (!dir)
		return -ENOMEM;
	char *slash = strrchr(dir, '/');
	err = names_set(posix, slash ? slash + 1 : dir);
	if (slash)
		slash[slash == dir ? 1 : 0] = '\0';
	else
		dir[0] = '\0';
	if (err == 0)
		err = dir_open(dir, !posix->readonly, &posix->dir_fd);
	if (err == 0 && !posix->readonly)
		err = lock_take(posix);
	if (err == 0)
		err = file_open(posix);
	free(dir);
	return err;
}

static int store_open(const char *path, bool readonly, struct pr_store **ret_store)
{
	struct posix_store *posix = calloc(1, sizeof *posix);
	int err;

	if (!posix)
		return -ENOMEM;
	posix->store.ops = &posix_ops;
	posix->dir_fd = -1;
	posix->lock_fd = -1;
	posix->fd = -1;
	posix->readonly = readonly;
	posix->dir_sync_due = true;
	err = posix_open(posix, path);
	if (err != 0) {
		posix_close(&posix->store);
		return err;
	}
	*ret_store = &posix->store;
	return 0;
}

int pr_store_posix_open(const char *path, struct pr_store **ret_store)
{
	return store_open(path, false, ret_store);
}

int pr_store_posix_open_readonly(const char *path, struct pr_store **ret_store)
{
	return store_open(path, true, ret_store);
}
