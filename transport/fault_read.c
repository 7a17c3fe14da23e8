/*
 * The words and values of a fault rule.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/task.h"
#include "transport/fault_rule.h"
#include "transport/text.h"

/* --- words ------------------------------------------------------------------------------------ */

void fault_reader_init(struct fault_reader *reader, const char *text, char *storage,
		       iscsi_fault_consider consider, char *error)
{
	*reader = (struct fault_reader){
		.at = text,
		.storage = storage,
		.consider = consider,
		.best_cost = SIZE_MAX,
		.error = error,
	};
}

bool fault_reader_fail(struct fault_reader *reader, const char *format, ...)
{
	va_list args;

	if (reader->failed)
		return false;
	reader->failed = true;
	va_start(args, format);
	int len = vsnprintf(reader->error, ISCSI_FAULT_ERROR_MAX, format, args);
	va_end(args);
	if (reader->best && len > 0 && len < ISCSI_FAULT_ERROR_MAX)
		snprintf(reader->error + len, (size_t)(ISCSI_FAULT_ERROR_MAX - len),
			 "; did you mean `%s`?", reader->best);
	else if (reader->considered && len > 0 && len < ISCSI_FAULT_ERROR_MAX)
		snprintf(reader->error + len, (size_t)(ISCSI_FAULT_ERROR_MAX - len),
			 "; holdfast-faults(7) has what there is");
	return false;
}

