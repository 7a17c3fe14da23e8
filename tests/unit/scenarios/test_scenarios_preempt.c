/* The sheet's 8.4: CLEAR and PREEMPT. */
#include "tests/unit/scenarios/scene.h"

static const struct fixture_result *preempt(struct scene *s, struct scsi_nexus *nexus, uint64_t key,
					    uint64_t victim_key, unsigned scope_type)
{
	return scene_out(s, nexus, PR_OUT_PREEMPT, scope_type, key, victim_key);
}

START_TEST(scenario_066_clear)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	scene_register(&s, s.b, KB);
	fixture_good(scene_out(&s, s.b, PR_OUT_CLEAR, 0, KB, 0));
	ck_assert_uint_eq(scene_key_total(&s), 0);
	ck_assert_uint_eq(scene_type(&s), 0);
	ck_assert_uint_eq(scene_generation(&s), 3);
	scene_unit_attention(&s, s.a, 0x2a, 0x03);
	scene_quiet(&s, s.a);
	scene_quiet(&s, s.b);
	scene_quiet(&s, s.c);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_067_clear_unregistered)
{
	struct scene s = scene_open();

	scene_conflict(&s, scene_out(&s, s.a, PR_OUT_CLEAR, 0, 0, 0));
	scene_hold(&s, s.b, KB, 3);
	scene_conflict(&s, scene_out(&s, s.a, PR_OUT_CLEAR, 0, KB, 0));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_068_clear_without_reservation)
{
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	/* Scope, type and SARK are ignored. */
	fixture_good(scene_out(&s, s.a, PR_OUT_CLEAR, 0xff, KA, KX));
	ck_assert_uint_eq(scene_key_total(&s), 0);
	ck_assert_uint_eq(scene_generation(&s), 2);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_069_preempt_takes_the_reservation)
{
	for (unsigned profile = 0; profile < 2; profile++) {
		struct scene s = profile == 0 ? scene_open() : scene_open_spc4();
		struct pr_nexus_id b = scene_id('b');
		scene_hold(&s, s.a, KA, 3);
		scene_register(&s, s.b, KB);
		fixture_good(preempt(&s, s.b, KB, KA, 1));
		ck_assert_uint_eq(scene_type(&s), 1);
		ck_assert(fixture_holds(s.f, &b));
		ck_assert_uint_eq(scene_key_total(&s), 1);
		ck_assert_uint_eq(scene_generation(&s), 3);
		scene_unit_attention(&s, s.a, 0x2a, profile == 0 ? 0x03 : 0x05);
		scene_quiet(&s, s.a);
		scene_quiet(&s, s.b);
		fixture_conflict(fixture_write(s.f, s.a, 0, 1, 0x55));
		scene_close(&s);
	}
}
END_TEST

static struct scene three_with_registrants_only(void)
{
	struct scene s = scene_open();
	scene_hold(&s, s.a, KA, 5);
	scene_register(&s, s.b, KB);
	scene_register(&s, s.c, KC);
	return s;
}

