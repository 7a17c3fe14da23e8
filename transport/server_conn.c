/*
 * One connection of the server.
 *
 * It is driven by three things: bytes that can be read, room to write, and its deadline. Whatever
 * happened, server_conn_settle() then brings socket, watchers and timer in line with what the
 * protocol wants, so there is one place that decides about reading, writing and closing.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "transport/server_internal.h"

#define OUTPUT_IOV_MAX	     256 /* entries of one writev: the answers of a full window */
#define LINGER_S	     2.0
#define READS_PER_TURN	     8 /* readv calls for one connection before others get their turn */
#define TCP_SILENCE_LIMIT_MS 60000

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

int server_conn_detach(struct server_conn *c)
{
	struct iscsi_server *server = c->server;
	int fd = c->fd;

	ev_io_stop(server->loop, &c->readable);
	ev_io_stop(server->loop, &c->writable);
	ev_timer_stop(server->loop, &c->timer);
	if (c->conn)
		server_conn_end_protocol(c);
	if (c->new_portal)
		server_share_leave(c);
	DL_DELETE(server->conns, c);
	atomic_fetch_sub(&server->connections, 1);
	server_share_leave_place(c->place);
	free(c);
	return fd;
}

void server_conn_close(struct server_conn *c)
{
	close(server_conn_detach(c));
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
	bool is_own = false;

	*ret_blocked = false;
	for (;;) {
		int count = iscsi_conn_output(c->conn, iov, OUTPUT_IOV_MAX);
		if (count == 0)
			return true;
		server_send_letters(c->server);
		ssize_t n = sendmsg(c->fd,
				    &(struct msghdr){.msg_iov = iov, .msg_iovlen = (size_t)count},
				    MSG_NOSIGNAL);
		if (n >= 0) {
			iscsi_conn_sent(c->conn, (size_t)n, server_now_ms(c->server));
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			iscsi_conn_not_sent(c->conn, server_now_ms(c->server));
			*ret_blocked = true;
			return true;
		} else if (errno == EFAULT && !is_own) {
			/* What a store had lent is no longer there: it is asked what became of it.
			 */
			iscsi_conn_not_sent(c->conn, server_now_ms(c->server));
			is_own = true;
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
	uint64_t deadline = iscsi_conn_deadline(c->conn);

	if (deadline == c->timer_deadline)
		return;
	c->timer_deadline = deadline;
	server_timer_set(c->server, &c->timer, deadline);
}

/* Close is then a reset, and nothing lingers. */
static void socket_reset_at_close(int fd)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void server_conn_settle(struct server_conn *c)
{
	bool blocked;
	struct iovec iov[2];

	bool sound = server_conn_flush(c, &blocked);
	if (!sound)
		iscsi_conn_eof(c->conn, server_now_ms(c->server));
	if (iscsi_conn_finished(c->conn) && !blocked && iscsi_conn_wants_reset(c->conn)) {
		socket_reset_at_close(c->fd);
		sound = false;
	}
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
			c->server->worked = true;
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

	if (c->new_portal) {
		server_share_give_up(c);
		return;
	}
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

static struct server_conn *conn_new(struct iscsi_server *server, struct place *place, int fd)
{
	struct server_conn *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		server_share_leave_place(place);
		return NULL;
	}
	c->server = server;
	c->place = place;
	c->fd = fd;
	socket_tune(fd);
	DL_APPEND(server->conns, c);
	atomic_fetch_add(&server->connections, 1);
	c->timer_deadline = UINT64_MAX;
	ev_io_init(&c->readable, server_conn_on_readable, fd, EV_READ);
	ev_io_init(&c->writable, server_conn_on_writable, fd, EV_WRITE);
	ev_init(&c->timer, server_conn_on_timer);
	c->readable.data = c->writable.data = c->timer.data = c;
	return c;
}

bool server_conn_begin(struct server_conn *c, struct iscsi_portal *portal)
{
	static const struct iscsi_conn_host host = {.wake = server_conn_wake};
	struct iscsi_server *server = c->server;
	char local[SERVER_ADDRESS_TEXT_LEN], peer[SERVER_ADDRESS_TEXT_LEN];
	union server_address local_address = {0}, peer_address = {0};
	socklen_t len = sizeof(local_address), peer_len = sizeof(peer_address);

	if (getsockname(c->fd, &local_address.any, &len) == 0 &&
	    getpeername(c->fd, &peer_address.any, &peer_len) == 0) {
		server_address_text(&local_address, local);
		server_address_text(&peer_address, peer);
		c->conn = iscsi_conn_create(server->node, portal, local, peer, &host, c,
					    server_now_ms(server));
	}
	if (c->conn)
		return true;
	server_conn_close(c);
	return false;
}

void server_conn_open(struct iscsi_server *server, struct iscsi_portal *portal, struct place *place,
		      int fd)
{
	struct server_conn *c = conn_new(server, place, fd);

	if (!c)
		return;
	if (server->share)
		server_share_wait(c, portal);
	else if (server_conn_begin(c, portal))
		server_conn_settle(c);
}
