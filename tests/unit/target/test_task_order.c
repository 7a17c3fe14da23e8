/* Task attributes: SAM-5 8.6, each pair, and what ends, aborts and starts in between. */
#include <string.h>

#include "target/command.h"
#include "target/task_order.h"
#include "tests/support/suite.h"
#include "tests/support/target_fixture.h"

#define UNTAGGED SCSI_ATTRIBUTE_UNTAGGED
#define SIMPLE	 SCSI_ATTRIBUTE_SIMPLE
#define ORDERED	 SCSI_ATTRIBUTE_ORDERED
#define HEAD	 SCSI_ATTRIBUTE_HEAD_OF_QUEUE

static struct fixture *f;
static struct scsi_nexus *a, *b;

static void setup(void)
{
	f = fixture_create(NULL);
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
}

static void teardown(void)
{
	fixture_check(f);
	fixture_free(&f);
}

static struct fixture_task *start(struct scsi_nexus *nexus, enum scsi_task_attribute attribute,
				  bool write, bool hold_data)
{
	uint8_t cdb[10] = {write ? 0x2a : 0x28, [8] = 1};

	return fixture_start(f, nexus,
			     &(struct fixture_command){.cdb = cdb,
						       .cdb_len = sizeof(cdb),
						       .out_len = write ? FIXTURE_BLOCK : 0,
						       .in_len = write ? 0 : FIXTURE_BLOCK,
						       .hold_data = hold_data,
						       .attribute = attribute});
}

/* Does the first of what is held, and all that follows from it. */
static void release_one(struct test_disk *disk)
{
	struct backing_request *request = disk->held[0];

	disk->held_count--;
	memmove(disk->held, disk->held + 1, disk->held_count * sizeof(*disk->held));
	request->done(request);
}

static struct fixture_task *start_read(struct scsi_nexus *nexus, enum scsi_task_attribute attribute)
{
	return start(nexus, attribute, false, false);
}

/* ---- the rules, by themselves ---- */

struct pair {
	enum scsi_task_attribute runs, comes;
	bool starts;
};

static const struct pair pairs[] = {
	{SIMPLE, SIMPLE, true},	    {SIMPLE, ORDERED, false},  {SIMPLE, HEAD, true},
	{ORDERED, SIMPLE, false},   {ORDERED, ORDERED, false}, {ORDERED, HEAD, true},
	{HEAD, SIMPLE, false},	    {HEAD, ORDERED, false},    {HEAD, HEAD, true},
	{UNTAGGED, UNTAGGED, true}, {UNTAGGED, SIMPLE, true},  {UNTAGGED, ORDERED, false},
	{UNTAGGED, HEAD, true},	    {SIMPLE, UNTAGGED, true},  {ORDERED, UNTAGGED, false},
	{HEAD, UNTAGGED, false},
};

START_TEST(each_pair_runs_together_or_one_after_the_other)
{
	const struct pair *pair = &pairs[_i];
	struct test_disk *disk = &f->disks[0];

	disk->hold = true;
	struct fixture_task *first = start_read(a, pair->runs);
	struct fixture_task *second = start_read(a, pair->comes);
	ck_assert_uint_eq(disk->held_count, pair->starts ? 2 : 1);
	test_disk_release(disk);
	test_disk_release(disk);
	fixture_good(fixture_result(first));
	fixture_good(fixture_result(second));
	ck_assert_uint_lt(first->order, second->order);
}
END_TEST

START_TEST(what_is_dormant_holds_up_what_comes_behind_it_but_head_of_queue)
{
	struct test_disk *disk = &f->disks[0];

	disk->hold = true;
	struct fixture_task *running = start_read(a, SIMPLE);
	struct fixture_task *ordered = start_read(a, ORDERED);
	struct fixture_task *simple = start_read(a, SIMPLE);
	ck_assert_uint_eq(disk->held_count, 1);
	struct fixture_task *head = start_read(a, HEAD);
	ck_assert_uint_eq(disk->held_count, 2);
	disk->hold = false;
	test_disk_release(disk);
	ck_assert_uint_eq(running->order, 1);
	ck_assert_uint_eq(head->order, 2);
	ck_assert_uint_eq(ordered->order, 3);
	ck_assert_uint_eq(simple->order, 4);
}
END_TEST

