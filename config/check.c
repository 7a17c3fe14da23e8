/*
 * What the values must be to each other.
 */
#include <stdlib.h>
#include <string.h>

#include "config/check.h"
#include "config/personality.h"
#include "config/rows.h"

static void check_portals(struct config_problems *problems, const struct config *config)
{
	uint16_t groups[CONFIG_PORTAL_GROUPS_MAX];
	uint32_t group_count = config_portal_groups(config, groups);

	for (uint32_t i = 0; i < config->portal_count; i++) {
		const struct config_portal *a = &config->portals[i];
		uint32_t j = 0;
		while (j < group_count && groups[j] != a->group)
			j++;
		if (j == group_count)
			config_problem(problems,
				       "portal `%s`%s: more than %d different groups are not "
				       "supported",
				       a->address, config_lines_of(a->line, 0).text,
				       CONFIG_PORTAL_GROUPS_MAX);
		/* Port 0 picks a free one each time. */
		if (a->address[0] == '\0' || config_ends_with(a->address, ":0"))
			continue;
		for (j = 0; j < i; j++) {
			const struct config_portal *b = &config->portals[j];
			if (strcmp(a->address, b->address) == 0)
				config_problem(problems, "portal `%s` is there twice%s: remove one",
					       a->address, config_lines_of(b->line, a->line).text);
		}
	}
}

static void check_portal_groups(struct config_problems *problems, const struct config *config,
				const struct config_target *target)
{
	for (uint32_t i = 0; i < target->portal_group_count; i++) {
		uint32_t j = 0;
		while (j < config->portal_count &&
		       config->portals[j].group != target->portal_groups[i])
			j++;
		if (j == config->portal_count)
			config_problem(problems,
				       "target `%s`%s: no portal has the group %u of its "
				       "`portal_groups`",
				       config_target_label(target),
				       config_lines_of(target->line, 0).text,
				       target->portal_groups[i]);
		for (j = 0; j < i; j++) {
			if (target->portal_groups[j] == target->portal_groups[i])
				config_problem(problems,
					       "target `%s`%s: group %u stands twice in "
					       "`portal_groups`",
					       config_target_label(target),
					       config_lines_of(target->line, 0).text,
					       target->portal_groups[i]);
		}
	}
}

static void check_profile(struct config_problems *problems, const struct config *config,
			  const struct config_target *target, const struct config_lun *lun)
{
	const char *proposal = config_personality_suggest(config, lun->profile);

	if (config_personality_find(config, lun->profile))
		return;
	config_problem(problems, "lun %u of target `%s`%s: there is no personality `%s`%s%s%s",
		       lun->number, config_target_label(target), config_lines_of(lun->line, 0).text,
		       lun->profile, proposal ? ": did you mean `" : " for `profile`",
		       proposal ? proposal : "", proposal ? "`?" : "");
}

static void check_lun(struct config_problems *problems, const struct config *config,
		      const struct config_target *target, const struct config_lun *lun)
{
	struct config_lines line = config_lines_of(lun->line, 0);
	char size[CONFIG_SIZE_TEXT_MAX], other[CONFIG_SIZE_TEXT_MAX];

	check_profile(problems, config, target, lun);
	if (lun->path[0] != '\0' && lun->backing != CONFIG_BACKING_FILE)
		config_problem(problems,
			       "lun %u of target `%s`%s: `path` is for backing `file`, this one "
			       "is `%s`",
			       lun->number, config_target_label(target), line.text,
			       config_backing_name((enum config_backing)lun->backing));
	if (lun->size % lun->block_size != 0) {
		config_format_size(lun->size, size);
		config_problem(problems,
			       "lun %u of target `%s`%s: size %s is no multiple of block_size %u",
			       lun->number, config_target_label(target), line.text, size,
			       lun->block_size);
	}
	if (lun->max_transfer % lun->block_size != 0)
		config_problem(problems,
			       "lun %u of target `%s`%s: max_transfer %u is no multiple of "
			       "block_size %u",
			       lun->number, config_target_label(target), line.text,
			       lun->max_transfer, lun->block_size);
	if (lun->max_transfer > config->limits.session_data_max) {
		config_format_size(lun->max_transfer, size);
		config_format_size(config->limits.session_data_max, other);
		config_problem(problems,
			       "lun %u of target `%s`%s: max_transfer %s is more than "
			       "limits.session_data_max %s: no session could write that much",
			       lun->number, config_target_label(target), line.text, size, other);
	}
}

