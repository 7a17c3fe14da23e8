/* What each action of a fault rule does to texts and connections: holdfast-faults(7). */
#include "tests/integration/faults.h"
#include "tests/support/suite.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pr_engine/bytes.h"

enum {
	TEST_UNIT_READY = 0x00,
	NOP_IN = 0x20,
	RESPONSE = 0x21,
	LOGIN_RESPONSE = 0x23,
	TEXT_RESPONSE = 0x24,
	LOGOUT_RESPONSE = 0x26,
	C_BIT = 0x40,
	QUIET_MS = 200,
};

static struct daemon target;
static struct wire wire;

static void setup(void)
{
	faults_start(&target);
}

static void teardown(void)
{
	wire_close(&wire);
	daemon_finish(&target);
}

#define KEYS "MaxBurstLength=65536\0ImmediateData=Yes"

/* The rule, and what a login gets for an answer then. */
static void login_with(const char *rule)
{
	faults_rule(&target, rule);
	wire_login(&wire, &target, KEYS, sizeof(KEYS));
	wire_expect(&wire, LOGIN_RESPONSE);
}

static void session_with(const char *rule)
{
	wire_login(&wire, &target, KEYS, sizeof(KEYS));
	wire_expect(&wire, LOGIN_RESPONSE);
	faults_rule(&target, rule);
}

static unsigned login_status(void)
{
	return get_be16(wire.bhs + 36);
}

/* Where in the text that came a pair begins; -1: it is not there. */
static int place_of(const char *pair)
{
	for (uint32_t at = 0; at < wire.data_len;) {
		const char *its = (const char *)wire.data + at;
		if (strncmp(its, pair, strlen(pair)) == 0)
			return (int)at;
		at += (uint32_t)strnlen(its, wire.data_len - at) + 1;
	}
	return -1;
}

static bool says(const char *pair)
{
	return place_of(pair) >= 0;
}

/* --- logins ----------------------------------------------------------------------------------- */

START_TEST(a_refused_login_has_its_status_and_ends)
{
	login_with("on login-request do refuse 0302");
	ck_assert_uint_eq(login_status(), 0x0302);
	wire_expect_end(&wire);
}
END_TEST

START_TEST(a_refused_login_may_leave_the_line_open)
{
	login_with("on login-request do refuse 0203 open=yes");
	ck_assert_uint_eq(login_status(), 0x0203);
	ck_assert(!raw_is_closed_within(wire.fd, QUIET_MS));
}
END_TEST

START_TEST(a_redirect_has_an_address)
{
	login_with("on login-request do redirect 192.0.2.1:3260,7 permanent=yes");
	ck_assert_uint_eq(login_status(), 0x0102);
	ck_assert(says("TargetAddress=192.0.2.1:3260,7"));
}
END_TEST

/* --- texts ------------------------------------------------------------------------------------ */

START_TEST(a_key_is_set_in_its_place)
{
	login_with("on login-response do key-set MaxBurstLength=512");
	ck_assert(says("MaxBurstLength=512"));
	ck_assert(!says("MaxBurstLength=65536"));
}
END_TEST

START_TEST(a_key_is_added_at_the_end_or_the_front)
{
	login_with("on login-response do key-add X-last=1 do key-first X-first=2");
	ck_assert_int_eq(place_of("X-first=2"), 0);
	ck_assert_int_gt(place_of("X-last=1"), place_of("ImmediateData="));
}
END_TEST

START_TEST(a_key_is_left_out)
{
	login_with("on login-response do key-drop ImmediateData");
	ck_assert(!says("ImmediateData"));
	ck_assert(says("MaxBurstLength"));
}
END_TEST

START_TEST(a_number_is_changed)
{
	login_with("on login-response do key-change MaxBurstLength=*2");
	ck_assert(says("MaxBurstLength=131072"));
}
END_TEST

