/*
 * Reads and writes that a session's own loop carries out, and what makes it leave off.
 */
#include "target/lease.h"

#include <stdlib.h>
#include <string.h>

#include "target/sbc.h"
#include "tests/support/suite.h"
#include "tests/support/target_fixture.h"

#define REGISTER	  0
#define RESERVE		  1
#define PREEMPT_AND_ABORT 5
#define WRITE_EXCLUSIVE	  1
#define WERO		  5

static struct fixture *f;
static struct scsi_nexus *a, *b; /* on loops of their own */

/* Both have read, and so have their leases. */
static void setup(void)
{
	setenv("HOLDFAST_REMOTE", "1", 1);
	f = fixture_create(NULL);
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
	fixture_good(fixture_read(f, a, 0, 1));
	fixture_good(fixture_read(f, b, 0, 1));
}

static void teardown(void)
{
	fixture_free(&f);
}

/* Is a read carried out where its session is? Nothing is delivered meanwhile. */
static bool reads_by_itself(struct scsi_nexus *nexus)
{
	f->is_delivering = true;
	struct fixture_task *read = fixture_start_read(f, nexus, 7);
	f->is_delivering = false;
	bool ended = read->state == FIXTURE_COMPLETED;
	fixture_settle(f);
	fixture_good(fixture_result(read));
	fixture_forget(read);
	return ended;
}

/* Another time: what keeps leases away for a while does so no more. */
static void wait_for_quiet(void)
{
	f->now_ms += SCSI_LEASE_QUIET_MS;
}

static void manage(struct fixture_function *function, struct scsi_nexus *nexus,
		   enum scsi_tmf_function number, struct fixture_task *referenced)
{
	fixture_manage(function, nexus, number, referenced);
	fixture_deliver_letters(f);
}

START_TEST(reads_and_writes_run_where_their_session_is)
{
	ck_assert(reads_by_itself(a));
	f->is_delivering = true;
	fixture_good(fixture_write(f, a, 3, 1, 0x5a));
	f->is_delivering = false;
	ck_assert(reads_by_itself(b));
	const struct fixture_result *read = fixture_read(f, b, 3, 1);
	fixture_good(read);
	ck_assert_uint_eq(read->data[0], 0x5a);
}
END_TEST

START_TEST(errors_are_told_as_at_home)
{
	fixture_sense(fixture_read(f, a, 256, 1), 0x5, 0x21, 0x00);
	f->disks[0].next_error = -5;
	fixture_sense(fixture_read(f, a, 0, 1), 0x3, 0x11, 0x00);
	ck_assert(reads_by_itself(a));
}
END_TEST

