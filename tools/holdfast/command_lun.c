/*
 * `holdfast lun add|remove|resize`: the LUNs of a target while it serves.
 */
#include "tools/holdfast/client.h"
#include "tools/holdfast/text.h"

static enum exit_status ask(const struct arguments *arguments, json_t *request, const char *done)
{
	json_t *reply = NULL;
	char size[TEXT_SIZE_MAX];

	if (request && arguments->target)
		json_object_set_new(request, "target", json_string(arguments->target));
	enum exit_status status = client_ask(arguments, request, &reply);
	if (status != STATUS_OK)
		return status;
	if (arguments->json) {
		print_json(reply);
	} else {
		printf("%s LUN %" JSON_INTEGER_FORMAT " %s", member_text(reply, "target"),
		       member_number(reply, "lun"), done);
		text_size((uint64_t)member_number(reply, "blocks") *
				  (uint64_t)member_number(reply, "block_size"),
			  size);
		if (json_object_get(reply, "blocks"))
			printf(", %s", size);
		putchar('\n');
	}
	json_decref(reply);
	return STATUS_OK;
}

/* "size=64M" into the object. */
static bool add_setting(json_t *settings, const char *word)
{
	const char *equals = strchr(word, '=');
	char name[64];

	if (!equals || equals == word || (size_t)(equals - word) >= sizeof(name)) {
		fprintf(stderr, "holdfast: `%s` is not a setting: write NAME=VALUE\n", word);
		return false;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(equals - word), word);
	if (json_object_get(settings, name)) {
		fprintf(stderr, "holdfast: `%s` is given twice\n", name);
		return false;
	}
	json_object_set_new(settings, name, json_string(equals + 1));
	return true;
}

enum exit_status command_lun_add(const struct arguments *arguments)
{
	json_t *settings = json_object();
	json_int_t lun = 0;
	bool sound = settings && parse_lun(arguments->words[0], &lun);

	for (size_t i = 1; sound && i < ARGUMENTS_MAX && arguments->words[i]; i++)
		sound = add_setting(settings, arguments->words[i]);
	if (!sound) {
		json_decref(settings);
		return STATUS_USAGE;
	}
	return ask(
		arguments,
		json_pack("{s:s,s:I,s:o}", "command", "lun-add", "lun", lun, "settings", settings),
		"is online");
}

enum exit_status command_lun_remove(const struct arguments *arguments)
{
	json_int_t lun = 0;

	if (!parse_lun(arguments->words[0], &lun))
		return STATUS_USAGE;
	return ask(arguments, json_pack("{s:s,s:I}", "command", "lun-remove", "lun", lun),
		   "is removed; what it was at work on ends first");
}

enum exit_status command_lun_resize(const struct arguments *arguments)
{
	json_int_t lun = 0;

	if (!parse_lun(arguments->words[0], &lun))
		return STATUS_USAGE;
	json_t *request = json_pack("{s:s,s:I}", "command", "lun-resize", "lun", lun);
	if (request && arguments->words[1])
		json_object_set_new(request, "size", json_string(arguments->words[1]));
	return ask(arguments, request, "has its size now");
}
