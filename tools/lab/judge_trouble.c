/*
 * How much effort, and where to go back to. Most of a history is decided by very few configurations
 * carried on side by side. Where none is left, the search goes back to a checkpoint and carries on
 * many, until it is past the trouble; if that does not help, it goes back further, with more. At
 * last it starts where nothing had been left out yet and leaves nothing out: only then is it sure
 * that there is no order.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_search.h"

static const struct level {
	size_t frontier, nodes; /* configurations between two steps; tried to place one op */
	size_t back;		/* checkpoints */
	unsigned times;		/* how often it is tried, with what each time teaches */
	bool follows;		/* the order that the target tells */
	bool believes;		/* that it tells all */
	bool obeys;		/* each command that it says it decided has its turn just there */
} levels[] = {
	/* Where the target leads, and around the places where it errs. */
	{8, 1000, 0, 1, true, true, true},
	{64, 4000, 2, 1, true, true, true},
	{512, 16000, 12, 1, true, true, true},
	{2048, 16000, 40, 1, true, true, true},
	{8, 1000, 0, 1, true, true, false},
	{64, 4000, 4, 1, true, true, false},
	{512, 16000, 12, 1, true, true, false},
	{64, 4000, 8, 2, true, false, false},
	{64, 300, 12, 6, false, false, false},
	{256, 2000, 24, 4, false, false, false},
	/* Alone. */
	{4, 8, 0, 1, false, false, false},
	{16, 48, 6, 12, false, false, false},
	{64, 300, 12, 12, false, false, false},
	{256, 2000, 24, 8, false, false, false},
	{2048, 20000, 48, 2, false, false, false},
	{SIZE_MAX, SIZE_MAX, SIZE_MAX, 1, false, false, false},
};
#define LEVEL_COUNT (sizeof(levels) / sizeof(levels[0]))
#define LEVEL_LED   4u /* without commands that the target says it decided */
#define LEVEL_ALONE 10u
#define LEVEL_BLIND (LEVEL_ALONE + 2)

#define PLACED_PER_CHECKPOINT 8
#define CHECKPOINT_CONFIGS    64
#define PAST_TROUBLE	      64 /* steps */
#define STATES_BLIND	      300000
#define MEMORY_MAX	      ((size_t)1 << 30)

/* Up to this one, from the first. */
static unsigned level_end(const struct search *search)
{
	return search->led ? LEVEL_ALONE : LEVEL_COUNT;
}

void search_begin_levels(struct search *search)
{
	search->level_first = search->level = !search->led		       ? LEVEL_ALONE
					      : search->ops->decided_count > 0 ? 0
									       : LEVEL_LED;
}

bool search_follows(const struct search *search)
{
	return levels[search->level].follows;
}

bool search_believes(const struct search *search)
{
	return levels[search->level].believes;
}

bool search_obeys(const struct search *search)
{
	return levels[search->level].obeys;
}

bool search_is_in_trouble(const struct search *search)
{
	return search->level > search->level_first;
}

size_t search_frontier_max(const struct search *search)
{
	return levels[search->level].frontier;
}

size_t search_nodes_max(const struct search *search)
{
	return levels[search->level].nodes;
}

bool search_is_worth_pruning(const struct search *search)
{
	return search->level > search->level_first && !search_follows(search) &&
	       levels[search->level].frontier != SIZE_MAX;
}

bool search_out_of_time(const struct search *search)
{
	size_t config_len = sizeof(struct config) +
			    (search->image_words + 3 * search->bit_words) * sizeof(uint64_t);

	return search->no_memory || search->lu.no_memory ||
	       search->pool.live > MEMORY_MAX / config_len ||
	       (search->in_trouble && search->states_of_trouble >= search->states_max);
}

bool search_is_deepest(struct search *search)
{
	if (search->stuck && search->at <= search->deepest)
		return false;
	search->stuck = true;
	search->deepest = search->at;
	return true;
}

/* ---- checkpoints ---- */

static void free_checkpoint(struct search *search, struct checkpoint *checkpoint)
{
	for (size_t i = 0; i < checkpoint->config_count; i++)
		search_drop(search, checkpoint->configs[i]);
	free((void *)checkpoint->configs);
	free(checkpoint->open);
}

void search_free_checkpoints(struct search *search)
{
	while (search->checkpoint_count > 0)
		free_checkpoint(search, &search->checkpoints[--search->checkpoint_count]);
}

/* The first one stays; of the older half of the others every second one goes. */
static void thin_out(struct search *search)
{
	size_t kept = 1;

	for (size_t i = 1; i < search->checkpoint_count; i++) {
		if (i < search->checkpoint_count / 2 && i % 2 == 1)
			free_checkpoint(search, &search->checkpoints[i]);
		else
			search->checkpoints[kept++] = search->checkpoints[i];
	}
	search->checkpoint_count = kept;
}

