#include "tests/unit/pr_engine/store_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

char store_dir[64];
char store_path[PATH_MAX];

void store_dir_setup(void)
{
	posix_faults_set(0, 0, 0);
	strcpy(store_dir, "/tmp/test_store_posix.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(store_dir));
	snprintf(store_path, sizeof store_path, "%s/journal", store_dir);
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

void store_dir_teardown(void)
{
	remove_tree(AT_FDCWD, store_dir);
}

struct pr_store *store_open(void)
{
	struct pr_store *store = NULL;

	ck_assert_int_eq(pr_store_posix_open(store_path, &store), 0);
	return store;
}

const char *name_of(const char *suffix)
{
	static char name[PATH_MAX + 8];

	snprintf(name, sizeof name, "%s%s", store_path, suffix);
	return name;
}

bool name_exists(const char *suffix)
{
	struct stat st;

	return lstat(name_of(suffix), &st) == 0;
}

bool path_holds(const char *text)
{
	char data[64] = "";
	FILE *file = fopen(store_path, "re");
	size_t len = file ? fread(data, 1, sizeof data, file) : 0;

	if (file)
		fclose(file);
	return len == strlen(text) && memcmp(data, text, len) == 0;
}

bool store_holds(struct pr_store *store, const char *text)
{
	char data[64];
	uint64_t size;
	int err = store->ops->size(store, &size);

	if (err == -ENOENT)
		return text[0] == '\0';
	return err == 0 && size == strlen(text) &&
	       store->ops->read(store, 0, data, (size_t)size) == 0 &&
	       memcmp(data, text, (size_t)size) == 0;
}
