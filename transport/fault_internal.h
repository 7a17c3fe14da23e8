/*
 * Fault rules at work: what a node and a connection keep for them, and the points where they are
 * asked. For transport/ only.
 *
 *   fault_rule.c, fault_read.c, fault_condition.c, fault_action.c   text -> rule, and its match
 *   fault_set.c       the rules of a node: adding, listing, clearing, what held is let go
 *   fault_scene.c     what is there to match, of a connection, a PDU, a command
 *   fault_state.c     a connection's state: what waits, for how long
 *   fault_connection.c  closing, silence, a narrow line
 *   fault_command.c   SCSI commands and their results
 *   fault_sent.c      PDUs that go, as bytes on the wire: fault_wire.c
 *   fault_received.c  PDUs that come
 *   fault_insert.c    PDUs that nothing called for
 *   fault_text.c      keys of logins and texts
 *
 * An action that ends in a wait keeps its rule and the number of the action that follows. When the
 * rule is taken away, what waits goes on without it: nothing outlives a rule but what it has done.
 */
#ifndef TRANSPORT_FAULT_INTERNAL_H
#define TRANSPORT_FAULT_INTERNAL_H

#include "transport/conn_internal.h"
#include "transport/fault_rule.h"

#define FAULT_REORDER_MS 1000 /* a PDU that is to go behind others waits no longer for them */
#define FAULT_WIRE_MAX	 (64u << 20) /* limit: bytes that go in place of one PDU */
#define FAULT_BURST_MS	 50	     /* a narrow line may catch up on so much time, */
#define FAULT_BURST_MIN	 64	     /* and on so many bytes */
#define FAULT_SAID_MAX	 (64u << 10) /* limit: bytes that are remembered of a login */
#define FAULT_LATE_MAX	 (64u << 20) /* limit: bytes that a connection holds back */

/* Growing bytes (fault_wire.c). */
struct fault_bytes {
	uint8_t *p;
	size_t len, cap;
	bool failed;
};

/* --- of a node -------------------------------------------------------------------------------- */

struct iscsi_faults {
	struct fault_rule *rules; /* in the order they were added */
	unsigned count;
	uint64_t next_id;
	void (*fired)(void *context, const struct iscsi_fault_event *event);
	void *fired_context;
};

/* --- of a connection -------------------------------------------------------------------------- */

/* A wait: for a time, or until it is let go. */
struct fault_wait {
	struct fault_rule *rule; /* NULL: it was taken away, or let go */
	unsigned next_action;	 /* of the rule, when the wait is over */
	uint64_t due_ms;	 /* UINT64_MAX: when it is let go */
};

/* A command that has not begun. */
struct fault_held_task {
	struct fault_held_task *prev, *next;
	struct iscsi_task *task;
	struct iscsi_conn *conn; /* that it came on, and that counts the time */
	struct fault_wait wait;
	bool vanished; /* nobody lets it go */
};

/* A PDU's bytes that go later. */
struct fault_late {
	struct fault_late *prev, *next;
	struct fault_wait wait;
	uint32_t behind; /* so many PDUs; 0: only time counts */
	uint32_t len;
	uint8_t bytes[];
};

/* A received PDU that waits, and everything behind it. */
struct fault_stopped {
	struct fault_wait wait;
	uint8_t bhs[ISCSI_BHS_LEN];
	bool is_sound; /* its data digest */
	uint32_t ahs_len, data_len;
	uint8_t bytes[]; /* AHS, then data */
};

/* A PDU of ours that is to be sent: apart from the rule, which may go. */
struct fault_insert {
	uint8_t opcode;
	uint32_t itt;
	uint8_t lun[8];
	struct fault_setting settings[FAULT_SETTINGS_MAX];
	unsigned setting_count;
	bool has_sn, uses_sn; /* was it said whether it uses up a StatSN? */
	uint32_t copies;
	uint64_t random;
	uint32_t data_len;
	uint8_t data[];
};

