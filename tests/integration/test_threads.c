/*
 * Several event loops: nobody can tell on which one a session lives. (All other integration tests
 * run with several loops as well, see `make check-threads`.)
 */
#include "tests/integration/initiator.h"
#include "tests/integration/raw.h"
#include "tests/support/suite.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pr_engine/bytes.h"

#define SESSIONS      12
#define LOGINS	      400
#define COMEBACKS     60
#define COUNTERS      6
#define INCREMENTS    60
#define FENCE_ROUNDS  25
#define FENCE_LBA     64
#define FENCE_BLOCKS  16
#define FENCE_WRITES  120 /* of each victim before, on its own loop soon */
#define WRITERS	      6
#define WRITES	      400
#define TORN_LBA      256
#define TORN_BLOCKS   24
#define PREEMPT_ABORT 5
#define WERO	      5 /* write exclusive, registrants only */
#define REGISTER      0
#define RESERVE	      1
#define CLEAR	      3

static struct daemon served;

static void setup(void)
{
	daemon_start_configured(
		&served, "127.0.0.1:0",
		"threads = 4; policy = { max_connections = 2; };\n"
		"limits = { sessions_per_initiator_max = 5; login_timeout_ms = 3000; };\n"
		"targets = ({ name = \"iqn.2026-11.test:threads\";\n"
		"luns = ({ number = 0; size = \"64M\"; tas = true; }); });\n");
}

static void teardown(void)
{
	daemon_finish(&served);
}

static const char *name_of(unsigned number)
{
	static char name[64];

	snprintf(name, sizeof(name), "iqn.2026-11.test:threads%u", number);
	return name;
}

static json_t *ask(const char *command)
{
	static char output[131072];
	const char *const argv[] = {tool_path(), command,	 "--json",
				    "--control", served.control, NULL};

	ck_assert_int_eq(program_run(argv, output, sizeof(output)), 0);
	json_t *reply = json_loads(output, 0, NULL);
	ck_assert_ptr_nonnull(reply);
	return reply;
}

static size_t session_count(void)
{
	json_t *reply = ask("sessions");
	size_t count = json_array_size(json_object_get(reply, "sessions"));

	json_decref(reply);
	return count;
}

START_TEST(all_sessions_are_served_and_shown)
{
	struct iscsi_context *initiators[SESSIONS];

	for (unsigned i = 0; i < SESSIONS; i++) {
		initiators[i] = initiator_login(&served, name_of(i), i + 1);
		ck_assert_int_eq(initiator_drain(initiators[i], 0), SCSI_STATUS_GOOD);
	}
	for (unsigned i = 0; i < SESSIONS; i++)
		initiator_proves_service(initiators[i]);
	ck_assert_uint_eq(session_count(), SESSIONS);
	json_t *status = ask("status");
	ck_assert_int_eq(json_integer_value(json_object_get(status, "sessions")), SESSIONS);
	ck_assert_int_eq(json_integer_value(json_object_get(status, "connections")), SESSIONS);
	json_t *counters = json_object_get(status, "counters");
	ck_assert_int_eq(json_integer_value(json_object_get(counters, "logins")), SESSIONS);
	json_decref(status);
	for (unsigned i = 0; i < SESSIONS; i++)
		initiator_logout(&initiators[i]);
}
END_TEST

/* Logs in on a connection of its own; the TSIH of the answer. */
static uint16_t log_in(int fd, const char *initiator, uint16_t tsih, uint16_t cid)
{
	static const char keys[] = "MaxConnections=2";
	uint8_t pdu[RAW_PDU_MAX], bhs[RAW_BHS];
	size_t len = raw_login_pdu(&served, initiator, keys, tsih == 0 ? sizeof(keys) : 0, pdu);

	put_be16(pdu + 14, tsih);
	put_be16(pdu + 20, cid);
	ck_assert(raw_write(fd, pdu, len));
	ck_assert(raw_read_pdu(fd, bhs, NULL, 0));
	ck_assert_int_eq(bhs[0], 0x23);
	ck_assert_msg(get_be16(bhs + 36) == 0, "login status %04x", get_be16(bhs + 36));
	return get_be16(bhs + 14);
}

