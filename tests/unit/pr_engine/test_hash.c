#include "pr_engine/hash.h"

#include "tests/support/suite.h"

static const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};

/* The low halves of SipHash-1-3 over 00, 00 01, 00 01 02 ..., as Linux' lib/test_siphash.c has
 * them.
 */
START_TEST(the_published_vectors_are_right)
{
	static const uint32_t low[] = {0x050fc4dc, 0x7d57ca93, 0x4dc7d44d, 0xe7ddf7fb,
				       0x88d38328, 0x49533b67, 0xc59f22a7, 0x9bb11140};
	uint8_t data[8];

	for (uint8_t i = 0; i < 8; i++) {
		data[i] = i;
		ck_assert_uint_eq((uint32_t)pr_hash(key, data, i), low[i]);
	}
}
END_TEST

START_TEST(every_byte_of_data_and_key_counts)
{
	uint8_t data[40] = {0};
	uint64_t before = pr_hash(key, data, sizeof(data));
	uint64_t other[2] = {key[0], key[1] ^ 1};

	for (size_t i = 0; i < sizeof(data); i++) {
		data[i] = 1;
		ck_assert_uint_ne(pr_hash(key, data, sizeof(data)), before);
		data[i] = 0;
	}
	ck_assert_uint_ne(pr_hash(other, data, sizeof(data)), before);
	ck_assert_uint_ne(pr_hash(key, data, sizeof(data) - 1), before);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, the_published_vectors_are_right);
	tcase_add_test(tcase, every_byte_of_data_and_key_counts);
}

int main(void)
{
	return suite_run("hash", fill);
}
