/*
 * What the judge calls impossible by itself is so, and the smallest is what it says: histories of a
 * right target are given one wrong answer, and each set of commands that the judge then shows is
 * held against a search of the test's own, which knows no way but to try every order.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>

#include "tests/support/lab_sim.h"
#include "tools/lab/judge.h"
#include "tools/lab/judge_lu_internal.h"

#define HISTORIES   300
#define COMMANDS    30
#define OPS_MAX	    64
#define VISITS_MAX  400000
#define SHOWN_LEAST 100 /* of the histories have to be broken, or nothing is proven */

/* ---- the search of the test's own ---- */

struct op {
	size_t opened, closed;
	uint32_t nexus;
	const struct history_command *command; /* NULL: a login */
	const struct history_result *result;
	bool kept;
};

/* What is done, what was not kept by a unit attention, and the state. */
struct visit {
	UT_hash_handle hh;
	uint64_t key[];
};

struct brute {
	struct op ops[OPS_MAX];
	uint32_t count;
	struct lu lu;
	struct visit *visits;
	size_t visit_count;
	bool gave_up;
};

static const struct lu_rules rules = {.ua_preempt_05 = true,
				      .own_key_removed = true,
				      .all_ports_know = true,
				      .unit_attentions = true,
				      .aptpl = true};

static bool search(struct brute *brute, uint64_t done, uint64_t clear);

/* Nothing that was over before it began is still to come. */
static bool may_come(const struct brute *brute, uint64_t done, uint32_t i)
{
	for (uint32_t k = 0; k < brute->count; k++)
		if ((done >> k & 1) == 0 && brute->ops[k].closed < brute->ops[i].opened)
			return false;
	return true;
}

static uint64_t clear_now(const struct brute *brute, uint64_t done, uint64_t clear)
{
	for (uint32_t i = 0; i < brute->count; i++)
		if ((done >> i & 1) == 0 && may_come(brute, done, i) &&
		    !lu_attention_pending(&brute->lu, brute->ops[i].nexus))
			clear |= 1ull << i;
	return clear;
}

static bool known(struct brute *brute, uint64_t done, uint64_t clear)
{
	size_t len = 2 * sizeof(uint64_t) + (lu_image_len(&brute->lu) + 7) / 8 * 8;
	struct visit *visit = calloc(1, sizeof(*visit) + len), *found;

	if (!visit)
		exit(1);
	visit->key[0] = done;
	visit->key[1] = clear & ~done;
	lu_save(&brute->lu, visit->key + 2);
	HASH_FIND(hh, brute->visits, visit->key, len, found);
	if (found) {
		free(visit);
		return true;
	}
	HASH_ADD_KEYPTR(hh, brute->visits, visit->key, len, visit);
	brute->gave_up |= ++brute->visit_count > VISITS_MAX;
	return false;
}

static bool same(const struct lu_answer *answer, const struct history_result *r)
{
	return answer->outcome == r->outcome &&
	       (r->outcome != HISTORY_CHECK || (answer->sense_key == r->sense_key &&
						answer->asc == r->asc && answer->ascq == r->ascq));
}

static bool is_attention(const struct history_result *r)
{
	return r && r->outcome == HISTORY_CHECK && r->sense_key == 6;
}

/* It is told a unit attention: the one that it was told, or any. */
static bool told(struct brute *brute, uint64_t done, uint64_t clear, const struct op *op)
{
	struct lu *lu = &brute->lu;
	size_t mark = lu_mark(lu);
	bool found = false;

	if (op->kept) {
		found = is_attention(op->result) &&
			lu_attention_take(lu, op->nexus, op->result->asc, op->result->ascq) &&
			search(brute, done, clear);
		lu_undo_to(lu, mark);
		return found;
	}
	for (uint32_t kind = 1; kind <= LU_UA_CLEARED && !found; kind <<= 1) {
		if ((lu->pending[op->nexus] & kind) == 0)
			continue;
		lu_set(lu, &lu->pending[op->nexus], lu->pending[op->nexus] & ~kind);
		found = search(brute, done, clear);
		lu_undo_to(lu, mark);
	}
	return found;
}

