/* VERIFY and WRITE AND VERIFY (10), (12), (16). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

#define BLOCKS 2048 /* more than one chunk of a verify */

static struct fixture *f;
static struct scsi_nexus *a;

static void setup(void)
{
	f = fixture_create(&(struct fixture_config){.blocks = BLOCKS});
	a = fixture_login(f, 'a');
}

static void teardown(void)
{
	fixture_free(&f);
}

static const struct fixture_result *verify_10(uint8_t bytchk, uint8_t lba, uint16_t blocks,
					      const void *out, uint32_t out_len)
{
	return DISK_OUT(f, a, out, out_len, 0x2f, (uint8_t)(bytchk << 1), 0, 0, 0, lba, 0,
			(uint8_t)(blocks >> 8), (uint8_t)blocks, 0);
}

static const struct fixture_result *write_and_verify_10(uint8_t bytchk, uint8_t lba,
							uint16_t blocks, const void *out,
							uint32_t out_len)
{
	return DISK_OUT(f, a, out, out_len, 0x2e, (uint8_t)(bytchk << 1), 0, 0, 0, lba, 0,
			(uint8_t)(blocks >> 8), (uint8_t)blocks, 0);
}

START_TEST(without_bytchk_the_medium_is_read_and_no_data_is_wanted)
{
	const struct fixture_result *result = verify_10(0, 0, BLOCKS, NULL, 0);
	fixture_good(result);
	ck_assert_uint_eq(result->transfer_len, 0);
	/* A flush, and then in parts, so that its length costs no memory. */
	ck_assert_uint_eq(f->disks[0].requests, 1 + BLOCKS * FIXTURE_BLOCK / (256 * 1024));
}
END_TEST

START_TEST(a_last_part_that_is_shorter_ends_where_the_range_does)
{
	/* 1100 blocks up to the very end of the disk: two whole parts and a rest. */
	fixture_lun(f)->mode.write_cache = false;
	fixture_good(DISK_OUT(f, a, NULL, 0, 0x2f, 0, 0, 0, 0x03, 0xb4, 0, 0x04, 0x4c, 0));
	ck_assert_uint_eq(f->disks[0].requests, 3);
}
END_TEST

START_TEST(a_block_that_cannot_be_read_does_not_verify)
{
	fixture_lun(f)->mode.write_cache = false;
	f->disks[0].next_error = -EIO;
	fixture_sense(verify_10(0, 0, 1, NULL, 0), 0x3, 0x11, 0x00);
}
END_TEST

START_TEST(what_is_cached_goes_to_the_medium_before_it_is_verified)
{
	static const uint8_t cdb[] = {0x2f, 0, 0, 0, 0, 0, 0, 0, 1, 0};

	f->disks[0].hold = true;
	struct fixture_task *task =
		fixture_start(f, a, &(struct fixture_command){.cdb = cdb, .cdb_len = 10});
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	ck_assert_int_eq(f->disks[0].held[0]->op, BACKING_FLUSH);
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(task));
	f->disks[0].hold = false;
	f->disks[0].next_error = -EIO;
	fixture_sense(verify_10(0, 0, 1, NULL, 0), 0x3, 0x0c, 0x00);
}
END_TEST

START_TEST(no_other_write_comes_between_the_write_and_its_verify)
{
	static const uint8_t cdb[] = {0x2e, 0x02, 0, 0, 0, 7, 0, 0, 1, 0};
	uint8_t out[512];

	memset(out, 'v', sizeof(out));
	f->disks[0].hold = true;
	struct fixture_task *task = fixture_start(
		f, a,
		&(struct fixture_command){.cdb = cdb, .cdb_len = 10, .out = out, .out_len = 512});
	struct fixture_task *write = fixture_start_write(f, a, 7, 'w', false);
	ck_assert_uint_eq(f->disks[0].held_count, 1); /* the first one's write alone */
	test_disk_release(&f->disks[0]);
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(task));
	fixture_good(fixture_result(write));
	ck_assert(disk_is(f, 7, 1, 'w'));
}
END_TEST

