/*
 * The list of additional header segments (RFC 7143 11.2.2).
 */
#include <string.h>

#include "tests/support/suite.h"
#include "transport/ahs.h"

static const struct iscsi_scsi_command write10 = {.write = true, .cdb = {0x2a}};
static const struct iscsi_scsi_command bidirectional = {.read = true, .write = true, .cdb = {0x53}};
static const struct iscsi_scsi_command variable32 = {.write = true, .cdb = {0x7f, [7] = 24}};

static const uint8_t read_len[] = {0, 5, 2, 0, 0x12, 0x34, 0x56, 0x78};
/* 32 bytes of CDB: 16 beyond the header, AHSLength 17. */
static const uint8_t cdb32[] = {0,  17, 1,  0,	16, 17, 18, 19, 20, 21,
				22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

static bool parse(const void *ahs, size_t len, const struct iscsi_scsi_command *command)
{
	struct iscsi_ahs found;

	return iscsi_ahs_parse(ahs, len, command, &found);
}

START_TEST(no_ahs_is_fine)
{
	struct iscsi_ahs ahs;

	ck_assert(iscsi_ahs_parse(NULL, 0, &write10, &ahs));
	ck_assert_uint_eq(ahs.extended_cdb_len, 0);
	ck_assert(!ahs.has_bidirectional_read_len);
}
END_TEST

START_TEST(bidirectional_read_length_is_taken)
{
	struct iscsi_ahs ahs;

	ck_assert(iscsi_ahs_parse(read_len, sizeof(read_len), &bidirectional, &ahs));
	ck_assert(ahs.has_bidirectional_read_len);
	ck_assert_uint_eq(ahs.bidirectional_read_len, 0x12345678);
}
END_TEST

START_TEST(bidirectional_command_needs_its_read_length)
{
	ck_assert(!parse(NULL, 0, &bidirectional));
}
END_TEST

START_TEST(read_length_without_both_directions_is_refused)
{
	ck_assert(!parse(read_len, sizeof(read_len), &write10));
}
END_TEST

START_TEST(extended_cdb_is_taken_without_padding)
{
	struct iscsi_scsi_command command = {.read = true, .cdb = {0x7f, [7] = 10}};
	static const uint8_t cdb18[] = {0, 3, 1, 0, 0xaa, 0xbb, 0, 0};
	struct iscsi_ahs ahs;

	ck_assert(iscsi_ahs_parse(cdb18, sizeof(cdb18), &command, &ahs));
	ck_assert_uint_eq(ahs.extended_cdb_len, 2);
	ck_assert_mem_eq(ahs.extended_cdb, "\xaa\xbb", 2);
	ck_assert(iscsi_ahs_parse(cdb32, sizeof(cdb32), &variable32, &ahs));
	ck_assert_uint_eq(ahs.extended_cdb_len, 16);
	ck_assert_uint_eq(ahs.extended_cdb[15], 31);
}
END_TEST

START_TEST(extended_cdb_must_fit_the_cdb)
{
	struct iscsi_scsi_command longer = variable32;

	ck_assert(!parse(cdb32, sizeof(cdb32), &write10));
	longer.cdb[7] = 25;
	ck_assert(!parse(cdb32, sizeof(cdb32), &longer));
	longer.cdb[7] = 8; /* sixteen bytes altogether */
	ck_assert(!parse(cdb32, sizeof(cdb32), &longer));
}
END_TEST

START_TEST(both_types_may_come_together_but_each_once)
{
	struct iscsi_scsi_command command = variable32;
	uint8_t list[2 * sizeof(cdb32)];

	command.read = true;
	memcpy(list, cdb32, sizeof(cdb32));
	memcpy(list + sizeof(cdb32), read_len, sizeof(read_len));
	ck_assert(parse(list, sizeof(cdb32) + sizeof(read_len), &command));
	memcpy(list + sizeof(cdb32), cdb32, sizeof(cdb32));
	ck_assert(!parse(list, sizeof(list), &variable32));
	memcpy(list, read_len, sizeof(read_len));
	memcpy(list + sizeof(read_len), read_len, sizeof(read_len));
	ck_assert(!parse(list, 2 * sizeof(read_len), &bidirectional));
}
END_TEST

START_TEST(malformed_lists_are_refused)
{
	static const struct {
		size_t len;
		uint8_t bytes[8];
	} bad[] = {
		{4, {0, 0, 2, 0}},	       /* AHSLength 0 */
		{4, {0, 5, 2, 0}},	       /* overruns */
		{4, {0xff, 0xff, 2, 0}},       /* overruns far */
		{8, {0, 4, 2, 0, 1, 2, 3}},    /* too short for its type */
		{8, {0, 1, 2, 0, 0, 5, 2}},    /* the same, and a stump behind it */
		{4, {0, 1, 1, 0}},	       /* an extended CDB of no byte */
		{8, {0, 5, 0, 0, 1, 2, 3, 4}}, /* reserved types */
		{8, {0, 5, 3, 0, 1, 2, 3, 4}},
		{2, {0, 5}},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!parse(bad[i].bytes, bad[i].len, &bidirectional), "list %zu", i);
}
END_TEST

START_TEST(reserved_type_bits_are_ignored)
{
	uint8_t list[sizeof(read_len)];

	memcpy(list, read_len, sizeof(list));
	list[2] |= 0xc0;
	ck_assert(parse(list, sizeof(list), &bidirectional));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, no_ahs_is_fine);
	tcase_add_test(tcase, bidirectional_read_length_is_taken);
	tcase_add_test(tcase, bidirectional_command_needs_its_read_length);
	tcase_add_test(tcase, read_length_without_both_directions_is_refused);
	tcase_add_test(tcase, extended_cdb_is_taken_without_padding);
	tcase_add_test(tcase, extended_cdb_must_fit_the_cdb);
	tcase_add_test(tcase, both_types_may_come_together_but_each_once);
	tcase_add_test(tcase, malformed_lists_are_refused);
	tcase_add_test(tcase, reserved_type_bits_are_ignored);
}

int main(void)
{
	return suite_run("transport/ahs", fill);
}
