/* Mode pages that are saved, and the store that they are saved in. */
#include <errno.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/saved.h"
#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

#define DBD   0x08
#define PF    0x10
#define SP    0x01
#define SAVED 0xc0

static const uint8_t caching[20] = {0x08, 0x12, 0x04};
static const uint8_t control[12] = {0x0a, 0x0a, 0x02, 0x10, 0, 0, 0, 0, 0xff, 0xff};

static struct fixture *f;
static struct scsi_nexus *a, *b;

static void login(void)
{
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
}

static void setup(void)
{
	f = fixture_create(
		&(struct fixture_config){.profile = &pr_profile_spc4, .luns = 2, .saves = true});
	login();
}

static void teardown(void)
{
	fixture_free(&f);
}

static const uint8_t *page_of(uint8_t page_control_and_code)
{
	const struct fixture_result *result =
		FIXTURE_CDB(f, a, 255, 0x1a, DBD, page_control_and_code, 0, 255, 0);

	fixture_good(result);
	return result->data + 4;
}

/* A list with one page behind its header, changed in one byte of the page. */
static struct fixture_task *start_select(struct scsi_nexus *nexus, uint8_t flags,
					 const uint8_t *page, uint8_t page_len, size_t byte,
					 uint8_t value)
{
	uint8_t list[64] = {0};
	const uint8_t cdb[6] = {0x15, (uint8_t)(PF | flags), 0, 0, (uint8_t)(4 + page_len), 0};
	struct fixture_command command = {
		.cdb = cdb, .cdb_len = 6, .out = list, .out_len = 4u + page_len};

	memcpy(list + 4, page, page_len);
	list[4 + byte] = value;
	return fixture_start(f, nexus, &command);
}

static const struct fixture_result *select_page(uint8_t flags, const uint8_t *page,
						uint8_t page_len, size_t byte, uint8_t value)
{
	struct fixture_task *task = start_select(a, flags, page, page_len, byte, value);

	fixture_settle(f);
	return fixture_result(task);
}

START_TEST(pages_that_can_be_saved_say_so)
{
	ck_assert_uint_eq(page_of(0x08)[0], 0x88);
	ck_assert_uint_eq(page_of(0x0a)[0], 0x8a);
	ck_assert_uint_eq(page_of(SAVED | 0x08)[0], 0x88);
	ck_assert_uint_eq(page_of(0x1c)[0], 0x1c); /* nothing of it can be changed */
}
END_TEST

START_TEST(saved_values_are_the_defaults_until_something_is_saved)
{
	fixture_good(select_page(0, caching, 20, 2, 0x05));
	ck_assert_uint_eq(page_of(0x08)[2], 0x05);
	ck_assert_uint_eq(page_of(SAVED | 0x08)[2], 0x04);
	ck_assert_uint_eq(f->saved[0].writes, 0);
	ck_assert_int_eq(fixture_restart(f), 0);
	login();
	ck_assert_uint_eq(page_of(0x08)[2], 0x04);
}
END_TEST

START_TEST(what_is_saved_outlives_a_restart)
{
	fixture_good(select_page(SP, caching, 20, 2, 0x01));
	fixture_good(select_page(SP, control, 12, 5, 0x40));
	ck_assert_uint_eq(page_of(SAVED | 0x08)[2], 0x01);
	ck_assert_uint_eq(f->saved[0].syncs, 2);
	ck_assert_int_eq(fixture_restart(f), 0);
	login();
	ck_assert_uint_eq(page_of(0x08)[2], 0x01);
	ck_assert_uint_eq(page_of(SAVED | 0x08)[2], 0x01);
	ck_assert_uint_eq(page_of(0x80 | 0x08)[2], 0x04);
	ck_assert_uint_eq(page_of(0x0a)[5], 0x40);
	f->lun = 1;
	ck_assert_uint_eq(page_of(0x08)[2], 0x04);
}
END_TEST

START_TEST(what_is_saved_outlives_a_reset_and_what_is_not_does_not)
{
	fixture_good(select_page(SP, caching, 20, 2, 0x05));
	fixture_good(select_page(0, control, 12, 2, 0x06));
	scsi_mode_reset(fixture_lun(f));
	ck_assert_uint_eq(page_of(0x08)[2], 0x05);
	ck_assert_uint_eq(page_of(0x0a)[2], 0x02);
}
END_TEST

START_TEST(all_pages_are_saved_whichever_were_sent)
{
	fixture_good(select_page(0, control, 12, 4, 0x08));
	fixture_good(DISK_OUT(f, a, NULL, 0, 0x15, PF | SP, 0, 0, 0, 0));
	ck_assert_uint_eq(page_of(SAVED | 0x0a)[4], 0x08);
}
END_TEST

