/*
 * What the files of the timeline share: the states that bands are drawn from.
 */
#ifndef LAB_TIMELINE_INTERNAL_H
#define LAB_TIMELINE_INTERNAL_H

#include "tools/lab/timeline.h"

#define TIMELINE_NO_BAND SIZE_MAX

/* One nexus at one LUN. */
struct timeline_place {
	uint64_t key;	   /* 0: not registered */
	size_t changed_at; /* event that last changed its registration */
	size_t registered_band, holds_band, spc2_band; /* open ones, or TIMELINE_NO_BAND */
};

/* One LUN, as far as its initiators know. */
struct timeline_lu {
	uint16_t lun;
	uint8_t type;	     /* of reservation; 0: none */
	bool aptpl;	     /* of the last REGISTER */
	uint32_t holder;     /* HISTORY_NO_NEXUS: none, all registrants, or not known who */
	uint32_t spc2_owner; /* HISTORY_NO_NEXUS: none */
	uint64_t changes;    /* invokes and returns of commands that change something */
	uint32_t under_way;  /* of them, those between invoke and return */
	struct timeline_place *places; /* [nexus_count] */
};

struct timeline_states {
	const struct history *history;
	struct timeline *timeline;
	size_t event; /* that is being taken in */
	struct timeline_lu lus[HISTORY_LUNS_MAX];
	uint64_t *changes_at_invoke; /* [command_count]: of the LUN */
	bool *alone_at_invoke;	     /* [command_count]: nothing was under way */
	size_t *session_bands;	     /* [nexus_count] */
	bool no_memory;
};

/* Is it GOOD that this command changes reservations or registrations? */
bool timeline_changes(const struct history_command *command);
/* A command that was acknowledged as GOOD takes its effect. */
void timeline_apply(struct timeline_states *states, struct timeline_lu *lu, size_t command);
/* PERSISTENT RESERVE IN that nothing ran beside. */
void timeline_correct(struct timeline_states *states, struct timeline_lu *lu,
		      const struct history_command *command, const struct history_result *result);
/* Bands are closed and opened so that they show the state. */
void timeline_show(struct timeline_states *states, struct timeline_lu *lu);

size_t timeline_open_band(struct timeline_states *states, struct timeline_band band);
void timeline_close_band(struct timeline_states *states, size_t *band);
void timeline_add_preempt(struct timeline_states *states, struct timeline_preempt preempt);

#endif
