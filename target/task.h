/*
 * scsi_task: the one struct that crosses layers. The transport makes one for each SCSI command, the
 * device server fills in how it ended, the transport sends that and frees it.
 *
 * One life:
 *  - the transport fills in the request part and calls target_execute(task);
 *  - the target waits until its attribute lets it run (SAM-5 8), then completes it
 *    (ops->complete), or asks for its data (ops->want_data, once, after
 *    every check that can refuse the command, so a refused write sends no R2T);
 *  - the transport lets the buffer be allocated (target_data_out_prepare) when it has room for it,
 *    gathers exactly data_out_len bytes into data_out, then target_data_out_ready;
 *  - or, for a command that reads, asks whether there is room for what it may bring
 *    (ops->room_for_data_in), and if not begins when it is told so (target_data_in_room);
 *  - the target works, and completes;
 *  - the transport sends data-in and status, then target_task_release(task).
 *
 * complete and want_data may be called before target_execute returns. An aborted task is not
 * completed: ops->aborted is called instead, exactly once, and tells whether a TASK ABORTED status
 * (TAS = 1) is to be sent. From inside any of the three the transport may release the task (but not
 * in want_data), close nexuses, and start other commands.
 */
#ifndef TARGET_TASK_H
#define TARGET_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/executor.h"

#define SCSI_CDB_MAX 32 /* bytes kept; a longer CDB (AHS) is passed cut, with its real cdb_len */
#define SCSI_SENSE_MAX \
	32 /* bytes: fixed format is 18; descriptor format with one descriptor is 28 */

enum scsi_status {
	SCSI_STATUS_GOOD = 0x00,
	SCSI_STATUS_CHECK_CONDITION = 0x02,
	SCSI_STATUS_CONDITION_MET = 0x04,
	SCSI_STATUS_BUSY = 0x08,
	SCSI_STATUS_RESERVATION_CONFLICT = 0x18,
	SCSI_STATUS_TASK_SET_FULL = 0x28,
	SCSI_STATUS_ACA_ACTIVE = 0x30,
	SCSI_STATUS_TASK_ABORTED = 0x40,
};

enum scsi_task_attribute {
	SCSI_ATTRIBUTE_UNTAGGED = 0,
	SCSI_ATTRIBUTE_SIMPLE = 1,
	SCSI_ATTRIBUTE_ORDERED = 2,
	SCSI_ATTRIBUTE_HEAD_OF_QUEUE = 3,
	SCSI_ATTRIBUTE_ACA = 4,
};

/* The device server's private state of a task; the transport neither reads nor writes it. */
enum scsi_task_phase {
	SCSI_TASK_IDLE = 0,	/* not in any task set */
	SCSI_TASK_DORMANT,	/* waits for its turn (task_order.h); nothing was checked yet */
	SCSI_TASK_WAITING_DATA, /* want_data was called, or there is no room for data_in */
	SCSI_TASK_RUNNING,	/* a backing request or a commit is under way */
	SCSI_TASK_DONE,		/* complete was called; waits for release */
	SCSI_TASK_ABORTED, /* aborted was or will be called; nothing more reaches the transport */
};

struct scsi_task;
struct spare_list;
struct scsi_nexus;
struct scsi_lun;
struct scsi_command;
struct scsi_drain;
struct remote_task;

/* What stands between a command and its checks says: */
enum scsi_gate {
	SCSI_GATE_CLOSED = 0, /* it waits for target_task_go_on */
	SCSI_GATE_OPEN,	      /* it begins */
	SCSI_GATE_ENDED,      /* it does not: status and sense are set (target_task_inject) */
};

struct scsi_task_ops {
	/*
	 * It is its turn, on a LUN that is there; nothing was checked yet. NULL: it begins. A
	 * command that waits here is part of its task set: it can be aborted, and then
	 * target_task_go_on must not be called any more.
	 */
	enum scsi_gate (*begin)(struct scsi_task *task);
	/* The task ended: status, sense, data_in are set. */
	void (*complete)(struct scsi_task *task);
	/* target_data_out_prepare when there is room for data_out_room bytes, gather data_out_len
	 * bytes into data_out, then target_data_out_ready. */
	void (*want_data)(struct scsi_task *task);
	/*
	 * Is there room for `len` bytes of data_in? Asked before the command begins. False: it will
	 * begin, from its checks, with target_data_in_room. NULL: there always is.
	 */
	bool (*room_for_data_in)(struct scsi_task *task, uint32_t len);
	/*
	 * The task was aborted and touches the medium no more; it is out of every task set. With
	 * send_status (TAS = 1) status is TASK ABORTED and must be sent, else nothing is. The
	 * transport drops late Data-Out, and calls target_task_release when it is done with it.
	 */
	void (*aborted)(struct scsi_task *task, bool send_status);
};

