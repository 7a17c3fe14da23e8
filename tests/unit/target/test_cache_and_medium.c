/* SYNCHRONIZE CACHE, PRE-FETCH, START STOP UNIT, PREVENT ALLOW MEDIUM REMOVAL. */
#include <errno.h>

#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

#define START 0x01
#define LOEJ  0x02

static struct fixture *f;
static struct scsi_nexus *a, *b;

static void setup(void)
{
	f = fixture_create(&(struct fixture_config){.removable = true});
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
}

static void teardown(void)
{
	fixture_free(&f);
}

static const struct fixture_result *synchronize_cache(uint8_t flags, uint8_t lba, uint8_t blocks)
{
	return FIXTURE_CDB(f, a, 0, 0x35, flags, 0, 0, 0, lba, 0, 0, blocks, 0);
}

static const struct fixture_result *start_stop(uint8_t byte_4)
{
	return FIXTURE_CDB(f, a, 0, 0x1b, 0, 0, 0, byte_4, 0);
}

static const struct fixture_result *prevent(struct scsi_nexus *nexus, uint8_t value)
{
	return FIXTURE_CDB(f, nexus, 0, 0x1e, 0, 0, 0, value, 0);
}

static struct fixture_task *start_synchronize(struct scsi_nexus *nexus, uint8_t flags)
{
	const uint8_t cdb[] = {0x35, flags, 0, 0, 0, 0, 0, 0, 0, 0};

	return fixture_start(f, nexus, &(struct fixture_command){.cdb = cdb, .cdb_len = 10});
}

START_TEST(good_comes_only_after_the_flush)
{
	f->disks[0].hold = true;
	struct fixture_task *task = start_synchronize(a, 0);
	ck_assert_int_eq(task->state, FIXTURE_RUNNING);
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	ck_assert_int_eq(f->disks[0].held[0]->op, BACKING_FLUSH);
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(task));
}
END_TEST

START_TEST(with_immed_good_comes_before_the_flush)
{
	f->disks[0].hold = true;
	fixture_good(fixture_result(start_synchronize(a, 0x02)));
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	ck_assert_int_eq(f->disks[0].held[0]->op, BACKING_FLUSH);
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_test_unit_ready(f, a));
}
END_TEST

START_TEST(an_error_behind_the_status_is_deferred_and_told_once_to_who_asked)
{
	f->disks[0].hold = true;
	start_synchronize(a, 0x02);
	f->disks[0].next_error = -EIO;
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_test_unit_ready(f, b));
	const struct fixture_result *result = fixture_test_unit_ready(f, a);
	ck_assert_uint_eq(result->response_code, 0x71);
	fixture_sense(result, 0x3, 0x0c, 0x00);
	fixture_good(fixture_test_unit_ready(f, a));
}
END_TEST

START_TEST(a_deferred_error_comes_behind_unit_attentions)
{
	f->disks[0].next_error = -EIO;
	start_synchronize(a, 0x02);
	scsi_ua_raise(&a->luns[0]->unit_attentions, SCSI_UA_CAPACITY_CHANGED);
	fixture_good(FIXTURE_CDB(f, a, 36, 0x12, 0, 0, 0, 36, 0));
	fixture_sense(fixture_test_unit_ready(f, a), 0x6, 0x2a, 0x09);
	fixture_sense(fixture_test_unit_ready(f, a), 0x3, 0x0c, 0x00);
}
END_TEST

START_TEST(request_sense_tells_and_clears_a_deferred_error)
{
	f->disks[0].next_error = -EIO;
	start_synchronize(a, 0x02);
	const struct fixture_result *result = FIXTURE_CDB(f, a, 252, 0x03, 0, 0, 0, 252, 0);
	fixture_good(result);
	ck_assert_uint_eq(result->data[0], 0x71);
	ck_assert_uint_eq(result->data[2], 0x3);
	ck_assert_uint_eq(result->data[12], 0x0c);
	fixture_good(fixture_test_unit_ready(f, a));
}
END_TEST

START_TEST(descriptor_sense_has_its_own_code_for_it)
{
	fixture_lun(f)->mode.descriptor_sense = true;
	f->disks[0].next_error = -EIO;
	start_synchronize(a, 0x02);
	ck_assert_uint_eq(fixture_test_unit_ready(f, a)->response_code, 0x73);
}
END_TEST

