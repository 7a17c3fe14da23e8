/*
 * What targets send (RFC 7143 11.4 to 11.19): encode, and beside it decode.
 */
#include "transport/pdu.h"

#include "pr_engine/bytes.h"

#define FINAL	  0x80 /* byte 1; Transit in login */
#define CONTINUE  0x40 /* byte 1 of Login and Text */
#define OVERFLOW  0x04
#define UNDERFLOW 0x02

static bool bit(uint8_t byte, uint8_t mask)
{
	return (byte & mask) != 0;
}

static uint8_t bit_if(bool set, uint8_t mask)
{
	return set ? mask : 0;
}

static void begin(uint8_t *bhs, enum iscsi_opcode opcode, uint8_t flags)
{
	memset(bhs, 0, ISCSI_BHS_LEN);
	bhs[0] = (uint8_t)opcode;
	bhs[1] = flags;
}

/* Bytes 24 to 35 of every target PDU. */
static void put_sns(uint8_t *bhs, const struct iscsi_sns *sns)
{
	put_be32(bhs + 24, sns->stat_sn);
	put_be32(bhs + 28, sns->exp_cmd_sn);
	put_be32(bhs + 32, sns->max_cmd_sn);
}

static void get_sns(const uint8_t *bhs, struct iscsi_sns *ret)
{
	ret->stat_sn = get_be32(bhs + 24);
	ret->exp_cmd_sn = get_be32(bhs + 28);
	ret->max_cmd_sn = get_be32(bhs + 32);
}

static uint8_t residual_flags(const struct iscsi_residual *residual)
{
	return (uint8_t)(bit_if(residual->overflow, OVERFLOW) |
			 bit_if(residual->underflow, UNDERFLOW));
}

static void get_residual(const uint8_t *bhs, struct iscsi_residual *ret)
{
	ret->overflow = bit(bhs[1], OVERFLOW);
	ret->underflow = bit(bhs[1], UNDERFLOW);
	ret->count = get_be32(bhs + 44);
}

/* RFC 7143 11.4 */
void iscsi_scsi_response_encode(const struct iscsi_scsi_response *pdu, uint8_t *ret_bhs)
{
	/* o and u stand two bits above O and U. */
	begin(ret_bhs, ISCSI_SCSI_RESPONSE,
	      (uint8_t)(FINAL | residual_flags(&pdu->residual) |
			residual_flags(&pdu->read_residual) << 2));
	ret_bhs[2] = pdu->response;
	ret_bhs[3] = pdu->status;
	put_be32(ret_bhs + 16, pdu->itt);
	put_be32(ret_bhs + 20, pdu->snack_tag);
	put_sns(ret_bhs, &pdu->sns);
	put_be32(ret_bhs + 36, pdu->exp_data_sn);
	put_be32(ret_bhs + 40, pdu->read_residual.count);
	put_be32(ret_bhs + 44, pdu->residual.count);
}

void iscsi_scsi_response_decode(const uint8_t *bhs, struct iscsi_scsi_response *ret)
{
	ret->response = bhs[2];
	ret->status = bhs[3];
	ret->itt = get_be32(bhs + 16);
	ret->snack_tag = get_be32(bhs + 20);
	get_sns(bhs, &ret->sns);
	ret->exp_data_sn = get_be32(bhs + 36);
	get_residual(bhs, &ret->residual);
	ret->read_residual.overflow = bit(bhs[1], OVERFLOW << 2);
	ret->read_residual.underflow = bit(bhs[1], UNDERFLOW << 2);
	ret->read_residual.count = get_be32(bhs + 40);
}

/* RFC 7143 11.6 */
void iscsi_task_management_response_encode(const struct iscsi_task_management_response *pdu,
					   uint8_t *ret_bhs)
{
	begin(ret_bhs, ISCSI_TASK_MANAGEMENT_RESPONSE, FINAL);
	ret_bhs[2] = pdu->response;
	memcpy(ret_bhs + 8, pdu->additional, sizeof(pdu->additional));
	put_be32(ret_bhs + 16, pdu->itt);
	put_sns(ret_bhs, &pdu->sns);
}

void iscsi_task_management_response_decode(const uint8_t *bhs,
					   struct iscsi_task_management_response *ret)
{
	ret->response = bhs[2];
	memcpy(ret->additional, bhs + 8, sizeof(ret->additional));
	ret->itt = get_be32(bhs + 16);
	get_sns(bhs, &ret->sns);
}

