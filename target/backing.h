/*
 * Backing stores: where a LUN's blocks live. One vtable; file, memory and null behind it.
 *
 * Requests are asynchronous: submit never blocks and never fails; `done` is called later, or before
 * submit returns, on the loop's thread. Several loops may ask at once, as long as nobody else reads
 * or writes a region that somebody writes (marks.h). Offsets and lengths are bytes, multiples of
 * the block size, inside the store; the caller has checked the range. The caller keeps the request
 * and its buffer until done.
 */
#ifndef TARGET_BACKING_H
#define TARGET_BACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/executor.h"

enum backing_op {
	BACKING_INVALID = 0,
	BACKING_READ,
	BACKING_WRITE,
	BACKING_FLUSH, /* everything written so far is on stable storage when done says 0 */
	BACKING_UNMAP, /* the range reads as zeros afterwards; space is given back where it can be
			*/
	BACKING_WRITE_SAME, /* `data` (one block, `data_len` bytes) over the whole range */
	BACKING_PREFETCH,   /* a hint: the range will be read soon; never fails */
	BACKING_EXTENT,	    /* is the store mapped at `offset`? Sets `mapped`, and `len` to how many
			       bytes from there on are alike, at most what `len` asked for */
};

/* Does the range hold something else afterwards? */
static inline bool backing_op_changes(enum backing_op op)
{
	return op == BACKING_WRITE || op == BACKING_WRITE_SAME || op == BACKING_UNMAP;
}

struct backing_request {
	enum backing_op op;
	bool fua;	 /* WRITE, WRITE_SAME, UNMAP: durable before done */
	uint64_t offset; /* bytes */
	uint64_t len;	 /* bytes */
	uint8_t *data;	 /* READ: filled. WRITE, WRITE_SAME: read. */
	size_t data_len; /* bytes at data */
	bool mapped;	 /* EXTENT's answer: data, or a hole */
	int error;	 /* 0 or a negative errno, set before done */
	void (*done)(struct backing_request *request);
	struct scsi_executor *executor; /* of the loop that asks; NULL: the one of the store */
	struct scsi_job job;		/* the store's */
	struct backing *backing;	/* the store's */
	uint64_t changes;		/* the store's: how many its sync covers */
};

struct backing;

struct backing_ops {
	const char *name;
	void (*submit)(struct backing *backing, struct backing_request *request);
	/*
	 * A READ, or a WRITE without FUA, here and now, when that waits for nothing: 0, or a
	 * negative errno as request->error would be. -EAGAIN: it would wait, and is to be
	 * submitted; a part of it may have been done. NULL: never.
	 */
	int (*at_once)(struct backing *backing, enum backing_op op, uint64_t offset, uint8_t *data,
		       size_t len);
	/*
	 * Where these bytes lie, if they are at hand and in one piece; NULL: they have to be read.
	 * They are there until the store is asked to write them, to grow or to close, and for the
	 * kernel alone: what somebody else has cut off a file is no memory any more. `loop` asks,
	 * which is on this thread (0..SBC_MARK_LOOPS_MAX - 1). NULL: never.
	 */
	uint8_t *(*lend)(struct backing *backing, unsigned loop, uint64_t offset, size_t len);
	/* The same bytes, which were lent, into a buffer. 0 or a negative errno. */
	int (*copy_lent)(struct backing *backing, uint64_t offset, uint8_t *data, size_t len);
	/* A READ from there comes next: whatever makes it quicker, and takes no time. NULL: nothing
	 * does. */
	void (*expect)(const struct backing *backing, uint64_t offset);
	void (*close)(struct backing *backing); /* nothing may be under way */
	/*
	 * Makes the store at least as long as it was: `size` bytes, or (0) what it has grown to by
	 * itself. 0 and its size, or a negative errno and nothing has changed. `backing->size` is
	 * the caller's to set. NULL: it cannot.
	 */
	int (*grow)(struct backing *backing, uint64_t size, uint64_t *ret_size);
};

struct backing {
	const struct backing_ops *ops;
	uint64_t size;	     /* bytes */
	bool volatile_store; /* memory, null: nothing survives the process */
	uint64_t identity;   /* tells this disk from another one in its place; 0: no telling */
};

/*
 * A file: opened or created sparse with `size` bytes (size 0: the size it has); an existing file
 * that is shorter is grown, a longer one is refused unless size is 0. read_only opens it so. Locked
 * against a second opener (flock). Returns 0 or a negative errno; *ret_error then points at a
 * static sentence for people.
 */
int backing_file_open(const char *path, uint64_t size, bool read_only,
		      struct scsi_executor *executor, struct backing **ret_backing,
		      const char **ret_error);
struct in_flight;

/*
 * For a file that was opened just now: ends the write that was under way on it when the last daemon
 * was killed, and from now on, if it `stores`, has writes stored through a mapping, where that
 * waits for nothing (in_flight.h). 0, or a negative errno and the file is as it was.
 */
int backing_file_store_through(struct backing *backing, struct in_flight *in_flight, bool stores);
/* Memory that is used only where it was written. */
int backing_memory_open(uint64_t size, struct backing **ret_backing);
/* Reads zeros, swallows writes: for benchmarks. */
int backing_null_open(uint64_t size, struct backing **ret_backing);

#endif
