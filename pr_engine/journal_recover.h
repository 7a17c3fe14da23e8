/*
 * Walking a journal from its first byte to its last, and judging what was found. For the journal
 * only; tools and tests use pr_journal_scan.
 */
#ifndef PR_ENGINE_JOURNAL_RECOVER_H
#define PR_ENGINE_JOURNAL_RECOVER_H

#include "pr_engine/journal_record.h"

/* What exactly is wrong, for the words that people read. */
enum pr_journal_fault {
	PR_FAULT_NONE = 0,
	PR_FAULT_NO_FILE, /* nothing wrong: a journal that was never written */
	PR_FAULT_IO,
	PR_FAULT_NOT_A_JOURNAL,
	PR_FAULT_VERSION,
	PR_FAULT_OTHER_LUN,
	PR_FAULT_NO_BYTES, /* a file, but nothing in it */
	PR_FAULT_FILE_HEADER,
	PR_FAULT_CUT_SHORT,  /* the file ends before bytes that were durable */
	PR_FAULT_UNREADABLE, /* durable bytes are no valid records */
	PR_FAULT_NONSENSE,   /* a valid record does not fit the state in front of it */
	PR_FAULT_TOO_MANY,   /* ... because the state is full */
	PR_FAULT_TORN_TAIL,  /* nothing wrong: a crash looks like this */
};

/* A visitor's word on a record. */
enum pr_journal_verdict {
	PR_VERDICT_NONSENSE = 0,
	PR_VERDICT_TOO_MANY,
	PR_VERDICT_FINE,
};

struct pr_journal_visitor {
	/* NULL: only judge the file. `frame` is the record's encoded form; both are borrowed. */
	enum pr_journal_verdict (*visit)(void *context, const struct pr_journal_record *record,
					 const uint8_t *frame);
	void *context;
};

/*
 * Reads all of the store, once, in order, in time and memory linear in its size. `identity` NULL:
 * any LUN's. *ret_header is valid unless health is EMPTY, FOREIGN or IO_ERROR.
 */
void pr_journal_walk(struct pr_store *store, const struct pr_journal_identity *identity,
		     const struct pr_journal_visitor *visitor, struct pr_file_header *ret_header,
		     struct pr_journal_report *ret_report);

/*
 * Fills report->explanation from the rest of the report (journal_describe.c). The identities matter
 * to OTHER_LUN alone; else they may be NULL.
 */
void pr_journal_explain(enum pr_journal_fault fault, const struct pr_journal_identity *expected,
			const struct pr_journal_identity *found, struct pr_journal_report *report);

#endif
