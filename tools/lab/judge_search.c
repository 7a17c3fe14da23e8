/*
 * Is there an order? Events are walked in their order; an op is put in place only when it has to be
 * (Lowe's just-in-time linearization): when it closes and has not taken effect yet, some of the
 * open ops are given their turn until it fits. What leads nowhere is taken back. Configurations
 * (place in the walk, ops that took effect ahead of their close, state) that were visited once are
 * not visited again, so commands that commute cost nothing.
 *
 * Probes show the state and change nothing. One that fits the state of this moment is put here: to
 * let it wait could win nothing. Only movers branch.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_search.h"

/* ---- visited configurations ---- */

static bool seen_grow(struct seen_set *seen)
{
	size_t size = seen->size == 0 ? 1 << 16 : 2 * seen->size;
	uint64_t *slots = calloc(size, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < seen->size; i++) {
		if (seen->slots[i] == 0)
			continue;
		size_t at = seen->slots[i] & (size - 1);
		while (slots[at] != 0)
			at = (at + 1) & (size - 1);
		slots[at] = seen->slots[i];
	}
	free(seen->slots);
	seen->slots = slots;
	seen->size = size;
	return true;
}

/* True: it is new. */
static bool seen_add(struct search *search, uint64_t configuration)
{
	struct seen_set *seen = &search->seen;

	configuration |= configuration == 0;
	if (2 * seen->count >= seen->size && !seen_grow(seen)) {
		search->no_memory = true;
		return true;
	}
	size_t at = configuration & (seen->size - 1);
	while (seen->slots[at] != 0) {
		if (seen->slots[at] == configuration)
			return false;
		at = (at + 1) & (seen->size - 1);
	}
	seen->slots[at] = configuration;
	seen->count++;
	return true;
}

void search_forget_seen(struct search *search)
{
	struct seen_set *seen = &search->seen;

	if (seen->count > 0)
		memset(seen->slots, 0, seen->size * sizeof(*seen->slots));
	seen->count = 0;
}

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

/* ---- lists of open ops, and the log of what was done to them ---- */

static void log_op(struct search *search, enum op_change change, uint32_t op)
{
	if (search->log_len == search->log_capacity) {
		size_t capacity = search->log_capacity == 0 ? 1024 : 2 * search->log_capacity;
		struct op_undo *log = realloc(search->log, capacity * sizeof(*log));
		if (!log) {
			search->no_memory = true;
			return;
		}
		search->log = log;
		search->log_capacity = capacity;
	}
	search->log[search->log_len++] = (struct op_undo){.change = change, .op = op};
}

static uint32_t *head_for(struct search *search, const struct judge_op *op)
{
	return op->role == JUDGE_PROBE ? &search->probes : &search->movers;
}

static void unlink_op(struct search *search, uint32_t i)
{
	struct judge_op *ops = search->ops->ops, *op = &ops[i];

	if (op->previous != JUDGE_NO_OP)
		ops[op->previous].next = op->next;
	else
		*head_for(search, op) = op->next;
	if (op->next != JUDGE_NO_OP)
		ops[op->next].previous = op->previous;
}

/* The exact reverse: its own links still say where it was. */
static void relink_op(struct search *search, uint32_t i)
{
	struct judge_op *ops = search->ops->ops, *op = &ops[i];

	if (op->previous != JUDGE_NO_OP)
		ops[op->previous].next = i;
	else
		*head_for(search, op) = i;
	if (op->next != JUDGE_NO_OP)
		ops[op->next].previous = i;
}

/* In the order in which they were sent. */
static void link_op(struct search *search, uint32_t i)
{
	struct judge_op *ops = search->ops->ops, *op = &ops[i];
	uint32_t at = *head_for(search, op);

	op->previous = op->next = JUDGE_NO_OP;
	for (; at != JUDGE_NO_OP; at = ops[at].next)
		op->previous = at;
	relink_op(search, i);
}

static uint64_t done_mix(uint32_t op)
{
	return mix(2 * (uint64_t)op);
}

static uint64_t clear_mix(uint32_t op)
{
	return mix(2 * (uint64_t)op + 1);
}

