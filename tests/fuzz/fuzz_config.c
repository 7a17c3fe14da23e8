/*
 * Any text as a configuration file: an error or a sound configuration, and what is sound prints to
 * a text that loads to the same.
 */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
const char *__lsan_default_suppressions(void);

/*
 * libconfig 1.5 loses the string that it was reading when it meets a syntax error. Its process ends
 * right after that, so it does no harm; leaks of our own are still found.
 */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static void count_problem(void *context, const char *problem)
{
	unsigned *count = context;
	if (strlen(problem) == 0)
		abort();
	(*count)++;
}

static char *printed(const struct config *config)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	if (!out)
		abort();
	config_print(config, out);
	fclose(out);
	return text;
}

static void check_round_trip(const struct config *config)
{
	unsigned problems = 0;
	char *first = printed(config);
	struct config *again = config_load_text(first, "/again.conf", count_problem, &problems);
	if (!again || problems > 0)
		abort();
	char *second = printed(again);
	if (strcmp(first, second) != 0)
		abort();
	config_free(&again);
	free(first);
	free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	unsigned problems = 0;
	char *text = malloc(len + 1);
	if (!text)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	struct config *config = config_load_text(text, "/fuzz.conf", count_problem, &problems);
	if (!config != (problems > 0))
		abort();
	if (config)
		check_round_trip(config);
	config_free(&config);
	free(text);
	return 0;
}
