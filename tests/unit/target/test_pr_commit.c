/*
 * The queue of PERSISTENT RESERVE OUTs: batches, order, failures.
 */
#include <errno.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/pr_commit.h"
#include "tests/support/suite.h"
#include "tests/unit/target/trio.h"

static bool commit_is_idle(void)
{
	return pr_commit_is_idle(fixture_lun(f)->pr);
}

/* ---- durable, then GOOD ---- */

START_TEST(nothing_changes_and_nothing_is_answered_before_the_journal_is_done)
{
	struct fixture_task *out = start_register(a, 0xa);

	ck_assert_int_eq(out->state, FIXTURE_RUNNING);
	ck_assert_uint_eq(fixture_registrations(f), 0);
	ck_assert_uint_eq(fixture_generation(f), 0);
	ck_assert_int_eq(a->luns[0]->standing, PR_STANDING_STRANGER);
	fixture_settle(f);
	fixture_good(fixture_result(out));
	ck_assert_uint_eq(fixture_key_of(f, &id_a), 0xa);
	ck_assert_uint_eq(fixture_generation(f), 1);
	ck_assert_int_eq(a->luns[0]->standing, PR_STANDING_REGISTRANT);
	ck_assert_uint_gt(f->stores[0].syncs, 0);
}
END_TEST

static struct fixture_task *start_cdb(struct scsi_nexus *nexus, const uint8_t *cdb, size_t cdb_len)
{
	return fixture_start(f, nexus, &(struct fixture_command){.cdb = cdb, .cdb_len = cdb_len});
}

/* A crash may still take it back, so no answer may rest on it. */
START_TEST(until_a_registration_is_durable_nobody_is_told_of_it)
{
	static const uint8_t reserve[6] = {0x16}, release[6] = {0x17};
	struct fixture_task *out = start_register(a, 0xa);
	struct fixture_task *released = start_cdb(b, release, sizeof(release));
	struct fixture_task *reserved = start_cdb(c, reserve, sizeof(reserve));

	ck_assert_int_eq(out->state, FIXTURE_RUNNING);
	fixture_good(fixture_result(released));
	ck_assert_uint_eq(fixture_result(reserved)->status, SCSI_STATUS_BUSY);
	fixture_settle(f);
	fixture_good(fixture_result(out));
	fixture_conflict(fixture_result(start_cdb(b, release, sizeof(release))));
	fixture_conflict(fixture_result(start_cdb(c, reserve, sizeof(reserve))));
}
END_TEST

START_TEST(what_was_good_is_there_after_a_restart)
{
	register_all(PR_TYPE_EXCLUSIVE_ACCESS);
	ck_assert_int_eq(fixture_restart(f), 0);
	ck_assert_uint_eq(fixture_registrations(f), 3);
	ck_assert(fixture_holds(f, &id_a));
	ck_assert_uint_eq(fixture_generation(f), 0);
	trio_login();
	fixture_conflict(fixture_read(f, b, 0, 1));
	fixture_good(fixture_read(f, a, 0, 1));
}
END_TEST

START_TEST(aptpl_0_is_gone_after_a_restart)
{
	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	ck_assert_int_eq(fixture_restart(f), 0);
	ck_assert_uint_eq(fixture_registrations(f), 0);
	trio_login();
	fixture_good(fixture_read(f, b, 0, 1));
}
END_TEST

START_TEST(stamps_say_when_and_by_which_record)
{
	f->now_ms = 5000000;
	fixture_good(fixture_pr_out(f, a, PR_OUT_REGISTER, 0, 0, 0xa, TRIO_APTPL));
	const struct pr_registration *first =
		pr_state_find(scsi_lun_pr_state(fixture_lun(f)), &id_a);
	ck_assert_uint_eq(first->since.time_ms, 5000000);
	uint64_t sequence = first->since.sequence;
	start_register(b, 0xb);
	start_register(c, 0xc);
	fixture_settle(f);
	const struct pr_state *state = scsi_lun_pr_state(fixture_lun(f));
	ck_assert_uint_eq(pr_state_find(state, &id_b)->since.sequence, sequence + 1);
	ck_assert_uint_eq(pr_state_find(state, &id_c)->since.sequence, sequence + 2);
}
END_TEST

