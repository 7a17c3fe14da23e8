/* PREEMPT and PREEMPT AND ABORT (SPC-4 5.13.11.2.4 to 5.13.11.2.6; the sheet's 3.7 and 3.8). */
#include "pr_engine/plan_internal.h"

enum preempt_mode {
	PREEMPT_REMOVE_ONLY = 0, /* registrations go, the reservation stays with whom it is */
	PREEMPT_TAKE,	  /* the holder's key was named: the reservation goes to the caller */
	PREEMPT_TAKE_ALL, /* key 0 under an all-registrants type: and everybody else goes */
};

struct preemption {
	enum preempt_mode mode;
	uint32_t matched; /* registrations that the request names */
	uint32_t removed; /* those of them that go: the caller's own may stay */
};

static enum preempt_mode choose_mode(const struct planning *planning)
{
	const struct pr_reservation *reservation = &planning->reservation;
	uint64_t key = planning->request->service_action_key;

	if (reservation->type == PR_TYPE_NONE)
		return PREEMPT_REMOVE_ONLY;
	if (pr_type_is_all_registrants(reservation->type))
		return key == 0 ? PREEMPT_TAKE_ALL : PREEMPT_REMOVE_ONLY;
	return key == pr_state_by_id(planning->state, reservation->holder_id)->key
		       ? PREEMPT_TAKE
		       : PREEMPT_REMOVE_ONLY;
}

static bool is_matched(const struct planning *planning, enum preempt_mode mode,
		       const struct pr_registration *registration)
{
	if (mode == PREEMPT_TAKE_ALL)
		return registration != planning->caller;
	return registration->key == planning->request->service_action_key;
}

/* Who takes a reservation over stays registered; who only removes, may remove itself. */
static bool is_removed(const struct planning *planning, enum preempt_mode mode,
		       const struct pr_registration *registration)
{
	if (!is_matched(planning, mode, registration))
		return false;
	if (registration != planning->caller)
		return true;
	return mode == PREEMPT_REMOVE_ONLY && planning->profile->preempt_removes_own_key;
}

static struct preemption survey(const struct planning *planning)
{
	struct preemption preemption = {.mode = choose_mode(planning)};
	const struct pr_registration *registration = pr_state_first(planning->state);

	for (; registration; registration = pr_state_next(planning->state, registration)) {
		preemption.matched += is_matched(planning, preemption.mode, registration);
		preemption.removed += is_removed(planning, preemption.mode, registration);
	}
	return preemption;
}

/* SCOPE and TYPE count only where a reservation is made: old nfsd fences with type 0. */
static enum pr_outcome check(struct planning *planning, const struct preemption *preemption)
{
	bool reserves = preemption->mode != PREEMPT_REMOVE_ONLY;
	enum pr_outcome outcome = reserves ? pr_plan_check_scope(planning) : PR_OUTCOME_GOOD;

	if (outcome == PR_OUTCOME_GOOD &&
	    (reserves || planning->profile->preempt_always_checks_type))
		outcome = pr_plan_check_type(planning);
	if (reserves || outcome != PR_OUTCOME_GOOD)
		return outcome;
	if (planning->request->service_action_key == 0 &&
	    !planning->profile->preempt_of_key_0_conflicts)
		return pr_plan_refuse(planning, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST,
				      PR_FIELD_SERVICE_ACTION_KEY);
	return preemption->matched > 0 ? PR_OUTCOME_GOOD
				       : pr_plan_conflict(planning, PR_CONFLICT_NO_SUCH_KEY);
}

/* First the reservation, then the registrations: a holder cannot be removed. */
static void change_reservation(struct planning *planning, const struct preemption *preemption)
{
	const struct pr_request *request = planning->request;
	const struct pr_reservation *old = &planning->reservation;

	if (preemption->mode != PREEMPT_REMOVE_ONLY) {
		pr_plan_reserve(planning, (enum pr_type)request->type, request->scope,
				planning->caller->id);
		if (request->type != old->type || request->scope != old->scope)
			planning->plan.others_unit_attention = PR_UA_RESERVATIONS_RELEASED;
	} else if (old->type != PR_TYPE_NONE &&
		   preemption->removed == pr_state_count(planning->state)) {
		/* All registrants held it, and all of them removed themselves. */
		pr_plan_release(planning);
	}
}

static void remove_registrations(struct planning *planning, enum preempt_mode mode)
{
	const struct pr_registration *registration = pr_state_first(planning->state);

	for (; registration; registration = pr_state_next(planning->state, registration))
		if (is_removed(planning, mode, registration))
			pr_plan_remove(planning, registration);
}

enum pr_outcome pr_plan_preempt(struct planning *planning)
{
	struct preemption preemption = survey(planning);
	enum pr_outcome outcome = check(planning, &preemption);

	if (outcome != PR_OUTCOME_GOOD)
		return outcome;
	change_reservation(planning, &preemption);
	remove_registrations(planning, preemption.mode);
	planning->plan.victims_unit_attention = planning->profile->preempt_unit_attention;
	planning->plan.bumps_generation = true;
	return PR_OUTCOME_GOOD;
}

enum pr_outcome pr_plan_preempt_and_abort(struct planning *planning)
{
	enum pr_outcome outcome = pr_plan_preempt(planning);

	/* Naming the own key aborts the own commands, whether or not the registration goes. */
	planning->plan.abort_victims = true;
	planning->plan.abort_caller =
		planning->caller->key == planning->request->service_action_key;
	return outcome;
}
