#include "tools/holdfastd/serve_faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/suggest.h"

static void tell(const struct config_fault *fault, const char *why, config_report report,
		 void *context)
{
	char text[ISCSI_FAULT_ERROR_MAX + 64];

	snprintf(text, sizeof(text), "fault rule in line %u: %s", fault->line, why);
	report(context, text);
}

/* The rule before it that has its id; they are few. */
static const struct config_fault *same_id(const struct config *config,
					  char (*ids)[ISCSI_FAULT_ID_MAX], uint32_t index)
{
	for (uint32_t i = 0; ids[index][0] != '\0' && i < index; i++)
		if (strcmp(ids[i], ids[index]) == 0)
			return &config->faults[i];
	return NULL;
}

static bool is_sound(const struct config *config, uint32_t index, char (*ids)[ISCSI_FAULT_ID_MAX],
		     config_report report, void *context)
{
	const struct config_fault *fault = &config->faults[index];
	char error[ISCSI_FAULT_ERROR_MAX];

	if (!iscsi_fault_check(fault->rule, config_consider, ids[index], error)) {
		tell(fault, error, report, context);
		return false;
	}
	const struct config_fault *other = same_id(config, ids, index);
	if (!other)
		return true;
	snprintf(error, sizeof(error), "its id `%s` is that of the rule in line %u", ids[index],
		 other->line);
	tell(fault, error, report, context);
	return false;
}

bool serve_faults_are_sound(const struct config *config, config_report report, void *context)
{
	char(*ids)[ISCSI_FAULT_ID_MAX] = calloc(config->fault_count + 1, ISCSI_FAULT_ID_MAX);
	bool sound = true;

	if (!ids) {
		report(context, "no memory");
		return false;
	}
	for (uint32_t i = 0; i < config->fault_count; i++)
		sound &= is_sound(config, i, ids, report, context);
	free(ids);
	return sound;
}

int serve_faults_add(struct iscsi_node *node, const struct config *config,
		     char ret_error[ISCSI_FAULT_ERROR_MAX])
{
	char id[ISCSI_FAULT_ID_MAX];
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < config->fault_count; i++)
		error = iscsi_node_fault_add(node, config->faults[i].rule, config_consider, id,
					     ret_error);
	return error;
}

static void note_rule(void *context, const struct iscsi_fault_info *info)
{
	bool *any = context;
	(void)info;

	*any = true;
}

void serve_faults_keep_all(const struct service *service)
{
	bool any = false;

	iscsi_node_each_fault(service->node, note_rule, &any);
	for (uint32_t i = 0; i < service->config->target_count; i++)
		scsi_target_keep_all(service->targets[i], any);
}