/* RFC 7143 11.13 */
void iscsi_login_response_encode(const struct iscsi_login_response *pdu, uint8_t *ret_bhs)
{
	begin(ret_bhs, ISCSI_LOGIN_RESPONSE,
	      (uint8_t)(bit_if(pdu->transit, FINAL) | bit_if(pdu->cont, CONTINUE) |
			(pdu->csg & 3) << 2 | (pdu->nsg & 3)));
	ret_bhs[2] = pdu->version_max;
	ret_bhs[3] = pdu->version_active;
	memcpy(ret_bhs + 8, pdu->isid, sizeof(pdu->isid));
	put_be16(ret_bhs + 14, pdu->tsih);
	put_be32(ret_bhs + 16, pdu->itt);
	put_sns(ret_bhs, &pdu->sns);
	put_be16(ret_bhs + 36, pdu->status);
}

void iscsi_login_response_decode(const uint8_t *bhs, struct iscsi_login_response *ret)
{
	ret->transit = bit(bhs[1], FINAL);
	ret->cont = bit(bhs[1], CONTINUE);
	ret->csg = bhs[1] >> 2 & 3;
	ret->nsg = bhs[1] & 3;
	ret->version_max = bhs[2];
	ret->version_active = bhs[3];
	memcpy(ret->isid, bhs + 8, sizeof(ret->isid));
	ret->tsih = get_be16(bhs + 14);
	ret->itt = get_be32(bhs + 16);
	get_sns(bhs, &ret->sns);
	ret->status = get_be16(bhs + 36);
}

/* RFC 7143 11.11 */
void iscsi_text_response_encode(const struct iscsi_text_response *pdu, uint8_t *ret_bhs)
{
	begin(ret_bhs, ISCSI_TEXT_RESPONSE,
	      (uint8_t)(bit_if(pdu->final, FINAL) | bit_if(pdu->cont, CONTINUE)));
	memcpy(ret_bhs + 8, pdu->lun, sizeof(pdu->lun));
	put_be32(ret_bhs + 16, pdu->itt);
	put_be32(ret_bhs + 20, pdu->ttt);
	put_sns(ret_bhs, &pdu->sns);
}

void iscsi_text_response_decode(const uint8_t *bhs, struct iscsi_text_response *ret)
{
	ret->final = bit(bhs[1], FINAL);
	ret->cont = bit(bhs[1], CONTINUE);
	memcpy(ret->lun, bhs + 8, sizeof(ret->lun));
	ret->itt = get_be32(bhs + 16);
	ret->ttt = get_be32(bhs + 20);
	get_sns(bhs, &ret->sns);
}

/*
 * RFC 7143 11.7. What belongs to the A bit (LUN, TTT) and to the S bit (status, residual, StatSN)
 * is reserved without it, and then sent as zero, the TTT as "none".
 */
void iscsi_data_in_encode(const struct iscsi_data_in *pdu, uint8_t *ret_bhs)
{
	begin(ret_bhs, ISCSI_DATA_IN,
	      (uint8_t)(bit_if(pdu->final, FINAL) | bit_if(pdu->acknowledge, 0x40) |
			bit_if(pdu->has_status, 0x01)));
	put_be32(ret_bhs + 16, pdu->itt);
	put_be32(ret_bhs + 20, ISCSI_NO_TAG);
	put_sns(ret_bhs, &pdu->sns);
	put_be32(ret_bhs + 36, pdu->data_sn);
	put_be32(ret_bhs + 40, pdu->offset);
	if (pdu->acknowledge) {
		memcpy(ret_bhs + 8, pdu->lun, sizeof(pdu->lun));
		put_be32(ret_bhs + 20, pdu->ttt);
	}
	if (pdu->has_status) {
		ret_bhs[1] |= residual_flags(&pdu->residual);
		ret_bhs[3] = pdu->status;
		put_be32(ret_bhs + 44, pdu->residual.count);
	} else {
		put_be32(ret_bhs + 24, 0);
	}
}

void iscsi_data_in_decode(const uint8_t *bhs, struct iscsi_data_in *ret)
{
	ret->final = bit(bhs[1], FINAL);
	ret->acknowledge = bit(bhs[1], 0x40);
	ret->has_status = bit(bhs[1], 0x01);
	ret->status = bhs[3];
	memcpy(ret->lun, bhs + 8, sizeof(ret->lun));
	ret->itt = get_be32(bhs + 16);
	ret->ttt = get_be32(bhs + 20);
	ret->data_sn = get_be32(bhs + 36);
	ret->offset = get_be32(bhs + 40);
	get_residual(bhs, &ret->residual);
	get_sns(bhs, &ret->sns);
}

