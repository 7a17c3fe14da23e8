/* What all service actions share: the order of the checks (3.1), the flags, and any sequence. */
#include <stdlib.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "tests/unit/pr_engine/dice.h"
#include "tests/unit/pr_engine/lu.h"

static const enum pr_out_action all_actions[] = {
	PR_OUT_REGISTER,
	PR_OUT_RESERVE,
	PR_OUT_RELEASE,
	PR_OUT_CLEAR,
	PR_OUT_PREEMPT,
	PR_OUT_PREEMPT_AND_ABORT,
	PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY,
	PR_OUT_REGISTER_AND_MOVE,
};

/* Plans without the access check in front, as the engine alone answers. */
static struct pr_plan plan_alone(struct lu *lu, const struct pr_request *request)
{
	size_t max = pr_plan_changes_max(lu->state, request);
	uint8_t *changes = malloc(max);
	struct pr_plan plan;

	pr_plan_make(lu->state, lu->profile, request, changes, max, &plan);
	free(changes);
	return plan;
}

/* A request that the registered holder A of type 1 gets GOOD for. */
static struct pr_request good_request(enum pr_out_action action)
{
	struct pr_request request = lu_request('A', action, lu_key('A'), lu_key('A'));

	request.type = 1;
	return request;
}

/* ---- one check before the other ---- */

START_TEST(an_unsupported_service_action_is_an_invalid_field)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);
	struct pr_profile none = *lu->profile;
	struct pr_request request = good_request(PR_OUT_CLEAR);

	none.out_actions &= (uint16_t) ~(1U << PR_OUT_CLEAR);
	lu->profile = &none;
	lu_send(lu, &request);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_CDB, PR_FIELD_SERVICE_ACTION, "A");
	for (unsigned action = PR_OUT_ACTION_COUNT; action < 0x20; action++) {
		request.action = (enum pr_out_action)action;
		struct pr_plan plan = plan_alone(lu, &request);
		ck_assert_int_eq(plan.outcome, PR_OUTCOME_INVALID_FIELD_IN_CDB);
		ck_assert_int_eq(plan.field, PR_FIELD_SERVICE_ACTION);
	}
	lu_free(&lu);
}
END_TEST

START_TEST(reserve_checks_the_type_before_the_registration)
{
	struct lu *lu = lu_open(lu_profile(_i), "", 0, 0);

	for (unsigned type = 0; type < 16; type++) {
		lu_reserve(lu, 'A', type);
		if (pr_profile_has_type(lu->profile, type))
			ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "", "");
		else
			ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_CDB, PR_FIELD_TYPE,
					     "");
	}
	lu_free(&lu);
}
END_TEST

START_TEST(reserve_of_an_unsupported_type_is_an_invalid_field)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);

	for (unsigned type = 0; type < 16; type++) {
		if (pr_profile_has_type(lu->profile, type))
			continue;
		lu_reserve(lu, 'A', type);
		ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_CDB, PR_FIELD_TYPE, "A");
	}
	lu_free(&lu);
}
END_TEST

START_TEST(all_registrants_types_are_for_spc4_only)
{
	struct lu *lu = lu_open(&pr_profile_dlt_s4, "A", 0, 0);

	lu_reserve(lu, 'A', 8);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_CDB, PR_FIELD_TYPE, "A");
	lu_reserve(lu, 'A', 7);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_CDB, PR_FIELD_TYPE, "A");
	lu->profile = &pr_profile_spc4;
	lu_reserve(lu, 'A', 8);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, false, "A, all hold 8", "");
	lu_free(&lu);
}
END_TEST

START_TEST(reserve_and_release_check_the_scope_first)
{
	static const enum pr_out_action actions[] = {PR_OUT_RESERVE, PR_OUT_RELEASE};

	for (size_t i = 0; i < 2; i++) {
		struct lu *lu = lu_open(lu_profile(_i), "B", 0, 0);
		for (uint8_t scope = 1; scope < 16; scope++) {
			struct pr_request request = lu_request('A', actions[i], 0, 0);
			request.scope = scope;
			lu_send(lu, &request);
			ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_CDB, PR_FIELD_SCOPE,
					     "B");
		}
		lu_free(&lu);
	}
}
END_TEST

