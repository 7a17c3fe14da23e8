#include "pr_engine/access.h"

#include <string.h>

#include "tests/support/suite.h"

static const enum pr_type all_types[] = {
	PR_TYPE_NONE,
	PR_TYPE_WRITE_EXCLUSIVE,
	PR_TYPE_EXCLUSIVE_ACCESS,
	PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY,
	PR_TYPE_EXCLUSIVE_ACCESS_REGISTRANTS_ONLY,
	PR_TYPE_WRITE_EXCLUSIVE_ALL_REGISTRANTS,
	PR_TYPE_EXCLUSIVE_ACCESS_ALL_REGISTRANTS,
};

#define TYPES (sizeof(all_types) / sizeof(all_types[0]))

/* The table of 4.1: one row a type and standing, by hand; R: read, W: write, -: refused. */
static const struct {
	enum pr_type type;
	enum pr_standing standing;
	const char *permitted;
} rows[] = {
	{PR_TYPE_NONE, PR_STANDING_STRANGER, "RW"},
	{PR_TYPE_NONE, PR_STANDING_REGISTRANT, "RW"},
	{PR_TYPE_WRITE_EXCLUSIVE, PR_STANDING_STRANGER, "R-"},
	{PR_TYPE_WRITE_EXCLUSIVE, PR_STANDING_REGISTRANT, "R-"},
	{PR_TYPE_WRITE_EXCLUSIVE, PR_STANDING_HOLDER, "RW"},
	{PR_TYPE_EXCLUSIVE_ACCESS, PR_STANDING_STRANGER, "--"},
	{PR_TYPE_EXCLUSIVE_ACCESS, PR_STANDING_REGISTRANT, "--"},
	{PR_TYPE_EXCLUSIVE_ACCESS, PR_STANDING_HOLDER, "RW"},
	{PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY, PR_STANDING_STRANGER, "R-"},
	{PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY, PR_STANDING_REGISTRANT, "RW"},
	{PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY, PR_STANDING_HOLDER, "RW"},
	{PR_TYPE_EXCLUSIVE_ACCESS_REGISTRANTS_ONLY, PR_STANDING_STRANGER, "--"},
	{PR_TYPE_EXCLUSIVE_ACCESS_REGISTRANTS_ONLY, PR_STANDING_REGISTRANT, "RW"},
	{PR_TYPE_EXCLUSIVE_ACCESS_REGISTRANTS_ONLY, PR_STANDING_HOLDER, "RW"},
	{PR_TYPE_WRITE_EXCLUSIVE_ALL_REGISTRANTS, PR_STANDING_STRANGER, "R-"},
	{PR_TYPE_WRITE_EXCLUSIVE_ALL_REGISTRANTS, PR_STANDING_REGISTRANT, "RW"},
	{PR_TYPE_WRITE_EXCLUSIVE_ALL_REGISTRANTS, PR_STANDING_HOLDER, "RW"},
	{PR_TYPE_EXCLUSIVE_ACCESS_ALL_REGISTRANTS, PR_STANDING_STRANGER, "--"},
	{PR_TYPE_EXCLUSIVE_ACCESS_ALL_REGISTRANTS, PR_STANDING_REGISTRANT, "RW"},
	{PR_TYPE_EXCLUSIVE_ACCESS_ALL_REGISTRANTS, PR_STANDING_HOLDER, "RW"},
};

START_TEST(each_row_of_the_access_table)
{
	enum pr_type type = rows[_i].type;
	enum pr_standing standing = rows[_i].standing;

	ck_assert(pr_access_permits(type, standing, PR_ACCESS_ALLOW));
	ck_assert_int_eq(pr_access_permits(type, standing, PR_ACCESS_READ),
			 rows[_i].permitted[0] == 'R');
	ck_assert_int_eq(pr_access_permits(type, standing, PR_ACCESS_WRITE),
			 rows[_i].permitted[1] == 'W');
}
END_TEST

