/* Asynchronous messages on demand, and what follows when they are not heeded. */
#include <errno.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/wire.h"

static struct wire_house house;
static struct wire wire;

static void setup(void)
{
	wire_house_init(&house);
	house.config.limits.nop_interval_ms = 0;
	wire_house_start(&house);
	wire_start(&house, &wire);
}

static void teardown(void)
{
	wire_close(&wire);
	wire_house_stop(&house);
}

static struct iscsi_async_message expect_message(uint8_t event)
{
	struct iscsi_async_message message;

	ck_assert_uint_gt(wire.wakes, 0);
	iscsi_async_message_decode(wire_expect(&wire, ISCSI_ASYNC_MESSAGE)->bhs, &message);
	ck_assert_uint_eq(message.event, event);
	return message;
}

static int order(uint8_t event, uint16_t seconds)
{
	struct iscsi_async_order request = {.event = event, .tsih = wire.tsih, .seconds = seconds};

	return iscsi_node_send_async(house.node, &request);
}

START_TEST(a_scsi_event_carries_sense_data)
{
	static const uint8_t sense[18] = {0x70, 0, 6, [7] = 10, [12] = 0x2a, [13] = 0x09};
	struct iscsi_async_order request = {.event = ISCSI_ASYNC_SCSI,
					    .tsih = wire.tsih,
					    .lun_bytes = {0, 3},
					    .sense = sense,
					    .sense_len = sizeof(sense)};

	ck_assert_int_eq(iscsi_node_send_async(house.node, &request), 0);
	struct iscsi_async_message message = expect_message(ISCSI_ASYNC_SCSI);
	ck_assert_uint_eq(message.lun[1], 3);
	ck_assert_uint_eq(wire.pdu.data_len, 2 + sizeof(sense));
	ck_assert_uint_eq(wire.pdu.data[1], sizeof(sense));
	ck_assert_mem_eq(wire.pdu.data + 2, sense, sizeof(sense));
	ck_assert_int_eq(order(ISCSI_ASYNC_SCSI, 0), -EINVAL);
}
END_TEST

START_TEST(a_request_to_log_out_has_a_deadline)
{
	ck_assert_int_eq(order(ISCSI_ASYNC_LOGOUT_REQUEST, 7), 0);
	ck_assert_uint_eq(expect_message(ISCSI_ASYNC_LOGOUT_REQUEST).parameter3, 7);
	wire_wait(&wire, 6900);
	uint32_t itt = wire_test_unit_ready(&wire);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	wire_wait(&wire, 200);
	expect_message(ISCSI_ASYNC_CONNECTION_DROP);
	wire_expect_finished(&wire);
}
END_TEST

START_TEST(a_logout_that_was_asked_for_ends_the_session)
{
	ck_assert_int_eq(order(ISCSI_ASYNC_LOGOUT_REQUEST, 7), 0);
	expect_message(ISCSI_ASYNC_LOGOUT_REQUEST);
	wire_logout(&wire);
}
END_TEST

START_TEST(a_connection_can_be_dropped)
{
	struct iscsi_async_order request = {.event = ISCSI_ASYNC_CONNECTION_DROP,
					    .tsih = wire.tsih,
					    .one_connection = true,
					    .cid = 5};

	ck_assert_int_eq(iscsi_node_send_async(house.node, &request), -ENOENT);
	request.cid = 0;
	ck_assert_int_eq(iscsi_node_send_async(house.node, &request), 0);
	wire_wait(&wire, 0);
	ck_assert_uint_eq(expect_message(ISCSI_ASYNC_CONNECTION_DROP).parameter1, 0);
	wire_expect_finished(&wire);
}
END_TEST

START_TEST(a_session_can_be_dropped)
{
	ck_assert_int_eq(order(ISCSI_ASYNC_SESSION_DROP, 0), 0);
	expect_message(ISCSI_ASYNC_SESSION_DROP);
	wire_expect_finished(&wire);
	ck_assert_int_eq(order(ISCSI_ASYNC_SESSION_DROP, 0), -ENOENT);
}
END_TEST

