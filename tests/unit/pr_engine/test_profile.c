#include "pr_engine/profile.h"

#include <string.h>

#include "tests/support/suite.h"

static void check_capabilities(const struct pr_profile *profile, bool aptpl_active,
			       const uint8_t expected[PR_CAPABILITIES_LEN])
{
	uint8_t data[PR_CAPABILITIES_LEN];

	memset(data, 0xee, sizeof(data));
	pr_profile_capabilities(profile, aptpl_active, data);
	ck_assert_mem_eq(data, expected, sizeof(data));
}

START_TEST(dlt_s4_reports_its_capabilities_byte_for_byte)
{
	static const uint8_t without[] = {0x00, 0x08, 0x11, 0x80, 0x6a, 0x00, 0x00, 0x00};
	static const uint8_t with[] = {0x00, 0x08, 0x11, 0x81, 0x6a, 0x00, 0x00, 0x00};

	check_capabilities(&pr_profile_dlt_s4, false, without);
	check_capabilities(&pr_profile_dlt_s4, true, with);
}
END_TEST

START_TEST(spc4_reports_its_capabilities_byte_for_byte)
{
	static const uint8_t without[] = {0x00, 0x08, 0x1d, 0xb0, 0xea, 0x01, 0x00, 0x00};
	static const uint8_t with[] = {0x00, 0x08, 0x1d, 0xb1, 0xea, 0x01, 0x00, 0x00};

	check_capabilities(&pr_profile_spc4, false, without);
	check_capabilities(&pr_profile_spc4, true, with);
}
END_TEST

START_TEST(dlt_s4_has_four_types_and_spc4_all_six)
{
	for (unsigned type = 0; type < 300; type++) {
		bool dlt_s4 = type == 1 || type == 3 || type == 5 || type == 6;
		ck_assert_int_eq(pr_profile_has_type(&pr_profile_dlt_s4, type), dlt_s4);
		ck_assert_int_eq(pr_profile_has_type(&pr_profile_spc4, type),
				 pr_type_is_defined(type));
	}
}
END_TEST

START_TEST(the_profiles_differ_in_what_the_table_says)
{
	const struct pr_profile *dlt_s4 = &pr_profile_dlt_s4, *spc4 = &pr_profile_spc4;

	ck_assert_uint_eq(dlt_s4->in_actions, 0x07);
	ck_assert_uint_eq(spc4->in_actions, 0x0f);
	ck_assert_uint_eq(dlt_s4->out_actions, 0xff);
	ck_assert_uint_eq(spc4->out_actions, 0xff);
	ck_assert(!dlt_s4->specify_initiator_ports && spc4->specify_initiator_ports);
	ck_assert(!dlt_s4->all_target_ports && spc4->all_target_ports);
	ck_assert(dlt_s4->compatible_handling && spc4->compatible_handling);
	ck_assert_int_eq(dlt_s4->preempt_unit_attention, PR_UA_RESERVATIONS_PREEMPTED);
	ck_assert_int_eq(spc4->preempt_unit_attention, PR_UA_REGISTRATIONS_PREEMPTED);
	ck_assert(!dlt_s4->preempt_removes_own_key && spc4->preempt_removes_own_key);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, dlt_s4_reports_its_capabilities_byte_for_byte);
	tcase_add_test(tcase, spc4_reports_its_capabilities_byte_for_byte);
	tcase_add_test(tcase, dlt_s4_has_four_types_and_spc4_all_six);
	tcase_add_test(tcase, the_profiles_differ_in_what_the_table_says);
}

int main(void)
{
	return suite_run("profile", fill);
}
