/*
 * A connection's login: from its creation to the full feature phase (RFC 7143 6.3).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "transport/conn_internal.h"

void iscsi_login_phase_leave(struct iscsi_conn *conn)
{
	DL_DELETE2(conn->node->logins, conn, login_prev, login_next);
	iscsi_registry_login_end(conn->node->registry, &conn->registered_login);
}

/* --- what the login asks of the house --------------------------------------------------------- */

static uint16_t judge_target(const struct iscsi_conn *conn, const struct iscsi_login *login,
			     struct iscsi_login_rules *ret_rules)
{
	const struct iscsi_node *node = conn->node;
	uint16_t status = iscsi_node_target_status(node, conn->portal, login->target_name);

	if (status != ISCSI_LOGIN_SUCCESS)
		return status;
	const struct iscsi_node_target *entry =
		iscsi_node_entry(node, iscsi_node_find_target(node, login->target_name));
	const struct iscsi_access_target *access = entry->access;
	if (!iscsi_access_admits(access, login->initiator_name))
		return ISCSI_LOGIN_AUTHORIZATION_FAILURE;
	ret_rules->target_alias = entry->alias;
	if (!access)
		return ISCSI_LOGIN_SUCCESS;
	ret_rules->moved_to = access->moved_to;
	if (access->moved_to && login->type == ISCSI_SESSION_NORMAL)
		return access->moved_for_good ? ISCSI_LOGIN_MOVED_PERMANENTLY
					      : ISCSI_LOGIN_MOVED_TEMPORARILY;
	if (login->type == ISCSI_SESSION_NORMAL) {
		ret_rules->must_authenticate =
			iscsi_access_user(access, login->initiator_name) != NULL;
		ret_rules->ours = iscsi_access_account(node->config.access, access->mutual);
	}
	return ISCSI_LOGIN_SUCCESS;
}

static uint16_t host_judge(void *context, const struct iscsi_login *login,
			   struct iscsi_login_rules *ret_rules)
{
	const struct iscsi_conn *conn = context;
	const struct iscsi_access *access = conn->node->config.access;

	if (access && login->type == ISCSI_SESSION_DISCOVERY) {
		ret_rules->must_authenticate = access->discovery_user != NULL;
		ret_rules->ours = iscsi_access_account(access, access->discovery_mutual);
	}
	return login->target_name[0] != '\0' ? judge_target(conn, login, ret_rules)
					     : ISCSI_LOGIN_SUCCESS;
}

static bool may_be_user(const struct iscsi_conn *conn, const struct iscsi_login *login,
			const char *user)
{
	const struct iscsi_node *node = conn->node;
	const struct iscsi_access *access = node->config.access;

	if (login->type == ISCSI_SESSION_DISCOVERY)
		return (access->discovery_user && strcmp(access->discovery_user, user) == 0) ||
		       iscsi_node_has_user(node, login->initiator_name, user);
	const struct iscsi_node_target *entry =
		iscsi_node_entry(node, iscsi_node_find_target(node, login->target_name));
	const char *wanted = entry ? iscsi_access_user(entry->access, login->initiator_name) : NULL;
	return wanted && strcmp(wanted, user) == 0;
}

static const struct iscsi_chap_account *host_account(void *context, const struct iscsi_login *login,
						     const char *user)
{
	const struct iscsi_conn *conn = context;
	const struct iscsi_access *access = conn->node->config.access;

	return access && may_be_user(conn, login, user) ? iscsi_access_account(access, user) : NULL;
}

static bool host_is_own_challenge(void *context, const uint8_t *challenge, size_t len)
{
	const struct iscsi_conn *conn = context;

	return iscsi_registry_has_challenge(conn->node->registry, challenge, len);
}

static void host_random(void *context, void *ret_bytes, size_t len)
{
	struct iscsi_conn *conn = context;
	const struct iscsi_node_config *config = &conn->node->config;

	config->random(config->random_context, ret_bytes, len);
	/* What is that long is a challenge. */
	if (len == ISCSI_CHAP_CHALLENGE_LEN)
		iscsi_registry_note_challenge(conn->node->registry, &conn->challenge, ret_bytes);
}

static uint16_t host_admit(void *context, const struct iscsi_login *login, uint16_t *ret_tsih)
{
	return iscsi_session_admit(context, login, ret_tsih);
}

static void host_sns(void *context, struct iscsi_sns *ret_sns)
{
	*ret_sns = iscsi_conn_sns(context);
}

static const struct iscsi_login_host login_host = {
	.judge = host_judge,
	.account = host_account,
	.is_own_challenge = host_is_own_challenge,
	.random = host_random,
	.admit = host_admit,
	.sns = host_sns,
};

/* --- its life ------------------------------------------------------------------------------- */

void iscsi_login_phase_free(struct iscsi_conn *conn)
{
	if (!conn->login)
		return;
	iscsi_registry_forget_challenge(conn->node->registry, &conn->challenge);
	iscsi_login_finish(conn->login);
	free(conn->login);
	conn->login = NULL;
}

static void login_send(struct iscsi_conn *conn, const uint8_t *bhs, const uint8_t *text,
		       uint32_t text_len)
{
	struct iscsi_out *out = iscsi_out_new(conn, ISCSI_OUT_LOGIN_RESPONSE);

	if (!out || !iscsi_out_set_data(conn, out, text, text_len))
		return;
	/* Digests begin behind the last Login Response (RFC 7143 13.1). */
	out->header_digest = false;
	out->data_digest = false;
	memcpy(out->head, bhs, ISCSI_BHS_LEN);
	iscsi_out_push(conn, out);
}

