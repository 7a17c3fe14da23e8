#include "tools/holdfast/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void text_time(uint64_t time_ms, char ret_text[TEXT_TIME_MAX])
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm tm;

	if (time_ms == 0 || !gmtime_r(&seconds, &tm) ||
	    strftime(ret_text, TEXT_TIME_MAX, "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
		snprintf(ret_text, TEXT_TIME_MAX, "-");
}

void text_size(uint64_t bytes, char ret_text[TEXT_SIZE_MAX])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	size_t unit = 0;
	uint64_t tenths = 0;

	while (bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		tenths = bytes % 1024 * 10 / 1024;
		bytes /= 1024;
		unit++;
	}
	if (tenths > 0)
		snprintf(ret_text, TEXT_SIZE_MAX, "%" PRIu64 ".%" PRIu64 " %s", bytes, tenths,
			 units[unit]);
	else
		snprintf(ret_text, TEXT_SIZE_MAX, "%" PRIu64 " %s", bytes, units[unit]);
}

void text_duration(uint64_t duration_ms, char ret_text[TEXT_TIME_MAX])
{
	uint64_t s = duration_ms / 1000;

	if (s >= 86400)
		snprintf(ret_text, TEXT_TIME_MAX, "%" PRIu64 " d %" PRIu64 " h", s / 86400,
			 s % 86400 / 3600);
	else if (s >= 3600)
		snprintf(ret_text, TEXT_TIME_MAX, "%" PRIu64 " h %" PRIu64 " min", s / 3600,
			 s % 3600 / 60);
	else if (s >= 60)
		snprintf(ret_text, TEXT_TIME_MAX, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else
		snprintf(ret_text, TEXT_TIME_MAX, "%" PRIu64 " s", s);
}

int text_width(const char *text)
{
	int width = 0;

	for (; *text != '\0'; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

const char *member_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

json_int_t member_number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

uint64_t member_time(const json_t *object, const char *name)
{
	json_int_t value = member_number(object, name);
	return value > 0 ? (uint64_t)value : 0;
}

int member_is_true(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

void print_json(const json_t *object)
{
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
}

bool parse_number(const char *text, const char *what, long max, json_int_t *ret_number)
{
	char *end = NULL;
	long number = strtol(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || number > max) {
		fprintf(stderr, "holdfast: `%s` is not a %s: give a number, 0 to %ld\n", text, what,
			max);
		return false;
	}
	*ret_number = number;
	return true;
}
