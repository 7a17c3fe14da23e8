/* COMPARE AND WRITE, and how accesses to overlapping blocks wait for it. */
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

static struct fixture *f;
static struct scsi_nexus *a, *b;
static struct test_disk *disk;

static void setup(void)
{
	f = fixture_create(NULL);
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
	disk = &f->disks[0];
}

static void teardown(void)
{
	static const struct sbc_accesses idle;

	ck_assert_mem_eq(&fixture_lun(f)->accesses, &idle, sizeof(idle));
	fixture_free(&f);
}

/* One block: compares with `expected`, writes `fill`. */
static struct fixture_task *start(struct scsi_nexus *nexus, uint8_t lba, uint8_t expected,
				  uint8_t fill)
{
	const uint8_t cdb[16] = {0x89, [9] = lba, [13] = 1};
	uint8_t out[1024];

	memset(out, expected, 512);
	memset(out + 512, fill, 512);
	return fixture_start(
		f, nexus,
		&(struct fixture_command){
			.cdb = cdb, .cdb_len = sizeof(cdb), .out = out, .out_len = sizeof(out)});
}

START_TEST(what_compares_equal_is_written)
{
	disk_fill(f, 4, 3, 'A');
	fixture_good(fixture_result(start(a, 5, 'A', 'B')));
	ck_assert(disk_is(f, 4, 1, 'A'));
	ck_assert(disk_is(f, 5, 1, 'B'));
	ck_assert(disk_is(f, 6, 1, 'A'));
}
END_TEST

START_TEST(what_differs_stays_and_the_offset_is_told)
{
	uint8_t out[2048];

	memset(out, 'A', 1024);
	memset(out + 1024, 'B', 1024);
	disk_fill(f, 5, 2, 'A');
	disk->bytes[5 * 512 + 777] = 'x';
	fixture_sense(DISK_OUT(f, a, out, 2048, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0),
		      0xe, 0x1d, 0x00);
	ck_assert_uint_eq(disk_sense_information(f), 777);
	ck_assert(disk_is(f, 5, 1, 'A'));
	ck_assert_uint_eq(disk->requests, 1);
}
END_TEST

START_TEST(data_must_be_exactly_twice_the_blocks)
{
	fixture_sense(DISK_OUT(f, a, NULL, 1536, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0),
		      0x5, 0x0e, 0x03);
	fixture_sense(DISK_OUT(f, a, NULL, 512, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0),
		      0x5, 0x0e, 0x03);
	ck_assert_uint_eq(disk->requests, 0);
}
END_TEST

START_TEST(zero_blocks_are_nothing_and_zero_for_256_is_refused)
{
	fixture_good(DISK_OUT(f, a, NULL, 0, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0));
	disk_invalid_cdb(
		DISK_OUT(f, a, NULL, 512, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0), 13,
		-1);
}
END_TEST

START_TEST(range_and_limit_are_checked)
{
	fixture_sense(
		DISK_OUT(f, a, NULL, 2048, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 2, 0, 0),
		0x5, 0x21, 0x00);
	fixture_lun(f)->config.transfer_max = 4 * FIXTURE_BLOCK;
	fixture_good(DISK_OUT(f, a, NULL, 2048, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0));
	disk_invalid_cdb(
		DISK_OUT(f, a, NULL, 3072, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0), 13,
		-1);
}
END_TEST

START_TEST(without_a_write_cache_or_with_fua_it_is_durable)
{
	static const uint8_t fua[16] = {0x89, 0x08, [13] = 1};

	disk->hold = true;
	fixture_start(f, a, &(struct fixture_command){.cdb = fua, .cdb_len = 16, .out_len = 1024});
	start(a, 9, 0, 1);
	fixture_lun(f)->mode.write_cache = false;
	start(a, 5, 0, 1);
	ck_assert_uint_eq(disk->held_count, 3);
	/* The reads are done, the writes come. */
	for (unsigned i = 0; i < 3; i++) {
		struct backing_request *read = disk->held[i];
		read->error = 0;
		memset(read->data, 0, read->data_len);
		read->done(read);
	}
	ck_assert_uint_eq(disk->held_count, 6);
	ck_assert(disk->held[3]->fua);
	ck_assert(disk->held[4]->fua); /* as the cache is gone meanwhile */
	ck_assert(disk->held[5]->fua);
	memmove(disk->held, disk->held + 3, 3 * sizeof(disk->held[0]));
	disk->held_count = 3;
	test_disk_release(disk);
}
END_TEST

