/*
 * Nexuses of other loops than the home: what crosses on the way, above all. That everything else is
 * as at home, other tests say when HOLDFAST_REMOTE is set.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/target_fixture.h"

static struct fixture *f;
static struct scsi_nexus *a, *b;

static void setup(void)
{
	setenv("HOLDFAST_REMOTE", "1", 1);
	f = fixture_create(NULL);
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
}

static void teardown(void)
{
	fixture_free(&f);
}

START_TEST(a_session_has_a_nexus_at_home_until_it_is_closed)
{
	bool closed;

	ck_assert_ptr_nonnull(fixture_home_nexus(f, a));
	fixture_drop(b, &closed);
	ck_assert(!closed);
	fixture_deliver_letters(f);
	ck_assert(closed);
	ck_assert_ptr_nonnull(fixture_home_nexus(f, a));
	b = fixture_login(f, 'b');
}
END_TEST

START_TEST(sessions_of_two_loops_see_each_others_writes)
{
	fixture_good(fixture_write(f, a, 3, 1, 0x5a));
	const struct fixture_result *read = fixture_read(f, b, 3, 1);
	fixture_good(read);
	ck_assert_uint_eq(read->data[0], 0x5a);
	ck_assert_uint_eq(read->data[FIXTURE_BLOCK - 1], 0x5a);
}
END_TEST

START_TEST(data_that_cross_an_abort_change_nothing)
{
	struct fixture_task *write = fixture_start_write(f, a, 0, 0x11, true);
	struct fixture_function function;

	ck_assert_int_eq(write->state, FIXTURE_WAITING);
	/* b resets the LUN; before a hears of it, its data leave. */
	fixture_manage(&function, b, SCSI_TMF_LOGICAL_UNIT_RESET, NULL);
	scsi_line_flush(&f->loops[1].link.up);
	f->is_delivering = true;
	fixture_deliver(write);
	f->is_delivering = false;
	fixture_deliver_letters(f);
	ck_assert_uint_eq(function.completed, 1);
	ck_assert_int_eq(function.tmf.response, SCSI_TMF_COMPLETE);
	ck_assert_int_eq(write->state, FIXTURE_ABORTED);
	fixture_forget(write);
	fixture_drain_unit_attentions(f, a);
	const struct fixture_result *read = fixture_read(f, a, 0, 1);
	fixture_good(read);
	ck_assert_uint_eq(read->data[0], 0);
}
END_TEST

START_TEST(an_abort_that_crosses_the_answer_finds_no_task)
{
	f->is_delivering = true; /* nothing is delivered meanwhile */
	struct fixture_task *read = fixture_start_read(f, a, 0);
	struct fixture_function function;
	fixture_manage(&function, a, SCSI_TMF_ABORT_TASK, read);
	f->is_delivering = false;
	fixture_settle(f);
	/* It had ended before the function came. */
	ck_assert_int_eq(read->state, FIXTURE_COMPLETED);
	ck_assert_int_eq(function.tmf.response, SCSI_TMF_NO_TASK);
	fixture_forget(read);
}
END_TEST

START_TEST(abort_task_waits_for_what_is_at_work)
{
	struct fixture_function function;

	f->disks[0].hold = true;
	struct fixture_task *read = fixture_start_read(f, a, 0);
	fixture_manage(&function, a, SCSI_TMF_ABORT_TASK, read);
	fixture_deliver_letters(f);
	ck_assert_uint_eq(function.completed, 0);
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	ck_assert_int_eq(read->state, FIXTURE_ABORTED);
	ck_assert(!read->send_status);
	ck_assert_int_eq(function.tmf.response, SCSI_TMF_COMPLETE);
}
END_TEST

START_TEST(a_command_released_with_a_letter_on_its_way_is_freed_behind_it)
{
	struct fixture_function function;

	f->is_delivering = true;
	struct fixture_task *read = fixture_start_read(f, a, 0);
	fixture_manage(&function, a, SCSI_TMF_QUERY_TASK, read);
	f->is_delivering = false;
	for (unsigned i = 0; i < FIXTURE_LOOPS; i++)
		scsi_line_flush(&f->loops[i].link.up);
	scsi_mailbox_open(f->loops[0].link.up.to);
	/* Its answer comes; another function names it, and then it is released. */
	scsi_line_flush(&f->loops[0].link.down);
	scsi_mailbox_open(f->loops[0].link.down.to);
	ck_assert_int_eq(read->state, FIXTURE_COMPLETED);
	struct fixture_function second;
	fixture_manage(&second, a, SCSI_TMF_ABORT_TASK, read);
	fixture_forget(read);
	fixture_deliver_letters(f);
	ck_assert_int_eq(second.tmf.response, SCSI_TMF_NO_TASK);
}
END_TEST

