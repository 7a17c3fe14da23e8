/*
 * Received PDUs of the full feature phase: which handler, in which order.
 *
 * One row a request: what may come with it, whether it carries a CmdSN, and its two functions.
 */
#include <stdlib.h>

#include "transport/conn_internal.h"

struct request {
	uint8_t (*check)(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
	void (*run)(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
	bool numbered;	   /* carries a CmdSN, and uses it up unless immediate */
	bool keeps_place;  /* stays in the command window until its task is answered */
	bool takes_ahs;	   /* additional header segments mean something here */
	bool in_discovery; /* allowed in a discovery session (RFC 7143 4.3) ... */
	bool strictly_not; /* ... but not when the policy is strict */
	uint8_t reject;	   /* without functions: the answer */
};

static const struct request requests[] = {
	[ISCSI_NOP_OUT] = {iscsi_nop_check, iscsi_nop_run, .numbered = true, .in_discovery = true,
			   .strictly_not = true},
	[ISCSI_SCSI_COMMAND] = {iscsi_command_check, iscsi_command_run, .numbered = true,
				.keeps_place = true, .takes_ahs = true},
	[ISCSI_TASK_MANAGEMENT_REQUEST] = {iscsi_manage_check, iscsi_manage_run, .numbered = true,
					   .keeps_place = true},
	[ISCSI_LOGIN_REQUEST] = {.in_discovery = true, .reject = ISCSI_REJECT_PROTOCOL_ERROR},
	[ISCSI_TEXT_REQUEST] = {iscsi_text_check, iscsi_text_run, .numbered = true,
				.in_discovery = true},
	[ISCSI_DATA_OUT] = {iscsi_data_out_check, iscsi_data_out_run, .numbered = false},
	[ISCSI_LOGOUT_REQUEST] = {iscsi_logout_check, iscsi_logout_run, .numbered = true,
				  .in_discovery = true},
	[ISCSI_SNACK_REQUEST] = {iscsi_snack_check, iscsi_snack_run, .numbered = false},
};

static const struct request *request_find(const struct iscsi_conn *conn, uint8_t opcode)
{
	if (opcode >= sizeof(requests) / sizeof(requests[0]))
		return NULL;
	const struct request *request = &requests[opcode];
	if (!request->run && request->reject == 0)
		return NULL;
	if (conn->session->type == ISCSI_SESSION_DISCOVERY) {
		bool strict = conn->node->config.policy.strict;
		if (!request->in_discovery || (request->strictly_not && strict))
			return NULL;
	}
	return request;
}

static uint8_t judge(struct iscsi_conn *conn, const struct request *request,
		     const struct iscsi_pdu *pdu)
{
	if (request->reject != 0)
		return request->reject;
	if (pdu->ahs_len > 0 && !request->takes_ahs)
		return ISCSI_REJECT_INVALID_PDU_FIELD;
	return request->check(conn, pdu);
}

/* False: it was rejected; a numbered request then leaves a hole (RFC 7143 7.3). */
static bool deliver(struct iscsi_conn *conn, const struct request *request,
		    const struct iscsi_pdu *pdu)
{
	struct iscsi_session *session = conn->session;
	uint8_t reason = judge(conn, request, pdu);

	if (reason != 0) {
		iscsi_reject(conn, pdu, reason);
		return false;
	}
	bool takes_place = request->numbered && !pdu->head.immediate;
	if (takes_place)
		iscsi_window_advance(session);
	/* A logout takes the connection out of the session, or ends it. */
	session->busy++;
	request->run(conn, pdu);
	if (takes_place && !request->keeps_place)
		iscsi_window_release(session);
	session->busy--;
	iscsi_session_settle(session);
	return true;
}

/* Delivers one that waited, and frees it. */
static bool deliver_held(struct iscsi_session *session, struct iscsi_held *held)
{
	if (held->plug) {
		free(held);
		iscsi_window_advance(session);
		iscsi_window_release(session);
		return true;
	}
	struct iscsi_pdu pdu = {
		.bhs = held->bhs,
		.ahs = held->bytes,
		.data = held->bytes + held->ahs_len,
		.ahs_len = held->ahs_len,
		.data_len = held->data_len,
	};
	iscsi_bhs_decode(held->bhs, &pdu.head);
	const struct request *request = request_find(held->conn, pdu.head.opcode);
	bool delivered = request && deliver(held->conn, request, &pdu);
	free(held);
	return delivered;
}

void iscsi_dispatch_held(struct iscsi_session *session)
{
	session->busy++;
	while (session->state == ISCSI_SESSION_LIVE &&
	       !iscsi_manage_bars(session, session->exp_cmd_sn)) {
		struct iscsi_held *held = iscsi_window_take(session);
		if (!held || !deliver_held(session, held))
			break;
	}
	session->busy--;
	iscsi_session_settle(session);
}

static void hold(struct iscsi_conn *conn, uint32_t cmd_sn, const struct iscsi_pdu *pdu)
{
	/* A function that waits keeps requests that have come in time (manage_wait.c). */
	if (!iscsi_window_held(conn->session, cmd_sn) && !iscsi_window_hold(conn, cmd_sn, pdu))
		iscsi_conn_doom(conn, "no room for requests out of order", false);
}

static void dispatch_numbered(struct iscsi_conn *conn, const struct request *request,
			      const struct iscsi_pdu *pdu)
{
	struct iscsi_session *session = conn->session;
	uint32_t cmd_sn = iscsi_bhs_cmd_sn(pdu->bhs);

	switch (iscsi_window_judge(session, cmd_sn)) {
	case ISCSI_WINDOW_IGNORE:
		break;
	case ISCSI_WINDOW_LATER:
		hold(conn, cmd_sn, pdu);
		break;
	case ISCSI_WINDOW_NOW:
		if (iscsi_manage_bars(session, cmd_sn)) {
			hold(conn, cmd_sn, pdu);
			break;
		}
		session->busy++;
		if (deliver(conn, request, pdu) && session->held_count > 0)
			iscsi_dispatch_held(session);
		session->busy--;
		iscsi_session_settle(session);
		break;
	}
}

static void dispatch(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	const struct request *request = request_find(conn, pdu->head.opcode);

	if (!request)
		iscsi_reject(conn, pdu, ISCSI_REJECT_NOT_SUPPORTED);
	else if (request->numbered && !pdu->head.immediate)
		dispatch_numbered(conn, request, pdu);
	else
		deliver(conn, request, pdu);
}

void iscsi_dispatch(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	struct iscsi_session *session = conn->session;

	iscsi_conn_acknowledge(conn, iscsi_bhs_exp_stat_sn(pdu->bhs));
	session->busy++;
	dispatch(conn, pdu);
	if (session->tmfs)
		iscsi_manage_look(session);
	session->busy--;
	iscsi_session_settle(session);
}

void iscsi_dispatch_digest_error(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	const struct request *request = request_find(conn, pdu->head.opcode);

	conn->node->counters.digest_errors++;
	iscsi_reject(conn, pdu, ISCSI_REJECT_DATA_DIGEST_ERROR);
	if (pdu->head.opcode == ISCSI_DATA_OUT)
		iscsi_data_out_digest_error(conn, pdu->bhs);
	else if (request && request->numbered && !pdu->head.immediate &&
		 conn->params.error_recovery_level == 0)
		/* Its CmdSN stays a hole that nobody will plug. */
		iscsi_conn_doom(conn, "data digest error in a numbered request", false);
}
