#include "target/trace_text.h"

#include <inttypes.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "pr_engine/conflict.h"
#include "target/command.h"
#include "target/text.h"
#include "target/trace_internal.h"

/* ---- names ----------------------------------------------------------------------------------- */

static const char *const kind_names[TRACE_KIND_COUNT] = {
	[TRACE_COMMAND] = "command",
	[TRACE_CONFLICT] = "conflict",
	[TRACE_PR_CHANGE] = "pr-change",
	[TRACE_UNIT_ATTENTION] = "unit-attention",
	[TRACE_TASK_MANAGEMENT] = "task-management",
	[TRACE_CONNECTION] = "connection",
	[TRACE_PDU] = "pdu",
	[TRACE_FAULT] = "fault",
	[TRACE_FINDING] = "finding",
};

const char *trace_kind_name(enum trace_kind kind)
{
	return (unsigned)kind < TRACE_KIND_COUNT ? kind_names[kind] : NULL;
}

bool trace_kind_parse(const char *name, enum trace_kind *ret_kind)
{
	for (unsigned kind = TRACE_INVALID + 1; kind < TRACE_KIND_COUNT; kind++) {
		if (strcmp(kind_names[kind], name) == 0) {
			*ret_kind = (enum trace_kind)kind;
			return true;
		}
	}
	return false;
}

static const struct {
	uint8_t status;
	const char *name, *option;
} statuses[] = {
	{SCSI_STATUS_GOOD, "GOOD", "good"},
	{SCSI_STATUS_CHECK_CONDITION, "CHECK CONDITION", "check-condition"},
	{SCSI_STATUS_CHECK_CONDITION, "CHECK CONDITION", "check"},
	{SCSI_STATUS_CONDITION_MET, "CONDITION MET", "condition-met"},
	{SCSI_STATUS_BUSY, "BUSY", "busy"},
	{SCSI_STATUS_RESERVATION_CONFLICT, "RESERVATION CONFLICT", "reservation-conflict"},
	{SCSI_STATUS_RESERVATION_CONFLICT, "RESERVATION CONFLICT", "conflict"},
	{SCSI_STATUS_TASK_SET_FULL, "TASK SET FULL", "task-set-full"},
	{SCSI_STATUS_ACA_ACTIVE, "ACA ACTIVE", "aca-active"},
	{SCSI_STATUS_TASK_ABORTED, "TASK ABORTED", "task-aborted"},
};

const char *trace_status_name(uint8_t status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == status)
			return statuses[i].name;
	return NULL;
}

bool trace_status_parse(const char *name, uint8_t *ret_status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (strcmp(statuses[i].option, name) == 0) {
			*ret_status = statuses[i].status;
			return true;
		}
	}
	return false;
}

/* ---- events ---------------------------------------------------------------------------------- */

static void add_key(struct text *text, const char *name, uint64_t key)
{
	text_add(text, " %s 0x%" PRIx64, name, key);
}

static void add_outcome(struct text *text, const struct trace_command *command)
{
	const char *status = trace_status_name(command->status);

	if (command->flags & TRACE_COMMAND_ABORTED) {
		text_add(text, command->flags & TRACE_COMMAND_ANSWERED ? ": TASK ABORTED"
								       : ": aborted, not answered");
		return;
	}
	if (status)
		text_add(text, ": %s", status);
	else
		text_add(text, ": status 0x%02x", command->status);
	if (command->status == SCSI_STATUS_CHECK_CONDITION)
		text_add(text, ", %s",
			 scsi_sense_name(command->sense_key, command->asc, command->ascq));
}

static void add_latency(struct text *text, uint64_t ns)
{
	if (ns < 1000000)
		text_add(text, ", %u.%u us", (unsigned)(ns / 1000), (unsigned)(ns / 100 % 10));
	else
		text_add(text, ", %" PRIu64 ".%03u ms", ns / 1000000, (unsigned)(ns / 1000 % 1000));
}

