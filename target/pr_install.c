#include "target/pr_install.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "pr_engine/bytes.h"
#include "target/command.h"
#include "target/trace_task.h"

/* The logged-in nexuses that one command's changes are about. */
struct touched {
	struct scsi_lun *lun;
	struct scsi_lun_nexus *first;
	bool reservation; /* the reservation changed: every standing may have */
};

static void touch(struct touched *touched, struct scsi_lun_nexus *lun_nexus)
{
	if (lun_nexus->touched)
		return;
	lun_nexus->touched = true;
	lun_nexus->touched_next = touched->first;
	touched->first = lun_nexus;
}

/* The nexus' side of the LUN, when it is logged in. */
static struct scsi_lun_nexus *find_lun_nexus(const struct scsi_lun *lun,
					     const struct pr_nexus_id *id)
{
	struct scsi_nexus *nexus = scsi_target_find_nexus(lun->target, id);

	return nexus ? nexus->luns[lun->number] : NULL;
}

static void touch_id(struct touched *touched, const struct pr_nexus_id *id, bool lost)
{
	struct scsi_lun_nexus *lun_nexus = find_lun_nexus(touched->lun, id);

	if (!lun_nexus)
		return;
	touch(touched, lun_nexus);
	lun_nexus->lost_registration |= lost;
}

static void touch_all_registered(struct touched *touched)
{
	struct scsi_lun_nexus *lun_nexus;

	DL_FOREACH(touched->lun->nexuses, lun_nexus)
	{
		if (lun_nexus->standing == PR_STANDING_STRANGER)
			continue;
		touch(touched, lun_nexus);
		lun_nexus->lost_registration = true;
	}
}

/* Before the change is applied: then a removed registration can still be looked up. */
static void note_change(struct touched *touched, const struct pr_state *state,
			const struct pr_change *change)
{
	const struct pr_registration *registration;

	switch (change->op) {
	case PR_CHANGE_ADD:
		touch_id(touched, &change->nexus, false);
		break;
	case PR_CHANGE_REMOVE:
		registration = pr_state_by_id(state, change->registration_id);
		if (registration)
			touch_id(touched, &registration->nexus, true);
		break;
	case PR_CHANGE_REMOVE_ALL:
		touch_all_registered(touched);
		touched->reservation = true;
		break;
	case PR_CHANGE_RESERVE:
	case PR_CHANGE_RELEASE:
		touched->reservation = true;
		break;
	case PR_CHANGE_SET_KEY:
	case PR_CHANGE_APTPL:
	case PR_CHANGE_NEXT_ID:
	case PR_CHANGE_INVALID:
		break;
	}
}

static void apply_changes(struct touched *touched, struct pr_state *state, const uint8_t *changes,
			  size_t len)
{
	struct byte_reader in = byte_reader_over(changes, len);
	struct pr_change change;

	while (pr_change_decode(&in, &change)) {
		note_change(touched, state, &change);
		bool applied = pr_state_apply(state, &change);
		assert(applied); /* the same changes went into the pending state */
		(void)applied;
	}
	assert(!in.failed);
}

static void refresh_standings(struct touched *touched, const struct pr_state *state)
{
	struct scsi_lun *lun = touched->lun;
	struct scsi_lun_nexus *lun_nexus;

	if (!touched->reservation) {
		for (lun_nexus = touched->first; lun_nexus; lun_nexus = lun_nexus->touched_next)
			lun_nexus->standing = pr_state_standing(state, &lun_nexus->nexus->id);
		return;
	}
	lun->reservation_type = pr_state_reservation(state).type;
	DL_FOREACH(lun->nexuses, lun_nexus)
	lun_nexus->standing = pr_state_standing(state, &lun_nexus->nexus->id);
}

static void forget_touched(struct touched *touched)
{
	struct scsi_lun_nexus *lun_nexus;

	while ((lun_nexus = touched->first) != NULL) {
		touched->first = lun_nexus->touched_next;
		lun_nexus->touched_next = NULL;
		lun_nexus->touched = false;
		lun_nexus->lost_registration = false;
	}
}

/* ---- effects ---- */

static void raise_one(struct scsi_lun_nexus *lun_nexus, enum pr_unit_attention ua)
{
	switch (ua) {
	case PR_UA_NONE:
		break;
	case PR_UA_RESERVATIONS_PREEMPTED:
		scsi_lun_nexus_raise(lun_nexus, SCSI_UA_RESERVATIONS_PREEMPTED);
		break;
	case PR_UA_RESERVATIONS_RELEASED:
		scsi_lun_nexus_raise(lun_nexus, SCSI_UA_RESERVATIONS_RELEASED);
		break;
	case PR_UA_REGISTRATIONS_PREEMPTED:
		scsi_lun_nexus_raise(lun_nexus, SCSI_UA_REGISTRATIONS_PREEMPTED);
		break;
	}
}

static bool is_victim(const struct scsi_lun_nexus *lun_nexus, const struct scsi_lun_nexus *caller)
{
	return lun_nexus != caller && lun_nexus->lost_registration &&
	       lun_nexus->standing == PR_STANDING_STRANGER;
}

