/*
 * Recovery: which records of a journal count, and whether what does not count is a crash's torn
 * tail or damage. The rules stand at the top of journal_record.c.
 *
 * Why a torn tail that is passed over never loses or revives anything:
 *
 *  - With APTPL = 1 a command gets GOOD only after a sync that covers its record, so a record that
 *    is lost was never acknowledged; and the records in front of it are covered by the same sync or
 *    by earlier ones.
 *  - While APTPL is 0 records go without a sync, and a power failure may drop or tear any of them
 *    (a later one may survive an earlier one). Recovery then ends at the first one that is missing.
 *    The state it ends with has APTPL = 0 in any case: the change from 1 to 0 was durable before it
 *    was acknowledged, and every later record up to the next change to 1 leaves APTPL at 0. State
 *    with APTPL = 0 is dropped at power on. So the old state from before the change cannot come
 *    back, and the records that were lost would not have been kept.
 *  - The change from 0 to 1 is durable before it is acknowledged, and the sync covers every byte
 *    written before: registrations made while APTPL was 0 are on stable storage together with the
 *    record that makes them matter. If that sync did not happen, the state is one with APTPL = 0,
 *    and is dropped; the command was not acknowledged.
 *
 * Registration ids given in lost records may be given again. Nobody can tell: the state that held
 * them is gone.
 */
#include "pr_engine/journal_recover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bytes read at once. Records longer than this are read whole. */
#define READ_CHUNK (1u << 20)

/* ---- a window that moves over the store, forwards only ---- */

struct window {
	struct pr_store *store;
	uint64_t size; /* of the store */
	uint64_t at;   /* of data[0] in the store */
	uint8_t *data;
	size_t len, cap;
	int error; /* negative errno of the first failure */
};

static bool window_grow(struct window *window, size_t cap)
{
	if (window->cap >= cap)
		return true;
	free(window->data);
	window->len = 0;
	window->cap = 0;
	window->data = malloc(cap);
	if (!window->data) {
		window->error = -ENOMEM;
		return false;
	}
	window->cap = cap;
	return true;
}

/* The bytes [at, at+len) of the store, good until the next call. NULL: see window->error. */
static const uint8_t *window_bytes(struct window *window, uint64_t at, size_t len)
{
	if (at >= window->at && at - window->at <= window->len &&
	    len <= window->len - (size_t)(at - window->at))
		return window->data + (at - window->at);

	uint64_t left = window->size - at;
	size_t want = len > READ_CHUNK ? len : READ_CHUNK;
	if (want > left)
		want = (size_t)left;
	if (!window_grow(window, want))
		return NULL;
	window->len = 0;
	window->error = window->store->ops->read(window->store, at, window->data, want);
	if (window->error != 0)
		return NULL;
	window->at = at;
	window->len = want;
	return window->data;
}

static bool window_open(struct window *window, struct pr_store *store)
{
	*window = (struct window){.store = store};
	window->error = store->ops->size(store, &window->size);
	return window->error == 0;
}

static void window_close(struct window *window)
{
	free(window->data);
	window->data = NULL;
}

/* ---- the walk ---- */

struct walk {
	struct window window;
	const struct pr_journal_visitor *visitor;
	struct pr_journal_report *report;
	struct pr_file_header header;
	uint32_t seed;
	uint64_t at; /* of the next frame */
	bool snapshot_seen;
	enum pr_journal_fault fault;
};

static enum pr_journal_health fault_health(enum pr_journal_fault fault)
{
	switch (fault) {
	case PR_FAULT_NONE:
		return PR_JOURNAL_CLEAN;
	case PR_FAULT_NO_FILE:
		return PR_JOURNAL_EMPTY;
	case PR_FAULT_TORN_TAIL:
		return PR_JOURNAL_TORN_TAIL;
	case PR_FAULT_IO:
		return PR_JOURNAL_IO_ERROR;
	case PR_FAULT_NOT_A_JOURNAL:
	case PR_FAULT_VERSION:
	case PR_FAULT_OTHER_LUN:
		return PR_JOURNAL_FOREIGN;
	case PR_FAULT_TOO_MANY:
		return PR_JOURNAL_TOO_BIG;
	case PR_FAULT_NO_BYTES:
	case PR_FAULT_FILE_HEADER:
	case PR_FAULT_CUT_SHORT:
	case PR_FAULT_UNREADABLE:
	case PR_FAULT_NONSENSE:
		return PR_JOURNAL_DAMAGED;
	}
	return PR_JOURNAL_DAMAGED;
}

