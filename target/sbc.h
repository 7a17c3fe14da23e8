/*
 * What the block commands (SBC-3) share. Private to target/sbc_*.c.
 *
 * A command that touches the medium is a small chain of steps: each step plans one request to the
 * backing store and names the step that follows, or ends the task. sbc_io.c drives the chain, turns
 * errors into sense data, stops it between two steps when the task was aborted, and grants the
 * range of blocks (sbc_access.c) first: accesses that overlap an exclusive one (WRITE, COMPARE AND
 * WRITE, and others that look twice) run one after the other, in order of arrival; all others run
 * side by side. An ORDERED command (SAM-5 8.6.3) has the medium to itself, but for its own nexus'
 * commands: those task_order.c has seen to.
 */
#ifndef TARGET_SBC_H
#define TARGET_SBC_H

#include "target/command.h"

/* MAXIMUM COMPARE AND WRITE LENGTH is one byte wide, as is the CDB's field. */
#define SBC_COMPARE_AND_WRITE_MAX_BLOCKS 255
#define SBC_WRITE_SAME_MAX_BYTES	 ((uint64_t)32 * 1024 * 1024)
/* Bytes that WRITE SAME writes, or unmaps, at a time: it can be aborted in between. */
#define SBC_FILL_CHUNK		   ((uint64_t)4 * 1024 * 1024)
#define SBC_UNMAP_CHUNK		   ((uint64_t)1024 * 1024 * 1024)
#define SBC_ATOMIC_GRANULARITY_MAX 16 /* blocks: the smallest limit `max_transfer` has as many */
#define SBC_ATOMIC_MAX_BYTES	   ((size_t)1024 * 1024)
#define SBC_UNMAP_MAX_BLOCKS	   ((uint32_t)1024 * 1024) /* of all descriptors together */
#define SBC_UNMAP_MAX_DESCRIPTORS  ((uint32_t)256)
/* Bytes that VERIFY and WRITE AND VERIFY read back at a time. */
#define SBC_VERIFY_CHUNK ((size_t)256 * 1024)
/* Requests that one command makes before others get their turn. */
#define SBC_IN_A_ROW_MAX 16
/* Times that an access looks for its blocks when another loop is there. */
#define SBC_MARK_TRIES_MAX 16

enum sbc_access {
	SBC_EXCLUSIVE = 0,
	SBC_SHARED,
};

/* True: a request is planned. False: the task's status is set and nothing follows. */
typedef bool (*sbc_step)(struct sbc_io *io);

/* One command's access to the medium, or one that goes on without a command. Zeroed when made. */
struct sbc_io {
	struct spare_list *spares; /* without a buffer: where it goes in the end */
	struct scsi_lun *lun;
	struct scsi_task *task; /* NULL: of no command */
	/* The handler's, for its steps. */
	uint8_t *buffer; /* buffer_len bytes behind this struct */
	size_t buffer_len;
	uint64_t at;  /* how far it is, in bytes of the command or items of its list */
	uint64_t end; /* where it is done */
	bool fua;
	uint32_t requests; /* planned so far; sbc_io_plan counts */
	bool unstoppable;  /* an abort does not end it between two steps any more */
	/* Takes the next step, once, when a request has failed: to put things in order. The task's
	 * sense data is set by then. NULL: that was it. */
	sbc_step failed_step;
	/* Of no command: called last of all; frees the io. */
	void (*ended)(struct sbc_io *io);

	/* sbc_io.c's. */
	struct backing_request request;
	sbc_step next_step;
	struct scsi_job job;		/* of work, of a delay, or while it yields */
	int (*work)(struct sbc_io *io); /* planned instead of a request */
	uint32_t delay_ms;		/* planned instead of a request */
	bool parked;			/* sbc_io_park */
	bool submitting, completed;
	bool begun;		 /* its turn has come */
	bool awaits_recall;	 /* ... and it has to have the LUN to itself (lease.h) */
	bool comes_again;	 /* the job is to look for its marks again */
	unsigned tries;		 /* without finding its marks */
	struct sbc_marks *marks; /* of which it has those of its blocks; NULL: none */
	enum sbc_access access;
	uint64_t lba, blocks;
	bool entered;	   /* it is in the LUN's list of accesses */
	unsigned blockers; /* earlier accesses that must end before this one starts */
	struct sbc_io *prev, *next, *ready_next; /* ready_next: of a queue it waits in */
};

/* The task's work; freed with the task. NULL: no memory, and status is set. */
struct sbc_io *sbc_io_create(struct scsi_task *task, size_t buffer_len);

/*
 * A READ, or a WRITE that need not be durable, in one step and without a sbc_io, when nobody else
 * is at its blocks and the store need not wait. True: the task's status is set. False: it goes
 * the long way.
 */
