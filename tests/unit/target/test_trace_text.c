#include "target/trace_text.h"

#include <string.h>

#include "pr_engine/conflict.h"
#include "target/command.h"
#include "target/trace_filter.h"
#include "tests/support/suite.h"

static uint64_t clock_ns(void *context)
{
	(void)context;
	return 1700000000000000000u;
}

/* The text of one event with this body. */
static const char *text_of(enum trace_kind kind, const void *body, uint32_t len)
{
	static char text[TRACE_TEXT_MAX];
	struct trace_ring *ring = trace_ring_create(64, clock_ns, NULL);
	struct trace_cursor cursor = trace_oldest(ring);
	struct trace_event event;
	uint64_t lost = 0;

	trace_put(ring, kind, 0, 0, body, len);
	ck_assert(trace_next(ring, &cursor, &lost, &event));
	trace_event_text(&event, text);
	trace_ring_free(&ring);
	return text;
}

static const char *cdb_text(const uint8_t *cdb, size_t len)
{
	static char text[256];
	uint8_t whole[TRACE_CDB_MAX] = {0};

	memcpy(whole, cdb, len);
	trace_cdb_text(whole, text, sizeof(text));
	return text;
}
#define CDB(...) cdb_text((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

START_TEST(every_row_of_the_command_table_has_its_name_in_the_text)
{
	for (size_t i = 0; i < scsi_command_count; i++) {
		const struct scsi_command *row = &scsi_commands[i];
		uint8_t cdb[TRACE_CDB_MAX] = {row->opcode};
		char text[256];

		if (row->service_action != SCSI_NO_SERVICE_ACTION)
			cdb[1] = (uint8_t)row->service_action;
		trace_cdb_text(cdb, text, sizeof(text));
		ck_assert_msg(strncmp(text, row->name, strlen(row->name)) == 0, "%s: %s", row->name,
			      text);
		ck_assert_str_eq(trace_command_name(cdb), row->name);
	}
}
END_TEST

START_TEST(a_cdb_tells_what_it_asks_for)
{
	ck_assert_str_eq(CDB(0x28, 0, 0, 0, 1, 0, 0, 0, 8), "READ(10) lba 256 blocks 8");
	ck_assert_str_eq(CDB(0x08, 0, 0, 5, 0), "READ(6) lba 5 blocks 256");
	ck_assert_str_eq(CDB(0x8a, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2),
			 "WRITE(16) lba 4294967296 blocks 2");
	ck_assert_str_eq(CDB(0x89, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 3),
			 "COMPARE AND WRITE lba 7 blocks 3");
	ck_assert_str_eq(CDB(0x12, 1, 0x83), "INQUIRY VPD page 0x83");
	ck_assert_str_eq(CDB(0x5f, 1, 5),
			 "PERSISTENT RESERVE OUT, RESERVE type Write Exclusive - Registrants Only");
	ck_assert_str_eq(CDB(0x5f, 0, 5), "PERSISTENT RESERVE OUT, REGISTER");
	ck_assert_str_eq(CDB(0xc0), "opcode 0xc0");
	ck_assert_str_eq(CDB(0x5f, 0x1f), "opcode 0x5f, service action 0x1f");
}
END_TEST

START_TEST(a_text_that_does_not_fit_is_cut)
{
	const uint8_t cdb[TRACE_CDB_MAX] = {0x28};
	char text[8];

	trace_cdb_text(cdb, text, sizeof(text));
	ck_assert_str_eq(text, "READ(10");
}
END_TEST

