#include "tools/check/record.h"

#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "transport/text.h"

#define CONNECTIONS_STEP 16

void check_record_init(struct check_record *record)
{
	memset(record, 0, sizeof(*record));
}

void check_record_free(struct check_record *record)
{
	for (size_t i = 0; i < record->count; i++)
		free(record->events[i].data);
	for (uint32_t i = 0; i < record->connection_count; i++) {
		iscsi_framer_finish(&record->connections[i].from_initiator.framer);
		iscsi_framer_finish(&record->connections[i].from_target.framer);
	}
	free(record->events);
	free(record->connections);
	memset(record, 0, sizeof(*record));
}

/* NULL: no room. */
static struct check_event *add(struct check_record *record, enum check_event_kind kind, uint32_t ms,
			       uint32_t connection)
{
	if (record->count == record->capacity && record->count < CHECK_EVENTS_MAX) {
		size_t capacity = record->capacity > 0 ? record->capacity * 2 : 64;
		struct check_event *events =
			realloc(record->events, capacity * sizeof(*record->events));
		if (events) {
			record->events = events;
			record->capacity = capacity;
		}
	}
	if (record->count == record->capacity || record->count >= CHECK_EVENTS_MAX) {
		record->left_out++;
		return NULL;
	}
	struct check_event *event = &record->events[record->count++];
	memset(event, 0, sizeof(*event));
	event->kind = kind;
	event->ms = ms;
	event->connection = connection;
	if (connection > 0)
		event->second_portal = record->connections[connection - 1].second_portal;
	return event;
}

void check_record_note(struct check_record *record, uint32_t ms, const char *note)
{
	struct check_event *event = add(record, CHECK_NOTE, ms, 0);

	if (event)
		event->note = note;
}

static void stream_init(struct check_stream *stream)
{
	iscsi_framer_init(&stream->framer);
	stream->framer.data_limit = 0xffffff; /* 24 bits: everything */
}

uint32_t check_record_open(struct check_record *record, uint32_t ms, bool second_portal,
			   uint16_t peer_port)
{
	uint32_t count = record->connection_count;

	if (count >= CHECK_CONNECTIONS_MAX)
		return 0;
	if (count % CONNECTIONS_STEP == 0) {
		struct check_connection *more =
			realloc(record->connections,
				(count + CONNECTIONS_STEP) * sizeof(*record->connections));
		if (!more)
			return 0;
		record->connections = more;
	}
	struct check_connection *connection = &record->connections[record->connection_count++];
	memset(connection, 0, sizeof(*connection));
	stream_init(&connection->from_initiator);
	stream_init(&connection->from_target);
	connection->second_portal = second_portal;
	connection->peer_port = peer_port;
	add(record, CHECK_OPENED, ms, count + 1);
	return count + 1;
}

/* Digests begin behind the Login Response that ends login (RFC 7143 13.1). */
static void follow_login(struct check_connection *connection, const struct iscsi_framer *framer)
{
	struct iscsi_text_reader reader;
	char key[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;

	if (framer->data_len > 0) {
		iscsi_text_reader_init(&reader, framer->data, framer->data_len);
		while (iscsi_text_next(&reader, key, &value, &bad)) {
			bool crc = strcmp(value, "CRC32C") == 0;
			if (strcmp(key, "HeaderDigest") == 0)
				connection->header_digest = crc;
			else if (strcmp(key, "DataDigest") == 0)
				connection->data_digest = crc;
		}
	}
	bool final = (framer->bhs[1] & 0x83) == 0x83;
	if (!final || get_be16(framer->bhs + 36) != ISCSI_LOGIN_SUCCESS)
		return;
	struct iscsi_framer *both[] = {&connection->from_initiator.framer,
				       &connection->from_target.framer};
	for (size_t i = 0; i < 2; i++) {
		both[i]->header_digest = connection->header_digest;
		both[i]->data_digest = connection->data_digest;
	}
}

static bool is_text(uint8_t opcode)
{
	return opcode == ISCSI_LOGIN_REQUEST || opcode == ISCSI_LOGIN_RESPONSE ||
	       opcode == ISCSI_TEXT_REQUEST || opcode == ISCSI_TEXT_RESPONSE;
}

static void keep_pdu(struct check_record *record, uint32_t ms, uint32_t number, bool from_target,
		     enum iscsi_frame_event what)
{
	struct check_connection *connection = &record->connections[number - 1];
	struct check_stream *stream =
		from_target ? &connection->from_target : &connection->from_initiator;
	const struct iscsi_framer *framer = &stream->framer;
	struct check_event *event = add(record, CHECK_PDU, ms, number);
	uint8_t opcode = framer->bhs[0] & 0x3f;

	stream->pdus++;
	if (!event)
		return;
	event->from_target = from_target;
	event->number = stream->pdus;
	event->bad_header_digest = what == ISCSI_FRAME_HEADER_DIGEST;
	event->bad_data_digest = what == ISCSI_FRAME_DATA_DIGEST;
	memcpy(event->bhs, framer->bhs, ISCSI_BHS_LEN);
	if (event->bad_header_digest || framer->data_len == 0)
		return;
	uint32_t most = is_text(opcode) ? CHECK_TEXT_KEPT_MAX : CHECK_DATA_KEPT_MAX;
	uint32_t len = framer->data_len < most ? framer->data_len : most;
	event->data = malloc(len);
	if (!event->data)
		return;
	memcpy(event->data, framer->data, len);
	event->data_len = len;
}

static bool is_whole(enum iscsi_frame_event what)
{
	return what == ISCSI_FRAME_PDU || what == ISCSI_FRAME_DATA_DIGEST ||
	       what == ISCSI_FRAME_HEADER_DIGEST;
}

/* Bytes that are no PDUs, such as an opcode of the other side, lose the direction. */
static void lose(struct check_record *record, struct check_stream *stream, uint32_t ms,
		 uint32_t connection, bool from_target)
{
	struct check_event *event = add(record, CHECK_UNINTELLIGIBLE, ms, connection);

	stream->lost = true;
	if (event)
		event->from_target = from_target;
}

void check_record_bytes(struct check_record *record, uint32_t ms, uint32_t connection,
			bool from_target, const uint8_t *bytes, size_t len)
{
	for (;;) {
		struct check_connection *its = &record->connections[connection - 1];
		struct check_stream *stream =
			from_target ? &its->from_target : &its->from_initiator;
		if (stream->lost)
			return;
		enum iscsi_frame_event what = iscsi_framer_next(&stream->framer, &bytes, &len);
		if (what == ISCSI_FRAME_MORE)
			return;
		if (what == ISCSI_FRAME_HEADER)
			continue;
		if (is_whole(what))
			keep_pdu(record, ms, connection, from_target, what);
		if (!is_whole(what) || what == ISCSI_FRAME_HEADER_DIGEST) {
			lose(record, stream, ms, connection, from_target);
			return;
		}
		if (from_target && (stream->framer.bhs[0] & 0x3f) == ISCSI_LOGIN_RESPONSE)
			follow_login(its, &stream->framer);
	}
}

void check_record_close(struct check_record *record, uint32_t ms, uint32_t connection,
			bool from_target, bool reset)
{
	struct check_event *event = add(record, CHECK_CLOSED, ms, connection);

	if (!event)
		return;
	event->from_target = from_target;
	event->reset = reset;
}
