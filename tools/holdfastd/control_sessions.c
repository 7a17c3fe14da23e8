/*
 * `sessions`: who is logged in.
 */
#include "tools/holdfastd/control_commands.h"
#include "tools/holdfastd/loops.h"

struct sessions_work {
	const char *target_name; /* NULL: all */
	struct control_reply *reply;
	bool is_first;
};

static json_t *params_object(const struct iscsi_params *params)
{
	return json_pack("{s:b,s:b,s:i,s:i,s:i,s:i,s:i,s:b,s:b}", "initial_r2t",
			 params->initial_r2t, "immediate_data", params->immediate_data,
			 "max_burst_len", (int)params->max_burst_len, "first_burst_len",
			 (int)params->first_burst_len, "max_outstanding_r2t",
			 (int)params->max_outstanding_r2t, "max_recv_data_segment_len",
			 (int)params->max_recv_data_segment_len, "max_send_data_segment_len",
			 (int)params->max_send_data_segment_len, "header_digest",
			 params->header_digest, "data_digest", params->data_digest);
}

static json_t *session_object(const struct iscsi_session_info *info)
{
	json_t *object = json_object();

	if (!object)
		return NULL;
	control_set_nexus(object, info->nexus);
	json_object_set_new(object, "target",
			    info->target_name ? control_text(info->target_name) : json_null());
	json_object_set_new(object, "alias", control_text(info->initiator_alias));
	json_object_set_new(object, "user",
			    info->user[0] != '\0' ? control_text(info->user) : json_null());
	json_object_set_new(object, "discovery", json_boolean(info->discovery));
	json_object_set_new(object, "tsih", json_integer(info->tsih));
	json_object_set_new(object, "portal_group", json_integer(info->portal_group_tag));
	json_object_set_new(object, "peer", control_text(info->peer ? info->peer : ""));
	json_object_set_new(object, "connections", json_integer(info->connections));
	json_object_set_new(object, "since_ms", json_integer((json_int_t)info->since_ms));
	json_object_set_new(object, "commands", json_integer((json_int_t)info->commands));
	json_object_set_new(object, "bytes_read", json_integer((json_int_t)info->bytes_in));
	json_object_set_new(object, "bytes_written", json_integer((json_int_t)info->bytes_out));
	json_object_set_new(object, "tasks", json_integer(info->tasks));
	json_object_set_new(object, "params", params_object(info->params));
	return object;
}

static void add_session(void *context, const struct iscsi_session_info *info)
{
	struct sessions_work *work = context;

	if (work->target_name &&
	    (!info->target_name || strcmp(info->target_name, work->target_name) != 0))
		return;
	control_reply_element(work->reply, work->is_first, session_object(info));
	work->is_first = false;
}

static void add_sessions(const struct loop_part *part, void *context)
{
	iscsi_node_each_session(part->node, add_session, context);
}

void control_sessions(struct service *service, const json_t *request, struct control_reply *reply)
{
	struct sessions_work work = {.reply = reply, .is_first = true};

	if (json_object_get(request, "target")) {
		uint32_t index = control_find_target(service, request, reply);
		if (index == UINT32_MAX)
			return;
		work.target_name = service->config->targets[index].name;
	}
	control_reply_begin_array(reply, json_pack("{s:b}", "ok", 1), "sessions");
	loops_each(service, add_sessions, &work);
	control_reply_append(reply, "]}\n", 3);
}
