/*
 * What initiators send (RFC 7143 11.3 to 11.18): decode, and beside it encode.
 */
#include "transport/pdu.h"

#include "pr_engine/bytes.h"

#define IMMEDIATE 0x40 /* byte 0 */
#define FINAL	  0x80 /* byte 1; Transit in login */
#define CONTINUE  0x40 /* byte 1 of Login and Text */

static bool bit(uint8_t byte, uint8_t mask)
{
	return (byte & mask) != 0;
}

static uint8_t bit_if(bool set, uint8_t mask)
{
	return set ? mask : 0;
}

static void begin(uint8_t *bhs, enum iscsi_opcode opcode, bool immediate, uint8_t flags)
{
	memset(bhs, 0, ISCSI_BHS_LEN);
	bhs[0] = (uint8_t)(opcode | bit_if(immediate, IMMEDIATE));
	bhs[1] = flags;
}

/* RFC 7143 11.3 */
void iscsi_scsi_command_encode(const struct iscsi_scsi_command *pdu, uint8_t *ret_bhs)
{
	begin(ret_bhs, ISCSI_SCSI_COMMAND, pdu->immediate,
	      (uint8_t)(bit_if(pdu->final, FINAL) | bit_if(pdu->read, 0x40) |
			bit_if(pdu->write, 0x20) | (pdu->attribute & 0x07)));
	memcpy(ret_bhs + 8, pdu->lun, sizeof(pdu->lun));
	put_be32(ret_bhs + 16, pdu->itt);
	put_be32(ret_bhs + 20, pdu->expected_len);
	put_be32(ret_bhs + 24, pdu->cmd_sn);
	put_be32(ret_bhs + 28, pdu->exp_stat_sn);
	memcpy(ret_bhs + 32, pdu->cdb, sizeof(pdu->cdb));
}

/* RFC 7143 11.5 */
void iscsi_task_management_request_decode(const uint8_t *bhs,
					  struct iscsi_task_management_request *ret)
{
	ret->immediate = bit(bhs[0], IMMEDIATE);
	ret->function = bhs[1] & 0x7f;
	memcpy(ret->lun, bhs + 8, sizeof(ret->lun));
	ret->itt = get_be32(bhs + 16);
	ret->referenced_tag = get_be32(bhs + 20);
	ret->cmd_sn = get_be32(bhs + 24);
	ret->exp_stat_sn = get_be32(bhs + 28);
	ret->ref_cmd_sn = get_be32(bhs + 32);
	ret->exp_data_sn = get_be32(bhs + 36);
}

void iscsi_task_management_request_encode(const struct iscsi_task_management_request *pdu,
					  uint8_t *ret_bhs)
{
	begin(ret_bhs, ISCSI_TASK_MANAGEMENT_REQUEST, pdu->immediate,
	      (uint8_t)(FINAL | (pdu->function & 0x7f)));
	memcpy(ret_bhs + 8, pdu->lun, sizeof(pdu->lun));
	put_be32(ret_bhs + 16, pdu->itt);
	put_be32(ret_bhs + 20, pdu->referenced_tag);
	put_be32(ret_bhs + 24, pdu->cmd_sn);
	put_be32(ret_bhs + 28, pdu->exp_stat_sn);
	put_be32(ret_bhs + 32, pdu->ref_cmd_sn);
	put_be32(ret_bhs + 36, pdu->exp_data_sn);
}

/* RFC 7143 11.12 */
void iscsi_login_request_decode(const uint8_t *bhs, struct iscsi_login_request *ret)
{
	ret->transit = bit(bhs[1], FINAL);
	ret->cont = bit(bhs[1], CONTINUE);
	ret->csg = bhs[1] >> 2 & 3;
	ret->nsg = bhs[1] & 3;
	ret->version_max = bhs[2];
	ret->version_min = bhs[3];
	memcpy(ret->isid, bhs + 8, sizeof(ret->isid));
	ret->tsih = get_be16(bhs + 14);
	ret->itt = get_be32(bhs + 16);
	ret->cid = get_be16(bhs + 20);
	ret->cmd_sn = get_be32(bhs + 24);
	ret->exp_stat_sn = get_be32(bhs + 28);
}

void iscsi_login_request_encode(const struct iscsi_login_request *pdu, uint8_t *ret_bhs)
{
	begin(ret_bhs, ISCSI_LOGIN_REQUEST, true,
	      (uint8_t)(bit_if(pdu->transit, FINAL) | bit_if(pdu->cont, CONTINUE) |
			(pdu->csg & 3) << 2 | (pdu->nsg & 3)));
	ret_bhs[2] = pdu->version_max;
	ret_bhs[3] = pdu->version_min;
	memcpy(ret_bhs + 8, pdu->isid, sizeof(pdu->isid));
	put_be16(ret_bhs + 14, pdu->tsih);
	put_be32(ret_bhs + 16, pdu->itt);
	put_be16(ret_bhs + 20, pdu->cid);
	put_be32(ret_bhs + 24, pdu->cmd_sn);
	put_be32(ret_bhs + 28, pdu->exp_stat_sn);
}

/* RFC 7143 11.10 */
void iscsi_text_request_decode(const uint8_t *bhs, struct iscsi_text_request *ret)
{
	ret->immediate = bit(bhs[0], IMMEDIATE);
	ret->final = bit(bhs[1], FINAL);
	ret->cont = bit(bhs[1], CONTINUE);
	memcpy(ret->lun, bhs + 8, sizeof(ret->lun));
	ret->itt = get_be32(bhs + 16);
	ret->ttt = get_be32(bhs + 20);
	ret->cmd_sn = get_be32(bhs + 24);
	ret->exp_stat_sn = get_be32(bhs + 28);
}

