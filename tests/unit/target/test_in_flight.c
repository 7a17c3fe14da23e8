/* Copies into a mapped disk that a killed process leaves half done. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pr_engine/io_posix.h"
#include "target/in_flight.h"
#include "tests/support/suite.h"

#define PAGE	  ((size_t)4096)
#define DISK_LEN  (16 * PAGE)
#define STORE_LEN (2 * PAGE)
#define STORE_AT  (4 * PAGE)

static char directory[64];
static char record_path[96], disk_path[96];
static int disk;

static void setup(void)
{
	uint8_t old[DISK_LEN];

	snprintf(directory, sizeof(directory), "%s/holdfast-flight-XXXXXX", suite_folder());
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(record_path, sizeof(record_path), "%s/in-flight", directory);
	snprintf(disk_path, sizeof(disk_path), "%s/disk", directory);
	disk = open(disk_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(disk, 0);
	memset(old, 'o', sizeof(old));
	ck_assert_int_eq(pr_io_write(disk, 0, old, sizeof(old)), 0);
}

static void teardown(void)
{
	close(disk);
	unlink(record_path);
	unlink(disk_path);
	rmdir(directory);
}

static struct in_flight *open_record(void)
{
	struct in_flight *record = NULL;

	ck_assert_int_eq(in_flight_open(record_path, &record), 0);
	return record;
}

static uint8_t *map_disk(void)
{
	void *bytes = mmap(NULL, DISK_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, disk, 0);

	ck_assert_ptr_ne(bytes, MAP_FAILED);
	return bytes;
}

/* Another process, which dies in the middle: it may write the first page only, or the second. */
static void die_storing(unsigned reachable, uint8_t value)
{
	pid_t child = fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		struct in_flight *record = open_record();
		struct in_flight_disk its;
		uint8_t data[STORE_LEN], *mapped = map_disk();

		signal(SIGSEGV, SIG_DFL);
		memset(data, value, sizeof(data));
		if (in_flight_finish(record, disk, &its) != 0 ||
		    mprotect(mapped + STORE_AT + (1 - reachable) * PAGE, PAGE, PROT_READ) != 0)
			_exit(1);
		in_flight_store(record, &its, STORE_AT, mapped + STORE_AT, data, sizeof(data));
		_exit(2);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) > 2); /* a sanitizer's way to die */
}

static void finish(void)
{
	struct in_flight *record = open_record();
	struct in_flight_disk its;

	ck_assert_int_eq(in_flight_finish(record, disk, &its), 0);
	in_flight_free(&record);
}

static void write_page(uint64_t offset, uint8_t value)
{
	uint8_t page[PAGE];

	memset(page, value, sizeof(page));
	ck_assert_int_eq(pr_io_write(disk, offset, page, sizeof(page)), 0);
}

static void assert_page(uint64_t offset, uint8_t value)
{
	uint8_t page[PAGE];

	ck_assert_int_eq(pr_io_read(disk, offset, page, sizeof(page)), 0);
	for (size_t i = 0; i < PAGE; i++)
		ck_assert_uint_eq(page[i], value);
}

START_TEST(a_copy_is_there_and_leaves_nothing_behind)
{
	struct in_flight *record = open_record();
	struct in_flight_disk its;
	uint8_t data[STORE_LEN], *mapped = map_disk();

	memset(data, 'n', sizeof(data));
	ck_assert_int_eq(in_flight_finish(record, disk, &its), 0);
	for (unsigned i = 0; i < 20; i++) /* more than can be under way */
		ck_assert_int_eq(in_flight_store(record, &its, STORE_AT, mapped + STORE_AT, data,
						 sizeof(data)),
				 0);
	in_flight_free(&record);
	munmap(mapped, DISK_LEN);
	assert_page(STORE_AT - PAGE, 'o');
	assert_page(STORE_AT, 'n');
	assert_page(STORE_AT + PAGE, 'n');
	assert_page(STORE_AT + STORE_LEN, 'o');
	/* As if somebody had been killed with half of it copied: nobody was. */
	write_page(STORE_AT, 'o');
	finish();
	assert_page(STORE_AT, 'o');
}
END_TEST

START_TEST(what_was_copied_in_part_is_copied_whole_when_the_disk_comes_back)
{
	die_storing((unsigned)_i, 'n');
	/* However far it came: a part is what the next one has to expect. */
	write_page(STORE_AT + (size_t)_i * PAGE, 'n');
	write_page(STORE_AT + (size_t)(1 - _i) * PAGE, 'o');
	finish();
	assert_page(STORE_AT - PAGE, 'o');
	assert_page(STORE_AT, 'n');
	assert_page(STORE_AT + PAGE, 'n');
	assert_page(STORE_AT + STORE_LEN, 'o');
}
END_TEST

START_TEST(what_had_not_begun_does_not_begin)
{
	die_storing(0, 'n');
	write_page(STORE_AT, 'o');
	write_page(STORE_AT + PAGE, 'o');
	finish();
	assert_page(STORE_AT, 'o');
	assert_page(STORE_AT + PAGE, 'o');
}
END_TEST

START_TEST(what_somebody_else_has_written_since_stays)
{
	die_storing(0, 'n');
	write_page(STORE_AT, 'n');
	write_page(STORE_AT + PAGE, 's');
	finish();
	assert_page(STORE_AT, 'n');
	assert_page(STORE_AT + PAGE, 's');
}
END_TEST

START_TEST(it_is_ended_once)
{
	die_storing(0, 'n');
	write_page(STORE_AT, 'o');
	write_page(STORE_AT + PAGE, 'n');
	finish();
	assert_page(STORE_AT, 'n');
	write_page(STORE_AT, 'o');
	finish();
	assert_page(STORE_AT, 'o');
}
END_TEST

