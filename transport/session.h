/*
 * Sessions (RFC 7143 4.2.2, 4.3, 6.3): identity, TSIH, reinstatement, the command window, and what
 * is kept per session. For transport/ only.
 *
 * A session lives from `admit` at the end of a login until three things are true: it was ended, its
 * nexus is closed (every task has let go of the medium), and none of its tasks or task management
 * functions is left. Between the end and that moment it "drains", without connections.
 */
#ifndef TRANSPORT_SESSION_H
#define TRANSPORT_SESSION_H

#include "transport/node_internal.h"
#include "transport/registry.h"

struct iscsi_conn;
struct iscsi_lost;
struct iscsi_task;
struct iscsi_tmf;

enum iscsi_session_state {
	ISCSI_SESSION_INVALID = 0,
	ISCSI_SESSION_WAITING, /* its I_T nexus is still held by a session that drains */
	ISCSI_SESSION_LIVE,
	ISCSI_SESSION_ENDED,
};

/* A numbered request that came before its turn, or the mark that its CmdSN counts as received. */
struct iscsi_held {
	bool plug; /* ABORT TASK has taken its place: nothing is delivered */
	struct iscsi_conn *conn;
	uint8_t bhs[ISCSI_BHS_LEN];
	uint32_t ahs_len, data_len; /* bytes */
	uint8_t bytes[];	    /* AHS, then data */
};

struct iscsi_session {
	struct iscsi_node *node;
	struct iscsi_session *prev, *next; /* node->sessions */
	enum iscsi_session_state state;
	unsigned busy;	     /* > 0: a caller is still inside; not freed */
	bool nexus_draining; /* scsi_nexus_close was called, its callback has not come */
	uint16_t tsih;
	struct iscsi_registry_session entry;

	/* Identity. */
	enum iscsi_session_type type;
	struct pr_nexus_id id;
	struct scsi_target *target;	   /* NULL: unnamed discovery */
	const struct iscsi_portal *portal; /* of the leading connection */
	char initiator_alias[256];
	char user[ISCSI_CHAP_NAME_MAX + 1]; /* CHAP user of its first connection, or "" */
	uint64_t since_ms;
	struct iscsi_params params; /* the session's; a connection's own are in the connection */

	struct scsi_nexus *nexus; /* NULL: discovery, waiting, or ended */

	struct iscsi_conn *conns;
	uint32_t conn_count;
	struct iscsi_lost *lost; /* connections that may be recovered (lost.c) */

	/* The command window (RFC 7143 4.2.2.1). */
	uint32_t exp_cmd_sn, max_cmd_sn;
	uint32_t told_max_cmd_sn; /* the last MaxCmdSN that was sent */
	uint32_t window_used;	  /* numbered requests that are not answered yet */
	struct iscsi_held **held; /* by CmdSN & ring_mask */
	uint64_t held_bytes;
	uint64_t hole_since_ms; /* while something is held: when ExpCmdSN last moved */
	uint32_t held_count;

	/* Live tasks by ITT. The chains stay short: the window bounds the number of tasks. */
	struct iscsi_task **tasks_by_itt;
	uint32_t task_count;
	uint32_t ring_mask; /* size of held, tasks_by_itt and ended_itts, minus 1 */
	/* Tasks that ended while data for them could still be on its way. */
	uint32_t *ended_itts;
	uint32_t ended_next, ended_count;

	struct iscsi_tmf *tmfs;
	uint32_t next_ttt;

	/* Data-Out buffers in use, what came before there was one, and tasks that wait for room,
	 * first come first served. */
	uint64_t data_used, early_used;
	/* In the node's line for memory (memory.c). */
	struct iscsi_session *line_prev, *line_next;
	bool is_in_line;
	bool memory_due;   /* its turn has come: at the next tick of its first connection */
	bool memory_short; /* somebody found too little since the last turn */
	bool passing_room;
	struct iscsi_task *data_waiters;
	/* The same for read data (read_room.c). */
	uint64_t read_used;
	bool passing_read_room;
	struct iscsi_task *readers;

