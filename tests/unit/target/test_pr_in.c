#include <string.h>

#include "pr_engine/bytes.h"
#include "target/transport_id.h"
#include "tests/support/suite.h"
#include "tests/support/target_fixture.h"

static struct fixture *f;
static struct scsi_nexus *a, *b;

static void start(const struct pr_profile *profile)
{
	fixture_free(&f);
	f = fixture_create(&(struct fixture_config){.profile = profile, .registrations_max = 300});
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
}

static void setup(void)
{
	f = fixture_create(NULL);
	start(&pr_profile_dlt_s4);
}

static void teardown(void)
{
	fixture_free(&f);
}

static void expect_data(const struct fixture_result *result, const void *bytes, size_t len)
{
	fixture_good(result);
	ck_assert_uint_eq(result->len, len);
	ck_assert_uint_eq(result->transfer_len, len);
	if (len > 0)
		ck_assert_mem_eq(result->data, bytes, len);
}

START_TEST(read_keys_of_an_empty_lun_is_a_header)
{
	expect_data(fixture_pr_in(f, a, PR_IN_READ_KEYS, 255), "\0\0\0\0\0\0\0\0", 8);
}
END_TEST

START_TEST(read_keys_lists_every_registration_in_order_duplicates_too)
{
	static const uint8_t expected[] = {0, 0, 0, 2, 0, 0, 0, 16, 0, 0, 0, 0,
					   0, 0, 0, 7, 0, 0, 0, 0,  0, 0, 0, 7};

	fixture_good(fixture_register(f, a, 0, 7));
	fixture_good(fixture_register(f, b, 0, 7));
	expect_data(fixture_pr_in(f, a, PR_IN_READ_KEYS, 255), expected, sizeof(expected));
}
END_TEST

START_TEST(every_allocation_length_gives_that_much_of_the_whole_answer)
{
	static const uint8_t whole[] = {0, 0, 0, 2, 0, 0, 0, 16, 0, 0, 0, 0,
					0, 0, 0, 7, 0, 0, 0, 0,	 0, 0, 0, 8};

	fixture_good(fixture_register(f, a, 0, 7));
	fixture_good(fixture_register(f, b, 0, 8));
	for (uint16_t len = 0; len <= sizeof(whole); len++)
		expect_data(fixture_pr_in(f, a, PR_IN_READ_KEYS, len), whole, len);
}
END_TEST

START_TEST(read_reservation_without_one_is_a_header)
{
	expect_data(fixture_pr_in(f, a, PR_IN_READ_RESERVATION, 255), "\0\0\0\0\0\0\0\0", 8);
}
END_TEST

START_TEST(read_reservation_shows_key_scope_and_type)
{
	static const uint8_t expected[24] = {0, 0, 0, 1, 0, 0, 0, 16, 0x11, 0x22, 0x33, 0x44,
					     5, 6, 7, 8, 0, 0, 0, 0,  0,    0x03, 0,	0};

	fixture_hold(f, a, 0x1122334405060708u, PR_TYPE_EXCLUSIVE_ACCESS);
	for (uint16_t len = 0; len <= sizeof(expected); len++)
		expect_data(fixture_pr_in(f, b, PR_IN_READ_RESERVATION, len), expected, len);
}
END_TEST

START_TEST(read_reservation_under_all_registrants_shows_key_0)
{
	static const uint8_t expected[24] = {0, 0, 0, 1, 0, 0, 0, 16, [21] = 0x07};

	start(&pr_profile_spc4);
	fixture_hold(f, a, 0xa, PR_TYPE_WRITE_EXCLUSIVE_ALL_REGISTRANTS);
	expect_data(fixture_pr_in(f, a, PR_IN_READ_RESERVATION, 24), expected, sizeof(expected));
}
END_TEST

START_TEST(report_capabilities_is_the_sheets_eight_bytes)
{
	expect_data(fixture_pr_in(f, a, PR_IN_REPORT_CAPABILITIES, 8),
		    "\x00\x08\x11\x80\x6a\x00\x00\x00", 8);
	fixture_good(fixture_pr_out(f, a, PR_OUT_REGISTER, 0, 0, 0xa, 0x01));
	expect_data(fixture_pr_in(f, a, PR_IN_REPORT_CAPABILITIES, 8),
		    "\x00\x08\x11\x81\x6a\x00\x00\x00", 8);
	fixture_good(fixture_pr_out(f, b, PR_OUT_REGISTER, 0, 0, 0xb, 0x00));
	expect_data(fixture_pr_in(f, a, PR_IN_REPORT_CAPABILITIES, 255),
		    "\x00\x08\x11\x80\x6a\x00\x00\x00", 8);
	expect_data(fixture_pr_in(f, a, PR_IN_REPORT_CAPABILITIES, 2), "\x00\x08", 2);
}
END_TEST

/* One descriptor, built by hand. */
static size_t put_descriptor(uint8_t *at, uint64_t key, uint8_t holder, uint8_t type,
			     const struct pr_nexus_id *id)
{
	size_t id_len = transport_id_build(id, at + 24);

	memset(at, 0, 24);
	put_be64(at, key);
	at[12] = holder;
	at[13] = type;
	put_be16(at + 18, id->relative_target_port_id);
	put_be32(at + 20, (uint32_t)id_len);
	return 24 + id_len;
}

