#include "tools/lab/tag.h"

#include <assert.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "pr_engine/crc32c.h"

static const char magic[8] = "HFTAG001";

static void make(uint8_t ret_tag[TAG_SIZE], uint64_t run, uint64_t lba,
		 const struct history_tag *tag)
{
	memset(ret_tag, 0, TAG_SIZE);
	memcpy(ret_tag, magic, sizeof(magic));
	put_be64(ret_tag + 8, run);
	put_be64(ret_tag + 16, lba);
	put_be32(ret_tag + 24, tag->nexus);
	put_be32(ret_tag + 28, tag->generation_seen);
	put_be64(ret_tag + 32, tag->sequence);
	put_be32(ret_tag + 44, crc32c(0, ret_tag, 44));
}

void tag_fill(uint8_t *block, size_t block_size, uint64_t run, uint64_t lba,
	      const struct history_tag *tag)
{
	uint8_t one[TAG_SIZE];

	make(one, run, lba, tag);
	for (size_t at = 0; at < block_size; at += TAG_SIZE)
		memcpy(block + at, one, block_size - at < TAG_SIZE ? block_size - at : TAG_SIZE);
}

struct history_tag tag_of(const uint8_t *block, size_t block_size, uint64_t run, uint64_t lba,
			  bool *ret_misplaced)
{
	struct history_tag tag = {.written = false, .nexus = HISTORY_NO_NEXUS};
	bool misplaced = false;

	assert(block_size >= TAG_SIZE);
	if (memcmp(block, magic, sizeof(magic)) == 0 && get_be64(block + 8) == run &&
	    get_be32(block + 44) == crc32c(0, block, 44)) {
		misplaced = get_be64(block + 16) != lba;
		tag.written = !misplaced;
		tag.nexus = get_be32(block + 24);
		tag.generation_seen = get_be32(block + 28);
		tag.sequence = get_be64(block + 32);
	}
	/* Whoever wrote the start: the rest has to be more of the same, tag or not of this run. */
	for (size_t at = TAG_SIZE; at < block_size && !tag.torn; at += TAG_SIZE) {
		size_t len = block_size - at < TAG_SIZE ? block_size - at : TAG_SIZE;
		bool same = memcmp(block + at, block, len) == 0;
		bool other_tag = len >= 16 && memcmp(block + at, magic, sizeof(magic)) == 0 &&
				 get_be64(block + at + 8) == run;
		tag.torn = tag.written ? !same : other_tag && !misplaced;
	}
	if (ret_misplaced)
		*ret_misplaced = misplaced;
	return tag;
}
