/*
 * Task management (SAM-5 7, RFC 7143 11.5, RFC 7144 4.2). PERSISTENT RESERVE OUTs of the aborted
 * tasks that were taken up already take effect, unanswered; the reservations themselves are touched
 * by none of these functions.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "target/lease.h"
#include "target/remote_internal.h"
#include "target/trace_task.h"

/* A function that waits for the commands it aborted, on one LUN or on all. */
struct management {
	struct scsi_tmf *tmf;
	unsigned waiting; /* drains that are not over, and one until all have begun */
	unsigned drain_count;
	struct scsi_drain drains[];
};

static void answer(struct scsi_tmf *tmf, enum scsi_tmf_response response)
{
	tmf->response = response;
	scsi_trace_managed(tmf);
	tmf->complete(tmf);
}

static struct management *management_create(struct scsi_tmf *tmf, unsigned lun_count)
{
	struct management *management =
		calloc(1, sizeof(*management) + lun_count * sizeof(management->drains[0]));

	if (!management)
		return NULL;
	management->tmf = tmf;
	management->waiting = 1;
	return management;
}

static void management_release(struct management *management)
{
	struct scsi_tmf *tmf = management->tmf;

	if (--management->waiting > 0)
		return;
	free(management);
	answer(tmf, SCSI_TMF_COMPLETE);
}

static void management_drained(struct scsi_drain *drain)
{
	management_release(drain->context);
}

static struct scsi_drain *management_begin_drain(struct management *management,
						 struct scsi_lun *lun)
{
	struct scsi_drain *drain = &management->drains[management->drain_count++];

	management->waiting++;
	scsi_drain_begin(drain, lun, management_drained, management);
	scsi_lease_drain(drain);
	return drain;
}

/* ---- on one LUN: each marks what it aborts and raises what it must ---- */

typedef void (*lun_function)(struct scsi_lun *lun, struct scsi_tmf *tmf, struct scsi_drain *drain);

static void abort_one(struct scsi_lun *lun, struct scsi_tmf *tmf, struct scsi_drain *drain)
{
	(void)lun;
	scsi_task_abort(tmf->referenced, false, drain);
}

static void abort_issuers(struct scsi_lun *lun, struct scsi_tmf *tmf, struct scsi_drain *drain)
{
	scsi_task_set_abort(tmf->nexus->luns[lun->number], NULL, false, drain);
}

/*
 * Every task of every nexus. Other nexuses hear of it through TASK ABORTED (TAS = 1), or, when
 * `cleared` says so, through a unit attention (SAM-5 5.6.3).
 */
static void abort_all(struct scsi_lun *lun, const struct scsi_nexus *issuer, bool cleared,
		      struct scsi_drain *drain)
{
	struct scsi_lun_nexus *lun_nexus;

	DL_FOREACH(lun->nexuses, lun_nexus)
	{
		bool other = lun_nexus->nexus != issuer;
		bool send_status = other && lun->mode.tas;
		unsigned aborted = scsi_task_set_abort(lun_nexus, NULL, send_status, drain);

		/* Those that are still on another loop hear of it when they come (lease.h). */
		lun_nexus->abort_sends_status = send_status;
		lun_nexus->abort_tells = cleared && other && !send_status;
		if (lun_nexus->abort_tells && aborted > 0)
			scsi_lun_nexus_raise(lun_nexus, SCSI_UA_COMMANDS_CLEARED);
	}
}

static void clear_task_set(struct scsi_lun *lun, struct scsi_tmf *tmf, struct scsi_drain *drain)
{
	abort_all(lun, tmf->nexus, true, drain);
}

/* SAM-5 6.3.3: everything volatile goes but the persistent reservations and their registrations. */
static void reset_lun(struct scsi_lun *lun, const struct scsi_nexus *issuer,
		      enum scsi_unit_attention ua, struct scsi_drain *drain)
{
	struct scsi_lun_nexus *lun_nexus;

	abort_all(lun, issuer, false, drain);
	lun->spc2_owner = NULL;
	DL_FOREACH(lun->nexuses, lun_nexus)
	lun_nexus->prevents_removal = false;
	scsi_mode_reset(lun);
	scsi_lun_raise(lun, ua, NULL);
}

