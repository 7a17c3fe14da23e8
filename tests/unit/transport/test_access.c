/*
 * Access lists: who may log in, as whom, and what it sees, on a whole node.
 */
#include <stdio.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "tests/support/wire.h"
#include "transport/access.h"
#include "transport/chap_digest.h"
#include "transport/node_internal.h"
#include "transport/text.h"

#define OTHER_INITIATOR "iqn.2024-01.org.example:other"

static struct wire_house house;
static struct wire wire;
static struct scsi_target *second; /* in no test more than one */

static const struct iscsi_chap_account accounts[] = {
	{"alice", (const uint8_t *)"secret of alice!", 16},
	{"bob", (const uint8_t *)"secret of bob!!!", 16},
	{"disk", (const uint8_t *)"secret of a disk", 16},
};
static const struct iscsi_access all_accounts = {.accounts = accounts, .account_count = 3};
static struct iscsi_access node_access;
static struct iscsi_access_initiator initiators[2];
static struct iscsi_access_target access;

static void setup(void)
{
	node_access = all_accounts;
	access = (struct iscsi_access_target){.initiators = initiators, .initiator_count = 1};
	initiators[0] = (struct iscsi_access_initiator){.name = WIRE_INITIATOR};
	initiators[1] = (struct iscsi_access_initiator){.name = OTHER_INITIATOR};
	second = NULL;
	wire_house_init(&house);
	house.config.access = &node_access;
	wire_house_start(&house);
	iscsi_node_set_access(house.node, house.target, &access);
	wire_open(&house, &wire);
}

static void teardown(void)
{
	wire_close(&wire);
	wire_house_stop(&house);
	scsi_target_free(&second);
}

static uint16_t login_as(const char *initiator)
{
	struct wire_login login = {.initiator = initiator};

	return wire_login_with(&wire, &login);
}

/* --- the rules alone -------------------------------------------------------------------------- */

START_TEST(without_a_list_everyone_may_come)
{
	struct iscsi_access_target open = {.user = "alice"};

	ck_assert(iscsi_access_admits(NULL, "a"));
	ck_assert(iscsi_access_admits(&open, "a"));
	ck_assert_ptr_null(iscsi_access_user(NULL, "a"));
	ck_assert_str_eq(iscsi_access_user(&open, "a"), "alice");
	ck_assert_ptr_null(iscsi_access_visible(NULL, "a"));
	ck_assert_ptr_null(iscsi_access_visible(&open, "a"));
	ck_assert_ptr_null(iscsi_access_account(NULL, "a"));
	ck_assert_ptr_null(iscsi_access_account(&node_access, NULL));
}
END_TEST

START_TEST(an_initiators_own_user_comes_first)
{
	access.user = "alice";
	access.initiator_count = 2;
	initiators[1].user = "bob";
	initiators[1].masked = true;
	ck_assert_str_eq(iscsi_access_user(&access, WIRE_INITIATOR), "alice");
	ck_assert_str_eq(iscsi_access_user(&access, OTHER_INITIATOR), "bob");
	ck_assert_ptr_null(iscsi_access_visible(&access, WIRE_INITIATOR));
	ck_assert_ptr_eq(iscsi_access_visible(&access, OTHER_INITIATOR), &initiators[1].visible);
	ck_assert(!iscsi_access_admits(&access, "iqn.2024-01.org.example:hos"));
	ck_assert_ptr_eq(iscsi_access_account(&node_access, "bob"), &accounts[1]);
	ck_assert_ptr_null(iscsi_access_account(&node_access, "Bob"));
}
END_TEST

/* --- who may come ----------------------------------------------------------------------------- */

START_TEST(who_is_listed_logs_in)
{
	ck_assert_uint_eq(login_as(WIRE_INITIATOR), ISCSI_LOGIN_SUCCESS);
}
END_TEST

START_TEST(who_is_not_listed_is_not_authorized)
{
	ck_assert_uint_eq(login_as(OTHER_INITIATOR), ISCSI_LOGIN_AUTHORIZATION_FAILURE);
	wire_expect_finished(&wire);
}
END_TEST

