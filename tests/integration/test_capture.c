/* `holdfast capture` with a real daemon, and what tshark makes of the file. */
#include "tests/integration/initiator.h"
#include "tests/support/suite.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX   (4 * 1024 * 1024)
#define WRITE_BLOCKS 2048 /* a megabyte: immediate data, unsolicited data, R2Ts */
#define KEY_A	     0xa11ce
#define TSHARK	     "/usr/bin/env", "tshark"

static char output[OUTPUT_MAX];

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

/* tshark puts no more than 256 KiB together again: PDUs stay below that. */
#define CONFIG(more)                                                             \
	more "policy = { max_burst_len = \"128K\"; first_burst_len = \"64K\";\n" \
	     "  max_recv_data_segment_len = \"128K\"; };\n"                      \
	     "targets = ( { name = \"iqn.2026-11.test:disk\"; luns = (\n"        \
	     "  { backing = \"memory\"; size = \"16M\"; } ); } );\n"

/* ---- a capture that is on ----------------------------------------------------------------------
 */

struct running {
	struct daemon daemon;
	pid_t pid;
	char file[128];
	char said[4096]; /* by the tool, when it has ended */
	FILE *err;	 /* its standard error */
};

static struct running run_capture_of(const char *config, const char *option, const char *value)
{
	struct running running = {.pid = 0};
	int ends[2];

