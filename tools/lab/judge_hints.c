/*
 * What a dead end teaches. The op that fits nowhere needs something: a registration, a reservation,
 * a unit attention that is due or is not. Commands that were under way together and have to do with
 * that are put in another order the next time, if they can: the order in which they came here is
 * made to cost more. That steers the search and decides nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_search.h"

#define LOOK_BACK 96 /* ops that took effect before the dead end */
#define WEIGHT	  4
#define LAST_FEW  4

enum aspect {
	ASPECT_INVALID = 0,
	ASPECT_KEY,	    /* of a nexus */
	ASPECT_RESERVATION, /* and who holds it */
	ASPECT_ATTENTION,   /* of a nexus */
	ASPECT_GENERATION,
};

struct need {
	enum aspect aspect;
	uint32_t nexus, kinds; /* of unit attentions */
};

/* ---- the hints ---- */

bool search_init_hints(struct search *search)
{
	size_t count = search->ops->op_count;

	search->hints.first = malloc((count + 1) * sizeof(*search->hints.first));
	if (!search->hints.first)
		return false;
	search_forget_hints(search);
	return true;
}

void search_forget_hints(struct search *search)
{
	memset(search->hints.first, 0xff,
	       (search->ops->op_count + (size_t)1) * sizeof(*search->hints.first));
	search->hints.count = 0;
}

void search_finish_hints(struct search *search)
{
	free(search->hints.first);
	free(search->hints.items);
}

/* `op` before `other` did no good. */
static void add_hint(struct search *search, uint32_t op, uint32_t other)
{
	struct hints *hints = &search->hints;

	for (uint32_t i = hints->first[op]; i != NO_HINT; i = hints->items[i].next) {
		if (hints->items[i].other == other) {
			hints->items[i].weight += WEIGHT;
			return;
		}
	}
	if (hints->count == hints->capacity) {
		uint32_t capacity = hints->capacity == 0 ? 256 : 2 * hints->capacity;
		struct hint *items = realloc(hints->items, capacity * sizeof(*items));
		if (!items) {
			search->no_memory = true;
			return;
		}
		hints->items = items;
		hints->capacity = capacity;
	}
	hints->items[hints->count] =
		(struct hint){.other = other, .weight = WEIGHT, .next = hints->first[op]};
	hints->first[op] = hints->count++;
}

unsigned search_hinted_price(const struct search *search, uint32_t op)
{
	const struct hints *hints = &search->hints;
	const struct judge_op *ops = search->ops->ops;
	size_t now = search->ops->steps[search->at].event;
	unsigned price = 0;

	for (uint32_t i = hints->first[op]; i != NO_HINT; i = hints->items[i].next) {
		uint32_t other = hints->items[i].other;
		if (ops[other].opened_by > now ||
		    (ops[other].closed_by >= now && !search_is_done(search, other)))
			price += hints->items[i].weight;
	}
	return price;
}

/* ---- what has to do with it ---- */

static bool is_register(const struct history_command *c)
{
	return c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE;
}

static bool strikes(const struct history_command *c)
{
	return c->op == HISTORY_PREEMPT || c->op == HISTORY_PREEMPT_AND_ABORT ||
	       c->op == HISTORY_CLEAR;
}

static bool is_attention(const struct judge_op *op)
{
	return op->result && op->result->outcome == HISTORY_CHECK && op->result->sense_key == 6;
}

static bool touches_reservation(const struct judge_op *op)
{
	const struct history_command *c = op->command;

	if (!c)
		return op->role == JUDGE_CRASHED;
	if (is_attention(op))
		return false;
	return strikes(c) || c->op == HISTORY_RESERVE || c->op == HISTORY_RELEASE ||
	       c->op == HISTORY_REGISTER_AND_MOVE || c->op == HISTORY_SPC2_RESERVE ||
	       c->op == HISTORY_SPC2_RELEASE || (is_register(c) && c->action_key == 0);
}

static bool touches_key(const struct judge_op *op, uint32_t nexus)
{
	const struct history_command *c = op->command;

	if (!c)
		return op->role == JUDGE_CRASHED;
	if (is_attention(op))
		return false;
	if (op->nexus == nexus)
		return is_register(c) || c->op == HISTORY_REGISTER_AND_MOVE || strikes(c);
	return strikes(c) || c->all_tg_pt ||
	       (c->op == HISTORY_REGISTER_AND_MOVE && c->move_to == nexus);
}

static bool touches_generation(const struct judge_op *op)
{
	return op->command && !is_attention(op) &&
	       (is_register(op->command) || strikes(op->command) ||
		op->command->op == HISTORY_REGISTER_AND_MOVE);
}

