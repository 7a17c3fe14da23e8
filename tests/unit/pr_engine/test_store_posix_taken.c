/*
 * What a posix store does about a page cache that lies, and names taken from under it.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/pr_engine/store_dir.h"

START_TEST(open_forgets_the_page_cache_before_anything_is_read)
{
	struct pr_store *store = store_open();

	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	store->ops->close(store);
	posix_faults_set(0, 0, 0);
	store = store_open();
	ck_assert_uint_eq(posix_faults.cache_drops, 1);
	ck_assert_uint_eq(posix_faults.syncs_before_drop, 1);
	ck_assert_uint_eq(posix_faults.reads_before_drop, 0);
	ck_assert(store_holds(store, "one"));
	store->ops->close(store);
}
END_TEST

START_TEST(file_that_cannot_be_synced_is_not_opened)
{
	struct pr_store *store = store_open(), *second = NULL;

	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	store->ops->close(store);
	/* The directory's parent is synced first. */
	posix_faults_set(2, 1, EIO);
	ck_assert_int_eq(pr_store_posix_open(store_path, &second), -EIO);
	ck_assert_uint_eq(posix_faults.cache_drops, 0);
	ck_assert_ptr_null(second);
}
END_TEST

static void file_put(const char *name, const char *text)
{
	FILE *file = fopen(name, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(sync_of_a_file_that_was_taken_away_is_an_error_until_it_is_replaced)
{
	struct pr_store *store = store_open();

	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	switch (_i) {
	case 0:
		ck_assert_int_eq(unlink(store_path), 0);
		break;
	case 1:
		ck_assert_int_eq(rename(store_path, name_of(".away")), 0);
		break;
	default:
		file_put(name_of(".copy"), "one");
		ck_assert_int_eq(rename(name_of(".copy"), store_path), 0);
		break;
	}
	ck_assert_int_eq(store->ops->write(store, 3, "two", 3), 0);
	ck_assert_int_eq(store->ops->sync(store), -ESTALE);
	ck_assert_int_eq(store->ops->sync(store), -ESTALE);
	ck_assert_int_eq(store->ops->replace(store, "onetwo", 6), 0);
	ck_assert(path_holds("onetwo"));
	ck_assert_int_eq(store->ops->write(store, 6, "!", 1), 0);
	ck_assert_int_eq(store->ops->sync(store), 0);
	ck_assert(path_holds("onetwo!"));
	store->ops->close(store);
}
END_TEST

START_TEST(nothing_is_durable_without_the_lock_file)
{
	struct pr_store *store = store_open(), *second = NULL;

	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	ck_assert_int_eq(unlink(name_of(".lock")), 0);
	if (_i == 1) {
		/* Now another instance can have the journal, and it is that one's from here on. */
		ck_assert_int_eq(pr_store_posix_open(store_path, &second), 0);
		ck_assert_int_eq(second->ops->replace(second, "second", 6), 0);
	}
	ck_assert_int_eq(store->ops->write(store, 3, "two", 3), 0);
	ck_assert_int_eq(store->ops->sync(store), -ENOLCK);
	ck_assert_int_eq(store->ops->replace(store, "two", 3), -ENOLCK);
	if (second) {
		ck_assert(path_holds("second"));
		ck_assert_int_eq(second->ops->sync(second), 0);
		second->ops->close(second);
	}
	store->ops->close(store);
	store = store_open();
	ck_assert_int_eq(store->ops->replace(store, "three", 5), 0);
	store->ops->close(store);
}
END_TEST

START_TEST(file_without_bytes_is_not_a_missing_one)
{
	struct pr_store *store = store_open();
	uint64_t size = 7;

	ck_assert_int_eq(store->ops->size(store, &size), -ENOENT);
	ck_assert_uint_eq(size, 7);
	store->ops->close(store);
	file_put(store_path, "");
	store = store_open();
	ck_assert_int_eq(store->ops->size(store, &size), 0);
	ck_assert_uint_eq(size, 0);
	store->ops->close(store);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, store_dir_setup, store_dir_teardown);
	tcase_add_test(tcase, open_forgets_the_page_cache_before_anything_is_read);
	tcase_add_test(tcase, file_that_cannot_be_synced_is_not_opened);
	tcase_add_loop_test(
		tcase, sync_of_a_file_that_was_taken_away_is_an_error_until_it_is_replaced, 0, 3);
	tcase_add_loop_test(tcase, nothing_is_durable_without_the_lock_file, 0, 2);
	tcase_add_test(tcase, file_without_bytes_is_not_a_missing_one);
}

int main(void)
{
	return suite_run("store_posix_taken", fill);
}
