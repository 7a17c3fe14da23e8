/*
 * The inside of a connection: its queues, the tasks it carries, and what the files of the full
 * feature phase ask of each other. For transport/ only.
 *
 *   conn.c         facade: input, output, state     timers.c    deadlines, and what is due then
 *   receive.c      bytes -> PDUs
 *   login_phase.c  until full feature phase         dispatch.c  which handler, in which order
 *   output.c       queue of PDUs -> iovecs          task.c      one SCSI task's life
 *   command.c      SCSI Command                     data_out.c  Data-Out PDUs
 *   data_gather.c  a task's write data              r2t.c       R2T
 *   data_room.c    memory for write data            burst.c     one sequence of data
 *   read_room.c    memory for read data
 *   data_in.c      Data-In, SCSI Response           snack.c     what is sent again
 *   lent.c         Data-In that lies in a store
 *   manage.c       task management                  kept.c      what is not acknowledged
 *   manage_wait.c  its order                        lost.c      connections to be recovered
 *   trace.c        what the trace is told
 *   attend.c       whom a PDU passes where anybody minds
 *   text_request.c, nop.c, logout.c, async.c, reject.c: what their names say
 *   fault_*.c      what goes wrong on purpose (fault_internal.h)
 */
#ifndef TRANSPORT_CONN_INTERNAL_H
#define TRANSPORT_CONN_INTERNAL_H

#include "target/trace.h"
#include "transport/conn.h"
#include "transport/framing.h"
#include "transport/session.h"
#include "transport/task.h"

#define ISCSI_INPUT_LOGIN	512    /* bytes of input buffer before full feature phase */
#define ISCSI_DATA_LONG		16384  /* bytes: where there was such a data segment, more follow */
#define ISCSI_INPUT_LONG	16384  /* then so much of the node's buffer is used at a time */
#define ISCSI_R2TS_MAX		32     /* R2Ts outstanding per task, whatever was negotiated */
#define ISCSI_EMPTY_DATA_MAX	64     /* Data-Out PDUs without data in one sequence */
#define ISCSI_RECOVERIES_MAX	32     /* times in a row that data is asked for in vain */
#define ISCSI_GAPS_MAX		1024   /* in one sequence, with DataPDUInOrder=No */
#define ISCSI_TEXT_IDLE_MS	30000  /* then a Text exchange may be forgotten */
#define ISCSI_DISCOVERY_IDLE_MS 300000 /* then a discovery session is dropped: it gets no pings */
#define ISCSI_TEXT_ANSWER_MAX	(4u << 20) /* bytes of SendTargets' answer */
#define ISCSI_REJECT_WINDOW_MS	60000	   /* limits.rejects_max counts within this time */
#define ISCSI_SHUTDOWN_LOGOUT_S 2	   /* what an async logout request allows */

enum iscsi_conn_state {
	ISCSI_CONN_INVALID = 0,
	ISCSI_CONN_LOGIN,
	/* The login has succeeded; its last response waits until a session that drains has let go
	 * of the nexus. Nothing is read meanwhile. */
	ISCSI_CONN_WAITING,
	ISCSI_CONN_FULL_FEATURE,
	ISCSI_CONN_CLOSING, /* nothing is read; what is queued is sent */
};

enum iscsi_conn_stop {
	ISCSI_STOP_DOOM = 1 << 0,
	ISCSI_STOP_FAULT = 1 << 1, /* a fault rule wants it */
};

/* A received PDU: borrowed from the framer, or from the queue of held requests. */
struct iscsi_pdu {
	const uint8_t *bhs, *ahs, *data;
	uint32_t ahs_len, data_len; /* bytes */
	struct iscsi_bhs head;
};

/* --- output (output.c) ------------------------------------------------------------------------ */

