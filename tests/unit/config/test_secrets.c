/* The secrets file: its form, and whom it must be hidden from. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/secrets.h"
#include "tests/support/suite.h"
#include "tests/unit/config/collect.h"

static char folder[] = "/tmp/holdfast-test-XXXXXX";
static char path[64];
static struct collected collected;
static struct config_secrets *secrets;

static void setup(void)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/secrets", folder);
	collected = (struct collected){.count = 0};
	secrets = NULL;
}

static void teardown(void)
{
	config_secrets_free(&secrets);
	unlink(path);
	rmdir(folder);
}

static void load(const void *text, size_t len, mode_t mode)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, len, file), len);
	fclose(file);
	ck_assert_int_eq(chmod(path, mode), 0);
	secrets = config_secrets_load(path, collect_report, &collected);
}

static void load_text(const char *text)
{
	load(text, strlen(text), 0600);
}

static void ck_problem(const char *what)
{
	ck_assert_ptr_null(secrets);
	ck_assert_msg(strstr(collected.text, what) != NULL, "%s", collected.text);
	ck_assert_msg(strstr(collected.text, path) != NULL, "%s", collected.text);
	ck_assert_msg(strstr(collected.text, "s3cret") == NULL, "%s", collected.text);
}

static const struct {
	const char *text, *secret;
	size_t len;
} good[] = {
	{"a s3cret", "s3cret", 6},
	{"  a\ts3cret \r\n", "s3cret", 6},
	{"\n# b x\n\na s3cret", "s3cret", 6},
	{"a \"s3cret with blanks \"", "s3cret with blanks ", 19},
	{"a \"0x12\"", "0x12", 4},
	{"a \"\"\"", "\"", 1},
	{"a s3cret#1", "s3cret#1", 8},
	{"a 0x0001ff", "\0\1\xff", 3},
	{"a 0X123", "\x01\x23", 2},
	{"a 0bAAH/", "\0\1\xff", 3},
	{"a 0bZm9vYg==", "foob", 4},
	{"a x", "x", 1},
};

START_TEST(secrets_are_words_text_or_bytes)
{
	load_text(good[_i].text);
	ck_assert_msg(secrets != NULL, "%s", collected.text);
	ck_assert_uint_eq(secrets->count, 1);
	const struct config_account *account = config_secrets_find(secrets, "a");
	ck_assert_ptr_nonnull(account);
	ck_assert_uint_eq(account->secret_len, good[_i].len);
	ck_assert_mem_eq(account->secret, good[_i].secret, good[_i].len);
	ck_assert_ptr_null(config_secrets_find(secrets, "b"));
}
END_TEST

static const struct {
	const char *text, *problem;
} bad[] = {
	{"a", "line 1: a line is NAME SECRET"},
	{"\n\na s3cret more", "line 3: a line is NAME SECRET"},
	{"a \"s3cret", "line 1: a secret that begins with a quote"},
	{"a \"s3cret\" x", "line 1: a secret that begins with a quote"},
	{"a \"\"", "1 to 1024 bytes"},
	{"a 0x", "neither hexadecimal"},
	{"a 0xs3cret", "neither hexadecimal"},
	{"a 0bs3cret", "neither hexadecimal"},
	{"a 0b====", "neither hexadecimal"},
	{"a 0b", "neither hexadecimal"},
	{"a s3cret1\nb s3cret2\na s3cret3", "`a` is there twice, lines 1 and 3"},
	{"\xc3\xa4 s3cret", "printable"},
};

START_TEST(mistakes_are_told_with_their_line_and_without_the_secret)
{
	load_text(bad[_i].text);
	ck_problem(bad[_i].problem);
}
END_TEST

START_TEST(all_mistakes_are_told)
{
	load_text("a\nb s3cret\nc 0x\nd e f");
	ck_problem("line 1");
	ck_problem("line 3");
	ck_problem("line 4");
	ck_assert_uint_eq(collected.count, 3);
}
END_TEST

START_TEST(nobody_else_may_get_at_it)
{
	static const mode_t modes[] = {0644, 0640, 0620, 0660, 0604, 0602, 0601, 0610};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		collected = (struct collected){.count = 0};
		load("a s3cret", 8, modes[i]);
		ck_problem("chmod 0600");
	}
	collected = (struct collected){.count = 0};
	load("a s3cret", 8, 0400);
	ck_assert_ptr_nonnull(secrets);
}
END_TEST

START_TEST(what_is_no_text_file_is_refused)
{
	load("a s3cr\0et", 9, 0600);
	ck_problem("NUL");
	unlink(path);
	collected = (struct collected){.count = 0};
	secrets = config_secrets_load(path, collect_report, &collected);
	ck_problem("cannot be opened");
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	collected = (struct collected){.count = 0};
	secrets = config_secrets_load(path, collect_report, &collected);
	ck_problem("no regular file");
}
END_TEST

START_TEST(limits_hold)
{
	static char text[CONFIG_SECRETS_FILE_MAX + 2];
	size_t at = 0;

	memset(text, '#', sizeof(text));
	load(text, CONFIG_SECRETS_FILE_MAX + 1, 0600);
	ck_problem("larger than 1 MiB");
	collected = (struct collected){.count = 0};
	load(text, CONFIG_SECRETS_FILE_MAX, 0600);
	ck_assert_ptr_nonnull(secrets);
	config_secrets_free(&secrets);
	for (unsigned i = 0; i <= CONFIG_ACCOUNTS_MAX; i++)
		at += (size_t)sprintf(text + at, "user%u s3cret\n", i);
	load(text, at, 0600);
	ck_problem("are the most");
	/* The longest name and secret, and one more of each. */
	for (size_t name = 255; name <= 256; name++)
		for (size_t secret = 1024; secret <= 1025; secret++) {
			collected = (struct collected){.count = 0};
			memset(text, 'n', name);
			text[name] = ' ';
			memset(text + name + 1, 's', secret);
			config_secrets_free(&secrets);
			load(text, name + 1 + secret, 0600);
			ck_assert(!secrets == (name == 256 || secret == 1025));
		}
}
END_TEST

/* /proc/self/smaps tells which memory a core dump would leave out ("dd"). */
START_TEST(secrets_are_not_in_core_dumps)
{
	char line[256];
	bool inside = false, found = false;

	load_text("a s3cret");
	FILE *maps = fopen("/proc/self/smaps", "r");
	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long from, to;
		uintptr_t at = (uintptr_t)secrets->accounts[0].secret;
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = at >= from && at < to;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, " dd") != NULL;
	}
	fclose(maps);
	ck_assert(found);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, secrets_are_words_text_or_bytes, 0,
			    sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(tcase, mistakes_are_told_with_their_line_and_without_the_secret, 0,
			    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tcase, all_mistakes_are_told);
	tcase_add_test(tcase, nobody_else_may_get_at_it);
	tcase_add_test(tcase, what_is_no_text_file_is_refused);
	tcase_add_test(tcase, limits_hold);
	tcase_add_test(tcase, secrets_are_not_in_core_dumps);
}

int main(void)
{
	return suite_run("config/secrets", fill);
}
