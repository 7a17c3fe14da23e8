/*
 * Loading: file to text, text to libconfig's tree, tree to structs, structs checked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/personality.h"
#include "config/read.h"
#include "config/rows.h"
#include "config/scan.h"
#include "config/secrets.h"

static void target_free(struct config_target *target)
{
	free(target->luns);
	free(target->initiators);
}

void config_free(struct config **config)
{
	struct config *c = *config;

	*config = NULL;
	if (!c)
		return;
	for (uint32_t i = 0; c->targets && i < c->target_count; i++)
		target_free(&c->targets[i]);
	free(c->targets);
	for (uint32_t i = 0; c->personalities && i < c->personality_count; i++)
		config_personality_clear(&c->personalities[i]);
	free(c->personalities);
	for (uint32_t i = 0; c->faults && i < c->fault_count; i++)
		free(c->faults[i].rule);
	free(c->faults);
	config_secrets_free(&c->secrets);
	free(c->portals);
	free(c);
}

/* The directory part of a path, "." when it has none. */
static void directory_of(const char *path, char ret_dir[CONFIG_PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (!slash)
		snprintf(ret_dir, CONFIG_PATH_MAX, ".");
	else
		snprintf(ret_dir, CONFIG_PATH_MAX, "%.*s", len == 0 ? 1 : (int)len, path);
}

static void report_syntax(struct config_reader *reader, const config_t *tree)
{
	const char *text = config_error_text(tree) ? config_error_text(tree) : "cannot be read";
	bool twice = strstr(text, "duplicate") != NULL;

	config_problem(&reader->problems, "%s, line %d: %s", text, config_error_line(tree),
		       twice ? "each setting may stand once in its group"
			     : "settings look like `name = value;`, lists like `( {...}, {...} )`");
}

static struct config *load_tree(struct config_reader *reader, const config_t *tree)
{
	struct config *config = calloc(1, sizeof(*config));

	if (!config || !config_read_tree(reader, config_root_setting(tree), config)) {
		config_problem(&reader->problems, "no memory");
		config_free(&config);
		return NULL;
	}
	struct config_problems *problems = &reader->problems;
	if (config->secrets_path[0] != '\0') {
		config->secrets = config_secrets_load(config->secrets_path, problems->report,
						      problems->context);
		problems->count += config->secrets ? 0 : 1;
	}
	bool sound = config_check(config, problems->name, problems->report, problems->context);
	if (!sound || problems->count > 0)
		config_free(&config);
	return config;
}

struct config *config_load_text(const char *text, const char *name, config_report report,
				void *context)
{
	struct config_reader reader = {.problems = {name, report, context, 0}};
	struct config *config = NULL;
	config_t tree;

	directory_of(name, reader.dir);
	config_scan_text(&reader.problems, text);
	if (reader.problems.count > 0)
		return NULL;
	config_init(&tree);
	if (config_read_string(&tree, text) == CONFIG_TRUE)
		config = load_tree(&reader, &tree);
	else
		report_syntax(&reader, &tree);
	config_destroy(&tree);
	return config;
}

struct config *config_load_builtin(config_report report, void *context)
{
	return config_load_text("", "built-in defaults", report, context);
}

/* What is wrong with the bytes of a file as text, or NULL. */
static const char *file_fault(const char *text, size_t len, int error)
{
	if (error)
		return strerror(error);
	if (len > CONFIG_FILE_MAX)
		return "it is larger than 1 MiB";
	return memchr(text, '\0', len) ? "it holds a NUL byte, so it is not text" : NULL;
}

/* The whole file as text; NULL after a report. */
static char *read_file(const char *path, struct config_problems *problems)
{
	FILE *file = fopen(path, "re");
	if (!file) {
		config_problem(problems, "cannot be opened: %s", strerror(errno));
		return NULL;
	}
	char *text = malloc(CONFIG_FILE_MAX + 2);
	if (!text) {
		config_problem(problems, "no memory");
		fclose(file);
		return NULL;
	}
	size_t len = fread(text, 1, CONFIG_FILE_MAX + 1, file);
	const char *fault = file_fault(text, len, ferror(file) ? errno : 0);
	if (fault) {
		config_problem(problems, "cannot be read: %s", fault);
		free(text);
		text = NULL;
	} else {
		text[len] = '\0';
	}
	fclose(file);
	return text;
}

struct config *config_load_file(const char *path, config_report report, void *context)
{
	struct config_problems problems = {path, report, context, 0};
	char *text = read_file(path, &problems);

	if (!text)
		return NULL;
	struct config *config = config_load_text(text, path, report, context);
	free(text);
	return config;
}

bool config_set_portals(struct config *config, const struct config_portal *portals, uint32_t count)
{
	struct config_portal *copy = calloc(count > 0 ? count : 1, sizeof(*copy));

	if (!copy)
		return false;
	memcpy(copy, portals, count * sizeof(*copy));
	free(config->portals);
	config->portals = copy;
	config->portal_count = count;
	return true;
}

uint32_t config_portal_groups(const struct config *config,
			      uint16_t ret_groups[CONFIG_PORTAL_GROUPS_MAX])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < config->portal_count; i++) {
		uint32_t j = 0;
		while (j < count && ret_groups[j] != config->portals[i].group)
			j++;
		if (j == count && count < CONFIG_PORTAL_GROUPS_MAX)
			ret_groups[count++] = config->portals[i].group;
	}
	return count;
}
