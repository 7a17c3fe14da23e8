/* The command lines of both programs: what is wrong is named, with what would be right. */
#include "tests/integration/daemon.h"
#include "tests/support/suite.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX 32768

struct line {
	const char *args[6];
	int status;
	const char *said[3]; /* all of these */
};

/* A daemon that takes a line that it should refuse must not get as far as a disk. */
static int run_program(const char *path, const char *const *args, char *ret_output)
{
	const char *argv[16] = {path};
	int n = 1;

	if (path == daemon_path()) {
		argv[n++] = "--state-dir";
		argv[n++] = "/proc/holdfast";
	}
	for (int i = 0; args[i]; i++)
		argv[n++] = args[i];
	argv[n] = NULL;
	return program_run(argv, ret_output, OUTPUT_MAX);
}

static void check_line(const char *path, const struct line *line)
{
	static char output[OUTPUT_MAX];
	int status = run_program(path, line->args, output);

	ck_assert_msg(status == line->status, "%s: status %d: %s", line->args[0], status, output);
	for (int i = 0; i < 3 && line->said[i]; i++)
		ck_assert_msg(strstr(output, line->said[i]) != NULL, "no `%s` in: %s",
			      line->said[i], output);
}

/* ---- holdfastd ------------------------------------------------------------------------------ */

static const struct line daemon_wrong[] = {
	{{"--listn", "127.0.0.1:0"}, 2, {"`--listn`", "did you mean `--listen`?"}},
	{{"--state-dri=/tmp"}, 2, {"`--state-dri`", "did you mean `--state-dir`?"}},
	{{"--no-such-option"}, 2, {"`--no-such-option`", "holdfastd --help"}},
	{{"-x"}, 2, {"`-x`", "holdfastd --help"}},
	{{"stray"}, 2, {"`stray`", "holdfastd --help"}},
	{{"--check=1"}, 2, {"--check takes no value"}},
	{{"-c"}, 2, {"--config needs a value"}},
	{{"--config"}, 2, {"--config needs a value"}},
	{{"--listen"}, 2, {"--listen needs a value"}},
	{{"--state-dir"}, 2, {"--state-dir needs a value"}},
	{{"--target-name"}, 2, {"--target-name needs a value"}},
	{{"--size"}, 2, {"--size needs a value"}},
	{{"--profile"}, 2, {"--profile needs a value"}},
	{{"--threads"}, 2, {"--threads needs a value"}},
	{{"--disk-io"}, 2, {"--disk-io needs a value"}},
	{{"--log-level"}, 2, {"--log-level needs a value"}},
	{{"--listen", "somewhere"}, 2, {"--listen somewhere", "127.0.0.1:3260"}},
	{{"--listen", "127.0.0.1:70000"}, 2, {"--listen 127.0.0.1:70000"}},
	{{"--listen", "127.0.0.1:0,0"}, 2, {"--listen 127.0.0.1:0,0", "1 to 65535"}},
	{{"--listen", "127.0.0.1:0,1x"}, 2, {"--listen 127.0.0.1:0,1x", "1 to 65535"}},
	{{"--listen", "127.0.0.1:0,65536"}, 2, {"1 to 65535"}},
	{{"--listen", ""}, 2, {"--listen"}},
	{{"--state-dir", ""}, 2, {"--state-dir", "empty"}},
	{{"--target-name", "disk"}, 2, {"--target-name disk", "`iqn.`"}},
	{{"--target-name", ""}, 2, {"--target-name"}},
	{{"--target-name", "iqn.2026-11.a:b c"}, 2, {"--target-name iqn.2026-11.a:b c"}},
	{{"--target-name", "iqn.2026-11.a:../b"}, 2, {"--target-name iqn.2026-11.a:../b"}},
	{{"--size", "much"}, 2, {"--size much", "512M"}},
	{{"--size", "-1"}, 2, {"--size -1"}},
	{{"--size", "0"}, 2, {"--size 0", "1M to"}},
	{{"--size", "9999999T"}, 2, {"--size 9999999T"}},
	{{"--size", "1K"}, 2, {"--size 1K", "1M to"}},
	{{"--size", "99999999999999999999"}, 2, {"--size 99999999999999999999"}},
	{{"--profile", "spc5"}, 2, {"--profile", "there is no personality `spc5`"}},
	{{"--threads", "0"}, 2, {"--threads 0", "1 to 64"}},
	{{"--threads", "65"}, 2, {"--threads 65", "1 to 64"}},
	{{"--threads", "two"}, 2, {"--threads two", "1 to 64"}},
	{{"--disk-io", "aio"}, 2, {"--disk-io aio", "io_uring or threads"}},
	{{"--workers", "0"}, 2, {"--workers 0", "1 to 64"}},
	{{"--log-level", "loud"}, 2, {"--log-level loud", "warning"}},
	{{"-c", "/nonexistent/holdfast.conf"}, 2, {"/nonexistent/holdfast.conf", "No such file"}},
	{{"-c", "/tmp"}, 2, {"/tmp", "Is a directory"}},
};

