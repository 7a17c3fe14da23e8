#include "tests/support/suite.h"
#include "tests/unit/pr_engine/lu.h"

static enum pr_outcome send_register(struct lu *lu, char caller, uint64_t key,
				     uint64_t service_action_key)
{
	struct pr_request request = lu_request(caller, PR_OUT_REGISTER, key, service_action_key);

	return lu_send(lu, &request);
}

static enum pr_outcome send_ignore(struct lu *lu, char caller, uint64_t key,
				   uint64_t service_action_key)
{
	struct pr_request request = lu_request(caller, PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY, key,
					       service_action_key);

	return lu_send(lu, &request);
}

/* ---- REGISTER: the rows of 3.2 ---- */

START_TEST(register_of_a_stranger_with_a_key_conflicts)
{
	struct lu *lu = lu_open(lu_profile(_i), "", 0, 0);

	send_register(lu, 'A', lu_key('A'), lu_key('A'));
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "", "");
	send_register(lu, 'A', lu_key('A'), 0);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "", "");
	lu_free(&lu);
}
END_TEST

START_TEST(register_of_a_stranger_with_both_keys_0_changes_nothing)
{
	struct lu *lu = lu_open(lu_profile(_i), "B", 0, 0);
	struct pr_request request = lu_request('A', PR_OUT_REGISTER, 0, 0);

	request.aptpl = true;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, false, "B", "");
	ck_assert_uint_eq(lu->plan.changes_len, 0);
	lu_free(&lu);
}
END_TEST

START_TEST(register_of_a_stranger_registers)
{
	struct lu *lu = lu_open(lu_profile(_i), "", 0, 0);

	send_register(lu, 'A', 0, lu_key('A'));
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A", "");
	lu_free(&lu);
}
END_TEST

START_TEST(register_tells_when_it_was)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);
	struct pr_nexus_id nexus = lu_nexus('A');

	ck_assert_uint_eq(pr_state_find(lu->state, &nexus)->since.time_ms, lu->time_ms);
	ck_assert_uint_eq(pr_state_find(lu->state, &nexus)->since.sequence, lu->time_ms);
	lu_free(&lu);
}
END_TEST

START_TEST(register_with_a_wrong_key_conflicts)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);

	send_register(lu, 'A', lu_key('X'), lu_key('Y'));
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A", "");
	send_register(lu, 'A', 0, lu_key('Y'));
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A", "");
	send_register(lu, 'A', lu_key('X'), 0);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A", "");
	lu_free(&lu);
}
END_TEST

START_TEST(register_replaces_the_key_and_keeps_the_reservation)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 6);

	send_register(lu, 'A', lu_key('A'), lu_key('X'));
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A=X B, A holds 6", "");
	lu_free(&lu);
}
END_TEST

START_TEST(register_with_the_same_key_bumps_the_generation_and_needs_no_change)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);

	send_register(lu, 'A', lu_key('A'), lu_key('A'));
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A", "");
	ck_assert_uint_eq(lu->plan.changes_len, 0);
	lu_free(&lu);
}
END_TEST

START_TEST(re_keying_keeps_id_and_since)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);
	struct pr_nexus_id nexus = lu_nexus('A');
	struct pr_registration before = *pr_state_find(lu->state, &nexus);

	send_register(lu, 'A', lu_key('A'), lu_key('X'));
	ck_assert_uint_eq(pr_state_find(lu->state, &nexus)->id, before.id);
	ck_assert_uint_eq(pr_state_find(lu->state, &nexus)->since.sequence, before.since.sequence);
	lu_free(&lu);
}
END_TEST

START_TEST(register_passes_any_reservation_of_another)
{
	static const uint8_t types[] = {1, 3, 5, 6};

	for (size_t i = 0; i < sizeof(types); i++) {
		struct lu *lu = lu_open(lu_profile(_i), "B", 'B', types[i]);
		send_register(lu, 'A', 0, lu_key('A'));
		ck_assert_int_eq(lu->plan.outcome, PR_OUTCOME_GOOD);
		send_ignore(lu, 'C', lu_key('Z'), lu_key('C'));
		ck_assert_int_eq(lu->plan.outcome, PR_OUTCOME_GOOD);
		ck_assert_int_eq(pr_state_reservation(lu->state).type, types[i]);
		ck_assert_uint_eq(pr_state_count(lu->state), 3);
		lu_free(&lu);
	}
}
END_TEST

START_TEST(several_nexuses_may_register_one_key)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);

	send_register(lu, 'B', 0, lu_key('A'));
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A B=A", "");
	lu_free(&lu);
}
END_TEST

