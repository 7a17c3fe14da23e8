/*
 * Text Request and Response in full feature phase (RFC 7143 6.4, 11.10, 11.11): SendTargets, and
 * the few keys that may still be negotiated.
 *
 * The question is gathered until F = 1, so that one exchange is one atomic negotiation; then its
 * answer goes out, in as many pieces as the initiator's MaxRecvDataSegmentLength makes of it.
 */
#include <stdio.h>
#include <string.h>

#include "transport/conn_internal.h"
#include "transport/discovery.h"

void iscsi_text_exchange_free(struct iscsi_text_exchange *text)
{
	iscsi_text_free(&text->request);
	iscsi_text_free(&text->answer);
	*text = (struct iscsi_text_exchange){0};
}

/* --- what may come ---------------------------------------------------------------------------- */

static bool is_idle(const struct iscsi_conn *conn)
{
	return conn->node->now_ms - conn->text.moved_ms >= ISCSI_TEXT_IDLE_MS;
}

static uint8_t check_place(const struct iscsi_conn *conn, const struct iscsi_text_request *request)
{
	const struct iscsi_text_exchange *text = &conn->text;

	if (request->ttt == ISCSI_NO_TAG) {
		/* A new one; the same ITT again starts over (RFC 7143 11.10.3). */
		return text->open && text->itt != request->itt && !is_idle(conn)
			       ? ISCSI_REJECT_TASK_IN_PROGRESS
			       : 0;
	}
	return text->open && text->itt == request->itt && text->ttt == request->ttt
		       ? 0
		       : ISCSI_REJECT_INVALID_PDU_FIELD;
}

uint8_t iscsi_text_check(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	struct iscsi_text_request request;

	iscsi_text_request_decode(pdu->bhs, &request);
	if (request.itt == ISCSI_NO_TAG)
		return ISCSI_REJECT_INVALID_PDU_FIELD;
	if (iscsi_session_find_task(conn->session, request.itt) ||
	    iscsi_manage_uses_itt(conn->session, request.itt))
		return ISCSI_REJECT_TASK_IN_PROGRESS;
	uint8_t reason = check_place(conn, &request);
	if (reason != 0)
		return reason;
	bool goes_on = request.ttt != ISCSI_NO_TAG;
	if ((request.final && request.cont) ||
	    (goes_on && conn->text.answering && pdu->data_len > 0))
		return ISCSI_REJECT_PROTOCOL_ERROR;
	uint64_t len = (goes_on ? conn->text.request.len : 0) + (uint64_t)pdu->data_len;
	return len > conn->node->config.limits.login_text_max ? ISCSI_REJECT_LONG_OPERATION : 0;
}

/* --- SendTargets ------------------------------------------------------------------------------ */

/* Where the port begins in "host:port" or "[host]:port"; "" when there is none. */
static const char *port_of(const char *address)
{
	const char *colon = strrchr(address, ':');
	const char *bracket = strrchr(address, ']');

	return colon && (!bracket || colon > bracket) ? colon : "";
}

/*
 * A wildcard portal is reachable at the address that this connection came to, under the portal's
 * own port; when it speaks another address family nothing is known. False: not to be listed.
 */
static bool portal_address(const struct iscsi_conn *conn, const struct iscsi_portal *portal,
			   char ret[ISCSI_ADDRESS_MAX])
{
	if (!portal->wildcard) {
		snprintf(ret, ISCSI_ADDRESS_MAX, "%s", portal->address);
		return true;
	}
	if (portal == conn->portal) {
		snprintf(ret, ISCSI_ADDRESS_MAX, "%s", conn->local_address);
		return true;
	}
	if ((portal->address[0] == '[') != (conn->local_address[0] == '['))
		return false;
	size_t host_len = strlen(conn->local_address) - strlen(port_of(conn->local_address));
	int n = snprintf(ret, ISCSI_ADDRESS_MAX, "%.*s%s", (int)host_len, conn->local_address,
			 port_of(portal->address));
	return n > 0 && n < ISCSI_ADDRESS_MAX;
}

