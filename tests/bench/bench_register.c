/*
 * Does the 16,384th registration cost what the first did? (Promise: at most twice.)
 *
 * Registers that many initiator ports on one LUN, each through plan, journal record, apply on the
 * pending and on the committed state: all that a PERSISTENT RESERVE OUT costs but the sync, which
 * is the disk's and the same for all. Prints the median cost of each sixteenth of the way and the
 * ratio of the last to the first. With --durable the journal is synced for each, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pr_engine/journal.h"
#include "pr_engine/plan.h"

#define PORTS  16384
#define SLICES 16
#define SLICE  (PORTS / SLICES)

static double now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static struct pr_state *state_new(void)
{
	return pr_state_init(calloc(1, pr_state_size(PORTS)), PORTS, 0x5eed);
}

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "bench_register: %s\n", what);
	exit(EXIT_FAILURE);
}

static double register_one(struct pr_journal *journal, struct pr_state *pending,
			   struct pr_state *committed, uint32_t number, bool durable)
{
	uint8_t changes[2048];
	struct pr_plan plan;
	struct pr_request request = {.action = PR_OUT_REGISTER,
				     .service_action_key = number + 1,
				     .aptpl = true,
				     .nexus = {.relative_target_port_id = 1}};
	struct pr_journal_meta meta = {.event = PR_EVENT_PR_OUT, .service_action_key = number + 1};

	snprintf(request.nexus.initiator_name, sizeof(request.nexus.initiator_name),
		 "iqn.2026-11.bench:initiator-%u", number);
	meta.nexus = request.nexus;

	double begin = now_us();
	pr_plan_make(pending, &pr_profile_dlt_s4, &request, changes, sizeof(changes), &plan);
	must(plan.outcome == PR_OUTCOME_GOOD, "the registration was refused");
	must(pr_journal_begin(journal, committed) == 0 &&
		     pr_journal_add(journal, &meta, changes, plan.changes_len) == 0,
	     "out of memory");
	must(pr_state_apply_encoded(pending, changes, plan.changes_len), "pending state");
	int result = pr_journal_run(journal, durable);
	must(result == 0, "the journal could not be written");
	pr_journal_end(journal, result);
	must(pr_state_apply_encoded(committed, changes, plan.changes_len), "committed state");
	return now_us() - begin;
}

int main(int argc, char **argv)
{
	static double cost[PORTS];
	bool durable = argc > 1 && strcmp(argv[1], "--durable") == 0;
	char folder[] = "/tmp/holdfast-bench-XXXXXX", path[64];
	struct pr_state *pending = state_new(), *committed = state_new();
	struct pr_journal_report report;
	struct pr_journal *journal;
	struct pr_store *store;

	must(mkdtemp(folder) != NULL, "no temporary folder");
	snprintf(path, sizeof(path), "%s/journal", folder);
	must(pr_store_posix_open(path, &store) == 0, "no store");
	must(pr_journal_open(store, NULL, 0, 256, committed, &report, &journal) == 0, "no journal");
	for (uint32_t i = 0; i < PORTS; i++)
		cost[i] = register_one(journal, pending, committed, i, durable);
	must(pr_state_count(committed) == PORTS && pr_state_check(committed) == NULL, "state");

	printf("%s registrations, microseconds each (median of %d)\n",
	       durable ? "durable" : "unsynced", SLICE);
	for (int s = 0; s < SLICES; s++) {
		qsort(cost + s * SLICE, SLICE, sizeof(cost[0]), by_value);
		printf("  %6d ..%6d  %8.2f\n", s * SLICE + 1, (s + 1) * SLICE,
		       cost[s * SLICE + SLICE / 2]);
	}
	printf("the last %d cost %.2f times the first %d (promised: at most 2)\n", SLICE,
	       cost[(SLICES - 1) * SLICE + SLICE / 2] / cost[SLICE / 2], SLICE);

	pr_journal_free(&journal);
	store->ops->close(store);
	unlink(path);
	rmdir(folder);
	free(pending);
	free(committed);
	return EXIT_SUCCESS;
}
