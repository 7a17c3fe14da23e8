/*
 * Sockets and timers around iscsi_conn.
 *
 * Each connection is driven by three things: bytes that can be read, room to write, and its
 * deadline. Whatever happened, server_conn_settle() then brings socket, watchers and timer in line
 * with what the protocol wants, so there is one place that decides about reading, writing and
 * closing.
 *
 * Completions wake connections in the middle of other work; those are only noted, and settled once
 * per loop turn, just before the loop would sleep. So the answers of many commands leave in one
 * writev.
 */
#include "transport/server.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "transport/server_address.h"

#define LISTEN_BACKLOG	     1024
#define OUTPUT_IOV_MAX	     64 /* entries of one writev */
#define LINGER_S	     2.0
#define READS_PER_TURN	     8 /* readv calls for one connection before others get their turn */
#define ACCEPTS_PER_TURN     64
#define ACCEPT_PAUSE_S	     0.1 /* after running out of descriptors or memory */
#define TCP_SILENCE_LIMIT_MS 60000
#define DEFAULT_PORT	     3260

struct server_conn {
	struct iscsi_server *server;
	struct server_conn *prev, *next;
	struct server_conn *next_woken;
	bool is_woken;
	int fd;
	struct iscsi_conn *conn;
	ev_io readable, writable;
	ev_timer timer;
	uint64_t timer_deadline; /* what the timer is set to */
};

struct server_listener {
	struct iscsi_server *server;
	struct server_listener *next;
	int fd;
	struct iscsi_portal *portal;
	ev_io acceptable;
	ev_timer pause;
};

struct iscsi_server {
	struct ev_loop *loop;
	struct iscsi_node *node;
	struct scsi_executor *executor;
	uint32_t connections_max;
	uint32_t connections;
	struct server_listener *listeners;
	struct server_conn *conns;
	struct server_conn *woken;
	ev_io reapable;
	ev_prepare before_sleep;
	ev_timer grace;
	bool stopping;
	void (*stopped)(void *context);
	void *stopped_context;
	uint64_t clock_offset_ms; /* wall clock minus monotonic clock, at start */
};

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Never runs backwards, and reads as milliseconds since 1970 unless somebody sets the clock. */
static uint64_t server_now_ms(const struct iscsi_server *server)
{
	return clock_ms(CLOCK_MONOTONIC) + server->clock_offset_ms;
}

/* ---- one connection ---------------------------------------------------------------------------
 */

static void server_note_stopped(struct iscsi_server *server);

/* Ends the protocol's side. Freeing may wake others, never this one again. */
static void server_conn_end_protocol(struct server_conn *c)
{
	struct iscsi_server *server = c->server;

	if (c->is_woken) {
		struct server_conn **link = &server->woken;
		while (*link != c)
			link = &(*link)->next_woken;
		*link = c->next_woken;
	}
	c->is_woken = true;
	iscsi_conn_free(&c->conn);
}

static void server_conn_close(struct server_conn *c)
{
	struct iscsi_server *server = c->server;

	ev_io_stop(server->loop, &c->readable);
	ev_io_stop(server->loop, &c->writable);
	ev_timer_stop(server->loop, &c->timer);
	if (c->conn)
		server_conn_end_protocol(c);
	close(c->fd);
	DL_DELETE(server->conns, c);
	server->connections--;
	free(c);
}

/*
 * All is said, and the last words (a Logout Response, a login's refusal) are with the kernel.
 * Closing now would answer anything that the peer still sends with a reset, which may overtake
 * them. So only our side is shut, and what comes is thrown away until the peer closes too, or for
 * LINGER_S.
 */
static void server_conn_linger(struct server_conn *c)
{
	struct ev_loop *loop = c->server->loop;

	server_conn_end_protocol(c);
	if (c->server->stopping || shutdown(c->fd, SHUT_WR) < 0) {
		server_conn_close(c);
		return;
	}
	ev_io_stop(loop, &c->writable);
	ev_timer_stop(loop, &c->timer);
	ev_timer_set(&c->timer, LINGER_S, 0.0);
	ev_timer_start(loop, &c->timer);
	ev_io_start(loop, &c->readable);
}

static void server_conn_swallow(struct server_conn *c)
{
	char waste[4096];
	ssize_t n = read(c->fd, waste, sizeof(waste));

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		server_conn_close(c);
}

