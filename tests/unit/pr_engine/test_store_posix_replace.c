/*
 * Replacing the content of a posix store, with every call failing in turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/pr_engine/store_dir.h"
START_TEST(replace_makes_the_file)
{
	struct pr_store *store = store_open();

	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	ck_assert(path_holds("one"));
	ck_assert(!name_exists(".new"));
	ck_assert(!name_exists(".old"));
	store->ops->close(store);
}
END_TEST

START_TEST(store_works_on_the_new_file_after_a_replace)
{
	struct pr_store *store = store_open();

	ck_assert_int_eq(store->ops->write(store, 0, "old old old", 11), 0);
	ck_assert_int_eq(store->ops->replace(store, "new", 3), 0);
	ck_assert(store_holds(store, "new"));
	ck_assert_int_eq(store->ops->write(store, 3, "er", 2), 0);
	ck_assert(path_holds("newer"));
	ck_assert(!name_exists(".old"));
	store->ops->close(store);
}
END_TEST

START_TEST(replace_syncs_the_file_and_then_the_directory)
{
	struct pr_store *store = store_open();

	posix_faults_set(0, 0, 0);
	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	ck_assert_uint_eq(posix_faults.file_syncs, 1);
	ck_assert_uint_eq(posix_faults.directory_syncs, 1);
	store->ops->close(store);
}
END_TEST

START_TEST(replace_clears_away_what_a_crash_left)
{
	struct pr_store *store = store_open();
	char name[PATH_MAX + 8];

	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	for (int i = 0; i < 2; i++) {
		/* As a crash in the middle leaves them: other names of the journal itself. */
		snprintf(name, sizeof name, "%s%s", store_path, i == 0 ? ".new" : ".old");
		ck_assert_int_eq(link(store_path, name), 0);
	}
	ck_assert_int_eq(store->ops->replace(store, "two", 3), 0);
	ck_assert(path_holds("two"));
	ck_assert(!name_exists(".new"));
	ck_assert(!name_exists(".old"));
	store->ops->close(store);
}
END_TEST

/* Which call of a replace fails: 0 when there are no more calls than `call`. */
static int replace_with_fault(struct pr_store *store, unsigned call, unsigned count)
{
	posix_faults_set(call, count, EIO);
	int err = store->ops->replace(store, "new", 3);
	if (posix_faults.made < call)
		err = 0;
	posix_faults_set(0, 0, 0);
	return err;
}

START_TEST(any_one_call_of_replace_may_fail)
{
	bool is_first = _i == 0;
	const char *before = is_first ? "" : "old";
	unsigned failed = 0;

	for (unsigned call = 1; call <= 12; call++) {
		struct pr_store *store = store_open();
		if (!is_first)
			ck_assert_int_eq(store->ops->replace(store, before, 3), 0);
		int err = replace_with_fault(store, call, 1);
		const char *now = err != 0 ? before : "new";
		failed += err != 0;
		ck_assert_msg(path_holds(now), "call %u: err %d", call, err);
		ck_assert(store_holds(store, now));
		/* The store is usable, whatever failed. */
		ck_assert_int_eq(store->ops->replace(store, "after", 5), 0);
		ck_assert(path_holds("after"));
		ck_assert(store_holds(store, "after"));
		ck_assert(!name_exists(".new"));
		ck_assert(!name_exists(".old"));
		store->ops->close(store);
		syscall(SYS_unlinkat, AT_FDCWD, store_path, 0);
	}
	/* unlink .new, write, fsync, rename, fsync of the directory. */
	ck_assert_uint_ge(failed, 5);
}
END_TEST

START_TEST(replace_that_dies_anywhere_leaves_old_or_new_whole)
{
	bool is_first = _i == 0;
	const char *before = is_first ? "" : "old";
	bool old_seen = false, new_seen = false;

	for (unsigned call = 1; call <= 12; call++) {
		struct pr_store *store = store_open();
		if (!is_first)
			ck_assert_int_eq(store->ops->replace(store, before, 3), 0);
		int err = replace_with_fault(store, call, UINT_MAX);
		bool has_new = path_holds("new");
		ck_assert_msg(has_new || path_holds(before), "call %u", call);
		ck_assert(err != 0 || has_new);
		/* Not even now the store works on anything but what readers find. */
		ck_assert(store_holds(store, has_new ? "new" : before));
		old_seen |= !has_new;
		new_seen |= has_new;
		store->ops->close(store);

		store = store_open();
		ck_assert(store_holds(store, has_new ? "new" : before));
		ck_assert_int_eq(store->ops->replace(store, "after", 5), 0);
		ck_assert(path_holds("after"));
		store->ops->close(store);
		syscall(SYS_unlinkat, AT_FDCWD, store_path, 0);
	}
	ck_assert(old_seen && new_seen);
}
END_TEST

START_TEST(replace_works_where_hard_links_do_not)
{
	struct pr_store *store = store_open();

	ck_assert_int_eq(store->ops->replace(store, "old", 3), 0);
	/* unlink .new, write, fsync, unlink .old, and then link. */
	posix_faults_set(5, 1, EPERM);
	ck_assert_int_eq(store->ops->replace(store, "new", 3), 0);
	ck_assert(path_holds("new"));
	store->ops->close(store);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, store_dir_setup, store_dir_teardown);
	tcase_add_test(tcase, replace_makes_the_file);
	tcase_add_test(tcase, store_works_on_the_new_file_after_a_replace);
	tcase_add_test(tcase, replace_syncs_the_file_and_then_the_directory);
	tcase_add_test(tcase, replace_clears_away_what_a_crash_left);
	tcase_add_loop_test(tcase, any_one_call_of_replace_may_fail, 0, 2);
	tcase_add_loop_test(tcase, replace_that_dies_anywhere_leaves_old_or_new_whole, 0, 2);
	tcase_add_test(tcase, replace_works_where_hard_links_do_not);
}

int main(void)
{
	return suite_run("store_posix_replace", fill);
}
