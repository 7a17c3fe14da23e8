/*
 * From events to ops: which of them take part in the search, as what, and from when to when.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_internal.h"

struct build {
	const struct history *history;
	const struct judge_sights *sights;
	struct judge_ops *out;
	const size_t *partner;	 /* of each INVOKE: its RETURN; and the other way round */
	size_t *next_of_nexus;	 /* of each event: the next one of the same nexus */
	uint32_t *begins, *ends; /* of each nexus: the open op, or JUDGE_NO_OP */
	uint32_t crash;
	uint32_t *op_of; /* of each INVOKE: the op that closes with its RETURN, or a sight */
	/* Writes that nobody answered but somebody saw close at that sight: of each event the first
	 * INVOKE, of each INVOKE the next one. */
	size_t *seen_first, *seen_next;
	bool *told; /* of each INVOKE: the target says that it reported a unit attention */
	bool no_memory;
};

static uint32_t add_op(struct build *build, enum judge_role role, uint32_t nexus)
{
	struct judge_ops *out = build->out;

	if (out->op_count == out->op_capacity) {
		uint32_t capacity = out->op_capacity == 0 ? 1024 : 2 * out->op_capacity;
		struct judge_op *ops = realloc(out->ops, capacity * sizeof(*ops));
		if (!ops) {
			build->no_memory = true;
			return JUDGE_NO_OP;
		}
		out->ops = ops;
		out->op_capacity = capacity;
	}
	out->ops[out->op_count] = (struct judge_op){.role = role,
						    .nexus = nexus,
						    .opened_by = JUDGE_NO_EVENT,
						    .closed_by = JUDGE_NO_EVENT};
	return out->op_count++;
}

static void add_step(struct build *build, uint32_t op, bool closes, size_t event)
{
	struct judge_ops *out = build->out;

	if (op == JUDGE_NO_OP)
		return;
	if (out->step_count == out->step_capacity) {
		size_t capacity = out->step_capacity == 0 ? 2048 : 2 * out->step_capacity;
		struct judge_step *steps = realloc(out->steps, capacity * sizeof(*steps));
		if (!steps) {
			build->no_memory = true;
			return;
		}
		out->steps = steps;
		out->step_capacity = capacity;
	}
	if (closes)
		out->ops[op].closed_by = event;
	else
		out->ops[op].opened_by = event;
	out->steps[out->step_count++] =
		(struct judge_step){.op = op, .closes = closes, .event = event};
}

/* The RETURN of the command that this event invokes; NULL: none. */
static const struct history_event *return_of(const struct build *build, size_t event)
{
	size_t returned = build->partner[event];

	return returned == JUDGE_NO_EVENT ? NULL : &build->history->events[returned];
}

/* A write without GOOD that left its data: it was let through before somebody saw that. */
static bool sighted(struct build *build, size_t event, const struct history_event *returned,
		    uint32_t *ret_op)
{
	const struct history_event *e = &build->history->events[event];
	const struct history_result *r = returned ? &returned->u.returned : NULL;
	size_t seen;

	if (e->u.invoked.op != HISTORY_WRITE || e->u.invoked.sequence == 0)
		return false;
	if (r && r->outcome != HISTORY_UNKNOWN && r->outcome != HISTORY_TASK_ABORTED)
		return false;
	seen = judge_sights_find(build->sights, e->nexus, e->u.invoked.sequence);
	if (seen == JUDGE_NO_EVENT || seen < event)
		return false;
	*ret_op = add_op(build, JUDGE_PROBE, e->nexus);
	if (*ret_op == JUDGE_NO_OP)
		return false;
	build->out->ops[*ret_op].found_on_medium = true;
	build->op_of[event] = *ret_op;
	build->seen_next[event] = build->seen_first[seen];
	build->seen_first[seen] = event;
	return true;
}

/*
 * A reset of the own session cancels what the session has under way: its initiator drops the
 * answers, and goes on. (Where the session is lost instead, its unit attentions are, too.)
 */
static bool is_cancelled(const struct build *build, size_t event)
{
	const struct history_event *events = build->history->events;
	size_t returned = build->partner[event];
	size_t next = returned;

	if (returned == JUDGE_NO_EVENT || events[returned].u.returned.outcome != HISTORY_UNKNOWN ||
	    !lu_reports_attention(&events[event].u.invoked))
		return false;
	while ((next = build->next_of_nexus[next]) != JUDGE_NO_EVENT) {
		size_t invoked =
			events[next].kind == HISTORY_RETURN ? build->partner[next] : JUDGE_NO_EVENT;
		if (events[next].kind == HISTORY_LOST || events[next].kind == HISTORY_LOGOUT)
			return false;
		if (invoked != JUDGE_NO_EVENT && invoked < returned &&
		    history_op_is_reset(events[invoked].u.invoked.op))
			return true;
	}
	return false;
}

