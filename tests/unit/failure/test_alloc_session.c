/*
 * No memory while an initiator logs in and works: it gets an answer that says so, or loses the
 * connection; never silence. The next attempt works.
 */
#include <errno.h>
#include <string.h>

#include "tests/support/wire.h"
#include "tests/unit/failure/inject.h"

#define BLOCKS 16
#define LEN    (BLOCKS * WIRE_BLOCK)

struct talk {
	struct wire_house house;
	struct wire wire;
};

static bool with_digests;
static uint8_t pattern[LEN];

/* ---- coming and going ---- */

static uint16_t log_in(struct talk *talk)
{
	struct wire_login login = {
		.isid = {0x80, 0, 0, 0, 0, 1},
		.keys = {"ImmediateData=Yes", "InitialR2T=Yes", "FirstBurstLength=1024",
			 "MaxBurstLength=2048", "MaxRecvDataSegmentLength=1024"},
	};

	if (with_digests) {
		login.keys[5] = "HeaderDigest=CRC32C";
		login.keys[6] = "DataDigest=CRC32C";
	}
	uint16_t status = wire_login_with(&talk->wire, &login);
	talk->wire.header_digest = with_digests && status == ISCSI_LOGIN_SUCCESS;
	talk->wire.data_digest = talk->wire.header_digest;
	return status;
}

static void connect_anew(struct talk *talk)
{
	wire_open(&talk->house, &talk->wire);
	ck_assert_uint_eq(log_in(talk), ISCSI_LOGIN_SUCCESS);
	wire_clear_unit_attentions(&talk->wire);
}

static void talk_begin(struct talk *talk)
{
	wire_house_init(&talk->house);
	wire_house_start(&talk->house);
	connect_anew(talk);
}

static void talk_end(struct talk *talk)
{
	wire_close(&talk->wire);
	wire_house_stop(&talk->house);
}

/* The connection broke: the log says why (or that this was asked for); the initiator comes back. */
static void come_back(struct talk *talk)
{
	const char *log = talk->house.log;

	ck_assert(iscsi_conn_finished(talk->wire.conn));
	ck_assert_msg(strstr(log, "out of memory") || strstr(log, "no room for requests") ||
			      strstr(log, "logout: "),
		      "log: %s", log);
	wire_close(&talk->wire);
	connect_anew(talk);
}

/* ---- answers ---- */

enum ending {
	ENDED_GOOD = 1,
	ENDED_RESOURCES, /* an answer that says so */
	ENDED_LOST,	 /* the connection */
};

static uint8_t got[LEN];

static enum ending ending_of_response(const struct wire *wire, uint8_t status)
{
	const uint8_t *sense = wire->pdu.data + 2;

	if (status == SCSI_STATUS_GOOD)
		return ENDED_GOOD;
	if (status == SCSI_STATUS_BUSY || status == SCSI_STATUS_TASK_SET_FULL)
		return ENDED_RESOURCES;
	ck_assert_uint_eq(status, SCSI_STATUS_CHECK_CONDITION);
	ck_assert_uint_ge(wire->pdu.data_len, 2 + 14);
	/* SPACE ALLOCATION FAILED: for a disk in memory memory is its medium. */
	ck_assert_msg((sense[12] == 0x55 && sense[13] == 0x03) ||
			      (sense[12] == 0x27 && sense[13] == 0x07),
		      "sense %02x/%02x/%02x", sense[2], sense[12], sense[13]);
	return ENDED_RESOURCES;
}

/* The next PDU that answers something: a connection may say that it is about to end. */
static struct wire_pdu *next_answer(struct wire *wire)
{
	struct wire_pdu *pdu;

	do {
		pdu = wire_next(wire);
		if (!pdu) {
			/* What it put off until its deadline, which may be now. */
			wire_wait(wire, 0);
			pdu = wire_next(wire);
		}
	} while (pdu && pdu->opcode == ISCSI_ASYNC_MESSAGE);
	return pdu;
}

static enum ending lost(const struct wire *wire)
{
	ck_assert_msg(iscsi_conn_finished(wire->conn), "no answer");
	return ENDED_LOST;
}

/* Follows a command to its end: answers R2Ts, gathers Data-In. */
static enum ending follow(struct wire *wire)
{
	struct wire_pdu *pdu;