void fault_reader_consider(struct fault_reader *reader, const char *word, const char *candidate)
{
	reader->considered = true;
	if (reader->consider)
		reader->consider(word, candidate, &reader->best, &reader->best_cost);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Behind a backslash: the character it stands for, or -1. */
static int escaped(const char **at)
{
	const char *p = *at;

	if (*p == '"' || *p == '\\') {
		*at = p + 1;
		return *p;
	}
	if (*p != 'x' || hex_digit(p[1]) < 0 || hex_digit(p[2]) < 0)
		return -1;
	*at = p + 3;
	return hex_digit(p[1]) * 16 + hex_digit(p[2]);
}

/* One character of the word at hand; `quoted` is turned over at a quote. */
static bool take_character(struct fault_reader *reader, bool *quoted)
{
	char c = *reader->at++;
	int e;

	if (c == '"') {
		*quoted = !*quoted;
		return true;
	}
	if (c == '\\' && *quoted) {
		e = escaped(&reader->at);
		if (e < 0)
			return fault_reader_fail(reader,
						 "in quotes, a backslash stands before `\"`, "
						 "`\\` or `xHH`");
		c = (char)e;
	}
	reader->word[reader->word_len++] = c;
	return true;
}

bool fault_reader_next(struct fault_reader *reader)
{
	bool quoted = false;

	reader->word = NULL;
	reader->considered = false;
	reader->best = NULL;
	reader->best_cost = SIZE_MAX;
	while (is_blank(*reader->at))
		reader->at++;
	if (*reader->at == '\0' || reader->failed)
		return false;
	reader->word = reader->storage;
	reader->word_len = 0;
	while (*reader->at != '\0' && (quoted || !is_blank(*reader->at)))
		if (!take_character(reader, &quoted))
			return false;
	if (quoted)
		return fault_reader_fail(reader, "a quote `\"` is not closed");
	reader->word[reader->word_len] = '\0';
	reader->storage += reader->word_len + 1;
	return true;
}

/* --- values ----------------------------------------------------------------------------------- */

bool fault_read_number(struct fault_reader *reader, const char *name, const char *value,
		       uint64_t max, uint64_t *ret)
{
	uint64_t number;

	if (!iscsi_text_number(value, &number))
		return fault_reader_fail(reader, "`%s`: `%s` is not a number", name, value);
	if (number > max)
		return fault_reader_fail(reader, "`%s`: %s is more than %llu", name, value,
					 (unsigned long long)max);
	*ret = number;
	return true;
}

bool fault_read_hex(struct fault_reader *reader, const char *name, const char *value, uint64_t max,
		    uint64_t *ret)
{
	const char *at =
		value[0] == '0' && (value[1] == 'x' || value[1] == 'X') ? value + 2 : value;
	uint64_t number = 0;

	if (*at == '\0')
		return fault_reader_fail(reader, "`%s` wants a number in hexadecimal", name);
	for (; *at != '\0'; at++) {
		if (hex_digit(*at) < 0)
			return fault_reader_fail(reader, "`%s`: `%s` is not a hexadecimal number",
						 name, value);
		number = number << 4 | (unsigned)hex_digit(*at);
		if (number > max)
			return fault_reader_fail(reader, "`%s`: `%s` is more than %llx", name,
						 value, (unsigned long long)max);
	}
	*ret = number;
	return true;
}

bool fault_read_duration(struct fault_reader *reader, const char *name, const char *value,
			 uint64_t *ret_ms)
{
	static const uint64_t max_ms = UINT64_C(1000) * 86400 * 365;
	char *end;
	uint64_t unit = 1;

	unsigned long long number = strtoull(value, &end, 10);
	if (strcmp(end, "s") == 0)
		unit = 1000;
	else if (*end != '\0' && strcmp(end, "ms") != 0)
		end = NULL;
	if (!end || value[0] < '0' || value[0] > '9' || number > max_ms / unit)
		return fault_reader_fail(
			reader, "`%s`: `%s` is not a time such as 500, 500ms or 2s", name, value);
	*ret_ms = number * unit;
	return true;
}

bool fault_read_yes_no(struct fault_reader *reader, const char *name, const char *value,
		       uint64_t *ret)
{
	bool yes = strcmp(value, "yes") == 0;

	if (!yes && strcmp(value, "no") != 0)
		return fault_reader_fail(reader, "`%s`: `%s` is neither yes nor no", name, value);
	*ret = yes;
	return true;
}

bool fault_read_bytes(struct fault_reader *reader, const char *name, char *value, uint32_t *ret_len)
{
	const char *from = value[0] == '0' && value[1] == 'x' ? value + 2 : value;
	size_t len = strlen(from) / 2;

	if (strlen(from) % 2 != 0)
		return fault_reader_fail(reader, "`%s`: there are two digits to each byte", name);
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(from[2 * i]), low = hex_digit(from[2 * i + 1]);

		if (high < 0 || low < 0)
			return fault_reader_fail(reader, "`%s`: `%.2s` is no byte in hexadecimal",
						 name, from + 2 * i);
		value[i] = (char)(high * 16 + low);
	}
	*ret_len = (uint32_t)len;
	return true;
}

static const struct {
	const char *name;
	uint8_t status;
} statuses[] = {
	{"good", SCSI_STATUS_GOOD},
	{"check-condition", SCSI_STATUS_CHECK_CONDITION},
	{"condition-met", SCSI_STATUS_CONDITION_MET},
	{"busy", SCSI_STATUS_BUSY},
	{"reservation-conflict", SCSI_STATUS_RESERVATION_CONFLICT},
	{"task-set-full", SCSI_STATUS_TASK_SET_FULL},
	{"aca-active", SCSI_STATUS_ACA_ACTIVE},
	{"task-aborted", SCSI_STATUS_TASK_ABORTED},
};

bool fault_read_status(struct fault_reader *reader, const char *name, const char *value,
		       uint64_t *ret)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (strcmp(statuses[i].name, value) == 0) {
			*ret = statuses[i].status;
			return true;
		}
		fault_reader_consider(reader, value, statuses[i].name);
	}
	if (value[0] == '0' && value[1] == 'x')
		return fault_read_hex(reader, name, value, UINT8_MAX, ret);
	return fault_reader_fail(reader, "`%s`: there is no SCSI status `%s`", name, value);
}

/* --- header fields ---------------------------------------------------------------------------- */

