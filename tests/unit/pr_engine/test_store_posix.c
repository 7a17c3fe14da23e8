/*
 * The posix store against a real directory: plain use and opening.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/pr_engine/store_dir.h"
START_TEST(missing_file_is_an_empty_store)
{
	struct pr_store *store = store_open();

	ck_assert(store_holds(store, ""));
	ck_assert(!name_exists(""));
	ck_assert_int_eq(store->ops->sync(store), 0);
	ck_assert_int_eq(store->ops->truncate(store, 0), 0);
	ck_assert(!name_exists(""));
	store->ops->close(store);
}
END_TEST

START_TEST(written_bytes_are_read_back_after_reopening)
{
	struct pr_store *store = store_open();

	ck_assert_int_eq(store->ops->write(store, 0, "hello", 5), 0);
	ck_assert_int_eq(store->ops->write(store, 5, " world", 6), 0);
	ck_assert_int_eq(store->ops->sync(store), 0);
	ck_assert(store_holds(store, "hello world"));
	store->ops->close(store);
	store = store_open();
	ck_assert(store_holds(store, "hello world"));
	store->ops->close(store);
}
END_TEST

START_TEST(reading_past_the_end_is_an_error)
{
	struct pr_store *store = store_open();
	char data[8];

	ck_assert_int_eq(store->ops->read(store, 0, data, 1), -EIO);
	ck_assert_int_eq(store->ops->write(store, 0, "hello", 5), 0);
	ck_assert_int_eq(store->ops->read(store, 0, data, 6), -EIO);
	ck_assert_int_eq(store->ops->read(store, UINT64_MAX, data, 1), -EIO);
	store->ops->close(store);
}
END_TEST

START_TEST(short_and_interrupted_writes_are_completed)
{
	struct pr_store *store = store_open();

	posix_faults.short_writes = 3;
	posix_faults.interrupted = 2;
	ck_assert_int_eq(store->ops->write(store, 0, "hello world", 11), 0);
	ck_assert(store_holds(store, "hello world"));
	store->ops->close(store);
}
END_TEST

START_TEST(short_write_and_then_a_full_disk_is_an_error)
{
	struct pr_store *store = store_open();

	ck_assert_int_eq(store->ops->write(store, 0, "x", 1), 0);
	posix_faults_set(2, 1, ENOSPC);
	posix_faults.short_writes = 1;
	ck_assert_int_eq(store->ops->write(store, 1, "hello", 5), -ENOSPC);
	ck_assert_int_eq(store->ops->truncate(store, 1), 0);
	ck_assert_int_eq(store->ops->write(store, 1, "yz", 2), 0);
	ck_assert(store_holds(store, "xyz"));
	store->ops->close(store);
}
END_TEST

START_TEST(file_size_limit_of_the_process_is_an_error)
{
	struct rlimit limit = {.rlim_cur = 4, .rlim_max = RLIM_INFINITY};
	struct pr_store *store = store_open();

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	int err = store->ops->write(store, 0, "hello world", 11);
	int replace_err = store->ops->replace(store, "hello world", 11);
	limit.rlim_cur = RLIM_INFINITY;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(err, -EFBIG);
	ck_assert_int_eq(replace_err, -EFBIG);
	ck_assert(!name_exists(".new"));
	store->ops->close(store);
}
END_TEST

START_TEST(write_behind_every_offset_is_an_error)
{
	struct pr_store *store = store_open();

	ck_assert_int_eq(store->ops->write(store, UINT64_MAX, "x", 1), -EFBIG);
	ck_assert_int_eq(store->ops->write(store, INT64_MAX, "x", 1), -EFBIG);
	ck_assert_int_eq(store->ops->truncate(store, UINT64_MAX), -EFBIG);
	store->ops->close(store);
}
END_TEST

START_TEST(truncate_cuts_the_end)
{
	struct pr_store *store = store_open();

	ck_assert_int_eq(store->ops->replace(store, "hello world", 11), 0);
	ck_assert_int_eq(store->ops->truncate(store, 5), 0);
	ck_assert(path_holds("hello"));
	store->ops->close(store);
}
END_TEST

START_TEST(first_sync_after_open_covers_the_directory)
{
	struct pr_store *store = store_open();

	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	store->ops->close(store);
	store = store_open();
	posix_faults_set(0, 0, 0);
	ck_assert_int_eq(store->ops->sync(store), 0);
	ck_assert_uint_eq(posix_faults.directory_syncs, 1);
	ck_assert_int_eq(store->ops->sync(store), 0);
	ck_assert_uint_eq(posix_faults.directory_syncs, 1);
	ck_assert_uint_eq(posix_faults.file_syncs, 2);
	store->ops->close(store);
}
END_TEST

START_TEST(failed_sync_is_told_and_not_tried_again)
{
	struct pr_store *store = store_open();

	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	posix_faults_set(1, 1, _i == 0 ? EIO : EINTR);
	ck_assert_int_eq(store->ops->sync(store), _i == 0 ? -EIO : -EINTR);
	ck_assert_uint_eq(posix_faults.file_syncs, 1);
	store->ops->close(store);
}
END_TEST

START_TEST(path_that_names_no_file_is_an_error)
{
	struct pr_store *store = NULL;

	ck_assert_int_eq(pr_store_posix_open("", &store), -EISDIR);
	snprintf(store_path, sizeof store_path, "%s/", store_dir);
	ck_assert_int_eq(pr_store_posix_open(store_path, &store), -EISDIR);
	snprintf(store_path, sizeof store_path, "%s/..", store_dir);
	ck_assert_int_eq(pr_store_posix_open(store_path, &store), -EISDIR);
}
END_TEST

START_TEST(name_without_room_for_its_companions_is_an_error)
{
	struct pr_store *store = NULL;
	size_t at = (size_t)snprintf(store_path, sizeof store_path, "%s/", store_dir);

	memset(store_path + at, 'n', NAME_MAX - 4);
	store_path[at + NAME_MAX - 4] = '\0';
	ck_assert_int_eq(pr_store_posix_open(store_path, &store), -ENAMETOOLONG);
	store_path[at + NAME_MAX - 5] = '\0';
	store = store_open();
	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	store->ops->close(store);
}
END_TEST

START_TEST(second_store_on_the_same_file_is_refused)
{
	struct pr_store *store = store_open(), *second = NULL;

	ck_assert_int_eq(pr_store_posix_open(store_path, &second), -EWOULDBLOCK);
	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	ck_assert_int_eq(pr_store_posix_open(store_path, &second), -EWOULDBLOCK);
	ck_assert_int_eq(store->ops->replace(store, "two", 3), 0);
	ck_assert_int_eq(pr_store_posix_open(store_path, &second), -EWOULDBLOCK);
	ck_assert_ptr_null(second);
	store->ops->close(store);
	store = store_open();
	ck_assert(store_holds(store, "two"));
	store->ops->close(store);
}
END_TEST

START_TEST(symbolic_link_is_not_followed)
{
	struct pr_store *store = NULL;

	ck_assert_int_eq(symlink("elsewhere", store_path), 0);
	ck_assert_int_eq(pr_store_posix_open(store_path, &store), -ELOOP);
	ck_assert_int_eq(pr_store_posix_open_readonly(store_path, &store), -ELOOP);
	ck_assert_ptr_null(store);
}
END_TEST

START_TEST(anything_but_a_regular_file_is_an_error)
{
	struct pr_store *store = NULL;

	ck_assert_int_eq(mkfifo(store_path, 0600), 0);
	ck_assert_int_eq(pr_store_posix_open(store_path, &store), -EINVAL);
	ck_assert_int_eq(pr_store_posix_open_readonly(store_path, &store), -EINVAL);
	ck_assert_ptr_null(store);
}
END_TEST

START_TEST(nobody_else_may_read_the_files)
{
	struct pr_store *store = store_open();
	struct stat st;

	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	ck_assert_int_eq(stat(store_path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 077, 0);
	store->ops->close(store);
}
END_TEST

START_TEST(readonly_store_reads_and_refuses_to_change)
{
	struct pr_store *store = store_open(), *reader = NULL;

	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	/* Also while the daemon has it open. */
	ck_assert_int_eq(pr_store_posix_open_readonly(store_path, &reader), 0);
	ck_assert(store_holds(reader, "one"));
	ck_assert_int_eq(reader->ops->write(reader, 0, "x", 1), -EROFS);
	ck_assert_int_eq(reader->ops->truncate(reader, 0), -EROFS);
	ck_assert_int_eq(reader->ops->replace(reader, "x", 1), -EROFS);
	ck_assert_int_eq(reader->ops->sync(reader), 0);
	ck_assert_int_eq(store->ops->replace(store, "other", 5), 0);
	ck_assert(store_holds(reader, "one"));
	reader->ops->close(reader);
	store->ops->close(store);
}
END_TEST

