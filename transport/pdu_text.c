#include "transport/pdu_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/trace_text.h"

enum field_kind {
	FIELD_END = 0,
	FIELD_FLAGS,   /* bits of a byte, by the names in `bits`, highest first; '.' has none */
	FIELD_NUMBER,  /* of 1 to 4 bytes, decimal */
	FIELD_HEX,     /* of 1 to 4 bytes */
	FIELD_TAG,     /* 4 bytes, and ffffffff is none */
	FIELD_LUN,     /* 8 bytes */
	FIELD_BYTES,   /* as they are */
	FIELD_CDB,     /* 16 bytes */
	FIELD_STATUS,  /* 1 byte */
	FIELD_STAGES,  /* login: C, CSG and NSG in byte 1 */
	FIELD_LOW_BITS /* of byte 1: 7 of them */
};

struct field {
	const char *name;
	enum field_kind kind;
	uint8_t at, len;
	bool in_summary;
	const char *bits;
};

#define DSL                                                          \
	{                                                            \
		"DataSegmentLength", FIELD_NUMBER, 5, 3, false, NULL \
	}
#define AHS                                                       \
	{                                                         \
		"TotalAHSLength", FIELD_NUMBER, 4, 1, false, NULL \
	}
#define LUN                                        \
	{                                          \
		"LUN", FIELD_LUN, 8, 8, true, NULL \
	}
#define ITT                                         \
	{                                           \
		"ITT", FIELD_TAG, 16, 4, true, NULL \
	}
#define TTT                                          \
	{                                            \
		"TTT", FIELD_TAG, 20, 4, false, NULL \
	}
#define REQUEST_SNS                                           \
	{"CmdSN", FIELD_NUMBER, 24, 4, true, NULL},           \
	{                                                     \
		"ExpStatSN", FIELD_NUMBER, 28, 4, false, NULL \
	}
#define EXP_SNS                                              \
	{"ExpCmdSN", FIELD_NUMBER, 28, 4, false, NULL},      \
	{                                                    \
		"MaxCmdSN", FIELD_NUMBER, 32, 4, false, NULL \
	}
#define ANSWER_SNS {"StatSN", FIELD_NUMBER, 24, 4, true, NULL}, EXP_SNS
#define END                                        \
	{                                          \
		NULL, FIELD_END, 0, 0, false, NULL \
	}

#define FIELDS_MAX 16

