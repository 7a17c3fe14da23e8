/* Faults of PDUs that the target sends, as they come out of a connection. */
#include <string.h>

#include "tests/unit/transport/fault_case.h"
#include "transport/pdu_fields.h"

static struct fault_case c;

static void setup(void)
{
	fault_case_setup(&c);
	fault_case_house(&c);
	fault_case_login(&c);
	c.wire.lossy = true; /* StatSN is what the rules are about */
}

static void teardown(void)
{
	fault_case_teardown(&c);
}

static void rule(const char *text)
{
	fault_case_rule(&c, text);
}

static uint32_t field(const char *name)
{
	const struct iscsi_pdu_field *f = iscsi_pdu_field_find(c.wire.pdu.opcode, name);

	ck_assert_ptr_nonnull(f);
	return (uint32_t)iscsi_pdu_field_get(f, c.wire.pdu.bhs);
}

static void good(void)
{
	wire_expect_status(&c.wire, wire_test_unit_ready(&c.wire), SCSI_STATUS_GOOD);
}

START_TEST(a_dropped_answer_is_lost_and_its_stat_sn_used_up)
{
	good();
	uint32_t before = field("statsn");
	rule("on scsi-response times=1 do drop");
	wire_test_unit_ready(&c.wire);
	wire_expect_nothing(&c.wire);
	good();
	ck_assert_uint_eq(field("statsn"), before + 2);
	ck_assert_uint_eq(fault_case_firings(&c, c.id), 1);
}
END_TEST

START_TEST(a_duplicate_is_the_same_again)
{
	uint8_t first[ISCSI_BHS_LEN];

	rule("on scsi-response do duplicate 2");
	uint32_t itt = wire_test_unit_ready(&c.wire);
	wire_expect_status(&c.wire, itt, SCSI_STATUS_GOOD);
	memcpy(first, c.wire.pdu.bhs, sizeof(first));
	for (int i = 0; i < 2; i++) {
		wire_expect(&c.wire, ISCSI_SCSI_RESPONSE);
		ck_assert_mem_eq(c.wire.pdu.bhs, first, sizeof(first));
	}
	wire_expect_nothing(&c.wire);
}
END_TEST

START_TEST(fields_are_set_relative_to_others)
{
	rule("on scsi-response do set maxcmdsn=expcmdsn+199 statsn=+5 status=0x11 residual=^0xff u=1");
	wire_test_unit_ready(&c.wire);
	wire_expect(&c.wire, ISCSI_SCSI_RESPONSE);
	ck_assert_uint_eq(field("maxcmdsn"), field("expcmdsn") + 199);
	ck_assert_uint_eq(field("status"), 0x11);
	ck_assert_uint_eq(field("residual"), 0xff);
	ck_assert_uint_eq(field("u"), 1);
}
END_TEST

START_TEST(one_data_in_of_several_is_left_out)
{
	wire_close(&c.wire);
	wire_open(&c.house, &c.wire);
	wire_login(&c.wire, "MaxRecvDataSegmentLength=512", NULL);
	wire_clear_unit_attentions(&c.wire);
	c.wire.lossy = true;
	rule("on data-in datasn=2 op=read lun=0 do drop");
	wire_read(&c.wire, 0, 4);
	for (uint32_t sn = 0; sn < 4; sn++) {
		if (sn == 2)
			continue;
		wire_expect(&c.wire, ISCSI_DATA_IN);
		ck_assert_uint_eq(field("datasn"), sn);
	}
	ck_assert_uint_eq(field("s"), 1);
}
END_TEST

START_TEST(truncated_then_fin_ends_the_connection_there)
{
	struct iovec iov[16];

	rule("on scsi-response times=1 do truncate 20 then=fin");
	wire_test_unit_ready(&c.wire);
	wire_test_unit_ready(&c.wire);
	int count = iscsi_conn_output(c.wire.conn, iov, 16);
	ck_assert_int_eq(count, 1);
	ck_assert_uint_eq(iov[0].iov_len, 20);
	iscsi_conn_sent(c.wire.conn, 20, c.house.now_ms);
	wire_wait(&c.wire, 1);
	ck_assert(iscsi_conn_finished(c.wire.conn));
	ck_assert(!iscsi_conn_wants_reset(c.wire.conn));
	ck_assert_int_eq(iscsi_conn_output(c.wire.conn, iov, 16), 0);
}
END_TEST

START_TEST(a_reset_is_asked_for)
{
	rule("on scsi-response do rst");
	wire_test_unit_ready(&c.wire);
	wire_expect(&c.wire, ISCSI_SCSI_RESPONSE);
	wire_wait(&c.wire, 1);
	ck_assert(iscsi_conn_finished(c.wire.conn));
	ck_assert(iscsi_conn_wants_reset(c.wire.conn));
}
END_TEST

START_TEST(a_split_pdu_goes_in_pieces_with_pauses)
{
	struct iovec iov[16];

	rule("on scsi-response times=1 do split 7 pause=5ms");
	wire_test_unit_ready(&c.wire);
	for (size_t at = 0; at < ISCSI_BHS_LEN;) {
		size_t piece = ISCSI_BHS_LEN - at < 7 ? ISCSI_BHS_LEN - at : 7;

		ck_assert_int_eq(iscsi_conn_output(c.wire.conn, iov, 16), 1);
		ck_assert_uint_eq(iov[0].iov_len, piece);
		iscsi_conn_sent(c.wire.conn, piece, c.house.now_ms);
		at += piece;
		ck_assert_int_eq(iscsi_conn_output(c.wire.conn, iov, 16), 0);
		wire_wait(&c.wire, 5);
	}
	good();
}
END_TEST

