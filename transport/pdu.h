/*
 * iSCSI PDUs (RFC 7143 11): 48 header bytes <-> one struct for each PDU type, encode and decode
 * side by side in pdu.c, and here what every command needs. Only here are header offsets known.
 *
 * Decoding never fails for reserved fields (they are ignored); what a value means is judged by the
 * caller. Encoding writes all 48 bytes; DataSegmentLength is set by iscsi_bhs_set_lengths.
 */
#ifndef TRANSPORT_PDU_H
#define TRANSPORT_PDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pr_engine/bytes.h"

#define ISCSI_BHS_LEN	     48
#define ISCSI_AHS_MAX	     1020
#define ISCSI_DIGEST_LEN     4
#define ISCSI_NO_TAG	     0xffffffffu
#define ISCSI_LOGIN_DATA_MAX 8192 /* MaxRecvDataSegmentLength of both sides during login */

enum iscsi_opcode {
	ISCSI_NOP_OUT = 0x00,
	ISCSI_SCSI_COMMAND = 0x01,
	ISCSI_TASK_MANAGEMENT_REQUEST = 0x02,
	ISCSI_LOGIN_REQUEST = 0x03,
	ISCSI_TEXT_REQUEST = 0x04,
	ISCSI_DATA_OUT = 0x05,
	ISCSI_LOGOUT_REQUEST = 0x06,
	ISCSI_SNACK_REQUEST = 0x10,
	ISCSI_NOP_IN = 0x20,
	ISCSI_SCSI_RESPONSE = 0x21,
	ISCSI_TASK_MANAGEMENT_RESPONSE = 0x22,
	ISCSI_LOGIN_RESPONSE = 0x23,
	ISCSI_TEXT_RESPONSE = 0x24,
	ISCSI_DATA_IN = 0x25,
	ISCSI_LOGOUT_RESPONSE = 0x26,
	ISCSI_R2T = 0x31,
	ISCSI_ASYNC_MESSAGE = 0x32,
	ISCSI_REJECT = 0x3f,
};

/* "SCSI Command", ...; "unassigned" for codes without a name. */
const char *iscsi_opcode_name(unsigned opcode);

/* RFC 7143 11.17.1 */
enum iscsi_reject_reason {
	ISCSI_REJECT_DATA_DIGEST_ERROR = 0x02,
	ISCSI_REJECT_SNACK = 0x03,
	ISCSI_REJECT_PROTOCOL_ERROR = 0x04,
	ISCSI_REJECT_NOT_SUPPORTED = 0x05,
	ISCSI_REJECT_TOO_MANY_IMMEDIATE = 0x06,
	ISCSI_REJECT_TASK_IN_PROGRESS = 0x07,
	ISCSI_REJECT_INVALID_DATA_ACK = 0x08,
	ISCSI_REJECT_INVALID_PDU_FIELD = 0x09,
	ISCSI_REJECT_LONG_OPERATION = 0x0a,
	ISCSI_REJECT_WAITING_FOR_LOGOUT = 0x0c,
};

/* Status-Class << 8 | Status-Detail (RFC 7143 11.13.5) */
enum iscsi_login_status {
	ISCSI_LOGIN_SUCCESS = 0x0000,
	ISCSI_LOGIN_MOVED_TEMPORARILY = 0x0101,
	ISCSI_LOGIN_MOVED_PERMANENTLY = 0x0102,
	ISCSI_LOGIN_INITIATOR_ERROR = 0x0200,
	ISCSI_LOGIN_AUTHENTICATION_FAILURE = 0x0201,
	ISCSI_LOGIN_AUTHORIZATION_FAILURE = 0x0202,
	ISCSI_LOGIN_NOT_FOUND = 0x0203,
	ISCSI_LOGIN_TARGET_REMOVED = 0x0204,
	ISCSI_LOGIN_UNSUPPORTED_VERSION = 0x0205,
	ISCSI_LOGIN_TOO_MANY_CONNECTIONS = 0x0206,
	ISCSI_LOGIN_MISSING_PARAMETER = 0x0207,
	ISCSI_LOGIN_CANNOT_INCLUDE_IN_SESSION = 0x0208,
	ISCSI_LOGIN_SESSION_TYPE_NOT_SUPPORTED = 0x0209,
	ISCSI_LOGIN_SESSION_DOES_NOT_EXIST = 0x020a,
	ISCSI_LOGIN_INVALID_DURING_LOGIN = 0x020b,
	ISCSI_LOGIN_TARGET_ERROR = 0x0300,
	ISCSI_LOGIN_SERVICE_UNAVAILABLE = 0x0301,
	ISCSI_LOGIN_OUT_OF_RESOURCES = 0x0302,
};

