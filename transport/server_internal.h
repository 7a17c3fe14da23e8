/*
 * The inside of the libev server: what its files share.
 *
 *   server_clock.c     time, and who holds it
 *   server.c           the loop's turns, start and stop    server_conn.c    one connection's socket
 *   server_listener.c  portals                             server_address.c addresses as text
 */
#ifndef TRANSPORT_SERVER_INTERNAL_H
#define TRANSPORT_SERVER_INTERNAL_H

#include "transport/server.h"
#include "transport/server_address.h"

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

struct server_clock {
	uint64_t offset_ms; /* wall clock minus monotonic clock, at start */
	uint64_t shift_ms;  /* by which somebody has moved it, modulo 2^64 */
	bool frozen;
	uint64_t frozen_ms; /* what it shows then */
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
	ev_check after_sleep;
	ev_timer grace;
	ev_timer recovery;	    /* iscsi_node_deadline */
	uint64_t recovery_deadline; /* what it is set to */
	bool stopping;
	void (*stopped)(void *context);
	void *stopped_context;
	struct server_clock clock;
};

/* Never runs backwards, and reads as milliseconds since 1970 unless somebody sets the clock. */
uint64_t server_now_ms(const struct iscsi_server *server);
void server_clock_init(struct server_clock *clock);
/* Stops the timer; and starts it, unless the deadline is UINT64_MAX or cannot come. */
void server_timer_set(const struct iscsi_server *server, ev_timer *timer, uint64_t deadline_ms);

/* Takes over fd, also when it fails. */
void server_conn_open(struct server_listener *listener, int fd,
		      const union server_address *peer_address);
/* Brings socket, watchers and timer in line with what the connection wants. May close it. */
void server_conn_settle(struct server_conn *c);
void server_conn_close(struct server_conn *c);

void server_close_listeners(struct iscsi_server *server);

#endif
