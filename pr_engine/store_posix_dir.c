/*
 * The directory of a posix store: opened step by step, and what is missing made and made durable.
 */
#include "pr_engine/store_posix_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIR_MODE      0700
#define OPEN_DIR      (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define OPEN_DIR_PATH (O_PATH | O_DIRECTORY | O_CLOEXEC)

/* Makes the entries of the directory `path`, seen from at_fd, durable. */
static int dir_sync(int at_fd, const char *path)
{
	int fd = openat(at_fd, path, OPEN_DIR);
	int err;

	if (fd < 0)
		return -errno;
	err = pr_posix_fd_sync(fd);
	pr_posix_fd_close(&fd);
	return err;
}

/* As above for the parent of a directory that was there already, and may not be ours to read. */
static int parent_sync(int dir_fd)
{
	int err = dir_sync(dir_fd, "..");

	return err == -EACCES ? 0 : err;
}

static int component_create(int parent_fd, const char *name)
{
	if (mkdirat(parent_fd, name, DIR_MODE) < 0 && errno != EEXIST)
		return -errno;
	return dir_sync(parent_fd, ".");
}

/*
 * Steps from *fd into its child `name`, which is created when `create`. The deepest directory that
 * was there already may come from a process that died before it had made it durable: its entry in
 * its parent is synced before anything is built on it.
 */
static int component_enter(int *fd, const char *name, bool create, bool *created)
{
	int child = openat(*fd, name, OPEN_DIR_PATH);
	int err;

	if (child < 0 && errno == ENOENT && create) {
		err = *created ? 0 : parent_sync(*fd);
		if (err == 0)
			err = component_create(*fd, name);
		if (err != 0)
			return err;
		*created = true;
		child = openat(*fd, name, OPEN_DIR_PATH);
	}
	if (child < 0)
		return -errno;
	pr_posix_fd_close(fd);
	*fd = child;
	return 0;
}

/* Opens the directory of `path` (which is cut into pieces), creating what is missing. */
static int dir_enter(char *path, bool create, int *ret_fd)
{
	int fd = open(path[0] == '/' ? "/" : ".", OPEN_DIR_PATH);
	bool created = false;
	char *rest = NULL;
	int err = 0;

	if (fd < 0)
		return -errno;
	for (char *name = strtok_r(path, "/", &rest); name && err == 0;
	     name = strtok_r(NULL, "/", &rest))
		err = component_enter(&fd, name, create, &created);
	if (err == 0 && create && !created)
		err = parent_sync(fd);
	if (err != 0) {
		pr_posix_fd_close(&fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

int pr_posix_dir_open(char *path, bool create, int *ret_fd)
{
	int path_fd = -1;
	int err = dir_enter(path, create, &path_fd);

	if (err != 0)
		return err;
	int fd = openat(path_fd, ".", OPEN_DIR);
	err = fd < 0 ? -errno : 0;
	pr_posix_fd_close(&path_fd);
	if (err == 0)
		*ret_fd = fd;
	return err;
}
