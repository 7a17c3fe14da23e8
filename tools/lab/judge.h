/*
 * Did the target do what SPC-4 says, as far as its initiators could see? The judge looks for an
 * order of the commands of a history in which a sequential model of one logical unit gives every
 * answer that was seen (linearizability: each command takes effect once, between its invoke and its
 * return), and holds the fencing rules against the writes and the medium.
 *
 * The model is written from the standard and shares nothing with pr_engine or target.
 */
#ifndef LAB_JUDGE_H
#define LAB_JUDGE_H

#include "tools/lab/history.h"

/* What can be broken. A violation names one; `judge_rule_text` says it in a sentence. */
enum judge_rule {
	JUDGE_RULE_INVALID = 0,
	JUDGE_ORDER, /* no order of the commands explains the answers (and no rule below does
			better) */
	JUDGE_FENCED_WRITE_ACKNOWLEDGED, /* a write that began after the GOOD of the PREEMPT (AND
					    ABORT) that removed its nexus was GOOD */
	JUDGE_FENCED_WRITE_ON_MEDIUM,	 /* ... or is on the medium, whatever its status */
	JUDGE_ABORTED_WRITE_ON_MEDIUM,	 /* a write of a victim changed the medium after PREEMPT AND
					    ABORT was GOOD (found by a READ before and one after) */
	JUDGE_WRITE_BY_STRANGER, /* GOOD where the reservation admits no write of this nexus */
	JUDGE_READ_BY_STRANGER,	 /* GOOD where an exclusive type admits no read of it */
	JUDGE_NEEDLESS_CONFLICT, /* RESERVATION CONFLICT where nothing forbids the command */
	JUDGE_PR_OUT_ADMITTED,	 /* a PERSISTENT RESERVE OUT was GOOD that is not to be: wrong key,
				    no registration, wrong type, somebody else's reservation; or
				    it passed that check, and failed at a later one */
	JUDGE_SPC2_RESERVATION,	 /* a RESERVE(6) of SPC-2 did not keep others out, or was itself
				    admitted where it is not to be */
	JUDGE_LOST_BY_CRASH,	 /* acknowledged state with APTPL gone after a crash */
	JUDGE_KEPT_OVER_CRASH,	 /* state without APTPL still there after a crash */
	JUDGE_GENERATION,	 /* PRGENERATION jumps, stands still or runs back */
	JUDGE_KEYS,		 /* READ KEYS or READ FULL STATUS shows what cannot be */
	JUDGE_HOLDER,		 /* READ RESERVATION shows what cannot be */
	JUDGE_UNIT_ATTENTION_LOST,  /* a unit attention was never reported */
	JUDGE_UNIT_ATTENTION_TWICE, /* it was reported more often than it was established */
	JUDGE_UNIT_ATTENTION_WRONG, /* one was reported that nothing established */
	JUDGE_STALE_READ,	    /* a READ shows other data than the writes before it left */
	JUDGE_LOST_WRITE,	 /* an acknowledged write is not on the medium, nor one after it */
	JUDGE_LOST_BY_POWER_CUT, /* a write with FUA, or one that SYNCHRONIZE CACHE was GOOD
				    behind, is gone after a power cut */
	JUDGE_TORN_WRITE,	 /* a block holds pieces of two writes */
	JUDGE_RULE_COUNT,
};

/* What is known of a violation's events. */
enum judge_proof {
	JUDGE_PROOF_NONE = 0, /* they brought the state about, as far as it concerns the last one,
				 where the rule is seen broken */
	JUDGE_PROOF_SMALL,    /* their commands' answers cannot be explained, whatever all others
				 were answered */
	JUDGE_PROOF_SMALLEST, /* and without any one of these answers the others can be */
};

struct judge_violation {
	enum judge_rule rule;
	uint16_t lun;
	enum judge_proof proof;
	char text[512]; /* what is wrong, with nexuses, commands and times */
	char *why;	/* sentences, one a line, that say what contradicts what; NULL: no proof */
	size_t accused; /* event: the INVOKE of the command where the rule is seen broken, or
			   SIZE_MAX */
	enum history_outcome due; /* what the accused was to be answered */
	size_t *events;		  /* indexes into history->events */
	size_t event_count;
};

struct judge_options {
	uint64_t states_max; /* search effort; 0: a default that decides what a stress makes */
	/* What another target is forgiven because it does not claim it. */
	bool without_aptpl;
	bool without_unit_attentions;
};

struct judge_report {
	bool undecided; /* states_max was not enough for some part; told in `notes` */
	struct judge_violation *violations; /* none: every rule held */
	size_t violation_count;
	/* How much was looked at: a judge that saw nothing proves nothing. */
	uint64_t commands, pr_outs, pr_ins, reads, writes, conflicts, unit_attentions, unknowns,
		crashes, power_cuts, preempts, fences_probed, medium_blocks, states;
	char notes[1024];
};

/* 0, or a negative errno (no memory). The history stays the caller's. */
int judge(const struct history *history, const struct judge_options *options,
	  struct judge_report **ret_report);
void judge_report_free(struct judge_report **report);

const char *judge_rule_name(enum judge_rule rule); /* "fenced_write_acknowledged" */
const char *judge_rule_text(enum judge_rule rule);

#endif
