/* What a person or a script that starts and stops the daemon sees. */
#include "pr_engine/bytes.h"
#include "pr_engine/journal.h"
#include "tests/integration/daemon.h"
#include "tests/integration/initiator.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int run_daemon(const char *const *args, char *ret_output, size_t len)
{
	const char *argv[16] = {daemon_path()};
	int n = 1;
	for (int i = 0; args[i]; i++)
		argv[n++] = args[i];
	argv[n] = NULL;
	return program_run(argv, ret_output, len);
}

START_TEST(the_ready_line_names_what_a_script_needs)
{
	struct daemon daemon;
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	ck_assert_ptr_nonnull(strstr(daemon.ready_line, "\"luns\""));
	ck_assert_ptr_nonnull(strstr(daemon.ready_line, daemon.folder));
	ck_assert_str_ne(daemon.portal, "127.0.0.1:0");
	daemon_finish(&daemon);
}
END_TEST

START_TEST(sigterm_with_a_session_logged_in_ends_with_status_0)
{
	struct daemon daemon;
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	struct iscsi_context *a = initiator_login(&daemon, "iqn.2026-11.test:a", 1);
	ck_assert_int_eq(initiator_drain(a, 0), SCSI_STATUS_GOOD);
	ck_assert_int_eq(daemon_stop(&daemon), 0);
	initiator_cut(&a);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(a_second_instance_on_the_same_state_is_refused_with_the_pid_of_the_first)
{
	struct daemon daemon;
	char output[4096], pid[32];
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	const char *const args[] = {"--state-dir", daemon.folder, "--listen", "127.0.0.1:0", NULL};
	ck_assert_int_ne(run_daemon(args, output, sizeof(output)), 0);
	snprintf(pid, sizeof(pid), "%d", (int)daemon.pid);
	ck_assert_msg(strstr(output, pid) != NULL, "%s", output);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(after_a_kill_the_state_folder_can_be_used_at_once)
{
	struct daemon daemon;
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	daemon_kill(&daemon);
	daemon_restart(&daemon);
	ck_assert_int_eq(daemon_stop(&daemon), 0);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(the_control_socket_is_for_its_owner_only)
{
	struct daemon daemon;
	struct stat st;
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	ck_assert_int_eq(stat(daemon.control, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(an_unknown_option_is_named)
{
	char output[4096];
	const char *const args[] = {"--no-such-option", NULL};
	ck_assert_int_eq(run_daemon(args, output, sizeof(output)), 2);
	ck_assert_msg(strstr(output, "no-such-option") != NULL, "%s", output);
}
END_TEST

START_TEST(a_bad_listen_address_is_named)
{
	char output[4096];
	struct daemon daemon = {.folder = "/tmp/holdfast-test-XXXXXX"};
	ck_assert_ptr_nonnull(mkdtemp(daemon.folder));
	const char *const args[] = {"--state-dir", daemon.folder, "--listen", "nowhere:99999",
				    NULL};
	ck_assert_int_ne(run_daemon(args, output, sizeof(output)), 0);
	ck_assert_msg(strstr(output, "nowhere:99999") != NULL, "%s", output);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(a_misspelt_setting_gets_a_proposal_with_its_line)
{
	struct daemon daemon = {.folder = "/tmp/holdfast-test-XXXXXX"};
	char path[96], output[4096];
	ck_assert_ptr_nonnull(mkdtemp(daemon.folder));
	snprintf(path, sizeof(path), "%s/holdfast.conf", daemon.folder);
	FILE *file = fopen(path, "w");
	fputs("targets = ( {\n  name = \"iqn.2026-11.test:disk\";\n  luns = ( {\n"
	      "    number = 0;\n    backing = \"memory\";\n    size = \"16M\";\n"
	      "    profil = \"spc4\";\n  } );\n} );\n",
	      file);
	fclose(file);
	const char *const args[] = {"--check", "-c", path, NULL};
	ck_assert_int_eq(run_daemon(args, output, sizeof(output)), 2);
	ck_assert_msg(strstr(output, "`profil`") && strstr(output, "line 7") &&
			      strstr(output, "did you mean `profile`?"),
		      "%s", output);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(ipv6_serves_as_well)
{
	struct daemon daemon;
	daemon_start(&daemon, "[::1]:0", NULL);
	struct iscsi_context *a = initiator_login(&daemon, "iqn.2026-11.test:a", 1);
	ck_assert_int_eq(initiator_drain(a, 0), SCSI_STATUS_GOOD);
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(the_tool_shows_sessions_and_who_holds_what)
{
	struct daemon daemon;
	char output[8192];
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	struct iscsi_context *a = initiator_login(&daemon, "iqn.2026-11.test:holder", 1);
	initiator_drain(a, 0);
	ck_assert_int_eq(initiator_pr_out(a, 0, 0, 0, 0, 0xabc123, true).status, 0);
	ck_assert_int_eq(initiator_pr_out(a, 0, 1, 5, 0xabc123, 0, false).status, 0);

	const char *const sessions[] = {tool_path(), "sessions", "--control", daemon.control, NULL};
	ck_assert_int_eq(program_run(sessions, output, sizeof(output)), 0);
	ck_assert_msg(strstr(output, "iqn.2026-11.test:holder") != NULL, "%s", output);

	const char *const pr[] = {tool_path(), "pr", "show", "--control", daemon.control, NULL};
	ck_assert_int_eq(program_run(pr, output, sizeof(output)), 0);
	ck_assert_msg(strstr(output, "iqn.2026-11.test:holder") &&
			      strstr(output, "0x0000000000abc123") &&
			      strstr(output, "Write Exclusive"),
		      "%s", output);

	const char *const status[] = {tool_path(), "status",	   "--json",
				      "--control", daemon.control, NULL};
	ck_assert_int_eq(program_run(status, output, sizeof(output)), 0);
	ck_assert_msg(output[0] == '{' && strstr(output, daemon.target) != NULL, "%s", output);
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(the_journal_tool_tells_the_history_and_finds_damage)
{
	struct daemon daemon;
	char output[16384], path[512];
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	struct iscsi_context *a = initiator_login(&daemon, "iqn.2026-11.test:holder", 1);
	initiator_drain(a, 0);
	ck_assert_int_eq(initiator_pr_out(a, 0, 0, 0, 0, 0x11, true).status, 0);
	ck_assert_int_eq(initiator_pr_out(a, 0, 1, 1, 0x11, 0, false).status, 0);
	ck_assert_int_eq(initiator_pr_out(a, 0, 2, 1, 0x11, 0, false).status, 0);
	initiator_logout(&a);
	ck_assert_int_eq(daemon_stop(&daemon), 0);

	snprintf(path, sizeof(path), "%s/reservations/%s/lun0.journal", daemon.folder,
		 daemon.target);
	const char *const show[] = {tool_path(), "journal", "show", path, NULL};
	ck_assert_int_eq(program_run(show, output, sizeof(output)), 0);
	ck_assert_msg(strstr(output, "iqn.2026-11.test:holder") && strstr(output, "RESERVE") &&
			      strstr(output, "0x0000000000000011"),
		      "%s", output);
	const char *const check[] = {tool_path(), "journal", "check", path, NULL};
	ck_assert_int_eq(program_run(check, output, sizeof(output)), 0);

	/* A byte in an early record: acknowledged, so this is damage, and the daemon stays down. */
	FILE *file = fopen(path, "r+");
	ck_assert_ptr_nonnull(file);
	fseek(file, 0, SEEK_END);
	long size = ftell(file);
	fseek(file, size / 3, SEEK_SET);
	int byte = fgetc(file);
	fseek(file, size / 3, SEEK_SET);
	fputc(byte ^ 0x10, file);
	fclose(file);
	ck_assert_int_eq(program_run(check, output, sizeof(output)), 1);
	const char *const args[] = {"--state-dir", daemon.folder, "--listen", "127.0.0.1:0", NULL};
	ck_assert_int_eq(run_daemon(args, output, sizeof(output)), 1);
	ck_assert_msg(strstr(output, "lun0.journal") != NULL, "%s", output);
	daemon_finish(&daemon);
}
END_TEST

/* A journal whose one record takes away a registration that never was: sound bytes, no sense. */
static void write_senseless_journal(const char *path)
{
	const struct pr_journal_identity identity = {.target_name = "iqn.2026-11.test:disk"};
	const struct pr_journal_meta meta = {.event = PR_EVENT_PR_OUT, .action = PR_OUT_CLEAR};
	const struct pr_change change = {.op = PR_CHANGE_REMOVE, .registration_id = 99};
	uint8_t changes[PR_CHANGE_ENCODED_MAX];
	struct byte_writer out = byte_writer_over(changes, sizeof(changes));
	struct pr_state *state = pr_state_init(calloc(1, pr_state_size(4)), 4, 0);
	struct pr_journal_report report;
	struct pr_journal *journal;
	struct pr_store *store;

	pr_change_encode(&change, &out);
	ck_assert_int_eq(pr_store_posix_open(path, &store), 0);
	ck_assert_int_eq(pr_journal_open(store, &identity, 0, 16, state, &report, &journal), 0);
	ck_assert_int_eq(pr_journal_begin(journal, state), 0);
	ck_assert_int_eq(pr_journal_add(journal, &meta, changes, out.len), 0);
	ck_assert_int_eq(pr_journal_run(journal, true), 0);
	pr_journal_end(journal, 0);
	pr_journal_free(&journal);
	store->ops->close(store);
	free(state);
}

/* The tool says what the daemon would. */
START_TEST(the_journal_tool_refuses_records_that_make_no_sense)
{
	struct daemon daemon = {.folder = "/tmp/holdfast-test-XXXXXX"};
	char path[96], output[8192];
	ck_assert_ptr_nonnull(mkdtemp(daemon.folder));
	snprintf(path, sizeof(path), "%s/journal", daemon.folder);
	write_senseless_journal(path);
	const char *const check[] = {tool_path(), "journal", "check", path, NULL};
	ck_assert_msg(program_run(check, output, sizeof(output)) == 1, "%s", output);
	ck_assert_msg(strstr(output, "damaged") != NULL, "%s", output);
	daemon_finish(&daemon);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, the_journal_tool_refuses_records_that_make_no_sense);
	tcase_add_test(tcase, the_ready_line_names_what_a_script_needs);
	tcase_add_test(tcase, sigterm_with_a_session_logged_in_ends_with_status_0);
	tcase_add_test(tcase,
		       a_second_instance_on_the_same_state_is_refused_with_the_pid_of_the_first);
	tcase_add_test(tcase, after_a_kill_the_state_folder_can_be_used_at_once);
	tcase_add_test(tcase, the_control_socket_is_for_its_owner_only);
	tcase_add_test(tcase, an_unknown_option_is_named);
	tcase_add_test(tcase, a_bad_listen_address_is_named);
	tcase_add_test(tcase, a_misspelt_setting_gets_a_proposal_with_its_line);
	tcase_add_test(tcase, ipv6_serves_as_well);
	tcase_add_test(tcase, the_tool_shows_sessions_and_who_holds_what);
	tcase_add_test(tcase, the_journal_tool_tells_the_history_and_finds_damage);
}

int main(void)
{
	return suite_run("integration/daemon", fill);
}
