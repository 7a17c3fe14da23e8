/* The sheet's 8.7: sessions, resets, restarts, unit attentions, service actions, LUs. */
#include "pr_engine/state.h"
#include "tests/unit/scenarios/scene.h"

/* ---- sessions and resets ---- */

START_TEST(scenario_123_a_registration_outlives_its_session)
{
	struct scene s = scene_open();
	struct pr_nexus_id a = scene_id('a');

	scene_hold(&s, s.a, KA, 3);
	scene_unchanged(&s, {
		fixture_logout(s.f, s.a);
		fixture_conflict(fixture_read(s.f, s.b, 0, 1));
		s.a = scene_login(&s, 'a');
	});
	ck_assert(fixture_holds(s.f, &a));
	fixture_good(fixture_write(s.f, s.a, 0, 1, 0x11));

	/* A session that reinstates another is the same nexus. */
	scene_end(&s, s.a, SCSI_NEXUS_REINSTATED);
	fixture_settle(s.f);
	s.a = scene_login(&s, 'a');
	fixture_good(scene_out(&s, s.a, PR_OUT_RELEASE, 3, KA, 0));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_124_resets_leave_reservations)
{
	static const enum scsi_tmf_function functions[] = {SCSI_TMF_LOGICAL_UNIT_RESET,
							   SCSI_TMF_TARGET_WARM_RESET,
							   SCSI_TMF_TARGET_COLD_RESET};

	for (unsigned i = 0; i < 3; i++) {
		struct scene s = scene_open();
		scene_hold(&s, s.a, KA, 3);
		scene_unchanged(&s, scene_manage(&s, s.b, functions[i]));
		ck_assert_uint_ge(scene_resets(&s, s.a), 1);
		ck_assert_uint_ge(scene_resets(&s, s.c), 1);
		fixture_drain_unit_attentions(s.f, s.b);
		fixture_conflict(fixture_read(s.f, s.b, 0, 1));
		fixture_good(fixture_read(s.f, s.a, 0, 1));
		scene_close(&s);
	}
	/* Task management that aborts commands leaves them as well. */
	static const enum scsi_tmf_function aborts[] = {SCSI_TMF_ABORT_TASK_SET,
							SCSI_TMF_CLEAR_TASK_SET};
	for (unsigned i = 0; i < 2; i++) {
		struct scene s = scene_open();
		scene_hold(&s, s.a, KA, 3);
		scene_unchanged(&s, scene_manage(&s, s.a, aborts[i]));
		scene_close(&s);
	}
}
END_TEST

/* ---- restarts ---- */

static void restart(struct scene *s)
{
	ck_assert_int_eq(fixture_restart(s->f), 0);
	/* The state is there, and in force, before anybody logs in. */
}

START_TEST(scenario_125_without_aptpl_a_restart_clears)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	restart(&s);
	ck_assert_uint_eq(fixture_registrations(s.f), 0);
	scene_login_all(&s);
	ck_assert_uint_eq(scene_key_total(&s), 0);
	ck_assert_uint_eq(scene_type(&s), 0);
	ck_assert_uint_eq(scene_generation(&s), 0);
	ck_assert(!scene_ptpl_active(&s));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_126_with_aptpl_everything_survives)
{
	struct scene s = scene_open();
	struct pr_nexus_id a = scene_id('a'), b = scene_id('b');

	scene_register_aptpl(&s, s.a, KA);
	scene_register_aptpl(&s, s.b, KB);
	fixture_good(scene_out(&s, s.a, PR_OUT_RESERVE, 5, KA, 0));
	restart(&s);
	ck_assert_uint_eq(fixture_registrations(s.f), 2);
	s.c = scene_login(&s, 'c'); /* the first to come is a stranger */
	fixture_conflict(fixture_write(s.f, s.c, 0, 1, 0x11));
	fixture_good(fixture_read(s.f, s.c, 0, 1));
	ck_assert_uint_eq(fixture_key_of(s.f, &a), KA);
	ck_assert_uint_eq(fixture_key_of(s.f, &b), KB);
	ck_assert(fixture_holds(s.f, &a));
	ck_assert_uint_eq(scene_type(&s), 5);
	ck_assert_uint_eq(scene_generation(&s), 0);
	ck_assert(scene_ptpl_active(&s));
	s.b = scene_login(&s, 'b');
	fixture_good(fixture_write(s.f, s.b, 0, 1, 0x11));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_127_the_latest_aptpl_0_takes_it_back)
{
	struct scene s = scene_open();

	scene_register_aptpl(&s, s.a, KA);
	fixture_good(scene_out(&s, s.a, PR_OUT_RESERVE, 3, KA, 0));
	scene_register(&s, s.b, KB);
	restart(&s);
	ck_assert_uint_eq(fixture_registrations(s.f), 0);
	scene_login_all(&s);
	ck_assert_uint_eq(scene_key_total(&s), 0);
	ck_assert_uint_eq(scene_type(&s), 0);
	ck_assert(!scene_ptpl_active(&s));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_128_aptpl_1_saves_earlier_registrations_too)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	scene_register_aptpl(&s, s.b, KB);
	restart(&s);
	scene_login_all(&s);
	ck_assert_uint_eq(scene_key_count(&s, KA), 1);
	ck_assert_uint_eq(scene_key_count(&s, KB), 1);
	ck_assert_uint_eq(scene_type(&s), 3);
	ck_assert_uint_eq(scene_holder_key(&s), KA);
	scene_close(&s);
}
END_TEST

