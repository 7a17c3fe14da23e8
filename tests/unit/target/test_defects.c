/* READ DEFECT DATA (10), (12). */
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

static struct fixture *f;
static struct scsi_nexus *a;

static void setup(void)
{
	f = fixture_create(NULL);
	a = fixture_login(f, 'a');
}

static void teardown(void)
{
	fixture_free(&f);
}

START_TEST(the_10_byte_command_has_a_header_of_four_bytes_and_an_empty_list)
{
	const struct fixture_result *result =
		FIXTURE_CDB(f, a, 255, 0x37, 0, 0x1d, 0, 0, 0, 0, 0, 255, 0);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 4);
	ck_assert_mem_eq(result->data, ((const uint8_t[]){0, 0x1d, 0, 0}), 4);
}
END_TEST

START_TEST(the_12_byte_command_has_a_header_of_eight_bytes_and_an_empty_list)
{
	const struct fixture_result *result =
		FIXTURE_CDB(f, a, 255, 0xb7, 0x0b, 0, 0, 0, 7, 0, 0, 0, 255, 0, 0);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 8);
	ck_assert_mem_eq(result->data, ((const uint8_t[]){0, 0x0b, 0, 0, 0, 0, 0, 0}), 8);
}
END_TEST

START_TEST(lists_that_were_not_asked_for_are_not_valid)
{
	const struct fixture_result *result =
		FIXTURE_CDB(f, a, 255, 0x37, 0, 0x08, 0, 0, 0, 0, 0, 255, 0);

	fixture_good(result);
	ck_assert_uint_eq(result->data[1], 0x08);
}
END_TEST

START_TEST(formats_that_nobody_defined_are_refused)
{
	disk_invalid_cdb(FIXTURE_CDB(f, a, 255, 0x37, 0, 0x0e, 0, 0, 0, 0, 0, 255, 0), 2, 2);
	disk_invalid_cdb(FIXTURE_CDB(f, a, 255, 0xb7, 0x07, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0), 1, 2);
}
END_TEST

START_TEST(the_allocation_length_cuts_the_answer)
{
	ck_assert_uint_eq(FIXTURE_CDB(f, a, 255, 0x37, 0, 0, 0, 0, 0, 0, 0, 2, 0)->len, 2);
	ck_assert_uint_eq(FIXTURE_CDB(f, a, 255, 0xb7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)->len, 0);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_10_byte_command_has_a_header_of_four_bytes_and_an_empty_list);
	tcase_add_test(tcase, the_12_byte_command_has_a_header_of_eight_bytes_and_an_empty_list);
	tcase_add_test(tcase, lists_that_were_not_asked_for_are_not_valid);
	tcase_add_test(tcase, formats_that_nobody_defined_are_refused);
	tcase_add_test(tcase, the_allocation_length_cuts_the_answer);
}

int main(void)
{
	return suite_run("target/sbc_defects", fill);
}
