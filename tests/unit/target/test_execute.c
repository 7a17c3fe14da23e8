/*
 * The order of checks, and a task's life up to its handler.
 */
#include <string.h>

#include "target/command.h"
#include "tests/support/suite.h"
#include "tests/support/target_fixture.h"

#define UNKNOWN_OPCODE 0xc1

static struct fixture *f;
static struct scsi_nexus *a, *b;

static void setup(void)
{
	f = fixture_create(NULL);
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
}

static void teardown(void)
{
	fixture_free(&f);
}

static void raise_for(struct scsi_nexus *nexus, enum scsi_unit_attention ua)
{
	scsi_ua_raise(&nexus->luns[0]->unit_attentions, ua);
}

/* ---- the LUN ---- */

START_TEST(a_lun_that_is_not_there_is_not_supported)
{
	f->lun = 7;
	fixture_sense(fixture_test_unit_ready(f, a), 5, 0x25, 0x00);
	fixture_sense(fixture_read(f, a, 0, 1), 5, 0x25, 0x00);
	fixture_sense(FIXTURE_CDB(f, a, 0, UNKNOWN_OPCODE, 0, 0, 0, 0, 0), 5, 0x25, 0x00);
	fixture_sense(fixture_pr_in(f, a, PR_IN_READ_KEYS, 8), 5, 0x25, 0x00);
}
END_TEST

START_TEST(three_commands_run_without_a_lun)
{
	f->lun = 7;
	fixture_good(FIXTURE_CDB(f, a, 36, 0x12, 0, 0, 0, 36, 0));
	fixture_good(FIXTURE_CDB(f, a, 16, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0));
	fixture_good(FIXTURE_CDB(f, a, 18, 0x03, 0, 0, 0, 18, 0));
}
END_TEST

START_TEST(without_a_lun_the_cdb_is_still_validated)
{
	f->lun = 7;
	fixture_field(FIXTURE_CDB(f, a, 36, 0x12, 0x80, 0, 0, 36, 0), 5, 0x24, 0x00, 0xcf, 0, 1);
	fixture_field(FIXTURE_CDB(f, a, 36, 0x12, 0, 0, 0, 36, 0x04), 5, 0x24, 0x00, 0xca, 0, 5);
}
END_TEST

START_TEST(lun_fields_are_decoded_in_both_addressing_methods)
{
	uint16_t number = 0;

	ck_assert(scsi_lun_number_decode((const uint8_t[8]){0, 5}, &number));
	ck_assert_uint_eq(number, 5);
	ck_assert(scsi_lun_number_decode((const uint8_t[8]){0x40, 0xff}, &number));
	ck_assert_uint_eq(number, 255);
}
END_TEST

START_TEST(lun_fields_that_name_nothing_are_refused)
{
	static const uint8_t fields[][8] = {
		{0x01, 0x00},		  /* another bus */
		{0x41, 0x00},		  /* flat, 256 */
		{0x80, 0x00},		  /* logical unit addressing */
		{0xc1, 0x01},		  /* well known: REPORT LUNS */
		{0, 0, 1},		  /* a second level */
		{0, 0, 0, 0, 0, 0, 0, 1}, /* a fourth level */
	};
	uint16_t number = 99;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		ck_assert(!scsi_lun_number_decode(fields[i], &number));
	ck_assert_uint_eq(number, 99);
}
END_TEST

/* ---- the row ---- */

START_TEST(an_unknown_opcode_is_refused_whatever_is_reserved_or_pending)
{
	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	raise_for(b, SCSI_UA_CAPACITY_CHANGED);
	fixture_sense(FIXTURE_CDB(f, b, 0, UNKNOWN_OPCODE, 0, 0, 0, 0, 0), 5, 0x20, 0x00);
	fixture_sense(fixture_test_unit_ready(f, b), 6, 0x2a, 0x09);
}
END_TEST

START_TEST(an_unknown_service_action_points_at_its_field)
{
	static const uint8_t opcodes[] = {0x5e, 0x5f, 0x9e, 0xa3};

	for (size_t i = 0; i < sizeof(opcodes); i++)
		fixture_field(FIXTURE_CDB(f, a, 0, opcodes[i], 0x1f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
					  0, 0, 0, 0),
			      5, 0x24, 0x00, 0xcc, 0, 1);
}
END_TEST

