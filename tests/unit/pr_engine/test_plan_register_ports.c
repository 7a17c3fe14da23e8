/* SPEC_I_PT and ALL_TG_PT: one request for many ports. */
#include "tests/support/suite.h"
#include "tests/unit/pr_engine/lu.h"

static const uint16_t ports[] = {1, 2, 3};

static struct pr_request all_ports_request(char caller, enum pr_out_action action, uint64_t key,
					   uint64_t service_action_key)
{
	struct pr_request request = lu_request(caller, action, key, service_action_key);

	request.all_tg_pt = true;
	request.target_ports = ports;
	request.target_port_count = 3;
	return request;
}

/* ---- SPEC_I_PT ---- */

static struct pr_request naming_request(char caller, uint64_t key, uint64_t service_action_key,
					const struct pr_nexus_id *named, uint32_t count)
{
	struct pr_request request = lu_request(caller, PR_OUT_REGISTER, key, service_action_key);

	request.spec_i_pt = true;
	request.named = named;
	request.named_count = count;
	return request;
}

START_TEST(spec_i_pt_registers_all_that_are_named)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "", 0, 0);
	struct pr_nexus_id named[] = {lu_nexus('B'), lu_nexus('C')};
	struct pr_request request = naming_request('A', 0, lu_key('X'), named, 2);

	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A=X B=X C=X", "");
	lu_free(&lu);
}
END_TEST

START_TEST(spec_i_pt_registers_none_when_one_is_registered)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "C", 0, 0);
	struct pr_nexus_id named[] = {lu_nexus('B'), lu_nexus('C')};
	struct pr_request request = naming_request('A', 0, lu_key('A'), named, 2);

	lu_send(lu, &request);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST, PR_FIELD_TRANSPORT_ID,
			     "C");
	lu_free(&lu);
}
END_TEST

START_TEST(spec_i_pt_names_count_once)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "", 0, 0);
	struct pr_nexus_id named[] = {lu_nexus('B'), lu_nexus('A'), lu_nexus('B')};
	struct pr_request request = naming_request('A', 0, lu_key('X'), named, 3);

	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A=X B=X", "");
	lu_free(&lu);
}
END_TEST

START_TEST(spec_i_pt_without_names_registers_the_caller)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "", 0, 0);
	struct pr_request request = naming_request('A', 0, lu_key('A'), NULL, 0);

	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A", "");
	lu_free(&lu);
}
END_TEST

START_TEST(spec_i_pt_takes_no_empty_name)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "", 0, 0);
	struct pr_nexus_id named[] = {lu_nexus('B'), {.relative_target_port_id = 1}};
	struct pr_request request = naming_request('A', 0, lu_key('A'), named, 2);

	lu_send(lu, &request);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST, PR_FIELD_TRANSPORT_ID,
			     "");
	lu_free(&lu);
}
END_TEST

START_TEST(spec_i_pt_needs_room_for_all)
{
	struct lu *lu = lu_open_with_capacity(&pr_profile_spc4, 2);
	struct pr_nexus_id named[] = {lu_nexus('B'), lu_nexus('C')};
	struct pr_request request = naming_request('A', 0, lu_key('X'), named, 2);

	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_INSUFFICIENT_REGISTRATION_RESOURCES, false, "", "");
	request.named_count = 1;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A=X B=X", "");
	lu_free(&lu);
}
END_TEST

START_TEST(spec_i_pt_is_not_for_the_registered)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "A", 0, 0);
	struct pr_nexus_id named[] = {lu_nexus('B')};
	struct pr_request request = naming_request('A', lu_key('A'), lu_key('X'), named, 1);

	lu_send(lu, &request);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST, PR_FIELD_SPEC_I_PT,
			     "A");
	request.service_action_key = 0;
	lu_send(lu, &request);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST, PR_FIELD_SPEC_I_PT,
			     "A");
	request.reservation_key = lu_key('Z');
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A", "");
	lu_free(&lu);
}
END_TEST

START_TEST(spec_i_pt_with_both_keys_0_changes_nothing)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "", 0, 0);
	struct pr_nexus_id named[] = {lu_nexus('B')};
	struct pr_request request = naming_request('A', 0, 0, named, 1);

	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, false, "", "");
	lu_free(&lu);
}
END_TEST

START_TEST(as_many_names_as_a_list_holds)
{
	enum {
		NAMES = 340
	};
	struct lu *lu = lu_open_with_capacity(&pr_profile_spc4, NAMES + 1);
	struct pr_nexus_id named[NAMES];
	struct pr_request request = naming_request('A', 0, lu_key('X'), named, NAMES);

	for (unsigned i = 0; i < NAMES; i++) {
		named[i] = lu_nexus_at('B', (uint8_t)i, 1);
		named[i].isid[0] = (uint8_t)(i >> 8);
	}
	lu_send(lu, &request);
	ck_assert_int_eq(lu->plan.outcome, PR_OUTCOME_GOOD);
	ck_assert_uint_eq(pr_state_count(lu->state), NAMES + 1);
	lu_free(&lu);
}
END_TEST

