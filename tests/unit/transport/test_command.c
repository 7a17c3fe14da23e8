/* SCSI Command PDUs: what is refused, what is rejected, long CDBs, immediate data. */
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/wire.h"

static struct wire_house house;
static struct wire wire;
static uint8_t data[16 * WIRE_BLOCK];

static void setup(void)
{
	wire_house_init(&house);
	wire_pattern(data, sizeof(data), 1);
}

static void teardown(void)
{
	wire_close(&wire);
	wire_house_stop(&house);
}

static void start(const char *key)
{
	wire_house_start(&house);
	wire_open(&house, &wire);
	wire_login(&wire, key, "FirstBurstLength=1024", NULL);
	wire_clear_unit_attentions(&wire);
}

/* TEST UNIT READY with every field at choice. */
static void send(struct iscsi_scsi_command pdu)
{
	uint8_t bhs[ISCSI_BHS_LEN];

	pdu.cmd_sn = wire.cmd_sn;
	iscsi_scsi_command_encode(&pdu, bhs);
	wire_send(&wire, bhs, NULL, 0);
}

START_TEST(a_write_may_bring_all_its_data)
{
	start("ImmediateData=Yes");
	uint32_t itt = wire_write(&wire, 0, 2, data, 1024, true);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	itt = wire_read(&wire, 0, 2);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	ck_assert_mem_eq(wire.pdu.data, data, 1024);
}
END_TEST

/* What it came in is used for the next one meanwhile. */
START_TEST(a_write_that_waits_has_data_of_its_own)
{
	uint8_t others[1024];

	start("ImmediateData=Yes");
	wire_pattern(others, sizeof(others), 77);
	house.hold = true;
	uint32_t first = wire_write(&wire, 0, 2, data, 1024, true);
	uint32_t second = wire_write(&wire, 8, 2, others, 1024, true);
	wire_house_release(&house);
	wire_expect_status(&wire, first, SCSI_STATUS_GOOD);
	wire_expect_status(&wire, second, SCSI_STATUS_GOOD);
	uint32_t itt = wire_read(&wire, 0, 2);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	ck_assert_mem_eq(wire.pdu.data, data, 1024);
}
END_TEST

START_TEST(immediate_data_that_was_not_agreed_on_fails_the_command)
{
	start("ImmediateData=No");
	uint32_t itt = wire_write(&wire, 0, 2, data, 512, true);
	wire_expect_sense(&wire, itt, 0x0b, 0x0c, 0x0c);
}
END_TEST

START_TEST(immediate_data_over_the_first_burst_fails_the_command)
{
	start("ImmediateData=Yes");
	uint32_t itt = wire_write(&wire, 0, 4, data, 1536, true);
	wire_expect_sense(&wire, itt, 0x0b, 0x0c, 0x0c);
}
END_TEST

START_TEST(immediate_data_over_the_expected_length_fails_the_command)
{
	start("ImmediateData=Yes");
	uint32_t itt = wire_write(&wire, 0, 1, data, 1024, true);
	wire_expect_sense(&wire, itt, 0x0b, 0x0c, 0x0c);
}
END_TEST

START_TEST(data_with_a_read_fails_the_command)
{
	uint8_t cdb[16];

	start("ImmediateData=Yes");
	wire_cdb_10(cdb, 0x28, 0, 1);
	uint32_t itt = wire_command(&wire, &(struct wire_command){.cdb = cdb,
								  .read = true,
								  .expected_len = 512,
								  .data = data,
								  .data_len = 4});
	wire_expect_sense(&wire, itt, 0x0b, 0x0c, 0x0c);
}
END_TEST

static void send_bidirectional(const uint8_t cdb[16], uint32_t expected_out, uint32_t ahs_len)
{
	static const uint8_t ahs[8] = {0, 5, 2, 0, 0, 0, 3, 0}; /* 768 bytes to read */
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_scsi_command pdu = {.final = true,
					 .read = true,
					 .write = true,
					 .itt = 9,
					 .expected_len = expected_out,
					 .cmd_sn = wire.cmd_sn};

	memcpy(pdu.cdb, cdb, sizeof(pdu.cdb));
	iscsi_scsi_command_encode(&pdu, bhs);
	wire_send_with_ahs(&wire, bhs, ahs, ahs_len, data, 512);
}

