#include "tools/holdfast/client.h"

#include <sys/time.h>

#define ANSWER_TIMEOUT_S 15
#define STOP_POLL_US	 100000
#define LINE_CAP_FIRST	 (1u << 16)
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

/* Bytes that have come, of which some lines may be taken already. */
struct lines {
	int fd;
	char *bytes;
	size_t at, len, cap;
	bool is_shut; /* our side of it */
};

static bool lines_make_room(struct lines *lines)
{
	if (lines->at > 0) {
		memmove(lines->bytes, lines->bytes + lines->at, lines->len - lines->at);
		lines->len -= lines->at;
		lines->at = 0;
	}
	if (lines->len < lines->cap)
		return true;
	size_t cap = lines->cap > 0 ? lines->cap * 2 : LINE_CAP_FIRST;
	char *more = cap <= REPLY_MAX ? realloc(lines->bytes, cap) : NULL;
	if (!more) {
		errno = EMSGSIZE;
		return false;
	}
	lines->bytes = more;
	lines->cap = cap;
	return true;
}

/* More bytes, or false with errno. Once `*stopped` is set, what the daemon still has is asked for:
 * closing our side tells it. A second signal ends that, too. */
static bool lines_receive(struct lines *lines, const volatile sig_atomic_t *stopped)
{
	for (;;) {
		if (stopped && *stopped == 1 && !lines->is_shut)
			lines->is_shut = shutdown(lines->fd, SHUT_WR) == 0;
		if (stopped && *stopped > 1)
			return false;
		ssize_t n = recv(lines->fd, lines->bytes + lines->len, lines->cap - lines->len, 0);
		if (n > 0) {
			lines->len += (size_t)n;
			return true;
		}
		if (n < 0 && (errno == EINTR || (stopped && errno == EAGAIN)))
			continue;
		errno = n == 0 ? ECONNRESET : errno;
		return false;
	}
}

/* The next line, without its newline, until the next call. NULL with errno. */
static char *lines_next(struct lines *lines, const volatile sig_atomic_t *stopped)
{
	size_t looked = lines->at;

	for (;;) {
		char *newline = lines->len > looked
					? memchr(lines->bytes + looked, '\n', lines->len - looked)
					: NULL;
		if (newline) {
			char *line = lines->bytes + lines->at;
			*newline = '\0';
			lines->at = (size_t)(newline - lines->bytes) + 1;
			return line;
		}
		looked = lines->len - lines->at;
		if (!lines_make_room(lines) || !lines_receive(lines, stopped))
			return NULL;
	}
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

/* Sends the request; its reply begins to come. On anything but STATUS_OK the person has been told.
 */
static enum exit_status client_begin(const struct arguments *arguments, json_t *request,
				     struct lines *ret_lines, json_t **ret_reply)
{
	json_error_t error = {.text = ""};
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	char *line = NULL;

	json_decref(request);
	*ret_lines = (struct lines){.fd = -1};
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
	ret_lines->fd = fd;
	if (fd >= 0) {
		/* A daemon that is busy says so without having read the request. */
		bool sent = send_line(fd, text) && send_line(fd, "\n");
		problem = errno;
		line = lines_next(ret_lines, NULL);
		problem = sent ? errno : problem;
	}
	free(text);
	if (!line)
		return no_daemon(arguments->control, problem);
	json_t *reply = json_loads(line, 0, &error);
	return check_reply(reply, error.text, ret_reply);
}

static void client_end(struct lines *lines)
{
	if (lines->fd >= 0)
		close(lines->fd);
	free(lines->bytes);
}

json_t *client_exchange(const char *path, json_t *request)
{
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	struct lines lines = {.fd = text ? connect_control(path) : -1};
	const char *line = NULL;
	json_t *reply;

	json_decref(request);
	if (lines.fd >= 0 && send_line(lines.fd, text) && send_line(lines.fd, "\n"))
		line = lines_next(&lines, NULL);
	free(text);
	reply = line ? json_loads(line, 0, NULL) : NULL;
	client_end(&lines);
	return reply;
}

enum exit_status client_ask(const struct arguments *arguments, json_t *request, json_t **ret_reply)
{
	struct lines lines;
	enum exit_status status = client_begin(arguments, request, &lines, ret_reply);

	client_end(&lines);
	return status;
}

enum exit_status client_follow(const struct arguments *arguments, json_t *request,
			       bool (*each)(void *context, const json_t *line), void *context)
{
	return client_follow_until(arguments, request, each, context, NULL);
}

enum exit_status client_follow_until(const struct arguments *arguments, json_t *request,
				     bool (*each)(void *context, const json_t *line), void *context,
				     const volatile sig_atomic_t *stopped)
{
	/* With a signal to wait for, it is looked for now and then. */
	struct timeval patience = {.tv_usec = stopped ? STOP_POLL_US : 0};
	struct lines lines;
	json_t *reply = NULL;
	char *line;

	enum exit_status status = client_begin(arguments, request, &lines, &reply);
	bool more = status == STATUS_OK && each(context, reply);
	json_decref(reply);
	if (status == STATUS_OK &&
	    setsockopt(lines.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0)
		status = STATUS_FAILED;
	while (more && status == STATUS_OK && (line = lines_next(&lines, stopped))) {
		json_t *object = json_loads(line, 0, NULL);
		more = object && each(context, object);
		json_decref(object);
	}
	client_end(&lines);
	return status;
}
