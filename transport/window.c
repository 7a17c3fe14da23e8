/*
 * The command window of a session (RFC 7143 4.2.2.1): CmdSN order, holes, and how many requests an
 * initiator may have under way.
 *
 * MaxCmdSN = ExpCmdSN + (limits.command_window - requests not answered yet) - 1, and it never moves
 * back: the window shrinks by not advancing. The ring that holds early requests has room for every
 * CmdSN that can lie inside the window, so two of them never meet in one place.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "transport/conn_internal.h"
#include "transport/session.h"

static uint32_t ring_size(uint32_t window)
{
	uint32_t size = 2;

	while (size < window && size < 1u << 31)
		size <<= 1;
	return size;
}

bool iscsi_window_init(struct iscsi_session *session, uint32_t cmd_sn)
{
	uint32_t size = ring_size(session->node->config.limits.command_window);

	session->held = calloc(size, sizeof(struct iscsi_held *));
	session->tasks_by_itt = calloc(size, sizeof(struct iscsi_task *));
	session->ended_itts = calloc(size, sizeof(uint32_t));
	session->ring_mask = size - 1;
	session->exp_cmd_sn = cmd_sn;
	session->max_cmd_sn = cmd_sn + session->node->config.limits.command_window - 1;
	session->told_max_cmd_sn = session->max_cmd_sn;
	return session->held && session->tasks_by_itt && session->ended_itts;
}

void iscsi_window_finish(struct iscsi_session *session)
{
	for (uint32_t i = 0; session->held && i <= session->ring_mask; i++)
		free(session->held[i]);
	free(session->held);
	free(session->tasks_by_itt);
	free(session->ended_itts);
}

static struct iscsi_held **held_slot(const struct iscsi_session *session, uint32_t cmd_sn)
{
	return &session->held[cmd_sn & session->ring_mask];
}

static bool is_inside(const struct iscsi_session *session, uint32_t cmd_sn)
{
	return !iscsi_sn_before(cmd_sn, session->exp_cmd_sn) &&
	       !iscsi_sn_before(session->max_cmd_sn, cmd_sn);
}

enum iscsi_window_verdict iscsi_window_judge(const struct iscsi_session *session, uint32_t cmd_sn)
{
	if (!is_inside(session, cmd_sn))
		return ISCSI_WINDOW_IGNORE;
	if (cmd_sn == session->exp_cmd_sn)
		return ISCSI_WINDOW_NOW;
	return *held_slot(session, cmd_sn) ? ISCSI_WINDOW_IGNORE : ISCSI_WINDOW_LATER;
}

struct iscsi_held *iscsi_window_held(const struct iscsi_session *session, uint32_t cmd_sn)
{
	return is_inside(session, cmd_sn) ? *held_slot(session, cmd_sn) : NULL;
}

static void held_put(struct iscsi_session *session, uint32_t cmd_sn, struct iscsi_held *held)
{
	if (session->held_count == 0)
		session->hole_since_ms = session->node->now_ms;
	*held_slot(session, cmd_sn) = held;
	session->held_count++;
	session->held_bytes += held->data_len;
	iscsi_memory_take_early(session->node, held->data_len);
}

static struct iscsi_held *held_take(struct iscsi_session *session, uint32_t cmd_sn)
{
	struct iscsi_held **slot = held_slot(session, cmd_sn);
	struct iscsi_held *held = *slot;

	if (held) {
		*slot = NULL;
		session->held_count--;
		session->held_bytes -= held->data_len;
		iscsi_memory_give_early(session->node, held->data_len);
	}
	return held;
}

bool iscsi_window_hold(struct iscsi_conn *conn, uint32_t cmd_sn, const struct iscsi_pdu *pdu)
{
	struct iscsi_session *session = conn->session;

	if (!iscsi_room_fits_early(session, pdu->data_len))
		return false;
	struct iscsi_held *held = malloc(sizeof(*held) + pdu->ahs_len + pdu->data_len);
	if (!held)
		return false;
	held->plug = false;
	held->conn = conn;
	held->ahs_len = pdu->ahs_len;
	held->data_len = pdu->data_len;
	memcpy(held->bhs, pdu->bhs, ISCSI_BHS_LEN);
	if (pdu->ahs_len > 0)
		memcpy(held->bytes, pdu->ahs, pdu->ahs_len);
	if (pdu->data_len > 0)
		memcpy(held->bytes + pdu->ahs_len, pdu->data, pdu->data_len);
	held_put(session, cmd_sn, held);
	return true;
}

struct iscsi_held *iscsi_window_take(struct iscsi_session *session)
{
	return held_take(session, session->exp_cmd_sn);
}

bool iscsi_window_plug(struct iscsi_session *session, uint32_t cmd_sn)
{
	assert(is_inside(session, cmd_sn));
	free(held_take(session, cmd_sn));
	struct iscsi_held *held = calloc(1, sizeof(*held));
	if (!held)
		return false;
	held->plug = true;
	held_put(session, cmd_sn, held);
	return true;
}

void iscsi_window_forget(struct iscsi_session *session, const struct iscsi_conn *conn)
{
	for (uint32_t i = 0; session->held_count > 0 && i <= session->ring_mask; i++) {
		struct iscsi_held *held = session->held[i];
		if (held && held->conn == conn)
			free(held_take(session, i));
	}
}

/* Where MaxCmdSN could be; it is taken only when it is further on. */
static void window_update(struct iscsi_session *session)
{
	uint32_t window = session->node->config.limits.command_window;
	uint32_t room = session->window_used < window ? window - session->window_used : 0;
	uint32_t max = session->exp_cmd_sn + room - 1;

	if (iscsi_sn_before(session->max_cmd_sn, max))
		session->max_cmd_sn = max;
}

void iscsi_window_advance(struct iscsi_session *session)
{
	session->exp_cmd_sn++;
	session->window_used++;
	session->hole_since_ms = session->node->now_ms;
	window_update(session);
}

void iscsi_window_release(struct iscsi_session *session)
{
	uint32_t window = session->node->config.limits.command_window;

	assert(session->window_used > 0);
	session->window_used--;
	window_update(session);

	/* RFC 7143 11.4.11: when nothing is on its way that would tell the initiator. */
	bool was_closed = iscsi_sn_before(session->told_max_cmd_sn, session->exp_cmd_sn);
	bool is_open = !iscsi_sn_before(session->max_cmd_sn, session->exp_cmd_sn);
	uint32_t growth = session->max_cmd_sn - session->told_max_cmd_sn;
	struct iscsi_conn *conn = session->conns;
	if (conn && conn->state == ISCSI_CONN_FULL_FEATURE && !conn->out_first &&
	    ((was_closed && is_open) || growth > window / 2))
		iscsi_nop_carry_window(conn);
}
