#include "tests/support/suite.h"
#include "transport/polling.h"

#define US	 UINT64_C(1000)
#define START_NS (UINT64_C(5000000) * US)

static struct iscsi_polling polling;

static void setup(void)
{
	iscsi_polling_init(&polling, 50);
}

START_TEST(without_a_limit_nobody_polls)
{
	iscsi_polling_init(&polling, 0);
	iscsi_polling_worked(&polling, START_NS);
	iscsi_polling_worked(&polling, START_NS);
	ck_assert(!iscsi_polling_goes_on(&polling, START_NS));
}
END_TEST

START_TEST(the_first_work_after_a_long_time_is_no_reason)
{
	iscsi_polling_worked(&polling, START_NS);
	ck_assert(!iscsi_polling_goes_on(&polling, START_NS));
}
END_TEST

START_TEST(work_that_comes_again_soon_is_waited_for_and_no_longer_than_the_limit)
{
	iscsi_polling_worked(&polling, START_NS);
	iscsi_polling_worked(&polling, START_NS + 40 * US);
	ck_assert(iscsi_polling_goes_on(&polling, START_NS + 40 * US));
	ck_assert(iscsi_polling_goes_on(&polling, START_NS + 90 * US - 1));
	ck_assert(!iscsi_polling_goes_on(&polling, START_NS + 90 * US));
	ck_assert(!iscsi_polling_goes_on(&polling, START_NS + 5000 * US));
}
END_TEST

START_TEST(where_it_does_not_pay_it_becomes_less_until_it_is_none)
{
	uint64_t now = START_NS, before = 50 * US;

	iscsi_polling_worked(&polling, now);
	iscsi_polling_worked(&polling, now);
	for (int i = 0; i < 10; i++) {
		now += 1000 * US;
		iscsi_polling_worked(&polling, now);
		ck_assert(polling.window_ns < before || before == 0);
		before = polling.window_ns;
	}
	ck_assert(!iscsi_polling_goes_on(&polling, now));
	/* And all of it as soon as it pays. */
	iscsi_polling_worked(&polling, now + 10 * US);
	ck_assert(iscsi_polling_goes_on(&polling, now + 59 * US));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, without_a_limit_nobody_polls);
	tcase_add_test(tcase, the_first_work_after_a_long_time_is_no_reason);
	tcase_add_test(tcase,
		       work_that_comes_again_soon_is_waited_for_and_no_longer_than_the_limit);
	tcase_add_test(tcase, where_it_does_not_pay_it_becomes_less_until_it_is_none);
}

int main(void)
{
	return suite_run("transport/polling", fill);
}
