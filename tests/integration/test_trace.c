/* `holdfast trace` and the ring behind it, with a real daemon: docs/trace.md. */
#include "tests/integration/initiator.h"
#include "tests/support/suite.h"

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX (4 * 1024 * 1024)
#define KEY_A	   0xa11ce
#define CONFIG(more)                                                      \
	more "targets = ( { name = \"iqn.2026-11.test:disk\"; luns = (\n" \
	     "  { backing = \"memory\"; size = \"16M\"; } ); } );\n"

static char output[OUTPUT_MAX];

/* `holdfast WORDS...` for this daemon; its exit status, and what it printed in `output`. */
__attribute__((sentinel)) static int tool(const struct daemon *daemon, ...)
{
	const char *argv[24] = {tool_path(), "--control", daemon->control};
	int n = 3;
	va_list words;

	va_start(words, daemon);
	while ((argv[n] = va_arg(words, const char *)) != NULL)
		n++;
	va_end(words);
	return program_run(argv, output, sizeof(output));
}

/* Two initiators; the first one holds Write Exclusive, and the second one has been refused. */
struct fight {
	struct daemon daemon;
	struct iscsi_context *a, *b;
};

static struct fight fight_begin(const char *config)
{
	struct fight fight;

	daemon_start_configured(&fight.daemon, "127.0.0.1:0", config);
	fight.a = initiator_login(&fight.daemon, "iqn.2026-11.test:a", 1);
	fight.b = initiator_login(&fight.daemon, "iqn.2026-11.test:b", 2);
	initiator_drain(fight.a, 0);
	initiator_drain(fight.b, 0);
	ck_assert_int_eq(initiator_pr_out(fight.a, 0, 0x06, 0, 0, KEY_A, true).status, 0);
	ck_assert_int_eq(initiator_pr_out(fight.a, 0, 0x01, 1, KEY_A, 0, false).status, 0);
	return fight;
}

static void write_is_refused(const struct fight *fight)
{
	uint8_t block[512] = {0};

	ck_assert_int_eq(initiator_write(fight->b, 0, 0, block, 1).status,
			 SCSI_STATUS_RESERVATION_CONFLICT);
}

static void fight_end(struct fight *fight)
{
	initiator_logout(&fight->a);
	initiator_logout(&fight->b);
	ck_assert_int_eq(daemon_stop(&fight->daemon), 0);
	daemon_finish(&fight->daemon);
}

static json_t *events(void)
{
	json_error_t error;
	json_t *array = json_loads(output, 0, &error);

	ck_assert_msg(json_is_array(array), "%s: %s", error.text, output);
	return array;
}

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

START_TEST(a_conflict_is_explained_afterwards)
{
	struct fight fight = fight_begin(CONFIG(""));

	write_is_refused(&fight);
	ck_assert_int_eq(
		tool(&fight.daemon, "trace", "--last", "2", "--status", "conflict", "--json", NULL),
		0);
	json_t *array = events();
	ck_assert_uint_eq(json_array_size(array), 2);
	const json_t *conflict = json_array_get(array, 0), *command = json_array_get(array, 1);
	const json_t *holder = json_object_get(conflict, "holder");
	ck_assert_str_eq(text(conflict, "kind"), "conflict");
	ck_assert_str_eq(text(conflict, "initiator"), "iqn.2026-11.test:b");
	ck_assert_str_eq(text(conflict, "rule"), "Write Exclusive: only the holder writes");
	ck_assert_str_eq(text(holder, "initiator"), "iqn.2026-11.test:a");
	ck_assert_str_eq(text(holder, "key"), "0x00000000000a11ce");
	ck_assert_int_gt(json_integer_value(json_object_get(conflict, "record")), 0);
	ck_assert_str_eq(text(command, "command"), "WRITE(10)");
	ck_assert_str_eq(text(command, "status"), "RESERVATION CONFLICT");
	ck_assert_int_eq(json_integer_value(json_object_get(command, "tag")),
			 json_integer_value(json_object_get(conflict, "tag")));
	json_t *pr = NULL;
	ck_assert_int_eq(tool(&fight.daemon, "pr", "show", "0", "--json", NULL), 0);
	pr = json_loads(output, 0, NULL);
	/* The same record as `pr show` names. */
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(pr, "reservation"),
							    "since_sequence")),
			 json_integer_value(json_object_get(conflict, "record")));
	json_decref(pr);
	json_decref(array);
	fight_end(&fight);
}
END_TEST

