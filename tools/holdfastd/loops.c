#include "tools/holdfastd/loops.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/holdfastd/loops_internal.h"
#include "tools/holdfastd/serve_access.h"
#include "transport/fault.h"

static bool failed(const struct service *service, const char *what)
{
	log_line(service->log, LOG_LEVEL_ERROR, "event loops: %s: %s", what, strerror(errno));
	return false;
}

/* ---- building -------------------------------------------------------------------------------- */

struct trace_ring *loops_create_trace(const struct config *config)
{
	struct trace_ring *trace = trace_ring_create(config->trace_events, service_clock_ns, NULL);

	if (trace && config->trace_pdus)
		trace_ring_want_pdus(trace, true);
	return trace;
}

static bool add_target(struct service_loop *loop, uint32_t index)
{
	const struct service *service = loop->service;
	const struct config_target *target = &service->config->targets[index];
	struct scsi_target *remote = scsi_target_create_remote(service->targets[index], &loop->link,
							       loop->executor, loop->part.trace);

	loop->part.targets[index] = remote;
	if (!remote || iscsi_node_add_target(loop->part.node, remote, target->alias) != 0)
		return false;
	iscsi_node_set_access(loop->part.node, remote,
			      service_access_target(service->access, index));
	return !target->observe || iscsi_node_observe(loop->part.node, remote, true) == 0;
}

/* The lines of home and loop, into each other's mailboxes. */
static bool join_lines(struct service_loop *loop)
{
	struct service *service = loop->service;

	loop->link.up.to = iscsi_server_mailbox(service->server);
	loop->link.down.to = iscsi_server_mailbox(loop->part.server);
	if (!loop->link.up.to || !loop->link.down.to)
		return false;
	iscsi_server_add_line(loop->part.server, &loop->link.up);
	iscsi_server_add_line(service->server, &loop->link.down);
	return iscsi_server_share(service->server, loop->part.server, &loop->link.down) == 0;
}

static bool build_loop(struct service_loop *loop, struct iscsi_node_config node)
{
	const struct service *service = loop->service;

	loop->part.trace = loops_create_trace(service->config);
	node.trace = loop->part.trace;
	node.cold_reset = loops_relay_cold_reset;
	node.cold_reset_context = loop;
	loop->loop = ev_loop_new(EVFLAG_AUTO);
	loop->executor = service_create_executor(service);
	loop->part.node = iscsi_node_create(&node);
	loop->part.targets = calloc(service->config->target_count, sizeof(struct scsi_target *));
	if (!loop->loop || !loop->executor || !loop->part.trace || !loop->part.node ||
	    !loop->part.targets)
		return false;
	loop->part.server =
		iscsi_server_create(loop->loop, loop->part.node, loop->executor, &node.limits);
	if (!loop->part.server || !join_lines(loop))
		return false;
	iscsi_node_share_portals(loop->part.node, service->node);
	if (iscsi_node_fault_share(loop->part.node, service->node) != 0)
		return false;
	for (uint32_t i = 0; i < service->config->target_count; i++)
		if (!add_target(loop, i))
			return false;
	return true;
}

bool loops_build(struct service *service, const struct iscsi_node_config *node)
{
	unsigned count = service->config->threads - 1;

	if (count == 0)
		return true;
	struct service_loops *loops = calloc(1, sizeof(*loops));
	if (!loops)
		return failed(service, "no memory");
	pthread_mutex_init(&loops->lock, NULL);
	pthread_cond_init(&loops->called, NULL);
	service->loops = loops;
	loops->loops = aligned_alloc(alignof(struct service_loop), count * sizeof(*loops->loops));
	if (!loops->loops)
		return failed(service, "no memory");
	memset(loops->loops, 0, count * sizeof(*loops->loops));
	loops->count = count;
	for (unsigned i = 0; i < count; i++) {
		loops->loops[i].service = service;
		if (!build_loop(&loops->loops[i], *node))
			return failed(service, "no memory");
	}
	return true;
}

/* ---- running --------------------------------------------------------------------------------- */

static void *loop_thread(void *context)
{
	struct service_loop *loop = context;

	ev_run(loop->loop, 0);
	return NULL;
}

/* Signals are the home's, but for the one that a thread brings upon itself (guarded.h). */
bool loops_start(struct service *service)
{
	struct service_loops *loops = service->loops;
	sigset_t all, before;
	bool sound = true;

	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; loops && sound && i < loops->count; i++) {
		struct service_loop *loop = &loops->loops[i];

		errno = pthread_create(&loop->thread, NULL, loop_thread, loop);
		loop->runs = errno == 0;
		sound = loop->runs || failed(service, "thread");
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return sound;
}

struct call {
	struct scsi_letter letter;
	struct service_loops *loops;
	const struct loop_part *part;
	void (*each)(const struct loop_part *part, void *context);
	void *context;
	bool done;
};

static void call_deliver(struct scsi_letter *letter)
{
	struct call *call = member_of(letter, struct call, letter);
	struct service_loops *loops = call->loops;

	call->each(call->part, call->context);
	pthread_mutex_lock(&loops->lock);
	call->done = true;
	pthread_cond_signal(&loops->called);
	pthread_mutex_unlock(&loops->lock);
}

static void call_on(struct service_loop *loop,
		    void (*each)(const struct loop_part *part, void *context), void *context)
{
	struct service_loops *loops = loop->service->loops;
	struct call call = {.letter.deliver = call_deliver,
			    .loops = loops,
			    .part = &loop->part,
			    .each = each,
			    .context = context};

	loop_post_now(loop, &call.letter);
	pthread_mutex_lock(&loops->lock);
	while (!call.done)
		pthread_cond_wait(&loops->called, &loops->lock);
	pthread_mutex_unlock(&loops->lock);
}

void loops_each(struct service *service, void (*each)(const struct loop_part *part, void *context),
		void *context)
{
	const struct loop_part home = {service->node, service->server, service->targets,
				       service->trace};
	struct service_loops *loops = service->loops;

	each(&home, context);
	for (unsigned i = 0; loops && i < loops->count; i++) {
		if (loops->loops[i].runs)
			call_on(&loops->loops[i], each, context);
		else
			each(&loops->loops[i].part, context);
	}
}

/* ---- what loops do by themselves ------------------------------------------------------------- */

static bool recall_targets(const struct service *service)
{
	bool out = false;

	for (uint32_t i = 0; i < service->config->target_count; i++)
		out |= scsi_target_recall(service->targets[i]);
	return out;
}

/* The loops have nothing to wait for but their disks. */
void loops_recall(struct service *service)
{
	const struct service_loops *loops = service->loops;

	while (loops && recall_targets(service)) {
		for (unsigned i = 0; i < loops->count; i++)
			scsi_line_flush(&loops->loops[i].link.down);
		scsi_mailbox_wait(loops->loops[0].link.up.to);
		scsi_mailbox_open(loops->loops[0].link.up.to);
	}
}
