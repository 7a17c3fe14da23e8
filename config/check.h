/*
 * What the values must be to each other: the parts of config_check.
 */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config/problem.h"

/* ", lines 3 and 7", or nothing when the values are not from a file. */
struct config_lines {
	char text[48];
};
struct config_lines config_lines_of(uint32_t a, uint32_t b);

/* For reports: a name that was wrong has been left empty. */
const char *config_target_label(const struct config_target *target);
bool config_ends_with(const char *text, const char *end);

/* Users, secrets and initiators of one target, and of discovery. */
void config_check_access(struct config_problems *problems, const struct config *config,
			 const struct config_target *target);
void config_check_discovery(struct config_problems *problems, const struct config *config);

#endif
