/*
 * Any event, any PDU header and any pattern: what makes the trace readable, and what filters it.
 * The first 48 bytes are a header and the body of an event of every kind; the rest is a pattern.
 */
#include <stdlib.h>
#include <string.h>

#include "target/trace_filter.h"
#include "target/trace_text.h"
#include "transport/pdu_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SLOTS 64

static void require(bool what)
{
	if (!what)
		abort();
}

static uint64_t clock_ns(void *context)
{
	(void)context;
	return 1;
}

static void look_at_field(void *context, const char *field, const char *value)
{
	(void)context;
	require(strlen(field) < ISCSI_PDU_TEXT_MAX && strlen(value) < ISCSI_PDU_TEXT_MAX);
}

static void try_pdu(const uint8_t *bhs)
{
	char line[ISCSI_PDU_TEXT_MAX];

	iscsi_pdu_describe(bhs, look_at_field, NULL);
	iscsi_pdu_summary(bhs, line);
	require(strlen(line) < sizeof(line));
}

/* The bytes as the body of an event of every kind, of this length. */
static void put_all(struct trace_ring *ring, const uint8_t *body, uint32_t len, uint8_t flags)
{
	for (unsigned kind = TRACE_INVALID + 1; kind < TRACE_KIND_COUNT; kind++)
		if (kind != TRACE_PDU || !(flags & TRACE_PDU_WHOLE))
			trace_put(ring, (enum trace_kind)kind, flags, trace_who_add(ring), body,
				  len);
}

static void read_all(const struct trace_ring *ring, const struct trace_filter *filter)
{
	struct trace_cursor cursor = trace_oldest(ring);
	struct trace_event event;
	char text[TRACE_TEXT_MAX];
	uint64_t lost = 0;

	while (trace_next(ring, &cursor, &lost, &event)) {
		trace_event_text(&event, text);
		require(strlen(text) < sizeof(text));
		trace_filter_matches(filter, ring, &event);
	}
	require(lost == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace_filter filter = {.pdus = true};
	struct trace_ring *ring;
	size_t len;

	if (size < ISCSI_BHS_LEN + 2)
		return 0;
	try_pdu(data);
	len = size - ISCSI_BHS_LEN - 2;
	if (len >= TRACE_PATTERN_MAX)
		len = TRACE_PATTERN_MAX - 1;
	memcpy(filter.command, data + ISCSI_BHS_LEN + 2, len);
	memcpy(filter.initiator, filter.command, sizeof(filter.initiator));
	trace_filter_command_is_known(filter.command);
	ring = trace_ring_create(SLOTS, clock_ns, NULL);
	if (!ring)
		return 0;
	put_all(ring, data, ISCSI_BHS_LEN, data[ISCSI_BHS_LEN]);
	put_all(ring, data, (uint32_t)(size < 1024 ? size : 1024), data[ISCSI_BHS_LEN + 1]);
	read_all(ring, &filter);
	filter.command[0] = '\0';
	read_all(ring, &filter);
	trace_ring_free(&ring);
	return 0;
}
