/*
 * Who may log in: users must be in the secrets file, initiators stand once in a list.
 */
#include <stdlib.h>
#include <string.h>

#include "config/check.h"
#include "config/rows.h"
#include "config/secrets.h"

struct config_lines config_lines_of(uint32_t a, uint32_t b)
{
	struct config_lines lines = {""};

	if (a != 0 && b != 0)
		snprintf(lines.text, sizeof(lines.text), ", lines %u and %u", a, b);
	else if (a != 0 || b != 0)
		snprintf(lines.text, sizeof(lines.text), ", line %u", a != 0 ? a : b);
	return lines;
}

const char *config_target_label(const struct config_target *target)
{
	return target->name[0] != '\0' ? target->name : "?";
}

bool config_ends_with(const char *text, const char *end)
{
	size_t text_len = strlen(text), end_len = strlen(end);
	return text_len >= end_len && strcmp(text + text_len - end_len, end) == 0;
}

/* The name in the secrets file that was most likely meant, or NULL. */
static const char *suggest_account(const struct config_secrets *secrets, const char *name)
{
	struct config_choice *choices = calloc(secrets->count + 1, sizeof(*choices));

	if (!choices)
		return NULL;
	for (uint32_t i = 0; i < secrets->count; i++)
		choices[i].name = secrets->accounts[i].name;
	const char *found = config_choice_suggest(choices, name);
	free(choices);
	return found;
}

/* `where` says what the setting belongs to, with its line. NULL after a report, or for "". */
static const struct config_account *check_user(struct config_problems *problems,
					       const struct config *config, const char *where,
					       const char *setting, const char *name)
{
	if (name[0] == '\0')
		return NULL;
	if (config->secrets_path[0] == '\0') {
		config_problem(problems,
			       "%s: `%s` is \"%s\", but there is no setting `secrets` that names "
			       "a file with its secret",
			       where, setting, name);
		return NULL;
	}
	/* A file that could not be read has been reported. */
	const struct config_account *account = config_secrets_find(config->secrets, name);
	if (account || !config->secrets)
		return account;
	const char *proposal = suggest_account(config->secrets, name);
	config_problem(problems, "%s: `%s` is \"%s\", which %s does not have%s%s%s", where, setting,
		       name, config->secrets_path, proposal ? ": did you mean \"" : "",
		       proposal ? proposal : "", proposal ? "\"?" : "");
	return NULL;
}

/* RFC 7143 9.2.1: else an initiator could have the target answer its own challenge. */
static void check_secrets_differ(struct config_problems *problems, const char *where,
				 const struct config_account *user,
				 const struct config_account *mutual)
{
	if (user && mutual && user->secret_len == mutual->secret_len &&
	    memcmp(user->secret, mutual->secret, user->secret_len) == 0)
		config_problem(problems,
			       "%s: \"%s\" and \"%s\" have the same secret, which must not serve "
			       "both directions (RFC 7143 9.2.1): give one another secret",
			       where, user->name, mutual->name);
}

/* The users of targets may discover, too. */
static void check_discovery_differs(struct config_problems *problems, const struct config *config,
				    const char *where, const struct config_account *user,
				    const struct config_account *mutual)
{
	const struct config_account *discovery =
		config_secrets_find(config->secrets, config->discovery_mutual);

	if (discovery != mutual)
		check_secrets_differ(problems, where, user, discovery);
}

static void check_luns(struct config_problems *problems, const char *where,
		       const struct config_target *target, const struct config_initiator *initiator)
{
	for (unsigned number = 0; number < CONFIG_LUNS_MAX; number++) {
		uint32_t i = 0;
		if (!(initiator->luns[number / 8] >> (number % 8) & 1))
			continue;
		while (i < target->lun_count && target->luns[i].number != number)
			i++;
		if (i == target->lun_count)
			config_problem(problems, "%s: the target has no LUN %u", where, number);
	}
}

/* True when one of them has to prove itself. */
static bool check_initiators(struct config_problems *problems, const struct config *config,
			     const struct config_target *target,
			     const struct config_account *mutual)
{
	bool proves = false;
	char where[2 * CONFIG_NAME_MAX + 128];

	for (uint32_t i = 0; i < target->initiator_count; i++) {
		const struct config_initiator *a = &target->initiators[i];
		for (uint32_t j = 0; j < i && a->name[0] != '\0'; j++)
			if (strcmp(a->name, target->initiators[j].name) == 0)
				config_problem(
					problems,
					"target `%s` has the initiator `%s` twice%s: remove "
					"one",
					config_target_label(target), a->name,
					config_lines_of(target->initiators[j].line, a->line).text);
		snprintf(where, sizeof(where), "initiator `%s` of target `%s`%s",
			 a->name[0] != '\0' ? a->name : "?", config_target_label(target),
			 config_lines_of(a->line, 0).text);
		const struct config_account *user =
			check_user(problems, config, where, "user", a->user);
		check_secrets_differ(problems, where, user, mutual);
		check_discovery_differs(problems, config, where, user, mutual);
		check_luns(problems, where, target, a);
		proves = proves || a->user[0] != '\0';
	}
	return proves;
}

static void check_move(struct config_problems *problems, const char *where,
		       const struct config_target *target)
{
	if (config_ends_with(target->moved_to, ":0"))
		config_problem(problems, "%s: `moved_to` needs a port: nobody can connect to 0",
			       where);
	if (target->moved_permanently && target->moved_to[0] == '\0')
		config_problem(problems,
			       "%s: `moved_permanently` without `moved_to`: say where it moved",
			       where);
}

void config_check_access(struct config_problems *problems, const struct config *config,
			 const struct config_target *target)
{
	char where[CONFIG_NAME_MAX + 128];

	snprintf(where, sizeof(where), "target `%s`%s", config_target_label(target),
		 config_lines_of(target->line, 0).text);
	const struct config_account *user =
		check_user(problems, config, where, "user", target->user);
	const struct config_account *mutual =
		check_user(problems, config, where, "mutual", target->mutual);
	check_secrets_differ(problems, where, user, mutual);
	check_discovery_differs(problems, config, where, user, mutual);
	bool proves = check_initiators(problems, config, target, mutual);
	if (target->mutual[0] != '\0' && target->user[0] == '\0' && !proves)
		config_problem(problems,
			       "%s: `mutual` without a `user`: a target proves itself only to "
			       "initiators that do so too: add `user`",
			       where);
	check_move(problems, where, target);
}

void config_check_discovery(struct config_problems *problems, const struct config *config)
{
	const struct config_account *user =
		check_user(problems, config, "discovery", "discovery_user", config->discovery_user);
	const struct config_account *mutual = check_user(
		problems, config, "discovery", "discovery_mutual", config->discovery_mutual);

	check_secrets_differ(problems, "discovery", user, mutual);
	if (config->discovery_mutual[0] != '\0' && config->discovery_user[0] == '\0')
		config_problem(problems,
			       "discovery: `discovery_mutual` without `discovery_user`: discovery "
			       "proves itself only to initiators that do so too");
}
