/* Loading: what a good text gives, and what is said about a bad one. */
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/config/collect.h"

static void assert_says(const char *text, const char *wanted)
{
	struct collected collected = collect_problems(text);
	ck_assert_msg(strstr(collected.text, wanted) != NULL, "wanted: %s\ngot: %s", wanted,
		      collected.text);
}

START_TEST(test_empty_text_gives_one_disk_on_the_default_portal)
{
	struct config *config = collect_sound("");
	ck_assert_uint_eq(config->portal_count, 1);
	ck_assert_str_eq(config->portals[0].address, "127.0.0.1:3260");
	ck_assert_uint_eq(config->portals[0].group, 1);
	ck_assert_uint_eq(config->target_count, 1);
	ck_assert_str_eq(config->targets[0].name, CONFIG_DEFAULT_TARGET_NAME);
	ck_assert_uint_eq(config->targets[0].lun_count, 1);
	ck_assert_uint_eq(config->targets[0].luns[0].number, 0);
	ck_assert_uint_eq(config->targets[0].luns[0].backing, CONFIG_BACKING_FILE);
	ck_assert_str_eq(config->targets[0].luns[0].profile, "dlt-s4");
	config_free(&config);
	ck_assert_ptr_null(config);
}
END_TEST

START_TEST(test_every_kind_of_value_is_read)
{
	struct config *config = collect_sound(
		"state_dir = \"/s\"; threads = 3; log_level = \"debug\"; on_damage = \"offline\";\n"
		"disk_io = \"io_uring\"; mapped_writes = false; portals = ({ address = \"[::1]\"; group = 2; }, { address = \"0.0.0.0:0\"; });\n"
		"targets = ({ name = \"IQN.2026-11.com.Example:A\"; alias = \"disks\";\n"
		"  portal_groups = [2, 1]; luns = ({ number = 7; backing = \"memory\";\n"
		"  size = \"2G\"; block_size = 4096; profile = \"spc4\"; read_only = true;\n"
		"  vendor = \"V\"; max_registrations = 0x10; }); });\n"
		"limits = { session_data_max = 1073741824; }; policy = { strict = true; };");
	const struct config_target *target = &config->targets[0];
	ck_assert_str_eq(config->state_dir, "/s");
	ck_assert_uint_eq(config->threads, 3);
	ck_assert_uint_eq(config->log_level, CONFIG_LOG_DEBUG);
	ck_assert_uint_eq(config->on_damage, CONFIG_ON_DAMAGE_OFFLINE);
	ck_assert_uint_eq(config->disk_io, CONFIG_DISK_IO_URING);
	ck_assert(!config->mapped_writes);
	ck_assert_str_eq(config->portals[0].address, "[::1]:3260");
	ck_assert_uint_eq(config->portals[0].group, 2);
	ck_assert_str_eq(config->portals[1].address, "0.0.0.0:0");
	ck_assert_str_eq(target->name, "iqn.2026-11.com.example:a");
	ck_assert_str_eq(target->alias, "disks");
	ck_assert_uint_eq(target->portal_group_count, 2);
	ck_assert_uint_eq(target->portal_groups[0], 2);
	ck_assert_uint_eq(target->luns[0].number, 7);
	ck_assert_uint_eq(target->luns[0].backing, CONFIG_BACKING_MEMORY);
	ck_assert_uint_eq(target->luns[0].size, UINT64_C(2) << 30);
	ck_assert_uint_eq(target->luns[0].block_size, 4096);
	ck_assert_str_eq(target->luns[0].profile, "spc4");
	ck_assert(target->luns[0].read_only);
	ck_assert_str_eq(target->luns[0].vendor, "V");
	ck_assert_uint_eq(target->luns[0].max_registrations, 16);
	ck_assert_uint_eq(config->limits.session_data_max, 1 << 30);
	ck_assert(config->policy.strict);
	config_free(&config);
}
END_TEST

