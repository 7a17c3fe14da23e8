/*
 * The inside of a target: struct scsi_target, scsi_nexus, scsi_lun. For target/ only.
 */
#ifndef TARGET_LUN_H
#define TARGET_LUN_H

#define HASH_NONFATAL_OOM 1 /* no memory fails a login, not the process */
#include <stdatomic.h>
#include <uthash.h>

#include "pr_engine/plan.h"
#include "target/medium_record.h"
#include "target/sense.h"
#include "target/spare.h"
#include "target/spc_log.h"
#include "target/target.h"
#include "target/task_order.h"
#include "target/task_set.h"
#include "target/trace.h"
#include "target/unit_attention.h"

struct sbc_io;	   /* sbc.h: one medium access */
struct sbc_erase;  /* sbc_erase.h: a medium that is being erased */
struct scsi_lease; /* lease.h: other loops read and write a LUN by themselves */
struct scsi_leases;
struct sbc_marks; /* marks.h */
struct pr_commit; /* pr_commit.h: the queue of PERSISTENT RESERVE OUTs of one LUN */

/* What one nexus is to one LUN: made for every LUN when the nexus opens or the LUN is added. */
struct scsi_lun_nexus {
	struct scsi_nexus *nexus;
	struct scsi_lun *lun;
	struct scsi_lun_nexus *prev, *next; /* lun->nexuses */
	enum pr_standing standing;	    /* cached; pr_commit.c keeps it true at each install */
	struct scsi_ua_queue unit_attentions;
	struct scsi_task *tasks; /* the task set of this nexus, in order of arrival */
	struct scsi_task_order order;
	/* Another one, and never the same again, whenever all of its commands are aborted: what
	 * goes on over several commands ends with them (copy.c). */
	uint64_t epoch;
	bool prevents_removal;		  /* PREVENT ALLOW MEDIUM REMOVAL */
	uint64_t flush_first, flush_last; /* flushes behind the status that it asked for; 0: none */
	enum scsi_sense deferred_error;	  /* to be reported; SCSI_SENSE_NONE: there is none */
	struct scsi_echo_buffer *echo;	  /* spc_buffer.c; NULL: it has never written one */
	struct scsi_copy_results *copies; /* copy.h; NULL: it has never sent an EXTENDED COPY */
	struct scsi_drain closing;	  /* of this nexus' last commands */
	/* pr_commit.c's notes while it installs one command. */
	struct scsi_lun_nexus *touched_next;
	/* Of leases: at home which of them it was admitted to, and what became of its commands when
	 * all were aborted; on a shadow what it may do. */
	uint64_t admitted;
	bool abort_sends_status, abort_tells;
	unsigned lease_access;
	bool touched;
	bool lost_registration;
};

struct scsi_nexus {
	struct scsi_target *target;
	struct pr_nexus_id id;
	uint32_t who;					      /* in the trace */
	UT_hash_handle hh;				      /* target->nexuses */
	uint8_t key[PR_INITIATOR_NAME_MAX + PR_ISID_LEN + 3]; /* of the hash: the id, packed */
	struct scsi_lun_mask visible;
	struct scsi_lun_nexus *luns[SCSI_LUN_MAX + 1]; /* by LUN number; NULL: none, or masked */
	uint64_t tasks;		       /* in its task sets, or about to be reported as aborted */
	unsigned copies;	       /* EXTENDED COPYs that go on (copy.h) */
	bool queries;		       /* its transport has QUERY TASK and its kin */
	void (*closed)(void *context); /* set: closing */
	void *closed_context;
	struct remote_nexus *remote; /* on another loop than the home (remote.h) */
};

/* The LUN of this number as the nexus sees it: NULL when there is none, or it is masked. Whoever
 * takes a LUN number from an initiator asks here. */
struct scsi_lun *scsi_nexus_lun(const struct scsi_nexus *nexus, uint16_t number);
/* May it see that number, whether there is a LUN or not? */
bool scsi_nexus_may_see(const struct scsi_nexus *nexus, uint16_t number);

