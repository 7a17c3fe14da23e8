/*
 * Loads a text and keeps what was reported.
 */
#ifndef TESTS_UNIT_CONFIG_COLLECT_H
#define TESTS_UNIT_CONFIG_COLLECT_H

#include "config/config.h"

#define COLLECT_MAX 16384

struct collected {
	char text[COLLECT_MAX]; /* the problems, a line each */
	unsigned count;
};

void collect_report(void *context, const char *problem);

/* Fails the test when the text does not load. */
struct config *collect_sound(const char *text);

/* Fails the test when the text loads. The name of the file is "x.conf". */
struct collected collect_problems(const char *text);

#endif
