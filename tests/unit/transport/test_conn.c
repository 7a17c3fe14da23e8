/* The facade: bytes in and out, back-pressure, digests, deadlines, and every way to end. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/wire.h"
#include "transport/session.h"

static struct wire_house house;
static struct wire wire;
static uint8_t data[64 * WIRE_BLOCK], back[64 * WIRE_BLOCK];

static void setup(void)
{
	wire_house_init(&house);
	wire_house_start(&house);
	wire_pattern(data, sizeof(data), 3);
}

static void teardown(void)
{
	wire_house_stop(&house);
}

static void start(void)
{
	wire_start(&house, &wire);
}

/* Reads `blocks` into `back`. */
static void read_back(struct wire *w, uint16_t blocks)
{
	uint32_t itt = wire_read(w, 0, blocks);
	uint32_t at = 0;

	for (bool done = false; !done;) {
		struct iscsi_data_in in;
		struct wire_pdu *pdu = wire_expect(w, ISCSI_DATA_IN);
		iscsi_data_in_decode(pdu->bhs, &in);
		ck_assert_uint_eq(in.itt, itt);
		ck_assert_uint_eq(in.offset, at);
		memcpy(back + at, pdu->data, pdu->data_len);
		at += pdu->data_len;
		done = in.has_status;
	}
	ck_assert_uint_eq(at, blocks * (uint32_t)WIRE_BLOCK);
}

/* Writes 16 blocks: immediate data, then R2Ts. */
static void write_out(struct wire *w)
{
	uint32_t len = 16 * WIRE_BLOCK;
	uint32_t itt = wire_write(w, 0, 16, data, WIRE_BLOCK, true);
	struct iscsi_r2t r2t = wire_expect_r2t(w);

	ck_assert_uint_eq(r2t.offset, WIRE_BLOCK);
	ck_assert_uint_eq(r2t.desired_len, len - WIRE_BLOCK);
	wire_answer_r2t(w, &r2t, data);
	wire_expect_status(w, itt, SCSI_STATUS_GOOD);
}

START_TEST(what_is_written_is_read_back)
{
	start();
	write_out(&wire);
	read_back(&wire, 16);
	ck_assert_mem_eq(back, data, 16 * WIRE_BLOCK);
	wire_logout(&wire);
	wire_close(&wire);
}
END_TEST

START_TEST(bytes_may_come_one_at_a_time)
{
	wire_open(&house, &wire);
	wire.chunk = 1;
	wire_login(&wire, NULL);
	wire_clear_unit_attentions(&wire);
	write_out(&wire);
	read_back(&wire, 16);
	ck_assert_mem_eq(back, data, 16 * WIRE_BLOCK);
	wire_close(&wire);
}
END_TEST

START_TEST(digests_cover_both_directions)
{
	wire_open(&house, &wire);
	wire_login(&wire, "HeaderDigest=CRC32C", "DataDigest=CRC32C", NULL);
	wire.header_digest = true;
	wire.data_digest = true;
	wire_clear_unit_attentions(&wire);
	write_out(&wire);
	read_back(&wire, 16);
	ck_assert_mem_eq(back, data, 16 * WIRE_BLOCK);
	wire_logout(&wire);
	wire_close(&wire);
}
END_TEST

/* --- the ways to end ---------------------------------------------------------------------------
 */

START_TEST(anything_but_a_login_ends_a_fresh_connection)
{
	uint8_t bhs[ISCSI_BHS_LEN] = {ISCSI_NOP_OUT};

	wire_open(&house, &wire);
	wire_send(&wire, bhs, NULL, 0);
	wire_expect_finished(&wire);
	wire_close(&wire);
}
END_TEST

START_TEST(a_header_digest_error_ends_the_connection)
{
	uint8_t bytes[ISCSI_BHS_LEN + ISCSI_DIGEST_LEN] = {0x40};

	wire_open(&house, &wire);
	wire_login(&wire, "HeaderDigest=CRC32C", NULL);
	wire.header_digest = true;
	wire_feed(&wire, bytes, sizeof(bytes));
	wire_expect(&wire, ISCSI_ASYNC_MESSAGE);
	wire_expect_finished(&wire);
	ck_assert_uint_eq(iscsi_node_counters(house.node).digest_errors, 1);
	wire_close(&wire);
}
END_TEST

