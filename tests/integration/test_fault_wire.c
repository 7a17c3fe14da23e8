/* What each action of a fault rule does to commands and PDUs, byte by byte: holdfast-faults(7). */
#include "tests/integration/faults.h"
#include "tests/support/suite.h"

#include <string.h>
#include <sys/socket.h>

#include "pr_engine/bytes.h"
#include "pr_engine/crc32c.h"

enum {
	TEST_UNIT_READY = 0x00,
	READ = 0x28,
	NOP_IN = 0x20,
	RESPONSE = 0x21,
	TMF_RESPONSE = 0x22,
	LOGIN_RESPONSE = 0x23,
	DATA_IN = 0x25,
	REJECT = 0x3f,
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

/* A session, and then the rule. */
static void session_with(const char *rule)
{
	wire_login(&wire, &target, NULL, 0);
	wire_expect(&wire, LOGIN_RESPONSE);
	faults_rule(&target, rule);
}

static void test_unit_ready_answered(void)
{
	wire_command(&wire, TEST_UNIT_READY, 1, 0);
	wire_expect_answer(&wire, RESPONSE, 1);
}

/* The unit attention of a new session is out of the way. */
static void ready_session_with(const char *rule)
{
	wire_login(&wire, &target, NULL, 0);
	wire_expect(&wire, LOGIN_RESPONSE);
	test_unit_ready_answered();
	faults_rule(&target, rule);
}

static void read_block(uint32_t cmd_sn)
{
	wire_command(&wire, READ, cmd_sn, 1);
	wire_expect_answer(&wire, DATA_IN, cmd_sn);
}

/* --- commands --------------------------------------------------------------------------------- */

START_TEST(a_status_has_no_sense_data)
{
	session_with("on command do status busy");
	test_unit_ready_answered();
	ck_assert_uint_eq(wire.bhs[3], 0x08);
	ck_assert_uint_eq(wire.data_len, 0);
}
END_TEST

START_TEST(sense_data_are_those_of_the_rule)
{
	session_with("on command do sense 3/11/01");
	test_unit_ready_answered();
	ck_assert_uint_eq(wire.bhs[3], 0x02);
	ck_assert_uint_eq(wire.data[2], 0x70);
	ck_assert_uint_eq(wire.data[2 + 2], 3);
	ck_assert_uint_eq(wire.data[2 + 12], 0x11);
	ck_assert_uint_eq(wire.data[2 + 13], 0x01);
}
END_TEST

START_TEST(an_answer_is_filled_up_with_zeros)
{
	session_with("on command op=read do answer bytes=a1b2c3 size=512");
	read_block(1);
	ck_assert_uint_eq(wire.data_len, 512);
	ck_assert_mem_eq(wire.data, "\xa1\xb2\xc3\0\0", 5);
}
END_TEST

START_TEST(who_vanished_is_not_answered_and_can_be_aborted)
{
	uint8_t abort_task[RAW_BHS] = {0x42, 0x81};

	ready_session_with("on command op=read do vanish");
	wire_command(&wire, READ, 2, 1);
	wire_ping(&wire, 77);
	wire_expect_answer(&wire, NOP_IN, 77);
	put_be32(abort_task + 16, 88);
	put_be32(abort_task + 20, 2);
	put_be32(abort_task + 24, 3);
	put_be32(abort_task + 32, 2);
	ck_assert(raw_write(wire.fd, abort_task, sizeof(abort_task)));
	wire_expect_answer(&wire, TMF_RESPONSE, 88);
	ck_assert_uint_eq(wire.bhs[2], 0);
}
END_TEST

START_TEST(what_is_held_goes_when_it_is_released)
{
	ready_session_with("on command op=read do hold");
	wire_command(&wire, READ, 2, 1);
	wire_ping(&wire, 77);
	wire_expect_answer(&wire, NOP_IN, 77);
	faults_tool(&target, "release");
	wire_expect_answer(&wire, DATA_IN, 2);
}
END_TEST

START_TEST(a_delayed_pdu_goes_when_its_time_has_come)
{
	ready_session_with("on scsi-response do delay 3600s");
	faults_clock(&target, "freeze", NULL);
	wire_command(&wire, TEST_UNIT_READY, 2, 0);
	wire_command(&wire, READ, 3, 1);
	wire_expect_answer(&wire, DATA_IN, 3);
	faults_clock(&target, "step", "3600s");
	wire_expect_answer(&wire, RESPONSE, 2);
}
END_TEST

START_TEST(short_data_have_their_residual)
{
	ready_session_with("on result op=read do short to=100");
	read_block(2);
	ck_assert_uint_eq(wire.data_len, 100);
	ck_assert_uint_eq(wire.bhs[1] & 0x02, 0x02);
	ck_assert_uint_eq(get_be32(wire.bhs + 44), 412);
}
END_TEST

START_TEST(corrupt_data_are_wrong_in_place)
{
	ready_session_with("on result op=read do corrupt at=3 xor=f0");
	read_block(2);
	ck_assert_mem_eq(wire.data, "\0\0\0\xf0\0", 5);
}
END_TEST

START_TEST(data_are_put_over_the_commands_own)
{
	ready_session_with("on result op=read do data at=2 bytes=0a0b");
	read_block(2);
	ck_assert_mem_eq(wire.data, "\0\0\x0a\x0b\0", 5);
}
END_TEST

/* --- PDUs ------------------------------------------------------------------------------------- */

START_TEST(a_dropped_pdu_has_used_its_statsn)
{
	ready_session_with("on scsi-response times=1 do drop");
	uint32_t stat_sn = get_be32(wire.bhs + 24);
	wire_command(&wire, TEST_UNIT_READY, 2, 0);
	wire_ping(&wire, 77);
	wire_expect_answer(&wire, NOP_IN, 77);
	ck_assert_uint_eq(get_be32(wire.bhs + 24), stat_sn + 2);
}
END_TEST

START_TEST(a_duplicate_is_the_same_byte_for_byte)
{
	uint8_t one[RAW_BHS];

	session_with("on scsi-response do duplicate 2");
	test_unit_ready_answered();
	memcpy(one, wire.bhs, sizeof(one));
	for (int i = 0; i < 2; i++) {
		wire_expect(&wire, RESPONSE);
		ck_assert_mem_eq(one, wire.bhs, sizeof(one));
	}
}
END_TEST

START_TEST(who_is_reordered_goes_behind_the_next)
{
	ready_session_with("on scsi-response times=1 do reorder");
	wire_command(&wire, TEST_UNIT_READY, 2, 0);
	wire_command(&wire, TEST_UNIT_READY, 3, 0);
	wire_expect_answer(&wire, RESPONSE, 3);
	wire_expect_answer(&wire, RESPONSE, 2);
}
END_TEST

START_TEST(a_truncated_pdu_ends_with_the_connection)
{
	uint8_t bytes[64];

	session_with("on scsi-response do truncate 30 then=fin");
	wire_command(&wire, TEST_UNIT_READY, 1, 0);
	ck_assert_int_eq(recv(wire.fd, bytes, sizeof(bytes), MSG_WAITALL), 30);
	ck_assert_uint_eq(bytes[0], RESPONSE);
}
END_TEST

START_TEST(pieces_of_a_pdu_are_the_pdu)
{
	session_with("on sent do split 7");
	test_unit_ready_answered();
	read_block(2);
	ck_assert_uint_eq(wire.data_len, 512);
}
END_TEST

START_TEST(a_field_is_set_or_moved)
{
	session_with("on scsi-response do set response=0x80 itt=^0x100");
	wire_command(&wire, TEST_UNIT_READY, 1, 0);
	wire_expect_answer(&wire, RESPONSE, 0x101);
	ck_assert_uint_eq(wire.bhs[2], 0x80);
}
END_TEST

START_TEST(what_came_can_be_changed_too)
{
	session_with("on scsi-command do set cdb0=0xc1");
	test_unit_ready_answered();
	ck_assert_uint_eq(wire.bhs[3], 0x02);
	ck_assert_uint_eq(wire.data[2 + 2], 5);
	ck_assert_uint_eq(wire.data[2 + 12], 0x20); /* no such operation code */
}
END_TEST

START_TEST(bytes_go_to_header_and_data)
{
	ready_session_with("on data-in do bytes at=5 hex=000200 do bytes at=data+1 hex=99");
	read_block(2);
	ck_assert_mem_eq(wire.data, "\0\x99\0", 3);
}
END_TEST

START_TEST(a_flipped_byte_has_other_bits)
{
	ready_session_with("on data-in do flip at=data+4 mask=81");
	read_block(2);
	ck_assert_mem_eq(wire.data, "\0\0\0\0\x81", 5);
}
END_TEST

START_TEST(reserved_bits_are_all_set)
{
	session_with("on scsi-response do reserved");
	test_unit_ready_answered();
	ck_assert_uint_eq(wire.bhs[1] & 0x61, 0x61);
	ck_assert_mem_eq(wire.bhs + 8, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
}
END_TEST

START_TEST(a_segment_of_its_own)
{
	ready_session_with("on scsi-response do segment len=8 fill=5a");
	wire_command(&wire, TEST_UNIT_READY, 2, 0);
	wire_expect_answer(&wire, RESPONSE, 2);
	ck_assert_uint_eq(wire.data_len, 8);
	ck_assert_mem_eq(wire.data, "ZZZZZZZZ", 8);
}
END_TEST

START_TEST(an_inserted_pdu_comes_before_or_behind)
{
	session_with("on scsi-response times=1 do insert nop-in ttt=5 do insert nop-in ttt=6 "
		     "after=yes");
	wire_command(&wire, TEST_UNIT_READY, 1, 0);
	wire_expect(&wire, NOP_IN);
	ck_assert_uint_eq(get_be32(wire.bhs + 20), 5);
	wire_expect_answer(&wire, RESPONSE, 1);
	wire_expect(&wire, NOP_IN);
	ck_assert_uint_eq(get_be32(wire.bhs + 20), 6);
}
END_TEST

START_TEST(a_reject_has_the_header_that_it_rejects)
{
	session_with("on scsi-command times=1 do reject 9");
	wire_command(&wire, TEST_UNIT_READY, 1, 0);
	wire_expect(&wire, REJECT);
	ck_assert_uint_eq(wire.bhs[2], 9);
	ck_assert_uint_eq(wire.data_len, RAW_BHS);
	ck_assert_uint_eq(get_be32(wire.data + 16), 1);
	test_unit_ready_answered(); /* its CmdSN is still open */
}
END_TEST

/* --- digests ---------------------------------------------------------------------------------- */

#define DIGESTS "HeaderDigest=CRC32C\0DataDigest=CRC32C"

static void receive(void *bytes, size_t len)
{
	ck_assert_int_eq(recv(wire.fd, bytes, len, MSG_WAITALL), (ssize_t)len);
}

/* A digest is the one number of iSCSI whose low byte comes first. */
static void put_digest(uint8_t digest[4], const void *bytes, size_t len)
{
	uint32_t crc = crc32c(0, bytes, len);

	for (int i = 0; i < 4; i++)
		digest[i] = (uint8_t)(crc >> 8 * i);
}

static bool is_digest_of(const uint8_t digest[4], const void *bytes, size_t len)
{
	uint8_t right[4];

	put_digest(right, bytes, len);
	return memcmp(digest, right, sizeof(right)) == 0;
}

/* A block is read with digests; which of them are right? */
static void read_with_digests(const char *rule, bool ret_right[2])
{
	uint8_t request[RAW_BHS + 4], digest[4];

	wire_login(&wire, &target, DIGESTS, sizeof(DIGESTS));
	wire_expect(&wire, LOGIN_RESPONSE);
	faults_rule(&target, "on command op=read do answer size=512");
	if (rule)
		faults_rule(&target, rule);
	raw_command(request, READ, 1, 0, 1);
	put_digest(request + RAW_BHS, request, RAW_BHS);
	ck_assert(raw_write(wire.fd, request, sizeof(request)));
	receive(wire.bhs, RAW_BHS);
	ck_assert_uint_eq(wire.bhs[0], DATA_IN);
	receive(digest, 4);
	ret_right[0] = is_digest_of(digest, wire.bhs, RAW_BHS);
	receive(wire.data, 512);
	receive(digest, 4);
	ret_right[1] = is_digest_of(digest, wire.data, 512);
}

START_TEST(digests_are_right_unless_a_rule_says_else)
{
	bool right[2];

	read_with_digests(NULL, right);
	ck_assert(right[0] && right[1]);
}
END_TEST

START_TEST(a_header_digest_can_be_wrong)
{
	bool right[2];

	read_with_digests("on data-in do header-digest", right);
	ck_assert(!right[0] && right[1]);
}
END_TEST

START_TEST(a_data_digest_can_be_wrong)
{
	bool right[2];

	read_with_digests("on data-in do data-digest", right);
	ck_assert(right[0] && !right[1]);
}
END_TEST

START_TEST(wrong_data_have_a_right_digest)
{
	bool right[2];

	read_with_digests("on data-in do flip at=data+0", right);
	ck_assert(right[0] && right[1]);
	ck_assert_uint_ne(wire.data[0], 0);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_status_has_no_sense_data);
	tcase_add_test(tcase, sense_data_are_those_of_the_rule);
	tcase_add_test(tcase, an_answer_is_filled_up_with_zeros);
	tcase_add_test(tcase, who_vanished_is_not_answered_and_can_be_aborted);
	tcase_add_test(tcase, what_is_held_goes_when_it_is_released);
	tcase_add_test(tcase, a_delayed_pdu_goes_when_its_time_has_come);
	tcase_add_test(tcase, short_data_have_their_residual);
	tcase_add_test(tcase, corrupt_data_are_wrong_in_place);
	tcase_add_test(tcase, data_are_put_over_the_commands_own);
	tcase_add_test(tcase, a_dropped_pdu_has_used_its_statsn);
	tcase_add_test(tcase, a_duplicate_is_the_same_byte_for_byte);
	tcase_add_test(tcase, who_is_reordered_goes_behind_the_next);
	tcase_add_test(tcase, a_truncated_pdu_ends_with_the_connection);
	tcase_add_test(tcase, pieces_of_a_pdu_are_the_pdu);
	tcase_add_test(tcase, a_field_is_set_or_moved);
	tcase_add_test(tcase, what_came_can_be_changed_too);
	tcase_add_test(tcase, bytes_go_to_header_and_data);
	tcase_add_test(tcase, a_flipped_byte_has_other_bits);
	tcase_add_test(tcase, reserved_bits_are_all_set);
	tcase_add_test(tcase, a_segment_of_its_own);
	tcase_add_test(tcase, an_inserted_pdu_comes_before_or_behind);
	tcase_add_test(tcase, a_reject_has_the_header_that_it_rejects);
	tcase_add_test(tcase, digests_are_right_unless_a_rule_says_else);
	tcase_add_test(tcase, a_header_digest_can_be_wrong);
	tcase_add_test(tcase, a_data_digest_can_be_wrong);
	tcase_add_test(tcase, wrong_data_have_a_right_digest);
}

int main(void)
{
	return suite_run("faults/wire", fill);
}