START_TEST(many_that_do_not_wait_take_two_flushes)
{
	f->disks[0].hold = true;
	for (unsigned i = 0; i < 100; i++)
		fixture_good(fixture_result(start_synchronize(i % 2 ? a : b, 0x02)));
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	test_disk_release(&f->disks[0]);
	ck_assert_uint_eq(f->disks[0].requests, 2);
}
END_TEST

/* The first flush was b's alone; what fails is the one behind it. */
START_TEST(who_asked_for_another_flush_hears_nothing)
{
	struct test_disk *disk = &f->disks[0];

	disk->hold = true;
	start_synchronize(b, 0x02);
	start_synchronize(a, 0x02);
	struct backing_request *first = disk->held[0];
	disk->held_count = 0;
	first->done(first);
	disk->next_error = -EIO;
	test_disk_release(disk);
	fixture_good(fixture_test_unit_ready(f, b));
	fixture_sense(fixture_test_unit_ready(f, a), 0x3, 0x0c, 0x00);
}
END_TEST

START_TEST(a_flush_outlives_who_asked_for_it)
{
	bool closed;

	f->disks[0].hold = true;
	start_synchronize(a, 0x02);
	fixture_drop(a, &closed);
	ck_assert(closed);
	f->disks[0].next_error = -EIO;
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_test_unit_ready(f, fixture_login(f, 'a')));
}
END_TEST

START_TEST(a_flush_that_fails_is_told)
{
	f->disks[0].next_error = -EIO;
	fixture_sense(synchronize_cache(0, 0, 0), 0x3, 0x0c, 0x00);
}
END_TEST