START_TEST(a_second_connection_finds_its_session)
{
	int first[SESSIONS], second[SESSIONS];
	uint16_t tsih[SESSIONS];

	for (unsigned i = 0; i < SESSIONS; i++) {
		first[i] = raw_dial(&served);
		tsih[i] = log_in(first[i], name_of(i), 0, 0);
		for (unsigned j = 0; j < i; j++)
			ck_assert_uint_ne(tsih[i], tsih[j]);
	}
	for (unsigned i = 0; i < SESSIONS; i++) {
		second[i] = raw_dial(&served);
		ck_assert_uint_eq(log_in(second[i], name_of(i), tsih[i], 1), tsih[i]);
	}
	ck_assert_uint_eq(session_count(), SESSIONS);
	for (unsigned i = 0; i < SESSIONS; i++) {
		close(first[i]);
		close(second[i]);
	}
}
END_TEST

START_TEST(a_port_that_comes_again_takes_its_sessions_place)
{
	int fds[5];

	for (unsigned i = 0; i < 5; i++) {
		fds[i] = raw_login(&served, name_of(0));
		ck_assert_uint_eq(session_count(), 1);
	}
	for (unsigned i = 0; i < 4; i++)
		ck_assert(raw_is_closed_within(fds[i], 10000));
	for (unsigned i = 0; i < 5; i++)
		close(fds[i]);
}
END_TEST

/* With somebody else there it is on another loop, and its registration and data are the same. */
START_TEST(a_port_may_come_back_on_another_loop)
{
	uint8_t block[512] = {0}, seen[512];
	uint64_t key = 0;

	for (uint32_t i = 0; i < COMEBACKS; i++) {
		struct iscsi_context *other =
			i % 2 == 0 ? NULL : initiator_login(&served, name_of(1), 1);
		struct iscsi_context *port = initiator_login(&served, name_of(0), 1);

		initiator_drain(port, 0);
		if (i == 0) {
			initiator_pr_out(port, 0, REGISTER, 0, 0, 0xc0ffee, false);
		} else {
			ck_assert_int_eq(initiator_read(port, 0, 0, seen, 1), SCSI_STATUS_GOOD);
			ck_assert_mem_eq(seen, block, sizeof(block));
		}
		ck_assert_int_eq(initiator_read_keys(port, 0, &key, 1), 1);
		ck_assert_uint_eq(key, 0xc0ffee);
		put_be32(block, i);
		ck_assert_int_eq(initiator_write(port, 0, 0, block, 1).status, SCSI_STATUS_GOOD);
		if (i % 3 == 0)
			initiator_cut(&port);
		else
			initiator_logout(&port);
		if (other)
			initiator_logout(&other);
	}
}
END_TEST

START_TEST(limits_count_the_sessions_of_all_loops)
{
	struct iscsi_context *initiators[5];
	struct login_options sixth = {.name = name_of(0), .isid = 6};

	for (unsigned i = 0; i < 5; i++)
		initiators[i] = initiator_login(&served, name_of(0), i + 1);
	ck_assert_ptr_null(initiator_try_login(&served, &sixth));
	initiator_logout(&initiators[0]);
	initiators[0] = initiator_login(&served, name_of(0), 6);
	for (unsigned i = 0; i < 5; i++)
		initiator_logout(&initiators[i]);
}
END_TEST

