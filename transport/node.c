/*
 * The registry: targets, portals, TSIHs, limits, counters, the log, and the clean stop.
 */
#include "transport/node.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "transport/conn_internal.h"
#include "transport/node_internal.h"
#include "transport/observer.h"
#include "transport/registry.h"
#include "transport/session.h"

void iscsi_limits_defaults(struct iscsi_limits *limits)
{
	*limits = (struct iscsi_limits){
		.sessions_max = 4096,
		.sessions_per_initiator_max = 256,
		.connections_max = 16384,
		.logins_max = 1024,
		.login_timeout_ms = 15000,
		.login_pdus_max = 32,
		.login_text_max = 16384,
		.command_window = 128,
		.immediate_max = 8,
		.nop_interval_ms = 10000,
		.nop_timeout_ms = 10000,
		.data_out_timeout_ms = 60000,
		.recovery_ms = 5000,
		.unacked_max = 16 << 20,
		.abort_wait_ms = 1000,
		.send_stall_ms = 30000,
		.session_data_max = 64 << 20,
		.session_read_max = 64 << 20,
		.data_max = 1 << 30,
		.send_queue_max = 4 << 20,
		.rejects_max = 256,
	};
}

struct iscsi_node *iscsi_node_create(const struct iscsi_node_config *config)
{
	struct iscsi_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->input = malloc(ISCSI_NODE_INPUT);
	if (!node->input) {
		free(node);
		return NULL;
	}
	node->config = *config;
	node->lost_deadline_ms = UINT64_MAX;
	node->registry = config->registry;
	node->budget = config->budget;
	if (!node->registry) {
		node->is_alone = true;
		node->registry = iscsi_registry_create((uint16_t)iscsi_node_random_u32(node));
		node->budget = iscsi_budget_create(config->limits.data_max, 1);
	}
	if (node->registry && node->budget)
		iscsi_purse_join(&node->purse, node->budget, &node->waker);
	else
		iscsi_node_free(&node);
	return node;
}

void iscsi_node_set_wake(struct iscsi_node *node, void (*wake)(void *context), void *context)
{
	node->waker.context = context;
	node->waker.wake = wake;
}

struct iscsi_waker *iscsi_node_waker(struct iscsi_node *node)
{
	return &node->waker;
}

struct iscsi_registry *iscsi_node_registry(const struct iscsi_node *node)
{
	return node->registry;
}

void iscsi_node_woken(struct iscsi_node *node)
{
	if (!iscsi_waker_take(&node->waker))
		return;
	iscsi_memory_asked(node);
	iscsi_login_phase_make_room(node);
}

void iscsi_node_free(struct iscsi_node **node)
{
	struct iscsi_node *n = *node;

	if (!n)
		return;
	assert(!n->conns && "all connections must be gone");
	/* A session can still drain when the backing store has not answered; its tasks point into
	 * it, so the owner of the targets must let them finish first. */
	assert(!n->sessions && "all tasks must have drained");
	while (n->targets) {
		struct iscsi_node_target *next = n->targets->next;
		free(n->targets->alias);
		free(n->targets);
		n->targets = next;
	}
	while (n->portals && !n->shares_portals) {
		struct iscsi_portal *next = n->portals->next;
		free(n->portals);
		n->portals = next;
	}
	spare_clear(&n->spare_tasks);
	spare_clear(&n->spare_outs);
	free(n->input);
	iscsi_purse_leave(&n->purse);
	if (n->is_alone) {
		iscsi_registry_free(&n->registry);
		iscsi_budget_free(&n->budget);
	}
	iscsi_observer_free(&n->observer);
	iscsi_faults_free(n);
	free(n);
	*node = NULL;
}

int iscsi_node_add_target(struct iscsi_node *node, struct scsi_target *target, const char *alias)
{
	if (iscsi_node_find_target(node, scsi_target_name(target)))
		return -EEXIST;
	struct iscsi_node_target *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->target = target;
	if (alias) {
		entry->alias = strdup(alias);
		if (!entry->alias) {
			free(entry);
			return -ENOMEM;
		}
	}
	LL_APPEND(node->targets, entry);
	return 0;
}

struct iscsi_portal *iscsi_node_add_portal(struct iscsi_node *node, const char *address,
					   bool wildcard, uint16_t portal_group_tag)
{
	struct iscsi_portal *portal = calloc(1, sizeof(*portal));

	if (!portal)
		return NULL;
	snprintf(portal->address, sizeof(portal->address), "%s", address);
	portal->wildcard = wildcard;
	portal->portal_group_tag = portal_group_tag;
	LL_APPEND(node->portals, portal);
	return portal;
}

void iscsi_node_share_portals(struct iscsi_node *node, const struct iscsi_node *other)
{
	assert(!node->portals);
	node->portals = other->portals;
	node->shares_portals = true;
}

