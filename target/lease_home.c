/*
 * Leases as the home gives and recalls them.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "pr_engine/access.h"
#include "target/access_state.h"
#include "target/lease.h"
#include "target/lent.h"
#include "target/pr_commit.h"
#include "target/sbc.h"

static uint64_t now_ms(const struct scsi_nexus *nexus)
{
	return scsi_nexus_now_ns(nexus) / 1000000;
}

/* ---- who may have one ------------------------------------------------------------------------ */

/* May it run while leases are out, at the same time as reads and writes elsewhere? */
static bool goes_beside_leases(const struct scsi_task *task)
{
	enum scsi_sense sense;
	const struct scsi_command *row =
		scsi_command_find_in(&task->nexus->target->commands, task->cdb, &sense);
	bool simple = task->attribute == SCSI_ATTRIBUTE_SIMPLE ||
		      task->attribute == SCSI_ATTRIBUTE_UNTAGGED;

	/* What there is no row for is refused. */
	return simple && (!row || row->flags & SCSI_COMMAND_BESIDE_LEASES);
}

static bool has_tasks_of_its_own(const struct scsi_lun *lun)
{
	const struct scsi_lun_nexus *lun_nexus;
	const struct scsi_task *task;

	DL_FOREACH(lun->nexuses, lun_nexus)
	DL_FOREACH(lun_nexus->tasks, task)
	if (!goes_beside_leases(task))
		return true;
	return false;
}

static bool lun_may_be_leased(const struct scsi_lun *lun)
{
	return !lun->stopped && !lun->erase && !lun->intents.owner && !lun->intents.broken &&
	       !lun->drains && !lun->dropped && !lun->saved.first &&
	       lun->mode.ua_interlock == SCSI_UA_INTERLOCK_NONE && pr_commit_is_idle(lun->pr) &&
	       !has_tasks_of_its_own(lun);
}

static bool nexus_is_plain(const struct scsi_lun_nexus *lun_nexus, const struct scsi_command *row)
{
	const struct scsi_lun *lun = lun_nexus->lun;

	return lun_nexus->unit_attentions.count == 0 &&
	       lun_nexus->deferred_error == SCSI_SENSE_NONE && !lun_nexus->nexus->closed &&
	       (!lun->spc2_owner || lun->spc2_owner == lun_nexus) &&
	       scsi_access_state_check(lun, lun_nexus->nexus, row) == SCSI_SENSE_NONE;
}

/* enum scsi_lease_access: what of it nobody has anything to say about. */
static unsigned access_of_nexus(const struct scsi_task *task,
				const struct scsi_lun_nexus *lun_nexus)
{
	const struct scsi_lun *lun = lun_nexus->lun;
	enum scsi_sense sense;
	const struct scsi_command *row =
		scsi_command_find_in(&task->nexus->target->commands, task->cdb, &sense);
	unsigned access = 0;

	if (!row || !nexus_is_plain(lun_nexus, row))
		return 0;
	if (pr_access_permits(lun->reservation_type, lun_nexus->standing, PR_ACCESS_READ))
		access |= SCSI_LEASE_READ;
	if (pr_access_permits(lun->reservation_type, lun_nexus->standing, PR_ACCESS_WRITE))
		access |= SCSI_LEASE_WRITE;
	return access;
}

/* ---- granting -------------------------------------------------------------------------------- */

static struct scsi_leases *leases_of(struct scsi_lun *lun)
{
	if (lun->leases)
		return lun->leases;
	struct scsi_leases *leases = calloc(1, sizeof(*leases));
	if (!leases)
		return NULL;
	leases->marks = sbc_marks_create();
	if (!leases->marks) {
		free(leases);
		return NULL;
	}
	lun->leases = leases;
	return leases;
}

static struct scsi_lease *lease_of_loop(struct scsi_lun *lun, struct scsi_target *there)
{
	struct scsi_lease *lease;

	LL_FOREACH(lun->leases->all, lease)
	if (lease->there == there)
		return lease;
	lease = calloc(1, sizeof(*lease));
	if (!lease)
		return NULL;
	lease->lun = lun;
	lease->there = there;
	lease->link = there->link;
	LL_PREPEND(lun->leases->all, lease);
	return lease;
}

/* What is at work on the medium gets its marks now. False: it cannot. */
static bool lun_begin_marks(struct scsi_lun *lun)
{
	scsi_lent_settle_all(lun);
	sbc_marks_forget_wishes(lun->leases->marks); /* a recall has granted them */
	lun->marks = lun->leases->marks;
	if (sbc_io_mark_all(lun))
		return true;
	lun->marks = NULL;
	return false;
}

static void grant(struct scsi_lease *lease)
{
	struct scsi_lun *lun = lease->lun;
	struct scsi_leases *leases = lun->leases;

	lease->config = lun->config;
	lease->backing = lun->backing;
	lease->mode = lun->mode;
	memcpy(lease->access, lun->access, sizeof(lease->access));
	lease->marks = leases->marks;
	lease->blocks = lun->blocks;
	lease->block_size = lun->block_size;
	lease->block_shift = lun->block_shift;
	lease->generation = ++leases->generations;
	lease->out = true;
	leases->out++;
	scsi_line_post_for(&lease->link->down, &lease->grant, scsi_lease_on_grant);
}

/* Is it out, now? */
static bool lease_grant(struct scsi_lease *lease, uint64_t now)
{
	struct scsi_lun *lun = lease->lun;
	struct scsi_leases *leases = lun->leases;

	if (lease->out)
		return true;
	if (now < leases->quiet_until_ms)
		return false;
	if (!lun_may_be_leased(lun) || (leases->out == 0 && !lun_begin_marks(lun))) {
		/* It is not looked at again at once: there may be many commands. */
		leases->quiet_until_ms = now + SCSI_LEASE_QUIET_MS;
		return false;
	}
	grant(lease);
	return true;
}

