/* Personalities: built-in ones, what a file makes of them, and what LUNs take from them. */
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

#include "pr_engine/profile.h"
#include "tests/unit/config/collect.h"

static void assert_says(const char *text, const char *wanted)
{
	struct collected collected = collect_problems(text);
	ck_assert_msg(strstr(collected.text, wanted) != NULL, "wanted: %s\ngot: %s", wanted,
		      collected.text);
}

static const struct config_personality *find(const struct config *config, const char *name)
{
	const struct config_personality *found = config_personality_find(config, name);
	ck_assert_msg(found != NULL, "no personality %s", name);
	return found;
}

static void assert_is_profile(const struct config_personality *a, const struct pr_profile *b)
{
	ck_assert_str_eq(a->name, b->name);
	ck_assert_uint_eq(a->types, b->types);
	ck_assert_uint_eq(a->in_actions, b->in_actions);
	ck_assert_uint_eq(a->out_actions, b->out_actions);
	ck_assert_uint_eq(a->allow_commands, b->allow_commands);
	ck_assert_int_eq(a->specify_initiator_ports, b->specify_initiator_ports);
	ck_assert_int_eq(a->all_target_ports, b->all_target_ports);
	ck_assert_int_eq(a->compatible_handling, b->compatible_handling);
	ck_assert_int_eq(a->persist_through_power_loss, b->persist_through_power_loss);
	ck_assert_int_eq(a->tas_changeable, b->tas_changeable);
	ck_assert_int_eq(a->preempt_removes_own_key, b->preempt_removes_own_key);
	ck_assert_int_eq(a->preempt_always_checks_type, b->preempt_always_checks_type);
	ck_assert_int_eq(a->preempt_of_key_0_conflicts, b->preempt_of_key_0_conflicts);
	ck_assert_int_eq(a->preempt_unit_attention == CONFIG_UNIT_ATTENTION_RESERVATIONS_PREEMPTED,
			 b->preempt_unit_attention == PR_UA_RESERVATIONS_PREEMPTED);
	ck_assert_int_eq(a->preempt_unit_attention == CONFIG_UNIT_ATTENTION_REGISTRATIONS_PREEMPTED,
			 b->preempt_unit_attention == PR_UA_REGISTRATIONS_PREEMPTED);
	ck_assert_uint_eq(a->clear_unit_attention, CONFIG_UNIT_ATTENTION_RESERVATIONS_PREEMPTED);
	ck_assert_int_eq(b->clear_unit_attention, PR_UA_RESERVATIONS_PREEMPTED);
}

START_TEST(the_two_profiles_are_those_of_the_engine)
{
	const struct config none = {.personality_count = 0};

	assert_is_profile(find(&none, "dlt-s4"), &pr_profile_dlt_s4);
	assert_is_profile(find(&none, "spc4"), &pr_profile_spc4);
}
END_TEST

START_TEST(they_are_found_by_their_exact_names)
{
	const struct config none = {.personality_count = 0};

	ck_assert_str_eq(find(&none, "dlt-s4")->name, "dlt-s4");
	ck_assert_str_eq(find(&none, "spc4")->name, "spc4");
	ck_assert_ptr_null(config_personality_find(&none, "DLT-S4"));
	ck_assert_ptr_null(config_personality_find(&none, ""));
	ck_assert_ptr_null(config_personality_find(&none, "spc45"));
}
END_TEST

START_TEST(built_in_ones_are_whole_and_have_names_of_their_own)
{
	const struct config none = {.personality_count = 0};
	const struct config_personality *builtin;

	for (uint32_t i = 0; (builtin = config_personality_builtin(i)) != NULL; i++) {
		ck_assert_ptr_eq(config_personality_find(&none, builtin->name), builtin);
		ck_assert_uint_ne(builtin->types, 0);
		ck_assert_uint_ne(builtin->in_actions, 0);
		ck_assert_uint_ne(builtin->out_actions, 0);
		ck_assert_uint_ge(strlen(builtin->vendor), 1);
		ck_assert_uint_ge(strlen(builtin->product), 1);
		ck_assert_uint_ge(strlen(builtin->revision), 1);
	}
}
END_TEST