/* RFC 7143 11.3 to 11.19. */
static const struct layout {
	uint8_t opcode;
	const char *name;
	struct field fields[FIELDS_MAX];
} layouts[] = {
	{ISCSI_NOP_OUT, "NOP-Out", {AHS, DSL, LUN, ITT, TTT, REQUEST_SNS, END}},
	{ISCSI_SCSI_COMMAND,
	 "SCSI Command",
	 {{"flags", FIELD_FLAGS, 1, 1, true, "FRW....."},
	  {"ATTR", FIELD_NUMBER, 1, 0, false, NULL},
	  AHS,
	  DSL,
	  LUN,
	  ITT,
	  {"ExpectedDataTransferLength", FIELD_NUMBER, 20, 4, false, NULL},
	  REQUEST_SNS,
	  {"CDB", FIELD_CDB, 32, 16, true, NULL},
	  END}},
	{ISCSI_TASK_MANAGEMENT_REQUEST,
	 "Task Management Function Request",
	 {{"function", FIELD_LOW_BITS, 1, 1, true, NULL},
	  LUN,
	  ITT,
	  {"ReferencedTaskTag", FIELD_TAG, 20, 4, true, NULL},
	  REQUEST_SNS,
	  {"RefCmdSN", FIELD_NUMBER, 32, 4, false, NULL},
	  {"ExpDataSN", FIELD_NUMBER, 36, 4, false, NULL},
	  END}},
	{ISCSI_LOGIN_REQUEST,
	 "Login Request",
	 {{"stages", FIELD_STAGES, 1, 1, true, NULL},
	  {"VersionMax", FIELD_NUMBER, 2, 1, false, NULL},
	  {"VersionMin", FIELD_NUMBER, 3, 1, false, NULL},
	  DSL,
	  {"ISID", FIELD_BYTES, 8, 6, false, NULL},
	  {"TSIH", FIELD_NUMBER, 14, 2, false, NULL},
	  ITT,
	  {"CID", FIELD_NUMBER, 20, 2, false, NULL},
	  REQUEST_SNS,
	  END}},
	{ISCSI_TEXT_REQUEST,
	 "Text Request",
	 {{"flags", FIELD_FLAGS, 1, 1, true, "FC......"}, DSL, LUN, ITT, TTT, REQUEST_SNS, END}},
	{ISCSI_DATA_OUT,
	 "Data-Out",
	 {{"flags", FIELD_FLAGS, 1, 1, true, "F......."},
	  DSL,
	  LUN,
	  ITT,
	  {"TTT", FIELD_TAG, 20, 4, true, NULL},
	  {"ExpStatSN", FIELD_NUMBER, 28, 4, false, NULL},
	  {"DataSN", FIELD_NUMBER, 36, 4, true, NULL},
	  {"BufferOffset", FIELD_NUMBER, 40, 4, true, NULL},
	  END}},
	{ISCSI_LOGOUT_REQUEST,
	 "Logout Request",
	 {{"reason", FIELD_LOW_BITS, 1, 1, true, NULL},
	  ITT,
	  {"CID", FIELD_NUMBER, 20, 2, false, NULL},
	  REQUEST_SNS,
	  END}},
	{ISCSI_SNACK_REQUEST,
	 "SNACK Request",
	 {{"type", FIELD_LOW_BITS, 1, 1, true, NULL},
	  LUN,
	  ITT,
	  TTT,
	  {"ExpStatSN", FIELD_NUMBER, 28, 4, false, NULL},
	  {"BegRun", FIELD_NUMBER, 40, 4, true, NULL},
	  {"RunLength", FIELD_NUMBER, 44, 4, true, NULL},
	  END}},
	{ISCSI_NOP_IN, "NOP-In", {DSL, LUN, ITT, TTT, ANSWER_SNS, END}},
	{ISCSI_SCSI_RESPONSE,
	 "SCSI Response",
	 {{"flags", FIELD_FLAGS, 1, 1, false, "...ouOU."},
	  {"response", FIELD_HEX, 2, 1, true, NULL},
	  {"status", FIELD_STATUS, 3, 1, true, NULL},
	  DSL,
	  ITT,
	  {"SNACKTag", FIELD_TAG, 20, 4, false, NULL},
	  ANSWER_SNS,
	  {"ExpDataSN", FIELD_NUMBER, 36, 4, false, NULL},
	  {"BidirectionalResidualCount", FIELD_NUMBER, 40, 4, false, NULL},
	  {"ResidualCount", FIELD_NUMBER, 44, 4, false, NULL},
	  END}},
	{ISCSI_TASK_MANAGEMENT_RESPONSE,
	 "Task Management Function Response",
	 {{"response", FIELD_NUMBER, 2, 1, true, NULL}, ITT, ANSWER_SNS, END}},
	{ISCSI_LOGIN_RESPONSE,
	 "Login Response",
	 {{"stages", FIELD_STAGES, 1, 1, true, NULL},
	  {"VersionMax", FIELD_NUMBER, 2, 1, false, NULL},
	  {"VersionActive", FIELD_NUMBER, 3, 1, false, NULL},
	  DSL,
	  {"ISID", FIELD_BYTES, 8, 6, false, NULL},
	  {"TSIH", FIELD_NUMBER, 14, 2, false, NULL},
	  ITT,
	  ANSWER_SNS,
	  {"status", FIELD_HEX, 36, 2, true, NULL},
	  END}},
	{ISCSI_TEXT_RESPONSE,
	 "Text Response",
	 {{"flags", FIELD_FLAGS, 1, 1, true, "FC......"}, DSL, LUN, ITT, TTT, ANSWER_SNS, END}},
	{ISCSI_DATA_IN,
	 "Data-In",
	 {{"flags", FIELD_FLAGS, 1, 1, true, "FA...OUS"},
	  {"status", FIELD_STATUS, 3, 1, false, NULL},
	  DSL,
	  LUN,
	  ITT,
	  TTT,
	  ANSWER_SNS,
	  {"DataSN", FIELD_NUMBER, 36, 4, true, NULL},
	  {"BufferOffset", FIELD_NUMBER, 40, 4, true, NULL},
	  {"ResidualCount", FIELD_NUMBER, 44, 4, false, NULL},
	  END}},
	{ISCSI_LOGOUT_RESPONSE,
	 "Logout Response",
	 {{"response", FIELD_NUMBER, 2, 1, true, NULL},
	  ITT,
	  ANSWER_SNS,
	  {"Time2Wait", FIELD_NUMBER, 40, 2, false, NULL},
	  {"Time2Retain", FIELD_NUMBER, 42, 2, false, NULL},
	  END}},
	{ISCSI_R2T,
	 "R2T",
	 {LUN,
	  ITT,
	  {"TTT", FIELD_TAG, 20, 4, true, NULL},
	  {"StatSN", FIELD_NUMBER, 24, 4, false, NULL},
	  EXP_SNS,
	  {"R2TSN", FIELD_NUMBER, 36, 4, true, NULL},
	  {"BufferOffset", FIELD_NUMBER, 40, 4, true, NULL},
	  {"DesiredDataTransferLength", FIELD_NUMBER, 44, 4, true, NULL},
	  END}},
	{ISCSI_ASYNC_MESSAGE,
	 "Asynchronous Message",
	 {DSL,
	  LUN,
	  ANSWER_SNS,
	  {"AsyncEvent", FIELD_NUMBER, 36, 1, true, NULL},
	  {"AsyncVCode", FIELD_NUMBER, 37, 1, false, NULL},
	  {"Parameter1", FIELD_NUMBER, 38, 2, false, NULL},
	  {"Parameter2", FIELD_NUMBER, 40, 2, false, NULL},
	  {"Parameter3", FIELD_NUMBER, 42, 2, false, NULL},
	  END}},
	{ISCSI_REJECT,
	 "Reject",
	 {{"reason", FIELD_HEX, 2, 1, true, NULL},
	  DSL,
	  ANSWER_SNS,
	  {"DataSN/R2TSN", FIELD_NUMBER, 36, 4, false, NULL},
	  END}},
};

