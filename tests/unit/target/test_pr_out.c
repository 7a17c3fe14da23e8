/*
 * PERSISTENT RESERVE OUT: its parameter lists, and the bytes of its refusals. What the service
 * actions do to the state is the engine's, and tested there.
 */
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/transport_id.h"
#include "tests/support/suite.h"
#include "tests/support/target_fixture.h"

#define SPEC_I_PT 0x08
#define ALL_TG_PT 0x04
#define APTPL	  0x01

static struct fixture *f;
static struct scsi_nexus *a, *b;
static struct pr_nexus_id id_a, id_b;

static void start(const struct pr_profile *profile)
{
	fixture_free(&f);
	f = fixture_create(&(struct fixture_config){.profile = profile});
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
}

static void setup(void)
{
	id_a = fixture_nexus_id('a', 1);
	id_b = fixture_nexus_id('b', 1);
	f = fixture_create(NULL);
	start(&pr_profile_dlt_s4);
}

static void teardown(void)
{
	fixture_check(f);
	fixture_free(&f);
}

/* The list is copied to memory of its exact size, so that a sanitizer sees every step too far. */
static const struct fixture_result *send_list(struct scsi_nexus *nexus, unsigned action,
					      const uint8_t *list, uint32_t len)
{
	uint8_t *exact = malloc(len ? len : 1);

	memcpy(exact, list, len);
	const struct fixture_result *result = fixture_pr_out_list(f, nexus, action, 0, exact, len);
	free(exact);
	return result;
}

/* ---- length ---- */

START_TEST(other_lengths_than_24_are_refused)
{
	static const uint32_t lengths[] = {0, 1, 8, 23, 25, 28, 32, 48, 8192, 8193};
	uint8_t list[8193] = {0};

	put_be64(list + 8, 0xa);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (unsigned action = 0; action < PR_OUT_REGISTER_AND_MOVE; action++)
			fixture_sense(fixture_pr_out_list(f, a, action, 1, list, lengths[i]), 5,
				      0x1a, 0x00);
	ck_assert_uint_eq(fixture_registrations(f), 0);
}
END_TEST

START_TEST(the_length_is_a_32_bit_number_in_bytes_5_to_8)
{
	uint8_t list[24] = {0};

	put_be64(list + 8, 0xa);
	const struct fixture_command command = {
		.cdb = (const uint8_t[10]){0x5f, 0, 0, 0, 0, 0x01, 0, 0, 24, 0},
		.cdb_len = 10,
		.out = list,
		.out_len = sizeof(list)};
	fixture_sense(fixture_do(f, a, &command), 5, 0x1a, 0x00);
	fixture_good(fixture_pr_out_list(f, a, PR_OUT_REGISTER, 0, list, sizeof(list)));
}
END_TEST

START_TEST(an_initiator_that_will_send_less_than_the_list_is_refused_before_it_does)
{
	struct fixture_task *task =
		fixture_start(f, a,
			      &(struct fixture_command){
				      .cdb = (const uint8_t[10]){0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0},
				      .cdb_len = 10,
				      .out_len = 23,
				      .hold_data = true});

	ck_assert_int_eq(task->state, FIXTURE_COMPLETED);
	fixture_sense(fixture_result(task), 5, 0x1a, 0x00);
	ck_assert_uint_eq(fixture_result(task)->transfer_len, 24);
}
END_TEST

START_TEST(more_data_than_the_list_are_no_error)
{
	uint8_t list[100] = {0};

	put_be64(list + 8, 0xa);
	const struct fixture_command command = {
		.cdb = (const uint8_t[10]){0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0},
		.cdb_len = 10,
		.out = list,
		.out_len = sizeof(list)};
	const struct fixture_result *result = fixture_do(f, a, &command);
	fixture_good(result);
	ck_assert_uint_eq(result->transfer_len, 24);
}
END_TEST

START_TEST(the_access_check_comes_before_the_length)
{
	uint8_t list[8] = {0};

	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	fixture_conflict(fixture_pr_out_list(f, b, PR_OUT_CLEAR, 0, list, sizeof(list)));
}
END_TEST