START_TEST(a_segment_over_the_limit_ends_the_connection_before_it_is_taken)
{
	uint8_t bhs[ISCSI_BHS_LEN] = {0x40, 0x80};
	struct wire_login login = {.cid = 7};
	struct iscsi_async_message async;

	wire_open(&house, &wire);
	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_SUCCESS);
	iscsi_bhs_set_lengths(bhs, 0xffffff);
	wire_feed(&wire, bhs, sizeof(bhs));
	iscsi_async_message_decode(wire_expect(&wire, ISCSI_ASYNC_MESSAGE)->bhs, &async);
	ck_assert_uint_eq(async.event, 2);
	ck_assert_uint_eq(async.parameter1, 7);
	wire_expect_finished(&wire);
	ck_assert_uint_eq(iscsi_node_counters(house.node).format_errors, 1);
	wire_close(&wire);
}
END_TEST

START_TEST(a_data_digest_error_in_a_command_ends_the_connection)
{
	uint8_t bytes[ISCSI_BHS_LEN + 512 + 4] = {0};
	struct iscsi_scsi_command pdu = {.final = true, .write = true, .itt = 5};

	wire_open(&house, &wire);
	wire_login(&wire, "DataDigest=CRC32C", NULL);
	wire.data_digest = true;
	pdu.cmd_sn = wire.cmd_sn;
	iscsi_scsi_command_encode(&pdu, bytes);
	iscsi_bhs_set_lengths(bytes, 512);
	wire_feed(&wire, bytes, sizeof(bytes));
	wire_expect_reject(&wire, ISCSI_REJECT_DATA_DIGEST_ERROR);
	wire_expect(&wire, ISCSI_ASYNC_MESSAGE);
	wire_expect_finished(&wire);
	wire_close(&wire);
}
END_TEST

START_TEST(a_data_digest_error_in_a_ping_is_survived)
{
	uint8_t bytes[ISCSI_BHS_LEN + 8] = {0};
	struct iscsi_nop_out pdu = {.immediate = true, .itt = 5, .ttt = ISCSI_NO_TAG};

	wire_open(&house, &wire);
	wire_login(&wire, "DataDigest=CRC32C", NULL);
	wire.data_digest = true;
	pdu.cmd_sn = wire.cmd_sn;
	iscsi_nop_out_encode(&pdu, bytes);
	iscsi_bhs_set_lengths(bytes, 4);
	wire_feed(&wire, bytes, sizeof(bytes));
	wire_expect_reject(&wire, ISCSI_REJECT_DATA_DIGEST_ERROR);
	wire_clear_unit_attentions(&wire);
	wire_close(&wire);
}
END_TEST

/* At every byte of a session's bytes the peer may go away. */
START_TEST(the_peer_may_vanish_at_any_byte)
{
	uint8_t bytes[ISCSI_BHS_LEN + 512];
	uint8_t cdb[16];
	struct iscsi_scsi_command pdu = {
		.final = true, .write = true, .itt = 5, .expected_len = 1024};

	wire_cdb_10(cdb, 0x2a, 0, 2);
	memcpy(pdu.cdb, cdb, sizeof(cdb));
	memset(bytes, 0x5a, sizeof(bytes));
	for (size_t cut = 0; cut <= sizeof(bytes); cut += 7) {
		start();
		pdu.cmd_sn = wire.cmd_sn;
		iscsi_scsi_command_encode(&pdu, bytes);
		iscsi_bhs_set_lengths(bytes, 512);
		wire_feed(&wire, bytes, cut);
		iscsi_conn_eof(wire.conn, house.now_ms);
		wire_expect_finished(&wire);
		wire_close(&wire);
	}
}
END_TEST

