/*
 * Opening a journal: what is recovered, synced, and dropped at power on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/unit/pr_engine/journal_rig.h"

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
	again.state = state_new(RIG_CAPACITY);
	again.journal = NULL;
	ck_assert_int_eq(pr_journal_open(&again.memory->store, &rig_identity, RIG_TIME_MS, 10,
					 again.state, &again.report, &again.journal),
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
	struct pr_state *state = state_new(RIG_CAPACITY);
	ck_assert_int_eq(
		pr_journal_open(&rig.memory->store, NULL, RIG_TIME_MS, 0, state, &report, &journal),
		0);
	ck_assert_uint_eq(pr_state_count(state), 2);
	pr_journal_free(&journal);
	free(state);
	rig_close(&rig);
}
END_TEST

START_TEST(file_without_bytes_is_damage)
{
	struct bytes nothing = {0};
	struct rig rig = {.memory = store_memory_open(NULL), .state = state_new(RIG_CAPACITY)};

	rig.memory->is_there = true;
	ck_assert_int_eq(pr_journal_open(&rig.memory->store, &rig_identity, RIG_TIME_MS, 10,
					 rig.state, &rig.report, &rig.journal),
			 -EUCLEAN);
	ck_assert_ptr_null(rig.journal);
	ck_assert_int_eq(rig.report.health, PR_JOURNAL_DAMAGED);
	ck_assert_ptr_nonnull(strstr(rig.report.explanation, "no bytes"));
	rig_close(&rig);
	/* A missing file is a new journal. */
	ck_assert_int_eq(rig_try(&rig, &nothing, 10), 0);
	ck_assert_int_eq(rig.report.health, PR_JOURNAL_EMPTY);
	rig_close(&rig);
}
END_TEST

static void fill(TCase *tcase)
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
	tcase_add_test(tcase, file_without_bytes_is_damage);
}

int main(void)
{
	return suite_run("journal_open", fill);
}
