/* WRITE ATOMIC (16). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/command.h"
#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

#define INTENT_AT 8192 /* in the medium's store */

static struct fixture *f;
static struct scsi_nexus *a, *b;
static uint8_t out[4 * FIXTURE_BLOCK];

static void log_in(void)
{
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
}

static void setup(void)
{
	f = fixture_create(NULL);
	f->disks[0].backing.volatile_store = false; /* a crash leaves what is on it */
	log_in();
	memset(out, 'n', sizeof(out));
	disk_fill(f, 0, 256, 'o');
}

static void teardown(void)
{
	fixture_free(&f);
}

static const struct fixture_result *atomic(uint8_t flags, uint64_t lba, uint16_t blocks,
					   uint32_t out_len)
{
	uint8_t cdb[16] = {0x9c, flags};

	put_be64(cdb + 2, lba);
	put_be16(cdb + 12, blocks);
	return disk_out(f, a, out, out_len, cdb, sizeof(cdb));
}

static struct fixture_task *start(struct scsi_nexus *nexus, uint8_t lba)
{
	const uint8_t cdb[16] = {0x9c, [9] = lba, [13] = 2};

	return fixture_start(
		f, nexus,
		&(struct fixture_command){.cdb = cdb, .cdb_len = 16, .out = out, .out_len = 1024});
}

static bool intent_is_there(void)
{
	return f->media[0].len > INTENT_AT && f->media[0].bytes[INTENT_AT] == 'H';
}

START_TEST(it_writes_what_it_names)
{
	fixture_good(atomic(0, 10, 2, 1024));
	ck_assert(disk_is(f, 9, 1, 'o'));
	ck_assert(disk_is(f, 10, 2, 'n'));
	ck_assert(disk_is(f, 12, 1, 'o'));
	ck_assert(!intent_is_there());
}
END_TEST

START_TEST(the_range_is_checked_up_to_the_wrap)
{
	fixture_good(atomic(0, 255, 1, 512));
	fixture_good(atomic(0, 256, 0, 0));
	fixture_sense(atomic(0, 257, 0, 0), 0x5, 0x21, 0x00);
	fixture_sense(atomic(0, 255, 2, 1024), 0x5, 0x21, 0x00);
	fixture_sense(atomic(0, UINT64_C(1) << 32, 1, 512), 0x5, 0x21, 0x00);
	fixture_sense(atomic(0, UINT64_MAX, 2, 1024), 0x5, 0x21, 0x00);
}
END_TEST

START_TEST(more_than_its_own_maximum_is_refused)
{
	fixture_lun(f)->config.transfer_max = 2 * FIXTURE_BLOCK;
	fixture_good(atomic(0, 0, 2, 1024));
	disk_invalid_cdb(atomic(0, 0, 3, 1536), 12, -1);
}
END_TEST

START_TEST(a_granularity_binds_its_start_and_its_length)
{
	const struct fixture_result *result;

	fixture_lun(f)->config.atomic_granularity = 4;
	fixture_lun(f)->config.transfer_max = 7 * FIXTURE_BLOCK;
	fixture_good(atomic(0, 0, 4, 2048));
	disk_invalid_cdb(atomic(0, 2, 4, 2048), 2, -1);
	disk_invalid_cdb(atomic(0, 4, 2, 1024), 12, -1);
	ck_assert(disk_is(f, 4, 2, 'o'));
	result = FIXTURE_CDB(f, a, 64, 0x12, 1, 0xb0, 0, 64, 0);
	ck_assert_uint_eq(get_be32(result->data + 44), 4); /* the most, in whole grains */
	ck_assert_uint_eq(get_be32(result->data + 48), 4);
	ck_assert_uint_eq(get_be32(result->data + 52), 4);
}
END_TEST

START_TEST(all_of_its_data_have_to_come)
{
	fixture_sense(atomic(0, 0, 2, 512), 0x5, 0x0e, 0x03);
	fixture_sense(atomic(0, 0, 2, 1536), 0x5, 0x0e, 0x03);
	ck_assert(disk_is(f, 0, 2, 'o'));
}
END_TEST

START_TEST(boundaries_and_protection_are_refused)
{
	disk_invalid_cdb(
		DISK_OUT(f, a, out, 512, 0x9c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0), 11, 0);
	disk_invalid_cdb(atomic(0x20, 0, 1, 512), 1, 5);
}
END_TEST

START_TEST(a_write_protected_lun_refuses_it)
{
	fixture_lun(f)->config.read_only = true;
	fixture_sense(atomic(0, 0, 1, 512), 0x7, 0x27, 0x00);
}
END_TEST

START_TEST(it_is_remembered_before_it_is_written_and_durable_before_it_is_forgotten)
{
	f->disks[0].hold = true;
	struct fixture_task *task = start(a, 10);
	ck_assert_uint_eq(f->disks[0].held_count, 0);
	fixture_settle(f);
	ck_assert(intent_is_there());
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	ck_assert_int_eq(f->disks[0].held[0]->op, BACKING_WRITE);
	ck_assert(f->disks[0].held[0]->fua);
	test_disk_release(&f->disks[0]);
	ck_assert_int_eq(task->state, FIXTURE_RUNNING);
	fixture_settle(f);
	fixture_good(fixture_result(task));
	ck_assert(!intent_is_there());
}
END_TEST

