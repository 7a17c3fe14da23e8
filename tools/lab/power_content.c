/*
 * The bytes of a file: changes to them, and what a power cut leaves.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/lab/contender.h"
#include "tools/lab/power_disk_internal.h"

bool power_content_resize(struct power_content *content, uint64_t size)
{
	if (size > POWER_SIZE_MAX)
		return false;
	if (size > content->capacity) {
		uint64_t capacity = size < 2 * content->capacity ? 2 * content->capacity : size;
		uint8_t *bytes = calloc(1, (size_t)capacity);

		if (!bytes)
			return false;
		if (content->size > 0)
			memcpy(bytes, content->bytes, (size_t)content->size);
		free(content->bytes);
		content->bytes = bytes;
		content->capacity = capacity;
	} else if (size < content->size) {
		memset(content->bytes + size, 0, (size_t)(content->size - size));
	}
	content->size = size;
	return true;
}

bool power_content_copy(struct power_content *to, const struct power_content *from)
{
	if (!power_content_resize(to, from->size))
		return false;
	if (from->size > 0)
		memcpy(to->bytes, from->bytes, (size_t)from->size);
	return true;
}

static uint64_t end_of(const struct power_change *change)
{
	return change->offset + change->len;
}

bool power_content_apply(struct power_content *content, const struct power_change *change)
{
	uint64_t end;

	if (change->kind == POWER_SIZE)
		return power_content_resize(content, change->offset);
	end = end_of(change);
	if (change->kind == POWER_ZERO) {
		end = end < content->size ? end : content->size;
		if (change->offset < end)
			memset(content->bytes + change->offset, 0, (size_t)(end - change->offset));
		return true;
	}
	if (end > content->size && !power_content_resize(content, end))
		return false;
	memcpy(content->bytes + change->offset, change->data, (size_t)change->len);
	return true;
}

/* ---- a cut ---- */

/* Of each sector: how many changes it has met, and how many of them are kept. */
struct sectors {
	uint32_t *met, *kept;
	size_t count;
};

/* The bytes that a change is about, where the file had this size. */
static void range_of(const struct power_change *change, uint64_t size, uint64_t *ret_from,
		     uint64_t *ret_end)
{
	bool resizes = change->kind == POWER_SIZE;

	*ret_from = change->offset;
	*ret_end = resizes ? size : end_of(change);
	if (change->kind != POWER_WRITE && *ret_end > size)
		*ret_end = size;
	if (*ret_end < *ret_from)
		*ret_end = *ret_from;
}

static uint64_t size_after(const struct power_change *change, uint64_t size)
{
	if (change->kind == POWER_SIZE)
		return change->offset;
	return change->kind == POWER_WRITE && end_of(change) > size ? end_of(change) : size;
}

static uint64_t size_max(const struct power_node *node)
{
	uint64_t size = node->stable.size, most = size;

	for (const struct power_change *change = node->pending; change; change = change->next) {
		size = size_after(change, size);
		most = size > most ? size : most;
	}
	return most;
}

static void count_changes(const struct power_node *node, struct sectors *sectors, uint64_t size)
{
	uint64_t from, end;

	for (const struct power_change *change = node->pending; change; change = change->next) {
		range_of(change, size, &from, &end);
		for (uint64_t at = from / POWER_SECTOR; from < end && at * POWER_SECTOR < end; at++)
			sectors->met[at]++;
		size = size_after(change, size);
	}
}

/* How many of so many changes are kept. */
static uint32_t draw_kept(uint64_t *generator, uint32_t changes, uint32_t lost_percent,
			  uint32_t all_percent)
{
	uint32_t kind = contender_below(generator, 100);

	if (kind < lost_percent)
		return 0;
	return kind < lost_percent + all_percent ? changes
						 : contender_below(generator, changes + 1);
}

static void draw_sectors(struct sectors *sectors, uint64_t *generator, struct power_losses *losses)
{
	/* Nothing reached the disk; a part of it; or nearly all. */
	static const uint32_t moods[][2] = {{100, 0}, {100, 0}, {30, 30}, {0, 0}, {5, 90}};
	uint32_t mood = contender_below(generator, (uint32_t)(sizeof(moods) / sizeof(moods[0])));

	for (size_t i = 0; i < sectors->count; i++) {
		if (sectors->met[i] == 0)
			continue;
		sectors->kept[i] =
			draw_kept(generator, sectors->met[i], moods[mood][0], moods[mood][1]);
		losses->sectors_pending++;
		losses->sectors_lost += sectors->kept[i] < sectors->met[i];
		sectors->met[i] = 0;
	}
}

/* The part of the change that lies in one sector, if it is one of those that are kept. */
static void keep_in_sector(struct power_content *content, const struct power_change *change,
			   struct sectors *sectors, uint64_t from, uint64_t end)
{
	size_t sector = (size_t)(from / POWER_SECTOR);

	if (sectors->met[sector]++ >= sectors->kept[sector])
		return;
	if (change->kind == POWER_WRITE)
		memcpy(content->bytes + from, change->data + (from - change->offset),
		       (size_t)(end - from));
	else
		memset(content->bytes + from, 0, (size_t)(end - from));
}

static void keep_changes(struct power_node *node, struct sectors *sectors, uint64_t size)
{
	uint64_t from, end;

	for (const struct power_change *change = node->pending; change; change = change->next) {
		range_of(change, size, &from, &end);
		while (from < end) {
			uint64_t next = (from / POWER_SECTOR + 1) * POWER_SECTOR;

			next = next < end ? next : end;
			keep_in_sector(&node->stable, change, sectors, from, next);
			from = next;
		}
		size = size_after(change, size);
	}
}

static uint64_t draw_size(const struct power_node *node, uint64_t size, uint64_t *generator)
{
	uint32_t changes = 0, kept;

	for (const struct power_change *change = node->pending; change; change = change->next)
		changes++;
	kept = draw_kept(generator, changes, 40, 30);
	for (const struct power_change *change = node->pending; change && kept > 0;
	     change = change->next, kept--)
		size = size_after(change, size);
	return size;
}

bool power_content_cut(struct power_node *node, uint64_t *generator, struct power_losses *losses)
{
	uint64_t size = node->stable.size, most = size_max(node);
	struct sectors sectors = {.count = (size_t)(most / POWER_SECTOR) + 1};

	sectors.met = calloc(sectors.count, sizeof(*sectors.met));
	sectors.kept = calloc(sectors.count, sizeof(*sectors.kept));
	bool memory = sectors.met && sectors.kept && power_content_resize(&node->stable, most);
	if (memory) {
		count_changes(node, &sectors, size);
		draw_sectors(&sectors, generator, losses);
		keep_changes(node, &sectors, size);
		memory = power_content_resize(&node->stable, draw_size(node, size, generator));
	}
	free(sectors.met);
	free(sectors.kept);
	return memory;
}