START_TEST(a_service_action_outside_the_profile_is_unknown)
{
	struct fixture *spc4 =
		fixture_create(&(struct fixture_config){.profile = &pr_profile_spc4});
	struct scsi_nexus *c = fixture_login(spc4, 'c');

	fixture_field(fixture_pr_in(f, a, PR_IN_READ_FULL_STATUS, 8), 5, 0x24, 0x00, 0xcc, 0, 1);
	fixture_good(fixture_pr_in(spc4, c, PR_IN_READ_FULL_STATUS, 8));
	fixture_free(&spc4);
}
END_TEST

/* ---- the control byte ---- */

START_TEST(naca_points_at_bit_2_of_the_control_byte)
{
	fixture_field(FIXTURE_CDB(f, a, 0, 0x00, 0, 0, 0, 0, 0x04), 5, 0x24, 0, 0xca, 0, 5);
	fixture_field(FIXTURE_CDB(f, a, 0, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0x04), 5, 0x24, 0, 0xca, 0,
		      9);
	fixture_field(FIXTURE_CDB(f, a, 0, 0x5e, 0, 0, 0, 0, 0, 0, 0, 8, 0x04), 5, 0x24, 0, 0xca, 0,
		      9);
}
END_TEST

START_TEST(naca_is_refused_before_unit_attentions_and_reservations)
{
	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	raise_for(b, SCSI_UA_CAPACITY_CHANGED);
	fixture_sense(FIXTURE_CDB(f, b, 0, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0x04), 5, 0x24, 0x00);
	ck_assert_uint_eq(fixture_drain_unit_attentions(f, b), 1);
}
END_TEST

/* ---- unit attentions ---- */

START_TEST(unit_attentions_are_reported_one_a_command_and_in_order)
{
	raise_for(a, SCSI_UA_COMMANDS_CLEARED);
	raise_for(a, SCSI_UA_LOGICAL_UNIT_RESET);
	fixture_sense(fixture_test_unit_ready(f, a), 6, 0x29, 0x03);
	fixture_sense(fixture_test_unit_ready(f, a), 6, 0x2f, 0x00);
	fixture_good(fixture_test_unit_ready(f, a));
}
END_TEST

START_TEST(a_unit_attention_concerns_its_nexus_and_lun_alone)
{
	raise_for(a, SCSI_UA_CAPACITY_CHANGED);
	fixture_good(fixture_test_unit_ready(f, b));
	fixture_sense(fixture_test_unit_ready(f, a), 6, 0x2a, 0x09);
}
END_TEST

START_TEST(inquiry_and_report_luns_pass_a_unit_attention_and_leave_it)
{
	raise_for(a, SCSI_UA_CAPACITY_CHANGED);
	fixture_good(FIXTURE_CDB(f, a, 36, 0x12, 0, 0, 0, 36, 0));
	fixture_good(FIXTURE_CDB(f, a, 16, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0));
	ck_assert_uint_eq(fixture_drain_unit_attentions(f, a), 1);
}
END_TEST

START_TEST(a_unit_attention_comes_before_a_reservation_conflict)
{
	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	raise_for(b, SCSI_UA_CAPACITY_CHANGED);
	fixture_sense(fixture_read(f, b, 0, 1), 6, 0x2a, 0x09);
	fixture_conflict(fixture_read(f, b, 0, 1));
}
END_TEST

START_TEST(a_new_nexus_has_no_unit_attention)
{
	fixture_good(fixture_test_unit_ready(f, fixture_login(f, 'c')));
}
END_TEST

/* ---- reservations, CDB, medium ---- */

START_TEST(a_reservation_conflict_comes_before_a_bad_cdb)
{
	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	fixture_conflict(FIXTURE_CDB(f, b, 0, 0x28, 0xe0, 0, 0, 0, 0, 0, 0, 1, 0));
	fixture_sense(FIXTURE_CDB(f, a, 0, 0x28, 0xe0, 0, 0, 0, 0, 0, 0, 1, 0), 5, 0x24, 0x00);
}
END_TEST

