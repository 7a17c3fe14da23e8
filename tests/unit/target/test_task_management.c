#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/target_fixture.h"

static struct fixture *f;
static struct scsi_nexus *a, *b;

static void start(const struct fixture_config *config)
{
	fixture_free(&f);
	f = fixture_create(config);
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
}

static void setup(void)
{
	f = fixture_create(NULL);
	start(&(struct fixture_config){.luns = 2});
}

static void teardown(void)
{
	fixture_check(f);
	fixture_free(&f);
}

struct test_tmf {
	struct scsi_tmf tmf;
	unsigned completed;
	unsigned after; /* tasks that had ended when it completed */
};

static void note_complete(struct scsi_tmf *tmf)
{
	struct test_tmf *test = tmf->owner;

	test->completed++;
	test->after = f->ended;
}

static void manage(struct test_tmf *test, struct scsi_nexus *nexus, enum scsi_tmf_function function,
		   struct scsi_task *referenced)
{
	*test = (struct test_tmf){.tmf = {.nexus = nexus,
					  .function = function,
					  .lun_bytes = {0, (uint8_t)f->lun},
					  .referenced = referenced,
					  .complete = note_complete}};
	test->tmf.owner = test;
	target_manage(&test->tmf);
}

/* One that has nothing to wait for. */
static enum scsi_tmf_response response(struct scsi_nexus *nexus, enum scsi_tmf_function function)
{
	struct test_tmf test;

	manage(&test, nexus, function, NULL);
	ck_assert_uint_eq(test.completed, 1);
	return test.tmf.response;
}

/* ---- one task ---- */

START_TEST(abort_task_lets_a_waiting_write_go_at_once)
{
	struct fixture_task *write = fixture_start_write(f, a, 0, 0x55, true);
	struct test_tmf test;

	manage(&test, a, SCSI_TMF_ABORT_TASK, &write->task);
	ck_assert_uint_eq(test.completed, 1);
	ck_assert_int_eq(test.tmf.response, SCSI_TMF_COMPLETE);
	ck_assert(!fixture_result(write)->send_status);
	ck_assert_uint_eq(fixture_drain_unit_attentions(f, a), 0);
	ck_assert_uint_eq(f->disks[0].requests, 0);
}
END_TEST

START_TEST(abort_task_waits_for_a_running_one)
{
	struct test_tmf test;

	f->disks[0].hold = true;
	struct fixture_task *read = fixture_start_read(f, a, 0);
	struct fixture_task *other = fixture_start_read(f, a, 1);
	manage(&test, a, SCSI_TMF_ABORT_TASK, &read->task);
	ck_assert_uint_eq(test.completed, 0);
	test_disk_release(&f->disks[0]);
	ck_assert_uint_eq(test.completed, 1);
	ck_assert_int_eq(read->state, FIXTURE_ABORTED);
	fixture_good(fixture_result(other));
}
END_TEST

START_TEST(abort_task_of_none_or_an_ended_one_says_so)
{
	struct fixture_task *read = fixture_start_read(f, a, 0);
	struct test_tmf test;

	manage(&test, a, SCSI_TMF_ABORT_TASK, NULL);
	ck_assert_int_eq(test.tmf.response, SCSI_TMF_NO_TASK);
	fixture_good(fixture_result(read));
	manage(&test, a, SCSI_TMF_ABORT_TASK, &read->task);
	ck_assert_int_eq(test.tmf.response, SCSI_TMF_NO_TASK);
}
END_TEST

START_TEST(query_task_tells_whether_it_is_there)
{
	struct fixture_task *write = fixture_start_write(f, a, 0, 0x55, true);
	struct test_tmf test;

	manage(&test, a, SCSI_TMF_QUERY_TASK, &write->task);
	ck_assert_int_eq(test.tmf.response, SCSI_TMF_SUCCEEDED);
	fixture_deliver(write);
	manage(&test, a, SCSI_TMF_QUERY_TASK, &write->task);
	ck_assert_int_eq(test.tmf.response, SCSI_TMF_COMPLETE);
	ck_assert_int_eq(response(a, SCSI_TMF_QUERY_TASK), SCSI_TMF_COMPLETE);
}
END_TEST

