#include "tests/integration/daemon.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_TIMEOUT_MS 60000 /* a sanitized daemon on a busy machine is slow; a hang is not */
#define STOP_TIMEOUT_MS	 20000

const char *daemon_path(void)
{
	const char *path = getenv("HOLDFASTD");
	return path ? path : "build/holdfastd";
}

const char *tool_path(void)
{
	const char *path = getenv("HOLDFAST");
	return path ? path : "build/holdfast";
}

static long long now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* In the child: end with the parent, so that a crashed test leaves nothing behind. */
static void child_exec(const char *const *argv, int out, int err)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (out >= 0)
		dup2(out, STDOUT_FILENO);
	if (err >= 0)
		dup2(err, STDERR_FILENO);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	fprintf(stderr, "cannot start %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* One line, without its newline; fails the test when none comes in time. */
static void read_line(int fd, char *ret_line, size_t len)
{
	long long deadline = now_ms() + READY_TIMEOUT_MS;
	size_t at = 0;

	for (;;) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		int left = (int)(deadline - now_ms());
		ck_assert_msg(left > 0, "the daemon did not print its ready line in time");
		int ready = poll(&poll_fd, 1, left);
		if (ready <= 0)
			continue;
		ck_assert_msg(at + 1 < len, "the ready line is too long");
		ssize_t n = read(fd, ret_line + at, 1);
		ck_assert_msg(n == 1, "the daemon ended before it was ready");
		if (ret_line[at] == '\n')
			break;
		at++;
	}
	ret_line[at] = '\0';
}

static void copy_string(char *to, size_t len, const char *from)
{
	ck_assert_ptr_nonnull(from);
	ck_assert_uint_lt(strlen(from), len);
	strcpy(to, from);
}

static void parse_ready_line(struct daemon *daemon)
{
	json_error_t error;
	json_t *ready = json_loads(daemon->ready_line, 0, &error);

	ck_assert_msg(ready != NULL, "the ready line is not JSON: %s", daemon->ready_line);
	ck_assert(json_is_true(json_object_get(ready, "ready")));
	ck_assert_int_eq(json_integer_value(json_object_get(ready, "pid")), daemon->pid);
	copy_string(daemon->portal, sizeof(daemon->portal),
		    json_string_value(json_array_get(json_object_get(ready, "portals"), 0)));
	copy_string(daemon->target, sizeof(daemon->target),
		    json_string_value(json_object_get(ready, "target")));
	copy_string(daemon->control, sizeof(daemon->control),
		    json_string_value(json_object_get(ready, "control")));
	json_decref(ready);
}

static void daemon_spawn(struct daemon *daemon, const char *address)
{
	const char *argv[DAEMON_ARGS_MAX + 10];
	char log_path[96];
	int pipe_fds[2];
	int n = 0;

	argv[n++] = daemon_path();
	argv[n++] = "--state-dir";
	argv[n++] = daemon->folder;
	if (address) {
		argv[n++] = "--listen";
		argv[n++] = address;
	}
	if (daemon->config[0] != '\0') {
		argv[n++] = "--config";
		argv[n++] = daemon->config;
	}
	for (int i = 0; daemon->args[i]; i++)
		argv[n++] = daemon->args[i];
	/* The same tests with several event loops: `make check-threads`. */
	if (getenv("HOLDFAST_THREADS")) {
		argv[n++] = "--threads";
		argv[n++] = getenv("HOLDFAST_THREADS");
	}
	argv[n] = NULL;

	snprintf(log_path, sizeof(log_path), "%s/log", daemon->folder);
	int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	ck_assert_int_ge(log, 0);
	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
	daemon->pid = fork();
	ck_assert_int_ge(daemon->pid, 0);
	if (daemon->pid == 0)
		child_exec(argv, pipe_fds[1], log);
	close(pipe_fds[1]);
	close(log);
	read_line(pipe_fds[0], daemon->ready_line, sizeof(daemon->ready_line));
	close(pipe_fds[0]);
	parse_ready_line(daemon);
}

void daemon_folder(struct daemon *daemon)
{
	memset(daemon, 0, sizeof(*daemon));
	strcpy(daemon->folder, "/tmp/holdfast-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(daemon->folder));
}

void daemon_start_configured(struct daemon *daemon, const char *address, const char *config)
{
	daemon_folder(daemon);
	snprintf(daemon->config, sizeof(daemon->config), "%s/holdfast.conf", daemon->folder);
	FILE *file = fopen(daemon->config, "w");
	ck_assert_ptr_nonnull(file);
	fputs(config, file);
	ck_assert_int_eq(fclose(file), 0);
	daemon_spawn(daemon, address);
}

void daemon_start(struct daemon *daemon, const char *address, const char *const *args)
{
	daemon_folder(daemon);
	for (int i = 0; args && args[i]; i++) {
		ck_assert_int_lt(i, DAEMON_ARGS_MAX - 1);
		daemon->args[i] = args[i];
	}
	daemon_spawn(daemon, address);
}

void daemon_restart(struct daemon *daemon)
{
	char portal[sizeof(daemon->portal)];

	ck_assert_int_eq(daemon->pid, 0);
	memcpy(portal, daemon->portal, sizeof(portal));
	daemon_spawn(daemon, portal);
	ck_assert_str_eq(daemon->portal, portal);
}

void daemon_kill(struct daemon *daemon)
{
	kill(daemon->pid, SIGKILL);
	waitpid(daemon->pid, NULL, 0);
	daemon->pid = 0;
}

int daemon_stop(struct daemon *daemon)
{
	kill(daemon->pid, SIGTERM);
	return daemon_wait(daemon);
}

int daemon_wait(struct daemon *daemon)
{
	long long deadline = now_ms() + STOP_TIMEOUT_MS;
	int status;

	while (waitpid(daemon->pid, &status, WNOHANG) == 0) {
		if (now_ms() > deadline) {
			daemon_kill(daemon);
			return -1;
		}
		poll(NULL, 0, 5);
	}
	daemon->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void daemon_finish(struct daemon *daemon)
{
	if (daemon->pid > 0)
		daemon_kill(daemon);
	if (daemon->folder[0] != '\0') {
		const char *const argv[] = {"/bin/rm", "-rf", "--", daemon->folder, NULL};
		char output[64];
		program_run(argv, output, sizeof(output));
	}
}

int program_run(const char *const *argv, char *ret_output, size_t len)
{
	return program_run_prepared(argv, NULL, ret_output, len);
}

int program_run_prepared(const char *const *argv, void (*prepare)(const char *const *argv),
			 char *ret_output, size_t len)
{
	int pipe_fds[2], status;
	size_t at = 0;
	char waste[512];

	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		dup2(pipe_fds[1], STDOUT_FILENO);
		dup2(pipe_fds[1], STDERR_FILENO);
		if (prepare)
			prepare(argv);
		child_exec(argv, -1, -1);
	}
	close(pipe_fds[1]);
	for (;;) {
		bool room = at + 1 < len;
		ssize_t n = read(pipe_fds[0], room ? ret_output + at : waste,
				 room ? len - 1 - at : sizeof(waste));
		if (n <= 0)
			break;
		if (room)
			at += (size_t)n;
	}
	ret_output[at] = '\0';
	close(pipe_fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