START_TEST(nor_for_discovery_of_that_target)
{
	struct wire_login login = {
		.initiator = OTHER_INITIATOR, .target = WIRE_TARGET, .discovery = true};

	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_AUTHORIZATION_FAILURE);
}
END_TEST

/* --- what it sees ----------------------------------------------------------------------------- */

static uint64_t no_clock(void *context)
{
	(void)context;
	return 0;
}

static void add_second_target(void)
{
	struct scsi_target_config config = {.name = "iqn.2024-01.org.example:second",
					    .ports = {1},
					    .port_count = 1,
					    .executor = house.executor,
					    .clock = no_clock};

	second = scsi_target_create(&config);
	ck_assert_ptr_nonnull(second);
	ck_assert_int_eq(iscsi_node_add_target(house.node, second, NULL), 0);
}

static const struct wire_pdu *ask(const char *text, uint32_t len)
{
	struct iscsi_text_request request = {
		.final = true, .itt = ++wire.itt, .ttt = ISCSI_NO_TAG, .cmd_sn = wire.cmd_sn++};
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_text_request_encode(&request, bhs);
	wire_send(&wire, bhs, text, len);
	return wire_expect(&wire, ISCSI_TEXT_RESPONSE);
}

static void discover(const char *initiator)
{
	struct wire_login login = {.initiator = initiator, .discovery = true};

	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_SUCCESS);
}

START_TEST(send_targets_shows_what_the_asker_may_see)
{
	static const char want[] = "TargetName=iqn.2024-01.org.example:second\0"
				   "TargetAddress=192.0.2.1:3260,1";

	add_second_target();
	discover(OTHER_INITIATOR);
	const struct wire_pdu *pdu = ask("SendTargets=All", 16);
	ck_assert_uint_eq(pdu->data_len, sizeof(want));
	ck_assert_mem_eq(pdu->data, want, sizeof(want));
	/* By name it is not there either. */
	static const char named[] = "SendTargets=" WIRE_TARGET;
	pdu = ask(named, sizeof(named));
	ck_assert_uint_eq(pdu->data_len, 0);
}
END_TEST

START_TEST(who_is_listed_sees_all)
{
	add_second_target();
	discover(WIRE_INITIATOR);
	const struct wire_pdu *pdu = ask("SendTargets=All", 16);
	ck_assert_ptr_nonnull(memmem(pdu->data, pdu->data_len, WIRE_TARGET, strlen(WIRE_TARGET)));
	ck_assert_ptr_nonnull(memmem(pdu->data, pdu->data_len, ":second", 7));
}
END_TEST

START_TEST(masked_luns_are_not_there)
{
	static const uint8_t report_luns[16] = {0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64};
	struct wire_command command = {.cdb = report_luns, .read = true, .expected_len = 64};

	initiators[0].masked = true; /* and nothing is visible */
	ck_assert_uint_eq(login_as(WIRE_INITIATOR), ISCSI_LOGIN_SUCCESS);
	wire_command(&wire, &command);
	const struct wire_pdu *pdu = wire_expect(&wire, ISCSI_DATA_IN);
	ck_assert_uint_eq(pdu->data_len, 8);
	ck_assert_uint_eq(get_be32(pdu->data), 0);
	wire_next(&wire);
	wire_expect_sense(&wire, wire_test_unit_ready(&wire), 5, 0x25, 0);
}
END_TEST

/* --- a target that is elsewhere --------------------------------------------------------------- */

static void ck_moved(uint16_t status)
{
	static const char want[] = "TargetAddress=[2001:db8::1]:3261";

	ck_assert_uint_eq(login_as(WIRE_INITIATOR), status);
	ck_assert_uint_eq(wire.pdu.data_len, sizeof(want));
	ck_assert_mem_eq(wire.pdu.data, want, sizeof(want));
	wire_expect_finished(&wire);
}

