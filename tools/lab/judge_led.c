/*
 * Along the order that the target tells of its changes. What is left to find is when the others
 * took effect: commands that report unit attentions as late as it goes, unless another one of the
 * same kind comes to be due in the meantime; and those that change nothing as soon as they fit.
 *
 * That leaves orders out. Where it leads nowhere, they are tried as if nobody had told anything.
 */
#include "tools/lab/judge_search.h"

/* Of what the target should have told and did not. */
#define PRICE_UNTOLD 8
/* Of a unit attention that may come, but is not due. */
#define PRICE_NOT_DUE 4

static bool counts(const struct history_command *c)
{
	return c->op != HISTORY_RESERVE && c->op != HISTORY_RELEASE;
}

/* Of persistent reservations. */
static bool is_change(const struct judge_op *op)
{
	return op->command && history_op_is_pr_out(op->command->op) && !search_op_is_attention(op);
}

/* The target says when, and that is when it comes. */
static bool has_its_turn(const struct search *search, const struct judge_op *op)
{
	return op->decided && op->rank > search->passed && search_obeys(search);
}

/* The quote counts here: those of unit attentions, resets and SPC-2 reservations only where each
 * has its turn. */
static bool is_ranked(const struct search *search, const struct judge_op *op)
{
	return op->rank != JUDGE_NO_RANK && (is_change(op) || has_its_turn(search, op));
}

/* Its turn has not passed: another command that is just like it may have been the one that was
 * meant. */
static bool is_told(const struct search *search, const struct judge_op *op)
{
	uint32_t before;

	if (!is_ranked(search, op) || (op->rank <= search->passed && search_obeys(search)))
		return false;
	if (!is_change(op))
		return true;
	before = op->generation_after - (counts(op->command) ? 1 : 0);
	return before >= search->lu.generation;
}

/* The same command of the same nexus. */
static bool are_alike(const struct judge_op *op, const struct judge_op *other)
{
	const struct history_command *a = op->command, *b = other->command;

	return op->nexus == other->nexus && a && b && !search_op_is_attention(op) &&
	       !search_op_is_attention(other) && a->op == b->op && a->key == b->key &&
	       a->type == b->type && a->action_key == b->action_key;
}

bool search_led_may_stand_for(const struct search *search, uint32_t i, uint32_t next)
{
	const struct judge_op *ops = search->ops->ops;

	return i == next ||
	       (!ops[i].decided && !ops[next].decided && are_alike(&ops[i], &ops[next]));
}

uint32_t search_led_next(const struct search *search, uint32_t behind)
{
	const struct judge_op *ops = search->ops->ops;
	uint32_t next = JUDGE_NO_OP;

	for (uint32_t k = 0; k < search->movers.count; k++) {
		uint32_t i = search->movers.ops[k];
		if (is_told(search, &ops[i]) && ops[i].rank > behind &&
		    !search_is_done(search, i) &&
		    (next == JUDGE_NO_OP || ops[i].rank < ops[next].rank))
			next = i;
	}
	return next;
}

static uint32_t kinds_of(const struct judge_op *op)
{
	return lu_attention_kinds(op->result->asc, op->result->ascq);
}

static bool wants_reset(const struct judge_op *op)
{
	return search_op_is_attention(op) && (kinds_of(op) & (LU_UA_RESET | LU_UA_CLEARED)) != 0;
}

/* Does the next change need others before it, which the target is not quoted with? A command that
 * does nothing but to count is in no journal. */
static bool counts_more(const struct search *search, const struct judge_op *next)
{
	if (!is_change(next))
		return false;
	uint32_t before = next->generation_after - (counts(next->command) ? 1 : 0);

	return before > search->lu.generation;
}

static bool shows_generation(const struct judge_op *op)
{
	return op->role == JUDGE_PROBE && op->command && op->result &&
	       op->result->outcome == HISTORY_GOOD && history_op_is_pr_in(op->command->op);
}

enum effect {
	EFFECT_INVALID = 0,
	EFFECT_NONE,
	EFFECT_COUNTS, /* in PRGENERATION, and nothing else */
	EFFECT_MORE,   /* that is quoted */
};

