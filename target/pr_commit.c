#include "target/pr_commit.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "target/command.h"
#include "target/pr_install.h"
#include "target/pr_plan.h"

#define BATCH_MAX	 256 /* commands planned at once, so that a loop's turn stays short */
#define CHANGES_KEEP_MAX (64 * 1024) /* bytes of the changes buffer that outlive a batch */

struct pr_commit {
	struct scsi_lun *lun;
	struct pr_state *committed;
	struct pr_state *pending; /* committed, and what the batch makes of it */
	struct pr_journal *journal;
	uint64_t next_sequence; /* without a journal */
	struct pr_commit_request *queue;
	struct pr_commit_request *batch;
	struct pr_changes changes; /* of the batch */
	bool busy;		   /* there is a batch: being planned, journaled, or installed */
	bool batch_open;	   /* pr_journal_begin was called for it */
	bool durable;		   /* it must be on stable storage */
	struct scsi_job job;
	int result; /* of pr_journal_run */
};

static void job_run(struct scsi_job *job);
static void job_done(struct scsi_job *job);

/* ---- coming and going ---- */

static struct pr_state *state_create(const struct scsi_lun *lun)
{
	uint32_t capacity = lun->config.registrations_max;
	void *memory = calloc(1, pr_state_size(capacity));

	return memory ? pr_state_init(memory, capacity, lun->target->config.hash_seed) : NULL;
}

static int commit_recover(struct pr_commit *commit, struct pr_journal_report *ret_report)
{
	const struct scsi_lun *lun = commit->lun;
	struct pr_journal_identity identity = {.lun = lun->number};

	if (!lun->config.store) {
		*ret_report = (struct pr_journal_report){.health = PR_JOURNAL_EMPTY};
		return 0;
	}
	memcpy(identity.target_name, lun->target->name, sizeof(identity.target_name));
	return pr_journal_open(lun->config.store, &identity, scsi_target_now_ms(lun->target),
			       lun->config.history_max, commit->committed, ret_report,
			       &commit->journal);
}

int pr_commit_create(struct scsi_lun *lun, struct pr_journal_report *ret_report,
		     struct pr_commit **ret_commit)
{
	struct pr_commit *commit = calloc(1, sizeof(*commit));
	int error = -ENOMEM;

	if (!commit)
		return error;
	commit->lun = lun;
	commit->next_sequence = 1;
	commit->job = (struct scsi_job){.run = job_run, .done = job_done};
	commit->committed = state_create(lun);
	commit->pending = state_create(lun);
	if (commit->committed && commit->pending)
		error = commit_recover(commit, ret_report);
	if (error != 0) {
		pr_commit_free(&commit);
		return error;
	}
	pr_state_copy(commit->pending, commit->committed);
	lun->reservation_type = pr_state_reservation(commit->committed).type;
	*ret_commit = commit;
	return 0;
}

void pr_commit_free(struct pr_commit **commit)
{
	if (!*commit)
		return;
	assert(pr_commit_is_idle(*commit));
	pr_journal_free(&(*commit)->journal);
	free((*commit)->committed);
	free((*commit)->pending);
	free((*commit)->changes.data);
	free(*commit);
	*commit = NULL;
}

/* ---- what others ask ---- */

const struct pr_state *pr_commit_state(const struct pr_commit *commit)
{
	return commit->committed;
}

bool pr_commit_is_idle(const struct pr_commit *commit)
{
	return !commit->busy && !commit->queue;
}

enum pr_spc2_verdict pr_commit_spc2_verdict(const struct pr_commit *commit,
					    const struct scsi_lun_nexus *lun_nexus)
{
	const struct scsi_lun *lun = commit->lun;

	return pr_access_spc2(lun->config.profile->compatible_handling,
			      pr_state_count(commit->committed), lun->reservation_type,
			      lun_nexus->standing);
}

bool pr_commit_registration_is_coming(const struct pr_commit *commit)
{
	return pr_state_count(commit->committed) == 0 && pr_state_count(commit->pending) > 0;
}

