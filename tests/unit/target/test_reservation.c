/*
 * SPC-2 RESERVE and RELEASE: the sheet's section 5.
 */
#include "tests/support/suite.h"
#include "tests/support/target_fixture.h"

static struct fixture *f;
static struct scsi_nexus *a, *b, *c;

static void setup(void)
{
	f = fixture_create(NULL);
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
	c = fixture_login(f, 'c');
}

static void teardown(void)
{
	fixture_check(f);
	fixture_free(&f);
}

static const struct fixture_result *reserve(struct scsi_nexus *nexus)
{
	return FIXTURE_CDB(f, nexus, 0, 0x16, 0, 0, 0, 0, 0);
}

static const struct fixture_result *release(struct scsi_nexus *nexus)
{
	return FIXTURE_CDB(f, nexus, 0, 0x17, 0, 0, 0, 0, 0);
}

static bool is_reserved_by(const struct scsi_nexus *nexus)
{
	struct pr_nexus_id owner;

	return scsi_lun_spc2_owner(fixture_lun(f), &owner) &&
	       pr_nexus_id_equal(&owner, scsi_nexus_id(nexus));
}

static bool is_reserved(void)
{
	struct pr_nexus_id owner;

	return scsi_lun_spc2_owner(fixture_lun(f), &owner);
}

START_TEST(one_nexus_reserves_and_the_others_conflict)
{
	fixture_good(reserve(a));
	ck_assert(is_reserved_by(a));
	fixture_conflict(reserve(b));
	fixture_conflict(fixture_test_unit_ready(f, b));
	fixture_conflict(FIXTURE_CDB(f, b, 255, 0x1a, 0, 0x3f, 0, 255, 0));
	fixture_conflict(fixture_read(f, b, 0, 1));
	fixture_good(fixture_read(f, a, 0, 1));
	fixture_good(fixture_write(f, a, 0, 1, 1));
}
END_TEST

START_TEST(reserving_again_and_releasing_are_good)
{
	fixture_good(reserve(a));
	fixture_good(reserve(a));
	fixture_good(release(a));
	ck_assert(!is_reserved());
	fixture_good(fixture_read(f, b, 0, 1));
}
END_TEST

START_TEST(release_by_another_or_of_nothing_is_good_and_does_nothing)
{
	fixture_good(release(b));
	fixture_good(reserve(a));
	fixture_good(release(b));
	ck_assert(is_reserved_by(a));
}
END_TEST

