#include "target/spare.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

#define LEN 64

static bool is_zero(const uint8_t *piece)
{
	for (size_t i = 0; i < LEN; i++)
		if (piece[i] != 0)
			return false;
	return true;
}

START_TEST(what_is_taken_is_zero_also_after_it_was_used)
{
	struct spare_list list = {0};

	for (int i = 0; i < 3; i++) {
		uint8_t *piece = spare_take(&list, LEN);
		ck_assert_ptr_nonnull(piece);
		ck_assert(is_zero(piece));
		memset(piece, 0xff, LEN);
		spare_give(&list, piece);
	}
	spare_clear(&list);
	ck_assert_ptr_null(list.first);
	ck_assert_uint_eq(list.count, 0);
}
END_TEST

START_TEST(no_piece_is_given_out_twice)
{
	struct spare_list list = {0};
	uint8_t *pieces[4];

	for (int i = 0; i < 4; i++)
		pieces[i] = spare_take(&list, LEN);
	for (int i = 0; i < 4; i++)
		spare_give(&list, pieces[i]);
	for (int i = 0; i < 4; i++) {
		pieces[i] = spare_take(&list, LEN);
		for (int k = 0; k < i; k++)
			ck_assert_ptr_ne(pieces[i], pieces[k]);
	}
	for (int i = 0; i < 4; i++)
		free(pieces[i]);
	ck_assert_uint_eq(list.count, 0);
}
END_TEST

START_TEST(no_more_than_so_many_are_kept)
{
	struct spare_list list = {0};

	for (int i = 0; i < SPARE_MAX + 10; i++)
		spare_give(&list, malloc(LEN));
	ck_assert_uint_le(list.count, SPARE_MAX);
	spare_clear(&list);
	spare_give(&list, NULL);
	ck_assert_ptr_null(list.first);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, what_is_taken_is_zero_also_after_it_was_used);
	tcase_add_test(tcase, no_piece_is_given_out_twice);
	tcase_add_test(tcase, no_more_than_so_many_are_kept);
}

int main(void)
{
	return suite_run("target/spare", fill);
}
