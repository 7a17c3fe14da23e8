/*
 * What both programs say about an option that getopt_long did not like.
 */
#ifndef TOOLS_COMMON_OPTION_ERROR_H
#define TOOLS_COMMON_OPTION_ERROR_H

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "config/suggest.h"

static inline const char *option_name(const struct option *known, int id)
{
	for (; known->name; known++) {
		if (known->val == id)
			return known->name;
	}
	return NULL;
}

static inline const char *option_suggest(const struct option *known, const char *word)
{
	const char *best = NULL;
	size_t best_cost = SIZE_MAX;

	for (; known->name; known++)
		config_consider(word, known->name, &best, &best_cost);
	return best;
}

/*
 * `id` is what getopt_long returned: ':' for a value that is missing (its short options begin with
 * a colon), '?' for the rest. Its `opterr` must be 0: it would name the path of the program and no
 * proposal.
 */
static inline void option_error(const char *program, const struct option *known, int id,
				char *const *argv)
{
	const char *name = option_name(known, optopt), *word = argv[optind - 1];

	if (id == ':') {
		fprintf(stderr, "%s: --%s needs a value", program, name);
	} else if (name) {
		fprintf(stderr, "%s: --%s takes no value", program, name);
	} else if (optopt != 0) {
		fprintf(stderr, "%s: unknown option `-%c`", program, optopt);
	} else {
		char text[64];
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(word + 2, "="), word + 2);
		const char *proposal = option_suggest(known, text);
		fprintf(stderr, "%s: unknown option `--%s`%s%s%s", program, text,
			proposal ? ": did you mean `--" : "", proposal ? proposal : "",
			proposal ? "`?" : "");
	}
	fprintf(stderr, "\n%s: `%s --help` shows the options\n", program, program);
}

#endif
