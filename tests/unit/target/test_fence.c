/*
 * A fence is a fence: once a PREEMPT AND ABORT is answered, nothing that its victim sent before
 * changes the medium, whatever stage it had reached. b fences a throughout.
 */
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"
#include "tests/unit/target/trio.h"

#define BLOCKS	  24576 /* three parts of a WRITE SAME */
#define PART	  (8192 * FIXTURE_BLOCK)
#define WRO	  PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY
#define INTENT_AT 8192 /* in the medium's store */

static uint8_t victims[2 * FIXTURE_BLOCK];

static void setup(void)
{
	trio_setup();
	trio_start(&(struct fixture_config){.blocks = BLOCKS});
	f->disks[0].backing.volatile_store = false; /* WRITE ATOMIC has to remember */
	memset(victims, 'v', sizeof(victims));
	register_all(WRO);
	f->disks[0].hold = true;
}

static struct fixture_task *start(const uint8_t *cdb, size_t cdb_len, const void *out,
				  uint32_t out_len, enum scsi_task_attribute attribute)
{
	return fixture_start(f, a,
			     &(struct fixture_command){.cdb = cdb,
						       .cdb_len = cdb_len,
						       .out = out,
						       .out_len = out_len,
						       .attribute = attribute});
}

static struct fixture_task *start_write(uint8_t lba, enum scsi_task_attribute attribute)
{
	const uint8_t cdb[10] = {0x2a, [5] = lba, [8] = 1};

	return start(cdb, sizeof(cdb), victims, FIXTURE_BLOCK, attribute);
}

static struct fixture_task *start_atomic(uint8_t lba)
{
	const uint8_t cdb[16] = {0x9c, [9] = lba, [13] = 2};

	return start(cdb, sizeof(cdb), victims, 2 * FIXTURE_BLOCK, SCSI_ATTRIBUTE_SIMPLE);
}

static struct fixture_task *fence(void)
{
	struct fixture_task *out = start_out(b, PR_OUT_PREEMPT_AND_ABORT, WRO, 0xb, 0xa);

	fixture_settle(f);
	ck_assert(fixture_holds(f, &id_b));
	return out;
}

static void let_go(void)
{
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
}

/* It was answered when the disk had nothing of the victim's left; b writes over all of it, and that
 * stays. */
static void expect_fenced(struct fixture_task *out)
{
	fixture_good(fixture_result(out));
	fixture_good(fixture_write(f, b, 0, 64, 'b'));
	fixture_settle(f);
	ck_assert(disk_is(f, 0, 64, 'b'));
}

START_TEST(commands_that_wait_for_their_turn_never_run)
{
	start_write(0, SCSI_ATTRIBUTE_SIMPLE);
	struct fixture_task *ordered = start_write(1, SCSI_ATTRIBUTE_ORDERED);
	struct fixture_task *behind = start_write(2, SCSI_ATTRIBUTE_SIMPLE);
	struct fixture_task *out = fence();
	ck_assert_int_eq(ordered->state, FIXTURE_ABORTED);
	ck_assert_int_eq(behind->state, FIXTURE_ABORTED);
	ck_assert_int_eq(out->state, FIXTURE_RUNNING);
	let_go();
	ck_assert(disk_is(f, 1, 2, 0));
	expect_fenced(out);
}
END_TEST

START_TEST(a_write_that_waits_for_an_ordered_one_of_somebody_else_never_runs)
{
	const uint8_t cdb[10] = {0x2a, [5] = 9, [8] = 1};

	fixture_start(f, c,
		      &(struct fixture_command){.cdb = cdb,
						.cdb_len = sizeof(cdb),
						.out_len = FIXTURE_BLOCK,
						.attribute = SCSI_ATTRIBUTE_ORDERED});
	start_write(1, SCSI_ATTRIBUTE_SIMPLE);
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	struct fixture_task *out = fence();
	ck_assert_int_eq(out->state, FIXTURE_RUNNING);
	let_go();
	ck_assert(disk_is(f, 1, 1, 0));
	expect_fenced(out);
}
END_TEST

START_TEST(a_write_same_stops_behind_the_part_that_is_under_way)
{
	const uint8_t cdb[16] = {0x93, [11] = 0, [12] = 0x40}; /* 16384 blocks: two parts */

	start(cdb, sizeof(cdb), victims, FIXTURE_BLOCK, SCSI_ATTRIBUTE_SIMPLE);
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	struct fixture_task *out = fence();
	ck_assert_int_eq(out->state, FIXTURE_RUNNING);
	let_go();
	ck_assert(disk_is(f, PART / FIXTURE_BLOCK, 8192, 0));
	expect_fenced(out);
}
END_TEST

START_TEST(an_unmap_stops_behind_the_descriptor_that_is_under_way)
{
	const uint8_t cdb[10] = {0x42, [8] = 40};
	uint8_t list[40] = {0, 38, 0, 32};

	disk_fill(f, 0, 64, 'o');
	put_be64(list + 8, 0);
	put_be32(list + 16, 1);
	put_be64(list + 24, 100);
	put_be32(list + 32, 1);
	disk_fill(f, 100, 1, 'o');
	start(cdb, sizeof(cdb), list, sizeof(list), SCSI_ATTRIBUTE_SIMPLE);
	struct fixture_task *out = fence();
	ck_assert_int_eq(out->state, FIXTURE_RUNNING);
	let_go();
	ck_assert(disk_is(f, 100, 1, 'o'));
	expect_fenced(out);
}
END_TEST

