#include "tests/support/suite.h"
#include "tests/unit/pr_engine/lu.h"

/* What who loses a registration is told, as lu.h shows it. */
static const char *lost(const struct lu *lu, const char *in_dlt_s4, const char *in_spc4)
{
	return lu->profile == &pr_profile_dlt_s4 ? in_dlt_s4 : in_spc4;
}

static void given_registered_with(struct lu *lu, char caller, uint64_t key)
{
	struct pr_request request = lu_request(caller, PR_OUT_REGISTER, 0, key);

	ck_assert_int_eq(lu_send(lu, &request), PR_OUTCOME_GOOD);
}

/* `caller` registered with `key`, not with its own. */
static enum pr_outcome preempt_with(struct lu *lu, char caller, uint64_t key, uint64_t victim_key,
				    unsigned type)
{
	struct pr_request request = lu_request(caller, PR_OUT_PREEMPT, key, victim_key);

	request.type = (uint8_t)type;
	return lu_send(lu, &request);
}

static enum pr_outcome preempt_and_abort(struct lu *lu, char caller, uint64_t key, unsigned type)
{
	struct pr_request request =
		lu_request(caller, PR_OUT_PREEMPT_AND_ABORT, lu_key(caller), key);

	request.type = (uint8_t)type;
	return lu_send(lu, &request);
}

/* ---- who may ---- */

START_TEST(preempt_of_a_stranger_conflicts)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);

	lu_preempt(lu, 'C', lu_key('A'), 1);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A", "");
	ck_assert_int_eq(lu_reserve(lu, 'A', 3), PR_OUTCOME_GOOD);
	lu_preempt(lu, 'C', lu_key('A'), 1);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A, A holds 3", "");
	lu_free(&lu);
}
END_TEST

START_TEST(preempt_with_a_wrong_key_conflicts)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 3);

	preempt_with(lu, 'B', lu_key('X'), lu_key('A'), 1);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A B, A holds 3", "");
	lu_free(&lu);
}
END_TEST

/* ---- taking the reservation over ---- */

START_TEST(preempt_of_the_holder_takes_the_reservation)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 3);

	lu_preempt(lu, 'B', lu_key('A'), 1);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "B, B holds 1",
		     lost(lu, "A:PREEMPTED", "A:UNREGISTERED"));
	ck_assert_uint_eq(pr_state_reservation(lu->state).since.sequence, lu->time_ms);
	lu_free(&lu);
}
END_TEST

START_TEST(preempt_that_changes_the_type_tells_those_who_stay)
{
	struct lu *lu = lu_open(lu_profile(_i), "ABC", 'A', 5);

	lu_preempt(lu, 'B', lu_key('A'), 6);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "B C, B holds 6",
		     lost(lu, "A:PREEMPTED C:RELEASED", "A:UNREGISTERED C:RELEASED"));
	lu_free(&lu);
}
END_TEST

START_TEST(preempt_that_keeps_the_type_tells_only_the_victims)
{
	struct lu *lu = lu_open(lu_profile(_i), "ABC", 'A', 5);

	lu_preempt(lu, 'B', lu_key('A'), 5);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "B C, B holds 5",
		     lost(lu, "A:PREEMPTED", "A:UNREGISTERED"));
	lu_free(&lu);
}
END_TEST

START_TEST(preempt_of_the_holder_takes_all_that_share_its_key)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 3);

	given_registered_with(lu, 'C', lu_key('A'));
	lu_preempt(lu, 'B', lu_key('A'), 3);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "B, B holds 3",
		     lost(lu, "A:PREEMPTED C:PREEMPTED", "A:UNREGISTERED C:UNREGISTERED"));
	lu_free(&lu);
}
END_TEST

START_TEST(a_holder_preempts_itself_to_change_the_type)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 1);

	lu_preempt(lu, 'A', lu_key('A'), 6);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A B, A holds 6", "B:RELEASED");
	lu_free(&lu);
}
END_TEST

START_TEST(a_holder_that_preempts_itself_removes_who_shares_its_key)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 5);

	given_registered_with(lu, 'B', lu_key('A'));
	lu_preempt(lu, 'A', lu_key('A'), 5);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A, A holds 5",
		     lost(lu, "B:PREEMPTED", "B:UNREGISTERED"));
	lu_free(&lu);
}
END_TEST

START_TEST(who_shares_the_holders_key_takes_over_and_stays)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 3);

	given_registered_with(lu, 'B', lu_key('A'));
	preempt_with(lu, 'B', lu_key('A'), lu_key('A'), 1);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "B=A, B holds 1",
		     lost(lu, "A:PREEMPTED", "A:UNREGISTERED"));
	lu_free(&lu);
}
END_TEST

