/*
 * What the daemon consists of while it serves: built from the configuration, taken down in the
 * opposite order.
 */
#ifndef TOOLS_HOLDFASTD_SERVICE_H
#define TOOLS_HOLDFASTD_SERVICE_H

#include <ev.h>

#include "config/config.h"
#include "target/target.h"
#include "tools/holdfastd/log.h"
#include "tools/holdfastd/state_dir.h"
#include "transport/server.h"

struct control;
struct in_flight;
struct personalities;
struct service_access;
struct service_loops;

struct service_portal {
	char address[CONFIG_ADDRESS_MAX]; /* as bound: with the real port */
	uint16_t group;
};

struct service {
	struct config *config; /* its LUNs are those there are: they may come and go */
	struct log *log;
	struct ev_loop *loop;
	struct state_dir state;
	struct in_flight *in_flight; /* NULL: no file has been served, or there is none */
	struct scsi_executor *executor;
	struct personalities *personalities; /* what its LUNs may be */
	struct service_access *access;	     /* what the node knows of users and lists */
	struct trace_ring *trace;	     /* of the loop */
	struct iscsi_registry *registry;
	struct iscsi_budget *budget;
	struct iscsi_node *node; /* this and the server: of the home (loops.h) */
	struct iscsi_server *server;
	struct service_loops *loops;  /* further ones; NULL: there are none */
	struct scsi_target **targets; /* as many as the configuration has, in its order */
	struct service_portal *portals;
	struct control *control;
	uint64_t started_ms;
	unsigned signals; /* SIGTERM and SIGINT so far */
	ev_signal terminate, interrupt;
};

/*
 * Builds everything, says that it is ready, serves until a signal stops it. True when that was in
 * order; otherwise the log says why.
 */
bool service_run(struct config *config, struct log *log);

/* Milliseconds since 1970 UTC. */
uint64_t service_clock_ms(void *context);
/* Nanoseconds since 1970 UTC. */
uint64_t service_clock_ns(void *context);

/* As the configuration wants the work of one loop done; NULL: the log says why. */
struct scsi_executor *service_create_executor(const struct service *service);

#endif
