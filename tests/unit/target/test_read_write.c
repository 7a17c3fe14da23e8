/* READ and WRITE (6), (10), (12), (16). */
#include <errno.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

#define BLOCKS 256

static struct fixture *f;
static struct scsi_nexus *a;

static void setup(void)
{
	f = fixture_create(NULL);
	a = fixture_login(f, 'a');
}

static void teardown(void)
{
	fixture_free(&f);
}

/* READ(10) with every field free. */
static const struct fixture_result *read_10(uint8_t flags, uint32_t lba, uint16_t blocks,
					    uint32_t in_len)
{
	return FIXTURE_CDB(f, a, in_len, 0x28, flags, (uint8_t)(lba >> 24), (uint8_t)(lba >> 16),
			   (uint8_t)(lba >> 8), (uint8_t)lba, 0, (uint8_t)(blocks >> 8),
			   (uint8_t)blocks, 0);
}

static const struct fixture_result *write_10(uint8_t flags, uint8_t lba, uint16_t blocks,
					     const void *out, uint32_t out_len)
{
	return DISK_OUT(f, a, out, out_len, 0x2a, flags, 0, 0, 0, lba, 0, (uint8_t)(blocks >> 8),
			(uint8_t)blocks, 0);
}

static void expect_data(const struct fixture_result *result, size_t len, uint8_t fill)
{
	fixture_good(result);
	ck_assert_uint_eq(result->len, len);
	for (size_t i = 0; i < len; i++)
		ck_assert_uint_eq(result->data[i], fill);
}

START_TEST(every_read_reads_the_blocks_it_names)
{
	disk_fill(f, 7, 2, 'r');
	expect_data(FIXTURE_CDB(f, a, 1024, 0x08, 0, 0, 7, 2, 0), 1024, 'r');
	expect_data(FIXTURE_CDB(f, a, 1024, 0x28, 0, 0, 0, 0, 7, 0, 0, 2, 0), 1024, 'r');
	expect_data(FIXTURE_CDB(f, a, 1024, 0xa8, 0, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0), 1024, 'r');
	expect_data(FIXTURE_CDB(f, a, 1024, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0),
		    1024, 'r');
}
END_TEST

START_TEST(every_write_writes_the_blocks_it_names_and_no_other)
{
	uint8_t out[1024];

	memset(out, 'w', sizeof(out));
	fixture_good(DISK_OUT(f, a, out, 1024, 0x0a, 0, 0, 10, 2, 0));
	fixture_good(DISK_OUT(f, a, out, 1024, 0x2a, 0, 0, 0, 0, 20, 0, 0, 2, 0));
	fixture_good(DISK_OUT(f, a, out, 1024, 0xaa, 0, 0, 0, 0, 30, 0, 0, 0, 2, 0, 0));
	fixture_good(DISK_OUT(f, a, out, 1024, 0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0));
	for (uint32_t lba = 10; lba <= 40; lba += 10) {
		ck_assert(disk_is(f, lba - 1, 1, 0));
		ck_assert(disk_is(f, lba, 2, 'w'));
		ck_assert(disk_is(f, lba + 2, 1, 0));
	}
}
END_TEST

START_TEST(a_length_of_zero_is_256_blocks_in_six_bytes)
{
	disk_fill(f, 0, BLOCKS, 's');
	expect_data(FIXTURE_CDB(f, a, 131072, 0x08, 0, 0, 0, 0, 0), 131072, 's');
	fixture_good(DISK_OUT(f, a, NULL, 131072, 0x0a, 0, 0, 0, 0, 0));
	ck_assert(disk_is(f, 0, BLOCKS, 0));
}
END_TEST

START_TEST(a_length_of_zero_is_nothing_in_all_others)
{
	const struct fixture_result *result = read_10(0, 3, 0, 512);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 0);
	ck_assert_uint_eq(result->transfer_len, 0);
	fixture_good(write_10(0, 3, 0, NULL, 0));
	result = write_10(0, 3, 0, NULL, 512);
	fixture_good(result);
	ck_assert_uint_eq(result->transfer_len, 0);
	ck_assert_uint_eq(f->disks[0].requests, 0);
}
END_TEST

