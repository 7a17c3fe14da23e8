/*
 * The words for what happens: one table each, used in JSON, on the terminal and in reports.
 */
#include "tools/lab/history.h"

#include <string.h>

static const char *const kind_names[HISTORY_KIND_COUNT] = {
	[HISTORY_NEXUS] = "nexus",	   [HISTORY_LOGIN] = "login",
	[HISTORY_LOGOUT] = "logout",	   [HISTORY_LOST] = "lost",
	[HISTORY_INVOKE] = "invoke",	   [HISTORY_RETURN] = "return",
	[HISTORY_CRASH] = "crash",	   [HISTORY_UP] = "up",
	[HISTORY_MEDIUM] = "medium",	   [HISTORY_NOTE] = "note",
	[HISTORY_POWER_CUT] = "power_cut", [HISTORY_APPLIED] = "applied",
	[HISTORY_DECIDED] = "decided",
};

static const char *const op_names[HISTORY_OP_COUNT] = {
	[HISTORY_READ_KEYS] = "read_keys",
	[HISTORY_READ_RESERVATION] = "read_reservation",
	[HISTORY_REPORT_CAPABILITIES] = "report_capabilities",
	[HISTORY_READ_FULL_STATUS] = "read_full_status",
	[HISTORY_REGISTER] = "register",
	[HISTORY_REGISTER_AND_IGNORE] = "register_and_ignore",
	[HISTORY_REGISTER_AND_MOVE] = "register_and_move",
	[HISTORY_RESERVE] = "reserve",
	[HISTORY_RELEASE] = "release",
	[HISTORY_CLEAR] = "clear",
	[HISTORY_PREEMPT] = "preempt",
	[HISTORY_PREEMPT_AND_ABORT] = "preempt_and_abort",
	[HISTORY_SPC2_RESERVE] = "spc2_reserve",
	[HISTORY_SPC2_RELEASE] = "spc2_release",
	[HISTORY_TEST_UNIT_READY] = "test_unit_ready",
	[HISTORY_READ] = "read",
	[HISTORY_WRITE] = "write",
	[HISTORY_CDB] = "cdb",
	[HISTORY_LUN_RESET] = "lun_reset",
	[HISTORY_TARGET_RESET] = "target_reset",
};

static const char *const outcome_names[HISTORY_OUTCOME_COUNT] = {
	[HISTORY_GOOD] = "good",
	[HISTORY_CONFLICT] = "conflict",
	[HISTORY_CHECK] = "check",
	[HISTORY_BUSY] = "busy",
	[HISTORY_TASK_ABORTED] = "task_aborted",
	[HISTORY_UNKNOWN] = "unknown",
};

static const char *const access_names[] = {
	[HISTORY_ACCESS_ALLOWED] = "allowed",
	[HISTORY_ACCESS_READ] = "read",
	[HISTORY_ACCESS_WRITE] = "write",
};
#define ACCESS_COUNT (sizeof(access_names) / sizeof(access_names[0]))

static const char *name_at(const char *const *names, size_t count, size_t i)
{
	return i < count && names[i] ? names[i] : "?";
}

/* 0, the invalid one, when there is none of that name. */
static unsigned index_of(const char *const *names, unsigned count, const char *name)
{
	for (unsigned i = 1; i < count; i++)
		if (names[i] && strcmp(names[i], name) == 0)
			return i;
	return 0;
}

const char *history_kind_name(enum history_kind kind)
{
	return name_at(kind_names, HISTORY_KIND_COUNT, (size_t)kind);
}

const char *history_op_name(enum history_op op)
{
	return name_at(op_names, HISTORY_OP_COUNT, (size_t)op);
}

const char *history_outcome_name(enum history_outcome outcome)
{
	return name_at(outcome_names, HISTORY_OUTCOME_COUNT, (size_t)outcome);
}

const char *history_access_name(enum history_access access)
{
	return name_at(access_names, ACCESS_COUNT, (size_t)access);
}

enum history_kind history_kind_of(const char *name)
{
	return (enum history_kind)index_of(kind_names, HISTORY_KIND_COUNT, name);
}

enum history_op history_op_of(const char *name)
{
	return (enum history_op)index_of(op_names, HISTORY_OP_COUNT, name);
}

enum history_outcome history_outcome_of(const char *name)
{
	return (enum history_outcome)index_of(outcome_names, HISTORY_OUTCOME_COUNT, name);
}

enum history_access history_access_of(const char *name)
{
	return (enum history_access)index_of(access_names, ACCESS_COUNT, name);
}

bool history_op_is_pr_out(enum history_op op)
{
	return op >= HISTORY_REGISTER && op <= HISTORY_PREEMPT_AND_ABORT;
}

bool history_op_is_pr_in(enum history_op op)
{
	return op >= HISTORY_READ_KEYS && op <= HISTORY_READ_FULL_STATUS;
}

bool history_op_is_reset(enum history_op op)
{
	return op == HISTORY_LUN_RESET || op == HISTORY_TARGET_RESET;
}

bool history_op_changes_state(enum history_op op)
{
	return history_op_is_pr_out(op) || op == HISTORY_SPC2_RESERVE ||
	       op == HISTORY_SPC2_RELEASE || history_op_is_reset(op);
}