static bool identity_equal(const struct pr_journal_identity *a, const struct pr_journal_identity *b)
{
	return a->lun == b->lun && strcmp(a->target_name, b->target_name) == 0;
}

static enum pr_journal_fault walk_file_header(struct walk *walk,
					      const struct pr_journal_identity *identity)
{
	uint64_t size = walk->window.size;
	size_t len = size < PR_FILE_HEADER_LEN ? (size_t)size : PR_FILE_HEADER_LEN;
	const uint8_t *data = window_bytes(&walk->window, 0, len);

	if (!data)
		return PR_FAULT_IO;
	switch (pr_file_header_decode(data, len, &walk->header, &walk->seed)) {
	case PR_FILE_HEADER_FOREIGN:
		return PR_FAULT_NOT_A_JOURNAL;
	case PR_FILE_HEADER_VERSION:
		return PR_FAULT_VERSION;
	case PR_FILE_HEADER_DAMAGED:
		return PR_FAULT_FILE_HEADER;
	case PR_FILE_HEADER_VALID:
		break;
	}
	if (identity && !identity_equal(identity, &walk->header.identity))
		return PR_FAULT_OTHER_LUN;
	walk->at = PR_FILE_HEADER_LEN;
	return PR_FAULT_NONE;
}

/* The whole frame at walk->at; NULL when there is no valid one (or on walk->window.error). */
static const uint8_t *walk_frame(struct walk *walk, struct pr_frame_header *ret_header)
{
	uint64_t left = walk->window.size - walk->at;

	if (left < PR_FRAME_HEADER_LEN)
		return NULL;
	const uint8_t *data = window_bytes(&walk->window, walk->at, PR_FRAME_HEADER_LEN);
	if (!data || !pr_frame_header_decode(data, walk->seed, ret_header))
		return NULL;
	if (ret_header->len > left)
		return NULL;
	return window_bytes(&walk->window, walk->at, ret_header->len);
}

/* Is this the place for such a record? */
static bool walk_record_fits(const struct walk *walk, const struct pr_journal_record *record)
{
	uint64_t last = walk->report->last_sequence;

	if (walk->snapshot_seen)
		return !record->history_only && record->meta.event != PR_EVENT_SNAPSHOT &&
		       record->sequence == last + 1;
	if (record->history_only)
		return record->meta.event != PR_EVENT_SNAPSHOT && record->sequence > last;
	return record->meta.event == PR_EVENT_SNAPSHOT && record->sequence >= last;
}

static bool walk_visit(struct walk *walk, const struct pr_journal_record *record,
		       const uint8_t *frame)
{
	if (!walk->visitor->visit)
		return true;
	switch (walk->visitor->visit(walk->visitor->context, record, frame)) {
	case PR_VERDICT_NONSENSE:
		walk->fault = PR_FAULT_NONSENSE;
		return false;
	case PR_VERDICT_TOO_MANY:
		walk->fault = PR_FAULT_TOO_MANY;
		return false;
	case PR_VERDICT_FINE:
		break;
	}
	return true;
}

/* Takes one frame. False at the first that does not count. */
static bool walk_step(struct walk *walk)
{
	struct pr_frame_header header;
	const uint8_t *frame = walk_frame(walk, &header);

	if (!frame)
		return false;
	if (header.kind == PR_FRAME_MARK) {
		if (!walk->snapshot_seen || header.sequence != walk->report->last_sequence)
			return false;
		walk->at += header.len;
		return true;
	}

	struct pr_journal_record record;
	if (!pr_frame_record_decode(frame, &header, &record) || !walk_record_fits(walk, &record))
		return false;
	record.offset = walk->at;
	if (!walk_visit(walk, &record, frame))
		return false;
	if (!record.history_only)
		walk->snapshot_seen = true;
	walk->report->records++;
	walk->report->last_sequence = record.sequence;
	walk->at += header.len;
	return true;
}

