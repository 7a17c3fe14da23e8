/*
 * The vocabulary of judgements. For tools/check/judge*.c only.
 */
#ifndef TOOLS_CHECK_JUDGE_INTERNAL_H
#define TOOLS_CHECK_JUDGE_INTERNAL_H

#include "tools/check/field.h"
#include "tools/check/judge.h"

#define CHECK_TESTS_MAX 6

struct words {
	const char *text; /* borrowed, not NUL-terminated */
	size_t len;
};
bool check_word_is(struct words word, const char *text);

struct field_test {
	struct words name;
	struct words of_stimulus; /* a field of the stimulus; len 0: `number` */
	uint64_t number;
	char relation; /* '=', '<', '>' */
};

struct clause {
	const struct predicate *predicate;
	bool turned;
	uint64_t number;
	int opcode;
	struct field_test tests[CHECK_TESTS_MAX];
	unsigned test_count;
	struct words key, value; /* value.text NULL: any */
	enum iscsi_passive_check passive;
};

enum {
	TAKES_NUMBER = 1,
	TAKES_PDU = 2,
	TAKES_TEXT = 4,
	TAKES_PASSIVE = 8,
};

struct predicate {
	const char *name;
	unsigned takes;
	bool (*holds)(const struct clause *clause, const struct check_evidence *evidence);
};

/* judge_chap.c */
bool check_chap_proves(const struct clause *clause, const struct check_evidence *evidence);
/* judge_command.c */
bool check_again(const struct clause *clause, const struct check_evidence *evidence);
bool check_again_most(const struct clause *clause, const struct check_evidence *evidence);
bool check_in_turn(const struct clause *clause, const struct check_evidence *evidence);

/* Ends with a row without a name. */
extern const struct predicate check_predicates[];

#endif
