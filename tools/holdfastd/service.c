#include "tools/holdfastd/service.h"

#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "target/in_flight.h"
#include "target/trace.h"
#include "tools/common/escape.h"
#include "tools/holdfastd/control.h"
#include "tools/holdfastd/loops.h"
#include "tools/holdfastd/personality.h"
#include "tools/holdfastd/serve_access.h"
#include "tools/holdfastd/serve_faults.h"
#include "tools/holdfastd/serve_luns.h"
#include "transport/budget.h"

#define STOP_GRACE_MS	   4000
#define STOP_DEADLINE_MS   4800 /* then the process ends, whatever a disk is doing */
#define DRAIN_POLL_MS	   100
#define SIGNALS_TO_BE_GONE 2
#define LOOP_WORKERS_MIN   2 /* of a further loop: a slow disk does not stop another one */

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

static void node_random(void *context, void *ret_bytes, size_t len)
{
	(void)context;
	state_random(ret_bytes, len);
}

static void node_log(void *context, int level, const char *line)
{
	struct service *service = context;

	log_line(service->log, level < 0 ? LOG_LEVEL_ERROR : (enum log_level)level, "%s", line);
}

/* ---- stopping ------------------------------------------------------------------------------- */

static void leave_at_once(int signal)
{
	static const char text[] = "holdfastd: a disk did not let go in time: leaving without it\n";
	(void)signal;

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
	_exit(1);
}

/* A disk that hangs must not keep the process: the last word has a timer. */
static void arm_deadline(void)
{
	struct sigaction action = {.sa_handler = leave_at_once};
	struct itimerval timer = {
		.it_value = {STOP_DEADLINE_MS / 1000, STOP_DEADLINE_MS % 1000 * 1000}};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void service_stopped(void *context)
{
	struct service *service = context;
	ev_break(service->loop, EVBREAK_ALL);
}

static void stop_targets(struct service *service)
{
	for (uint32_t i = 0; service->targets && i < service->config->target_count; i++)
		if (service->targets[i])
			scsi_target_stop(service->targets[i]);
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
	struct service *service = watcher->data;
	(void)loop;
	(void)events;

	service->signals++;
	if (service->signals >= SIGNALS_TO_BE_GONE) {
		log_line(service->log, LOG_LEVEL_WARNING, "second signal: leaving at once");
		_exit(1);
	}
	log_line(service->log, LOG_LEVEL_INFO, "%s: stopping",
		 watcher->signum == SIGTERM ? "SIGTERM" : "SIGINT");
	/* Now, as the deadline cannot: whoever comes from here on finds no daemon. */
	control_unlink(service->control);
	arm_deadline();
	stop_targets(service);
	loops_stop(service, STOP_GRACE_MS, service_stopped, service);
}

static void watch_signals(struct service *service)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ,
	       SIG_IGN); /* a file that may not grow is an error of its write, like ENOSPC */
	ev_signal_init(&service->terminate, on_signal, SIGTERM);
	ev_signal_init(&service->interrupt, on_signal, SIGINT);
	service->terminate.data = service;
	service->interrupt.data = service;
	ev_signal_start(service->loop, &service->terminate);
	ev_signal_start(service->loop, &service->interrupt);
}

/* ---- the ready line ---------------------------------------------------------------------------
 */

static json_t *lun_numbers(const struct service *service, uint32_t target_index)
{
	const struct config_target *target = &service->config->targets[target_index];
	json_t *numbers = json_array();

	for (uint32_t i = 0; i < target->lun_count; i++) {
		uint16_t number = target->luns[i].number;
		if (scsi_target_lun(service->targets[target_index], number))
			json_array_append_new(numbers, json_integer(number));
	}
	return numbers;
}

static json_t *portal_addresses(const struct service *service)
{
	json_t *addresses = json_array();

	for (uint32_t i = 0; i < service->config->portal_count; i++)
		json_array_append_new(addresses, json_string(service->portals[i].address));
	return addresses;
}

/* JSON is UTF-8, paths are bytes. */
static json_t *path_string(const char *path)
{
	char escaped[4 * STATE_FILE_MAX];

	escape_text(path, escaped, sizeof(escaped));
	return json_string(escaped);
}

