/*
 * How the event loops stop, and what is left of them goes.
 */
#include <stdlib.h>

#include "tools/holdfastd/loops_internal.h"

static void one_has_stopped(struct service_loops *loops)
{
	if (--loops->running == 0)
		loops->stopped(loops->stopped_context);
}

static void home_stopped(void *context)
{
	one_has_stopped(context);
}

static void stopped_deliver(struct scsi_letter *letter)
{
	one_has_stopped(member_of(letter, struct service_loop, stopped)->service->loops);
}

static void loop_stopped(void *context)
{
	struct service_loop *loop = context;

	loop->stopped.deliver = stopped_deliver;
	scsi_line_post(&loop->link.up, &loop->stopped);
}

static void stop_deliver(struct scsi_letter *letter)
{
	struct service_loop *loop = member_of(letter, struct service_loop, stop);

	iscsi_server_stop(loop->part.server, loop->grace_ms, loop_stopped, loop);
}

void loops_stop(struct service *service, uint32_t grace_ms, void (*stopped)(void *context),
		void *context)
{
	struct service_loops *loops = service->loops;

	if (!loops) {
		iscsi_server_stop(service->server, grace_ms, stopped, context);
		return;
	}
	loops->running = loops->count + 1;
	loops->stopped = stopped;
	loops->stopped_context = context;
	iscsi_server_stop(service->server, grace_ms, home_stopped, loops);
	for (unsigned i = 0; i < loops->count; i++) {
		struct service_loop *loop = &loops->loops[i];

		loop->grace_ms = grace_ms;
		loop->stop.deliver = stop_deliver;
		loop_post_now(loop, &loop->stop);
	}
}

static void quit_deliver(struct scsi_letter *letter)
{
	ev_break(member_of(letter, struct service_loop, quit)->loop, EVBREAK_ALL);
}

static void end_thread(struct service_loop *loop)
{
	if (!loop->runs)
		return;
	loop->quit.deliver = quit_deliver;
	loop_post_now(loop, &loop->quit);
	pthread_join(loop->thread, NULL);
	loop->runs = false;
}

/* No thread but this one is left: what is still in the mail is delivered here. */
static void empty_mailboxes(struct service_loops *loops)
{
	bool any = true;

	while (any) {
		any = false;
		for (unsigned i = 0; i < loops->count; i++) {
			struct scsi_link *link = &loops->loops[i].link;

			if (!link->up.to || !link->down.to)
				continue;
			scsi_line_flush(&link->up);
			scsi_line_flush(&link->down);
			any = scsi_mailbox_open(link->up.to) || any;
			any = scsi_mailbox_open(link->down.to) || any;
		}
	}
}

static void free_loop(struct service_loop *loop)
{
	const struct service *service = loop->service;

	iscsi_node_free(&loop->part.node);
	for (uint32_t i = 0; loop->part.targets && i < service->config->target_count; i++)
		scsi_target_free(&loop->part.targets[i]);
	scsi_executor_free(&loop->executor);
	free(loop->part.targets);
	trace_ring_free(&loop->part.trace);
	if (loop->loop)
		ev_loop_destroy(loop->loop);
}

void loops_free(struct service *service)
{
	struct service_loops *loops = service->loops;

	if (!loops)
		return;
	for (unsigned i = 0; i < loops->count; i++)
		end_thread(&loops->loops[i]);
	empty_mailboxes(loops);
	for (unsigned i = 0; i < loops->count; i++)
		iscsi_server_free(&loops->loops[i].part.server);
	for (unsigned i = 0; i < loops->count; i++)
		free_loop(&loops->loops[i]);
	service->loops = NULL;
	free(loops->loops);
	pthread_cond_destroy(&loops->called);
	pthread_mutex_destroy(&loops->lock);
	free(loops);
}
