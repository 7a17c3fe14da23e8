/*
 * Faults of PDUs that come: before anybody has looked at them.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "transport/fault_internal.h"

/* What becomes of the PDU. */
enum fate {
	FATE_GOES_ON = 0,
	FATE_IS_OVER, /* nobody looks at it */
	FATE_WAITS,
};

struct arrival {
	struct iscsi_conn *conn;
	struct iscsi_pdu *pdu;
	bool is_sound;
	struct fault_moment moment;
};

/* --- changes ---------------------------------------------------------------------------------- */

static enum fate received_set(struct arrival *arrival, struct fault_rule *rule, unsigned i)
{
	struct iscsi_fault_state *state = arrival->conn->fault;
	const struct fault_action *action = &rule->actions[i];
	struct iscsi_pdu *pdu = arrival->pdu;

	if (pdu->bhs != state->bhs)
		memcpy(state->bhs, pdu->bhs, ISCSI_BHS_LEN);
	fault_fields_set(action->settings, action->setting_count,
			 fault_random(rule->seed, rule->total.firings), state->bhs);
	pdu->bhs = state->bhs;
	iscsi_bhs_decode(state->bhs, &pdu->head);
	return FATE_GOES_ON;
}

static enum fate received_text(struct arrival *arrival, struct fault_rule *rule, unsigned i)
{
	struct iscsi_fault_state *state = arrival->conn->fault;
	struct iscsi_pdu *pdu = arrival->pdu;
	struct fault_bytes text = {0};

	if (!fault_text_edit(arrival->conn, &rule->actions[i], (const char *)pdu->data,
			     pdu->data_len, &text)) {
		iscsi_conn_doom(arrival->conn, "out of memory", true);
		return FATE_IS_OVER;
	}
	free(state->data);
	state->data = text.p;
	pdu->data = text.p;
	pdu->data_len = (uint32_t)text.len;
	return FATE_GOES_ON;
}

/* --- what becomes of it ----------------------------------------------------------------------- */

static enum fate received_stop(struct arrival *arrival, struct fault_rule *rule, unsigned i)
{
	const struct iscsi_pdu *pdu = arrival->pdu;
	struct fault_stopped *stopped =
		malloc(sizeof(*stopped) + (size_t)pdu->ahs_len + pdu->data_len);

	if (!stopped) {
		iscsi_conn_doom(arrival->conn, "out of memory", true);
		return FATE_IS_OVER;
	}
	stopped->wait = fault_wait_begin(arrival->conn, rule, i, arrival->moment.index);
	stopped->is_sound = arrival->is_sound;
	memcpy(stopped->bhs, pdu->bhs, ISCSI_BHS_LEN);
	stopped->ahs_len = pdu->ahs_len;
	stopped->data_len = pdu->data_len;
	if (pdu->ahs_len > 0)
		memcpy(stopped->bytes, pdu->ahs, pdu->ahs_len);
	if (pdu->data_len > 0)
		memcpy(stopped->bytes + pdu->ahs_len, pdu->data, pdu->data_len);
	arrival->conn->fault->stopped = stopped;
	fault_update_stops(arrival->conn);
	return FATE_WAITS;
}

static uint16_t login_status_of(const struct fault_action *action)
{
	if (action->row->id == FAULT_DO_REFUSE)
		return (uint16_t)action->number[FAULT_P_LOGIN_STATUS];
	return action->number[FAULT_P_PERMANENT] != 0 ? ISCSI_LOGIN_MOVED_PERMANENTLY
						      : ISCSI_LOGIN_MOVED_TEMPORARILY;
}

static enum fate received_refuse(struct arrival *arrival, struct fault_rule *rule, unsigned i)
{
	static const char key[] = "TargetAddress=";
	const struct fault_action *action = &rule->actions[i];
	struct iscsi_conn *conn = arrival->conn;
	struct fault_bytes text = {0};
	bool open = action->number[FAULT_P_OPEN] != 0;

	if (action->text) {
		fault_bytes_add(&text, key, strlen(key));
		fault_bytes_add(&text, action->text, strlen(action->text) + 1);
	}
	if (text.failed)
		iscsi_conn_doom(conn, "out of memory", true);
	else
		iscsi_login_phase_refuse(conn, arrival->pdu, login_status_of(action),
					 (const char *)text.p, (uint32_t)text.len, !open);
	free(text.p);
	if (open)
		fault_deafen(conn, rule);
	return FATE_IS_OVER;
}

static enum fate received_insert(struct arrival *arrival, struct fault_rule *rule, unsigned i)
{
	arrival->moment.bhs = arrival->pdu->bhs;
	fault_insert_begin(arrival->conn, rule, i, &arrival->moment);
	return FATE_GOES_ON;
}

static enum fate received_reject(struct arrival *arrival, struct fault_rule *rule, unsigned i)
{
	const struct fault_action *action = &rule->actions[i];

	iscsi_reject(arrival->conn, arrival->pdu, (uint8_t)action->number[FAULT_P_REASON]);
	return action->number[FAULT_P_GO_ON] != 0 ? FATE_GOES_ON : FATE_IS_OVER;
}

static enum fate received_drop(struct arrival *arrival, struct fault_rule *rule, unsigned i)
{
	(void)arrival;
	(void)rule;
	(void)i;
	return FATE_IS_OVER;
}

static enum fate received_pieces(struct arrival *arrival, struct fault_rule *rule, unsigned i)
{
	struct iscsi_conn *conn = arrival->conn;
	uint32_t size = (uint32_t)rule->actions[i].number[FAULT_P_SIZE];

