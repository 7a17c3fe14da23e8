#include "tests/support/suite.h"
#include "tests/unit/pr_engine/lu.h"

static const uint16_t ports[] = {1, 2};

/* To `destination`, which the request borrows. */
static struct pr_request move_request(char caller, const struct pr_nexus_id *destination,
				      uint64_t key)
{
	struct pr_request request =
		lu_request(caller, PR_OUT_REGISTER_AND_MOVE, lu_key(caller), key);

	request.named = destination;
	request.named_count = 1;
	request.target_ports = ports;
	request.target_port_count = 2;
	return request;
}

START_TEST(a_move_registers_the_destination_and_makes_it_holder)
{
	static const uint8_t types[] = {1, 3, 5, 6};
	static const char *const shown[] = {"A B, B holds 1", "A B, B holds 3", "A B, B holds 5",
					    "A B, B holds 6"};
	struct pr_nexus_id to = lu_nexus('B');
	struct pr_request request = move_request('A', &to, lu_key('B'));

	for (size_t i = 0; i < sizeof(types); i++) {
		struct lu *lu = lu_open(lu_profile(_i), "A", 'A', types[i]);
		lu_send(lu, &request);
		ck_assert_lu(lu, PR_OUTCOME_GOOD, true, shown[i], "");
		lu_free(&lu);
	}
}
END_TEST

START_TEST(a_move_with_unreg_removes_the_sender)
{
	struct lu *lu = lu_open(lu_profile(_i), "AC", 'A', 6);
	struct pr_nexus_id to = lu_nexus('B');
	struct pr_request request = move_request('A', &to, lu_key('B'));

	request.unreg = true;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "C B, B holds 6", "");
	lu_free(&lu);
}
END_TEST

START_TEST(a_move_replaces_the_key_of_a_registered_destination)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 3);
	struct pr_nexus_id to = lu_nexus('B');
	struct pr_request request = move_request('A', &to, lu_key('X'));

	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A B=X, B holds 3", "");
	lu_free(&lu);
}
END_TEST

START_TEST(a_move_to_a_registered_destination_keeps_its_registration)
{
	struct lu *lu = lu_open(lu_profile(_i), "AB", 'A', 3);
	struct pr_nexus_id to = lu_nexus('B');
	uint64_t id = pr_state_find(lu->state, &to)->id;
	struct pr_request request = move_request('A', &to, lu_key('B'));

	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A B, B holds 3", "");
	ck_assert_uint_eq(pr_state_find(lu->state, &to)->id, id);
	ck_assert_uint_eq(pr_state_reservation(lu->state).since.sequence, lu->time_ms);
	lu_free(&lu);
}
END_TEST

START_TEST(a_move_goes_to_another_target_port)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 3);
	struct pr_nexus_id to = lu_nexus_at('B', 0, 2);
	struct pr_request request = move_request('A', &to, lu_key('B'));

	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A B@2, B holds 3", "");
	lu_free(&lu);
}
END_TEST

START_TEST(a_move_goes_to_another_isid_of_the_sender)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 3);
	struct pr_nexus_id to = lu_nexus_at('A', 7, 1);
	struct pr_request request = move_request('A', &to, lu_key('A'));

	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A A/7, A holds 3", "");
	lu_free(&lu);
}
END_TEST

START_TEST(a_move_sets_aptpl)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 3);
	struct pr_nexus_id to = lu_nexus('B');
	struct pr_request request = move_request('A', &to, lu_key('B'));

	request.aptpl = true;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A B, B holds 3, aptpl", "");
	ck_assert(lu->plan.must_persist);
	to = lu_nexus('C');
	request = move_request('B', &to, lu_key('C'));
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A B C, C holds 3", "");
	ck_assert(lu->plan.must_persist);
	lu_free(&lu);
}
END_TEST

START_TEST(a_move_ignores_scope_type_and_the_flags_of_byte_20)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 3);
	struct pr_nexus_id to = lu_nexus('B');
	struct pr_request request = move_request('A', &to, lu_key('B'));

	request.scope = 3;
	request.type = 0xf;
	request.spec_i_pt = true;
	request.all_tg_pt = true;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A B, B holds 3", "");
	lu_free(&lu);
}
END_TEST

/* ---- the checks of 3.9 ---- */

START_TEST(a_move_of_a_stranger_conflicts)
{
	struct lu *lu = lu_open(lu_profile(_i), "", 0, 0);
	struct pr_nexus_id to = lu_nexus('B');
	struct pr_request request = move_request('A', &to, lu_key('B'));

	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "", "");
	lu_free(&lu);
}
END_TEST

START_TEST(a_move_with_a_wrong_key_conflicts)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 3);
	struct pr_nexus_id to = lu_nexus('B');
	struct pr_request request = move_request('A', &to, lu_key('B'));

	request.reservation_key = lu_key('X');
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A, A holds 3", "");
	lu_free(&lu);
}
END_TEST

