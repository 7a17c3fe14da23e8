/*
 * The inside of a connection: its queues, the tasks it carries, and what the files of the full
 * feature phase ask of each other. For transport/ only.
 *
 *   conn.c         facade: input, output, state     timers.c    deadlines, and what is due then
 *   login_phase.c  until full feature phase         dispatch.c  which handler, in which order
 *   output.c       queue of PDUs -> iovecs          task.c      one SCSI task's life
 *   command.c      SCSI Command                     data_out.c  Data-Out PDUs
 *   data_gather.c  a task's write data              r2t.c       R2T
 *   data_room.c    memory for write data            burst.c     one sequence of data
 *   manage.c       task management
 *   data_in.c      Data-In, SCSI Response           manage_wait.c  its order
 *   text_request.c, nop.c, logout.c, async.c, reject.c: what their names say
 */
#ifndef TRANSPORT_CONN_INTERNAL_H
#define TRANSPORT_CONN_INTERNAL_H

#include "transport/conn.h"
#include "transport/framing.h"
#include "transport/session.h"

#define ISCSI_INPUT_LOGIN	512   /* bytes of input buffer before full feature phase */
#define ISCSI_INPUT_FULL	16384 /* and in it; large data goes past it, straight into place */
#define ISCSI_R2TS_MAX		32    /* R2Ts outstanding per task, whatever was negotiated */
#define ISCSI_EMPTY_DATA_MAX	64    /* Data-Out PDUs without data in one sequence */
#define ISCSI_RECOVERIES_MAX	32    /* times that data of one task is asked for again */
#define ISCSI_GAPS_MAX		1024  /* in one sequence, with DataPDUInOrder=No */
#define ISCSI_TEXT_IDLE_MS	30000 /* then a Text exchange may be forgotten */
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
};

/*
 * One PDU to send. It is encoded when its bytes are first asked for, so that it carries the newest
 * sequence numbers and StatSN follows the order on the wire.
 */
struct iscsi_out {
	struct iscsi_out *next;
	enum iscsi_out_kind kind;
	bool encoded;
	bool header_digest, data_digest; /* as they were when it was queued */
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
	uint64_t weight; /* bytes it counts for against limits.send_queue_max */
};

/* NULL without memory; then the connection is already doomed. */
struct iscsi_out *iscsi_out_new(struct iscsi_conn *conn, enum iscsi_out_kind kind);
/* Copies the data segment; false without memory: `out` is freed and the connection doomed. */
bool iscsi_out_set_data(struct iscsi_conn *conn, struct iscsi_out *out, const void *data,
			uint32_t len);
void iscsi_out_push(struct iscsi_conn *conn, struct iscsi_out *out);
void iscsi_out_discard_all(struct iscsi_conn *conn);
void iscsi_out_free(struct iscsi_out *out);

/* kept.c */
/* Takes over a PDU that was sent. */
void iscsi_kept_add(struct iscsi_conn *conn, struct iscsi_out *out);
/* Forgets what is before this StatSN. */
void iscsi_kept_acknowledge(struct iscsi_conn *conn, uint32_t exp_stat_sn);
void iscsi_kept_forget_all(struct iscsi_conn *conn);
/* Takes it out of the list; the caller has it. */
struct iscsi_out *iscsi_kept_take(struct iscsi_conn *conn, struct iscsi_out *out);
int iscsi_out_gather(struct iscsi_conn *conn, struct iovec *iov, int max);
void iscsi_out_consume(struct iscsi_conn *conn, size_t n);

/* --- tasks ------------------------------------------------------------------------------------ */

enum iscsi_task_state {
	ISCSI_TASK_INVALID = 0,
	ISCSI_TASK_EXECUTING, /* with the target: complete, want_data or aborted will come */
	ISCSI_TASK_GATHERING, /* the target waits for data */
	ISCSI_TASK_RUNNING,   /* the target has its data */
	ISCSI_TASK_REFUSED,   /* ended, but data that was announced still has to come (11.4.2) */
	ISCSI_TASK_ENDED,     /* out of the session */
};

struct iscsi_gap {
	uint32_t from, to; /* buffer offsets: of the first byte, behind the last byte */
};

/*
 * A Data-Out sequence: the unsolicited burst, or the answer to one R2T. With DataPDUInOrder=Yes one
 * gap is left, and it shrinks from the front; otherwise there can be many.
 */
struct iscsi_burst {
	bool open;
	uint32_t ttt;	     /* ISCSI_NO_TAG: unsolicited */
	uint32_t start, end; /* buffer offsets */
	uint32_t missing;    /* bytes */
	struct iscsi_gap first;
	struct iscsi_gap *more; /* gaps behind the first, ascending */
	uint32_t more_count, more_cap;
	uint32_t data_sn, r2t_sn;
	uint32_t empty_pdus;
	bool repeated; /* its R2T was sent twice, and not answered */
	bool lost; /* one of its PDUs is: what follows is not stored, the rest is asked for again */
};

