/*
 * `make demo`: the README's five minutes, played by two libiscsi initiators against a real daemon.
 * Each step says what is done and what came back; a step that does not come out as it must ends the
 * demo with status 1. It is a test as well: `make check` plays it.
 */
#include "tests/integration/initiator.h"

#include <stdio.h>

#include "pr_engine/types.h"
#include "tests/support/suite.h"

#define ALICE	  "iqn.2026-11.example:alice"
#define BOB	  "iqn.2026-11.example:bob"
#define TYPE	  PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY
#define KEY_ALICE 0xa11ceULL

static int step_number;

static void say(const char *text)
{
	printf("\n%2d. %s\n", ++step_number, text);
}

static const char *status_name(int status)
{
	switch (status) {
	case SCSI_STATUS_GOOD:
		return "GOOD";
	case SCSI_STATUS_CHECK_CONDITION:
		return "CHECK CONDITION";
	case SCSI_STATUS_RESERVATION_CONFLICT:
		return "RESERVATION CONFLICT";
	default:
		return "no answer";
	}
}

static void came_back(const char *who, const char *what, int status, int expected)
{
	printf("      %-6s %-44s -> %s\n", who, what, status_name(status));
	if (status != expected) {
		ck_abort_msg("that should have been %s", status_name(expected));
	}
}

static int write_block(struct iscsi_context *initiator)
{
	static const uint8_t block[512] = "hello";
	return initiator_write(initiator, 0, 0, block, 1).status;
}

static struct iscsi_context *log_in(const struct daemon *daemon, const char *name)
{
	struct iscsi_context *initiator = initiator_login(daemon, name, 1);
	initiator_drain(initiator, 0);
	return initiator;
}

static void show_reservation(struct iscsi_context *initiator, int expected_type)
{
	uint64_t keys[8] = {0}, holder = 0;
	int count = initiator_read_keys(initiator, 0, keys, 8);
	int type = initiator_read_reservation(initiator, 0, &holder);

	for (int i = 0; i < count && i < 8; i++)
		printf("      READ KEYS         key 0x%llx\n", (unsigned long long)keys[i]);
	printf("      READ RESERVATION  %s, key 0x%llx\n", pr_type_name((unsigned)type),
	       (unsigned long long)holder);
	ck_assert_int_eq(type, expected_type);
	ck_assert_uint_eq(holder, KEY_ALICE);
}

static void show_tool(const struct daemon *daemon)
{
	const char *const argv[] = {tool_path(), "pr", "show", "--control", daemon->control, NULL};
	char output[8192];

	printf("      $ holdfast pr show\n");
	int status = program_run(argv, output, sizeof(output));
	fputs(output, stdout);
	ck_assert_int_eq(status, 0);
}

START_TEST(five_minutes)
{
	struct daemon daemon;

	setvbuf(stdout, NULL, _IOLBF, 0);
	say("Start holdfastd with a new disk.");
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	printf("      %s on %s\n", daemon.target, daemon.portal);

	say("Alice and Bob log in; both may write.");
	struct iscsi_context *alice = log_in(&daemon, ALICE);
	struct iscsi_context *bob = log_in(&daemon, BOB);
	came_back("alice", "WRITE(10)", write_block(alice), SCSI_STATUS_GOOD);
	came_back("bob", "WRITE(10)", write_block(bob), SCSI_STATUS_GOOD);

	say("Alice registers a key (APTPL = 1: it is to survive power loss) and reserves the disk.");
	came_back("alice", "PERSISTENT RESERVE OUT, REGISTER",
		  initiator_pr_out(alice, 0, PR_OUT_REGISTER, 0, 0, KEY_ALICE, true).status,
		  SCSI_STATUS_GOOD);
	came_back("alice", "PERSISTENT RESERVE OUT, RESERVE",
		  initiator_pr_out(alice, 0, PR_OUT_RESERVE, TYPE, KEY_ALICE, 0, false).status,
		  SCSI_STATUS_GOOD);
	show_reservation(alice, TYPE);

	say("Bob is refused; Alice is not.");
	came_back("bob", "WRITE(10)", write_block(bob), SCSI_STATUS_RESERVATION_CONFLICT);
	came_back("alice", "WRITE(10)", write_block(alice), SCSI_STATUS_GOOD);

	say("Who holds it? The target tells.");
	show_tool(&daemon);

	say("kill -9: the target is gone, in the middle of everything.");
	daemon_kill(&daemon);
	initiator_cut(&alice);
	initiator_cut(&bob);

	say("Start it again on the same state. Bob comes first, before Alice is back.");
	daemon_restart(&daemon);
	bob = log_in(&daemon, BOB);
	show_reservation(bob, TYPE);
	came_back("bob", "WRITE(10)", write_block(bob), SCSI_STATUS_RESERVATION_CONFLICT);

	say("Alice comes back and goes on as if nothing had been.");
	alice = log_in(&daemon, ALICE);
	came_back("alice", "WRITE(10)", write_block(alice), SCSI_STATUS_GOOD);
	came_back("alice", "PERSISTENT RESERVE OUT, RELEASE",
		  initiator_pr_out(alice, 0, PR_OUT_RELEASE, TYPE, KEY_ALICE, 0, false).status,
		  SCSI_STATUS_GOOD);
	came_back("bob", "WRITE(10)", write_block(bob), SCSI_STATUS_GOOD);

	initiator_logout(&alice);
	initiator_logout(&bob);
	int status = daemon_stop(&daemon);
	daemon_finish(&daemon);
	ck_assert_int_eq(status, 0);
	printf("\nNo acknowledged reservation was lost.\n\n");
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, five_minutes);
}

int main(void)
{
	return suite_run("demo", fill);
}
