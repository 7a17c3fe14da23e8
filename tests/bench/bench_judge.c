/*
 * How long does the judge take for the history of a long stress? Events of 32 initiators, with
 * quotes of the target's journal, as the lab records them of a target of its own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/support/lab_sim.h"
#include "tools/lab/judge.h"

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(void)
{
	struct lab_sim_options options = {.seed = 20261121,
					  .nexuses = 32,
					  .commands = 500000,
					  .crash_every = 20000,
					  .cut_every = 1000,
					  .quotes = true};
	struct judge_options judge_options = {.states_max = 0};
	struct judge_report *report = NULL;
	struct history *history = NULL;
	struct history_error error;
	FILE *file = tmpfile();
	double start, read;

	if (!file)
		return 1;
	lab_sim_record(&options, file);
	rewind(file);
	start = seconds();
	if (history_read(file, &history, &error) != 0) {
		fprintf(stderr, "line %zu: %s\n", error.line, error.text);
		return 1;
	}
	read = seconds();
	if (judge(history, &judge_options, &report) != 0)
		return 1;
	printf("judge: %zu events of %u initiators: read in %.1f s, judged in %.1f s, %" PRIu64
	       " states, %s\n",
	       history->event_count, (unsigned)options.nexuses, read - start, seconds() - read,
	       report->states, report->violation_count == 0 && !report->undecided ? "held" : "?!");
	if (report->violation_count > 0)
		printf("%s\n", report->violations[0].text);
	if (report->undecided)
		printf("%s\n", report->notes);
	judge_report_free(&report);
	history_free(&history);
	fclose(file);
	return 0;
}
