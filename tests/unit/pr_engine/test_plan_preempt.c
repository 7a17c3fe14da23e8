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

/* ---- one PREEMPT, and what it leaves and tells ---- */

#define BOTH(text) text, text /* in dlt-s4, and in spc4 */

static const struct preempt {
	const char *registered;
	char holder; /* 0: nobody */
	unsigned held;
	char sharer, shared; /* one more, registered with another's key; 0: none */
	char caller, own_key, victim;
	unsigned type;
	enum pr_outcome outcome;
	const char *left_dlt_s4, *left_spc4, *told_dlt_s4, *told_spc4;
} preempts[] = {
	/* a wrong key of its own conflicts */
	{"AB", 'A', 3, 0, 0, 'B', 'X', 'A', 1, PR_OUTCOME_RESERVATION_CONFLICT,
	 BOTH("A B, A holds 3"), BOTH("")},
	/* taking over with another type tells those who stay */
	{"ABC", 'A', 5, 0, 0, 'B', 'B', 'A', 6, PR_OUTCOME_GOOD, BOTH("B C, B holds 6"),
	 "A:PREEMPTED C:RELEASED", "A:UNREGISTERED C:RELEASED"},
	/* ... with the same type only the victims */
	{"ABC", 'A', 5, 0, 0, 'B', 'B', 'A', 5, PR_OUTCOME_GOOD, BOTH("B C, B holds 5"),
	 "A:PREEMPTED", "A:UNREGISTERED"},
	/* ... takes all that share the holder's key */
	{"AB", 'A', 3, 'C', 'A', 'B', 'B', 'A', 3, PR_OUTCOME_GOOD, BOTH("B, B holds 3"),
	 "A:PREEMPTED C:PREEMPTED", "A:UNREGISTERED C:UNREGISTERED"},
	/* a holder preempts itself to change the type */
	{"AB", 'A', 1, 0, 0, 'A', 'A', 'A', 6, PR_OUTCOME_GOOD, BOTH("A B, A holds 6"),
	 BOTH("B:RELEASED")},
	/* ... and removes who shares its key */
	{"A", 'A', 5, 'B', 'A', 'A', 'A', 'A', 5, PR_OUTCOME_GOOD, BOTH("A, A holds 5"),
	 "B:PREEMPTED", "B:UNREGISTERED"},
	/* who shares the holder's key takes over and stays */
	{"A", 'A', 3, 'B', 'A', 'B', 'A', 'A', 1, PR_OUTCOME_GOOD, BOTH("B=A, B holds 1"),
	 "A:PREEMPTED", "A:UNREGISTERED"},
	/* one who holds nothing is removed, and type 0 is not looked at */
	{"ABC", 'A', 5, 0, 0, 'B', 'B', 'C', 0, PR_OUTCOME_GOOD, BOTH("A B, A holds 5"),
	 "C:PREEMPTED", "C:UNREGISTERED"},
	/* ... where nothing is reserved no reservation comes of it */
	{"AB", 0, 0, 0, 0, 'A', 'A', 'B', 3, PR_OUTCOME_GOOD, BOTH("A"), "B:PREEMPTED",
	 "B:UNREGISTERED"},
	/* whether one's own key removes oneself is the profile's choice */
	{"AB", 'A', 5, 0, 0, 'B', 'B', 'B', 5, PR_OUTCOME_GOOD, "A B, A holds 5", "A, A holds 5",
	 BOTH("")},
	/* ... who shares it goes in any case */
	{"AB", 'A', 5, 'C', 'B', 'B', 'B', 'B', 5, PR_OUTCOME_GOOD, "A B, A holds 5",
	 "A, A holds 5", "C:PREEMPTED", "C:UNREGISTERED"},
};
#define PREEMPTS ((int)(sizeof(preempts) / sizeof(preempts[0])))

