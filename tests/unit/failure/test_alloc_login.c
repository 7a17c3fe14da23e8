/*
 * No memory while an initiator logs in, and while the node that it logs in to comes about.
 */
#include <errno.h>

#include "tests/unit/failure/inject.h"
#include "tests/unit/failure/talk.h"

static void woken(void *host_context)
{
	((struct wire *)host_context)->wakes++;
}

static bool connection_try(struct talk *talk)
{
	static const struct iscsi_conn_host host = {.wake = woken};
	struct wire *wire = &talk->wire;
	struct wire_house *house = &talk->house;

	*wire = (struct wire){.house = house, .iovecs = 64, .cmd_sn = 1, .itt = 100};
	wire->conn = iscsi_conn_create(house->node, house->portal, "192.0.2.1:3260",
				       "198.51.100.7:40000", &host, wire, house->now_ms);
	return wire->conn != NULL;
}

static uint16_t login_try(struct talk *talk)
{
	uint16_t status = connection_try(talk) ? talk_log_in(talk) : ISCSI_LOGIN_OUT_OF_RESOURCES;

	if (status != 0xffff)
		return status;
	ck_assert(iscsi_conn_finished(talk->wire.conn));
	return ISCSI_LOGIN_OUT_OF_RESOURCES;
}

/* Also where a session of the same name is there already, and is to be reinstated. */
static bool is_reinstated;
/* And where the observer, for which there may be no memory, looks on. */
static bool is_observed;

static void observe(const struct talk *talk)
{
	int error = iscsi_node_observe(talk->house.node, talk->house.target, true);

	ck_assert(error == 0 || error == -ENOMEM);
}

static void login(void)
{
	struct talk talk, old;

	wire_house_init(&talk.house);
	wire_house_start(&talk.house);
	if (is_reinstated) {
		/* The connection belongs to talk.house; `old` lends its wire only. */
		wire_open(&talk.house, &old.wire);
		wire_login(&old.wire, NULL);
	}
	inject_on();
	if (is_observed)
		observe(&talk);
	uint16_t status = login_try(&talk);
	if (inject_off() && status != ISCSI_LOGIN_SUCCESS) {
		ck_assert_msg(status == ISCSI_LOGIN_OUT_OF_RESOURCES, "status %04x", status);
		wire_close(&talk.wire);
		status = login_try(&talk);
	}
	ck_assert_uint_eq(status, ISCSI_LOGIN_SUCCESS);
	wire_clear_unit_attentions(&talk.wire);
	ck_assert_int_eq(talk_write_and_read(&talk.wire), ENDED_GOOD);
	if (is_reinstated)
		wire_close(&old.wire);
	talk_end(&talk);
}

START_TEST(login_succeeds_or_says_that_there_are_no_resources)
{
	wire_pattern(talk_pattern, TALK_LEN, 3);
	inject_each("login", login);
	talk_with_digests = true;
	inject_each("login-with-digests", login);
	is_reinstated = true;
	inject_each("login-reinstating", login);
	is_reinstated = false;
	is_observed = true;
	inject_each("login-observed", login);
}
END_TEST

/* ---- the node ---- */

static void node(void)
{
	struct wire_house house;
	struct iscsi_portal *portal;

	wire_house_init(&house);
	wire_house_start(&house);
	iscsi_node_free(&house.node);
	inject_on();
	house.node = iscsi_node_create(&house.config);
	if (inject_off()) {
		ck_assert_ptr_null(house.node);
		house.node = iscsi_node_create(&house.config);
	}
	ck_assert_ptr_nonnull(house.node);
	inject_on();
	int error = iscsi_node_add_target(house.node, house.target, "an alias");
	if (inject_off()) {
		ck_assert_int_eq(error, -ENOMEM);
		error = iscsi_node_add_target(house.node, house.target, "an alias");
	}
	ck_assert_int_eq(error, 0);
	inject_on();
	portal = iscsi_node_add_portal(house.node, "192.0.2.1:3260", false, 1);
	if (inject_off()) {
		ck_assert_ptr_null(portal);
		portal = iscsi_node_add_portal(house.node, "192.0.2.1:3260", false, 1);
	}
	ck_assert_ptr_nonnull(portal);
	wire_house_stop(&house);
}

START_TEST(node_comes_about_or_not)
{
	inject_each("node", node);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, login_succeeds_or_says_that_there_are_no_resources);
	tcase_add_test(tcase, node_comes_about_or_not);
}

int main(void)
{
	return suite_run("alloc_login", fill);
}