/* ---- batches ---- */

START_TEST(commands_that_wait_together_share_one_sync)
{
	start_register(a, 0xa);
	fixture_settle(f);
	unsigned before = f->stores[0].syncs;
	/* The first one is a job of its own; the other two wait for it, and share the next. */
	start_out(a, PR_OUT_RESERVE, 1, 0xa, 0);
	start_register(b, 0xb);
	start_register(c, 0xc);
	fixture_settle(f);
	ck_assert_uint_eq(fixture_registrations(f), 3);
	ck_assert_uint_eq(f->stores[0].syncs - before, 2);
}
END_TEST

START_TEST(commands_take_effect_and_are_answered_in_the_order_of_arrival)
{
	struct fixture_task *first = start_register(a, 0xa);
	struct fixture_task *second = start_out(a, PR_OUT_RESERVE, 3, 0xa, 0);
	struct fixture_task *third = start_out(b, PR_OUT_RESERVE, 3, 0xb, 0); /* unregistered */
	struct fixture_task *fourth = start_out(a, PR_OUT_RELEASE, 3, 0xa, 0);

	fixture_settle(f);
	fixture_good(fixture_result(first));
	fixture_good(fixture_result(second));
	fixture_conflict(fixture_result(third));
	fixture_good(fixture_result(fourth));
	ck_assert_uint_lt(first->order, second->order);
	ck_assert_uint_lt(second->order, third->order);
	ck_assert_uint_lt(third->order, fourth->order);
	ck_assert_int_eq(fixture_reserved(f), PR_TYPE_NONE);
}
END_TEST

START_TEST(a_verdict_rests_on_what_the_predecessors_will_leave)
{
	register_all(0);
	start_out(a, PR_OUT_RESERVE, 3, 0xa, 0);
	struct fixture_task *late = start_out(b, PR_OUT_RESERVE, 3, 0xb, 0);
	ck_assert_int_eq(late->state, FIXTURE_RUNNING);
	fixture_settle(f);
	fixture_conflict(fixture_result(late));
	ck_assert(fixture_holds(f, &id_a));
}
END_TEST

/* The committed state still says EA of a; a's RELEASE in front of it will have ended that. */
START_TEST(access_of_a_queued_command_rests_on_its_predecessors_too)
{
	register_all(PR_TYPE_EXCLUSIVE_ACCESS);
	struct fixture_task *release = start_out(a, PR_OUT_RELEASE, 3, 0xa, 0);
	struct fixture_task *reserve = start_out(b, PR_OUT_RESERVE, 1, 0xb, 0);
	fixture_settle(f);
	fixture_good(fixture_result(release));
	fixture_good(fixture_result(reserve));
	ck_assert(fixture_holds(f, &id_b));
}
END_TEST

START_TEST(a_refusal_with_nothing_under_way_is_answered_at_once)
{
	struct fixture_task *out = start_out(a, PR_OUT_CLEAR, 0, 0xa, 0);

	fixture_conflict(fixture_result(out));
	ck_assert(commit_is_idle());
}
END_TEST

START_TEST(data_commands_run_under_the_old_state_until_the_install)
{
	register_all(0);
	start_out(a, PR_OUT_RESERVE, 3, 0xa, 0);
	struct fixture_task *write = fixture_start_write(f, b, 0, 0x55, false);
	fixture_good(fixture_result(write));
	fixture_settle(f);
	fixture_conflict(fixture_write(f, b, 0, 1, 0x66));
}
END_TEST

START_TEST(two_luns_commit_independently)
{
	trio_start(&(struct fixture_config){.luns = 2});
	fixture_good(fixture_register(f, a, 0, 0xa));
	f->lun = 1;
	ck_assert_uint_eq(fixture_registrations(f), 0);
	ck_assert_uint_eq(fixture_generation(f), 0);
	fixture_good(fixture_register(f, b, 0, 0xb));
	ck_assert_int_eq(a->luns[1]->standing, PR_STANDING_STRANGER);
	ck_assert_int_eq(b->luns[0]->standing, PR_STANDING_STRANGER);
}
END_TEST

