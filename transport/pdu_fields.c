/*
 * Header fields by name (RFC 7143 11): a row each. The structs of pdu.h and these rows are held
 * together by a test.
 */
#include "transport/pdu_fields.h"

#include <string.h>

#include "pr_engine/bytes.h"

#define BIT	  ISCSI_OPCODE_BIT
#define REQUESTS  ISCSI_REQUEST_OPCODES
#define RESPONSES ISCSI_RESPONSE_OPCODES
#define COMMAND	  BIT(ISCSI_SCSI_COMMAND)
#define TMF	  BIT(ISCSI_TASK_MANAGEMENT_REQUEST)
#define LOGINS	  (BIT(ISCSI_LOGIN_REQUEST) | BIT(ISCSI_LOGIN_RESPONSE))
#define LOGIN_RQ  BIT(ISCSI_LOGIN_REQUEST)
#define LOGIN_RSP BIT(ISCSI_LOGIN_RESPONSE)
#define TEXTS	  (BIT(ISCSI_TEXT_REQUEST) | BIT(ISCSI_TEXT_RESPONSE))
#define NOPS	  (BIT(ISCSI_NOP_OUT) | BIT(ISCSI_NOP_IN))
#define DATA_OUT  BIT(ISCSI_DATA_OUT)
#define DATA_IN	  BIT(ISCSI_DATA_IN)
#define DATA	  (DATA_OUT | DATA_IN)
#define RESPONSE  BIT(ISCSI_SCSI_RESPONSE)
#define TMF_RSP	  BIT(ISCSI_TASK_MANAGEMENT_RESPONSE)
#define LOGOUT	  BIT(ISCSI_LOGOUT_REQUEST)
#define LOGOUT_R  BIT(ISCSI_LOGOUT_RESPONSE)
#define SNACK	  BIT(ISCSI_SNACK_REQUEST)
#define R2T	  BIT(ISCSI_R2T)
#define ASYNC	  BIT(ISCSI_ASYNC_MESSAGE)
#define REJECT	  BIT(ISCSI_REJECT)

