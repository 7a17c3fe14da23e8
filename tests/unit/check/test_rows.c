/* Every active check of the catalogue is tried, in words that mean something. */
#include <string.h>

#include "tests/support/suite.h"
#include "tools/check/judge.h"
#include "tools/check/row.h"

START_TEST(every_active_check_has_a_run)
{
	for (size_t g = 0; g < ISCSI_CHECK_GROUPS; g++) {
		const struct iscsi_check_group *group = &iscsi_check_groups[g];
		for (size_t i = 0; i < group->count; i++) {
			size_t count = 0;
			const struct check_run *run = check_runs_find(group->checks[i].id, &count);
			bool active = group->checks[i].passive == ISCSI_CHECK_NONE;
			ck_assert_msg((run != NULL) == active, "%s", group->checks[i].id);
		}
	}
}
END_TEST

static const struct check_run *each_run(size_t *group, size_t *index)
{
	while (*group < CHECK_ROW_GROUPS && *index == check_rows[*group]->count) {
		(*group)++;
		*index = 0;
	}
	return *group < CHECK_ROW_GROUPS ? &check_rows[*group]->runs[(*index)++] : NULL;
}

START_TEST(every_run_is_of_a_check_and_its_runs_are_neighbours)
{
	const struct check_run *run;
	size_t group = 0, index = 0, count;

	while ((run = each_run(&group, &index)) != NULL) {
		const struct check_run *first = check_runs_find(run->id, &count);
		ck_assert_msg(iscsi_check_find(run->id, NULL) != NULL, "%s", run->id);
		ck_assert_msg(run >= first && run < first + count, "%s", run->id);
	}
}
END_TEST

START_TEST(every_requirement_is_of_the_vocabulary)
{
	const struct check_run *run;
	size_t group = 0, index = 0;
	char why[256] = "";

	while ((run = each_run(&group, &index)) != NULL) {
		if (run->needs)
			ck_assert_msg(check_requirement_parses(run->needs, why, sizeof(why)),
				      "%s: %s", run->id, why);
		for (size_t i = 0; i < CHECK_MUST_MAX && run->must[i]; i++)
			ck_assert_msg(check_requirement_parses(run->must[i], why, sizeof(why)),
				      "%s: %s", run->id, why);
	}
}
END_TEST

START_TEST(a_run_requires_something_or_says_why_it_cannot)
{
	const struct check_run *run;
	size_t group = 0, index = 0;

	while ((run = each_run(&group, &index)) != NULL) {
		ck_assert_msg((run->never != NULL) != (run->must[0] != NULL), "%s", run->id);
		if (run->never)
			continue;
		ck_assert_msg(run->work != CHECK_WORK_INVALID, "%s", run->id);
		ck_assert_ptr_nonnull(check_work_name(run->work));
		ck_assert_ptr_nonnull(check_work_words(run->work));
	}
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, every_active_check_has_a_run);
	tcase_add_test(tcase, every_run_is_of_a_check_and_its_runs_are_neighbours);
	tcase_add_test(tcase, every_requirement_is_of_the_vocabulary);
	tcase_add_test(tcase, a_run_requires_something_or_says_why_it_cannot);
}

int main(void)
{
	return suite_run("check/rows", fill);
}
