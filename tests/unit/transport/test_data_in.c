/* Read data: segments and bursts, phase collapse, SCSI Response, residuals. */
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "tests/support/wire.h"

static struct wire_house house;
static struct wire wire;
static uint8_t data[64 * WIRE_BLOCK];

static void setup(void)
{
	wire_house_init(&house);
	wire_house_start(&house);
	wire_open(&house, &wire);
	wire_pattern(data, sizeof(data), 5);
}

static void teardown(void)
{
	wire_close(&wire);
	wire_house_stop(&house);
}

static void start(const char *segment, const char *burst)
{
	wire_login(&wire, segment, burst, "FirstBurstLength=512", NULL);
	wire_clear_unit_attentions(&wire);
}

/* A command with any direction, length and CDB. */
static uint32_t send(bool read, bool write, uint32_t expected_len, uint8_t opcode, uint16_t blocks)
{
	uint8_t cdb[16];

	wire_cdb_10(cdb, opcode, 0, blocks);
	return wire_command(&wire, &(struct wire_command){
					   .cdb = cdb,
					   .read = read,
					   .write = write,
					   .expected_len = expected_len,
				   });
}

static struct iscsi_data_in expect_data_in(uint32_t len)
{
	struct iscsi_data_in in;
	struct wire_pdu *pdu = wire_expect(&wire, ISCSI_DATA_IN);

	iscsi_data_in_decode(pdu->bhs, &in);
	ck_assert_uint_eq(pdu->data_len, len);
	ck_assert(!in.acknowledge);
	ck_assert_uint_eq(in.ttt, ISCSI_NO_TAG);
	return in;
}

START_TEST(a_read_is_split_by_segment_and_burst)
{
	start("MaxRecvDataSegmentLength=1000", "MaxBurstLength=2500");
	wire_read(&wire, 0, 12); /* 6144 bytes: bursts of 2500, 2500, 1144 */
	static const struct {
		uint32_t offset, len;
		bool final;
	} expected[] = {{0, 1000, false},    {1000, 1000, false}, {2000, 500, true},
			{2500, 1000, false}, {3500, 1000, false}, {4500, 500, true},
			{5000, 1000, false}, {6000, 144, true}};
	for (uint32_t i = 0; i < 8; i++) {
		struct iscsi_data_in in = expect_data_in(expected[i].len);
		ck_assert_uint_eq(in.offset, expected[i].offset);
		ck_assert_uint_eq(in.data_sn, i);
		ck_assert_int_eq(in.final, expected[i].final);
		ck_assert_int_eq(in.has_status, i == 7);
	}
	wire_expect_nothing(&wire);
}
END_TEST

START_TEST(a_segment_length_that_is_no_multiple_of_four_is_rounded_down)
{
	start("MaxRecvDataSegmentLength=515", "MaxBurstLength=2048");
	wire_read(&wire, 0, 2);
	expect_data_in(512);
	ck_assert(expect_data_in(512).has_status);
}
END_TEST

START_TEST(good_status_travels_with_the_last_data)
{
	start("MaxRecvDataSegmentLength=8192", "MaxBurstLength=8192");
	wire_read(&wire, 0, 1);
	struct iscsi_data_in in = expect_data_in(512);
	ck_assert(in.has_status && in.final);
	ck_assert_uint_eq(in.status, SCSI_STATUS_GOOD);
	ck_assert(!in.residual.overflow && !in.residual.underflow);
	ck_assert_uint_eq(in.residual.count, 0);
	wire_expect_nothing(&wire);
}
END_TEST

START_TEST(small_iovec_arrays_send_the_same_bytes)
{
	wire.iovecs = 3;
	start("MaxRecvDataSegmentLength=512", "MaxBurstLength=1024");
	wire_read(&wire, 0, 4);
	for (unsigned i = 0; i < 4; i++)
		expect_data_in(512);
	wire_expect_nothing(&wire);
}
END_TEST

START_TEST(no_data_means_a_plain_response)
{
	start("MaxRecvDataSegmentLength=8192", "MaxBurstLength=8192");
	uint32_t itt = wire_test_unit_ready(&wire);
	struct iscsi_scsi_response response = wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(wire.pdu.opcode, ISCSI_SCSI_RESPONSE);
	ck_assert_uint_eq(response.exp_data_sn, 0);
	ck_assert_uint_eq(wire.pdu.data_len, 0);
}
END_TEST

START_TEST(sense_comes_with_its_length)
{
	start("MaxRecvDataSegmentLength=8192", "MaxBurstLength=8192");
	uint32_t itt = send(true, false, 512, 0x28, 0xffff); /* beyond the end */
	(void)itt;
	struct wire_pdu *pdu = wire_expect(&wire, ISCSI_SCSI_RESPONSE);
	ck_assert_uint_ge(pdu->data_len, 20);
	ck_assert_uint_eq(get_be16(pdu->data), pdu->data_len - 2);
	ck_assert_uint_eq(pdu->data[2] & 0x7f, 0x70);
}
END_TEST

/* --- residuals (RFC 7143 11.4.5) ---------------------------------------------------------------
 */

static void expect_residual(const struct iscsi_residual *residual, bool overflow, bool underflow,
			    uint32_t count)
{
	ck_assert_int_eq(residual->overflow, overflow);
	ck_assert_int_eq(residual->underflow, underflow);
	ck_assert_uint_eq(residual->count, count);
}

