/*
 * Tags of a session: live tasks by their ITT, those that ended lately, and our own TTTs.
 */
#include "transport/conn_internal.h"
#include "transport/session.h"

static struct iscsi_task **task_bucket(const struct iscsi_session *session, uint32_t itt)
{
	/* Initiators count, or put small fields side by side: spread both (Fibonacci hashing). */
	uint32_t mixed = itt * 0x9e3779b1u;

	return &session->tasks_by_itt[(mixed >> 16 ^ mixed) & session->ring_mask];
}

void iscsi_session_add_task(struct iscsi_session *session, struct iscsi_task *task)
{
	struct iscsi_task **bucket = task_bucket(session, task->itt);

	task->chain = *bucket;
	*bucket = task;
	session->task_count++;
}

void iscsi_session_remove_task(struct iscsi_session *session, struct iscsi_task *task)
{
	struct iscsi_task **link = task_bucket(session, task->itt);

	while (*link != task)
		link = &(*link)->chain;
	*link = task->chain;
	session->task_count--;
}

struct iscsi_task *iscsi_session_find_task(const struct iscsi_session *session, uint32_t itt)
{
	struct iscsi_task *task = *task_bucket(session, itt);

	while (task && task->itt != itt)
		task = task->chain;
	return task;
}

void iscsi_session_remember_ended(struct iscsi_session *session, uint32_t itt)
{
	session->ended_itts[session->ended_next++ & session->ring_mask] = itt;
	if (session->ended_count <= session->ring_mask)
		session->ended_count++;
}

bool iscsi_session_recently_ended(const struct iscsi_session *session, uint32_t itt)
{
	for (uint32_t i = 0; i < session->ended_count; i++)
		if (session->ended_itts[i] == itt)
			return true;
	return false;
}

uint32_t iscsi_session_take_ttt(struct iscsi_session *session)
{
	if (session->next_ttt == ISCSI_NO_TAG)
		session->next_ttt = 0;
	return session->next_ttt++;
}
