/*
 * The judge's model of one logical unit: what SPC-4 says of its reservations, as far as initiators
 * can see it. One step answers one command. All changes are logged, so that the search can take
 * them back.
 */
#ifndef LAB_JUDGE_LU_H
#define LAB_JUDGE_LU_H

#include <limits.h>

#include "tools/lab/history.h"

#define LU_NOBODY      (-1)
#define LU_TOO_FAR     UINT_MAX
#define LU_VARIANT_MAX 2 /* answers that the standard leaves open for one command */

/* Unit attentions as bits, for each nexus: those that are due, and those that may be reported but
 * need not be. */
enum lu_ua {
	LU_UA_PREEMPTED = 1,	     /* 2A/03 */
	LU_UA_RELEASED = 2,	     /* 2A/04 */
	LU_UA_REGISTRATION_LOST = 4, /* 2A/05 */
	LU_UA_LOST_EITHER = 8,	     /* 2A/03 or 2A/05: which, the profile does not tell */
	LU_UA_RESET = 16,	     /* 29/xx */
	LU_UA_CLEARED = 32,	     /* 2F/00 */
};

/* How the target is known to behave where the standard, or its age, leaves a choice. */
struct lu_rules {
	bool ua_preempt_03;	    /* dlt-s4: victims get 2A/03 */
	bool ua_preempt_05;	    /* SPC-4: 2A/05. Neither: both are accepted */
	bool own_key_kept;	    /* dlt-s4: PREEMPT of the own key, remove-only, keeps it */
	bool own_key_removed;	    /* SPC-4. Neither: both are accepted */
	bool all_ports_know;	    /* Holdfast: REGISTER with ALL_TG_PT is a conflict where the
				       key on one of the ports is another. Unknown: or it replaces
				       that */
	bool unit_attentions;	    /* false: none is expected, any is accepted */
	bool login_attention;	    /* a new session may start with 29/xx */
	bool aptpl;		    /* false: nothing survives a crash */
	uint8_t type_mask[2];	    /* REPORT CAPABILITIES bytes 4, 5; both 0: not known */
	uint32_t registrations_max; /* 0: not known */
};

struct lu_undo; /* one change */

struct lu {
	const struct lu_rules *rules;
	const struct history_nexus *nexuses; /* by number; borrowed */
	uint32_t nexus_count;
	uint32_t ports; /* how many nexuses one initiator port has at most: ALL_TG_PT is for all */

	uint32_t generation;
	uint32_t aptpl;	 /* bool */
	uint32_t type;	 /* 0: no reservation */
	uint32_t holder; /* nexus; (uint32_t)LU_NOBODY: none, or all registrants */
	uint32_t spc2_owner;
	uint32_t registered; /* how many */
	uint64_t keys_sum;   /* of lu_key_mix over all registrations: compares READ KEYS */
	uint64_t hash;	     /* of everything here */
	/* One block of memory, which starts with the keys. */
	uint64_t *keys;	   /* [nexus_count]; 0: not registered */
	uint32_t *pending; /* [nexus_count]: lu_ua */
	uint32_t *maybe;   /* [nexus_count]: lu_ua that may be */
	uint32_t *up;	   /* [nexus_count]: bool, there is a session */

	/* lu_ua that were to be established and were due already, while that is noted. Not part of
	 * the state. */
	uint32_t *merged; /* [nexus_count] */
	bool notes_merged, has_merged;

	struct lu_undo *log;
	size_t log_len, log_capacity;
	bool no_memory; /* a change could not be logged: the run is over */
};

/* What the model says a command does. */
struct lu_answer {
	enum history_outcome outcome;
	uint8_t sense_key, asc, ascq; /* HISTORY_CHECK; ascq 0xff: any */
	bool changes;		      /* it changed something */
};

/* 0 or -ENOMEM. `rules` and `nexuses` stay the caller's and must outlive the model. */
int lu_init(struct lu *lu, const struct lu_rules *rules, const struct history_nexus *nexuses,
	    uint32_t nexus_count);
void lu_finish(struct lu *lu);

/* The whole state as bytes that can be put back, in the same model or another of the same nexuses.
 * The log does not go with it: it is empty after lu_load. */
size_t lu_image_len(const struct lu *lu);
void lu_save(const struct lu *lu, void *image);
void lu_load(struct lu *lu, const void *image);

/* Of the state, or of all of it but APTPL: where nobody can tell any more which it was. */
uint64_t lu_hash(const struct lu *lu, bool with_aptpl);

/* For taking back: everything since the mark. */
size_t lu_mark(const struct lu *lu);
void lu_undo_to(struct lu *lu, size_t mark);
/* Since the mark PRGENERATION counted, and nothing else changed. */
bool lu_only_counted(const struct lu *lu, size_t mark);
/* Nothing will be taken back: all marks are void. */
void lu_forget(struct lu *lu);

/*
 * Does `command` of `nexus` now, as if no unit attention were pending. `variant`, below
 * LU_VARIANT_MAX, chooses where the standard leaves two answers; *ret_variants is how many
 * differ for this command (1 or 2). Does nothing but answer when the answer is not GOOD.
 */
struct lu_answer lu_step(struct lu *lu, uint32_t nexus, const struct history_command *command,
			 unsigned variant, unsigned *ret_variants);

/* Begins to note which unit attentions are established that are due already, or ends that. */
void lu_note_merged(struct lu *lu, bool notes);

/* Would a READ (write: a WRITE) of the nexus be let through? */
bool lu_admits(const struct lu *lu, uint32_t nexus, bool write);

/* Does what a PERSISTENT RESERVE IN returned show this state? *ret_field names what differs. */
bool lu_shows(const struct lu *lu, const struct history_command *command,
	      const struct history_result *result, const char **ret_field);

/* How far is this state from the one that a PERSISTENT RESERVE IN showed? 0: it is the one.
 * LU_TOO_FAR: no further command leads there (but over a crash): PRGENERATION only grows. */
unsigned lu_distance(const struct lu *lu, const struct history_command *command,
		     const struct history_result *result);

/* Is this nexus' next command to report a unit attention? */
bool lu_attention_pending(const struct lu *lu, uint32_t nexus);
/* Reports the one with this code. False: it is not there (nothing changes). */
bool lu_attention_take(struct lu *lu, uint32_t nexus, uint8_t asc, uint8_t ascq);
/* What is due has been reported, or some of it, and nobody heard of it. */
void lu_attention_unheard(struct lu *lu, uint32_t nexus);
/* The kinds (lu_ua) of which one may be reported like this; 0: none that has to do with
 * reservations. */
uint32_t lu_attention_kinds(uint8_t asc, uint8_t ascq);
/* Does this command report unit attentions at all? (INQUIRY and its like do not.) */
bool lu_reports_attention(const struct history_command *command);

void lu_session_begins(struct lu *lu, uint32_t nexus);
void lu_session_ends(struct lu *lu, uint32_t nexus);
void lu_crash(struct lu *lu);
void lu_reset(struct lu *lu, uint32_t by_nexus);

/* Is there a nexus for each initiator port that SPEC_I_PT names, on the target port of this one? */
bool lu_knows_others(const struct history_nexus *nexuses, uint32_t nexus_count, uint32_t nexus,
		     const struct history_command *command);

/* One registration's part of keys_sum. */
uint64_t lu_key_mix(uint64_t key);

/* Keys and reservation in one line for people. Returns buffer. */
const char *lu_text(const struct lu *lu, char *buffer, size_t len);

#endif
