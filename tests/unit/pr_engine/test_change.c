#include <stdlib.h>

#include "pr_engine/bytes.h"
#include "pr_engine/state.h"
#include "tests/support/suite.h"
#include "tests/unit/pr_engine/dice.h"

static const struct pr_change add = {
	.op = PR_CHANGE_ADD,
	.registration_id = 0x0102030405060708,
	.key = 0x1112131415161718,
	.since = {.time_ms = 0x2122232425262728, .sequence = 0x3132333435363738},
	.nexus = {.initiator_name = "iqn.a",
		  .isid = {0x41, 0x42, 0x43, 0x44, 0x45, 0x46},
		  .relative_target_port_id = 0x5152},
};

static size_t encode(const struct pr_change *change, uint8_t *bytes, size_t cap)
{
	struct byte_writer out = byte_writer_over(bytes, cap);

	pr_change_encode(change, &out);
	ck_assert(!out.overflow);
	return out.len;
}

static bool decode(const uint8_t *bytes, size_t len, struct pr_change *ret_change)
{
	struct byte_reader in = byte_reader_over(bytes, len);

	return pr_change_decode(&in, ret_change) && byte_reader_left(&in) == 0;
}

static void check_bytes(const struct pr_change *change, const uint8_t *expected, size_t len)
{
	uint8_t bytes[PR_CHANGE_ENCODED_MAX];
	struct pr_change back;

	ck_assert_uint_eq(encode(change, bytes, sizeof(bytes)), len);
	ck_assert_mem_eq(bytes, expected, len);
	ck_assert(decode(expected, len, &back));
	ck_assert_int_eq(back.op, change->op);
	ck_assert_int_eq(back.aptpl, change->aptpl);
	ck_assert_int_eq(back.type, change->type);
	ck_assert_uint_eq(back.scope, change->scope);
	ck_assert_uint_eq(back.registration_id, change->registration_id);
	ck_assert_uint_eq(back.key, change->key);
	ck_assert_uint_eq(back.since.time_ms, change->since.time_ms);
	ck_assert_uint_eq(back.since.sequence, change->since.sequence);
	ck_assert(pr_nexus_id_equal(&back.nexus, &change->nexus));
}

/* ---- the format, byte for byte ---- */

START_TEST(add_is_on_disk_as_described)
{
	static const uint8_t expected[] = {
		0x01, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x11, 0x12, 0x13,
		0x14, 0x15, 0x16, 0x17, 0x18, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27,
		0x28, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x51, 0x52, 0x41,
		0x42, 0x43, 0x44, 0x45, 0x46, 0x05, 'i',  'q',	'n',  '.',  'a',
	};

	check_bytes(&add, expected, sizeof(expected));
}
END_TEST

START_TEST(the_others_are_on_disk_as_described)
{
	static const uint8_t remove[] = {0x02, 0, 0, 0, 0, 0, 0, 0x01, 0x02};
	static const uint8_t remove_all[] = {0x03};
	static const uint8_t set_key[] = {0x04, 0, 0, 0, 0, 0, 0, 0,   9,
					  0xab, 0, 0, 0, 0, 0, 0, 0xcd};
	static const uint8_t reserve[] = {0x05, 0x06, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0,
					  0,	0,    0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 8};
	static const uint8_t release[] = {0x06};
	static const uint8_t aptpl[] = {0x07, 0x01};
	static const uint8_t next_id[] = {0x08, 0, 0, 0, 0, 0, 0, 0, 77};

	check_bytes(&(struct pr_change){.op = PR_CHANGE_REMOVE, .registration_id = 0x102}, remove,
		    sizeof(remove));
	check_bytes(&(struct pr_change){.op = PR_CHANGE_REMOVE_ALL}, remove_all,
		    sizeof(remove_all));
	check_bytes(&(struct pr_change){.op = PR_CHANGE_SET_KEY,
					.registration_id = 9,
					.key = UINT64_C(0xab000000000000cd)},
		    set_key, sizeof(set_key));
	check_bytes(&(struct pr_change){.op = PR_CHANGE_RESERVE,
					.type = PR_TYPE_EXCLUSIVE_ACCESS_REGISTRANTS_ONLY,
					.registration_id = 9,
					.since = {.time_ms = 7, .sequence = 8}},
		    reserve, sizeof(reserve));
	check_bytes(&(struct pr_change){.op = PR_CHANGE_RELEASE}, release, sizeof(release));
	check_bytes(&(struct pr_change){.op = PR_CHANGE_APTPL, .aptpl = true}, aptpl,
		    sizeof(aptpl));
	check_bytes(&(struct pr_change){.op = PR_CHANGE_NEXT_ID, .registration_id = 77}, next_id,
		    sizeof(next_id));
}
END_TEST