	while ((pdu = next_answer(wire)) != NULL) {
		struct iscsi_scsi_response response;
		struct iscsi_data_in data_in;
		struct iscsi_r2t r2t;

		if (pdu->opcode == ISCSI_R2T) {
			iscsi_r2t_decode(pdu->bhs, &r2t);
			wire_answer_r2t(wire, &r2t, pattern);
			continue;
		}
		if (pdu->opcode == ISCSI_SCSI_RESPONSE) {
			iscsi_scsi_response_decode(pdu->bhs, &response);
			return ending_of_response(wire, response.status);
		}
		ck_assert_msg(pdu->opcode == ISCSI_DATA_IN, "%s", iscsi_opcode_name(pdu->opcode));
		iscsi_data_in_decode(pdu->bhs, &data_in);
		ck_assert_uint_le(data_in.offset + pdu->data_len, LEN);
		memcpy(got + data_in.offset, pdu->data, pdu->data_len);
		if (data_in.has_status)
			return ending_of_response(wire, data_in.status);
	}
	return lost(wire);
}

/* The next answer, which has this opcode; NULL: the connection is lost. */
static struct wire_pdu *await(struct wire *wire, enum iscsi_opcode opcode)
{
	struct wire_pdu *pdu = next_answer(wire);

	if (pdu) {
		ck_assert_msg(pdu->opcode == opcode, "%s", iscsi_opcode_name(pdu->opcode));
		return pdu;
	}
	(void)lost(wire);
	return NULL;
}

/* ---- one request, which may fail once ---- */

typedef enum ending (*attempt_fn)(struct wire *wire);

static void try_request(attempt_fn attempt)
{
	struct talk talk;

	talk_begin(&talk);
	inject_on();
	enum ending ending = attempt(&talk.wire);
	if (inject_off() && ending != ENDED_GOOD) {
		if (ending == ENDED_LOST)
			come_back(&talk);
		ending = attempt(&talk.wire);
	}
	ck_assert_int_eq(ending, ENDED_GOOD);
	talk_end(&talk);
}

static enum ending write_blocks(struct wire *wire)
{
	/* 1 KiB comes with the command, the rest in bursts. */
	wire_write(wire, 0, BLOCKS, pattern, 1024, true);
	return follow(wire);
}

static enum ending read_blocks(struct wire *wire)
{
	wire_read(wire, 0, BLOCKS);
	return follow(wire);
}

static enum ending write_and_read(struct wire *wire)
{
	enum ending ending = write_blocks(wire);

	if (ending == ENDED_GOOD)
		ending = read_blocks(wire);
	if (ending == ENDED_GOOD)
		ck_assert_mem_eq(got, pattern, LEN);
	return ending;
}

static enum ending failing_command(struct wire *wire)
{
	static const uint8_t cdb[16] = {0xff};
	struct wire_pdu *pdu;

	wire_command(wire, &(struct wire_command){.cdb = cdb});
	pdu = await(wire, ISCSI_SCSI_RESPONSE);
	return pdu ? ENDED_GOOD : ENDED_LOST;
}

/* The second command first: it waits for the one that it must not overtake. */
static enum ending out_of_order(struct wire *wire)
{
	enum ending first, second;

	wire->cmd_sn++;
	wire_write(wire, 4, 2, pattern, 1024, true);
	wire->cmd_sn -= 2;
	wire_test_unit_ready(wire);
	wire->cmd_sn++;
	first = follow(wire);
	if (first == ENDED_LOST)
		return first;
	second = follow(wire);
	return first == ENDED_GOOD ? second : first;
}

static enum ending manage_task_set(struct wire *wire)
{
	struct iscsi_task_management_response response;

	wire_manage(wire, SCSI_TMF_ABORT_TASK_SET, ISCSI_NO_TAG, 0);
	struct wire_pdu *pdu = await(wire, ISCSI_TASK_MANAGEMENT_RESPONSE);
	if (!pdu)
		return ENDED_LOST;
	iscsi_task_management_response_decode(pdu->bhs, &response);
	if (response.response == SCSI_TMF_COMPLETE)
		return ENDED_GOOD;
	ck_assert_uint_eq(response.response, SCSI_TMF_REJECTED);
	return ENDED_RESOURCES;
}

static enum ending send_targets(struct wire *wire)
{
	static const char text[] = "SendTargets=";
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_text_request request = {
		.final = true,
		.itt = ++wire->itt,
		.ttt = ISCSI_NO_TAG,
		.cmd_sn = wire->cmd_sn++,
		.exp_stat_sn = wire->exp_stat_sn,
	};

	iscsi_text_request_encode(&request, bhs);
	wire_send(wire, bhs, text, sizeof(text));
	struct wire_pdu *pdu = next_answer(wire);
	if (!pdu)
		return lost(wire);
	if (pdu->opcode == ISCSI_REJECT) {
		/* RFC 7143 11.17.1: the reason that means "out of resources". */
		struct iscsi_reject reject;
		iscsi_reject_decode(pdu->bhs, &reject);
		ck_assert_uint_eq(reject.reason, ISCSI_REJECT_LONG_OPERATION);
		return ENDED_RESOURCES;
	}
	ck_assert_int_eq(pdu->opcode, ISCSI_TEXT_RESPONSE);
	ck_assert_uint_gt(pdu->data_len, 0);
	return ENDED_GOOD;
}