/* Sends what there is. Returns false when the socket is broken. */
static bool server_conn_flush(struct server_conn *c, bool *ret_blocked)
{
	struct iovec iov[OUTPUT_IOV_MAX];

	*ret_blocked = false;
	for (;;) {
		int count = iscsi_conn_output(c->conn, iov, OUTPUT_IOV_MAX);
		if (count == 0)
			return true;
		ssize_t n = sendmsg(c->fd,
				    &(struct msghdr){.msg_iov = iov, .msg_iovlen = (size_t)count},
				    MSG_NOSIGNAL);
		if (n >= 0) {
			iscsi_conn_sent(c->conn, (size_t)n, server_now_ms(c->server));
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			*ret_blocked = true;
			return true;
		} else if (errno != EINTR) {
			return false;
		}
	}
}

static void watcher_set(struct ev_loop *loop, ev_io *watcher, bool wanted)
{
	if (wanted && !ev_is_active(watcher))
		ev_io_start(loop, watcher);
	else if (!wanted && ev_is_active(watcher))
		ev_io_stop(loop, watcher);
}

static void server_conn_set_timer(struct server_conn *c)
{
	struct ev_loop *loop = c->server->loop;
	uint64_t deadline = iscsi_conn_deadline(c->conn);

	if (deadline == c->timer_deadline)
		return;
	c->timer_deadline = deadline;
	ev_timer_stop(loop, &c->timer);
	if (deadline == UINT64_MAX)
		return;
	uint64_t now = server_now_ms(c->server);
	ev_timer_set(&c->timer, deadline > now ? (double)(deadline - now) / 1000.0 : 0.0, 0.0);
	ev_timer_start(loop, &c->timer);
}

/* Brings socket, watchers and timer in line with what the connection wants. May close it. */
static void server_conn_settle(struct server_conn *c)
{
	bool blocked;
	struct iovec iov[2];

	bool sound = server_conn_flush(c, &blocked);
	if (!sound)
		iscsi_conn_eof(c->conn, server_now_ms(c->server));
	if (iscsi_conn_finished(c->conn) && !sound) {
		server_conn_close(c);
		return;
	}
	if (iscsi_conn_finished(c->conn) && !blocked) {
		server_conn_linger(c);
		return;
	}
	watcher_set(c->server->loop, &c->writable, blocked && sound);
	watcher_set(c->server->loop, &c->readable,
		    sound && !iscsi_conn_finished(c->conn) && iscsi_conn_input(c->conn, iov) > 0);
	server_conn_set_timer(c);
}

static void server_conn_wake(void *context)
{
	struct server_conn *c = context;

	if (c->is_woken)
		return;
	c->is_woken = true;
	c->next_woken = c->server->woken;
	c->server->woken = c;
}

static void server_conn_on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct server_conn *c = watcher->data;
	struct iovec iov[2];
	(void)loop;
	(void)events;

	if (!c->conn) {
		server_conn_swallow(c);
		return;
	}
	for (int i = 0; i < READS_PER_TURN; i++) {
		int count = iscsi_conn_input(c->conn, iov);
		if (count == 0)
			break;
		size_t room = iov[0].iov_len + (count > 1 ? iov[1].iov_len : 0);
		ssize_t n = readv(c->fd, iov, count);
		if (n > 0) {
			iscsi_conn_received(c->conn, (size_t)n, server_now_ms(c->server));
			if ((size_t)n < room || iscsi_conn_finished(c->conn))
				break;
		} else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
			iscsi_conn_eof(c->conn, server_now_ms(c->server));
			break;
		} else if (errno != EINTR) {
			break;
		}
	}
	server_conn_settle(c);
}

static void server_conn_on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
	(void)loop;
	(void)events;
	server_conn_settle(watcher->data);
}

static void server_conn_on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct server_conn *c = watcher->data;
	(void)loop;
	(void)events;

	if (!c->conn) {
		server_conn_close(c);
		return;
	}
	c->timer_deadline = UINT64_MAX; /* the timer has fired: whatever comes next is set anew */
	iscsi_conn_tick(c->conn, server_now_ms(c->server));
	server_conn_settle(c);
}