START_TEST(a_command_without_a_class_is_refused_even_to_the_holder)
{
	static const enum pr_access_class classes[] = {
		PR_ACCESS_INVALID,     PR_ACCESS_PR_OUT,	  PR_ACCESS_RESERVE,
		PR_ACCESS_CLASS_COUNT, (enum pr_access_class)255,
	};

	for (size_t i = 0; i < TYPES; i++)
		for (size_t j = 0; j < sizeof(classes) / sizeof(classes[0]); j++)
			ck_assert(!pr_access_permits(all_types[i], PR_STANDING_HOLDER, classes[j]));
}
END_TEST

START_TEST(an_undefined_type_refuses_everything)
{
	static const unsigned undefined[] = {2, 4, 9, 15, 16, 255};

	for (size_t i = 0; i < sizeof(undefined) / sizeof(undefined[0]); i++) {
		enum pr_type type = (enum pr_type)undefined[i];
		ck_assert(!pr_access_permits(type, PR_STANDING_HOLDER, PR_ACCESS_ALLOW));
		ck_assert(!pr_access_permits(type, PR_STANDING_HOLDER, PR_ACCESS_READ));
		ck_assert(!pr_access_permits(type, PR_STANDING_HOLDER, PR_ACCESS_WRITE));
	}
}
END_TEST

/* ---- PERSISTENT RESERVE OUT: table 4.3 ---- */

START_TEST(out_actions_against_a_foreign_reservation)
{
	static const struct {
		enum pr_out_action action;
		bool registered, unregistered;
	} actions[] = {
		{PR_OUT_REGISTER, true, true},
		{PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY, true, true},
		{PR_OUT_RELEASE, true, false},
		{PR_OUT_CLEAR, true, false},
		{PR_OUT_PREEMPT, true, false},
		{PR_OUT_PREEMPT_AND_ABORT, true, false},
		{PR_OUT_RESERVE, false, false},
		{PR_OUT_REGISTER_AND_MOVE, false, false},
	};

	for (size_t i = 1; i < TYPES; i++)
		for (size_t j = 0; j < sizeof(actions) / sizeof(actions[0]); j++) {
			enum pr_out_action action = actions[j].action;
			ck_assert_int_eq(
				pr_access_permits_out(all_types[i], PR_STANDING_STRANGER, action),
				actions[j].unregistered);
			ck_assert_int_eq(
				pr_access_permits_out(all_types[i], PR_STANDING_REGISTRANT, action),
				actions[j].registered);
			ck_assert(pr_access_permits_out(all_types[i], PR_STANDING_HOLDER, action));
		}
}
END_TEST

START_TEST(out_actions_start_where_nothing_is_reserved)
{
	for (unsigned action = 0; action < PR_OUT_ACTION_COUNT; action++)
		ck_assert(pr_access_permits_out(PR_TYPE_NONE, PR_STANDING_STRANGER,
						(enum pr_out_action)action));
}
END_TEST

START_TEST(an_unknown_out_action_never_starts)
{
	ck_assert(!pr_access_permits_out(PR_TYPE_NONE, PR_STANDING_HOLDER, PR_OUT_ACTION_COUNT));
	ck_assert(!pr_access_permits_out(PR_TYPE_WRITE_EXCLUSIVE, PR_STANDING_HOLDER,
					 (enum pr_out_action)31));
}
END_TEST

/* ---- SPC-2 RESERVE and RELEASE: table 5.1 ---- */

START_TEST(spc2_reserve_works_without_registrations)
{
	ck_assert_int_eq(pr_access_spc2(true, 0, PR_TYPE_NONE, PR_STANDING_STRANGER),
			 PR_SPC2_PROCEED);
	ck_assert_int_eq(pr_access_spc2(false, 0, PR_TYPE_NONE, PR_STANDING_STRANGER),
			 PR_SPC2_PROCEED);
}
END_TEST

START_TEST(spc2_reserve_conflicts_with_registrations_alone)
{
	ck_assert_int_eq(pr_access_spc2(true, 1, PR_TYPE_NONE, PR_STANDING_STRANGER),
			 PR_SPC2_CONFLICT);
	ck_assert_int_eq(pr_access_spc2(true, 1, PR_TYPE_NONE, PR_STANDING_REGISTRANT),
			 PR_SPC2_CONFLICT);
	/* Of nothing nobody is a holder; should somebody say so, the answer is the strict one. */
	ck_assert_int_eq(pr_access_spc2(true, 1, PR_TYPE_NONE, PR_STANDING_HOLDER),
			 PR_SPC2_CONFLICT);
}
END_TEST

