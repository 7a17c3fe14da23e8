/*
 * LUN masking: a LUN that a nexus must not see is not there for it.
 */
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "tests/support/target_fixture.h"

static struct fixture *f;
static struct scsi_nexus *masked; /* sees LUN 1 alone, of 0 and 1 */
static enum scsi_tmf_response response;

static void setup(void)
{
	struct pr_nexus_id id = fixture_nexus_id('m', 1);
	struct scsi_lun_mask mask = {{0}};

	f = fixture_create(&(struct fixture_config){.luns = 2});
	scsi_lun_mask_add(&mask, 1);
	scsi_lun_mask_add(&mask, 2);
	scsi_lun_mask_add(&mask, SCSI_LUN_MAX + 1); /* is no LUN number: nothing happens */
	masked = scsi_nexus_open_masked(f->target, &id, &mask);
	ck_assert_ptr_nonnull(masked);
}

static void teardown(void)
{
	fixture_free(&f);
}

static void managed(struct scsi_tmf *tmf)
{
	response = tmf->response;
}

static void manage(struct scsi_nexus *nexus, enum scsi_tmf_function function, uint8_t lun)
{
	struct scsi_tmf tmf = {
		.nexus = nexus, .function = function, .lun_bytes = {0, lun}, .complete = managed};

	response = SCSI_TMF_REJECTED;
	target_manage(&tmf);
	fixture_settle(f);
}

START_TEST(report_luns_names_only_what_the_nexus_may_see)
{
	const struct fixture_result *result =
		FIXTURE_CDB(f, masked, 256, 0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 16);
	ck_assert_uint_eq(get_be32(result->data), 8);
	ck_assert_uint_eq(result->data[9], 1);
}
END_TEST

START_TEST(a_masked_lun_answers_as_one_that_does_not_exist)
{
	f->lun = 0;
	fixture_sense(fixture_test_unit_ready(f, masked), 5, 0x25, 0);
	fixture_sense(fixture_read(f, masked, 0, 1), 5, 0x25, 0);
	const struct fixture_result *inquiry = FIXTURE_CDB(f, masked, 36, 0x12, 0, 0, 0, 36, 0);
	fixture_good(inquiry);
	ck_assert_uint_eq(inquiry->data[0], 0x7f);
	f->lun = 1;
	fixture_drain_unit_attentions(f, masked);
	fixture_good(fixture_write(f, masked, 0, 1, 0x11));
}
END_TEST

START_TEST(task_management_does_not_reach_a_masked_lun)
{
	struct scsi_nexus *other = fixture_login(f, 'o');

	f->lun = 0;
	fixture_drain_unit_attentions(f, other);
	manage(masked, SCSI_TMF_LOGICAL_UNIT_RESET, 0);
	ck_assert_int_eq(response, SCSI_TMF_NO_LUN);
	manage(masked, SCSI_TMF_TARGET_WARM_RESET, 0);
	ck_assert_int_eq(response, SCSI_TMF_COMPLETE);
	fixture_good(fixture_test_unit_ready(f, other));
	f->lun = 1;
	fixture_sense(fixture_test_unit_ready(f, other), 6, 0x29, 0x02);
}
END_TEST

START_TEST(a_nexus_reset_by_a_masked_nexus_is_complete)
{
	manage(masked, SCSI_TMF_I_T_NEXUS_RESET, 0);
	ck_assert_int_eq(response, SCSI_TMF_COMPLETE);
}
END_TEST

START_TEST(a_lun_that_is_added_later_obeys_the_mask)
{
	static const struct {
		uint16_t number;
		bool seen;
	} added[] = {{2, true}, {3, false}};

	for (size_t i = 0; i < 2; i++) {
		struct scsi_lun_config config;
		scsi_lun_config_init(&config);
		config.number = added[i].number;
		ck_assert_int_eq(backing_memory_open(1 << 20, &config.backing), 0);
		ck_assert_int_eq(scsi_target_add_lun(f->target, &config, NULL), 0);
		ck_assert(!scsi_nexus_lun(masked, added[i].number) == !added[i].seen);
	}
	ck_assert_ptr_null(scsi_nexus_lun(masked, 0));
	ck_assert_ptr_null(scsi_nexus_lun(masked, SCSI_LUN_MAX + 1));
}
END_TEST

START_TEST(only_who_may_see_a_lun_hears_that_it_came_or_went)
{
	struct scsi_nexus *other = fixture_login(f, 'o');

	f->lun = 1;
	fixture_drain_unit_attentions(f, other);
	fixture_drain_unit_attentions(f, masked);
	for (uint16_t number = 2; number <= 3; number++) {
		struct scsi_lun_config config;
		scsi_lun_config_init(&config);
		config.number = number;
		ck_assert_int_eq(backing_memory_open(1 << 20, &config.backing), 0);
		ck_assert_int_eq(scsi_target_add_lun(f->target, &config, NULL), 0);
		fixture_sense(fixture_test_unit_ready(f, other), 6, 0x3f, 0x0e);
		if (number == 2)
			fixture_sense(fixture_test_unit_ready(f, masked), 6, 0x3f, 0x0e);
		fixture_good(fixture_test_unit_ready(f, masked));
	}
	ck_assert_int_eq(scsi_target_remove_lun(f->target, 3, NULL, NULL), 0);
	fixture_sense(fixture_test_unit_ready(f, other), 6, 0x3f, 0x0e);
	fixture_good(fixture_test_unit_ready(f, masked));
}
END_TEST

START_TEST(reservations_of_others_reach_a_masked_nexus_only_where_it_sees)
{
	struct scsi_nexus *other = fixture_login(f, 'o');

	f->lun = 0;
	fixture_drain_unit_attentions(f, other);
	fixture_hold(f, other, 0xa, 3);
	fixture_sense(fixture_write(f, masked, 0, 1, 1), 5, 0x25, 0);
	f->lun = 1;
	fixture_drain_unit_attentions(f, other);
	fixture_drain_unit_attentions(f, masked);
	fixture_hold(f, other, 0xa, 3);
	fixture_conflict(fixture_write(f, masked, 0, 1, 1));
	fixture_logout(f, masked);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, report_luns_names_only_what_the_nexus_may_see);
	tcase_add_test(tcase, a_masked_lun_answers_as_one_that_does_not_exist);
	tcase_add_test(tcase, task_management_does_not_reach_a_masked_lun);
	tcase_add_test(tcase, a_nexus_reset_by_a_masked_nexus_is_complete);
	tcase_add_test(tcase, a_lun_that_is_added_later_obeys_the_mask);
	tcase_add_test(tcase, only_who_may_see_a_lun_hears_that_it_came_or_went);
	tcase_add_test(tcase, reservations_of_others_reach_a_masked_nexus_only_where_it_sees);
}

int main(void)
{
	return suite_run("target/lun mask", fill);
}
