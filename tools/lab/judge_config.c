/*
 * Configurations: stored, loaded, compared, and thrown away.
 *
 * Two orders of the same commands that lead to the same state are the same configuration, so what
 * commutes costs nothing. Of two that differ only in which probes have been explained, or found no
 * unit attention in their way, the one with more is as good as both.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_search.h"

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

/* ---- paths ---- */

static bool grow_paths(struct paths *paths)
{
	uint32_t capacity = paths->capacity == 0 ? 1024 : 2 * paths->capacity;
	struct path_node *nodes = realloc(paths->nodes, capacity * sizeof(*nodes));

	if (!nodes)
		return false;
	paths->nodes = nodes;
	paths->capacity = capacity;
	return true;
}

static void release_path(struct paths *paths, uint32_t node)
{
	while (node != NO_PATH && --paths->nodes[node].references == 0) {
		uint32_t before = paths->nodes[node].before;
		paths->nodes[node].before = paths->unused;
		paths->unused = node;
		node = before;
	}
}

static void keep_path(struct paths *paths, uint32_t node)
{
	if (node != NO_PATH)
		paths->nodes[node].references++;
}

void search_extend_path(struct search *search, uint32_t op, unsigned variant)
{
	struct paths *paths = &search->paths;
	uint32_t node = paths->unused;

	if (node != NO_PATH) {
		paths->unused = paths->nodes[node].before;
	} else {
		if (paths->count == paths->capacity && !grow_paths(paths)) {
			search->no_memory = true;
			return;
		}
		node = paths->count++;
	}
	/* The reference to what was before goes over to the new node. */
	paths->nodes[node] = (struct path_node){
		.before = search->path, .op = op, .references = 1, .variant = variant};
	search->path = node;
	search->length += !search_op_is_attention(&search->ops->ops[op]);
}

static void set_path(struct search *search, uint32_t path)
{
	keep_path(&search->paths, path);
	release_path(&search->paths, search->path);
	search->path = path;
}

/* ---- one configuration ---- */

static size_t words_of_config(const struct search *search)
{
	return search->image_words + 3 * search->bit_words;
}

static size_t config_len(const struct search *search)
{
	return sizeof(struct config) + words_of_config(search) * sizeof(uint64_t);
}

static struct config *new_config(struct search *search)
{
	struct config_pool *pool = &search->pool;
	struct config *config;

	if (pool->unused_count > 0)
		config = pool->unused[--pool->unused_count];
	else
		config = malloc(config_len(search));
	if (config)
		pool->live++;
	else
		search->no_memory = true;
	return config;
}

void search_drop(struct search *search, struct config *config)
{
	struct config_pool *pool = &search->pool;

	release_path(&search->paths, config->path);
	pool->live--;
	if (pool->unused_count == pool->unused_capacity) {
		size_t capacity = pool->unused_capacity == 0 ? 64 : 2 * pool->unused_capacity;
		struct config **unused = realloc((void *)pool->unused, capacity * sizeof(void *));
		if (!unused) {
			free(config);
			return;
		}
		pool->unused = unused;
		pool->unused_capacity = capacity;
	}
	pool->unused[pool->unused_count++] = config;
}

void search_load(struct search *search, const struct config *config)
{
	size_t len = search->bit_words * sizeof(uint64_t);

	lu_load(&search->lu, config->words);
	memcpy(search->done, config->words + search->image_words, len);
	memcpy(search->clear, config->words + search->image_words + search->bit_words, len);
	memcpy(search->idle, config->words + search->image_words + 2 * search->bit_words, len);
	set_path(search, config->path);
	search->cost = config->cost;
	search->extras = config->extras;
	search->length = config->length;
}

void search_put_bits(const struct search *search, struct config *config)
{
	size_t len = search->bit_words * sizeof(uint64_t);

	memcpy(config_done(search, config), search->done, len);
	memcpy(config_clear(search, config), search->clear, len);
	memcpy(config_idle(search, config), search->idle, len);
}

static uint64_t key_at_hand(const struct search *search)
{
	bool aptpl = search->ahead.aptpl_matters[search->at];
	uint64_t key = mix(lu_hash(&search->lu, aptpl));

	for (size_t i = 0; i < search->bit_words; i++)
		key = mix(key ^ (search->done[i] & search->movers_mask[i]));
	return key;
}

struct config *search_store(struct search *search)
{
	struct config *config = new_config(search);

	if (!config)
		return NULL;
	lu_save(&search->lu, config->words);
	search_put_bits(search, config);
	config->key = key_at_hand(search);
	config->path = search->path;
	keep_path(&search->paths, config->path);
	config->cost = search->cost;
	config->extras = search->extras;
	config->length = search->length;
	return config;
}

struct config *search_copy(struct search *search, const struct config *config)
{
	struct config *copy = new_config(search);

	if (!copy)
		return NULL;
	memcpy(copy, config, config_len(search));
	keep_path(&search->paths, copy->path);
	return copy;
}

/* ---- sets ---- */

