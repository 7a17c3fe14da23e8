/*
 * The journal of one LUN's reservations: durable state and history in one file.
 *
 * The file format, with the exact conditions under which a record counts, stands at the top of
 * journal_record.c. In short: a header that names the LUN, then records {length, sequence, kind,
 * durable offset, CRC32C, meta, changes}. Each record tells how much of the file was known to be on
 * stable storage when it was written; so damage before that point is damage (the LUN stays
 * offline), and damage behind it is the torn tail that a crash leaves (normal: those commands never
 * got GOOD).
 *
 * Threads: one owner thread encodes (pr_journal_begin .. pr_journal_add .. ) and installs results
 * (pr_journal_end); pr_journal_run, which blocks, may run on any other thread meanwhile. There is
 * at most one job of a journal under way.
 */
#ifndef PR_ENGINE_JOURNAL_H
#define PR_ENGINE_JOURNAL_H

#include "pr_engine/state.h"
#include "pr_engine/store.h"

/* The event that a record tells of. Stored as one byte. */
enum pr_journal_event {
	PR_EVENT_INVALID = 0,
	PR_EVENT_PR_OUT,   /* a PERSISTENT RESERVE OUT that changed the state */
	PR_EVENT_POWER_ON, /* the target started; changes = REMOVE_ALL when APTPL was 0 */
	PR_EVENT_SNAPSHOT, /* the whole state at that point; changes build it from empty */
};

/* What is kept with each record for the history. */
struct pr_journal_meta {
	enum pr_journal_event event;
	uint8_t action;	    /* enum pr_out_action; PR_OUT only */
	uint8_t scope_type; /* CDB byte 2 */
	uint64_t time_ms;
	uint32_t generation; /* PRGENERATION after it */
	uint64_t reservation_key;
	uint64_t service_action_key;
	struct pr_nexus_id nexus; /* the caller; empty unless PR_OUT */
};

struct pr_journal_record {
	uint64_t sequence;
	uint64_t offset;   /* of the record in the file, bytes */
	bool history_only; /* kept over a compaction to tell the past; not applied at recovery */
	struct pr_journal_meta meta;
	const uint8_t *changes; /* borrowed */
	size_t changes_len;
};

enum pr_journal_health {
	PR_JOURNAL_INVALID = 0,
	PR_JOURNAL_EMPTY,     /* nothing was ever written */
	PR_JOURNAL_CLEAN,     /* every byte belongs to a valid record */
	PR_JOURNAL_TORN_TAIL, /* a crash cut the last, unacknowledged records: normal */
	PR_JOURNAL_DAMAGED,   /* acknowledged records are unreadable: do not bring the LUN online */
	PR_JOURNAL_FOREIGN,   /* not a journal, another version, or another LUN's */
	PR_JOURNAL_TOO_BIG,   /* more registrations than this LUN's limit */
	PR_JOURNAL_IO_ERROR,  /* the store could not be read */
};

/* What a scan found; `explanation` is one or two sentences for people, with what to do. */
struct pr_journal_report {
	enum pr_journal_health health;
	uint64_t size;	    /* of the file, bytes */
	uint64_t valid_end; /* offset behind the last record that counts */
	uint64_t records;   /* that count */
	uint64_t last_sequence;
	uint64_t damage_offset; /* of the first unreadable byte; valid_end when there is none */
	int error;		/* negative errno for IO_ERROR, else 0 */
	char explanation[512];
};

/* Which LUN a journal belongs to: stored in its header, and compared when it is opened. */
struct pr_journal_identity {
	char target_name[PR_INITIATOR_NAME_MAX + 1];
	uint16_t lun;
};

struct pr_journal;

/*
 * Reads the store and recovers into `state` (must be empty; undefined after an error). Writes
 * nothing: a torn tail goes when the first batch rewrites the file, and never has anything appended
 * behind it. What was read is synced before it is believed. State with APTPL = 0 is dropped here:
 * that is power on. `identity` NULL means "any" (tools). The POWER_ON record stays pending: the
 * first begin writes it in front, and it takes one sequence. 0 on success. On -EUCLEAN (damaged,
 * foreign, too big) or another negative errno nothing is changed on disk, *ret_journal is not
 * written, and report->explanation says what to do. The journal borrows the store; the caller
 * closes it after pr_journal_free. `history_max`: records kept when the file is rewritten, that is
 * at a compaction, with the first batch after open, and after an error (at most 4096, and 1 MiB).
 */
int pr_journal_open(struct pr_store *store, const struct pr_journal_identity *identity,
		    uint64_t time_ms, uint32_t history_max, struct pr_state *state,
		    struct pr_journal_report *ret_report, struct pr_journal **ret_journal);
void pr_journal_free(struct pr_journal **journal);

/*
 * The sequence that the next record added will get. Every record added takes one, also when its
 * batch fails: the stamps of a batch that is installed all the same (APTPL = 0) stay unique.
 */
uint64_t pr_journal_next_sequence(const struct pr_journal *journal);

struct pr_journal_counters {
	uint64_t records;  /* written and acknowledged since open */
	uint64_t syncs;	   /* of batches that were appended */
	uint64_t rewrites; /* the first batch, compactions, and rewrites after an error */
	uint64_t errors;
	uint64_t size; /* of the file, bytes */
};
struct pr_journal_counters pr_journal_counters(const struct pr_journal *journal);

/*
 * One batch: begin, add records in order, run (blocking, any thread), end (owner thread).
 *
 * `committed` is the state before the batch; the journal needs it when it decides to rewrite the
 * file (compaction, or after an error: an fsync that failed once proves nothing when it succeeds
 * later). `durable`: the batch must be on stable storage when run returns 0; false lets records of
 * APTPL = 0 times go without a sync. begin and add give 0, -ENOMEM, or -EOVERFLOW when the
 * sequences are used up; on error of add the record is not part of the batch. run gives 0 or a
 * negative errno; then no record of the batch is in force, and the next batch rewrites the file
 * from `committed`. Every begin that gave 0 is followed by one end, with what run gave (any error
 * when it was not run). A batch without records is fine: durable, it syncs what went before without
 * a sync.
 */
int pr_journal_begin(struct pr_journal *journal, const struct pr_state *committed);
int pr_journal_add(struct pr_journal *journal, const struct pr_journal_meta *meta,
		   const uint8_t *changes, size_t changes_len);
int pr_journal_run(struct pr_journal *journal, bool durable);
void pr_journal_end(struct pr_journal *journal, int run_result);

/*
 * For tools and tests: reads a store and calls `each` for every record that counts, oldest first,
 * then fills the report. Needs no state; changes nothing. `each` may be NULL.
 */
void pr_journal_scan(struct pr_store *store,
		     void (*each)(void *context, const struct pr_journal_record *record),
		     void *context, struct pr_journal_report *ret_report);

/* "registered", "reserved" ... one short phrase for one change, for the history. Writes a NUL. */
void pr_change_describe(const struct pr_change *change, char *ret_text, size_t text_len);

const char *pr_journal_health_name(enum pr_journal_health health);

#endif
