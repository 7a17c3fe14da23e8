#include "tools/holdfastd/trace_reader.h"

#include <stdlib.h>

#include "tools/holdfastd/loops.h"
#include "tools/holdfastd/trace_json.h"

#define EVENTS_PER_PIECE 64	     /* of a loop */
#define BYTES_PER_PIECE	 (64 * 1024) /* of their bodies */
#define LOOKED_PER_PIECE 4096	     /* when few of them are wanted */
#define CAPTURE_SLOTS	 (1u << 18)  /* 16 MiB */

/* One loop's. */
struct part {
	struct trace_ring *capture; /* NULL: its own ring is read */
	struct trace_cursor cursor;
	uint64_t end;	     /* number of the event behind the last one wanted */
	uint64_t reached_ns; /* it has told of everything before */
	uint64_t lost;
	bool has_more;
};

struct waiting {
	uint64_t time_ns, order;
	json_t *event;
};

struct trace_reader {
	struct service *service;
	struct trace_filter filter;
	struct part *parts;
	unsigned part_count;
	unsigned at; /* the part whose loop is being called */
	struct waiting *waiting;
	size_t waiting_count, waiting_cap;
	uint64_t order;
	uint64_t wanted; /* counted by only_last */
	uint64_t skip;	 /* wanted events that are too old */
	uint32_t snap_len;
	bool at_newest, wants_pdus, captures, failed, is_first, stops;
};

/* ---- on each loop ------------------------------------------------------------------------------
 */

static const struct trace_ring *ring_of(const struct part *part, const struct loop_part *loop)
{
	return part->capture ? part->capture : loop->trace;
}

static void count_part(const struct loop_part *loop, void *context)
{
	unsigned *count = context;
	(void)loop;

	(*count)++;
}

static void place_part(const struct loop_part *loop, void *context)
{
	struct trace_reader *reader = context;
	struct part *part = &reader->parts[reader->at++];

	part->cursor = reader->at_newest ? trace_newest(loop->trace) : trace_oldest(loop->trace);
	part->end = UINT64_MAX;
}

static void stop_part(const struct loop_part *loop, void *context)
{
	struct trace_reader *reader = context;
	struct part *part = &reader->parts[reader->at++];

	if (part->end == UINT64_MAX)
		part->end = trace_newest(ring_of(part, loop)).event;
}

static void count_wanted(const struct loop_part *loop, void *context)
{
	struct trace_reader *reader = context;
	struct trace_cursor cursor = reader->parts[reader->at++].cursor;
	struct trace_event event;
	uint64_t lost = 0;

	while (trace_next(loop->trace, &cursor, &lost, &event))
		reader->wanted += trace_filter_matches(&reader->filter, loop->trace, &event);
}

static void want_pdus(const struct loop_part *loop, void *context)
{
	struct trace_reader *reader = context;
	struct part *part = &reader->parts[reader->at++];

	trace_ring_want_pdus(loop->trace, true);
	if (!reader->captures)
		return;
	trace_ring_capture(loop->trace, part->capture, reader->snap_len);
	part->cursor = trace_newest(part->capture);
}

static void want_no_pdus(const struct loop_part *loop, void *context)
{
	const struct trace_reader *reader = context;

	trace_ring_want_pdus(loop->trace, false);
	if (reader->captures)
		trace_ring_capture(loop->trace, NULL, 0);
}

static void look_for_capture(const struct loop_part *loop, void *context)
{
	bool *is_on = context;
	uint32_t snap_len;

	*is_on = *is_on || trace_ring_captured(loop->trace, &snap_len) != NULL;
}

static void keep(struct trace_reader *reader, uint64_t time_ns, json_t *event)
{
	if (reader->waiting_count == reader->waiting_cap) {
		size_t cap = reader->waiting_cap > 0 ? reader->waiting_cap * 2 : EVENTS_PER_PIECE;
		struct waiting *waiting = realloc(reader->waiting, cap * sizeof(*waiting));
		if (!waiting) {
			json_decref(event);
			reader->failed = true;
			return;
		}
		reader->waiting = waiting;
		reader->waiting_cap = cap;
	}
	reader->waiting[reader->waiting_count++] =
		(struct waiting){time_ns, reader->order++, event};
}

static void read_part(const struct loop_part *loop, void *context)
{
	struct trace_reader *reader = context;
	struct part *part = &reader->parts[reader->at++];
	const struct trace_ring *ring = ring_of(part, loop);
	struct trace_event event;
	unsigned looked = 0, wanted = 0, bytes = 0;

	part->has_more = false;
	while (part->cursor.event < part->end &&
	       trace_next(ring, &part->cursor, &part->lost, &event)) {
		part->reached_ns = event.time_ns;
		/* The loop's own ring knows who it is about. */
		if (trace_filter_matches(&reader->filter, loop->trace, &event)) {
			json_t *object = trace_event_json(loop->trace, &event);
			/* Numbers of who are the loop's own. */
			json_object_set_new(object, "loop", json_integer(reader->at - 1));
			keep(reader, event.time_ns, object);
			wanted++;
			bytes += event.len;
		}
		part->has_more = ++looked == LOOKED_PER_PIECE || wanted == EVENTS_PER_PIECE ||
				 bytes > BYTES_PER_PIECE;
		if (part->has_more)
			return;
	}
}

