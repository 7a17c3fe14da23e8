/*
 * Replacing the content of a posix store: a new file, made durable, takes the journal's name.
 *
 * A crash may leave .new and .old behind; the next replace removes them.
 */
#include "pr_engine/store_posix_internal.h"

#include <errno.h>
#include <stdio.h> /* renameat */
#include <unistd.h>

#include "pr_engine/io_posix.h"

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
	int fd = openat(posix->dir_fd, posix->new_name, O_RDWR | O_CREAT | O_EXCL | POSIX_OPEN_FILE,
			POSIX_FILE_MODE);
	if (fd < 0)
		return -errno;
	err = pr_io_write(fd, 0, data, len);
	if (err == 0)
		err = pr_posix_fd_sync(fd);
	if (err != 0) {
		pr_posix_fd_close(&fd);
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
		(void)pr_posix_fd_sync(posix->dir_fd);
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
		err = pr_posix_fd_sync(posix->dir_fd);
		*ret_adopted = err == 0 || !rename_undo(posix, old_kept);
		posix->dir_sync_due = err != 0;
	}
	if (old_kept)
		(void)leftover_remove(posix, posix->old_name);
	return err;
}

int pr_posix_file_replace(struct posix_store *posix, const void *data, size_t len)
{
	bool adopted;
	int fd = -1;
	int err = pr_posix_lock_check(posix);

	if (err == 0)
		err = new_file_write(posix, data, len, &fd);
	if (err != 0)
		return err;
	err = new_file_install(posix, &adopted);
	if (adopted) {
		pr_posix_fd_close(&posix->fd);
		posix->fd = fd;
	} else {
		pr_posix_fd_close(&fd);
	}
	return err;
}
