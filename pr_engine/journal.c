/*
 * The journal at work: batches and rewriting. It is opened in journal_open.c; the format is told in
 * journal_record.c, recovery in journal_recover.c.
 *
 * A batch is either appended (write, sync, mark) or becomes part of a whole new file (replace).
 * pr_journal_begin chooses, because only there the state may be read. A new file is due
 *  - with the first batch after open. An earlier process may have died right after an fsync that
 *    failed; then the page cache may hold bytes that the disk does not, and no later fsync of that
 *    file would tell. A new file needs no trust in the old one;
 *  - after a batch that failed in any way, for the same reason;
 *  - when the file has grown too large (compaction).
 * So within one file there is one process, one timeline, and no failure.
 */
#include "pr_engine/journal_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"

/* Compaction: the file is larger than this, and than FACTOR times what a new one would take. */
#define COMPACT_MIN_BYTES (UINT64_C(1) << 20)
#define COMPACT_FACTOR	  4

uint64_t pr_journal_next_sequence(const struct pr_journal *journal)
{
	return journal->next_sequence;
}

struct pr_journal_counters pr_journal_counters(const struct pr_journal *journal)
{
	return journal->counters;
}

/* ---- building a batch ---- */

/* The pending POWER_ON. The snapshot behind it is of the state after it, so it is history only. */
static int put_power_on(struct pr_batch *batch, const uint8_t *power_on)
{
	size_t at = batch->len;

	if (pr_batch_put(batch, power_on, pr_frame_len(power_on)) != 0)
		return -ENOMEM;
	pr_frame_set_history_only(batch->data + at);
	batch->has_power_on = true;
	return 0;
}

/*
 * The snapshot has the sequence of the last record before the batch, so that it takes none for
 * itself: the caller has already stamped its changes with the sequences that follow.
 */
static int put_snapshot(struct pr_journal *journal, const struct pr_state *committed)
{
	struct pr_journal_meta meta = {
		.event = PR_EVENT_SNAPSHOT,
		.time_ms = journal->header.time_ms,
		.generation = pr_state_generation(committed),
	};
	size_t cap = pr_state_snapshot_max(committed);
	uint8_t *changes = malloc(cap > 0 ? cap : 1);
	int err;

	if (!changes)
		return -ENOMEM;
	struct byte_writer out = byte_writer_over(changes, cap);
	pr_state_snapshot(committed, &out);
	assert(!out.overflow);
	err = pr_batch_put_record(&journal->batch, &meta, journal->next_sequence - 1, changes,
				  out.len);
	free(changes);
	return err;
}

/* What a new file holds in front of the batch's own records. The header is filled in by run. */
static int put_base(struct pr_journal *journal, const struct pr_state *committed)
{
	struct pr_batch *batch = &journal->batch;
	const struct pr_history *history = &journal->history;
	int err = 0;

	if (!pr_batch_claim(batch, PR_FILE_HEADER_LEN))
		return -ENOMEM;
	if (pr_history_len(history) > 0)
		err = pr_batch_put(batch, history->bytes + history->head, pr_history_len(history));
	if (err == 0 && journal->power_on)
		err = put_power_on(batch, journal->power_on);
	if (err == 0)
		err = put_snapshot(journal, committed);
	return err;
}

static bool compaction_is_due(const struct pr_journal *journal, const struct pr_state *committed)
{
	uint64_t size = journal->file.end;
	uint64_t new_size = (uint64_t)PR_FILE_HEADER_LEN + pr_history_len(&journal->history) +
			    PR_FRAME_HEADER_LEN + PR_FRAME_META_LEN +
			    pr_state_snapshot_max(committed);

	return size > COMPACT_MIN_BYTES && size / COMPACT_FACTOR > new_size;
}

int pr_journal_begin(struct pr_journal *journal, const struct pr_state *committed)
{
	struct pr_batch *batch = &journal->batch;

	assert(!batch->open);
	/* A file that says otherwise would be refused at the next open. */
	if (journal->next_sequence > PR_SEQUENCE_MAX)
		return -EOVERFLOW;
	batch->rewrites = journal->rewrite_due || compaction_is_due(journal, committed);
	if (batch->rewrites && put_base(journal, committed) != 0) {
		pr_batch_reset(batch);
		return -ENOMEM;
	}
	batch->records_at = batch->len;
	batch->open = true;
	return 0;
}

