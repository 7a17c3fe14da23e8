/* The registry: targets behind portals, limits, status, the log, the clean stop. */
#include <errno.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/wire.h"
#include "transport/node_internal.h"
#include "transport/registry.h"

static struct wire_house house;
static struct wire wire, other;

static void setup(void)
{
	memset(&wire, 0, sizeof(wire));
	memset(&other, 0, sizeof(other));
	wire_house_init(&house);
}

static void teardown(void)
{
	if (wire.conn)
		wire_close(&wire);
	if (other.conn)
		wire_close(&other);
	wire_house_stop(&house);
}

START_TEST(a_target_is_added_once)
{
	wire_house_start(&house);
	ck_assert_int_eq(iscsi_node_add_target(house.node, house.target, NULL), -EEXIST);
}
END_TEST

START_TEST(a_target_is_found_behind_its_own_portals_only)
{
	wire_house_start(&house);
	house.portal = iscsi_node_add_portal(house.node, "192.0.2.1:3261", false, 2);
	struct wire_login login = {0};
	wire_open(&house, &wire);
	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_NOT_FOUND);
}
END_TEST

START_TEST(an_unknown_target_is_not_found)
{
	struct wire_login login = {.target = "iqn.2024-01.org.example:nowhere"};

	wire_house_start(&house);
	wire_open(&house, &wire);
	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_NOT_FOUND);
	wire_expect_finished(&wire);
	ck_assert_uint_eq(iscsi_node_counters(house.node).login_failures, 1);
}
END_TEST

START_TEST(connections_have_a_limit)
{
	static const struct iscsi_conn_host host = {0};

	house.config.limits.connections_max = 1;
	wire_house_start(&house);
	wire_open(&house, &wire);
	ck_assert_ptr_null(iscsi_conn_create(house.node, house.portal, "192.0.2.1:3260",
					     "198.51.100.7:1", &host, NULL, 0));
}
END_TEST

START_TEST(a_login_too_many_drops_the_oldest)
{
	struct wire logged_in;

	house.config.limits.logins_max = 1;
	wire_house_start(&house);
	wire_start(&house, &logged_in);
	wire_open(&house, &wire);
	wire_open(&house, &other);
	ck_assert_uint_gt(wire.wakes, 0);
	ck_assert(iscsi_conn_finished(wire.conn));
	ck_assert(!iscsi_conn_finished(other.conn));
	ck_assert(!iscsi_conn_finished(logged_in.conn));
	wire_close(&logged_in);
}
END_TEST

START_TEST(a_silent_connection_is_dropped)
{
	wire_house_start(&house);
	wire_open(&house, &wire);
	wire_wait(&wire, 14900);
	ck_assert(!iscsi_conn_finished(wire.conn));
	wire_wait(&wire, 200);
	wire_expect_finished(&wire);
}
END_TEST

START_TEST(tsihs_run_out_and_come_back)
{
	wire_house_start(&house);
	for (unsigned i = 1; i < 65536; i++)
		ck_assert_uint_ne(iscsi_registry_take_tsih(house.node->registry), 0);
	ck_assert_uint_eq(iscsi_registry_take_tsih(house.node->registry), 0);
	iscsi_registry_return_tsih(house.node->registry, 4711);
	ck_assert_uint_eq(iscsi_registry_take_tsih(house.node->registry), 4711);
}
END_TEST

static void note_session(void *context, const struct iscsi_session_info *info)
{
	struct iscsi_session_info *seen = context;

	ck_assert_ptr_null(seen->params);
	*seen = *info;
}

START_TEST(status_tells_about_sessions)
{
	static uint8_t data[1024];
	struct iscsi_session_info seen = {0};
	struct wire_login login = {.isid = {0x80, 0, 0, 0, 0, 1},
				   .keys = {"InitiatorAlias=box", "ImmediateData=Yes"}};

	wire_house_start(&house);
	wire_open(&house, &wire);
	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_SUCCESS);
	wire_clear_unit_attentions(&wire);
	wire_write(&wire, 0, 2, data, 1024, true);
	wire_expect(&wire, ISCSI_SCSI_RESPONSE);
	wire_read(&wire, 0, 1);
	wire_expect(&wire, ISCSI_DATA_IN);
	house.hold = true;
	wire_read(&wire, 0, 1);
	iscsi_node_each_session(house.node, note_session, &seen);
	ck_assert_str_eq(seen.nexus->initiator_name, WIRE_INITIATOR);
	ck_assert_uint_eq(seen.nexus->isid[5], 1);
	ck_assert_str_eq(seen.target_name, WIRE_TARGET);
	ck_assert_str_eq(seen.initiator_alias, "box");
	ck_assert_str_eq(seen.peer, "198.51.100.7:40000");
	ck_assert(!seen.discovery);
	ck_assert_uint_eq(seen.portal_group_tag, 1);
	ck_assert_uint_eq(seen.connections, 1);
	ck_assert_uint_eq(seen.bytes_out, 1024);
	ck_assert_uint_eq(seen.bytes_in, 512);
	ck_assert_uint_eq(seen.tasks, 1);
	ck_assert_uint_eq(seen.since_ms, 1000);
}
END_TEST

