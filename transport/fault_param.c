/*
 * The parameters of fault actions: a row each.
 */
#include <string.h>

#include "transport/fault_rule.h"

enum param_kind {
	PARAM_INVALID = 0,
	PARAM_NUMBER,
	PARAM_HEX,
	PARAM_TIME,
	PARAM_YES_NO,
	PARAM_BYTES,
	PARAM_TEXT,
	PARAM_KEY_VALUE,
	PARAM_STATUS,
	PARAM_SENSE,
	PARAM_FORMAT,
	PARAM_INFORMATION,
	PARAM_AMOUNT, /* N or N% */
	PARAM_PLACE,  /* N or data+N */
	PARAM_THEN,
	PARAM_PDU,
	PARAM_OFFERED,	  /* the word `offered` */
	PARAM_RAW,	  /* bytes as they stand there */
	PARAM_KEY_CHANGE, /* KEY=+N, KEY=-N or KEY=*N */
	PARAM_KEY_LEN,	  /* KEY=N */
	PARAM_STAT_SN,	  /* N or +N */
};

struct param_row {
	const char *name;
	enum fault_param param;
	enum param_kind kind;
	uint64_t max;
};

#define PDU_LEN_MAX 0xffffff /* of a data segment: 24 bits */

/* clang-format off */
static const struct param_row params[] = {
	{"status",	FAULT_P_STATUS,		PARAM_STATUS,	   0},
	{"sense",	FAULT_P_SENSE,		PARAM_SENSE,	   0},
	{"format",	FAULT_P_FORMAT,		PARAM_FORMAT,	   0},
	{"deferred",	FAULT_P_DEFERRED,	PARAM_YES_NO,	   0},
	{"information",	FAULT_P_INFORMATION,	PARAM_INFORMATION, 0},
	{"field",	FAULT_P_FIELD,		PARAM_NUMBER,	   UINT16_MAX},
	{"time",	FAULT_P_MS,		PARAM_TIME,	   0},
	{"jitter",	FAULT_P_JITTER,		PARAM_TIME,	   0},
	{"to",		FAULT_P_TO,		PARAM_AMOUNT,	   UINT32_MAX},
	{"by",		FAULT_P_BY,		PARAM_NUMBER,	   UINT32_MAX},
	{"at",		FAULT_P_AT,		PARAM_PLACE,	   UINT32_MAX},
	{"xor",		FAULT_P_XOR,		PARAM_HEX,	   UINT8_MAX},
	{"mask",	FAULT_P_XOR,		PARAM_HEX,	   UINT8_MAX},
	{"bits",	FAULT_P_BITS,		PARAM_NUMBER,	   1024},
	{"stuck",	FAULT_P_STUCK,		PARAM_YES_NO,	   0},
	{"bytes",	FAULT_P_BYTES,		PARAM_BYTES,	   0},
	{"hex",		FAULT_P_BYTES,		PARAM_BYTES,	   0},
	{"size",	FAULT_P_SIZE,		PARAM_NUMBER,	   PDU_LEN_MAX},
	{"count",	FAULT_P_COUNT,		PARAM_NUMBER,	   1024},
	{"then",	FAULT_P_THEN,		PARAM_THEN,	   0},
	{"pause",	FAULT_P_PAUSE,		PARAM_TIME,	   0},
	{"len",		FAULT_P_LEN,		PARAM_NUMBER,	   PDU_LEN_MAX},
	{"fill",	FAULT_P_FILL,		PARAM_HEX,	   UINT8_MAX},
	{"pdu",		FAULT_P_PDU,		PARAM_PDU,	   0},
	{"in",		FAULT_P_IN,		PARAM_TIME,	   0},
	{"after",	FAULT_P_AFTER,		PARAM_YES_NO,	   0},
	{"sn",		FAULT_P_SN,		PARAM_YES_NO,	   0},
	{"task",	FAULT_P_TASK,		PARAM_YES_NO,	   0},
	{"reason",	FAULT_P_REASON,		PARAM_HEX,	   UINT8_MAX},
	{"go-on",	FAULT_P_GO_ON,		PARAM_YES_NO,	   0},
	{"status",	FAULT_P_LOGIN_STATUS,	PARAM_HEX,	   UINT16_MAX},
	{"open",	FAULT_P_OPEN,		PARAM_YES_NO,	   0},
	{"address",	FAULT_P_ADDRESS,	PARAM_TEXT,	   0},
	{"permanent",	FAULT_P_PERMANENT,	PARAM_YES_NO,	   0},
	{"discard",	FAULT_P_DISCARD,	PARAM_YES_NO,	   0},
	{"for",		FAULT_P_FOR,		PARAM_TIME,	   0},
	{"rate",	FAULT_P_RATE,		PARAM_NUMBER,	   UINT32_MAX},
	{"key",		FAULT_P_KEY,		PARAM_TEXT,	   0},
	{"key",		FAULT_P_KEY_VALUE,	PARAM_KEY_VALUE,   0},
	{"key",		FAULT_P_KEY_CHANGE,	PARAM_KEY_CHANGE,  UINT64_MAX},
	{"key",		FAULT_P_KEY_LEN,	PARAM_KEY_LEN,	   4096},
	{"text",	FAULT_P_TEXT,		PARAM_RAW,	   0},
	{"unless",	FAULT_P_UNLESS,		PARAM_OFFERED,	   0},
	{"number",	FAULT_P_STAT_SN,	PARAM_STAT_SN,	   UINT32_MAX},
	{"number",	FAULT_P_RECORDS,	PARAM_NUMBER,	   30000},
};
/* clang-format on */

