/*
 * The fault rules of a node.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "transport/fault_internal.h"

static struct iscsi_faults *faults_of(struct iscsi_node *node)
{
	if (!node->faults)
		node->faults = calloc(1, sizeof(*node->faults));
	return node->faults;
}

static struct fault_rule *find(const struct iscsi_faults *faults, const char *id)
{
	struct fault_rule *rule;

	DL_FOREACH(faults->rules, rule)
	{
		if (strcmp(rule->id, id) == 0)
			return rule;
	}
	return NULL;
}

/* --- adding ----------------------------------------------------------------------------------- */

/* Every connection gets its state with the first rule. False: no memory. */
static bool states_make(struct iscsi_node *node)
{
	struct iscsi_conn *conn;

	DL_FOREACH(node->conns, conn)
	{
		if (!conn->fault)
			conn->fault = calloc(1, sizeof(*conn->fault));
		if (!conn->fault)
			return false;
	}
	return true;
}

/* Connections that keep something keep it until that is over. */
static void states_drop(struct iscsi_node *node)
{
	struct iscsi_conn *conn;

	DL_FOREACH(node->conns, conn)
	{
		if (conn->fault && fault_state_is_idle(conn))
			fault_state_free(conn);
	}
}

static void name_rule(struct iscsi_faults *faults, struct fault_rule *rule)
{
	while (rule->id[0] == '\0' || find(faults, rule->id))
		snprintf(rule->id, sizeof(rule->id), "%llu", (unsigned long long)++faults->next_id);
}

static int refuse(struct fault_rule **rule, char *ret_error, int error)
{
	const char *why = "out of memory";

	if (error == -ENOSPC)
		why = "there are as many rules as can be";
	else if (error == -EEXIST)
		why = "there is a rule with this id already: take it away first";
	snprintf(ret_error, ISCSI_FAULT_ERROR_MAX, "%s", why);
	fault_rule_free(rule);
	return error;
}

int iscsi_node_fault_add(struct iscsi_node *node, const char *text, iscsi_fault_consider consider,
			 char ret_id[ISCSI_FAULT_ID_MAX], char ret_error[ISCSI_FAULT_ERROR_MAX])
{
	struct iscsi_faults *faults = faults_of(node);
	struct fault_rule *rule = fault_rule_parse(text, consider, ret_error);

	if (!rule)
		return -EINVAL;
	if (!faults)
		return refuse(&rule, ret_error, -ENOMEM);
	if (faults->count == ISCSI_FAULT_RULES_MAX)
		return refuse(&rule, ret_error, -ENOSPC);
	if (rule->id[0] != '\0' && find(faults, rule->id))
		return refuse(&rule, ret_error, -EEXIST);
	if (!states_make(node)) {
		if (faults->count == 0)
			states_drop(node);
		return refuse(&rule, ret_error, -ENOMEM);
	}
	name_rule(faults, rule);
	if (!rule->has_seed)
		node->config.random(node->config.random_context, &rule->seed, sizeof(rule->seed));
	DL_APPEND(faults->rules, rule);
	faults->count++;
	snprintf(ret_id, ISCSI_FAULT_ID_MAX, "%s", rule->id);
	return 0;
}

/* --- several nodes ---------------------------------------------------------------------------- */

/* The counters of a rule that was alone become everybody's. */
static bool begin_tally(struct fault_rule *rule)
{
	if (rule->tally)
		return true;
	struct fault_tally *tally = fault_tally_create();
	if (!tally)
		return false;
	fault_tally_enter(tally, rule);
	return true;
}

static bool share_rule(struct iscsi_node *node, struct fault_rule *theirs)
{
	char error[ISCSI_FAULT_ERROR_MAX];

	if (!begin_tally(theirs))
		return false;
	struct fault_rule *rule = fault_rule_parse(theirs->text, NULL, error);
	if (!rule)
		return false;
	snprintf(rule->id, sizeof(rule->id), "%s", theirs->id);
	rule->seed = theirs->seed;
	rule->tally = fault_tally_share(theirs->tally);
	DL_APPEND(node->faults->rules, rule);
	node->faults->count++;
	return true;
}

