/* ErrorRecoveryLevel 1: what is lost, damaged or doubled within a connection is had again. */
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/wire.h"
#include "transport/conn_internal.h"

#define ABORTED 0x0b /* sense key */

enum snack_type {
	DATA_OR_R2T,
	STATUS,
	DATA_ACK,
	R_DATA
};

static struct wire_house house;
static struct wire wire;
static uint8_t data[64 * WIRE_BLOCK];

static void setup(void)
{
	wire_house_init(&house);
	house.config.policy.error_recovery_level = 1;
	house.config.policy.data_pdu_in_order = false;
	house.config.limits.nop_interval_ms = 0;
	wire_pattern(data, sizeof(data), 9);
}

static void teardown(void)
{
	wire_close(&wire);
	wire_house_stop(&house);
}

static void start(const char *initial_r2t, const char *order)
{
	wire_house_start(&house);
	wire_open(&house, &wire);
	wire_login(&wire, "ErrorRecoveryLevel=1", "MaxOutstandingR2T=1", "MaxBurstLength=2048",
		   "FirstBurstLength=2048", "DataDigest=CRC32C", "MaxRecvDataSegmentLength=512",
		   initial_r2t, order, NULL);
	wire.data_digest = true;
	ck_assert_uint_eq(house.node->sessions->params.error_recovery_level, 1);
	wire_clear_unit_attentions(&wire);
}

static void start_in_order(void)
{
	start("InitialR2T=Yes", "DataPDUInOrder=Yes");
}

static void send_snack(enum snack_type type, uint32_t itt, uint32_t ttt, uint32_t first,
		       uint32_t count)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_snack_request snack = {.type = (uint8_t)type,
					    .itt = itt,
					    .ttt = ttt,
					    .exp_stat_sn = wire.exp_stat_sn,
					    .beg_run = first,
					    .run_len = count};

	iscsi_snack_request_encode(&snack, bhs);
	wire_send(&wire, bhs, NULL, 0);
}

static struct iscsi_data_in expect_data(uint32_t data_sn, uint32_t offset, uint32_t len)
{
	struct iscsi_data_in in;

	iscsi_data_in_decode(wire_expect(&wire, ISCSI_DATA_IN)->bhs, &in);
	ck_assert_uint_eq(in.data_sn, data_sn);
	ck_assert_uint_eq(in.offset, offset);
	ck_assert_uint_eq(wire.pdu.data_len, len);
	ck_assert_mem_eq(wire.pdu.data, data + offset, len);
	ck_assert(!in.has_status);
	return in;
}

static void put_on_disk(uint32_t len)
{
	uint8_t *disk = data;

	for (uint32_t at = 0; at < len; at += 2048) {
		uint32_t itt = wire_write(&wire, at / WIRE_BLOCK, 4, NULL, 0, true);
		struct iscsi_r2t r2t = wire_expect_r2t(&wire);
		wire_data_out(&wire, itt, r2t.ttt, 0, 0, disk + at, 2048, true);
		wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	}
}

static void expect_on_disk(uint32_t len)
{
	uint32_t itt = wire_read(&wire, 0, (uint16_t)(len / WIRE_BLOCK));

	for (uint32_t at = 0; at < len; at += 512)
		expect_data(at / 512, at, 512);
	struct iscsi_scsi_response response = wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(response.exp_data_sn, len / 512);
}

/* --- write data ------------------------------------------------------------------------------- */

/* A write of so many blocks that waits for the data of its first R2T. */
static uint32_t begin_write(uint16_t blocks, struct iscsi_r2t *ret_r2t)
{
	uint32_t itt = wire_write(&wire, 0, blocks, NULL, 0, true);

	*ret_r2t = wire_expect_r2t(&wire);
	return itt;
}

/* It gets the rest of its data, and all of it has come. */
static void end_write(uint32_t itt, const struct iscsi_r2t *r2t, uint32_t len)
{
	wire_answer_r2t(&wire, r2t, data);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	expect_on_disk(len);
}

START_TEST(a_lost_data_out_is_asked_for_again)
{
	start_in_order();
	struct iscsi_r2t r2t;
	uint32_t itt = begin_write(4, &r2t);
	wire_data_out(&wire, itt, r2t.ttt, 0, 0, data, 512, false);
	/* DataSN 1 does not arrive. */
	wire_data_out(&wire, itt, r2t.ttt, 2, 1024, data + 1024, 512, false);
	wire_data_out(&wire, itt, r2t.ttt, 3, 1536, data + 1536, 512, true);
	struct iscsi_r2t again = wire_expect_r2t(&wire);
	ck_assert_uint_eq(again.r2t_sn, r2t.r2t_sn + 1);
	ck_assert_uint_ne(again.ttt, r2t.ttt);
	ck_assert_uint_eq(again.offset, 512);
	ck_assert_uint_eq(again.desired_len, 1536);
	end_write(itt, &again, 2048);
}
END_TEST

