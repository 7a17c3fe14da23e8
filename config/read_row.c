#include "config/read_row.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define SHOWN_VALUE_MAX 80 /* characters of a wrong value that are repeated */

void config_read_problem(struct config_reader *reader, const config_setting_t *setting,
			 const struct config_place *place, const char *what, const char *format,
			 ...)
{
	char rest[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(rest, sizeof(rest), format, arguments);
	va_end(arguments);
	config_problem(&reader->problems, "%s%s%s, line %u: %s", what,
		       place->text[0] != '\0' ? " in " : "", place->text,
		       config_setting_source_line(setting), rest);
}

const char *config_read_type_name(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:
		return "a group";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "a number";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	case CONFIG_TYPE_STRING:
		return "text";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	case CONFIG_TYPE_ARRAY:
		return "an array";
	case CONFIG_TYPE_LIST:
		return "a list";
	default:
		return "nothing";
	}
}

bool config_read_integer(const config_setting_t *setting, long long *ret_value)
{
	if (config_setting_type(setting) == CONFIG_TYPE_INT)
		*ret_value = config_setting_get_int(setting);
	else if (config_setting_type(setting) == CONFIG_TYPE_INT64)
		*ret_value = config_setting_get_int64(setting);
	else
		return false;
	return true;
}

/* What is needed to read one setting, so that the functions below take few arguments. */
struct row_read {
	struct config_reader *reader;
	const config_setting_t *setting;
	const struct config_place *place;
	const struct config_row *row;
	void *values;
};

static void row_problem(const struct row_read *read, const char *rest)
{
	char what[64];

	snprintf(what, sizeof(what), "setting `%s`", read->row->name);
	config_read_problem(read->reader, read->setting, read->place, what, "%s", rest);
}

static void row_wrong_type(const struct row_read *read, const char *wanted)
{
	char range[CONFIG_RANGE_TEXT_MAX], rest[CONFIG_RANGE_TEXT_MAX + 256];

	config_row_describe_range(read->row, range);
	if (wanted)
		snprintf(rest, sizeof(rest), "must be %s (%s), not %s", wanted, range,
			 config_read_type_name(read->setting));
	else
		snprintf(rest, sizeof(rest), "must be %s, not %s", range,
			 config_read_type_name(read->setting));
	row_problem(read, rest);
}

static void row_out_of_range(const struct row_read *read, const char *value)
{
	char range[CONFIG_RANGE_TEXT_MAX], rest[512];

	config_row_describe_range(read->row, range);
	snprintf(rest, sizeof(rest), "%.*s is out of range (%s)", SHOWN_VALUE_MAX, value, range);
	row_problem(read, rest);
}

static void row_read_bool(const struct row_read *read)
{
	if (config_setting_type(read->setting) != CONFIG_TYPE_BOOL) {
		row_wrong_type(read, NULL);
		return;
	}
	bool on = config_setting_get_bool(read->setting) != 0;
	memcpy((char *)read->values + read->row->offset, &on, sizeof(on));
}

static void row_store_number(const struct row_read *read, bool negative, uint64_t value)
{
	char text[32];

	if (!negative && value >= read->row->min && value <= read->row->max) {
		config_row_set_number(read->row, read->values, value);
		return;
	}
	if (negative)
		snprintf(text, sizeof(text), "%" PRId64, (int64_t)value);
	else
		snprintf(text, sizeof(text), "%" PRIu64, value);
	row_out_of_range(read, text);
}

static void row_read_number(const struct row_read *read)
{
	long long value;

	if (config_read_integer(read->setting, &value))
		row_store_number(read, value < 0, (uint64_t)value);
	else
		row_wrong_type(read, "a number");
}

static void row_read_size(const struct row_read *read)
{
	const char *text = config_setting_get_string(read->setting);
	char rest[256];
	uint64_t bytes;

	if (!text) {
		long long value;
		if (config_read_integer(read->setting, &value))
			row_store_number(read, value < 0, (uint64_t)value);
		else
			row_wrong_type(read, "a number of bytes or text such as \"512M\"");
	} else if (!config_parse_size(text, &bytes)) {
		snprintf(rest, sizeof(rest),
			 "`%.*s` is not a size: write digits and K, M, G or T, such as \"512M\"",
			 SHOWN_VALUE_MAX, text);
		row_problem(read, rest);
	} else if (bytes < read->row->min || bytes > read->row->max) {
		row_out_of_range(read, text);
	} else {
		config_row_set_number(read->row, read->values, bytes);
	}
}