/* With every portal that leads to it (the first 64 of them); without any it is not listed. */
static void add_target(struct iscsi_conn *conn, const struct scsi_target *target)
{
	enum {
		ADDRESSES_MAX = 64
	};
	char text[ADDRESSES_MAX][ISCSI_ADDRESS_MAX];
	struct iscsi_discovery_address addresses[ADDRESSES_MAX];
	struct iscsi_discovery_target entry = {
		.name = scsi_target_name(target),
		.addresses = addresses,
	};

	/* What the asker may not log in to is not there for it. */
	if (!iscsi_node_may_see(conn->node, target, conn->session->id.initiator_name))
		return;
	for (const struct iscsi_portal *p = conn->node->portals; p; p = p->next) {
		size_t n = entry.address_count;
		if (n == ADDRESSES_MAX)
			break;
		if (!scsi_target_has_port(target, p->portal_group_tag) ||
		    !portal_address(conn, p, text[n]))
			continue;
		addresses[n].address = text[n];
		addresses[n].portal_group_tag = p->portal_group_tag;
		entry.address_count++;
	}
	if (entry.address_count > 0)
		iscsi_discovery_add_target(&conn->text.answer, &entry);
}

static void add_all_targets(struct iscsi_conn *conn)
{
	for (const struct iscsi_node_target *t = conn->node->targets; t; t = t->next)
		add_target(conn, t->target);
}

/* A normal session learns about its own target only (RFC 7143 appendix C). */
static uint8_t answer_in_normal_session(struct iscsi_conn *conn, enum iscsi_send_targets what,
					const char *name)
{
	const struct scsi_target *own = conn->session->target;

	if (what == ISCSI_SEND_TARGETS_ALL && conn->node->config.policy.strict)
		return ISCSI_REJECT_PROTOCOL_ERROR;
	if (what != ISCSI_SEND_TARGETS_NAMED || strcmp(name, scsi_target_name(own)) == 0)
		add_target(conn, own);
	return 0;
}

static uint8_t answer_in_discovery_session(struct iscsi_conn *conn, enum iscsi_send_targets what,
					   const char *name)
{
	const struct scsi_target *target = conn->session->target;

	if (what == ISCSI_SEND_TARGETS_ALL) {
		add_all_targets(conn);
		return 0;
	}
	if (what == ISCSI_SEND_TARGETS_NAMED)
		target = iscsi_node_find_target(conn->node, name);
	else if (!target)
		return ISCSI_REJECT_PROTOCOL_ERROR; /* an unnamed session has no target of its own
						     */
	if (target)
		add_target(conn, target);
	return 0;
}

/* --- the answer ------------------------------------------------------------------------------- */