START_TEST(test_luns_are_numbered_by_their_place)
{
	struct config *config = collect_sound("targets = ({ luns = ({}, { number = 5; }, {}); });");
	ck_assert_uint_eq(config->targets[0].luns[0].number, 0);
	ck_assert_uint_eq(config->targets[0].luns[1].number, 5);
	ck_assert_uint_eq(config->targets[0].luns[2].number, 2);
	config_free(&config);
}
END_TEST

START_TEST(test_a_4096_byte_block_is_its_own_physical_block)
{
	struct config *config =
		collect_sound("targets = ({ luns = ({}, { block_size = 4096; },"
			      "{ block_size = 4096; physical_exponent = 1; }); });");
	ck_assert_uint_eq(config->targets[0].luns[0].physical_exponent, 3);
	ck_assert_uint_eq(config->targets[0].luns[1].physical_exponent, 0);
	ck_assert_uint_eq(config->targets[0].luns[2].physical_exponent, 1);
	config_free(&config);
}
END_TEST

START_TEST(test_a_misspelt_setting_gets_a_proposal)
{
	assert_says("targets = (\n{ luns = (\n{\nprofil = \"spc4\"; }); });",
		    "x.conf: unknown setting `profil` in lun 0, line 4: did you mean `profile`?");
	assert_says("threds = 2;", "unknown setting `threds`, line 1: did you mean `threads`?");
	assert_says("limits = { sesions_max = 2; };", "did you mean `sessions_max`?");
	assert_says("log_level = \"inof\";", "did you mean `info`?");
}
END_TEST

START_TEST(test_a_setting_in_the_wrong_place_is_sent_to_the_right_one)
{
	assert_says("tas = true;", "it is a setting of a lun, not of the top level");
	assert_says(
		"targets = ({ sessions_max = 3; });",
		"unknown setting `sessions_max` in target 1, line 1: it is a setting of limits");
}
END_TEST

START_TEST(test_a_word_that_resembles_nothing_gets_no_proposal)
{
	struct collected collected = collect_problems("zzzzzzzz = 1;");
	ck_assert_ptr_null(strstr(collected.text, "did you mean"));
	ck_assert_ptr_nonnull(strstr(collected.text, "holdfast.conf(5)"));
}
END_TEST

static const struct wrong_value {
	const char *text, *wanted;
} wrong_values[] = {
	{"threads = 65;", "65 is out of range (0 to 64)"},
	{"threads = -1;", "-1 is out of range"},
	{"threads = \"two\";", "must be a number (0 to 64), not text"},
	{"threads = 1.5;", "must be a number (0 to 64), not a number with a fraction"},
	{"threads = 4294967297L;", "4294967297 is out of range"},
	{"log_level = 1;", "`1` is not known"},
	{"log_level = true;", "must be `error`, `warning`, `info` or `debug`, not true or false"},
	{"portals = { };", "`portals`, line 1: must be a list of groups"},
	{"portals = ();", "list `portals`, line 1: it is empty"},
	{"portals = (3);", "entry 1 of `portals`, line 1: must be a group { ... }, not a number"},
	{"portals = ({ address = \"localhost:1\"; });", "not a numeric address"},
	{"portals = ({ group = 0; });", "0 is out of range (1 to 65535)"},
	{"targets = ({ name = \"disk\"; });", "it must begin with `iqn.`, `eui.` or `naa.`"},
	{"targets = ({ name = 5; });", "not a number"},
	{"targets = ({ portal_groups = [0]; });", "a tag is a number, 1 to 65535"},
	{"targets = ({ portal_groups = []; });", "must have 1 to 16 tags, not 0"},
	{"targets = ({ portal_groups = 1; });", "must be an array"},
	{"targets = ({ luns = ({ size = \"1X\"; }); });", "`1X` is not a size"},
	{"targets = ({ luns = ({ size = 512; }); });", "512 is out of range (1M to"},
	{"targets = ({ luns = ({ size = -5; }); });", "-5 is out of range"},
	{"targets = ({ luns = ({ read_only = 1; }); });", "must be true or false, not a number"},
	{"targets = ({ luns = ({ vendor = \"123456789\"; }); });", "(1 to 8 characters)"},
	{"targets = ({ luns = ({ vendor = \"\"; }); });", "(1 to 8 characters)"},
	{"targets = ({ luns = ({ serial = \"a\\nb\"; }); });", "only printable ASCII"},
	{"targets = ({ luns = ({ path = \"\"; }); });", "the path is empty"},
	{"targets = ({ luns = ({ block_size = 513; }); });", "(512 or 4096)"},
	{"limits = 5;", "must be a group in braces, not a number"},
	{"limits = { login_timeout_ms = 0; };", "0 is out of range (100 to 600000)"},
	{"policy = { max_connections = 9; };", "9 is out of range (1 to 8)"},
};

