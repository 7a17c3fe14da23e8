/* The sheet's 8.3: RESERVE, RELEASE, and unregistering as a way to release. */
#include "tests/unit/scenarios/scene.h"

static const struct fixture_result *reserve(struct scene *s, struct scsi_nexus *nexus, uint64_t key,
					    unsigned scope_type)
{
	return scene_out(s, nexus, PR_OUT_RESERVE, scope_type, key, 0);
}

static const struct fixture_result *release(struct scene *s, struct scsi_nexus *nexus, uint64_t key,
					    unsigned scope_type)
{
	return scene_out(s, nexus, PR_OUT_RELEASE, scope_type, key, 0);
}

static const struct fixture_result *unregister(struct scene *s, struct scsi_nexus *nexus,
					       uint64_t key)
{
	return scene_out(s, nexus, PR_OUT_REGISTER, 0, key, 0);
}

START_TEST(scenario_042_reserve_unregistered)
{
	struct scene s = scene_open();

	scene_conflict(&s, reserve(&s, s.a, 0, 1));
	scene_conflict(&s, reserve(&s, s.a, KA, 1));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_043_reserve_with_the_wrong_key)
{
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	scene_conflict(&s, reserve(&s, s.a, KX, 1));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_044_reserve_each_type)
{
	static const unsigned types[] = {1, 3, 5, 6, 7, 8};

	for (unsigned profile = 0; profile < 2; profile++) {
		struct scene s = profile == 0 ? scene_open() : scene_open_spc4();
		scene_register(&s, s.a, KA);
		for (unsigned i = 0; i < (profile == 0 ? 4 : 6); i++) {
			fixture_good(reserve(&s, s.a, KA, types[i]));
			ck_assert_uint_eq(scene_type(&s), types[i]);
			ck_assert_uint_eq(scene_holder_key(&s), types[i] >= 7 ? 0 : KA);
			fixture_good(release(&s, s.a, KA, types[i]));
			ck_assert_uint_eq(scene_type(&s), 0);
		}
		ck_assert_uint_eq(scene_generation(&s), 1);
		scene_close(&s);
	}
}
END_TEST

static void type_is_refused(unsigned type)
{
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	scene_unchanged(&s,
			fixture_field(reserve(&s, s.a, KA, type), 5, 0x24, 0x00, 0xcb, 0x00, 0x02));
	ck_assert_uint_eq(scene_type(&s), 0);
	scene_close(&s);
}

START_TEST(scenario_045_reserve_type_8_is_refused)
{
	type_is_refused(8);
}
END_TEST

START_TEST(scenario_046_reserve_type_7_is_refused)
{
	type_is_refused(7);
}
END_TEST

START_TEST(scenario_047_reserve_of_obsolete_and_reserved_types_is_refused)
{
	static const unsigned types[] = {0, 2, 4, 9, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		type_is_refused(types[i]);
}
END_TEST

START_TEST(scenario_048_reserve_of_other_scopes_is_refused)
{
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	for (unsigned scope = 1; scope <= 0xf; scope++)
		scene_refused(&s, reserve(&s, s.a, KA, scope << 4 | 1), 5, 0x24, 0x00);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_049_reserving_again_changes_nothing)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 1);
	scene_unchanged(&s, fixture_good(reserve(&s, s.a, KA, 1)));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_050_the_holder_cannot_change_the_type)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 1);
	scene_conflict(&s, reserve(&s, s.a, KA, 3));
	ck_assert_uint_eq(scene_type(&s), 1);
	scene_close(&s);
}
END_TEST

static void second_reserve_conflicts(unsigned type, uint64_t second_key)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, type);
	scene_register(&s, s.b, second_key);
	scene_conflict(&s, reserve(&s, s.b, second_key, type));
	scene_close(&s);
}

START_TEST(scenario_051_a_second_reserve_under_exclusive_access)
{
	second_reserve_conflicts(3, KB);
}
END_TEST

START_TEST(scenario_052_a_second_reserve_under_registrants_only)
{
	second_reserve_conflicts(5, KB);
}
END_TEST

START_TEST(scenario_053_a_second_reserve_with_the_same_key)
{
	second_reserve_conflicts(3, KA);
}
END_TEST

