/*
 * Sessions: identity, the ISID rule, reinstatement (RFC 7143 6.3.1), the nexus, and their end.
 */
#include "transport/session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "transport/conn_internal.h"

/* --- identity --------------------------------------------------------------------------------- */

/* RFC 7143 3.4.3: initiator port (name and ISID) and target portal group. Discovery is apart, as
 * what it asks for a proof is. An unnamed discovery session has no target: there the portal stands
 * for it. */
static bool is_same_port(const struct iscsi_session *session, const struct iscsi_conn *conn,
			 const struct iscsi_login *login, const struct scsi_target *target)
{
	if (memcmp(session->id.isid, login->isid, sizeof(login->isid)) != 0 ||
	    session->target != target || session->type != login->type ||
	    strcmp(session->id.initiator_name, login->initiator_name) != 0)
		return false;
	if (!target)
		return session->portal == conn->portal;
	return session->id.relative_target_port_id == conn->portal->portal_group_tag;
}

/* A walk over all sessions: far cheaper than the login that asks, and no hash that names from the
 * wire could be aimed at. */
static struct iscsi_session *session_find(const struct iscsi_conn *conn,
					  const struct iscsi_login *login,
					  const struct scsi_target *target)
{
	for (struct iscsi_session *s = conn->node->sessions; s; s = s->next)
		if (s->state != ISCSI_SESSION_ENDED && is_same_port(s, conn, login, target))
			return s;
	return NULL;
}

/* Nobody joins or ends a session of a name under which somebody else has logged in. */
static bool is_same_user(const struct iscsi_session *session, const struct iscsi_login *login)
{
	return strcmp(session->user, login->user) == 0;
}

/* --- making and freeing ----------------------------------------------------------------------- */

/* NULL: no memory, or the limits would not be kept when `replaced` (may be NULL) goes. */
static struct iscsi_session *session_new(struct iscsi_conn *conn, const struct iscsi_login *login,
					 struct scsi_target *target,
					 const struct iscsi_session *replaced)
{
	struct iscsi_node *node = conn->node;
	struct iscsi_session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->node = node;
	session->state = ISCSI_SESSION_WAITING;
	session->type = login->type;
	session->target = target;
	session->portal = conn->portal;
	memcpy(session->id.initiator_name, login->initiator_name,
	       sizeof(session->id.initiator_name));
	memcpy(session->id.isid, login->isid, sizeof(session->id.isid));
	session->id.relative_target_port_id = conn->portal->portal_group_tag;
	memcpy(session->initiator_alias, login->initiator_alias, sizeof(session->initiator_alias));
	memcpy(session->user, login->user, sizeof(session->user));
	session->params = login->params;
	session->since_ms = node->now_ms;
	session->next_ttt = iscsi_node_random_u32(node);
	session->entry = (struct iscsi_registry_session){
		.initiator = session->id.initiator_name,
		.user = session->user,
		.isid = session->id.isid,
		.node = node,
		.discovery = session->type == ISCSI_SESSION_DISCOVERY,
	};
	if (!iscsi_registry_enter(node->registry, &node->config.limits, &session->entry,
				  replaced ? &replaced->entry : NULL)) {
		free(session);
		return NULL;
	}
	session->tsih = session->entry.tsih;
	if (!iscsi_window_init(session, login->cmd_sn)) {
		iscsi_registry_leave(node->registry, &session->entry);
		iscsi_window_finish(session);
		free(session);
		return NULL;
	}
	DL_APPEND(node->sessions, session);
	return session;
}

static void session_free(struct iscsi_session *session)
{
	struct iscsi_node *node = session->node;

	assert(!session->conns && session->task_count == 0 && !session->tmfs);
	DL_DELETE(node->sessions, session);
	iscsi_registry_leave(node->registry, &session->entry);
	iscsi_window_finish(session);
	free(session);
}

void iscsi_session_settle_ended(struct iscsi_session *session)
{
	if (session->busy == 0 && !session->nexus_draining && session->task_count == 0 &&
	    !session->tmfs)
		session_free(session);
}

