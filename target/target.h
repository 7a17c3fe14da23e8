/*
 * The SCSI device server as the transport and the daemon see it: targets with LUNs, I_T nexuses,
 * tasks, task management. All calls are made on one thread, the home's, or, with a remote target
 * (remote.h), on that of its loop; nothing here blocks.
 */
#ifndef TARGET_TARGET_H
#define TARGET_TARGET_H

#include "pr_engine/journal.h"
#include "pr_engine/profile.h"
#include "target/backing.h"
#include "target/task.h"

#define SCSI_LUN_MAX	      255  /* LUN numbers 0..255 (peripheral and flat addressing) */
#define SCSI_PORTS_MAX	      16   /* target ports (portal groups) of one target */
#define SCSI_TRANSFER_MAX_MIN 4096 /* bytes: the longest logical block */

struct trace_ring;

/* Milliseconds since 1970 UTC; handed in, so that tests own the time. */
typedef uint64_t (*scsi_clock)(void *context);

struct scsi_target_config {
	const char *name;	 /* iSCSI name, canonical; copied */
	uint8_t instance_id[16]; /* random, kept in the state directory: makes VPD 83 unique */
	uint16_t
		ports[SCSI_PORTS_MAX]; /* relative target port ids (= portal group tags), 1-based */
	uint32_t port_count;
	struct scsi_executor *executor; /* borrowed */
	scsi_clock clock;
	void *clock_context;
	uint64_t hash_seed;
	struct trace_ring *trace; /* trace.h; borrowed. NULL: nothing is kept */
};

/* Bytes that a LUN answers instead of its own (override.h). */
#define SCSI_OVERRIDE_MAX 64 /* bytes of one */

enum scsi_override_data {
	SCSI_OVERRIDE_NONE = 0,
	SCSI_OVERRIDE_INQUIRY, /* standard INQUIRY data; code and subpage are 0 */
	SCSI_OVERRIDE_VPD,     /* the VPD page `code` */
	SCSI_OVERRIDE_MODE,    /* the mode page `code`, `subpage` */
};

struct scsi_override {
	enum scsi_override_data data;
	uint8_t code, subpage;
	uint16_t offset; /* bytes from the start of the data or page, header included */
	uint8_t len;	 /* 1..SCSI_OVERRIDE_MAX */
	uint8_t bytes[SCSI_OVERRIDE_MAX];
};

/*
 * NULL, or a phrase that says why these bytes can never be part of an answer: there is no such
 * page, or it is shorter.
 */
const char *scsi_override_fault(const struct scsi_override *override);

struct scsi_lun_config {
	uint16_t number;		       /* 0..SCSI_LUN_MAX */
	struct backing *backing;	       /* ownership goes to the LUN on success */
	uint32_t block_size;		       /* logical, bytes: 512 or 4096 */
	uint8_t physical_exponent;	       /* LBPPBE: physical block = logical << this, 0..15 */
	const struct pr_profile *profile;      /* borrowed, for as long as the LUN is there */
	const struct scsi_override *overrides; /* borrowed likewise; NULL with count 0 */
	uint32_t override_count;
	struct pr_store *store; /* of the reservation journal; ownership goes to the LUN on success;
				   NULL: nothing persists, APTPL = 1 is refused (tests, fuzzing) */
	struct pr_store *medium_store; /* of what outlives the process about the medium; ownership
					  as above. NULL: an erasure is forgotten at the end, and
					  WRITE ATOMIC is there only on a volatile backing */
	struct pr_store *saved_store;  /* of saved mode pages and identifying information (saved.h);
					  ownership as above; NULL: they cannot be saved */
	uint32_t registrations_max;    /* limit `max_registrations`: 1..65536 */
	uint32_t history_max;	       /* journal records kept over compaction */
	uint32_t transfer_max;	       /* limit `max_transfer`: bytes in one command, at least
					  SCSI_TRANSFER_MAX_MIN; VPD B0 MAXIMUM TRANSFER LENGTH */
	bool read_only;
	bool removable;
	bool thin;		    /* UNMAP, LBPME */
	bool write_same_to_end;	    /* WSNZ = 0 */
	uint8_t atomic_granularity; /* WRITE ATOMIC: blocks of alignment and length, 1..16 */
	uint64_t erase_rate; /* SANITIZE, FORMAT UNIT: bytes a second; 0: as fast as it goes */
	bool write_cache;    /* WCE at start */
	bool tas;	     /* TASK ABORTED STATUS at start */
	char vendor[9];	     /* T10 vendor identification, at most 8 characters */
	char product[17];    /* at most 16 */
	char revision[5];    /* at most 4 */
	char serial[33]; /* unit serial number; empty: made from instance_id, target name and LUN */
};