enum iscsi_stage {
	ISCSI_STAGE_SECURITY = 0,
	ISCSI_STAGE_OPERATIONAL = 1,
	ISCSI_STAGE_FULL_FEATURE = 3,
};

/* Fields that every header shares. */
struct iscsi_bhs {
	uint8_t opcode; /* without the I bit */
	bool immediate; /* I bit; in byte 0 of requests */
	uint8_t flags;	/* byte 1 */
	uint8_t ahs_len_words;
	uint32_t data_len;
	uint8_t lun[8];
	uint32_t itt;
};

static inline void iscsi_bhs_decode(const uint8_t bhs[ISCSI_BHS_LEN], struct iscsi_bhs *ret)
{
	ret->opcode = bhs[0] & 0x3f;
	ret->immediate = (bhs[0] & 0x40) != 0;
	ret->flags = bhs[1];
	ret->ahs_len_words = bhs[4];
	ret->data_len = get_be24(bhs + 5);
	memcpy(ret->lun, bhs + 8, sizeof(ret->lun));
	ret->itt = get_be32(bhs + 16);
}

/* What can be seen of a command before it is taken. */
static inline bool iscsi_bhs_is_command(const uint8_t bhs[ISCSI_BHS_LEN])
{
	return (bhs[0] & 0x3f) == ISCSI_SCSI_COMMAND;
}

static inline const uint8_t *iscsi_bhs_lun(const uint8_t bhs[ISCSI_BHS_LEN])
{
	return bhs + 8;
}

static inline const uint8_t *iscsi_bhs_cdb(const uint8_t bhs[ISCSI_BHS_LEN])
{
	return bhs + 32;
}

/* Of every numbered request. */
static inline uint32_t iscsi_bhs_cmd_sn(const uint8_t bhs[ISCSI_BHS_LEN])
{
	return get_be32(bhs + 24);
}

/* Of every request. */
static inline uint32_t iscsi_bhs_exp_stat_sn(const uint8_t bhs[ISCSI_BHS_LEN])
{
	return get_be32(bhs + 28);
}

void iscsi_bhs_set_lengths(uint8_t bhs[ISCSI_BHS_LEN], uint32_t data_len);

static inline uint32_t iscsi_pad(uint32_t len)
{
	return (4 - len % 4) % 4;
}

/* Serial number arithmetic of RFC 1982, 32 bits. */
static inline bool iscsi_sn_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* Sequence numbers that every target PDU carries. */
struct iscsi_sns {
	uint32_t stat_sn;
	uint32_t exp_cmd_sn;
	uint32_t max_cmd_sn;
};

/* --- what initiators send ------------------------------------------------------------------- */

struct iscsi_scsi_command {
	bool immediate, final, read, write;
	uint8_t attribute; /* 0..7 as received */
	uint8_t lun[8];
	uint32_t itt;
	uint32_t expected_len; /* EDTL */
	uint32_t cmd_sn, exp_stat_sn;
	uint8_t cdb[16];
};

struct iscsi_task_management_request {
	bool immediate;
	uint8_t function;
	uint8_t lun[8];
	uint32_t itt, referenced_tag;
	uint32_t cmd_sn, exp_stat_sn, ref_cmd_sn, exp_data_sn;
};

