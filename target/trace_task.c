#include "target/trace_task.h"

#include <string.h>

#include "pr_engine/state.h"
#include "target/lease.h"
#include "target/pr_commit.h"
#include "target/trace_internal.h"

/* Apart, and not inlined, is what the common command has no need of: all below that runs for each
 * command has to be cheap (tests/bench/instructions.sh). */
#define RARE __attribute__((noinline, cold))

RARE static uint16_t lun_number(const uint8_t lun_bytes[8])
{
	uint16_t number;

	return scsi_lun_number_decode(lun_bytes, &number) ? number : TRACE_NO_LUN;
}

/* What is rare: a look at the clock more does not matter. */
static void put_now(struct trace_ring *ring, enum trace_kind kind, uint8_t flags, uint32_t who,
		    const void *body, uint32_t len)
{
	if (!ring)
		return;
	trace_tick(ring);
	trace_put(ring, kind, flags, who, body, len);
}

/* ---- commands -------------------------------------------------------------------------------- */

/* SPC-4 4.5: response codes 72h and 73h are descriptor format. */
RARE static void copy_sense(struct trace_command *command, const struct scsi_task *task)
{
	const uint8_t *sense = task->sense;
	bool descriptors = (sense[0] & 0x7f) >= 0x72;

	command->sense_key = (descriptors ? sense[1] : sense[2]) & 0x0f;
	command->asc = descriptors ? sense[2] : sense[12];
	command->ascq = descriptors ? sense[3] : sense[13];
}

static inline void fill_command(struct trace_command *command, const struct scsi_task *task,
				uint64_t now_ns, unsigned flags)
{
	*command = (struct trace_command){
		.latency_ns = now_ns - task->arrived_ns,
		.tag = task->tag,
		.data_in = task->data_in_len,
		.data_out = task->data_out ? task->data_out_len : 0,
		.lun = task->lun ? task->lun->number : lun_number(task->lun_bytes),
		.status = (uint8_t)task->status,
		.flags = (uint8_t)flags,
	};
	memcpy(command->cdb, task->cdb, sizeof(command->cdb));
	if (task->sense_len > 0)
		copy_sense(command, task);
}

RARE static void put_pr_out(struct trace_ring *ring, const struct scsi_task *task, unsigned flags)
{
	const struct pr_commit_request *request = task->work;
	struct trace_pr_out out = {
		.reservation_key = request->request.reservation_key,
		.service_action_key = request->request.service_action_key,
		.aptpl = request->request.aptpl,
	};

	fill_command(&out.command, task, ring->now_ns, flags | TRACE_COMMAND_HAS_LIST);
	trace_put(ring, TRACE_COMMAND, 0, task->nexus->who, &out, sizeof(out));
}

RARE static void put_command(struct trace_ring *ring, const struct scsi_task *task, unsigned flags)
{
	struct trace_command command;

	fill_command(&command, task, ring->now_ns, flags);
	trace_put(ring, TRACE_COMMAND, 0, task->nexus->who, &command, sizeof(command));
}

void scsi_trace_command(const struct scsi_task *task, unsigned flags)
{
	struct trace_ring *ring = scsi_nexus_trace(task->nexus);

	if (!ring)
		return;
	trace_tick(ring);
	if (task->by_copy_manager)
		flags |= TRACE_COMMAND_BY_COPY;
	/* A PERSISTENT RESERVE OUT that has its parameter list has it in its work. */
	if (task->work && task->command->access == PR_ACCESS_PR_OUT)
		put_pr_out(ring, task, flags);
	else if (ring->capture)
		put_command(ring, task, flags);
	else
		fill_command(trace_take_command(ring, task->nexus->who), task, ring->now_ns, flags);
}

/* ---- conflicts ------------------------------------------------------------------------------- */

static enum pr_access_class task_access(const struct scsi_task *task)
{
	const struct scsi_command *row = task->command;

	return row->access_of ? row->access_of(task->cdb) : row->access;
}

static void set_holder(struct trace_conflict *conflict, const struct pr_nexus_id *id, uint64_t key)
{
	conflict->holder_key = key;
	memcpy(conflict->holder_isid, id->isid, sizeof(conflict->holder_isid));
	conflict->holder_port = id->relative_target_port_id;
	memcpy(conflict->holder, id->initiator_name, sizeof(conflict->holder));
}

