/* The sheet's 8.2: REGISTER, and REGISTER AND IGNORE EXISTING KEY. */
#include "tests/unit/scenarios/scene.h"

#define GARBAGE UINT64_C(0x6761726261676521)

static const struct fixture_result *reg(struct scene *s, struct scsi_nexus *nexus, uint64_t key,
					uint64_t new_key)
{
	return scene_out(s, nexus, PR_OUT_REGISTER, 0, key, new_key);
}

static const struct fixture_result *ignore(struct scene *s, struct scsi_nexus *nexus, uint64_t key,
					   uint64_t new_key)
{
	return scene_out(s, nexus, PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY, 0, key, new_key);
}

/* The only key, and how many generations have passed. */
static void state_is(struct scene *s, uint64_t key, uint32_t generation)
{
	ck_assert_uint_eq(scene_key_total(s), key ? 1 : 0);
	if (key)
		ck_assert_uint_eq(scene_key_count(s, key), 1);
	ck_assert_uint_eq(scene_generation(s), generation);
}

START_TEST(scenario_020_register)
{
	struct scene s = scene_open();

	fixture_good(reg(&s, s.a, 0, KA));
	state_is(&s, KA, 1);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_021_first_register_wants_reservation_key_0)
{
	struct scene s = scene_open();

	scene_conflict(&s, reg(&s, s.a, 1, KA));
	state_is(&s, 0, 0);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_022_register_of_key_0_without_registration)
{
	struct scene s = scene_open();

	scene_unchanged(&s, fixture_good(reg(&s, s.a, 0, 0)));
	/* Not even the APTPL state is touched. */
	scene_unchanged(&s,
			fixture_good(fixture_pr_out(s.f, s.a, PR_OUT_REGISTER, 0, 0, 0, APTPL)));
	state_is(&s, 0, 0);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_023_register_changes_the_key)
{
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	fixture_good(reg(&s, s.a, KA, KX));
	state_is(&s, KX, 2);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_024_register_with_the_same_key)
{
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	fixture_good(reg(&s, s.a, KA, KA));
	state_is(&s, KA, 2);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_025_register_again_needs_the_current_key)
{
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	scene_conflict(&s, reg(&s, s.a, 0, KX));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_026_unregister_with_the_wrong_key)
{
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	scene_conflict(&s, reg(&s, s.a, KX, 0));
	state_is(&s, KA, 1);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_027_unregister)
{
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	fixture_good(reg(&s, s.a, KA, 0));
	state_is(&s, 0, 2);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_028_ignore_existing_key_registers)
{
	struct scene s = scene_open();

	fixture_good(ignore(&s, s.a, GARBAGE, KA));
	state_is(&s, KA, 1);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_029_ignore_existing_key_replaces)
{
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	fixture_good(ignore(&s, s.a, GARBAGE, KX));
	state_is(&s, KX, 2);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_030_ignore_existing_key_unregisters)
{
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	fixture_good(ignore(&s, s.a, GARBAGE, 0));
	state_is(&s, 0, 2);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_031_ignore_existing_key_of_nothing)
{
	struct scene s = scene_open();

	scene_unchanged(&s, fixture_good(ignore(&s, s.a, GARBAGE, 0)));
	state_is(&s, 0, 0);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_032_registering_under_exclusive_access_opens_nothing)
{
	for (unsigned i = 0; i < 2; i++) {
		struct scene s = scene_open();
		scene_hold(&s, s.b, KB, 3);
		fixture_good(i == 0 ? reg(&s, s.a, 0, KA) : ignore(&s, s.a, 0, KA));
		fixture_conflict(fixture_read(s.f, s.a, 0, 1));
		fixture_conflict(fixture_write(s.f, s.a, 0, 1, 0x55));
		scene_close(&s);
	}
}
END_TEST