START_TEST(taking_over_checks_scope_and_type)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 3);
	struct pr_request request = lu_request('B', PR_OUT_PREEMPT, lu_key('B'), lu_key('A'));

	for (unsigned type = 0; type < 16; type++) {
		if (pr_profile_has_type(lu->profile, type))
			continue;
		lu_preempt(lu, 'B', lu_key('A'), type);
		ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_CDB, PR_FIELD_TYPE,
				     "A B, A holds 3");
	}
	request.type = 8;
	request.scope = 1;
	lu_send(lu, &request);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_CDB, PR_FIELD_SCOPE, "A B, A holds 3");
	lu_free(&lu);
}
END_TEST

/* ---- removing only ---- */

START_TEST(preempt_of_another_leaves_the_reservation_and_ignores_the_type)
{
	struct lu *lu = lu_open(lu_profile(_i), "ABC", 'A', 5);

	lu_preempt(lu, 'B', lu_key('C'), 0);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A B, A holds 5",
		     lost(lu, "C:PREEMPTED", "C:UNREGISTERED"));
	lu_free(&lu);
}
END_TEST

START_TEST(removing_ignores_the_scope_too)
{
	struct lu *lu = lu_open(lu_profile(_i), "ABC", 'A', 5);
	struct pr_request request = lu_request('B', PR_OUT_PREEMPT, lu_key('B'), lu_key('C'));

	request.scope = 0xf;
	request.type = 0xf;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A B, A holds 5",
		     lost(lu, "C:PREEMPTED", "C:UNREGISTERED"));
	lu_free(&lu);
}
END_TEST

START_TEST(preempt_of_an_unknown_key_conflicts)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 5);

	lu_preempt(lu, 'B', lu_key('Z'), 5);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A B, A holds 5", "");
	ck_assert_int_eq(lu_release(lu, 'A', 5), PR_OUTCOME_GOOD);
	lu_preempt(lu, 'B', lu_key('Z'), 5);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A B", "");
	lu_free(&lu);
}
END_TEST

START_TEST(preempt_of_key_0_is_invalid)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 5);

	lu_preempt(lu, 'B', 0, 5);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST,
			     PR_FIELD_SERVICE_ACTION_KEY, "A B, A holds 5");
	ck_assert_int_eq(lu_release(lu, 'A', 5), PR_OUTCOME_GOOD);
	lu_preempt(lu, 'B', 0, 5);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST,
			     PR_FIELD_SERVICE_ACTION_KEY, "A B");
	lu_free(&lu);
}
END_TEST

START_TEST(preempt_without_a_reservation_creates_none)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 0, 0);

	lu_preempt(lu, 'A', lu_key('B'), 3);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A", lost(lu, "B:PREEMPTED", "B:UNREGISTERED"));
	lu_free(&lu);
}
END_TEST

START_TEST(removing_ones_own_key_is_the_profiles_choice)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 5);

	lu_preempt(lu, 'B', lu_key('B'), 5);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, lost(lu, "A B, A holds 5", "A, A holds 5"), "");
	lu_free(&lu);
}
END_TEST

START_TEST(removing_ones_own_key_removes_who_shares_it)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 5);

	given_registered_with(lu, 'C', lu_key('B'));
	lu_preempt(lu, 'B', lu_key('B'), 5);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, lost(lu, "A B, A holds 5", "A, A holds 5"),
		     lost(lu, "C:PREEMPTED", "C:UNREGISTERED"));
	lu_free(&lu);
}
END_TEST

START_TEST(what_stays_needs_no_change_but_counts)
{
	struct lu *lu = lu_open(&pr_profile_dlt_s4, "A", 0, 0);

	lu_preempt(lu, 'A', lu_key('A'), 0);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A", "");
	ck_assert_uint_eq(lu->plan.changes_len, 0);
	lu_free(&lu);
}
END_TEST

/* ---- all registrants (3.13); _i is the type held ---- */

START_TEST(preempt_of_key_0_takes_it_from_all_registrants)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "ABC", 'A', (unsigned)_i);

	lu_preempt(lu, 'B', 0, 3);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "B, B holds 3", "A:UNREGISTERED C:UNREGISTERED");
	lu_free(&lu);
}
END_TEST

