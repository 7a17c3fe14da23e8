/*
 * `holdfast explain`: may who read and write what, why or why not, and what would change that.
 */
#include <inttypes.h>

#include "pr_engine/journal.h"
#include "pr_engine/store.h"
#include "tools/common/escape.h"
#include "tools/holdfast/client.h"
#include "tools/holdfast/text.h"

#define LABEL_WIDTH   14
#define NAME_TEXT_MAX (4 * PR_INITIATOR_NAME_MAX + 1)

/* ---- who did it: what the journal knows of a record
 * ---------------------------------------------- */

struct deed {
	uint64_t sequence;
	bool found;
	struct pr_journal_meta meta;
};

static void look_at_record(void *context, const struct pr_journal_record *record)
{
	struct deed *deed = context;

	if (record->sequence == deed->sequence && record->meta.event == PR_EVENT_PR_OUT) {
		deed->found = true;
		deed->meta = record->meta;
	}
}

/* The journal's file of a LUN, or NULL. */
static const char *journal_file(const json_t *overview, const char *target_name, json_int_t number)
{
	const json_t *target, *lun;
	size_t i, j;

	json_array_foreach(json_object_get(overview, "targets"), i, target)
	{
		if (strcmp(member_text(target, "name"), target_name) != 0)
			continue;
		json_array_foreach(json_object_get(target, "luns"), j, lun)
		{
			if (member_number(lun, "number") == number)
				return json_string_value(json_object_get(lun, "journal_file"));
		}
	}
	return NULL;
}

/* ", by RESERVE of NAME", as far as it can be found out: the record may be forgotten, the file not
 * ours to read. */
static void print_deed(const json_t *overview, const json_t *nexus, json_int_t sequence)
{
	const char *path =
		journal_file(overview, member_text(nexus, "target"), member_number(nexus, "lun"));
	struct deed deed = {.sequence = (uint64_t)sequence};
	struct pr_journal_report report;
	struct pr_store *store = NULL;
	char name[NAME_TEXT_MAX];

	if (!path || pr_store_posix_open_readonly(path, &store) != 0)
		return;
	pr_journal_scan(store, look_at_record, &deed, &report);
	store->ops->close(store);
	if (!deed.found)
		return;
	escape_text(deed.meta.nexus.initiator_name, name, sizeof(name));
	printf(", by %s of %s", pr_out_action_name(deed.meta.action), name);
}

/* ---- one nexus in full --------------------------------------------------------------------------
 */

static void print_since(const json_t *overview, const json_t *nexus, const json_t *object,
			const char *ms, const char *sequence)
{
	char since[TEXT_TIME_MAX];
	json_int_t record = member_number(object, sequence);

	text_time(member_time(object, ms), since);
	printf("since %s, journal record %" JSON_INTEGER_FORMAT, since, record);
	print_deed(overview, nexus, record);
	putchar('\n');
}

static void print_registration(const json_t *overview, const json_t *nexus)
{
	printf("  %-*s%s\n", LABEL_WIDTH, "logged in",
	       member_is_true(nexus, "logged_in") ? "yes" : "no");
	if (!member_is_true(nexus, "registered")) {
		printf("  %-*sno\n", LABEL_WIDTH, "registered");
		return;
	}
	printf("  %-*swith key %s ", LABEL_WIDTH, "registered", member_text(nexus, "key"));
	print_since(overview, nexus, nexus, "registered_ms", "registered_sequence");
}

static void print_reservation(const json_t *overview, const json_t *nexus)
{
	const json_t *reservation = json_object_get(nexus, "reservation");
	const json_t *holder = json_object_get(reservation, "holder");
	const json_t *spc2 = json_object_get(nexus, "spc2_owner");

	if (json_is_object(spc2))
		printf("  %-*sby RESERVE(6) or (10) of %s\n", LABEL_WIDTH, "reserved",
		       member_text(spc2, "initiator"));
	if (!json_is_object(reservation)) {
		if (!json_is_object(spc2))
			printf("  %-*sno\n", LABEL_WIDTH, "reserved");
		return;
	}
	printf("  %-*s%s (type %" JSON_INTEGER_FORMAT "h)\n", LABEL_WIDTH, "reserved",
	       member_text(reservation, "type_name"), member_number(reservation, "type"));
	printf("  %-*s", LABEL_WIDTH, "held by");
	if (member_is_true(nexus, "holds") && json_is_object(holder))
		printf("this nexus\n");
	else if (json_is_object(holder))
		printf("%s, ISID %s, port %" JSON_INTEGER_FORMAT ", key %s\n",
		       member_text(holder, "initiator"), member_text(holder, "isid"),
		       member_number(holder, "port"), member_text(holder, "key"));
	else
		printf("every registrant\n");
	printf("  %-*s", LABEL_WIDTH, "");
	print_since(overview, nexus, reservation, "since_ms", "since_sequence");
}

static void print_verdict(const json_t *nexus, const char *name)
{
	const json_t *verdict = json_object_get(nexus, name);
	const char *clause = member_text(verdict, "clause");
	char label[32];

	snprintf(label, sizeof(label), "may %s", name);
	printf("  %-*s%s: %s%s%s%s\n", LABEL_WIDTH, label,
	       member_is_true(verdict, "may") ? "yes" : "NO", member_text(verdict, "rule"),
	       clause[0] != '\0' ? " (" : "", clause, clause[0] != '\0' ? ")" : "");
}