START_TEST(every_verify_compares_byte_for_byte)
{
	uint8_t same[1024], other[1024];

	memset(same, 'v', sizeof(same));
	memcpy(other, same, sizeof(other));
	other[700] = 'x';
	disk_fill(f, 9, 2, 'v');
	fixture_good(verify_10(1, 9, 2, same, 1024));
	fixture_good(DISK_OUT(f, a, same, 1024, 0xaf, 2, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0));
	fixture_good(DISK_OUT(f, a, same, 1024, 0x8f, 2, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0));
	fixture_sense(verify_10(1, 9, 2, other, 1024), 0xe, 0x1d, 0x00);
	ck_assert_uint_eq(disk_sense_information(f), 700);
}
END_TEST

START_TEST(a_difference_in_a_later_part_has_its_offset_in_the_whole)
{
	size_t len = BLOCKS * FIXTURE_BLOCK;
	uint8_t *out = calloc(1, len);

	ck_assert_ptr_nonnull(out);
	for (size_t i = 0; i < len; i++)
		f->disks[0].bytes[i] = out[i] = (uint8_t)(i + i / 4096 * 7 + i / 65536);
	fixture_good(verify_10(1, 0, BLOCKS, out, (uint32_t)len));
	f->disks[0].bytes[600000] ^= 1;
	f->disks[0].bytes[700000] ^= 1;
	fixture_sense(verify_10(1, 0, BLOCKS, out, (uint32_t)len), 0xe, 0x1d, 0x00);
	ck_assert_uint_eq(disk_sense_information(f), 600000);
	free(out);
}
END_TEST

START_TEST(bytchk_3_compares_every_block_with_one)
{
	uint8_t block[512];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)i;
	for (size_t i = 0; i < BLOCKS; i++)
		memcpy(f->disks[0].bytes + i * FIXTURE_BLOCK, block, sizeof(block));
	const struct fixture_result *result = verify_10(3, 0, BLOCKS, block, sizeof(block));
	fixture_good(result);
	ck_assert_uint_eq(result->transfer_len, 512);
	f->disks[0].bytes[1000 * FIXTURE_BLOCK + 5] ^= 1;
	fixture_sense(verify_10(3, 0, BLOCKS, block, sizeof(block)), 0xe, 0x1d, 0x00);
	ck_assert_uint_eq(disk_sense_information(f), 1000 * FIXTURE_BLOCK + 5);
}
END_TEST

START_TEST(bytchk_3_wants_exactly_one_block)
{
	fixture_sense(verify_10(3, 0, 2, NULL, 1024), 0x5, 0x0e, 0x03);
	fixture_sense(verify_10(3, 0, 2, NULL, 0), 0x5, 0x0e, 0x03);
}
END_TEST

START_TEST(bytchk_2_is_reserved)
{
	disk_invalid_cdb(verify_10(2, 0, 1, NULL, 512), 1, 2);
	disk_invalid_cdb(write_and_verify_10(2, 0, 1, NULL, 512), 1, 2);
}
END_TEST

START_TEST(bytchk_3_is_reserved_where_there_is_data_for_every_block)
{
	disk_invalid_cdb(write_and_verify_10(3, 0, 1, NULL, 512), 1, 2);
	ck_assert_uint_eq(f->disks[0].requests, 0);
}
END_TEST

START_TEST(zero_blocks_verify)
{
	fixture_good(verify_10(0, 0, 0, NULL, 0));
	fixture_good(verify_10(1, 0, 0, NULL, 0));
	fixture_good(verify_10(3, 0, 0, NULL, 512));
	fixture_good(write_and_verify_10(1, 0, 0, NULL, 0));
}
END_TEST

START_TEST(ranges_are_checked)
{
	fixture_sense(DISK_OUT(f, a, NULL, 0, 0x2f, 0, 0, 0, 8, 0, 0, 0, 1, 0), 0x5, 0x21, 0x00);
	fixture_sense(DISK_OUT(f, a, NULL, 512, 0x2e, 0, 0, 0, 8, 0, 0, 0, 1, 0), 0x5, 0x21, 0x00);
	fixture_lun(f)->config.transfer_max = FIXTURE_BLOCK;
	disk_invalid_cdb(verify_10(0, 0, 2, NULL, 0), 7, -1);
	disk_invalid_cdb(write_and_verify_10(0, 0, 2, NULL, 1024), 7, -1);
}
END_TEST