START_TEST(the_last_block_can_be_read_and_the_one_behind_it_cannot)
{
	fixture_good(read_10(0, BLOCKS - 1, 1, 512));
	fixture_sense(read_10(0, BLOCKS, 1, 512), 0x5, 0x21, 0x00);
	fixture_sense(read_10(0, BLOCKS - 1, 2, 1024), 0x5, 0x21, 0x00);
	fixture_good(read_10(0, BLOCKS, 0, 0));
	fixture_sense(read_10(0, BLOCKS + 1, 0, 0), 0x5, 0x21, 0x00);
}
END_TEST

START_TEST(a_range_that_wraps_64_bits_is_out_of_range)
{
	fixture_sense(FIXTURE_CDB(f, a, 1024, 0x88, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				  0xff, 0, 0, 0, 2, 0, 0),
		      0x5, 0x21, 0x00);
	fixture_sense(DISK_OUT(f, a, NULL, 512, 0x8a, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			       0xff, 0, 0, 0, 1, 0, 0),
		      0x5, 0x21, 0x00);
}
END_TEST

START_TEST(more_than_the_maximum_transfer_length_is_refused_at_the_length)
{
	fixture_lun(f)->config.transfer_max = 4 * FIXTURE_BLOCK;
	fixture_good(read_10(0, 0, 4, 2048));
	disk_invalid_cdb(read_10(0, 0, 5, 2560), 7, -1);
	disk_invalid_cdb(FIXTURE_CDB(f, a, 2560, 0x08, 0, 0, 0, 5, 0), 4, -1);
	disk_invalid_cdb(FIXTURE_CDB(f, a, 2560, 0xa8, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0), 6, -1);
	disk_invalid_cdb(
		DISK_OUT(f, a, NULL, 2560, 0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0), 10,
		-1);
	ck_assert_uint_eq(f->disks[0].requests, 1);
}
END_TEST

START_TEST(protection_information_is_refused)
{
	disk_invalid_cdb(read_10(0x20, 0, 1, 512), 1, 5);
	disk_invalid_cdb(write_10(0xe0, 0, 1, NULL, 512), 1, 7);
}
END_TEST

START_TEST(dpo_and_fua_are_accepted)
{
	fixture_good(read_10(0x18, 0, 1, 512));
	fixture_good(write_10(0x18, 0, 1, NULL, 512));
}
END_TEST

/* ---- expected length and CDB disagree ---- */

START_TEST(a_read_sends_no_more_than_is_expected_and_tells_how_much_it_was)
{
	disk_fill(f, 0, 2, 'x');
	const struct fixture_result *result = read_10(0, 0, 2, 512);
	expect_data(result, 512, 'x');
	ck_assert_uint_eq(result->transfer_len, 1024);
	result = read_10(0, 0, 1, 200);
	expect_data(result, 200, 'x');
	ck_assert_uint_eq(result->transfer_len, 512);
	result = read_10(0, 0, 1, 0);
	expect_data(result, 0, 'x');
	ck_assert_uint_eq(result->transfer_len, 512);
	result = read_10(0, 0, 1, 10000);
	expect_data(result, 512, 'x');
	ck_assert_uint_eq(result->transfer_len, 512);
}
END_TEST

START_TEST(a_write_with_too_little_data_writes_whole_blocks_of_what_there_is)
{
	uint8_t out[512];

	memset(out, 'b', sizeof(out));
	const struct fixture_result *result = write_10(0, 0, 2, out, 512);
	fixture_good(result);
	ck_assert_uint_eq(result->transfer_len, 1024);
	ck_assert(disk_is(f, 0, 1, 'b'));
	ck_assert(disk_is(f, 1, 1, 0));
}
END_TEST

START_TEST(a_write_without_data_writes_nothing_and_tells_how_much_it_was)
{
	disk_fill(f, 0, 1, 'k');
	const struct fixture_result *result = write_10(0, 0, 1, NULL, 0);
	fixture_good(result);
	ck_assert_uint_eq(result->transfer_len, 512);
	ck_assert(result->wants_data_out);
	ck_assert(disk_is(f, 0, 1, 'k'));
}
END_TEST

