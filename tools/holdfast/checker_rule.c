/*
 * Rules of rows for initiators that read on their own: a kernel looks for partitions in the first
 * blocks of each disk that it finds, and would take the fault that is meant for the command.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/holdfast/checker.h"

#define RANGE " lba="

/* Behind the word that says "reads", "writes" or both; NULL: the rule is not about them alone. */
static const char *behind_op(const char *rule)
{
	static const char *const ops[] = {" op=read,write", " op=read", " op=write"};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		const char *at = strstr(rule, ops[i]);
		const char *end = at ? at + strlen(ops[i]) : NULL;
		if (end && (*end == ' ' || *end == '\0'))
			return end;
	}
	return NULL;
}

/* `from` to `to`, and what stands before and behind that. */
static char *with_range(const char *rule, const char *before_end, unsigned long from,
			unsigned long to, const char *behind)
{
	char *text;

	if (asprintf(&text, "%.*s" RANGE "%lu-%lu%s", (int)(before_end - rule), rule, from, to,
		     behind) < 0)
		return NULL;
	return text;
}

static char *move_range(const char *rule, const char *range, unsigned long by)
{
	char *end;
	unsigned long from = strtoul(range + strlen(RANGE), &end, 10), to = from;

	if (*end == '-')
		to = strtoul(end + 1, &end, 10);
	return with_range(rule, range, from + by, to + by, end);
}

char *checker_rule(const char *rule, const struct checker_target *target)
{
	char *filled = checker_fill(rule, target);
	const char *op = filled ? behind_op(filled) : NULL;
	const char *range = op ? strstr(filled, RANGE) : NULL;
	char *moved;

	if (!op || target->first_lba == 0)
		return filled;
	if (range)
		moved = move_range(filled, range, target->first_lba);
	else
		moved = with_range(filled, op, target->first_lba, CHECKER_BLOCKS - 1, op);
	free(filled);
	return moved;
}