/* I/O of a connection that is gone completes into nothing. */
START_TEST(tasks_outlive_their_connection)
{
	start();
	house.hold = true;
	wire_read(&wire, 0, 16);
	wire_write(&wire, 0, 1, data, WIRE_BLOCK, true);
	wire_close(&wire);
	wire_house_release(&house);
	ck_assert(scsi_target_idle(house.target));
}
END_TEST

/* --- output ------------------------------------------------------------------------------------
 */

START_TEST(partial_sends_continue_where_they_stopped)
{
	struct iovec iov[64];
	uint8_t got[65536];
	size_t len = 0;

	start();
	wire_read(&wire, 0, 16);
	wire_test_unit_ready(&wire);
	for (size_t n = 1;; n = n % 97 + 1) {
		int count = iscsi_conn_output(wire.conn, iov, 64);
		if (count == 0)
			break;
		size_t part = iov[0].iov_len < n ? iov[0].iov_len : n;
		memcpy(got + len, iov[0].iov_base, part);
		len += part;
		iscsi_conn_sent(wire.conn, part, house.now_ms);
	}
	/* One Data-In with its status, then one response: 8192 bytes and two headers. */
	ck_assert_uint_eq(len, 16 * WIRE_BLOCK + 2 * ISCSI_BHS_LEN);
	ck_assert_uint_eq(got[0], ISCSI_DATA_IN);
	ck_assert_uint_eq(got[ISCSI_BHS_LEN + 16 * WIRE_BLOCK], ISCSI_SCSI_RESPONSE);
	wire_close(&wire);
}
END_TEST

START_TEST(a_peer_that_takes_nothing_is_read_no_more)
{
	struct iovec iov[2];

	wire_house_stop(&house);
	wire_house_init(&house);
	house.config.limits.send_queue_max = 10000;
	wire_house_start(&house);
	start();
	wire_read(&wire, 0, 16);
	ck_assert_int_gt(iscsi_conn_input(wire.conn, iov), 0);
	wire_read(&wire, 0, 16);
	ck_assert_int_eq(iscsi_conn_input(wire.conn, iov), 0);
	wire_expect(&wire, ISCSI_DATA_IN); /* takes everything */
	ck_assert_int_gt(iscsi_conn_input(wire.conn, iov), 0);
	wire_close(&wire);
}
END_TEST

#define MANY 40

/* So many commands in one piece. */
static void feed_many(void)
{
	uint8_t many[MANY * ISCSI_BHS_LEN];

	for (uint32_t i = 0; i < MANY; i++) {
		struct iscsi_scsi_command command = {
			.final = true,
			.read = true,
			.attribute = SCSI_ATTRIBUTE_SIMPLE,
			.itt = 5000 + i,
			.expected_len = 8 * WIRE_BLOCK,
			.cmd_sn = wire.cmd_sn++,
			.exp_stat_sn = wire.exp_stat_sn,
		};
		wire_cdb_10(command.cdb, 0x28, 0, 8);
		iscsi_scsi_command_encode(&command, many + i * ISCSI_BHS_LEN);
	}
	ck_assert(wire_feed(&wire, many, sizeof(many)));
}

static void expect_many(void)
{
	for (uint32_t i = 0; i < MANY; i++)
		wire_expect(&wire, ISCSI_DATA_IN);
	wire_expect_nothing(&wire);
}

/* Many commands come in one piece: those behind a full queue wait in the input, so that the data of
 * all of them is not in memory at once. */
START_TEST(commands_behind_a_full_queue_are_not_begun)
{
	start();
	house.node->config.limits.send_queue_max = 10000;
	uint64_t before = house.node->sessions->commands;
	feed_many();
	ck_assert_uint_le(house.node->sessions->commands - before, 3);
	expect_many();
	wire_close(&wire);
}
END_TEST

