#include "tests/support/suite.h"
#include "tests/unit/pr_engine/lu.h"

static const uint8_t own_types[] = {1, 3, 5, 6};

static const char *holding(unsigned type)
{
	static const char *const shown[] = {
		[1] = "A B, A holds 1", [3] = "A B, A holds 3",	 [5] = "A B, A holds 5",
		[6] = "A B, A holds 6", [7] = "A B, all hold 7", [8] = "A B, all hold 8"};

	return shown[type];
}

/* ---- RESERVE: the rows of 3.4 ---- */

START_TEST(reserve_of_a_stranger_conflicts)
{
	struct lu *lu = lu_open(lu_profile(_i), "B", 0, 0);
	struct pr_request request = lu_request('A', PR_OUT_RESERVE, 0, 0);

	request.type = 1;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "B", "");
	lu_free(&lu);
}
END_TEST

START_TEST(reserve_with_a_wrong_key_conflicts)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);
	struct pr_request request = lu_request('A', PR_OUT_RESERVE, lu_key('X'), 0);

	request.type = 1;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A", "");
	lu_free(&lu);
}
END_TEST

START_TEST(reserve_makes_the_caller_holder_of_each_type)
{
	for (unsigned type = 1; type < 9; type++) {
		if (!pr_profile_has_type(lu_profile(_i), type))
			continue;
		struct lu *lu = lu_open(lu_profile(_i), "AB", 0, 0);
		lu_reserve(lu, 'A', type);
		ck_assert_lu(lu, PR_OUTCOME_GOOD, false, holding(type), "");
		ck_assert_uint_eq(pr_state_reservation(lu->state).since.sequence, lu->time_ms);
		lu_free(&lu);
	}
}
END_TEST

START_TEST(reserve_of_what_the_holder_has_changes_nothing)
{
	for (unsigned type = 1; type < 9; type++) {
		if (!pr_profile_has_type(lu_profile(_i), type))
			continue;
		struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', type);
		lu_reserve(lu, 'A', type);
		ck_assert_lu(lu, PR_OUTCOME_GOOD, false, holding(type), "");
		ck_assert_uint_eq(lu->plan.changes_len, 0);
		lu_free(&lu);
	}
}
END_TEST

START_TEST(reserve_of_another_type_by_the_holder_conflicts)
{
	for (size_t i = 0; i < sizeof(own_types); i++) {
		struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', own_types[i]);
		for (size_t j = 0; j < sizeof(own_types); j++) {
			if (i == j)
				continue;
			lu_reserve(lu, 'A', own_types[j]);
			ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false,
				     holding(own_types[i]), "");
		}
		lu_free(&lu);
	}
}
END_TEST

START_TEST(reserve_of_another_conflicts_even_with_the_same_key_and_type)
{
	for (size_t i = 0; i < sizeof(own_types); i++) {
		struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);
		struct pr_request request = lu_request('B', PR_OUT_REGISTER, 0, lu_key('A'));
		ck_assert_int_eq(lu_send(lu, &request), PR_OUTCOME_GOOD);
		ck_assert_int_eq(lu_reserve(lu, 'A', own_types[i]), PR_OUTCOME_GOOD);
		request = lu_request('B', PR_OUT_RESERVE, lu_key('A'), 0);
		request.type = own_types[i];
		ck_assert_int_eq(lu_send(lu, &request), PR_OUTCOME_RESERVATION_CONFLICT);
		lu_free(&lu);
	}
}
END_TEST

START_TEST(reserve_by_any_registrant_is_good_where_all_hold)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "AB", 'A', (unsigned)_i);

	lu_reserve(lu, 'B', (unsigned)_i);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, false, holding((unsigned)_i), "");
	ck_assert_uint_eq(lu->plan.changes_len, 0);
	lu_reserve(lu, 'B', _i == 7 ? 8 : 7);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, holding((unsigned)_i), "");
	lu_reserve(lu, 'A', 5);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, holding((unsigned)_i), "");
	lu_free(&lu);
}
END_TEST

