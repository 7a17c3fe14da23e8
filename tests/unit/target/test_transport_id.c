#include <stdlib.h>
#include <string.h>

#include "target/transport_id.h"
#include "tests/support/suite.h"

/* The sheet's 1.5, bytes checked there by script. */
static const uint8_t device[32] = "\x05\x00\x00\x1ciqn.1994-05.com.redhat:c1";
static const uint8_t port[48] = "\x45\x00\x00\x2ciqn.1994-05.com.redhat:c1,i,0x00023d000001";
static const uint8_t shortest[24] = "\x05\x00\x00\x14iqn.a";

/* Takes it from memory of exactly `len` bytes, so that a sanitizer sees every step too far. */
static bool take(const uint8_t *bytes, size_t len, struct transport_id *ret_id)
{
	uint8_t *exact = malloc(len ? len : 1);

	memcpy(exact, bytes, len);
	struct byte_reader in = byte_reader_over(exact, len);
	bool good = transport_id_take(&in, ret_id);
	ck_assert(!good || byte_reader_left(&in) == 0);
	free(exact);
	return good;
}

static bool is_refused(const uint8_t *bytes, size_t len)
{
	struct transport_id id = {.has_isid = true, .initiator_name = "untouched"};
	bool good = take(bytes, len, &id);

	if (!good)
		ck_assert_str_eq(id.initiator_name, "untouched");
	return !good;
}

START_TEST(format_00_is_a_name)
{
	struct transport_id id;

	ck_assert(take(device, sizeof(device), &id));
	ck_assert_str_eq(id.initiator_name, "iqn.1994-05.com.redhat:c1");
	ck_assert(!id.has_isid);
	ck_assert(take(shortest, sizeof(shortest), &id));
	ck_assert_str_eq(id.initiator_name, "iqn.a");
}
END_TEST

START_TEST(format_01_is_a_name_and_an_isid)
{
	struct transport_id id;

	ck_assert(take(port, sizeof(port), &id));
	ck_assert_str_eq(id.initiator_name, "iqn.1994-05.com.redhat:c1");
	ck_assert(id.has_isid);
	ck_assert_mem_eq(id.isid, "\x00\x02\x3d\x00\x00\x01", 6);
}
END_TEST

START_TEST(case_makes_no_difference)
{
	static const uint8_t upper[48] =
		"\x45\x00\x00\x2cIQN.1994-05.com.RedHat:C1,i,0x00023D00000A";
	struct transport_id id;

	ck_assert(take(upper, sizeof(upper), &id));
	ck_assert_str_eq(id.initiator_name, "iqn.1994-05.com.redhat:c1");
	ck_assert_mem_eq(id.isid, "\x00\x02\x3d\x00\x00\x0a", 6);
}
END_TEST

START_TEST(two_in_a_row_are_taken_one_after_the_other)
{
	uint8_t both[sizeof(device) + sizeof(port)];
	struct transport_id id;

	memcpy(both, device, sizeof(device));
	memcpy(both + sizeof(device), port, sizeof(port));
	struct byte_reader in = byte_reader_over(both, sizeof(both));
	ck_assert(transport_id_take(&in, &id));
	ck_assert(!id.has_isid);
	ck_assert(transport_id_take(&in, &id));
	ck_assert(id.has_isid);
	ck_assert_uint_eq(byte_reader_left(&in), 0);
}
END_TEST

START_TEST(every_cut_of_a_good_one_is_refused)
{
	for (size_t len = 0; len < sizeof(port); len++)
		ck_assert_msg(is_refused(port, len), "cut to %zu bytes", len);
}
END_TEST

static bool changed_is_refused(size_t at, uint8_t value)
{
	uint8_t bytes[sizeof(port)];

	memcpy(bytes, port, sizeof(port));
	bytes[at] = value;
	return is_refused(bytes, sizeof(bytes));
}

START_TEST(other_protocols_and_formats_are_refused)
{
	ck_assert(changed_is_refused(0, 0x40)); /* Fibre Channel */
	ck_assert(changed_is_refused(0, 0x46)); /* SAS */
	ck_assert(changed_is_refused(0, 0x85)); /* format 10b */
	ck_assert(changed_is_refused(0, 0xc5)); /* format 11b */
	ck_assert(changed_is_refused(0, 0x05)); /* 00b, but there is a comma in the name */
}
END_TEST

START_TEST(wrong_lengths_are_refused)
{
	ck_assert(changed_is_refused(3, 0x2b)); /* not a multiple of 4 */
	ck_assert(changed_is_refused(3, 0x30)); /* beyond the end */
	ck_assert(changed_is_refused(2, 0xff));
	/* Under the minimum of 20. */
	ck_assert(is_refused((const uint8_t *)"\x05\x00\x00\x10iqn.a\0\0\0\0\0\0\0\0\0\0", 20));
}
END_TEST

