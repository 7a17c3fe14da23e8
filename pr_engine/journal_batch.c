#include "pr_engine/journal_batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "pr_engine/journal_record.h"

#define KEEP_BYTES (64u << 10)

uint8_t *pr_batch_claim(struct pr_batch *batch, size_t len)
{
	size_t need;

	if (!size_add(batch->len, len, &need))
		return NULL;
	if (need > batch->cap) {
		size_t cap = need > SIZE_MAX / 2 ? need : need + need / 2;
		uint8_t *data = realloc(batch->data, cap);
		if (!data)
			return NULL;
		batch->data = data;
		batch->cap = cap;
	}
	uint8_t *claimed = batch->data + batch->len;
	batch->len = need;
	return claimed;
}

int pr_batch_put(struct pr_batch *batch, const uint8_t *bytes, size_t len)
{
	if (len == 0)
		return 0;
	uint8_t *claimed = pr_batch_claim(batch, len);
	if (!claimed)
		return -ENOMEM;
	memcpy(claimed, bytes, len);
	return 0;
}

int pr_batch_put_record(struct pr_batch *batch, const struct pr_journal_meta *meta,
			uint64_t sequence, const uint8_t *changes, size_t changes_len)
{
	size_t len = pr_frame_record_len(meta, changes_len);
	uint8_t *frame = len > 0 ? pr_batch_claim(batch, len) : NULL;

	if (!frame)
		return -ENOMEM;
	pr_frame_record_encode(meta, sequence, changes, changes_len, frame);
	return 0;
}

void pr_batch_seal(struct pr_batch *batch, size_t from, uint32_t seed, uint64_t synced_upto)
{
	for (size_t at = from; at < batch->len; at += pr_frame_len(batch->data + at))
		pr_frame_seal(batch->data + at, seed, synced_upto);
}

void pr_batch_reset(struct pr_batch *batch)
{
	if (batch->cap > KEEP_BYTES) {
		free(batch->data);
		batch->data = NULL;
		batch->cap = 0;
	}
	*batch = (struct pr_batch){.data = batch->data, .cap = batch->cap};
}
