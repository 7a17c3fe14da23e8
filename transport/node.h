/*
 * The iSCSI network entity: which targets are reachable through which portals, the sessions there
 * are, and the limits. Sans-IO: no sockets, no clock, no event loop.
 */
#ifndef TRANSPORT_NODE_H
#define TRANSPORT_NODE_H

#include "pr_engine/types.h"
#include "target/target.h"
#include "transport/access.h"
#include "transport/params.h"

/* Every limit has a name; these are the settings `limits.*`. 0 is not "unlimited" but refused. */
struct iscsi_limits {
	uint32_t sessions_max;
	uint32_t sessions_per_initiator_max;
	uint32_t connections_max;     /* all, logged in or not: the server refuses more at accept */
	uint32_t logins_max;	      /* connections not yet in full feature phase; one more drops
				       * the oldest of them */
	uint32_t login_timeout_ms;    /* whole login */
	uint32_t login_pdus_max;      /* PDUs in one login */
	uint32_t login_text_max;      /* bytes of one logical login text */
	uint32_t command_window;      /* CmdSN window: commands per session */
	uint32_t immediate_max;	      /* immediate commands under way per connection */
	uint32_t nop_interval_ms;     /* silence before the target pings; 0: never */
	uint32_t nop_timeout_ms;      /* and then before it drops the connection */
	uint32_t data_out_timeout_ms; /* a write that waits for data */
	uint32_t recovery_ms;	      /* ErrorRecoveryLevel > 0: before data is asked for again */
	uint64_t unacked_max;	      /* ErrorRecoveryLevel > 0: bytes kept per connection until
					 acknowledged */
	uint32_t abort_wait_ms;	      /* task management waits for what is on its way */
	uint32_t send_stall_ms;	      /* bytes to send and nothing taken */
	uint64_t session_data_max;    /* bytes of write data in memory per session */
	uint64_t session_read_max;    /* bytes of read data in memory per session */
	uint64_t data_max;	      /* bytes of data in memory, of all sessions together */
	uint32_t poll_us;	      /* how long a loop looks for more work before it sleeps */
	uint64_t send_queue_max;      /* bytes queued to one connection before it is read no more */
	uint32_t rejects_max;	      /* Rejects within a minute before a connection is dropped */
};
void iscsi_limits_defaults(struct iscsi_limits *limits);

struct iscsi_node;
struct iscsi_session;

/* What several nodes of one process, a loop each, have in common: registry.h. */
struct iscsi_registry;
/* NULL: no memory. `first_tsih` is where TSIHs begin: random. */
struct iscsi_registry *iscsi_registry_create(uint16_t first_tsih);
/* All nodes must be gone. */
void iscsi_registry_free(struct iscsi_registry **registry);

struct iscsi_node_config {
	struct iscsi_policy policy;
	struct iscsi_limits limits;
	const struct iscsi_access *access; /* borrowed; NULL: nobody has to prove who it is */
	/* Random bytes (challenges, TSIH start, tags), which nobody can foresee. Must always fill.
	 */
	void (*random)(void *context, void *ret_bytes, size_t len);
	void *random_context;
	/* One line of text for the log; level: 0 error, 1 warning, 2 info, 3 debug. May be NULL. */
	void (*log)(void *context, int level, const char *line);
	void *log_context;
	struct trace_ring *trace; /* target/trace.h; borrowed. NULL: nothing is kept */
	/* Borrowed, both or none; NULL: this node is alone, and makes its own. */
	struct iscsi_registry *registry;
	struct iscsi_budget *budget; /* budget.h */
	/* A TARGET COLD RESET of that target is done: other nodes have connections to it, too,
	 * which are to be closed (iscsi_node_close_target). May be NULL. */
	void (*cold_reset)(void *context, const char *target_name);
	void *cold_reset_context;
};

struct iscsi_node *iscsi_node_create(const struct iscsi_node_config *config);
/* All connections must be gone. Targets are not freed. */
void iscsi_node_free(struct iscsi_node **node);

/* Targets are listed by SendTargets in the order they were added. Borrowed. 0 or -errno. */
int iscsi_node_add_target(struct iscsi_node *node, struct scsi_target *target, const char *alias);

/* Who may use the target; borrowed. NULL (as at the start): everyone. For logins to come. */
void iscsi_node_set_access(struct iscsi_node *node, const struct scsi_target *target,
			   const struct iscsi_access_target *access);

/*
 * A portal: where connections come in. `address` is what SendTargets reports: "192.0.2.1:3260" or
 * "[2001:db8::1]:3260". For wildcard binds see iscsi_conn_create's local_address. A target is
 * reachable through a portal when it has the portal's group tag among its ports. The node copies
 * it. NULL: no memory.
 */
struct iscsi_portal;
struct iscsi_portal *iscsi_node_add_portal(struct iscsi_node *node, const char *address,
					   bool wildcard, uint16_t portal_group_tag);