static void add_command(struct text *text, const struct trace_event *event)
{
	struct trace_pr_out out;

	if (!trace_read_command(event, &out))
		return;
	if (out.command.flags & TRACE_COMMAND_BY_COPY)
		text_add(text, "(EXTENDED COPY) ");
	trace_cdb_add(text, out.command.cdb);
	if (out.command.flags & TRACE_COMMAND_HAS_LIST) {
		add_key(text, "rk", out.reservation_key);
		add_key(text, "sark", out.service_action_key);
		if (out.aptpl)
			text_add(text, " aptpl");
	}
	add_outcome(text, &out.command);
	if (out.command.data_in > 0)
		text_add(text, ", %" PRIu32 " bytes in", out.command.data_in);
	if (out.command.data_out > 0)
		text_add(text, ", %" PRIu32 " bytes out", out.command.data_out);
	add_latency(text, out.command.latency_ns);
}

static void add_holder(struct text *text, const struct trace_conflict *conflict)
{
	const uint8_t *isid = conflict->holder_isid;

	if (conflict->all_registrants_hold) {
		text_add(text, "; held by every registrant");
	} else if (conflict->holder[0] != '\0') {
		text_add(text, "; held by %s (ISID %02x%02x%02x%02x%02x%02x, port %u)",
			 conflict->holder, isid[0], isid[1], isid[2], isid[3], isid[4], isid[5],
			 conflict->holder_port);
		if (conflict->holder_key != 0)
			add_key(text, "with key", conflict->holder_key);
	}
	if (conflict->record != 0)
		text_add(text, " since journal record %" PRIu64, conflict->record);
}

static void add_conflict(struct text *text, const struct trace_event *event)
{
	struct trace_conflict conflict;

	if (!trace_read_conflict(event, &conflict))
		return;
	enum pr_conflict why = (enum pr_conflict)conflict.conflict;
	text_add(text, "why: %s (%s)",
		 pr_conflict_rule(why, (enum pr_type)conflict.type,
				  (enum pr_standing)conflict.standing,
				  (enum pr_access_class)conflict.access),
		 pr_conflict_clause(why));
	if (conflict.type != PR_TYPE_NONE)
		text_add(text, "; reserved: %s", pr_type_name(conflict.type));
	add_holder(text, &conflict);
	if (conflict.own_key != 0)
		text_add(text, "; it is registered with 0x%" PRIx64, conflict.own_key);
	else
		text_add(text, "; it is not registered");
}

static void add_pr_change(struct text *text, const struct trace_event *event)
{
	struct trace_pr_change change;

	if (!trace_read_pr_change(event, &change))
		return;
	if (change.record != 0)
		text_add(text, "journal record %" PRIu64 ": ", change.record);
	else
		text_add(text, "counted: ");
	text_add(text, "%s", pr_out_action_name(change.action));
	if (trace_pr_out_has_type(change.action))
		text_add(text, " type %s", pr_type_name(change.scope_type & 0x0f));
	add_key(text, "rk", change.reservation_key);
	add_key(text, "sark", change.service_action_key);
	text_add(text, "; now %" PRIu32 " registered, reserved: %s, generation %" PRIu32,
		 change.registrations, pr_type_name(change.type), change.generation);
}

static void add_unit_attention(struct text *text, const struct trace_event *event)
{
	struct trace_unit_attention attention;

	if (!trace_read_unit_attention(event, &attention))
		return;
	text_add(text, "%s %s",
		 scsi_sense_name(SCSI_KEY_UNIT_ATTENTION, attention.asc, attention.ascq),
		 attention.tag == TRACE_NO_TAG ? "established" : "reported");
}

