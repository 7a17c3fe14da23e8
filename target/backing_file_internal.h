/*
 * An open file: for backing_file*.c alone.
 */
#ifndef TARGET_BACKING_FILE_INTERNAL_H
#define TARGET_BACKING_FILE_INTERNAL_H

#include <stdatomic.h>

#include "target/backing.h"

struct backing_file {
	struct backing backing;
	struct scsi_executor *executor;
	int fd;
	bool in_memory;
	/* The file system says of a write whether it would have to wait. */
	atomic_bool tells_waits;
	atomic_int flush_error; /* 0, or what the first failed flush said */
	/* Changes that have been made, and how many of them are known to be on stable storage. What
	 * the file held when it was opened counts as one: it may be in the page cache only. */
	atomic_uint_fast64_t changes, durable;
};

void backing_file_submit(struct backing *backing, struct backing_request *request);
int backing_file_at_once(struct backing *backing, enum backing_op op, uint64_t offset,
			 uint8_t *data, size_t len);

#endif