struct scsi_task {
	/* The request, by the transport. */
	struct scsi_nexus *nexus;
	const struct scsi_task_ops *ops;
	void *owner;	      /* the transport's */
	uint32_t tag;	      /* for traces: the ITT */
	uint8_t lun_bytes[8]; /* SAM-5 LUN field as received */
	enum scsi_task_attribute attribute;
	uint8_t cdb[SCSI_CDB_MAX]; /* padded with zeros */
	uint16_t cdb_len;	   /* bytes received; 16 for a plain iSCSI CDB */
	uint32_t data_at_hand; /* bytes of Data-Out that have come with the command: whoever wants
				  just these has them at once */
	uint32_t expected_out; /* bytes that the initiator expects to send (EDTL, W = 1), else 0 */
	uint32_t
		expected_in; /* bytes that the initiator expects to receive (EDTL, R = 1), else 0 */
	bool takes_lent;     /* data_in may be lent (target_data_in_keep) */

	/* The answer, by the target. */
	enum scsi_status status;
	uint8_t sense[SCSI_SENSE_MAX];
	uint8_t sense_len; /* 0 unless CHECK CONDITION */
	uint8_t *data_in;  /* owned by the task; data_in_len bytes to send (<= expected_in) */
	uint32_t data_in_len;
	bool data_in_lent; /* the store's: only the kernel may look at it, and when anything else of
			      the target was called it may have moved */
	bool data_in_lost; /* it was lent, could not be kept, and is no more: nothing can be sent */
	/*
	 * Bytes that the command as a whole wanted to move (SPDTL, RFC 7143 11.4.5.1), after the
	 * CDB's own allocation length: against the expected length it gives the residual. Up to
	 * 2^35.
	 */
	uint64_t transfer_len;
	uint8_t *data_out; /* owned by the task, or lent; data_out_len bytes (<= expected_out) */
	uint32_t data_out_len;
	uint64_t
		data_out_room; /* bytes of memory that data_out needs: the command's whole length */
	bool wants_data_out;   /* the command takes some, even if the initiator sends none */

	/* The target's own. */
	struct spare_list *spares; /* of this loop: where data_in and data_out come from and go */
	bool by_copy_manager; /* a piece of an EXTENDED COPY (copy.h): leaves unit attentions and
				 deferred errors, and waits for no turn */
	enum scsi_task_phase phase;
	bool abort_send_status;
	bool has_room;	       /* for data_in */
	bool data_out_lent;    /* the transport's, and only until target_data_out_ready returns */
	bool awaits_recall;    /* to begin (lease.h) */
	bool at_gate;	       /* to begin: target_task_go_on is waited for */
	uint64_t arrived_ns;   /* nanoseconds since 1970 UTC */
	bool descriptor_sense; /* the format of its sense data while `lun` is NULL */
	struct scsi_lun *lun;
	const struct scsi_command *command;
	struct scsi_task *prev, *next;		       /* the nexus' task set on that LUN */
	struct scsi_task *dormant_prev, *dormant_next; /* task_order.c's */
	uint64_t lent_offset;			       /* where in the store data_in lies */
	struct sbc_marks *lent_marks; /* which it has for these bytes (marks.h); NULL: none */
	uint64_t lent_marked_len;     /* bytes from lent_offset */
	struct scsi_task *lent_prev, *lent_next; /* lun->lent */
	void *work; /* the handler's state, freed by work_free at release */
	void (*work_free)(void *work);
	/*
	 * A handler that returned SCSI_PENDING may set this when its work can still be withdrawn,
	 * and clears it when it no longer can. Called when the task is aborted; true: withdrawn,
	 * nothing of it is left, and scsi_task_finish will not be called. Must not call anybody
	 * back.
	 */
	bool (*cancel)(struct scsi_task *task);
	struct scsi_drain *drain;   /* who waits for this aborted task to let go (task_set.h) */
	struct remote_task *remote; /* of a target whose home is another loop (remote.h) */
};

#endif
