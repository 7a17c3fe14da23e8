#include <stdlib.h>
#include <string.h>

#include "config/personality.h"
#include "config/read_row.h"

/* False: no memory. */
static bool read_override(struct config_reader *reader, const config_setting_t *entry,
			  const struct config_place *place, struct config_personality *personality)
{
	struct config_override override;

	memset(&override, 0, sizeof(override));
	config_group_defaults(&config_groups[CONFIG_GROUP_OVERRIDE], &override);
	override.line = config_setting_source_line(entry);
	config_read_group(reader, entry, CONFIG_GROUP_OVERRIDE, place, &override);
	const char *fault = config_override_parse(&override);
	if (fault)
		config_read_problem(reader, entry, place, "overridden bytes", "%s", fault);
	return fault || config_personality_add(personality, &override);
}

static bool read_overrides(struct config_reader *reader, const config_setting_t *entry,
			   const struct config_place *place, struct config_personality *personality)
{
	const config_setting_t *list = config_read_list(entry, "bytes");
	uint32_t count =
		list ? config_read_list_count(reader, list, place, CONFIG_OVERRIDES_MAX) : 0;

	for (uint32_t i = 0; i < count; i++) {
		const config_setting_t *override = config_read_list_group(reader, list, place, i);
		if (override && !read_override(reader, override, place, personality))
			return false;
	}
	return true;
}

/* The personality that this one starts from: built in, or further up in the file. */
static const struct config_personality *find_base(struct config_reader *reader,
						  const config_setting_t *entry,
						  const struct config_place *place,
						  const struct config *config)
{
	const char *name = "spc4";
	const config_setting_t *base = config_setting_get_member(entry, "base");

	if (base && config_setting_get_string(base))
		name = config_setting_get_string(base);
	const struct config_personality *found = config_personality_find(config, name);
	if (found)
		return found;
	const char *proposal = config_personality_suggest(config, name);
	config_read_problem(reader, base ? base : entry, place, "setting `base`",
			    "there is no personality `%.40s` further up%s%s%s", name,
			    proposal ? ": did you mean `" : "", proposal ? proposal : "",
			    proposal ? "`?" : "");
	return config_personality_builtin(0);
}

static bool read_personality(struct config_reader *reader, const config_setting_t *entry,
			     uint32_t index, const struct config *config,
			     struct config_personality *personality)
{
	struct config_place place;

	snprintf(place.text, sizeof(place.text), "personality %u", index + 1);
	if (!config_personality_inherit(find_base(reader, entry, &place, config), personality))
		return false;
	char base[CONFIG_PROFILE_NAME_MAX + 1];
	memcpy(base, personality->base, sizeof(base));
	config_read_group(reader, entry, CONFIG_GROUP_PERSONALITY, &place, personality);
	memcpy(personality->base, base, sizeof(base));
	personality->line = config_setting_source_line(entry);
	if (!config_setting_get_member(entry, "name"))
		config_read_problem(reader, entry, &place, "setting `name`",
				    "it is not there: name the personality");
	else if (config_personality_find(config, personality->name))
		config_read_problem(reader, entry, &place, "setting `name`",
				    "there is a personality `%s` already", personality->name);
	return read_overrides(reader, entry, &place, personality);
}

bool config_read_personalities(struct config_reader *reader, const config_setting_t *root,
			       struct config *config)
{
	static const struct config_place top = {""};
	const config_setting_t *list = config_read_list(root, "personalities");
	uint32_t count =
		list ? config_read_list_count(reader, list, &top, CONFIG_PERSONALITIES_MAX) : 0;

	if (count == 0)
		return true;
	config->personalities = calloc(count, sizeof(*config->personalities));
	if (!config->personalities)
		return false;
	/* Each knows those before it. */
	for (uint32_t i = 0; i < count; i++) {
		struct config_personality *personality = &config->personalities[i];
		const config_setting_t *entry = config_read_list_group(reader, list, &top, i);
		if (entry && !read_personality(reader, entry, i, config, personality)) {
			config_personality_clear(personality);
			return false;
		}
		config->personality_count = i + 1;
	}
	return true;
}
