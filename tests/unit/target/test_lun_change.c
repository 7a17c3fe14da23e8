/* LUNs that come, go and grow while the target serves. */
#include <errno.h>

#include "pr_engine/bytes.h"
#include "target/lun.h"
#include "tests/support/suite.h"
#include "tests/support/target_fixture.h"

#define expect_gone(result_) fixture_sense((result_), 0x05, 0x25, 0x00)

static struct fixture *f;
static struct scsi_nexus *a, *b;
static unsigned removed;

static void setup(void)
{
	f = fixture_create(&(struct fixture_config){.luns = 2});
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
	removed = 0;
}

static void teardown(void)
{
	f->lun = 0;
	fixture_check(f);
	fixture_free(&f);
}

static void note_removed(void *context)
{
	(void)context;
	removed++;
}

static void remove_lun_1(void)
{
	ck_assert_int_eq(scsi_target_remove_lun(f->target, 1, note_removed, NULL), 0);
	ck_assert_uint_eq(removed, 0);
}

static int add_lun_1(void)
{
	struct scsi_lun_config config;

	scsi_lun_config_init(&config);
	config.number = 1;
	config.backing = &f->disks[1].backing;
	config.store = &f->stores[1].store;
	return scsi_target_add_lun(f->target, &config, NULL);
}

static const struct fixture_result *on_lun(uint16_t lun, struct scsi_nexus *nexus)
{
	f->lun = lun;
	const struct fixture_result *result = fixture_test_unit_ready(f, nexus);
	f->lun = 0;
	return result;
}

/* ---- going ---- */

START_TEST(a_lun_that_was_removed_is_not_there)
{
	static const uint8_t inquiry[] = {0x12, 0, 0, 0, 36, 0};

	remove_lun_1();
	expect_gone(on_lun(1, a));
	fixture_settle(f);
	ck_assert_uint_eq(removed, 1);
	expect_gone(on_lun(1, a));
	f->lun = 1;
	const struct fixture_result *result = fixture_do(
		f, a, &(struct fixture_command){.cdb = inquiry, .cdb_len = 6, .in_len = 36});
	fixture_good(result);
	ck_assert_uint_eq(result->data[0], 0x7f);
	ck_assert_int_eq(scsi_target_remove_lun(f->target, 1, NULL, NULL), -ENOENT);
}
END_TEST

START_TEST(everybody_is_told_on_the_other_luns)
{
	remove_lun_1();
	fixture_sense(on_lun(0, a), 0x06, 0x3f, 0x0e);
	fixture_sense(on_lun(0, b), 0x06, 0x3f, 0x0e);
	fixture_good(on_lun(0, a));
}
END_TEST

START_TEST(report_luns_shows_it_and_clears_what_was_to_be_told)
{
	static const uint8_t cdb[12] = {0xa0, [9] = 64};

	remove_lun_1();
	const struct fixture_result *result = fixture_do(
		f, a, &(struct fixture_command){.cdb = cdb, .cdb_len = 12, .in_len = 64});
	ck_assert_uint_eq(get_be32(result->data), 8);
	fixture_good(on_lun(0, a));
}
END_TEST

START_TEST(commands_at_work_end_as_they_would_have)
{
	f->disks[1].hold = true;
	f->lun = 1;
	struct fixture_task *write = fixture_start_write(f, a, 0, 0x77, false);
	remove_lun_1();
	fixture_settle(f);
	ck_assert_uint_eq(removed, 0);
	test_disk_release(&f->disks[1]);
	fixture_good(fixture_result(write));
	ck_assert_uint_eq(f->disks[1].bytes[0], 0x77);
	fixture_settle(f);
	ck_assert_uint_eq(removed, 1);
}
END_TEST

START_TEST(commands_that_wait_are_refused)
{
	static const uint8_t cdb[10] = {0x28, [8] = 1};

	f->disks[1].hold = true;
	f->lun = 1;
	fixture_start_read(f, a, 0);
	struct fixture_task *dormant =
		fixture_start(f, a,
			      &(struct fixture_command){.cdb = cdb,
							.cdb_len = 10,
							.in_len = FIXTURE_BLOCK,
							.attribute = SCSI_ATTRIBUTE_ORDERED});
	struct fixture_task *write = fixture_start_write(f, b, 0, 0x77, true);
	remove_lun_1();
	expect_gone(fixture_result(dormant));
	expect_gone(fixture_result(write));
	ck_assert_uint_eq(f->disks[1].requests, 1);
	test_disk_release(&f->disks[1]);
}
END_TEST

