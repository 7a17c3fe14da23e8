/*
 * Sockets and timers around iscsi_conn: the loop's turns, and the clean stop.
 *
 * Completions wake connections in the middle of other work; those are only noted, and settled once
 * per loop turn, just before the loop would sleep. So the answers of many commands leave in one
 * writev.
 */
#include "transport/server.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>
#include <utlist.h>

#include "transport/server_internal.h"

static void server_note_stopped(struct iscsi_server *server);

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

	if (scsi_executor_reap(server->executor))
		server->worked = true;
}

static void server_on_recovery_over(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct iscsi_server *server = watcher->data;
	(void)loop;
	(void)events;

	server->recovery_deadline = UINT64_MAX;
	iscsi_node_tick(server->node, server_now_ms(server));
}

static void server_set_recovery_timer(struct iscsi_server *server)
{
	uint64_t deadline = iscsi_node_deadline(server->node);

	if (deadline == server->recovery_deadline)
		return;
	server->recovery_deadline = deadline;
	server_timer_set(server, &server->recovery, deadline);
}

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* A loop with an idle watcher does not sleep; there is nothing else for it to do. */
static void server_on_awake(struct ev_loop *loop, ev_idle *watcher, int events)
{
	(void)loop;
	(void)watcher;
	(void)events;
}

static void server_poll(struct iscsi_server *server)
{
	uint64_t now_ns = clock_ns();

	if (server->worked)
		iscsi_polling_worked(&server->polling, now_ns);
	server->worked = false;
	bool goes_on = iscsi_polling_goes_on(&server->polling, now_ns);
	if (goes_on && !ev_is_active(&server->stays_awake))
		ev_idle_start(server->loop, &server->stays_awake);
	else if (!goes_on && ev_is_active(&server->stays_awake))
		ev_idle_stop(server->loop, &server->stays_awake);
}

void server_send_letters(struct iscsi_server *server)
{
	for (struct scsi_line *line = server->lines; line; line = line->next)
		scsi_line_flush(line);
}

static void server_before_sleep(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	struct iscsi_server *server = watcher->data;
	(void)loop;
	(void)events;

	server_settle_woken(server);
	server_set_recovery_timer(server);
	scsi_executor_release(server->executor);
	server_send_letters(server);
	if (server->polling.max_ns > 0)
		server_poll(server);
}

/* What this turn of the loop gives to do is handed over at its end, so that few wake-ups do. */
static void server_after_sleep(struct ev_loop *loop, ev_check *watcher, int events)
{
	struct iscsi_server *server = watcher->data;
	(void)loop;
	(void)events;

	scsi_executor_hold(server->executor);
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
	    !iscsi_node_is_idle(server->node) || scsi_executor_pending(server->executor) > 0)
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
	iscsi_polling_init(&server->polling, limits->poll_us);
	ev_idle_init(&server->stays_awake, server_on_awake);
	server_clock_init(&server->clock);
	server->new_max = limits->logins_max;
	server->new_timeout_ms = limits->login_timeout_ms;
	ev_io_init(&server->reapable, server_on_reapable, scsi_executor_fd(executor), EV_READ);
	ev_prepare_init(&server->before_sleep, server_before_sleep);
	ev_init(&server->grace, server_on_grace_over);
	ev_init(&server->recovery, server_on_recovery_over);
	server->recovery.data = server;
	server->recovery_deadline = UINT64_MAX;
	server->reapable.data = server->before_sleep.data = server->grace.data = server;
	ev_io_start(loop, &server->reapable);
	ev_prepare_start(loop, &server->before_sleep);
	ev_check_init(&server->after_sleep, server_after_sleep);
	ev_set_priority(&server->after_sleep, EV_MAXPRI); /* before all that the turn brings */
	server->after_sleep.data = server;
	ev_check_start(loop, &server->after_sleep);
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
	iscsi_server_clock_resume(server); /* nobody is there to step it on any more */
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
	iscsi_node_set_wake(server->node, NULL, NULL);
	server_close_listeners(server);
	struct server_conn *c, *next;
	DL_FOREACH_SAFE(server->conns, c, next)
	server_conn_close(c);
	ev_io_stop(server->loop, &server->reapable);
	ev_prepare_stop(server->loop, &server->before_sleep);
	ev_check_stop(server->loop, &server->after_sleep);
	ev_idle_stop(server->loop, &server->stays_awake);
	scsi_executor_release(server->executor);
	ev_timer_stop(server->loop, &server->grace);
	ev_timer_stop(server->loop, &server->recovery);
	if (server->mailbox)
		ev_async_stop(server->loop, &server->letters);
	scsi_mailbox_free(&server->mailbox);
	server_share_free(server);
	free(server);
}

uint32_t iscsi_server_connections(const struct iscsi_server *server)
{
	return atomic_load(&server->connections);
}

/* ---- letters --------------------------------------------------------------------------------- */

static void server_on_letters(struct ev_loop *loop, ev_async *watcher, int events)
{
	struct iscsi_server *server = watcher->data;
	(void)loop;
	(void)events;

	server->worked = true;
	scsi_mailbox_open(server->mailbox);
	iscsi_node_woken(server->node);
	server_share_make_room(server);
}

/* On any thread. */
static void server_wake(void *context)
{
	struct iscsi_server *server = context;

	ev_async_send(server->loop, &server->letters);
}

struct scsi_mailbox *iscsi_server_mailbox(struct iscsi_server *server)
{
	if (server->mailbox)
		return server->mailbox;
	server->mailbox = scsi_mailbox_create(server_wake, server);
	if (!server->mailbox)
		return NULL;
	ev_async_init(&server->letters, server_on_letters);
	server->letters.data = server;
	ev_async_start(server->loop, &server->letters);
	iscsi_node_set_wake(server->node, server_wake, server);
	return server->mailbox;
}

void iscsi_server_add_line(struct iscsi_server *server, struct scsi_line *line)
{
	line->next = server->lines;
	server->lines = line;
}