START_TEST(a_write_of_a_part_of_a_block_is_refused)
{
	disk_fill(f, 0, 1, 'k');
	const struct fixture_result *result = write_10(0, 0, 1, NULL, 200);
	fixture_sense(result, 0x5, 0x0e, 0x03);
	ck_assert_uint_eq(result->transfer_len, 512);
	ck_assert(disk_is(f, 0, 1, 'k'));
}
END_TEST

START_TEST(a_write_with_too_much_data_writes_what_the_cdb_says)
{
	uint8_t out[1024];

	memset(out, 'b', sizeof(out));
	const struct fixture_result *result = write_10(0, 0, 1, out, sizeof(out));
	fixture_good(result);
	ck_assert_uint_eq(result->transfer_len, 512);
	ck_assert(disk_is(f, 0, 1, 'b'));
	ck_assert(disk_is(f, 1, 1, 0));
}
END_TEST

/* ---- durability and errors ---- */

static bool held_write_is_durable(void)
{
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	bool fua = f->disks[0].held[0]->fua;
	test_disk_release(&f->disks[0]);
	return fua;
}

START_TEST(only_fua_or_no_write_cache_make_a_write_durable)
{
	static const uint8_t plain[] = {0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0};
	static const uint8_t fua[] = {0x2a, 0x08, 0, 0, 0, 0, 0, 0, 1, 0};
	struct fixture_command command = {.cdb = plain, .cdb_len = 10, .out_len = 512};

	f->disks[0].hold = true;
	fixture_start(f, a, &command);
	ck_assert(!held_write_is_durable());
	command.cdb = fua;
	fixture_start(f, a, &command);
	ck_assert(held_write_is_durable());
	command.cdb = plain;
	fixture_lun(f)->mode.write_cache = false;
	fixture_start(f, a, &command);
	ck_assert(held_write_is_durable());
}
END_TEST

START_TEST(errors_of_the_disk_become_sense_data_without_data)
{
	f->disks[0].next_error = -EIO;
	const struct fixture_result *result = read_10(0, 0, 1, 512);
	fixture_sense(result, 0x3, 0x11, 0x00);
	ck_assert_uint_eq(result->len, 0);
	f->disks[0].next_error = -EIO;
	fixture_sense(write_10(0, 0, 1, NULL, 512), 0x3, 0x0c, 0x00);
	f->disks[0].next_error = -ENOSPC;
	fixture_sense(write_10(0, 0, 1, NULL, 512), 0x7, 0x27, 0x07);
	f->disks[0].next_error = -ENOMEM;
	fixture_sense(read_10(0, 0, 1, 512), 0x5, 0x55, 0x03);
}
END_TEST

/* ---- at once --------------------------------------------------------------------------------- */

static struct {
	struct backing_ops ops;
	unsigned calls;
	int error;
} quick;

static int quick_at_once(struct backing *backing, enum backing_op op, uint64_t offset,
			 uint8_t *data, size_t len)
{
	struct test_disk *disk = (struct test_disk *)backing;

	quick.calls++;
	if (quick.error != 0)
		return quick.error;
	if (op == BACKING_WRITE)
		memcpy(disk->bytes + offset, data, len);
	else
		memcpy(data, disk->bytes + offset, len);
	return 0;
}

/* LUN 0's disk can do things at once, or says why not. */
static void make_quick(int error)
{
	quick.ops = *f->disks[0].backing.ops;
	quick.ops.at_once = quick_at_once;
	quick.calls = 0;
	quick.error = error;
	f->disks[0].backing.ops = &quick.ops;
}

START_TEST(what_can_be_done_at_once_is_not_submitted)
{
	make_quick(0);
	fixture_good(write_10(0, 3, 1, NULL, 512));
	disk_fill(f, 3, 1, 'q');
	expect_data(read_10(0, 3, 1, 512), 512, 'q');
	ck_assert_uint_eq(quick.calls, 2);
	ck_assert_uint_eq(f->disks[0].requests, 0);
}
END_TEST

START_TEST(what_would_wait_is_submitted)
{
	make_quick(-EAGAIN);
	disk_fill(f, 3, 1, 'q');
	expect_data(read_10(0, 3, 1, 512), 512, 'q');
	fixture_good(write_10(0, 3, 1, NULL, 512));
	ck_assert_uint_eq(quick.calls, 2);
	ck_assert_uint_eq(f->disks[0].requests, 2);
}
END_TEST

