/*
 * `fault-add`, `fault-list`, `fault-clear`, `fault-release`: rules that make the target misbehave.
 */
#include "tools/holdfastd/control_commands.h"

#include <errno.h>

#include "config/suggest.h"
#include "transport/fault.h"

void control_fault_add(struct service *service, const json_t *request, struct control_reply *reply)
{
	const char *text = json_string_value(json_object_get(request, "rule"));
	char id[ISCSI_FAULT_ID_MAX], error[ISCSI_FAULT_ERROR_MAX];

	if (!text) {
		control_reply_error(reply, "`rule` must be the text of a rule");
		return;
	}
	/* A rule counts in order what comes, and several loops have no common order. */
	if (service->config->threads > 1) {
		control_reply_error(reply, "fault rules need one event loop: --threads 1");
		return;
	}
	if (iscsi_node_fault_add(service->node, text, config_consider, id, error) != 0) {
		control_reply_error(reply, "%s", error);
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

void control_fault_list(struct service *service, const json_t *request, struct control_reply *reply)
{
	json_t *rules = json_array();
	(void)request;

	iscsi_node_each_fault(service->node, add_rule, rules);
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
		control_reply_object(reply,
				     json_pack("{s:b,s:i}", "ok", 1, "cleared",
					       (int)iscsi_node_fault_clear(service->node, id)));
}

void control_fault_release(struct service *service, const json_t *request,
			   struct control_reply *reply)
{
	const char *id;

	if (read_id(service, request, reply, &id))
		control_reply_object(reply,
				     json_pack("{s:b,s:i}", "ok", 1, "released",
					       (int)iscsi_node_fault_release(service->node, id)));
}