struct pr_journal_counters pr_commit_counters(const struct pr_commit *commit)
{
	if (!commit->journal)
		return (struct pr_journal_counters){0};
	return pr_journal_counters(commit->journal);
}

/* ---- planning ---- */

static bool request_changes_state(const struct pr_commit_request *request)
{
	return request->sense == SCSI_SENSE_NONE && request->plan.outcome == PR_OUTCOME_GOOD &&
	       request->plan.changes_len > 0;
}

static void request_fail(struct pr_commit_request *request, enum scsi_sense sense)
{
	request->sense = sense;
}

static int commit_journal(struct pr_commit *commit, const struct pr_commit_request *request,
			  uint32_t generation)
{
	const struct pr_request *out = &request->request;
	struct pr_journal_meta meta = {
		.event = PR_EVENT_PR_OUT,
		.action = (uint8_t)out->action,
		.scope_type = (uint8_t)(out->scope << 4 | out->type),
		.time_ms = out->stamp.time_ms,
		.generation = generation,
		.reservation_key = out->reservation_key,
		.service_action_key = out->service_action_key,
		.nexus = out->nexus,
	};

	if (!commit->journal) {
		commit->next_sequence++;
		return 0;
	}
	if (!commit->batch_open) {
		int error = pr_journal_begin(commit->journal, commit->committed);
		if (error != 0)
			return error;
		commit->batch_open = true;
	}
	return pr_journal_add(commit->journal, &meta, commit->changes.data + request->changes_at,
			      request->plan.changes_len);
}

/* Leaves the pending state, and the batch of the journal, as the command will leave the state. */
static void commit_advance(struct pr_commit *commit, struct pr_commit_request *request)
{
	const struct pr_plan *plan = &request->plan;
	uint32_t generation = pr_state_generation(commit->pending);

	if (plan->bumps_generation)
		generation++;
	if (plan->changes_len > 0) {
		if (commit_journal(commit, request, generation) != 0) {
			request_fail(request, SCSI_SENSE_INSUFFICIENT_RESOURCES);
			return;
		}
		bool applied = pr_state_apply_encoded(commit->pending,
						      commit->changes.data + request->changes_at,
						      plan->changes_len);
		assert(applied);
		(void)applied;
		commit->durable |= plan->must_persist;
	}
	pr_state_set_generation(commit->pending, generation);
}

static void commit_plan(struct pr_commit *commit, struct pr_commit_request *request)
{
	struct scsi_lun *lun = commit->lun;

	request->sense = SCSI_SENSE_NONE;
	request->request.stamp = (struct pr_stamp){
		.time_ms = scsi_target_now_ms(lun->target),
		.sequence = commit->journal ? pr_journal_next_sequence(commit->journal)
					    : commit->next_sequence,
	};
	pr_plan_request(lun, commit->pending, request, commit->journal != NULL, &commit->changes);
	if (request->sense == SCSI_SENSE_NONE && request->plan.outcome == PR_OUTCOME_GOOD)
		commit_advance(commit, request);
}

static void commit_plan_batch(struct pr_commit *commit)
{
	struct pr_commit_request *request;

	commit->changes.len = 0;
	commit->durable = false;
	commit->batch_open = false;
	for (unsigned n = 0; n < BATCH_MAX && (request = commit->queue) != NULL; n++) {
		DL_DELETE(commit->queue, request);
		DL_APPEND(commit->batch, request);
		request->task->cancel = NULL; /* from here on it runs its course */
		commit_plan(commit, request);
	}
}

/* ---- after the journal ---- */

