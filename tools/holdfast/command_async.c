/*
 * `holdfast async TSIH EVENT [NAME=VALUE]...`.
 */
#include <string.h>

#include "tools/holdfast/client.h"
#include "tools/holdfast/text.h"

#define NAME_MAX_LEN 16
#define NUMBER_MAX   65535

/* "1,2,3" as an array of numbers; NULL after the person was told. */
static json_t *parse_parameters(const char *text)
{
	json_t *array = json_array();
	char piece[NAME_MAX_LEN];

	while (array && *text != '\0') {
		size_t len = strcspn(text, ",");
		json_int_t number;

		snprintf(piece, sizeof(piece), "%.*s", (int)len, text);
		if (!parse_number(piece, "parameter", NUMBER_MAX, &number)) {
			json_decref(array);
			return NULL;
		}
		json_array_append_new(array, json_integer(number));
		text += len + (text[len] == ',');
	}
	return array;
}

static json_t *parse_value(const char *name, const char *text)
{
	static const char *const numbers[] = {"cid", "seconds", "lun", "code"};
	json_int_t number;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(numbers[i], name) == 0)
			return parse_number(text, name, NUMBER_MAX, &number) ? json_integer(number)
									     : NULL;
	}
	if (strcmp(name, "parameters") == 0)
		return parse_parameters(text);
	if (strcmp(name, "sense") == 0)
		return json_string(text);
	fprintf(stderr,
		"holdfast: unknown name `%s` (known: cid, seconds, lun, sense, code, parameters)\n",
		name);
	return NULL;
}

static bool add_pair(json_t *request, const char *word)
{
	const char *equals = strchr(word, '=');
	char name[NAME_MAX_LEN];

	if (!equals) {
		fprintf(stderr, "holdfast: `%s` is no NAME=VALUE\n", word);
		return false;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(equals - word), word);
	json_t *value = parse_value(name, equals + 1);
	return value && json_object_set_new(request, name, value) == 0;
}

/* A name, or the number of a vendor's. */
static json_t *parse_event(const char *text)
{
	return strspn(text, "0123456789") == strlen(text) ? json_integer(strtol(text, NULL, 10))
							  : json_string(text);
}

enum exit_status command_async(const struct arguments *arguments)
{
	json_int_t tsih = 0;
	json_t *reply = NULL;

	if (!parse_number(arguments->words[0], "TSIH", NUMBER_MAX, &tsih))
		return STATUS_USAGE;
	json_t *request = json_pack("{s:s,s:I,s:o}", "command", "async", "tsih", tsih, "event",
				    parse_event(arguments->words[1]));
	for (size_t i = 2; request && arguments->words[i]; i++) {
		if (add_pair(request, arguments->words[i]))
			continue;
		json_decref(request);
		return STATUS_USAGE;
	}
	enum exit_status status = client_ask(arguments, request, &reply);
	if (status != STATUS_OK)
		return status;
	if (arguments->json)
		print_json(reply);
	else
		printf("sent to the session with TSIH %" JSON_INTEGER_FORMAT "\n", tsih);
	json_decref(reply);
	return STATUS_OK;
}