/* Mode parameters of one LUN that MODE SELECT can change (mode.c). */
struct scsi_mode {
	bool write_cache;	     /* caching page: WCE */
	bool read_cache_disable;     /* caching page: RCD */
	bool descriptor_sense;	     /* control page: D_SENSE */
	bool software_write_protect; /* control page: SWP */
	bool tas;		     /* control page: TAS */
	uint8_t ua_interlock;	     /* control page: UA_INTLCK_CTRL, enum scsi_ua_interlock */
};

/* What becomes of a unit attention that was reported (SPC-4 7.5.9). */
enum scsi_ua_interlock {
	SCSI_UA_INTERLOCK_NONE = 0x0,	/* it is cleared */
	SCSI_UA_INTERLOCK_KEEP = 0x2,	/* it stays until REQUEST SENSE takes it */
	SCSI_UA_INTERLOCK_STATUS = 0x3, /* and so do BUSY, TASK SET FULL, RESERVATION CONFLICT */
};

/* What each information type holds at least (SPC-4 6.34, table 335), and here at most. */
#define SCSI_IDENTIFYING_LU_MAX	  64
#define SCSI_IDENTIFYING_TEXT_MAX 256

enum scsi_identifying_kind {
	SCSI_IDENTIFYING_LU = 0,
	SCSI_IDENTIFYING_TEXT,
	SCSI_IDENTIFYING_COUNT,
};

struct scsi_identifying {
	uint16_t len;
	uint8_t bytes[SCSI_IDENTIFYING_TEXT_MAX];
};

/* What outlives a power loss beside reservations and data (saved.h). */
struct scsi_saved_values {
	struct scsi_mode mode; /* the defaults where nothing was saved */
	struct scsi_identifying identifying[SCSI_IDENTIFYING_COUNT];
};

struct scsi_saved_change;

struct scsi_saved {
	struct scsi_saved_values values;
	struct scsi_saved_change *first; /* the queue of changes; the first is being written */
};

/* The asymmetric access state of a LUN through one target port group (access_state.h). */
struct scsi_access_group {
	enum scsi_access_state state;
	uint8_t status_code; /* who changed it last (SPC-4 table 310) */
};

#define SBC_REGIONS 256 /* a power of 2 */

/*
 * Medium accesses of one LUN that are under way or wait for an overlapping one, in order of
 * arrival: what makes COMPARE AND WRITE atomic (sbc_io.c). All zero when idle.
 */
struct sbc_accesses {
	struct sbc_io *first, *last;
	struct sbc_io *ready_first, *ready_last;
	unsigned ordered; /* how many of them are ORDERED */
	unsigned waiting; /* ... and wait for others */
	/* How many touch each region of blocks, folded into these; those that span many are counted
	 * apart. Tells cheaply that nothing can overlap. */
	unsigned regions[SBC_REGIONS], wide;
	bool starting;
};

/* Flushes that run behind the status of their commands (sbc_flush.c). All zero when there was none.
 */
struct sbc_flush_behind {
	struct backing_request request;
	uint64_t run; /* counts them */
	bool running;
	bool again; /* asked for since the one that is running began */
};

/* The place in the medium's store where an atomic write is kept until it is on the medium, and who
 * waits for it (sbc_atomic.c). All zero when idle. */
struct sbc_intents {
	struct sbc_io *owner;
	struct sbc_io *first, *last;
	struct medium_identity medium; /* as the owner is being remembered */
	bool waking;
	bool broken; /* what stands there cannot be taken back: nothing may be written any more */
};

