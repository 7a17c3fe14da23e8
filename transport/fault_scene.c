/*
 * What there is to match: of a connection, a PDU, a command.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "target/trace.h"
#include "transport/fault_internal.h"

static const char *or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static void take_login(const struct iscsi_conn *conn, struct fault_moment *moment)
{
	const struct iscsi_login *login = conn->login;

	moment->initiator = or_null(login->initiator_name);
	moment->target = or_null(login->target_name);
	moment->discovery = login->type == ISCSI_SESSION_DISCOVERY;
	if (!moment->text)
		return;
	if (!moment->initiator)
		moment->initiator =
			fault_text_value(moment->text, moment->text_len, "InitiatorName");
	if (!moment->target)
		moment->target = fault_text_value(moment->text, moment->text_len, "TargetName");
	const char *type = fault_text_value(moment->text, moment->text_len, "SessionType");
	if (type)
		moment->discovery = strcmp(type, "Discovery") == 0;
}

static void take_session(const struct iscsi_session *session, struct fault_moment *moment)
{
	moment->initiator = session->id.initiator_name;
	moment->isid = session->id.isid;
	moment->target = session->target ? scsi_target_name(session->target) : NULL;
	moment->discovery = session->type == ISCSI_SESSION_DISCOVERY;
	moment->tsih = session->tsih;
}

void fault_scene_conn(struct iscsi_conn *conn, struct fault_moment *ret)
{
	ret->portal = conn->portal->portal_group_tag;
	ret->cid = conn->cid;
	ret->stage = conn->login ? ISCSI_STAGE_SECURITY : ISCSI_STAGE_FULL_FEATURE;
	if (conn->login)
		take_login(conn, ret);
	if (conn->session)
		take_session(conn->session, ret);
}

static void set_lun(struct fault_moment *moment, const uint8_t *lun_bytes)
{
	/* Peripheral and flat addressing: the number stands in the second byte, as there are no
	 * more than 256. */
	moment->has_lun = true;
	moment->lun = lun_bytes[1];
}

static void take_login_pdu(struct fault_moment *moment)
{
	struct iscsi_login_request request;

	iscsi_login_request_decode(moment->bhs, &request);
	moment->stage = (enum iscsi_stage)request.csg;
	moment->isid = moment->bhs + 8;
	if (moment->opcode == ISCSI_LOGIN_REQUEST)
		moment->cid = request.cid;
}

static void take_status(struct fault_moment *moment)
{
	struct iscsi_scsi_response response;
	struct iscsi_data_in data_in;

	if (moment->opcode == ISCSI_SCSI_RESPONSE) {
		iscsi_scsi_response_decode(moment->bhs, &response);
		moment->has_status = true;
		moment->status = response.status;
	} else if (moment->opcode == ISCSI_DATA_IN) {
		iscsi_data_in_decode(moment->bhs, &data_in);
		moment->has_status = data_in.has_status;
		moment->status = data_in.status;
	}
}

void fault_scene_pdu(struct iscsi_conn *conn, const struct iscsi_task *task,
		     struct fault_moment *ret)
{
	struct iscsi_task_management_request manage;

	fault_scene_conn(conn, ret);
	if (ret->opcode == ISCSI_LOGIN_REQUEST || ret->opcode == ISCSI_LOGIN_RESPONSE)
		take_login_pdu(ret);
	take_status(ret);
	if (iscsi_pdu_field_find(ret->opcode, "lun"))
		set_lun(ret, ret->bhs + 8);
	if (ret->opcode == ISCSI_SCSI_COMMAND)
		ret->cdb = ret->bhs + 32;
	if (ret->opcode == ISCSI_TASK_MANAGEMENT_REQUEST) {
		iscsi_task_management_request_decode(ret->bhs, &manage);
		ret->function = manage.function;
	}
	if (task) {
		ret->cdb = task->scsi.cdb;
		set_lun(ret, task->scsi.lun_bytes);
	}
}

void fault_scene_task(const struct iscsi_task *task, struct fault_moment *ret)
{
	if (task->conn)
		fault_scene_conn(task->conn, ret);
	else if (task->session)
		take_session(task->session, ret);
	ret->cdb = task->scsi.cdb;
	set_lun(ret, task->scsi.lun_bytes);
}

struct iscsi_task *fault_scene_task_of(struct iscsi_conn *conn, uint8_t opcode, uint32_t itt)
{
	bool has_task = opcode == ISCSI_R2T || opcode == ISCSI_DATA_OUT ||
			opcode == ISCSI_DATA_IN || opcode == ISCSI_SCSI_RESPONSE;

	return has_task && conn->session ? iscsi_session_find_task(conn->session, itt) : NULL;
}

static const char *moment_name(const struct fault_moment *moment)
{
	const char *word = NULL;

	switch (moment->kind) {
	case FAULT_COMMAND:
		return "command";
	case FAULT_RESULT:
		return "result";
	case FAULT_ACCEPT:
		return "accept";
	case FAULT_RECEIVED:
	case FAULT_SENT:
		word = iscsi_pdu_word(moment->opcode);
		break;
	}
	return word ? word : "unknown PDU";
}

/* NULL: no memory; then it counts with everybody. */
static struct fault_count *own_count(struct iscsi_conn *conn, const struct fault_rule *rule)
{
	struct fault_own_count *own;

	if (!rule->per_connection || !conn->fault)
		return NULL;
	LL_SEARCH_SCALAR(conn->fault->counts, own, rule, rule);
	if (own)
		return &own->count;
	own = calloc(1, sizeof(*own));
	if (!own)
		return NULL;
	own->rule = rule;
	LL_PREPEND(conn->fault->counts, own);
	return &own->count;
}

bool fault_fires(struct iscsi_conn *conn, struct fault_rule *rule, struct fault_moment *moment)
{
	moment->now_ms = conn->node->now_ms;
	return fault_rule_fires(rule, moment, own_count(conn, rule));
}

static void note_place(struct iscsi_conn *conn, struct fault_rule *rule,
		       const struct iscsi_fault_event *event)
{
	struct iscsi_fault_place place = {
		.is_pdu = event->is_pdu,
		.is_sent = event->is_sent,
		.pdu = event->pdu,
		.itt = event->itt,
		.sent = conn->fault->wire_sent,
		.received = conn->fault->received,
	};

	/* The PDU at hand does not count. */
	if (event->is_pdu && !event->is_sent)
		place.received--;
	snprintf(place.peer, sizeof(place.peer), "%s", conn->peer);
	fault_rule_note(rule, &place);
}

void fault_tell(struct iscsi_conn *conn, struct fault_rule *rule, const struct fault_moment *moment,
		uint32_t itt)
{
	const struct iscsi_faults *faults = conn->node->faults;
	struct iscsi_fault_event event = {
		.rule = rule->id,
		.what = rule->what,
		.moment = moment_name(moment),
		.initiator = moment->initiator ? moment->initiator : "",
		.peer = conn->peer,
		.tsih = moment->tsih,
		.cid = moment->cid,
		.is_pdu = (moment->kind & FAULT_PDUS) != 0,
		.is_sent = moment->kind == FAULT_SENT,
		.pdu = moment->index,
		.itt = itt,
	};

	char what[TRACE_NOTE_MAX];

	note_place(conn, rule, &event);
	snprintf(what, sizeof(what), "rule %s on %s: %s", event.rule, event.moment, event.what);
	trace_put_fault(conn->node->config.trace, conn->who, itt,
			moment->has_lun ? moment->lun : TRACE_NO_LUN, what);
	if (faults->fired)
		faults->fired(faults->fired_context, &event);
}
