/*
 * One initiator's talk with a target, in which memory may be short: every step tells how it ended.
 */
#ifndef TESTS_UNIT_FAILURE_TALK_H
#define TESTS_UNIT_FAILURE_TALK_H

#include "tests/support/wire.h"

#define TALK_BLOCKS 16
#define TALK_LEN    (TALK_BLOCKS * WIRE_BLOCK)

struct talk {
	struct wire_house house;
	struct wire wire;
};

extern bool talk_with_digests;	       /* what logins ask for */
extern uint8_t talk_pattern[TALK_LEN]; /* what is written */

enum ending {
	ENDED_GOOD = 1,
	ENDED_RESOURCES, /* an answer that says so */
	ENDED_LOST,	 /* the connection */
};

/* A target, and the initiator logged in. */
void talk_begin(struct talk *talk);
void talk_end(struct talk *talk);

/* On a fresh connection: the status, 0xffff when there is no response. */
uint16_t talk_log_in(struct talk *talk);
/* The connection broke: the log says why (or that this was asked for); the initiator comes back. */
void talk_come_back(struct talk *talk);

/* The next PDU that answers something: a connection may say that it is about to end. */
struct wire_pdu *talk_next_answer(struct wire *wire);
/* The next answer, which has this opcode; NULL: the connection is lost. */
struct wire_pdu *talk_await(struct wire *wire, enum iscsi_opcode opcode);
/* There is no answer, and none will come. */
enum ending talk_lost(const struct wire *wire);
/* Follows a command to its end: answers R2Ts, gathers Data-In. */
enum ending talk_follow(struct wire *wire);
/* TALK_LEN bytes from LBA 0, which come back as they went. */
enum ending talk_write_and_read(struct wire *wire);

#endif