static void check_luns(struct config_problems *problems, const struct config *config,
		       const struct config_target *target)
{
	const struct config_lun *owner[CONFIG_LUNS_MAX] = {NULL};

	for (uint32_t i = 0; i < target->lun_count; i++) {
		const struct config_lun *lun = &target->luns[i];
		check_lun(problems, config, target, lun);
		if (lun->number >= CONFIG_LUNS_MAX)
			continue;
		const struct config_lun *first = owner[lun->number];
		if (first)
			config_problem(problems,
				       "target `%s` has two LUNs %u%s: give each its own `number`",
				       config_target_label(target), lun->number,
				       config_lines_of(first->line, lun->line).text);
		else
			owner[lun->number] = lun;
	}
}

static int compare_paths(const void *a, const void *b)
{
	const struct config_lun *const *one = a, *const *other = b;
	int order = strcmp((*one)->path, (*other)->path);
	return order != 0 ? order
			  : ((*one)->line > (*other)->line) - ((*one)->line < (*other)->line);
}

/* Two LUNs on one file would each believe that they own it. Sorted, equal paths are neighbours. */
static void check_paths(struct config_problems *problems, const struct config *config)
{
	size_t most = (size_t)config->target_count * CONFIG_LUNS_MAX, count = 0;
	const struct config_lun **luns =
		calloc(most > 0 ? most : 1, sizeof(const struct config_lun *));

	if (!luns) {
		config_problem(problems, "no memory");
		return;
	}
	for (uint32_t t = 0; t < config->target_count; t++) {
		const struct config_target *target = &config->targets[t];
		for (uint32_t i = 0; i < target->lun_count; i++) {
			if (target->luns[i].path[0] != '\0')
				luns[count++] = &target->luns[i];
		}
	}
	qsort(luns, count, sizeof(const struct config_lun *), compare_paths);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(luns[i - 1]->path, luns[i]->path) == 0)
			config_problem(problems,
				       "backing file `%s` is used twice%s: give each LUN its own",
				       luns[i]->path,
				       config_lines_of(luns[i - 1]->line, luns[i]->line).text);
	}
	free(luns);
}

static void check_targets(struct config_problems *problems, const struct config *config)
{
	for (uint32_t i = 0; i < config->target_count; i++) {
		const struct config_target *a = &config->targets[i];
		for (uint32_t j = 0; j < i && a->name[0] != '\0'; j++) {
			const struct config_target *b = &config->targets[j];
			if (strcmp(a->name, b->name) == 0)
				config_problem(problems,
					       "target `%s` is there twice%s: give each its own "
					       "`name`",
					       a->name, config_lines_of(b->line, a->line).text);
		}
		check_portal_groups(problems, config, a);
		check_luns(problems, config, a);
		config_check_access(problems, config, a);
	}
}

static void check_policy(struct config_problems *problems, const struct config_policy *policy)
{
	if (policy->first_burst_len > policy->max_burst_len)
		config_problem(problems,
			       "policy: first_burst_len (%u) must not be more than max_burst_len "
			       "(%u) (RFC 7143 13.14): set both",
			       policy->first_burst_len, policy->max_burst_len);
}

bool config_check(const struct config *config, const char *name, config_report report,
		  void *context)
{
	struct config_problems problems = {name, report, context, 0};

	check_portals(&problems, config);
	check_targets(&problems, config);
	check_paths(&problems, config);
	config_check_discovery(&problems, config);
	check_policy(&problems, &config->policy);
	return problems.count == 0;
}