struct iscsi_login_request {
	bool transit, cont;
	uint8_t csg, nsg;
	uint8_t version_max, version_min;
	uint8_t isid[6];
	uint16_t tsih;
	uint32_t itt;
	uint16_t cid;
	uint32_t cmd_sn, exp_stat_sn;
};

struct iscsi_text_request {
	bool immediate, final, cont;
	uint8_t lun[8];
	uint32_t itt, ttt, cmd_sn, exp_stat_sn;
};

struct iscsi_data_out {
	bool final;
	uint8_t lun[8];
	uint32_t itt, ttt, exp_stat_sn, data_sn, offset;
};

struct iscsi_logout_request {
	bool immediate;
	uint8_t reason;
	uint32_t itt;
	uint16_t cid;
	uint32_t cmd_sn, exp_stat_sn;
};

struct iscsi_snack_request {
	uint8_t type;
	uint8_t lun[8];
	uint32_t itt, ttt, exp_stat_sn, beg_run, run_len;
};

struct iscsi_nop_out {
	bool immediate;
	uint8_t lun[8];
	uint32_t itt, ttt, cmd_sn, exp_stat_sn;
};

/* RFC 7143 11.3 */
static inline void iscsi_scsi_command_decode(const uint8_t *bhs, struct iscsi_scsi_command *ret)
{
	ret->immediate = (bhs[0] & 0x40) != 0;
	ret->final = (bhs[1] & 0x80) != 0;
	ret->read = (bhs[1] & 0x40) != 0;
	ret->write = (bhs[1] & 0x20) != 0;
	ret->attribute = bhs[1] & 0x07;
	memcpy(ret->lun, bhs + 8, sizeof(ret->lun));
	ret->itt = get_be32(bhs + 16);
	ret->expected_len = get_be32(bhs + 20);
	ret->cmd_sn = get_be32(bhs + 24);
	ret->exp_stat_sn = get_be32(bhs + 28);
	memcpy(ret->cdb, bhs + 32, sizeof(ret->cdb));
}

void iscsi_task_management_request_decode(const uint8_t *bhs,
					  struct iscsi_task_management_request *ret);
void iscsi_login_request_decode(const uint8_t *bhs, struct iscsi_login_request *ret);
void iscsi_text_request_decode(const uint8_t *bhs, struct iscsi_text_request *ret);
void iscsi_data_out_decode(const uint8_t *bhs, struct iscsi_data_out *ret);
void iscsi_logout_request_decode(const uint8_t *bhs, struct iscsi_logout_request *ret);
void iscsi_snack_request_decode(const uint8_t *bhs, struct iscsi_snack_request *ret);
void iscsi_nop_out_decode(const uint8_t *bhs, struct iscsi_nop_out *ret);

/* The same, to bytes: for scripted initiators in tests, and for round-trip tests. */
void iscsi_scsi_command_encode(const struct iscsi_scsi_command *pdu, uint8_t *ret_bhs);
void iscsi_task_management_request_encode(const struct iscsi_task_management_request *pdu,
					  uint8_t *ret_bhs);
void iscsi_login_request_encode(const struct iscsi_login_request *pdu, uint8_t *ret_bhs);
void iscsi_text_request_encode(const struct iscsi_text_request *pdu, uint8_t *ret_bhs);
void iscsi_data_out_encode(const struct iscsi_data_out *pdu, uint8_t *ret_bhs);
void iscsi_logout_request_encode(const struct iscsi_logout_request *pdu, uint8_t *ret_bhs);
void iscsi_snack_request_encode(const struct iscsi_snack_request *pdu, uint8_t *ret_bhs);
void iscsi_nop_out_encode(const struct iscsi_nop_out *pdu, uint8_t *ret_bhs);

/* --- what targets send ---------------------------------------------------------------------- */

/* O, U (or o, u) and the count. */
struct iscsi_residual {
	bool overflow, underflow;
	uint32_t count;
};

struct iscsi_scsi_response {
	uint8_t response, status;
	uint32_t itt, snack_tag, exp_data_sn;
	struct iscsi_residual residual;
	struct iscsi_residual read_residual; /* of a bidirectional command's read */
	struct iscsi_sns sns;
};