START_TEST(a_damaged_data_out_is_rejected_and_asked_for_again)
{
	start_in_order();
	struct iscsi_r2t r2t;
	uint32_t itt = begin_write(4, &r2t);
	wire.spoil = true;
	wire_answer_r2t(&wire, &r2t, data);
	wire_expect_reject(&wire, ISCSI_REJECT_DATA_DIGEST_ERROR);
	struct iscsi_r2t again = wire_expect_r2t(&wire);
	ck_assert_uint_eq(again.offset, 0);
	ck_assert_uint_eq(again.desired_len, 2048);
	end_write(itt, &again, 2048);
}
END_TEST

START_TEST(doubled_data_is_dropped)
{
	start_in_order();
	struct iscsi_r2t r2t;
	uint32_t itt = begin_write(8, &r2t);
	wire_data_out(&wire, itt, r2t.ttt, 0, 0, data, 1024, false);
	wire_data_out(&wire, itt, r2t.ttt, 0, 0, data + 7, 1024, false);
	wire_data_out(&wire, itt, r2t.ttt, 1, 1024, data + 1024, 1024, true);
	wire_data_out(&wire, itt, r2t.ttt, 1, 1024, data + 7, 1024, true);
	r2t = wire_expect_r2t(&wire);
	wire_answer_r2t(&wire, &r2t, data);
	wire_answer_r2t(&wire, &r2t, data + 7);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	expect_on_disk(4096);
}
END_TEST

START_TEST(a_silent_sequence_is_asked_for_again)
{
	start_in_order();
	struct iscsi_r2t r2t;
	uint32_t itt = begin_write(4, &r2t);
	/* Nothing at all: the R2T may be what was lost. */
	wire_wait(&wire, house.config.limits.recovery_ms + 100);
	struct iscsi_r2t same = wire_expect_r2t(&wire);
	ck_assert_uint_eq(same.r2t_sn, r2t.r2t_sn);
	ck_assert_uint_eq(same.ttt, r2t.ttt);
	/* Its last PDU is lost. */
	wire_data_out(&wire, itt, r2t.ttt, 0, 0, data, 512, false);
	wire_wait(&wire, house.config.limits.recovery_ms + 100);
	struct iscsi_r2t again = wire_expect_r2t(&wire);
	ck_assert_uint_eq(again.r2t_sn, r2t.r2t_sn + 1);
	ck_assert_uint_eq(again.offset, 512);
	end_write(itt, &again, 2048);
}
END_TEST

START_TEST(data_is_not_asked_for_without_end)
{
	start_in_order();
	struct iscsi_r2t r2t;
	uint32_t itt = begin_write(4, &r2t);
	for (unsigned i = 0; i < ISCSI_RECOVERIES_MAX; i++) {
		wire_data_out(&wire, itt, r2t.ttt, 5, 0, data, 2048, true);
		r2t = wire_expect_r2t(&wire);
	}
	wire_data_out(&wire, itt, r2t.ttt, 5, 0, data, 2048, true);
	wire_expect_sense(&wire, itt, ABORTED, 0x47, 0x05);
}
END_TEST

