/* RESERVE, RELEASE and CLEAR (SPC-4 5.13.9, 5.13.11.2.2, 5.13.11.2.8; the sheet's 3.4 to 3.6). */
#include "pr_engine/plan_internal.h"

static bool request_matches_reservation(const struct planning *planning)
{
	return planning->request->type == planning->reservation.type &&
	       planning->request->scope == planning->reservation.scope;
}

enum pr_outcome pr_plan_reserve_action(struct planning *planning)
{
	const struct pr_request *request = planning->request;

	if (planning->reservation.type == PR_TYPE_NONE) {
		pr_plan_reserve(planning, (enum pr_type)request->type, request->scope,
				planning->caller->id);
		return PR_OUTCOME_GOOD;
	}
	/* A holder may ask again for what it has, not for anything else. */
	if (pr_plan_is_holder(planning, planning->caller) && request_matches_reservation(planning))
		return PR_OUTCOME_GOOD;
	return pr_plan_conflict(planning, PR_CONFLICT_RESERVED);
}

enum pr_outcome pr_plan_release_action(struct planning *planning)
{
	/* Whose reservation it is not, releases nothing, and is told that all is well. */
	if (!pr_plan_is_holder(planning, planning->caller))
		return PR_OUTCOME_GOOD;
	if (!request_matches_reservation(planning))
		return PR_OUTCOME_INVALID_RELEASE;
	pr_plan_release(planning);
	if (pr_type_is_registrants_only(planning->reservation.type))
		planning->plan.others_unit_attention = PR_UA_RESERVATIONS_RELEASED;
	return PR_OUTCOME_GOOD;
}

enum pr_outcome pr_plan_clear(struct planning *planning)
{
	struct pr_change change = {.op = PR_CHANGE_REMOVE_ALL};

	pr_change_encode(&change, &planning->changes);
	planning->plan.victims_unit_attention = planning->profile->clear_unit_attention;
	planning->plan.bumps_generation = true;
	return PR_OUTCOME_GOOD;
}
