/* LOG SENSE and LOG SELECT. */
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

#define CUMULATIVE 0x40
#define DEFAULTS   0xc0

static const struct fixture_result *sense(uint8_t page, uint8_t subpage, uint16_t pointer)
{
	return FIXTURE_CDB(f, a, 1024, 0x4d, 0, page, subpage, 0, (uint8_t)(pointer >> 8),
			   (uint8_t)pointer, 4, 0, 0);
}

static const struct fixture_result *reset(uint8_t flags, uint8_t page)
{
	return FIXTURE_CDB(f, a, 0, 0x4c, flags, page, 0, 0, 0, 0, 0, 0, 0);
}

/* The bytes of a parameter; the page must be whole. */
static const uint8_t *parameter(uint8_t page, uint16_t code, uint8_t len)
{
	const struct fixture_result *result = sense(CUMULATIVE | page, 0, 0);
	const uint8_t *found = NULL;
	size_t at = 4;

	fixture_good(result);
	ck_assert_uint_eq(result->data[0] & 0x3f, page);
	ck_assert_uint_eq(get_be16(result->data + 2), result->len - 4);
	while (at + 4 <= result->len) {
		if (get_be16(result->data + at) == code) {
			ck_assert_uint_eq(result->data[at + 3], len);
			found = result->data + at + 4;
		}
		at += 4 + (size_t)result->data[at + 3];
	}
	ck_assert_uint_eq(at, result->len);
	ck_assert_ptr_nonnull(found);
	return found;
}

static uint64_t counter(uint8_t page, uint16_t code)
{
	return get_be64(parameter(page, code, 8));
}

/* Of General Statistics, by their order. */
static uint64_t statistic(unsigned index)
{
	return get_be64(parameter(0x19, 0x0001, 64) + 8 * (size_t)index);
}

START_TEST(every_page_that_is_listed_is_there)
{
	static const uint8_t pages[] = {0x00, 0x02, 0x03, 0x05, 0x10, 0x19, 0x2f};
	static const uint8_t with_subpages[] = {0x00, 0x00, 0x00, 0xff, 0x02, 0x00, 0x03, 0x00,
						0x05, 0x00, 0x10, 0x00, 0x19, 0x00, 0x2f, 0x00};
	const struct fixture_result *result = sense(0x00, 0, 0);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 4 + sizeof(pages));
	ck_assert_mem_eq(result->data + 4, pages, sizeof(pages));
	result = sense(CUMULATIVE, 0xff, 0);
	ck_assert_uint_eq(result->data[0], 0x40);
	ck_assert_uint_eq(result->data[1], 0xff);
	ck_assert_uint_eq(result->len, 4 + sizeof(with_subpages));
	ck_assert_mem_eq(result->data + 4, with_subpages, sizeof(with_subpages));
	for (size_t i = 0; i < sizeof(pages); i++) {
		result = sense((uint8_t)(CUMULATIVE | pages[i]), 0, 0);
		fixture_good(result);
		ck_assert_uint_eq(get_be16(result->data + 2), result->len - 4);
	}
}
END_TEST

START_TEST(what_is_not_there_is_pointed_at)
{
	disk_invalid_cdb(FIXTURE_CDB(f, a, 255, 0x4d, 1, 0x40, 0, 0, 0, 0, 0, 255, 0), 1, 0);
	disk_invalid_cdb(sense(CUMULATIVE | 0x0d, 0, 0), 2, 5);
	disk_invalid_cdb(sense(CUMULATIVE | 0x02, 1, 0), 3, -1);
	disk_invalid_cdb(sense(CUMULATIVE, 1, 0), 3, -1);
	disk_invalid_cdb(sense(CUMULATIVE, 0, 1), 5, -1);
	disk_invalid_cdb(sense(CUMULATIVE | 0x02, 0, 7), 5, -1);
	disk_invalid_cdb(sense(0x02, 0, 0), 2, 7); /* thresholds */
	disk_invalid_cdb(sense(0x80 | 0x02, 0, 0), 2, 7);
}
END_TEST

