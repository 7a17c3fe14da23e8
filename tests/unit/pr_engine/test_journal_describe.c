#include <string.h>

#include "pr_engine/journal_recover.h"
#include "tests/support/suite.h"

static const char *described(const struct pr_change *change)
{
	static char text[400];

	pr_change_describe(change, text, sizeof text);
	return text;
}

START_TEST(added_registration_says_who_and_with_which_key)
{
	struct pr_change change = {
		.op = PR_CHANGE_ADD,
		.registration_id = 5,
		.key = 0xabc,
		.nexus = {.initiator_name = "iqn.1994-05.com.example:host",
			  .isid = {0, 2, 0x3d, 0, 0, 1},
			  .relative_target_port_id = 2},
	};

	ck_assert_str_eq(described(&change),
			 "registered iqn.1994-05.com.example:host (ISID 00023d000001, port 2) with "
			 "key 0x0000000000000abc as registration 5");
}
END_TEST

START_TEST(every_change_has_words)
{
	static const struct {
		struct pr_change change;
		const char *text;
	} cases[] = {
		{{.op = PR_CHANGE_REMOVE, .registration_id = 5}, "removed registration 5"},
		{{.op = PR_CHANGE_REMOVE_ALL}, "removed every registration and the reservation"},
		{{.op = PR_CHANGE_SET_KEY, .registration_id = 5, .key = 1},
		 "changed the key of registration 5 to 0x0000000000000001"},
		{{.op = PR_CHANGE_RELEASE}, "released the reservation"},
		{{.op = PR_CHANGE_APTPL, .aptpl = true},
		 "turned persistence through power loss on"},
		{{.op = PR_CHANGE_APTPL}, "turned persistence through power loss off"},
		{{.op = PR_CHANGE_NEXT_ID, .registration_id = 9}, "next registration is 9"},
		{{.op = PR_CHANGE_INVALID}, "unknown change"},
	};

	ck_assert_int_lt(_i, (int)(sizeof cases / sizeof cases[0]));
	ck_assert_str_eq(described(&cases[_i].change), cases[_i].text);
}
END_TEST

START_TEST(reservation_says_its_type_and_holder)
{
	struct pr_change change = {
		.op = PR_CHANGE_RESERVE, .type = PR_TYPE_WRITE_EXCLUSIVE, .registration_id = 5};

	ck_assert_ptr_nonnull(strstr(described(&change), pr_type_name(PR_TYPE_WRITE_EXCLUSIVE)));
	ck_assert_ptr_nonnull(strstr(described(&change), "registration 5"));
	change.registration_id = 0;
	ck_assert_ptr_nonnull(strstr(described(&change), "all registrants"));
}
END_TEST

START_TEST(name_cannot_act_on_a_terminal)
{
	struct pr_change change = {.op = PR_CHANGE_ADD, .nexus.initiator_name = "a\033[2Jb\n\177"};

	ck_assert_ptr_nonnull(strstr(described(&change), "registered a?[2Jb?? ("));
}
END_TEST

START_TEST(short_buffer_is_cut_and_ends_with_a_nul)
{
	struct pr_change change = {.op = PR_CHANGE_RELEASE};
	char text[9];

	memset(text, 'x', sizeof text);
	pr_change_describe(&change, text, sizeof text);
	ck_assert_str_eq(text, "released");
}
END_TEST

START_TEST(every_health_has_its_own_name)
{
	for (int a = PR_JOURNAL_EMPTY; a <= PR_JOURNAL_IO_ERROR; a++) {
		const char *name = pr_journal_health_name((enum pr_journal_health)a);
		ck_assert_str_ne(name, "unknown");
		for (int b = PR_JOURNAL_EMPTY; b < a; b++)
			ck_assert_str_ne(name, pr_journal_health_name((enum pr_journal_health)b));
	}
	ck_assert_str_eq(pr_journal_health_name(PR_JOURNAL_INVALID), "unknown");
}
END_TEST

START_TEST(every_fault_is_explained_within_its_room)
{
	struct pr_journal_identity longest = {.lun = 65535};
	struct pr_journal_report report = {
		.health = PR_JOURNAL_DAMAGED,
		.size = UINT64_MAX,
		.records = UINT64_MAX,
		.damage_offset = UINT64_MAX,
		.error = -5,
	};

	memset(longest.target_name, 'n', PR_INITIATOR_NAME_MAX);
	pr_journal_explain((enum pr_journal_fault)_i, &longest, &longest, &report);
	size_t len = strlen(report.explanation);
	ck_assert_uint_gt(len, 20);
	ck_assert_uint_lt(len, sizeof report.explanation - 1);
	ck_assert_int_eq(report.explanation[len - 1], '.');
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, added_registration_says_who_and_with_which_key);
	tcase_add_loop_test(tcase, every_change_has_words, 0, 8);
	tcase_add_test(tcase, reservation_says_its_type_and_holder);
	tcase_add_test(tcase, name_cannot_act_on_a_terminal);
	tcase_add_test(tcase, short_buffer_is_cut_and_ends_with_a_nul);
	tcase_add_test(tcase, every_health_has_its_own_name);
	tcase_add_loop_test(tcase, every_fault_is_explained_within_its_room, PR_FAULT_NONE,
			    PR_FAULT_TORN_TAIL + 1);
}

int main(void)
{
	return suite_run("journal_describe", fill);
}
