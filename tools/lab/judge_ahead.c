/*
 * What later answers say of the state at hand, so that a wrong turn is seen before they come.
 *
 * Of PRGENERATION: commands that count and are over before a PERSISTENT RESERVE IN is sent were
 * counted in what it shows. So at any place its number is at least what has been counted, plus what
 * is still to be counted before it is sent.
 *
 * Of APTPL: it is what the last of some commands said, and only a crash tells. It matters before a
 * crash from where the last of those was sent that surely came before the crash.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_search.h"

#define VIEWS_AHEAD 12

static bool is_good_mover(const struct judge_op *op)
{
	return op->role == JUDGE_MOVER && op->command && op->result->outcome == HISTORY_GOOD;
}

static bool is_register(const struct history_command *c)
{
	return c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE;
}

static bool sets_aptpl(const struct judge_op *op)
{
	const struct history_command *c = op->command;

	return is_good_mover(op) && (is_register(c) || c->op == HISTORY_REGISTER_AND_MOVE) &&
	       c->action_key != 0;
}

/* To unregister who is not registered changes nothing, and is not counted. */
bool search_op_is_counted(const struct judge_op *op)
{
	const struct history_command *c = op->command;

	if (!is_good_mover(op))
		return false;
	if (is_register(c))
		return c->action_key != 0 || (c->op == HISTORY_REGISTER && c->key != 0);
	return c->op == HISTORY_CLEAR || c->op == HISTORY_PREEMPT ||
	       c->op == HISTORY_PREEMPT_AND_ABORT || c->op == HISTORY_REGISTER_AND_MOVE;
}

static bool shows_generation(const struct judge_op *op)
{
	return op->role == JUDGE_PROBE && op->command && op->result &&
	       op->result->outcome == HISTORY_GOOD && history_op_is_pr_in(op->command->op) &&
	       op->command->op != HISTORY_REPORT_CAPABILITIES;
}

static bool add_view(struct ahead *ahead, struct view view)
{
	if (ahead->view_count == ahead->view_capacity) {
		uint32_t capacity = ahead->view_capacity == 0 ? 256 : 2 * ahead->view_capacity;
		struct view *views = realloc(ahead->views, capacity * sizeof(*views));
		if (!views)
			return false;
		ahead->views = views;
		ahead->view_capacity = capacity;
	}
	ahead->views[ahead->view_count++] = view;
	return true;
}

static bool look(struct ahead *ahead, const struct judge_ops *ops)
{
	uint32_t counted = 0;
	size_t since = 0;

	for (size_t at = 0; at < ops->step_count; at++) {
		struct judge_step step = ops->steps[at];
		const struct judge_op *op = &ops->ops[step.op];
		ahead->next_view[at] = ahead->view_count;
		ahead->counted[at] = counted;
		if (!step.closes) {
			ahead->opens[step.op] = at;
			if ((shows_generation(op) || op->role == JUDGE_CRASHED) &&
			    !add_view(ahead,
				      (struct view){.at = at, .counted = counted, .op = step.op}))
				return false;
			continue;
		}
		ahead->closes[step.op] = at;
		counted += search_op_is_counted(op);
		if (sets_aptpl(op) && ahead->opens[step.op] > since)
			since = ahead->opens[step.op];
		if (op->role == JUDGE_CRASHED)
			memset(ahead->aptpl_matters + since, true, at - since + 1);
	}
	return true;
}

static void find_crashes(struct ahead *ahead, const struct judge_ops *ops)
{
	size_t crash = SIZE_MAX;

	ahead->next_crash[ops->step_count] = SIZE_MAX;
	for (size_t at = ops->step_count; at-- > 0;) {
		struct judge_step step = ops->steps[at];
		if (!step.closes && ops->ops[step.op].role == JUDGE_CRASHED)
			crash = at;
		ahead->next_crash[at] = crash;
	}
}

bool search_look_ahead(struct search *search)
{
	const struct judge_ops *ops = search->ops;
	struct ahead *ahead = &search->ahead;
	bool memory;

	ahead->aptpl_matters = calloc(ops->step_count + 1, sizeof(*ahead->aptpl_matters));
	ahead->next_view = calloc(ops->step_count + 1, sizeof(*ahead->next_view));
	ahead->counted = calloc(ops->step_count + 1, sizeof(*ahead->counted));
	ahead->closes = malloc((ops->op_count + 1) * sizeof(*ahead->closes));
	ahead->next_crash = malloc((ops->step_count + 1) * sizeof(*ahead->next_crash));
	ahead->opens = calloc(ops->op_count + (size_t)1, sizeof(*ahead->opens));
	memory = ahead->opens && ahead->next_crash && ahead->aptpl_matters && ahead->next_view &&
		 ahead->counted && ahead->closes;
	if (memory) {
		memset(ahead->closes, 0xff, (ops->op_count + 1) * sizeof(*ahead->closes));
		find_crashes(ahead, ops);
		memory = look(ahead, ops) && search_look_ahead_nexuses(search) &&
			 search_look_ahead_resets(search);
	}
	return memory;
}

void search_finish_ahead(struct search *search)
{
	free(search->ahead.aptpl_matters);
	free(search->ahead.next_view);
	free(search->ahead.counted);
	free(search->ahead.closes);
	free(search->ahead.opens);
	free(search->ahead.views);
	free(search->ahead.next_crash);
	search_finish_ahead_nexuses(search);
	search_finish_ahead_resets(search);
}

/* How many of those that count are done already, and only over at this step or later? */
static uint32_t done_early(const struct search *search, size_t step)
{
	const struct judge_op *ops = search->ops->ops;
	uint32_t count = 0;

	for (uint32_t k = 0; k < search->movers.count; k++) {
		uint32_t i = search->movers.ops[k];
		count += search_op_is_counted(&ops[i]) && search->ahead.closes[i] >= step &&
			 search_is_done(search, i);
	}
	return count;
}

bool search_counted_too_much(const struct search *search)
{
	const struct ahead *ahead = &search->ahead;
	const struct judge_op *ops = search->ops->ops;
	uint32_t first = ahead->next_view[search->at];
	uint32_t base = search->lu.generation - done_early(search, search->at);

	for (uint32_t i = first; i < ahead->view_count && i < first + VIEWS_AHEAD; i++) {
		const struct view *view = &ahead->views[i];
		if (ops[view->op].role == JUDGE_CRASHED)
			return false;
		if (base + (view->counted - ahead->counted[search->at]) +
			    done_early(search, view->at) >
		    ops[view->op].result->generation)
			return true;
	}
	return false;
}