struct iscsi_task {
	struct scsi_task scsi;
	struct iscsi_session *session; /* NULL once ENDED */
	struct iscsi_conn *conn;       /* allegiance; NULL once that connection is gone */
	struct iscsi_task *chain;      /* session->tasks_by_itt */
	enum iscsi_task_state state;
	unsigned refs; /* session, output queue, a Data-Out being received, callers inside */

	uint32_t itt;
	bool immediate, read, write;
	bool inside_execute; /* target_execute is on the stack */
	bool abort_sent;     /* our own ABORT TASK is under way */
	bool stopping;	     /* a function waits to abort it: nothing more is asked for */

	/* Write data. Until there is a buffer it is kept in `early`, at most FirstBurstLength. */
	const uint8_t *immediate_data; /* borrowed, while inside_execute */
	uint8_t *early;
	uint32_t early_len;
	uint32_t first_len; /* bytes of the first burst that have come without a gap */
	struct iscsi_burst unsolicited;
	struct iscsi_burst *r2ts; /* r2t_slots of them */
	uint32_t r2t_slots, r2ts_open, r2t_sn;
	bool soliciting;     /* the first burst is over */
	uint32_t solicited;  /* buffer offset up to which data came, or was asked for */
	uint32_t received;   /* bytes that are in data_out */
	uint32_t recoveries; /* times that data was asked for again */
	bool faulted;	     /* the sequence is wrong: swallow the rest, then fail */
	uint8_t fault_asc, fault_ascq;
	uint64_t data_share, early_share; /* counted in session->data_used, early_used */
	bool waits_for_room;		  /* in session->data_waiters */
	struct iscsi_task *waiter_prev, *waiter_next;
	bool timed; /* in conn->timed */
	struct iscsi_task *timed_prev, *timed_next;
	uint64_t last_data_ms;

	/* Read data. */
	uint32_t in_sent; /* bytes put into Data-In PDUs */
	uint32_t data_sn;
	uint32_t segment_max; /* MaxRecvDataSegmentLength when it was answered, bytes */
	uint32_t acked_data_sn, acked_offset; /* the initiator has everything before */
	uint32_t ack_ttt;		      /* of Data-In PDUs with the A bit */
	uint32_t snack_tag;
	struct iscsi_residual residual, read_residual;
};

/* task.c */
struct iscsi_task *iscsi_task_new(struct iscsi_conn *conn,
				  const struct iscsi_scsi_command *command);
void iscsi_task_unref(struct iscsi_task *task);
/* Leaves the session and everything that waits for it. Does not answer. */
void iscsi_task_end(struct iscsi_task *task);
/* Answers, now or when announced data has come. */
void iscsi_task_answer(struct iscsi_task *task);
/* Internal ABORT TASK for every task of a connection that leaves its session alive. */
void iscsi_task_abort_all_of(struct iscsi_session *session, const struct iscsi_conn *conn);

/* data_in.c */
/* O, U, o, u and their counts. */
void iscsi_task_note_residuals(struct iscsi_task *task);
/* Turns a TASK entry into its next PDU: either a new entry to be sent before it, or itself.
 * NULL without memory. */
struct iscsi_out *iscsi_task_next_pdu(struct iscsi_conn *conn, struct iscsi_out *entry);
/* The same for a DATA_AGAIN entry. */
struct iscsi_out *iscsi_task_next_again(struct iscsi_conn *conn, struct iscsi_out *entry);
/* Bytes in the Data-In PDU that begins at this offset. */
uint32_t iscsi_task_segment_len(const struct iscsi_conn *conn, const struct iscsi_task *task,
				uint32_t offset);

/* r2t.c */
/* Asks for more, as far as MaxOutstandingR2T goes. */
void iscsi_r2t_solicit(struct iscsi_task *task);
/* Asks once more for what is missing of a sequence, with a new R2T. */
void iscsi_r2t_recover(struct iscsi_task *task, struct iscsi_burst *burst);
/* The same R2T once more: it, or all of its answer, may have got lost. */
void iscsi_r2t_repeat(struct iscsi_task *task, const struct iscsi_burst *burst);

/* burst.c */
/* Expects the bytes [start, end), in PDUs with this tag. */
void iscsi_burst_open(struct iscsi_burst *burst, uint32_t ttt, uint32_t start, uint32_t end);
void iscsi_burst_close(struct iscsi_task *task, struct iscsi_burst *burst);
/* The open one with this tag, or NULL. */
struct iscsi_burst *iscsi_burst_find(struct iscsi_task *task, uint32_t ttt);
/* May these bytes come now? They are missing, and in order if that was agreed on. */
bool iscsi_burst_takes(const struct iscsi_task *task, const struct iscsi_burst *burst,
		       uint32_t offset, uint32_t len);
/* They have come. False: too many gaps, or no memory. */
bool iscsi_burst_take(struct iscsi_burst *burst, uint32_t offset, uint32_t len);

/* data_room.c */
bool iscsi_room_fits_early(const struct iscsi_session *session, uint32_t len);
void iscsi_room_take_early(struct iscsi_task *task, uint32_t len);
void iscsi_room_give_back_early(struct iscsi_task *task);
/* Room for the task's buffer; false: it waits, and iscsi_data_out_continue will be called. */
bool iscsi_room_take(struct iscsi_task *task);
void iscsi_room_stop_waiting(struct iscsi_task *task);
void iscsi_room_give_back(struct iscsi_task *task);

