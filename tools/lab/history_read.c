/*
 * A whole history from its lines, checked as a whole: what one line says has to fit what the lines
 * above it said.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>
#include <uthash.h>

#include "tools/lab/history_json.h"

#define LINE_MAX_BYTES 262144 /* longer than the longest line that the writer makes */

struct arena_piece {
	struct arena_piece *next;
	max_align_t things[];
};

struct history_arena {
	struct arena_piece *pieces;
};

void *history_arena_take(struct history_arena *arena, size_t count, size_t size)
{
	struct arena_piece *piece;
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) ||
	    __builtin_add_overflow(bytes, sizeof(*piece), &bytes))
		return NULL;
	piece = calloc(1, bytes);
	if (!piece)
		return NULL;
	LL_PREPEND(arena->pieces, piece);
	return piece->things;
}

/* A command that was seen. */
struct seen {
	uint64_t command;
	uint32_t nexus;
	bool returned;
	UT_hash_handle hh;
};

struct reader {
	struct history *history;
	struct seen *commands;
	struct history_error *ret_error;
	size_t capacity;
	size_t line;
};

static int __attribute__((format(printf, 2, 3)))
refuse(struct reader *reader, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(reader->ret_error->text, sizeof(reader->ret_error->text), format, arguments);
	va_end(arguments);
	reader->ret_error->line = reader->line;
	return -EINVAL;
}

