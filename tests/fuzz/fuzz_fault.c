/*
 * Any text as fault rules, and a session that goes on under them: lines up to an empty one are
 * rules, what follows is a program for an initiator that listens to nothing. Whatever the rules do,
 * nothing leaks, nothing hangs, and when they are taken away the target serves.
 */
#include <stdlib.h>
#include <string.h>

#include "config/suggest.h"
#include "pr_engine/bytes.h"
#include "tests/support/wire.h"
#include "transport/fault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RULES_MAX 8
#define STEPS_MAX 200
#define TAKE_MAX  (1u << 20) /* bytes taken at a time */

enum step {
	STEP_LOGIN,
	STEP_TEST_UNIT_READY,
	STEP_READ,
	STEP_WRITE,
	STEP_DATA_OUT,
	STEP_PING,
	STEP_ABORT,
	STEP_RESET,
	STEP_TEXT,
	STEP_WAIT,
	STEP_TAKE,
	STEP_RELEASE,
	STEP_CLEAR,
	STEP_RECONNECT,
	STEP_COUNT,
};

static void add_rule(struct iscsi_node *node, const char *text)
{
	char id[ISCSI_FAULT_ID_MAX], error[ISCSI_FAULT_ERROR_MAX] = "";

	if (iscsi_node_fault_add(node, text, config_consider, id, error) != 0 && error[0] == '\0')
		abort();
}

/* Returns what is behind the rules. */
static const uint8_t *add_rules(struct iscsi_node *node, const uint8_t *at, const uint8_t *end)
{
	char line[ISCSI_FAULT_TEXT_MAX + 16];

	for (int i = 0; i < RULES_MAX && at < end; i++) {
		const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline : end) - at);

		if (len >= sizeof(line))
			return end;
		memcpy(line, at, len);
		line[len] = '\0';
		at += len + (newline != NULL);
		if (len == 0)
			break;
		add_rule(node, line);
	}
	return at;
}

static void take(struct wire *wire)
{
	struct iovec iov[8];
	size_t taken = 0;

	for (int turns = 0; turns < 64 && taken < TAKE_MAX; turns++) {
		int count = iscsi_conn_output(wire->conn, iov, 8);
		size_t len = 0;

		for (int i = 0; i < count; i++)
			len += iov[i].iov_len;
		if (len == 0)
			return;
		iscsi_conn_sent(wire->conn, len, wire->house->now_ms);
		taken += len;
	}
}

static void ask_to_log_in(struct wire *wire)
{
	static const char text[] = "InitiatorName=" WIRE_INITIATOR "\0TargetName=" WIRE_TARGET;
	struct iscsi_login_request request = {
		.transit = true, .csg = 1, .nsg = 3, .itt = 1, .cid = 1};
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_login_request_encode(&request, bhs);
	wire_send(wire, bhs, text, sizeof(text));
}

static void ping(struct wire *wire, uint8_t what)
{
	struct iscsi_nop_out nop = {.immediate = (what & 1) != 0,
				    .itt = what & 2 ? 9 : ISCSI_NO_TAG,
				    .ttt = ISCSI_NO_TAG,
				    .cmd_sn = wire->cmd_sn};
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_nop_out_encode(&nop, bhs);
	wire_send(wire, bhs, "ping", what & 4 ? 4 : 0);
}

static void ask_text(struct wire *wire)
{
	struct iscsi_text_request request = {
		.final = true, .itt = 77, .ttt = ISCSI_NO_TAG, .cmd_sn = wire->cmd_sn++};
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_text_request_encode(&request, bhs);
	wire_send(wire, bhs, "SendTargets=", 13);
}

static void play(struct wire *wire, uint8_t step, uint8_t what)
{
	static uint8_t data[2048];

	switch ((enum step)(step % STEP_COUNT)) {
	case STEP_LOGIN:
		ask_to_log_in(wire);
		break;
	case STEP_TEST_UNIT_READY:
		wire_test_unit_ready(wire);
		break;
	case STEP_READ:
		wire_read(wire, what, what & 15);
		break;
	case STEP_WRITE:
		wire_write(wire, what, 4, data, what & 1 ? sizeof(data) : 0, true);
		break;
	case STEP_DATA_OUT:
		wire_data_out(wire, wire->itt, what, 0, 0, data, 512, true);
		break;
	case STEP_PING:
		ping(wire, what);
		break;
	case STEP_ABORT:
		wire_manage(wire, 1, wire->itt, wire->cmd_sn - 1);
		break;
	case STEP_RESET:
		wire_manage(wire, 5, ISCSI_NO_TAG, 0);
		break;
	case STEP_TEXT:
		ask_text(wire);
		break;
	case STEP_WAIT:
		wire_wait(wire, what * 100u);
		break;
	case STEP_TAKE:
		take(wire);
		break;
	case STEP_RELEASE:
		iscsi_node_fault_release(wire->house->node, NULL);
		wire_wait(wire, 0);
		break;
	case STEP_CLEAR:
		iscsi_node_fault_clear(wire->house->node, what & 1 ? NULL : "1");
		break;
	case STEP_RECONNECT:
		wire_close(wire);
		wire_open(wire->house, wire);
		ask_to_log_in(wire);
		break;
	case STEP_COUNT:
		break;
	}
}

/* Nothing of the rules is left: a new initiator is served. */
static void prove_service(struct wire_house *house)
{
	struct wire wire;

	iscsi_node_fault_clear(house->node, NULL);
	wire_start(house, &wire);
	wire_expect_status(&wire, wire_test_unit_ready(&wire), SCSI_STATUS_GOOD);
	wire_close(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *at, *end = data + size;
	struct wire_house house;
	struct wire wire;

	wire_house_init(&house);
	house.quiet = true;
	wire_house_start(&house);
	at = add_rules(house.node, data, end);
	wire_open(&house, &wire);
	wire.lossy = true;
	for (int i = 0; i < STEPS_MAX && end - at >= 2; i++, at += 2)
		play(&wire, at[0], at[1]);
	take(&wire);
	wire_close(&wire);
	prove_service(&house);
	wire_house_stop(&house);
	return 0;
}
