/*
 * What the files of the timeline share: the states that bands are drawn from.
 */
#ifndef LAB_TIMELINE_INTERNAL_H
#define LAB_TIMELINE_INTERNAL_H

#include "tools/lab/known.h"
#include "tools/lab/timeline.h"

#define TIMELINE_NO_BAND SIZE_MAX

/* The open bands of one nexus at one LUN, or TIMELINE_NO_BAND. */
struct timeline_place {
	size_t registered_band, holds_band, spc2_band;
};

struct timeline_lu {
	struct known_lu known;
	uint64_t changes;	       /* invokes and returns of commands that change something */
	uint32_t under_way;	       /* of them, those between invoke and return */
	struct timeline_place *places; /* [nexus_count] */
};

struct timeline_states {
	const struct history *history;
	struct known_field field;
	struct timeline *timeline;
	size_t event; /* that is being taken in */
	struct timeline_lu lus[HISTORY_LUNS_MAX];
	uint64_t *changes_at_invoke; /* [command_count]: of the LUN */
	bool *alone_at_invoke;	     /* [command_count]: nothing was under way */
	size_t *session_bands;	     /* [nexus_count] */
	bool no_memory;
};

/* A command that was acknowledged as GOOD takes its effect. */
void timeline_apply(struct timeline_states *states, struct timeline_lu *lu, size_t command);
/* Bands are closed and opened so that they show the state. */
void timeline_show(struct timeline_states *states, struct timeline_lu *lu);

size_t timeline_open_band(struct timeline_states *states, struct timeline_band band);
void timeline_close_band(struct timeline_states *states, size_t *band);
void timeline_add_preempt(struct timeline_states *states, struct timeline_preempt preempt);

#endif
