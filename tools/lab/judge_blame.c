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
	const struct judge_op *mover;
	uint32_t node = search->path;

	while (causes->count < CAUSES_MAX / 2 && (mover = search_previous(search, &node)) != NULL) {
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

static bool shows_state(const struct judge_op *op)
{
	return op->command && op->result && op->result->outcome == HISTORY_GOOD &&
	       history_op_is_pr_in(op->command->op);
}

static bool is_good_change(const struct judge_op *op)
{
	return op->command && op->result && op->result->outcome == HISTORY_GOOD &&
	       history_op_is_pr_out(op->command->op);
}

/* Under way: it shows a state that is not this one. NULL: nothing does. */
static const struct judge_op *wrong_view(const struct search *search)
{
	const char *field;

	for (uint32_t i = 0; i < search->probes.count; i++) {
		const struct judge_op *probe = &search->ops->ops[search->probes.ops[i]];

		if (!search_is_done(search, search->probes.ops[i]) && shows_state(probe) &&
		    !lu_shows(&search->lu, probe->command, probe->result, &field))
			return probe;
	}
	return NULL;
}

/* Under way: it was GOOD, and the state does not admit it. NULL: nothing was. */
static const struct judge_op *wrong_change(struct search *search)
{
	for (uint32_t i = 0; i < search->movers.count; i++) {
		const struct judge_op *mover = &search->ops->ops[search->movers.ops[i]];

		if (!search_is_done(search, search->movers.ops[i]) && is_good_change(mover) &&
		    !lu_attention_pending(&search->lu, mover->nexus) &&
		    answer_wanted(search, mover).outcome != HISTORY_GOOD)
			return mover;
	}
	return NULL;
}

/*
 * A change that is as it should be, or a session, does not fit because something that is under way,
 * and shows a state that never was, had to be before it. And PRGENERATION is ahead because of a
 * change that is under way, and was not to be GOOD.
 */
static const struct judge_op *culprit(struct search *search, const struct judge_op *op,
				      const struct lu_answer *wanted)
{
	const struct judge_op *other = NULL;
	const char *field = "";

	if (!op->command || (is_good_change(op) && wanted->outcome == HISTORY_GOOD &&
			     !lu_attention_pending(&search->lu, op->nexus)))
		other = wrong_view(search);
	else if (shows_state(op) && op->result->generation > search->lu.generation &&
		 !lu_shows(&search->lu, op->command, op->result, &field) &&
		 strcmp(field, "generation") == 0)
		other = wrong_change(search);
	return other ? other : op;
}

void search_blame(struct search *search, const struct config *config, uint32_t closing,
		  struct judge_search_result *result)
{
	const struct judge_op *op = &search->ops->ops[closing];
	struct causes causes = {.count = 0};
	struct lu_answer wanted;
	enum judge_rule rule;

	search_load(search, config);
	wanted = answer_wanted(search, op);
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
	result->violation.accused = op->opened_by;
	result->violation.due = wanted.outcome;
	tell(search, op, &wanted, &result->violation);
}

/* ---- aborts ---- */

static bool add_abort(struct judge_search_result *result, size_t *capacity,
		      struct judge_abort abort)
{
	if (result->abort_count == *capacity) {
		size_t more = *capacity == 0 ? 64 : 2 * *capacity;
		struct judge_abort *aborts = realloc(result->aborts, more * sizeof(*aborts));
		if (!aborts)
			return false;
		result->aborts = aborts;
		*capacity = more;
	}
	result->aborts[result->abort_count++] = abort;
	return true;
}

/* Once more, without a look at what came back: the order fits. */
static void play(struct lu *lu, const struct judge_op *op, unsigned variant)
{
	unsigned variants;

	if (op->role == JUDGE_SESSION_BEGIN)
		lu_session_begins(lu, op->nexus);
	else if (op->role == JUDGE_SESSION_END)
		lu_session_ends(lu, op->nexus);
	else if (op->role == JUDGE_CRASHED)
		lu_crash(lu);
	else if (op->role == JUDGE_UNHEARD)
		lu_attention_unheard(lu, op->nexus);
	else if (!op->result || op->result->outcome != HISTORY_CHECK)
		lu_step(lu, op->nexus, op->command, variant, &variants);
	lu_forget(lu);
}

static bool aborts_somebody(const struct judge_op *op)
{
	return op->command && op->command->op == HISTORY_PREEMPT_AND_ABORT &&
	       op->command->action_key != 0 &&
	       (!op->result || op->result->outcome != HISTORY_CHECK);
}

/* Plays the order that was found once more, and looks who was registered. */
void search_collect_aborts(struct search *search, const struct config *config,
			   struct judge_search_result *result)
{
	const struct path_node *nodes = search->paths.nodes;
	size_t count = 0, capacity = 0;
	uint32_t *order;

	for (uint32_t node = config->path; node != NO_PATH; node = nodes[node].before)
		count++;
	order = malloc((count + 1) * sizeof(*order));
	if (!order) {
		search->no_memory = true;
		return;
	}
	for (uint32_t node = config->path, i = (uint32_t)count; node != NO_PATH;
	     node = nodes[node].before)
		order[--i] = node;
	lu_load(&search->lu, search->checkpoints[0].configs[0]->words);
	for (size_t i = 0; i < count; i++) {
		const struct path_node *node = &nodes[order[i]];
		const struct judge_op *op = &search->ops->ops[node->op];
		for (uint32_t n = 0; aborts_somebody(op) && n < search->lu.nexus_count; n++)
			if (n != op->nexus && search->lu.keys[n] == op->command->action_key &&
			    !add_abort(result, &capacity,
				       (struct judge_abort){.by = node->op, .victim_nexus = n}))
				search->no_memory = true;
		play(&search->lu, op, node->variant);
	}
	free(order);
}
