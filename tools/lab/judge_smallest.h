/*
 * The smallest sub-history that is impossible, for the files that find it.
 *
 * A command that is left out is not taken away: it was sent when it was sent, and may have been
 * answered anything at all between then and its return. So what is impossible with only some of the
 * answers is impossible with all of them. A trial says whether some answers by themselves can be
 * explained: it carries all states that are possible through the history.
 *
 * An exact trial follows every nexus that it is told of, with every command of theirs at most once.
 * A rough one also thinks of the others: two more nexuses stand for all of them, registered with
 * whatever key suits them best, and what is left out may happen as often as it likes. It finds more
 * possible than there is, never less: its IMPOSSIBLE is sure, its POSSIBLE is not.
 */
#ifndef LAB_JUDGE_SMALLEST_H
#define LAB_JUDGE_SMALLEST_H

#include <uthash.h>

#include "tools/lab/judge_internal.h"

/* What a trial looks at. Arrays are by op and by nexus of the history. */
struct trial {
	const struct history *history;
	const struct judge_ops *ops;
	const struct lu_rules *rules;
	const bool *kept;	/* its answer counts */
	const bool *silent;	/* never happened; NULL: none */
	const bool *followed;	/* nexuses */
	const bool *attentions; /* nexuses whose unit attentions are looked at */
	bool exact;
	size_t step_end;		   /* only so many steps */
	uint64_t states_max, *states_left; /* this time; at all */
};

enum trial_verdict {
	TRIAL_INVALID = 0,
	TRIAL_IMPOSSIBLE,
	TRIAL_POSSIBLE,
	TRIAL_TOO_LONG,
	TRIAL_NO_MEMORY,
};

/* *ret_step: where nothing was left, when it is impossible. */
enum trial_verdict trial_run(const struct trial *trial, size_t *ret_step);

/* ---- judge_smallest_world.c: the states of a trial ---- */

struct world_key {
	uint64_t key;
	UT_hash_handle hh;
};

struct world {
	const struct trial *trial;
	struct lu_rules rules;
	struct lu lu;
	struct history_nexus *nexuses; /* of the model */
	uint32_t *places;	       /* of each nexus of the history: in the model */
	uint32_t followed; /* the first ones in the model; two strangers may come behind them */
	bool *attentions;  /* by place */
	uint32_t *kinds;   /* by place: lu_ua that kept answers report */
	bool strangers, crashes, every_key;
	struct world_key *keys;	   /* that the kept commands name */
	struct world_key *offered; /* that somebody who is not followed may be registered with */
	uint64_t other_key;	   /* the first of a range that nobody uses: one for each place */
};

#define WORLD_NO_PLACE UINT32_MAX

/* Called with a state that follows in world->lu. */
typedef void (*world_taker)(void *taker);

bool world_init(struct world *world, const struct trial *trial);
void world_finish(struct world *world);
/* Has it to do with what is followed at all? */
bool world_concerns(const struct world *world, uint32_t op);
bool world_is_attentive(const struct world *world, const struct judge_op *op);
/* Two ops that are left out and have the same signature do the same. */
uint64_t world_signature(const struct world *world, uint32_t op);
uint32_t world_place(const struct world *world, uint32_t nexus);
/* What stands for all keys that no kept command names, in this place. */
uint64_t world_other_key(const struct world *world, uint32_t place);
bool world_is_named(const struct world *world, uint64_t key);
/* May somebody who is not followed be registered with it? */
bool world_is_offered(const struct world *world, uint64_t key);
bool world_wants_attention(const struct judge_op *op);
/* What is not looked at is made the same in all states. */
void world_tidy(struct world *world);

/* ---- judge_smallest_step.c: what an op does to a state ---- */

/* All that can come of the op in the state `image`. `clear`: it was not kept from taking effect by
 * a unit attention. */
void world_try(struct world *world, const void *image, uint32_t op, bool clear, world_taker take,
	       void *taker);
/* Does the probe's answer fit the state at hand? */
bool world_fits(struct world *world, uint32_t op);

/* ---- judge_smallest_count.c ---- */

/* Does PRGENERATION, as this op shows it, contradict what was shown and counted before? Looks only
 * at answers that are kept. */
bool smallest_miscounts(const struct judge_ops *ops, const bool *kept, uint32_t shown);

/* ---- judge_smallest_why.c ---- */

/* Sentences about the violation's events, one a line, to be freed; NULL: no memory. */
char *smallest_why(const struct history *history, const struct judge_violation *violation);

/* ---- judge_smallest.c ---- */

/* Replaces the violation's events by those of the smallest impossible sub-history, if one is found
 * with bearable effort: so many states at most, and never more than are looked at by itself. 0 or
 * -ENOMEM. */
int judge_smallest(const struct history *history, const struct judge_ops *ops,
		   const struct lu_rules *rules, uint64_t states_max,
		   struct judge_violation *violation);

#endif
