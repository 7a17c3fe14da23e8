/*
 * From events to ops: which of them take part in the search, as what, and from when to when.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "tools/lab/judge_internal.h"

/* ---- who saw which write first ---- */

struct sight {
	struct {
		uint64_t nexus, sequence;
	} write;
	size_t event;
	UT_hash_handle hh;
};

struct judge_sights {
	struct sight *by_write;
};

static int see(struct judge_sights *sights, const struct history_tag *tag, size_t event)
{
	struct sight *sight, wanted = {.write = {tag->nexus, tag->sequence}};

	if (!tag->written)
		return 0;
	HASH_FIND(hh, sights->by_write, &wanted.write, sizeof(wanted.write), sight);
	if (sight)
		return 0;
	sight = malloc(sizeof(*sight));
	if (!sight)
		return -ENOMEM;
	*sight = wanted;
	sight->event = event;
	HASH_ADD(hh, sights->by_write, write, sizeof(sight->write), sight);
	return 0;
}

/* Which command's LUN is a RETURN's? Commands return behind their INVOKE, so it was met before. */
struct invoked {
	uint64_t command;
	size_t event;
	UT_hash_handle hh;
};

static void forget(struct invoked **invoked)
{
	struct invoked *i, *next;
	HASH_ITER(hh, *invoked, i, next)
	{
		HASH_DEL(*invoked, i);
		free(i);
	}
}

int judge_sights_build(const struct history *history, uint16_t lun,
		       struct judge_sights **ret_sights)
{
	struct judge_sights *sights = calloc(1, sizeof(*sights));
	struct invoked *reads = NULL, *read;
	int error = sights ? 0 : -ENOMEM;

	for (size_t i = 0; i < history->event_count && error == 0; i++) {
		const struct history_event *event = &history->events[i];
		if (event->kind == HISTORY_MEDIUM && event->u.medium.lun == lun)
			error = see(sights, &event->u.medium.tag, i);
		if (event->kind == HISTORY_INVOKE && event->u.invoked.op == HISTORY_READ &&
		    event->u.invoked.lun == lun) {
			read = malloc(sizeof(*read));
			if (!read) {
				error = -ENOMEM;
				break;
			}
			*read = (struct invoked){.command = event->command, .event = i};
			HASH_ADD(hh, reads, command, sizeof(read->command), read);
		}
		if (event->kind != HISTORY_RETURN || !event->u.returned.tags)
			continue;
		HASH_FIND(hh, reads, &event->command, sizeof(event->command), read);
		for (uint32_t t = 0; read && t < event->u.returned.tag_count && error == 0; t++)
			error = see(sights, &event->u.returned.tags[t], i);
	}
	forget(&reads);
	if (error != 0) {
		judge_sights_free(&sights);
		return error;
	}
	*ret_sights = sights;
	return 0;
}

void judge_sights_free(struct judge_sights **sights)
{
	struct sight *sight, *next;

	if (!*sights)
		return;
	HASH_ITER(hh, (*sights)->by_write, sight, next)
	{
		HASH_DEL((*sights)->by_write, sight);
		free(sight);
	}
	free(*sights);
	*sights = NULL;
}

size_t judge_sights_find(const struct judge_sights *sights, uint32_t nexus, uint64_t sequence)
{
	struct sight *sight, wanted = {.write = {nexus, sequence}};

	HASH_FIND(hh, sights->by_write, &wanted.write, sizeof(wanted.write), sight);
	return sight ? sight->event : JUDGE_NO_EVENT;
}

/* ---- ops ---- */

