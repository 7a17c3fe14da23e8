#include "pr_engine/crc32c.h"

#include <string.h>

#include "tests/support/suite.h"

/* The table that stands in where isa-l is absent, next to whatever the library was built with. */
uint32_t crc32c_by_table(uint32_t crc, const void *data, size_t len);
#undef HAVE_ISAL
#define crc32c crc32c_by_table
#include "pr_engine/crc32c.c"
#undef crc32c

typedef uint32_t crc32c_function(uint32_t crc, const void *data, size_t len);
static crc32c_function *const functions[] = {crc32c, crc32c_by_table};

START_TEST(the_check_value_is_right)
{
	ck_assert_uint_eq(functions[_i](0, "123456789", 9), 0xe3069283U);
}
END_TEST

/* RFC 7143 appendix A.4 (RFC 3720 B.4) gives these; there the bytes stand in wire order. */
START_TEST(the_vectors_of_iscsi_are_right)
{
	uint8_t data[32];

	memset(data, 0, sizeof(data));
	ck_assert_uint_eq(functions[_i](0, data, 32), 0x8a9136aaU);
	memset(data, 0xff, sizeof(data));
	ck_assert_uint_eq(functions[_i](0, data, 32), 0x62a8ab43U);
	for (uint8_t i = 0; i < 32; i++)
		data[i] = i;
	ck_assert_uint_eq(functions[_i](0, data, 32), 0x46dd794eU);
	for (uint8_t i = 0; i < 32; i++)
		data[i] = (uint8_t)(31 - i);
	ck_assert_uint_eq(functions[_i](0, data, 32), 0x113fdb5cU);
}
END_TEST

START_TEST(nothing_changes_nothing)
{
	ck_assert_uint_eq(functions[_i](0, NULL, 0), 0);
	ck_assert_uint_eq(functions[_i](0x12345678, NULL, 0), 0x12345678);
}
END_TEST

START_TEST(it_may_be_continued_at_any_byte)
{
	uint8_t data[100];

	for (uint8_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + 3);
	uint32_t whole = functions[_i](0, data, sizeof(data));
	for (size_t at = 0; at <= sizeof(data); at++) {
		uint32_t crc = functions[_i](0, data, at);
		ck_assert_uint_eq(functions[_i](crc, data + at, sizeof(data) - at), whole);
	}
}
END_TEST

START_TEST(both_ways_agree_at_any_length_and_alignment)
{
	uint8_t data[600];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * i + i / 3);
	for (size_t start = 0; start < 9; start++)
		for (size_t len = 0; len + start <= sizeof(data); len++)
			ck_assert_uint_eq(crc32c(7, data + start, len),
					  crc32c_by_table(7, data + start, len));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, the_check_value_is_right, 0, 2);
	tcase_add_loop_test(tcase, the_vectors_of_iscsi_are_right, 0, 2);
	tcase_add_loop_test(tcase, nothing_changes_nothing, 0, 2);
	tcase_add_loop_test(tcase, it_may_be_continued_at_any_byte, 0, 2);
	tcase_add_test(tcase, both_ways_agree_at_any_length_and_alignment);
}

int main(void)
{
	return suite_run("crc32c", fill);
}
