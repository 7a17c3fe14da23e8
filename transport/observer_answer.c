/*
 * What the target sends in full feature phase, as far as it changes what is due from the initiator.
 */
#include <string.h>

#include "pr_engine/bytes.h"
#include "transport/observer_internal.h"

#define STATUS_CHECK_CONDITION 0x02
#define REJECTED_ITT	       16 /* offset in a Reject's data segment: the header rejected */

enum {
	FUNCTION_ABORT_TASK = 1,
	FUNCTION_LU_RESET = 5, /* this and those before concern one LUN */
	FUNCTION_TASK_REASSIGN = 8,
};

enum {
	EVENT_LOGOUT = 1,
	EVENT_SESSION_DROP = 3,
};

static void end_itt(struct iscsi_watch *watch, uint32_t itt)
{
	struct seen_task *task = seen_task_find(watch->session, itt);

	if (task)
		seen_task_end(watch, task);
}

/* --- task management -------------------------------------------------------------------------- */

/* What the function has ended; those tasks get no response. */
static void end_managed(struct iscsi_watch *watch, const struct seen_task *function)
{
	struct iscsi_task_management_request tmf;
	struct seen_session *session = watch->session;

	iscsi_task_management_request_decode(function->bhs, &tmf);
	if (tmf.function == FUNCTION_ABORT_TASK) {
		end_itt(watch, tmf.referenced_tag);
		return;
	}
	if (tmf.function >= FUNCTION_TASK_REASSIGN)
		return;
	for (unsigned i = 0; i < ISCSI_OBSERVER_TASKS_MAX; i++) {
		struct seen_task *task = &session->tasks[i];
		bool concerned = tmf.function > FUNCTION_LU_RESET ||
				 memcmp(task->bhs + 8, tmf.lun, sizeof(tmf.lun)) == 0;
		if (task->used && task->opcode == ISCSI_SCSI_COMMAND && concerned)
			seen_task_end(watch, task);
	}
}

static void take_management_response(struct iscsi_watch *watch, uint32_t itt, uint8_t response)
{
	struct seen_task *task = seen_task_find(watch->session, itt);

	if (!task)
		return;
	if (task->opcode == ISCSI_TASK_MANAGEMENT_REQUEST && response == 0)
		end_managed(watch, task);
	end_itt(watch, itt);
}

/* --- the other answers ------------------------------------------------------------------------ */

static void take_response(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu, uint32_t itt)
{
	struct seen_session *session = watch->session;
	const struct seen_task *task = seen_task_find(session, itt);
	bool sense = pdu->bhs[3] == STATUS_CHECK_CONDITION && pdu->data_len > 2;

	if (task && sense && task->opcode == ISCSI_SCSI_COMMAND) {
		session->sense_told = true;
		memcpy(session->sense_lun, task->bhs + 8, sizeof(session->sense_lun));
	}
	end_itt(watch, itt);
}

static void take_nop_in(struct iscsi_watch *watch, const uint8_t *bhs)
{
	struct seen_session *session = watch->session;
	struct iscsi_nop_in nop;

	iscsi_nop_in_decode(bhs, &nop);
	if (nop.itt != ISCSI_NO_TAG) {
		if (nop.itt == session->fence_itt)
			session->has_retry = false;
		end_itt(watch, nop.itt);
	} else if (nop.ttt != ISCSI_NO_TAG) {
		watch->pings[watch->ping_next] = nop.ttt;
		watch->ping_next = (watch->ping_next + 1) % SEEN_PINGS_MAX;
	}
}

static void take_text_response(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu)
{
	struct iscsi_text_response text;

	iscsi_text_response_decode(pdu->bhs, &text);
	if (watch->session->discovery && pdu->data)
		watch_announced(watch, pdu->data, pdu->data_len);
	if (!watch->text_open || text.itt != watch->text_itt)
		return;
	watch->text_ttt = text.ttt;
	if (!text.final)
		return;
	watch->text_open = false;
	end_itt(watch, text.itt);
}

static void take_reject(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu)
{
	if (!pdu->data || pdu->data_len < REJECTED_ITT + 4)
		return;
	uint32_t itt = get_be32(pdu->data + REJECTED_ITT);
	struct seen_task *task = seen_task_find(watch->session, itt);
	/* The rejected PDU may have been another than the one that is followed under this tag. */
	if (!task || memcmp(task->bhs, pdu->data, 4) != 0)
		return;
	if (task->opcode == ISCSI_TEXT_REQUEST)
		watch->text_open = false;
	seen_task_end(watch, task);
}

/* PDUs that use up a StatSN (RFC 7143 4.2.2.2). */
static bool has_status(const struct iscsi_bhs *head)
{
	switch (head->opcode) {
	case ISCSI_SCSI_RESPONSE:
	case ISCSI_TASK_MANAGEMENT_RESPONSE:
	case ISCSI_TEXT_RESPONSE:
	case ISCSI_LOGOUT_RESPONSE:
	case ISCSI_ASYNC_MESSAGE:
	case ISCSI_REJECT:
		return true;
	case ISCSI_NOP_IN:
		return head->itt != ISCSI_NO_TAG;
	case ISCSI_DATA_IN:
		return (head->flags & 1) != 0;
	default:
		return false;
	}
}

static void take_numbers(struct iscsi_watch *watch, const struct iscsi_bhs *head,
			 const uint8_t *bhs)
{
	struct iscsi_nop_in sns; /* every PDU of a target has them where this one has */

	iscsi_nop_in_decode(bhs, &sns);
	if (iscsi_sn_before(watch->session->max_cmd_sn, sns.sns.max_cmd_sn))
		watch->session->max_cmd_sn = sns.sns.max_cmd_sn;
	if (has_status(head))
		watch_status_sent(watch, sns.sns.stat_sn);
}

void watch_answer(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu)
{
	struct iscsi_async_message async;
	struct iscsi_bhs head;

	iscsi_bhs_decode(pdu->bhs, &head);
	take_numbers(watch, &head, pdu->bhs);
	if (head.opcode == ISCSI_SCSI_RESPONSE) {
		take_response(watch, pdu, head.itt);
	} else if (head.opcode == ISCSI_DATA_IN && has_status(&head)) {
		end_itt(watch, head.itt);
	} else if (head.opcode == ISCSI_R2T) {
		watch_r2t(watch, pdu);
	} else if (head.opcode == ISCSI_TASK_MANAGEMENT_RESPONSE) {
		take_management_response(watch, head.itt, pdu->bhs[2]);
	} else if (head.opcode == ISCSI_NOP_IN) {
		take_nop_in(watch, pdu->bhs);
	} else if (head.opcode == ISCSI_TEXT_RESPONSE) {
		take_text_response(watch, pdu);
	} else if (head.opcode == ISCSI_REJECT) {
		take_reject(watch, pdu);
	} else if (head.opcode == ISCSI_LOGOUT_RESPONSE) {
		watch_judge(watch, ISCSI_CHECK_LOGOUT_SILENCE, true, "silence", " ");
		watch->logout_answered = true;
		watch->logout_ms = watch->now_ms;
		end_itt(watch, head.itt);
	} else if (head.opcode == ISCSI_ASYNC_MESSAGE) {
		iscsi_async_message_decode(pdu->bhs, &async);
		if (async.event >= EVENT_LOGOUT && async.event <= EVENT_SESSION_DROP)
			watch->told_to_go = true;
	}
}