/* Several targets: `target` and `luns` are the first one's, `targets` has them all. */
static json_t *ready_object(const struct service *service)
{
	const struct config *config = service->config;
	json_t *ready = json_pack("{s:b,s:i,s:s,s:o,s:o}", "ready", 1, "pid", (int)getpid(),
				  "target", config->targets[0].name, "portals",
				  portal_addresses(service), "luns", lun_numbers(service, 0));

	if (ready && config->target_count > 1) {
		json_t *targets = json_array();
		for (uint32_t i = 0; i < config->target_count; i++)
			json_array_append_new(targets, json_pack("{s:s,s:o}", "name",
								 config->targets[i].name, "luns",
								 lun_numbers(service, i)));
		json_object_set_new(ready, "targets", targets);
	}
	json_object_set_new(ready, "control", path_string(control_path(service->control)));
	json_object_set_new(ready, "state_dir", path_string(service->state.path));
	return ready;
}

static bool say_ready(const struct service *service)
{
	json_t *ready = ready_object(service);
	char *text = ready ? json_dumps(ready, JSON_COMPACT) : NULL;

	if (text) {
		/* Whoever closed standard output does not want to know. */
		printf("%s\n", text);
		fflush(stdout);
	}
	free(text);
	json_decref(ready);
	return text != NULL;
}

/* ---- building and taking down -----------------------------------------------------------------
 */

static bool failed(const struct service *service, const char *what, int error)
{
	log_line(service->log, LOG_LEVEL_ERROR, "%s: %s", what, strerror(error));
	return false;
}

static void report_personality(void *context, const char *problem)
{
	log_line(context, LOG_LEVEL_ERROR, "%s", problem);
}

static struct iscsi_limits node_limits(const struct config_limits *limits)
{
	return (struct iscsi_limits){
		.sessions_max = limits->sessions_max,
		.sessions_per_initiator_max = limits->sessions_per_initiator_max,
		.connections_max = limits->connections_max,
		.logins_max = limits->logins_max,
		.login_timeout_ms = limits->login_timeout_ms,
		.login_pdus_max = limits->login_pdus_max,
		.login_text_max = limits->login_text_max,
		.command_window = limits->command_window,
		.immediate_max = limits->immediate_max,
		.nop_interval_ms = limits->nop_interval_ms,
		.nop_timeout_ms = limits->nop_timeout_ms,
		.data_out_timeout_ms = limits->data_out_timeout_ms,
		.recovery_ms = limits->recovery_ms,
		.unacked_max = limits->unacked_max,
		.abort_wait_ms = limits->abort_wait_ms,
		.send_stall_ms = limits->send_stall_ms,
		.session_data_max = limits->session_data_max,
		.session_read_max = limits->session_read_max,
		.data_max = limits->data_max,
		.poll_us = limits->poll_us,
		.send_queue_max = limits->send_queue_max,
		.rejects_max = limits->rejects_max,
	};
}

static struct iscsi_policy node_policy(const struct config_policy *policy)
{
	return (struct iscsi_policy){
		.max_connections = policy->max_connections,
		.initial_r2t = policy->initial_r2t,
		.immediate_data = policy->immediate_data,
		.max_burst_len = policy->max_burst_len,
		.first_burst_len = policy->first_burst_len,
		.max_recv_data_segment_len = policy->max_recv_data_segment_len,
		.max_outstanding_r2t = policy->max_outstanding_r2t,
		.data_pdu_in_order = policy->data_pdu_in_order,
		.data_sequence_in_order = policy->data_sequence_in_order,
		.error_recovery_level = policy->error_recovery_level,
		.default_time2wait = policy->default_time2wait,
		.default_time2retain = policy->default_time2retain,
		.header_digest_crc32c = policy->header_digest_crc32c,
		.data_digest_crc32c = policy->data_digest_crc32c,
		.chap_md5 = policy->chap_md5,
		.chap_sha1 = policy->chap_sha1,
		.strict = policy->strict,
	};
}