/* ---- unit attentions ---- */

START_TEST(scenario_133_two_unit_attentions_take_two_commands)
{
	static const uint8_t inquiry[16] = {0x12, 0, 0, 0, 96};
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 5);
	scene_register(&s, s.b, KB);
	fixture_good(scene_out(&s, s.a, PR_OUT_RELEASE, 5, KA, 0)); /* 2A/04 */
	fixture_good(scene_out(&s, s.a, PR_OUT_CLEAR, 0, KA, 0));   /* 2A/03 */
	fixture_good(scene_do(&s, s.b, inquiry, 0, 96));
	scene_two_unit_attentions(&s, s.b, (const uint8_t[]){0x2a, 0x04},
				  (const uint8_t[]){0x2a, 0x03});
	scene_quiet(&s, s.b);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_134_request_sense_takes_the_unit_attention)
{
	static const uint8_t request_sense[16] = {0x03, 0, 0, 0, 252};
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	scene_register(&s, s.b, KB);
	fixture_good(scene_out(&s, s.a, PR_OUT_CLEAR, 0, KA, 0));
	const struct fixture_result *result = scene_do(&s, s.b, request_sense, 0, 252);
	fixture_good(result);
	ck_assert_uint_ge(result->len, 18);
	ck_assert_uint_eq(result->data[0] & 0x7f, 0x70);
	ck_assert_uint_eq(result->data[2] & 0x0f, 6);
	ck_assert_uint_eq(result->data[12], 0x2a);
	ck_assert_uint_eq(result->data[13], 0x03);
	scene_quiet(&s, s.b);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_135_the_generation_wraps)
{
	struct scene s = scene_open();
	const struct pr_state *state = scsi_lun_pr_state(fixture_lun(s.f));

	/* 2^32 - 1 commands would take too long. */
	pr_state_set_generation((struct pr_state *)(uintptr_t)state, UINT32_MAX);
	ck_assert_uint_eq(scene_generation(&s), UINT32_MAX);
	scene_register(&s, s.a, KA);
	ck_assert_uint_eq(scene_generation(&s), 0);
	scene_close(&s);
}
END_TEST

/* ---- the rest ---- */

START_TEST(scenario_143_lus_know_nothing_of_each_other)
{
	struct scene s = scene_open_with(&(struct fixture_config){.luns = 2});

	scene_hold(&s, s.a, KA, 3);
	scene_register(&s, s.b, KB);
	ck_assert_uint_eq(scene_generation(&s), 2);
	s.f->lun = 1;
	fixture_drain_unit_attentions(s.f, s.b);
	ck_assert_uint_eq(scene_key_total(&s), 0);
	ck_assert_uint_eq(scene_type(&s), 0);
	ck_assert_uint_eq(scene_generation(&s), 0);
	fixture_good(fixture_write(s.f, s.b, 0, 1, 0x11));
	scene_register(&s, s.b, KX);
	ck_assert_uint_eq(scene_generation(&s), 1);
	s.f->lun = 0;
	ck_assert_uint_eq(scene_key_count(&s, KX), 0);
	fixture_conflict(fixture_write(s.f, s.b, 0, 1, 0x11));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_144_reserved_service_actions_of_pr_out)
{
	for (unsigned profile = 0; profile < 2; profile++) {
		struct scene s = profile == 0 ? scene_open() : scene_open_spc4();
		scene_register(&s, s.a, KA);
		for (unsigned action = 8; action <= 0x1f; action++)
			scene_unchanged(
				&s, fixture_field(fixture_pr_out(s.f, s.a, action, 1, KA, KX, 0), 5,
						  0x24, 0x00, 0xcc, 0x00, 0x01));
		scene_close(&s);
	}
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, scenario_123_a_registration_outlives_its_session);
	tcase_add_test(tcase, scenario_124_resets_leave_reservations);
	tcase_add_test(tcase, scenario_125_without_aptpl_a_restart_clears);
	tcase_add_test(tcase, scenario_126_with_aptpl_everything_survives);
	tcase_add_test(tcase, scenario_127_the_latest_aptpl_0_takes_it_back);
	tcase_add_test(tcase, scenario_128_aptpl_1_saves_earlier_registrations_too);
	tcase_add_test(tcase, scenario_133_two_unit_attentions_take_two_commands);
	tcase_add_test(tcase, scenario_134_request_sense_takes_the_unit_attention);
	tcase_add_test(tcase, scenario_135_the_generation_wraps);
	tcase_add_test(tcase, scenario_143_lus_know_nothing_of_each_other);
	tcase_add_test(tcase, scenario_144_reserved_service_actions_of_pr_out);
}

int main(void)
{
	return suite_run("scenarios: lifetime, unit attentions", fill);
}
