#include "tools/holdfast-lab/applied.h"

#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "pr_engine/journal.h"
#include "tools/lab/cdb.h"

#define PATH_MAX_BYTES 256

/* Often enough that no compaction drops a record before it was seen here. */
#define EVERY_NS 100000000u

struct applied {
	struct recorder *recorder;
	const struct own *own;
	unsigned luns;
	uint64_t next_ns;
	uint64_t seen[HISTORY_LUNS_MAX]; /* sequence of the last record that was seen */
};

struct reading {
	struct applied *applied;
	unsigned lun;
	uint64_t until; /* sequence of the last record that is wanted */
	bool quotes;
	bool aptpl; /* after the records so far */
};

struct applied *applied_create(struct recorder *recorder, const struct own *own, unsigned luns)
{
	struct applied *applied = calloc(1, sizeof(*applied));

	if (!applied)
		return NULL;
	*applied = (struct applied){.recorder = recorder, .own = own, .luns = luns};
	return applied;
}

void applied_free(struct applied **applied)
{
	free(*applied);
	*applied = NULL;
}

static enum history_op op_of(uint8_t action)
{
	static const enum history_op ops[PR_OUT_ACTION_COUNT] = {
		[PR_OUT_REGISTER] = HISTORY_REGISTER,
		[PR_OUT_RESERVE] = HISTORY_RESERVE,
		[PR_OUT_RELEASE] = HISTORY_RELEASE,
		[PR_OUT_CLEAR] = HISTORY_CLEAR,
		[PR_OUT_PREEMPT] = HISTORY_PREEMPT,
		[PR_OUT_PREEMPT_AND_ABORT] = HISTORY_PREEMPT_AND_ABORT,
		[PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY] = HISTORY_REGISTER_AND_IGNORE,
		[PR_OUT_REGISTER_AND_MOVE] = HISTORY_REGISTER_AND_MOVE,
	};

	return action < PR_OUT_ACTION_COUNT ? ops[action] : HISTORY_OP_INVALID;
}

static bool aptpl_after(const struct pr_journal_record *record, bool aptpl)
{
	struct byte_reader in = byte_reader_over(record->changes, record->changes_len);
	struct pr_change change;

	if (record->meta.event != PR_EVENT_PR_OUT)
		aptpl = false;
	while (pr_change_decode(&in, &change))
		if (change.op == PR_CHANGE_APTPL)
			aptpl = change.aptpl;
	return aptpl;
}

static void quote_record(void *context, const struct pr_journal_record *record)
{
	struct reading *reading = context;
	struct applied *applied = reading->applied;
	const struct pr_journal_meta *meta = &record->meta;
	uint32_t count, nexus;
	const struct history_nexus *nexuses = recorder_nexuses(applied->recorder, &count);

	if (meta->event != PR_EVENT_POWER_ON || record->changes_len > 0)
		reading->aptpl = aptpl_after(record, reading->aptpl);
	if (record->sequence <= applied->seen[reading->lun] || record->sequence > reading->until)
		return;
	applied->seen[reading->lun] = record->sequence;
	if (!reading->quotes || meta->event != PR_EVENT_PR_OUT ||
	    op_of(meta->action) == HISTORY_OP_INVALID)
		return;
	nexus = cdb_nexus_find(nexuses, count, meta->nexus.initiator_name, meta->nexus.isid,
			       meta->nexus.relative_target_port_id);
	if (nexus == HISTORY_NO_NEXUS)
		return;
	recorder_applied(applied->recorder, nexus,
			 &(struct history_command){.op = op_of(meta->action),
						   .lun = (uint16_t)reading->lun,
						   .type = meta->scope_type & 0xf,
						   .key = meta->reservation_key,
						   .action_key = meta->service_action_key,
						   .aptpl = reading->aptpl,
						   .generation_seen = meta->generation,
						   .move_to = HISTORY_NO_NEXUS});
}

static void read_lun(struct applied *applied, unsigned lun, uint64_t until, bool quotes)
{
	struct reading reading = {.applied = applied, .lun = lun, .until = until, .quotes = quotes};
	struct pr_journal_report report;
	struct pr_store *store;
	char path[PATH_MAX_BYTES];

	if (pr_store_posix_open_readonly(own_journal_path(applied->own, lun, path, sizeof(path)),
					 &store) != 0)
		return;
	pr_journal_scan(store, quote_record, &reading, &report);
	store->ops->close(store);
}

void applied_quote(struct applied *applied)
{
	for (unsigned lun = 0; lun < applied->luns && lun < HISTORY_LUNS_MAX; lun++)
		read_lun(applied, lun, UINT64_MAX, true);
	applied->next_ns = recorder_now_ns(applied->recorder) + EVERY_NS;
}

void applied_quote_until(struct applied *applied, unsigned lun, uint64_t record)
{
	if (lun < applied->luns && lun < HISTORY_LUNS_MAX)
		read_lun(applied, lun, record, true);
}

void applied_know(struct applied *applied, unsigned lun, uint64_t record)
{
	if (lun < HISTORY_LUNS_MAX && record > applied->seen[lun])
		applied->seen[lun] = record;
}

void applied_forget_lost(struct applied *applied)
{
	memset(applied->seen, 0, sizeof(applied->seen));
	for (unsigned lun = 0; lun < applied->luns && lun < HISTORY_LUNS_MAX; lun++)
		read_lun(applied, lun, UINT64_MAX, false);
}

void applied_quote_soon(struct applied *applied)
{
	if (recorder_now_ns(applied->recorder) >= applied->next_ns)
		applied_quote(applied);
}
