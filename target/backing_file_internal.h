/*
 * An open file: for backing_file*.c alone.
 */
#ifndef TARGET_BACKING_FILE_INTERNAL_H
#define TARGET_BACKING_FILE_INTERNAL_H

#include <stdatomic.h>

#include "target/backing.h"
#include "target/in_flight.h"
#include "target/marks.h"

#define FILE_PAGE_SHIFT	  12 /* of the page cache */
#define LEND_REGION_SHIFT (FILE_PAGE_SHIFT + 6)
#define LEND_REGIONS	  32768 /* remembered at a time: 8 GiB of them; a power of 2 */

/* What the page cache has of a region, as far as it is known (backing_file_lend.c). */
struct lend_region {
	uint64_t number;
	uint64_t resident; /* a bit a page */
	uint32_t second;   /* of which this is true; 0: of none */
	uint32_t visits;   /* in it */
};

/* What one loop knows and counts for lending; no other one looks at it. */
struct lender {
	uint32_t second; /* the last one in which anything was asked */
	uint32_t pause_until;
	long faults; /* of the loop's thread, until then */
	long lent;   /* since then */
	struct lend_region regions[LEND_REGIONS];
};

/* The file in memory. What it grows to is mapped anew; workers may still be at the old mapping,
 * which stays until the file is closed. */
struct file_map {
	uint8_t *bytes; /* NULL: it cannot be mapped, and nothing is lent */
	uint64_t len;
	struct file_map *older;
	struct lender *lenders[SBC_MARK_LOOPS_MAX]; /* NULL: that loop has not asked yet */
	/* Which pages can be stored to, in regions (backing_file_store.c); NULL: none ever. */
	atomic_uint_fast64_t *warm;
};

/* Stores through the mapping. */
struct file_stores {
	struct in_flight *in_flight; /* borrowed; NULL: nothing is stored so */
	struct in_flight_disk disk;
	/* What was warm in another one is so no more. */
	atomic_uint_fast32_t epoch;
	atomic_uint_fast32_t since;  /* the second in which this epoch began */
	atomic_uint_fast32_t paused; /* until this second */
};

struct backing_file {
	struct backing backing;
	struct scsi_executor *executor;
	int fd;
	bool in_memory;
	/* The file system says of a write whether it would have to wait. */
	atomic_bool tells_waits;
	atomic_int flush_error; /* 0, or what the first failed flush said */
	/* Changes that have been made (all between two flushes are one), how many of them a flush
	 * has begun with, and how many are known to be on stable storage. What the file held when
	 * it was opened counts as one: it may be in the page cache only. */
	atomic_uint_fast64_t changes, flushing, durable;
	_Atomic(struct file_map *) map;
	atomic_bool has_lost; /* data that were lent: nothing is, any more */
	struct file_stores stores;
};

void backing_file_submit(struct backing *backing, struct backing_request *request);
int backing_file_at_once(struct backing *backing, enum backing_op op, uint64_t offset,
			 uint8_t *data, size_t len);

/* backing_file_map.c. NULL: no memory. */
struct file_map *file_map_create(int fd, uint64_t size, bool stores);
/* And all that are older. */
void file_map_free(struct file_map **map);
/* A second of the clock that costs least. Never 0. */
uint32_t file_map_second(void);

/* ---- backing_file_store.c -------------------------------------------------------------------- */

/* What is warm of a file of this size. NULL: it cannot be had. */
atomic_uint_fast64_t *file_warm_create(uint64_t size);
/* May the file be stored to through a mapping at all? */
bool file_may_be_stored(int fd);
/* On a loop: has stored all of it, and waited for nothing. False: it is to be written; a part of it
 * may have been stored. */
bool file_store(struct backing_file *file, uint64_t offset, const uint8_t *data, size_t len);
/* What a worker has written just now (and nobody else does): may be stored to from now on. */
void file_warm(struct backing_file *file, uint64_t offset, const uint8_t *data, size_t len);
/* Nothing is warm. */
void file_cool(struct backing_file *file);

/* ---- backing_file_lend.c --------------------------------------------------------------------- */

/* backing_ops.lend and copy_lent. */
uint8_t *backing_file_lend(struct backing *backing, unsigned loop, uint64_t offset, size_t len);
int backing_file_copy_lent(struct backing *backing, uint64_t offset, uint8_t *data, size_t len);

#endif
