/*
 * An open file: for backing_file*.c alone.
 */
#ifndef TARGET_BACKING_FILE_INTERNAL_H
#define TARGET_BACKING_FILE_INTERNAL_H

#include <stdatomic.h>

#include "target/backing.h"

struct file_map;

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
	struct file_map *map;
};

void backing_file_submit(struct backing *backing, struct backing_request *request);
int backing_file_at_once(struct backing *backing, enum backing_op op, uint64_t offset,
			 uint8_t *data, size_t len);

/* backing_file_map.c. NULL: no memory. */
struct file_map *file_map_create(int fd, uint64_t size);
void file_map_free(struct file_map **map);
/* backing_ops.lend and copy_lent. */
uint8_t *backing_file_lend(struct backing *backing, uint64_t offset, size_t len);
int backing_file_copy_lent(struct backing *backing, uint64_t offset, uint8_t *data, size_t len);

#endif
