/*
 * Faults of a whole connection: closing, silence, a narrow line, numbers that jump.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "transport/fault_internal.h"

static void silence_set(struct iscsi_conn *conn, struct fault_silence *silence,
			struct fault_rule *rule, unsigned action)
{
	const struct fault_action *a = &rule->actions[action];

	silence->on = true;
	silence->wait = (struct fault_wait){
		.rule = rule,
		.due_ms = fault_given(a, FAULT_P_FOR) ? conn->node->now_ms + a->number[FAULT_P_FOR]
						      : UINT64_MAX,
	};
}

void fault_close(struct iscsi_conn *conn, enum fault_then then, bool discard)
{
	conn->fault->is_silent = true;
	conn->fault->closes = then;
	conn->fault->close_ms = UINT64_MAX;
	/* A peer that reads nothing must not keep what it cannot have. */
	conn->fault->deaf.on = conn->fault->mute.on = false;
	fault_update_stops(conn);
	iscsi_conn_doom(conn, then == FAULT_THEN_RST ? "fault: rst" : "fault: fin", discard);
}

bool iscsi_conn_wants_reset(const struct iscsi_conn *conn)
{
	return conn->fault && conn->fault->closes == FAULT_THEN_RST &&
	       conn->state == ISCSI_CONN_CLOSING;
}

static void close_begin(struct iscsi_conn *conn, const struct fault_action *action,
			enum fault_then then)
{
	bool discard = action->number[FAULT_P_DISCARD] != 0;

	if (!fault_given(action, FAULT_P_IN)) {
		fault_close(conn, then, discard);
		return;
	}
	conn->fault->closes = then;
	conn->fault->close_discards = discard;
	conn->fault->close_ms = conn->node->now_ms + action->number[FAULT_P_IN];
}

static void conn_fin(struct iscsi_conn *conn, struct fault_rule *rule, unsigned i)
{
	close_begin(conn, &rule->actions[i], FAULT_THEN_FIN);
}

static void conn_rst(struct iscsi_conn *conn, struct fault_rule *rule, unsigned i)
{
	close_begin(conn, &rule->actions[i], FAULT_THEN_RST);
}

static void conn_deaf(struct iscsi_conn *conn, struct fault_rule *rule, unsigned i)
{
	silence_set(conn, &conn->fault->deaf, rule, i);
	fault_update_stops(conn);
}

static void conn_mute(struct iscsi_conn *conn, struct fault_rule *rule, unsigned i)
{
	silence_set(conn, &conn->fault->mute, rule, i);
}

static void conn_dead(struct iscsi_conn *conn, struct fault_rule *rule, unsigned i)
{
	conn_deaf(conn, rule, i);
	conn_mute(conn, rule, i);
}

static void conn_stat_sn(struct iscsi_conn *conn, struct fault_rule *rule, unsigned i)
{
	uint64_t number = rule->actions[i].number[FAULT_P_STAT_SN];
	uint32_t was = conn->login ? iscsi_login_next_stat_sn(conn->login) : conn->stat_sn;
	uint32_t next = (uint32_t)number + (number & FAULT_RELATIVE ? was : 0);

	if (conn->login) {
		iscsi_login_set_stat_sn(conn->login, next);
		return;
	}
	/* Whoever waits for what was sent before waits for as much. */
	if (iscsi_sn_before(conn->stat_sn, conn->fence_stat_sn))
		conn->fence_stat_sn += next - was;
	conn->stat_sn = next;
}

static void conn_bandwidth(struct iscsi_conn *conn, struct fault_rule *rule, unsigned i)
{
	struct iscsi_fault_state *state = conn->fault;

	if (rule->actions[i].number[FAULT_P_RATE] == 0)
		return;
	state->narrow = rule;
	state->rate = rule->actions[i].number[FAULT_P_RATE];
	state->tokens = 0;
	state->tokens_ms = conn->node->now_ms;
}

static void conn_linger(struct iscsi_conn *conn, struct fault_rule *rule, unsigned i)
{
	conn->fault->linger = (struct fault_wait){
		.rule = rule,
		.due_ms = conn->node->now_ms + rule->actions[i].number[FAULT_P_MS],
	};
}

static void conn_limit(struct iscsi_conn *conn, struct fault_rule *rule, unsigned i)
{
	const struct fault_action *action = &rule->actions[i];
	struct iscsi_fault_state *state = conn->fault;

	state->is_limited = true;
	state->limit = action->number[FAULT_P_SIZE];
	state->limit_then = (enum fault_then)action->number[FAULT_P_THEN];
	if (state->limit == 0 && state->limit_then != FAULT_THEN_NOTHING)
		fault_close(conn, state->limit_then, true);
}

typedef void (*conn_action)(struct iscsi_conn *conn, struct fault_rule *rule, unsigned i);

static const conn_action conn_actions[FAULT_DO_COUNT] = {
	[FAULT_DO_FIN] = conn_fin,	 [FAULT_DO_RST] = conn_rst,
	[FAULT_DO_DEAF] = conn_deaf,	 [FAULT_DO_MUTE] = conn_mute,
	[FAULT_DO_DEAD] = conn_dead,	 [FAULT_DO_STAT_SN] = conn_stat_sn,
	[FAULT_DO_LIMIT] = conn_limit,	 [FAULT_DO_BANDWIDTH] = conn_bandwidth,
	[FAULT_DO_LINGER] = conn_linger,
};

bool fault_connection_knows(enum fault_action_id id)
{
	return conn_actions[id] != NULL;
}

bool fault_connection_act(struct iscsi_conn *conn, struct fault_rule *rule, unsigned i)
{
	conn_action action = conn_actions[rule->actions[i].row->id];

	if (action)
		action(conn, rule, i);
	return action != NULL;
}

void fault_deafen(struct iscsi_conn *conn, struct fault_rule *rule)
{
	conn->fault->deaf = (struct fault_silence){
		.on = true,
		.wait = {.rule = rule, .due_ms = UINT64_MAX},
	};
	fault_update_stops(conn);
}

void iscsi_fault_accept(struct iscsi_conn *conn)
{
	struct fault_moment moment = {.kind = FAULT_ACCEPT};
	struct fault_rule *rule;

	if (!conn->node->faults || !conn->node->faults->rules)
		return;
	conn->fault = calloc(1, sizeof(*conn->fault));
	if (!conn->fault) {
		iscsi_conn_doom(conn, "out of memory", true);
		return;
	}
	fault_scene_conn(conn, &moment);
	DL_FOREACH(conn->node->faults->rules, rule)
	{
		if (!fault_fires(conn, rule, &moment))
			continue;
		fault_tell(conn, rule, &moment, ISCSI_NO_TAG);
		for (unsigned i = 0; i < rule->action_count; i++)
			fault_connection_act(conn, rule, i);
	}
}
