/*
 * The trace: a ring in memory that keeps the last events of one event loop, at all times, so that
 * what led to a surprise can be read afterwards.
 *
 * A ring belongs to one loop and is written and read on that loop's thread only; there is no lock.
 * Whoever has several loops has several rings, and merges what it reads by time. Records are
 * binary, in slots of TRACE_SLOT_LEN bytes, and made readable when somebody reads (trace_text.h).
 * Writing never waits and never fails: the oldest events go. A reader has a cursor, and is told how
 * many events it was too slow for.
 *
 * Text and numbers in records come from the wire: they are escaped where they are shown.
 */
#ifndef TARGET_TRACE_H
#define TARGET_TRACE_H

#include "pr_engine/types.h"

#define TRACE_SLOT_LEN	 64 /* bytes */
#define TRACE_SLOTS_MIN	 64 /* of a ring */
#define TRACE_SLOTS_MAX	 (1u << 22)
#define TRACE_BODY_MAX	 (TRACE_SLOT_LEN * 65535u - 16) /* bytes of one event */
#define TRACE_NOTE_MAX	 400				/* bytes of the text of an event */
#define TRACE_PDU_HEADER 48				/* bytes of a PDU's header */
#define TRACE_CDB_MAX	 16				/* bytes of a CDB that are kept */
#define TRACE_NO_TAG	 0xffffffffu			/* the event belongs to no one task */
#define TRACE_NO_LUN	 0xffff				/* ... or to no LUN */

/* What an event tells of. The body of each is the struct named behind it. */
enum trace_kind {
	TRACE_INVALID = 0,     /* fills up the end of the ring; no reader sees it */
	TRACE_COMMAND,	       /* a command has ended: trace_command, or trace_pr_out */
	TRACE_CONFLICT,	       /* why it met a RESERVATION CONFLICT: trace_conflict */
	TRACE_PR_CHANGE,       /* reservations have changed: trace_pr_change */
	TRACE_UNIT_ATTENTION,  /* established, or reported: trace_unit_attention */
	TRACE_TASK_MANAGEMENT, /* a function was asked for, or has ended: trace_management */
	TRACE_CONNECTION,      /* opened, login, logout, dropped, closed: trace_note */
	TRACE_PDU,	       /* came, or goes out: trace_pdu */
	TRACE_FAULT,	       /* a fault was made on purpose: trace_note */
	TRACE_FINDING,	       /* the observer has judged: trace_note */
	TRACE_KIND_COUNT,
};

struct trace_command {
	uint64_t latency_ns; /* since its last header byte was received */
	uint32_t tag;	     /* the transport's: the ITT */
	uint32_t data_in;    /* bytes sent */
	uint32_t data_out;   /* bytes received */
	uint16_t lun;
	uint8_t status; /* enum scsi_status; nothing of it was sent when ABORTED is set alone */
	uint8_t flags;	/* enum trace_command_flag */
	uint8_t cdb[TRACE_CDB_MAX];
	uint8_t sense_key, asc, ascq; /* with CHECK CONDITION */
	uint8_t reserved[5];
};

enum trace_command_flag {
	TRACE_COMMAND_ABORTED = 1 << 0,	 /* it was aborted */
	TRACE_COMMAND_ANSWERED = 1 << 1, /* there was a status, also TASK ABORTED */
	TRACE_COMMAND_BY_COPY = 1 << 2,	 /* a piece of an EXTENDED COPY */
	TRACE_COMMAND_HAS_LIST = 1 << 3, /* trace_pr_out follows */
};

/* A PERSISTENT RESERVE OUT whose parameter list has come. */
struct trace_pr_out {
	struct trace_command command;
	uint64_t reservation_key, service_action_key;
	uint8_t aptpl; /* 0 or 1 */
};

/* Comes in front of its TRACE_COMMAND, which has the same tag. */
struct trace_conflict {
	uint32_t tag;
	uint16_t lun;
	uint8_t conflict;	      /* enum pr_conflict */
	uint8_t access;		      /* enum pr_access_class of the command */
	uint8_t type;		      /* enum pr_type in force */
	uint8_t standing;	      /* enum pr_standing of who was refused */
	uint8_t all_registrants_hold; /* 0 or 1 */
	uint64_t own_key;	      /* of who was refused; 0: not registered */
	uint64_t holder_key;	      /* 0: nobody, or all registrants */
	uint64_t record, time_ms;     /* of the journal: since when it is reserved; 0: it is not */
	uint8_t cdb[TRACE_CDB_MAX];
	uint8_t holder_isid[PR_ISID_LEN];
	uint16_t holder_port;
	char holder[PR_INITIATOR_NAME_MAX + 1]; /* only what is there is kept; "": nobody */
};

