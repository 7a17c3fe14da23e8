/* The control socket, and the tool that asks it, against a real daemon. */
#include "tests/integration/initiator.h"
#include "tests/integration/raw.h"
#include "tests/support/suite.h"

#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define OUTPUT_MAX  (256 * 1024)
#define CLIENTS_MAX 8 /* as holdfast-control(7) says */
#define HANG_MS	    60000
#define NAME_SHORT  "iqn.2026-11.test:a"
#define NAME_UMLAUT "iqn.2026-11.test:b\xc3\xbcro"
#define TARGETS                                                                                 \
	"targets = (\n"                                                                         \
	"  { name = \"iqn.2026-11.test:disk\"; alias = \"the disk\"; luns = (\n"                \
	"    { number = 0; backing = \"memory\"; size = \"1048064K\"; profile = \"spc4\"; },\n" \
	"    { number = 3; backing = \"null\"; size = \"2T\"; read_only = true; } ); },\n"      \
	"  { name = \"iqn.2026-11.test:other\"; luns = (\n"                                     \
	"    { backing = \"memory\"; size = \"16M\"; } ); } );\n"

/* ---- the tool -----------------------------------------------------------------------------------
 */

static char output[OUTPUT_MAX];

/* `holdfast WORDS...` for this daemon; what it printed is in `output`. */
__attribute__((sentinel)) static int tool(const struct daemon *daemon, ...)
{
	const char *argv[16] = {tool_path(), "--control", daemon->control};
	int n = 3;
	va_list words;

	va_start(words, daemon);
	while ((argv[n] = va_arg(words, const char *)) != NULL)
		n++;
	va_end(words);
	return program_run(argv, output, sizeof(output));
}

/* What the last command printed, as JSON. */
static json_t *output_json(void)
{
	json_error_t error;
	json_t *value = json_loads(output, 0, &error);
	ck_assert_msg(value != NULL, "%s: %s", error.text, output);
	return value;
}

static void says(const char *text)
{
	ck_assert_msg(strstr(output, text) != NULL, "no `%s` in:\n%s", text, output);
}

static void start(struct daemon *daemon)
{
	daemon_start_configured(daemon, "127.0.0.1:0", TARGETS);
}

/* Two registrants, one of them with a name that has more bytes than characters; one holder. */
static void register_two(const struct daemon *daemon, struct iscsi_context *ret_initiators[2])
{
	struct iscsi_context *a = initiator_login(daemon, NAME_SHORT, 1);
	struct iscsi_context *b = initiator_login(daemon, NAME_UMLAUT, 2);
	initiator_drain(a, 0);
	initiator_drain(b, 0);
	ck_assert_int_eq(initiator_pr_out(a, 0, 0, 0, 0, 0xa11ce, true).status, 0);
	ck_assert_int_eq(initiator_pr_out(b, 0, 0, 0, 0, 0xb0b, true).status, 0);
	ck_assert_int_eq(initiator_pr_out(a, 0, 1, 5, 0xa11ce, 0, false).status, 0);
	ret_initiators[0] = a;
	ret_initiators[1] = b;
}

