/*
 * Aborting and draining.
 */
#include "target/task_set.h"
#include "tests/support/suite.h"
#include "tests/support/target_fixture.h"

static struct fixture *f;
static struct scsi_nexus *a, *b;

static void setup(void)
{
	f = fixture_create(NULL);
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
	f->disks[0].hold = true;
}

static void teardown(void)
{
	ck_assert_ptr_null(fixture_lun(f)->dropped);
	fixture_free(&f);
}

struct test_drain {
	struct scsi_drain drain;
	unsigned done;	/* calls */
	unsigned order; /* among all test drains, from 1 */
};

static unsigned drains_done;

static void note_done(struct scsi_drain *drain)
{
	struct test_drain *test = drain->context;

	test->done++;
	test->order = ++drains_done;
}

static void begin(struct test_drain *test)
{
	*test = (struct test_drain){0};
	scsi_drain_begin(&test->drain, fixture_lun(f), note_done, test);
}

static unsigned abort_all_of(struct scsi_nexus *nexus, struct test_drain *test)
{
	return scsi_task_set_abort(nexus->luns[0], NULL, false, &test->drain);
}

START_TEST(a_drain_with_nothing_to_wait_for_ends_when_sealed)
{
	struct test_drain test;

	begin(&test);
	ck_assert_uint_eq(abort_all_of(a, &test), 0);
	ck_assert_uint_eq(test.done, 0);
	scsi_drain_seal(&test.drain);
	ck_assert_uint_eq(test.done, 1);
	ck_assert_ptr_null(fixture_lun(f)->drains);
}
END_TEST

START_TEST(a_running_command_is_waited_for)
{
	struct fixture_task *read = fixture_start_read(f, a, 0);
	struct test_drain test;

	begin(&test);
	ck_assert_uint_eq(abort_all_of(a, &test), 1);
	scsi_drain_seal(&test.drain);
	ck_assert_uint_eq(test.done, 0);
	ck_assert_int_eq(read->state, FIXTURE_RUNNING);
	test_disk_release(&f->disks[0]);
	ck_assert_uint_eq(test.done, 1);
	ck_assert_int_eq(read->state, FIXTURE_ABORTED);
	ck_assert_uint_eq(fixture_result(read)->len, 0);
}
END_TEST

START_TEST(a_command_that_waits_for_data_is_let_go_at_once_but_nobody_is_called_before_the_seal)
{
	struct fixture_task *write = fixture_start_write(f, a, 0, 0x55, true);
	struct test_drain test;

	begin(&test);
	ck_assert_uint_eq(abort_all_of(a, &test), 1);
	ck_assert_int_eq(write->state, FIXTURE_WAITING);
	scsi_drain_seal(&test.drain);
	ck_assert_int_eq(write->state, FIXTURE_ABORTED);
	ck_assert_uint_eq(test.done, 1);
	ck_assert_uint_eq(f->disks[0].requests, 0);
}
END_TEST

START_TEST(only_the_commands_asked_for_are_aborted)
{
	struct fixture_task *first = fixture_start_read(f, a, 0);
	struct fixture_task *second = fixture_start_read(f, a, 1);
	struct fixture_task *foreign = fixture_start_read(f, b, 2);
	struct test_drain test;

	begin(&test);
	ck_assert_uint_eq(scsi_task_set_abort(a->luns[0], &second->task, false, &test.drain), 1);
	scsi_drain_seal(&test.drain);
	test_disk_release(&f->disks[0]);
	ck_assert_int_eq(first->state, FIXTURE_ABORTED);
	fixture_good(fixture_result(second));
	fixture_good(fixture_result(foreign));
}
END_TEST

START_TEST(a_command_is_aborted_once)
{
	struct fixture_task *read = fixture_start_read(f, a, 0);
	struct test_drain first, second;

	begin(&first);
	ck_assert_uint_eq(scsi_task_abort(&read->task, true, &first.drain), 1);
	scsi_drain_seal(&first.drain);
	begin(&second);
	ck_assert_uint_eq(scsi_task_abort(&read->task, false, &second.drain), 0);
	scsi_drain_seal(&second.drain);
	/* But waited for by both, the first one first. */
	ck_assert_uint_eq(second.done, 0);
	test_disk_release(&f->disks[0]);
	ck_assert(fixture_result(read)->send_status);
	ck_assert_uint_eq(first.done, 1);
	ck_assert_uint_eq(second.done, 1);
	ck_assert_uint_lt(first.order, second.order);
}
END_TEST