START_TEST(reserve_leaves_aptpl_alone)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);
	struct pr_request request = lu_request('A', PR_OUT_RESERVE, lu_key('A'), 0);

	request.type = 3;
	request.aptpl = true;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, false, "A, A holds 3", "");
	ck_assert(!lu->plan.must_persist);
	lu_free(&lu);
}
END_TEST

START_TEST(reserve_and_release_must_persist_under_aptpl)
{
	struct lu *lu = lu_open(lu_profile(_i), "", 0, 0);
	struct pr_request request = lu_request('A', PR_OUT_REGISTER, 0, lu_key('A'));

	request.aptpl = true;
	ck_assert_int_eq(lu_send(lu, &request), PR_OUTCOME_GOOD);
	lu_reserve(lu, 'A', 3);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, false, "A, A holds 3, aptpl", "");
	ck_assert(lu->plan.must_persist);
	lu_release(lu, 'A', 3);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, false, "A, aptpl", "");
	ck_assert(lu->plan.must_persist);
	lu_release(lu, 'A', 3);
	ck_assert(!lu->plan.must_persist);
	lu_free(&lu);
}
END_TEST

/* ---- RELEASE: the rows of 3.5 ---- */

START_TEST(release_of_a_stranger_conflicts)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 3);

	lu_release(lu, 'B', 3);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A, A holds 3", "");
	ck_assert_int_eq(lu_release(lu, 'A', 3), PR_OUTCOME_GOOD);
	lu_release(lu, 'B', 3);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A", "");
	lu_free(&lu);
}
END_TEST

START_TEST(release_with_a_wrong_key_conflicts)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 3);
	struct pr_request request = lu_request('A', PR_OUT_RELEASE, lu_key('X'), 0);

	request.type = 3;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A, A holds 3", "");
	lu_free(&lu);
}
END_TEST

START_TEST(release_of_nothing_is_good)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);

	for (unsigned type = 0; type < 16; type++) {
		lu_release(lu, 'A', type);
		ck_assert_lu(lu, PR_OUTCOME_GOOD, false, "A", "");
		ck_assert_uint_eq(lu->plan.changes_len, 0);
	}
	lu_free(&lu);
}
END_TEST

START_TEST(release_by_another_registrant_changes_nothing_whatever_the_type)
{
	for (size_t i = 0; i < sizeof(own_types); i++) {
		struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', own_types[i]);
		for (unsigned type = 0; type < 16; type++) {
			lu_release(lu, 'B', type);
			ck_assert_lu(lu, PR_OUTCOME_GOOD, false, holding(own_types[i]), "");
			ck_assert_uint_eq(lu->plan.changes_len, 0);
		}
		lu_free(&lu);
	}
}
END_TEST

START_TEST(release_of_another_type_by_the_holder_is_invalid)
{
	for (unsigned held = 1; held < 9; held++) {
		if (!pr_profile_has_type(lu_profile(_i), held))
			continue;
		struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', held);
		for (unsigned type = 0; type < 16; type++) {
			if (type == held)
				continue;
			lu_release(lu, 'A', type);
			ck_assert_lu(lu, PR_OUTCOME_INVALID_RELEASE, false, holding(held), "");
		}
		lu_free(&lu);
	}
}
END_TEST

START_TEST(release_of_ones_own_type_tells_nobody)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 1);

	lu_release(lu, 'A', 1);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, false, "A B", "");
	ck_assert_int_eq(lu_reserve(lu, 'B', 3), PR_OUTCOME_GOOD);
	lu_release(lu, 'B', 3);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, false, "A B", "");
	lu_free(&lu);
}
END_TEST

START_TEST(release_for_registrants_tells_the_other_registrants)
{
	for (unsigned type = 5; type < 9; type++) {
		if (!pr_profile_has_type(lu_profile(_i), type))
			continue;
		struct lu *lu = lu_open(lu_profile(_i), "ABC", 'A', type);
		lu_release(lu, 'A', type);
		ck_assert_lu(lu, PR_OUTCOME_GOOD, false, "A B C", "B:RELEASED C:RELEASED");
		lu_free(&lu);
	}
}
END_TEST

