/*
 * `trace`: what the ring has kept, and what happens from now on.
 *
 * A follower reads the ring itself, a piece at a time, when its socket has room: it holds up
 * nobody, needs no queue, and is told how many events were gone before it came to them.
 */
#include "target/trace_filter.h"
#include "target/trace_text.h"
#include "tools/holdfastd/control_commands.h"
#include "tools/holdfastd/trace_json.h"

#define EVENTS_PER_PIECE  64
#define EVENTS_LOOKED_MAX 4096 /* in one piece, when few of them are wanted */

struct trace_work {
	struct service *service;
	struct trace_filter filter;
	struct trace_cursor cursor;
	uint64_t end;  /* number of the event behind the last one wanted, when it does not follow */
	uint64_t skip; /* wanted events that are too old for `last` */
	bool is_first, wants_pdus;
};

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
	filter->has_kind = json_object_get(request, "kind") != NULL;
	if (filter->has_status && (!status || !trace_status_parse(status, &filter->status))) {
		control_reply_error(reply, "`status` must be good, check-condition, condition-met, "
					   "busy, reservation-conflict, task-set-full, aca-active "
					   "or task-aborted");
		return false;
	}
	if (filter->has_kind && (!kind || !trace_kind_parse(kind, &filter->kind))) {
		control_reply_error(reply,
				    "`kind` must be command, conflict, pr-change, "
				    "unit-attention, task-management, connection, pdu, fault "
				    "or finding");
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

static void append_event(struct trace_work *work, struct control_reply *reply,
			 const struct trace_event *event)
{
	json_t *object = trace_event_json(work->service->trace, event);

	if (reply->follows)
		control_reply_object(reply, object);
	else
		control_reply_element(reply, work->is_first, object);
	work->is_first = false;
}

static void append_lost(struct control_reply *reply, uint64_t lost)
{
	if (lost > 0 && reply->follows)
		control_reply_object(reply, json_pack("{s:I}", "lost", (json_int_t)lost));
}

static bool trace_more(struct control_reply *reply)
{
	struct trace_work *work = reply->work;
	const struct trace_ring *ring = work->service->trace;
	struct trace_event event;
	uint64_t lost = 0;
	int wanted = 0;

	for (int looked = 0; wanted < EVENTS_PER_PIECE && looked < EVENTS_LOOKED_MAX; looked++) {
		if (!reply->follows && work->cursor.event >= work->end)
			return false;
		if (!trace_next(ring, &work->cursor, &lost, &event))
			break;
		append_lost(reply, lost);
		lost = 0;
		if (!trace_filter_matches(&work->filter, ring, &event))
			continue;
		if (work->skip > 0) {
			work->skip--;
			continue;
		}
		append_event(work, reply, &event);
		wanted++;
	}
	return reply->follows || work->cursor.event < work->end;
}

static void trace_work_free(void *pointer)
{
	struct trace_work *work = pointer;

	if (work->wants_pdus)
		trace_ring_want_pdus(work->service->trace, false);
	free(work);
}

/* How many of the events that are kept are older than the last `last` that are wanted. */
static uint64_t count_older(const struct trace_work *work, uint64_t last)
{
	const struct trace_ring *ring = work->service->trace;
	struct trace_cursor cursor = work->cursor;
	struct trace_event event;
	uint64_t wanted = 0, lost = 0;

	while (trace_next(ring, &cursor, &lost, &event))
		wanted += trace_filter_matches(&work->filter, ring, &event);
	return wanted > last ? wanted - last : 0;
}

/* All that are kept, or the last so many; a follower begins with none unless it asks for them. */
static bool place(const json_t *request, struct control_reply *reply, struct trace_work *work,
		  bool follows)
{
	const json_t *last = json_object_get(request, "last");
	const struct trace_ring *ring = work->service->trace;

	if (last && (!json_is_integer(last) || json_integer_value(last) < 0)) {
		control_reply_error(reply, "`last` must be a number of events");
		return false;
	}
	work->cursor = follows && !last ? trace_newest(ring) : trace_oldest(ring);
	work->end = trace_newest(ring).event;
	if (last)
		work->skip = count_older(work, (uint64_t)json_integer_value(last));
	return true;
}

void control_trace(struct service *service, const json_t *request, struct control_reply *reply)
{
	struct trace_work *work = calloc(1, sizeof(*work));
	bool follows = json_is_true(json_object_get(request, "follow"));

	if (!work) {
		control_reply_error(reply, "no memory");
		return;
	}
	work->service = service;
	work->is_first = true;
	if (!control_read_trace_filter(request, reply, &work->filter) ||
	    !place(request, reply, work, follows)) {
		free(work);
		return;
	}
	if (follows && work->filter.pdus) {
		trace_ring_want_pdus(service->trace, true);
		work->wants_pdus = true;
	}
	reply->work = work;
	reply->work_free = trace_work_free;
	reply->more = trace_more;
	reply->follows = follows;
	if (follows)
		control_reply_object(reply, json_pack("{s:b,s:b}", "ok", 1, "following", 1));
	else
		control_reply_begin_array(reply, json_pack("{s:b}", "ok", 1), "events");
}
