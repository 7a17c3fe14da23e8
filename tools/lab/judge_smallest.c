/*
 * The smallest impossible sub-history. First a few nexuses are found whose answers cannot be
 * explained, whatever all others were answered; then answers are taken away as long as the rest
 * still cannot. In the end each single one has to be needed: without it an order is found, in an
 * exact trial, or else the set is called small and not smallest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_smallest.h"

#define FOLLOWED_MAX	  6	  /* nexuses */
#define STATES_GROUND	  200000  /* to find the nexuses */
#define STATES_ROUGH	  200000  /* of a trial */
#define STATES_EXACT	  60000	  /* with everything that was left out */
#define STATES_WITNESS	  20000	  /* with few of it */
#define STATES_ALL	  1500000 /* at most, for one violation */
#define EXACT_NEXUSES_MAX 8
#define EXACT_OPS_MAX	  200
#define CONTEXT_MAX	  6  /* logins and logouts that are shown */
#define SHOWN_MAX	  40 /* commands: more explain nothing */

struct small {
	const struct history *history;
	const struct judge_ops *ops;
	const struct lu_rules *rules;
	bool *kept, *others, *silent, *followed, *all_followed, *attentions;
	uint32_t *order; /* kept ops: those to be taken away first */
	uint32_t count;
	size_t step_end;
	uint64_t states_left;
	uint32_t accused; /* op, or JUDGE_NO_OP */
	bool by_count;	  /* PRGENERATION alone shows it */
	bool exact_affordable;
	bool proven;
	bool no_memory;
};

/* ---- trials ---- */

static enum trial_verdict try(struct small *small, struct trial trial, uint64_t states,
			      size_t *ret_step)
{
	size_t step = 0;
	enum trial_verdict verdict;

	trial.history = small->history;
	trial.ops = small->ops;
	trial.rules = small->rules;
	trial.attentions = small->attentions;
	trial.step_end = small->step_end;
	trial.states_max = states < small->states_left ? states : small->states_left;
	trial.states_left = &small->states_left;
	if (trial.states_max == 0)
		return TRIAL_TOO_LONG;
	verdict = trial_run(&trial, &step);
	small->no_memory |= verdict == TRIAL_NO_MEMORY;
	if (verdict == TRIAL_IMPOSSIBLE && ret_step)
		*ret_step = step;
	return verdict;
}

static enum trial_verdict try_rough(struct small *small, uint64_t states, size_t *ret_step)
{
	return try(small, (struct trial){.kept = small->kept, .followed = small->followed}, states,
		   ret_step);
}

static enum trial_verdict try_exact(struct small *small, size_t *ret_step)
{
	return try(
		small,
		(struct trial){.kept = small->kept, .followed = small->all_followed, .exact = true},
		STATES_EXACT, ret_step);
}

/* ---- where it happens ---- */

static bool is_answered(const struct judge_op *op)
{
	return op->command && (op->role == JUDGE_PROBE || op->role == JUDGE_MOVER);
}

static bool only_shows(const struct judge_op *op)
{
	return op->role == JUDGE_PROBE || op->result->outcome != HISTORY_GOOD;
}

static void keep_all(struct small *small)
{
	for (uint32_t i = 0; i < small->ops->op_count; i++)
		small->kept[i] = is_answered(&small->ops->ops[i]);
}

/* What changes says more of what happened than what shows it. */
static void keep_movers(struct small *small)
{
	for (uint32_t i = 0; i < small->ops->op_count; i++)
		small->kept[i] = is_answered(&small->ops->ops[i]) &&
				 (i == small->accused || !only_shows(&small->ops->ops[i]));
}

/* With ALL_TG_PT, what one path of an initiator does is done to all of them. */
static void follow(struct small *small, uint32_t nexus)
{
	const struct history_nexus *nexuses = small->history->nexuses;

	small->followed[nexus] = true;
	for (uint32_t i = 0; i < small->ops->op_count; i++) {
		const struct judge_op *op = &small->ops->ops[i];
		if (!op->command || !op->command->all_tg_pt)
			continue;
		for (uint32_t n = 0; n < small->history->nexus_count; n++)
			if (strcmp(nexuses[n].name, nexuses[nexus].name) == 0 &&
			    memcmp(nexuses[n].isid, nexuses[nexus].isid, 6) == 0)
				small->followed[n] = true;
		return;
	}
}

