/*
 * What a LUN claims to be, as data: the one place that tells `dlt-s4` from `spc4`, and both from
 * what a user writes in the configuration. The two constant tables live in profile.c; nothing else
 * asks which profile this is.
 */
#ifndef PR_ENGINE_PROFILE_H
#define PR_ENGINE_PROFILE_H

#include "pr_engine/types.h"

struct pr_profile {
	const char *name;
	uint16_t in_actions;  /* bit n: PERSISTENT RESERVE IN service action n is supported */
	uint16_t out_actions; /* bit n: PERSISTENT RESERVE OUT service action n is supported */
	uint16_t types;	      /* bit n: type n is supported */
	bool specify_initiator_ports;	 /* SIP_C: SPEC_I_PT */
	bool all_target_ports;		 /* ATP_C: ALL_TG_PT */
	bool compatible_handling;	 /* CRH: RESERVE/RELEASE(6/10) next to registrations */
	bool persist_through_power_loss; /* PTPL_C: APTPL = 1 is taken, and refused otherwise */
	uint8_t allow_commands;		 /* ALLOW COMMANDS, 0..5 */
	enum pr_unit_attention preempt_unit_attention; /* for who loses a registration to PREEMPT */
	enum pr_unit_attention clear_unit_attention;   /* ... and to CLEAR */
	bool tas_changeable;	      /* MODE SELECT may set TAS in the Control mode page */
	bool preempt_removes_own_key; /* PREEMPT naming its own key, with nothing to take over */
	/* Against the standard, as some targets are: PREEMPT with nothing to take over looks at
	 * TYPE all the same, */
	bool preempt_always_checks_type;
	/* and meets key 0 with RESERVATION CONFLICT as any other key that nobody has. */
	bool preempt_of_key_0_conflicts;
};

extern const struct pr_profile pr_profile_dlt_s4;
extern const struct pr_profile pr_profile_spc4;

static inline bool pr_profile_has_type(const struct pr_profile *profile, unsigned type)
{
	return type < 16 && (profile->types >> type & 1) != 0;
}

/* REPORT CAPABILITIES parameter data (SPC-4 6.15.4): always PR_CAPABILITIES_LEN bytes. */
#define PR_CAPABILITIES_LEN 8
void pr_profile_capabilities(const struct pr_profile *profile, bool aptpl_active,
			     uint8_t ret_data[PR_CAPABILITIES_LEN]);

#endif
