/* Write data: unsolicited bursts, R2T, the checks of a Data-Out PDU, room, and timeouts. */
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "tests/support/wire.h"
#include "transport/conn_internal.h"

#define ABORTED 0x0b /* sense key */

static struct wire_house house;
static struct wire wire;
static uint8_t data[64 * WIRE_BLOCK];

static void setup(void)
{
	wire_house_init(&house);
	wire_pattern(data, sizeof(data), 9);
}

static void teardown(void)
{
	wire_close(&wire);
	wire_house_stop(&house);
}

static void start(const char *initial_r2t, const char *bursts, const char *first)
{
	wire_house_start(&house);
	wire_open(&house, &wire);
	wire_login(&wire, initial_r2t, bursts, first, "MaxOutstandingR2T=2", NULL);
	wire_clear_unit_attentions(&wire);
}

static void start_solicited(void)
{
	start("InitialR2T=Yes", "MaxBurstLength=2048", "FirstBurstLength=1024");
}

static void start_unsolicited(void)
{
	start("InitialR2T=No", "MaxBurstLength=2048", "FirstBurstLength=1024");
}

static void expect_on_disk(uint32_t len)
{
	uint32_t itt = wire_read(&wire, 0, (uint16_t)(len / WIRE_BLOCK));
	uint32_t at = 0;

	while (at < len) {
		struct wire_pdu *pdu = wire_expect(&wire, ISCSI_DATA_IN);
		struct iscsi_data_in in;
		iscsi_data_in_decode(pdu->bhs, &in);
		ck_assert_uint_eq(in.itt, itt);
		ck_assert_mem_eq(pdu->data, data + at, pdu->data_len);
		at += pdu->data_len;
	}
}

START_TEST(an_unsolicited_burst_needs_no_r2t)
{
	start_unsolicited();
	uint32_t itt = wire_write(&wire, 0, 2, data, 300, false);
	wire_data_out(&wire, itt, ISCSI_NO_TAG, 0, 300, data + 300, 200, false);
	wire_data_out(&wire, itt, ISCSI_NO_TAG, 1, 500, data + 500, 524, true);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	expect_on_disk(1024);
}
END_TEST

