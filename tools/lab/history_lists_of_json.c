/*
 * What a RETURN brought along: keys, whose they are, and the tags of blocks that were read.
 */
#include <inttypes.h>
#include <string.h>

#include "tools/lab/history_json.h"

bool history_tag_of_json(const json_t *value, struct history_tag *ret_tag,
			 struct history_error *ret_error)
{
	uint64_t nexus, sequence, generation;

	*ret_tag = (struct history_tag){.nexus = HISTORY_NO_NEXUS};
	if (json_is_null(value))
		return true;
	if (json_is_string(value) && strcmp(json_string_value(value), "torn") == 0) {
		ret_tag->torn = true;
		return true;
	}
	if (!json_is_array(value) || json_array_size(value) != 3)
		return history_refuse(ret_error,
				      "a tag is null, \"torn\" or [nexus, sequence, generation]");
	if (!history_number_of_json("tag's nexus", json_array_get(value, 0), UINT32_MAX, &nexus,
				    ret_error) ||
	    !history_number_of_json("tag's sequence", json_array_get(value, 1), INT64_MAX,
				    &sequence, ret_error) ||
	    !history_number_of_json("tag's generation", json_array_get(value, 2), UINT32_MAX,
				    &generation, ret_error))
		return false;
	ret_tag->written = true;
	ret_tag->nexus = (uint32_t)nexus;
	ret_tag->sequence = sequence;
	ret_tag->generation_seen = (uint32_t)generation;
	return true;
}

bool history_keys_of_json(const json_t *list, struct history_arena *arena,
			  struct history_result *result, struct history_error *ret_error)
{
	size_t count = json_array_size(list);
	uint64_t *keys;

	if (!json_is_array(list) || count > HISTORY_KEYS_MAX)
		return history_refuse(ret_error, "`keys` is not a list of at most %d",
				      HISTORY_KEYS_MAX);
	keys = history_arena_take(arena, count, sizeof(*keys));
	if (!keys)
		return history_refuse(ret_error, "no memory");
	for (size_t i = 0; i < count; i++)
		if (!history_key_of_json("keys", json_array_get(list, i), &keys[i], ret_error))
			return false;
	result->keys = keys;
	return true;
}

bool history_key_nexuses_of_json(const json_t *list, struct history_arena *arena,
				 struct history_result *result, struct history_error *ret_error)
{
	size_t count = json_array_size(list);
	uint32_t *nexuses;
	uint64_t number;

	if (!json_is_array(list) || count > HISTORY_KEYS_MAX)
		return history_refuse(ret_error, "`key_nexuses` is not a list of at most %d",
				      HISTORY_KEYS_MAX);
	nexuses = history_arena_take(arena, count, sizeof(*nexuses));
	if (!nexuses)
		return history_refuse(ret_error, "no memory");
	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_array_get(list, i);
		nexuses[i] = HISTORY_NO_NEXUS;
		if (json_is_integer(value) && json_integer_value(value) == -1)
			continue;
		if (!history_number_of_json("key_nexuses", value, HISTORY_NEXUSES_MAX - 1, &number,
					    ret_error))
			return false;
		nexuses[i] = (uint32_t)number;
	}
	result->key_nexuses = nexuses;
	return true;
}

bool history_check_lists(const json_t *object, struct history_result *result,
			 struct history_error *ret_error)
{
	size_t keys = json_array_size(json_object_get(object, "keys"));
	size_t nexuses = json_array_size(json_object_get(object, "key_nexuses"));

	if (!json_object_get(object, "key_count"))
		result->key_count = (uint32_t)keys;
	if (result->keys && keys != history_keys_listed(result))
		return history_refuse(ret_error,
				      "`keys` has %zu keys where `key_count` is %" PRIu32, keys,
				      result->key_count);
	if (result->key_nexuses && nexuses != keys)
		return history_refuse(ret_error, "`key_nexuses` has %zu nexuses for %zu keys",
				      nexuses, keys);
	return true;
}

bool history_others_of_json(const json_t *list, struct history_arena *arena,
			    struct history_command *command, struct history_error *ret_error)
{
	size_t count = json_array_size(list);
	uint32_t *others;
	uint64_t number;

	if (!json_is_array(list) || count > HISTORY_NEXUSES_MAX)
		return history_refuse(ret_error, "`others` is not a list of at most %d",
				      HISTORY_NEXUSES_MAX);
	others = history_arena_take(arena, count, sizeof(*others));
	if (!others)
		return history_refuse(ret_error, "no memory");
	for (size_t i = 0; i < count; i++) {
		if (!history_number_of_json("others", json_array_get(list, i),
					    HISTORY_NEXUSES_MAX - 1, &number, ret_error))
			return false;
		others[i] = (uint32_t)number;
	}
	command->others = others;
	command->other_count = (uint32_t)count;
	return true;
}

bool history_tags_of_json(const json_t *list, struct history_arena *arena,
			  struct history_result *result, struct history_error *ret_error)
{
	size_t count = json_array_size(list);
	struct history_tag *tags;

	if (!json_is_array(list) || count > HISTORY_TAGS_MAX)
		return history_refuse(ret_error, "`tags` is not a list of at most %d",
				      HISTORY_TAGS_MAX);
	tags = history_arena_take(arena, count, sizeof(*tags));
	if (!tags)
		return history_refuse(ret_error, "no memory");
	for (size_t i = 0; i < count; i++)
		if (!history_tag_of_json(json_array_get(list, i), &tags[i], ret_error))
			return false;
	result->tags = tags;
	result->tag_count = (uint32_t)count;
	return true;
}
