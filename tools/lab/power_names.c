/*
 * The names in a directory.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/lab/power_disk_internal.h"

struct power_entry *power_names_find(struct power_entry *names, const char *name)
{
	for (; names; names = names->next)
		if (strcmp(names->name, name) == 0)
			return names;
	return NULL;
}

static void drop(struct power_entry **names, const char *name, struct power_node **ret_node)
{
	for (struct power_entry **at = names; *at; at = &(*at)->next) {
		struct power_entry *entry = *at;

		if (strcmp(entry->name, name) != 0)
			continue;
		*ret_node = entry->node;
		*at = entry->next;
		free(entry->name);
		free(entry);
		return;
	}
}

/* In the place of what has the name, if anything has. */
static bool put(struct power_entry **names, const char *name, struct power_node *node)
{
	struct power_entry *entry = power_names_find(*names, name);

	if (entry) {
		entry->node = node;
		return true;
	}
	entry = calloc(1, sizeof(*entry));
	if (entry)
		entry->name = strdup(name);
	if (!entry || !entry->name) {
		free(entry);
		return false;
	}
	entry->node = node;
	entry->next = *names;
	*names = entry;
	return true;
}

bool power_names_apply(struct power_entry **names, const struct power_change *change)
{
	struct power_node *node = NULL;

	if (change->kind != POWER_UNLINK && change->kind != POWER_RENAME)
		return put(names, change->name, change->node);
	drop(names, change->name, &node);
	return change->kind == POWER_UNLINK || !node || put(names, change->new_name, node);
}

bool power_names_copy(struct power_entry **to, const struct power_entry *from)
{
	power_names_free(to);
	for (; from; from = from->next)
		if (!put(to, from->name, from->node))
			return false;
	return true;
}

void power_names_free(struct power_entry **names)
{
	while (*names) {
		struct power_entry *next = (*names)->next;

		free((*names)->name);
		free(*names);
		*names = next;
	}
}
