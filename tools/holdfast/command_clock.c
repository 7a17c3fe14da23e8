/*
 * `holdfast clock [freeze|step TIME|resume]`.
 */
#include <stdlib.h>

#include "tools/holdfast/client.h"
#include "tools/holdfast/text.h"

static enum exit_status ask(const struct arguments *arguments, json_t *request)
{
	json_t *reply = NULL;
	enum exit_status status = client_ask(arguments, request, &reply);

	if (status != STATUS_OK)
		return status;
	json_int_t ahead_ms = member_number(reply, "ahead_ms");
	if (arguments->json)
		print_json(reply);
	else
		printf("the clock %s, %" JSON_INTEGER_FORMAT " ms %s the system's\n",
		       member_is_true(reply, "frozen") ? "stands still" : "goes", llabs(ahead_ms),
		       ahead_ms < 0 ? "behind" : "ahead of");
	json_decref(reply);
	return STATUS_OK;
}

enum exit_status command_clock(const struct arguments *arguments)
{
	return ask(arguments, json_pack("{s:s}", "command", "clock"));
}

enum exit_status command_clock_freeze(const struct arguments *arguments)
{
	return ask(arguments, json_pack("{s:s}", "command", "clock-freeze"));
}

enum exit_status command_clock_resume(const struct arguments *arguments)
{
	return ask(arguments, json_pack("{s:s}", "command", "clock-resume"));
}

enum exit_status command_clock_step(const struct arguments *arguments)
{
	const char *text = arguments->words[0];
	char *end;
	json_int_t unit = 1, number = strtoll(text, &end, 10);

	if (strcmp(end, "s") == 0)
		unit = 1000;
	else if (*end != '\0' && strcmp(end, "ms") != 0)
		end = NULL;
	if (!end || text[0] < '0' || text[0] > '9' || number > INT64_MAX / 1000) {
		fprintf(stderr, "holdfast: `%s` is not a time such as 500, 500ms or 2s\n", text);
		return STATUS_USAGE;
	}
	return ask(arguments, json_pack("{s:s,s:I}", "command", "clock-step", "ms", number * unit));
}
