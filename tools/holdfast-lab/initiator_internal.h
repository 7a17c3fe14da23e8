/*
 * What the loop, sessions and commands of initiators know of each other.
 */
#ifndef TOOLS_HOLDFAST_LAB_INITIATOR_INTERNAL_H
#define TOOLS_HOLDFAST_LAB_INITIATOR_INTERNAL_H

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <utlist.h>

#include "tools/holdfast-lab/initiator.h"
#include "tools/lab/cdb.h"

enum initiator_state {
	INITIATOR_DOWN = 0,
	INITIATOR_CONNECTING,
	INITIATOR_LOGGING_IN,
	INITIATOR_UP,
	INITIATOR_LOGGING_OUT,
};

/* A command that was sent. It goes when its end was told and the library has let go of it. */
struct pending {
	struct initiator *initiator;
	struct pending *prev, *next; /* of the initiator, in the order of sending */
	struct pending *next_ended;
	struct scsi_task *task; /* NULL: task management */
	uint64_t number;
	uint64_t deadline_ns;
	struct history_command command;
	struct cdb_answer answer;
	uint8_t *out;
	command_done *done;
	void *context;
	bool ended;    /* the RETURN is written */
	bool told;     /* `done` was called */
	bool released; /* the library has forgotten it */
};

struct initiator {
	struct loop *loop;
	struct initiator *next;
	char name[HISTORY_NAME_MAX + 1];
	char label[32];
	uint8_t isid[6];
	size_t portal;
	uint32_t nexus;
	uint32_t sessions; /* that it began */
	enum initiator_state state;
	struct iscsi_context *iscsi;
	bool solicited;
	uint64_t stalled_until_ns;
	bool broken;	      /* the connection is of no use any more */
	bool fresh;	      /* login or logout has come to its end: to be told */
	uint64_t deadline_ns; /* of a login or logout */
	char why[160];
	struct pending *pendings;
	size_t under_way;
	session_done *done, *lost;
	void *context, *lost_context;
};

struct loop {
	struct recorder *recorder;
	struct lab_target target;
	uint64_t timeout_ns;
	struct initiator *initiators;
	size_t initiator_count;
	struct pending *ended; /* in the order of their ends */
	command_listener *sent;
	void *sent_context;
	bool closing;
};

/* Writes the RETURN of each command under way: unknown. `older_than` (may be NULL): only those that
 * were sent before it, to the same LUN. */
void initiator_give_up(struct initiator *initiator, const struct pending *older_than);
/* Those that are late. */
void initiator_check_deadlines(struct initiator *initiator, uint64_t now_ns);
/* Frees what was told and released. */
void initiator_sweep(struct initiator *initiator);
/* Ends the session for good: LOST, if there was one, then the unknown answers, then the socket. */
void initiator_drop(struct initiator *initiator);

#endif