static void set_reservation(struct trace_conflict *conflict, const struct pr_state *state,
			    const struct pr_nexus_id *own)
{
	struct pr_reservation reservation = pr_state_reservation(state);
	const struct pr_registration *caller = pr_state_find(state, own), *holder = NULL;

	conflict->own_key = caller ? caller->key : 0;
	conflict->type = (uint8_t)reservation.type;
	conflict->record = reservation.since.sequence;
	conflict->time_ms = reservation.since.time_ms;
	conflict->all_registrants_hold = pr_type_is_all_registrants(reservation.type);
	if (reservation.holder_id != 0)
		holder = pr_state_by_id(state, reservation.holder_id);
	if (holder)
		set_holder(conflict, &holder->nexus, holder->key);
}

void scsi_trace_conflict(const struct scsi_task *task, enum pr_conflict why)
{
	const struct scsi_lun *lun = task->lun;
	struct trace_conflict conflict = {
		.tag = task->tag,
		.lun = lun->number,
		.conflict = (uint8_t)why,
		.access = (uint8_t)task_access(task),
		.standing = (uint8_t)scsi_task_lun_nexus(task)->standing,
	};

	memcpy(conflict.cdb, task->cdb, sizeof(conflict.cdb));
	set_reservation(&conflict, pr_commit_state(lun->pr), &task->nexus->id);
	if (lun->spc2_owner)
		set_holder(&conflict, &lun->spc2_owner->nexus->id, 0);
	size_t len = offsetof(struct trace_conflict, holder) +
		     strnlen(conflict.holder, PR_INITIATOR_NAME_MAX) + 1;
	put_now(scsi_nexus_trace(task->nexus), TRACE_CONFLICT, 0, task->nexus->who, &conflict,
		(uint32_t)len);
}

/* ---- what happens to nexuses ------------------------------------------------------------------
 */

void scsi_trace_pr_change(const struct pr_commit_request *request, const struct pr_state *state)
{
	const struct scsi_task *task = request->task;
	const struct pr_request *out = &request->request;
	struct trace_pr_change change = {
		.record = request->plan.changes_len > 0 ? out->stamp.sequence : 0,
		.reservation_key = out->reservation_key,
		.service_action_key = out->service_action_key,
		.tag = task->tag,
		.generation = pr_state_generation(state),
		.registrations = pr_state_count(state),
		.lun = task->lun->number,
		.action = (uint8_t)out->action,
		.scope_type = task->cdb[2],
		.type = (uint8_t)pr_state_reservation(state).type,
	};

	put_now(scsi_nexus_trace(task->nexus), TRACE_PR_CHANGE, 0, task->nexus->who, &change,
		sizeof(change));
}

static void put_unit_attention(const struct scsi_nexus *nexus, uint16_t lun, uint32_t tag,
			       enum scsi_unit_attention ua)
{
	struct trace_unit_attention attention = {.tag = tag, .lun = lun};

	scsi_ua_code(ua, &attention.asc, &attention.ascq);
	put_now(scsi_nexus_trace(nexus), TRACE_UNIT_ATTENTION, 0, nexus->who, &attention,
		sizeof(attention));
}

void scsi_lun_nexus_raise(struct scsi_lun_nexus *lun_nexus, enum scsi_unit_attention ua)
{
	scsi_lun_recall(lun_nexus->lun);
	scsi_ua_raise(&lun_nexus->unit_attentions, ua);
	put_unit_attention(lun_nexus->nexus, lun_nexus->lun->number, TRACE_NO_TAG, ua);
}

void scsi_trace_reported(const struct scsi_task *task, enum scsi_unit_attention ua)
{
	put_unit_attention(task->nexus, task->lun->number, task->tag, ua);
}

static void put_management(const struct scsi_tmf *tmf, bool ended)
{
	struct trace_management management = {
		.tag = tmf->trace_tag,
		.lun = lun_number(tmf->lun_bytes),
		.function = (uint8_t)tmf->function,
		.response = ended ? (uint8_t)tmf->response : 0,
		.ended = ended,
	};

	put_now(tmf->trace, TRACE_TASK_MANAGEMENT, 0, tmf->trace_who, &management,
		sizeof(management));
}

void scsi_trace_management(struct scsi_tmf *tmf)
{
	tmf->trace = scsi_nexus_trace(tmf->nexus);
	tmf->trace_who = tmf->nexus->who;
	tmf->trace_tag = tmf->referenced ? tmf->referenced->tag : TRACE_NO_TAG;
	put_management(tmf, false);
}

void scsi_trace_managed(const struct scsi_tmf *tmf)
{
	put_management(tmf, true);
}