START_TEST(a_command_tells_keys_status_sense_and_time)
{
	struct trace_pr_out out = {
		.command = {.latency_ns = 12345678,
			    .status = SCSI_STATUS_GOOD,
			    .flags = TRACE_COMMAND_ANSWERED | TRACE_COMMAND_HAS_LIST,
			    .data_out = 24,
			    .cdb = {0x5f, 0x06}},
		.service_action_key = 0xa11ce,
		.aptpl = true,
	};
	ck_assert_str_eq(text_of(TRACE_COMMAND, &out, sizeof(out)),
			 "PERSISTENT RESERVE OUT, REGISTER AND IGNORE EXISTING KEY rk 0x0 sark "
			 "0xa11ce aptpl: GOOD, 24 bytes out, 12.345 ms");
	struct trace_command command = {.latency_ns = 7890,
					.status = SCSI_STATUS_CHECK_CONDITION,
					.flags = TRACE_COMMAND_ANSWERED,
					.sense_key = 6,
					.asc = 0x2a,
					.ascq = 0x03};
	ck_assert_str_eq(text_of(TRACE_COMMAND, &command, sizeof(command)),
			 "TEST UNIT READY: CHECK CONDITION, UNIT ATTENTION, RESERVATIONS PREEMPTED "
			 "(6/2A/03), 7.8 us");
	command.flags = TRACE_COMMAND_ABORTED;
	ck_assert_ptr_nonnull(
		strstr(text_of(TRACE_COMMAND, &command, sizeof(command)), "aborted, not answered"));
}
END_TEST

START_TEST(a_conflict_tells_rule_clause_holder_key_and_record)
{
	struct trace_conflict conflict = {
		.conflict = PR_CONFLICT_ACCESS,
		.access = PR_ACCESS_WRITE,
		.type = PR_TYPE_WRITE_EXCLUSIVE,
		.holder_key = 0xabc,
		.record = 17,
		.holder = "iqn.test:a",
	};
	const char *text = text_of(TRACE_CONFLICT, &conflict, sizeof(conflict));

	ck_assert_ptr_nonnull(strstr(text, "Write Exclusive: only the holder writes"));
	ck_assert_ptr_nonnull(strstr(text, "(SPC-4 5.13.3, tables 65 and 66)"));
	ck_assert_ptr_nonnull(strstr(text, "held by iqn.test:a"));
	ck_assert_ptr_nonnull(strstr(text, "with key 0xabc since journal record 17"));
	ck_assert_ptr_nonnull(strstr(text, "it is not registered"));
}
END_TEST

START_TEST(every_conflict_has_words_and_a_clause)
{
	for (unsigned i = PR_CONFLICT_NONE + 1; i < PR_CONFLICT_COUNT; i++) {
		const char *rule = pr_conflict_rule((enum pr_conflict)i, PR_TYPE_EXCLUSIVE_ACCESS,
						    PR_STANDING_STRANGER, PR_ACCESS_READ);
		ck_assert_ptr_nonnull(rule);
		ck_assert_uint_gt(strlen(rule), 10);
		ck_assert_uint_gt(strlen(pr_conflict_clause((enum pr_conflict)i)), 4);
	}
}
END_TEST

START_TEST(a_change_names_its_record_and_one_that_only_counts_has_none)
{
	struct trace_pr_change change = {.record = 7, .action = PR_OUT_REGISTER, .generation = 3};

	ck_assert_ptr_nonnull(
		strstr(text_of(TRACE_PR_CHANGE, &change, sizeof(change)), "journal record 7: REG"));
	change.record = 0;
	ck_assert_ptr_nonnull(
		strstr(text_of(TRACE_PR_CHANGE, &change, sizeof(change)), "counted: REGISTER"));
}
END_TEST

START_TEST(kinds_and_statuses_have_names_that_can_be_read_again)
{
	static const char *const names[] = {"good", "check-condition", "busy", "conflict"};

	for (unsigned i = TRACE_INVALID + 1; i < TRACE_KIND_COUNT; i++) {
		enum trace_kind kind;
		ck_assert(trace_kind_parse(trace_kind_name((enum trace_kind)i), &kind));
		ck_assert_uint_eq(kind, i);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint8_t status;
		ck_assert(trace_status_parse(names[i], &status));
		ck_assert_ptr_nonnull(trace_status_name(status));
	}
	uint8_t status = 0;
	ck_assert(!trace_status_parse("goodish", &status));
}
END_TEST

/* ---- filters --------------------------------------------------------------------------------- */

struct kept {
	struct trace_ring *ring;
	uint32_t a, b;
};

static uint32_t add_who(struct trace_ring *ring, const char *name)
{
	struct pr_nexus_id id = {.relative_target_port_id = 1};
	uint32_t number = trace_who_add(ring);

	memcpy(id.initiator_name, name, strlen(name));
	trace_who_name(ring, number, &id, "iqn.test:disk");
	return number;
}

