/*
 * CmdSN, ExpStatSN and task tags (RFC 7143 4.2.2, 11.2.1.8).
 *
 * A session with several connections may show its numbers out of order without any fault; there,
 * only what one connection does is judged.
 */
#include <string.h>

#include "transport/observer_internal.h"

#define RETRY_DISTANCE_MAX 0x7fffffffu

/* --- acknowledgements ------------------------------------------------------------------------- */

void watch_status_sent(struct iscsi_watch *watch, uint32_t stat_sn)
{
	/* One that is sent once more says nothing new. */
	if (iscsi_sn_before(stat_sn, watch->next_stat_sn))
		return;
	watch->next_stat_sn = stat_sn + 1;
	if (watch->has_unacked)
		return;
	watch->has_unacked = true;
	watch->unacked_sn = stat_sn;
	watch->unacked_ms = watch->now_ms;
}

static void judge_progress(struct iscsi_watch *watch, uint32_t exp_stat_sn)
{
	if (!watch->has_unacked)
		return;
	bool acked = iscsi_sn_before(watch->unacked_sn, exp_stat_sn);
	uint64_t waited_ms = watch->now_ms - watch->unacked_ms;
	watch_judge(watch, ISCSI_CHECK_SEQ_EXPSTATSN_PROGRESS,
		    acked || waited_ms < ISCSI_OBSERVER_ACK_MS, "a status is acknowledged soon",
		    "not in %llu ms", (unsigned long long)waited_ms);
	if (!acked)
		return;
	watch->unacked_sn = exp_stat_sn;
	watch->unacked_ms = watch->now_ms;
	watch->has_unacked = exp_stat_sn != watch->next_stat_sn;
}

void watch_acknowledge(struct iscsi_watch *watch, enum iscsi_passive_check check,
		       uint32_t exp_stat_sn)
{
	if (!watch->acked) {
		watch->acked = true;
		watch->exp_stat_sn = exp_stat_sn;
		watch_judge_equal(watch, ISCSI_CHECK_LOGIN_EXPSTATSN_FFP, "ExpStatSN",
				  watch->next_stat_sn, exp_stat_sn);
		return;
	}
	bool back = iscsi_sn_before(exp_stat_sn, watch->exp_stat_sn);
	bool beyond = iscsi_sn_before(watch->next_stat_sn, exp_stat_sn);
	watch_judge(watch, check, !back && !beyond, "from the last ExpStatSN to StatSN + 1",
		    "0x%08x is outside 0x%08x to 0x%08x", exp_stat_sn, watch->exp_stat_sn,
		    watch->next_stat_sn);
	if (back || beyond)
		return;
	watch->exp_stat_sn = exp_stat_sn;
	judge_progress(watch, exp_stat_sn);
}

/* --- command numbers -------------------------------------------------------------------------- */

static void hole_open(struct iscsi_watch *watch, uint32_t cmd_sn)
{
	struct seen_session *session = watch->session;

	for (unsigned i = 0; i < SEEN_HOLES_MAX; i++) {
		if (session->holes[i].used)
			continue;
		session->holes[i] =
			(struct seen_hole){.used = true, .cmd_sn = cmd_sn, .watch = watch};
		return;
	}
}

/* The hole that the number fills, closed; NULL: there is none. */
static struct seen_hole *hole_close(struct seen_session *session, uint32_t cmd_sn)
{
	for (unsigned i = 0; i < SEEN_HOLES_MAX; i++) {
		struct seen_hole *hole = &session->holes[i];
		if (!hole->used || hole->cmd_sn != cmd_sn)
			continue;
		hole->used = false;
		return hole;
	}
	return NULL;
}

/* What nobody has filled was skipped. */
static void holes_judge(struct iscsi_watch *watch)
{
	struct seen_session *session = watch->session;

	for (unsigned i = 0; i < SEEN_HOLES_MAX; i++) {
		if (!session->holes[i].used)
			continue;
		watch_judge(watch, ISCSI_CHECK_SEQ_CMDSN_INCREMENT, false, "every CmdSN in turn",
			    "0x%08x was skipped", session->holes[i].cmd_sn);
		session->holes[i].used = false;
	}
}

void watch_holes_end(struct iscsi_watch *watch)
{
	if (!watch->session->many_conns)
		holes_judge(watch);
}

static void take_gap(struct iscsi_watch *watch, uint32_t cmd_sn)
{
	struct seen_session *session = watch->session;

	if (session->immediate_between && cmd_sn == session->next_cmd_sn + 1 &&
	    !session->many_conns)
		watch_judge(watch, ISCSI_CHECK_SEQ_IMMEDIATE_CMDSN, false,
			    "the number that the immediate request had", "one more");
	else
		hole_open(watch, session->next_cmd_sn);
	session->next_cmd_sn = cmd_sn + 1;
}

/* A number from before: it fills a hole, or it was there already. */
static void take_old(struct iscsi_watch *watch, uint32_t cmd_sn)
{
	struct seen_hole *hole = hole_close(watch->session, cmd_sn);

	if (hole)
		watch_judge(watch, ISCSI_CHECK_SEQ_CMDSN_ORDER, hole->watch != watch,
			    "in the order of CmdSN", "0x%08x behind a later one", cmd_sn);
	else if (!watch->session->many_conns)
		watch_judge_equal(watch, ISCSI_CHECK_SEQ_CMDSN_INCREMENT, "CmdSN",
				  watch->session->next_cmd_sn, cmd_sn);
}

