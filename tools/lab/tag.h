/*
 * A tagged block: its content says which nexus wrote it, with which of its writes, what it knew of
 * the reservation then, and for which place it was meant. So the medium itself is evidence: a block
 * that a fenced nexus wrote after its fence shows it, whatever the statuses said.
 *
 * The tag (48 bytes, big-endian) is repeated over the whole block; a block whose copies differ is
 * torn. Layout: 0 magic "HFTAG001"; 8 run (the history's seed or start, so that blocks of an older
 * run are not taken for ours); 16 LBA; 24 nexus (4 bytes); 28 PRGENERATION seen (4); 32 sequence;
 * 40 zero (4); 44 CRC32C of bytes 0 to 43.
 */
#ifndef LAB_TAG_H
#define LAB_TAG_H

#include "tools/lab/history.h"

#define TAG_SIZE 48

/* Fills block_size bytes (a multiple of 512). tag->written and ->torn are not looked at. */
void tag_fill(uint8_t *block, size_t block_size, uint64_t run, uint64_t lba,
	      const struct history_tag *tag);

/*
 * What the block says. A block without a tag of this run, or meant for another LBA, is not written
 * (the latter is a corruption of its own: *ret_misplaced tells, and may be NULL).
 */
struct history_tag tag_of(const uint8_t *block, size_t block_size, uint64_t run, uint64_t lba,
			  bool *ret_misplaced);

#endif
