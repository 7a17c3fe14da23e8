/* REPORT and SET IDENTIFYING INFORMATION. */
#include <errno.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

static struct fixture *f;
static struct scsi_nexus *a, *b;

static void setup(void)
{
	f = fixture_create(
		&(struct fixture_config){.profile = &pr_profile_spc4, .luns = 2, .saves = true});
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
}

static void teardown(void)
{
	fixture_free(&f);
}

#define LU   0x00
#define TEXT 0x02

static const struct fixture_result *report(uint8_t type, uint16_t allocation_length)
{
	return FIXTURE_CDB(f, a, 512, 0xa3, 0x05, 0, 0, 0, 0, 0, 0,
			   (uint8_t)(allocation_length >> 8), (uint8_t)allocation_length,
			   (uint8_t)(type << 1), 0);
}

static const struct fixture_result *set(uint8_t type, const void *data, uint16_t len)
{
	return DISK_OUT(f, a, data, len, 0xa4, 0x06, 0, 0, 0, 0, 0, 0, (uint8_t)(len >> 8),
			(uint8_t)len, (uint8_t)(type << 1), 0);
}

START_TEST(what_is_set_is_reported_and_outlives_a_restart)
{
	fixture_good(set(LU, "rack 7", 6));
	fixture_good(set(TEXT, "the long name", 14));
	ck_assert_int_eq(fixture_restart(f), 0);
	a = fixture_login(f, 'a');
	const struct fixture_result *result = report(LU, 255);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 4 + 6);
	ck_assert_uint_eq(get_be16(result->data + 2), 6);
	ck_assert_mem_eq(result->data + 4, "rack 7", 6);
	result = report(TEXT, 6);
	ck_assert_uint_eq(result->len, 6);
	ck_assert_uint_eq(get_be16(result->data + 2), 14);
	f->lun = 1;
	ck_assert_uint_eq(report(LU, 255)->len, 4);
}
END_TEST

START_TEST(nothing_takes_the_name_away)
{
	fixture_good(set(LU, "name", 4));
	fixture_good(set(LU, NULL, 0));
	ck_assert_uint_eq(report(LU, 255)->len, 4);
}
END_TEST

START_TEST(the_others_hear_of_it)
{
	fixture_good(set(LU, "name", 4));
	fixture_good(fixture_test_unit_ready(f, a));
	fixture_sense(fixture_test_unit_ready(f, b), 0x6, 0x3f, 0x05);
}
END_TEST

START_TEST(types_and_their_lengths_are_told_and_kept)
{
	static const uint8_t types[] = {0, 0, 0, 8, 0x00, 0, 0, 64, 0x04, 0, 1, 0};
	static const uint8_t data[257];
	const struct fixture_result *result = report(0x7f, 255);

	fixture_good(result);
	ck_assert_uint_eq(result->len, sizeof(types));
	ck_assert_mem_eq(result->data, types, sizeof(types));
	fixture_good(set(LU, data, 64));
	disk_invalid_cdb(set(LU, data, 65), 6, -1);
	fixture_good(set(TEXT, data, 256));
	ck_assert_uint_eq(report(TEXT, 512)->len, 260);
	disk_invalid_cdb(set(TEXT, data, 257), 6, -1);
	disk_invalid_cdb(set(0x01, data, 1), 10, 7);
	disk_invalid_cdb(set(0x7f, data, 1), 10, 7);
	disk_invalid_cdb(report(0x03, 255), 10, 7);
}
END_TEST

START_TEST(what_cannot_be_saved_is_not_set)
{
	f->saved[0].error = -EIO;
	fixture_sense(set(LU, "name", 4), 0x4, 0x44, 0x00);
	ck_assert_uint_eq(report(LU, 255)->len, 4);
	f->config.saves = false;
	ck_assert_int_eq(fixture_restart(f), 0);
	a = fixture_login(f, 'a');
	fixture_sense(set(LU, "name", 4), 0x5, 0x39, 0x00);
}
END_TEST

START_TEST(half_a_name_is_none)
{
	fixture_sense(DISK_OUT(f, a, "na", 2, 0xa4, 0x06, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0), 0x5, 0x1a,
		      0x00);
	ck_assert_uint_eq(report(LU, 255)->len, 4);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_is_set_is_reported_and_outlives_a_restart);
	tcase_add_test(tcase, nothing_takes_the_name_away);
	tcase_add_test(tcase, the_others_hear_of_it);
	tcase_add_test(tcase, types_and_their_lengths_are_told_and_kept);
	tcase_add_test(tcase, what_cannot_be_saved_is_not_set);
	tcase_add_test(tcase, half_a_name_is_none);
}

int main(void)
{
	return suite_run("target/spc_identifying", fill);
}
