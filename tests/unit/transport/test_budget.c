/* limits.data_max, shared by several nodes: one of them may have what the others leave. */
#include "tests/support/suite.h"
#include "transport/budget.h"

#define MAX   1000000
#define NODES 3

static struct iscsi_budget *budget;
static struct iscsi_waker wakers[NODES];
static struct iscsi_purse purses[NODES];
static uint64_t used[NODES], early[NODES];

static void setup(void)
{
	budget = iscsi_budget_create(MAX, NODES);
	ck_assert_ptr_nonnull(budget);
	for (int i = 0; i < NODES; i++) {
		wakers[i] = (struct iscsi_waker){0};
		purses[i] = (struct iscsi_purse){0};
		used[i] = early[i] = 0;
		iscsi_purse_join(&purses[i], budget, &wakers[i]);
	}
}

static void teardown(void)
{
	for (int i = 0; i < NODES; i++)
		iscsi_purse_leave(&purses[i]);
	iscsi_budget_free(&budget);
	ck_assert_ptr_null(budget);
}

/* As memory.c does it. */
static bool take(int i, uint64_t len)
{
	bool fits = (!purses[i].waits && used[i] + len <= purses[i].granted) ||
		    iscsi_purse_reserve(&purses[i], used[i], used[i] + len, used[i] == 0);

	used[i] += fits ? len : 0;
	return fits;
}

static void give(int i, uint64_t len)
{
	used[i] -= len;
	if (iscsi_purse_is_full(&purses[i], used[i]))
		iscsi_purse_trim(&purses[i], used[i], early[i]);
}

static bool take_early(int i, uint64_t len)
{
	bool fits = early[i] + len <= purses[i].early_granted ||
		    iscsi_purse_reserve_early(&purses[i], early[i], early[i] + len);

	early[i] += fits ? len : 0;
	return fits;
}

/* Everybody's loop has a turn. */
static void turn(void)
{
	for (int i = 0; i < NODES; i++)
		if (iscsi_waker_take(&wakers[i]))
			iscsi_purse_trim(&purses[i], used[i], early[i]);
}

START_TEST(one_may_have_all_that_others_leave)
{
	ck_assert(take(0, 1000));
	give(0, 1000);
	ck_assert(take(2, 300000));
	if (!take(1, 700000)) { /* somebody kept some for the next command */
		turn();
		ck_assert(take(1, 700000));
	}
	ck_assert(!take(0, 1));
}
END_TEST

START_TEST(together_they_never_have_more)
{
	uint64_t all = 0;

	for (int round = 0; round < 100; round++)
		for (int i = 0; i < NODES; i++)
			all += take(i, 7000) ? 7000 : 0;
	ck_assert_uint_le(all, MAX);
	ck_assert_uint_le(purses[0].granted + purses[1].granted + purses[2].granted, MAX);
	ck_assert_uint_gt(all, MAX - MAX / 10);
}
END_TEST

START_TEST(small_ones_go_on_without_asking)
{
	ck_assert(take(0, 1000));
	uint64_t granted = purses[0].granted;

	for (int i = 0; i < 100; i++) {
		give(0, 1000);
		ck_assert(take(0, 1000));
		ck_assert_uint_eq(purses[0].granted, granted);
	}
}
END_TEST

START_TEST(who_lacks_is_woken_when_enough_has_come_back)
{
	ck_assert(take(0, 500000) && take(1, 400000));
	ck_assert(!take(2, 300000));
	turn();
	ck_assert(!atomic_load(&wakers[2].due));
	give(0, 100000); /* not enough */
	ck_assert(!atomic_load(&wakers[2].due));
	give(1, 100000);
	ck_assert(atomic_load(&wakers[2].due));
	ck_assert(take(2, 300000));
}
END_TEST

/* A large one does not starve while others do small ones all the time. */
START_TEST(nobody_is_granted_anything_before_who_stands_in_line)
{
	ck_assert(take(0, 480000) && take(1, 480000));
	ck_assert(!take(2, 800000));
	for (int i = 0; i < 8; i++) {
		give(0, 50000);
		ck_assert(!take(0, 50000));
		give(1, 50000);
		ck_assert(!take(1, 50000));
	}
	ck_assert(take(2, 800000));
	ck_assert(take(0, 20000));
	give(2, 800000);
	ck_assert(take(1, 50000));
}
END_TEST

START_TEST(who_leaves_the_line_lets_the_next_go_on)
{
	ck_assert(take(0, 900000));
	ck_assert(!take(1, 500000) && !take(2, 50000));
	turn();
	iscsi_purse_leave_line(&purses[1]);
	ck_assert(atomic_load(&wakers[2].due));
	ck_assert(take(2, 50000));
}
END_TEST

START_TEST(alone_one_may_have_more_than_there_is)
{
	ck_assert(take(0, 1000));
	ck_assert(!take(1, 2 * MAX));
	turn();
	ck_assert(!take(1, 2 * MAX));
	give(0, 1000);
	ck_assert(atomic_load(&wakers[1].due));
	ck_assert(take(1, 2 * MAX));
	ck_assert(!take(0, 1));
	give(1, 2 * MAX);
	ck_assert(take(0, 1));
}
END_TEST

START_TEST(it_is_short_while_somebody_lacks_or_nothing_is_left)
{
	ck_assert(!iscsi_purse_is_short(&purses[0], 0));
	ck_assert(take(0, MAX));
	ck_assert(iscsi_purse_is_short(&purses[0], used[0]));
	ck_assert(iscsi_purse_is_short(&purses[1], 0));
	give(0, MAX);
	turn();
	ck_assert(!iscsi_purse_is_short(&purses[1], 0));
}
END_TEST

START_TEST(early_data_may_take_half_and_one_loop_all_of_that)
{
	ck_assert(take_early(0, 1000));
	ck_assert(!take_early(1, 500000));
	ck_assert(take_early(1, 400000));
	early[0] = 0;
	turn();
	ck_assert(take_early(1, 100000));
	ck_assert(!take_early(2, 1));
}
END_TEST

START_TEST(one_node_alone_has_all_of_it)
{
	struct iscsi_waker waker = {0};
	struct iscsi_purse purse = {0};
	struct iscsi_budget *own = iscsi_budget_create(MAX, 1);

	iscsi_purse_join(&purse, own, &waker);
	ck_assert(iscsi_purse_reserve(&purse, 0, MAX, true));
	ck_assert(!iscsi_purse_reserve(&purse, MAX, MAX + 1, false));
	ck_assert(iscsi_purse_reserve(&purse, MAX - 1, MAX, false));
	iscsi_purse_leave(&purse);
	iscsi_budget_free(&own);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, one_may_have_all_that_others_leave);
	tcase_add_test(tcase, together_they_never_have_more);
	tcase_add_test(tcase, small_ones_go_on_without_asking);
	tcase_add_test(tcase, who_lacks_is_woken_when_enough_has_come_back);
	tcase_add_test(tcase, nobody_is_granted_anything_before_who_stands_in_line);
	tcase_add_test(tcase, who_leaves_the_line_lets_the_next_go_on);
	tcase_add_test(tcase, alone_one_may_have_more_than_there_is);
	tcase_add_test(tcase, it_is_short_while_somebody_lacks_or_nothing_is_left);
	tcase_add_test(tcase, early_data_may_take_half_and_one_loop_all_of_that);
	tcase_add_test(tcase, one_node_alone_has_all_of_it);
}

int main(void)
{
	return suite_run("transport/budget", fill);
}
