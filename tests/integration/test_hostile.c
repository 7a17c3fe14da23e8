/*
 * Peers that mean no good, or are just broken: nobody else notices, and memory stays bounded.
 *
 * HOLDFAST_SILENT: connections that say nothing (default 1500; 10000 in `make check-hostile`).
 */
#include "tests/integration/initiator.h"
#include "tests/integration/raw.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pr_engine/bytes.h"

/* Sanitizers keep books about memory, in memory. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MEMORY_IS_ITS_OWN
#endif

#define SILENT		   1500
#define BYTES_PER_CONN_MAX (64 * 1024) /* resident memory that one silent connection may cost */

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
	initiator_proves_service(a);
	long before = resident_bytes(daemon.pid);
	int *fds = calloc((size_t)count, sizeof(*fds));
	for (int i = 0; i < count; i++) {
		fds[i] = raw_dial(&daemon);
		if (i % 500 == 0)
			initiator_proves_service(a);
	}
	initiator_proves_service(a);
	long grown = resident_bytes(daemon.pid) - before;
	printf("%d silent connections cost %ld bytes each\n", count, grown / count);
#ifdef MEMORY_IS_ITS_OWN
	ck_assert_int_lt(grown / count, BYTES_PER_CONN_MAX);
#endif
	for (int i = 0; i < count; i++)
		close(fds[i]);
	free(fds);
	initiator_proves_service(a);
	/* And there is room for new ones. */
	struct iscsi_context *b = initiator_login(&daemon, "iqn.2026-11.test:b", 1);
	initiator_proves_service(a);
	initiator_logout(&b);
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

#define READS	     128
#define READ_BLOCKS  16384	  /* 8 MiB */
#define STUCK_COST   (200l << 20) /* bytes: limits.session_read_max is 64 MiB */
#define READ_EACH    ((size_t)READ_BLOCKS * 512)
#define READ_PDU_MAX 8192 /* MaxRecvDataSegmentLength when nobody speaks of it */

/* All of what one read brings, and its status. */
static void take_read(int fd)
{
	static uint8_t data[READ_PDU_MAX];
	uint8_t bhs[RAW_BHS];
	size_t got = 0;

	do {
		ck_assert(raw_read_pdu(fd, bhs, data, sizeof(data)));
		ck_assert_int_eq(bhs[0] & 0x3f, 0x25);
		got += get_be24(bhs + 5);
	} while ((bhs[1] & 0x01) == 0);
	ck_assert_uint_eq(got, READ_EACH);
	ck_assert_int_eq(bhs[3], 0);
}

