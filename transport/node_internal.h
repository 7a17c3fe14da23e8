/*
 * The inside of the network entity: what sessions and connections share. For transport/ only.
 */
#ifndef TRANSPORT_NODE_INTERNAL_H
#define TRANSPORT_NODE_INTERNAL_H

#include "target/spare.h"
#include "transport/budget.h"
#include "transport/login.h"
#include "transport/node.h"

#define ISCSI_ADDRESS_MAX  80 /* "[IPv6%...]:port" and a NUL */
#define ISCSI_NODE_INPUT   (256u * 1024)
#define ISCSI_LOG_LINE_MAX 1024 /* bytes of one log line, with its NUL */

enum iscsi_log_level {
	ISCSI_LOG_ERROR = 0,
	ISCSI_LOG_WARNING = 1,
	ISCSI_LOG_INFO = 2,
	ISCSI_LOG_DEBUG = 3,
};

struct iscsi_portal {
	char address[ISCSI_ADDRESS_MAX];
	bool wildcard;
	uint16_t portal_group_tag;
	struct iscsi_portal *next; /* in the order they were added */
};

struct iscsi_node_target {
	struct scsi_target *target;		  /* borrowed */
	char *alias;				  /* or NULL */
	const struct iscsi_access_target *access; /* borrowed, or NULL */
	bool observed;
	struct iscsi_node_target *next;
};

struct iscsi_node {
	struct iscsi_node_config config;
	/*
	 * ISCSI_NODE_INPUT bytes, where every connection in full feature phase receives. Nothing
	 * stays in it: what iscsi_conn_received is told of is taken before it returns.
	 */
	uint8_t *input;
	struct spare_list spare_tasks, spare_outs;
	struct iscsi_node_target *targets;
	struct iscsi_portal *portals;
	bool shares_portals;
	struct iscsi_registry *registry;
	struct iscsi_budget *budget;
	struct iscsi_waker waker;
	bool is_alone;			/* registry and budget are its own */
	struct iscsi_session *sessions; /* also those that still drain */
	struct iscsi_conn *conns;	/* oldest first */
	struct iscsi_conn *logins;	/* those not yet in full feature phase, oldest first */
	uint32_t connection_count, lost_count;
	/* Data in memory, and the part of it that came unasked; who waits for some (memory.c). */
	uint64_t data_used, early_used;
	struct iscsi_purse purse;
	struct iscsi_session *in_line;
	uint64_t lost_deadline_ms; /* while lost_count > 0: no lost connection is due before */
	uint64_t now_ms;	   /* the latest time that any connection was handed */
	bool stopping;
	struct iscsi_node_counters counters;
	struct iscsi_observer *observer; /* NULL: it was never wanted */
	uint32_t observed_count;	 /* targets that it is on for */
	struct iscsi_faults *faults;	 /* NULL: there never was a rule */
};

/* What the node knows of a target (which may be NULL), or NULL. */
const struct iscsi_node_target *iscsi_node_entry(const struct iscsi_node *node,
						 const struct scsi_target *target);
/* May the initiator know of the target? */
bool iscsi_node_may_see(const struct iscsi_node *node, const struct scsi_target *target,
			const char *initiator);
/* As who the initiator must prove itself to some target that it may see: is `user` one of them? */
bool iscsi_node_has_user(const struct iscsi_node *node, const char *initiator, const char *user);

/* The target of that canonical name, or NULL. */
struct scsi_target *iscsi_node_find_target(const struct iscsi_node *node, const char *name);

/* Is the target there, and behind the portal? Success, or 0203 / 0301. */
uint16_t iscsi_node_target_status(const struct iscsi_node *node, const struct iscsi_portal *portal,
				  const char *target_name);

uint32_t iscsi_node_random_u32(struct iscsi_node *node);

/* fault_set.c */
void iscsi_faults_free(struct iscsi_node *node);

/* One line for the log. Names from the wire go through iscsi_log_escape first. */
void iscsi_node_log(const struct iscsi_node *node, enum iscsi_log_level level, const char *format,
		    ...) __attribute__((format(printf, 3, 4)));
/* Cuts and escapes: everything but visible ASCII becomes \xNN. Returns `out`. */
const char *iscsi_log_escape(char *out, size_t out_size, const char *text);

#endif