static void print_needs(const json_t *verdict, const char *label)
{
	const json_t *line;
	size_t i;

	json_array_foreach(json_object_get(verdict, "needs"), i, line)
	{
		printf("  %-*s%s\n", LABEL_WIDTH, i == 0 ? label : "", json_string_value(line));
	}
}

static void print_advice(const json_t *nexus)
{
	const json_t *read = json_object_get(nexus, "read"),
		     *write = json_object_get(nexus, "write");
	bool same = json_equal(json_object_get(read, "needs"), json_object_get(write, "needs"));

	print_needs(read, same ? "what helps" : "to read");
	if (!same)
		print_needs(write, "to write");
}

static void print_nexus(const json_t *overview, const json_t *nexus)
{
	json_int_t attentions = member_number(nexus, "unit_attentions");

	printf("%s, ISID %s, port %" JSON_INTEGER_FORMAT "\n  on LUN %" JSON_INTEGER_FORMAT
	       " of %s\n",
	       member_text(nexus, "initiator"), member_text(nexus, "isid"),
	       member_number(nexus, "port"), member_number(nexus, "lun"),
	       member_text(nexus, "target"));
	print_registration(overview, nexus);
	print_reservation(overview, nexus);
	print_verdict(nexus, "read");
	print_verdict(nexus, "write");
	print_advice(nexus);
	if (attentions > 0)
		printf("  %-*s%s is reported to its next command (%" JSON_INTEGER_FORMAT
		       " pending)\n",
		       LABEL_WIDTH, "first", member_text(nexus, "unit_attention"), attentions);
}

static enum exit_status print_in_full(const struct arguments *arguments, const json_t *nexuses)
{
	json_t *overview = NULL;
	const json_t *nexus;
	size_t i;
	enum exit_status status =
		client_ask(arguments, json_pack("{s:s}", "command", "status"), &overview);

	if (status != STATUS_OK)
		return status;
	json_array_foreach(nexuses, i, nexus)
	{
		if (i > 0)
			putchar('\n');
		print_nexus(overview, nexus);
	}
	json_decref(overview);
	return STATUS_OK;
}

/* ---- all of them in a table --------------------------------------------------------------------
 */

static const char *why(const json_t *nexus)
{
	const json_t *write = json_object_get(nexus, "write"),
		     *read = json_object_get(nexus, "read");

	return member_text(member_is_true(read, "may") ? write : read, "rule");
}

static int name_width(const json_t *nexuses)
{
	int width = text_width("INITIATOR");
	const json_t *nexus;
	size_t i;

	json_array_foreach(nexuses, i, nexus)
	{
		int own = text_width(member_text(nexus, "initiator"));
		width = own > width ? own : width;
	}
	return width;
}

static void print_row(const json_t *nexus, int width)
{
	const char *name = member_text(nexus, "initiator");

	printf("  %3" JSON_INTEGER_FORMAT "  %s%*s  %-14s  %-4s  %-5s  %-18s  %-5s  %-6s  %s\n",
	       member_number(nexus, "lun"), name, width - text_width(name), "",
	       member_text(nexus, "isid"),
	       member_is_true(json_object_get(nexus, "read"), "may") ? "yes" : "NO",
	       member_is_true(json_object_get(nexus, "write"), "may") ? "yes" : "NO",
	       member_is_true(nexus, "registered") ? member_text(nexus, "key") : "-",
	       member_is_true(nexus, "holds") ? "yes" : "no",
	       member_is_true(nexus, "logged_in") ? "in" : "out", why(nexus));
}

static void print_table(const json_t *nexuses)
{
	int width = name_width(nexuses);
	const char *target = "";
	const json_t *nexus;
	size_t i;

	json_array_foreach(nexuses, i, nexus)
	{
		if (strcmp(target, member_text(nexus, "target")) != 0) {
			target = member_text(nexus, "target");
			printf("%s%s\n  LUN  %-*s  %-14s  READ  WRITE  %-18s  HOLDS  LOGGED  WHY\n",
			       i > 0 ? "\n" : "", target, width, "INITIATOR", "ISID", "KEY");
		}
		print_row(nexus, width);
	}
	if (json_array_size(nexuses) == 0)
		puts("nobody is logged in or registered");
}

/* ---- the command -------------------------------------------------------------------------------
 */

/* "NAME" or "NAME,0x00023d000001". */
static void set_initiator(const char *text, json_t *request)
{
	const char *comma = strrchr(text, ',');

	if (!comma) {
		json_object_set_new(request, "initiator", json_string(text));
		return;
	}
	json_object_set_new(request, "initiator", json_stringn(text, (size_t)(comma - text)));
	json_object_set_new(request, "isid", json_string(comma + 1));
}

enum exit_status command_explain(const struct arguments *arguments)
{
	json_t *request = json_pack("{s:s}", "command", "explain"), *reply = NULL;
	json_int_t lun = 0;

	if (arguments->lun && !parse_lun(arguments->lun, &lun)) {
		json_decref(request);
		return STATUS_USAGE;
	}
	if (arguments->lun)
		json_object_set_new(request, "lun", json_integer(lun));
	if (arguments->target)
		json_object_set_new(request, "target", json_string(arguments->target));
	if (arguments->initiator)
		set_initiator(arguments->initiator, request);
	enum exit_status status = client_ask(arguments, request, &reply);
	if (status != STATUS_OK)
		return status;
	const json_t *nexuses = json_object_get(reply, "nexuses");
	if (arguments->json)
		print_json(nexuses);
	else if (arguments->initiator)
		status = print_in_full(arguments, nexuses);
	else
		print_table(nexuses);
	json_decref(reply);
	return status;
}