struct iscsi_task_management_response {
	uint8_t response;
	uint8_t additional[3];
	uint32_t itt;
	struct iscsi_sns sns;
};

struct iscsi_login_response {
	bool transit, cont;
	uint8_t csg, nsg;
	uint8_t version_max, version_active;
	uint8_t isid[6];
	uint16_t tsih;
	uint32_t itt;
	uint16_t status; /* enum iscsi_login_status */
	struct iscsi_sns sns;
};

struct iscsi_text_response {
	bool final, cont;
	uint8_t lun[8];
	uint32_t itt, ttt;
	struct iscsi_sns sns;
};

struct iscsi_data_in {
	bool final, acknowledge, has_status;
	uint8_t status; /* if has_status, like residual and sns.stat_sn */
	uint8_t lun[8]; /* if acknowledge, like ttt */
	uint32_t itt, ttt, data_sn, offset;
	struct iscsi_residual residual;
	struct iscsi_sns sns;
};

struct iscsi_logout_response {
	uint8_t response;
	uint32_t itt;
	uint16_t time2wait, time2retain; /* seconds */
	struct iscsi_sns sns;
};

struct iscsi_r2t {
	uint8_t lun[8];
	uint32_t itt, ttt, r2t_sn, offset, desired_len;
	struct iscsi_sns sns;
};

struct iscsi_async_message {
	uint8_t lun[8];
	uint8_t event, vcode;
	uint16_t parameter1, parameter2, parameter3;
	struct iscsi_sns sns;
};

struct iscsi_nop_in {
	uint8_t lun[8];
	uint32_t itt, ttt;
	struct iscsi_sns sns;
};

struct iscsi_reject {
	uint8_t reason;
	uint32_t data_sn;
	struct iscsi_sns sns;
};

void iscsi_scsi_response_encode(const struct iscsi_scsi_response *pdu, uint8_t *ret_bhs);
void iscsi_task_management_response_encode(const struct iscsi_task_management_response *pdu,
					   uint8_t *ret_bhs);
void iscsi_login_response_encode(const struct iscsi_login_response *pdu, uint8_t *ret_bhs);
void iscsi_text_response_encode(const struct iscsi_text_response *pdu, uint8_t *ret_bhs);
void iscsi_data_in_encode(const struct iscsi_data_in *pdu, uint8_t *ret_bhs);
void iscsi_logout_response_encode(const struct iscsi_logout_response *pdu, uint8_t *ret_bhs);
void iscsi_r2t_encode(const struct iscsi_r2t *pdu, uint8_t *ret_bhs);
void iscsi_async_message_encode(const struct iscsi_async_message *pdu, uint8_t *ret_bhs);
void iscsi_nop_in_encode(const struct iscsi_nop_in *pdu, uint8_t *ret_bhs);
void iscsi_reject_encode(const struct iscsi_reject *pdu, uint8_t *ret_bhs);

void iscsi_scsi_response_decode(const uint8_t *bhs, struct iscsi_scsi_response *ret);
void iscsi_task_management_response_decode(const uint8_t *bhs,
					   struct iscsi_task_management_response *ret);
void iscsi_login_response_decode(const uint8_t *bhs, struct iscsi_login_response *ret);
void iscsi_text_response_decode(const uint8_t *bhs, struct iscsi_text_response *ret);
void iscsi_data_in_decode(const uint8_t *bhs, struct iscsi_data_in *ret);
void iscsi_logout_response_decode(const uint8_t *bhs, struct iscsi_logout_response *ret);
void iscsi_r2t_decode(const uint8_t *bhs, struct iscsi_r2t *ret);
void iscsi_async_message_decode(const uint8_t *bhs, struct iscsi_async_message *ret);
void iscsi_nop_in_decode(const uint8_t *bhs, struct iscsi_nop_in *ret);
void iscsi_reject_decode(const uint8_t *bhs, struct iscsi_reject *ret);

#endif