START_TEST(keys_come_in_reverse)
{
	login_with("on login-response do key-reverse");
	ck_assert_int_gt(place_of("TargetPortalGroupTag"), place_of("MaxBurstLength"));
}
END_TEST

START_TEST(a_text_is_padded)
{
	login_with("on login-response do text-pad 4000");
	ck_assert_uint_eq(wire.data_len, 4000);
	ck_assert(says("X-"));
}
END_TEST

START_TEST(a_text_is_what_the_rule_says)
{
	login_with("on login-response do text \"A=1\\x00\\x01\"");
	ck_assert_uint_eq(wire.data_len, 5);
	ck_assert_mem_eq(wire.data, "A=1\0\1", 5);
}
END_TEST

START_TEST(a_value_comes_back_and_has_a_length_and_wrong_bits)
{
	login_with(
		"on login-response do key-set MaxBurstLength=1 do key-echo MaxBurstLength do "
		"key-add X-len=0x00 do key-len X-len=3 do key-add X-flip=0x00 do key-flip X-flip");
	ck_assert(says("MaxBurstLength=65536"));
	ck_assert(says("X-len=0x"));
	ck_assert(says("X-flip=0x"));
	ck_assert(!says("X-flip=0x00"));
	size_t len = strlen((const char *)wire.data + place_of("X-len="));
	ck_assert_uint_eq(len, strlen("X-len=0x") + 6);
}
END_TEST

START_TEST(an_answer_comes_in_pieces)
{
	uint8_t empty[RAW_BHS] = {0x43, 0x04};
	uint32_t rounds = 0;

	login_with("on login-request times=1 do pieces 50");
	while ((wire.bhs[1] & C_BIT) != 0) {
		ck_assert_uint_eq(wire.data_len, 50);
		ck_assert_uint_lt(rounds, 100);
		rounds++;
		empty[8] = 0x80;
		put_be32(empty + 24, 1);
		put_be32(empty + 28, get_be32(wire.bhs + 24) + 1);
		ck_assert(raw_write(wire.fd, empty, sizeof(empty)));
		wire_expect(&wire, LOGIN_RESPONSE);
	}
	ck_assert_uint_ge(rounds, 2);
}
END_TEST

static void send_targets(void)
{
	static const char text[] = "SendTargets=All";
	uint8_t pdu[RAW_BHS + sizeof(text)] = {0x44, 0x80};

	put_be24(pdu + 5, sizeof(text));
	put_be32(pdu + 16, 9);
	put_be32(pdu + 20, 0xffffffff);
	put_be32(pdu + 24, 1);
	memcpy(pdu + RAW_BHS, text, sizeof(text));
	ck_assert(raw_write(wire.fd, pdu, sizeof(pdu)));
	wire_expect_answer(&wire, TEXT_RESPONSE, 9);
}

START_TEST(targets_that_are_not_there_are_told_of)
{
	int count = 0;

	session_with("on text-request do records 20");
	send_targets();
	for (uint32_t at = 0; at + 11 < wire.data_len; at++)
		count += memcmp(wire.data + at, "TargetName=", 11) == 0;
	ck_assert_int_eq(count, 21);
}
END_TEST

/* --- CHAP ------------------------------------------------------------------------------------- */

#define SECRET	   "a-secret-for-tests"
#define CHALLENGED "on login-response has=CHAP_C do key-set CHAP_I=7 do key-set "
/* MD5 of 7, the secret, and this challenge. */
#define CHALLENGE "CHAP_C=0x00112233445566778899aabbccddeeff"
#define PROOF	  "CHAP_N=user\0CHAP_R=0x6421e97f48fbe7f5938c374a32795198"

/* A target that asks for CHAP. */
static void start_with_user(void)
{
	char folder[] = "/tmp/holdfast-test-XXXXXX", path[64], config[512];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/secrets", folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(dprintf(fd, "user " SECRET "\n"), 0);
	close(fd);
	snprintf(
		config, sizeof(config),
		"secrets = \"%s\"; targets = ( { name = \"iqn.2026-11.test:disk\"; user = \"user\"; "
		"luns = ( { backing = \"memory\"; size = \"1M\"; } ); } );\n",
		path);
	daemon_finish(&target);
	daemon_start_configured(&target, "127.0.0.1:0", config);
	unlink(path);
	rmdir(folder);
}

