/*
 * `holdfast journal show FILE` and `holdfast journal check FILE`. They read the file themselves:
 * no daemon need run, and one that runs does not mind.
 */
#include <inttypes.h>

#include "pr_engine/bytes.h"
#include "pr_engine/journal.h"
#include "pr_engine/store.h"
#include "tools/common/escape.h"
#include "tools/holdfast/command.h"
#include "tools/holdfast/text.h"

#define CHANGE_TEXT_MAX 640
#define NAME_TEXT_MAX	(4 * PR_INITIATOR_NAME_MAX + 1)

static void format_isid(const uint8_t isid[PR_ISID_LEN], char ret_text[16])
{
	snprintf(ret_text, 16, "0x%02x%02x%02x%02x%02x%02x", isid[0], isid[1], isid[2], isid[3],
		 isid[4], isid[5]);
}

static const char *event_name(enum pr_journal_event event)
{
	switch (event) {
	case PR_EVENT_PR_OUT:
		return "PERSISTENT RESERVE OUT";
	case PR_EVENT_POWER_ON:
		return "power on";
	case PR_EVENT_SNAPSHOT:
		return "snapshot";
	case PR_EVENT_INVALID:
		break;
	}
	return "unknown event";
}

/* ---- for people -------------------------------------------------------------------------------
 */

static void print_changes(const struct pr_journal_record *record)
{
	struct byte_reader in = byte_reader_over(record->changes, record->changes_len);
	struct pr_change change;
	char text[CHANGE_TEXT_MAX], escaped[CHANGE_TEXT_MAX];

	while (pr_change_decode(&in, &change)) {
		pr_change_describe(&change, text, sizeof(text));
		escape_text(text, escaped, sizeof(escaped));
		printf("          %s\n", escaped);
	}
	if (in.failed)
		printf("          (the rest of its changes cannot be read)\n");
}

static void print_record(void *context, const struct pr_journal_record *record)
{
	const struct pr_journal_meta *meta = &record->meta;
	char time[TEXT_TIME_MAX], name[NAME_TEXT_MAX], isid[16];
	(void)context;

	text_time(meta->time_ms, time);
	printf("%8" PRIu64 "  %s  ", record->sequence, time);
	if (meta->event != PR_EVENT_PR_OUT) {
		printf("%s%s\n", event_name(meta->event),
		       record->history_only ? "  (history)" : "");
	} else {
		escape_text(meta->nexus.initiator_name, name, sizeof(name));
		format_isid(meta->nexus.isid, isid);
		printf("%s%s\n", pr_out_action_name(meta->action),
		       record->history_only ? "  (history)" : "");
		printf("          by %s, ISID %s, port %u\n", name, isid,
		       meta->nexus.relative_target_port_id);
		printf("          key 0x%016" PRIx64 ", service action key 0x%016" PRIx64
		       ", generation %u\n",
		       meta->reservation_key, meta->service_action_key, meta->generation);
	}
	print_changes(record);
}

static void print_report(const char *path, const struct pr_journal_report *report)
{
	char size[TEXT_SIZE_MAX];

	text_size(report->size, size);
	printf("%s: %s\n", path, pr_journal_health_name(report->health));
	printf("  records      %" PRIu64 ", the last has sequence %" PRIu64 "\n", report->records,
	       report->last_sequence);
	printf("  size         %s, valid up to byte %" PRIu64 "\n", size, report->valid_end);
	if (report->damage_offset != report->valid_end)
		printf("  damage       at byte %" PRIu64 "\n", report->damage_offset);
	if (report->explanation[0])
		printf("  %s\n", report->explanation);
}

/* ---- for scripts: one object a line, the report last --------------------------------------------
 */

static json_t *key_json(uint64_t key)
{
	char text[20];

	snprintf(text, sizeof(text), "0x%016" PRIx64, key);
	return json_string(text);
}

static void set_nexus(json_t *object, const struct pr_nexus_id *nexus)
{
	char name[NAME_TEXT_MAX], isid[16];

	escape_text(nexus->initiator_name, name, sizeof(name));
	format_isid(nexus->isid, isid);
	json_object_set_new(object, "initiator", json_string(name));
	json_object_set_new(object, "isid", json_string(isid));
	json_object_set_new(object, "port", json_integer(nexus->relative_target_port_id));
}

static json_t *changes_json(const struct pr_journal_record *record)
{
	struct byte_reader in = byte_reader_over(record->changes, record->changes_len);
	struct pr_change change;
	char text[CHANGE_TEXT_MAX], escaped[CHANGE_TEXT_MAX];
	json_t *changes = json_array();

	while (pr_change_decode(&in, &change)) {
		pr_change_describe(&change, text, sizeof(text));
		escape_text(text, escaped, sizeof(escaped));
		json_array_append_new(changes, json_string(escaped));
	}
	return changes;
}

