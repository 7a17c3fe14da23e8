/*
 * What the numbers in records stand for: a table of entries, found by number. A number is an index
 * and a generation, so that an old record never names whoever came later.
 */
#include <stdlib.h>
#include <string.h>

#include "target/trace_internal.h"

#define INDEX_BITS 20
#define INDEX_MAX  ((1u << INDEX_BITS) - 1)
#define CAP_FIRST  16

static void entry_forget(struct trace_who_entry *entry)
{
	free(entry->nexus);
	free(entry->target);
	free(entry->peer);
	free(entry->local);
	entry->nexus = NULL;
	entry->target = entry->peer = entry->local = NULL;
}

void trace_who_clear(struct trace_ring *ring)
{
	for (uint32_t i = 0; i < ring->who_cap; i++)
		entry_forget(&ring->who[i]);
	free(ring->who);
}

static bool grow(struct trace_ring *ring)
{
	uint32_t cap = ring->who_cap > 0 ? ring->who_cap * 2 : CAP_FIRST;

	if (ring->who_cap > INDEX_MAX / 2)
		return false;
	struct trace_who_entry *who = realloc(ring->who, cap * sizeof(*who));
	if (!who)
		return false;
	memset(who + ring->who_cap, 0, (cap - ring->who_cap) * sizeof(*who));
	for (uint32_t i = cap; i > ring->who_cap; i--) {
		who[i - 1].next = ring->who_free;
		ring->who_free = i;
	}
	ring->who = who;
	ring->who_cap = cap;
	return true;
}

static struct trace_who_entry *find(const struct trace_ring *ring, uint32_t number)
{
	uint32_t index = number & INDEX_MAX;

	if (number == 0 || index >= ring->who_cap || ring->who[index].number != number)
		return NULL;
	return &ring->who[index];
}

uint32_t trace_who_add(struct trace_ring *ring)
{
	if (!ring || (ring->who_free == 0 && !grow(ring)))
		return 0;
	uint32_t index = ring->who_free - 1;
	struct trace_who_entry *entry = &ring->who[index];

	ring->who_free = entry->next;
	entry->next = 0;
	entry->gone = false;
	/* The generation is one more than at the last time, and never 0. */
	entry->number = (entry->number & ~INDEX_MAX) + INDEX_MAX + 1;
	if (entry->number == 0)
		entry->number = INDEX_MAX + 1;
	entry->number |= index;
	return entry->number;
}

void trace_who_name(struct trace_ring *ring, uint32_t number, const struct pr_nexus_id *nexus,
		    const char *target)
{
	struct trace_who_entry *entry = ring ? find(ring, number) : NULL;

	if (!entry)
		return;
	if (!entry->nexus)
		entry->nexus = malloc(sizeof(*entry->nexus));
	if (entry->nexus)
		*entry->nexus = *nexus;
	free(entry->target);
	entry->target = strdup(target ? target : "");
}

void trace_who_address(struct trace_ring *ring, uint32_t number, const char *peer,
		       const char *local)
{
	struct trace_who_entry *entry = ring ? find(ring, number) : NULL;

	if (!entry)
		return;
	free(entry->peer);
	free(entry->local);
	entry->peer = strdup(peer);
	entry->local = strdup(local);
}

/* The one that went first is forgotten. */
static void forget_gone(struct trace_ring *ring)
{
	uint32_t index = ring->who_gone_first - 1;
	struct trace_who_entry *entry = &ring->who[index];

	ring->who_gone_first = entry->next;
	if (ring->who_gone_first == 0)
		ring->who_gone_last = 0;
	ring->who_gone_count--;
	entry_forget(entry);
	entry->next = ring->who_free;
	ring->who_free = index + 1;
}

void trace_who_remove(struct trace_ring *ring, uint32_t number)
{
	struct trace_who_entry *entry = ring ? find(ring, number) : NULL;

	if (!entry || entry->gone)
		return;
	uint32_t link = (uint32_t)(entry - ring->who) + 1;

	entry->gone = true;
	entry->next = 0;
	if (ring->who_gone_last != 0)
		ring->who[ring->who_gone_last - 1].next = link;
	else
		ring->who_gone_first = link;
	ring->who_gone_last = link;
	if (++ring->who_gone_count > TRACE_GONE_MAX)
		forget_gone(ring);
}

static void copy_text(char *to, size_t size, const char *from)
{
	size_t len = from ? strnlen(from, size - 1) : 0;

	if (len > 0)
		memcpy(to, from, len);
	to[len] = '\0';
}

bool trace_who_get(const struct trace_ring *ring, uint32_t number, struct trace_who *ret_who)
{
	const struct trace_who_entry *entry = find(ring, number);

	if (!entry || (!entry->nexus && !entry->peer))
		return false;
	*ret_who = (struct trace_who){
		.number = number,
		.is_named = entry->nexus != NULL,
		.is_connection = entry->peer != NULL,
	};
	if (entry->nexus)
		ret_who->nexus = *entry->nexus;
	copy_text(ret_who->target, sizeof(ret_who->target), entry->target);
	copy_text(ret_who->peer, sizeof(ret_who->peer), entry->peer);
	copy_text(ret_who->local, sizeof(ret_who->local), entry->local);
	return true;
}