START_TEST(its_place_is_free_only_when_it_is_gone)
{
	f->disks[1].hold = true;
	f->lun = 1;
	fixture_start_read(f, a, 0);
	remove_lun_1();
	ck_assert(scsi_target_is_removing_lun(f->target, 1));
	ck_assert_int_eq(add_lun_1(), -EBUSY);
	f->disks[1].hold = false;
	test_disk_release(&f->disks[1]);
	fixture_settle(f);
	ck_assert(!scsi_target_is_removing_lun(f->target, 1));
	ck_assert_int_eq(add_lun_1(), 0);
	fixture_good(on_lun(1, a));
}
END_TEST

START_TEST(its_journal_stays_for_when_it_comes_back)
{
	f->lun = 1;
	fixture_good(fixture_pr_out(f, a, PR_OUT_REGISTER, 0, 0, 0xa, 1));
	fixture_good(fixture_pr_out(f, a, PR_OUT_RESERVE, PR_TYPE_EXCLUSIVE_ACCESS, 0xa, 0, 0));
	remove_lun_1();
	fixture_settle(f);
	ck_assert_uint_eq(removed, 1);
	ck_assert_int_eq(add_lun_1(), 0);
	f->lun = 1;
	fixture_conflict(fixture_read(f, b, 0, 1));
	fixture_good(fixture_read(f, a, 0, 1));
	ck_assert_uint_eq(fixture_registrations(f), 1);
}
END_TEST

START_TEST(a_reservation_on_its_way_to_the_journal_gets_there)
{
	f->lun = 1;
	struct fixture_task *task =
		fixture_start_pr_out(f, a, PR_OUT_REGISTER, 0, 0, 0xa, 1, false);
	remove_lun_1();
	fixture_settle(f);
	fixture_good(fixture_result(task));
	ck_assert_uint_eq(removed, 1);
	ck_assert_int_eq(add_lun_1(), 0);
	ck_assert_uint_eq(fixture_registrations(f), 1);
}
END_TEST

START_TEST(it_waits_for_a_flush_behind_its_status)
{
	f->disks[1].hold = true;
	f->lun = 1;
	fixture_good(FIXTURE_CDB(f, a, 0, 0x35, 0x02, 0, 0, 0, 0, 0, 0, 0, 0));
	remove_lun_1();
	fixture_settle(f);
	ck_assert_uint_eq(removed, 0);
	test_disk_release(&f->disks[1]);
	fixture_settle(f);
	ck_assert_uint_eq(removed, 1);
}
END_TEST

START_TEST(a_session_may_end_while_it_goes)
{
	bool closed;

	f->disks[1].hold = true;
	f->lun = 1;
	fixture_start_read(f, a, 0);
	remove_lun_1();
	fixture_drop(a, &closed);
	ck_assert(!closed);
	test_disk_release(&f->disks[1]);
	ck_assert(closed);
	fixture_settle(f);
	ck_assert_uint_eq(removed, 1);
	f->lun = 0;
	fixture_logout(f, b);
}
END_TEST

static void ignore_response(struct scsi_tmf *tmf)
{
	(void)tmf;
}

START_TEST(a_reset_goes_on_while_it_goes)
{
	struct scsi_tmf tmf = {
		.nexus = a, .function = SCSI_TMF_TARGET_WARM_RESET, .complete = ignore_response};

	f->disks[1].hold = true;
	f->lun = 1;
	struct fixture_task *read = fixture_start_read(f, a, 0);
	remove_lun_1();
	target_manage(&tmf);
	ck_assert_int_eq(tmf.response, SCSI_TMF_COMPLETE);
	test_disk_release(&f->disks[1]);
	fixture_good(fixture_result(read));
	tmf.function = SCSI_TMF_LOGICAL_UNIT_RESET;
	tmf.lun_bytes[1] = 1;
	target_manage(&tmf);
	ck_assert_int_eq(tmf.response, SCSI_TMF_NO_LUN);
}
END_TEST

/* The target is freed with it: nothing is left behind. */
START_TEST(a_target_that_ends_takes_it_along)
{
	f->disks[1].hold = true;
	f->lun = 1;
	fixture_start_read(f, a, 0);
	remove_lun_1();
}
END_TEST