static void print_json_line(json_t *object)
{
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static void print_record_json(void *context, const struct pr_journal_record *record)
{
	const struct pr_journal_meta *meta = &record->meta;
	json_t *object = json_pack(
		"{s:I,s:I,s:s,s:I,s:b}", "sequence", (json_int_t)record->sequence, "offset",
		(json_int_t)record->offset, "event", event_name(meta->event), "time_ms",
		(json_int_t)meta->time_ms, "history_only", record->history_only);
	(void)context;

	if (meta->event == PR_EVENT_PR_OUT) {
		json_object_set_new(object, "action", json_integer(meta->action));
		json_object_set_new(object, "action_name",
				    json_string(pr_out_action_name(meta->action)));
		json_object_set_new(object, "scope_type", json_integer(meta->scope_type));
		json_object_set_new(object, "generation", json_integer(meta->generation));
		json_object_set_new(object, "reservation_key", key_json(meta->reservation_key));
		json_object_set_new(object, "service_action_key",
				    key_json(meta->service_action_key));
		set_nexus(object, &meta->nexus);
	}
	json_object_set_new(object, "changes", changes_json(record));
	print_json_line(object);
}

static void print_report_json(const char *path, const struct pr_journal_report *report)
{
	char escaped[STATE_FILE_MAX], explanation[4 * sizeof(report->explanation)];

	escape_text(path, escaped, sizeof(escaped));
	escape_text(report->explanation, explanation, sizeof(explanation));
	print_json_line(json_pack(
		"{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:s}", "file", escaped, "health",
		pr_journal_health_name(report->health), "size", (json_int_t)report->size,
		"valid_end", (json_int_t)report->valid_end, "records", (json_int_t)report->records,
		"last_sequence", (json_int_t)report->last_sequence, "damage_offset",
		(json_int_t)report->damage_offset, "explanation", explanation));
}

/* ---- both -------------------------------------------------------------------------------------
 */

static enum exit_status status_of(enum pr_journal_health health)
{
	switch (health) {
	case PR_JOURNAL_EMPTY:
	case PR_JOURNAL_CLEAN:
	case PR_JOURNAL_TORN_TAIL:
		return STATUS_OK;
	case PR_JOURNAL_DAMAGED:
	case PR_JOURNAL_FOREIGN:
	case PR_JOURNAL_TOO_BIG:
		return STATUS_DAMAGED;
	case PR_JOURNAL_IO_ERROR:
	case PR_JOURNAL_INVALID:
		break;
	}
	return STATUS_FAILED;
}

#define REGISTRATIONS_MAX 65536 /* the largest limit that a LUN can have */

/* The store takes a missing file for an empty journal; a person who names one has mistyped. */
static enum exit_status open_store(const char *path, struct pr_store **ret_store)
{
	int error = access(path, R_OK) == 0 ? 0 : -errno;

	if (!error)
		error = pr_store_posix_open_readonly(path, ret_store);
	if (!error)
		return STATUS_OK;
	fprintf(stderr, "holdfast: %s: %s\n", path, strerror(-error));
	if (error == -ENOENT)
		fprintf(stderr, "holdfast: journals are at "
				"STATE_DIR/reservations/TARGET/lunN.journal; `holdfast status "
				"--json` names them\n");
	return STATUS_FAILED;
}

static void report_print(const struct arguments *arguments, const struct pr_journal_report *report)
{
	if (arguments->json)
		print_report_json(arguments->words[0], report);
	else
		print_report(arguments->words[0], report);
}

enum exit_status command_journal_show(const struct arguments *arguments)
{
	struct pr_store *store = NULL;
	struct pr_journal_report report;

	enum exit_status status = open_store(arguments->words[0], &store);
	if (status != STATUS_OK)
		return status;
	pr_journal_scan(store, arguments->json ? print_record_json : print_record, NULL, &report);
	store->ops->close(store);
	if (arguments->json || report.health != PR_JOURNAL_CLEAN)
		report_print(arguments, &report);
	return status_of(report.health);
}

/*
 * Recovers as the daemon would, so that both say the same: a record may be sound in itself and
 * still make no sense where it stands. Nothing is written; the store is read-only.
 */
static bool journal_try(struct pr_store *store, struct pr_journal_report *ret_report)
{
	struct pr_journal *journal = NULL;
	void *memory = calloc(1, pr_state_size(REGISTRATIONS_MAX));

	if (!memory)
		return false;
	struct pr_state *state = pr_state_init(memory, REGISTRATIONS_MAX, 0);
	if (pr_journal_open(store, NULL, 0, 0, state, ret_report, &journal) == 0)
		pr_journal_free(&journal);
	free(memory);
	return true;
}

enum exit_status command_journal_check(const struct arguments *arguments)
{
	struct pr_store *store = NULL;
	struct pr_journal_report report;

	enum exit_status status = open_store(arguments->words[0], &store);
	if (status != STATUS_OK)
		return status;
	bool tried = journal_try(store, &report);
	store->ops->close(store);
	if (!tried) {
		fprintf(stderr, "holdfast: out of memory\n");
		return STATUS_FAILED;
	}
	report_print(arguments, &report);
	return status_of(report.health);
}
