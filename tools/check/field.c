#include "tools/check/field.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_LEN 32

/* False: it is longer than any name. */
static bool copy_name(const char *name, size_t len, char ret_name[NAME_MAX_LEN + 1])
{
	if (len > NAME_MAX_LEN)
		return false;
	memcpy(ret_name, name, len);
	ret_name[len] = '\0';
	return true;
}

int check_pdu_opcode(const char *name, size_t len)
{
	char word[NAME_MAX_LEN + 1];
	uint8_t opcode;

	return copy_name(name, len, word) && iscsi_pdu_word_parse(word, &opcode) ? opcode : -1;
}

bool check_field(const uint8_t bhs[ISCSI_BHS_LEN], const char *name, size_t len,
		 uint64_t *ret_value)
{
	char word[NAME_MAX_LEN + 1];
	const struct iscsi_pdu_field *field =
		copy_name(name, len, word) ? iscsi_pdu_field_find(bhs[0] & 0x3f, word) : NULL;

	if (field)
		*ret_value = iscsi_pdu_field_get(field, bhs);
	return field != NULL;
}

bool check_field_known(const char *name, size_t len)
{
	for (size_t i = 0; i < iscsi_pdu_field_count; i++)
		if (strlen(iscsi_pdu_fields[i].name) == len &&
		    memcmp(iscsi_pdu_fields[i].name, name, len) == 0)
			return true;
	return false;
}

/* Lengths and flags say nothing that their parts do not say; zeros only where a number counts. */
static bool is_shown(const struct iscsi_pdu_field *field, uint64_t value)
{
	static const char *const left_out[] = {"opcode", "flags", "ahs", "immediate"};

	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (strcmp(field->name, left_out[i]) == 0)
			return false;
	return value != 0 || (field->width == 4 && field->mask == 0);
}

void check_describe(const uint8_t bhs[ISCSI_BHS_LEN], char *ret_text, size_t len)
{
	uint8_t opcode = bhs[0] & 0x3f;
	int used = snprintf(ret_text, len, "%s%s", iscsi_opcode_name(opcode),
			    opcode < 0x20 && (bhs[0] & 0x40) ? " (immediate)" : "");

	for (size_t i = 0; i < iscsi_pdu_field_count && used >= 0 && (size_t)used < len; i++) {
		const struct iscsi_pdu_field *field = &iscsi_pdu_fields[i];
		if ((field->opcodes & ISCSI_OPCODE_BIT(opcode)) == 0)
			continue;
		uint64_t value = iscsi_pdu_field_get(field, bhs);
		if (!is_shown(field, value))
			continue;
		int more = snprintf(ret_text + used, len - (size_t)used, " %s %s%llx", field->name,
				    value > 9 ? "0x" : "", (unsigned long long)value);
		used = more < 0 ? -1 : used + more;
	}
}