/* ---- task sets ---- */

START_TEST(abort_task_set_is_the_issuers_on_that_lun)
{
	struct test_tmf test;
	struct fixture_task *mine = fixture_start_write(f, a, 0, 1, true);
	struct fixture_task *foreign = fixture_start_write(f, b, 0, 2, true);

	f->lun = 1;
	struct fixture_task *elsewhere = fixture_start_write(f, a, 0, 3, true);
	f->lun = 0;
	manage(&test, a, SCSI_TMF_ABORT_TASK_SET, NULL);
	ck_assert_int_eq(mine->state, FIXTURE_ABORTED);
	ck_assert_int_eq(foreign->state, FIXTURE_WAITING);
	ck_assert_int_eq(elsewhere->state, FIXTURE_WAITING);
	ck_assert_uint_eq(test.completed, 1);
	ck_assert_uint_eq(fixture_drain_unit_attentions(f, b), 0);
}
END_TEST

START_TEST(clear_task_set_tells_others_who_lost_commands)
{
	struct scsi_nexus *idle = fixture_login(f, 'c');
	struct fixture_task *mine = fixture_start_write(f, a, 0, 1, true);
	struct fixture_task *foreign = fixture_start_write(f, b, 0, 2, true);

	ck_assert_int_eq(response(a, SCSI_TMF_CLEAR_TASK_SET), SCSI_TMF_COMPLETE);
	ck_assert(!fixture_result(mine)->send_status);
	ck_assert(!fixture_result(foreign)->send_status);
	fixture_sense(fixture_test_unit_ready(f, b), 6, 0x2f, 0x00);
	fixture_good(fixture_test_unit_ready(f, b));
	fixture_good(fixture_test_unit_ready(f, a));
	fixture_good(fixture_test_unit_ready(f, idle));
}
END_TEST

START_TEST(clear_task_set_with_tas_sends_task_aborted_instead)
{
	start(&(struct fixture_config){.tas = true});
	struct fixture_task *mine = fixture_start_write(f, a, 0, 1, true);
	struct fixture_task *foreign = fixture_start_write(f, b, 0, 2, true);

	ck_assert_int_eq(response(a, SCSI_TMF_CLEAR_TASK_SET), SCSI_TMF_COMPLETE);
	ck_assert(!fixture_result(mine)->send_status);
	ck_assert(fixture_result(foreign)->send_status);
	fixture_good(fixture_test_unit_ready(f, b));
}
END_TEST

START_TEST(query_task_set_tells_whether_there_is_any)
{
	ck_assert_int_eq(response(a, SCSI_TMF_QUERY_TASK_SET), SCSI_TMF_COMPLETE);
	struct fixture_task *write = fixture_start_write(f, a, 0, 1, true);
	ck_assert_int_eq(response(a, SCSI_TMF_QUERY_TASK_SET), SCSI_TMF_SUCCEEDED);
	ck_assert_int_eq(response(b, SCSI_TMF_QUERY_TASK_SET), SCSI_TMF_COMPLETE);
	fixture_deliver(write);
}
END_TEST

/* ---- resets ---- */

