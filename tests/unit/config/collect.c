#include "tests/unit/config/collect.h"

#include <check.h>
#include <string.h>

void collect_report(void *context, const char *problem)
{
	struct collected *collected = context;
	size_t at = strlen(collected->text);

	snprintf(collected->text + at, sizeof(collected->text) - at, "%s\n", problem);
	collected->count++;
}

struct config *collect_sound(const char *text)
{
	struct collected collected = {.count = 0};
	struct config *config = config_load_text(text, "x.conf", collect_report, &collected);

	ck_assert_msg(config != NULL, "%s", collected.text);
	ck_assert_uint_eq(collected.count, 0);
	return config;
}

struct collected collect_problems(const char *text)
{
	struct collected collected = {.count = 0};
	struct config *config = config_load_text(text, "x.conf", collect_report, &collected);

	ck_assert_msg(config == NULL, "loaded without a complaint: %s", text);
	ck_assert_uint_gt(collected.count, 0);
	return collected;
}