/* A login in pieces, with pauses, is understood all the same; who says nothing is nobody's. */
START_TEST(a_login_may_come_in_pieces)
{
	uint8_t pdu[RAW_PDU_MAX], bhs[RAW_BHS];
	size_t len = raw_login_pdu(&served, name_of(3), NULL, 0, pdu);
	int silent = raw_dial(&served), slow = raw_dial(&served);

	for (size_t at = 0; at < len; at++) {
		ck_assert(raw_write(slow, pdu + at, 1));
		usleep(1000);
	}
	ck_assert(raw_read_pdu(slow, bhs, NULL, 0));
	ck_assert_int_eq(get_be16(bhs + 36), 0);
	int torn = raw_dial(&served);
	ck_assert(raw_write(torn, pdu, len - 1));
	close(torn);
	ck_assert_uint_eq(session_count(), 1);
	close(slow);
	close(silent);
}
END_TEST

static json_int_t login_failures(void)
{
	json_t *status = ask("status");
	json_int_t count = json_integer_value(
		json_object_get(json_object_get(status, "counters"), "login_failures"));

	json_decref(status);
	return count;
}

START_TEST(who_says_nothing_is_given_up)
{
	int silent = raw_dial(&served), half = raw_dial(&served);
	uint8_t pdu[RAW_PDU_MAX];

	raw_login_pdu(&served, name_of(3), NULL, 0, pdu);
	ck_assert(raw_write(half, pdu, RAW_BHS + 3));
	ck_assert(raw_is_closed_within(silent, 20000));
	ck_assert(raw_is_closed_within(half, 20000));
	ck_assert_int_eq(login_failures(), 2);
	close(silent);
	close(half);
}
END_TEST

/* ---- what several loops do to one block ------------------------------------------------------ */

static void read_block(struct iscsi_context *initiator, uint8_t block[512])
{
	ck_assert_int_eq(initiator_read(initiator, 0, 0, block, 1), SCSI_STATUS_GOOD);
}

static void count_up(unsigned number)
{
	static const uint8_t cdb[16] = {0x89, [13] = 1};
	struct iscsi_context *initiator = initiator_login(&served, name_of(number), number + 1);
	uint8_t blocks[1024];

	initiator_drain(initiator, 0);
	for (unsigned done = 0; done < INCREMENTS;) {
		read_block(initiator, blocks);
		memcpy(blocks + 512, blocks, 512);
		put_be64(blocks + 512, get_be64(blocks) + 1);
		struct answer answer =
			initiator_command(initiator, 0, cdb, 16, blocks, sizeof(blocks), 0);
		done += answer.status == SCSI_STATUS_GOOD;
		if (answer.status != SCSI_STATUS_GOOD && answer.key != 0xe)
			_exit(1);
	}
	initiator_logout(&initiator);
	_exit(0);
}

START_TEST(compare_and_write_loses_no_increment)
{
	pid_t pids[COUNTERS];
	uint8_t block[512];
	int status;

	for (unsigned i = 0; i < COUNTERS; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0)
			count_up(i);
	}
	for (unsigned i = 0; i < COUNTERS; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	struct iscsi_context *initiator = initiator_login(&served, name_of(99), 1);
	initiator_drain(initiator, 0);
	read_block(initiator, block);
	ck_assert_uint_eq(get_be64(block), COUNTERS * INCREMENTS);
	initiator_logout(&initiator);
}
END_TEST

/* Writes blocks that are all alike, and reads what somebody else's must be. */
static void write_and_look(unsigned number)
{
	struct iscsi_context *initiator = initiator_login(&served, name_of(number), number + 1);
	static uint8_t mine[TORN_BLOCKS * 512], found[TORN_BLOCKS * 512];

	initiator_drain(initiator, 0);
	for (unsigned i = 0; i < WRITES; i++) {
		/* A different part each time, so that they overlap in many ways. */
		uint32_t lba = TORN_LBA + i % TORN_BLOCKS;

		memset(mine, (int)(number + 1 + i % 8 * WRITERS), sizeof(mine));
		if (initiator_write(initiator, 0, lba, mine, TORN_BLOCKS).status !=
			    SCSI_STATUS_GOOD ||
		    initiator_read(initiator, 0, TORN_LBA, found, TORN_BLOCKS) != SCSI_STATUS_GOOD)
			_exit(1);
		for (size_t at = 0; at < sizeof(found); at += 512)
			if (memcmp(found + at, found + at + 1, 511) != 0)
				_exit(2);
	}
	initiator_logout(&initiator);
	_exit(0);
}