START_TEST(a_bad_cdb_points_at_the_first_bad_byte_and_its_highest_bad_bit)
{
	fixture_field(FIXTURE_CDB(f, a, 0, 0x00, 0x05, 0xff, 0, 0, 0), 5, 0x24, 0x00, 0xca, 0, 1);
	fixture_field(FIXTURE_CDB(f, a, 0, 0x00, 0, 0x81, 0, 0, 0), 5, 0x24, 0x00, 0xcf, 0, 2);
	fixture_field(FIXTURE_CDB(f, a, 0, 0x28, 0, 0, 0, 0, 0, 0x20, 0, 1, 0), 5, 0x24, 0x00, 0xcd,
		      0, 6);
	fixture_field(FIXTURE_CDB(f, a, 0, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0xc0), 5, 0x24, 0x00, 0xcf,
		      0, 9);
}
END_TEST

START_TEST(persistent_reserve_ignores_reserved_cdb_bits)
{
	fixture_good(FIXTURE_CDB(f, a, 8, 0x5e, 0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 8, 0));
}
END_TEST

START_TEST(a_write_to_a_protected_lun_is_refused_before_its_data)
{
	struct fixture *ro = fixture_create(&(struct fixture_config){.read_only = true});
	struct scsi_nexus *c = fixture_login(ro, 'c');

	fixture_sense(fixture_write(ro, c, 0, 1, 0x55), 7, 0x27, 0x00);
	ck_assert_uint_eq(ro->disks[0].requests, 0);
	fixture_good(fixture_read(ro, c, 0, 1));
	fixture_lun(f)->mode.software_write_protect = true;
	fixture_sense(fixture_write(f, a, 0, 1, 0x55), 7, 0x27, 0x00);
	fixture_free(&ro);
}
END_TEST

START_TEST(a_stopped_lun_refuses_what_needs_the_medium)
{
	fixture_lun(f)->stopped = true;
	fixture_sense(fixture_test_unit_ready(f, a), 2, 0x04, 0x02);
	fixture_sense(fixture_read(f, a, 0, 1), 2, 0x04, 0x02);
	fixture_good(fixture_pr_in(f, a, PR_IN_READ_KEYS, 8));
	fixture_good(FIXTURE_CDB(f, a, 36, 0x12, 0, 0, 0, 36, 0));
	fixture_lun(f)->ejected = true;
	fixture_sense(fixture_test_unit_ready(f, a), 2, 0x3a, 0x00);
}
END_TEST

/* ---- data ---- */

START_TEST(data_in_are_cut_by_the_allocation_length_and_by_what_is_expected)
{
	const struct fixture_result *result = FIXTURE_CDB(f, a, 36, 0x12, 0, 0, 0, 5, 0);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 5);
	ck_assert_uint_eq(result->transfer_len, 5);
	result = FIXTURE_CDB(f, a, 7, 0x12, 0, 0, 0, 36, 0);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 7);
	ck_assert_uint_eq(result->transfer_len, 36);
}
END_TEST

START_TEST(a_refused_write_asks_for_no_data_and_moves_none)
{
	fixture_hold(f, a, 0xa, PR_TYPE_WRITE_EXCLUSIVE);
	struct fixture_task *write = fixture_start_write(f, b, 0, 0x55, true);

	ck_assert_int_eq(write->state, FIXTURE_COMPLETED);
	fixture_conflict(fixture_result(write));
	ck_assert_uint_eq(fixture_result(write)->transfer_len, 0);
}
END_TEST

START_TEST(a_write_waits_for_its_data_and_then_runs)
{
	struct fixture_task *write = fixture_start_write(f, a, 3, 0x55, true);

	ck_assert_int_eq(write->state, FIXTURE_WAITING);
	ck_assert_uint_eq(f->disks[0].requests, 0);
	fixture_deliver(write);
	fixture_good(fixture_result(write));
	ck_assert_uint_eq(f->disks[0].bytes[3 * FIXTURE_BLOCK], 0x55);
}
END_TEST

START_TEST(a_write_is_judged_when_it_starts_not_when_its_data_come)
{
	struct fixture_task *write = fixture_start_write(f, b, 0, 0x55, true);

	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	fixture_deliver(write);
	fixture_good(fixture_result(write));
}
END_TEST

START_TEST(data_that_fail_end_the_write_with_their_reason)
{
	struct fixture_task *write = fixture_start_write(f, a, 0, 0x55, true);

	target_data_out_failed(&write->task, 0x47, 0x05);
	fixture_sense(fixture_result(write), 0xb, 0x47, 0x05);
	ck_assert_uint_eq(f->disks[0].requests, 0);
	ck_assert(scsi_target_idle(f->target));
}
END_TEST

