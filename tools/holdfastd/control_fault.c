/*
 * `fault-add`, `fault-list`, `fault-clear`, `fault-release`: rules that make the target misbehave.
 */
#include "tools/holdfastd/control_commands.h"

#include <errno.h>

#include "config/suggest.h"
#include "tools/holdfastd/loops.h"
#include "tools/holdfastd/serve_faults.h"
#include "transport/fault.h"

/* ---- on every loop --------------------------------------------------------------------------- */

struct share {
	const struct iscsi_node *home;
	bool failed;
};

static void share_with(const struct loop_part *part, void *context)
{
	struct share *share = context;

	if (part->node != share->home && iscsi_node_fault_share(part->node, share->home) != 0)
		share->failed = true;
}

/* What is done to one rule, or to all (NULL), and how often it was. */
struct work {
	const char *id;
	unsigned count, most;
};

static void clear_one(const struct loop_part *part, void *context)
{
	struct work *work = context;
	unsigned count = iscsi_node_fault_clear(part->node, work->id);

	if (count > work->most)
		work->most = count;
}

static void release_one(const struct loop_part *part, void *context)
{
	struct work *work = context;

	work->count += iscsi_node_fault_release(part->node, work->id);
}

/* Every loop has the same rules. */
static unsigned clear_everywhere(struct service *service, const char *id)
{
	struct work work = {.id = id};

	loops_each(service, clear_one, &work);
	serve_faults_keep_all(service);
	return work.most;
}

static unsigned release_everywhere(struct service *service, const char *id)
{
	struct work work = {.id = id};

	loops_each(service, release_one, &work);
	return work.count;
}

/* ---- the commands ---------------------------------------------------------------------------- */

void control_fault_add(struct service *service, const json_t *request, struct control_reply *reply)
{
	const char *text = json_string_value(json_object_get(request, "rule"));
	char id[ISCSI_FAULT_ID_MAX], error[ISCSI_FAULT_ERROR_MAX];

	if (!text) {
		control_reply_error(reply, "`rule` must be the text of a rule");
		return;
	}
	if (iscsi_node_fault_add(service->node, text, config_consider, id, error) != 0) {
		control_reply_error(reply, "%s", error);
		return;
	}
	serve_faults_keep_all(service);
	loops_recall(service);
	struct share share = {.home = service->node};
	loops_each(service, share_with, &share);
	if (share.failed) {
		clear_everywhere(service, id);
		control_reply_error(reply, "out of memory");
		return;
	}
	control_reply_object(reply, json_pack("{s:b,s:s}", "ok", 1, "id", id));
}

static json_t *place_object(const struct iscsi_fault_place *place)
{
	return json_pack("{s:s,s:b,s:b,s:I,s:I,s:I,s:I}", "peer", place->peer, "is_pdu",
			 place->is_pdu, "is_sent", place->is_sent, "pdu", (json_int_t)place->pdu,
			 "itt", (json_int_t)place->itt, "sent", (json_int_t)place->sent, "received",
			 (json_int_t)place->received);
}

static void add_rule(void *context, const struct iscsi_fault_info *info)
{
	json_t *object = json_object();

	json_object_set_new(object, "id", json_string(info->id));
	json_object_set_new(object, "rule", control_text(info->text));
	json_object_set_new(object, "seed", control_key(info->seed));
	json_object_set_new(object, "matches", json_integer((json_int_t)info->matches));
	json_object_set_new(object, "firings", json_integer((json_int_t)info->firings));
	if (info->first)
		json_object_set_new(object, "first", place_object(info->first));
	if (info->last)
		json_object_set_new(object, "last", place_object(info->last));
	json_object_set_new(object, "held", json_integer((json_int_t)info->held));
	json_array_append_new(context, object);
}

struct held {
	const struct iscsi_node *home;
	json_t *rules;
};

static void add_held_of_rule(void *context, const struct iscsi_fault_info *info)
{
	const json_t *rules = context;
	json_t *object;
	size_t i;

	json_array_foreach(rules, i, object)
	{
		json_t *held = json_object_get(object, "held");

		if (strcmp(json_string_value(json_object_get(object, "id")), info->id) == 0)
			json_integer_set(held, json_integer_value(held) + (json_int_t)info->held);
	}
}

/* What other loops than the home hold. */
static void add_held(const struct loop_part *part, void *context)
{
	const struct held *held = context;

	if (part->node != held->home)
		iscsi_node_each_fault(part->node, add_held_of_rule, held->rules);
}

void control_fault_list(struct service *service, const json_t *request, struct control_reply *reply)
{
	json_t *rules = json_array();
	(void)request;

	iscsi_node_each_fault(service->node, add_rule, rules);
	loops_each(service, add_held, &(struct held){service->node, rules});
	control_reply_object(reply, json_pack("{s:b,s:o}", "ok", 1, "rules", rules));
}

struct search {
	const char *id;
	bool found;
};

static void look(void *context, const struct iscsi_fault_info *info)
{
	struct search *search = context;

	search->found |= strcmp(info->id, search->id) == 0;
}

/* The rule that is meant, or NULL for all of them; false: there is none of that name. */
static bool read_id(const struct service *service, const json_t *request,
		    struct control_reply *reply, const char **ret_id)
{
	const json_t *value = json_object_get(request, "id");
	struct search search = {.id = json_string_value(value)};

	*ret_id = search.id;
	if (!value)
		return true;
	if (!search.id) {
		control_reply_error(reply, "`id` must be text");
		return false;
	}
	iscsi_node_each_fault(service->node, look, &search);
	if (!search.found)
		control_reply_error(reply, "there is no rule `%.*s`", ISCSI_FAULT_ID_MAX,
				    search.id);
	return search.found;
}

void control_fault_clear(struct service *service, const json_t *request,
			 struct control_reply *reply)
{
	const char *id;

	if (read_id(service, request, reply, &id))
		control_reply_object(reply, json_pack("{s:b,s:i}", "ok", 1, "cleared",
						      (int)clear_everywhere(service, id)));
}

void control_fault_release(struct service *service, const json_t *request,
			   struct control_reply *reply)
{
	const char *id;

	if (read_id(service, request, reply, &id))
		control_reply_object(reply, json_pack("{s:b,s:i}", "ok", 1, "released",
						      (int)release_everywhere(service, id)));
}
