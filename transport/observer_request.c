/*
 * Requests of the full feature phase, and those of them that move no data: task management, NOP,
 * Text, Logout, SNACK (RFC 7143 11.5, 11.10, 11.14, 11.16, 11.18).
 */
#include <string.h>

#include "transport/observer_internal.h"

enum {
	FUNCTION_ABORT_TASK = 1,
	FUNCTION_TASK_REASSIGN = 8,
	FUNCTION_QUERY_TASK = 9,
	FUNCTION_LAST = 12, /* RFC 7144 */
};

enum {
	LOGOUT_SESSION = 0,
	LOGOUT_CONNECTION = 1,
	LOGOUT_RECOVERY = 2,
};

enum {
	SNACK_DATA_R2T = 0,
	SNACK_STATUS = 1,
	SNACK_DATA_ACK = 2,
	SNACK_R_DATA = 3,
};

/* --- task management -------------------------------------------------------------------------- */

static void judge_abort(struct iscsi_watch *watch, const struct iscsi_task_management_request *tmf)
{
	const struct seen_task *task = seen_task_find(watch->session, tmf->referenced_tag);

	if (!task || task->opcode != ISCSI_SCSI_COMMAND)
		return;
	watch_judge(watch, ISCSI_CHECK_TMF_LUN, memcmp(task->bhs + 8, tmf->lun, 8) == 0,
		    "the command's LUN", "%02x%02x%02x%02x...", tmf->lun[0], tmf->lun[1],
		    tmf->lun[2], tmf->lun[3]);
	watch_judge_equal(watch, ISCSI_CHECK_TMF_REFCMDSN, "RefCmdSN", task->cmd_sn,
			  tmf->ref_cmd_sn);
	if (task->watch)
		watch_judge(watch, ISCSI_CHECK_TMF_ALLEGIANCE, task->watch == watch,
			    "the command's connection", "another one");
}

static void take_management(struct iscsi_watch *watch, const uint8_t *bhs)
{
	struct iscsi_task_management_request tmf;
	uint32_t last = FUNCTION_TASK_REASSIGN;

	iscsi_task_management_request_decode(bhs, &tmf);
	if (watch->params.protocol_level >= 2)
		last = FUNCTION_LAST;
	watch_judge(watch, ISCSI_CHECK_TMF_FUNCTION_LEGAL,
		    tmf.function >= 1 && tmf.function <= last, "an assigned function", "%u",
		    tmf.function);
	if (tmf.function != FUNCTION_ABORT_TASK && tmf.function != FUNCTION_TASK_REASSIGN &&
	    tmf.function != FUNCTION_QUERY_TASK)
		watch_judge_equal(watch, ISCSI_CHECK_TMF_RESERVED_RTT, "Referenced Task Tag",
				  ISCSI_NO_TAG, tmf.referenced_tag);
	if (tmf.function == FUNCTION_ABORT_TASK)
		judge_abort(watch, &tmf);
	if (tmf.function == FUNCTION_TASK_REASSIGN)
		watch_judge(watch, ISCSI_CHECK_TMF_REASSIGN_IMMEDIATE, tmf.immediate, "I set",
			    "I clear");
}

/* --- NOP-Out ---------------------------------------------------------------------------------- */

static bool ping_answered(struct iscsi_watch *watch, uint32_t ttt)
{
	for (unsigned i = 0; i < SEEN_PINGS_MAX; i++) {
		if (watch->pings[i] != ttt)
			continue;
		watch->pings[i] = ISCSI_NO_TAG;
		return true;
	}
	return false;
}

static void take_ping(struct iscsi_watch *watch, const struct iscsi_nop_out *nop)
{
	static const uint8_t zeros[8];
	bool clean = nop->ttt == ISCSI_NO_TAG && memcmp(nop->lun, zeros, sizeof(zeros)) == 0;

	watch_judge(watch, ISCSI_CHECK_NOP_PING_FIELDS, clean, "TTT 0xffffffff, LUN 0",
		    "TTT 0x%08x, LUN %02x%02x...", nop->ttt, nop->lun[0], nop->lun[1]);
	if (watch->has_pinged)
		watch_judge(watch, ISCSI_CHECK_NOP_RATE,
			    watch->now_ms - watch->pinged_ms >= ISCSI_OBSERVER_PING_MS,
			    "a tenth of a second between pings", "%llu ms",
			    (unsigned long long)(watch->now_ms - watch->pinged_ms));
	watch->has_pinged = true;
	watch->pinged_ms = watch->now_ms;
}

