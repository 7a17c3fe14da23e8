/* WRITE SAME (10), (16). */
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

#define ANCHOR 0x10
#define UNMAP  0x08
#define NDOB   0x01

static struct fixture *f;
static struct scsi_nexus *a;
static uint8_t block[2 * FIXTURE_BLOCK]; /* the second one is too much */

static void setup(void)
{
	f = fixture_create(NULL);
	a = fixture_login(f, 'a');
	memset(block, 's', sizeof(block));
	disk_fill(f, 0, 256, 'k');
}

static void teardown(void)
{
	fixture_free(&f);
}

static const struct fixture_result *write_same_10(uint8_t flags, uint8_t lba, uint16_t blocks,
						  uint32_t out_len)
{
	return DISK_OUT(f, a, block, out_len, 0x41, flags, 0, 0, 0, lba, 0, (uint8_t)(blocks >> 8),
			(uint8_t)blocks, 0);
}

static const struct fixture_result *write_same_16(uint8_t flags, uint8_t lba, uint16_t blocks,
						  uint32_t out_len)
{
	return DISK_OUT(f, a, block, out_len, 0x93, flags, 0, 0, 0, 0, 0, 0, 0, lba, 0, 0,
			(uint8_t)(blocks >> 8), (uint8_t)blocks, 0, 0);
}

/* What the disk is asked for, with the disk stopped. */
static struct backing_request request_for(uint8_t flags, bool zeros)
{
	const uint8_t cdb[16] = {0x93, flags, [9] = 1, [13] = 2};

	if (zeros)
		memset(block, 0, sizeof(block));
	f->disks[0].hold = true;
	fixture_start(f, a,
		      &(struct fixture_command){.cdb = cdb,
						.cdb_len = sizeof(cdb),
						.out = block,
						.out_len = (flags & NDOB) ? 0 : FIXTURE_BLOCK});
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	struct backing_request request = *f->disks[0].held[0];
	test_disk_release(&f->disks[0]);
	return request;
}

START_TEST(both_fill_the_range_with_one_block)
{
	fixture_good(write_same_10(0, 10, 20, 512));
	ck_assert(disk_is(f, 9, 1, 'k'));
	ck_assert(disk_is(f, 10, 20, 's'));
	ck_assert(disk_is(f, 30, 1, 'k'));
	fixture_good(write_same_16(0, 100, 156, 512));
	ck_assert(disk_is(f, 99, 1, 'k'));
	ck_assert(disk_is(f, 100, 156, 's'));
}
END_TEST

START_TEST(exactly_one_block_of_data_is_wanted)
{
	fixture_sense(write_same_10(0, 0, 2, 256), 0x5, 0x0e, 0x03);
	fixture_sense(write_same_10(0, 0, 2, 1024), 0x5, 0x0e, 0x03);
	fixture_sense(write_same_16(0, 0, 2, 0), 0x5, 0x0e, 0x03);
	ck_assert(disk_is(f, 0, 256, 'k'));
}
END_TEST

START_TEST(zero_blocks_is_not_up_to_the_end)
{
	disk_invalid_cdb(write_same_10(0, 0, 0, 512), 7, -1);
	disk_invalid_cdb(write_same_16(0, 0, 0, 512), 10, -1);
	/* A bad address is told first. */
	fixture_sense(DISK_OUT(f, a, block, 512, 0x41, 0, 0, 0, 1, 1, 0, 0, 0, 0), 0x5, 0x21, 0x00);
}
END_TEST

START_TEST(zero_blocks_is_up_to_the_end_where_that_is_permitted)
{
	fixture_lun(f)->config.write_same_to_end = true;
	fixture_good(write_same_10(0, 200, 0, 512));
	ck_assert(disk_is(f, 0, 200, 'k'));
	ck_assert(disk_is(f, 200, 56, 's'));
	fixture_good(write_same_16(0, 100, 0, 512));
	ck_assert(disk_is(f, 0, 100, 'k'));
	ck_assert(disk_is(f, 100, 156, 's'));
	fixture_good(write_same_16(UNMAP | NDOB, 0, 0, 0));
	ck_assert(disk_is(f, 0, 256, 0));
	/* One block at least, and not more than with a number. */
	fixture_lun(f)->config.transfer_max = 4 * FIXTURE_BLOCK;
	fixture_good(write_same_10(0, 252, 0, 512));
	disk_invalid_cdb(write_same_10(0, 251, 0, 512), 7, -1);
	fixture_sense(DISK_OUT(f, a, block, 512, 0x41, 0, 0, 0, 1, 0, 0, 0, 0, 0), 0x5, 0x21, 0x00);
	fixture_sense(DISK_OUT(f, a, block, 512, 0x41, 0, 0, 0, 1, 1, 0, 0, 0, 0), 0x5, 0x21, 0x00);
}
END_TEST

