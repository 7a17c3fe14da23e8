/*
 * The line on standard output that says where the daemon is to be found.
 */
#include <jansson.h>

#include "tools/common/escape.h"
#include "tools/holdfastd/control.h"
#include "tools/holdfastd/service_internal.h"

static json_t *lun_numbers(const struct service *service, uint32_t target_index)
{
	const struct config_target *target = &service->config->targets[target_index];
	json_t *numbers = json_array();

	for (uint32_t i = 0; i < target->lun_count; i++) {
		uint16_t number = target->luns[i].number;
		if (scsi_target_lun(service->targets[target_index], number))
			json_array_append_new(numbers, json_integer(number));
	}
	return numbers;
}

static json_t *portal_addresses(const struct service *service)
{
	json_t *addresses = json_array();

	for (uint32_t i = 0; i < service->config->portal_count; i++)
		json_array_append_new(addresses, json_string(service->portals[i].address));
	return addresses;
}

/* JSON is UTF-8, paths are bytes. */
static json_t *path_string(const char *path)
{
	char escaped[4 * STATE_FILE_MAX];

	escape_text(path, escaped, sizeof(escaped));
	return json_string(escaped);
}

/* Several targets: `target` and `luns` are the first one's, `targets` has them all. */
static json_t *ready_object(const struct service *service)
{
	const struct config *config = service->config;
	json_t *ready = json_pack("{s:b,s:i,s:s,s:o,s:o}", "ready", 1, "pid", (int)getpid(),
				  "target", config->targets[0].name, "portals",
				  portal_addresses(service), "luns", lun_numbers(service, 0));

	if (ready && config->target_count > 1) {
		json_t *targets = json_array();
		for (uint32_t i = 0; i < config->target_count; i++)
			json_array_append_new(targets, json_pack("{s:s,s:o}", "name",
								 config->targets[i].name, "luns",
								 lun_numbers(service, i)));
		json_object_set_new(ready, "targets", targets);
	}
	json_object_set_new(ready, "control", path_string(control_path(service->control)));
	json_object_set_new(ready, "state_dir", path_string(service->state.path));
	return ready;
}

bool service_say_ready(const struct service *service)
{
	json_t *ready = ready_object(service);
	char *text = ready ? json_dumps(ready, JSON_COMPACT) : NULL;

	if (text) {
		/* Whoever closed standard output does not want to know. */
		printf("%s\n", text);
		fflush(stdout);
	}
	free(text);
	json_decref(ready);
	return text != NULL;
}
