#include <string.h>

#include "pr_engine/crc32c.h"
#include "pr_engine/journal_record.h"
#include "pr_engine/bytes.h"
#include "tests/support/suite.h"

static const struct pr_file_header sample_header = {
	.epoch = 7,
	.time_ms = 1700000000000,
	.durable_len = 4096,
	.identity = {.target_name = "iqn.2024-01.org.example:disk", .lun = 3},
};

static const struct pr_journal_meta sample_meta = {
	.event = PR_EVENT_PR_OUT,
	.action = PR_OUT_REGISTER_AND_MOVE,
	.scope_type = 0x05,
	.time_ms = 1700000000123,
	.generation = 9,
	.reservation_key = 0x1111222233334444,
	.service_action_key = 0xfffffffffffffffe,
	.nexus = {.initiator_name = "iqn.1994-05.com.example:host",
		  .isid = {0x00, 0x02, 0x3d, 0, 0, 1},
		  .relative_target_port_id = 2},
};

#define SEED 0xdeadbeef

static size_t sealed_sample(uint8_t *frame, size_t changes_len)
{
	uint8_t changes[64];

	memset(changes, 0xc5, sizeof changes);
	pr_frame_record_encode(&sample_meta, 42, changes, changes_len, frame);
	pr_frame_seal(frame, SEED, 4096);
	return pr_frame_len(frame);
}

START_TEST(file_header_comes_back_as_it_was_written)
{
	uint8_t data[PR_FILE_HEADER_LEN];
	struct pr_file_header header;
	uint32_t seed = 0;

	uint32_t written = pr_file_header_encode(&sample_header, data);
	ck_assert_int_eq(pr_file_header_decode(data, sizeof data, &header, &seed),
			 PR_FILE_HEADER_VALID);
	ck_assert_uint_eq(seed, written);
	ck_assert_uint_eq(header.epoch, 7);
	ck_assert_uint_eq(header.time_ms, 1700000000000);
	ck_assert_uint_eq(header.durable_len, 4096);
	ck_assert_uint_eq(header.identity.lun, 3);
	ck_assert_str_eq(header.identity.target_name, sample_header.identity.target_name);
}
END_TEST

