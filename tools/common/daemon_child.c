#include "tools/common/daemon_child.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define READY_TIMEOUT_MS 60000 /* a sanitized daemon on a busy machine is slow; a hang is not */
#define READY_LINE_MAX	 4096
#define PATH_LEN_MAX	 128

static void become_daemon(const char *holdfastd, const char *folder, bool in_own_group,
			  const char *const *environment, int ready)
{
	char path[PATH_LEN_MAX];
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (in_own_group)
		setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(path, sizeof(path), "%s/log", folder);
	int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log >= 0)
		dup2(log, STDERR_FILENO);
	dup2(ready, STDOUT_FILENO);
	snprintf(path, sizeof(path), "%s/holdfast.conf", folder);
	for (; environment && *environment; environment++)
		putenv((char *)*environment);
	execl(holdfastd, holdfastd, "--config", path, (char *)NULL);
	fprintf(stderr, "cannot start %s: %s\n", holdfastd, strerror(errno));
	_exit(127);
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool read_ready_line(int fd, char line[READY_LINE_MAX])
{
	long long deadline = now_ms() + READY_TIMEOUT_MS;
	size_t at = 0;

	while (at + 1 < READY_LINE_MAX) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		long long left = deadline - now_ms();
		if (left <= 0)
			return false;
		if (poll(&poll_fd, 1, (int)left) <= 0)
			continue;
		if (read(fd, line + at, 1) != 1)
			return false;
		if (line[at] == '\n') {
			line[at] = '\0';
			return true;
		}
		at++;
	}
	return false;
}

json_t *daemon_child_start(const char *holdfastd, const char *folder, bool in_own_group,
			   const char *const *environment, pid_t *ret_pid)
{
	char line[READY_LINE_MAX];
	json_t *ready = NULL;
	int fds[2];

	*ret_pid = 0;
	if (pipe2(fds, O_CLOEXEC) != 0)
		return NULL;
	pid_t pid = fork();
	if (pid == 0)
		become_daemon(holdfastd, folder, in_own_group, environment, fds[1]);
	close(fds[1]);
	*ret_pid = pid > 0 ? pid : 0;
	if (pid > 0 && read_ready_line(fds[0], line))
		ready = json_loads(line, 0, NULL);
	close(fds[0]);
	return ready;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void daemon_child_remove_folder(const char *folder)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