/* ---- ALL_TG_PT ---- */

START_TEST(all_tg_pt_registers_on_every_port)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "", 0, 0);
	struct pr_request request = all_ports_request('A', (enum pr_out_action)_i, 0, lu_key('A'));

	request.nexus = lu_nexus_at('A', 0, 2);
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A@2 A A@3", "");
	lu_free(&lu);
}
END_TEST

START_TEST(all_tg_pt_always_has_the_callers_port)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "", 0, 0);
	struct pr_request request = all_ports_request('A', PR_OUT_REGISTER, 0, lu_key('A'));

	request.target_port_count = 0;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A", "");
	lu_free(&lu);
}
END_TEST

START_TEST(all_tg_pt_with_spec_i_pt_registers_everyone_everywhere)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "", 0, 0);
	struct pr_nexus_id named[] = {lu_nexus('B')};
	struct pr_request request = all_ports_request('A', PR_OUT_REGISTER, 0, lu_key('X'));

	request.spec_i_pt = true;
	request.named = named;
	request.named_count = 1;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A=X A@2=X A@3=X B=X B@2=X B@3=X", "");
	lu_free(&lu);
}
END_TEST

START_TEST(all_tg_pt_with_spec_i_pt_meets_a_registered_name_on_another_port)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "", 0, 0);
	struct pr_nexus_id named[] = {lu_nexus('B')};
	struct pr_request other = lu_request('B', PR_OUT_REGISTER, 0, lu_key('B'));
	struct pr_request request = all_ports_request('A', PR_OUT_REGISTER, 0, lu_key('X'));

	other.nexus.relative_target_port_id = 3;
	lu_send(lu, &other);
	request.spec_i_pt = true;
	request.named = named;
	request.named_count = 1;
	lu_send(lu, &request);
	ck_assert_lu_refused(lu, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST, PR_FIELD_TRANSPORT_ID,
			     "B@3");
	lu_free(&lu);
}
END_TEST

/* A is registered on port 3 with key X, and B somewhere in between. */
static struct lu *open_with_another_port(void)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "", 0, 0);
	struct pr_request request = lu_request('A', PR_OUT_REGISTER, 0, lu_key('X'));

	request.nexus.relative_target_port_id = 3;
	ck_assert_int_eq(lu_send(lu, &request), PR_OUTCOME_GOOD);
	ck_assert_int_eq(lu_register(lu, 'B'), PR_OUTCOME_GOOD);
	return lu;
}

START_TEST(all_tg_pt_register_conflicts_with_an_unknown_key_on_another_port)
{
	struct lu *lu = open_with_another_port();
	struct pr_request request = all_ports_request('A', PR_OUT_REGISTER, 0, lu_key('A'));

	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A@3=X B", "");
	lu_free(&lu);
}
END_TEST

START_TEST(all_tg_pt_ignore_replaces_the_key_on_another_port)
{
	struct lu *lu = open_with_another_port();
	struct pr_request request =
		all_ports_request('A', PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY, 0, lu_key('A'));

	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A@3 B A A@2", "");
	lu_free(&lu);
}
END_TEST

START_TEST(all_tg_pt_register_re_keys_where_the_key_is_known_and_adds_the_rest)
{
	struct lu *lu = open_with_another_port();
	struct pr_request request = lu_request('A', PR_OUT_REGISTER, 0, lu_key('X'));

	ck_assert_int_eq(lu_send(lu, &request), PR_OUTCOME_GOOD);
	request = all_ports_request('A', PR_OUT_REGISTER, lu_key('X'), lu_key('Y'));
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A@3=Y B A=Y A@2=Y", "");
	lu_free(&lu);
}
END_TEST

START_TEST(all_tg_pt_unregisters_on_every_port)
{
	struct lu *lu = open_with_another_port();
	struct pr_request request = lu_request('A', PR_OUT_REGISTER, 0, lu_key('X'));

	ck_assert_int_eq(lu_send(lu, &request), PR_OUTCOME_GOOD);
	request = all_ports_request('A', PR_OUT_REGISTER, lu_key('X'), 0);
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "B", "");
	lu_free(&lu);
}
END_TEST

START_TEST(all_tg_pt_unregistering_releases_what_another_port_holds)
{
	struct lu *lu = open_with_another_port();
	struct pr_request request = lu_request('A', PR_OUT_RESERVE, lu_key('X'), 0);

	request.nexus.relative_target_port_id = 3;
	request.type = 6;
	ck_assert_int_eq(lu_send(lu, &request), PR_OUTCOME_GOOD);
	ck_assert_int_eq(lu_register(lu, 'A'), PR_OUTCOME_GOOD);
	request = all_ports_request('A', PR_OUT_REGISTER, lu_key('A'), 0);
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_RESERVATION_CONFLICT, false, "A@3=X B A, A holds 6", "");
	request.action = PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "B", "B:RELEASED");
	lu_free(&lu);
}
END_TEST

