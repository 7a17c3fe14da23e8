/*
 * What the observer knows of sessions and their tasks.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "transport/observer_internal.h"

/* FNV-1a: only to tell things apart that were seen, never to trust them. */
uint32_t seen_hash(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * 16777619u;
	return hash;
}

/* --- tasks ------------------------------------------------------------------------------------ */

static struct seen_task *task_place(struct seen_session *session, uint32_t itt, unsigned probe)
{
	return &session->tasks[(itt * 2654435761u + probe) % ISCSI_OBSERVER_TASKS_MAX];
}

struct seen_task *seen_task_find(struct seen_session *session, uint32_t itt)
{
	for (unsigned probe = 0; probe < SEEN_TASK_PROBES; probe++) {
		struct seen_task *task = task_place(session, itt, probe);
		if (task->used && task->itt == itt)
			return task;
	}
	return NULL;
}

struct seen_task *seen_task_add(struct iscsi_watch *watch, uint8_t opcode, uint32_t itt,
				const uint8_t *bhs)
{
	for (unsigned probe = 0; probe < SEEN_TASK_PROBES; probe++) {
		struct seen_task *task = task_place(watch->session, itt, probe);
		if (task->used)
			continue;
		*task = (struct seen_task){
			.used = true,
			.opcode = opcode,
			.itt = itt,
			.watch = watch,
			.since_ms = watch->now_ms,
		};
		memcpy(task->bhs, bhs, sizeof(task->bhs));
		return task;
	}
	watch->observer->missed++;
	return NULL;
}

void seen_task_end(struct iscsi_watch *watch, struct seen_task *task)
{
	watch_data_end(watch, task);
	if (task->burst_open && task->watch)
		task->watch->bursts_open--;
	task->used = false;
}

/* --- sessions --------------------------------------------------------------------------------- */

struct seen_session *seen_session_find(const struct iscsi_observer *observer, uint16_t tsih)
{
	for (struct seen_session *s = observer->sessions; s; s = s->next)
		if (s->tsih == tsih)
			return s;
	return NULL;
}

static struct seen_session *session_new(struct iscsi_watch *watch,
					const struct iscsi_login_response *response)
{
	struct seen_session *session = calloc(1, sizeof(*session));

	if (!session) {
		watch->observer->missed++;
		return NULL;
	}
	memcpy(session->initiator, watch->login.initiator, sizeof(session->initiator));
	memcpy(session->target, watch->login.target, sizeof(session->target));
	memcpy(session->isid, watch->login.first.isid, sizeof(session->isid));
	session->tsih = response->tsih;
	session->portal_group = watch->portal_group;
	session->discovery = watch->login.discovery;
	session->params = watch->params;
	session->first_cmd_sn = session->next_cmd_sn = response->sns.exp_cmd_sn;
	session->max_cmd_sn = response->sns.max_cmd_sn;
	session->fence_itt = ISCSI_NO_TAG;
	DL_APPEND(watch->observer->sessions, session);
	return session;
}

void seen_session_enter(struct iscsi_watch *watch, const struct iscsi_login_response *response)
{
	struct seen_session *session = NULL;

	if (watch->login.first.tsih != 0)
		session = seen_session_find(watch->observer, response->tsih);
	if (!session)
		session = session_new(watch, response);
	if (!session)
		return;
	/* A session that lives on without its first connection: its numbers are not known. */
	if (watch->login.first.tsih != 0 && session->conns == 0)
		session->numbered = session->many_conns = true;
	watch->session = session;
	session->conns++;
	session->many_conns = session->many_conns || session->conns > 1;
	session->heard_ms = watch->now_ms;
}

static void remember(struct iscsi_watch *watch, const struct seen_session *session)
{
	struct iscsi_observer *observer = watch->observer;
	struct past_session *past = &observer->past[observer->past_next];

	observer->past_next = (observer->past_next + 1) % ISCSI_OBSERVER_PAST_MAX;
	*past = (struct past_session){
		.used = true,
		.lost = !session->logged_out && !session->discovery,
		.portal_group = session->portal_group,
		.ended_ms = watch->now_ms,
		.time2wait_s = session->params.default_time2wait,
	};
	memcpy(past->initiator, session->initiator, sizeof(past->initiator));
	memcpy(past->target, session->target, sizeof(past->target));
	memcpy(past->isid, session->isid, sizeof(past->isid));
}

void seen_session_leave(struct iscsi_watch *watch)
{
	struct seen_session *session = watch->session;

	if (!session)
		return;
	watch_holes_end(watch);
	watch->session = NULL;
	for (unsigned i = 0; i < ISCSI_OBSERVER_TASKS_MAX; i++)
		if (session->tasks[i].watch == watch)
			session->tasks[i] = (struct seen_task){0};
	if (--session->conns > 0)
		return;
	remember(watch, session);
	DL_DELETE(watch->observer->sessions, session);
	free(session);
}