/* Time of day is set now and then. */
START_TEST(a_clock_that_goes_back_takes_no_time)
{
	f->disks[0].hold = true;
	struct fixture_task *read = fixture_start_read(f, a, 0);
	f->now_ms -= 5000;
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(read));
	ck_assert_uint_eq(statistic(4), 0);
	fixture_good(FIXTURE_CDB(f, a, 0, 0x1d, 0x04, 0, 0, 0, 0));
	ck_assert_uint_eq(get_be16(parameter(0x10, 1, 16) + 2), 0); /* hours since power on */
}
END_TEST

START_TEST(statistics_count_what_was_done)
{
	fixture_good(fixture_write(f, a, 0, 3, 'x'));
	fixture_good(fixture_read(f, b, 0, 2));
	fixture_good(fixture_read(f, a, 8, 5));
	fixture_sense(fixture_read(f, a, 256, 1), 0x5, 0x21, 0x00);
	ck_assert_uint_eq(statistic(0), 3);
	ck_assert_uint_eq(statistic(1), 1);
	ck_assert_uint_eq(statistic(2), 3);
	ck_assert_uint_eq(statistic(3), 7);
	ck_assert_uint_eq(counter(0x03, 5), 7 * 512);
	ck_assert_uint_eq(counter(0x02, 5), 3 * 512);
	ck_assert_uint_eq(counter(0x02, 6), 0);
	f->lun = 1;
	ck_assert_uint_eq(statistic(0), 0);
}
END_TEST

START_TEST(statistics_have_their_three_parameters_in_order)
{
	const uint8_t *first = parameter(0x19, 0x0001, 64); /* of one page, which is whole */
	const uint8_t *idle = first + 64 + 4, *interval = idle + 8 + 4;

	ck_assert_uint_eq(get_be16(idle - 4), 0x0002);
	ck_assert_uint_eq(idle[-1], 8);
	ck_assert_uint_eq(get_be64(idle), 0);
	ck_assert_uint_eq(get_be16(interval - 4), 0x0003);
	ck_assert_uint_eq(interval[-1], 8);
}
END_TEST

START_TEST(statistics_have_the_time_that_commands_took)
{
	f->disks[0].hold = true;
	struct fixture_task *task = fixture_start_read(f, a, 0);
	f->now_ms += 250;
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(task));
	ck_assert_uint_eq(statistic(4), 250);
	ck_assert_uint_eq(statistic(5), 0);
	const uint8_t *interval = parameter(0x19, 0x0003, 8);
	ck_assert_uint_eq(get_be32(interval), 3);
	ck_assert_uint_eq(get_be32(interval + 4), 1);
}
END_TEST

START_TEST(errors_of_the_disk_are_counted)
{
	f->disks[0].next_error = -EIO;
	fixture_sense(fixture_read(f, a, 0, 1), 0x3, 0x11, 0x00);
	f->disks[0].next_error = -EIO;
	fixture_sense(fixture_write(f, a, 0, 1, 'x'), 0x3, 0x0c, 0x00);
	ck_assert_uint_eq(counter(0x03, 6), 1);
	ck_assert_uint_eq(counter(0x02, 6), 1);
	ck_assert_uint_eq(counter(0x05, 6), 0);
	f->disks[0].next_error = -EIO;
	FIXTURE_CDB(f, a, 0, 0x2f, 0, 0, 0, 0, 0, 0, 0, 1, 0);
	ck_assert_uint_eq(counter(0x05, 6), 1);
}
END_TEST

START_TEST(the_parameter_pointer_skips)
{
	const struct fixture_result *result = sense(CUMULATIVE | 0x19, 0, 3);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 4 + 12);
	ck_assert_uint_eq(get_be16(result->data + 2), 12);
	ck_assert_uint_eq(get_be16(result->data + 4), 3);
	disk_invalid_cdb(sense(CUMULATIVE | 0x19, 0, 4), 5, -1);
}
END_TEST

