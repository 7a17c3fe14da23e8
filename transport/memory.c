/*
 * limits.data_max: memory for the data of all sessions together.
 *
 * What counts here is what each session counts for itself (data_room.c, read_room.c, requests
 * before their turn) and what is queued to initiators. Above the limit a command that needs a
 * buffer waits: no R2T goes out for it, nothing is read for it; and nobody new may log in. Half of
 * it is left to commands that begin, as in a session: unasked data cannot take all. With nothing in
 * memory a command always fits: one larger than the limit is slow, not stuck.
 *
 * Sessions that wait stand in line, and nobody overtakes. Whoever gives memory back is inside of
 * another session then; so the first in line is only woken, and goes on when its turn of the loop
 * comes. With several loops the first in line of each loop stands in line with those of the others
 * (budget.h). What initiators pin, they lose by the timers that all of them live under: for data
 * that does not come, and for data that is not taken.
 */
#include <utlist.h>

#include "transport/conn_internal.h"

/* The head of the line, if it can be woken: without a connection it would not be in line. */
static void wake_first(struct iscsi_node *node)
{
	struct iscsi_session *first = node->in_line;

	if (!first)
		return;
	first->memory_due = true;
	iscsi_conn_wake(first->conns);
}

void iscsi_memory_given(struct iscsi_node *node)
{
	if (iscsi_purse_is_full(&node->purse, node->data_used))
		iscsi_purse_trim(&node->purse, node->data_used, node->early_used);
	wake_first(node);
}

void iscsi_memory_asked(struct iscsi_node *node)
{
	iscsi_purse_trim(&node->purse, node->data_used, node->early_used);
	wake_first(node);
}

bool iscsi_memory_is_short(struct iscsi_node *node)
{
	return node->in_line || iscsi_purse_is_short(&node->purse, node->data_used);
}

bool iscsi_memory_reserve_early(struct iscsi_node *node, uint64_t len)
{
	return iscsi_purse_reserve_early(&node->purse, node->early_used, node->early_used + len);
}

bool iscsi_memory_fits_in_line(struct iscsi_session *session, uint64_t own, uint64_t len)
{
	struct iscsi_node *node = session->node;
	bool is_its_turn = !node->in_line || node->in_line == session;

	if (is_its_turn && iscsi_purse_reserve(&node->purse, node->data_used,
					       node->data_used - own + len, node->data_used == own))
		return true;
	session->memory_short = true;
	if (!session->is_in_line && session->conns) {
		session->is_in_line = true;
		DL_APPEND2(node->in_line, session, line_prev, line_next);
	}
	return false;
}

void iscsi_memory_leave_line(struct iscsi_session *session)
{
	struct iscsi_node *node = session->node;

	session->memory_due = false;
	if (!session->is_in_line)
		return;
	session->is_in_line = false;
	DL_DELETE2(node->in_line, session, line_prev, line_next);
	if (!node->in_line)
		iscsi_purse_leave_line(&node->purse);
	wake_first(node);
}

void iscsi_memory_continue(struct iscsi_session *session)
{
	session->memory_due = false;
	session->memory_short = false;
	session->busy++;
	iscsi_room_pass_on(session);
	iscsi_read_room_pass_on(session);
	session->busy--;
	if (!session->memory_short)
		iscsi_memory_leave_line(session);
}
