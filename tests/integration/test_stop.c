/*
 * Getting ready and going down: the ready line comes when logins are accepted and not before, and a
 * signal ends the daemon in order.
 *
 * Status 0 means that it took less than 5 seconds: a timer of the daemon's own ends it with 1 then.
 */
#include "tests/integration/initiator.h"
#include "tests/integration/raw.h"
#include "tests/support/suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pr_engine/bytes.h"

#define SCSI_RESPONSE	   0x21
#define LOGOUT_RESPONSE	   0x26
#define ASYNC_MESSAGE	   0x32
#define ASYNC_EVENT_LOGOUT 1 /* RFC 7143 11.9.1: the target asks for logout */
#define WRITES		   32

static void send_logout(int fd, uint32_t cmd_sn)
{
	uint8_t bhs[RAW_BHS] = {0x46, 0x80}; /* immediate: close the session */

	put_be32(bhs + 16, 0x7fffffff);
	put_be32(bhs + 24, cmd_sn);
	ck_assert(raw_write(fd, bhs, sizeof(bhs)));
}

static void expect_logout_request(int fd)
{
	uint8_t bhs[RAW_BHS];

	ck_assert(raw_read_pdu(fd, bhs, NULL, 0));
	ck_assert_int_eq(bhs[0], ASYNC_MESSAGE);
	ck_assert_int_eq(bhs[36], ASYNC_EVENT_LOGOUT);
}

/* SIGTERM and SIGINT. */
static const int stop_signals[] = {SIGTERM, SIGINT};

START_TEST(a_signal_asks_each_session_to_log_out)
{
	struct daemon daemon;
	uint8_t bhs[RAW_BHS];
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	int a = raw_login(&daemon, "iqn.2026-11.test:a");
	int b = raw_login(&daemon, "iqn.2026-11.test:b");
	kill(daemon.pid, stop_signals[_i]);
	expect_logout_request(a);
	expect_logout_request(b);
	send_logout(a, 1);
	send_logout(b, 1);
	ck_assert(raw_read_pdu(a, bhs, NULL, 0));
	ck_assert_int_eq(bhs[0], LOGOUT_RESPONSE);
	ck_assert(raw_read_pdu(b, bhs, NULL, 0));
	ck_assert_int_eq(bhs[0], LOGOUT_RESPONSE);
	ck_assert_int_eq(daemon_wait(&daemon), 0);
	close(a);
	close(b);
	daemon_finish(&daemon);
}
END_TEST

