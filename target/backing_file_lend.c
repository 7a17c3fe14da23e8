/*
 * Lending from a file store's mapping: what the page cache has is lent from there, so that the
 * kernel copies it straight into a socket. Nobody but the kernel looks at the mapping: where the
 * file was cut off, or the disk fails, it says EFAULT, and we would get a signal.
 *
 * The kernel would wait for the disk if a page was not there. mincore tells, but costs nearly what
 * is saved; so a region that is read again and again is asked for as a whole, and what it said is
 * believed for the rest of the second. A page that goes in that second holds up the loop for one
 * read of the disk. Where memory is so short that this happens more than now and then, which the
 * kernel counts, nothing is lent for a while.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pr_engine/io_posix.h"
#include "target/backing_file_internal.h"

#define REGION_PAGES 64 /* as many as a word has bits */
#define VISITS_MIN   4	/* in a second: then asking pays */
#define LEND_MAX     ((size_t)256 * 1024)
#define FAULTS_MAX   16	 /* pages of this loop read from disk in a second: that is chance */
#define LENT_A_FAULT 256 /* ... and so are more where so many were lent for each */
#define PAUSE_S	     3
#define MISSING_MAX  (REGION_PAGES / 8)
#define CACHE_LINE   64
#define PREFETCH_LEN (8 * CACHE_LINE)

/* Have pages been read from disk because somebody looked at them? */
static void lender_begin_second(struct lender *lender, uint32_t second)
{
	struct rusage usage;

	if (getrusage(RUSAGE_THREAD, &usage) != 0)
		return;
	long faults = usage.ru_majflt - lender->faults;

	if (lender->second != 0 && faults > FAULTS_MAX && faults > lender->lent / LENT_A_FAULT)
		lender->pause_until = second + PAUSE_S;
	lender->faults = usage.ru_majflt;
	lender->lent = 0;
	lender->second = second;
}

/* Which pages of the region are there; none, when so many are not that the others may soon go. */
static uint64_t map_ask(const struct file_map *map, uint64_t number)
{
	unsigned char there[REGION_PAGES];
	uint64_t at = number << LEND_REGION_SHIFT, left = map->len - at, resident = 0;
	uint64_t len =
		left < UINT64_C(1) << LEND_REGION_SHIFT ? left : UINT64_C(1) << LEND_REGION_SHIFT;
	unsigned missing = 0;

	if (mincore(map->bytes + at, (size_t)len, there) != 0)
		return 0;
	for (unsigned i = 0; i < (len + (1u << FILE_PAGE_SHIFT) - 1) >> FILE_PAGE_SHIFT; i++) {
		resident |= (uint64_t)(there[i] & 1) << i;
		missing += !(there[i] & 1);
	}
	return missing <= MISSING_MAX ? resident : 0;
}

/* Bits of the pages of the region from `first` to `last`. */
static uint64_t bits_of(uint64_t first, uint64_t last)
{
	return (~UINT64_C(0) >> (REGION_PAGES - 1 - (last - first))) << (first % REGION_PAGES);
}

static bool region_has(const struct file_map *map, struct lender *lender, uint64_t number,
		       uint64_t bits)
{
	struct lend_region *region = &lender->regions[number % LEND_REGIONS];

	if (region->number != number || region->second != lender->second)
		*region = (struct lend_region){.number = number, .second = lender->second};
	if (region->visits < VISITS_MIN) {
		if (++region->visits < VISITS_MIN)
			return false;
		region->resident = map_ask(map, number);
	}
	return (region->resident & bits) == bits;
}

static bool map_has(const struct file_map *map, struct lender *lender, uint64_t offset, size_t len)
{
	uint64_t page = offset >> FILE_PAGE_SHIFT, last = (offset + len - 1) >> FILE_PAGE_SHIFT;
	uint32_t second = file_map_second();

	if (second != lender->second)
		lender_begin_second(lender, second);
	if (second < lender->pause_until)
		return false;
	while (page <= last) {
		uint64_t end = page | (REGION_PAGES - 1);

		if (end > last)
			end = last;
		if (!region_has(map, lender, page / REGION_PAGES, bits_of(page, end)))
			return false;
		page = end + 1;
	}
	return true;
}

/* So that the copy into the socket, which comes a little later, need not wait for the beginning of
 * it: then the processor looks ahead by itself. What is not there does no harm to a prefetch. */
static void prefetch(const uint8_t *data, size_t len)
{
	for (size_t at = 0; at < len && at < PREFETCH_LEN; at += CACHE_LINE)
		__builtin_prefetch(data + at);
}

/* NULL: no memory. */
static struct lender *lender_of(struct file_map *map, unsigned loop)
{
	assert(loop < SBC_MARK_LOOPS_MAX);
	/* Of the regions only what is used ever becomes memory. */
	if (!map->lenders[loop])
		map->lenders[loop] = calloc(1, sizeof(struct lender));
	return map->lenders[loop];
}

uint8_t *backing_file_lend(struct backing *backing, unsigned loop, uint64_t offset, size_t len)
{
	struct backing_file *file = (struct backing_file *)backing;
	struct file_map *map = atomic_load_explicit(&file->map, memory_order_acquire);

	if (atomic_load_explicit(&file->has_lost, memory_order_relaxed) || len > LEND_MAX ||
	    offset > map->len || len > map->len - offset)
		return NULL;
	struct lender *lender = lender_of(map, loop);
	if (!lender || !map_has(map, lender, offset, len))
		return NULL;
	lender->lent++;
	prefetch(map->bytes + offset, len);
	return map->bytes + offset;
}

int backing_file_copy_lent(struct backing *backing, uint64_t offset, uint8_t *data, size_t len)
{
	struct backing_file *file = (struct backing_file *)backing;
	int error = pr_io_read(file->fd, offset, data, len);

	/* Whoever asks again hears of it in the ordinary way. */
	if (error != 0)
		atomic_store_explicit(&file->has_lost, true, memory_order_relaxed);
	return error;
}
