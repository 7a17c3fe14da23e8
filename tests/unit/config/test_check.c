/* What values must be to each other. */
#include "tests/support/suite.h"

#include <string.h>

#include "tests/unit/config/collect.h"

static const struct clash {
	const char *text, *wanted;
} clashes[] = {
	{"targets = ({ luns = (\n{ number = 3; },\n{ number = 3; }); });",
	 "has two LUNs 3, lines 2 and 3: give each its own `number`"},
	{"portals = ({ address = \"127.0.0.1\"; },\n{ address = \"127.0.0.1:3260\"; });",
	 "portal `127.0.0.1:3260` is there twice, lines 1 and 2"},
	{"targets = ({ name = \"iqn.2026-11.a:b\"; },\n{ name = \"IQN.2026-11.A:B\"; });",
	 "target `iqn.2026-11.a:b` is there twice, lines 1 and 2"},
	{"targets = ({ luns = (\n{ path = \"/a\"; },\n{ path = \"/b\"; },\n{ path = \"/a\"; }); });",
	 "backing file `/a` is used twice, lines 2 and 4"},
	{"targets = ({ luns = ({ path = \"/a\"; }); },\n"
	 "{ name = \"iqn.2026-11.a:b\"; luns = ({ path = \"/a\"; }); });",
	 "backing file `/a` is used twice, lines 1 and 2"},
	{"targets = ({ luns = ({ path = \"/a\"; backing = \"null\"; }); });",
	 "`path` is for backing `file`, this one is `null`"},
	{"targets = ({ luns = ({ size = 1048577; }); });", "is no multiple of block_size 512"},
	{"targets = ({ luns = ({ max_transfer = 65537; }); });",
	 "max_transfer 65537 is no multiple of block_size 512"},
	{"targets = ({ luns = ({ max_transfer = \"2M\"; }); });\n"
	 "limits = { session_data_max = \"1M\"; };",
	 "max_transfer 2M is more than limits.session_data_max 1M"},
	{"targets = ({ portal_groups = [2]; });", "no portal has the group 2"},
	{"targets = ({ portal_groups = [1, 1]; });", "group 1 stands twice"},
	{"policy = { first_burst_len = \"64K\"; max_burst_len = \"32K\"; };",
	 "first_burst_len (65536) must not be more than max_burst_len (32768)"},
};

START_TEST(test_values_that_clash_are_reported)
{
	struct collected collected = collect_problems(clashes[_i].text);
	ck_assert_uint_eq(collected.count, 1);
	ck_assert_msg(strstr(collected.text, clashes[_i].wanted) != NULL, "%s", collected.text);
}
END_TEST

START_TEST(test_free_ports_may_be_asked_for_twice)
{
	struct config *config = collect_sound(
		"portals = ({ address = \"127.0.0.1:0\"; }, { address = \"127.0.0.1:0\"; });");
	config_free(&config);
}
END_TEST

START_TEST(test_more_groups_than_a_target_has_ports_are_refused)
{
	char text[4096] = "portals = (";
	for (int i = 1; i <= CONFIG_PORTAL_GROUPS_MAX + 1; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "%s{ address = \"127.0.0.1:0\"; group = %d; }", i > 1 ? ", " : "", i);
	strcat(text, ");");
	struct collected collected = collect_problems(text);
	ck_assert_ptr_nonnull(strstr(collected.text, "more than 16 different groups"));
}
END_TEST

START_TEST(test_groups_are_listed_once_in_order)
{
	uint16_t groups[CONFIG_PORTAL_GROUPS_MAX];
	struct config *config =
		collect_sound("portals = ({ address = \"127.0.0.1:0\"; group = 7; },"
			      "{ address = \"127.0.0.1:0\"; group = 2; },"
			      "{ address = \"127.0.0.1:0\"; group = 7; });");
	ck_assert_uint_eq(config_portal_groups(config, groups), 2);
	ck_assert_uint_eq(groups[0], 7);
	ck_assert_uint_eq(groups[1], 2);
	config_free(&config);
}
END_TEST

START_TEST(test_changed_values_are_checked_again)
{
	struct collected collected = {.count = 0};
	struct config *config = collect_sound("");
	const struct config_portal twice[] = {{.address = "127.0.0.1:5", .group = 1},
					      {.address = "127.0.0.1:5", .group = 2}};
	ck_assert(config_set_portals(config, twice, 2));
	ck_assert(!config_check(config, "command line", collect_report, &collected));
	ck_assert_str_eq(collected.text,
			 "command line: portal `127.0.0.1:5` is there twice: remove one\n");
	config_free(&config);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, test_values_that_clash_are_reported, 0,
			    sizeof(clashes) / sizeof(clashes[0]));
	tcase_add_test(tcase, test_free_ports_may_be_asked_for_twice);
	tcase_add_test(tcase, test_more_groups_than_a_target_has_ports_are_refused);
	tcase_add_test(tcase, test_groups_are_listed_once_in_order);
	tcase_add_test(tcase, test_changed_values_are_checked_again);
}

int main(void)
{
	return suite_run("config/check", fill);
}