struct build {
	const struct history *history;
	const struct judge_sights *sights;
	struct judge_ops *out;
	struct invoked *commands; /* command -> op, in `event` */
	size_t *next_of_nexus;	  /* of each event: the next one of the same nexus */
	size_t *return_of;	  /* of each INVOKE: its RETURN */
	uint32_t *begins, *ends;  /* of each nexus: the open op, or JUDGE_NO_OP */
	uint32_t crash;
	/* Writes that nobody answered but somebody saw close at that sight: event -> op. */
	struct invoked *closings;
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

static bool remember(struct invoked **map, uint64_t key, size_t value)
{
	struct invoked *entry = malloc(sizeof(*entry));

	if (!entry)
		return false;
	*entry = (struct invoked){.command = key, .event = value};
	HASH_ADD(hh, *map, command, sizeof(entry->command), entry);
	return true;
}

static bool changes_state(const struct history_command *c)
{
	return history_op_is_pr_out(c->op) || c->op == HISTORY_SPC2_RESERVE ||
	       c->op == HISTORY_SPC2_RELEASE || c->op == HISTORY_LUN_RESET ||
	       c->op == HISTORY_TARGET_RESET;
}

/* Errors of the device, not of the request: nothing was done, and any state explains them. */
static bool says_nothing(const struct history_command *c, const struct history_result *r)
{
	if (r->outcome == HISTORY_BUSY)
		return true;
	if (r->outcome != HISTORY_CHECK || r->sense_key == 6)
		return false;
	return r->sense_key != 5 || r->asc == 0x55 || !history_op_is_pr_out(c->op) ||
	       c->all_tg_pt || c->spec_i_pt;
}

static enum judge_role role_of(const struct history_command *c, const struct history_result *r)
{
	if (!r || r->outcome == HISTORY_UNKNOWN || r->outcome == HISTORY_TASK_ABORTED)
		return changes_state(c) ? JUDGE_MAYBE : JUDGE_ROLE_INVALID;
	if (says_nothing(c, r))
		return JUDGE_ROLE_INVALID;
	if (r->outcome == HISTORY_CHECK && r->sense_key == 6)
		return JUDGE_MOVER;
	return r->outcome == HISTORY_GOOD && changes_state(c) ? JUDGE_MOVER : JUDGE_PROBE;
}

/* The RETURN of the command that this event invokes; NULL: none. */
static const struct history_event *return_of(const struct build *build, size_t event)
{
	size_t returned = build->return_of[event];

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
	build->no_memory |= !remember(&build->closings, seen, *ret_op);
	return true;
}

static void open_command(struct build *build, size_t event)
{
	assert(build->history->events);
	const struct history_event *e = &build->history->events[event];
	const struct history_event *returned = return_of(build, event);
	const struct history_command *c = &e->u.invoked;
	enum judge_role role = role_of(c, returned ? &returned->u.returned : NULL);
	uint32_t op = JUDGE_NO_OP;

	if (c->lun != build->out->lun && c->op != HISTORY_TARGET_RESET)
		return;
	if (c->spec_i_pt && role != JUDGE_ROLE_INVALID)
		build->out->unjudged = true;
	if (!sighted(build, event, returned, &op) && role != JUDGE_ROLE_INVALID) {
		op = add_op(build, role, e->nexus);
		if (op != JUDGE_NO_OP && returned && role != JUDGE_MAYBE)
			build->no_memory |= !remember(&build->commands, e->command, op);
	}
	if (op == JUDGE_NO_OP)
		return;
	build->out->ops[op].command = c;
	build->out->ops[op].result = returned ? &returned->u.returned : NULL;
	add_step(build, op, false, event);
}

static void close_found(struct build *build, struct invoked **map, uint64_t key, size_t event)
{
	struct invoked *entry;

	/* Several writes may first be seen by one READ. */
	for (;;) {
		HASH_FIND(hh, *map, &key, sizeof(key), entry);
		if (!entry)
			return;
		add_step(build, (uint32_t)entry->event, true, event);
		HASH_DEL(*map, entry);
		free(entry);
	}
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

	close_found(build, &build->closings, event, event);
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
		close_found(build, &build->commands, e->command, event);
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
	case HISTORY_KIND_INVALID:
	case HISTORY_KIND_COUNT:
		break;
	}
	open_end_early(build, event);
}

