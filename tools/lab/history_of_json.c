/*
 * Lines to events, each member checked. A member that nobody knows is an error, so that a misspelt
 * one is not lost.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/history_json.h"

bool history_refuse(struct history_error *ret_error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(ret_error->text, sizeof(ret_error->text), format, arguments);
	va_end(arguments);
	return false;
}

bool history_number_of_json(const char *name, const json_t *value, uint64_t max, uint64_t *ret,
			    struct history_error *ret_error)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > max)
		return history_refuse(ret_error, "`%s` is not a number from 0 to %" PRIu64, name,
				      max);
	*ret = (uint64_t)json_integer_value(value);
	return true;
}

bool history_key_of_json(const char *name, const json_t *value, uint64_t *ret,
			 struct history_error *ret_error)
{
	const char *text = json_string_value(value);
	char *end;

	if (text && text[0] == '0' && text[1] == 'x' && text[2] != '\0' && text[2] != '-' &&
	    text[2] != '+' && strlen(text) <= 18) {
		uint64_t key = strtoull(text + 2, &end, 16);
		if (*end == '\0') {
			*ret = key;
			return true;
		}
	}
	return history_refuse(ret_error, "`%s` is not a 64-bit number in hex, as in \"0x1a\"",
			      name);
}

/* -1 when it is no hex digit. */
static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool bytes_of_json(const char *name, const json_t *value, uint8_t *ret_bytes, size_t max,
			  size_t *ret_len, struct history_error *ret_error)
{
	const char *text = json_string_value(value);
	size_t len = text ? strlen(text) : 1;

	if (len % 2 != 0 || len / 2 > max)
		return history_refuse(ret_error, "`%s` is not at most %zu bytes in hex", name, max);
	for (size_t i = 0; i < len / 2; i++) {
		int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return history_refuse(ret_error,
					      "`%s` has a character that is not 0-9 or a-f", name);
		ret_bytes[i] = (uint8_t)(high * 16 + low);
	}
	*ret_len = len / 2;
	return true;
}

static bool word_of_json(const struct history_field *field, const json_t *value, uint32_t *ret,
			 struct history_error *ret_error)
{
	const char *text = json_string_value(value);

	*ret = 0;
	if (text && field->form == FIELD_OP)
		*ret = (uint32_t)history_op_of(text);
	else if (text && field->form == FIELD_OUTCOME)
		*ret = (uint32_t)history_outcome_of(text);
	else if (text)
		*ret = (uint32_t)history_access_of(text);
	return *ret != 0 || history_refuse(ret_error, "`%s` has an unknown word `%s`", field->name,
					   text ? text : "?");
}

static void store_number(void *at, size_t size, uint64_t number)
{
	uint16_t v16 = (uint16_t)number;
	uint32_t v32 = (uint32_t)number;

	if (size == 1)
		*(uint8_t *)at = (uint8_t)number;
	else
		memcpy(at,
		       size == sizeof(v16)   ? (const void *)&v16
		       : size == sizeof(v32) ? (const void *)&v32
					     : (const void *)&number,
		       size);
}

static bool field_of_json(const struct history_field *field, const json_t *value, void *into,
			  struct history_error *ret_error)
{
	uint8_t *at = (uint8_t *)into + field->offset;
	uint64_t number = 0;
	uint32_t word;
	size_t len = 0;

	switch (field->form) {
	case FIELD_BOOL:
		if (!json_is_boolean(value))
			return history_refuse(ret_error, "`%s` is neither true nor false",
					      field->name);
		*(bool *)(void *)at = json_is_true(value);
		return true;
	case FIELD_TEXT:
		if (!json_is_string(value) || json_string_length(value) >= field->size)
			return history_refuse(ret_error,
					      "`%s` is not a text of less than %zu bytes",
					      field->name, field->size);
		memcpy(at, json_string_value(value), json_string_length(value) + 1);
		return true;
	case FIELD_BYTES:
		if (!bytes_of_json(field->name, value, at, field->size, &len, ret_error))
			return false;
		return len == field->size || history_refuse(ret_error, "`%s` has not %zu bytes",
							    field->name, field->size);
	case FIELD_OP:
	case FIELD_OUTCOME:
	case FIELD_ACCESS:
		if (!word_of_json(field, value, &word, ret_error))
			return false;
		memcpy(at, &word, sizeof(word));
		return true;
	case FIELD_KEY:
		if (!history_key_of_json(field->name, value, &number, ret_error))
			return false;
		break;
	case FIELD_NEXUS:
		if (!history_number_of_json(field->name, value, HISTORY_NEXUSES_MAX - 1, &number,
					    ret_error))
			return false;
		break;
	case FIELD_U8:
	case FIELD_U16:
	case FIELD_U32:
	case FIELD_U64:
		if (!history_number_of_json(field->name, value,
					    field->size == 8 ? INT64_MAX
							     : (1ULL << 8 * field->size) - 1,
					    &number, ret_error))
			return false;
		break;
	}
	store_number(at, field->size, number);
	return true;
}

/* *ret_known: the field is one of these. */
static bool known_field_of_json(const struct history_field *fields, const char *name,
				const json_t *value, void *into, bool *ret_known,
				struct history_error *ret_error)
{
	for (const struct history_field *field = fields; field->name; field++) {
		if (strcmp(field->name, name) != 0)
			continue;
		*ret_known = true;
		return field_of_json(field, value, into, ret_error);
	}
	*ret_known = false;
	return true;
}

/* A member of a line whose kind is known. */
static bool member_of_json(const char *name, const json_t *value, struct history_arena *arena,
			   struct history_event *event, bool *ret_known,
			   struct history_error *ret_error)
{
	size_t len = 0;