START_TEST(status_shows_targets_luns_and_sessions)
{
	struct daemon daemon;
	struct iscsi_context *initiators[2];
	start(&daemon);
	register_two(&daemon, initiators);
	ck_assert_int_eq(tool(&daemon, "status", NULL), 0);
	says("2 sessions on 2 connections\n");
	says("\niqn.2026-11.test:disk  (the disk)\n");
	says("\n  LUN 0    1023.5 MiB memory  spc4   2 registrations, ");
	says("\n  LUN 3    2 TiB      null    dlt-s4 0 registrations, not reserved, read only\n");
	says("\n  LUN 0    16 MiB     memory  dlt-s4 0 registrations, not reserved\n");

	ck_assert_int_eq(tool(&daemon, "status", "--json", NULL), 0);
	json_t *status = output_json(), *targets = json_object_get(status, "targets");
	ck_assert_int_eq(json_integer_value(json_object_get(status, "pid")), daemon.pid);
	ck_assert_int_eq(json_integer_value(json_object_get(status, "sessions")), 2);
	ck_assert_uint_eq(json_array_size(targets), 2);
	ck_assert_uint_eq(json_array_size(json_object_get(json_array_get(targets, 0), "luns")), 2);
	json_decref(status);
	initiator_logout(&initiators[0]);
	initiator_logout(&initiators[1]);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(sessions_shows_who_is_logged_in)
{
	struct daemon daemon;
	start(&daemon);
	ck_assert_int_eq(tool(&daemon, "sessions", NULL), 0);
	ck_assert_str_eq(output, "nobody is logged in\n");
	ck_assert_int_eq(tool(&daemon, "sessions", "--json", NULL), 0);
	json_t *reply = output_json();
	ck_assert(json_is_array(json_object_get(reply, "sessions")));
	json_decref(reply);

	struct iscsi_context *a = initiator_login(&daemon, NAME_UMLAUT, 1);
	ck_assert_int_eq(tool(&daemon, "sessions", NULL), 0);
	ck_assert_int_eq(strncmp(output, NAME_UMLAUT, strlen(NAME_UMLAUT)), 0);
	says("\n  from        127.0.0.1:");
	says("\n  target      iqn.2026-11.test:disk\n");
	says("\n  nexus       ISID 0x80");
	says("\n  so far      ");
	ck_assert_int_eq(tool(&daemon, "sessions", "--target", "IQN.2026-11.test:other", NULL), 0);
	ck_assert_str_eq(output, "nobody is logged in\n");
	ck_assert_int_eq(tool(&daemon, "sessions", "--target", "iqn.nowhere", NULL), 4);
	says("there is no target `iqn.nowhere`");
	ck_assert_int_eq(tool(&daemon, "sessions", "--json", NULL), 0);
	reply = output_json();
	json_t *session = json_array_get(json_object_get(reply, "sessions"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(session, "initiator")), NAME_UMLAUT);
	json_decref(reply);
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

/* Columns from the left edge of a line to `text` in it: characters, not bytes. */
static int column_of(const char *line, const char *text)
{
	const char *at = strstr(line, text), *end = strchr(line, '\n');
	int column = 0;

	ck_assert_msg(at && (!end || at < end), "no `%s` in: %s", text, line);
	for (; line < at; line++)
		column += (*line & 0xc0) != 0x80;
	return column;
}

START_TEST(pr_show_is_aligned_to_the_column)
{
	struct daemon daemon;
	struct iscsi_context *initiators[2];
	start(&daemon);
	register_two(&daemon, initiators);
	ck_assert_int_eq(
		tool(&daemon, "pr", "show", "0", "--target", "iqn.2026-11.test:disk", NULL), 0);
	says("iqn.2026-11.test:disk LUN 0, profile spc4\n");
	says("\n  reservation   Write Exclusive - Registrants Only (type 5h)\n");
	says("\n  held by       " NAME_SHORT ", key 0x00000000000a11ce\n");
	says("\n  registered    2 nexuses\n");
	says("\n  APTPL         on");
	says("\n  PRGENERATION  2\n");
	const char *head = strstr(output, "    KEY "), *first = strchr(head, '\n') + 1;
	const char *second = strchr(first, '\n') + 1;
	ck_assert_int_eq(column_of(first, "*"), column_of(head, "KEY") - 2);
	ck_assert_int_eq(column_of(first, "0x00000000000a11ce"), column_of(head, "KEY"));
	ck_assert_int_eq(column_of(second, "0x0000000000000b0b"), column_of(head, "KEY"));
	ck_assert_int_eq(column_of(first, NAME_SHORT), column_of(head, "INITIATOR"));
	ck_assert_int_eq(column_of(second, NAME_UMLAUT), column_of(head, "INITIATOR"));
	ck_assert_int_eq(column_of(first, "0x80000001"), column_of(head, "ISID"));
	ck_assert_int_eq(column_of(second, "0x80000002"), column_of(head, "ISID"));
	ck_assert_int_eq(column_of(first, " 20"), column_of(head, "REGISTERED") - 1);
	ck_assert_int_eq(column_of(second, " 20"), column_of(head, "REGISTERED") - 1);
	initiator_logout(&initiators[0]);
	initiator_logout(&initiators[1]);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(pr_show_knows_one_lun_all_luns_and_none)
{
	struct daemon daemon;
	struct iscsi_context *initiators[2];
	start(&daemon);
	register_two(&daemon, initiators);
	ck_assert_int_eq(tool(&daemon, "pr", "show", NULL), 0);
	says("iqn.2026-11.test:disk LUN 3, profile dlt-s4\n  reservation   none\n");
	says("\n\niqn.2026-11.test:other LUN 0, ");
	ck_assert_int_eq(tool(&daemon, "pr", "show", "--json", NULL), 0);
	json_t *all = output_json();
	ck_assert_uint_eq(json_array_size(all), 3);
	json_decref(all);

	ck_assert_int_eq(tool(&daemon, "pr", "show", "0", "--json", "--target",
			      "iqn.2026-11.test:disk", NULL),
			 0);
	json_t *pr = output_json(), *holder = json_object_get(pr, "reservation");
	ck_assert_str_eq(json_string_value(json_object_get(holder, "initiator")), NAME_SHORT);
	ck_assert_str_eq(json_string_value(json_object_get(holder, "key")), "0x00000000000a11ce");
	ck_assert_uint_eq(json_array_size(json_object_get(pr, "registrations")), 2);
	json_decref(pr);

	/* Two targets: which one? A LUN that is not there: it is named. */
	ck_assert_int_eq(tool(&daemon, "pr", "show", "0", NULL), 4);
	says("`target`");
	ck_assert_int_eq(
		tool(&daemon, "pr", "show", "7", "--target", "iqn.2026-11.test:disk", NULL), 4);
	says("has no LUN 7");
	ck_assert_int_eq(tool(&daemon, "pr", "show", "--target", "iqn.nowhere", NULL), 4);
	says("`iqn.nowhere`");
	initiator_logout(&initiators[0]);
	initiator_logout(&initiators[1]);
	daemon_finish(&daemon);
}
END_TEST

/* Each line of `journal show --json` is an object; the report is the last. */
START_TEST(journal_commands_read_the_file_of_a_running_daemon)
{
	struct daemon daemon;
	struct iscsi_context *initiators[2];
	char path[512];
	start(&daemon);
	register_two(&daemon, initiators);
	ck_assert_int_eq(tool(&daemon, "status", "--json", NULL), 0);
	json_t *status = output_json();
	json_t *target = json_array_get(json_object_get(status, "targets"), 0);
	json_t *lun = json_array_get(json_object_get(target, "luns"), 0);
	snprintf(path, sizeof(path), "%s", json_string_value(json_object_get(lun, "journal_file")));
	json_decref(status);

	ck_assert_int_eq(tool(&daemon, "journal", "show", path, NULL), 0);
	says("  RESERVE\n          by " NAME_SHORT ", ISID 0x80000001");
	ck_assert_int_eq(tool(&daemon, "journal", "check", path, NULL), 0);
	says("\n  records      ");
	says("\n  size         ");
	ck_assert_int_eq(tool(&daemon, "journal", "check", path, "--json", NULL), 0);
	json_t *report = output_json();
	ck_assert_str_eq(json_string_value(json_object_get(report, "health")), "clean");
	json_decref(report);

	ck_assert_int_eq(tool(&daemon, "journal", "show", path, "--json", NULL), 0);
	int events = 0, reports = 0;
	for (char *line = strtok(output, "\n"); line; line = strtok(NULL, "\n")) {
		json_t *object = json_loads(line, 0, NULL);
		ck_assert_msg(json_is_object(object), "%s", line);
		ck_assert_int_eq(reports, 0);
		events += json_object_get(object, "event") != NULL;
		reports += json_object_get(object, "health") != NULL;
		json_decref(object);
	}
	ck_assert_int_ge(events, 3);
	ck_assert_int_eq(reports, 1);
	initiator_logout(&initiators[0]);
	initiator_logout(&initiators[1]);
	daemon_finish(&daemon);
}
END_TEST

/* ---- the socket ---------------------------------------------------------------------------------
 */

static int control_dial(const struct daemon *daemon)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_uint_lt(strlen(daemon->control), sizeof(address.sun_path));
	strcpy(address.sun_path, daemon->control);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* One line, or what came before the end; false: nothing at all. */
static bool read_reply(int fd, char *ret_line, size_t len)
{
	size_t at = 0;

	while (at + 1 < len) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		ck_assert_msg(poll(&poll_fd, 1, HANG_MS) == 1, "no reply");
		if (read(fd, ret_line + at, 1) != 1 || ret_line[at] == '\n')
			break;
		at++;
	}
	ret_line[at] = '\0';
	return at > 0;
}

static const struct control_case {
	const char *request, *said;
} wrong_requests[] = {
	{"garbage\n", "not JSON"},
	{"\n", "not JSON"},
	{"[]\n", "not an object"},
	{"{}\n", "no `command`"},
	{"{\"command\":7}\n", "no `command`"},
	{"{\"command\":\"stop\"}\n", "unknown command `stop` (known: status, sessions, pr"},
	{"{\"command\":\"status\",\"lun\":0}\n", "`lun` does not go with command `status`"},
	{"{\"command\":\"status\",\"command\":\"pr\"}\n", "not JSON"},
	{"{\"command\":\"sessions\",\"target\":7}\n", "`target` must be text"},
	{"{\"command\":\"pr\",\"target\":\"iqn.2026-11.test:disk\"}\n", "`lun` must be a number"},
	{"{\"command\":\"pr\",\"target\":\"iqn.2026-11.test:disk\",\"lun\":-1}\n", "`lun` must be"},
	{"{\"command\":\"pr\",\"target\":\"iqn.2026-11.test:disk\",\"lun\":\"0\"}\n", "`lun` must"},
	{"{\"command\":\"\xff\xfe\"}\n", "not JSON"},
	{"\x1b[2J\x07\n", "not JSON"},
};

/* The connection survives it: the next request is answered. */
START_TEST(garbage_on_the_socket_is_answered_with_what_is_wrong)
{
	struct daemon daemon;
	char line[4096];
	start(&daemon);
	int fd = control_dial(&daemon);
	for (size_t i = 0; i < sizeof(wrong_requests) / sizeof(wrong_requests[0]); i++) {
		const struct control_case *c = &wrong_requests[i];
		ck_assert(raw_write(fd, c->request, strlen(c->request)));
		ck_assert(read_reply(fd, line, sizeof(line)));
		json_t *reply = json_loads(line, 0, NULL);
		ck_assert_msg(reply && json_is_false(json_object_get(reply, "ok")), "%s", line);
		ck_assert_msg(strstr(line, c->said) != NULL, "%s: %s", c->request, line);
		json_decref(reply);
	}
	ck_assert(raw_write(fd, "{\"command\":\"sessions\"}\n", 23));
	ck_assert(read_reply(fd, line, sizeof(line)));
	ck_assert_str_eq(line, "{\"ok\":true,\"sessions\":[]}");
	close(fd);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(a_request_without_end_is_refused_and_cut)
{
	struct daemon daemon;
	char line[4096];
	start(&daemon);
	int fd = control_dial(&daemon);
	char *bytes = malloc(65536);
	memset(bytes, '[', 65536);
	ck_assert(raw_write(fd, bytes, 65536));
	free(bytes);
	ck_assert(read_reply(fd, line, sizeof(line)));
	ck_assert_msg(strstr(line, "longer than 65536 bytes") != NULL, "%s", line);
	ck_assert(raw_is_closed_within(fd, HANG_MS));
	close(fd);
	ck_assert_int_eq(tool(&daemon, "status", NULL), 0);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(random_bytes_on_the_socket_disturb_nobody)
{
	struct daemon daemon;
	unsigned seed = 20261121;
	start(&daemon);
	struct iscsi_context *a = initiator_login(&daemon, NAME_SHORT, 1);
	initiator_drain(a, 0);
	for (int i = 0; i < 200; i++) {
		uint8_t bytes[300];
		int fd = control_dial(&daemon);
		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (uint8_t)rand_r(&seed);
		raw_write(fd, bytes, sizeof(bytes));
		close(fd);
		if (i % 50 == 0)
			initiator_proves_service(a);
	}
	initiator_proves_service(a);
	initiator_logout(&a);
	ck_assert_int_eq(daemon_stop(&daemon), 0);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(one_client_too_many_is_told_so_and_the_tool_says_it)
{
	struct daemon daemon;
	char line[4096];
	int fds[CLIENTS_MAX];
	start(&daemon);
	for (int i = 0; i < CLIENTS_MAX; i++) {
		fds[i] = control_dial(&daemon);
		ck_assert(raw_write(fds[i], "{\"command\":\"sessions\"}\n", 23));
		ck_assert(read_reply(fds[i], line, sizeof(line)));
	}
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(tool(&daemon, "status", NULL), 4);
		says("too many control clients");
	}
	/* Those that were there first are served, and a place that is free can be had. */
	ck_assert(raw_write(fds[0], "{\"command\":\"sessions\"}\n", 23));
	ck_assert(read_reply(fds[0], line, sizeof(line)));
	close(fds[0]);
	while (tool(&daemon, "status", NULL) == 4)
		says("too many control clients");
	says("holdfastd ");
	for (int i = 1; i < CLIENTS_MAX; i++)
		close(fds[i]);
	daemon_finish(&daemon);
}
END_TEST

/* It asks and asks, and takes nothing: what is made for it stays small, and others are answered. */
START_TEST(a_client_that_does_not_read_costs_little_and_stops_nobody)
{
	struct daemon daemon;
	start(&daemon);
	struct iscsi_context *a = initiator_login(&daemon, NAME_SHORT, 1);
	initiator_drain(a, 0);
	int fd = control_dial(&daemon);
	long before = resident_bytes(daemon.pid);
	for (;;) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
		if (poll(&poll_fd, 1, 300) == 0)
			break; /* nobody takes our requests any more either */
		if (send(fd, "{\"command\":\"status\"}\n", 21, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			ck_assert_int_eq(poll(&poll_fd, 1, 0), 0);
	}
	ck_assert_int_eq(tool(&daemon, "status", NULL), 0);
	initiator_proves_service(a);
#ifndef __SANITIZE_ADDRESS__
	ck_assert_int_lt(resident_bytes(daemon.pid) - before, 4l * 1024 * 1024);
#else
	(void)before;
#endif
	/* CONTROL_STALL_TIMEOUT_S: in the end it is cut. */
	struct pollfd poll_fd = {.fd = fd, .events = POLLRDHUP};
	ck_assert_int_eq(poll(&poll_fd, 1, HANG_MS), 1);
	close(fd);
	initiator_logout(&a);
	ck_assert_int_eq(daemon_stop(&daemon), 0);
	daemon_finish(&daemon);
}
END_TEST

/* JSON is UTF-8; a path need not be. */
START_TEST(a_state_folder_that_is_no_utf_8_breaks_no_json)
{
	struct daemon place, daemon;
	char folder[128];
	daemon_folder(&place);
	snprintf(folder, sizeof(folder), "%s/\xff\xfe", place.folder);
	const char *const args[] = {"--state-dir", folder, NULL};
	daemon_start(&daemon, "127.0.0.1:0", args);
	snprintf(daemon.control, sizeof(daemon.control), "%s/holdfast.sock", folder);
	ck_assert_int_eq(tool(&daemon, "status", "--json", NULL), 0);
	json_t *status = output_json();
	ck_assert_ptr_nonnull(
		strstr(json_string_value(json_object_get(status, "state_dir")), "\\xff\\xfe"));
	json_decref(status);
	daemon_finish(&daemon);
	daemon_finish(&place);
}
END_TEST

START_TEST(the_socket_is_gone_after_a_stop)
{
	struct daemon daemon;
	struct stat st;
	start(&daemon);
	ck_assert_int_eq(stat(daemon.control, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_int_eq(daemon_stop(&daemon), 0);
	ck_assert_int_ne(stat(daemon.control, &st), 0);
	ck_assert_int_eq(tool(&daemon, "status", NULL), 3);
	says("holdfastd");
	daemon_finish(&daemon);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, status_shows_targets_luns_and_sessions);
	tcase_add_test(tcase, sessions_shows_who_is_logged_in);
	tcase_add_test(tcase, pr_show_is_aligned_to_the_column);
	tcase_add_test(tcase, pr_show_knows_one_lun_all_luns_and_none);
	tcase_add_test(tcase, journal_commands_read_the_file_of_a_running_daemon);
	tcase_add_test(tcase, garbage_on_the_socket_is_answered_with_what_is_wrong);
	tcase_add_test(tcase, a_request_without_end_is_refused_and_cut);
	tcase_add_test(tcase, random_bytes_on_the_socket_disturb_nobody);
	tcase_add_test(tcase, one_client_too_many_is_told_so_and_the_tool_says_it);
	tcase_add_test(tcase, a_client_that_does_not_read_costs_little_and_stops_nobody);
	tcase_add_test(tcase, a_state_folder_that_is_no_utf_8_breaks_no_json);
	tcase_add_test(tcase, the_socket_is_gone_after_a_stop);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	return suite_run("integration/control", fill);
}
