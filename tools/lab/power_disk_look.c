/*
 * The folder as it is, held against what the records told.
 */
#include <string.h>
#include <utlist.h>

#include "tools/lab/power_disk_internal.h"

void power_disk_look(struct power_disk *disk)
{
	struct power_node *node;

	LL_FOREACH(disk->nodes, node)
	node->seen = false;
	disk->root->seen = true;
}

static bool write_found(struct power_disk *disk, struct power_node *node, const uint8_t *bytes,
			uint64_t from, uint64_t end)
{
	struct power_record write = {.kind = POWER_WRITE, .offset = from, .data_len = end - from};

	return power_change_content(disk, node, &write, bytes + from);
}

/* Whatever differs from what is known of the file is a change of its own. */
static bool compare(struct power_disk *disk, struct power_node *node,
		    const struct power_found *found)
{
	struct power_record resize = {.kind = POWER_SIZE, .offset = found->size};
	uint64_t end;

	if (node->current.size != found->size && !power_change_content(disk, node, &resize, NULL))
		return false;
	for (uint64_t at = 0; at < found->size; at = end) {
		end = at + POWER_SECTOR < found->size ? at + POWER_SECTOR : found->size;
		if (memcmp(node->current.bytes + at, found->bytes + at, (size_t)(end - at)) != 0 &&
		    !write_found(disk, node, found->bytes, at, end))
			return false;
	}
	return true;
}

bool power_disk_found(struct power_disk *disk, const struct power_found *found)
{
	struct power_node *directory = power_find_node(disk, found->directory);
	const struct power_entry *entry =
		directory ? power_names_find(directory->current_names, found->name) : NULL;
	struct power_node *node = entry ? entry->node : NULL;

	if (!directory)
		return false;
	if (!node || node->inode != found->inode || node->is_directory != found->is_directory) {
		enum power_kind kind = found->is_directory ? POWER_MKDIR : POWER_CREATE;

		node = power_add_node(disk, found->inode, found->is_directory);
		if (!node || !power_change_names(disk, directory, kind, found->name, NULL, node))
			return false;
	}
	node->seen = true;
	return node->is_directory || compare(disk, node, found);
}

bool power_disk_looked(struct power_disk *disk)
{
	struct power_node *node;

	LL_FOREACH(disk->nodes, node)
	{
		struct power_entry *entry = node->seen ? node->current_names : NULL;

		while (entry) {
			struct power_entry *next = entry->next;

			if (!entry->node->seen &&
			    !power_change_names(disk, node, POWER_UNLINK, entry->name, NULL, NULL))
				return false;
			entry = next;
		}
	}
	return true;
}