struct scsi_target *iscsi_node_find_target(const struct iscsi_node *node, const char *name)
{
	for (struct iscsi_node_target *t = node->targets; t; t = t->next)
		if (strcmp(scsi_target_name(t->target), name) == 0)
			return t->target;
	return NULL;
}

const struct iscsi_node_target *iscsi_node_entry(const struct iscsi_node *node,
						 const struct scsi_target *target)
{
	const struct iscsi_node_target *entry = node->targets;

	while (entry && entry->target != target)
		entry = entry->next;
	return entry;
}

void iscsi_node_set_access(struct iscsi_node *node, const struct scsi_target *target,
			   const struct iscsi_access_target *access)
{
	for (struct iscsi_node_target *t = node->targets; t; t = t->next)
		if (t->target == target)
			t->access = access;
}

bool iscsi_node_may_see(const struct iscsi_node *node, const struct scsi_target *target,
			const char *initiator)
{
	const struct iscsi_node_target *entry = iscsi_node_entry(node, target);

	return entry && iscsi_access_admits(entry->access, initiator);
}

bool iscsi_node_has_user(const struct iscsi_node *node, const char *initiator, const char *user)
{
	for (const struct iscsi_node_target *t = node->targets; t; t = t->next) {
		const char *wanted = iscsi_access_user(t->access, initiator);
		if (wanted && iscsi_access_admits(t->access, initiator) &&
		    strcmp(wanted, user) == 0)
			return true;
	}
	return false;
}

uint16_t iscsi_node_target_status(const struct iscsi_node *node, const struct iscsi_portal *portal,
				  const char *target_name)
{
	if (node->stopping)
		return ISCSI_LOGIN_SERVICE_UNAVAILABLE;
	struct scsi_target *target = iscsi_node_find_target(node, target_name);
	if (!target || !scsi_target_has_port(target, portal->portal_group_tag))
		return ISCSI_LOGIN_NOT_FOUND;
	return ISCSI_LOGIN_SUCCESS;
}

uint32_t iscsi_node_random_u32(struct iscsi_node *node)
{
	uint32_t value = 0;

	node->config.random(node->config.random_context, &value, sizeof(value));
	return value;
}

/* --- log -------------------------------------------------------------------------------------- */

void iscsi_node_log(const struct iscsi_node *node, enum iscsi_log_level level, const char *format,
		    ...)
{
	char line[ISCSI_LOG_LINE_MAX];
	va_list arguments;

	if (!node->config.log)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	node->config.log(node->config.log_context, (int)level, line);
}

const char *iscsi_log_escape(char *out, size_t out_size, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	size_t at = 0;

	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;
		bool plain = c > 0x20 && c < 0x7f && c != '\\';
		if (at + (plain ? 1 : 4) >= out_size)
			break;
		if (plain) {
			out[at++] = (char)c;
			continue;
		}
		out[at++] = '\\';
		out[at++] = 'x';
		out[at++] = digits[c >> 4];
		out[at++] = digits[c & 0xf];
	}
	out[at] = '\0';
	return out;
}

/* --- status ----------------------------------------------------------------------------------- */

struct iscsi_node_counters iscsi_node_counters(const struct iscsi_node *node)
{
	return node->counters;
}

static struct iscsi_session_info session_info(const struct iscsi_session *session)
{
	return (struct iscsi_session_info){
		.nexus = &session->id,
		.target_name = session->target ? scsi_target_name(session->target) : NULL,
		.initiator_alias = session->initiator_alias,
		.user = session->user,
		.discovery = session->type == ISCSI_SESSION_DISCOVERY,
		.tsih = session->tsih,
		.portal_group_tag = session->portal->portal_group_tag,
		.peer = session->conns ? session->conns->peer : "",
		.connections = session->conn_count,
		.since_ms = session->since_ms,
		.commands = session->commands,
		.bytes_in = session->bytes_in,
		.bytes_out = session->bytes_out,
		.tasks = session->task_count,
		.params = &session->params,
	};
}

void iscsi_node_each_session(const struct iscsi_node *node,
			     void (*each)(void *context, const struct iscsi_session_info *info),
			     void *context)
{
	for (const struct iscsi_session *s = node->sessions; s; s = s->next) {
		if (s->state == ISCSI_SESSION_ENDED)
			continue;
		struct iscsi_session_info info = session_info(s);
		each(context, &info);
	}
}

void iscsi_node_count_login_failure(struct iscsi_node *node)
{
	node->counters.login_failures++;
}

bool iscsi_node_is_idle(const struct iscsi_node *node)
{
	return !node->sessions;
}

/* --- clean stop ------------------------------------------------------------------------------- */

void iscsi_node_shutdown(struct iscsi_node *node)
{
	if (node->stopping)
		return;
	node->stopping = true;
	/* Hosts only take a note when they are woken, so the list stays as it is meanwhile. */
	for (struct iscsi_conn *c = node->conns; c; c = c->next)
		iscsi_async_shutdown(c);
	iscsi_lost_shutdown(node);
}
