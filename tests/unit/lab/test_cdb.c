/*
 * The lab's own bytes: CDBs and parameter lists as SPC-4 has them, and answers taken apart.
 */
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "tools/lab/cdb.h"
#include "tools/lab/tag.h"

static const struct history_nexus nexuses[] = {
	{.number = 0,
	 .name = "iqn.1994-05.com.redhat:c1",
	 .isid = {0x00, 0x02, 0x3d, 0, 0, 1},
	 .target_port = 1},
	{.number = 1,
	 .name = "iqn.1994-05.com.redhat:c2",
	 .isid = {0x00, 0x02, 0x3d, 0, 0, 2},
	 .target_port = 1},
};

static struct cdb built(const struct history_command *command, size_t list_len)
{
	struct cdb cdb;
	ck_assert(cdb_build(command, 512, list_len, &cdb));
	return cdb;
}

START_TEST(persistent_reserve_out_has_service_action_scope_type_and_length)
{
	const struct history_command c = {
		.op = HISTORY_PREEMPT_AND_ABORT, .scope = 1, .type = 5, .key = 1, .action_key = 2};
	static const uint8_t bytes[] = {0x5f, 5, 0x15, 0, 0, 0, 0, 0, 24, 0};
	uint8_t list[CDB_PARAMETER_LIST_MAX];
	struct cdb cdb = built(&c, 24);

	ck_assert_uint_eq(cdb.len, sizeof(bytes));
	ck_assert_mem_eq(cdb.bytes, bytes, sizeof(bytes));
	ck_assert_int_eq(cdb.direction, CDB_DATA_OUT);
	ck_assert_uint_eq(cdb_parameter_list(&c, nexuses, 2, NULL, 0, list), 24);
	ck_assert_uint_eq(get_be64(list), 1);
	ck_assert_uint_eq(get_be64(list + 8), 2);
	ck_assert_uint_eq(list[20], 0);
}
END_TEST

START_TEST(flags_of_register_stand_in_byte_20)
{
	struct history_command c = {.op = HISTORY_REGISTER, .aptpl = true};
	uint8_t list[CDB_PARAMETER_LIST_MAX];

	cdb_parameter_list(&c, nexuses, 2, NULL, 0, list);
	ck_assert_uint_eq(list[20], 1);
	c = (struct history_command){.op = HISTORY_REGISTER, .all_tg_pt = true};
	cdb_parameter_list(&c, nexuses, 2, NULL, 0, list);
	ck_assert_uint_eq(list[20], 4);
}
END_TEST

/* The sheet's bytes, made by somebody else. */
START_TEST(register_and_move_is_byte_for_byte_what_the_sheet_shows)
{
	static const uint8_t expected[] = {
		0,    0,    0,	  0,	0,    0,    0x11, 0x11, 0,    0,    0,	  0,
		0,    0,    0x22, 0x22, 0,    3,    0,	  1,	0,    0,    0,	  0x30,
		0x45, 0,    0,	  0x2c, 0x69, 0x71, 0x6e, 0x2e, 0x31, 0x39, 0x39, 0x34,
		0x2d, 0x30, 0x35, 0x2e, 0x63, 0x6f, 0x6d, 0x2e, 0x72, 0x65, 0x64, 0x68,
		0x61, 0x74, 0x3a, 0x63, 0x32, 0x2c, 0x69, 0x2c, 0x30, 0x78, 0x30, 0x30,
		0x30, 0x32, 0x33, 0x64, 0x30, 0x30, 0x30, 0x30, 0x30, 0x32, 0,	  0};
	const struct history_command c = {.op = HISTORY_REGISTER_AND_MOVE,
					  .key = 0x1111,
					  .action_key = 0x2222,
					  .unregister_source = true,
					  .aptpl = true,
					  .move_to = 1};
	uint8_t list[CDB_PARAMETER_LIST_MAX];

	ck_assert_uint_eq(cdb_parameter_list(&c, nexuses, 2, NULL, 0, list), sizeof(expected));
	ck_assert_mem_eq(list, expected, sizeof(expected));
}
END_TEST

START_TEST(spec_i_pt_lists_all_others_behind_their_length)
{
	const struct history_command c = {.op = HISTORY_REGISTER, .spec_i_pt = true};
	static const uint32_t others[] = {1, 0};
	uint8_t list[CDB_PARAMETER_LIST_MAX];
	size_t len = cdb_parameter_list(&c, nexuses, 2, others, 2, list);

	ck_assert_uint_eq(len, 28 + 2 * 48);
	ck_assert_uint_eq(get_be32(list + 24), 2 * 48);
	ck_assert_uint_eq(list[20], 8);
	ck_assert_uint_eq(list[28], 0x45);
	ck_assert_uint_eq(list[28 + 48], 0x45);
}
END_TEST

