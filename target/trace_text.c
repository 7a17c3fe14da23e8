#include "target/trace_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "pr_engine/conflict.h"
#include "target/command.h"

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

/* ---- text, piece by piece ----------------------------------------------------------------------
 */

struct text {
	char *bytes;
	size_t len, cap;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text->bytes + text->len, text->cap - text->len, format, args);
	va_end(args);
	if (n > 0)
		text->len +=
			(size_t)n < text->cap - text->len ? (size_t)n : text->cap - text->len - 1;
}

static struct text text_over(char *bytes, size_t cap)
{
	bytes[0] = '\0';
	return (struct text){.bytes = bytes, .cap = cap};
}

/* ---- CDBs ------------------------------------------------------------------------------------ */

/* What is worth telling of a CDB beside its name. */
enum cdb_detail {
	DETAIL_NONE = 0,
	DETAIL_EXTENT,	  /* LBA and blocks where scsi_cdb_extent finds them */
	DETAIL_LBA_16,	  /* LBA of 8 bytes alone */
	DETAIL_EXTENT_13, /* COMPARE AND WRITE: blocks in byte 13 */
	DETAIL_EXTENT_12, /* WRITE ATOMIC: blocks in bytes 12 and 13 */
	DETAIL_VPD,	  /* INQUIRY */
	DETAIL_MODE_PAGE, /* MODE SENSE: page and subpage in bytes 2 and 3 */
	DETAIL_LOG_PAGE,
	DETAIL_PR_TYPE,
	DETAIL_START_STOP,
};

static const struct {
	uint8_t opcode;
	enum cdb_detail detail;
} details[] = {
	{0x08, DETAIL_EXTENT},	  {0x0a, DETAIL_EXTENT},     {0x28, DETAIL_EXTENT},
	{0x2a, DETAIL_EXTENT},	  {0x2e, DETAIL_EXTENT},     {0x2f, DETAIL_EXTENT},
	{0x34, DETAIL_EXTENT},	  {0x35, DETAIL_EXTENT},     {0x41, DETAIL_EXTENT},
	{0x88, DETAIL_EXTENT},	  {0x8a, DETAIL_EXTENT},     {0x8b, DETAIL_EXTENT},
	{0x8e, DETAIL_EXTENT},	  {0x8f, DETAIL_EXTENT},     {0x90, DETAIL_EXTENT},
	{0x91, DETAIL_EXTENT},	  {0x93, DETAIL_EXTENT},     {0xa8, DETAIL_EXTENT},
	{0xaa, DETAIL_EXTENT},	  {0xae, DETAIL_EXTENT},     {0xaf, DETAIL_EXTENT},
	{0x89, DETAIL_EXTENT_13}, {0x9c, DETAIL_EXTENT_12},  {0x12, DETAIL_VPD},
	{0x1a, DETAIL_MODE_PAGE}, {0x5a, DETAIL_MODE_PAGE},  {0x4d, DETAIL_LOG_PAGE},
	{0x5f, DETAIL_PR_TYPE},	  {0x1b, DETAIL_START_STOP},
};

static enum cdb_detail detail_of(const struct scsi_command *row)
{
	for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++)
		if (details[i].opcode == row->opcode)
			return details[i].detail;
	/* Of the service actions of 9Eh only this one has an LBA. */
	return row->opcode == 0x9e && row->service_action == 0x12 ? DETAIL_LBA_16 : DETAIL_NONE;
}

/* REGISTER and CLEAR look at no type. */
static bool action_has_type(int action)
{
	return action == PR_OUT_RESERVE || action == PR_OUT_RELEASE || action == PR_OUT_PREEMPT ||
	       action == PR_OUT_PREEMPT_AND_ABORT;
}

static void add_extent(struct text *text, uint64_t lba, uint32_t blocks)
{
	add(text, " lba %" PRIu64 " blocks %" PRIu32, lba, blocks);
}

static void add_detail(struct text *text, const struct scsi_command *row, const uint8_t *cdb)
{
	struct scsi_extent extent = scsi_cdb_extent(cdb);

	switch (detail_of(row)) {
	case DETAIL_EXTENT:
		add_extent(text, extent.lba, extent.blocks);
		break;
	case DETAIL_EXTENT_12:
		add_extent(text, get_be64(cdb + 2), get_be16(cdb + 12));
		break;
	case DETAIL_EXTENT_13:
		add_extent(text, get_be64(cdb + 2), cdb[13]);
		break;
	case DETAIL_LBA_16:
		add(text, " lba %" PRIu64, get_be64(cdb + 2));
		break;
	case DETAIL_VPD:
		if (cdb[1] & 0x01)
			add(text, " VPD page 0x%02x", cdb[2]);
		break;
	case DETAIL_MODE_PAGE:
		add(text, " page 0x%02x", cdb[2] & 0x3f);
		if (cdb[3] != 0)
			add(text, "/0x%02x", cdb[3]);
		break;
	case DETAIL_LOG_PAGE:
		add(text, " page 0x%02x", cdb[2] & 0x3f);
		break;
	case DETAIL_PR_TYPE:
		if (action_has_type(row->service_action))
			add(text, " type %s", pr_type_name(cdb[2] & 0x0f));
		break;
	case DETAIL_START_STOP:
		add(text, cdb[4] & 0x01 ? " start" : " stop");
		break;
	case DETAIL_NONE:
		break;
	}
}

const char *trace_command_name(const uint8_t cdb[TRACE_CDB_MAX])
{
	enum scsi_sense sense;
	const struct scsi_command *row = scsi_command_find(cdb, &sense);

	return row ? row->name : "unknown command";
}