START_TEST(scenario_054_release)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	fixture_good(release(&s, s.a, KA, 3));
	ck_assert_uint_eq(scene_type(&s), 0);
	ck_assert_uint_eq(scene_key_count(&s, KA), 1);
	ck_assert_uint_eq(scene_generation(&s), 1);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_055_release_of_another_type)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	scene_refused(&s, release(&s, s.a, KA, 1), 5, 0x26, 0x04);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_056_release_of_a_type_that_is_not_supported)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	scene_refused(&s, release(&s, s.a, KA, 8), 5, 0x26, 0x04);
	/* From who does not hold it: nothing to release. */
	scene_register(&s, s.b, KB);
	scene_unchanged(&s, fixture_good(release(&s, s.b, KB, 8)));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_057_release_by_another_registrant)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	scene_register(&s, s.b, KB);
	scene_unchanged(&s, fixture_good(release(&s, s.b, KB, 3)));
	ck_assert_uint_eq(scene_holder_key(&s), KA);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_058_release_of_nothing)
{
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	scene_unchanged(&s, fixture_good(release(&s, s.a, KA, 1)));
	/* The key is looked at all the same. */
	scene_conflict(&s, release(&s, s.a, KX, 1));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_059_release_with_the_wrong_key)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	scene_conflict(&s, release(&s, s.a, KX, 3));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_060_release_unregistered)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	scene_conflict(&s, release(&s, s.b, 0, 3));
	scene_conflict(&s, release(&s, s.b, KA, 3));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_061_release_of_registrants_only_is_told_to_registrants)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 5);
	scene_register(&s, s.b, KB);
	fixture_good(release(&s, s.a, KA, 5));
	scene_unit_attention(&s, s.b, 0x2a, 0x04);
	scene_quiet(&s, s.b);
	scene_quiet(&s, s.a);
	scene_quiet(&s, s.c);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_062_release_of_write_exclusive_is_told_to_nobody)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 1);
	scene_register(&s, s.b, KB);
	fixture_good(release(&s, s.a, KA, 1));
	scene_quiet(&s, s.b);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_063_the_holder_of_registrants_only_unregisters)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 6);
	scene_register(&s, s.b, KB);
	fixture_good(unregister(&s, s.a, KA));
	ck_assert_uint_eq(scene_type(&s), 0);
	ck_assert_uint_eq(scene_generation(&s), 3);
	scene_unit_attention(&s, s.b, 0x2a, 0x04);
	scene_quiet(&s, s.b);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_064_the_holder_of_exclusive_access_unregisters)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	scene_register(&s, s.b, KB);
	fixture_good(unregister(&s, s.a, KA));
	ck_assert_uint_eq(scene_type(&s), 0);
	ck_assert_uint_eq(scene_generation(&s), 3);
	scene_quiet(&s, s.b);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_065_another_registrant_unregisters)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 6);
	scene_register(&s, s.b, KB);
	fixture_good(unregister(&s, s.b, KB));
	ck_assert_uint_eq(scene_type(&s), 6);
	ck_assert_uint_eq(scene_holder_key(&s), KA);
	scene_quiet(&s, s.a);
	scene_close(&s);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, scenario_042_reserve_unregistered);
	tcase_add_test(tcase, scenario_043_reserve_with_the_wrong_key);
	tcase_add_test(tcase, scenario_044_reserve_each_type);
	tcase_add_test(tcase, scenario_045_reserve_type_8_is_refused);
	tcase_add_test(tcase, scenario_046_reserve_type_7_is_refused);
	tcase_add_test(tcase, scenario_047_reserve_of_obsolete_and_reserved_types_is_refused);
	tcase_add_test(tcase, scenario_048_reserve_of_other_scopes_is_refused);
	tcase_add_test(tcase, scenario_049_reserving_again_changes_nothing);
	tcase_add_test(tcase, scenario_050_the_holder_cannot_change_the_type);
	tcase_add_test(tcase, scenario_051_a_second_reserve_under_exclusive_access);
	tcase_add_test(tcase, scenario_052_a_second_reserve_under_registrants_only);
	tcase_add_test(tcase, scenario_053_a_second_reserve_with_the_same_key);
	tcase_add_test(tcase, scenario_054_release);
	tcase_add_test(tcase, scenario_055_release_of_another_type);
	tcase_add_test(tcase, scenario_056_release_of_a_type_that_is_not_supported);
	tcase_add_test(tcase, scenario_057_release_by_another_registrant);
	tcase_add_test(tcase, scenario_058_release_of_nothing);
	tcase_add_test(tcase, scenario_059_release_with_the_wrong_key);
	tcase_add_test(tcase, scenario_060_release_unregistered);
	tcase_add_test(tcase, scenario_061_release_of_registrants_only_is_told_to_registrants);
	tcase_add_test(tcase, scenario_062_release_of_write_exclusive_is_told_to_nobody);
	tcase_add_test(tcase, scenario_063_the_holder_of_registrants_only_unregisters);
	tcase_add_test(tcase, scenario_064_the_holder_of_exclusive_access_unregisters);
	tcase_add_test(tcase, scenario_065_another_registrant_unregisters);
}

int main(void)
{
	return suite_run("scenarios: RESERVE and RELEASE", fill);
}
