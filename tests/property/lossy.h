/*
 * An initiator of one session with several connections and ErrorRecoveryLevel 1 or 2, on a network
 * that loses, doubles and damages PDUs, and breaks connections. It recovers as RFC 7143 7 has it:
 * retries commands, SNACKs data and status, answers recovery R2Ts, acknowledges only what it has,
 * reinstates connections and reassigns their tasks.
 */
#ifndef TESTS_PROPERTY_LOSSY_H
#define TESTS_PROPERTY_LOSSY_H

#include "tests/support/wire.h"

#define LOSSY_CONNECTIONS_MAX 4
#define LOSSY_SLOTS	      6
#define LOSSY_SLOT_BLOCKS     40
#define LOSSY_SLOT_BYTES      (LOSSY_SLOT_BLOCKS * WIRE_BLOCK)
#define LOSSY_SEGMENTS_MAX    (LOSSY_SLOT_BYTES / 512 + LOSSY_SLOT_BYTES / 1024 + 2)
#define LOSSY_STATS	      512 /* StatSNs remembered per connection */

/* A command under way. Each slot has blocks of its own on the disk. */
struct lossy_command {
	bool live, write, answered;
	unsigned connection;
	uint32_t itt, cmd_sn, len, first_len; /* first_len: immediate data, bytes */
	bool final;			      /* no unsolicited data follows */
	uint32_t stat_sn, exp_data_sn;
	uint32_t r2t_next; /* R2TSNs below were answered */
	uint32_t reassign; /* tag of the TASK REASSIGN under way; 0: there is none */
	bool got[LOSSY_SEGMENTS_MAX];
	uint8_t data[LOSSY_SLOT_BYTES];
};

enum lossy_stat {
	LOSSY_MISSING = 0,
	LOSSY_HELD,
	LOSSY_TAKEN
};

struct lossy_connection {
	struct wire wire;
	uint32_t exp_stat_sn;
	uint8_t stats[LOSSY_STATS]; /* enum lossy_stat, by StatSN */
	uint32_t highest;	    /* behind the last StatSN seen */
};

struct lossy {
	struct wire_house house;
	uint64_t random;
	unsigned loss; /* in 1000: PDUs lost, as many doubled, as many damaged */
	unsigned connection_count;
	struct lossy_connection connections[LOSSY_CONNECTIONS_MAX];
	bool initial_r2t, immediate_data, in_order, data_digest;
	uint32_t burst, first_burst, segment; /* bytes */
	uint32_t cmd_sn, exp_cmd_sn, next_itt;
	struct lossy_command commands[LOSSY_SLOTS];
	uint8_t disk[LOSSY_SLOTS][LOSSY_SLOT_BYTES];
	unsigned issued, completed;
	unsigned level; /* ErrorRecoveryLevel: at 2 connections break */
	uint16_t tsih;
	/* How often what happened: a network that loses nothing proves nothing. */
	unsigned lost, doubled, damaged, retried, snacks_status, snacks_data, data_acks, r2ts_again;
	unsigned broken, reassigned;
};

uint32_t lossy_pick(struct lossy *lossy, uint32_t below);
void lossy_start(struct lossy *lossy, uint64_t seed);
/* Begins a command in a free slot, if there is one. */
void lossy_issue(struct lossy *lossy);
/* Takes and answers everything that has come; false: nothing had. */
bool lossy_take(struct lossy *lossy);
/* Time passes: whoever waits for something asks again. */
void lossy_tick(struct lossy *lossy);
bool lossy_is_idle(const struct lossy *lossy);
/* Logs out and frees everything. */
void lossy_stop(struct lossy *lossy);

#endif
