/*
 * Writes that are stored through a file store's mapping: no system call, and no way to a worker and
 * back. That must not make the loop wait. The kernel makes a page writable here when it is stored
 * to for the first time since it went to disk, and for that it may need the disk, room or the
 * journal of the file system; from then on a store is a copy in memory. So a worker writes a page
 * in the ordinary way, which says all that can go wrong; when it does so again it stores one byte
 * of it once more: now the page is warm, and the loop stores to it.
 *
 * A flush ends that for all pages, as does the kernel by itself some 30 seconds after a first
 * write; that it does not tell. Who is wrong here waits once, for what he would have waited for in
 * a worker: if that takes long nothing is stored for a while.
 *
 * Nothing is stored between the beginning of a flush and its end, so all that was acknowledged
 * before it is in it: fdatasync writes what was stored through mappings as it does what was
 * written.
 */
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "target/backing_file_internal.h"
#include "target/guarded.h"

#define REGION_SHIFT	(FILE_PAGE_SHIFT + 4)
#define REGION_LEN	((size_t)1 << REGION_SHIFT)
#define PAGE_LEN	((size_t)1 << FILE_PAGE_SHIFT)
#define SIZE_MAX_MAPPED (UINT64_C(1) << 42) /* bytes of a file: 512 MiB of words, where used */
#define WARM_S		20		    /* the kernel writes back what is dirty for 30 s */
#define PAUSE_S		5
#define SLOW_NS		INT64_C(20000000) /* somebody was waited for */
#define NS_PER_S	INT64_C(1000000000)

/* A region in one word: the pages that are warm, those that were written, and the epoch of which
 * that is true. */
#define WRITTEN_SHIFT 16
#define EPOCH_SHIFT   32

atomic_uint_fast64_t *file_warm_create(uint64_t size)
{
	if (size > SIZE_MAX_MAPPED)
		return NULL;
	return calloc((size_t)(size >> REGION_SHIFT) + 1, sizeof(atomic_uint_fast64_t));
}

/* Where it is known what a store means: a local disk. */
bool file_may_be_stored(int fd)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) != 0 || fstatfs(fd, &fs) != 0)
		return false;
	return S_ISREG(st.st_mode) &&
	       (fs.f_type == EXT4_SUPER_MAGIC || fs.f_type == XFS_SUPER_MAGIC ||
		fs.f_type == BTRFS_SUPER_MAGIC);
}

void file_cool(struct backing_file *file)
{
	atomic_fetch_add(&file->stores.epoch, 1);
}

static uint32_t epoch_now(const struct backing_file *file)
{
	return (uint32_t)atomic_load(&file->stores.epoch);
}

static bool is_flushing(const struct backing_file *file)
{
	return atomic_load(&file->durable) < atomic_load(&file->flushing);
}

static bool may_be_stored(const struct backing_file *file, const struct file_map *map,
			  uint64_t offset, size_t len)
{
	return map->warm && len <= IN_FLIGHT_LEN_MAX && offset <= map->len &&
	       len <= map->len - offset && !is_flushing(file);
}

/* Bits of the pages of a region in which these bytes lie; they are in it. */
static uint32_t bits_of(uint64_t offset, size_t len)
{
	uint64_t at = offset % REGION_LEN;
	uint32_t behind = UINT32_C(2) << ((at + len - 1) >> FILE_PAGE_SHIFT);

	return behind - (UINT32_C(1) << (at >> FILE_PAGE_SHIFT));
}

/* As many of the bytes as are before the next multiple of `step`. */
static size_t up_to(uint64_t offset, size_t len, size_t step)
{
	size_t room = step - (size_t)(offset % step);

	return len < room ? len : room;
}

/* ---- on the loop ----------------------------------------------------------------------------- */

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static bool is_warm(const struct file_map *map, uint32_t epoch, uint64_t offset, size_t len)
{
	while (len > 0) {
		size_t part = up_to(offset, len, REGION_LEN);
		uint32_t bits = bits_of(offset, part);
		uint64_t region = atomic_load_explicit(&map->warm[offset >> REGION_SHIFT],
						       memory_order_relaxed);

		if (region >> EPOCH_SHIFT != epoch || (region & bits) != bits)
			return false;
		offset += part;
		len -= part;
	}
	return true;
}

/* Nothing stays warm for longer than it may be believed. */
static void age(struct backing_file *file, uint32_t second)
{
	uint_fast32_t since = atomic_load_explicit(&file->stores.since, memory_order_relaxed);

	if (second - since > WARM_S &&
	    atomic_compare_exchange_strong(&file->stores.since, &since, second))
		file_cool(file);
}

static void pause_stores(struct backing_file *file)
{
	atomic_store(&file->stores.paused, file_map_second() + PAUSE_S);
	file_cool(file);
}