START_TEST(the_longest_name_fits)
{
	struct pr_change change = add, back;
	uint8_t bytes[PR_CHANGE_ENCODED_MAX];

	memset(change.nexus.initiator_name, 'x', PR_INITIATOR_NAME_MAX);
	size_t len = encode(&change, bytes, sizeof(bytes));
	ck_assert(decode(bytes, len, &back));
	ck_assert(pr_nexus_id_equal(&change.nexus, &back.nexus));
	ck_assert_uint_eq(strlen(back.nexus.initiator_name), PR_INITIATOR_NAME_MAX);
}
END_TEST

START_TEST(what_stood_behind_the_name_is_not_written)
{
	struct pr_change change = add;
	uint8_t bytes[PR_CHANGE_ENCODED_MAX], again[PR_CHANGE_ENCODED_MAX];
	size_t len = encode(&add, bytes, sizeof(bytes));

	memset(change.nexus.initiator_name + 6, 'y', 50);
	ck_assert_uint_eq(encode(&change, again, sizeof(again)), len);
	ck_assert_mem_eq(bytes, again, len);
}
END_TEST

/* ---- the edges ---- */

START_TEST(a_change_that_does_not_fit_leaves_nothing_behind)
{
	uint8_t bytes[PR_CHANGE_ENCODED_MAX];
	size_t len = encode(&add, bytes, sizeof(bytes));

	for (size_t cap = 0; cap < len; cap++) {
		struct byte_writer out = byte_writer_over(bytes, cap);
		pr_change_encode(&add, &out);
		ck_assert(out.overflow);
		ck_assert_uint_eq(out.len, 0);
	}
}
END_TEST

START_TEST(the_end_is_told_from_damage)
{
	uint8_t bytes[] = {PR_CHANGE_RELEASE, 99};
	struct byte_reader in = byte_reader_over(bytes, 1);
	struct pr_change change;

	ck_assert(pr_change_decode(&in, &change));
	ck_assert(!pr_change_decode(&in, &change));
	ck_assert(!in.failed);
	in = byte_reader_over(bytes, 2);
	ck_assert(pr_change_decode(&in, &change));
	ck_assert(!pr_change_decode(&in, &change));
	ck_assert(in.failed);
	ck_assert(!pr_change_decode(&in, &change));
	in = byte_reader_over(NULL, 0);
	ck_assert(!pr_change_decode(&in, &change));
	ck_assert(!in.failed);
}
END_TEST

START_TEST(a_cut_change_is_damage_at_every_byte)
{
	struct pr_change changes[] = {
		add,
		{.op = PR_CHANGE_REMOVE, .registration_id = 1},
		{.op = PR_CHANGE_SET_KEY, .registration_id = 1, .key = 2},
		{.op = PR_CHANGE_RESERVE, .type = PR_TYPE_EXCLUSIVE_ACCESS, .registration_id = 1},
		{.op = PR_CHANGE_APTPL, .aptpl = true},
		{.op = PR_CHANGE_NEXT_ID, .registration_id = 1},
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		uint8_t bytes[PR_CHANGE_ENCODED_MAX];
		size_t len = encode(&changes[i], bytes, sizeof(bytes));
		for (size_t cut = 1; cut < len; cut++) {
			/* A block of its own, so that a sanitizer sees a read too far. */
			uint8_t *exact = malloc(cut);
			memcpy(exact, bytes, cut);
			struct byte_reader in = byte_reader_over(exact, cut);
			struct pr_change back = {.key = 5};
			ck_assert(!pr_change_decode(&in, &back));
			ck_assert(in.failed);
			ck_assert_uint_eq(back.key, 5);
			free(exact);
		}
	}
}
END_TEST