START_TEST(scenario_070_preempt_with_another_type_is_told_to_registrants)
{
	struct scene s = three_with_registrants_only();

	fixture_good(preempt(&s, s.b, KB, KA, 6));
	scene_unit_attention(&s, s.c, 0x2a, 0x04);
	scene_quiet(&s, s.c);
	scene_unit_attention(&s, s.a, 0x2a, 0x03);
	scene_quiet(&s, s.a);
	scene_quiet(&s, s.b);
	ck_assert_uint_eq(scene_key_count(&s, KC), 1);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_071_preempt_with_the_same_type_is_not)
{
	struct scene s = three_with_registrants_only();

	fixture_good(preempt(&s, s.b, KB, KA, 5));
	scene_quiet(&s, s.c);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_072_preempt_that_only_removes_looks_at_no_type)
{
	struct scene s = three_with_registrants_only();

	fixture_good(preempt(&s, s.b, KB, KC, 0));
	ck_assert_uint_eq(scene_key_count(&s, KC), 0);
	scene_unit_attention(&s, s.c, 0x2a, 0x03);
	ck_assert_uint_eq(scene_type(&s), 5);
	ck_assert_uint_eq(scene_holder_key(&s), KA);
	scene_quiet(&s, s.a);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_073_preempt_of_an_unknown_key)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 5);
	scene_register(&s, s.b, KB);
	scene_conflict(&s, preempt(&s, s.b, KB, KX, 5));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_074_preempt_of_key_0)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 5);
	scene_register(&s, s.b, KB);
	scene_unchanged(&s,
			fixture_field(preempt(&s, s.b, KB, 0, 5), 5, 0x26, 0x00, 0x80, 0x00, 0x08));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_075_preempt_without_reservation_creates_none)
{
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	scene_register(&s, s.b, KB);
	fixture_good(preempt(&s, s.a, KA, KB, 3));
	ck_assert_uint_eq(scene_key_count(&s, KB), 0);
	ck_assert_uint_eq(scene_key_count(&s, KA), 1);
	ck_assert_uint_eq(scene_type(&s), 0);
	scene_unit_attention(&s, s.b, 0x2a, 0x03);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_076_preempting_oneself_changes_the_type)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 1);
	fixture_good(preempt(&s, s.a, KA, KA, 6));
	ck_assert_uint_eq(scene_type(&s), 6);
	ck_assert_uint_eq(scene_holder_key(&s), KA);
	ck_assert_uint_eq(scene_key_count(&s, KA), 1);
	scene_quiet(&s, s.a);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_077_preempting_oneself_removes_who_shares_the_key)
{
	struct scene s = scene_open();
	struct pr_nexus_id a = scene_id('a');

	scene_hold(&s, s.a, KA, 5);
	scene_register(&s, s.b, KA);
	fixture_good(preempt(&s, s.a, KA, KA, 5));
	ck_assert_uint_eq(scene_key_count(&s, KA), 1);
	ck_assert(fixture_holds(s.f, &a));
	ck_assert_uint_eq(scene_type(&s), 5);
	scene_unit_attention(&s, s.b, 0x2a, 0x03);
	scene_quiet(&s, s.a);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_078_a_non_holder_preempts_its_own_key)
{
	for (unsigned profile = 0; profile < 2; profile++) {
		struct scene s = profile == 0 ? scene_open() : scene_open_spc4();
		scene_hold(&s, s.a, KA, 5);
		scene_register(&s, s.b, KB);
		fixture_good(preempt(&s, s.b, KB, KB, 5));
		ck_assert_uint_eq(scene_key_count(&s, KB), profile == 0 ? 1 : 0);
		ck_assert_uint_eq(scene_holder_key(&s), KA);
		ck_assert_uint_eq(scene_generation(&s), 3);
		scene_quiet(&s, s.b);
		scene_close(&s);
	}
}
END_TEST

START_TEST(scenario_079_preempt_to_type_8_is_refused)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	scene_register(&s, s.b, KB);
	scene_unchanged(
		&s, fixture_field(preempt(&s, s.b, KB, KA, 8), 5, 0x24, 0x00, 0xcb, 0x00, 0x02));
	scene_unchanged(
		&s, fixture_field(preempt(&s, s.b, KB, KA, 7), 5, 0x24, 0x00, 0xcb, 0x00, 0x02));
	scene_refused(&s, preempt(&s, s.b, KB, KA, 0x11), 5, 0x24, 0x00);
	ck_assert_uint_eq(scene_holder_key(&s), KA);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_080_preempt_with_the_wrong_key)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	scene_register(&s, s.b, KB);
	scene_conflict(&s, preempt(&s, s.b, KX, KA, 3));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_081_preempt_unregistered)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	scene_conflict(&s, preempt(&s, s.c, 0, KA, 3));
	scene_close(&s);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, scenario_066_clear);
	tcase_add_test(tcase, scenario_067_clear_unregistered);
	tcase_add_test(tcase, scenario_068_clear_without_reservation);
	tcase_add_test(tcase, scenario_069_preempt_takes_the_reservation);
	tcase_add_test(tcase, scenario_070_preempt_with_another_type_is_told_to_registrants);
	tcase_add_test(tcase, scenario_071_preempt_with_the_same_type_is_not);
	tcase_add_test(tcase, scenario_072_preempt_that_only_removes_looks_at_no_type);
	tcase_add_test(tcase, scenario_073_preempt_of_an_unknown_key);
	tcase_add_test(tcase, scenario_074_preempt_of_key_0);
	tcase_add_test(tcase, scenario_075_preempt_without_reservation_creates_none);
	tcase_add_test(tcase, scenario_076_preempting_oneself_changes_the_type);
	tcase_add_test(tcase, scenario_077_preempting_oneself_removes_who_shares_the_key);
	tcase_add_test(tcase, scenario_078_a_non_holder_preempts_its_own_key);
	tcase_add_test(tcase, scenario_079_preempt_to_type_8_is_refused);
	tcase_add_test(tcase, scenario_080_preempt_with_the_wrong_key);
	tcase_add_test(tcase, scenario_081_preempt_unregistered);
}

int main(void)
{
	return suite_run("scenarios: CLEAR and PREEMPT", fill);
}
