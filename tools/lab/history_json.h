/*
 * Events as JSON objects, both ways, from the same tables of fields. holdfast-history(5) is written
 * from them.
 */
#ifndef LAB_HISTORY_JSON_H
#define LAB_HISTORY_JSON_H

#include <jansson.h>

#include "tools/lab/history.h"

/* Keys and tags of a history that was read. */
struct history_arena;
/* `count` zeroed things, freed with the arena. NULL: no memory. */
void *history_arena_take(struct history_arena *arena, size_t count, size_t size);

enum history_field_form {
	FIELD_BOOL = 1,
	FIELD_U8,
	FIELD_U16,
	FIELD_U32,
	FIELD_U64,
	FIELD_KEY,   /* uint64_t as "0x..": JSON's numbers lose the last bits of a key */
	FIELD_NEXUS, /* uint32_t, HISTORY_NO_NEXUS when there is none */
	FIELD_TEXT,  /* char[size] */
	FIELD_BYTES, /* uint8_t[size], as hex */
	FIELD_OP,
	FIELD_OUTCOME,
	FIELD_ACCESS,
};

struct history_field {
	const char *name;
	enum history_field_form form;
	size_t offset, size;
};

/* The members of each struct that lines are made of; the last has no name. */
extern const struct history_field history_head_fields[];
extern const struct history_field history_nexus_fields[];
extern const struct history_field history_command_fields[]; /* without cdb and others */
extern const struct history_field history_result_fields[];  /* without keys and tags */
extern const struct history_field history_medium_fields[];  /* of the event; without tag */

/* NULL: no memory. */
json_t *history_head_to_json(const struct history_head *head);
json_t *history_event_to_json(const struct history_event *event);

/* False with the reason in ret_error->text. What is written to on failure is of no use. */
bool history_head_of_json(json_t *object, struct history_head *ret_head,
			  struct history_error *ret_error);
bool history_event_of_json(json_t *object, struct history_arena *arena,
			   struct history_event *ret_event, struct history_error *ret_error);

/* ---- parts of the reader: false with the reason in ret_error->text ---- */

/* Writes the reason; returns false, for the caller to pass on. */
bool history_refuse(struct history_error *ret_error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool history_number_of_json(const char *name, const json_t *value, uint64_t max, uint64_t *ret,
			    struct history_error *ret_error);
bool history_key_of_json(const char *name, const json_t *value, uint64_t *ret,
			 struct history_error *ret_error);
bool history_tag_of_json(const json_t *value, struct history_tag *ret_tag,
			 struct history_error *ret_error);
bool history_keys_of_json(const json_t *list, struct history_arena *arena,
			  struct history_result *result, struct history_error *ret_error);
bool history_key_nexuses_of_json(const json_t *list, struct history_arena *arena,
				 struct history_result *result, struct history_error *ret_error);
/* How many keys there were, where the line does not say it; and do the lists agree? */
bool history_check_lists(const json_t *object, struct history_result *result,
			 struct history_error *ret_error);
bool history_others_of_json(const json_t *list, struct history_arena *arena,
			    struct history_command *command, struct history_error *ret_error);
bool history_tags_of_json(const json_t *list, struct history_arena *arena,
			  struct history_result *result, struct history_error *ret_error);

#endif