const char *trace_function_name(unsigned function)
{
	static const char *const names[] = {
		[SCSI_TMF_ABORT_TASK] = "ABORT TASK",
		[SCSI_TMF_ABORT_TASK_SET] = "ABORT TASK SET",
		[SCSI_TMF_CLEAR_ACA] = "CLEAR ACA",
		[SCSI_TMF_CLEAR_TASK_SET] = "CLEAR TASK SET",
		[SCSI_TMF_LOGICAL_UNIT_RESET] = "LOGICAL UNIT RESET",
		[SCSI_TMF_TARGET_WARM_RESET] = "TARGET WARM RESET",
		[SCSI_TMF_TARGET_COLD_RESET] = "TARGET COLD RESET",
		[SCSI_TMF_QUERY_TASK] = "QUERY TASK",
		[SCSI_TMF_QUERY_TASK_SET] = "QUERY TASK SET",
		[SCSI_TMF_I_T_NEXUS_RESET] = "I_T NEXUS RESET",
		[SCSI_TMF_QUERY_ASYNC_EVENT] = "QUERY ASYNCHRONOUS EVENT",
	};

	if (function >= sizeof(names) / sizeof(names[0]) || !names[function])
		return "unknown function";
	return names[function];
}

static const char *response_name(unsigned response)
{
	switch (response) {
	case SCSI_TMF_COMPLETE:
		return "function complete";
	case SCSI_TMF_NO_TASK:
		return "no such task";
	case SCSI_TMF_NO_LUN:
		return "no such LUN";
	case SCSI_TMF_NOT_SUPPORTED:
		return "not supported";
	case SCSI_TMF_SUCCEEDED:
		return "function succeeded";
	default:
		return "function rejected";
	}
}

static void add_management(struct text *text, const struct trace_event *event)
{
	struct trace_management management;

	if (!trace_read_management(event, &management))
		return;
	text_add(text, "%s", trace_function_name(management.function));
	if (management.tag != TRACE_NO_TAG)
		text_add(text, " of task 0x%08" PRIx32, management.tag);
	if (management.ended)
		text_add(text, ": %s", response_name(management.response));
}

static void add_note(struct text *text, const struct trace_event *event)
{
	struct trace_note note;

	if (trace_read_note(event, &note))
		text_add(text, "%s", note.text);
}

void trace_event_text(const struct trace_event *event, char ret_text[TRACE_TEXT_MAX])
{
	static void (*const adders[TRACE_KIND_COUNT])(struct text *, const struct trace_event *) = {
		[TRACE_COMMAND] = add_command,
		[TRACE_CONFLICT] = add_conflict,
		[TRACE_PR_CHANGE] = add_pr_change,
		[TRACE_UNIT_ATTENTION] = add_unit_attention,
		[TRACE_TASK_MANAGEMENT] = add_management,
		[TRACE_CONNECTION] = add_note,
		[TRACE_FAULT] = add_note,
		[TRACE_FINDING] = add_note,
	};
	struct text text = text_over(ret_text, TRACE_TEXT_MAX);

	if ((unsigned)event->kind < TRACE_KIND_COUNT && adders[event->kind])
		adders[event->kind](&text, event);
}

/* ---- what events are about ---------------------------------------------------------------------
 */

struct about {
	uint16_t lun;
	uint32_t tag;
};

static struct about about_of(const struct trace_event *event)
{
	union {
		struct trace_pr_out command;
		struct trace_conflict conflict;
		struct trace_pr_change change;
		struct trace_unit_attention attention;
		struct trace_management management;
		struct trace_note note;
	} body;

	if (trace_read_command(event, &body.command))
		return (struct about){body.command.command.lun, body.command.command.tag};
	if (trace_read_conflict(event, &body.conflict))
		return (struct about){body.conflict.lun, body.conflict.tag};
	if (trace_read_pr_change(event, &body.change))
		return (struct about){body.change.lun, body.change.tag};
	if (trace_read_unit_attention(event, &body.attention))
		return (struct about){body.attention.lun, body.attention.tag};
	if (trace_read_management(event, &body.management))
		return (struct about){body.management.lun, body.management.tag};
	if (trace_read_note(event, &body.note))
		return (struct about){body.note.lun, body.note.tag};
	return (struct about){TRACE_NO_LUN, TRACE_NO_TAG};
}

uint16_t trace_event_lun(const struct trace_event *event)
{
	return about_of(event).lun;
}

uint32_t trace_event_tag(const struct trace_event *event)
{
	return about_of(event).tag;
}