/* Like a command that may still take effect, it is about until the session ends. */
static void open_unheard(struct build *build, size_t event)
{
	uint32_t op = add_op(build, JUDGE_UNHEARD, build->history->events[event].nexus);

	if (op == JUDGE_NO_OP)
		return;
	add_step(build, op, false, event);
}

static void open_command(struct build *build, size_t event)
{
	assert(build->history->events);
	const struct history_event *e = &build->history->events[event];
	const struct history_event *returned = return_of(build, event);
	const struct history_command *c = &e->u.invoked;
	enum judge_role role = judge_role_of(c, returned ? &returned->u.returned : NULL);
	uint32_t op = JUDGE_NO_OP;

	if (c->lun != build->out->lun && c->op != HISTORY_TARGET_RESET)
		return;
	if (c->spec_i_pt && role != JUDGE_ROLE_INVALID &&
	    !lu_knows_others(build->history->nexuses, build->history->nexus_count, e->nexus, c))
		build->out->unjudged = true;
	if (!sighted(build, event, returned, &op) && role != JUDGE_ROLE_INVALID) {
		op = add_op(build, role, e->nexus);
		if (op != JUDGE_NO_OP && returned && role != JUDGE_MAYBE)
			build->op_of[event] = op;
	}
	if (op != JUDGE_NO_OP) {
		build->out->ops[op].command = c;
		build->out->ops[op].result = returned ? &returned->u.returned : NULL;
		add_step(build, op, false, event);
	}
	if (build->op_of[event] == JUDGE_NO_OP && is_cancelled(build, event)) {
		build->out->cancelled++;
		if (build->out->unheard || build->told[event])
			open_unheard(build, event);
	}
}

/* Several writes may first be seen by one READ. */
static void close_sighted(struct build *build, size_t event)
{
	for (size_t i = build->seen_first[event]; i != JUDGE_NO_EVENT; i = build->seen_next[i])
		add_step(build, build->op_of[i], true, event);
}

static void close_returned(struct build *build, size_t event)
{
	size_t invoke = build->partner[event];
	uint32_t op = invoke == JUDGE_NO_EVENT ? JUDGE_NO_OP : build->op_of[invoke];

	if (op != JUDGE_NO_OP && !build->out->ops[op].found_on_medium)
		add_step(build, op, true, event);
}

/* The target may have seen the session's end as soon as the initiator's last word was through. */
static void open_end_early(struct build *build, size_t event)
{
	const struct history_event *e = &build->history->events[event];
	size_t next = build->next_of_nexus[event];
	enum history_kind kind;

	if (e->nexus == HISTORY_NO_NEXUS || next == JUDGE_NO_EVENT)
		return;
	kind = build->history->events[next].kind;
	if ((kind != HISTORY_LOGOUT && kind != HISTORY_LOST) ||
	    build->ends[e->nexus] != JUDGE_NO_OP)
		return;
	build->ends[e->nexus] = add_op(build, JUDGE_SESSION_END, e->nexus);
	add_step(build, build->ends[e->nexus], false, event);
}

static void open_begin(struct build *build, uint32_t nexus, size_t event)
{
	if (build->begins[nexus] != JUDGE_NO_OP)
		return;
	for (size_t i = build->next_of_nexus[event]; i != JUDGE_NO_EVENT;
	     i = build->next_of_nexus[i]) {
		if (build->history->events[i].kind != HISTORY_LOGIN)
			continue;
		build->begins[nexus] = add_op(build, JUDGE_SESSION_BEGIN, nexus);
		add_step(build, build->begins[nexus], false, event);
		return;
	}
}

static void close_session(struct build *build, uint32_t *which, size_t event)
{
	if (*which != JUDGE_NO_OP)
		add_step(build, *which, true, event);
	*which = JUDGE_NO_OP;
}

static void take_event(struct build *build, size_t event)
{
	const struct history_event *e = &build->history->events[event];

	close_sighted(build, event);
	switch (e->kind) {
	case HISTORY_NEXUS:
		open_begin(build, e->u.introduced.number, event);
		break;
	case HISTORY_LOGIN:
		close_session(build, &build->ends[e->nexus], event);
		close_session(build, &build->begins[e->nexus], event);
		break;
	case HISTORY_LOGOUT:
		close_session(build, &build->ends[e->nexus], event);
		open_begin(build, e->nexus, event);
		break;
	case HISTORY_LOST:
		open_begin(build, e->nexus, event);
		break;
	case HISTORY_INVOKE:
		open_command(build, event);
		break;
	case HISTORY_RETURN:
		close_returned(build, event);
		break;
	case HISTORY_CRASH:
	case HISTORY_POWER_CUT:
		build->crash = add_op(build, JUDGE_CRASHED, HISTORY_NO_NEXUS);
		add_step(build, build->crash, false, event);
		break;
	case HISTORY_UP:
		add_step(build, build->crash, true, event);
		build->crash = JUDGE_NO_OP;
		break;
	case HISTORY_MEDIUM:
	case HISTORY_NOTE:
	case HISTORY_APPLIED:
	case HISTORY_DECIDED:
	case HISTORY_KIND_INVALID:
	case HISTORY_KIND_COUNT:
		break;
	}
	open_end_early(build, event);
}

