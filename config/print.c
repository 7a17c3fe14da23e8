/*
 * The configuration as a file: every setting by its row, with its value.
 */
#include <inttypes.h>

#include "config/rows.h"

static void print_indent(FILE *out, int depth)
{
	for (int i = 0; i < depth; i++)
		fputs("    ", out);
}

/* As libconfig reads it back. */
static void print_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void print_size(FILE *out, uint64_t bytes)
{
	char text[CONFIG_SIZE_TEXT_MAX];

	config_format_size(bytes, text);
	print_string(out, text);
}

/* Block sizes are choices that are numbers. */
static void print_choice(FILE *out, const struct config_row *row, uint64_t value)
{
	const char *name = config_choice_name(row->choices, (uint32_t)value);

	if (name && name[0] >= '0' && name[0] <= '9')
		fputs(name, out);
	else
		print_string(out, name ? name : "");
}

static void print_set(FILE *out, const struct config_row *row, uint64_t set)
{
	const char *before = "[";

	for (const struct config_choice *c = row->choices; c->name; c++) {
		if (!(set >> c->value & 1))
			continue;
		fputs(before, out);
		print_string(out, c->name);
		before = ", ";
	}
	fputs("]", out);
}

/* A value that stands for "whatever the default is" cannot be written, only left away. */
static bool is_unset(const struct config_row *row, const void *values)
{
	const char *at = (const char *)values + row->offset;

	switch (row->kind) {
	case CONFIG_KIND_PATH:
		return at[0] == '\0';
	case CONFIG_KIND_SIZE:
		return config_row_get_number(row, values) < row->min;
	case CONFIG_KIND_TAGS:
	case CONFIG_KIND_LUNS:
	case CONFIG_KIND_TEXTS:
	case CONFIG_KIND_GROUP:
	case CONFIG_KIND_LIST:
	case CONFIG_KIND_INVALID:
		return true;
	case CONFIG_KIND_BOOL:
	case CONFIG_KIND_NUMBER:
	case CONFIG_KIND_TEXT:
	case CONFIG_KIND_NAME:
	case CONFIG_KIND_ADDRESS:
	case CONFIG_KIND_CHOICE:
	case CONFIG_KIND_SET:
		return false;
	}
	return true;
}

static void print_value(FILE *out, const struct config_row *row, const void *values)
{
	const char *at = (const char *)values + row->offset;

	switch (row->kind) {
	case CONFIG_KIND_BOOL:
		fputs(*(const bool *)at ? "true" : "false", out);
		break;
	case CONFIG_KIND_NUMBER:
		fprintf(out, "%" PRIu64, config_row_get_number(row, values));
		break;
	case CONFIG_KIND_SIZE:
		print_size(out, config_row_get_number(row, values));
		break;
	case CONFIG_KIND_CHOICE:
		print_choice(out, row, config_row_get_number(row, values));
		break;
	case CONFIG_KIND_SET:
		print_set(out, row, config_row_get_number(row, values));
		break;
	case CONFIG_KIND_TEXT:
	case CONFIG_KIND_PATH:
	case CONFIG_KIND_NAME:
	case CONFIG_KIND_ADDRESS:
		print_string(out, at);
		break;
	case CONFIG_KIND_TAGS:
	case CONFIG_KIND_LUNS:
	case CONFIG_KIND_TEXTS:
	case CONFIG_KIND_GROUP:
	case CONFIG_KIND_LIST:
	case CONFIG_KIND_INVALID:
		break;
	}
}

static void print_rows(FILE *out, int depth, enum config_group_id id, const void *values)
{
	const struct config_group *group = &config_groups[id];

	for (size_t i = 0; i < group->count; i++) {
		const struct config_row *row = &group->rows[i];
		if (is_unset(row, values))
			continue;
		print_indent(out, depth);
		fprintf(out, "%s = ", row->name);
		print_value(out, row, values);
		fputs(";\n", out);
	}
}