/* A request of the security stage; what it gets for an answer is in `wire`. */
static void ask(bool begins, bool ends, const char *keys, size_t keys_len)
{
	uint8_t pdu[RAW_PDU_MAX];
	uint32_t stat_sn = begins ? 0 : get_be32(wire.bhs + 24) + 1;
	size_t len = raw_login_pdu(&target, "iqn.2026-11.test:user", keys, keys_len, pdu);

	if (!begins) { /* names are said once */
		memcpy(pdu + RAW_BHS, keys, keys_len);
		memset(pdu + RAW_BHS + keys_len, 0, 4);
		put_be24(pdu + 5, (uint32_t)keys_len);
		len = RAW_BHS + (keys_len + 3) / 4 * 4;
	}
	pdu[1] = ends ? 0x81 : 0; /* on to operational negotiation */
	put_be32(pdu + 28, stat_sn);
	ck_assert(raw_write(wire.fd, pdu, len));
	wire_expect(&wire, LOGIN_RESPONSE);
	ck_assert_uint_eq(login_status() >> 8 == 0 || ends, 1);
}

static unsigned log_in_by_chap(const char *rule)
{
	start_with_user();
	faults_rule(&target, rule);
	wire.fd = raw_dial(&target);
	ask(true, false, "AuthMethod=CHAP", sizeof("AuthMethod=CHAP"));
	ask(false, false, "CHAP_A=5", sizeof("CHAP_A=5"));
	ck_assert(says(CHALLENGE));
	ask(false, true, PROOF, sizeof(PROOF));
	return login_status();
}

START_TEST(an_answer_to_a_challenge_that_was_changed_is_wrong)
{
	ck_assert_uint_eq(log_in_by_chap(CHALLENGED CHALLENGE), 0x0201);
}
END_TEST

START_TEST(unless_the_challenge_is_adopted)
{
	ck_assert_uint_eq(log_in_by_chap(CHALLENGED CHALLENGE " do chap-adopt"), 0);
}
END_TEST

/* --- connections ------------------------------------------------------------------------------ */

START_TEST(a_connection_is_closed_behind_the_answer)
{
	session_with("on scsi-command do fin");
	wire_command(&wire, TEST_UNIT_READY, 1, 0);
	wire_expect_end(&wire);
}
END_TEST

START_TEST(a_connection_is_reset)
{
	char byte;

	session_with("on scsi-command do rst discard=yes");
	wire_command(&wire, TEST_UNIT_READY, 1, 0);
	ck_assert_int_eq(recv(wire.fd, &byte, 1, 0), -1);
}
END_TEST

START_TEST(who_is_mute_is_heard_when_the_rule_is_gone)
{
	session_with("on nop-out times=1 do mute for=300ms");
	wire_ping(&wire, 7);
	wire_expect_answer(&wire, NOP_IN, 7);
}
END_TEST

/* Nothing comes for a while; what comes then tells that the line was there all the time. */
static void nothing_comes(void)
{
	struct pollfd poll_fd = {.fd = wire.fd, .events = POLLIN};

	ck_assert_int_eq(poll(&poll_fd, 1, QUIET_MS), 0);
}

START_TEST(who_is_deaf_reads_nothing)
{
	session_with("on nop-out times=1 do deaf");
	wire_ping(&wire, 7);
	wire_expect_answer(&wire, NOP_IN, 7); /* what was read already is answered */
	wire_ping(&wire, 8);
	nothing_comes();
}
END_TEST

START_TEST(who_is_dead_neither_reads_nor_sends)
{
	session_with("on nop-out times=1 do dead");
	wire_ping(&wire, 7);
	nothing_comes();
}
END_TEST

