/*
 * The event loops of the daemon (docs/threads.md): the home, which is the main thread's and has all
 * targets, and with `threads` > 1 further ones, a thread each, that serve sessions.
 */
#ifndef TOOLS_HOLDFASTD_LOOPS_H
#define TOOLS_HOLDFASTD_LOOPS_H

#include "target/trace.h"
#include "tools/holdfastd/service.h"

/* What one loop has of its own. */
struct loop_part {
	struct iscsi_node *node;
	struct iscsi_server *server;
	struct scsi_target **targets; /* as the configuration has them; remote ones but at home */
	struct trace_ring *trace;
};

/* The trace of one loop, as the configuration wants it; NULL: no memory. */
struct trace_ring *loops_create_trace(const struct config *config);

/* Makes the further loops, when the home's node, server, targets and portals are there; they do not
 * run yet. False: the log says why. */
bool loops_build(struct service *service, const struct iscsi_node_config *node);
/* Runs them. */
bool loops_start(struct service *service);

/*
 * Calls `each` for every loop, there, one after the other, and waits for it: for the control
 * socket. The home stands still meanwhile; no other loop ever waits for the home.
 */
void loops_each(struct service *service, void (*each)(const struct loop_part *part, void *context),
		void *context);

/*
 * Asks back what the loops do by themselves on LUNs (lease.h), and waits for it: before the control
 * socket changes anything that a command could notice. Commands of loops may begin and end at home
 * meanwhile.
 */
void loops_recall(struct service *service);

/* Stops the servers of all loops; `stopped` is called at home when the last one has. */
void loops_stop(struct service *service, uint32_t grace_ms, void (*stopped)(void *context),
		void *context);
/* Ends the threads, and frees what loops_build made. */
void loops_free(struct service *service);

/* For a node: `context` is the service, at home. */
void loops_cold_reset(void *context, const char *target_name);

#endif