static void mark_done(struct search *search, uint32_t i)
{
	search->ops->ops[i].done = true;
	search->crashes_open -= search->ops->ops[i].role == JUDGE_CRASHED;
	search->hash ^= done_mix(i);
	unlink_op(search, i);
	log_op(search, OP_DONE, i);
}

static void drop(struct search *search, uint32_t i)
{
	unlink_op(search, i);
	log_op(search, OP_DROPPED, i);
}

static void undo_op(struct search *search, const struct op_undo *undo)
{
	struct judge_op *op = &search->ops->ops[undo->op];

	switch (undo->change) {
	case OP_OPENED:
		unlink_op(search, undo->op);
		search->crashes_open -= op->role == JUDGE_CRASHED;
		op->was_clear = false;
		break;
	case OP_CLEAR:
		op->was_clear = false;
		search->hash ^= clear_mix(undo->op);
		break;
	case OP_DONE:
		op->done = false;
		search->crashes_open += op->role == JUDGE_CRASHED;
		search->hash ^= done_mix(undo->op);
		relink_op(search, undo->op);
		break;
	case OP_DROPPED:
		relink_op(search, undo->op);
		break;
	case OP_RETIRED:
		search->hash ^= done_mix(undo->op);
		if (op->was_clear)
			search->hash ^= clear_mix(undo->op);
		break;
	case OP_CHANGE_INVALID:
		assert(false);
	}
}

void search_undo_to(struct search *search, const struct frame *frame)
{
	while (search->log_len > frame->log_mark)
		undo_op(search, &search->log[--search->log_len]);
	lu_undo_to(&search->lu, frame->lu_mark);
	search->at = frame->at;
}

/* ---- does an op fit now? ---- */

static bool wants_attention(const struct judge_op *op)
{
	return op->result && op->result->outcome == HISTORY_CHECK && op->result->sense_key == 6;
}

/* A command is checked for unit attentions when it starts, and may take effect later. */
static void note_clear(struct search *search, uint32_t i)
{
	struct judge_op *op = &search->ops->ops[i];

	if (!op->command || op->was_clear || lu_attention_pending(&search->lu, op->nexus))
		return;
	op->was_clear = true;
	search->hash ^= clear_mix(i);
	log_op(search, OP_CLEAR, i);
}

static bool may_answer(const struct judge_op *op)
{
	return op->was_clear || !lu_reports_attention(op->command);
}

bool search_probe_fits(struct search *search, uint32_t i)
{
	const struct judge_op *op = &search->ops->ops[i];
	const struct history_result *r = op->result;
	struct lu_answer answer;
	const char *field;
	unsigned variants;
	size_t mark;

	if (!may_answer(op))
		return false;
	if (op->found_on_medium)
		return lu_admits(&search->lu, op->nexus, true);
	mark = lu_mark(&search->lu);
	answer = lu_step(&search->lu, op->nexus, op->command, 0, &variants);
	lu_undo_to(&search->lu, mark);
	if (answer.outcome != r->outcome)
		return false;
	if (answer.outcome == HISTORY_CHECK)
		return answer.sense_key == r->sense_key && answer.asc == r->asc &&
		       answer.ascq == r->ascq;
	if (answer.outcome == HISTORY_GOOD && history_op_is_pr_in(op->command->op))
		return lu_shows(&search->lu, op->command, r, &field);
	return true;
}

/* After each change: what waits for just this state? */
static void settle(struct search *search)
{
	uint32_t next;

	for (uint32_t i = search->movers; i != JUDGE_NO_OP; i = search->ops->ops[i].next)
		note_clear(search, i);
	for (uint32_t i = search->probes; i != JUDGE_NO_OP; i = next) {
		next = search->ops->ops[i].next;
		note_clear(search, i);
		if (search_probe_fits(search, i))
			mark_done(search, i);
	}
}

static bool shows_state(const struct judge_op *op)
{
	return op->command && history_op_is_pr_in(op->command->op) && op->result &&
	       op->result->outcome == HISTORY_GOOD;
}

/* What an open PERSISTENT RESERVE IN showed cannot come any more. */
static bool hopeless(const struct search *search)
{
	const struct judge_op *ops = search->ops->ops;

	if (search->crashes_open > 0)
		return false;
	for (uint32_t i = search->probes; i != JUDGE_NO_OP; i = ops[i].next)
		if (shows_state(&ops[i]) &&
		    lu_distance(&search->lu, ops[i].command, ops[i].result) == LU_TOO_FAR)
			return true;
	return false;
}