START_TEST(a_login_is_sent_on_for_now)
{
	access.moved_to = "[2001:db8::1]:3261";
	ck_moved(ISCSI_LOGIN_MOVED_TEMPORARILY);
}
END_TEST

START_TEST(a_login_is_sent_on_for_good_before_any_proof)
{
	access.user = "alice";
	access.moved_to = "[2001:db8::1]:3261";
	access.moved_for_good = true;
	ck_moved(ISCSI_LOGIN_MOVED_PERMANENTLY);
}
END_TEST

START_TEST(who_may_not_come_is_not_told_where_the_target_went)
{
	access.moved_to = "[2001:db8::1]:3261";
	ck_assert_uint_eq(login_as(OTHER_INITIATOR), ISCSI_LOGIN_AUTHORIZATION_FAILURE);
	ck_assert_uint_eq(wire.pdu.data_len, 0);
}
END_TEST

/* --- with CHAP, on real connections ----------------------------------------------------------- */

/* Keeps a request's header; TSIH and ISID are the caller's. */
static struct iscsi_login_response security(struct wire *w, const struct iscsi_login_request *head,
					    const char *text, uint32_t len, bool last)
{
	struct iscsi_login_request request = *head;
	struct iscsi_login_response response;
	uint8_t bhs[ISCSI_BHS_LEN];

	request.transit = last;
	request.csg = ISCSI_STAGE_SECURITY;
	request.nsg = last ? ISCSI_STAGE_FULL_FEATURE : ISCSI_STAGE_SECURITY;
	iscsi_login_request_encode(&request, bhs);
	wire_send(w, bhs, text, len);
	const struct wire_pdu *pdu = wire_expect(w, ISCSI_LOGIN_RESPONSE);
	iscsi_login_response_decode(pdu->bhs, &response);
	return response;
}

