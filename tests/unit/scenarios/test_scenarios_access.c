/* The sheet's 8.6: which commands a reservation lets through. */
#include "tests/unit/scenarios/scene.h"

enum {
	UNREGISTERED,
	REGISTERED
};

/* What this target does not have is told so whatever is reserved (4.1). */
static void must_be(struct scene *s, struct scsi_nexus *nexus, const struct scene_command *command,
		    bool refused)
{
	const struct fixture_result *result = scene_run(s, nexus, command);

	if (result->asc == 0x20) {
		fixture_sense(result, 5, 0x20, 0x00);
		ck_assert_msg(!scene_supports(command), "%s", command->name);
		return;
	}
	ck_assert_msg(!result->aborted &&
			      result->status == (refused ? SCSI_STATUS_RESERVATION_CONFLICT
							 : SCSI_STATUS_GOOD),
		      "%s: status %02x, %s", command->name, (unsigned)result->status,
		      scsi_sense_name(result->key, result->asc, result->ascq));
}

static void all_must_be(struct scene *s, struct scsi_nexus *nexus,
			const struct scene_command *commands, unsigned count, bool refused)
{
	for (unsigned i = 0; i < count; i++)
		must_be(s, nexus, &commands[i], refused);
}

/* Under `type` held by A: are B's reads and writes refused? */
static void access_under(unsigned type, unsigned registered, bool read_refused, bool write_refused)
{
	struct scene s = type >= 7 ? scene_open_spc4() : scene_open();

	scene_hold(&s, s.a, KA, type);
	if (registered)
		scene_register(&s, s.b, KB);
	all_must_be(&s, s.b, scene_reads, scene_read_count, read_refused);
	all_must_be(&s, s.b, scene_writes, scene_write_count, write_refused);
	all_must_be(&s, s.b, scene_allowed, scene_allowed_count, false);
	scene_close(&s);
}

START_TEST(scenario_102_write_exclusive_lets_reads_through)
{
	for (unsigned registered = 0; registered < 2; registered++) {
		struct scene s = scene_open();
		scene_hold(&s, s.a, KA, 1);
		if (registered)
			scene_register(&s, s.b, KB);
		all_must_be(&s, s.b, scene_reads, scene_read_count, false);
		scene_close(&s);
	}
}
END_TEST

START_TEST(scenario_103_write_exclusive_refuses_writes)
{
	for (unsigned registered = 0; registered < 2; registered++) {
		struct scene s = scene_open();
		scene_hold(&s, s.a, KA, 1);
		if (registered)
			scene_register(&s, s.b, KB);
		all_must_be(&s, s.b, scene_writes, scene_write_count, true);
		scene_close(&s);
	}
	/* The commands that a disk must have are there, and so were refused. */
	for (unsigned i = 0; i < scene_write_count; i++)
		switch (scene_writes[i].cdb[0]) {
		case 0x0a:
		case 0x2a:
		case 0x8a:
		case 0x41:
		case 0x93:
		case 0x42:
		case 0x89:
		case 0x35:
		case 0x15:
			ck_assert_msg(scene_supports(&scene_writes[i]), "%s", scene_writes[i].name);
			break;
		default:
			break;
		}
}
END_TEST

START_TEST(scenario_104_exclusive_access_refuses_registrants_too)
{
	access_under(3, REGISTERED, true, true);
	access_under(3, UNREGISTERED, true, true);
}
END_TEST

START_TEST(scenario_105_write_exclusive_registrants_only_for_registrants)
{
	access_under(5, REGISTERED, false, false);
	access_under(7, REGISTERED, false, false);
}
END_TEST

START_TEST(scenario_106_write_exclusive_registrants_only_for_strangers)
{
	access_under(5, UNREGISTERED, false, true);
	access_under(7, UNREGISTERED, false, true);
}
END_TEST

START_TEST(scenario_107_exclusive_access_registrants_only)
{
	access_under(6, REGISTERED, false, false);
	access_under(6, UNREGISTERED, true, true);
	access_under(8, REGISTERED, false, false);
	access_under(8, UNREGISTERED, true, true);
}
END_TEST

