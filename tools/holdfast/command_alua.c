/*
 * `holdfast alua show LUN` and `holdfast alua set LUN GROUP STATE`.
 */
#include "tools/holdfast/client.h"
#include "tools/holdfast/text.h"

static enum exit_status ask_and_print(const struct arguments *arguments, json_t *request)
{
	json_t *reply = NULL;
	const json_t *group;
	size_t i;

	if (request && arguments->target)
		json_object_set_new(request, "target", json_string(arguments->target));
	enum exit_status status = client_ask(arguments, request, &reply);
	if (status != STATUS_OK)
		return status;
	if (arguments->json) {
		print_json(reply);
	} else {
		printf("%s LUN %" JSON_INTEGER_FORMAT "\n", member_text(reply, "target"),
		       member_number(reply, "lun"));
		json_array_foreach(json_object_get(reply, "groups"), i, group)
			printf("  group %5" JSON_INTEGER_FORMAT "  %s\n",
			       member_number(group, "group"), member_text(group, "state"));
	}
	json_decref(reply);
	return STATUS_OK;
}

enum exit_status command_alua_show(const struct arguments *arguments)
{
	json_int_t lun = 0;

	if (!parse_lun(arguments->words[0], &lun))
		return STATUS_USAGE;
	return ask_and_print(arguments, json_pack("{s:s,s:I}", "command", "alua", "lun", lun));
}

enum exit_status command_alua_set(const struct arguments *arguments)
{
	json_int_t lun = 0, group = 0;

	if (!parse_lun(arguments->words[0], &lun) ||
	    !parse_number(arguments->words[1], "portal group", 65535, &group))
		return STATUS_USAGE;
	return ask_and_print(arguments,
			     json_pack("{s:s,s:I,s:I,s:s}", "command", "alua-set", "lun", lun,
				       "group", group, "state", arguments->words[2]));
}