START_TEST(so_many_bytes_are_sent_and_no_more)
{
	uint8_t bytes[RAW_BHS];

	session_with("on nop-out do limit 20 then=fin");
	wire_ping(&wire, 7);
	ck_assert_int_eq(recv(wire.fd, bytes, sizeof(bytes), MSG_WAITALL), 20);
}
END_TEST

START_TEST(a_narrow_line_brings_everything)
{
	session_with("on nop-out times=1 do bandwidth 4000");
	wire_ping(&wire, 7);
	wire_expect_answer(&wire, NOP_IN, 7);
	wire_command(&wire, TEST_UNIT_READY, 1, 0);
	wire_expect_answer(&wire, RESPONSE, 1);
}
END_TEST

START_TEST(statsn_begins_and_goes_on_as_the_rules_say)
{
	login_with("on accept do statsn 0xfffffffe");
	ck_assert_uint_eq(get_be32(wire.bhs + 24), 0xfffffffe);
	faults_rule(&target, "on scsi-response times=1 do statsn +10");
	wire_command(&wire, TEST_UNIT_READY, 1, 0);
	wire_expect_answer(&wire, RESPONSE, 1);
	uint32_t stat_sn = get_be32(wire.bhs + 24);
	ck_assert(stat_sn == 0xffffffff || stat_sn == 9);
	wire_ping(&wire, 7);
	wire_expect_answer(&wire, NOP_IN, 7);
	ck_assert_uint_eq(get_be32(wire.bhs + 24), 10);
}
END_TEST

START_TEST(a_line_may_stay_open_after_a_logout)
{
	uint8_t logout[RAW_BHS] = {0x46, 0x80};

	session_with("on logout-request do linger 60s");
	put_be32(logout + 16, 5);
	put_be32(logout + 24, 1);
	ck_assert(raw_write(wire.fd, logout, sizeof(logout)));
	wire_expect_answer(&wire, LOGOUT_RESPONSE, 5);
	ck_assert(!raw_is_closed_within(wire.fd, QUIET_MS));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_refused_login_has_its_status_and_ends);
	tcase_add_test(tcase, a_refused_login_may_leave_the_line_open);
	tcase_add_test(tcase, a_redirect_has_an_address);
	tcase_add_test(tcase, a_key_is_set_in_its_place);
	tcase_add_test(tcase, a_key_is_added_at_the_end_or_the_front);
	tcase_add_test(tcase, a_key_is_left_out);
	tcase_add_test(tcase, a_number_is_changed);
	tcase_add_test(tcase, keys_come_in_reverse);
	tcase_add_test(tcase, a_text_is_padded);
	tcase_add_test(tcase, a_text_is_what_the_rule_says);
	tcase_add_test(tcase, a_value_comes_back_and_has_a_length_and_wrong_bits);
	tcase_add_test(tcase, an_answer_comes_in_pieces);
	tcase_add_test(tcase, targets_that_are_not_there_are_told_of);
	tcase_add_test(tcase, an_answer_to_a_challenge_that_was_changed_is_wrong);
	tcase_add_test(tcase, unless_the_challenge_is_adopted);
	tcase_add_test(tcase, a_connection_is_closed_behind_the_answer);
	tcase_add_test(tcase, a_connection_is_reset);
	tcase_add_test(tcase, who_is_mute_is_heard_when_the_rule_is_gone);
	tcase_add_test(tcase, who_is_deaf_reads_nothing);
	tcase_add_test(tcase, who_is_dead_neither_reads_nor_sends);
	tcase_add_test(tcase, so_many_bytes_are_sent_and_no_more);
	tcase_add_test(tcase, a_narrow_line_brings_everything);
	tcase_add_test(tcase, statsn_begins_and_goes_on_as_the_rules_say);
	tcase_add_test(tcase, a_line_may_stay_open_after_a_logout);
}

int main(void)
{
	return suite_run("faults/line", fill);
}