struct scsi_lun {
	struct scsi_target *target;
	uint16_t number;
	struct scsi_lun_config config; /* as given; the strings below are final */
	char serial[33];
	uint8_t naa[8]; /* VPD 83 NAA designator (locally assigned, type 3): stable, unique */
	struct backing *backing;
	uint64_t blocks;      /* capacity in logical blocks */
	uint32_t block_size;  /* bytes */
	uint32_t block_shift; /* log2 of block_size */
	struct scsi_mode mode;
	struct scsi_saved saved;
	struct scsi_access_group access[SCSI_PORTS_MAX]; /* by index of target->config.ports */
	bool stopped; /* START STOP UNIT with START = 0: 2/04/02 */
	bool ejected; /* the same with LOEJ = 1: 2/3A/00; `stopped` is then set as well */
	struct scsi_log log;
	struct scsi_lun_nexus *nexuses;
	struct pr_commit *pr;	       /* reservations: state, journal, queue */
	enum pr_type reservation_type; /* cached for the access check; pr_commit.c keeps it true */
	struct scsi_lun_nexus *spc2_owner; /* SPC-2 RESERVE(6/10); NULL: not reserved */
	struct scsi_task *dropped; /* aborted and let go: ops->aborted is due (task_set.c) */
	struct scsi_drain *drains; /* in the order they began */
	struct sbc_accesses accesses;
	struct sbc_flush_behind behind;
	struct scsi_task *lent; /* whose data_in lies in the store (lent.h) */
	unsigned lent_count;
	/* While it is being removed (lun_change.c). */
	bool is_leaving;
	struct scsi_lun *leaving_prev, *leaving_next; /* target->leaving */
	void (*removed)(void *context);
	void *removed_context;
	struct scsi_job farewell;
	bool farewell_is_due; /* the job is under way */
	struct sbc_intents intents;
	unsigned tasks;		    /* in the task sets of all its nexuses */
	struct scsi_leases *leases; /* NULL: no other loop has asked for it */
	struct scsi_lease *lease;   /* of a shadow */
	struct sbc_marks *marks;    /* NULL: no other loop is at the medium */
	struct sbc_erase *erase;    /* SANITIZE or FORMAT UNIT: going on, or failed (sbc_erase.h) */
};

/* Where the rows of each opcode begin in the command table: every command asks. */
struct scsi_command_index {
	uint8_t first[256];
};

/* What other loops than the home look up at once, by LUN number (remote.h). */
struct scsi_lun_shown {
	atomic_uint transfer_max; /* 0: there is no LUN */
	atomic_uint block_shift;
	atomic_bool descriptor_sense;
};

struct scsi_target {
	char name[PR_INITIATOR_NAME_MAX + 1];
	struct scsi_target_config config;
	struct scsi_lun *luns[SCSI_LUN_MAX + 1];
	struct scsi_lun *leaving;   /* LUNs that are being removed */
	struct scsi_nexus *nexuses; /* hash by id */
	struct scsi_command_index commands;
	uint64_t tasks;	 /* of all nexuses */
	uint64_t epochs; /* handed out so far */
	struct spare_list spare_ios;
	struct spare_list spare_buffers; /* of commands' data (buffer.h) */
	struct scsi_lun_shown shown[SCSI_LUN_MAX + 1];
	/* Of a remote target (remote.h): where its LUNs and all its state are. */
	struct scsi_target *home;
	struct scsi_link *link;
	struct spare_list spare_doubles;
	struct scsi_lease *shadows;
	unsigned loop_number; /* 0: the home */
	unsigned loops;	      /* of a home: remote targets made so far */
	bool keeps_all;	      /* of a home: no leases */
};

uint64_t scsi_target_now_ms(const struct scsi_target *target);

/* Where what happens to the nexus is told; may be NULL. */
static inline struct trace_ring *scsi_nexus_trace(const struct scsi_nexus *nexus)
{
	return nexus->target->config.trace;
}

/* Nanoseconds since 1970 UTC: when the trace has last looked at the clock, or without one, now. */
static inline uint64_t scsi_nexus_now_ns(const struct scsi_nexus *nexus)
{
	const struct trace_ring *trace = scsi_nexus_trace(nexus);

	return trace ? trace->now_ns : scsi_target_now_ms(nexus->target) * 1000000;
}

/* Raises a unit attention for one nexus, and tells the trace. */
void scsi_lun_nexus_raise(struct scsi_lun_nexus *lun_nexus, enum scsi_unit_attention ua);