START_TEST(test_a_wrong_value_is_named_with_its_range)
{
	assert_says(wrong_values[_i].text, wrong_values[_i].wanted);
}
END_TEST

START_TEST(test_all_problems_are_told_at_once)
{
	struct collected collected = collect_problems(
		"threds = 1;\nlog_level = \"x\";\ntargets = ({ luns = ({ size = \"1X\"; tas = 1; }); "
		"});\nlimits = { sesions_max = 1; };");
	ck_assert_uint_eq(collected.count, 5);
}
END_TEST

START_TEST(test_a_wrong_value_causes_no_second_complaint)
{
	struct collected collected = collect_problems(
		"targets = ({ name = \"a\"; }, { name = \"b\"; luns = ({ number = 300; },"
		"{ number = 301; }); });\n"
		"portals = ({ address = \"a\"; }, { address = \"b\"; });");
	ck_assert_uint_eq(collected.count, 6);
}
END_TEST

START_TEST(test_syntax_errors_name_the_line)
{
	assert_says("threads = 1;\n\n= 2;", "line 3");
	assert_says("threads = 1;\nthreads = 2;", "duplicate setting name, line 2");
}
END_TEST

START_TEST(test_a_number_that_libconfig_would_cut_is_refused)
{
	assert_says("targets = ({ luns = (\n{ size = 5368709120; }); });",
		    "number 5368709120, line 2");
	assert_says("threads = 0x100000001;", "too large");
	assert_says("threads = 99999999999999999999L;", "too large");
}
END_TEST

START_TEST(test_numbers_in_comments_strings_and_with_a_suffix_are_left_alone)
{
	struct config *config = collect_sound("# 5368709120\n// 5368709120\n/* 5368709120\n*/\n"
					      "state_dir = \"/5368709120\\\"5368709120\";\n"
					      "targets = ({ luns = ({ size = 5368709120L; }); });");
	ck_assert_uint_eq(config->targets[0].luns[0].size, UINT64_C(5368709120));
	config_free(&config);
}
END_TEST

START_TEST(test_include_is_refused)
{
	assert_says("threads = 1;\n@include \"/etc/passwd\"\n",
		    "@include, line 2: is not supported");
}
END_TEST

START_TEST(test_control_characters_do_not_reach_the_report)
{
	struct collected collected = collect_problems("log_level = \"\x1b[2Jx\";");
	ck_assert_ptr_null(strchr(collected.text, '\x1b'));
}
END_TEST

/* A file of its own in a directory of its own. */
static struct config *load_file(const char *text, size_t len, struct collected *collected)
{
	char dir[] = "/tmp/holdfast-config-XXXXXX", path[64];
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/x.conf", dir);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, len, file), len);
	fclose(file);
	struct config *config = config_load_file(path, collect_report, collected);
	unlink(path);
	if (config && config->targets[0].luns[0].path[0] != '\0')
		ck_assert_int_eq(strncmp(config->targets[0].luns[0].path, dir, strlen(dir)), 0);
	rmdir(dir);
	return config;
}