START_TEST(with_a_write_cache_it_need_not_be_durable)
{
	disk->hold = true;
	start(a, 5, 0, 1);
	struct backing_request *read = disk->held[0];
	disk->held_count = 0;
	read->error = 0;
	memset(read->data, 0, read->data_len);
	read->done(read);
	ck_assert_uint_eq(disk->held_count, 1);
	ck_assert(!disk->held[0]->fua);
	test_disk_release(disk);
}
END_TEST

/* ---- nothing comes in between ---- */

START_TEST(an_overlapping_write_waits_until_it_has_written)
{
	disk_fill(f, 5, 1, 'A');
	disk->hold = true;
	struct fixture_task *first = start(a, 5, 'A', 'B');
	struct fixture_task *second = fixture_start_write(f, b, 5, 'C', false);
	ck_assert_uint_eq(disk->held_count, 1);
	test_disk_release(disk);
	fixture_good(fixture_result(first));
	fixture_good(fixture_result(second));
	/* Whose GOOD left first is of no weight: the blocks say who was first. */
	ck_assert(disk_is(f, 5, 1, 'C'));
}
END_TEST

START_TEST(an_overlapping_read_waits_as_well)
{
	disk_fill(f, 5, 1, 'A');
	disk->hold = true;
	struct fixture_task *first = start(a, 5, 'A', 'B');
	struct fixture_task *second = fixture_start_read(f, b, 5);
	ck_assert_uint_eq(disk->held_count, 1);
	test_disk_release(disk);
	fixture_good(fixture_result(first));
	ck_assert_uint_eq(fixture_result(second)->data[0], 'B');
}
END_TEST

START_TEST(it_waits_for_an_overlapping_write_that_came_first)
{
	disk_fill(f, 5, 1, 'A');
	disk->hold = true;
	struct fixture_task *write = fixture_start_write(f, b, 5, 'C', false);
	struct fixture_task *compare = start(a, 5, 'A', 'B');
	ck_assert_uint_eq(disk->held_count, 1);
	test_disk_release(disk);
	fixture_good(fixture_result(write));
	fixture_sense(fixture_result(compare), 0xe, 0x1d, 0x00);
	ck_assert(disk_is(f, 5, 1, 'C'));
}
END_TEST

START_TEST(other_blocks_do_not_wait)
{
	disk->hold = true;
	start(a, 5, 0, 'B');
	fixture_start_write(f, b, 6, 'C', false);
	fixture_start_write(f, b, 4, 'C', false);
	start(b, 7, 0, 'B');
	ck_assert_uint_eq(disk->held_count, 4);
	test_disk_release(disk);
}
END_TEST

/* No block is ever seen half written. */
START_TEST(a_write_waits_for_overlapping_ones_and_for_reads)
{
	disk_fill(f, 5, 1, 'A');
	disk->hold = true;
	struct fixture_task *read = fixture_start_read(f, a, 5);
	struct fixture_task *same = fixture_start_read(f, b, 5);
	ck_assert_uint_eq(disk->held_count, 2);
	fixture_start_write(f, b, 5, 'C', false);
	fixture_start_write(f, a, 5, 'D', false);
	struct fixture_task *last = fixture_start_read(f, b, 5);
	ck_assert_uint_eq(disk->held_count, 2);
	test_disk_release(disk);
	ck_assert_uint_eq(fixture_result(read)->data[0], 'A');
	ck_assert_uint_eq(fixture_result(same)->data[0], 'A');
	ck_assert_uint_eq(fixture_result(last)->data[0], 'D');
}
END_TEST

/* Regions of blocks are folded: one far away may look near, and one over many is near to all. */
START_TEST(what_only_seems_to_overlap_does_not_wait)
{
	static const uint32_t blocks[] = {0, 127, 128, 129, 200, 255};

	disk->hold = true;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		fixture_start_write(f, i % 2 == 0 ? a : b, blocks[i], 'C', false);
	ck_assert_uint_eq(disk->held_count, sizeof(blocks) / sizeof(blocks[0]));
	test_disk_release(disk);
}
END_TEST

