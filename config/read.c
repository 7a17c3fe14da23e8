#include "config/read.h"

#include <stdlib.h>
#include <string.h>

#include "config/personality.h"
#include "config/read_row.h"

static const struct config_place top_place = {""};

/* The list `name` of a group, or NULL when it is not there or no list (which has been reported). */
const config_setting_t *config_read_list(const config_setting_t *setting, const char *name)
{
	const config_setting_t *list = config_setting_get_member(setting, name);
	return list && config_setting_type(list) == CONFIG_TYPE_LIST ? list : NULL;
}

/* How many groups stand in a list; reports more than `most`, and none. */
uint32_t config_read_list_count(struct config_reader *reader, const config_setting_t *list,
				const struct config_place *place, uint32_t most)
{
	uint32_t count = (uint32_t)config_setting_length(list);
	char what[64];

	snprintf(what, sizeof(what), "list `%s`", config_setting_name(list));
	if (count == 0)
		config_read_problem(reader, list, place, what,
				    "it is empty: leave it away for the default");
	if (count <= most)
		return count;
	config_read_problem(reader, list, place, what, "it has %u entries, %u are the most", count,
			    most);
	return most;
}

/* Entry `i` of a list when it is a group, else NULL and a report. */
const config_setting_t *config_read_list_group(struct config_reader *reader,
					       const config_setting_t *list,
					       const struct config_place *place, uint32_t i)
{
	const config_setting_t *entry = config_setting_get_elem(list, i);
	char what[64];

	if (config_setting_type(entry) == CONFIG_TYPE_GROUP)
		return entry;
	snprintf(what, sizeof(what), "entry %u of `%s`", i + 1, config_setting_name(list));
	config_read_problem(reader, entry, place, what, "must be a group { ... }, not %s",
			    config_read_type_name(entry));
	return NULL;
}

static bool read_portals(struct config_reader *reader, const config_setting_t *root,
			 struct config *config)
{
	const config_setting_t *list = config_read_list(root, "portals");
	const struct config_group *group = &config_groups[CONFIG_GROUP_PORTAL];
	uint32_t count =
		list ? config_read_list_count(reader, list, &top_place, CONFIG_PORTALS_MAX) : 1;
	struct config_place place;

	config->portals = calloc(count > 0 ? count : 1, sizeof(*config->portals));
	if (!config->portals)
		return false;
	config->portal_count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct config_portal *portal = &config->portals[i];
		config_group_defaults(group, portal);
		const config_setting_t *entry =
			list ? config_read_list_group(reader, list, &top_place, i) : NULL;
		/* A wrong address must not look like the default one, given twice. */
		if (list && (!entry || config_setting_get_member(entry, "address")))
			portal->address[0] = '\0';
		if (!entry)
			continue;
		snprintf(place.text, sizeof(place.text), "portal %u", i + 1);
		portal->line = config_setting_source_line(entry);
		config_read_group(reader, entry, CONFIG_GROUP_PORTAL, &place, portal);
	}
	return true;
}

static void lun_defaults(struct config_lun *lun, uint32_t place_in_list)
{
	config_group_defaults(&config_groups[CONFIG_GROUP_LUN], lun);
	lun->number = (uint16_t)place_in_list;
}

/* What the file does not say is the personality's. One that is not known, config_check tells of. */
static void lun_take_personality(const config_setting_t *entry, const struct config *config,
				 struct config_lun *lun)
{
	const struct config_personality *personality =
		config_personality_find(config, lun->profile);

	if (!personality)
		return;
	if (!config_setting_get_member(entry, "tas"))
		lun->tas = personality->tas;
	if (!config_setting_get_member(entry, "vendor"))
		memcpy(lun->vendor, personality->vendor, sizeof(lun->vendor));
	if (!config_setting_get_member(entry, "product"))
		memcpy(lun->product, personality->product, sizeof(lun->product));
	if (!config_setting_get_member(entry, "revision"))
		memcpy(lun->revision, personality->revision, sizeof(lun->revision));
}

static void read_lun(struct config_reader *reader, const config_setting_t *entry, uint32_t index,
		     const char *target_name, const struct config *config, struct config_lun *lun)
{
	const config_setting_t *number = config_setting_get_member(entry, "number");
	struct config_place place;
	long long shown = index;

	if (number)
		config_read_integer(number, &shown);
	if (target_name)
		snprintf(place.text, sizeof(place.text), "lun %lld of target `%s`", shown,
			 target_name);
	else
		snprintf(place.text, sizeof(place.text), "lun %lld", shown);
	lun->line = config_setting_source_line(entry);
	config_read_group(reader, entry, CONFIG_GROUP_LUN, &place, lun);
	lun_take_personality(entry, config, lun);
	/* Eight 512-byte blocks make a physical one; a 4096-byte block is one already. */
	if (lun->block_size != 512 && !config_setting_get_member(entry, "physical_exponent"))
		lun->physical_exponent = 0;
}