START_TEST(a_later_drain_ends_after_an_earlier_one)
{
	struct fixture_task *slow = fixture_start_read(f, a, 0);
	struct test_drain first, second;

	begin(&first);
	abort_all_of(a, &first);
	scsi_drain_seal(&first.drain);
	begin(&second);
	ck_assert_uint_eq(abort_all_of(b, &second), 0);
	scsi_drain_seal(&second.drain);
	ck_assert_uint_eq(second.done, 0);
	test_disk_release(&f->disks[0]);
	ck_assert_uint_eq(second.done, 1);
	ck_assert_int_eq(slow->state, FIXTURE_ABORTED);
}
END_TEST

START_TEST(a_drain_does_not_end_before_it_is_sealed)
{
	struct test_drain first, second;

	fixture_start_read(f, a, 0);
	begin(&first);
	abort_all_of(a, &first);
	scsi_drain_seal(&first.drain);
	begin(&second);
	test_disk_release(&f->disks[0]);
	ck_assert_uint_eq(first.done, 1);
	ck_assert_uint_eq(second.done, 0);
	scsi_drain_seal(&second.drain);
	ck_assert_uint_eq(second.done, 1);
}
END_TEST

START_TEST(new_commands_run_while_a_drain_waits)
{
	struct test_drain test;

	fixture_start_read(f, a, 0);
	begin(&test);
	abort_all_of(a, &test);
	scsi_drain_seal(&test.drain);
	fixture_good(fixture_test_unit_ready(f, a));
	fixture_good(fixture_test_unit_ready(f, b));
	ck_assert_uint_eq(test.done, 0);
	test_disk_release(&f->disks[0]);
	ck_assert_uint_eq(test.done, 1);
}
END_TEST

START_TEST(a_drain_that_waits_for_nothing_can_be_taken_back)
{
	struct test_drain first, second;

	fixture_start_read(f, a, 0);
	begin(&first);
	abort_all_of(a, &first);
	scsi_drain_seal(&first.drain);
	begin(&second);
	scsi_drain_seal(&second.drain);
	scsi_drain_cancel(&second.drain);
	scsi_drain_cancel(&second.drain);
	test_disk_release(&f->disks[0]);
	ck_assert_uint_eq(first.done, 1);
	ck_assert_uint_eq(second.done, 0);
}
END_TEST

START_TEST(cancel_withdraws_work_that_has_not_begun)
{
	/* Queued behind a journal job, a PERSISTENT RESERVE OUT can be withdrawn. */
	fixture_start_pr_out(f, b, PR_OUT_REGISTER, 0, 0, 0xb, 0, false);
	struct fixture_task *queued =
		fixture_start_pr_out(f, a, PR_OUT_REGISTER, 0, 0, 0xa, 0, false);
	struct test_drain test;

	begin(&test);
	ck_assert_uint_eq(abort_all_of(a, &test), 1);
	scsi_drain_seal(&test.drain);
	ck_assert_int_eq(queued->state, FIXTURE_ABORTED);
	ck_assert_uint_eq(test.done, 1);
}
END_TEST

START_TEST(a_second_step_is_not_taken_after_an_abort)
{
	uint8_t blocks[2 * FIXTURE_BLOCK] = {0};
	struct test_drain test;

	blocks[FIXTURE_BLOCK] = 0x77;
	struct fixture_task *task = fixture_start(
		f, a,
		&(struct fixture_command){
			.cdb = (const uint8_t[16]){0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
			.cdb_len = 16,
			.out = blocks,
			.out_len = sizeof(blocks)});
	ck_assert_uint_eq(f->disks[0].requests, 1); /* the read of COMPARE AND WRITE */
	begin(&test);
	ck_assert_uint_eq(abort_all_of(a, &test), 1);
	scsi_drain_seal(&test.drain);
	test_disk_release(&f->disks[0]);
	ck_assert_int_eq(task->state, FIXTURE_ABORTED);
	ck_assert_uint_eq(f->disks[0].requests, 1);
	ck_assert_uint_eq(f->disks[0].bytes[0], 0);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_drain_with_nothing_to_wait_for_ends_when_sealed);
	tcase_add_test(tcase, a_running_command_is_waited_for);
	tcase_add_test(
		tcase,
		a_command_that_waits_for_data_is_let_go_at_once_but_nobody_is_called_before_the_seal);
	tcase_add_test(tcase, only_the_commands_asked_for_are_aborted);
	tcase_add_test(tcase, a_command_is_aborted_once);
	tcase_add_test(tcase, a_later_drain_ends_after_an_earlier_one);
	tcase_add_test(tcase, a_drain_does_not_end_before_it_is_sealed);
	tcase_add_test(tcase, new_commands_run_while_a_drain_waits);
	tcase_add_test(tcase, a_drain_that_waits_for_nothing_can_be_taken_back);
	tcase_add_test(tcase, cancel_withdraws_work_that_has_not_begun);
	tcase_add_test(tcase, a_second_step_is_not_taken_after_an_abort);
}

int main(void)
{
	return suite_run("target/task_set", fill);
}