START_TEST(it_waits_for_its_disk_and_is_no_other_ones)
{
	char path[128];
	struct in_flight_disk its;
	struct in_flight *record;

	die_storing(0, 'n');
	write_page(STORE_AT, 'n');
	write_page(STORE_AT + PAGE, 'o');
	snprintf(path, sizeof(path), "%s/other", directory);
	int other = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(other, 0);
	unlink(path);
	ck_assert_int_eq(ftruncate(other, DISK_LEN), 0);
	record = open_record();
	ck_assert_int_eq(in_flight_finish(record, other, &its), 0);
	/* Copies go on meanwhile, and leave it alone. */
	void *mapped = mmap(NULL, DISK_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
	ck_assert_ptr_ne(mapped, MAP_FAILED);
	for (unsigned i = 0; i < 20; i++)
		ck_assert_int_eq(
			in_flight_store(record, &its, 0, mapped, (const uint8_t *)"12345678", 8),
			0);
	munmap(mapped, DISK_LEN);
	in_flight_free(&record);
	close(other);
	finish();
	assert_page(STORE_AT + PAGE, 'n');
}
END_TEST

START_TEST(of_another_start_of_the_machine_nothing_counts)
{
	die_storing(0, 'n');
	write_page(STORE_AT, 'n');
	write_page(STORE_AT + PAGE, 'o');
	int fd = open(record_path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pr_io_write(fd, 8, "00000000", 8), 0); /* the id of its start */
	close(fd);
	finish();
	assert_page(STORE_AT + PAGE, 'o');
}
END_TEST

START_TEST(a_record_that_is_something_else_is_made_anew)
{
	int fd = open(record_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pr_io_write(fd, 0, "something else", 14), 0);
	close(fd);
	finish();
	die_storing(0, 'n');
	write_page(STORE_AT, 'n');
	write_page(STORE_AT + PAGE, 'o');
	finish();
	assert_page(STORE_AT + PAGE, 'n');
}
END_TEST

START_TEST(a_record_full_of_nonsense_changes_nothing)
{
	uint8_t nonsense[256 * 1024];

	die_storing(0, 'n');
	memset(nonsense, 0xff, sizeof(nonsense));
	int fd = open(record_path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	/* Behind the head; the disk's own number and place stay in no slot. */
	for (uint64_t at = PAGE; at < (uint64_t)1024 * 1024; at += sizeof(nonsense))
		ck_assert_int_eq(pr_io_write(fd, at, nonsense, sizeof(nonsense)), 0);
	close(fd);
	struct in_flight *record = NULL;
	int error = in_flight_open(record_path, &record);
	struct in_flight_disk its;
	if (error == 0)
		ck_assert_int_eq(in_flight_finish(record, disk, &its), 0);
	in_flight_free(&record);
	assert_page(STORE_AT + PAGE, 'o');
}
END_TEST

START_TEST(where_the_disk_was_cut_off_the_copy_says_so)
{
	struct in_flight *record = open_record();
	struct in_flight_disk its;
	uint8_t data[STORE_LEN] = {0}, *mapped = map_disk();

	ck_assert_int_eq(in_flight_finish(record, disk, &its), 0);
	ck_assert_int_eq(ftruncate(disk, STORE_AT + PAGE), 0);
	for (unsigned i = 0; i < 20; i++)
		ck_assert_int_eq(in_flight_store(record, &its, STORE_AT, mapped + STORE_AT, data,
						 sizeof(data)),
				 -EFAULT);
	ck_assert_int_eq(in_flight_store(record, &its, 0, mapped, data, sizeof(data)), 0);
	in_flight_free(&record);
	munmap(mapped, DISK_LEN);
}
END_TEST

START_TEST(where_the_record_was_cut_off_the_copy_says_so)
{
	struct in_flight *record = open_record();
	struct in_flight_disk its;
	uint8_t data[STORE_LEN] = {0}, *mapped = map_disk();

	ck_assert_int_eq(in_flight_finish(record, disk, &its), 0);
	ck_assert_int_eq(truncate(record_path, 0), 0);
	ck_assert_int_eq(in_flight_store(record, &its, 0, mapped, data, sizeof(data)), -EFAULT);
	assert_page(0, 'o');
	in_flight_free(&record);
	munmap(mapped, DISK_LEN);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_an_error)
{
	struct in_flight *record = NULL;

	ck_assert_int_eq(in_flight_open("/nonexistent/in-flight", &record), -ENOENT);
	ck_assert_ptr_null(record);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_copy_is_there_and_leaves_nothing_behind);
	tcase_add_loop_test(tcase, what_was_copied_in_part_is_copied_whole_when_the_disk_comes_back,
			    0, 2);
	tcase_add_test(tcase, what_had_not_begun_does_not_begin);
	tcase_add_test(tcase, what_somebody_else_has_written_since_stays);
	tcase_add_test(tcase, it_is_ended_once);
	tcase_add_test(tcase, it_waits_for_its_disk_and_is_no_other_ones);
	tcase_add_test(tcase, of_another_start_of_the_machine_nothing_counts);
	tcase_add_test(tcase, a_record_that_is_something_else_is_made_anew);
	tcase_add_test(tcase, a_record_full_of_nonsense_changes_nothing);
	tcase_add_test(tcase, where_the_disk_was_cut_off_the_copy_says_so);
	tcase_add_test(tcase, where_the_record_was_cut_off_the_copy_says_so);
	tcase_add_test(tcase, a_folder_that_is_not_there_is_an_error);
}

int main(void)
{
	return suite_run("target/in_flight", fill);
}