int pr_journal_add(struct pr_journal *journal, const struct pr_journal_meta *meta,
		   const uint8_t *changes, size_t changes_len)
{
	struct pr_batch *batch = &journal->batch;
	int err;

	assert(batch->open);
	if (journal->next_sequence > PR_SEQUENCE_MAX)
		return -EOVERFLOW;
	err = pr_batch_put_record(batch, meta, journal->next_sequence, changes, changes_len);
	if (err != 0)
		return err;
	journal->next_sequence++;
	batch->records++;
	return 0;
}

/* ---- running it: any thread ---- */

static int run_rewrite(struct pr_journal *journal)
{
	struct pr_batch *batch = &journal->batch;
	struct pr_file_header header = journal->header;
	int err;

	header.durable_len = batch->len;
	uint32_t seed = pr_file_header_encode(&header, batch->data);
	pr_batch_seal(batch, PR_FILE_HEADER_LEN, seed, 0);
	err = journal->store->ops->replace(journal->store, batch->data, batch->len);
	if (err != 0)
		return err;
	journal->file.seed = seed;
	journal->file.end = batch->len;
	journal->file.synced = batch->len;
	return 0;
}

/*
 * Takes a failed batch out of the file again, as well as it goes: its commands are about to be
 * answered with an error, so a crash should not bring them to life. Nothing rests on this going
 * well; the file is given up either way.
 */
static void run_undo(struct pr_journal *journal)
{
	struct pr_store *store = journal->store;

	if (store->ops->truncate(store, journal->file.end) == 0)
		(void)store->ops->sync(store);
}

/* Tells, behind a sync, that it went well. The batch is durable with or without it. */
static void run_mark(struct pr_journal *journal)
{
	uint8_t mark[PR_FRAME_HEADER_LEN];
	struct pr_store *store = journal->store;

	pr_frame_mark_encode(journal->file.last_sequence, mark);
	pr_frame_seal(mark, journal->file.seed, journal->file.synced);
	if (store->ops->write(store, journal->file.end, mark, sizeof mark) == 0)
		journal->file.end += sizeof mark;
	else
		journal->batch.mark_failed = true;
}

static int run_append(struct pr_journal *journal, bool durable)
{
	struct pr_batch *batch = &journal->batch;
	struct pr_store *store = journal->store;
	uint64_t end = journal->file.end;
	int err = 0;

	pr_batch_seal(batch, 0, journal->file.seed, journal->file.synced);
	if (batch->len > 0)
		err = store->ops->write(store, end, batch->data, batch->len);
	if (err == 0 && durable)
		err = store->ops->sync(store);
	if (err != 0) {
		run_undo(journal);
		return err;
	}
	journal->file.end = end + batch->len;
	if (durable) {
		journal->file.synced = journal->file.end;
		batch->syncs++;
	}
	return 0;
}

int pr_journal_run(struct pr_journal *journal, bool durable)
{
	struct pr_batch *batch = &journal->batch;
	int err;

	assert(batch->open);
	err = batch->rewrites ? run_rewrite(journal) : run_append(journal, durable);
	if (err != 0)
		return err;
	journal->file.last_sequence = journal->next_sequence - 1;
	if (durable && !batch->rewrites)
		run_mark(journal);
	return 0;
}

/* ---- what came of it ---- */

static void end_remember(struct pr_journal *journal)
{
	const struct pr_batch *batch = &journal->batch;

	if (batch->has_power_on) {
		pr_history_push(&journal->history, journal->power_on);
		free(journal->power_on);
		journal->power_on = NULL;
	}
	for (size_t at = batch->records_at; at < batch->len; at += pr_frame_len(batch->data + at))
		pr_history_push(&journal->history, batch->data + at);
}

void pr_journal_end(struct pr_journal *journal, int run_result)
{
	struct pr_batch *batch = &journal->batch;

	assert(batch->open);
	if (run_result != 0) {
		journal->rewrite_due = true;
		journal->counters.errors++;
		pr_batch_reset(batch);
		return;
	}
	end_remember(journal);
	journal->counters.records += batch->records;
	journal->counters.syncs += batch->syncs;
	journal->counters.size = journal->file.end;
	if (batch->rewrites) {
		journal->counters.rewrites++;
		journal->rewrite_due = false;
		journal->header.epoch++;
	}
	if (batch->mark_failed) {
		journal->counters.errors++;
		journal->rewrite_due = true;
	}
	pr_batch_reset(batch);
}