/* ---- failures ---- */

static void expect_unchanged_by_failure(int error, uint8_t key, uint8_t asc, uint8_t ascq)
{
	register_all(PR_TYPE_WRITE_EXCLUSIVE);
	uint32_t generation = fixture_generation(f);

	f->stores[0].error = error;
	fixture_sense(fixture_pr_out(f, b, PR_OUT_PREEMPT, 3, 0xb, 0xa, 0), key, asc, ascq);
	fixture_sense(fixture_pr_out(f, a, PR_OUT_REGISTER, 0, 0xa, 0, 0), key, asc, ascq);
	ck_assert_uint_eq(fixture_registrations(f), 3);
	ck_assert_uint_eq(fixture_generation(f), generation);
	ck_assert(fixture_holds(f, &id_a));
	ck_assert_int_eq(fixture_reserved(f), PR_TYPE_WRITE_EXCLUSIVE);
	ck_assert_uint_eq(fixture_drain_unit_attentions(f, a), 0);
	fixture_check(f);

	f->stores[0].error = 0;
	fixture_good(fixture_pr_out(f, b, PR_OUT_PREEMPT, 3, 0xb, 0xa, 0));
	ck_assert_int_eq(fixture_restart(f), 0);
	ck_assert(fixture_holds(f, &id_b));
	ck_assert_uint_eq(fixture_registrations(f), 2);
}

START_TEST(a_full_disk_leaves_the_state_as_it_was)
{
	expect_unchanged_by_failure(-ENOSPC, 5, 0x55, 0x04);
}
END_TEST

START_TEST(a_used_up_quota_leaves_the_state_as_it_was)
{
	expect_unchanged_by_failure(-EDQUOT, 5, 0x55, 0x04);
}
END_TEST

START_TEST(an_io_error_leaves_the_state_as_it_was)
{
	expect_unchanged_by_failure(-EIO, 4, 0x44, 0x00);
}
END_TEST

START_TEST(a_failed_batch_fails_all_that_change_and_plans_again_what_rested_on_them)
{
	register_all(0);
	f->stores[0].error = -EIO;
	start_out(c, PR_OUT_RESERVE, 1, 0xc, 0); /* a batch of its own, while these gather: */
	struct fixture_task *before = start_out(b, PR_OUT_RELEASE, 1, 0xb, 0);
	struct fixture_task *reserve = start_out(a, PR_OUT_RESERVE, 3, 0xa, 0);
	struct fixture_task *rests = start_out(b, PR_OUT_RESERVE, 3, 0xb, 0);
	fixture_settle(f);
	fixture_good(fixture_result(before));
	fixture_sense(fixture_result(reserve), 4, 0x44, 0x00);
	/* Not a conflict: nobody holds anything. Planned again it is a change, and fails as one. */
	fixture_sense(fixture_result(rests), 4, 0x44, 0x00);
	ck_assert_int_eq(fixture_reserved(f), PR_TYPE_NONE);
	ck_assert(commit_is_idle());
}
END_TEST

START_TEST(a_command_planned_again_meets_the_state_that_is)
{
	register_all(0);
	start_out(c, PR_OUT_RESERVE, 5, 0xc, 0);
	struct fixture_task *release = start_out(c, PR_OUT_RELEASE, 5, 0xc, 0);
	struct fixture_task *rests = start_out(c, PR_OUT_RESERVE, 5, 0xc, 0);
	struct fixture_task *behind = start_out(b, PR_OUT_RELEASE, 5, 0xb, 0);
	scsi_executor_reap(f->executor); /* c's first RESERVE; the rest is a batch now */
	f->stores[0].error = -EIO;
	fixture_settle(f);
	fixture_sense(fixture_result(release), 4, 0x44, 0x00);
	/* It was planned as a change too, and failed as one. */
	fixture_sense(fixture_result(rests), 4, 0x44, 0x00);
	fixture_good(fixture_result(behind));
	ck_assert(fixture_holds(f, &id_c));

	struct fixture_task *move_on = start_out(c, PR_OUT_RESERVE, 5, 0xc, 0);
	fixture_good(fixture_result(move_on)); /* holds already: nothing to journal */
}
END_TEST

