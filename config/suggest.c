#include "config/suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define SUGGEST_WORD_MAX 40 /* longer words are not compared */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* BUSY is near to busy. */
static bool differs(char a, char b)
{
	return tolower((unsigned char)a) != tolower((unsigned char)b);
}

/*
 * How many letters must be added, dropped, changed or swapped with their neighbour to turn one word
 * into the other; their case does not matter. Both are at most SUGGEST_WORD_MAX long.
 */
static size_t edit_distance(const char *a, const char *b)
{
	size_t rows[3][SUGGEST_WORD_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *here = rows[2];
	size_t a_len = strlen(a), b_len = strlen(b);

	for (size_t j = 0; j <= b_len; j++)
		above[j] = j;
	memcpy(before, above, sizeof(rows[0]));
	for (size_t i = 1; i <= a_len; i++) {
		here[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t change = above[j - 1] + differs(a[i - 1], b[j - 1]);
			here[j] = least(change, least(above[j], here[j - 1]) + 1);
			if (i > 1 && j > 1 && !differs(a[i - 1], b[j - 2]) &&
			    !differs(a[i - 2], b[j - 1]))
				here[j] = least(here[j], before[j - 2] + 1);
		}
		size_t *free_row = before;
		before = above;
		above = here;
		here = free_row;
	}
	return above[b_len];
}

void config_consider(const char *word, const char *candidate, const char **best, size_t *best_cost)
{
	size_t len = strlen(word);

	if (len > SUGGEST_WORD_MAX || strlen(candidate) > SUGGEST_WORD_MAX)
		return;
	size_t cost = edit_distance(word, candidate);
	if (cost <= 1 + len / 4 && cost < len && cost < *best_cost) {
		*best = candidate;
		*best_cost = cost;
	}
}