static const struct layout *layout_of(const uint8_t *bhs)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].opcode == (bhs[0] & 0x3f))
			return &layouts[i];
	return NULL;
}

const char *iscsi_pdu_name(const uint8_t bhs[ISCSI_BHS_LEN])
{
	const struct layout *layout = layout_of(bhs);

	return layout ? layout->name : "unknown opcode";
}

/* ---- values ---------------------------------------------------------------------------------- */

static uint32_t number_at(const uint8_t *bhs, const struct field *field)
{
	uint32_t number = 0;

	/* The task attribute: no bytes of its own. */
	if (field->len == 0)
		return bhs[field->at] & 0x07;
	for (unsigned i = 0; i < field->len; i++)
		number = number << 8 | bhs[field->at + i];
	return number;
}

static void flags_text(uint8_t byte, const char *bits, char *ret_text)
{
	size_t len = 0;

	for (unsigned i = 0; i < 8; i++) {
		if (bits[i] == '.' || !(byte >> (7 - i) & 1))
			continue;
		if (len > 0)
			ret_text[len++] = ' ';
		ret_text[len++] = bits[i];
	}
	if (len == 0)
		ret_text[len++] = '-';
	ret_text[len] = '\0';
}

static void bytes_text(const uint8_t *bytes, unsigned len, char *ret_text)
{
	for (unsigned i = 0; i < len; i++)
		snprintf(ret_text + 2 * i, 3, "%02x", bytes[i]);
}

/* SAM-5 4.7: the two ways that this target knows; others as they are. */
static void lun_text(const uint8_t *lun, char *ret_text)
{
	uint64_t field = get_be64(lun);

	if ((field & 0xffffffffffff) == 0 && lun[0] >> 6 <= 1)
		snprintf(ret_text, ISCSI_PDU_TEXT_MAX, "%u",
			 (unsigned)((lun[0] & 0x3fu) << 8 | lun[1]));
	else
		snprintf(ret_text, ISCSI_PDU_TEXT_MAX, "0x%016" PRIx64, field);
}