	daemon_start_configured(&running.daemon, "127.0.0.1:0", config);
	snprintf(running.file, sizeof(running.file), "%s/capture.pcapng", running.daemon.folder);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	running.pid = fork();
	ck_assert_int_ge(running.pid, 0);
	if (running.pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		execl(tool_path(), "holdfast", "--control", running.daemon.control, "capture",
		      running.file, option, value, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	running.err = fdopen(ends[0], "r");
	ck_assert_ptr_nonnull(running.err);
	ck_assert_ptr_nonnull(fgets(running.said, sizeof(running.said), running.err));
	ck_assert_msg(strstr(running.said, "capturing into") != NULL, "%s", running.said);
	return running;
}

static struct running run_capture(const char *option, const char *value)
{
	return run_capture_of(CONFIG(""), option, value);
}

static void wait_capture(struct running *running)
{
	size_t len = fread(running->said, 1, sizeof(running->said) - 1, running->err);
	int status;

	running->said[len] = '\0';
	fclose(running->err);
	ck_assert_int_eq(waitpid(running->pid, &status, 0), running->pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", running->said);
}

static void finish(struct running *running)
{
	ck_assert_int_eq(daemon_stop(&running->daemon), 0);
	daemon_finish(&running->daemon);
}

/* ---- what is captured --------------------------------------------------------------------------
 */

static void write_and_read(struct iscsi_context *initiator)
{
	uint8_t *data = calloc(WRITE_BLOCKS, 512);

	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < WRITE_BLOCKS * 512u; i++)
		data[i] = (uint8_t)(i * 7);
	ck_assert_int_eq(initiator_write(initiator, 0, 0, data, WRITE_BLOCKS).status, 0);
	ck_assert_int_eq(initiator_read(initiator, 0, 0, data, WRITE_BLOCKS), 0);
	free(data);
}

static void busy_once(const struct daemon *daemon, struct iscsi_context *initiator)
{
	uint8_t block[512];

	ck_assert_int_eq(
		tool(daemon, "fault", "add", "on command op=read-10 times=1 do status busy", NULL),
		0);
	ck_assert_int_eq(initiator_read(initiator, 0, 0, block, 1), SCSI_STATUS_BUSY);
}

/* Two initiators, one of them with header digests; a reservation, a conflict, a fault. */
static void fight(const struct daemon *daemon, bool with_fault)
{
	struct login_options options = {
		.name = "iqn.2026-11.test:b", .isid = 2, .header_digest = true};
	struct iscsi_context *a = initiator_login(daemon, "iqn.2026-11.test:a", 1);
	struct iscsi_context *b = initiator_try_login(daemon, &options);
	uint8_t block[512] = {0};

	ck_assert_ptr_nonnull(b);
	initiator_drain(a, 0);
	initiator_drain(b, 0);
	write_and_read(a);
	write_and_read(b);
	ck_assert_int_eq(initiator_pr_out(a, 0, 0x06, 0, 0, KEY_A, true).status, 0);
	ck_assert_int_eq(initiator_pr_out(a, 0, 0x01, 1, KEY_A, 0, false).status, 0);
	ck_assert_int_eq(initiator_write(b, 0, 0, block, 1).status,
			 SCSI_STATUS_RESERVATION_CONFLICT);
	if (with_fault)
		busy_once(daemon, a);
	initiator_logout(&a);
	initiator_logout(&b);
}

/* ---- tshark ---------------------------------------------------------------------------------- */

static bool has_tshark(void)
{
	static const char *const argv[] = {TSHARK, "--version", NULL};
	bool has = program_run(argv, output, sizeof(output)) == 0;

	if (!has)
		fprintf(stderr, "skipped: no tshark here (tools/install-deps --wire)\n");
	return has;
}

/* The frames of the file that match; their numbers, and `field`, are in `output`. */
static unsigned frames(const struct running *running, const char *filter, const char *field)
{
	char decode[64];
	const char *argv[] = {TSHARK, "-n",
			      "-r",   running->file,
			      "-d",   decode,
			      "-o",   "tcp.check_checksum:TRUE",
			      "-o",   "ip.check_checksum:TRUE",
			      "-Y",   filter,
			      "-T",   "fields",
			      "-E",   "occurrence=a",
			      "-e",   "frame.number",
			      "-e",   field,
			      NULL};
	unsigned count = 0;

	snprintf(decode, sizeof(decode), "tcp.port==%s,iscsi",
		 strrchr(running->daemon.portal, ':') + 1);
	ck_assert_int_eq(program_run(argv, output, sizeof(output)), 0);
	for (char *line = strtok(output, "\n"); line; line = strtok(NULL, "\n"))
		count += line[0] >= '0' && line[0] <= '9'; /* not what it says about root */
	return count;
}

/* How often `field` is there, in all frames. */
static unsigned occurrences(const struct running *running, const char *field)
{
	char decode[64];
	const char *argv[] = {TSHARK, "-n",	      "-r",	running->file, "-d",
			      decode, "-T",	      "fields", "-E",	       "occurrence=a",
			      "-E",   "aggregator=,", "-e",	field,	       NULL};
	unsigned count = 0;

	snprintf(decode, sizeof(decode), "tcp.port==%s,iscsi",
		 strrchr(running->daemon.portal, ':') + 1);
	ck_assert_int_eq(program_run(argv, output, sizeof(output)), 0);
	for (const char *at = output; (at = strstr(at, "0x")) != NULL; at += 2)
		count++;
	return count;
}

START_TEST(tshark_dissects_every_pdu_and_shows_the_comments)
{
	if (!has_tshark())
		return;
	struct running running = run_capture(NULL, NULL);
	unsigned pdus = 0;

	fight(&running.daemon, true);
	kill(running.pid, SIGINT);
	wait_capture(&running);
	ck_assert_int_eq(sscanf(running.said, "holdfast: %u PDUs", &pdus), 1);
	ck_assert_msg(!strstr(running.said, "lost"), "%s", running.said);
	ck_assert_uint_gt(pdus, 40);
	ck_assert_uint_eq(occurrences(&running, "iscsi.opcode"), pdus);
	ck_assert_uint_eq(frames(&running, "_ws.malformed", "_ws.malformed"), 0);
	/* What has data is iSCSI, or a piece of it. */
	ck_assert_uint_eq(
		frames(&running,
		       "tcp.len > 0 && !iscsi && !tcp.reassembled_in && !tcp.segment_data",
		       "tcp.len"),
		0);
	ck_assert_uint_eq(frames(&running, "tcp.analysis.flags", "tcp.seq"), 0);
	ck_assert_uint_eq(frames(&running,
				 "tcp.checksum.status == \"Bad\" || ip.checksum.status == \"Bad\"",
				 "tcp.checksum"),
			  0);
	ck_assert_uint_eq(frames(&running,
				 "frame.comment contains \"why: Write Exclusive: only the holder "
				 "writes\" && scsi.status == 0x18",
				 "frame.comment"),
			  1);
	ck_assert_uint_eq(frames(&running, "frame.comment contains \"pr-change: journal record\"",
				 "frame.comment"),
			  2);
	ck_assert_uint_eq(frames(&running,
				 "frame.comment contains \"fault: \" && scsi.status == 0x08",
				 "frame.comment"),
			  1);
	ck_assert_uint_eq(
		frames(&running, "frame.comment contains \"connection: login\"", "frame.comment"),
		2);
	finish(&running);
}
END_TEST

/* Each loop numbers its own connections. */
START_TEST(connections_of_several_loops_are_kept_apart)
{
	if (!has_tshark())
		return;
	struct running running = run_capture_of(CONFIG("threads = 3;\n"), NULL, NULL);
	unsigned pdus = 0;

	fight(&running.daemon, false);
	kill(running.pid, SIGINT);
	wait_capture(&running);
	ck_assert_int_eq(sscanf(running.said, "holdfast: %u PDUs", &pdus), 1);
	ck_assert_uint_gt(pdus, 40);
	ck_assert_uint_eq(occurrences(&running, "iscsi.opcode"), pdus);
	ck_assert_uint_eq(frames(&running, "_ws.malformed", "_ws.malformed"), 0);
	ck_assert_uint_eq(frames(&running, "tcp.analysis.flags", "tcp.seq"), 0);
	ck_assert_uint_eq(frames(&running,
				 "frame.comment contains \"why: Write Exclusive\" && "
				 "scsi.status == 0x18",
				 "frame.comment"),
			  1);
	finish(&running);
}
END_TEST

START_TEST(a_snap_length_cuts_the_data_and_leaves_the_headers)
{
	if (!has_tshark())
		return;
	struct running running = run_capture("--snap", "48");

	fight(&running.daemon, true);
	kill(running.pid, SIGINT);
	wait_capture(&running);
	ck_assert_uint_eq(frames(&running, "frame.cap_len > 120", "frame.cap_len"), 0);
	ck_assert_uint_gt(frames(&running, "frame.len > 8192", "frame.len"), 5);
	ck_assert_uint_eq(frames(&running, "_ws.malformed", "_ws.malformed"), 0);
	ck_assert_uint_gt(frames(&running, "iscsi.opcode == 0x01", "iscsi.opcode"), 5);
	finish(&running);
}
END_TEST

/* ---- without tshark -------------------------------------------------------------------------- */

START_TEST(it_ends_after_so_many_pdus)
{
	struct running running = run_capture("--count", "5");

	fight(&running.daemon, true);
	wait_capture(&running);
	ck_assert_ptr_nonnull(strstr(running.said, "holdfast: 5 PDUs in "));
	finish(&running);
}
END_TEST

START_TEST(it_ends_after_so_long)
{
	struct running running = run_capture("--duration", "1");

	wait_capture(&running);
	ck_assert_ptr_nonnull(strstr(running.said, "holdfast: 0 PDUs in "));
	finish(&running);
}
END_TEST

START_TEST(two_at_a_time_are_one_too_many)
{
	struct running running = run_capture(NULL, NULL);

	ck_assert_int_eq(tool(&running.daemon, "capture", "/dev/null", "--duration", "1", NULL), 4);
	ck_assert_ptr_nonnull(strstr(output, "somebody captures already"));
	kill(running.pid, SIGTERM);
	wait_capture(&running);
	finish(&running);
}
END_TEST

START_TEST(when_it_has_ended_another_one_can_begin)
{
	struct running running = run_capture("--count", "1");

	fight(&running.daemon, true);
	wait_capture(&running);
	ck_assert_int_eq(tool(&running.daemon, "capture", running.file, "--duration", "1", NULL),
			 0);
	ck_assert_int_eq(tool(&running.daemon, "capture", running.file, "--snap", "7", NULL), 4);
	ck_assert_int_eq(tool(&running.daemon, "capture", "/nowhere/file", NULL), 4);
	finish(&running);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, tshark_dissects_every_pdu_and_shows_the_comments);
	tcase_add_test(tcase, connections_of_several_loops_are_kept_apart);
	tcase_add_test(tcase, a_snap_length_cuts_the_data_and_leaves_the_headers);
	tcase_add_test(tcase, it_ends_after_so_many_pdus);
	tcase_add_test(tcase, it_ends_after_so_long);
	tcase_add_test(tcase, two_at_a_time_are_one_too_many);
	tcase_add_test(tcase, when_it_has_ended_another_one_can_begin);
}

int main(void)
{
	return suite_run("capture", fill);
}