static void socket_tune(int fd)
{
	int on = 1;
	unsigned silence_ms = TCP_SILENCE_LIMIT_MS;

	/* Best effort: a connection works without any of these. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof(silence_ms));
}

/* Takes over fd, also when it fails. */
static void server_conn_open(struct server_listener *listener, int fd,
			     const union server_address *peer_address)
{
	static const struct iscsi_conn_host host = {.wake = server_conn_wake};
	struct iscsi_server *server = listener->server;
	char local[SERVER_ADDRESS_TEXT_LEN], peer[SERVER_ADDRESS_TEXT_LEN];
	union server_address local_address = {0};
	socklen_t len = sizeof(local_address);

	struct server_conn *c = calloc(1, sizeof(*c));
	if (!c || getsockname(fd, &local_address.any, &len) < 0)
		goto refuse;
	server_address_text(&local_address, local);
	server_address_text(peer_address, peer);
	c->server = server;
	c->fd = fd;
	c->conn = iscsi_conn_create(server->node, listener->portal, local, peer, &host, c,
				    server_now_ms(server));
	if (!c->conn)
		goto refuse;
	socket_tune(fd);
	DL_APPEND(server->conns, c);
	server->connections++;
	c->timer_deadline = UINT64_MAX;
	ev_io_init(&c->readable, server_conn_on_readable, fd, EV_READ);
	ev_io_init(&c->writable, server_conn_on_writable, fd, EV_WRITE);
	ev_init(&c->timer, server_conn_on_timer);
	c->readable.data = c->writable.data = c->timer.data = c;
	server_conn_settle(c);
	return;
refuse:
	free(c);
	close(fd);
}

/* ---- listeners --------------------------------------------------------------------------------
 */

static void listener_on_pause_over(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct server_listener *listener = watcher->data;
	(void)events;

	if (!listener->server->stopping)
		ev_io_start(loop, &listener->acceptable);
}

static void listener_on_acceptable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct server_listener *listener = watcher->data;
	(void)events;

	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		union server_address peer = {0};
		socklen_t len = sizeof(peer);
		int fd = accept4(listener->fd, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			if (listener->server->connections >= listener->server->connections_max)
				close(fd);
			else
				server_conn_open(listener, fd, &peer);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			/* The backlog keeps the watcher ready: without a pause this would spin. */
			ev_io_stop(loop, &listener->acceptable);
			ev_timer_set(&listener->pause, ACCEPT_PAUSE_S, 0.0);
			ev_timer_start(loop, &listener->pause);
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			return;
		}
	}
}