START_TEST(preempt_of_key_0_may_keep_the_type)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "AB", 'A', (unsigned)_i);

	lu_preempt(lu, 'B', 0, (unsigned)_i);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, _i == 7 ? "B, all hold 7" : "B, all hold 8",
		     "A:UNREGISTERED");
	lu_free(&lu);
}
END_TEST

START_TEST(preempt_of_key_0_checks_scope_and_type)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "AB", 'A', 7);
	struct pr_request request = lu_request('B', PR_OUT_PREEMPT, lu_key('B'), 0);

	lu_preempt(lu, 'B', 0, 2);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_CDB, PR_FIELD_TYPE, "A B, all hold 7");
	request.type = 3;
	request.scope = 2;
	lu_send(lu, &request);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_CDB, PR_FIELD_SCOPE,
			     "A B, all hold 7");
	lu_free(&lu);
}
END_TEST

START_TEST(preempt_of_a_key_only_removes_among_all_registrants)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "ABC", 'A', (unsigned)_i);

	lu_preempt(lu, 'B', lu_key('A'), 0);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, _i == 7 ? "B C, all hold 7" : "B C, all hold 8",
		     "A:UNREGISTERED");
	lu_preempt(lu, 'B', lu_key('Z'), 0);
	ck_assert_int_eq(lu->plan.outcome, PR_OUTCOME_RESERVATION_CONFLICT);
	lu_free(&lu);
}
END_TEST

START_TEST(the_last_of_all_registrants_removes_itself_and_the_reservation)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "A", 'A', (unsigned)_i);

	given_registered_with(lu, 'B', lu_key('A'));
	lu_preempt(lu, 'A', lu_key('A'), 0);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "", "B:UNREGISTERED");
	lu_free(&lu);
}
END_TEST

START_TEST(a_single_holder_may_change_to_all_registrants)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "AB", 'A', 1);

	lu_preempt(lu, 'A', lu_key('A'), (unsigned)_i);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, _i == 7 ? "A B, all hold 7" : "A B, all hold 8",
		     "B:RELEASED");
	lu_free(&lu);
}
END_TEST

/* ---- PREEMPT AND ABORT: 3.8 ---- */

START_TEST(plain_preempt_aborts_nothing)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 3);

	lu_preempt(lu, 'A', lu_key('A'), 3);
	ck_assert(!lu->plan.abort_victims && !lu->plan.abort_caller);
	lu_free(&lu);
}
END_TEST

START_TEST(preempt_and_abort_aborts_when_it_takes_over)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 3);

	preempt_and_abort(lu, 'B', lu_key('A'), 1);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "B, B holds 1",
		     lost(lu, "A:PREEMPTED", "A:UNREGISTERED"));
	ck_assert(lu->plan.abort_victims && !lu->plan.abort_caller);
	lu_free(&lu);
}
END_TEST

START_TEST(preempt_and_abort_aborts_when_it_only_removes)
{
	struct lu *lu = lu_open(lu_profile(_i), "ABC", 'A', 5);

	preempt_and_abort(lu, 'B', lu_key('C'), 0);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A B, A holds 5",
		     lost(lu, "C:PREEMPTED", "C:UNREGISTERED"));
	ck_assert(lu->plan.abort_victims && !lu->plan.abort_caller);
	lu_free(&lu);
}
END_TEST

START_TEST(preempt_and_abort_of_ones_own_key_aborts_ones_own_commands)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 5);

	/* The holder stays; the other one stays or goes: aborted are both. */
	preempt_and_abort(lu, 'A', lu_key('A'), 5);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A B, A holds 5", "");
	ck_assert(lu->plan.abort_caller);
	preempt_and_abort(lu, 'B', lu_key('B'), 5);
	ck_assert_int_eq(lu->plan.outcome, PR_OUTCOME_GOOD);
	ck_assert(lu->plan.abort_caller);
	lu_free(&lu);
}
END_TEST

START_TEST(preempt_and_abort_of_all_registrants_spares_the_caller)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "AB", 'A', (unsigned)_i);

	preempt_and_abort(lu, 'B', 0, 3);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "B, B holds 3", "A:UNREGISTERED");
	ck_assert(lu->plan.abort_victims && !lu->plan.abort_caller);
	lu_free(&lu);
}
END_TEST

START_TEST(a_refused_preempt_and_abort_aborts_nothing)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 5);

	preempt_and_abort(lu, 'B', lu_key('Z'), 5);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A B, A holds 5", "");
	ck_assert(!lu->plan.abort_victims && !lu->plan.abort_caller);
	lu_free(&lu);
}
END_TEST

/* ---- persistence ---- */

