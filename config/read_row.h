/*
 * One setting of libconfig's tree against its row.
 */
#ifndef CONFIG_READ_ROW_H
#define CONFIG_READ_ROW_H

#include "config/read.h"
#include "config/rows.h"

#define CONFIG_PLACE_MAX 300

/* Where in the file something stands, in words: "lun 0", "portal 2"; "" is the top level. */
struct config_place {
	char text[CONFIG_PLACE_MAX];
};

/*
 * Reads every scalar of a group into `values`, which has the defaults, and reports what is unknown,
 * of the wrong type or out of range. Lists and groups in it are the caller's.
 */
void config_read_group(struct config_reader *reader, const config_setting_t *setting,
		       enum config_group_id id, const struct config_place *place, void *values);

/*
 * "WHAT in PLACE, line N: REST". `setting` tells the line.
 */
__attribute__((format(printf, 5, 6))) void config_read_problem(struct config_reader *reader,
							       const config_setting_t *setting,
							       const struct config_place *place,
							       const char *what, const char *format,
							       ...);

/* "a number", "text", ... what the file has there. */
const char *config_read_type_name(const config_setting_t *setting);

/* The list `name` of a group, or NULL when it is not there or no list (which has been reported). */
const config_setting_t *config_read_list(const config_setting_t *setting, const char *name);
/* How many groups stand in a list; reports more than `most`, and none. */
uint32_t config_read_list_count(struct config_reader *reader, const config_setting_t *list,
				const struct config_place *place, uint32_t most);
/* Entry `i` of a list when it is a group, else NULL and a report. */
const config_setting_t *config_read_list_group(struct config_reader *reader,
					       const config_setting_t *list,
					       const struct config_place *place, uint32_t i);

/* True with the value when the setting is an integer. */
bool config_read_integer(const config_setting_t *setting, long long *ret_value);

#endif