/* Whatever a session or the target had not done when it ended, it never will. */
static void drop_unanswered(struct search *search, uint32_t nexus)
{
	uint32_t next;

	/* A write that was found on the medium is a probe, and stays to be explained. */
	for (uint32_t i = search->movers; i != JUDGE_NO_OP; i = next) {
		const struct judge_op *op = &search->ops->ops[i];
		next = op->next;
		if (op->role == JUDGE_MAYBE && (nexus == HISTORY_NO_NEXUS || op->nexus == nexus))
			drop(search, i);
	}
}

/* A crash comes after everything that was answered before it was seen. */
static bool crash_may_come(const struct search *search, uint32_t crash)
{
	const struct judge_op *ops = search->ops->ops;
	size_t opened = ops[crash].opened_by;

	for (uint32_t i = search->movers; i != JUDGE_NO_OP; i = ops[i].next)
		if (i != crash && ops[i].role == JUDGE_MOVER && ops[i].opened_by < opened)
			return false;
	for (uint32_t i = search->probes; i != JUDGE_NO_OP; i = ops[i].next)
		if (ops[i].opened_by < opened)
			return false;
	return true;
}

static bool answer_fits(const struct judge_op *op, const struct lu_answer *answer)
{
	if (op->role == JUDGE_MAYBE)
		return answer->outcome == HISTORY_GOOD && answer->changes;
	return answer->outcome == HISTORY_GOOD;
}

/* Gives the mover its turn. False: it does not fit (the caller takes back what was begun). */
static bool apply(struct search *search, uint32_t i, unsigned variant, unsigned *ret_variants)
{
	const struct judge_op *op = &search->ops->ops[i];
	struct lu *lu = &search->lu;
	struct lu_answer answer;

	*ret_variants = 1;
	switch (op->role) {
	case JUDGE_SESSION_BEGIN:
		lu_session_begins(lu, op->nexus);
		return true;
	case JUDGE_SESSION_END:
		lu_session_ends(lu, op->nexus);
		drop_unanswered(search, op->nexus);
		return true;
	case JUDGE_CRASHED:
		if (!crash_may_come(search, i))
			return false;
		lu_crash(lu);
		drop_unanswered(search, HISTORY_NO_NEXUS);
		return true;
	case JUDGE_MOVER:
	case JUDGE_MAYBE:
		break;
	case JUDGE_PROBE:
	case JUDGE_ROLE_INVALID:
		return false;
	}
	if (wants_attention(op))
		return lu_attention_take(lu, op->nexus, op->result->asc, op->result->ascq);
	if (!may_answer(op))
		return false;
	answer = lu_step(lu, op->nexus, op->command, variant, ret_variants);
	return answer_fits(op, &answer);
}

/* ---- the walk ---- */

/* As far as nothing has to be chosen. JUDGE_NO_OP: to the end; else the op that has to be placed.
 */
static uint32_t walk(struct search *search)
{
	for (; search->at < search->ops->step_count && !search->no_memory; search->at++) {
		struct judge_step step = search->ops->steps[search->at];
		struct judge_op *op = &search->ops->ops[step.op];
		if (step.closes && !op->done)
			return step.op;
		if (step.closes) {
			search->hash ^= done_mix(step.op);
			if (op->was_clear)
				search->hash ^= clear_mix(step.op);
			log_op(search, OP_RETIRED, step.op);
			continue;
		}
		link_op(search, step.op);
		log_op(search, OP_OPENED, step.op);
		search->crashes_open += op->role == JUDGE_CRASHED;
		note_clear(search, step.op);
		if (op->role == JUDGE_PROBE && search_probe_fits(search, step.op))
			mark_done(search, step.op);
	}
	return JUDGE_NO_OP;
}

