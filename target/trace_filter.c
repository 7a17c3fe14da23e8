#include "target/trace_filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/command.h"
#include "target/trace_text.h"

/* `*` and `?`, without case. Looks back to the last `*` only, so that it takes quadratic time at
 * worst. */
static bool glob_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *mark = NULL;

	while (*text != '\0') {
		char p = *pattern, t = *text;

		if (p == '*') {
			star = ++pattern;
			mark = text;
		} else if (p == '?' || (p >= 'A' && p <= 'Z' ? p | 0x20 : p) ==
					       (t >= 'A' && t <= 'Z' ? t | 0x20 : t)) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++mark;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* ---- commands by name --------------------------------------------------------------------------
 */

#define NAME_MAX_LEN 96

/* "READ(10)" -> "read-10"; up to `end` of the name. */
static void normalize(const char *name, const char *end, char ret_text[NAME_MAX_LEN])
{
	size_t len = 0;

	for (; name < end && len < NAME_MAX_LEN - 1; name++) {
		char c = *name;
		bool is_word =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (is_word)
			ret_text[len++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
		else if (len > 0 && ret_text[len - 1] != '-')
			ret_text[len++] = '-';
	}
	while (len > 0 && ret_text[len - 1] == '-')
		len--;
	ret_text[len] = '\0';
}

/* "read-10" -> "read". */
static void cut_length(char *name)
{
	size_t len = strlen(name), end = len;

	while (end > 0 && name[end - 1] >= '0' && name[end - 1] <= '9')
		end--;
	if (end < len && end > 0 && name[end - 1] == '-')
		name[end - 1] = '\0';
}

static bool row_matches(const struct scsi_command *row, const char *pattern)
{
	char name[NAME_MAX_LEN];
	const char *comma = strchr(row->name, ',');

	if (strcmp(pattern, "pr-out") == 0)
		return row->access == PR_ACCESS_PR_OUT;
	if (strcmp(pattern, "pr-in") == 0)
		return row->opcode == 0x5e;
	normalize(row->name, row->name + strlen(row->name), name);
	if (glob_matches(pattern, name))
		return true;
	if (comma) {
		normalize(row->name, comma, name);
		return glob_matches(pattern, name);
	}
	cut_length(name);
	return glob_matches(pattern, name);
}

static bool parse_opcode(const char *pattern, unsigned *ret_opcode)
{
	char *end;

	if (strncmp(pattern, "0x", 2) != 0 || pattern[2] == '\0')
		return false;
	unsigned long opcode = strtoul(pattern + 2, &end, 16);
	if (*end != '\0' || opcode > 0xff)
		return false;
	*ret_opcode = (unsigned)opcode;
	return true;
}

static bool cdb_matches(const char *pattern, const uint8_t *cdb)
{
	enum scsi_sense sense;
	const struct scsi_command *row;
	unsigned opcode;

	if (parse_opcode(pattern, &opcode))
		return cdb[0] == opcode;
	row = scsi_command_find(cdb, &sense);
	return row && row_matches(row, pattern);
}

bool trace_filter_command_is_known(const char *pattern)
{
	unsigned opcode;

	if (parse_opcode(pattern, &opcode))
		return true;
	for (size_t i = 0; i < scsi_command_count; i++)
		if (row_matches(&scsi_commands[i], pattern))
			return true;
	return false;
}

/* ---- events ---------------------------------------------------------------------------------- */

static bool who_matches(const struct trace_filter *filter, const struct trace_ring *ring,
			uint32_t number)
{
	struct trace_who who;

	if (filter->initiator[0] == '\0' && filter->target[0] == '\0')
		return true;
	if (!trace_who_get(ring, number, &who) || !who.is_named)
		return false;
	return (filter->initiator[0] == '\0' ||
		glob_matches(filter->initiator, who.nexus.initiator_name)) &&
	       (filter->target[0] == '\0' || glob_matches(filter->target, who.target));
}

/* Whoever asks for commands or a status gets commands, and why they met a conflict. */
static bool command_matches(const struct trace_filter *filter, const struct trace_event *event)
{
	struct trace_pr_out out;
	struct trace_conflict conflict;
	const uint8_t *cdb;
	uint8_t status;

	if (trace_read_command(event, &out)) {
		cdb = out.command.cdb;
		status = out.command.status;
		if (filter->has_status && !(out.command.flags & TRACE_COMMAND_ANSWERED))
			return false;
	} else if (trace_read_conflict(event, &conflict)) {
		cdb = conflict.cdb;
		status = SCSI_STATUS_RESERVATION_CONFLICT;
	} else {
		return false;
	}
	return (!filter->has_status || status == filter->status) &&
	       (filter->command[0] == '\0' || cdb_matches(filter->command, cdb));
}

/* RESERVE and RELEASE of SPC-2 that were GOOD. */
static bool is_spc2(const struct trace_event *event)
{
	struct trace_pr_out out;

	return trace_read_command(event, &out) && out.command.status == SCSI_STATUS_GOOD &&
	       (out.command.flags & TRACE_COMMAND_ANSWERED) &&
	       (out.command.cdb[0] == 0x16 || out.command.cdb[0] == 0x17 ||
		out.command.cdb[0] == 0x56 || out.command.cdb[0] == 0x57);
}

static bool is_decision(const struct trace_event *event)
{
	struct trace_unit_attention attention;
	struct trace_management management;

	return event->kind == TRACE_PR_CHANGE || is_spc2(event) ||
	       (trace_read_unit_attention(event, &attention) && attention.tag != TRACE_NO_TAG) ||
	       (trace_read_management(event, &management) && !management.ended);
}

bool trace_filter_matches(const struct trace_filter *filter, const struct trace_ring *ring,
			  const struct trace_event *event)
{
	if (event->kind == TRACE_PDU && !filter->pdus)
		return false;
	if (filter->has_kind && event->kind != filter->kind)
		return false;
	if (filter->decisions && !is_decision(event))
		return false;
	if ((filter->command[0] != '\0' || filter->has_status) && !command_matches(filter, event))
		return false;
	if (filter->has_lun && trace_event_lun(event) != filter->lun)
		return false;
	return who_matches(filter, ring, event->who);
}