#define PARAM_ROWS (sizeof(params) / sizeof(params[0]))

/* "3/11/0". */
static bool read_sense(struct fault_reader *reader, const char *name, const char *value,
		       uint64_t *ret)
{
	static const uint64_t max[] = {0xf, 0xff, 0xff};
	uint64_t sense = 0, part;
	char piece[8];

	for (unsigned i = 0; i < 3; i++) {
		const char *slash = strchrnul(value, '/');
		size_t len = (size_t)(slash - value);

		if (len == 0 || len >= sizeof(piece) || (*slash == '\0') != (i == 2))
			return fault_reader_fail(
				reader, "`%s` wants KEY/ASC/ASCQ in hexadecimal, such as 3/11/00",
				name);
		memcpy(piece, value, len);
		piece[len] = '\0';
		if (!fault_read_hex(reader, name, piece, max[i], &part))
			return false;
		sense = sense << 8 | part;
		value = slash + 1;
	}
	*ret = sense;
	return true;
}

/* The index of the word in a list that ends with NULL. */
static bool read_choice(struct fault_reader *reader, const char *name, const char *value,
			const char *const *words, uint64_t *ret)
{
	for (unsigned i = 0; words[i]; i++) {
		fault_reader_consider(reader, value, words[i]);
		if (strcmp(words[i], value) != 0)
			continue;
		*ret = i;
		return true;
	}
	return fault_reader_fail(reader, "`%s` cannot be `%s`", name, value);
}

static bool read_amount(struct fault_reader *reader, const char *name, char *value, uint64_t max,
			uint64_t *ret)
{
	size_t len = strlen(value);
	bool percent = len > 0 && value[len - 1] == '%';

	if (percent)
		value[len - 1] = '\0';
	if (!fault_read_number(reader, name, value, percent ? 100 : max, ret))
		return false;
	if (percent)
		*ret |= FAULT_PERCENT;
	return true;
}

static bool read_place(struct fault_reader *reader, const char *name, const char *value,
		       uint64_t max, uint64_t *ret)
{
	bool in_data = strncmp(value, "data+", 5) == 0;

	if (!fault_read_number(reader, name, in_data ? value + 5 : value, max, ret))
		return false;
	if (in_data)
		*ret |= FAULT_IN_DATA;
	return true;
}

static bool read_pdu(struct fault_reader *reader, const char *value, uint64_t *ret)
{
	uint8_t opcode;

	if (iscsi_pdu_word_parse(value, &opcode) &&
	    ISCSI_OPCODE_BIT(opcode) & ISCSI_RESPONSE_OPCODES) {
		*ret = opcode;
		return true;
	}
	for (opcode = 0; opcode < 64; opcode++)
		if (ISCSI_OPCODE_BIT(opcode) & ISCSI_RESPONSE_OPCODES)
			fault_reader_consider(reader, value, iscsi_pdu_word(opcode));
	return fault_reader_fail(reader, "`%s` is no PDU that a target sends", value);
}

static bool read_key_value(struct fault_reader *reader, char *value, struct fault_action *action)
{
	char *equals = strchr(value, '=');

	if (!equals || equals == value)
		return fault_reader_fail(reader, "`%s` wants KEY=VALUE, not `%s`",
					 action->row->name, value);
	*equals = '\0';
	action->text = value;
	action->value = equals + 1;
	return true;
}

