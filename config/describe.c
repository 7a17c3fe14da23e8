/*
 * Rows in words: ranges, defaults, and the setting that a misspelt word was meant to be.
 */
#include <inttypes.h>
#include <string.h>

#include "config/rows.h"
#include "config/suggest.h"

void config_format_size(uint64_t bytes, char ret_text[CONFIG_SIZE_TEXT_MAX])
{
	static const char suffixes[] = {'K', 'M', 'G', 'T'};
	char suffix[2] = "";

	for (size_t i = 0; i < sizeof(suffixes) && bytes != 0 && bytes % 1024 == 0; i++) {
		bytes /= 1024;
		suffix[0] = suffixes[i];
	}
	snprintf(ret_text, CONFIG_SIZE_TEXT_MAX, "%" PRIu64 "%s", bytes, suffix);
}

static void describe_choices(const struct config_choice *choices, char *ret_text, size_t len)
{
	size_t at = 0;

	ret_text[0] = '\0';
	for (const struct config_choice *c = choices; c->name && at < len; c++) {
		const char *before = c == choices ? "" : c[1].name ? ", " : " or ";
		const char *quote = c->name[0] >= '0' && c->name[0] <= '9' ? "" : "`";
		int n = snprintf(ret_text + at, len - at, "%s%s%s%s", before, quote, c->name,
				 quote);
		at += n > 0 ? (size_t)n : 0;
	}
}

static void describe_set(const struct config_choice *choices, char *ret_text, size_t len)
{
	int n = snprintf(ret_text, len, "an array of ");

	describe_choices(choices, ret_text + n, len - (size_t)n);
}

void config_row_describe_range(const struct config_row *row, char ret_text[CONFIG_RANGE_TEXT_MAX])
{
	char low[CONFIG_SIZE_TEXT_MAX], high[CONFIG_SIZE_TEXT_MAX];
	const size_t len = CONFIG_RANGE_TEXT_MAX;

	switch (row->kind) {
	case CONFIG_KIND_BOOL:
		snprintf(ret_text, len, "true or false");
		break;
	case CONFIG_KIND_NUMBER:
		if (row->min == row->max)
			snprintf(ret_text, len, "only %" PRIu64 " in this version", row->min);
		else
			snprintf(ret_text, len, "%" PRIu64 " to %" PRIu64, row->min, row->max);
		break;
	case CONFIG_KIND_SIZE:
		config_format_size(row->min, low);
		config_format_size(row->max, high);
		snprintf(ret_text, len, "%s to %s", low, high);
		break;
	case CONFIG_KIND_TEXT:
		if (row->min > 0)
			snprintf(ret_text, len, "%" PRIu64 " to %" PRIu64 " characters", row->min,
				 row->max);
		else
			snprintf(ret_text, len, "up to %" PRIu64 " characters", row->max);
		break;
	case CONFIG_KIND_PATH:
		snprintf(ret_text, len, "a path of up to %zu bytes", row->width - 1);
		break;
	case CONFIG_KIND_NAME:
		snprintf(ret_text, len, "an iqn., eui. or naa. name");
		break;
	case CONFIG_KIND_ADDRESS:
		snprintf(ret_text, len, "ADDRESS:PORT, numeric");
		break;
	case CONFIG_KIND_CHOICE:
		describe_choices(row->choices, ret_text, len);
		break;
	case CONFIG_KIND_TAGS:
		snprintf(ret_text, len, "an array of up to %d tags, %" PRIu64 " to %" PRIu64,
			 CONFIG_PORTAL_GROUPS_MAX, row->min, row->max);
		break;
	case CONFIG_KIND_LUNS:
		snprintf(ret_text, len, "an array of LUN numbers, %" PRIu64 " to %" PRIu64,
			 row->min, row->max);
		break;
	case CONFIG_KIND_SET:
		describe_set(row->choices, ret_text, len);
		break;
	case CONFIG_KIND_TEXTS:
		snprintf(ret_text, len, "a list of texts, in parentheses");
		break;
	case CONFIG_KIND_GROUP:
		snprintf(ret_text, len, "a group in braces");
		break;
	case CONFIG_KIND_LIST:
		snprintf(ret_text, len, "a list of groups, each in braces, in parentheses");
		break;
	case CONFIG_KIND_INVALID:
		ret_text[0] = '\0';
		break;
	}
}

void config_row_describe_initial(const struct config_row *row,
				 char ret_text[CONFIG_INITIAL_TEXT_MAX])
{
	const size_t len = CONFIG_INITIAL_TEXT_MAX;
	char size[CONFIG_SIZE_TEXT_MAX];

	if (row->initial_note) {
		snprintf(ret_text, len, "%s", row->initial_note);
	} else if (row->kind == CONFIG_KIND_BOOL) {
		snprintf(ret_text, len, "%s", row->initial ? "true" : "false");
	} else if (row->kind == CONFIG_KIND_NUMBER) {
		snprintf(ret_text, len, "%" PRIu64, row->initial);
	} else if (row->kind == CONFIG_KIND_SIZE) {
		config_format_size(row->initial, size);
		snprintf(ret_text, len, "%s", size);
	} else if (row->kind == CONFIG_KIND_CHOICE) {
		const char *name = config_choice_name(row->choices, (uint32_t)row->initial);
		const char *quote = name[0] >= '0' && name[0] <= '9' ? "" : "`";
		snprintf(ret_text, len, "%s%s%s", quote, name, quote);
	} else if (row->initial_text && row->initial_text[0] != '\0') {
		snprintf(ret_text, len, "`%s`", row->initial_text);
	} else {
		snprintf(ret_text, len, "none");
	}
}

const char *config_group_suggest(const struct config_group *group, const char *word)
{
	const char *best = NULL;
	size_t best_cost = SIZE_MAX;

	for (size_t i = 0; i < group->count; i++)
		config_consider(word, group->rows[i].name, &best, &best_cost);
	return best;
}

const char *config_choice_suggest(const struct config_choice *choices, const char *word)
{
	const char *best = NULL;
	size_t best_cost = SIZE_MAX;

	for (; choices->name; choices++)
		config_consider(word, choices->name, &best, &best_cost);
	return best;
}