START_TEST(what_looks_and_changes_nothing_leaves_leases_alone)
{
	fixture_good(fixture_test_unit_ready(f, a));
	fixture_good(FIXTURE_CDB(f, a, 36, 0x12, 0, 0, 0, 36, 0));
	fixture_good(FIXTURE_CDB(f, a, 0, 0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	fixture_good(fixture_pr_in(f, a, 0, 8));
	ck_assert(reads_by_itself(a));
	ck_assert(reads_by_itself(b));
}
END_TEST

START_TEST(a_reservation_takes_them_all_back_and_is_kept)
{
	fixture_hold(f, a, 0xa, WRITE_EXCLUSIVE);
	fixture_conflict(fixture_write(f, b, 0, 1, 0x11));
	wait_for_quiet();
	fixture_good(fixture_read(f, a, 0, 1));
	fixture_good(fixture_read(f, b, 0, 1));
	ck_assert(reads_by_itself(a));
	ck_assert(reads_by_itself(b)); /* it may read, and no more */
	fixture_conflict(fixture_write(f, b, 0, 1, 0x11));
	fixture_good(fixture_write(f, a, 0, 1, 0x22));
}
END_TEST

START_TEST(leases_come_back_when_it_is_quiet)
{
	fixture_good(fixture_register(f, a, 0, 0xa));
	fixture_good(fixture_read(f, b, 0, 1));
	ck_assert(!reads_by_itself(b));
	f->now_ms += SCSI_LEASE_QUIET_MS - 1;
	ck_assert(!reads_by_itself(b));
	f->now_ms++;
	ck_assert(!reads_by_itself(b)); /* this one asks for it */
	ck_assert(reads_by_itself(b));
}
END_TEST

START_TEST(who_must_be_alone_waits_for_what_is_at_work)
{
	f->disks[0].hold = true;
	struct fixture_task *write = fixture_start_write(f, b, 9, 0x77, false);
	struct fixture_task *out = fixture_start_pr_out(f, a, REGISTER, 0, 0, 0xa, 0, false);
	fixture_deliver_letters(f);
	ck_assert_int_eq(out->state, FIXTURE_RUNNING);
	ck_assert_int_eq(write->state, FIXTURE_RUNNING);
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(write));
	fixture_good(fixture_result(out));
}
END_TEST

START_TEST(what_waits_for_recall_can_be_aborted)
{
	struct fixture_function function;

	f->disks[0].hold = true;
	struct fixture_task *write = fixture_start_write(f, b, 9, 0x77, false);
	struct fixture_task *out = fixture_start_pr_out(f, a, REGISTER, 0, 0, 0xa, 0, false);
	fixture_deliver_letters(f);
	manage(&function, a, SCSI_TMF_ABORT_TASK, out);
	/* Everything that it might have begun with ends first. */
	ck_assert_uint_eq(function.completed, 0);
	ck_assert_int_eq(out->state, FIXTURE_ABORTED);
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	ck_assert_uint_eq(function.completed, 1);
	ck_assert_int_eq(function.tmf.response, SCSI_TMF_COMPLETE);
	fixture_good(fixture_result(write));
	ck_assert_uint_eq(fixture_registrations(f), 0);
}
END_TEST

/* b's write is at work on its own loop; another one waits for data. */
START_TEST(preempt_and_abort_is_a_fence_for_other_loops)
{
	fixture_hold(f, a, 0xa, WERO);
	fixture_good(fixture_register(f, b, 0, 0xb));
	wait_for_quiet();
	fixture_good(fixture_read(f, b, 0, 1));
	ck_assert(reads_by_itself(b));
	struct fixture_task *waiting = fixture_start_write(f, b, 10, 0x66, true);
	f->disks[0].hold = true;
	struct fixture_task *working = fixture_start_write(f, b, 9, 0x77, false);
	struct fixture_task *preempt =
		fixture_start_pr_out(f, a, PREEMPT_AND_ABORT, WERO, 0xa, 0xb, 0, false);
	fixture_deliver_letters(f);
	ck_assert_int_eq(preempt->state, FIXTURE_RUNNING);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(preempt));
	fixture_good(fixture_result(working));
	ck_assert_int_eq(waiting->state, FIXTURE_ABORTED);
	ck_assert_uint_eq(fixture_drain_unit_attentions(f, b), 2);
	fixture_conflict(fixture_write(f, b, 9, 1, 0x55));
}
END_TEST

START_TEST(a_write_that_waits_for_data_goes_on_at_home)
{
	struct fixture_task *write = fixture_start_write(f, b, 11, 0x42, true);

	ck_assert_int_eq(write->state, FIXTURE_WAITING);
	fixture_good(fixture_register(f, a, 0, 0xa));
	ck_assert_int_eq(write->state, FIXTURE_WAITING);
	fixture_deliver(write);
	fixture_settle(f);
	fixture_good(fixture_result(write));
	const struct fixture_result *read = fixture_read(f, a, 11, 1);
	fixture_good(read);
	ck_assert_uint_eq(read->data[511], 0x42);
}
END_TEST

