/*
 * What follows when a PERSISTENT RESERVE OUT takes effect: standings, unit attentions, aborts.
 */
#include "tests/support/suite.h"
#include "tests/unit/target/trio.h"

/* ---- install ---- */

START_TEST(unit_attentions_go_to_victims_and_others_as_planned)
{
	register_all(PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY);
	fixture_good(fixture_pr_out(f, b, PR_OUT_PREEMPT, 6, 0xb, 0xa, 0));
	fixture_sense(fixture_test_unit_ready(f, a), 6, 0x2a, 0x03);
	fixture_good(fixture_test_unit_ready(f, a));
	fixture_sense(fixture_test_unit_ready(f, c), 6, 0x2a, 0x04);
	fixture_good(fixture_test_unit_ready(f, c));
	fixture_good(fixture_test_unit_ready(f, b));
}
END_TEST

START_TEST(clear_tells_every_other_registered_nexus)
{
	struct scsi_nexus *d = fixture_login(f, 'd');

	register_all(PR_TYPE_WRITE_EXCLUSIVE);
	fixture_good(fixture_pr_out(f, b, PR_OUT_CLEAR, 0, 0xb, 0, 0));
	fixture_sense(fixture_test_unit_ready(f, a), 6, 0x2a, 0x03);
	fixture_sense(fixture_test_unit_ready(f, c), 6, 0x2a, 0x03);
	fixture_good(fixture_test_unit_ready(f, b));
	fixture_good(fixture_test_unit_ready(f, d));
	fixture_good(fixture_write(f, d, 0, 1, 1));
}
END_TEST

START_TEST(spc4_tells_who_lost_its_registration)
{
	trio_start(&(struct fixture_config){.profile = &pr_profile_spc4});
	register_all(PR_TYPE_WRITE_EXCLUSIVE);
	fixture_good(fixture_pr_out(f, b, PR_OUT_PREEMPT, 1, 0xb, 0xa, 0));
	fixture_sense(fixture_test_unit_ready(f, a), 6, 0x2a, 0x05);
}
END_TEST

START_TEST(a_nexus_that_lost_access_conflicts_on_its_next_command)
{
	register_all(PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY);
	fixture_good(fixture_write(f, c, 0, 1, 1));
	fixture_good(fixture_pr_out(f, b, PR_OUT_PREEMPT, 5, 0xb, 0xc, 0));
	ck_assert_uint_eq(fixture_drain_unit_attentions(f, c), 1);
	fixture_conflict(fixture_write(f, c, 0, 1, 2));
	ck_assert_uint_eq(f->disks[0].bytes[0], 1);
}
END_TEST

START_TEST(under_all_registrants_who_registers_is_a_holder_at_once)
{
	trio_start(&(struct fixture_config){.profile = &pr_profile_spc4});
	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS_ALL_REGISTRANTS);
	fixture_conflict(fixture_read(f, b, 0, 1));
	fixture_good(fixture_register(f, b, 0, 0xb));
	ck_assert_int_eq(b->luns[0]->standing, PR_STANDING_HOLDER);
	fixture_good(fixture_read(f, b, 0, 1));
}
END_TEST

/* ---- PREEMPT AND ABORT ---- */

START_TEST(preempt_and_abort_answers_when_the_victims_have_let_go)
{
	struct fixture_task *reads[4];

	register_all(PR_TYPE_EXCLUSIVE_ACCESS);
	f->disks[0].hold = true;
	for (unsigned i = 0; i < 4; i++)
		reads[i] = fixture_start_read(f, a, i);
	struct fixture_task *out = start_out(b, PR_OUT_PREEMPT_AND_ABORT, 3, 0xb, 0xa);
	fixture_settle(f);
	/* The change is in force, GOOD has to wait. */
	ck_assert(fixture_holds(f, &id_b));
	ck_assert_int_eq(out->state, FIXTURE_RUNNING);
	ck_assert_int_eq(reads[0]->state, FIXTURE_RUNNING);
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(out));
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_int_eq(reads[i]->state, FIXTURE_ABORTED);
		ck_assert(!reads[i]->send_status);
		ck_assert_uint_lt(reads[i]->order, out->order);
	}
	fixture_sense(fixture_test_unit_ready(f, a), 6, 0x2a, 0x03);
	fixture_sense(fixture_test_unit_ready(f, a), 6, 0x2f, 0x00);
	fixture_good(fixture_test_unit_ready(f, a));
}
END_TEST

