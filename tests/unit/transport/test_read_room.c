/* limits.session_read_max: what a session may hold of read data that nobody has taken. */
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/wire.h"

#define BLOCKS	16 /* of one read: 8192 bytes */
#define LEN	(BLOCKS * WIRE_BLOCK)
#define ROOM	20000 /* for two of them */
#define SCSI_OK SCSI_STATUS_GOOD

static struct wire_house house;
static struct wire wire;
static uint8_t data[8 * LEN];

static void setup(void)
{
	wire_house_init(&house);
	house.config.limits.session_read_max = ROOM;
	wire_house_start(&house);
	wire_open(&house, &wire);
	wire_login(&wire, "ImmediateData=Yes", "FirstBurstLength=262144",
		   "MaxRecvDataSegmentLength=65536", NULL);
	wire_clear_unit_attentions(&wire);
	wire_pattern(data, sizeof(data), 3);
	for (uint32_t i = 0; i < 8; i++) {
		uint32_t itt =
			wire_write(&wire, i * BLOCKS, BLOCKS, data + (size_t)i * LEN, LEN, true);
		wire_expect_status(&wire, itt, SCSI_OK);
	}
}

static void teardown(void)
{
	wire_close(&wire);
	wire_house_stop(&house);
}

/* The next PDU is the whole answer to this read. */
static void expect_read(uint32_t itt, uint32_t number)
{
	struct iscsi_data_in in;
	struct wire_pdu *pdu = wire_expect(&wire, ISCSI_DATA_IN);

	iscsi_data_in_decode(pdu->bhs, &in);
	ck_assert_uint_eq(in.itt, itt);
	ck_assert_uint_eq(pdu->data_len, LEN);
	ck_assert_mem_eq(pdu->data, data + (size_t)number * LEN, LEN);
	ck_assert(in.has_status);
	ck_assert_uint_eq(in.status, SCSI_OK);
}

START_TEST(reads_begin_as_those_before_them_are_taken)
{
	uint32_t itts[8];

	house.hold = true;
	for (uint32_t i = 0; i < 8; i++)
		itts[i] = wire_read(&wire, i * BLOCKS, BLOCKS);
	ck_assert_uint_eq(house.held_count, 2);
	wire_house_release(&house);
	/* They are answered, and nobody has taken the answers. */
	house.hold = true;
	ck_assert_uint_eq(house.held_count, 0);
	expect_read(itts[0], 0);
	ck_assert_uint_gt(house.held_count, 0);
	ck_assert_uint_le(house.held_count, 2);
	wire_house_release(&house);
	for (uint32_t i = 1; i < 8; i++)
		expect_read(itts[i], i);
	wire_expect_nothing(&wire);
}
END_TEST

START_TEST(one_alone_always_fits)
{
	uint32_t itt = wire_read(&wire, 0, 4 * BLOCKS);
	struct wire_pdu *pdu = wire_expect(&wire, ISCSI_DATA_IN);

	ck_assert_uint_eq(pdu->data_len, 4 * LEN);
	ck_assert_mem_eq(pdu->data, data, 4 * LEN);
	itt = wire_read(&wire, 0, BLOCKS);
	expect_read(itt, 0);
}
END_TEST

START_TEST(who_waits_keeps_its_turn)
{
	house.hold = true;
	uint32_t small = wire_read(&wire, 0, BLOCKS);
	uint32_t large = wire_read(&wire, 0, 2 * BLOCKS);
	uint32_t next = wire_read(&wire, BLOCKS, BLOCKS);

	ck_assert_uint_eq(house.held_count, 1); /* though the last one would fit */
	wire_house_release(&house);
	expect_read(small, 0);
	struct wire_pdu *pdu = wire_expect(&wire, ISCSI_DATA_IN);
	ck_assert_uint_eq(pdu->data_len, 2 * LEN);
	expect_read(next, 1);
	(void)large;
}
END_TEST

START_TEST(a_short_answer_waits_for_nobody)
{
	house.hold = true;
	uint32_t itts[3];
	for (uint32_t i = 0; i < 3; i++)
		itts[i] = wire_read(&wire, i * BLOCKS, BLOCKS);
	uint32_t ready = wire_test_unit_ready(&wire);

	wire_expect_status(&wire, ready, SCSI_OK);
	wire_house_release(&house);
	for (uint32_t i = 0; i < 3; i++)
		expect_read(itts[i], i);
}
END_TEST

START_TEST(who_waits_can_be_aborted)
{
	uint32_t itts[4];

	house.hold = true;
	for (uint32_t i = 0; i < 4; i++)
		itts[i] = wire_read(&wire, i * BLOCKS, BLOCKS);
	uint32_t tmf = wire_manage(&wire, SCSI_TMF_ABORT_TASK, itts[2], wire.cmd_sn - 2);
	ck_assert_uint_eq(wire_expect_managed(&wire, tmf), SCSI_TMF_COMPLETE);
	wire_house_release(&house);
	expect_read(itts[0], 0);
	expect_read(itts[1], 1);
	expect_read(itts[3], 3);
	wire_expect_nothing(&wire);
}
END_TEST

/* A reservation that came while it waited counts. */
START_TEST(it_is_checked_when_it_begins)
{
	static const uint8_t reserve[16] = {0x16};
	struct wire_login login = {.isid = {0x80, 0, 0, 0, 0, 9}};
	uint32_t itts[3];
	struct wire other;

	wire_open(&house, &other);
	ck_assert_uint_eq(wire_login_with(&other, &login), 0);
	wire_clear_unit_attentions(&other);
	house.hold = true;
	for (uint32_t i = 0; i < 3; i++)
		itts[i] = wire_read(&wire, i * BLOCKS, BLOCKS);
	uint32_t itt = wire_command(&other, &(struct wire_command){.cdb = reserve});
	wire_expect_status(&other, itt, SCSI_OK);
	wire_house_release(&house);
	expect_read(itts[0], 0);
	expect_read(itts[1], 1);
	wire_expect_status(&wire, itts[2], SCSI_STATUS_RESERVATION_CONFLICT);
	wire_close(&other);
}
END_TEST

START_TEST(a_session_ends_with_readers_that_wait)
{
	house.hold = true;
	for (uint32_t i = 0; i < 6; i++)
		wire_read(&wire, i * BLOCKS, BLOCKS);
	wire_close(&wire);
	ck_assert_uint_eq(house.held_count, 2);
	wire_house_release(&house);
	wire_open(&house, &wire);
	wire_login(&wire, NULL);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, reads_begin_as_those_before_them_are_taken);
	tcase_add_test(tcase, one_alone_always_fits);
	tcase_add_test(tcase, who_waits_keeps_its_turn);
	tcase_add_test(tcase, a_short_answer_waits_for_nobody);
	tcase_add_test(tcase, who_waits_can_be_aborted);
	tcase_add_test(tcase, it_is_checked_when_it_begins);
	tcase_add_test(tcase, a_session_ends_with_readers_that_wait);
}

int main(void)
{
	return suite_run("transport/read_room", fill);
}
