/*
 * No memory while an initiator works: it gets an answer that says so, or loses the connection;
 * never silence. The next attempt works.
 */
#include "tests/unit/failure/inject.h"
#include "tests/unit/failure/talk.h"

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
			talk_come_back(&talk);
		ending = attempt(&talk.wire);
	}
	ck_assert_int_eq(ending, ENDED_GOOD);
	talk_end(&talk);
}

static enum ending failing_command(struct wire *wire)
{
	static const uint8_t cdb[16] = {0xff};
	struct wire_pdu *pdu;

	wire_command(wire, &(struct wire_command){.cdb = cdb});
	pdu = talk_await(wire, ISCSI_SCSI_RESPONSE);
	return pdu ? ENDED_GOOD : ENDED_LOST;
}

/* The second command first: it waits for the one that it must not overtake. */
static enum ending out_of_order(struct wire *wire)
{
	enum ending first, second;

	wire->cmd_sn++;
	wire_write(wire, 4, 2, talk_pattern, 1024, true);
	wire->cmd_sn -= 2;
	wire_test_unit_ready(wire);
	wire->cmd_sn++;
	first = talk_follow(wire);
	if (first == ENDED_LOST)
		return first;
	second = talk_follow(wire);
	return first == ENDED_GOOD ? second : first;
}

static enum ending manage_task_set(struct wire *wire)
{
	struct iscsi_task_management_response response;

	wire_manage(wire, SCSI_TMF_ABORT_TASK_SET, ISCSI_NO_TAG, 0);
	struct wire_pdu *pdu = talk_await(wire, ISCSI_TASK_MANAGEMENT_RESPONSE);
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
	struct wire_pdu *pdu = talk_next_answer(wire);
	if (!pdu)
		return talk_lost(wire);
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
	wire_send(wire, bhs, talk_pattern, 600);
	struct wire_pdu *pdu = talk_await(wire, ISCSI_NOP_IN);
	if (!pdu)
		return ENDED_LOST;
	ck_assert_uint_eq(pdu->data_len, 600);
	ck_assert_mem_eq(pdu->data, talk_pattern, 600);
	return ENDED_GOOD;
}

static enum ending reject_me(struct wire *wire)
{
	uint8_t bhs[ISCSI_BHS_LEN] = {0x1c};

	wire_send(wire, bhs, NULL, 0);
	return talk_await(wire, ISCSI_REJECT) ? ENDED_GOOD : ENDED_LOST;
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
	return talk_await(wire, ISCSI_LOGOUT_RESPONSE) ? ENDED_GOOD : ENDED_LOST;
}

static void try_write_and_read(void)
{
	try_request(talk_write_and_read);
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
	talk_with_digests = _i % 2 == 1;
	wire_pattern(talk_pattern, TALK_LEN, 3);
	inject_each(talk_with_digests ? requests[_i / 2].name_with_digests : requests[_i / 2].name,
		    requests[_i / 2].scenario);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, request_is_answered_or_the_connection_ends, 0,
			    2 * (int)(sizeof(requests) / sizeof(requests[0])));
}

int main(void)
{
	return suite_run("alloc_session", fill);
}
