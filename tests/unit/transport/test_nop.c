/* NOP-Out and NOP-In: echoes, and the target's own pings. */
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/wire.h"

static struct wire_house house;
static struct wire wire;
static uint8_t data[8192];

static void setup(void)
{
	wire_house_init(&house);
	wire_house_start(&house);
	wire_open(&house, &wire);
	wire_pattern(data, sizeof(data), 4);
}

static void teardown(void)
{
	wire_close(&wire);
	wire_house_stop(&house);
}

static void start(void)
{
	wire_login(&wire, "MaxRecvDataSegmentLength=512", NULL);
	wire_clear_unit_attentions(&wire);
}

static void send(struct iscsi_nop_out pdu, uint32_t len)
{
	uint8_t bhs[ISCSI_BHS_LEN];

	pdu.cmd_sn = wire.cmd_sn;
	iscsi_nop_out_encode(&pdu, bhs);
	wire_send(&wire, bhs, data, len);
}

static struct iscsi_nop_in expect_nop_in(void)
{
	struct iscsi_nop_in nop;

	iscsi_nop_in_decode(wire_expect(&wire, ISCSI_NOP_IN)->bhs, &nop);
	return nop;
}

START_TEST(a_ping_comes_back_with_its_data)
{
	start();
	send((struct iscsi_nop_out){.immediate = true, .itt = 5, .ttt = ISCSI_NO_TAG}, 333);
	struct iscsi_nop_in nop = expect_nop_in();
	ck_assert_uint_eq(nop.itt, 5);
	ck_assert_uint_eq(nop.ttt, ISCSI_NO_TAG);
	ck_assert_uint_eq(wire.pdu.data_len, 333);
	ck_assert_mem_eq(wire.pdu.data, data, 333);
}
END_TEST

START_TEST(an_echo_is_cut_to_what_the_initiator_takes)
{
	start();
	send((struct iscsi_nop_out){.immediate = true, .itt = 5, .ttt = ISCSI_NO_TAG}, 4000);
	expect_nop_in();
	ck_assert_uint_eq(wire.pdu.data_len, 512);
}
END_TEST

START_TEST(a_numbered_ping_uses_up_its_cmd_sn)
{
	start();
	send((struct iscsi_nop_out){.itt = 5, .ttt = ISCSI_NO_TAG}, 0);
	expect_nop_in();
	ck_assert_uint_eq(wire.exp_cmd_sn, wire.cmd_sn + 1);
}
END_TEST

START_TEST(a_nop_without_tags_gets_no_answer)
{
	start();
	send((struct iscsi_nop_out){.immediate = true, .itt = ISCSI_NO_TAG, .ttt = ISCSI_NO_TAG},
	     0);
	wire_expect_nothing(&wire);
}
END_TEST

START_TEST(a_numbered_nop_without_tag_is_rejected)
{
	start();
	send((struct iscsi_nop_out){.itt = ISCSI_NO_TAG, .ttt = ISCSI_NO_TAG}, 0);
	wire_expect_reject(&wire, ISCSI_REJECT_PROTOCOL_ERROR);
}
END_TEST

START_TEST(two_tags_at_once_are_rejected)
{
	start();
	send((struct iscsi_nop_out){.immediate = true, .itt = 5, .ttt = 6}, 0);
	wire_expect_reject(&wire, ISCSI_REJECT_INVALID_PDU_FIELD);
}
END_TEST

START_TEST(silence_is_broken_by_a_ping)
{
	start();
	wire_wait(&wire, 9000);
	wire_expect_nothing(&wire);
	wire_wait(&wire, 1100);
	struct iscsi_nop_in nop = expect_nop_in();
	ck_assert_uint_eq(nop.itt, ISCSI_NO_TAG);
	ck_assert_uint_ne(nop.ttt, ISCSI_NO_TAG);
	ck_assert_uint_eq(wire.pdu.data_len, 0);
	/* One at a time. */
	wire_wait(&wire, 5000);
	wire_expect_nothing(&wire);
}
END_TEST

START_TEST(an_answered_ping_keeps_the_connection)
{
	start();
	for (unsigned i = 0; i < 5; i++) {
		wire_wait(&wire, 10100);
		struct iscsi_nop_in nop = expect_nop_in();
		wire_wait(&wire, 9000);
		send((struct iscsi_nop_out){.immediate = true, .itt = ISCSI_NO_TAG, .ttt = nop.ttt},
		     0);
	}
	ck_assert(!iscsi_conn_finished(wire.conn));
}
END_TEST

START_TEST(an_unanswered_ping_ends_the_connection)
{
	start();
	wire_wait(&wire, 10100);
	expect_nop_in();
	wire_wait(&wire, 10100);
	wire_expect_finished(&wire);
	ck_assert_ptr_nonnull(strstr(house.log, "no answer to a NOP-In"));
}
END_TEST

START_TEST(anything_received_puts_the_ping_off)
{
	start();
	wire_wait(&wire, 9000);
	wire_test_unit_ready(&wire);
	wire_expect(&wire, ISCSI_SCSI_RESPONSE);
	wire_wait(&wire, 9000);
	wire_expect_nothing(&wire);
}
END_TEST

START_TEST(discovery_sessions_are_never_pinged)
{
	struct wire_login login = {.discovery = true};

	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_SUCCESS);
	wire_wait(&wire, 290000);
	wire_expect_nothing(&wire);
	ck_assert(!iscsi_conn_finished(wire.conn));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_ping_comes_back_with_its_data);
	tcase_add_test(tcase, an_echo_is_cut_to_what_the_initiator_takes);
	tcase_add_test(tcase, a_numbered_ping_uses_up_its_cmd_sn);
	tcase_add_test(tcase, a_nop_without_tags_gets_no_answer);
	tcase_add_test(tcase, a_numbered_nop_without_tag_is_rejected);
	tcase_add_test(tcase, two_tags_at_once_are_rejected);
	tcase_add_test(tcase, silence_is_broken_by_a_ping);
	tcase_add_test(tcase, an_answered_ping_keeps_the_connection);
	tcase_add_test(tcase, an_unanswered_ping_ends_the_connection);
	tcase_add_test(tcase, anything_received_puts_the_ping_off);
	tcase_add_test(tcase, discovery_sessions_are_never_pinged);
}

int main(void)
{
	return suite_run("nop", fill);
}