START_TEST(logical_unit_reset_ends_everything_but_the_reservations)
{
	struct test_tmf test;

	fixture_hold(f, a, 0xa, PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY);
	fixture_good(fixture_register(f, b, 0, 0xb));
	fixture_good(FIXTURE_CDB(f, a, 0, 0x1e, 0, 0, 0, 1, 0));
	bool was = fixture_lun(f)->mode.write_cache;
	fixture_lun(f)->mode.write_cache = !was;
	uint32_t generation = fixture_generation(f);
	f->disks[0].hold = true;
	struct fixture_task *mine = fixture_start_read(f, a, 0);
	struct fixture_task *foreign = fixture_start_write(f, b, 0, 1, true);

	manage(&test, a, SCSI_TMF_LOGICAL_UNIT_RESET, NULL);
	ck_assert_int_eq(foreign->state, FIXTURE_ABORTED);
	ck_assert_uint_eq(test.completed, 0);
	test_disk_release(&f->disks[0]);
	ck_assert_int_eq(mine->state, FIXTURE_ABORTED);
	ck_assert_uint_eq(test.completed, 1);
	ck_assert_int_eq(test.tmf.response, SCSI_TMF_COMPLETE);
	ck_assert_uint_eq(test.after, f->ended);
	fixture_sense(fixture_test_unit_ready(f, a), 6, 0x29, 0x03);
	fixture_good(fixture_test_unit_ready(f, a));
	fixture_sense(fixture_test_unit_ready(f, b), 6, 0x29, 0x03);
	ck_assert_int_eq(fixture_lun(f)->mode.write_cache, was);
	ck_assert(!a->luns[0]->prevents_removal);
	ck_assert_int_eq(fixture_reserved(f), PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY);
	ck_assert_uint_eq(fixture_registrations(f), 2);
	ck_assert_uint_eq(fixture_generation(f), generation);
}
END_TEST

START_TEST(a_reset_outlives_the_nexus_that_asked_for_it)
{
	struct test_tmf test;

	f->disks[0].hold = true;
	fixture_start_read(f, b, 0);
	manage(&test, a, SCSI_TMF_LOGICAL_UNIT_RESET, NULL);
	ck_assert_uint_eq(test.completed, 0);
	fixture_logout(f, a);
	test_disk_release(&f->disks[0]);
	ck_assert_uint_eq(test.completed, 1);
	ck_assert_int_eq(test.tmf.response, SCSI_TMF_COMPLETE);
}
END_TEST

START_TEST(logical_unit_reset_releases_an_spc2_reservation)
{
	fixture_good(FIXTURE_CDB(f, a, 0, 0x16, 0, 0, 0, 0, 0));
	ck_assert_int_eq(response(b, SCSI_TMF_LOGICAL_UNIT_RESET), SCSI_TMF_COMPLETE);
	fixture_drain_unit_attentions(f, b);
	fixture_good(FIXTURE_CDB(f, b, 0, 0x16, 0, 0, 0, 0, 0));
}
END_TEST

START_TEST(logical_unit_reset_concerns_one_lun)
{
	ck_assert_int_eq(response(a, SCSI_TMF_LOGICAL_UNIT_RESET), SCSI_TMF_COMPLETE);
	f->lun = 1;
	fixture_good(fixture_test_unit_ready(f, a));
	fixture_good(fixture_test_unit_ready(f, b));
}
END_TEST

static void expect_target_reset(enum scsi_tmf_function function, uint8_t ascq)
{
	struct test_tmf test;

	fixture_hold(f, a, 0xa, PR_TYPE_WRITE_EXCLUSIVE);
	f->lun = 1;
	f->disks[1].hold = true;
	fixture_good(FIXTURE_CDB(f, b, 0, 0x16, 0, 0, 0, 0, 0));
	struct fixture_task *read = fixture_start_read(f, b, 0);
	manage(&test, a, function, NULL);
	ck_assert_uint_eq(test.completed, 0);
	test_disk_release(&f->disks[1]);
	ck_assert_uint_eq(test.completed, 1);
	ck_assert_int_eq(read->state, FIXTURE_ABORTED);
	for (f->lun = 0; f->lun < 2; f->lun++) {
		fixture_sense(fixture_test_unit_ready(f, a), 6, 0x29, ascq);
		fixture_sense(fixture_test_unit_ready(f, b), 6, 0x29, ascq);
		ck_assert_ptr_null(fixture_lun(f)->spc2_owner);
	}
	f->lun = 0;
	ck_assert_int_eq(fixture_reserved(f), PR_TYPE_WRITE_EXCLUSIVE);
}

