#include <poll.h>
#include <time.h>

#include "target/in_flight.h"
#include "target/trace.h"
#include "tools/holdfastd/control.h"
#include "tools/holdfastd/loops.h"
#include "tools/holdfastd/personality.h"
#include "tools/holdfastd/serve_access.h"
#include "tools/holdfastd/serve_luns.h"
#include "tools/holdfastd/service_internal.h"
#include "transport/budget.h"

#define DRAIN_POLL_MS 100

uint64_t service_clock_ms(void *context)
{
	struct timespec now;
	(void)context;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* For the trace: a command's latency is small. */
uint64_t service_clock_ns(void *context)
{
	struct timespec now;
	(void)context;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

bool service_failed(const struct service *service, const char *what, int error)
{
	log_line(service->log, LOG_LEVEL_ERROR, "%s: %s", what, strerror(error));
	return false;
}

static void report_personality(void *context, const char *problem)
{
	log_line(context, LOG_LEVEL_ERROR, "%s", problem);
}

static bool listen_on_portals(struct service *service)
{
	for (uint32_t i = 0; i < service->config->portal_count; i++) {
		const struct config_portal *wanted = &service->config->portals[i];
		struct service_portal *portal = &service->portals[i];
		portal->group = wanted->group;
		int error = iscsi_server_listen(service->server, wanted->address, wanted->advertise,
						wanted->group, portal->address);
		if (error == -EADDRINUSE)
			log_line(service->log, LOG_LEVEL_ERROR,
				 "portal %s: the port is taken; --listen ADDR:0 picks a free one",
				 wanted->address);
		else if (error)
			service_failed(service, wanted->address, -error);
		if (error)
			return false;
	}
	return true;
}

static bool build(struct service *service)
{
	const struct config *config = service->config;
	char error[STATE_ERROR_MAX];

	service->loop = ev_default_loop(EVFLAG_AUTO);
	service->targets = calloc(config->target_count, sizeof(struct scsi_target *));
	service->portals = calloc(config->portal_count, sizeof(*service->portals));
	if (!service->loop || !service->targets || !service->portals)
		return service_failed(service, "start", ENOMEM);
	service_watch_signals(service);
	if (state_dir_open(config->state_dir, &service->state, error) != 0) {
		log_line(service->log, LOG_LEVEL_ERROR, "%s", error);
		return false;
	}
	service->personalities = personalities_create(config, report_personality, service->log);
	if (!service->personalities)
		return false;
	service->access = service_access_create(config);
	if (!service->access)
		return service_failed(service, "access lists", ENOMEM);
	service_access_warn(config, service->log);
	service->trace = loops_create_trace(config);
	if (!service->trace)
		return service_failed(service, "trace", ENOMEM);
	if (!service_build_node(service) || !serve_targets(service) ||
	    !listen_on_portals(service) || !service_build_loops(service))
		return false;
	service->control = control_open(service, error);
	if (!service->control) {
		log_line(service->log, LOG_LEVEL_ERROR, "%s", error);
		return false;
	}
	return true;
}

/* Runs what is still queued for disks and journals until nothing is. */
static void drain(struct scsi_executor *executor)
{
	while (scsi_executor_pending(executor) > 0) {
		struct pollfd fd = {.fd = scsi_executor_fd(executor), .events = POLLIN};
		if (poll(&fd, 1, DRAIN_POLL_MS) >= 0)
			scsi_executor_reap(executor);
	}
}

static void take_down(struct service *service)
{
	control_close(&service->control);
	loops_free(service);
	iscsi_server_free(&service->server);
	service_stop_targets(service);
	if (service->executor)
		drain(service->executor);
	iscsi_node_free(&service->node);
	iscsi_registry_free(&service->registry);
	iscsi_budget_free(&service->budget);
	service_access_free(&service->access);
	for (uint32_t i = 0; service->targets && i < service->config->target_count; i++)
		scsi_target_free(&service->targets[i]);
	personalities_free(&service->personalities);
	scsi_executor_free(&service->executor);
	trace_ring_free(&service->trace);
	in_flight_free(&service->in_flight);
	state_dir_close(&service->state);
	free(service->targets);
	free(service->portals);
	if (service->loop)
		ev_loop_destroy(service->loop);
}

bool service_run(struct config *config, struct log *log)
{
	struct service service = {
		.config = config,
		.log = log,
		.state = {.lock_fd = -1},
		.started_ms = service_clock_ms(NULL),
	};

	bool sound = build(&service);
	if (sound)
		sound = loops_start(&service);
	if (sound) {
		iscsi_server_start(service.server);
		sound = service_say_ready(&service);
	}
	if (sound) {
		log_line(log, LOG_LEVEL_INFO, "ready, state in %s", service.state.path);
		ev_run(service.loop, 0);
		log_line(log, LOG_LEVEL_INFO, "stopped");
	}
	take_down(&service);
	return sound;
}
