/*
 * What happened in a contention run, as events in the order of one clock: who logged in where,
 * which command was sent when, what came back when, when the target crashed, and what the medium
 * held at the end. Stress and scenarios write histories, the judge and the report read them. On
 * disk a history is JSON, one object a line; holdfast-history(5) documents it.
 *
 * A history knows nothing of any target's inside: only what initiators saw, and what was done to
 * the target from outside. It can be recorded against any target. A target that tells in which
 * order it decided commands or made changes may be quoted (HISTORY_DECIDED, HISTORY_APPLIED): that
 * is a hint where to look for an order, and no evidence.
 */
#ifndef LAB_HISTORY_H
#define LAB_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HISTORY_FORMAT	    1
#define HISTORY_NEXUSES_MAX 1024 /* I_T nexuses of one history */
#define HISTORY_LUNS_MAX    16
#define HISTORY_NAME_MAX    223 /* bytes of an iSCSI name, RFC 7143 4.2.7.1 */
#define HISTORY_PORTAL_MAX  79
#define HISTORY_TEXT_MAX    255	 /* bytes of a note */
#define HISTORY_KEYS_MAX    1024 /* keys that a READ KEYS is recorded with */
#define HISTORY_TAGS_MAX    256	 /* blocks that one READ or WRITE is recorded with */
#define HISTORY_CDB_MAX	    32
#define HISTORY_NO_NEXUS    UINT32_MAX
#define HISTORY_NO_COMMAND  UINT64_MAX
#define HISTORY_NO_EVENT    SIZE_MAX

enum history_kind {
	HISTORY_KIND_INVALID = 0,
	HISTORY_NEXUS,	/* introduces an I_T nexus: its number, names and ports; before its use */
	HISTORY_LOGIN,	/* its session entered the full feature phase; written when it was seen */
	HISTORY_LOGOUT, /* its session was logged out in order */
	HISTORY_LOST, /* its connection was lost or cut: what was under way may or may not happen */
	HISTORY_INVOKE,	   /* a command is about to be sent */
	HISTORY_RETURN,	   /* what came back for it */
	HISTORY_CRASH,	   /* the target is dead (kill -9); all sessions went with it */
	HISTORY_POWER_CUT, /* ... and so is its machine: what was not on stable storage may be lost
			    */
	HISTORY_UP,	   /* it accepts logins again */
	HISTORY_MEDIUM,	   /* a block found on the medium by somebody outside of the contest */
	HISTORY_NOTE,	   /* for people: the step of a scenario, a fault that fired */
	HISTORY_APPLIED, /* a hint: the target says that this change of a nexus took effect next */
	HISTORY_DECIDED, /* a hint: it says that it decided this command next, and how */
	HISTORY_KIND_COUNT,
};

enum history_op {
	HISTORY_OP_INVALID = 0,
	/* PERSISTENT RESERVE IN */
	HISTORY_READ_KEYS,
	HISTORY_READ_RESERVATION,
	HISTORY_REPORT_CAPABILITIES,
	HISTORY_READ_FULL_STATUS,
	/* PERSISTENT RESERVE OUT */
	HISTORY_REGISTER,
	HISTORY_REGISTER_AND_IGNORE,
	HISTORY_REGISTER_AND_MOVE,
	HISTORY_RESERVE,
	HISTORY_RELEASE,
	HISTORY_CLEAR,
	HISTORY_PREEMPT,
	HISTORY_PREEMPT_AND_ABORT,
	/* SPC-2 */
	HISTORY_SPC2_RESERVE,
	HISTORY_SPC2_RELEASE,
	/* others */
	HISTORY_TEST_UNIT_READY,
	HISTORY_READ,  /* any READ */
	HISTORY_WRITE, /* any command that writes blocks with tags */
	HISTORY_CDB,   /* any other CDB: see cdb and access */
	/* task management */
	HISTORY_LUN_RESET,
	HISTORY_TARGET_RESET,
	HISTORY_OP_COUNT,
};

/* What a HISTORY_CDB command needs of a reservation (SPC-4 table 65, SBC-3 table 13). */
enum history_access {
	HISTORY_ACCESS_INVALID = 0,
	HISTORY_ACCESS_ALLOWED, /* never conflicts */
	HISTORY_ACCESS_READ,	/* conflicts where a READ does */
	HISTORY_ACCESS_WRITE,	/* conflicts where a WRITE does */
};

