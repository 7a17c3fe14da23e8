/* READ CAPACITY (10), (16) and GET LBA STATUS. */
#include <errno.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

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

static const struct fixture_result *read_capacity_10(void)
{
	const struct fixture_result *result = FIXTURE_CDB(f, a, 8, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 8);
	return result;
}

static const struct fixture_result *read_capacity_16(uint8_t allocation_length)
{
	return FIXTURE_CDB(f, a, 255, 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
			   allocation_length, 0, 0);
}

START_TEST(capacity_10_tells_the_last_block)
{
	const struct fixture_result *result = read_capacity_10();

	ck_assert_uint_eq(get_be32(result->data), 255);
	ck_assert_uint_eq(get_be32(result->data + 4), 512);
}
END_TEST

START_TEST(capacity_10_is_all_ones_where_the_last_block_does_not_fit)
{
	fixture_lun(f)->blocks = UINT64_C(1) << 32;
	ck_assert_uint_eq(get_be32(read_capacity_10()->data), UINT32_MAX);
	fixture_lun(f)->blocks = (UINT64_C(1) << 32) - 1;
	ck_assert_uint_eq(get_be32(read_capacity_10()->data), UINT32_MAX - 1);
	fixture_lun(f)->blocks = 256;
}
END_TEST

START_TEST(capacity_16_tells_size_physical_blocks_and_provisioning)
{
	fixture_lun(f)->blocks = UINT64_C(1) << 40;
	const struct fixture_result *result = read_capacity_16(32);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 32);
	ck_assert_uint_eq(get_be64(result->data), (UINT64_C(1) << 40) - 1);
	ck_assert_uint_eq(get_be32(result->data + 8), 512);
	ck_assert_uint_eq(result->data[12], 0);
	ck_assert_uint_eq(result->data[13], 3);
	ck_assert_uint_eq(result->data[14], 0xc0);
	fixture_lun(f)->config.thin = false;
	ck_assert_uint_eq(read_capacity_16(32)->data[14], 0);
	fixture_lun(f)->blocks = 256;
}
END_TEST

START_TEST(capacity_16_keeps_to_the_allocation_length)
{
	const struct fixture_result *result = read_capacity_16(12);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 12);
	ck_assert_uint_eq(result->transfer_len, 12);
}
END_TEST

/* ---- GET LBA STATUS, over a store of our own ---- */

/* Extents in bytes, as a store may tell them; the last one goes on to the end. */
struct extent {
	uint64_t end;
	bool mapped;
};

static const struct extent *extents;
static unsigned extent_requests;
static int extent_error;

static void extent_submit(struct backing *backing, struct backing_request *request)
{
	const struct extent *extent = extents;

	(void)backing;
	ck_assert_int_eq(request->op, BACKING_EXTENT);
	extent_requests++;
	while (extent->end != 0 && extent->end <= request->offset)
		extent++;
	request->error = extent_error;
	request->mapped = extent->mapped;
	if (extent->end != 0 && extent->end - request->offset < request->len)
		request->len = extent->end - request->offset;
	request->done(request);
}

static const struct backing_ops extent_ops = {.name = "extents", .submit = extent_submit};

static const struct fixture_result *lba_status(uint64_t lba, uint16_t allocation_length)
{
	static struct backing store = {.ops = &extent_ops};
	struct scsi_lun *lun = fixture_lun(f);
	struct backing *real = lun->backing;
	uint8_t cdb[16] = {0x9e, 0x12};

	store.size = lun->blocks * FIXTURE_BLOCK;
	extent_requests = 0;
	put_be64(cdb + 2, lba);
	put_be32(cdb + 10, allocation_length);
	lun->backing = &store;
	const struct fixture_result *result = fixture_do(
		f, a, &(struct fixture_command){.cdb = cdb, .cdb_len = 16, .in_len = 4096});
	lun->backing = real;
	return result;
}

static void expect_descriptor(const struct fixture_result *result, size_t index, uint64_t lba,
			      uint32_t blocks, uint8_t status)
{
	const uint8_t *descriptor = result->data + 8 + 16 * index;

	ck_assert_uint_ge(result->len, 8 + 16 * (index + 1));
	ck_assert_uint_eq(get_be64(descriptor), lba);
	ck_assert_uint_eq(get_be32(descriptor + 8), blocks);
	ck_assert_uint_eq(descriptor[12], status);
}

