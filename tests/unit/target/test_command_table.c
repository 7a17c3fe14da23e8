/*
 * The command table against the standard's rules for tables, and against the sheet's 4.2 and 5.2,
 * typed a second time here.
 */
#include <string.h>

#include "target/command.h"
#include "tests/support/suite.h"
#include "tests/support/target_fixture.h"

static bool row_has_service_action(const struct scsi_command *row)
{
	return row->service_action != SCSI_NO_SERVICE_ACTION;
}

START_TEST(every_row_is_complete)
{
	for (size_t i = 0; i < scsi_command_count; i++) {
		const struct scsi_command *row = &scsi_commands[i];

		ck_assert_ptr_nonnull(row->name);
		ck_assert_msg(row->run != NULL, "%s has no handler", row->name);
		ck_assert_msg(row->access > PR_ACCESS_INVALID &&
				      row->access < PR_ACCESS_CLASS_COUNT,
			      "%s has no access class", row->name);
	}
}
END_TEST

START_TEST(rows_are_sorted_and_unique)
{
	for (size_t i = 1; i < scsi_command_count; i++) {
		const struct scsi_command *row = &scsi_commands[i], *before = row - 1;
		bool sorted = before->opcode < row->opcode ||
			      (before->opcode == row->opcode &&
			       before->service_action < row->service_action);

		ck_assert_msg(sorted, "%s stands behind %s", row->name, before->name);
		/* An opcode has service actions or it has none. */
		ck_assert(before->opcode != row->opcode || row_has_service_action(before));
	}
}
END_TEST

START_TEST(cdb_lengths_follow_the_opcode_group)
{
	static const uint8_t lengths[8] = {6, 10, 10, 0, 16, 12, 0, 0}; /* SPC-4 4.2.5.1 */

	for (size_t i = 0; i < scsi_command_count; i++) {
		const struct scsi_command *row = &scsi_commands[i];

		ck_assert_msg(row->cdb_len == lengths[row->opcode >> 5], "%s: %u bytes", row->name,
			      row->cdb_len);
	}
}
END_TEST

START_TEST(usage_maps_begin_with_the_opcode_and_end_with_control)
{
	for (size_t i = 0; i < scsi_command_count; i++) {
		const struct scsi_command *row = &scsi_commands[i];

		ck_assert_msg(row->usage[0] == row->opcode, "%s", row->name);
		ck_assert_msg(row->usage[row->cdb_len - 1] == 0x04, "%s: CONTROL is not last",
			      row->name);
		for (size_t at = row->cdb_len; at < sizeof(row->usage); at++)
			ck_assert_msg(row->usage[at] == 0, "%s: usage behind the CDB", row->name);
		if (row_has_service_action(row))
			ck_assert_msg((row->usage[1] & 0x1f) == row->service_action, "%s",
				      row->name);
	}
}
END_TEST

START_TEST(find_gives_each_row_for_its_own_cdb)
{
	struct scsi_command_index index;

	scsi_command_index_fill(&index);
	for (size_t i = 0; i < scsi_command_count; i++) {
		const struct scsi_command *row = &scsi_commands[i];
		uint8_t cdb[SCSI_CDB_MAX] = {row->opcode};
		enum scsi_sense sense = SCSI_SENSE_NONE;

		if (row_has_service_action(row))
			cdb[1] = (uint8_t)row->service_action;
		ck_assert_ptr_eq(scsi_command_find(cdb, &sense), row);
		ck_assert_ptr_eq(scsi_command_find_in(&index, cdb, &sense), row);
		ck_assert_int_eq(sense, SCSI_SENSE_NONE);
	}
}
END_TEST

START_TEST(find_tells_an_unknown_opcode_from_an_unknown_service_action)
{
	for (unsigned opcode = 0; opcode < 256; opcode++) {
		for (unsigned action = 0; action < 32; action++) {
			uint8_t cdb[SCSI_CDB_MAX] = {(uint8_t)opcode, (uint8_t)action};
			enum scsi_sense sense = SCSI_SENSE_NONE;
			bool opcode_is_known = false;

			for (size_t i = 0; i < scsi_command_count; i++)
				opcode_is_known |= scsi_commands[i].opcode == opcode;
			if (scsi_command_find(cdb, &sense))
				continue;
			ck_assert_int_eq(sense, opcode_is_known
							? SCSI_SENSE_INVALID_FIELD_IN_CDB
							: SCSI_SENSE_INVALID_OPERATION_CODE);
		}
	}
}
END_TEST