START_TEST(a_session_that_ends_takes_its_commands_along)
{
	bool closed;

	struct fixture_task *waiting = fixture_start_write(f, a, 0, 0x11, true);
	f->disks[0].hold = true;
	struct fixture_task *working = fixture_start_read(f, a, 0);
	fixture_drop(a, &closed);
	fixture_deliver_letters(f);
	ck_assert_int_eq(waiting->state, FIXTURE_ABORTED);
	ck_assert(!closed);
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	ck_assert_int_eq(working->state, FIXTURE_ABORTED);
	ck_assert(closed);
	ck_assert_ptr_null(scsi_target_find_nexus(f->target, &(struct pr_nexus_id){0}));
}
END_TEST

START_TEST(data_that_do_not_come_fail_the_command)
{
	struct fixture_task *write = fixture_start_write(f, a, 0, 0x11, true);

	target_data_out_failed(&write->task, 0x47, 0x05);
	fixture_sense(fixture_result(write), SCSI_KEY_ABORTED_COMMAND, 0x47, 0x05);
}
END_TEST

/* ---- a gate ---------------------------------------------------------------------------------- */

#define GATED_BLOCKS 16

struct gated {
	struct scsi_task task;
	enum scsi_gate gate;
	bool no_room;
	unsigned asked, completed, aborted;
};

static enum scsi_gate gated_begin(struct scsi_task *task)
{
	struct gated *gated = task->owner;

	gated->asked++;
	if (gated->gate == SCSI_GATE_ENDED)
		target_task_inject_data(task, "said", 4);
	return gated->gate;
}

static bool gated_has_room(struct scsi_task *task, uint32_t len)
{
	(void)len;
	return !((struct gated *)task->owner)->no_room;
}

static void gated_complete(struct scsi_task *task)
{
	((struct gated *)task->owner)->completed++;
}

static void gated_aborted(struct scsi_task *task, bool send_status)
{
	(void)send_status;
	((struct gated *)task->owner)->aborted++;
}

/* A READ of more than is answered without a question for room. */
static void send_gated(struct gated *gated, struct scsi_nexus *nexus, enum scsi_gate gate,
		       bool no_room)
{
	static const struct scsi_task_ops ops = {.begin = gated_begin,
						 .room_for_data_in = gated_has_room,
						 .complete = gated_complete,
						 .aborted = gated_aborted};

	*gated = (struct gated){.gate = gate,
				.no_room = no_room,
				.task = {
					.nexus = nexus,
					.ops = &ops,
					.owner = gated,
					.cdb = {0x28, [8] = GATED_BLOCKS},
					.cdb_len = 16,
					.attribute = SCSI_ATTRIBUTE_SIMPLE,
					.expected_in = GATED_BLOCKS * FIXTURE_BLOCK,
				}};
	target_execute(&gated->task);
}

static void start_gated(struct gated *gated, struct scsi_nexus *nexus, enum scsi_gate gate)
{
	send_gated(gated, nexus, gate, false);
	fixture_settle(f);
}