/*
 * Does anything at or behind walk->at prove that bytes behind walk->at were durable once? One frame
 * header CRC for each multiple of 8 that shows the magic, so linear whatever the bytes are.
 */
static bool walk_finds_evidence(struct walk *walk)
{
	uint64_t size = walk->window.size;

	for (uint64_t at = walk->at; size - at >= PR_FRAME_HEADER_LEN; at += PR_FRAME_ALIGN) {
		const uint8_t *data = window_bytes(&walk->window, at, PR_FRAME_HEADER_LEN);
		struct pr_frame_header header;
		if (!data)
			return false;
		if (pr_frame_header_decode(data, walk->seed, &header) &&
		    header.synced_upto > walk->at)
			return true;
	}
	return false;
}

static enum pr_journal_fault walk_judge(struct walk *walk)
{
	uint64_t size = walk->window.size;

	if (walk->window.error != 0)
		return PR_FAULT_IO;
	if (walk->fault != PR_FAULT_NONE)
		return walk->fault;
	if (walk->at < walk->header.durable_len)
		return size < walk->header.durable_len ? PR_FAULT_CUT_SHORT : PR_FAULT_UNREADABLE;
	if (!walk->snapshot_seen)
		return PR_FAULT_UNREADABLE;
	if (walk->at == size)
		return PR_FAULT_NONE;
	if (walk_finds_evidence(walk))
		return PR_FAULT_UNREADABLE;
	return walk->window.error != 0 ? PR_FAULT_IO : PR_FAULT_TORN_TAIL;
}

static enum pr_journal_fault walk_run(struct walk *walk, const struct pr_journal_identity *identity)
{
	enum pr_journal_fault fault = walk_file_header(walk, identity);

	if (fault != PR_FAULT_NONE)
		return fault;
	while (walk->at < walk->window.size && walk_step(walk))
		continue;
	return walk_judge(walk);
}

void pr_journal_walk(struct pr_store *store, const struct pr_journal_identity *identity,
		     const struct pr_journal_visitor *visitor, struct pr_file_header *ret_header,
		     struct pr_journal_report *ret_report)
{
	struct pr_journal_report report = {.health = PR_JOURNAL_IO_ERROR};
	struct walk walk = {.visitor = visitor, .report = &report};
	enum pr_journal_fault fault = PR_FAULT_IO;

	if (window_open(&walk.window, store)) {
		report.size = walk.window.size;
		fault = report.size == 0 ? PR_FAULT_NO_BYTES : walk_run(&walk, identity);
	} else if (walk.window.error == -ENOENT) {
		fault = PR_FAULT_NO_FILE;
	}
	report.health = fault_health(fault);
	report.valid_end = walk.at;
	report.damage_offset = walk.at;
	report.error = fault == PR_FAULT_IO ? walk.window.error : 0;
	pr_journal_explain(fault, identity, &walk.header.identity, &report);
	window_close(&walk.window);

	*ret_header = walk.header;
	*ret_report = report;
}

/* ---- for tools ---- */

struct scan {
	void (*each)(void *context, const struct pr_journal_record *record);
	void *context;
};

static enum pr_journal_verdict scan_visit(void *context, const struct pr_journal_record *record,
					  const uint8_t *frame)
{
	const struct scan *scan = context;

	(void)frame;
	scan->each(scan->context, record);
	return PR_VERDICT_FINE;
}

void pr_journal_scan(struct pr_store *store,
		     void (*each)(void *context, const struct pr_journal_record *record),
		     void *context, struct pr_journal_report *ret_report)
{
	struct scan scan = {.each = each, .context = context};
	struct pr_journal_visitor visitor = {.visit = each ? scan_visit : NULL, .context = &scan};
	struct pr_file_header header;

	pr_journal_walk(store, NULL, &visitor, &header, ret_report);
}
