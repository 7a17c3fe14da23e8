/* Chance for tests, from a seed that is printed and can be given again as HOLDFAST_SEED. */
#ifndef TESTS_UNIT_PR_ENGINE_DICE_H
#define TESTS_UNIT_PR_ENGINE_DICE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct dice {
	uint64_t state;
};

/* Prints the seed, so that what fails can be seen again. */
static inline struct dice dice_from_seed(const char *test)
{
	const char *given = getenv("HOLDFAST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);

	printf("%s: HOLDFAST_SEED=%llu\n", test, (unsigned long long)seed);
	fflush(stdout);
	return (struct dice){.state = seed * 2 + 1};
}

/* 0 to sides - 1. The generator is Vigna's xorshift64*. */
static inline unsigned dice_roll(struct dice *dice, unsigned sides)
{
	dice->state ^= dice->state >> 12;
	dice->state ^= dice->state << 25;
	dice->state ^= dice->state >> 27;
	return (unsigned)((dice->state * UINT64_C(2685821657736338717)) >> 33) % sides;
}

#endif