START_TEST(an_unknown_operation_is_damage)
{
	uint8_t bytes[64] = {0};
	struct pr_change change;

	for (unsigned op = 0; op < 256; op++) {
		struct byte_reader in = byte_reader_over(bytes, sizeof(bytes));
		bytes[0] = (uint8_t)op;
		/* All zero behind it, ADD (1) has no name. */
		ck_assert_int_eq(pr_change_decode(&in, &change), op >= 2 && op <= 8);
	}
}
END_TEST

START_TEST(a_bad_name_is_damage)
{
	uint8_t bytes[512];
	struct pr_change change;
	size_t len = encode(&add, bytes, sizeof(bytes));
	size_t name_at = len - 5;

	bytes[name_at + 2] = '\0';
	ck_assert(!decode(bytes, len, &change));
	encode(&add, bytes, sizeof(bytes));
	bytes[name_at - 1] = 0;
	ck_assert(!decode(bytes, name_at, &change));
	memset(bytes + name_at, 'x', 255);
	bytes[name_at - 1] = PR_INITIATOR_NAME_MAX + 1;
	ck_assert(!decode(bytes, name_at + PR_INITIATOR_NAME_MAX + 1, &change));
	bytes[name_at - 1] = PR_INITIATOR_NAME_MAX;
	ck_assert(decode(bytes, name_at + PR_INITIATOR_NAME_MAX, &change));
}
END_TEST

START_TEST(an_aptpl_of_2_is_damage)
{
	uint8_t bytes[] = {PR_CHANGE_APTPL, 2};
	struct pr_change change;

	ck_assert(!decode(bytes, sizeof(bytes), &change));
}
END_TEST

/* What can be read is written again as it was; what is read is never beyond the end. */
START_TEST(random_bytes_are_read_or_refused)
{
	struct dice dice = dice_from_seed("random_bytes_are_read_or_refused");
	unsigned read = 0;

	for (int i = 0; i < 20000; i++) {
		size_t len = dice_roll(&dice, 80);
		uint8_t *bytes = malloc(len + 1);
		for (size_t j = 0; j < len; j++)
			bytes[j] = (uint8_t)dice_roll(&dice, j == 0 ? 10 : 256);
		if (len > 41)
			bytes[41] = (uint8_t)dice_roll(&dice, 40);
		uint8_t *exact = realloc(bytes, len > 0 ? len : 1);
		struct byte_reader in = byte_reader_over(exact, len);
		struct pr_change change;
		while (pr_change_decode(&in, &change)) {
			uint8_t again[PR_CHANGE_ENCODED_MAX];
			size_t again_len = encode(&change, again, sizeof(again));
			ck_assert_mem_eq(again, exact + in.at - again_len, again_len);
			read++;
		}
		free(exact);
	}
	ck_assert_uint_gt(read, 1000);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, add_is_on_disk_as_described);
	tcase_add_test(tcase, the_others_are_on_disk_as_described);
	tcase_add_test(tcase, the_longest_name_fits);
	tcase_add_test(tcase, what_stood_behind_the_name_is_not_written);
	tcase_add_test(tcase, a_change_that_does_not_fit_leaves_nothing_behind);
	tcase_add_test(tcase, the_end_is_told_from_damage);
	tcase_add_test(tcase, a_cut_change_is_damage_at_every_byte);
	tcase_add_test(tcase, an_unknown_operation_is_damage);
	tcase_add_test(tcase, a_bad_name_is_damage);
	tcase_add_test(tcase, an_aptpl_of_2_is_damage);
	tcase_add_test(tcase, random_bytes_are_read_or_refused);
}

int main(void)
{
	return suite_run("change", fill);
}