START_TEST(target_warm_reset_resets_every_lun)
{
	expect_target_reset(SCSI_TMF_TARGET_WARM_RESET, 0x02);
}
END_TEST

START_TEST(target_cold_reset_resets_every_lun_and_keeps_reservations_with_aptpl_0)
{
	expect_target_reset(SCSI_TMF_TARGET_COLD_RESET, 0x01);
}
END_TEST

START_TEST(nexus_reset_ends_what_is_the_issuers_on_every_lun)
{
	struct fixture_task *mine = fixture_start_write(f, a, 0, 1, true);
	struct fixture_task *foreign = fixture_start_write(f, b, 0, 2, true);

	f->lun = 1;
	struct fixture_task *mine_too = fixture_start_write(f, a, 0, 3, true);
	fixture_good(FIXTURE_CDB(f, a, 0, 0x16, 0, 0, 0, 0, 0));
	ck_assert_int_eq(response(a, SCSI_TMF_I_T_NEXUS_RESET), SCSI_TMF_COMPLETE);
	ck_assert_int_eq(mine->state, FIXTURE_ABORTED);
	ck_assert_int_eq(mine_too->state, FIXTURE_ABORTED);
	ck_assert_int_eq(foreign->state, FIXTURE_WAITING);
	ck_assert_ptr_null(fixture_lun(f)->spc2_owner);
	fixture_sense(fixture_test_unit_ready(f, a), 6, 0x29, 0x07);
	fixture_good(fixture_test_unit_ready(f, b));
}
END_TEST

START_TEST(a_reset_sees_to_it_that_a_later_write_lands_behind_an_aborted_one)
{
	struct test_tmf first, second;

	f->disks[0].hold = true;
	fixture_start_write(f, b, 0, 0x11, false);
	manage(&first, a, SCSI_TMF_LOGICAL_UNIT_RESET, NULL);
	/* The second finds nothing to abort, and must wait all the same. */
	manage(&second, a, SCSI_TMF_LOGICAL_UNIT_RESET, NULL);
	ck_assert_uint_eq(first.completed, 0);
	ck_assert_uint_eq(second.completed, 0);
	test_disk_release(&f->disks[0]);
	ck_assert_uint_eq(first.completed, 1);
	ck_assert_uint_eq(second.completed, 1);
}
END_TEST

/* ---- the rest ---- */

START_TEST(without_aca_there_is_no_clear_aca)
{
	ck_assert_int_eq(response(a, SCSI_TMF_CLEAR_ACA), SCSI_TMF_NOT_SUPPORTED);
}
END_TEST

START_TEST(query_async_event_tells_the_first_unit_attention_and_leaves_it)
{
	struct test_tmf test;

	ck_assert_int_eq(response(a, SCSI_TMF_QUERY_ASYNC_EVENT), SCSI_TMF_COMPLETE);
	scsi_ua_raise(&a->luns[0]->unit_attentions, SCSI_UA_COMMANDS_CLEARED);
	manage(&test, a, SCSI_TMF_QUERY_ASYNC_EVENT, NULL);
	ck_assert_int_eq(test.tmf.response, SCSI_TMF_SUCCEEDED);
	ck_assert_mem_eq(test.tmf.additional, "\x16\x2f\x00", 3);
	scsi_ua_raise(&a->luns[0]->unit_attentions, SCSI_UA_RESERVATIONS_RELEASED);
	manage(&test, a, SCSI_TMF_QUERY_ASYNC_EVENT, NULL);
	ck_assert_mem_eq(test.tmf.additional, "\x26\x2f\x00", 3);
	ck_assert_uint_eq(fixture_drain_unit_attentions(f, a), 2);
}
END_TEST