START_TEST(a_write_that_goes_on_at_home_finds_what_changed)
{
	struct fixture_task *write = fixture_start_write(f, b, 11, 0x42, true);

	fixture_hold(f, a, 0xa, WRITE_EXCLUSIVE);
	fixture_settle(f);
	fixture_deliver(write);
	fixture_settle(f);
	fixture_good(fixture_result(write)); /* it was let in before the reservation was made */
	write = fixture_start_write(f, b, 11, 0x43, true);
	fixture_settle(f);
	fixture_conflict(fixture_result(write));
}
END_TEST

START_TEST(a_reset_is_heard_of_before_anything_else)
{
	struct fixture_function function;
	struct fixture_task *write = fixture_start_write(f, b, 12, 0x42, true);

	f->disks[0].hold = true;
	struct fixture_task *working = fixture_start_write(f, b, 9, 0x77, false);
	manage(&function, a, SCSI_TMF_LOGICAL_UNIT_RESET, NULL);
	ck_assert_uint_eq(function.completed, 0);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	ck_assert_uint_eq(function.completed, 1);
	ck_assert_int_eq(working->state, FIXTURE_COMPLETED);
	ck_assert_int_eq(write->state, FIXTURE_ABORTED);
	wait_for_quiet();
	fixture_sense(fixture_read(f, b, 0, 1), 0x6, 0x29, 0x03);
	fixture_sense(fixture_read(f, a, 0, 1), 0x6, 0x29, 0x03);
	fixture_good(fixture_read(f, b, 0, 1));
	ck_assert(reads_by_itself(b));
}
END_TEST

/* SAM-5 5.6.3: commands of others that are cleared without a status leave a unit attention. */
START_TEST(who_has_commands_cleared_on_another_loop_is_told)
{
	struct fixture_function function;
	struct fixture_task *write = fixture_start_write(f, b, 12, 0x42, true);

	manage(&function, a, SCSI_TMF_CLEAR_TASK_SET, NULL);
	fixture_settle(f);
	ck_assert_uint_eq(function.completed, 1);
	ck_assert_int_eq(write->state, FIXTURE_ABORTED);
	fixture_sense(fixture_read(f, b, 0, 1), 0x6, 0x2f, 0x00);
	fixture_good(fixture_read(f, a, 0, 1));
}
END_TEST

START_TEST(abort_task_ends_what_runs_where_its_session_is)
{
	struct fixture_function function;
	struct fixture_task *write = fixture_start_write(f, b, 12, 0x42, true);

	f->is_delivering = true;
	manage(&function, b, SCSI_TMF_QUERY_TASK, write);
	ck_assert_int_eq(function.tmf.response, SCSI_TMF_SUCCEEDED);
	manage(&function, b, SCSI_TMF_QUERY_TASK_SET, NULL);
	ck_assert_int_eq(function.tmf.response, SCSI_TMF_SUCCEEDED);
	manage(&function, b, SCSI_TMF_ABORT_TASK, write);
	f->is_delivering = false;
	ck_assert_uint_eq(function.completed, 1);
	ck_assert_int_eq(function.tmf.response, SCSI_TMF_COMPLETE);
	ck_assert_int_eq(write->state, FIXTURE_ABORTED);
}
END_TEST

START_TEST(abort_task_set_finds_what_waits_for_data)
{
	struct fixture_function function;
	struct fixture_task *write = fixture_start_write(f, b, 12, 0x42, true);
	struct fixture_task *others = fixture_start_write(f, a, 13, 0x43, true);

	manage(&function, b, SCSI_TMF_ABORT_TASK_SET, NULL);
	fixture_settle(f);
	ck_assert_uint_eq(function.completed, 1);
	ck_assert_int_eq(write->state, FIXTURE_ABORTED);
	ck_assert_int_eq(others->state, FIXTURE_WAITING);
	fixture_deliver(others);
	fixture_settle(f);
	fixture_good(fixture_result(others));
}
END_TEST