/* Defaults for everything but number and backing. */
void scsi_lun_config_init(struct scsi_lun_config *config);

struct scsi_target;

/* NULL with errno on bad values or no memory. */
struct scsi_target *scsi_target_create(const struct scsi_target_config *config);
/* The process is about to end: what goes on in the background stops soon, for the next start to
 * take it up. */
void scsi_target_stop(struct scsi_target *target);
/* All nexuses must be closed, and all tasks released. Closes LUNs, stores and backings. Blocks
 * until jobs are done. */
void scsi_target_free(struct scsi_target **target);

/*
 * Recovers the journal and brings the LUN online. 0, or a negative errno with *ret_report (if not
 * NULL) telling what is wrong with the journal (PR_JOURNAL_INVALID: it is something else); then
 * backing and stores stay the caller's. -EBADMSG: it is the saved values that cannot be used;
 * -EMEDIUMTYPE and -EILSEQ: the medium's store.
 */
int scsi_target_add_lun(struct scsi_target *target, const struct scsi_lun_config *config,
			struct pr_journal_report *ret_report);

/*
 * Takes a LUN away while the target serves. From now on it is not there for new commands; those
 * that wait are refused, those at work end as they would have, and then `removed` (may be NULL) is
 * called: never before this returns, and at the latest when the target is freed. The file of the
 * journal stays. 0 or -ENOENT.
 */
int scsi_target_remove_lun(struct scsi_target *target, uint16_t number,
			   void (*removed)(void *context), void *context);
/* Such a LUN is still at work: none can be added in its place (-EBUSY). */
bool scsi_target_is_removing_lun(const struct scsi_target *target, uint16_t number);

/*
 * Makes a LUN grow to `size` bytes, or (0) to the size that its backing store has by now. 0, or
 * -ENOENT: no such LUN; -EINVAL: no multiple of its block size; -EFBIG: it is longer, and a LUN
 * never shrinks; -EOPNOTSUPP; what the backing store says.
 */
int scsi_target_resize_lun(struct scsi_target *target, uint16_t number, uint64_t size);

const char *scsi_target_name(const struct scsi_target *target);
struct scsi_lun *scsi_target_lun(const struct scsi_target *target, uint16_t number); /* or NULL */
bool scsi_target_has_port(const struct scsi_target *target, uint16_t relative_target_port_id);

/*
 * Asymmetric access states, values as in SPC-4 table 309. Every target port is a target port group
 * of its own, with the same number: its relative target port identifier.
 */
enum scsi_access_state {
	SCSI_ACCESS_ACTIVE_OPTIMIZED = 0x0,
	SCSI_ACCESS_ACTIVE_NON_OPTIMIZED = 0x1,
	SCSI_ACCESS_STANDBY = 0x2,
	SCSI_ACCESS_UNAVAILABLE = 0x3,
	SCSI_ACCESS_TRANSITIONING = 0xf,
};

/* "active/optimized" ...; NULL for other values. */
const char *scsi_access_state_name(enum scsi_access_state state);
bool scsi_access_state_parse(const char *name, enum scsi_access_state *ret_state);

/* The group of the index-th port, from 0; 0: there are no more. */
uint16_t scsi_lun_port_group(const struct scsi_lun *lun, uint32_t index);
/* An implicit change: every nexus hears of it with 2A/06. False: no such group. States are
 * volatile; at power on all are active/optimized. */
bool scsi_lun_set_access_state(struct scsi_lun *lun, uint16_t group, enum scsi_access_state state);
bool scsi_lun_access_state(const struct scsi_lun *lun, uint16_t group,
			   enum scsi_access_state *ret_state);

/* For status output. */
const char *scsi_lun_target_name(const struct scsi_lun *lun);
uint16_t scsi_lun_number(const struct scsi_lun *lun);
const struct pr_profile *scsi_lun_profile(const struct scsi_lun *lun);
const struct pr_state *scsi_lun_pr_state(const struct scsi_lun *lun); /* the committed state */
bool scsi_lun_spc2_owner(const struct scsi_lun *lun, struct pr_nexus_id *ret_owner);
uint64_t scsi_lun_blocks(const struct scsi_lun *lun);
uint32_t scsi_lun_block_size(const struct scsi_lun *lun);
const char *scsi_lun_backing_name(const struct scsi_lun *lun);
const char *scsi_lun_serial(const struct scsi_lun *lun);
struct pr_journal_counters scsi_lun_journal_counters(const struct scsi_lun *lun);

/*
 * An I_T nexus comes into being when a session enters the full feature phase and ends with it. What
 * it registered outlives it. NULL with errno: EEXIST when this nexus is there already (a closed one
 * is there until its `closed` is called: its old writes must not land behind new ones), ENOENT when
 * the target has no such port, EINVAL for an empty name, ENOMEM.
 */
