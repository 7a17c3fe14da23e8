/* The sheet's 8.1: PERSISTENT RESERVE IN. */
#include <stdio.h>

#include "tests/unit/scenarios/scene.h"

static const struct fixture_result *pr_in(struct scene *s, unsigned action, uint16_t allocation)
{
	return fixture_pr_in(s->f, s->a, action, allocation);
}

static void three_registered(struct scene *s)
{
	scene_register(s, s->a, KA);
	scene_register(s, s->b, KB);
	scene_register(s, s->c, KC);
}

START_TEST(scenario_001_no_keys_to_read)
{
	struct scene s = scene_open();
	const struct fixture_result *result = pr_in(&s, PR_IN_READ_KEYS, 255);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 8);
	ck_assert_mem_eq(result->data, "\0\0\0\0\0\0\0\0", 8);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_002_read_keys_lists_both)
{
	struct scene s = scene_open();
	uint32_t g = scene_generation(&s);

	scene_register(&s, s.a, KA);
	scene_register(&s, s.b, KB);
	const struct fixture_result *result = pr_in(&s, PR_IN_READ_KEYS, 255);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 24);
	ck_assert_uint_eq(get_be32(result->data), g + 2);
	ck_assert_uint_eq(get_be32(result->data + 4), 16);
	ck_assert_uint_eq(get_be64(result->data + 8), KA);
	ck_assert_uint_eq(get_be64(result->data + 16), KB);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_003_a_key_shared_by_two_is_listed_twice)
{
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	scene_register(&s, s.b, KA);
	ck_assert_uint_eq(scene_key_count(&s, KA), 2);
	ck_assert_uint_eq(scene_key_total(&s), 2);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_004_read_keys_cut_behind_the_header)
{
	struct scene s = scene_open();

	three_registered(&s);
	const struct fixture_result *result = pr_in(&s, PR_IN_READ_KEYS, 8);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 8);
	ck_assert_uint_eq(get_be32(result->data + 4), 24);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_005_read_keys_cut_inside_a_key)
{
	struct scene s = scene_open();

	three_registered(&s);
	const struct fixture_result *result = pr_in(&s, PR_IN_READ_KEYS, 13);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 13);
	ck_assert_uint_eq(get_be32(result->data + 4), 24);
	ck_assert_mem_eq(result->data + 8, "\xaa\xaa\x00\x00\x00", 5);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_006_allocation_length_0_transfers_nothing)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	for (unsigned action = 0; action <= 2; action++) {
		const struct fixture_result *result = pr_in(&s, action, 0);
		fixture_good(result);
		ck_assert_uint_eq(result->len, 0);
		ck_assert_uint_eq(result->transfer_len, 0);
	}
	scene_close(&s);
}
END_TEST

START_TEST(scenario_007_allocation_length_4_gives_the_generation)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	for (unsigned action = 0; action <= 1; action++) {
		const struct fixture_result *result = pr_in(&s, action, 4);
		fixture_good(result);
		ck_assert_uint_eq(result->len, 4);
		ck_assert_uint_eq(get_be32(result->data), 1);
	}
	scene_close(&s);
}
END_TEST

START_TEST(scenario_008_no_reservation_to_read)
{
	struct scene s = scene_open();
	const struct fixture_result *result = pr_in(&s, PR_IN_READ_RESERVATION, 255);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 8);
	ck_assert_uint_eq(get_be32(result->data + 4), 0);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_009_read_reservation)
{
	struct scene s = scene_open();
	static const uint8_t expected[24] = {0, 0, 0, 1, 0, 0, 0, 0x10, 0xaa, 0xaa, 0, 0,
					     0, 0, 0, 1, 0, 0, 0, 0,	0,    0x03, 0, 0};

	scene_hold(&s, s.a, KA, 3);
	const struct fixture_result *result = pr_in(&s, PR_IN_READ_RESERVATION, 255);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 24);
	ck_assert_mem_eq(result->data, expected, 24);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_010_read_reservation_follows_a_key_change)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 5);
	fixture_good(scene_out(&s, s.a, PR_OUT_REGISTER, 0, KA, KX));
	ck_assert_uint_eq(scene_holder_key(&s), KX);
	ck_assert_uint_eq(scene_type(&s), 5);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_011_truncation_leaves_the_length_field)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 1);
	const struct fixture_result *result = pr_in(&s, PR_IN_READ_RESERVATION, 8);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 8);
	ck_assert_uint_eq(get_be32(result->data + 4), 0x10);
	scene_close(&s);
}
END_TEST

static void capabilities_are(struct scene *s, const char *expected)
{
	const struct fixture_result *result = pr_in(s, PR_IN_REPORT_CAPABILITIES, 8);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 8);
	ck_assert_mem_eq(result->data, expected, 8);
}

START_TEST(scenario_012_report_capabilities_of_a_fresh_lu)
{
	struct scene s = scene_open();
	struct scene spc4 = scene_open_spc4();

	capabilities_are(&s, "\x00\x08\x11\x80\x6a\x00\x00\x00");
	capabilities_are(&spc4, "\x00\x08\x1d\xb0\xea\x01\x00\x00");
	scene_close(&s);
	scene_close(&spc4);
}
END_TEST

START_TEST(scenario_013_report_capabilities_with_ptpl_activated)
{
	struct scene s = scene_open();
	struct scene spc4 = scene_open_spc4();

	scene_register_aptpl(&s, s.a, KA);
	capabilities_are(&s, "\x00\x08\x11\x81\x6a\x00\x00\x00");
	scene_register_aptpl(&spc4, spc4.a, KA);
	capabilities_are(&spc4, "\x00\x08\x1d\xb1\xea\x01\x00\x00");
	scene_close(&s);
	scene_close(&spc4);
}
END_TEST

