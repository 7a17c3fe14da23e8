/* Header fields by name are where the structs of pdu.h have them. */
#include <string.h>

#include "tests/support/suite.h"
#include "transport/pdu_fields.h"

static uint64_t get(const uint8_t *bhs, const char *name)
{
	const struct iscsi_pdu_field *field = iscsi_pdu_field_find(bhs[0], name);

	ck_assert_msg(field, "no field %s", name);
	return iscsi_pdu_field_get(field, bhs);
}

START_TEST(fields_of_responses_agree_with_the_encoders)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	const struct iscsi_sns sns = {0x11223344, 0x55667788, 0x99aabbcc};
	struct iscsi_data_in in = {.final = true,
				   .has_status = true,
				   .status = 8,
				   .itt = 1,
				   .data_sn = 2,
				   .offset = 3,
				   .residual = {.overflow = true, .count = 4},
				   .sns = sns};
	struct iscsi_r2t r2t = {
		.itt = 5, .ttt = 6, .r2t_sn = 7, .offset = 8, .desired_len = 9, .lun = {0, 3}};
	struct iscsi_async_message async = {
		.event = 1, .vcode = 2, .parameter1 = 3, .parameter2 = 4, .parameter3 = 5};

	iscsi_data_in_encode(&in, bhs);
	ck_assert_uint_eq(get(bhs, "f"), 1);
	ck_assert_uint_eq(get(bhs, "s"), 1);
	ck_assert_uint_eq(get(bhs, "o"), 1);
	ck_assert_uint_eq(get(bhs, "u"), 0);
	ck_assert_uint_eq(get(bhs, "status"), 8);
	ck_assert_uint_eq(get(bhs, "datasn"), 2);
	ck_assert_uint_eq(get(bhs, "offset"), 3);
	ck_assert_uint_eq(get(bhs, "residual"), 4);
	ck_assert_uint_eq(get(bhs, "statsn"), 0x11223344);
	ck_assert_uint_eq(get(bhs, "expcmdsn"), 0x55667788);
	ck_assert_uint_eq(get(bhs, "maxcmdsn"), 0x99aabbcc);
	iscsi_r2t_encode(&r2t, bhs);
	ck_assert_uint_eq(get(bhs, "itt"), 5);
	ck_assert_uint_eq(get(bhs, "ttt"), 6);
	ck_assert_uint_eq(get(bhs, "r2tsn"), 7);
	ck_assert_uint_eq(get(bhs, "offset"), 8);
	ck_assert_uint_eq(get(bhs, "length"), 9);
	ck_assert_uint_eq(get(bhs, "lun"), 3);
	iscsi_async_message_encode(&async, bhs);
	ck_assert_uint_eq(get(bhs, "event"), 1);
	ck_assert_uint_eq(get(bhs, "vcode"), 2);
	ck_assert_uint_eq(get(bhs, "parameter1"), 3);
	ck_assert_uint_eq(get(bhs, "parameter2"), 4);
	ck_assert_uint_eq(get(bhs, "parameter3"), 5);
}
END_TEST

START_TEST(fields_of_logins_agree_with_the_encoders)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_login_response response = {.transit = true,
						.csg = 1,
						.nsg = 3,
						.isid = {1, 2, 3, 4, 5, 6},
						.tsih = 0x0708,
						.status = 0x0203};
	struct iscsi_login_request request = {.cont = true, .cid = 9, .cmd_sn = 10};

	iscsi_login_response_encode(&response, bhs);
	ck_assert_uint_eq(get(bhs, "t"), 1);
	ck_assert_uint_eq(get(bhs, "c"), 0);
	ck_assert_uint_eq(get(bhs, "csg"), 1);
	ck_assert_uint_eq(get(bhs, "nsg"), 3);
	ck_assert_uint_eq(get(bhs, "isid"), UINT64_C(0x010203040506));
	ck_assert_uint_eq(get(bhs, "tsih"), 0x0708);
	ck_assert_uint_eq(get(bhs, "status-class"), 2);
	ck_assert_uint_eq(get(bhs, "status-detail"), 3);
	iscsi_login_request_encode(&request, bhs);
	ck_assert_uint_eq(get(bhs, "c"), 1);
	ck_assert_uint_eq(get(bhs, "immediate"), 1);
	ck_assert_uint_eq(get(bhs, "cid"), 9);
	ck_assert_uint_eq(get(bhs, "cmdsn"), 10);
}
END_TEST

