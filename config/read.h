/*
 * From libconfig's tree to the structs, by the tables of rows. The one header, with read.c and
 * load.c, that knows libconfig.
 */
#ifndef CONFIG_READ_H
#define CONFIG_READ_H

#include <libconfig.h>

#include "config/problem.h"

struct config_reader {
	struct config_problems problems;
	char dir[CONFIG_PATH_MAX]; /* relative paths start here */
};

/* Reads the whole tree into `config`, which holds nothing but zeros. False: no memory. */
bool config_read_tree(struct config_reader *reader, const config_setting_t *root,
		      struct config *config);

/* Its personalities alone (read_personality.c). False: no memory. */
bool config_read_personalities(struct config_reader *reader, const config_setting_t *root,
			       struct config *config);

#endif