/* All connections receive into one buffer. */
START_TEST(commands_that_wait_are_not_overwritten_by_another_connection)
{
	static const uint8_t blocks[8 * WIRE_BLOCK];
	struct wire other;

	start();
	house.node->config.limits.send_queue_max = 10000;
	feed_many();
	wire_open(&house, &other);
	wire_login_with(&other, &(struct wire_login){.initiator = "iqn.2024-01.org.example:other"});
	wire_clear_unit_attentions(&other);
	uint32_t itt = wire_write(&other, 0, 8, blocks, sizeof(blocks), true);
	wire_expect_status(&other, itt, SCSI_STATUS_GOOD);
	expect_many();
	wire_close(&other);
	wire_close(&wire);
}
END_TEST

START_TEST(a_peer_that_takes_nothing_for_long_is_dropped)
{
	start();
	wire_read(&wire, 0, 16);
	wire_wait(&wire, 29900);
	ck_assert(!iscsi_conn_finished(wire.conn));
	wire_wait(&wire, 200);
	wire_expect_finished(&wire);
	wire_close(&wire);
}
END_TEST

START_TEST(a_logout_whose_answer_nobody_takes_ends_too)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iovec iov[8];
	struct iscsi_logout_request request = {.immediate = true, .itt = 9};

	start();
	request.cmd_sn = wire.cmd_sn;
	iscsi_logout_request_encode(&request, bhs);
	wire_send(&wire, bhs, NULL, 0);
	ck_assert(iscsi_conn_finished(wire.conn));
	ck_assert_int_gt(iscsi_conn_output(wire.conn, iov, 8), 0);
	wire_wait(&wire, 30100);
	ck_assert_int_eq(iscsi_conn_output(wire.conn, iov, 8), 0);
	wire_close(&wire);
}
END_TEST

/* ---- data that are sent from where they lie -------------------------------------------------- */

static void expect_data(uint32_t itt, uint16_t blocks, const uint8_t *expected)
{
	struct iscsi_data_in in;
	struct wire_pdu *pdu = wire_expect(&wire, ISCSI_DATA_IN);

	iscsi_data_in_decode(pdu->bhs, &in);
	ck_assert_uint_eq(in.itt, itt);
	ck_assert_uint_eq(pdu->data_len, blocks * (uint32_t)WIRE_BLOCK);
	ck_assert_mem_eq(pdu->data, expected, pdu->data_len);
}

static void fill_blocks(uint16_t blocks)
{
	uint32_t itt = wire_write(&wire, 0, blocks, data, blocks * (uint32_t)WIRE_BLOCK, true);

	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
}

/* Where the data of the first answer in the queue are to be sent from. */
static const uint8_t *queued_data(void)
{
	struct iovec iov[8];

	ck_assert_int_ge(iscsi_conn_output(wire.conn, iov, 8), 2);
	ck_assert_uint_eq(iov[0].iov_len, ISCSI_BHS_LEN);
	return iov[1].iov_base;
}

START_TEST(a_write_behind_a_read_is_not_seen_by_it)
{
	start();
	fill_blocks(8);
	uint32_t read = wire_read(&wire, 0, 8);
	ck_assert_uint_eq(house.lent, 1);
	const uint8_t *before = queued_data();
	memset(back, 'n', sizeof(back));
	uint32_t write = wire_write(&wire, 0, 8, back, 8 * WIRE_BLOCK, true);
	ck_assert_ptr_ne(queued_data(), before);
	expect_data(read, 8, data);
	wire_expect_status(&wire, write, SCSI_STATUS_GOOD);
	read = wire_read(&wire, 0, 8);
	expect_data(read, 8, back);
	wire_close(&wire);
}
END_TEST

START_TEST(what_is_not_sent_at_once_is_copied)
{
	start();
	fill_blocks(8);
	uint32_t first = wire_read(&wire, 0, 8), second = wire_read(&wire, 0, 4);
	ck_assert_uint_eq(house.lent, 2);
	const uint8_t *before = queued_data();
	iscsi_conn_not_sent(wire.conn, house.now_ms);
	ck_assert_ptr_ne(queued_data(), before);
	uint32_t third = wire_read(&wire, 0, 2);
	ck_assert_uint_eq(house.lent, 2); /* who takes nothing now is not lent more */
	expect_data(first, 8, data);
	expect_data(second, 4, data);
	expect_data(third, 2, data);
	expect_data(wire_read(&wire, 0, 2), 2, data);
	ck_assert_uint_eq(house.lent, 3);
	wire_close(&wire);
}
END_TEST