START_TEST(an_ordered_command_does_not_pass_an_older_one)
{
	static const uint8_t cdb[] = {0x28, 0, 0, 0, 0, 14, 0, 0, 1, 0};
	struct fixture_task *write = fixture_start_write(f, b, 14, 0x42, true);
	struct fixture_task *ordered =
		fixture_start(f, b,
			      &(struct fixture_command){.cdb = cdb,
							.cdb_len = sizeof(cdb),
							.in_len = 512,
							.attribute = SCSI_ATTRIBUTE_ORDERED});
	fixture_settle(f);
	ck_assert_int_eq(ordered->state, FIXTURE_RUNNING);
	fixture_deliver(write);
	fixture_settle(f);
	fixture_good(fixture_result(write));
	fixture_good(fixture_result(ordered));
	ck_assert_uint_eq(fixture_result(ordered)->data[0], 0x42);
}
END_TEST

START_TEST(a_read_never_sees_half_of_another_loops_write)
{
	f->disks[0].hold = true;
	struct fixture_task *write = fixture_start_write(f, a, 20, 0x99, false);
	struct fixture_task *read = fixture_start_read(f, b, 20);
	struct fixture_task *apart = fixture_start_read(f, b, 200);
	/* The disk has the write, and the read that is far from it. */
	ck_assert_uint_eq(f->disks[0].held_count, 2);
	while (f->disks[0].held_count == 2 && scsi_executor_pending(f->executor) > 0) {
		scsi_executor_reap(f->executor);
		fixture_deliver_letters(f);
	}
	ck_assert_uint_eq(f->disks[0].held_count, 2);
	ck_assert_int_eq(read->state, FIXTURE_RUNNING);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(write));
	fixture_good(fixture_result(apart));
	fixture_good(fixture_result(read));
	ck_assert_uint_eq(fixture_result(read)->data[0], 0x99);
}
END_TEST

static unsigned at_once_count;

static int count_at_once(struct backing *backing, enum backing_op op, uint64_t offset,
			 uint8_t *data, size_t len)
{
	(void)backing;
	(void)op;
	(void)offset;
	memset(data, 0, len);
	at_once_count++;
	return 0;
}

START_TEST(a_read_at_once_never_sees_half_of_another_loops_write)
{
	struct backing_ops ops = *f->disks[0].backing.ops;

	f->disks[0].hold = true;
	struct fixture_task *write = fixture_start_write(f, a, 20, 0x99, false);
	const struct backing_ops *plain = f->disks[0].backing.ops;
	ops.at_once = count_at_once;
	f->disks[0].backing.ops = &ops;
	at_once_count = 0;
	fixture_good(fixture_read(f, b, 200, 1));
	ck_assert_uint_eq(at_once_count, 1);
	struct fixture_task *read = fixture_start_read(f, b, 20);
	ck_assert_uint_eq(at_once_count, 1);
	f->disks[0].backing.ops = plain;
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(write));
	fixture_good(fixture_result(read));
	ck_assert_uint_eq(fixture_result(read)->data[0], 0x99);
}
END_TEST

START_TEST(who_finds_its_blocks_taken_for_long_goes_home_with_its_data)
{
	f->disks[0].hold = true;
	struct fixture_task *first = fixture_start_write(f, a, 20, 0x99, false);
	struct fixture_task *second = fixture_start_write(f, b, 20, 0x88, false);
	for (unsigned i = 0; i < 4 * SBC_MARK_TRIES_MAX; i++) {
		scsi_executor_reap(f->executor);
		fixture_deliver_letters(f);
	}
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(first));
	fixture_good(fixture_result(second));
	const struct fixture_result *read = fixture_read(f, a, 20, 1);
	fixture_good(read);
	ck_assert_uint_eq(read->data[0], 0x88);
}
END_TEST

