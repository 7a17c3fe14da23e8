#include "pr_engine/profile.h"

#include <string.h>

#define BIT(n) (1U << (n))

#define OUT_ACTIONS_OF_SPC3 (BIT(PR_OUT_ACTION_COUNT) - 1)
#define TYPES_OF_DLT_S4                                                 \
	(BIT(PR_TYPE_WRITE_EXCLUSIVE) | BIT(PR_TYPE_EXCLUSIVE_ACCESS) | \
	 BIT(PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY) |                \
	 BIT(PR_TYPE_EXCLUSIVE_ACCESS_REGISTRANTS_ONLY))
#define TYPES_OF_SPC4                                                     \
	(TYPES_OF_DLT_S4 | BIT(PR_TYPE_WRITE_EXCLUSIVE_ALL_REGISTRANTS) | \
	 BIT(PR_TYPE_EXCLUSIVE_ACCESS_ALL_REGISTRANTS))

/* The DLT-S4 Interface Reference Guide's device: EX_AC_AR and WR_EX_AR are 0. */
const struct pr_profile pr_profile_dlt_s4 = {
	.name = "dlt-s4",
	.in_actions =
		BIT(PR_IN_READ_KEYS) | BIT(PR_IN_READ_RESERVATION) | BIT(PR_IN_REPORT_CAPABILITIES),
	.out_actions = OUT_ACTIONS_OF_SPC3,
	.types = TYPES_OF_DLT_S4,
	.specify_initiator_ports = false,
	.all_target_ports = false,
	.compatible_handling = true,
	.persist_through_power_loss = true,
	.allow_commands = 0,
	.preempt_unit_attention = PR_UA_RESERVATIONS_PREEMPTED,
	.clear_unit_attention = PR_UA_RESERVATIONS_PREEMPTED,
	.tas_changeable = false,
	.preempt_removes_own_key = false,
};

/* ALLOW COMMANDS 011b: TEST UNIT READY, and the housekeeping that reads, pass Write Exclusive. */
const struct pr_profile pr_profile_spc4 = {
	.name = "spc4",
	.in_actions = BIT(PR_IN_READ_KEYS) | BIT(PR_IN_READ_RESERVATION) |
		      BIT(PR_IN_REPORT_CAPABILITIES) | BIT(PR_IN_READ_FULL_STATUS),
	.out_actions = OUT_ACTIONS_OF_SPC3,
	.types = TYPES_OF_SPC4,
	.specify_initiator_ports = true,
	.all_target_ports = true,
	.compatible_handling = true,
	.persist_through_power_loss = true,
	.allow_commands = 3,
	.preempt_unit_attention = PR_UA_REGISTRATIONS_PREEMPTED,
	.clear_unit_attention = PR_UA_RESERVATIONS_PREEMPTED,
	.tas_changeable = true,
	.preempt_removes_own_key = true,
};

/* SPC-4 6.15.4: the bits of bytes 2 and 3. */
#define CAPABILITY_CRH	  0x10
#define CAPABILITY_SIP_C  0x08
#define CAPABILITY_ATP_C  0x04
#define CAPABILITY_PTPL_C 0x01
#define CAPABILITY_TMV	  0x80
#define CAPABILITY_PTPL_A 0x01

void pr_profile_capabilities(const struct pr_profile *profile, bool aptpl_active,
			     uint8_t ret_data[PR_CAPABILITIES_LEN])
{
	memset(ret_data, 0, PR_CAPABILITIES_LEN);
	ret_data[1] = PR_CAPABILITIES_LEN;
	ret_data[2] = (uint8_t)((profile->persist_through_power_loss ? CAPABILITY_PTPL_C : 0) |
				(profile->compatible_handling ? CAPABILITY_CRH : 0) |
				(profile->specify_initiator_ports ? CAPABILITY_SIP_C : 0) |
				(profile->all_target_ports ? CAPABILITY_ATP_C : 0));
	ret_data[3] = (uint8_t)(CAPABILITY_TMV | (profile->allow_commands & 7) << 4 |
				(aptpl_active ? CAPABILITY_PTPL_A : 0));
	/* Byte 4 bit n is type n, byte 5 bit 0 is type 8: the mask itself, low byte first. */
	ret_data[4] = (uint8_t)profile->types;
	ret_data[5] = (uint8_t)(profile->types >> 8);
}
