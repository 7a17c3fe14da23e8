/*
 * The settings as data: one row each, one table for each kind of group in the file.
 */
#ifndef CONFIG_ROWS_H
#define CONFIG_ROWS_H

#include <stddef.h>

#include "config/config.h"

enum config_kind {
	CONFIG_KIND_INVALID = 0,
	CONFIG_KIND_BOOL,    /* bool */
	CONFIG_KIND_NUMBER,  /* uint8_t .. uint64_t, by width; min..max */
	CONFIG_KIND_SIZE,    /* the same in bytes: an integer, or text with a suffix */
	CONFIG_KIND_TEXT,    /* char[width], printable */
	CONFIG_KIND_PATH,    /* char[width]; relative ones start at the file's directory */
	CONFIG_KIND_NAME,    /* an iSCSI name, made canonical */
	CONFIG_KIND_ADDRESS, /* a portal, made canonical */
	CONFIG_KIND_CHOICE,  /* uint32_t: the value of one of `choices` */
	CONFIG_KIND_TAGS,    /* an array of portal group tags: read by the target's reader */
	CONFIG_KIND_LUNS,    /* an array of LUN numbers: read by the initiator's reader */
	CONFIG_KIND_SET,     /* uint32_t: an array of `choices`, a bit for the value of each */
	CONFIG_KIND_TEXTS,   /* a list of texts: read by its own reader */
	CONFIG_KIND_GROUP,   /* { ... } with rows of its own */
	CONFIG_KIND_LIST,    /* ( {...}, {...} ) with rows of its own */
};

struct config_choice {
	const char *name;
	uint32_t value;
};

struct config_row {
	const char *name;
	enum config_kind kind;
	size_t offset; /* in the group's struct */
	size_t width;  /* bytes there */
	uint64_t min, max;
	uint64_t initial;	  /* the default: BOOL, NUMBER, SIZE, CHOICE */
	const char *initial_text; /* the default: TEXT, NAME, ADDRESS */
	const char *initial_note; /* the default in words, where the value alone does not tell it */
	const struct config_choice *choices; /* ends with a NULL name */
	const char *doc;		     /* one line */
};

struct config_group {
	const char *name; /* of the group in the file; "" for the top level */
	const char *what; /* for errors: "the top level", "a lun" */
	const struct config_row *rows;
	size_t count;
};

enum config_group_id {
	CONFIG_GROUP_TOP = 0,
	CONFIG_GROUP_PORTAL,
	CONFIG_GROUP_TARGET,
	CONFIG_GROUP_LUN,
	CONFIG_GROUP_INITIATOR,
	CONFIG_GROUP_LIMITS,
	CONFIG_GROUP_POLICY,
	CONFIG_GROUP_PERSONALITY,
	CONFIG_GROUP_OVERRIDE,
	CONFIG_GROUP_COUNT,
};

/* Of rows_lun.c. */
#define CONFIG_LUN_ROWS 22
extern const struct config_row config_lun_rows[CONFIG_LUN_ROWS];

/* Of rows_personality.c. */
#define CONFIG_PERSONALITY_ROWS 21
#define CONFIG_OVERRIDE_ROWS	3
extern const struct config_row config_personality_rows[CONFIG_PERSONALITY_ROWS];
extern const struct config_row config_override_rows[CONFIG_OVERRIDE_ROWS];

extern const struct config_group config_groups[CONFIG_GROUP_COUNT];

const struct config_row *config_group_find(const struct config_group *group, const char *name);

/* Sets every value of a struct to its default. */
void config_group_defaults(const struct config_group *group, void *values);

uint64_t config_row_get_number(const struct config_row *row, const void *values);
void config_row_set_number(const struct config_row *row, void *values, uint64_t number);

/* NULL when no choice has that value. */
const char *config_choice_name(const struct config_choice *choices, uint32_t value);
bool config_choice_value(const struct config_choice *choices, const char *name,
			 uint32_t *ret_value);

/* "64K" for 65536: the largest suffix that divides it. */
#define CONFIG_SIZE_TEXT_MAX 24
void config_format_size(uint64_t bytes, char ret_text[CONFIG_SIZE_TEXT_MAX]);

/* What may stand there, e.g. "1 to 64", "true or false", "`file`, `memory` or `null`". */
#define CONFIG_RANGE_TEXT_MAX 256
void config_row_describe_range(const struct config_row *row, char ret_text[CONFIG_RANGE_TEXT_MAX]);

/* The default as a person would write it, e.g. "1G", "false", "`spc4`". */
#define CONFIG_INITIAL_TEXT_MAX 128
void config_row_describe_initial(const struct config_row *row,
				 char ret_text[CONFIG_INITIAL_TEXT_MAX]);

/* The name of a row that `word` was most likely meant to be, or NULL. */
const char *config_group_suggest(const struct config_group *group, const char *word);
/* The same among choices. */
const char *config_choice_suggest(const struct config_choice *choices, const char *word);

#endif
