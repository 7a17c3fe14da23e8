/*
 * Which loop serves a connection, and handing it over.
 *
 * One server accepts for all. A new connection waits there until it has sent its first Login
 * Request, which is looked at and left in the socket: it tells the initiator port (route.h). Ports
 * fall into a fixed number of places. A place that nobody is in is given to the loop that has the
 * fewest connections when somebody comes, and stays with it until its last connection is gone and
 * its last session at an end: also at home, for the registry keeps it until then.
 *
 * New connections are watched by an epoll of their own: libev would forget to take a descriptor out
 * of its own one when it goes to another loop, and the two would meet there.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "transport/route.h"
#include "transport/server_internal.h"

#define LOOPS_MAX  64
#define EVENTS_MAX 64

struct place {
	unsigned loop;
	atomic_uint connections; /* in it, those on their way included */
};

struct server_share {
	unsigned count; /* servers; the first is the one that accepts */
	struct iscsi_server *servers[LOOPS_MAX];
	struct scsi_line *lines[LOOPS_MAX];
	struct place places[ISCSI_ROUTE_PLACES];
	int epoll; /* of new connections */
	ev_io readable;
	uint8_t bytes[ISCSI_ROUTE_BYTES_MAX];
};

static void share_on_readable(struct ev_loop *loop, ev_io *watcher, int events);

static struct server_share *share_create(struct iscsi_server *server)
{
	struct server_share *share = calloc(1, sizeof(*share));

	if (!share)
		return NULL;
	share->servers[0] = server;
	share->count = 1;
	share->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (share->epoll < 0) {
		free(share);
		return NULL;
	}
	ev_io_init(&share->readable, share_on_readable, share->epoll, EV_READ);
	share->readable.data = share;
	ev_io_start(server->loop, &share->readable);
	return share;
}

int iscsi_server_share(struct iscsi_server *server, struct iscsi_server *other,
		       struct scsi_line *line)
{
	if (!server->share)
		server->share = share_create(server);
	struct server_share *share = server->share;
	if (!share || share->count == LOOPS_MAX)
		return -ENOMEM;
	share->servers[share->count] = other;
	share->lines[share->count] = line;
	share->count++;
	return 0;
}

void server_share_free(struct iscsi_server *server)
{
	struct server_share *share = server->share;

	if (!share)
		return;
	ev_io_stop(server->loop, &share->readable);
	close(share->epoll);
	free(share);
	server->share = NULL;
}

uint32_t server_share_connections(const struct iscsi_server *server)
{
	const struct server_share *share = server->share;
	uint32_t total = iscsi_server_connections(server);

	for (unsigned i = 1; share && i < share->count; i++)
		total += iscsi_server_connections(share->servers[i]);
	return total;
}

/* ---- waiting --------------------------------------------------------------------------------- */

void server_share_give_up(struct server_conn *c)
{
	iscsi_node_count_login_failure(c->server->node);
	server_conn_close(c);
}

/* The oldest go when there are too many. */
void server_share_make_room(struct iscsi_server *server)
{
	while (server->new_conns && atomic_load(&server->new_conns->login.must_go))
		server_share_give_up(server->new_conns);
}

