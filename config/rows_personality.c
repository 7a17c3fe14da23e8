/*
 * The settings of a personality. Each has the value of its base where it is not given.
 */
#include "config/rows_table.h"

#define PERSONALITY(field) \
	.name = #field, AT(struct config_personality, field), .initial_note = "that of `base`"

/* SPC-4 table 233; the names of Linux's pr.rst with dashes. */
static const struct config_choice types[] = {
	{"write-exclusive", 1},
	{"exclusive-access", 3},
	{"write-exclusive-registrants-only", 5},
	{"exclusive-access-registrants-only", 6},
	{"write-exclusive-all-registrants", 7},
	{"exclusive-access-all-registrants", 8},
	{NULL, 0},
};

static const struct config_choice in_actions[] = {
	{"read-keys", 0},
	{"read-reservation", 1},
	{"report-capabilities", 2},
	{"read-full-status", 3},
	{NULL, 0},
};

static const struct config_choice out_actions[] = {
	{"register", 0},
	{"reserve", 1},
	{"release", 2},
	{"clear", 3},
	{"preempt", 4},
	{"preempt-and-abort", 5},
	{"register-and-ignore-existing-key", 6},
	{"register-and-move", 7},
	{NULL, 0},
};

static const struct config_choice unit_attentions[] = {
	{"none", CONFIG_UNIT_ATTENTION_NONE},
	{"reservations-preempted", CONFIG_UNIT_ATTENTION_RESERVATIONS_PREEMPTED},
	{"reservations-released", CONFIG_UNIT_ATTENTION_RESERVATIONS_RELEASED},
	{"registrations-preempted", CONFIG_UNIT_ATTENTION_REGISTRATIONS_PREEMPTED},
	{NULL, 0},
};

const struct config_row config_personality_rows[CONFIG_PERSONALITY_ROWS] = {
	{.name = "name",
	 .kind = CONFIG_KIND_TEXT,
	 AT(struct config_personality, name),
	 .min = 1,
	 .max = CONFIG_PROFILE_NAME_MAX,
	 .initial_text = "",
	 .initial_note = "none: it must be there",
	 .doc = "What `profile` of a LUN calls it."},
	{.name = "base",
	 .kind = CONFIG_KIND_TEXT,
	 AT(struct config_personality, base),
	 .min = 1,
	 .max = CONFIG_PROFILE_NAME_MAX,
	 .initial_text = "spc4",
	 .doc = "The personality that it is like: a built-in one, or one further up."},
	{PERSONALITY(types), .kind = CONFIG_KIND_SET, .choices = types,
	 .doc = "Reservation types that are supported."},
	{PERSONALITY(in_actions), .kind = CONFIG_KIND_SET, .choices = in_actions,
	 .doc = "Service actions of PERSISTENT RESERVE IN that are supported."},
	{PERSONALITY(out_actions), .kind = CONFIG_KIND_SET, .choices = out_actions,
	 .doc = "Service actions of PERSISTENT RESERVE OUT that are supported."},
	{PERSONALITY(specify_initiator_ports), .kind = CONFIG_KIND_BOOL,
	 .doc = "SIP_C: SPEC_I_PT is supported."},
	{PERSONALITY(all_target_ports), .kind = CONFIG_KIND_BOOL,
	 .doc = "ATP_C: ALL_TG_PT is supported."},
	{PERSONALITY(compatible_handling), .kind = CONFIG_KIND_BOOL,
	 .doc = "CRH: RESERVE and RELEASE of a registered nexus are taken and do nothing."},
	{PERSONALITY(persist_through_power_loss), .kind = CONFIG_KIND_BOOL,
	 .doc = "PTPL_C: APTPL is supported."},
	{PERSONALITY(allow_commands), .kind = CONFIG_KIND_NUMBER, .max = 5,
	 .doc = "ALLOW COMMANDS, as REPORT CAPABILITIES tells it."},
	{PERSONALITY(preempt_unit_attention), .kind = CONFIG_KIND_CHOICE,
	 .choices = unit_attentions,
	 .doc = "Unit attention for who loses a registration to PREEMPT."},
	{PERSONALITY(clear_unit_attention), .kind = CONFIG_KIND_CHOICE, .choices = unit_attentions,
	 .doc = "Unit attention for who loses a registration to CLEAR."},
	{PERSONALITY(preempt_removes_own_key), .kind = CONFIG_KIND_BOOL,
	 .doc = "Whether who preempts its own key without a reservation to take over is unregistered."},
	{PERSONALITY(preempt_always_checks_type), .kind = CONFIG_KIND_BOOL,
	 .doc = "Whether PREEMPT refuses an unknown TYPE even where it reserves nothing."},
	{PERSONALITY(preempt_of_key_0_conflicts), .kind = CONFIG_KIND_BOOL,
	 .doc = "Whether PREEMPT of key 0 is a reservation conflict and not an illegal request."},
	{PERSONALITY(tas_changeable), .kind = CONFIG_KIND_BOOL,
	 .doc = "Whether MODE SELECT may change TAS."},
	{PERSONALITY(tas), .kind = CONFIG_KIND_BOOL,
	 .doc = "`tas` of its LUNs, where they do not give it."},
	{PERSONALITY(vendor), .kind = CONFIG_KIND_TEXT, .min = 1, .max = 8, .initial_text = "",
	 .doc = "`vendor` of its LUNs, where they do not give it."},
	{PERSONALITY(product), .kind = CONFIG_KIND_TEXT, .min = 1, .max = 16, .initial_text = "",
	 .doc = "`product` of its LUNs, where they do not give it."},
	{PERSONALITY(revision), .kind = CONFIG_KIND_TEXT, .min = 1, .max = 4, .initial_text = "",
	 .doc = "`revision` of its LUNs, where they do not give it."},
	{.name = "bytes",
	 .kind = CONFIG_KIND_LIST,
	 .initial_note = "those of `base`, which also stay where there are more",
	 .doc = "Bytes of INQUIRY data and pages that are not Holdfast's."},
};

const struct config_row config_override_rows[CONFIG_OVERRIDE_ROWS] = {
	{.name = "page",
	 .kind = CONFIG_KIND_TEXT,
	 AT(struct config_override, page),
	 .min = 1,
	 .max = 15,
	 .initial_text = "",
	 .initial_note = "none: it must be there",
	 .doc = "`inquiry`, `vpd:CODE`, `mode:CODE` or `mode:CODE,SUBPAGE`, in hexadecimal."},
	{.name = "offset",
	 .kind = CONFIG_KIND_NUMBER,
	 AT(struct config_override, offset),
	 .max = 1023,
	 .doc = "Where the bytes start, from the first one of the header."},
	{.name = "value",
	 .kind = CONFIG_KIND_TEXT,
	 AT(struct config_override, bytes),
	 .min = 2,
	 .max = 3 * CONFIG_OVERRIDE_LEN_MAX,
	 .initial_text = "",
	 .initial_note = "none: it must be there",
	 .doc = "The bytes in hexadecimal, two digits each; blanks may stand between them."},
};
