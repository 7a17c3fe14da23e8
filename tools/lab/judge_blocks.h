/*
 * What judge_blocks*.c share: the writes and reads of each block.
 */
#ifndef LAB_JUDGE_BLOCKS_H
#define LAB_JUDGE_BLOCKS_H

#include <uthash.h>

#include "tools/lab/judge_internal.h"

struct block_write {
	uint64_t lba;
	size_t invoked, returned; /* events */
	bool fua;
};

struct block_read {
	uint64_t lba;
	size_t invoked, returned; /* the same one, for the medium */
	const struct history_tag *tag;
	bool medium;
};

/* A write command, by its writer and sequence. */
struct writer {
	struct {
		uint64_t nexus, sequence;
	} write;
	size_t invoked, returned; /* events; JUDGE_NO_EVENT: none */
	UT_hash_handle hh;
};

/* A SYNCHRONIZE CACHE that was GOOD: of which blocks. */
struct block_sync {
	size_t invoked, returned; /* events */
	uint64_t from, end;
};

struct blocks {
	const struct history *history;
	const size_t *partner; /* of each event: see history_pair */
	uint16_t lun;
	struct block_write *writes;
	size_t write_count, write_capacity;
	struct block_read *reads;
	size_t read_count, read_capacity;
	struct writer *writers;
	struct block_sync *syncs; /* in the order of their invokes */
	size_t sync_count, sync_capacity;
	size_t *cuts; /* events: the power went */
	size_t cut_count, cut_capacity;
	/* Something else wrote there, so that a block without a tag proves nothing. */
	uint64_t erased_from, erased_end;
	const struct judge_ops *ops;
	const struct judge_search_result *search;
	struct judge_report *report;
	/* Of the block at hand, by the time of return: the latest invoke so far. */
	size_t *latest;
	size_t latest_capacity;
};

/* ---- judge_blocks_gather.c: false: no memory ---- */

bool judge_blocks_grow(void **array, size_t *capacity, size_t count, size_t size);
/* All of one logical unit, writes and reads by block: writes in the order of their returns, reads
 * in that of their invokes. */
bool judge_blocks_gather(struct blocks *b);
void judge_blocks_release(struct blocks *b);

/* ---- judge_blocks_power.c ---- */

/* A write that the power cuts so far must have left. */
struct block_floor {
	const struct block_write *write; /* NULL: there is none */
	size_t sync;			 /* the event that made it durable; its own return: FUA */
	size_t cut;			 /* event: the last one */
};

/* Of writes of one block before a cut: raises the floor to what was durable by then. */
void judge_blocks_cut(const struct blocks *b, const struct block_write *writes, size_t count,
		      size_t cut, struct block_floor *floor);

#endif
