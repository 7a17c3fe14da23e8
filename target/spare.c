#include "target/spare.h"

#include <stdlib.h>
#include <string.h>

/* The address sanitizer has to see what is used after its end: nothing is kept from it. */
#if defined(__SANITIZE_ADDRESS__)
#define KEPT_MAX 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEPT_MAX 0
#endif
#endif
#ifndef KEPT_MAX
#define KEPT_MAX SPARE_MAX
#endif

static void *take_first(struct spare_list *list)
{
	void *piece = list->first;

	memcpy(&list->first, piece, sizeof(list->first));
	list->count--;
	return piece;
}

void *spare_take(struct spare_list *list, size_t size)
{
	return list->first ? memset(take_first(list), 0, size) : calloc(1, size);
}

void spare_give(struct spare_list *list, void *piece)
{
	if (!piece)
		return;
	if (list->count + 1 > KEPT_MAX) {
		free(piece);
		return;
	}
	memcpy(piece, &list->first, sizeof(list->first));
	list->first = piece;
	list->count++;
}

void spare_clear(struct spare_list *list)
{
	while (list->first)
		free(take_first(list));
}