START_TEST(preempt_and_abort_with_tas_sends_task_aborted_and_no_2f)
{
	trio_start(&(struct fixture_config){.tas = true});
	register_all(PR_TYPE_EXCLUSIVE_ACCESS);
	f->disks[0].hold = true;
	struct fixture_task *read = fixture_start_read(f, a, 0);
	struct fixture_task *write = fixture_start_write(f, a, 0, 0x55, true);
	struct fixture_task *out = start_out(b, PR_OUT_PREEMPT_AND_ABORT, 3, 0xb, 0xa);
	fixture_settle(f);
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(out));
	ck_assert(fixture_result(read)->send_status);
	ck_assert(fixture_result(write)->send_status);
	fixture_sense(fixture_test_unit_ready(f, a), 6, 0x2a, 0x03);
	fixture_good(fixture_test_unit_ready(f, a));
}
END_TEST

START_TEST(a_victims_write_that_waits_for_data_never_reaches_the_medium)
{
	register_all(PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY);
	struct fixture_task *write = fixture_start_write(f, c, 0, 0x55, true);
	struct fixture_task *out = start_out(b, PR_OUT_PREEMPT_AND_ABORT, 5, 0xb, 0xc);
	fixture_settle(f);
	fixture_good(fixture_result(out));
	ck_assert_int_eq(write->state, FIXTURE_ABORTED);
	target_data_out_ready(&write->task);
	ck_assert_uint_eq(f->disks[0].requests, 0);
	ck_assert_uint_eq(f->disks[0].bytes[0], 0);
	ck_assert(fixture_holds(f, &id_a));
}
END_TEST

START_TEST(preempt_and_abort_without_commands_of_the_victim_needs_no_2f)
{
	register_all(PR_TYPE_EXCLUSIVE_ACCESS);
	fixture_good(fixture_pr_out(f, b, PR_OUT_PREEMPT_AND_ABORT, 3, 0xb, 0xa, 0));
	ck_assert_uint_eq(fixture_drain_unit_attentions(f, a), 1);
}
END_TEST

START_TEST(plain_preempt_lets_running_commands_finish)
{
	register_all(PR_TYPE_EXCLUSIVE_ACCESS);
	f->disks[0].hold = true;
	struct fixture_task *read = fixture_start_read(f, a, 0);
	fixture_good(fixture_pr_out(f, b, PR_OUT_PREEMPT, 3, 0xb, 0xa, 0));
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(read));
}
END_TEST

START_TEST(preempt_and_abort_of_its_own_key_spares_itself)
{
	register_all(0);
	f->disks[0].hold = true;
	struct fixture_task *read = fixture_start_read(f, b, 0);
	struct fixture_task *out = start_out(b, PR_OUT_PREEMPT_AND_ABORT, 3, 0xb, 0xb);
	fixture_settle(f);
	ck_assert_int_eq(out->state, FIXTURE_RUNNING);
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(out));
	ck_assert_int_eq(read->state, FIXTURE_ABORTED);
	ck_assert(!read->send_status);
	ck_assert_uint_eq(fixture_drain_unit_attentions(f, b), 0);
}
END_TEST

START_TEST(preempt_and_abort_cancels_the_prevention_of_removal)
{
	register_all(PR_TYPE_EXCLUSIVE_ACCESS);
	fixture_good(FIXTURE_CDB(f, a, 0, 0x1e, 0, 0, 0, 1, 0));
	ck_assert(a->luns[0]->prevents_removal);
	fixture_good(fixture_pr_out(f, b, PR_OUT_PREEMPT_AND_ABORT, 3, 0xb, 0xa, 0));
	ck_assert(!a->luns[0]->prevents_removal);
}
END_TEST

START_TEST(preempt_and_abort_waits_for_a_closed_victim_too)
{
	register_all(PR_TYPE_EXCLUSIVE_ACCESS);
	f->disks[0].hold = true;
	struct fixture_task *write = fixture_start_write(f, a, 0, 0x55, false);
	fixture_drop(a, NULL);
	struct fixture_task *out = start_out(b, PR_OUT_PREEMPT_AND_ABORT, 3, 0xb, 0xa);
	fixture_settle(f);
	ck_assert_int_eq(out->state, FIXTURE_RUNNING);
	ck_assert_int_eq(write->state, FIXTURE_RUNNING);
	test_disk_release(&f->disks[0]);
	ck_assert_int_eq(write->state, FIXTURE_ABORTED);
	fixture_good(fixture_result(out));
}
END_TEST

START_TEST(two_against_each_other_in_one_batch_do_not_wait_in_a_circle)
{
	register_all(PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY);
	f->disks[0].hold = true;
	struct fixture_task *read_b = fixture_start_read(f, b, 0);
	struct fixture_task *read_c = fixture_start_read(f, c, 1);
	start_out(a, PR_OUT_REGISTER, 0, 0xa, 0xaa); /* so that both wait for one batch */
	struct fixture_task *first = start_out(b, PR_OUT_PREEMPT_AND_ABORT, 5, 0xb, 0xc);
	struct fixture_task *second = start_out(c, PR_OUT_PREEMPT_AND_ABORT, 5, 0xc, 0xb);
	fixture_settle(f);
	ck_assert_int_eq(second->state, FIXTURE_ABORTED);
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(first));
	ck_assert_int_eq(read_c->state, FIXTURE_ABORTED);
	fixture_good(fixture_result(read_b));
	ck_assert_uint_eq(fixture_key_of(f, &id_c), 0);
	ck_assert_uint_eq(fixture_key_of(f, &id_b), 0xb);
}
END_TEST

