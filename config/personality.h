/*
 * Personalities: the built-in ones, and what the values of a file stand for.
 */
#ifndef CONFIG_PERSONALITY_H
#define CONFIG_PERSONALITY_H

#include "config/config.h"

/*
 * Makes `personality` a copy of `base`, by the name it has and with no overrides of its own. False:
 * no memory.
 */
bool config_personality_inherit(const struct config_personality *base,
				struct config_personality *personality);
void config_personality_clear(struct config_personality *personality);

/* One override more. False: no memory. */
bool config_personality_add(struct config_personality *personality,
			    const struct config_override *override);

/* NULL, or a phrase that says what is wrong with `page` or `bytes`; fills what they stand for. */
const char *config_override_parse(struct config_override *override);

/* The name that was most likely meant, or NULL. */
const char *config_personality_suggest(const struct config *config, const char *name);

#endif
