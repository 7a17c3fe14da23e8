/*
 * The observer at a connection: what it is shown, and that nobody notices.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/wire.h"
#include "transport/observer.h"

static struct wire_house house;
static struct wire wire;

static void start(bool observed)
{
	wire_house_init(&house);
	wire_house_start(&house);
	if (observed)
		ck_assert_int_eq(iscsi_node_observe(house.node, house.target, true), 0);
}

static void stop(void)
{
	wire_close(&wire);
	wire_house_stop(&house);
}

static enum iscsi_verdict verdict(enum iscsi_passive_check check)
{
	return iscsi_observer_tally(iscsi_node_observer(house.node), check).verdict;
}

START_TEST(nobody_looks_unless_asked_to)
{
	start(false);
	wire_start(&house, &wire);
	ck_assert_ptr_null(iscsi_node_observer(house.node));
	ck_assert(!iscsi_node_observes(house.node, house.target));
	stop();
}
END_TEST

START_TEST(both_directions_are_seen_from_the_first_pdu_on)
{
	start(true);
	ck_assert(iscsi_node_observes(house.node, house.target));
	wire_start(&house, &wire);
	wire_clear_unit_attentions(&wire);
	wire_logout(&wire);
	ck_assert_int_eq(verdict(ISCSI_CHECK_FRAME_FIRST_PDU_LOGIN), ISCSI_VERDICT_PASS);
	ck_assert_int_eq(verdict(ISCSI_CHECK_LOGIN_EXPSTATSN_FFP), ISCSI_VERDICT_PASS);
	ck_assert_int_eq(verdict(ISCSI_CHECK_SEQ_EXPSTATSN_VALID), ISCSI_VERDICT_PASS);
	ck_assert_int_eq(verdict(ISCSI_CHECK_LOGOUT_SILENCE), ISCSI_VERDICT_PASS);
	stop();
}
END_TEST

START_TEST(who_does_not_name_the_target_is_seen_too)
{
	struct wire_login login = {.discovery = true, .target = ""};

	start(true);
	wire_open(&house, &wire);
	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_SUCCESS);
	ck_assert_int_eq(verdict(ISCSI_CHECK_FRAME_FIRST_PDU_LOGIN), ISCSI_VERDICT_PASS);
	stop();
}
END_TEST

START_TEST(switched_off_in_the_middle_nothing_more_is_judged)
{
	start(true);
	wire_start(&house, &wire);
	ck_assert_int_eq(iscsi_node_observe(house.node, house.target, false), 0);
	ck_assert(!iscsi_node_observes(house.node, house.target));
	iscsi_observer_clear(iscsi_node_observer(house.node));
	wire_clear_unit_attentions(&wire);
	ck_assert_int_eq(verdict(ISCSI_CHECK_FRAME_OPCODE_LEGAL), ISCSI_VERDICT_NOT_SEEN);
	stop();
}
END_TEST

START_TEST(switched_on_in_the_middle_it_waits_for_the_next_login)
{
	start(false);
	wire_start(&house, &wire);
	ck_assert_int_eq(iscsi_node_observe(house.node, house.target, true), 0);
	wire_clear_unit_attentions(&wire);
	ck_assert_int_eq(verdict(ISCSI_CHECK_FRAME_OPCODE_LEGAL), ISCSI_VERDICT_NOT_SEEN);
	stop();
}
END_TEST

START_TEST(a_wrong_data_digest_is_found)
{
	static const uint8_t data[WIRE_BLOCK];

	start(true);
	wire_open(&house, &wire);
	wire_login(&wire, "DataDigest=CRC32C", NULL);
	wire.data_digest = true;
	wire_clear_unit_attentions(&wire);
	wire_write(&wire, 0, 1, data, sizeof(data), true);
	wire_house_run(&house);
	while (wire_next(&wire))
		;
	ck_assert_int_eq(verdict(ISCSI_CHECK_FRAME_DATA_DIGEST), ISCSI_VERDICT_PASS);
	wire.spoil = true;
	wire_write(&wire, 0, 1, data, sizeof(data), true);
	while (wire_next(&wire))
		;
	ck_assert_int_eq(verdict(ISCSI_CHECK_FRAME_DATA_DIGEST), ISCSI_VERDICT_FAIL);
	stop();
}
END_TEST

START_TEST(a_segment_over_the_limit_is_found)
{
	static const uint8_t data[2 * WIRE_BLOCK];

	wire_house_init(&house);
	house.config.policy.max_recv_data_segment_len = 512;
	wire_house_start(&house);
	ck_assert_int_eq(iscsi_node_observe(house.node, house.target, true), 0);
	wire_start(&house, &wire);
	wire_clear_unit_attentions(&wire);
	wire_write(&wire, 0, 2, data, sizeof(data), true);
	ck_assert_int_eq(verdict(ISCSI_CHECK_FRAME_DSL_LIMIT), ISCSI_VERDICT_FAIL);
	stop();
}
END_TEST

START_TEST(a_lost_connection_is_found)
{
	start(true);
	wire_start(&house, &wire);
	wire_clear_unit_attentions(&wire);
	iscsi_conn_eof(wire.conn, house.now_ms);
	ck_assert_int_eq(verdict(ISCSI_CHECK_CONN_NO_FIN_IN_FFP), ISCSI_VERDICT_WARN);
	stop();
}
END_TEST

/* --- nobody notices --------------------------------------------------------------------------- */

#define TALK_MAX 65536

/* A session's bytes from the target, from login to logout. */
static size_t talk(bool observed, uint8_t bytes[TALK_MAX])
{
	static const uint8_t data[8 * WIRE_BLOCK];
	struct wire_pdu *pdu;
	size_t len = 0;

	start(observed);
	wire_start(&house, &wire);
	wire_clear_unit_attentions(&wire);
	wire_write(&wire, 0, 8, data, sizeof(data), true);
	wire_read(&wire, 0, 8);
	wire_house_run(&house);
	while ((pdu = wire_next(&wire)) != NULL) {
		ck_assert_uint_le(len + ISCSI_BHS_LEN + pdu->data_len, TALK_MAX);
		memcpy(bytes + len, pdu->bhs, ISCSI_BHS_LEN);
		len += ISCSI_BHS_LEN;
		if (pdu->data_len > 0)
			memcpy(bytes + len, pdu->data, pdu->data_len);
		len += pdu->data_len;
	}
	stop();
	return len;
}

START_TEST(an_observed_session_gets_the_same_bytes)
{
	static uint8_t unseen[TALK_MAX], seen[TALK_MAX];
	size_t len = talk(false, unseen);

	ck_assert_uint_gt(len, 8 * WIRE_BLOCK);
	ck_assert_uint_eq(talk(true, seen), len);
	ck_assert_mem_eq(seen, unseen, len);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, nobody_looks_unless_asked_to);
	tcase_add_test(tcase, both_directions_are_seen_from_the_first_pdu_on);
	tcase_add_test(tcase, who_does_not_name_the_target_is_seen_too);
	tcase_add_test(tcase, switched_off_in_the_middle_nothing_more_is_judged);
	tcase_add_test(tcase, switched_on_in_the_middle_it_waits_for_the_next_login);
	tcase_add_test(tcase, a_wrong_data_digest_is_found);
	tcase_add_test(tcase, a_segment_over_the_limit_is_found);
	tcase_add_test(tcase, a_lost_connection_is_found);
	tcase_add_test(tcase, an_observed_session_gets_the_same_bytes);
}

int main(void)
{
	return suite_run("observe", fill);
}
