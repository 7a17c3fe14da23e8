/*
 * Whose turn it is: a heap of the nodes that wait.
 */
#include <stdlib.h>

#include "tools/lab/judge_search.h"

static bool takes_turn_before(const struct turn *a, const struct turn *b)
{
	return a->priority != b->priority ? a->priority < b->priority : a->number < b->number;
}

bool search_push_turn(struct search *search, uint32_t item, uint32_t priority)
{
	struct turns *turns = &search->turns;

	if (turns->count == turns->capacity) {
		size_t capacity = turns->capacity == 0 ? 64 : 2 * turns->capacity;
		struct turn *heap = realloc(turns->heap, capacity * sizeof(*heap));
		if (!heap) {
			search->no_memory = true;
			return false;
		}
		turns->heap = heap;
		turns->capacity = capacity;
	}
	struct turn turn = {.priority = priority, .number = turns->inserted++, .item = item};
	size_t at = turns->count++;
	for (; at > 0 && takes_turn_before(&turn, &turns->heap[(at - 1) / 2]); at = (at - 1) / 2)
		turns->heap[at] = turns->heap[(at - 1) / 2];
	turns->heap[at] = turn;
	return true;
}

uint32_t search_pop_turn(struct search *search)
{
	struct turns *turns = &search->turns;
	uint32_t item = turns->heap[0].item;
	struct turn last = turns->heap[--turns->count];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= turns->count)
			break;
		if (child + 1 < turns->count &&
		    takes_turn_before(&turns->heap[child + 1], &turns->heap[child]))
			child++;
		if (!takes_turn_before(&turns->heap[child], &last))
			break;
		turns->heap[at] = turns->heap[child];
		at = child;
	}
	turns->heap[at] = last;
	return item;
}