/* Every command of the batch ends, in order. Answering one may bring others into the queue. */
static void commit_install(struct pr_commit *commit)
{
	struct pr_commit_request *request;

	while ((request = commit->batch) != NULL) {
		/* Nothing changed yet: no buffer, and an offset into none is undefined. */
		const uint8_t *changes =
			commit->changes.data ? commit->changes.data + request->changes_at : NULL;

		DL_DELETE(commit->batch, request);
		if (request->sense == SCSI_SENSE_NONE && request->plan.outcome == PR_OUTCOME_GOOD)
			pr_install_apply(commit->lun, commit->committed, request, changes);
		pr_install_answer(request);
	}
	if (commit->changes.cap > CHANGES_KEEP_MAX) {
		free(commit->changes.data);
		commit->changes = (struct pr_changes){0};
	}
}

static enum scsi_sense journal_error_sense(int error)
{
	if (error == -ENOSPC || error == -EDQUOT)
		return SCSI_SENSE_INSUFFICIENT_REGISTRATION_RESOURCES;
	return SCSI_SENSE_INTERNAL_TARGET_FAILURE;
}

static bool request_cancel(struct scsi_task *task);

/*
 * The batch could not be made durable. Commands that change the state fail, and the state is what
 * it was. A verdict that rested on a change that is not to be is void: that command is planned
 * again.
 */
static void commit_give_up(struct pr_commit *commit, int error)
{
	struct pr_commit_request *request, *next, *again = NULL;
	bool lost = false;

	pr_state_copy(commit->pending, commit->committed);
	DL_FOREACH_SAFE(commit->batch, request, next)
	{
		if (request_changes_state(request)) {
			request_fail(request, journal_error_sense(error));
			lost = true;
		} else if (lost && !scsi_task_is_aborted(request->task)) {
			DL_DELETE(commit->batch, request);
			DL_APPEND(again, request);
			request->task->cancel = request_cancel;
		} else if (lost) {
			request_fail(request, journal_error_sense(error));
		}
	}
	DL_CONCAT(again, commit->queue);
	commit->queue = again;
}

static void commit_start(struct pr_commit *commit);

static void commit_end_batch(struct pr_commit *commit)
{
	commit_install(commit);
	/* Only ever different after a failed batch in which the generation alone moved. */
	pr_state_set_generation(commit->pending, pr_state_generation(commit->committed));
	commit->busy = false;
}

static void job_run(struct scsi_job *job)
{
	struct pr_commit *commit =
		(struct pr_commit *)(void *)((char *)job - offsetof(struct pr_commit, job));

	commit->result = pr_journal_run(commit->journal, commit->durable);
}

static void job_done(struct scsi_job *job)
{
	struct pr_commit *commit =
		(struct pr_commit *)(void *)((char *)job - offsetof(struct pr_commit, job));

	pr_journal_end(commit->journal, commit->result);
	/* With APTPL = 0 before and after nothing was promised to survive (journal.h). */
	if (commit->result != 0 && commit->durable)
		commit_give_up(commit, commit->result);
	commit_end_batch(commit);
	commit_start(commit);
}

static bool batch_is_to_be_journaled(const struct pr_commit *commit)
{
	const struct pr_commit_request *request;

	DL_FOREACH(commit->batch, request)
	if (request_changes_state(request))
		return true;
	return false;
}

static void commit_start(struct pr_commit *commit)
{
	while (!commit->busy && commit->queue) {
		commit->busy = true;
		commit_plan_batch(commit);
		if (commit->batch_open && batch_is_to_be_journaled(commit)) {
			scsi_executor_submit(commit->lun->target->config.executor, &commit->job);
			return;
		}
		/* Begun for a record that then found no memory. */
		if (commit->batch_open)
			pr_journal_end(commit->journal, -ENOMEM);
		commit_end_batch(commit);
	}
}

/* ---- the queue ---- */

/* A command that was aborted before it was planned never was. */
static bool request_cancel(struct scsi_task *task)
{
	struct pr_commit_request *request = task->work;

	DL_DELETE(task->lun->pr->queue, request);
	return true;
}

void pr_commit_submit(struct pr_commit *commit, struct pr_commit_request *request)
{
	DL_APPEND(commit->queue, request);
	request->task->cancel = request_cancel;
	commit_start(commit);
}