START_TEST(readonly_store_creates_nothing)
{
	struct pr_store *reader = NULL;

	ck_assert_int_eq(pr_store_posix_open_readonly(store_path, &reader), -ENOENT);
	ck_assert(!name_exists(""));
	ck_assert(!name_exists(".lock"));
	snprintf(store_path, sizeof store_path, "%s/a/journal", store_dir);
	ck_assert_int_eq(pr_store_posix_open_readonly(store_path, &reader), -ENOENT);
	ck_assert_ptr_null(reader);
	snprintf(store_path, sizeof store_path, "%s/a", store_dir);
	ck_assert(!name_exists(""));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, store_dir_setup, store_dir_teardown);
	tcase_add_test(tcase, missing_file_is_an_empty_store);
	tcase_add_test(tcase, written_bytes_are_read_back_after_reopening);
	tcase_add_test(tcase, reading_past_the_end_is_an_error);
	tcase_add_test(tcase, short_and_interrupted_writes_are_completed);
	tcase_add_test(tcase, short_write_and_then_a_full_disk_is_an_error);
	tcase_add_test(tcase, file_size_limit_of_the_process_is_an_error);
	tcase_add_test(tcase, write_behind_every_offset_is_an_error);
	tcase_add_test(tcase, truncate_cuts_the_end);
	tcase_add_test(tcase, first_sync_after_open_covers_the_directory);
	tcase_add_loop_test(tcase, failed_sync_is_told_and_not_tried_again, 0, 2);
	tcase_add_test(tcase, path_that_names_no_file_is_an_error);
	tcase_add_test(tcase, name_without_room_for_its_companions_is_an_error);
	tcase_add_test(tcase, second_store_on_the_same_file_is_refused);
	tcase_add_test(tcase, symbolic_link_is_not_followed);
	tcase_add_test(tcase, anything_but_a_regular_file_is_an_error);
	tcase_add_test(tcase, nobody_else_may_read_the_files);
	tcase_add_test(tcase, readonly_store_reads_and_refuses_to_change);
	tcase_add_test(tcase, readonly_store_creates_nothing);
}

int main(void)
{
	return suite_run("store_posix", fill);
}