bool sbc_at_once(struct scsi_task *task, enum backing_op op, uint64_t offset, uint8_t *data,
		 size_t len);

/* The same for a READ whose data are sent from where they lie in the store (lent.h). */
bool sbc_lend(struct scsi_task *task, uint64_t offset, uint64_t len);

/* Runs the chain from `first` on when the blocks are granted; with 0 blocks there is nothing to
 * wait for. SCSI_PENDING, and the task may be gone already when this returns; or SCSI_DONE. */
enum scsi_result sbc_io_start(struct sbc_io *io, enum sbc_access access, uint64_t lba,
			      uint64_t blocks, sbc_step first);

/* Plans one request of `len` bytes at byte `offset`; true, for a step to return. For WRITE_SAME
 * `data` is one block. */
bool sbc_io_plan(struct sbc_io *io, enum backing_op op, uint64_t offset, uint8_t *data,
		 uint64_t len, sbc_step next);

/* Plans work that may block, on another thread: 0 or a negative errno. */
bool sbc_io_plan_work(struct sbc_io *io, int (*work)(struct sbc_io *io), sbc_step next);

/* Plans to do nothing for a while. */
bool sbc_io_plan_delay(struct sbc_io *io, uint32_t delay_ms, sbc_step next);

/* Plans to wait for sbc_io_unpark. */
bool sbc_io_park(struct sbc_io *io, sbc_step next);
void sbc_io_unpark(struct sbc_io *io);

/* Of no command: all blocks of the LUN, alone. NULL: no memory. Then sbc_io_start. */
struct sbc_io *sbc_io_create_background(struct scsi_lun *lun, size_t buffer_len,
					void (*ended)(struct sbc_io *io));

/* Other loops come to the medium (lease.h): what is at work there gets its marks. False: there is
 * an access that can have none. */
bool sbc_io_mark_all(struct scsi_lun *lun);
/* They are gone: what has waited for that begins. */
void sbc_io_leases_returned(struct scsi_lun *lun);

/* A step that ends the task with GOOD. */
bool sbc_io_good(struct sbc_io *io);

/* The sense data for a failed request. */
enum scsi_sense sbc_error_sense(enum backing_op op, int error);
/* Ends the task with it. */
void sbc_task_fail(struct scsi_task *task, enum backing_op op, int error);

/* Starts a flush that no command waits for; an error becomes this nexus' deferred error. */
void sbc_flush_behind(struct scsi_lun_nexus *lun_nexus);

/* sbc.c: checks of CDBs. Each ends the task and says false when it refuses. */

/* LBA OUT OF RANGE unless all of it is there; no blocks at the very end are. */
bool sbc_range_check(struct scsi_task *task, uint64_t lba, uint64_t blocks);
/* That, and MAXIMUM TRANSFER LENGTH, for a READ/WRITE/VERIFY-like CDB. */
bool sbc_extent_check(struct scsi_task *task, struct scsi_extent *ret_extent);
/*
 * The bytes of Data-Out to ask for, of `len` that the CDB names: whole blocks that the initiator is
 * ready to send. Blocks cut in two are refused with 5/0E/03, as nobody can tell what was meant. The
 * data_out handler sets transfer_len back to what the CDB names, for the residual.
 */
bool sbc_data_out_len(struct scsi_task *task, uint64_t len, uint64_t *ret_len);
/* INVALID FIELD IN INFORMATION UNIT unless the initiator sends exactly `len` bytes. */
bool sbc_data_out_exact(struct scsi_task *task, uint64_t len);

/* Must the command's data be durable before its status? FUA, or no write cache. */
bool sbc_durable(const struct scsi_task *task);
/* Must a READ see the medium and not the cache (FUA, or RCD)? Then what is cached goes there first
 * (SBC-3 4.15.2). */
bool sbc_reads_medium(const struct scsi_task *task);

/* First byte of the transfer length of a 6, 10, 12 or 16 byte CDB: where the field pointer points.
 */
uint16_t sbc_length_field(const uint8_t *cdb);

static inline uint64_t sbc_bytes(const struct scsi_task *task, uint64_t blocks)
{
	return blocks << task->lun->block_shift;
}

/* How VERIFY and WRITE AND VERIFY end: reads [lba, ...) back up to io->end bytes and compares it
 * with Data-Out, which repeats every `pattern_len` bytes (0: nothing is compared). */
bool sbc_verify_step(struct sbc_io *io);

/* Limits that the Block Limits VPD page reports and the handlers keep. */
uint32_t sbc_transfer_max_blocks(const struct scsi_lun *lun);
uint32_t sbc_compare_and_write_max_blocks(const struct scsi_lun *lun);
uint32_t sbc_write_same_max_blocks(const struct scsi_lun *lun);
uint32_t sbc_atomic_max_blocks(const struct scsi_lun *lun); /* 0: WRITE ATOMIC is not there */

#endif
