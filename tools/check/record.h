/*
 * What went over the wire in one run of a check: every PDU of both directions, and who opened and
 * closed which connection, in the order of the bytes.
 */
#ifndef TOOLS_CHECK_RECORD_H
#define TOOLS_CHECK_RECORD_H

#include "transport/framing.h"

#define CHECK_EVENTS_MAX      20000 /* of a run; what comes later is only counted */
#define CHECK_DATA_KEPT_MAX   512   /* bytes of a SCSI data segment */
#define CHECK_TEXT_KEPT_MAX   16384 /* bytes of a login or text PDU */
#define CHECK_CONNECTIONS_MAX 4096

enum check_event_kind {
	CHECK_EVENT_INVALID = 0,
	CHECK_OPENED,	      /* the initiator connected */
	CHECK_PDU,	      /* a whole PDU */
	CHECK_CLOSED,	      /* one side said that it sends no more; `reset`: with RST */
	CHECK_UNINTELLIGIBLE, /* from here on this direction is not read as PDUs */
	CHECK_NOTE,	      /* something that the runner did */
};

struct check_event {
	enum check_event_kind kind;
	uint32_t ms;	     /* since the run began */
	uint32_t connection; /* from 1; 0: a note */
	uint32_t number;     /* of a PDU: among those of its direction on its connection, from 1 */
	bool from_target, reset;
	bool bad_header_digest, bad_data_digest;
	bool second_portal;
	uint8_t bhs[ISCSI_BHS_LEN];
	uint8_t *data;	   /* NULL: none kept */
	uint32_t data_len; /* kept */
	const char *note;  /* a literal */
};

/* One direction of a connection. */
struct check_stream {
	struct iscsi_framer framer;
	uint32_t pdus;
	bool lost;
};

struct check_connection {
	struct check_stream from_initiator, from_target;
	bool header_digest, data_digest; /* as the target's answers say so far */
	bool second_portal;
	uint16_t peer_port; /* under which the daemon knows it */
};

struct check_record {
	struct check_event *events;
	size_t count, capacity;
	uint64_t left_out; /* for a limit or want of memory */
	struct check_connection *connections;
	uint32_t connection_count;
};

void check_record_init(struct check_record *record);
void check_record_free(struct check_record *record);

/* The number of the new connection, 0: no memory or too many. */
uint32_t check_record_open(struct check_record *record, uint32_t ms, bool second_portal,
			   uint16_t peer_port);
void check_record_bytes(struct check_record *record, uint32_t ms, uint32_t connection,
			bool from_target, const uint8_t *bytes, size_t len);
void check_record_close(struct check_record *record, uint32_t ms, uint32_t connection,
			bool from_target, bool reset);
/* `note` must outlive the record. */
void check_record_note(struct check_record *record, uint32_t ms, const char *note);

#endif
