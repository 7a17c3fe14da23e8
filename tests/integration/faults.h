/*
 * Fault rules and what they do to a connection of which the test reads every byte.
 */
#ifndef TESTS_INTEGRATION_FAULTS_H
#define TESTS_INTEGRATION_FAULTS_H

#include "tests/integration/raw.h"

enum {
	FAULTS_DATA_MAX = 65536
};

struct wire {
	int fd;
	uint8_t bhs[RAW_BHS];	       /* of the PDU that came last */
	uint8_t data[FAULTS_DATA_MAX]; /* its data segment */
	uint32_t data_len;
};

/* One target with a disk of zeros in memory. */
void faults_start(struct daemon *daemon);

/* `holdfast fault add`; fails the test when it is not taken. */
void faults_rule(const struct daemon *daemon, const char *rule);

/* `holdfast fault WORD`. */
void faults_tool(const struct daemon *daemon, const char *word);

/* `holdfast clock WORD [TIME]`. */
void faults_clock(const struct daemon *daemon, const char *word, const char *time);

/* Logs in with CmdSN 1; `keys` as of raw_login_pdu. */
void wire_login(struct wire *wire, const struct daemon *daemon, const char *keys, size_t keys_len);
void wire_close(struct wire *wire);

/* A SCSI Command, as of raw_command; a write has its data with it. */
void wire_command(struct wire *wire, uint8_t opcode, uint32_t cmd_sn, uint16_t blocks);
/* An immediate NOP-Out that wants an answer with this tag. */
void wire_ping(struct wire *wire, uint32_t itt);

/* The next PDU, which has this opcode. Fails the test if none comes. */
void wire_expect(struct wire *wire, uint8_t opcode);
/* The next one answers this tag. */
void wire_expect_answer(struct wire *wire, uint8_t opcode, uint32_t itt);
/* It is closed or reset. */
void wire_expect_end(struct wire *wire);

#endif
