#include "tests/crash/crash_workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/access.h"
#include "pr_engine/bytes.h"
#include "pr_engine/plan.h"

#define NEXUS_COUNT 6
#define BATCH_MAX   4
#define CHANGES_CAP 65536

static const struct pr_journal_identity identity = {
	.target_name = "iqn.2024-01.org.example:crash",
	.lun = 1,
};

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static void broken(const char *what)
{
	fprintf(stderr, "broken: %s\n", what);
	exit(1);
}

uint64_t random_next(uint64_t *random)
{
	uint64_t z = *random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t random_below(uint64_t *random, uint64_t bound)
{
	return random_next(random) % bound;
}

static struct pr_state *state_new(void)
{
	return pr_state_init(must(calloc(1, pr_state_size(WORKLOAD_CAPACITY))), WORKLOAD_CAPACITY,
			     7);
}

/* ---- versions ---- */

/* The state as power on shows it; out->len 0 when everything is dropped. */
static void state_show(const struct pr_state *state, struct byte_writer *out)
{
	if (!pr_state_aptpl(state))
		return;
	pr_state_snapshot(state, out);
	if (out->overflow)
		abort();
}

static bool version_is(const struct bytes *version, const struct byte_writer *shown)
{
	return version->len == shown->len && memcmp(version->data, shown->data, shown->len) == 0;
}

static size_t version_add(struct workload *workload, const struct pr_state *state)
{
	uint8_t data[WORKLOAD_CAPACITY * PR_CHANGE_ENCODED_MAX];
	struct byte_writer out = byte_writer_over(data, sizeof data);

	if (workload->version_count == workload->version_cap) {
		workload->version_cap = 2 * workload->version_cap + 64;
		workload->versions = must(realloc(
			workload->versions, workload->version_cap * sizeof *workload->versions));
	}
	state_show(state, &out);
	struct bytes shown = {.data = data, .len = out.len};
	workload->versions[workload->version_count] = (struct bytes){0};
	bytes_copy(&workload->versions[workload->version_count], &shown);
	return workload->version_count++;
}

bool workload_keeps(const struct workload *workload, const struct promise *promise,
		    const struct pr_state *recovered)
{
	uint8_t data[WORKLOAD_CAPACITY * PR_CHANGE_ENCODED_MAX];
	struct byte_writer out = byte_writer_over(data, sizeof data);

	state_show(recovered, &out);
	for (size_t i = 0; i < promise->count; i++) {
		if (version_is(&workload->versions[promise->versions[i]], &out))
			return true;
	}
	return false;
}

bool workload_knows(const struct workload *workload, const struct pr_state *recovered)
{
	uint8_t data[WORKLOAD_CAPACITY * PR_CHANGE_ENCODED_MAX];
	struct byte_writer out = byte_writer_over(data, sizeof data);

	state_show(recovered, &out);
	for (size_t i = 0; i < workload->version_count; i++) {
		if (version_is(&workload->versions[i], &out))
			return true;
	}
	return false;
}

/* ---- promises ---- */

static void promise_put(struct promise *promise, size_t version)
{
	if (promise->count == promise->cap) {
		promise->cap = 2 * promise->cap + 4;
		promise->versions =
			must(realloc(promise->versions, promise->cap * sizeof *promise->versions));
	}
	promise->versions[promise->count++] = version;
}

/* From now on: what was acknowledged, and what failed and may still be there. */
static struct promise *promise_begin(struct workload *workload)
{
	if (workload->promise_count == workload->promise_cap) {
		workload->promise_cap = 2 * workload->promise_cap + 64;
		workload->promises = must(realloc(
			workload->promises, workload->promise_cap * sizeof *workload->promises));
	}
	struct promise *promise = &workload->promises[workload->promise_count++];
	*promise = (struct promise){.calls = workload->memory->call_count};
	promise_put(promise, workload->acknowledged);
	for (size_t i = 0; i < workload->undecided.count; i++)
		promise_put(promise, workload->undecided.versions[i]);
	return promise;
}

const struct promise *workload_promise(const struct workload *workload, size_t calls)
{
	size_t low = 0, high = workload->promise_count;

	/* The last one that was made at or before `calls`. */
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (workload->promises[middle].calls <= calls)
			low = middle;
		else
			high = middle;
	}
	return &workload->promises[low];
}

/* ---- commands ---- */

static struct pr_nexus_id nexus_of(uint64_t number)
{
	struct pr_nexus_id nexus = {
		.isid = {0, 2, 0x3d, 0, 0, (uint8_t)number},
		.relative_target_port_id = (uint16_t)(1 + number % 2),
	};

	snprintf(nexus.initiator_name, sizeof nexus.initiator_name, "iqn.1994-05.com.example:%u",
		 (unsigned)number);
	return nexus;
}

