/*
 * Peers that are slow, or gone without a word: they are served at their pace, or dropped by the
 * limit that is named for it, and nobody else notices.
 */
#include "tests/integration/initiator.h"
#include "tests/integration/raw.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pr_engine/bytes.h"

#define DROP_WAIT_MS 60000 /* a hang, on the slowest machine */
#define DRIP_MS	     10

#define SCSI_RESPONSE 0x21
#define NOP_IN	      0x20
#define R2T	      0x31

/* A daemon with these limits, and a session that must not notice what the test does. */
struct scene {
	struct daemon daemon;
	struct iscsi_context *other;
};

static void scene_start(struct scene *scene, const char *config)
{
	daemon_start_configured(&scene->daemon, "127.0.0.1:0", config);
	scene->other = initiator_login(&scene->daemon, "iqn.2026-11.test:other", 1);
	initiator_drain(scene->other, 0);
	initiator_proves_service(scene->other);
}

static void scene_finish(struct scene *scene)
{
	initiator_proves_service(scene->other);
	initiator_logout(&scene->other);
	ck_assert_int_eq(daemon_stop(&scene->daemon), 0);
	daemon_finish(&scene->daemon);
}

/* Sends one byte at a time until all are sent or the peer has closed; true: all are sent. */
static bool drip(struct scene *scene, int fd, const uint8_t *bytes, size_t len, int pause_ms)
{
	for (size_t i = 0; i < len; i++) {
		if (!raw_write(fd, bytes + i, 1))
			return false;
		if (i % 64 == 0)
			initiator_proves_service(scene->other);
		if (pause_ms > 0 && raw_is_closed_within(fd, pause_ms))
			return false;
	}
	return true;
}

/* Takes the unit attention of a new session out of the way. */
static void raw_drain(int fd)
{
	uint8_t bhs[RAW_BHS];

	raw_command(bhs, 0x00, 1, 0, 0);
	ck_assert(raw_write(fd, bhs, sizeof(bhs)));
	ck_assert(raw_read_pdu(fd, bhs, NULL, 0));
	ck_assert_int_eq(bhs[0], SCSI_RESPONSE);
}

START_TEST(a_login_that_comes_a_byte_at_a_time_is_served)
{
	struct scene scene;
	uint8_t pdu[RAW_PDU_MAX], bhs[RAW_BHS];
	scene_start(&scene, "");
	int fd = raw_dial(&scene.daemon);
	size_t len = raw_login_pdu(&scene.daemon, "iqn.2026-11.test:slow", NULL, 0, pdu);
	ck_assert(drip(&scene, fd, pdu, len, 0));
	ck_assert(raw_read_pdu(fd, bhs, NULL, 0));
	ck_assert_int_eq(bhs[0], 0x23);
	ck_assert_int_eq(get_be16(bhs + 36), 0);
	close(fd);
	scene_finish(&scene);
}
END_TEST

/* Each byte is progress, but the time is for the whole login. */
START_TEST(a_login_that_takes_too_long_is_dropped_by_login_timeout_ms)
{
	struct scene scene;
	static char key[6000];
	uint8_t pdu[RAW_PDU_MAX];
	scene_start(&scene, "limits = { login_timeout_ms = 300; };\n");
	memset(key, 'x', sizeof(key));
	memcpy(key, "X-test.slow=", 12);
	key[sizeof(key) - 1] = '\0';
	size_t len = raw_login_pdu(&scene.daemon, "iqn.2026-11.test:slow", key, sizeof(key), pdu);
	int fd = raw_dial(&scene.daemon);
	ck_assert(!drip(&scene, fd, pdu, len, DRIP_MS));
	close(fd);
	scene_finish(&scene);
}
END_TEST

START_TEST(a_login_between_two_requests_is_dropped_by_login_timeout_ms)
{
	struct scene scene;
	uint8_t pdu[RAW_PDU_MAX], bhs[RAW_BHS];
	scene_start(&scene, "limits = { login_timeout_ms = 300; };\n");
	int fd = raw_dial(&scene.daemon);
	size_t len = raw_login_pdu(&scene.daemon, "iqn.2026-11.test:slow", NULL, 0, pdu);
	pdu[1] = 0x04; /* stays in operational negotiation */
	ck_assert(raw_write(fd, pdu, len));
	ck_assert(raw_read_pdu(fd, bhs, NULL, 0));
	ck_assert_int_eq(get_be16(bhs + 36), 0);
	ck_assert(raw_is_closed_within(fd, DROP_WAIT_MS));
	close(fd);
	scene_finish(&scene);
}
END_TEST