START_TEST(lost_unsolicited_data_is_solicited)
{
	start("InitialR2T=No", "DataPDUInOrder=Yes");
	uint32_t itt = wire_write(&wire, 0, 6, data, 512, false);
	wire_data_out(&wire, itt, ISCSI_NO_TAG, 0, 512, data + 512, 512, false);
	wire_data_out(&wire, itt, ISCSI_NO_TAG, 2, 1536, data + 1536, 512, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	ck_assert_uint_eq(r2t.r2t_sn, 0);
	ck_assert_uint_eq(r2t.offset, 1024);
	end_write(itt, &r2t, 3072);
}
END_TEST

START_TEST(lost_data_in_any_order_is_asked_for_from_the_first_gap)
{
	start("InitialR2T=Yes", "DataPDUInOrder=No");
	struct iscsi_r2t r2t;
	uint32_t itt = begin_write(4, &r2t);
	wire_data_out(&wire, itt, r2t.ttt, 0, 0, data, 512, false);
	wire_data_out(&wire, itt, r2t.ttt, 1, 1536, data + 1536, 512, false);
	wire_data_out(&wire, itt, r2t.ttt, 3, 1024, data + 1024, 512, true);
	r2t = wire_expect_r2t(&wire);
	ck_assert_uint_eq(r2t.offset, 512);
	ck_assert_uint_eq(r2t.desired_len, 1536);
	end_write(itt, &r2t, 2048);
}
END_TEST

START_TEST(a_damaged_command_can_be_sent_again)
{
	start_in_order();
	wire.spoil = true;
	uint32_t itt = wire_write(&wire, 0, 1, data, 512, true);
	wire_expect_reject(&wire, ISCSI_REJECT_DATA_DIGEST_ERROR);
	uint32_t behind = wire_test_unit_ready(&wire);
	wire_expect_nothing(&wire);
	wire.cmd_sn -= 2;
	wire.itt = itt - 1;
	wire_write(&wire, 0, 1, data, 512, true);
	wire.cmd_sn++;
	wire.itt = behind;
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	wire_expect_status(&wire, behind, SCSI_STATUS_GOOD);
	expect_on_disk(512);
}
END_TEST

START_TEST(an_r2t_can_be_asked_for)
{
	start_in_order();
	struct iscsi_r2t r2t;
	uint32_t itt = begin_write(8, &r2t);
	send_snack(DATA_OR_R2T, itt, ISCSI_NO_TAG, 0, 1);
	struct iscsi_r2t same = wire_expect_r2t(&wire);
	ck_assert_uint_eq(same.ttt, r2t.ttt);
	ck_assert_uint_eq(same.r2t_sn, 0);
	wire_answer_r2t(&wire, &same, data);
	r2t = wire_expect_r2t(&wire);
	ck_assert_uint_eq(r2t.r2t_sn, 1);
	/* One that was answered is not sent again; the Reject tells the next number. */
	struct iscsi_reject reject;
	send_snack(DATA_OR_R2T, itt, ISCSI_NO_TAG, 0, 1);
	iscsi_reject_decode(wire_expect(&wire, ISCSI_REJECT)->bhs, &reject);
	ck_assert_uint_eq(reject.reason, ISCSI_REJECT_PROTOCOL_ERROR);
	ck_assert_uint_eq(reject.data_sn, 2);
	wire_answer_r2t(&wire, &r2t, data);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
}
END_TEST

/* --- status ----------------------------------------------------------------------------------- */

START_TEST(a_lost_status_is_sent_again_with_its_number)
{
	start_in_order();
	uint32_t before = wire.exp_stat_sn;
	uint32_t first = wire_test_unit_ready(&wire);
	wire_expect_status(&wire, first, SCSI_STATUS_GOOD);
	wire.exp_stat_sn = before;
	uint32_t second = wire_test_unit_ready(&wire);
	wire.lossy = true;
	wire_expect_status(&wire, second, SCSI_STATUS_GOOD); /* taken for the first */
	send_snack(STATUS, ISCSI_NO_TAG, ISCSI_NO_TAG, before, 1);
	wire.lossy = false;
	wire_expect_status(&wire, first, SCSI_STATUS_GOOD); /* checks StatSN */
	wire_expect_nothing(&wire);
	wire.exp_stat_sn = before + 1;
	send_snack(STATUS, ISCSI_NO_TAG, ISCSI_NO_TAG, 0, 0);
	wire_expect_status(&wire, second, SCSI_STATUS_GOOD);
	wire_expect_nothing(&wire);
}
END_TEST

START_TEST(sense_data_comes_again_too)
{
	start_in_order();
	uint32_t before = wire.exp_stat_sn;
	uint32_t itt = wire_write(&wire, WIRE_BLOCKS, 1, NULL, 0, true);
	wire_expect_sense(&wire, itt, 0x05, 0x21, 0x00);
	wire.exp_stat_sn = before;
	send_snack(STATUS, ISCSI_NO_TAG, ISCSI_NO_TAG, 0, 0);
	wire_expect_sense(&wire, itt, 0x05, 0x21, 0x00);
}
END_TEST

START_TEST(what_is_acknowledged_is_gone)
{
	start_in_order();
	uint32_t before = wire.exp_stat_sn;
	uint32_t itt = wire_test_unit_ready(&wire);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	ck_assert_ptr_nonnull(house.node->conns->kept_first);
	send_snack(STATUS, ISCSI_NO_TAG, ISCSI_NO_TAG, before, 1);
	wire_expect_reject(&wire, ISCSI_REJECT_PROTOCOL_ERROR);
	/* Nor was this ever sent. */
	send_snack(STATUS, ISCSI_NO_TAG, ISCSI_NO_TAG, wire.exp_stat_sn, 5);
	wire_expect_reject(&wire, ISCSI_REJECT_PROTOCOL_ERROR);
}
END_TEST

START_TEST(what_is_kept_has_a_limit)
{
	house.config.limits.unacked_max = 4096;
	start_in_order();
	uint32_t before = wire.exp_stat_sn;
	for (unsigned i = 0; i < 50; i++) {
		uint32_t itt = wire_test_unit_ready(&wire);
		wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
		wire.exp_stat_sn = before; /* never acknowledged */
		wire.lossy = true;
	}
	ck_assert_uint_le(house.node->conns->kept_weight, 4096);
	send_snack(STATUS, ISCSI_NO_TAG, ISCSI_NO_TAG, before, 1);
	wire_expect_reject(&wire, ISCSI_REJECT_SNACK);
}
END_TEST

START_TEST(only_so_many_pdus_are_kept)
{
	house.config.limits.command_window = 8;
	start_in_order();
	uint32_t before = wire.exp_stat_sn;
	wire.lossy = true;
	for (unsigned i = 0; i < 500; i++) {
		uint32_t itt = wire_test_unit_ready(&wire);
		wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
		wire.exp_stat_sn = before; /* never acknowledged */
	}
	ck_assert_uint_le(house.node->conns->kept_count, 2 * 8 + 64);
	ck_assert_uint_ge(house.node->conns->kept_count, 8);
}
END_TEST

START_TEST(a_ping_shows_that_a_status_is_missing)
{
	struct iscsi_nop_in ping;

	house.config.limits.nop_interval_ms = 60000;
	start_in_order();
	uint32_t itt = wire_test_unit_ready(&wire);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	wire_wait(&wire, house.config.limits.recovery_ms + 100);
	iscsi_nop_in_decode(wire_expect(&wire, ISCSI_NOP_IN)->bhs, &ping);
	ck_assert_uint_eq(ping.sns.stat_sn, wire.exp_stat_sn);
}
END_TEST

/* --- data to read ----------------------------------------------------------------------------- */

START_TEST(lost_data_is_sent_again_as_it_was)
{
	start_in_order();
	put_on_disk(4096);
	uint32_t before = wire.exp_stat_sn;
	uint32_t itt = wire_read(&wire, 0, 8);
	for (uint32_t i = 0; i < 8; i++)
		expect_data(i, 512 * i, 512);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	wire.exp_stat_sn = before; /* an initiator waits with that for its data */
	wire.lossy = true;
	send_snack(DATA_OR_R2T, itt, ISCSI_NO_TAG, 2, 3);
	for (uint32_t i = 2; i < 5; i++)
		ck_assert_uint_eq(expect_data(i, 512 * i, 512).final, i == 3);
	wire_expect_nothing(&wire);
	send_snack(DATA_OR_R2T, itt, ISCSI_NO_TAG, 6, 0);
	expect_data(6, 3072, 512);
	ck_assert(expect_data(7, 3584, 512).final);
	wire_expect_nothing(&wire);
	send_snack(DATA_OR_R2T, itt, ISCSI_NO_TAG, 7, 2);
	struct iscsi_reject reject;
	iscsi_reject_decode(wire_expect(&wire, ISCSI_REJECT)->bhs, &reject);
	ck_assert_uint_eq(reject.reason, ISCSI_REJECT_PROTOCOL_ERROR);
	ck_assert_uint_eq(reject.data_sn, 8);
}
END_TEST

START_TEST(data_whose_status_is_acknowledged_is_gone)
{
	start_in_order();
	uint32_t itt = wire_read(&wire, 0, 1);
	wire_expect(&wire, ISCSI_DATA_IN);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	send_snack(DATA_OR_R2T, itt, ISCSI_NO_TAG, 0, 1);
	wire_expect_reject(&wire, ISCSI_REJECT_PROTOCOL_ERROR);
}
END_TEST

START_TEST(a_sequence_of_data_can_be_acknowledged)
{
	start_in_order();
	put_on_disk(4096);
	uint32_t before = wire.exp_stat_sn;
	uint32_t itt = wire_read(&wire, 0, 8);
	struct iscsi_data_in in = {0};
	for (uint32_t i = 0; i < 4; i++)
		in = expect_data(i, 512 * i, 512);
	ck_assert(in.acknowledge && in.final);
	ck_assert_uint_ne(in.ttt, ISCSI_NO_TAG);
	for (uint32_t i = 4; i < 8; i++)
		ck_assert(!expect_data(i, 512 * i, 512).acknowledge);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	wire.exp_stat_sn = before;
	wire.lossy = true;
	send_snack(DATA_ACK, itt, in.ttt + 1, 4, 0);
	wire_expect_reject(&wire, ISCSI_REJECT_INVALID_DATA_ACK);
	send_snack(DATA_ACK, itt, in.ttt, 4, 0);
	wire_expect_nothing(&wire);
	/* All that is not acknowledged. */
	send_snack(DATA_OR_R2T, itt, ISCSI_NO_TAG, 0, 0);
	for (uint32_t i = 4; i < 8; i++)
		expect_data(i, 512 * i, 512);
	send_snack(DATA_OR_R2T, itt, ISCSI_NO_TAG, 3, 1);
	wire_expect_reject(&wire, ISCSI_REJECT_PROTOCOL_ERROR);
}
END_TEST

static void shrink_segments(void)
{
	static const char text[] = "MaxRecvDataSegmentLength=1024";
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_text_request request = {.final = true,
					     .itt = 5000,
					     .ttt = ISCSI_NO_TAG,
					     .cmd_sn = wire.cmd_sn++,
					     .exp_stat_sn = wire.exp_stat_sn};

	iscsi_text_request_encode(&request, bhs);
	wire_send(&wire, bhs, text, sizeof(text));
	wire_expect(&wire, ISCSI_TEXT_RESPONSE);
}

START_TEST(data_can_be_cut_anew)
{
	start_in_order();
	put_on_disk(4096);
	uint32_t before = wire.exp_stat_sn;
	uint32_t itt = wire_read(&wire, 0, 8);
	for (uint32_t i = 0; i < 8; i++)
		expect_data(i, 512 * i, 512);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	wire.exp_stat_sn = before;
	wire.lossy = true;
	shrink_segments(); /* they grow, which does as well */
	send_snack(R_DATA, itt, 0, 0, 0);
	wire_expect_reject(&wire, ISCSI_REJECT_INVALID_PDU_FIELD);
	send_snack(R_DATA, itt, 77, 0, 0);
	for (uint32_t i = 0; i < 4; i++)
		expect_data(i, 1024 * i, 1024);
	struct iscsi_scsi_response response = wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(response.sns.stat_sn, before);
	ck_assert_uint_eq(response.snack_tag, 77);
	ck_assert_uint_eq(response.exp_data_sn, 4);
}
END_TEST

START_TEST(an_unknown_kind_of_snack_is_rejected)
{
	start_in_order();
	send_snack((enum snack_type)9, 1, ISCSI_NO_TAG, 0, 0);
	wire_expect_reject(&wire, ISCSI_REJECT_INVALID_PDU_FIELD);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_lost_data_out_is_asked_for_again);
	tcase_add_test(tcase, a_damaged_data_out_is_rejected_and_asked_for_again);
	tcase_add_test(tcase, doubled_data_is_dropped);
	tcase_add_test(tcase, a_silent_sequence_is_asked_for_again);
	tcase_add_test(tcase, data_is_not_asked_for_without_end);
	tcase_add_test(tcase, lost_unsolicited_data_is_solicited);
	tcase_add_test(tcase, lost_data_in_any_order_is_asked_for_from_the_first_gap);
	tcase_add_test(tcase, a_damaged_command_can_be_sent_again);
	tcase_add_test(tcase, an_r2t_can_be_asked_for);
	tcase_add_test(tcase, a_lost_status_is_sent_again_with_its_number);
	tcase_add_test(tcase, sense_data_comes_again_too);
	tcase_add_test(tcase, what_is_acknowledged_is_gone);
	tcase_add_test(tcase, what_is_kept_has_a_limit);
	tcase_add_test(tcase, only_so_many_pdus_are_kept);
	tcase_add_test(tcase, a_ping_shows_that_a_status_is_missing);
	tcase_add_test(tcase, lost_data_is_sent_again_as_it_was);
	tcase_add_test(tcase, data_whose_status_is_acknowledged_is_gone);
	tcase_add_test(tcase, a_sequence_of_data_can_be_acknowledged);
	tcase_add_test(tcase, data_can_be_cut_anew);
	tcase_add_test(tcase, an_unknown_kind_of_snack_is_rejected);
}

int main(void)
{
	return suite_run("recovery", fill);
}