START_TEST(a_foreign_reservation_comes_before_the_type)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 5);

	lu_reserve(lu, 'B', 9);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A B, A holds 5", "");
	lu_free(&lu);
}
END_TEST

START_TEST(the_key_comes_before_the_flags)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 1);

	for (size_t i = 0; i < sizeof(all_actions) / sizeof(all_actions[0]); i++) {
		struct pr_request request = good_request(all_actions[i]);
		if (all_actions[i] == PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY)
			continue;
		request.reservation_key = lu_key('Z');
		request.spec_i_pt = true;
		request.all_tg_pt = true;
		ck_assert_int_eq(plan_alone(lu, &request).outcome, PR_OUTCOME_RESERVATION_CONFLICT);
	}
	lu_free(&lu);
}
END_TEST

START_TEST(the_flags_come_before_the_key_to_preempt)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);
	struct pr_request request = lu_request('A', PR_OUT_PREEMPT, lu_key('A'), 0);

	request.spec_i_pt = true;
	lu_send(lu, &request);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST, PR_FIELD_SPEC_I_PT,
			     "A");
	lu_free(&lu);
}
END_TEST

START_TEST(without_the_access_check_reserve_still_conflicts)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 5);
	struct pr_request request = lu_request('B', PR_OUT_RESERVE, lu_key('B'), 0);

	request.type = 5;
	ck_assert_int_eq(plan_alone(lu, &request).outcome, PR_OUTCOME_RESERVATION_CONFLICT);
	lu_free(&lu);
}
END_TEST

/* ---- the flags of byte 20 ---- */

static bool is_register(enum pr_out_action action)
{
	return action == PR_OUT_REGISTER || action == PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY;
}

START_TEST(spec_i_pt_is_for_register_where_the_profile_has_it)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 1);

	for (size_t i = 0; i < sizeof(all_actions) / sizeof(all_actions[0]); i++) {
		struct pr_request request = good_request(all_actions[i]);
		if (all_actions[i] == PR_OUT_REGISTER_AND_MOVE)
			continue;
		request.spec_i_pt = true;
		struct pr_plan plan = plan_alone(lu, &request);
		ck_assert_int_eq(plan.outcome, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST);
		ck_assert_int_eq(plan.field, PR_FIELD_SPEC_I_PT);
	}
	struct pr_request request = lu_request('B', PR_OUT_REGISTER, 0, lu_key('B'));
	request.spec_i_pt = true;
	ck_assert_int_eq(plan_alone(lu, &request).outcome,
			 _i == 0 ? PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST : PR_OUTCOME_GOOD);
	lu_free(&lu);
}
END_TEST

START_TEST(all_tg_pt_is_for_registering_where_the_profile_has_it)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 1);

	for (size_t i = 0; i < sizeof(all_actions) / sizeof(all_actions[0]); i++) {
		struct pr_request request = good_request(all_actions[i]);
		struct pr_plan without = plan_alone(lu, &request);
		request.all_tg_pt = true;
		struct pr_plan plan = plan_alone(lu, &request);
		if (!is_register(all_actions[i]) || _i != 0) {
			ck_assert_int_eq(plan.outcome, without.outcome);
			continue;
		}
		ck_assert_int_eq(plan.outcome, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST);
		ck_assert_int_eq(plan.field, PR_FIELD_ALL_TG_PT);
	}
	lu_free(&lu);
}
END_TEST

START_TEST(spec_i_pt_is_told_before_all_tg_pt)
{
	struct lu *lu = lu_open(&pr_profile_dlt_s4, "", 0, 0);
	struct pr_request request = lu_request('A', PR_OUT_REGISTER, 0, lu_key('A'));

	request.spec_i_pt = true;
	request.all_tg_pt = true;
	lu_send(lu, &request);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST, PR_FIELD_SPEC_I_PT,
			     "");
	lu_free(&lu);
}
END_TEST

