/* Reject: what is not understood, what is not allowed, and too much of it. */
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/wire.h"
#include "transport/framing.h"

static struct wire_house house;
static struct wire wire;

static void setup(void)
{
	wire_house_init(&house);
	house.config.limits.rejects_max = 5;
	wire_house_start(&house);
}

static void teardown(void)
{
	wire_close(&wire);
	wire_house_stop(&house);
}

static void send(uint8_t opcode)
{
	uint8_t bhs[ISCSI_BHS_LEN] = {opcode, 0x80, [19] = 0x42};

	wire_send(&wire, bhs, NULL, 0);
}

START_TEST(an_unassigned_opcode_is_rejected_with_its_header)
{
	wire_start(&house, &wire);
	send(0x1b);
	wire_expect_reject(&wire, ISCSI_REJECT_NOT_SUPPORTED);
	ck_assert_uint_eq(wire.pdu.data_len, ISCSI_BHS_LEN);
	ck_assert_uint_eq(wire.pdu.data[0], 0x1b);
	ck_assert_uint_eq(wire.pdu.data[19], 0x42);
	uint32_t itt = wire_test_unit_ready(&wire);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
}
END_TEST

/* No data segment is longer than the initiator takes (RFC 7143 13.12): the rest of the AHS stays.
 */
START_TEST(a_long_header_is_cut_to_what_the_initiator_takes)
{
	uint8_t bhs[ISCSI_BHS_LEN] = {0x1b, 0x80};
	uint8_t ahs[ISCSI_AHS_MAX] = {0};

	wire_open(&house, &wire);
	wire_login(&wire, "MaxRecvDataSegmentLength=512", NULL);
	wire_send_with_ahs(&wire, bhs, ahs, sizeof(ahs), NULL, 0);
	wire_expect_reject(&wire, ISCSI_REJECT_NOT_SUPPORTED);
	ck_assert_uint_eq(wire.pdu.data_len, 512);
}
END_TEST

START_TEST(a_targets_opcode_is_rejected)
{
	wire_start(&house, &wire);
	send(ISCSI_SCSI_RESPONSE);
	wire_expect_reject(&wire, ISCSI_REJECT_NOT_SUPPORTED);
}
END_TEST

START_TEST(a_snack_is_rejected)
{
	wire_start(&house, &wire);
	send(ISCSI_SNACK_REQUEST);
	wire_expect_reject(&wire, ISCSI_REJECT_SNACK);
}
END_TEST

START_TEST(a_login_request_in_full_feature_phase_is_rejected)
{
	wire_start(&house, &wire);
	send(0x40 | ISCSI_LOGIN_REQUEST);
	wire_expect_reject(&wire, ISCSI_REJECT_PROTOCOL_ERROR);
}
END_TEST

START_TEST(an_ahs_where_none_belongs_is_rejected)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	uint8_t ahs[4] = {0, 1, 1, 0};
	struct iscsi_nop_out nop = {.immediate = true, .itt = 5, .ttt = ISCSI_NO_TAG};

	wire_start(&house, &wire);
	iscsi_nop_out_encode(&nop, bhs);
	wire_send_with_ahs(&wire, bhs, ahs, sizeof(ahs), NULL, 0);
	wire_expect_reject(&wire, ISCSI_REJECT_INVALID_PDU_FIELD);
}
END_TEST

START_TEST(a_discovery_session_takes_no_commands)
{
	struct wire_login login = {.discovery = true};

	wire_open(&house, &wire);
	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_SUCCESS);
	wire_test_unit_ready(&wire);
	wire_expect_reject(&wire, ISCSI_REJECT_NOT_SUPPORTED);
	wire_manage(&wire, SCSI_TMF_LOGICAL_UNIT_RESET, ISCSI_NO_TAG, 0);
	wire_expect_reject(&wire, ISCSI_REJECT_NOT_SUPPORTED);
	wire_data_out(&wire, 1, 2, 0, 0, NULL, 0, true);
	wire_expect_reject(&wire, ISCSI_REJECT_NOT_SUPPORTED);
}
END_TEST

START_TEST(a_storm_of_rejects_ends_the_connection)
{
	wire_start(&house, &wire);
	for (unsigned i = 0; i < 6; i++)
		send(0x1b);
	for (unsigned i = 0; i < 5; i++)
		wire_expect_reject(&wire, ISCSI_REJECT_NOT_SUPPORTED);
	wire_expect(&wire, ISCSI_ASYNC_MESSAGE);
	wire_expect_finished(&wire);
}
END_TEST

START_TEST(a_few_rejects_a_minute_are_no_storm)
{
	wire_start(&house, &wire);
	for (unsigned i = 0; i < 20; i++) {
		send(0x1b);
		wire_expect_reject(&wire, ISCSI_REJECT_NOT_SUPPORTED);
		house.now_ms += 15000;
	}
	ck_assert_uint_eq(iscsi_node_counters(house.node).rejects, 20);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_unassigned_opcode_is_rejected_with_its_header);
	tcase_add_test(tcase, a_long_header_is_cut_to_what_the_initiator_takes);
	tcase_add_test(tcase, a_targets_opcode_is_rejected);
	tcase_add_test(tcase, a_snack_is_rejected);
	tcase_add_test(tcase, a_login_request_in_full_feature_phase_is_rejected);
	tcase_add_test(tcase, an_ahs_where_none_belongs_is_rejected);
	tcase_add_test(tcase, a_discovery_session_takes_no_commands);
	tcase_add_test(tcase, a_storm_of_rejects_ends_the_connection);
	tcase_add_test(tcase, a_few_rejects_a_minute_are_no_storm);
}

int main(void)
{
	return suite_run("reject", fill);
}
