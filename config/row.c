/*
 * What a row of the settings says of a struct's value: find it, read it, set it to its default.
 */
#include <assert.h>
#include <string.h>

#include "config/rows.h"

const struct config_row *config_group_find(const struct config_group *group, const char *name)
{
	for (size_t i = 0; i < group->count; i++) {
		if (strcmp(group->rows[i].name, name) == 0)
			return &group->rows[i];
	}
	return NULL;
}

uint64_t config_row_get_number(const struct config_row *row, const void *values)
{
	const char *at = (const char *)values + row->offset;
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (row->width) {
	case sizeof(u8):
		memcpy(&u8, at, sizeof(u8));
		return u8;
	case sizeof(u16):
		memcpy(&u16, at, sizeof(u16));
		return u16;
	case sizeof(u32):
		memcpy(&u32, at, sizeof(u32));
		return u32;
	default:
		assert(row->width == sizeof(u64));
		memcpy(&u64, at, sizeof(u64));
		return u64;
	}
}

void config_row_set_number(const struct config_row *row, void *values, uint64_t number)
{
	char *at = (char *)values + row->offset;
	uint8_t u8 = (uint8_t)number;
	uint16_t u16 = (uint16_t)number;
	uint32_t u32 = (uint32_t)number;

	switch (row->width) {
	case sizeof(u8):
		memcpy(at, &u8, sizeof(u8));
		break;
	case sizeof(u16):
		memcpy(at, &u16, sizeof(u16));
		break;
	case sizeof(u32):
		memcpy(at, &u32, sizeof(u32));
		break;
	default:
		assert(row->width == sizeof(number));
		memcpy(at, &number, sizeof(number));
		break;
	}
}

static void config_row_default(const struct config_row *row, void *values)
{
	char *at = (char *)values + row->offset;
	bool on = row->initial != 0;

	switch (row->kind) {
	case CONFIG_KIND_BOOL:
		memcpy(at, &on, sizeof(on));
		break;
	case CONFIG_KIND_NUMBER:
	case CONFIG_KIND_SIZE:
	case CONFIG_KIND_CHOICE:
		config_row_set_number(row, values, row->initial);
		break;
	case CONFIG_KIND_TEXT:
	case CONFIG_KIND_PATH:
	case CONFIG_KIND_NAME:
	case CONFIG_KIND_ADDRESS:
		assert(strlen(row->initial_text) < row->width);
		memcpy(at, row->initial_text, strlen(row->initial_text) + 1);
		break;
	case CONFIG_KIND_TAGS:
	case CONFIG_KIND_LUNS:
	case CONFIG_KIND_SET:
	case CONFIG_KIND_TEXTS:
	case CONFIG_KIND_GROUP:
	case CONFIG_KIND_LIST:
	case CONFIG_KIND_INVALID:
		break;
	}
}

void config_group_defaults(const struct config_group *group, void *values)
{
	for (size_t i = 0; i < group->count; i++)
		config_row_default(&group->rows[i], values);
}

const char *config_choice_name(const struct config_choice *choices, uint32_t value)
{
	for (; choices->name; choices++) {
		if (choices->value == value)
			return choices->name;
	}
	return NULL;
}

bool config_choice_value(const struct config_choice *choices, const char *name, uint32_t *ret_value)
{
	for (; choices->name; choices++) {
		if (strcmp(choices->name, name) == 0) {
			*ret_value = choices->value;
			return true;
		}
	}
	return false;
}