START_TEST(an_error_at_once_becomes_sense_data_without_data)
{
	make_quick(-EIO);
	const struct fixture_result *result = read_10(0, 0, 1, 512);
	fixture_sense(result, 0x3, 0x11, 0x00);
	ck_assert_uint_eq(result->len, 0);
	fixture_sense(write_10(0, 0, 1, NULL, 512), 0x3, 0x0c, 0x00);
	ck_assert_uint_eq(f->disks[0].requests, 0);
}
END_TEST

/* Whoever is there may have the blocks, or the medium to itself. */
START_TEST(nothing_is_done_at_once_beside_another_access_to_its_blocks)
{
	make_quick(0);
	f->disks[0].hold = true;
	fixture_lun(f)->mode.write_cache = false; /* so it is durable, and submitted */
	struct fixture_task *write = fixture_start_write(f, a, 3, 'w', false);
	fixture_lun(f)->mode.write_cache = true;
	struct fixture_task *read = fixture_start_read(f, a, 3);
	ck_assert_uint_eq(quick.calls, 0);
	test_disk_release(&f->disks[0]);
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(write));
	expect_data(fixture_result(read), 512, 'w');
}
END_TEST

START_TEST(what_is_apart_from_all_others_is_done_at_once)
{
	make_quick(0);
	f->disks[0].hold = true;
	fixture_lun(f)->mode.write_cache = false; /* so it is durable, and submitted */
	struct fixture_task *write = fixture_start_write(f, a, 3, 'w', false);
	fixture_lun(f)->mode.write_cache = true;
	disk_fill(f, 200, 1, 'q');
	struct fixture_task *read = fixture_start_read(f, a, 200);
	ck_assert_uint_eq(quick.calls, 1);
	expect_data(fixture_result(read), 512, 'q');
	test_disk_release(&f->disks[0]);
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(write));
}
END_TEST

/* Of another nexus: it has its turn before all that come later. */
START_TEST(nothing_is_done_at_once_beside_an_ordered_command)
{
	const uint8_t cdb[] = {0x28, 0, 0, 0, 0, 3, 0, 0, 1, 0};
	struct scsi_nexus *b = fixture_login(f, 'b');

	fixture_drain_unit_attentions(f, b);
	make_quick(-EAGAIN);
	f->disks[0].hold = true;
	struct fixture_task *ordered =
		fixture_start(f, b,
			      &(struct fixture_command){.cdb = cdb,
							.cdb_len = sizeof(cdb),
							.in_len = 512,
							.attribute = SCSI_ATTRIBUTE_ORDERED});
	make_quick(0);
	struct fixture_task *read = fixture_start_read(f, a, 200);
	ck_assert_uint_eq(quick.calls, 0);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(ordered));
	fixture_good(fixture_result(read));
}
END_TEST

START_TEST(nothing_is_done_at_once_beside_one_of_all_blocks)
{
	const uint8_t cdb[] = {0x41, 0, 0, 0, 0, 0, 0, 0x08, 0, 0};
	const uint8_t block[512] = {0};

	teardown();
	f = fixture_create(&(struct fixture_config){.blocks = 4096});
	a = fixture_login(f, 'a');
	make_quick(0);
	f->disks[0].hold = true;
	struct fixture_task *same = fixture_start(
		f, a,
		&(struct fixture_command){
			.cdb = cdb, .cdb_len = sizeof(cdb), .out = block, .out_len = 512});
	struct fixture_task *read = fixture_start_read(f, a, 4000);
	ck_assert_uint_eq(quick.calls, 0);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(same));
	fixture_good(fixture_result(read));
}
END_TEST

START_TEST(what_must_be_on_the_medium_is_not_done_at_once)
{
	make_quick(0);
	fixture_good(write_10(0x08, 3, 1, NULL, 512));
	fixture_good(read_10(0x08, 3, 1, 512));
	ck_assert_uint_eq(quick.calls, 0);
}
END_TEST

START_TEST(a_write_protected_lun_is_not_written)
{
	fixture_lun(f)->mode.software_write_protect = true;
	fixture_sense(write_10(0, 0, 1, NULL, 512), 0x7, 0x27, 0x00);
	fixture_good(read_10(0, 0, 1, 512));
	ck_assert_uint_eq(f->disks[0].requests, 1);
}
END_TEST

