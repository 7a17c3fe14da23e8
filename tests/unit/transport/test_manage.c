/* Task management: what is aborted, in which order answers come, and what is answered. */
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/wire.h"
#include "transport/session.h"

#define ISID(n)                     \
	{                           \
		0x80, 0, 0, 0, 0, n \
	}

static struct wire_house house;
static struct wire wire, other;
static uint8_t data[16 * WIRE_BLOCK];

static void setup(void)
{
	wire_house_init(&house);
	wire_house_start(&house);
	wire_start(&house, &wire);
}

static void teardown(void)
{
	wire_close(&wire);
	if (other.conn)
		wire_close(&other);
	wire_house_stop(&house);
}

static void start_other(void)
{
	struct wire_login login = {.isid = ISID(2)};

	wire_open(&house, &other);
	ck_assert_uint_eq(wire_login_with(&other, &login), ISCSI_LOGIN_SUCCESS);
	wire_clear_unit_attentions(&other);
}

/* A request with its own CmdSN, and the LUN at choice. */
static uint32_t manage_numbered(uint8_t function, uint8_t lun, uint32_t rtt, uint32_t ref_cmd_sn)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_task_management_request request = {
		.function = function,
		.lun = {0, lun},
		.itt = ++wire.itt,
		.referenced_tag = rtt,
		.cmd_sn = wire.cmd_sn++,
		.ref_cmd_sn = ref_cmd_sn,
	};

	iscsi_task_management_request_encode(&request, bhs);
	wire_send(&wire, bhs, NULL, 0);
	return wire.itt;
}

START_TEST(an_aborted_task_is_never_answered)
{
	house.hold = true;
	uint32_t itt = wire_read(&wire, 0, 1);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_ABORT_TASK, itt, wire.cmd_sn - 1);
	/* The answer waits until the medium is let go of. */
	wire_expect_nothing(&wire);
	wire_house_release(&house);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_expect_nothing(&wire);
}
END_TEST

START_TEST(an_answered_task_does_not_exist)
{
	uint32_t itt = wire_read(&wire, 0, 1);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_ABORT_TASK, itt, wire.cmd_sn - 1);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_NO_TASK);
}
END_TEST

START_TEST(another_lun_names_another_task)
{
	house.hold = true;
	uint32_t itt = wire_read(&wire, 0, 1);
	uint32_t tmf = manage_numbered(SCSI_TMF_ABORT_TASK, 7, itt, wire.cmd_sn - 1);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_NO_TASK);
	wire_house_release(&house);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(a_refused_write_that_waits_for_data_can_be_aborted)
{
	wire_close(&wire);
	wire_open(&house, &wire);
	wire_login(&wire, "InitialR2T=No", NULL);
	wire_clear_unit_attentions(&wire);
	uint32_t itt = wire_write(&wire, WIRE_BLOCKS, 2, NULL, 0, false);
	wire_expect_nothing(&wire);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_ABORT_TASK, itt, wire.cmd_sn - 1);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_data_out(&wire, itt, ISCSI_NO_TAG, 0, 0, data, 1024, true);
	wire_expect_nothing(&wire);
}
END_TEST

/* RFC 7143 11.5.5: the command was never seen; its CmdSN counts as received. */
START_TEST(aborting_an_unseen_command_plugs_its_hole)
{
	wire.cmd_sn++; /* this one is lost */
	uint32_t behind = wire_test_unit_ready(&wire);
	wire_expect_nothing(&wire);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_ABORT_TASK, 9999, wire.cmd_sn - 2);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_expect_status(&wire, behind, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(wire.exp_cmd_sn, wire.cmd_sn);
}
END_TEST

START_TEST(a_held_command_is_aborted_before_it_ran)
{
	wire.cmd_sn++;
	uint32_t held = wire_test_unit_ready(&wire);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_ABORT_TASK, held, wire.cmd_sn - 1);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	/* The lost one comes after all: what was aborted is skipped. */
	uint32_t next = wire.cmd_sn;
	wire.cmd_sn -= 2;
	uint32_t late = wire_test_unit_ready(&wire);
	wire_expect_status(&wire, late, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(wire.exp_cmd_sn, next);
}
END_TEST

