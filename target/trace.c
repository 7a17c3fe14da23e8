#include "target/trace.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "target/trace_internal.h"

static_assert(sizeof(struct trace_slot) == TRACE_SLOT_LEN, "no padding");
static_assert(sizeof(struct trace_command) == TRACE_BODY_FIRST, "a command fills one slot");
static_assert(sizeof(struct trace_pdu) <= TRACE_BODY_FIRST, "and so does a PDU's header");

struct trace_ring *trace_ring_create(uint32_t slots, trace_clock clock, void *clock_context)
{
	struct trace_ring *ring = calloc(1, sizeof(*ring));
	uint32_t count = TRACE_SLOTS_MIN;

	while (count < slots && count < TRACE_SLOTS_MAX)
		count *= 2;
	if (!ring)
		return NULL;
	ring->slots = calloc(count, sizeof(*ring->slots));
	if (!ring->slots) {
		free(ring);
		return NULL;
	}
	ring->slot_mask = count - 1;
	ring->clock = clock;
	ring->clock_context = clock_context;
	trace_tick(ring);
	return ring;
}

void trace_ring_free(struct trace_ring **ring)
{
	if (!*ring)
		return;
	trace_who_clear(*ring);
	free((*ring)->slots);
	free(*ring);
	*ring = NULL;
}

void trace_ring_want_pdus(struct trace_ring *ring, bool on)
{
	ring->pdus += on ? 1 : (uint32_t)-1;
}

void trace_ring_capture(struct trace_ring *ring, struct trace_ring *capture, uint32_t snap_len)
{
	ring->capture = capture;
	ring->snap_len = snap_len;
}

struct trace_ring *trace_ring_captured(const struct trace_ring *ring, uint32_t *ret_snap_len)
{
	if (!ring || !ring->capture)
		return NULL;
	*ret_snap_len = ring->snap_len;
	return ring->capture;
}

/* ---- writing --------------------------------------------------------------------------------- */

void trace_make_room(struct trace_ring *ring, uint32_t count)
{
	while (ring->head + count - ring->first > (uint64_t)ring->slot_mask + 1) {
		const struct trace_header *oldest = &trace_slot_at(ring, ring->first)->header;

		ring->first += oldest->len_slots;
		ring->first_event += oldest->kind != TRACE_INVALID;
	}
}

/* The next `count` slots, which lie in one piece. */
static struct trace_slot *take_slots(struct trace_ring *ring, uint32_t count)
{
	uint32_t to_end = ring->slot_mask + 1 - (uint32_t)(ring->head & ring->slot_mask);

	if (count > to_end) {
		trace_make_room(ring, to_end);
		trace_slot_at(ring, ring->head)->header =
			(struct trace_header){.len_slots = (uint16_t)to_end};
		ring->head += to_end;
	}
	trace_make_room(ring, count);
	return trace_slot_at(ring, ring->head);
}

static uint32_t slots_for(uint32_t len)
{
	return 1 + (len <= TRACE_BODY_FIRST ? 0
					    : (len - (uint32_t)TRACE_BODY_FIRST + TRACE_SLOT_LEN -
					       1) / TRACE_SLOT_LEN);
}

static void *put_header(struct trace_ring *ring, const struct trace_header *header)
{
	struct trace_slot *slot = take_slots(ring, header->len_slots);

	slot->header = *header;
	ring->head += header->len_slots;
	ring->head_event++;
	return (uint8_t *)slot + sizeof(*header);
}

/* What is behind the body in its last slot is zero. */
static void put(struct trace_ring *ring, const struct trace_header *header, const void *body,
		uint32_t len)
{
	uint8_t *to = put_header(ring, header);

	memcpy(to, body, len);
	memset(to + len, 0, header->len_slots * TRACE_SLOT_LEN - sizeof(*header) - len);
}

static bool fits(const struct trace_ring *ring, uint32_t len)
{
	/* More than a half of a ring would tell of nothing else. */
	return len <= TRACE_BODY_MAX && slots_for(len) <= (ring->slot_mask + 1) / 2;
}

static struct trace_header make_header(const struct trace_ring *ring, enum trace_kind kind,
				       uint8_t flags, uint32_t who, uint32_t len)
{
	return (struct trace_header){
		.time_ns = ring->now_ns,
		.who = who,
		.len_slots = (uint16_t)slots_for(len),
		.kind = (uint8_t)kind,
		.flags = flags,
	};
}

void *trace_take(struct trace_ring *ring, enum trace_kind kind, uint8_t flags, uint32_t who,
		 uint32_t len)
{
	if (!fits(ring, len))
		return NULL;
	struct trace_header header = make_header(ring, kind, flags, who, len);

	return memset(put_header(ring, &header), 0,
		      header.len_slots * TRACE_SLOT_LEN - sizeof(header));
}

void trace_put(struct trace_ring *ring, enum trace_kind kind, uint8_t flags, uint32_t who,
	       const void *body, uint32_t len)
{
	if (!ring || !fits(ring, len))
		return;
	struct trace_header header = make_header(ring, kind, flags, who, len);

	put(ring, &header, body, len);
	if (ring->capture && kind != TRACE_PDU)
		put(ring->capture, &header, body, len);
}

