/*
 * A command and its end in one line for people.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "tools/lab/history.h"

/* Appends to a text that is cut, never overrun. */
static void __attribute__((format(printf, 3, 4)))
add(char *buffer, size_t len, const char *format, ...)
{
	size_t used = strlen(buffer);
	va_list arguments;

	if (used + 1 >= len)
		return;
	va_start(arguments, format);
	vsnprintf(buffer + used, len - used, format, arguments);
	va_end(arguments);
}

static const char *type_text(uint8_t type)
{
	static const char *const names[] = {"none",  "WE",    "type 2", "EA",	"type 4",
					    "WE-RO", "EA-RO", "WE-AR",	"EA-AR"};
	return type < sizeof(names) / sizeof(names[0]) ? names[type] : "type ?";
}

static void add_pr_out(const struct history_command *c, char *buffer, size_t len)
{
	if (c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE ||
	    c->op == HISTORY_REGISTER_AND_MOVE)
		add(buffer, len, " key 0x%" PRIx64 " -> 0x%" PRIx64, c->key, c->action_key);
	else if (c->op == HISTORY_PREEMPT || c->op == HISTORY_PREEMPT_AND_ABORT)
		add(buffer, len, " 0x%" PRIx64 " by 0x%" PRIx64 " %s", c->action_key, c->key,
		    type_text(c->type));
	else if (c->op == HISTORY_RESERVE || c->op == HISTORY_RELEASE)
		add(buffer, len, " %s with 0x%" PRIx64, type_text(c->type), c->key);
	else
		add(buffer, len, " with 0x%" PRIx64, c->key);
	if (c->op == HISTORY_REGISTER_AND_MOVE && c->move_to != HISTORY_NO_NEXUS)
		add(buffer, len, " to nexus %" PRIu32, c->move_to);
	if (c->aptpl)
		add(buffer, len, " aptpl");
	if (c->all_tg_pt)
		add(buffer, len, " all_tg_pt");
	if (c->spec_i_pt)
		add(buffer, len, " spec_i_pt");
	if (c->unregister_source)
		add(buffer, len, " unreg");
}

const char *history_command_text(const struct history_command *command, char *buffer, size_t len)
{
	if (len == 0)
		return "";
	buffer[0] = '\0';
	add(buffer, len, "%s", history_op_name(command->op));
	if (history_op_is_pr_out(command->op)) {
		add_pr_out(command, buffer, len);
	} else if (command->op == HISTORY_READ || command->op == HISTORY_WRITE) {
		add(buffer, len, " %" PRIu32 " block%s at %" PRIu64, command->blocks,
		    command->blocks == 1 ? "" : "s", command->lba);
		if (command->op == HISTORY_WRITE)
			add(buffer, len, " #%" PRIu64 "%s", command->sequence,
			    command->fua ? " fua" : "");
	} else if (command->op == HISTORY_CDB) {
		for (unsigned i = 0; i < command->cdb_len && i < HISTORY_CDB_MAX; i++)
			add(buffer, len, " %02x", (unsigned)command->cdb[i]);
	}
	if (command->lun != 0)
		add(buffer, len, " on LUN %u", (unsigned)command->lun);
	return buffer;
}

static void add_keys(const struct history_result *r, char *buffer, size_t len)
{
	add(buffer, len, " generation %" PRIu32 ", %" PRIu32 " key%s", r->generation, r->key_count,
	    r->key_count == 1 ? "" : "s");
	for (uint32_t i = 0; i < history_keys_listed(r) && i < 8; i++)
		add(buffer, len, "%s0x%" PRIx64, i == 0 ? ": " : ", ", r->keys[i]);
	if (r->cut_off || r->key_count > 8)
		add(buffer, len, ", ...");
}

static void add_tags(const struct history_result *r, char *buffer, size_t len)
{
	for (uint32_t i = 0; r->tags && i < r->tag_count && i < 4; i++) {
		const struct history_tag *tag = &r->tags[i];
		if (tag->torn)
			add(buffer, len, " torn");
		else if (!tag->written)
			add(buffer, len, " -");
		else
			add(buffer, len, " %" PRIu32 "#%" PRIu64, tag->nexus, tag->sequence);
	}
	if (r->tag_count > 4)
		add(buffer, len, " ...");
}

static void add_good(const struct history_command *c, const struct history_result *r, char *buffer,
		     size_t len)
{
	if (c->op == HISTORY_READ_KEYS || c->op == HISTORY_READ_FULL_STATUS)
		add_keys(r, buffer, len);
	else if (c->op == HISTORY_READ_RESERVATION && r->holder_type == 0)
		add(buffer, len, " generation %" PRIu32 ", not reserved", r->generation);
	else if (c->op == HISTORY_READ_RESERVATION)
		add(buffer, len, " generation %" PRIu32 ", %s held with 0x%" PRIx64, r->generation,
		    type_text(r->holder_type), r->holder_key);
	else if (c->op == HISTORY_READ)
		add_tags(r, buffer, len);
}

const char *history_result_text(const struct history_command *command,
				const struct history_result *result, char *buffer, size_t len)
{
	if (len == 0)
		return "";
	buffer[0] = '\0';
	add(buffer, len, "%s", history_outcome_name(result->outcome));
	if (result->outcome == HISTORY_CHECK)
		add(buffer, len, " %x/%02x/%02x", (unsigned)result->sense_key,
		    (unsigned)result->asc, (unsigned)result->ascq);
	else if (result->outcome == HISTORY_GOOD)
		add_good(command, result, buffer, len);
	return buffer;
}