START_TEST(what_is_not_given_is_that_of_the_base)
{
	struct config *config = collect_sound(
		"personalities = ({ name = \"a\"; base = \"3par\"; types = [\"exclusive-access\"]; },"
		" { name = \"b\"; base = \"a\"; persist_through_power_loss = false; },"
		" { name = \"c\"; });");
	const struct config_personality *a = find(config, "a"), *b = find(config, "b");

	ck_assert_uint_eq(a->types, 1 << 3);
	ck_assert_str_eq(a->vendor, "3PARdata");
	ck_assert(!a->preempt_removes_own_key);
	ck_assert(a->persist_through_power_loss);
	ck_assert_uint_eq(b->types, 1 << 3);
	ck_assert_str_eq(b->vendor, "3PARdata");
	ck_assert(!b->persist_through_power_loss);
	ck_assert_uint_eq(find(config, "c")->types, pr_profile_spc4.types);
	config_free(&config);
}
END_TEST

START_TEST(overrides_are_added_to_those_of_the_base)
{
	struct config *config = collect_sound(
		"personalities = ({ name = \"a\"; bytes = ({ page = \"inquiry\"; offset = 2; "
		"value = \"05\"; }); }, { name = \"b\"; base = \"a\"; bytes = ("
		"{ page = \"vpd:b0\"; offset = 4; value = \"01 0aFf\"; },"
		"{ page = \"mode:A,1\"; offset = 6; value = \"7f\"; }); });");
	const struct config_personality *b = find(config, "b");

	ck_assert_uint_eq(b->override_count, 3);
	ck_assert_int_eq(b->overrides[0].data, CONFIG_OVERRIDE_INQUIRY);
	ck_assert_int_eq(b->overrides[1].data, CONFIG_OVERRIDE_VPD);
	ck_assert_uint_eq(b->overrides[1].code, 0xb0);
	ck_assert_uint_eq(b->overrides[1].offset, 4);
	ck_assert_uint_eq(b->overrides[1].len, 3);
	ck_assert_mem_eq(b->overrides[1].values, "\x01\x0a\xff", 3);
	ck_assert_int_eq(b->overrides[2].data, CONFIG_OVERRIDE_MODE);
	ck_assert_uint_eq(b->overrides[2].code, 0x0a);
	ck_assert_uint_eq(b->overrides[2].subpage, 1);
	ck_assert_uint_eq(find(config, "a")->override_count, 1);
	config_free(&config);
}
END_TEST

START_TEST(a_lun_takes_what_it_does_not_say)
{
	struct config *config = collect_sound(
		"targets = ({ luns = ({ profile = \"lio\"; }, { profile = \"lio\"; tas = false; "
		"vendor = \"ME\"; }, { }); });");
	const struct config_lun *luns = config->targets[0].luns;

	ck_assert_str_eq(luns[0].vendor, "LIO-ORG");
	ck_assert(luns[0].tas);
	ck_assert_str_eq(luns[1].vendor, "ME");
	ck_assert_str_eq(luns[1].revision, "4.0");
	ck_assert(!luns[1].tas);
	ck_assert_str_eq(luns[2].vendor, "HOLDFAST");
	config_free(&config);
}
END_TEST

START_TEST(another_profile_leaves_what_the_file_said)
{
	struct config *config = collect_sound("targets = ({ luns = ({ product = \"MINE\"; }); });");
	struct config_lun *lun = &config->targets[0].luns[0];

	config_lun_set_profile(config, lun, "lio");
	ck_assert_str_eq(lun->profile, "lio");
	ck_assert_str_eq(lun->vendor, "LIO-ORG");
	ck_assert_str_eq(lun->product, "MINE");
	ck_assert(lun->tas);
	config_free(&config);
}
END_TEST

START_TEST(a_lun_by_itself_may_be_one_of_the_files)
{
	struct config *config = collect_sound(
		"personalities = ({ name = \"mine\"; vendor = \"ME\"; bytes = ({ page = "
		"\"inquiry\"; offset = 2; value = \"05\"; }); });");
	const struct config_setting_text profile = {"profile", "mine"};
	struct collected said = {.count = 0};
	struct config_lun lun;

	ck_assert_msg(config_load_lun(config, 3, &profile, 1, collect_report, &said, &lun), "%s",
		      said.text);
	ck_assert_str_eq(lun.profile, "mine");
	ck_assert_str_eq(lun.vendor, "ME");
	config_free(&config);
}
END_TEST

