/*
 * The inside of the libev server: what its files share.
 *
 *   server_clock.c     time, and who holds it
 *   server.c           the loop's turns, start and stop    server_conn.c    one connection's socket
 *   server_listener.c  portals                             server_address.c addresses as text
 *   server_share.c     which loop serves a connection
 */
#ifndef TRANSPORT_SERVER_INTERNAL_H
#define TRANSPORT_SERVER_INTERNAL_H

#include <stdatomic.h>

#include "transport/polling.h"
#include "transport/registry.h"
#include "transport/server.h"
#include "transport/server_address.h"

struct place;

struct server_conn {
	struct iscsi_server *server;
	struct server_conn *prev, *next;
	struct server_conn *next_woken;
	bool is_woken;
	int fd;
	struct iscsi_conn *conn; /* NULL: it lingers, or is new */
	/* Accepted, and nobody knows yet which loop is to serve it (server_share.c). */
	struct iscsi_portal *new_portal;
	struct iscsi_registry_login login;
	struct server_conn *new_prev, *new_next; /* server->new_conns */
	struct place *place;			 /* server_share.c's; or NULL */
	size_t awaited;				 /* bytes */
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
	uint32_t connections_max, new_max, new_timeout_ms;
	atomic_uint connections;
	struct server_listener *listeners;
	struct server_conn *conns;
	struct server_conn *woken;
	ev_io reapable;
	struct iscsi_polling polling;
	bool worked; /* since it last was about to sleep */
	ev_idle stays_awake;
	ev_prepare before_sleep;
	ev_check after_sleep;
	ev_timer grace;
	ev_timer recovery;	    /* iscsi_node_deadline */
	uint64_t recovery_deadline; /* what it is set to */
	bool stopping;
	void (*stopped)(void *context);
	void *stopped_context;
	struct server_clock clock;
	/* Several loops: its mailbox, and what it posts into others. */
	struct scsi_mailbox *mailbox;
	ev_async letters;
	struct scsi_line *lines;
	struct server_share *share;    /* NULL: it serves what it accepts alone */
	struct server_conn *new_conns; /* oldest first */
	uint32_t new_count;
};

/* Never runs backwards, and reads as milliseconds since 1970 unless somebody sets the clock. */
uint64_t server_now_ms(const struct iscsi_server *server);
void server_clock_init(struct server_clock *clock);
/* Stops the timer; and starts it, unless the deadline is UINT64_MAX or cannot come. */
void server_timer_set(const struct iscsi_server *server, ev_timer *timer, uint64_t deadline_ms);

/* Takes over fd, and the place that it may have, also when it fails. */
void server_conn_open(struct iscsi_server *server, struct iscsi_portal *portal, struct place *place,
		      int fd);
/* Gives the protocol what it needs. False: no memory, and the connection is closed. */
bool server_conn_begin(struct server_conn *c, struct iscsi_portal *portal);
/* Takes the socket out of it, and the rest is gone. */
int server_conn_detach(struct server_conn *c);
/* Brings socket, watchers and timer in line with what the connection wants. May close it. */
void server_conn_settle(struct server_conn *c);
void server_conn_close(struct server_conn *c);

void server_close_listeners(struct iscsi_server *server);

/*
 * Posts what waits for other loops. At the end of a turn, and before anything is said to an
 * initiator: who has been told that it is logged in, say, is known at home before anybody else can
 * act on that.
 */
void server_send_letters(struct iscsi_server *server);

/* server_share.c. What a new connection says first decides who serves it: it waits for that, */
void server_share_wait(struct server_conn *c, struct iscsi_portal *portal);
/* ... and then waits no longer; */
void server_share_leave(struct server_conn *c);
/* ... or has waited too long; */
void server_share_give_up(struct server_conn *c);
/* ... or is one of too many. */
void server_share_make_room(struct iscsi_server *server);
/* A connection that was in it (or in none: NULL) is gone. */
void server_share_leave_place(struct place *place);
/* Connections of all the servers together. */
uint32_t server_share_connections(const struct iscsi_server *server);
void server_share_free(struct iscsi_server *server);

#endif