static void log_login(const struct iscsi_conn *conn)
{
	char user[ISCSI_CHAP_NAME_MAX + 1], as[sizeof(user) + 16];

	iscsi_log_escape(user, sizeof(user), conn->login->user);
	snprintf(as, sizeof(as), "as CHAP user %s", user);
	iscsi_conn_log(conn, ISCSI_LOG_INFO, "login", user[0] != '\0' ? as : NULL);
}

void iscsi_login_phase_complete(struct iscsi_conn *conn)
{
	login_send(conn, conn->last_response, conn->last_text, conn->last_text_len);
	conn->last_text = NULL;
	conn->stat_sn = iscsi_login_next_stat_sn(conn->login);
	conn->acked_stat_sn = conn->fence_stat_sn = conn->stat_sn;
	conn->framer.header_digest = conn->params.header_digest;
	conn->framer.data_digest = conn->params.data_digest;
	conn->framer.data_limit = conn->params.max_recv_data_segment_len;
	conn->node->counters.logins++;
	log_login(conn);
	iscsi_login_phase_leave(conn);
	iscsi_login_phase_free(conn);
	conn->resumes = false;
	conn->state = ISCSI_CONN_FULL_FEATURE;
	/* The login may have taken the place of a connection that had functions waiting. Only now:
	 * what goes on can end the session. */
	iscsi_manage_resume(conn->session);
}

static void login_refused(struct iscsi_conn *conn, bool has_response, const uint8_t *bhs)
{
	struct iscsi_login_response response = {0};
	char why[128] = "no Login Request";

	if (has_response) {
		iscsi_login_response_decode(bhs, &response);
		snprintf(why, sizeof(why), "status %04x%s%s", response.status,
			 conn->login->why ? ", " : "", conn->login->why ? conn->login->why : "");
	}
	conn->node->counters.login_failures++;
	iscsi_conn_log(conn, ISCSI_LOG_INFO, "login refused", why);
	iscsi_session_leave(conn, SCSI_NEXUS_LOGOUT);
	iscsi_conn_shut(conn, false);
}

void iscsi_login_phase_refuse(struct iscsi_conn *conn, const struct iscsi_pdu *pdu, uint16_t status,
			      const char *text, uint32_t len, bool close)
{
	struct iscsi_login_request request;
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_login_request_decode(pdu->bhs, &request);
	struct iscsi_login_response response = {
		.csg = request.csg,
		.tsih = request.tsih,
		.itt = request.itt,
		.status = status,
		.sns = iscsi_conn_sns(conn),
	};
	memcpy(response.isid, request.isid, sizeof(response.isid));
	response.sns.stat_sn = iscsi_login_next_stat_sn(conn->login);
	response.sns.exp_cmd_sn = response.sns.max_cmd_sn = request.cmd_sn;
	iscsi_login_response_encode(&response, bhs);
	iscsi_bhs_set_lengths(bhs, len);
	login_send(conn, bhs, (const uint8_t *)text, len);
	if (close)
		login_refused(conn, true, bhs);
}

void iscsi_login_phase_take(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	const uint8_t *text = NULL;
	uint32_t text_len = 0;
	bool has_response = false;

	enum iscsi_login_result result =
		iscsi_login_request(conn->login, pdu->bhs, pdu->data, pdu->data_len, &has_response,
				    bhs, &text, &text_len);
	if (result == ISCSI_LOGIN_COMPLETE) {
		memcpy(conn->last_response, bhs, sizeof(bhs));
		conn->last_text = text;
		conn->last_text_len = text_len;
		conn->state = ISCSI_CONN_WAITING;
		if (conn->session->state == ISCSI_SESSION_LIVE)
			iscsi_login_phase_complete(conn);
		return;
	}
	if (has_response)
		login_send(conn, bhs, text, text_len);
	if (result == ISCSI_LOGIN_CLOSE)
		login_refused(conn, has_response, bhs);
}

void iscsi_conn_session_ready(struct iscsi_conn *conn)
{
	if (conn->state != ISCSI_CONN_WAITING)
		return; /* still inside its login: it will look for itself */
	conn->resumes = true;
	iscsi_conn_wake(conn);
}

/* A flood of connections that say nothing must not shut out those that do: the oldest goes. */
void iscsi_login_phase_make_room(struct iscsi_node *node)
{
	while (node->logins && atomic_load(&node->logins->registered_login.must_go)) {
		struct iscsi_conn *oldest = node->logins;
		node->counters.login_failures++;
		iscsi_conn_log_no_login(oldest, "too many at once");
		iscsi_session_leave(oldest, SCSI_NEXUS_LOSS);
		iscsi_conn_shut(oldest, true);
	}
}

bool iscsi_login_phase_begin(struct iscsi_conn *conn)
{
	struct iscsi_node *node = conn->node;

	conn->login = calloc(1, sizeof(*conn->login));
	if (!conn->login)
		return false;
	if (iscsi_login_init(conn->login, &node->config.policy, &node->config.limits,
			     conn->portal->portal_group_tag, &login_host, conn,
			     iscsi_node_random_u32(node)))
		return true;
	free(conn->login);
	conn->login = NULL;
	return false;
}
