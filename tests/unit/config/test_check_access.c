/* Users and initiators in the configuration: what they must be to each other. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/secrets.h"
#include "tests/support/suite.h"
#include "tests/unit/config/collect.h"

static char folder[] = "/tmp/holdfast-test-XXXXXX";
static char path[64], text[8192];

static void setup(void)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/secrets", folder);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs("alice secret-of-alice\nbob secret-of-bob\ndisk secret-of-disk\n"
	      "twin secret-of-alice\n",
	      file);
	fclose(file);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

static void teardown(void)
{
	unlink(path);
	rmdir(folder);
}

/* With the secrets file in front. */
static const char *with_secrets(const char *rest)
{
	snprintf(text, sizeof(text), "secrets = \"%s\";\n%s", path, rest);
	return text;
}

START_TEST(everything_together_loads_and_prints)
{
	struct config *config = collect_sound(with_secrets(
		"discovery_user = \"bob\"; discovery_mutual = \"disk\";\n"
		"policy = { chap_md5 = false; };\n"
		"targets = ({ user = \"alice\"; mutual = \"disk\"; moved_to = \"[::1]:3261\";\n"
		"  moved_permanently = true; luns = ({}, {});\n"
		"  initiators = ({ name = \"iqn.2026-11.test:A\"; luns = [1, 0]; },\n"
		"    { name = \"iqn.2026-11.test:b\"; user = \"bob\"; },\n"
		"    { name = \"iqn.2026-11.test:c\"; luns = []; }); });"));
	const struct config_target *target = &config->targets[0];
	char *printed = NULL, *again = NULL;
	size_t len;

	ck_assert_uint_eq(config->secrets->count, 4);
	ck_assert_str_eq(target->user, "alice");
	ck_assert_str_eq(target->moved_to, "[::1]:3261");
	ck_assert(target->moved_permanently && !config->policy.chap_md5);
	ck_assert_uint_eq(target->initiator_count, 3);
	ck_assert_str_eq(target->initiators[0].name, "iqn.2026-11.test:a");
	ck_assert(target->initiators[0].masked && target->initiators[0].luns[0] == 3);
	ck_assert(!target->initiators[1].masked);
	ck_assert(target->initiators[2].masked && target->initiators[2].luns[0] == 0);
	FILE *out = open_memstream(&printed, &len);
	config_print(config, out);
	fclose(out);
	ck_assert_ptr_null(strstr(printed, "secret-of"));
	config_free(&config);
	config = collect_sound(printed);
	out = open_memstream(&again, &len);
	config_print(config, out);
	fclose(out);
	ck_assert_str_eq(printed, again);
	config_free(&config);
	free(printed);
	free(again);
}
END_TEST

static const struct {
	const char *text, *problem;
} bad[] = {
	{"targets = ({ user = \"alcie\"; });", "did you mean \"alice\"?"},
	{"\ntargets = ({ user = \"nobody\"; });", "line 3: `user` is \"nobody\", which"},
	{"discovery_user = \"alicee\";", "discovery: `discovery_user` is \"alicee\""},
	{"targets = ({ initiators = ({ name = \"iqn.2026-11.test:a\"; user = \"x\"; }); });",
	 "initiator `iqn.2026-11.test:a` of target"},
	{"targets = ({ user = \"alice\"; mutual = \"twin\"; });", "have the same secret"},
	{"targets = ({ user = \"alice\"; mutual = \"alice\"; });", "have the same secret"},
	{"discovery_user = \"twin\"; discovery_mutual = \"alice\";", "have the same secret"},
	{"discovery_user = \"bob\"; discovery_mutual = \"twin\"; targets = ({ user = \"alice\"; });",
	 "have the same secret"},
	{"targets = ({ mutual = \"disk\"; initiators = ("
	 "{ name = \"iqn.2026-11.test:a\"; user = \"alice\"; },"
	 "{ name = \"iqn.2026-11.test:b\"; user = \"disk\"; }); });",
	 "have the same secret"},
	{"targets = ({ mutual = \"disk\"; });", "`mutual` without a `user`"},
	{"discovery_mutual = \"disk\";", "`discovery_mutual` without `discovery_user`"},
	{"targets = ({ initiators = ({ name = \"iqn.2026-11.test:a\"; },\n"
	 "{ name = \"iqn.2026-11.test:A\"; }); });",
	 "has the initiator `iqn.2026-11.test:a` twice, lines 2 and 3"},
	{"targets = ({ initiators = ({ luns = [0]; }); });", "it is not there: name the initiator"},
	{"targets = ({ initiators = ({ name = \"host\"; }); });", "is not an iSCSI name"},
	{"targets = ({ initiators = ({ nam = \"x\"; }); });", "did you mean `name`?"},
	{"targets = ({ initiators = ({ name = \"iqn.2026-11.test:a\"; luns = [7]; }); });",
	 "the target has no LUN 7"},
	{"targets = ({ initiators = ({ name = \"iqn.2026-11.test:a\"; luns = [256]; }); });",
	 "a LUN is a number, 0 to 255"},
	{"targets = ({ initiators = ({ name = \"iqn.2026-11.test:a\"; luns = 1; }); });",
	 "must be an array of LUN numbers"},
	{"targets = ({ initiators = (1); });", "entry 1 of `initiators`"},
	{"targets = ({ initiators = (); });", "it is empty"},
	{"targets = ({ moved_permanently = true; });", "`moved_permanently` without `moved_to`"},
	{"targets = ({ moved_to = \"127.0.0.1:0\"; });", "nobody can connect to 0"},
	{"targets = ({ moved_to = \"host:3260\"; });", "is not a numeric address"},
};

START_TEST(mistakes_are_told_with_a_proposal)
{
	struct collected collected = collect_problems(with_secrets(bad[_i].text));

	ck_assert_msg(strstr(collected.text, bad[_i].problem) != NULL, "%s", collected.text);
	ck_assert_ptr_null(strstr(collected.text, "secret-of"));
}
END_TEST

START_TEST(users_need_a_secrets_file)
{
	struct collected collected = collect_problems("targets = ({ user = \"alice\"; });");

	ck_assert_msg(strstr(collected.text, "no setting `secrets`") != NULL, "%s", collected.text);
}
END_TEST

START_TEST(a_secrets_file_that_is_not_private_is_a_mistake_of_its_own)
{
	ck_assert_int_eq(chmod(path, 0644), 0);
	struct collected collected =
		collect_problems(with_secrets("targets = ({ user = \"alice\"; });"));
	ck_assert_msg(strstr(collected.text, "chmod 0600") != NULL, "%s", collected.text);
	ck_assert_uint_eq(collected.count, 1);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, everything_together_loads_and_prints);
	tcase_add_loop_test(tcase, mistakes_are_told_with_a_proposal, 0,
			    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tcase, users_need_a_secrets_file);
	tcase_add_test(tcase, a_secrets_file_that_is_not_private_is_a_mistake_of_its_own);
}

int main(void)
{
	return suite_run("config/check access", fill);
}
