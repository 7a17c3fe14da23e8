/*
 * What store_posix*.c share, and nobody else sees.
 */
#ifndef PR_ENGINE_STORE_POSIX_INTERNAL_H
#define PR_ENGINE_STORE_POSIX_INTERNAL_H

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>

#include "pr_engine/store.h"

#define POSIX_SUFFIX_LEN 5 /* ".lock", ".new", ".old" */
#define POSIX_FILE_MODE	 0600
#define POSIX_OPEN_FILE	 (O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK)

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
	char lock_name[NAME_MAX + 1];
	char new_name[NAME_MAX + 1];
	char old_name[NAME_MAX + 1];
};

void pr_posix_fd_close(int *fd);

/* An fsync is never tried again, not even after EINTR: the second one may know nothing. */
int pr_posix_fd_sync(int fd);

/*
 * Opens the directory of `path` (which is cut into pieces) so that it can be fsynced. `create`:
 * creates what is missing, and makes it durable.
 */
int pr_posix_dir_open(char *path, bool create, int *ret_fd);

/* 0 when the lock file is still the one that this store has locked, else -ENOLCK. */
int pr_posix_lock_check(const struct posix_store *posix);

/* pr_store_ops.replace, but for a readonly store. */
int pr_posix_file_replace(struct posix_store *posix, const void *data, size_t len);

#endif