static void raise_unit_attentions(const struct touched *touched,
				  const struct scsi_lun_nexus *caller, const struct pr_plan *plan)
{
	struct scsi_lun_nexus *lun_nexus;

	for (lun_nexus = touched->first; lun_nexus; lun_nexus = lun_nexus->touched_next)
		if (is_victim(lun_nexus, caller))
			raise_one(lun_nexus, plan->victims_unit_attention);
	if (plan->others_unit_attention == PR_UA_NONE)
		return;
	DL_FOREACH(touched->lun->nexuses, lun_nexus)
	if (lun_nexus != caller && lun_nexus->standing != PR_STANDING_STRANGER)
		raise_one(lun_nexus, plan->others_unit_attention);
}

/* SPC-4 5.13.11.2.6, b and c: commands end, and the prevention of medium removal with them. */
static void abort_victim(struct scsi_lun_nexus *victim, struct scsi_drain *drain)
{
	bool tas = victim->lun->mode.tas;
	unsigned aborted = scsi_task_set_abort(victim, NULL, tas, drain);

	if (aborted > 0 && !tas)
		scsi_lun_nexus_raise(victim, SCSI_UA_COMMANDS_CLEARED);
	victim->prevents_removal = false;
}

static void abort_commands(const struct touched *touched, struct scsi_lun_nexus *caller,
			   struct pr_commit_request *request)
{
	struct scsi_lun_nexus *lun_nexus;

	scsi_drain_begin(request->drain, touched->lun, NULL, NULL);
	for (lun_nexus = touched->first; lun_nexus; lun_nexus = lun_nexus->touched_next)
		if (request->plan.abort_victims && is_victim(lun_nexus, caller))
			abort_victim(lun_nexus, request->drain);
	if (request->plan.abort_caller && caller) {
		/* Its own doing: no TASK ABORTED, no unit attention (SAM-5 5.6.2). */
		scsi_task_set_abort(caller, request->task, false, request->drain);
		caller->prevents_removal = false;
	}
}

void pr_install_apply(struct scsi_lun *lun, struct pr_state *state,
		      struct pr_commit_request *request, const uint8_t *changes)
{
	const struct pr_plan *plan = &request->plan;
	struct touched touched = {.lun = lun};
	struct scsi_lun_nexus *caller = scsi_task_lun_nexus(request->task);

	apply_changes(&touched, state, changes, plan->changes_len);
	if (plan->bumps_generation)
		pr_state_set_generation(state, pr_state_generation(state) + 1);
	if (plan->changes_len > 0 || plan->bumps_generation)
		scsi_trace_pr_change(request, state);
	refresh_standings(&touched, state);
	raise_unit_attentions(&touched, caller, plan);
	if (plan->abort_victims || plan->abort_caller)
		abort_commands(&touched, caller, request);
	forget_touched(&touched);
}

/* ---- the answer ---- */

static void set_status(struct pr_commit_request *request)
{
	struct scsi_task *task = request->task;

	if (request->sense != SCSI_SENSE_NONE) {
		scsi_task_check_condition(task, request->sense);
		return;
	}
	switch (request->plan.outcome) {
	case PR_OUTCOME_GOOD:
		scsi_task_good(task);
		return;
	case PR_OUTCOME_RESERVATION_CONFLICT:
		task->status = SCSI_STATUS_RESERVATION_CONFLICT;
		scsi_trace_conflict(task, request->plan.conflict);
		return;
	case PR_OUTCOME_INVALID_FIELD_IN_CDB:
		scsi_task_invalid_cdb_field(task, request->field_byte, request->field_bit);
		return;
	case PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST:
		scsi_task_invalid_parameter_field(task, request->field_byte, request->field_bit);
		return;
	case PR_OUTCOME_INVALID_RELEASE:
		scsi_task_check_condition(task, SCSI_SENSE_INVALID_RELEASE);
		return;
	case PR_OUTCOME_INSUFFICIENT_REGISTRATION_RESOURCES:
		scsi_task_check_condition(task, SCSI_SENSE_INSUFFICIENT_REGISTRATION_RESOURCES);
		return;
	case PR_OUTCOME_INVALID:
		break;
	}
	assert(0 && "a plan without an outcome");
}

static void drained(struct scsi_drain *drain)
{
	struct scsi_task *task = drain->context;

	if (task) {
		struct pr_commit_request *request = task->work;

		request->drain = NULL;
		task->cancel = NULL;
		scsi_task_finish(task);
	}
	free(drain);
}

/* The drain goes on alone: who aborted this task waits behind it, and so for its victims. */
static bool cancel_wait(struct scsi_task *task)
{
	struct pr_commit_request *request = task->work;

	request->drain->context = NULL;
	request->drain = NULL;
	return true;
}

/*
 * A PREEMPT AND ABORT that was itself aborted before it took effect does not wait: the one that
 * aborted it waits for this task, and must not in turn be waited for.
 */
void pr_install_answer(struct pr_commit_request *request)
{
	struct scsi_task *task = request->task;
	struct scsi_drain *drain = request->drain;

	set_status(request);
	if (!drain || !drain->lun) {
		scsi_task_finish(task);
		return;
	}
	drain->done = drained;
	if (!scsi_task_is_aborted(task)) {
		drain->context = task;
		task->cancel = cancel_wait;
		scsi_drain_seal(drain);
		return;
	}
	request->drain = NULL;
	scsi_drain_seal(drain);
	scsi_task_finish(task);
}
