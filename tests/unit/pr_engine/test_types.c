#include "pr_engine/types.h"

#include <string.h>

#include "tests/support/suite.h"

static const struct pr_nexus_id base = {
	.initiator_name = "iqn.2020-01.test:a",
	.isid = {0x00, 0x02, 0x3d, 0, 0, 1},
	.relative_target_port_id = 1,
};

START_TEST(a_nexus_equals_itself_whatever_follows_the_name)
{
	struct pr_nexus_id other = base;

	other.initiator_name[PR_INITIATOR_NAME_MAX] = 'x';
	ck_assert(pr_nexus_id_equal(&base, &other));
}
END_TEST

START_TEST(name_isid_and_target_port_all_tell_nexuses_apart)
{
	struct pr_nexus_id other = base;

	other.initiator_name[0] = 'x';
	ck_assert(!pr_nexus_id_equal(&base, &other));
	other = base;
	other.initiator_name[3] = '\0';
	ck_assert(!pr_nexus_id_equal(&base, &other));
	other = base;
	other.isid[5] = 2;
	ck_assert(!pr_nexus_id_equal(&base, &other));
	other = base;
	other.relative_target_port_id = 2;
	ck_assert(!pr_nexus_id_equal(&base, &other));
}
END_TEST

START_TEST(six_types_are_defined)
{
	for (unsigned type = 0; type < 300; type++) {
		bool defined =
			type == 1 || type == 3 || type == 5 || type == 6 || type == 7 || type == 8;
		ck_assert_int_eq(pr_type_is_defined(type), defined);
	}
}
END_TEST

START_TEST(every_action_and_type_has_a_name)
{
	ck_assert_str_eq(pr_out_action_name(PR_OUT_REGISTER), "REGISTER");
	ck_assert_str_eq(pr_out_action_name(PR_OUT_PREEMPT_AND_ABORT), "PREEMPT AND ABORT");
	ck_assert_str_eq(pr_out_action_name(PR_OUT_REGISTER_AND_MOVE), "REGISTER AND MOVE");
	ck_assert_str_eq(pr_in_action_name(PR_IN_READ_KEYS), "READ KEYS");
	ck_assert_str_eq(pr_in_action_name(PR_IN_READ_FULL_STATUS), "READ FULL STATUS");
	ck_assert_str_eq(pr_type_name(6), "Exclusive Access - Registrants Only");
	for (unsigned action = 0; action < PR_OUT_ACTION_COUNT; action++)
		ck_assert_str_ne(pr_out_action_name(action), "unknown service action");
	for (unsigned type = 0; type < 300; type++)
		ck_assert_int_eq(strcmp(pr_type_name(type), "unknown type") != 0,
				 type == 0 || pr_type_is_defined(type));
}
END_TEST

START_TEST(names_of_the_unknown_are_told_as_unknown)
{
	ck_assert_str_eq(pr_out_action_name(8), "unknown service action");
	ck_assert_str_eq(pr_out_action_name(UINT32_MAX), "unknown service action");
	ck_assert_str_eq(pr_in_action_name(4), "unknown service action");
	ck_assert_str_eq(pr_in_action_name(UINT32_MAX), "unknown service action");
	ck_assert_str_eq(pr_type_name(UINT32_MAX), "unknown type");
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, a_nexus_equals_itself_whatever_follows_the_name);
	tcase_add_test(tcase, name_isid_and_target_port_all_tell_nexuses_apart);
	tcase_add_test(tcase, six_types_are_defined);
	tcase_add_test(tcase, every_action_and_type_has_a_name);
	tcase_add_test(tcase, names_of_the_unknown_are_told_as_unknown);
}

int main(void)
{
	return suite_run("types", fill);
}
