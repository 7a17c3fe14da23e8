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
#define REQUESTS	 (LOGIN | ISCSI_OPCODE_BIT(ISCSI_TEXT_REQUEST))
#define CLOSE		 (P(IN) | P(DISCARD))
#define ANYWHERE_ON_WIRE (FAULT_PDUS | FAULT_ACCEPT)

/* clang-format off */
#define ROW(id_, name_, kinds_, opcodes_, positional_, needs_, params_, fields_, doc_) \
	{ .id = FAULT_DO_##id_, .name = (name_), .kinds = (kinds_), .opcodes = (opcodes_), \
	  .positional = (positional_), .needs_it = (needs_), .params = (params_), \
	  .fields = (fields_), .doc = (doc_) }

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
	ROW(ANSWER, "answer", FAULT_COMMAND, 0, NO_WORD, false, P(BYTES) | P(SIZE), false,
	    "is not carried out; this data is its answer, with GOOD"),
	ROW(VANISH, "vanish", FAULT_COMMAND, 0, NO_WORD, false, 0, false,
	    "is never carried out and never answered; task management ends it"),
	ROW(SHORT, "short", FAULT_RESULT, 0, NO_WORD, false, P(TO) | P(BY), false,
	    "brings less data, and says so in the residual"),
	ROW(CORRUPT, "corrupt", FAULT_RESULT | FAULT_SENT, 0, NO_WORD, false,
	    P(AT) | P(XOR) | P(BITS) | P(STUCK), false,
	    "brings wrong data with good digests"),
	ROW(DATA, "data", FAULT_RESULT, 0, NO_WORD, false, P(AT) | P(BYTES), false,
	    "brings these bytes at this place of its data"),

	ROW(DROP, "drop", FAULT_PDUS, 0, NO_WORD, false, 0, false, "is lost on the wire"),
	ROW(DUPLICATE, "duplicate", FAULT_SENT, 0, FAULT_P_COUNT, false, 0, false,
	    "is sent so many times more"),
	ROW(REORDER, "reorder", FAULT_SENT, 0, NO_WORD, false, P(BY), false,
	    "goes behind so many others"),
	ROW(TRUNCATE, "truncate", FAULT_SENT, 0, FAULT_P_TO, true, P(THEN), false,
	    "only so many bytes of it are sent"),
	ROW(SPLIT, "split", FAULT_SENT, 0, FAULT_P_SIZE, false, P(PAUSE), false,
	    "is sent in pieces of so many bytes"),
	ROW(SET, "set", FAULT_PDUS, 0, NO_WORD, false, 0, true, "has these header fields"),
	ROW(BYTES, "bytes", FAULT_SENT, 0, NO_WORD, false, P(AT) | P(BYTES), false,
	    "has these bytes at this place of its header or its data"),
	ROW(RESERVED, "reserved", FAULT_SENT, 0, NO_WORD, false, 0, false,
	    "has every bit of its header set that means nothing"),
	ROW(SEGMENT, "segment", FAULT_SENT, 0, NO_WORD, false, P(BYTES) | P(LEN) | P(FILL), false,
	    "has this data segment, or one of this length"),
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
	ROW(KEY_ADD, "key-add", FAULT_PDUS, TEXTS, FAULT_P_KEY_VALUE, true, P(UNLESS), false,
	    "the key stands at the end, also if it was there"),
	ROW(KEY_FIRST, "key-first", FAULT_PDUS, TEXTS, FAULT_P_KEY_VALUE, true, 0, false,
	    "the key stands at the front, also if it was there"),
	ROW(KEY_DROP, "key-drop", FAULT_PDUS, TEXTS, FAULT_P_KEY, true, 0, false,
	    "the key is left out"),
	ROW(KEY_CHANGE, "key-change", FAULT_PDUS, TEXTS, FAULT_P_KEY_CHANGE, true, 0, false,
	    "a number is another one: +N, -N or *N"),
	ROW(KEY_FLIP, "key-flip", FAULT_PDUS, TEXTS, FAULT_P_KEY, true, 0, false,
	    "a bit of a value in hexadecimal is wrong"),
	ROW(KEY_LEN, "key-len", FAULT_PDUS, TEXTS, FAULT_P_KEY_LEN, true, 0, false,
	    "a value in hexadecimal has so many bytes"),
	ROW(KEY_ECHO, "key-echo", FAULT_SENT, TEXTS, FAULT_P_KEY, true, 0, false,
	    "the key has the value that an initiator said last"),
	ROW(KEY_REVERSE, "key-reverse", FAULT_PDUS, TEXTS, NO_WORD, false, 0, false,
	    "the keys stand in reverse order"),
	ROW(TEXT_PAD, "text-pad", FAULT_PDUS, TEXTS, FAULT_P_SIZE, true, 0, false,
	    "more keys make the text this long"),
	ROW(TEXT, "text", FAULT_PDUS, TEXTS, FAULT_P_TEXT, true, 0, false,
	    "this is the text, whatever it is"),
	ROW(CHAP_ADOPT, "chap-adopt", FAULT_SENT, ISCSI_OPCODE_BIT(ISCSI_LOGIN_RESPONSE), NO_WORD,
	    false, 0, false, "our side goes by the CHAP_I and CHAP_C that the rule has made of it"),
	ROW(PIECES, "pieces", FAULT_RECEIVED, REQUESTS, FAULT_P_SIZE, true, 0, false,
	    "the answer comes in pieces of so many bytes"),
	ROW(RECORDS, "records", FAULT_RECEIVED, ISCSI_OPCODE_BIT(ISCSI_TEXT_REQUEST),
	    FAULT_P_RECORDS, true, 0, false, "SendTargets tells of so many targets more"),

	ROW(STAT_SN, "statsn", ANYWHERE_ON_WIRE, 0, FAULT_P_STAT_SN, true, 0, false,
	    "the next StatSN of the connection is this one, or so many later"),
	ROW(LIMIT, "limit", ANYWHERE_ON_WIRE, 0, FAULT_P_SIZE, true, P(THEN), false,
	    "so many bytes more are sent, and then nothing"),
	ROW(LINGER, "linger", ANYWHERE_ON_WIRE, 0, FAULT_P_MS, true, 0, false,
	    "our side closes it no sooner than after this time"),
	ROW(BANDWIDTH, "bandwidth", ANYWHERE_ON_WIRE, 0, FAULT_P_RATE, true, 0, false,
	    "so many bytes a second are sent"),
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
	if (fault_read_named_param(reader, name, equals + 1, action))
		return !reader->failed;
	if (row->fields)
		return read_setting(reader, rule, action, name, equals + 1);
	fault_consider_params(reader, row, name);
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

	if (row->needs_it && row->positional != NO_WORD &&
	    !fault_given(action, (enum fault_param)row->positional))
		return fault_reader_fail(reader, "`%s` needs a %s behind it", row->name,
					 fault_param_name((enum fault_param)row->positional));
	uint64_t len = action->number[FAULT_P_LEN] > action->bytes_len ? action->number[FAULT_P_LEN]
								       : action->bytes_len;
	if (row->id == FAULT_DO_INSERT && len * action->number[FAULT_P_COUNT] > FAULT_INSERT_MAX)
		return fault_reader_fail(reader, "`insert`: all of it is more than %u bytes",
					 FAULT_INSERT_MAX);
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
		bool taken =
			first && is_positional(ret->row, reader->word)
				? fault_read_param(reader, (enum fault_param)ret->row->positional,
						   reader->word, ret)
				: read_named(reader, rule, ret);

		if (!taken)
			return false;
		first = false;
	}
	return !reader->failed && has_what_it_needs(reader, ret);
}