START_TEST(a_reference_outside_the_window_does_not_exist)
{
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_ABORT_TASK, 9999, wire.cmd_sn - 1);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_NO_TASK);
	tmf = wire_manage(&wire, SCSI_TMF_ABORT_TASK, 9999, wire.cmd_sn);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_NO_TASK);
	tmf = wire_manage(&wire, SCSI_TMF_ABORT_TASK, 9999, wire.cmd_sn + 5000);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_NO_TASK);
}
END_TEST

START_TEST(a_function_cannot_be_aborted)
{
	house.hold = true;
	uint32_t itt = wire_read(&wire, 0, 1);
	uint32_t first = wire_manage(&wire, SCSI_TMF_ABORT_TASK, itt, wire.cmd_sn - 1);
	uint32_t second = wire_manage(&wire, SCSI_TMF_ABORT_TASK, first, wire.cmd_sn);
	ck_assert_uint_eq(wire_expect_managed(&wire, second), SCSI_TMF_REJECTED);
	wire_house_release(&house);
	ck_assert_uint_eq(wire_expect_managed(&wire, first), SCSI_TMF_COMPLETE);
}
END_TEST

START_TEST(a_task_set_goes_as_a_whole)
{
	house.hold = true;
	wire_read(&wire, 0, 1);
	wire_read(&wire, 1, 1);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_ABORT_TASK_SET, ISCSI_NO_TAG, 0);
	wire_house_release(&house);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_expect_nothing(&wire);
}
END_TEST

START_TEST(commands_behind_a_hole_are_part_of_the_task_set)
{
	wire.cmd_sn++;
	wire_test_unit_ready(&wire);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_ABORT_TASK_SET, ISCSI_NO_TAG, 0);
	wire_wait(&wire, house.config.limits.abort_wait_ms + 100);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire.cmd_sn -= 2;
	uint32_t late = wire_test_unit_ready(&wire);
	wire_expect_status(&wire, late, SCSI_STATUS_GOOD);
	wire_expect_nothing(&wire);
}
END_TEST

START_TEST(a_refused_write_is_part_of_the_task_set)
{
	wire_close(&wire);
	wire_open(&house, &wire);
	wire_login(&wire, "InitialR2T=No", NULL);
	wire_clear_unit_attentions(&wire);
	uint32_t itt = wire_write(&wire, WIRE_BLOCKS, 2, NULL, 0, false);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_ABORT_TASK_SET, ISCSI_NO_TAG, 0);
	wire_wait(&wire, house.config.limits.abort_wait_ms + 100);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_data_out(&wire, itt, ISCSI_NO_TAG, 0, 0, data, 1024, true);
	wire_expect_nothing(&wire);
}
END_TEST

/* RFC 7143 4.2.3.3 a: an initiator goes on answering R2Ts until the function is answered. */
START_TEST(a_reset_waits_for_data_that_was_asked_for)
{
	wire_write(&wire, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_LOGICAL_UNIT_RESET, ISCSI_NO_TAG, 0);
	wire_expect_nothing(&wire);
	wire_data_out(&wire, r2t.itt, r2t.ttt, 0, 0, data, 512, false);
	wire_expect_nothing(&wire);
	wire_data_out(&wire, r2t.itt, r2t.ttt, 1, 512, data, 512, true);
	/* The task is aborted all the same: it is never answered, nor written. */
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_expect_nothing(&wire);
}
END_TEST

START_TEST(a_reset_does_not_wait_for_ever)
{
	wire_write(&wire, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_LOGICAL_UNIT_RESET, ISCSI_NO_TAG, 0);
	wire_wait(&wire, house.config.limits.abort_wait_ms - 100);
	wire_expect_nothing(&wire);
	wire_wait(&wire, 200);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_answer_r2t(&wire, &r2t, data);
	wire_expect_nothing(&wire);
}
END_TEST

START_TEST(no_more_is_asked_for_while_a_reset_waits)
{
	wire_close(&wire);
	wire_open(&house, &wire);
	wire_login(&wire, "MaxBurstLength=512", "InitialR2T=Yes", NULL);
	wire_clear_unit_attentions(&wire);
	wire_write(&wire, 0, 4, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_LOGICAL_UNIT_RESET, ISCSI_NO_TAG, 0);
	wire_answer_r2t(&wire, &r2t, data);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
}
END_TEST

START_TEST(data_for_another_lun_is_not_waited_for)
{
	wire_write(&wire, 0, 2, NULL, 0, true);
	wire_expect_r2t(&wire);
	uint32_t tmf = manage_numbered(SCSI_TMF_LOGICAL_UNIT_RESET, 99, ISCSI_NO_TAG, 0);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_NO_LUN);
}
END_TEST