START_TEST(two_against_each_other_one_after_the_other_both_end)
{
	register_all(PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY);
	f->disks[0].hold = true;
	struct fixture_task *read_c = fixture_start_read(f, c, 1);
	struct fixture_task *first = start_out(b, PR_OUT_PREEMPT_AND_ABORT, 5, 0xb, 0xc);
	fixture_settle(f);
	ck_assert_int_eq(first->state, FIXTURE_RUNNING); /* in force, waits for the read */
	/* c comes back and preempts b, whose P&A still waits. */
	ck_assert_uint_eq(fixture_drain_unit_attentions(f, c), 2);
	fixture_good(fixture_pr_out(f, c, PR_OUT_REGISTER, 0, 0, 0xcc, TRIO_APTPL));
	struct fixture_task *second = start_out(c, PR_OUT_PREEMPT_AND_ABORT, 5, 0xcc, 0xb);
	fixture_settle(f);
	ck_assert_int_eq(first->state, FIXTURE_ABORTED);
	/* The read of before is c's own, but nothing aborted may be about when GOOD is sent. */
	ck_assert_int_eq(second->state, FIXTURE_RUNNING);
	test_disk_release(&f->disks[0]);
	ck_assert_int_eq(read_c->state, FIXTURE_ABORTED);
	fixture_good(fixture_result(second));
}
END_TEST

/* c is aborted by b's command, but what c has in the same batch takes effect all the same. */
START_TEST(an_aborted_preempt_and_abort_takes_effect_without_waiting)
{
	register_all(PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY);
	f->disks[0].hold = true;
	struct fixture_task *read_b = fixture_start_read(f, b, 0);
	struct fixture_task *read_c = fixture_start_read(f, c, 1);
	start_out(a, PR_OUT_REGISTER, 0, 0xa, 0xaa);
	struct fixture_task *first = start_out(b, PR_OUT_PREEMPT_AND_ABORT, 5, 0xb, 0xc);
	struct fixture_task *again = start_out(c, PR_OUT_REGISTER, 0, 0, 0xcc);
	struct fixture_task *second = start_out(c, PR_OUT_PREEMPT_AND_ABORT, 5, 0xcc, 0xb);
	fixture_settle(f);
	ck_assert_int_eq(again->state, FIXTURE_ABORTED);
	ck_assert_int_eq(second->state, FIXTURE_ABORTED);
	/* It waited for read_c, and then was c's victim. */
	ck_assert_int_eq(first->state, FIXTURE_ABORTED);
	ck_assert_uint_eq(fixture_key_of(f, &id_b), 0);
	ck_assert_uint_eq(fixture_key_of(f, &id_c), 0xcc);
	test_disk_release(&f->disks[0]);
	ck_assert_int_eq(read_b->state, FIXTURE_ABORTED);
	ck_assert_int_eq(read_c->state, FIXTURE_ABORTED);
	ck_assert_ptr_null(fixture_lun(f)->drains);
	ck_assert(scsi_target_idle(f->target));
}
END_TEST

START_TEST(a_preempt_and_abort_whose_session_ends_lets_it_end)
{
	bool closed;

	register_all(PR_TYPE_EXCLUSIVE_ACCESS);
	f->disks[0].hold = true;
	struct fixture_task *read = fixture_start_read(f, a, 0);
	struct fixture_task *out = start_out(b, PR_OUT_PREEMPT_AND_ABORT, 3, 0xb, 0xa);
	fixture_drop(b, &closed);
	ck_assert(!closed); /* the journal has it */
	fixture_settle(f);
	ck_assert(closed); /* in force; nobody is left to wait for the read */
	ck_assert_int_eq(out->state, FIXTURE_ABORTED);
	ck_assert(fixture_holds(f, &id_b));
	ck_assert_int_eq(read->state, FIXTURE_RUNNING);
	test_disk_release(&f->disks[0]);
	ck_assert_int_eq(read->state, FIXTURE_ABORTED);
	ck_assert_ptr_null(fixture_lun(f)->drains);
}
END_TEST

