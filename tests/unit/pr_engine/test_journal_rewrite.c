/*
 * What a rewritten file keeps: sequences, history, power on; and when it is written.
 */
#include <errno.h>

#include "pr_engine/bytes.h"
#include "tests/unit/pr_engine/journal_rig.h"

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
		ck_assert_uint_eq(scanned.records[i].meta.time_ms, RIG_TIME_MS);
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

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, scan_tells_all_records_oldest_first);
	tcase_add_test(tcase, next_sequence_counts_the_pending_power_on);
	tcase_add_test(tcase, history_survives_restarts);
	tcase_add_loop_test(tcase, history_is_bounded_by_its_count, 0, 5);
	tcase_add_test(tcase, power_on_record_tells_that_everything_was_dropped);
	tcase_add_test(tcase, power_on_record_is_without_changes_when_state_was_kept);
	tcase_add_test(tcase, power_on_record_waits_until_a_batch_succeeds);
	tcase_add_test(tcase, file_is_compacted_when_it_has_grown_large);
	tcase_add_test(tcase, history_is_bounded_by_its_bytes);
	tcase_add_test(tcase, failed_compaction_leaves_the_old_file_in_force);
}

int main(void)
{
	return suite_run("journal_rewrite", fill);
}