struct scsi_nexus *scsi_nexus_open(struct scsi_target *target, const struct pr_nexus_id *id);

/* LUN masking: which LUNs a nexus may see. A LUN whose bit is not set is not there for it, in every
 * respect, also when it is added later. All zero: none. */
struct scsi_lun_mask {
	uint8_t bits[(SCSI_LUN_MAX + 1) / 8];
};
void scsi_lun_mask_add(struct scsi_lun_mask *mask, uint16_t number);
/* The same with a mask, which is copied; NULL: all LUNs. */
struct scsi_nexus *scsi_nexus_open_masked(struct scsi_target *target, const struct pr_nexus_id *id,
					  const struct scsi_lun_mask *visible);

enum scsi_nexus_end {
	SCSI_NEXUS_LOGOUT,     /* session closed in order */
	SCSI_NEXUS_LOSS,       /* connection lost, timeout */
	SCSI_NEXUS_REINSTATED, /* the same nexus is about to open again */
};

/*
 * `why` changes nothing the initiator could see: a new nexus starts without a unit attention, also
 * after a loss, because 29/07 on the first PERSISTENT RESERVE OUT after a reconnect makes Linux'
 * IOC_PR_REGISTER fail (the sheet, 6.3), and nothing but a RESERVE(6) was lost. Aborts every task
 * silently (ops->aborted with send_status false, possibly before this returns,
 * possibly later when its I/O has drained), releases an SPC-2 reservation, drops unit attentions.
 * `closed` is called, possibly at once, when no task of it is left; the nexus is then gone. The
 * transport must not use it after this call.
 */
void scsi_nexus_close(struct scsi_nexus *nexus, enum scsi_nexus_end why,
		      void (*closed)(void *context), void *context);

/* Whether its transport carries QUERY TASK, QUERY TASK SET, I_T NEXUS RESET and QUERY ASYNCHRONOUS
 * EVENT, for REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS. A new nexus has none of them. */
void scsi_nexus_set_queries(struct scsi_nexus *nexus, bool queries);

/* The transport has ended commands of that LUN by itself, while the nexus lives on: unit attention
 * 47/7F (RFC 7143 11.4.7.2, 11.14.5). */
void scsi_nexus_note_cleared(struct scsi_nexus *nexus, const uint8_t lun_bytes[8]);

const struct pr_nexus_id *scsi_nexus_id(const struct scsi_nexus *nexus);
/* Its number in the trace. */
uint32_t scsi_nexus_who(const struct scsi_nexus *nexus);

/* The one place that holds the order of checks. See task.h for a task's life. */
void target_execute(struct scsi_task *task);
/* A command of these bytes comes behind the one that is executed next. A hint: nothing is checked,
 * and nothing comes of it but that it may be quicker. */
void target_expect(const struct scsi_nexus *nexus, const uint8_t lun_bytes[8], const uint8_t *cdb);
/* ops->begin has said SCSI_GATE_CLOSED: now it is asked again. */
void target_task_go_on(struct scsi_task *task);
/* There is room for its data_in now (ops->room_for_data_in was false). */
void target_data_in_room(struct scsi_task *task);

/*
 * Of a task that has completed: its data_in is its own from now on, for whoever wants to look at it
 * or cannot send it soon. False: it is lost (data_in_lost).
 */
bool target_data_in_keep(struct scsi_task *task);
/* Of such a task, CRC32C over a part of its data_in, lent or not: what is sent later is the same.
 * False: the store cannot show them, and keep tells what became of them. */
bool target_data_in_crc32c(const struct scsi_task *task, uint32_t offset, uint32_t len,
			   uint32_t *ret_crc);

/*
 * After want_data, before the first byte is gathered: allocates data_out (data_out_room bytes). The
 * transport calls it when its limits have room. False: no memory, and the task has ended (complete
 * was called); or it is about to be reported as aborted.
 */
bool target_data_out_prepare(struct scsi_task *task);
/*
 * In place of it, when all data_out_len bytes are at hand: they are lent, until
 * target_data_out_ready, which has to be called next, returns. False: this task wants its own.
 */
bool target_data_out_lend(struct scsi_task *task, const uint8_t *data);
void target_data_out_ready(struct scsi_task *task);
/* The transport gives up on a task that waits for data (sequence error, timeout): it ends with
 * CHECK CONDITION ABORTED COMMAND and this ASC/ASCQ, through ops->complete. */
void target_data_out_failed(struct scsi_task *task, uint8_t asc, uint8_t ascq);
/* Ends a task that never got to target_execute the same way (status and sense only; no callbacks).
 */
