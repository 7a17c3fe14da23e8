/* Fault rules in a real daemon, as an initiator meets them: docs/man/holdfast-faults.7.scd. */
#include "tests/integration/initiator.h"
#include "tests/support/suite.h"

#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIG                                                                                 \
	"targets = ( { name = \"iqn.2026-11.test:disk\"; luns = (\n  { backing = \"memory\"; " \
	"size = \"16M\"; } ); } );\n"

static char output[65536];
static struct daemon target;

/* `holdfast WORDS...`; its exit status, and what it printed in `output`. */
__attribute__((sentinel)) static int tool(const char *word, ...)
{
	const char *argv[16] = {tool_path(), "--control", target.control, word};
	int n = 4;
	va_list words;

	va_start(words, word);
	while ((argv[n] = va_arg(words, const char *)) != NULL)
		n++;
	va_end(words);
	return program_run(argv, output, sizeof(output));
}

static void rule(const char *text)
{
	ck_assert_msg(tool("fault", "add", text, NULL) == 0, "%s: %s", text, output);
}

static json_int_t firings(const char *id)
{
	json_error_t error;
	json_int_t count = -1;
	const json_t *entry;
	size_t i;

	ck_assert_int_eq(tool("fault", "list", "--json", NULL), 0);
	json_t *reply = json_loads(output, 0, &error);
	json_array_foreach(json_object_get(reply, "rules"), i, entry)
	{
		if (strcmp(json_string_value(json_object_get(entry, "id")), id) == 0)
			count = json_integer_value(json_object_get(entry, "firings"));
	}
	json_decref(reply);
	return count;
}

static struct iscsi_context *log_in(void)
{
	struct login_options options = {.name = "iqn.2026-11.test:user", .isid = 1};
	struct iscsi_context *initiator = initiator_try_login(&target, &options);

	ck_assert_ptr_nonnull(initiator);
	initiator_drain(initiator, 0);
	return initiator;
}

static void setup(void)
{
	daemon_start_configured(&target, "127.0.0.1:0", CONFIG);
}

static void teardown(void)
{
	daemon_finish(&target);
}

static int test_unit_ready(struct iscsi_context *initiator)
{
	struct scsi_task *task = iscsi_testunitready_sync(initiator, 0);

	ck_assert_ptr_nonnull(task);
	int status = task->status;
	scsi_free_scsi_task(task);
	return status;
}

START_TEST(a_command_gets_the_status_that_a_rule_wants)
{
	struct iscsi_context *initiator = log_in();

	rule("id=full on command op=test-unit-ready times=2 do status task-set-full");
	ck_assert_int_eq(test_unit_ready(initiator), SCSI_STATUS_TASK_SET_FULL);
	ck_assert_int_eq(test_unit_ready(initiator), SCSI_STATUS_TASK_SET_FULL);
	ck_assert_int_eq(test_unit_ready(initiator), SCSI_STATUS_GOOD);
	ck_assert_int_eq(firings("full"), 2);
	initiator_logout(&initiator);
}
END_TEST

START_TEST(a_rule_is_refused_with_its_culprit_and_a_proposal)
{
	ck_assert_int_eq(tool("fault", "add", "on", "command", "opp=read", "do", "hold", NULL), 4);
	ck_assert_ptr_nonnull(strstr(output, "`opp`"));
	ck_assert_ptr_nonnull(strstr(output, "did you mean `op`?"));
	ck_assert_int_eq(tool("fault", "clear", "nobody", NULL), 4);
	ck_assert_ptr_nonnull(strstr(output, "there is no rule `nobody`"));
}
END_TEST

START_TEST(rules_are_shown_and_taken_away)
{
	ck_assert_int_eq(tool("fault", "list", NULL), 0);
	ck_assert_ptr_nonnull(strstr(output, "no rule is in force"));
	rule("on command op=flush do status busy");
	rule("id=two on nop-out do drop");
	ck_assert_int_eq(tool("fault", "list", NULL), 0);
	ck_assert_ptr_nonnull(strstr(output, "on command op=flush do status busy"));
	ck_assert_int_eq(tool("fault", "clear", "two", NULL), 0);
	ck_assert_int_eq(firings("two"), -1);
	ck_assert_int_eq(firings("1"), 0);
	ck_assert_int_eq(tool("fault", "clear", NULL), 0);
	ck_assert_ptr_nonnull(strstr(output, "1 taken away"));
}
END_TEST

START_TEST(rules_of_the_configuration_file_hold_from_the_start)
{
	daemon_finish(&target);
	daemon_start_configured(&target, "127.0.0.1:0",
				CONFIG "faults = ( \"id=a on command op=test-unit-ready times=1 "
				       "do status busy\",\n  \"id=b on nop-out do drop\" );\n");
	ck_assert_int_eq(firings("a"), 0);
	ck_assert_int_eq(firings("b"), 0);
	struct login_options options = {.name = "iqn.2026-11.test:user", .isid = 1};
	struct iscsi_context *initiator = initiator_try_login(&target, &options);
	ck_assert_int_eq(test_unit_ready(initiator), SCSI_STATUS_BUSY);
	initiator_logout(&initiator);
}
END_TEST

