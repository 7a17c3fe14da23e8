/*
 * `holdfast fault add|list|clear|release`.
 */
#include <stdlib.h>

#include "tools/holdfast/client.h"
#include "tools/holdfast/text.h"

/* The words of the command line with blanks between them; NULL: no memory. The caller frees it. */
static char *join_words(const char *const *words)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; words[i]; i++)
		fprintf(out, "%s%s", i > 0 ? " " : "", words[i]);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

enum exit_status command_fault_add(const struct arguments *arguments)
{
	char *rule = join_words(arguments->words);
	json_t *reply = NULL;

	json_t *request = json_pack("{s:s,s:s}", "command", "fault-add", "rule", rule);
	free(rule);
	enum exit_status status = client_ask(arguments, request, &reply);
	if (status != STATUS_OK)
		return status;
	if (arguments->json)
		print_json(reply);
	else
		printf("rule %s is in force\n", member_text(reply, "id"));
	json_decref(reply);
	return STATUS_OK;
}

static void print_rules(const json_t *reply)
{
	const json_t *rules = json_object_get(reply, "rules"), *rule;
	size_t i;

	if (json_array_size(rules) == 0) {
		puts("no rule is in force: `holdfast fault add RULE` adds one");
		return;
	}
	printf("%-16s %10s %10s %6s  %s\n", "RULE", "MATCHES", "FIRINGS", "HELD", "TEXT");
	json_array_foreach(rules, i, rule)
	{
		printf("%-16s %10" JSON_INTEGER_FORMAT " %10" JSON_INTEGER_FORMAT
		       " %6" JSON_INTEGER_FORMAT "  %s\n",
		       member_text(rule, "id"), member_number(rule, "matches"),
		       member_number(rule, "firings"), member_number(rule, "held"),
		       member_text(rule, "rule"));
	}
}

enum exit_status command_fault_list(const struct arguments *arguments)
{
	json_t *reply = NULL;
	enum exit_status status =
		client_ask(arguments, json_pack("{s:s}", "command", "fault-list"), &reply);

	if (status != STATUS_OK)
		return status;
	if (arguments->json)
		print_json(reply);
	else
		print_rules(reply);
	json_decref(reply);
	return STATUS_OK;
}

static enum exit_status change(const struct arguments *arguments, const char *command,
			       const char *member, const char *done)
{
	json_t *request = json_pack("{s:s}", "command", command), *reply = NULL;

	if (request && arguments->words[0])
		json_object_set_new(request, "id", json_string(arguments->words[0]));
	enum exit_status status = client_ask(arguments, request, &reply);
	if (status != STATUS_OK)
		return status;
	json_int_t count = member_number(reply, member);
	if (arguments->json)
		print_json(reply);
	else
		printf("%" JSON_INTEGER_FORMAT " %s\n", count, done);
	json_decref(reply);
	return STATUS_OK;
}

enum exit_status command_fault_clear(const struct arguments *arguments)
{
	return change(arguments, "fault-clear", "cleared", "taken away; what was held goes on");
}

enum exit_status command_fault_release(const struct arguments *arguments)
{
	return change(arguments, "fault-release", "released", "let go; the rules stay");
}