START_TEST(what_reads_before_it_writes_writes_no_more)
{
	const uint8_t orwrite[16] = {0x8b, [9] = 1, [13] = 1};
	const uint8_t compare[16] = {0x89, [9] = 2, [13] = 1};
	const uint8_t list[2 * FIXTURE_BLOCK] = {[FIXTURE_BLOCK] = 'v'};

	start(orwrite, sizeof(orwrite), victims, FIXTURE_BLOCK, SCSI_ATTRIBUTE_SIMPLE);
	start(compare, sizeof(compare), list, sizeof(list), SCSI_ATTRIBUTE_SIMPLE);
	ck_assert_uint_eq(f->disks[0].held_count, 2);
	struct fixture_task *out = fence();
	ck_assert_int_eq(out->state, FIXTURE_RUNNING);
	let_go();
	ck_assert(disk_is(f, 1, 2, 0));
	expect_fenced(out);
}
END_TEST

START_TEST(an_atomic_write_ends_before_the_answer_and_those_in_line_never_begin)
{
	start_atomic(0);
	start_atomic(10);
	fixture_settle(f);
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	struct fixture_task *out = fence();
	ck_assert_int_eq(out->state, FIXTURE_RUNNING);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	ck_assert_int_eq(out->state, FIXTURE_RUNNING); /* the record is still to be forgotten */
	fixture_settle(f);
	ck_assert(disk_is(f, 0, 2, 'v'));
	ck_assert(disk_is(f, 10, 2, 0));
	ck_assert_uint_eq(f->media[0].bytes[INTENT_AT], 0);
	expect_fenced(out);
}
END_TEST

/* The power fails while a writes. The next start makes it whole; b fences a meanwhile, and is not
 * overtaken, now or at the start after that. */
START_TEST(what_a_restart_writes_again_is_not_written_behind_the_fence)
{
	start_atomic(0);
	fixture_settle(f);
	size_t len = f->media[0].len;
	uint8_t *kept = malloc(len);
	ck_assert_ptr_nonnull(kept);
	memcpy(kept, f->media[0].bytes, len);
	let_go();
	memcpy(f->media[0].bytes, kept, len);
	free(kept);
	disk_fill(f, 0, 2, 'o');

	f->disks[0].hold = true;
	ck_assert_int_eq(fixture_restart(f), 0);
	trio_login();
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	struct fixture_task *out = fence();
	fixture_good(fixture_result(out));
	struct fixture_task *write = fixture_start_write(f, b, 0, 'b', false);
	fixture_settle(f);
	ck_assert_uint_eq(f->disks[0].held_count, 1); /* it waits for the old data's turn */
	let_go();
	fixture_good(fixture_result(write));
	ck_assert(disk_is(f, 0, 1, 'b'));
	ck_assert_int_eq(fixture_restart(f), 0);
	trio_login();
	fixture_settle(f);
	ck_assert(disk_is(f, 0, 1, 'b'));
}
END_TEST

/* SBC-3 4.11.2: it is the LUN's own by then. Everybody else is told so until it has ended. */
START_TEST(an_erasure_goes_on_and_the_fence_does_not_wait_for_it)
{
	const uint8_t cdb[10] = {0x48, 0x02}; /* BLOCK ERASE; status is to come at its end */

	disk_fill(f, 0, BLOCKS, 'o');
	/* Planned before: while a medium is erased PERSISTENT RESERVE OUT is refused. */
	struct fixture_task *out = fixture_start_pr_out(f, b, PR_OUT_PREEMPT_AND_ABORT, WRO, 0xb,
							0xa, TRIO_APTPL, true);
	struct fixture_task *sanitize = start(cdb, sizeof(cdb), NULL, 0, SCSI_ATTRIBUTE_SIMPLE);
	fixture_settle(f);
	fixture_deliver(out);
	fixture_settle(f);
	fixture_good(fixture_result(out));
	ck_assert_int_eq(sanitize->state, FIXTURE_ABORTED);
	fixture_sense(fixture_write(f, b, 0, 1, 'b'), 0x2, 0x04, 0x1b);
	let_go();
	ck_assert(disk_is(f, 0, BLOCKS, 0));
	expect_fenced(out);
}
END_TEST

START_TEST(a_flush_behind_the_status_is_not_waited_for)
{
	const uint8_t cdb[10] = {0x35, 0x02};

	fixture_good(fixture_result(start(cdb, sizeof(cdb), NULL, 0, SCSI_ATTRIBUTE_SIMPLE)));
	struct fixture_task *out = fence();
	fixture_good(fixture_result(out));
	let_go();
	expect_fenced(out);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, trio_teardown);
	tcase_add_test(tcase, commands_that_wait_for_their_turn_never_run);
	tcase_add_test(tcase, a_write_that_waits_for_an_ordered_one_of_somebody_else_never_runs);
	tcase_add_test(tcase, a_write_same_stops_behind_the_part_that_is_under_way);
	tcase_add_test(tcase, an_unmap_stops_behind_the_descriptor_that_is_under_way);
	tcase_add_test(tcase, what_reads_before_it_writes_writes_no_more);
	tcase_add_test(tcase, an_atomic_write_ends_before_the_answer_and_those_in_line_never_begin);
	tcase_add_test(tcase, what_a_restart_writes_again_is_not_written_behind_the_fence);
	tcase_add_test(tcase, an_erasure_goes_on_and_the_fence_does_not_wait_for_it);
	tcase_add_test(tcase, a_flush_behind_the_status_is_not_waited_for);
}

int main(void)
{
	return suite_run("target/fence", fill);
}