START_TEST(preempt_must_persist_under_aptpl_and_leaves_it)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 3);
	struct pr_request request = lu_request('B', PR_OUT_REGISTER, 0, lu_key('B'));

	request.aptpl = true;
	ck_assert_int_eq(lu_send(lu, &request), PR_OUTCOME_GOOD);
	lu_preempt(lu, 'B', lu_key('A'), 3);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "B, B holds 3, aptpl",
		     lost(lu, "A:PREEMPTED", "A:UNREGISTERED"));
	ck_assert(lu->plan.must_persist);
	lu_free(&lu);
}
END_TEST

/* ---- what other targets do ---- */

START_TEST(a_profile_may_check_the_type_where_nothing_is_reserved)
{
	struct pr_profile profile = pr_profile_spc4;

	profile.preempt_always_checks_type = true;
	struct lu *lu = lu_open(&profile, "ABC", 'A', 5);
	lu_preempt(lu, 'B', lu_key('C'), 0);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_CDB, PR_FIELD_TYPE,
			     "A B C, A holds 5");
	lu_preempt(lu, 'B', lu_key('C'), 5);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A B, A holds 5", "C:UNREGISTERED");
	lu_free(&lu);
}
END_TEST

START_TEST(a_profile_may_meet_key_0_with_a_conflict)
{
	struct pr_profile profile = pr_profile_spc4;

	profile.preempt_of_key_0_conflicts = true;
	struct lu *lu = lu_open(&profile, "AB", 0, 0);
	lu_preempt(lu, 'B', 0, 5);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A B", "");
	lu_free(&lu);
}
END_TEST

START_TEST(a_profile_says_what_clear_tells)
{
	struct pr_profile profile = pr_profile_dlt_s4;

	profile.clear_unit_attention = PR_UA_REGISTRATIONS_PREEMPTED;
	struct lu *lu = lu_open(&profile, "AB", 'A', 3);
	lu_clear(lu, 'B');
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "", "A:UNREGISTERED");
	lu_free(&lu);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, a_profile_may_check_the_type_where_nothing_is_reserved);
	tcase_add_test(tcase, a_profile_may_meet_key_0_with_a_conflict);
	tcase_add_test(tcase, a_profile_says_what_clear_tells);
	tcase_add_loop_test(tcase, preempt_of_a_stranger_conflicts, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_with_a_wrong_key_conflicts, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_of_the_holder_takes_the_reservation, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_that_changes_the_type_tells_those_who_stay, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_that_keeps_the_type_tells_only_the_victims, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_of_the_holder_takes_all_that_share_its_key, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, a_holder_preempts_itself_to_change_the_type, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_holder_that_preempts_itself_removes_who_shares_its_key, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, who_shares_the_holders_key_takes_over_and_stays, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, taking_over_checks_scope_and_type, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_of_another_leaves_the_reservation_and_ignores_the_type,
			    0, LU_PROFILES);
	tcase_add_loop_test(tcase, removing_ignores_the_scope_too, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_of_an_unknown_key_conflicts, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_of_key_0_is_invalid, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_without_a_reservation_creates_none, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, removing_ones_own_key_is_the_profiles_choice, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, removing_ones_own_key_removes_who_shares_it, 0, LU_PROFILES);
	tcase_add_test(tcase, what_stays_needs_no_change_but_counts);
	tcase_add_loop_test(tcase, preempt_of_key_0_takes_it_from_all_registrants, 7, 9);
	tcase_add_loop_test(tcase, preempt_of_key_0_may_keep_the_type, 7, 9);
	tcase_add_test(tcase, preempt_of_key_0_checks_scope_and_type);
	tcase_add_loop_test(tcase, preempt_of_a_key_only_removes_among_all_registrants, 7, 9);
	tcase_add_loop_test(tcase, the_last_of_all_registrants_removes_itself_and_the_reservation,
			    7, 9);
	tcase_add_loop_test(tcase, a_single_holder_may_change_to_all_registrants, 7, 9);
	tcase_add_loop_test(tcase, plain_preempt_aborts_nothing, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_and_abort_aborts_when_it_takes_over, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_and_abort_aborts_when_it_only_removes, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_and_abort_of_ones_own_key_aborts_ones_own_commands, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_and_abort_of_all_registrants_spares_the_caller, 7, 9);
	tcase_add_loop_test(tcase, a_refused_preempt_and_abort_aborts_nothing, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_must_persist_under_aptpl_and_leaves_it, 0, LU_PROFILES);
}

int main(void)
{
	return suite_run("plan_preempt", fill);
}