START_TEST(file_header_with_any_bit_flipped_is_not_valid)
{
	uint8_t data[PR_FILE_HEADER_LEN];
	struct pr_file_header header;
	uint32_t seed;

	pr_file_header_encode(&sample_header, data);
	for (size_t bit = 0; bit < 8 * sizeof data; bit++) {
		data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_ne(pr_file_header_decode(data, sizeof data, &header, &seed),
				 PR_FILE_HEADER_VALID);
		data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

START_TEST(cut_file_header_is_damage_and_not_foreign)
{
	uint8_t data[PR_FILE_HEADER_LEN];
	struct pr_file_header header;
	uint32_t seed;

	pr_file_header_encode(&sample_header, data);
	ck_assert_int_eq(pr_file_header_decode(data, (size_t)_i, &header, &seed),
			 PR_FILE_HEADER_DAMAGED);
}
END_TEST

START_TEST(file_header_of_another_version_is_told_apart)
{
	uint8_t data[PR_FILE_HEADER_LEN];
	struct pr_file_header header;
	uint32_t seed;

	pr_file_header_encode(&sample_header, data);
	put_be32(data + 8, 2);
	put_be32(data + 268, crc32c(0, data, 268));
	ck_assert_int_eq(pr_file_header_decode(data, sizeof data, &header, &seed),
			 PR_FILE_HEADER_VERSION);
}
END_TEST

START_TEST(file_header_with_a_name_too_long_is_damage)
{
	uint8_t data[PR_FILE_HEADER_LEN];
	struct pr_file_header header;
	uint32_t seed;

	pr_file_header_encode(&sample_header, data);
	put_be16(data + 42, 224);
	memset(data + 44, 'a', 224);
	put_be32(data + 268, crc32c(0, data, 268));
	ck_assert_int_eq(pr_file_header_decode(data, sizeof data, &header, &seed),
			 PR_FILE_HEADER_DAMAGED);
}
END_TEST

START_TEST(longest_target_name_fits_the_file_header)
{
	struct pr_file_header header = sample_header, read;
	uint8_t data[PR_FILE_HEADER_LEN];
	uint32_t seed;

	memset(header.identity.target_name, 'x', PR_INITIATOR_NAME_MAX);
	pr_file_header_encode(&header, data);
	ck_assert_int_eq(pr_file_header_decode(data, sizeof data, &read, &seed),
			 PR_FILE_HEADER_VALID);
	ck_assert_str_eq(read.identity.target_name, header.identity.target_name);
}
END_TEST

START_TEST(record_comes_back_as_it_was_written)
{
	uint8_t frame[256];
	struct pr_frame_header header;
	struct pr_journal_record record;
	size_t changes_len = (size_t)_i;
	size_t len = sealed_sample(frame, changes_len);

	ck_assert_uint_eq(len % 8, 0);
	ck_assert_uint_eq(len, pr_frame_record_len(&sample_meta, changes_len));
	ck_assert(pr_frame_header_decode(frame, SEED, &header));
	ck_assert_int_eq(header.kind, PR_FRAME_RECORD);
	ck_assert_uint_eq(header.synced_upto, 4096);
	ck_assert(pr_frame_record_decode(frame, &header, &record));
	ck_assert_uint_eq(record.sequence, 42);
	ck_assert(!record.history_only);
	ck_assert_uint_eq(record.changes_len, changes_len);
	for (size_t i = 0; i < changes_len; i++)
		ck_assert_uint_eq(record.changes[i], 0xc5);
	ck_assert_int_eq(record.meta.event, PR_EVENT_PR_OUT);
	ck_assert_uint_eq(record.meta.action, PR_OUT_REGISTER_AND_MOVE);
	ck_assert_uint_eq(record.meta.scope_type, 5);
	ck_assert_uint_eq(record.meta.time_ms, sample_meta.time_ms);
	ck_assert_uint_eq(record.meta.generation, 9);
	ck_assert_uint_eq(record.meta.reservation_key, sample_meta.reservation_key);
	ck_assert_uint_eq(record.meta.service_action_key, sample_meta.service_action_key);
	ck_assert_str_eq(record.meta.nexus.initiator_name, sample_meta.nexus.initiator_name);
	ck_assert_mem_eq(record.meta.nexus.isid, sample_meta.nexus.isid, PR_ISID_LEN);
	ck_assert_uint_eq(record.meta.nexus.relative_target_port_id, 2);
}
END_TEST

START_TEST(record_with_any_bit_flipped_is_not_valid)
{
	uint8_t frame[256];
	struct pr_frame_header header;
	struct pr_journal_record record;
	size_t len = sealed_sample(frame, 11);

	for (size_t bit = 0; bit < 8 * len; bit++) {
		frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert(!pr_frame_header_decode(frame, SEED, &header) ||
			  !pr_frame_record_decode(frame, &header, &record));
		frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

START_TEST(header_of_a_frame_stands_without_its_body)
{
	uint8_t frame[256];
	struct pr_frame_header header;
	struct pr_journal_record record;
	size_t len = sealed_sample(frame, 11);

	memset(frame + PR_FRAME_HEADER_LEN, 0, len - PR_FRAME_HEADER_LEN);
	ck_assert(pr_frame_header_decode(frame, SEED, &header));
	ck_assert_uint_eq(header.synced_upto, 4096);
	ck_assert(!pr_frame_record_decode(frame, &header, &record));
}
END_TEST

START_TEST(frame_of_another_file_is_not_valid)
{
	uint8_t frame[256];
	struct pr_frame_header header;

	sealed_sample(frame, 11);
	ck_assert(!pr_frame_header_decode(frame, SEED + 1, &header));
}
END_TEST

START_TEST(files_of_one_lun_differ_in_their_seed)
{
	struct pr_file_header next = sample_header;
	uint8_t data[PR_FILE_HEADER_LEN];

	next.epoch++;
	ck_assert_uint_ne(pr_file_header_encode(&sample_header, data),
			  pr_file_header_encode(&next, data));
}
END_TEST

START_TEST(new_seal_moves_a_frame_to_another_file_as_history)
{
	uint8_t frame[256];
	struct pr_frame_header header;
	struct pr_journal_record record;

	sealed_sample(frame, 11);
	pr_frame_set_history_only(frame);
	pr_frame_seal(frame, 99, 0);
	ck_assert(pr_frame_header_decode(frame, 99, &header));
	ck_assert(pr_frame_record_decode(frame, &header, &record));
	ck_assert(record.history_only);
	ck_assert_uint_eq(record.sequence, 42);
}
END_TEST

START_TEST(mark_is_a_header_and_nothing_more)
{
	uint8_t frame[PR_FRAME_HEADER_LEN];
	struct pr_frame_header header;

	pr_frame_mark_encode(42, frame);
	pr_frame_seal(frame, SEED, 8192);
	ck_assert(pr_frame_header_decode(frame, SEED, &header));
	ck_assert_int_eq(header.kind, PR_FRAME_MARK);
	ck_assert_uint_eq(header.len, PR_FRAME_HEADER_LEN);
	ck_assert_uint_eq(header.sequence, 42);
	ck_assert_uint_eq(header.synced_upto, 8192);
}
END_TEST

/* Frames whose CRCs are right and whose fields are not: what a hostile file would hold. */
static const struct {
	size_t at;
	uint8_t value;
} hostile_header[] = {
	{.at = 8, .value = 0},	   /* kind */
	{.at = 8, .value = 3},	   /* kind */
	{.at = 9, .value = 2},	   /* an unknown flag */
	{.at = 10, .value = 1},	   /* not zero */
	{.at = 7, .value = 0x84},  /* length not a multiple of 8 */
	{.at = 16, .value = 0x7f}, /* sequence too large */
};

START_TEST(frame_header_with_an_undefined_field_is_not_valid)
{
	uint8_t frame[256];
	struct pr_frame_header header;

	sealed_sample(frame, 11);
	frame[hostile_header[_i].at] = hostile_header[_i].value;
	pr_frame_seal(frame, SEED, 4096);
	ck_assert(!pr_frame_header_decode(frame, SEED, &header));
}
END_TEST

START_TEST(frame_too_short_for_its_kind_is_not_valid)
{
	uint8_t frame[256];
	struct pr_frame_header header;

	for (uint32_t len = 0; len < PR_FRAME_HEADER_LEN + PR_FRAME_META_LEN; len += 8) {
		sealed_sample(frame, 11);
		put_be32(frame + 4, len);
		pr_frame_seal(frame, SEED, 4096);
		ck_assert(!pr_frame_header_decode(frame, SEED, &header));
	}
}
END_TEST

static void body_reseal(uint8_t *frame)
{
	size_t body_len = pr_frame_len(frame) - PR_FRAME_HEADER_LEN;

	put_be32(frame + 12, crc32c(0, frame + PR_FRAME_HEADER_LEN, body_len));
	pr_frame_seal(frame, SEED, 4096);
}

static bool sample_decodes(const uint8_t *frame)
{
	struct pr_frame_header header;
	struct pr_journal_record record;

	return pr_frame_header_decode(frame, SEED, &header) &&
	       pr_frame_record_decode(frame, &header, &record);
}

START_TEST(body_with_an_undefined_event_is_not_valid)
{
	uint8_t frame[256];

	sealed_sample(frame, 11);
	body_reseal(frame);
	ck_assert(sample_decodes(frame));
	frame[PR_FRAME_HEADER_LEN] = _i == 0 ? 0 : 4;
	body_reseal(frame);
	ck_assert(!sample_decodes(frame));
}
END_TEST

START_TEST(body_whose_lengths_do_not_add_up_is_not_valid)
{
	uint8_t frame[256];

	sealed_sample(frame, 11);
	put_be32(frame + 32, UINT32_MAX); /* changes */
	body_reseal(frame);
	ck_assert(!sample_decodes(frame));

	sealed_sample(frame, 11);
	put_be32(frame + 32, 0); /* leaves more than padding */
	body_reseal(frame);
	ck_assert(!sample_decodes(frame));

	sealed_sample(frame, 11);
	frame[PR_FRAME_HEADER_LEN + 3] = 255; /* name */
	body_reseal(frame);
	ck_assert(!sample_decodes(frame));
}
END_TEST

START_TEST(body_with_a_nul_in_the_name_is_not_valid)
{
	uint8_t frame[256];

	sealed_sample(frame, 11);
	frame[PR_FRAME_HEADER_LEN + PR_FRAME_META_LEN + 4] = 0;
	body_reseal(frame);
	ck_assert(!sample_decodes(frame));
}
END_TEST

START_TEST(changes_too_long_for_a_frame_have_no_length)
{
	ck_assert_uint_eq(pr_frame_record_len(&sample_meta, UINT32_MAX), 0);
	ck_assert_uint_eq(pr_frame_record_len(&sample_meta, SIZE_MAX), 0);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, file_header_comes_back_as_it_was_written);
	tcase_add_test(tcase, file_header_with_any_bit_flipped_is_not_valid);
	tcase_add_test(tcase, file_header_of_another_version_is_told_apart);
	tcase_add_test(tcase, file_header_with_a_name_too_long_is_damage);
	tcase_add_test(tcase, longest_target_name_fits_the_file_header);
	tcase_add_loop_test(tcase, cut_file_header_is_damage_and_not_foreign, 1, 12);
	tcase_add_loop_test(tcase, record_comes_back_as_it_was_written, 0, 17);
	tcase_add_test(tcase, record_with_any_bit_flipped_is_not_valid);
	tcase_add_test(tcase, header_of_a_frame_stands_without_its_body);
	tcase_add_test(tcase, frame_of_another_file_is_not_valid);
	tcase_add_test(tcase, files_of_one_lun_differ_in_their_seed);
	tcase_add_test(tcase, new_seal_moves_a_frame_to_another_file_as_history);
	tcase_add_test(tcase, mark_is_a_header_and_nothing_more);
	tcase_add_loop_test(tcase, frame_header_with_an_undefined_field_is_not_valid, 0,
			    (int)(sizeof hostile_header / sizeof hostile_header[0]));
	tcase_add_test(tcase, frame_too_short_for_its_kind_is_not_valid);
	tcase_add_loop_test(tcase, body_with_an_undefined_event_is_not_valid, 0, 2);
	tcase_add_test(tcase, body_whose_lengths_do_not_add_up_is_not_valid);
	tcase_add_test(tcase, body_with_a_nul_in_the_name_is_not_valid);
	tcase_add_test(tcase, changes_too_long_for_a_frame_have_no_length);
}

int main(void)
{
	return suite_run("journal_record", fill);
}
