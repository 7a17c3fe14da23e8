/*
 * A seeded workload of PERSISTENT RESERVE OUTs through plan and journal, over a store that records
 * every call; and, for every moment of it, what a crash at that moment may leave.
 */
#ifndef TESTS_CRASH_CRASH_WORKLOAD_H
#define TESTS_CRASH_CRASH_WORKLOAD_H

#include "pr_engine/journal.h"
#include "tests/support/store_memory.h"

#define WORKLOAD_CAPACITY 24 /* registrations */

/*
 * From `calls` calls on, until the next promise: recovery gives one of these versions. The calls of
 * the batch under way are covered by the promise made when it began.
 */
struct promise {
	size_t calls;
	size_t *versions;
	size_t count, cap;
};

struct workload {
	uint64_t random; /* generator state */
	struct store_memory *memory;
	struct pr_journal *journal;
	struct pr_state *committed, *next;

	/*
	 * Every state that was ever planned, as power on would show it: the snapshot's bytes, or
	 * none when APTPL is 0, for then everything is dropped.
	 */
	struct bytes *versions;
	size_t version_count, version_cap;
	size_t acknowledged; /* version */

	struct promise *promises;
	size_t promise_count, promise_cap;
	struct promise undecided; /* failed batches that may still be in the file */
	uint64_t commands, batches, restarts;
};

struct workload_options {
	uint64_t seed;
	unsigned batches;
	struct memory_failure failure;
	const struct bytes *initial; /* continue on this disk; NULL: an empty one */
	bool always_persistent;	     /* APTPL stays 1 once it is set */
};

/* Runs it. Exits with a message when the journal breaks a promise on the way. */
struct workload *workload_run(const struct workload_options *options);
void workload_free(struct workload **workload);

/* The promise for a crash after `calls` calls. */
const struct promise *workload_promise(const struct workload *workload, size_t calls);

/* Is the recovered state one of the promised versions; of all versions? */
bool workload_keeps(const struct workload *workload, const struct promise *promise,
		    const struct pr_state *recovered);
bool workload_knows(const struct workload *workload, const struct pr_state *recovered);

/* An opened journal on a disk image, and the state it gave. */
struct recovered {
	struct store_memory *memory;
	struct pr_state *state;
	struct pr_journal *journal;
	struct pr_journal_report report;
	int err;
};

void recovered_open(struct recovered *recovered, const struct bytes *image);
void recovered_close(struct recovered *recovered);

uint64_t random_next(uint64_t *random);
uint64_t random_below(uint64_t *random, uint64_t bound);

#endif
