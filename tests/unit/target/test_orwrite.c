/* ORWRITE (16). */
#include <errno.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

static struct fixture *f;
static struct scsi_nexus *a;
static uint8_t out[4 * FIXTURE_BLOCK];

static void setup(void)
{
	f = fixture_create(NULL);
	a = fixture_login(f, 'a');
	memset(out, 0x5a, sizeof(out));
	disk_fill(f, 0, 256, 0xa1);
}

static void teardown(void)
{
	fixture_free(&f);
}

static const struct fixture_result *orwrite(uint8_t flags, uint16_t lba, uint8_t blocks,
					    uint32_t out_len)
{
	return DISK_OUT(f, a, out, out_len, 0x8b, flags, 0, 0, 0, 0, 0, 0, (uint8_t)(lba >> 8),
			(uint8_t)lba, 0, 0, 0, blocks, 0, 0);
}

static struct fixture_task *start(uint8_t flags)
{
	const uint8_t cdb[16] = {0x8b, flags, [9] = 4, [13] = 1};

	return fixture_start(
		f, a,
		&(struct fixture_command){.cdb = cdb, .cdb_len = 16, .out = out, .out_len = 512});
}

START_TEST(it_sets_bits_and_clears_none)
{
	fixture_good(orwrite(0, 10, 2, 1024));
	ck_assert(disk_is(f, 9, 1, 0xa1));
	ck_assert(disk_is(f, 10, 2, 0xfb));
	ck_assert(disk_is(f, 12, 1, 0xa1));
}
END_TEST

START_TEST(no_blocks_are_no_error)
{
	fixture_good(orwrite(0, 10, 0, 0));
	fixture_good(orwrite(0, 256, 0, 0));
	ck_assert_uint_eq(f->disks[0].requests, 0);
}
END_TEST

START_TEST(the_range_is_checked_up_to_the_wrap)
{
	fixture_good(orwrite(0, 255, 1, 512));
	fixture_sense(orwrite(0, 255, 2, 1024), 0x5, 0x21, 0x00);
	fixture_sense(orwrite(0, 257, 0, 0), 0x5, 0x21, 0x00);
	fixture_sense(DISK_OUT(f, a, out, 1024, 0x8b, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			       0xff, 0, 0, 0, 2, 0, 0),
		      0x5, 0x21, 0x00);
	/* 2^32 blocks further: the low half of the address would be fine. */
	fixture_sense(DISK_OUT(f, a, out, 512, 0x8b, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0),
		      0x5, 0x21, 0x00);
}
END_TEST

START_TEST(more_than_the_maximum_transfer_length_is_refused)
{
	fixture_lun(f)->config.transfer_max = 2 * FIXTURE_BLOCK;
	fixture_good(orwrite(0, 0, 2, 1024));
	disk_invalid_cdb(orwrite(0, 0, 3, 1536), 10, -1);
}
END_TEST

START_TEST(what_is_not_sent_is_not_written)
{
	const struct fixture_result *result = orwrite(0, 0, 2, 512);

	fixture_good(result);
	ck_assert_uint_eq(result->transfer_len, 1024);
	ck_assert(disk_is(f, 0, 1, 0xfb));
	ck_assert(disk_is(f, 1, 1, 0xa1));
	fixture_sense(orwrite(0, 0, 2, 700), 0x5, 0x0e, 0x03);
}
END_TEST

START_TEST(fua_makes_it_durable)
{
	for (unsigned fua = 0; fua < 2; fua++) {
		f->disks[0].hold = true;
		struct fixture_task *task = start(fua ? 0x08 : 0);
		struct backing_request *read = f->disks[0].held[0];
		ck_assert_int_eq(read->op, BACKING_READ);
		/* The read alone: it completes, and the write is held. */
		f->disks[0].held_count = 0;
		read->error = 0;
		read->done(read);
		ck_assert_uint_eq(f->disks[0].held_count, 1);
		ck_assert_int_eq(f->disks[0].held[0]->op, BACKING_WRITE);
		ck_assert_uint_eq(f->disks[0].held[0]->fua, fua);
		test_disk_release(&f->disks[0]);
		fixture_good(fixture_result(task));
	}
}
END_TEST

START_TEST(two_at_once_lose_no_bit)
{
	f->disks[0].hold = true;
	struct fixture_task *first = start(0);
	memset(out, 0x04, sizeof(out));
	struct fixture_task *second = start(0);
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	test_disk_release(&f->disks[0]);
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(first));
	fixture_good(fixture_result(second));
	ck_assert(disk_is(f, 4, 1, 0xff));
}
END_TEST

START_TEST(what_cannot_be_read_is_not_written)
{
	f->disks[0].next_error = -EIO;
	fixture_sense(orwrite(0, 0, 1, 512), 0x3, 0x11, 0x00);
	ck_assert_uint_eq(f->disks[0].requests, 1);
}
END_TEST

START_TEST(a_write_protected_lun_refuses_it)
{
	fixture_lun(f)->config.read_only = true;
	fixture_sense(orwrite(0, 0, 1, 512), 0x7, 0x27, 0x00);
}
END_TEST

START_TEST(protection_information_is_refused)
{
	disk_invalid_cdb(orwrite(0x20, 0, 1, 512), 1, 5);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, it_sets_bits_and_clears_none);
	tcase_add_test(tcase, no_blocks_are_no_error);
	tcase_add_test(tcase, the_range_is_checked_up_to_the_wrap);
	tcase_add_test(tcase, more_than_the_maximum_transfer_length_is_refused);
	tcase_add_test(tcase, what_is_not_sent_is_not_written);
	tcase_add_test(tcase, fua_makes_it_durable);
	tcase_add_test(tcase, two_at_once_lose_no_bit);
	tcase_add_test(tcase, what_cannot_be_read_is_not_written);
	tcase_add_test(tcase, a_write_protected_lun_refuses_it);
	tcase_add_test(tcase, protection_information_is_refused);
}

int main(void)
{
	return suite_run("target/sbc_orwrite", fill);
}
