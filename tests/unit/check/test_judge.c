/* What the words of judgements mean, over records made by hand. */
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "tools/check/judge.h"

#define STIMULUS_RULE "on scsi-response times=1 do set statsn=+1"
#define PORT	      4711

static const struct check_firing first_response = {
	.peer_port = PORT, .is_pdu = true, .is_sent = true, .pdu = 1, .itt = 5};

static struct check_record record;
static struct check_evidence evidence;
static uint32_t at_ms;

static void setup(void)
{
	check_record_init(&record);
	memset(&evidence, 0, sizeof(evidence));
	evidence.record = &record;
	evidence.ended = CHECK_ENDED_OK;
	at_ms = 0;
	ck_assert_uint_eq(check_record_open(&record, 0, false, PORT), 1);
}

static void teardown(void)
{
	check_record_free(&record);
}

static void send_bytes(uint32_t connection, uint8_t *bhs, const char *text, size_t len)
{
	uint8_t data[256] = {0};
	bool from_target = (bhs[0] & 0x3f) >= 0x20;

	iscsi_bhs_set_lengths(bhs, (uint32_t)len);
	check_record_bytes(&record, at_ms, connection, from_target, bhs, ISCSI_BHS_LEN);
	memcpy(data, text, len);
	if (len > 0)
		check_record_bytes(&record, at_ms, connection, from_target, data,
				   len + iscsi_pad((uint32_t)len));
	at_ms += 10;
}

static void login(uint32_t connection, const char *text, size_t len)
{
	uint8_t bhs[ISCSI_BHS_LEN] = {0x43, 0x87};

	bhs[8] = 0x80;
	send_bytes(connection, bhs, text, len);
}

static void command(uint32_t connection, uint32_t itt, uint8_t opcode)
{
	uint8_t bhs[ISCSI_BHS_LEN] = {ISCSI_SCSI_COMMAND, 0x80};

	put_be32(bhs + 16, itt);
	put_be32(bhs + 24, itt);
	bhs[32] = opcode;
	send_bytes(connection, bhs, "", 0);
}

static void response(uint32_t connection, uint32_t itt)
{
	uint8_t bhs[ISCSI_BHS_LEN] = {ISCSI_SCSI_RESPONSE, 0x80};

	put_be32(bhs + 16, itt);
	send_bytes(connection, bhs, "", 0);
}

static void logout(uint32_t connection)
{
	uint8_t bhs[ISCSI_BHS_LEN] = {0x46, 0x80};

	send_bytes(connection, bhs, "", 0);
}

/* A login, a command, and the stimulus: its response. */
static void until_stimulus(void)
{
	login(1, "InitiatorName=iqn.a\0A=1", sizeof("InitiatorName=iqn.a\0A=1"));
	command(1, 5, 0x28);
	response(1, 5);
}

static bool holds(const char *requirement)
{
	char why[128] = "";

	ck_assert_msg(check_requirement_parses(requirement, why, sizeof(why)), "%s", why);
	evidence.end = record.count;
	check_evidence_locate(&evidence, STIMULUS_RULE, &first_response);
	return check_requirement_holds(requirement, &evidence);
}

START_TEST(closed_is_who_goes_without_another_word)
{
	until_stimulus();
	check_record_close(&record, at_ms, 1, false, false);
	ck_assert(holds("closed"));
}
END_TEST

START_TEST(a_logout_does_not_spoil_it)
{
	until_stimulus();
	logout(1);
	check_record_close(&record, at_ms, 1, false, true);
	ck_assert(holds("closed"));
	ck_assert(holds("logout"));
}
END_TEST

START_TEST(another_command_does)
{
	until_stimulus();
	command(1, 6, 0x28);
	check_record_close(&record, at_ms, 1, false, false);
	ck_assert(!holds("closed"));
	ck_assert(holds("no closed"));
}
END_TEST

START_TEST(whom_the_target_closed_did_not_close)
{
	until_stimulus();
	check_record_close(&record, at_ms, 1, true, false);
	check_record_close(&record, at_ms, 1, false, false);
	ck_assert(!holds("closed"));
}
END_TEST