static bool read_luns(struct config_reader *reader, const config_setting_t *setting,
		      const struct config_place *place, const char *target_name,
		      const struct config *config, struct config_target *target)
{
	const config_setting_t *list = setting ? config_read_list(setting, "luns") : NULL;
	uint32_t count = list ? config_read_list_count(reader, list, place, CONFIG_LUNS_MAX) : 1;

	target->luns = calloc(count > 0 ? count : 1, sizeof(*target->luns));
	if (!target->luns)
		return false;
	target->lun_count = count;
	for (uint32_t i = 0; i < count; i++) {
		lun_defaults(&target->luns[i], i);
		const config_setting_t *entry =
			list ? config_read_list_group(reader, list, place, i) : NULL;
		/* A wrong number must not look like a LUN that is there twice. */
		if (list && (!entry || config_setting_get_member(entry, "number")))
			target->luns[i].number = UINT16_MAX;
		if (entry)
			read_lun(reader, entry, i, target_name, config, &target->luns[i]);
	}
	return true;
}

static void read_portal_groups(struct config_reader *reader, const config_setting_t *setting,
			       const struct config_place *place, struct config_target *target)
{
	const config_setting_t *array = config_setting_get_member(setting, "portal_groups");

	if (!array || config_setting_type(array) != CONFIG_TYPE_ARRAY)
		return;
	uint32_t count = (uint32_t)config_setting_length(array);
	if (count == 0 || count > CONFIG_PORTAL_GROUPS_MAX) {
		config_read_problem(reader, array, place, "setting `portal_groups`",
				    "must have 1 to %d tags, not %u", CONFIG_PORTAL_GROUPS_MAX,
				    count);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		const config_setting_t *entry = config_setting_get_elem(array, i);
		long long tag;
		if (!config_read_integer(entry, &tag) || tag < 1 || tag > UINT16_MAX) {
			config_read_problem(reader, entry, place, "setting `portal_groups`",
					    "a tag is a number, 1 to 65535");
			return;
		}
		target->portal_groups[i] = (uint16_t)tag;
	}
	target->portal_group_count = count;
}

/* An empty array is a value: the initiator sees no LUN at all. */
static void read_visible_luns(struct config_reader *reader, const config_setting_t *setting,
			      const struct config_place *place, struct config_initiator *initiator)
{
	const config_setting_t *array = config_setting_get_member(setting, "luns");

	if (!array || config_setting_type(array) != CONFIG_TYPE_ARRAY)
		return;
	initiator->masked = true;
	for (int i = 0; i < config_setting_length(array); i++) {
		const config_setting_t *entry = config_setting_get_elem(array, (unsigned)i);
		long long number;
		if (!config_read_integer(entry, &number) || number < 0 ||
		    number >= CONFIG_LUNS_MAX) {
			config_read_problem(reader, entry, place, "setting `luns`",
					    "a LUN is a number, 0 to %d", CONFIG_LUNS_MAX - 1);
			return;
		}
		initiator->luns[number / 8] |= (uint8_t)(1u << (number % 8));
	}
}

static bool read_initiators(struct config_reader *reader, const config_setting_t *setting,
			    const struct config_place *place, struct config_target *target)
{
	const config_setting_t *list = config_read_list(setting, "initiators");
	uint32_t count =
		list ? config_read_list_count(reader, list, place, CONFIG_INITIATORS_MAX) : 0;

	if (count == 0)
		return true;
	target->initiators = calloc(count, sizeof(*target->initiators));
	if (!target->initiators)
		return false;
	target->initiator_count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct config_initiator *initiator = &target->initiators[i];
		const config_setting_t *entry = config_read_list_group(reader, list, place, i);
		struct config_place here;
		config_group_defaults(&config_groups[CONFIG_GROUP_INITIATOR], initiator);
		if (!entry)
			continue;
		snprintf(here.text, sizeof(here.text), "initiator %u of %.250s", i + 1,
			 place->text);
		initiator->line = config_setting_source_line(entry);
		config_read_group(reader, entry, CONFIG_GROUP_INITIATOR, &here, initiator);
		if (!config_setting_get_member(entry, "name"))
			config_read_problem(reader, entry, &here, "setting `name`",
					    "it is not there: name the initiator");
		read_visible_luns(reader, entry, &here, initiator);
	}
	return true;
}

