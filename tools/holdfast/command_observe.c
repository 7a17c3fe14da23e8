/*
 * `holdfast observe on|off|show|clear`.
 */
#include "tools/holdfast/client.h"
#include "tools/holdfast/text.h"

static enum exit_status ask(const struct arguments *arguments, const char *command,
			    json_t **ret_reply)
{
	json_t *request = json_pack("{s:s}", "command", command);

	if (request && arguments->target)
		json_object_set_new(request, "target", json_string(arguments->target));
	return client_ask(arguments, request, ret_reply);
}

static enum exit_status change(const struct arguments *arguments, const char *command,
			       const char *done)
{
	json_t *reply = NULL;
	enum exit_status status = ask(arguments, command, &reply);

	if (status != STATUS_OK)
		return status;
	if (arguments->json)
		print_json(reply);
	else
		printf("%s%s%s\n", member_text(reply, "target"),
		       json_object_get(reply, "target") ? " " : "", done);
	json_decref(reply);
	return STATUS_OK;
}

enum exit_status command_observe_on(const struct arguments *arguments)
{
	return change(arguments, "observe-on", "is observed: who logs in from now on is judged");
}

enum exit_status command_observe_off(const struct arguments *arguments)
{
	return change(arguments, "observe-off", "is observed no longer; what was found is kept");
}

enum exit_status command_observe_clear(const struct arguments *arguments)
{
	return change(arguments, "observe-clear", "what was found is forgotten");
}

/* ---- show ------------------------------------------------------------------------------------ */

static void print_findings(const json_t *reply, const char *check)
{
	const json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(reply, "findings"), i, finding)
	{
		if (strcmp(member_text(finding, "check"), check) != 0)
			continue;
		printf("      %s, ISID %s, TSIH %" JSON_INTEGER_FORMAT ", CID %" JSON_INTEGER_FORMAT
		       ", %s PDU %" JSON_INTEGER_FORMAT "\n",
		       member_text(finding, "initiator"), member_text(finding, "isid"),
		       member_number(finding, "tsih"), member_number(finding, "cid"),
		       member_is_true(finding, "from_target") ? "target's" : "its",
		       member_number(finding, "pdu"));
		printf("        expected  %s\n        got       %s\n        header    %s\n",
		       member_text(finding, "expected"), member_text(finding, "got"),
		       member_text(finding, "header"));
	}
}

static void print_checks(const json_t *reply, const char *verdict)
{
	const json_t *check;
	size_t i;

	json_array_foreach(json_object_get(reply, "checks"), i, check)
	{
		const char *id = member_text(check, "id");
		json_int_t found = member_number(check, "found");
		if (strcmp(member_text(check, "verdict"), verdict) != 0)
			continue;
		printf("%-8s  %-32s %" JSON_INTEGER_FORMAT " finding%s\n", verdict, id, found,
		       TEXT_PLURAL(found));
		print_findings(reply, id);
	}
}

static json_int_t count_verdict(const json_t *reply, const char *verdict)
{
	const json_t *check;
	json_int_t count = 0;
	size_t i;

	json_array_foreach(json_object_get(reply, "checks"), i, check)
	{
		count += strcmp(member_text(check, "verdict"), verdict) == 0;
	}
	return count;
}

static void print_show(const json_t *reply)
{
	static const char *const verdicts[] = {"FAIL", "WARN", "INFO", "PASS", "NOT-SEEN"};
	json_int_t missed = member_number(reply, "missed");
	const json_t *name;
	size_t i;

	if (json_array_size(json_object_get(reply, "targets")) == 0)
		puts("no target is observed");
	json_array_foreach(json_object_get(reply, "targets"), i, name)
	{
		printf("observed: %s\n", json_string_value(name));
	}
	for (i = 0; i < 3; i++)
		print_checks(reply, verdicts[i]);
	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		printf("%s%s %" JSON_INTEGER_FORMAT, i > 0 ? ", " : "", verdicts[i],
		       count_verdict(reply, verdicts[i]));
	putchar('\n');
	if (missed > 0)
		printf("not followed, for a limit or want of memory: %" JSON_INTEGER_FORMAT "\n",
		       missed);
}

enum exit_status command_observe_show(const struct arguments *arguments)
{
	json_t *reply = NULL;
	enum exit_status status =
		client_ask(arguments, json_pack("{s:s}", "command", "observe-show"), &reply);

	if (status != STATUS_OK)
		return status;
	if (arguments->json)
		print_json(reply);
	else
		print_show(reply);
	json_decref(reply);
	return STATUS_OK;
}
