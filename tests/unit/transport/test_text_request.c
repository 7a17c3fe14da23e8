/* Text Requests in full feature phase: SendTargets, long answers, negotiation. */
#include <stdio.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/wire.h"

#define OTHER_TARGET "iqn.2024-01.org.example:other"

static struct wire_house house;
static struct wire wire;
static struct scsi_target *extra[40];
static unsigned extra_count;

static void setup(void)
{
	wire_house_init(&house);
	wire_house_start(&house);
	wire_open(&house, &wire);
}

static void teardown(void)
{
	wire_close(&wire);
	wire_house_stop(&house);
	for (unsigned i = 0; i < extra_count; i++)
		scsi_target_free(&extra[i]);
}

static uint64_t no_clock(void *context)
{
	(void)context;
	return 0;
}

/* Another target, without LUNs, behind one portal group, or two (0: no second). */
static void add_target(const char *name, uint16_t port, uint16_t second_port)
{
	struct scsi_target_config config = {.name = name,
					    .ports = {port, second_port},
					    .port_count = second_port != 0 ? 2 : 1,
					    .executor = house.executor,
					    .clock = no_clock};

	extra[extra_count] = scsi_target_create(&config);
	ck_assert_ptr_nonnull(extra[extra_count]);
	ck_assert_int_eq(iscsi_node_add_target(house.node, extra[extra_count++], NULL), 0);
}

static void start_discovery(void)
{
	struct wire_login login = {.discovery = true};

	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_SUCCESS);
}

static void send(struct iscsi_text_request pdu, const void *text, uint32_t len)
{
	uint8_t bhs[ISCSI_BHS_LEN];

	pdu.immediate = true;
	pdu.cmd_sn = wire.cmd_sn;
	iscsi_text_request_encode(&pdu, bhs);
	wire_send(&wire, bhs, text, len);
}

static void ask(const char *pair)
{
	send((struct iscsi_text_request){.final = true, .itt = 5, .ttt = ISCSI_NO_TAG}, pair,
	     (uint32_t)strlen(pair) + 1);
}

static struct iscsi_text_response expect_response(void)
{
	struct iscsi_text_response response;

	iscsi_text_response_decode(wire_expect(&wire, ISCSI_TEXT_RESPONSE)->bhs, &response);
	ck_assert_uint_eq(response.itt, 5);
	return response;
}

static void expect_text(const char *text, size_t len)
{
	struct iscsi_text_response response = expect_response();

	ck_assert(response.final && !response.cont);
	ck_assert_uint_eq(response.ttt, ISCSI_NO_TAG);
	ck_assert_uint_eq(wire.pdu.data_len, len);
	ck_assert_mem_eq(wire.pdu.data, text, len);
}

START_TEST(all_targets_are_listed_in_order_with_their_portals)
{
	static const char expected[] = "TargetName=" WIRE_TARGET "\0"
				       "TargetAddress=192.0.2.1:3260,1\0"
				       "TargetName=" OTHER_TARGET "\0"
				       "TargetAddress=192.0.2.1:3260,1\0"
				       "TargetAddress=[2001:db8::1]:3260,2";

	add_target(OTHER_TARGET, 1, 2);
	ck_assert_ptr_nonnull(iscsi_node_add_portal(house.node, "[2001:db8::1]:3260", false, 2));
	start_discovery();
	ask("SendTargets=All");
	expect_text(expected, sizeof(expected));
}
END_TEST

START_TEST(a_wildcard_portal_is_listed_under_the_address_that_was_called)
{
	static const char expected[] = "TargetName=" WIRE_TARGET "\0"
				       "TargetAddress=192.0.2.1:3260,1\0"
				       "TargetAddress=192.0.2.1:3261,1";

	ck_assert_ptr_nonnull(iscsi_node_add_portal(house.node, "0.0.0.0:3261", true, 1));
	/* Nothing is known of this one: the connection came over IPv4. */
	ck_assert_ptr_nonnull(iscsi_node_add_portal(house.node, "[::]:3262", true, 1));
	start_discovery();
	ask("SendTargets=All");
	expect_text(expected, sizeof(expected));
}
END_TEST