START_TEST(holdfastd_names_what_is_wrong_with_its_command_line)
{
	check_line(daemon_path(), &daemon_wrong[_i]);
}
END_TEST

/* What `--check` prints is what would be in force: here every option shows up in it. */
static const struct line daemon_right[] = {
	{{"--help"}, 0, {"--listen", "--state-dir"}},
	{{"-h"}, 0, {"usage: holdfastd"}},
	{{"--version"}, 0, {"holdfastd "}},
	{{"-V"}, 0, {"holdfastd "}},
	{{"--check"}, 0, {"127.0.0.1:3260", "iqn.2026-11.io.holdfast:disk"}},
	{{"--check", "--listen", "127.0.0.1:7", "--listen", "[::1]:8,2"},
	 0,
	 {"127.0.0.1:7", "[::1]:8", "group = 2"}},
	{{"--check", "--state-dir", "/somewhere"}, 0, {"state_dir = \"/somewhere\""}},
	{{"--check", "--target-name", "iqn.2026-11.test:x"}, 0, {"iqn.2026-11.test:x"}},
	{{"--check", "--size", "77M"}, 0, {"size = \"77M\""}},
	{{"--check", "--profile", "spc4"}, 0, {"profile = \"spc4\""}},
	{{"--check", "--threads", "5"}, 0, {"threads = 5"}},
	{{"--check", "--disk-io", "threads"}, 0, {"disk_io = \"threads\""}},
	{{"--check", "--threads", "1", "--workers", "6"}, 0, {"threads = 1", "workers = 6"}},
	{{"--check", "--log-level", "debug"}, 0, {"log_level = \"debug\""}},
};

START_TEST(holdfastd_has_a_loop_for_each_core_that_it_may_use)
{
	static char output[OUTPUT_MAX];
	const char *const args[] = {"--check", NULL};
	char expected[32];
	cpu_set_t usable;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(usable), &usable), 0);
	int cores = CPU_COUNT(&usable);
	snprintf(expected, sizeof(expected), "\nthreads = %d;", cores < 8 ? cores : 8);
	ck_assert_int_eq(run_program(daemon_path(), args, output), 0);
	ck_assert_ptr_nonnull(strstr(output, expected));
	for (size_t cpu = 0, kept = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &usable) && kept++ > 0)
			CPU_CLR(cpu, &usable);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(usable), &usable), 0);
	ck_assert_int_eq(run_program(daemon_path(), args, output), 0);
	ck_assert_ptr_nonnull(strstr(output, "\nthreads = 1;"));
}
END_TEST

START_TEST(holdfastd_takes_each_option)
{
	check_line(daemon_path(), &daemon_right[_i]);
}
END_TEST

/* ---- --check ----------------------------------------------------------------------------------
 */

static int check_config(const char *text, char ret_output[OUTPUT_MAX])
{
	struct daemon daemon;
	char path[96];

	daemon_folder(&daemon);
	snprintf(path, sizeof(path), "%s/holdfast.conf", daemon.folder);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	const char *const args[] = {"--check", "-c", path, NULL};
	int status = run_program(daemon_path(), args, ret_output);
	daemon_finish(&daemon);
	return status;
}

START_TEST(check_tells_every_mistake_with_its_line)
{
	static char output[OUTPUT_MAX];
	int status = check_config("portal = ();\n"
				  "targets = ( { name = \"iqn.2026-11.test:a\"; luns = (\n"
				  "  { size = \"16M\"; backing = \"memroy\"; },\n"
				  "  { number = 1; profile = \"spc5\"; } ); } );\n"
				  "limits = { sessions_max = 0; };\n",
				  output);
	static const char *const said[] = {
		"unknown setting `portal`, line 1: did you mean `portals`?",
		"`backing` in lun 0, line 3: `memroy` is not known: did you mean `memory`?",
		"line 4: there is no personality `spc5`: did you mean `spc4`?",
		"`sessions_max` in limits, line 5: 0 is out of range (1 to 65535)",
	};
	ck_assert_int_eq(status, 2);
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		ck_assert_msg(strstr(output, said[i]) != NULL, "no `%s` in: %s", said[i], output);
}
END_TEST