static void stages_text(uint8_t byte, char *ret_text)
{
	static const char *const stages[] = {"security", "operational", "reserved", "full feature"};

	snprintf(ret_text, ISCSI_PDU_TEXT_MAX, "%s%s%s%s", stages[byte >> 2 & 3],
		 byte & 0x80 ? " to " : "", byte & 0x80 ? stages[byte & 3] : "",
		 byte & 0x40 ? ", to be continued" : "");
}

static void status_text(uint8_t status, char *ret_text)
{
	const char *name = trace_status_name(status);

	snprintf(ret_text, ISCSI_PDU_TEXT_MAX, "0x%02x%s%s", status, name ? " " : "",
		 name ? name : "");
}

static void value_text(const uint8_t *bhs, const struct field *field, char *ret_text)
{
	uint32_t number = number_at(bhs, field);

	switch (field->kind) {
	case FIELD_FLAGS:
		flags_text(bhs[field->at], field->bits, ret_text);
		return;
	case FIELD_LOW_BITS:
		snprintf(ret_text, ISCSI_PDU_TEXT_MAX, "%u", bhs[field->at] & 0x7fu);
		return;
	case FIELD_HEX:
		snprintf(ret_text, ISCSI_PDU_TEXT_MAX, "0x%0*" PRIx32, 2 * field->len, number);
		return;
	case FIELD_TAG:
		if (number == ISCSI_NO_TAG)
			snprintf(ret_text, ISCSI_PDU_TEXT_MAX, "none");
		else
			snprintf(ret_text, ISCSI_PDU_TEXT_MAX, "0x%08" PRIx32, number);
		return;
	case FIELD_LUN:
		lun_text(bhs + field->at, ret_text);
		return;
	case FIELD_BYTES:
		bytes_text(bhs + field->at, field->len, ret_text);
		return;
	case FIELD_CDB:
		trace_cdb_text(bhs + field->at, ret_text, ISCSI_PDU_TEXT_MAX);
		return;
	case FIELD_STATUS:
		status_text(bhs[field->at], ret_text);
		return;
	case FIELD_STAGES:
		stages_text(bhs[field->at], ret_text);
		return;
	case FIELD_NUMBER:
	case FIELD_END:
		break;
	}
	snprintf(ret_text, ISCSI_PDU_TEXT_MAX, "%" PRIu32, number);
}

void iscsi_pdu_describe(const uint8_t bhs[ISCSI_BHS_LEN],
			void (*each)(void *context, const char *field, const char *value),
			void *context)
{
	const struct layout *layout = layout_of(bhs);
	char value[ISCSI_PDU_TEXT_MAX];

	snprintf(value, sizeof(value), "0x%02x %s%s", bhs[0] & 0x3fu, iscsi_pdu_name(bhs),
		 bhs[0] & 0x40 ? ", immediate" : "");
	each(context, "opcode", value);
	for (const struct field *field = layout ? layout->fields : NULL;
	     field && field->kind != FIELD_END; field++) {
		value_text(bhs, field, value);
		each(context, field->name, value);
	}
}

void iscsi_pdu_summary(const uint8_t bhs[ISCSI_BHS_LEN], char ret_text[ISCSI_PDU_TEXT_MAX])
{
	const struct layout *layout = layout_of(bhs);
	char value[ISCSI_PDU_TEXT_MAX];
	int len = snprintf(ret_text, ISCSI_PDU_TEXT_MAX, "%s%s", iscsi_pdu_name(bhs),
			   bhs[0] & 0x40 ? ", immediate" : "");

	for (const struct field *field = layout ? layout->fields : NULL;
	     field && field->kind != FIELD_END; field++) {
		if (!field->in_summary || len >= ISCSI_PDU_TEXT_MAX - 1)
			continue;
		value_text(bhs, field, value);
		len += snprintf(ret_text + len, (size_t)(ISCSI_PDU_TEXT_MAX - len), ", %s %s",
				field->name, value);
	}
}