START_TEST(r2ts_begin_where_the_first_burst_ends)
{
	start_unsolicited();
	uint32_t itt = wire_write(&wire, 0, 4, NULL, 0, false);
	wire_data_out(&wire, itt, ISCSI_NO_TAG, 0, 0, data, 1024, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	ck_assert_uint_eq(r2t.offset, 1024);
	ck_assert_uint_eq(r2t.desired_len, 1024);
	ck_assert_uint_eq(r2t.r2t_sn, 0);
	wire_answer_r2t(&wire, &r2t, data);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	expect_on_disk(2048);
}
END_TEST

START_TEST(r2ts_keep_to_max_burst_and_max_outstanding)
{
	start_solicited();
	uint32_t itt = wire_write(&wire, 0, 12, NULL, 0, true); /* three bursts */
	struct iscsi_r2t first = wire_expect_r2t(&wire);
	struct iscsi_r2t second = wire_expect_r2t(&wire);
	wire_expect_nothing(&wire);
	ck_assert_uint_eq(first.desired_len, 2048);
	ck_assert_uint_eq(second.offset, 2048);
	ck_assert_uint_eq(second.r2t_sn, 1);
	ck_assert_uint_ne(first.ttt, second.ttt);
	wire_answer_r2t(&wire, &first, data);
	struct iscsi_r2t third = wire_expect_r2t(&wire);
	ck_assert_uint_eq(third.offset, 4096);
	ck_assert_uint_eq(third.r2t_sn, 2);
	wire_answer_r2t(&wire, &second, data);
	wire_expect_nothing(&wire);
	wire_answer_r2t(&wire, &third, data);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	expect_on_disk(6144);
}
END_TEST

START_TEST(a_refused_write_gets_no_r2t)
{
	start_solicited();
	uint32_t itt = wire_write(&wire, WIRE_BLOCKS, 4, NULL, 0, true);
	wire_expect_sense(&wire, itt, 0x05, 0x21, 0x00);
}
END_TEST

START_TEST(a_refused_write_waits_for_the_end_of_its_burst)
{
	start_unsolicited();
	uint32_t itt = wire_write(&wire, WIRE_BLOCKS, 2, data, 512, false);
	wire_expect_nothing(&wire);
	wire_data_out(&wire, itt, ISCSI_NO_TAG, 0, 512, data, 512, true);
	wire_expect_sense(&wire, itt, 0x05, 0x21, 0x00);
}
END_TEST

/* libiscsi's iSCSIdatasn: such a command must not end GOOD. */
/* A CDB that reads, sent as a write with data, while its I/O is still under way. */
START_TEST(data_that_nobody_wants_is_kept_and_dropped)
{
	uint8_t cdb[16];

	start_unsolicited();
	house.hold = true;
	wire_cdb_10(cdb, 0x28, 0, 2);
	uint32_t itt = wire_command(&wire, &(struct wire_command){.cdb = cdb,
								  .write = true,
								  .not_final = true,
								  .expected_len = 1024,
								  .data = data,
								  .data_len = 100});
	wire_data_out(&wire, itt, ISCSI_NO_TAG, 0, 100, data, 400, false);
	wire_house_release(&house);
	wire_expect_nothing(&wire);
	wire_data_out(&wire, itt, ISCSI_NO_TAG, 1, 500, data, 524, true);
	struct iscsi_scsi_response response;
	iscsi_scsi_response_decode(wire_expect(&wire, ISCSI_SCSI_RESPONSE)->bhs, &response);
	ck_assert_uint_eq(response.itt, itt);
	ck_assert(response.residual.underflow);
	ck_assert_uint_eq(response.residual.count, 1024);
}
END_TEST

/* Answers to an R2T for the whole of a write, each wrong in one way. */
static const struct wrong_answer {
	uint16_t blocks;
	uint32_t data_sn, offset, len;
	bool rejected; /* the PDU, and the command fails nevertheless */
	uint8_t asc, ascq;
} wrong_answers[] = {
	/* a wrong DataSN */
	{2, 27, 0, 1024, false, 0x47, 0x05},
	/* a sequence that ends early */
	{4, 0, 0, 1024, false, 0x0c, 0x0d},
	/* a gap in the offsets */
	{2, 0, 512, 512, false, 0x0c, 0x0d},
	/* an offset that would wrap */
	{2, 0, 0xfffffe00, 1024, true, 0x0c, 0x0d},
};
#define WRONG_ANSWERS ((int)(sizeof(wrong_answers) / sizeof(wrong_answers[0])))

START_TEST(a_wrong_answer_to_an_r2t_fails_the_command)
{
	const struct wrong_answer *wrong = &wrong_answers[_i];

	start_solicited();
	uint32_t itt = wire_write(&wire, 0, wrong->blocks, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	wire_data_out(&wire, itt, r2t.ttt, wrong->data_sn, wrong->offset, data, wrong->len, true);
	if (wrong->rejected)
		wire_expect_reject(&wire, ISCSI_REJECT_PROTOCOL_ERROR);
	wire_expect_sense(&wire, itt, ABORTED, wrong->asc, wrong->ascq);
}
END_TEST

START_TEST(a_fault_is_answered_when_every_sequence_has_ended)
{
	start_solicited();
	uint32_t itt = wire_write(&wire, 0, 8, NULL, 0, true);
	struct iscsi_r2t first = wire_expect_r2t(&wire);
	struct iscsi_r2t second = wire_expect_r2t(&wire);
	wire_data_out(&wire, itt, first.ttt, 5, 0, data, 2048, true);
	wire_expect_nothing(&wire);
	wire_answer_r2t(&wire, &second, data);
	wire_expect_sense(&wire, itt, ABORTED, 0x47, 0x05);
}
END_TEST

START_TEST(data_beyond_the_sequence_is_rejected_and_not_written)
{
	start_solicited();
	uint32_t itt = wire_write(&wire, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	wire_data_out(&wire, itt, r2t.ttt, 0, 0, data, 1028, true);
	wire_expect_reject(&wire, ISCSI_REJECT_PROTOCOL_ERROR);
	wire_expect_sense(&wire, itt, ABORTED, 0x0c, 0x0d);
	memset(data, 0, 1024);
	expect_on_disk(1024);
}
END_TEST

START_TEST(a_missing_f_bit_is_rejected_and_fails_the_command)
{
	start_solicited();
	uint32_t itt = wire_write(&wire, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	wire_data_out(&wire, itt, r2t.ttt, 0, 0, data, 1024, false);
	wire_expect_reject(&wire, ISCSI_REJECT_PROTOCOL_ERROR);
	wire_data_out(&wire, itt, r2t.ttt, 1, 1024, NULL, 0, true);
	wire_expect_sense(&wire, itt, ABORTED, 0x0c, 0x0d);
}
END_TEST

/* Immediate and unsolicited data come while the command waits for its turn; R2Ts follow then. */
START_TEST(a_dormant_write_keeps_what_comes_early)
{
	uint8_t cdb[16];

	start_unsolicited();
	house.hold = true;
	uint32_t read = wire_read(&wire, 16, 1);
	wire_cdb_10(cdb, 0x2a, 0, 8);
	uint32_t write = wire_command(&wire, &(struct wire_command){
						     .cdb = cdb,
						     .write = true,
						     .not_final = true,
						     .expected_len = 8 * WIRE_BLOCK,
						     .data = data,
						     .data_len = 512,
						     .attribute = SCSI_ATTRIBUTE_ORDERED,
					     });
	wire_data_out(&wire, write, ISCSI_NO_TAG, 0, 512, data + 512, 512, true);
	wire_expect_nothing(&wire);
	house.hold = false;
	wire_house_release(&house);
	wire_expect_status(&wire, read, SCSI_STATUS_GOOD);
	for (unsigned i = 0; i < 2; i++) {
		struct iscsi_r2t r2t = wire_expect_r2t(&wire);
		wire_answer_r2t(&wire, &r2t, data);
	}
	wire_expect_status(&wire, write, SCSI_STATUS_GOOD);
	expect_on_disk(8 * WIRE_BLOCK);
}
END_TEST

/* A refused one too waits for what was announced. */
START_TEST(a_dormant_write_that_is_refused_waits_for_announced_data)
{
	uint8_t cdb[16];

	start_unsolicited();
	house.hold = true;
	uint32_t read = wire_read(&wire, 16, 1);
	wire_cdb_10(cdb, 0x2a, WIRE_BLOCKS, 2);
	uint32_t write = wire_command(&wire, &(struct wire_command){
						     .cdb = cdb,
						     .write = true,
						     .not_final = true,
						     .expected_len = 2 * WIRE_BLOCK,
						     .attribute = SCSI_ATTRIBUTE_ORDERED,
					     });
	house.hold = false;
	wire_house_release(&house);
	wire_expect_status(&wire, read, SCSI_STATUS_GOOD);
	wire_expect_nothing(&wire);
	wire_data_out(&wire, write, ISCSI_NO_TAG, 0, 0, data, 1024, true);
	wire_expect_sense(&wire, write, 5, 0x21, 0x00);
}
END_TEST

START_TEST(an_unsolicited_burst_must_be_whole)
{
	start_unsolicited();
	uint32_t itt = wire_write(&wire, 0, 4, data, 512, false);
	wire_data_out(&wire, itt, ISCSI_NO_TAG, 0, 512, data, 100, true);
	wire_expect_sense(&wire, itt, ABORTED, 0x0c, 0x0d);
}
END_TEST

START_TEST(unsolicited_data_under_initial_r2t_fails_the_command)
{
	start_solicited();
	uint32_t itt = wire_write(&wire, 0, 4, NULL, 0, false);
	wire_expect_nothing(&wire);
	wire_data_out(&wire, itt, ISCSI_NO_TAG, 0, 0, data, 1024, true);
	wire_expect_sense(&wire, itt, ABORTED, 0x0c, 0x0c);
}
END_TEST

START_TEST(unannounced_data_fails_the_command)
{
	start_solicited();
	uint32_t itt = wire_write(&wire, 0, 4, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	wire_data_out(&wire, itt, ISCSI_NO_TAG, 0, 0, data, 512, true);
	wire_expect_nothing(&wire);
	wire_answer_r2t(&wire, &r2t, data);
	wire_expect_sense(&wire, itt, ABORTED, 0x0c, 0x0c);
}
END_TEST

/* --- DataPDUInOrder=No, DataSequenceInOrder=No ------------------------------------------------ */

static void start_in_any_order(const char *initial_r2t)
{
	house.config.policy.data_pdu_in_order = false;
	house.config.policy.data_sequence_in_order = false;
	wire_house_start(&house);
	wire_open(&house, &wire);
	wire_login(&wire, initial_r2t, "MaxBurstLength=8192", "FirstBurstLength=8192",
		   "DataPDUInOrder=No", "DataSequenceInOrder=No", "MaxOutstandingR2T=4", NULL);
	ck_assert(!house.node->sessions->params.data_pdu_in_order);
	ck_assert(!house.node->sessions->params.data_sequence_in_order);
	wire_clear_unit_attentions(&wire);
}

/* The order of `count` pieces: a step that shares no factor with it reaches each of them. */
static void send_pieces(uint32_t itt, uint32_t ttt, uint32_t offset, uint32_t count, uint32_t step)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = offset + (i * step % count) * 256;
		wire_data_out(&wire, itt, ttt, i, at, data + at, 256, i == count - 1);
	}
}

START_TEST(data_may_come_in_any_order_when_agreed)
{
	start_in_any_order("InitialR2T=Yes");
	for (uint32_t step = 1; step < 32; step += 2) {
		memset(data, (int)step, 8192);
		uint32_t itt = wire_write(&wire, 0, 16, NULL, 0, true);
		struct iscsi_r2t r2t = wire_expect_r2t(&wire);
		send_pieces(itt, r2t.ttt, 0, 32, step);
		wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
		expect_on_disk(8192);
	}
}
END_TEST

START_TEST(an_unsolicited_burst_may_come_in_any_order)
{
	start_in_any_order("InitialR2T=No");
	uint32_t itt = wire_write(&wire, 0, 20, data, 2048, false);
	send_pieces(itt, ISCSI_NO_TAG, 2048, 24, 7);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	ck_assert_uint_eq(r2t.offset, 8192);
	wire_answer_r2t(&wire, &r2t, data);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	expect_on_disk(20 * WIRE_BLOCK);
}
END_TEST

START_TEST(a_burst_in_any_order_is_kept_while_its_write_waits_for_room)
{
	house.config.limits.session_data_max = 40000;
	start_in_any_order("InitialR2T=No");
	uint32_t first = wire_write(&wire, 64, 60, NULL, 0, true);
	uint32_t itt = wire_write(&wire, 0, 20, NULL, 0, false);
	send_pieces(itt, ISCSI_NO_TAG, 0, 32, 11);
	for (unsigned i = 0; i < 4; i++) {
		struct iscsi_r2t r2t = wire_expect_r2t(&wire);
		ck_assert_uint_eq(r2t.itt, first);
		wire_answer_r2t(&wire, &r2t, data);
	}
	wire_expect_status(&wire, first, SCSI_STATUS_GOOD);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	ck_assert_uint_eq(r2t.offset, 8192);
	wire_answer_r2t(&wire, &r2t, data);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	expect_on_disk(20 * WIRE_BLOCK);
}
END_TEST

START_TEST(sequences_may_be_answered_in_any_order)
{
	struct iscsi_r2t r2ts[4];

	start_in_any_order("InitialR2T=Yes");
	uint32_t itt = wire_write(&wire, 0, 60, NULL, 0, true);
	for (unsigned i = 0; i < 4; i++)
		r2ts[i] = wire_expect_r2t(&wire);
	for (unsigned i = 0; i < 4; i++)
		wire_answer_r2t(&wire, &r2ts[3 - i], data);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	expect_on_disk(60 * WIRE_BLOCK);
}
END_TEST

START_TEST(bytes_that_come_twice_fail_the_command)
{
	start_in_any_order("InitialR2T=Yes");
	uint32_t itt = wire_write(&wire, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	wire_data_out(&wire, itt, r2t.ttt, 0, 256, data, 512, false);
	wire_data_out(&wire, itt, r2t.ttt, 1, 0, data, 512, true);
	wire_expect_sense(&wire, itt, ABORTED, 0x0c, 0x0d);
}
END_TEST

START_TEST(a_sequence_in_any_order_must_be_whole)
{
	start_in_any_order("InitialR2T=Yes");
	uint32_t itt = wire_write(&wire, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	wire_data_out(&wire, itt, r2t.ttt, 0, 512, data, 512, true);
	wire_expect_sense(&wire, itt, ABORTED, 0x0c, 0x0d);
}
END_TEST

START_TEST(a_sequence_in_too_many_pieces_fails_the_command)
{
	house.config.policy.data_pdu_in_order = false;
	wire_house_start(&house);
	wire_open(&house, &wire);
	wire_login(&wire, "DataPDUInOrder=No", "InitialR2T=Yes", NULL);
	wire_clear_unit_attentions(&wire);
	uint32_t itt = wire_write(&wire, 0, 64, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	for (uint32_t i = 0; i < 1100; i++)
		wire_data_out(&wire, itt, r2t.ttt, i, 4 + 8 * i, data, 4, i == 1099);
	wire_expect_sense(&wire, itt, ABORTED, 0x0c, 0x0d);
}
END_TEST

START_TEST(an_unknown_task_is_rejected)
{
	start_solicited();
	wire_data_out(&wire, 4711, ISCSI_NO_TAG, 0, 0, data, 512, true);
	wire_expect_reject(&wire, ISCSI_REJECT_INVALID_PDU_FIELD);
}
END_TEST

START_TEST(a_foreign_ttt_is_rejected_and_does_no_harm)
{
	start_solicited();
	uint32_t itt = wire_write(&wire, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	wire_data_out(&wire, itt, r2t.ttt + 1, 0, 0, data + 7, 1024, true);
	wire_expect_reject(&wire, ISCSI_REJECT_INVALID_PDU_FIELD);
	wire_answer_r2t(&wire, &r2t, data);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	expect_on_disk(1024);
}
END_TEST

START_TEST(another_lun_is_rejected)
{
	uint8_t bhs[ISCSI_BHS_LEN];

	start_solicited();
	uint32_t itt = wire_write(&wire, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	struct iscsi_data_out pdu = {.final = true, .lun = {0, 1}, .itt = itt, .ttt = r2t.ttt};
	iscsi_data_out_encode(&pdu, bhs);
	wire_send(&wire, bhs, data, 1024);
	wire_expect_reject(&wire, ISCSI_REJECT_INVALID_PDU_FIELD);
}
END_TEST

START_TEST(late_data_of_an_aborted_task_is_dropped_in_silence)
{
	start_solicited();
	uint32_t itt = wire_write(&wire, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_ABORT_TASK, itt, wire.cmd_sn - 1);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_answer_r2t(&wire, &r2t, data);
	wire_expect_nothing(&wire);
}
END_TEST

/* The data is being received straight into the buffer of a task that is aborted meanwhile. */
START_TEST(an_abort_in_the_middle_of_a_data_segment_is_safe)
{
	struct wire other;
	uint8_t bhs[ISCSI_BHS_LEN];

	start_solicited();
	uint32_t itt = wire_write(&wire, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	struct iscsi_data_out pdu = {.final = true, .itt = itt, .ttt = r2t.ttt};
	iscsi_data_out_encode(&pdu, bhs);
	iscsi_bhs_set_lengths(bhs, 1024);
	wire_feed(&wire, bhs, sizeof(bhs));
	wire_feed(&wire, data, 512);

	wire_open(&house, &other);
	struct wire_login login = {.isid = {0x80, 0, 0, 0, 0, 9}};
	ck_assert_uint_eq(wire_login_with(&other, &login), ISCSI_LOGIN_SUCCESS);
	uint32_t tmf = wire_manage(&other, SCSI_TMF_LOGICAL_UNIT_RESET, ISCSI_NO_TAG, 0);
	ck_assert_uint_eq(wire_expect_managed(&other, tmf), SCSI_TMF_COMPLETE);
	wire_close(&other);

	wire_feed(&wire, data + 512, 512);
	wire_expect_nothing(&wire);
	wire_test_unit_ready(&wire);
	wire_expect(&wire, ISCSI_SCSI_RESPONSE);
}
END_TEST

START_TEST(empty_data_out_pdus_are_legal_but_not_without_end)
{
	start_solicited();
	uint32_t itt = wire_write(&wire, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	wire_data_out(&wire, itt, r2t.ttt, 0, 0, NULL, 0, false);
	wire_data_out(&wire, itt, r2t.ttt, 1, 0, data, 1024, true);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);

	itt = wire_write(&wire, 0, 2, NULL, 0, true);
	r2t = wire_expect_r2t(&wire);
	for (uint32_t i = 0; i < 100; i++)
		wire_data_out(&wire, itt, r2t.ttt, i, 0, NULL, 0, false);
	wire_expect(&wire, ISCSI_ASYNC_MESSAGE);
	wire_expect_finished(&wire);
}
END_TEST

START_TEST(a_write_that_gets_no_data_fails_in_the_end)
{
	house.config.limits.nop_interval_ms = 1000000;
	start_solicited();
	uint32_t itt = wire_write(&wire, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	wire_wait(&wire, house.config.limits.data_out_timeout_ms - 1000);
	wire_expect_nothing(&wire);
	wire_wait(&wire, 1100);
	wire_expect_sense(&wire, itt, ABORTED, 0x47, 0x05);
	wire_answer_r2t(&wire, &r2t, data);
	wire_expect_nothing(&wire);
}
END_TEST

START_TEST(data_that_comes_moves_the_timeout)
{
	house.config.limits.nop_interval_ms = 1000000;
	start_solicited();
	uint32_t itt = wire_write(&wire, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	wire_wait(&wire, 50000);
	wire_data_out(&wire, itt, r2t.ttt, 0, 0, data, 512, false);
	wire_wait(&wire, 50000);
	wire_data_out(&wire, itt, r2t.ttt, 1, 512, data + 512, 512, true);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(writes_over_the_sessions_room_wait_their_turn)
{
	house.config.limits.session_data_max = 3000;
	start_solicited();
	uint32_t first = wire_write(&wire, 0, 4, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	uint32_t second = wire_write(&wire, 0, 4, NULL, 0, true);
	uint32_t third = wire_write(&wire, 0, 2, NULL, 0, true);
	wire_expect_nothing(&wire);
	wire_answer_r2t(&wire, &r2t, data);
	wire_expect_status(&wire, first, SCSI_STATUS_GOOD);
	r2t = wire_expect_r2t(&wire);
	ck_assert_uint_eq(r2t.itt, second);
	wire_expect_nothing(&wire);
	wire_answer_r2t(&wire, &r2t, data);
	wire_expect_status(&wire, second, SCSI_STATUS_GOOD);
	r2t = wire_expect_r2t(&wire);
	ck_assert_uint_eq(r2t.itt, third);
	wire_answer_r2t(&wire, &r2t, data);
	wire_expect_status(&wire, third, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(a_write_that_waits_for_room_has_no_buffer)
{
	house.config.limits.session_data_max = 3000;
	start_solicited();
	wire_write(&wire, 0, 4, NULL, 0, true);
	uint32_t second = wire_write(&wire, 0, 4, NULL, 0, true);
	const struct iscsi_task *task = iscsi_session_find_task(house.node->sessions, second);
	ck_assert_ptr_nonnull(task);
	ck_assert_ptr_null(task->scsi.data_out);
	ck_assert_uint_eq(house.node->sessions->data_used, 2048);
}
END_TEST

START_TEST(what_a_waiting_write_brought_along_is_kept)
{
	house.config.limits.session_data_max = 4096;
	start_unsolicited();
	uint32_t first = wire_write(&wire, 32, 8, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	struct iscsi_r2t other = wire_expect_r2t(&wire);
	uint32_t second = wire_write(&wire, 0, 4, data, 300, false);
	wire_data_out(&wire, second, ISCSI_NO_TAG, 0, 300, data + 300, 724, true);
	wire_expect_nothing(&wire);
	wire_answer_r2t(&wire, &r2t, data);
	wire_answer_r2t(&wire, &other, data);
	wire_expect_status(&wire, first, SCSI_STATUS_GOOD);
	r2t = wire_expect_r2t(&wire);
	ck_assert_uint_eq(r2t.offset, 1024);
	wire_answer_r2t(&wire, &r2t, data);
	wire_expect_status(&wire, second, SCSI_STATUS_GOOD);
	expect_on_disk(2048);
	ck_assert_uint_eq(house.node->sessions->early_used, 0);
	ck_assert_uint_eq(house.node->sessions->data_used, 0);
}
END_TEST

START_TEST(unasked_data_over_half_the_room_finds_the_task_set_full)
{
	house.config.limits.session_data_max = 3000;
	start_unsolicited();
	wire_write(&wire, 32, 4, data, 1024, true);
	wire_write(&wire, 32, 4, data, 1024, true); /* waits, with what it brought */
	uint32_t refused = wire_write(&wire, 32, 4, data, 1024, true);
	wire_expect_r2t(&wire);
	wire_expect_status(&wire, refused, SCSI_STATUS_TASK_SET_FULL);
}
END_TEST

START_TEST(a_write_larger_than_the_room_still_goes_through)
{
	house.config.limits.session_data_max = 512;
	start_solicited();
	uint32_t itt = wire_write(&wire, 0, 4, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	wire_answer_r2t(&wire, &r2t, data);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(an_aborted_write_gives_its_room_to_the_next)
{
	house.config.limits.session_data_max = 2048;
	start_solicited();
	uint32_t first = wire_write(&wire, 0, 4, NULL, 0, true);
	wire_expect_r2t(&wire);
	uint32_t second = wire_write(&wire, 0, 4, NULL, 0, true);
	wire_expect_nothing(&wire);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_ABORT_TASK, first, wire.cmd_sn - 2);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	ck_assert_uint_eq(r2t.itt, second);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_answer_r2t(&wire, &r2t, data);
	wire_expect_status(&wire, second, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(a_data_digest_error_fails_the_command)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	uint8_t bytes[ISCSI_BHS_LEN + 1024 + 4] = {0};

	wire_house_start(&house);
	wire_open(&house, &wire);
	wire_login(&wire, "DataDigest=CRC32C", "InitialR2T=Yes", NULL);
	wire.data_digest = true;
	wire_clear_unit_attentions(&wire);
	uint32_t itt = wire_write(&wire, 0, 2, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	struct iscsi_data_out pdu = {.final = true, .itt = itt, .ttt = r2t.ttt};
	iscsi_data_out_encode(&pdu, bhs);
	iscsi_bhs_set_lengths(bhs, 1024);
	memcpy(bytes, bhs, sizeof(bhs));
	wire_feed(&wire, bytes, sizeof(bytes));
	wire_expect_reject(&wire, ISCSI_REJECT_DATA_DIGEST_ERROR);
	wire_expect_sense(&wire, itt, ABORTED, 0x47, 0x05);
	ck_assert_uint_eq(iscsi_node_counters(house.node).digest_errors, 1);
}
END_TEST

/* EDTL is larger than what the command takes: the rest is not asked for. */
START_TEST(only_what_the_command_takes_is_asked_for)
{
	uint8_t cdb[16];

	start_solicited();
	wire_cdb_10(cdb, 0x2a, 0, 1);
	uint32_t itt = wire_command(
		&wire, &(struct wire_command){.cdb = cdb, .write = true, .expected_len = 2048});
	struct iscsi_r2t r2t = wire_expect_r2t(&wire);
	ck_assert_uint_eq(r2t.desired_len, 512);
	wire_answer_r2t(&wire, &r2t, data);
	struct iscsi_scsi_response response = wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	ck_assert(response.residual.underflow);
	ck_assert_uint_eq(response.residual.count, 1536);
}
END_TEST

START_TEST(unsolicited_data_beyond_what_the_command_takes_is_swallowed)
{
	uint8_t cdb[16];

	start_unsolicited();
	wire_cdb_10(cdb, 0x2a, 0, 1);
	uint32_t itt = wire_command(&wire, &(struct wire_command){.cdb = cdb,
								  .write = true,
								  .not_final = true,
								  .expected_len = 1024,
								  .data = data,
								  .data_len = 256});
	wire_data_out(&wire, itt, ISCSI_NO_TAG, 0, 256, data + 256, 768, true);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	expect_on_disk(512);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_unsolicited_burst_needs_no_r2t);
	tcase_add_test(tcase, r2ts_begin_where_the_first_burst_ends);
	tcase_add_test(tcase, r2ts_keep_to_max_burst_and_max_outstanding);
	tcase_add_test(tcase, a_refused_write_gets_no_r2t);
	tcase_add_test(tcase, a_refused_write_waits_for_the_end_of_its_burst);
	tcase_add_test(tcase, data_that_nobody_wants_is_kept_and_dropped);
	tcase_add_loop_test(tcase, a_wrong_answer_to_an_r2t_fails_the_command, 0, WRONG_ANSWERS);
	tcase_add_test(tcase, a_fault_is_answered_when_every_sequence_has_ended);
	tcase_add_test(tcase, data_beyond_the_sequence_is_rejected_and_not_written);
	tcase_add_test(tcase, a_missing_f_bit_is_rejected_and_fails_the_command);
	tcase_add_test(tcase, a_dormant_write_keeps_what_comes_early);
	tcase_add_test(tcase, a_dormant_write_that_is_refused_waits_for_announced_data);
	tcase_add_test(tcase, an_unsolicited_burst_must_be_whole);
	tcase_add_test(tcase, unsolicited_data_under_initial_r2t_fails_the_command);
	tcase_add_test(tcase, unannounced_data_fails_the_command);
	tcase_add_test(tcase, data_may_come_in_any_order_when_agreed);
	tcase_add_test(tcase, an_unsolicited_burst_may_come_in_any_order);
	tcase_add_test(tcase, a_burst_in_any_order_is_kept_while_its_write_waits_for_room);
	tcase_add_test(tcase, sequences_may_be_answered_in_any_order);
	tcase_add_test(tcase, bytes_that_come_twice_fail_the_command);
	tcase_add_test(tcase, a_sequence_in_any_order_must_be_whole);
	tcase_add_test(tcase, a_sequence_in_too_many_pieces_fails_the_command);
	tcase_add_test(tcase, an_unknown_task_is_rejected);
	tcase_add_test(tcase, a_foreign_ttt_is_rejected_and_does_no_harm);
	tcase_add_test(tcase, another_lun_is_rejected);
	tcase_add_test(tcase, late_data_of_an_aborted_task_is_dropped_in_silence);
	tcase_add_test(tcase, an_abort_in_the_middle_of_a_data_segment_is_safe);
	tcase_add_test(tcase, empty_data_out_pdus_are_legal_but_not_without_end);
	tcase_add_test(tcase, a_write_that_gets_no_data_fails_in_the_end);
	tcase_add_test(tcase, data_that_comes_moves_the_timeout);
	tcase_add_test(tcase, writes_over_the_sessions_room_wait_their_turn);
	tcase_add_test(tcase, a_write_that_waits_for_room_has_no_buffer);
	tcase_add_test(tcase, what_a_waiting_write_brought_along_is_kept);
	tcase_add_test(tcase, unasked_data_over_half_the_room_finds_the_task_set_full);
	tcase_add_test(tcase, a_write_larger_than_the_room_still_goes_through);
	tcase_add_test(tcase, an_aborted_write_gives_its_room_to_the_next);
	tcase_add_test(tcase, a_data_digest_error_fails_the_command);
	tcase_add_test(tcase, only_what_the_command_takes_is_asked_for);
	tcase_add_test(tcase, unsolicited_data_beyond_what_the_command_takes_is_swallowed);
}

int main(void)
{
	return suite_run("data_out", fill);
}