START_TEST(the_10_byte_commands_do_the_same)
{
	fixture_good(FIXTURE_CDB(f, a, 0, 0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	ck_assert(is_reserved_by(a));
	fixture_conflict(FIXTURE_CDB(f, b, 0, 0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	fixture_good(FIXTURE_CDB(f, b, 0, 0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	ck_assert(is_reserved_by(a));
	fixture_good(FIXTURE_CDB(f, a, 0, 0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	ck_assert(!is_reserved());
}
END_TEST

START_TEST(third_parties_extents_and_long_ids_are_refused)
{
	fixture_field(FIXTURE_CDB(f, a, 0, 0x16, 0x10, 0, 0, 0, 0), 5, 0x24, 0, 0xcc, 0, 1);
	fixture_field(FIXTURE_CDB(f, a, 0, 0x16, 0x01, 0, 0, 0, 0), 5, 0x24, 0, 0xc8, 0, 1);
	fixture_sense(FIXTURE_CDB(f, a, 0, 0x17, 0x10, 0, 0, 0, 0), 5, 0x24, 0);
	fixture_field(FIXTURE_CDB(f, a, 0, 0x56, 0x02, 0, 0, 0, 0, 0, 0, 0, 0), 5, 0x24, 0, 0xc9, 0,
		      1);
	fixture_sense(FIXTURE_CDB(f, a, 0, 0x56, 0x10, 0, 0, 0, 0, 0, 0, 0, 0), 5, 0x24, 0);
	fixture_sense(FIXTURE_CDB(f, a, 0, 0x56, 0, 0, 3, 0, 0, 0, 0, 0, 0), 5, 0x24, 0);
	fixture_sense(FIXTURE_CDB(f, a, 0, 0x57, 0x02, 0, 0, 0, 0, 0, 0, 0, 0), 5, 0x24, 0);
	ck_assert(!is_reserved());
}
END_TEST

START_TEST(persistent_reserve_conflicts_with_it_for_everybody)
{
	fixture_good(reserve(a));
	for (unsigned action = 0; action < 8; action++) {
		if (action == PR_OUT_REGISTER_AND_MOVE)
			continue;
		fixture_conflict(fixture_pr_out(f, a, action, 1, 0, 0xa, 0));
		fixture_conflict(fixture_pr_out(f, b, action, 1, 0, 0xb, 0));
	}
	ck_assert_uint_eq(fixture_registrations(f), 0);
}
END_TEST

START_TEST(prevent_passes_it_only_to_allow)
{
	fixture_good(reserve(a));
	fixture_good(FIXTURE_CDB(f, b, 0, 0x1e, 0, 0, 0, 0, 0));
	fixture_conflict(FIXTURE_CDB(f, b, 0, 0x1e, 0, 0, 0, 1, 0));
}
END_TEST

START_TEST(registrations_alone_make_it_conflict_for_all)
{
	fixture_good(fixture_register(f, a, 0, 0xa));
	fixture_conflict(reserve(a));
	fixture_conflict(reserve(b));
	fixture_conflict(release(a));
}
END_TEST

START_TEST(the_holder_gets_good_without_effect)
{
	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	fixture_good(reserve(a));
	fixture_good(release(a));
	ck_assert(!is_reserved());
	fixture_conflict(reserve(b));
	fixture_conflict(fixture_read(f, b, 0, 1));
}
END_TEST

START_TEST(registrants_of_a_registrants_only_type_get_good_without_effect)
{
	fixture_hold(f, a, 0xa, PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY);
	fixture_good(fixture_register(f, b, 0, 0xb));
	fixture_good(reserve(b));
	fixture_good(release(b));
	fixture_conflict(reserve(c));
	fixture_conflict(release(c));
	ck_assert(!is_reserved());
}
END_TEST

START_TEST(it_ends_with_the_session)
{
	fixture_good(reserve(a));
	fixture_logout(f, a);
	ck_assert(!is_reserved());
	fixture_good(reserve(b));
	ck_assert(is_reserved_by(b));
}
END_TEST

START_TEST(while_a_registration_is_being_committed_nobody_reserves)
{
	struct fixture_task *out =
		fixture_start_pr_out(f, a, PR_OUT_REGISTER, 0, 0, 0xa, 0x01, false);

	ck_assert_int_eq(out->state, FIXTURE_RUNNING);
	struct fixture_task *reserve_6 = fixture_start(
		f, b, &(struct fixture_command){.cdb = (const uint8_t[6]){0x16}, .cdb_len = 6});
	ck_assert_uint_eq(fixture_result(reserve_6)->status, SCSI_STATUS_BUSY);
	fixture_settle(f);
	fixture_good(fixture_result(out));
	ck_assert(!is_reserved());
}
END_TEST

START_TEST(a_register_whose_data_come_after_a_reserve_conflicts)
{
	struct fixture_task *out =
		fixture_start_pr_out(f, a, PR_OUT_REGISTER, 0, 0, 0xa, 0x01, true);

	fixture_good(reserve(b));
	fixture_deliver(out);
	fixture_settle(f);
	fixture_conflict(fixture_result(out));
	ck_assert_uint_eq(fixture_registrations(f), 0);
	ck_assert(is_reserved_by(b));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, one_nexus_reserves_and_the_others_conflict);
	tcase_add_test(tcase, reserving_again_and_releasing_are_good);
	tcase_add_test(tcase, release_by_another_or_of_nothing_is_good_and_does_nothing);
	tcase_add_test(tcase, the_10_byte_commands_do_the_same);
	tcase_add_test(tcase, third_parties_extents_and_long_ids_are_refused);
	tcase_add_test(tcase, persistent_reserve_conflicts_with_it_for_everybody);
	tcase_add_test(tcase, prevent_passes_it_only_to_allow);
	tcase_add_test(tcase, registrations_alone_make_it_conflict_for_all);
	tcase_add_test(tcase, the_holder_gets_good_without_effect);
	tcase_add_test(tcase, registrants_of_a_registrants_only_type_get_good_without_effect);
	tcase_add_test(tcase, it_ends_with_the_session);
	tcase_add_test(tcase, while_a_registration_is_being_committed_nobody_reserves);
	tcase_add_test(tcase, a_register_whose_data_come_after_a_reserve_conflicts);
}

int main(void)
{
	return suite_run("target/reservation", fill);
}