START_TEST(for_people_it_is_one_line_an_event)
{
	struct fight fight = fight_begin(CONFIG(""));

	write_is_refused(&fight);
	ck_assert_int_eq(tool(&fight.daemon, "trace", "--last", "100", NULL), 0);
	ck_assert_ptr_nonnull(strstr(output, "PERSISTENT RESERVE OUT, REGISTER AND IGNORE EXISTING "
					     "KEY rk 0x0 sark 0xa11ce aptpl: GOOD"));
	ck_assert_ptr_nonnull(strstr(output, "PERSISTENT RESERVE OUT, RESERVE type Write Exclusive "
					     "rk 0xa11ce sark 0x0: GOOD"));
	ck_assert_ptr_nonnull(strstr(output, "why: Write Exclusive: only the holder writes"));
	ck_assert_ptr_nonnull(strstr(output, "WRITE(10) lba 0 blocks 1: RESERVATION CONFLICT"));
	ck_assert_ptr_nonnull(strstr(output, "iqn.2026-11.test:b"));
	fight_end(&fight);
}
END_TEST

START_TEST(filters_are_applied_and_nonsense_is_refused)
{
	struct fight fight = fight_begin(CONFIG(""));

	write_is_refused(&fight);
	ck_assert_int_eq(tool(&fight.daemon, "trace", "--last", "100", "--initiator", "*:a",
			      "--command", "pr-out", "--json", NULL),
			 0);
	json_t *array = events();
	ck_assert_uint_eq(json_array_size(array), 2);
	json_decref(array);
	ck_assert_int_eq(
		tool(&fight.daemon, "trace", "--last", "100", "--kind", "decision", "--json", NULL),
		0);
	array = events();
	ck_assert_uint_eq(json_array_size(array), 2); /* both were changes */
	json_decref(array);
	ck_assert_int_eq(tool(&fight.daemon, "trace", "--last", "100", "--lun", "7", NULL), 0);
	ck_assert_str_eq(output, "");
	ck_assert_int_eq(tool(&fight.daemon, "trace", "--last", "9", "--command", "reed", NULL), 4);
	ck_assert_int_eq(tool(&fight.daemon, "trace", "--last", "9", "--status", "god", NULL), 4);
	ck_assert_int_eq(tool(&fight.daemon, "trace", "--last", "many", NULL), 2);
	ck_assert_int_eq(tool(&fight.daemon, "trace", "--lun", "999", NULL), 2);
	fight_end(&fight);
}
END_TEST

/* ---- following ------------------------------------------------------------------------------- */

struct follower {
	pid_t pid;
	FILE *lines;
};