static void on_each(struct trace_reader *reader,
		    void (*each)(const struct loop_part *loop, void *context))
{
	reader->at = 0;
	loops_each(reader->service, each, reader);
}

/* ---- its life -------------------------------------------------------------------------------- */

struct trace_reader *trace_reader_create(struct service *service, const struct trace_filter *filter,
					 bool at_newest)
{
	struct trace_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->service = service;
	reader->filter = *filter;
	reader->at_newest = at_newest;
	reader->is_first = true;
	loops_each(service, count_part, &reader->part_count);
	reader->parts = calloc(reader->part_count, sizeof(*reader->parts));
	if (!reader->parts) {
		free(reader);
		return NULL;
	}
	on_each(reader, place_part);
	return reader;
}

void trace_reader_free(void *pointer)
{
	struct trace_reader *reader = pointer;

	if (reader->wants_pdus)
		on_each(reader, want_no_pdus);
	for (unsigned i = 0; i < reader->part_count; i++)
		trace_ring_free(&reader->parts[i].capture);
	for (size_t i = 0; i < reader->waiting_count; i++)
		json_decref(reader->waiting[i].event);
	free(reader->waiting);
	free(reader->parts);
	free(reader);
}

bool trace_reader_want_pdus(struct trace_reader *reader, uint32_t snap_len)
{
	for (unsigned i = 0; snap_len > 0 && i < reader->part_count; i++) {
		reader->parts[i].capture = trace_ring_create(CAPTURE_SLOTS, service_clock_ns, NULL);
		if (!reader->parts[i].capture)
			return false;
	}
	reader->snap_len = snap_len;
	reader->captures = snap_len > 0;
	reader->wants_pdus = true;
	on_each(reader, want_pdus);
	return true;
}

bool trace_reader_is_capturing(struct service *service)
{
	bool is_on = false;

	loops_each(service, look_for_capture, &is_on);
	return is_on;
}

void trace_reader_stop_at_now(struct trace_reader *reader)
{
	if (!reader->stops)
		on_each(reader, stop_part);
	reader->stops = true;
}

void trace_reader_only_last(struct trace_reader *reader, uint64_t last)
{
	on_each(reader, count_wanted);
	reader->skip = reader->wanted > last ? reader->wanted - last : 0;
}

/* ---- events in order ---------------------------------------------------------------------------
 */

static int compare(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void append(struct trace_reader *reader, struct control_reply *reply, json_t *event)
{
	if (reader->skip > 0) {
		reader->skip--;
		json_decref(event);
		return;
	}
	if (reply->follows)
		control_reply_object(reply, event);
	else
		control_reply_element(reply, reader->is_first, event);
	reader->is_first = false;
}

/* Nobody can tell of anything before this any more. */
static uint64_t settled_ns(const struct trace_reader *reader)
{
	uint64_t settled = UINT64_MAX;

	for (unsigned i = 0; i < reader->part_count; i++)
		if (reader->parts[i].has_more && reader->parts[i].reached_ns < settled)
			settled = reader->parts[i].reached_ns;
	return settled;
}

static void append_settled(struct trace_reader *reader, struct control_reply *reply)
{
	uint64_t settled = settled_ns(reader);
	size_t n = 0;

	if (reader->waiting_count > 1)
		qsort(reader->waiting, reader->waiting_count, sizeof(*reader->waiting), compare);
	while (n < reader->waiting_count && reader->waiting[n].time_ns <= settled)
		append(reader, reply, reader->waiting[n++].event);
	reader->waiting_count -= n;
	if (n > 0 && reader->waiting_count > 0)
		memmove(reader->waiting, reader->waiting + n,
			reader->waiting_count * sizeof(*reader->waiting));
}

static void append_lost(struct trace_reader *reader, struct control_reply *reply)
{
	uint64_t lost = 0;

	for (unsigned i = 0; i < reader->part_count; i++) {
		lost += reader->parts[i].lost;
		reader->parts[i].lost = 0;
	}
	if (lost > 0 && reply->follows)
		control_reply_object(reply, json_pack("{s:I}", "lost", (json_int_t)lost));
}

static bool is_over(const struct trace_reader *reader)
{
	if (!reader->stops || reader->waiting_count > 0)
		return false;
	for (unsigned i = 0; i < reader->part_count; i++)
		if (reader->parts[i].cursor.event < reader->parts[i].end)
			return false;
	return true;
}

bool trace_reader_append(struct trace_reader *reader, struct control_reply *reply)
{
	if (reply->ends)
		trace_reader_stop_at_now(reader);
	on_each(reader, read_part);
	append_lost(reader, reply);
	append_settled(reader, reply);
	reply->failed |= reader->failed;
	return !is_over(reader);
}
