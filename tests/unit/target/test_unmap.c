/* UNMAP. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/sbc.h"
#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

static struct fixture *f;
static struct scsi_nexus *a;

static void setup(void)
{
	f = fixture_create(NULL);
	a = fixture_login(f, 'a');
	disk_fill(f, 0, 256, 'm');
}

static void teardown(void)
{
	fixture_free(&f);
}

struct range {
	uint64_t lba;
	uint32_t blocks;
};

static size_t put_list(uint8_t *list, const struct range *ranges, size_t count)
{
	memset(list, 0, 8 + 16 * count);
	put_be16(list, (uint16_t)(6 + 16 * count));
	put_be16(list + 2, (uint16_t)(16 * count));
	for (size_t i = 0; i < count; i++) {
		put_be64(list + 8 + 16 * i, ranges[i].lba);
		put_be32(list + 8 + 16 * i + 8, ranges[i].blocks);
	}
	return 8 + 16 * count;
}

static const struct fixture_result *unmap_list(const uint8_t *list, size_t cdb_len, size_t out_len)
{
	return DISK_OUT(f, a, list, out_len, 0x42, 0, 0, 0, 0, 0, 0, (uint8_t)(cdb_len >> 8),
			(uint8_t)cdb_len, 0);
}

static const struct fixture_result *unmap_ranges(const struct range *ranges, size_t count)
{
	uint8_t *list = malloc(8 + 16 * count);

	ck_assert_ptr_nonnull(list);
	size_t len = put_list(list, ranges, count);
	const struct fixture_result *result = unmap_list(list, len, len);
	free(list);
	return result;
}

START_TEST(all_ranges_are_unmapped_and_nothing_else)
{
	const struct range ranges[] = {{10, 2}, {0, 0}, {100, 1}, {255, 1}};

	fixture_good(unmap_ranges(ranges, 4));
	ck_assert(disk_is(f, 0, 10, 'm'));
	ck_assert(disk_is(f, 10, 2, 0));
	ck_assert(disk_is(f, 12, 88, 'm'));
	ck_assert(disk_is(f, 100, 1, 0));
	ck_assert(disk_is(f, 255, 1, 0));
	ck_assert_uint_eq(f->disks[0].requests, 3);
}
END_TEST

START_TEST(nothing_to_unmap_is_no_error)
{
	uint8_t list[8];

	fixture_good(unmap_list(NULL, 0, 0));
	fixture_good(unmap_list(list, put_list(list, NULL, 0), 8));
	fixture_good(unmap_ranges(&(struct range){5, 0}, 1));
	ck_assert_uint_eq(f->disks[0].requests, 0);
}
END_TEST

START_TEST(one_range_out_of_bounds_stops_all_of_them)
{
	const struct range past[] = {{10, 2}, {255, 2}};
	const struct range wraps[] = {{10, 2}, {UINT64_MAX, 1}};

	fixture_sense(unmap_ranges(past, 2), 0x5, 0x21, 0x00);
	fixture_sense(unmap_ranges(wraps, 2), 0x5, 0x21, 0x00);
	ck_assert(disk_is(f, 0, 256, 'm'));
}
END_TEST

START_TEST(the_limits_of_the_block_limits_page_are_kept)
{
	static struct range ranges[SBC_UNMAP_MAX_DESCRIPTORS + 1];

	for (size_t i = 0; i <= SBC_UNMAP_MAX_DESCRIPTORS; i++)
		ranges[i] = (struct range){i % 256, 1};
	fixture_good(unmap_ranges(ranges, SBC_UNMAP_MAX_DESCRIPTORS));
	disk_invalid_parameter(unmap_ranges(ranges, SBC_UNMAP_MAX_DESCRIPTORS + 1), 2, -1);
	/* The second one is too much: its number of blocks is pointed at. */
	fixture_lun(f)->blocks = 2 * (uint64_t)SBC_UNMAP_MAX_BLOCKS;
	ranges[0] = (struct range){0, SBC_UNMAP_MAX_BLOCKS};
	disk_invalid_parameter(unmap_ranges(ranges, 2), 8 + 16 + 8, -1);
}
END_TEST

