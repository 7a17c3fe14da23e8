/*
 * What a connection keeps for fault rules: what waits, and for how long; silence; closing.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "transport/fault_internal.h"

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* --- waits ------------------------------------------------------------------------------------ */

struct fault_wait fault_wait_begin(const struct iscsi_conn *conn, struct fault_rule *rule,
				   unsigned action, uint64_t salt)
{
	const struct fault_action *a = &rule->actions[action];
	uint64_t jitter_ms = a->number[FAULT_P_JITTER], ms = a->number[FAULT_P_MS];
	struct fault_wait wait = {.rule = rule, .next_action = action + 1, .due_ms = UINT64_MAX};

	if (a->row->id != FAULT_DO_DELAY)
		return wait;
	/* As much less as more, but never less than nothing. */
	if (jitter_ms > 0) {
		uint64_t shift = fault_random(rule->seed ^ UINT64_C(0x6a69747465720000),
					      rule->total.firings + salt) %
				 (2 * jitter_ms + 1);

		ms = ms + shift > jitter_ms ? ms + shift - jitter_ms : 0;
	}
	wait.due_ms = conn->node->now_ms + ms;
	return wait;
}

/* A rule's wait that is over now; 1, if it was. */
static unsigned wait_let_go(struct fault_wait *wait, const struct fault_rule *rule)
{
	if (wait->rule != rule)
		return 0;
	wait->rule = NULL;
	wait->due_ms = 0;
	return 1;
}

void fault_update_stops(struct iscsi_conn *conn)
{
	bool stops = conn->fault && (conn->fault->deaf.on || conn->fault->stopped);

	conn->stops = (uint8_t)((conn->stops & ~(unsigned)ISCSI_STOP_FAULT) |
				(stops ? ISCSI_STOP_FAULT : 0));
}

static void silence_over(struct fault_silence *silence, uint64_t now_ms)
{
	if (silence->on && now_ms >= silence->wait.due_ms)
		*silence = (struct fault_silence){0};
}

/* --- what is late ----------------------------------------------------------------------------- */

bool fault_late_add(struct iscsi_conn *conn, struct fault_wait wait, uint32_t behind,
		    const uint8_t *bytes, size_t len)
{
	struct fault_late *late = NULL, *before;

	if (conn->fault->late_bytes + len > FAULT_LATE_MAX) {
		iscsi_conn_doom(conn, "fault rules hold back too much", true);
		return false;
	}
	late = malloc(sizeof(*late) + len);
	if (!late) {
		iscsi_conn_doom(conn, "out of memory", true);
		return false;
	}
	/* What one rule delays stays in its order, whatever the jitter. */
	DL_FOREACH(conn->fault->late, before)
	{
		if (before->wait.rule == wait.rule && before->wait.due_ms != UINT64_MAX &&
		    before->wait.due_ms > wait.due_ms)
			wait.due_ms = before->wait.due_ms;
	}
	late->wait = wait;
	late->behind = behind;
	late->len = (uint32_t)len;
	memcpy(late->bytes, bytes, len);
	DL_APPEND(conn->fault->late, late);
	conn->fault->late_bytes += len;
	iscsi_conn_wake(conn); /* there is a deadline now */
	return true;
}

/* Bytes as they are, behind what is queued. */
static void late_push(struct iscsi_conn *conn, const struct fault_late *late)
{
	struct iscsi_out *out = iscsi_out_new(conn, ISCSI_OUT_FAULT_LATE);

	if (!out || !iscsi_out_set_data(conn, out, late->bytes, late->len))
		return;
	out->encoded = true;
	conn->fault->wire_sent++;
	iscsi_out_push(conn, out);
}

static void tick_late(struct iscsi_conn *conn, uint64_t now_ms)
{
	struct iscsi_fault_state *state = conn->fault;
	struct fault_late *late, *next;

	DL_FOREACH_SAFE(state->late, late, next)
	{
		if (now_ms < late->wait.due_ms)
			continue;
		DL_DELETE(state->late, late);
		state->late_bytes -= late->len;
		late_push(conn, late);
		free(late);
	}
}