static enum ending ping(struct wire *wire)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_nop_out nop = {
		.itt = ++wire->itt,
		.ttt = ISCSI_NO_TAG,
		.cmd_sn = wire->cmd_sn++,
		.exp_stat_sn = wire->exp_stat_sn,
	};

	iscsi_nop_out_encode(&nop, bhs);
	wire_send(wire, bhs, pattern, 600);
	struct wire_pdu *pdu = await(wire, ISCSI_NOP_IN);
	if (!pdu)
		return ENDED_LOST;
	ck_assert_uint_eq(pdu->data_len, 600);
	ck_assert_mem_eq(pdu->data, pattern, 600);
	return ENDED_GOOD;
}

static enum ending reject_me(struct wire *wire)
{
	uint8_t bhs[ISCSI_BHS_LEN] = {0x1c};

	wire_send(wire, bhs, NULL, 0);
	return await(wire, ISCSI_REJECT) ? ENDED_GOOD : ENDED_LOST;
}

static enum ending log_out(struct wire *wire)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_logout_request request = {
		.itt = ++wire->itt,
		.cmd_sn = wire->cmd_sn++,
		.exp_stat_sn = wire->exp_stat_sn,
	};

	iscsi_logout_request_encode(&request, bhs);
	wire_send(wire, bhs, NULL, 0);
	return await(wire, ISCSI_LOGOUT_RESPONSE) ? ENDED_GOOD : ENDED_LOST;
}

static void try_write_and_read(void)
{
	try_request(write_and_read);
}

static void try_failing_command(void)
{
	try_request(failing_command);
}

static void try_out_of_order(void)
{
	try_request(out_of_order);
}

static void try_manage_task_set(void)
{
	try_request(manage_task_set);
}

static void try_send_targets(void)
{
	try_request(send_targets);
}

static void try_ping(void)
{
	try_request(ping);
}

static void try_reject(void)
{
	try_request(reject_me);
}

static void try_logout(void)
{
	try_request(log_out);
}

static const struct {
	const char *name, *name_with_digests;
	void (*scenario)(void);
} requests[] = {
	{"write-and-read", "write-and-read-with-digests", try_write_and_read},
	{"failing-command", "failing-command-with-digests", try_failing_command},
	{"out-of-order", "out-of-order-with-digests", try_out_of_order},
	{"manage-task-set", "manage-task-set-with-digests", try_manage_task_set},
	{"send-targets", "send-targets-with-digests", try_send_targets},
	{"ping", "ping-with-digests", try_ping},
	{"reject", "reject-with-digests", try_reject},
	{"logout", "logout-with-digests", try_logout},
};

START_TEST(request_is_answered_or_the_connection_ends)
{
	with_digests = _i % 2 == 1;
	wire_pattern(pattern, LEN, 3);
	inject_each(with_digests ? requests[_i / 2].name_with_digests : requests[_i / 2].name,
		    requests[_i / 2].scenario);
}
END_TEST

/* ---- login ---- */

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
	uint16_t status = connection_try(talk) ? log_in(talk) : ISCSI_LOGIN_OUT_OF_RESOURCES;

	if (status != 0xffff)
		return status;
	ck_assert(iscsi_conn_finished(talk->wire.conn));
	return ISCSI_LOGIN_OUT_OF_RESOURCES;
}

/* Also where a session of the same name is there already, and is to be reinstated. */
static bool is_reinstated;

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
	uint16_t status = login_try(&talk);
	if (inject_off() && status != ISCSI_LOGIN_SUCCESS) {
		ck_assert_msg(status == ISCSI_LOGIN_OUT_OF_RESOURCES, "status %04x", status);
		wire_close(&talk.wire);
		status = login_try(&talk);
	}
	ck_assert_uint_eq(status, ISCSI_LOGIN_SUCCESS);
	wire_clear_unit_attentions(&talk.wire);
	ck_assert_int_eq(write_and_read(&talk.wire), ENDED_GOOD);
	if (is_reinstated)
		wire_close(&old.wire);
	talk_end(&talk);
}

START_TEST(login_succeeds_or_says_that_there_are_no_resources)
{
	wire_pattern(pattern, LEN, 3);
	inject_each("login", login);
	with_digests = true;
	inject_each("login-with-digests", login);
	is_reinstated = true;
	inject_each("login-reinstating", login);
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
	tcase_add_loop_test(tcase, request_is_answered_or_the_connection_ends, 0,
			    2 * (int)(sizeof(requests) / sizeof(requests[0])));
	tcase_add_test(tcase, login_succeeds_or_says_that_there_are_no_resources);
	tcase_add_test(tcase, node_comes_about_or_not);
}

int main(void)
{
	return suite_run("alloc_session", fill);
}
