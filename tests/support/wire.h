/*
 * A scripted initiator over sans-IO connections, against a real target in the same process: one
 * thread, a clock that only moves when the test says so, and I/O that can be held back.
 */
#ifndef TESTS_SUPPORT_WIRE_H
#define TESTS_SUPPORT_WIRE_H

#include "target/target.h"
#include "transport/conn.h"
#include "transport/pdu.h"

#define WIRE_TARGET    "iqn.2024-01.org.example:disk"
#define WIRE_INITIATOR "iqn.2024-01.org.example:host"
#define WIRE_BLOCK     512
#define WIRE_BLOCKS    8192

/* --- the target's side ------------------------------------------------------------------------ */

/* A node with one portal (group 1) and one target with one memory LUN 0. */
struct wire_house {
	struct iscsi_node_config config; /* may be changed between init and start */
	struct iscsi_node *node;
	struct iscsi_portal *portal;
	struct scsi_executor *executor;
	struct scsi_target *target;
	bool second_port;	    /* the target has port 2 as well; set before start */
	bool tas;		    /* LUN 0 answers TASK ABORTED; set before start */
	uint32_t registrations_max; /* of LUN 0; 0: 64 */
	uint64_t now_ms;
	uint64_t random;
	/* Backing requests wait here while `hold` is set. */
	bool hold;
	struct backing_request *held[64];
	unsigned held_count;
	unsigned lent;	 /* READs that were answered from where their data lie */
	bool loses;	 /* what is lent cannot be copied */
	char log[16384]; /* everything that was logged, a line each */
	size_t log_len;
	bool quiet; /* nothing is kept of the log */
};

void wire_house_init(struct wire_house *house);
void wire_house_start(struct wire_house *house);
/* All wires must be closed. */
void wire_house_stop(struct wire_house *house);
/* Completes what was held, and lets everything finish that can. */
void wire_house_release(struct wire_house *house);
/* Jobs of the executor, until there are none. */
void wire_house_run(struct wire_house *house);

/* --- the initiator's side --------------------------------------------------------------------- */

/* A PDU from the target. `data` is valid until the next PDU is taken. */
struct wire_pdu {
	uint8_t bhs[ISCSI_BHS_LEN];
	uint8_t opcode;
	uint8_t *data;
	uint32_t data_len;
};

struct wire {
	struct wire_house *house;
	struct iscsi_conn *conn;
	unsigned wakes;
	size_t chunk; /* bytes fed at once; 0: as many as go in */
	int iovecs;   /* asked for at once */
	bool header_digest, data_digest;
	bool spoil;	      /* the next PDU that is sent gets a wrong data digest */
	bool lossy;	      /* StatSN is the caller's business: PDUs get lost, and come again */
	uint32_t cmd_sn;      /* of the next numbered request */
	uint32_t exp_stat_sn; /* of the next numbered response */
	uint32_t exp_cmd_sn, max_cmd_sn; /* as the target said last */
	uint32_t itt;			 /* of the last request */
	uint16_t tsih;
	uint8_t *got; /* bytes from the target, not yet taken as PDUs */
	size_t got_len, got_cap;
	struct wire_pdu pdu;
};

void wire_open(struct wire_house *house, struct wire *wire);
void wire_close(struct wire *wire);
/* Moves the clock on, and calls this connection's tick if its deadline says so. */
void wire_wait(struct wire *wire, uint64_t ms);

/* Raw bytes to the target; false: it took not all of them. */
bool wire_feed(struct wire *wire, const void *bytes, size_t len);
/* A whole PDU: sets the lengths, adds padding and digests. */
void wire_send(struct wire *wire, uint8_t *bhs, const void *data, uint32_t len);
void wire_send_with_ahs(struct wire *wire, uint8_t *bhs, const void *ahs, uint32_t ahs_len,
			const void *data, uint32_t len);

/* The next PDU from the target; NULL: there is none now. Checks StatSN where the PDU has one. */
struct wire_pdu *wire_next(struct wire *wire);
/* It must be there and have this opcode. */
struct wire_pdu *wire_expect(struct wire *wire, enum iscsi_opcode opcode);
void wire_expect_nothing(struct wire *wire);
void wire_expect_finished(struct wire *wire);
/* A Reject with this reason. */
void wire_expect_reject(struct wire *wire, enum iscsi_reject_reason reason);

struct wire_login {
	const char *initiator, *target; /* NULL: the default; target "": none (discovery) */
	bool discovery;
	uint8_t isid[6];
	uint16_t tsih, cid;
	uint32_t cmd_sn;
	const char *keys[24]; /* "Key=value"; ends with NULL */
};
/* One Login Request straight to full feature phase; the response's status. */
uint16_t wire_login_with(struct wire *wire, const struct wire_login *login);
/* With defaults, and these keys ("Key=value", NULL at the end); must succeed. */
void wire_login(struct wire *wire, ...) __attribute__((sentinel));
/* wire_open and wire_login. */
void wire_start(struct wire_house *house, struct wire *wire);
void wire_logout(struct wire *wire);
/* The first command would get the unit attention of power on: takes all of them. */
void wire_clear_unit_attentions(struct wire *wire);

/* Sends a command with the next CmdSN and a fresh ITT (both in `wire` afterwards). */
struct wire_command {
	const uint8_t *cdb;
	bool read, write, not_final, immediate;
	uint32_t expected_len;
	const void *data; /* immediate data */
	uint32_t data_len;
	uint8_t lun;
	uint8_t attribute; /* 0: SIMPLE */
};
uint32_t wire_command(struct wire *wire, const struct wire_command *command);
/* READ(10), WRITE(10) of `blocks` from `lba`; the ITT. WRITE sends `data_len` bytes with it. */
uint32_t wire_read(struct wire *wire, uint32_t lba, uint16_t blocks);
uint32_t wire_write(struct wire *wire, uint32_t lba, uint16_t blocks, const void *data,
		    uint32_t data_len, bool final);
uint32_t wire_test_unit_ready(struct wire *wire);
void wire_cdb_10(uint8_t cdb[16], uint8_t opcode, uint32_t lba, uint16_t blocks);

/* A Data-Out PDU. */
void wire_data_out(struct wire *wire, uint32_t itt, uint32_t ttt, uint32_t data_sn, uint32_t offset,
		   const void *data, uint32_t len, bool final);
/* Answers an R2T with one Data-Out, taken out of `data` at its offset. */
void wire_answer_r2t(struct wire *wire, const struct iscsi_r2t *r2t, const uint8_t *data);
struct iscsi_r2t wire_expect_r2t(struct wire *wire);
/* The next PDU is a SCSI Response (or a Data-In with status) with this status. */
struct iscsi_scsi_response wire_expect_status(struct wire *wire, uint32_t itt, uint8_t status);
/* And this is its sense: key, ASC, ASCQ. */
void wire_expect_sense(struct wire *wire, uint32_t itt, uint8_t key, uint8_t asc, uint8_t ascq);

/* A Task Management Request (immediate), and its response. */
uint32_t wire_manage(struct wire *wire, uint8_t function, uint32_t referenced_tag,
		     uint32_t ref_cmd_sn);
uint8_t wire_expect_managed(struct wire *wire, uint32_t itt);

/* len bytes of a pattern that differs from byte to byte and by seed. */
void wire_pattern(uint8_t *bytes, size_t len, uint8_t seed);

#endif
