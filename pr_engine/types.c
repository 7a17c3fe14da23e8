#include "pr_engine/types.h"

#include <string.h>

bool pr_nexus_id_equal(const struct pr_nexus_id *a, const struct pr_nexus_id *b)
{
	return a->relative_target_port_id == b->relative_target_port_id &&
	       memcmp(a->isid, b->isid, PR_ISID_LEN) == 0 &&
	       strcmp(a->initiator_name, b->initiator_name) == 0;
}

const char *pr_out_action_name(unsigned action)
{
	static const char *const names[PR_OUT_ACTION_COUNT] = {
		[PR_OUT_REGISTER] = "REGISTER",
		[PR_OUT_RESERVE] = "RESERVE",
		[PR_OUT_RELEASE] = "RELEASE",
		[PR_OUT_CLEAR] = "CLEAR",
		[PR_OUT_PREEMPT] = "PREEMPT",
		[PR_OUT_PREEMPT_AND_ABORT] = "PREEMPT AND ABORT",
		[PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY] = "REGISTER AND IGNORE EXISTING KEY",
		[PR_OUT_REGISTER_AND_MOVE] = "REGISTER AND MOVE",
	};

	return action < PR_OUT_ACTION_COUNT ? names[action] : "unknown service action";
}

const char *pr_in_action_name(unsigned action)
{
	static const char *const names[] = {
		[PR_IN_READ_KEYS] = "READ KEYS",
		[PR_IN_READ_RESERVATION] = "READ RESERVATION",
		[PR_IN_REPORT_CAPABILITIES] = "REPORT CAPABILITIES",
		[PR_IN_READ_FULL_STATUS] = "READ FULL STATUS",
	};

	return action < sizeof(names) / sizeof(names[0]) ? names[action] : "unknown service action";
}

const char *pr_type_name(unsigned type)
{
	static const char *const names[] = {
		[PR_TYPE_NONE] = "none",
		[PR_TYPE_WRITE_EXCLUSIVE] = "Write Exclusive",
		[PR_TYPE_EXCLUSIVE_ACCESS] = "Exclusive Access",
		[PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY] = "Write Exclusive - Registrants Only",
		[PR_TYPE_EXCLUSIVE_ACCESS_REGISTRANTS_ONLY] = "Exclusive Access - Registrants Only",
		[PR_TYPE_WRITE_EXCLUSIVE_ALL_REGISTRANTS] = "Write Exclusive - All Registrants",
		[PR_TYPE_EXCLUSIVE_ACCESS_ALL_REGISTRANTS] = "Exclusive Access - All Registrants",
	};

	if (type >= sizeof(names) / sizeof(names[0]) || !names[type])
		return "unknown type";
	return names[type];
}