START_TEST(a_half_sent_answer_goes_on_with_the_copy)
{
	struct iovec iov[8];

	start();
	fill_blocks(8);
	uint32_t read = wire_read(&wire, 0, 8);
	ck_assert_int_eq(iscsi_conn_output(wire.conn, iov, 8), 2);
	uint8_t head[ISCSI_BHS_LEN];
	memcpy(head, iov[0].iov_base, sizeof(head));
	iscsi_conn_sent(wire.conn, ISCSI_BHS_LEN + 100, house.now_ms);
	iscsi_conn_not_sent(wire.conn, house.now_ms);
	ck_assert_int_eq(iscsi_conn_output(wire.conn, iov, 8), 1);
	ck_assert_uint_eq(iov[0].iov_len, 8 * WIRE_BLOCK - 100);
	ck_assert_mem_eq(iov[0].iov_base, data + 100, iov[0].iov_len);
	iscsi_conn_sent(wire.conn, iov[0].iov_len, house.now_ms);
	wire.exp_stat_sn++;
	struct iscsi_data_in in;
	iscsi_data_in_decode(head, &in);
	ck_assert_uint_eq(in.itt, read);
	wire_logout(&wire);
	wire_close(&wire);
}
END_TEST

static void start_with_digests(void)
{
	wire_open(&house, &wire);
	wire_login(&wire, "DataDigest=CRC32C", NULL);
	wire.data_digest = true;
	wire_clear_unit_attentions(&wire);
	fill_blocks(8);
}

START_TEST(a_digest_is_taken_where_the_data_lie)
{
	start_with_digests();
	uint32_t itt = wire_read(&wire, 0, 8);
	ck_assert_uint_eq(house.lent, 1);
	const uint8_t *before = queued_data();
	ck_assert_ptr_eq(queued_data(), before);
	expect_data(itt, 8, data);
	wire_close(&wire);
}
END_TEST

START_TEST(a_write_behind_a_digest_leaves_the_data_that_it_is_of)
{
	start_with_digests();
	uint32_t read = wire_read(&wire, 0, 8);
	const uint8_t *before = queued_data(); /* now its digest is made */
	memset(back, 'n', sizeof(back));
	uint32_t write = wire_write(&wire, 0, 8, back, 8 * WIRE_BLOCK, true);
	ck_assert_ptr_ne(queued_data(), before);
	expect_data(read, 8, data);
	wire_expect_status(&wire, write, SCSI_STATUS_GOOD);
	expect_data(wire_read(&wire, 0, 8), 8, back);
	wire_close(&wire);
}
END_TEST

START_TEST(with_digests_too_what_is_not_sent_at_once_is_copied)
{
	start_with_digests();
	uint32_t first = wire_read(&wire, 0, 8), second = wire_read(&wire, 0, 4);
	if (_i == 1)
		ck_assert_ptr_nonnull(queued_data());
	iscsi_conn_not_sent(wire.conn, house.now_ms);
	memset(back, 'n', sizeof(back));
	wire_write(&wire, 0, 8, back, 8 * WIRE_BLOCK, true);
	expect_data(first, 8, data);
	expect_data(second, 4, data);
	wire_close(&wire);
}
END_TEST

START_TEST(who_may_ask_for_data_again_has_a_copy)
{
	wire_house_stop(&house);
	wire_house_init(&house);
	house.config.policy.error_recovery_level = 1;
	wire_house_start(&house);
	wire_open(&house, &wire);
	wire_login(&wire, "ErrorRecoveryLevel=1", NULL);
	wire_clear_unit_attentions(&wire);
	fill_blocks(8);
	uint32_t itt = wire_read(&wire, 0, 8);
	expect_data(itt, 8, data);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(house.lent, 0);
	wire_close(&wire);
}
END_TEST