START_TEST(a_list_that_is_not_all_there_is_refused)
{
	const struct range ranges[] = {{10, 2}, {20, 2}};
	uint8_t list[40];
	size_t len = put_list(list, ranges, 2);

	fixture_sense(unmap_list(list, 7, 7), 0x5, 0x1a, 0x00);
	fixture_sense(unmap_list(list, len - 1, len - 1), 0x5, 0x1a, 0x00);
	fixture_sense(unmap_list(list, len, 24), 0x5, 0x1a, 0x00);
	fixture_sense(unmap_list(list, len, 0), 0x5, 0x1a, 0x00);
	ck_assert(disk_is(f, 0, 256, 'm'));
}
END_TEST

START_TEST(a_list_too_short_for_its_header_is_not_even_asked_for)
{
	static const uint8_t cdb[10] = {0x42, [8] = 7};
	struct fixture_task *task =
		fixture_start(f, a,
			      &(struct fixture_command){
				      .cdb = cdb, .cdb_len = 10, .out_len = 7, .hold_data = true});

	fixture_sense(fixture_result(task), 0x5, 0x1a, 0x00);
}
END_TEST

START_TEST(without_a_write_cache_it_is_durable)
{
	static const uint8_t cdb[10] = {0x42, [8] = 24};
	uint8_t list[24];

	put_list(list, &(struct range){10, 2}, 1);
	fixture_lun(f)->mode.write_cache = false;
	f->disks[0].hold = true;
	fixture_start(
		f, a,
		&(struct fixture_command){.cdb = cdb, .cdb_len = 10, .out = list, .out_len = 24});
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	ck_assert(f->disks[0].held[0]->fua);
	test_disk_release(&f->disks[0]);
}
END_TEST

START_TEST(an_incomplete_last_descriptor_is_ignored)
{
	const struct range ranges[] = {{10, 2}, {20, 2}};
	uint8_t list[40];

	put_list(list, ranges, 2);
	put_be16(list + 2, 31);
	fixture_good(unmap_list(list, 39, 39));
	ck_assert(disk_is(f, 10, 2, 0));
	ck_assert(disk_is(f, 20, 2, 'm'));
}
END_TEST

START_TEST(anchor_is_refused)
{
	disk_invalid_cdb(DISK_OUT(f, a, NULL, 24, 0x42, 1, 0, 0, 0, 0, 0, 0, 24, 0), 1, 0);
}
END_TEST

START_TEST(a_fully_provisioned_lun_has_no_unmap)
{
	fixture_lun(f)->config.thin = false;
	fixture_sense(unmap_ranges(&(struct range){0, 1}, 1), 0x5, 0x20, 0x00);
}
END_TEST

START_TEST(an_error_ends_the_command_where_it_happens)
{
	const struct range ranges[] = {{10, 2}, {20, 2}};

	f->disks[0].next_error = -EIO;
	fixture_sense(unmap_ranges(ranges, 2), 0x3, 0x0c, 0x00);
	ck_assert_uint_eq(f->disks[0].requests, 1);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, all_ranges_are_unmapped_and_nothing_else);
	tcase_add_test(tcase, nothing_to_unmap_is_no_error);
	tcase_add_test(tcase, one_range_out_of_bounds_stops_all_of_them);
	tcase_add_test(tcase, the_limits_of_the_block_limits_page_are_kept);
	tcase_add_test(tcase, a_list_that_is_not_all_there_is_refused);
	tcase_add_test(tcase, a_list_too_short_for_its_header_is_not_even_asked_for);
	tcase_add_test(tcase, without_a_write_cache_it_is_durable);
	tcase_add_test(tcase, an_incomplete_last_descriptor_is_ignored);
	tcase_add_test(tcase, anchor_is_refused);
	tcase_add_test(tcase, a_fully_provisioned_lun_has_no_unmap);
	tcase_add_test(tcase, an_error_ends_the_command_where_it_happens);
}

int main(void)
{
	return suite_run("target/sbc_unmap: UNMAP", fill);
}