static int by_cost(const void *a, const void *b)
{
	const struct config *x = *(struct config *const *)a, *y = *(struct config *const *)b;

	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

static bool copy_configs(struct search *search, struct checkpoint *checkpoint)
{
	struct config_set *frontier = &search->frontier;
	size_t count = frontier->count < CHECKPOINT_CONFIGS ? frontier->count : CHECKPOINT_CONFIGS;

	checkpoint->configs = malloc((count + 1) * sizeof(void *));
	if (!checkpoint->configs)
		return false;
	/* Whoever looks one up in the set has put all in anew before. */
	if (count < frontier->count)
		qsort((void *)frontier->items, frontier->count, sizeof(void *), by_cost);
	for (size_t i = 0; i < count; i++) {
		struct config *copy = search_copy(search, frontier->items[i]);
		if (!copy)
			return false;
		checkpoint->configs[checkpoint->config_count++] = copy;
	}
	checkpoint->exact = search->exact && count == frontier->count;
	return true;
}

bool search_checkpoint(struct search *search)
{
	uint32_t probes = search->probes.count, movers = search->movers.count;
	struct checkpoint checkpoint = {
		.at = search->at, .probe_count = probes, .mover_count = movers};

	if (search->checkpoint_count == CHECKPOINTS_MAX)
		thin_out(search);
	checkpoint.open = malloc((probes + movers + 1) * sizeof(*checkpoint.open));
	if (!checkpoint.open || !copy_configs(search, &checkpoint)) {
		free_checkpoint(search, &checkpoint);
		search->no_memory = true;
		return false;
	}
	memcpy(checkpoint.open, search->probes.ops, probes * sizeof(*checkpoint.open));
	memcpy(checkpoint.open + probes, search->movers.ops, movers * sizeof(*checkpoint.open));
	search->checkpoints[search->checkpoint_count++] = checkpoint;
	search->placed = 0;
	return true;
}

static void restore(struct search *search, const struct checkpoint *checkpoint)
{
	size_t len = search->bit_words * sizeof(uint64_t);
	uint32_t item;

	search->at = checkpoint->at;
	search->exact = checkpoint->exact;
	search->placed = 0;
	search->probes.count = search->movers.count = 0;
	search->crash = JUDGE_NO_OP;
	memset(search->open_mask, 0, len);
	memset(search->movers_mask, 0, len);
	for (uint32_t i = 0; i < checkpoint->probe_count + checkpoint->mover_count; i++)
		search_list_op(search, checkpoint->open[i]);
	search_set_empty(search, &search->frontier);
	for (size_t i = 0; i < checkpoint->config_count; i++) {
		struct config *copy = search_copy(search, checkpoint->configs[i]);
		if (copy)
			search_set_add(search, &search->frontier, copy, &item);
	}
}

/* ---- trouble ---- */

static size_t where_to(const struct search *search)
{
	size_t last = search->checkpoint_count - 1, back = levels[search->level].back;

	if (back <= last)
		return last - back;
	if (back != SIZE_MAX)
		return 0;
	while (!search->checkpoints[last].exact)
		last--;
	return last;
}

bool search_go_back(struct search *search)
{
	size_t to;

	if (search->exact || search->blind)
		return false;
	if (!search->in_trouble)
		search->states_of_trouble = 0;
	search->in_trouble = true;
	if (search->at > search->trouble_at)
		search->trouble_at = search->at;
	if (search_out_of_time(search))
		return false;
	search->passed = 0;
	if (++search->tries >= levels[search->level].times) {
		if (search->level + 1 == level_end(search))
			return false;
		search->level++;
		search->tries = 0;
	}
	to = where_to(search);
	while (search->checkpoint_count > to + 1)
		free_checkpoint(search, &search->checkpoints[--search->checkpoint_count]);
	restore(search, &search->checkpoints[to]);
	return !search->no_memory;
}

bool search_go_alone(struct search *search)
{
	if (!search->led || search->no_memory || search->lu.no_memory ||
	    search->checkpoint_count == 0)
		return false;
	while (search->checkpoint_count > 1)
		free_checkpoint(search, &search->checkpoints[--search->checkpoint_count]);
	search->led = false;
	search->checkpoints[0].exact = true;
	search_begin_levels(search);
	search->tries = 0;
	search->in_trouble = search->stuck = false;
	search->trouble_at = 0;
	search->states_of_trouble = 0;
	search_forget_hints(search);
	restore(search, &search->checkpoints[0]);
	return !search->no_memory;
}

bool search_go_blind(struct search *search)
{
	if (search->no_memory || search->checkpoint_count == 0)
		return false;
	search->blind = true;
	search->in_trouble = true;
	search->trouble_at = SIZE_MAX;
	search->states_of_trouble = 0;
	if (search->states_max > STATES_BLIND)
		search->states_max = STATES_BLIND;
	search->level = LEVEL_BLIND;
	search->stuck = false;
	restore(search, &search->checkpoints[search->checkpoint_count - 1]);
	return !search->no_memory;
}

/* Where the order was found another one than the target tells, who is late there must not hold up
 * all that follow. */
static void pass_turns(struct search *search)
{
	size_t first = search->at > PAST_TROUBLE ? search->at - PAST_TROUBLE : 0;

	for (size_t at = first; at < search->at; at++) {
		struct judge_step step = search->ops->steps[at];
		const struct judge_op *op = &search->ops->ops[step.op];
		if (step.closes && op->decided && op->rank > search->passed)
			search->passed = op->rank;
	}
}

void search_walked(struct search *search)
{
	if (search->placed >= PLACED_PER_CHECKPOINT)
		search_checkpoint(search);
	if (!search->in_trouble || search->blind || search->at <= search->trouble_at + PAST_TROUBLE)
		return;
	search->in_trouble = false;
	search->level = search->level_first;
	search->tries = 0;
	pass_turns(search);
}