static bool push_frame(struct search *search, uint32_t closing)
{
	if (search->frame_count == search->frame_capacity) {
		size_t capacity = search->frame_capacity == 0 ? 1024 : 2 * search->frame_capacity;
		struct frame *frames = realloc(search->frames, capacity * sizeof(*frames));
		if (!frames)
			return false;
		search->frames = frames;
		search->frame_capacity = capacity;
	}
	const struct frame *below =
		search->frame_count > 0 ? &search->frames[search->frame_count - 1] : NULL;
	bool same_place = below && below->at == search->at;
	for (size_t i = search->frame_count;
	     !same_place && i-- > 0 &&
	     search->frames[i].at == below->at;) /* NOLINT(clang-analyzer-core.NullDereference) */
		search->frames[i].passed = true;
	const struct judge_op *op = &search->ops->ops[closing];
	search->frames[search->frame_count] = (struct frame){
		.distance = shows_state(op) ? lu_distance(&search->lu, op->command, op->result) : 0,
		.in_order = !same_place || below->in_order,
		.allowed = same_place && !below->in_order ? below->allowed - 1 : 0,
		.first = same_place ? below->first : search->frame_count,
		.swerved = below ? below->swerved + below->swerves : 0,
		.at = search->at,
		.log_mark = search->log_len,
		.lu_mark = lu_mark(&search->lu),
		.closing = closing,
		.candidate = !same_place || !below->in_order
				     ? closing
				     : search->ops->ops[below->candidate].next,
	};
	search->frame_count++;
	return true;
}

/* What is tried after this: another answer that the standard admits, then the other movers; all of
 * them once more for the second round. */
static void next_candidate(const struct search *search, struct frame *frame)
{
	const struct judge_op *ops = search->ops->ops;

	if (++frame->variant < frame->variants)
		return;
	frame->variant = 0;
	frame->variants = 1;
	frame->candidate =
		frame->candidate == frame->closing ? search->movers : ops[frame->candidate].next;
	if (frame->candidate == frame->closing) /* it had its turn */
		frame->candidate = ops[frame->closing].next;
	if (frame->candidate != JUDGE_NO_OP || frame->second_round)
		return;
	frame->second_round = true;
	frame->candidate = search->movers;
	if (frame->candidate == frame->closing)
		frame->candidate = ops[frame->closing].next;
}

/* The beginning of a session changes nothing for others, and its end only sets an SPC-2 reservation
 * free: to put them before they have to be is no use. */
static bool worth_trying(const struct search *search, const struct frame *frame)
{
	const struct judge_op *op = &search->ops->ops[frame->candidate];

	if (frame->candidate == frame->closing)
		return true;
	if (op->role == JUDGE_SESSION_END)
		return search->lu.spc2_owner == op->nexus;
	return op->role != JUDGE_SESSION_BEGIN;
}

/* Has the candidate, which has just taken effect, its turn in this round? */
static bool is_its_round(const struct search *search, const struct frame *frame)
{
	const struct judge_op *op = &search->ops->ops[frame->candidate];
	const struct judge_op *closing = &search->ops->ops[frame->closing];
	bool leads_there;

	if (frame->candidate == frame->closing)
		return true;
	if (closing->done)
		leads_there = true;
	else if (shows_state(closing))
		leads_there = lu_distance(&search->lu, closing->command, closing->result) <
			      frame->distance;
	else
		leads_there = op->role != JUDGE_MAYBE && !wants_attention(op);
	return leads_there != frame->second_round;
}

/* Place, ops ahead of their close, state. The place is mixed apart from the ops' numbers: equal
 * ones must not cancel each other. */
static uint64_t configuration(const struct search *search)
{
	return mix(mix(search->at + (1ull << 48)) ^ search->hash) ^ mix(search->lu.hash);
}

/* All was tried with so many ops before the closing one. One more? */
static bool allow_more(struct search *search, struct frame *frame)
{
	if (!frame->cut || search->no_memory)
		return false;
	if (frame->allowed >= search->limit && frame->allowed >= frame->distance)
		return false;
	frame->cut = false;
	frame->allowed++;
	frame->second_round = false;
	frame->candidate = frame->closing;
	next_candidate(search, frame);
	return true;
}