/* RFC 7143 4.2.3.3 b: a command before the function that comes late is aborted, not run later. */
START_TEST(a_reset_waits_for_the_commands_before_it)
{
	house.hold = true;
	wire.cmd_sn++;
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_LOGICAL_UNIT_RESET, ISCSI_NO_TAG, 0);
	wire_expect_nothing(&wire);
	wire.cmd_sn--;
	wire_read(&wire, 0, 1);
	wire_expect_nothing(&wire);
	wire_house_release(&house);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_expect_nothing(&wire);
}
END_TEST

START_TEST(commands_behind_a_reset_that_waits_run_after_it)
{
	wire_write(&wire, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_ABORT_TASK_SET, ISCSI_NO_TAG, 0);
	uint32_t behind = wire_read(&wire, 0, 1);
	wire_expect_nothing(&wire);
	wire_answer_r2t(&wire, &r2t, data);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_expect_status(&wire, behind, SCSI_STATUS_GOOD);
}
END_TEST

/* The whole target: what is missing counts as received (RFC 7143 4.2.3.3 b). */
START_TEST(a_reset_of_the_target_waits_for_no_command)
{
	uint32_t missing = wire.cmd_sn++;
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_TARGET_WARM_RESET, ISCSI_NO_TAG, 0);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	ck_assert_uint_eq(wire.exp_cmd_sn, missing + 1);
}
END_TEST

START_TEST(a_function_that_waits_goes_with_its_session)
{
	wire_write(&wire, 0, 2, NULL, 0, true);
	wire_expect_r2t(&wire);
	wire_manage(&wire, SCSI_TMF_LOGICAL_UNIT_RESET, ISCSI_NO_TAG, 0);
	wire_test_unit_ready(&wire);
	wire_close(&wire);
	ck_assert(scsi_target_idle(house.target));
	wire_open(&house, &wire);
	wire_login(&wire, NULL);
}
END_TEST

START_TEST(clear_task_set_reaches_other_sessions)
{
	start_other();
	house.hold = true;
	wire_read(&other, 0, 1);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_CLEAR_TASK_SET, ISCSI_NO_TAG, 0);
	wire_house_release(&house);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_expect_nothing(&other);
	uint32_t itt = wire_test_unit_ready(&other);
	wire_expect_sense(&other, itt, 0x06, 0x2f, 0x00);
}
END_TEST

START_TEST(a_reset_aborts_writes_of_others_that_wait_for_data)
{
	start_other();
	uint32_t itt = wire_write(&other, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&other);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_LOGICAL_UNIT_RESET, ISCSI_NO_TAG, 0);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_answer_r2t(&other, &r2t, data);
	wire_expect_nothing(&other);
	(void)itt;
	uint32_t check = wire_test_unit_ready(&wire);
	wire_expect_sense(&wire, check, 0x06, 0x29, 0x03);
}
END_TEST

START_TEST(a_cold_reset_closes_every_connection_behind_its_answer)
{
	start_other();
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_TARGET_COLD_RESET, ISCSI_NO_TAG, 0);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_expect(&wire, ISCSI_ASYNC_MESSAGE);
	wire_expect_finished(&wire);
	ck_assert_uint_gt(other.wakes, 0);
	wire_wait(&other, 0);
	wire_expect(&other, ISCSI_ASYNC_MESSAGE);
	wire_expect_finished(&other);
}
END_TEST

START_TEST(with_tas_the_aborted_are_told)
{
	wire_close(&wire);
	wire_house_stop(&house);
	wire_house_init(&house);
	house.tas = true;
	wire_house_start(&house);
	wire_start(&house, &wire);
	start_other();
	/* One that waits for its data, and one that works. */
	uint32_t waiting = wire_write(&other, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&other);
	house.hold = true;
	uint32_t working = wire_read(&other, 0, 1);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_CLEAR_TASK_SET, ISCSI_NO_TAG, 0);
	wire_expect_status(&other, waiting, SCSI_STATUS_TASK_ABORTED);
	wire_house_release(&house);
	wire_expect_status(&other, working, SCSI_STATUS_TASK_ABORTED);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_answer_r2t(&other, &r2t, data);
	wire_expect_nothing(&other);
}
END_TEST