/* clang-format off */
const struct iscsi_pdu_field iscsi_pdu_fields[] = {
	{"opcode",		REQUESTS | RESPONSES,		0, 1, 0x3f},
	{"immediate",		REQUESTS,			0, 1, 0x40},
	{"flags",		REQUESTS | RESPONSES,		1, 1, 0},
	{"ahs",			REQUESTS | RESPONSES,		4, 1, 0},
	{"dsl",			REQUESTS | RESPONSES,		5, 3, 0},
	{"itt",			REQUESTS | RESPONSES,		16, 4, 0},
	{"statsn",		RESPONSES,			24, 4, 0},
	{"expcmdsn",		RESPONSES,			28, 4, 0},
	{"maxcmdsn",		RESPONSES,			32, 4, 0},
	{"cmdsn",		REQUESTS & ~(DATA_OUT | SNACK),	24, 4, 0},
	{"expstatsn",		REQUESTS,			28, 4, 0},
	{"lun",			COMMAND | TMF | TEXTS | NOPS | DATA | SNACK | R2T | ASYNC, 8, 2, 0},
	{"ttt",			TEXTS | NOPS | DATA | SNACK | R2T, 20, 4, 0},

	{"f",			COMMAND | TEXTS | DATA,		1, 1, 0x80},
	{"r",			COMMAND,			1, 1, 0x40},
	{"w",			COMMAND,			1, 1, 0x20},
	{"attr",		COMMAND,			1, 1, 0x07},
	{"edtl",		COMMAND,			20, 4, 0},
	{"cdb0",		COMMAND,			32, 1, 0},
	{"cdb1",		COMMAND,			33, 1, 0},
	{"cdb2",		COMMAND,			34, 1, 0},
	{"cdb3",		COMMAND,			35, 1, 0},
	{"cdb4",		COMMAND,			36, 1, 0},
	{"cdb5",		COMMAND,			37, 1, 0},
	{"cdb6",		COMMAND,			38, 1, 0},
	{"cdb7",		COMMAND,			39, 1, 0},
	{"cdb8",		COMMAND,			40, 1, 0},
	{"cdb9",		COMMAND,			41, 1, 0},
	{"cdb10",		COMMAND,			42, 1, 0},
	{"cdb11",		COMMAND,			43, 1, 0},
	{"cdb12",		COMMAND,			44, 1, 0},
	{"cdb13",		COMMAND,			45, 1, 0},
	{"cdb14",		COMMAND,			46, 1, 0},
	{"cdb15",		COMMAND,			47, 1, 0},

	{"t",			LOGINS,				1, 1, 0x80},
	{"c",			LOGINS | TEXTS,			1, 1, 0x40},
	{"csg",			LOGINS,				1, 1, 0x0c},
	{"nsg",			LOGINS,				1, 1, 0x03},
	{"version-max",		LOGINS,				2, 1, 0},
	{"version-min",		LOGIN_RQ,			3, 1, 0},
	{"version-active",	LOGIN_RSP,			3, 1, 0},
	{"isid",		LOGINS,				8, 6, 0},
	{"tsih",		LOGINS,				14, 2, 0},
	{"cid",			LOGIN_RQ | LOGOUT,		20, 2, 0},
	{"status-class",	LOGIN_RSP,			36, 1, 0},
	{"status-detail",	LOGIN_RSP,			37, 1, 0},

	{"o",			RESPONSE | DATA_IN,		1, 1, 0x04},
	{"u",			RESPONSE | DATA_IN,		1, 1, 0x02},
	{"bo",			RESPONSE,			1, 1, 0x10},
	{"bu",			RESPONSE,			1, 1, 0x08},
	{"response",		RESPONSE | TMF_RSP | LOGOUT_R,	2, 1, 0},
	{"status",		RESPONSE | DATA_IN,		3, 1, 0},
	{"snack-tag",		RESPONSE,			20, 4, 0},
	{"expdatasn",		RESPONSE | TMF,			36, 4, 0},
	{"bidi-residual",	RESPONSE,			40, 4, 0},
	{"residual",		RESPONSE | DATA_IN,		44, 4, 0},
	{"a",			DATA_IN,			1, 1, 0x40},
	{"s",			DATA_IN,			1, 1, 0x01},
	{"datasn",		DATA | REJECT,			36, 4, 0},
	{"offset",		DATA | R2T,			40, 4, 0},
	{"r2tsn",		R2T,				36, 4, 0},
	{"length",		R2T,				44, 4, 0},

	{"function",		TMF,				1, 1, 0x7f},
	{"rtt",			TMF,				20, 4, 0},
	{"refcmdsn",		TMF,				32, 4, 0},
	{"reason",		LOGOUT,				1, 1, 0x7f},
	{"reason",		REJECT,				2, 1, 0},
	{"time2wait",		LOGOUT_R,			40, 2, 0},
	{"time2retain",		LOGOUT_R,			42, 2, 0},
	{"event",		ASYNC,				36, 1, 0},
	{"vcode",		ASYNC,				37, 1, 0},
	{"parameter1",		ASYNC,				38, 2, 0},
	{"parameter2",		ASYNC,				40, 2, 0},
	{"parameter3",		ASYNC,				42, 2, 0},
	{"type",		SNACK,				1, 1, 0x0f},
	{"begrun",		SNACK,				40, 4, 0},
	{"runlength",		SNACK,				44, 4, 0},
};
/* clang-format on */

const size_t iscsi_pdu_field_count = sizeof(iscsi_pdu_fields) / sizeof(iscsi_pdu_fields[0]);

const struct iscsi_pdu_field *iscsi_pdu_field_find(uint8_t opcode, const char *name)
{
	for (size_t i = 0; i < iscsi_pdu_field_count; i++)
		if (iscsi_pdu_fields[i].opcodes & BIT(opcode & 0x3f) &&
		    strcmp(iscsi_pdu_fields[i].name, name) == 0)
			return &iscsi_pdu_fields[i];
	return NULL;
}

static unsigned shift_of(uint8_t mask)
{
	unsigned shift = 0;

	while (mask != 0 && !(mask >> shift & 1))
		shift++;
	return shift;
}

