#include "target/access_state.h"

#include <string.h>

struct access_state_row {
	enum scsi_access_state state;
	const char *name;
	enum scsi_sense refusal; /* of commands without `flag`; NONE: all commands run */
	unsigned flag;
};

static const struct access_state_row access_states[] = {
	{SCSI_ACCESS_ACTIVE_OPTIMIZED, "active/optimized", SCSI_SENSE_NONE, 0},
	{SCSI_ACCESS_ACTIVE_NON_OPTIMIZED, "active/non-optimized", SCSI_SENSE_NONE, 0},
	{SCSI_ACCESS_STANDBY, "standby", SCSI_SENSE_TARGET_PORT_STANDBY, SCSI_COMMAND_IN_STANDBY},
	{SCSI_ACCESS_UNAVAILABLE, "unavailable", SCSI_SENSE_TARGET_PORT_UNAVAILABLE,
	 SCSI_COMMAND_IN_UNAVAILABLE},
	{SCSI_ACCESS_TRANSITIONING, "transitioning", SCSI_SENSE_ACCESS_STATE_TRANSITION,
	 SCSI_COMMAND_IN_TRANSITION},
};

#define ACCESS_STATE_COUNT (sizeof(access_states) / sizeof(access_states[0]))

static const struct access_state_row *row_of(enum scsi_access_state state)
{
	for (size_t i = 0; i < ACCESS_STATE_COUNT; i++) {
		if (access_states[i].state == state)
			return &access_states[i];
	}
	return NULL;
}

const char *scsi_access_state_name(enum scsi_access_state state)
{
	const struct access_state_row *row = row_of(state);

	return row ? row->name : NULL;
}

bool scsi_access_state_parse(const char *name, enum scsi_access_state *ret_state)
{
	for (size_t i = 0; i < ACCESS_STATE_COUNT; i++) {
		if (strcmp(access_states[i].name, name) == 0) {
			*ret_state = access_states[i].state;
			return true;
		}
	}
	return false;
}

bool scsi_access_group_find(const struct scsi_target *target, uint16_t group, uint32_t *ret_index)
{
	for (uint32_t i = 0; i < target->config.port_count; i++) {
		if (target->config.ports[i] == group) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

uint16_t scsi_lun_port_group(const struct scsi_lun *lun, uint32_t index)
{
	const struct scsi_target_config *config = &lun->target->config;

	return index < config->port_count ? config->ports[index] : 0;
}

bool scsi_lun_access_state(const struct scsi_lun *lun, uint16_t group,
			   enum scsi_access_state *ret_state)
{
	uint32_t index;

	if (!scsi_access_group_find(lun->target, group, &index))
		return false;
	*ret_state = lun->access[index].state;
	return true;
}

bool scsi_lun_set_access_state(struct scsi_lun *lun, uint16_t group, enum scsi_access_state state)
{
	uint32_t index;

	if (!scsi_access_group_find(lun->target, group, &index) || !row_of(state))
		return false;
	if (lun->access[index].state == state)
		return true;
	lun->access[index] = (struct scsi_access_group){.state = state,
							.status_code = SCSI_ACCESS_STATUS_IMPLICIT};
	scsi_lun_raise(lun, SCSI_UA_ACCESS_STATE_CHANGED, NULL);
	return true;
}

enum scsi_sense scsi_access_state_check(const struct scsi_lun *lun, const struct scsi_nexus *nexus,
					const struct scsi_command *row)
{
	enum scsi_access_state state = SCSI_ACCESS_ACTIVE_OPTIMIZED;

	scsi_lun_access_state(lun, nexus->id.relative_target_port_id, &state);
	if (state == SCSI_ACCESS_ACTIVE_OPTIMIZED)
		return SCSI_SENSE_NONE;
	const struct access_state_row *access = row_of(state);
	return row->flags & access->flag ? SCSI_SENSE_NONE : access->refusal;
}