/* --- the nexus -------------------------------------------------------------------------------- */

/* False when it cannot ever be had. EEXIST means that an earlier session of the same nexus still
 * drains: then this one waits. */
static bool nexus_open(struct iscsi_session *session)
{
	if (session->type == ISCSI_SESSION_DISCOVERY) {
		session->state = ISCSI_SESSION_LIVE;
		return true;
	}
	errno = 0;
	const struct iscsi_node_target *entry = iscsi_node_entry(session->node, session->target);
	session->nexus = scsi_nexus_open_masked(
		session->target, &session->id,
		iscsi_access_visible(entry ? entry->access : NULL, session->id.initiator_name));
	if (!session->nexus)
		return errno == EEXIST;
	scsi_nexus_set_queries(session->nexus, iscsi_manage_has_queries(session));
	session->state = ISCSI_SESSION_LIVE;
	return true;
}

static bool is_same_nexus(const struct iscsi_session *a, const struct iscsi_session *b)
{
	return a->target == b->target && pr_nexus_id_equal(&a->id, &b->id);
}

/* Lets the session that waits for this one's nexus go on. There is at most one: a second login of
 * the same port would have ended the first one. */
static void nexus_pass_on(const struct iscsi_session *from)
{
	for (struct iscsi_session *s = from->node->sessions; s; s = s->next) {
		if (s->state != ISCSI_SESSION_WAITING || !is_same_nexus(s, from))
			continue;
		struct iscsi_conn *conn = s->conns;
		if (!nexus_open(s)) {
			if (conn)
				iscsi_conn_doom(conn, "the nexus cannot be opened", true);
		} else if (s->state == ISCSI_SESSION_LIVE && conn) {
			iscsi_conn_session_ready(conn);
		}
		return;
	}
}

void iscsi_session_nexus_closed(void *context)
{
	struct iscsi_session *session = context;

	session->nexus_draining = false;
	session->busy++;
	nexus_pass_on(session);
	session->busy--;
	iscsi_session_settle(session);
}

/* --- admit ------------------------------------------------------------------------------------ */

static void session_join(struct iscsi_session *session, struct iscsi_conn *conn,
			 const struct iscsi_login *login)
{
	conn->session = session;
	conn->cid = login->cid;
	/* What holds for the session was settled by its first login (RFC 7143 13). */
	conn->params = session->params;
	conn->params.header_digest = login->params.header_digest;
	conn->params.data_digest = login->params.data_digest;
	conn->params.max_recv_data_segment_len = login->params.max_recv_data_segment_len;
	conn->params.max_send_data_segment_len = login->params.max_send_data_segment_len;
	LL_APPEND2(session->conns, conn, session_next);
	session->conn_count++;
	/* What waited when there was no connection may have to stand in line now. */
	session->memory_due = session->memory_due || session->data_waiters || session->readers;
}

static struct iscsi_conn *session_conn_by_cid(const struct iscsi_session *session, uint16_t cid)
{
	for (struct iscsi_conn *c = session->conns; c; c = c->session_next)
		if (c->cid == cid)
			return c;
	return NULL;
}

/* RFC 7143 6.3.4: the old connection is logged out implicitly, the session goes on. */
static void connection_reinstate(struct iscsi_session *session, struct iscsi_conn *old)
{
	iscsi_conn_log(old, ISCSI_LOG_INFO, "dropped", "connection reinstatement");
	/* Reinstatement is a logout: at level 2 for recovery. */
	iscsi_session_keep_tasks(old, true);
	iscsi_session_unlink(old);
	iscsi_window_forget(session, old);
	session->busy++;
	iscsi_task_abort_all_of(session, old);
	iscsi_conn_let_go(old);
	iscsi_conn_shut(old, true);
	session->busy--;
}