START_TEST(what_does_not_fit_or_is_not_known_makes_no_list)
{
	const struct history_command move = {.op = HISTORY_REGISTER_AND_MOVE, .move_to = 7};
	const struct history_command many = {.op = HISTORY_REGISTER, .spec_i_pt = true};
	uint32_t others[400] = {0};
	uint8_t list[CDB_PARAMETER_LIST_MAX];

	ck_assert_uint_eq(cdb_parameter_list(&move, nexuses, 2, NULL, 0, list), 0);
	ck_assert_uint_eq(cdb_parameter_list(&many, nexuses, 2, others, 400, list), 0);
}
END_TEST

START_TEST(a_short_name_is_padded_to_the_least_length)
{
	const struct history_nexus nexus = {.name = "a", .isid = {0x80}};
	uint8_t id[64];

	ck_assert_uint_eq(cdb_transport_id(&nexus, id, sizeof(id)), 24);
	ck_assert_uint_eq(get_be16(id + 2), 20);
	ck_assert_str_eq((const char *)id + 4, "a,i,0x800000000000");
	ck_assert_uint_eq(cdb_transport_id(&nexus, id, 23), 0);
}
END_TEST

/* ---- answers ---- */

static struct cdb_answer answer;

static void take(enum history_op op, uint32_t blocks, const uint8_t *data, size_t len)
{
	const struct history_command c = {.op = op, .lba = 5, .blocks = blocks};
	const struct cdb_context context = {
		.block_size = 512, .run = 77, .nexuses = nexuses, .nexus_count = 2};

	memset(&answer, 0, sizeof(answer));
	answer.result.outcome = HISTORY_GOOD;
	cdb_answer_take(&answer, &c, &context, data, len);
}

START_TEST(keys_come_in_their_order)
{
	uint8_t data[24] = {0, 0, 0, 9, 0, 0, 0, 16};

	put_be64(data + 8, 0xa);
	put_be64(data + 16, UINT64_MAX);
	take(HISTORY_READ_KEYS, 0, data, sizeof(data));
	ck_assert_uint_eq(answer.result.generation, 9);
	ck_assert_uint_eq(answer.result.key_count, 2);
	ck_assert_uint_eq(answer.result.keys[0], 0xa);
	ck_assert_uint_eq(answer.result.keys[1], UINT64_MAX);
}
END_TEST

START_TEST(keys_that_were_cut_off_are_only_counted)
{
	uint8_t data[16] = {0, 0, 0, 9, 0, 0, 0, 16};

	take(HISTORY_READ_KEYS, 0, data, sizeof(data));
	ck_assert_uint_eq(answer.result.key_count, 2);
	ck_assert_ptr_null(answer.result.keys);
	take(HISTORY_READ_KEYS, 0, data, 3);
	ck_assert_uint_eq(answer.result.key_count, 0);
}
END_TEST

START_TEST(a_reservation_has_key_and_type_and_none_has_neither)
{
	uint8_t data[24] = {0, 0, 0, 3, 0, 0, 0, 16};

	put_be64(data + 8, 0xabc);
	data[21] = 0x06;
	take(HISTORY_READ_RESERVATION, 0, data, sizeof(data));
	ck_assert_uint_eq(answer.result.holder_key, 0xabc);
	ck_assert_uint_eq(answer.result.holder_type, 6);
	data[7] = 0;
	take(HISTORY_READ_RESERVATION, 0, data, 8);
	ck_assert_uint_eq(answer.result.holder_type, 0);
}
END_TEST

START_TEST(full_status_names_the_nexuses_that_are_known)
{
	uint8_t data[8 + 2 * (24 + 48)] = {0};

	put_be32(data + 4, sizeof(data) - 8);
	for (size_t i = 0; i < 2; i++) {
		uint8_t *descriptor = data + 8 + i * 72;
		put_be64(descriptor, 0x10 + i);
		put_be16(descriptor + 18, i == 0 ? 1 : 2);
		put_be32(descriptor + 20, 48);
		cdb_transport_id(&nexuses[1], descriptor + 24, 48);
	}
	take(HISTORY_READ_FULL_STATUS, 0, data, sizeof(data));
	ck_assert_uint_eq(answer.result.key_count, 2);
	ck_assert_uint_eq(answer.result.keys[1], 0x11);
	ck_assert_uint_eq(answer.result.key_nexuses[0], 1);
	ck_assert_uint_eq(answer.result.key_nexuses[1], HISTORY_NO_NEXUS);
	ck_assert(!answer.result.cut_off);
	/* A target that sends less than it says. */
	take(HISTORY_READ_FULL_STATUS, 0, data, sizeof(data) - 1);
	ck_assert_uint_eq(answer.result.key_count, 1);
	ck_assert(!answer.result.cut_off);
	/* One that has more than the allocation length admits. */
	put_be32(data + 4, CDB_PR_IN_MAX - 7);
	take(HISTORY_READ_FULL_STATUS, 0, data, sizeof(data) - 1);
	ck_assert_uint_eq(answer.result.key_count, 1);
	ck_assert(answer.result.cut_off);
}
END_TEST

