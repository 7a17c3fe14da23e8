/*
 * The set of commands that is made smaller and smaller, for the files that do so.
 */
#ifndef LAB_JUDGE_SMALLEST_SMALL_H
#define LAB_JUDGE_SMALLEST_SMALL_H

#include "tools/lab/judge_smallest.h"

#define SMALL_STATES_GROUND 200000 /* of a trial: to find the nexuses */
#define SMALL_STATES_ROUGH  200000 /* to take away */
#define SMALL_STATES_EXACT  60000  /* with everything that was left out */
#define SMALL_STATES_FEW    20000  /* with few of it */

struct small {
	const struct history *history;
	const struct judge_ops *ops;
	const struct lu_rules *rules;
	bool *kept, *others, *silent, *followed, *all_followed, *attentions;
	uint32_t *order; /* kept ops: those to be taken away first */
	uint32_t count;
	size_t step_end;
	uint64_t states_left;
	uint32_t accused; /* op, or JUDGE_NO_OP */
	bool by_count;	  /* PRGENERATION alone shows it */
	bool exact_affordable;
	bool proven;
	bool no_memory;
};

/* ---- judge_smallest_ground.c: where it happens ---- */

enum trial_verdict small_try(struct small *small, struct trial trial, uint64_t states,
			     size_t *ret_step);
enum trial_verdict small_try_rough(struct small *small, uint64_t states, size_t *ret_step);
enum trial_verdict small_try_exact(struct small *small, size_t *ret_step);
bool small_is_answered(const struct judge_op *op);
/* It was answered, and changed nothing. */
bool small_only_shows(const struct judge_op *op);
/* Behind the step at which the op is over. */
size_t small_step_of_end(const struct small *small, uint32_t op);
/* Which nexuses' answers are enough? All of them, if nothing better is found. False: not even
 * those, with bearable effort. */
bool small_find_ground(struct small *small, const struct judge_violation *violation);

/* ---- judge_smallest_take.c: taking away ---- */

/* What only shows goes before what changes, the older before the younger. */
void small_put_in_order(struct small *small);
void small_take_away_many(struct small *small);
/* In the end each one is needed, or `proven` is false. */
void small_take_away_singly(struct small *small);

#endif
