/*
 * One LUN more, from settings that came one by one: made into the text of a configuration with
 * nothing else in it, so that what a file may say, and what is wrong with it, is known in one
 * place.
 */
#include <stdlib.h>
#include <string.h>

#include "config/problem.h"
#include "config/rows.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz_"

static void write_quoted(FILE *out, const char *value)
{
	fputc('"', out);
	for (const char *c = value; *c; c++) {
		if (*c == '"' || *c == '\\')
			fputc('\\', out);
		fputc(*c, out);
	}
	fputc('"', out);
}

/* Text stands in quotes; so does what is neither number nor bool, for the parser to refuse. */
static bool is_bare(const struct config_row *row, const char *value)
{
	if (row->kind == CONFIG_KIND_BOOL)
		return strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
	if (row->kind == CONFIG_KIND_NUMBER)
		return value[0] != '\0' && strlen(value) < 10 &&
		       strspn(value, "0123456789") == strlen(value);
	return false;
}

/* NULL: fine. */
static const char *setting_fault(const struct config_setting_text *setting)
{
	if (setting->name[0] == '\0' ||
	    strspn(setting->name, NAME_CHARACTERS) != strlen(setting->name))
		return "is not the name of a setting";
	if (strcmp(setting->name, "number") == 0)
		return "is given apart from the settings";
	if (strcspn(setting->value, "\r\n") != strlen(setting->value))
		return "must be one line";
	if (strcmp(setting->name, "path") == 0 && setting->value[0] != '/')
		return "must be absolute";
	return NULL;
}

static bool write_setting(FILE *out, const struct config_setting_text *setting,
			  struct config_problems *problems)
{
	const struct config_row *row;
	const char *fault = setting_fault(setting);

	if (fault) {
		config_problem(problems, "setting `%.64s` %s", setting->name, fault);
		return false;
	}
	row = config_group_find(&config_groups[CONFIG_GROUP_LUN], setting->name);
	fprintf(out, " %s = ", setting->name);
	if (row && is_bare(row, setting->value))
		fputs(setting->value, out);
	else
		write_quoted(out, setting->value);
	fputc(';', out);
	return true;
}

/* NULL when something was reported. */
static char *lun_text(const struct config *config, uint16_t number,
		      const struct config_setting_text *settings, uint32_t count,
		      struct config_problems *problems)
{
	char *text = NULL;
	size_t len = 0;
	bool sound = true;
	FILE *out = open_memstream(&text, &len);

	if (out) {
		config_print_personalities(config, out);
		fprintf(out, "targets = ( { luns = ( { number = %u;", number);
		for (uint32_t i = 0; i < count; i++)
			sound = write_setting(out, &settings[i], problems) && sound;
		fputs(" } ); } );\n", out);
	}
	if (!out || fclose(out) != 0) {
		config_problem(problems, "no memory");
		sound = false;
	}
	if (sound)
		return text;
	free(text);
	return NULL;
}

bool config_load_lun(const struct config *config, uint16_t number,
		     const struct config_setting_text *settings, uint32_t count,
		     config_report report, void *context, struct config_lun *ret_lun)
{
	char name[32];
	struct config_problems problems = {name, report, context, 0};

	snprintf(name, sizeof(name), "LUN %u", number);
	char *text = lun_text(config, number, settings, count, &problems);
	struct config *loaded = text ? config_load_text(text, name, report, context) : NULL;
	free(text);
	if (!loaded)
		return false;
	*ret_lun = loaded->targets[0].luns[0];
	ret_lun->line = 0;
	config_free(&loaded);
	return true;
}

struct config_lun *config_find_lun(struct config_target *target, uint16_t number)
{
	for (uint32_t i = 0; i < target->lun_count; i++)
		if (target->luns[i].number == number)
			return &target->luns[i];
	return NULL;
}

bool config_put_lun(struct config_target *target, const struct config_lun *lun)
{
	struct config_lun *place = config_find_lun(target, lun->number);

	if (!place) {
		place = realloc(target->luns, (target->lun_count + 1) * sizeof(*place));
		if (!place)
			return false;
		target->luns = place;
		place += target->lun_count++;
	}
	*place = *lun;
	return true;
}

void config_drop_lun(struct config_target *target, uint16_t number)
{
	struct config_lun *lun = config_find_lun(target, number);

	if (!lun)
		return;
	size_t behind = target->lun_count - (size_t)(lun - target->luns) - 1;
	memmove(lun, lun + 1, behind * sizeof(*lun));
	target->lun_count--;
}