static void take_nop(struct iscsi_watch *watch, const uint8_t *bhs)
{
	struct iscsi_nop_out nop;

	iscsi_nop_out_decode(bhs, &nop);
	if (nop.itt != ISCSI_NO_TAG) {
		take_ping(watch, &nop);
		return;
	}
	watch_judge(watch, ISCSI_CHECK_NOP_ITT_RESERVED_IMMEDIATE, nop.immediate, "I set",
		    "I clear");
	if (nop.ttt != ISCSI_NO_TAG)
		watch_judge(watch, ISCSI_CHECK_NOP_UNPROMPTED_TTT, ping_answered(watch, nop.ttt),
			    "the tag of an open ping", "0x%08x", nop.ttt);
}

/* --- Text ------------------------------------------------------------------------------------- */

static void begin_text(struct iscsi_watch *watch, const struct iscsi_text_request *text)
{
	watch->text_open = true;
	watch->text_immediate = text->immediate;
	watch->text_itt = text->itt;
	watch->text_ttt = ISCSI_NO_TAG;
}

static void take_text(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu)
{
	struct iscsi_text_request text;
	const uint8_t *bytes;
	uint32_t len;

	iscsi_text_request_decode(pdu->bhs, &text);
	watch_judge(watch, ISCSI_CHECK_TEXT_F_INTENT, !(text.final && text.cont), "F or C", "both");
	bool goes_on = watch->text_open && text.itt == watch->text_itt;
	watch_judge(watch, ISCSI_CHECK_SEQ_TEXT_SINGLE, !watch->text_open || goes_on,
		    "one negotiation at a time", "another one begins");
	if (goes_on)
		watch_judge(watch, ISCSI_CHECK_TEXT_I_CONSTANT,
			    text.immediate == watch->text_immediate, "the I bit of the first",
			    "the other");
	watch_judge_equal(watch, ISCSI_CHECK_TEXT_FIELDS, "Target Transfer Tag",
			  goes_on ? watch->text_ttt : ISCSI_NO_TAG, text.ttt);
	if (!goes_on)
		begin_text(watch, &text);
	if (watch_gather(watch, pdu, text.cont, &bytes, &len))
		watch_text(watch, ISCSI_STAGE_FULL_FEATURE, bytes, len);
}

/* --- Logout ----------------------------------------------------------------------------------- */

static void take_logout(struct iscsi_watch *watch, const uint8_t *bhs)
{
	struct seen_session *session = watch->session;
	struct iscsi_logout_request logout;

	iscsi_logout_request_decode(bhs, &logout);
	bool known = logout.reason != LOGOUT_CONNECTION || logout.cid == watch->cid ||
		     session->conns > 1;
	watch_judge(watch, ISCSI_CHECK_LOGOUT_FIELDS, logout.reason <= LOGOUT_RECOVERY && known,
		    "reason 0 to 2, a CID that there is", "reason %u, CID %u", logout.reason,
		    logout.cid);
	watch_judge(watch, ISCSI_CHECK_LOGOUT_RECOVERY_ERL,
		    logout.reason != LOGOUT_RECOVERY || watch->params.error_recovery_level == 2,
		    "reason 2 at ErrorRecoveryLevel 2", "at level %u",
		    watch->params.error_recovery_level);
	if (session->discovery)
		watch_judge(watch, ISCSI_CHECK_DISC_ALLOWED_PDUS, logout.reason == LOGOUT_SESSION,
			    "Logout with reason 0", "reason %u", logout.reason);
	if (logout.reason == LOGOUT_SESSION)
		session->logged_out = true;
	if (logout.reason == LOGOUT_SESSION ||
	    (logout.reason == LOGOUT_CONNECTION && logout.cid == watch->cid))
		watch->logout_sent = true;
	/* The last connection's logout ends the session too. */
	if (logout.reason == LOGOUT_CONNECTION && session->conns == 1)
		session->logged_out = true;
}

/* --- SNACK ------------------------------------------------------------------------------------ */