START_TEST(what_comes_behind_the_end_does_not_count)
{
	until_stimulus();
	evidence.end = record.count;
	check_record_close(&record, at_ms, 1, false, false);
	check_evidence_locate(&evidence, STIMULUS_RULE, &first_response);
	ck_assert(!check_requirement_holds("closed", &evidence));
}
END_TEST

START_TEST(recovery_is_a_new_login)
{
	until_stimulus();
	check_record_close(&record, at_ms, 1, false, false);
	ck_assert(!holds("recovers"));
	ck_assert_uint_eq(check_record_open(&record, at_ms, false, PORT + 1), 2);
	login(2, "", 0);
	ck_assert(holds("recovers"));
	ck_assert(holds("relogin"));
	ck_assert(holds("reinstates"));
	ck_assert(!holds("relogin-after 5000"));
}
END_TEST

START_TEST(with_another_isid_nothing_is_reinstated)
{
	uint8_t bhs[ISCSI_BHS_LEN] = {0x43, 0x87};

	until_stimulus();
	ck_assert_uint_eq(check_record_open(&record, at_ms, false, PORT + 1), 2);
	bhs[8] = 0x81;
	send_bytes(2, bhs, "", 0);
	ck_assert(holds("relogin"));
	ck_assert(holds("no reinstates"));
}
END_TEST

START_TEST(or_a_command_that_fails)
{
	until_stimulus();
	check_record_close(&record, at_ms, 1, false, false);
	evidence.ended = CHECK_ENDED_FAILED;
	ck_assert(holds("recovers"));
	ck_assert(holds("failed"));
	ck_assert(holds("ended"));
	ck_assert(!holds("ok"));
}
END_TEST

START_TEST(sent_is_after_the_stimulus_and_most_is_ever)
{
	until_stimulus();
	command(1, 6, 0x2a);
	ck_assert(holds("sent scsi-command cdb0=0x2a"));
	ck_assert(!holds("sent scsi-command cdb0=0x28"));
	ck_assert(holds("most 2 scsi-command"));
	ck_assert(!holds("most 1 scsi-command"));
	ck_assert(holds("least 1 scsi-command itt>5"));
	ck_assert(!holds("least 1 scsi-command itt>6"));
	ck_assert(holds("sent scsi-command itt<7"));
}
END_TEST

START_TEST(a_field_is_held_against_the_stimulus)
{
	until_stimulus();
	command(1, 5, 0x28);
	ck_assert(holds("sent scsi-command itt=stimulus"));
	ck_assert(holds("sent scsi-command cmdsn=stimulus.itt"));
	ck_assert(!holds("sent scsi-command itt=stimulus.statsn"));
}
END_TEST

START_TEST(again_counts_the_same_command)
{
	until_stimulus();
	ck_assert(!holds("again"));
	command(1, 6, 0x2a);
	ck_assert(!holds("again"));
	command(1, 7, 0x28);
	command(1, 8, 0x28);
	ck_assert(holds("again"));
	ck_assert(holds("again-most 2"));
	ck_assert(!holds("again-most 1"));
}
END_TEST

START_TEST(keys_are_found_with_and_without_their_value)
{
	until_stimulus();
	ck_assert(holds("offered A"));
	ck_assert(holds("offered A=1"));
	ck_assert(!holds("offered A=2"));
	ck_assert(!holds("said A"));
	login(1, "A=2", sizeof("A=2"));
	ck_assert(holds("said A=2"));
	ck_assert(holds("distinct A"));
	login(1, "A=1", sizeof("A=1"));
	ck_assert(!holds("distinct A"));
}
END_TEST

START_TEST(quiet_is_no_numbered_request_for_a_while)
{
	until_stimulus();
	ck_assert(holds("quiet 1000"));
	at_ms += 500;
	command(1, 6, 0x28);
	ck_assert(!holds("quiet 1000"));
	ck_assert(holds("quiet 400"));
}
END_TEST

