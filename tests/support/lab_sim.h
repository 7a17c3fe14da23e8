/*
 * Histories of a target that is right: many initiators, each with one command at a time, and a
 * target that takes each at some moment between its invoke and its return. What the target answers
 * comes from the judge's own model, so this tries the judge's search, not its rules.
 */
#ifndef TESTS_SUPPORT_LAB_SIM_H
#define TESTS_SUPPORT_LAB_SIM_H

#include "tools/lab/history.h"

struct lab_sim_options {
	uint64_t seed;
	uint32_t nexuses;
	size_t commands;
	unsigned crash_every; /* commands; 0: never */
	unsigned cut_every;   /* commands; 0: never */
	bool quotes;	      /* as the lab has it from the journal of a target of its own */
	/* ... and from its trace, which is asked for each time so many were decided; a crash takes
	 * what was not. 0: never. */
	unsigned trace_every;
};

/* Fails the test when it cannot write. */
void lab_sim_record(const struct lab_sim_options *options, FILE *out);

#endif