struct trace_pr_change {
	uint64_t record; /* of the journal; 0: PRGENERATION counted, and nothing else changed */
	uint64_t reservation_key, service_action_key;
	uint32_t tag;
	uint32_t generation;
	uint32_t registrations; /* afterwards */
	uint16_t lun;
	uint8_t action;	    /* enum pr_out_action */
	uint8_t scope_type; /* CDB byte 2 */
	uint8_t type;	    /* of the reservation afterwards */
};

struct trace_unit_attention {
	uint32_t tag; /* the command that it was reported to; TRACE_NO_TAG: it was established */
	uint16_t lun;
	uint8_t asc, ascq;
};

struct trace_management {
	uint32_t tag; /* of the task it is about, or TRACE_NO_TAG */
	uint16_t lun;
	uint8_t function; /* enum scsi_tmf_function */
	uint8_t response; /* enum scsi_tmf_response, when it has ended */
	uint8_t ended;	  /* 0 or 1 */
};

/* Any event that tells itself in words. */
struct trace_note {
	uint32_t tag;		   /* of the task it is about, or TRACE_NO_TAG */
	uint16_t lun;		   /* or TRACE_NO_LUN */
	uint16_t code;		   /* CONNECTION: enum trace_connection */
	char text[TRACE_NOTE_MAX]; /* only what is there is kept */
};

enum trace_connection {
	TRACE_CONNECTION_OPENED = 1, /* the addresses: "PEER LOCAL" */
	TRACE_CONNECTION_TOLD,	     /* anything that the log tells as well */
	TRACE_CONNECTION_CLOSED,
};

/* While somebody wants PDUs: in the ring that is always on the header is kept, */
struct trace_pdu {
	uint8_t head[TRACE_PDU_HEADER];
};

/* in a capture all of it (TRACE_PDU_WHOLE): AHS, digests, data, padding, up to the snap length. */
struct trace_whole_pdu {
	uint32_t wire_len; /* bytes on the wire */
	uint32_t kept_len; /* bytes here */
	uint8_t bytes[];
};

enum trace_pdu_flag {
	TRACE_PDU_OUT = 1 << 0,		  /* from the target; else to it */
	TRACE_PDU_HEADER_DIGEST = 1 << 1, /* it has one */
	TRACE_PDU_DATA_DIGEST = 1 << 2,
	TRACE_PDU_BAD_HEADER = 1 << 3, /* its header digest is wrong */
	TRACE_PDU_BAD_DATA = 1 << 4,   /* its data digest is wrong */
	TRACE_PDU_TOO_LONG = 1 << 5,   /* more data than was agreed on: none was taken */
	TRACE_PDU_WHOLE = 1 << 6,
};

/* ---- writing --------------------------------------------------------------------------------- */

/* Nanoseconds since 1970 UTC; handed in, so that tests own the time. */
typedef uint64_t (*trace_clock)(void *context);

struct trace_slot;
struct trace_who_entry;

/* All of it is the trace's own but the first two, which others may read. */
struct trace_ring {
	uint64_t now_ns; /* when trace_tick was called last */
	uint32_t pdus;	 /* not 0: somebody wants PDUs */
	uint32_t slot_mask;
	struct trace_slot *slots;
	uint64_t head, first;		  /* slot numbers: the next one, the oldest one kept */
	uint64_t head_event, first_event; /* the same, of events */
	trace_clock clock;
	void *clock_context;
	struct trace_ring *capture;
	uint32_t snap_len; /* bytes of a PDU in it */

	struct trace_who_entry *who;
	uint32_t who_cap;
	uint32_t who_free;			/* index + 1 */
	uint32_t who_gone_first, who_gone_last; /* index + 1, the first to have gone first */
	uint32_t who_gone_count;
};

/* `slots` of TRACE_SLOT_LEN bytes, TRACE_SLOTS_MIN at least; NULL: no memory. */
struct trace_ring *trace_ring_create(uint32_t slots, trace_clock clock, void *clock_context);
void trace_ring_free(struct trace_ring **ring);

/* Headers of PDUs are kept as long as anybody wants them: each true is taken back by a false. */
void trace_ring_want_pdus(struct trace_ring *ring, bool on);

/* Time passes: looks at the clock, for all events until it is looked at again. */
static inline void trace_tick(struct trace_ring *ring)
{
	uint64_t now_ns = ring->clock(ring->clock_context);

	/* The clock can be set back; events stay in order. */
	if (now_ns > ring->now_ns)
		ring->now_ns = now_ns;
}
/*
 * `who` is a number that trace_who_add gave, or 0. Each takes a ring that may be NULL: then nothing
 * is kept. The text of a note is cut at TRACE_NOTE_MAX - 1 bytes.
 */
