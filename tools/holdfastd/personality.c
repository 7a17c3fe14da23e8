#include "tools/holdfastd/personality.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct personalities {
	uint32_t count;
	struct personality entries[];
};

static enum pr_unit_attention unit_attention_of(uint32_t value)
{
	switch ((enum config_unit_attention)value) {
	case CONFIG_UNIT_ATTENTION_RESERVATIONS_PREEMPTED:
		return PR_UA_RESERVATIONS_PREEMPTED;
	case CONFIG_UNIT_ATTENTION_RESERVATIONS_RELEASED:
		return PR_UA_RESERVATIONS_RELEASED;
	case CONFIG_UNIT_ATTENTION_REGISTRATIONS_PREEMPTED:
		return PR_UA_REGISTRATIONS_PREEMPTED;
	case CONFIG_UNIT_ATTENTION_NONE:
		break;
	}
	return PR_UA_NONE;
}

static struct pr_profile profile_of(const struct config_personality *from)
{
	return (struct pr_profile){
		.name = from->name,
		.in_actions = (uint16_t)from->in_actions,
		.out_actions = (uint16_t)from->out_actions,
		.types = (uint16_t)from->types,
		.specify_initiator_ports = from->specify_initiator_ports,
		.all_target_ports = from->all_target_ports,
		.compatible_handling = from->compatible_handling,
		.persist_through_power_loss = from->persist_through_power_loss,
		.allow_commands = from->allow_commands,
		.preempt_unit_attention = unit_attention_of(from->preempt_unit_attention),
		.clear_unit_attention = unit_attention_of(from->clear_unit_attention),
		.tas_changeable = from->tas_changeable,
		.preempt_removes_own_key = from->preempt_removes_own_key,
		.preempt_always_checks_type = from->preempt_always_checks_type,
		.preempt_of_key_0_conflicts = from->preempt_of_key_0_conflicts,
	};
}

static enum scsi_override_data data_of(enum config_override_data data)
{
	switch (data) {
	case CONFIG_OVERRIDE_INQUIRY:
		return SCSI_OVERRIDE_INQUIRY;
	case CONFIG_OVERRIDE_VPD:
		return SCSI_OVERRIDE_VPD;
	case CONFIG_OVERRIDE_MODE:
		return SCSI_OVERRIDE_MODE;
	case CONFIG_OVERRIDE_NONE:
		break;
	}
	return SCSI_OVERRIDE_NONE;
}

static struct scsi_override override_of(const struct config_override *from)
{
	struct scsi_override override = {
		.data = data_of(from->data),
		.code = from->code,
		.subpage = from->subpage,
		.offset = from->offset,
		.len = from->len,
	};

	_Static_assert(CONFIG_OVERRIDE_LEN_MAX <= SCSI_OVERRIDE_MAX, "fits");
	memcpy(override.bytes, from->values, from->len);
	return override;
}

/* Where in the file: "personality `x`, line 7". */
static void report_override(const struct config_personality *personality,
			    const struct config_override *override, const char *fault,
			    config_report report, void *context)
{
	char text[256];

	snprintf(text, sizeof(text), "personality `%s`, line %u: page `%s`: %s", personality->name,
		 override->line, override->page, fault);
	report(context, text);
}

static bool fill(const struct config_personality *from, struct personality *to,
		 config_report report, void *context)
{
	bool sound = true;

	to->profile = profile_of(from);
	if (from->override_count == 0)
		return true;
	to->overrides = calloc(from->override_count, sizeof(*to->overrides));
	if (!to->overrides) {
		report(context, "no memory");
		return false;
	}
	to->override_count = from->override_count;
	for (uint32_t i = 0; i < from->override_count; i++) {
		to->overrides[i] = override_of(&from->overrides[i]);
		const char *fault = scsi_override_fault(&to->overrides[i]);
		if (fault)
			report_override(from, &from->overrides[i], fault, report, context);
		sound = sound && !fault;
	}
	return sound;
}

struct personalities *personalities_create(const struct config *config, config_report report,
					   void *context)
{
	uint32_t builtin = 0;
	bool sound = true;

	while (config_personality_builtin(builtin))
		builtin++;
	uint32_t count = builtin + config->personality_count;
	struct personalities *all = calloc(1, sizeof(*all) + count * sizeof(all->entries[0]));
	if (!all) {
		report(context, "no memory");
		return NULL;
	}
	all->count = count;
	for (uint32_t i = 0; i < count; i++) {
		const struct config_personality *from =
			i < builtin ? config_personality_builtin(i)
				    : &config->personalities[i - builtin];
		sound = fill(from, &all->entries[i], report, context) && sound;
	}
	if (!sound)
		personalities_free(&all);
	return all;
}

void personalities_free(struct personalities **personalities)
{
	struct personalities *all = *personalities;

	*personalities = NULL;
	for (uint32_t i = 0; all && i < all->count; i++)
		free(all->entries[i].overrides);
	free(all);
}

const struct personality *personalities_find(const struct personalities *personalities,
					     const char *name)
{
	for (uint32_t i = 0; i < personalities->count; i++)
		if (strcmp(personalities->entries[i].profile.name, name) == 0)
			return &personalities->entries[i];
	return NULL;
}