START_TEST(what_the_store_has_lost_ends_the_connection)
{
	start();
	fill_blocks(8);
	wire_read(&wire, 0, 8);
	house.loses = true;
	iscsi_conn_not_sent(wire.conn, house.now_ms);
	wire_expect_finished(&wire);
	ck_assert_ptr_nonnull(strstr(house.log, "lost data"));
	wire_close(&wire);
}
END_TEST

START_TEST(what_got_lost_under_a_write_ends_the_connection)
{
	start();
	fill_blocks(8);
	wire_read(&wire, 0, 8);
	if (_i == 1)
		ck_assert_ptr_nonnull(queued_data()); /* with its header made already */
	house.loses = true;
	wire_write(&wire, 0, 8, back, 8 * WIRE_BLOCK, true);
	wire_expect_nothing(&wire);
	ck_assert_uint_eq(iscsi_conn_deadline(wire.conn), 0);
	wire_wait(&wire, 1);
	wire_expect_finished(&wire);
	ck_assert_ptr_nonnull(strstr(house.log, "lost data"));
	wire_close(&wire);
}
END_TEST

START_TEST(a_connection_may_end_with_lent_data_in_its_queue)
{
	start();
	fill_blocks(8);
	wire_read(&wire, 0, 8);
	ck_assert_uint_eq(house.lent, 1);
	wire_close(&wire);
}
END_TEST

START_TEST(an_idle_connection_wants_to_be_called_for_a_ping_only)
{
	start();
	uint64_t deadline = iscsi_conn_deadline(wire.conn);
	ck_assert_uint_ge(deadline, house.now_ms + 10000);
	ck_assert_uint_le(deadline, house.now_ms + 10100);
	wire_close(&wire);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_is_written_is_read_back);
	tcase_add_test(tcase, bytes_may_come_one_at_a_time);
	tcase_add_test(tcase, digests_cover_both_directions);
	tcase_add_test(tcase, anything_but_a_login_ends_a_fresh_connection);
	tcase_add_test(tcase, a_header_digest_error_ends_the_connection);
	tcase_add_test(tcase, a_segment_over_the_limit_ends_the_connection_before_it_is_taken);
	tcase_add_test(tcase, a_data_digest_error_in_a_command_ends_the_connection);
	tcase_add_test(tcase, a_data_digest_error_in_a_ping_is_survived);
	tcase_add_test(tcase, the_peer_may_vanish_at_any_byte);
	tcase_add_test(tcase, tasks_outlive_their_connection);
	tcase_add_test(tcase, partial_sends_continue_where_they_stopped);
	tcase_add_test(tcase, a_peer_that_takes_nothing_is_read_no_more);
	tcase_add_test(tcase, commands_behind_a_full_queue_are_not_begun);
	tcase_add_test(tcase, commands_that_wait_are_not_overwritten_by_another_connection);
	tcase_add_test(tcase, a_peer_that_takes_nothing_for_long_is_dropped);
	tcase_add_test(tcase, a_logout_whose_answer_nobody_takes_ends_too);
	tcase_add_test(tcase, a_write_behind_a_read_is_not_seen_by_it);
	tcase_add_test(tcase, what_is_not_sent_at_once_is_copied);
	tcase_add_test(tcase, a_half_sent_answer_goes_on_with_the_copy);
	tcase_add_test(tcase, a_digest_is_taken_where_the_data_lie);
	tcase_add_test(tcase, a_write_behind_a_digest_leaves_the_data_that_it_is_of);
	tcase_add_loop_test(tcase, with_digests_too_what_is_not_sent_at_once_is_copied, 0, 2);
	tcase_add_test(tcase, who_may_ask_for_data_again_has_a_copy);
	tcase_add_test(tcase, what_the_store_has_lost_ends_the_connection);
	tcase_add_loop_test(tcase, what_got_lost_under_a_write_ends_the_connection, 0, 2);
	tcase_add_test(tcase, a_connection_may_end_with_lent_data_in_its_queue);
	tcase_add_test(tcase, an_idle_connection_wants_to_be_called_for_a_ping_only);
}

int main(void)
{
	return suite_run("conn", fill);
}