START_TEST(a_flipped_byte_is_in_header_or_data)
{
	rule("on data-in do flip at=16 mask=80 do flip at=data+3");
	uint32_t itt = wire_read(&c.wire, 0, 1);
	wire_expect(&c.wire, ISCSI_DATA_IN);
	ck_assert_uint_eq(field("itt"), itt ^ 0x80000000);
	ck_assert_uint_eq(c.wire.pdu.data[3], 1);
	ck_assert_uint_eq(c.wire.pdu.data[2], 0);
}
END_TEST

START_TEST(a_delayed_pdu_comes_later_with_its_old_stat_sn)
{
	rule("on scsi-response times=1 do delay 300ms");
	uint32_t late = wire_test_unit_ready(&c.wire);
	uint32_t next = wire_test_unit_ready(&c.wire);
	wire_expect_status(&c.wire, next, SCSI_STATUS_GOOD);
	uint32_t sn = field("statsn");
	wire_wait(&c.wire, 299);
	wire_expect_nothing(&c.wire);
	wire_wait(&c.wire, 1);
	wire_expect_status(&c.wire, late, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(field("statsn"), sn - 1);
}
END_TEST

START_TEST(a_held_pdu_goes_when_the_rule_is_taken_away)
{
	rule("on scsi-response times=1 do hold");
	uint32_t itt = wire_test_unit_ready(&c.wire);
	wire_wait(&c.wire, 5000);
	wire_expect_nothing(&c.wire);
	ck_assert_uint_eq(fault_case_held(&c, c.id), 1);
	ck_assert_uint_eq(iscsi_node_fault_clear(c.house.node, c.id), 1);
	wire_wait(&c.wire, 0);
	wire_expect_status(&c.wire, itt, SCSI_STATUS_GOOD);
	good();
}
END_TEST

START_TEST(pdus_are_inserted_before_behind_and_later)
{
	rule("on scsi-response times=1 do insert nop-in ttt=7 do insert async event=1 parameter3=5 "
	     "after=yes do insert nop-in in=100ms");
	wire_test_unit_ready(&c.wire);
	wire_expect(&c.wire, ISCSI_NOP_IN);
	ck_assert_uint_eq(field("ttt"), 7);
	ck_assert_uint_eq(field("itt"), ISCSI_NO_TAG);
	wire_expect(&c.wire, ISCSI_SCSI_RESPONSE);
	wire_expect(&c.wire, ISCSI_ASYNC_MESSAGE);
	ck_assert_uint_eq(field("event"), 1);
	ck_assert_uint_eq(field("parameter3"), 5);
	wire_expect_nothing(&c.wire);
	wire_wait(&c.wire, 100);
	wire_expect(&c.wire, ISCSI_NOP_IN);
	good();
}
END_TEST

START_TEST(a_task_management_response_is_matched_by_its_function)
{
	rule("on tmf-response function=5 do set response=255");
	uint32_t itt = wire_manage(&c.wire, 1, 0x999, c.wire.cmd_sn);
	ck_assert_uint_eq(wire_expect_managed(&c.wire, itt), 1);
	itt = wire_manage(&c.wire, 5, ISCSI_NO_TAG, 0);
	ck_assert_uint_eq(wire_expect_managed(&c.wire, itt), 255);
}
END_TEST

START_TEST(a_mute_connection_stays_until_it_may_speak)
{
	rule("on scsi-command times=1 do mute for=60s");
	uint32_t itt = wire_test_unit_ready(&c.wire);
	wire_wait(&c.wire, 50000);
	wire_expect_nothing(&c.wire);
	ck_assert(!iscsi_conn_finished(c.wire.conn));
	wire_wait(&c.wire, 10000);
	wire_expect_status(&c.wire, itt, SCSI_STATUS_GOOD);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_dropped_answer_is_lost_and_its_stat_sn_used_up);
	tcase_add_test(tcase, a_duplicate_is_the_same_again);
	tcase_add_test(tcase, fields_are_set_relative_to_others);
	tcase_add_test(tcase, one_data_in_of_several_is_left_out);
	tcase_add_test(tcase, truncated_then_fin_ends_the_connection_there);
	tcase_add_test(tcase, a_reset_is_asked_for);
	tcase_add_test(tcase, a_split_pdu_goes_in_pieces_with_pauses);
	tcase_add_test(tcase, a_flipped_byte_is_in_header_or_data);
	tcase_add_test(tcase, a_delayed_pdu_comes_later_with_its_old_stat_sn);
	tcase_add_test(tcase, a_held_pdu_goes_when_the_rule_is_taken_away);
	tcase_add_test(tcase, pdus_are_inserted_before_behind_and_later);
	tcase_add_test(tcase, a_task_management_response_is_matched_by_its_function);
	tcase_add_test(tcase, a_mute_connection_stays_until_it_may_speak);
}

int main(void)
{
	return suite_run("fault_sent", fill);
}