static void logical_unit_reset(struct scsi_lun *lun, struct scsi_tmf *tmf, struct scsi_drain *drain)
{
	reset_lun(lun, tmf->nexus, SCSI_UA_LOGICAL_UNIT_RESET, drain);
}

static void warm_reset(struct scsi_lun *lun, struct scsi_tmf *tmf, struct scsi_drain *drain)
{
	reset_lun(lun, tmf->nexus, SCSI_UA_BUS_RESET, drain);
}

/* The transport closes the connections. Reservations stay, with APTPL = 0 too: the sheet's 3.11. */
static void cold_reset(struct scsi_lun *lun, struct scsi_tmf *tmf, struct scsi_drain *drain)
{
	reset_lun(lun, tmf->nexus, SCSI_UA_POWER_ON, drain);
}

/* SAM-5 6.3.4. Unlike a session's end this leaves somebody who wants to know. */
static void nexus_reset(struct scsi_lun *lun, struct scsi_tmf *tmf, struct scsi_drain *drain)
{
	struct scsi_lun_nexus *lun_nexus = tmf->nexus->luns[lun->number];

	scsi_task_set_abort(lun_nexus, NULL, false, drain);
	if (lun->spc2_owner == lun_nexus)
		lun->spc2_owner = NULL;
	lun_nexus->prevents_removal = false;
	scsi_lun_nexus_raise(lun_nexus, SCSI_UA_NEXUS_LOSS);
}

/* ---- on the LUNs there are ---- */

/* Nobody is called back before every LUN has been through it. */
static void manage_luns(struct scsi_tmf *tmf, struct scsi_lun *const *luns, unsigned count,
			lun_function function)
{
	struct management *management = management_create(tmf, count);

	if (!management) {
		answer(tmf, SCSI_TMF_REJECTED);
		return;
	}
	for (unsigned i = 0; i < count; i++)
		function(luns[i], tmf, management_begin_drain(management, luns[i]));
	for (unsigned i = 0; i < count; i++)
		scsi_drain_seal(&management->drains[i]);
	management_release(management);
}

static void manage_target(struct scsi_tmf *tmf, lun_function function)
{
	struct scsi_lun *luns[SCSI_LUN_MAX + 1];
	unsigned count = 0;

	/* What the issuer must not see it must not reset either. */
	for (uint16_t i = 0; i <= SCSI_LUN_MAX; i++) {
		struct scsi_lun *lun = scsi_nexus_lun(tmf->nexus, i);
		if (lun)
			luns[count++] = lun;
	}
	manage_luns(tmf, luns, count, function);
}

/* One that was aborted before but still works is waited for as well: that is what a drain does. */
static void manage_task(struct scsi_tmf *tmf)
{
	struct scsi_task *task = tmf->referenced;
	bool draining = task && task->lun && task->phase == SCSI_TASK_ABORTED;

	if ((!task || !scsi_task_is_alive(task)) && !draining) {
		answer(tmf, SCSI_TMF_NO_TASK);
		return;
	}
	manage_luns(tmf, &task->lun, 1, abort_one);
}

static void query_task(struct scsi_tmf *tmf)
{
	bool alive = tmf->referenced && scsi_task_is_alive(tmf->referenced);

	answer(tmf, alive ? SCSI_TMF_SUCCEEDED : SCSI_TMF_COMPLETE);
}

static void query_task_set(struct scsi_tmf *tmf, const struct scsi_lun *lun)
{
	const struct scsi_task *task;

	DL_FOREACH(tmf->nexus->luns[lun->number]->tasks, task)
	{
		if (scsi_task_is_alive(task)) {
			answer(tmf, SCSI_TMF_SUCCEEDED);
			return;
		}
	}
	answer(tmf, SCSI_TMF_COMPLETE);
}