/* Are the answers that are kept enough? */
static bool is_ground(struct small *small, bool attentive)
{
	size_t step;

	for (unsigned i = 0; i < 2; i++, attentive = !attentive) {
		if (small->accused != JUDGE_NO_OP)
			small->attentions[small->ops->ops[small->accused].nexus] = attentive;
		if (try_rough(small, STATES_GROUND, &step) != TRIAL_IMPOSSIBLE)
			continue;
		small->step_end = step + 1;
		return true;
	}
	return false;
}

static bool is_of_attentions(enum judge_rule rule)
{
	return rule == JUDGE_UNIT_ATTENTION_LOST || rule == JUDGE_UNIT_ATTENTION_TWICE ||
	       rule == JUDGE_UNIT_ATTENTION_WRONG;
}

/* The first step at which the op is over. */
static size_t step_of_end(const struct small *small, uint32_t i)
{
	size_t at = small->ops->step_count;

	while (at > 0 && !(small->ops->steps[at - 1].closes && small->ops->steps[at - 1].op == i))
		at--;
	return at == 0 ? small->ops->step_count : at;
}

/* The next one to be followed: the accused's, those of the causes, the latest first, and those that
 * changed something last. HISTORY_NO_NEXUS: no more. */
static uint32_t next_nexus(const struct small *small, const struct judge_violation *violation)
{
	const struct judge_ops *ops = small->ops;
	uint32_t last = small->accused == JUDGE_NO_OP ? ops->op_count : small->accused;

	if (last < ops->op_count && !small->followed[ops->ops[last].nexus])
		return ops->ops[last].nexus;
	for (size_t i = violation->event_count; i-- > 0;) {
		uint32_t nexus = small->history->events[violation->events[i]].nexus;
		if (nexus != HISTORY_NO_NEXUS && !small->followed[nexus])
			return nexus;
	}
	for (uint32_t i = last; i-- > 0;) {
		const struct judge_op *op = &ops->ops[i];
		if (is_answered(op) && history_op_is_pr_out(op->command->op) && !only_shows(op) &&
		    !small->followed[op->nexus])
			return op->nexus;
	}
	return HISTORY_NO_NEXUS;
}

/* Nexuses of the causes, the latest first, are followed one after the other until what they changed
 * leaves no explanation for the accused; or else, what they changed and saw. */
static bool find_nexuses_before(struct small *small, const struct judge_violation *violation,
				size_t step_end)
{
	bool attentive = is_of_attentions(violation->rule);

	for (unsigned all = 0; all < 2; all++) {
		small->step_end = step_end;
		memset(small->followed, 0, small->history->nexus_count * sizeof(*small->followed));
		if (all)
			keep_all(small);
		else
			keep_movers(small);
		for (uint32_t count = 0; count < FOLLOWED_MAX; count++) {
			uint32_t nexus = next_nexus(small, violation);
			if (nexus == HISTORY_NO_NEXUS)
				break;
			follow(small, nexus);
			if (is_ground(small, attentive))
				return true;
		}
	}
	return false;
}

/* Up to the accused, if that is enough: what is wrong may show itself again and again. */
static bool find_nexuses(struct small *small, const struct judge_violation *violation)
{
	size_t end = small->ops->step_count;

	if (small->accused != JUDGE_NO_OP &&
	    find_nexuses_before(small, violation, step_of_end(small, small->accused)))
		return true;
	return find_nexuses_before(small, violation, end);
}

static void find_accused(struct small *small, const struct judge_violation *violation)
{
	for (uint32_t i = 0; i < small->ops->op_count; i++)
		if (small->ops->ops[i].command &&
		    small->ops->ops[i].opened_by == violation->accused)
			small->accused = i;
}