START_TEST(self_tests_are_listed_the_latest_first)
{
	fixture_good(FIXTURE_CDB(f, a, 0, 0x1d, 0x04, 0, 0, 0, 0));
	f->now_ms += 2 * 3600000;
	f->disks[0].next_error = -EIO;
	FIXTURE_CDB(f, a, 0, 0x1d, 5 << 5, 0, 0, 0, 0);
	const uint8_t *last = parameter(0x10, 1, 16);
	ck_assert_uint_eq(last[0], 5 << 5 | 7);
	ck_assert_uint_eq(get_be16(last + 2), 2);
	ck_assert_uint_eq(last[12], 0x3);
	const uint8_t *first = parameter(0x10, 2, 16);
	ck_assert_uint_eq(first[0], 0);
	ck_assert_uint_eq(sense(CUMULATIVE | 0x10, 0, 0)->len, 4 + 20 * 20);
	for (unsigned i = 0; i < 25; i++)
		fixture_good(FIXTURE_CDB(f, a, 0, 0x1d, 6 << 5, 0, 0, 0, 0));
	ck_assert_uint_eq(parameter(0x10, 20, 16)[0], 6 << 5);
}
END_TEST

START_TEST(defaults_are_zero)
{
	fixture_good(fixture_write(f, a, 0, 3, 'x'));
	const struct fixture_result *result = sense(DEFAULTS | 0x02, 0, 0);
	fixture_good(result);
	ck_assert_uint_eq(get_be64(result->data + 8), 0);
}
END_TEST

START_TEST(counters_are_reset_and_the_others_hear_of_it)
{
	fixture_good(fixture_write(f, a, 0, 3, 'x'));
	fixture_good(fixture_read(f, a, 0, 2));
	fixture_good(reset(0x02, CUMULATIVE | 0x02));
	ck_assert_uint_eq(counter(0x02, 5), 0);
	ck_assert_uint_eq(counter(0x03, 5), 2 * 512);
	fixture_sense(fixture_test_unit_ready(f, b), 0x6, 0x2a, 0x02);
	fixture_good(fixture_test_unit_ready(f, a));
	fixture_good(reset(0x02, CUMULATIVE));
	ck_assert_uint_eq(counter(0x03, 5), 0);
	fixture_good(fixture_write(f, a, 0, 3, 'x'));
	fixture_good(reset(0, CUMULATIVE | 0x02)); /* asks for nothing */
	ck_assert_uint_eq(counter(0x02, 5), 3 * 512);
	fixture_good(fixture_read(f, a, 0, 2));
	fixture_good(reset(0, DEFAULTS | 0x19));
	ck_assert_uint_eq(counter(0x02, 5), 0);
	ck_assert_uint_eq(counter(0x03, 5), 0);
}
END_TEST

START_TEST(counters_cannot_be_set_or_saved)
{
	disk_invalid_cdb(reset(0x01, CUMULATIVE), 1, 0);
	disk_invalid_cdb(reset(0x02, CUMULATIVE | 0x0d), 2, 5);
	disk_invalid_cdb(FIXTURE_CDB(f, a, 0, 0x4c, 0, CUMULATIVE, 0, 0, 0, 0, 0, 4, 0), 7, -1);
	disk_invalid_cdb(FIXTURE_CDB(f, a, 0, 0x4c, 2, CUMULATIVE, 1, 0, 0, 0, 0, 0, 0), 3, -1);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, every_page_that_is_listed_is_there);
	tcase_add_test(tcase, what_is_not_there_is_pointed_at);
	tcase_add_test(tcase, a_clock_that_goes_back_takes_no_time);
	tcase_add_test(tcase, statistics_count_what_was_done);
	tcase_add_test(tcase, statistics_have_their_three_parameters_in_order);
	tcase_add_test(tcase, statistics_have_the_time_that_commands_took);
	tcase_add_test(tcase, errors_of_the_disk_are_counted);
	tcase_add_test(tcase, the_parameter_pointer_skips);
	tcase_add_test(tcase, self_tests_are_listed_the_latest_first);
	tcase_add_test(tcase, defaults_are_zero);
	tcase_add_test(tcase, counters_are_reset_and_the_others_hear_of_it);
	tcase_add_test(tcase, counters_cannot_be_set_or_saved);
}

int main(void)
{
	return suite_run("target/spc_log", fill);
}