/* Writes that are on their way when the signal comes. */
START_TEST(what_is_running_is_answered_first)
{
	struct daemon daemon;
	static uint8_t pdus[WRITES][RAW_BHS + 512];
	uint8_t bhs[RAW_BHS], block[512];
	int answered = 0, asked = 0;
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	int fd = raw_login(&daemon, "iqn.2026-11.test:a");
	raw_command(bhs, 0x00, 1, 0, 0);
	ck_assert(raw_write(fd, bhs, sizeof(bhs)));
	ck_assert(raw_read_pdu(fd, bhs, NULL, 0)); /* the unit attention */
	for (uint32_t i = 0; i < WRITES; i++) {
		raw_command(pdus[i], 0x2a, 2 + i, i, 1);
		pdus[i][33] = 0x08; /* FUA: the disk has the last word */
		put_be24(pdus[i] + 5, 512);
		memset(pdus[i] + RAW_BHS, (int)(i + 1), 512);
	}
	ck_assert(raw_write(fd, pdus, sizeof(pdus)));
	while (answered < WRITES) {
		ck_assert_msg(raw_read_pdu(fd, bhs, NULL, 0), "cut off after %d", answered);
		asked += bhs[0] == ASYNC_MESSAGE;
		if (bhs[0] != SCSI_RESPONSE)
			continue;
		ck_assert_int_eq(bhs[3], SCSI_STATUS_GOOD);
		if (answered++ == 0)
			kill(daemon.pid, SIGTERM);
	}
	if (asked == 0)
		expect_logout_request(fd);
	send_logout(fd, 2 + WRITES);
	ck_assert_int_eq(daemon_wait(&daemon), 0);
	close(fd);

	daemon_restart(&daemon);
	struct iscsi_context *a = initiator_login(&daemon, "iqn.2026-11.test:a", 1);
	initiator_drain(a, 0);
	for (uint32_t i = 0; i < WRITES; i++) {
		ck_assert_int_eq(initiator_read(a, 0, i, block, 1), SCSI_STATUS_GOOD);
		ck_assert_mem_eq(block, pdus[i] + RAW_BHS, sizeof(block));
	}
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

/* None of them does what it is asked to do. */
START_TEST(peers_that_do_not_go_do_not_keep_it)
{
	struct daemon daemon;
	uint8_t bhs[RAW_BHS];
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	int deaf = raw_login(&daemon, "iqn.2026-11.test:deaf");
	int waiting = raw_login(&daemon, "iqn.2026-11.test:waiting");
	int silent = raw_dial(&daemon);
	int half = raw_dial(&daemon);
	/* A write whose data are asked for, and never come. */
	raw_command(bhs, 0x00, 1, 0, 0);
	ck_assert(raw_write(waiting, bhs, sizeof(bhs)));
	ck_assert(raw_read_pdu(waiting, bhs, NULL, 0));
	raw_command(bhs, 0x2a, 2, 0, 2048);
	ck_assert(raw_write(waiting, bhs, sizeof(bhs)));
	ck_assert(raw_read_pdu(waiting, bhs, NULL, 0));
	ck_assert(raw_write(half, "\x43\x87", 2));
	ck_assert_int_eq(daemon_stop(&daemon), 0);
	close(deaf);
	close(waiting);
	close(silent);
	close(half);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(a_second_signal_ends_it_at_once)
{
	struct daemon daemon;
	struct stat st;
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	int fd = raw_login(&daemon, "iqn.2026-11.test:a");
	kill(daemon.pid, SIGTERM);
	expect_logout_request(fd);
	kill(daemon.pid, SIGINT);
	ck_assert_int_eq(daemon_wait(&daemon), 1);
	ck_assert_int_ne(stat(daemon.control, &st), 0);
	close(fd);
	daemon_finish(&daemon);
}
END_TEST

/* Between the ready line and the login there is nothing to wait for. */
START_TEST(logins_are_accepted_when_the_ready_line_comes)
{
	struct daemon daemon;
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	for (int i = 0; i < 20; i++) {
		int fd = raw_login(&daemon, "iqn.2026-11.test:a");
		close(fd);
		daemon_kill(&daemon);
		daemon_restart(&daemon);
	}
	daemon_finish(&daemon);
}
END_TEST

START_TEST(who_cannot_serve_does_not_say_ready)
{
	struct daemon daemon, other;
	char output[4096];
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	daemon_folder(&other);
	const char *const argv[] = {daemon_path(), "--state-dir", other.folder,
				    "--listen",	   daemon.portal, NULL};
	ck_assert_int_eq(program_run(argv, output, sizeof(output)), 1);
	ck_assert_msg(!strstr(output, "\"ready\""), "%s", output);
	ck_assert_msg(strstr(output, daemon.portal) && strstr(output, "--listen"), "%s", output);
	daemon_finish(&other);
	daemon_finish(&daemon);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, a_signal_asks_each_session_to_log_out, 0, 2);
	tcase_add_test(tcase, what_is_running_is_answered_first);
	tcase_add_test(tcase, peers_that_do_not_go_do_not_keep_it);
	tcase_add_test(tcase, a_second_signal_ends_it_at_once);
	tcase_add_test(tcase, logins_are_accepted_when_the_ready_line_comes);
	tcase_add_test(tcase, who_cannot_serve_does_not_say_ready);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	return suite_run("integration/stop", fill);
}