static bool carried_out(struct brute *brute, uint64_t done, uint64_t clear, const struct op *op)
{
	struct lu *lu = &brute->lu;
	unsigned variants = 1;
	bool found = false;

	for (unsigned variant = 0; variant < variants && !found; variant++) {
		size_t mark = lu_mark(lu);
		const char *field;
		bool shown = !op->kept || op->result->outcome != HISTORY_GOOD ||
			     !history_op_is_pr_in(op->command->op) ||
			     lu_shows(lu, op->command, op->result, &field);
		struct lu_answer answer = lu_step(lu, op->nexus, op->command, variant, &variants);
		found = shown && (!op->kept || same(&answer, op->result)) &&
			search(brute, done, clear);
		lu_undo_to(lu, mark);
	}
	return found;
}

static bool search(struct brute *brute, uint64_t done, uint64_t clear)
{
	bool found = false;

	if (done == (brute->count == 64 ? UINT64_MAX : (1ull << brute->count) - 1))
		return true;
	clear = clear_now(brute, done, clear);
	if (brute->gave_up || known(brute, done, clear))
		return false;
	for (uint32_t i = 0; i < brute->count && !found; i++) {
		const struct op *op = &brute->ops[i];
		uint64_t after = done | 1ull << i;
		if ((done >> i & 1) != 0 || !may_come(brute, done, i))
			continue;
		if (!op->command) {
			size_t mark = lu_mark(&brute->lu);
			lu_session_begins(&brute->lu, op->nexus);
			found = search(brute, after, clear);
			lu_undo_to(&brute->lu, mark);
			continue;
		}
		found = (!op->kept && search(brute, after, clear)) ||
			told(brute, after, clear, op) ||
			((clear >> i & 1) != 0 && !(op->kept && is_attention(op->result)) &&
			 carried_out(brute, after, clear, op));
	}
	return found;
}

enum answer {
	POSSIBLE,
	IMPOSSIBLE,
	NO_ANSWER
};

static enum answer answer_of(struct brute *brute, const struct history *history)
{
	struct visit *visit, *next;
	bool found;

	if (lu_init(&brute->lu, &rules, history->nexuses, history->nexus_count) != 0)
		exit(1);
	brute->gave_up = false;
	brute->visit_count = 0;
	found = search(brute, 0, 0);
	HASH_ITER(hh, brute->visits, visit, next)
	{
		HASH_DEL(brute->visits, visit);
		free(visit);
	}
	lu_finish(&brute->lu);
	return found ? POSSIBLE : brute->gave_up ? NO_ANSWER : IMPOSSIBLE;
}

/* Commands and logins; all commands are left out. */
static void gather(struct brute *brute, const struct history *history)
{
	memset(brute, 0, sizeof(*brute));
	for (size_t i = 0; i < history->event_count; i++) {
		const struct history_event *e = &history->events[i];
		if (e->kind == HISTORY_LOGIN)
			brute->ops[brute->count++] = (struct op){.closed = i, .nexus = e->nexus};
		if (e->kind == HISTORY_INVOKE)
			brute->ops[brute->count++] = (struct op){.opened = i,
								 .closed = SIZE_MAX,
								 .nexus = e->nexus,
								 .command = &e->u.invoked};
		for (uint32_t k = 0; e->kind == HISTORY_RETURN && k < brute->count; k++) {
			struct op *op = &brute->ops[k];
			if (!op->command || history->events[op->opened].command != e->command)
				continue;
			op->closed = i;
			op->result = &e->u.returned;
		}
	}
}

/* ---- histories with one wrong answer ---- */

static struct history *simulated(uint64_t seed)
{
	struct lab_sim_options options = {.seed = seed * 0x9e3779b97f4a7c15,
					  .nexuses = 3 + (uint32_t)(seed % 3),
					  .commands = COMMANDS};
	struct history *history = NULL;
	struct history_error error;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len), *in;

	lab_sim_record(&options, out);
	fclose(out);
	in = fmemopen(text, len, "r");
	if (history_read(in, &history, &error) != 0)
		exit(1);
	fclose(in);
	free(text);
	return history;
}

