/* Sessions: identity, TSIH, reinstatement, limits, and the command window. */
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/wire.h"

static struct wire_house house;
static struct wire a, b;
static uint8_t data[16 * WIRE_BLOCK];

static void setup(void)
{
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	wire_house_init(&house);
}

static void teardown(void)
{
	if (a.conn)
		wire_close(&a);
	if (b.conn)
		wire_close(&b);
	wire_house_stop(&house);
}

static uint16_t login(struct wire *wire, uint8_t isid, uint16_t tsih, uint16_t cid)
{
	struct wire_login request = {
		.isid = {0x80, 0, 0, 0, 0, isid},
		.tsih = tsih,
		.cid = cid,
	};

	if (!wire->conn)
		wire_open(&house, wire);
	return wire_login_with(wire, &request);
}

static void count_session(void *context, const struct iscsi_session_info *info)
{
	unsigned *count = context;

	ck_assert_uint_ne(info->tsih, 0);
	(*count)++;
}

static unsigned sessions(void)
{
	unsigned count = 0;

	iscsi_node_each_session(house.node, count_session, &count);
	return count;
}

/* --- identity --------------------------------------------------------------------------------- */

START_TEST(each_session_has_its_own_tsih)
{
	wire_house_start(&house);
	ck_assert_uint_eq(login(&a, 1, 0, 0), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(login(&b, 2, 0, 0), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_ne(a.tsih, 0);
	ck_assert_uint_ne(b.tsih, 0);
	ck_assert_uint_ne(a.tsih, b.tsih);
	ck_assert_uint_eq(sessions(), 2);
}
END_TEST

START_TEST(the_same_port_again_takes_the_sessions_place)
{
	wire_house_start(&house);
	ck_assert_uint_eq(login(&a, 1, 0, 0), ISCSI_LOGIN_SUCCESS);
	wire_clear_unit_attentions(&a);
	ck_assert_uint_eq(login(&b, 1, 0, 0), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_gt(a.wakes, 0);
	wire_expect_finished(&a);
	wire_clear_unit_attentions(&b);
	ck_assert_uint_eq(sessions(), 1);
	ck_assert_uint_eq(iscsi_node_counters(house.node).reinstatements, 1);
}
END_TEST

START_TEST(another_initiator_with_the_same_isid_is_another_port)
{
	wire_house_start(&house);
	ck_assert_uint_eq(login(&a, 1, 0, 0), ISCSI_LOGIN_SUCCESS);
	struct wire_login request = {.isid = {0x80, 0, 0, 0, 0, 1},
				     .initiator = "iqn.2024-01.org.example:other"};
	wire_open(&house, &b);
	ck_assert_uint_eq(wire_login_with(&b, &request), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(sessions(), 2);
}
END_TEST

START_TEST(a_discovery_session_is_reinstated_by_its_own_kind_only)
{
	struct wire_login discovery = {.isid = {0x80, 0, 0, 0, 0, 1}, .discovery = true};

	wire_house_start(&house);
	wire_open(&house, &a);
	ck_assert_uint_eq(wire_login_with(&a, &discovery), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(login(&b, 1, 0, 0), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(sessions(), 2);
	ck_assert(!iscsi_conn_finished(a.conn));
	wire_close(&b);
	wire_open(&house, &b);
	ck_assert_uint_eq(wire_login_with(&b, &discovery), ISCSI_LOGIN_SUCCESS);
	ck_assert(iscsi_conn_finished(a.conn));
	ck_assert_uint_eq(sessions(), 1);
}
END_TEST

START_TEST(a_login_that_fails_reinstates_nothing)
{
	wire_house_start(&house);
	ck_assert_uint_eq(login(&a, 1, 0, 0), ISCSI_LOGIN_SUCCESS);
	struct wire_login request = {.isid = {0x80, 0, 0, 0, 0, 1},
				     .keys = {"MaxBurstLength=nonsense"}};
	wire_open(&house, &b);
	ck_assert_uint_ne(wire_login_with(&b, &request), ISCSI_LOGIN_SUCCESS);
	wire_clear_unit_attentions(&a);
	ck_assert_uint_eq(sessions(), 1);
}
END_TEST

START_TEST(a_new_session_waits_until_the_old_one_has_drained)
{
	wire_house_start(&house);
	ck_assert_uint_eq(login(&a, 1, 0, 0), ISCSI_LOGIN_SUCCESS);
	wire_clear_unit_attentions(&a);
	house.hold = true;
	wire_write(&a, 0, 1, data, 512, true);
	ck_assert_uint_eq(login(&b, 1, 0, 0), 0xffff); /* no response yet */
	wire_expect_finished(&a);
	struct iovec iov[2];
	ck_assert_int_eq(iscsi_conn_input(b.conn, iov), 0);
	wire_house_release(&house);
	ck_assert_uint_gt(b.wakes, 0);
	wire_wait(&b, 0);
	struct iscsi_login_response response;
	iscsi_login_response_decode(wire_expect(&b, ISCSI_LOGIN_RESPONSE)->bhs, &response);
	ck_assert_uint_eq(response.status, ISCSI_LOGIN_SUCCESS);
	b.cmd_sn = response.sns.exp_cmd_sn;
	wire_clear_unit_attentions(&b);
}
END_TEST

START_TEST(a_lost_session_that_drains_holds_up_its_successor_too)
{
	wire_house_start(&house);
	ck_assert_uint_eq(login(&a, 1, 0, 0), ISCSI_LOGIN_SUCCESS);
	wire_clear_unit_attentions(&a);
	house.hold = true;
	wire_read(&a, 0, 1);
	wire_close(&a);
	ck_assert_uint_eq(login(&b, 1, 0, 0), 0xffff);
	wire_house_release(&house);
	wire_wait(&b, 0);
	wire_expect(&b, ISCSI_LOGIN_RESPONSE);
}
END_TEST

START_TEST(waiting_ends_with_the_login_timeout)
{
	wire_house_start(&house);
	ck_assert_uint_eq(login(&a, 1, 0, 0), ISCSI_LOGIN_SUCCESS);
	wire_clear_unit_attentions(&a);
	house.hold = true;
	wire_read(&a, 0, 1);
	ck_assert_uint_eq(login(&b, 1, 0, 0), 0xffff);
	wire_wait(&b, 15100);
	wire_expect_finished(&b);
	wire_close(&b);
	wire_close(&a);
	wire_house_release(&house);
	ck_assert_uint_eq(login(&a, 1, 0, 0), ISCSI_LOGIN_SUCCESS);
}
END_TEST

START_TEST(two_successors_in_a_row_do_not_lock_each_other_out)
{
	struct wire c = {0};

	wire_house_start(&house);
	ck_assert_uint_eq(login(&a, 1, 0, 0), ISCSI_LOGIN_SUCCESS);
	wire_clear_unit_attentions(&a);
	house.hold = true;
	wire_read(&a, 0, 1);
	ck_assert_uint_eq(login(&b, 1, 0, 0), 0xffff);
	ck_assert_uint_eq(login(&c, 1, 0, 0), 0xffff);
	wire_expect_finished(&b);
	wire_house_release(&house);
	wire_wait(&c, 0);
	wire_expect(&c, ISCSI_LOGIN_RESPONSE);
	wire_close(&c);
}
END_TEST

/* --- more connections --------------------------------------------------------------------------
 */

START_TEST(an_unknown_tsih_has_no_session)
{
	wire_house_start(&house);
	ck_assert_uint_eq(login(&a, 1, 0, 0), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(login(&b, 1, (uint16_t)(a.tsih + 1), 1),
			  ISCSI_LOGIN_SESSION_DOES_NOT_EXIST);
	wire_clear_unit_attentions(&a);
}
END_TEST

/* RFC 7143 11.13.5: the session lives, but behind another portal group. */
static uint64_t no_clock(void *context)
{
	(void)context;
	return 0;
}

static uint16_t login_to_two_ports(struct wire *wire, uint8_t isid, uint16_t tsih, uint16_t cid)
{
	struct wire_login request = {
		.target = "iqn.2024-01.org.example:two-ports",
		.isid = {0x80, 0, 0, 0, 0, isid},
		.tsih = tsih,
		.cid = cid,
	};

	wire_open(&house, wire);
	return wire_login_with(wire, &request);
}

/* RFC 7143 11.13.5: the session lives, but behind another portal group. */
START_TEST(a_connection_through_another_portal_group_cannot_join)
{
	struct scsi_target_config config = {.name = "iqn.2024-01.org.example:two-ports",
					    .ports = {1, 2},
					    .port_count = 2,
					    .clock = no_clock};

	wire_house_start(&house);
	config.executor = house.executor;
	struct scsi_target *target = scsi_target_create(&config);
	ck_assert_ptr_nonnull(target);
	ck_assert_int_eq(iscsi_node_add_target(house.node, target, NULL), 0);
	ck_assert_uint_eq(login_to_two_ports(&a, 1, 0, 0), ISCSI_LOGIN_SUCCESS);
	house.portal = iscsi_node_add_portal(house.node, "192.0.2.2:3260", false, 2);
	ck_assert_ptr_nonnull(house.portal);
	ck_assert_uint_eq(login_to_two_ports(&b, 1, a.tsih, 1),
			  ISCSI_LOGIN_CANNOT_INCLUDE_IN_SESSION);
	wire_close(&b);
	ck_assert_uint_eq(login_to_two_ports(&b, 2, a.tsih, 1), ISCSI_LOGIN_SESSION_DOES_NOT_EXIST);
	wire_close(&b);
	ck_assert_uint_eq(login_to_two_ports(&b, 1, (uint16_t)(a.tsih + 1), 1),
			  ISCSI_LOGIN_SESSION_DOES_NOT_EXIST);
	wire_close(&b);
	wire_close(&a);
	wire_house_stop(&house);
	scsi_target_free(&target);
	wire_house_init(&house);
	wire_house_start(&house);
}
END_TEST

START_TEST(a_second_connection_is_one_too_many)
{
	wire_house_start(&house);
	ck_assert_uint_eq(login(&a, 1, 0, 0), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(login(&b, 1, a.tsih, 1), ISCSI_LOGIN_TOO_MANY_CONNECTIONS);
	wire_clear_unit_attentions(&a);
}
END_TEST

START_TEST(the_same_cid_again_takes_the_connections_place)
{
	wire_house_start(&house);
	ck_assert_uint_eq(login(&a, 1, 0, 5), ISCSI_LOGIN_SUCCESS);
	wire_clear_unit_attentions(&a);
	house.hold = true;
	wire_read(&a, 0, 1);
	ck_assert_uint_eq(login(&b, 1, a.tsih, 5), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(b.tsih, a.tsih);
	ck_assert_uint_eq(b.cmd_sn, a.cmd_sn); /* the session's numbers go on */
	wire_expect_finished(&a);
	wire_house_release(&house);
	wire_expect_nothing(&b);
	/* RFC 7143 11.14.5: the command that is gone is told of. */
	uint32_t itt = wire_test_unit_ready(&b);
	wire_expect_sense(&b, itt, 0x06, 0x47, 0x7f);
	ck_assert_uint_eq(sessions(), 1);
}
END_TEST

/* --- limits ----------------------------------------------------------------------------------- */

START_TEST(sessions_have_a_limit)
{
	house.config.limits.sessions_max = 1;
	wire_house_start(&house);
	ck_assert_uint_eq(login(&a, 1, 0, 0), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(login(&b, 2, 0, 0), ISCSI_LOGIN_OUT_OF_RESOURCES);
	wire_close(&b);
	/* Reinstatement needs no more room than there is. */
	ck_assert_uint_eq(login(&b, 1, 0, 0), ISCSI_LOGIN_SUCCESS);
}
END_TEST

START_TEST(one_initiator_has_a_limit_of_its_own)
{
	house.config.limits.sessions_per_initiator_max = 1;
	wire_house_start(&house);
	ck_assert_uint_eq(login(&a, 1, 0, 0), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(login(&b, 2, 0, 0), ISCSI_LOGIN_OUT_OF_RESOURCES);
	wire_close(&b);
	struct wire_login request = {.isid = {0x80}, .initiator = "iqn.2024-01.org.example:other"};
	wire_open(&house, &b);
	ck_assert_uint_eq(wire_login_with(&b, &request), ISCSI_LOGIN_SUCCESS);
}
END_TEST

/* Discovery may be open to everyone: it must leave room for who comes to work. */
START_TEST(discovery_takes_half_of_the_sessions_at_most)
{
	struct wire_login discovery = {.discovery = true};
	struct wire asking[2];

	house.config.limits.sessions_max = 3;
	wire_house_start(&house);
	for (uint8_t i = 0; i < 2; i++) {
		discovery.isid[5] = i;
		wire_open(&house, &asking[i]);
		ck_assert_uint_eq(wire_login_with(&asking[i], &discovery), ISCSI_LOGIN_SUCCESS);
	}
	discovery.isid[5] = 2;
	wire_open(&house, &a);
	ck_assert_uint_eq(wire_login_with(&a, &discovery), ISCSI_LOGIN_OUT_OF_RESOURCES);
	ck_assert_uint_eq(login(&b, 3, 0, 0), ISCSI_LOGIN_SUCCESS);
	for (unsigned i = 0; i < 2; i++)
		wire_close(&asking[i]);
}
END_TEST

START_TEST(a_discovery_session_that_says_nothing_is_dropped)
{
	struct wire_login discovery = {.discovery = true};

	wire_house_start(&house);
	wire_open(&house, &a);
	ck_assert_uint_eq(wire_login_with(&a, &discovery), ISCSI_LOGIN_SUCCESS);
	wire_wait(&a, 299000);
	ck_assert(!iscsi_conn_finished(a.conn));
	wire_wait(&a, 2000);
	wire_expect_finished(&a);
	ck_assert_uint_eq(sessions(), 0);
}
END_TEST

START_TEST(a_session_that_ends_gives_everything_back)
{
	house.config.limits.sessions_max = 1;
	wire_house_start(&house);
	for (unsigned i = 0; i < 50; i++) {
		ck_assert_uint_eq(login(&a, (uint8_t)i, 0, 0), ISCSI_LOGIN_SUCCESS);
		wire_clear_unit_attentions(&a);
		if (i % 2 == 0)
			wire_logout(&a);
		wire_close(&a);
	}
	ck_assert_uint_eq(sessions(), 0);
	ck_assert_uint_eq(iscsi_node_counters(house.node).sessions_lost, 25);
	ck_assert_uint_eq(iscsi_node_counters(house.node).logouts, 25);
}
END_TEST

/* --- the command window ------------------------------------------------------------------------
 */

static void start(void)
{
	wire_house_start(&house);
	wire_start(&house, &a);
}

START_TEST(commands_outside_the_window_are_ignored)
{
	start();
	uint32_t right = a.cmd_sn;
	a.cmd_sn = a.max_cmd_sn + 1;
	wire_test_unit_ready(&a);
	a.cmd_sn = right - 1;
	wire_test_unit_ready(&a);
	a.cmd_sn = right + 0x80000000u;
	wire_test_unit_ready(&a);
	wire_expect_nothing(&a);
	a.cmd_sn = right;
	uint32_t itt = wire_test_unit_ready(&a);
	wire_expect_status(&a, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(commands_run_in_the_order_of_cmd_sn)
{
	start();
	uint32_t first = a.cmd_sn;
	a.cmd_sn = first + 2;
	uint32_t third = wire_test_unit_ready(&a);
	a.cmd_sn = first + 1;
	uint32_t second = wire_write(&a, 0, 1, data, 512, true);
	wire_expect_nothing(&a);
	a.cmd_sn = first;
	uint32_t now = wire_test_unit_ready(&a);
	wire_expect_status(&a, now, SCSI_STATUS_GOOD);
	wire_expect_status(&a, second, SCSI_STATUS_GOOD);
	wire_expect_status(&a, third, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(a.exp_cmd_sn, first + 3);
}
END_TEST

START_TEST(a_duplicate_of_a_held_command_is_ignored)
{
	start();
	a.cmd_sn++;
	uint32_t held = wire_test_unit_ready(&a);
	a.cmd_sn--;
	wire_test_unit_ready(&a);
	a.cmd_sn -= 2;
	uint32_t first = wire_test_unit_ready(&a);
	wire_expect_status(&a, first, SCSI_STATUS_GOOD);
	wire_expect_status(&a, held, SCSI_STATUS_GOOD);
	wire_expect_nothing(&a);
}
END_TEST

START_TEST(immediate_commands_need_no_turn)
{
	static const uint8_t cdb[16];

	start();
	a.cmd_sn++; /* a hole */
	uint32_t itt = wire_command(&a, &(struct wire_command){.cdb = cdb, .immediate = true});
	wire_expect_status(&a, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(the_window_closes_and_opens_again)
{
	house.config.limits.command_window = 4;
	start();
	house.hold = true;
	for (unsigned i = 0; i < 4; i++)
		wire_read(&a, i, 1);
	wire_expect_nothing(&a);
	/* Ask what the target says now: the window is closed. */
	uint32_t tmf = wire_manage(&a, 77, 0, 0);
	wire_expect_managed(&a, tmf);
	ck_assert_uint_eq(a.max_cmd_sn + 1, a.exp_cmd_sn);
	wire_read(&a, 9, 1); /* ignored */
	a.cmd_sn--;
	wire_house_release(&house);
	for (unsigned i = 0; i < 4; i++)
		wire_expect(&a, ISCSI_DATA_IN);
	wire_expect_nothing(&a);
	ck_assert_uint_eq(a.max_cmd_sn, a.exp_cmd_sn + 3);
	wire_test_unit_ready(&a);
	wire_expect(&a, ISCSI_SCSI_RESPONSE);
}
END_TEST

/* RFC 7143 11.4.11: tasks that end without an answer open the window; somebody must say so. */
START_TEST(a_window_that_opens_silently_is_announced)
{
	house.config.limits.command_window = 2;
	start();
	house.hold = true;
	wire_read(&a, 0, 1);
	wire_read(&a, 1, 1);
	uint32_t tmf = wire_manage(&a, 77, 0, 0);
	wire_expect_managed(&a, tmf);
	ck_assert_uint_eq(a.max_cmd_sn + 1, a.exp_cmd_sn);

	ck_assert_uint_eq(login(&b, 2, 0, 0), ISCSI_LOGIN_SUCCESS);
	tmf = wire_manage(&b, SCSI_TMF_CLEAR_TASK_SET, ISCSI_NO_TAG, 0);
	wire_house_release(&house);
	wire_expect_managed(&b, tmf);
	struct iscsi_nop_in nop;
	iscsi_nop_in_decode(wire_expect(&a, ISCSI_NOP_IN)->bhs, &nop);
	ck_assert_uint_eq(nop.itt, ISCSI_NO_TAG);
	ck_assert_uint_eq(nop.ttt, ISCSI_NO_TAG);
	ck_assert(!iscsi_sn_before(a.max_cmd_sn, a.exp_cmd_sn));
}
END_TEST

START_TEST(numbers_wrap)
{
	struct wire_login request = {.isid = {0x80}, .cmd_sn = 0xfffffffe};

	house.config.limits.command_window = 6;
	wire_house_start(&house);
	wire_open(&house, &a);
	ck_assert_uint_eq(wire_login_with(&a, &request), ISCSI_LOGIN_SUCCESS);
	for (unsigned i = 0; i < 20; i++) {
		uint32_t next = a.cmd_sn;
		a.cmd_sn = next + 1;
		wire_test_unit_ready(&a);
		a.cmd_sn = next;
		wire_test_unit_ready(&a);
		wire_expect(&a, ISCSI_SCSI_RESPONSE);
		wire_expect(&a, ISCSI_SCSI_RESPONSE);
		a.cmd_sn = next + 2;
	}
	ck_assert_uint_eq(a.exp_cmd_sn, 0xfffffffe + 40u);
}
END_TEST

START_TEST(a_hole_that_stays_ends_the_session)
{
	house.config.limits.nop_interval_ms = 1000000;
	start();
	a.cmd_sn++;
	wire_test_unit_ready(&a);
	wire_wait(&a, 59000);
	ck_assert(!iscsi_conn_finished(a.conn));
	wire_wait(&a, 1100);
	wire_expect(&a, ISCSI_ASYNC_MESSAGE);
	wire_expect_finished(&a);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, each_session_has_its_own_tsih);
	tcase_add_test(tcase, the_same_port_again_takes_the_sessions_place);
	tcase_add_test(tcase, another_initiator_with_the_same_isid_is_another_port);
	tcase_add_test(tcase, a_discovery_session_is_reinstated_by_its_own_kind_only);
	tcase_add_test(tcase, a_login_that_fails_reinstates_nothing);
	tcase_add_test(tcase, a_new_session_waits_until_the_old_one_has_drained);
	tcase_add_test(tcase, a_lost_session_that_drains_holds_up_its_successor_too);
	tcase_add_test(tcase, waiting_ends_with_the_login_timeout);
	tcase_add_test(tcase, two_successors_in_a_row_do_not_lock_each_other_out);
	tcase_add_test(tcase, an_unknown_tsih_has_no_session);
	tcase_add_test(tcase, a_connection_through_another_portal_group_cannot_join);
	tcase_add_test(tcase, a_second_connection_is_one_too_many);
	tcase_add_test(tcase, the_same_cid_again_takes_the_connections_place);
	tcase_add_test(tcase, sessions_have_a_limit);
	tcase_add_test(tcase, one_initiator_has_a_limit_of_its_own);
	tcase_add_test(tcase, discovery_takes_half_of_the_sessions_at_most);
	tcase_add_test(tcase, a_discovery_session_that_says_nothing_is_dropped);
	tcase_add_test(tcase, a_session_that_ends_gives_everything_back);
	tcase_add_test(tcase, commands_outside_the_window_are_ignored);
	tcase_add_test(tcase, commands_run_in_the_order_of_cmd_sn);
	tcase_add_test(tcase, a_duplicate_of_a_held_command_is_ignored);
	tcase_add_test(tcase, immediate_commands_need_no_turn);
	tcase_add_test(tcase, the_window_closes_and_opens_again);
	tcase_add_test(tcase, a_window_that_opens_silently_is_announced);
	tcase_add_test(tcase, numbers_wrap);
	tcase_add_test(tcase, a_hole_that_stays_ends_the_session);
}

int main(void)
{
	return suite_run("session", fill);
}