START_TEST(extents_become_descriptors)
{
	static const struct extent list[] = {{10 * 512, true}, {20 * 512, false}, {0, true}};

	extents = list;
	const struct fixture_result *result = lba_status(4, 1024);
	fixture_good(result);
	ck_assert_uint_eq(get_be32(result->data), 4 + 3 * 16);
	expect_descriptor(result, 0, 4, 6, 0);
	expect_descriptor(result, 1, 10, 10, 1);
	expect_descriptor(result, 2, 20, 236, 0);
}
END_TEST

START_TEST(only_what_fits_is_asked_for)
{
	static const struct extent list[] = {{10 * 512, true}, {20 * 512, false}, {0, true}};

	extents = list;
	const struct fixture_result *result = lba_status(0, 24);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 24);
	ck_assert_uint_eq(get_be32(result->data), 20);
	expect_descriptor(result, 0, 0, 10, 0);
	ck_assert_uint_eq(extent_requests, 1);
	result = lba_status(0, 4);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 4);
}
END_TEST

START_TEST(a_block_is_a_hole_only_when_all_of_it_is)
{
	/* Data in [0, 700), hole up to 1100: the block 1 is mapped, the block 2 too. */
	static const struct extent list[] = {
		{700, true}, {1100, false}, {1300, true}, {20 * 512, false}, {0, true}};

	extents = list;
	const struct fixture_result *result = lba_status(0, 1024);
	fixture_good(result);
	expect_descriptor(result, 0, 0, 3, 0);
	expect_descriptor(result, 1, 3, 17, 1);
	expect_descriptor(result, 2, 20, 236, 0);
}
END_TEST

START_TEST(a_hole_that_ends_inside_a_block_does_not_have_it)
{
	static const struct extent list[] = {{10 * 512 + 100, false}, {0, true}};

	extents = list;
	const struct fixture_result *result = lba_status(0, 1024);
	fixture_good(result);
	expect_descriptor(result, 0, 0, 10, 1);
	expect_descriptor(result, 1, 10, 246, 0);
}
END_TEST

START_TEST(a_store_that_tells_little_at_a_time_is_not_asked_forever)
{
	static struct extent list[2001];

	for (size_t i = 0; i < 2000; i++)
		list[i] = (struct extent){(i + 1) * 512, true};
	extents = list;
	fixture_lun(f)->blocks = 4000;
	const struct fixture_result *result = lba_status(0, 1024);
	fixture_good(result);
	expect_descriptor(result, 0, 0, 256, 0);
	ck_assert_uint_eq(extent_requests, 256);
	fixture_lun(f)->blocks = 256;
}
END_TEST

START_TEST(a_fully_provisioned_lun_is_mapped)
{
	fixture_lun(f)->config.thin = false;
	const struct fixture_result *result = lba_status(6, 1024);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 24);
	expect_descriptor(result, 0, 6, 250, 0);
	ck_assert_uint_eq(extent_requests, 0);
}
END_TEST

START_TEST(an_address_behind_the_end_is_out_of_range)
{
	fixture_sense(lba_status(256, 24), 0x5, 0x21, 0x00);
	fixture_sense(lba_status(UINT64_MAX, 24), 0x5, 0x21, 0x00);
}
END_TEST

START_TEST(a_store_that_cannot_tell_is_a_failure_of_the_target)
{
	static const struct extent list[] = {{0, true}};

	extents = list;
	extent_error = -EIO;
	fixture_sense(lba_status(0, 24), 0x4, 0x44, 0x00);
	extent_error = 0;
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, capacity_10_tells_the_last_block);
	tcase_add_test(tcase, capacity_10_is_all_ones_where_the_last_block_does_not_fit);
	tcase_add_test(tcase, capacity_16_tells_size_physical_blocks_and_provisioning);
	tcase_add_test(tcase, capacity_16_keeps_to_the_allocation_length);
	tcase_add_test(tcase, extents_become_descriptors);
	tcase_add_test(tcase, only_what_fits_is_asked_for);
	tcase_add_test(tcase, a_block_is_a_hole_only_when_all_of_it_is);
	tcase_add_test(tcase, a_hole_that_ends_inside_a_block_does_not_have_it);
	tcase_add_test(tcase, a_store_that_tells_little_at_a_time_is_not_asked_forever);
	tcase_add_test(tcase, a_fully_provisioned_lun_is_mapped);
	tcase_add_test(tcase, an_address_behind_the_end_is_out_of_range);
	tcase_add_test(tcase, a_store_that_cannot_tell_is_a_failure_of_the_target);
}

int main(void)
{
	return suite_run("target/sbc_capacity", fill);
}