uint64_t iscsi_pdu_field_get(const struct iscsi_pdu_field *field, const uint8_t *bhs)
{
	uint64_t value = 0;

	if (field->mask != 0)
		return (unsigned)(bhs[field->at] & field->mask) >> shift_of(field->mask);
	for (unsigned i = 0; i < field->width; i++)
		value = value << 8 | bhs[field->at + i];
	return value;
}

void iscsi_pdu_field_put(const struct iscsi_pdu_field *field, uint8_t *bhs, uint64_t value)
{
	if (field->mask != 0) {
		unsigned bits = (unsigned)(value << shift_of(field->mask)) & field->mask;

		bhs[field->at] = (uint8_t)((bhs[field->at] & ~(unsigned)field->mask) | bits);
		return;
	}
	for (unsigned i = field->width; i-- > 0; value >>= 8)
		bhs[field->at + i] = (uint8_t)value;
}

/* Byte 1 is `flags` to everybody; its bits have names of their own where they mean something. */
static bool is_all_flags(const struct iscsi_pdu_field *field)
{
	return field->at == 1 && field->mask == 0;
}

void iscsi_pdu_set_reserved(uint8_t *bhs)
{
	uint8_t known[ISCSI_BHS_LEN] = {0};

	known[1] = 0x80; /* F; always set where it has no meaning */
	/* A LUN field is eight bytes wide, of which the row has the first level. */
	if (iscsi_pdu_field_find(bhs[0], "lun"))
		memset(known + 8, 0xff, 8);
	for (size_t i = 0; i < iscsi_pdu_field_count; i++) {
		const struct iscsi_pdu_field *field = &iscsi_pdu_fields[i];

		if (!(field->opcodes & BIT(bhs[0] & 0x3f)) || is_all_flags(field))
			continue;
		if (field->mask != 0)
			known[field->at] |= field->mask;
		else
			memset(known + field->at, 0xff, field->width);
	}
	for (unsigned i = 0; i < ISCSI_BHS_LEN; i++)
		bhs[i] |= (uint8_t)~known[i];
}

/* --- names ------------------------------------------------------------------------------------ */

static const struct {
	uint8_t opcode;
	const char *word;
} words[] = {
	{ISCSI_NOP_OUT, "nop-out"},
	{ISCSI_SCSI_COMMAND, "scsi-command"},
	{ISCSI_TASK_MANAGEMENT_REQUEST, "task-management-request"},
	{ISCSI_LOGIN_REQUEST, "login-request"},
	{ISCSI_TEXT_REQUEST, "text-request"},
	{ISCSI_DATA_OUT, "data-out"},
	{ISCSI_LOGOUT_REQUEST, "logout-request"},
	{ISCSI_SNACK_REQUEST, "snack-request"},
	{ISCSI_NOP_IN, "nop-in"},
	{ISCSI_SCSI_RESPONSE, "scsi-response"},
	{ISCSI_TASK_MANAGEMENT_RESPONSE, "task-management-response"},
	{ISCSI_LOGIN_RESPONSE, "login-response"},
	{ISCSI_TEXT_RESPONSE, "text-response"},
	{ISCSI_DATA_IN, "data-in"},
	{ISCSI_LOGOUT_RESPONSE, "logout-response"},
	{ISCSI_R2T, "r2t"},
	{ISCSI_ASYNC_MESSAGE, "async-message"},
	{ISCSI_REJECT, "reject"},
	/* Short ones, to read. */
	{ISCSI_TASK_MANAGEMENT_REQUEST, "tmf-request"},
	{ISCSI_TASK_MANAGEMENT_RESPONSE, "tmf-response"},
	{ISCSI_ASYNC_MESSAGE, "async"},
};

const char *iscsi_pdu_word(uint8_t opcode)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].opcode == opcode)
			return words[i].word;
	return NULL;
}

bool iscsi_pdu_word_parse(const char *word, uint8_t *ret_opcode)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].word, word) != 0)
			continue;
		*ret_opcode = words[i].opcode;
		return true;
	}
	return false;
}