/* RFC 7143 11.15 */
void iscsi_logout_response_encode(const struct iscsi_logout_response *pdu, uint8_t *ret_bhs)
{
	begin(ret_bhs, ISCSI_LOGOUT_RESPONSE, FINAL);
	ret_bhs[2] = pdu->response;
	put_be32(ret_bhs + 16, pdu->itt);
	put_sns(ret_bhs, &pdu->sns);
	put_be16(ret_bhs + 40, pdu->time2wait);
	put_be16(ret_bhs + 42, pdu->time2retain);
}

void iscsi_logout_response_decode(const uint8_t *bhs, struct iscsi_logout_response *ret)
{
	ret->response = bhs[2];
	ret->itt = get_be32(bhs + 16);
	get_sns(bhs, &ret->sns);
	ret->time2wait = get_be16(bhs + 40);
	ret->time2retain = get_be16(bhs + 42);
}

/* RFC 7143 11.8; StatSN is the next one and is not consumed. */
void iscsi_r2t_encode(const struct iscsi_r2t *pdu, uint8_t *ret_bhs)
{
	begin(ret_bhs, ISCSI_R2T, FINAL);
	memcpy(ret_bhs + 8, pdu->lun, sizeof(pdu->lun));
	put_be32(ret_bhs + 16, pdu->itt);
	put_be32(ret_bhs + 20, pdu->ttt);
	put_sns(ret_bhs, &pdu->sns);
	put_be32(ret_bhs + 36, pdu->r2t_sn);
	put_be32(ret_bhs + 40, pdu->offset);
	put_be32(ret_bhs + 44, pdu->desired_len);
}

void iscsi_r2t_decode(const uint8_t *bhs, struct iscsi_r2t *ret)
{
	memcpy(ret->lun, bhs + 8, sizeof(ret->lun));
	ret->itt = get_be32(bhs + 16);
	ret->ttt = get_be32(bhs + 20);
	get_sns(bhs, &ret->sns);
	ret->r2t_sn = get_be32(bhs + 36);
	ret->offset = get_be32(bhs + 40);
	ret->desired_len = get_be32(bhs + 44);
}

/* RFC 7143 11.9 */
void iscsi_async_message_encode(const struct iscsi_async_message *pdu, uint8_t *ret_bhs)
{
	begin(ret_bhs, ISCSI_ASYNC_MESSAGE, FINAL);
	memcpy(ret_bhs + 8, pdu->lun, sizeof(pdu->lun));
	put_be32(ret_bhs + 16, ISCSI_NO_TAG);
	put_sns(ret_bhs, &pdu->sns);
	ret_bhs[36] = pdu->event;
	ret_bhs[37] = pdu->vcode;
	put_be16(ret_bhs + 38, pdu->parameter1);
	put_be16(ret_bhs + 40, pdu->parameter2);
	put_be16(ret_bhs + 42, pdu->parameter3);
}

void iscsi_async_message_decode(const uint8_t *bhs, struct iscsi_async_message *ret)
{
	memcpy(ret->lun, bhs + 8, sizeof(ret->lun));
	get_sns(bhs, &ret->sns);
	ret->event = bhs[36];
	ret->vcode = bhs[37];
	ret->parameter1 = get_be16(bhs + 38);
	ret->parameter2 = get_be16(bhs + 40);
	ret->parameter3 = get_be16(bhs + 42);
}

/* RFC 7143 11.19 */
void iscsi_nop_in_encode(const struct iscsi_nop_in *pdu, uint8_t *ret_bhs)
{
	begin(ret_bhs, ISCSI_NOP_IN, FINAL);
	memcpy(ret_bhs + 8, pdu->lun, sizeof(pdu->lun));
	put_be32(ret_bhs + 16, pdu->itt);
	put_be32(ret_bhs + 20, pdu->ttt);
	put_sns(ret_bhs, &pdu->sns);
}

void iscsi_nop_in_decode(const uint8_t *bhs, struct iscsi_nop_in *ret)
{
	memcpy(ret->lun, bhs + 8, sizeof(ret->lun));
	ret->itt = get_be32(bhs + 16);
	ret->ttt = get_be32(bhs + 20);
	get_sns(bhs, &ret->sns);
}

/* RFC 7143 11.17 */
void iscsi_reject_encode(const struct iscsi_reject *pdu, uint8_t *ret_bhs)
{
	begin(ret_bhs, ISCSI_REJECT, FINAL);
	ret_bhs[2] = pdu->reason;
	put_be32(ret_bhs + 16, ISCSI_NO_TAG);
	put_sns(ret_bhs, &pdu->sns);
	put_be32(ret_bhs + 36, pdu->data_sn);
}

void iscsi_reject_decode(const uint8_t *bhs, struct iscsi_reject *ret)
{
	ret->reason = bhs[2];
	get_sns(bhs, &ret->sns);
	ret->data_sn = get_be32(bhs + 36);
}
