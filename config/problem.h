/*
 * Telling what is wrong: every problem is one line, names the file, and counts.
 */
#ifndef CONFIG_PROBLEM_H
#define CONFIG_PROBLEM_H

#include "config/config.h"

struct config_problems {
	const char *name; /* of the file, or of whatever else the values came from */
	config_report report;
	void *context;
	unsigned count;
};

/* "NAME: TEXT". Characters that would upset a terminal become `?`. */
__attribute__((format(printf, 2, 3))) void config_problem(struct config_problems *problems,
							  const char *format, ...);

#endif
