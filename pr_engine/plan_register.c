/*
 * REGISTER and REGISTER AND IGNORE EXISTING KEY (SPC-4 5.13.7, 5.13.11.2.3; the sheet's 3.2, 3.3
 * and 3.10).
 *
 * ALL_TG_PT carries the request to the caller's initiator port on every other target port. What the
 * row of the caller's own nexus says is then done there too: an initiator port that is not
 * registered there is, one that is gets the new key, or goes. REGISTER has to know the key there as
 * well: a registration with another key is a RESERVATION CONFLICT, and nothing at all is changed.
 * Where the row says that nothing happens, nothing happens anywhere.
 */
#include "pr_engine/plan_internal.h"

/*
 * `port` on the i-th target port that the request covers: 0 is the one it came through, behind it
 * are all of the target's. False where the latter come by the first one again.
 */
static bool covered_nexus(const struct pr_request *request, const struct pr_nexus_id *port,
			  uint32_t i, struct pr_nexus_id *ret_nexus)
{
	uint16_t own = request->nexus.relative_target_port_id;
	uint16_t id = i == 0 ? own : request->target_ports[i - 1];

	if (i > 0 && id == own)
		return false;
	*ret_nexus = *port;
	ret_nexus->relative_target_port_id = id;
	return true;
}

static uint32_t covered_ports(const struct pr_request *request)
{
	return request->all_tg_pt ? request->target_port_count + 1 : 1;
}

/* ---- the caller's initiator port ---- */

struct own_ports {
	uint32_t registered;
	uint32_t unregistered;
	bool holder; /* one of them holds the reservation, not as one of all registrants */
};

static bool may_replace(const struct planning *planning, const struct pr_registration *registration)
{
	const struct pr_request *request = planning->request;

	return request->action == PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY ||
	       registration->key == request->reservation_key;
}

/* What there is of the caller on the ports covered. False: a key that it does not know. */
static bool survey_own_ports(const struct planning *planning, struct own_ports *ret_own)
{
	const struct pr_request *request = planning->request;
	struct own_ports own = {0};
	struct pr_nexus_id nexus;

	for (uint32_t i = 0; i < covered_ports(request); i++) {
		if (!covered_nexus(request, &request->nexus, i, &nexus))
			continue;
		const struct pr_registration *registration = pr_state_find(planning->state, &nexus);
		if (!registration) {
			own.unregistered++;
			continue;
		}
		if (!may_replace(planning, registration))
			return false;
		own.registered++;
		own.holder |= planning->reservation.holder_id == registration->id;
	}
	*ret_own = own;
	return true;
}

static void register_own_ports(struct planning *planning)
{
	const struct pr_request *request = planning->request;
	struct pr_nexus_id nexus;

	for (uint32_t i = 0; i < covered_ports(request); i++) {
		if (!covered_nexus(request, &request->nexus, i, &nexus))
			continue;
		const struct pr_registration *registration = pr_state_find(planning->state, &nexus);
		if (registration)
			pr_plan_set_key(planning, registration, request->service_action_key);
		else
			pr_plan_add(planning, &nexus, request->service_action_key);
	}
}

static void unregister_own_ports(struct planning *planning)
{
	const struct pr_request *request = planning->request;
	struct pr_nexus_id nexus;

	for (uint32_t i = 0; i < covered_ports(request); i++) {
		if (!covered_nexus(request, &request->nexus, i, &nexus))
			continue;
		const struct pr_registration *registration = pr_state_find(planning->state, &nexus);
		if (registration)
			pr_plan_remove(planning, registration);
	}
}

/* ---- the initiator ports named with SPEC_I_PT ---- */

/*
 * A port named twice counts once, and so does the caller's own. Looking back over the list is
 * quadratic, in a list that 8 KiB of parameter data keep to 340 names.
 */
