#include "tools/holdfast-lab/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_TIMEOUT_S 15

int control_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	size_t len = strlen(path);
	int fd;

	if (len >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, len + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
			connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* The answer is a line, and the first thing that is read. */
static json_t *exchange(int fd, const json_t *request, char *why, size_t why_len)
{
	json_error_t error = {.text = ""};
	FILE *stream = fdopen(fd, "r+");
	json_t *reply;

	if (!stream) {
		snprintf(why, why_len, "%s", strerror(errno));
		close(fd);
		return NULL;
	}
	json_dumpf(request, stream, JSON_COMPACT);
	fputc('\n', stream);
	fflush(stream);
	reply = json_loadf(stream, JSON_DISABLE_EOF_CHECK, &error);
	fclose(stream);
	if (!reply)
		snprintf(why, why_len, "no answer: %s", error.text);
	return reply;
}

json_t *control_ask(const char *path, const json_t *request, char *why, size_t why_len)
{
	int fd = control_connect(path);
	json_t *reply;
	const char *error;

	if (fd < 0) {
		snprintf(why, why_len, "%s: %s", path, strerror(errno));
		return NULL;
	}
	reply = exchange(fd, request, why, why_len);
	if (!reply || json_is_true(json_object_get(reply, "ok")))
		return reply;
	error = json_string_value(json_object_get(reply, "error"));
	snprintf(why, why_len, "%s", error ? error : "it refused");
	json_decref(reply);
	return NULL;
}
