/*
 * Who saw which write first: a READ, or somebody who looked at the medium.
 */
#include <errno.h>
#include <stdlib.h>
#include <uthash.h>

#include "tools/lab/judge_internal.h"

struct sight {
	struct {
		uint64_t nexus, sequence;
	} write;
	size_t event;
	UT_hash_handle hh;
};

struct judge_sights {
	struct sight *by_write;
};

static int see(struct judge_sights *sights, const struct history_tag *tag, size_t event)
{
	struct sight *sight, wanted = {.write = {tag->nexus, tag->sequence}};

	if (!tag->written)
		return 0;
	HASH_FIND(hh, sights->by_write, &wanted.write, sizeof(wanted.write), sight);
	if (sight)
		return 0;
	sight = malloc(sizeof(*sight));
	if (!sight)
		return -ENOMEM;
	*sight = wanted;
	sight->event = event;
	HASH_ADD(hh, sights->by_write, write, sizeof(sight->write), sight);
	return 0;
}

static bool is_read_of(const struct history *history, size_t invoke, uint16_t lun)
{
	const struct history_command *c;

	if (invoke == HISTORY_NO_EVENT)
		return false;
	c = &history->events[invoke].u.invoked;
	return c->op == HISTORY_READ && c->lun == lun;
}

int judge_sights_build(const struct history *history, uint16_t lun, const size_t *partner,
		       struct judge_sights **ret_sights)
{
	struct judge_sights *sights = calloc(1, sizeof(*sights));
	int error = sights ? 0 : -ENOMEM;

	for (size_t i = 0; i < history->event_count && error == 0; i++) {
		const struct history_event *event = &history->events[i];
		if (event->kind == HISTORY_MEDIUM && event->u.medium.lun == lun)
			error = see(sights, &event->u.medium.tag, i);
		if (event->kind != HISTORY_RETURN || !event->u.returned.tags ||
		    !is_read_of(history, partner[i], lun))
			continue;
		for (uint32_t t = 0; t < event->u.returned.tag_count && error == 0; t++)
			error = see(sights, &event->u.returned.tags[t], i);
	}
	if (error != 0) {
		judge_sights_free(&sights);
		return error;
	}
	*ret_sights = sights;
	return 0;
}

void judge_sights_free(struct judge_sights **sights)
{
	struct sight *sight, *next;

	if (!*sights)
		return;
	HASH_ITER(hh, (*sights)->by_write, sight, next)
	{
		HASH_DEL((*sights)->by_write, sight);
		free(sight);
	}
	free(*sights);
	*sights = NULL;
}

size_t judge_sights_find(const struct judge_sights *sights, uint32_t nexus, uint64_t sequence)
{
	struct sight *sight, wanted = {.write = {nexus, sequence}};

	HASH_FIND(hh, sights->by_write, &wanted.write, sizeof(wanted.write), sight);
	return sight ? sight->event : JUDGE_NO_EVENT;
}