static struct kept keep(void)
{
	struct kept kept = {.ring = trace_ring_create(64, clock_ns, NULL)};
	struct trace_command read = {.cdb = {0x28},
				     .lun = 3,
				     .flags = TRACE_COMMAND_ANSWERED,
				     .status = SCSI_STATUS_RESERVATION_CONFLICT};
	struct trace_command capacity = {.cdb = {0x25}, .flags = TRACE_COMMAND_ANSWERED};
	struct trace_conflict conflict = {.cdb = {0x28}, .lun = 3};

	kept.a = add_who(kept.ring, "iqn.test:a");
	kept.b = add_who(kept.ring, "iqn.test:b");
	trace_put(kept.ring, TRACE_CONFLICT, 0, kept.a, &conflict, sizeof(conflict));
	trace_put(kept.ring, TRACE_COMMAND, 0, kept.a, &read, sizeof(read));
	trace_put(kept.ring, TRACE_COMMAND, 0, kept.b, &capacity, sizeof(capacity));
	trace_put_fault(kept.ring, kept.b, TRACE_NO_TAG, TRACE_NO_LUN, "rule 1: drop");
	trace_put(kept.ring, TRACE_PDU, 0, kept.a, (const uint8_t[48]){0}, 48);
	return kept;
}

/* How many of the five events it lets through. */
static unsigned count(const struct trace_filter *filter)
{
	struct kept kept = keep();
	struct trace_cursor cursor = trace_oldest(kept.ring);
	struct trace_event event;
	uint64_t lost = 0;
	unsigned matched = 0;

	while (trace_next(kept.ring, &cursor, &lost, &event))
		matched += trace_filter_matches(filter, kept.ring, &event);
	trace_ring_free(&kept.ring);
	return matched;
}

START_TEST(a_filter_that_asks_for_nothing_leaves_out_pdus_only)
{
	ck_assert_uint_eq(count(&(struct trace_filter){.lun = 0}), 4);
	ck_assert_uint_eq(count(&(struct trace_filter){.pdus = true}), 5);
}
END_TEST

START_TEST(filters_look_at_initiator_lun_kind_and_status)
{
	ck_assert_uint_eq(count(&(struct trace_filter){.initiator = "iqn.test:a"}), 2);
	ck_assert_uint_eq(count(&(struct trace_filter){.initiator = "*:?"}), 4);
	ck_assert_uint_eq(count(&(struct trace_filter){.initiator = "*:c"}), 0);
	ck_assert_uint_eq(count(&(struct trace_filter){.target = "IQN.TEST:DISK"}), 4);
	ck_assert_uint_eq(count(&(struct trace_filter){.has_lun = true, .lun = 3}), 2);
	ck_assert_uint_eq(count(&(struct trace_filter){.has_kind = true, .kind = TRACE_FAULT}), 1);
	ck_assert_uint_eq(count(&(struct trace_filter){.has_status = true,
						       .status = SCSI_STATUS_RESERVATION_CONFLICT}),
			  2);
	ck_assert_uint_eq(
		count(&(struct trace_filter){.has_status = true, .status = SCSI_STATUS_GOOD}), 1);
}
END_TEST