/* Page faults of this thread since it last asked. */
static long new_faults(void)
{
	static _Thread_local long before;
	struct rusage usage;

	if (getrusage(RUSAGE_THREAD, &usage) != 0)
		return 0;
	long now = usage.ru_minflt + usage.ru_majflt, since = now - before;
	before = now;
	return since;
}

/* Where none of the last second's stores met a page fault, it was only that somebody else had the
 * processor. */
static void begin_second(uint32_t second)
{
	static _Thread_local uint32_t last;

	if (second == last)
		return;
	last = second;
	(void)new_faults();
}

bool file_store(struct backing_file *file, uint64_t offset, const uint8_t *data, size_t len)
{
	struct file_map *map = atomic_load_explicit(&file->map, memory_order_acquire);

	if (!may_be_stored(file, map, offset, len))
		return false;
	int64_t before = now_ns();
	uint32_t second = (uint32_t)(before / NS_PER_S);
	age(file, second);
	if (!is_warm(map, epoch_now(file), offset, len))
		return false;
	begin_second(second);
	int error = in_flight_store(file->stores.in_flight, &file->stores.disk, offset,
				    map->bytes + offset, data, len);
	if (error == -EFAULT || (now_ns() - before > SLOW_NS && new_faults() > 0))
		pause_stores(file);
	return error == 0;
}

/* ---- in a worker ----------------------------------------------------------------------------- */

struct touch {
	uint8_t *mapped;
	const uint8_t *data;
};

/* A byte of it, as it is. */
static void touch_run(void *context)
{
	const struct touch *touch = context;

	*(volatile uint8_t *)touch->mapped = *touch->data;
}

static bool touch_page(uint8_t *mapped, const uint8_t *data)
{
	struct touch touch = {.mapped = mapped, .data = data};

	return guarded_run(&(struct guarded_work){
		.run = touch_run,
		.context = &touch,
		.ranges = {{.start = mapped, .len = 1}},
	});
}

/* Notes what else is known of a region in this epoch. What was known before. */
static uint32_t note(atomic_uint_fast64_t *region, uint32_t epoch, uint32_t bits)
{
	uint_fast64_t now = atomic_load_explicit(region, memory_order_relaxed), before;

	do
		before = now >> EPOCH_SHIFT == epoch ? now : (uint64_t)epoch << EPOCH_SHIFT;
	while (!atomic_compare_exchange_weak_explicit(region, &now, before | bits,
						      memory_order_relaxed, memory_order_relaxed));
	return (uint32_t)before;
}

/* Pages that are written once, and then not for long, are left as they are: a touch costs nearly
 * what a write does. */
static void warm_region(struct file_map *map, uint32_t epoch, uint64_t offset, const uint8_t *data,
			size_t len)
{
	atomic_uint_fast64_t *region = &map->warm[offset >> REGION_SHIFT];
	uint32_t bits = bits_of(offset, len);
	uint32_t again = note(region, epoch, bits << WRITTEN_SHIFT) >> WRITTEN_SHIFT & bits;
	uint32_t warm = 0;

	for (size_t at = 0, part; at < len && again != 0; at += part) {
		uint32_t bit;

		part = up_to(offset + at, len - at, PAGE_LEN);
		bit = bits_of(offset + at, part);
		if ((again & bit) != 0 && touch_page(map->bytes + offset + at, data + at))
			warm |= bit;
	}
	if (warm != 0)
		note(region, epoch, warm);
}

void file_warm(struct backing_file *file, uint64_t offset, const uint8_t *data, size_t len)
{
	struct file_map *map = atomic_load_explicit(&file->map, memory_order_acquire);
	uint32_t epoch = epoch_now(file);

	if (!may_be_stored(file, map, offset, len) ||
	    file_map_second() < atomic_load(&file->stores.paused))
		return;
	for (size_t at = 0, part; at < len; at += part) {
		part = up_to(offset + at, len - at, REGION_LEN);
		warm_region(map, epoch, offset + at, data + at, part);
	}
}

int backing_file_store_through(struct backing *backing, struct in_flight *in_flight, bool stores)
{
	struct backing_file *file = (struct backing_file *)backing;
	struct in_flight_disk disk;
	int error = in_flight_finish(in_flight, file->fd, &disk);

	if (error != 0 || !stores || file->in_memory || !file_may_be_stored(file->fd))
		return error;
	struct file_map *map = file_map_create(file->fd, backing->size, true);
	if (!map)
		return -ENOMEM;
	/* It was opened just now: nobody is at the mapping that it has. */
	struct file_map *unused = atomic_exchange(&file->map, map);
	file_map_free(&unused);
	file->stores.disk = disk;
	file->stores.in_flight = in_flight;
	return 0;
}