START_TEST(what_is_printed_loads_to_the_same)
{
	struct config *config = collect_sound(
		"personalities = ({ name = \"a\"; base = \"ctl\"; tas = true; bytes = ("
		"{ page = \"inquiry\"; offset = 2; value = \"05\"; }); },"
		"{ name = \"b\"; base = \"a\"; clear_unit_attention = \"none\"; bytes = ("
		"{ page = \"vpd:80\"; offset = 4; value = \"41\"; }); });");
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	config_print(config, out);
	fclose(out);
	struct config *again = collect_sound(text);
	for (uint32_t i = 0; i < 2; i++) {
		struct config_personality one = config->personalities[i];
		struct config_personality other = again->personalities[i];
		ck_assert_uint_eq(other.override_count, i + 1);
		for (uint32_t o = 0; o < other.override_count; o++)
			ck_assert_str_eq(one.overrides[o].page, other.overrides[o].page);
		one.overrides = other.overrides = NULL;
		one.line = other.line = 0;
		ck_assert_mem_eq(&one, &other, sizeof(one));
	}
	free(text);
	config_free(&again);
	config_free(&config);
}
END_TEST

START_TEST(what_is_wrong_is_named)
{
	assert_says("targets = ({ luns = ({ profile = \"spc3\"; }); });",
		    "there is no personality `spc3`: did you mean `spc4`?");
	assert_says("personalities = ({ base = \"spc4\"; });", "name the personality");
	assert_says("personalities = ({ name = \"spc4\"; });",
		    "there is a personality `spc4` already");
	assert_says("personalities = ({ name = \"a\"; }, { name = \"a\"; });",
		    "there is a personality `a` already");
	assert_says("personalities = ({ name = \"a\"; base = \"b\"; }, { name = \"b\"; });",
		    "there is no personality `b` further up");
	assert_says("personalities = ({ name = \"a\"; types = [\"exclusive\"]; });",
		    "setting `types` in personality 1, line 1: `exclusive` is not known");
	assert_says("personalities = ({ name = \"a\"; types = []; });", "must be an array of");
	assert_says("personalities = ({ name = \"a\"; types = [1]; });", "is not known");
	assert_says(
		"personalities = ({ name = \"a\"; bytes = ({ page = \"vpd:xy\"; value = \"00\"; "
		"}); });",
		"`page` must be");
	assert_says("personalities = ({ name = \"a\"; bytes = ({ page = \"vpd:001\"; value = "
		    "\"00\"; }); });",
		    "`page` must be");
	assert_says("personalities = ({ name = \"a\"; bytes = ({ page = \"inquiry\"; value = "
		    "\"0\"; }); });",
		    "`value`");
	assert_says("personalities = ({ name = \"a\"; bytes = ({ page = \"inquiry\"; value = "
		    "\"00 1\"; }); });",
		    "`value` must be");
	assert_says("personalities = ({ name = \"a\"; bytes = ({ page = \"inquiry\"; }); });",
		    "`value` must be");
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, the_two_profiles_are_those_of_the_engine);
	tcase_add_test(tcase, they_are_found_by_their_exact_names);
	tcase_add_test(tcase, built_in_ones_are_whole_and_have_names_of_their_own);
	tcase_add_test(tcase, what_is_not_given_is_that_of_the_base);
	tcase_add_test(tcase, overrides_are_added_to_those_of_the_base);
	tcase_add_test(tcase, a_lun_takes_what_it_does_not_say);
	tcase_add_test(tcase, another_profile_leaves_what_the_file_said);
	tcase_add_test(tcase, a_lun_by_itself_may_be_one_of_the_files);
	tcase_add_test(tcase, what_is_printed_loads_to_the_same);
	tcase_add_test(tcase, what_is_wrong_is_named);
}

int main(void)
{
	return suite_run("personality", fill);
}
