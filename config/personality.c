#include "config/personality.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config/suggest.h"

#define BIT(n) (UINT32_C(1) << (n))

#define FOUR_TYPES (BIT(1) | BIT(3) | BIT(5) | BIT(6))
#define SIX_TYPES  (FOUR_TYPES | BIT(7) | BIT(8))

/* What SPC-4 has of persistent reservations. */
#define ALL_OF_SPC4                                                                             \
	.types = SIX_TYPES, .in_actions = 0x0f, .out_actions = 0xff,                            \
	.specify_initiator_ports = true, .all_target_ports = true, .compatible_handling = true, \
	.persist_through_power_loss = true,                                                     \
	.preempt_unit_attention = CONFIG_UNIT_ATTENTION_REGISTRATIONS_PREEMPTED,                \
	.clear_unit_attention = CONFIG_UNIT_ATTENTION_RESERVATIONS_PREEMPTED

/*
 * What is known of other targets and makes a difference to initiators; docs/personalities.md says
 * from where, and what is not imitated. `dlt-s4` and `spc4` are those of pr_engine/profile.c, which
 * a test holds together.
 */
static const struct config_personality builtin[] = {
	{
		.name = "dlt-s4",
		.types = FOUR_TYPES,
		.in_actions = 0x07,
		.out_actions = 0xff,
		.compatible_handling = true,
		.persist_through_power_loss = true,
		.preempt_unit_attention = CONFIG_UNIT_ATTENTION_RESERVATIONS_PREEMPTED,
		.clear_unit_attention = CONFIG_UNIT_ATTENTION_RESERVATIONS_PREEMPTED,
		.vendor = "HOLDFAST",
		.product = "VIRTUAL DISK",
		.revision = "0100",
	},
	{
		.name = "spc4",
		ALL_OF_SPC4,
		.allow_commands = 3,
		.preempt_removes_own_key = true,
		.tas_changeable = true,
		.vendor = "HOLDFAST",
		.product = "VIRTUAL DISK",
		.revision = "0100",
	},
	{
		/* Linux's kernel target: aborted commands are answered, and a fence of type 0 is
		 * refused by the kernels before the fix. */
		.name = "lio",
		ALL_OF_SPC4,
		.allow_commands = 1,
		.preempt_removes_own_key = true,
		.preempt_always_checks_type = true,
		.tas_changeable = false,
		.tas = true,
		.vendor = "LIO-ORG",
		.product = "disk",
		.revision = "4.0",
	},
	{
		.name = "scst",
		ALL_OF_SPC4,
		.allow_commands = 3,
		.preempt_removes_own_key = true,
		.preempt_always_checks_type = true,
		.preempt_of_key_0_conflicts = true,
		.tas_changeable = true,
		.vendor = "SCST_FIO",
		.product = "disk",
		.revision = "370",
	},
	{
		/* An array that leaves who preempts its own key registered. */
		.name = "3par",
		ALL_OF_SPC4,
		.allow_commands = 3,
		.tas_changeable = true,
		.vendor = "3PARdata",
		.product = "VV",
		.revision = "3310",
	},
	{
		/* FreeBSD's: CLEAR tells of registrations, REGISTER AND MOVE is missing, and so is
		 * persistence. */
		.name = "ctl",
		.types = SIX_TYPES,
		.in_actions = 0x0f,
		.out_actions = 0x7f,
		.compatible_handling = true,
		.allow_commands = 5,
		.preempt_unit_attention = CONFIG_UNIT_ATTENTION_REGISTRATIONS_PREEMPTED,
		.clear_unit_attention = CONFIG_UNIT_ATTENTION_REGISTRATIONS_PREEMPTED,
		.preempt_removes_own_key = true,
		.vendor = "FREEBSD",
		.product = "CTLDISK",
		.revision = "0001",
	},
	{
		/* tgt of stgt: no PREEMPT AND ABORT, nothing persists, RESERVE(6) conflicts. */
		.name = "tgt",
		.types = SIX_TYPES,
		.in_actions = 0x07,
		.out_actions = 0xff & ~BIT(5),
		.preempt_unit_attention = CONFIG_UNIT_ATTENTION_REGISTRATIONS_PREEMPTED,
		.clear_unit_attention = CONFIG_UNIT_ATTENTION_RESERVATIONS_PREEMPTED,
		.preempt_removes_own_key = true,
		.vendor = "IET",
		.product = "VIRTUAL-DISK",
		.revision = "0001",
	},
};

const struct config_personality *config_personality_builtin(uint32_t index)
{
	return index < sizeof(builtin) / sizeof(builtin[0]) ? &builtin[index] : NULL;
}

/* All of them: first the built-in ones, then the file's, in its order. NULL behind the last. */
static const struct config_personality *at(const struct config *config, uint32_t index)
{
	uint32_t builtin_count = sizeof(builtin) / sizeof(builtin[0]);

	if (index < builtin_count)
		return &builtin[index];
	index -= builtin_count;
	return index < config->personality_count ? &config->personalities[index] : NULL;
}

