/*
 * Faults of SCSI commands: before they begin, and between their end and their answer.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "transport/fault_internal.h"

/* --- before it begins ------------------------------------------------------------------------- */

static void sense_of(const struct fault_rule *rule, const struct fault_action *action,
		     const uint8_t *cdb, struct scsi_injection *injection)
{
	uint64_t sense = action->number[FAULT_P_SENSE];
	uint64_t information = action->number[FAULT_P_INFORMATION];

	injection->status = SCSI_STATUS_CHECK_CONDITION;
	injection->has_sense = true;
	injection->key = (uint8_t)(sense >> 16);
	injection->asc = (uint8_t)(sense >> 8);
	injection->ascq = (uint8_t)sense;
	injection->format = (enum scsi_sense_format)action->number[FAULT_P_FORMAT];
	injection->deferred = action->number[FAULT_P_DEFERRED] != 0;
	injection->has_field = fault_given(action, FAULT_P_FIELD);
	injection->field = (uint16_t)action->number[FAULT_P_FIELD];
	injection->has_information = fault_given(action, FAULT_P_INFORMATION);
	injection->information = information;
	if (information == FAULT_INFORMATION_LBA)
		injection->has_information = fault_rule_block(rule, cdb, &injection->information);
}

static void end_with(const struct fault_rule *rule, const struct fault_action *action,
		     struct scsi_task *scsi)
{
	struct scsi_injection injection = {.status = (uint8_t)action->number[FAULT_P_STATUS]};

	if (action->row->id == FAULT_DO_SENSE)
		sense_of(rule, action, scsi->cdb, &injection);
	target_task_inject(scsi, &injection);
}

static enum scsi_gate before_end(struct iscsi_task *task, struct fault_rule *rule, unsigned i)
{
	end_with(rule, &rule->actions[i], &task->scsi);
	return SCSI_GATE_ENDED;
}

static enum scsi_gate before_answer(struct iscsi_task *task, struct fault_rule *rule, unsigned i)
{
	const struct fault_action *action = &rule->actions[i];
	size_t len = fault_given(action, FAULT_P_SIZE) ? action->number[FAULT_P_SIZE]
						       : action->bytes_len;
	struct fault_bytes data = {0};

	fault_bytes_add(&data, action->bytes, action->bytes_len < len ? action->bytes_len : len);
	fault_bytes_fill(&data, 0, len - data.len);
	if (data.failed)
		target_task_inject(&task->scsi,
				   &(struct scsi_injection){.status = SCSI_STATUS_BUSY});
	else
		target_task_inject_data(&task->scsi, data.p, data.len);
	free(data.p);
	return SCSI_GATE_ENDED;
}

/* Without memory it is not held. */
static enum scsi_gate before_hold(struct iscsi_task *task, struct fault_rule *rule, unsigned i)
{
	struct iscsi_conn *conn = task->conn;
	struct fault_held_task *held = malloc(sizeof(*held));

	if (!held)
		return SCSI_GATE_OPEN;
	*held = (struct fault_held_task){
		.task = task,
		.conn = conn,
		.wait = fault_wait_begin(conn, rule, i, task->itt),
		.vanished = rule->actions[i].row->id == FAULT_DO_VANISH,
	};
	task->held = held;
	DL_APPEND(conn->fault->tasks, held);
	iscsi_conn_wake(conn); /* there is a deadline now */
	return SCSI_GATE_CLOSED;
}

typedef enum scsi_gate (*before_action)(struct iscsi_task *task, struct fault_rule *rule,
					unsigned i);

static const before_action before_actions[FAULT_DO_COUNT] = {
	[FAULT_DO_STATUS] = before_end,	 [FAULT_DO_SENSE] = before_end,
	[FAULT_DO_DELAY] = before_hold,	 [FAULT_DO_HOLD] = before_hold,
	[FAULT_DO_VANISH] = before_hold, [FAULT_DO_ANSWER] = before_answer,
};

bool fault_command_knows(enum fault_action_id id)
{
	return before_actions[id] != NULL;
}

static enum scsi_gate act_from(struct iscsi_task *task, struct fault_rule *rule, unsigned first)
{
	for (unsigned i = first; i < rule->action_count; i++) {
		enum scsi_gate gate = before_actions[rule->actions[i].row->id](task, rule, i);
		if (gate != SCSI_GATE_OPEN)
			return gate;
	}
	return SCSI_GATE_OPEN;
}

void fault_task_forget(struct fault_held_task *held)
{
	DL_DELETE(held->conn->fault->tasks, held);
	held->task->held = NULL;
	free(held);
}

/* Its wait is over: the rest of its rule, and no other. */
static enum scsi_gate begin_again(struct iscsi_task *task)
{
	struct fault_wait wait = task->held->wait;

	fault_task_forget(task->held);
	return wait.rule && task->conn ? act_from(task, wait.rule, wait.next_action)
				       : SCSI_GATE_OPEN;
}