static void tick_inserts(struct iscsi_conn *conn, uint64_t now_ms)
{
	struct iscsi_fault_state *state = conn->fault;
	struct fault_insert_later *later, *next;

	DL_FOREACH_SAFE(state->inserts, later, next)
	{
		if (now_ms < later->wait.due_ms)
			continue;
		DL_DELETE(state->inserts, later);
		/* Taken away before its time: it is not sent at all. */
		if (later->wait.rule && conn->state != ISCSI_CONN_CLOSING)
			fault_insert_push(conn, later->insert);
		else
			free(later->insert);
		free(later);
	}
}

/* --- commands --------------------------------------------------------------------------------- */

static struct fault_held_task *due_task(const struct iscsi_fault_state *state, uint64_t now_ms)
{
	struct fault_held_task *held;

	DL_FOREACH(state->tasks, held)
	{
		if (now_ms >= held->wait.due_ms)
			return held;
	}
	return NULL;
}

/* One that goes on can end others: looks anew after each. */
static void tick_tasks(struct iscsi_conn *conn, uint64_t now_ms)
{
	struct fault_held_task *held;

	while (conn->fault && (held = due_task(conn->fault, now_ms)) != NULL)
		fault_task_resume(held);
}

/* --- time ------------------------------------------------------------------------------------- */

bool iscsi_fault_is_silent(const struct iscsi_conn *conn)
{
	return conn->fault->is_silent;
}

bool iscsi_fault_stops_time(const struct iscsi_conn *conn)
{
	return conn->fault->deaf.on || conn->fault->mute.on;
}

bool iscsi_fault_is_sending(const struct iscsi_conn *conn)
{
	return conn->out_first || conn->fault->late ||
	       conn->node->now_ms < conn->fault->linger.due_ms;
}

static void late_discard(struct iscsi_fault_state *state)
{
	struct fault_late *late, *next;

	DL_FOREACH_SAFE(state->late, late, next)
	free(late);
	state->late = NULL;
	state->late_bytes = 0;
}

void iscsi_fault_discard(struct iscsi_conn *conn)
{
	late_discard(conn->fault);
	conn->fault->linger = (struct fault_wait){0};
}

uint64_t iscsi_fault_deadline(const struct iscsi_conn *conn, uint64_t own)
{
	const struct iscsi_fault_state *state = conn->fault;
	const struct fault_insert_later *later;
	const struct fault_held_task *held;
	const struct fault_late *late;
	uint64_t deadline = iscsi_fault_stops_time(conn) ? UINT64_MAX : own;

	DL_FOREACH(state->tasks, held)
	{
		deadline = earlier(deadline, held->wait.due_ms);
	}
	DL_FOREACH(state->late, late)
	{
		deadline = earlier(deadline, late->wait.due_ms);
	}
	DL_FOREACH(state->inserts, later)
	{
		deadline = earlier(deadline, later->wait.due_ms);
	}
	if (state->stopped)
		deadline = earlier(deadline, state->stopped->wait.due_ms);
	if (state->deaf.on)
		deadline = earlier(deadline, state->deaf.wait.due_ms);
	if (state->mute.on)
		deadline = earlier(deadline, state->mute.wait.due_ms);
	if (state->closes != FAULT_THEN_NOTHING)
		deadline = earlier(deadline, state->close_ms);
	if (conn->state == ISCSI_CONN_CLOSING && state->linger.due_ms > 0)
		deadline = earlier(deadline, state->linger.due_ms);
	if (conn->out_first && state->quiet_until_ms > 0)
		deadline = earlier(deadline, state->quiet_until_ms);
	return deadline;
}

void iscsi_fault_tick(struct iscsi_conn *conn)
{
	struct iscsi_fault_state *state = conn->fault;
	uint64_t now_ms = conn->node->now_ms;
	bool was_deaf = state->deaf.on, stood_still = iscsi_fault_stops_time(conn);

	silence_over(&state->deaf, now_ms);
	silence_over(&state->mute, now_ms);
	fault_update_stops(conn);
	if (stood_still && !iscsi_fault_stops_time(conn))
		conn->sent_ms = conn->received_ms = conn->ping_ms = now_ms;
	if (now_ms >= state->quiet_until_ms)
		state->quiet_until_ms = 0;
	if (now_ms >= state->linger.due_ms)
		state->linger = (struct fault_wait){0};
	tick_late(conn, now_ms);
	tick_inserts(conn, now_ms);
	tick_tasks(conn, now_ms);
	if (state->closes != FAULT_THEN_NOTHING && now_ms >= state->close_ms)
		fault_close(conn, state->closes, state->close_discards);
	if (state->stopped && now_ms >= state->stopped->wait.due_ms)
		fault_received_resume(conn);
	else if (was_deaf && !state->deaf.on)
		iscsi_conn_process(conn);
	if (!conn->node->faults->rules && fault_state_is_idle(conn))
		fault_state_free(conn);
}

