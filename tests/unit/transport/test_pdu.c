/*
 * Header layouts of RFC 7143 11: each field at its offset, each type through both directions.
 */
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "transport/pdu.h"

/* A header with a different value in each byte, so that a field read from elsewhere shows. */
static void fill_distinct(uint8_t *bhs, uint8_t opcode)
{
	for (unsigned i = 0; i < ISCSI_BHS_LEN; i++)
		bhs[i] = (uint8_t)(0x81 + i);
	bhs[0] = opcode;
}

/* What fill_distinct puts at an offset. */
static uint32_t distinct32(unsigned offset)
{
	uint8_t bytes[4];

	for (unsigned i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(0x81 + offset + i);
	return get_be32(bytes);
}

static uint16_t distinct16(unsigned offset)
{
	return (uint16_t)(distinct32(offset) >> 16);
}

START_TEST(common_fields_are_where_the_rfc_has_them)
{
	uint8_t raw[ISCSI_BHS_LEN];
	struct iscsi_bhs bhs;

	fill_distinct(raw, 0xc3);
	iscsi_bhs_decode(raw, &bhs);
	ck_assert_uint_eq(bhs.opcode, ISCSI_LOGIN_REQUEST);
	ck_assert(bhs.immediate);
	ck_assert_uint_eq(bhs.flags, 0x82);
	ck_assert_uint_eq(bhs.ahs_len_words, 0x85);
	ck_assert_uint_eq(bhs.data_len, distinct32(5) >> 8);
	ck_assert_mem_eq(bhs.lun, raw + 8, 8);
	ck_assert_uint_eq(bhs.itt, distinct32(16));
}
END_TEST

START_TEST(set_lengths_writes_24_bits_and_no_ahs)
{
	uint8_t raw[ISCSI_BHS_LEN];

	memset(raw, 0xff, sizeof(raw));
	iscsi_bhs_set_lengths(raw, 0x010203);
	ck_assert_mem_eq(raw + 4, "\x00\x01\x02\x03\xff", 5);
}
END_TEST

START_TEST(padding_reaches_the_next_word)
{
	ck_assert_uint_eq(iscsi_pad(0), 0);
	ck_assert_uint_eq(iscsi_pad(1), 3);
	ck_assert_uint_eq(iscsi_pad(3), 1);
	ck_assert_uint_eq(iscsi_pad(4), 0);
	ck_assert_uint_eq(iscsi_pad(0xffffff), 1);
}
END_TEST

START_TEST(sequence_numbers_wrap)
{
	ck_assert(iscsi_sn_before(1, 2));
	ck_assert(iscsi_sn_before(0xffffffff, 0));
	ck_assert(!iscsi_sn_before(0, 0xffffffff));
	ck_assert(!iscsi_sn_before(7, 7));
}
END_TEST

START_TEST(opcodes_have_names)
{
	ck_assert_str_eq(iscsi_opcode_name(ISCSI_SCSI_COMMAND), "SCSI Command");
	ck_assert_str_eq(iscsi_opcode_name(ISCSI_REJECT), "Reject");
	ck_assert_str_eq(iscsi_opcode_name(0x07), "unassigned");
	ck_assert_str_eq(iscsi_opcode_name(0x1000), "unassigned");
}
END_TEST

/* The READ(10) of RFC 7143's digest example. */
START_TEST(the_rfcs_sample_command_is_understood)
{
	static const uint8_t raw[ISCSI_BHS_LEN] = {
		0x01,	     0xc0,	  [16] = 0x14, [22] = 0x04,
		[27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02};
	struct iscsi_scsi_command command;
	uint8_t again[ISCSI_BHS_LEN];

	iscsi_scsi_command_decode(raw, &command);
	ck_assert(command.final && command.read && !command.write && !command.immediate);
	ck_assert_uint_eq(command.attribute, 0);
	ck_assert_uint_eq(command.itt, 0x14000000);
	ck_assert_uint_eq(command.expected_len, 0x400);
	ck_assert_uint_eq(command.cmd_sn, 0x14);
	ck_assert_uint_eq(command.exp_stat_sn, 0x18);
	ck_assert_uint_eq(command.cdb[0], 0x28);
	iscsi_scsi_command_encode(&command, again);
	ck_assert_mem_eq(again, raw, sizeof(raw));
}
END_TEST

START_TEST(scsi_command_flags)
{
	uint8_t raw[ISCSI_BHS_LEN] = {0x41, 0x20 | 0x18 | 0x05};
	struct iscsi_scsi_command command;

	iscsi_scsi_command_decode(raw, &command);
	ck_assert(command.immediate && command.write && !command.read && !command.final);
	ck_assert_uint_eq(command.attribute, 5);
}
END_TEST

START_TEST(task_management_request_fields)
{
	uint8_t raw[ISCSI_BHS_LEN];
	struct iscsi_task_management_request pdu;

	fill_distinct(raw, 0x42);
	iscsi_task_management_request_decode(raw, &pdu);
	ck_assert(pdu.immediate);
	ck_assert_uint_eq(pdu.function, 0x02);
	ck_assert_uint_eq(pdu.itt, distinct32(16));
	ck_assert_uint_eq(pdu.referenced_tag, distinct32(20));
	ck_assert_uint_eq(pdu.cmd_sn, distinct32(24));
	ck_assert_uint_eq(pdu.exp_stat_sn, distinct32(28));
	ck_assert_uint_eq(pdu.ref_cmd_sn, distinct32(32));
	ck_assert_uint_eq(pdu.exp_data_sn, distinct32(36));
}
END_TEST

START_TEST(login_request_fields)
{
	uint8_t raw[ISCSI_BHS_LEN];
	struct iscsi_login_request pdu;

	fill_distinct(raw, 0x43);
	raw[1] = 0x80 | 0x04 | 0x03;
	iscsi_login_request_decode(raw, &pdu);
	ck_assert(pdu.transit && !pdu.cont);
	ck_assert_uint_eq(pdu.csg, 1);
	ck_assert_uint_eq(pdu.nsg, 3);
	ck_assert_uint_eq(pdu.version_max, 0x83);
	ck_assert_uint_eq(pdu.version_min, 0x84);
	ck_assert_mem_eq(pdu.isid, raw + 8, 6);
	ck_assert_uint_eq(pdu.tsih, distinct16(14));
	ck_assert_uint_eq(pdu.itt, distinct32(16));
	ck_assert_uint_eq(pdu.cid, distinct16(20));
	ck_assert_uint_eq(pdu.cmd_sn, distinct32(24));
	ck_assert_uint_eq(pdu.exp_stat_sn, distinct32(28));
	raw[1] = 0x40;
	iscsi_login_request_decode(raw, &pdu);
	ck_assert(!pdu.transit && pdu.cont);
}
END_TEST

START_TEST(data_out_fields)
{
	uint8_t raw[ISCSI_BHS_LEN];
	struct iscsi_data_out pdu;

	fill_distinct(raw, 0x05);
	iscsi_data_out_decode(raw, &pdu);
	ck_assert(pdu.final);
	ck_assert_uint_eq(pdu.ttt, distinct32(20));
	ck_assert_uint_eq(pdu.exp_stat_sn, distinct32(28));
	ck_assert_uint_eq(pdu.data_sn, distinct32(36));
	ck_assert_uint_eq(pdu.offset, distinct32(40));
}
END_TEST

START_TEST(small_requests_have_their_fields)
{
	uint8_t raw[ISCSI_BHS_LEN];
	struct iscsi_text_request text;
	struct iscsi_logout_request logout;
	struct iscsi_snack_request snack;
	struct iscsi_nop_out nop;

	fill_distinct(raw, 0x44);
	raw[1] = 0xc0;
	iscsi_text_request_decode(raw, &text);
	ck_assert(text.immediate && text.final && text.cont);
	ck_assert_uint_eq(text.ttt, distinct32(20));
	ck_assert_uint_eq(text.cmd_sn, distinct32(24));
	raw[1] = 0x82;
	iscsi_logout_request_decode(raw, &logout);
	ck_assert_uint_eq(logout.reason, 2);
	ck_assert_uint_eq(logout.cid, distinct16(20));
	iscsi_snack_request_decode(raw, &snack);
	ck_assert_uint_eq(snack.type, 2);
	ck_assert_uint_eq(snack.beg_run, distinct32(40));
	ck_assert_uint_eq(snack.run_len, distinct32(44));
	iscsi_nop_out_decode(raw, &nop);
	ck_assert_uint_eq(nop.ttt, distinct32(20));
	ck_assert_uint_eq(nop.exp_stat_sn, distinct32(28));
}
END_TEST

/*
 * Each request type: bytes with all its meaningful bits set survive decode and encode, and reserved
 * bits do not. `meaning` marks, for each byte, the bits that the RFC gives a meaning.
 */
#define ALL4  0xff, 0xff, 0xff, 0xff
#define NONE4 0, 0, 0, 0

typedef void (*recode)(const uint8_t *from, uint8_t *to);

#define RECODE(type)                                                \
	static void recode_##type(const uint8_t *from, uint8_t *to) \
	{                                                           \
		struct iscsi_##type pdu;                            \
		iscsi_##type##_decode(from, &pdu);                  \
		iscsi_##type##_encode(&pdu, to);                    \
	}
RECODE(scsi_command)
RECODE(task_management_request)
RECODE(login_request)
RECODE(text_request)
RECODE(data_out)
RECODE(logout_request)
RECODE(snack_request)
RECODE(nop_out)
RECODE(scsi_response)
RECODE(task_management_response)
RECODE(login_response)
RECODE(text_response)
RECODE(data_in)
RECODE(logout_response)
RECODE(r2t)
RECODE(async_message)
RECODE(nop_in)
RECODE(reject)

static const struct {
	const char *name;
	recode recode;
	uint8_t byte0, set1; /* the first byte; bits of the second that are always 1 */
	uint8_t meaning[ISCSI_BHS_LEN];
} layouts[] = {
	{"SCSI Command",
	 recode_scsi_command,
	 0x41,
	 0,
	 {0x7f, 0xe7, 0, 0, NONE4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4}},
	{"TMF Request",
	 recode_task_management_request,
	 0x42,
	 0x80,
	 {0x7f, 0xff, 0, 0, NONE4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4}},
	{"Login Request",
	 recode_login_request,
	 0x43,
	 0,
	 {0x7f, 0xcf, 0xff, 0xff, NONE4, ALL4, ALL4, ALL4, 0xff, 0xff, 0, 0, ALL4, ALL4}},
	{"Text Request",
	 recode_text_request,
	 0x44,
	 0,
	 {0x7f, 0xc0, 0, 0, NONE4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4}},
	{"Data-Out",
	 recode_data_out,
	 0x05,
	 0,
	 {0x3f, 0x80, 0, 0, NONE4, ALL4, ALL4, ALL4, ALL4, NONE4, ALL4, NONE4, ALL4, ALL4}},
	{"Logout Request",
	 recode_logout_request,
	 0x46,
	 0x80,
	 {0x7f, 0xff, 0, 0, NONE4, NONE4, NONE4, ALL4, 0xff, 0xff, 0, 0, ALL4, ALL4}},
	{"SNACK Request",
	 recode_snack_request,
	 0x10,
	 0x80,
	 {0x3f, 0x8f, 0, 0, NONE4, ALL4, ALL4, ALL4, ALL4, NONE4, ALL4, NONE4, NONE4, ALL4, ALL4}},
	{"NOP-Out",
	 recode_nop_out,
	 0x40,
	 0x80,
	 {0x7f, 0x80, 0, 0, NONE4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4}},
	{"SCSI Response",
	 recode_scsi_response,
	 0x21,
	 0x80,
	 {0x3f, 0x9e, 0xff, 0xff, NONE4, NONE4, NONE4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4,
	  ALL4}},
	{"TMF Response",
	 recode_task_management_response,
	 0x22,
	 0x80,
	 {0x3f, 0x80, 0xff, 0, NONE4, 0xff, 0xff, 0xff, 0, NONE4, ALL4, NONE4, ALL4, ALL4, ALL4}},
	{"Login Response",
	 recode_login_response,
	 0x23,
	 0,
	 {0x3f, 0xcf, 0xff, 0xff, NONE4, ALL4, ALL4, ALL4, NONE4, ALL4, ALL4, ALL4, 0xff, 0xff}},
	{"Text Response",
	 recode_text_response,
	 0x24,
	 0,
	 {0x3f, 0xc0, 0, 0, NONE4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4}},
	{"Data-In",
	 recode_data_in,
	 0x25,
	 0,
	 {0x3f, 0xc7, 0, 0xff, NONE4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4}},
	{"Logout Response",
	 recode_logout_response,
	 0x26,
	 0x80,
	 {0x3f, 0x80, 0xff, 0, NONE4, NONE4, NONE4, ALL4, NONE4, ALL4, ALL4, ALL4, NONE4, ALL4}},
	{"R2T",
	 recode_r2t,
	 0x31,
	 0x80,
	 {0x3f, 0x80, 0, 0, NONE4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4}},
	{"Async Message",
	 recode_async_message,
	 0x32,
	 0x80,
	 {0x3f, 0x80, 0, 0, NONE4, ALL4, ALL4, ALL4, NONE4, ALL4, ALL4, ALL4, ALL4, ALL4}},
	{"NOP-In",
	 recode_nop_in,
	 0x20,
	 0x80,
	 {0x3f, 0x80, 0, 0, NONE4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4, ALL4}},
	{"Reject",
	 recode_reject,
	 0x3f,
	 0x80,
	 {0x3f, 0x80, 0xff, 0, NONE4, NONE4, NONE4, ALL4, NONE4, ALL4, ALL4, ALL4, ALL4}},
};

START_TEST(fields_survive_and_reserved_bits_do_not)
{
	uint8_t in[ISCSI_BHS_LEN], out[ISCSI_BHS_LEN], want[ISCSI_BHS_LEN];

	/* The tag of an Async Message and of a Reject is always "none". */
	for (unsigned i = 0; i < ISCSI_BHS_LEN; i++) {
		in[i] = i >= 16 && i < 20 ? 0xff : (uint8_t)(0x81 + 7 * i);
		in[i] |= i == 1 ? 0xff : 0; /* all flags */
	}
	in[0] = layouts[_i].byte0;
	for (unsigned i = 0; i < ISCSI_BHS_LEN; i++)
		want[i] = in[i] & layouts[_i].meaning[i];
	want[1] |= layouts[_i].set1;
	memset(out, 0x5a, sizeof(out));
	layouts[_i].recode(in, out);
	for (unsigned i = 0; i < ISCSI_BHS_LEN; i++)
		ck_assert_msg(out[i] == want[i], "%s byte %u: %02x, not %02x", layouts[_i].name, i,
			      out[i], want[i]);
}
END_TEST

START_TEST(data_in_without_status_and_acknowledge_leaves_their_fields_out)
{
	struct iscsi_data_in pdu = {
		.final = true,
		.status = 2,
		.lun = {1, 2, 3, 4, 5, 6, 7, 8},
		.itt = 5,
		.ttt = 6,
		.data_sn = 7,
		.offset = 8,
		.residual = {.overflow = true, .count = 9},
		.sns = {.stat_sn = 10, .exp_cmd_sn = 11, .max_cmd_sn = 12},
	};
	uint8_t bhs[ISCSI_BHS_LEN];
	static const uint8_t zeros[8];

	iscsi_data_in_encode(&pdu, bhs);
	ck_assert_uint_eq(bhs[1], 0x80);
	ck_assert_uint_eq(bhs[3], 0);
	ck_assert_mem_eq(bhs + 8, zeros, 8);
	ck_assert_uint_eq(get_be32(bhs + 20), ISCSI_NO_TAG);
	ck_assert_uint_eq(get_be32(bhs + 24), 0);
	ck_assert_uint_eq(get_be32(bhs + 28), 11);
	ck_assert_uint_eq(get_be32(bhs + 32), 12);
	ck_assert_uint_eq(get_be32(bhs + 44), 0);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, common_fields_are_where_the_rfc_has_them);
	tcase_add_test(tcase, set_lengths_writes_24_bits_and_no_ahs);
	tcase_add_test(tcase, padding_reaches_the_next_word);
	tcase_add_test(tcase, sequence_numbers_wrap);
	tcase_add_test(tcase, opcodes_have_names);
	tcase_add_test(tcase, the_rfcs_sample_command_is_understood);
	tcase_add_test(tcase, scsi_command_flags);
	tcase_add_test(tcase, task_management_request_fields);
	tcase_add_test(tcase, login_request_fields);
	tcase_add_test(tcase, data_out_fields);
	tcase_add_test(tcase, small_requests_have_their_fields);
	tcase_add_loop_test(tcase, fields_survive_and_reserved_bits_do_not, 0,
			    (int)(sizeof(layouts) / sizeof(layouts[0])));
	tcase_add_test(tcase, data_in_without_status_and_acknowledge_leaves_their_fields_out);
}

int main(void)
{
	return suite_run("transport/pdu", fill);
}