static void nop_in(uint32_t connection, uint32_t itt)
{
	uint8_t bhs[ISCSI_BHS_LEN] = {ISCSI_NOP_IN, 0x80};

	put_be32(bhs + 16, itt);
	send_bytes(connection, bhs, "", 0);
}

START_TEST(quiet_until_is_no_numbered_request_before_a_pdu)
{
	until_stimulus();
	ck_assert(holds("quiet-until nop-in itt=none"));
	logout(1); /* immediate */
	nop_in(1, 7);
	nop_in(1, ISCSI_NO_TAG);
	command(1, 6, 0x28);
	ck_assert(holds("quiet-until nop-in itt=none"));
	ck_assert(!holds("quiet-until nop-in itt=8"));
}
END_TEST

START_TEST(first_looks_at_the_first_of_its_kind)
{
	until_stimulus();
	ck_assert(!holds("first scsi-command itt=6"));
	logout(1);
	command(1, 6, 0x28);
	command(1, 7, 0x28);
	ck_assert(holds("first scsi-command itt=6"));
	ck_assert(!holds("first scsi-command itt=7"));
}
END_TEST

static void with_tags(uint8_t opcode, uint32_t itt, uint32_t ttt)
{
	uint8_t bhs[ISCSI_BHS_LEN] = {opcode, 0x80};

	put_be32(bhs + 16, itt);
	put_be32(bhs + 20, ttt);
	send_bytes(1, bhs, "", 0);
}

START_TEST(in_turn_is_the_order_in_which_r2ts_came)
{
	until_stimulus();
	with_tags(ISCSI_R2T, 5, 20);
	with_tags(ISCSI_R2T, 5, 10);
	with_tags(ISCSI_R2T, 9, 1); /* of another task */
	with_tags(ISCSI_DATA_OUT, 9, 1);
	with_tags(ISCSI_DATA_OUT, 5, 20);
	ck_assert(holds("in-turn"));
	with_tags(ISCSI_DATA_OUT, 5, 10);
	ck_assert(holds("in-turn"));
	with_tags(ISCSI_R2T, 5, 30);
	with_tags(ISCSI_R2T, 5, 40);
	with_tags(ISCSI_DATA_OUT, 5, 40);
	ck_assert(!holds("in-turn"));
	with_tags(ISCSI_DATA_OUT, 5, 30);
	ck_assert(!holds("in-turn"));
}
END_TEST

START_TEST(what_is_printed_may_have_a_value)
{
	until_stimulus();
	ck_assert(!holds("prints keys="));
	evidence.output = "Keys=2\n";
	ck_assert(holds("prints keys"));
	ck_assert(holds("prints keys="));
	ck_assert(holds("prints keys=2"));
	ck_assert(!holds("prints keys=3"));
	evidence.output =
		"target 0123456789012345678901234567890123456789012345678901234567890123456";
	ck_assert(holds(
		"prints 0123456789012345678901234567890123456789012345678901234567890123456"));
}
END_TEST

START_TEST(paced_counts_connections_in_any_second)
{
	until_stimulus();
	for (uint32_t i = 0; i < 4; i++)
		check_record_open(&record, 2000 + i * 100, false, (uint16_t)(PORT + i));
	ck_assert(holds("paced 4"));
	ck_assert(!holds("paced 3"));
}
END_TEST

START_TEST(clean_asks_the_observer)
{
	until_stimulus();
	ck_assert(holds("clean frame.dsl-limit"));
	evidence.passive[ISCSI_CHECK_FRAME_DSL_LIMIT] = ISCSI_VERDICT_FAIL;
	ck_assert(!holds("clean frame.dsl-limit"));
}
END_TEST

START_TEST(one_of_the_clauses_is_enough)
{
	until_stimulus();
	evidence.ended = CHECK_ENDED_FAILED;
	ck_assert(holds("ok | failed"));
	ck_assert(!holds("ok | closed"));
}
END_TEST

