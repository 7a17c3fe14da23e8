/*
 * No order explains this answer: which commands show it? Which rule it breaks is told in
 * judge_blame_rule.c.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_search.h"

#define CAUSES_MAX 16

/* Commands that brought the state about, the youngest first. */
struct causes {
	size_t events[CAUSES_MAX];
	size_t count;
};

static void add_cause(struct causes *causes, size_t event)
{
	if (event == JUDGE_NO_EVENT || causes->count == CAUSES_MAX)
		return;
	for (size_t i = 0; i < causes->count; i++)
		if (causes->events[i] == event)
			return;
	causes->events[causes->count++] = event;
}

static bool concerns(const struct judge_op *mover, const struct judge_op *op)
{
	const struct history_command *c = mover->command;

	if (mover->role == JUDGE_CRASHED)
		return true;
	if (!c || (mover->result && mover->result->outcome != HISTORY_GOOD))
		return mover->nexus == op->nexus && c;
	if (mover->nexus == op->nexus)
		return true;
	return history_op_is_pr_out(c->op) && c->op != HISTORY_REGISTER &&
	       c->op != HISTORY_REGISTER_AND_IGNORE;
}

/* The last movers on this path that could have to do with it. */
static void collect_causes(const struct search *search, const struct judge_op *op,
			   struct causes *causes)
{
	bool all = op->command && history_op_is_pr_in(op->command->op);

	for (size_t i = search->frame_count; i-- > 0 && causes->count < CAUSES_MAX / 2;) {
		uint32_t applied = search->frames[i].candidate;
		if (applied == JUDGE_NO_OP || !search->ops->ops[applied].done)
			continue;
		const struct judge_op *mover = &search->ops->ops[applied];
		if (all ? mover->command != NULL || mover->role == JUDGE_CRASHED
			: concerns(mover, op))
			add_cause(causes, mover->opened_by);
	}
}

static void __attribute__((format(printf, 3, 4)))
add(char *text, size_t len, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	if (used + 1 < len)
		vsnprintf(text + used, len - used, format, arguments);
	va_end(arguments);
}

static void tell(struct search *search, const struct judge_op *op, const struct lu_answer *wanted,
		 struct judge_violation *violation)
{
	char line[256], state[256];
	size_t len = sizeof(violation->text);
	char *text = violation->text;

	text[0] = '\0';
	if (!op->command) {
		add(text, len, "no order of the commands fits a %s here",
		    op->role == JUDGE_CRASHED ? "crash" : "session's begin or end");
		return;
	}
	add(text, len, "nexus %" PRIu32 ": %s: ", op->nexus,
	    history_command_text(op->command, line, sizeof(line)));
	if (op->found_on_medium)
		add(text, len, "was not GOOD, but its data was found");
	else
		add(text, len, "%s",
		    history_result_text(op->command, op->result, line, sizeof(line)));
	if (violation->rule == JUDGE_UNIT_ATTENTION_LOST)
		add(text, len, ", where a unit attention was due");
	else if (wanted->outcome != HISTORY_GOOD)
		add(text, len, ", where %s was due", history_outcome_name(wanted->outcome));
	else if (op->result && op->result->outcome != HISTORY_GOOD && !op->found_on_medium)
		add(text, len, ", where good was due");
	add(text, len, "; the state that fits all before it: %s",
	    lu_text(&search->lu, state, sizeof(state)));
}

static int by_number(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	return x < y ? -1 : x > y;
}

/* What the model answers to this one. */
static struct lu_answer answer_wanted(struct search *search, const struct judge_op *op)
{
	struct lu_answer wanted = {.outcome = HISTORY_GOOD};
	size_t mark = lu_mark(&search->lu);
	unsigned variants;

	if (op->command)
		wanted = lu_step(&search->lu, op->nexus, op->command, 0, &variants);
	lu_undo_to(&search->lu, mark);
	return wanted;
}

/* A change that is as it should be does not fit because something that is under way, and shows a
 * state that never was, had to be before it. */
static const struct judge_op *culprit(const struct search *search, const struct judge_op *op,
				      const struct lu_answer *wanted)
{
	const char *field;

	if (!op->command || !op->result || !history_op_is_pr_out(op->command->op) ||
	    op->result->outcome != HISTORY_GOOD || wanted->outcome != HISTORY_GOOD ||
	    lu_attention_pending(&search->lu, op->nexus))
		return op;
	for (uint32_t i = search->probes; i != JUDGE_NO_OP; i = search->ops->ops[i].next) {
		const struct judge_op *probe = &search->ops->ops[i];
		if (!probe->done && probe->result && probe->result->outcome == HISTORY_GOOD &&
		    history_op_is_pr_in(probe->command->op) &&
		    !lu_shows(&search->lu, probe->command, probe->result, &field))
			return probe;
	}
	return op;
}

void search_blame(struct search *search, const struct frame *frame,
		  struct judge_search_result *result)
{
	const struct judge_op *op = &search->ops->ops[frame->closing];
	struct lu_answer wanted = answer_wanted(search, op);
	struct causes causes = {.count = 0};
	enum judge_rule rule;

	op = culprit(search, op, &wanted);
	wanted = answer_wanted(search, op);
	rule = search_rule_of(search, op, &wanted);
	collect_causes(search, op, &causes);
	qsort(causes.events, causes.count, sizeof(causes.events[0]), by_number);
	if (op->opened_by != JUDGE_NO_EVENT && causes.count < CAUSES_MAX)
		causes.events[causes.count++] = op->opened_by;
	if (op->closed_by != JUDGE_NO_EVENT && causes.count < CAUSES_MAX)
		causes.events[causes.count++] = op->closed_by;
	free(result->violation.events);
	result->violation.events = NULL;
	if (!judge_violation_make(&result->violation, rule, search->ops->lun, causes.events,
				  causes.count)) {
		search->no_memory = true;
		return;
	}
	tell(search, op, &wanted, &result->violation);
}

/* Plays the order that was found once more, and looks who was registered. */
void search_collect_aborts(struct search *search, struct judge_search_result *result)
{
	struct lu *lu = &search->lu;
	size_t capacity = 0;

	lu_undo_to(lu, 0);
	for (size_t i = 0; i < search->frame_count; i++) {
		uint32_t at = search->frames[i].candidate;
		const struct judge_op *op = &search->ops->ops[at];
		unsigned variants;

		if (op->role == JUDGE_SESSION_BEGIN)
			lu_session_begins(lu, op->nexus);
		else if (op->role == JUDGE_SESSION_END)
			lu_session_ends(lu, op->nexus);
		else if (op->role == JUDGE_CRASHED)
			lu_crash(lu);
		if (!op->command || (op->result && op->result->outcome == HISTORY_CHECK &&
				     op->result->sense_key == 6))
			continue;
		for (uint32_t n = 0; op->command->op == HISTORY_PREEMPT_AND_ABORT &&
				     op->command->action_key != 0 && n < lu->nexus_count;
		     n++) {
			if (lu->keys[n] != op->command->action_key || n == op->nexus)
				continue;
			if (result->abort_count == capacity) {
				capacity = capacity == 0 ? 64 : 2 * capacity;
				struct judge_abort *aborts =
					realloc(result->aborts, capacity * sizeof(*aborts));
				if (!aborts) {
					search->no_memory = true;
					return;
				}
				result->aborts = aborts;
			}
			result->aborts[result->abort_count++] =
				(struct judge_abort){.by = at, .victim_nexus = n};
		}
		lu_step(lu, op->nexus, op->command, search->frames[i].variant, &variants);
	}
}
