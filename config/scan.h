/*
 * What libconfig would let pass in silence: a look at the text before it is parsed.
 *
 * libconfig cuts an integer without the suffix L to 32 bits (`size = 5368709120` would be 1 GiB),
 * and @include would bring in text that nobody has looked at.
 */
#ifndef CONFIG_SCAN_H
#define CONFIG_SCAN_H

#include "config/problem.h"

void config_scan_text(struct config_problems *problems, const char *text);

#endif
