/* Faults of PDUs that the target sends, as they come out of a connection. */
#include <string.h>

#include "pr_engine/crc32c.h"
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

START_TEST(a_pdu_goes_behind_the_next_one)
{
	rule("on scsi-response times=1 do reorder");
	uint32_t first = wire_test_unit_ready(&c.wire);
	wire_expect_nothing(&c.wire);
	uint32_t second = wire_test_unit_ready(&c.wire);
	wire_expect_status(&c.wire, second, SCSI_STATUS_GOOD);
	uint32_t sn = field("statsn");
	c.wire.max_cmd_sn--; /* the window of before */
	wire_expect_status(&c.wire, first, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(field("statsn"), sn - 1);
}
END_TEST

START_TEST(a_reordered_pdu_does_not_wait_for_ever)
{
	rule("on scsi-response times=1 do reorder by=3");
	uint32_t itt = wire_test_unit_ready(&c.wire);
	wire_wait(&c.wire, 999);
	wire_expect_nothing(&c.wire);
	wire_wait(&c.wire, 1);
	wire_expect_status(&c.wire, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(bytes_are_written_over_header_and_data)
{
	rule("on data-in do bytes at=20 hex=0badcafe do bytes at=data+510 bytes=112233");
	wire_read(&c.wire, 0, 1);
	wire_expect(&c.wire, ISCSI_DATA_IN);
	ck_assert_uint_eq(field("ttt"), 0x0badcafe);
	ck_assert_uint_eq(c.wire.pdu.data[510], 0x11);
	ck_assert_uint_eq(c.wire.pdu.data[511], 0x22);
	ck_assert_uint_eq(c.wire.pdu.data_len, 512);
}
END_TEST

START_TEST(reserved_bits_are_set)
{
	rule("on scsi-response do reserved");
	uint32_t itt = wire_test_unit_ready(&c.wire);
	wire_expect(&c.wire, ISCSI_SCSI_RESPONSE);
	ck_assert_uint_eq(c.wire.pdu.bhs[0], 0xe1);
	ck_assert_uint_eq(c.wire.pdu.bhs[8], 0xff);
	ck_assert_uint_eq(field("itt"), itt);
}
END_TEST

START_TEST(a_data_segment_is_replaced_or_of_another_length)
{
	rule("on scsi-response times=1 do segment bytes=010203");
	rule("on data-in times=1 do segment len=600 fill=ee");
	wire_test_unit_ready(&c.wire);
	wire_expect(&c.wire, ISCSI_SCSI_RESPONSE);
	ck_assert_uint_eq(c.wire.pdu.data_len, 3);
	ck_assert_mem_eq(c.wire.pdu.data, "\1\2\3", 3);
	wire_read(&c.wire, 0, 1);
	wire_expect(&c.wire, ISCSI_DATA_IN);
	ck_assert_uint_eq(c.wire.pdu.data_len, 600);
	ck_assert_uint_eq(c.wire.pdu.data[511], 0);
	ck_assert_uint_eq(c.wire.pdu.data[512], 0xee);
}
END_TEST

START_TEST(digests_are_spoilt)
{
	struct iovec iov[16];
	uint8_t got[256];
	size_t len = 0;

	wire_close(&c.wire);
	wire_open(&c.house, &c.wire);
	wire_login(&c.wire, "HeaderDigest=CRC32C", NULL);
	c.wire.header_digest = true;
	wire_clear_unit_attentions(&c.wire);
	rule("on scsi-response times=1 do duplicate do header-digest do data-digest");
	wire_test_unit_ready(&c.wire);
	int count = iscsi_conn_output(c.wire.conn, iov, 16);
	for (int i = 0; i < count; i++) {
		memcpy(got + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	ck_assert_uint_eq(len, 2 * (ISCSI_BHS_LEN + ISCSI_DIGEST_LEN));
	uint32_t crc = crc32c(0, got, ISCSI_BHS_LEN);
	ck_assert_uint_ne(got[ISCSI_BHS_LEN], crc & 0xff);
	ck_assert_uint_eq(got[ISCSI_BHS_LEN + 1], crc >> 8 & 0xff);
}
END_TEST

START_TEST(stat_sns_are_left_out)
{
	good();
	uint32_t before = field("statsn");
	rule("on scsi-command times=1 do statsn +5");
	good();
	ck_assert_uint_eq(field("statsn"), before + 6);
	good();
	ck_assert_uint_eq(field("statsn"), before + 7);
}
END_TEST

static size_t room(void)
{
	struct iovec iov[16];
	int count = iscsi_conn_output(c.wire.conn, iov, 16);
	size_t len = 0;

	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	return len;
}

START_TEST(a_narrow_line_takes_so_many_bytes_a_second)
{
	size_t sent = 0;

	rule("on scsi-command do bandwidth 1000");
	wire_read(&c.wire, 0, 8);
	uint64_t begin_ms = c.house.now_ms;
	while (sent < 8 * 512 + 48) {
		size_t n = room();

		sent += n;
		if (n > 0)
			iscsi_conn_sent(c.wire.conn, n, c.house.now_ms);
		else
			wire_wait(&c.wire, 10);
	}
	uint64_t took_ms = c.house.now_ms - begin_ms;
	ck_assert_uint_ge(took_ms, 4000);
	ck_assert_uint_le(took_ms, 4400);
	ck_assert_uint_eq(iscsi_node_fault_clear(c.house.node, NULL), 1);
	good();
}
END_TEST

START_TEST(a_connection_ends_after_so_many_bytes)
{
	rule("on scsi-command times=1 do limit 100 then=fin");
	wire_read(&c.wire, 0, 1);
	ck_assert_uint_eq(room(), 100);
	iscsi_conn_sent(c.wire.conn, 100, c.house.now_ms);
	wire_wait(&c.wire, 0);
	ck_assert(iscsi_conn_finished(c.wire.conn));
	ck_assert_uint_eq(room(), 0);
}
END_TEST

START_TEST(a_connection_is_closed_a_little_later_and_without_what_is_queued)
{
	rule("on scsi-command do fin in=1s discard=yes do mute");
	wire_test_unit_ready(&c.wire);
	wire_wait(&c.wire, 999);
	ck_assert(!iscsi_conn_finished(c.wire.conn));
	wire_wait(&c.wire, 1);
	ck_assert(iscsi_conn_finished(c.wire.conn));
	ck_assert(!iscsi_conn_wants_reset(c.wire.conn));
	ck_assert_uint_eq(room(), 0);
}
END_TEST

static void log_out(void)
{
	struct iscsi_logout_request request = {
		.immediate = true, .itt = 70, .cmd_sn = c.wire.cmd_sn};
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_logout_request_encode(&request, bhs);
	wire_send(&c.wire, bhs, NULL, 0);
}

START_TEST(what_is_delayed_goes_before_the_connection_ends)
{
	rule("on logout-response do delay 500ms");
	log_out();
	ck_assert_uint_eq(room(), 0);
	ck_assert(!iscsi_conn_finished(c.wire.conn));
	wire_wait(&c.wire, 500);
	ck_assert_uint_eq(room(), ISCSI_BHS_LEN);
	wire_expect(&c.wire, ISCSI_LOGOUT_RESPONSE);
	ck_assert(iscsi_conn_finished(c.wire.conn));
}
END_TEST

START_TEST(the_pieces_of_the_last_pdu_all_go)
{
	size_t sent = 0;

	rule("on logout-response do split 20 pause=5ms");
	log_out();
	while (!iscsi_conn_finished(c.wire.conn)) {
		size_t n = room();

		ck_assert_uint_le(n, 20);
		if (n > 0)
			iscsi_conn_sent(c.wire.conn, n, c.house.now_ms);
		sent += n;
		wire_wait(&c.wire, 5);
	}
	ck_assert_uint_eq(sent, ISCSI_BHS_LEN);
}
END_TEST

START_TEST(our_side_closes_later_than_it_would)
{
	rule("on logout-response do linger 10s");
	log_out();
	wire_expect(&c.wire, ISCSI_LOGOUT_RESPONSE);
	wire_wait(&c.wire, 9999);
	ck_assert(!iscsi_conn_finished(c.wire.conn));
	wire_wait(&c.wire, 1);
	ck_assert(iscsi_conn_finished(c.wire.conn));
}
END_TEST

START_TEST(a_dead_connection_neither_reads_nor_writes)
{
	struct iovec iov[2];

	rule("on scsi-command times=1 do dead for=5s");
	wire_test_unit_ready(&c.wire);
	ck_assert_int_eq(iscsi_conn_input(c.wire.conn, iov), 0);
	ck_assert_uint_eq(room(), 0);
	wire_wait(&c.wire, 5000);
	ck_assert_int_gt(iscsi_conn_input(c.wire.conn, iov), 0);
	wire_expect(&c.wire, ISCSI_SCSI_RESPONSE);
}
END_TEST

START_TEST(a_deaf_connection_still_speaks)
{
	struct iovec iov[2];

	rule("on scsi-command times=1 do deaf");
	wire_test_unit_ready(&c.wire);
	wire_expect(&c.wire, ISCSI_SCSI_RESPONSE);
	ck_assert_int_eq(iscsi_conn_input(c.wire.conn, iov), 0);
	iscsi_node_fault_release(c.house.node, NULL);
	wire_wait(&c.wire, 0);
	good();
}
END_TEST

START_TEST(jitter_keeps_the_order_of_a_stream)
{
	rule("on sent seed=3 do delay 100ms jitter=90ms");
	for (uint32_t i = 0; i < 20; i++)
		wire_test_unit_ready(&c.wire);
	uint32_t first = c.wire.itt - 19;
	wire_expect_nothing(&c.wire);
	for (uint32_t i = 0; i < 20; i++) {
		while (room() == 0 && c.wire.got_len == 0)
			wire_wait(&c.wire, 1);
		wire_expect(&c.wire, ISCSI_SCSI_RESPONSE);
		ck_assert_uint_eq(field("itt"), first + i);
	}
}
END_TEST

START_TEST(a_rule_can_count_on_each_connection)
{
	struct wire other;

	rule("on scsi-response nth=1 per=connection do set status=8");
	wire_expect_status(&c.wire, wire_test_unit_ready(&c.wire), SCSI_STATUS_BUSY);
	good();
	wire_open(&c.house, &other);
	wire_login_with(&other, &(struct wire_login){.initiator = "iqn.2024-01.org.example:o"});
	wire_expect_status(&other, wire_test_unit_ready(&other), SCSI_STATUS_BUSY);
	wire_close(&other);
	good();
	ck_assert_uint_eq(fault_case_firings(&c, c.id), 2);
}
END_TEST

START_TEST(a_rule_can_hold_for_a_time)
{
	rule("on scsi-response for=2s do set status=8");
	wire_wait(&c.wire, 60000 % 5000);
	wire_expect_status(&c.wire, wire_test_unit_ready(&c.wire), SCSI_STATUS_BUSY);
	wire_wait(&c.wire, 1999);
	wire_expect_status(&c.wire, wire_test_unit_ready(&c.wire), SCSI_STATUS_BUSY);
	wire_wait(&c.wire, 1);
	good();
}
END_TEST

static void note_places(void *context, const struct iscsi_fault_info *info)
{
	struct iscsi_fault_place *places = context;

	ck_assert_ptr_nonnull(info->first);
	places[0] = *info->first;
	places[1] = *info->last;
}

START_TEST(where_a_rule_has_fired_is_kept)
{
	struct iscsi_fault_place places[2];

	rule("id=all on sent from=1000 do drop"); /* from here on PDUs are counted */
	rule("id=x on scsi-response from=2 times=2 do duplicate");
	for (int i = 0; i < 4; i++)
		wire_test_unit_ready(&c.wire);
	for (int i = 0; i < 6; i++)
		wire_expect(&c.wire, ISCSI_SCSI_RESPONSE);
	iscsi_node_fault_clear(c.house.node, "all");
	iscsi_node_each_fault(c.house.node, note_places, places);
	ck_assert_uint_eq(places[0].sent, 1);
	ck_assert_uint_eq(places[1].sent, 3);
	ck_assert_uint_ge(places[0].received, 2);
	ck_assert_uint_gt(strlen(places[0].peer), 0);
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
	tcase_add_test(tcase, a_pdu_goes_behind_the_next_one);
	tcase_add_test(tcase, a_reordered_pdu_does_not_wait_for_ever);
	tcase_add_test(tcase, bytes_are_written_over_header_and_data);
	tcase_add_test(tcase, reserved_bits_are_set);
	tcase_add_test(tcase, a_data_segment_is_replaced_or_of_another_length);
	tcase_add_test(tcase, digests_are_spoilt);
	tcase_add_test(tcase, stat_sns_are_left_out);
	tcase_add_test(tcase, a_narrow_line_takes_so_many_bytes_a_second);
	tcase_add_test(tcase, a_connection_ends_after_so_many_bytes);
	tcase_add_test(tcase, a_connection_is_closed_a_little_later_and_without_what_is_queued);
	tcase_add_test(tcase, what_is_delayed_goes_before_the_connection_ends);
	tcase_add_test(tcase, the_pieces_of_the_last_pdu_all_go);
	tcase_add_test(tcase, our_side_closes_later_than_it_would);
	tcase_add_test(tcase, a_dead_connection_neither_reads_nor_writes);
	tcase_add_test(tcase, a_deaf_connection_still_speaks);
	tcase_add_test(tcase, jitter_keeps_the_order_of_a_stream);
	tcase_add_test(tcase, a_rule_can_count_on_each_connection);
	tcase_add_test(tcase, a_rule_can_hold_for_a_time);
	tcase_add_test(tcase, where_a_rule_has_fired_is_kept);
}

int main(void)
{
	return suite_run("fault_sent", fill);
}
