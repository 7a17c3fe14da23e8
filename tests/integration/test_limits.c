/*
 * Limits of the whole daemon, with one event loop and with several: they are what the configuration
 * says, not that times the loops nor a loop's part of it. Initiators with different names live on
 * different loops.
 */
#include "tests/integration/raw.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pr_engine/bytes.h"

#define MAX	     5
#define WRITES	     15
#define WRITE_BLOCKS 2048 /* 1 MiB */
#define OPEN	     300  /* milliseconds in which a connection that is to stay open does */

static const unsigned loops[] = {1, 2, 4};
static struct daemon served;

static void start(int number, const char *limits)
{
	char config[512];

	snprintf(config, sizeof(config),
		 "threads = %u; limits = { %s };\n"
		 "targets = ({ name = \"iqn.2026-11.test:limits\";\n"
		 "luns = ({ number = 0; size = \"64M\"; backing = \"memory\"; }); });\n",
		 loops[number], limits);
	daemon_start_configured(&served, "127.0.0.1:0", config);
}

static const char *name_of(int number)
{
	static char name[64];

	snprintf(name, sizeof(name), "iqn.2026-11.test:limits%d", number);
	return name;
}

/* Who was let in is told; the last one is not. */
static void fill_up(int fds[MAX])
{
	for (int i = 0; i < MAX; i++)
		fds[i] = raw_login(&served, name_of(i));
	ck_assert_int_lt(raw_try_login(&served, name_of(MAX)), 0);
}

/* When one has gone another one is let in, a moment later. */
static void exchange_one(int fds[MAX])
{
	close(fds[2]);
	do
		fds[2] = raw_try_login(&served, name_of(MAX + 1));
	while (fds[2] < 0 && usleep(1000) == 0);
	ck_assert_int_lt(raw_try_login(&served, name_of(MAX)), 0);
	for (int i = 0; i < MAX; i++)
		close(fds[i]);
	daemon_finish(&served);
}

START_TEST(sessions_max_is_that_of_all_loops)
{
	int fds[MAX];

	start(_i, "sessions_max = 5;");
	fill_up(fds);
	exchange_one(fds);
}
END_TEST

START_TEST(connections_max_is_that_of_all_loops)
{
	int fds[MAX];

	start(_i, "connections_max = 5;");
	fill_up(fds);
	exchange_one(fds);
}
END_TEST

/* Dials, says who it is, and goes no further. */
static int begin_login(int number)
{
	uint8_t pdu[RAW_PDU_MAX], bhs[RAW_BHS];
	int fd = raw_dial(&served);
	size_t len = raw_login_pdu(&served, name_of(number), NULL, 0, pdu);

	pdu[1] = 0x04; /* operational negotiation, and more to come */
	ck_assert(raw_write(fd, pdu, len));
	ck_assert(raw_read_pdu(fd, bhs, NULL, 0));
	ck_assert_uint_eq(get_be16(bhs + 36), 0);
	return fd;
}

START_TEST(logins_max_is_that_of_all_loops_and_the_oldest_goes)
{
	int fds[2 * MAX];

	start(_i, "logins_max = 5;");
	for (int i = 0; i < MAX; i++)
		fds[i] = begin_login(i);
	for (int i = 0; i < MAX; i++)
		ck_assert(!raw_is_closed_within(fds[i], i == 0 ? OPEN : 0));
	for (int i = MAX; i < 2 * MAX - 1; i++) {
		fds[i] = begin_login(i);
		ck_assert(raw_is_closed_within(fds[i - MAX], 10000));
	}
	ck_assert(!raw_is_closed_within(fds[MAX - 1], OPEN));
	int done = raw_login(&served, name_of(2 * MAX));
	ck_assert(raw_is_closed_within(fds[MAX - 1], 10000));
	/* That one is no login any more. */
	fds[2 * MAX - 1] = begin_login(2 * MAX + 1);
	for (int i = MAX; i < 2 * MAX; i++)
		ck_assert(!raw_is_closed_within(fds[i], i == MAX ? OPEN : 0));
	for (int i = 0; i < 2 * MAX; i++)
		close(fds[i]);
	close(done);
	daemon_finish(&served);
}
END_TEST

static void ask_to_write(int fd, uint32_t cmd_sn, uint16_t blocks)
{
	uint8_t bhs[RAW_BHS];

	raw_command(bhs, 0x2a, cmd_sn, 0, blocks);
	ck_assert(raw_write(fd, bhs, RAW_BHS));
}

static void expect_r2t(int fd)
{
	uint8_t bhs[RAW_BHS];

	ck_assert(raw_read_pdu(fd, bhs, NULL, 0));
	ck_assert_uint_eq(bhs[0], 0x31);
}

static int log_in(int number)
{
	uint8_t bhs[RAW_BHS], sense[64];
	int fd = raw_login(&served, name_of(number));

	raw_command(bhs, 0x00, 1, 0, 0);
	ck_assert(raw_write(fd, bhs, RAW_BHS));
	ck_assert(raw_read_pdu(fd, bhs, sense, sizeof(sense))); /* power on */
	return fd;
}

START_TEST(data_max_is_for_whoever_needs_it)
{
	int others[MAX];

	start(_i, "data_max = \"16M\"; session_data_max = \"64M\";");
	int fd = log_in(MAX);
	for (int i = 0; i < MAX; i++)
		others[i] = log_in(i);
	/* What one session asks for is on one loop. */
	for (uint32_t i = 0; i < WRITES; i++)
		ask_to_write(fd, 2 + i, WRITE_BLOCKS);
	for (uint32_t i = 0; i < WRITES; i++)
		expect_r2t(fd);
	/* No more than one of these fits until that is given back, and nobody new comes in. */
	for (int i = 0; i < MAX; i++) {
		ask_to_write(others[i], 2, WRITE_BLOCKS);
		ask_to_write(others[i], 3, WRITE_BLOCKS);
	}
	for (int late; (late = raw_try_login(&served, name_of(MAX + 1))) >= 0;)
		close(late); /* on its loop nobody has asked yet */
	close(fd);
	for (int i = 0; i < MAX; i++) {
		expect_r2t(others[i]);
		expect_r2t(others[i]);
	}
	for (int i = 0; i < MAX; i++)
		close(others[i]);
	daemon_finish(&served);
}
END_TEST

static void fill(TCase *tcase)
{
	const int end = sizeof(loops) / sizeof(loops[0]);

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, sessions_max_is_that_of_all_loops, 0, end);
	tcase_add_loop_test(tcase, connections_max_is_that_of_all_loops, 0, end);
	tcase_add_loop_test(tcase, logins_max_is_that_of_all_loops_and_the_oldest_goes, 0, end);
	tcase_add_loop_test(tcase, data_max_is_for_whoever_needs_it, 0, end);
}

int main(void)
{
	return suite_run("integration/limits", fill);
}
