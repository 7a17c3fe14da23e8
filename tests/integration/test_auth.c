/*
 * CHAP, access lists, masking and redirection, through libiscsi. Its 1.19 knows MD5 alone; the
 * other digests are the scripted initiator's (tests/unit/transport/test_login_chap.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pr_engine/bytes.h"
#include "tests/integration/daemon.h"
#include "tests/integration/initiator.h"
#include "tests/support/suite.h"

#define ALICE "iqn.2026-11.test:alice"
#define BOB   "iqn.2026-11.test:bob"
#define CAROL "iqn.2026-11.test:carol"

static struct daemon daemon_;
static char folder[64], config[96], secrets[96];

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

static const char rules[] =
	"secrets = \"secrets\";\n"
	"discovery_user = \"finder\";\n"
	"discovery_mutual = \"disk\";\n"
	"targets = ({ name = \"iqn.2026-11.test:one\"; mutual = \"disk\";\n"
	"    initiators = ({ name = \"" ALICE "\"; user = \"alice\"; },\n"
	"                  { name = \"" BOB "\"; user = \"bob\"; luns = [1]; });\n"
	"    luns = ({ number = 0; backing = \"memory\"; size = \"1M\"; },\n"
	"            { number = 1; backing = \"memory\"; size = \"1M\"; }); },\n"
	"  { name = \"iqn.2026-11.test:two\";\n"
	"    luns = ({ backing = \"memory\"; size = \"1M\"; }); });\n";

static void setup(void)
{
	strcpy(folder, "/tmp/holdfast-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(config, sizeof(config), "%s/holdfast.conf", folder);
	snprintf(secrets, sizeof(secrets), "%s/secrets", folder);
	write_file(config, rules);
	write_file(secrets, "alice  alices-secret-0\nbob bobs-secret-000\n"
			    "finder finders-secret\ndisk disks-secret-00\n");
	daemon_.pid = 0;
}

static void start(void)
{
	const char *const args[] = {"-c", config, NULL};

	daemon_start(&daemon_, "127.0.0.1:0", args);
}

static void teardown(void)
{
	if (daemon_.pid != 0)
		daemon_finish(&daemon_);
	unlink(config);
	unlink(secrets);
	rmdir(folder);
}

struct credentials {
	const char *user, *secret, *target_user, *target_secret;
};

static struct iscsi_context *context_for(const char *initiator, const char *target,
					 const struct credentials *credentials)
{
	struct iscsi_context *context = iscsi_create_context(initiator);

	ck_assert_ptr_nonnull(context);
	iscsi_set_noautoreconnect(context, 1);
	iscsi_set_timeout(context, 60);
	iscsi_set_session_type(context, target ? ISCSI_SESSION_NORMAL : ISCSI_SESSION_DISCOVERY);
	if (target)
		iscsi_set_targetname(context, target);
	if (credentials->user)
		iscsi_set_initiator_username_pwd(context, credentials->user, credentials->secret);
	if (credentials->target_user)
		iscsi_set_target_username_pwd(context, credentials->target_user,
					      credentials->target_secret);
	return context;
}

/* NULL: refused. */
static struct iscsi_context *login(const char *initiator, const char *target,
				   const struct credentials *credentials)
{
	struct iscsi_context *context = context_for(initiator, target, credentials);

	if (iscsi_connect_sync(context, daemon_.portal) == 0 && iscsi_login_sync(context) == 0)
		return context;
	iscsi_destroy_context(context);
	return NULL;
}

static bool gets_in(const char *initiator, const char *target,
		    const struct credentials *credentials)
{
	struct iscsi_context *context = login(initiator, target, credentials);
	bool in = context != NULL;

	initiator_logout(&context);
	return in;
}

static const struct credentials alice = {"alice", "alices-secret-0", NULL, NULL};
static const struct credentials bob = {"bob", "bobs-secret-000", NULL, NULL};
static const struct credentials finder = {"finder", "finders-secret", NULL, NULL};
static const struct credentials nobody = {NULL, NULL, NULL, NULL};

START_TEST(who_knows_the_secret_gets_in_and_nobody_else)
{
	static const struct credentials wrong = {"alice", "alices-secret-1", NULL, NULL};
	static const struct credentials unknown = {"mallory", "alices-secret-0", NULL, NULL};

	start();
	ck_assert(gets_in(ALICE, "iqn.2026-11.test:one", &alice));
	ck_assert(!gets_in(ALICE, "iqn.2026-11.test:one", &wrong));
	ck_assert(!gets_in(ALICE, "iqn.2026-11.test:one", &unknown));
	ck_assert(!gets_in(ALICE, "iqn.2026-11.test:one", &nobody));
	/* A user is bound to its name; a name that is not listed has none. */
	ck_assert(!gets_in(ALICE, "iqn.2026-11.test:one", &bob));
	ck_assert(!gets_in(BOB, "iqn.2026-11.test:one", &alice));
	ck_assert(!gets_in(CAROL, "iqn.2026-11.test:one", &alice));
	/* The other target asks for nothing, from whoever comes. */
	ck_assert(gets_in(CAROL, "iqn.2026-11.test:two", &nobody));
	ck_assert(gets_in(ALICE, "iqn.2026-11.test:two", &alice));
	ck_assert(gets_in(ALICE, "iqn.2026-11.test:one", &alice));
}
END_TEST

