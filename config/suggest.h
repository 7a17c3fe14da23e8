/*
 * Which known word did somebody mean?
 */
#ifndef CONFIG_SUGGEST_H
#define CONFIG_SUGGEST_H

#include <stddef.h>

/*
 * Keeps the better of two proposals: `*best` (NULL and SIZE_MAX to begin with) or `candidate`. One
 * that changes much of the word is none.
 */
void config_consider(const char *word, const char *candidate, const char **best, size_t *best_cost);

#endif