static struct follower follow(const struct daemon *daemon, const char *option)
{
	struct follower follower;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	follower.pid = fork();
	ck_assert_int_ge(follower.pid, 0);
	if (follower.pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execl(tool_path(), "holdfast", "--control", daemon->control, "trace", "--follow",
		      "--last", "1", option, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	follower.lines = fdopen(ends[0], "r");
	return follower;
}

static void unfollow(struct follower *follower)
{
	int status;

	kill(follower->pid, SIGTERM);
	ck_assert_int_eq(waitpid(follower->pid, &status, 0), follower->pid);
	fclose(follower->lines);
}

/* The next line that has these words. */
static void expect_line(const struct follower *follower, const char *words)
{
	char line[8192];

	do
		ck_assert_msg(fgets(line, sizeof(line), follower->lines) != NULL, "no line with %s",
			      words);
	while (!strstr(line, words));
}

START_TEST(what_happens_is_followed_as_it_happens)
{
	struct fight fight = fight_begin(CONFIG(""));
	struct follower follower = follow(&fight.daemon, "--pdus");

	expect_line(&follower, "PERSISTENT RESERVE OUT, RESERVE"); /* the last one before */
	write_is_refused(&fight);
	expect_line(&follower, "-> SCSI Command");
	expect_line(&follower, "why: Write Exclusive");
	expect_line(&follower, "WRITE(10) lba 0 blocks 1: RESERVATION CONFLICT");
	expect_line(&follower, "<- SCSI Response, response 0x00, status 0x18");
	unfollow(&follower);
	fight_end(&fight);
}
END_TEST

/* A ring of 64 events, and a follower that does not read while thousands happen. */
START_TEST(who_reads_too_slowly_is_told_how_many_it_missed)
{
	struct fight fight = fight_begin(CONFIG("trace_events = 64;\n"));
	struct follower follower = follow(&fight.daemon, "--json");
	long long seen = 0, lost = 0, expected = -1;
	char line[8192];

	expect_line(&follower, "RESERVE");
	kill(follower.pid, SIGSTOP);
	for (int i = 0; i < 3000; i++)
		ck_assert_int_eq(initiator_test_unit_ready(fight.a, 0).status, 0);
	kill(follower.pid, SIGCONT);
	write_is_refused(&fight);
	while (fgets(line, sizeof(line), follower.lines)) {
		json_t *event = json_loads(line, 0, NULL);
		long long missed = json_integer_value(json_object_get(event, "lost"));
		long long number = json_integer_value(json_object_get(event, "event"));
		bool is_last = strcmp(text(event, "command"), "WRITE(10)") == 0 &&
			       strcmp(text(event, "kind"), "command") == 0;

		ck_assert_ptr_nonnull(event);
		if (missed > 0) {
			lost += missed;
			expected = expected >= 0 ? expected + missed : -1;
		} else {
			ck_assert(expected < 0 || number == expected);
			expected = number + 1;
			seen++;
		}
		json_decref(event);
		if (is_last)
			break;
	}
	ck_assert_int_ge(lost, 0);
	ck_assert_int_ge(seen + lost, 3000);
	unfollow(&follower);
	fight_end(&fight);
}
END_TEST

START_TEST(a_follower_that_leaves_makes_room_for_another)
{
	struct fight fight = fight_begin(CONFIG(""));

	for (int i = 0; i < 20; i++) {
		struct follower follower = follow(&fight.daemon, "--json");
		expect_line(&follower, "RESERVE");
		unfollow(&follower);
		ck_assert_int_eq(tool(&fight.daemon, "status", NULL), 0);
	}
	fight_end(&fight);
}
END_TEST

START_TEST(the_ring_keeps_headers_of_pdus_when_it_is_told_to)
{
	struct fight fight = fight_begin(CONFIG("trace_pdus = true;\n"));

	ck_assert_int_eq(tool(&fight.daemon, "trace", "--last", "100", "--pdus", NULL), 0);
	ck_assert_ptr_nonnull(strstr(output, "-> Login Request"));
	ck_assert_ptr_nonnull(strstr(output, "<- Login Response"));
	ck_assert_ptr_nonnull(strstr(output, "-> SCSI Command"));
	fight_end(&fight);
}
END_TEST

/* Sessions are spread over the loops; each loop has a ring of its own. */
START_TEST(events_of_all_loops_come_in_the_order_of_time)
{
	struct fight fight = fight_begin(CONFIG("threads = 3;\n"));
	struct follower follower = follow(&fight.daemon, "--pdus");
	struct iscsi_context *more[4];
	json_int_t before = 0;
	unsigned commands = 0;
	const json_t *event;
	char name[64];
	size_t i;

	expect_line(&follower, "LUN 0");
	for (unsigned n = 0; n < 4; n++) {
		snprintf(name, sizeof(name), "iqn.2026-11.test:more-%u", n);
		more[n] = initiator_login(&fight.daemon, name, 10 + n);
	}
	for (unsigned round = 0; round < 50; round++)
		for (unsigned n = 0; n < 4; n++)
			initiator_test_unit_ready(more[n], 0);
	write_is_refused(&fight);
	expect_line(&follower, "why: Write Exclusive");
	expect_line(&follower, "WRITE(10) lba 0 blocks 1: RESERVATION CONFLICT");
	unfollow(&follower);
	for (unsigned n = 0; n < 4; n++)
		initiator_logout(&more[n]);
	ck_assert_int_eq(tool(&fight.daemon, "trace", "--last", "10000", "--json", NULL), 0);
	json_t *array = events();
	json_array_foreach(array, i, event)
	{
		json_int_t now = json_integer_value(json_object_get(event, "time_ns"));
		ck_assert_int_ge(now, before);
		before = now;
		commands += strcmp(text(event, "command"), "TEST UNIT READY") == 0;
	}
	ck_assert_uint_ge(commands, 200);
	json_decref(array);
	fight_end(&fight);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_conflict_is_explained_afterwards);
	tcase_add_test(tcase, for_people_it_is_one_line_an_event);
	tcase_add_test(tcase, filters_are_applied_and_nonsense_is_refused);
	tcase_add_test(tcase, what_happens_is_followed_as_it_happens);
	tcase_add_test(tcase, who_reads_too_slowly_is_told_how_many_it_missed);
	tcase_add_test(tcase, a_follower_that_leaves_makes_room_for_another);
	tcase_add_test(tcase, events_of_all_loops_come_in_the_order_of_time);
	tcase_add_test(tcase, the_ring_keeps_headers_of_pdus_when_it_is_told_to);
}

int main(void)
{
	return suite_run("trace", fill);
}