START_TEST(one_target_can_be_asked_for_by_name)
{
	static const char expected[] = "TargetName=" WIRE_TARGET "\0"
				       "TargetAddress=192.0.2.1:3260,1";

	add_target(OTHER_TARGET, 1, 0);
	start_discovery();
	ask("SendTargets=" WIRE_TARGET);
	expect_text(expected, sizeof(expected));
	ask("SendTargets=iqn.2024-01.org.example:nowhere");
	expect_text("", 0);
}
END_TEST

START_TEST(a_target_that_no_portal_leads_to_is_not_listed)
{
	add_target(OTHER_TARGET, 9, 0);
	start_discovery();
	ask("SendTargets=" OTHER_TARGET);
	expect_text("", 0);
}
END_TEST

START_TEST(a_normal_session_sees_its_own_target_only)
{
	static const char expected[] = "TargetName=" WIRE_TARGET "\0"
				       "TargetAddress=192.0.2.1:3260,1";

	add_target(OTHER_TARGET, 1, 0);
	wire_login(&wire, NULL);
	ask("SendTargets=");
	expect_text(expected, sizeof(expected));
	ask("SendTargets=All");
	expect_text(expected, sizeof(expected));
	ask("SendTargets=" OTHER_TARGET);
	expect_text("", 0);
}
END_TEST

START_TEST(send_targets_must_be_alone)
{
	static const char text[] = "SendTargets=All\0InitiatorAlias=x";

	start_discovery();
	send((struct iscsi_text_request){.final = true, .itt = 5, .ttt = ISCSI_NO_TAG}, text,
	     sizeof(text));
	wire_expect_reject(&wire, ISCSI_REJECT_PROTOCOL_ERROR);
	ask("SendTargets=");
	wire_expect_reject(&wire, ISCSI_REJECT_PROTOCOL_ERROR);
}
END_TEST

START_TEST(a_long_answer_comes_in_pieces)
{
	char whole[8192];
	size_t len = 0;
	char name[64];
	struct wire_login login = {.discovery = true, .keys = {"MaxRecvDataSegmentLength=512"}};

	for (unsigned i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "%s%02u", OTHER_TARGET, i);
		add_target(name, 1, 0);
	}
	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_SUCCESS);
	ask("SendTargets=All");
	for (;;) {
		struct iscsi_text_response response = expect_response();
		ck_assert_uint_le(wire.pdu.data_len, 512);
		memcpy(whole + len, wire.pdu.data, wire.pdu.data_len);
		len += wire.pdu.data_len;
		ck_assert_int_eq(response.cont, !response.final && whole[len - 1] != '\0');
		if (response.final)
			break;
		ck_assert_uint_ne(response.ttt, ISCSI_NO_TAG);
		send((struct iscsi_text_request){.final = true, .itt = 5, .ttt = response.ttt},
		     NULL, 0);
	}
	unsigned names = 0;
	for (size_t at = 0; at < len; at += strlen(whole + at) + 1)
		names += strncmp(whole + at, "TargetName=", 11) == 0;
	ck_assert_uint_eq(names, 21);
}
END_TEST

/* RFC 7143 11.11.1: F = 1 answers F = 1 only. */
START_TEST(the_last_piece_waits_for_a_final_request)
{
	struct wire_login login = {.discovery = true, .keys = {"MaxRecvDataSegmentLength=512"}};
	char name[64];
	uint32_t total = 0;

	for (unsigned i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "%s%02u", OTHER_TARGET, i);
		add_target(name, 1, 0);
	}
	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_SUCCESS);
	ask("SendTargets=All");
	struct iscsi_text_response response = expect_response();
	while (wire.pdu.data_len > 0) {
		total += wire.pdu.data_len;
		ck_assert(!response.final);
		ck_assert_uint_ne(response.ttt, ISCSI_NO_TAG);
		send((struct iscsi_text_request){.itt = 5, .ttt = response.ttt}, NULL, 0);
		response = expect_response();
	}
	ck_assert_uint_gt(total, 1024);
	ck_assert(!response.final && !response.cont);
	send((struct iscsi_text_request){.final = true, .itt = 5, .ttt = response.ttt}, NULL, 0);
	expect_text("", 0);
}
END_TEST

