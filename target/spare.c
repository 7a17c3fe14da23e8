#include "target/spare.h"

#include <stdlib.h>
#include <string.h>

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

void *spare_take_raw(struct spare_list *list, size_t size)
{
	return list->first ? take_first(list) : malloc(size);
}

void spare_give(struct spare_list *list, void *piece)
{
	if (!piece)
		return;
	if (!SPARE_KEEPS || list->count >= SPARE_MAX) {
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
