/*
 * What a power cut may take: a write that was GOOD, but for those with FUA and those that a
 * SYNCHRONIZE CACHE was sent behind and was GOOD (SBC-3 4.15). Commands that were sent before the
 * cut were answered before it, if they were answered at all.
 */
#include "tools/lab/judge_blocks.h"

/* The last SYNCHRONIZE CACHE of this block that was sent before the cut; NULL: none. */
static const struct block_sync *last_sync(const struct blocks *b, uint64_t lba, size_t cut)
{
	size_t low = 0, high = b->sync_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (b->syncs[middle].invoked < cut)
			low = middle + 1;
		else
			high = middle;
	}
	while (low > 0) {
		const struct block_sync *sync = &b->syncs[--low];

		if (sync->from <= lba && lba < sync->end)
			return sync;
	}
	return NULL;
}

void judge_blocks_cut(const struct blocks *b, const struct block_write *writes, size_t count,
		      size_t cut, struct block_floor *floor)
{
	const struct block_sync *sync = count > 0 ? last_sync(b, writes[0].lba, cut) : NULL;

	floor->cut = cut;
	for (size_t i = 0; i < count; i++) {
		const struct block_write *write = &writes[i];
		bool synced = sync && write->returned < sync->invoked;

		if ((!write->fua && !synced) ||
		    (floor->write && floor->write->invoked > write->invoked))
			continue;
		floor->write = write;
		floor->sync = write->fua ? write->returned : sync->returned;
	}
}