/* ---- refusals ---- */

START_TEST(unsupported_types_and_scopes_point_at_their_bits)
{
	fixture_good(fixture_register(f, a, 0, 0xa));
	fixture_field(fixture_pr_out(f, a, PR_OUT_RESERVE, 0x08, 0xa, 0, 0), 5, 0x24, 0, 0xcb, 0,
		      2);
	fixture_field(fixture_pr_out(f, a, PR_OUT_RESERVE, 0x07, 0xa, 0, 0), 5, 0x24, 0, 0xcb, 0,
		      2);
	fixture_field(fixture_pr_out(f, a, PR_OUT_RESERVE, 0x11, 0xa, 0, 0), 5, 0x24, 0, 0xcf, 0,
		      2);
	ck_assert_int_eq(fixture_reserved(f), PR_TYPE_NONE);
}
END_TEST

START_TEST(refused_parameters_point_at_their_bytes)
{
	fixture_field(fixture_pr_out(f, a, PR_OUT_REGISTER, 0, 0, 0xa, SPEC_I_PT), 5, 0x26, 0, 0x8b,
		      0, 20);
	fixture_field(fixture_pr_out(f, a, PR_OUT_REGISTER, 0, 0, 0xa, ALL_TG_PT), 5, 0x26, 0, 0x8a,
		      0, 20);
	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	fixture_field(fixture_pr_out(f, a, PR_OUT_PREEMPT, 3, 0xa, 0, 0), 5, 0x26, 0, 0x80, 0, 8);
}
END_TEST

START_TEST(an_invalid_release_has_its_own_code)
{
	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	fixture_sense(fixture_pr_out(f, a, PR_OUT_RELEASE, 1, 0xa, 0, 0), 5, 0x26, 0x04);
}
END_TEST

START_TEST(the_registration_too_many_has_its_own_code)
{
	struct fixture *small = fixture_create(&(struct fixture_config){.registrations_max = 1});

	fixture_good(fixture_register(small, fixture_login(small, 'a'), 0, 0xa));
	fixture_sense(fixture_register(small, fixture_login(small, 'b'), 0, 0xb), 5, 0x55, 0x04);
	ck_assert_uint_eq(fixture_registrations(small), 1);
	fixture_free(&small);
}
END_TEST

START_TEST(service_actions_08h_to_1fh_are_refused)
{
	for (unsigned action = 8; action < 32; action++)
		fixture_field(fixture_pr_out(f, a, action, 0, 0, 0xa, 0), 5, 0x24, 0, 0xcc, 0, 1);
}
END_TEST

START_TEST(without_a_journal_aptpl_is_refused_where_it_counts)
{
	struct fixture *bare = fixture_create(&(struct fixture_config){.no_journal = true});
	struct scsi_nexus *c = fixture_login(bare, 'c');
	struct pr_nexus_id to = fixture_nexus_id('d', 1);
	uint8_t list[288];

	fixture_field(fixture_pr_out(bare, c, PR_OUT_REGISTER, 0, 0, 0xc, APTPL), 5, 0x26, 0, 0x88,
		      0, 20);
	ck_assert_uint_eq(fixture_registrations(bare), 0);
	fixture_hold(bare, c, 0xc, PR_TYPE_WRITE_EXCLUSIVE);
	uint32_t len = fixture_move_list(list, 0xc, 0xd, APTPL, &to);
	fixture_field(fixture_pr_out_list(bare, c, PR_OUT_REGISTER_AND_MOVE, 0, list, len), 5, 0x26,
		      0, 0x88, 0, 17);
	fixture_good(fixture_pr_out(bare, c, PR_OUT_RELEASE, 1, 0xc, 0, APTPL));
	fixture_check(bare);
	fixture_free(&bare);
}
END_TEST

/* ---- REGISTER AND MOVE ---- */

static const struct fixture_result *move(const uint8_t *list, uint32_t len)
{
	return send_list(a, PR_OUT_REGISTER_AND_MOVE, list, len);
}

