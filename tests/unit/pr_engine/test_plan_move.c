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

/* One REGISTER AND MOVE of A's, and what it leaves. */
static const struct move {
	const char *registered;
	char holder; /* 0: nobody */
	unsigned type;
	char to; /* initiator port, its ISID, and target port */
	uint8_t to_isid;
	uint16_t to_port;
	char new_key, own_key; /* own_key 0: the right one */
	bool unreg;
	enum pr_outcome outcome;
	const char *left;
} moves[] = {
	/* with UNREG the sender goes */
	{"AC", 'A', 6, 'B', 0, 1, 'B', 0, true, PR_OUTCOME_GOOD, "C B, B holds 6"},
	/* a registered destination gets the new key */
	{"AB", 'A', 3, 'B', 0, 1, 'X', 0, false, PR_OUTCOME_GOOD, "A B=X, B holds 3"},
	/* another target port */
	{"A", 'A', 3, 'B', 0, 2, 'B', 0, false, PR_OUTCOME_GOOD, "A B@2, B holds 3"},
	/* another ISID of the sender */
	{"A", 'A', 3, 'A', 7, 1, 'A', 0, false, PR_OUTCOME_GOOD, "A A/7, A holds 3"},
	/* the sender is not registered */
	{"", 0, 0, 'B', 0, 1, 'B', 0, false, PR_OUTCOME_RESERVATION_CONFLICT, ""},
	/* ... or with another key */
	{"A", 'A', 3, 'B', 0, 1, 'B', 'X', false, PR_OUTCOME_RESERVATION_CONFLICT, "A, A holds 3"},
	/* ... or does not hold; that comes before the new key, which is 0 here */
	{"AC", 'C', 5, 'B', 0, 1, 0, 0, false, PR_OUTCOME_RESERVATION_CONFLICT, "A C, C holds 5"},
};
#define MOVES ((int)(sizeof(moves) / sizeof(moves[0])))

START_TEST(a_move_leaves_what_it_must)
{
	const struct move *m = &moves[_i / LU_PROFILES];
	struct lu *lu = lu_open(lu_profile(_i % LU_PROFILES), m->registered, m->holder, m->type);
	struct pr_nexus_id to = lu_nexus_at(m->to, m->to_isid, m->to_port);
	struct pr_request request = move_request('A', &to, m->new_key ? lu_key(m->new_key) : 0);

	request.unreg = m->unreg;
	if (m->own_key)
		request.reservation_key = lu_key(m->own_key);
	lu_send(lu, &request);
	ck_assert_lu(lu, m->outcome, m->outcome == PR_OUTCOME_GOOD, m->left, "");
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
	tcase_add_loop_test(tcase, a_move_leaves_what_it_must, 0, MOVES * LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_to_a_registered_destination_keeps_its_registration, 0,
			    LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_sets_aptpl, 0, LU_PROFILES);
	tcase_add_loop_test(tcase, a_move_ignores_scope_type_and_the_flags_of_byte_20, 0,
			    LU_PROFILES);
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
