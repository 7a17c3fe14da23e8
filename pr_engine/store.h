/*
 * Where a journal's bytes live: a small interface, so that the same journal runs over a file, over
 * memory in tests, and over a recorder that replays every crash.
 *
 * Every call returns 0 or a negative errno. Calls may block: they are made from a worker, never
 * from an event loop, and never two at once for one store.
 */
#ifndef PR_ENGINE_STORE_H
#define PR_ENGINE_STORE_H

#include <stddef.h>
#include <stdint.h>

struct pr_store;

struct pr_store_ops {
	/* Bytes in the store; -ENOENT when nothing was ever written: there is no file. */
	int (*size)(struct pr_store *store, uint64_t *ret_size);
	/* Exactly len bytes at offset, or an error (-EIO when the store is shorter). */
	int (*read)(struct pr_store *store, uint64_t offset, void *data, size_t len);
	/* Writes len bytes at offset; not durable before sync. A short write is an error. */
	int (*write)(struct pr_store *store, uint64_t offset, const void *data, size_t len);
	/*
	 * Everything written so far, and the size, is on stable storage, and is what will be found
	 * there at the next open, when this returns 0.
	 */
	int (*sync)(struct pr_store *store);
	/* Cuts the store to `size` bytes; not durable before sync. */
	int (*truncate)(struct pr_store *store, uint64_t size);
	/*
	 * Replaces the whole content, atomically and durably: new file, write, fsync, rename, fsync
	 * of the directory. On error the old content is still what a reader finds (but when taking
	 * back the rename fails as well, the new one, whole); the store stays usable.
	 */
	int (*replace)(struct pr_store *store, const void *data, size_t len);
	void (*close)(struct pr_store *store);
};

struct pr_store {
	const struct pr_store_ops *ops;
};

/*
 * The posix file store (store_posix*.c, the files of pr_engine that touch the disk). The
 * directory of `path` is created when missing (and made durable). The file is created at the first
 * write. What is read is what the disk has, not what a failed write-back left in the page cache.
 * PATH.lock is locked until close: -EWOULDBLOCK when another store has it open. When the file is
 * deleted or replaced meanwhile, sync says -ESTALE, and replace mends it; when PATH.lock is, both
 * say -ENOLCK until the store is opened anew, since another may have it open now. Ownership of
 * *ret_store goes to the caller; free with (*ret_store)->ops->close. Returns 0 or a negative errno.
 */
int pr_store_posix_open(const char *path, struct pr_store **ret_store);

/*
 * As above, but never creates, changes or locks anything; write, truncate and replace give -EROFS,
 * sync does nothing. -ENOENT when the file is missing: a mistyped name is no empty journal. It
 * shows the file that was there at open, even while a daemon replaces it.
 */
int pr_store_posix_open_readonly(const char *path, struct pr_store **ret_store);

#endif
