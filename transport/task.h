/*
 * One SCSI task of a session, and its data: what the files about them ask of each other. For
 * transport/ only; comes with conn_internal.h.
 */
#ifndef TRANSPORT_TASK_H
#define TRANSPORT_TASK_H

#include "target/task.h"
#include "transport/pdu.h"

struct iscsi_conn;
struct iscsi_out;
struct iscsi_session;

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
	struct spare_list *spares;     /* where it goes in the end */
	struct iscsi_session *session; /* NULL once ENDED */
	struct iscsi_conn *conn;       /* allegiance; NULL once that connection is gone */
	struct iscsi_task *chain;      /* session->tasks_by_itt */
	enum iscsi_task_state state;
	unsigned refs; /* session, output queue, a Data-Out being received, callers inside */

	uint32_t itt;
	bool immediate, read, write;
	bool inside_execute; /* target_execute is on the stack */
	bool abort_sent;     /* our own ABORT TASK is under way */
	bool suspended;	     /* its connection (`cid`) is lost, and may be recovered */
	uint16_t cid;
	struct fault_held_task *held; /* NULL, or why it has not begun */
	bool stopping;		      /* a function waits to abort it: nothing more is asked for */

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
	uint32_t read_wanted; /* bytes of room (read_room.c) */
	uint32_t read_share;  /* of them counted in session->read_used */
	bool waits_to_read;   /* in session->readers */
	struct iscsi_task *reader_prev, *reader_next;
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
/* Internal ABORT TASK for every task that has lost its connection for good. */
void iscsi_task_abort_orphans(struct iscsi_session *session);
/* Internal ABORT TASK for every task of a connection that leaves its session alive. */
void iscsi_task_abort_all_of(struct iscsi_session *session, const struct iscsi_conn *conn);

/* data_in.c */
/* O, U, o, u and their counts. */
void iscsi_task_note_residuals(struct iscsi_task *task);
/* Turns a TASK entry into its next PDU: either a new entry to be sent before it, or itself.
 * NULL without memory. */
struct iscsi_out *iscsi_task_next_pdu(struct iscsi_conn *conn, struct iscsi_out *entry);
/* On another connection: data from this DataSN on, or (0) from what was acknowledged. */
void iscsi_task_resume_data(struct iscsi_conn *conn, struct iscsi_task *task, uint32_t exp_data_sn);
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
/* Room has become free: whoever waits for it and fits goes on. */
void iscsi_room_pass_on(struct iscsi_session *session);

/* read_room.c */
/* Room for so many bytes of Data-In; false: it waits, and target_data_in_room will be called. */
bool iscsi_read_room_take(struct iscsi_task *task, uint32_t len);
/* Of a task that has ended. */
void iscsi_read_room_give_back(struct iscsi_session *session, struct iscsi_task *task);
/* Output was sent, or left with its connection. */
void iscsi_read_room_pass_on(struct iscsi_session *session);

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
/* Its connection is lost: open sequences end, and the rest can be asked for later. */
void iscsi_data_out_suspend(struct iscsi_task *task);
bool iscsi_data_out_expected(const struct iscsi_task *task);
/* Every sequence is over, whether its data came or not. */
void iscsi_data_out_cancel(struct iscsi_task *task);
void iscsi_data_out_free(struct iscsi_task *task);
void iscsi_data_out_timeout(struct iscsi_task *task);

/* data_out.c */
/* At ISCSI_FRAME_HEADER: where the data segment can be received, or NULL. */
uint8_t *iscsi_data_out_place(struct iscsi_conn *conn, const uint8_t *bhs, uint32_t data_len);
void iscsi_data_out_digest_error(struct iscsi_conn *conn, const uint8_t *bhs);

#endif
