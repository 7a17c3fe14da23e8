/*
 * What a fault rule can do: a row each. How it is done stands in fault_command.c, fault_sent.c,
 * fault_received.c and fault_text.c.
 */
#include <string.h>

#include "transport/fault_rule.h"

#define NO_WORD (-1)
#define P(name) FAULT_P_BIT(FAULT_P_##name)
#define TEXTS                                                                             \
	(ISCSI_OPCODE_BIT(ISCSI_LOGIN_REQUEST) | ISCSI_OPCODE_BIT(ISCSI_LOGIN_RESPONSE) | \
	 ISCSI_OPCODE_BIT(ISCSI_TEXT_REQUEST) | ISCSI_OPCODE_BIT(ISCSI_TEXT_RESPONSE))
#define LOGIN		 ISCSI_OPCODE_BIT(ISCSI_LOGIN_REQUEST)
#define CLOSE		 (P(IN) | P(DISCARD))
#define ANYWHERE_ON_WIRE (FAULT_PDUS | FAULT_ACCEPT)

/* clang-format off */
#define ROW(id_, name_, kinds_, opcodes_, positional_, needs_, params_, fields_, doc_) \
	{ .id = FAULT_DO_##id_, .name = name_, .kinds = kinds_, .opcodes = opcodes_, \
	  .positional = positional_, .needs_it = needs_, .params = params_, .fields = fields_, \
	  .doc = doc_ }

const struct fault_action_row fault_actions[] = {
	ROW(STATUS, "status", FAULT_COMMAND | FAULT_RESULT, 0, FAULT_P_STATUS, true, 0, false,
	    "ends with this SCSI status, without sense data"),
	ROW(SENSE, "sense", FAULT_COMMAND | FAULT_RESULT, 0, FAULT_P_SENSE, true,
	    P(FORMAT) | P(DEFERRED) | P(INFORMATION) | P(FIELD), false,
	    "ends with CHECK CONDITION and this sense data"),
	ROW(DELAY, "delay", FAULT_COMMAND | FAULT_PDUS, 0, FAULT_P_MS, true, P(JITTER), false,
	    "goes on after this time"),
	ROW(HOLD, "hold", FAULT_COMMAND | FAULT_PDUS, 0, NO_WORD, false, 0, false,
	    "goes on when it is released, or the rule is taken away"),
	ROW(VANISH, "vanish", FAULT_COMMAND, 0, NO_WORD, false, 0, false,
	    "is never carried out and never answered; task management ends it"),
	ROW(SHORT, "short", FAULT_RESULT, 0, NO_WORD, false, P(TO) | P(BY), false,
	    "brings less data, and says so in the residual"),
	ROW(CORRUPT, "corrupt", FAULT_RESULT | FAULT_SENT, 0, NO_WORD, false,
	    P(AT) | P(XOR) | P(BITS) | P(STUCK), false,
	    "brings wrong data with good digests"),

	ROW(DROP, "drop", FAULT_PDUS, 0, NO_WORD, false, 0, false, "is lost on the wire"),
	ROW(DUPLICATE, "duplicate", FAULT_SENT, 0, FAULT_P_COUNT, false, 0, false,
	    "is sent so many times more"),
	ROW(TRUNCATE, "truncate", FAULT_SENT, 0, FAULT_P_TO, true, P(THEN), false,
	    "only so many bytes of it are sent"),
	ROW(SPLIT, "split", FAULT_SENT, 0, FAULT_P_SIZE, false, P(PAUSE), false,
	    "is sent in pieces of so many bytes"),
	ROW(SET, "set", FAULT_PDUS, 0, NO_WORD, false, 0, true, "has these header fields"),
	ROW(FLIP, "flip", FAULT_SENT, 0, NO_WORD, false, P(AT) | P(XOR), false,
	    "has wrong bits in a byte of its header or its data"),
	ROW(HEADER_DIGEST, "header-digest", FAULT_SENT, 0, NO_WORD, false, 0, false,
	    "has a wrong header digest, if there is any"),
	ROW(DATA_DIGEST, "data-digest", FAULT_SENT, 0, NO_WORD, false, 0, false,
	    "has a wrong data digest, if there is any"),
	ROW(INSERT, "insert", FAULT_PDUS, 0, FAULT_P_PDU, true,
	    P(BYTES) | P(LEN) | P(FILL) | P(IN) | P(COUNT) | P(AFTER) | P(SN) | P(TASK), true,
	    "a PDU of ours is sent that nothing called for"),
	ROW(REJECT, "reject", FAULT_RECEIVED, 0, FAULT_P_REASON, true, P(GO_ON), false,
	    "is answered with Reject, and not looked at"),

	ROW(REFUSE, "refuse", FAULT_RECEIVED, LOGIN, FAULT_P_LOGIN_STATUS, true,
	    P(OPEN) | P(ADDRESS), false, "the login ends with this status"),
	ROW(REDIRECT, "redirect", FAULT_RECEIVED, LOGIN, FAULT_P_ADDRESS, true, P(PERMANENT),
	    false, "the login is sent on to this address"),
	ROW(KEY_SET, "key-set", FAULT_PDUS, TEXTS, FAULT_P_KEY_VALUE, true, 0, false,
	    "the key has this value, also if it was not there"),
	ROW(KEY_ADD, "key-add", FAULT_PDUS, TEXTS, FAULT_P_KEY_VALUE, true, 0, false,
	    "the key stands at the end, also if it was there"),
	ROW(KEY_FIRST, "key-first", FAULT_PDUS, TEXTS, FAULT_P_KEY_VALUE, true, 0, false,
	    "the key stands at the front, also if it was there"),
	ROW(KEY_DROP, "key-drop", FAULT_PDUS, TEXTS, FAULT_P_KEY, true, 0, false,
	    "the key is left out"),

	ROW(FIN, "fin", ANYWHERE_ON_WIRE, 0, NO_WORD, false, CLOSE, false,
	    "the connection is closed when all is sent"),
	ROW(RST, "rst", ANYWHERE_ON_WIRE, 0, NO_WORD, false, CLOSE, false,
	    "the connection is reset"),
	ROW(DEAF, "deaf", ANYWHERE_ON_WIRE, 0, NO_WORD, false, P(FOR), false,
	    "nothing is read from the connection any more"),
	ROW(MUTE, "mute", ANYWHERE_ON_WIRE, 0, NO_WORD, false, P(FOR), false,
	    "nothing is sent on the connection any more"),
	ROW(DEAD, "dead", ANYWHERE_ON_WIRE, 0, NO_WORD, false, P(FOR), false,
	    "nothing is read or sent any more"),
};
/* clang-format on */

