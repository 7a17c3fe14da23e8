/* REGISTER AND MOVE (SPC-4 5.13.8; the sheet's 3.9). */
#include "pr_engine/plan_internal.h"

/* Is there something to move, and may the caller? */
static enum pr_outcome check_reservation(struct planning *planning)
{
	if (planning->reservation.type == PR_TYPE_NONE)
		return pr_plan_refuse(planning, PR_OUTCOME_INVALID_FIELD_IN_CDB,
				      PR_FIELD_SERVICE_ACTION);
	/* Who holds along with all other registrants has nothing of its own to hand over. */
	if (pr_type_is_all_registrants(planning->reservation.type) ||
	    !pr_plan_is_holder(planning, planning->caller))
		return pr_plan_conflict(planning, PR_CONFLICT_NOT_HOLDER);
	return PR_OUTCOME_GOOD;
}

static bool is_target_port(const struct pr_request *request, uint16_t id)
{
	if (id == 0)
		return false;
	for (uint32_t i = 0; i < request->target_port_count; i++)
		if (request->target_ports[i] == id)
			return true;
	return request->target_port_count == 0;
}

static enum pr_field destination_fault(const struct pr_request *request)
{
	const struct pr_nexus_id *destination = request->named;

	if (request->service_action_key == 0)
		return PR_FIELD_SERVICE_ACTION_KEY;
	if (request->named_count != 1 || destination->initiator_name[0] == '\0')
		return PR_FIELD_TRANSPORT_ID;
	if (!is_target_port(request, destination->relative_target_port_id))
		return PR_FIELD_RELATIVE_TARGET_PORT_ID;
	/* The sender's initiator port on another target port is still the sender's. */
	if (pr_plan_same_initiator_port(destination, &request->nexus))
		return PR_FIELD_TRANSPORT_ID;
	return PR_FIELD_NONE;
}

static void move(struct planning *planning)
{
	const struct pr_request *request = planning->request;
	const struct pr_registration *there = pr_state_find(planning->state, request->named);
	uint64_t id;

	if (there) {
		id = there->id;
		pr_plan_set_key(planning, there, request->service_action_key);
	} else {
		id = pr_plan_add(planning, request->named, request->service_action_key);
	}
	pr_plan_reserve(planning, planning->reservation.type, planning->reservation.scope, id);
	if (request->unreg)
		pr_plan_remove(planning, planning->caller);
	pr_plan_set_aptpl(planning);
	planning->plan.bumps_generation = true;
}

enum pr_outcome pr_plan_move(struct planning *planning)
{
	enum pr_outcome outcome = check_reservation(planning);
	if (outcome != PR_OUTCOME_GOOD)
		return outcome;
	enum pr_field fault = destination_fault(planning->request);
	if (fault != PR_FIELD_NONE)
		return pr_plan_refuse(planning, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST, fault);
	if (!pr_state_find(planning->state, planning->request->named) &&
	    !pr_plan_has_room(planning, 1))
		return PR_OUTCOME_INSUFFICIENT_REGISTRATION_RESOURCES;
	move(planning);
	return PR_OUTCOME_GOOD;
}
