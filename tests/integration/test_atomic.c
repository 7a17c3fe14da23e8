/* WRITE ATOMIC against the real daemon, which is killed while writes are under way. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/initiator.h"
#include "tests/support/suite.h"

#define INITIATOR "iqn.2026-11.test:atomic"
#define BLOCKS	  256
#define LEN	  (BLOCKS * 512)
#define ROUNDS	  10

/* Writes the same blocks over and over, each time full of another byte, until the daemon is gone;
 * says so after each write. */
static void write_for_ever(const struct daemon *daemon, int report)
{
	static const uint8_t cdb[16] = {0x9c, [12] = BLOCKS >> 8, [13] = BLOCKS & 0xff};
	static uint8_t out[LEN];
	struct iscsi_context *a = initiator_login(daemon, INITIATOR, 2);

	initiator_drain(a, 0);
	for (uint8_t fill = 1;; fill = fill < 255 ? (uint8_t)(fill + 1) : 1) {
		memset(out, fill, sizeof(out));
		if (initiator_command(a, 0, cdb, 16, out, LEN, 0).status != SCSI_STATUS_GOOD)
			_exit(0);
		if (write(report, &fill, 1) != 1)
			_exit(0);
	}
}

static pid_t start_writer(const struct daemon *daemon, int *ret_report)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(fds[0]);
		write_for_ever(daemon, fds[1]);
	}
	close(fds[1]);
	*ret_report = fds[0];
	return pid;
}

/* One byte from end to end: that of the last write that was answered, or of the one behind it. */
static void check_whole(const struct daemon *daemon, uint8_t answered)
{
	static uint8_t in[LEN];
	struct iscsi_context *a = initiator_login(daemon, INITIATOR, 1);
	uint8_t behind = answered < 255 ? (uint8_t)(answered + 1) : 1;

	initiator_drain(a, 0);
	ck_assert_int_eq(initiator_read(a, 0, 0, in, BLOCKS), SCSI_STATUS_GOOD);
	for (size_t i = 1; i < LEN; i++)
		ck_assert_uint_eq(in[i], in[0]);
	ck_assert(in[0] == answered || in[0] == behind);
	initiator_logout(&a);
}

START_TEST(a_kill_leaves_all_of_a_write_or_nothing)
{
	struct daemon daemon;

	daemon_start(&daemon, "127.0.0.1:0", NULL);
	for (int round = 1; round <= ROUNDS; round++) {
		uint8_t answered = 0;
		int report;
		pid_t writer = start_writer(&daemon, &report);

		for (int i = 0; i < round; i++)
			ck_assert_int_eq(read(report, &answered, 1), 1);
		daemon_kill(&daemon);
		/* What was answered before the kill, it has said by its end. */
		waitpid(writer, NULL, 0);
		while (read(report, &answered, 1) == 1)
			;
		close(report);
		daemon_restart(&daemon);
		check_whole(&daemon, answered);
	}
	daemon_finish(&daemon);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, a_kill_leaves_all_of_a_write_or_nothing);
}

int main(void)
{
	return suite_run("integration: atomic", fill);
}
