#include "transport/checks.h"

#include <string.h>

#include "transport/checks_internal.h"

#define GROUP(group_code, small, group_title)                                                \
	{                                                                                    \
		.code = #group_code, .title = (group_title), .checks = iscsi_checks_##small, \
		.count = ISCSI_CHECKS_##group_code                                           \
	}

const struct iscsi_check_group iscsi_check_groups[ISCSI_CHECK_GROUPS] = {
	GROUP(P1, p1, "Framing and headers"),
	GROUP(P2, p2, "Login: headers"),
	GROUP(P3, p3, "Login: text"),
	GROUP(P4, p4, "Numbers and tags"),
	GROUP(P5, p5, "SCSI Command"),
	GROUP(P6, p6, "Data-Out"),
	GROUP(P7, p7, "Task management, NOP, Logout, Text, SNACK, connections"),
	GROUP(P8, p8, "CHAP"),
	GROUP(A1, a1, "Login: stages, numbers, states"),
	GROUP(A2, a2, "Login: wrong answers"),
	GROUP(A3, a3, "CHAP"),
	GROUP(A4, a4, "Command window and StatSN"),
	GROUP(A5, a5, "Data-In, status, residuals"),
	GROUP(A6, a6, "R2T"),
	GROUP(A7, a7, "Reject, NOP-In, Async Message, Logout Response"),
	GROUP(A8, a8, "Text and discovery"),
	GROUP(A9, a9, "Task management"),
	GROUP(A10, a10, "SNACK, digests, several connections, TCP"),
	GROUP(A11, a11, "Reservations and unit attentions"),
	GROUP(A12, a12, "Faults of storage and network"),
};

const struct iscsi_check *iscsi_check_find(const char *id,
					   const struct iscsi_check_group **ret_group)
{
	for (size_t g = 0; g < ISCSI_CHECK_GROUPS; g++) {
		const struct iscsi_check_group *group = &iscsi_check_groups[g];
		for (size_t i = 0; i < group->count; i++) {
			if (strcmp(group->checks[i].id, id) != 0)
				continue;
			if (ret_group)
				*ret_group = group;
			return &group->checks[i];
		}
	}
	return NULL;
}

const struct iscsi_check *iscsi_check_row(enum iscsi_passive_check check)
{
	for (size_t g = 0; g < ISCSI_CHECK_GROUPS; g++) {
		const struct iscsi_check_group *group = &iscsi_check_groups[g];
		for (size_t i = 0; i < group->count; i++)
			if (group->checks[i].passive == check)
				return &group->checks[i];
	}
	return NULL;
}

const char *iscsi_severity_name(enum iscsi_severity severity)
{
	switch (severity) {
	case ISCSI_SEVERITY_MUST:
		return "MUST";
	case ISCSI_SEVERITY_SHOULD:
		return "SHOULD";
	case ISCSI_SEVERITY_ROBUST:
		return "robustness";
	case ISCSI_SEVERITY_RECORD:
		return "record";
	case ISCSI_SEVERITY_INVALID:
		break;
	}
	return "invalid";
}
