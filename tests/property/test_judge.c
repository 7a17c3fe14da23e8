/*
 * The judge never accuses a target that is right, however its initiators' commands overlap, and it
 * notices most single lies.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/support/lab_sim.h"
#include "tools/lab/judge.h"

#define HISTORIES 400
#define LIES	  400
/* A lie may take for ever to prove; the truth is found soon. */
#define STATES_FOR_LIES 20000

static struct history *simulated(const struct lab_sim_options *options)
{
	struct history *history = NULL;
	struct history_error error;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len), *in;

	lab_sim_record(options, out);
	fclose(out);
	in = fmemopen(text, len, "r");
	if (history_read(in, &history, &error) != 0) {
		fprintf(stderr, "seed %" PRIu64 ": line %zu: %s\n", options->seed, error.line,
			error.text);
		exit(1);
	}
	fclose(in);
	free(text);
	return history;
}

static struct lab_sim_options options_of(uint64_t seed)
{
	return (struct lab_sim_options){.seed = seed * 0x9e3779b97f4a7c15,
					.nexuses = 2 + (uint32_t)(seed % 11),
					.commands = 200,
					.crash_every = seed % 3 == 0 ? 60 : 0,
					.cut_every = seed % 2 == 0 ? 25 : 0};
}

static bool holds(const struct history *history, uint64_t states_max, bool tell, uint64_t seed)
{
	struct judge_options options = {.states_max = states_max};
	struct judge_report *report = NULL;
	bool held;

	if (judge(history, &options, &report) != 0)
		exit(1);
	held = report->violation_count == 0 && !report->undecided;
	if (!held && tell)
		fprintf(stderr, "seed %" PRIu64 ": %s: %s\n", seed,
			report->violation_count > 0 ? judge_rule_name(report->violations[0].rule)
						    : "undecided",
			report->violation_count > 0 ? report->violations[0].text : report->notes);
	judge_report_free(&report);
	return held;
}

/* Turns one answer round: GOOD to conflict and back. False: there was nothing to lie about. */
static bool lie(struct history *history, uint64_t seed)
{
	size_t start = (size_t)(seed * 2654435761u) % history->event_count;

	for (size_t i = 0; i < history->event_count; i++) {
		struct history_event *e = &history->events[(start + i) % history->event_count];
		if (e->kind != HISTORY_RETURN)
			continue;
		if (e->u.returned.outcome == HISTORY_GOOD) {
			e->u.returned.outcome = HISTORY_CONFLICT;
			return true;
		}
		if (e->u.returned.outcome == HISTORY_CONFLICT) {
			e->u.returned.outcome = HISTORY_GOOD;
			return true;
		}
	}
	return false;
}

int main(void)
{
	const char *given = getenv("HOLDFAST_SEED");
	uint64_t first = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	unsigned failed = 0, caught = 0, told = 0;

	printf("seed %" PRIu64 "\n", first);
	for (uint64_t seed = first; seed < first + HISTORIES; seed++) {
		struct lab_sim_options options = options_of(seed);
		struct history *history = simulated(&options);
		failed += !holds(history, 0, true, seed);
		history_free(&history);
	}
	for (uint64_t seed = first; seed < first + LIES; seed++) {
		struct lab_sim_options options = options_of(seed);
		struct history *history = simulated(&options);
		if (lie(history, seed)) {
			told++;
			caught += !holds(history, STATES_FOR_LIES, false, seed);
		}
		history_free(&history);
	}
	/* Some lies are explained by commands that overlap; far from all of them are. */
	printf("%u of %u lies were noticed\n", caught, told);
	if (told == 0 || caught < told / 2)
		failed++;
	printf("%d passed, %u failed\n", HISTORIES + 1 - (int)failed, failed);
	return failed == 0 ? 0 : 1;
}
