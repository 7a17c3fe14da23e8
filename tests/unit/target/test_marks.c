#include "target/marks.h"
#include "tests/support/suite.h"

#define REGION (UINT64_C(64) * 1024)

static struct sbc_marks *marks;

static void setup(void)
{
	marks = sbc_marks_create();
	ck_assert_ptr_nonnull(marks);
}

static void teardown(void)
{
	sbc_marks_free(&marks);
}

START_TEST(many_may_read_and_one_may_write)
{
	ck_assert(sbc_marks_take(marks, 0, SBC_MARK_READ, 0, 512));
	ck_assert(sbc_marks_take(marks, 1, SBC_MARK_READ, 512, 512));
	ck_assert(!sbc_marks_take(marks, 1, SBC_MARK_ALONE, 0, 512));
	sbc_marks_give(marks, 0, 0, 512);
	ck_assert(sbc_marks_take(marks, 1, SBC_MARK_ALONE, 0, 512));
	ck_assert(!sbc_marks_take(marks, 0, SBC_MARK_READ, 0, 512));
	ck_assert(!sbc_marks_take(marks, 0, SBC_MARK_ALONE, 0, 512));
	sbc_marks_give(marks, 1, 0, 512);
	/* It still reads there, in a region that it had to itself. */
	ck_assert(!sbc_marks_take(marks, 0, SBC_MARK_READ, 0, 512));
	sbc_marks_give(marks, 1, 512, 512);
	ck_assert(sbc_marks_take(marks, 0, SBC_MARK_ALONE, 0, 512));
	sbc_marks_give(marks, 0, 0, 512);
}
END_TEST

START_TEST(a_loop_is_not_in_its_own_way)
{
	ck_assert(sbc_marks_take(marks, 7, SBC_MARK_READ, 0, 512));
	ck_assert(sbc_marks_take(marks, 7, SBC_MARK_ALONE, 0, 512));
	ck_assert(sbc_marks_take(marks, 7, SBC_MARK_ALONE, 0, 512));
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(!sbc_marks_take(marks, 3, SBC_MARK_ALONE, 0, 512));
		sbc_marks_give(marks, 7, 0, 512);
	}
	ck_assert(sbc_marks_take(marks, 3, SBC_MARK_ALONE, 0, 512));
	sbc_marks_give(marks, 3, 0, 512);
}
END_TEST

START_TEST(what_cannot_be_taken_whole_is_not_taken)
{
	ck_assert(sbc_marks_take(marks, 2, SBC_MARK_ALONE, 3 * REGION, 1));
	ck_assert(!sbc_marks_take(marks, 1, SBC_MARK_ALONE, 0, 4 * REGION));
	/* Up to the region before it. */
	ck_assert(sbc_marks_take(marks, 1, SBC_MARK_ALONE, 0, 3 * REGION));
	ck_assert(sbc_marks_take(marks, 3, SBC_MARK_ALONE, 4 * REGION, REGION));
	sbc_marks_give(marks, 2, 3 * REGION, 1);
	ck_assert(sbc_marks_take(marks, 1, SBC_MARK_ALONE, 3 * REGION, REGION));
	ck_assert(!sbc_marks_take(marks, 1, SBC_MARK_ALONE, 4 * REGION - 1, 2));
	sbc_marks_give(marks, 3, 4 * REGION, REGION);
	ck_assert(sbc_marks_take(marks, 1, SBC_MARK_ALONE, 4 * REGION - 1, 2));
}
END_TEST

START_TEST(so_many_accesses_of_one_loop_have_room_and_no_more)
{
	for (unsigned i = 0; i < 127; i++)
		ck_assert(sbc_marks_take(marks, 6, SBC_MARK_ALONE, 0, 1));
	ck_assert(!sbc_marks_take(marks, 6, SBC_MARK_ALONE, 0, 1));
	for (unsigned i = 0; i < 127; i++)
		sbc_marks_give(marks, 6, 0, 1);
	ck_assert(sbc_marks_take(marks, 5, SBC_MARK_ALONE, 0, 1));
}
END_TEST

/* Or readers that lend would keep a writer out for as long as they read. */
START_TEST(who_lends_stands_back_for_who_wants_it_alone)
{
	ck_assert(sbc_marks_take(marks, 0, SBC_MARK_LEND, 0, 512));
	ck_assert(sbc_marks_take(marks, 1, SBC_MARK_LEND, 0, 512));
	ck_assert(!sbc_marks_take(marks, 2, SBC_MARK_ALONE, 0, 512));
	ck_assert(!sbc_marks_take(marks, 0, SBC_MARK_LEND, 0, 512));
	ck_assert(sbc_marks_take(marks, 0, SBC_MARK_READ, 0, 512));
	ck_assert(sbc_marks_take(marks, 0, SBC_MARK_LEND, REGION, 512));
	for (unsigned i = 0; i < 2; i++)
		sbc_marks_give(marks, 0, 0, 512);
	sbc_marks_give(marks, 1, 0, 512);
	ck_assert(!sbc_marks_take(marks, 1, SBC_MARK_LEND, 0, 512));
	ck_assert(sbc_marks_take(marks, 2, SBC_MARK_ALONE, 0, 512));
	sbc_marks_give(marks, 2, 0, 512);
	ck_assert(sbc_marks_take(marks, 1, SBC_MARK_LEND, 0, 512));
}
END_TEST

START_TEST(what_nobody_wants_any_more_is_lent)
{
	ck_assert(sbc_marks_take(marks, 0, SBC_MARK_READ, 0, 512));
	ck_assert(!sbc_marks_take(marks, 2, SBC_MARK_ALONE, 0, 512));
	sbc_marks_forget_wishes(marks);
	ck_assert(sbc_marks_take(marks, 1, SBC_MARK_LEND, 0, 512));
	/* And what is taken stays taken. */
	ck_assert(!sbc_marks_take(marks, 2, SBC_MARK_ALONE, 0, 512));
}
END_TEST

START_TEST(what_is_lent_leaves_room_for_what_is_over_soon)
{
	for (unsigned i = 0; i < 63; i++)
		ck_assert(sbc_marks_take(marks, 6, SBC_MARK_LEND, 0, 1));
	ck_assert(!sbc_marks_take(marks, 6, SBC_MARK_LEND, 0, 1));
	ck_assert(sbc_marks_take(marks, 6, SBC_MARK_READ, 0, 1));
	ck_assert(sbc_marks_take(marks, 5, SBC_MARK_LEND, 0, 1));
}
END_TEST

START_TEST(a_whole_medium_has_no_marks)
{
	ck_assert(!sbc_marks_take(marks, 0, SBC_MARK_ALONE, 0, UINT64_C(1) << 40));
	ck_assert(sbc_marks_take(marks, 1, SBC_MARK_ALONE, UINT64_C(1) << 39, 8 << 20));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, many_may_read_and_one_may_write);
	tcase_add_test(tcase, a_loop_is_not_in_its_own_way);
	tcase_add_test(tcase, what_cannot_be_taken_whole_is_not_taken);
	tcase_add_test(tcase, so_many_accesses_of_one_loop_have_room_and_no_more);
	tcase_add_test(tcase, who_lends_stands_back_for_who_wants_it_alone);
	tcase_add_test(tcase, what_nobody_wants_any_more_is_lent);
	tcase_add_test(tcase, what_is_lent_leaves_room_for_what_is_over_soon);
	tcase_add_test(tcase, a_whole_medium_has_no_marks);
}

int main(void)
{
	return suite_run("target/marks", fill);
}
