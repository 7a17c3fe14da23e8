/*
 * What a nexus' later commands say of the state at hand.
 *
 * Of unit attentions: one that is due is reported by a command that was answered with it; a command
 * with any other answer found none at some moment. So what is due now needs somebody to report it
 * before the next command with another answer is over.
 *
 * Of its key: only its own REGISTERs (and a REGISTER AND MOVE to it) give it one. While none of
 * them can come, the next command that was GOOD with a key must find just that one.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_search.h"

#define REPORTS_AHEAD 16 /* commands */

static bool is_attention(const struct judge_op *op)
{
	return op->result && op->result->outcome == HISTORY_CHECK && op->result->sense_key == 6;
}

/* What may be due that this one reports. */
static uint32_t reported(const struct judge_op *op)
{
	if (op->role == JUDGE_UNHEARD)
		return UINT32_MAX;
	return is_attention(op) ? lu_attention_kinds(op->result->asc, op->result->ascq) : 0;
}

static bool was_answered(const struct judge_op *op)
{
	return op->command && (op->role == JUDGE_PROBE || op->role == JUDGE_MOVER) && op->result &&
	       !op->found_on_medium;
}

static bool needs_clear(const struct judge_op *op)
{
	return was_answered(op) && !is_attention(op) && lu_reports_attention(op->command);
}

static bool gives_key(const struct judge_op *op)
{
	const struct history_command *c = op->command;

	if (!c || is_attention(op) || op->role == JUDGE_PROBE)
		return false;
	return c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE ||
	       c->op == HISTORY_REGISTER_AND_MOVE;
}

/* GOOD only with its key. */
static bool proves_key(const struct judge_op *op)
{
	const struct history_command *c = op->command;

	return op->role == JUDGE_MOVER && c && op->result->outcome == HISTORY_GOOD &&
	       history_op_is_pr_out(c->op) && c->op != HISTORY_REGISTER_AND_IGNORE && c->key != 0;
}

static bool is_of_nexus(const struct judge_op *op)
{
	return op->role == JUDGE_SESSION_END || needs_clear(op) || reported(op) != 0 ||
	       gives_key(op) || proves_key(op);
}

/* Whom else an op concerns; HISTORY_NO_NEXUS: nobody. */
static uint32_t moves_to(const struct search *search, const struct judge_op *op)
{
	if (!gives_key(op) || op->command->op != HISTORY_REGISTER_AND_MOVE ||
	    op->command->move_to >= search->lu.nexus_count)
		return HISTORY_NO_NEXUS;
	return op->command->move_to;
}

/* Counts, sums, fills. */
bool search_look_ahead_nexuses(struct search *search)
{
	const struct judge_ops *ops = search->ops;
	struct ahead *ahead = &search->ahead;
	uint32_t nexuses = search->lu.nexus_count, *first;

	first = ahead->first_of_nexus = calloc(nexuses + 2, sizeof(*first));
	if (!first)
		return false;
	for (uint32_t i = 0; i < ops->op_count; i++) {
		const struct judge_op *op = &ops->ops[i];
		if (is_of_nexus(op))
			first[op->nexus + 2]++;
		if (moves_to(search, op) != HISTORY_NO_NEXUS)
			first[moves_to(search, op) + 2]++;
		ahead->ports_together |= op->command && op->command->all_tg_pt;
		if (op->command && op->command->spec_i_pt) {
			ahead->ports_together = true;
			search->lu.ports = nexuses; /* one command may add so many */
		}
	}
	for (uint32_t n = 0; n < nexuses; n++)
		first[n + 2] += first[n + 1];
	ahead->of_nexus = calloc((size_t)first[nexuses + 1] + 1, sizeof(*ahead->of_nexus));
	if (!ahead->of_nexus)
		return false;
	for (size_t at = 0; at < ops->step_count; at++) {
		const struct judge_op *op = &ops->ops[ops->steps[at].op];
		struct later later = {.at = at, .op = ops->steps[at].op};
		if (ops->steps[at].closes)
			continue;
		if (is_of_nexus(op))
			ahead->of_nexus[first[op->nexus + 1]++] = later;
		if (moves_to(search, op) != HISTORY_NO_NEXUS)
			ahead->of_nexus[first[moves_to(search, op) + 1]++] = later;
	}
	return true;
}

void search_finish_ahead_nexuses(struct search *search)
{
	free(search->ahead.first_of_nexus);
	free(search->ahead.of_nexus);
}