static bool is_miscount(struct small *small)
{
	keep_all(small);
	if (small->accused == JUDGE_NO_OP ||
	    !smallest_miscounts(small->ops, small->kept, small->accused))
		return false;
	small->step_end = step_of_end(small, small->accused);
	small->by_count = true;
	return true;
}

/* Which nexuses' answers are enough? All of them, if nothing better is found. */
static bool find_ground(struct small *small, const struct judge_violation *violation)
{
	size_t step;

	small->exact_affordable = small->history->nexus_count <= EXACT_NEXUSES_MAX &&
				  small->ops->op_count <= EXACT_OPS_MAX;
	find_accused(small, violation);
	if (violation->rule != JUDGE_GENERATION && find_nexuses(small, violation))
		return true;
	memcpy(small->followed, small->all_followed,
	       small->history->nexus_count * sizeof(*small->followed));
	if (is_miscount(small))
		return true;
	keep_all(small);
	small->step_end = small->ops->step_count;
	if (!small->exact_affordable || try_exact(small, &step) != TRIAL_IMPOSSIBLE)
		return false;
	small->step_end = step + 1;
	return true;
}

/* ---- taking away ---- */

static bool is_impossible(struct small *small)
{
	if (small->by_count)
		return smallest_miscounts(small->ops, small->kept, small->accused) ||
		       (small->exact_affordable && try_exact(small, NULL) == TRIAL_IMPOSSIBLE);
	return try_rough(small, STATES_ROUGH, NULL) == TRIAL_IMPOSSIBLE ||
	       (small->exact_affordable && try_exact(small, NULL) == TRIAL_IMPOSSIBLE);
}

/* What only shows goes before what changes, the older before the younger. */
static void put_in_order(struct small *small)
{
	const struct judge_ops *ops = small->ops;
	size_t end = ops->steps[small->step_end - 1].event;

	small->count = 0;
	for (unsigned round = 0; round < 2; round++)
		for (uint32_t i = 0; i < ops->op_count; i++) {
			const struct judge_op *op = &ops->ops[i];
			if (small->kept[i] && only_shows(op) == (round == 0) &&
			    small->followed[op->nexus] && op->opened_by < end)
				small->order[small->count++] = i;
		}
	memset(small->kept, 0, ops->op_count * sizeof(*small->kept));
	for (uint32_t k = 0; k < small->count; k++)
		small->kept[small->order[k]] = true;
}

static void set_kept(struct small *small, uint32_t from, uint32_t count, bool kept)
{
	for (uint32_t k = from; k < from + count; k++)
		small->kept[small->order[k]] = kept;
}

