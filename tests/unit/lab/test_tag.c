/*
 * Tagged blocks.
 */
#include <string.h>

#include "tests/support/suite.h"
#include "tools/lab/tag.h"

#define RUN 0x1122334455667788

static const struct history_tag sample = {
	.written = true, .nexus = 7, .sequence = 0x100000002, .generation_seen = 41};

static struct history_tag written_and_read(size_t block_size, uint64_t read_run, uint64_t read_lba,
					   bool *ret_misplaced)
{
	uint8_t block[4096];
	tag_fill(block, block_size, RUN, 5, &sample);
	return tag_of(block, block_size, read_run, read_lba, ret_misplaced);
}

START_TEST(a_tag_is_read_as_it_was_written)
{
	for (size_t size = 512; size <= 4096; size *= 8) {
		struct history_tag tag = written_and_read(size, RUN, 5, NULL);
		ck_assert(tag.written);
		ck_assert(!tag.torn);
		ck_assert_uint_eq(tag.nexus, 7);
		ck_assert_uint_eq(tag.sequence, 0x100000002);
		ck_assert_uint_eq(tag.generation_seen, 41);
	}
}
END_TEST

START_TEST(another_run_s_tag_is_none)
{
	struct history_tag tag = written_and_read(512, RUN + 1, 5, NULL);
	ck_assert(!tag.written);
	ck_assert(!tag.torn);
}
END_TEST

START_TEST(a_tag_in_the_wrong_place_is_told)
{
	bool misplaced = false;
	struct history_tag tag = written_and_read(512, RUN, 6, &misplaced);
	ck_assert(!tag.written);
	ck_assert(misplaced);
}
END_TEST

START_TEST(zeros_are_no_tag)
{
	uint8_t block[512] = {0};
	bool misplaced = true;
	struct history_tag tag = tag_of(block, sizeof(block), RUN, 0, &misplaced);
	ck_assert(!tag.written);
	ck_assert(!tag.torn);
	ck_assert(!misplaced);
}
END_TEST

/* Wherever the border between two writes lies. */
START_TEST(two_writes_in_one_block_are_torn)
{
	struct history_tag other = sample;
	uint8_t first[512], second[512], block[512];
	other.sequence++;
	tag_fill(first, sizeof(first), RUN, 5, &sample);
	tag_fill(second, sizeof(second), RUN, 5, &other);
	for (size_t border = 1; border < sizeof(block); border++) {
		memcpy(block, first, border);
		memcpy(block + border, second + border, sizeof(block) - border);
		if (memcmp(block, first, sizeof(block)) == 0 ||
		    memcmp(block, second, sizeof(block)) == 0)
			continue;
		struct history_tag tag = tag_of(block, sizeof(block), RUN, 5, NULL);
		ck_assert_msg(tag.torn, "border %zu", border);
	}
}
END_TEST

START_TEST(a_write_over_the_second_half_of_foreign_data_is_torn)
{
	uint8_t block[512];
	tag_fill(block, sizeof(block), RUN, 5, &sample);
	memset(block, 0xaa, 96);
	ck_assert(tag_of(block, sizeof(block), RUN, 5, NULL).torn);
}
END_TEST

START_TEST(a_flipped_bit_is_never_another_tag)
{
	uint8_t block[512];
	for (size_t bit = 0; bit < (size_t)TAG_SIZE * 8; bit++) {
		tag_fill(block, sizeof(block), RUN, 5, &sample);
		block[bit / 8] ^= (uint8_t)(1u << bit % 8);
		struct history_tag tag = tag_of(block, sizeof(block), RUN, 5, NULL);
		ck_assert(!tag.written || tag.torn);
	}
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, a_tag_is_read_as_it_was_written);
	tcase_add_test(tcase, another_run_s_tag_is_none);
	tcase_add_test(tcase, a_tag_in_the_wrong_place_is_told);
	tcase_add_test(tcase, zeros_are_no_tag);
	tcase_add_test(tcase, two_writes_in_one_block_are_torn);
	tcase_add_test(tcase, a_write_over_the_second_half_of_foreign_data_is_torn);
	tcase_add_test(tcase, a_flipped_bit_is_never_another_tag);
}

int main(void)
{
	return suite_run("lab/tag", fill);
}