static void print_initiator(FILE *out, const struct config_initiator *initiator)
{
	const char *before = "";

	fputs("            {\n", out);
	print_rows(out, 4, CONFIG_GROUP_INITIATOR, initiator);
	if (initiator->masked) {
		print_indent(out, 4);
		fputs("luns = [", out);
		for (unsigned i = 0; i < CONFIG_LUNS_MAX; i++) {
			if (!(initiator->luns[i / 8] >> (i % 8) & 1))
				continue;
			fprintf(out, "%s%u", before, i);
			before = ", ";
		}
		fputs("];\n", out);
	}
	fputs("            }", out);
}

static void print_initiators(FILE *out, const struct config_target *target)
{
	if (target->initiator_count == 0)
		return;
	fputs("        initiators = (\n", out);
	for (uint32_t i = 0; i < target->initiator_count; i++) {
		print_initiator(out, &target->initiators[i]);
		fputs(i + 1 < target->initiator_count ? ",\n" : "\n", out);
	}
	fputs("        );\n", out);
}

static void print_target(FILE *out, const struct config_target *target)
{
	fputs("    {\n", out);
	print_rows(out, 2, CONFIG_GROUP_TARGET, target);
	if (target->portal_group_count > 0) {
		fputs("        portal_groups = [", out);
		for (uint32_t i = 0; i < target->portal_group_count; i++)
			fprintf(out, "%s%u", i > 0 ? ", " : "", target->portal_groups[i]);
		fputs("];\n", out);
	}
	print_initiators(out, target);
	fputs("        luns = (\n", out);
	for (uint32_t i = 0; i < target->lun_count; i++) {
		fputs("            {\n", out);
		print_rows(out, 4, CONFIG_GROUP_LUN, &target->luns[i]);
		fprintf(out, "            }%s\n", i + 1 < target->lun_count ? "," : "");
	}
	fputs("        );\n    }", out);
}

/* The overrides of its base come with the base. */
static void print_personality(FILE *out, const struct config_personality *personality)
{
	uint32_t own = personality->own_override_count;
	uint32_t first = personality->override_count - own;

	fputs("    {\n", out);
	print_rows(out, 2, CONFIG_GROUP_PERSONALITY, personality);
	if (own > 0)
		fputs("        bytes = (\n", out);
	for (uint32_t i = first; i < personality->override_count; i++) {
		fputs("            {\n", out);
		print_rows(out, 4, CONFIG_GROUP_OVERRIDE, &personality->overrides[i]);
		fprintf(out, "            }%s\n", i + 1 < personality->override_count ? "," : "");
	}
	if (own > 0)
		fputs("        );\n", out);
	fputs("    }", out);
}

void config_print_personalities(const struct config *config, FILE *out)
{
	if (config->personality_count == 0)
		return;
	fputs("personalities = (\n", out);
	for (uint32_t i = 0; i < config->personality_count; i++) {
		print_personality(out, &config->personalities[i]);
		fputs(i + 1 < config->personality_count ? ",\n" : "\n", out);
	}
	fputs(");\n", out);
}

static void print_faults(FILE *out, const struct config *config)
{
	if (config->fault_count == 0)
		return;
	fputs("faults = (\n", out);
	for (uint32_t i = 0; i < config->fault_count; i++) {
		print_indent(out, 1);
		print_string(out, config->faults[i].rule);
		fputs(i + 1 < config->fault_count ? ",\n" : "\n", out);
	}
	fputs(");\n", out);
}

void config_print(const struct config *config, FILE *out)
{
	print_rows(out, 0, CONFIG_GROUP_TOP, config);
	print_faults(out, config);
	config_print_personalities(config, out);
	fputs("portals = (\n", out);
	for (uint32_t i = 0; i < config->portal_count; i++) {
		fputs("    {\n", out);
		print_rows(out, 2, CONFIG_GROUP_PORTAL, &config->portals[i]);
		fprintf(out, "    }%s\n", i + 1 < config->portal_count ? "," : "");
	}
	fputs(");\ntargets = (\n", out);
	for (uint32_t i = 0; i < config->target_count; i++) {
		print_target(out, &config->targets[i]);
		fputs(i + 1 < config->target_count ? ",\n" : "\n", out);
	}
	fputs(");\nlimits = {\n", out);
	print_rows(out, 1, CONFIG_GROUP_LIMITS, &config->limits);
	fputs("};\npolicy = {\n", out);
	print_rows(out, 1, CONFIG_GROUP_POLICY, &config->policy);
	fputs("};\n", out);
}