static bool is_as_good(const struct search *search, struct config *config, struct config *other)
{
	const uint64_t *done = config_done(search, config), *clear = config_clear(search, config);
	const uint64_t *other_done = config_done(search, other);
	const uint64_t *other_clear = config_clear(search, other);
	const uint64_t *idle = config_idle(search, config),
		       *other_idle = config_idle(search, other);

	for (size_t i = 0; i < search->bit_words; i++)
		if ((other_done[i] & ~done[i]) != 0 ||
		    (other_clear[i] & ~(clear[i] | done[i])) != 0 ||
		    (other_idle[i] & ~(idle[i] | done[i])) != 0)
			return false;
	return true;
}

static size_t slot_of(const struct config_set *set, uint64_t key)
{
	return (size_t)key & (set->size - 1);
}

static bool grow_set(struct config_set *set)
{
	size_t capacity = set->capacity == 0 ? 64 : 2 * set->capacity, size = 4 * capacity;
	struct config **items = realloc((void *)set->items, capacity * sizeof(void *));
	uint32_t *slots;

	if (!items)
		return false;
	set->items = items;
	slots = calloc(size, sizeof(*slots));
	if (!slots)
		return false;
	free(set->slots);
	set->slots = slots;
	set->size = size;
	set->capacity = capacity;
	for (size_t i = 0; i < set->count; i++) {
		size_t at = slot_of(set, items[i]->key);
		while (slots[at] != 0)
			at = (at + 1) & (size - 1);
		slots[at] = (uint32_t)i + 1;
	}
	return true;
}

enum set_change search_set_add(struct search *search, struct config_set *set, struct config *config,
			       uint32_t *ret_item)
{
	if (set->count == set->capacity && !grow_set(set)) {
		search->no_memory = true;
		search_drop(search, config);
		return SET_KNOWN;
	}
	size_t at = slot_of(set, config->key);
	for (; set->slots[at] != 0; at = (at + 1) & (set->size - 1)) {
		struct config **item = &set->items[set->slots[at] - 1];
		*ret_item = set->slots[at] - 1;
		if ((*item)->key != config->key)
			continue;
		if (is_as_good(search, *item, config)) {
			if (config->cost < (*item)->cost)
				(*item)->cost = config->cost;
			search_drop(search, config);
			return SET_KNOWN;
		}
		if (is_as_good(search, config, *item)) {
			if ((*item)->cost < config->cost)
				config->cost = (*item)->cost;
			search_drop(search, *item);
			*item = config;
			return SET_BETTER;
		}
	}
	*ret_item = (uint32_t)set->count;
	set->items[set->count++] = config;
	set->slots[at] = (uint32_t)set->count;
	return SET_NEW;
}

static void forget_slots(struct config_set *set)
{
	if (set->count > 0)
		memset(set->slots, 0, set->size * sizeof(*set->slots));
}

void search_set_empty(struct search *search, struct config_set *set)
{
	forget_slots(set);
	for (size_t i = 0; i < set->count; i++)
		search_drop(search, set->items[i]);
	set->count = 0;
}

void search_set_mark(struct search *search, struct config_set *set, struct config *config,
		     const struct config *but)
{
	size_t at = slot_of(set, config->key);

	for (; set->slots[at] != 0; at = (at + 1) & (set->size - 1)) {
		struct config *item = set->items[set->slots[at] - 1];
		if (item->key == config->key && item != but && is_as_good(search, config, item))
			item->extras = 1;
	}
}

void search_set_drop_marked(struct search *search, struct config_set *set)
{
	size_t kept = 0;

	forget_slots(set);
	for (size_t i = 0; i < set->count; i++) {
		if (set->items[i]->extras != 0)
			search_drop(search, set->items[i]);
		else
			set->items[kept++] = set->items[i];
	}
	set->count = kept;
}

static int by_cost(const void *a, const void *b)
{
	const struct config *x = *(struct config *const *)a, *y = *(struct config *const *)b;

	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key; /* so that every run is the same */
}

bool search_set_cut(struct search *search, struct config_set *set, size_t max)
{
	if (set->count <= max)
		return false;
	forget_slots(set);
	qsort((void *)set->items, set->count, sizeof(void *), by_cost);
	while (set->count > max)
		search_drop(search, set->items[--set->count]);
	return true;
}

/* ---- all ---- */

bool search_init_configs(struct search *search)
{
	size_t bits = search->ops->slot_count;

	search->image_words = (lu_image_len(&search->lu) + 7) / 8;
	search->bit_words = bits / 64 + 1;
	search->done = calloc(search->bit_words, sizeof(*search->done));
	search->clear = calloc(search->bit_words, sizeof(*search->clear));
	search->idle = calloc(search->bit_words, sizeof(*search->idle));
	search->open_mask = calloc(search->bit_words, sizeof(*search->open_mask));
	search->movers_mask = calloc(search->bit_words, sizeof(*search->movers_mask));
	if (!search->done || !search->clear || !search->idle || !search->open_mask ||
	    !search->movers_mask || !grow_paths(&search->paths))
		return false;
	search->paths.count = 1;
	return true;
}

static void free_set(struct config_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->items[i]);
	free((void *)set->items);
	free(set->slots);
}

void search_finish_configs(struct search *search)
{
	free_set(&search->frontier);
	free_set(&search->spare);
	free_set(&search->nodes);
	for (size_t i = 0; i < search->pool.unused_count; i++)
		free(search->pool.unused[i]);
	free((void *)search->pool.unused);
	free(search->paths.nodes);
	free(search->done);
	free(search->clear);
	free(search->idle);
	free(search->open_mask);
	free(search->movers_mask);
}