START_TEST(one_name_with_two_isids_is_two_nexuses)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);
	struct pr_request request = lu_request('A', PR_OUT_REGISTER, 0, lu_key('X'));

	request.nexus = lu_nexus_at('A', 7, 1);
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A A/7=X", "");
	lu_free(&lu);
}
END_TEST

START_TEST(register_ignores_scope_and_type)
{
	struct lu *lu = lu_open(lu_profile(_i), "", 0, 0);
	struct pr_request request = lu_request('A', PR_OUT_REGISTER, 0, lu_key('A'));

	request.scope = 0xf;
	request.type = 8;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A", "");
	lu_free(&lu);
}
END_TEST

/* ---- APTPL ---- */

START_TEST(aptpl_is_what_the_latest_register_says)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);
	struct pr_request request = lu_request('B', PR_OUT_REGISTER, 0, lu_key('B'));

	request.aptpl = true;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A B, aptpl", "");
	ck_assert(lu->plan.must_persist);
	send_ignore(lu, 'A', 0, lu_key('A'));
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A B", "");
	/* That it ended must be durable too, or stale keys would come back. */
	ck_assert(lu->plan.must_persist);
	send_ignore(lu, 'A', 0, lu_key('X'));
	ck_assert(!lu->plan.must_persist);
	lu_free(&lu);
}
END_TEST

START_TEST(unregistering_sets_aptpl_as_well)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 0, 0);
	struct pr_request request = lu_request('A', PR_OUT_REGISTER, lu_key('A'), 0);

	request.aptpl = true;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "B, aptpl", "");
	send_register(lu, 'B', lu_key('B'), 0);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "", "");
	ck_assert(lu->plan.must_persist);
	lu_free(&lu);
}
END_TEST

START_TEST(aptpl_alone_is_a_change)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);
	struct pr_request request = lu_request('A', PR_OUT_REGISTER, lu_key('A'), lu_key('A'));

	request.aptpl = true;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A, aptpl", "");
	ck_assert(lu->plan.must_persist);
	lu_free(&lu);
}
END_TEST

START_TEST(doing_nothing_leaves_aptpl_set)
{
	struct lu *lu = lu_open(lu_profile(_i), "", 0, 0);
	struct pr_request request = lu_request('A', PR_OUT_REGISTER, 0, lu_key('A'));

	request.aptpl = true;
	lu_send(lu, &request);
	send_register(lu, 'B', 0, 0);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, false, "A, aptpl", "");
	send_ignore(lu, 'B', 0, 0);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, false, "A, aptpl", "");
	ck_assert(!lu->plan.must_persist);
	lu_free(&lu);
}
END_TEST

/* ---- REGISTER AND IGNORE EXISTING KEY: the rows of 3.3 ---- */

START_TEST(ignore_registers_a_stranger_whatever_the_key)
{
	struct lu *lu = lu_open(lu_profile(_i), "", 0, 0);

	send_ignore(lu, 'A', lu_key('Z'), lu_key('A'));
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A", "");
	lu_free(&lu);
}
END_TEST

START_TEST(ignore_of_a_stranger_with_key_0_changes_nothing)
{
	struct lu *lu = lu_open(lu_profile(_i), "", 0, 0);

	send_ignore(lu, 'A', lu_key('Z'), 0);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, false, "", "");
	ck_assert_uint_eq(lu->plan.changes_len, 0);
	lu_free(&lu);
}
END_TEST

START_TEST(ignore_replaces_the_key)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);

	send_ignore(lu, 'A', lu_key('Z'), lu_key('X'));
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A=X", "");
	lu_free(&lu);
}
END_TEST

START_TEST(ignore_with_key_0_unregisters)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 5);

	send_ignore(lu, 'A', lu_key('Z'), 0);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "B", "B:RELEASED");
	lu_free(&lu);
}
END_TEST

/* ---- unregistering: the rows of 3.10 ---- */

START_TEST(a_non_holder_leaves_the_reservation_alone)
{
	static const uint8_t types[] = {1, 3, 5, 6};

	for (size_t i = 0; i < sizeof(types); i++) {
		struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', types[i]);
		lu_unregister(lu, 'B');
		ck_assert_int_eq(lu->plan.outcome, PR_OUTCOME_GOOD);
		ck_assert(lu->plan.bumps_generation);
		ck_assert_str_eq(lu->unit_attentions, "");
		ck_assert_int_eq(pr_state_reservation(lu->state).type, types[i]);
		lu_free(&lu);
	}
}
END_TEST