START_TEST(all_tg_pt_last_one_out_releases_for_all_registrants)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "", 0, 0);
	struct pr_request request = all_ports_request('A', PR_OUT_REGISTER, 0, lu_key('A'));

	ck_assert_int_eq(lu_send(lu, &request), PR_OUTCOME_GOOD);
	ck_assert_int_eq(lu_reserve(lu, 'A', 8), PR_OUTCOME_GOOD);
	request = all_ports_request('A', PR_OUT_REGISTER, lu_key('A'), 0);
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "", "");
	lu_free(&lu);
}
END_TEST

START_TEST(all_tg_pt_of_a_stranger_with_key_0_changes_nothing_anywhere)
{
	struct lu *lu = open_with_another_port();
	struct pr_request request = all_ports_request('A', (enum pr_out_action)_i, 0, 0);

	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, false, "A@3=X B", "");
	lu_free(&lu);
}
END_TEST

START_TEST(all_tg_pt_needs_room_for_all)
{
	struct lu *lu = lu_open_with_capacity(&pr_profile_spc4, 2);
	struct pr_request request = all_ports_request('A', PR_OUT_REGISTER, 0, lu_key('A'));

	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_INSUFFICIENT_REGISTRATION_RESOURCES, false, "", "");
	lu_free(&lu);
}
END_TEST

START_TEST(without_all_tg_pt_other_ports_are_left_alone)
{
	struct lu *lu = open_with_another_port();
	struct pr_request request = lu_request('A', PR_OUT_REGISTER, 0, lu_key('X'));

	request.target_ports = ports;
	request.target_port_count = 3;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A@3=X B A=X", "");
	request.reservation_key = lu_key('X');
	request.service_action_key = 0;
	lu_send(lu, &request);
	ck_assert_lu(lu, PR_OUTCOME_GOOD, true, "A@3=X B", "");
	lu_free(&lu);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, spec_i_pt_registers_all_that_are_named);
	tcase_add_test(tcase, spec_i_pt_registers_none_when_one_is_registered);
	tcase_add_test(tcase, spec_i_pt_names_count_once);
	tcase_add_test(tcase, spec_i_pt_without_names_registers_the_caller);
	tcase_add_test(tcase, spec_i_pt_takes_no_empty_name);
	tcase_add_test(tcase, spec_i_pt_needs_room_for_all);
	tcase_add_test(tcase, spec_i_pt_is_not_for_the_registered);
	tcase_add_test(tcase, spec_i_pt_with_both_keys_0_changes_nothing);
	tcase_add_test(tcase, as_many_names_as_a_list_holds);
	tcase_add_loop_test(tcase, all_tg_pt_registers_on_every_port, PR_OUT_REGISTER,
			    PR_OUT_REGISTER + 1);
	tcase_add_loop_test(tcase, all_tg_pt_registers_on_every_port,
			    PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY,
			    PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY + 1);
	tcase_add_test(tcase, all_tg_pt_always_has_the_callers_port);
	tcase_add_test(tcase, all_tg_pt_with_spec_i_pt_registers_everyone_everywhere);
	tcase_add_test(tcase, all_tg_pt_with_spec_i_pt_meets_a_registered_name_on_another_port);
	tcase_add_test(tcase, all_tg_pt_register_conflicts_with_an_unknown_key_on_another_port);
	tcase_add_test(tcase, all_tg_pt_ignore_replaces_the_key_on_another_port);
	tcase_add_test(tcase, all_tg_pt_register_re_keys_where_the_key_is_known_and_adds_the_rest);
	tcase_add_test(tcase, all_tg_pt_unregisters_on_every_port);
	tcase_add_test(tcase, all_tg_pt_unregistering_releases_what_another_port_holds);
	tcase_add_test(tcase, all_tg_pt_last_one_out_releases_for_all_registrants);
	tcase_add_loop_test(tcase, all_tg_pt_of_a_stranger_with_key_0_changes_nothing_anywhere,
			    PR_OUT_REGISTER, PR_OUT_REGISTER + 1);
	tcase_add_loop_test(tcase, all_tg_pt_of_a_stranger_with_key_0_changes_nothing_anywhere,
			    PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY,
			    PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY + 1);
	tcase_add_test(tcase, all_tg_pt_needs_room_for_all);
	tcase_add_test(tcase, without_all_tg_pt_other_ports_are_left_alone);
}

int main(void)
{
	return suite_run("plan_register_ports", fill);
}