/* With nothing said: io_uring where the kernel lets us, and threads everywhere else. */
static bool choose_disk_io(const struct service *service, struct scsi_executor *executor)
{
	uint32_t wanted = service->config->disk_io;

	if (wanted == CONFIG_DISK_IO_THREADS)
		return true;
	int error = scsi_executor_use_ring(executor);
	if (error == 0)
		return true;
	if (wanted == CONFIG_DISK_IO_URING)
		return failed(service, "disk_io = \"io_uring\"", -error);
	if (!service->executor) /* said once for all loops */
		log_line(service->log, LOG_LEVEL_INFO,
			 "no io_uring here (%s): threads wait for disks", strerror(-error));
	return true;
}

/* The first is the home's, where journals are synced, too. */
static uint32_t worker_count(const struct service *service)
{
	uint32_t all = service->config->workers, part = all / service->config->threads;
	uint32_t least = all < LOOP_WORKERS_MIN ? all : LOOP_WORKERS_MIN;

	if (!service->executor)
		return all;
	return part > least ? part : least;
}

struct scsi_executor *service_create_executor(const struct service *service)
{
	struct scsi_executor *executor = scsi_executor_create(worker_count(service));

	if (!executor)
		failed(service, "worker threads", errno);
	else if (!choose_disk_io(service, executor))
		scsi_executor_free(&executor);
	return executor;
}

/* Of every loop; what all of them together may have is bounded by what they have in common. */
static struct iscsi_node_config node_config(struct service *service)
{
	struct iscsi_node_config node = {
		.policy = node_policy(&service->config->policy),
		.limits = node_limits(&service->config->limits),
		.access = service_access_node(service->access),
		.random = node_random,
		.log = node_log,
		.log_context = service,
		.trace = service->trace,
		.registry = service->registry,
		.budget = service->budget,
		.cold_reset = loops_cold_reset,
		.cold_reset_context = service,
	};

	return node;
}

static bool build_node(struct service *service)
{
	char fault_error[ISCSI_FAULT_ERROR_MAX];
	uint16_t first_tsih;

	state_random(&first_tsih, sizeof(first_tsih));
	service->registry = iscsi_registry_create(first_tsih);
	service->budget =
		iscsi_budget_create(service->config->limits.data_max, service->config->threads);
	if (!service->registry || !service->budget)
		return failed(service, "sessions", ENOMEM);
	struct iscsi_node_config node = node_config(service);
	service->executor = service_create_executor(service);
	if (!service->executor)
		return false;
	service->node = iscsi_node_create(&node);
	if (!service->node)
		return failed(service, "iSCSI node", errno);
	int error = serve_faults_add(service->node, service->config, fault_error);
	if (error)
		return failed(service, fault_error, -error);
	service->server =
		iscsi_server_create(service->loop, service->node, service->executor, &node.limits);
	return service->server || failed(service, "iSCSI server", errno);
}

static bool build_loops(struct service *service)
{
	struct iscsi_node_config node = node_config(service);

	serve_faults_keep_all(service);
	return loops_build(service, &node);
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
			failed(service, wanted->address, -error);
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
		return failed(service, "start", ENOMEM);
	watch_signals(service);
	if (state_dir_open(config->state_dir, &service->state, error) != 0) {
		log_line(service->log, LOG_LEVEL_ERROR, "%s", error);
		return false;
	}
	service->personalities = personalities_create(config, report_personality, service->log);
	if (!service->personalities)
		return false;
	service->access = service_access_create(config);
	if (!service->access)
		return failed(service, "access lists", ENOMEM);
	service_access_warn(config, service->log);
	service->trace = loops_create_trace(config);
	if (!service->trace)
		return failed(service, "trace", ENOMEM);
	if (!build_node(service) || !serve_targets(service) || !listen_on_portals(service) ||
	    !build_loops(service))
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
	stop_targets(service);
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
		sound = say_ready(&service);
	}
	if (sound) {
		log_line(log, LOG_LEVEL_INFO, "ready, state in %s", service.state.path);
		ev_run(service.loop, 0);
		log_line(log, LOG_LEVEL_INFO, "stopped");
	}
	take_down(&service);
	return sound;
}
