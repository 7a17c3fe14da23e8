/*
 * What the judge's files share: the commands of one logical unit with their intervals, and the
 * search for an order.
 *
 * A command becomes an op that opens with its INVOKE and closes with its RETURN; it takes effect
 * once in between. Ends and beginnings of sessions and crashes of the target are ops as well, for
 * they change state at a moment that nobody saw exactly.
 */
#ifndef LAB_JUDGE_INTERNAL_H
#define LAB_JUDGE_INTERNAL_H

#include "tools/lab/judge.h"
#include "tools/lab/judge_lu.h"

#define JUDGE_NO_OP    UINT32_MAX
#define JUDGE_NO_EVENT HISTORY_NO_EVENT
#define JUDGE_NO_RANK  0u

enum judge_role {
	JUDGE_ROLE_INVALID = 0,
	JUDGE_PROBE, /* what came back shows the state and changed nothing */
	JUDGE_MOVER, /* GOOD and a change, or a unit attention taken */
	JUDGE_MAYBE, /* no answer, or aborted: it may have taken effect, or never will */
	/* The answer of a command that the session's own reset cancelled: nobody heard it, and it
	 * may have been a unit attention. */
	JUDGE_UNHEARD,
	JUDGE_SESSION_BEGIN,
	JUDGE_SESSION_END,
	JUDGE_CRASHED,
};

struct judge_op {
	enum judge_role role;
	uint32_t nexus;			       /* HISTORY_NO_NEXUS for a crash */
	const struct history_command *command; /* NULL: all but probes, movers, maybes */
	const struct history_result *result;   /* NULL: none */
	size_t opened_by, closed_by;	       /* events; JUDGE_NO_EVENT: before all; never */
	bool found_on_medium; /* a write without GOOD whose data was found: it must have been let
				 through before closed_by */
	uint32_t slot;	      /* no other op that is open at the same time has it */
	/* The target is quoted with this: its place among all that it is quoted with, from 1. */
	uint32_t rank;
	uint32_t generation_after; /* of a change with a rank: PRGENERATION, as the target says */
	bool decided;		   /* the quote says which command it was: just this one is meant */
	bool shares_quote;	   /* it, or another one, may be meant by a quote */
};

static inline bool judge_op_is_reset(const struct judge_op *op)
{
	return op->command && history_op_is_reset(op->command->op);
}

struct judge_step {
	uint32_t op;
	bool closes;
	size_t event;
};

/* All ops of one logical unit, and the order in which they open and close. */
struct judge_ops {
	uint16_t lun;
	struct judge_op *ops;
	uint32_t op_count, op_capacity;
	struct judge_step *steps;
	size_t step_count, step_capacity;
	uint32_t slot_count;
	uint32_t rank_count; /* ops with a rank */
	uint32_t decided_count;
	bool unjudged;	    /* it has commands whose effect the model does not know */
	bool unheard;	    /* it has ops for answers that nobody heard */
	uint32_t cancelled; /* commands that there are such ops for, or would be */
};

/* Who saw which write first. */
struct judge_sights;

/* `partner`, here and below: of each event, see history_pair. */
int judge_sights_build(const struct history *history, uint16_t lun, const size_t *partner,
		       struct judge_sights **ret_sights);
void judge_sights_free(struct judge_sights **sights);
/* JUDGE_NO_EVENT: nobody ever saw it. */
size_t judge_sights_find(const struct judge_sights *sights, uint32_t nexus, uint64_t sequence);

/* NULL: it was never answered. JUDGE_ROLE_INVALID: any state explains it. */
enum judge_role judge_role_of(const struct history_command *c, const struct history_result *r);

/* Can what was never answered not happen any more when this one (the end of a session, or a crash)
 * is over? */
bool judge_op_ends(const struct judge_op *end, const struct judge_op *op);

/* 0 or -ENOMEM. */
int judge_ops_build(const struct history *history, uint16_t lun, const size_t *partner,
		    const struct judge_sights *sights, struct judge_ops *ret_ops);
/* The same with an op, besides, for each answer that nobody heard: more is possible then, and an
 * order is harder to find. */
int judge_ops_build_unheard(const struct history *history, uint16_t lun, const size_t *partner,
			    const struct judge_sights *sights, struct judge_ops *ret_ops);
void judge_ops_free(struct judge_ops *ops);

/* Gives each op its slot. False: no memory. */
bool judge_ops_assign_slots(struct judge_ops *ops);
/* Gives those ops a rank of which the target says in which order they took effect: a hint, which
 * may be missing or wrong. 0 or -ENOMEM. */
int judge_ops_rank(const struct history *history, const size_t *partner, struct judge_ops *ops);

/* A registration that a PREEMPT AND ABORT took. */
struct judge_abort {
	uint32_t by, victim_nexus; /* op, nexus */
};

struct judge_search_result {
	bool found;   /* an order explains all */
	bool gave_up; /* states_max reached */
	uint64_t states;
	struct judge_violation violation; /* of the deepest point, when not found */
	struct judge_abort *aborts;	  /* when found; to be freed */
	size_t abort_count;
};

/* 0 or -ENOMEM. */
int judge_search(const struct history *history, struct judge_ops *ops, const struct lu_rules *rules,
		 uint64_t states_max, struct judge_search_result *ret_result);

/* The rules over blocks. Adds violations to the report. 0 or -ENOMEM. */
int judge_blocks(const struct history *history, const size_t *partner, uint16_t lun,
		 const struct judge_ops *ops, const struct judge_search_result *search,
		 struct judge_report *report);

/* Takes the violation's events over. False: no memory. */
bool judge_report_add(struct judge_report *report, struct judge_violation *violation);
/* A violation with its events; the text is the caller's. False: no memory. */
bool judge_violation_make(struct judge_violation *ret_violation, enum judge_rule rule, uint16_t lun,
			  const size_t *events, size_t event_count);

#endif
