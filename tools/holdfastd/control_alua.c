/*
 * `alua` and `alua-set`: asymmetric access states of one LUN, shown and changed implicitly.
 */
#include "tools/holdfastd/control_commands.h"
#include "tools/holdfastd/loops.h"

static void alua_reply(const struct scsi_lun *lun, struct control_reply *reply)
{
	json_t *groups = json_array();

	for (uint32_t i = 0; scsi_lun_port_group(lun, i) != 0; i++) {
		uint16_t group = scsi_lun_port_group(lun, i);
		enum scsi_access_state state;

		if (scsi_lun_access_state(lun, group, &state))
			json_array_append_new(groups,
					      json_pack("{s:i,s:s}", "group", (int)group, "state",
							scsi_access_state_name(state)));
	}
	control_reply_object(reply, json_pack("{s:b,s:s,s:i,s:o}", "ok", 1, "target",
					      scsi_lun_target_name(lun), "lun",
					      (int)scsi_lun_number(lun), "groups", groups));
}

void control_alua(struct service *service, const json_t *request, struct control_reply *reply)
{
	const struct scsi_lun *lun = control_find_lun(service, request, reply);

	if (lun)
		alua_reply(lun, reply);
}

void control_alua_set(struct service *service, const json_t *request, struct control_reply *reply)
{
	const json_t *group = json_object_get(request, "group");
	const char *name = json_string_value(json_object_get(request, "state"));
	json_int_t wanted = json_integer_value(group);
	enum scsi_access_state state;
	struct scsi_lun *lun = control_find_lun(service, request, reply);

	if (!lun)
		return;
	loops_recall(service);
	if (!name || !scsi_access_state_parse(name, &state))
		control_reply_error(reply, "`state` must be one of active/optimized, "
					   "active/non-optimized, standby, unavailable, "
					   "transitioning");
	else if (!json_is_integer(group) || wanted < 1 || wanted > UINT16_MAX ||
		 !scsi_lun_set_access_state(lun, (uint16_t)wanted, state))
		control_reply_error(reply, "`group` must be a portal group of target %s",
				    scsi_lun_target_name(lun));
	else
		alua_reply(lun, reply);
}