static void row_read_choice(const struct row_read *read)
{
	const char *text = config_setting_get_string(read->setting);
	char number[32], rest[512], range[CONFIG_RANGE_TEXT_MAX];
	uint32_t value;
	long long integer;

	if (!text && config_read_integer(read->setting, &integer)) {
		snprintf(number, sizeof(number), "%lld", integer);
		text = number;
	}
	if (!text) {
		row_wrong_type(read, NULL);
	} else if (config_choice_value(read->row->choices, text, &value)) {
		config_row_set_number(read->row, read->values, value);
	} else {
		const char *proposal = config_choice_suggest(read->row->choices, text);
		config_row_describe_range(read->row, range);
		snprintf(rest, sizeof(rest), "`%.*s` is not known%s%s%s (%s)", SHOWN_VALUE_MAX,
			 text, proposal ? ": did you mean `" : "", proposal ? proposal : "",
			 proposal ? "`?" : "", range);
		row_problem(read, rest);
	}
}

/* An array of names. An empty one is a mistake: nothing is left that could be done. */
static void row_read_set(const struct row_read *read)
{
	uint32_t set = 0, bit;
	int count = config_setting_length(read->setting);

	if (config_setting_type(read->setting) != CONFIG_TYPE_ARRAY || count == 0) {
		row_wrong_type(read, NULL);
		return;
	}
	for (int i = 0; i < count; i++) {
		const char *text = config_setting_get_string_elem(read->setting, i);
		char rest[512], range[CONFIG_RANGE_TEXT_MAX];

		if (text && config_choice_value(read->row->choices, text, &bit)) {
			set |= UINT32_C(1) << bit;
			continue;
		}
		config_row_describe_range(read->row, range);
		snprintf(rest, sizeof(rest), "`%.*s` is not known (%s)", SHOWN_VALUE_MAX,
			 text ? text : "a number", range);
		row_problem(read, rest);
		return;
	}
	config_row_set_number(read->row, read->values, set);
}

/* Printable ASCII, as SPC-4 4.4.1 wants it for the fields that most of these become. */
static bool is_printable(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
			return false;
	}
	return true;
}

static void row_read_text(const struct row_read *read)
{
	const char *text = config_setting_get_string(read->setting);
	char shown[SHOWN_VALUE_MAX + 3];

	if (!text) {
		row_wrong_type(read, "text");
		return;
	}
	size_t len = strlen(text);
	snprintf(shown, sizeof(shown), "`%.*s`", SHOWN_VALUE_MAX, text);
	if (len < read->row->min || len > read->row->max)
		row_out_of_range(read, shown);
	else if (!is_printable(text))
		row_problem(read, "only printable ASCII characters may stand in it");
	else
		memcpy((char *)read->values + read->row->offset, text, len + 1);
}

static void row_read_path(const struct row_read *read)
{
	const char *text = config_setting_get_string(read->setting);
	char path[2 * CONFIG_PATH_MAX];

	if (!text) {
		row_wrong_type(read, "text");
		return;
	}
	if (text[0] == '\0') {
		row_problem(read, "the path is empty: leave the setting away for its default");
		return;
	}
	bool relative = text[0] != '/' && read->reader->dir[0] != '\0';
	int len = snprintf(path, sizeof(path), "%s%s%s", relative ? read->reader->dir : "",
			   relative ? "/" : "", text);
	if (len < 0 || (size_t)len >= read->row->width)
		row_out_of_range(read, "that many bytes");
	else
		memcpy((char *)read->values + read->row->offset, path, (size_t)len + 1);
}