/* Takes them away if the rest is still impossible. */
static bool take_away(struct small *small, uint32_t from, uint32_t count)
{
	set_kept(small, from, count, false);
	if (is_impossible(small)) {
		memmove(small->order + from, small->order + from + count,
			(small->count - from - count) * sizeof(*small->order));
		small->count -= count;
		return true;
	}
	set_kept(small, from, count, true);
	return false;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* How few of the youngest are enough? */
static void forget_old(struct small *small)
{
	uint32_t count = small->count;

	qsort(small->order, count, sizeof(*small->order), by_number);
	for (uint32_t recent = 8; recent < count; recent *= 2) {
		set_kept(small, 0, count - recent, false);
		if (is_impossible(small))
			break;
		set_kept(small, 0, count - recent, true);
	}
	put_in_order(small);
}

static void take_away_many(struct small *small)
{
	forget_old(small);
	for (uint32_t many = small->count / 2; many > 1; many /= 2)
		for (uint32_t from = 0; from + many <= small->count && !small->no_memory;)
			if (!take_away(small, from, many))
				from += many;
}

/* ---- is each one needed? ---- */

/* Nothing that was left out ever happened, or only what was GOOD and `close` enough. */
static bool is_possible_with(struct small *small, uint32_t recent)
{
	const struct judge_ops *ops = small->ops;
	size_t end = ops->steps[small->step_end - 1].event;
	uint32_t seen = 0;

	for (uint32_t i = ops->op_count; i-- > 0;) {
		const struct judge_op *op = &ops->ops[i];
		bool likely = op->role == JUDGE_MAYBE || (op->role == JUDGE_MOVER && op->command &&
							  op->result->outcome == HISTORY_GOOD);
		small->silent[i] = op->command && !small->kept[i];
		if (small->silent[i] && likely && op->opened_by < end && seen < recent) {
			small->silent[i] = false;
			seen++;
		}
	}
	return try(small,
		   (struct trial){.kept = small->kept,
				  .followed = small->all_followed,
				  .silent = small->silent,
				  .exact = true},
		   STATES_WITNESS, NULL) == TRIAL_POSSIBLE;
}

/* Everything was as it was answered, but for the youngest changes and the one that was taken away,
 * which may have been anything; `seen`: and but for what only shows. */
static bool is_possible_lately(struct small *small, uint32_t taken, uint32_t recent, bool seen)
{
	const struct judge_ops *ops = small->ops;
	size_t end = ops->steps[small->step_end - 1].event;
	struct trial trial = {.kept = small->others,
			      .followed = small->all_followed,
			      .silent = small->silent,
			      .exact = true};

	for (uint32_t i = ops->op_count; i-- > 0;) {
		const struct judge_op *op = &ops->ops[i];
		bool loose = i == taken;
		if (!loose && op->command && !small->kept[i] && op->opened_by < end && recent > 0 &&
		    history_op_is_pr_out(op->command->op)) {
			loose = true;
			recent--;
		}
		small->others[i] =
			small->kept[i] || (!loose && is_answered(op) && (seen || !only_shows(op)));
		small->silent[i] = op->command && !small->others[i] && !loose;
	}
	return try(small, trial, STATES_WITNESS, NULL) == TRIAL_POSSIBLE;
}

static bool is_possible(struct small *small, uint32_t taken)
{
	return is_possible_with(small, 0) || is_possible_lately(small, taken, 0, true) ||
	       is_possible_lately(small, taken, 0, false) ||
	       is_possible_lately(small, taken, 4, false) ||
	       is_possible_lately(small, taken, 12, false) || is_possible_with(small, 4) ||
	       is_possible_with(small, 12) || is_possible_with(small, 40) ||
	       try_exact(small, NULL) == TRIAL_POSSIBLE;
}

/* Each that is kept counts, also if it was still under way when the search was stuck. */
static void see_all_out(struct small *small)
{
	for (uint32_t k = 0; k < small->count; k++) {
		size_t end = step_of_end(small, small->order[k]);
		small->step_end = end > small->step_end ? end : small->step_end;
	}
}

static void take_away_singly(struct small *small)
{
	see_all_out(small);
	small->proven = true;
	for (uint32_t k = 0; k < small->count && !small->no_memory;) {
		bool needed;
		if (take_away(small, k, 1))
			continue;
		set_kept(small, k, 1, false);
		needed = is_possible(small, small->order[k]);
		/* A last look, with all effort. */
		if (!needed && try_exact(small, NULL) == TRIAL_IMPOSSIBLE) {
			memmove(small->order + k, small->order + k + 1,
				(small->count - k - 1) * sizeof(*small->order));
			small->count--;
			continue;
		}
		small->proven &= needed;
		set_kept(small, k, 1, true);
		k++;
	}
}

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
		   const struct lu_rules *rules, struct judge_violation *violation)
{
	struct small small = {.history = history,
			      .ops = ops,
			      .rules = rules,
			      .step_end = SIZE_MAX,
			      .accused = JUDGE_NO_OP,
			      .states_left = STATES_ALL};

	small.no_memory = !init(&small);
	if (!small.no_memory && find_ground(&small, violation)) {
		put_in_order(&small);
		take_away_many(&small);
		take_away_singly(&small);
		if (!small.no_memory && small.count <= SHOWN_MAX && !show(&small, violation))
			small.no_memory = true;
	}
	finish(&small);
	return small.no_memory ? -ENOMEM : 0;
}