void target_task_fail(struct scsi_task *task, uint8_t key, uint8_t asc, uint8_t ascq);
/* The same with TASK SET FULL: the transport has no room for what the command brings along. */
void target_task_full(struct scsi_task *task);

/* How a command ends because somebody wants it to (fault injection). */
enum scsi_sense_format {
	SCSI_SENSE_FORMAT_OWN = 0, /* as the LUN's D_SENSE says */
	SCSI_SENSE_FORMAT_FIXED,
	SCSI_SENSE_FORMAT_DESCRIPTOR,
};
struct scsi_injection {
	uint8_t status; /* enum scsi_status, or any other */
	bool has_sense; /* else there is none, also with CHECK CONDITION */
	uint8_t key, asc, ascq;
	enum scsi_sense_format format;
	bool deferred;
	bool has_information;
	uint64_t information;
	bool has_field;
	uint16_t field; /* byte of the CDB in error */
};
/* From ops->begin: GOOD, with a copy of this data. */
void target_task_inject_data(struct scsi_task *task, const void *data, size_t len);
/* From ops->begin or ops->complete. Data of the command stay, to be sent before the status. */
void target_task_inject(struct scsi_task *task, const struct scsi_injection *injection);

/* The blocks that a CDB names, if it is one that reads, writes or looks at blocks; false: it is
 * not. UNMAP and EXTENDED COPY name theirs elsewhere. */
bool target_cdb_blocks(const uint8_t *cdb, uint64_t *ret_lba, uint32_t *ret_blocks);
/* The name in the command table of the index-th command, and its opcode; NULL: no more. */
const char *target_command_name(size_t index, uint8_t *ret_opcode);

/* Frees what the target allocated inside the task; the struct itself is the transport's. */
void target_task_release(struct scsi_task *task);

/* Task management functions (SAM-5 7), values as in RFC 7143 11.5.1 and RFC 7144 4.2. */
enum scsi_tmf_function {
	SCSI_TMF_INVALID = 0,
	SCSI_TMF_ABORT_TASK = 1,
	SCSI_TMF_ABORT_TASK_SET = 2,
	SCSI_TMF_CLEAR_ACA = 3,
	SCSI_TMF_CLEAR_TASK_SET = 4,
	SCSI_TMF_LOGICAL_UNIT_RESET = 5,
	SCSI_TMF_TARGET_WARM_RESET = 6,
	SCSI_TMF_TARGET_COLD_RESET = 7,
	SCSI_TMF_QUERY_TASK = 9,
	SCSI_TMF_QUERY_TASK_SET = 10,
	SCSI_TMF_I_T_NEXUS_RESET = 11,
	SCSI_TMF_QUERY_ASYNC_EVENT = 12,
};

/* Service responses, values as in RFC 7143 11.6.1. */
enum scsi_tmf_response {
	SCSI_TMF_COMPLETE = 0,
	SCSI_TMF_NO_TASK = 1,
	SCSI_TMF_NO_LUN = 2,
	SCSI_TMF_NOT_SUPPORTED = 5,
	SCSI_TMF_SUCCEEDED = 7,
	SCSI_TMF_REJECTED = 255,
};

struct scsi_tmf {
	struct scsi_nexus *nexus;
	enum scsi_tmf_function function;
	uint8_t lun_bytes[8];
	struct scsi_task *referenced; /* ABORT TASK, QUERY TASK: found by the transport, or NULL */
	void *owner;
	void (*complete)(struct scsi_tmf *tmf); /* once, possibly before target_manage returns */

	enum scsi_tmf_response response;
	uint8_t additional[3]; /* QUERY ASYNC EVENT (RFC 7144 4.3) */

	/* The device server's, for the trace: at the end neither nexus nor task need be there. */
	struct trace_ring *trace;
	uint32_t trace_who, trace_tag;
};

/*
 * Carries it out; complete comes when every affected task has let go of the medium. Tasks of the
 * issuing nexus that it aborts are reported with ops->aborted(send_status = false).
 */
void target_manage(struct scsi_tmf *tmf);

/*
 * Of a target whose loops (remote.h) carry out commands by themselves: all is to be done at home
 * until `keep` is false again. What is elsewhere at that moment is asked back by
 * scsi_target_recall.
 */
void scsi_target_keep_all(struct scsi_target *target, bool keep);
/*
 * Asks back from other loops whatever they do by themselves. True: it is not all back yet. Called
 * until it says false, with mail delivered in between, before anything is changed that is not
 * changed by a command.
 */
bool scsi_target_recall(struct scsi_target *target);

/* Every task, everywhere, for a clean stop: true when none is left on any LUN of the target. */
bool scsi_target_idle(const struct scsi_target *target);

#endif
