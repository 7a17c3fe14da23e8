/* Sessions of several connections (RFC 7143 4.2.2, 6.3): one order of commands, many streams. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/wire.h"
#include "transport/conn_internal.h"

#define ISID                        \
	{                           \
		0x80, 0, 0, 0, 0, 1 \
	}

static struct wire_house house;
static struct wire a, b;
static uint8_t data[16 * WIRE_BLOCK];

static void setup(void)
{
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	wire_house_init(&house);
	house.config.policy.max_connections = 8;
	house.config.policy.error_recovery_level = 2;
	wire_pattern(data, sizeof(data), 3);
}

static void teardown(void)
{
	if (a.conn)
		wire_close(&a);
	if (b.conn)
		wire_close(&b);
	wire_house_stop(&house);
}

static unsigned sessions(void)
{
	unsigned count = 0;

	for (const struct iscsi_session *s = house.node->sessions; s; s = s->next)
		count += s->state == ISCSI_SESSION_LIVE;
	return count;
}

static uint16_t join(struct wire *wire, uint16_t cid)
{
	struct wire_login request = {.isid = ISID, .tsih = a.tsih, .cid = cid};

	request.cmd_sn = a.cmd_sn;
	wire_open(&house, wire);
	return wire_login_with(wire, &request);
}

/* Connections 1 and 2 of one session. */
static void start_two(unsigned level)
{
	struct wire_login request = {
		.isid = ISID,
		.cid = 1,
		.keys = {"MaxConnections=2", "MaxOutstandingR2T=1",
			 level == 1 ? "ErrorRecoveryLevel=1" : "ErrorRecoveryLevel=0"}};

	wire_house_start(&house);
	wire_open(&house, &a);
	ck_assert_uint_eq(wire_login_with(&a, &request), ISCSI_LOGIN_SUCCESS);
	wire_clear_unit_attentions(&a);
	ck_assert_uint_eq(join(&b, 2), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(b.cmd_sn, a.cmd_sn);
	b.itt = 9000; /* tags are the session's */
}

static void send_logout(struct wire *wire, uint8_t reason, uint16_t cid)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_logout_request request = {
		.reason = reason, .itt = ++wire->itt, .cid = cid, .cmd_sn = wire->cmd_sn};

	iscsi_logout_request_encode(&request, bhs);
	wire_send(wire, bhs, NULL, 0);
}