static enum effect effect_of(struct search *search, uint32_t i)
{
	const struct judge_op *op = &search->ops->ops[i];
	size_t mark = lu_mark(&search->lu);
	enum effect effect;
	unsigned variants;

	lu_step(&search->lu, op->nexus, op->command, 0, &variants);
	effect = lu_only_counted(&search->lu, mark) ? EFFECT_COUNTS
		 : lu_mark(&search->lu) == mark	    ? EFFECT_NONE
						    : EFFECT_MORE;
	lu_undo_to(&search->lu, mark);
	return effect;
}

static bool untold_may_come(struct search *search, uint32_t i, uint32_t next, uint32_t closing)
{
	const struct judge_op *ops = search->ops->ops;

	if (!counts(ops[i].command))
		return !search_obeys(search) || ops[i].shares_quote ||
		       effect_of(search, i) != EFFECT_MORE;
	if (search_believes(search)) {
		enum effect effect = effect_of(search, i);
		if (effect == EFFECT_NONE)
			return ops[i].role == JUDGE_MOVER;
		if (effect == EFFECT_MORE && !ops[i].shares_quote)
			return false;
	}
	if (next != JUDGE_NO_OP)
		return counts_more(search, &ops[next]);
	return i == closing || (shows_generation(&ops[closing]) &&
				ops[closing].result->generation > search->lu.generation);
}

/* Would something that is still to come, as the target says, come no more after this end? */
static bool ends_told(const struct search *search, const struct judge_op *end)
{
	const struct judge_ops *ops = search->ops;

	for (uint32_t k = 0; k < search->movers.count; k++) {
		uint32_t i = search->movers.ops[k];
		if (judge_op_ends(end, &ops->ops[i]) && is_told(search, &ops->ops[i]) &&
		    !ops->ops[i].shares_quote && !search_is_done(search, i))
			return true;
	}
	return false;
}

bool search_led_may_come(struct search *search, uint32_t i, uint32_t next, uint32_t closing)
{
	const struct judge_op *op = &search->ops->ops[i];
	const struct judge_op *closes = &search->ops->ops[closing];

	if (has_its_turn(search, op))
		return false;
	switch (op->role) {
	case JUDGE_SESSION_BEGIN:
		return i == closing;
	case JUDGE_SESSION_END:
		return (i == closing || search->lu.spc2_owner == op->nexus) &&
		       (!search_believes(search) || !ends_told(search, op));
	case JUDGE_UNHEARD:
		return lu_attention_pending(&search->lu, op->nexus);
	case JUDGE_CRASHED:
		return i == closing && next == JUDGE_NO_OP;
	case JUDGE_MOVER:
	case JUDGE_MAYBE:
		break;
	case JUDGE_PROBE:
	case JUDGE_ROLE_INVALID:
		return false;
	}
	if (is_told(search, op))
		return counts(op->command) ? !search_believes(search) && next != JUDGE_NO_OP &&
						     counts_more(search, &search->ops->ops[next])
					   : i == closing;
	if (search_op_is_attention(op))
		return op->nexus == closes->nexus;
	if (history_op_is_pr_out(op->command->op))
		return untold_may_come(search, i, next, closing);
	return i == closing || !search_obeys(search) || search_is_in_trouble(search) ||
	       !judge_op_is_reset(op);
}

static unsigned overtaken(const struct search *search, uint32_t rank)
{
	unsigned count = 0;

	for (uint32_t k = 0; k < search->movers.count; k++) {
		uint32_t i = search->movers.ops[k];
		uint32_t other = search->ops->ops[i].rank;
		count += is_told(search, &search->ops->ops[i]) && other < rank &&
			 !search_is_done(search, i);
	}
	return count;
}

/* Resets are quick, and what several establish is told once. */
static unsigned resets_to_come(const struct search *search, uint32_t attention)
{
	uint32_t nexus = search->ops->ops[attention].nexus;
	unsigned count = 0;

	for (uint32_t k = 0; k < search->movers.count; k++) {
		uint32_t i = search->movers.ops[k];
		const struct judge_op *op = &search->ops->ops[i];
		count += judge_op_is_reset(op) && op->nexus != nexus &&
			 !search_is_done(search, i) &&
			 !search_reports_again(search, attention, search->ahead.closes[i]);
	}
	return count;
}

