/*
 * The directory of a posix store.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/pr_engine/store_dir.h"
START_TEST(missing_directories_are_created_and_synced)
{
	struct pr_store *store;

	snprintf(store_path, sizeof store_path, "%s/a/b//c/journal", store_dir);
	posix_faults_set(0, 0, 0);
	store = store_open();
	/* The parent of what was there, and the parents of a, b and c. */
	ck_assert_uint_eq(posix_faults.directory_syncs, 4);
	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	ck_assert(path_holds("one"));
	store->ops->close(store);
}
END_TEST

START_TEST(directory_that_cannot_be_made_durable_is_an_error)
{
	struct pr_store *store = NULL;

	snprintf(store_path, sizeof store_path, "%s/a/b/journal", store_dir);
	posix_faults_set((unsigned)_i, 1, EIO);
	ck_assert_int_eq(pr_store_posix_open(store_path, &store), -EIO);
	ck_assert_ptr_null(store);
	posix_faults_set(0, 0, 0);
	store = store_open();
	store->ops->close(store);
}
END_TEST

START_TEST(file_in_place_of_a_directory_is_an_error)
{
	struct pr_store *store = NULL;
	FILE *file = fopen(store_path, "we");

	ck_assert_ptr_nonnull(file);
	fclose(file);
	snprintf(store_path, sizeof store_path, "%s/journal/journal", store_dir);
	ck_assert_int_eq(pr_store_posix_open(store_path, &store), -ENOTDIR);
	ck_assert_ptr_null(store);
}
END_TEST

START_TEST(relative_path_works)
{
	struct pr_store *store = NULL;

	ck_assert_int_eq(chdir(store_dir), 0);
	ck_assert_int_eq(pr_store_posix_open("journal", &store), 0);
	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	ck_assert(path_holds("one"));
	store->ops->close(store);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, store_dir_setup, store_dir_teardown);
	tcase_add_test(tcase, missing_directories_are_created_and_synced);
	tcase_add_loop_test(tcase, directory_that_cannot_be_made_durable_is_an_error, 1, 4);
	tcase_add_test(tcase, file_in_place_of_a_directory_is_an_error);
	tcase_add_test(tcase, relative_path_works);
}

int main(void)
{
	return suite_run("store_posix_dir", fill);
}
