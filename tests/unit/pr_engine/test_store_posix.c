/*
 * The posix store against a real directory. The system calls that change a disk are doubled here so
 * that each of them can fail in turn, or so that all fail from one on, as when the process dies.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pr_engine/store.h"
#include "tests/support/suite.h"

/* ---- doubles ---- */

static struct {
	unsigned made;	     /* calls so far */
	unsigned fail_from;  /* number of the first that fails; 0: none */
	unsigned fail_count; /* how many fail from there on */
	int error;
	unsigned short_writes;	  /* pwrite writes at most one byte so many times */
	unsigned interrupted;	  /* pwrite and pread give EINTR so many times */
	unsigned directory_syncs; /* fsync calls that were about a directory */
	unsigned file_syncs;
} faults;

static bool fault_is_due(void)
{
	faults.made++;
	if (faults.fail_from == 0 || faults.made < faults.fail_from ||
	    faults.made - faults.fail_from >= faults.fail_count)
		return false;
	errno = faults.error;
	return true;
}

int fsync(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		faults.directory_syncs++;
	else
		faults.file_syncs++;
	return fault_is_due() ? -1 : (int)syscall(SYS_fsync, fd);
}

int renameat(int old_dir, const char *old_name, int new_dir, const char *new_name)
{
	return fault_is_due()
		       ? -1
		       : (int)syscall(SYS_renameat2, old_dir, old_name, new_dir, new_name, 0);
}

int linkat(int old_dir, const char *old_name, int new_dir, const char *new_name, int flags)
{
	return fault_is_due()
		       ? -1
		       : (int)syscall(SYS_linkat, old_dir, old_name, new_dir, new_name, flags);
}

int unlinkat(int dir, const char *name, int flags)
{
	return fault_is_due() ? -1 : (int)syscall(SYS_unlinkat, dir, name, flags);
}

int ftruncate(int fd, off_t size)
{
	return fault_is_due() ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	if (faults.interrupted > 0) {
		faults.interrupted--;
		errno = EINTR;
		return -1;
	}
	if (fault_is_due())
		return -1;
	if (faults.short_writes > 0 && len > 1) {
		faults.short_writes--;
		len = 1;
	}
	return (ssize_t)syscall(SYS_pwrite64, fd, data, len, offset);
}

static void faults_set(unsigned from, unsigned count, int error)
{
	memset(&faults, 0, sizeof faults);
	faults.fail_from = from;
	faults.fail_count = count;
	faults.error = error;
}

/* ---- a directory of its own for each test ---- */

static char base[64];
static char path[PATH_MAX];

static void setup(void)
{
	faults_set(0, 0, 0);
	strcpy(base, "/tmp/test_store_posix.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	snprintf(path, sizeof path, "%s/journal", base);
}

static void remove_tree(int at_fd, const char *name)
{
	int fd = openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir) {
		for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
			if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
				remove_tree(dirfd(dir), entry->d_name);
		}
		closedir(dir);
		syscall(SYS_unlinkat, at_fd, name, AT_REMOVEDIR);
	} else {
		syscall(SYS_unlinkat, at_fd, name, 0);
	}
}

static void teardown(void)
{
	remove_tree(AT_FDCWD, base);
}

static struct pr_store *store_open(void)
{
	struct pr_store *store = NULL;

	ck_assert_int_eq(pr_store_posix_open(path, &store), 0);
	return store;
}

static bool name_exists(const char *suffix)
{
	char name[PATH_MAX + 8];
	struct stat st;

	snprintf(name, sizeof name, "%s%s", path, suffix);
	return lstat(name, &st) == 0;
}

/* The content that a fresh open of the path finds is exactly `text`. */
static bool path_holds(const char *text)
{
	char data[64] = "";
	FILE *file = fopen(path, "re");
	size_t len = file ? fread(data, 1, sizeof data, file) : 0;

	if (file)
		fclose(file);
	return len == strlen(text) && memcmp(data, text, len) == 0;
}

static bool store_holds(struct pr_store *store, const char *text)
{
	char data[64];
	uint64_t size;

	return store->ops->size(store, &size) == 0 && size == strlen(text) &&
	       store->ops->read(store, 0, data, (size_t)size) == 0 &&
	       memcmp(data, text, (size_t)size) == 0;
}

