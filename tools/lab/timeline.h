/*
 * A history as a picture needs it: each command from its invoke to its end, and bands of what the
 * initiators could know to be so: who was logged in, who was registered with which key, who held
 * what. A history does not hold such states, nor does anybody outside of the target see them. They
 * are worked out from the acknowledged commands in the order of their returns, and put right by
 * what PERSISTENT RESERVE IN returned while nothing else was under way.
 */
#ifndef LAB_TIMELINE_H
#define LAB_TIMELINE_H

#include "tools/lab/history.h"

#define TIMELINE_NO_EVENT   SIZE_MAX
#define TIMELINE_NO_COMMAND SIZE_MAX

enum timeline_kind {
	TIMELINE_KIND_INVALID = 0,
	TIMELINE_SESSION,    /* the nexus was logged in */
	TIMELINE_REGISTERED, /* ... registered with `key` */
	TIMELINE_HOLDS, /* ... held a persistent reservation of `type`; a band for each registrant
			   where all of them hold it */
	TIMELINE_SPC2,	/* ... held the logical unit by RESERVE of SPC-2 */
	TIMELINE_KIND_COUNT,
};

struct timeline_band {
	enum timeline_kind kind;
	uint32_t nexus;
	uint16_t lun; /* 0 for a session, which is of no LUN */
	uint8_t type; /* TIMELINE_HOLDS */
	uint64_t key; /* TIMELINE_REGISTERED */
	uint64_t from_ns, to_ns;
	size_t from_event;
	size_t to_event; /* TIMELINE_NO_EVENT: it lasted to the end of the history */
};

struct timeline_command {
	size_t invoke;	 /* event */
	size_t returned; /* event, or TIMELINE_NO_EVENT */
	uint64_t from_ns;
	uint64_t to_ns; /* of its RETURN; of what got no answer, where its session ended at the
			   latest */
};

/* A registration that a PREEMPT or PREEMPT AND ABORT removed. */
struct timeline_preempt {
	size_t command; /* index into commands */
	uint32_t victim;
	uint16_t lun;
};

/* The target was dead. */
struct timeline_outage {
	size_t crash, up; /* events; `up` TIMELINE_NO_EVENT: to the end */
	uint64_t from_ns, to_ns;
};

struct timeline {
	uint64_t end_ns; /* of the last event */
	struct timeline_command *commands;
	size_t command_count;
	size_t *command_of; /* [event_count]: of each INVOKE and RETURN, else TIMELINE_NO_COMMAND */
	struct timeline_band *bands;
	size_t band_count, band_capacity;
	struct timeline_preempt *preempts;
	size_t preempt_count, preempt_capacity;
	struct timeline_outage *outages;
	size_t outage_count, outage_capacity;
	uint16_t luns[HISTORY_LUNS_MAX]; /* that commands name, in the order of their first use */
	size_t lun_count;
};

/* 0 or -ENOMEM. The history stays the caller's; nothing of it is kept. */
int timeline_build(const struct history *history, struct timeline **ret_timeline);
void timeline_free(struct timeline **timeline);

const char *timeline_kind_name(enum timeline_kind kind); /* "registered" */

#endif