START_TEST(a_question_may_come_in_pieces)
{
	static const char expected[] = "TargetName=" WIRE_TARGET "\0"
				       "TargetAddress=192.0.2.1:3260,1";

	start_discovery();
	send((struct iscsi_text_request){.cont = true, .itt = 5, .ttt = ISCSI_NO_TAG}, "SendTar",
	     7);
	struct iscsi_text_response response = expect_response();
	ck_assert(!response.final);
	ck_assert_uint_eq(wire.pdu.data_len, 0);
	send((struct iscsi_text_request){.final = true, .itt = 5, .ttt = response.ttt}, "gets=All",
	     9);
	expect_text(expected, sizeof(expected));
}
END_TEST

START_TEST(a_stale_ttt_is_rejected)
{
	start_discovery();
	send((struct iscsi_text_request){.final = true, .itt = 5, .ttt = 77}, NULL, 0);
	wire_expect_reject(&wire, ISCSI_REJECT_INVALID_PDU_FIELD);
}
END_TEST

START_TEST(a_second_exchange_is_rejected_until_the_first_is_forgotten)
{
	start_discovery();
	send((struct iscsi_text_request){.cont = true, .itt = 5, .ttt = ISCSI_NO_TAG}, "Send", 4);
	expect_response();
	send((struct iscsi_text_request){.final = true, .itt = 6, .ttt = ISCSI_NO_TAG},
	     "SendTargets=All", 16);
	wire_expect_reject(&wire, ISCSI_REJECT_TASK_IN_PROGRESS);
	house.now_ms += 31000;
	send((struct iscsi_text_request){.final = true, .itt = 6, .ttt = ISCSI_NO_TAG},
	     "SendTargets=All", 16);
	wire_expect(&wire, ISCSI_TEXT_RESPONSE);
}
END_TEST

/* An answer that nobody fetches is not kept for ever. */
START_TEST(an_idle_exchange_is_forgotten_by_itself)
{
	start_discovery();
	send((struct iscsi_text_request){.cont = true, .itt = 5, .ttt = ISCSI_NO_TAG}, "Send", 4);
	struct iscsi_text_response response = expect_response();
	wire_wait(&wire, 29000);
	ck_assert_uint_le(iscsi_conn_deadline(wire.conn), house.now_ms + 1100);
	wire_wait(&wire, 1100);
	wire_expect_nothing(&wire);
	send((struct iscsi_text_request){.final = true, .itt = 5, .ttt = response.ttt},
	     "Targets=All", 12);
	wire_expect_reject(&wire, ISCSI_REJECT_INVALID_PDU_FIELD);
	ask("SendTargets=All");
	expect_response();
	ck_assert_uint_gt(iscsi_conn_deadline(wire.conn), house.now_ms + 60000);
}
END_TEST

START_TEST(a_question_without_end_is_cut_off)
{
	static char text[8192];

	memset(text, 'A', sizeof(text));
	start_discovery();
	uint32_t ttt = ISCSI_NO_TAG;
	unsigned pieces = 0;
	for (;;) {
		send((struct iscsi_text_request){.cont = true, .itt = 5, .ttt = ttt}, text,
		     sizeof(text));
		struct wire_pdu *pdu = wire_next(&wire);
		ck_assert_ptr_nonnull(pdu);
		if (pdu->opcode == ISCSI_REJECT)
			break;
		struct iscsi_text_response response;
		iscsi_text_response_decode(pdu->bhs, &response);
		ttt = response.ttt;
		ck_assert_uint_lt(++pieces, 10);
	}
}
END_TEST

START_TEST(the_segment_length_can_be_changed)
{
	wire_login(&wire, "MaxRecvDataSegmentLength=8192", NULL);
	wire_clear_unit_attentions(&wire);
	ask("MaxRecvDataSegmentLength=512");
	ck_assert(expect_response().final);
	wire_read(&wire, 0, 2);
	ck_assert_uint_eq(wire_expect(&wire, ISCSI_DATA_IN)->data_len, 512);
	ck_assert_uint_eq(wire_expect(&wire, ISCSI_DATA_IN)->data_len, 512);
}
END_TEST

START_TEST(a_key_of_the_login_is_rejected)
{
	wire_login(&wire, NULL);
	ask("MaxBurstLength=512");
	wire_expect_reject(&wire, ISCSI_REJECT_PROTOCOL_ERROR);
}
END_TEST

