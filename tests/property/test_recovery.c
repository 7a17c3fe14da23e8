/*
 * Random sessions of several connections on a bad network: every command completes exactly once,
 * with the right data. A failing session is found again by its seed.
 *
 *	HOLDFAST_SEED=n      the first seed (default: from the clock; always printed)
 *	HOLDFAST_SESSIONS=n  how many (default: 300)
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/property/lossy.h"
#include "transport/session.h"

#define COMMANDS  60  /* of one session */
#define TICKS_MAX 600 /* far more than it takes */

static struct totals {
	unsigned long commands, lost, doubled, damaged, retried, snacks_status, snacks_data,
		data_acks, r2ts_again, broken, reassigned;
} totals;

static void add_up(const struct lossy *lossy)
{
	totals.commands += lossy->completed;
	totals.lost += lossy->lost;
	totals.doubled += lossy->doubled;
	totals.damaged += lossy->damaged;
	totals.retried += lossy->retried;
	totals.snacks_status += lossy->snacks_status;
	totals.snacks_data += lossy->snacks_data;
	totals.data_acks += lossy->data_acks;
	totals.r2ts_again += lossy->r2ts_again;
	totals.broken += lossy->broken;
	totals.reassigned += lossy->reassigned;
}

static bool play(uint64_t seed)
{
	struct lossy *lossy = calloc(1, sizeof(*lossy));
	unsigned ticks = 0;

	if (!lossy)
		abort();
	lossy_start(lossy, seed);
	uint64_t before = lossy->house.node->sessions->commands;
	while ((lossy->issued < COMMANDS || !lossy_is_idle(lossy)) && ticks < TICKS_MAX) {
		if (lossy->issued < COMMANDS)
			lossy_issue(lossy);
		while (lossy_take(lossy))
			;
		if (lossy_pick(lossy, 4) == 0 || lossy->issued == COMMANDS) {
			lossy_tick(lossy);
			ticks++;
		}
	}
	bool done = lossy_is_idle(lossy) &&
		    lossy->house.node->sessions->commands - before == lossy->issued;
	add_up(lossy);
	if (done)
		lossy_stop(lossy);
	else
		printf("%u of %u commands completed\n", lossy->completed, lossy->issued);
	free(lossy);
	return done;
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

int main(void)
{
	uint64_t seed = number_of("HOLDFAST_SEED", (uint64_t)time(NULL));
	uint64_t sessions = number_of("HOLDFAST_SESSIONS", 300);
	uint64_t failed = 0;

	for (uint64_t i = 0; i < sessions && failed == 0; i++) {
		/* Told before it is played: it may abort. */
		printf("HOLDFAST_SEED=%llu HOLDFAST_SESSIONS=1\n", (unsigned long long)(seed + i));
		fflush(stdout);
		failed += !play(seed + i);
	}
	printf("commands %lu: PDUs lost %lu, doubled %lu, damaged %lu; commands retried %lu, status "
	       "SNACKs %lu, data SNACKs %lu, DataACKs %lu, R2Ts repeated %lu; connections broken %lu, "
	       "tasks reassigned %lu\n",
	       totals.commands, totals.lost, totals.doubled, totals.damaged, totals.retried,
	       totals.snacks_status, totals.snacks_data, totals.data_acks, totals.r2ts_again,
	       totals.broken, totals.reassigned);
	printf("recovery: %d passed, %d failed\n", failed == 0, failed != 0);
	return failed != 0;
}
