/*
 * Porcupine wants a return for every call, and knows operations only. So what nobody answered
 * returns after everything else, and crashes and the comings and goings of sessions, which the
 * state of a LUN depends on, are operations, too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/export.h"
#include "tools/lab/history_json.h"
#include "tools/lab/timeline.h"

struct export
{
	FILE *out;
	const struct history *history;
	const struct timeline *timeline;
	uint64_t next_id; /* of what is no command */
	int error;
};

struct line {
	const char *kind;
	uint64_t id, at_ns;
	uint32_t nexus;
	int lun; /* -1: it is of all of them */
};

/* Takes over `value`, the input or output; NULL is no memory. */
static void put(struct export *export, const struct line *line, json_t *value)
{
	bool call = strcmp(line->kind, "call") == 0;
	json_t *object;

	if (export->error != 0) {
		json_decref(value);
		return;
	}
	object = value ? json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "kind", line->kind, "id",
				   (json_int_t)line->id, "client",
				   line->nexus == HISTORY_NO_NEXUS ? (json_int_t)-1
								   : (json_int_t)line->nexus,
				   "lun", (json_int_t)line->lun, "time", (json_int_t)line->at_ns,
				   call ? "input" : "output", value)
		       : NULL;
	if (!object)
		export->error = -ENOMEM;
	else if (json_dumpf(object, export->out, JSON_COMPACT) != 0 ||
		 putc('\n', export->out) == EOF)
		export->error = -EIO;
	json_decref(object);
}

/* An event's own members: what holdfast-history(5) lists for its kind. */
static json_t *members(const struct history_event *event)
{
	static const char *const common[] = {"at_ns", "kind", "nexus", "command"};
	json_t *object = history_event_to_json(event);

	for (size_t i = 0; object && i < sizeof(common) / sizeof(common[0]); i++)
		json_object_del(object, common[i]);
	return object;
}

static int lun_of(const struct history_command *command)
{
	return command->op == HISTORY_TARGET_RESET ? -1 : command->lun;
}

static void put_invoke(struct export *export, size_t event)
{
	const struct history_event *e = &export->history->events[event];
	struct line line = {.kind = "call",
			    .id = export->timeline->command_of[event],
			    .at_ns = e->at_ns,
			    .nexus = e->nexus,
			    .lun = lun_of(&e->u.invoked)};

	put(export, &line, members(e));
}

static bool unanswered(const struct export *export, size_t command)
{
	size_t returned = export->timeline->commands[command].returned;

	return returned == TIMELINE_NO_EVENT ||
	       export->history->events[returned].u.returned.outcome == HISTORY_UNKNOWN;
}

static void put_return(struct export *export, size_t command, uint64_t at_ns)
{
	const struct timeline_command *t = &export->timeline->commands[command];
	const struct history_event *e = &export->history->events[t->invoke];
	struct line line = {.kind = "return",
			    .id = command,
			    .at_ns = at_ns,
			    .nexus = e->nexus,
			    .lun = lun_of(&e->u.invoked)};

	put(export, &line,
	    unanswered(export, command) ? json_pack("{s:s}", "outcome", "unknown")
					: members(&export->history->events[t->returned]));
}

/* A crash, and a session's beginning and end, are moments here. */
static void put_other(struct export *export, const struct history_event *e)
{
	struct line line = {.kind = "call",
			    .id = export->next_id++,
			    .at_ns = e->at_ns,
			    .nexus = e->nexus,
			    .lun = -1};

	put(export, &line, json_pack("{s:s}", "op", history_kind_name(e->kind)));
	line.kind = "return";
	put(export, &line, json_pack("{s:s}", "outcome", "good"));
}

static void put_event(struct export *export, size_t event)
{
	const struct history_event *e = &export->history->events[event];
	size_t command = export->timeline->command_of[event];

	switch (e->kind) {
	case HISTORY_INVOKE:
		put_invoke(export, event);
		break;
	case HISTORY_RETURN:
		if (command != TIMELINE_NO_COMMAND && !unanswered(export, command))
			put_return(export, command, e->at_ns);
		break;
	case HISTORY_LOGIN:
	case HISTORY_LOGOUT:
	case HISTORY_LOST:
	case HISTORY_CRASH:
	case HISTORY_POWER_CUT:
		put_other(export, e);
		break;
	case HISTORY_UP:
	case HISTORY_NEXUS:
	case HISTORY_MEDIUM:
	case HISTORY_NOTE:
	case HISTORY_APPLIED:
	case HISTORY_DECIDED:
	case HISTORY_KIND_INVALID:
	case HISTORY_KIND_COUNT:
		break;
	}
}

int export_porcupine(FILE *out, const struct history *history)
{
	struct export export = {.out = out, .history = history};
	struct timeline *timeline = NULL;
	int error = timeline_build(history, &timeline);

	if (error != 0)
		return error;
	export.timeline = timeline;
	export.next_id = timeline->command_count;
	for (size_t i = 0; i < history->event_count && export.error == 0; i++)
		put_event(&export, i);
	for (size_t i = 0; i < timeline->command_count && export.error == 0; i++)
		if (unanswered(&export, i))
			put_return(&export, i, timeline->end_ns);
	timeline_free(&timeline);
	if (export.error != 0)
		return export.error;
	return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}