static void expect_residuals(uint8_t status, uint32_t write_under, uint32_t read_under)
{
	struct iscsi_scsi_response response;

	iscsi_scsi_response_decode(wire_expect(&wire, ISCSI_SCSI_RESPONSE)->bhs, &response);
	ck_assert_uint_eq(response.status, status);
	ck_assert_uint_eq(response.residual.underflow, write_under > 0);
	ck_assert_uint_eq(response.residual.count, write_under);
	ck_assert_uint_eq(response.read_residual.underflow, read_under > 0);
	ck_assert_uint_eq(response.read_residual.count, read_under);
	ck_assert(!response.residual.overflow && !response.read_residual.overflow);
}

START_TEST(an_unknown_bidirectional_command_moves_nothing_either_way)
{
	static const uint8_t xdwriteread[16] = {0x53};

	start("ImmediateData=Yes");
	send_bidirectional(xdwriteread, 512, 8);
	wire.cmd_sn++;
	expect_residuals(SCSI_STATUS_CHECK_CONDITION, 512, 768);
	ck_assert_uint_eq(wire.pdu.data[2 + 12], 0x20);
	uint32_t itt = wire_test_unit_ready(&wire);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
}
END_TEST

/* Each direction has its own expected length and its own residual (RFC 7143 11.4.5). */
START_TEST(a_command_of_one_direction_leaves_the_other_as_residual)
{
	uint8_t cdb[16];

	start("ImmediateData=Yes");
	wire_cdb_10(cdb, 0x28, 0, 1);
	send_bidirectional(cdb, 512, 8);
	wire.cmd_sn++;
	struct iscsi_data_in in;
	iscsi_data_in_decode(wire_expect(&wire, ISCSI_DATA_IN)->bhs, &in);
	ck_assert_uint_eq(wire.pdu.data_len, 512);
	ck_assert(in.final && !in.has_status); /* RFC 7143 11.7.3: never with the data */
	expect_residuals(SCSI_STATUS_GOOD, 512, 256);

	wire_cdb_10(cdb, 0x2a, 0, 1);
	send_bidirectional(cdb, 1024, 8);
	wire.cmd_sn++;
	expect_residuals(SCSI_STATUS_GOOD, 512, 768);
}
END_TEST

START_TEST(a_bidirectional_command_without_a_read_length_is_rejected)
{
	start("ImmediateData=Yes");
	send_bidirectional((const uint8_t[16]){0x53}, 512, 0);
	wire_expect_reject(&wire, ISCSI_REJECT_INVALID_PDU_FIELD);
}
END_TEST

START_TEST(a_command_that_is_neither_final_nor_writes_is_rejected)
{
	start("ImmediateData=Yes");
	send((struct iscsi_scsi_command){.itt = 7, .read = true, .expected_len = 512});
	wire_expect_reject(&wire, ISCSI_REJECT_INVALID_PDU_FIELD);
}
END_TEST

START_TEST(the_reserved_tag_is_rejected)
{
	start("ImmediateData=Yes");
	send((struct iscsi_scsi_command){.itt = ISCSI_NO_TAG, .final = true});
	wire_expect_reject(&wire, ISCSI_REJECT_INVALID_PDU_FIELD);
}
END_TEST

START_TEST(a_reserved_attribute_is_rejected)
{
	start("ImmediateData=Yes");
	send((struct iscsi_scsi_command){.itt = 7, .final = true, .attribute = 5});
	wire_expect_reject(&wire, ISCSI_REJECT_INVALID_PDU_FIELD);
}
END_TEST

START_TEST(a_tag_in_use_is_rejected)
{
	start("ImmediateData=Yes");
	house.hold = true;
	uint32_t itt = wire_read(&wire, 0, 1);
	send((struct iscsi_scsi_command){.itt = itt, .final = true});
	wire_expect_reject(&wire, ISCSI_REJECT_TASK_IN_PROGRESS);
	wire_house_release(&house);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	/* The rejected command has not used up its CmdSN (RFC 7143 7.3). */
	send((struct iscsi_scsi_command){.itt = itt, .final = true});
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(immediate_commands_have_a_limit)
{
	uint8_t cdb[16];

	house.config.limits.immediate_max = 2;
	start("ImmediateData=Yes");
	house.hold = true;
	wire_cdb_10(cdb, 0x28, 0, 1);
	struct wire_command command = {
		.cdb = cdb, .read = true, .expected_len = 512, .immediate = true};
	uint32_t first = wire_command(&wire, &command);
	uint32_t second = wire_command(&wire, &command);
	wire_command(&wire, &command);
	wire_expect_reject(&wire, ISCSI_REJECT_TOO_MANY_IMMEDIATE);
	wire_house_release(&house);
	wire_expect_status(&wire, first, SCSI_STATUS_GOOD);
	wire_expect_status(&wire, second, SCSI_STATUS_GOOD);
	uint32_t third = wire_command(&wire, &command);
	wire_expect_status(&wire, third, SCSI_STATUS_GOOD);
}
END_TEST

/* Bytes 16.. travel in an AHS; the device server sees the real length, and knows no such command.
 */
START_TEST(a_long_cdb_is_taken_apart)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	uint8_t ahs[20] = {0, 17, 1, 0, 0x11};
	struct iscsi_scsi_command pdu = {.final = true, .itt = 9, .cdb = {0x7f, [7] = 24}};

	start("ImmediateData=Yes");
	pdu.cmd_sn = wire.cmd_sn;
	iscsi_scsi_command_encode(&pdu, bhs);
	wire_send_with_ahs(&wire, bhs, ahs, sizeof(ahs), NULL, 0);
	wire_expect_sense(&wire, 9, 0x05, 0x20, 0x00);
}
END_TEST