START_TEST(a_write_that_comes_a_byte_at_a_time_is_served)
{
	struct scene scene;
	uint8_t pdu[RAW_BHS + 512], bhs[RAW_BHS], block[512];
	scene_start(&scene, "");
	int fd = raw_login(&scene.daemon, "iqn.2026-11.test:slow");
	raw_drain(fd);
	raw_command(pdu, 0x2a, 2, 100, 1);
	put_be24(pdu + 5, 512);
	memset(pdu + RAW_BHS, 0x77, 512);
	ck_assert(drip(&scene, fd, pdu, sizeof(pdu), 0));
	ck_assert(raw_read_pdu(fd, bhs, NULL, 0));
	ck_assert_int_eq(bhs[0], SCSI_RESPONSE);
	ck_assert_int_eq(bhs[3], SCSI_STATUS_GOOD);
	ck_assert_int_eq(initiator_read(scene.other, 0, 100, block, 1), SCSI_STATUS_GOOD);
	ck_assert_mem_eq(block, pdu + RAW_BHS, sizeof(block));
	close(fd);
	scene_finish(&scene);
}
END_TEST

/* As good as half-open: nothing of the peer is ever heard again, and nothing says so. */
START_TEST(a_session_that_falls_silent_is_dropped_by_nop_timeout_ms)
{
	struct scene scene;
	uint8_t bhs[RAW_BHS];
	scene_start(&scene, "limits = { nop_interval_ms = 200; nop_timeout_ms = 200; };\n");
	int idle = raw_login(&scene.daemon, "iqn.2026-11.test:idle");
	int half = raw_login(&scene.daemon, "iqn.2026-11.test:half");
	raw_drain(half);
	raw_command(bhs, 0x2a, 2, 0, 1);
	ck_assert(raw_write(half, bhs, 20)); /* and the rest never comes */
	ck_assert(raw_read_pdu(idle, bhs, NULL, 0));
	ck_assert_int_eq(bhs[0], NOP_IN);
	ck_assert(raw_is_closed_within(idle, DROP_WAIT_MS));
	ck_assert(raw_is_closed_within(half, DROP_WAIT_MS));
	close(idle);
	close(half);
	/* libiscsi answers pings only while it is asked to do something. */
	initiator_cut(&scene.other);
	scene.other = initiator_login(&scene.daemon, "iqn.2026-11.test:other", 1);
	initiator_drain(scene.other, 0);
	scene_finish(&scene);
}
END_TEST

START_TEST(a_write_whose_data_never_come_is_ended_by_data_out_timeout_ms)
{
	struct scene scene;
	uint8_t bhs[RAW_BHS], sense[32] = {0};
	scene_start(&scene, "limits = { data_out_timeout_ms = 200; };\n");
	int fd = raw_login(&scene.daemon, "iqn.2026-11.test:slow");
	raw_drain(fd);
	raw_command(bhs, 0x2a, 2, 0, 2048);
	ck_assert(raw_write(fd, bhs, sizeof(bhs)));
	do
		ck_assert(raw_read_pdu(fd, bhs, sense, sizeof(sense)));
	while (bhs[0] == R2T);
	ck_assert_int_eq(bhs[0], SCSI_RESPONSE);
	ck_assert_int_eq(bhs[3], SCSI_STATUS_CHECK_CONDITION);
	ck_assert_int_eq(sense[2 + 2] & 0x0f, 0x0b); /* ABORTED COMMAND */
	/* The session goes on. */
	raw_command(bhs, 0x00, 3, 0, 0);
	ck_assert(raw_write(fd, bhs, sizeof(bhs)));
	ck_assert(raw_read_pdu(fd, bhs, NULL, 0));
	ck_assert_int_eq(bhs[3], SCSI_STATUS_GOOD);
	close(fd);
	scene_finish(&scene);
}
END_TEST

/* 8 readers, each with 8 reads of 1 MiB outstanding, none of which takes a byte. */
#define READERS	      8
#define READS	      8
#define READ_BLOCKS   2048
#define RESIDENT_MORE (160l * 1024 * 1024) /* all that is asked for, doubled, and some air */

