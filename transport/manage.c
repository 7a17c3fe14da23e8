/*
 * Task management (RFC 7143 11.5, 11.6; RFC 7144 4.2).
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "transport/conn_internal.h"

#define FUNCTION_TASK_REASSIGN 8
#define PROTOCOL_LEVEL_RFC7144 2

bool iscsi_manage_has_queries(const struct iscsi_session *session)
{
	return session->params.protocol_level >= PROTOCOL_LEVEL_RFC7144;
}

bool iscsi_manage_uses_itt(const struct iscsi_session *session, uint32_t itt)
{
	for (const struct iscsi_tmf *f = session->tmfs; f; f = f->next)
		if (f->itt == itt)
			return true;
	return false;
}

uint8_t iscsi_manage_check(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	struct iscsi_task_management_request request;

	iscsi_task_management_request_decode(pdu->bhs, &request);
	if (request.itt == ISCSI_NO_TAG)
		return ISCSI_REJECT_INVALID_PDU_FIELD;
	if (iscsi_session_find_task(conn->session, request.itt) ||
	    iscsi_manage_uses_itt(conn->session, request.itt))
		return ISCSI_REJECT_TASK_IN_PROGRESS;
	if (request.immediate &&
	    conn->immediate_functions >= conn->node->config.limits.immediate_max)
		return ISCSI_REJECT_TOO_MANY_IMMEDIATE;
	return 0;
}

/* --- the answer ------------------------------------------------------------------------------- */

static void tmf_respond(const struct iscsi_tmf *tmf)
{
	struct iscsi_conn *conn = tmf->conn;

	if (!conn || conn->state != ISCSI_CONN_FULL_FEATURE)
		return;
	struct iscsi_out *out = iscsi_out_new(conn, ISCSI_OUT_TASK_MANAGEMENT_RESPONSE);
	if (!out)
		return;
	out->pdu.management = (struct iscsi_task_management_response){
		.response = (uint8_t)tmf->scsi.response,
		.itt = tmf->itt,
	};
	memcpy(out->pdu.management.additional, tmf->scsi.additional, sizeof(tmf->scsi.additional));
	out->function = (uint8_t)tmf->scsi.function;
	iscsi_out_push(conn, out);
}

void iscsi_node_close_target(struct iscsi_node *node, const char *target_name)
{
	for (struct iscsi_session *s = node->sessions; s; s = s->next) {
		if (s->state == ISCSI_SESSION_ENDED || !s->target ||
		    strcmp(scsi_target_name(s->target), target_name) != 0)
			continue;
		for (struct iscsi_conn *c = s->conns; c; c = c->session_next)
			iscsi_conn_doom(c, "target cold reset", false);
	}
}

static void close_all_connections(const struct iscsi_session *issuer)
{
	const struct iscsi_node_config *config = &issuer->node->config;
	const char *name = scsi_target_name(issuer->target);

	iscsi_node_close_target(issuer->node, name);
	if (config->cold_reset)
		config->cold_reset(config->cold_reset_context, name);
}

void iscsi_manage_drop(struct iscsi_tmf *tmf)
{
	struct iscsi_session *session = tmf->session;

	DL_DELETE(session->tmfs, tmf);
	if (!tmf->immediate)
		iscsi_window_release(session);
	else if (tmf->conn)
		tmf->conn->immediate_functions--;
	free(tmf);
}

void iscsi_manage_finish(struct iscsi_tmf *tmf)
{
	struct iscsi_session *session = tmf->session;

	session->busy++;
	tmf_respond(tmf);
	if (tmf->scsi.function == SCSI_TMF_TARGET_COLD_RESET &&
	    tmf->scsi.response == SCSI_TMF_COMPLETE)
		close_all_connections(session);
	iscsi_manage_drop(tmf);
	session->busy--;
	iscsi_session_settle(session);
}

static void tmf_complete(struct scsi_tmf *scsi)
{
	iscsi_manage_fence(scsi->owner);
}

static void tmf_answer(struct iscsi_tmf *tmf, int response)
{
	tmf->scsi.response = (enum scsi_tmf_response)response;
	iscsi_manage_finish(tmf);
}

/* --- requests --------------------------------------------------------------------------------- */

static struct iscsi_tmf *tmf_new(struct iscsi_session *session, struct iscsi_conn *conn,
				 uint32_t itt, bool immediate)
{
	struct iscsi_tmf *tmf = calloc(1, sizeof(*tmf));

	if (!tmf)
		return NULL;
	tmf->session = session;
	tmf->conn = conn;
	tmf->itt = itt;
	tmf->immediate = immediate;
	tmf->scsi.nexus = session->nexus;
	tmf->scsi.owner = tmf;
	tmf->scsi.complete = tmf_complete;
	DL_APPEND(session->tmfs, tmf);
	if (conn && immediate)
		conn->immediate_functions++;
	return tmf;
}