/* Could it have made one of these unit attentions due to others? */
static bool establishes(const struct judge_op *op, uint32_t kinds)
{
	const struct history_command *c = op->command;

	if (!c || is_attention(op))
		return false;
	if (history_op_is_reset(c->op))
		return (kinds & LU_UA_RESET) != 0;
	if (strikes(c) && (kinds & ~(uint32_t)(LU_UA_RELEASED | LU_UA_RESET)) != 0)
		return true;
	return (kinds & LU_UA_RELEASED) != 0 && c->op != HISTORY_CLEAR && touches_reservation(op) &&
	       c->op != HISTORY_RESERVE;
}

static bool overlap(const struct judge_op *a, const struct judge_op *b)
{
	return a->opened_by < b->closed_by && b->opened_by < a->closed_by;
}

/* A strike and a command of the nexus: is it about the key that this one has or gets? */
static bool may_strike(const struct judge_op *a, const struct judge_op *b)
{
	const struct history_command *strike = a->command, *own = b->command;

	if (!strike || !own || !strikes(strike) || a->nexus == b->nexus)
		return true;
	return strike->op == HISTORY_CLEAR || strike->action_key == 0 ||
	       strike->action_key == own->key || strike->action_key == own->action_key;
}

/* Those on the path that have to do with the need, the youngest first. */
static uint32_t look_back(const struct search *search, struct need need, uint32_t *ret_ops)
{
	uint32_t node = search->path, count = 0;

	for (uint32_t seen = 0; seen < LOOK_BACK && node != NO_PATH; seen++) {
		uint32_t i = search->paths.nodes[node].op;
		const struct judge_op *op = search_previous(search, &node);
		bool own = op->nexus == need.nexus;
		if (need.aspect == ASPECT_RESERVATION
			    ? touches_reservation(op)
			    : (need.aspect == ASPECT_GENERATION ? touches_generation(op)
								: touches_key(op, need.nexus)) ||
				      (need.aspect == ASPECT_ATTENTION &&
				       (establishes(op, need.kinds) || (own && is_attention(op)))))
			ret_ops[count++] = i;
	}
	return count;
}

static void try_other_order(struct search *search, uint32_t i, uint32_t later)
{
	const struct judge_op *ops = search->ops->ops;

	if (overlap(&ops[i], &ops[later]) && may_strike(&ops[i], &ops[later]) &&
	    may_strike(&ops[later], &ops[i]))
		add_hint(search, i, later);
}

/* What is open and could help comes before it. */
static void draw_forward(struct search *search, uint32_t closing, struct need need)
{
	const struct judge_op *ops = search->ops->ops;

	for (uint32_t k = 0; k < search->movers.count; k++) {
		uint32_t i = search->movers.ops[k];
		if (i == closing || search_is_done(search, i) || ops[i].role != JUDGE_MOVER)
			continue;
		if (need.aspect == ASPECT_KEY		? touches_key(&ops[i], need.nexus)
		    : need.aspect == ASPECT_RESERVATION ? touches_reservation(&ops[i])
		    : need.aspect == ASPECT_ATTENTION	? establishes(&ops[i], need.kinds)
							: false)
			try_other_order(search, closing, i);
	}
}

/* The last ones on the path made the state what it is. */
static void learn_need(struct search *search, uint32_t closing, struct need need)
{
	const struct judge_op *ops = search->ops->ops;
	uint32_t path[LOOK_BACK], count = look_back(search, need, path);

	for (uint32_t later = 0; later < count && later < LAST_FEW; later++) {
		try_other_order(search, path[later], closing);
		for (uint32_t i = later + 1; need.aspect != ASPECT_GENERATION && i < count; i++)
			if (need.aspect == ASPECT_RESERVATION || ops[path[i]].nexus == need.nexus ||
			    ops[path[later]].nexus == need.nexus)
				try_other_order(search, path[i], path[later]);
	}
	draw_forward(search, closing, need);
}

static bool is_own_register(const struct judge_op *op, uint32_t nexus)
{
	return op->nexus == nexus && op->command && !is_attention(op) && is_register(op->command) &&
	       op->command->action_key != 0;
}

/* It was told of what was not due: somebody established it before the nexus was there, or another
 * command of the nexus reported it. */