static void admit(struct scsi_lease *lease, struct scsi_lun_nexus *lun_nexus,
		  struct scsi_nexus *nexus, unsigned access)
{
	struct scsi_admission *admission = calloc(1, sizeof(*admission));

	if (!admission)
		return;
	lun_nexus->admitted = lease->generation;
	admission->lease = lease;
	admission->nexus = nexus;
	admission->access = access;
	admission->epoch = lun_nexus->epoch;
	scsi_line_post_for(&lease->link->down, &admission->letter, scsi_lease_on_admit);
}

void scsi_lease_consider(const struct scsi_task *task, struct scsi_nexus *origin)
{
	struct scsi_target *there = origin->target;
	uint16_t number;

	if (scsi_lease_access_of(task) == 0 || task->nexus->target->keeps_all ||
	    there->loop_number >= SBC_MARK_LOOPS_MAX ||
	    !scsi_lun_number_decode(task->lun_bytes, &number))
		return;
	struct scsi_lun *lun = scsi_nexus_lun(task->nexus, number);
	struct scsi_leases *leases = lun ? leases_of(lun) : NULL;
	if (!leases || leases->recalling)
		return;
	struct scsi_lun_nexus *lun_nexus = task->nexus->luns[number];
	unsigned access = access_of_nexus(task, lun_nexus);
	if (!(access & scsi_lease_access_of(task)))
		return;
	struct scsi_lease *lease = lease_of_loop(lun, there);
	if (lease && lease_grant(lease, now_ms(task->nexus)) &&
	    lun_nexus->admitted != lease->generation)
		admit(lease, lun_nexus, origin, access);
}

/* ---- recalling ------------------------------------------------------------------------------- */

bool scsi_lun_recall(struct scsi_lun *lun)
{
	struct scsi_leases *leases = lun->leases;
	struct scsi_lease *lease;

	if (!leases || leases->out == 0)
		return false;
	if (leases->recalling)
		return true;
	leases->recalling = true;
	LL_FOREACH(leases->all, lease)
	if (lease->out)
		scsi_line_post_for(&lease->link->down, &lease->recall, scsi_lease_on_recall);
	return true;
}

bool scsi_lease_holds_up(struct scsi_task *task)
{
	struct scsi_leases *leases = task->lun->leases;

	if (goes_beside_leases(task))
		return false;
	leases->quiet_until_ms = now_ms(task->nexus) + SCSI_LEASE_QUIET_MS;
	if (!scsi_lun_recall(task->lun))
		return false;
	/* It waits like one without data, which can be let go at any time. */
	task->phase = SCSI_TASK_WAITING_DATA;
	task->awaits_recall = true;
	DL_APPEND2(leases->waiting, task, dormant_prev, dormant_next);
	return true;
}

void scsi_lease_forget_task(struct scsi_task *task)
{
	task->awaits_recall = false;
	DL_DELETE2(task->lun->leases->waiting, task, dormant_prev, dormant_next);
}

void scsi_lease_drain(struct scsi_drain *drain)
{
	if (!scsi_lun_recall(drain->lun))
		return;
	drain->tasks++;
	drain->awaits_recall = true;
}

/* The home is alone with the LUN. */
static void all_returned(struct scsi_lun *lun)
{
	struct scsi_leases *leases = lun->leases;
	struct scsi_task *task;

	leases->recalling = false;
	lun->marks = NULL;
	scsi_drain_leases_returned(lun);
	sbc_io_leases_returned(lun);
	while ((task = leases->waiting) != NULL) {
		scsi_lease_forget_task(task);
		scsi_task_start(task);
	}
	scsi_lun_settle(lun);
}

void scsi_lease_on_returned(struct scsi_letter *letter)
{
	struct scsi_lease *lease = lease_of(letter, returned);
	struct scsi_lun *lun = lease->lun;

	for (unsigned i = 0; i < SCSI_LOG_KINDS; i++) {
		struct scsi_log_work *to = &lun->log.work[i], *from = &lease->work[i];

		to->commands += from->commands;
		to->blocks += from->blocks;
		to->ms += from->ms;
		to->errors += from->errors;
		*from = (struct scsi_log_work){0};
	}
	lease->out = false;
	if (--lun->leases->out == 0)
		all_returned(lun);
}

/* ---- the end --------------------------------------------------------------------------------- */

void scsi_lease_dismiss(struct scsi_lun *lun)
{
	struct scsi_lease *lease, *next;

	if (!lun->leases)
		return;
	assert(lun->leases->out == 0);
	LL_FOREACH_SAFE(lun->leases->all, lease, next)
	scsi_line_post_for(&lease->link->down, &lease->gone, scsi_lease_on_gone);
	lun->leases->all = NULL;
}

void scsi_lease_free(struct scsi_lun *lun)
{
	struct scsi_lease *lease, *next;

	if (!lun->leases)
		return;
	LL_FOREACH_SAFE(lun->leases->all, lease, next)
	free(lease);
	sbc_marks_free(&lun->leases->marks);
	free(lun->leases);
	lun->leases = NULL;
}

/* ---- for the whole target -------------------------------------------------------------------- */

void scsi_target_keep_all(struct scsi_target *target, bool keep)
{
	target->keeps_all = keep;
}

bool scsi_target_recall(struct scsi_target *target)
{
	struct scsi_lun *lun;
	bool out = false;

	for (unsigned i = 0; i <= SCSI_LUN_MAX; i++)
		if (target->luns[i])
			out |= scsi_lun_recall(target->luns[i]);
	DL_FOREACH2(target->leaving, lun, leaving_next)
	out |= scsi_lun_recall(lun);
	return out;
}