void iscsi_manage_abort(struct iscsi_task *task)
{
	struct iscsi_tmf *tmf = tmf_new(task->session, NULL, ISCSI_NO_TAG, true);

	if (!tmf)
		return; /* then it runs to its end, and is answered to nobody */
	tmf->scsi.function = SCSI_TMF_ABORT_TASK;
	memcpy(tmf->scsi.lun_bytes, task->scsi.lun_bytes, sizeof(tmf->scsi.lun_bytes));
	tmf->scsi.referenced = &task->scsi;
	target_manage(&tmf->scsi);
}

/* The command has not been executed: it waits for its turn, or has not even come. Its CmdSN then
 * counts as received (RFC 7143 11.5.5). */
static bool plug_unseen(struct iscsi_session *session,
			const struct iscsi_task_management_request *request)
{
	uint32_t sn = request->ref_cmd_sn;
	struct iscsi_nop_out held_request;

	if (iscsi_sn_before(sn, session->exp_cmd_sn) || !iscsi_sn_before(sn, request->cmd_sn) ||
	    iscsi_sn_before(session->max_cmd_sn, sn))
		return false;
	const struct iscsi_held *held = iscsi_window_held(session, sn);
	if (held && !held->plug) {
		iscsi_nop_out_decode(held->bhs, &held_request);
		if (held_request.itt != request->referenced_tag)
			return false;
	}
	return iscsi_window_plug(session, sn);
}

static void abort_unknown(struct iscsi_conn *conn, struct iscsi_tmf *tmf,
			  const struct iscsi_task_management_request *request)
{
	struct iscsi_session *session = conn->session;

	if (request->referenced_tag != tmf->itt &&
	    iscsi_manage_uses_itt(session, request->referenced_tag)) {
		tmf_answer(tmf, SCSI_TMF_REJECTED);
		return;
	}
	bool plugged = plug_unseen(session, request);
	tmf_answer(tmf, plugged ? SCSI_TMF_COMPLETE : SCSI_TMF_NO_TASK);
	if (plugged)
		iscsi_dispatch_held(session);
}

static void abort_task(struct iscsi_conn *conn, struct iscsi_tmf *tmf,
		       const struct iscsi_task_management_request *request)
{
	struct iscsi_task *task = iscsi_session_find_task(conn->session, request->referenced_tag);

	if (!task) {
		abort_unknown(conn, tmf, request);
	} else if (task->conn && task->conn != conn) {
		tmf_answer(tmf, SCSI_TMF_REJECTED); /* RFC 7143 11.5.1: allegiance */
	} else if (memcmp(task->scsi.lun_bytes, request->lun, sizeof(request->lun)) != 0) {
		tmf_answer(tmf, SCSI_TMF_NO_TASK);
	} else if (task->state == ISCSI_TASK_REFUSED) {
		iscsi_task_end(task);
		tmf_answer(tmf, SCSI_TMF_COMPLETE);
	} else {
		tmf->scsi.referenced = &task->scsi;
		target_manage(&tmf->scsi);
	}
}

static void query_task(struct iscsi_conn *conn, struct iscsi_tmf *tmf,
		       const struct iscsi_task_management_request *request)
{
	struct iscsi_task *task = iscsi_session_find_task(conn->session, request->referenced_tag);
	bool there = task && memcmp(task->scsi.lun_bytes, request->lun, sizeof(request->lun)) == 0;

	tmf_answer(tmf, there ? SCSI_TMF_SUCCEEDED : SCSI_TMF_COMPLETE);
}

bool iscsi_manage_is_in_scope(const struct iscsi_tmf *tmf, const uint8_t *lun)
{
	return tmf->scsi.function == SCSI_TMF_TARGET_WARM_RESET ||
	       tmf->scsi.function == SCSI_TMF_TARGET_COLD_RESET ||
	       tmf->scsi.function == SCSI_TMF_I_T_NEXUS_RESET ||
	       memcmp(tmf->scsi.lun_bytes, lun, sizeof(tmf->scsi.lun_bytes)) == 0;
}

static struct iscsi_task *refused_in(const struct iscsi_tmf *tmf, uint32_t bucket)
{
	struct iscsi_task *task = tmf->session->tasks_by_itt[bucket];

	while (task && (task->state != ISCSI_TASK_REFUSED ||
			!iscsi_manage_is_in_scope(tmf, task->scsi.lun_bytes)))
		task = task->chain;
	return task;
}