static uint64_t random_key(struct workload *workload, uint64_t nexus)
{
	return random_below(&workload->random, 8) == 0 ? random_below(&workload->random, 4) * 0x111
						       : 0x100 + nexus;
}

static enum pr_out_action random_action(struct workload *workload)
{
	static const enum pr_out_action actions[] = {
		PR_OUT_REGISTER,
		PR_OUT_REGISTER,
		PR_OUT_REGISTER,
		PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY,
		PR_OUT_RESERVE,
		PR_OUT_RESERVE,
		PR_OUT_RELEASE,
		PR_OUT_PREEMPT,
		PR_OUT_PREEMPT_AND_ABORT,
		PR_OUT_REGISTER_AND_MOVE,
		PR_OUT_CLEAR,
	};

	return actions[random_below(&workload->random, sizeof actions / sizeof actions[0])];
}

/* The borrowed lists of a request need memory that outlives it. */
struct request_lists {
	struct pr_nexus_id named[1];
	uint16_t target_ports[2];
};

static struct pr_request random_request(struct workload *workload, bool always_persistent,
					struct request_lists *lists)
{
	static const uint8_t types[] = {1, 3, 5, 6, 7, 8};
	uint64_t *random = &workload->random;
	uint64_t nexus = random_below(random, NEXUS_COUNT);
	struct pr_request request = {
		.action = random_action(workload),
		.type = types[random_below(random, sizeof types)],
		.aptpl = always_persistent || random_below(random, 4) != 0,
		.nexus = nexus_of(nexus),
		.stamp = {.time_ms = 1000 + workload->commands},
	};
	const struct pr_registration *mine = pr_state_find(workload->next, &request.nexus);

	request.reservation_key = mine && random_below(random, 8) != 0 ? mine->key : 0;
	request.service_action_key = random_key(workload, nexus);
	if (request.action == PR_OUT_PREEMPT || request.action == PR_OUT_PREEMPT_AND_ABORT)
		request.service_action_key =
			random_key(workload, random_below(random, NEXUS_COUNT));
	*lists = (struct request_lists){
		.named[0] = nexus_of(random_below(random, NEXUS_COUNT)),
		.target_ports = {1, 2},
	};
	if (request.action == PR_OUT_REGISTER_AND_MOVE) {
		request.named = lists->named;
		request.named_count = 1;
		request.unreg = random_below(random, 2) != 0;
	} else if (request.action == PR_OUT_REGISTER && random_below(random, 8) == 0) {
		request.all_tg_pt = true;
		request.target_ports = lists->target_ports;
		request.target_port_count = 2;
	}
	return request;
}

/* One command into the batch. True when it changed the state; *io_durable as the plan says. */
static bool command_add(struct workload *workload, bool always_persistent, bool *io_durable)
{
	uint8_t changes[CHANGES_CAP];
	struct request_lists lists;
	struct pr_plan plan;
	struct pr_request request = random_request(workload, always_persistent, &lists);
	struct pr_reservation reservation = pr_state_reservation(workload->next);

	workload->commands++;
	request.stamp.sequence = pr_journal_next_sequence(workload->journal);
	if (!pr_access_permits_out(reservation.type,
				   pr_state_standing(workload->next, &request.nexus),
				   request.action))
		return false;
	if (pr_plan_changes_max(workload->next, &request) > sizeof changes)
		abort();
	pr_plan_make(workload->next, &pr_profile_spc4, &request, changes, sizeof changes, &plan);
	if (plan.outcome != PR_OUTCOME_GOOD || plan.changes_len == 0)
		return false;

	struct pr_journal_meta meta = {
		.event = PR_EVENT_PR_OUT,
		.action = (uint8_t)request.action,
		.scope_type = request.type,
		.time_ms = request.stamp.time_ms,
		.reservation_key = request.reservation_key,
		.service_action_key = request.service_action_key,
		.nexus = request.nexus,
	};
	if (pr_journal_add(workload->journal, &meta, changes, plan.changes_len) != 0)
		abort();
	if (!pr_state_apply_encoded(workload->next, changes, plan.changes_len))
		broken("a plan's changes do not apply");
	*io_durable |= plan.must_persist;
	return true;
}

/* ---- batches ---- */

/*
 * Did the journal take a failed batch out of the file for sure? It did when it was an append, and
 * the last two calls are a truncate and a sync that went well; or when only replace was tried.
 */
static bool failure_left_no_trace(const struct workload *workload, size_t calls_before)
{
	const struct store_memory *memory = workload->memory;
	size_t made = memory->call_count - calls_before;
	const struct memory_call *last = &memory->calls[memory->call_count - 1];

	if (made == 1)
		return last->op == MEMORY_REPLACE;
	return last->op == MEMORY_SYNC && last->result == 0 && last[-1].op == MEMORY_TRUNCATE &&
	       last[-1].result == 0;
}

