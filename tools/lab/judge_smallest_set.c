/*
 * The set of states of a trial: each of them once.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_smallest_walk.h"

size_t walk_words(const struct walk *walk)
{
	return walk->image_words + 2 * walk->bit_words;
}

static bool is_known(const struct walk *walk, const struct config *config)
{
	struct config *known;

	HASH_FIND(hh, walk->table, config->words, walk_words(walk) * sizeof(uint64_t), known);
	return known != NULL;
}

/* Takes it over. */
void walk_add(struct walk *walk, struct config *config)
{
	if (is_known(walk, config)) {
		free(config);
		return;
	}
	if (walk->count == walk->capacity) {
		size_t capacity = walk->capacity == 0 ? 256 : 2 * walk->capacity;
		struct config **items = realloc((void *)walk->items, capacity * sizeof(void *));
		if (!items) {
			free(config);
			walk->no_memory = true;
			return;
		}
		walk->items = items;
		walk->capacity = capacity;
	}
	walk->items[walk->count++] = config;
	walk->version++;
	HASH_ADD_KEYPTR(hh, walk->table, config->words, walk_words(walk) * sizeof(uint64_t),
			config);
}

/* The state at hand, with its bits. */
void walk_store(struct walk *walk)
{
	size_t image = walk->image_words, bits = walk->bit_words;
	struct config *config = walk->draft;

	lu_save(&walk->world.lu, config->words);
	memcpy(config->words + image, walk->done, bits * sizeof(uint64_t));
	memcpy(config->words + image + bits, walk->clear, bits * sizeof(uint64_t));
	if (is_known(walk, config))
		return;
	walk->draft = calloc(1, sizeof(*config) + walk_words(walk) * sizeof(uint64_t));
	if (!walk->draft) {
		walk->draft = config;
		walk->no_memory = true;
		return;
	}
	walk_add(walk, config);
}

void walk_load_bits(struct walk *walk, const struct config *config)
{
	size_t image = walk->image_words, bits = walk->bit_words;

	memcpy(walk->done, config->words + image, bits * sizeof(uint64_t));
	memcpy(walk->clear, config->words + image + bits, bits * sizeof(uint64_t));
}

void walk_load(struct walk *walk, const struct config *config)
{
	lu_load(&walk->world.lu, config->words);
	walk_load_bits(walk, config);
}

void walk_empty(struct walk *walk)
{
	HASH_CLEAR(hh, walk->table);
	for (size_t i = 0; i < walk->count; i++)
		free(walk->items[i]);
	walk->count = 0;
}

struct config **walk_take_out(struct walk *walk, size_t *ret_count)
{
	struct config **items = walk->items;

	*ret_count = walk->count;
	HASH_CLEAR(hh, walk->table);
	walk->items = NULL;
	walk->count = walk->capacity = 0;
	walk->version++;
	return items;
}
