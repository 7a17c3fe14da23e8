#include "config/scan.h"

#include <string.h>

struct scan {
	const char *at;
	unsigned line;
};

static void step(struct scan *scan)
{
	if (*scan->at == '\n')
		scan->line++;
	scan->at++;
}

/* Moves behind a string whose opening quote is here. */
static void skip_string(struct scan *scan)
{
	step(scan);
	while (*scan->at != '\0' && *scan->at != '"') {
		if (*scan->at == '\\' && scan->at[1] != '\0')
			step(scan);
		step(scan);
	}
	if (*scan->at == '"')
		step(scan);
}

/* Moves behind a comment; false when there is none here. */
static bool skip_comment(struct scan *scan)
{
	if (scan->at[0] == '#' || (scan->at[0] == '/' && scan->at[1] == '/')) {
		while (*scan->at != '\0' && *scan->at != '\n')
			step(scan);
		return true;
	}
	if (scan->at[0] != '/' || scan->at[1] != '*')
		return false;
	step(scan);
	step(scan);
	while (*scan->at != '\0' && !(scan->at[0] == '*' && scan->at[1] == '/'))
		step(scan);
	for (int i = 0; i < 2 && *scan->at != '\0'; i++)
		step(scan);
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What a number, or a name, goes on with. */
static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c == '*' || c == '.';
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Is the integer [word, word+len) one that libconfig keeps whole? Fractions are not looked at. */
static bool integer_fits(const char *word, size_t len)
{
	bool hex = len > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
	uint64_t base = hex ? 16 : 10, value = 0;
	size_t i = hex ? 2 : 0;

	for (; i < len; i++) {
		int digit = hex ? hex_value(word[i]) : is_digit(word[i]) ? word[i] - '0' : -1;
		if (digit < 0)
			break;
		if (value > (INT64_MAX - (uint64_t)digit) / base)
			return false;
		value = value * base + (uint64_t)digit;
	}
	if (i == len)
		return value <= INT32_MAX;
	return true; /* with an L, a fraction, or nothing that libconfig takes for a number */
}

static void scan_word(struct config_problems *problems, struct scan *scan)
{
	const char *word = scan->at;

	while (is_word(*scan->at) || (*scan->at == '-' && !is_digit(word[0])))
		step(scan);
	size_t len = (size_t)(scan->at - word);
	if (is_digit(word[0]) && !integer_fits(word, len))
		config_problem(
			problems,
			"number %.*s, line %u: is too large to stand like this: write a size "
			"as \"5G\", and other numbers with an L behind them",
			len < 40 ? (int)len : 40, word, scan->line);
}

void config_scan_text(struct config_problems *problems, const char *text)
{
	struct scan scan = {text, 1};

	while (*scan.at != '\0') {
		if (*scan.at == '"') {
			skip_string(&scan);
		} else if (skip_comment(&scan)) {
			continue;
		} else if (is_word(*scan.at)) {
			scan_word(problems, &scan);
		} else {
			if (strncmp(scan.at, "@include", 8) == 0)
				config_problem(
					problems,
					"@include, line %u: is not supported: one file holds "
					"the whole configuration",
					scan.line);
			step(&scan);
		}
	}
}