void fault_task_resume(struct fault_held_task *held)
{
	target_task_go_on(&held->task->scsi);
}

enum scsi_gate iscsi_fault_begin_task(struct scsi_task *scsi)
{
	struct fault_moment moment = {.kind = FAULT_COMMAND};
	struct iscsi_task *task = scsi->owner;
	struct fault_rule *rule;

	if (task->held)
		return begin_again(task);
	if (!task->conn || !task->conn->fault)
		return SCSI_GATE_OPEN;
	fault_scene_task(task, &moment);
	DL_FOREACH(task->conn->node->faults->rules, rule)
	{
		if (!fault_fires(task->conn, rule, &moment))
			continue;
		fault_tell(task->conn, rule, &moment, task->itt);
		enum scsi_gate gate = act_from(task, rule, 0);
		if (gate != SCSI_GATE_OPEN)
			return gate;
	}
	return SCSI_GATE_OPEN;
}

bool iscsi_fault_task_ended(struct iscsi_task *task)
{
	bool vanished = task->held && task->held->vanished;

	if (task->held)
		fault_task_forget(task->held);
	return vanished;
}

/* --- when it has ended ------------------------------------------------------------------------ */

static void after_short(const struct fault_rule *rule, const struct fault_action *action,
			struct scsi_task *scsi)
{
	uint64_t len = scsi->data_in_len, to = action->number[FAULT_P_TO];
	(void)rule;

	if (fault_given(action, FAULT_P_BY))
		len -= action->number[FAULT_P_BY] < len ? action->number[FAULT_P_BY] : len;
	else if (to & FAULT_PERCENT)
		len = len * (to & ~FAULT_PERCENT) / 100;
	else if (to < len)
		len = to;
	scsi->data_in_len = (uint32_t)len;
	scsi->transfer_len = len;
}

void fault_corrupt(const struct fault_rule *rule, const struct fault_action *action,
		   const uint8_t *cdb, uint8_t *data, uint32_t len)
{
	uint64_t lba = 0, n = rule->total.firings, at;
	uint32_t blocks, bits = fault_given(action, FAULT_P_BITS)
					? (uint32_t)action->number[FAULT_P_BITS]
					: 1;

	if (action->number[FAULT_P_STUCK] != 0)
		n = cdb && target_cdb_blocks(cdb, &lba, &blocks) ? lba : 0;
	for (uint32_t i = 0; i < bits && len > 0; i++) {
		uint64_t random = fault_random(rule->seed ^ n, i);

		at = fault_given(action, FAULT_P_AT) ? action->number[FAULT_P_AT] & ~FAULT_IN_DATA
						     : (random >> 8) % len;
		if (at >= len)
			return;
		uint64_t flip = fault_given(action, FAULT_P_XOR) ? action->number[FAULT_P_XOR]
								 : UINT64_C(1) << (random & 7);
		data[at] = (uint8_t)(data[at] ^ flip);
	}
}

static void after_corrupt(const struct fault_rule *rule, const struct fault_action *action,
			  struct scsi_task *scsi)
{
	if (scsi->data_in)
		fault_corrupt(rule, action, scsi->cdb, scsi->data_in, scsi->data_in_len);
}

static void after_data(const struct fault_rule *rule, const struct fault_action *action,
		       struct scsi_task *scsi)
{
	uint64_t at = action->number[FAULT_P_AT] & ~FAULT_IN_DATA;
	(void)rule;

	if (!scsi->data_in || at >= scsi->data_in_len || action->bytes_len == 0)
		return;
	size_t room = scsi->data_in_len - at;
	memcpy(scsi->data_in + at, action->bytes,
	       action->bytes_len < room ? action->bytes_len : room);
}

typedef void (*after_action)(const struct fault_rule *rule, const struct fault_action *action,
			     struct scsi_task *scsi);

static const after_action after_actions[FAULT_DO_COUNT] = {
	[FAULT_DO_STATUS] = end_with,	[FAULT_DO_SENSE] = end_with,
	[FAULT_DO_SHORT] = after_short, [FAULT_DO_CORRUPT] = after_corrupt,
	[FAULT_DO_DATA] = after_data,
};

bool fault_result_knows(enum fault_action_id id)
{
	return after_actions[id] != NULL;
}

void iscsi_fault_result(struct iscsi_task *task)
{
	struct fault_moment moment = {.kind = FAULT_RESULT};
	struct iscsi_conn *conn = task->conn;
	struct fault_rule *rule;

	fault_scene_task(task, &moment);
	DL_FOREACH(conn->node->faults->rules, rule)
	{
		moment.has_status = true;
		moment.status = (uint8_t)task->scsi.status;
		if (!fault_fires(conn, rule, &moment))
			continue;
		fault_tell(conn, rule, &moment, task->itt);
		for (unsigned i = 0; i < rule->action_count; i++)
			after_actions[rule->actions[i].row->id](rule, &rule->actions[i],
								&task->scsi);
	}
}