/* The portals of another node, which must live longer, instead of own ones. */
void iscsi_node_share_portals(struct iscsi_node *node, const struct iscsi_node *other);

/*
 * `wake` is called on any thread when another node needs memory or has given some back, or one of
 * this one's logins has to go: then iscsi_node_woken is to be called on this node's loop.
 */
void iscsi_node_set_wake(struct iscsi_node *node, void (*wake)(void *context), void *context);
void iscsi_node_woken(struct iscsi_node *node);
struct iscsi_waker;
struct iscsi_waker *iscsi_node_waker(struct iscsi_node *node);
struct iscsi_registry *iscsi_node_registry(const struct iscsi_node *node);

/* A connection was given up that no node has heard of: it said nothing. */
void iscsi_node_count_login_failure(struct iscsi_node *node);

/* RFC 7143 11.5.1: a cold reset also closes every connection to the target. */
void iscsi_node_close_target(struct iscsi_node *node, const char *target_name);

/* When iscsi_node_tick is to be called next: sessions can wait for connections to be recovered
 * without having one that has a deadline. UINT64_MAX: never. */
uint64_t iscsi_node_deadline(const struct iscsi_node *node);
void iscsi_node_tick(struct iscsi_node *node, uint64_t now_ms);

/*
 * The observer (observer.h) judges who logs in to the target from now on, or no longer. Discovery
 * without a target is judged while any target is. 0 or -errno.
 */
int iscsi_node_observe(struct iscsi_node *node, const struct scsi_target *target, bool on);
bool iscsi_node_observes(const struct iscsi_node *node, const struct scsi_target *target);
/* What it has found; NULL: it was never on. */
struct iscsi_observer;
struct iscsi_observer *iscsi_node_observer(struct iscsi_node *node);

/* No session is left, nor one that drains. */
bool iscsi_node_is_idle(const struct iscsi_node *node);

/* What is told about a session for status output. Strings are borrowed. */
struct iscsi_session_info {
	const struct pr_nexus_id *nexus; /* name and ISID also for discovery */
	const char *target_name;	 /* NULL: unnamed discovery session */
	const char *initiator_alias;	 /* or "" */
	const char *user;		 /* CHAP user that it has proven to be, or "" */
	bool discovery;
	uint16_t tsih;
	uint16_t portal_group_tag;
	const char *peer; /* of the first connection */
	uint32_t connections;
	uint64_t since_ms; /* in the clock of iscsi_conn's now_ms */
	uint64_t commands, bytes_in,
		bytes_out; /* SCSI commands; data as the initiator sees it: in = read */
	uint32_t tasks;	   /* under way */
	const struct iscsi_params *params;
};
void iscsi_node_each_session(const struct iscsi_node *node,
			     void (*each)(void *context, const struct iscsi_session_info *info),
			     void *context);

/* RFC 7147 style counters. */
struct iscsi_node_counters {
	uint64_t logins, login_failures, logouts, sessions_lost, reinstatements;
	uint64_t rejects, digest_errors, format_errors;
};
struct iscsi_node_counters iscsi_node_counters(const struct iscsi_node *node);

/* RFC 7143 11.9.1 */
enum iscsi_async_event {
	ISCSI_ASYNC_SCSI = 0,
	ISCSI_ASYNC_LOGOUT_REQUEST = 1,
	ISCSI_ASYNC_CONNECTION_DROP = 2,
	ISCSI_ASYNC_SESSION_DROP = 3,
	ISCSI_ASYNC_NEGOTIATION_REQUEST = 4,
	ISCSI_ASYNC_TASK_TERMINATION = 5,
	ISCSI_ASYNC_VENDOR_FIRST = 248, /* to 255 */
};

struct iscsi_async_order {
	uint8_t event; /* enum iscsi_async_event */
	uint16_t tsih;
	bool one_connection; /* only to `cid`; else to every connection of the session */
	uint16_t cid;
	uint16_t seconds;     /* LOGOUT_REQUEST, NEGOTIATION_REQUEST: what the initiator is given */
	uint8_t lun_bytes[8]; /* SCSI, TASK_TERMINATION */
	const uint8_t *sense; /* SCSI; borrowed */
	uint16_t sense_len;
	uint8_t vcode; /* vendor events, with parameters 1 to 3 */
	uint16_t parameters[3];
};

/*
 * An asynchronous message on demand, and what it announces: the connection or the session is then
 * dropped at once, or when the initiator has not logged out (or begun to negotiate) in time. 0;
 * -ENOENT: no such session or connection; -EINVAL: no such event, no sense with a SCSI event, or a
 * discovery session, which is told nothing.
 */
int iscsi_node_send_async(struct iscsi_node *node, const struct iscsi_async_order *order);

/*
 * Stop: no new logins (0301), every session in full feature phase gets an async message (target
 * requests logout; then session dropped), running commands are answered, then connections finish.
 * Progress is seen by the server: every iscsi_conn becomes finished.
 */
void iscsi_node_shutdown(struct iscsi_node *node);

#endif
