/*
 * Initiators: many sessions in one thread, all of whose commands are recorded. A loop polls them;
 * what ended is told from loop_turn and nowhere else, so that whoever is told may send, cut and log
 * in as it likes.
 *
 * Nothing is done behind anybody's back: no command is repeated, no connection comes back by
 * itself, no unit attention is swallowed.
 */
#ifndef TOOLS_HOLDFAST_LAB_INITIATOR_H
#define TOOLS_HOLDFAST_LAB_INITIATOR_H

#include "tools/holdfast-lab/recorder.h"

#define LAB_PORTALS_MAX 16

/* The target as initiators have to know it. */
struct lab_target {
	char name[HISTORY_NAME_MAX + 1];
	struct {
		char address[HISTORY_PORTAL_MAX + 1];
		uint16_t target_port; /* relative target port identifier */
	} portals[LAB_PORTALS_MAX];
	size_t portal_count;
	uint32_t block_size;
};

struct loop;
struct initiator;

/* One command that ended. Borrowed for the time of the call. */
struct command_end {
	struct initiator *initiator;
	const struct history_command *command;
	const struct history_result *result;
	const uint8_t *data; /* that came in */
	size_t data_len;
};

typedef void command_done(void *context, const struct command_end *end);
#define COMMAND_NO_TAG UINT32_MAX

/* One that was handed over for sending. */
struct command_sent {
	uint32_t nexus;
	uint32_t session; /* of its initiator, from 1 */
	uint32_t tag;	  /* what its PDUs carry (the ITT); COMMAND_NO_TAG: not known */
	uint64_t number;  /* in the history */
	enum history_op op;
};

typedef void command_listener(void *context, const struct command_sent *sent);
/* `up`: there is a session now. `why`: what the library says when a login failed. */
typedef void session_done(void *context, struct initiator *initiator, bool up, const char *why);

/* Recorder and target stay the caller's. NULL: no memory. */
struct loop *loop_create(struct recorder *recorder, const struct lab_target *target,
			 unsigned timeout_ms);
/* Cuts whoever is logged in. Nobody is told of anything any more. */
void loop_free(struct loop **loop);
/* Waits up to timeout_ms for something to happen, and tells of what ended. */
void loop_turn(struct loop *loop, int timeout_ms);
/* Is told of each command that is handed over for sending. */
void loop_set_sent(struct loop *loop, command_listener *sent, void *context);
/* Sends what waits to be sent, and takes nothing in. */
void loop_flush(struct loop *loop);
/* Commands, logins and logouts under way, or ended and not told of yet. */
bool loop_busy(const struct loop *loop);
struct recorder *loop_recorder(const struct loop *loop);
const struct lab_target *loop_target(const struct loop *loop);
/* Closes every connection that there is. */
void loop_cut_all(struct loop *loop);

struct initiator_identity {
	const char *name;  /* iSCSI name */
	const char *label; /* for people; may be NULL */
	uint8_t isid[6];
	size_t portal;	/* index */
	bool solicited; /* its writes wait for the target to ask for their data */
};

/* Freed with the loop. NULL: no memory, or an ISID or portal that cannot be. */
struct initiator *initiator_create(struct loop *loop, const struct initiator_identity *identity);
const char *initiator_label(const struct initiator *initiator);
/* Its nexus, introduced on the first call. */
uint32_t initiator_nexus(struct initiator *initiator);
bool initiator_is_up(const struct initiator *initiator);
/* Anything at all is there of a session: a login under way, too. */
bool initiator_is_down(const struct initiator *initiator);
size_t initiator_commands(const struct initiator *initiator); /* under way */

/* `done` may be NULL. Asserts that the initiator is down (login) or up (logout). */
void initiator_login(struct initiator *initiator, session_done *done, void *context);
void initiator_logout(struct initiator *initiator, session_done *done, void *context);
/* Closes the connection without a word. */
void initiator_cut(struct initiator *initiator);
/* Neither sends nor receives for so long; what comes meanwhile waits in its socket. */
void initiator_stall(struct initiator *initiator, unsigned ms);
/* Is told whenever the session ends without having been asked to. */
void initiator_set_lost(struct initiator *initiator, session_done *lost, void *context);

struct command_extra {
	const uint32_t *others; /* SPEC_I_PT: nexuses */
	size_t other_count;
	const uint8_t *out; /* HISTORY_CDB: data out */
	size_t out_len;
	size_t in_len; /* HISTORY_CDB: data that may come in */
};

/*
 * Records the command and sends it. `extra` may be NULL. 0; -ENOTCONN: no session; -EINVAL: it
 * cannot be put into bytes; -ENOMEM. Then nothing was recorded and `done` is not called.
 */
int initiator_send(struct initiator *initiator, const struct history_command *command,
		   const struct command_extra *extra, command_done *done, void *context);

#endif
