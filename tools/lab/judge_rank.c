/*
 * Which ops are those that the target is quoted with? Where it says itself which command it decided
 * (HISTORY_DECIDED), that is the one. A quote of its journal names nexus, service action and keys,
 * and more than one command may be meant. But quotes stand in the order in which the changes were
 * made: a command that was over before one that is quoted earlier was sent is not meant, nor is one
 * that was sent after one that is quoted later was over. And what was over before there were quotes
 * the last time is among those.
 *
 * Only a hint: the search checks each order that it finds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_internal.h"

#define LOOK_MAX 512 /* changes of one nexus that a quote may mean */

struct quote {
	size_t event;
	size_t since;	/* what was over before this event is not meant */
	size_t until;	/* what was sent after this event is not meant */
	uint32_t first; /* where to look, in the changes */
	uint32_t meant; /* the op that it names; JUDGE_NO_OP: one of the changes */
};

/* The changes of one nexus, in the order in which they were sent. */
struct changes {
	uint32_t first, end; /* in `changes` of struct ranking */
};

struct ranking {
	const struct history *history;
	const size_t *partner;
	struct judge_ops *out;
	uint32_t *invoked; /* of each event: the op of the command that it invokes */
	uint32_t *unheard; /* ... and that of its answer, which nobody heard */
	uint32_t *changes; /* ops */
	struct changes *of_nexus;
	size_t *over; /* of each op: after this event it cannot happen */
	struct quote *quotes;
	size_t quote_count;
};

static bool is_change(const struct judge_op *op)
{
	if (!op->command || !history_op_is_pr_out(op->command->op))
		return false;
	return op->role == JUDGE_MAYBE ||
	       (op->role == JUDGE_MOVER && op->result->outcome == HISTORY_GOOD);
}

/* ---- what there is ---- */

static void sort_by_nexus(struct ranking *r)
{
	const struct judge_ops *out = r->out;
	uint32_t at = 0;

	for (uint32_t i = 0; i < out->op_count; i++)
		if (is_change(&out->ops[i]))
			r->of_nexus[out->ops[i].nexus].end++;
	for (uint32_t n = 0; n < r->history->nexus_count; n++) {
		uint32_t count = r->of_nexus[n].end;
		r->of_nexus[n] = (struct changes){.first = at, .end = at};
		at += count;
	}
	for (uint32_t i = 0; i < out->op_count; i++)
		if (is_change(&out->ops[i]))
			r->changes[r->of_nexus[out->ops[i].nexus].end++] = i;
}

/* What was not answered by then never will be. */
static void end_changes(struct ranking *r, const struct judge_op *end, struct changes *changes,
			size_t event)
{
	for (; changes->first < changes->end; changes->first++) {
		uint32_t i = r->changes[changes->first];
		if (r->out->ops[i].opened_by > event)
			return;
		if (judge_op_ends(end, &r->out->ops[i]))
			r->over[i] = event;
	}
}

static bool find_ends(struct ranking *r)
{
	uint32_t nexuses = r->history->nexus_count;
	struct changes *left = malloc((nexuses + (size_t)1) * sizeof(*left));

	if (!left)
		return false;
	memcpy(left, r->of_nexus, nexuses * sizeof(*left));
	for (uint32_t i = 0; i < r->out->op_count; i++)
		r->over[i] = r->out->ops[i].closed_by;
	for (size_t s = 0; s < r->out->step_count; s++) {
		struct judge_step step = r->out->steps[s];
		const struct judge_op *op = &r->out->ops[step.op];
		if (!step.closes)
			continue;
		if (op->role == JUDGE_SESSION_END)
			end_changes(r, op, &left[op->nexus], step.event);
		for (uint32_t n = 0; op->role == JUDGE_CRASHED && n < nexuses; n++)
			end_changes(r, op, &left[n], op->opened_by);
	}
	free(left);
	return true;
}

static void find_commands(struct ranking *r)
{
	size_t len = r->history->event_count * sizeof(uint32_t);

	memset(r->invoked, 0xff, len);
	memset(r->unheard, 0xff, len);
	for (uint32_t i = 0; i < r->out->op_count; i++) {
		const struct judge_op *op = &r->out->ops[i];
		if (op->command)
			r->invoked[op->opened_by] = i;
		else if (op->role == JUDGE_UNHEARD)
			r->unheard[op->opened_by] = i;
	}
}

static bool may_be_decided_good(const struct judge_op *op)
{
	return op->role == JUDGE_MAYBE ||
	       (op->role == JUDGE_MOVER && op->result->outcome == HISTORY_GOOD);
}