START_TEST(rows_that_write_the_medium_are_write_class_and_take_data)
{
	for (size_t i = 0; i < scsi_command_count; i++) {
		const struct scsi_command *row = &scsi_commands[i];

		if (!(row->flags & SCSI_COMMAND_WRITES_MEDIUM))
			continue;
		ck_assert_msg(row->access == PR_ACCESS_WRITE, "%s", row->name);
		ck_assert_msg(row->flags & SCSI_COMMAND_NEEDS_MEDIUM, "%s", row->name);
		/* What erases the whole medium may do without data. */
		ck_assert_msg(row->data_out != NULL || row->flags & SCSI_COMMAND_WHILE_ERASING,
			      "%s", row->name);
	}
}
END_TEST

START_TEST(a_class_by_cdb_bits_is_never_stricter_than_its_row_says)
{
	for (size_t i = 0; i < scsi_command_count; i++) {
		const struct scsi_command *row = &scsi_commands[i];

		if (!row->access_of)
			continue;
		ck_assert_int_eq(row->access, PR_ACCESS_WRITE);
		for (unsigned bits = 0; bits < 256; bits++) {
			uint8_t cdb[SCSI_CDB_MAX] = {row->opcode, 0, 0, 0, (uint8_t)bits};
			enum pr_access_class class = row->access_of(cdb);

			ck_assert(class == PR_ACCESS_ALLOW || class == PR_ACCESS_READ ||
				  class == PR_ACCESS_WRITE);
		}
	}
}
END_TEST

/* ---- the sheet, typed again ---- */

/* 4.2: A ALLOW, R READ, W WRITE, O PERSISTENT RESERVE OUT, V RESERVE/RELEASE. 5.2: spc2. */
struct expectation {
	uint8_t cdb[6]; /* opcode, byte 1 (service action), ..., byte 4 */
	char class;
	bool spc2;
};

static const struct expectation expectations[] = {
	{{0x00}, 'A', false},
	{{0x03}, 'A', true},
	{{0x04}, 'W', false},
	{{0x08}, 'R', false},
	{{0x0a}, 'W', false},
	{{0x12}, 'A', true},
	{{0x15}, 'W', false},
	{{0x16}, 'V', false},
	{{0x17}, 'V', true},
	{{0x1a}, 'R', false},
	{{0x1b, 0, 0, 0, 0x00}, 'W', false},
	{{0x1b, 0, 0, 0, 0x01}, 'A', false},
	{{0x1b, 0, 0, 0, 0x02}, 'W', false},
	{{0x1b, 0, 0, 0, 0x03}, 'W', false},
	{{0x1b, 0, 0, 0, 0x11}, 'W', false},
	{{0x1b, 0, 0, 0, 0x30}, 'W', false},
	{{0x1c}, 'R', false},
	{{0x1d}, 'W', false},
	{{0x1e, 0, 0, 0, 0}, 'A', true},
	{{0x1e, 0, 0, 0, 1}, 'W', false},
	{{0x25}, 'A', true},
	{{0x28}, 'R', false},
	{{0x2a}, 'W', false},
	{{0x2e}, 'W', false},
	{{0x2f}, 'R', false},
	{{0x34}, 'R', false},
	{{0x35}, 'W', false},
	{{0x37}, 'R', false},
	{{0x3b}, 'W', false},
	{{0x3c}, 'R', false},
	{{0x41}, 'W', false},
	{{0x42}, 'W', false},
	{{0x48, 0x01}, 'W', false},
	{{0x48, 0x02}, 'W', false},
	{{0x48, 0x03}, 'W', false},
	{{0x48, 0x1f}, 'W', false},
	{{0x4c}, 'W', false},
	{{0x4d}, 'A', true},
	{{0x55}, 'W', false},
	{{0x56}, 'V', false},
	{{0x57}, 'V', true},
	{{0x5a}, 'R', false},
	{{0x5e, 0}, 'A', false},
	{{0x5e, 1}, 'A', false},
	{{0x5e, 2}, 'A', false},
	{{0x5e, 3}, 'A', false},
	{{0x5f, 0}, 'O', false},
	{{0x5f, 1}, 'O', false},
	{{0x5f, 2}, 'O', false},
	{{0x5f, 3}, 'O', false},
	{{0x5f, 4}, 'O', false},
	{{0x5f, 5}, 'O', false},
	{{0x5f, 6}, 'O', false},
	{{0x5f, 7}, 'O', false},
	{{0x83, 0x00}, 'W', false},
	{{0x84, 0x00}, 'A', false},
	{{0x84, 0x03}, 'A', false},
	{{0x84, 0x04}, 'A', false},
	{{0x88}, 'R', false},
	{{0x89}, 'W', false},
	{{0x8a}, 'W', false},
	{{0x8b}, 'W', false},
	{{0x8e}, 'W', false},
	{{0x8f}, 'R', false},
	{{0x90}, 'R', false},
	{{0x91}, 'W', false},
	{{0x93}, 'W', false},
	{{0x9c}, 'W', false},
	{{0x9e, 0x10}, 'A', true},
	{{0x9e, 0x12}, 'R', false},
	{{0xa0}, 'A', true},
	{{0xa3, 0x05}, 'A', false},
	{{0xa3, 0x0a}, 'A', true},
	{{0xa3, 0x0c}, 'R', false},
	{{0xa3, 0x0d}, 'R', false},
	{{0xa4, 0x06}, 'W', false},
	{{0xa4, 0x0a}, 'W', false},
	{{0xa8}, 'R', false},
	{{0xaa}, 'W', false},
	{{0xae}, 'W', false},
	{{0xaf}, 'R', false},
	{{0xb7}, 'R', false},
};
#define EXPECTATIONS (sizeof(expectations) / sizeof(expectations[0]))