START_TEST(range_and_limit_are_checked)
{
	fixture_sense(write_same_10(0, 255, 2, 512), 0x5, 0x21, 0x00);
	fixture_lun(f)->config.transfer_max = 4 * FIXTURE_BLOCK;
	fixture_good(write_same_16(0, 0, 4, 512));
	disk_invalid_cdb(write_same_16(0, 0, 5, 512), 10, -1);
}
END_TEST

START_TEST(unmap_with_a_block_of_zeros_unmaps)
{
	ck_assert_int_eq(request_for(UNMAP, true).op, BACKING_UNMAP);
	ck_assert(disk_is(f, 1, 2, 0));
}
END_TEST

START_TEST(unmap_with_any_other_block_writes_it)
{
	memset(block, 0, sizeof(block));
	block[511] = 1;
	ck_assert_int_eq(request_for(UNMAP, false).op, BACKING_WRITE_SAME);
	ck_assert_uint_eq(f->disks[0].bytes[2 * FIXTURE_BLOCK + 511], 1);
}
END_TEST

START_TEST(zeros_without_unmap_are_written)
{
	ck_assert_int_eq(request_for(0, true).op, BACKING_WRITE_SAME);
}
END_TEST

START_TEST(without_a_data_out_buffer_the_block_is_zeros)
{
	ck_assert_int_eq(request_for(NDOB, false).op, BACKING_WRITE_SAME);
	ck_assert(disk_is(f, 1, 2, 0));
	ck_assert_int_eq(request_for(NDOB | UNMAP, false).op, BACKING_UNMAP);
}
END_TEST

START_TEST(ndob_belongs_to_the_16_byte_command_alone)
{
	disk_invalid_cdb(write_same_10(NDOB, 0, 1, 512), 1, 0);
}
END_TEST

START_TEST(without_a_write_cache_it_is_durable)
{
	ck_assert(!request_for(0, false).fua);
	fixture_lun(f)->mode.write_cache = false;
	ck_assert(request_for(0, false).fua);
	ck_assert(request_for(UNMAP, true).fua);
}
END_TEST

START_TEST(anchor_is_refused_with_unmap_and_without)
{
	disk_invalid_cdb(write_same_10(ANCHOR, 0, 1, 512), 1, 4);
	disk_invalid_cdb(write_same_16(ANCHOR | UNMAP, 0, 1, 512), 1, 4);
}
END_TEST

START_TEST(a_fully_provisioned_lun_refuses_unmap_alone)
{
	fixture_lun(f)->config.thin = false;
	disk_invalid_cdb(write_same_16(UNMAP, 0, 1, 512), 1, 3);
	fixture_good(write_same_16(0, 0, 1, 512));
}
END_TEST

START_TEST(protection_information_is_refused)
{
	disk_invalid_cdb(write_same_16(0x20, 0, 1, 512), 1, 5);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, both_fill_the_range_with_one_block);
	tcase_add_test(tcase, exactly_one_block_of_data_is_wanted);
	tcase_add_test(tcase, zero_blocks_is_not_up_to_the_end);
	tcase_add_test(tcase, zero_blocks_is_up_to_the_end_where_that_is_permitted);
	tcase_add_test(tcase, range_and_limit_are_checked);
	tcase_add_test(tcase, unmap_with_a_block_of_zeros_unmaps);
	tcase_add_test(tcase, unmap_with_any_other_block_writes_it);
	tcase_add_test(tcase, zeros_without_unmap_are_written);
	tcase_add_test(tcase, without_a_data_out_buffer_the_block_is_zeros);
	tcase_add_test(tcase, ndob_belongs_to_the_16_byte_command_alone);
	tcase_add_test(tcase, without_a_write_cache_it_is_durable);
	tcase_add_test(tcase, anchor_is_refused_with_unmap_and_without);
	tcase_add_test(tcase, a_fully_provisioned_lun_refuses_unmap_alone);
	tcase_add_test(tcase, protection_information_is_refused);
}

int main(void)
{
	return suite_run("target/sbc_unmap: WRITE SAME", fill);
}