/* ---- the generation ---- */

START_TEST(six_actions_bump_the_generation_and_two_do_not)
{
	for (size_t i = 0; i < sizeof(all_actions) / sizeof(all_actions[0]); i++) {
		struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 1);
		struct pr_request request = good_request(all_actions[i]);
		struct pr_nexus_id to = lu_nexus('B');
		request.named = &to;
		request.named_count = 1;
		lu_send(lu, &request);
		bool bumps = all_actions[i] != PR_OUT_RESERVE && all_actions[i] != PR_OUT_RELEASE;
		ck_assert_int_eq(lu->plan.outcome, PR_OUTCOME_GOOD);
		ck_assert_int_eq(lu->plan.bumps_generation, bumps);
		lu_free(&lu);
	}
}
END_TEST

START_TEST(the_generation_wraps)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);

	pr_state_set_generation(lu->state, UINT32_MAX);
	ck_assert_int_eq(lu_register(lu, 'B'), PR_OUTCOME_GOOD);
	ck_assert_uint_eq(pr_state_generation(lu->state), 0);
	lu_free(&lu);
}
END_TEST

/* ---- table 4.3, by way of what really comes back ---- */

START_TEST(a_foreign_reservation_stops_what_table_4_3_says)
{
	static const enum pr_outcome registered[] = {
		[PR_OUT_REGISTER] = PR_OUTCOME_GOOD,
		[PR_OUT_RESERVE] = PR_OUTCOME_RESERVATION_CONFLICT,
		[PR_OUT_RELEASE] = PR_OUTCOME_GOOD,
		[PR_OUT_CLEAR] = PR_OUTCOME_GOOD,
		[PR_OUT_PREEMPT] = PR_OUTCOME_GOOD,
		[PR_OUT_PREEMPT_AND_ABORT] = PR_OUTCOME_GOOD,
		[PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY] = PR_OUTCOME_GOOD,
		[PR_OUT_REGISTER_AND_MOVE] = PR_OUTCOME_RESERVATION_CONFLICT,
	};
	struct pr_nexus_id to = lu_nexus('C');

	for (size_t i = 0; i < 8; i++) {
		struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 3);
		struct pr_request request =
			lu_request('B', all_actions[i], lu_key('B'), lu_key('A'));
		request.type = 3;
		request.named = &to;
		request.named_count = 1;
		ck_assert_int_eq(lu_send(lu, &request), registered[all_actions[i]]);
		lu_free(&lu);

		lu = lu_open(lu_profile(_i), "A", 'A', 3);
		request.reservation_key = 0;
		ck_assert_int_eq(lu_send(lu, &request), is_register(all_actions[i])
								? PR_OUTCOME_GOOD
								: PR_OUTCOME_RESERVATION_CONFLICT);
		lu_free(&lu);
	}
}
END_TEST

/* ---- any sequence ---- */

static struct pr_nexus_id random_nexus(struct dice *dice)
{
	return lu_nexus_at((char)('A' + dice_roll(dice, 5)), (uint8_t)dice_roll(dice, 2),
			   (uint16_t)(1 + dice_roll(dice, 3)));
}

/* Often the right key, so that programs get somewhere; sometimes none, or any. */
static uint64_t random_key(struct lu *lu, struct dice *dice, const struct pr_nexus_id *nexus)
{
	const struct pr_registration *registration = pr_state_find(lu->state, nexus);

	if (dice_roll(dice, 8) != 0)
		return registration ? registration->key : 0;
	return dice_roll(dice, 3) == 0 ? 0 : lu_key((char)('A' + dice_roll(dice, 4)));
}