static bool is_attention(const struct judge_op *op)
{
	return op->role == JUDGE_MOVER && op->result->outcome == HISTORY_CHECK;
}

/* The op that the target says it decided like this; JUDGE_NO_OP. */
static uint32_t decided(const struct ranking *r, size_t event)
{
	const struct history_event *e = &r->history->events[event];
	size_t invoke = r->partner[event];
	uint32_t i;

	if (e->kind != HISTORY_DECIDED || invoke == JUDGE_NO_EVENT)
		return JUDGE_NO_OP;
	i = r->invoked[invoke];
	if (e->u.returned.outcome == HISTORY_CHECK && r->unheard[invoke] != JUDGE_NO_OP)
		return r->unheard[invoke];
	if (i == JUDGE_NO_OP || r->out->ops[i].decided)
		return JUDGE_NO_OP;
	if (e->u.returned.outcome == HISTORY_CHECK)
		return is_attention(&r->out->ops[i]) ? i : JUDGE_NO_OP;
	return e->u.returned.outcome == HISTORY_GOOD && may_be_decided_good(&r->out->ops[i])
		       ? i
		       : JUDGE_NO_OP;
}

static bool quotes_journal(const struct ranking *r, size_t event)
{
	const struct history_event *e = &r->history->events[event];

	return e->kind == HISTORY_APPLIED && e->u.invoked.lun == r->out->lun;
}

static void add_quotes(struct ranking *r)
{
	for (size_t i = 0; i < r->history->event_count; i++) {
		uint32_t meant = decided(r, i);
		if (meant == JUDGE_NO_OP && !quotes_journal(r, i))
			continue;
		if (meant != JUDGE_NO_OP) {
			r->out->ops[meant].decided = true;
			r->out->decided_count++;
		}
		r->quotes[r->quote_count++] =
			(struct quote){.event = i, .until = i, .meant = meant};
	}
}

static bool may_quote(const struct history_event *e)
{
	return e->kind == HISTORY_APPLIED || e->kind == HISTORY_DECIDED;
}

static bool begin(struct ranking *r)
{
	size_t quotes = 0, ops = r->out->op_count + (size_t)1;
	size_t events = r->history->event_count + 1;

	for (size_t i = 0; i + 1 < events; i++)
		quotes += may_quote(&r->history->events[i]);
	if (quotes == 0)
		return true;
	r->invoked = malloc(events * sizeof(*r->invoked));
	r->unheard = malloc(events * sizeof(*r->unheard));
	r->quotes = calloc(quotes + 1, sizeof(*r->quotes));
	r->changes = malloc(ops * sizeof(*r->changes));
	r->over = malloc(ops * sizeof(*r->over));
	r->of_nexus = calloc(r->history->nexus_count + (size_t)1, sizeof(*r->of_nexus));
	if (!r->invoked || !r->unheard || !r->quotes || !r->changes || !r->over || !r->of_nexus)
		return false;
	find_commands(r);
	add_quotes(r);
	sort_by_nexus(r);
	return find_ends(r);
}

/* ---- which may be meant ---- */

static const struct history_event *event_of(const struct ranking *r, const struct quote *quote)
{
	return &r->history->events[quote->event];
}

static bool sets_aptpl(const struct history_command *c)
{
	return c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE ||
	       c->op == HISTORY_REGISTER_AND_MOVE;
}

static bool is_meant(const struct judge_op *op, const struct history_command *quoted)
{
	const struct history_command *c = op->command;

	return op->rank == JUDGE_NO_RANK && !op->decided && c->op == quoted->op &&
	       c->key == quoted->key && c->action_key == quoted->action_key &&
	       c->type == quoted->type && (!sets_aptpl(c) || c->aptpl == quoted->aptpl);
}

/* The next one that may be meant, from this one of the changes; JUDGE_NO_OP. */
static uint32_t next_meant(const struct ranking *r, const struct quote *quote, uint32_t *at)
{
	const struct history_event *e = event_of(r, quote);
	uint32_t end = r->of_nexus[e->nexus].end;

	if (quote->meant != JUDGE_NO_OP)
		return (*at)++ == quote->first ? quote->meant : JUDGE_NO_OP;

	for (; *at < end && *at - quote->first < LOOK_MAX; (*at)++) {
		uint32_t i = r->changes[*at];
		if (r->out->ops[i].opened_by > quote->until)
			break;
		if (r->over[i] < quote->since || !is_meant(&r->out->ops[i], &e->u.invoked))
			continue;
		(*at)++;
		return i;
	}
	return JUDGE_NO_OP;
}

