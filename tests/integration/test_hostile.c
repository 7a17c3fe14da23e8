/*
 * Peers that mean no good, or are just broken: nobody else notices, and memory stays bounded.
 *
 * HOLDFAST_SILENT: connections that say nothing (default 1500; 10000 in `make check-hostile`).
 */
#include "tests/integration/initiator.h"
#include "tests/support/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pr_engine/bytes.h"

#define SILENT		   1500
#define BYTES_PER_CONN_MAX (64 * 1024) /* resident memory that one silent connection may cost */

static int dial(const struct daemon *daemon)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	in.sin_port = htons((uint16_t)atoi(strrchr(daemon->portal, ':') + 1));
	ck_assert_msg(connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0, "connect: %s",
		      strerror(errno));
	return fd;
}

static long resident_bytes(pid_t pid)
{
	char path[64], line[256];
	long kib = -1;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %ld kB", &kib) == 1)
			break;
	fclose(file);
	return kib * 1024;
}

/* Does the peer close (or reset) within the time? Swallows what it sends. */
static bool is_closed_within(int fd, int ms)
{
	char waste[4096];
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	while (poll(&poll_fd, 1, ms) > 0)
		if (read(fd, waste, sizeof(waste)) <= 0)
			return true;
	return false;
}

static void works_for_others(struct iscsi_context *a)
{
	uint8_t out[4096], in[4096];
	memset(out, 0x5a, sizeof(out));
	ck_assert_int_eq(initiator_write(a, 0, 3, out, 8).status, 0);
	ck_assert_int_eq(initiator_read(a, 0, 3, in, 8), 0);
	ck_assert_mem_eq(in, out, sizeof(in));
}

START_TEST(thousands_of_silent_connections_disturb_nobody)
{
	const char *wish = getenv("HOLDFAST_SILENT");
	int count = wish ? atoi(wish) : SILENT;
	struct rlimit files = {0};
	struct daemon daemon;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	ck_assert_uint_gt(files.rlim_cur, (unsigned)count + 64);

	daemon_start(&daemon, "127.0.0.1:0", NULL);
	struct iscsi_context *a = initiator_login(&daemon, "iqn.2026-11.test:a", 1);
	initiator_drain(a, 0);
	works_for_others(a);
	long before = resident_bytes(daemon.pid);
	int *fds = calloc((size_t)count, sizeof(*fds));
	for (int i = 0; i < count; i++) {
		fds[i] = dial(&daemon);
		if (i % 500 == 0)
			works_for_others(a);
	}
	works_for_others(a);
	long grown = resident_bytes(daemon.pid) - before;
	printf("%d silent connections cost %ld bytes each\n", count, grown / count);
#ifndef __SANITIZE_ADDRESS__
	ck_assert_int_lt(grown / count, BYTES_PER_CONN_MAX);
#endif
	for (int i = 0; i < count; i++)
		close(fds[i]);
	free(fds);
	works_for_others(a);
	/* And there is room for new ones. */
	struct iscsi_context *b = initiator_login(&daemon, "iqn.2026-11.test:b", 1);
	works_for_others(a);
	initiator_logout(&b);
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(a_login_that_announces_16_mib_is_cut_off)
{
	struct daemon daemon;
	uint8_t bhs[48] = {0x43, 0x87};
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	int fd = dial(&daemon);
	put_be24(bhs + 5, 0xffffff);
	ck_assert_int_eq(write(fd, bhs, sizeof(bhs)), sizeof(bhs));
	ck_assert(is_closed_within(fd, 20000));
	close(fd);
	ck_assert_int_lt(resident_bytes(daemon.pid), 512l * 1024 * 1024);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(what_is_not_a_login_gets_no_answer)
{
	static const char http[] = "GET / HTTP/1.1\r\nHost: example\r\nAccept: text/html\r\n\r\n";
	struct daemon daemon;
	char answer[64];
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	int fd = dial(&daemon);
	ck_assert_int_eq(write(fd, http, sizeof(http) - 1), sizeof(http) - 1);
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	ck_assert_int_eq(poll(&poll_fd, 1, 20000), 1);
	ck_assert_int_le(read(fd, answer, sizeof(answer)), 0);
	close(fd);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(half_a_pdu_and_a_vanished_peer_disturb_nobody)
{
	struct daemon daemon;
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	struct iscsi_context *a = initiator_login(&daemon, "iqn.2026-11.test:a", 1);
	initiator_drain(a, 0);
	for (int i = 0; i < 48; i++) {
		uint8_t bhs[48] = {0x43, 0x87};
		struct linger reset = {.l_onoff = 1};
		int fd = dial(&daemon);
		if (i > 0)
			ck_assert_int_eq(write(fd, bhs, (size_t)i), i);
		if (i % 2)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
		works_for_others(a);
	}
	initiator_logout(&a);
	ck_assert_int_eq(daemon_stop(&daemon), 0);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(random_bytes_disturb_nobody)
{
	struct daemon daemon;
	unsigned seed = 20261121;
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	struct iscsi_context *a = initiator_login(&daemon, "iqn.2026-11.test:a", 1);
	initiator_drain(a, 0);
	for (int i = 0; i < 200; i++) {
		uint8_t bytes[600];
		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (uint8_t)rand_r(&seed);
		if (i % 2) {
			/* Let it pass for a login, with a small data segment. */
			bytes[0] = 0x43;
			bytes[4] = 0;
			bytes[5] = bytes[6] = 0;
		}
		int fd = dial(&daemon);
		if (write(fd, bytes, sizeof(bytes)) < 0)
			ck_assert(errno == EPIPE || errno == ECONNRESET);
		if (i % 4 == 0)
			works_for_others(a);
		close(fd);
	}
	works_for_others(a);
	initiator_logout(&a);
	ck_assert_int_eq(daemon_stop(&daemon), 0);
	daemon_finish(&daemon);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, thousands_of_silent_connections_disturb_nobody);
	tcase_add_test(tcase, a_login_that_announces_16_mib_is_cut_off);
	tcase_add_test(tcase, what_is_not_a_login_gets_no_answer);
	tcase_add_test(tcase, half_a_pdu_and_a_vanished_peer_disturb_nobody);
	tcase_add_test(tcase, random_bytes_disturb_nobody);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	return suite_run("integration/hostile", fill);
}
