/*
 * A byte store in memory that records every call, fails those it is told to, and can tell what a
 * disk may hold after a crash at any point.
 *
 * What readers see is `seen`: every write at once, as through a page cache. What a disk holds after
 * a crash is built from the log of calls by store_memory_crash.
 */
#ifndef TESTS_SUPPORT_STORE_MEMORY_H
#define TESTS_SUPPORT_STORE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pr_engine/store.h"

struct bytes {
	uint8_t *data;
	size_t len, cap; /* cap 0: borrowed, not to be freed or changed in size */
};

void bytes_copy(struct bytes *dst, const struct bytes *src);
void bytes_free(struct bytes *bytes);

enum memory_call_op {
	MEMORY_WRITE = 1,
	MEMORY_SYNC,
	MEMORY_TRUNCATE,
	MEMORY_REPLACE,
};

/* One call that changes something; reads are not recorded. */
struct memory_call {
	enum memory_call_op op;
	uint64_t offset;   /* of a write; the size of a truncate */
	struct bytes data; /* of a write, as much as took effect; of a replace */
	int result;	   /* what the caller got */
	size_t settled_by; /* number of the sync that made it durable; SIZE_MAX: none did */
};

/* Which calls fail: `count` of them from number `first` on (0: the very first call). */
struct memory_failure {
	size_t first, count;
	int error;	   /* negative errno */
	bool half_written; /* a failing write leaves its first half */
};

struct store_memory {
	struct pr_store store;
	struct bytes seen;
	struct memory_call *calls;
	size_t call_count, call_cap;
	size_t unsettled; /* every call before this one is settled, or never will be */
	struct memory_failure failure;
	struct bytes initial; /* what was on the disk before the first call */
	bool read_fails;
	bool is_there; /* a store without bytes is a file without bytes, not a missing one */
};

/* `initial` may be NULL: an empty store. Close it with store_memory_close, not with ops->close. */
struct store_memory *store_memory_open(const struct bytes *initial);
void store_memory_close(struct store_memory **memory);

/*
 * Crash images. A crash comes after `calls` calls were made; calls[calls], if there is one, was
 * under way. Writes and truncates behind the last good sync or replace are loose: the disk may hold
 * any of them, whatever their order, and the last as a torn part. A sync that failed settles
 * nothing, and what was loose before it stays loose, whatever later syncs say, until a replace.
 */
struct memory_crash {
	size_t calls;
	const bool *lost;  /* for each loose call: it never reached the disk; NULL: none was lost */
	size_t torn_call;  /* call number of a loose write of which ... */
	size_t torn;	   /* ... only so many bytes reached the disk; SIZE_MAX: none is torn */
	bool replace_done; /* a replace under way has reached the disk */
	bool size_kept;	   /* lost bytes made the file longer all the same: they read as zeros */
};

/* Numbers of the calls that are loose in such a crash, oldest first. Room for `calls` + 1. */
size_t store_memory_loose(const struct store_memory *memory, size_t calls, size_t *ret_numbers);

/* What the disk holds. The caller frees ret_image->data, or hands it in again to be reused. */
void store_memory_crash(const struct store_memory *memory, const struct memory_crash *crash,
			struct bytes *ret_image);

#endif
