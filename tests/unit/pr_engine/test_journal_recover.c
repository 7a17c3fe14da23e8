/*
 * What a damaged journal file is taken for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "pr_engine/journal_record.h"
#include "tests/unit/pr_engine/journal_rig.h"

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
	struct pr_journal_identity other = rig_identity;
	struct pr_journal *journal = NULL;
	struct pr_journal_report report;
	struct rig rig;

	rig_filled(&rig, 1);
	if (_i == 0)
		other.lun = 4;
	else
		strcpy(other.target_name, "iqn.2024-01.org.example:other");
	struct pr_state *state = state_new(RIG_CAPACITY);
	ck_assert_int_eq(pr_journal_open(&rig.memory->store, &other, RIG_TIME_MS, 0, state, &report,
					 &journal),
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
	ck_assert_int_eq(pr_journal_open(&rig.memory->store, &rig_identity, RIG_TIME_MS, 0, state,
					 &report, &journal),
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

static void fill(TCase *tcase)
{
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
}

int main(void)
{
	return suite_run("journal_recover", fill);
}
