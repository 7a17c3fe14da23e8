/*
 * What explain says, and what the target then does: every type, every standing, every way to be a
 * holder or not, reading and writing.
 */
#include "target/explain.h"

#include <string.h>

#include "target/command.h"
#include "tests/support/suite.h"
#include "tests/support/target_fixture.h"

static const enum pr_type types[] = {
	PR_TYPE_NONE,
	PR_TYPE_WRITE_EXCLUSIVE,
	PR_TYPE_EXCLUSIVE_ACCESS,
	PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY,
	PR_TYPE_EXCLUSIVE_ACCESS_REGISTRANTS_ONLY,
	PR_TYPE_WRITE_EXCLUSIVE_ALL_REGISTRANTS,
	PR_TYPE_EXCLUSIVE_ACCESS_ALL_REGISTRANTS,
};
#define TYPES (sizeof(types) / sizeof(types[0]))

static struct scsi_explanation explain(struct fixture *f, const struct pr_nexus_id *id)
{
	struct scsi_explanation explanation;

	scsi_lun_explain(fixture_lun(f), id, &explanation);
	return explanation;
}

static struct fixture *fixture_of(const struct fixture_config *config)
{
	struct fixture_config spc4 = config ? *config : (struct fixture_config){.luns = 1};

	spc4.profile = &pr_profile_spc4;
	return fixture_create(&spc4);
}

/* What it says is what happens. */
static void agrees(struct fixture *f, struct scsi_nexus *nexus)
{
	fixture_drain_unit_attentions(f, nexus);
	struct scsi_explanation e = explain(f, scsi_nexus_id(nexus));
	ck_assert(e.logged_in);
	bool reads = fixture_read(f, nexus, 0, 1)->status == SCSI_STATUS_GOOD;
	ck_assert_int_eq(e.read.obstacle == SCSI_OBSTACLE_NONE, reads);
	bool writes = fixture_write(f, nexus, 0, 1, 0x55)->status == SCSI_STATUS_GOOD;
	ck_assert_int_eq(e.write.obstacle == SCSI_OBSTACLE_NONE, writes);
	ck_assert_ptr_nonnull(e.read.rule);
	ck_assert_ptr_nonnull(e.write.rule);
}

START_TEST(it_agrees_with_the_target_for_every_type_and_standing)
{
	for (size_t i = 0; i < TYPES; i++) {
		struct fixture *f = fixture_of(NULL);
		struct scsi_nexus *holder = fixture_login(f, 'a'),
				  *registrant = fixture_login(f, 'b'),
				  *stranger = fixture_login(f, 'c');

		fixture_good(fixture_register(f, registrant, 0, 0xb));
		fixture_good(fixture_register(f, holder, 0, 0xa));
		if (types[i] != PR_TYPE_NONE)
			fixture_good(fixture_pr_out(f, holder, PR_OUT_RESERVE, (uint8_t)types[i],
						    0xa, 0, 0));
		agrees(f, holder);
		agrees(f, registrant);
		agrees(f, stranger);
		struct scsi_explanation e = explain(f, scsi_nexus_id(stranger));
		ck_assert_int_eq(e.reservation.type, types[i]);
		ck_assert(!e.registered);
		fixture_free(&f);
	}
}
END_TEST

START_TEST(it_agrees_while_an_spc_2_reservation_is_held)
{
	struct fixture *f = fixture_of(NULL);
	struct scsi_nexus *a = fixture_login(f, 'a'), *b = fixture_login(f, 'b');

	fixture_good(FIXTURE_CDB(f, a, 0, 0x16, 0, 0, 0, 0, 0));
	agrees(f, a);
	agrees(f, b);
	struct scsi_explanation e = explain(f, scsi_nexus_id(b));
	ck_assert_int_eq(e.write.conflict, PR_CONFLICT_SPC2_OWNER);
	ck_assert(e.has_spc2_owner);
	ck_assert_str_eq(e.spc2_owner.initiator_name, scsi_nexus_id(a)->initiator_name);
	fixture_free(&f);
}
END_TEST

START_TEST(it_agrees_when_the_medium_stands_in_the_way)
{
	struct fixture *f = fixture_of(&(struct fixture_config){.read_only = true});
	struct scsi_nexus *a = fixture_login(f, 'a');

	agrees(f, a);
	ck_assert_int_eq(explain(f, scsi_nexus_id(a)).write.obstacle,
			 SCSI_OBSTACLE_WRITE_PROTECTED);
	fixture_good(FIXTURE_CDB(f, a, 0, 0x1b, 0, 0, 0, 0, 0));
	ck_assert_int_eq(explain(f, scsi_nexus_id(a)).read.obstacle, SCSI_OBSTACLE_NOT_READY);
	fixture_free(&f);
}
END_TEST