bool fault_field_exists(uint64_t opcodes, const char *field)
{
	for (size_t i = 0; i < iscsi_pdu_field_count; i++)
		if (iscsi_pdu_fields[i].opcodes & opcodes &&
		    strcmp(iscsi_pdu_fields[i].name, field) == 0)
			return true;
	return false;
}

/* The table's own text, which outlives every rule; NULL: no such field. `len` bytes of name. */
static const char *field_name(uint64_t opcodes, const char *name, size_t len)
{
	for (size_t i = 0; i < iscsi_pdu_field_count; i++) {
		const struct iscsi_pdu_field *field = &iscsi_pdu_fields[i];

		if (field->opcodes & opcodes && strncmp(field->name, name, len) == 0 &&
		    field->name[len] == '\0')
			return field->name;
	}
	return NULL;
}

/* Names have dashes in them, so the longest one that fits is the one that is meant. */
static const char *base_name(uint64_t opcodes, const char *value, size_t *ret_len)
{
	for (size_t len = strlen(value); len > 0; len--) {
		const char *name =
			strchr("+-^", value[len]) ? field_name(opcodes, value, len) : NULL;

		if (name) {
			*ret_len = len;
			return name;
		}
	}
	return NULL;
}

static enum fault_change change_of(char sign)
{
	switch (sign) {
	case '+':
		return FAULT_CHANGE_PLUS;
	case '-':
		return FAULT_CHANGE_MINUS;
	case '^':
		return FAULT_CHANGE_XOR;
	default:
		return FAULT_CHANGE_TO;
	}
}

/* The most that any of these headers has room for. */
static uint64_t field_max(uint64_t opcodes, const char *name)
{
	uint64_t most = 0;

	for (size_t i = 0; i < iscsi_pdu_field_count; i++) {
		const struct iscsi_pdu_field *field = &iscsi_pdu_fields[i];
		uint8_t ones[ISCSI_BHS_LEN];

		if (!(field->opcodes & opcodes) || strcmp(field->name, name) != 0)
			continue;
		memset(ones, 0xff, sizeof(ones));
		uint64_t value = iscsi_pdu_field_get(field, ones);
		most = value > most ? value : most;
	}
	return most;
}

/* "7", "+7", "none", "random", "expcmdsn-1". */
static bool read_change(struct fault_reader *reader, uint64_t opcodes, const char *value,
			struct fault_setting *setting)
{
	const char *at = value;
	size_t len;

	if (strcmp(value, "random") == 0) {
		setting->change = FAULT_CHANGE_RANDOM;
		return true;
	}
	if (strcmp(value, "none") == 0) {
		setting->value = UINT64_MAX;
		return true;
	}
	if (change_of(*at) == FAULT_CHANGE_TO && (*at < '0' || *at > '9')) {
		setting->base = base_name(opcodes, at, &len);
		if (!setting->base)
			return fault_reader_fail(
				reader,
				"`%s`: `%s` is not a number, a change (+N, -N, ^N), `none`, "
				"`random` or another field",
				setting->field, value);
		at += len;
		setting->change = FAULT_CHANGE_PLUS;
		if (*at == '\0')
			return true;
	}
	if (change_of(*at) != FAULT_CHANGE_TO)
		setting->change = change_of(*at++);
	return fault_read_number(reader, setting->field, at, field_max(opcodes, setting->field),
				 &setting->value);
}

bool fault_read_setting(struct fault_reader *reader, uint64_t opcodes, const char *field,
			const char *value, struct fault_setting *ret)
{
	struct fault_setting setting = {.field = field_name(opcodes, field, strlen(field))};

	if (!setting.field) {
		for (size_t i = 0; i < iscsi_pdu_field_count; i++)
			if (iscsi_pdu_fields[i].opcodes & opcodes)
				fault_reader_consider(reader, field, iscsi_pdu_fields[i].name);
		return fault_reader_fail(reader, "this PDU's header has no field `%s`", field);
	}
	if (!read_change(reader, opcodes, value, &setting))
		return false;
	*ret = setting;
	return true;
}