enum history_outcome {
	HISTORY_OUTCOME_INVALID = 0,
	HISTORY_GOOD,
	HISTORY_CONFLICT,     /* RESERVATION CONFLICT */
	HISTORY_CHECK,	      /* CHECK CONDITION; with sense */
	HISTORY_BUSY,	      /* BUSY or TASK SET FULL: nothing was done */
	HISTORY_TASK_ABORTED, /* TASK ABORTED */
	HISTORY_UNKNOWN,      /* no answer: it may have happened, at any time since */
	HISTORY_OUTCOME_COUNT,
};

/* One command as it was meant. Fields that an operation lacks are 0. */
struct history_command {
	enum history_op op;
	uint16_t lun;
	uint8_t type;  /* of reservation, 1 to 8: RESERVE, RELEASE, PREEMPT */
	uint8_t scope; /* 0: LU_SCOPE */
	bool aptpl;
	bool all_tg_pt;
	bool spec_i_pt;
	bool unregister_source; /* REGISTER AND MOVE: UNREG */
	uint64_t key;		/* RESERVATION KEY */
	uint64_t action_key;	/* SERVICE ACTION RESERVATION KEY */
	uint32_t move_to;	/* REGISTER AND MOVE: the nexus; else HISTORY_NO_NEXUS */
	uint64_t lba;		/* READ and WRITE: first block */
	uint32_t blocks;
	uint64_t sequence;	  /* WRITE: of the tag in each of its blocks, unique in the nexus */
	uint32_t generation_seen; /* WRITE: the PRGENERATION in its tags */
	bool fua;		  /* WRITE: on the medium before it is GOOD */
	enum history_access access; /* HISTORY_CDB */
	uint8_t cdb_len;
	uint8_t cdb[HISTORY_CDB_MAX];
	/* SPEC_I_PT: nexuses whose initiator ports are named. Borrowed, as in a result. NULL: not
	 * known. */
	const uint32_t *others;
	uint32_t other_count;
};

/* What a tagged block says about who wrote it. */
struct history_tag {
	bool written; /* false: the block holds no tag of this run */
	bool torn;    /* it holds pieces of more than one tag */
	uint32_t nexus;
	uint64_t sequence;
	uint32_t generation_seen;
};

/* One command's end. */
struct history_result {
	enum history_outcome outcome;
	uint8_t sense_key, asc, ascq; /* HISTORY_CHECK */
	uint32_t generation;	      /* PERSISTENT RESERVE IN that was GOOD: PRGENERATION */
	uint64_t holder_key;	      /* READ RESERVATION */
	uint8_t holder_type;	      /* READ RESERVATION: 0 when nothing is reserved */
	uint8_t type_mask[2];	      /* REPORT CAPABILITIES: bytes 4 and 5 */
	bool ptpl_active;	      /* REPORT CAPABILITIES: PTPL_A */
	uint32_t key_count;	      /* READ KEYS, READ FULL STATUS: all that were there */
	bool cut_off; /* READ FULL STATUS: more did not fit; key_count is of those that came */
	uint32_t tag_count; /* READ: blocks in tags[] */
	/* Borrowed: of the history that was read, or of the caller who records. */
	const uint64_t *keys;		/* the first HISTORY_KEYS_MAX, in the order returned */
	const uint32_t *key_nexuses;	/* READ FULL STATUS: whose each key is, HISTORY_NO_NEXUS
					   for one that the history does not know; else NULL */
	const struct history_tag *tags; /* one for each block read */
};

/* How many of the keys are in keys[]. */
static inline uint32_t history_keys_listed(const struct history_result *result)
{
	uint32_t count = result->keys ? result->key_count : 0;

	return count < HISTORY_KEYS_MAX ? count : HISTORY_KEYS_MAX;
}

/* Are those all that there were? */
static inline bool history_keys_are_all(const struct history_result *result)
{
	return result->keys && !result->cut_off && result->key_count <= HISTORY_KEYS_MAX;
}

struct history_nexus {
	uint32_t number; /* 0, 1, 2 ... in the order of introduction */
	char name[HISTORY_NAME_MAX + 1];
	uint8_t isid[6];
	uint16_t target_port; /* relative target port identifier, from 1; 0: not known */
	char portal[HISTORY_PORTAL_MAX + 1];
	char label[32]; /* what the scenario calls it; may be empty */
};