START_TEST(query_async_event_counts_a_deferred_error)
{
	struct test_tmf test;

	a->luns[0]->deferred_error = SCSI_SENSE_WRITE_ERROR;
	manage(&test, a, SCSI_TMF_QUERY_ASYNC_EVENT, NULL);
	ck_assert_int_eq(test.tmf.response, SCSI_TMF_SUCCEEDED);
	ck_assert_mem_eq(test.tmf.additional, "\x13\x0c\x00", 3);
	scsi_ua_raise(&a->luns[0]->unit_attentions, SCSI_UA_COMMANDS_CLEARED);
	manage(&test, a, SCSI_TMF_QUERY_ASYNC_EVENT, NULL);
	ck_assert_mem_eq(test.tmf.additional, "\x26\x2f\x00", 3);
}
END_TEST

START_TEST(a_lun_that_is_not_there_is_told)
{
	static const enum scsi_tmf_function functions[] = {
		SCSI_TMF_ABORT_TASK_SET,     SCSI_TMF_CLEAR_ACA,      SCSI_TMF_CLEAR_TASK_SET,
		SCSI_TMF_LOGICAL_UNIT_RESET, SCSI_TMF_QUERY_TASK_SET, SCSI_TMF_QUERY_ASYNC_EVENT,
	};

	f->lun = 9;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		ck_assert_int_eq(response(a, functions[i]), SCSI_TMF_NO_LUN);
	f->lun = 0;
}
END_TEST

START_TEST(unknown_functions_are_not_supported)
{
	ck_assert_int_eq(response(a, (enum scsi_tmf_function)0), SCSI_TMF_NOT_SUPPORTED);
	ck_assert_int_eq(response(a, (enum scsi_tmf_function)8), SCSI_TMF_NOT_SUPPORTED);
	ck_assert_int_eq(response(a, (enum scsi_tmf_function)99), SCSI_TMF_NOT_SUPPORTED);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, abort_task_lets_a_waiting_write_go_at_once);
	tcase_add_test(tcase, abort_task_waits_for_a_running_one);
	tcase_add_test(tcase, abort_task_of_none_or_an_ended_one_says_so);
	tcase_add_test(tcase, query_task_tells_whether_it_is_there);
	tcase_add_test(tcase, abort_task_set_is_the_issuers_on_that_lun);
	tcase_add_test(tcase, clear_task_set_tells_others_who_lost_commands);
	tcase_add_test(tcase, clear_task_set_with_tas_sends_task_aborted_instead);
	tcase_add_test(tcase, query_task_set_tells_whether_there_is_any);
	tcase_add_test(tcase, logical_unit_reset_ends_everything_but_the_reservations);
	tcase_add_test(tcase, a_reset_outlives_the_nexus_that_asked_for_it);
	tcase_add_test(tcase, logical_unit_reset_releases_an_spc2_reservation);
	tcase_add_test(tcase, logical_unit_reset_concerns_one_lun);
	tcase_add_test(tcase, target_warm_reset_resets_every_lun);
	tcase_add_test(tcase,
		       target_cold_reset_resets_every_lun_and_keeps_reservations_with_aptpl_0);
	tcase_add_test(tcase, nexus_reset_ends_what_is_the_issuers_on_every_lun);
	tcase_add_test(tcase, a_reset_sees_to_it_that_a_later_write_lands_behind_an_aborted_one);
	tcase_add_test(tcase, without_aca_there_is_no_clear_aca);
	tcase_add_test(tcase, query_async_event_tells_the_first_unit_attention_and_leaves_it);
	tcase_add_test(tcase, query_async_event_counts_a_deferred_error);
	tcase_add_test(tcase, a_lun_that_is_not_there_is_told);
	tcase_add_test(tcase, unknown_functions_are_not_supported);
}

int main(void)
{
	return suite_run("target/task_management", fill);
}