/* Of a text that was found sound. */
static void take_alias(struct iscsi_session *session, const struct iscsi_text *text)
{
	struct iscsi_text_reader reader;
	char key[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;

	iscsi_text_reader_init(&reader, text->data, text->len);
	while (iscsi_text_next(&reader, key, &value, &bad))
		if (strcmp(key, "InitiatorAlias") == 0)
			snprintf(session->initiator_alias, sizeof(session->initiator_alias), "%s",
				 value);
}

/* Keys other than SendTargets; in a discovery session there are none (RFC 7143 4.3). */
static uint8_t negotiate(struct iscsi_conn *conn)
{
	struct iscsi_text_exchange *text = &conn->text;

	if (conn->session->type == ISCSI_SESSION_DISCOVERY)
		return ISCSI_REJECT_NOT_SUPPORTED;
	if (!iscsi_negotiate_full_feature(&conn->params, text->request.data, text->request.len,
					  &text->answer))
		return ISCSI_REJECT_PROTOCOL_ERROR;
	take_alias(conn->session, &text->request);
	return 0;
}

/* 0, or why the whole exchange is rejected; then nothing was changed. */
static uint8_t answer_make(struct iscsi_conn *conn)
{
	struct iscsi_text_exchange *text = &conn->text;
	char name[PR_INITIATOR_NAME_MAX + 1];
	uint8_t reason = 0;

	enum iscsi_send_targets what =
		iscsi_send_targets_parse(text->request.data, text->request.len, name);
	if (what == ISCSI_SEND_TARGETS_INVALID)
		return ISCSI_REJECT_PROTOCOL_ERROR;
	if (what == ISCSI_SEND_TARGETS_ABSENT)
		return negotiate(conn);
	if (conn->session->type == ISCSI_SESSION_DISCOVERY)
		reason = answer_in_discovery_session(conn, what, name);
	else
		reason = answer_in_normal_session(conn, what, name);
	if (conn->fault)
		iscsi_fault_text_answer(conn, &text->answer);
	if (reason == 0 && text->answer.failed)
		reason = ISCSI_REJECT_LONG_OPERATION;
	return reason;
}

/*
 * The next piece, possibly empty. The last one closes the exchange, but a request with F = 0 cannot
 * have it: F = 1 answers F = 1 only (RFC 7143 11.11.1).
 */
static void answer_send(struct iscsi_conn *conn, bool may_close)
{
	struct iscsi_text_exchange *text = &conn->text;
	struct iscsi_out *out = iscsi_out_new(conn, ISCSI_OUT_TEXT_RESPONSE);
	bool cut = false;

	if (!out)
		return;
	const char *rest = text->answer.data ? text->answer.data + text->answer_sent : "";
	size_t left = text->answer.len - text->answer_sent;
	size_t len = left > 0 ? iscsi_text_piece(rest, left, text->piece_max, &cut) : 0;
	if (!iscsi_out_set_data(conn, out, rest, (uint32_t)len))
		return;
	bool final = may_close && text->answering && len == left;
	text->answer_sent += len;
	text->ttt = final ? ISCSI_NO_TAG : iscsi_session_take_ttt(conn->session);
	out->pdu.text = (struct iscsi_text_response){
		.final = final,
		.cont = cut,
		.itt = text->itt,
		.ttt = text->ttt,
	};
	iscsi_out_push(conn, out);
	if (final)
		iscsi_text_exchange_free(text);
}

static void exchange_begin(struct iscsi_conn *conn, const struct iscsi_text_request *request)
{
	struct iscsi_text_exchange *text = &conn->text;

	iscsi_text_exchange_free(text);
	iscsi_text_init(&text->request, conn->node->config.limits.login_text_max);
	iscsi_text_init(&text->answer, ISCSI_TEXT_ANSWER_MAX);
	text->open = true;
	text->itt = request->itt;
	text->piece_max = conn->params.max_send_data_segment_len;
	if (conn->fault)
		text->piece_max = iscsi_fault_text_piece(conn, text->piece_max);
}

void iscsi_text_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	struct iscsi_text_exchange *text = &conn->text;
	struct iscsi_text_request request;

	iscsi_text_request_decode(pdu->bhs, &request);
	if (request.ttt == ISCSI_NO_TAG)
		exchange_begin(conn, &request);
	text->moved_ms = conn->node->now_ms;
	conn->negotiation_deadline_ms = UINT64_MAX;
	if (pdu->data_len > 0)
		iscsi_text_append(&text->request, pdu->data, pdu->data_len);
	if (text->request.failed) {
		iscsi_conn_doom(conn, "out of memory", true);
		return;
	}
	if (!text->answering && request.final) {
		uint8_t reason = answer_make(conn);
		if (reason != 0) {
			iscsi_text_exchange_free(text);
			iscsi_reject(conn, pdu, reason);
			return;
		}
		text->answering = true;
	}
	answer_send(conn, request.final);
}