START_TEST(reading_less_than_the_cdb_says_overflows)
{
	start("MaxRecvDataSegmentLength=8192", "MaxBurstLength=8192");
	send(true, false, 200, 0x28, 1);
	struct iscsi_data_in in = expect_data_in(200);
	ck_assert(in.has_status);
	expect_residual(&in.residual, true, false, 312);
}
END_TEST

START_TEST(expecting_more_than_the_cdb_says_underflows)
{
	start("MaxRecvDataSegmentLength=8192", "MaxBurstLength=8192");
	send(true, false, 1024, 0x28, 1);
	struct iscsi_data_in in = expect_data_in(512);
	expect_residual(&in.residual, false, true, 512);
}
END_TEST

START_TEST(a_read_that_expects_nothing_overflows_without_data)
{
	start("MaxRecvDataSegmentLength=8192", "MaxBurstLength=8192");
	uint32_t itt = send(false, false, 0, 0x28, 1);
	struct iscsi_scsi_response response = wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	expect_residual(&response.residual, true, false, 512);
}
END_TEST

START_TEST(an_allocation_length_is_no_overflow)
{
	uint8_t cdb[16] = {0x12, 0, 0, 0, 36};

	start("MaxRecvDataSegmentLength=8192", "MaxBurstLength=8192");
	wire_command(&wire, &(struct wire_command){.cdb = cdb, .read = true, .expected_len = 36});
	struct iscsi_data_in in = expect_data_in(36);
	expect_residual(&in.residual, false, false, 0);
}
END_TEST

START_TEST(a_command_that_moves_nothing_underflows_by_all)
{
	start("MaxRecvDataSegmentLength=8192", "MaxBurstLength=8192");
	uint32_t itt = send(true, false, 777, 0x00, 0);
	struct iscsi_scsi_response response = wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	expect_residual(&response.residual, false, true, 777);
}
END_TEST

START_TEST(a_failed_command_underflows_by_what_did_not_move)
{
	start("MaxRecvDataSegmentLength=8192", "MaxBurstLength=8192");
	uint32_t itt = send(true, false, 512, 0xff, 0);
	struct iscsi_scsi_response response =
		wire_expect_status(&wire, itt, SCSI_STATUS_CHECK_CONDITION);
	expect_residual(&response.residual, false, true, 512);
}
END_TEST

/* A CDB that reads, sent as a write: none of the announced data moves. */
START_TEST(the_wrong_direction_moves_nothing)
{
	start("MaxRecvDataSegmentLength=8192", "MaxBurstLength=8192");
	uint32_t itt = send(false, true, 512, 0x28, 1);
	struct wire_pdu *pdu = wire_expect(&wire, ISCSI_SCSI_RESPONSE);
	struct iscsi_scsi_response response;
	iscsi_scsi_response_decode(pdu->bhs, &response);
	ck_assert_uint_eq(response.itt, itt);
	expect_residual(&response.residual, false, true, 512);
}
END_TEST

START_TEST(status_order_is_the_order_of_ending)
{
	start("MaxRecvDataSegmentLength=8192", "MaxBurstLength=8192");
	house.hold = true;
	uint32_t slow = wire_read(&wire, 0, 1);
	uint32_t fast = wire_test_unit_ready(&wire);
	wire_expect_status(&wire, fast, SCSI_STATUS_GOOD);
	wire_house_release(&house);
	wire_expect_status(&wire, slow, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(an_asynchronous_end_wakes_the_host)
{
	start("MaxRecvDataSegmentLength=8192", "MaxBurstLength=8192");
	house.hold = true;
	wire_read(&wire, 0, 1);
	unsigned wakes = wire.wakes;
	wire_house_release(&house);
	ck_assert_uint_gt(wire.wakes, wakes);
	wakes = wire.wakes;
	wire_test_unit_ready(&wire); /* ends while its PDU is being taken: no wake */
	ck_assert_uint_eq(wire.wakes, wakes);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_read_is_split_by_segment_and_burst);
	tcase_add_test(tcase, a_segment_length_that_is_no_multiple_of_four_is_rounded_down);
	tcase_add_test(tcase, good_status_travels_with_the_last_data);
	tcase_add_test(tcase, small_iovec_arrays_send_the_same_bytes);
	tcase_add_test(tcase, no_data_means_a_plain_response);
	tcase_add_test(tcase, sense_comes_with_its_length);
	tcase_add_test(tcase, reading_less_than_the_cdb_says_overflows);
	tcase_add_test(tcase, expecting_more_than_the_cdb_says_underflows);
	tcase_add_test(tcase, a_read_that_expects_nothing_overflows_without_data);
	tcase_add_test(tcase, an_allocation_length_is_no_overflow);
	tcase_add_test(tcase, a_command_that_moves_nothing_underflows_by_all);
	tcase_add_test(tcase, a_failed_command_underflows_by_what_did_not_move);
	tcase_add_test(tcase, the_wrong_direction_moves_nothing);
	tcase_add_test(tcase, status_order_is_the_order_of_ending);
	tcase_add_test(tcase, an_asynchronous_end_wakes_the_host);
}

int main(void)
{
	return suite_run("data_in", fill);
}