struct fault_insert_later {
	struct fault_insert_later *prev, *next;
	struct fault_wait wait;
	struct fault_insert *insert;
};

/* Half of a connection that is not served. */
struct fault_silence {
	struct fault_wait wait;
	bool on;
};

/* What a rule that counts by connection has counted on this one. */
struct fault_own_count {
	struct fault_own_count *next;
	const struct fault_rule *rule;
	struct fault_count count;
};

struct iscsi_fault_state {
	uint64_t received, sent; /* PDUs, as our side has them */
	uint64_t wire_sent;	 /* and as the wire has them */
	struct fault_own_count *counts;
	struct fault_bytes said;	  /* by the initiator, while it logs in */
	uint32_t piece_max;		  /* of the answer to the next text; 0: as agreed on */
	uint32_t records;		  /* that the next SendTargets is to have more */
	struct fault_rule *narrow;	  /* NULL, or whose bandwidth it is */
	uint64_t rate, tokens, tokens_ms; /* bytes a second; thousandths of bytes; since when */
	bool is_limited;
	uint64_t limit; /* bytes more, and then: */
	enum fault_then limit_then;
	struct fault_held_task *tasks;
	struct fault_late *late;
	uint64_t late_bytes;
	struct fault_insert_later *inserts;
	struct fault_stopped *stopped;
	struct fault_silence deaf, mute;
	enum fault_then closes; /* at close_ms */
	uint64_t close_ms;
	bool close_discards;
	struct fault_wait linger; /* it closes no sooner */
	bool is_silent;		  /* it closes without a word (RFC 7143 11.9.1 wants one) */
	uint64_t quiet_until_ms;  /* a pause between two pieces of a PDU */
	/* What was changed of the PDU at hand. */
	uint8_t bhs[ISCSI_BHS_LEN];
	uint8_t *data;
};

/* What goes in place of a PDU: pieces of the queue's entry, to be put back. Of a FAULT entry that
 * was not written yet only the insert. */
struct iscsi_fault_wire {
	struct fault_insert *insert; /* owned, or NULL */
	const uint8_t *data;
	uint32_t data_len;
	uint8_t head_len, tail_len;
	uint32_t piece;	   /* bytes sent at a time; 0: all */
	uint32_t pause_ms; /* between two of them */
	uint8_t bytes[];
};

/* Is the action carried out at that point? For the test that walks the table. */
bool fault_command_knows(enum fault_action_id id);
bool fault_result_knows(enum fault_action_id id);
bool fault_received_knows(enum fault_action_id id);
bool fault_sent_knows(enum fault_action_id id);
bool fault_connection_knows(enum fault_action_id id);

/* fault_scene.c */
void fault_scene_conn(struct iscsi_conn *conn, struct fault_moment *ret);
/* Needs ret->opcode, bhs and text; adds what the connection and the command tell. */
void fault_scene_pdu(struct iscsi_conn *conn, const struct iscsi_task *task,
		     struct fault_moment *ret);
void fault_scene_task(const struct iscsi_task *task, struct fault_moment *ret);
struct iscsi_task *fault_scene_task_of(struct iscsi_conn *conn, uint8_t opcode, uint32_t itt);
/* fault_rule_fires on this connection, at this time. */
bool fault_fires(struct iscsi_conn *conn, struct fault_rule *rule, struct fault_moment *moment);
void fault_tell(struct iscsi_conn *conn, struct fault_rule *rule, const struct fault_moment *moment,
		uint32_t itt);

/* fault_state.c */
/* When a `delay` or `hold` is over; `salt` makes the jitter differ. */
struct fault_wait fault_wait_begin(const struct iscsi_conn *conn, struct fault_rule *rule,
				   unsigned action, uint64_t salt);
/* What does not hang on whether a PDU comes or goes: fin, rst, deaf, mute, dead. False: it is none
 * of them. */