static void add_cdb(struct text *text, const uint8_t *cdb)
{
	enum scsi_sense sense;
	const struct scsi_command *row = scsi_command_find(cdb, &sense);

	if (row) {
		add(text, "%s", row->name);
		add_detail(text, row, cdb);
	} else if (sense == SCSI_SENSE_INVALID_FIELD_IN_CDB) {
		add(text, "opcode 0x%02x, service action 0x%02x", cdb[0], cdb[1] & 0x1f);
	} else {
		add(text, "opcode 0x%02x", cdb[0]);
	}
}

void trace_cdb_text(const uint8_t cdb[TRACE_CDB_MAX], char *ret_text, size_t text_len)
{
	struct text text = text_over(ret_text, text_len);

	add_cdb(&text, cdb);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void add_key(struct text *text, const char *name, uint64_t key)
{
	add(text, " %s 0x%" PRIx64, name, key);
}

static void add_outcome(struct text *text, const struct trace_command *command)
{
	const char *status = trace_status_name(command->status);

	if (command->flags & TRACE_COMMAND_ABORTED) {
		add(text, command->flags & TRACE_COMMAND_ANSWERED ? ": TASK ABORTED"
								  : ": aborted, not answered");
		return;
	}
	if (status)
		add(text, ": %s", status);
	else
		add(text, ": status 0x%02x", command->status);
	if (command->status == SCSI_STATUS_CHECK_CONDITION)
		add(text, ", %s", scsi_sense_name(command->sense_key, command->asc, command->ascq));
}

static void add_latency(struct text *text, uint64_t ns)
{
	if (ns < 1000000)
		add(text, ", %u.%u us", (unsigned)(ns / 1000), (unsigned)(ns / 100 % 10));
	else
		add(text, ", %" PRIu64 ".%03u ms", ns / 1000000, (unsigned)(ns / 1000 % 1000));
}

static void add_command(struct text *text, const struct trace_event *event)
{
	struct trace_pr_out out;

	if (!trace_read_command(event, &out))
		return;
	if (out.command.flags & TRACE_COMMAND_BY_COPY)
		add(text, "(EXTENDED COPY) ");
	add_cdb(text, out.command.cdb);
	if (out.command.flags & TRACE_COMMAND_HAS_LIST) {
		add_key(text, "rk", out.reservation_key);
		add_key(text, "sark", out.service_action_key);
		if (out.aptpl)
			add(text, " aptpl");
	}
	add_outcome(text, &out.command);
	if (out.command.data_in > 0)
		add(text, ", %" PRIu32 " bytes in", out.command.data_in);
	if (out.command.data_out > 0)
		add(text, ", %" PRIu32 " bytes out", out.command.data_out);
	add_latency(text, out.command.latency_ns);
}

static void add_holder(struct text *text, const struct trace_conflict *conflict)
{
	const uint8_t *isid = conflict->holder_isid;

	if (conflict->all_registrants_hold) {
		add(text, "; held by every registrant");
	} else if (conflict->holder[0] != '\0') {
		add(text, "; held by %s (ISID %02x%02x%02x%02x%02x%02x, port %u)", conflict->holder,
		    isid[0], isid[1], isid[2], isid[3], isid[4], isid[5], conflict->holder_port);
		if (conflict->holder_key != 0)
			add_key(text, "with key", conflict->holder_key);
	}
	if (conflict->record != 0)
		add(text, " since journal record %" PRIu64, conflict->record);
}

static void add_conflict(struct text *text, const struct trace_event *event)
{
	struct trace_conflict conflict;

	if (!trace_read_conflict(event, &conflict))
		return;
	enum pr_conflict why = (enum pr_conflict)conflict.conflict;
	add(text, "why: %s (%s)",
	    pr_conflict_rule(why, (enum pr_type)conflict.type, (enum pr_standing)conflict.standing,
			     (enum pr_access_class)conflict.access),
	    pr_conflict_clause(why));
	if (conflict.type != PR_TYPE_NONE)
		add(text, "; reserved: %s", pr_type_name(conflict.type));
	add_holder(text, &conflict);
	if (conflict.own_key != 0)
		add(text, "; it is registered with 0x%" PRIx64, conflict.own_key);
	else
		add(text, "; it is not registered");
}

static void add_pr_change(struct text *text, const struct trace_event *event)
{
	struct trace_pr_change change;

	if (!trace_read_pr_change(event, &change))
		return;
	add(text, "journal record %" PRIu64 ": %s", change.record,
	    pr_out_action_name(change.action));
	if (action_has_type(change.action))
		add(text, " type %s", pr_type_name(change.scope_type & 0x0f));
	add_key(text, "rk", change.reservation_key);
	add_key(text, "sark", change.service_action_key);
	add(text, "; now %" PRIu32 " registered, reserved: %s, generation %" PRIu32,
	    change.registrations, pr_type_name(change.type), change.generation);
}

static void add_unit_attention(struct text *text, const struct trace_event *event)
{
	struct trace_unit_attention attention;

	if (!trace_read_unit_attention(event, &attention))
		return;
	add(text, "%s %s", scsi_sense_name(SCSI_KEY_UNIT_ATTENTION, attention.asc, attention.ascq),
	    attention.tag == TRACE_NO_TAG ? "established" : "reported");
}

static const char *function_name(unsigned function)
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
	add(text, "%s", function_name(management.function));
	if (management.tag != TRACE_NO_TAG)
		add(text, " of task 0x%08" PRIx32, management.tag);
	if (management.ended)
		add(text, ": %s", response_name(management.response));
}

static void add_note(struct text *text, const struct trace_event *event)
{
	struct trace_note note;

	if (trace_read_note(event, &note))
		add(text, "%s", note.text);
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
