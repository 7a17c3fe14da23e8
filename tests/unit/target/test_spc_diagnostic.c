/* SEND DIAGNOSTIC and RECEIVE DIAGNOSTIC RESULTS. */
#include <errno.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

static struct fixture *f;
static struct scsi_nexus *a, *b;

static void setup(void)
{
	f = fixture_create(
		&(struct fixture_config){.profile = &pr_profile_spc4, .luns = 2, .saves = true});
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
}

static void teardown(void)
{
	fixture_free(&f);
}

#define SELFTEST 0x04
#define PF	 0x10
#define SHORT	 (5 << 5)
#define EXTENDED (6 << 5)

static const struct fixture_result *send(uint8_t flags)
{
	return FIXTURE_CDB(f, a, 0, 0x1d, flags, 0, 0, 0, 0);
}

static const struct fixture_result *send_page(uint8_t flags, const uint8_t *page, uint8_t len)
{
	return DISK_OUT(f, a, page, len, 0x1d, flags, 0, 0, len, 0);
}

START_TEST(a_self_test_reads_the_ends_of_the_disk)
{
	unsigned before = f->disks[0].requests;

	fixture_good(send(SELFTEST));
	ck_assert_uint_eq(f->disks[0].requests, before + 2);
	fixture_good(send(SHORT));
	fixture_good(send(EXTENDED));
	ck_assert_uint_eq(f->disks[0].requests, before + 6);
	fixture_good(send(0));
	ck_assert_uint_eq(f->disks[0].requests, before + 6);
}
END_TEST

START_TEST(a_disk_that_cannot_be_read_fails_the_self_test)
{
	f->disks[0].next_error = -EIO;
	fixture_sense(send(SELFTEST), 0x3, 0x11, 0x00);
	fixture_good(FIXTURE_CDB(f, a, 0, 0x1b, 0, 0, 0, 0, 0));
	fixture_sense(send(SELFTEST), 0x2, 0x04, 0x02);
}
END_TEST

START_TEST(tests_in_the_background_are_refused)
{
	for (uint8_t code = 1; code < 8; code++) {
		if (code != 5 && code != 6)
			disk_invalid_cdb(send((uint8_t)(code << 5)), 1, 7);
	}
	disk_invalid_cdb(send(SHORT | SELFTEST), 1, 7);
	disk_invalid_cdb(FIXTURE_CDB(f, a, 0, 0x1d, SELFTEST, 0, 0, 8, 0), 3, -1);
}
END_TEST

START_TEST(the_list_of_pages_can_be_asked_for_both_ways)
{
	static const uint8_t expected[] = {0, 0, 0, 1, 0}, page[4];
	const struct fixture_result *result = FIXTURE_CDB(f, a, 255, 0x1c, 1, 0, 0, 255, 0);

	fixture_good(result);
	ck_assert_uint_eq(result->len, sizeof(expected));
	ck_assert_mem_eq(result->data, expected, sizeof(expected));
	fixture_good(send_page(PF, page, 4));
	result = FIXTURE_CDB(f, a, 255, 0x1c, 0, 0, 0, 3, 0);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 3);
	disk_invalid_cdb(FIXTURE_CDB(f, a, 255, 0x1c, 1, 0x40, 0, 255, 0), 2, -1);
}
END_TEST

START_TEST(other_pages_cannot_be_sent)
{
	static const uint8_t vendor[4] = {0x80}, longer[5] = {0, 0, 0, 1}, wrong[4] = {0, 0, 0, 1};

	disk_invalid_parameter(send_page(PF, vendor, 4), 0, -1);
	disk_invalid_parameter(send_page(PF, wrong, 4), 2, -1);
	disk_invalid_cdb(send_page(0, vendor, 4), 1, 4);
	for (uint8_t len = 1; len <= 5; len++) {
		if (len != 4)
			fixture_sense(send_page(PF, longer, len), 0x5, 0x1a, 0x00);
	}
	fixture_sense(DISK_OUT(f, a, longer, 2, 0x1d, PF, 0, 0, 4, 0), 0x5, 0x1a, 0x00);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_self_test_reads_the_ends_of_the_disk);
	tcase_add_test(tcase, a_disk_that_cannot_be_read_fails_the_self_test);
	tcase_add_test(tcase, tests_in_the_background_are_refused);
	tcase_add_test(tcase, the_list_of_pages_can_be_asked_for_both_ways);
	tcase_add_test(tcase, other_pages_cannot_be_sent);
}

int main(void)
{
	return suite_run("target/spc_diagnostic", fill);
}
