/*
 * The iSCSI node and who works for it, as the configuration wants them.
 */
#include "tools/holdfastd/loops.h"
#include "tools/holdfastd/serve_access.h"
#include "tools/holdfastd/serve_faults.h"
#include "tools/holdfastd/service_internal.h"
#include "transport/budget.h"

#define LOOP_WORKERS_MIN 2 /* of a further loop: a slow disk does not stop another one */

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
		return service_failed(service, "disk_io = \"io_uring\"", -error);
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
		service_failed(service, "worker threads", errno);
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

bool service_build_node(struct service *service)
{
	char fault_error[ISCSI_FAULT_ERROR_MAX];
	uint16_t first_tsih;

	state_random(&first_tsih, sizeof(first_tsih));
	service->registry = iscsi_registry_create(first_tsih);
	service->budget =
		iscsi_budget_create(service->config->limits.data_max, service->config->threads);
	if (!service->registry || !service->budget)
		return service_failed(service, "sessions", ENOMEM);
	struct iscsi_node_config node = node_config(service);
	service->executor = service_create_executor(service);
	if (!service->executor)
		return false;
	service->node = iscsi_node_create(&node);
	if (!service->node)
		return service_failed(service, "iSCSI node", errno);
	int error = serve_faults_add(service->node, service->config, fault_error);
	if (error)
		return service_failed(service, fault_error, -error);
	service->server =
		iscsi_server_create(service->loop, service->node, service->executor, &node.limits);
	return service->server || service_failed(service, "iSCSI server", errno);
}

bool service_build_loops(struct service *service)
{
	struct iscsi_node_config node = node_config(service);

	serve_faults_keep_all(service);
	return loops_build(service, &node);
}
