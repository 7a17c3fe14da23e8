/*
 * `holdfast trace`: what happens in the target, as it happens; and what has led to it.
 */
#include <time.h>

#include "tools/holdfast/client.h"
#include "tools/holdfast/text.h"
#include "tools/holdfast/trace_request.h"

#define LAST_MAX 4194304

static void set_text(json_t *request, const char *name, const char *text)
{
	if (text)
		json_object_set_new(request, name, json_string(text));
}

bool trace_request_filters(const struct arguments *arguments, json_t *request)
{
	json_int_t lun;

	if (arguments->lun && !parse_lun(arguments->lun, &lun))
		return false;
	if (arguments->lun)
		json_object_set_new(request, "lun", json_integer(lun));
	set_text(request, "initiator", arguments->initiator);
	set_text(request, "target", arguments->target);
	set_text(request, "name", arguments->name);
	set_text(request, "status", arguments->status);
	set_text(request, "kind", arguments->kind);
	if (arguments->pdus)
		json_object_set_new(request, "pdus", json_true());
	return true;
}

/* ---- one event ------------------------------------------------------------------------------- */

/* "12:31:05.123456", UTC. */
static void print_time(uint64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / 1000000000);
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		printf("%02d:%02d:%02d.%06u", tm.tm_hour, tm.tm_min, tm.tm_sec,
		       (unsigned)(time_ns / 1000 % 1000000));
}

static void print_who(const json_t *event)
{
	const char *initiator = member_text(event, "initiator");

	if (initiator[0] != '\0')
		printf("  %s,%s", initiator, member_text(event, "isid"));
	else if (member_text(event, "peer")[0] != '\0')
		printf("  %s", member_text(event, "peer"));
	else
		printf("  -");
}

static void print_event(const json_t *event)
{
	print_time((uint64_t)member_number(event, "time_ns"));
	print_who(event);
	if (json_object_get(event, "lun"))
		printf("  LUN %" JSON_INTEGER_FORMAT, member_number(event, "lun"));
	printf("  %s\n", member_text(event, "text"));
}

static bool print_line(void *context, const json_t *line)
{
	const struct arguments *arguments = context;
	json_int_t lost = member_number(line, "lost");

	if (json_object_get(line, "following"))
		return true;
	if (arguments->json) {
		char *text = json_dumps(line, JSON_COMPACT);
		printf("%s\n", text ? text : "");
		free(text);
	} else if (lost > 0) {
		printf("-- %" JSON_INTEGER_FORMAT
		       " event%s lost: they were overwritten before they "
		       "could be sent\n",
		       lost, TEXT_PLURAL(lost));
	} else {
		print_event(line);
	}
	return fflush(stdout) == 0;
}

/* ---- the command -------------------------------------------------------------------------------
 */

static enum exit_status show_last(const struct arguments *arguments, json_t *request)
{
	json_t *reply = NULL;
	const json_t *event;
	size_t i;
	enum exit_status status = client_ask(arguments, request, &reply);

	if (status != STATUS_OK)
		return status;
	if (arguments->json) {
		print_json(json_object_get(reply, "events"));
	} else {
		json_array_foreach(json_object_get(reply, "events"), i, event)
		{
			print_event(event);
		}
	}
	json_decref(reply);
	return STATUS_OK;
}

enum exit_status command_trace(const struct arguments *arguments)
{
	json_t *request = json_pack("{s:s}", "command", "trace");
	struct arguments copy = *arguments;
	json_int_t last = 0;

	if (!trace_request_filters(arguments, request) ||
	    (arguments->last && !parse_number(arguments->last, "--last", LAST_MAX, &last))) {
		json_decref(request);
		return STATUS_USAGE;
	}
	if (arguments->last)
		json_object_set_new(request, "last", json_integer(last));
	if (arguments->last && !arguments->follow)
		return show_last(arguments, request);
	json_object_set_new(request, "follow", json_true());
	return client_follow(arguments, request, print_line, &copy);
}
