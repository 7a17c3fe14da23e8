#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/history.h"

/* Commands by number: open addressing, a power of two, at most half full. */
struct table {
	size_t *invokes; /* events; HISTORY_NO_EVENT: free */
	size_t size;
};

static size_t place_of(const struct table *table, const struct history *history, uint64_t command)
{
	uint64_t hash = command * 0x9e3779b97f4a7c15;
	size_t at = (size_t)(hash ^ hash >> 32) & (table->size - 1);

	while (table->invokes[at] != HISTORY_NO_EVENT &&
	       history->events[table->invokes[at]].command != command)
		at = (at + 1) & (table->size - 1);
	return at;
}

static bool make_table(struct table *table, size_t count)
{
	table->size = 16;
	while (table->size / 2 < count)
		table->size *= 2;
	table->invokes = malloc(table->size * sizeof(*table->invokes));
	if (table->invokes)
		memset(table->invokes, 0xff, table->size * sizeof(*table->invokes));
	return table->invokes != NULL;
}

static size_t count_invokes(const struct history *history)
{
	size_t count = 0;

	for (size_t i = 0; i < history->event_count; i++)
		count += history->events[i].kind == HISTORY_INVOKE;
	return count;
}

int history_pair(const struct history *history, size_t **ret_partner)
{
	size_t *partner = malloc((history->event_count + 1) * sizeof(*partner));
	struct table table = {.size = 0};

	if (!partner || !make_table(&table, count_invokes(history))) {
		free(partner);
		return -ENOMEM;
	}
	for (size_t i = 0; i < history->event_count; i++) {
		const struct history_event *e = &history->events[i];
		partner[i] = HISTORY_NO_EVENT;
		if (e->kind != HISTORY_INVOKE && e->kind != HISTORY_RETURN &&
		    e->kind != HISTORY_DECIDED)
			continue;
		size_t at = place_of(&table, history, e->command), invoke = table.invokes[at];
		if (e->kind == HISTORY_INVOKE) {
			table.invokes[at] = i;
		} else if (invoke != HISTORY_NO_EVENT) {
			partner[i] = invoke;
			if (e->kind == HISTORY_RETURN)
				partner[invoke] = i;
		}
	}
	free(table.invokes);
	*ret_partner = partner;
	return 0;
}