START_TEST(scenario_108_some_commands_pass_under_every_type)
{
	static const unsigned types[] = {1, 3, 5, 6, 7, 8};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct scene s = types[i] >= 7 ? scene_open_spc4() : scene_open();
		scene_hold(&s, s.a, KA, types[i]);
		for (unsigned n = 0; n < scene_allowed_count; n++)
			fixture_good(scene_run(&s, s.b, &scene_allowed[n]));
		scene_close(&s);
	}
}
END_TEST

START_TEST(scenario_109_start_stop_and_prevent_hang_on_their_bits)
{
	static const uint8_t start[16] = {0x1b, 0, 0, 0, 0x01}, stop[16] = {0x1b, 0, 0, 0, 0x00},
			     load[16] = {0x1b, 0, 0, 0, 0x03}, active[16] = {0x1b, 0, 0, 0, 0x11},
			     allow[16] = {0x1e, 0, 0, 0, 0}, prevent[16] = {0x1e, 0, 0, 0, 1};
	struct scene s = scene_open_with(&(struct fixture_config){.removable = true});

	scene_hold(&s, s.a, KA, 3);
	fixture_good(scene_do(&s, s.b, start, 0, 0));
	fixture_conflict(scene_do(&s, s.b, stop, 0, 0));
	fixture_conflict(scene_do(&s, s.b, load, 0, 0));
	fixture_conflict(scene_do(&s, s.b, active, 0, 0));
	fixture_good(scene_do(&s, s.b, allow, 0, 0));
	fixture_conflict(scene_do(&s, s.b, prevent, 0, 0));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_110_the_holder_may_do_everything)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	all_must_be(&s, s.a, scene_reads, scene_read_count, false);
	all_must_be(&s, s.a, scene_writes, scene_write_count, false);
	all_must_be(&s, s.a, scene_allowed, scene_allowed_count, false);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_111_who_unregisters_loses_access)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 6);
	scene_register(&s, s.b, KB);
	fixture_good(fixture_read(s.f, s.b, 0, 1));
	fixture_good(scene_out(&s, s.b, PR_OUT_REGISTER, 0, KB, 0));
	fixture_conflict(fixture_read(s.f, s.b, 0, 1));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_112_an_accepted_write_is_not_disturbed)
{
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	struct fixture_task *write = fixture_start_write(s.f, s.b, 5, 0x77, true);
	ck_assert_int_eq(write->state, FIXTURE_WAITING);
	fixture_good(scene_out(&s, s.a, PR_OUT_RESERVE, 3, KA, 0));
	fixture_deliver(write);
	fixture_settle(s.f);
	fixture_good(fixture_result(write));
	ck_assert_uint_eq(fixture_read(s.f, s.a, 5, 1)->data[0], 0x77);
	fixture_conflict(fixture_write(s.f, s.b, 5, 1, 0x78));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_113_an_unknown_operation_code_is_told_so)
{
	static const uint8_t opcodes[] = {0x02, 0x60, 0xc1, 0xf7, 0xff};
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	for (size_t i = 0; i < sizeof(opcodes); i++) {
		const uint8_t cdb[16] = {opcodes[i]};
		fixture_sense(scene_do(&s, s.b, cdb, 0, 0), 5, 0x20, 0x00);
	}
	scene_close(&s);
}
END_TEST

/* Table 4.3, a cell at a time, each on a fresh LU. C wants the reservation of A gone, or moved. */
static void pr_out_cell(enum pr_out_action action, bool registered, bool good)
{
	struct scene s = scene_open();
	struct pr_nexus_id b = scene_id('b');
	uint64_t key = registered ? KC : 0;
	uint64_t new_key = KX;
	const struct fixture_result *result;

	scene_hold(&s, s.a, KA, 3);
	if (registered)
		scene_register(&s, s.c, KC);
	if (action == PR_OUT_PREEMPT || action == PR_OUT_PREEMPT_AND_ABORT)
		new_key = KA;
	if (action == PR_OUT_REGISTER_AND_MOVE)
		result = scene_move(&s, s.c, key, KB, 0, &b);
	else
		result = scene_out(&s, s.c, action, 3, key, new_key);
	ck_assert_msg(result->status ==
			      (good ? SCSI_STATUS_GOOD : SCSI_STATUS_RESERVATION_CONFLICT),
		      "%s, %s: status %02x", pr_out_action_name(action),
		      registered ? "registered" : "unregistered", (unsigned)result->status);
	scene_close(&s);
}