START_TEST(the_target_proves_itself_too)
{
	static const struct credentials both = {"alice", "alices-secret-0", "disk",
						"disks-secret-00"};
	static const struct credentials expects_another = {"alice", "alices-secret-0", "disk",
							   "disks-secret-01"};

	start();
	ck_assert(gets_in(ALICE, "iqn.2026-11.test:one", &both));
	ck_assert(!gets_in(ALICE, "iqn.2026-11.test:one", &expects_another));
}
END_TEST

/* The names that SendTargets shows, one after another; "-" when the login is refused. */
static void discover(const char *initiator, const struct credentials *credentials, char *ret_names,
		     size_t len)
{
	struct iscsi_context *context = login(initiator, NULL, credentials);

	snprintf(ret_names, len, "%s", context ? "" : "-");
	if (!context)
		return;
	struct iscsi_discovery_address *found = iscsi_discovery_sync(context);
	for (struct iscsi_discovery_address *a = found; a; a = a->next) {
		size_t at = strlen(ret_names);
		snprintf(ret_names + at, len - at, "%s ", strrchr(a->target_name, ':'));
	}
	iscsi_free_discovery_data(context, found);
	initiator_logout(&context);
}

START_TEST(discovery_asks_for_a_proof_and_shows_what_the_asker_may_see)
{
	static const struct credentials wrong = {"finder", "finders-secre", NULL, NULL};
	static const struct credentials both = {"finder", "finders-secret", "disk",
						"disks-secret-00"};
	char names[256];

	start();
	discover(ALICE, &finder, names, sizeof(names));
	ck_assert(strstr(names, ":one") && strstr(names, ":two"));
	discover(CAROL, &both, names, sizeof(names));
	ck_assert_str_eq(names, ":two ");
	discover(BOB, &bob, names, sizeof(names));
	ck_assert(strstr(names, ":one") && strstr(names, ":two"));
	discover(CAROL, &bob, names, sizeof(names));
	ck_assert_str_eq(names, "-");
	discover(ALICE, &wrong, names, sizeof(names));
	ck_assert_str_eq(names, "-");
	discover(ALICE, &nobody, names, sizeof(names));
	ck_assert_str_eq(names, "-");
}
END_TEST

START_TEST(an_initiator_sees_its_luns_alone)
{
	static const uint8_t report_luns[12] = {0xa0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0};

	start();
	struct iscsi_context *a = login(ALICE, "iqn.2026-11.test:one", &alice);
	struct iscsi_context *b = login(BOB, "iqn.2026-11.test:one", &bob);
	ck_assert(a && b);
	struct answer answer = initiator_command(a, 0, report_luns, 12, NULL, 0, 4096);
	ck_assert_uint_eq(get_be32(answer.data), 16);
	answer = initiator_command(b, 0, report_luns, 12, NULL, 0, 4096);
	ck_assert_uint_eq(get_be32(answer.data), 8);
	ck_assert_uint_eq(answer.data[9], 1);
	ck_assert_int_eq(initiator_drain(a, 0), SCSI_STATUS_GOOD);
	ck_assert_int_eq(initiator_drain(b, 1), SCSI_STATUS_GOOD);
	answer = initiator_test_unit_ready(b, 0);
	ck_assert_int_eq(answer.status, SCSI_STATUS_CHECK_CONDITION);
	ck_assert_int_eq(answer.asc, 0x25);
	initiator_logout(&a);
	initiator_logout(&b);
}
END_TEST

START_TEST(a_login_follows_the_target_to_where_it_moved)
{
	struct daemon old;
	char moved[96], text[512];

	start();
	snprintf(moved, sizeof(moved), "%s/moved.conf", folder);
	snprintf(text, sizeof(text),
		 "targets = ({ name = \"iqn.2026-11.test:two\"; moved_to = \"%s\";\n"
		 "luns = ({ number = 5; backing = \"memory\"; size = \"1M\"; }); });\n",
		 daemon_.portal);
	write_file(moved, text);
	const char *const args[] = {"-c", moved, NULL};
	daemon_start(&old, "127.0.0.1:0", args);

	struct iscsi_context *context = context_for(CAROL, "iqn.2026-11.test:two", &nobody);
	ck_assert_int_eq(iscsi_full_connect_sync(context, old.portal, -1), 0);
	/* LUN 0 is the new place's. */
	ck_assert_int_eq(initiator_drain(context, 0), SCSI_STATUS_GOOD);
	initiator_logout(&context);
	daemon_finish(&old);
	unlink(moved);
}
END_TEST