START_TEST(release_by_any_registrant_ends_it_for_all)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "ABC", 'A', (unsigned)_i);

	lu_release(lu, 'C', (unsigned)_i);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, false, "A B C", "A:RELEASED B:RELEASED");
	lu_free(&lu);
}
END_TEST

/* ---- CLEAR: 3.6 ---- */

START_TEST(clear_of_a_stranger_conflicts)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);

	lu_clear(lu, 'B');
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A", "");
	lu_free(&lu);
}
END_TEST

START_TEST(clear_with_a_wrong_key_conflicts)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 3);
	struct pr_request request = lu_request('A', PR_OUT_CLEAR, lu_key('X'), 0);

	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A, A holds 3", "");
	lu_free(&lu);
}
END_TEST

START_TEST(clear_removes_everything_and_tells_all_others)
{
	for (unsigned type = 1; type < 9; type++) {
		if (!pr_profile_has_type(lu_profile(_i), type))
			continue;
		struct lu *lu = lu_open(lu_profile(_i), "ABC", 'A', type);
		lu_clear(lu, 'B');
		ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "", "A:PREEMPTED C:PREEMPTED");
		lu_free(&lu);
	}
}
END_TEST

START_TEST(clear_needs_no_reservation)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);

	lu_clear(lu, 'A');
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "", "");
	lu_free(&lu);
}
END_TEST

START_TEST(clear_leaves_aptpl_and_is_durable_under_it)
{
	struct lu *lu = lu_open(lu_profile(_i), "", 0, 0);
	struct pr_request request = lu_request('A', PR_OUT_REGISTER, 0, lu_key('A'));

	request.aptpl = true;
	ck_assert_int_eq(lu_send(lu, &request), PR_OUTCOME_GOOD);
	lu_clear(lu, 'A');
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, ", aptpl", "");
	ck_assert(lu->plan.must_persist);
	lu_free(&lu);
}
END_TEST

START_TEST(clear_ignores_scope_type_and_key_to_clear)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 3);
	struct pr_request request = lu_request('B', PR_OUT_CLEAR, lu_key('B'), lu_key('Z'));

	request.scope = 7;
	request.type = 15;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "", "A:PREEMPTED");
	lu_free(&lu);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, reserve_of_a_stranger_conflicts, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, reserve_with_a_wrong_key_conflicts, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, reserve_makes_the_caller_holder_of_each_type, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, reserve_of_what_the_holder_has_changes_nothing, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, reserve_of_another_type_by_the_holder_conflicts, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, reserve_of_another_conflicts_even_with_the_same_key_and_type, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, reserve_by_any_registrant_is_good_where_all_hold, 7, 9);
	tcase_add_loop_test(tcase, reserve_leaves_aptpl_alone, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, reserve_and_release_must_persist_under_aptpl, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, release_of_a_stranger_conflicts, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, release_with_a_wrong_key_conflicts, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, release_of_nothing_is_good, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, release_by_another_registrant_changes_nothing_whatever_the_type,
			    0, LU_PROFILES);
	tcase_add_loop_test(tcase, release_of_another_type_by_the_holder_is_invalid, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, release_of_ones_own_type_tells_nobody, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, release_for_registrants_tells_the_other_registrants, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, release_by_any_registrant_ends_it_for_all, 7, 9);
	tcase_add_loop_test(tcase, clear_of_a_stranger_conflicts, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, clear_with_a_wrong_key_conflicts, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, clear_removes_everything_and_tells_all_others, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, clear_needs_no_reservation, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, clear_leaves_aptpl_and_is_durable_under_it, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, clear_ignores_scope_type_and_key_to_clear, 0, LU_PROFILES);
}

int main(void)
{
	return suite_run("plan_reserve", fill);
}