/* ---- plain use ---- */

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

	faults.short_writes = 3;
	faults.interrupted = 2;
	ck_assert_int_eq(store->ops->write(store, 0, "hello world", 11), 0);
	ck_assert(store_holds(store, "hello world"));
	store->ops->close(store);
}
END_TEST

START_TEST(short_write_and_then_a_full_disk_is_an_error)
{
	struct pr_store *store = store_open();

	ck_assert_int_eq(store->ops->write(store, 0, "x", 1), 0);
	faults_set(2, 1, ENOSPC);
	faults.short_writes = 1;
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
	faults_set(0, 0, 0);
	ck_assert_int_eq(store->ops->sync(store), 0);
	ck_assert_uint_eq(faults.directory_syncs, 1);
	ck_assert_int_eq(store->ops->sync(store), 0);
	ck_assert_uint_eq(faults.directory_syncs, 1);
	ck_assert_uint_eq(faults.file_syncs, 2);
	store->ops->close(store);
}
END_TEST

START_TEST(failed_sync_is_told_and_not_tried_again)
{
	struct pr_store *store = store_open();

	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	faults_set(1, 1, _i == 0 ? EIO : EINTR);
	ck_assert_int_eq(store->ops->sync(store), _i == 0 ? -EIO : -EINTR);
	ck_assert_uint_eq(faults.file_syncs, 1);
	store->ops->close(store);
}
END_TEST

/* ---- replace ---- */

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

	faults_set(0, 0, 0);
	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	ck_assert_uint_eq(faults.file_syncs, 1);
	ck_assert_uint_eq(faults.directory_syncs, 1);
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
		snprintf(name, sizeof name, "%s%s", path, i == 0 ? ".new" : ".old");
		ck_assert_int_eq(link(path, name), 0);
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
	faults_set(call, count, EIO);
	int err = store->ops->replace(store, "new", 3);
	if (faults.made < call)
		err = 0;
	faults_set(0, 0, 0);
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
		syscall(SYS_unlinkat, AT_FDCWD, path, 0);
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
		syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	}
	ck_assert(old_seen && new_seen);
}
END_TEST

START_TEST(replace_works_where_hard_links_do_not)
{
	struct pr_store *store = store_open();

	ck_assert_int_eq(store->ops->replace(store, "old", 3), 0);
	/* unlink .new, write, fsync, unlink .old, and then link. */
	faults_set(5, 1, EPERM);
	ck_assert_int_eq(store->ops->replace(store, "new", 3), 0);
	ck_assert(path_holds("new"));
	store->ops->close(store);
}
END_TEST

/* ---- opening ---- */

START_TEST(missing_directories_are_created_and_synced)
{
	struct pr_store *store;

	snprintf(path, sizeof path, "%s/a/b//c/journal", base);
	faults_set(0, 0, 0);
	store = store_open();
	/* The parent of what was there, and the parents of a, b and c. */
	ck_assert_uint_eq(faults.directory_syncs, 4);
	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	ck_assert(path_holds("one"));
	store->ops->close(store);
}
END_TEST

START_TEST(directory_that_cannot_be_made_durable_is_an_error)
{
	struct pr_store *store = NULL;

	snprintf(path, sizeof path, "%s/a/b/journal", base);
	faults_set((unsigned)_i, 1, EIO);
	ck_assert_int_eq(pr_store_posix_open(path, &store), -EIO);
	ck_assert_ptr_null(store);
	faults_set(0, 0, 0);
	store = store_open();
	store->ops->close(store);
}
END_TEST

START_TEST(file_in_place_of_a_directory_is_an_error)
{
	struct pr_store *store = NULL;
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	fclose(file);
	snprintf(path, sizeof path, "%s/journal/journal", base);
	ck_assert_int_eq(pr_store_posix_open(path, &store), -ENOTDIR);
	ck_assert_ptr_null(store);
}
END_TEST

START_TEST(path_that_names_no_file_is_an_error)
{
	struct pr_store *store = NULL;

	ck_assert_int_eq(pr_store_posix_open("", &store), -EISDIR);
	snprintf(path, sizeof path, "%s/", base);
	ck_assert_int_eq(pr_store_posix_open(path, &store), -EISDIR);
	snprintf(path, sizeof path, "%s/..", base);
	ck_assert_int_eq(pr_store_posix_open(path, &store), -EISDIR);
}
END_TEST