START_TEST(check_tells_where_the_syntax_breaks)
{
	static char output[OUTPUT_MAX];
	ck_assert_int_eq(check_config("threads = 2;\ntargets = ( {\n", output), 2);
	ck_assert_msg(strstr(output, "holdfast.conf") && strstr(output, "line"), "%s", output);
}
END_TEST

/* What it prints can be served; and nothing is made or touched. */
START_TEST(check_prints_a_configuration_that_checks)
{
	static char output[OUTPUT_MAX], again[OUTPUT_MAX];
	ck_assert_int_eq(check_config("state_dir = \"/nonexistent/state\";\n"
				      "portals = ( { address = \"[::1]:0\"; group = 3; } );\n"
				      "targets = ( { luns = ( { size = \"64M\"; thin = false; }, "
				      "{ backing = \"null\"; } ); } );\n",
				      output),
			 0);
	ck_assert_int_eq(check_config(output, again), 0);
	ck_assert_str_eq(strchr(output, '\n'), strchr(again, '\n'));
}
END_TEST

/* ---- holdfast ------------------------------------------------------------------------------- */

static const struct line tool_wrong[] = {
	{{NULL}, 2, {"usage: holdfast"}},
	{{"sttaus"}, 2, {"`sttaus`", "did you mean `status`?"}},
	{{"pr", "shwo"}, 2, {"`pr shwo`", "did you mean `pr show`?"}},
	{{"pr"}, 2, {"`pr`", "did you mean `pr show`?"}},
	{{"journal", "chekc", "file"}, 2, {"did you mean `journal check`?"}},
	{{"nonsense"}, 2, {"`nonsense`", "holdfast --help"}},
	{{"status", "extra"}, 2, {"`extra`", "usage: holdfast status"}},
	{{"sessions", "extra"}, 2, {"`extra`"}},
	{{"pr", "show", "0", "1"}, 2, {"`1`", "[LUN]"}},
	{{"pr", "show", "first"}, 2, {"`first`", "0 to 255"}},
	{{"pr", "show", "256"}, 2, {"`256`", "0 to 255"}},
	{{"journal", "show"}, 2, {"FILE"}},
	{{"journal", "check"}, 2, {"FILE"}},
	{{"journal", "show", "/nonexistent/journal"}, 4, {"/nonexistent/journal", "No such file"}},
	{{"journal", "check", "/tmp"}, 4, {"/tmp"}},
	{{"status", "--jsn"}, 2, {"`--jsn`", "did you mean `--json`?"}},
	{{"status", "--control"}, 2, {"--control needs a value"}},
	{{"status", "--state-dir"}, 2, {"--state-dir needs a value"}},
	{{"status", "--target"}, 2, {"--target needs a value"}},
	{{"status", "--json=yes"}, 2, {"--json takes no value"}},
	{{"status", "--state-dir", "/nonexistent"}, 3, {"/nonexistent/holdfast.sock", "holdfastd"}},
	{{"status", "--control", "/nonexistent/s"}, 3, {"/nonexistent/s", "--control"}},
	{{"pr", "show", "0", "--state-dir", "/nonexistent"}, 3, {"/nonexistent"}},
	{{"sessions", "--control", "/etc/passwd"}, 3, {"/etc/passwd"}},
};

START_TEST(holdfast_names_what_is_wrong_with_its_command_line)
{
	check_line(tool_path(), &tool_wrong[_i]);
}
END_TEST

static const struct line tool_right[] = {
	{{"--help"}, 0, {"pr show", "journal check", "--json"}},
	{{"-h"}, 0, {"usage: holdfast"}},
	{{"--version"}, 0, {"holdfast "}},
	{{"-V"}, 0, {"holdfast "}},
};

START_TEST(holdfast_takes_each_option)
{
	check_line(tool_path(), &tool_right[_i]);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, holdfastd_names_what_is_wrong_with_its_command_line, 0,
			    COUNT(daemon_wrong));
	tcase_add_test(tcase, holdfastd_has_a_loop_for_each_core_that_it_may_use);
	tcase_add_loop_test(tcase, holdfastd_takes_each_option, 0, COUNT(daemon_right));
	tcase_add_test(tcase, check_tells_every_mistake_with_its_line);
	tcase_add_test(tcase, check_tells_where_the_syntax_breaks);
	tcase_add_test(tcase, check_prints_a_configuration_that_checks);
	tcase_add_loop_test(tcase, holdfast_names_what_is_wrong_with_its_command_line, 0,
			    COUNT(tool_wrong));
	tcase_add_loop_test(tcase, holdfast_takes_each_option, 0, COUNT(tool_right));
}

int main(void)
{
	return suite_run("integration/options", fill);
}
