/*
 * The server's clock, and who may hold it: connections get their time from here and nowhere else,
 * so a test need not wait for a timeout.
 */
#include <time.h>
#include <utlist.h>

#include "transport/server_internal.h"

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void server_clock_init(struct server_clock *clock)
{
	clock->offset_ms = clock_ms(CLOCK_REALTIME) - clock_ms(CLOCK_MONOTONIC);
}

/* What it would show had nobody touched it. */
static uint64_t true_ms(const struct server_clock *clock)
{
	return clock_ms(CLOCK_MONOTONIC) + clock->offset_ms;
}

uint64_t server_now_ms(const struct iscsi_server *server)
{
	const struct server_clock *clock = &server->clock;

	return clock->frozen ? clock->frozen_ms : true_ms(clock) + clock->shift_ms;
}

void server_timer_set(const struct iscsi_server *server, ev_timer *timer, uint64_t deadline_ms)
{
	uint64_t now_ms = server_now_ms(server);
	double after_s = deadline_ms > now_ms ? (double)(deadline_ms - now_ms) / 1000.0 : 0.0;

	ev_timer_stop(server->loop, timer);
	/* A clock that stands still never gets there: whoever steps it on looks again. */
	if (deadline_ms == UINT64_MAX || (server->clock.frozen && after_s > 0))
		return;
	ev_timer_set(timer, after_s, 0.0);
	ev_timer_start(server->loop, timer);
}

/* Every timer is set anew. */
static void look_again(struct iscsi_server *server)
{
	struct server_conn *c, *next;

	DL_FOREACH_SAFE(server->conns, c, next)
	{
		if (!c->conn)
			continue;
		c->timer_deadline = UINT64_MAX;
		ev_timer_stop(server->loop, &c->timer);
		server_conn_settle(c);
	}
	server->recovery_deadline = UINT64_MAX;
	ev_timer_stop(server->loop, &server->recovery);
}

void iscsi_server_clock_freeze(struct iscsi_server *server)
{
	if (server->clock.frozen)
		return;
	server->clock.frozen_ms = server_now_ms(server);
	server->clock.frozen = true;
	look_again(server);
}

void iscsi_server_clock_step(struct iscsi_server *server, uint64_t ms)
{
	if (server->clock.frozen)
		server->clock.frozen_ms += ms;
	else
		server->clock.shift_ms += ms;
	look_again(server);
}

void iscsi_server_clock_resume(struct iscsi_server *server)
{
	if (!server->clock.frozen)
		return;
	/* It goes on from where it stood. Unsigned, so that behind is as good as ahead. */
	server->clock.shift_ms = server->clock.frozen_ms - true_ms(&server->clock);
	server->clock.frozen = false;
	look_again(server);
}

struct iscsi_server_clock iscsi_server_clock(const struct iscsi_server *server)
{
	uint64_t now_ms = server_now_ms(server);

	return (struct iscsi_server_clock){
		.frozen = server->clock.frozen,
		.now_ms = now_ms,
		.ahead_ms = (int64_t)(now_ms - true_ms(&server->clock)),
	};
}