START_TEST(no_block_is_ever_read_half_written)
{
	pid_t pids[WRITERS];
	int status;

	for (unsigned i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0)
			write_and_look(i);
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
}
END_TEST

static void work_for_a_while(struct iscsi_context *initiator)
{
	uint8_t block[512];

	for (unsigned i = 0; i < FENCE_WRITES; i++)
		ck_assert_int_eq(initiator_read(initiator, 0, 0, block, 1), SCSI_STATUS_GOOD);
}

/* Whoever resets has its answer only when nobody can miss it any more. */
START_TEST(a_reset_is_heard_of_on_every_loop)
{
	struct iscsi_context *initiators[SESSIONS];
	uint8_t block[512];

	for (unsigned i = 0; i < SESSIONS; i++) {
		initiators[i] = initiator_login(&served, name_of(i), i + 1);
		initiator_drain(initiators[i], 0);
		work_for_a_while(initiators[i]);
	}
	for (unsigned round = 0; round < SESSIONS; round++) {
		ck_assert_int_eq(iscsi_task_mgmt_lun_reset_sync(initiators[round], 0), 0);
		for (unsigned i = 0; i < SESSIONS; i++)
			ck_assert_int_eq(initiator_read(initiators[i], 0, 0, block, 1),
					 SCSI_STATUS_CHECK_CONDITION);
		for (unsigned i = 0; i < SESSIONS; i++)
			work_for_a_while(initiators[i]);
	}
	for (unsigned i = 0; i < SESSIONS; i++)
		initiator_logout(&initiators[i]);
}
END_TEST

/* Until there is nothing more to tell. */
static bool is_told_of_a_reset(struct iscsi_context *initiator)
{
	bool told = false;

	for (;;) {
		struct answer answer = initiator_test_unit_ready(initiator, 0);
		if (answer.status == SCSI_STATUS_GOOD)
			return told;
		ck_assert_int_eq(answer.status, SCSI_STATUS_CHECK_CONDITION);
		ck_assert_uint_eq(answer.asc, 0x29);
		told |= answer.ascq == 0x02 || answer.ascq == 0x03;
	}
}

/* The home knows of a session before its initiator knows that it is logged in. */
START_TEST(who_has_just_logged_in_hears_of_a_reset)
{
	struct iscsi_context *resetter = initiator_login(&served, name_of(0), 1);

	initiator_drain(resetter, 0);
	for (unsigned round = 0; round < LOGINS; round++) {
		struct iscsi_context *comer =
			initiator_login(&served, name_of(1 + round % SESSIONS), 2);
		ck_assert_int_eq(iscsi_task_mgmt_lun_reset_sync(resetter, 0), 0);
		ck_assert(is_told_of_a_reset(comer));
		initiator_drain(resetter, 0);
		initiator_logout(&comer);
	}
	initiator_logout(&resetter);
}
END_TEST

/* Registers, and then writes until it may no longer. */
static void write_until_fenced(unsigned number, int ready)
{
	struct iscsi_context *initiator = initiator_login(&served, name_of(number), number + 1);
	static uint8_t data[FENCE_BLOCKS * 512];
	unsigned written = 0;

	memset(data, 'v', sizeof(data));
	initiator_drain(initiator, 0);
	struct answer registered = initiator_pr_out(initiator, 0, REGISTER, 0, 0, 0xa, false);
	if (registered.status != SCSI_STATUS_GOOD) {
		fprintf(stderr, "REGISTER: status %x, %x/%x/%x\n", registered.status,
			registered.key, registered.asc, registered.ascq);
		_exit(2);
	}
	for (;;) {
		struct answer answer = initiator_write(initiator, 0, FENCE_LBA, data, FENCE_BLOCKS);
		if (answer.status == SCSI_STATUS_RESERVATION_CONFLICT ||
		    answer.status == SCSI_STATUS_TASK_ABORTED)
			break;
		if (answer.status == SCSI_STATUS_CHECK_CONDITION && answer.key == 0x6)
			continue; /* it was preempted: so it hears first */
		if (answer.status != SCSI_STATUS_GOOD) {
			fprintf(stderr, "WRITE: status %x, %x/%x/%x\n", answer.status, answer.key,
				answer.asc, answer.ascq);
			_exit(3);
		}
		if (++written == FENCE_WRITES && write(ready, "", 1) != 1)
			_exit(1);
	}
	initiator_logout(&initiator);
	_exit(0);
}