static void ck_no_secret(const char *text)
{
	static const char *const all[] = {"alices-secret", "bobs-secret", "finders-secret",
					  "disks-secret"};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		ck_assert_ptr_null(strstr(text, all[i]));
}

START_TEST(sessions_are_shown_with_their_users)
{
	char text[16384];

	start();
	struct iscsi_context *a = login(ALICE, "iqn.2026-11.test:one", &alice);
	struct iscsi_context *c = login(CAROL, "iqn.2026-11.test:two", &nobody);
	ck_assert(a && c);
	const char *const sessions[] = {tool_path(),   "sessions",     "--json",
					"--state-dir", daemon_.folder, NULL};
	ck_assert_int_eq(program_run(sessions, text, sizeof(text)), 0);
	ck_assert_msg(strstr(text, "\"alice\"") && strstr(text, "null"), "%s", text);
	ck_no_secret(text);
	initiator_logout(&a);
	initiator_logout(&c);
}
END_TEST

START_TEST(no_secret_is_ever_shown)
{
	char text[16384], path[96];

	start();
	ck_assert(gets_in(ALICE, "iqn.2026-11.test:one", &alice));
	ck_assert(!gets_in(ALICE, "iqn.2026-11.test:one", &bob));
	const char *const check[] = {daemon_path(), "--check", "-c", config, NULL};
	ck_assert_int_eq(program_run(check, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "user = \"alice\""));
	ck_no_secret(text);
	const char *const status[] = {tool_path(),   "status",	     "--json",
				      "--state-dir", daemon_.folder, NULL};
	ck_assert_int_eq(program_run(status, text, sizeof(text)), 0);
	ck_no_secret(text);
	snprintf(path, sizeof(path), "%s/log", daemon_.folder);
	FILE *log = fopen(path, "r");
	ck_assert_ptr_nonnull(log);
	text[fread(text, 1, sizeof(text) - 1, log)] = '\0';
	fclose(log);
	ck_assert_ptr_nonnull(strstr(text, "status 0201, CHAP: unknown user or wrong secret"));
	ck_no_secret(text);
}
END_TEST

START_TEST(a_secrets_file_that_others_can_read_is_refused)
{
	char text[4096];
	const char *const check[] = {daemon_path(), "--check", "-c", config, NULL};
	const char *const serve[] = {daemon_path(), "-c", config, NULL};

	ck_assert_int_eq(chmod(secrets, 0640), 0);
	ck_assert_int_eq(program_run(check, text, sizeof(text)), 2);
	ck_assert_msg(strstr(text, "chmod 0600") && strstr(text, secrets), "%s", text);
	ck_assert_int_eq(program_run(serve, text, sizeof(text)), 2);
}
END_TEST

START_TEST(a_short_secret_is_warned_of)
{
	char text[4096], path[96];

	write_file(secrets, "alice short\nbob bobs-secret-000\nfinder finders-secret\n"
			    "disk disks-secret-00\n");
	start();
	snprintf(path, sizeof(path), "%s/log", daemon_.folder);
	FILE *log = fopen(path, "r");
	ck_assert_ptr_nonnull(log);
	text[fread(text, 1, sizeof(text) - 1, log)] = '\0';
	fclose(log);
	ck_assert_ptr_nonnull(strstr(text, "line 1: the secret of \"alice\" is shorter than 12"));
	ck_assert_ptr_null(strstr(text, "\"bob\""));
	const char *const check[] = {daemon_path(), "--check", "-c", config, NULL};
	ck_assert_int_eq(program_run(check, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "line 1: the secret of \"alice\" is shorter than 12"));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, who_knows_the_secret_gets_in_and_nobody_else);
	tcase_add_test(tcase, the_target_proves_itself_too);
	tcase_add_test(tcase, discovery_asks_for_a_proof_and_shows_what_the_asker_may_see);
	tcase_add_test(tcase, an_initiator_sees_its_luns_alone);
	tcase_add_test(tcase, a_login_follows_the_target_to_where_it_moved);
	tcase_add_test(tcase, sessions_are_shown_with_their_users);
	tcase_add_test(tcase, no_secret_is_ever_shown);
	tcase_add_test(tcase, a_secrets_file_that_others_can_read_is_refused);
	tcase_add_test(tcase, a_short_secret_is_warned_of);
}

int main(void)
{
	return suite_run("authentication", fill);
}