/* The candidate takes effect. False: it does not fit, or that was tried. */
static bool try_candidate(struct search *search, struct frame *frame)
{
	uint32_t i = frame->candidate;
	uint64_t key;

	if (!worth_trying(search, frame))
		return false;
	if (i != frame->closing && frame->allowed == 0) {
		search->frames[frame->first].cut = true;
		return false;
	}
	if (!apply(search, i, frame->variant, &frame->variants))
		return false;
	mark_done(search, i);
	settle(search);
	if (!is_its_round(search, frame) || hopeless(search))
		return false;
	key = configuration(search);
	if (!search->ops->ops[frame->closing].done) /* how far it may go on from here matters */
		key ^= mix(frame->allowed + (1ull << 56));
	search->states++;
	search->states_of_trouble++;
	search->states_of_stage++;
	if (!search->in_trouble)
		return true;
	return seen_add(search, key ^ mix(frame->swerved + frame->swerves + (1ull << 52)));
}

/* One step further in the order in which commands were sent. False: that leads nowhere. */
static bool try_in_order(struct search *search, struct frame *frame)
{
	const struct judge_op *ops = search->ops->ops;
	uint32_t i = frame->candidate;

	if (search->frame_count - 1 == frame->first)
		i = search->movers;
	for (; i != JUDGE_NO_OP && ops[i].opened_by < ops[frame->closing].opened_by;
	     i = ops[i].next) {
		frame->candidate = i;
		if (worth_trying(search, frame) && apply(search, i, 0, &frame->variants)) {
			mark_done(search, i);
			settle(search);
			if (!hopeless(search))
				return true;
		}
		search_undo_to(search, frame);
	}
	frame->candidate = frame->closing;
	if (apply(search, frame->closing, 0, &frame->variants)) {
		mark_done(search, frame->closing);
		settle(search);
		if (!hopeless(search))
			return true;
	}
	search_undo_to(search, frame);
	return false;
}

static bool try_all(struct search *search, struct frame *frame)
{
	for (;;) {
		while (frame->candidate != JUDGE_NO_OP && !search->no_memory) {
			if (try_candidate(search, frame))
				return true;
			search_undo_to(search, frame);
			next_candidate(search, frame);
		}
		if (!allow_more(search, frame))
			return false;
	}
}

/* Tries what is left in the frame. False: nothing is, and all is as it was when it was pushed. */
static bool try_frame(struct search *search, struct frame *frame)
{
	bool again = frame->begun;

	if (again) {
		search_undo_to(search, frame);
		if (frame->passed && !search_may_swerve(search, frame))
			return false;
		frame->swerves |= frame->passed;
		frame->passed = false;
	}
	frame->begun = true;
	if (frame->in_order) {
		if (!again && try_in_order(search, frame))
			return true;
		if (search->frame_count - 1 != frame->first)
			return false;
		frame->in_order = false;
		frame->candidate = frame->closing;
		frame->variant = frame->variants = 0;
		return try_all(search, frame);
	}
	if (again)
		next_candidate(search, frame);
	return try_all(search, frame);
}

/* True: an order was found. False: there is none, or it took too long. */
static bool run(struct search *search, struct judge_search_result *result)
{
	search_start(search);
	for (;;) {
		uint32_t closing = walk(search);
		if (closing == JUDGE_NO_OP)
			return !search->no_memory;
		search_walked(search);
		if (!push_frame(search, closing)) {
			search->no_memory = true;
			return false;
		}
		while (!try_frame(search, &search->frames[search->frame_count - 1]))
			if (!search_backtrack(search, result))
				return false;
	}
}

int judge_search(const struct history *history, struct judge_ops *ops, const struct lu_rules *rules,
		 uint64_t states_max, struct judge_search_result *ret_result)
{
	struct search search = {.history = history,
				.ops = ops,
				.states_max = states_max,
				.probes = JUDGE_NO_OP,
				.movers = JUDGE_NO_OP};
	int error;

	memset(ret_result, 0, sizeof(*ret_result));
	error = lu_init(&search.lu, rules, history->nexuses, history->nexus_count);
	if (error != 0)
		return error;
	ret_result->found = run(&search, ret_result);
	if (ret_result->found)
		search_collect_aborts(&search, ret_result);
	ret_result->states = search.states;
	ret_result->gave_up = !ret_result->found && search_out_of_time(&search);
	if (search.no_memory || search.lu.no_memory)
		error = -ENOMEM;
	lu_finish(&search.lu);
	free(search.seen.slots);
	free(search.log);
	free(search.frames);
	return error;
}
