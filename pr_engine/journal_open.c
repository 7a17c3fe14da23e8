/*
 * Opening a journal: what the store holds becomes state and history, and power on takes its toll.
 */
#include <errno.h>
#include <stdlib.h>

#include "pr_engine/bytes.h"
#include "pr_engine/journal_internal.h"
#include "pr_engine/journal_recover.h"

struct recovery {
	struct pr_state *state;
	struct pr_history *history;
};

static enum pr_journal_verdict recovery_apply(struct pr_state *state,
					      const struct pr_journal_record *record)
{
	struct byte_reader in = byte_reader_over(record->changes, record->changes_len);
	struct pr_change change;

	while (pr_change_decode(&in, &change)) {
		if (pr_state_apply(state, &change))
			continue;
		bool full = pr_state_count(state) == pr_state_capacity(state);
		return change.op == PR_CHANGE_ADD && full ? PR_VERDICT_TOO_MANY
							  : PR_VERDICT_NONSENSE;
	}
	return in.failed ? PR_VERDICT_NONSENSE : PR_VERDICT_FINE;
}

static enum pr_journal_verdict recovery_visit(void *context, const struct pr_journal_record *record,
					      const uint8_t *frame)
{
	struct recovery *recovery = context;

	if (!record->history_only) {
		enum pr_journal_verdict verdict = recovery_apply(recovery->state, record);
		if (verdict != PR_VERDICT_FINE)
			return verdict;
	}
	if (record->meta.event != PR_EVENT_SNAPSHOT)
		pr_history_push(recovery->history, frame);
	return PR_VERDICT_FINE;
}

/* 0, or the negative errno that goes with a journal that cannot be used. */
static int report_error(const struct pr_journal_report *report)
{
	switch (report->health) {
	case PR_JOURNAL_EMPTY:
	case PR_JOURNAL_CLEAN:
	case PR_JOURNAL_TORN_TAIL:
		return 0;
	case PR_JOURNAL_IO_ERROR:
		return report->error != 0 ? report->error : -EIO;
	case PR_JOURNAL_INVALID:
	case PR_JOURNAL_DAMAGED:
	case PR_JOURNAL_FOREIGN:
	case PR_JOURNAL_TOO_BIG:
		break;
	}
	return -EUCLEAN;
}

/* The journal may be good, but it could not be opened. Returns the error. */
static int open_failed(int error, struct pr_journal_report *report)
{
	report->health = PR_JOURNAL_IO_ERROR;
	report->error = error;
	pr_journal_explain(PR_FAULT_IO, NULL, NULL, report);
	return error;
}

/*
 * Reads the store into state and history. What was read is made durable before anybody sees it: a
 * process that was killed may have left it in the page cache only, and PERSISTENT RESERVE IN must
 * not show what a power failure could still take back.
 */
static int journal_recover(struct pr_journal *journal, const struct pr_journal_identity *identity,
			   struct pr_state *state, struct pr_journal_report *ret_report)
{
	struct recovery recovery = {.state = state, .history = &journal->history};
	struct pr_journal_visitor visitor = {.visit = recovery_visit, .context = &recovery};
	int err;

	pr_journal_walk(journal->store, identity, &visitor, &journal->header, ret_report);
	err = report_error(ret_report);
	if (err != 0 || ret_report->health == PR_JOURNAL_EMPTY)
		return err;
	err = journal->store->ops->sync(journal->store);
	return err != 0 ? open_failed(err, ret_report) : 0;
}

/*
 * Power on: state with APTPL = 0 goes (SPC-4 5.13.5). The record of it waits for the first batch;
 * until then the file leads to the same state again, by the same rule.
 */
static int journal_power_on(struct pr_journal *journal, struct pr_state *state, bool is_new,
			    uint64_t time_ms, uint64_t sequence)
{
	struct pr_journal_meta meta = {.event = PR_EVENT_POWER_ON, .time_ms = time_ms};
	struct pr_change remove_all = {.op = PR_CHANGE_REMOVE_ALL};
	uint8_t changes[PR_CHANGE_ENCODED_MAX];
	struct byte_writer out = byte_writer_over(changes, sizeof changes);

	if (!is_new && !pr_state_aptpl(state)) {
		pr_change_encode(&remove_all, &out);
		(void)pr_state_apply(state, &remove_all); /* which makes sense in any state */
	}
	journal->power_on = malloc(pr_frame_record_len(&meta, out.len));
	if (!journal->power_on)
		return -ENOMEM;
	pr_frame_record_encode(&meta, sequence, changes, out.len, journal->power_on);
	return 0;
}

int pr_journal_open(struct pr_store *store, const struct pr_journal_identity *identity,
		    uint64_t time_ms, uint32_t history_max, struct pr_state *state,
		    struct pr_journal_report *ret_report, struct pr_journal **ret_journal)
{
	struct pr_journal *journal = calloc(1, sizeof *journal);
	int err;

	*ret_report = (struct pr_journal_report){0};
	if (!journal)
		return open_failed(-ENOMEM, ret_report);
	journal->store = store;
	pr_history_init(&journal->history, history_max);
	err = journal_recover(journal, identity, state, ret_report);
	if (err == 0 && journal_power_on(journal, state, ret_report->health == PR_JOURNAL_EMPTY,
					 time_ms, ret_report->last_sequence + 1) != 0)
		err = open_failed(-ENOMEM, ret_report);
	if (err != 0) {
		pr_journal_free(&journal);
		return err;
	}

	journal->header.epoch++;
	journal->header.time_ms = time_ms;
	if (identity)
		journal->header.identity = *identity;
	journal->next_sequence = ret_report->last_sequence + 2;
	journal->rewrite_due = true;
	journal->counters.size = ret_report->size;
	*ret_journal = journal;
	return 0;
}

void pr_journal_free(struct pr_journal **journal)
{
	if (!*journal)
		return;
	pr_history_clear(&(*journal)->history);
	free((*journal)->power_on);
	free((*journal)->batch.data);
	free(*journal);
	*journal = NULL;
}