static bool is_due(const struct search *search, const struct judge_op *attention)
{
	uint32_t kinds = kinds_of(attention);

	return kinds == 0 || (search->lu.pending[attention->nexus] & kinds) != 0;
}

unsigned search_led_price(const struct search *search, uint32_t i)
{
	const struct judge_op *op = &search->ops->ops[i];

	unsigned price = search_hinted_price(search, i);

	if (is_told(search, op))
		return price + overtaken(search, op->rank);
	if (op->command && search_op_is_attention(op))
		return price + (wants_reset(op) ? resets_to_come(search, i) : 0) +
		       (is_due(search, op) ? 0 : PRICE_NOT_DUE);
	if (!op->command || judge_op_is_reset(op))
		return price;
	if (!history_op_is_pr_out(op->command->op) ||
	    (search_believes(search) && counts(op->command)))
		return price + 1;
	return price + PRICE_UNTOLD;
}

bool search_led_merged(const struct search *search, uint32_t i)
{
	const struct judge_op *op = &search->ops->ops[i];

	return search_op_is_attention(op) && !has_its_turn(search, op) &&
	       (search->lu.merged[op->nexus] & kinds_of(op)) != 0;
}

unsigned search_led_idle_price(const struct search *search, uint32_t i)
{
	return is_told(search, &search->ops->ops[i]) ? PRICE_UNTOLD : 0;
}

/* Something else of the nexus, which changes nothing, waits until it was told. */
static bool is_awaited(const struct search *search, uint32_t nexus)
{
	for (uint32_t k = 0; k < search->probes.count; k++) {
		uint32_t i = search->probes.ops[k];
		const struct judge_op *op = &search->ops->ops[i];
		if (op->nexus == nexus && !search_is_done(search, i) &&
		    !search_may_answer(search, op))
			return true;
	}
	return false;
}

bool search_led_is_blocked(const struct search *search, uint32_t i)
{
	const struct judge_op *op = &search->ops->ops[i];

	if (!search_op_is_attention(op) || has_its_turn(search, op))
		return false;
	return search->blocked[op->nexus] ||
	       (search_is_in_trouble(search) && is_awaited(search, op->nexus));
}

static bool is_spc2(const struct judge_op *op)
{
	return op->command &&
	       (op->command->op == HISTORY_SPC2_RESERVE || op->command->op == HISTORY_SPC2_RELEASE);
}

/* Is there another one under way of which that may be said as well? */
static bool is_one_of_several(const struct search *search, uint32_t i)
{
	const struct judge_op *ops = search->ops->ops;

	for (uint32_t k = 0; k < search->movers.count; k++) {
		uint32_t other = search->movers.ops[k];
		if (other == i)
			continue;
		if (is_spc2(&ops[i])
			    ? is_spc2(&ops[other]) && ops[other].nexus == ops[i].nexus &&
				      !search_is_done(search, other)
			    : ops[other].rank != JUDGE_NO_RANK && are_alike(&ops[i], &ops[other]))
			return true;
	}
	return false;
}

static bool may_change_nothing(const struct search *search, uint32_t i)
{
	const struct judge_op *op = &search->ops->ops[i];

	return op->role == JUDGE_MOVER && op->command && !search_op_is_attention(op) &&
	       !judge_op_is_reset(op) && (!is_ranked(search, op) || op->shares_quote);
}

void search_led_settle(struct search *search)
{
	for (uint32_t k = 0; k < search->movers.count; k++) {
		uint32_t i = search->movers.ops[k];
		const struct judge_op *op = &search->ops->ops[i];
		size_t mark = lu_mark(&search->lu);
		struct lu_answer answer;
		unsigned variants;
		if (!op->command || search_is_done(search, i) || !search_may_answer(search, op) ||
		    !may_change_nothing(search, i))
			continue;
		answer = lu_step(&search->lu, op->nexus, op->command, 0, &variants);
		lu_undo_to(&search->lu, mark);
		if (answer.outcome != HISTORY_GOOD || answer.changes)
			continue;
		if (!is_ranked(search, op) && !is_one_of_several(search, i))
			search_mark_done(search, i);
		else
			search_note_idle(search, i);
	}
}
