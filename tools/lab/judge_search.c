/*
 * Is there an order? Events are walked in their order; an op is put in place only when it has to be
 * (Lowe's just-in-time linearization): when it closes and has not taken effect yet, open ops are
 * given their turn until it fits. All configurations that come of that are carried on side by side,
 * so that a wrong turn dies by itself when something contradicts it; but only so many, the most
 * likely ones. When none is left, judge_trouble.c goes back and allows more.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_search.h"

/* ---- placing an op that closes ---- */

/* The configuration at hand has the closing op behind it. */
static void add_result(struct search *search)
{
	struct config *config;
	uint32_t item;

	search->extras = 0;
	config = search_store(search);
	if (config)
		search_set_add(search, &search->frontier, config, &item);
}

static void add_node(struct search *search, uint32_t closing)
{
	struct config *config = search_store(search);
	uint32_t item;

	if (!config || search_set_add(search, &search->nodes, config, &item) == SET_KNOWN)
		return;
	search_push_turn(search, item,
			 search->cost + (search_follows(search) ? 0 : search->extras) +
				 search_distance(search, closing) +
				 search_hinted_price(search, closing));
}

void search_try(struct search *search, uint32_t item, uint32_t i, uint32_t closing,
		uint64_t generation)
{
	unsigned variants = 1;

	for (unsigned variant = 0; variant < variants; variant++) {
		search_load(search, search->nodes.items[item]);
		search->cost += search_price(search, i);
		if (!search_apply(search, i, variant, &variants) ||
		    (generation != SEARCH_ANY_GENERATION && generation != search->lu.generation))
			continue;
		search->states++;
		search->states_of_trouble++;
		search_extend_path(search, i, variant);
		search_settle(search, i);
		if (search_is_hopeless(search, i))
			continue;
		if (search_is_done(search, closing)) {
			add_result(search);
			continue;
		}
		search->extras++;
		add_node(search, closing);
	}
}

void search_try_idle(struct search *search, uint32_t item, uint32_t closing)
{
	search_load(search, search->nodes.items[item]);
	if (!search_was_idle(search, closing))
		return;
	search->states++;
	search->states_of_trouble++;
	search->cost += search_led_idle_price(search, closing);
	search_mark_done(search, closing);
	add_result(search);
}

/* The beginning of a session changes nothing for others, and its end only sets an SPC-2 reservation
 * free: to put them before they have to be is no use. */
static bool worth_trying(const struct search *search, uint32_t i)
{
	const struct judge_op *op = &search->ops->ops[i];

	if (op->role == JUDGE_SESSION_END)
		return search->lu.spc2_owner == op->nexus;
	if (op->role == JUDGE_UNHEARD)
		return lu_attention_pending(&search->lu, op->nexus);
	return op->role != JUDGE_SESSION_BEGIN;
}

static void try_node(struct search *search, uint32_t item, uint32_t closing)
{
	if (search_follows(search)) {
		search_follow(search, item, closing);
		return;
	}
	if (search->ops->ops[closing].role != JUDGE_PROBE)
		search_try(search, item, closing, closing, SEARCH_ANY_GENERATION);
	for (uint32_t k = 0; k < search->movers.count && !search->no_memory; k++) {
		uint32_t i = search->movers.ops[k];
		search_load(search, search->nodes.items[item]);
		if (i != closing && !search_is_done(search, i) && worth_trying(search, i))
			search_try(search, item, i, closing, SEARCH_ANY_GENERATION);
	}
}

/* Configurations that have it behind them are results; the others are where to start from. */
static void sort_out(struct search *search, uint32_t closing)
{
	struct config_set sources = search->frontier;

	search->frontier = search->spare;
	for (size_t i = 0; i < sources.count; i++) {
		search_load(search, sources.items[i]);
		if (search_is_done(search, closing))
			add_result(search);
		else
			add_node(search, closing);
	}
	search_set_empty(search, &sources);
	search->spare = sources;
}

static bool all_have_it(struct search *search, uint32_t closing)
{
	uint32_t slot = search->ops->ops[closing].slot;

	for (size_t i = 0; i < search->frontier.count; i++)
		if ((config_done(search, search->frontier.items[i])[slot / 64] >> slot % 64 & 1) ==
		    0)
			return false;
	return true;
}