enum iscsi_out_kind {
	ISCSI_OUT_INVALID = 0,
	ISCSI_OUT_LOGIN_RESPONSE, /* encoded by the login; never digested */
	ISCSI_OUT_TASK,		  /* an ended task: becomes Data-In PDUs and a response */
	ISCSI_OUT_DATA_AGAIN,	  /* becomes Data-In PDUs that were sent before */
	ISCSI_OUT_SCSI_RESPONSE,
	ISCSI_OUT_DATA_IN,
	ISCSI_OUT_R2T,
	ISCSI_OUT_TASK_MANAGEMENT_RESPONSE,
	ISCSI_OUT_TEXT_RESPONSE,
	ISCSI_OUT_LOGOUT_RESPONSE,
	ISCSI_OUT_NOP_IN,
	ISCSI_OUT_ASYNC_MESSAGE,
	ISCSI_OUT_REJECT,
	ISCSI_OUT_FAULT,      /* of a fault rule: a fault_insert becomes bytes */
	ISCSI_OUT_FAULT_LATE, /* of a fault rule: bytes that were held back */
};

/*
 * One PDU to send. It is encoded when its bytes are first asked for, so that it carries the newest
 * sequence numbers and StatSN follows the order on the wire.
 */
struct iscsi_out {
	struct iscsi_out *next;
	struct spare_list *spares; /* where it goes in the end */
	enum iscsi_out_kind kind;
	bool encoded;
	bool header_digest, data_digest; /* as they were when it was queued */
	bool lent;	   /* DATA_IN: where `data` is, the task's data_in says each time */
	uint32_t lent_crc; /* of them, with data_digest */
	union {
		struct iscsi_scsi_response response;
		struct iscsi_data_in data_in;
		struct iscsi_r2t r2t;
		struct iscsi_task_management_response management;
		struct iscsi_text_response text;
		struct iscsi_logout_response logout;
		struct iscsi_nop_in nop;
		struct iscsi_async_message async;
		struct iscsi_reject reject;
	} pdu;
	struct iscsi_task *task;	   /* counted reference: data lies in it */
	bool again;			   /* it keeps the StatSN it had */
	uint32_t stat_sn;		   /* once encoded; what does not use one up has none */
	uint32_t at_sn, at_offset, end_sn; /* DATA_AGAIN: the next PDU, and behind the last */
	const uint8_t *data;		   /* borrowed from the task, or `owned`, or `small` */
	uint32_t data_len;
	uint8_t *owned;
	uint8_t small[2 + SCSI_SENSE_MAX];
	uint8_t head[ISCSI_BHS_LEN + ISCSI_DIGEST_LEN], tail[3 + ISCSI_DIGEST_LEN];
	uint8_t head_len, tail_len;
	uint8_t function;	       /* TASK_MANAGEMENT_RESPONSE: to which */
	struct iscsi_fault_wire *wire; /* NULL, or what a fault rule sends in its place */
	uint64_t weight;	       /* bytes it counts for against limits.send_queue_max */
};

/* All zero, of no connection yet; NULL without memory. */
struct iscsi_out *iscsi_out_take(struct iscsi_node *node);
/* NULL without memory; then the connection is already doomed. */
struct iscsi_out *iscsi_out_new(struct iscsi_conn *conn, enum iscsi_out_kind kind);
/* Copies the data segment; false without memory: `out` is freed and the connection doomed. */
bool iscsi_out_set_data(struct iscsi_conn *conn, struct iscsi_out *out, const void *data,
			uint32_t len);
void iscsi_out_push(struct iscsi_conn *conn, struct iscsi_out *out);
void iscsi_out_discard_all(struct iscsi_conn *conn);
void iscsi_out_free(struct iscsi_out *out);
/* Everything behind an entry, sent or not. */
void iscsi_out_discard_behind(struct iscsi_conn *conn, struct iscsi_out *out);
/* Answers of which nothing is encoded yet. */
void iscsi_out_discard_tasks(struct iscsi_conn *conn);

/* kept.c */
/* What a PDU that is kept counts for, and whether so many, of this weight, are more than the node
 * keeps for one connection. */
uint64_t iscsi_kept_weight(const struct iscsi_out *out);
bool iscsi_kept_is_too_much(const struct iscsi_node *node, uint32_t count, uint64_t weight);
/* Takes over a PDU that was sent. */
void iscsi_kept_add(struct iscsi_conn *conn, struct iscsi_out *out);
/* Forgets what is before this StatSN. */
void iscsi_kept_acknowledge(struct iscsi_conn *conn, uint32_t exp_stat_sn);
void iscsi_kept_forget_all(struct iscsi_conn *conn);
/* Takes it out of the list; the caller has it. */
struct iscsi_out *iscsi_kept_take(struct iscsi_conn *conn, struct iscsi_out *out);
int iscsi_out_gather(struct iscsi_conn *conn, struct iovec *iov, int max);
void iscsi_out_consume(struct iscsi_conn *conn, size_t n);