START_TEST(every_row_has_its_expectation)
{
	bool seen[256] = {false};
	enum scsi_sense sense;

	ck_assert_uint_le(scsi_command_count, sizeof(seen));
	for (size_t i = 0; i < EXPECTATIONS; i++) {
		const struct scsi_command *row = scsi_command_find(expectations[i].cdb, &sense);

		ck_assert_ptr_nonnull(row);
		seen[row - scsi_commands] = true;
	}
	for (size_t i = 0; i < scsi_command_count; i++)
		ck_assert_msg(seen[i], "%s is not in the sheet's tables", scsi_commands[i].name);
}
END_TEST

/* 4.1, as its table has it: may others than the holder? Rows: WE, EA, WERO, EARO, WEAR, EAAR. */
struct verdict {
	enum pr_type type;
	/* of a stranger, a registrant: for R and W */
	bool stranger_reads, stranger_writes, registrant_reads, registrant_writes;
};

static const struct verdict verdicts[] = {
	{PR_TYPE_NONE, true, true, true, true},
	{PR_TYPE_WRITE_EXCLUSIVE, true, false, true, false},
	{PR_TYPE_EXCLUSIVE_ACCESS, false, false, false, false},
	{PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY, true, false, true, true},
	{PR_TYPE_EXCLUSIVE_ACCESS_REGISTRANTS_ONLY, false, false, true, true},
	{PR_TYPE_WRITE_EXCLUSIVE_ALL_REGISTRANTS, true, false, true, true},
	{PR_TYPE_EXCLUSIVE_ACCESS_ALL_REGISTRANTS, false, false, true, true},
};

/* 4.3, by service action: allowed to who is not the holder, registered or not. */
static const bool pr_out_registered[8] = {true, false, true, true, true, true, true, false};
static const bool pr_out_unregistered[8] = {true, false, false, false, false, false, true, false};

static bool is_allowed(const struct expectation *e, const struct verdict *v,
		       enum pr_standing standing)
{
	bool registered = standing == PR_STANDING_REGISTRANT;

	if (standing == PR_STANDING_HOLDER || v->type == PR_TYPE_NONE)
		return true;
	switch (e->class) {
	case 'A':
		return true;
	case 'R':
		return registered ? v->registrant_reads : v->stranger_reads;
	case 'W':
		return registered ? v->registrant_writes : v->stranger_writes;
	case 'O':
		return registered ? pr_out_registered[e->cdb[1]] : pr_out_unregistered[e->cdb[1]];
	default:
		ck_abort_msg("class %c", e->class);
	}
}

static bool conflicts(struct fixture *f, struct scsi_nexus *nexus, const struct expectation *e)
{
	const struct fixture_command command = {.cdb = e->cdb, .cdb_len = sizeof(e->cdb)};

	nexus->luns[0]->unit_attentions = (struct scsi_ua_queue){0};
	return fixture_do(f, nexus, &command)->status == SCSI_STATUS_RESERVATION_CONFLICT;
}

/* The cached standing and type are set by hand: the check reads nothing else. */
START_TEST(execute_gives_the_sheets_verdict_for_every_type_standing_and_row)
{
	struct fixture *f = fixture_create(&(struct fixture_config){.profile = &pr_profile_spc4});
	struct scsi_nexus *nexus = fixture_login(f, 'a');
	unsigned checked = 0;

	for (size_t t = 0; t < sizeof(verdicts) / sizeof(verdicts[0]); t++) {
		for (int standing = PR_STANDING_STRANGER; standing <= PR_STANDING_HOLDER;
		     standing++) {
			for (size_t i = 0; i < EXPECTATIONS; i++) {
				const struct expectation *e = &expectations[i];

				if (e->class ==
				    'V') /* by registrations, not standing: test_reservation */
					continue;
				fixture_lun(f)->reservation_type = verdicts[t].type;
				nexus->luns[0]->standing = (enum pr_standing)standing;
				bool allowed =
					is_allowed(e, &verdicts[t], (enum pr_standing)standing);
				ck_assert_msg(conflicts(f, nexus, e) == !allowed,
					      "%02x/%02x byte 4 %02x, type %d, standing %d",
					      e->cdb[0], e->cdb[1], e->cdb[4], verdicts[t].type,
					      standing);
				checked++;
			}
		}
	}
	ck_assert_uint_eq(checked, 7 * 3 * (EXPECTATIONS - 4));
	fixture_lun(f)->reservation_type = PR_TYPE_NONE;
	nexus->luns[0]->standing = PR_STANDING_STRANGER;
	fixture_free(&f);
}
END_TEST

