/*
 * A file store's mapping: for backing_file_lend.c, which only ever lets the kernel look at it, and
 * for backing_file_store.c.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "target/backing_file_internal.h"
#include "target/guarded.h"

/* Of a file that we neither may write nor own mincore says that all of it is there. */
static bool mincore_tells(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 &&
	       ((flags & O_ACCMODE) != O_RDONLY || (fstat(fd, &st) == 0 && st.st_uid == geteuid()));
}

static void map_for_stores(struct file_map *map, int fd, uint64_t size)
{
	void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (bytes == MAP_FAILED)
		return;
	map->warm = file_warm_create(size);
	map->bytes = bytes;
}

struct file_map *file_map_create(int fd, uint64_t size, bool stores)
{
	struct file_map *map = calloc(1, sizeof(*map));
	void *bytes;

	if (!map || size > SIZE_MAX / 2 || sysconf(_SC_PAGESIZE) != 1 << FILE_PAGE_SHIFT ||
	    !mincore_tells(fd))
		return map;
	guarded_init();
	map->len = size;
	if (stores)
		map_for_stores(map, fd, size);
	if (map->bytes)
		return map;
	bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		map->len = 0;
	else
		map->bytes = bytes;
	return map;
}

void file_map_free(struct file_map **map)
{
	while (*map) {
		struct file_map *older = (*map)->older;

		if ((*map)->bytes)
			munmap((*map)->bytes, (*map)->len);
		free((*map)->warm);
		for (unsigned i = 0; i < SBC_MARK_LOOPS_MAX; i++)
			free((*map)->lenders[i]);
		free(*map);
		*map = older;
	}
}

uint32_t file_map_second(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint32_t)now.tv_sec + 1;
}