static int listener_bind(const union server_address *address)
{
	int on = 1;
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (address->any.sa_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    bind(fd, &address->any, server_address_len(address)) < 0 ||
	    listen(fd, LISTEN_BACKLOG) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

/* The portal as SendTargets is to report it: 0 or a negative errno (`advertise` is no address). */
static int portal_add(struct iscsi_server *server, const char *advertise,
		      const union server_address *bound, uint16_t portal_group_tag,
		      struct iscsi_portal **ret_portal)
{
	union server_address reported = *bound;
	char text[SERVER_ADDRESS_TEXT_LEN];
	bool wildcard = server_address_is_wildcard(bound);

	if (advertise && advertise[0] != '\0') {
		if (!server_address_parse(advertise, &reported))
			return -EINVAL;
		if (server_address_port(&reported) == 0)
			server_address_set_port(&reported, server_address_port(bound));
		wildcard = false;
	}
	server_address_text(&reported, text);
	struct iscsi_portal *portal =
		iscsi_node_add_portal(server->node, text, wildcard, portal_group_tag);
	if (!portal)
		return -ENOMEM;
	*ret_portal = portal;
	return 0;
}

static void listener_add(struct iscsi_server *server, struct server_listener *listener, int fd,
			 struct iscsi_portal *portal)
{
	listener->server = server;
	listener->fd = fd;
	listener->portal = portal;
	ev_io_init(&listener->acceptable, listener_on_acceptable, fd, EV_READ);
	ev_init(&listener->pause, listener_on_pause_over);
	listener->acceptable.data = listener->pause.data = listener;
	listener->next = server->listeners;
	server->listeners = listener;
}

int iscsi_server_listen(struct iscsi_server *server, const char *address, const char *advertise,
			uint16_t portal_group_tag, char ret_bound[64])
{
	union server_address parsed, bound = {0};
	socklen_t len = sizeof(bound);

	if (!server_address_parse(address, &parsed))
		return -EINVAL;
	int fd = listener_bind(&parsed);
	if (fd < 0)
		return fd;
	struct server_listener *listener = calloc(1, sizeof(*listener));
	struct iscsi_portal *portal = NULL;
	int error = listener ? 0 : -ENOMEM;
	if (error == 0 && getsockname(fd, &bound.any, &len) < 0)
		error = -errno;
	if (error == 0)
		error = portal_add(server, advertise, &bound, portal_group_tag, &portal);
	if (error != 0) {
		close(fd);
		free(listener);
		return error;
	}
	listener_add(server, listener, fd, portal);
	server_address_text(&bound, ret_bound);
	return 0;
}

static void server_close_listeners(struct iscsi_server *server)
{
	while (server->listeners) {
		struct server_listener *listener = server->listeners;
		server->listeners = listener->next;
		ev_io_stop(server->loop, &listener->acceptable);
		ev_timer_stop(server->loop, &listener->pause);
		close(listener->fd);
		free(listener);
	}
}

/* ---- the server -------------------------------------------------------------------------------
 */

static void server_settle_woken(struct iscsi_server *server)
{
	while (server->woken) {
		struct server_conn *c = server->woken;
		server->woken = c->next_woken;
		c->is_woken = false;
		server_conn_settle(c);
	}
	server_note_stopped(server);
}

static void server_on_reapable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct iscsi_server *server = watcher->data;
	(void)loop;
	(void)events;

	scsi_executor_reap(server->executor);
}

static void server_before_sleep(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	(void)loop;
	(void)events;
	server_settle_woken(watcher->data);
}

static void server_on_grace_over(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct iscsi_server *server = watcher->data;
	(void)loop;
	(void)events;

	struct server_conn *c, *next;
	DL_FOREACH_SAFE(server->conns, c, next)
	server_conn_close(c);
	server_note_stopped(server);
}

/* The last connection may be gone while jobs of aborted tasks still run: they are waited for too.
 */
static void server_note_stopped(struct iscsi_server *server)
{
	if (!server->stopping || !server->stopped || server->conns ||
	    scsi_executor_pending(server->executor) > 0)
		return;
	void (*stopped)(void *) = server->stopped;
	server->stopped = NULL;
	ev_timer_stop(server->loop, &server->grace);
	stopped(server->stopped_context);
}

struct iscsi_server *iscsi_server_create(struct ev_loop *loop, struct iscsi_node *node,
					 struct scsi_executor *executor,
					 const struct iscsi_limits *limits)
{
	struct iscsi_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->loop = loop;
	server->node = node;
	server->executor = executor;
	server->connections_max = limits->connections_max;
	server->clock_offset_ms = clock_ms(CLOCK_REALTIME) - clock_ms(CLOCK_MONOTONIC);
	ev_io_init(&server->reapable, server_on_reapable, scsi_executor_fd(executor), EV_READ);
	ev_prepare_init(&server->before_sleep, server_before_sleep);
	ev_init(&server->grace, server_on_grace_over);
	server->reapable.data = server->before_sleep.data = server->grace.data = server;
	ev_io_start(loop, &server->reapable);
	ev_prepare_start(loop, &server->before_sleep);
	return server;
}

void iscsi_server_start(struct iscsi_server *server)
{
	for (struct server_listener *l = server->listeners; l; l = l->next)
		ev_io_start(server->loop, &l->acceptable);
}

void iscsi_server_stop(struct iscsi_server *server, uint32_t grace_ms,
		       void (*stopped)(void *context), void *context)
{
	struct server_conn *c, *next;

	assert(!server->stopping);
	server->stopping = true;
	server->stopped = stopped;
	server->stopped_context = context;
	server_close_listeners(server);
	DL_FOREACH_SAFE(server->conns, c, next)
	if (!c->conn)
		server_conn_close(c); /* it only lingered */
	iscsi_node_shutdown(server->node);
	ev_timer_set(&server->grace, (double)grace_ms / 1000.0, 0.0);
	ev_timer_start(server->loop, &server->grace);
	/* What is woken is settled, and an already empty server noticed, before the loop next
	 * sleeps. */
}

void iscsi_server_free(struct iscsi_server **server_pointer)
{
	struct iscsi_server *server = *server_pointer;

	if (!server)
		return;
	*server_pointer = NULL;
	server_close_listeners(server);
	struct server_conn *c, *next;
	DL_FOREACH_SAFE(server->conns, c, next)
	server_conn_close(c);
	ev_io_stop(server->loop, &server->reapable);
	ev_prepare_stop(server->loop, &server->before_sleep);
	ev_timer_stop(server->loop, &server->grace);
	free(server);
}

uint32_t iscsi_server_connections(const struct iscsi_server *server)
{
	return server->connections;
}