/* data_gather.c */
/* ErrorRecoveryLevel > 0: what is lost can be had again. */
bool iscsi_task_recovers(const struct iscsi_task *task);
/* A sequence is over, or silent, and not whole. */
void iscsi_data_out_recover(struct iscsi_task *task, struct iscsi_burst *burst);
/* Behind target_execute: the immediate data is the caller's and goes away, so what is not in a
 * buffer yet is kept. False: no memory. */
bool iscsi_data_out_settle(struct iscsi_task *task);
/* Bytes that have to be kept for a command when it does not get a buffer at once. */
uint32_t iscsi_data_out_early_need(const struct iscsi_task *task, uint32_t immediate_len);
void iscsi_data_out_continue(struct iscsi_task *task);
/* A sequence moved on, or ended: what follows for the task? */
void iscsi_data_out_progress(struct iscsi_task *task);
/* The task will fail with ABORTED COMMAND and these codes; the first fault counts. */
#define ISCSI_ASC_PROTOCOL_CRC_ERROR 0x47, 0x05 /* RFC 7143 11.4.7.2 */
void iscsi_data_out_fault(struct iscsi_task *task, uint8_t asc, uint8_t ascq);
/* Starts the clock anew for the sequence that is open. */
void iscsi_data_out_arm(struct iscsi_task *task);
bool iscsi_data_out_expected(const struct iscsi_task *task);
/* Every sequence is over, whether its data came or not. */
void iscsi_data_out_cancel(struct iscsi_task *task);
void iscsi_data_out_free(struct iscsi_task *task);
void iscsi_data_out_timeout(struct iscsi_task *task);

/* data_out.c */
/* At ISCSI_FRAME_HEADER: where the data segment can be received, or NULL. */
uint8_t *iscsi_data_out_place(struct iscsi_conn *conn, const uint8_t *bhs, uint32_t data_len);
void iscsi_data_out_digest_error(struct iscsi_conn *conn, const uint8_t *bhs);

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
	bool doom_discards; /* what is queued is not worth sending */

	/* Input. */
	struct iscsi_framer framer;
	uint8_t *input;
	size_t input_cap, input_at, input_end;
	uint8_t login_input[ISCSI_INPUT_LOGIN];
	struct iscsi_task *receiving; /* counted: the framer's place lies in its data_out */

	/* Login. */
	struct iscsi_login *login;		    /* NULL in full feature phase */
	struct iscsi_conn *login_prev, *login_next; /* node->logins */
	bool resumes;				    /* WAITING is over: go on at the next tick */
	uint8_t last_response[ISCSI_BHS_LEN];	    /* WAITING: what is to be sent */
	const uint8_t *last_text;		    /* the login's */
	uint32_t last_text_len;

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
	uint64_t kept_weight;
	size_t out_sent;     /* bytes of out_first that are gone */
	uint64_t out_weight; /* bytes queued */

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
/* A peer that does not take its answers gets no new questions in. */
bool iscsi_conn_is_held_back(const struct iscsi_conn *conn);

/* login_phase.c */
bool iscsi_login_phase_begin(struct iscsi_conn *conn);
/* One PDU that came during login. */
void iscsi_login_phase_take(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
/* Sends the last response; full feature phase begins behind it. */
void iscsi_login_phase_complete(struct iscsi_conn *conn);
void iscsi_login_phase_leave(struct iscsi_conn *conn);
void iscsi_login_phase_free(struct iscsi_conn *conn);
/* A flood of connections that say nothing must not shut out those that do: the oldest goes. */
void iscsi_login_phase_make_room(struct iscsi_node *node);

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
/* The functions of a connection that leaves (NULL: of every one) have nobody to answer. */
void iscsi_manage_forget(struct iscsi_session *session, const struct iscsi_conn *conn);
void iscsi_manage_abort(struct iscsi_task *task); /* our own ABORT TASK */
bool iscsi_manage_uses_itt(const struct iscsi_session *session, uint32_t itt);
/* Were the functions of RFC 7144 agreed on (iSCSIProtocolLevel = 2)? */
bool iscsi_manage_has_queries(const struct iscsi_session *session);

/* nop.c */
void iscsi_nop_ping(struct iscsi_conn *conn);
void iscsi_nop_carry_window(struct iscsi_conn *conn);

/* text_request.c */
void iscsi_text_exchange_free(struct iscsi_text_exchange *text);

/* async.c */
void iscsi_async_send(struct iscsi_conn *conn, enum iscsi_async_event event);
/* The target stops: asks for logout, or closes at once what is no normal session. */
void iscsi_async_shutdown(struct iscsi_conn *conn);

/* reject.c */
void iscsi_reject(struct iscsi_conn *conn, const struct iscsi_pdu *pdu, uint8_t reason);
/* Of a Data or R2T SNACK: with the DataSN or R2TSN that comes next (RFC 7143 11.17.2). */
void iscsi_reject_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu, uint32_t next_sn);

#endif