static void has_read(struct gated *gated)
{
	ck_assert_uint_eq(gated->completed, 1);
	ck_assert_int_eq(gated->task.status, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(gated->task.data_in_len, GATED_BLOCKS * FIXTURE_BLOCK);
	target_task_release(&gated->task);
}

/* It was asked when it came to its gate; now it may pass. */
static void let_in(struct gated *gated)
{
	ck_assert_uint_eq(gated->asked, 1);
	gated->gate = SCSI_GATE_OPEN;
	target_task_go_on(&gated->task);
	fixture_settle(f);
	ck_assert_uint_eq(gated->asked, 2);
	has_read(gated);
}

START_TEST(the_home_asks_the_loop_whether_a_command_may_begin)
{
	struct gated gated;

	scsi_target_keep_all(f->target, true);
	start_gated(&gated, a, SCSI_GATE_OPEN);
	ck_assert_uint_eq(gated.asked, 1);
	has_read(&gated);
}
END_TEST

START_TEST(a_command_ends_with_what_its_loop_says)
{
	struct gated gated;

	scsi_target_keep_all(f->target, true);
	start_gated(&gated, a, SCSI_GATE_ENDED);
	ck_assert_uint_eq(gated.completed, 1);
	ck_assert_uint_eq(gated.task.data_in_len, 4);
	ck_assert_mem_eq(gated.task.data_in, "said", 4);
	target_task_release(&gated.task);
}
END_TEST

START_TEST(a_command_waits_as_long_as_its_loop_wants)
{
	struct gated gated;

	scsi_target_keep_all(f->target, true);
	start_gated(&gated, a, SCSI_GATE_CLOSED);
	ck_assert_uint_eq(gated.completed, 0);
	let_in(&gated);
}
END_TEST

START_TEST(a_command_that_waits_at_its_gate_can_be_aborted)
{
	struct gated gated;
	struct fixture_function function;

	scsi_target_keep_all(f->target, true);
	start_gated(&gated, a, SCSI_GATE_CLOSED);
	/* The verdict crosses the reset. */
	f->is_delivering = true;
	fixture_manage(&function, b, SCSI_TMF_LOGICAL_UNIT_RESET, NULL);
	scsi_line_flush(&f->loops[1].link.up);
	gated.gate = SCSI_GATE_ENDED;
	target_task_go_on(&gated.task);
	f->is_delivering = false;
	fixture_settle(f);
	ck_assert_uint_eq(function.completed, 1);
	ck_assert_uint_eq(gated.aborted, 1);
	ck_assert_uint_eq(gated.completed, 0);
	target_task_release(&gated.task);
}
END_TEST

START_TEST(room_for_its_data_opens_no_gate)
{
	struct gated gated;

	scsi_target_keep_all(f->target, true);
	send_gated(&gated, a, SCSI_GATE_CLOSED, true);
	fixture_settle(f);
	gated.no_room = false;
	target_data_in_room(&gated.task);
	fixture_settle(f);
	ck_assert_uint_eq(gated.completed, 0);
	let_in(&gated);
}
END_TEST

/* By the time the home hears it, the session is gone on both sides. */
START_TEST(a_verdict_may_come_behind_the_end_of_its_session)
{
	struct scsi_link *link = &f->loops[0].link;
	struct gated gated;
	bool closed;

	scsi_target_keep_all(f->target, true);
	f->is_delivering = true;
	send_gated(&gated, a, SCSI_GATE_ENDED, false);
	scsi_line_flush(&link->up);
	scsi_mailbox_open(link->up.to); /* the home asks */
	fixture_drop(a, &closed);
	scsi_line_flush(&link->up);
	scsi_line_flush(&link->down);
	scsi_mailbox_open(link->down.to); /* the loop answers, behind its farewell */
	ck_assert_uint_eq(gated.asked, 1);
	scsi_mailbox_open(link->up.to);
	scsi_line_flush(&link->down);
	scsi_mailbox_open(link->down.to);
	ck_assert_uint_eq(gated.aborted, 1);
	ck_assert(closed);
	target_task_release(&gated.task);
	f->is_delivering = false;
	fixture_settle(f);
}
END_TEST

START_TEST(a_command_at_its_gate_goes_home_with_its_lease_and_waits_there)
{
	struct fixture_task *out;
	struct gated gated;

	fixture_good(fixture_read(f, a, 0, 1)); /* it gets its lease */
	f->is_delivering = true;
	send_gated(&gated, a, SCSI_GATE_CLOSED, false);
	f->is_delivering = false;
	ck_assert_uint_eq(gated.asked, 1);
	out = fixture_start_pr_out(f, b, 0, 0, 0, 0xb, 0, false);
	fixture_settle(f);
	fixture_good(fixture_result(out));
	ck_assert_uint_eq(gated.asked, 1);
	ck_assert_uint_eq(gated.completed, 0);
	let_in(&gated);
}
END_TEST

/* ---- data that come with the command ------------------------------------------------------- */

struct eager {
	struct scsi_task task;
	unsigned wanted, completed;
};

static void eager_wants(struct scsi_task *task)
{
	((struct eager *)task->owner)->wanted++;
}

static void eager_completes(struct scsi_task *task)
{
	((struct eager *)task->owner)->completed++;
}

/* A WRITE of one block whose data have come with it. */
static void start_eager(struct eager *eager, struct scsi_nexus *nexus)
{
	static const struct scsi_task_ops ops = {.complete = eager_completes,
						 .want_data = eager_wants};

	*eager = (struct eager){.task = {
					.nexus = nexus,
					.ops = &ops,
					.owner = eager,
					.cdb = {0x2a, [8] = 1},
					.cdb_len = 16,
					.expected_out = FIXTURE_BLOCK,
					.data_at_hand = FIXTURE_BLOCK,
				}};
	target_execute(&eager->task);
	ck_assert_uint_eq(eager->wanted, 1);
	ck_assert(target_data_out_prepare(&eager->task));
	memset(eager->task.data_out, 0x77, FIXTURE_BLOCK);
}

START_TEST(data_at_hand_are_sent_along)
{
	struct eager eager;

	start_eager(&eager, a);
	target_data_out_ready(&eager.task);
	/* One way up, one way down. */
	scsi_line_flush(&f->loops[0].link.up);
	scsi_mailbox_open(f->loops[0].link.up.to);
	scsi_line_flush(&f->loops[0].link.down);
	scsi_mailbox_open(f->loops[0].link.down.to);
	ck_assert_uint_eq(eager.completed, 1);
	ck_assert_uint_eq(eager.wanted, 1);
	ck_assert_int_eq(eager.task.status, SCSI_STATUS_GOOD);
	target_task_release(&eager.task);
	ck_assert_uint_eq(fixture_read(f, b, 0, 1)->data[0], 0x77);
}
END_TEST

START_TEST(data_at_hand_may_come_late)
{
	struct eager eager;

	start_eager(&eager, a);
	fixture_deliver_letters(f);
	ck_assert_uint_eq(eager.completed, 0);
	target_data_out_ready(&eager.task);
	fixture_settle(f);
	ck_assert_uint_eq(eager.completed, 1);
	ck_assert_int_eq(eager.task.status, SCSI_STATUS_GOOD);
	target_task_release(&eager.task);
}
END_TEST

START_TEST(data_at_hand_of_a_refused_write_go_nowhere)
{
	struct eager eager;

	fixture_hold(f, b, 0xb, PR_TYPE_WRITE_EXCLUSIVE);
	start_eager(&eager, a);
	target_data_out_ready(&eager.task);
	fixture_settle(f);
	ck_assert_uint_eq(eager.completed, 1);
	ck_assert_int_eq(eager.task.status, SCSI_STATUS_RESERVATION_CONFLICT);
	target_task_release(&eager.task);
	ck_assert_uint_eq(fixture_read(f, b, 0, 1)->data[0], 0);
}
END_TEST

static unsigned asked_for;

static bool no_room(struct scsi_task *task, uint32_t len)
{
	(void)task;
	asked_for = len;
	return false;
}

static void ignore(struct scsi_task *task)
{
	*(bool *)task->owner = true;
}

START_TEST(a_read_begins_when_its_session_has_room)
{
	static const struct scsi_task_ops ops = {.complete = ignore, .room_for_data_in = no_room};
	bool ended = false;
	struct scsi_task task = {
		.nexus = a,
		.ops = &ops,
		.owner = &ended,
		.cdb = {0x28, [8] = 16},
		.cdb_len = 16,
		.expected_in = 16 * FIXTURE_BLOCK,
	};

	target_execute(&task);
	fixture_settle(f);
	ck_assert_uint_eq(asked_for, 16 * FIXTURE_BLOCK);
	ck_assert(!ended);
	target_data_in_room(&task);
	fixture_settle(f);
	ck_assert(ended);
	ck_assert_uint_eq(task.data_in_len, 16 * FIXTURE_BLOCK);
	target_task_release(&task);
}
END_TEST

/* A command that never got to the target is refused in the format that its LUN has. */
START_TEST(the_format_of_sense_data_is_known_on_every_loop)
{
	static const uint8_t list[] = {0, 0, 0, 0, 0x0a, 0x0a, 0x06, 0x10,
				       0, 0, 0, 0, 0xff, 0xff, 0,    0};
	static const uint8_t select[6] = {0x15, 0x10, 0, 0, sizeof(list)};
	struct scsi_task task = {.nexus = a};

	target_task_fail(&task, SCSI_KEY_ABORTED_COMMAND, 0x0c, 0x0c);
	ck_assert_uint_eq(task.sense[0] & 0x7f, 0x70);
	fixture_good(fixture_do(f, b,
				&(struct fixture_command){.cdb = select,
							  .cdb_len = sizeof(select),
							  .out = list,
							  .out_len = sizeof(list)}));
	target_task_fail(&task, SCSI_KEY_ABORTED_COMMAND, 0x0c, 0x0c);
	ck_assert_uint_eq(task.sense[0] & 0x7f, 0x72);
}
END_TEST

START_TEST(what_the_transport_has_cleared_is_told)
{
	static const uint8_t lun[8] = {0};

	scsi_nexus_note_cleared(a, lun);
	fixture_sense(fixture_test_unit_ready(f, a), SCSI_KEY_UNIT_ATTENTION, 0x47, 0x7f);
	fixture_good(fixture_test_unit_ready(f, b));
}
END_TEST

/* Many rounds: whatever stage a write of one loop has reached, once another loop's PREEMPT AND
 * ABORT is answered it does not land. */
START_TEST(a_fence_from_another_loop_holds)
{
	for (unsigned round = 0; round < 200; round++) {
		uint8_t fill = (uint8_t)(round + 1);

		fixture_good(fixture_register(f, b, 0, 0xb));
		fixture_hold(f, a, 0xa, PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY);
		f->is_delivering = true;
		struct fixture_task *write = fixture_start_write(f, a, 0, fill, round % 3 == 0);
		f->is_delivering = round % 2 == 0;
		fixture_deliver_letters(f);
		f->is_delivering = false;
		fixture_good(fixture_pr_out(f, b, PR_OUT_PREEMPT_AND_ABORT,
					    PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY, 0xb, 0xa, 0));
		fixture_good(fixture_write(f, b, 0, 1, 0));
		if (write->state == FIXTURE_WAITING)
			fixture_deliver(write);
		fixture_settle(f);
		ck_assert_uint_eq(fixture_read(f, b, 0, 1)->data[0], 0);
		fixture_drain_unit_attentions(f, a);
		fixture_good(fixture_pr_out(f, b, PR_OUT_CLEAR, 0, 0xb, 0, 0));
		fixture_drain_unit_attentions(f, a);
	}
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_session_has_a_nexus_at_home_until_it_is_closed);
	tcase_add_test(tcase, sessions_of_two_loops_see_each_others_writes);
	tcase_add_test(tcase, data_that_cross_an_abort_change_nothing);
	tcase_add_test(tcase, an_abort_that_crosses_the_answer_finds_no_task);
	tcase_add_test(tcase, abort_task_waits_for_what_is_at_work);
	tcase_add_test(tcase, a_command_released_with_a_letter_on_its_way_is_freed_behind_it);
	tcase_add_test(tcase, a_session_that_ends_takes_its_commands_along);
	tcase_add_test(tcase, the_home_asks_the_loop_whether_a_command_may_begin);
	tcase_add_test(tcase, a_command_ends_with_what_its_loop_says);
	tcase_add_test(tcase, a_command_waits_as_long_as_its_loop_wants);
	tcase_add_test(tcase, a_command_that_waits_at_its_gate_can_be_aborted);
	tcase_add_test(tcase, room_for_its_data_opens_no_gate);
	tcase_add_test(tcase, a_verdict_may_come_behind_the_end_of_its_session);
	tcase_add_test(tcase, a_command_at_its_gate_goes_home_with_its_lease_and_waits_there);
	tcase_add_test(tcase, data_that_do_not_come_fail_the_command);
	tcase_add_test(tcase, data_at_hand_are_sent_along);
	tcase_add_test(tcase, data_at_hand_may_come_late);
	tcase_add_test(tcase, data_at_hand_of_a_refused_write_go_nowhere);
	tcase_add_test(tcase, a_read_begins_when_its_session_has_room);
	tcase_add_test(tcase, the_format_of_sense_data_is_known_on_every_loop);
	tcase_add_test(tcase, what_the_transport_has_cleared_is_told);
	tcase_add_test(tcase, a_fence_from_another_loop_holds);
}

int main(void)
{
	return suite_run("target/remote", fill);
}