START_TEST(a_conflict_that_rested_on_a_lost_change_is_no_conflict)
{
	register_all(0);
	start_out(c, PR_OUT_REGISTER, 0, 0xc, 0xcc);
	struct fixture_task *reserve = start_out(a, PR_OUT_RESERVE, 5, 0xa, 0);
	struct fixture_task *rests = start_out(b, PR_OUT_RESERVE, 5, 0xb, 0);
	scsi_executor_reap(f->executor);
	f->stores[0].error = -ENOSPC;
	scsi_executor_reap(f->executor);
	fixture_sense(fixture_result(reserve), 5, 0x55, 0x04);
	ck_assert_int_eq(rests->state, FIXTURE_RUNNING);
	f->stores[0].error = 0;
	fixture_settle(f);
	fixture_good(fixture_result(rests));
	ck_assert(fixture_holds(f, &id_b));
}
END_TEST

START_TEST(generation_alone_moves_without_the_journal)
{
	register_all(0);
	uint32_t generation = fixture_generation(f);

	/* Registering the same key again may change nothing but the generation. */
	fixture_good(fixture_pr_out(f, a, PR_OUT_REGISTER, 0, 0xa, 0xa, TRIO_APTPL));
	ck_assert_uint_eq(fixture_generation(f), generation + 1);
	fixture_good(fixture_pr_out(f, a, PR_OUT_REGISTER, 0, 0xa, 0xa, TRIO_APTPL));
	ck_assert_uint_eq(fixture_generation(f), generation + 2);
}
END_TEST

START_TEST(aptpl_0_does_not_depend_on_the_journal)
{
	f->stores[0].error = -EIO;
	fixture_good(fixture_register(f, a, 0, 0xa));
	fixture_good(fixture_pr_out(f, a, PR_OUT_RESERVE, 3, 0xa, 0, 0));
	fixture_conflict(fixture_read(f, b, 0, 1));
	/* But turning it on does. */
	fixture_sense(fixture_pr_out(f, a, PR_OUT_REGISTER, 0, 0xa, 0xa, TRIO_APTPL), 4, 0x44, 0);
	f->stores[0].error = 0;
	fixture_good(fixture_pr_out(f, a, PR_OUT_REGISTER, 0, 0xa, 0xa, TRIO_APTPL));
	ck_assert_int_eq(fixture_restart(f), 0);
	ck_assert(fixture_holds(f, &id_a));
	trio_login();
}
END_TEST

START_TEST(turning_aptpl_off_must_be_durable)
{
	register_all(0);
	f->stores[0].error = -EIO;
	fixture_sense(fixture_pr_out(f, a, PR_OUT_REGISTER, 0, 0xa, 0xa, 0), 4, 0x44, 0);
	ck_assert(pr_state_aptpl(scsi_lun_pr_state(fixture_lun(f))));
}
END_TEST

START_TEST(a_journal_that_cannot_be_used_keeps_the_lun_offline)
{
	register_all(PR_TYPE_EXCLUSIVE_ACCESS);
	for (size_t i = 0; i < f->stores[0].len; i++)
		f->stores[0].bytes[i] ^= 0xff;
	ck_assert_int_eq(fixture_restart(f), -EUCLEAN);
	ck_assert_ptr_null(scsi_target_lun(f->target, 0));
	fixture_free(&f);
	trio_setup();
}
END_TEST

/* ---- aborts ---- */

START_TEST(a_registration_outlives_its_session_and_its_abort)
{
	struct fixture_task *out = start_register(a, 0xa);

	fixture_drop(a, NULL);
	ck_assert_int_eq(out->state, FIXTURE_RUNNING); /* it was planned: it will take effect */
	fixture_settle(f);
	ck_assert_int_eq(out->state, FIXTURE_ABORTED);
	ck_assert_uint_eq(fixture_key_of(f, &id_a), 0xa);
	a = fixture_login(f, 'a');
	ck_assert_int_eq(a->luns[0]->standing, PR_STANDING_REGISTRANT);
}
END_TEST