START_TEST(a_malformed_ahs_is_rejected_with_the_whole_header)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	uint8_t ahs[4] = {0xff, 0xff, 1, 0};
	struct iscsi_scsi_command pdu = {.final = true, .itt = 9};

	start("ImmediateData=Yes");
	pdu.cmd_sn = wire.cmd_sn;
	iscsi_scsi_command_encode(&pdu, bhs);
	wire_send_with_ahs(&wire, bhs, ahs, sizeof(ahs), NULL, 0);
	wire_expect_reject(&wire, ISCSI_REJECT_INVALID_PDU_FIELD);
	ck_assert_uint_eq(wire.pdu.data_len, ISCSI_BHS_LEN + sizeof(ahs));
	ck_assert_mem_eq(wire.pdu.data + ISCSI_BHS_LEN, ahs, sizeof(ahs));
}
END_TEST

START_TEST(a_length_without_direction_is_ignored_unless_strict)
{
	start("ImmediateData=Yes");
	send((struct iscsi_scsi_command){.itt = 7, .final = true, .expected_len = 99});
	wire.cmd_sn++;
	struct iscsi_scsi_response response = wire_expect_status(&wire, 7, SCSI_STATUS_GOOD);
	ck_assert(!response.residual.underflow);
}
END_TEST

START_TEST(a_length_without_direction_is_rejected_when_strict)
{
	house.config.policy.strict = true;
	start("ImmediateData=Yes");
	send((struct iscsi_scsi_command){.itt = 7, .final = true, .expected_len = 99});
	wire_expect_reject(&wire, ISCSI_REJECT_INVALID_PDU_FIELD);
}
END_TEST

START_TEST(a_lun_that_is_not_there_is_told_so)
{
	uint8_t cdb[16] = {0};

	start("ImmediateData=Yes");
	uint32_t itt = wire_command(&wire, &(struct wire_command){.cdb = cdb, .lun = 200});
	wire_expect_sense(&wire, itt, 0x05, 0x25, 0x00);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_write_may_bring_all_its_data);
	tcase_add_test(tcase, a_write_that_waits_has_data_of_its_own);
	tcase_add_test(tcase, immediate_data_that_was_not_agreed_on_fails_the_command);
	tcase_add_test(tcase, immediate_data_over_the_first_burst_fails_the_command);
	tcase_add_test(tcase, immediate_data_over_the_expected_length_fails_the_command);
	tcase_add_test(tcase, data_with_a_read_fails_the_command);
	tcase_add_test(tcase, an_unknown_bidirectional_command_moves_nothing_either_way);
	tcase_add_test(tcase, a_command_of_one_direction_leaves_the_other_as_residual);
	tcase_add_test(tcase, a_bidirectional_command_without_a_read_length_is_rejected);
	tcase_add_test(tcase, a_command_that_is_neither_final_nor_writes_is_rejected);
	tcase_add_test(tcase, the_reserved_tag_is_rejected);
	tcase_add_test(tcase, a_reserved_attribute_is_rejected);
	tcase_add_test(tcase, a_tag_in_use_is_rejected);
	tcase_add_test(tcase, immediate_commands_have_a_limit);
	tcase_add_test(tcase, a_long_cdb_is_taken_apart);
	tcase_add_test(tcase, a_malformed_ahs_is_rejected_with_the_whole_header);
	tcase_add_test(tcase, a_length_without_direction_is_ignored_unless_strict);
	tcase_add_test(tcase, a_length_without_direction_is_rejected_when_strict);
	tcase_add_test(tcase, a_lun_that_is_not_there_is_told_so);
}

int main(void)
{
	return suite_run("command", fill);
}
