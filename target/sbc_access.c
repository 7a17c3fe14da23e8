/*
 * Whose turn it is at which blocks; see sbc_access.h.
 */
#include "target/sbc_access.h"

bool sbc_access_is_ordered(const struct sbc_io *io)
{
	return io->task && io->task->attribute == SCSI_ATTRIBUTE_ORDERED;
}

/* HEAD OF QUEUE waits for nobody's turn. */
static bool conflict_in_order(const struct sbc_io *earlier, const struct sbc_io *later)
{
	return earlier->task && later->task &&
	       (sbc_access_is_ordered(earlier) || sbc_access_is_ordered(later)) &&
	       earlier->task->nexus != later->task->nexus &&
	       later->task->attribute != SCSI_ATTRIBUTE_HEAD_OF_QUEUE;
}

static bool conflict(const struct sbc_io *earlier, const struct sbc_io *later)
{
	bool exclusive = earlier->access == SBC_EXCLUSIVE || later->access == SBC_EXCLUSIVE;

	return (exclusive && earlier->lba < later->lba + later->blocks &&
		later->lba < earlier->lba + earlier->blocks) ||
	       conflict_in_order(earlier, later);
}

#define REGION_SHIFT   7 /* blocks of a region, as a power of 2 */
#define REGIONS_OF_ONE 8 /* an access that touches more is counted as wide */

static bool is_wide(uint64_t blocks)
{
	return blocks > (uint64_t)(REGIONS_OF_ONE - 1) << REGION_SHIFT;
}

static unsigned *region_of(struct sbc_accesses *accesses, uint64_t region)
{
	return &accesses->regions[region % SBC_REGIONS];
}

static uint64_t first_region(uint64_t lba)
{
	return lba >> REGION_SHIFT;
}

/* One behind the last; none of an access without blocks. */
static uint64_t end_region(uint64_t lba, uint64_t blocks)
{
	return blocks == 0 ? first_region(lba) : ((lba + blocks - 1) >> REGION_SHIFT) + 1;
}

static void count_regions(struct sbc_accesses *accesses, const struct sbc_io *io, bool enters)
{
	uint64_t end = end_region(io->lba, io->blocks);

	if (is_wide(io->blocks)) {
		accesses->wide += enters ? 1u : -1u;
		return;
	}
	for (uint64_t region = first_region(io->lba); region < end; region++)
		*region_of(accesses, region) += enters ? 1u : -1u;
}

bool sbc_accesses_may_have(struct sbc_accesses *accesses, uint64_t lba, uint64_t blocks)
{
	uint64_t end = end_region(lba, blocks);

	if (accesses->ordered > 0 || accesses->wide > 0 || is_wide(blocks))
		return true;
	for (uint64_t region = first_region(lba); region < end; region++)
		if (*region_of(accesses, region) > 0)
			return true;
	return false;
}

static bool may_conflict(struct sbc_accesses *accesses, const struct sbc_io *io)
{
	return sbc_access_is_ordered(io) || sbc_accesses_may_have(accesses, io->lba, io->blocks);
}

void sbc_access_enter(struct sbc_accesses *accesses, struct sbc_io *io)
{
	/* Nearly always nothing is about that could conflict, and nobody has to be looked at. */
	if (may_conflict(accesses, io)) {
		for (const struct sbc_io *other = accesses->first; other; other = other->next)
			io->blockers += conflict(other, io);
	}
	accesses->ordered += sbc_access_is_ordered(io);
	accesses->waiting += io->blockers > 0;
	count_regions(accesses, io, true);
	io->entered = true;
	io->prev = accesses->last;
	if (accesses->last)
		accesses->last->next = io;
	else
		accesses->first = io;
	accesses->last = io;
}

void sbc_access_ready(struct sbc_accesses *accesses, struct sbc_io *io)
{
	io->ready_next = NULL; /* it may have waited here before (sbc_io_leases_returned) */
	if (accesses->ready_last)
		accesses->ready_last->ready_next = io;
	else
		accesses->ready_first = io;
	accesses->ready_last = io;
}

void sbc_access_leave(struct sbc_accesses *accesses, struct sbc_io *io)
{
	if (accesses->waiting > 0) {
		for (struct sbc_io *other = io->next; other; other = other->next) {
			if (!conflict(io, other) || --other->blockers > 0)
				continue;
			accesses->waiting--;
			sbc_access_ready(accesses, other);
		}
	}
	accesses->ordered -= sbc_access_is_ordered(io);
	count_regions(accesses, io, false);
	if (io->prev)
		io->prev->next = io->next;
	else
		accesses->first = io->next;
	if (io->next)
		io->next->prev = io->prev;
	else
		accesses->last = io->prev;
}
