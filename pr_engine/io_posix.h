/*
 * Whole reads and writes: what pread and pwrite leave undone, done. For the files that touch a
 * disk; blocks. 0 or a negative errno.
 */
#ifndef PR_ENGINE_IO_POSIX_H
#define PR_ENGINE_IO_POSIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exactly len bytes at offset; -EIO when the file ends before. */
int pr_io_read(int fd, uint64_t offset, void *data, size_t len);

/* All len bytes; on an error any part of them may have been written. */
int pr_io_write(int fd, uint64_t offset, const void *data, size_t len);

/* Does a range of a file of any size end where one can? */
bool pr_io_range_is_valid(uint64_t offset, size_t len);

#endif
