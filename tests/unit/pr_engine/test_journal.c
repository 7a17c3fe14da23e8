/*
 * The journal over a store in memory: batches, recovery, and what a damaged file is taken for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "pr_engine/journal.h"
#include "pr_engine/journal_record.h"
#include "tests/support/store_memory.h"
#include "tests/support/suite.h"

#define CAPACITY 64
#define TIME_MS	 UINT64_C(1700000000000)

static const struct pr_journal_identity identity = {
	.target_name = "iqn.2024-01.org.example:disk",
	.lun = 3,
};

/* A journal with everything it needs. `state` is the committed state. */
struct rig {
	struct store_memory *memory;
	struct pr_state *state;
	struct pr_journal *journal;
	struct pr_journal_report report;
};

static struct pr_state *state_new(uint32_t capacity)
{
	void *memory = calloc(1, pr_state_size(capacity));

	ck_assert_ptr_nonnull(memory);
	return pr_state_init(memory, capacity, 1);
}

static int rig_try(struct rig *rig, const struct bytes *initial, uint32_t history_max)
{
	*rig = (struct rig){.memory = store_memory_open(initial), .state = state_new(CAPACITY)};
	return pr_journal_open(&rig->memory->store, &identity, TIME_MS, history_max, rig->state,
			       &rig->report, &rig->journal);
}

static void rig_open(struct rig *rig, const struct bytes *initial)
{
	ck_assert_int_eq(rig_try(rig, initial, 100), 0);
}

static void rig_close(struct rig *rig)
{
	pr_journal_free(&rig->journal);
	free(rig->state);
	store_memory_close(&rig->memory);
}

/* Closes the rig and opens another one on what readers of its store see. */
static void rig_restart(struct rig *rig)
{
	struct bytes seen = {0};

	bytes_copy(&seen, &rig->memory->seen);
	rig_close(rig);
	rig_open(rig, &seen);
	bytes_free(&seen);
}

static struct pr_change change_add(const struct pr_state *state, uint64_t key)
{
	struct pr_change change = {
		.op = PR_CHANGE_ADD,
		.registration_id = pr_state_next_id(state),
		.key = key,
		.since = {.time_ms = TIME_MS, .sequence = 1},
		.nexus.relative_target_port_id = 1,
	};

	snprintf(change.nexus.initiator_name, sizeof change.nexus.initiator_name,
		 "iqn.1994-05.com.example:host%llu", (unsigned long long)change.registration_id);
	return change;
}

static size_t change_bytes(const struct pr_change *change, uint8_t *ret_data)
{
	struct byte_writer out = byte_writer_over(ret_data, PR_CHANGE_ENCODED_MAX);

	pr_change_encode(change, &out);
	ck_assert(!out.overflow);
	return out.len;
}

static const struct pr_journal_meta meta_register = {
	.event = PR_EVENT_PR_OUT,
	.action = PR_OUT_REGISTER,
	.time_ms = TIME_MS,
	.nexus = {.initiator_name = "iqn.1994-05.com.example:host", .relative_target_port_id = 1},
};

/* One batch of one change; installed when run gave 0, or when `install` says so anyway. */
static int rig_change(struct rig *rig, const struct pr_change *change, bool durable, bool install)
{
	uint8_t data[PR_CHANGE_ENCODED_MAX];
	size_t len = change_bytes(change, data);

	ck_assert_int_eq(pr_journal_begin(rig->journal, rig->state), 0);
	ck_assert_int_eq(pr_journal_add(rig->journal, &meta_register, data, len), 0);
	int err = pr_journal_run(rig->journal, durable);
	pr_journal_end(rig->journal, err);
	if (err == 0 || install)
		ck_assert(pr_state_apply(rig->state, change));
	return err;
}

static void rig_register(struct rig *rig, uint64_t key)
{
	struct pr_change change = change_add(rig->state, key);

	ck_assert_int_eq(rig_change(rig, &change, true, false), 0);
}

static void rig_aptpl(struct rig *rig, bool aptpl)
{
	struct pr_change change = {.op = PR_CHANGE_APTPL, .aptpl = aptpl};

	ck_assert_int_eq(rig_change(rig, &change, true, false), 0);
}

/* A fresh journal with APTPL = 1 and `registrations` registrations, keys 1, 2, 3 ... */
static void rig_filled(struct rig *rig, unsigned registrations)
{
	rig_open(rig, NULL);
	rig_aptpl(rig, true);
	for (unsigned i = 1; i <= registrations; i++)
		rig_register(rig, i);
}

static void fail_calls(struct rig *rig, size_t skip, size_t count, int error, bool half)
{
	rig->memory->failure = (struct memory_failure){
		.first = rig->memory->call_count + skip,
		.count = count,
		.error = error,
		.half_written = half,
	};
}

static const struct memory_call *last_call(const struct rig *rig, size_t back)
{
	ck_assert_uint_gt(rig->memory->call_count, back);
	return &rig->memory->calls[rig->memory->call_count - 1 - back];
}

/* ---- records that a scan finds ---- */

struct scanned {
	struct pr_journal_record records[64];
	enum pr_change_op first_op[64]; /* of each record; 0: none */
	size_t count;
	struct pr_journal_report report;
};

static void scanned_add(void *context, const struct pr_journal_record *record)
{
	struct scanned *scanned = context;
	struct byte_reader in = byte_reader_over(record->changes, record->changes_len);
	struct pr_change change;

	if (scanned->count == 64)
		return;
	scanned->records[scanned->count] = *record;
	scanned->records[scanned->count].changes = NULL; /* borrowed for this call only */
	if (pr_change_decode(&in, &change))
		scanned->first_op[scanned->count] = change.op;
	scanned->count++;
}

static void scan_bytes(const struct bytes *bytes, struct scanned *ret_scanned)
{
	struct store_memory *memory = store_memory_open(bytes);

	memset(ret_scanned, 0, sizeof *ret_scanned);
	pr_journal_scan(&memory->store, scanned_add, ret_scanned, &ret_scanned->report);
	ck_assert_uint_eq(memory->call_count, 0);
	store_memory_close(&memory);
}

static void scan_rig(const struct rig *rig, struct scanned *ret_scanned)
{
	scan_bytes(&rig->memory->seen, ret_scanned);
}

/* ---- first steps ---- */

