/*
 * What ops do to the configuration at hand.
 *
 * Probes show the state and change nothing. One that fits the state of this moment is put here: to
 * let it wait could win nothing. Only movers branch.
 */
#include "tools/lab/judge_search.h"

#define UNHEARD_PRICE 4 /* rather rare */

static bool bit(const uint64_t *bits, uint32_t slot)
{
	return (bits[slot / 64] >> slot % 64 & 1) != 0;
}

static void set_bit(uint64_t *bits, uint32_t slot)
{
	bits[slot / 64] |= 1ull << slot % 64;
}

bool search_is_done(const struct search *search, uint32_t op)
{
	return bit(search->done, search->ops->ops[op].slot);
}

void search_mark_done(struct search *search, uint32_t op)
{
	set_bit(search->done, search->ops->ops[op].slot);
}

bool search_op_is_attention(const struct judge_op *op)
{
	return op->result && op->result->outcome == HISTORY_CHECK && op->result->sense_key == 6;
}

void search_note_idle(struct search *search, uint32_t op)
{
	set_bit(search->idle, search->ops->ops[op].slot);
}

bool search_was_idle(const struct search *search, uint32_t op)
{
	return bit(search->idle, search->ops->ops[op].slot);
}

/* A command is checked for unit attentions when it starts, and may take effect later. */
void search_note_clear(struct search *search, uint32_t i)
{
	const struct judge_op *op = &search->ops->ops[i];

	if (op->command && !lu_attention_pending(&search->lu, op->nexus))
		set_bit(search->clear, op->slot);
}

bool search_was_clear(const struct search *search, const struct judge_op *op)
{
	return bit(search->clear, op->slot);
}

bool search_may_answer(const struct search *search, const struct judge_op *op)
{
	return search_was_clear(search, op) || !lu_reports_attention(op->command);
}

static bool same_answer(const struct lu_answer *answer, const struct history_result *r)
{
	return answer->outcome == r->outcome &&
	       (answer->outcome != HISTORY_CHECK ||
		(answer->sense_key == r->sense_key && answer->asc == r->asc &&
		 answer->ascq == r->ascq));
}

bool search_probe_fits(struct search *search, uint32_t i)
{
	const struct judge_op *op = &search->ops->ops[i];
	const struct history_result *r = op->result;
	const char *field;
	unsigned variants = 1;
	bool fits = false;

	if (!search_may_answer(search, op))
		return false;
	if (op->found_on_medium)
		return lu_admits(&search->lu, op->nexus, true);
	if (r->outcome == HISTORY_GOOD && history_op_is_pr_in(op->command->op) &&
	    !lu_shows(&search->lu, op->command, r, &field))
		return false;
	for (unsigned variant = 0; variant < variants && !fits; variant++) {
		size_t mark = lu_mark(&search->lu);
		struct lu_answer answer =
			lu_step(&search->lu, op->nexus, op->command, variant, &variants);
		lu_undo_to(&search->lu, mark);
		fits = same_answer(&answer, r);
	}
	return fits;
}

void search_settle(struct search *search, uint32_t op)
{
	search_mark_done(search, op);
	for (uint32_t i = 0; i < search->movers.count; i++)
		search_note_clear(search, search->movers.ops[i]);
	for (uint32_t i = 0; i < search->probes.count; i++) {
		uint32_t probe = search->probes.ops[i];
		if (search_is_done(search, probe))
			continue;
		search_note_clear(search, probe);
		if (search_probe_fits(search, probe))
			search_mark_done(search, probe);
	}
	if (search_follows(search))
		search_led_settle(search);
}

static bool shows_state(const struct judge_op *op)
{
	return op->command && history_op_is_pr_in(op->command->op) && op->result &&
	       op->result->outcome == HISTORY_GOOD;
}

bool search_is_hopeless(struct search *search, uint32_t applied)
{
	if (search->crash != JUDGE_NO_OP && !search_is_done(search, search->crash))
		return false;
	for (uint32_t i = 0; i < search->probes.count; i++) {
		uint32_t probe = search->probes.ops[i];
		const struct judge_op *op = &search->ops->ops[probe];
		if (shows_state(op) && !search_is_done(search, probe) &&
		    lu_distance(&search->lu, op->command, op->result) == LU_TOO_FAR) {
			search->blocked[op->nexus] = true;
			return true;
		}
	}
	/* Where each has its turn there are no wrong ones that would have to be seen early. */
	if (search->blind || search_obeys(search))
		return false;
	return search_counted_too_much(search) || search_nexus_is_stuck(search, applied) ||
	       search_lacks_reset(search, applied);
}

unsigned search_distance(const struct search *search, uint32_t i)
{
	const struct judge_op *op = &search->ops->ops[i];
	unsigned distance;

	if (!shows_state(op))
		return 0;
	distance = lu_distance(&search->lu, op->command, op->result);
	return distance > UINT16_MAX ? UINT16_MAX : distance;
}

/* Whatever a session or the target had not done when it ended, it never will. A write that was
 * found on the medium is a probe, and stays to be explained. */