START_TEST(a_move_of_what_another_holds_conflicts)
{
	struct lu *lu = lu_open(lu_profile(_i), "AC", 'C', 5);
	struct pr_nexus_id to = lu_nexus('B');
	struct pr_request request = move_request('A', &to, 0);

	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A C, C holds 5", "");
	lu_free(&lu);
}
END_TEST

START_TEST(a_move_of_what_all_registrants_hold_conflicts)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "A", 'A', (unsigned)_i);
	struct pr_nexus_id to = lu_nexus('B');
	struct pr_request request = move_request('A', &to, lu_key('B'));

	lu_send(lu, &request);
	ck_assert_int_eq(lu->plan.outcome, PR_OUTCOME_RESERVATION_CONFLICT);
	lu_free(&lu);
}
END_TEST

START_TEST(a_move_of_no_reservation_is_invalid)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 0, 0);
	struct pr_nexus_id to = lu_nexus('B');
	struct pr_request request = move_request('A', &to, 0);

	lu_send(lu, &request);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_CDB, PR_FIELD_SERVICE_ACTION, "A");
	lu_free(&lu);
}
END_TEST

START_TEST(a_move_with_key_0_is_invalid)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 3);
	struct pr_nexus_id to = {.initiator_name = ""};
	struct pr_request request = move_request('A', &to, 0);

	lu_send(lu, &request);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST,
			     PR_FIELD_SERVICE_ACTION_KEY, "A, A holds 3");
	lu_free(&lu);
}
END_TEST

START_TEST(a_move_to_an_unreadable_transport_id_is_invalid)
{
	struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 3);
	struct pr_nexus_id to = {.relative_target_port_id = 1};
	struct pr_request request = move_request('A', &to, lu_key('B'));

	lu_send(lu, &request);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST, PR_FIELD_TRANSPORT_ID,
			     "A, A holds 3");
	request.named_count = 0;
	lu_send(lu, &request);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST, PR_FIELD_TRANSPORT_ID,
			     "A, A holds 3");
	lu_free(&lu);
}
END_TEST

START_TEST(a_move_to_an_unknown_target_port_is_invalid)
{
	static const uint16_t unknown[] = {0, 3, 0xffff};

	for (size_t i = 0; i < 3; i++) {
		struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 3);
		struct pr_nexus_id to = lu_nexus_at('B', 0, unknown[i]);
		struct pr_request request = move_request('A', &to, lu_key('B'));
		lu_send(lu, &request);
		ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST,
				     PR_FIELD_RELATIVE_TARGET_PORT_ID, "A, A holds 3");
		lu_free(&lu);
	}
}
END_TEST

START_TEST(a_move_to_oneself_is_invalid_on_any_target_port)
{
	for (uint16_t port = 1; port <= 2; port++) {
		struct lu *lu = lu_open(lu_profile(_i), "A", 'A', 3);
		struct pr_nexus_id to = lu_nexus_at('A', 0, port);
		struct pr_request request = move_request('A', &to, lu_key('B'));
		lu_send(lu, &request);
		ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST,
				     PR_FIELD_TRANSPORT_ID, "A, A holds 3");
		lu_free(&lu);
	}
}
END_TEST

START_TEST(a_move_needs_room_for_a_new_destination)
{
	struct lu *lu = lu_open_with_capacity(lu_profile(_i), 2);
	struct pr_nexus_id to = lu_nexus('C');
	struct pr_request request = move_request('A', &to, lu_key('C'));

	lu_register(lu, 'A');
	lu_register(lu, 'B');
	ck_assert_int_eq(lu_reserve(lu, 'A', 3), PR_OUTCOME_GOOD);
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_INSUFFICIENT_REGISTRATION_RESOURCES, false, "A B, A holds 3",
		     "");
	/* Also when the sender makes room: both are registered for a moment. */
	request.unreg = true;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_INSUFFICIENT_REGISTRATION_RESOURCES, false, "A B, A holds 3",
		     "");
	to = lu_nexus('B');
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "B=C, B holds 3", "");
	lu_free(&lu);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, a_move_registers_the_destination_and_makes_it_holder, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_with_unreg_removes_the_sender, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_replaces_the_key_of_a_registered_destination, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_to_a_registered_destination_keeps_its_registration, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_goes_to_another_target_port, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_goes_to_another_isid_of_the_sender, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_sets_aptpl, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_ignores_scope_type_and_the_flags_of_byte_20, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_of_a_stranger_conflicts, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_with_a_wrong_key_conflicts, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_of_what_another_holds_conflicts, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_of_what_all_registrants_hold_conflicts, 7, 9);
	tcase_add_loop_test(tcase, a_move_of_no_reservation_is_invalid, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_with_key_0_is_invalid, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_to_an_unreadable_transport_id_is_invalid, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_to_an_unknown_target_port_is_invalid, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_to_oneself_is_invalid_on_any_target_port, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_needs_room_for_a_new_destination, 0, LU_PROFILES);
}

int main(void)
{
	return suite_run("plan_move", fill);
}