const struct config_personality *config_personality_find(const struct config *config,
							 const char *name)
{
	const struct config_personality *personality;

	for (uint32_t i = 0; (personality = at(config, i)) != NULL; i++)
		if (strcmp(personality->name, name) == 0)
			return personality;
	return NULL;
}

const char *config_personality_suggest(const struct config *config, const char *name)
{
	const struct config_personality *personality;
	const char *best = NULL;
	size_t best_cost = SIZE_MAX;

	for (uint32_t i = 0; (personality = at(config, i)) != NULL; i++)
		config_consider(name, personality->name, &best, &best_cost);
	return best;
}

void config_lun_set_profile(const struct config *config, struct config_lun *lun, const char *name)
{
	const struct config_personality *before = config_personality_find(config, lun->profile);
	const struct config_personality *after = config_personality_find(config, name);

	snprintf(lun->profile, sizeof(lun->profile), "%s", name);
	if (!before || !after)
		return;
	if (lun->tas == before->tas)
		lun->tas = after->tas;
	if (strcmp(lun->vendor, before->vendor) == 0)
		memcpy(lun->vendor, after->vendor, sizeof(lun->vendor));
	if (strcmp(lun->product, before->product) == 0)
		memcpy(lun->product, after->product, sizeof(lun->product));
	if (strcmp(lun->revision, before->revision) == 0)
		memcpy(lun->revision, after->revision, sizeof(lun->revision));
}

void config_personality_clear(struct config_personality *personality)
{
	free(personality->overrides);
	personality->overrides = NULL;
	personality->override_count = 0;
	personality->own_override_count = 0;
}

bool config_personality_inherit(const struct config_personality *base,
				struct config_personality *personality)
{
	struct config_personality heir = *base;
	uint32_t count = base->override_count;

	heir.overrides = calloc(count > 0 ? count : 1, sizeof(*heir.overrides));
	if (!heir.overrides)
		return false;
	if (count > 0)
		memcpy(heir.overrides, base->overrides, count * sizeof(*heir.overrides));
	heir.own_override_count = 0;
	memcpy(heir.name, personality->name, sizeof(heir.name));
	memcpy(heir.base, base->name, sizeof(heir.base));
	heir.line = personality->line;
	config_personality_clear(personality);
	*personality = heir;
	return true;
}

bool config_personality_add(struct config_personality *personality,
			    const struct config_override *override)
{
	struct config_override *grown =
		realloc(personality->overrides,
			(personality->override_count + 1) * sizeof(*personality->overrides));

	if (!grown)
		return false;
	personality->overrides = grown;
	grown[personality->override_count++] = *override;
	personality->own_override_count++;
	return true;
}

/* ---- overrides ---- */

static bool parse_hex_byte(const char **text, uint8_t *ret_byte)
{
	static const char digits[] = "0123456789abcdef";
	unsigned value = 0;
	int count = 0;

	for (; count < 2 && isxdigit((unsigned char)**text); count++, (*text)++)
		value = value << 4 |
			(unsigned)(strchr(digits, tolower((unsigned char)**text)) - digits);
	*ret_byte = (uint8_t)value;
	return count > 0;
}

static bool parse_page(struct config_override *override)
{
	const char *text = override->page;

	override->code = override->subpage = 0;
	if (strcmp(text, "inquiry") == 0) {
		override->data = CONFIG_OVERRIDE_INQUIRY;
		return true;
	}
	if (strncmp(text, "vpd:", 4) == 0) {
		override->data = CONFIG_OVERRIDE_VPD;
		text += 4;
		return parse_hex_byte(&text, &override->code) && *text == '\0';
	}
	if (strncmp(text, "mode:", 5) != 0)
		return false;
	override->data = CONFIG_OVERRIDE_MODE;
	text += 5;
	if (!parse_hex_byte(&text, &override->code))
		return false;
	if (*text == ',') {
		text++;
		if (!parse_hex_byte(&text, &override->subpage))
			return false;
	}
	return *text == '\0';
}

static bool parse_bytes(struct config_override *override)
{
	const char *text = override->bytes;

	override->len = 0;
	while (*text != '\0') {
		if (*text == ' ') {
			text++;
			continue;
		}
		if (override->len == CONFIG_OVERRIDE_LEN_MAX || !isxdigit((unsigned char)text[1]) ||
		    !parse_hex_byte(&text, &override->values[override->len]))
			return false;
		override->len++;
	}
	return override->len > 0;
}

const char *config_override_parse(struct config_override *override)
{
	if (!parse_page(override))
		return "`page` must be \"inquiry\", \"vpd:CODE\", \"mode:CODE\" or "
		       "\"mode:CODE,SUBPAGE\", with codes in hexadecimal";
	if (!parse_bytes(override))
		return "`value` must be 1 to 64 bytes of two hexadecimal digits";
	return NULL;
}
