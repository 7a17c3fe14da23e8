/*
 * Where the daemon keeps its state, and how its control socket is reached: what holdfastd and
 * holdfast must agree on.
 */
#ifndef TOOLS_COMMON_STATE_PATH_H
#define TOOLS_COMMON_STATE_PATH_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STATE_PATH_MAX	     1024 /* bytes of a state directory, with the NUL */
#define STATE_FILE_MAX	     2048 /* bytes of a file in it */
#define STATE_CONTROL_SOCKET "holdfast.sock"
#define STATE_ROOT_DIR	     "/var/lib/holdfast"

/*
 * The default: /var/lib/holdfast for root, else $XDG_STATE_HOME/holdfast, else
 * ~/.local/state/holdfast. False when none of them can be told, or it is too long.
 */
static inline bool state_default_dir(char ret_dir[STATE_PATH_MAX])
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int len = -1;

	/* The XDG base directory specification: a relative path there does not count. */
	if (geteuid() == 0)
		len = snprintf(ret_dir, STATE_PATH_MAX, "%s", STATE_ROOT_DIR);
	else if (xdg && xdg[0] == '/')
		len = snprintf(ret_dir, STATE_PATH_MAX, "%s/holdfast", xdg);
	else if (home && home[0] == '/')
		len = snprintf(ret_dir, STATE_PATH_MAX, "%s/.local/state/holdfast", home);
	return len >= 0 && len < STATE_PATH_MAX;
}

/*
 * The address of the unix socket `path`. A path that is longer than sun_path is named by way of an
 * open descriptor of its directory: the caller closes *ret_dir_fd (when not -1) after its bind or
 * connect. 0 or a negative errno.
 */
static inline int state_socket_address(const char *path, struct sockaddr_un *ret_address,
				       int *ret_dir_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char dir[STATE_FILE_MAX];
	const char *slash = strrchr(path, '/');
	int fd = -1;

	if (strlen(path) < sizeof(address.sun_path)) {
		memcpy(address.sun_path, path, strlen(path) + 1);
	} else {
		if (!slash || (size_t)(slash - path) >= sizeof(dir))
			return -ENAMETOOLONG;
		memcpy(dir, path, (size_t)(slash - path));
		dir[slash - path] = '\0';
		fd = open(dir[0] ? dir : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		int len = snprintf(address.sun_path, sizeof(address.sun_path),
				   "/proc/self/fd/%d/%s", fd, slash + 1);
		if (len < 0 || (size_t)len >= sizeof(address.sun_path)) {
			close(fd);
			return -ENAMETOOLONG;
		}
	}
	*ret_address = address;
	*ret_dir_fd = fd;
	return 0;
}

#endif
