/* Faults of PDUs that come, and of logins. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/transport/fault_case.h"
#include "transport/access.h"
#include "transport/chap_digest.h"
#include "transport/text.h"

static struct fault_case c;

static void setup(void)
{
	fault_case_setup(&c);
	fault_case_house(&c);
}

static void teardown(void)
{
	fault_case_teardown(&c);
}

static void rule(const char *text)
{
	fault_case_rule(&c, text);
}

static void start(void)
{
	fault_case_login(&c);
	c.wire.lossy = true;
}

static void good(void)
{
	wire_expect_status(&c.wire, wire_test_unit_ready(&c.wire), SCSI_STATUS_GOOD);
}

static uint16_t login(void)
{
	wire_open(&c.house, &c.wire);
	return wire_login_with(&c.wire, &(struct wire_login){.keys = {NULL}});
}

/* The value of a key in the last response; NULL: it has none. */
static const char *key(const char *name)
{
	static char found[ISCSI_KEY_MAX + 1];
	struct iscsi_text_reader reader;
	const char *value;
	bool bad = false;

	iscsi_text_reader_init(&reader, c.wire.pdu.data, c.wire.pdu.data_len);
	while (iscsi_text_next(&reader, found, &value, &bad))
		if (strcmp(found, name) == 0)
			return value;
	return NULL;
}

START_TEST(a_dropped_ping_is_not_answered)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_nop_out nop = {.immediate = true, .itt = 5, .ttt = ISCSI_NO_TAG};

	start();
	rule("on nop-out times=1 do drop");
	for (int i = 0; i < 2; i++) {
		nop.itt = 5 + (uint32_t)i;
		nop.cmd_sn = c.wire.cmd_sn;
		iscsi_nop_out_encode(&nop, bhs);
		wire_send(&c.wire, bhs, NULL, 0);
	}
	wire_expect(&c.wire, ISCSI_NOP_IN);
	ck_assert_uint_eq(c.wire.pdu.bhs[19], 6);
	wire_expect_nothing(&c.wire);
}
END_TEST

START_TEST(a_command_is_rejected_and_its_cmd_sn_stays_open)
{
	start();
	rule("on scsi-command op=test-unit-ready times=1 do reject 5");
	wire_test_unit_ready(&c.wire);
	wire_expect_reject(&c.wire, ISCSI_REJECT_NOT_SUPPORTED);
	c.wire.cmd_sn--;
	good();
}
END_TEST