static void expect_fence_holds(struct iscsi_context *fencer)
{
	static uint8_t mine[FENCE_BLOCKS * 512], found[FENCE_BLOCKS * 512];

	memset(mine, 'f', sizeof(mine));
	ck_assert_int_eq(initiator_write(fencer, 0, FENCE_LBA, mine, FENCE_BLOCKS).status,
			 SCSI_STATUS_GOOD);
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_int_eq(initiator_read(fencer, 0, FENCE_LBA, found, FENCE_BLOCKS),
				 SCSI_STATUS_GOOD);
		ck_assert_mem_eq(found, mine, sizeof(mine));
	}
}

static void fence_once(struct iscsi_context *fencer)
{
	pid_t pids[2];
	int ready[2], status;
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	for (unsigned i = 0; i < 2; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0)
			write_until_fenced(i + 1, ready[1]);
	}
	close(ready[1]); /* a victim that ends early is noticed */
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	initiator_drain(fencer, 0);
	ck_assert_int_eq(initiator_pr_out(fencer, 0, PREEMPT_ABORT, WERO, 0xb, 0xa, false).status,
			 SCSI_STATUS_GOOD);
	expect_fence_holds(fencer);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	close(ready[0]);
}

START_TEST(a_fence_holds_wherever_its_victims_live)
{
	struct iscsi_context *fencer = initiator_login(&served, name_of(50), 1);

	initiator_drain(fencer, 0);
	for (unsigned round = 0; round < FENCE_ROUNDS; round++) {
		initiator_pr_out(fencer, 0, REGISTER, 0, 0, 0xb, false);
		ck_assert_int_eq(initiator_pr_out(fencer, 0, RESERVE, WERO, 0xb, 0, false).status,
				 SCSI_STATUS_GOOD);
		fence_once(fencer);
		ck_assert_int_eq(initiator_pr_out(fencer, 0, CLEAR, 0, 0xb, 0, false).status,
				 SCSI_STATUS_GOOD);
	}
	initiator_logout(&fencer);
}
END_TEST

/* ---- fault rules ----------------------------------------------------------------------------- */

static void fault(const char *what, const char *rule)
{
	const char *const argv[] = {tool_path(), "--control", served.control, "fault", what,
				    rule,	 NULL};
	char output[4096];

	ck_assert_msg(program_run(argv, output, sizeof(output)) == 0, "%s", output);
}

static const char *fault_list(void)
{
	static char output[16384];
	const char *const argv[] = {tool_path(), "--control", served.control, "fault", "list",
				    "--json",	 NULL};

	ck_assert_int_eq(program_run(argv, output, sizeof(output)), 0);
	return output;
}

static unsigned busy_reads(struct iscsi_context **initiators, unsigned count, unsigned rounds)
{
	unsigned busy = 0;
	uint8_t block[512];

	for (unsigned round = 0; round < rounds; round++)
		for (unsigned i = 0; i < count; i++)
			busy += initiator_read(initiators[i], 0, 0, block, 1) == SCSI_STATUS_BUSY;
	return busy;
}