/* What the disk is asked for first by a READ, with the disk stopped. */
static enum backing_op first_request_of_read(uint8_t flags)
{
	const uint8_t cdb[] = {0x28, flags, 0, 0, 0, 0, 0, 0, 1, 0};

	f->disks[0].hold = true;
	struct fixture_task *task = fixture_start(
		f, a, &(struct fixture_command){.cdb = cdb, .cdb_len = 10, .in_len = 512});
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	enum backing_op op = f->disks[0].held[0]->op;
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(task));
	return op;
}

START_TEST(a_read_that_wants_the_medium_flushes_the_cache_first)
{
	ck_assert_int_eq(first_request_of_read(0), BACKING_READ);
	ck_assert_int_eq(first_request_of_read(0x10), BACKING_READ); /* DPO */
	ck_assert_int_eq(first_request_of_read(0x08), BACKING_FLUSH);
	fixture_lun(f)->mode.read_cache_disable = true;
	ck_assert_int_eq(first_request_of_read(0), BACKING_FLUSH);
	fixture_lun(f)->mode.write_cache = false;
	ck_assert_int_eq(first_request_of_read(0x08), BACKING_READ);
}
END_TEST

START_TEST(any_group_number_will_do)
{
	fixture_good(FIXTURE_CDB(f, a, 512, 0x28, 0, 0, 0, 0, 0, 0x1f, 0, 1, 0));
	fixture_good(FIXTURE_CDB(f, a, 512, 0xa8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x1f, 0));
	fixture_good(FIXTURE_CDB(f, a, 512, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x1f, 0));
	disk_invalid_cdb(FIXTURE_CDB(f, a, 512, 0x28, 0, 0, 0, 0, 0, 0x20, 0, 1, 0), 6, 5);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_read_that_wants_the_medium_flushes_the_cache_first);
	tcase_add_test(tcase, any_group_number_will_do);
	tcase_add_test(tcase, every_read_reads_the_blocks_it_names);
	tcase_add_test(tcase, every_write_writes_the_blocks_it_names_and_no_other);
	tcase_add_test(tcase, a_length_of_zero_is_256_blocks_in_six_bytes);
	tcase_add_test(tcase, a_length_of_zero_is_nothing_in_all_others);
	tcase_add_test(tcase, the_last_block_can_be_read_and_the_one_behind_it_cannot);
	tcase_add_test(tcase, a_range_that_wraps_64_bits_is_out_of_range);
	tcase_add_test(tcase, more_than_the_maximum_transfer_length_is_refused_at_the_length);
	tcase_add_test(tcase, protection_information_is_refused);
	tcase_add_test(tcase, dpo_and_fua_are_accepted);
	tcase_add_test(tcase, a_read_sends_no_more_than_is_expected_and_tells_how_much_it_was);
	tcase_add_test(tcase, a_write_with_too_little_data_writes_whole_blocks_of_what_there_is);
	tcase_add_test(tcase, a_write_without_data_writes_nothing_and_tells_how_much_it_was);
	tcase_add_test(tcase, a_write_of_a_part_of_a_block_is_refused);
	tcase_add_test(tcase, a_write_with_too_much_data_writes_what_the_cdb_says);
	tcase_add_test(tcase, only_fua_or_no_write_cache_make_a_write_durable);
	tcase_add_test(tcase, errors_of_the_disk_become_sense_data_without_data);
	tcase_add_test(tcase, what_can_be_done_at_once_is_not_submitted);
	tcase_add_test(tcase, what_would_wait_is_submitted);
	tcase_add_test(tcase, an_error_at_once_becomes_sense_data_without_data);
	tcase_add_test(tcase, nothing_is_done_at_once_beside_another_access_to_its_blocks);
	tcase_add_test(tcase, what_is_apart_from_all_others_is_done_at_once);
	tcase_add_test(tcase, nothing_is_done_at_once_beside_an_ordered_command);
	tcase_add_test(tcase, nothing_is_done_at_once_beside_one_of_all_blocks);
	tcase_add_test(tcase, what_must_be_on_the_medium_is_not_done_at_once);
	tcase_add_test(tcase, a_write_protected_lun_is_not_written);
}

int main(void)
{
	return suite_run("target/sbc_read_write", fill);
}