START_TEST(name_without_room_for_its_companions_is_an_error)
{
	struct pr_store *store = NULL;
	size_t at = (size_t)snprintf(path, sizeof path, "%s/", base);

	memset(path + at, 'n', NAME_MAX - 4);
	path[at + NAME_MAX - 4] = '\0';
	ck_assert_int_eq(pr_store_posix_open(path, &store), -ENAMETOOLONG);
	path[at + NAME_MAX - 5] = '\0';
	store = store_open();
	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	store->ops->close(store);
}
END_TEST

START_TEST(second_store_on_the_same_file_is_refused)
{
	struct pr_store *store = store_open(), *second = NULL;

	ck_assert_int_eq(pr_store_posix_open(path, &second), -EWOULDBLOCK);
	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	ck_assert_int_eq(pr_store_posix_open(path, &second), -EWOULDBLOCK);
	ck_assert_int_eq(store->ops->replace(store, "two", 3), 0);
	ck_assert_int_eq(pr_store_posix_open(path, &second), -EWOULDBLOCK);
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

	ck_assert_int_eq(symlink("elsewhere", path), 0);
	ck_assert_int_eq(pr_store_posix_open(path, &store), -ELOOP);
	ck_assert_int_eq(pr_store_posix_open_readonly(path, &store), -ELOOP);
	ck_assert_ptr_null(store);
}
END_TEST

START_TEST(anything_but_a_regular_file_is_an_error)
{
	struct pr_store *store = NULL;

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(pr_store_posix_open(path, &store), -EINVAL);
	ck_assert_int_eq(pr_store_posix_open_readonly(path, &store), -EINVAL);
	ck_assert_ptr_null(store);
}
END_TEST

START_TEST(relative_path_works)
{
	struct pr_store *store = NULL;

	ck_assert_int_eq(chdir(base), 0);
	ck_assert_int_eq(pr_store_posix_open("journal", &store), 0);
	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	ck_assert(path_holds("one"));
	store->ops->close(store);
}
END_TEST

START_TEST(nobody_else_may_read_the_files)
{
	struct pr_store *store = store_open();
	struct stat st;

	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 077, 0);
	store->ops->close(store);
}
END_TEST

/* ---- readonly ---- */

START_TEST(readonly_store_reads_and_refuses_to_change)
{
	struct pr_store *store = store_open(), *reader = NULL;

	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	/* Also while the daemon has it open. */
	ck_assert_int_eq(pr_store_posix_open_readonly(path, &reader), 0);
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

	ck_assert_int_eq(pr_store_posix_open_readonly(path, &reader), -ENOENT);
	ck_assert(!name_exists(""));
	ck_assert(!name_exists(".lock"));
	snprintf(path, sizeof path, "%s/a/journal", base);
	ck_assert_int_eq(pr_store_posix_open_readonly(path, &reader), -ENOENT);
	ck_assert_ptr_null(reader);
	snprintf(path, sizeof path, "%s/a", base);
	ck_assert(!name_exists(""));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
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
	tcase_add_test(tcase, replace_makes_the_file);
	tcase_add_test(tcase, store_works_on_the_new_file_after_a_replace);
	tcase_add_test(tcase, replace_syncs_the_file_and_then_the_directory);
	tcase_add_test(tcase, replace_clears_away_what_a_crash_left);
	tcase_add_loop_test(tcase, any_one_call_of_replace_may_fail, 0, 2);
	tcase_add_loop_test(tcase, replace_that_dies_anywhere_leaves_old_or_new_whole, 0, 2);
	tcase_add_test(tcase, replace_works_where_hard_links_do_not);
	tcase_add_test(tcase, missing_directories_are_created_and_synced);
	tcase_add_loop_test(tcase, directory_that_cannot_be_made_durable_is_an_error, 1, 4);
	tcase_add_test(tcase, file_in_place_of_a_directory_is_an_error);
	tcase_add_test(tcase, path_that_names_no_file_is_an_error);
	tcase_add_test(tcase, name_without_room_for_its_companions_is_an_error);
	tcase_add_test(tcase, second_store_on_the_same_file_is_refused);
	tcase_add_test(tcase, symbolic_link_is_not_followed);
	tcase_add_test(tcase, anything_but_a_regular_file_is_an_error);
	tcase_add_test(tcase, relative_path_works);
	tcase_add_test(tcase, nobody_else_may_read_the_files);
	tcase_add_test(tcase, readonly_store_reads_and_refuses_to_change);
	tcase_add_test(tcase, readonly_store_creates_nothing);
}

int main(void)
{
	return suite_run("store_posix", fill);
}