/* --- letting go ------------------------------------------------------------------------------- */

void fault_state_forget_rule(struct iscsi_conn *conn, const struct fault_rule *rule)
{
	struct iscsi_fault_state *state = conn->fault;
	struct fault_own_count **link = &state->counts;

	fault_state_let_go(conn, rule);
	while (*link && (*link)->rule != rule)
		link = &(*link)->next;
	if (*link) {
		struct fault_own_count *own = *link;

		*link = own->next;
		free(own);
	}
	if (state->narrow == rule)
		state->narrow = NULL;
}

unsigned fault_state_let_go(struct iscsi_conn *conn, const struct fault_rule *rule)
{
	struct iscsi_fault_state *state = conn->fault;
	struct fault_insert_later *later;
	struct fault_held_task *held;
	struct fault_late *late;
	unsigned count = 0;

	DL_FOREACH(state->tasks, held)
	{
		if (!held->vanished)
			count += wait_let_go(&held->wait, rule);
		else if (held->wait.rule == rule)
			held->wait.rule = NULL;
	}
	DL_FOREACH(state->late, late)
	{
		count += wait_let_go(&late->wait, rule);
	}
	DL_FOREACH(state->inserts, later)
	{
		count += wait_let_go(&later->wait, rule);
	}
	if (state->stopped)
		count += wait_let_go(&state->stopped->wait, rule);
	count += wait_let_go(&state->deaf.wait, rule);
	count += wait_let_go(&state->mute.wait, rule);
	count += wait_let_go(&state->linger, rule);
	if (count > 0)
		iscsi_conn_wake(conn);
	return count;
}

uint64_t fault_state_held(const struct iscsi_conn *conn, const struct fault_rule *rule)
{
	const struct iscsi_fault_state *state = conn->fault;
	const struct fault_held_task *held;
	const struct fault_late *late;
	uint64_t count = 0;

	DL_FOREACH(state->tasks, held)
	{
		count += held->wait.rule == rule;
	}
	DL_FOREACH(state->late, late)
	{
		count += late->wait.rule == rule;
	}
	return count + (state->stopped && state->stopped->wait.rule == rule);
}

/* Entries that only a connection with a state can write. */
static bool has_entries(const struct iscsi_conn *conn)
{
	for (const struct iscsi_out *out = conn->out_first; out; out = out->next)
		if (out->kind == ISCSI_OUT_FAULT && !out->encoded)
			return true;
	return false;
}

bool fault_state_is_idle(const struct iscsi_conn *conn)
{
	const struct iscsi_fault_state *state = conn->fault;

	return !state->tasks && state->linger.due_ms == 0 && !state->late && !state->inserts &&
	       !state->stopped && !state->deaf.on && !state->mute.on &&
	       state->closes == FAULT_THEN_NOTHING && state->quiet_until_ms == 0 &&
	       !state->is_limited && !has_entries(conn);
}

/* --- the end ---------------------------------------------------------------------------------- */

void fault_state_free(struct iscsi_conn *conn)
{
	struct iscsi_fault_state *state = conn->fault;
	struct fault_insert_later *later, *next_later;
	struct fault_held_task *held, *next_held;
	struct fault_own_count *own, *next_own;

	/* Commands that wait to be recovered by another connection (lost.c) go on without a rule.
	 */
	DL_FOREACH_SAFE(state->tasks, held, next_held)
	{
		held->wait.rule = NULL;
		if (held->vanished)
			fault_task_forget(held);
		else
			fault_task_resume(held);
	}
	late_discard(state);
	DL_FOREACH_SAFE(state->inserts, later, next_later)
	{
		free(later->insert);
		free(later);
	}
	LL_FOREACH_SAFE(state->counts, own, next_own)
	free(own);
	free(state->said.p);
	free(state->stopped);
	free(state->data);
	free(state);
	conn->fault = NULL;
	fault_update_stops(conn);
}

void iscsi_fault_free(struct iscsi_conn *conn)
{
	if (conn->fault)
		fault_state_free(conn);
}
