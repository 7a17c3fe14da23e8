/* READ BUFFER and WRITE BUFFER: the echo buffer. */
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

#define ECHO		0x0a
#define ECHO_DESCRIPTOR 0x0b

static const struct fixture_result *read_buffer(struct scsi_nexus *nexus, uint8_t mode,
						uint16_t allocation_length)
{
	return FIXTURE_CDB(f, nexus, 65535, 0x3c, mode, 0, 0, 0, 0, 0,
			   (uint8_t)(allocation_length >> 8), (uint8_t)allocation_length, 0);
}

static const struct fixture_result *write_echo(struct scsi_nexus *nexus, const void *data,
					       uint16_t len)
{
	return DISK_OUT(f, nexus, data, len, 0x3b, ECHO, 0, 0, 0, 0, 0, (uint8_t)(len >> 8),
			(uint8_t)len, 0);
}

START_TEST(what_was_written_is_read_back)
{
	fixture_good(write_echo(a, "echo of this", 12));
	const struct fixture_result *result = read_buffer(a, ECHO, 4096);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 12);
	ck_assert_mem_eq(result->data, "echo of this", 12);
	result = read_buffer(a, ECHO, 4);
	ck_assert_uint_eq(result->len, 4);
	fixture_good(write_echo(a, "x", 1));
	ck_assert_uint_eq(read_buffer(a, ECHO, 4096)->len, 1);
	fixture_good(write_echo(a, NULL, 0));
	ck_assert_uint_eq(read_buffer(a, ECHO, 4096)->len, 0);
}
END_TEST

START_TEST(every_nexus_and_lun_has_a_buffer_of_its_own)
{
	fixture_good(write_echo(a, "aaaa", 4));
	fixture_sense(read_buffer(b, ECHO, 4), 0x5, 0x2c, 0x00);
	fixture_good(write_echo(b, "bbbb", 4));
	ck_assert_mem_eq(read_buffer(a, ECHO, 4)->data, "aaaa", 4);
	f->lun = 1;
	fixture_sense(read_buffer(a, ECHO, 4), 0x5, 0x2c, 0x00);
}
END_TEST

START_TEST(the_capacity_is_told_and_kept)
{
	static const uint8_t expected[4] = {0, 0, 0x10, 0x00};
	static uint8_t data[4097];
	const struct fixture_result *result = read_buffer(a, ECHO_DESCRIPTOR, 255);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 4);
	ck_assert_mem_eq(result->data, expected, 4);
	memset(data, 'e', sizeof(data));
	fixture_good(write_echo(a, data, 4096));
	result = read_buffer(a, ECHO, 8192);
	ck_assert_uint_eq(result->len, 4096);
	ck_assert_mem_eq(result->data, data, 4096);
	disk_invalid_cdb(write_echo(a, data, 4097), 6, -1);
}
END_TEST

START_TEST(other_buffers_are_not_there)
{
	static const uint8_t zeros[4];
	const struct fixture_result *result = read_buffer(a, 0x03, 255);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 4);
	ck_assert_mem_eq(result->data, zeros, 4);
	for (uint8_t mode = 0; mode < 0x20; mode++) {
		if (mode != 0x03 && mode != ECHO && mode != ECHO_DESCRIPTOR)
			disk_invalid_cdb(read_buffer(a, mode, 255), 1, 4);
		if (mode != ECHO)
			disk_invalid_cdb(DISK_OUT(f, a, "x", 1, 0x3b, mode, 0, 0, 0, 0, 0, 0, 1, 0),
					 1, 4);
	}
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_was_written_is_read_back);
	tcase_add_test(tcase, every_nexus_and_lun_has_a_buffer_of_its_own);
	tcase_add_test(tcase, the_capacity_is_told_and_kept);
	tcase_add_test(tcase, other_buffers_are_not_there);
}

int main(void)
{
	return suite_run("target/spc_buffer", fill);
}