START_TEST(read_full_status_lists_every_registration_and_cuts_anywhere)
{
	struct pr_nexus_id id_a = fixture_nexus_id('a', 1), id_b = fixture_nexus_id('b', 2);
	uint8_t whole[512] = {0, 0, 0, 2};
	size_t len = 8;

	start(&pr_profile_spc4);
	struct scsi_nexus *b2 = fixture_login_port(f, 'b', 2);
	fixture_hold(f, a, 0xaa, PR_TYPE_EXCLUSIVE_ACCESS_REGISTRANTS_ONLY);
	fixture_good(fixture_register(f, b2, 0, 0xbb));
	len += put_descriptor(whole + len, 0xaa, 1, 6, &id_a);
	len += put_descriptor(whole + len, 0xbb, 0, 0, &id_b);
	put_be32(whole + 4, (uint32_t)len - 8);
	for (uint16_t n = 0; n <= len; n++)
		expect_data(fixture_pr_in(f, a, PR_IN_READ_FULL_STATUS, n), whole, n);
	expect_data(fixture_pr_in(f, a, PR_IN_READ_FULL_STATUS, 65535), whole, len);
}
END_TEST

START_TEST(read_full_status_under_all_registrants_has_only_holders)
{
	start(&pr_profile_spc4);
	fixture_hold(f, a, 0xaa, PR_TYPE_EXCLUSIVE_ACCESS_ALL_REGISTRANTS);
	fixture_good(fixture_register(f, b, 0, 0xbb));
	const struct fixture_result *result = fixture_pr_in(f, a, PR_IN_READ_FULL_STATUS, 1024);
	fixture_good(result);
	size_t second = 8 + 24 + get_be32(result->data + 8 + 20);
	ck_assert_mem_eq(result->data + 8 + 12, "\x01\x08", 2);
	ck_assert_mem_eq(result->data + second + 12, "\x01\x08", 2);
}
END_TEST

START_TEST(many_registrations_keep_the_true_additional_length)
{
	start(&pr_profile_spc4);
	for (int i = 0; i < 200; i++) {
		struct pr_nexus_id id = fixture_nexus_id('x', 1);

		id.isid[0] = (uint8_t)i;
		id.isid[1] = 0xee;
		struct scsi_nexus *nexus = scsi_nexus_open(f->target, &id);
		fixture_good(fixture_register(f, nexus, 0, (uint64_t)i + 1));
	}
	const struct fixture_result *result = fixture_pr_in(f, a, PR_IN_READ_KEYS, 16);
	ck_assert_uint_eq(get_be32(result->data + 4), 8 * 200);
	ck_assert_uint_eq(get_be64(result->data + 8), 1);
	result = fixture_pr_in(f, a, PR_IN_READ_FULL_STATUS, 8);
	size_t each = 24 + transport_id_len(&a->id);
	ck_assert_uint_eq(get_be32(result->data + 4), 200 * each);
}
END_TEST

START_TEST(nothing_more_than_the_initiator_expects_is_sent)
{
	fixture_good(fixture_register(f, a, 0, 7));
	const struct fixture_result *result =
		FIXTURE_CDB(f, a, 10, 0x5e, 0, 0, 0, 0, 0, 0, 0, 255, 0);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 10);
	ck_assert_uint_eq(result->transfer_len, 16);
}
END_TEST

START_TEST(what_is_not_durable_yet_is_not_shown)
{
	struct fixture_task *out =
		fixture_start_pr_out(f, a, PR_OUT_REGISTER, 0, 0, 0xa, 0x01, false);
	struct fixture_task *in;

	ck_assert_int_eq(out->state, FIXTURE_RUNNING);
	in = fixture_start(
		f, b,
		&(struct fixture_command){.cdb = (const uint8_t[10]){0x5e, 0, 0, 0, 0, 0, 0, 0, 8},
					  .cdb_len = 10,
					  .in_len = 8});
	expect_data(fixture_result(in), "\0\0\0\0\0\0\0\0", 8);
	fixture_settle(f);
	fixture_good(fixture_result(out));
	expect_data(fixture_pr_in(f, b, PR_IN_READ_KEYS, 8), "\0\0\0\1\0\0\0\x08", 8);
}
END_TEST

START_TEST(all_of_it_conflicts_with_an_spc2_reservation_the_owners_too)
{
	fixture_good(FIXTURE_CDB(f, a, 0, 0x16, 0, 0, 0, 0, 0));
	for (unsigned action = 0; action <= 2; action++) {
		fixture_conflict(fixture_pr_in(f, a, action, 8));
		fixture_conflict(fixture_pr_in(f, b, action, 8));
	}
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, read_keys_of_an_empty_lun_is_a_header);
	tcase_add_test(tcase, read_keys_lists_every_registration_in_order_duplicates_too);
	tcase_add_test(tcase, every_allocation_length_gives_that_much_of_the_whole_answer);
	tcase_add_test(tcase, read_reservation_without_one_is_a_header);
	tcase_add_test(tcase, read_reservation_shows_key_scope_and_type);
	tcase_add_test(tcase, read_reservation_under_all_registrants_shows_key_0);
	tcase_add_test(tcase, report_capabilities_is_the_sheets_eight_bytes);
	tcase_add_test(tcase, read_full_status_lists_every_registration_and_cuts_anywhere);
	tcase_add_test(tcase, read_full_status_under_all_registrants_has_only_holders);
	tcase_add_test(tcase, many_registrations_keep_the_true_additional_length);
	tcase_add_test(tcase, nothing_more_than_the_initiator_expects_is_sent);
	tcase_add_test(tcase, what_is_not_durable_yet_is_not_shown);
	tcase_add_test(tcase, all_of_it_conflicts_with_an_spc2_reservation_the_owners_too);
}

int main(void)
{
	return suite_run("target/pr_in", fill);
}