START_TEST(nonsense_does_not_parse)
{
	static const char *const nonsense[] = {
		"",
		"colsed",
		"no",
		"sent",
		"sent scsi-commnd",
		"sent scsi-command itt",
		"sent scsi-command itx=1",
		"sent scsi-command itt=stimulus.itx",
		"most scsi-command",
		"most -1 scsi-command",
		"again-most",
		"clean frame.dsl-limt",
		"clean act.login.silence",
		"ok failed",
		"ok | ",
	};
	char why[128];

	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++)
		ck_assert_msg(!check_requirement_parses(nonsense[i], why, sizeof(why)), "%s",
			      nonsense[i]);
}
END_TEST

START_TEST(a_pdu_that_was_dropped_has_its_place_behind_its_request)
{
	login(1, "", 0);
	command(1, 5, 0x28);
	logout(1);
	evidence.end = record.count;
	check_evidence_locate(&evidence, "on scsi-response do drop", &first_response);
	ck_assert_uint_eq(evidence.stimulus, SIZE_MAX);
	ck_assert_uint_eq(evidence.mark, 3);
}
END_TEST

START_TEST(a_command_is_found_by_its_tag)
{
	struct check_firing firing = {.peer_port = PORT, .itt = 5};

	until_stimulus();
	evidence.end = record.count;
	check_evidence_locate(&evidence, "on command do status busy", &firing);
	ck_assert_uint_eq(evidence.stimulus, 2);
	ck_assert_uint_eq(evidence.mark, 3);
}
END_TEST

START_TEST(bytes_in_any_pieces_are_the_same_pdus)
{
	uint8_t bhs[ISCSI_BHS_LEN] = {0x43, 0x87}, data[8] = "K=v";

	iscsi_bhs_set_lengths(bhs, 4);
	for (size_t i = 0; i < sizeof(bhs); i++)
		check_record_bytes(&record, 0, 1, false, bhs + i, 1);
	for (size_t i = 0; i < 4; i++)
		check_record_bytes(&record, 0, 1, false, data + i, 1);
	ck_assert_uint_eq(record.count, 2);
	ck_assert_int_eq(record.events[1].kind, CHECK_PDU);
	ck_assert_uint_eq(record.events[1].data_len, 4);
	ck_assert_mem_eq(record.events[1].data, "K=v", 4);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, closed_is_who_goes_without_another_word);
	tcase_add_test(tcase, a_logout_does_not_spoil_it);
	tcase_add_test(tcase, another_command_does);
	tcase_add_test(tcase, whom_the_target_closed_did_not_close);
	tcase_add_test(tcase, what_comes_behind_the_end_does_not_count);
	tcase_add_test(tcase, recovery_is_a_new_login);
	tcase_add_test(tcase, with_another_isid_nothing_is_reinstated);
	tcase_add_test(tcase, or_a_command_that_fails);
	tcase_add_test(tcase, sent_is_after_the_stimulus_and_most_is_ever);
	tcase_add_test(tcase, a_field_is_held_against_the_stimulus);
	tcase_add_test(tcase, again_counts_the_same_command);
	tcase_add_test(tcase, keys_are_found_with_and_without_their_value);
	tcase_add_test(tcase, quiet_is_no_numbered_request_for_a_while);
	tcase_add_test(tcase, quiet_until_is_no_numbered_request_before_a_pdu);
	tcase_add_test(tcase, first_looks_at_the_first_of_its_kind);
	tcase_add_test(tcase, in_turn_is_the_order_in_which_r2ts_came);
	tcase_add_test(tcase, what_is_printed_may_have_a_value);
	tcase_add_test(tcase, paced_counts_connections_in_any_second);
	tcase_add_test(tcase, clean_asks_the_observer);
	tcase_add_test(tcase, one_of_the_clauses_is_enough);
	tcase_add_test(tcase, nonsense_does_not_parse);
	tcase_add_test(tcase, a_pdu_that_was_dropped_has_its_place_behind_its_request);
	tcase_add_test(tcase, a_command_is_found_by_its_tag);
	tcase_add_test(tcase, bytes_in_any_pieces_are_the_same_pdus);
}

int main(void)
{
	return suite_run("check/judge", fill);
}
