/* TEST UNIT READY, REQUEST SENSE, REPORT LUNS, REPORT TARGET PORT GROUPS, LOG SENSE, SEND
 * DIAGNOSTIC. */
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

static struct fixture *f;
static struct scsi_nexus *a;

static void setup(void)
{
	f = fixture_create(&(struct fixture_config){.luns = 3});
	a = fixture_login(f, 'a');
}

static void teardown(void)
{
	fixture_free(&f);
}

/* ---- REQUEST SENSE ---- */

static const struct fixture_result *request_sense(uint8_t desc, uint8_t allocation_length)
{
	const struct fixture_result *result =
		FIXTURE_CDB(f, a, 252, 0x03, desc, 0, 0, allocation_length, 0);

	fixture_good(result);
	return result;
}

static void expect_fixed(const struct fixture_result *result, uint8_t key, uint8_t asc,
			 uint8_t ascq)
{
	ck_assert_uint_eq(result->len, 18);
	ck_assert_uint_eq(result->data[0], 0x70);
	ck_assert_uint_eq(result->data[2], key);
	ck_assert_uint_eq(result->data[12], asc);
	ck_assert_uint_eq(result->data[13], ascq);
}

START_TEST(a_ready_lun_has_no_sense)
{
	fixture_good(fixture_test_unit_ready(f, a));
	expect_fixed(request_sense(0, 252), 0, 0, 0);
}
END_TEST

START_TEST(request_sense_tells_a_unit_attention_and_clears_it)
{
	scsi_ua_raise(&a->luns[0]->unit_attentions, SCSI_UA_MODE_PARAMETERS_CHANGED);
	scsi_ua_raise(&a->luns[0]->unit_attentions, SCSI_UA_RESERVATIONS_RELEASED);
	expect_fixed(request_sense(0, 252), 0x6, 0x2a, 0x01);
	expect_fixed(request_sense(0, 252), 0x6, 0x2a, 0x04);
	expect_fixed(request_sense(0, 252), 0, 0, 0);
	fixture_good(fixture_test_unit_ready(f, a));
}
END_TEST

START_TEST(request_sense_speaks_descriptor_format_when_asked)
{
	const struct fixture_result *result = request_sense(1, 252);

	ck_assert_uint_eq(result->len, 8);
	ck_assert_uint_eq(result->data[0], 0x72);
	ck_assert_uint_eq(request_sense(0, 4)->len, 4);
}
END_TEST

START_TEST(request_sense_tells_why_a_lun_is_not_ready)
{
	fixture_lun(f)->stopped = true;
	expect_fixed(request_sense(0, 252), 0x2, 0x04, 0x02);
	fixture_lun(f)->ejected = true;
	expect_fixed(request_sense(0, 252), 0x2, 0x3a, 0x00);
	f->lun = 9;
	expect_fixed(request_sense(0, 252), 0x5, 0x25, 0x00);
}
END_TEST

/* ---- REPORT LUNS ---- */

static const struct fixture_result *report_luns(uint8_t select, uint16_t allocation_length)
{
	return FIXTURE_CDB(f, a, 4096, 0xa0, 0, select, 0, 0, 0, 0, 0,
			   (uint8_t)(allocation_length >> 8), (uint8_t)allocation_length, 0, 0);
}

START_TEST(report_luns_lists_all_luns)
{
	static const uint8_t expected[] = {0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
					   0, 1, 0, 0,	0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0};

	static const uint8_t selections[] = {0x00, 0x02, 0x11};

	for (size_t i = 0; i < sizeof(selections); i++) {
		const struct fixture_result *result = report_luns(selections[i], 256);
		fixture_good(result);
		ck_assert_uint_eq(result->len, sizeof(expected));
		ck_assert_mem_eq(result->data, expected, sizeof(expected));
	}
}
END_TEST

START_TEST(there_are_no_well_known_and_no_administrative_luns)
{
	for (unsigned select = 0x01; select <= 0x10; select += 0x0f) {
		const struct fixture_result *result = report_luns((uint8_t)select, 256);

		fixture_good(result);
		ck_assert_uint_eq(result->len, 8);
		ck_assert_uint_eq(get_be32(result->data), 0);
	}
}
END_TEST

START_TEST(report_luns_tells_the_whole_length_in_a_cut_list)
{
	const struct fixture_result *result = report_luns(0, 16);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 16);
	ck_assert_uint_eq(get_be32(result->data), 24);
}
END_TEST

START_TEST(report_luns_wants_16_bytes_and_a_defined_selection)
{
	disk_invalid_cdb(report_luns(0, 15), 6, -1);
	disk_invalid_cdb(report_luns(3, 256), 2, -1);
	disk_invalid_cdb(report_luns(0x0f, 256), 2, -1);
	disk_invalid_cdb(report_luns(0x12, 256), 2, -1);
	disk_invalid_cdb(report_luns(0xff, 256), 2, -1);
}
END_TEST

START_TEST(report_luns_answers_on_a_lun_that_is_not_there)
{
	f->lun = 9;
	fixture_good(report_luns(0, 256));
}
END_TEST

START_TEST(who_has_read_the_list_knows_that_it_changed)
{
	for (unsigned i = 0; i < 3; i++)
		scsi_ua_raise(&a->luns[i]->unit_attentions, SCSI_UA_REPORTED_LUNS_CHANGED);
	scsi_ua_raise(&a->luns[0]->unit_attentions, SCSI_UA_RESERVATIONS_RELEASED);
	fixture_good(report_luns(0, 256));
	fixture_sense(fixture_test_unit_ready(f, a), 0x6, 0x2a, 0x04);
	fixture_good(fixture_test_unit_ready(f, a));
	f->lun = 2;
	fixture_good(fixture_test_unit_ready(f, a));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_ready_lun_has_no_sense);
	tcase_add_test(tcase, request_sense_tells_a_unit_attention_and_clears_it);
	tcase_add_test(tcase, request_sense_speaks_descriptor_format_when_asked);
	tcase_add_test(tcase, request_sense_tells_why_a_lun_is_not_ready);
	tcase_add_test(tcase, report_luns_lists_all_luns);
	tcase_add_test(tcase, there_are_no_well_known_and_no_administrative_luns);
	tcase_add_test(tcase, report_luns_tells_the_whole_length_in_a_cut_list);
	tcase_add_test(tcase, report_luns_wants_16_bytes_and_a_defined_selection);
	tcase_add_test(tcase, report_luns_answers_on_a_lun_that_is_not_there);
	tcase_add_test(tcase, who_has_read_the_list_knows_that_it_changed);
}

int main(void)
{
	return suite_run("target/spc", fill);
}