/* What the worker is to remember is settled before: the LUN may grow while it writes. */
START_TEST(the_lun_may_grow_while_it_is_remembered)
{
	struct fixture_task *task = start(a, 10);
	ck_assert_int_eq(scsi_target_resize_lun(f->target, 0, UINT64_C(512) * FIXTURE_BLOCK), 0);
	f->disks[0].hold = true;
	fixture_settle(f);
	ck_assert_uint_eq(get_be64(f->media[0].bytes + INTENT_AT + 24),
			  UINT64_C(256) * FIXTURE_BLOCK);
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(task));
}
END_TEST

START_TEST(nobody_reads_half_of_it)
{
	f->disks[0].hold = true;
	struct fixture_task *task = start(a, 10);
	struct fixture_task *read = fixture_start_read(f, b, 11);
	fixture_settle(f);
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(task));
	ck_assert_uint_eq(fixture_result(read)->data[0], 'n');
}
END_TEST

/* The medium's store as it is while the write is under way, and the disk as it was before. */
static void crash_in_the_middle(void)
{
	struct test_store *media = &f->media[0];

	f->disks[0].hold = true;
	struct fixture_task *task = start(a, 10);
	fixture_settle(f);
	uint8_t *kept = malloc(media->len);
	size_t len = media->len;
	ck_assert_ptr_nonnull(kept);
	memcpy(kept, media->bytes, len);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(task));
	memcpy(media->bytes, kept, len);
	free(kept);
	disk_fill(f, 11, 1, 'o'); /* half of it */
}

START_TEST(a_crash_in_the_middle_is_made_good_before_anybody_reads)
{
	crash_in_the_middle();
	f->disks[0].hold = true;
	ck_assert_int_eq(fixture_restart(f), 0);
	log_in();
	struct fixture_task *read = fixture_start_read(f, b, 11);
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	ck_assert_int_eq(f->disks[0].held[0]->op, BACKING_WRITE);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	ck_assert_uint_eq(fixture_result(read)->data[0], 'n');
	ck_assert(disk_is(f, 10, 2, 'n'));
	ck_assert(!intent_is_there());
}
END_TEST

START_TEST(another_disk_in_its_place_is_not_written)
{
	crash_in_the_middle();
	f->disks[0].backing.identity = 4711;
	ck_assert_int_eq(fixture_restart(f), -EMEDIUMTYPE);
	ck_assert(disk_is(f, 11, 1, 'o'));
}
END_TEST

START_TEST(one_goes_after_the_other)
{
	f->disks[0].hold = true;
	struct fixture_task *first = start(a, 10), *second = start(b, 20), *third = start(a, 30);
	for (unsigned i = 0; i < 3; i++) {
		fixture_settle(f);
		ck_assert_uint_eq(f->disks[0].held_count, 1);
		ck_assert_uint_eq(f->disks[0].held[0]->offset, (10 + 10 * i) * FIXTURE_BLOCK);
		test_disk_release(&f->disks[0]);
	}
	fixture_settle(f);
	fixture_good(fixture_result(first));
	fixture_good(fixture_result(second));
	fixture_good(fixture_result(third));
}
END_TEST

static void on_managed(struct scsi_tmf *tmf)
{
	*(bool *)tmf->owner = true;
}

START_TEST(one_that_is_aborted_while_it_waits_is_not_written)
{
	bool managed = false;
	struct scsi_tmf tmf = {.nexus = b,
			       .function = SCSI_TMF_ABORT_TASK_SET,
			       .owner = &managed,
			       .complete = on_managed};

	f->disks[0].hold = true;
	struct fixture_task *first = start(a, 10), *second = start(b, 20), *third = start(a, 30);
	fixture_settle(f);
	target_manage(&tmf);
	ck_assert(!managed);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	ck_assert(managed);
	fixture_good(fixture_result(first));
	ck_assert(fixture_result(second)->aborted);
	fixture_good(fixture_result(third));
	ck_assert(disk_is(f, 20, 2, 'o'));
}
END_TEST

START_TEST(one_that_is_aborted_when_it_has_begun_is_written_whole)
{
	bool managed = false;
	struct scsi_tmf tmf = {.nexus = a,
			       .function = SCSI_TMF_ABORT_TASK_SET,
			       .owner = &managed,
			       .complete = on_managed};

	struct fixture_task *task = start(a, 10);
	target_manage(&tmf);
	ck_assert(!managed);
	fixture_settle(f);
	ck_assert(managed);
	ck_assert(fixture_result(task)->aborted);
	ck_assert(disk_is(f, 10, 2, 'n'));
	ck_assert(!intent_is_there());
	fixture_good(atomic(0, 20, 1, 512));
}
END_TEST

