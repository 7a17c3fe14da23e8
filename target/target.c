/*
 * Targets: their ports and their LUN table.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/lease.h"
#include "target/pr_commit.h"

static bool target_config_is_valid(const struct scsi_target_config *config)
{
	if (!config->name || config->name[0] == '\0' ||
	    strlen(config->name) > PR_INITIATOR_NAME_MAX)
		return false;
	if (!config->executor || !config->clock)
		return false;
	if (config->port_count < 1 || config->port_count > SCSI_PORTS_MAX)
		return false;
	for (uint32_t i = 0; i < config->port_count; i++) {
		if (config->ports[i] == 0)
			return false;
		for (uint32_t j = 0; j < i; j++)
			if (config->ports[j] == config->ports[i])
				return false;
	}
	return true;
}

struct scsi_target *scsi_target_create(const struct scsi_target_config *config)
{
	if (!target_config_is_valid(config)) {
		errno = EINVAL;
		return NULL;
	}
	struct scsi_target *target = calloc(1, sizeof(*target));
	if (!target)
		return NULL;
	memcpy(target->name, config->name, strlen(config->name) + 1);
	target->config = *config;
	target->config.name = target->name;
	scsi_command_index_fill(&target->commands);
	return target;
}

static bool target_is_busy(const struct scsi_target *target)
{
	if (target->nexuses || target->leaving)
		return true;
	for (unsigned i = 0; i <= SCSI_LUN_MAX; i++)
		if (target->luns[i] && !scsi_lun_is_idle(target->luns[i]))
			return true;
	return false;
}

/* Closed nexuses go when their last command has ended; the jobs they wait for end by themselves. */
static void target_wait(struct scsi_target *target)
{
	struct scsi_executor *executor = target->config.executor;

	while (target_is_busy(target)) {
		struct pollfd fd = {.fd = scsi_executor_fd(executor), .events = POLLIN};

		if (!scsi_executor_reap(executor))
			poll(&fd, 1, -1);
	}
}

void scsi_target_stop(struct scsi_target *target)
{
	for (unsigned i = 0; i <= SCSI_LUN_MAX; i++)
		if (target->luns[i])
			scsi_lun_erase_stop(target->luns[i]);
}

void scsi_target_free(struct scsi_target **target)
{
	if (!*target)
		return;
	scsi_target_stop(*target);
	target_wait(*target);
	scsi_lease_free_shadows(*target);
	for (unsigned i = 0; i <= SCSI_LUN_MAX; i++)
		scsi_lun_free(&(*target)->luns[i]);
	spare_clear(&(*target)->spare_ios);
	spare_clear(&(*target)->spare_buffers);
	spare_clear(&(*target)->spare_doubles);
	free(*target);
	*target = NULL;
}

const char *scsi_target_name(const struct scsi_target *target)
{
	return target->name;
}

struct scsi_lun *scsi_target_lun(const struct scsi_target *target, uint16_t number)
{
	return number <= SCSI_LUN_MAX ? target->luns[number] : NULL;
}

bool scsi_target_has_port(const struct scsi_target *target, uint16_t relative_target_port_id)
{
	for (uint32_t i = 0; i < target->config.port_count; i++)
		if (target->config.ports[i] == relative_target_port_id)
			return true;
	return false;
}

uint64_t scsi_target_now_ms(const struct scsi_target *target)
{
	return target->config.clock(target->config.clock_context);
}

bool scsi_target_idle(const struct scsi_target *target)
{
	return target->tasks == 0;
}

/* SAM-5 4.7.7: peripheral device addressing on bus 0, or flat space; nothing behind the first
 * level.
 */
bool scsi_lun_number_decode(const uint8_t lun_bytes[8], uint16_t *ret_number)
{
	uint64_t lun = get_be64(lun_bytes);
	unsigned method = (unsigned)(lun >> 62);
	unsigned number = (unsigned)(lun >> 48) & 0x3fff;

	if ((lun & 0xffffffffffff) != 0 || method > 1 || number > SCSI_LUN_MAX)
		return false;
	*ret_number = (uint16_t)number;
	return true;
}