void server_share_wait(struct server_conn *c, struct iscsi_portal *portal)
{
	struct iscsi_server *server = c->server;
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

	iscsi_registry_login_begin(iscsi_node_registry(server->node), &c->login,
				   iscsi_node_waker(server->node), server->new_max);
	server_share_make_room(server);
	c->new_portal = portal;
	server->new_count++;
	DL_APPEND2(server->new_conns, c, new_prev, new_next);
	ev_timer_set(&c->timer, (double)server->new_timeout_ms / 1000.0, 0.0);
	ev_timer_start(server->loop, &c->timer);
	if (epoll_ctl(server->share->epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		server_conn_close(c);
}

void server_share_leave(struct server_conn *c)
{
	struct iscsi_server *server = c->server;

	(void)epoll_ctl(server->share->epoll, EPOLL_CTL_DEL, c->fd, NULL);
	ev_timer_stop(server->loop, &c->timer);
	iscsi_registry_login_end(iscsi_node_registry(server->node), &c->login);
	c->new_portal = NULL;
	DL_DELETE2(server->new_conns, c, new_prev, new_next);
	server->new_count--;
}

/* ---- handing over ---------------------------------------------------------------------------- */

struct handover {
	struct scsi_letter letter;
	struct iscsi_server *to;
	struct iscsi_portal *portal;
	struct place *place;
	int fd;
};

void server_share_leave_place(struct place *place)
{
	if (place)
		atomic_fetch_sub(&place->connections, 1);
}

static void handover_deliver(struct scsi_letter *letter)
{
	struct handover *handover = (struct handover *)letter;
	struct iscsi_server *server = handover->to;

	if (server->stopping) {
		close(handover->fd);
		server_share_leave_place(handover->place);
	} else {
		server_conn_open(server, handover->portal, handover->place, handover->fd);
	}
	atomic_fetch_sub(&server->connections, 1);
	free(handover);
}

static void hand_over(struct server_conn *c, struct place *place)
{
	const struct server_share *share = c->server->share;
	struct handover *handover = malloc(sizeof(*handover));

	if (!handover) {
		server_share_leave_place(place);
		server_conn_close(c);
		return;
	}
	*handover = (struct handover){
		.letter.deliver = handover_deliver,
		.to = share->servers[place->loop],
		.portal = c->new_portal,
		.place = place,
	};
	/* It counts on its way, too. */
	atomic_fetch_add(&handover->to->connections, 1);
	handover->fd = server_conn_detach(c);
	scsi_line_post(share->lines[place->loop], &handover->letter);
}

/* ---- routing --------------------------------------------------------------------------------- */

/* New ones that wait at the first server are not its own yet. */
static unsigned load_of(const struct server_share *share, unsigned i)
{
	unsigned connections = iscsi_server_connections(share->servers[i]);

	return i == 0 ? connections - share->servers[0]->new_count : connections;
}

/* The first of them: with nobody else there, home. */
static unsigned least_loaded(const struct server_share *share)
{
	unsigned best = 0;

	for (unsigned i = 1; i < share->count; i++)
		if (load_of(share, i) < load_of(share, best))
			best = i;
	return best;
}

/* The place of a connection, which is in it from now on. */
static struct place *enter_place(const struct iscsi_server *server, uint64_t number)
{
	struct server_share *share = server->share;
	unsigned index = (unsigned)(number % ISCSI_ROUTE_PLACES);
	struct place *place = &share->places[index];

	if (atomic_load(&place->connections) == 0 &&
	    !iscsi_registry_is_taken(iscsi_node_registry(server->node), index))
		place->loop = least_loaded(share);
	atomic_fetch_add(&place->connections, 1);
	return place;
}

/* Wakes up when that much is there, or when no more comes. */
static bool await(struct server_conn *c, size_t bytes)
{
	int mark = (int)bytes;

	if (c->awaited >= bytes)
		return false; /* it was woken for less: the peer has closed */
	c->awaited = bytes;
	return setsockopt(c->fd, SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof(mark)) == 0;
}

/* A new connection has something to say, or its peer has gone. */
static void route(struct server_conn *c)
{
	struct server_share *share = c->server->share;
	struct iscsi_portal *portal = c->new_portal;
	uint64_t number = 0;
	int mark = 1;

	ssize_t n = recv(c->fd, share->bytes, sizeof(share->bytes), MSG_PEEK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	size_t needed = n > 0 ? iscsi_route(share->bytes, (size_t)n, &number) : 0;
	if (needed > 0 && await(c, needed))
		return;
	setsockopt(c->fd, SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof(mark));
	if (number != ISCSI_ROUTE_ANYWHERE) {
		struct place *place = enter_place(c->server, number);
		if (place->loop != 0) {
			hand_over(c, place);
			return;
		}
		c->place = place;
	}
	server_share_leave(c);
	if (server_conn_begin(c, portal))
		server_conn_settle(c);
}

static void share_on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	const struct server_share *share = watcher->data;
	struct epoll_event ready[EVENTS_MAX];
	(void)loop;
	(void)events;

	int count = epoll_wait(share->epoll, ready, EVENTS_MAX, 0);
	for (int i = 0; i < count; i++)
		route(ready[i].data.ptr);
}