/* Each in its own place: what is put is got, and nothing else has changed. */
START_TEST(each_field_keeps_to_itself)
{
	for (size_t i = 0; i < iscsi_pdu_field_count; i++) {
		const struct iscsi_pdu_field *field = &iscsi_pdu_fields[i];
		uint8_t zeros[ISCSI_BHS_LEN] = {0}, ones[ISCSI_BHS_LEN];

		ck_assert_uint_le(field->at + field->width, ISCSI_BHS_LEN);
		ck_assert(field->mask == 0 || field->width == 1);
		memset(ones, 0xff, sizeof(ones));
		iscsi_pdu_field_put(field, zeros, UINT64_MAX);
		uint64_t most = iscsi_pdu_field_get(field, zeros);
		ck_assert_uint_ne(most, 0);
		iscsi_pdu_field_put(field, ones, 0);
		ck_assert_uint_eq(iscsi_pdu_field_get(field, ones), 0);
		for (unsigned k = 0; k < ISCSI_BHS_LEN; k++)
			ck_assert_uint_eq(zeros[k] ^ ones[k], 0xff);
	}
}
END_TEST

START_TEST(names_are_unique_for_each_opcode)
{
	for (size_t i = 0; i < iscsi_pdu_field_count; i++)
		for (size_t k = 0; k < i; k++)
			ck_assert(strcmp(iscsi_pdu_fields[i].name, iscsi_pdu_fields[k].name) != 0 ||
				  !(iscsi_pdu_fields[i].opcodes & iscsi_pdu_fields[k].opcodes));
}
END_TEST

START_TEST(reserved_bits_are_those_that_mean_nothing)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_scsi_response response = {.status = 2, .itt = 7};

	iscsi_scsi_response_encode(&response, bhs);
	iscsi_pdu_set_reserved(bhs);
	ck_assert_uint_eq(bhs[0], ISCSI_SCSI_RESPONSE | 0xc0);
	ck_assert_uint_eq(bhs[1], 0x80 | 0x61);
	ck_assert_uint_eq(get(bhs, "status"), 2);
	ck_assert_uint_eq(get(bhs, "itt"), 7);
	ck_assert_uint_eq(bhs[8], 0xff); /* there is no LUN in it */
}
END_TEST

START_TEST(each_opcode_has_a_word)
{
	for (uint8_t opcode = 0; opcode < 64; opcode++) {
		uint8_t found = 0xff;
		bool known =
			ISCSI_OPCODE_BIT(opcode) & (ISCSI_REQUEST_OPCODES | ISCSI_RESPONSE_OPCODES);

		ck_assert(known == (iscsi_pdu_word(opcode) != NULL));
		if (!known)
			continue;
		ck_assert(iscsi_pdu_word_parse(iscsi_pdu_word(opcode), &found));
		ck_assert_uint_eq(found, opcode);
	}
	ck_assert(!iscsi_pdu_word_parse("nop", &(uint8_t){0}));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, fields_of_responses_agree_with_the_encoders);
	tcase_add_test(tcase, fields_of_logins_agree_with_the_encoders);
	tcase_add_test(tcase, each_field_keeps_to_itself);
	tcase_add_test(tcase, names_are_unique_for_each_opcode);
	tcase_add_test(tcase, reserved_bits_are_those_that_mean_nothing);
	tcase_add_test(tcase, each_opcode_has_a_word);
}

int main(void)
{
	return suite_run("pdu_fields", fill);
}