/* SAM-5 8.6.2, 8.6.3: every HEAD OF QUEUE command, also one that came later. */
START_TEST(a_later_head_of_queue_holds_up_what_is_dormant)
{
	struct scsi_task_order order = {0};
	struct scsi_task running = {.attribute = ORDERED}, simple = {.attribute = SIMPLE},
			 ordered = {.attribute = ORDERED}, head = {.attribute = HEAD};

	ck_assert(scsi_task_order_enter(&order, &running));
	ck_assert(!scsi_task_order_enter(&order, &simple));
	ck_assert(!scsi_task_order_enter(&order, &ordered));
	ck_assert(scsi_task_order_enter(&order, &head));
	scsi_task_order_leave(&order, &running);
	ck_assert_ptr_null(scsi_task_order_next(&order));
	scsi_task_order_leave(&order, &head);
	ck_assert_ptr_eq(scsi_task_order_next(&order), &simple);
	ck_assert_ptr_null(scsi_task_order_next(&order));
	scsi_task_order_leave(&order, &simple);
	ck_assert_ptr_eq(scsi_task_order_next(&order), &ordered);
}
END_TEST

START_TEST(simple_commands_start_together_behind_an_ordered_one)
{
	struct test_disk *disk = &f->disks[0];

	disk->hold = true;
	start_read(a, ORDERED);
	for (unsigned i = 0; i < 3; i++)
		start_read(a, SIMPLE);
	ck_assert_uint_eq(disk->held_count, 1);
	release_one(disk);
	ck_assert_uint_eq(disk->held_count, 3);
	test_disk_release(disk);
}
END_TEST

START_TEST(an_older_write_that_waits_for_data_is_waited_for)
{
	struct fixture_task *write = start(a, SIMPLE, true, true);
	struct fixture_task *read = start_read(a, ORDERED);

	ck_assert_uint_eq(f->disks[0].requests, 0);
	fixture_deliver(write);
	fixture_good(fixture_result(write));
	fixture_good(fixture_result(read));
	ck_assert_uint_lt(write->order, read->order);
}
END_TEST

/* Behind one slow command any number may wait, and they start without using up the stack. */
START_TEST(thousands_that_waited_end_in_order)
{
	struct fixture_task *waiting[5000];
	struct test_disk *disk = &f->disks[0];
	static const uint8_t cdb[6] = {0};

	disk->hold = true;
	start_read(a, SIMPLE);
	for (unsigned i = 0; i < 5000; i++)
		waiting[i] = fixture_start(f, a,
					   &(struct fixture_command){.cdb = cdb,
								     .cdb_len = sizeof(cdb),
								     .attribute = ORDERED});
	ck_assert_uint_eq(f->ended, 0);
	test_disk_release(disk);
	for (unsigned i = 0; i < 5000; i++)
		ck_assert_uint_eq(waiting[i]->order, i + 2);
}
END_TEST

/* ---- between nexuses ---- */

START_TEST(an_ordered_command_has_the_medium_to_itself)
{
	struct test_disk *disk = &f->disks[0];

	disk->hold = true;
	start(a, SIMPLE, true, false);
	start_read(b, ORDERED);
	start_read(a, SIMPLE);
	for (unsigned ended = 1; ended <= 3; ended++) {
		ck_assert_uint_eq(disk->held_count, 1);
		release_one(disk);
		ck_assert_uint_eq(f->ended, ended);
	}
}
END_TEST

START_TEST(nobody_waits_for_the_data_of_somebody_else)
{
	struct fixture_task *silent[3];

	silent[0] = start(a, SIMPLE, true, true);
	silent[1] = start(a, HEAD, true, true);
	silent[2] = start(a, ORDERED, true, true);
	fixture_good(fixture_result(start_read(b, SIMPLE)));
	fixture_good(fixture_result(start_read(b, ORDERED)));
	fixture_good(fixture_result(start_read(b, HEAD)));
	for (unsigned i = 0; i < 2; i++)
		fixture_deliver(silent[i]);
	fixture_deliver(silent[2]);
	fixture_good(fixture_result(silent[2]));
}
END_TEST

START_TEST(luns_have_an_order_each)
{
	fixture_free(&f);
	f = fixture_create(&(struct fixture_config){.luns = 2});
	a = fixture_login(f, 'a');
	f->disks[0].hold = true;
	start_read(a, ORDERED);
	f->lun = 1;
	fixture_good(fixture_result(start_read(a, SIMPLE)));
	f->lun = 0;
}
END_TEST