static void falsify(struct history_result *r, uint64_t seed)
{
	if (is_attention(r) || r->outcome == HISTORY_CONFLICT)
		*r = (struct history_result){.outcome = HISTORY_GOOD};
	else if (r->outcome == HISTORY_GOOD && r->key_count > 0 && seed % 3 == 0)
		r->key_count--;
	else if (r->outcome == HISTORY_GOOD && r->generation > 0 && seed % 3 == 1)
		r->generation++;
	else
		*r = (struct history_result){.outcome = HISTORY_CONFLICT};
}

static void lie(struct history *history, uint64_t seed)
{
	size_t half = history->event_count / 2;
	size_t start = half + (size_t)(seed * 2654435761u) % half;

	for (size_t i = 0; i < history->event_count; i++) {
		struct history_event *e = &history->events[(start + i) % history->event_count];
		if (e->kind != HISTORY_RETURN)
			continue;
		falsify(&e->u.returned, seed);
		return;
	}
}

/* ---- the judge against it ---- */

struct tally {
	unsigned shown, smallest, unanswered, wrong, sizes[COMMANDS + 1];
};

static void complain(struct tally *tally, uint64_t seed, const struct judge_violation *v,
		     const char *what)
{
	fprintf(stderr, "seed %" PRIu64 ": %s: %s\n", seed, what, v->text);
	tally->wrong++;
}

static void hold_against(struct tally *tally, const struct history *history,
			 const struct judge_violation *v, uint64_t seed)
{
	struct brute brute;
	uint32_t kept[OPS_MAX], count = 0;
	enum answer answer;

	gather(&brute, history);
	for (uint32_t i = 0; i < brute.count; i++)
		for (size_t e = 0; e < v->event_count && brute.ops[i].command; e++)
			if (v->events[e] == brute.ops[i].opened && brute.ops[i].result) {
				brute.ops[i].kept = true;
				kept[count++] = i;
			}
	tally->shown++;
	tally->sizes[count <= COMMANDS ? count : COMMANDS]++;
	answer = answer_of(&brute, history);
	tally->unanswered += answer == NO_ANSWER;
	if (answer == POSSIBLE)
		complain(tally, seed, v, "what is shown is possible");
	if (v->proof != JUDGE_PROOF_SMALLEST)
		return;
	tally->smallest++;
	for (uint32_t k = 0; k < count; k++) {
		brute.ops[kept[k]].kept = false;
		if (answer_of(&brute, history) == IMPOSSIBLE)
			complain(tally, seed, v, "less than what is shown is impossible");
		brute.ops[kept[k]].kept = true;
	}
}

static void try(struct tally *tally, uint64_t seed)
{
	struct judge_options options = {.states_max = 200000};
	struct history *history = simulated(seed);
	struct judge_report *report = NULL;

	lie(history, seed);
	if (judge(history, &options, &report) != 0)
		exit(1);
	for (size_t i = 0; i < report->violation_count; i++) {
		const struct judge_violation *v = &report->violations[i];
		bool of_blocks = v->rule >= JUDGE_STALE_READ ||
				 v->rule == JUDGE_ABORTED_WRITE_ON_MEDIUM ||
				 v->rule == JUDGE_FENCED_WRITE_ON_MEDIUM;
		if (v->proof != JUDGE_PROOF_NONE && !of_blocks)
			hold_against(tally, history, v, seed);
		else if (!of_blocks)
			complain(tally, seed, v, "nothing is shown");
	}
	judge_report_free(&report);
	history_free(&history);
}

int main(void)
{
	const char *given = getenv("HOLDFAST_SEED");
	uint64_t first = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	struct tally tally = {.shown = 0};

	printf("seed %" PRIu64 "\n", first);
	for (uint64_t seed = first; seed < first + HISTORIES; seed++)
		try(&tally, seed);
	printf("%u shown, %u of them proven to be smallest, %u too long to check; of commands:",
	       tally.shown, tally.smallest, tally.unanswered);
	for (unsigned i = 0; i <= COMMANDS; i++)
		if (tally.sizes[i] > 0)
			printf(" %u: %u", i, tally.sizes[i]);
	printf("\n");
	if (tally.shown < SHOWN_LEAST || tally.unanswered > tally.shown / 20 ||
	    tally.smallest < tally.shown / 2)
		tally.wrong++;
	printf("%u passed, %u failed\n", tally.shown, tally.wrong);
	return tally.wrong == 0 ? 0 : 1;
}
