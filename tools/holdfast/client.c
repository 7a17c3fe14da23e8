#include "tools/holdfast/client.h"

#include <sys/time.h>

#define ANSWER_TIMEOUT_S 15
#define REPLY_MAX	 (256u * 1024 * 1024) /* bytes: 65,536 registrations are some 20 MB */

static int connect_control(const char *path)
{
	struct sockaddr_un address;
	struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	int dir_fd = -1;

	int error = state_socket_address(path, &address, &dir_fd);
	if (error)
		return error;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) != 0 ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		error = -errno;
	if (dir_fd >= 0)
		close(dir_fd);
	if (error && fd >= 0)
		close(fd);
	return error ? error : fd;
}

static bool send_line(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* Everything up to the newline, as a string. NULL with errno. */
static char *receive_line(int fd)
{
	size_t len = 0, cap = 1 << 16;
	char *line = malloc(cap);

	while (line) {
		ssize_t n = recv(fd, line + len, cap - len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n == 0 ? ECONNRESET : errno;
			break;
		}
		char *newline = memchr(line + len, '\n', (size_t)n);
		if (newline) {
			*newline = '\0';
			return line;
		}
		len += (size_t)n;
		if (len < cap)
			continue;
		char *more = cap < REPLY_MAX ? realloc(line, cap * 2) : NULL;
		if (!more) {
			errno = EMSGSIZE;
			break;
		}
		line = more;
		cap *= 2;
	}
	free(line);
	return NULL;
}

static enum exit_status no_daemon(const char *path, int error)
{
	fprintf(stderr, "holdfast: no daemon answers on %s: %s\n", path, strerror(error));
	if (error == ENOENT || error == ECONNREFUSED || error == ENOTDIR)
		fprintf(stderr,
			"holdfast: start one with `holdfastd`, or say where it is with --state-dir "
			"DIR or --control PATH\n");
	else if (error == EACCES || error == EPERM)
		fprintf(stderr, "holdfast: the socket is its owner's alone: run this as the user "
				"that runs holdfastd\n");
	return STATUS_NO_DAEMON;
}

static enum exit_status check_reply(json_t *reply, const char *problem, json_t **ret_reply)
{
	if (!json_is_object(reply)) {
		fprintf(stderr, "holdfast: the daemon's answer is not JSON: %s\n", problem);
		json_decref(reply);
		return STATUS_FAILED;
	}
	if (!json_is_true(json_object_get(reply, "ok"))) {
		const char *error = json_string_value(json_object_get(reply, "error"));
		fprintf(stderr, "holdfast: %s\n", error ? error : "the daemon refused");
		json_decref(reply);
		return STATUS_FAILED;
	}
	*ret_reply = reply;
	return STATUS_OK;
}

json_t *client_exchange(const char *path, json_t *request)
{
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	int fd = text ? connect_control(path) : -1;
	char *line = NULL;
	json_t *reply;

	json_decref(request);
	if (fd >= 0) {
		if (send_line(fd, text) && send_line(fd, "\n"))
			line = receive_line(fd);
		close(fd);
	}
	free(text);
	reply = line ? json_loads(line, 0, NULL) : NULL;
	free(line);
	return reply;
}

enum exit_status client_ask(const struct arguments *arguments, json_t *request, json_t **ret_reply)
{
	json_error_t error = {.text = ""};
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	char *line = NULL;

	json_decref(request);
	if (arguments->control[0] == '\0') {
		free(text);
		fprintf(stderr, "holdfast: where is the daemon? Give --state-dir DIR\n");
		return STATUS_USAGE;
	}
	if (!text) {
		fprintf(stderr, "holdfast: the arguments are not UTF-8 text\n");
		return STATUS_USAGE;
	}
	int fd = connect_control(arguments->control);
	int problem = fd < 0 ? -fd : 0;
	if (fd >= 0) {
		/* A daemon that is busy says so without having read the request. */
		bool sent = send_line(fd, text) && send_line(fd, "\n");
		problem = errno;
		line = receive_line(fd);
		problem = sent ? errno : problem;
		close(fd);
	}
	free(text);
	if (!line)
		return no_daemon(arguments->control, problem);
	json_t *reply = json_loads(line, 0, &error);
	free(line);
	return check_reply(reply, error.text, ret_reply);
}