/* SAM-5 7.11: UADE DEPTH (01b: one, 10b: more) and SENSE KEY, ASC, ASCQ; nothing is cleared. */
static void query_async_event(struct scsi_tmf *tmf, const struct scsi_lun *lun)
{
	const struct scsi_lun_nexus *lun_nexus = tmf->nexus->luns[lun->number];
	unsigned depth = lun_nexus->unit_attentions.count;
	uint8_t key = SCSI_KEY_UNIT_ATTENTION;
	enum scsi_unit_attention first;

	if (lun_nexus->deferred_error != SCSI_SENSE_NONE)
		depth++;
	if (depth == 0) {
		answer(tmf, SCSI_TMF_COMPLETE);
		return;
	}
	if (scsi_ua_first(&lun_nexus->unit_attentions, &first))
		scsi_ua_code(first, &tmf->additional[1], &tmf->additional[2]);
	else
		scsi_sense_code(lun_nexus->deferred_error, &key, &tmf->additional[1],
				&tmf->additional[2]);
	tmf->additional[0] = (uint8_t)((depth > 1 ? 2u : 1u) << 4 | key);
	answer(tmf, SCSI_TMF_SUCCEEDED);
}

static void manage_lun(struct scsi_tmf *tmf)
{
	uint16_t number;
	struct scsi_lun *lun = NULL;

	if (scsi_lun_number_decode(tmf->lun_bytes, &number))
		lun = scsi_nexus_lun(tmf->nexus, number);
	if (!lun) {
		answer(tmf, SCSI_TMF_NO_LUN);
		return;
	}
	switch (tmf->function) {
	case SCSI_TMF_ABORT_TASK_SET:
		manage_luns(tmf, &lun, 1, abort_issuers);
		return;
	case SCSI_TMF_CLEAR_TASK_SET:
		manage_luns(tmf, &lun, 1, clear_task_set);
		return;
	case SCSI_TMF_LOGICAL_UNIT_RESET:
		manage_luns(tmf, &lun, 1, logical_unit_reset);
		return;
	case SCSI_TMF_QUERY_TASK_SET:
		query_task_set(tmf, lun);
		return;
	case SCSI_TMF_QUERY_ASYNC_EVENT:
		query_async_event(tmf, lun);
		return;
	case SCSI_TMF_CLEAR_ACA: /* SAM-5 7.4: only with NORMACA = 1, and here NACA is refused */
	case SCSI_TMF_INVALID:
	case SCSI_TMF_ABORT_TASK:
	case SCSI_TMF_TARGET_WARM_RESET:
	case SCSI_TMF_TARGET_COLD_RESET:
	case SCSI_TMF_QUERY_TASK:
	case SCSI_TMF_I_T_NEXUS_RESET:
		break;
	}
	answer(tmf, SCSI_TMF_NOT_SUPPORTED);
}

/* Its task began on this loop (lease.h). */
static bool is_about_shadow(const struct scsi_tmf *tmf)
{
	const struct scsi_task *task = tmf->referenced;

	return task && task->lun && !task->remote;
}

void target_manage(struct scsi_tmf *tmf)
{
	memset(tmf->additional, 0, sizeof(tmf->additional));
	if (tmf->function == SCSI_TMF_QUERY_TASK_SET && tmf->nexus->remote &&
	    scsi_lease_is_busy(tmf->nexus, tmf->lun_bytes)) {
		tmf->response = SCSI_TMF_SUCCEEDED;
		tmf->complete(tmf);
		return;
	}
	if (tmf->nexus->remote && !is_about_shadow(tmf)) {
		scsi_lease_stop_for(tmf);
		remote_manage(tmf);
		return;
	}
	scsi_trace_management(tmf);
	switch (tmf->function) {
	case SCSI_TMF_ABORT_TASK:
		manage_task(tmf);
		return;
	case SCSI_TMF_QUERY_TASK:
		query_task(tmf);
		return;
	case SCSI_TMF_TARGET_WARM_RESET:
		manage_target(tmf, warm_reset);
		return;
	case SCSI_TMF_TARGET_COLD_RESET:
		manage_target(tmf, cold_reset);
		return;
	case SCSI_TMF_I_T_NEXUS_RESET:
		manage_target(tmf, nexus_reset);
		return;
	case SCSI_TMF_ABORT_TASK_SET:
	case SCSI_TMF_CLEAR_ACA:
	case SCSI_TMF_CLEAR_TASK_SET:
	case SCSI_TMF_LOGICAL_UNIT_RESET:
	case SCSI_TMF_QUERY_TASK_SET:
	case SCSI_TMF_QUERY_ASYNC_EVENT:
	case SCSI_TMF_INVALID:
		break;
	}
	manage_lun(tmf);
}
