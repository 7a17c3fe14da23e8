/*
 * The libev server: sockets and timers around iscsi_conn. The only part of transport/ that knows
 * libev, sockets or the time.
 */
#ifndef TRANSPORT_SERVER_H
#define TRANSPORT_SERVER_H

#include <ev.h>

#include "target/mailbox.h"
#include "transport/conn.h"

struct iscsi_server;

/* Borrowed: loop, node, executor (its fd is watched and reaped here). */
struct iscsi_server *iscsi_server_create(struct ev_loop *loop, struct iscsi_node *node,
					 struct scsi_executor *executor,
					 const struct iscsi_limits *limits);
/* Closes all sockets at once; for a clean stop call iscsi_server_stop first. */
void iscsi_server_free(struct iscsi_server **server);

/*
 * Binds and listens on "ADDR:PORT", "[ADDR6]:PORT" or "ADDR" (port 3260); port 0 picks a free one.
 * The address that was bound is written to ret_bound ("127.0.0.1:41234"). `advertise` is what
 * SendTargets reports instead, with the bound port for its port 0; "" or NULL: the bound address.
 * 0 or a negative errno (-EINVAL: not an address; only numeric addresses are understood).
 */
int iscsi_server_listen(struct iscsi_server *server, const char *address, const char *advertise,
			uint16_t portal_group_tag, char ret_bound[64]);

/* Accepts connections from now on. */
void iscsi_server_start(struct iscsi_server *server);

/*
 * Clean stop: closes the listeners, shuts the node down, and calls `stopped` when the last
 * connection is gone or `grace_ms` have passed (then the rest is cut).
 */
void iscsi_server_stop(struct iscsi_server *server, uint32_t grace_ms,
		       void (*stopped)(void *context), void *context);

/*
 * The clock that every timer of a connection or a session goes by (pings, timeouts, recovery, fault
 * rules) can be held, moved on and let go; it goes on from where it was held. What is due after a
 * step is done in the next turn of the loop.
 */
struct iscsi_server_clock {
	bool frozen;
	uint64_t now_ms;  /* since 1970 */
	int64_t ahead_ms; /* of the system's clock; negative: behind */
};
struct iscsi_server_clock iscsi_server_clock(const struct iscsi_server *server);
void iscsi_server_clock_freeze(struct iscsi_server *server);
void iscsi_server_clock_step(struct iscsi_server *server, uint64_t ms);
void iscsi_server_clock_resume(struct iscsi_server *server);

/* Its connections now. On any loop. */
uint32_t iscsi_server_connections(const struct iscsi_server *server);

/*
 * Several loops (docs/threads.md). The mailbox of the server's loop is opened there whenever
 * something has come into it; NULL: no memory. Lines are flushed before the loop sleeps.
 */
struct scsi_mailbox *iscsi_server_mailbox(struct iscsi_server *server);
void iscsi_server_add_line(struct iscsi_server *server, struct scsi_line *line);

/*
 * What `server` accepts is served by itself and by `other`, whose mailbox `line` leads to: each
 * initiator port always by the same one. Before iscsi_server_start, once for each other one. 0 or
 * -ENOMEM.
 */
int iscsi_server_share(struct iscsi_server *server, struct iscsi_server *other,
		       struct scsi_line *line);

#endif