static void take_number(struct iscsi_watch *watch, uint32_t cmd_sn)
{
	struct seen_session *session = watch->session;
	bool inside = !iscsi_sn_before(session->max_cmd_sn, cmd_sn);

	watch_judge(watch, ISCSI_CHECK_SEQ_CMDSN_WINDOW, inside, "up to MaxCmdSN",
		    "0x%08x over 0x%08x", cmd_sn, session->max_cmd_sn);
	if (!inside)
		return; /* to the target it does not exist (RFC 7143 4.2.2.1) */
	if (!session->numbered) {
		session->numbered = true;
		watch_judge_equal(watch, ISCSI_CHECK_LOGIN_CMDSN_FIRST_COMMAND, "CmdSN",
				  session->first_cmd_sn, cmd_sn);
		session->next_cmd_sn = cmd_sn + 1;
	} else if (cmd_sn == session->next_cmd_sn) {
		watch_judge(watch, ISCSI_CHECK_SEQ_CMDSN_INCREMENT, true, "", " ");
		watch_judge(watch, ISCSI_CHECK_SEQ_CMDSN_ORDER, true, "", " ");
		session->next_cmd_sn++;
		if (!session->many_conns)
			holes_judge(watch);
	} else if (iscsi_sn_before(cmd_sn, session->next_cmd_sn)) {
		take_old(watch, cmd_sn);
	} else {
		take_gap(watch, cmd_sn);
	}
	session->immediate_between = false;
	if (!session->has_retry)
		return;
	watch_judge(watch, ISCSI_CHECK_SEQ_RETRY_DISTANCE,
		    cmd_sn - session->retry_cmd_sn < RETRY_DISTANCE_MAX,
		    "less than 2^31 - 1 numbers behind a retry", "0x%08x behind 0x%08x", cmd_sn,
		    session->retry_cmd_sn);
}

static void take_immediate(struct iscsi_watch *watch, const struct iscsi_bhs *head, uint32_t cmd_sn)
{
	struct seen_session *session = watch->session;

	if (session->many_conns)
		return;
	watch_judge_equal(watch, ISCSI_CHECK_SEQ_IMMEDIATE_CMDSN, "CmdSN", session->next_cmd_sn,
			  cmd_sn);
	session->immediate_between = cmd_sn == session->next_cmd_sn;
	if (session->has_retry && head->opcode == ISCSI_NOP_OUT && head->itt != ISCSI_NO_TAG)
		session->fence_itt = head->itt;
}

/* --- tags ------------------------------------------------------------------------------------- */

/* Is it the same command once more? Those are let be by the target, or answered once. */
static bool take_retry(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu,
		       const struct iscsi_bhs *head, const struct seen_task *task, uint32_t cmd_sn)
{
	struct seen_session *session = watch->session;
	uint8_t now[ISCSI_BHS_LEN], then[ISCSI_BHS_LEN];

	if (head->opcode != ISCSI_SCSI_COMMAND || task->opcode != ISCSI_SCSI_COMMAND ||
	    head->immediate || task->cmd_sn != cmd_sn)
		return false;
	memcpy(now, pdu->bhs, sizeof(now));
	memcpy(then, task->bhs, sizeof(then));
	memset(now + 28, 0, 4); /* ExpStatSN goes on */
	memset(then + 28, 0, 4);
	bool same = memcmp(now, then, sizeof(now)) == 0;
	watch_judge(watch, ISCSI_CHECK_SEQ_RETRY_IDENTICAL, same && task->watch == watch,
		    "the same command on the same connection",
		    same ? "another connection" : "another header");
	session->has_retry = true;
	session->retry_cmd_sn = cmd_sn;
	return true;
}

static bool may_have_no_tag(const struct iscsi_bhs *head)
{
	return head->opcode == ISCSI_NOP_OUT;
}

/* A Text Request that goes on has the tag of the one before. */
static bool goes_on(const struct iscsi_watch *watch, const struct iscsi_bhs *head)
{
	return head->opcode == ISCSI_TEXT_REQUEST && watch->text_open &&
	       watch->text_itt == head->itt;
}

bool watch_numbers(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu,
		   const struct iscsi_bhs *head)
{
	struct iscsi_nop_out request; /* every request has its numbers where this one has them */

	iscsi_nop_out_decode(pdu->bhs, &request);
	if (!may_have_no_tag(head))
		watch_judge(watch, ISCSI_CHECK_SEQ_ITT_RESERVED, head->itt != ISCSI_NO_TAG,
			    "another tag than 0xffffffff", "that");
	watch_acknowledge(watch, ISCSI_CHECK_SEQ_EXPSTATSN_VALID, request.exp_stat_sn);
	const struct seen_task *task = seen_task_find(watch->session, head->itt);
	if (task && take_retry(watch, pdu, head, task, request.cmd_sn))
		return true;
	if (head->itt != ISCSI_NO_TAG && !goes_on(watch, head))
		watch_judge(watch, ISCSI_CHECK_SEQ_ITT_UNIQUE, !task, "a tag that is free",
			    "0x%08x is in use", head->itt);
	if (head->immediate)
		take_immediate(watch, head, request.cmd_sn);
	else
		take_number(watch, request.cmd_sn);
	return false;
}