START_TEST(nothing_changes_when_it_cannot_be_saved)
{
	f->saved[0].error = -EIO;
	fixture_sense(select_page(SP, caching, 20, 2, 0x05), 0x4, 0x44, 0x00);
	f->saved[0].error = -ENOSPC;
	fixture_sense(select_page(SP, caching, 20, 2, 0x05), 0x5, 0x55, 0x03);
	ck_assert_uint_eq(page_of(0x08)[2], 0x04);
	ck_assert_uint_eq(page_of(SAVED | 0x08)[2], 0x04);
	fixture_good(fixture_test_unit_ready(f, b));
	f->saved[0].error = 0;
	fixture_good(select_page(SP, caching, 20, 2, 0x05));
	fixture_sense(fixture_test_unit_ready(f, b), 0x6, 0x2a, 0x01);
}
END_TEST

START_TEST(a_change_takes_effect_and_is_answered_when_it_is_durable)
{
	struct fixture_task *task = start_select(a, SP, caching, 20, 2, 0x05);

	ck_assert_int_eq(task->state, FIXTURE_RUNNING);
	ck_assert_uint_eq(page_of(0x08)[2], 0x04); /* settles when it has been answered */
	fixture_good(fixture_result(task));
	ck_assert_uint_eq(page_of(0x08)[2], 0x05);
}
END_TEST

START_TEST(changes_follow_each_other_and_none_is_lost)
{
	struct fixture_task *first = start_select(a, SP, caching, 20, 2, 0x05);
	struct fixture_task *second = start_select(b, 0, control, 12, 4, 0x08);
	struct fixture_task *third = start_select(a, SP, control, 12, 4, 0x00);

	ck_assert_int_eq(second->state, FIXTURE_RUNNING);
	fixture_settle(f);
	fixture_good(fixture_result(first));
	fixture_good(fixture_result(second));
	fixture_good(fixture_result(third));
	ck_assert_uint_lt(first->order, second->order);
	ck_assert_uint_lt(second->order, third->order);
	fixture_drain_unit_attentions(f, a);
	ck_assert_uint_eq(page_of(0x08)[2], 0x05);
	ck_assert_uint_eq(page_of(0x0a)[4], 0x00);
	ck_assert_uint_eq(page_of(SAVED | 0x08)[2], 0x05);
}
END_TEST

START_TEST(an_aborted_change_in_the_queue_never_was)
{
	struct fixture_task *first = start_select(a, SP, caching, 20, 2, 0x05);
	struct fixture_task *second = start_select(b, SP, control, 12, 4, 0x08);
	struct scsi_drain drain;

	scsi_drain_begin(&drain, fixture_lun(f), NULL, NULL);
	ck_assert_uint_eq(scsi_task_set_abort(b->luns[0], NULL, false, &drain), 1);
	scsi_drain_seal(&drain);
	ck_assert_int_eq(second->state, FIXTURE_ABORTED);
	fixture_settle(f);
	fixture_good(fixture_result(first));
	ck_assert_uint_eq(page_of(0x0a)[4], 0x00);
	ck_assert_uint_eq(f->saved[0].writes, 1);
}
END_TEST

START_TEST(an_aborted_change_that_is_being_written_takes_effect_unanswered)
{
	struct fixture_task *task = start_select(b, SP, caching, 20, 2, 0x00);
	struct scsi_drain drain;

	scsi_drain_begin(&drain, fixture_lun(f), NULL, NULL);
	scsi_task_set_abort(b->luns[0], NULL, false, &drain);
	scsi_drain_seal(&drain);
	ck_assert_int_eq(task->state, FIXTURE_RUNNING);
	fixture_settle(f);
	ck_assert_int_eq(task->state, FIXTURE_ABORTED);
	fixture_drain_unit_attentions(f, a);
	ck_assert_uint_eq(page_of(0x08)[2], 0x00);
	ck_assert_uint_eq(page_of(SAVED | 0x08)[2], 0x00);
}
END_TEST

START_TEST(an_aborted_change_whose_turn_has_come_takes_effect_unanswered)
{
	struct scsi_drain drain;

	start_select(a, SP, caching, 20, 2, 0x05);
	struct fixture_task *task = start_select(b, SP, control, 12, 4, 0x08);
	scsi_executor_reap(f->executor); /* the first is written, the second begins */
	scsi_drain_begin(&drain, fixture_lun(f), NULL, NULL);
	scsi_task_set_abort(b->luns[0], NULL, false, &drain);
	scsi_drain_seal(&drain);
	ck_assert_int_eq(task->state, FIXTURE_RUNNING);
	fixture_settle(f);
	ck_assert_int_eq(task->state, FIXTURE_ABORTED);
	fixture_drain_unit_attentions(f, a);
	ck_assert_uint_eq(page_of(SAVED | 0x0a)[4], 0x08);
}
END_TEST