/* ---- what a dormant command is ---- */

START_TEST(checks_are_made_when_its_turn_comes)
{
	struct test_disk *disk = &f->disks[0];

	disk->hold = true;
	start_read(a, SIMPLE);
	struct fixture_task *write = start(a, ORDERED, true, false);
	fixture_hold(f, b, 0xb, PR_TYPE_WRITE_EXCLUSIVE);
	test_disk_release(disk);
	fixture_conflict(fixture_result(write));
}
END_TEST

START_TEST(aborted_it_ends_at_once_and_what_is_behind_it_goes_on)
{
	struct test_disk *disk = &f->disks[0];
	struct scsi_drain drain;

	disk->hold = true;
	start_read(a, SIMPLE);
	struct fixture_task *ordered = start_read(a, ORDERED);
	start_read(a, SIMPLE);
	scsi_drain_begin(&drain, fixture_lun(f), NULL, NULL);
	ck_assert_uint_eq(scsi_task_abort(&ordered->task, false, &drain), 1);
	scsi_drain_seal(&drain);
	ck_assert_ptr_null(drain.lun);
	ck_assert(fixture_result(ordered)->aborted);
	ck_assert_uint_eq(disk->held_count, 2);
}
END_TEST

START_TEST(an_aborted_one_that_still_works_is_waited_for)
{
	struct test_disk *disk = &f->disks[0];
	struct scsi_drain drain;

	disk->hold = true;
	struct fixture_task *ordered = start_read(a, ORDERED);
	struct fixture_task *simple = start_read(a, SIMPLE);
	scsi_drain_begin(&drain, fixture_lun(f), NULL, NULL);
	scsi_task_abort(&ordered->task, false, &drain);
	scsi_drain_seal(&drain);
	ck_assert_uint_eq(disk->held_count, 1);
	disk->hold = false;
	test_disk_release(disk);
	ck_assert(fixture_result(ordered)->aborted);
	fixture_good(fixture_result(simple));
}
END_TEST

START_TEST(dormant_commands_end_with_their_nexus)
{
	struct test_disk *disk = &f->disks[0];
	bool closed;

	disk->hold = true;
	start_read(a, SIMPLE);
	struct fixture_task *ordered = start_read(a, ORDERED);
	struct fixture_task *simple = start_read(a, SIMPLE);
	fixture_drop(a, &closed);
	ck_assert(fixture_result(ordered)->aborted);
	ck_assert(fixture_result(simple)->aborted);
	ck_assert(!closed);
	test_disk_release(disk);
	ck_assert(closed);
	ck_assert_uint_eq(disk->requests, 1);
}
END_TEST

START_TEST(the_attribute_aca_is_refused)
{
	fixture_sense(fixture_result(start_read(a, SCSI_ATTRIBUTE_ACA)), 0x05, 0x49, 0x00);
	fixture_good(fixture_result(start_read(a, ORDERED)));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, each_pair_runs_together_or_one_after_the_other, 0,
			    (int)(sizeof(pairs) / sizeof(pairs[0])));
	tcase_add_test(tcase, what_is_dormant_holds_up_what_comes_behind_it_but_head_of_queue);
	tcase_add_test(tcase, a_later_head_of_queue_holds_up_what_is_dormant);
	tcase_add_test(tcase, simple_commands_start_together_behind_an_ordered_one);
	tcase_add_test(tcase, an_older_write_that_waits_for_data_is_waited_for);
	tcase_add_test(tcase, thousands_that_waited_end_in_order);
	tcase_add_test(tcase, an_ordered_command_has_the_medium_to_itself);
	tcase_add_test(tcase, nobody_waits_for_the_data_of_somebody_else);
	tcase_add_test(tcase, luns_have_an_order_each);
	tcase_add_test(tcase, checks_are_made_when_its_turn_comes);
	tcase_add_test(tcase, aborted_it_ends_at_once_and_what_is_behind_it_goes_on);
	tcase_add_test(tcase, an_aborted_one_that_still_works_is_waited_for);
	tcase_add_test(tcase, dormant_commands_end_with_their_nexus);
	tcase_add_test(tcase, the_attribute_aca_is_refused);
}

int main(void)
{
	return suite_run("target/task_order", fill);
}
