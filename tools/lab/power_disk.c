#include "tools/lab/power_disk.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "tools/lab/power_disk_internal.h"

/* ---- nodes ---- */

struct power_node *power_find_node(const struct power_disk *disk, uint64_t inode)
{
	struct power_node *node;

	HASH_FIND(hh, disk->by_inode, &inode, sizeof(inode), node);
	return node;
}

struct power_node *power_add_node(struct power_disk *disk, uint64_t inode, bool is_directory)
{
	struct power_node *old = power_find_node(disk, inode);
	struct power_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	if (old)
		HASH_DEL(disk->by_inode, old);
	node->inode = inode;
	node->is_directory = is_directory;
	HASH_ADD(hh, disk->by_inode, inode, sizeof(node->inode), node);
	LL_PREPEND(disk->nodes, node);
	return node;
}

static void free_change(struct power_change *change)
{
	free(change->name);
	free(change->new_name);
	free(change);
}

void power_drop_pending(struct power_node *node)
{
	struct power_change *change, *next;

	DL_FOREACH_SAFE(node->pending, change, next)
	free_change(change);
	node->pending = NULL;
}

struct power_disk *power_disk_create(uint64_t root_inode)
{
	struct power_disk *disk = calloc(1, sizeof(*disk));

	if (disk)
		disk->root = power_add_node(disk, root_inode, true);
	if (!disk || !disk->root) {
		free(disk);
		return NULL;
	}
	return disk;
}

void power_disk_free(struct power_disk **disk)
{
	struct power_node *node, *next;

	if (!*disk)
		return;
	HASH_CLEAR(hh, (*disk)->by_inode);
	LL_FOREACH_SAFE((*disk)->nodes, node, next)
	{
		power_drop_pending(node);
		free(node->stable.bytes);
		free(node->current.bytes);
		power_names_free(&node->stable_names);
		power_names_free(&node->current_names);
		free(node);
	}
	free(*disk);
	*disk = NULL;
}

/* ---- changes ---- */

static bool apply(struct power_node *node, const struct power_change *change, bool to_stable)
{
	if (node->is_directory)
		return power_names_apply(to_stable ? &node->stable_names : &node->current_names,
					 change);
	return power_content_apply(to_stable ? &node->stable : &node->current, change);
}

/* Takes the change over. */
static bool add_change(const struct power_disk *disk, struct power_node *node,
		       struct power_change *change)
{
	change->number = disk->records;
	DL_APPEND(node->pending, change);
	return apply(node, change, false);
}

static struct power_change *make_change(enum power_kind kind, size_t data_len)
{
	struct power_change *change = calloc(1, sizeof(*change) + data_len);

	if (change)
		change->kind = kind;
	return change;
}

bool power_change_content(struct power_disk *disk, struct power_node *node,
			  const struct power_record *r, const uint8_t *data)
{
	uint64_t len = r->kind == POWER_WRITE ? r->data_len : r->len;
	struct power_change *change;

	if (node->is_directory || r->offset > POWER_SIZE_MAX || len > POWER_SIZE_MAX)
		return false;
	change = make_change((enum power_kind)r->kind, (size_t)r->data_len);
	if (!change)
		return false;
	change->offset = r->offset;
	change->len = len;
	if (r->kind == POWER_WRITE)
		memcpy(change->data, data, (size_t)len);
	return add_change(disk, node, change);
}

bool power_change_names(struct power_disk *disk, struct power_node *directory, enum power_kind kind,
			const char *name, const char *new_name, struct power_node *node)
{
	struct power_change *change;

	if (!directory->is_directory)
		return false;
	change = make_change(kind, 0);
	if (!change)
		return false;
	change->node = node;
	change->name = strdup(name);
	change->new_name = new_name ? strdup(new_name) : NULL;
	if (!change->name || (new_name && !change->new_name)) {
		free_change(change);
		return false;
	}
	return add_change(disk, directory, change);
}

static bool make_durable(struct power_node *node, uint64_t limit)
{
	struct power_change *change;

	while ((change = node->pending) != NULL && change->number < limit) {
		if (!apply(node, change, true))
			return false;
		DL_DELETE(node->pending, change);
		free_change(change);
	}
	return true;
}

/* ---- records ---- */

void power_disk_begin_log(struct power_disk *disk)
{
	/* What was found when the folder was looked at comes before all of the log. */
	disk->log_began = ++disk->records;
}

static bool take_new(struct power_disk *disk, struct power_node *directory,
		     const struct power_record *r, const char *name)
{
	struct power_node *node;

	if (!directory)
		return true;
	if (r->kind == POWER_LINK)
		node = power_find_node(disk, r->other);
	else
		node = power_add_node(disk, r->other, r->kind == POWER_MKDIR);
	/* A name from outside of the folder is one that nothing is known of. */
	if (!node)
		return r->kind == POWER_LINK;
	return power_change_names(disk, directory, (enum power_kind)r->kind, name, NULL, node);
}

static bool take_rename(struct power_disk *disk, struct power_node *from,
			const struct power_record *r, const char *name, const char *new_name)
{
	struct power_node *to = power_find_node(disk, r->other);
	const struct power_entry *entry = from ? power_names_find(from->current_names, name) : NULL;
	struct power_node *node = entry ? entry->node : NULL;

	if (from && from == to)
		return power_change_names(disk, from, POWER_RENAME, name, new_name, NULL);
	if (to && node && !power_change_names(disk, to, POWER_LINK, new_name, NULL, node))
		return false;
	return !from || power_change_names(disk, from, POWER_UNLINK, name, NULL, NULL);
}

/* One name, or two, each with its zero byte. */
static bool names_are_whole(const struct power_record *r, const uint8_t *data)
{
	unsigned wanted = r->kind == POWER_RENAME ? 2 : 1, count = 0;

	for (uint64_t i = 0; i < r->data_len; i++)
		count += data[i] == '\0';
	return count == wanted && data[r->data_len - 1] == '\0';
}

static bool take_names(struct power_disk *disk, const struct power_record *r, const uint8_t *data)
{
	struct power_node *directory = power_find_node(disk, r->inode);
	const char *name = (const char *)data;

	if (!names_are_whole(r, data))
		return false;
	if (r->kind == POWER_RENAME)
		return take_rename(disk, directory, r, name, name + strlen(name) + 1);
	if (r->kind == POWER_UNLINK)
		return !directory ||
		       power_change_names(disk, directory, POWER_UNLINK, name, NULL, NULL);
	return take_new(disk, directory, r, name);
}

bool power_disk_take(struct power_disk *disk, const struct power_record *record,
		     const uint8_t *data)
{
	struct power_node *node = power_find_node(disk, record->inode);
	bool taken = false;

	switch ((enum power_kind)record->kind) {
	case POWER_WRITE:
	case POWER_ZERO:
	case POWER_SIZE:
		taken = !node || power_change_content(disk, node, record, data);
		break;
	case POWER_SYNCED:
		taken = !node || make_durable(node, disk->log_began + record->offset);
		break;
	case POWER_CREATE:
	case POWER_MKDIR:
	case POWER_LINK:
	case POWER_UNLINK:
	case POWER_RENAME:
		taken = take_names(disk, record, data);
		break;
	case POWER_KIND_INVALID:
	case POWER_KIND_COUNT:
		break;
	}
	disk->records++;
	return taken;
}

bool power_disk_settle(struct power_disk *disk)
{
	struct power_node *node;

	LL_FOREACH(disk->nodes, node)
	if (!make_durable(node, UINT64_MAX))
		return false;
	return true;
}
