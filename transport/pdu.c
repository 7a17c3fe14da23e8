/*
 * What all headers share (RFC 7143 11.2.1). The PDU types are in pdu_request.c and pdu_response.c.
 */
#include "transport/pdu.h"

#include <assert.h>

#include "pr_engine/bytes.h"

static const struct {
	unsigned opcode;
	const char *name;
} opcode_names[] = {
	{ISCSI_NOP_OUT, "NOP-Out"},
	{ISCSI_SCSI_COMMAND, "SCSI Command"},
	{ISCSI_TASK_MANAGEMENT_REQUEST, "Task Management Function Request"},
	{ISCSI_LOGIN_REQUEST, "Login Request"},
	{ISCSI_TEXT_REQUEST, "Text Request"},
	{ISCSI_DATA_OUT, "SCSI Data-Out"},
	{ISCSI_LOGOUT_REQUEST, "Logout Request"},
	{ISCSI_SNACK_REQUEST, "SNACK Request"},
	{ISCSI_NOP_IN, "NOP-In"},
	{ISCSI_SCSI_RESPONSE, "SCSI Response"},
	{ISCSI_TASK_MANAGEMENT_RESPONSE, "Task Management Function Response"},
	{ISCSI_LOGIN_RESPONSE, "Login Response"},
	{ISCSI_TEXT_RESPONSE, "Text Response"},
	{ISCSI_DATA_IN, "SCSI Data-In"},
	{ISCSI_LOGOUT_RESPONSE, "Logout Response"},
	{ISCSI_R2T, "Ready To Transfer"},
	{ISCSI_ASYNC_MESSAGE, "Asynchronous Message"},
	{ISCSI_REJECT, "Reject"},
};

const char *iscsi_opcode_name(unsigned opcode)
{
	for (size_t i = 0; i < sizeof(opcode_names) / sizeof(opcode_names[0]); i++)
		if (opcode_names[i].opcode == opcode)
			return opcode_names[i].name;
	return "unassigned";
}

void iscsi_bhs_set_lengths(uint8_t bhs[ISCSI_BHS_LEN], uint32_t data_len)
{
	assert(data_len < 1u << 24);
	bhs[4] = 0; /* responses never carry AHS */
	put_be24(bhs + 5, data_len);
}
