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

/* True with the value when the setting is an integer. */
bool config_read_integer(const config_setting_t *setting, long long *ret_value);

#endif