static void learn_missing(struct search *search, uint32_t closing, struct need need)
{
	const struct judge_op *ops = search->ops->ops;
	uint32_t path[LOOK_BACK], count = look_back(search, need, path);

	for (uint32_t i = 0; i < count; i++) {
		if (!establishes(&ops[path[i]], need.kinds) || ops[path[i]].nexus == need.nexus)
			continue;
		for (uint32_t later = 0; later < i; later++) {
			const struct judge_op *op = &ops[path[later]];
			if (is_own_register(op, need.nexus) ||
			    (op->nexus == need.nexus && is_attention(op)))
				try_other_order(search, path[i], path[later]);
		}
		for (uint32_t before = i + 1; before < count; before++) {
			const struct judge_op *op = &ops[path[before]];
			if (touches_key(op, need.nexus) && !is_own_register(op, need.nexus))
				try_other_order(search, path[before], path[i]);
		}
	}
	draw_forward(search, closing, need);
}

/* It was not told of what is due: whoever established that did it too early or too late. */
static void learn_surplus(struct search *search, uint32_t closing, struct need need)
{
	const struct judge_op *ops = search->ops->ops;
	uint32_t path[LOOK_BACK], count = look_back(search, need, path);

	for (uint32_t i = 0; i < count; i++) {
		if (!establishes(&ops[path[i]], need.kinds))
			continue;
		try_other_order(search, path[i], closing);
		for (uint32_t before = i + 1; before < count; before++) {
			const struct judge_op *op = &ops[path[before]];
			if (op->nexus == need.nexus &&
			    (is_own_register(op, need.nexus) || is_attention(op)))
				try_other_order(search, path[before], path[i]);
		}
	}
}

/* ---- what was needed ---- */

static bool is_shown(const struct history_result *r, uint64_t key)
{
	for (uint32_t i = 0; i < history_keys_listed(r); i++)
		if (r->keys[i] == key)
			return true;
	return false;
}

static void learn_view(struct search *search, uint32_t closing)
{
	const struct judge_op *op = &search->ops->ops[closing];
	const char *field = "";

	lu_shows(&search->lu, op->command, op->result, &field);
	if (strcmp(field, "holder") == 0) {
		learn_need(search, closing, (struct need){.aspect = ASPECT_RESERVATION});
		return;
	}
	if (strcmp(field, "generation") == 0)
		learn_need(search, closing, (struct need){.aspect = ASPECT_GENERATION});
	if (op->command->op == HISTORY_READ_RESERVATION)
		return;
	for (uint32_t n = 0; n < search->lu.nexus_count; n++) {
		uint64_t key = search->lu.keys[n];
		if (key != 0 && !is_shown(op->result, key))
			learn_need(search, closing,
				   (struct need){.aspect = ASPECT_KEY, .nexus = n});
	}
}

/* Whoever else is told of a unit attention that is not due here will be stuck as well. */
static void learn_attentions(struct search *search, uint32_t closing)
{
	for (uint32_t k = 0; k < search->movers.count; k++) {
		uint32_t i = search->movers.ops[k];
		const struct judge_op *op = &search->ops->ops[i];
		if (i == closing || !is_attention(op) || search_is_done(search, i))
			continue;
		uint32_t kinds = lu_attention_kinds(op->result->asc, op->result->ascq);
		if (kinds != 0 && (search->lu.pending[op->nexus] & kinds) == 0)
			learn_missing(search, i,
				      (struct need){.aspect = ASPECT_ATTENTION,
						    .nexus = op->nexus,
						    .kinds = kinds});
	}
}

void search_learn(struct search *search, const struct config *config, uint32_t closing)
{
	const struct judge_op *op = &search->ops->ops[closing];
	bool data;

	search_load(search, config);
	learn_attentions(search, closing);
	if (!op->command)
		return;
	data = !history_op_is_pr_out(op->command->op);
	struct need attention = {.aspect = ASPECT_ATTENTION, .nexus = op->nexus};
	if (is_attention(op)) {
		attention.kinds = lu_attention_kinds(op->result->asc, op->result->ascq);
		learn_missing(search, closing, attention);
		return;
	}
	if (lu_attention_pending(&search->lu, op->nexus) && !search_was_clear(search, op)) {
		attention.kinds = search->lu.pending[op->nexus];
		learn_surplus(search, closing, attention);
		return;
	}
	if (history_op_is_pr_in(op->command->op) && op->result &&
	    op->result->outcome == HISTORY_GOOD) {
		learn_view(search, closing);
		return;
	}
	if (data || op->command->key == search->lu.keys[op->nexus])
		learn_need(search, closing, (struct need){.aspect = ASPECT_RESERVATION});
	learn_need(search, closing, (struct need){.aspect = ASPECT_KEY, .nexus = op->nexus});
}