START_TEST(too_little_data_verifies_whole_blocks_of_what_there_is)
{
	uint8_t out[512];

	memset(out, 'v', sizeof(out));
	disk_fill(f, 0, 1, 'v');
	const struct fixture_result *result = verify_10(1, 0, 2, out, sizeof(out));
	fixture_good(result);
	ck_assert_uint_eq(result->transfer_len, 1024);
	result = verify_10(1, 0, 2, NULL, 0);
	fixture_good(result);
	ck_assert_uint_eq(result->transfer_len, 1024);
	fixture_sense(verify_10(1, 0, 2, out, 100), 0x5, 0x0e, 0x03);
}
END_TEST

START_TEST(every_write_and_verify_writes_durably_and_reads_back)
{
	static const uint8_t cdb[] = {0x2e, 0x02, 0, 0, 0, 5, 0, 0, 1, 0};
	uint8_t out[512];

	memset(out, 'y', sizeof(out));
	f->disks[0].hold = true;
	struct fixture_task *task = fixture_start(
		f, a,
		&(struct fixture_command){.cdb = cdb, .cdb_len = 10, .out = out, .out_len = 512});
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	ck_assert_int_eq(f->disks[0].held[0]->op, BACKING_WRITE);
	ck_assert(f->disks[0].held[0]->fua);
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(task));
	ck_assert_uint_eq(f->disks[0].requests, 2);
	ck_assert(disk_is(f, 5, 1, 'y'));

	f->disks[0].hold = false;
	fixture_good(DISK_OUT(f, a, out, 512, 0xae, 0, 0, 0, 0, 6, 0, 0, 0, 1, 0, 0));
	fixture_good(DISK_OUT(f, a, out, 512, 0x8e, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0));
	ck_assert(disk_is(f, 5, 3, 'y'));
	ck_assert(disk_is(f, 8, 1, 0));
}
END_TEST

START_TEST(a_write_that_reads_back_as_something_else_miscompares)
{
	static const uint8_t cdb[] = {0x2e, 0x02, 0, 0, 0, 5, 0, 0, 1, 0};

	f->disks[0].hold = true;
	struct fixture_task *task = fixture_start(
		f, a, &(struct fixture_command){.cdb = cdb, .cdb_len = 10, .out_len = 512});
	struct backing_request *write = f->disks[0].held[0];
	/* A disk that loses the write: */
	f->disks[0].held_count = 0;
	disk_fill(f, 5, 1, 'z');
	write->error = 0;
	write->done(write);
	test_disk_release(&f->disks[0]);
	fixture_sense(fixture_result(task), 0xe, 0x1d, 0x00);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, without_bytchk_the_medium_is_read_and_no_data_is_wanted);
	tcase_add_test(tcase, a_last_part_that_is_shorter_ends_where_the_range_does);
	tcase_add_test(tcase, a_block_that_cannot_be_read_does_not_verify);
	tcase_add_test(tcase, what_is_cached_goes_to_the_medium_before_it_is_verified);
	tcase_add_test(tcase, no_other_write_comes_between_the_write_and_its_verify);
	tcase_add_test(tcase, every_verify_compares_byte_for_byte);
	tcase_add_test(tcase, a_difference_in_a_later_part_has_its_offset_in_the_whole);
	tcase_add_test(tcase, bytchk_3_compares_every_block_with_one);
	tcase_add_test(tcase, bytchk_3_wants_exactly_one_block);
	tcase_add_test(tcase, bytchk_2_is_reserved);
	tcase_add_test(tcase, bytchk_3_is_reserved_where_there_is_data_for_every_block);
	tcase_add_test(tcase, zero_blocks_verify);
	tcase_add_test(tcase, ranges_are_checked);
	tcase_add_test(tcase, too_little_data_verifies_whole_blocks_of_what_there_is);
	tcase_add_test(tcase, every_write_and_verify_writes_durably_and_reads_back);
	tcase_add_test(tcase, a_write_that_reads_back_as_something_else_miscompares);
}

int main(void)
{
	return suite_run("target/sbc_verify", fill);
}
