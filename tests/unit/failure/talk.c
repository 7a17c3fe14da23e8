#include "tests/unit/failure/talk.h"

#include <string.h>

#include "tests/support/suite.h"

bool talk_with_digests;
uint8_t talk_pattern[TALK_LEN];

/* ---- coming and going ---- */

uint16_t talk_log_in(struct talk *talk)
{
	struct wire_login login = {
		.isid = {0x80, 0, 0, 0, 0, 1},
		.keys = {"ImmediateData=Yes", "InitialR2T=Yes", "FirstBurstLength=1024",
			 "MaxBurstLength=2048", "MaxRecvDataSegmentLength=1024"},
	};

	if (talk_with_digests) {
		login.keys[5] = "HeaderDigest=CRC32C";
		login.keys[6] = "DataDigest=CRC32C";
	}
	uint16_t status = wire_login_with(&talk->wire, &login);
	talk->wire.header_digest = talk_with_digests && status == ISCSI_LOGIN_SUCCESS;
	talk->wire.data_digest = talk->wire.header_digest;
	return status;
}

static void connect_anew(struct talk *talk)
{
	wire_open(&talk->house, &talk->wire);
	ck_assert_uint_eq(talk_log_in(talk), ISCSI_LOGIN_SUCCESS);
	wire_clear_unit_attentions(&talk->wire);
}

void talk_begin(struct talk *talk)
{
	wire_house_init(&talk->house);
	wire_house_start(&talk->house);
	connect_anew(talk);
}

void talk_end(struct talk *talk)
{
	wire_close(&talk->wire);
	wire_house_stop(&talk->house);
}

void talk_come_back(struct talk *talk)
{
	const char *log = talk->house.log;

	ck_assert(iscsi_conn_finished(talk->wire.conn));
	ck_assert_msg(strstr(log, "out of memory") || strstr(log, "no room for requests") ||
			      strstr(log, "logout: "),
		      "log: %s", log);
	wire_close(&talk->wire);
	connect_anew(talk);
}

/* ---- answers ---- */

static uint8_t got[TALK_LEN];

static enum ending ending_of_response(const struct wire *wire, uint8_t status)
{
	const uint8_t *sense = wire->pdu.data + 2;

	if (status == SCSI_STATUS_GOOD)
		return ENDED_GOOD;
	if (status == SCSI_STATUS_BUSY || status == SCSI_STATUS_TASK_SET_FULL)
		return ENDED_RESOURCES;
	ck_assert_uint_eq(status, SCSI_STATUS_CHECK_CONDITION);
	ck_assert_uint_ge(wire->pdu.data_len, 2 + 14);
	/* SPACE ALLOCATION FAILED: for a disk in memory memory is its medium. */
	ck_assert_msg((sense[12] == 0x55 && sense[13] == 0x03) ||
			      (sense[12] == 0x27 && sense[13] == 0x07),
		      "sense %02x/%02x/%02x", sense[2], sense[12], sense[13]);
	return ENDED_RESOURCES;
}

struct wire_pdu *talk_next_answer(struct wire *wire)
{
	struct wire_pdu *pdu;

	do {
		pdu = wire_next(wire);
		if (!pdu) {
			/* What it put off until its deadline, which may be now. */
			wire_wait(wire, 0);
			pdu = wire_next(wire);
		}
	} while (pdu && pdu->opcode == ISCSI_ASYNC_MESSAGE);
	return pdu;
}

enum ending talk_lost(const struct wire *wire)
{
	ck_assert_msg(iscsi_conn_finished(wire->conn), "no answer");
	return ENDED_LOST;
}

enum ending talk_follow(struct wire *wire)
{
	struct wire_pdu *pdu;

	while ((pdu = talk_next_answer(wire)) != NULL) {
		struct iscsi_scsi_response response;
		struct iscsi_data_in data_in;
		struct iscsi_r2t r2t;

		if (pdu->opcode == ISCSI_R2T) {
			iscsi_r2t_decode(pdu->bhs, &r2t);
			wire_answer_r2t(wire, &r2t, talk_pattern);
			continue;
		}
		if (pdu->opcode == ISCSI_SCSI_RESPONSE) {
			iscsi_scsi_response_decode(pdu->bhs, &response);
			return ending_of_response(wire, response.status);
		}
		ck_assert_msg(pdu->opcode == ISCSI_DATA_IN, "%s", iscsi_opcode_name(pdu->opcode));
		iscsi_data_in_decode(pdu->bhs, &data_in);
		ck_assert_uint_le(data_in.offset + pdu->data_len, TALK_LEN);
		memcpy(got + data_in.offset, pdu->data, pdu->data_len);
		if (data_in.has_status)
			return ending_of_response(wire, data_in.status);
	}
	return talk_lost(wire);
}

struct wire_pdu *talk_await(struct wire *wire, enum iscsi_opcode opcode)
{
	struct wire_pdu *pdu = talk_next_answer(wire);

	if (pdu) {
		ck_assert_msg(pdu->opcode == opcode, "%s", iscsi_opcode_name(pdu->opcode));
		return pdu;
	}
	(void)talk_lost(wire);
	return NULL;
}

static enum ending write_blocks(struct wire *wire)
{
	/* 1 KiB comes with the command, the rest in bursts. */
	wire_write(wire, 0, TALK_BLOCKS, talk_pattern, 1024, true);
	return talk_follow(wire);
}

static enum ending read_blocks(struct wire *wire)
{
	wire_read(wire, 0, TALK_BLOCKS);
	return talk_follow(wire);
}

enum ending talk_write_and_read(struct wire *wire)
{
	enum ending ending = write_blocks(wire);

	if (ending == ENDED_GOOD)
		ending = read_blocks(wire);
	if (ending == ENDED_GOOD)
		ck_assert_mem_eq(got, talk_pattern, TALK_LEN);
	return ending;
}