START_TEST(move_makes_another_nexus_the_holder)
{
	uint8_t list[288];

	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	fixture_good(move(list, fixture_move_list(list, 0xa, 0xb, 0, &id_b)));
	ck_assert(fixture_holds(f, &id_b));
	ck_assert_uint_eq(fixture_key_of(f, &id_b), 0xb);
	ck_assert_uint_eq(fixture_key_of(f, &id_a), 0xa);
	fixture_conflict(fixture_read(f, a, 0, 1));
	fixture_good(fixture_read(f, b, 0, 1));
}
END_TEST

START_TEST(move_reads_unreg_and_aptpl_from_byte_17)
{
	uint8_t list[288];

	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	fixture_good(move(list, fixture_move_list(list, 0xa, 0xb, 0x03, &id_b)));
	ck_assert_uint_eq(fixture_key_of(f, &id_a), 0);
	ck_assert(pr_state_aptpl(scsi_lun_pr_state(fixture_lun(f))));
}
END_TEST

START_TEST(move_to_who_is_not_logged_in_lets_it_in_later)
{
	struct pr_nexus_id id_c = fixture_nexus_id('c', 2);
	uint8_t list[288];

	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	fixture_good(move(list, fixture_move_list(list, 0xa, 0xc, 0, &id_c)));
	fixture_good(fixture_write(f, fixture_login_port(f, 'c', 2), 0, 1, 0x55));
}
END_TEST

START_TEST(move_lists_of_a_wrong_length_are_refused)
{
	uint8_t list[8300] = {0};
	uint32_t len = fixture_move_list(list, 0xa, 0xb, 0, &id_b);

	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	for (uint32_t cut = 0; cut < len; cut++)
		fixture_sense(move(list, cut), 5, 0x1a, 0x00);
	fixture_sense(move(list, len + 4), 5, 0x1a, 0x00);
	fixture_sense(move(list, 8193), 5, 0x1a, 0x00);
	put_be32(list + 20, UINT32_MAX);
	fixture_sense(move(list, len), 5, 0x1a, 0x00);
	put_be32(list + 20, 20);
	fixture_sense(move(list, 44), 5, 0x1a, 0x00);
	ck_assert(fixture_holds(f, &id_a));
}
END_TEST

START_TEST(move_to_a_malformed_transport_id_points_at_it)
{
	uint8_t good[288], list[288] = {0};
	uint32_t len = fixture_move_list(good, 0xa, 0xb, 0, &id_b);
	static const struct {
		uint32_t at;
		uint8_t value;
	} wrong[] = {
		{24, 0x46}, /* another protocol */
		{24, 0xc5}, /* format 11b */
		{27, 0x14}, /* shorter than TRANSPORTID LENGTH says */
		{28, ' '},
	};

	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memcpy(list, good, len);
		list[wrong[i].at] = wrong[i].value;
		fixture_field(move(list, len), 5, 0x26, 0x00, 0x80, 0, 24);
	}
	memcpy(list, good, len);
	put_be32(list + 20, 26);
	fixture_field(move(list, 50), 5, 0x26, 0x00, 0x80, 0, 24);
	ck_assert(fixture_holds(f, &id_a));
	ck_assert_uint_eq(fixture_registrations(f), 1);
}
END_TEST

START_TEST(move_to_an_unknown_port_points_at_it)
{
	struct pr_nexus_id to = fixture_nexus_id('b', 9);
	uint8_t list[288];

	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	fixture_field(move(list, fixture_move_list(list, 0xa, 0xb, 0, &to)), 5, 0x26, 0x00, 0x80, 0,
		      18);
}
END_TEST

/* The sheet's 3.9: whether the sender may move comes first. */
START_TEST(a_malformed_transport_id_does_not_hide_a_conflict)
{
	uint8_t list[288];
	uint32_t len = fixture_move_list(list, 0xb, 0xc, 0, &id_b);

	list[24] = 0xff;
	fixture_conflict(send_list(b, PR_OUT_REGISTER_AND_MOVE, list, len));
	fixture_good(fixture_register(f, b, 0, 0xb));
	fixture_field(send_list(b, PR_OUT_REGISTER_AND_MOVE, list, len), 5, 0x24, 0x00, 0xcc, 0, 1);
}
END_TEST

