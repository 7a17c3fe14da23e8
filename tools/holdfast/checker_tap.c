#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <utlist.h>

#include "tools/holdfast/checker.h"

#define BUFFER_MAX  (256u * 1024)
#define BACKLOG	    64
#define POLL_FD_MAX 1024
/* Beyond this nothing is accepted: an initiator in a tight loop shall not use up descriptors. */
#define PIPES_MAX 400

/* One direction: bytes that were read on one side and not yet written on the other. */
struct flow {
	uint8_t *bytes;
	size_t at, len;
	bool ended;	/* the side that sends has closed */
	bool passed_on; /* and the other has been told */
};

enum side {
	INITIATOR = 0,
	TARGET = 1
};

struct pipe_pair {
	int fds[2];
	struct flow from[2];
	uint32_t number;
	bool over;
	struct pipe_pair *prev, *next;
};

struct checker_tap {
	struct check_record *record;
	struct pipe_pair *pipes;
	size_t pipe_count;
	int listeners[CHECKER_PORTALS_MAX];
	uint16_t leads[CHECKER_PORTALS_MAX];
	unsigned listener_count;
	uint64_t began_ms;
};

uint64_t checker_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct checker_tap *checker_tap_create(struct check_record *record)
{
	struct checker_tap *tap = calloc(1, sizeof(*tap));

	if (tap) {
		tap->record = record;
		tap->began_ms = checker_now_ms();
	}
	return tap;
}

void checker_tap_begin(struct checker_tap *tap)
{
	tap->began_ms = checker_now_ms();
}

uint32_t checker_tap_ms(const struct checker_tap *tap)
{
	return (uint32_t)(checker_now_ms() - tap->began_ms);
}

size_t checker_tap_connections(const struct checker_tap *tap)
{
	return tap->pipe_count;
}

/* ---- sockets --------------------------------------------------------------------------------- */

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in address = {.sin_port = 0};
	socklen_t len = sizeof(address);

	return getsockname(fd, (struct sockaddr *)&address, &len) == 0 ? ntohs(address.sin_port)
								       : 0;
}

uint16_t checker_tap_listen(struct checker_tap *tap)
{
	struct sockaddr_in address = loopback(0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		fprintf(stderr, "holdfast: cannot listen on 127.0.0.1: %s\n", strerror(errno));
		if (fd >= 0)
			close(fd);
		return 0;
	}
	tap->listeners[tap->listener_count++] = fd;
	return port_of(fd);
}

void checker_tap_lead(struct checker_tap *tap, unsigned portal, uint16_t port)
{
	tap->leads[portal] = port;
}

static void close_with_reset(int fd)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