START_TEST(decisions_are_changes_reports_resets_that_began_and_spc_2_reservations)
{
	struct trace_ring *ring = trace_ring_create(64, clock_ns, NULL);
	struct trace_filter filter = {.decisions = true};
	struct trace_pr_change change = {.action = 0};
	struct trace_unit_attention established = {.tag = TRACE_NO_TAG}, reported = {.tag = 7};
	struct trace_management began = {.tag = TRACE_NO_TAG}, ended = {.ended = 1};
	struct trace_command reserve = {.cdb = {0x16}, .flags = TRACE_COMMAND_ANSWERED};
	struct trace_command refused = reserve, read = {.cdb = {0x28}};
	struct trace_cursor cursor = trace_oldest(ring);
	struct trace_event event;
	uint64_t lost = 0;
	unsigned wanted = 0, all = 0;

	refused.status = SCSI_STATUS_RESERVATION_CONFLICT;
	read.flags = TRACE_COMMAND_ANSWERED;
	trace_put(ring, TRACE_PR_CHANGE, 0, 0, &change, sizeof(change));
	trace_put(ring, TRACE_UNIT_ATTENTION, 0, 0, &reported, sizeof(reported));
	trace_put(ring, TRACE_TASK_MANAGEMENT, 0, 0, &began, sizeof(began));
	trace_put(ring, TRACE_COMMAND, 0, 0, &reserve, sizeof(reserve));
	trace_put(ring, TRACE_UNIT_ATTENTION, 0, 0, &established, sizeof(established));
	trace_put(ring, TRACE_TASK_MANAGEMENT, 0, 0, &ended, sizeof(ended));
	trace_put(ring, TRACE_COMMAND, 0, 0, &refused, sizeof(refused));
	trace_put(ring, TRACE_COMMAND, 0, 0, &read, sizeof(read));
	for (; trace_next(ring, &cursor, &lost, &event); all++)
		if (trace_filter_matches(&filter, ring, &event)) {
			wanted++;
			ck_assert_uint_lt(all, 4);
		}
	ck_assert_uint_eq(all, 8);
	ck_assert_uint_eq(wanted, 4);
	trace_ring_free(&ring);
}
END_TEST

START_TEST(a_command_is_found_by_name_family_pattern_and_opcode)
{
	ck_assert_uint_eq(count(&(struct trace_filter){.command = "read-10"}), 2);
	ck_assert_uint_eq(count(&(struct trace_filter){.command = "read"}), 2);
	ck_assert_uint_eq(count(&(struct trace_filter){.command = "read*"}), 3);
	ck_assert_uint_eq(count(&(struct trace_filter){.command = "0x25"}), 1);
	ck_assert_uint_eq(count(&(struct trace_filter){.command = "write"}), 0);
	ck_assert(trace_filter_command_is_known("persistent-reserve-out"));
	ck_assert(trace_filter_command_is_known("persistent-reserve-out-register"));
	ck_assert(trace_filter_command_is_known("pr-in"));
	ck_assert(!trace_filter_command_is_known("reed"));
	ck_assert(!trace_filter_command_is_known("0x2g"));
	ck_assert(!trace_filter_command_is_known("0x"));
}
END_TEST

START_TEST(every_command_is_found_by_its_own_name)
{
	for (size_t i = 0; i < scsi_command_count; i++) {
		char name[128] = "";
		size_t len = 0;

		for (const char *c = scsi_commands[i].name; *c; c++) {
			bool word = (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
				    (*c >= 'a' && *c <= 'z');
			if (word)
				name[len++] = *c;
			else if (name[len - 1] != '-')
				name[len++] = '-';
		}
		if (name[len - 1] == '-')
			name[len - 1] = '\0';
		ck_assert_msg(trace_filter_command_is_known(name), "%s", name);
	}
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, every_row_of_the_command_table_has_its_name_in_the_text);
	tcase_add_test(tcase, a_cdb_tells_what_it_asks_for);
	tcase_add_test(tcase, a_text_that_does_not_fit_is_cut);
	tcase_add_test(tcase, a_command_tells_keys_status_sense_and_time);
	tcase_add_test(tcase, a_conflict_tells_rule_clause_holder_key_and_record);
	tcase_add_test(tcase, every_conflict_has_words_and_a_clause);
	tcase_add_test(tcase, a_change_names_its_record_and_one_that_only_counts_has_none);
	tcase_add_test(tcase, kinds_and_statuses_have_names_that_can_be_read_again);
	tcase_add_test(tcase, a_filter_that_asks_for_nothing_leaves_out_pdus_only);
	tcase_add_test(tcase, filters_look_at_initiator_lun_kind_and_status);
	tcase_add_test(tcase,
		       decisions_are_changes_reports_resets_that_began_and_spc_2_reservations);
	tcase_add_test(tcase, a_command_is_found_by_name_family_pattern_and_opcode);
	tcase_add_test(tcase, every_command_is_found_by_its_own_name);
}

int main(void)
{
	return suite_run("trace_text", fill);
}