/* lent.c: the data of a READ are gone (data_in_lost). */
void iscsi_lent_lost(struct iscsi_conn *conn);
/* Data-In, or an entry that becomes such, lies in memory of its own from now on. False: it is lost,
 * and the connection doomed. */
bool iscsi_lent_keep(struct iscsi_conn *conn, struct iscsi_out *out);
/* `data` is where it lies now: it may have been kept meanwhile. False: as above. */
bool iscsi_lent_find(struct iscsi_conn *conn, struct iscsi_out *out);

/* --- the connection --------------------------------------------------------------------------- */

/* A Text Request under way (RFC 7143 6.4): gathering the question, then giving the answer. */
struct iscsi_text_exchange {
	bool open, answering;
	uint32_t itt;
	uint32_t ttt; /* of our last partial response */
	struct iscsi_text request, answer;
	size_t answer_sent; /* bytes */
	uint32_t piece_max; /* MaxRecvDataSegmentLength as it was before this exchange, bytes */
	uint64_t moved_ms;
};

struct iscsi_conn {
	struct iscsi_node *node;
	struct iscsi_conn *prev, *next; /* node->conns */
	const struct iscsi_portal *portal;
	char local_address[ISCSI_ADDRESS_MAX], peer[ISCSI_ADDRESS_MAX];
	const struct iscsi_conn_host *host;
	void *host_context;
	enum iscsi_conn_state state;
	unsigned entered;   /* inside one of our calls: no wake */
	const char *doom;   /* why it is to be closed at the next safe moment; NULL: it is not */
	uint8_t stops;	    /* enum iscsi_conn_stop: why nothing is read; 0: it is */
	bool doom_discards; /* what is queued is not worth sending */

	/* Input. */
	struct iscsi_framer framer;
	uint8_t *input; /* login_input, then the node's, or `rest` */
	uint8_t *rest;	/* what was left in the node's when no more could be taken; owned */
	size_t input_at, input_end;
	uint8_t login_input[ISCSI_INPUT_LOGIN];
	struct iscsi_task *receiving; /* counted: the framer's place lies in its data_out */

	/* Login. */
	struct iscsi_login *login;		    /* NULL in full feature phase */
	struct iscsi_registry_challenge challenge;  /* that the login has sent */
	struct iscsi_conn *login_prev, *login_next; /* node->logins */
	struct iscsi_registry_login registered_login;
	bool resumes;			      /* WAITING is over: go on at the next tick */
	uint8_t last_response[ISCSI_BHS_LEN]; /* WAITING: what is to be sent */
	const uint8_t *last_text;	      /* the login's */
	uint32_t last_text_len;

	uint32_t who;  /* in the trace */
	bool attended; /* as of the last call: iscsi_conn_is_attended */
	/* Of fault rules; NULL: there are none in the node. */
	struct iscsi_fault_state *fault;
	struct iscsi_watch *watch; /* the observer's; NULL: nobody looks */
	bool watch_decided;	   /* its target is one that is observed, or none at all */

	/* Session. */
	struct iscsi_session *session; /* NULL before admit and after the end */
	struct iscsi_conn *session_next;
	uint16_t cid;
	struct iscsi_params params;
	uint32_t last_exp_cmd_sn, last_max_cmd_sn; /* kept when the session lets go */

	/* Output. */
	uint32_t stat_sn;
	uint32_t stat_pending;	/* queued PDUs that will use one up */
	uint32_t acked_stat_sn; /* the initiator's ExpStatSN */
	uint32_t fence_stat_sn; /* what a function that is fenced waits for */
	struct iscsi_out *out_first, *out_last;
	/* Sent, and kept until they are acknowledged (ErrorRecoveryLevel > 0); by StatSN. */
	struct iscsi_out *kept_first;
	uint32_t kept_count;
	uint64_t kept_weight;
	size_t out_sent;     /* bytes of out_first that are gone */
	uint64_t out_weight; /* bytes queued */
	bool is_blocked;     /* the socket took nothing when it was asked last */
	bool has_lent;	     /* data of something that was queued lie in a store */