START_TEST(a_holder_of_its_own_type_releases_silently)
{
	static const uint8_t types[] = {1, 3};

	for (size_t i = 0; i < sizeof(types); i++) {
		struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', types[i]);
		lu_unregister(lu, 'A');
		ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "B", "");
		lu_free(&lu);
	}
}
END_TEST

START_TEST(a_holder_for_registrants_releases_and_tells_them)
{
	static const uint8_t types[] = {5, 6};

	for (size_t i = 0; i < sizeof(types); i++) {
		struct lu *lu = lu_open(lu_profile(_i), "ABC", 'A', types[i]);
		lu_unregister(lu, 'A');
		ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "B C", "B:RELEASED C:RELEASED");
		lu_free(&lu);
	}
}
END_TEST

START_TEST(all_registrants_hold_until_the_last_one_goes)
{
	/* _i is the type */
	struct lu *lu = lu_open(&pr_profile_spc4, "AB", 'A', (unsigned)_i);

	lu_unregister(lu, 'A');
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, _i == 7 ? "B, all hold 7" : "B, all hold 8", "");
	lu_unregister(lu, 'B');
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "", "");
	ck_assert_int_eq(pr_state_reservation(lu->state).type, PR_TYPE_NONE);
	lu_free(&lu);
}
END_TEST

START_TEST(who_registers_later_holds_with_all_others)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "A", 'A', (unsigned)_i);
	struct pr_nexus_id nexus = lu_nexus('B');

	ck_assert_int_eq(lu_register(lu, 'B'), PR_OUTCOME_GOOD);
	ck_assert_int_eq(pr_state_standing(lu->state, &nexus), PR_STANDING_HOLDER);
	lu_free(&lu);
}
END_TEST

/* ---- room ---- */

START_TEST(one_registration_too_many_changes_nothing)
{
	struct lu *lu = lu_open_with_capacity(lu_profile(_i), 2);

	lu_register(lu, 'A');
	lu_register(lu, 'B');
	lu_register(lu, 'C');
	ck_assert_lu(lu, PR_OUTCOME_INSUFFICIENT_REGISTRATION_RESOURCES, false, "A B", "");
	send_ignore(lu, 'C', 0, lu_key('C'));
	ck_assert_lu(lu, PR_OUTCOME_INSUFFICIENT_REGISTRATION_RESOURCES, false, "A B", "");
	/* Who is registered needs no room. */
	send_ignore(lu, 'B', 0, lu_key('X'));
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A B=X", "");
	lu_free(&lu);
}
END_TEST

START_TEST(without_ids_left_there_is_no_room)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);
	struct pr_change change = {.op = PR_CHANGE_NEXT_ID, .registration_id = UINT64_MAX - 1};

	ck_assert(pr_state_apply(lu->state, &change));
	lu_register(lu, 'B');
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A B", "");
	lu_register(lu, 'C');
	ck_assert_lu(lu, PR_OUTCOME_INSUFFICIENT_REGISTRATION_RESOURCES, false, "A B", "");
	lu_free(&lu);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, register_of_a_stranger_with_a_key_conflicts, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, register_of_a_stranger_with_both_keys_0_changes_nothing, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, register_of_a_stranger_registers, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, register_tells_when_it_was, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, register_with_a_wrong_key_conflicts, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, register_replaces_the_key_and_keeps_the_reservation, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase,
			    register_with_the_same_key_bumps_the_generation_and_needs_no_change, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, re_keying_keeps_id_and_since, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, register_passes_any_reservation_of_another, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, several_nexuses_may_register_one_key, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, one_name_with_two_isids_is_two_nexuses, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, register_ignores_scope_and_type, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, aptpl_is_what_the_latest_register_says, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, unregistering_sets_aptpl_as_well, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, aptpl_alone_is_a_change, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, doing_nothing_leaves_aptpl_set, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, ignore_registers_a_stranger_whatever_the_key, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, ignore_of_a_stranger_with_key_0_changes_nothing, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, ignore_replaces_the_key, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, ignore_with_key_0_unregisters, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_non_holder_leaves_the_reservation_alone, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_holder_of_its_own_type_releases_silently, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_holder_for_registrants_releases_and_tells_them, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, all_registrants_hold_until_the_last_one_goes, 7, 9);
	tcase_add_loop_test(tcase, who_registers_later_holds_with_all_others, 7, 9);
	tcase_add_loop_test(tcase, one_registration_too_many_changes_nothing, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, without_ids_left_there_is_no_room, 0, LU_PROFILES);
}

int main(void)
{
	return suite_run("plan_register", fill);
}