START_TEST(full_status_with_lengths_that_lie_is_read_as_far_as_it_goes)
{
	uint8_t data[8 + 24] = {0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff};

	put_be32(data + 8 + 20, UINT32_MAX);
	take(HISTORY_READ_FULL_STATUS, 0, data, sizeof(data));
	ck_assert_uint_eq(answer.result.key_count, 0);
	ck_assert(answer.result.cut_off);
	for (size_t len = 0; len < sizeof(data); len++)
		take(HISTORY_READ_FULL_STATUS, 0, data, len);
}
END_TEST

START_TEST(blocks_are_shown_by_their_tags)
{
	uint8_t data[1024] = {0};
	const struct history_tag tag = {.nexus = 1, .sequence = 4, .generation_seen = 2};

	tag_fill(data, 512, 77, 5, &tag);
	take(HISTORY_READ, 2, data, sizeof(data));
	ck_assert_uint_eq(answer.result.tag_count, 2);
	ck_assert(answer.result.tags[0].written);
	ck_assert_uint_eq(answer.result.tags[0].sequence, 4);
	ck_assert(!answer.result.tags[1].written);
	take(HISTORY_READ, 2, data, 700);
	ck_assert_uint_eq(answer.result.tag_count, 1);
}
END_TEST

START_TEST(what_a_cdb_needs_depends_on_more_than_its_opcode)
{
	static const struct {
		uint8_t cdb[6];
		enum history_access access;
	} expected[] = {
		{{0x00}, HISTORY_ACCESS_ALLOWED},
		{{0x28}, HISTORY_ACCESS_READ},
		{{0x2a}, HISTORY_ACCESS_WRITE},
		{{0x42}, HISTORY_ACCESS_WRITE},
		{{0x1b, 0, 0, 0, 1}, HISTORY_ACCESS_ALLOWED},
		{{0x1b, 0, 0, 0, 0}, HISTORY_ACCESS_WRITE},
		{{0x1b, 0, 0, 0, 0x11}, HISTORY_ACCESS_WRITE},
		{{0x1e, 0, 0, 0, 0}, HISTORY_ACCESS_ALLOWED},
		{{0x1e, 0, 0, 0, 1}, HISTORY_ACCESS_WRITE},
		{{0x9e, 0x10}, HISTORY_ACCESS_ALLOWED},
		{{0x9e, 0x12}, HISTORY_ACCESS_READ},
		{{0xa3, 0x0a}, HISTORY_ACCESS_ALLOWED},
		{{0xa3, 0x0c}, HISTORY_ACCESS_READ},
	};

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		ck_assert_int_eq(cdb_access(expected[i].cdb, 6), expected[i].access);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, persistent_reserve_out_has_service_action_scope_type_and_length);
	tcase_add_test(tcase, flags_of_register_stand_in_byte_20);
	tcase_add_test(tcase, register_and_move_is_byte_for_byte_what_the_sheet_shows);
	tcase_add_test(tcase, spec_i_pt_lists_all_others_behind_their_length);
	tcase_add_test(tcase, what_does_not_fit_or_is_not_known_makes_no_list);
	tcase_add_test(tcase, a_short_name_is_padded_to_the_least_length);
	tcase_add_test(tcase, keys_come_in_their_order);
	tcase_add_test(tcase, keys_that_were_cut_off_are_only_counted);
	tcase_add_test(tcase, a_reservation_has_key_and_type_and_none_has_neither);
	tcase_add_test(tcase, full_status_names_the_nexuses_that_are_known);
	tcase_add_test(tcase, full_status_with_lengths_that_lie_is_read_as_far_as_it_goes);
	tcase_add_test(tcase, blocks_are_shown_by_their_tags);
	tcase_add_test(tcase, what_a_cdb_needs_depends_on_more_than_its_opcode);
}

int main(void)
{
	return suite_run("lab/cdb", fill);
}