static struct pr_request random_request(struct lu *lu, struct dice *dice,
					struct pr_nexus_id named[3])
{
	static const uint16_t ports[] = {1, 2, 3};
	struct pr_request request = {
		.action = (enum pr_out_action)dice_roll(dice, PR_OUT_ACTION_COUNT),
		.scope = dice_roll(dice, 16) == 0,
		.type = (uint8_t)dice_roll(dice, dice_roll(dice, 4) == 0 ? 16 : 9),
		.service_action_key =
			dice_roll(dice, 6) == 0 ? 0 : lu_key((char)('A' + dice_roll(dice, 4))),
		.aptpl = dice_roll(dice, 2) == 0,
		.spec_i_pt = dice_roll(dice, 10) == 0,
		.all_tg_pt = dice_roll(dice, 6) == 0,
		.unreg = dice_roll(dice, 2) == 0,
		.nexus = random_nexus(dice),
		.named = named,
		.named_count = 1,
		.target_ports = ports,
		.target_port_count = 3,
	};

	request.reservation_key = random_key(lu, dice, &request.nexus);
	for (int i = 0; i < 3; i++)
		named[i] = random_nexus(dice);
	if (request.spec_i_pt)
		request.named_count = dice_roll(dice, 4);
	return request;
}

/* The state survives being written down and read again. */
static void check_snapshot(const struct lu *lu)
{
	uint8_t bytes[LU_CAPACITY * PR_CHANGE_ENCODED_MAX + 128];
	uint8_t again[sizeof(bytes)];
	struct byte_writer out = byte_writer_over(bytes, pr_state_snapshot_max(lu->state));
	struct byte_writer out_again = byte_writer_over(again, sizeof(again));
	struct pr_state *copy =
		pr_state_init(calloc(1, pr_state_size(LU_CAPACITY)), LU_CAPACITY, 9);

	pr_state_snapshot(lu->state, &out);
	ck_assert(!out.overflow);
	ck_assert(pr_state_apply_encoded(copy, bytes, out.len));
	ck_assert_ptr_null(pr_state_check(copy));
	pr_state_snapshot(copy, &out_again);
	ck_assert_mem_eq(bytes, again, out.len);
	ck_assert_uint_eq(out.len, out_again.len);
	free(copy);
}

START_TEST(any_sequence_keeps_the_invariants)
{
	struct dice dice = dice_from_seed(lu_profile(_i)->name);
	struct lu *lu = lu_open(lu_profile(_i), "", 0, 0);
	struct pr_nexus_id named[3];
	unsigned good = 0;

	for (int i = 0; i < 20000; i++) {
		struct pr_request request = random_request(lu, &dice, named);
		uint32_t generation = pr_state_generation(lu->state);
		good += lu_send(lu, &request) == PR_OUTCOME_GOOD;
		ck_assert_uint_eq(pr_state_generation(lu->state),
				  generation + lu->plan.bumps_generation);
		if (i % 64 == 0)
			check_snapshot(lu);
	}
	ck_assert_uint_gt(good, 1000);
	lu_free(&lu);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, an_unsupported_service_action_is_an_invalid_field, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, reserve_checks_the_type_before_the_registration, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, reserve_of_an_unsupported_type_is_an_invalid_field, 0,
			    LU_PROFILES);
	tcase_add_test(tcase, all_registrants_types_are_for_spc4_only);
	tcase_add_loop_test(tcase, reserve_and_release_check_the_scope_first, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_foreign_reservation_comes_before_the_type, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, without_the_access_check_reserve_still_conflicts, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, the_key_comes_before_the_flags, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, the_flags_come_before_the_key_to_preempt, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, spec_i_pt_is_for_register_where_the_profile_has_it, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, all_tg_pt_is_for_registering_where_the_profile_has_it, 0,
			    LU_PROFILES);
	tcase_add_test(tcase, spec_i_pt_is_told_before_all_tg_pt);
	tcase_add_loop_test(tcase, six_actions_bump_the_generation_and_two_do_not, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, the_generation_wraps, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_foreign_reservation_stops_what_table_4_3_says, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, any_sequence_keeps_the_invariants, 0, LU_PROFILES);
}

int main(void)
{
	return suite_run("plan", fill);
}