const size_t fault_action_count = sizeof(fault_actions) / sizeof(fault_actions[0]);

/* --- parameters ------------------------------------------------------------------------------- */

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
	case PARAM_INVALID:
		break;
	}
	return fault_reader_fail(reader, "`%s` cannot be read", row->name);
}

/* --- one action ------------------------------------------------------------------------------- */

static bool read_name(struct fault_reader *reader, const struct fault_rule *rule,
		      struct fault_action *action)
{
	const struct fault_action_row *row = NULL;

	if (!fault_reader_next(reader))
		return fault_reader_fail(reader, "behind `do` comes an action");
	for (size_t i = 0; i < fault_action_count; i++)
		if (strcmp(fault_actions[i].name, reader->word) == 0)
			row = &fault_actions[i];
	bool fits = row && (row->kinds & rule->kinds) == rule->kinds &&
		    (row->opcodes == 0 || !(rule->opcodes & ~row->opcodes));
	if (fits) {
		action->row = row;
		return true;
	}
	for (size_t i = 0; !row && i < fault_action_count; i++)
		if (fault_actions[i].kinds & rule->kinds)
			fault_reader_consider(reader, reader->word, fault_actions[i].name);
	return fault_reader_fail(reader,
				 row ? "`%s` is not for this moment" : "there is no action `%s`",
				 reader->word);
}

static const struct param_row *param_of(enum fault_param param)
{
	size_t i = 0;

	while (params[i].param != param)
		i++;
	return &params[i];
}

static const struct param_row *param_named(const struct fault_action_row *row, const char *name)
{
	for (size_t i = 0; i < PARAM_ROWS; i++)
		if (row->params & FAULT_P_BIT(params[i].param) && strcmp(params[i].name, name) == 0)
			return &params[i];
	return NULL;
}

static uint64_t setting_opcodes(const struct fault_rule *rule, const struct fault_action *action)
{
	return action->row->id == FAULT_DO_INSERT ? ISCSI_OPCODE_BIT(action->number[FAULT_P_PDU])
						  : rule->opcodes;
}

static bool read_setting(struct fault_reader *reader, const struct fault_rule *rule,
			 struct fault_action *action, const char *name, const char *value)
{
	if (action->setting_count == FAULT_SETTINGS_MAX)
		return fault_reader_fail(reader, "more than %d fields are set", FAULT_SETTINGS_MAX);
	return fault_read_setting(reader, setting_opcodes(rule, action), name, value,
				  &action->settings[action->setting_count++]);
}

static bool read_named(struct fault_reader *reader, const struct fault_rule *rule,
		       struct fault_action *action)
{
	const struct fault_action_row *row = action->row;
	char *name = reader->word, *equals = strchr(name, '=');

	if (!equals)
		return fault_reader_fail(reader, "`%s` does not take `%s`", row->name, name);
	*equals = '\0';
	const struct param_row *param = param_named(row, name);
	if (param)
		return read_param(reader, param, equals + 1, action);
	if (row->fields)
		return read_setting(reader, rule, action, name, equals + 1);
	for (size_t i = 0; i < PARAM_ROWS; i++)
		if (row->params & FAULT_P_BIT(params[i].param))
			fault_reader_consider(reader, name, params[i].name);
	return fault_reader_fail(reader, "`%s` has no parameter `%s`", row->name, name);
}

/* The word behind the name may be left out where it has a default. */
static bool is_positional(const struct fault_action_row *row, const char *word)
{
	if (row->positional == NO_WORD)
		return false;
	return row->needs_it || !strchr(word, '=');
}

static bool has_what_it_needs(struct fault_reader *reader, const struct fault_action *action)
{
	const struct fault_action_row *row = action->row;

	if (row->needs_it && !fault_given(action, (enum fault_param)row->positional))
		return fault_reader_fail(reader, "`%s` needs %s %s behind it", row->name,
					 strchr("aeiou", param_of(row->positional)->name[0]) ? "an"
											     : "a",
					 param_of(row->positional)->name);
	if (row->id == FAULT_DO_SET && action->setting_count == 0)
		return fault_reader_fail(reader, "`set` needs FIELD=VALUE behind it");
	return true;
}

/* Stops at the next `do`, which is then the word at hand, or at the end. */
bool fault_read_action(struct fault_reader *reader, const struct fault_rule *rule,
		       struct fault_action *ret)
{
	bool first = true;

	*ret = (struct fault_action){0};
	if (!read_name(reader, rule, ret))
		return false;
	while (fault_reader_next(reader) && strcmp(reader->word, "do") != 0) {
		bool taken = first && is_positional(ret->row, reader->word)
				     ? read_param(reader, param_of(ret->row->positional),
						  reader->word, ret)
				     : read_named(reader, rule, ret);

		if (!taken)
			return false;
		first = false;
	}
	return !reader->failed && has_what_it_needs(reader, ret);
}