struct history_event {
	enum history_kind kind;
	uint64_t at_ns;	  /* since the history's start, by one monotonic clock; never decreasing */
	uint32_t nexus;	  /* HISTORY_NO_NEXUS where none is meant */
	uint64_t command; /* INVOKE, RETURN, DECIDED share it; else HISTORY_NO_COMMAND */
	union {
		struct history_nexus introduced; /* HISTORY_NEXUS */
		struct history_command invoked;	 /* HISTORY_INVOKE, HISTORY_APPLIED */
		struct history_result returned;	 /* HISTORY_RETURN, HISTORY_DECIDED */
		struct {
			uint16_t lun;
			uint64_t lba;
			struct history_tag tag;
		} medium;			 /* HISTORY_MEDIUM */
		char note[HISTORY_TEXT_MAX + 1]; /* HISTORY_NOTE */
	} u;
};

/* The target is dead from here on, whatever killed it. */
static inline bool history_kind_is_crash(enum history_kind kind)
{
	return kind == HISTORY_CRASH || kind == HISTORY_POWER_CUT;
}

/* What the target says of itself and what is known of the run: the history's first line. */
struct history_head {
	char target[HISTORY_NAME_MAX + 1];
	char profile[32]; /* of a Holdfast LUN ("spc4", "dlt-s4"); "" for another target */
	char vendor[9], product[17];
	uint64_t seed;		    /* of the stress; 0: a scenario */
	uint64_t started_ms;	    /* UTC since 1970 */
	uint32_t block_size;	    /* bytes */
	uint32_t registrations_max; /* 0: not known */
	bool aptpl_claimed;	    /* REPORT CAPABILITIES: PTPL_C */
	uint8_t type_mask[2];	    /* REPORT CAPABILITIES: bytes 4 and 5 */
	char comment[HISTORY_TEXT_MAX + 1];
};

/* ---- recording: one writer, lines in the order of the calls ---- */

struct history_writer;

/* Writes the first line. NULL with errno. `out` stays the caller's, and is not closed. */
struct history_writer *history_writer_create(FILE *out, const struct history_head *head);
/* Checks the event's form (kind, op and outcome known, at_ns not before the last one, nexus
 * introduced) and writes its line. 0, -EINVAL for a malformed event (nothing is written), or the
 * negative errno of the stream. */
int history_write(struct history_writer *writer, const struct history_event *event);
/* Flushes. 0 or a negative errno: a history with a failed write must not be judged. */
int history_writer_finish(struct history_writer **writer);

/* ---- reading: the whole history in memory ---- */

struct history {
	struct history_head head;
	struct history_nexus *nexuses; /* by number */
	uint32_t nexus_count;
	struct history_event *events; /* all, in order; HISTORY_NEXUS among them */
	size_t event_count;
	size_t *lines;		     /* of each event: its line in the file, from 1 */
	struct history_arena *arena; /* keys and tags */
};

struct history_error {
	size_t line; /* 0: not of a line */
	char text[HISTORY_TEXT_MAX + 1];
};

/*
 * Reads and checks: every line whole, every event's form, a RETURN for each command at most once
 * and behind its INVOKE, times never decreasing. An INVOKE without RETURN is no error: its outcome
 * is unknown. 0, or -EINVAL/-ENOMEM/errno of the stream with *ret_error saying which line and why;
 * *ret_history is then untouched.
 */
int history_read(FILE *in, struct history **ret_history, struct history_error *ret_error);
void history_free(struct history **history);

/*
 * Which events belong together: of each INVOKE its RETURN, of each RETURN and DECIDED its INVOKE,
 * as indexes into history->events; HISTORY_NO_EVENT of any other, and where there is none. 0 or
 * -ENOMEM. To be freed.
 */
int history_pair(const struct history *history, size_t **ret_partner);

/* ---- names, the same in JSON, on the terminal and in reports ---- */

const char *history_kind_name(enum history_kind kind); /* "?" for what is not one */
const char *history_op_name(enum history_op op);       /* "preempt_and_abort" */
const char *history_outcome_name(enum history_outcome outcome);
const char *history_access_name(enum history_access access);
enum history_kind history_kind_of(const char *name); /* ..._INVALID when unknown */
enum history_op history_op_of(const char *name);
enum history_outcome history_outcome_of(const char *name);
enum history_access history_access_of(const char *name);
bool history_op_is_pr_out(enum history_op op);
bool history_op_is_pr_in(enum history_op op);
bool history_op_is_reset(enum history_op op); /* of a logical unit or of the target */
/* May it change reservations, registrations or what other nexuses are told? */
bool history_op_changes_state(enum history_op op);

/*
 * One line for a person: "register key 0x.. -> 0x.. aptpl", "write 8 blocks at 64", "reserve EA-RO
 * with 0x..". Returns buffer.
 */
const char *history_command_text(const struct history_command *command, char *buffer, size_t len);
const char *history_result_text(const struct history_command *command,
				const struct history_result *result, char *buffer, size_t len);

#endif
