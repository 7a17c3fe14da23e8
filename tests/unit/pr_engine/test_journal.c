/*
 * The journal at work: batches, and calls that fail under it.
 */
#include <errno.h>

#include "pr_engine/journal_record.h"
#include "tests/unit/pr_engine/journal_rig.h"

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

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, empty_store_is_an_empty_journal);
	tcase_add_test(tcase, first_batch_makes_the_file_through_replace);
	tcase_add_test(tcase, first_batch_after_a_restart_makes_a_new_file);
	tcase_add_test(tcase, durable_batch_is_one_write_one_sync_and_a_mark);
	tcase_add_test(tcase, volatile_batch_is_one_write);
	tcase_add_test(tcase, records_of_a_batch_share_one_sync);
	tcase_add_test(tcase, durable_batch_without_records_syncs_what_went_before);
	tcase_add_test(tcase, synced_upto_tells_exactly_what_was_synced);
	tcase_add_loop_test(tcase, failed_call_fails_the_batch_and_the_next_one_makes_a_new_file, 0,
			    4);
	tcase_add_loop_test(tcase, failed_batch_is_taken_out_of_the_file, 0, 2);
	tcase_add_test(tcase, failed_mark_does_not_fail_the_batch);
	tcase_add_test(tcase, volatile_state_installed_over_an_error_is_in_the_next_file);
	tcase_add_test(tcase, sequence_is_never_given_twice);
	tcase_add_test(tcase, abandoned_batch_leaves_no_trace);
}

int main(void)
{
	return suite_run("journal", fill);
}