/* Where one looks for what a quote means: behind what was over. */
static void set_first(struct ranking *r, struct quote *quote)
{
	struct changes *changes = &r->of_nexus[event_of(r, quote)->nexus];

	while (changes->first < changes->end && r->over[r->changes[changes->first]] < quote->since)
		changes->first++;
	quote->first = changes->first;
}

/* Walks on to a quote. A crash ends everything; quotes that stand together were asked for at once.
 */
static void walk_to(const struct ranking *r, size_t *event, size_t to, size_t *batch, size_t *since)
{
	const struct history_event *events = r->history->events;

	for (; *event <= to; (*event)++) {
		bool first = may_quote(&events[*event]) &&
			     (*event == 0 || !may_quote(&events[*event - 1]));
		bool crash = history_kind_is_crash(events[*event].kind);
		if (crash)
			*batch = *event + 1;
		if ((first || crash) && *batch > *since)
			*since = *batch;
		if (first)
			*batch = *event;
	}
}

/* None was made before all were sent that are quoted up to it. */
static void narrow_from_the_first(struct ranking *r)
{
	size_t since = 0, batch = 0;

	for (size_t k = 0, event = 0; k < r->quote_count; k++) {
		struct quote *quote = &r->quotes[k];
		size_t earliest = JUDGE_NO_EVENT;
		uint32_t i, at;
		walk_to(r, &event, quote->event, &batch, &since);
		quote->since = since;
		set_first(r, quote);
		at = quote->first;
		while ((i = next_meant(r, quote, &at)) != JUDGE_NO_OP)
			if (r->out->ops[i].opened_by < earliest)
				earliest = r->out->ops[i].opened_by;
		if (earliest != JUDGE_NO_EVENT && earliest > since)
			since = earliest;
	}
}

/* All were made before one is over that is quoted later. */
static void narrow_from_the_last(struct ranking *r)
{
	size_t until = JUDGE_NO_EVENT;

	for (size_t k = r->quote_count; k-- > 0;) {
		struct quote *quote = &r->quotes[k];
		size_t latest = 0;
		uint32_t i, at = quote->first;
		if (until < quote->until)
			quote->until = until;
		while ((i = next_meant(r, quote, &at)) != JUDGE_NO_OP)
			if (r->over[i] > latest)
				latest = r->over[i];
		if (latest != 0 && latest < until)
			until = latest;
	}
}

static void mark_others(struct ranking *r, const struct quote *quote, uint32_t best)
{
	uint32_t i, at = quote->first;

	while ((i = next_meant(r, quote, &at)) != JUDGE_NO_OP)
		if (i != best)
			r->out->ops[i].shares_quote = r->out->ops[best].shares_quote = true;
}

static uint32_t generation_after(const struct ranking *r, const struct quote *quote)
{
	const struct history_event *e = event_of(r, quote);

	return quote->meant == JUDGE_NO_OP ? e->u.invoked.generation_seen
					   : e->u.returned.generation;
}

/* Of several, the one that is over first. */
static void choose(struct ranking *r)
{
	struct judge_op *ops = r->out->ops;
	size_t since = 0;

	for (size_t k = 0; k < r->quote_count; k++) {
		struct quote *quote = &r->quotes[k];
		uint32_t best = JUDGE_NO_OP, i, at = quote->first;
		if (since > quote->since)
			quote->since = since;
		while ((i = next_meant(r, quote, &at)) != JUDGE_NO_OP)
			if (best == JUDGE_NO_OP || r->over[i] < r->over[best])
				best = i;
		if (best == JUDGE_NO_OP)
			continue;
		mark_others(r, quote, best);
		ops[best].rank = ++r->out->rank_count;
		ops[best].generation_after = generation_after(r, quote);
		if (ops[best].opened_by > since)
			since = ops[best].opened_by;
	}
}

int judge_ops_rank(const struct history *history, const size_t *partner, struct judge_ops *ops)
{
	struct ranking r = {.history = history, .partner = partner, .out = ops};
	bool memory = begin(&r);

	if (memory) {
		narrow_from_the_first(&r);
		narrow_from_the_last(&r);
		choose(&r);
	}
	free(r.invoked);
	free(r.unheard);
	free(r.quotes);
	free(r.changes);
	free(r.over);
	free(r.of_nexus);
	return memory ? 0 : -ENOMEM;
}