START_TEST(test_relative_paths_start_at_the_file)
{
	struct collected collected = {.count = 0};
	const char *text = "targets = ({ luns = ({ path = \"a/b.img\"; }); });";
	struct config *config = load_file(text, strlen(text), &collected);
	ck_assert_ptr_nonnull(config);
	const char *path = config->targets[0].luns[0].path;
	ck_assert_str_eq(path + strlen(path) - 8, "/a/b.img");
	config_free(&config);
}
END_TEST

START_TEST(test_a_missing_file_is_named)
{
	struct collected collected = {.count = 0};
	ck_assert_ptr_null(config_load_file("/nonexistent/x.conf", collect_report, &collected));
	ck_assert_str_eq(collected.text,
			 "/nonexistent/x.conf: cannot be opened: No such file or directory\n");
}
END_TEST

START_TEST(test_a_directory_is_no_file)
{
	struct collected collected = {.count = 0};
	ck_assert_ptr_null(config_load_file("/", collect_report, &collected));
	ck_assert_ptr_nonnull(strstr(collected.text, "cannot be read"));
}
END_TEST

START_TEST(test_a_nul_byte_is_refused)
{
	struct collected collected = {.count = 0};
	ck_assert_ptr_null(load_file("threads\0= 1;", 12, &collected));
	ck_assert_ptr_nonnull(strstr(collected.text, "NUL byte"));
}
END_TEST

START_TEST(test_a_huge_file_is_refused)
{
	struct collected collected = {.count = 0};
	char *text = malloc(CONFIG_FILE_MAX + 1);
	ck_assert_ptr_nonnull(text);
	memset(text, ' ', CONFIG_FILE_MAX + 1);
	ck_assert_ptr_null(load_file(text, CONFIG_FILE_MAX + 1, &collected));
	ck_assert_ptr_nonnull(strstr(collected.text, "larger than 1 MiB"));
	struct config *config = load_file(text, CONFIG_FILE_MAX, &collected);
	ck_assert_ptr_nonnull(config);
	config_free(&config);
	free(text);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, test_empty_text_gives_one_disk_on_the_default_portal);
	tcase_add_test(tcase, test_every_kind_of_value_is_read);
	tcase_add_test(tcase, test_luns_are_numbered_by_their_place);
	tcase_add_test(tcase, test_a_4096_byte_block_is_its_own_physical_block);
	tcase_add_test(tcase, test_a_misspelt_setting_gets_a_proposal);
	tcase_add_test(tcase, test_a_setting_in_the_wrong_place_is_sent_to_the_right_one);
	tcase_add_test(tcase, test_a_word_that_resembles_nothing_gets_no_proposal);
	tcase_add_loop_test(tcase, test_a_wrong_value_is_named_with_its_range, 0,
			    sizeof(wrong_values) / sizeof(wrong_values[0]));
	tcase_add_test(tcase, test_all_problems_are_told_at_once);
	tcase_add_test(tcase, test_a_wrong_value_causes_no_second_complaint);
	tcase_add_test(tcase, test_syntax_errors_name_the_line);
	tcase_add_test(tcase, test_a_number_that_libconfig_would_cut_is_refused);
	tcase_add_test(tcase, test_numbers_in_comments_strings_and_with_a_suffix_are_left_alone);
	tcase_add_test(tcase, test_include_is_refused);
	tcase_add_test(tcase, test_control_characters_do_not_reach_the_report);
	tcase_add_test(tcase, test_relative_paths_start_at_the_file);
	tcase_add_test(tcase, test_a_missing_file_is_named);
	tcase_add_test(tcase, test_a_directory_is_no_file);
	tcase_add_test(tcase, test_a_nul_byte_is_refused);
	tcase_add_test(tcase, test_a_huge_file_is_refused);
}

int main(void)
{
	return suite_run("config/load", fill);
}