	/* Full feature phase. */
	uint32_t immediate_commands, immediate_functions; /* under way */
	struct iscsi_text_exchange text;
	uint32_t ping_ttt;	  /* ISCSI_NO_TAG: no ping is outstanding */
	uint32_t rejects;	  /* since rejects_since_ms */
	struct iscsi_task *timed; /* write tasks with open sequences, longest silent first */

	/* Time. */
	uint64_t created_ms, received_ms, sent_ms, ping_ms, rejects_since_ms, closing_ms;
	/* After an async request; UINT64_MAX: there is none. */
	uint64_t logout_deadline_ms, negotiation_deadline_ms;
};

/* conn.c */
/* Something new to do came from outside: notes it with the host. */
void iscsi_conn_wake(struct iscsi_conn *conn);
/* Close at the next safe moment; the first reason counts. */
void iscsi_conn_doom(struct iscsi_conn *conn, const char *why, bool discard);
/* Nothing more is read; what is queued is sent (or discarded). The session is left before. */
void iscsi_conn_shut(struct iscsi_conn *conn, bool discard);
/* The session's nexus is open: the login's last response goes out at the next tick. (Not at once:
 * the caller is inside the target.) */
void iscsi_conn_session_ready(struct iscsi_conn *conn);
/* Its session is over: keeps the sequence numbers, forgets everything that belongs to it. */
void iscsi_conn_let_go(struct iscsi_conn *conn);
struct iscsi_sns iscsi_conn_sns(struct iscsi_conn *conn);
/* ExpStatSN of a request. */
void iscsi_conn_acknowledge(struct iscsi_conn *conn, uint32_t exp_stat_sn);
void iscsi_conn_stop_receiving(struct iscsi_conn *conn);
void iscsi_conn_log(const struct iscsi_conn *conn, enum iscsi_log_level level, const char *what,
		    const char *why);

void iscsi_conn_log_no_login(const struct iscsi_conn *conn, const char *why);
/* Every call of the facade is between these two. */
void iscsi_conn_enter(struct iscsi_conn *conn, uint64_t now_ms);
void iscsi_conn_leave(struct iscsi_conn *conn);
/* Takes what lies in the input buffer. */
void iscsi_conn_process(struct iscsi_conn *conn);
/* The rest of a received PDU's way, when no fault rule minds. */
void iscsi_conn_take_pdu(struct iscsi_conn *conn, const struct iscsi_pdu *pdu, bool data_is_sound);
/* A peer that does not take its answers gets no new questions in. */
bool iscsi_conn_is_held_back(const struct iscsi_conn *conn);

/* memory.c: data in memory, of all sessions. Early: it came unasked. */
bool iscsi_memory_is_short(struct iscsi_node *node);
bool iscsi_memory_reserve_early(struct iscsi_node *node, uint64_t len);
/* Somebody is in line, or there is too little: no, unless it is this one's turn, and alone. */
bool iscsi_memory_fits_in_line(struct iscsi_session *session, uint64_t own, uint64_t len);
/* The session has ended, or has no connection to answer on. */
void iscsi_memory_leave_line(struct iscsi_session *session);
/* Its turn has come. */
void iscsi_memory_continue(struct iscsi_session *session);
/* Something was given back while somebody is in line, here or on another loop; or it is much. */
void iscsi_memory_given(struct iscsi_node *node);
/* Another node needs memory, or has given some back. */
void iscsi_memory_asked(struct iscsi_node *node);

/* Do `len` bytes fit, when the caller gives back `own` for them? If not, the session is in line. */
static inline bool iscsi_memory_fits(struct iscsi_session *session, uint64_t own, uint64_t len)
{
	const struct iscsi_node *node = session->node;

	return (!node->in_line && node->data_used - own + len <= node->purse.granted) ||
	       iscsi_memory_fits_in_line(session, own, len);
}

static inline bool iscsi_memory_fits_early(struct iscsi_node *node, uint64_t len)
{
	return node->early_used + len <= node->purse.early_granted ||
	       iscsi_memory_reserve_early(node, len);
}