static uint32_t move_list_by_name(uint8_t *list)
{
	static const uint8_t name[36] = "\x05\x00\x00\x20iqn.2026-01.test.holdfast:b";

	memset(list, 0, 24);
	put_be64(list, 0xa);
	put_be64(list + 8, 0xb);
	put_be16(list + 18, 1);
	put_be32(list + 20, sizeof(name));
	memcpy(list + 24, name, sizeof(name));
	return 24 + sizeof(name);
}

START_TEST(move_by_name_finds_the_one_port_of_that_name)
{
	uint8_t list[288];

	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	fixture_good(move(list, move_list_by_name(list)));
	ck_assert(fixture_holds(f, &id_b));
}
END_TEST

START_TEST(move_by_name_to_none_or_two_is_refused)
{
	struct pr_nexus_id other = id_b;
	uint8_t list[288];

	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	other.isid[0] = 0x80;
	struct scsi_nexus *second = scsi_nexus_open(f->target, &other);
	ck_assert_ptr_nonnull(second);
	fixture_field(move(list, move_list_by_name(list)), 5, 0x26, 0x00, 0x80, 0, 24);
	fixture_logout(f, second);
	fixture_logout(f, b);
	fixture_field(move(list, move_list_by_name(list)), 5, 0x26, 0x00, 0x80, 0, 24);
	ck_assert(fixture_holds(f, &id_a));
}
END_TEST

/* ---- SPEC_I_PT, spc4 ---- */

static uint32_t spec_i_pt_list(uint8_t *list, const struct pr_nexus_id *ids, size_t count)
{
	size_t len = 28;

	memset(list, 0, 28);
	put_be64(list + 8, 0xa);
	list[20] = SPEC_I_PT;
	for (size_t i = 0; i < count; i++)
		len += transport_id_build(&ids[i], list + len);
	put_be32(list + 24, (uint32_t)(len - 28));
	return (uint32_t)len;
}

START_TEST(spec_i_pt_registers_every_port_named)
{
	struct pr_nexus_id ids[] = {fixture_nexus_id('b', 1), fixture_nexus_id('c', 1)};
	uint8_t list[1024];

	start(&pr_profile_spc4);
	fixture_good(send_list(a, PR_OUT_REGISTER, list, spec_i_pt_list(list, ids, 2)));
	ck_assert_uint_eq(fixture_registrations(f), 3);
	ck_assert_uint_eq(fixture_key_of(f, &ids[0]), 0xa);
	ck_assert_uint_eq(fixture_key_of(f, &ids[1]), 0xa);
	ck_assert_int_eq(b->luns[0]->standing, PR_STANDING_REGISTRANT);
}
END_TEST

START_TEST(spec_i_pt_with_a_wrong_length_is_refused)
{
	struct pr_nexus_id ids[] = {fixture_nexus_id('b', 1)};
	uint8_t list[1024] = {0};

	start(&pr_profile_spc4);
	uint32_t len = spec_i_pt_list(list, ids, 1);
	for (uint32_t cut = 24; cut < len; cut++)
		fixture_sense(send_list(a, PR_OUT_REGISTER, list, cut), 5, 0x1a, 0x00);
	fixture_sense(send_list(a, PR_OUT_REGISTER, list, len + 1), 5, 0x1a, 0x00);
	put_be32(list + 24, UINT32_MAX);
	fixture_sense(send_list(a, PR_OUT_REGISTER, list, len), 5, 0x1a, 0x00);
	list[20] = 0; /* without SPEC_I_PT 24 is the only length */
	fixture_sense(send_list(a, PR_OUT_REGISTER, list, len), 5, 0x1a, 0x00);
	ck_assert_uint_eq(fixture_registrations(f), 0);
}
END_TEST