START_TEST(a_wrong_rule_in_the_file_is_told_with_its_line)
{
	char path[] = "/tmp/holdfast-faults-XXXXXX";
	int fd = mkstemp(path);
	static const char text[] =
		"faults = (\n \"on accept do rst\",\n \"on command do statos 8\",\n"
		" \"id=x on accept do rst\", \"id=x on accept do fin\" );\n";

	ck_assert_int_eq(write(fd, text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
	close(fd);
	const char *argv[] = {daemon_path(), "--check", "-c", path, NULL};
	ck_assert_int_eq(program_run(argv, output, sizeof(output)), 2);
	unlink(path);
	ck_assert_msg(strstr(output, "line 3: there is no action `statos`; did you mean `status`?"),
		      "%s", output);
	ck_assert_msg(strstr(output, "line 4: its id `x` is that of the rule in line 4"), "%s",
		      output);
}
END_TEST

START_TEST(a_refused_login_is_refused_no_more_when_the_rule_is_spent)
{
	struct login_options options = {.name = "iqn.2026-11.test:user", .isid = 1};

	rule("on login-request times=1 do refuse 0301");
	ck_assert_ptr_null(initiator_try_login(&target, &options));
	struct iscsi_context *initiator = log_in();
	initiator_proves_service(initiator);
	initiator_logout(&initiator);
}
END_TEST

START_TEST(a_reset_connection_leaves_a_target_that_serves)
{
	struct iscsi_context *initiator = log_in();

	rule("on scsi-response times=1 do truncate 30 then=rst");
	iscsi_set_noautoreconnect(initiator, 1);
	struct scsi_task *task = iscsi_testunitready_sync(initiator, 0);
	ck_assert(!task || task->status != SCSI_STATUS_GOOD);
	if (task)
		scsi_free_scsi_task(task);
	iscsi_destroy_context(initiator);
	initiator = log_in();
	initiator_proves_service(initiator);
	initiator_logout(&initiator);
}
END_TEST

START_TEST(one_byte_a_segment_is_the_same_stream)
{
	struct iscsi_context *initiator = log_in();

	rule("id=drip on sent do split 1");
	initiator_proves_service(initiator);
	ck_assert_int_gt(firings("drip"), 0);
	initiator_logout(&initiator);
}
END_TEST

/* --- the clock -------------------------------------------------------------------------------- */

#define TURN_MS 20

static bool is_done;

/* Whatever libiscsi has to do now, or within a moment. */
static void turn(struct iscsi_context *initiator)
{
	struct pollfd wanted = {.fd = iscsi_get_fd(initiator),
				.events = (short)iscsi_which_events(initiator)};

	poll(&wanted, 1, TURN_MS);
	ck_assert_int_eq(iscsi_service(initiator, wanted.revents), 0);
}

static void note_done(struct iscsi_context *initiator, int status, void *command_data,
		      void *private_data)
{
	(void)initiator;
	(void)command_data;
	*(int *)private_data = status;
	is_done = true;
}

START_TEST(a_delayed_command_ends_when_the_clock_is_stepped)
{
	struct iscsi_context *initiator = log_in();
	int status = -1;

	ck_assert_int_eq(tool("clock", "freeze", NULL), 0);
	ck_assert_ptr_nonnull(strstr(output, "stands still"));
	rule("id=slow on command op=test-unit-ready times=1 do delay 3600s");
	is_done = false;
	struct scsi_task *task = iscsi_testunitready_task(initiator, 0, note_done, &status);
	ck_assert_ptr_nonnull(task);
	while (firings("slow") == 0)
		turn(initiator);
	ck_assert(!is_done);
	ck_assert_int_eq(tool("clock", "step", "3600s", NULL), 0);
	while (!is_done)
		turn(initiator);
	scsi_free_scsi_task(task);
	ck_assert_int_eq(status, SCSI_STATUS_GOOD);
	ck_assert_int_eq(tool("clock", "resume", NULL), 0);
	ck_assert_ptr_nonnull(strstr(output, "the clock goes"));
	initiator_logout(&initiator);
}
END_TEST

START_TEST(an_initiator_that_answers_no_ping_is_dropped_when_the_clock_is_stepped)
{
	struct iscsi_context *initiator = log_in();

	rule("id=deaf on nop-out do drop");
	ck_assert_int_eq(tool("clock", "freeze", NULL), 0);
	ck_assert_int_eq(tool("clock", "step", "60s", NULL), 0); /* a ping is due */
	while (firings("deaf") == 0)
		turn(initiator);
	ck_assert_int_eq(tool("clock", "step", "60s", NULL), 0); /* and its answer */
	json_t *reply;
	do {
		ck_assert_int_eq(tool("sessions", "--json", NULL), 0);
		reply = json_loads(output, 0, NULL);
		is_done = json_array_size(json_object_get(reply, "sessions")) == 0;
		json_decref(reply);
	} while (!is_done);
	iscsi_destroy_context(initiator);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_command_gets_the_status_that_a_rule_wants);
	tcase_add_test(tcase, a_rule_is_refused_with_its_culprit_and_a_proposal);
	tcase_add_test(tcase, rules_are_shown_and_taken_away);
	tcase_add_test(tcase, rules_of_the_configuration_file_hold_from_the_start);
	tcase_add_test(tcase, a_wrong_rule_in_the_file_is_told_with_its_line);
	tcase_add_test(tcase, a_refused_login_is_refused_no_more_when_the_rule_is_spent);
	tcase_add_test(tcase, a_delayed_command_ends_when_the_clock_is_stepped);
	tcase_add_test(tcase,
		       an_initiator_that_answers_no_ping_is_dropped_when_the_clock_is_stepped);
	tcase_add_test(tcase, a_reset_connection_leaves_a_target_that_serves);
	tcase_add_test(tcase, one_byte_a_segment_is_the_same_stream);
}

int main(void)
{
	return suite_run("faults", fill);
}
