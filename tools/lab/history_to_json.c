/*
 * Events to lines. A field that is zero (HISTORY_NO_NEXUS for a nexus) is left out, so lines stay
 * short.
 */
#include <inttypes.h>
#include <string.h>

#include "tools/lab/history_json.h"

static json_t *key_to_json(uint64_t key)
{
	char text[24];
	snprintf(text, sizeof(text), "0x%" PRIx64, key);
	return json_string(text);
}

static json_t *bytes_to_json(const uint8_t *bytes, size_t len)
{
	char text[2 * HISTORY_CDB_MAX + 1] = "";
	for (size_t i = 0; i < len && i < HISTORY_CDB_MAX; i++)
		snprintf(text + 2 * i, 3, "%02x", (unsigned)bytes[i]);
	return json_string(text);
}

static uint64_t number_at(const void *at, size_t size)
{
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	switch (size) {
	case 1:
		return *(const uint8_t *)at;
	case sizeof(v16):
		memcpy(&v16, at, size);
		return v16;
	case sizeof(v32):
		memcpy(&v32, at, size);
		return v32;
	default:
		memcpy(&v64, at, sizeof(v64));
		return v64;
	}
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* *ret_value stays NULL when the field is to be left out. False: no memory. */
static bool field_to_json(const struct history_field *field, const void *from, json_t **ret_value)
{
	const uint8_t *at = (const uint8_t *)from + field->offset;
	uint64_t number;

	switch (field->form) {
	case FIELD_TEXT:
		if (*at == '\0')
			return true;
		*ret_value = json_string((const char *)at);
		return *ret_value;
	case FIELD_BYTES:
		if (all_zero(at, field->size))
			return true;
		*ret_value = bytes_to_json(at, field->size);
		return *ret_value;
	case FIELD_BOOL:
		if (!*(const bool *)(const void *)at)
			return true;
		*ret_value = json_true();
		return true;
	case FIELD_U8:
	case FIELD_U16:
	case FIELD_U32:
	case FIELD_U64:
	case FIELD_KEY:
	case FIELD_NEXUS:
	case FIELD_OP:
	case FIELD_OUTCOME:
	case FIELD_ACCESS:
		break;
	}
	number = number_at(at, field->size);
	if (number == (field->form == FIELD_NEXUS ? HISTORY_NO_NEXUS : 0))
		return true;
	if (field->form == FIELD_KEY)
		*ret_value = key_to_json(number);
	else if (field->form == FIELD_OP)
		*ret_value = json_string(history_op_name((enum history_op)number));
	else if (field->form == FIELD_OUTCOME)
		*ret_value = json_string(history_outcome_name((enum history_outcome)number));
	else if (field->form == FIELD_ACCESS)
		*ret_value = json_string(history_access_name((enum history_access)number));
	else
		*ret_value = json_integer((json_int_t)number);
	return *ret_value;
}

static bool fields_to_json(const struct history_field *fields, const void *from, json_t *object)
{
	for (const struct history_field *field = fields; field->name; field++) {
		json_t *value = NULL;
		if (!field_to_json(field, from, &value))
			return false;
		if (value && json_object_set_new(object, field->name, value) != 0)
			return false;
	}
	return true;
}

static json_t *tag_to_json(const struct history_tag *tag)
{
	if (tag->torn)
		return json_string("torn");
	if (!tag->written)
		return json_null();
	return json_pack("[I, I, I]", (json_int_t)tag->nexus, (json_int_t)tag->sequence,
			 (json_int_t)tag->generation_seen);
}

static bool lists_to_json(const struct history_result *r, json_t *object)
{
	uint32_t keys = history_keys_listed(r);
	json_t *list;

	if (keys > 0) {
		list = json_array();
		for (uint32_t i = 0; i < keys; i++)
			if (json_array_append_new(list, key_to_json(r->keys[i])) != 0)
				return json_decref(list), false;
		if (json_object_set_new(object, "keys", list) != 0)
			return false;
	}
	if (r->key_nexuses && keys > 0) {
		list = json_array();
		for (uint32_t i = 0; i < keys; i++) {
			json_int_t nexus = r->key_nexuses[i] == HISTORY_NO_NEXUS
						   ? -1
						   : (json_int_t)r->key_nexuses[i];
			if (json_array_append_new(list, json_integer(nexus)) != 0)
				return json_decref(list), false;
		}
		if (json_object_set_new(object, "key_nexuses", list) != 0)
			return false;
	}
	if (r->tags && r->tag_count > 0) {
		list = json_array();
		for (uint32_t i = 0; i < r->tag_count && i < HISTORY_TAGS_MAX; i++)
			if (json_array_append_new(list, tag_to_json(&r->tags[i])) != 0)
				return json_decref(list), false;
		if (json_object_set_new(object, "tags", list) != 0)
			return false;
	}
	return true;
}

static bool others_to_json(const struct history_command *c, json_t *object)
{
	json_t *list;

	if (!c->others)
		return true;
	list = json_array();
	for (uint32_t i = 0; i < c->other_count; i++)
		if (json_array_append_new(list, json_integer((json_int_t)c->others[i])) != 0)
			return json_decref(list), false;
	return json_object_set_new(object, "others", list) == 0;
}

static bool body_to_json(const struct history_event *event, json_t *object)
{
	switch (event->kind) {
	case HISTORY_NEXUS:
		return fields_to_json(history_nexus_fields, &event->u.introduced, object);
	case HISTORY_INVOKE:
	case HISTORY_APPLIED:
		if (event->u.invoked.cdb_len > 0 &&
		    json_object_set_new(
			    object, "cdb",
			    bytes_to_json(event->u.invoked.cdb, event->u.invoked.cdb_len)) != 0)
			return false;
		return fields_to_json(history_command_fields, &event->u.invoked, object) &&
		       others_to_json(&event->u.invoked, object);
	case HISTORY_RETURN:
		return fields_to_json(history_result_fields, &event->u.returned, object) &&
		       lists_to_json(&event->u.returned, object);
	case HISTORY_DECIDED:
		return fields_to_json(history_result_fields, &event->u.returned, object);
	case HISTORY_MEDIUM:
		return fields_to_json(history_medium_fields, event, object) &&
		       json_object_set_new(object, "tag", tag_to_json(&event->u.medium.tag)) == 0;
	case HISTORY_NOTE:
		return json_object_set_new(object, "text", json_string(event->u.note)) == 0;
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
	return true;
}

json_t *history_event_to_json(const struct history_event *event)
{
	json_t *object = json_pack("{s:I, s:s}", "at_ns", (json_int_t)event->at_ns, "kind",
				   history_kind_name(event->kind));

	if (object && event->nexus != HISTORY_NO_NEXUS &&
	    json_object_set_new(object, "nexus", json_integer(event->nexus)) != 0)
		goto no_memory;
	if (object && event->command != HISTORY_NO_COMMAND &&
	    json_object_set_new(object, "command", json_integer((json_int_t)event->command)) != 0)
		goto no_memory;
	if (object && body_to_json(event, object))
		return object;
no_memory:
	json_decref(object);
	return NULL;
}

json_t *history_head_to_json(const struct history_head *head)
{
	json_t *object = json_pack("{s:i}", "holdfast_history", HISTORY_FORMAT);

	if (object && fields_to_json(history_head_fields, head, object))
		return object;
	json_decref(object);
	return NULL;
}
