/*
 * What a power cut leaves of the folder, and the walk through what is durable.
 */
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "tools/lab/contender.h"
#include "tools/lab/power_disk_internal.h"

#define PATH_LEN_MAX 1024

/* ---- the cut ---- */

static bool cut_names(struct power_node *node, uint64_t *generator, struct power_losses *losses)
{
	uint32_t kind = contender_below(generator, 100), changes = 0, kept;
	const struct power_change *change;

	DL_FOREACH(node->pending, change)
	changes++;
	kept = kind < 40 ? 0 : kind < 70 ? changes : contender_below(generator, changes + 1);
	losses->names_pending += changes;
	losses->names_lost += changes - kept;
	for (change = node->pending; kept > 0; change = change->next, kept--)
		if (!power_names_apply(&node->stable_names, change))
			return false;
	return true;
}

static bool cut_node(struct power_node *node, uint64_t *generator, struct power_losses *losses)
{
	bool cut = node->is_directory ? cut_names(node, generator, losses)
				      : power_content_cut(node, generator, losses);

	power_drop_pending(node);
	return cut && power_names_copy(&node->current_names, node->stable_names) &&
	       power_content_copy(&node->current, &node->stable);
}

bool power_disk_cut(struct power_disk *disk, uint64_t seed, struct power_losses *ret_losses)
{
	struct power_losses losses = {.sectors_pending = 0};
	uint64_t generator = seed;
	struct power_node *node;

	LL_FOREACH(disk->nodes, node)
	if (node->pending && !cut_node(node, &generator, &losses))
		return false;
	*ret_losses = losses;
	return true;
}

/* ---- what is durable ---- */

struct walk {
	power_visit *visit;
	void *context;
	char path[PATH_LEN_MAX];
};

static bool walk_names(struct walk *walk, const struct power_node *directory);

static bool walk_one(struct walk *walk, const struct power_entry *entry, size_t path_len)
{
	const struct power_node *node = entry->node;
	struct power_thing thing = {.path = walk->path,
				    .is_directory = node->is_directory,
				    .bytes = node->stable.bytes,
				    .size = node->stable.size};
	int len = snprintf(walk->path + path_len, sizeof(walk->path) - path_len, "%s%s",
			   path_len > 0 ? "/" : "", entry->name);

	if (len < 0 || (size_t)len >= sizeof(walk->path) - path_len)
		return false;
	if (!walk->visit(walk->context, &thing) || (node->is_directory && !walk_names(walk, node)))
		return false;
	walk->path[path_len] = '\0';
	return true;
}

static bool walk_names(struct walk *walk, const struct power_node *directory)
{
	size_t path_len = strlen(walk->path);
	const struct power_entry *entry;

	LL_FOREACH(directory->stable_names, entry)
	if (!walk_one(walk, entry, path_len))
		return false;
	return true;
}

bool power_disk_walk(const struct power_disk *disk, power_visit *visit, void *context)
{
	struct walk walk = {.visit = visit, .context = context};

	return walk_names(&walk, disk->root);
}