START_TEST(an_unnamed_discovery_session_has_no_target)
{
	struct iscsi_session_info seen = {0};
	struct wire_login login = {.discovery = true};

	wire_house_start(&house);
	wire_open(&house, &wire);
	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_SUCCESS);
	iscsi_node_each_session(house.node, note_session, &seen);
	ck_assert(seen.discovery);
	ck_assert_ptr_null(seen.target_name);
}
END_TEST

START_TEST(the_log_shows_nothing_but_visible_ascii)
{
	char out[16];

	wire_house_start(&house);
	ck_assert_str_eq(iscsi_log_escape(out, sizeof(out), "a\nb\\"), "a\\x0ab\\x5c");
	ck_assert_str_eq(iscsi_log_escape(out, sizeof(out), "\x1b[1m"), "\\x1b[1m");
	ck_assert_str_eq(iscsi_log_escape(out, 4, "abcdef"), "abc");
	ck_assert_str_eq(iscsi_log_escape(out, 4, "\n"), "");
}
END_TEST

START_TEST(the_log_names_initiator_and_peer)
{
	wire_house_start(&house);
	wire_start(&house, &wire);
	iscsi_conn_eof(wire.conn, house.now_ms);
	ck_assert_str_eq(house.log,
			 "login: initiator " WIRE_INITIATOR
			 " at 198.51.100.7:40000, target " WIRE_TARGET "\n"
			 "dropped: initiator " WIRE_INITIATOR
			 " at 198.51.100.7:40000, target " WIRE_TARGET ": connection lost\n");
}
END_TEST

/* --- the clean stop --------------------------------------------------------------------------- */

static void expect_async(struct wire *w, uint8_t event)
{
	struct iscsi_async_message async;

	iscsi_async_message_decode(wire_expect(w, ISCSI_ASYNC_MESSAGE)->bhs, &async);
	ck_assert_uint_eq(async.event, event);
}

START_TEST(a_stop_asks_for_logout_and_answers_what_runs)
{
	wire_house_start(&house);
	wire_start(&house, &wire);
	house.hold = true;
	uint32_t itt = wire_read(&wire, 0, 1);
	unsigned wakes = wire.wakes;
	iscsi_node_shutdown(house.node);
	ck_assert_uint_gt(wire.wakes, wakes);
	expect_async(&wire, 1);
	wire_house_release(&house);
	wire_expect_status(&wire, itt, SCSI_STATUS_GOOD);
	wire_logout(&wire);
}
END_TEST

START_TEST(who_does_not_log_out_is_dropped)
{
	wire_house_start(&house);
	wire_start(&house, &wire);
	iscsi_node_shutdown(house.node);
	expect_async(&wire, 1);
	wire_wait(&wire, 1900);
	ck_assert(!iscsi_conn_finished(wire.conn));
	wire_wait(&wire, 200);
	expect_async(&wire, 3);
	wire_expect_finished(&wire);
}
END_TEST

START_TEST(a_stop_ends_logins_and_discovery_sessions_at_once)
{
	struct wire_login login = {.discovery = true};

	wire_house_start(&house);
	wire_open(&house, &wire);
	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_SUCCESS);
	wire_open(&house, &other);
	iscsi_node_shutdown(house.node);
	ck_assert_uint_gt(wire.wakes, 0);
	wire_wait(&wire, 0);
	wire_wait(&other, 0);
	wire_expect_finished(&wire);
	wire_expect_finished(&other);
}
END_TEST

START_TEST(after_a_stop_nobody_logs_in)
{
	struct wire_login login = {0};

	wire_house_start(&house);
	iscsi_node_shutdown(house.node);
	wire_open(&house, &wire);
	ck_assert_uint_eq(wire_login_with(&wire, &login), ISCSI_LOGIN_SERVICE_UNAVAILABLE);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_target_is_added_once);
	tcase_add_test(tcase, a_target_is_found_behind_its_own_portals_only);
	tcase_add_test(tcase, an_unknown_target_is_not_found);
	tcase_add_test(tcase, connections_have_a_limit);
	tcase_add_test(tcase, a_login_too_many_drops_the_oldest);
	tcase_add_test(tcase, a_silent_connection_is_dropped);
	tcase_add_test(tcase, tsihs_run_out_and_come_back);
	tcase_add_test(tcase, status_tells_about_sessions);
	tcase_add_test(tcase, an_unnamed_discovery_session_has_no_target);
	tcase_add_test(tcase, the_log_shows_nothing_but_visible_ascii);
	tcase_add_test(tcase, the_log_names_initiator_and_peer);
	tcase_add_test(tcase, a_stop_asks_for_logout_and_answers_what_runs);
	tcase_add_test(tcase, who_does_not_log_out_is_dropped);
	tcase_add_test(tcase, a_stop_ends_logins_and_discovery_sessions_at_once);
	tcase_add_test(tcase, after_a_stop_nobody_logs_in);
}

int main(void)
{
	return suite_run("node", fill);
}