START_TEST(a_command_aborted_in_the_queue_never_was)
{
	start_register(b, 0xb);
	struct fixture_task *out = start_register(a, 0xa);
	struct fixture_task *behind = start_register(c, 0xc);

	fixture_drop(a, NULL);
	ck_assert_int_eq(out->state, FIXTURE_ABORTED);
	fixture_settle(f);
	fixture_good(fixture_result(behind));
	ck_assert_uint_eq(fixture_key_of(f, &id_a), 0);
	ck_assert_uint_eq(fixture_registrations(f), 2);
}
END_TEST

/* ---- many ---- */

enum {
	MANY = 600,
};

static void register_many(void)
{
	struct fixture_task *tasks[MANY];

	for (unsigned i = 0; i < MANY; i++) {
		struct pr_nexus_id id = id_a;

		id.isid[2] = 0xee;
		put_be16(id.isid, (uint16_t)i);
		tasks[i] = start_register(scsi_nexus_open(f->target, &id), i + 1);
	}
	fixture_settle(f);
	for (unsigned i = 0; i < MANY; i++)
		fixture_good(fixture_result(tasks[i]));
	ck_assert_uint_eq(fixture_registrations(f), MANY);
	ck_assert_uint_eq(fixture_generation(f), MANY);
}

START_TEST(many_nexuses_registering_at_once_all_get_in)
{
	trio_start(&(struct fixture_config){.registrations_max = MANY});
	register_many();
	ck_assert_uint_lt(f->stores[0].syncs, 10);
}
END_TEST

START_TEST(with_worker_threads_it_is_the_same)
{
	trio_start(&(struct fixture_config){.registrations_max = MANY, .threads = 3});
	register_many();
	ck_assert_int_eq(fixture_restart(f), 0);
	ck_assert_uint_eq(fixture_registrations(f), MANY);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, trio_setup, trio_teardown);
	tcase_add_test(tcase, nothing_changes_and_nothing_is_answered_before_the_journal_is_done);
	tcase_add_test(tcase, until_a_registration_is_durable_nobody_is_told_of_it);
	tcase_add_test(tcase, what_was_good_is_there_after_a_restart);
	tcase_add_test(tcase, aptpl_0_is_gone_after_a_restart);
	tcase_add_test(tcase, stamps_say_when_and_by_which_record);
	tcase_add_test(tcase, commands_that_wait_together_share_one_sync);
	tcase_add_test(tcase, commands_take_effect_and_are_answered_in_the_order_of_arrival);
	tcase_add_test(tcase, a_verdict_rests_on_what_the_predecessors_will_leave);
	tcase_add_test(tcase, access_of_a_queued_command_rests_on_its_predecessors_too);
	tcase_add_test(tcase, a_refusal_with_nothing_under_way_is_answered_at_once);
	tcase_add_test(tcase, data_commands_run_under_the_old_state_until_the_install);
	tcase_add_test(tcase, two_luns_commit_independently);
	tcase_add_test(tcase, a_full_disk_leaves_the_state_as_it_was);
	tcase_add_test(tcase, a_used_up_quota_leaves_the_state_as_it_was);
	tcase_add_test(tcase, an_io_error_leaves_the_state_as_it_was);
	tcase_add_test(tcase,
		       a_failed_batch_fails_all_that_change_and_plans_again_what_rested_on_them);
	tcase_add_test(tcase, a_command_planned_again_meets_the_state_that_is);
	tcase_add_test(tcase, a_conflict_that_rested_on_a_lost_change_is_no_conflict);
	tcase_add_test(tcase, generation_alone_moves_without_the_journal);
	tcase_add_test(tcase, aptpl_0_does_not_depend_on_the_journal);
	tcase_add_test(tcase, turning_aptpl_off_must_be_durable);
	tcase_add_test(tcase, a_journal_that_cannot_be_used_keeps_the_lun_offline);
	tcase_add_test(tcase, a_registration_outlives_its_session_and_its_abort);
	tcase_add_test(tcase, a_command_aborted_in_the_queue_never_was);
	tcase_add_test(tcase, many_nexuses_registering_at_once_all_get_in);
	tcase_add_test(tcase, with_worker_threads_it_is_the_same);
}

int main(void)
{
	return suite_run("target/pr_commit", fill);
}