START_TEST(scenario_014_the_latest_register_decides_ptpl_activated)
{
	struct scene s = scene_open();

	scene_register_aptpl(&s, s.a, KA);
	ck_assert(scene_ptpl_active(&s));
	scene_register(&s, s.b, KB);
	ck_assert(!scene_ptpl_active(&s));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_015_report_capabilities_cut_to_2_bytes)
{
	struct scene s = scene_open();
	const struct fixture_result *result = pr_in(&s, PR_IN_REPORT_CAPABILITIES, 2);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 2);
	ck_assert_mem_eq(result->data, "\x00\x08", 2);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_016_read_full_status_is_spc4s)
{
	struct scene s = scene_open();
	struct scene spc4 = scene_open_spc4();

	fixture_field(pr_in(&s, PR_IN_READ_FULL_STATUS, 255), 5, 0x24, 0x00, 0xcc, 0x00, 0x01);
	fixture_good(pr_in(&spc4, PR_IN_READ_FULL_STATUS, 255));
	scene_close(&s);
	scene_close(&spc4);
}
END_TEST

START_TEST(scenario_017_reserved_service_actions)
{
	struct scene s = scene_open();
	struct scene spc4 = scene_open_spc4();

	for (unsigned action = 4; action <= 0x1f; action++) {
		fixture_field(pr_in(&s, action, 255), 5, 0x24, 0x00, 0xcc, 0x00, 0x01);
		fixture_field(pr_in(&spc4, action, 255), 5, 0x24, 0x00, 0xcc, 0x00, 0x01);
	}
	scene_close(&s);
	scene_close(&spc4);
}
END_TEST

START_TEST(scenario_018_pr_in_needs_no_registration)
{
	struct scene s = scene_open();

	scene_hold(&s, s.b, KB, 3);
	for (unsigned action = 0; action <= 2; action++)
		fixture_good(pr_in(&s, action, 255));
	scene_close(&s);
}
END_TEST

/* One descriptor: key, holder bit, scope and type, port, and a TransportID of format 01b. */
static void descriptor_is(const uint8_t *d, uint64_t key, bool holder, uint8_t type, char who)
{
	char text[64];

	snprintf(text, sizeof(text), "iqn.2026-01.test.holdfast:%c,i,0x00023d0000%02x", who,
		 (unsigned)who);
	ck_assert_uint_eq(get_be64(d), key);
	ck_assert_uint_eq(get_be32(d + 8), 0);
	ck_assert_uint_eq(d[12], holder ? 0x01 : 0x00);
	if (holder)
		ck_assert_uint_eq(d[13], type);
	ck_assert_uint_eq(get_be32(d + 14), 0);
	ck_assert_uint_eq(get_be16(d + 18), 1);
	ck_assert_uint_eq(get_be32(d + 20), 52);
	ck_assert_uint_eq(d[24], 0x45);
	ck_assert_uint_eq(d[25], 0);
	ck_assert_uint_eq(get_be16(d + 26), 48);
	ck_assert_str_eq((const char *)d + 28, text);
	for (size_t i = strlen(text); i < 48; i++)
		ck_assert_uint_eq(d[28 + i], 0);
}

START_TEST(scenario_019_read_full_status)
{
	struct scene s = scene_open_spc4();

	scene_hold(&s, s.a, KA, 6);
	scene_register(&s, s.b, KB);
	/* 8 + 2 x (24 + 4 + 48): an allocation length of exactly that returns both. */
	const struct fixture_result *result = pr_in(&s, PR_IN_READ_FULL_STATUS, 160);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 160);
	ck_assert_uint_eq(get_be32(result->data), 2);
	ck_assert_uint_eq(get_be32(result->data + 4), 152);
	descriptor_is(result->data + 8, KA, true, 6, 'a');
	descriptor_is(result->data + 8 + 76, KB, false, 0, 'b');

	result = pr_in(&s, PR_IN_READ_FULL_STATUS, 90);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 90);
	ck_assert_uint_eq(get_be32(result->data + 4), 152);
	scene_close(&s);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, scenario_001_no_keys_to_read);
	tcase_add_test(tcase, scenario_002_read_keys_lists_both);
	tcase_add_test(tcase, scenario_003_a_key_shared_by_two_is_listed_twice);
	tcase_add_test(tcase, scenario_004_read_keys_cut_behind_the_header);
	tcase_add_test(tcase, scenario_005_read_keys_cut_inside_a_key);
	tcase_add_test(tcase, scenario_006_allocation_length_0_transfers_nothing);
	tcase_add_test(tcase, scenario_007_allocation_length_4_gives_the_generation);
	tcase_add_test(tcase, scenario_008_no_reservation_to_read);
	tcase_add_test(tcase, scenario_009_read_reservation);
	tcase_add_test(tcase, scenario_010_read_reservation_follows_a_key_change);
	tcase_add_test(tcase, scenario_011_truncation_leaves_the_length_field);
	tcase_add_test(tcase, scenario_012_report_capabilities_of_a_fresh_lu);
	tcase_add_test(tcase, scenario_013_report_capabilities_with_ptpl_activated);
	tcase_add_test(tcase, scenario_014_the_latest_register_decides_ptpl_activated);
	tcase_add_test(tcase, scenario_015_report_capabilities_cut_to_2_bytes);
	tcase_add_test(tcase, scenario_016_read_full_status_is_spc4s);
	tcase_add_test(tcase, scenario_017_reserved_service_actions);
	tcase_add_test(tcase, scenario_018_pr_in_needs_no_registration);
	tcase_add_test(tcase, scenario_019_read_full_status);
}

int main(void)
{
	return suite_run("scenarios: PERSISTENT RESERVE IN", fill);
}