START_TEST(of_two_that_expect_the_same_exactly_one_wins)
{
	disk_fill(f, 5, 1, 'A');
	disk->hold = true;
	struct fixture_task *first = start(a, 5, 'A', '1');
	struct fixture_task *second = start(b, 5, 'A', '2');
	ck_assert_uint_eq(disk->held_count, 1);
	test_disk_release(disk);
	fixture_good(fixture_result(first));
	fixture_sense(fixture_result(second), 0xe, 0x1d, 0x00);
	ck_assert(disk_is(f, 5, 1, '1'));
}
END_TEST

START_TEST(a_long_queue_is_worked_off_in_order)
{
	enum {
		COUNT = 3000
	};
	static struct fixture_task *tasks[COUNT];

	disk_fill(f, 5, 1, 0);
	disk->hold = true;
	for (unsigned i = 0; i < COUNT; i++)
		tasks[i] = start(a, 5, (uint8_t)i, (uint8_t)(i + 1));
	ck_assert_uint_eq(disk->held_count, 1);
	/* From here on the disk completes at once: no recursion may pile up. */
	disk->hold = false;
	test_disk_release(disk);
	for (unsigned i = 0; i < COUNT; i++)
		fixture_good(fixture_result(tasks[i]));
	for (unsigned i = 2; i < COUNT; i++)
		ck_assert_uint_gt(tasks[i]->order, tasks[i - 1]->order);
	ck_assert(disk_is(f, 5, 1, (uint8_t)COUNT));
}
END_TEST

START_TEST(one_that_is_aborted_while_it_waits_touches_nothing)
{
	bool closed;

	disk_fill(f, 5, 1, 'A');
	disk->hold = true;
	struct fixture_task *first = start(a, 5, 'A', 'B');
	struct fixture_task *second = start(b, 5, 'B', 'C');
	fixture_drop(b, &closed);
	test_disk_release(disk);
	ck_assert(closed);
	fixture_good(fixture_result(first));
	ck_assert(fixture_result(second)->aborted);
	ck_assert_uint_eq(disk->requests, 2);
	ck_assert(disk_is(f, 5, 1, 'B'));
}
END_TEST

START_TEST(one_that_is_aborted_between_compare_and_write_does_not_write)
{
	bool closed;

	disk_fill(f, 5, 1, 'A');
	disk->hold = true;
	struct fixture_task *first = start(b, 5, 'A', 'B');
	struct fixture_task *behind = start(a, 5, 'A', 'C');
	fixture_drop(b, &closed);
	ck_assert(!closed);
	test_disk_release(disk);
	ck_assert(closed);
	ck_assert(fixture_result(first)->aborted);
	fixture_good(fixture_result(behind));
	ck_assert(disk_is(f, 5, 1, 'C'));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_compares_equal_is_written);
	tcase_add_test(tcase, what_differs_stays_and_the_offset_is_told);
	tcase_add_test(tcase, data_must_be_exactly_twice_the_blocks);
	tcase_add_test(tcase, zero_blocks_are_nothing_and_zero_for_256_is_refused);
	tcase_add_test(tcase, range_and_limit_are_checked);
	tcase_add_test(tcase, without_a_write_cache_or_with_fua_it_is_durable);
	tcase_add_test(tcase, with_a_write_cache_it_need_not_be_durable);
	tcase_add_test(tcase, an_overlapping_write_waits_until_it_has_written);
	tcase_add_test(tcase, an_overlapping_read_waits_as_well);
	tcase_add_test(tcase, it_waits_for_an_overlapping_write_that_came_first);
	tcase_add_test(tcase, other_blocks_do_not_wait);
	tcase_add_test(tcase, a_write_waits_for_overlapping_ones_and_for_reads);
	tcase_add_test(tcase, what_only_seems_to_overlap_does_not_wait);
	tcase_add_test(tcase, of_two_that_expect_the_same_exactly_one_wins);
	tcase_add_test(tcase, a_long_queue_is_worked_off_in_order);
	tcase_add_test(tcase, one_that_is_aborted_while_it_waits_touches_nothing);
	tcase_add_test(tcase, one_that_is_aborted_between_compare_and_write_does_not_write);
}

int main(void)
{
	return suite_run("target/sbc_compare_and_write", fill);
}
