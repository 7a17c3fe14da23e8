/*
 * The bytes of one batch while it is put together. For the journal only.
 */
#ifndef PR_ENGINE_JOURNAL_BATCH_H
#define PR_ENGINE_JOURNAL_BATCH_H

#include "pr_engine/journal.h"

struct pr_batch {
	bool open;
	bool rewrites;	   /* data is a whole file, header space first */
	bool has_power_on; /* data holds the pending POWER_ON record */
	uint8_t *data;
	size_t len, cap;
	size_t records_at; /* offset in data of the first record that was added */
	uint64_t records;
	/* Filled by run, which may be on another thread; read by end. */
	uint64_t syncs;
	bool mark_failed;
};

/* len more bytes at the end of the batch, or NULL. */
uint8_t *pr_batch_claim(struct pr_batch *batch, size_t len);

/* 0 or -ENOMEM; then the batch is as it was. */
int pr_batch_put(struct pr_batch *batch, const uint8_t *bytes, size_t len);
int pr_batch_put_record(struct pr_batch *batch, const struct pr_journal_meta *meta,
			uint64_t sequence, const uint8_t *changes, size_t changes_len);

/* Makes the frames from offset `from` to the end those of one file (pr_frame_seal). */
void pr_batch_seal(struct pr_batch *batch, size_t from, uint32_t seed, uint64_t synced_upto);

/* Empties the batch and keeps a modest amount of memory for the next one. */
void pr_batch_reset(struct pr_batch *batch);

#endif