/* What of the LUN other loops look up has changed. */
void scsi_lun_show(const struct scsi_lun *lun);
/* What was shown of the LUN of that field; 0: there is none. On any loop. */
uint32_t scsi_target_transfer_max(const struct scsi_target *target, const uint8_t lun_bytes[8]);
/* Bytes of that many blocks of it. */
uint64_t scsi_target_block_bytes(const struct scsi_target *target, const uint8_t lun_bytes[8],
				 uint32_t blocks);

/* Raises a unit attention for every nexus of the LUN but `except` (may be NULL). */
void scsi_lun_raise(struct scsi_lun *lun, enum scsi_unit_attention ua,
		    const struct scsi_nexus *except);

/* The same on every LUN of the target, for everybody. */
/* REPORTED LUNS DATA HAS CHANGED, on all LUNs of whoever may see that number. */
void scsi_target_raise_luns_changed(struct scsi_target *target, uint16_t number);

/* Something of the LUN has ended: one that is being removed may now go, though not before this
 * returns. */
void scsi_lun_settle(struct scsi_lun *lun);

/* Makes the nexus' side of the LUN. False: no memory. */
bool scsi_lun_attach(struct scsi_lun *lun, struct scsi_nexus *nexus);
/* Undoes it. No task may be left. */
void scsi_lun_detach(struct scsi_lun *lun, struct scsi_nexus *nexus);

/* Nothing but commands of nexuses is under way: no commit, no flush, no erasure. */
bool scsi_lun_is_idle(const struct scsi_lun *lun);

/* Closes backing and store; only without nexuses. */
void scsi_lun_free(struct scsi_lun **lun);

/* The nexus that is logged in with this identity, or NULL. */
struct scsi_nexus *scsi_target_find_nexus(const struct scsi_target *target,
					  const struct pr_nexus_id *id);
/* A task of it has ended and its transport was told: a closing nexus without tasks is gone. */
void scsi_nexus_forget_task(struct scsi_nexus *nexus);
/* A closing nexus is gone: its `closed` is called. */
void scsi_nexus_end(struct scsi_nexus *nexus);

/* mode.c: every mode parameter back to its saved value or default, as a LOGICAL UNIT RESET asks. */
void scsi_mode_reset(struct scsi_lun *lun);

static inline uint64_t scsi_lun_medium_size(const struct scsi_lun *lun)
{
	return lun->blocks << lun->block_shift;
}

static inline struct medium_identity scsi_lun_medium_identity(const struct scsi_lun *lun)
{
	return (struct medium_identity){.size = scsi_lun_medium_size(lun),
					.identity = lun->backing->identity};
}

/* sbc_erase.c. The LUN comes: what was going on is known again (0 or a negative errno;
 * -EMEDIUMTYPE: it was another disk; -EILSEQ: it cannot be told), and then goes on (false: no
 * memory). */
int scsi_lun_erase_restore(struct scsi_lun *lun);
bool scsi_lun_erase_resume(struct scsi_lun *lun);
/* sbc_atomic.c. An atomic write that a crash cut in two is known again (errors as above), and made
 * whole; or left to the next start, as the LUN does not come. */
int scsi_lun_intent_restore(struct scsi_lun *lun);
void scsi_lun_intent_redo(struct scsi_lun *lun);
void scsi_lun_intent_drop(struct scsi_lun *lun);
/* The LUN goes: it is left off soon, to be taken up by the next start; then freed. */
void scsi_lun_erase_stop(struct scsi_lun *lun);
bool scsi_lun_erase_is_running(const struct scsi_lun *lun);
void scsi_lun_erase_free(struct scsi_lun *lun);

/* LUN number of a SAM-5 4.7 LUN field: peripheral (bus 0) or flat addressing, one level. False:
 * none that this target could have. */
bool scsi_lun_number_decode(const uint8_t lun_bytes[8], uint16_t *ret_number);

/* The nexus' side of the task's LUN; task->lun must be set. */
static inline struct scsi_lun_nexus *scsi_task_lun_nexus(const struct scsi_task *task)
{
	return task->nexus->luns[task->lun->number];
}

#endif