void trace_put(struct trace_ring *ring, enum trace_kind kind, uint8_t flags, uint32_t who,
	       const void *body, uint32_t len);
/* The same, for the caller to fill in: `len` bytes, all zero, which are there until something else
 * is written. NULL: too many for this ring. */
void *trace_take(struct trace_ring *ring, enum trace_kind kind, uint8_t flags, uint32_t who,
		 uint32_t len);
void trace_put_note(struct trace_ring *ring, enum trace_kind kind, uint32_t who,
		    const struct trace_note *head, const char *text);
/* A fault was made: `what` tells rule and deed, e.g. "rule 3: status BUSY". `who` is the nexus' or
 * the connection's. */
void trace_put_fault(struct trace_ring *ring, uint32_t who, uint32_t tag, uint16_t lun,
		     const char *what);

/* ---- who it is about ------------------------------------------------------------------------- */

/*
 * Records name nexuses and connections by number. What a number stands for is remembered while it
 * is there, and for the last TRACE_GONE_MAX that have gone.
 */
#define TRACE_GONE_MAX 256

struct trace_who {
	uint32_t number; /* never 0 */
	/* A nexus, or a connection as soon as somebody has logged in. */
	bool is_named;
	struct pr_nexus_id nexus;
	char target[PR_INITIATOR_NAME_MAX + 1];
	/* A connection: "ADDRESS:PORT", "[ADDRESS6]:PORT". */
	bool is_connection;
	char peer[80], local[80];
};

/* 0: no memory; then nobody will know. Takes a ring that may be NULL. */
uint32_t trace_who_add(struct trace_ring *ring);
void trace_who_name(struct trace_ring *ring, uint32_t number, const struct pr_nexus_id *nexus,
		    const char *target);
void trace_who_address(struct trace_ring *ring, uint32_t number, const char *peer,
		       const char *local);
/* It has gone. */
void trace_who_remove(struct trace_ring *ring, uint32_t number);
/* False: it is not known, or no longer. */
bool trace_who_get(const struct trace_ring *ring, uint32_t number, struct trace_who *ret_who);

/* ---- reading --------------------------------------------------------------------------------- */

struct trace_cursor {
	uint64_t event; /* number of the next event, from 0 */
	uint64_t slot;
};

struct trace_event {
	uint64_t number;
	uint64_t time_ns;
	enum trace_kind kind;
	uint8_t flags;
	uint32_t who;
	const void *body; /* borrowed until something is written; aligned for every body */
	uint32_t len;
};

/* At the oldest event; at the end, where only what comes from now on is seen. */
struct trace_cursor trace_oldest(const struct trace_ring *ring);
struct trace_cursor trace_newest(const struct trace_ring *ring);

/* The next event. False: there is none now. *lost grows by what is gone before it was read. */
bool trace_next(const struct trace_ring *ring, struct trace_cursor *cursor, uint64_t *lost,
		struct trace_event *ret_event);

/*
 * The body of an event, whole: what was not kept is zero, and text ends with a NUL. False: it is of
 * another kind, or too short.
 */
bool trace_read_command(const struct trace_event *event, struct trace_pr_out *ret_command);
bool trace_read_conflict(const struct trace_event *event, struct trace_conflict *ret_conflict);
bool trace_read_pr_change(const struct trace_event *event, struct trace_pr_change *ret_change);
bool trace_read_unit_attention(const struct trace_event *event,
			       struct trace_unit_attention *ret_attention);
bool trace_read_management(const struct trace_event *event, struct trace_management *ret_function);
bool trace_read_note(const struct trace_event *event, struct trace_note *ret_note);
/* TRACE_PDU: the bytes that were kept, its header at least, and how many there were. NULL: it is of
 * another kind. */
const uint8_t *trace_read_pdu(const struct trace_event *event, uint32_t *ret_kept_len,
			      uint32_t *ret_wire_len);

/* ---- a second ring, with everything on the wire ---------------------------------------------- */

/*
 * While a capture is on: every event but the PDUs is written into `capture` as well, in order with
 * the PDUs that the transport writes there (and somebody has to want PDUs). NULL ends it. Both
 * belong to the same loop; numbers of who are the first ring's.
 */
void trace_ring_capture(struct trace_ring *ring, struct trace_ring *capture, uint32_t snap_len);
/* NULL: none is on; then *ret_snap_len is not written. */
struct trace_ring *trace_ring_captured(const struct trace_ring *ring, uint32_t *ret_snap_len);

#endif