static int check_nexus(struct reader *reader, const struct history_event *event)
{
	struct history *history = reader->history;
	struct history_nexus *grown;

	if (event->u.introduced.number != history->nexus_count)
		return refuse(reader, "nexus %" PRIu32 " is introduced where %" PRIu32 " is next",
			      event->u.introduced.number, history->nexus_count);
	if (history->nexus_count >= HISTORY_NEXUSES_MAX)
		return refuse(reader, "more than %d nexuses", HISTORY_NEXUSES_MAX);
	grown = realloc(history->nexuses, (history->nexus_count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	history->nexuses = grown;
	grown[history->nexus_count++] = event->u.introduced;
	return 0;
}

static int check_invoke(struct reader *reader, const struct history_event *event)
{
	struct seen *seen;

	if (event->u.invoked.op == HISTORY_OP_INVALID)
		return refuse(reader, "an `invoke` without `op`");
	if (event->u.invoked.op == HISTORY_CDB && event->u.invoked.access == HISTORY_ACCESS_INVALID)
		return refuse(reader, "a `cdb` without `access`: the judge cannot know its class");
	HASH_FIND(hh, reader->commands, &event->command, sizeof(event->command), seen);
	if (seen)
		return refuse(reader, "command %" PRIu64 " is invoked twice", event->command);
	seen = calloc(1, sizeof(*seen));
	if (!seen)
		return -ENOMEM;
	seen->command = event->command;
	seen->nexus = event->nexus;
	HASH_ADD(hh, reader->commands, command, sizeof(seen->command), seen);
	return 0;
}

static int check_return(struct reader *reader, const struct history_event *event)
{
	struct seen *seen;

	if (event->u.returned.outcome == HISTORY_OUTCOME_INVALID)
		return refuse(reader, "a `return` without `outcome`");
	HASH_FIND(hh, reader->commands, &event->command, sizeof(event->command), seen);
	if (!seen)
		return refuse(reader, "command %" PRIu64 " returns without an invoke",
			      event->command);
	if (seen->returned)
		return refuse(reader, "command %" PRIu64 " returns twice", event->command);
	if (seen->nexus != event->nexus)
		return refuse(reader,
			      "command %" PRIu64 " of nexus %" PRIu32 " returns to nexus %" PRIu32,
			      event->command, seen->nexus, event->nexus);
	seen->returned = true;
	return 0;
}

static int check_decided(struct reader *reader, const struct history_event *event)
{
	struct seen *seen;

	if (event->u.returned.outcome == HISTORY_OUTCOME_INVALID)
		return refuse(reader, "a `decided` without `outcome`");
	HASH_FIND(hh, reader->commands, &event->command, sizeof(event->command), seen);
	if (!seen || seen->nexus != event->nexus)
		return refuse(reader,
			      "command %" PRIu64 " is decided, and nexus %" PRIu32
			      " did not invoke it",
			      event->command, event->nexus);
	return 0;
}

/* Does the event fit those before it? */
static int check(struct reader *reader, const struct history_event *event)
{
	const struct history *history = reader->history;
	bool of_nexus = event->kind == HISTORY_LOGIN || event->kind == HISTORY_LOGOUT ||
			event->kind == HISTORY_LOST || event->kind == HISTORY_INVOKE ||
			event->kind == HISTORY_RETURN || event->kind == HISTORY_APPLIED ||
			event->kind == HISTORY_DECIDED;

	if (history->event_count > 0 &&
	    event->at_ns < history->events[history->event_count - 1].at_ns)
		return refuse(reader, "`at_ns` runs backwards");
	if (of_nexus && event->nexus == HISTORY_NO_NEXUS)
		return refuse(reader, "no `nexus`");
	if (event->kind != HISTORY_NEXUS && event->nexus != HISTORY_NO_NEXUS &&
	    event->nexus >= history->nexus_count)
		return refuse(reader, "nexus %" PRIu32 " was not introduced", event->nexus);
	if ((event->kind == HISTORY_INVOKE || event->kind == HISTORY_RETURN ||
	     event->kind == HISTORY_DECIDED) &&
	    event->command == HISTORY_NO_COMMAND)
		return refuse(reader, "no `command`");
	if (event->kind == HISTORY_NEXUS)
		return check_nexus(reader, event);
	if (event->kind == HISTORY_INVOKE)
		return check_invoke(reader, event);
	if (event->kind == HISTORY_RETURN)
		return check_return(reader, event);
	if (event->kind == HISTORY_DECIDED)
		return check_decided(reader, event);
	if (event->kind == HISTORY_APPLIED && !history_op_is_pr_out(event->u.invoked.op))
		return refuse(reader, "an `applied` whose `op` is no PERSISTENT RESERVE OUT");
	return 0;
}

static int keep(struct reader *reader, const struct history_event *event)
{
	struct history *history = reader->history;

	if (history->event_count == reader->capacity) {
		size_t capacity = reader->capacity == 0 ? 1024 : 2 * reader->capacity;
		struct history_event *events = realloc(history->events, capacity * sizeof(*events));
		if (!events)
			return -ENOMEM;
		history->events = events;
		size_t *lines = realloc(history->lines, capacity * sizeof(*lines));
		if (!lines)
			return -ENOMEM;
		history->lines = lines;
		reader->capacity = capacity;
	}
	history->lines[history->event_count] = reader->line;
	history->events[history->event_count++] = *event;
	return 0;
}

static int read_line(struct reader *reader, const char *text, size_t len)
{
	struct history_event event;
	json_error_t wrong;
	json_t *object;
	bool understood;
	int error;

	if (len == 0 || text[len - 1] != '\n')
		return refuse(reader, "the line is cut short: the recording did not end in order");
	object = json_loadb(text, len, JSON_REJECT_DUPLICATES, &wrong);
	if (!object)
		return refuse(reader, "not JSON at column %d: %s", wrong.column, wrong.text);
	if (reader->line == 1)
		understood =
			history_head_of_json(object, &reader->history->head, reader->ret_error);
	else
		understood = history_event_of_json(object, reader->history->arena, &event,
						   reader->ret_error);
	json_decref(object);
	if (!understood) {
		reader->ret_error->line = reader->line;
		return -EINVAL;
	}
	if (reader->line == 1)
		return 0;
	error = check(reader, &event);
	return error != 0 ? error : keep(reader, &event);
}

static int read_lines(struct reader *reader, FILE *in)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t len;
	int error = 0;

	errno = 0;
	while (error == 0 && (len = getline(&text, &size, in)) >= 0) {
		reader->line++;
		error = len > LINE_MAX_BYTES
				? refuse(reader, "longer than %d bytes", LINE_MAX_BYTES)
				: read_line(reader, text, (size_t)len);
	}
	if (error == 0 && ferror(in))
		error = errno != 0 ? -errno : -EIO;
	free(text);
	if (error == 0 && reader->line == 0)
		error = refuse(reader, "the file is empty");
	return error;
}

int history_read(FILE *in, struct history **ret_history, struct history_error *ret_error)
{
	struct reader reader = {.ret_error = ret_error};
	struct seen *seen, *next;
	int error = -ENOMEM;

	memset(ret_error, 0, sizeof(*ret_error));
	reader.history = calloc(1, sizeof(*reader.history));
	if (reader.history)
		reader.history->arena = calloc(1, sizeof(*reader.history->arena));
	if (reader.history && reader.history->arena)
		error = read_lines(&reader, in);
	HASH_ITER(hh, reader.commands, seen, next)
	{
		HASH_DEL(reader.commands, seen);
		free(seen);
	}
	if (error != 0) {
		if (ret_error->text[0] == '\0')
			snprintf(ret_error->text, sizeof(ret_error->text), "%s", strerror(-error));
		history_free(&reader.history);
		return error;
	}
	*ret_history = reader.history;
	return 0;
}

void history_free(struct history **history)
{
	struct arena_piece *piece, *next;

	if (!*history)
		return;
	if ((*history)->arena) {
		LL_FOREACH_SAFE((*history)->arena->pieces, piece, next)
		free(piece);
		free((*history)->arena);
	}
	free((*history)->events);
	free((*history)->lines);
	free((*history)->nexuses);
	free(*history);
	*history = NULL;
}