static bool read_key_change(struct fault_reader *reader, char *value, uint64_t max,
			    struct fault_action *action, uint64_t *ret)
{
	if (!read_key_value(reader, value, action))
		return false;
	char sign = action->value[0];
	if (sign != '+' && sign != '-' && sign != '*')
		return fault_reader_fail(reader, "`%s` wants +N, -N or *N, not `%s`",
					 action->row->name, action->value);
	return fault_read_number(reader, action->text, action->value + 1, max, ret);
}

static bool read_stat_sn(struct fault_reader *reader, const char *name, const char *value,
			 uint64_t max, uint64_t *ret)
{
	bool relative = value[0] == '+';

	if (!fault_read_number(reader, name, value + relative, max, ret))
		return false;
	if (relative)
		*ret |= FAULT_RELATIVE;
	return true;
}

static bool read_param(struct fault_reader *reader, const struct param_row *row, char *value,
		       struct fault_action *action)
{
	static const char *const formats[] = {"own", "fixed", "descriptor", NULL};
	static const char *const thens[] = {"nothing", "fin", "rst", NULL};
	uint64_t *number = &action->number[row->param];

	action->given |= FAULT_P_BIT(row->param);
	switch (row->kind) {
	case PARAM_NUMBER:
		return fault_read_number(reader, row->name, value, row->max, number);
	case PARAM_HEX:
		return fault_read_hex(reader, row->name, value, row->max, number);
	case PARAM_TIME:
		return fault_read_duration(reader, row->name, value, number);
	case PARAM_YES_NO:
		return fault_read_yes_no(reader, row->name, value, number);
	case PARAM_BYTES:
		action->bytes = (const uint8_t *)value;
		return fault_read_bytes(reader, row->name, value, &action->bytes_len);
	case PARAM_TEXT:
		action->text = value;
		return true;
	case PARAM_KEY_VALUE:
		return read_key_value(reader, value, action);
	case PARAM_STATUS:
		return fault_read_status(reader, row->name, value, number);
	case PARAM_SENSE:
		return read_sense(reader, row->name, value, number);
	case PARAM_FORMAT:
		return read_choice(reader, row->name, value, formats, number);
	case PARAM_INFORMATION:
		*number = FAULT_INFORMATION_LBA;
		return strcmp(value, "lba") == 0 ||
		       fault_read_number(reader, row->name, value, UINT64_MAX - 1, number);
	case PARAM_AMOUNT:
		return read_amount(reader, row->name, value, row->max, number);
	case PARAM_PLACE:
		return read_place(reader, row->name, value, row->max, number);
	case PARAM_THEN:
		return read_choice(reader, row->name, value, thens, number);
	case PARAM_PDU:
		return read_pdu(reader, value, number);
	case PARAM_RAW:
		action->bytes = (const uint8_t *)value;
		action->bytes_len = (uint32_t)(reader->word + reader->word_len - value);
		return true;
	case PARAM_OFFERED:
		return strcmp(value, "offered") == 0 ||
		       fault_reader_fail(reader, "`unless` can be `offered` only");
	case PARAM_KEY_CHANGE:
		return read_key_change(reader, value, row->max, action, number);
	case PARAM_KEY_LEN:
		return read_key_value(reader, value, action) &&
		       fault_read_number(reader, action->text, action->value, row->max, number);
	case PARAM_STAT_SN:
		return read_stat_sn(reader, row->name, value, row->max, number);
	case PARAM_INVALID:
		break;
	}
	return fault_reader_fail(reader, "`%s` cannot be read", row->name);
}

static const struct param_row *param_of(enum fault_param param)
{
	size_t i = 0;

	while (params[i].param != param)
		i++;
	return &params[i];
}

const char *fault_param_name(enum fault_param param)
{
	return param_of(param)->name;
}

bool fault_read_param(struct fault_reader *reader, enum fault_param param, char *value,
		      struct fault_action *action)
{
	return read_param(reader, param_of(param), value, action);
}

bool fault_read_named_param(struct fault_reader *reader, const char *name, char *value,
			    struct fault_action *action)
{
	for (size_t i = 0; i < PARAM_ROWS; i++) {
		if (!(action->row->params & FAULT_P_BIT(params[i].param)) ||
		    strcmp(params[i].name, name) != 0)
			continue;
		read_param(reader, &params[i], value, action);
		return true;
	}
	return false;
}

void fault_consider_params(struct fault_reader *reader, const struct fault_action_row *row,
			   const char *name)
{
	for (size_t i = 0; i < PARAM_ROWS; i++)
		if (row->params & FAULT_P_BIT(params[i].param))
			fault_reader_consider(reader, name, params[i].name);
}