START_TEST(a_nexus_may_go_while_its_change_is_written)
{
	start_select(b, SP, caching, 20, 2, 0x05);
	start_select(b, SP, control, 12, 4, 0x08);
	fixture_logout(f, b);
	fixture_drain_unit_attentions(f, a);
	ck_assert_uint_eq(page_of(0x08)[2], 0x05);
	ck_assert_uint_eq(page_of(0x0a)[4], 0x00);
}
END_TEST

START_TEST(switching_the_cache_off_for_good_flushes_it)
{
	unsigned before = f->disks[0].requests;

	fixture_good(select_page(SP, caching, 20, 2, 0x00));
	ck_assert_uint_eq(f->disks[0].requests, before + 1);
}
END_TEST

/* ---- the store's content ---- */

START_TEST(a_damaged_store_keeps_the_lun_offline)
{
	fixture_good(select_page(SP, caching, 20, 2, 0x05));
	for (size_t i = 0; i < f->saved[0].len; i++) {
		f->saved[0].bytes[i] ^= 0x10;
		ck_assert_int_eq(fixture_restart(f), -EBADMSG);
		f->saved[0].bytes[i] ^= 0x10;
	}
	ck_assert_int_eq(fixture_restart(f), 0);
}
END_TEST

START_TEST(a_store_that_was_cut_or_has_a_tail_keeps_the_lun_offline)
{
	fixture_good(select_page(SP, caching, 20, 2, 0x05));
	size_t whole = f->saved[0].len;

	for (size_t len = 1; len < whole; len++) {
		f->saved[0].len = len;
		ck_assert_int_eq(fixture_restart(f), -EBADMSG);
	}
	f->saved[0].len = whole + 1; /* there is a byte more than it says */
	ck_assert_int_eq(fixture_restart(f), -EBADMSG);
	f->saved[0].len = whole;
	ck_assert_int_eq(fixture_restart(f), 0);
}
END_TEST

START_TEST(the_longest_values_fit)
{
	struct scsi_saved_values values = {0};
	uint8_t image[SCSI_SAVED_IMAGE_MAX];

	for (unsigned i = 0; i < SCSI_IDENTIFYING_COUNT; i++)
		values.identifying[i].len = SCSI_IDENTIFYING_TEXT_MAX;
	ck_assert_uint_lt(scsi_saved_encode(fixture_lun(f), &values, image), sizeof(image));
}
END_TEST

START_TEST(a_value_that_the_profile_forbids_by_now_is_left_at_its_default)
{
	fixture_good(select_page(SP, control, 12, 5, 0x40));
	f->config.profile = &pr_profile_dlt_s4;
	ck_assert_int_eq(fixture_restart(f), 0);
	login();
	ck_assert_uint_eq(page_of(0x0a)[5], 0x00);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, pages_that_can_be_saved_say_so);
	tcase_add_test(tcase, saved_values_are_the_defaults_until_something_is_saved);
	tcase_add_test(tcase, what_is_saved_outlives_a_restart);
	tcase_add_test(tcase, what_is_saved_outlives_a_reset_and_what_is_not_does_not);
	tcase_add_test(tcase, all_pages_are_saved_whichever_were_sent);
	tcase_add_test(tcase, nothing_changes_when_it_cannot_be_saved);
	tcase_add_test(tcase, a_change_takes_effect_and_is_answered_when_it_is_durable);
	tcase_add_test(tcase, changes_follow_each_other_and_none_is_lost);
	tcase_add_test(tcase, an_aborted_change_in_the_queue_never_was);
	tcase_add_test(tcase, an_aborted_change_that_is_being_written_takes_effect_unanswered);
	tcase_add_test(tcase, an_aborted_change_whose_turn_has_come_takes_effect_unanswered);
	tcase_add_test(tcase, a_nexus_may_go_while_its_change_is_written);
	tcase_add_test(tcase, switching_the_cache_off_for_good_flushes_it);
	tcase_add_test(tcase, a_damaged_store_keeps_the_lun_offline);
	tcase_add_test(tcase, a_store_that_was_cut_or_has_a_tail_keeps_the_lun_offline);
	tcase_add_test(tcase, the_longest_values_fit);
	tcase_add_test(tcase, a_value_that_the_profile_forbids_by_now_is_left_at_its_default);
}

int main(void)
{
	return suite_run("target/saved", fill);
}