/* Tasks that the device server has finished with, and that wait for data that was announced: no
 * response for them may follow the function's. */
static void abort_refused(const struct iscsi_tmf *tmf)
{
	struct iscsi_task *task;

	/* The room that one gives back can let another run, and end: look anew after each. */
	for (uint32_t i = 0; i <= tmf->session->ring_mask; i++)
		while ((task = refused_in(tmf, i)))
			iscsi_task_end(task);
}

/* Commands before it that still wait behind a hole are affected too, before they ever ran. */
static void abort_held(const struct iscsi_tmf *tmf)
{
	struct iscsi_session *session = tmf->session;
	uint32_t sn = session->exp_cmd_sn;

	for (; iscsi_sn_before(sn, tmf->cmd_sn) && !iscsi_sn_before(session->max_cmd_sn, sn);
	     sn++) {
		const struct iscsi_held *held = iscsi_window_held(session, sn);
		struct iscsi_bhs head;
		if (!held || held->plug)
			continue;
		iscsi_bhs_decode(held->bhs, &head);
		if (head.opcode == ISCSI_SCSI_COMMAND && iscsi_manage_is_in_scope(tmf, head.lun))
			iscsi_window_plug(session, sn);
	}
}

void iscsi_manage_execute(struct iscsi_tmf *tmf)
{
	abort_held(tmf);
	abort_refused(tmf);
	target_manage(&tmf->scsi);
}

/* RFC 7143 7.2.2: the task goes on behind the answer. */
static void task_reassign(struct iscsi_conn *conn, struct iscsi_tmf *tmf,
			  const struct iscsi_task_management_request *request)
{
	enum iscsi_reassign_verdict verdict = ISCSI_REASSIGN_NOT_SUPPORTED;

	if (request->referenced_tag != tmf->itt &&
	    iscsi_manage_uses_itt(conn->session, request->referenced_tag)) {
		tmf_answer(tmf, SCSI_TMF_REJECTED);
		return;
	}
	if (conn->session->params.error_recovery_level == 2)
		verdict = iscsi_lost_judge(conn->session, request->referenced_tag);
	tmf_answer(tmf, (int)verdict);
	if (verdict == ISCSI_REASSIGN_COMPLETE)
		iscsi_lost_resume(conn, request->referenced_tag, request->exp_data_sn);
}

static void rfc7144_function(struct iscsi_conn *conn, struct iscsi_tmf *tmf,
			     const struct iscsi_task_management_request *request)
{
	if (!iscsi_manage_has_queries(conn->session))
		tmf_answer(tmf, SCSI_TMF_NOT_SUPPORTED);
	else if (request->function == SCSI_TMF_QUERY_TASK)
		query_task(conn, tmf, request);
	else if (request->function == SCSI_TMF_I_T_NEXUS_RESET)
		iscsi_manage_wait(tmf);
	else
		target_manage(&tmf->scsi);
}

void iscsi_manage_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	struct iscsi_task_management_request request;

	iscsi_task_management_request_decode(pdu->bhs, &request);
	struct iscsi_tmf *tmf = tmf_new(conn->session, conn, request.itt, request.immediate);
	if (!tmf) {
		iscsi_conn_doom(conn, "out of memory", true);
		return;
	}
	tmf->cmd_sn = request.cmd_sn;
	tmf->scsi.function = (enum scsi_tmf_function)request.function;
	memcpy(tmf->scsi.lun_bytes, request.lun, sizeof(tmf->scsi.lun_bytes));
	switch (request.function) {
	case SCSI_TMF_ABORT_TASK:
		abort_task(conn, tmf, &request);
		break;
	case SCSI_TMF_ABORT_TASK_SET:
	case SCSI_TMF_CLEAR_TASK_SET:
	case SCSI_TMF_LOGICAL_UNIT_RESET:
	case SCSI_TMF_TARGET_WARM_RESET:
	case SCSI_TMF_TARGET_COLD_RESET:
		iscsi_manage_wait(tmf);
		break;
	case SCSI_TMF_CLEAR_ACA:
		target_manage(&tmf->scsi);
		break;
	case FUNCTION_TASK_REASSIGN:
		task_reassign(conn, tmf, &request);
		break;
	case SCSI_TMF_QUERY_TASK:
	case SCSI_TMF_QUERY_TASK_SET:
	case SCSI_TMF_I_T_NEXUS_RESET:
	case SCSI_TMF_QUERY_ASYNC_EVENT:
		rfc7144_function(conn, tmf, &request);
		break;
	default:
		tmf_answer(tmf, SCSI_TMF_NOT_SUPPORTED);
	}
}
