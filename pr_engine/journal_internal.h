/*
 * The inside of a journal: for journal.c and journal_open.c.
 */
#ifndef PR_ENGINE_JOURNAL_INTERNAL_H
#define PR_ENGINE_JOURNAL_INTERNAL_H

#include "pr_engine/journal_batch.h"
#include "pr_engine/journal_history.h"
#include "pr_engine/journal_record.h"

/* Owner thread: all but `file`. During run: `file`, `batch`, `store`. */
struct pr_journal {
	struct pr_store *store;
	struct pr_file_header header; /* of the next file, but for durable_len */
	struct {
		uint32_t seed;
		uint64_t end;	 /* bytes written */
		uint64_t synced; /* bytes on stable storage */
		uint64_t last_sequence;
	} file;
	bool rewrite_due;
	uint64_t next_sequence;
	struct pr_history history;
	uint8_t *power_on; /* the pending POWER_ON record, encoded; NULL once it is written */
	struct pr_batch batch;
	struct pr_journal_counters counters;
};

#endif
