#include "tools/holdfastd/trace_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/conflict.h"
#include "target/sense.h"
#include "target/trace_text.h"
#include "tools/holdfastd/control_commands.h"
#include "transport/pdu_text.h"

static void set(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

static void set_number(json_t *object, const char *name, uint64_t number)
{
	set(object, name, json_integer((json_int_t)number));
}

static json_t *hex(const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * len + 1);

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 0x0f];
	}
	json_t *string = json_stringn(text, 2 * len);
	free(text);
	return string;
}

static void set_command(json_t *object, const struct trace_event *event)
{
	struct trace_pr_out out;
	const struct trace_command *command = &out.command;
	char sense[16];

	if (!trace_read_command(event, &out))
		return;
	set(object, "command", json_string(trace_command_name(command->cdb)));
	set(object, "cdb", hex(command->cdb, sizeof(command->cdb)));
	if (command->flags & TRACE_COMMAND_ANSWERED) {
		const char *status = trace_status_name(command->status);
		set(object, "status", status ? json_string(status) : json_null());
		set_number(object, "status_code", command->status);
	}
	set(object, "aborted", json_boolean(command->flags & TRACE_COMMAND_ABORTED));
	if (command->status == SCSI_STATUS_CHECK_CONDITION) {
		snprintf(sense, sizeof(sense), "%x/%02x/%02x", command->sense_key, command->asc,
			 command->ascq);
		set(object, "sense", json_string(sense));
	}
	set_number(object, "bytes_in", command->data_in);
	set_number(object, "bytes_out", command->data_out);
	set_number(object, "latency_ns", command->latency_ns);
	if (command->flags & TRACE_COMMAND_HAS_LIST) {
		set(object, "reservation_key", control_key(out.reservation_key));
		set(object, "service_action_key", control_key(out.service_action_key));
	}
}

static void set_conflict(json_t *object, const struct trace_event *event)
{
	struct trace_conflict conflict;

	if (!trace_read_conflict(event, &conflict))
		return;
	enum pr_conflict why = (enum pr_conflict)conflict.conflict;
	set(object, "command", json_string(trace_command_name(conflict.cdb)));
	set(object, "rule",
	    json_string(pr_conflict_rule(why, (enum pr_type)conflict.type,
					 (enum pr_standing)conflict.standing,
					 (enum pr_access_class)conflict.access)));
	set(object, "clause", json_string(pr_conflict_clause(why)));
	set_number(object, "type", conflict.type);
	set(object, "all_registrants", json_boolean(conflict.all_registrants_hold));
	set(object, "own_key", conflict.own_key != 0 ? control_key(conflict.own_key) : json_null());
	if (conflict.holder[0] != '\0') {
		struct pr_nexus_id id = {.relative_target_port_id = conflict.holder_port};
		json_t *holder = json_object();
		memcpy(id.initiator_name, conflict.holder, sizeof(id.initiator_name));
		memcpy(id.isid, conflict.holder_isid, sizeof(id.isid));
		if (holder) {
			control_set_nexus(holder, &id);
			set(holder, "key",
			    conflict.holder_key != 0 ? control_key(conflict.holder_key)
						     : json_null());
		}
		set(object, "holder", holder);
	}
	if (conflict.record != 0) {
		set_number(object, "record", conflict.record);
		set_number(object, "since_ms", conflict.time_ms);
	}
}

static void set_pr_change(json_t *object, const struct trace_event *event)
{
	struct trace_pr_change change;

	if (!trace_read_pr_change(event, &change))
		return;
	set_number(object, "record", change.record);
	set(object, "action", json_string(pr_out_action_name(change.action)));
	set(object, "reservation_key", control_key(change.reservation_key));
	set(object, "service_action_key", control_key(change.service_action_key));
	set_number(object, "generation", change.generation);
	set_number(object, "registrations", change.registrations);
	set_number(object, "type", change.type);
}

static void set_unit_attention(json_t *object, const struct trace_event *event)
{
	struct trace_unit_attention attention;
	char sense[16];

	if (!trace_read_unit_attention(event, &attention))
		return;
	snprintf(sense, sizeof(sense), "6/%02x/%02x", attention.asc, attention.ascq);
	set(object, "sense", json_string(sense));
	set(object, "reported", json_boolean(attention.tag != TRACE_NO_TAG));
}

static void set_management(json_t *object, const struct trace_event *event)
{
	struct trace_management management;

	if (!trace_read_management(event, &management))
		return;
	set(object, "function", json_string(trace_function_name(management.function)));
	set(object, "ended", json_boolean(management.ended));
}

static void set_pdu(json_t *object, const struct trace_event *event)
{
	uint32_t kept_len, wire_len;
	const uint8_t *bytes = trace_read_pdu(event, &kept_len, &wire_len);

	if (!bytes)
		return;
	set(object, "out", json_boolean(event->flags & TRACE_PDU_OUT));
	set(object, "bad_header_digest", json_boolean(event->flags & TRACE_PDU_BAD_HEADER));
	set(object, "bad_data_digest", json_boolean(event->flags & TRACE_PDU_BAD_DATA));
	set(object, "whole", json_boolean(event->flags & TRACE_PDU_WHOLE));
	set_number(object, "wire_len", wire_len);
	set(object, "bytes", hex(bytes, kept_len));
}

static void set_who(json_t *object, const struct trace_ring *ring, uint32_t number)
{
	struct trace_who who;

	if (!trace_who_get(ring, number, &who))
		return;
	if (who.is_named) {
		control_set_nexus(object, &who.nexus);
		set(object, "target", control_text(who.target));
	}
	if (who.is_connection) {
		set(object, "peer", control_text(who.peer));
		set(object, "local", control_text(who.local));
	}
}

static json_t *text_json(const struct trace_event *event)
{
	char text[TRACE_TEXT_MAX];
	uint32_t kept_len, wire_len;
	const uint8_t *bytes = trace_read_pdu(event, &kept_len, &wire_len);
	char line[ISCSI_PDU_TEXT_MAX];

	if (!bytes) {
		trace_event_text(event, text);
		return control_text(text);
	}
	iscsi_pdu_summary(bytes, line);
	snprintf(text, sizeof(text), "%s %s", event->flags & TRACE_PDU_OUT ? "<-" : "->", line);
	return control_text(text);
}

json_t *trace_event_json(const struct trace_ring *ring, const struct trace_event *event)
{
	static void (*const setters[TRACE_KIND_COUNT])(json_t *, const struct trace_event *) = {
		[TRACE_COMMAND] = set_command,
		[TRACE_CONFLICT] = set_conflict,
		[TRACE_PR_CHANGE] = set_pr_change,
		[TRACE_UNIT_ATTENTION] = set_unit_attention,
		[TRACE_TASK_MANAGEMENT] = set_management,
		[TRACE_PDU] = set_pdu,
	};
	json_t *object = json_object();
	uint16_t lun = trace_event_lun(event);
	uint32_t tag = trace_event_tag(event);

	if (!object)
		return NULL;
	set_number(object, "event", event->number);
	set_number(object, "time_ns", event->time_ns);
	set(object, "kind", json_string(trace_kind_name(event->kind)));
	set_number(object, "who", event->who);
	set_who(object, ring, event->who);
	if (lun != TRACE_NO_LUN)
		set_number(object, "lun", lun);
	if (tag != TRACE_NO_TAG)
		set_number(object, "tag", tag);
	if (setters[event->kind])
		setters[event->kind](object, event);
	set(object, "text", text_json(event));
	return object;
}
