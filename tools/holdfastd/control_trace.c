/*
 * `trace`: what the ring has kept, and what happens from now on.
 *
 * A follower reads the rings themselves, a piece at a time, when its socket has room: it holds up
 * nobody, needs no queue, and is told how many events were gone before it came to them.
 */
#include "target/trace_text.h"
#include "tools/holdfastd/control_commands.h"
#include "tools/holdfastd/trace_reader.h"

/* Whoever follows what is decided wants it soon: what was not sent when the daemon dies is lost. */
#define DECISIONS_POLL_S 0.005

/* ---- the request -------------------------------------------------------------------------------
 */

static bool read_pattern(const json_t *request, const char *name, struct control_reply *reply,
			 char ret_pattern[TRACE_PATTERN_MAX])
{
	const json_t *value = json_object_get(request, name);
	const char *text = json_string_value(value);

	if (!value)
		return true;
	if (!text || strlen(text) >= TRACE_PATTERN_MAX) {
		control_reply_error(reply, "`%s` must be text of up to %d bytes", name,
				    TRACE_PATTERN_MAX - 1);
		return false;
	}
	snprintf(ret_pattern, TRACE_PATTERN_MAX, "%s", text);
	return true;
}

static bool read_lun(const json_t *request, struct control_reply *reply,
		     struct trace_filter *filter)
{
	const json_t *lun = json_object_get(request, "lun");

	if (!lun)
		return true;
	if (!json_is_integer(lun) || json_integer_value(lun) < 0 ||
	    json_integer_value(lun) > SCSI_LUN_MAX) {
		control_reply_error(reply, "`lun` must be a number, 0 to %d", SCSI_LUN_MAX);
		return false;
	}
	filter->has_lun = true;
	filter->lun = (uint16_t)json_integer_value(lun);
	return true;
}

static bool read_names(const json_t *request, struct control_reply *reply,
		       struct trace_filter *filter)
{
	const char *status = json_string_value(json_object_get(request, "status"));
	const char *kind = json_string_value(json_object_get(request, "kind"));

	filter->has_status = json_object_get(request, "status") != NULL;
	filter->decisions = kind && strcmp(kind, TRACE_DECISIONS) == 0;
	filter->has_kind = json_object_get(request, "kind") != NULL && !filter->decisions;
	if (filter->has_status && (!status || !trace_status_parse(status, &filter->status))) {
		control_reply_error(reply, "`status` must be good, check-condition, condition-met, "
					   "busy, reservation-conflict, task-set-full, aca-active "
					   "or task-aborted");
		return false;
	}
	if (filter->has_kind && (!kind || !trace_kind_parse(kind, &filter->kind))) {
		control_reply_error(reply,
				    "`kind` must be command, conflict, pr-change, "
				    "unit-attention, task-management, connection, pdu, fault, "
				    "finding or decision");
		return false;
	}
	if (filter->command[0] != '\0' && !trace_filter_command_is_known(filter->command)) {
		control_reply_error(reply,
				    "`%s` is no command: write its name as in read-10, "
				    "persistent-reserve-out or pr-out, or an opcode, 0x28",
				    filter->command);
		return false;
	}
	return true;
}

bool control_read_trace_filter(const json_t *request, struct control_reply *reply,
			       struct trace_filter *ret_filter)
{
	*ret_filter = (struct trace_filter){.pdus = json_is_true(json_object_get(request, "pdus"))};
	return read_pattern(request, "initiator", reply, ret_filter->initiator) &&
	       read_pattern(request, "target", reply, ret_filter->target) &&
	       read_pattern(request, "name", reply, ret_filter->command) &&
	       read_lun(request, reply, ret_filter) && read_names(request, reply, ret_filter);
}

/* ---- the reply ------------------------------------------------------------------------------- */

static bool trace_more(struct control_reply *reply)
{
	return trace_reader_append(reply->work, reply);
}

/* All that are kept, or the last so many; a follower begins with none unless it asks for them. */
static struct trace_reader *open_reader(struct service *service, const json_t *request,
					const struct trace_filter *filter, bool follows,
					struct control_reply *reply)
{
	const json_t *last = json_object_get(request, "last");
	struct trace_reader *reader;

	if (last && (!json_is_integer(last) || json_integer_value(last) < 0)) {
		control_reply_error(reply, "`last` must be a number of events");
		return NULL;
	}
	reader = trace_reader_create(service, filter, follows && !last);
	if (!reader) {
		control_reply_error(reply, "no memory");
		return NULL;
	}
	if (last)
		trace_reader_only_last(reader, (uint64_t)json_integer_value(last));
	if (!follows)
		trace_reader_stop_at_now(reader);
	else if (filter->pdus)
		trace_reader_want_pdus(reader, 0);
	return reader;
}

void control_trace(struct service *service, const json_t *request, struct control_reply *reply)
{
	bool follows = json_is_true(json_object_get(request, "follow"));
	struct trace_reader *reader = NULL;
	struct trace_filter filter;

	if (control_read_trace_filter(request, reply, &filter))
		reader = open_reader(service, request, &filter, follows, reply);
	if (!reader)
		return;
	reply->work = reader;
	reply->work_free = trace_reader_free;
	reply->more = trace_more;
	reply->follows = follows;
	if (filter.decisions)
		reply->pause_s = DECISIONS_POLL_S;
	if (follows)
		control_reply_object(reply, json_pack("{s:b,s:b}", "ok", 1, "following", 1));
	else
		control_reply_begin_array(reply, json_pack("{s:b}", "ok", 1), "events");
}