static bool read_target(struct config_reader *reader, const config_setting_t *entry, uint32_t index,
			bool is_alone, const struct config *config, struct config_target *target)
{
	const struct config_group *group = &config_groups[CONFIG_GROUP_TARGET];
	struct config_place place;
	char shown[CONFIG_NAME_MAX + 1];

	config_group_defaults(group, target);
	if (!entry)
		return read_luns(reader, NULL, &top_place, NULL, config, target);
	const config_setting_t *name = config_setting_get_member(entry, "name");
	snprintf(shown, sizeof(shown), "%s",
		 name && config_setting_get_string(name) ? config_setting_get_string(name)
							 : target->name);
	if (is_alone)
		snprintf(place.text, sizeof(place.text), "target %u", index + 1);
	else
		snprintf(place.text, sizeof(place.text), "target `%s`", shown);
	/* A wrong name must not look like a target that is there twice. */
	if (name)
		target->name[0] = '\0';
	target->line = config_setting_source_line(entry);
	config_read_group(reader, entry, CONFIG_GROUP_TARGET, &place, target);
	read_portal_groups(reader, entry, &place, target);
	return read_initiators(reader, entry, &place, target) &&
	       read_luns(reader, entry, &place, is_alone ? NULL : shown, config, target);
}

static bool read_targets(struct config_reader *reader, const config_setting_t *root,
			 struct config *config)
{
	const config_setting_t *list = config_read_list(root, "targets");
	uint32_t count =
		list ? config_read_list_count(reader, list, &top_place, CONFIG_TARGETS_MAX) : 1;

	config->targets = calloc(count > 0 ? count : 1, sizeof(*config->targets));
	if (!config->targets)
		return false;
	config->target_count = count;
	for (uint32_t i = 0; i < count; i++) {
		const config_setting_t *entry =
			list ? config_read_list_group(reader, list, &top_place, i) : NULL;
		if (!read_target(reader, entry, i, count == 1, config, &config->targets[i]))
			return false;
		if (list && !entry)
			config->targets[i].name[0] = '\0';
	}
	return true;
}

static bool read_faults(struct config_reader *reader, const config_setting_t *root,
			struct config *config)
{
	const config_setting_t *list = config_read_list(root, "faults");
	uint32_t count =
		list ? config_read_list_count(reader, list, &top_place, CONFIG_FAULTS_MAX) : 0;

	if (count == 0)
		return true;
	config->faults = calloc(count, sizeof(*config->faults));
	if (!config->faults)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		const config_setting_t *entry = config_setting_get_elem(list, i);
		const char *rule = config_setting_get_string(entry);
		char what[64];

		snprintf(what, sizeof(what), "entry %u of `faults`", i + 1);
		if (!rule)
			config_read_problem(reader, entry, &top_place, what,
					    "must be the text of a rule, not %s",
					    config_read_type_name(entry));
		config->faults[i].rule = strdup(rule ? rule : "");
		if (!config->faults[i].rule)
			return false;
		config->faults[i].line = (uint32_t)config_setting_source_line(entry);
		config->fault_count = i + 1;
	}
	return true;
}

static void read_member_group(struct config_reader *reader, const config_setting_t *root,
			      enum config_group_id id, void *values)
{
	const struct config_group *group = &config_groups[id];
	const config_setting_t *setting = config_setting_get_member(root, group->name);
	struct config_place place;

	config_group_defaults(group, values);
	if (!setting || config_setting_type(setting) != CONFIG_TYPE_GROUP)
		return;
	snprintf(place.text, sizeof(place.text), "%s", group->what);
	config_read_group(reader, setting, id, &place, values);
}

bool config_read_tree(struct config_reader *reader, const config_setting_t *root,
		      struct config *config)
{
	config_group_defaults(&config_groups[CONFIG_GROUP_TOP], config);
	config_read_group(reader, root, CONFIG_GROUP_TOP, &top_place, config);
	read_member_group(reader, root, CONFIG_GROUP_LIMITS, &config->limits);
	read_member_group(reader, root, CONFIG_GROUP_POLICY, &config->policy);
	/* LUNs take what they do not say from personalities. */
	return config_read_personalities(reader, root, config) &&
	       read_faults(reader, root, config) && read_portals(reader, root, config) &&
	       read_targets(reader, root, config);
}