	if (size == 0)
		size = 1;
	if (conn->login)
		iscsi_login_set_piece_max(conn->login, size);
	else
		conn->fault->piece_max = size;
	return FATE_GOES_ON;
}

static enum fate received_records(struct arrival *arrival, struct fault_rule *rule, unsigned i)
{
	arrival->conn->fault->records = (uint32_t)rule->actions[i].number[FAULT_P_RECORDS];
	return FATE_GOES_ON;
}

typedef enum fate (*received_action)(struct arrival *arrival, struct fault_rule *rule, unsigned i);

static const received_action received_actions[FAULT_DO_COUNT] = {
	[FAULT_DO_DELAY] = received_stop,    [FAULT_DO_HOLD] = received_stop,
	[FAULT_DO_DROP] = received_drop,     [FAULT_DO_SET] = received_set,
	[FAULT_DO_INSERT] = received_insert, [FAULT_DO_REJECT] = received_reject,
	[FAULT_DO_PIECES] = received_pieces, [FAULT_DO_RECORDS] = received_records,
	[FAULT_DO_REFUSE] = received_refuse, [FAULT_DO_REDIRECT] = received_refuse,
};

static received_action action_of(enum fault_action_id id)
{
	return fault_edits_text(id) ? received_text : received_actions[id];
}

bool fault_received_knows(enum fault_action_id id)
{
	return action_of(id) != NULL;
}

static enum fate act(struct arrival *arrival, struct fault_rule *rule, unsigned i)
{
	if (fault_connection_act(arrival->conn, rule, i))
		return FATE_GOES_ON;
	received_action action = action_of(rule->actions[i].row->id);
	assert(action);
	return action(arrival, rule, i);
}

/* Whether an action decides what becomes of the PDU. */
static bool decides(received_action action)
{
	return action == received_stop || action == received_drop || action == received_reject ||
	       action == received_refuse;
}

/* The first action that decides counts; those behind it still do what does not. */
static enum fate act_from(struct arrival *arrival, struct fault_rule *rule, unsigned first)
{
	enum fate fate = FATE_GOES_ON;

	for (unsigned i = first; i < rule->action_count && fate != FATE_WAITS; i++) {
		if (fate == FATE_GOES_ON)
			fate = act(arrival, rule, i);
		else if (!decides(action_of(rule->actions[i].row->id)))
			act(arrival, rule, i);
	}
	return fate;
}

static bool ask_rules(struct arrival *arrival)
{
	struct fault_rule *rule;

	DL_FOREACH(arrival->conn->node->faults->rules, rule)
	{
		arrival->moment.bhs = arrival->pdu->bhs;
		if (!fault_fires(arrival->conn, rule, &arrival->moment))
			continue;
		fault_tell(arrival->conn, rule, &arrival->moment, arrival->pdu->head.itt);
		if (act_from(arrival, rule, 0) != FATE_GOES_ON)
			return false;
	}
	return true;
}

static void arrive(struct arrival *arrival)
{
	struct iscsi_conn *conn = arrival->conn;
	const struct iscsi_pdu *pdu = arrival->pdu;
	bool is_text =
		pdu->head.opcode == ISCSI_LOGIN_REQUEST || pdu->head.opcode == ISCSI_TEXT_REQUEST;

	arrival->moment = (struct fault_moment){
		.kind = FAULT_RECEIVED,
		.opcode = pdu->head.opcode,
		.bhs = pdu->bhs,
		.text = is_text ? (const char *)pdu->data : NULL,
		.text_len = is_text ? pdu->data_len : 0,
		.index = conn->fault->received,
	};
	fault_scene_pdu(conn, fault_scene_task_of(conn, pdu->head.opcode, pdu->head.itt),
			&arrival->moment);
}

bool iscsi_fault_received(struct iscsi_conn *conn, struct iscsi_pdu *pdu, bool data_is_sound)
{
	struct arrival arrival = {.conn = conn, .pdu = pdu, .is_sound = data_is_sound};

	conn->fault->received++;
	arrive(&arrival);
	if (arrival.moment.text)
		fault_text_note(conn, arrival.moment.text, arrival.moment.text_len);
	return ask_rules(&arrival);
}

/* Whether there is still somebody to take a request: its connection can end while it waits. */
static bool is_served(const struct iscsi_conn *conn)
{
	return conn->state == ISCSI_CONN_LOGIN || conn->state == ISCSI_CONN_FULL_FEATURE;
}

/* The rest of its rule, and no other; then it goes on as if it came now. */
void fault_received_resume(struct iscsi_conn *conn)
{
	struct fault_stopped *stopped = conn->fault->stopped;
	struct fault_wait wait = stopped->wait;
	struct iscsi_pdu pdu = {
		.bhs = stopped->bhs,
		.ahs = stopped->bytes,
		.data = stopped->bytes + stopped->ahs_len,
		.ahs_len = stopped->ahs_len,
		.data_len = stopped->data_len,
	};
	struct arrival arrival = {.conn = conn, .pdu = &pdu, .is_sound = stopped->is_sound};
	enum fate fate = FATE_GOES_ON;

	conn->fault->stopped = NULL;
	fault_update_stops(conn);
	iscsi_bhs_decode(pdu.bhs, &pdu.head);
	arrive(&arrival);
	if (wait.rule)
		fate = act_from(&arrival, wait.rule, wait.next_action);
	if (fate == FATE_GOES_ON && is_served(conn))
		iscsi_conn_take_pdu(conn, &pdu, arrival.is_sound);
	free(stopped);
	if (fate != FATE_WAITS)
		iscsi_conn_process(conn);
}