static void drop_unanswered(struct search *search, const struct judge_op *end)
{
	for (uint32_t i = 0; i < search->movers.count; i++) {
		const struct judge_op *op = &search->ops->ops[search->movers.ops[i]];
		if (judge_op_ends(end, op))
			set_bit(search->done, op->slot);
	}
}

static bool waits_before(const struct search *search, uint32_t i, size_t event)
{
	const struct judge_op *op = &search->ops->ops[i];

	return (op->role == JUDGE_MOVER || op->role == JUDGE_PROBE) && op->opened_by < event &&
	       !search_is_done(search, i);
}

/* A crash comes after everything that was answered before it was seen. */
static bool crash_may_come(const struct search *search, uint32_t crash)
{
	size_t event = search->ops->ops[crash].opened_by;

	for (uint32_t i = 0; i < search->movers.count; i++)
		if (waits_before(search, search->movers.ops[i], event))
			return false;
	for (uint32_t i = 0; i < search->probes.count; i++)
		if (waits_before(search, search->probes.ops[i], event))
			return false;
	return true;
}

/* Where nothing tells, one that may have changed nothing need not have its turn. */
static bool answer_fits(const struct judge_op *op, const struct lu_answer *answer)
{
	return answer->outcome == HISTORY_GOOD &&
	       (op->role != JUDGE_MAYBE || answer->changes || op->decided);
}

bool search_apply(struct search *search, uint32_t i, unsigned variant, unsigned *ret_variants)
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
		drop_unanswered(search, op);
		return true;
	case JUDGE_UNHEARD:
		/* One that only may be due is as good as gone. */
		if (!lu_attention_pending(lu, op->nexus))
			return search_obeys(search);
		lu_attention_unheard(lu, op->nexus);
		return true;
	case JUDGE_CRASHED:
		if (!crash_may_come(search, i))
			return false;
		lu_crash(lu);
		drop_unanswered(search, op);
		return true;
	case JUDGE_MOVER:
	case JUDGE_MAYBE:
		break;
	case JUDGE_PROBE:
	case JUDGE_ROLE_INVALID:
		return false;
	}
	if (search_op_is_attention(op))
		return lu_attention_take(lu, op->nexus, op->result->asc, op->result->ascq);
	if (!search_may_answer(search, op))
		return false;
	lu_note_merged(lu, true);
	answer = lu_step(lu, op->nexus, op->command, variant, ret_variants);
	lu_note_merged(lu, false);
	return answer_fits(op, &answer);
}

/* ---- likelihood ---- */

enum reach {
	REACH_NEXUS,	   /* what it changes concerns its own nexus alone */
	REACH_RESERVATION, /* and the reservation */
	REACH_ALL,
};

static enum reach reach_of(const struct judge_op *op)
{
	const struct history_command *c = op->command;

	if (!c || search_op_is_attention(op) || history_op_is_reset(c->op))
		return REACH_NEXUS;
	if (c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE)
		return c->action_key != 0 ? REACH_NEXUS : REACH_RESERVATION;
	return c->op == HISTORY_RESERVE || c->op == HISTORY_RELEASE ? REACH_RESERVATION : REACH_ALL;
}

static bool is_preempt(const struct history_command *c)
{
	return c->op == HISTORY_PREEMPT || c->op == HISTORY_PREEMPT_AND_ABORT;
}

/* Does a preempt concern the registration that a command makes or takes? */
static bool preempts(const struct judge_op *preempt, const struct judge_op *op)
{
	const struct history_command *c = op->command;
	uint64_t key = preempt->command->action_key;

	return key == 0 || c->key == key || c->action_key == key ||
	       c->op == HISTORY_REGISTER_AND_IGNORE;
}

static bool matters_to(const struct judge_op *a, const struct judge_op *b)
{
	enum reach one = reach_of(a), other = reach_of(b);

	if (a->nexus == b->nexus)
		return true;
	if (one == REACH_NEXUS && other == REACH_NEXUS)
		return false;
	if (one != REACH_NEXUS && other != REACH_NEXUS)
		return true;
	if (one == REACH_NEXUS)
		return matters_to(b, a);
	if (one == REACH_RESERVATION || search_op_is_attention(b))
		return false;
	return b->command && (!is_preempt(a->command) || preempts(a, b));
}

/* Targets take commands as they come, more or less: each one that is overtaken by another whose
 * place matters to it costs. So does what nobody was told of. */
unsigned search_price(const struct search *search, uint32_t i)
{
	const struct judge_op *ops = search->ops->ops;
	unsigned price = search_hinted_price(search, i) + (ops[i].role == JUDGE_MAYBE ? 2 : 0) +
			 (ops[i].role == JUDGE_UNHEARD ? UNHEARD_PRICE : 0);

	if (search->led)
		return search_led_price(search, i);
	if (!ops[i].command)
		return price;
	for (uint32_t k = 0; k < search->movers.count; k++) {
		uint32_t other = search->movers.ops[k];
		if (ops[other].opened_by >= ops[i].opened_by)
			break;
		if (ops[other].role == JUDGE_MOVER && !search_is_done(search, other))
			price += matters_to(&ops[other], &ops[i]);
	}
	return price;
}
