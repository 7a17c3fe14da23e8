#include "tools/check/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/check/judge_internal.h"

#define CLAUSE_MAX 256

/* ---- words ----------------------------------------------------------------------------------- */

/* The next word of the clause; len 0: there is none. */
static struct words next_word(const char **at, const char *end)
{
	struct words word;

	while (*at < end && **at == ' ')
		(*at)++;
	word.text = *at;
	while (*at < end && **at != ' ')
		(*at)++;
	word.len = (size_t)(*at - word.text);
	return word;
}

bool check_word_is(struct words word, const char *text)
{
	return strlen(text) == word.len && memcmp(text, word.text, word.len) == 0;
}

static bool number_of(struct words word, uint64_t *ret_number)
{
	char text[32], *end;

	if (word.len == 0 || word.len >= sizeof(text))
		return false;
	memcpy(text, word.text, word.len);
	text[word.len] = '\0';
	*ret_number = strtoull(text, &end, 0);
	return *end == '\0' && text[0] != '-';
}

/* ---- parts of a clause ----------------------------------------------------------------------- */

static bool parse_value(struct words word, struct field_test *test)
{
	static const char stimulus[] = "stimulus";
	size_t len = sizeof(stimulus) - 1;

	if (check_word_is(word, "none")) {
		test->number = ISCSI_NO_TAG;
		return true;
	}
	if (word.len < len || memcmp(word.text, stimulus, len) != 0)
		return number_of(word, &test->number);
	test->of_stimulus = test->name;
	if (word.len == len)
		return true;
	test->of_stimulus = (struct words){word.text + len + 1, word.len - len - 1};
	return word.text[len] == '.' &&
	       check_field_known(test->of_stimulus.text, test->of_stimulus.len);
}

static bool parse_test(struct words word, struct field_test *ret)
{
	size_t at = 0;

	memset(ret, 0, sizeof(*ret));
	while (at < word.len && !memchr("=<>", word.text[at], 3))
		at++;
	if (at == word.len)
		return false;
	ret->name = (struct words){word.text, at};
	ret->relation = word.text[at];
	struct words value = {word.text + at + 1, word.len - at - 1};
	return check_field_known(ret->name.text, ret->name.len) && parse_value(value, ret);
}

static bool parse_pdu(const char **at, const char *end, struct clause *clause)
{
	struct words name = next_word(at, end), word;

	clause->opcode = check_pdu_opcode(name.text, name.len);
	if (clause->opcode < 0)
		return false;
	while ((word = next_word(at, end)).len > 0) {
		if (clause->test_count == CHECK_TESTS_MAX ||
		    !parse_test(word, &clause->tests[clause->test_count]))
			return false;
		clause->test_count++;
	}
	return true;
}

static bool parse_text(const char **at, const char *end, struct clause *clause)
{
	struct words word = next_word(at, end);
	const char *equals = memchr(word.text, '=', word.len);

	clause->key = word;
	if (equals) {
		clause->key.len = (size_t)(equals - word.text);
		clause->value = (struct words){equals + 1, word.len - clause->key.len - 1};
	}
	return clause->key.len > 0;
}

static bool parse_passive(const char **at, const char *end, struct clause *clause)
{
	struct words word = next_word(at, end);
	char id[64];

	if (word.len >= sizeof(id))
		return false;
	memcpy(id, word.text, word.len);
	id[word.len] = '\0';
	const struct iscsi_check *check = iscsi_check_find(id, NULL);
	if (!check || check->passive == ISCSI_CHECK_NONE)
		return false;
	clause->passive = check->passive;
	return true;
}

static bool parse_arguments(unsigned takes, const char **at, const char *end, struct clause *clause)
{
	if ((takes & TAKES_NUMBER) && !number_of(next_word(at, end), &clause->number))
		return false;
	if ((takes & TAKES_PDU) && !parse_pdu(at, end, clause))
		return false;
	if ((takes & TAKES_TEXT) && !parse_text(at, end, clause))
		return false;
	if ((takes & TAKES_PASSIVE) && !parse_passive(at, end, clause))
		return false;
	return next_word(at, end).len == 0;
}

/* False: `ret->bad` is the clause. */
static bool parse_clause(const char *at, const char *end, struct clause *ret)
{
	memset(ret, 0, sizeof(*ret));
	struct words word = next_word(&at, end);

	if (check_word_is(word, "no")) {
		ret->turned = true;
		word = next_word(&at, end);
	}
	for (const struct predicate *p = check_predicates; p->name; p++) {
		if (!check_word_is(word, p->name))
			continue;
		ret->predicate = p;
		return parse_arguments(p->takes, &at, end, ret);
	}
	return false;
}

/* ---- requirements ---------------------------------------------------------------------------- */

/* The end of the clause that begins at `at`, and the begin of the next; NULL: it is the last. */
static const char *clause_end(const char *at, const char **ret_next)
{
	const char *bar = strstr(at, " | ");

	*ret_next = bar ? bar + 3 : NULL;
	return bar ? bar : at + strlen(at);
}

bool check_requirement_parses(const char *requirement, char *ret_why, size_t len)
{
	const char *at = requirement, *next;
	struct clause clause;

	for (; at; at = next) {
		const char *end = clause_end(at, &next);
		if (parse_clause(at, end, &clause))
			continue;
		snprintf(ret_why, len, "`%.*s`", (int)(end - at), at);
		return false;
	}
	return true;
}

bool check_requirement_holds(const char *requirement, const struct check_evidence *evidence)
{
	const char *at = requirement, *next;
	struct clause clause;

	for (; at; at = next) {
		const char *end = clause_end(at, &next);
		if (parse_clause(at, end, &clause) &&
		    clause.predicate->holds(&clause, evidence) != clause.turned)
			return true;
	}
	return false;
}
