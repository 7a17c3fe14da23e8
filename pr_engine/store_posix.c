/*
 * The posix byte store: one file in one directory. store_posix_dir.c opens the directory,
 * store_posix_replace.c replaces the content; nothing else in pr_engine touches the disk.
 *
 * Beside the file NAME live, in the same directory:
 *   NAME.lock  empty; flock'ed as long as the store is open. A file of its own, because NAME itself
 *              is missing at first and replaced later: a lock on it would get lost on the way
 *   NAME.new   the next content while replace writes it
 *   NAME.old   the content that replace is about to give up, until the directory is durable
 * A crash may leave .new and .old behind; the next replace removes them.
 *
 * Names may be taken from under us: somebody deletes the journal, or puts a copy in its place, or
 * deletes what looks like a stale lock. Then an fsync makes bytes durable that no one will ever
 * find by the journal's name, so a sync counts only while NAME is still the file that was synced:
 * else it says -ESTALE, and the replace that follows every error brings the file back. Without the
 * lock file another instance may be at work by now, whose journal it then is: -ENOLCK, until this
 * store is opened anew.
 *
 * fsync and not fdatasync: nearly every sync here follows a write that made the file longer, so the
 * inode has to be written in any case, and fsync rests on no fine print about which parts of it.
 */
#include "pr_engine/store_posix_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pr_engine/io_posix.h"

static struct posix_store *posix_store(struct pr_store *store)
{
	return (struct posix_store *)((char *)store - offsetof(struct posix_store, store));
}

void pr_posix_fd_close(int *fd)
{
	/* Nothing here waits for close to report: what matters was fsynced before. */
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

int pr_posix_fd_sync(int fd)
{
	return fsync(fd) == 0 ? 0 : -errno;
}

/* 0 when the open file fd is what the directory has under this name; `gone` when it is not. */
static int name_check(const struct posix_store *posix, const char *name, int fd, int gone)
{
	struct stat named, opened;

	if (fstatat(posix->dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? gone : -errno;
	if (fstat(fd, &opened) < 0)
		return -errno;
	return named.st_dev == opened.st_dev && named.st_ino == opened.st_ino ? 0 : gone;
}

int pr_posix_lock_check(const struct posix_store *posix)
{
	return name_check(posix, posix->lock_name, posix->lock_fd, -ENOLCK);
}

/* ---- operations ---- */

static int posix_size(struct pr_store *store, uint64_t *ret_size)
{
	struct posix_store *posix = posix_store(store);
	struct stat st;

	if (posix->fd < 0)
		return -ENOENT;
	if (fstat(posix->fd, &st) < 0)
		return -errno;
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

static int posix_read(struct pr_store *store, uint64_t offset, void *data, size_t len)
{
	struct posix_store *posix = posix_store(store);

	return posix->fd < 0 && len > 0 ? -EIO : pr_io_read(posix->fd, offset, data, len);
}

static int posix_write(struct pr_store *store, uint64_t offset, const void *data, size_t len)
{
	struct posix_store *posix = posix_store(store);

	if (posix->readonly)
		return -EROFS;
	if (posix->fd < 0) {
		posix->fd = openat(posix->dir_fd, posix->name,
				   O_RDWR | O_CREAT | O_EXCL | POSIX_OPEN_FILE, POSIX_FILE_MODE);
		if (posix->fd < 0)
			return -errno;
		posix->dir_sync_due = true;
	}
	return pr_io_write(posix->fd, offset, data, len);
}

/* The file's bytes and its name. */
static int sync_all(struct posix_store *posix)
{
	int err = pr_posix_fd_sync(posix->fd);

	if (err != 0 || !posix->dir_sync_due)
		return err;
	err = pr_posix_fd_sync(posix->dir_fd);
	if (err == 0)
		posix->dir_sync_due = false;
	return err;
}

static int posix_sync(struct pr_store *store)
{
	struct posix_store *posix = posix_store(store);
	int err;

	if (posix->readonly || posix->fd < 0)
		return 0;
	err = sync_all(posix);
	if (err == 0)
		err = pr_posix_lock_check(posix);
	if (err == 0)
		err = name_check(posix, posix->name, posix->fd, -ESTALE);
	return err;
}

static int posix_truncate(struct pr_store *store, uint64_t size)
{
	struct posix_store *posix = posix_store(store);

	if (posix->readonly)
		return -EROFS;
	if (posix->fd < 0)
		return size == 0 ? 0 : -EINVAL;
	if (!pr_io_range_is_valid(size, 0))
		return -EFBIG;
	while (ftruncate(posix->fd, (off_t)size) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static int posix_replace(struct pr_store *store, const void *data, size_t len)
{
	struct posix_store *posix = posix_store(store);

	if (posix->readonly)
		return -EROFS;
	return pr_posix_file_replace(posix, data, len);
}

static void posix_close(struct pr_store *store)
{
	struct posix_store *posix = posix_store(store);

	pr_posix_fd_close(&posix->fd);
	pr_posix_fd_close(&posix->dir_fd);
	pr_posix_fd_close(&posix->lock_fd);
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

static void name_set(char *ret_name, const char *name, size_t len, const char *suffix)
{
	memcpy(ret_name, name, len);
	memcpy(ret_name + len, suffix, strlen(suffix) + 1);
}

static int names_set(struct posix_store *posix, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EISDIR;
	if (len > NAME_MAX - POSIX_SUFFIX_LEN)
		return -ENAMETOOLONG;
	name_set(posix->name, name, len, "");
	name_set(posix->lock_name, name, len, ".lock");
	name_set(posix->new_name, name, len, ".new");
	name_set(posix->old_name, name, len, ".old");
	return 0;
}

static int lock_take(struct posix_store *posix)
{
	posix->lock_fd = openat(posix->dir_fd, posix->lock_name, O_RDWR | O_CREAT | POSIX_OPEN_FILE,
				POSIX_FILE_MODE);
	if (posix->lock_fd < 0)
		return -errno;
	while (flock(posix->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	/* Somebody may have deleted it before it was locked: then others can lock another one. */
	return pr_posix_lock_check(posix);
}

/*
 * After a write-back that failed the kernel takes the pages for clean that never reached the disk,
 * and goes on to show them. A process that died right then leaves them to its successor, who must
 * not believe them: so what is dirty is written first, and then the cache is asked to forget the
 * file, so that what is read comes from the disk. (The asking may fail: then the cache is as good
 * as it gets.)
 */
static int cache_drop(int fd)
{
	int err = pr_posix_fd_sync(fd);

	if (err == 0)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return err;
}

static int file_open(struct posix_store *posix)
{
	struct stat st;

	posix->fd = openat(posix->dir_fd, posix->name,
			   (posix->readonly ? O_RDONLY : O_RDWR) | POSIX_OPEN_FILE);
	if (posix->fd < 0)
		return errno == ENOENT && !posix->readonly ? 0 : -errno;
	if (fstat(posix->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return posix->readonly ? 0 : cache_drop(posix->fd);
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
		err = pr_posix_dir_open(dir, !posix->readonly, &posix->dir_fd);
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