/* RFC 7143 4.3: SendTargets, and nothing else. */
START_TEST(a_discovery_session_negotiates_nothing)
{
	start_discovery();
	ask("MaxRecvDataSegmentLength=512");
	wire_expect_reject(&wire, ISCSI_REJECT_NOT_SUPPORTED);
	ask("X-com.example=1");
	wire_expect_reject(&wire, ISCSI_REJECT_NOT_SUPPORTED);
}
END_TEST

static void take_alias(void *context, const struct iscsi_session_info *info)
{
	snprintf(context, 256, "%s", info->initiator_alias);
}

START_TEST(an_initiator_may_take_another_alias)
{
	char alias[256] = "";
	static const char both[] = "InitiatorAlias=second\0X-com.example=1";
	static const char answer[] = "X-com.example=NotUnderstood";
	static const char bad[] = "InitiatorAlias=third\0MaxBurstLength=512";

	wire_login(&wire, "InitiatorAlias=first", NULL);
	send((struct iscsi_text_request){.final = true, .itt = 5, .ttt = ISCSI_NO_TAG}, both,
	     sizeof(both));
	expect_text(answer, sizeof(answer));
	iscsi_node_each_session(house.node, take_alias, alias);
	ck_assert_str_eq(alias, "second");
	send((struct iscsi_text_request){.final = true, .itt = 5, .ttt = ISCSI_NO_TAG}, bad,
	     sizeof(bad));
	wire_expect_reject(&wire, ISCSI_REJECT_PROTOCOL_ERROR);
	iscsi_node_each_session(house.node, take_alias, alias);
	ck_assert_str_eq(alias, "second");
}
END_TEST

/* One exchange is one negotiation, however many requests it takes: all of it or nothing. */
START_TEST(a_negotiation_over_several_requests_is_atomic)
{
	wire_login(&wire, "MaxRecvDataSegmentLength=8192", NULL);
	wire_clear_unit_attentions(&wire);
	send((struct iscsi_text_request){.itt = 5, .ttt = ISCSI_NO_TAG},
	     "MaxRecvDataSegmentLength=512", 29);
	struct iscsi_text_response response = expect_response();
	ck_assert(!response.final);
	wire_read(&wire, 0, 2);
	ck_assert_uint_eq(wire_expect(&wire, ISCSI_DATA_IN)->data_len, 1024);
	wire_next(&wire);
	send((struct iscsi_text_request){.final = true, .itt = 5, .ttt = response.ttt},
	     "MaxRecvDataSegmentLength=1024", 30);
	wire_expect_reject(&wire, ISCSI_REJECT_PROTOCOL_ERROR);
	wire_read(&wire, 0, 2);
	ck_assert_uint_eq(wire_expect(&wire, ISCSI_DATA_IN)->data_len, 1024);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, all_targets_are_listed_in_order_with_their_portals);
	tcase_add_test(tcase, a_wildcard_portal_is_listed_under_the_address_that_was_called);
	tcase_add_test(tcase, one_target_can_be_asked_for_by_name);
	tcase_add_test(tcase, a_target_that_no_portal_leads_to_is_not_listed);
	tcase_add_test(tcase, a_normal_session_sees_its_own_target_only);
	tcase_add_test(tcase, send_targets_must_be_alone);
	tcase_add_test(tcase, a_long_answer_comes_in_pieces);
	tcase_add_test(tcase, the_last_piece_waits_for_a_final_request);
	tcase_add_test(tcase, a_discovery_session_negotiates_nothing);
	tcase_add_test(tcase, an_initiator_may_take_another_alias);
	tcase_add_test(tcase, a_negotiation_over_several_requests_is_atomic);
	tcase_add_test(tcase, a_question_may_come_in_pieces);
	tcase_add_test(tcase, a_stale_ttt_is_rejected);
	tcase_add_test(tcase, a_second_exchange_is_rejected_until_the_first_is_forgotten);
	tcase_add_test(tcase, an_idle_exchange_is_forgotten_by_itself);
	tcase_add_test(tcase, a_question_without_end_is_cut_off);
	tcase_add_test(tcase, the_segment_length_can_be_changed);
	tcase_add_test(tcase, a_key_of_the_login_is_rejected);
}

int main(void)
{
	return suite_run("text_request", fill);
}
