#include "tools/holdfastd/loops.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "target/remote.h"
#include "tools/holdfastd/serve_access.h"
#include "transport/fault.h"

/* A further loop. What is not its thread's is the home's. */
struct service_loop {
	struct service *service;
	struct ev_loop *loop;
	struct scsi_executor *executor;
	struct loop_part part;
	struct scsi_link link;
	pthread_t thread;
	bool runs;
	struct scsi_letter quit, stop, stopped;
	uint32_t grace_ms;
};

struct service_loops {
	unsigned count; /* further ones */
	struct service_loop *loops;
	unsigned running; /* servers that have not stopped */
	void (*stopped)(void *context);
	void *stopped_context;
	/* loops_each */
	pthread_mutex_t lock;
	pthread_cond_t called;
};

#define member_of(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static bool failed(const struct service *service, const char *what)
{
	log_line(service->log, LOG_LEVEL_ERROR, "event loops: %s: %s", what, strerror(errno));
	return false;
}

static void post_now(struct service_loop *loop, struct scsi_letter *letter)
{
	scsi_line_post(&loop->link.down, letter);
	scsi_line_flush(&loop->link.down);
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

static void relay_cold_reset(void *context, const char *target_name);

static bool build_loop(struct service_loop *loop, struct iscsi_node_config node)
{
	const struct service *service = loop->service;

	loop->part.trace = loops_create_trace(service->config);
	node.trace = loop->part.trace;
	node.cold_reset = relay_cold_reset;
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

	post_now(loop, &call.letter);
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

/* ---- a TARGET COLD RESET closes the connections of all loops --------------------------------- */

struct cold_reset {
	struct scsi_letter letter;
	struct service *service; /* at home; NULL: on a loop */
	struct service_loop *loop;
	char target_name[PR_INITIATOR_NAME_MAX + 1];
};

static void cold_reset_deliver(struct scsi_letter *letter);

static struct cold_reset *cold_reset_new(struct service *service, struct service_loop *loop,
					 const char *target_name)
{
	struct cold_reset *reset = calloc(1, sizeof(*reset));

	if (!reset)
		return NULL;
	reset->letter.deliver = cold_reset_deliver;
	reset->service = service;
	reset->loop = loop;
	memcpy(reset->target_name, target_name, strlen(target_name) + 1);
	return reset;
}

static void cold_reset_spread(struct service *service, const struct service_loop *but,
			      const char *target_name)
{
	struct service_loops *loops = service->loops;

	for (unsigned i = 0; loops && i < loops->count; i++) {
		struct service_loop *loop = &loops->loops[i];
		struct cold_reset *reset =
			loop != but ? cold_reset_new(NULL, loop, target_name) : NULL;

		if (reset)
			scsi_line_post(&loop->link.down, &reset->letter);
	}
}

static void cold_reset_deliver(struct scsi_letter *letter)
{
	struct cold_reset *reset = member_of(letter, struct cold_reset, letter);

	if (reset->service) {
		iscsi_node_close_target(reset->service->node, reset->target_name);
		cold_reset_spread(reset->service, reset->loop, reset->target_name);
	} else {
		iscsi_node_close_target(reset->loop->part.node, reset->target_name);
	}
	free(reset);
}

void loops_cold_reset(void *context, const char *target_name)
{
	cold_reset_spread(context, NULL, target_name);
}

static void relay_cold_reset(void *context, const char *target_name)
{
	struct service_loop *loop = context;
	struct cold_reset *reset = cold_reset_new(loop->service, loop, target_name);

	if (reset)
		scsi_line_post(&loop->link.up, &reset->letter);
}

/* ---- stopping -------------------------------------------------------------------------------- */

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
		post_now(loop, &loop->stop);
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
	post_now(loop, &loop->quit);
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