START_TEST(a_rejected_command_is_carried_out_all_the_same)
{
	start();
	rule("on scsi-command times=1 do reject 9 go-on=yes");
	uint32_t itt = wire_test_unit_ready(&c.wire);
	wire_expect_reject(&c.wire, ISCSI_REJECT_INVALID_PDU_FIELD);
	wire_expect_status(&c.wire, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(what_comes_behind_a_delayed_pdu_waits_too)
{
	start();
	rule("on scsi-command op=test-unit-ready times=1 do delay 400ms");
	uint32_t first = wire_test_unit_ready(&c.wire);
	struct iovec iov[2];
	ck_assert_int_eq(iscsi_conn_input(c.wire.conn, iov), 0);
	wire_wait(&c.wire, 400);
	wire_expect_status(&c.wire, first, SCSI_STATUS_GOOD);
	good();
}
END_TEST

START_TEST(what_came_in_one_piece_with_it_is_not_lost)
{
	uint8_t two[2 * ISCSI_BHS_LEN];

	start();
	rule("on nop-out times=1 do hold");
	for (uint32_t i = 0; i < 2; i++) {
		struct iscsi_nop_out nop = {.immediate = true,
					    .itt = 50 + i,
					    .ttt = ISCSI_NO_TAG,
					    .cmd_sn = c.wire.cmd_sn};
		iscsi_nop_out_encode(&nop, two + i * ISCSI_BHS_LEN);
	}
	ck_assert(wire_feed(&c.wire, two, sizeof(two)));
	struct wire other; /* which receives into the same buffer */
	wire_open(&c.house, &other);
	wire_login_with(&other, &(struct wire_login){.initiator = "iqn.2024-01.org.example:o"});
	wire_clear_unit_attentions(&other);
	wire_expect_nothing(&c.wire);
	ck_assert_uint_eq(iscsi_node_fault_release(c.house.node, NULL), 1);
	wire_wait(&c.wire, 0);
	for (uint32_t i = 0; i < 2; i++) {
		wire_expect(&c.wire, ISCSI_NOP_IN);
		ck_assert_uint_eq(c.wire.pdu.bhs[19], 50 + i);
	}
	wire_close(&other);
}
END_TEST

START_TEST(a_pdu_is_inserted_while_a_command_is_under_way)
{
	start();
	rule("on scsi-command times=1 do insert reject reason=0x0a do insert r2t length=512 ttt=9");
	uint32_t itt = wire_test_unit_ready(&c.wire);
	wire_expect(&c.wire, ISCSI_REJECT);
	ck_assert_uint_eq(c.wire.pdu.bhs[2], 0x0a);
	ck_assert_uint_eq(c.wire.pdu.data_len, ISCSI_BHS_LEN); /* the command's header */
	ck_assert_uint_eq(c.wire.pdu.data[0] & 0x3f, ISCSI_SCSI_COMMAND);
	struct iscsi_r2t r2t = wire_expect_r2t(&c.wire);
	ck_assert_uint_eq(r2t.itt, itt);
	ck_assert_uint_eq(r2t.desired_len, 512);
	wire_expect_status(&c.wire, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(a_login_is_refused_so_many_times)
{
	rule("on login-request times=1 do refuse 0301");
	ck_assert_uint_eq(login(), ISCSI_LOGIN_SERVICE_UNAVAILABLE);
	wire_expect_finished(&c.wire);
	wire_close(&c.wire);
	ck_assert_uint_eq(login(), ISCSI_LOGIN_SUCCESS);
}
END_TEST

START_TEST(a_refused_login_is_neither_refused_again_nor_held)
{
	rule("on login-request times=1 do refuse 0301 do refuse 0302 do hold");
	ck_assert_uint_eq(login(), ISCSI_LOGIN_SERVICE_UNAVAILABLE);
	ck_assert_uint_eq(iscsi_node_fault_release(c.house.node, NULL), 0);
	wire_expect_finished(&c.wire);
}
END_TEST

START_TEST(a_refused_login_can_be_left_open)
{
	rule("on login-request times=1 do refuse 0501 open=yes");
	ck_assert_uint_eq(login(), 0x0501);
	wire_wait(&c.wire, 60000);
	ck_assert(!iscsi_conn_finished(c.wire.conn));
	iscsi_node_fault_clear(c.house.node, NULL);
}
END_TEST

START_TEST(a_login_is_redirected_to_any_address)
{
	rule("on login-request do redirect 192.0.2.9:3260,1 permanent=yes");
	ck_assert_uint_eq(login(), ISCSI_LOGIN_MOVED_PERMANENTLY);
	ck_assert_str_eq(key("TargetAddress"), "192.0.2.9:3260,1");
}
END_TEST

START_TEST(keys_of_a_login_response_are_changed)
{
	rule("on login-response do key-set TargetPortalGroupTag=77 do key-add X-org.example=1 "
	     "do key-drop MaxRecvDataSegmentLength do key-first \"TargetAlias=a b\"");
	ck_assert_uint_eq(login(), ISCSI_LOGIN_SUCCESS);
	ck_assert_str_eq(key("TargetPortalGroupTag"), "77");
	ck_assert_str_eq(key("X-org.example"), "1");
	ck_assert_ptr_null(key("MaxRecvDataSegmentLength"));
	ck_assert_mem_eq(c.wire.pdu.data, "TargetAlias=a b", 16);
}
END_TEST

/* Opens the connection and sends one request that wants to leave the operational stage. */
static void ask_to_log_in(void)
{
	static const char text[] = "InitiatorName=" WIRE_INITIATOR "\0TargetName=" WIRE_TARGET;
	struct iscsi_login_request request = {
		.transit = true, .csg = 1, .nsg = 3, .itt = 1, .cid = 1};
	uint8_t bhs[ISCSI_BHS_LEN];

	wire_open(&c.house, &c.wire);
	iscsi_login_request_encode(&request, bhs);
	wire_send(&c.wire, bhs, text, sizeof(text));
}

START_TEST(a_request_to_leave_the_stage_is_not_heard)
{
	struct iscsi_login_response response;

	rule("on login-request stage=operational times=1 do set t=0");
	ask_to_log_in();
	wire_expect(&c.wire, ISCSI_LOGIN_RESPONSE);
	iscsi_login_response_decode(c.wire.pdu.bhs, &response);
	ck_assert(!response.transit);
	ck_assert_uint_eq(response.status, ISCSI_LOGIN_SUCCESS);
}
END_TEST

START_TEST(rules_match_who_logs_in)
{
	rule("on login-request initiator=*:nobody do refuse 0202");
	rule("on login-request initiator=iqn.2024-*:host target=*:disk session=normal "
	     "stage=operational do refuse 0203");
	ck_assert_uint_eq(login(), ISCSI_LOGIN_NOT_FOUND);
	ck_assert_uint_eq(fault_case_firings(&c, "1"), 0);
	ck_assert_uint_eq(fault_case_firings(&c, "2"), 1);
}
END_TEST

START_TEST(a_stalled_login_goes_on_when_released)
{
	rule("on login-response times=1 do hold");
	ask_to_log_in();
	wire_expect_nothing(&c.wire);
	ck_assert_uint_eq(iscsi_node_fault_release(c.house.node, NULL), 1);
	wire_wait(&c.wire, 0);
	wire_expect(&c.wire, ISCSI_LOGIN_RESPONSE);
}
END_TEST

START_TEST(a_connection_is_closed_as_soon_as_it_is_accepted)
{
	rule("on accept times=1 do rst");
	wire_open(&c.house, &c.wire);
	wire_wait(&c.wire, 0);
	ck_assert(iscsi_conn_finished(c.wire.conn));
	ck_assert(iscsi_conn_wants_reset(c.wire.conn));
	wire_close(&c.wire);
	ck_assert_uint_eq(login(), ISCSI_LOGIN_SUCCESS);
}
END_TEST

static unsigned told;
static struct iscsi_fault_event event;
static char what[64];

static void listen(void *context, const struct iscsi_fault_event *e)
{
	(void)context;
	told++;
	event = *e;
	snprintf(what, sizeof(what), "%s %s %s", e->rule, e->moment, e->what);
}

START_TEST(each_firing_is_told)
{
	told = 0;
	iscsi_node_on_fault(c.house.node, listen, NULL);
	start();
	rule("id=x on scsi-command times=2 do set lun=0 do insert nop-in");
	for (int i = 0; i < 3; i++)
		wire_test_unit_ready(&c.wire);
	ck_assert_uint_eq(told, 2);
	ck_assert_str_eq(what, "x scsi-command set lun=0 do insert nop-in");
	ck_assert(event.is_pdu && !event.is_sent);
	ck_assert_uint_eq(event.pdu, 2);
}
END_TEST

START_TEST(values_of_keys_are_changed)
{
	rule("on login-response do key-set A=0x0a1b do key-set N=5 do key-change N=*3 "
	     "do key-flip A do key-add B=0x01020304 do key-len B=2 do key-add C=0x77 do key-len C=3");
	ck_assert_uint_eq(login(), ISCSI_LOGIN_SUCCESS);
	ck_assert_str_eq(key("A"), "0x0a1a");
	ck_assert_str_eq(key("N"), "15");
	ck_assert_str_eq(key("B"), "0x0102");
	ck_assert_str_eq(key("C"), "0x775a5a");
}
END_TEST

START_TEST(a_number_is_another_one)
{
	rule("on login-response do key-set A=5 do key-change A=-3 do key-set B=0x10 "
	     "do key-change B=+0x10 do key-set C=Yes do key-change C=+1");
	ck_assert_uint_eq(login(), ISCSI_LOGIN_SUCCESS);
	ck_assert_str_eq(key("A"), "2");
	ck_assert_str_eq(key("B"), "32");
	ck_assert_str_eq(key("C"), "Yes");
}
END_TEST

START_TEST(a_text_may_be_empty_before_it_is_changed)
{
	rule("on login-response do text \"\" do key-drop A do key-reverse do text-pad 0 do key-set A=1");
	ck_assert_uint_eq(login(), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(c.wire.pdu.data_len, 4);
	ck_assert_mem_eq(c.wire.pdu.data, "A=1", 4);
}
END_TEST

START_TEST(keys_stand_in_reverse_order)
{
	rule("on login-response do text \"A=1\\x00B=2\\x00C=3\\x00\" do key-reverse");
	ck_assert_uint_eq(login(), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(c.wire.pdu.data_len, 12);
	ck_assert_mem_eq(c.wire.pdu.data, "C=3\0B=2\0A=1\0", 12);
}
END_TEST

START_TEST(a_text_is_as_long_as_wanted)
{
	rule("on login-response do text-pad 8192");
	ck_assert_uint_eq(login(), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(c.wire.pdu.data_len, 8192);
	ck_assert_uint_eq(c.wire.pdu.data[8191], 0);
	ck_assert_str_eq(key("TargetPortalGroupTag"), "1");
}
END_TEST

START_TEST(a_key_is_added_unless_it_was_offered)
{
	rule("on login-response do key-add InitiatorName=x unless=offered "
	     "do key-add MaxBurstLength=512 unless=offered");
	ck_assert_uint_eq(login(), ISCSI_LOGIN_SUCCESS);
	ck_assert_ptr_null(key("InitiatorName"));
	ck_assert_str_eq(key("MaxBurstLength"), "512");
}
END_TEST

START_TEST(a_value_is_said_back)
{
	rule("on login-response do key-add InitiatorName=none do key-echo InitiatorName");
	ck_assert_uint_eq(login(), ISCSI_LOGIN_SUCCESS);
	ck_assert_str_eq(key("InitiatorName"), WIRE_INITIATOR);
}
END_TEST

START_TEST(a_login_text_comes_in_pieces)
{
	struct iscsi_login_response response;

	rule("on login-request times=1 do pieces 10");
	ask_to_log_in();
	wire_expect(&c.wire, ISCSI_LOGIN_RESPONSE);
	iscsi_login_response_decode(c.wire.pdu.bhs, &response);
	ck_assert(response.cont && !response.transit);
	ck_assert_uint_eq(c.wire.pdu.data_len, 10);
}
END_TEST

START_TEST(discovery_tells_of_targets_that_are_not_there)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_text_request request = {
		.immediate = true, .final = true, .itt = 9, .ttt = ISCSI_NO_TAG};
	struct iscsi_text_response response;

	wire_open(&c.house, &c.wire);
	wire_login_with(&c.wire, &(struct wire_login){.discovery = true, .target = ""});
	rule("on text-request times=1 do records 3 do pieces 100");
	request.cmd_sn = c.wire.cmd_sn;
	iscsi_text_request_encode(&request, bhs);
	wire_send(&c.wire, bhs, "SendTargets=All", 16);
	wire_expect(&c.wire, ISCSI_TEXT_RESPONSE);
	iscsi_text_response_decode(c.wire.pdu.bhs, &response);
	ck_assert(!response.final);
	ck_assert_uint_le(c.wire.pdu.data_len, 100);
	ck_assert_uint_ne(response.ttt, ISCSI_NO_TAG);
}
END_TEST

static void send_login_text(uint8_t nsg, const char *text, size_t len)
{
	struct iscsi_login_request request = {.transit = nsg > 0, .nsg = nsg, .itt = 1, .cid = 1};
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_login_request_encode(&request, bhs);
	wire_send(&c.wire, bhs, text, (uint32_t)len);
	wire_expect(&c.wire, ISCSI_LOGIN_RESPONSE);
}

/* "CHAP_N=alice CHAP_R=0x...": the right answer to what was sent. Its length. */
static size_t chap_answer(uint8_t id, const char *challenge, char text[128])
{
	uint8_t bytes[1024], digest[ISCSI_CHAP_DIGEST_MAX];
	size_t len = 0;

	ck_assert(iscsi_text_binary(challenge, bytes, sizeof(bytes), &len));
	ck_assert_uint_eq(len, sizeof(bytes));
	ck_assert(iscsi_chap_response(iscsi_chap_algorithm_find(5), id,
				      (const uint8_t *)"secret of alice!", 16, bytes, len, digest));
	size_t at = (size_t)sprintf(text, "CHAP_N=alice") + 1;
	at += (size_t)sprintf(text + at, "CHAP_R=0x");
	for (unsigned i = 0; i < 16; i++)
		at += (size_t)sprintf(text + at, "%02x", digest[i]);
	return at + 1;
}

START_TEST(another_challenge_is_still_answered_rightly)
{
	static const char names[] = "InitiatorName=" WIRE_INITIATOR "\0TargetName=" WIRE_TARGET
				    "\0AuthMethod=CHAP\0CHAP_A=5";
	static const struct iscsi_chap_account alice = {"alice",
							(const uint8_t *)"secret of alice!", 16};
	static const struct iscsi_access node_access = {.accounts = &alice, .account_count = 1};
	static const struct iscsi_access_target access = {.user = "alice"};
	struct iscsi_login_response response;
	char text[128];

	fault_case_teardown(&c);
	fault_case_setup(&c);
	c.house.config.access = &node_access;
	fault_case_house(&c);
	iscsi_node_set_access(c.house.node, c.house.target, &access);
	rule("on login-response has=CHAP_C do key-len CHAP_C=1024 do key-set CHAP_I=0x07 "
	     "do chap-adopt");
	wire_open(&c.house, &c.wire);
	send_login_text(0, names, sizeof(names));
	ck_assert_str_eq(key("CHAP_I"), "0x07");
	size_t len = chap_answer(7, key("CHAP_C"), text);
	send_login_text(1, text, len);
	iscsi_login_response_decode(c.wire.pdu.bhs, &response);
	ck_assert_uint_eq(response.status, ISCSI_LOGIN_SUCCESS);
	ck_assert(response.transit);
}
END_TEST

START_TEST(a_login_begins_with_the_stat_sn_that_is_wanted)
{
	struct iscsi_login_response response;

	rule("on accept do statsn 0xffffffff");
	ask_to_log_in();
	wire_expect(&c.wire, ISCSI_LOGIN_RESPONSE);
	iscsi_login_response_decode(c.wire.pdu.bhs, &response);
	ck_assert_uint_eq(response.sns.stat_sn, 0xffffffff);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_dropped_ping_is_not_answered);
	tcase_add_test(tcase, a_command_is_rejected_and_its_cmd_sn_stays_open);
	tcase_add_test(tcase, a_rejected_command_is_carried_out_all_the_same);
	tcase_add_test(tcase, what_comes_behind_a_delayed_pdu_waits_too);
	tcase_add_test(tcase, what_came_in_one_piece_with_it_is_not_lost);
	tcase_add_test(tcase, a_pdu_is_inserted_while_a_command_is_under_way);
	tcase_add_test(tcase, a_login_is_refused_so_many_times);
	tcase_add_test(tcase, a_refused_login_is_neither_refused_again_nor_held);
	tcase_add_test(tcase, a_refused_login_can_be_left_open);
	tcase_add_test(tcase, a_login_is_redirected_to_any_address);
	tcase_add_test(tcase, keys_of_a_login_response_are_changed);
	tcase_add_test(tcase, a_request_to_leave_the_stage_is_not_heard);
	tcase_add_test(tcase, rules_match_who_logs_in);
	tcase_add_test(tcase, a_stalled_login_goes_on_when_released);
	tcase_add_test(tcase, a_connection_is_closed_as_soon_as_it_is_accepted);
	tcase_add_test(tcase, each_firing_is_told);
	tcase_add_test(tcase, values_of_keys_are_changed);
	tcase_add_test(tcase, a_number_is_another_one);
	tcase_add_test(tcase, a_text_may_be_empty_before_it_is_changed);
	tcase_add_test(tcase, keys_stand_in_reverse_order);
	tcase_add_test(tcase, a_text_is_as_long_as_wanted);
	tcase_add_test(tcase, a_key_is_added_unless_it_was_offered);
	tcase_add_test(tcase, a_value_is_said_back);
	tcase_add_test(tcase, a_login_text_comes_in_pieces);
	tcase_add_test(tcase, discovery_tells_of_targets_that_are_not_there);
	tcase_add_test(tcase, another_challenge_is_still_answered_rightly);
	tcase_add_test(tcase, a_login_begins_with_the_stat_sn_that_is_wanted);
}

int main(void)
{
	return suite_run("fault_received", fill);
}