/* Sessions on every loop, and each has read by itself when a rule comes. */
START_TEST(a_fault_rule_counts_what_comes_to_all_loops)
{
	struct iscsi_context *initiators[SESSIONS];

	for (unsigned i = 0; i < SESSIONS; i++) {
		initiators[i] = initiator_login(&served, name_of(i), i + 1);
		initiator_drain(initiators[i], 0);
	}
	ck_assert_uint_eq(busy_reads(initiators, SESSIONS, 20), 0);
	fault("add", "id=b on command op=read-10 from=4 every=5 times=7 do status busy");
	ck_assert_uint_eq(busy_reads(initiators, SESSIONS, 4), 7);
	fault("add", "id=r on result op=read-10 times=5 do status busy");
	ck_assert_uint_eq(busy_reads(initiators, SESSIONS, 2), 5);
	json_t *reply = json_loads(fault_list(), 0, NULL);
	const json_t *rule = json_array_get(json_object_get(reply, "rules"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(rule, "firings")), 7);
	ck_assert_int_eq(json_integer_value(json_object_get(rule, "matches")), 6 * SESSIONS);
	json_decref(reply);
	fault("clear", "b");
	fault("clear", "r");
	ck_assert_uint_eq(busy_reads(initiators, SESSIONS, 20), 0);
	for (unsigned i = 0; i < SESSIONS; i++)
		initiator_logout(&initiators[i]);
}
END_TEST

static json_int_t held(void)
{
	json_t *reply = json_loads(fault_list(), 0, NULL);
	json_int_t count = json_integer_value(
		json_object_get(json_array_get(json_object_get(reply, "rules"), 0), "held"));

	json_decref(reply);
	return count;
}

static void read_when_let_go(unsigned number)
{
	struct iscsi_context *initiator = initiator_login(&served, name_of(number), number + 1);
	uint8_t block[512];

	_exit(initiator_read(initiator, 0, 0, block, 1) == SCSI_STATUS_GOOD ? 0 : 1);
}

START_TEST(a_rule_holds_and_lets_go_on_every_loop)
{
	pid_t pids[COUNTERS];
	int status;

	fault("add", "on command op=read-10 do hold");
	for (unsigned i = 0; i < COUNTERS; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0)
			read_when_let_go(i);
	}
	while (held() < COUNTERS)
		usleep(10000);
	fault("release", "1");
	for (unsigned i = 0; i < COUNTERS; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(held(), 0);
}
END_TEST

START_TEST(it_stops_clean_with_sessions_on_every_loop)
{
	struct iscsi_context *initiators[SESSIONS];

	for (unsigned i = 0; i < SESSIONS; i++) {
		initiators[i] = initiator_login(&served, name_of(i), i + 1);
		initiator_drain(initiators[i], 0);
	}
	ck_assert_int_eq(daemon_stop(&served), 0);
	for (unsigned i = 0; i < SESSIONS; i++)
		iscsi_destroy_context(initiators[i]);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, all_sessions_are_served_and_shown);
	tcase_add_test(tcase, a_second_connection_finds_its_session);
	tcase_add_test(tcase, a_port_that_comes_again_takes_its_sessions_place);
	tcase_add_test(tcase, a_port_may_come_back_on_another_loop);
	tcase_add_test(tcase, limits_count_the_sessions_of_all_loops);
	tcase_add_test(tcase, a_login_may_come_in_pieces);
	tcase_add_test(tcase, who_says_nothing_is_given_up);
	tcase_add_test(tcase, compare_and_write_loses_no_increment);
	tcase_add_test(tcase, no_block_is_ever_read_half_written);
	tcase_add_test(tcase, a_reset_is_heard_of_on_every_loop);
	tcase_add_test(tcase, who_has_just_logged_in_hears_of_a_reset);
	tcase_add_test(tcase, a_fence_holds_wherever_its_victims_live);
	tcase_add_test(tcase, a_fault_rule_counts_what_comes_to_all_loops);
	tcase_add_test(tcase, a_rule_holds_and_lets_go_on_every_loop);
	tcase_add_test(tcase, it_stops_clean_with_sessions_on_every_loop);
}

int main(void)
{
	return suite_run("integration/threads", fill);
}