bool fault_connection_act(struct iscsi_conn *conn, struct fault_rule *rule, unsigned action);
/* Nothing is read any more, until the rule is taken away. */
void fault_deafen(struct iscsi_conn *conn, struct fault_rule *rule);
void fault_close(struct iscsi_conn *conn, enum fault_then then, bool discard);
/* False: no memory, and the connection is doomed. */
bool fault_late_add(struct iscsi_conn *conn, struct fault_wait wait, uint32_t behind,
		    const uint8_t *bytes, size_t len);
/* The rule is gone, or lets go what it held. How much that was. */
/* It is about to be gone for good. */
void fault_state_forget_rule(struct iscsi_conn *conn, const struct fault_rule *rule);
unsigned fault_state_let_go(struct iscsi_conn *conn, const struct fault_rule *rule);
uint64_t fault_state_held(const struct iscsi_conn *conn, const struct fault_rule *rule);
bool fault_state_is_idle(const struct iscsi_conn *conn);
/* Brings conn->stops in line. */
void fault_update_stops(struct iscsi_conn *conn);
void fault_state_free(struct iscsi_conn *conn);

/* fault_command.c */
/* Wrong bits, which depend on the seed, and on the n-th firing or the block. */
void fault_corrupt(const struct fault_rule *rule, const struct fault_action *action,
		   const uint8_t *cdb, uint8_t *data, uint32_t len);
/* The wait is over. */
void fault_task_resume(struct fault_held_task *held);
void fault_task_forget(struct fault_held_task *held);

/* fault_wire.c */
void fault_bytes_add(struct fault_bytes *bytes, const void *p, size_t len);
void fault_bytes_fill(struct fault_bytes *bytes, uint8_t fill, size_t len);
/* A PDU as it goes out, to bytes. */
struct fault_pdu_format {
	bool header_digest, data_digest;
	bool spoil_header, spoil_data; /* wrong digests */
};
void fault_bytes_add_pdu(struct fault_bytes *bytes, const uint8_t *bhs, const uint8_t *data,
			 uint32_t len, const struct fault_pdu_format *format);
/* Shows observer and trace the PDU that begins at `from` and ends the bytes. */
void fault_show(struct iscsi_conn *conn, const struct fault_bytes *bytes, size_t from,
		uint32_t data_len, const struct fault_pdu_format *format);
/* Puts the bytes in the entry's place. False: no memory, and the connection is doomed. */
bool fault_wire_put(struct iscsi_conn *conn, struct iscsi_out *out, const struct fault_bytes *bytes,
		    uint32_t piece, uint32_t pause_ms);

/* fault_insert.c */
/* `moment`: the PDU at hand. NULL: no memory. */
struct fault_insert *fault_insert_new(struct iscsi_conn *conn, const struct fault_rule *rule,
				      const struct fault_action *action,
				      const struct fault_moment *moment);
/* Writes it as it is to go now; takes its StatSN. */
void fault_insert_write(struct iscsi_conn *conn, const struct fault_insert *insert,
			struct fault_bytes *bytes, bool header_digest, bool data_digest);
/* Into the queue, to be written in its turn; takes over `insert`. */
void fault_insert_push(struct iscsi_conn *conn, struct fault_insert *insert);
/* Now, or later if the action says so. */
void fault_insert_begin(struct iscsi_conn *conn, struct fault_rule *rule, unsigned action,
			const struct fault_moment *moment);

/* Header fields of one action. */
void fault_fields_set(const struct fault_setting *settings, unsigned count, uint64_t random,
		      uint8_t *bhs);

/* fault_text.c: the text with the action's change, in *ret (malloc'd). False: no memory. */
bool fault_text_edit(const struct iscsi_conn *conn, const struct fault_action *action,
		     const char *text, uint32_t len, struct fault_bytes *ret);
/* A login or text request has come: keeps what rules may want of it. */
void fault_text_note(struct iscsi_conn *conn, const char *text, uint32_t len);
/* A key's value in a text, if a NUL closes it there; else NULL. */
const char *fault_text_value(const char *text, size_t len, const char *key);
bool fault_edits_text(enum fault_action_id id);

/* fault_received.c */
void fault_received_resume(struct iscsi_conn *conn);

#endif