void iscsi_text_request_encode(const struct iscsi_text_request *pdu, uint8_t *ret_bhs)
{
	begin(ret_bhs, ISCSI_TEXT_REQUEST, pdu->immediate,
	      (uint8_t)(bit_if(pdu->final, FINAL) | bit_if(pdu->cont, CONTINUE)));
	memcpy(ret_bhs + 8, pdu->lun, sizeof(pdu->lun));
	put_be32(ret_bhs + 16, pdu->itt);
	put_be32(ret_bhs + 20, pdu->ttt);
	put_be32(ret_bhs + 24, pdu->cmd_sn);
	put_be32(ret_bhs + 28, pdu->exp_stat_sn);
}

/* RFC 7143 11.7; there is no CmdSN in it. */
void iscsi_data_out_decode(const uint8_t *bhs, struct iscsi_data_out *ret)
{
	ret->final = bit(bhs[1], FINAL);
	memcpy(ret->lun, bhs + 8, sizeof(ret->lun));
	ret->itt = get_be32(bhs + 16);
	ret->ttt = get_be32(bhs + 20);
	ret->exp_stat_sn = get_be32(bhs + 28);
	ret->data_sn = get_be32(bhs + 36);
	ret->offset = get_be32(bhs + 40);
}

void iscsi_data_out_encode(const struct iscsi_data_out *pdu, uint8_t *ret_bhs)
{
	begin(ret_bhs, ISCSI_DATA_OUT, false, bit_if(pdu->final, FINAL));
	memcpy(ret_bhs + 8, pdu->lun, sizeof(pdu->lun));
	put_be32(ret_bhs + 16, pdu->itt);
	put_be32(ret_bhs + 20, pdu->ttt);
	put_be32(ret_bhs + 28, pdu->exp_stat_sn);
	put_be32(ret_bhs + 36, pdu->data_sn);
	put_be32(ret_bhs + 40, pdu->offset);
}

/* RFC 7143 11.14 */
void iscsi_logout_request_decode(const uint8_t *bhs, struct iscsi_logout_request *ret)
{
	ret->immediate = bit(bhs[0], IMMEDIATE);
	ret->reason = bhs[1] & 0x7f;
	ret->itt = get_be32(bhs + 16);
	ret->cid = get_be16(bhs + 20);
	ret->cmd_sn = get_be32(bhs + 24);
	ret->exp_stat_sn = get_be32(bhs + 28);
}

void iscsi_logout_request_encode(const struct iscsi_logout_request *pdu, uint8_t *ret_bhs)
{
	begin(ret_bhs, ISCSI_LOGOUT_REQUEST, pdu->immediate,
	      (uint8_t)(FINAL | (pdu->reason & 0x7f)));
	put_be32(ret_bhs + 16, pdu->itt);
	put_be16(ret_bhs + 20, pdu->cid);
	put_be32(ret_bhs + 24, pdu->cmd_sn);
	put_be32(ret_bhs + 28, pdu->exp_stat_sn);
}

/* RFC 7143 11.16 */
void iscsi_snack_request_decode(const uint8_t *bhs, struct iscsi_snack_request *ret)
{
	ret->type = bhs[1] & 0x0f;
	memcpy(ret->lun, bhs + 8, sizeof(ret->lun));
	ret->itt = get_be32(bhs + 16);
	ret->ttt = get_be32(bhs + 20);
	ret->exp_stat_sn = get_be32(bhs + 28);
	ret->beg_run = get_be32(bhs + 40);
	ret->run_len = get_be32(bhs + 44);
}

void iscsi_snack_request_encode(const struct iscsi_snack_request *pdu, uint8_t *ret_bhs)
{
	begin(ret_bhs, ISCSI_SNACK_REQUEST, false, (uint8_t)(FINAL | (pdu->type & 0x0f)));
	memcpy(ret_bhs + 8, pdu->lun, sizeof(pdu->lun));
	put_be32(ret_bhs + 16, pdu->itt);
	put_be32(ret_bhs + 20, pdu->ttt);
	put_be32(ret_bhs + 28, pdu->exp_stat_sn);
	put_be32(ret_bhs + 40, pdu->beg_run);
	put_be32(ret_bhs + 44, pdu->run_len);
}

/* RFC 7143 11.18 */
void iscsi_nop_out_decode(const uint8_t *bhs, struct iscsi_nop_out *ret)
{
	ret->immediate = bit(bhs[0], IMMEDIATE);
	memcpy(ret->lun, bhs + 8, sizeof(ret->lun));
	ret->itt = get_be32(bhs + 16);
	ret->ttt = get_be32(bhs + 20);
	ret->cmd_sn = get_be32(bhs + 24);
	ret->exp_stat_sn = get_be32(bhs + 28);
}

void iscsi_nop_out_encode(const struct iscsi_nop_out *pdu, uint8_t *ret_bhs)
{
	begin(ret_bhs, ISCSI_NOP_OUT, pdu->immediate, FINAL);
	memcpy(ret_bhs + 8, pdu->lun, sizeof(pdu->lun));
	put_be32(ret_bhs + 16, pdu->itt);
	put_be32(ret_bhs + 20, pdu->ttt);
	put_be32(ret_bhs + 24, pdu->cmd_sn);
	put_be32(ret_bhs + 28, pdu->exp_stat_sn);
}