	*ret_known = true;
	switch (event->kind) {
	case HISTORY_NEXUS:
		return known_field_of_json(history_nexus_fields, name, value, &event->u.introduced,
					   ret_known, ret_error);
	case HISTORY_INVOKE:
	case HISTORY_APPLIED:
		if (strcmp(name, "cdb") == 0) {
			if (!bytes_of_json(name, value, event->u.invoked.cdb, HISTORY_CDB_MAX, &len,
					   ret_error))
				return false;
			event->u.invoked.cdb_len = (uint8_t)len;
			return true;
		}
		if (strcmp(name, "others") == 0)
			return history_others_of_json(value, arena, &event->u.invoked, ret_error);
		return known_field_of_json(history_command_fields, name, value, &event->u.invoked,
					   ret_known, ret_error);
	case HISTORY_RETURN:
		if (strcmp(name, "keys") == 0)
			return history_keys_of_json(value, arena, &event->u.returned, ret_error);
		if (strcmp(name, "key_nexuses") == 0)
			return history_key_nexuses_of_json(value, arena, &event->u.returned,
							   ret_error);
		if (strcmp(name, "tags") == 0)
			return history_tags_of_json(value, arena, &event->u.returned, ret_error);
		return known_field_of_json(history_result_fields, name, value, &event->u.returned,
					   ret_known, ret_error);
	case HISTORY_DECIDED:
		return known_field_of_json(history_result_fields, name, value, &event->u.returned,
					   ret_known, ret_error);
	case HISTORY_MEDIUM:
		if (strcmp(name, "tag") == 0)
			return history_tag_of_json(value, &event->u.medium.tag, ret_error);
		return known_field_of_json(history_medium_fields, name, value, event, ret_known,
					   ret_error);
	case HISTORY_NOTE:
		if (strcmp(name, "text") == 0) {
			const struct history_field text = {"text", FIELD_TEXT, 0,
							   sizeof(event->u.note)};
			return field_of_json(&text, value, event->u.note, ret_error);
		}
		break;
	case HISTORY_LOGIN:
	case HISTORY_LOGOUT:
	case HISTORY_LOST:
	case HISTORY_CRASH:
	case HISTORY_POWER_CUT:
	case HISTORY_UP:
	case HISTORY_KIND_INVALID:
	case HISTORY_KIND_COUNT:
		break;
	}
	*ret_known = false;
	return true;
}

/* The members that every line may have. */
static bool common_of_json(const char *name, const json_t *value, struct history_event *event,
			   bool *ret_known, struct history_error *ret_error)
{
	uint64_t number = 0;

	*ret_known = true;
	if (strcmp(name, "kind") == 0)
		return true; /* read already */
	if (strcmp(name, "at_ns") == 0)
		return history_number_of_json(name, value, INT64_MAX, &event->at_ns, ret_error);
	if (strcmp(name, "command") == 0)
		return history_number_of_json(name, value, INT64_MAX, &event->command, ret_error);
	if (strcmp(name, "nexus") == 0) {
		if (!history_number_of_json(name, value, HISTORY_NEXUSES_MAX - 1, &number,
					    ret_error))
			return false;
		event->nexus = (uint32_t)number;
		return true;
	}
	*ret_known = false;
	return true;
}

bool history_event_of_json(json_t *object, struct history_arena *arena,
			   struct history_event *ret_event, struct history_error *ret_error)
{
	const char *kind = json_string_value(json_object_get(object, "kind"));
	const char *name;
	json_t *value;
	bool known = false;

	memset(ret_event, 0, sizeof(*ret_event));
	ret_event->nexus = HISTORY_NO_NEXUS;
	ret_event->command = HISTORY_NO_COMMAND;
	if (!kind)
		return history_refuse(ret_error, "no `kind`");
	ret_event->kind = history_kind_of(kind);
	if (ret_event->kind == HISTORY_KIND_INVALID)
		return history_refuse(ret_error, "`kind` has an unknown word `%s`", kind);
	if (ret_event->kind == HISTORY_INVOKE || ret_event->kind == HISTORY_APPLIED)
		ret_event->u.invoked.move_to = HISTORY_NO_NEXUS;
	json_object_foreach(object, name, value)
	{
		if (!common_of_json(name, value, ret_event, &known, ret_error))
			return false;
		if (!known && !member_of_json(name, value, arena, ret_event, &known, ret_error))
			return false;
		if (!known)
			return history_refuse(ret_error, "unknown member `%s` of kind `%s`", name,
					      kind);
	}
	return ret_event->kind != HISTORY_RETURN ||
	       history_check_lists(object, &ret_event->u.returned, ret_error);
}

bool history_head_of_json(json_t *object, struct history_head *ret_head,
			  struct history_error *ret_error)
{
	const json_t *format = json_object_get(object, "holdfast_history");
	const char *name;
	json_t *value;
	bool known = false;

	memset(ret_head, 0, sizeof(*ret_head));
	if (!json_is_integer(format))
		return history_refuse(ret_error,
				      "not a history: its first line lacks `holdfast_history`");
	if (json_integer_value(format) != HISTORY_FORMAT)
		return history_refuse(ret_error,
				      "a history of format %" JSON_INTEGER_FORMAT
				      "; this program reads format %d",
				      json_integer_value(format), HISTORY_FORMAT);
	json_object_foreach(object, name, value)
	{
		if (strcmp(name, "holdfast_history") == 0)
			continue;
		if (!known_field_of_json(history_head_fields, name, value, ret_head, &known,
					 ret_error))
			return false;
		if (!known)
			return history_refuse(ret_error, "unknown member `%s` of the first line",
					      name);
	}
	return true;
}
