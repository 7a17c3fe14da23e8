/*
 * The smallest impossible sub-history. First a few nexuses are found whose answers cannot be
 * explained, whatever all others were answered; then answers are taken away as long as the rest
 * still cannot. In the end each single one has to be needed: without it an order is found, in an
 * exact trial, or else the set is called small and not smallest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_smallest_small.h"

#define STATES_ALL  1500000 /* at most, for one violation */
#define CONTEXT_MAX 6	    /* logins and logouts that are shown */
#define SHOWN_MAX   40	    /* commands: more explain nothing */

/* ---- what is shown ---- */

static bool shows_event(const struct small *small, size_t i, size_t first, size_t last,
			size_t *sessions)
{
	const struct history_event *e = &small->history->events[i];

	if (i < first || i > last)
		return false;
	if (history_kind_is_crash(e->kind) || e->kind == HISTORY_UP)
		return true;
	if (e->kind != HISTORY_LOGIN && e->kind != HISTORY_LOGOUT && e->kind != HISTORY_LOST)
		return false;
	for (uint32_t k = 0; k < small->count; k++)
		if (small->ops->ops[small->order[k]].nexus == e->nexus)
			return ++*sessions <= CONTEXT_MAX;
	return false;
}

/* The RETURN of each op that is kept, whatever it closes with in the search. */
static size_t return_of(const struct history *history, const struct judge_op *op)
{
	const struct history_event *invoke = &history->events[op->opened_by];

	for (size_t i = op->opened_by + 1; op->result && i < history->event_count; i++)
		if (history->events[i].kind == HISTORY_RETURN &&
		    history->events[i].command == invoke->command)
			return i;
	return JUDGE_NO_EVENT;
}

static bool show(const struct small *small, struct judge_violation *violation)
{
	const struct history *history = small->history;
	bool *shown = calloc(history->event_count + 1, sizeof(*shown));
	size_t *events = malloc((history->event_count + 1) * sizeof(*events));
	size_t first = SIZE_MAX, last = 0, count = 0, sessions = 0;

	for (uint32_t k = 0; shown && events && k < small->count; k++) {
		const struct judge_op *op = &small->ops->ops[small->order[k]];
		size_t of[] = {op->opened_by, return_of(history, op),
			       op->found_on_medium ? op->closed_by : JUDGE_NO_EVENT};
		for (unsigned i = 0; i < 3; i++)
			if (of[i] != JUDGE_NO_EVENT) {
				shown[of[i]] = true;
				first = of[i] < first ? of[i] : first;
				last = of[i] > last ? of[i] : last;
			}
	}
	for (size_t i = 0; shown && events && i < history->event_count; i++)
		if (shown[i] || shows_event(small, i, first, last, &sessions))
			events[count++] = i;
	free(shown);
	if (!events)
		return false;
	free(violation->events);
	violation->events = events;
	violation->event_count = count;
	violation->proof = small->proven ? JUDGE_PROOF_SMALLEST : JUDGE_PROOF_SMALL;
	violation->why = smallest_why(history, violation);
	return violation->why != NULL;
}

/* ---- all ---- */

static bool init(struct small *small)
{
	size_t ops = small->ops->op_count + 1u, nexuses = small->history->nexus_count + 1u;

	small->kept = calloc(ops, sizeof(*small->kept));
	small->silent = calloc(ops, sizeof(*small->silent));
	small->others = calloc(ops, sizeof(*small->others));
	small->order = calloc(ops, sizeof(*small->order));
	small->followed = calloc(nexuses, sizeof(*small->followed));
	small->all_followed = malloc(nexuses * sizeof(*small->all_followed));
	small->attentions = calloc(nexuses, sizeof(*small->attentions));
	if (!small->kept || !small->silent || !small->others || !small->order || !small->followed ||
	    !small->all_followed || !small->attentions)
		return false;
	memset(small->all_followed, true, nexuses * sizeof(*small->all_followed));
	return true;
}

static void finish(struct small *small)
{
	free(small->kept);
	free(small->silent);
	free(small->others);
	free(small->order);
	free(small->followed);
	free(small->all_followed);
	free(small->attentions);
}

int judge_smallest(const struct history *history, const struct judge_ops *ops,
		   const struct lu_rules *rules, uint64_t states_max,
		   struct judge_violation *violation)
{
	struct small small = {.history = history,
			      .ops = ops,
			      .rules = rules,
			      .step_end = SIZE_MAX,
			      .accused = JUDGE_NO_OP,
			      .states_left = states_max < STATES_ALL ? states_max : STATES_ALL};

	small.no_memory = !init(&small);
	if (!small.no_memory && small_find_ground(&small, violation)) {
		small_put_in_order(&small);
		small_take_away_many(&small);
		small_take_away_singly(&small);
		if (!small.no_memory && small.count <= SHOWN_MAX && !show(&small, violation))
			small.no_memory = true;
	}
	finish(&small);
	return small.no_memory ? -ENOMEM : 0;
}
