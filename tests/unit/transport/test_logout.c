/* Logout: reasons, responses, and what becomes of tasks. */
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/wire.h"

static struct wire_house house;
static struct wire wire;

static void setup(void)
{
	wire_house_init(&house);
	wire_house_start(&house);
	wire_start(&house, &wire);
}

static void teardown(void)
{
	wire_close(&wire);
	wire_house_stop(&house);
}

static void send(uint8_t reason, uint16_t cid, bool immediate)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_logout_request request = {
		.immediate = immediate,
		.reason = reason,
		.itt = 50,
		.cid = cid,
		.cmd_sn = wire.cmd_sn,
	};

	wire.cmd_sn += !immediate;
	iscsi_logout_request_encode(&request, bhs);
	wire_send(&wire, bhs, NULL, 0);
}

static struct iscsi_logout_response expect_response(uint8_t response)
{
	struct iscsi_logout_response pdu;

	iscsi_logout_response_decode(wire_expect(&wire, ISCSI_LOGOUT_RESPONSE)->bhs, &pdu);
	ck_assert_uint_eq(pdu.itt, 50);
	ck_assert_uint_eq(pdu.response, response);
	return pdu;
}

START_TEST(closing_the_session_ends_the_connection_behind_the_response)
{
	send(0, 0, false);
	struct iscsi_logout_response response = expect_response(0);
	ck_assert_uint_eq(response.time2wait, 0);
	ck_assert_uint_eq(response.time2retain, 0);
	ck_assert_uint_eq(response.sns.exp_cmd_sn, wire.cmd_sn);
	wire_expect_finished(&wire);
	ck_assert_ptr_nonnull(strstr(house.log, "logout: initiator " WIRE_INITIATOR));
}
END_TEST

START_TEST(what_was_answered_before_is_still_sent)
{
	uint32_t itt = wire_read(&wire, 0, 1);
	send(0, 0, false);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	expect_response(0);
	wire_expect_finished(&wire);
}
END_TEST

START_TEST(running_tasks_are_not_answered_any_more)
{
	house.hold = true;
	wire_read(&wire, 0, 1);
	send(0, 0, false);
	expect_response(0);
	wire_house_release(&house);
	wire_expect_finished(&wire);
}
END_TEST

START_TEST(closing_the_only_connection_closes_the_session)
{
	send(1, 0, true);
	expect_response(0);
	wire_expect_finished(&wire);
}
END_TEST

START_TEST(another_cid_is_not_found)
{
	send(1, 99, false);
	expect_response(1);
	uint32_t itt = wire_test_unit_ready(&wire);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(recovery_is_not_supported)
{
	send(2, 0, false);
	expect_response(2);
	ck_assert(!iscsi_conn_finished(wire.conn));
}
END_TEST

START_TEST(an_unknown_reason_is_rejected)
{
	send(3, 0, false);
	wire_expect_reject(&wire, ISCSI_REJECT_INVALID_PDU_FIELD);
}
END_TEST

START_TEST(a_numbered_logout_waits_for_its_turn)
{
	wire.cmd_sn++;
	send(0, 0, false);
	wire_expect_nothing(&wire);
	wire.cmd_sn -= 2;
	uint32_t itt = wire_test_unit_ready(&wire);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	expect_response(0);
	wire_expect_finished(&wire);
}
END_TEST

START_TEST(nothing_is_read_behind_a_logout)
{
	struct iovec iov[2];

	send(0, 0, false);
	ck_assert_int_eq(iscsi_conn_input(wire.conn, iov), 0);
	expect_response(0);
}
END_TEST

START_TEST(a_discovery_session_may_only_be_closed_whole)
{
	struct wire_login login = {.discovery = true};

	wire_close(&wire);
	wire_open(&house, &wire);
	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_SUCCESS);
	send(1, 0, true);
	wire_expect_reject(&wire, ISCSI_REJECT_PROTOCOL_ERROR);
	send(0, 0, true);
	expect_response(0);
	wire_expect_finished(&wire);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, closing_the_session_ends_the_connection_behind_the_response);
	tcase_add_test(tcase, what_was_answered_before_is_still_sent);
	tcase_add_test(tcase, running_tasks_are_not_answered_any_more);
	tcase_add_test(tcase, closing_the_only_connection_closes_the_session);
	tcase_add_test(tcase, another_cid_is_not_found);
	tcase_add_test(tcase, recovery_is_not_supported);
	tcase_add_test(tcase, an_unknown_reason_is_rejected);
	tcase_add_test(tcase, a_numbered_logout_waits_for_its_turn);
	tcase_add_test(tcase, nothing_is_read_behind_a_logout);
	tcase_add_test(tcase, a_discovery_session_may_only_be_closed_whole);
}

int main(void)
{
	return suite_run("logout", fill);
}