START_TEST(spc2_reserve_next_to_a_reservation_has_no_effect_for_whom_it_serves)
{
	for (size_t i = 1; i < TYPES; i++) {
		enum pr_type type = all_types[i];
		bool for_registrants = type >= 5;
		ck_assert_int_eq(pr_access_spc2(true, 2, type, PR_STANDING_HOLDER),
				 PR_SPC2_NO_EFFECT);
		ck_assert_int_eq(pr_access_spc2(true, 2, type, PR_STANDING_REGISTRANT),
				 for_registrants ? PR_SPC2_NO_EFFECT : PR_SPC2_CONFLICT);
		ck_assert_int_eq(pr_access_spc2(true, 2, type, PR_STANDING_STRANGER),
				 PR_SPC2_CONFLICT);
	}
}
END_TEST

START_TEST(spc2_reserve_without_compatible_handling_always_conflicts)
{
	for (size_t i = 0; i < TYPES; i++)
		ck_assert_int_eq(pr_access_spc2(false, 1, all_types[i], PR_STANDING_HOLDER),
				 PR_SPC2_CONFLICT);
}
END_TEST

/* ---- for people ---- */

START_TEST(the_rule_names_what_refuses)
{
	ck_assert_str_eq(
		pr_access_rule(PR_TYPE_WRITE_EXCLUSIVE, PR_STANDING_REGISTRANT, PR_ACCESS_WRITE),
		"Write Exclusive: only the holder writes");
	ck_assert_str_eq(
		pr_access_rule(PR_TYPE_EXCLUSIVE_ACCESS, PR_STANDING_REGISTRANT, PR_ACCESS_READ),
		"Exclusive Access: only the holder reads or writes");
	ck_assert_str_eq(pr_access_rule(PR_TYPE_WRITE_EXCLUSIVE_ALL_REGISTRANTS,
					PR_STANDING_STRANGER, PR_ACCESS_WRITE),
			 "Write Exclusive for registrants: only registered nexuses write");
	ck_assert_str_eq(pr_access_rule(PR_TYPE_EXCLUSIVE_ACCESS_REGISTRANTS_ONLY,
					PR_STANDING_STRANGER, PR_ACCESS_READ),
			 "Exclusive Access for registrants: only registered nexuses read or write");
}
END_TEST

START_TEST(there_is_a_rule_for_everything)
{
	for (unsigned type = 0; type < 20; type++)
		for (unsigned standing = 0; standing <= PR_STANDING_HOLDER; standing++)
			for (unsigned class = 0; class <= PR_ACCESS_CLASS_COUNT; class ++) {
				const char *rule = pr_access_rule((enum pr_type)type,
								  (enum pr_standing)standing,
								  (enum pr_access_class) class);
				bool permitted = pr_access_permits((enum pr_type)type,
								   (enum pr_standing)standing,
								   (enum pr_access_class) class);
				ck_assert_ptr_nonnull(rule);
				ck_assert_int_eq(strstr(rule, "lets this command through") != NULL,
						 permitted);
			}
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, each_row_of_the_access_table, 0,
			    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tcase, a_command_without_a_class_is_refused_even_to_the_holder);
	tcase_add_test(tcase, an_undefined_type_refuses_everything);
	tcase_add_test(tcase, out_actions_against_a_foreign_reservation);
	tcase_add_test(tcase, out_actions_start_where_nothing_is_reserved);
	tcase_add_test(tcase, an_unknown_out_action_never_starts);
	tcase_add_test(tcase, spc2_reserve_works_without_registrations);
	tcase_add_test(tcase, spc2_reserve_conflicts_with_registrations_alone);
	tcase_add_test(tcase, spc2_reserve_next_to_a_reservation_has_no_effect_for_whom_it_serves);
	tcase_add_test(tcase, spc2_reserve_without_compatible_handling_always_conflicts);
	tcase_add_test(tcase, the_rule_names_what_refuses);
	tcase_add_test(tcase, there_is_a_rule_for_everything);
}

int main(void)
{
	return suite_run("access", fill);
}