START_TEST(two_connections_share_one_command_order)
{
	start_two(0);
	b.cmd_sn = a.cmd_sn + 1;
	uint32_t second = wire_test_unit_ready(&b);
	wire_expect_nothing(&b);
	uint32_t first = wire_test_unit_ready(&a);
	wire_expect_status(&a, first, SCSI_STATUS_GOOD);
	ck_assert_uint_gt(b.wakes, 0);
	wire_expect_status(&b, second, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(sessions(), 1);
}
END_TEST

START_TEST(a_lost_connection_takes_only_its_own_tasks)
{
	start_two(1);
	house.hold = true;
	uint32_t kept = wire_read(&a, 0, 1);
	b.cmd_sn = a.cmd_sn;
	wire_read(&b, 0, 1);
	wire_close(&b);
	wire_house_release(&house);
	wire_expect(&a, ISCSI_DATA_IN); /* at level 1 the status comes by itself */
	wire_expect_status(&a, kept, SCSI_STATUS_GOOD);
	a.cmd_sn++;
	/* RFC 7143 11.14.5: the initiator is told that commands are gone. */
	uint32_t itt = wire_test_unit_ready(&a);
	wire_expect_sense(&a, itt, 0x06, 0x47, 0x7f);
	itt = wire_test_unit_ready(&a);
	wire_expect_status(&a, itt, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(iscsi_node_counters(house.node).sessions_lost, 0);
}
END_TEST

START_TEST(a_lost_connection_takes_waiting_writes_and_functions_along)
{
	start_two(1);
	b.cmd_sn = a.cmd_sn;
	b.itt = 900;
	wire_write(&b, 0, 2, NULL, 0, true);
	wire_expect_r2t(&b);
	house.hold = true;
	b.cmd_sn = a.cmd_sn + 1;
	uint32_t itt = wire_read(&b, 0, 1);
	wire_manage(&b, SCSI_TMF_ABORT_TASK, itt, b.cmd_sn - 1);
	wire_close(&b);
	wire_house_release(&house);
	ck_assert(scsi_target_idle(house.target));
	a.cmd_sn += 2;
	itt = wire_test_unit_ready(&a);
	wire_expect_sense(&a, itt, 0x06, 0x47, 0x7f);
}
END_TEST

START_TEST(one_of_two_connections_can_be_logged_out)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_logout_request request = {.immediate = true, .reason = 1, .itt = 9, .cid = 2};

	start_two(0);
	request.cmd_sn = a.cmd_sn;
	iscsi_logout_request_encode(&request, bhs);
	wire_send(&a, bhs, NULL, 0);
	wire_expect(&a, ISCSI_LOGOUT_RESPONSE);
	wire_expect_finished(&b);
	uint32_t itt = wire_test_unit_ready(&a);
	wire_expect_status(&a, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(a_connection_that_logs_itself_out_lets_the_next_command_run)
{
	start_two(0);
	uint32_t logout = a.cmd_sn;
	a.cmd_sn++;
	uint32_t itt = wire_test_unit_ready(&a);
	b.cmd_sn = logout;
	send_logout(&b, 1, 2);
	wire_expect(&b, ISCSI_LOGOUT_RESPONSE);
	wire_expect_status(&a, itt, SCSI_STATUS_GOOD);
	/* And the logout has given its place in the window back. */
	ck_assert_uint_eq(a.max_cmd_sn, a.exp_cmd_sn + house.config.limits.command_window - 1);
}
END_TEST

START_TEST(a_task_is_aborted_on_its_own_connection_only)
{
	start_two(0);
	house.hold = true;
	uint32_t itt = wire_read(&a, 0, 1);
	b.itt = 900;
	b.cmd_sn = a.cmd_sn;
	uint32_t tmf = wire_manage(&b, SCSI_TMF_ABORT_TASK, itt, a.cmd_sn - 1);
	ck_assert_uint_eq(wire_expect_managed(&b, tmf), SCSI_TMF_REJECTED);
	wire_house_release(&house);
	wire_expect_status(&a, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(a_lost_connection_is_a_lost_session_without_recovery)
{
	start_two(0);
	house.hold = true;
	wire_read(&a, 0, 1);
	wire_close(&b);
	ck_assert_uint_gt(a.wakes, 0);
	struct iscsi_async_message message;
	iscsi_async_message_decode(wire_expect(&a, ISCSI_ASYNC_MESSAGE)->bhs, &message);
	ck_assert_uint_eq(message.event, 3);
	wire_expect_finished(&a);
	wire_house_release(&house);
	ck_assert_uint_eq(sessions(), 0);
	ck_assert_uint_eq(iscsi_node_counters(house.node).sessions_lost, 1);
}
END_TEST

START_TEST(each_connection_numbers_its_own_responses)
{
	start_two(0);
	uint32_t stat_a = a.exp_stat_sn, stat_b = b.exp_stat_sn;
	uint32_t first = wire_test_unit_ready(&a);
	wire_expect_status(&a, first, SCSI_STATUS_GOOD);
	b.cmd_sn = a.cmd_sn;
	for (unsigned i = 0; i < 3; i++) {
		uint32_t itt = wire_test_unit_ready(&b);
		wire_expect_status(&b, itt, SCSI_STATUS_GOOD);
	}
	ck_assert_uint_eq(a.exp_stat_sn, stat_a + 1);
	ck_assert_uint_eq(b.exp_stat_sn, stat_b + 3);
}
END_TEST

START_TEST(data_and_status_come_where_the_command_came)
{
	start_two(0);
	uint32_t write = wire_write(&a, 0, 2, NULL, 0, true);
	b.cmd_sn = a.cmd_sn;
	uint32_t read = wire_read(&b, 0, 2);
	struct iscsi_r2t r2t = wire_expect_r2t(&a);
	ck_assert_uint_eq(r2t.itt, write);
	wire_expect_status(&b, read, SCSI_STATUS_GOOD);
	wire_answer_r2t(&a, &r2t, data);
	wire_expect_status(&a, write, SCSI_STATUS_GOOD);
	wire_expect_nothing(&b);
}
END_TEST

/* RFC 7143 4.2.5.1: allegiance. */
START_TEST(data_on_another_connection_is_rejected)
{
	start_two(0);
	uint32_t itt = wire_write(&a, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&a);
	wire_answer_r2t(&b, &r2t, data);
	wire_expect_reject(&b, ISCSI_REJECT_INVALID_PDU_FIELD);
	wire_answer_r2t(&a, &r2t, data);
	wire_expect_status(&a, itt, SCSI_STATUS_GOOD);
}
END_TEST

static void answer_ping(struct wire *wire)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_nop_in ping;

	iscsi_nop_in_decode(wire_expect(wire, ISCSI_NOP_IN)->bhs, &ping);
	ck_assert_uint_ne(ping.ttt, ISCSI_NO_TAG);
	struct iscsi_nop_out pong = {.immediate = true,
				     .itt = ISCSI_NO_TAG,
				     .ttt = ping.ttt,
				     .cmd_sn = wire->cmd_sn,
				     .exp_stat_sn = wire->exp_stat_sn};
	iscsi_nop_out_encode(&pong, bhs);
	wire_send(wire, bhs, NULL, 0);
}

/* RFC 7143 4.2.3.3 d: the responses of what was affected come before the function's. */
START_TEST(a_function_is_answered_when_other_connections_have_acknowledged)
{
	start_two(0);
	uint32_t itt = wire_read(&a, 0, 1);
	b.cmd_sn = a.cmd_sn;
	uint32_t tmf = wire_manage(&b, SCSI_TMF_ABORT_TASK_SET, ISCSI_NO_TAG, 0);
	wire_expect_nothing(&b);
	wire_expect_status(&a, itt, SCSI_STATUS_GOOD);
	wire_expect_nothing(&b);
	answer_ping(&a);
	ck_assert_uint_eq(wire_expect_managed(&b, tmf), SCSI_TMF_COMPLETE);
}
END_TEST

/* They were sent nothing that could have to come before its answer. */
START_TEST(a_function_does_not_wait_for_connections_that_come_later)
{
	struct wire more[6];

	start_two(0);
	a.conn->session->params.max_connections = 8;
	uint32_t itt = wire_read(&a, 0, 1);
	b.cmd_sn = a.cmd_sn;
	uint32_t tmf = wire_manage(&b, SCSI_TMF_ABORT_TASK_SET, ISCSI_NO_TAG, 0);
	for (uint16_t i = 0; i < 6; i++)
		ck_assert_uint_eq(join(&more[i], (uint16_t)(10 + i)), ISCSI_LOGIN_SUCCESS);
	wire_expect_status(&a, itt, SCSI_STATUS_GOOD);
	wire_expect_nothing(&b);
	answer_ping(&a);
	ck_assert_uint_eq(wire_expect_managed(&b, tmf), SCSI_TMF_COMPLETE);
	for (unsigned i = 0; i < 6; i++)
		wire_close(&more[i]);
}
END_TEST

START_TEST(a_function_does_not_wait_for_ever_for_other_connections)
{
	start_two(0);
	wire_read(&a, 0, 1);
	b.cmd_sn = a.cmd_sn;
	uint32_t tmf = wire_manage(&b, SCSI_TMF_ABORT_TASK_SET, ISCSI_NO_TAG, 0);
	wire_wait(&b, house.config.limits.abort_wait_ms + 100);
	ck_assert_uint_eq(wire_expect_managed(&b, tmf), SCSI_TMF_COMPLETE);
}
END_TEST

START_TEST(a_reset_reaches_tasks_of_other_connections)
{
	start_two(0);
	house.hold = true;
	wire_read(&a, 0, 1);
	b.cmd_sn = a.cmd_sn;
	uint32_t tmf = wire_manage(&b, SCSI_TMF_LOGICAL_UNIT_RESET, ISCSI_NO_TAG, 0);
	wire_expect_nothing(&b);
	wire_house_release(&house);
	ck_assert_uint_eq(wire_expect_managed(&b, tmf), SCSI_TMF_COMPLETE);
	wire_expect_nothing(&a);
}
END_TEST

START_TEST(a_command_late_on_another_connection_is_part_of_the_task_set)
{
	start_two(0);
	house.hold = true;
	b.cmd_sn = a.cmd_sn + 1;
	uint32_t tmf = wire_manage(&b, SCSI_TMF_ABORT_TASK_SET, ISCSI_NO_TAG, 0);
	wire_expect_nothing(&b);
	wire_read(&a, 0, 1);
	wire_house_release(&house);
	ck_assert_uint_eq(wire_expect_managed(&b, tmf), SCSI_TMF_COMPLETE);
	wire_expect_nothing(&a);
}
END_TEST

START_TEST(a_session_has_no_more_connections_than_agreed)
{
	struct wire c;

	start_two(0);
	ck_assert_uint_eq(join(&c, 3), ISCSI_LOGIN_TOO_MANY_CONNECTIONS);
	wire_close(&c);
	uint32_t itt = wire_test_unit_ready(&a);
	wire_expect_status(&a, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(another_portal_group_cannot_be_included)
{
	struct wire_login request = {.isid = ISID, .cid = 2};
	struct iscsi_portal *own;

	house.second_port = true;
	wire_house_start(&house);
	wire_start(&house, &a);
	own = house.portal;
	house.portal = iscsi_node_add_portal(house.node, "192.0.2.2:3260", false, 2);
	request.tsih = a.tsih;
	wire_open(&house, &b);
	house.portal = own;
	ck_assert_uint_eq(wire_login_with(&b, &request), ISCSI_LOGIN_CANNOT_INCLUDE_IN_SESSION);
}
END_TEST

START_TEST(commands_of_a_connection_that_logs_out_are_reported_cleared)
{
	start_two(0);
	house.hold = true;
	b.cmd_sn = a.cmd_sn;
	wire_read(&b, 0, 1);
	a.cmd_sn++;
	send_logout(&a, 1, 2);
	wire_house_release(&house);
	wire_expect(&a, ISCSI_LOGOUT_RESPONSE);
	wire_expect_finished(&b);
	a.cmd_sn++;
	uint32_t itt = wire_test_unit_ready(&a);
	wire_expect_sense(&a, itt, 0x06, 0x47, 0x7f);
}
END_TEST

/* A function that waits bars what is numbered behind it; it does so no longer when its connection
 * is lost, and with it the function. */
START_TEST(commands_behind_a_function_that_is_lost_run)
{
	start_two(1);
	wire_write(&a, 0, 2, NULL, 0, true);
	wire_expect_r2t(&a);
	b.cmd_sn = a.cmd_sn;
	wire_manage(&b, SCSI_TMF_ABORT_TASK_SET, ISCSI_NO_TAG, 0);
	uint32_t itt = wire_test_unit_ready(&a);
	wire_expect_nothing(&a);
	wire_close(&b);
	wire_expect_status(&a, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(a_write_that_a_lost_function_meant_to_abort_goes_on)
{
	start_two(1);
	uint32_t burst = house.node->sessions->params.max_burst_len;
	uint16_t blocks = (uint16_t)(burst / WIRE_BLOCK + 1);
	uint8_t *bytes = calloc(blocks, WIRE_BLOCK);
	ck_assert_ptr_nonnull(bytes);
	uint32_t itt = wire_write(&a, 0, blocks, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&a);
	b.cmd_sn = a.cmd_sn;
	wire_manage(&b, SCSI_TMF_ABORT_TASK_SET, ISCSI_NO_TAG, 0);
	wire_close(&b);
	wire_answer_r2t(&a, &r2t, bytes);
	r2t = wire_expect_r2t(&a);
	wire_answer_r2t(&a, &r2t, bytes);
	wire_expect_status(&a, itt, SCSI_STATUS_GOOD);
	free(bytes);
}
END_TEST

/* Its place is taken by another connection: what it barred runs behind that one's login, even when
 * it closes the session. */
START_TEST(a_logout_behind_a_function_that_is_reinstated_away_runs)
{
	struct wire c;

	start_two(1);
	wire_write(&a, 0, 2, NULL, 0, true);
	wire_expect_r2t(&a);
	b.cmd_sn = a.cmd_sn;
	wire_manage(&b, SCSI_TMF_ABORT_TASK_SET, ISCSI_NO_TAG, 0);
	send_logout(&a, 0, 1);
	wire_expect_nothing(&a);
	ck_assert_uint_eq(join(&c, 2), ISCSI_LOGIN_SUCCESS);
	wire_expect_finished(&b);
	wire_expect(&a, ISCSI_LOGOUT_RESPONSE);
	wire_expect_finished(&a);
	wire_expect_finished(&c);
	wire_close(&c);
	ck_assert_ptr_null(house.node->sessions);
}
END_TEST

/* It has a deadline from then on. */
START_TEST(a_function_that_another_connection_sets_off_wakes_its_own)
{
	start_two(1);
	wire_write(&a, 0, 2, NULL, 0, true);
	wire_expect_r2t(&a);
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_task_management_request request = {
		.function = SCSI_TMF_ABORT_TASK_SET,
		.itt = ++b.itt,
		.referenced_tag = ISCSI_NO_TAG,
		.cmd_sn = a.cmd_sn + 1,
	};
	iscsi_task_management_request_encode(&request, bhs);
	wire_send(&b, bhs, NULL, 0);
	uint64_t before = iscsi_conn_deadline(b.conn);
	unsigned wakes = b.wakes;
	uint32_t itt = wire_test_unit_ready(&a);
	wire_expect_status(&a, itt, SCSI_STATUS_GOOD);
	ck_assert_uint_lt(iscsi_conn_deadline(b.conn), before);
	ck_assert_uint_gt(b.wakes, wakes);
	wire_wait(&b, house.config.limits.abort_wait_ms + 100);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, two_connections_share_one_command_order);
	tcase_add_test(tcase, a_lost_connection_takes_only_its_own_tasks);
	tcase_add_test(tcase, a_lost_connection_takes_waiting_writes_and_functions_along);
	tcase_add_test(tcase, one_of_two_connections_can_be_logged_out);
	tcase_add_test(tcase, a_connection_that_logs_itself_out_lets_the_next_command_run);
	tcase_add_test(tcase, a_task_is_aborted_on_its_own_connection_only);
	tcase_add_test(tcase, a_lost_connection_is_a_lost_session_without_recovery);
	tcase_add_test(tcase, each_connection_numbers_its_own_responses);
	tcase_add_test(tcase, data_and_status_come_where_the_command_came);
	tcase_add_test(tcase, data_on_another_connection_is_rejected);
	tcase_add_test(tcase, a_function_is_answered_when_other_connections_have_acknowledged);
	tcase_add_test(tcase, a_function_does_not_wait_for_connections_that_come_later);
	tcase_add_test(tcase, a_function_does_not_wait_for_ever_for_other_connections);
	tcase_add_test(tcase, a_reset_reaches_tasks_of_other_connections);
	tcase_add_test(tcase, a_command_late_on_another_connection_is_part_of_the_task_set);
	tcase_add_test(tcase, a_session_has_no_more_connections_than_agreed);
	tcase_add_test(tcase, another_portal_group_cannot_be_included);
	tcase_add_test(tcase, commands_of_a_connection_that_logs_out_are_reported_cleared);
	tcase_add_test(tcase, commands_behind_a_function_that_is_lost_run);
	tcase_add_test(tcase, a_write_that_a_lost_function_meant_to_abort_goes_on);
	tcase_add_test(tcase, a_logout_behind_a_function_that_is_reinstated_away_runs);
	tcase_add_test(tcase, a_function_that_another_connection_sets_off_wakes_its_own);
}

int main(void)
{
	return suite_run("connections", fill);
}