static inline void iscsi_memory_take(struct iscsi_node *node, uint64_t len)
{
	node->data_used += len;
}

static inline void iscsi_memory_give(struct iscsi_node *node, uint64_t len)
{
	node->data_used -= len;
	if (node->in_line || iscsi_purse_is_full(&node->purse, node->data_used))
		iscsi_memory_given(node);
}

static inline void iscsi_memory_take_early(struct iscsi_node *node, uint64_t len)
{
	node->early_used += len;
	node->data_used += len;
}

static inline void iscsi_memory_give_early(struct iscsi_node *node, uint64_t len)
{
	node->early_used -= len;
	if (node->early_used + node->purse.early_spare_max < node->purse.early_granted)
		iscsi_purse_trim(&node->purse, node->data_used, node->early_used);
	iscsi_memory_give(node, len);
}

/* login_phase.c */
bool iscsi_login_phase_begin(struct iscsi_conn *conn);
/* One PDU that came during login. */
void iscsi_login_phase_take(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
/* Sends the last response; full feature phase begins behind it. */
void iscsi_login_phase_complete(struct iscsi_conn *conn);
/* Sends a login status that the login did not come to itself; `close`: and ends it. */
void iscsi_login_phase_refuse(struct iscsi_conn *conn, const struct iscsi_pdu *pdu, uint16_t status,
			      const char *text, uint32_t len, bool close);
void iscsi_login_phase_leave(struct iscsi_conn *conn);
void iscsi_login_phase_free(struct iscsi_conn *conn);
/* A flood of connections that say nothing must not shut out those that do: the oldest goes. */
void iscsi_login_phase_make_room(struct iscsi_node *node);

/* observe.c; the two in the middle are for a connection with a watch. */
void iscsi_observe_begin(struct iscsi_conn *conn);
void iscsi_observe_event(struct iscsi_conn *conn, enum iscsi_frame_event event);
void iscsi_observe_sent(struct iscsi_conn *conn, const struct iscsi_out *out);
void iscsi_observe_end(struct iscsi_conn *conn);

/* trace.c */
void iscsi_trace_open(struct iscsi_conn *conn);
void iscsi_trace_close(struct iscsi_conn *conn);
/* What the log tells as well. */
void iscsi_trace_told(const struct iscsi_conn *conn, const char *what, const char *why);
static inline bool iscsi_trace_wants_pdus(const struct iscsi_conn *conn)
{
	const struct trace_ring *ring = conn->node->config.trace;

	return ring && ring->pdus > 0;
}

/* Will data be sent soon, and will nobody but the kernel look at them, or we for the digest?
 * What begins to look later has them copied. */
static inline bool iscsi_conn_takes_lent(const struct iscsi_conn *conn)
{
	return conn->params.error_recovery_level == 0 && !conn->is_blocked && !conn->attended;
}
void iscsi_trace_received(struct iscsi_conn *conn, enum iscsi_frame_event event);
void iscsi_trace_sent(struct iscsi_conn *conn, const struct iscsi_out *out);
/* What the observer has found with the PDU at hand. */
struct iscsi_finding;
void iscsi_trace_finding(void *conn, const struct iscsi_finding *finding);
/* Somebody minds its PDUs: fault rules, the observer, or a trace. */
static inline bool iscsi_conn_is_attended(const struct iscsi_conn *conn)
{
	return (conn->fault != NULL) | (conn->watch != NULL) | iscsi_trace_wants_pdus(conn);
}
/* attend.c: the points of a connection that is attended. False: a fault rule keeps the PDU. */
bool iscsi_attend_received(struct iscsi_conn *conn, enum iscsi_frame_event event,
			   struct iscsi_pdu *pdu);
/* For those who only look: also a PDU that is broken, and on any connection. */
void iscsi_attend_event(struct iscsi_conn *conn, enum iscsi_frame_event event);
void iscsi_attend_sent(struct iscsi_conn *conn, struct iscsi_out *out);
/* How many of the iovecs may go now, and that so many bytes went. */
int iscsi_attend_shape(struct iscsi_conn *conn, struct iovec *iov, int count);
void iscsi_attend_consumed(struct iscsi_conn *conn, size_t n);
/*
 * fault_*.c: the points where fault rules are asked; all but the first are for a connection with a
 * fault state.
 */
void iscsi_fault_accept(struct iscsi_conn *conn);
/* A PDU that came; may change it. False: it is not to be looked at. */
bool iscsi_fault_received(struct iscsi_conn *conn, struct iscsi_pdu *pdu, bool data_is_sound);
/* A PDU that is about to go. True: out->wire has its place. */
bool iscsi_fault_sent(struct iscsi_conn *conn, struct iscsi_out *out);
/* The entry is what it was; of one that goes. */
void iscsi_fault_wire_restore(struct iscsi_out *out);
/* The entry is one of fault rules, and has its bytes now; else false. */
bool iscsi_fault_write(struct iscsi_conn *conn, struct iscsi_out *out);
/* A rule has made it vanish. */
bool iscsi_fault_is_lost(const struct iscsi_out *out);
/* Of the answer to a text: how long its pieces are, and what else SendTargets tells. */
uint32_t iscsi_fault_text_piece(struct iscsi_conn *conn, uint32_t piece_max);
void iscsi_fault_text_answer(struct iscsi_conn *conn, struct iscsi_text *answer);
/* Cuts what may be sent now out of what could be. */
int iscsi_fault_shape(struct iscsi_conn *conn, struct iovec *iov, int count);
void iscsi_fault_consumed(struct iscsi_conn *conn, size_t n);
/* What rules hold up is to be sent before it ends; or it is not. */
bool iscsi_fault_is_sending(const struct iscsi_conn *conn);
void iscsi_fault_discard(struct iscsi_conn *conn);
/* It closes without a word to the initiator. */
bool iscsi_fault_is_silent(const struct iscsi_conn *conn);
/* Its own timers stand still: a half-open connection must not end by itself. */
bool iscsi_fault_stops_time(const struct iscsi_conn *conn);
/* `own`: the connection's. */
uint64_t iscsi_fault_deadline(const struct iscsi_conn *conn, uint64_t own);
void iscsi_fault_tick(struct iscsi_conn *conn);
void iscsi_fault_free(struct iscsi_conn *conn);
/* Of a task: what a rule makes of a command before it begins, and of its result. */
enum scsi_gate iscsi_fault_begin_task(struct scsi_task *scsi);
void iscsi_fault_result(struct iscsi_task *task);
/* Its rule lets go of it, if one has hold of it. True: that rule wants it never to be answered. */
bool iscsi_fault_task_ended(struct iscsi_task *task);

/* dispatch.c */
void iscsi_dispatch(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
void iscsi_dispatch_digest_error(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
/* Delivers what waited for ExpCmdSN. */
void iscsi_dispatch_held(struct iscsi_session *session);

/*
 * Requests: `check` judges a PDU and changes nothing (0: fine, else a Reject reason); `run` carries
 * it out. Between them the request's CmdSN counts as received.
 */
uint8_t iscsi_command_check(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
void iscsi_command_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
uint8_t iscsi_data_out_check(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
void iscsi_data_out_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
uint8_t iscsi_manage_check(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
void iscsi_manage_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
uint8_t iscsi_nop_check(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
void iscsi_nop_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
uint8_t iscsi_logout_check(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
void iscsi_logout_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
uint8_t iscsi_text_check(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
void iscsi_text_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
uint8_t iscsi_snack_check(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
void iscsi_snack_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);

/* manage.c */
enum iscsi_tmf_stage {
	ISCSI_TMF_EXECUTING = 0, /* with the target */
	ISCSI_TMF_WAITING,	 /* for what is on its way to the tasks that it aborts */
	ISCSI_TMF_FENCED,	 /* for acknowledgements on other connections */
};

struct iscsi_tmf {
	struct scsi_tmf scsi;
	struct iscsi_tmf *prev, *next; /* session->tmfs */
	struct iscsi_session *session;
	struct iscsi_conn *conn; /* NULL: nobody waits for the answer */
	uint32_t itt;		 /* ISCSI_NO_TAG: our own */
	bool immediate;
	bool many; /* it aborts more than one task */
	enum iscsi_tmf_stage stage;
	uint32_t cmd_sn;
	uint64_t deadline_ms; /* while it waits: then it goes on all the same */
};
/* The rest of a function that has waited; false: there is nobody to answer any more. */
void iscsi_manage_execute(struct iscsi_tmf *tmf);
void iscsi_manage_finish(struct iscsi_tmf *tmf);
/* A function that never ran, of a connection or a session that ends. */
void iscsi_manage_drop(struct iscsi_tmf *tmf);
bool iscsi_manage_is_in_scope(const struct iscsi_tmf *tmf, const uint8_t *lun);

/* manage_wait.c */
/* Begins the wait for commands and data that are on their way; may execute at once. */
void iscsi_manage_wait(struct iscsi_tmf *tmf);
/* The target is done: waits until the other connections of the session have acknowledged what was
 * sent before, then answers. */
void iscsi_manage_fence(struct iscsi_tmf *tmf);
/* Something came, or time has passed: whoever waits looks again. */
void iscsi_manage_look(struct iscsi_session *session);
/* No request with this CmdSN or a later one is delivered: a function waits. */
bool iscsi_manage_bars(const struct iscsi_session *session, uint32_t cmd_sn);
uint64_t iscsi_manage_deadline(const struct iscsi_conn *conn);
/* Functions that waited are gone, unfinished: the tasks that they meant to abort, and the requests
 * that they barred, go on. */
void iscsi_manage_resume(struct iscsi_session *session);
/* The functions of a connection that leaves (NULL: of every one) have nobody to answer. */
void iscsi_manage_forget(struct iscsi_session *session, const struct iscsi_conn *conn);
void iscsi_manage_abort(struct iscsi_task *task); /* our own ABORT TASK */
bool iscsi_manage_uses_itt(const struct iscsi_session *session, uint32_t itt);
/* Were the functions of RFC 7144 agreed on (iSCSIProtocolLevel = 2)? */
bool iscsi_manage_has_queries(const struct iscsi_session *session);

/* lost.c */
/* ErrorRecoveryLevel 2: can its tasks outlive it? */
bool iscsi_lost_may_keep(const struct iscsi_conn *conn);
/* They do. `released`: they may be reassigned at once. False: no memory. */
bool iscsi_lost_keep(struct iscsi_conn *conn, bool released);
/* The node stops: sessions without connections have nothing to wait for. */
void iscsi_lost_shutdown(struct iscsi_node *node);
void iscsi_lost_add_answer(struct iscsi_task *task);
void iscsi_lost_forget_all(struct iscsi_session *session);
/* Of a connection that is lost already; false: there is none with this CID. */
bool iscsi_lost_log_out(struct iscsi_session *session, uint16_t cid, bool for_recovery);
enum iscsi_reassign_verdict { /* values as in RFC 7143 11.6.1 */
	ISCSI_REASSIGN_COMPLETE = 0,
	ISCSI_REASSIGN_NO_TASK = 1,
	ISCSI_REASSIGN_STILL_ALLEGIANT = 3,
	ISCSI_REASSIGN_NOT_SUPPORTED = 4,
};
enum iscsi_reassign_verdict iscsi_lost_judge(const struct iscsi_session *session, uint32_t itt);
void iscsi_lost_resume(struct iscsi_conn *conn, uint32_t itt, uint32_t exp_data_sn);

/* nop.c */
void iscsi_nop_ping(struct iscsi_conn *conn);
void iscsi_nop_carry_window(struct iscsi_conn *conn);

/* text_request.c */
void iscsi_text_exchange_free(struct iscsi_text_exchange *text);

/* async.c */
void iscsi_async_send(struct iscsi_conn *conn, enum iscsi_async_event event);
/* Another connection of the session is lost, and can be recovered. */
void iscsi_async_lost(struct iscsi_conn *conn, uint16_t cid);
/* The target stops: asks for logout, or closes at once what is no normal session. */
void iscsi_async_shutdown(struct iscsi_conn *conn);

/* reject.c */
void iscsi_reject(struct iscsi_conn *conn, const struct iscsi_pdu *pdu, uint8_t reason);
/* Of a Data or R2T SNACK: with the DataSN or R2TSN that comes next (RFC 7143 11.17.2). */
void iscsi_reject_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu, uint32_t next_sn);

#endif
