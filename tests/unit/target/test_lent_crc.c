/* The digest of data that lie in a mapped file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pr_engine/crc32c.h"
#include "target/guarded.h"
#include "target/target.h"
#include "tests/support/suite.h"

#define PAGE 4096

static uint8_t *mapped; /* a page of a file that ends there, and one behind it */
static struct scsi_task task;

static void setup(void)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/holdfast-crc-XXXXXX", suite_folder());
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	unlink(path);
	ck_assert_int_eq(ftruncate(fd, PAGE), 0);
	void *bytes = mmap(NULL, (size_t)2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(bytes, MAP_FAILED);
	close(fd);
	mapped = bytes;
	for (size_t i = 0; i < PAGE; i++)
		mapped[i] = (uint8_t)(i * 7);
	task = (struct scsi_task){.data_in = mapped, .data_in_len = 2 * PAGE};
	guarded_init();
}

static void teardown(void)
{
	munmap(mapped, (size_t)2 * PAGE);
}

START_TEST(it_is_the_crc_of_the_part_that_is_asked_for)
{
	uint32_t crc = 0;

	ck_assert(target_data_in_crc32c(&task, 0, PAGE, &crc));
	ck_assert_uint_eq(crc, crc32c(0, mapped, PAGE));
	ck_assert(target_data_in_crc32c(&task, 1000, 2000, &crc));
	ck_assert_uint_eq(crc, crc32c(0, mapped + 1000, 2000));
}
END_TEST

START_TEST(where_the_file_was_cut_off_there_is_none)
{
	uint32_t crc = 5;

	ck_assert(!target_data_in_crc32c(&task, PAGE, PAGE, &crc));
	ck_assert(!target_data_in_crc32c(&task, 0, 2 * PAGE, &crc));
	ck_assert_uint_eq(crc, 5);
	ck_assert(target_data_in_crc32c(&task, 0, PAGE, &crc));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, it_is_the_crc_of_the_part_that_is_asked_for);
	tcase_add_test(tcase, where_the_file_was_cut_off_there_is_none);
}

int main(void)
{
	return suite_run("target/lent_crc", fill);
}