/* A write that is at work at home while leases come, go and come again. */
START_TEST(what_is_at_work_at_home_is_marked_once)
{
	fixture_good(fixture_register(f, a, 0, 0xa));
	f->disks[0].hold = true;
	struct fixture_task *write = fixture_start_write(f, b, 7, 0x99, false);
	fixture_deliver_letters(f);
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	f->disks[0].hold = false;
	wait_for_quiet();
	fixture_good(fixture_read(f, a, 200, 1));
	fixture_lun(f); /* all are recalled */
	fixture_good(fixture_read(f, a, 200, 1));
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(write));
	ck_assert(reads_by_itself(a));
	ck_assert_uint_eq(fixture_read(f, a, 7, 1)->data[0], 0x99);
}
END_TEST

/* Ends the first of what the disk holds, and nothing else. */
static void release_first(struct test_disk *disk)
{
	struct backing_request *second = disk->held[1];

	ck_assert_uint_eq(disk->held_count, 2);
	disk->held_count = 1;
	test_disk_release(disk);
	disk->held[0] = second;
	disk->held_count = 1;
}

/* It has waited twice: for an access of its own loop, together with another one, and for a recall.
 */
START_TEST(what_waited_for_its_turn_and_for_its_blocks_begins_alone)
{
	const uint8_t far[10] = {0x28, [5] = 100, [8] = 100};
	struct test_disk *disk = &f->disks[0];

	f->is_remote = false;
	struct scsi_nexus *h = fixture_login(f, 'h');
	f->is_remote = true;
	disk->hold = true;
	struct fixture_task *write = fixture_start_write(f, h, 100, 0x99, false);
	struct fixture_task *elsewhere = fixture_start_write(f, b, 199, 0x88, false);
	f->is_delivering = true;
	struct fixture_task *wide = fixture_start(
		f, h,
		&(struct fixture_command){
			.cdb = far, .cdb_len = sizeof(far), .in_len = 100 * FIXTURE_BLOCK});
	struct fixture_task *beside = fixture_start_read(f, h, 100);
	release_first(disk);
	fixture_good(fixture_result(write));
	fixture_good(fixture_result(beside));
	fixture_forget(beside);
	for (unsigned i = 0; i < 2 * SBC_MARK_TRIES_MAX; i++)
		scsi_executor_reap(f->executor);
	ck_assert_int_ne(wide->state, FIXTURE_COMPLETED);
	f->is_delivering = false;
	test_disk_release(disk);
	disk->hold = false;
	fixture_settle(f);
	fixture_good(fixture_result(elsewhere));
	fixture_good(fixture_result(wide));
	ck_assert_uint_eq(fixture_result(wide)->data[99 * FIXTURE_BLOCK], 0x88);
}
END_TEST

START_TEST(an_aborted_write_does_not_wait_for_its_blocks)
{
	struct fixture_function function;

	f->disks[0].hold = true;
	struct fixture_task *first = fixture_start_write(f, a, 20, 0x99, false);
	struct fixture_task *second = fixture_start_write(f, b, 20, 0x88, false);
	f->is_delivering = true;
	manage(&function, b, SCSI_TMF_ABORT_TASK, second);
	while (function.completed == 0)
		scsi_executor_reap(f->executor);
	f->is_delivering = false;
	ck_assert_int_eq(second->state, FIXTURE_ABORTED);
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(first));
}
END_TEST

START_TEST(a_session_that_ends_leaves_nothing_on_its_loop)
{
	bool closed;
	struct fixture_task *waiting = fixture_start_write(f, b, 12, 0x42, true);

	f->disks[0].hold = true;
	struct fixture_task *working = fixture_start_write(f, b, 9, 0x77, false);
	fixture_drop(b, &closed);
	fixture_deliver_letters(f);
	ck_assert_int_eq(waiting->state, FIXTURE_ABORTED);
	ck_assert(!closed);
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	ck_assert_int_eq(working->state, FIXTURE_ABORTED);
	ck_assert(closed);
}
END_TEST

static void note_removed(void *context)
{
	*(bool *)context = true;
}