static void batch_end(struct workload *workload, int err, bool durable, size_t calls_before,
		      size_t first_version, size_t last_version)
{
	bool install = err == 0 || (!durable && random_below(&workload->random, 2) != 0);

	pr_journal_end(workload->journal, err);
	if (err == 0)
		workload->undecided.count = 0;
	else if (!failure_left_no_trace(workload, calls_before))
		for (size_t v = first_version; v <= last_version; v++)
			promise_put(&workload->undecided, v);
	if (install) {
		pr_state_copy(workload->committed, workload->next);
		workload->acknowledged = last_version;
	} else {
		pr_state_copy(workload->next, workload->committed);
	}
	promise_begin(workload);
}

static void batch_run(struct workload *workload, bool always_persistent)
{
	unsigned wanted = 1 + (unsigned)random_below(&workload->random, BATCH_MAX);
	size_t calls_before = workload->memory->call_count;
	size_t first_version = workload->version_count;
	bool durable = false;

	if (pr_journal_begin(workload->journal, workload->committed) != 0)
		abort();
	struct promise *promise = promise_begin(workload);
	for (unsigned i = 0; i < wanted; i++) {
		if (command_add(workload, always_persistent, &durable))
			promise_put(promise, version_add(workload, workload->next));
	}
	if (workload->version_count == first_version) {
		/* Nothing but refusals; an empty batch changes nothing. */
		promise_put(promise, version_add(workload, workload->next));
	}
	int err = pr_journal_run(workload->journal, durable);
	workload->batches++;
	batch_end(workload, err, durable, calls_before, first_version, workload->version_count - 1);
}

/* ---- start and restart ---- */

static struct pr_journal *journal_open(struct workload *workload)
{
	struct pr_journal *journal = NULL;
	struct pr_journal_report report;
	int err = -1;

	/* A store call may be told to fail here; an operator would start it again. */
	for (int i = 0; i < 16 && err != 0; i++) {
		free(workload->committed);
		workload->committed = state_new();
		err = pr_journal_open(&workload->memory->store, &identity, 5000, 20,
				      workload->committed, &report, &journal);
		if (err != 0 && report.health != PR_JOURNAL_IO_ERROR)
			broken(report.explanation);
	}
	if (err != 0)
		broken("the journal does not open");
	return journal;
}

/*
 * The process dies and starts again, the machine runs on: what readers see is what counts. A batch
 * that failed, and could not be taken out, may come to life here; until the next batch has made a
 * new file, a crash may still take that back.
 */
static void workload_restart(struct workload *workload)
{
	const struct promise *before = &workload->promises[workload->promise_count - 1];

	pr_journal_free(&workload->journal);
	workload->journal = journal_open(workload);
	if (!workload_keeps(workload, before, workload->committed))
		broken("a restart gave a state that was not promised");
	if (pr_state_check(workload->committed))
		broken(pr_state_check(workload->committed));
	if (workload->undecided.count > 0)
		promise_put(&workload->undecided, workload->acknowledged);
	workload->acknowledged = version_add(workload, workload->committed);
	pr_state_copy(workload->next, workload->committed);
	workload->restarts++;
	promise_begin(workload);
}

struct workload *workload_run(const struct workload_options *options)
{
	struct workload *workload = must(calloc(1, sizeof *workload));

	workload->random = options->seed;
	workload->memory = store_memory_open(options->initial);
	workload->memory->failure = options->failure;
	workload->next = state_new();
	workload->journal = journal_open(workload);
	workload->acknowledged = version_add(workload, workload->committed);
	pr_state_copy(workload->next, workload->committed);
	promise_begin(workload);
	/* Calls made by open change nothing: the first promise holds from the start. */
	workload->promises[0].calls = 0;
	for (unsigned i = 0; i < options->batches; i++) {
		if (random_below(&workload->random, 12) == 0)
			workload_restart(workload);
		batch_run(workload, options->always_persistent);
	}
	return workload;
}

void workload_free(struct workload **workload)
{
	struct workload *freed = *workload;

	for (size_t i = 0; i < freed->version_count; i++)
		bytes_free(&freed->versions[i]);
	for (size_t i = 0; i < freed->promise_count; i++)
		free(freed->promises[i].versions);
	free(freed->versions);
	free(freed->promises);
	free(freed->undecided.versions);
	pr_journal_free(&freed->journal);
	free(freed->committed);
	free(freed->next);
	store_memory_close(&freed->memory);
	free(freed);
	*workload = NULL;
}

/* ---- after a crash ---- */

void recovered_open(struct recovered *recovered, const struct bytes *image)
{
	*recovered = (struct recovered){
		.memory = store_memory_open(image),
		.state = state_new(),
	};
	recovered->err = pr_journal_open(&recovered->memory->store, &identity, 9000, 20,
					 recovered->state, &recovered->report, &recovered->journal);
}

void recovered_close(struct recovered *recovered)
{
	pr_journal_free(&recovered->journal);
	free(recovered->state);
	store_memory_close(&recovered->memory);
}