START_TEST(the_range_to_synchronize_is_checked)
{
	fixture_good(synchronize_cache(0, 255, 1));
	fixture_good(synchronize_cache(0, 255, 0));
	fixture_sense(synchronize_cache(0, 255, 2), 0x5, 0x21, 0x00);
	fixture_good(FIXTURE_CDB(f, a, 0, 0x91, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
}
END_TEST

START_TEST(prefetch_checks_its_range_and_claims_nothing)
{
	fixture_good(FIXTURE_CDB(f, a, 0, 0x34, 0, 0, 0, 0, 255, 0, 0, 1, 0));
	fixture_sense(FIXTURE_CDB(f, a, 0, 0x34, 0, 0, 0, 0, 255, 0, 0, 2, 0), 0x5, 0x21, 0x00);
	fixture_good(FIXTURE_CDB(f, a, 0, 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0));
}
END_TEST

START_TEST(prefetch_tells_the_store_which_range)
{
	static const uint8_t cdb[] = {0x34, 0x02, 0, 0, 0, 250, 0x1f, 0, 0, 0};

	f->disks[0].hold = true;
	struct fixture_task *task =
		fixture_start(f, a, &(struct fixture_command){.cdb = cdb, .cdb_len = 10});
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	ck_assert_int_eq(f->disks[0].held[0]->op, BACKING_PREFETCH);
	ck_assert_uint_eq(f->disks[0].held[0]->offset, 250 * FIXTURE_BLOCK);
	ck_assert_uint_eq(f->disks[0].held[0]->len, 6 * FIXTURE_BLOCK); /* 0: to the end */
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(task));
	fixture_good(FIXTURE_CDB(f, a, 0, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0)); /* behind the end */
}
END_TEST

START_TEST(a_stopped_lun_wants_to_be_started)
{
	fixture_lun(f)->config.removable = false;
	fixture_good(start_stop(0));
	ck_assert_uint_eq(f->disks[0].requests, 1); /* the flush */
	fixture_sense(fixture_test_unit_ready(f, a), 0x2, 0x04, 0x02);
	fixture_sense(fixture_read(f, b, 0, 1), 0x2, 0x04, 0x02);
	fixture_good(start_stop(START));
	fixture_good(fixture_test_unit_ready(f, a));
	fixture_good(fixture_test_unit_ready(f, b));
}
END_TEST

START_TEST(a_removable_medium_has_nothing_that_stops)
{
	fixture_good(start_stop(0));
	ck_assert_uint_eq(f->disks[0].requests, 1); /* the flush */
	fixture_good(fixture_test_unit_ready(f, a));
	fixture_good(fixture_test_unit_ready(f, b));
}
END_TEST

START_TEST(a_lun_whose_cache_cannot_be_flushed_does_not_stop)
{
	f->disks[0].next_error = -EIO;
	fixture_sense(start_stop(0), 0x3, 0x0c, 0x00);
	fixture_good(fixture_test_unit_ready(f, a));
}
END_TEST

START_TEST(an_ejected_medium_is_not_there_until_it_is_loaded)
{
	fixture_good(start_stop(LOEJ));
	fixture_sense(fixture_test_unit_ready(f, a), 0x2, 0x3a, 0x00);
	fixture_sense(start_stop(START), 0x2, 0x3a, 0x00);
	fixture_good(start_stop(0));
	fixture_sense(fixture_test_unit_ready(f, a), 0x2, 0x3a, 0x00);
	fixture_good(start_stop(START | LOEJ));
	fixture_good(fixture_test_unit_ready(f, a));
	/* The others cannot know that it is the same one. */
	fixture_sense(fixture_test_unit_ready(f, b), 0x6, 0x28, 0x00);
	fixture_good(fixture_test_unit_ready(f, b));
}
END_TEST

START_TEST(a_fixed_disk_has_nothing_to_eject)
{
	fixture_lun(f)->config.removable = false;
	disk_invalid_cdb(start_stop(LOEJ), 4, 1);
	disk_invalid_cdb(start_stop(START | LOEJ), 4, 1);
	fixture_good(fixture_test_unit_ready(f, a));
}
END_TEST

START_TEST(with_a_power_condition_nothing_stops)
{
	fixture_good(start_stop(0x30 | LOEJ));
	fixture_good(fixture_test_unit_ready(f, a));
}
END_TEST

START_TEST(any_nexus_can_prevent_removal)
{
	fixture_good(prevent(b, 1));
	fixture_sense(start_stop(LOEJ), 0x5, 0x53, 0x02);
	fixture_good(prevent(a, 0));
	fixture_sense(start_stop(LOEJ), 0x5, 0x53, 0x02);
	fixture_good(prevent(b, 0));
	fixture_good(start_stop(LOEJ));
}
END_TEST

START_TEST(nor_can_it_be_loaded_while_that_is_prevented)
{
	fixture_good(start_stop(LOEJ));
	fixture_good(prevent(b, 1));
	fixture_sense(start_stop(START | LOEJ), 0x5, 0x53, 0x02);
	fixture_good(prevent(b, 0));
	fixture_good(start_stop(START | LOEJ));
}
END_TEST

START_TEST(who_prevented_removal_and_left_prevents_it_no_more)
{
	fixture_good(prevent(b, 1));
	fixture_logout(f, b);
	fixture_good(start_stop(LOEJ));
}
END_TEST

START_TEST(the_medium_changers_prevent_is_refused)
{
	disk_invalid_cdb(prevent(a, 2), 4, 1);
	disk_invalid_cdb(prevent(a, 3), 4, 1);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, good_comes_only_after_the_flush);
	tcase_add_test(tcase, with_immed_good_comes_before_the_flush);
	tcase_add_test(tcase, an_error_behind_the_status_is_deferred_and_told_once_to_who_asked);
	tcase_add_test(tcase, a_deferred_error_comes_behind_unit_attentions);
	tcase_add_test(tcase, request_sense_tells_and_clears_a_deferred_error);
	tcase_add_test(tcase, descriptor_sense_has_its_own_code_for_it);
	tcase_add_test(tcase, many_that_do_not_wait_take_two_flushes);
	tcase_add_test(tcase, who_asked_for_another_flush_hears_nothing);
	tcase_add_test(tcase, a_flush_outlives_who_asked_for_it);
	tcase_add_test(tcase, a_flush_that_fails_is_told);
	tcase_add_test(tcase, the_range_to_synchronize_is_checked);
	tcase_add_test(tcase, prefetch_checks_its_range_and_claims_nothing);
	tcase_add_test(tcase, prefetch_tells_the_store_which_range);
	tcase_add_test(tcase, a_stopped_lun_wants_to_be_started);
	tcase_add_test(tcase, a_removable_medium_has_nothing_that_stops);
	tcase_add_test(tcase, a_lun_whose_cache_cannot_be_flushed_does_not_stop);
	tcase_add_test(tcase, an_ejected_medium_is_not_there_until_it_is_loaded);
	tcase_add_test(tcase, a_fixed_disk_has_nothing_to_eject);
	tcase_add_test(tcase, with_a_power_condition_nothing_stops);
	tcase_add_test(tcase, any_nexus_can_prevent_removal);
	tcase_add_test(tcase, nor_can_it_be_loaded_while_that_is_prevented);
	tcase_add_test(tcase, who_prevented_removal_and_left_prevents_it_no_more);
	tcase_add_test(tcase, the_medium_changers_prevent_is_refused);
}

int main(void)
{
	return suite_run("target/sbc_misc", fill);
}