START_TEST(a_lun_stays_until_other_loops_have_left_it)
{
	bool removed = false;

	f->disks[0].hold = true;
	struct fixture_task *write = fixture_start_write(f, b, 9, 0x77, false);
	ck_assert_int_eq(scsi_target_remove_lun(f->target, 0, note_removed, &removed), 0);
	fixture_deliver_letters(f);
	ck_assert(!removed);
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(write));
	ck_assert(removed);
	fixture_sense(fixture_read(f, b, 0, 1), 0x5, 0x25, 0x00);
}
END_TEST

START_TEST(what_was_done_elsewhere_is_counted)
{
	uint64_t before = fixture_lun(f)->log.work[SCSI_LOG_WRITE].commands;

	fixture_good(fixture_read(f, a, 0, 1));
	for (unsigned i = 0; i < 5; i++)
		fixture_good(fixture_write(f, a, 1, 2, 0x10));
	fixture_lun(f);
	fixture_deliver_letters(f);
	ck_assert_uint_eq(fixture_lun(f)->log.work[SCSI_LOG_WRITE].commands, before + 5);
}
END_TEST

START_TEST(a_target_that_keeps_all_gives_no_lease)
{
	scsi_target_keep_all(f->target, true);
	ck_assert(scsi_target_recall(f->target));
	fixture_deliver_letters(f);
	ck_assert(!scsi_target_recall(f->target));
	fixture_good(fixture_read(f, a, 0, 1));
	ck_assert(!reads_by_itself(a));
	scsi_target_keep_all(f->target, false);
	fixture_good(fixture_read(f, a, 0, 1));
	ck_assert(reads_by_itself(a));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, reads_and_writes_run_where_their_session_is);
	tcase_add_test(tcase, errors_are_told_as_at_home);
	tcase_add_test(tcase, what_looks_and_changes_nothing_leaves_leases_alone);
	tcase_add_test(tcase, a_reservation_takes_them_all_back_and_is_kept);
	tcase_add_test(tcase, leases_come_back_when_it_is_quiet);
	tcase_add_test(tcase, who_must_be_alone_waits_for_what_is_at_work);
	tcase_add_test(tcase, what_waits_for_recall_can_be_aborted);
	tcase_add_test(tcase, preempt_and_abort_is_a_fence_for_other_loops);
	tcase_add_test(tcase, a_write_that_waits_for_data_goes_on_at_home);
	tcase_add_test(tcase, a_write_that_goes_on_at_home_finds_what_changed);
	tcase_add_test(tcase, a_reset_is_heard_of_before_anything_else);
	tcase_add_test(tcase, who_has_commands_cleared_on_another_loop_is_told);
	tcase_add_test(tcase, abort_task_ends_what_runs_where_its_session_is);
	tcase_add_test(tcase, abort_task_set_finds_what_waits_for_data);
	tcase_add_test(tcase, an_ordered_command_does_not_pass_an_older_one);
	tcase_add_test(tcase, a_read_never_sees_half_of_another_loops_write);
	tcase_add_test(tcase, a_read_at_once_never_sees_half_of_another_loops_write);
	tcase_add_test(tcase, who_finds_its_blocks_taken_for_long_goes_home_with_its_data);
	tcase_add_test(tcase, what_is_at_work_at_home_is_marked_once);
	tcase_add_test(tcase, what_waited_for_its_turn_and_for_its_blocks_begins_alone);
	tcase_add_test(tcase, an_aborted_write_does_not_wait_for_its_blocks);
	tcase_add_test(tcase, a_session_that_ends_leaves_nothing_on_its_loop);
	tcase_add_test(tcase, a_lun_stays_until_other_loops_have_left_it);
	tcase_add_test(tcase, what_was_done_elsewhere_is_counted);
	tcase_add_test(tcase, a_target_that_keeps_all_gives_no_lease);
}

int main(void)
{
	return suite_run("target/lease", fill);
}
