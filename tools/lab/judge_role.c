/*
 * What a command is to the search, by what it asked for and what came back.
 */
#include "tools/lab/judge_internal.h"

/* Errors of the device, not of the request: nothing was done, and any state explains them. */
static bool says_nothing(const struct history_command *c, const struct history_result *r)
{
	if (r->outcome == HISTORY_BUSY)
		return true;
	if (r->outcome != HISTORY_CHECK || r->sense_key == 6)
		return false;
	return r->sense_key != 5 || r->asc == 0x55 || !history_op_is_pr_out(c->op) ||
	       c->all_tg_pt || c->spec_i_pt;
}

enum judge_role judge_role_of(const struct history_command *c, const struct history_result *r)
{
	if (!r || r->outcome == HISTORY_UNKNOWN || r->outcome == HISTORY_TASK_ABORTED)
		return history_op_changes_state(c->op) ? JUDGE_MAYBE : JUDGE_ROLE_INVALID;
	if (says_nothing(c, r))
		return JUDGE_ROLE_INVALID;
	if (r->outcome == HISTORY_CHECK && r->sense_key == 6)
		return JUDGE_MOVER;
	return r->outcome == HISTORY_GOOD && history_op_changes_state(c->op) ? JUDGE_MOVER
									     : JUDGE_PROBE;
}