void trace_put_note(struct trace_ring *ring, enum trace_kind kind, uint32_t who,
		    const struct trace_note *head, const char *text)
{
	struct trace_note note = *head;
	size_t len = strnlen(text, TRACE_NOTE_MAX - 1);

	memcpy(note.text, text, len);
	note.text[len] = '\0';
	trace_put(ring, kind, 0, who, &note,
		  (uint32_t)(offsetof(struct trace_note, text) + len + 1));
}

void trace_put_fault(struct trace_ring *ring, uint32_t who, uint32_t tag, uint16_t lun,
		     const char *what)
{
	trace_put_note(ring, TRACE_FAULT, who, &(struct trace_note){.tag = tag, .lun = lun}, what);
}

/* ---- reading --------------------------------------------------------------------------------- */

struct trace_cursor trace_oldest(const struct trace_ring *ring)
{
	return (struct trace_cursor){.event = ring->first_event, .slot = ring->first};
}

struct trace_cursor trace_newest(const struct trace_ring *ring)
{
	return (struct trace_cursor){.event = ring->head_event, .slot = ring->head};
}

bool trace_next(const struct trace_ring *ring, struct trace_cursor *cursor, uint64_t *lost,
		struct trace_event *ret_event)
{
	if (cursor->slot < ring->first) {
		*lost += ring->first_event - cursor->event;
		*cursor = trace_oldest(ring);
	}
	while (cursor->slot < ring->head) {
		const struct trace_slot *slot = trace_slot_at(ring, cursor->slot);
		const struct trace_header *header = &slot->header;

		cursor->slot += header->len_slots;
		if (header->kind == TRACE_INVALID)
			continue;
		*ret_event = (struct trace_event){
			.number = cursor->event++,
			.time_ns = header->time_ns,
			.kind = (enum trace_kind)header->kind,
			.flags = header->flags,
			.who = header->who,
			.body = slot->body,
			.len = header->len_slots * TRACE_SLOT_LEN - (uint32_t)sizeof(*header),
		};
		return true;
	}
	return false;
}

/* Copies what is there of a body of `want` bytes, of which `least` must be. */
static bool read_body(const struct trace_event *event, enum trace_kind kind, void *ret_body,
		      size_t want, size_t least)
{
	size_t len = event->len < want ? event->len : want;

	if (event->kind != kind || event->len < least)
		return false;
	memset(ret_body, 0, want);
	memcpy(ret_body, event->body, len);
	return true;
}

bool trace_read_command(const struct trace_event *event, struct trace_pr_out *ret_command)
{
	if (!read_body(event, TRACE_COMMAND, ret_command, sizeof(*ret_command),
		       sizeof(ret_command->command)))
		return false;
	if (!(ret_command->command.flags & TRACE_COMMAND_HAS_LIST))
		*ret_command = (struct trace_pr_out){.command = ret_command->command};
	return true;
}

bool trace_read_conflict(const struct trace_event *event, struct trace_conflict *ret_conflict)
{
	if (!read_body(event, TRACE_CONFLICT, ret_conflict, sizeof(*ret_conflict),
		       offsetof(struct trace_conflict, holder)))
		return false;
	ret_conflict->holder[PR_INITIATOR_NAME_MAX] = '\0';
	return true;
}

bool trace_read_pr_change(const struct trace_event *event, struct trace_pr_change *ret_change)
{
	return read_body(event, TRACE_PR_CHANGE, ret_change, sizeof(*ret_change),
			 sizeof(*ret_change));
}

bool trace_read_unit_attention(const struct trace_event *event,
			       struct trace_unit_attention *ret_attention)
{
	return read_body(event, TRACE_UNIT_ATTENTION, ret_attention, sizeof(*ret_attention),
			 sizeof(*ret_attention));
}

bool trace_read_management(const struct trace_event *event, struct trace_management *ret_function)
{
	return read_body(event, TRACE_TASK_MANAGEMENT, ret_function, sizeof(*ret_function),
			 sizeof(*ret_function));
}

bool trace_read_note(const struct trace_event *event, struct trace_note *ret_note)
{
	bool is_note = event->kind == TRACE_CONNECTION || event->kind == TRACE_FAULT ||
		       event->kind == TRACE_FINDING;

	if (!is_note || !read_body(event, event->kind, ret_note, sizeof(*ret_note),
				   offsetof(struct trace_note, text)))
		return false;
	ret_note->text[TRACE_NOTE_MAX - 1] = '\0';
	return true;
}

const uint8_t *trace_read_pdu(const struct trace_event *event, uint32_t *ret_kept_len,
			      uint32_t *ret_wire_len)
{
	const struct trace_whole_pdu *whole = event->body;

	if (event->kind != TRACE_PDU || event->len < TRACE_PDU_HEADER)
		return NULL;
	if (!(event->flags & TRACE_PDU_WHOLE)) {
		*ret_kept_len = *ret_wire_len = TRACE_PDU_HEADER;
		return event->body;
	}
	*ret_kept_len = whole->kept_len;
	*ret_wire_len = whole->wire_len;
	return whole->bytes;
}
