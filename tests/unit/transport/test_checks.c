/*
 * The catalogue as a table.
 */
#include <ctype.h>
#include <string.h>

#include "tests/support/suite.h"
#include "transport/checks.h"

#define PASSIVE_TOTAL 120
#define ACTIVE_TOTAL  342

static void each(void (*judge)(const struct iscsi_check *check,
			       const struct iscsi_check_group *group))
{
	for (size_t g = 0; g < ISCSI_CHECK_GROUPS; g++)
		for (size_t i = 0; i < iscsi_check_groups[g].count; i++)
			judge(&iscsi_check_groups[g].checks[i], &iscsi_check_groups[g]);
}

static void is_complete(const struct iscsi_check *check, const struct iscsi_check_group *group)
{
	const char *texts[] = {check->id,	check->source,	    check->title,
			       check->stimulus, check->expectation, group->title};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_msg(texts[i] && texts[i][0] != '\0', "%s lacks a text", check->id);
	ck_assert_msg(check->severity != ISCSI_SEVERITY_INVALID, "%s", check->id);
	ck_assert_str_ne(iscsi_severity_name(check->severity), "invalid");
	for (const char *c = check->id; *c; c++)
		ck_assert_msg(islower((unsigned char)*c) || isdigit((unsigned char)*c) ||
				      strchr(".-", *c),
			      "%s", check->id);
}

START_TEST(every_row_is_complete)
{
	each(is_complete);
}
END_TEST

static void is_found(const struct iscsi_check *check, const struct iscsi_check_group *group)
{
	const struct iscsi_check_group *found;

	ck_assert_msg(iscsi_check_find(check->id, &found) == check, "%s is there twice", check->id);
	ck_assert_ptr_eq(found, group);
}

START_TEST(every_id_leads_to_its_own_row)
{
	each(is_found);
	ck_assert_ptr_null(iscsi_check_find("no.such.check", NULL));
}
END_TEST

static unsigned passive, active, seen[ISCSI_CHECK_COUNT];

static void count(const struct iscsi_check *check, const struct iscsi_check_group *group)
{
	bool named_active =
		strncmp(check->id, "act.", 4) == 0 || strncmp(check->id, "fault.", 6) == 0;
	bool is_active = check->passive == ISCSI_CHECK_NONE;

	ck_assert_msg(named_active == is_active, "%s", check->id);
	ck_assert_msg((group->code[0] == 'A') == is_active, "%s", check->id);
	active += is_active;
	passive += !is_active;
	seen[check->passive] += !is_active;
}

START_TEST(every_passive_check_has_one_row_and_every_active_one_its_name)
{
	each(count);
	ck_assert_uint_eq(passive, PASSIVE_TOTAL);
	ck_assert_uint_eq(active, ACTIVE_TOTAL);
	ck_assert_uint_eq(ISCSI_CHECKS_TOTAL, PASSIVE_TOTAL + ACTIVE_TOTAL);
	ck_assert_uint_eq(ISCSI_CHECK_COUNT - 1, PASSIVE_TOTAL);
	for (unsigned i = ISCSI_CHECK_NONE + 1; i < ISCSI_CHECK_COUNT; i++) {
		ck_assert_uint_eq(seen[i], 1);
		ck_assert_int_eq(iscsi_check_row((enum iscsi_passive_check)i)->passive, i);
	}
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, every_row_is_complete);
	tcase_add_test(tcase, every_id_leads_to_its_own_row);
	tcase_add_test(tcase, every_passive_check_has_one_row_and_every_active_one_its_name);
}

int main(void)
{
	return suite_run("checks", fill);
}