int iscsi_node_fault_share(struct iscsi_node *node, const struct iscsi_node *other)
{
	struct iscsi_faults *faults = faults_of(node);
	struct fault_rule *rule;

	if (!other->faults || !other->faults->rules)
		return 0;
	if (!faults || !states_make(node))
		return -ENOMEM;
	DL_FOREACH(other->faults->rules, rule)
	{
		if (!find(faults, rule->id) && !share_rule(node, rule))
			return -ENOMEM;
	}
	return 0;
}

/* --- taking away ------------------------------------------------------------------------------ */

static unsigned let_go(struct iscsi_node *node, const struct fault_rule *rule)
{
	struct iscsi_conn *conn;
	unsigned count = 0;

	DL_FOREACH(node->conns, conn)
	{
		if (conn->fault)
			count += fault_state_let_go(conn, rule);
	}
	return count;
}

static void remove_rule(struct iscsi_node *node, struct fault_rule *rule)
{
	struct iscsi_conn *conn;

	DL_FOREACH(node->conns, conn)
	{
		if (conn->fault)
			fault_state_forget_rule(conn, rule);
	}
	DL_DELETE(node->faults->rules, rule);
	node->faults->count--;
	fault_rule_free(&rule);
}

unsigned iscsi_node_fault_clear(struct iscsi_node *node, const char *id)
{
	struct fault_rule *rule, *next;
	unsigned count = 0;

	if (!node->faults)
		return 0;
	DL_FOREACH_SAFE(node->faults->rules, rule, next)
	{
		if (id && strcmp(rule->id, id) != 0)
			continue;
		remove_rule(node, rule);
		count++;
	}
	if (!node->faults->rules)
		states_drop(node);
	return count;
}

unsigned iscsi_node_fault_release(struct iscsi_node *node, const char *id)
{
	struct fault_rule *rule;
	unsigned count = 0;

	if (!node->faults)
		return 0;
	DL_FOREACH(node->faults->rules, rule)
	{
		if (!id || strcmp(rule->id, id) == 0)
			count += let_go(node, rule);
	}
	return count;
}

/* --- telling ---------------------------------------------------------------------------------- */

static uint64_t held_by(const struct iscsi_node *node, const struct fault_rule *rule)
{
	const struct iscsi_conn *conn;
	uint64_t held = 0;

	DL_FOREACH(node->conns, conn)
	{
		if (conn->fault)
			held += fault_state_held(conn, rule);
	}
	return held;
}

void iscsi_node_each_fault(const struct iscsi_node *node,
			   void (*each)(void *context, const struct iscsi_fault_info *info),
			   void *context)
{
	struct fault_rule *rule;

	if (!node->faults)
		return;
	DL_FOREACH(node->faults->rules, rule)
	{
		fault_rule_refresh(rule);
		struct iscsi_fault_info info = {
			.id = rule->id,
			.text = rule->text,
			.seed = rule->seed,
			.matches = rule->total.matches,
			.firings = rule->total.firings,
			.first = rule->total.firings > 0 ? &rule->first : NULL,
			.last = rule->total.firings > 0 ? &rule->last : NULL,
			.held = held_by(node, rule),
		};

		each(context, &info);
	}
}

void iscsi_node_on_fault(struct iscsi_node *node,
			 void (*fired)(void *context, const struct iscsi_fault_event *event),
			 void *context)
{
	struct iscsi_faults *faults = faults_of(node);

	if (!faults)
		return;
	faults->fired = fired;
	faults->fired_context = context;
}

void iscsi_faults_free(struct iscsi_node *node)
{
	iscsi_node_fault_clear(node, NULL);
	free(node->faults);
	node->faults = NULL;
}