START_TEST(a_missing_nul_is_refused)
{
	ck_assert(is_refused((const uint8_t *)"\x05\x00\x00\x14iqn.1994-05.com.rhtx", 24));
}
END_TEST

START_TEST(a_wrong_separator_is_refused)
{
	for (size_t at = 29; at < 34; at++)
		ck_assert(changed_is_refused(at, '-'));
	ck_assert(changed_is_refused(29, 0)); /* as LIO once sent it */
}
END_TEST

START_TEST(an_isid_of_other_than_12_hexadecimal_digits_is_refused)
{
	ck_assert(changed_is_refused(45, 0));	/* 11 */
	ck_assert(changed_is_refused(46, '0')); /* 13 */
	ck_assert(changed_is_refused(34, 'g'));
	ck_assert(changed_is_refused(34, ' '));
	ck_assert(changed_is_refused(40, 'x'));
}
END_TEST

START_TEST(names_that_no_login_takes_are_refused)
{
	ck_assert(changed_is_refused(10, ' '));
	ck_assert(changed_is_refused(10, 0x07));
	ck_assert(changed_is_refused(10, 0x7f));
	ck_assert(is_refused((const uint8_t *)"\x45\x00\x00\x14,i,0x00023d000001\0\0\0", 24));
	ck_assert(is_refused((const uint8_t *)"\x05\x00\x00\x14\0\0\0\0\0\0\0\0\0\0"
					      "\0\0\0\0\0\0\0\0\0\0",
			     24));
}
END_TEST

START_TEST(a_name_of_223_bytes_is_taken_and_224_are_not)
{
	uint8_t bytes[4 + 228] = {0x05, 0, 0, 228};
	struct transport_id id;

	memset(bytes + 4, 'n', 223);
	ck_assert(take(bytes, sizeof(bytes), &id));
	ck_assert_uint_eq(strlen(id.initiator_name), 223);
	bytes[4 + 223] = 'n';
	ck_assert(is_refused(bytes, sizeof(bytes)));
}
END_TEST

START_TEST(build_gives_the_sheets_bytes)
{
	struct pr_nexus_id id = {.initiator_name = "iqn.1994-05.com.redhat:c1",
				 .isid = {0x00, 0x02, 0x3d, 0x00, 0x00, 0x01}};
	uint8_t bytes[TRANSPORT_ID_MAX];

	ck_assert_uint_eq(transport_id_len(&id), sizeof(port));
	ck_assert_uint_eq(transport_id_build(&id, bytes), sizeof(port));
	ck_assert_mem_eq(bytes, port, sizeof(port));
}
END_TEST

START_TEST(what_was_built_is_taken_again_at_every_length)
{
	for (size_t len = 1; len <= PR_INITIATOR_NAME_MAX; len++) {
		struct pr_nexus_id nexus = {.isid = {0x80, 0xff, 0x01, 0xab, 0xcd, 0xef}};
		uint8_t bytes[TRANSPORT_ID_MAX];
		struct transport_id id;

		memset(nexus.initiator_name, 'x', len);
		size_t built = transport_id_build(&nexus, bytes);
		ck_assert_uint_le(built, TRANSPORT_ID_MAX);
		ck_assert_uint_ge(built, TRANSPORT_ID_MIN);
		ck_assert_uint_eq(built % 4, 0);
		ck_assert(take(bytes, built, &id));
		ck_assert_str_eq(id.initiator_name, nexus.initiator_name);
		ck_assert_mem_eq(id.isid, nexus.isid, sizeof(id.isid));
	}
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, format_00_is_a_name);
	tcase_add_test(tcase, format_01_is_a_name_and_an_isid);
	tcase_add_test(tcase, case_makes_no_difference);
	tcase_add_test(tcase, two_in_a_row_are_taken_one_after_the_other);
	tcase_add_test(tcase, every_cut_of_a_good_one_is_refused);
	tcase_add_test(tcase, other_protocols_and_formats_are_refused);
	tcase_add_test(tcase, wrong_lengths_are_refused);
	tcase_add_test(tcase, a_missing_nul_is_refused);
	tcase_add_test(tcase, a_wrong_separator_is_refused);
	tcase_add_test(tcase, an_isid_of_other_than_12_hexadecimal_digits_is_refused);
	tcase_add_test(tcase, names_that_no_login_takes_are_refused);
	tcase_add_test(tcase, a_name_of_223_bytes_is_taken_and_224_are_not);
	tcase_add_test(tcase, build_gives_the_sheets_bytes);
	tcase_add_test(tcase, what_was_built_is_taken_again_at_every_length);
}

int main(void)
{
	return suite_run("target/transport_id", fill);
}
