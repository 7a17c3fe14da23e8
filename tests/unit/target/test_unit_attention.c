#include "target/unit_attention.h"
#include "tests/support/suite.h"

START_TEST(an_empty_set_has_nothing_to_take)
{
	scsi_ua_set set = 0;
	enum scsi_unit_attention ua = SCSI_UA_COUNT;

	ck_assert(!scsi_ua_take(&set, &ua));
	ck_assert(!scsi_ua_first(set, &ua));
	ck_assert_int_eq(ua, SCSI_UA_COUNT);
}
END_TEST

START_TEST(they_are_taken_in_order_whatever_the_order_of_raising)
{
	scsi_ua_set set = 0;
	enum scsi_unit_attention ua;

	scsi_ua_raise(&set, SCSI_UA_COMMANDS_CLEARED);
	scsi_ua_raise(&set, SCSI_UA_RESERVATIONS_PREEMPTED);
	scsi_ua_raise(&set, SCSI_UA_LOGICAL_UNIT_RESET);
	ck_assert(scsi_ua_take(&set, &ua));
	ck_assert_int_eq(ua, SCSI_UA_LOGICAL_UNIT_RESET);
	ck_assert(scsi_ua_take(&set, &ua));
	ck_assert_int_eq(ua, SCSI_UA_RESERVATIONS_PREEMPTED);
	ck_assert(scsi_ua_take(&set, &ua));
	ck_assert_int_eq(ua, SCSI_UA_COMMANDS_CLEARED);
	ck_assert(!scsi_ua_take(&set, &ua));
}
END_TEST

START_TEST(raised_twice_it_is_taken_once)
{
	scsi_ua_set set = 0;
	enum scsi_unit_attention ua;

	scsi_ua_raise(&set, SCSI_UA_NEXUS_LOSS);
	scsi_ua_raise(&set, SCSI_UA_NEXUS_LOSS);
	ck_assert(scsi_ua_take(&set, &ua));
	ck_assert(!scsi_ua_take(&set, &ua));
}
END_TEST

START_TEST(looking_does_not_take)
{
	scsi_ua_set set = 0;
	enum scsi_unit_attention ua;

	scsi_ua_raise(&set, SCSI_UA_CAPACITY_CHANGED);
	ck_assert(scsi_ua_first(set, &ua));
	ck_assert(scsi_ua_first(set, &ua));
	ck_assert_int_eq(ua, SCSI_UA_CAPACITY_CHANGED);
}
END_TEST

static unsigned code(enum scsi_unit_attention ua)
{
	uint8_t asc, ascq;

	scsi_ua_code(ua, &asc, &ascq);
	return (unsigned)asc << 8 | ascq;
}

START_TEST(codes_are_those_of_the_standard_and_all_different)
{
	ck_assert_uint_eq(code(SCSI_UA_RESERVATIONS_PREEMPTED), 0x2a03);
	ck_assert_uint_eq(code(SCSI_UA_RESERVATIONS_RELEASED), 0x2a04);
	ck_assert_uint_eq(code(SCSI_UA_REGISTRATIONS_PREEMPTED), 0x2a05);
	ck_assert_uint_eq(code(SCSI_UA_COMMANDS_CLEARED), 0x2f00);
	for (unsigned i = 0; i < SCSI_UA_COUNT; i++)
		for (unsigned j = 0; j < i; j++)
			ck_assert_uint_ne(code((enum scsi_unit_attention)i),
					  code((enum scsi_unit_attention)j));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, an_empty_set_has_nothing_to_take);
	tcase_add_test(tcase, they_are_taken_in_order_whatever_the_order_of_raising);
	tcase_add_test(tcase, raised_twice_it_is_taken_once);
	tcase_add_test(tcase, looking_does_not_take);
	tcase_add_test(tcase, codes_are_those_of_the_standard_and_all_different);
}

int main(void)
{
	return suite_run("target/unit_attention", fill);
}