static const char *snack_fault(const struct iscsi_snack_request *snack)
{
	bool itt = snack->itt != ISCSI_NO_TAG, ttt = snack->ttt != ISCSI_NO_TAG;
	bool run = snack->run_len != 0;

	switch (snack->type) {
	case SNACK_DATA_R2T:
		return !itt ? "no task tag" : ttt ? "a Target Transfer Tag" : NULL;
	case SNACK_STATUS:
		return itt ? "a task tag" : ttt ? "a Target Transfer Tag" : NULL;
	case SNACK_DATA_ACK:
		return itt ? "a task tag" : !ttt ? "no Target Transfer Tag" : run ? "a run" : NULL;
	case SNACK_R_DATA:
		if (!itt || !ttt || snack->ttt == 0)
			return "no tag";
		return run || snack->beg_run != 0 ? "a run" : NULL;
	default:
		return "an unknown type";
	}
}

static void take_snack(struct iscsi_watch *watch, const uint8_t *bhs)
{
	struct iscsi_snack_request snack;

	iscsi_snack_request_decode(bhs, &snack);
	watch_acknowledge(watch, ISCSI_CHECK_SEQ_EXPSTATSN_VALID, snack.exp_stat_sn);
	bool may = watch->params.error_recovery_level > 0;
	watch_judge(watch, ISCSI_CHECK_SNACK_ERL, may, "none at ErrorRecoveryLevel 0", "type %u",
		    snack.type);
	if (!may)
		return;
	const char *fault = snack_fault(&snack);
	watch_judge(watch, ISCSI_CHECK_SNACK_FIELDS, !fault, "what the type wants", "type %u, %s",
		    snack.type, fault ? fault : "");
}

/* --- all of them ------------------------------------------------------------------------------ */

static void judge_silence(struct iscsi_watch *watch, const struct iscsi_bhs *head)
{
	bool answer = head->opcode == ISCSI_NOP_OUT && head->itt == ISCSI_NO_TAG;

	if ((!watch->logout_sent && !watch->session->logged_out) || answer ||
	    head->opcode == ISCSI_DATA_OUT)
		return;
	watch_judge(watch, ISCSI_CHECK_LOGOUT_SILENCE, false, "nothing behind Logout", "%s",
		    iscsi_opcode_name(head->opcode));
}

static void judge_discovery(struct iscsi_watch *watch, const struct iscsi_bhs *head)
{
	bool answer = head->opcode == ISCSI_NOP_OUT && head->itt == ISCSI_NO_TAG;

	if (!watch->session->discovery || head->opcode == ISCSI_LOGOUT_REQUEST)
		return;
	watch_judge(watch, ISCSI_CHECK_DISC_ALLOWED_PDUS,
		    answer || head->opcode == ISCSI_TEXT_REQUEST, "Text and Logout", "%s",
		    iscsi_opcode_name(head->opcode));
}

static struct seen_task *add_task(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu,
				  const struct iscsi_bhs *head)
{
	struct iscsi_nop_out request;

	if (head->itt == ISCSI_NO_TAG || seen_task_find(watch->session, head->itt))
		return NULL;
	struct seen_task *task = seen_task_add(watch, head->opcode, head->itt, pdu->bhs);
	if (!task)
		return NULL;
	iscsi_nop_out_decode(pdu->bhs, &request);
	task->cmd_sn = request.cmd_sn;
	return task;
}

static void take_numbered(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu,
			  const struct iscsi_bhs *head)
{
	if (watch_numbers(watch, pdu, head))
		return;
	struct seen_task *task = add_task(watch, pdu, head);
	if (head->opcode == ISCSI_SCSI_COMMAND)
		watch_command(watch, pdu, task);
	else if (head->opcode == ISCSI_TASK_MANAGEMENT_REQUEST)
		take_management(watch, pdu->bhs);
	else if (head->opcode == ISCSI_NOP_OUT)
		take_nop(watch, pdu->bhs);
	else if (head->opcode == ISCSI_TEXT_REQUEST)
		take_text(watch, pdu);
	else if (head->opcode == ISCSI_LOGOUT_REQUEST)
		take_logout(watch, pdu->bhs);
}

void watch_request(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu,
		   const struct iscsi_bhs *head)
{
	judge_silence(watch, head);
	judge_discovery(watch, head);
	if (head->opcode == ISCSI_DATA_OUT)
		watch_data_out(watch, pdu);
	else if (head->opcode == ISCSI_SNACK_REQUEST)
		take_snack(watch, pdu->bhs);
	else if (head->opcode != ISCSI_LOGIN_REQUEST)
		take_numbered(watch, pdu, head);
}