static int dial(uint16_t port)
{
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* ---- connections ----------------------------------------------------------------------------- */

static void pipe_free(struct checker_tap *tap, struct pipe_pair *pair)
{
	DL_DELETE(tap->pipes, pair);
	tap->pipe_count--;
	free(pair->from[INITIATOR].bytes);
	free(pair->from[TARGET].bytes);
	free(pair);
}

/* RST from `side`: the other gets one as well. */
static void pipe_reset(struct checker_tap *tap, struct pipe_pair *pair, enum side side)
{
	if (pair->over)
		return;
	if (!pair->from[side].ended)
		check_record_close(tap->record, checker_tap_ms(tap), pair->number, side == TARGET,
				   true);
	close_with_reset(pair->fds[INITIATOR]);
	close_with_reset(pair->fds[TARGET]);
	pair->over = true;
}

static bool pipe_add(struct checker_tap *tap, int initiator, int target, unsigned portal)
{
	struct pipe_pair *pair = calloc(1, sizeof(*pair));
	uint32_t number = pair ? check_record_open(tap->record, checker_tap_ms(tap), portal == 1,
						   port_of(target))
			       : 0;

	if (number > 0) {
		pair->from[INITIATOR].bytes = malloc(BUFFER_MAX);
		pair->from[TARGET].bytes = malloc(BUFFER_MAX);
	}
	if (number == 0 || !pair->from[INITIATOR].bytes || !pair->from[TARGET].bytes) {
		if (pair) {
			free(pair->from[INITIATOR].bytes);
			free(pair->from[TARGET].bytes);
		}
		free(pair);
		return false;
	}
	pair->fds[INITIATOR] = initiator;
	pair->fds[TARGET] = target;
	pair->number = number;
	DL_APPEND(tap->pipes, pair);
	tap->pipe_count++;
	return true;
}

/* A target that does not listen: what the initiator sees is a connection that is reset at once. */
static void refuse(struct checker_tap *tap, int fd, unsigned portal)
{
	uint32_t number = check_record_open(tap->record, checker_tap_ms(tap), portal == 1, 0);

	if (number > 0)
		check_record_close(tap->record, checker_tap_ms(tap), number, true, true);
	close_with_reset(fd);
}

static void take(struct checker_tap *tap, unsigned portal)
{
	int fd = accept4(tap->listeners[portal], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), on = 1;

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	int target = dial(tap->leads[portal]);
	if (target < 0) {
		refuse(tap, fd, portal);
		return;
	}
	if (!pipe_add(tap, fd, target, portal)) {
		close_with_reset(fd);
		close(target);
	}
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static bool is_over_for_now(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static void pull(struct checker_tap *tap, struct pipe_pair *pair, enum side side)
{
	struct flow *flow = &pair->from[side];

	if (flow->len > 0 && flow->at == flow->len)
		flow->at = flow->len = 0;
	if (pair->over || flow->ended || flow->len == BUFFER_MAX)
		return;
	ssize_t n = recv(pair->fds[side], flow->bytes + flow->len, BUFFER_MAX - flow->len,
			 MSG_DONTWAIT);
	if (n < 0 && is_over_for_now(errno))
		return;
	if (n < 0) {
		pipe_reset(tap, pair, side);
		return;
	}
	if (n == 0) {
		flow->ended = true;
		check_record_close(tap->record, checker_tap_ms(tap), pair->number, side == TARGET,
				   false);
		return;
	}
	check_record_bytes(tap->record, checker_tap_ms(tap), pair->number, side == TARGET,
			   flow->bytes + flow->len, (size_t)n);
	flow->len += (size_t)n;
}

static void push(struct checker_tap *tap, struct pipe_pair *pair, enum side side)
{
	struct flow *flow = &pair->from[side];
	enum side other = side == INITIATOR ? TARGET : INITIATOR;

	if (!pair->over && flow->at < flow->len) {
		ssize_t n = send(pair->fds[other], flow->bytes + flow->at, flow->len - flow->at,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && !is_over_for_now(errno)) {
			pipe_reset(tap, pair, other);
			return;
		}
		flow->at += n > 0 ? (size_t)n : 0;
	}
	if (pair->over || !flow->ended || flow->passed_on || flow->at < flow->len)
		return;
	shutdown(pair->fds[other], SHUT_WR);
	flow->passed_on = true;
	if (pair->from[other].passed_on) {
		close(pair->fds[INITIATOR]);
		close(pair->fds[TARGET]);
		pair->over = true;
	}
}

static short wanted(const struct pipe_pair *pair, enum side side)
{
	const struct flow *in = &pair->from[side];
	const struct flow *out = &pair->from[side == INITIATOR ? TARGET : INITIATOR];
	short events = 0;

	if (!in->ended && (in->len < BUFFER_MAX || in->at == in->len))
		events |= POLLIN;
	if (out->at < out->len)
		events |= POLLOUT;
	return events;
}

static void move(struct checker_tap *tap)
{
	struct pipe_pair *pair, *next;

	DL_FOREACH_SAFE(tap->pipes, pair, next)
	{
		for (int side = INITIATOR; side <= TARGET; side++) {
			pull(tap, pair, (enum side)side);
			push(tap, pair, (enum side)side);
		}
		if (pair->over)
			pipe_free(tap, pair);
	}
}

void checker_tap_poll(struct checker_tap *tap, int fd, int timeout_ms)
{
	struct pollfd polls[POLL_FD_MAX];
	const struct pipe_pair *pair;
	nfds_t count = 0;

	if (fd >= 0)
		polls[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
	for (unsigned i = 0; i < tap->listener_count && tap->pipe_count < PIPES_MAX; i++)
		polls[count++] = (struct pollfd){.fd = tap->listeners[i], .events = POLLIN};
	DL_FOREACH(tap->pipes, pair)
	{
		for (int side = INITIATOR; side <= TARGET; side++) {
			short events = wanted(pair, (enum side)side);
			/* Else a hang-up that was seen already would not let poll wait. */
			if (events != 0)
				polls[count++] =
					(struct pollfd){.fd = pair->fds[side], .events = events};
		}
	}
	if (poll(polls, count, timeout_ms) <= 0)
		return;
	for (unsigned i = 0; i < tap->listener_count && tap->pipe_count < PIPES_MAX; i++)
		take(tap, i);
	move(tap);
}

void checker_tap_cut(struct checker_tap *tap)
{
	struct pipe_pair *pair, *next;

	DL_FOREACH_SAFE(tap->pipes, pair, next)
	{
		pipe_reset(tap, pair, TARGET);
		pipe_free(tap, pair);
	}
}

void checker_tap_free(struct checker_tap **tap)
{
	if (!*tap)
		return;
	checker_tap_cut(*tap);
	for (unsigned i = 0; i < (*tap)->listener_count; i++)
		close((*tap)->listeners[i]);
	free(*tap);
	*tap = NULL;
}
