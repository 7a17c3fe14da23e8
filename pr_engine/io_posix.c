#include "pr_engine/io_posix.h"

#include <errno.h>
#include <unistd.h>

bool pr_io_range_is_valid(uint64_t offset, size_t len)
{
	return offset <= INT64_MAX && len <= INT64_MAX - offset;
}

int pr_io_read(int fd, uint64_t offset, void *data, size_t len)
{
	uint8_t *at = data;

	if (!pr_io_range_is_valid(offset, len))
		return -EIO;
	while (len > 0) {
		ssize_t n = pread(fd, at, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		at += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int pr_io_write(int fd, uint64_t offset, const void *data, size_t len)
{
	const uint8_t *at = data;

	if (!pr_io_range_is_valid(offset, len))
		return -EFBIG;
	while (len > 0) {
		ssize_t n = pwrite(fd, at, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		at += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}
