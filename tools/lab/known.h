/*
 * What the initiators could know of one logical unit: who is registered with which key, and who
 * holds what. Worked out from the commands that were acknowledged, in the order of their returns,
 * and put right by what PERSISTENT RESERVE IN said. Unlike the judge's model this one believes
 * every answer: a picture of a wrong target must show what that target said.
 */
#ifndef LAB_KNOWN_H
#define LAB_KNOWN_H

#include "tools/lab/history.h"

/* Whom all logical units have in common. It may grow while they are in use. */
struct known_field {
	const struct history_nexus *nexuses; /* by number */
	uint32_t nexus_count;
	const char *profile; /* as in the history's head */
};

/* One nexus at one logical unit. */
struct known_place {
	uint64_t key;	   /* 0: not registered */
	bool changed;	   /* its registration ever did */
	size_t changed_at; /* the event that did it last */
};

struct known_lu {
	const struct known_field *field;
	uint16_t lun;
	uint8_t type;		    /* of reservation; 0: none */
	bool aptpl;		    /* of the last REGISTER */
	uint32_t holder;	    /* HISTORY_NO_NEXUS: none, all registrants, or not known who */
	uint32_t spc2_owner;	    /* HISTORY_NO_NEXUS: none */
	struct known_place *places; /* by nexus */
};

/* A command that was acknowledged as GOOD. */
struct known_command {
	const struct history_command *command;
	uint32_t nexus;
	size_t invoked, returned; /* events */
};

typedef void known_removed(void *context, uint32_t victim);

/* With room for so many nexuses. False: no memory. */
bool known_init(struct known_lu *lu, const struct known_field *field, uint16_t lun,
		uint32_t nexuses_max);
void known_release(struct known_lu *lu);

bool known_all_registrants(uint8_t type);
/* Does the nexus hold the persistent reservation, by itself or with others? */
bool known_holds(const struct known_lu *lu, uint32_t nexus);

/* `removed` is told of each registration that a PREEMPT or PREEMPT AND ABORT took from another. */
void known_apply(struct known_lu *lu, const struct known_command *command, known_removed *removed,
		 void *context);
/* PERSISTENT RESERVE IN that no change ran beside, seen in this event. */
void known_correct(struct known_lu *lu, const struct history_command *command,
		   const struct history_result *result, size_t event);
/* The session ended: its SPC-2 reservation goes with it (SAM-5 6.3.4). */
void known_session_ended(struct known_lu *lu, uint32_t nexus);
/* The target died: without APTPL nothing is left. */
void known_crashed(struct known_lu *lu);

#endif