START_TEST(data_for_a_task_that_does_not_wait_change_nothing)
{
	struct fixture_task *write = fixture_start_write(f, a, 0, 0x55, false);

	fixture_good(fixture_result(write));
	target_data_out_ready(&write->task);
	target_data_out_failed(&write->task, 0x47, 0x05);
	ck_assert_uint_eq(f->disks[0].requests, 1);
	ck_assert_int_eq(write->state, FIXTURE_COMPLETED);
}
END_TEST

START_TEST(a_task_that_never_ran_can_be_failed)
{
	struct scsi_task task = {.nexus = a};

	target_task_fail(&task, 0xb, 0x0c, 0x0c);
	ck_assert_int_eq(task.status, SCSI_STATUS_CHECK_CONDITION);
	ck_assert_uint_eq(task.sense[2], 0xb);
	ck_assert_uint_eq(task.sense[12], 0x0c);
	target_task_release(&task);
}
END_TEST

START_TEST(d_sense_changes_the_format)
{
	struct fixture_task *task;

	fixture_lun(f)->mode.descriptor_sense = true;
	task = fixture_start(
		f, a,
		&(struct fixture_command){.cdb = (const uint8_t[]){UNKNOWN_OPCODE}, .cdb_len = 1});
	fixture_sense(fixture_result(task), 5, 0x20, 0x00);
	ck_assert_uint_eq(task->task.sense[0], 0x72);
}
END_TEST

START_TEST(the_target_is_idle_when_no_task_is_left)
{
	ck_assert(scsi_target_idle(f->target));
	struct fixture_task *write = fixture_start_write(f, a, 0, 0x55, true);
	ck_assert(!scsi_target_idle(f->target));
	fixture_deliver(write);
	ck_assert(scsi_target_idle(f->target));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_lun_that_is_not_there_is_not_supported);
	tcase_add_test(tcase, three_commands_run_without_a_lun);
	tcase_add_test(tcase, without_a_lun_the_cdb_is_still_validated);
	tcase_add_test(tcase, lun_fields_are_decoded_in_both_addressing_methods);
	tcase_add_test(tcase, lun_fields_that_name_nothing_are_refused);
	tcase_add_test(tcase, an_unknown_opcode_is_refused_whatever_is_reserved_or_pending);
	tcase_add_test(tcase, an_unknown_service_action_points_at_its_field);
	tcase_add_test(tcase, a_service_action_outside_the_profile_is_unknown);
	tcase_add_test(tcase, naca_points_at_bit_2_of_the_control_byte);
	tcase_add_test(tcase, naca_is_refused_before_unit_attentions_and_reservations);
	tcase_add_test(tcase, unit_attentions_are_reported_one_a_command_and_in_order);
	tcase_add_test(tcase, a_unit_attention_concerns_its_nexus_and_lun_alone);
	tcase_add_test(tcase, inquiry_and_report_luns_pass_a_unit_attention_and_leave_it);
	tcase_add_test(tcase, a_unit_attention_comes_before_a_reservation_conflict);
	tcase_add_test(tcase, a_new_nexus_has_no_unit_attention);
	tcase_add_test(tcase, a_reservation_conflict_comes_before_a_bad_cdb);
	tcase_add_test(tcase, a_bad_cdb_points_at_the_first_bad_byte_and_its_highest_bad_bit);
	tcase_add_test(tcase, persistent_reserve_ignores_reserved_cdb_bits);
	tcase_add_test(tcase, a_write_to_a_protected_lun_is_refused_before_its_data);
	tcase_add_test(tcase, a_stopped_lun_refuses_what_needs_the_medium);
	tcase_add_test(tcase, data_in_are_cut_by_the_allocation_length_and_by_what_is_expected);
	tcase_add_test(tcase, a_refused_write_asks_for_no_data_and_moves_none);
	tcase_add_test(tcase, a_write_waits_for_its_data_and_then_runs);
	tcase_add_test(tcase, a_write_is_judged_when_it_starts_not_when_its_data_come);
	tcase_add_test(tcase, data_that_fail_end_the_write_with_their_reason);
	tcase_add_test(tcase, data_for_a_task_that_does_not_wait_change_nothing);
	tcase_add_test(tcase, a_task_that_never_ran_can_be_failed);
	tcase_add_test(tcase, d_sense_changes_the_format);
	tcase_add_test(tcase, the_target_is_idle_when_no_task_is_left);
}

int main(void)
{
	return suite_run("target/execute", fill);
}