START_TEST(scenario_114_pr_out_against_the_reservation_of_another)
{
	static const struct {
		enum pr_out_action action;
		bool registered, unregistered;
	} rows[] = {
		{PR_OUT_REGISTER, true, true},
		{PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY, true, true},
		{PR_OUT_RELEASE, true, false},
		{PR_OUT_CLEAR, true, false},
		{PR_OUT_PREEMPT, true, false},
		{PR_OUT_PREEMPT_AND_ABORT, true, false},
		{PR_OUT_RESERVE, false, false},
		{PR_OUT_REGISTER_AND_MOVE, false, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pr_out_cell(rows[i].action, true, rows[i].registered);
		pr_out_cell(rows[i].action, false, rows[i].unregistered);
	}
}
END_TEST

/*
 * Holdfast offers disks only; there is no tape LU whose WRITE(6) or ERASE could be tried. What can
 * be promised: an operation code that only a tape has is no way round a reservation of a disk.
 */
START_TEST(scenario_115_tape_commands_are_not_a_disks)
{
	static const uint8_t opcodes[] = {0x01, 0x05, 0x0f, 0x10, 0x11, 0x13,
					  0x14, 0x19, 0x44, 0x80, 0x92};
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 1);
	for (size_t i = 0; i < sizeof(opcodes); i++) {
		const uint8_t cdb[16] = {opcodes[i]};
		fixture_sense(scene_do(&s, s.b, cdb, 0, 0), 5, 0x20, 0x00);
	}
	/* These mean WRITE(6), FORMAT UNIT, START STOP UNIT and WRITE SAME(16) here. */
	static const uint8_t write_6[16] = {0x0a, 0, 0, 0, 1}, load_unload[16] = {0x1b},
			     erase_16[16] = {0x93, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
	fixture_conflict(scene_do(&s, s.b, write_6, 512, 0));
	fixture_conflict(scene_do(&s, s.b, load_unload, 0, 0));
	fixture_conflict(scene_do(&s, s.b, erase_16, 512, 0));
	scene_close(&s);
}
END_TEST

/*
 * The device server asks for no data (no R2T) and moves none, so the residual is the whole expected
 * length. That immediate data are swallowed and the session goes on is tested on the wire.
 */
START_TEST(scenario_116_a_refused_write_asks_for_no_data)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	fixture_good(fixture_write(s.f, s.a, 9, 1, 0x11));
	struct fixture_task *write = fixture_start_write(s.f, s.b, 9, 0x99, true);
	fixture_settle(s.f);
	const struct fixture_result *result = fixture_result(write); /* not waiting for data */
	fixture_conflict(result);
	ck_assert_uint_eq(result->transfer_len, 0);
	ck_assert_uint_eq(write->task.expected_out, 512);
	ck_assert_uint_eq(fixture_read(s.f, s.a, 9, 1)->data[0], 0x11);
	scene_quiet(&s, s.b);
	scene_close(&s);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, scenario_102_write_exclusive_lets_reads_through);
	tcase_add_test(tcase, scenario_103_write_exclusive_refuses_writes);
	tcase_add_test(tcase, scenario_104_exclusive_access_refuses_registrants_too);
	tcase_add_test(tcase, scenario_105_write_exclusive_registrants_only_for_registrants);
	tcase_add_test(tcase, scenario_106_write_exclusive_registrants_only_for_strangers);
	tcase_add_test(tcase, scenario_107_exclusive_access_registrants_only);
	tcase_add_test(tcase, scenario_108_some_commands_pass_under_every_type);
	tcase_add_test(tcase, scenario_109_start_stop_and_prevent_hang_on_their_bits);
	tcase_add_test(tcase, scenario_110_the_holder_may_do_everything);
	tcase_add_test(tcase, scenario_111_who_unregisters_loses_access);
	tcase_add_test(tcase, scenario_112_an_accepted_write_is_not_disturbed);
	tcase_add_test(tcase, scenario_113_an_unknown_operation_code_is_told_so);
	tcase_add_test(tcase, scenario_114_pr_out_against_the_reservation_of_another);
	tcase_add_test(tcase, scenario_115_tape_commands_are_not_a_disks);
	tcase_add_test(tcase, scenario_116_a_refused_write_asks_for_no_data);
}

int main(void)
{
	return suite_run("scenarios: access", fill);
}