static void send_text(void)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_text_request request = {
		.final = true, .itt = 77, .ttt = ISCSI_NO_TAG, .cmd_sn = wire.cmd_sn++};

	iscsi_text_request_encode(&request, bhs);
	wire_send(&wire, bhs, NULL, 0);
}

START_TEST(a_request_to_negotiate_is_content_with_an_empty_text)
{
	ck_assert_int_eq(order(ISCSI_ASYNC_NEGOTIATION_REQUEST, 3), 0);
	ck_assert_uint_eq(expect_message(ISCSI_ASYNC_NEGOTIATION_REQUEST).parameter3, 3);
	send_text();
	wire_expect(&wire, ISCSI_TEXT_RESPONSE);
	wire_wait(&wire, 5000);
	wire_expect_nothing(&wire);
	ck_assert(!iscsi_conn_finished(wire.conn));
}
END_TEST

START_TEST(who_does_not_negotiate_is_dropped)
{
	ck_assert_int_eq(order(ISCSI_ASYNC_NEGOTIATION_REQUEST, 3), 0);
	expect_message(ISCSI_ASYNC_NEGOTIATION_REQUEST);
	wire_wait(&wire, 3100);
	expect_message(ISCSI_ASYNC_CONNECTION_DROP);
	wire_expect_finished(&wire);
}
END_TEST

START_TEST(task_termination_names_the_lun)
{
	struct iscsi_async_order request = {
		.event = ISCSI_ASYNC_TASK_TERMINATION, .tsih = wire.tsih, .lun_bytes = {0, 9}};

	ck_assert_int_eq(iscsi_node_send_async(house.node, &request), 0);
	ck_assert_uint_eq(expect_message(ISCSI_ASYNC_TASK_TERMINATION).lun[1], 9);
}
END_TEST

START_TEST(a_vendor_event_carries_what_it_is_given)
{
	struct iscsi_async_order request = {
		.event = 250, .tsih = wire.tsih, .vcode = 4, .parameters = {1, 2, 3}};

	ck_assert_int_eq(iscsi_node_send_async(house.node, &request), 0);
	struct iscsi_async_message message = expect_message(250);
	ck_assert_uint_eq(message.vcode, 4);
	ck_assert_uint_eq(message.parameter1, 1);
	ck_assert_uint_eq(message.parameter2, 2);
	ck_assert_uint_eq(message.parameter3, 3);
}
END_TEST

START_TEST(reserved_events_and_discovery_sessions_are_refused)
{
	struct wire_login login = {.discovery = true};

	ck_assert_int_eq(order(6, 0), -EINVAL);
	ck_assert_int_eq(order(247, 0), -EINVAL);
	wire_close(&wire);
	wire_open(&house, &wire);
	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_SUCCESS);
	ck_assert_int_eq(order(ISCSI_ASYNC_LOGOUT_REQUEST, 1), -EINVAL);
	wire_expect_nothing(&wire);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_scsi_event_carries_sense_data);
	tcase_add_test(tcase, a_request_to_log_out_has_a_deadline);
	tcase_add_test(tcase, a_logout_that_was_asked_for_ends_the_session);
	tcase_add_test(tcase, a_connection_can_be_dropped);
	tcase_add_test(tcase, a_session_can_be_dropped);
	tcase_add_test(tcase, a_request_to_negotiate_is_content_with_an_empty_text);
	tcase_add_test(tcase, who_does_not_negotiate_is_dropped);
	tcase_add_test(tcase, task_termination_names_the_lun);
	tcase_add_test(tcase, a_vendor_event_carries_what_it_is_given);
	tcase_add_test(tcase, reserved_events_and_discovery_sessions_are_refused);
}

int main(void)
{
	return suite_run("async", fill);
}