/* 5.1: RESERVE and RELEASE, 6 and 10, of holder, registrant and stranger under each type; and that
 * what is GOOD next to a persistent reservation has no effect. */
START_TEST(reserve_and_release_get_the_sheets_verdict_for_every_type_and_standing)
{
	static const uint8_t opcodes[] = {0x16, 0x17, 0x56, 0x57};

	for (size_t t = 0; t < sizeof(verdicts) / sizeof(verdicts[0]); t++) {
		struct fixture *f =
			fixture_create(&(struct fixture_config){.profile = &pr_profile_spc4});
		struct scsi_nexus *nexuses[] = {fixture_login(f, 'a'), fixture_login(f, 'b'),
						fixture_login(f, 'c')};
		enum pr_type type = verdicts[t].type;

		fixture_good(fixture_register(f, nexuses[0], 0, 0xa));
		fixture_good(fixture_register(f, nexuses[1], 0, 0xb));
		if (type != PR_TYPE_NONE)
			fixture_good(fixture_pr_out(f, nexuses[0], PR_OUT_RESERVE, (uint8_t)type,
						    0xa, 0, 0));
		for (size_t i = 0; i < 4 * 3; i++) {
			struct expectation e = {.cdb = {opcodes[i % 4]}};
			bool good = type != PR_TYPE_NONE &&
				    (i / 4 == 0 || (i / 4 == 1 && verdicts[t].registrant_writes));
			ck_assert_msg(conflicts(f, nexuses[i / 4], &e) == !good,
				      "%02x, type %d, nexus %zu", e.cdb[0], type, i / 4);
			ck_assert_ptr_null(fixture_lun(f)->spc2_owner);
		}
		fixture_free(&f);
	}
}
END_TEST

START_TEST(a_foreign_spc2_reservation_lets_only_the_sheets_list_through)
{
	struct fixture *f = fixture_create(&(struct fixture_config){.profile = &pr_profile_spc4});
	struct scsi_nexus *a = fixture_login(f, 'a'), *b = fixture_login(f, 'b');

	fixture_good(FIXTURE_CDB(f, a, 0, 0x16, 0, 0, 0, 0, 0));
	for (size_t i = 0; i < EXPECTATIONS; i++) {
		const struct expectation *e = &expectations[i];

		ck_assert_msg(conflicts(f, b, e) == !e->spc2, "%02x/%02x byte 4 %02x", e->cdb[0],
			      e->cdb[1], e->cdb[4]);
		if (e->cdb[0] != 0x17 && e->cdb[0] != 0x57)
			ck_assert_msg(conflicts(f, a, e) ==
					      (e->cdb[0] == 0x5e || e->cdb[0] == 0x5f),
				      "owner, %02x/%02x", e->cdb[0], e->cdb[1]);
	}
	fixture_free(&f);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, every_row_is_complete);
	tcase_add_test(tcase, rows_are_sorted_and_unique);
	tcase_add_test(tcase, cdb_lengths_follow_the_opcode_group);
	tcase_add_test(tcase, usage_maps_begin_with_the_opcode_and_end_with_control);
	tcase_add_test(tcase, find_gives_each_row_for_its_own_cdb);
	tcase_add_test(tcase, find_tells_an_unknown_opcode_from_an_unknown_service_action);
	tcase_add_test(tcase, rows_that_write_the_medium_are_write_class_and_take_data);
	tcase_add_test(tcase, a_class_by_cdb_bits_is_never_stricter_than_its_row_says);
	tcase_add_test(tcase, every_row_has_its_expectation);
	tcase_add_test(tcase, execute_gives_the_sheets_verdict_for_every_type_standing_and_row);
	tcase_add_test(tcase,
		       reserve_and_release_get_the_sheets_verdict_for_every_type_and_standing);
	tcase_add_test(tcase, a_foreign_spc2_reservation_lets_only_the_sheets_list_through);
}

int main(void)
{
	return suite_run("target/command_table", fill);
}
