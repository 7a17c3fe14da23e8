#include "tools/holdfastd/control_commands.h"

#include <inttypes.h>

#include "tools/common/escape.h"

#define REQUEST_HINT "write one JSON object, such as {\"command\":\"status\"}"
#define SHOWN_MAX    64 /* characters of a wrong value that are repeated */

#define MEMBERS_MAX 12

struct control_command {
	const char *name;
	void (*run)(struct service *service, const json_t *request, struct control_reply *reply);
	const char *members[MEMBERS_MAX + 1]; /* what the request may have besides `command` */
};

static const struct control_command commands[] = {
	{"status", control_status, {NULL}},
	{"sessions", control_sessions, {"target", NULL}},
	{"pr", control_pr, {"lun", "target", NULL}},
	{"lun-add", control_lun_add, {"lun", "target", "settings"}},
	{"lun-remove", control_lun_remove, {"lun", "target", NULL}},
	{"lun-resize", control_lun_resize, {"lun", "target", "size"}},
	{"observe-on", control_observe_on, {"target", NULL}},
	{"observe-off", control_observe_off, {"target", NULL}},
	{"observe-show", control_observe_show, {NULL}},
	{"observe-clear", control_observe_clear, {NULL}},
	{"fault-add", control_fault_add, {"rule", NULL}},
	{"fault-list", control_fault_list, {NULL}},
	{"fault-clear", control_fault_clear, {"id", NULL}},
	{"fault-release", control_fault_release, {"id", NULL}},
	{"clock", control_clock, {NULL}},
	{"clock-freeze", control_clock_freeze, {NULL}},
	{"clock-step", control_clock_step, {"ms", NULL}},
	{"clock-resume", control_clock_resume, {NULL}},
	{"alua", control_alua, {"lun", "target", NULL}},
	{"alua-set", control_alua_set, {"lun", "target", "group", "state", NULL}},
	{"capture", control_capture, {"initiator", "target", "snap", NULL}},
	{"explain", control_explain, {"target", "lun", "initiator", "isid", NULL}},
	{"trace",
	 control_trace,
	 {"follow", "last", "initiator", "target", "lun", "name", "status", "kind", "pdus", NULL}},
	{"async",
	 control_async,
	 {"tsih", "event", "cid", "seconds", "lun", "sense", "code", "parameters", NULL}},
};

json_t *control_key(uint64_t key)
{
	char text[20];

	snprintf(text, sizeof(text), "0x%016" PRIx64, key);
	return json_string(text);
}

json_t *control_text(const char *text)
{
	char escaped[4 * STATE_FILE_MAX];

	escape_text(text, escaped, sizeof(escaped));
	return json_string(escaped);
}

void control_set_nexus(json_t *object, const struct pr_nexus_id *nexus)
{
	char isid[16];

	snprintf(isid, sizeof(isid), "0x%02x%02x%02x%02x%02x%02x", nexus->isid[0], nexus->isid[1],
		 nexus->isid[2], nexus->isid[3], nexus->isid[4], nexus->isid[5]);
	json_object_set_new(object, "initiator", control_text(nexus->initiator_name));
	json_object_set_new(object, "isid", json_string(isid));
	json_object_set_new(object, "port", json_integer(nexus->relative_target_port_id));
}

uint32_t control_find_target(const struct service *service, const json_t *request,
			     struct control_reply *reply)
{
	const json_t *wanted = json_object_get(request, "target");
	const struct config *config = service->config;

	if (!wanted && config->target_count == 1)
		return 0;
	if (!wanted) {
		control_reply_error(reply,
				    "there are %u targets: name one with `target`, such as %s",
				    config->target_count, config->targets[0].name);
		return UINT32_MAX;
	}
	const char *name = json_string_value(wanted);
	if (!name) {
		control_reply_error(reply, "`target` must be text");
		return UINT32_MAX;
	}
	for (uint32_t i = 0; i < config->target_count; i++) {
		if (strcasecmp(config->targets[i].name, name) == 0)
			return i;
	}
	control_reply_error(reply, "there is no target `%.*s`", PR_INITIATOR_NAME_MAX, name);
	return UINT32_MAX;
}

struct scsi_lun *control_find_lun(const struct service *service, const json_t *request,
				  struct control_reply *reply)
{
	const json_t *number = json_object_get(request, "lun");
	uint32_t index = control_find_target(service, request, reply);

	if (index == UINT32_MAX)
		return NULL;
	json_int_t wanted = json_integer_value(number);
	if (!json_is_integer(number) || wanted < 0 || wanted > SCSI_LUN_MAX) {
		control_reply_error(reply, "`lun` must be a number, 0 to %d", SCSI_LUN_MAX);
		return NULL;
	}
	struct scsi_lun *lun = scsi_target_lun(service->targets[index], (uint16_t)wanted);
	if (!lun)
		control_reply_error(reply, "target %s has no LUN %d online",
				    service->config->targets[index].name, (int)wanted);
	return lun;
}

/* A member that is not known is a misunderstanding: better told than ignored. */
static bool members_known(const struct control_command *command, json_t *request,
			  struct control_reply *reply)
{
	const char *name;
	json_t *value;

	json_object_foreach(request, name, value)
	{
		bool known = strcmp(name, "command") == 0;
		for (size_t i = 0; command->members[i] && !known; i++)
			known = strcmp(name, command->members[i]) == 0;
		if (known)
			continue;
		control_reply_error(reply, "`%.*s` does not go with command `%s`", SHOWN_MAX, name,
				    command->name);
		return false;
	}
	return true;
}

static void unknown_command(const char *name, struct control_reply *reply)
{
	char known[512] = "";
	size_t at = 0;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		int n = snprintf(known + at, sizeof(known) - at, "%s%s", i > 0 ? ", " : "",
				 commands[i].name);
		if (n > 0 && (size_t)n < sizeof(known) - at)
			at += (size_t)n;
	}
	control_reply_error(reply, "unknown command `%.*s` (known: %s)", SHOWN_MAX, name, known);
}

static void run_request(struct service *service, json_t *request, struct control_reply *reply)
{
	const char *name = json_string_value(json_object_get(request, "command"));

	if (!name) {
		control_reply_error(reply, "no `command`: " REQUEST_HINT);
		return;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (members_known(&commands[i], request, reply))
			commands[i].run(service, request, reply);
		return;
	}
	unknown_command(name, reply);
}

void control_command_run(struct service *service, const char *line, size_t len,
			 struct control_reply *reply)
{
	json_error_t error;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);

	if (!request)
		control_reply_error(reply, "not JSON (%s, column %d): " REQUEST_HINT, error.text,
				    error.column);
	else if (!json_is_object(request))
		control_reply_error(reply, "not an object: " REQUEST_HINT);
	else
		run_request(service, request, reply);
	json_decref(request);
}