uint32_t search_first_later(const struct search *search, uint32_t nexus, size_t step)
{
	const struct ahead *ahead = &search->ahead;
	uint32_t low = ahead->first_of_nexus[nexus], high = ahead->first_of_nexus[nexus + 1];

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (ahead->of_nexus[middle].at < step)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- unit attentions ---- */

/* Is there an open command that must find none? Narrows until when. */
static void look_at_open(const struct search *search, const struct op_list *list, uint32_t nexus,
			 size_t *until, uint32_t *kinds)
{
	for (uint32_t k = 0; k < list->count; k++) {
		const struct judge_op *op = &search->ops->ops[list->ops[k]];
		if (op->nexus != nexus || search_is_done(search, list->ops[k]))
			continue;
		*kinds |= reported(op);
		if (needs_clear(op) && !search_was_clear(search, op) &&
		    search->ahead.closes[list->ops[k]] < *until)
			*until = search->ahead.closes[list->ops[k]];
	}
}

static bool is_stuck_with(const struct search *search, uint32_t nexus)
{
	const struct ahead *ahead = &search->ahead;
	size_t crash = ahead->next_crash[search->at], until = SIZE_MAX;
	uint32_t kinds = 0, due = search->lu.pending[nexus];
	uint32_t end = ahead->first_of_nexus[nexus + 1];

	look_at_open(search, &search->probes, nexus, &until, &kinds);
	look_at_open(search, &search->movers, nexus, &until, &kinds);
	for (uint32_t i = search_first_later(search, nexus, search->at + 1);
	     i < end && (due & ~kinds) != 0; i++) {
		const struct later *later = &ahead->of_nexus[i];
		const struct judge_op *op = &search->ops->ops[later->op];
		if (later->at > until || later->at > crash || op->role == JUDGE_SESSION_END)
			break;
		if (op->nexus != nexus)
			continue;
		kinds |= reported(op);
		if (needs_clear(op) && ahead->closes[later->op] < until)
			until = ahead->closes[later->op];
	}
	return until < crash && until != SIZE_MAX && (due & ~kinds) != 0;
}

bool search_reports_again(const struct search *search, uint32_t i, size_t until)
{
	const struct ahead *ahead = &search->ahead;
	const struct judge_op *ops = search->ops->ops;
	uint32_t nexus = ops[i].nexus, end = ahead->first_of_nexus[nexus + 1];
	uint32_t from = search_first_later(search, nexus, ahead->opens[i] + 1);

	for (uint32_t k = from; k < end && k - from < REPORTS_AHEAD; k++) {
		const struct later *later = &ahead->of_nexus[k];
		if ((reported(&ops[later->op]) & reported(&ops[i])) != 0)
			return true;
		if (later->at > until || ops[later->op].role == JUDGE_SESSION_END)
			break;
	}
	return false;
}

static bool session_ends(const struct search *search, uint32_t nexus)
{
	for (uint32_t k = 0; k < search->movers.count; k++) {
		const struct judge_op *op = &search->ops->ops[search->movers.ops[k]];
		if (op->role == JUDGE_CRASHED ||
		    (op->role == JUDGE_SESSION_END && op->nexus == nexus))
			return true;
	}
	return false;
}

/* ---- keys ---- */

/* The open command that proves a key and is over first. False: one is open that may give it one. */
static bool look_for_proof(const struct search *search, uint32_t nexus, uint32_t *proof)
{
	for (uint32_t k = 0; k < search->movers.count; k++) {
		uint32_t i = search->movers.ops[k];
		const struct judge_op *op = &search->ops->ops[i];
		bool proves = op->nexus == nexus && proves_key(op);
		if (search_is_done(search, i))
			continue;
		if (proves && (*proof == JUDGE_NO_OP ||
			       search->ahead.closes[i] < search->ahead.closes[*proof]))
			*proof = i;
		if (!proves && (op->nexus == nexus || moves_to(search, op) == nexus) &&
		    gives_key(op))
			return false;
	}
	return true;
}

static bool is_only_register(const struct search *search, uint32_t nexus, uint32_t proof)
{
	for (uint32_t k = 0; k < search->movers.count; k++) {
		uint32_t i = search->movers.ops[k];
		const struct judge_op *op = &search->ops->ops[i];
		if (i != proof && op->nexus == nexus && gives_key(op) && !search_is_done(search, i))
			return false;
	}
	return true;
}

static bool has_wrong_key(const struct search *search, uint32_t nexus)
{
	const struct ahead *ahead = &search->ahead;
	const struct judge_op *ops = search->ops->ops;
	size_t crash = ahead->next_crash[search->at];
	uint32_t end = ahead->first_of_nexus[nexus + 1], proof = JUDGE_NO_OP;

	if (!look_for_proof(search, nexus, &proof))
		return false;
	for (uint32_t i = search_first_later(search, nexus, search->at + 1); i < end; i++) {
		const struct later *later = &ahead->of_nexus[i];
		const struct judge_op *op = &ops[later->op];
		if (later->at > crash || (proof != JUDGE_NO_OP && later->at > ahead->closes[proof]))
			break;
		if (op->nexus == nexus && proves_key(op) && proof == JUDGE_NO_OP)
			proof = later->op;
		else if (gives_key(op))
			return false;
	}
	return proof != JUDGE_NO_OP && ahead->closes[proof] < crash &&
	       is_only_register(search, nexus, proof) &&
	       ops[proof].command->key != search->lu.keys[nexus];
}

bool search_nexus_is_stuck(struct search *search, uint32_t applied)
{
	const struct judge_op *op = &search->ops->ops[applied];
	bool registers = op->command && !is_attention(op) &&
			 (op->command->op == HISTORY_REGISTER ||
			  op->command->op == HISTORY_REGISTER_AND_IGNORE);
	bool strikes = op->command && !is_attention(op) &&
		       (op->command->op == HISTORY_PREEMPT || op->command->op == HISTORY_CLEAR ||
			op->command->op == HISTORY_PREEMPT_AND_ABORT ||
			op->command->op == HISTORY_REGISTER_AND_MOVE);

	if (search->crash != JUDGE_NO_OP)
		return false;
	for (uint32_t n = 0; n < search->lu.nexus_count; n++) {
		if (search->lu.pending[n] != 0 && !session_ends(search, n) &&
		    is_stuck_with(search, n)) {
			search->blocked[n] = true;
			return true;
		}
		if ((strikes || (registers && n == op->nexus)) && !search->ahead.ports_together &&
		    has_wrong_key(search, n))
			return true;
	}
	return false;
}