START_TEST(it_agrees_through_a_port_that_is_not_active)
{
	struct fixture *f = fixture_of(NULL);
	struct scsi_nexus *a = fixture_login(f, 'a');

	ck_assert(scsi_lun_set_access_state(fixture_lun(f), 1, SCSI_ACCESS_STANDBY));
	agrees(f, a);
	ck_assert_int_eq(explain(f, scsi_nexus_id(a)).read.obstacle, SCSI_OBSTACLE_ACCESS_STATE);
	fixture_free(&f);
}
END_TEST

START_TEST(who_is_registered_and_not_logged_in_is_explained_too)
{
	struct fixture *f = fixture_of(NULL);
	struct scsi_nexus *a = fixture_login(f, 'a');
	struct pr_nexus_id id = *scsi_nexus_id(a);

	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	fixture_logout(f, a);
	struct scsi_explanation e = explain(f, &id);
	ck_assert(!e.logged_in && e.registered);
	ck_assert_uint_eq(e.key, 0xa);
	ck_assert_int_eq(e.standing, PR_STANDING_HOLDER);
	ck_assert_int_eq(e.write.obstacle, SCSI_OBSTACLE_NONE);
	struct pr_nexus_id stranger = fixture_nexus_id('z', 1);
	e = explain(f, &stranger);
	ck_assert(!e.logged_in && !e.registered && e.has_holder);
	ck_assert_uint_eq(e.holder_key, 0xa);
	ck_assert_int_eq(e.read.conflict, PR_CONFLICT_ACCESS);
	fixture_free(&f);
}
END_TEST

START_TEST(a_unit_attention_that_comes_first_is_told)
{
	struct fixture *f = fixture_of(NULL);
	struct scsi_nexus *a = fixture_login(f, 'a'), *b = fixture_login(f, 'b');

	fixture_good(fixture_register(f, a, 0, 0xa));
	fixture_good(fixture_register(f, b, 0, 0xb));
	fixture_good(fixture_pr_out(f, a, PR_OUT_CLEAR, 0, 0xa, 0, 0));
	struct scsi_explanation e = explain(f, scsi_nexus_id(b));
	ck_assert_uint_eq(e.attentions, 1);
	ck_assert_uint_eq(e.attention[0], 0x2a);
	fixture_free(&f);
}
END_TEST

struct names {
	char who[8];
	unsigned count;
};

static void note(void *context, const struct pr_nexus_id *id)
{
	struct names *names = context;

	ck_assert_uint_lt(names->count, sizeof(names->who));
	names->who[names->count++] = id->initiator_name[strlen(id->initiator_name) - 1];
}

START_TEST(each_nexus_comes_once_whether_logged_in_or_registered)
{
	struct fixture *f = fixture_of(NULL);
	struct scsi_nexus *a = fixture_login(f, 'a'), *b = fixture_login(f, 'b');
	struct names names = {.count = 0};

	fixture_good(fixture_register(f, a, 0, 0xa));
	fixture_good(fixture_register(f, b, 0, 0xb));
	fixture_logout(f, b);
	fixture_login(f, 'c');
	scsi_lun_each_nexus(fixture_lun(f), note, &names);
	ck_assert_uint_eq(names.count, 3);
	ck_assert(memchr(names.who, 'a', 3) && memchr(names.who, 'b', 3) &&
		  memchr(names.who, 'c', 3));
	fixture_free(&f);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, it_agrees_with_the_target_for_every_type_and_standing);
	tcase_add_test(tcase, it_agrees_while_an_spc_2_reservation_is_held);
	tcase_add_test(tcase, it_agrees_when_the_medium_stands_in_the_way);
	tcase_add_test(tcase, it_agrees_through_a_port_that_is_not_active);
	tcase_add_test(tcase, who_is_registered_and_not_logged_in_is_explained_too);
	tcase_add_test(tcase, a_unit_attention_that_comes_first_is_told);
	tcase_add_test(tcase, each_nexus_comes_once_whether_logged_in_or_registered);
}

int main(void)
{
	return suite_run("explain", fill);
}