/* Does the session that the login wants to join go through other portals than this one's? */
static bool is_behind_another_group(const struct iscsi_node *node, const struct iscsi_login *login,
				    const struct scsi_target *target)
{
	for (const struct iscsi_session *s = node->sessions; s; s = s->next)
		if (s->state == ISCSI_SESSION_LIVE && s->tsih == login->tsih &&
		    s->target == target && target &&
		    memcmp(s->id.isid, login->isid, sizeof(login->isid)) == 0 &&
		    strcmp(s->id.initiator_name, login->initiator_name) == 0)
			return true;
	return false;
}

static uint16_t admit_to_existing(struct iscsi_conn *conn, const struct iscsi_login *login,
				  struct scsi_target *target, uint16_t *ret_tsih)
{
	struct iscsi_session *session = session_find(conn, login, target);

	if (!session && is_behind_another_group(conn->node, login, target))
		return ISCSI_LOGIN_CANNOT_INCLUDE_IN_SESSION;
	if (!session || session->tsih != login->tsih || session->state != ISCSI_SESSION_LIVE)
		return ISCSI_LOGIN_SESSION_DOES_NOT_EXIST;
	if (!is_same_user(session, login))
		return ISCSI_LOGIN_AUTHENTICATION_FAILURE;
	struct iscsi_conn *old = session_conn_by_cid(session, login->cid);
	/* RFC 7143 7.1.4.3: there must be one to recover a lost one from. */
	uint32_t spare = session->params.error_recovery_level == 2;
	if (!old && session->conn_count >= session->params.max_connections + spare)
		return ISCSI_LOGIN_TOO_MANY_CONNECTIONS;
	if (old)
		connection_reinstate(session, old);
	else
		iscsi_lost_log_out(session, login->cid, true);
	session_join(session, conn, login);
	*ret_tsih = session->tsih;
	return ISCSI_LOGIN_SUCCESS;
}

static uint16_t admit_new(struct iscsi_conn *conn, const struct iscsi_login *login,
			  struct scsi_target *target, uint16_t *ret_tsih)
{
	struct iscsi_node *node = conn->node;
	struct iscsi_session *old = session_find(conn, login, target);

	if (old && !is_same_user(old, login))
		return ISCSI_LOGIN_AUTHENTICATION_FAILURE;
	if (!old && iscsi_memory_is_short(node)) {
		iscsi_conn_log(conn, ISCSI_LOG_WARNING, "no new session",
			       "limits.data_max: sessions hold that much data already");
		return ISCSI_LOGIN_OUT_OF_RESOURCES;
	}
	struct iscsi_session *session = session_new(conn, login, target, old);
	if (!session)
		return ISCSI_LOGIN_OUT_OF_RESOURCES;
	/* Only now, when nothing can go wrong any more, the old session goes (RFC 7143 6.3.5). */
	if (old) {
		node->counters.reinstatements++;
		for (struct iscsi_conn *c = old->conns; c; c = c->session_next)
			iscsi_conn_log(c, ISCSI_LOG_INFO, "dropped", "session reinstatement");
		iscsi_session_end(old, SCSI_NEXUS_REINSTATED);
	}
	session_join(session, conn, login);
	if (session->state == ISCSI_SESSION_WAITING && !nexus_open(session)) {
		iscsi_session_leave(conn, SCSI_NEXUS_LOGOUT);
		return ISCSI_LOGIN_OUT_OF_RESOURCES;
	}
	*ret_tsih = session->tsih;
	return ISCSI_LOGIN_SUCCESS;
}

uint16_t iscsi_session_admit(struct iscsi_conn *conn, const struct iscsi_login *login,
			     uint16_t *ret_tsih)
{
	struct iscsi_node *node = conn->node;
	struct scsi_target *target = NULL;

	if (node->stopping)
		return ISCSI_LOGIN_SERVICE_UNAVAILABLE;
	if (login->target_name[0] != '\0') {
		uint16_t status = iscsi_node_target_status(node, conn->portal, login->target_name);
		if (status != ISCSI_LOGIN_SUCCESS)
			return status;
		target = iscsi_node_find_target(node, login->target_name);
	}
	if (login->tsih != 0)
		return admit_to_existing(conn, login, target, ret_tsih);
	return admit_new(conn, login, target, ret_tsih);
}