static bool link_returns(struct build *build)
{
	const struct history *history = build->history;
	struct invoked *open = NULL, *invoke;
	bool memory = true;

	build->return_of = malloc((history->event_count + 1) * sizeof(*build->return_of));
	for (size_t i = 0; build->return_of && memory && i < history->event_count; i++) {
		const struct history_event *e = &history->events[i];
		build->return_of[i] = JUDGE_NO_EVENT;
		if (e->kind == HISTORY_INVOKE)
			memory = remember(&open, e->command, i);
		if (e->kind != HISTORY_RETURN)
			continue;
		HASH_FIND(hh, open, &e->command, sizeof(e->command), invoke);
		if (!invoke)
			continue;
		build->return_of[invoke->event] = i;
		HASH_DEL(open, invoke);
		free(invoke);
	}
	forget(&open);
	return build->return_of && memory;
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

/* ---- slots ---- */

bool judge_op_ends(const struct judge_op *end, const struct judge_op *op)
{
	return op->role == JUDGE_MAYBE &&
	       (end->role == JUDGE_CRASHED ||
		(end->role == JUDGE_SESSION_END && end->nexus == op->nexus));
}

struct slots {
	uint32_t *taken; /* by which op; JUDGE_NO_OP: free */
	uint32_t *unused;
	uint32_t count, unused_count;
};

static void open_slot(struct slots *slots, struct judge_op *ops, uint32_t i)
{
	ops[i].slot =
		slots->unused_count > 0 ? slots->unused[--slots->unused_count] : slots->count++;
	slots->taken[ops[i].slot] = i;
}

static void free_slot(struct slots *slots, uint32_t slot)
{
	slots->taken[slot] = JUDGE_NO_OP;
	slots->unused[slots->unused_count++] = slot;
}

static void close_slots(struct slots *slots, const struct judge_op *ops, uint32_t i)
{
	free_slot(slots, ops[i].slot);
	if (ops[i].role != JUDGE_SESSION_END && ops[i].role != JUDGE_CRASHED)
		return;
	for (uint32_t slot = 0; slot < slots->count; slot++)
		if (slots->taken[slot] != JUDGE_NO_OP &&
		    judge_op_ends(&ops[i], &ops[slots->taken[slot]]))
			free_slot(slots, slot);
}

/* A small number for each op while it is open. */
static bool assign_slots(struct judge_ops *out)
{
	struct slots slots = {.count = 0};

	slots.taken = malloc((out->op_count + 1) * sizeof(*slots.taken));
	slots.unused = malloc((out->op_count + 1) * sizeof(*slots.unused));
	for (size_t i = 0; slots.taken && slots.unused && i < out->step_count; i++) {
		if (out->steps[i].closes)
			close_slots(&slots, out->ops, out->steps[i].op);
		else
			open_slot(&slots, out->ops, out->steps[i].op);
	}
	out->slot_count = slots.count;
	free(slots.taken);
	free(slots.unused);
	return slots.taken && slots.unused;
}

int judge_ops_build(const struct history *history, uint16_t lun, const struct judge_sights *sights,
		    struct judge_ops *ret_ops)
{
	size_t nexuses = history->nexus_count == 0 ? 1 : history->nexus_count;
	struct build build = {
		.history = history, .sights = sights, .out = ret_ops, .crash = JUDGE_NO_OP};

	memset(ret_ops, 0, sizeof(*ret_ops));
	ret_ops->lun = lun;
	build.begins = malloc(nexuses * sizeof(*build.begins));
	build.ends = malloc(nexuses * sizeof(*build.ends));
	build.no_memory =
		!build.begins || !build.ends || !link_events(&build) || !link_returns(&build);
	if (!build.no_memory) {
		memset(build.begins, 0xff, nexuses * sizeof(*build.begins));
		memset(build.ends, 0xff, nexuses * sizeof(*build.ends));
	}
	for (size_t i = 0; i < history->event_count && !build.no_memory; i++)
		take_event(&build, i);
	forget(&build.commands);
	forget(&build.closings);
	free(build.next_of_nexus);
	free(build.return_of);
	free(build.begins);
	free(build.ends);
	if (!build.no_memory && assign_slots(ret_ops))
		return 0;
	judge_ops_free(ret_ops);
	return -ENOMEM;
}

void judge_ops_free(struct judge_ops *ops)
{
	free(ops->ops);
	free(ops->steps);
	memset(ops, 0, sizeof(*ops));
}