static void mark_successors(struct search *search, struct config *config)
{
	unsigned variants;

	for (uint32_t k = 0; k < search->movers.count && !search_out_of_time(search); k++) {
		uint32_t i = search->movers.ops[k];
		struct config *successor;
		search_load(search, config);
		if (search_is_done(search, i) || !worth_trying(search, i) ||
		    !search_apply(search, i, 0, &variants))
			continue;
		search->states++;
		search->states_of_trouble++;
		search_settle(search, i);
		successor = search_store(search);
		if (!successor)
			return;
		search_set_mark(search, &search->frontier, successor, config);
		search_drop(search, successor);
	}
}

/* What one more open op makes of another configuration need not be carried on: that op can still
 * come later. */
static void drop_successors(struct search *search)
{
	for (size_t i = 0; i < search->frontier.count; i++)
		mark_successors(search, search->frontier.items[i]);
	search_set_drop_marked(search, &search->frontier);
}

/* It fits nowhere: not to the most likely of those that there were, either. */
static void explain(struct search *search, uint32_t closing, struct judge_search_result *result)
{
	struct config *likely = search->nodes.items[0];

	for (size_t i = 0; i < search->nodes.count; i++)
		if (search->nodes.items[i]->extras == 0 &&
		    search->nodes.items[i]->cost < likely->cost)
			likely = search->nodes.items[i];
	if (search_is_deepest(search))
		search_blame(search, likely, closing, result);
	search_learn(search, likely, closing);
}

/* False: it fits nowhere. */
static bool place(struct search *search, uint32_t closing, struct judge_search_result *result)
{
	size_t most = search_nodes_max(search), count = 0;

	search->turns.count = 0;
	search->turns.inserted = 0;
	sort_out(search, closing);
	for (; search->turns.count > 0 && count < most && !search_out_of_time(search); count++)
		try_node(search, search_pop_turn(search), closing);
	if (search->turns.count > 0)
		search->exact = false;
	if (search->frontier.count == 0 && !search->no_memory)
		explain(search, closing, result);
	search_set_empty(search, &search->nodes);
	if (search->frontier.count > 1 && search_is_worth_pruning(search))
		drop_successors(search);
	if (search_set_cut(search, &search->frontier, search_frontier_max(search)))
		search->exact = false;
	return search->frontier.count > 0;
}

/* ---- the walk ---- */

static struct op_list *list_of(struct search *search, uint32_t i)
{
	return search->ops->ops[i].role == JUDGE_PROBE ? &search->probes : &search->movers;
}

void search_list_op(struct search *search, uint32_t i)
{
	const struct judge_op *op = &search->ops->ops[i];
	struct op_list *list = list_of(search, i);
	uint64_t bit = 1ull << op->slot % 64;

	assert(list->count < search->ops->slot_count);
	list->ops[list->count++] = i;
	search->open_mask[op->slot / 64] |= bit;
	if (op->role != JUDGE_PROBE)
		search->movers_mask[op->slot / 64] |= bit;
	if (op->role == JUDGE_CRASHED)
		search->crash = i;
}

static void unlist_op(struct search *search, uint32_t i)
{
	const struct judge_op *op = &search->ops->ops[i];
	struct op_list *list = list_of(search, i);
	uint64_t bit = 1ull << op->slot % 64;
	uint32_t at = 0;

	while (list->ops[at] != i)
		at++;
	list->count--;
	memmove(list->ops + at, list->ops + at + 1, (list->count - at) * sizeof(*list->ops));
	search->open_mask[op->slot / 64] &= ~bit;
	search->movers_mask[op->slot / 64] &= ~bit;
	if (op->role == JUDGE_CRASHED)
		search->crash = JUDGE_NO_OP;
}

/* With the end of a session or the target, what was never answered can happen no more. */
static void unlist_closed(struct search *search, uint32_t closing)
{
	const struct judge_op *ops = search->ops->ops;
	enum judge_role role = ops[closing].role;

	unlist_op(search, closing);
	if (role != JUDGE_SESSION_END && role != JUDGE_CRASHED)
		return;
	for (uint32_t k = search->movers.count; k-- > 0;) {
		uint32_t i = search->movers.ops[k];
		if (judge_op_ends(&ops[closing], &ops[i]))
			unlist_op(search, i);
	}
}