START_TEST(spec_i_pt_with_a_malformed_transport_id_registers_nobody)
{
	struct pr_nexus_id ids[] = {fixture_nexus_id('b', 1), fixture_nexus_id('c', 1)};
	uint8_t list[1024];

	start(&pr_profile_spc4);
	uint32_t len = spec_i_pt_list(list, ids, 2);
	uint8_t second = (uint8_t)(28 + transport_id_len(&ids[0]));
	list[second] = 0x44;
	fixture_field(send_list(a, PR_OUT_REGISTER, list, len), 5, 0x26, 0x00, 0x80, 0, second);
	ck_assert_uint_eq(fixture_registrations(f), 0);
	ck_assert_uint_eq(fixture_generation(f), 0);
}
END_TEST

START_TEST(spec_i_pt_naming_a_device_only_is_refused)
{
	uint8_t list[28 + 36] = {0};

	start(&pr_profile_spc4);
	put_be64(list + 8, 0xa);
	list[20] = SPEC_I_PT;
	put_be32(list + 24, 36);
	memcpy(list + 28, "\x05\x00\x00\x20iqn.2026-01.test.holdfast:b", 31);
	fixture_field(send_list(a, PR_OUT_REGISTER, list, sizeof(list)), 5, 0x26, 0x00, 0x80, 0,
		      28);
	ck_assert_uint_eq(fixture_registrations(f), 0);
}
END_TEST

START_TEST(all_tg_pt_registers_at_every_port_of_the_target)
{
	struct pr_nexus_id second = fixture_nexus_id('a', 2);

	start(&pr_profile_spc4);
	fixture_good(fixture_pr_out(f, a, PR_OUT_REGISTER, 0, 0, 0xa, ALL_TG_PT));
	ck_assert_uint_eq(fixture_key_of(f, &id_a), 0xa);
	ck_assert_uint_eq(fixture_key_of(f, &second), 0xa);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, other_lengths_than_24_are_refused);
	tcase_add_test(tcase, the_length_is_a_32_bit_number_in_bytes_5_to_8);
	tcase_add_test(tcase,
		       an_initiator_that_will_send_less_than_the_list_is_refused_before_it_does);
	tcase_add_test(tcase, more_data_than_the_list_are_no_error);
	tcase_add_test(tcase, the_access_check_comes_before_the_length);
	tcase_add_test(tcase, unsupported_types_and_scopes_point_at_their_bits);
	tcase_add_test(tcase, refused_parameters_point_at_their_bytes);
	tcase_add_test(tcase, an_invalid_release_has_its_own_code);
	tcase_add_test(tcase, the_registration_too_many_has_its_own_code);
	tcase_add_test(tcase, service_actions_08h_to_1fh_are_refused);
	tcase_add_test(tcase, without_a_journal_aptpl_is_refused_where_it_counts);
	tcase_add_test(tcase, move_makes_another_nexus_the_holder);
	tcase_add_test(tcase, move_reads_unreg_and_aptpl_from_byte_17);
	tcase_add_test(tcase, move_to_who_is_not_logged_in_lets_it_in_later);
	tcase_add_test(tcase, move_lists_of_a_wrong_length_are_refused);
	tcase_add_test(tcase, move_to_a_malformed_transport_id_points_at_it);
	tcase_add_test(tcase, move_to_an_unknown_port_points_at_it);
	tcase_add_test(tcase, a_malformed_transport_id_does_not_hide_a_conflict);
	tcase_add_test(tcase, move_by_name_finds_the_one_port_of_that_name);
	tcase_add_test(tcase, move_by_name_to_none_or_two_is_refused);
	tcase_add_test(tcase, spec_i_pt_registers_every_port_named);
	tcase_add_test(tcase, spec_i_pt_with_a_wrong_length_is_refused);
	tcase_add_test(tcase, spec_i_pt_with_a_malformed_transport_id_registers_nobody);
	tcase_add_test(tcase, spec_i_pt_naming_a_device_only_is_refused);
	tcase_add_test(tcase, all_tg_pt_registers_at_every_port_of_the_target);
}

int main(void)
{
	return suite_run("target/pr_out", fill);
}