static bool is_named_before(const struct pr_request *request, uint32_t n)
{
	const struct pr_nexus_id *port = &request->named[n];

	if (pr_plan_same_initiator_port(port, &request->nexus))
		return true;
	for (uint32_t i = 0; i < n; i++)
		if (pr_plan_same_initiator_port(port, &request->named[i]))
			return true;
	return false;
}

static uint32_t named_count(const struct pr_request *request)
{
	return request->spec_i_pt ? request->named_count : 0;
}

/* False: one has no name, or is registered already. */
static bool survey_named_ports(const struct planning *planning, uint64_t *ret_additions)
{
	const struct pr_request *request = planning->request;
	uint64_t additions = 0;
	struct pr_nexus_id nexus;

	for (uint32_t n = 0; n < named_count(request); n++) {
		if (request->named[n].initiator_name[0] == '\0')
			return false;
		if (is_named_before(request, n))
			continue;
		for (uint32_t i = 0; i < covered_ports(request); i++) {
			if (!covered_nexus(request, &request->named[n], i, &nexus))
				continue;
			if (pr_state_find(planning->state, &nexus))
				return false;
			additions++;
		}
	}
	*ret_additions = additions;
	return true;
}

static void register_named_ports(struct planning *planning)
{
	const struct pr_request *request = planning->request;
	struct pr_nexus_id nexus;

	for (uint32_t n = 0; n < named_count(request); n++) {
		if (is_named_before(request, n))
			continue;
		for (uint32_t i = 0; i < covered_ports(request); i++)
			if (covered_nexus(request, &request->named[n], i, &nexus))
				pr_plan_add(planning, &nexus, request->service_action_key);
	}
}

/* ---- the rows of the tables ---- */

static enum pr_outcome register_or_replace(struct planning *planning)
{
	struct own_ports own;
	uint64_t named;

	if (!survey_own_ports(planning, &own))
		return PR_OUTCOME_RESERVATION_CONFLICT;
	if (!survey_named_ports(planning, &named))
		return pr_plan_refuse(planning, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST,
				      PR_FIELD_TRANSPORT_ID);
	if (!pr_plan_has_room(planning, own.unregistered + named))
		return PR_OUTCOME_INSUFFICIENT_REGISTRATION_RESOURCES;
	register_own_ports(planning);
	register_named_ports(planning);
	pr_plan_set_aptpl(planning);
	planning->plan.bumps_generation = true;
	return PR_OUTCOME_GOOD;
}

/* A reservation goes with its holder, one of all registrants with the last of them. */
static bool reservation_goes(const struct planning *planning, const struct own_ports *own)
{
	if (pr_type_is_all_registrants(planning->reservation.type))
		return own->registered == pr_state_count(planning->state);
	return own->holder;
}

static enum pr_outcome unregister(struct planning *planning)
{
	struct own_ports own;

	if (!survey_own_ports(planning, &own))
		return PR_OUTCOME_RESERVATION_CONFLICT;
	if (reservation_goes(planning, &own)) {
		pr_plan_release(planning);
		if (pr_type_is_registrants_only(planning->reservation.type))
			planning->plan.others_unit_attention = PR_UA_RESERVATIONS_RELEASED;
	}
	unregister_own_ports(planning);
	pr_plan_set_aptpl(planning);
	planning->plan.bumps_generation = true;
	return PR_OUTCOME_GOOD;
}

enum pr_outcome pr_plan_register(struct planning *planning)
{
	const struct pr_request *request = planning->request;
	bool unregisters = request->service_action_key == 0;

	/* Nothing was there, nothing is asked for: APTPL and PRGENERATION stay as they are. */
	if (!planning->caller && unregisters)
		return PR_OUTCOME_GOOD;
	if (planning->caller && request->spec_i_pt)
		return pr_plan_refuse(planning, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST,
				      PR_FIELD_SPEC_I_PT);
	return unregisters ? unregister(planning) : register_or_replace(planning);
}