static int stuck_reader(const struct daemon *daemon, int number)
{
	char name[64];
	uint8_t bhs[RAW_BHS];

	snprintf(name, sizeof(name), "iqn.2026-11.test:reader%d", number);
	int fd = raw_login(daemon, name);
	raw_drain(fd);
	for (uint32_t i = 0; i < READS; i++) {
		raw_command(bhs, 0x28, 2 + i, i * READ_BLOCKS, READ_BLOCKS);
		ck_assert(raw_write(fd, bhs, sizeof(bhs)));
	}
	return fd;
}

/* Their sockets cannot tell that they were dropped: the end stands behind data not taken. */
static size_t session_count(const struct daemon *daemon)
{
	static char output[65536];
	const char *const argv[] = {tool_path(), "sessions",	  "--json",
				    "--control", daemon->control, NULL};

	ck_assert_int_eq(program_run(argv, output, sizeof(output)), 0);
	json_t *reply = json_loads(output, 0, NULL);
	ck_assert_ptr_nonnull(reply);
	size_t count = json_array_size(json_object_get(reply, "sessions"));
	json_decref(reply);
	return count;
}

START_TEST(readers_that_take_nothing_are_dropped_by_send_stall_ms)
{
	struct scene scene;
	int fds[READERS];
	scene_start(&scene, "limits = { send_stall_ms = 500; send_queue_max = \"1M\"; "
			    "command_window = 16; };\n");
	long before = resident_bytes(scene.daemon.pid);
	for (int i = 0; i < READERS; i++)
		fds[i] = stuck_reader(&scene.daemon, i);
	initiator_proves_service(scene.other);
	long grown = resident_bytes(scene.daemon.pid) - before;
	printf("%d stuck readers cost %ld KiB each\n", READERS, grown / 1024 / READERS);
	fflush(stdout);
	while (session_count(&scene.daemon) > 1)
		initiator_proves_service(scene.other);
	for (int i = 0; i < READERS; i++)
		close(fds[i]);
#ifndef __SANITIZE_ADDRESS__
	ck_assert_int_lt(grown, RESIDENT_MORE);
#endif
	scene_finish(&scene);
}
END_TEST

/* A request that would queue more than send_queue_max behind a stuck reader is not even read. */
START_TEST(a_reader_that_takes_nothing_is_read_no_more)
{
	struct scene scene;
	uint8_t bhs[RAW_BHS], nop[RAW_BHS + 4096] = {0x40, 0x80};
	size_t at = sizeof(nop); /* of the one that is being sent */
	uint32_t sent = 0;
	int small = 4096;
	scene_start(&scene, "limits = { send_queue_max = \"64K\"; };\n");
	int fd = raw_login(&scene.daemon, "iqn.2026-11.test:reader");
	raw_drain(fd);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	/* Immediate pings: no window holds them back. In the end both sockets are full. */
	for (;;) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
		if (poll(&poll_fd, 1, 300) == 0)
			break;
		if (at == sizeof(nop)) {
			at = 0;
			put_be24(nop + 5, 4096);
			put_be32(nop + 16, sent++);
			put_be32(nop + 20, 0xffffffff);
			put_be32(nop + 24, 2);
			ck_assert_uint_lt(sent, 100000);
		}
		ssize_t n = send(fd, nop + at, sizeof(nop) - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		ck_assert(n > 0 || errno == EAGAIN);
		at += n > 0 ? (size_t)n : 0;
	}
	initiator_proves_service(scene.other);
	ck_assert_int_lt(resident_bytes(scene.daemon.pid), 512l * 1024 * 1024);
	/* What was asked is still answered. */
	ck_assert(raw_read_pdu(fd, bhs, NULL, 0));
	ck_assert_int_eq(bhs[0], NOP_IN);
	close(fd);
	scene_finish(&scene);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, a_login_that_comes_a_byte_at_a_time_is_served);
	tcase_add_test(tcase, a_login_that_takes_too_long_is_dropped_by_login_timeout_ms);
	tcase_add_test(tcase, a_login_between_two_requests_is_dropped_by_login_timeout_ms);
	tcase_add_test(tcase, a_write_that_comes_a_byte_at_a_time_is_served);
	tcase_add_test(tcase, a_session_that_falls_silent_is_dropped_by_nop_timeout_ms);
	tcase_add_test(tcase, a_write_whose_data_never_come_is_ended_by_data_out_timeout_ms);
	tcase_add_test(tcase, readers_that_take_nothing_are_dropped_by_send_stall_ms);
	tcase_add_test(tcase, a_reader_that_takes_nothing_is_read_no_more);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	return suite_run("integration/slow", fill);
}
