/*
 * Portals of the server: binding, listening, accepting.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/server_internal.h"

#define LISTEN_BACKLOG	 1024
#define ACCEPTS_PER_TURN 64
#define ACCEPT_PAUSE_S	 0.1 /* after running out of descriptors or memory */

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
		int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			struct iscsi_server *server = listener->server;
			if (server_share_connections(server) >= server->connections_max)
				close(fd);
			else
				server_conn_open(server, listener->portal, NULL, fd);
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

void server_close_listeners(struct iscsi_server *server)
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