START_TEST(scenario_033_registering_under_registrants_only_opens_the_door)
{
	struct scene s = scene_open();

	scene_hold(&s, s.b, KB, 6);
	fixture_conflict(fixture_read(s.f, s.a, 0, 1));
	fixture_good(reg(&s, s.a, 0, KA));
	fixture_good(fixture_read(s.f, s.a, 0, 1));
	fixture_good(fixture_write(s.f, s.a, 0, 1, 0x55));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_034_register_ignores_scope_and_type)
{
	struct scene s = scene_open();

	fixture_good(scene_out(&s, s.a, PR_OUT_REGISTER, 0xf8, 0, KA));
	fixture_good(scene_out(&s, s.b, PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY, 0xf8, 0, KB));
	ck_assert_uint_eq(scene_key_total(&s), 2);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_035_spec_i_pt_is_not_the_drives)
{
	struct scene s = scene_open();

	scene_unchanged(
		&s, fixture_field(fixture_pr_out(s.f, s.a, PR_OUT_REGISTER, 0, 0, KA, SPEC_I_PT), 5,
				  0x26, 0x00, 0x8b, 0x00, 0x14));
	/* Nor of any other service action. */
	scene_refused(&s,
		      fixture_pr_out(s.f, s.a, PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY, 0, 0, KA,
				     SPEC_I_PT),
		      5, 0x26, 0x00);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_036_all_tg_pt_is_not_the_drives)
{
	struct scene s = scene_open();

	scene_refused(&s, fixture_pr_out(s.f, s.a, PR_OUT_REGISTER, 0, 0, KA, ALL_TG_PT), 5, 0x26,
		      0x00);
	scene_refused(&s,
		      fixture_pr_out(s.f, s.a, PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY, 0, 0, KA,
				     ALL_TG_PT),
		      5, 0x26, 0x00);
	/* Other service actions ignore the bit. */
	scene_register(&s, s.a, KA);
	fixture_good(fixture_pr_out(s.f, s.a, PR_OUT_RESERVE, 3, KA, 0, ALL_TG_PT));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_037_parameter_list_lengths)
{
	static const uint32_t lens[] = {0, 8, 23, 25, 32};
	struct scene s = scene_open();
	uint8_t list[32] = {0};

	put_be64(list + 8, KA);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		scene_refused(&s, fixture_pr_out_list(s.f, s.a, PR_OUT_REGISTER, 0, list, lens[i]),
			      5, 0x1a, 0x00);

	/* The initiator announces fewer bytes than the list has. */
	const uint8_t cdb[16] = {0x5f, 0, 0, 0, 0, 0, 0, 0, 24};
	scene_refused(&s, scene_do(&s, s.a, cdb, 23, 0), 5, 0x1a, 0x00);
	/* More than anybody would buffer. */
	const uint8_t huge[16] = {0x5f, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
	scene_refused(&s, scene_do(&s, s.a, huge, 24, 0), 5, 0x1a, 0x00);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_038_no_room_for_another_registration)
{
	struct scene s = scene_open_with(&(struct fixture_config){.registrations_max = 2});

	scene_register(&s, s.a, KA);
	scene_register(&s, s.b, KB);
	scene_refused(&s, reg(&s, s.c, 0, KC), 5, 0x55, 0x04);
	scene_refused(&s, ignore(&s, s.c, 0, KC), 5, 0x55, 0x04);
	/* A change of key takes no room, and who leaves makes some. */
	fixture_good(reg(&s, s.a, KA, KX));
	fixture_good(reg(&s, s.a, KX, 0));
	fixture_good(reg(&s, s.c, 0, KC));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_039_two_isids_are_two_nexuses)
{
	struct scene s = scene_open();
	struct pr_nexus_id other = scene_id('a');

	other.isid[5] = 0x77;
	struct scsi_nexus *a2 = scsi_nexus_open(s.f->target, &other);
	ck_assert_ptr_nonnull(a2);
	fixture_drain_unit_attentions(s.f, a2);
	fixture_good(reg(&s, s.a, 0, KA));
	fixture_good(reg(&s, a2, 0, KX));
	ck_assert_uint_eq(scene_key_total(&s), 2);
	ck_assert_uint_eq(scene_key_count(&s, KA), 1);
	ck_assert_uint_eq(scene_key_count(&s, KX), 1);
	scene_close(&s);
}
END_TEST

/*
 * A nexus is a session: which connection a command came on is not even told to the device server.
 * That two connections reach the same nexus is a matter of transport/, tested on the wire.
 */
START_TEST(scenario_040_connections_of_a_session_are_one_nexus)
{
	struct scene s = scene_open();
	struct pr_nexus_id id = scene_id('a');

	/* A second session of the same name and ISID cannot stand beside the first. */
	ck_assert_ptr_null(scsi_nexus_open(s.f->target, &id));
	fixture_good(reg(&s, s.a, 0, KA));
	fixture_good(scene_out(&s, s.a, PR_OUT_RESERVE, 3, KA, 0));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_041_another_target_port_is_another_nexus)
{
	struct scene s = scene_open();
	struct scsi_nexus *a2 = fixture_login_port(s.f, 'a', 2);

	fixture_drain_unit_attentions(s.f, a2);
	fixture_good(reg(&s, s.a, 0, KA));
	scene_conflict(&s, scene_out(&s, a2, PR_OUT_RESERVE, 3, KA, 0));
	scene_close(&s);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, scenario_020_register);
	tcase_add_test(tcase, scenario_021_first_register_wants_reservation_key_0);
	tcase_add_test(tcase, scenario_022_register_of_key_0_without_registration);
	tcase_add_test(tcase, scenario_023_register_changes_the_key);
	tcase_add_test(tcase, scenario_024_register_with_the_same_key);
	tcase_add_test(tcase, scenario_025_register_again_needs_the_current_key);
	tcase_add_test(tcase, scenario_026_unregister_with_the_wrong_key);
	tcase_add_test(tcase, scenario_027_unregister);
	tcase_add_test(tcase, scenario_028_ignore_existing_key_registers);
	tcase_add_test(tcase, scenario_029_ignore_existing_key_replaces);
	tcase_add_test(tcase, scenario_030_ignore_existing_key_unregisters);
	tcase_add_test(tcase, scenario_031_ignore_existing_key_of_nothing);
	tcase_add_test(tcase, scenario_032_registering_under_exclusive_access_opens_nothing);
	tcase_add_test(tcase, scenario_033_registering_under_registrants_only_opens_the_door);
	tcase_add_test(tcase, scenario_034_register_ignores_scope_and_type);
	tcase_add_test(tcase, scenario_035_spec_i_pt_is_not_the_drives);
	tcase_add_test(tcase, scenario_036_all_tg_pt_is_not_the_drives);
	tcase_add_test(tcase, scenario_037_parameter_list_lengths);
	tcase_add_test(tcase, scenario_038_no_room_for_another_registration);
	tcase_add_test(tcase, scenario_039_two_isids_are_two_nexuses);
	tcase_add_test(tcase, scenario_040_connections_of_a_session_are_one_nexus);
	tcase_add_test(tcase, scenario_041_another_target_port_is_another_nexus);
}

int main(void)
{
	return suite_run("scenarios: REGISTER", fill);
}