	uint64_t commands, bytes_in, bytes_out;
};

/*
 * The last step of a login (RFC 7143 6.3.1): makes a session for the connection or joins it to the
 * one with the login's TSIH; ends the session or connection that is reinstated. A login status.
 */
uint16_t iscsi_session_admit(struct iscsi_conn *conn, const struct iscsi_login *login,
			     uint16_t *ret_tsih);

/*
 * Ends it: connections are let go (each keeps its output and the last sequence numbers), tasks are
 * aborted. `session` may be gone when this returns.
 */
void iscsi_session_end(struct iscsi_session *session, enum scsi_nexus_end why);

/* The connection leaves; its tasks are aborted. The last one ends the session with `why`. */
void iscsi_session_leave(struct iscsi_conn *conn, enum scsi_nexus_end why);

/* For scsi_nexus_close: whoever waits for the nexus gets it. */
void iscsi_session_nexus_closed(void *session);
/* Takes the connection out of the list, and nothing else. */
void iscsi_session_unlink(struct iscsi_conn *conn);
/* At ErrorRecoveryLevel 2 the tasks of a connection that leaves wait to be reassigned; `released`:
 * at once. False: they do not. */
bool iscsi_session_keep_tasks(struct iscsi_conn *conn, bool released);

/* The same for recovery: its tasks may be reassigned. */
void iscsi_session_remove(struct iscsi_conn *conn);

void iscsi_session_settle_ended(struct iscsi_session *session);
/* Frees it when it has ended and nothing is left. */
static inline void iscsi_session_settle(struct iscsi_session *session)
{
	if (session->state == ISCSI_SESSION_ENDED)
		iscsi_session_settle_ended(session);
}

/* --- the command window (window.c) ------------------------------------------------------------ */

bool iscsi_window_init(struct iscsi_session *session, uint32_t cmd_sn);
void iscsi_window_finish(struct iscsi_session *session);

enum iscsi_window_verdict {
	ISCSI_WINDOW_IGNORE = 0, /* outside, or a duplicate */
	ISCSI_WINDOW_NOW,
	ISCSI_WINDOW_LATER, /* inside, but one before it is missing */
};
enum iscsi_window_verdict iscsi_window_judge(const struct iscsi_session *session, uint32_t cmd_sn);

struct iscsi_pdu;
/* Keeps a copy until its turn; false: no memory, or too much is held. */
bool iscsi_window_hold(struct iscsi_conn *conn, uint32_t cmd_sn, const struct iscsi_pdu *pdu);
/* Takes what is held for ExpCmdSN; NULL: nothing is. The caller frees it. */
struct iscsi_held *iscsi_window_take(struct iscsi_session *session);
/* What is held for this CmdSN, or NULL. */
struct iscsi_held *iscsi_window_held(const struct iscsi_session *session, uint32_t cmd_sn);
/* The CmdSN counts as received (RFC 7143 11.5.5); what was held for it is dropped. */
bool iscsi_window_plug(struct iscsi_session *session, uint32_t cmd_sn);
/* Drops what a connection that ends still had in the queue; the holes remain. */
void iscsi_window_forget(struct iscsi_session *session, const struct iscsi_conn *conn);
void iscsi_window_advance(struct iscsi_session *session);
/* A numbered request was answered, or is gone without an answer. */
void iscsi_window_release(struct iscsi_session *session);

/* --- tags (tags.c) -------------------------------------------------------------------------- */

void iscsi_session_add_task(struct iscsi_session *session, struct iscsi_task *task);
void iscsi_session_remove_task(struct iscsi_session *session, struct iscsi_task *task);
struct iscsi_task *iscsi_session_find_task(const struct iscsi_session *session, uint32_t itt);
void iscsi_session_remember_ended(struct iscsi_session *session, uint32_t itt);
bool iscsi_session_recently_ended(const struct iscsi_session *session, uint32_t itt);
uint32_t iscsi_session_take_ttt(struct iscsi_session *session);

#endif