START_TEST(a_session_can_end_while_its_preempt_and_abort_waits)
{
	bool closed;

	register_all(PR_TYPE_EXCLUSIVE_ACCESS);
	f->disks[0].hold = true;
	struct fixture_task *read = fixture_start_read(f, a, 0);
	struct fixture_task *out = start_out(b, PR_OUT_PREEMPT_AND_ABORT, 3, 0xb, 0xa);
	fixture_settle(f);
	ck_assert_int_eq(out->state, FIXTURE_RUNNING);
	fixture_drop(b, &closed);
	ck_assert(closed);
	ck_assert_int_eq(out->state, FIXTURE_ABORTED);
	b = fixture_login(f, 'b');
	/* The next one still does not overtake the victim's read. */
	fixture_good(fixture_pr_out(f, b, PR_OUT_REGISTER, 0, 0xb, 0xbb, TRIO_APTPL));
	struct fixture_task *next = start_out(b, PR_OUT_PREEMPT_AND_ABORT, 3, 0xbb, 0xc);
	fixture_settle(f);
	ck_assert_int_eq(next->state, FIXTURE_RUNNING);
	test_disk_release(&f->disks[0]);
	ck_assert_int_eq(read->state, FIXTURE_ABORTED);
	fixture_good(fixture_result(next));
}
END_TEST

START_TEST(a_reset_during_a_waiting_preempt_and_abort_corrupts_nothing)
{
	register_all(PR_TYPE_EXCLUSIVE_ACCESS);
	f->disks[0].hold = true;
	fixture_start_read(f, a, 0);
	struct fixture_task *waiting = start_out(b, PR_OUT_PREEMPT_AND_ABORT, 3, 0xb, 0xa);
	fixture_settle(f);
	struct fixture_task *running = start_out(c, PR_OUT_REGISTER, 0, 0xc, 0xcc);
	struct fixture_task *queued = start_out(b, PR_OUT_REGISTER, 0, 0xb, 0xbb);
	struct scsi_lun_nexus *lun_nexus;
	struct scsi_drain drain;

	scsi_drain_begin(&drain, fixture_lun(f), NULL, NULL);
	for (lun_nexus = fixture_lun(f)->nexuses; lun_nexus; lun_nexus = lun_nexus->next)
		scsi_task_set_abort(lun_nexus, NULL, false, &drain);
	scsi_drain_seal(&drain);
	ck_assert_int_eq(queued->state, FIXTURE_ABORTED);
	ck_assert_int_eq(running->state, FIXTURE_RUNNING);
	fixture_settle(f);
	ck_assert_int_eq(running->state, FIXTURE_ABORTED);
	ck_assert_uint_eq(fixture_key_of(f, &id_c), 0xcc);
	ck_assert_uint_eq(fixture_key_of(f, &id_b), 0xb);
	ck_assert_int_eq(waiting->state, FIXTURE_ABORTED);
	ck_assert_ptr_nonnull(fixture_lun(f)->drains);
	test_disk_release(&f->disks[0]);
	ck_assert_ptr_null(fixture_lun(f)->drains);
	ck_assert(scsi_target_idle(f->target));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, trio_setup, trio_teardown);
	tcase_add_test(tcase, unit_attentions_go_to_victims_and_others_as_planned);
	tcase_add_test(tcase, clear_tells_every_other_registered_nexus);
	tcase_add_test(tcase, spc4_tells_who_lost_its_registration);
	tcase_add_test(tcase, a_nexus_that_lost_access_conflicts_on_its_next_command);
	tcase_add_test(tcase, under_all_registrants_who_registers_is_a_holder_at_once);
	tcase_add_test(tcase, preempt_and_abort_answers_when_the_victims_have_let_go);
	tcase_add_test(tcase, preempt_and_abort_with_tas_sends_task_aborted_and_no_2f);
	tcase_add_test(tcase, a_victims_write_that_waits_for_data_never_reaches_the_medium);
	tcase_add_test(tcase, preempt_and_abort_without_commands_of_the_victim_needs_no_2f);
	tcase_add_test(tcase, plain_preempt_lets_running_commands_finish);
	tcase_add_test(tcase, preempt_and_abort_of_its_own_key_spares_itself);
	tcase_add_test(tcase, preempt_and_abort_cancels_the_prevention_of_removal);
	tcase_add_test(tcase, preempt_and_abort_waits_for_a_closed_victim_too);
	tcase_add_test(tcase, two_against_each_other_in_one_batch_do_not_wait_in_a_circle);
	tcase_add_test(tcase, two_against_each_other_one_after_the_other_both_end);
	tcase_add_test(tcase, an_aborted_preempt_and_abort_takes_effect_without_waiting);
	tcase_add_test(tcase, a_preempt_and_abort_whose_session_ends_lets_it_end);
	tcase_add_test(tcase, a_session_can_end_while_its_preempt_and_abort_waits);
	tcase_add_test(tcase, a_reset_during_a_waiting_preempt_and_abort_corrupts_nothing);
}

int main(void)
{
	return suite_run("target/pr_install", fill);
}