static void login_at_level_2(void)
{
	wire_close(&wire);
	wire_open(&house, &wire);
	wire_login(&wire, "iSCSIProtocolLevel=2", NULL);
	wire_clear_unit_attentions(&wire);
}

START_TEST(tasks_can_be_asked_about)
{
	login_at_level_2();
	house.hold = true;
	uint32_t itt = wire_read(&wire, 0, 1);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_QUERY_TASK, itt, 0);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_SUCCEEDED);
	tmf = wire_manage(&wire, SCSI_TMF_QUERY_TASK_SET, ISCSI_NO_TAG, 0);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_SUCCEEDED);
	wire_house_release(&house);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	tmf = wire_manage(&wire, SCSI_TMF_QUERY_TASK, itt, 0);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
}
END_TEST

START_TEST(a_nexus_reset_ends_every_task_of_the_session_and_no_more)
{
	login_at_level_2();
	start_other();
	house.hold = true;
	wire_read(&wire, 0, 1);
	uint32_t others = wire_read(&other, 0, 1);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_I_T_NEXUS_RESET, ISCSI_NO_TAG, 0);
	wire_house_release(&house);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_expect_nothing(&wire);
	wire_expect_status(&other, others, SCSI_STATUS_GOOD);
	wire_expect_sense(&wire, wire_test_unit_ready(&wire), 6, 0x29, 0x07);
}
END_TEST

/* Refused and behind a hole: neither is known to the device server. */
START_TEST(a_nexus_reset_ends_what_never_ran)
{
	wire_close(&wire);
	wire_open(&house, &wire);
	wire_login(&wire, "iSCSIProtocolLevel=2", "InitialR2T=No", NULL);
	wire_clear_unit_attentions(&wire);
	uint32_t refused = wire_write(&wire, WIRE_BLOCKS, 2, NULL, 0, false);
	wire.cmd_sn++; /* this one is lost */
	wire_test_unit_ready(&wire);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_I_T_NEXUS_RESET, ISCSI_NO_TAG, 0);
	wire_wait(&wire, house.config.limits.abort_wait_ms + 100);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_data_out(&wire, refused, ISCSI_NO_TAG, 0, 0, data, 1024, true);
	uint32_t plug = wire_manage(&wire, SCSI_TMF_ABORT_TASK, 9999, wire.cmd_sn - 2);
	ck_assert_uint_eq(wire_expect_managed(&wire, plug), SCSI_TMF_COMPLETE);
	wire_expect_nothing(&wire);
	ck_assert_uint_eq(wire.exp_cmd_sn, wire.cmd_sn);
}
END_TEST

START_TEST(asynchronous_events_can_be_asked_about)
{
	struct iscsi_task_management_response response;

	login_at_level_2();
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_QUERY_ASYNC_EVENT, ISCSI_NO_TAG, 0);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	tmf = wire_manage(&wire, SCSI_TMF_I_T_NEXUS_RESET, ISCSI_NO_TAG, 0);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_manage(&wire, SCSI_TMF_QUERY_ASYNC_EVENT, ISCSI_NO_TAG, 0);
	struct wire_pdu *pdu = wire_expect(&wire, ISCSI_TASK_MANAGEMENT_RESPONSE);
	iscsi_task_management_response_decode(pdu->bhs, &response);
	ck_assert_uint_eq(response.response, SCSI_TMF_SUCCEEDED);
	ck_assert_mem_eq(response.additional, "\x16\x29\x07", 3);
}
END_TEST

START_TEST(a_tag_in_use_is_rejected)
{
	house.hold = true;
	uint32_t itt = wire_read(&wire, 0, 1);
	wire.itt = itt - 1; /* the next request gets the task's tag */
	wire_manage(&wire, SCSI_TMF_LOGICAL_UNIT_RESET, ISCSI_NO_TAG, 0);
	wire_expect_reject(&wire, ISCSI_REJECT_TASK_IN_PROGRESS);
}
END_TEST

START_TEST(a_lun_that_is_not_there_is_told_so)
{
	uint32_t tmf = manage_numbered(SCSI_TMF_LOGICAL_UNIT_RESET, 99, ISCSI_NO_TAG, 0);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_NO_LUN);
}
END_TEST

START_TEST(tasks_cannot_be_reassigned)
{
	uint32_t tmf = wire_manage(&wire, 8, 5, 0);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), 4);
}
END_TEST