/* ---- growing ---- */

START_TEST(a_lun_that_grew_tells_everybody_and_can_be_written_to_its_end)
{
	f->lun = 0;
	fixture_sense(fixture_write(f, a, 256, 1, 0x11), 0x05, 0x21, 0x00);
	ck_assert_int_eq(scsi_target_resize_lun(f->target, 0, 512 * FIXTURE_BLOCK), 0);
	fixture_sense(on_lun(0, a), 0x06, 0x2a, 0x09);
	fixture_sense(on_lun(0, b), 0x06, 0x2a, 0x09);
	fixture_good(fixture_write(f, a, 511, 1, 0x11));
	ck_assert_uint_eq(scsi_lun_blocks(fixture_lun(f)), 512);
	fixture_good(on_lun(1, a));
}
END_TEST

START_TEST(the_same_size_is_nothing_new)
{
	ck_assert_int_eq(scsi_target_resize_lun(f->target, 0, 0), 0);
	ck_assert_int_eq(scsi_target_resize_lun(f->target, 0, 256 * FIXTURE_BLOCK), 0);
	fixture_good(on_lun(0, a));
}
END_TEST

START_TEST(what_cannot_be_is_refused_and_changes_nothing)
{
	ck_assert_int_eq(scsi_target_resize_lun(f->target, 7, 0), -ENOENT);
	ck_assert_int_eq(scsi_target_resize_lun(f->target, 0, 512 * FIXTURE_BLOCK + 1), -EINVAL);
	ck_assert_int_eq(scsi_target_resize_lun(f->target, 0, 255 * FIXTURE_BLOCK), -EFBIG);
	f->disks[0].next_error = -ENOSPC;
	ck_assert_int_eq(scsi_target_resize_lun(f->target, 0, 512 * FIXTURE_BLOCK), -ENOSPC);
	ck_assert_uint_eq(scsi_lun_blocks(fixture_lun(f)), 256);
	fixture_good(on_lun(0, a));
}
END_TEST

static int grow_by_half_a_block(struct backing *backing, uint64_t size, uint64_t *ret_size)
{
	(void)size;
	*ret_size = backing->size + FIXTURE_BLOCK / 2;
	return 0;
}

/* The next start would refuse such a disk, so it must not begin to serve it. */
START_TEST(a_store_that_has_grown_to_half_a_block_is_refused)
{
	struct backing_ops ops = *f->disks[0].backing.ops;
	const struct backing_ops *kept = f->disks[0].backing.ops;
	uint64_t size = f->disks[0].backing.size;

	ops.grow = grow_by_half_a_block;
	f->disks[0].backing.ops = &ops;
	ck_assert_int_eq(scsi_target_resize_lun(f->target, 0, 0), -EINVAL);
	ck_assert_uint_eq(f->disks[0].backing.size, size);
	fixture_good(on_lun(0, a));
	f->disks[0].backing.ops = kept;
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_lun_that_was_removed_is_not_there);
	tcase_add_test(tcase, everybody_is_told_on_the_other_luns);
	tcase_add_test(tcase, report_luns_shows_it_and_clears_what_was_to_be_told);
	tcase_add_test(tcase, commands_at_work_end_as_they_would_have);
	tcase_add_test(tcase, commands_that_wait_are_refused);
	tcase_add_test(tcase, its_place_is_free_only_when_it_is_gone);
	tcase_add_test(tcase, its_journal_stays_for_when_it_comes_back);
	tcase_add_test(tcase, a_reservation_on_its_way_to_the_journal_gets_there);
	tcase_add_test(tcase, it_waits_for_a_flush_behind_its_status);
	tcase_add_test(tcase, a_session_may_end_while_it_goes);
	tcase_add_test(tcase, a_reset_goes_on_while_it_goes);
	tcase_add_test(tcase, a_target_that_ends_takes_it_along);
	tcase_add_test(tcase, a_lun_that_grew_tells_everybody_and_can_be_written_to_its_end);
	tcase_add_test(tcase, the_same_size_is_nothing_new);
	tcase_add_test(tcase, what_cannot_be_is_refused_and_changes_nothing);
	tcase_add_test(tcase, a_store_that_has_grown_to_half_a_block_is_refused);
}

int main(void)
{
	return suite_run("target/lun_change", fill);
}