static bool link_events(struct build *build)
{
	const struct history *history = build->history;
	size_t *last = malloc((history->nexus_count + 1) * sizeof(*last));

	build->next_of_nexus = malloc((history->event_count + 1) * sizeof(*last));
	if (last && build->next_of_nexus) {
		for (uint32_t i = 0; i < history->nexus_count; i++)
			last[i] = JUDGE_NO_EVENT;
		for (size_t i = history->event_count; i-- > 0;) {
			const struct history_event *e = &history->events[i];
			uint32_t nexus =
				e->kind == HISTORY_NEXUS ? e->u.introduced.number : e->nexus;
			build->next_of_nexus[i] = JUDGE_NO_EVENT;
			if (nexus == HISTORY_NO_NEXUS)
				continue;
			build->next_of_nexus[i] = last[nexus];
			last[nexus] = i;
		}
	}
	free(last);
	return last && build->next_of_nexus;
}

static bool begin(struct build *build)
{
	size_t nexuses = build->history->nexus_count + (size_t)1;
	size_t events = build->history->event_count + 1;

	build->begins = malloc(nexuses * sizeof(*build->begins));
	build->ends = malloc(nexuses * sizeof(*build->ends));
	build->op_of = malloc(events * sizeof(*build->op_of));
	build->seen_first = malloc(events * sizeof(*build->seen_first));
	build->seen_next = malloc(events * sizeof(*build->seen_next));
	build->told = calloc(events, sizeof(*build->told));
	if (!build->begins || !build->ends || !build->op_of || !build->seen_first ||
	    !build->seen_next || !build->told || !link_events(build))
		return false;
	for (size_t i = 0; i + 1 < events; i++) {
		const struct history_event *e = &build->history->events[i];
		if (e->kind == HISTORY_DECIDED && e->u.returned.outcome == HISTORY_CHECK &&
		    build->partner[i] != JUDGE_NO_EVENT)
			build->told[build->partner[i]] = true;
	}
	memset(build->begins, 0xff, nexuses * sizeof(*build->begins));
	memset(build->ends, 0xff, nexuses * sizeof(*build->ends));
	memset(build->op_of, 0xff, events * sizeof(*build->op_of));
	memset(build->seen_first, 0xff, events * sizeof(*build->seen_first));
	return true;
}

static void finish(struct build *build)
{
	free(build->next_of_nexus);
	free(build->begins);
	free(build->ends);
	free(build->op_of);
	free(build->seen_first);
	free(build->seen_next);
	free(build->told);
}

static int ops_build(const struct history *history, uint16_t lun, const size_t *partner,
		     const struct judge_sights *sights, bool unheard, struct judge_ops *ret_ops)
{
	struct build build = {.history = history,
			      .sights = sights,
			      .partner = partner,
			      .out = ret_ops,
			      .crash = JUDGE_NO_OP};

	memset(ret_ops, 0, sizeof(*ret_ops));
	ret_ops->lun = lun;
	ret_ops->unheard = unheard;
	build.no_memory = !begin(&build);
	for (size_t i = 0; i < history->event_count && !build.no_memory; i++)
		take_event(&build, i);
	finish(&build);
	if (!build.no_memory && judge_ops_assign_slots(ret_ops) &&
	    judge_ops_rank(history, partner, ret_ops) == 0)
		return 0;
	judge_ops_free(ret_ops);
	return -ENOMEM;
}

int judge_ops_build(const struct history *history, uint16_t lun, const size_t *partner,
		    const struct judge_sights *sights, struct judge_ops *ret_ops)
{
	return ops_build(history, lun, partner, sights, false, ret_ops);
}

int judge_ops_build_unheard(const struct history *history, uint16_t lun, const size_t *partner,
			    const struct judge_sights *sights, struct judge_ops *ret_ops)
{
	return ops_build(history, lun, partner, sights, true, ret_ops);
}

void judge_ops_free(struct judge_ops *ops)
{
	free(ops->ops);
	free(ops->steps);
	memset(ops, 0, sizeof(*ops));
}