START_TEST(who_asks_for_a_gibibyte_and_takes_nothing_costs_little)
{
	uint8_t bhs[RAW_BHS], cap[36];
	struct daemon daemon;

	daemon_start(&daemon, "127.0.0.1:0", NULL);
	struct iscsi_context *a = initiator_login(&daemon, "iqn.2026-11.test:a", 1);
	initiator_drain(a, 0);
	long before = resident_bytes(daemon.pid);
	int fd = raw_login(&daemon, "iqn.2026-11.test:stuck");
	raw_command(bhs, 0x00, 1, 0, 0);
	ck_assert(raw_write(fd, bhs, RAW_BHS));
	ck_assert(raw_read_pdu(fd, bhs, cap, sizeof(cap))); /* the unit attention of power on */
	for (uint32_t i = 0; i < READS; i++) {
		raw_command(bhs, 0x28, 2 + i, 0, READ_BLOCKS);
		ck_assert(raw_write(fd, bhs, RAW_BHS));
	}
	for (unsigned i = 0; i < 50; i++)
		initiator_proves_service(a);
	long grown = resident_bytes(daemon.pid) - before;
	printf("%d reads of 8 MiB that nobody takes cost %ld bytes\n", READS, grown);
#ifdef MEMORY_IS_ITS_OWN
	ck_assert_int_lt(grown, STUCK_COST);
#endif
	/* None of them is lost. */
	for (uint32_t i = 0; i < READS; i++)
		take_read(fd);
	close(fd);
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

#define STUCK_SESSIONS 12
#define STUCK_READS    8
/* limits.data_max, what malloc keeps for the next ones, and the rest of twelve sessions. */
#define ALL_STUCK_COST ((32l + 32 + 32) << 20)

/* Logs in, asks for 64 MiB, and takes nothing. -1: it is not let in any more. */
static int stick(const struct daemon *daemon, int number)
{
	uint8_t bhs[RAW_BHS], cap[36];
	char name[64];

	snprintf(name, sizeof(name), "iqn.2026-11.test:stuck%d", number);
	int fd = raw_try_login(daemon, name);
	if (fd < 0)
		return -1;
	raw_command(bhs, 0x00, 1, 0, 0);
	ck_assert(raw_write(fd, bhs, RAW_BHS));
	ck_assert(raw_read_pdu(fd, bhs, cap, sizeof(cap))); /* the unit attention of power on */
	for (uint32_t i = 0; i < STUCK_READS; i++) {
		raw_command(bhs, 0x28, 2 + i, 0, READ_BLOCKS);
		ck_assert(raw_write(fd, bhs, RAW_BHS));
	}
	return fd;
}

/* All of them are in before the first sticks: then nobody new comes in. */
START_TEST(many_that_take_nothing_hold_no_more_than_data_max_and_lose_it_in_time)
{
	static uint8_t data[READ_EACH];
	struct daemon daemon;
	int fds[STUCK_SESSIONS], count = 0;
	bool is_full = false;

	daemon_start_configured(
		&daemon, "127.0.0.1:0",
		"limits = { data_max = \"32M\"; session_read_max = \"9M\"; send_stall_ms = 3000; };\n"
		"targets = ({ name = \"iqn.2026-11.io.holdfast:disk\"; luns = "
		"({ number = 0; size = \"64M\"; }); });\n");
	struct iscsi_context *a = initiator_login(&daemon, "iqn.2026-11.test:a", 1);
	initiator_drain(a, 0);
	long before = resident_bytes(daemon.pid);
	while (!is_full && count < STUCK_SESSIONS) {
		struct login_options options = {.name = "iqn.2026-11.test:new", .isid = 2};
		struct iscsi_context *other = NULL;

		fds[count] = stick(&daemon, count);
		if (fds[count] >= 0) {
			count++;
			other = initiator_try_login(&daemon, &options);
		}
		is_full = !other;
		if (other)
			initiator_logout(&other);
	}
	ck_assert(is_full);
	/* It waits until they are dropped. */
	ck_assert_int_eq(initiator_read(a, 0, 0, data, READ_BLOCKS), SCSI_STATUS_GOOD);
	long grown = resident_bytes_ever(daemon.pid) - before;
	printf("%d sessions that take nothing cost %ld bytes\n", count, grown);
#ifdef MEMORY_IS_ITS_OWN
	ck_assert_int_lt(grown, ALL_STUCK_COST);
#endif
	for (int i = 0; i < count; i++)
		close(fds[i]);
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(a_login_that_announces_16_mib_is_cut_off)
{
	struct daemon daemon;
	uint8_t bhs[48] = {0x43, 0x87};
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	int fd = raw_dial(&daemon);
	put_be24(bhs + 5, 0xffffff);
	ck_assert_int_eq(write(fd, bhs, sizeof(bhs)), sizeof(bhs));
	ck_assert(raw_is_closed_within(fd, 20000));
	close(fd);
	ck_assert_int_lt(resident_bytes(daemon.pid), 512l * 1024 * 1024);
	daemon_finish(&daemon);
}
END_TEST

/*
 * 16 MiB of login text in pieces of 8 KiB, each with the C bit. Whoever is asked for this must not
 * gather it. Returns how many pieces were taken.
 */
static unsigned send_endless_login(const struct daemon *daemon, struct iscsi_context *other)
{
	uint8_t pdu[RAW_PDU_MAX] = {0x43, 0x44}, bhs[RAW_BHS];
	unsigned taken = 0;
	int fd = raw_dial(daemon);

	put_be24(pdu + 5, RAW_PDU_MAX - RAW_BHS);
	pdu[8] = 0x80;
	put_be32(pdu + 24, 1);
	memset(pdu + RAW_BHS, 'x', RAW_PDU_MAX - RAW_BHS);
	memcpy(pdu + RAW_BHS, "X-test.endless=", 15);
	while (taken < 2048) {
		put_be32(pdu + 28, taken); /* ExpStatSN */
		if (!raw_write(fd, pdu, sizeof(pdu)) || !raw_read_pdu(fd, bhs, NULL, 0) ||
		    get_be16(bhs + 36) != 0)
			break;
		memset(pdu + RAW_BHS, 'x', 16);
		taken++;
		if (taken % 16 == 0)
			initiator_proves_service(other);
	}
	close(fd);
	return taken;
}

START_TEST(a_login_of_16_mib_in_pieces_is_refused)
{
	struct daemon daemon;
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	struct iscsi_context *a = initiator_login(&daemon, "iqn.2026-11.test:a", 1);
	initiator_drain(a, 0);
	long before = resident_bytes(daemon.pid);
	for (int i = 0; i < 32; i++)
		ck_assert_uint_le(send_endless_login(&daemon, a), 2); /* login_text_max is 16K */
#ifdef MEMORY_IS_ITS_OWN
	ck_assert_int_lt(resident_bytes(daemon.pid) - before, 4l * 1024 * 1024);
#else
	(void)before;
#endif
	initiator_proves_service(a);
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

/* Who raises the limits gets what they say, and no more. */
START_TEST(a_login_of_16_mib_ends_at_the_limits_that_were_raised)
{
	struct daemon daemon;
	daemon_start_configured(&daemon, "127.0.0.1:0",
				"limits = { login_text_max = \"16M\"; login_pdus_max = 1024; "
				"login_timeout_ms = 600000; };\n");
	struct iscsi_context *a = initiator_login(&daemon, "iqn.2026-11.test:a", 1);
	initiator_drain(a, 0);
	unsigned taken = send_endless_login(&daemon, a);
	ck_assert_uint_le(taken, 1024);
	initiator_proves_service(a);
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

/* The bytes of the one PDU really come: whatever still reads them keeps none. */
START_TEST(a_login_of_16_mib_in_one_pdu_is_gathered_nowhere)
{
	struct daemon daemon;
	uint8_t bytes[65536] = {0x43, 0x87};
	size_t sent = 0;
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	struct iscsi_context *a = initiator_login(&daemon, "iqn.2026-11.test:a", 1);
	initiator_drain(a, 0);
	long before = resident_bytes(daemon.pid);
	int fd = raw_dial(&daemon);
	put_be24(bytes + 5, 0xffffff);
	while (sent < 0xffffff && raw_write(fd, bytes, sizeof(bytes)))
		sent += sizeof(bytes);
	long grown = resident_bytes(daemon.pid) - before;
	ck_assert(raw_is_closed_within(fd, 20000));
	close(fd);
#ifdef MEMORY_IS_ITS_OWN
	ck_assert_int_lt(grown, 4l * 1024 * 1024);
#else
	(void)grown;
#endif
	initiator_proves_service(a);
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(what_is_not_a_login_gets_no_answer)
{
	static const char http[] = "GET / HTTP/1.1\r\nHost: example\r\nAccept: text/html\r\n\r\n";
	struct daemon daemon;
	char answer[64];
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	int fd = raw_dial(&daemon);
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
		int fd = raw_dial(&daemon);
		if (i > 0)
			ck_assert_int_eq(write(fd, bhs, (size_t)i), i);
		if (i % 2)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
		initiator_proves_service(a);
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
		int fd = raw_dial(&daemon);
		if (write(fd, bytes, sizeof(bytes)) < 0)
			ck_assert(errno == EPIPE || errno == ECONNRESET);
		if (i % 4 == 0)
			initiator_proves_service(a);
		close(fd);
	}
	initiator_proves_service(a);
	initiator_logout(&a);
	ck_assert_int_eq(daemon_stop(&daemon), 0);
	daemon_finish(&daemon);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, thousands_of_silent_connections_disturb_nobody);
	tcase_add_test(tcase, who_asks_for_a_gibibyte_and_takes_nothing_costs_little);
	tcase_add_test(tcase,
		       many_that_take_nothing_hold_no_more_than_data_max_and_lose_it_in_time);
	tcase_add_test(tcase, a_login_that_announces_16_mib_is_cut_off);
	tcase_add_test(tcase, a_login_of_16_mib_in_pieces_is_refused);
	tcase_add_test(tcase, a_login_of_16_mib_ends_at_the_limits_that_were_raised);
	tcase_add_test(tcase, a_login_of_16_mib_in_one_pdu_is_gathered_nowhere);
	tcase_add_test(tcase, what_is_not_a_login_gets_no_answer);
	tcase_add_test(tcase, half_a_pdu_and_a_vanished_peer_disturb_nobody);
	tcase_add_test(tcase, random_bytes_disturb_nobody);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	return suite_run("integration/hostile", fill);
}