static void find_key(const struct wire *w, const char *key, char *ret_value, size_t max)
{
	struct iscsi_text_reader reader;
	char name[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;

	ret_value[0] = '\0';
	iscsi_text_reader_init(&reader, w->pdu.data, w->pdu.data_len);
	while (iscsi_text_next(&reader, name, &value, &bad))
		if (strcmp(name, key) == 0)
			snprintf(ret_value, max, "%s", value);
}

/* A whole login as a CHAP user; its last response. */
static struct iscsi_login_response chap_login(struct wire *w,
					      const struct iscsi_login_request *head,
					      const struct iscsi_chap_account *as, bool discovery)
{
	const struct iscsi_chap_algorithm *sha256 = iscsi_chap_algorithm_find(7);
	char value[256];
	uint8_t challenge[64], answer[ISCSI_CHAP_DIGEST_MAX];
	struct iscsi_text text;
	size_t len;
	uint64_t id;

	iscsi_text_init(&text, 4096);
	iscsi_text_add(&text, "InitiatorName", WIRE_INITIATOR);
	if (discovery)
		iscsi_text_add(&text, "SessionType", "Discovery");
	else
		iscsi_text_add(&text, "TargetName", WIRE_TARGET);
	iscsi_text_add(&text, "AuthMethod", "CHAP");
	iscsi_text_add(&text, "CHAP_A", "7");
	struct iscsi_login_response response =
		security(w, head, text.data, (uint32_t)text.len, false);
	text.len = 0;
	if (response.status == 0) {
		find_key(w, "CHAP_I", value, sizeof(value));
		ck_assert(iscsi_text_number(value, &id));
		find_key(w, "CHAP_C", value, sizeof(value));
		ck_assert(iscsi_text_binary(value, challenge, sizeof(challenge), &len));
		ck_assert(iscsi_chap_response(sha256, (uint8_t)id, as->secret, as->secret_len,
					      challenge, len, answer));
		iscsi_text_add(&text, "CHAP_N", as->name);
		iscsi_text_add_binary(&text, "CHAP_R", answer, sha256->len);
		response = security(w, head, text.data, (uint32_t)text.len, true);
	}
	iscsi_text_free(&text);
	return response;
}

static const struct iscsi_login_request head = {
	.isid = {0x80, 0, 0, 0, 0, 1}, .itt = 1, .cid = 1, .cmd_sn = 1};

START_TEST(the_user_that_is_bound_to_the_name_gets_in)
{
	initiators[0].user = "bob";
	access.user = "alice";
	struct iscsi_login_response response = chap_login(&wire, &head, &accounts[1], false);
	ck_assert_uint_eq(response.status, ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_ne(response.tsih, 0);
	ck_assert_ptr_nonnull(strstr(house.log, "as CHAP user bob"));
}
END_TEST

START_TEST(another_user_under_that_name_does_not)
{
	initiators[0].user = "bob";
	access.user = "alice";
	ck_assert_uint_eq(chap_login(&wire, &head, &accounts[0], false).status,
			  ISCSI_LOGIN_AUTHENTICATION_FAILURE);
	ck_assert_ptr_nonnull(strstr(house.log, "wrong secret"));
	ck_assert_ptr_null(strstr(house.log, "secret of"));
}
END_TEST

START_TEST(discovery_takes_its_own_user_and_those_of_targets)
{
	node_access.discovery_user = "alice";
	initiators[0].user = "bob";
	for (unsigned i = 0; i < 3; i++) {
		struct wire other;
		wire_open(&house, &other);
		uint16_t status = chap_login(&other, &head, &accounts[i], true).status;
		ck_assert_uint_eq(status,
				  i < 2 ? ISCSI_LOGIN_SUCCESS : ISCSI_LOGIN_AUTHENTICATION_FAILURE);
		wire_close(&other);
	}
}
END_TEST

START_TEST(discovery_without_a_proof_is_refused_once_there_is_a_user_for_it)
{
	struct wire_login login = {.discovery = true};

	node_access.discovery_user = "alice";
	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_AUTHENTICATION_FAILURE);
}
END_TEST

START_TEST(nobody_ends_a_session_of_another_user)
{
	struct iscsi_login_request joining = head;
	struct wire other;

	access.user = "alice";
	struct iscsi_login_response first = chap_login(&wire, &head, &accounts[0], false);
	ck_assert_uint_eq(first.status, ISCSI_LOGIN_SUCCESS);
	access.user = "bob";
	wire_open(&house, &other);
	ck_assert_uint_eq(chap_login(&other, &head, &accounts[1], false).status,
			  ISCSI_LOGIN_AUTHENTICATION_FAILURE);
	wire_close(&other);
	joining.tsih = first.tsih;
	wire_open(&house, &other);
	ck_assert_uint_eq(chap_login(&other, &joining, &accounts[1], false).status,
			  ISCSI_LOGIN_AUTHENTICATION_FAILURE);
	wire_close(&other);
	wire_expect_nothing(&wire);
	ck_assert(!iscsi_conn_finished(wire.conn));
}
END_TEST

/* A name alone is a claim: what was made of it without a proof is not held against who proves it.
 */
START_TEST(a_stranger_uses_up_no_sessions_of_a_name_that_somebody_proves)
{
	struct wire_login discovery = {.isid = {0x80, 0, 0, 0, 0, 9}, .discovery = true};
	struct wire other;

	house.node->config.limits.sessions_per_initiator_max = 1;
	wire_open(&house, &other);
	ck_assert_uint_eq(wire_login_with(&other, &discovery), ISCSI_LOGIN_SUCCESS);
	access.user = "alice";
	ck_assert_uint_eq(chap_login(&wire, &head, &accounts[0], false).status,
			  ISCSI_LOGIN_SUCCESS);
	wire_close(&other);
}
END_TEST

/* Discovery has another proof than the target, or none: it is not the same port's session. */
START_TEST(a_stranger_in_discovery_of_the_target_keeps_nobody_out)
{
	struct wire_login discovery = {.target = WIRE_TARGET, .discovery = true};
	struct wire other;

	memcpy(discovery.isid, head.isid, sizeof(head.isid));
	access.user = "alice";
	wire_open(&house, &other);
	ck_assert_uint_eq(wire_login_with(&other, &discovery), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(chap_login(&wire, &head, &accounts[0], false).status,
			  ISCSI_LOGIN_SUCCESS);
	ck_assert(!iscsi_conn_finished(other.conn));
	wire_close(&other);
}
END_TEST

START_TEST(a_challenge_of_another_login_is_not_answered)
{
	struct wire victim;
	char challenge[256];
	struct iscsi_text text;

	access.user = "alice";
	access.mutual = "disk";
	wire_open(&house, &victim);
	static const char hello[] = "InitiatorName=" WIRE_INITIATOR "\0TargetName=" WIRE_TARGET
				    "\0AuthMethod=CHAP\0CHAP_A=7";
	ck_assert_uint_eq(security(&victim, &head, hello, sizeof(hello), false).status, 0);
	find_key(&victim, "CHAP_C", challenge, sizeof(challenge));

	const struct iscsi_chap_algorithm *sha256 = iscsi_chap_algorithm_find(7);
	char value[256];
	uint8_t bytes[64], answer[ISCSI_CHAP_DIGEST_MAX];
	size_t len;
	uint64_t id;
	ck_assert_uint_eq(security(&wire, &head, hello, sizeof(hello), false).status, 0);
	find_key(&wire, "CHAP_I", value, sizeof(value));
	ck_assert(iscsi_text_number(value, &id));
	find_key(&wire, "CHAP_C", value, sizeof(value));
	ck_assert_str_ne(value, challenge);
	ck_assert(iscsi_text_binary(value, bytes, sizeof(bytes), &len));
	ck_assert(iscsi_chap_response(sha256, (uint8_t)id, accounts[0].secret, 16, bytes, len,
				      answer));
	iscsi_text_init(&text, 4096);
	iscsi_text_add(&text, "CHAP_N", "alice");
	iscsi_text_add_binary(&text, "CHAP_R", answer, sha256->len);
	iscsi_text_add(&text, "CHAP_I", "1");
	iscsi_text_add(&text, "CHAP_C", challenge);
	ck_assert_uint_eq(security(&wire, &head, text.data, (uint32_t)text.len, true).status,
			  ISCSI_LOGIN_AUTHENTICATION_FAILURE);
	ck_assert_uint_eq(wire.pdu.data_len, 0);
	iscsi_text_free(&text);
	wire_close(&victim);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, without_a_list_everyone_may_come);
	tcase_add_test(tcase, an_initiators_own_user_comes_first);
	tcase_add_test(tcase, who_is_listed_logs_in);
	tcase_add_test(tcase, who_is_not_listed_is_not_authorized);
	tcase_add_test(tcase, nor_for_discovery_of_that_target);
	tcase_add_test(tcase, send_targets_shows_what_the_asker_may_see);
	tcase_add_test(tcase, who_is_listed_sees_all);
	tcase_add_test(tcase, masked_luns_are_not_there);
	tcase_add_test(tcase, a_login_is_sent_on_for_now);
	tcase_add_test(tcase, a_login_is_sent_on_for_good_before_any_proof);
	tcase_add_test(tcase, who_may_not_come_is_not_told_where_the_target_went);
	tcase_add_test(tcase, the_user_that_is_bound_to_the_name_gets_in);
	tcase_add_test(tcase, another_user_under_that_name_does_not);
	tcase_add_test(tcase, discovery_takes_its_own_user_and_those_of_targets);
	tcase_add_test(tcase, discovery_without_a_proof_is_refused_once_there_is_a_user_for_it);
	tcase_add_test(tcase, nobody_ends_a_session_of_another_user);
	tcase_add_test(tcase, a_stranger_uses_up_no_sessions_of_a_name_that_somebody_proves);
	tcase_add_test(tcase, a_stranger_in_discovery_of_the_target_keeps_nobody_out);
	tcase_add_test(tcase, a_challenge_of_another_login_is_not_answered);
}

int main(void)
{
	return suite_run("transport/access", fill);
}
