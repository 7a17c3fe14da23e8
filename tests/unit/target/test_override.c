/* Bytes that a LUN answers instead of its own. */
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/override.h"
#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

static struct fixture *f;
static struct scsi_nexus *a;

static void setup(void)
{
	f = fixture_create(&(struct fixture_config){.profile = &pr_profile_spc4});
	a = fixture_login(f, 'a');
}

static void teardown(void)
{
	fixture_free(&f);
}

/* The LUN answers with these from now on. */
static void given(const struct scsi_override *overrides, uint32_t count)
{
	fixture_lun(f)->config.overrides = overrides;
	fixture_lun(f)->config.override_count = count;
}

static const struct fixture_result *inquiry(uint8_t evpd, uint8_t page)
{
	const struct fixture_result *result =
		FIXTURE_CDB(f, a, 2048, 0x12, evpd, page, 0x08, 0x00, 0);

	fixture_good(result);
	return result;
}

START_TEST(inquiry_bytes_are_replaced_and_the_others_stay)
{
	const struct scsi_override override = {SCSI_OVERRIDE_INQUIRY, 0, 0, 2, 1, {0x05}};
	uint8_t before[96];

	memcpy(before, inquiry(0, 0)->data, sizeof(before));
	given(&override, 1);
	before[2] = 0x05;
	ck_assert_uint_eq(inquiry(0, 0)->len, sizeof(before));
	ck_assert_mem_eq(inquiry(0, 0)->data, before, sizeof(before));
}
END_TEST

START_TEST(data_grow_with_their_length_field)
{
	static const struct scsi_override overrides[] = {
		{SCSI_OVERRIDE_INQUIRY, 0, 0, 100, 2, "ab"},
		{SCSI_OVERRIDE_VPD, 0xb1, 0, 70, 1, {0x7e}},
	};

	given(overrides, 2);
	const struct fixture_result *result = inquiry(0, 0);
	ck_assert_uint_eq(result->len, 102);
	ck_assert_uint_eq(result->data[4], 97);
	ck_assert_mem_eq(result->data + 96, "\0\0\0\0ab", 6);
	result = inquiry(1, 0xb1);
	ck_assert_uint_eq(result->len, 71);
	ck_assert_uint_eq(get_be16(result->data + 2), 67);
	ck_assert_uint_eq(result->data[70], 0x7e);
}
END_TEST

START_TEST(a_length_field_may_lie)
{
	const struct scsi_override override = {SCSI_OVERRIDE_VPD, 0x80, 0, 2, 2, {0x12, 0x34}};

	given(&override, 1);
	ck_assert_uint_eq(get_be16(inquiry(1, 0x80)->data + 2), 0x1234);
	ck_assert_uint_lt(inquiry(1, 0x80)->len, 100);
}
END_TEST

START_TEST(only_the_page_that_is_named_changes)
{
	const struct scsi_override override = {SCSI_OVERRIDE_VPD, 0xb0, 0, 4, 1, {0xee}};

	given(&override, 1);
	ck_assert_uint_eq(inquiry(1, 0xb0)->data[4], 0xee);
	ck_assert_uint_ne(inquiry(1, 0xb1)->data[4], 0xee);
	ck_assert_uint_ne(inquiry(0, 0)->data[4], 0xee);
}
END_TEST

/* The Caching page, as MODE SENSE(6) has it without block descriptors. */
static uint8_t caching_byte_2(uint8_t page_control)
{
	const struct fixture_result *result =
		FIXTURE_CDB(f, a, 255, 0x1a, 0x08, page_control | 0x08, 0, 255, 0);

	fixture_good(result);
	return result->data[4 + 2];
}

START_TEST(mode_pages_read_so_and_can_be_sent_back)
{
	const struct scsi_override override = {SCSI_OVERRIDE_MODE, 0x08, 0, 2, 1, {0x14}};
	uint8_t list[4 + 20] = {0, 0, 0, 0, 0x08, 0x12, 0x14};

	given(&override, 1);
	ck_assert_uint_eq(caching_byte_2(0x00), 0x14);
	ck_assert_uint_eq(caching_byte_2(0x40), 0x05); /* changeable: as ever */
	ck_assert_uint_eq(caching_byte_2(0x80), 0x14);
	fixture_good(DISK_OUT(f, a, list, sizeof(list), 0x15, 0x10, 0, 0, sizeof(list), 0));
	list[6] = 0x04; /* what it is without the override */
	fixture_sense(DISK_OUT(f, a, list, sizeof(list), 0x15, 0x10, 0, 0, sizeof(list), 0), 5,
		      0x26, 0x00);
}
END_TEST

START_TEST(what_can_never_be_answered_is_told)
{
	static const struct scsi_override sound[] = {
		{SCSI_OVERRIDE_INQUIRY, 0, 0, 259, 1, {0}},
		{SCSI_OVERRIDE_VPD, 0x83, 0, 0, 4, {0}},
		{SCSI_OVERRIDE_MODE, 0x08, 0, 19, 1, {0}},
		{SCSI_OVERRIDE_MODE, 0x0a, 1, 4, 1, {0}},
	};
	static const struct scsi_override wrong[] = {
		{SCSI_OVERRIDE_NONE, 0, 0, 0, 1, {0}},
		{SCSI_OVERRIDE_INQUIRY, 0, 0, 2, 0, {0}},
		{SCSI_OVERRIDE_INQUIRY, 0, 0, 259, 2, {0}},
		{SCSI_OVERRIDE_VPD, 0x84, 0, 4, 1, {0}},
		{SCSI_OVERRIDE_VPD, 0x83, 0, 1023, 2, {0}},
		{SCSI_OVERRIDE_MODE, 0x3e, 0, 4, 1, {0}},
		{SCSI_OVERRIDE_MODE, 0x08, 0, 19, 2, {0}},
		{SCSI_OVERRIDE_MODE, 0x08, 0, 1, 1, {0}},
		{SCSI_OVERRIDE_MODE, 0x0a, 1, 3, 1, {0}},
		{SCSI_OVERRIDE_MODE, 0x08, 1, 4, 1, {0}},
	};

	for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++)
		ck_assert_msg(scsi_override_fault(&sound[i]) == NULL, "%zu: %s", i,
			      scsi_override_fault(&sound[i]));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(scsi_override_fault(&wrong[i]) != NULL, "%zu", i);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, inquiry_bytes_are_replaced_and_the_others_stay);
	tcase_add_test(tcase, data_grow_with_their_length_field);
	tcase_add_test(tcase, a_length_field_may_lie);
	tcase_add_test(tcase, only_the_page_that_is_named_changes);
	tcase_add_test(tcase, mode_pages_read_so_and_can_be_sent_back);
	tcase_add_test(tcase, what_can_never_be_answered_is_told);
}

int main(void)
{
	return suite_run("override", fill);
}