static void row_read_name(const struct row_read *read)
{
	const char *text = config_setting_get_string(read->setting);
	char rest[512];

	if (!text) {
		row_wrong_type(read, "text");
		return;
	}
	const char *wrong = config_parse_name(text, (char *)read->values + read->row->offset);
	if (!wrong)
		return;
	snprintf(rest, sizeof(rest), "`%.*s` is not an iSCSI name: %s", SHOWN_VALUE_MAX, text,
		 wrong);
	row_problem(read, rest);
}

static void row_read_address(const struct row_read *read)
{
	const char *text = config_setting_get_string(read->setting);
	char rest[512];

	if (!text) {
		row_wrong_type(read, "text");
		return;
	}
	/* Empty is a value only where it is the default. */
	if (text[0] == '\0' && read->row->initial_text[0] == '\0') {
		((char *)read->values)[read->row->offset] = '\0';
		return;
	}
	if (config_parse_address(text, (char *)read->values + read->row->offset))
		return;
	snprintf(rest, sizeof(rest),
		 "`%.*s` is not a numeric address: write it like \"127.0.0.1:3260\" or "
		 "\"[::1]:3260\"",
		 SHOWN_VALUE_MAX, text);
	row_problem(read, rest);
}

static void row_read(const struct row_read *read)
{
	switch (read->row->kind) {
	case CONFIG_KIND_BOOL:
		row_read_bool(read);
		break;
	case CONFIG_KIND_NUMBER:
		row_read_number(read);
		break;
	case CONFIG_KIND_SIZE:
		row_read_size(read);
		break;
	case CONFIG_KIND_CHOICE:
		row_read_choice(read);
		break;
	case CONFIG_KIND_TEXT:
		row_read_text(read);
		break;
	case CONFIG_KIND_PATH:
		row_read_path(read);
		break;
	case CONFIG_KIND_NAME:
		row_read_name(read);
		break;
	case CONFIG_KIND_ADDRESS:
		row_read_address(read);
		break;
	case CONFIG_KIND_SET:
		row_read_set(read);
		break;
	case CONFIG_KIND_GROUP:
		if (config_setting_type(read->setting) != CONFIG_TYPE_GROUP)
			row_wrong_type(read, NULL);
		break;
	case CONFIG_KIND_LIST:
	case CONFIG_KIND_TEXTS:
		if (config_setting_type(read->setting) != CONFIG_TYPE_LIST)
			row_wrong_type(read, NULL);
		break;
	case CONFIG_KIND_TAGS:
	case CONFIG_KIND_LUNS:
		if (config_setting_type(read->setting) != CONFIG_TYPE_ARRAY)
			row_wrong_type(read, NULL);
		break;
	case CONFIG_KIND_INVALID:
		break;
	}
}

/* A misspelt setting, or one that stands in the wrong place. */
static void unknown_setting(struct config_reader *reader, const config_setting_t *setting,
			    enum config_group_id id, const struct config_place *place)
{
	const char *name = config_setting_name(setting);
	const char *proposal = config_group_suggest(&config_groups[id], name);
	char what[128];

	snprintf(what, sizeof(what), "unknown setting `%.80s`", name);
	if (proposal) {
		config_read_problem(reader, setting, place, what, "did you mean `%s`?", proposal);
		return;
	}
	for (size_t i = 0; i < CONFIG_GROUP_COUNT; i++) {
		if (i != id && config_group_find(&config_groups[i], name)) {
			config_read_problem(reader, setting, place, what,
					    "it is a setting of %s, not of %s",
					    config_groups[i].what, config_groups[id].what);
			return;
		}
	}
	config_read_problem(reader, setting, place, what,
			    "holdfast.conf(5) has a list of the settings of %s",
			    config_groups[id].what);
}

void config_read_group(struct config_reader *reader, const config_setting_t *setting,
		       enum config_group_id id, const struct config_place *place, void *values)
{
	int count = config_setting_length(setting);

	for (int i = 0; i < count; i++) {
		const config_setting_t *member = config_setting_get_elem(setting, (unsigned)i);
		const struct config_row *row =
			config_group_find(&config_groups[id], config_setting_name(member));
		if (!row)
			unknown_setting(reader, member, id, place);
		else
			row_read(&(struct row_read){reader, member, place, row, values});
	}
}