static void open_op(struct search *search, uint32_t i)
{
	bool probe = search->ops->ops[i].role == JUDGE_PROBE;

	search_list_op(search, i);
	for (size_t k = 0; k < search->frontier.count; k++) {
		struct config *config = search->frontier.items[k];
		search_load(search, config);
		search_note_clear(search, i);
		if (probe && search_probe_fits(search, i))
			search_mark_done(search, i);
		if (!probe && search_follows(search))
			search_led_settle(search);
		search_put_bits(search, config);
	}
}

/* Slots of ops that are over are for others now. */
static void retire_bits(struct search *search, struct config *config)
{
	uint64_t *done = config_done(search, config), *clear = config_clear(search, config);
	uint64_t *idle = config_idle(search, config);

	for (size_t i = 0; i < search->bit_words; i++) {
		idle[i] &= search->open_mask[i];
		done[i] &= search->open_mask[i];
		clear[i] &= search->open_mask[i];
	}
}

/* False: it fits nowhere. */
static bool close_op(struct search *search, uint32_t i, struct judge_search_result *result)
{
	bool placed = !all_have_it(search, i);

	if (placed && !place(search, i, result))
		return false;
	unlist_closed(search, i);
	for (size_t k = 0; k < search->frontier.count; k++)
		retire_bits(search, search->frontier.items[k]);
	search->placed += placed;
	return true;
}

/* True: an order was found. False: there is none, or it took too long. */
static bool run(struct search *search, struct judge_search_result *result)
{
	while (search->at < search->ops->step_count && !search->no_memory) {
		struct judge_step step = search->ops->steps[search->at];
		if (!step.closes)
			open_op(search, step.op);
		else if (!close_op(search, step.op, result)) {
			if (!search_go_back(search))
				return false;
			continue;
		}
		search->at++;
		search_walked(search);
	}
	return !search->no_memory;
}

/* ---- all ---- */

static bool init(struct search *search)
{
	uint32_t slots = search->ops->slot_count + 1;
	struct config *start;
	uint32_t item;

	search->probes.ops = calloc(slots, sizeof(*search->probes.ops));
	search->movers.ops = calloc(slots, sizeof(*search->movers.ops));
	search->crash = JUDGE_NO_OP;
	search->led = search->ops->rank_count > 0;
	search->exact = !search->led;
	search_begin_levels(search);
	search->blocked = calloc(search->lu.nexus_count + (size_t)1, sizeof(*search->blocked));
	if (!search->probes.ops || !search->movers.ops || !search->blocked ||
	    !search_init_configs(search) || !search_look_ahead(search) ||
	    !search_init_hints(search))
		return false;
	start = search_store(search);
	return start && search_set_add(search, &search->frontier, start, &item) == SET_NEW &&
	       search_checkpoint(search);
}

static void finish(struct search *search)
{
	search_free_checkpoints(search);
	search_finish_configs(search);
	lu_finish(&search->lu);
	free(search->turns.heap);
	free(search->blocked);
	free(search->probes.ops);
	free(search->movers.ops);
	search_finish_ahead(search);
	search_finish_hints(search);
}

int judge_search(const struct history *history, struct judge_ops *ops, const struct lu_rules *rules,
		 uint64_t states_max, struct judge_search_result *ret_result)
{
	struct search search = {.history = history, .ops = ops, .states_max = states_max};
	int error;

	memset(ret_result, 0, sizeof(*ret_result));
	error = lu_init(&search.lu, rules, history->nexuses, history->nexus_count);
	if (error != 0)
		return error;
	if (!init(&search))
		search.no_memory = true;
	else
		ret_result->found = run(&search, ret_result);
	if (!ret_result->found && search_go_alone(&search))
		ret_result->found = run(&search, ret_result);
	if (ret_result->found)
		search_collect_aborts(&search, search.frontier.items[0], ret_result);
	ret_result->states = search.states;
	ret_result->gave_up = !ret_result->found && !search.exact;
	if (!ret_result->found && search_go_blind(&search))
		run(&search, ret_result);
	if (search.no_memory || search.lu.no_memory)
		error = -ENOMEM;
	finish(&search);
	return error;
}