START_TEST(an_unknown_function_is_not_supported)
{
	uint32_t tmf = wire_manage(&wire, 77, 5, 0);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_NOT_SUPPORTED);
}
END_TEST

START_TEST(queries_need_protocol_level_2)
{
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_QUERY_TASK, 5, 0);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_NOT_SUPPORTED);
}
END_TEST

START_TEST(functions_have_a_limit_of_their_own)
{
	house.hold = true;
	uint32_t itt = wire_read(&wire, 0, 1);
	uint32_t max = house.config.limits.immediate_max;
	uint32_t first = wire_manage(&wire, SCSI_TMF_ABORT_TASK, itt, wire.cmd_sn - 1);
	for (uint32_t i = 1; i < max; i++)
		wire_manage(&wire, SCSI_TMF_LOGICAL_UNIT_RESET, ISCSI_NO_TAG, 0);
	wire_expect_nothing(&wire);
	wire_manage(&wire, SCSI_TMF_LOGICAL_UNIT_RESET, ISCSI_NO_TAG, 0);
	wire_expect_reject(&wire, ISCSI_REJECT_TOO_MANY_IMMEDIATE);
	wire_house_release(&house);
	ck_assert_uint_eq(wire_expect_managed(&wire, first), SCSI_TMF_COMPLETE);
}
END_TEST

START_TEST(a_function_outlives_its_connection)
{
	house.hold = true;
	wire_read(&wire, 0, 1);
	wire_manage(&wire, SCSI_TMF_LOGICAL_UNIT_RESET, ISCSI_NO_TAG, 0);
	wire_close(&wire);
	wire_house_release(&house);
	wire_open(&house, &wire);
	wire_login(&wire, NULL);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_aborted_task_is_never_answered);
	tcase_add_test(tcase, an_answered_task_does_not_exist);
	tcase_add_test(tcase, another_lun_names_another_task);
	tcase_add_test(tcase, a_refused_write_that_waits_for_data_can_be_aborted);
	tcase_add_test(tcase, aborting_an_unseen_command_plugs_its_hole);
	tcase_add_test(tcase, a_held_command_is_aborted_before_it_ran);
	tcase_add_test(tcase, a_reference_outside_the_window_does_not_exist);
	tcase_add_test(tcase, a_function_cannot_be_aborted);
	tcase_add_test(tcase, a_task_set_goes_as_a_whole);
	tcase_add_test(tcase, commands_behind_a_hole_are_part_of_the_task_set);
	tcase_add_test(tcase, a_refused_write_is_part_of_the_task_set);
	tcase_add_test(tcase, a_reset_waits_for_data_that_was_asked_for);
	tcase_add_test(tcase, a_reset_does_not_wait_for_ever);
	tcase_add_test(tcase, no_more_is_asked_for_while_a_reset_waits);
	tcase_add_test(tcase, data_for_another_lun_is_not_waited_for);
	tcase_add_test(tcase, a_reset_waits_for_the_commands_before_it);
	tcase_add_test(tcase, commands_behind_a_reset_that_waits_run_after_it);
	tcase_add_test(tcase, a_reset_of_the_target_waits_for_no_command);
	tcase_add_test(tcase, a_function_that_waits_goes_with_its_session);
	tcase_add_test(tcase, clear_task_set_reaches_other_sessions);
	tcase_add_test(tcase, a_reset_aborts_writes_of_others_that_wait_for_data);
	tcase_add_test(tcase, a_cold_reset_closes_every_connection_behind_its_answer);
	tcase_add_test(tcase, with_tas_the_aborted_are_told);
	tcase_add_test(tcase, tasks_can_be_asked_about);
	tcase_add_test(tcase, a_nexus_reset_ends_every_task_of_the_session_and_no_more);
	tcase_add_test(tcase, a_nexus_reset_ends_what_never_ran);
	tcase_add_test(tcase, asynchronous_events_can_be_asked_about);
	tcase_add_test(tcase, a_tag_in_use_is_rejected);
	tcase_add_test(tcase, a_lun_that_is_not_there_is_told_so);
	tcase_add_test(tcase, tasks_cannot_be_reassigned);
	tcase_add_test(tcase, an_unknown_function_is_not_supported);
	tcase_add_test(tcase, queries_need_protocol_level_2);
	tcase_add_test(tcase, functions_have_a_limit_of_their_own);
	tcase_add_test(tcase, a_function_outlives_its_connection);
}

int main(void)
{
	return suite_run("manage", fill);
}
