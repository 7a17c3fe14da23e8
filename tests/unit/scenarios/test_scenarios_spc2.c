/* The sheet's 8.7: SPC-2 RESERVE and RELEASE next to persistent reservations. */
#include "tests/unit/scenarios/scene.h"

static const uint8_t reserve_6[16] = {0x16}, release_6[16] = {0x17}, reserve_10[16] = {0x56},
		     release_10[16] = {0x57}, mode_sense[16] = {0x1a, 0, 0x3f, 0, 192};

static const struct fixture_result *plain(struct scene *s, struct scsi_nexus *nexus,
					  const uint8_t cdb[16])
{
	return scene_do(s, nexus, cdb, 0, 192);
}

START_TEST(scenario_117_spc2_reserve)
{
	struct scene s = scene_open();
	struct pr_nexus_id owner;

	fixture_good(plain(&s, s.a, reserve_6));
	fixture_good(plain(&s, s.a, reserve_6)); /* again: supersedes itself */
	fixture_conflict(plain(&s, s.b, reserve_6));
	fixture_conflict(plain(&s, s.b, reserve_10));
	fixture_conflict(fixture_test_unit_ready(s.f, s.b));
	fixture_conflict(plain(&s, s.b, mode_sense));
	fixture_conflict(fixture_read(s.f, s.b, 0, 1));
	fixture_good(plain(&s, s.a, mode_sense));
	fixture_good(fixture_write(s.f, s.a, 0, 1, 0x11));
	fixture_good(plain(&s, s.b, release_6)); /* without effect */
	fixture_good(plain(&s, s.b, release_10));
	ck_assert(scsi_lun_spc2_owner(fixture_lun(s.f), &owner));
	fixture_conflict(fixture_test_unit_ready(s.f, s.b));

	/* What others may do nevertheless. */
	static const uint8_t allowed[][16] = {
		{0x12, 0, 0, 0, 96},
		{0x03, 0, 0, 0, 252},
		{0xa0, [8] = 1},
		{0x4d, 0, 0x40, 0, 0, 0, 0, 1, 0},
		{0x1e},
		{0x25},
		{0x9e, 0x10, [13] = 32},
		{0xa3, 0x0a, [8] = 1},
	};
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		fixture_good(scene_do(&s, s.b, allowed[i], 0, 256));

	fixture_good(plain(&s, s.a, release_6));
	fixture_good(plain(&s, s.a, release_6)); /* nothing held: GOOD as well */
	fixture_good(fixture_test_unit_ready(s.f, s.b));

	/* Third party, extents, long identifiers. */
	static const uint8_t refused[][16] = {{0x16, 0x10}, {0x16, 0x01}, {0x56, 0x10},
					      {0x56, 0x02}, {0x17, 0x10}, {0x57, 0x10}};
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		fixture_sense(plain(&s, s.a, refused[i]), 5, 0x24, 0x00);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_118_spc2_reserve_shuts_persistent_reservations_out)
{
	struct scene s = scene_open();

	fixture_good(plain(&s, s.a, reserve_6));
	struct scsi_nexus *both[] = {s.a, s.b};
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned action = 0; action <= 2; action++)
			fixture_conflict(fixture_pr_in(s.f, both[i], action, 255));
		for (unsigned action = 0; action <= 7; action++)
			fixture_conflict(
				scene_out(&s, both[i], (enum pr_out_action)action, 1, 0, KA));
	}
	fixture_good(plain(&s, s.a, release_6));
	ck_assert_uint_eq(scene_key_total(&s), 0);
	ck_assert_uint_eq(scene_generation(&s), 0);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_119_spc2_reserve_next_to_registrations)
{
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	fixture_conflict(plain(&s, s.b, reserve_6));
	fixture_conflict(plain(&s, s.b, release_6));
	fixture_conflict(plain(&s, s.a, reserve_6));
	fixture_conflict(plain(&s, s.a, reserve_10));
	fixture_conflict(plain(&s, s.a, release_10));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_120_spc2_reserve_by_the_holder_has_no_effect)
{
	struct scene s = scene_open();
	struct pr_nexus_id owner;

	scene_hold(&s, s.a, KA, 3);
	fixture_good(plain(&s, s.a, reserve_6));
	ck_assert(!scsi_lun_spc2_owner(fixture_lun(s.f), &owner));
	fixture_good(fixture_pr_in(s.f, s.b, PR_IN_READ_KEYS, 255));
	fixture_good(plain(&s, s.a, release_6));
	ck_assert_uint_eq(scene_type(&s), 3);
	fixture_conflict(fixture_read(s.f, s.b, 0, 1));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_121_spc2_reserve_by_a_registrant)
{
	struct scene s = scene_open();
	struct pr_nexus_id owner;

	scene_hold(&s, s.a, KA, 5);
	scene_register(&s, s.b, KB);
	fixture_good(plain(&s, s.b, reserve_6));
	fixture_good(plain(&s, s.b, release_6));
	ck_assert(!scsi_lun_spc2_owner(fixture_lun(s.f), &owner));
	fixture_conflict(plain(&s, s.c, reserve_6));
	fixture_conflict(plain(&s, s.c, release_6));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_122_spc2_reserve_ends_with_the_session_and_with_resets)
{
	static const enum scsi_tmf_function resets[] = {SCSI_TMF_LOGICAL_UNIT_RESET,
							SCSI_TMF_TARGET_WARM_RESET,
							SCSI_TMF_TARGET_COLD_RESET};

	for (unsigned i = 0; i < 5; i++) {
		struct scene s = scene_open();
		fixture_good(plain(&s, s.a, reserve_6));
		if (i == 0)
			fixture_logout(s.f, s.a);
		else if (i == 1)
			scene_end(&s, s.a, SCSI_NEXUS_LOSS);
		else
			scene_manage(&s, s.b, resets[i - 2]);
		fixture_settle(s.f);
		fixture_drain_unit_attentions(s.f, s.b);
		fixture_good(plain(&s, s.b, reserve_6));
		scene_close(&s);
	}
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, scenario_117_spc2_reserve);
	tcase_add_test(tcase, scenario_118_spc2_reserve_shuts_persistent_reservations_out);
	tcase_add_test(tcase, scenario_119_spc2_reserve_next_to_registrations);
	tcase_add_test(tcase, scenario_120_spc2_reserve_by_the_holder_has_no_effect);
	tcase_add_test(tcase, scenario_121_spc2_reserve_by_a_registrant);
	tcase_add_test(tcase, scenario_122_spc2_reserve_ends_with_the_session_and_with_resets);
}

int main(void)
{
	return suite_run("scenarios: SPC-2 RESERVE and RELEASE", fill);
}
