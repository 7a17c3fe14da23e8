/*
 * Commands in fault rules: by opcode, by name, or by what they do.
 */
#include <ctype.h>
#include <string.h>

#include "target/target.h"
#include "transport/fault_rule.h"

static void add_op(uint64_t *ops, uint8_t op)
{
	ops[op / 64] |= UINT64_C(1) << op % 64;
}

#define GROUP_MAX 12

static const struct {
	const char *name;
	uint8_t count;
	uint8_t ops[GROUP_MAX];
} groups[] = {
	{"read", 4, {0x08, 0x28, 0xa8, 0x88}},
	{"write", 8, {0x0a, 0x2a, 0xaa, 0x8a, 0x2e, 0xae, 0x8e, 0x9c}},
	{"flush", 2, {0x35, 0x91}},
	{"unmap", 1, {0x42}},
	{"zero", 2, {0x41, 0x93}},
	{"verify", 3, {0x2f, 0xaf, 0x8f}},
	{"pr-in", 1, {0x5e}},
	{"pr-out", 1, {0x5f}},
};

static bool add_group(struct fault_reader *reader, uint64_t *ops, const char *name)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		fault_reader_consider(reader, name, groups[i].name);
		if (strcmp(groups[i].name, name) != 0)
			continue;
		for (unsigned k = 0; k < groups[i].count; k++)
			add_op(ops, groups[i].ops[k]);
		return true;
	}
	if (strcmp(name, "any") == 0) {
		memset(ops, 0xff, 4 * sizeof(ops[0]));
		return true;
	}
	return false;
}

#define COMMAND_WORD_MAX 64

/* "READ CAPACITY(10)" is read-capacity-10; of "SANITIZE, OVERWRITE" what is before the comma. */
static void command_word(const char *name, char word[COMMAND_WORD_MAX])
{
	size_t len = 0;

	for (; *name != '\0' && *name != ',' && *name != ')' && len < COMMAND_WORD_MAX - 1; name++)
		word[len++] =
			*name == ' ' || *name == '(' ? '-' : (char)tolower((unsigned char)*name);
	word[len] = '\0';
}

static bool add_command(uint64_t *ops, const char *name)
{
	char word[COMMAND_WORD_MAX];
	const char *command;
	bool found = false;
	uint8_t op;

	for (size_t i = 0; (command = target_command_name(i, &op)) != NULL; i++) {
		command_word(command, word);
		if (strcmp(word, name) != 0)
			continue;
		add_op(ops, op);
		found = true;
	}
	return found;
}

/* One of the list. */
static bool read_op(struct fault_reader *reader, uint64_t *ops, const char *name)
{
	uint64_t op;

	if (name[0] == '0' && name[1] == 'x') {
		if (!fault_read_hex(reader, "op", name, UINT8_MAX, &op))
			return false;
		add_op(ops, (uint8_t)op);
		return true;
	}
	if (add_group(reader, ops, name) || add_command(ops, name))
		return true;
	return fault_reader_fail(reader, "`op`: there is no command `%s`", name);
}

bool fault_read_opcodes(struct fault_reader *reader, char *list, uint64_t ret_ops[4])
{
	for (char *comma = list; comma; list = comma) {
		comma = strchr(list, ',');
		if (comma)
			*comma++ = '\0';
		if (!read_op(reader, ret_ops, list))
			return false;
	}
	return true;
}