START_TEST(a_write_that_fails_is_forgotten)
{
	f->disks[0].next_error = -EIO;
	fixture_sense(atomic(0, 10, 2, 1024), 0x3, 0x0c, 0x00);
	ck_assert(!intent_is_there());
	fixture_good(atomic(0, 10, 2, 1024));
}
END_TEST

START_TEST(when_the_store_fails_nothing_is_written_any_more)
{
	f->media[0].error = -EIO;
	fixture_sense(atomic(0, 10, 2, 1024), 0x3, 0x0c, 0x00);
	ck_assert(disk_is(f, 10, 2, 'o'));
	fixture_sense(fixture_write(f, b, 10, 1, 'x'), 0x4, 0x44, 0x00);
	fixture_good(fixture_read(f, b, 10, 1));
}
END_TEST

/* What the next start writes again must not go over what was acknowledged meanwhile. */
START_TEST(when_it_cannot_be_forgotten_what_waited_for_it_is_not_written_either)
{
	f->disks[0].hold = true;
	struct fixture_task *first = start(a, 10);
	struct fixture_task *behind = fixture_start_write(f, b, 10, 'x', false);
	struct fixture_task *late = fixture_start_write(f, b, 40, 'x', true);
	struct fixture_task *next = start(b, 20);
	struct fixture_task *read = fixture_start_read(f, b, 10);
	fixture_settle(f);
	ck_assert(intent_is_there());
	f->media[0].error = -EIO;
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_sense(fixture_result(first), 0x3, 0x0c, 0x00);
	fixture_sense(fixture_result(behind), 0x4, 0x44, 0x00);
	fixture_sense(fixture_result(next), 0x4, 0x44, 0x00);
	fixture_deliver(late);
	fixture_settle(f);
	fixture_sense(fixture_result(late), 0x4, 0x44, 0x00);
	fixture_good(fixture_result(read));
	ck_assert_uint_eq(fixture_result(read)->data[0], 'n');
	ck_assert(disk_is(f, 40, 1, 'o'));
}
END_TEST

START_TEST(on_a_store_that_no_crash_outlives_it_is_just_a_write)
{
	f->disks[0].backing.volatile_store = true;
	fixture_good(atomic(0, 10, 2, 1024));
	ck_assert(disk_is(f, 10, 2, 'n'));
	ck_assert_uint_eq(f->media[0].writes, 0);
}
END_TEST

START_TEST(without_a_place_to_remember_it_the_command_is_not_there)
{
	struct pr_store *store = fixture_lun(f)->config.medium_store;

	fixture_lun(f)->config.medium_store = NULL;
	fixture_sense(atomic(0, 10, 2, 1024), 0x5, 0x20, 0x00);
	const struct fixture_result *result =
		FIXTURE_CDB(f, a, 64, 0xa3, 0x0c, 1, 0x9c, 0, 0, 0, 0, 0, 64, 0, 0);
	fixture_good(result);
	ck_assert_uint_eq(result->data[1] & 7, 1); /* not supported */
	result = FIXTURE_CDB(f, a, 64, 0x12, 1, 0xb0, 0, 64, 0);
	ck_assert_uint_eq(get_be32(result->data + 44), 0);
	fixture_lun(f)->config.medium_store = store;
	result = FIXTURE_CDB(f, a, 64, 0x12, 1, 0xb0, 0, 64, 0);
	ck_assert_uint_eq(get_be32(result->data + 44), 2048);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, it_writes_what_it_names);
	tcase_add_test(tcase, the_range_is_checked_up_to_the_wrap);
	tcase_add_test(tcase, more_than_its_own_maximum_is_refused);
	tcase_add_test(tcase, all_of_its_data_have_to_come);
	tcase_add_test(tcase, a_granularity_binds_its_start_and_its_length);
	tcase_add_test(tcase, boundaries_and_protection_are_refused);
	tcase_add_test(tcase, a_write_protected_lun_refuses_it);
	tcase_add_test(tcase,
		       it_is_remembered_before_it_is_written_and_durable_before_it_is_forgotten);
	tcase_add_test(tcase, the_lun_may_grow_while_it_is_remembered);
	tcase_add_test(tcase, nobody_reads_half_of_it);
	tcase_add_test(tcase, a_crash_in_the_middle_is_made_good_before_anybody_reads);
	tcase_add_test(tcase, another_disk_in_its_place_is_not_written);
	tcase_add_test(tcase, one_goes_after_the_other);
	tcase_add_test(tcase, one_that_is_aborted_while_it_waits_is_not_written);
	tcase_add_test(tcase, one_that_is_aborted_when_it_has_begun_is_written_whole);
	tcase_add_test(tcase, a_write_that_fails_is_forgotten);
	tcase_add_test(tcase, when_the_store_fails_nothing_is_written_any_more);
	tcase_add_test(tcase, when_it_cannot_be_forgotten_what_waited_for_it_is_not_written_either);
	tcase_add_test(tcase, on_a_store_that_no_crash_outlives_it_is_just_a_write);
	tcase_add_test(tcase, without_a_place_to_remember_it_the_command_is_not_there);
}

int main(void)
{
	return suite_run("target/sbc_atomic", fill);
}