START_TEST(preempt_leaves_and_tells_what_it_must)
{
	const struct preempt *p = &preempts[_i / LU_PROFILES];
	struct lu *lu = lu_open(lu_profile(_i % LU_PROFILES), p->registered, p->holder, p->held);

	if (p->sharer)
		given_registered_with(lu, p->sharer, lu_key(p->shared));
	preempt_with(lu, p->caller, lu_key(p->own_key), lu_key(p->victim), p->type);
	ck_assert_lu(lu, p->outcome, p->outcome == PR_OUTCOME_GOOD,
		     lost(lu, p->left_dlt_s4, p->left_spc4),
		     lost(lu, p->told_dlt_s4, p->told_spc4));
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

/* Of A, B and C, who are registered, A holds type 5; B sends it, with type 6. */
static const struct abort_case {
	char victim;
	enum pr_outcome outcome;
	bool aborts;
	const char *left;
	const char *told_dlt_s4, *told_spc4;
} aborts[] = {
	/* it takes over */
	{'A', PR_OUTCOME_GOOD, true, "B C, B holds 6", "A:PREEMPTED C:RELEASED",
	 "A:UNREGISTERED C:RELEASED"},
	/* it only removes */
	{'C', PR_OUTCOME_GOOD, true, "A B, A holds 5", "C:PREEMPTED", "C:UNREGISTERED"},
	/* it is refused */
	{'Z', PR_OUTCOME_RESERVATION_CONFLICT, false, "A B C, A holds 5", BOTH("")},
};
#define ABORTS ((int)(sizeof(aborts) / sizeof(aborts[0])))

START_TEST(preempt_and_abort_aborts_the_victims_when_it_is_good)
{
	const struct abort_case *c = &aborts[_i / LU_PROFILES];
	struct lu *lu = lu_open(lu_profile(_i % LU_PROFILES), "ABC", 'A', 5);

	preempt_and_abort(lu, 'B', lu_key(c->victim), 6);
	ck_assert_lu(lu, c->outcome, c->outcome == PR_OUTCOME_GOOD, c->left,
		     lost(lu, c->told_dlt_s4, c->told_spc4));
	ck_assert_int_eq(lu->plan.abort_victims, c->aborts);
	ck_assert(!lu->plan.abort_caller);
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
	tcase_add_loop_test(tcase, preempt_leaves_and_tells_what_it_must, 0,
			    PREEMPTS * LU_PROFILES);
	tcase_add_test(tcase, a_profile_may_check_the_type_where_nothing_is_reserved);
	tcase_add_test(tcase, a_profile_may_meet_key_0_with_a_conflict);
	tcase_add_test(tcase, a_profile_says_what_clear_tells);
	tcase_add_loop_test(tcase, preempt_of_a_stranger_conflicts, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_of_the_holder_takes_the_reservation, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, taking_over_checks_scope_and_type, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, removing_ignores_the_scope_too, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_of_an_unknown_key_conflicts, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_of_key_0_is_invalid, 0, LU_PROFILES);
	tcase_add_test(tcase, what_stays_needs_no_change_but_counts);
	tcase_add_loop_test(tcase, preempt_of_key_0_takes_it_from_all_registrants, 7, 9);
	tcase_add_loop_test(tcase, preempt_of_key_0_may_keep_the_type, 7, 9);
	tcase_add_test(tcase, preempt_of_key_0_checks_scope_and_type);
	tcase_add_loop_test(tcase, preempt_of_a_key_only_removes_among_all_registrants, 7, 9);
	tcase_add_loop_test(tcase, the_last_of_all_registrants_removes_itself_and_the_reservation,
			    7, 9);
	tcase_add_loop_test(tcase, a_single_holder_may_change_to_all_registrants, 7, 9);
	tcase_add_loop_test(tcase, plain_preempt_aborts_nothing, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_and_abort_aborts_the_victims_when_it_is_good, 0,
			    ABORTS * LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_and_abort_of_ones_own_key_aborts_ones_own_commands, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, preempt_and_abort_of_all_registrants_spares_the_caller, 7, 9);
	tcase_add_loop_test(tcase, preempt_must_persist_under_aptpl_and_leaves_it, 0, LU_PROFILES);
}

int main(void)
{
	return suite_run("plan_preempt", fill);
}
