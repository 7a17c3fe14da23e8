#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/history_json.h"

struct history_writer {
	FILE *out;
	uint64_t last_ns;
	uint32_t nexus_count; /* introduced so far */
	int error;	      /* the first that the stream had; negative errno */
};

static int put_line(struct history_writer *writer, json_t *object)
{
	int failed;

	if (!object)
		return -ENOMEM;
	errno = 0;
	failed = json_dumpf(object, writer->out, JSON_COMPACT);
	json_decref(object);
	if (failed == 0 && fputc('\n', writer->out) != EOF)
		return 0;
	writer->error = errno != 0 ? -errno : -EIO;
	return writer->error;
}

struct history_writer *history_writer_create(FILE *out, const struct history_head *head)
{
	struct history_writer *writer = calloc(1, sizeof(*writer));
	int error;

	if (!writer)
		return NULL;
	writer->out = out;
	error = put_line(writer, history_head_to_json(head));
	if (error != 0) {
		free(writer);
		errno = -error;
		return NULL;
	}
	return writer;
}

static bool well_formed(const struct history_writer *writer, const struct history_event *event)
{
	bool has_nexus = event->nexus != HISTORY_NO_NEXUS;
	bool has_command = event->command != HISTORY_NO_COMMAND;

	if (event->at_ns < writer->last_ns || event->at_ns > INT64_MAX)
		return false;
	if (has_nexus && event->kind != HISTORY_NEXUS && event->nexus >= writer->nexus_count)
		return false;
	switch (event->kind) {
	case HISTORY_NEXUS:
		return event->u.introduced.number == writer->nexus_count &&
		       writer->nexus_count < HISTORY_NEXUSES_MAX;
	case HISTORY_LOGIN:
	case HISTORY_LOGOUT:
	case HISTORY_LOST:
		return has_nexus;
	case HISTORY_INVOKE:
		return has_nexus && has_command && event->u.invoked.op > HISTORY_OP_INVALID &&
		       event->u.invoked.op < HISTORY_OP_COUNT;
	case HISTORY_RETURN:
	case HISTORY_DECIDED:
		return has_nexus && has_command &&
		       event->u.returned.outcome > HISTORY_OUTCOME_INVALID &&
		       event->u.returned.outcome < HISTORY_OUTCOME_COUNT;
	case HISTORY_APPLIED:
		return has_nexus && history_op_is_pr_out(event->u.invoked.op);
	case HISTORY_CRASH:
	case HISTORY_POWER_CUT:
	case HISTORY_UP:
	case HISTORY_MEDIUM:
	case HISTORY_NOTE:
		return true;
	case HISTORY_KIND_INVALID:
	case HISTORY_KIND_COUNT:
		break;
	}
	return false;
}

int history_write(struct history_writer *writer, const struct history_event *event)
{
	int error;

	if (writer->error != 0)
		return writer->error;
	if (!well_formed(writer, event))
		return -EINVAL;
	error = put_line(writer, history_event_to_json(event));
	if (error != 0)
		return error;
	writer->last_ns = event->at_ns;
	if (event->kind == HISTORY_NEXUS)
		writer->nexus_count++;
	return 0;
}

int history_writer_finish(struct history_writer **writer)
{
	int error;

	if (!*writer)
		return 0;
	error = (*writer)->error;
	errno = 0;
	if (error == 0 && fflush((*writer)->out) != 0)
		error = errno != 0 ? -errno : -EIO;
	free(*writer);
	*writer = NULL;
	return error;
}