START_TEST(empty_store_is_an_empty_journal)
{
	struct rig rig;

	rig_open(&rig, NULL);
	ck_assert_int_eq(rig.report.health, PR_JOURNAL_EMPTY);
	ck_assert_uint_eq(rig.report.size, 0);
	ck_assert_str_ne(rig.report.explanation, "");
	ck_assert_uint_eq(pr_state_count(rig.state), 0);
	ck_assert_uint_eq(rig.memory->call_count, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(first_batch_makes_the_file_through_replace)
{
	struct rig rig;

	rig_open(&rig, NULL);
	rig_aptpl(&rig, true);
	ck_assert_uint_eq(rig.memory->call_count, 1);
	ck_assert_int_eq(last_call(&rig, 0)->op, MEMORY_REPLACE);
	rig_close(&rig);
}
END_TEST

START_TEST(first_batch_after_a_restart_makes_a_new_file)
{
	struct rig rig;

	rig_filled(&rig, 1);
	rig_restart(&rig);
	ck_assert_uint_eq(rig.memory->call_count, 1);
	ck_assert_int_eq(last_call(&rig, 0)->op, MEMORY_SYNC);
	rig_register(&rig, 2);
	ck_assert_uint_eq(rig.memory->call_count, 2);
	ck_assert_int_eq(last_call(&rig, 0)->op, MEMORY_REPLACE);
	rig_close(&rig);
}
END_TEST

START_TEST(durable_batch_is_one_write_one_sync_and_a_mark)
{
	struct rig rig;

	rig_filled(&rig, 0);
	size_t before = rig.memory->call_count;
	rig_register(&rig, 1);
	ck_assert_uint_eq(rig.memory->call_count, before + 3);
	ck_assert_int_eq(last_call(&rig, 2)->op, MEMORY_WRITE);
	ck_assert_int_eq(last_call(&rig, 1)->op, MEMORY_SYNC);
	ck_assert_int_eq(last_call(&rig, 0)->op, MEMORY_WRITE);
	ck_assert_uint_eq(last_call(&rig, 0)->data.len, PR_FRAME_HEADER_LEN);
	rig_close(&rig);
}
END_TEST

START_TEST(volatile_batch_is_one_write)
{
	struct rig rig;

	rig_filled(&rig, 0);
	rig_aptpl(&rig, false);
	size_t before = rig.memory->call_count;
	struct pr_change change = change_add(rig.state, 1);
	ck_assert_int_eq(rig_change(&rig, &change, false, false), 0);
	ck_assert_uint_eq(rig.memory->call_count, before + 1);
	rig_close(&rig);
}
END_TEST

START_TEST(records_of_a_batch_share_one_sync)
{
	uint8_t data[PR_CHANGE_ENCODED_MAX];
	struct rig rig;

	rig_filled(&rig, 0);
	size_t before = rig.memory->call_count;
	ck_assert_int_eq(pr_journal_begin(rig.journal, rig.state), 0);
	for (int i = 0; i < 10; i++) {
		struct pr_change change = change_add(rig.state, 5);
		size_t len = change_bytes(&change, data);
		ck_assert_int_eq(pr_journal_add(rig.journal, &meta_register, data, len), 0);
		ck_assert(pr_state_apply(rig.state, &change));
	}
	ck_assert_int_eq(pr_journal_run(rig.journal, true), 0);
	pr_journal_end(rig.journal, 0);
	ck_assert_uint_eq(rig.memory->call_count, before + 3);
	ck_assert_uint_eq(pr_journal_counters(rig.journal).syncs, 1);
	ck_assert_uint_eq(pr_journal_counters(rig.journal).records, 11);
	rig_restart(&rig);
	ck_assert_uint_eq(pr_state_count(rig.state), 10);
	rig_close(&rig);
}
END_TEST

START_TEST(durable_batch_without_records_syncs_what_went_before)
{
	struct rig rig;

	rig_filled(&rig, 0);
	rig_aptpl(&rig, false);
	struct pr_change change = change_add(rig.state, 1);
	ck_assert_int_eq(rig_change(&rig, &change, false, false), 0);
	ck_assert_int_eq(pr_journal_begin(rig.journal, rig.state), 0);
	ck_assert_int_eq(pr_journal_run(rig.journal, true), 0);
	pr_journal_end(rig.journal, 0);
	ck_assert_int_eq(last_call(&rig, 1)->op, MEMORY_SYNC);
	ck_assert_uint_ne(last_call(&rig, 2)->settled_by, SIZE_MAX);
	rig_restart(&rig);
	ck_assert_int_eq(rig.report.health, PR_JOURNAL_CLEAN);
	rig_close(&rig);
}
END_TEST

START_TEST(synced_upto_tells_exactly_what_was_synced)
{
	struct pr_file_header file;
	struct pr_frame_header frame;
	uint32_t seed;
	struct rig rig;

	rig_filled(&rig, 0);
	size_t base_len = rig.memory->seen.len;
	rig_aptpl(&rig, false);
	size_t synced = rig.memory->seen.len - PR_FRAME_HEADER_LEN;
	const uint8_t *data = rig.memory->seen.data;
	ck_assert_int_eq(pr_file_header_decode(data, rig.memory->seen.len, &file, &seed),
			 PR_FILE_HEADER_VALID);
	ck_assert_uint_eq(file.durable_len, base_len);
	ck_assert(pr_frame_header_decode(data + base_len, seed, &frame));
	ck_assert_uint_eq(frame.synced_upto, base_len);
	ck_assert(pr_frame_header_decode(data + synced, seed, &frame));
	ck_assert_int_eq(frame.kind, PR_FRAME_MARK);
	ck_assert_uint_eq(frame.synced_upto, synced);

	/* Two volatile records: nothing more is synced, whatever is written. */
	for (int i = 0; i < 2; i++) {
		size_t at = rig.memory->seen.len;
		struct pr_change change = change_add(rig.state, 1);
		ck_assert_int_eq(rig_change(&rig, &change, false, false), 0);
		data = rig.memory->seen.data;
		ck_assert(pr_frame_header_decode(data + at, seed, &frame));
		ck_assert_uint_eq(frame.synced_upto, synced);
	}
	size_t at = rig.memory->seen.len;
	rig_aptpl(&rig, true);
	data = rig.memory->seen.data;
	ck_assert(pr_frame_header_decode(data + at, seed, &frame));
	ck_assert_uint_eq(frame.synced_upto, synced);
	at = rig.memory->seen.len - PR_FRAME_HEADER_LEN;
	ck_assert(pr_frame_header_decode(data + at, seed, &frame));
	ck_assert_uint_eq(frame.synced_upto, at);
	rig_close(&rig);
}
END_TEST

/* ---- recovery ---- */

START_TEST(everything_acknowledged_is_recovered)
{
	struct pr_change reserve = {
		.op = PR_CHANGE_RESERVE, .type = PR_TYPE_EXCLUSIVE_ACCESS, .registration_id = 2};
	struct rig rig;

	rig_filled(&rig, 5);
	ck_assert_int_eq(rig_change(&rig, &reserve, true, false), 0);
	rig_restart(&rig);
	ck_assert_int_eq(rig.report.health, PR_JOURNAL_CLEAN);
	ck_assert_uint_eq(pr_state_count(rig.state), 5);
	ck_assert(pr_state_aptpl(rig.state));
	ck_assert_int_eq(pr_state_reservation(rig.state).type, PR_TYPE_EXCLUSIVE_ACCESS);
	ck_assert_uint_eq(pr_state_reservation(rig.state).holder_id, 2);
	ck_assert_uint_eq(pr_state_by_id(rig.state, 4)->key, 4);
	ck_assert_uint_eq(pr_state_generation(rig.state), 0);
	rig_close(&rig);
}
END_TEST

START_TEST(record_longer_than_one_read_is_recovered)
{
	struct pr_change change = {.op = PR_CHANGE_SET_KEY, .registration_id = 1};
	size_t cap = 3u << 20;
	uint8_t *changes = malloc(cap);
	struct rig rig;

	ck_assert_ptr_nonnull(changes);
	struct byte_writer out = byte_writer_over(changes, cap);
	for (change.key = 1; !out.overflow; change.key++)
		pr_change_encode(&change, &out);
	rig_filled(&rig, 2);
	ck_assert_int_eq(pr_journal_begin(rig.journal, rig.state), 0);
	ck_assert_int_eq(pr_journal_add(rig.journal, &meta_register, changes, out.len), 0);
	ck_assert_int_eq(pr_journal_run(rig.journal, true), 0);
	pr_journal_end(rig.journal, 0);
	ck_assert(pr_state_apply_encoded(rig.state, changes, out.len));
	rig_restart(&rig);
	ck_assert_int_eq(rig.report.health, PR_JOURNAL_CLEAN);
	ck_assert_uint_eq(pr_state_by_id(rig.state, 1)->key, change.key - 2);
	rig_register(&rig, 3);
	free(changes);
	rig_close(&rig);
}
END_TEST

START_TEST(recovery_survives_restart_after_restart)
{
	struct rig rig;

	rig_filled(&rig, 1);
	for (unsigned i = 2; i <= 6; i++) {
		rig_restart(&rig);
		ck_assert_uint_eq(pr_state_count(rig.state), i - 1);
		rig_register(&rig, i);
	}
	rig_close(&rig);
}
END_TEST

START_TEST(state_without_aptpl_is_dropped_at_power_on)
{
	struct rig rig;

	rig_filled(&rig, 3);
	rig_aptpl(&rig, false);
	rig_restart(&rig);
	ck_assert_uint_eq(pr_state_count(rig.state), 0);
	ck_assert_int_eq(pr_state_reservation(rig.state).type, PR_TYPE_NONE);
	ck_assert(!pr_state_aptpl(rig.state));
	ck_assert_uint_eq(pr_state_next_id(rig.state), 4);
	rig_close(&rig);
}
END_TEST

START_TEST(dropped_state_stays_dropped_when_aptpl_comes_back)
{
	struct rig rig;

	rig_filled(&rig, 3);
	rig_aptpl(&rig, false);
	rig_restart(&rig);
	rig_aptpl(&rig, true);
	rig_restart(&rig);
	ck_assert_uint_eq(pr_state_count(rig.state), 0);
	ck_assert_uint_eq(pr_state_next_id(rig.state), 4);
	rig_close(&rig);
}
END_TEST

START_TEST(volatile_registrations_are_kept_once_aptpl_is_on)
{
	struct rig rig;

	rig_filled(&rig, 0);
	rig_aptpl(&rig, false);
	struct pr_change change = change_add(rig.state, 7);
	ck_assert_int_eq(rig_change(&rig, &change, false, false), 0);
	rig_aptpl(&rig, true);

	/* Only what was synced reaches the disk. */
	struct memory_crash crash = {.calls = rig.memory->call_count, .torn = SIZE_MAX};
	bool lost[] = {true, true, true, true};
	struct bytes image = {0};
	crash.lost = lost;
	store_memory_crash(rig.memory, &crash, &image);
	rig_close(&rig);
	rig_open(&rig, &image);
	ck_assert_uint_eq(pr_state_count(rig.state), 1);
	bytes_free(&image);
	rig_close(&rig);
}
END_TEST

START_TEST(open_syncs_what_it_read_and_writes_nothing)
{
	struct rig rig;

	rig_filled(&rig, 2);
	rig_restart(&rig);
	ck_assert_uint_eq(rig.memory->call_count, 1);
	ck_assert_int_eq(last_call(&rig, 0)->op, MEMORY_SYNC);
	rig_close(&rig);
}
END_TEST

START_TEST(open_fails_when_what_it_read_cannot_be_synced)
{
	struct rig rig, again;

	rig_filled(&rig, 2);
	again.memory = store_memory_open(&rig.memory->seen);
	again.memory->failure = (struct memory_failure){.count = 1, .error = -EIO};
	again.state = state_new(CAPACITY);
	again.journal = NULL;
	ck_assert_int_eq(pr_journal_open(&again.memory->store, &identity, TIME_MS, 10, again.state,
					 &again.report, &again.journal),
			 -EIO);
	ck_assert_ptr_null(again.journal);
	ck_assert_int_eq(again.report.health, PR_JOURNAL_IO_ERROR);
	ck_assert_int_eq(again.report.error, -EIO);
	ck_assert_str_ne(again.report.explanation, "");
	rig_close(&again);
	rig_close(&rig);
}
END_TEST

START_TEST(store_that_cannot_be_read_is_an_io_error)
{
	struct pr_journal_report report;
	struct rig rig;

	rig_filled(&rig, 2);
	rig.memory->read_fails = true;
	pr_journal_scan(&rig.memory->store, NULL, NULL, &report);
	ck_assert_int_eq(report.health, PR_JOURNAL_IO_ERROR);
	ck_assert_int_eq(report.error, -EIO);
	rig_close(&rig);
}
END_TEST

START_TEST(any_identity_will_do_for_tools)
{
	struct pr_journal *journal = NULL;
	struct pr_journal_report report;
	struct rig rig;

	rig_filled(&rig, 2);
	struct pr_state *state = state_new(CAPACITY);
	ck_assert_int_eq(
		pr_journal_open(&rig.memory->store, NULL, TIME_MS, 0, state, &report, &journal), 0);
	ck_assert_uint_eq(pr_state_count(state), 2);
	pr_journal_free(&journal);
	free(state);
	rig_close(&rig);
}
END_TEST

/* ---- sequences, history, power on ---- */

START_TEST(scan_tells_all_records_oldest_first)
{
	struct scanned scanned;
	struct rig rig;

	rig_filled(&rig, 2);
	scan_rig(&rig, &scanned);
	ck_assert_int_eq(scanned.report.health, PR_JOURNAL_CLEAN);
	ck_assert_uint_eq(scanned.report.records, 5);
	ck_assert_uint_eq(scanned.report.last_sequence, 4);
	ck_assert_uint_eq(scanned.report.valid_end, scanned.report.size);
	ck_assert_uint_eq(scanned.count, 5);
	/* POWER_ON, the snapshot that takes no sequence, APTPL, two registrations. */
	static const struct {
		enum pr_journal_event event;
		uint64_t sequence;
		bool history_only;
	} want[] = {
		{PR_EVENT_POWER_ON, 1, true}, {PR_EVENT_SNAPSHOT, 1, false},
		{PR_EVENT_PR_OUT, 2, false},  {PR_EVENT_PR_OUT, 3, false},
		{PR_EVENT_PR_OUT, 4, false},
	};
	for (size_t i = 0; i < 5; i++) {
		ck_assert_int_eq(scanned.records[i].meta.event, want[i].event);
		ck_assert_uint_eq(scanned.records[i].sequence, want[i].sequence);
		ck_assert_int_eq(scanned.records[i].history_only, want[i].history_only);
		ck_assert_uint_eq(scanned.records[i].meta.time_ms, TIME_MS);
	}
	ck_assert_str_eq(scanned.records[4].meta.nexus.initiator_name,
			 meta_register.nexus.initiator_name);
	rig_close(&rig);
}
END_TEST

START_TEST(next_sequence_counts_the_pending_power_on)
{
	struct rig rig;

	rig_open(&rig, NULL);
	ck_assert_uint_eq(pr_journal_next_sequence(rig.journal), 2);
	rig_aptpl(&rig, true);
	ck_assert_uint_eq(pr_journal_next_sequence(rig.journal), 3);
	rig_restart(&rig);
	ck_assert_uint_eq(rig.report.last_sequence, 2);
	ck_assert_uint_eq(pr_journal_next_sequence(rig.journal), 4);
	rig_close(&rig);
}
END_TEST

START_TEST(history_survives_restarts)
{
	struct scanned scanned;
	struct rig rig;

	rig_filled(&rig, 2);
	rig_restart(&rig);
	rig_register(&rig, 3);
	scan_rig(&rig, &scanned);
	ck_assert_int_eq(scanned.report.health, PR_JOURNAL_CLEAN);
	/* Two times power on, APTPL, three registrations, one snapshot: the old one is gone. */
	ck_assert_uint_eq(scanned.count, 7);
	for (size_t i = 0; i < 5; i++)
		ck_assert(scanned.records[i].history_only);
	ck_assert_int_eq(scanned.records[4].meta.event, PR_EVENT_POWER_ON);
	ck_assert_int_eq(scanned.records[5].meta.event, PR_EVENT_SNAPSHOT);
	ck_assert_uint_eq(scanned.records[6].sequence, 6);
	ck_assert_int_eq(scanned.first_op[3], PR_CHANGE_ADD);
	rig_close(&rig);
}
END_TEST

START_TEST(history_is_bounded_by_its_count)
{
	uint32_t history_max = (uint32_t)_i;
	struct bytes seen = {0};
	struct scanned scanned;
	struct rig rig;

	rig_filled(&rig, 9);
	bytes_copy(&seen, &rig.memory->seen);
	rig_close(&rig);
	ck_assert_int_eq(rig_try(&rig, &seen, history_max), 0);
	ck_assert_uint_eq(pr_state_count(rig.state), 9);
	rig_register(&rig, 10);
	scan_rig(&rig, &scanned);
	ck_assert_int_eq(scanned.report.health, PR_JOURNAL_CLEAN);
	/* The newest, then power on, the snapshot and the registration. */
	ck_assert_uint_eq(scanned.count, history_max + 3);
	if (history_max > 0)
		ck_assert_uint_eq(scanned.records[0].sequence, 11 - history_max + 1);
	bytes_free(&seen);
	rig_close(&rig);
}
END_TEST

START_TEST(power_on_record_tells_that_everything_was_dropped)
{
	struct scanned scanned;
	struct rig rig;

	rig_filled(&rig, 2);
	rig_aptpl(&rig, false);
	rig_restart(&rig);
	rig_aptpl(&rig, true);
	scan_rig(&rig, &scanned);
	ck_assert_uint_eq(scanned.count, 8);
	ck_assert_int_eq(scanned.records[5].meta.event, PR_EVENT_POWER_ON);
	ck_assert_int_eq(scanned.first_op[5], PR_CHANGE_REMOVE_ALL);
	rig_close(&rig);
}
END_TEST

START_TEST(power_on_record_is_without_changes_when_state_was_kept)
{
	struct scanned scanned;
	struct rig rig;

	rig_filled(&rig, 2);
	rig_restart(&rig);
	rig_register(&rig, 3);
	scan_rig(&rig, &scanned);
	ck_assert_int_eq(scanned.records[4].meta.event, PR_EVENT_POWER_ON);
	ck_assert_uint_eq(scanned.records[4].changes_len, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(power_on_record_waits_until_a_batch_succeeds)
{
	struct scanned scanned;
	struct rig rig;

	rig_open(&rig, NULL);
	fail_calls(&rig, 0, 2, -ENOSPC, false);
	struct pr_change change = {.op = PR_CHANGE_APTPL, .aptpl = true};
	ck_assert_int_eq(rig_change(&rig, &change, true, false), -ENOSPC);
	ck_assert_int_eq(rig_change(&rig, &change, true, false), -ENOSPC);
	ck_assert_int_eq(rig_change(&rig, &change, true, false), 0);
	ck_assert_uint_eq(rig.memory->call_count, 3);
	scan_rig(&rig, &scanned);
	ck_assert_uint_eq(scanned.count, 3);
	ck_assert_int_eq(scanned.records[0].meta.event, PR_EVENT_POWER_ON);
	ck_assert_uint_eq(scanned.records[0].sequence, 1);
	rig_register(&rig, 1);
	scan_rig(&rig, &scanned);
	ck_assert_uint_eq(scanned.count, 4);
	rig_close(&rig);
}
END_TEST

/* ---- calls that fail ---- */

START_TEST(failed_call_fails_the_batch_and_the_next_one_makes_a_new_file)
{
	static const struct {
		size_t skip; /* 0: the write, 1: the sync */
		int error;
		bool half;
	} cases[] = {{0, -ENOSPC, false}, {0, -ENOSPC, true}, {0, -EIO, true}, {1, -EIO, false}};
	struct rig rig;

	rig_filled(&rig, 2);
	struct pr_change change = change_add(rig.state, 3);
	fail_calls(&rig, cases[_i].skip, 1, cases[_i].error, cases[_i].half);
	ck_assert_int_eq(rig_change(&rig, &change, true, false), cases[_i].error);
	ck_assert_uint_eq(pr_journal_counters(rig.journal).errors, 1);
	ck_assert_int_eq(rig_change(&rig, &change, true, false), 0);
	ck_assert_int_eq(last_call(&rig, 0)->op, MEMORY_REPLACE);
	ck_assert_uint_eq(pr_journal_counters(rig.journal).rewrites, 2);
	/* And then it is back to appending. */
	rig_register(&rig, 4);
	ck_assert_int_eq(last_call(&rig, 1)->op, MEMORY_SYNC);
	rig_restart(&rig);
	ck_assert_uint_eq(pr_state_count(rig.state), 4);
	rig_close(&rig);
}
END_TEST

START_TEST(failed_batch_is_taken_out_of_the_file)
{
	struct rig rig;

	rig_filled(&rig, 2);
	struct pr_change change = change_add(rig.state, 3);
	fail_calls(&rig, (size_t)_i, 1, -EIO, true);
	ck_assert_int_eq(rig_change(&rig, &change, true, false), -EIO);
	ck_assert_int_eq(last_call(&rig, 1)->op, MEMORY_TRUNCATE);
	ck_assert_int_eq(last_call(&rig, 0)->op, MEMORY_SYNC);
	rig_restart(&rig);
	ck_assert_int_eq(rig.report.health, PR_JOURNAL_CLEAN);
	ck_assert_uint_eq(pr_state_count(rig.state), 2);
	rig_close(&rig);
}
END_TEST

START_TEST(failed_mark_does_not_fail_the_batch)
{
	struct rig rig;

	rig_filled(&rig, 2);
	struct pr_change change = change_add(rig.state, 3);
	fail_calls(&rig, 2, 1, -ENOSPC, true);
	ck_assert_int_eq(rig_change(&rig, &change, true, false), 0);
	ck_assert_uint_eq(pr_journal_counters(rig.journal).errors, 1);
	rig_register(&rig, 4);
	ck_assert_int_eq(last_call(&rig, 0)->op, MEMORY_REPLACE);
	rig_restart(&rig);
	ck_assert_uint_eq(pr_state_count(rig.state), 4);
	rig_close(&rig);
}
END_TEST

START_TEST(volatile_state_installed_over_an_error_is_in_the_next_file)
{
	struct rig rig;

	rig_filled(&rig, 2);
	rig_aptpl(&rig, false);
	struct pr_change change = change_add(rig.state, 3);
	fail_calls(&rig, 0, 2, -ENOSPC, false);
	ck_assert_int_eq(rig_change(&rig, &change, false, true), -ENOSPC);
	ck_assert_uint_eq(pr_state_count(rig.state), 3);
	rig_aptpl(&rig, true);
	ck_assert_int_eq(last_call(&rig, 0)->op, MEMORY_REPLACE);
	rig_restart(&rig);
	ck_assert_uint_eq(pr_state_count(rig.state), 3);
	ck_assert(pr_state_aptpl(rig.state));
	rig_close(&rig);
}
END_TEST

START_TEST(sequence_is_never_given_twice)
{
	struct scanned scanned;
	struct rig rig;

	rig_filled(&rig, 2);
	uint64_t before = pr_journal_next_sequence(rig.journal);
	struct pr_change change = change_add(rig.state, 3);
	fail_calls(&rig, 0, 1, -ENOSPC, false);
	ck_assert_int_eq(rig_change(&rig, &change, true, false), -ENOSPC);
	ck_assert_uint_eq(pr_journal_next_sequence(rig.journal), before + 1);
	ck_assert_int_eq(rig_change(&rig, &change, true, false), 0);
	scan_rig(&rig, &scanned);
	ck_assert_int_eq(scanned.report.health, PR_JOURNAL_CLEAN);
	ck_assert_uint_eq(scanned.report.last_sequence, before + 1);
	rig_close(&rig);
}
END_TEST

START_TEST(abandoned_batch_leaves_no_trace)
{
	uint8_t data[PR_CHANGE_ENCODED_MAX];
	struct rig rig;

	rig_filled(&rig, 2);
	struct pr_change change = change_add(rig.state, 3);
	ck_assert_int_eq(pr_journal_begin(rig.journal, rig.state), 0);
	size_t len = change_bytes(&change, data);
	ck_assert_int_eq(pr_journal_add(rig.journal, &meta_register, data, len), 0);
	pr_journal_end(rig.journal, -ECANCELED);
	rig_register(&rig, 4);
	rig_restart(&rig);
	ck_assert_uint_eq(pr_state_count(rig.state), 3);
	ck_assert_uint_eq(pr_state_by_id(rig.state, 3)->key, 4);
	rig_close(&rig);
}
END_TEST

/* ---- compaction ---- */

START_TEST(file_is_compacted_when_it_has_grown_large)
{
	struct pr_change on = {.op = PR_CHANGE_SET_KEY, .registration_id = 1};
	struct rig rig;
	uint64_t largest = 0;

	rig_filled(&rig, 3);
	for (unsigned i = 1; i <= 20000; i++) {
		on.key = i;
		ck_assert_int_eq(rig_change(&rig, &on, true, false), 0);
		struct pr_journal_counters counters = pr_journal_counters(rig.journal);
		ck_assert_uint_eq(counters.size, rig.memory->seen.len);
		if (counters.size > largest)
			largest = counters.size;
	}
	ck_assert_uint_gt(largest, 1u << 20);
	ck_assert_uint_lt(largest, (1u << 20) + 4096);
	ck_assert_uint_ge(pr_journal_counters(rig.journal).rewrites, 2);
	ck_assert_uint_le(pr_journal_counters(rig.journal).rewrites, 6);
	rig_restart(&rig);
	ck_assert_uint_eq(pr_state_count(rig.state), 3);
	ck_assert_uint_eq(pr_state_by_id(rig.state, 1)->key, 20000);
	rig_close(&rig);
}
END_TEST

START_TEST(history_is_bounded_by_its_bytes)
{
	static uint8_t nothing[100000];
	struct pr_journal_report report;
	struct rig rig;

	ck_assert_int_eq(rig_try(&rig, NULL, 4096), 0);
	rig_aptpl(&rig, true);
	/* Changes that set APTPL again and again: large records that change nothing. */
	struct pr_change change = {.op = PR_CHANGE_APTPL, .aptpl = true};
	struct byte_writer out = byte_writer_over(nothing, sizeof nothing);
	while (!out.overflow)
		pr_change_encode(&change, &out);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(pr_journal_begin(rig.journal, rig.state), 0);
		ck_assert_int_eq(pr_journal_add(rig.journal, &meta_register, nothing, out.len), 0);
		ck_assert_int_eq(pr_journal_run(rig.journal, true), 0);
		pr_journal_end(rig.journal, 0);
	}
	rig_restart(&rig);
	rig_register(&rig, 1);
	ck_assert_uint_lt(rig.memory->seen.len, (1u << 20) + 16384);
	ck_assert_uint_gt(rig.memory->seen.len, 1u << 19);
	pr_journal_scan(&rig.memory->store, NULL, NULL, &report);
	ck_assert_int_eq(report.health, PR_JOURNAL_CLEAN);
	rig_close(&rig);
}
END_TEST

START_TEST(failed_compaction_leaves_the_old_file_in_force)
{
	struct pr_change on = {.op = PR_CHANGE_SET_KEY, .registration_id = 1};
	struct rig rig;
	unsigned key = 0;

	rig_filled(&rig, 1);
	while (pr_journal_counters(rig.journal).size <= 1u << 20) {
		on.key = ++key;
		ck_assert_int_eq(rig_change(&rig, &on, true, false), 0);
	}
	on.key = 99999;
	fail_calls(&rig, 0, 1, -ENOSPC, false);
	ck_assert_int_eq(rig_change(&rig, &on, true, false), -ENOSPC);
	ck_assert_int_eq(last_call(&rig, 0)->op, MEMORY_REPLACE);
	rig_restart(&rig);
	ck_assert_int_eq(rig.report.health, PR_JOURNAL_CLEAN);
	ck_assert_uint_eq(pr_state_by_id(rig.state, 1)->key, key);
	rig_close(&rig);
}
END_TEST

/* ---- damaged files ---- */

static struct pr_journal_report open_report(const struct bytes *bytes, int *ret_err,
					    uint32_t *ret_count)
{
	struct rig rig;

	*ret_err = rig_try(&rig, bytes, 10);
	if (*ret_err != 0)
		ck_assert_ptr_null(rig.journal);
	ck_assert_str_ne(rig.report.explanation, "");
	for (size_t i = 0; i < rig.memory->call_count; i++)
		ck_assert_int_eq(rig.memory->calls[i].op, MEMORY_SYNC);
	if (ret_count)
		*ret_count = pr_state_count(rig.state);
	struct pr_journal_report report = rig.report;
	rig_close(&rig);
	return report;
}

static void expect_health(const struct bytes *bytes, enum pr_journal_health health)
{
	int err;
	struct pr_journal_report report = open_report(bytes, &err, NULL);

	ck_assert_msg(report.health == health, "health is %s: %s",
		      pr_journal_health_name(report.health), report.explanation);
	ck_assert_int_eq(
		err, health == PR_JOURNAL_CLEAN || health == PR_JOURNAL_TORN_TAIL ? 0 : -EUCLEAN);
}

START_TEST(torn_last_record_is_cut_off)
{
	struct rig rig;
	uint32_t count;
	int err;

	rig_filled(&rig, 2);
	size_t acknowledged = rig.memory->seen.len;
	struct pr_change change = change_add(rig.state, 3);
	ck_assert_int_eq(rig_change(&rig, &change, false, false), 0);
	for (size_t len = acknowledged; len < rig.memory->seen.len; len++) {
		struct bytes cut = {.data = rig.memory->seen.data, .len = len};
		struct pr_journal_report report = open_report(&cut, &err, &count);
		ck_assert_int_eq(err, 0);
		ck_assert_uint_eq(count, 2);
		ck_assert_int_eq(report.health,
				 len == acknowledged ? PR_JOURNAL_CLEAN : PR_JOURNAL_TORN_TAIL);
		ck_assert_uint_eq(report.valid_end, acknowledged);
	}
	rig_close(&rig);
}
END_TEST

START_TEST(torn_tail_is_gone_after_the_first_batch)
{
	struct rig rig;

	rig_filled(&rig, 2);
	struct pr_change change = change_add(rig.state, 3);
	ck_assert_int_eq(rig_change(&rig, &change, false, false), 0);
	struct bytes cut = {.data = rig.memory->seen.data, .len = rig.memory->seen.len - 9};
	struct rig next;
	rig_open(&next, &cut);
	ck_assert_int_eq(next.report.health, PR_JOURNAL_TORN_TAIL);
	rig_register(&next, 4);
	rig_restart(&next);
	ck_assert_int_eq(next.report.health, PR_JOURNAL_CLEAN);
	ck_assert_uint_eq(pr_state_count(next.state), 3);
	ck_assert_uint_eq(pr_state_by_id(next.state, 3)->key, 4);
	rig_close(&next);
	rig_close(&rig);
}
END_TEST

START_TEST(damaged_acknowledged_record_is_damage_even_as_the_last_one)
{
	struct rig rig;
	int err;

	rig_filled(&rig, 2);
	size_t before = rig.memory->seen.len;
	rig_register(&rig, 3);
	rig.memory->seen.data[before + 50] ^= 0x10;
	struct pr_journal_report report = open_report(&rig.memory->seen, &err, NULL);
	ck_assert_int_eq(err, -EUCLEAN);
	ck_assert_int_eq(report.health, PR_JOURNAL_DAMAGED);
	ck_assert_uint_eq(report.damage_offset, before);
	ck_assert_uint_eq(report.valid_end, before);
	rig_close(&rig);
}
END_TEST

START_TEST(damage_in_front_of_a_torn_tail_is_still_damage)
{
	struct rig rig;

	rig_filled(&rig, 1);
	size_t at = rig.memory->seen.len;
	rig_register(&rig, 2);
	rig_register(&rig, 3);
	memset(rig.memory->seen.data + at, 0, 64);
	struct bytes cut = {.data = rig.memory->seen.data, .len = rig.memory->seen.len - 100};
	expect_health(&cut, PR_JOURNAL_DAMAGED);
	rig_close(&rig);
}
END_TEST

START_TEST(record_that_was_cut_out_is_damage)
{
	struct rig rig;

	rig_filled(&rig, 1);
	size_t from = rig.memory->seen.len;
	rig_register(&rig, 2);
	size_t to = rig.memory->seen.len;
	rig_register(&rig, 3);
	struct bytes *seen = &rig.memory->seen;
	memmove(seen->data + from, seen->data + to, seen->len - to);
	struct bytes cut = {.data = seen->data, .len = seen->len - (to - from)};
	expect_health(&cut, PR_JOURNAL_DAMAGED);
	rig_close(&rig);
}
END_TEST

START_TEST(file_cut_in_its_first_part_is_damage)
{
	struct rig rig;

	rig_filled(&rig, 0);
	for (size_t len = 1; len < rig.memory->seen.len; len++) {
		struct bytes cut = {.data = rig.memory->seen.data, .len = len};
		expect_health(&cut, PR_JOURNAL_DAMAGED);
	}
	rig_close(&rig);
}
END_TEST

START_TEST(bytes_of_an_older_file_behind_the_end_are_a_torn_tail)
{
	struct bytes both = {0};
	struct rig rig;
	uint32_t count;
	int err;

	rig_filled(&rig, 4);
	bytes_copy(&both, &rig.memory->seen);
	rig_restart(&rig);
	rig_register(&rig, 5);
	/* The old file is longer; its end shows behind the new one. */
	struct bytes *seen = &rig.memory->seen;
	both.cap = both.len + seen->len;
	both.data = realloc(both.data, both.cap);
	ck_assert_ptr_nonnull(both.data);
	memmove(both.data + seen->len, both.data, both.len);
	memcpy(both.data, seen->data, seen->len);
	both.len += seen->len;
	struct pr_journal_report report = open_report(&both, &err, &count);
	ck_assert_int_eq(err, 0);
	ck_assert_int_eq(report.health, PR_JOURNAL_TORN_TAIL);
	ck_assert_uint_eq(count, 5);
	bytes_free(&both);
	rig_close(&rig);
}
END_TEST

START_TEST(text_is_foreign)
{
	char text[] = "This is no journal, but some notes that somebody left in its place.\n";
	struct bytes bytes = {.data = (uint8_t *)text, .len = (size_t)_i};

	expect_health(&bytes, PR_JOURNAL_FOREIGN);
}
END_TEST

START_TEST(journal_of_another_lun_is_foreign_and_says_whose)
{
	struct pr_journal_identity other = identity;
	struct pr_journal *journal = NULL;
	struct pr_journal_report report;
	struct rig rig;

	rig_filled(&rig, 1);
	if (_i == 0)
		other.lun = 4;
	else
		strcpy(other.target_name, "iqn.2024-01.org.example:other");
	struct pr_state *state = state_new(CAPACITY);
	ck_assert_int_eq(
		pr_journal_open(&rig.memory->store, &other, TIME_MS, 0, state, &report, &journal),
		-EUCLEAN);
	ck_assert_int_eq(report.health, PR_JOURNAL_FOREIGN);
	ck_assert_ptr_nonnull(strstr(report.explanation, "LUN 3 of iqn.2024-01.org.example:disk"));
	ck_assert_ptr_null(journal);
	free(state);
	rig_close(&rig);
}
END_TEST

START_TEST(more_registrations_than_the_limit_are_too_big)
{
	struct pr_journal *journal = NULL;
	struct pr_journal_report report;
	struct rig rig;

	rig_filled(&rig, 5);
	struct pr_state *state = state_new(4);
	ck_assert_int_eq(pr_journal_open(&rig.memory->store, &identity, TIME_MS, 0, state, &report,
					 &journal),
			 -EUCLEAN);
	ck_assert_int_eq(report.health, PR_JOURNAL_TOO_BIG);
	ck_assert_ptr_nonnull(strstr(report.explanation, "limit"));
	ck_assert_ptr_null(journal);
	free(state);
	rig_close(&rig);
}
END_TEST

START_TEST(record_that_makes_no_sense_is_damage)
{
	struct pr_change change = {.op = PR_CHANGE_REMOVE, .registration_id = 77};
	uint8_t data[PR_CHANGE_ENCODED_MAX];
	struct rig rig;

	rig_filled(&rig, 1);
	size_t len = _i == 0 ? change_bytes(&change, data) : 1;
	if (_i == 1)
		data[0] = 0xee;
	ck_assert_int_eq(pr_journal_begin(rig.journal, rig.state), 0);
	ck_assert_int_eq(pr_journal_add(rig.journal, &meta_register, data, len), 0);
	ck_assert_int_eq(pr_journal_run(rig.journal, true), 0);
	pr_journal_end(rig.journal, 0);
	expect_health(&rig.memory->seen, PR_JOURNAL_DAMAGED);
	rig_close(&rig);
}
END_TEST

/* ---- files that no journal wrote: every CRC is right, the order is not ---- */

struct forge {
	uint8_t data[4096];
	size_t len;
	uint32_t seed;
};

static void forge_begin(struct forge *forge, uint64_t durable_len)
{
	struct pr_file_header header = {
		.epoch = 1, .durable_len = durable_len, .identity = identity};

	forge->seed = pr_file_header_encode(&header, forge->data);
	forge->len = PR_FILE_HEADER_LEN;
}

static void forge_record(struct forge *forge, enum pr_journal_event event, uint64_t sequence,
			 bool history_only, uint64_t synced_upto)
{
	struct pr_journal_meta meta = {.event = event};
	uint8_t *frame = forge->data + forge->len;

	pr_frame_record_encode(&meta, sequence, NULL, 0, frame);
	if (history_only)
		pr_frame_set_history_only(frame);
	pr_frame_seal(frame, forge->seed, synced_upto);
	forge->len += pr_frame_len(frame);
}

static void forge_mark(struct forge *forge, uint64_t sequence, uint64_t synced_upto)
{
	pr_frame_mark_encode(sequence, forge->data + forge->len);
	pr_frame_seal(forge->data + forge->len, forge->seed, synced_upto);
	forge->len += PR_FRAME_HEADER_LEN;
}

static void forge_expect(const struct forge *forge, enum pr_journal_health health)
{
	struct bytes bytes = {.data = (uint8_t *)forge->data, .len = forge->len};

	expect_health(&bytes, health);
}

START_TEST(file_without_a_snapshot_is_damage)
{
	struct forge forge;

	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
	forge_record(&forge, PR_EVENT_POWER_ON, 1, true, 0);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_record(&forge, PR_EVENT_PR_OUT, 1, false, 0);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_mark(&forge, 1, 0);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
}
END_TEST

START_TEST(record_out_of_its_place_does_not_count)
{
	static const struct {
		enum pr_journal_event event;
		uint64_t sequence;
		bool history_only;
		enum pr_journal_health health;
	} cases[] = {
		{PR_EVENT_PR_OUT, 6, false, PR_JOURNAL_CLEAN},
		{PR_EVENT_POWER_ON, 6, false, PR_JOURNAL_CLEAN},
		{PR_EVENT_PR_OUT, 5, false, PR_JOURNAL_TORN_TAIL},
		{PR_EVENT_PR_OUT, 7, false, PR_JOURNAL_TORN_TAIL},
		{PR_EVENT_PR_OUT, 6, true, PR_JOURNAL_TORN_TAIL},
		{PR_EVENT_SNAPSHOT, 6, false, PR_JOURNAL_TORN_TAIL},
	};
	struct forge forge;

	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_record(&forge, PR_EVENT_SNAPSHOT, 5, false, 0);
	forge_expect(&forge, PR_JOURNAL_CLEAN);
	forge_record(&forge, cases[_i].event, cases[_i].sequence, cases[_i].history_only, 0);
	forge_expect(&forge, cases[_i].health);
}
END_TEST

START_TEST(history_records_must_rise_up_to_the_snapshot)
{
	struct forge forge;

	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_record(&forge, PR_EVENT_PR_OUT, 3, true, 0);
	forge_record(&forge, PR_EVENT_PR_OUT, 9, true, 0);
	size_t len = forge.len;
	forge_record(&forge, PR_EVENT_SNAPSHOT, 9, false, 0);
	forge_expect(&forge, PR_JOURNAL_CLEAN);
	forge.len = len;
	forge_record(&forge, PR_EVENT_SNAPSHOT, 8, false, 0);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
	forge.len = len;
	forge_record(&forge, PR_EVENT_PR_OUT, 9, true, 0);
	forge_record(&forge, PR_EVENT_SNAPSHOT, 9, false, 0);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
}
END_TEST

START_TEST(mark_must_have_the_sequence_in_front_of_it)
{
	struct forge forge;

	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_record(&forge, PR_EVENT_SNAPSHOT, 5, false, 0);
	forge_mark(&forge, 5, 0);
	forge_expect(&forge, PR_JOURNAL_CLEAN);
	forge_mark(&forge, 6, 0);
	forge_expect(&forge, PR_JOURNAL_TORN_TAIL);
}
END_TEST

START_TEST(only_a_synced_upto_above_the_hole_is_evidence)
{
	struct forge forge;

	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_record(&forge, PR_EVENT_SNAPSHOT, 5, false, 0);
	size_t hole = forge.len;
	forge_record(&forge, PR_EVENT_PR_OUT, 6, false, 0);
	size_t behind = forge.len;
	forge.data[hole] ^= 1;
	forge_record(&forge, PR_EVENT_PR_OUT, 7, false, hole);
	forge_expect(&forge, PR_JOURNAL_TORN_TAIL);
	forge.len = behind;
	forge_record(&forge, PR_EVENT_PR_OUT, 7, false, hole + 1);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
	/* Its body does not matter. */
	memset(forge.data + behind + PR_FRAME_HEADER_LEN, 0, forge.len - behind - 40);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
}
END_TEST

START_TEST(frame_longer_than_the_file_is_a_torn_tail)
{
	struct forge forge;

	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_record(&forge, PR_EVENT_SNAPSHOT, 5, false, 0);
	size_t at = forge.len;
	forge_record(&forge, PR_EVENT_PR_OUT, 6, false, 0);
	put_be32(forge.data + at + 4, 0xfffffff8);
	pr_frame_seal(forge.data + at, forge.seed, 0);
	forge_expect(&forge, PR_JOURNAL_TORN_TAIL);
}
END_TEST

START_TEST(sequence_near_the_end_of_numbers_is_refused)
{
	struct forge forge;

	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_record(&forge, PR_EVENT_SNAPSHOT, UINT64_MAX, false, 0);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_record(&forge, PR_EVENT_SNAPSHOT, 0, false, 0);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
}
END_TEST

static void fill_use(TCase *tcase)
{
	tcase_add_test(tcase, empty_store_is_an_empty_journal);
	tcase_add_test(tcase, first_batch_makes_the_file_through_replace);
	tcase_add_test(tcase, first_batch_after_a_restart_makes_a_new_file);
	tcase_add_test(tcase, durable_batch_is_one_write_one_sync_and_a_mark);
	tcase_add_test(tcase, volatile_batch_is_one_write);
	tcase_add_test(tcase, records_of_a_batch_share_one_sync);
	tcase_add_test(tcase, durable_batch_without_records_syncs_what_went_before);
	tcase_add_test(tcase, synced_upto_tells_exactly_what_was_synced);
	tcase_add_test(tcase, scan_tells_all_records_oldest_first);
	tcase_add_test(tcase, next_sequence_counts_the_pending_power_on);
	tcase_add_test(tcase, history_survives_restarts);
	tcase_add_loop_test(tcase, history_is_bounded_by_its_count, 0, 5);
	tcase_add_test(tcase, power_on_record_tells_that_everything_was_dropped);
	tcase_add_test(tcase, power_on_record_is_without_changes_when_state_was_kept);
	tcase_add_test(tcase, power_on_record_waits_until_a_batch_succeeds);
	tcase_add_loop_test(tcase, failed_call_fails_the_batch_and_the_next_one_makes_a_new_file, 0,
			    4);
	tcase_add_loop_test(tcase, failed_batch_is_taken_out_of_the_file, 0, 2);
	tcase_add_test(tcase, failed_mark_does_not_fail_the_batch);
	tcase_add_test(tcase, volatile_state_installed_over_an_error_is_in_the_next_file);
	tcase_add_test(tcase, sequence_is_never_given_twice);
	tcase_add_test(tcase, abandoned_batch_leaves_no_trace);
	tcase_add_test(tcase, file_is_compacted_when_it_has_grown_large);
	tcase_add_test(tcase, history_is_bounded_by_its_bytes);
	tcase_add_test(tcase, failed_compaction_leaves_the_old_file_in_force);
}

static void fill_recovery(TCase *tcase)
{
	tcase_add_test(tcase, everything_acknowledged_is_recovered);
	tcase_add_test(tcase, record_longer_than_one_read_is_recovered);
	tcase_add_test(tcase, recovery_survives_restart_after_restart);
	tcase_add_test(tcase, state_without_aptpl_is_dropped_at_power_on);
	tcase_add_test(tcase, dropped_state_stays_dropped_when_aptpl_comes_back);
	tcase_add_test(tcase, volatile_registrations_are_kept_once_aptpl_is_on);
	tcase_add_test(tcase, open_syncs_what_it_read_and_writes_nothing);
	tcase_add_test(tcase, open_fails_when_what_it_read_cannot_be_synced);
	tcase_add_test(tcase, store_that_cannot_be_read_is_an_io_error);
	tcase_add_test(tcase, any_identity_will_do_for_tools);
	tcase_add_test(tcase, torn_last_record_is_cut_off);
	tcase_add_test(tcase, torn_tail_is_gone_after_the_first_batch);
	tcase_add_test(tcase, damaged_acknowledged_record_is_damage_even_as_the_last_one);
	tcase_add_test(tcase, damage_in_front_of_a_torn_tail_is_still_damage);
	tcase_add_test(tcase, record_that_was_cut_out_is_damage);
	tcase_add_test(tcase, file_cut_in_its_first_part_is_damage);
	tcase_add_test(tcase, bytes_of_an_older_file_behind_the_end_are_a_torn_tail);
	tcase_add_loop_test(tcase, text_is_foreign, 1, 60);
	tcase_add_loop_test(tcase, journal_of_another_lun_is_foreign_and_says_whose, 0, 2);
	tcase_add_test(tcase, more_registrations_than_the_limit_are_too_big);
	tcase_add_loop_test(tcase, record_that_makes_no_sense_is_damage, 0, 2);
	tcase_add_test(tcase, file_without_a_snapshot_is_damage);
	tcase_add_loop_test(tcase, record_out_of_its_place_does_not_count, 0, 6);
	tcase_add_test(tcase, history_records_must_rise_up_to_the_snapshot);
	tcase_add_test(tcase, mark_must_have_the_sequence_in_front_of_it);
	tcase_add_test(tcase, only_a_synced_upto_above_the_hole_is_evidence);
	tcase_add_test(tcase, frame_longer_than_the_file_is_a_torn_tail);
	tcase_add_test(tcase, sequence_near_the_end_of_numbers_is_refused);
}

static void fill(TCase *tcase)
{
	fill_use(tcase);
	fill_recovery(tcase);
}

int main(void)
{
	return suite_run("journal", fill);
}
