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

/* `port` on the target ports that a request covers, one after the other. */
struct coverage {
	const struct pr_request *request;
	uint32_t at; /* 0: the one it came through; behind it are all of the target's */
	struct pr_nexus_id nexus;
};

static struct coverage coverage_of(const struct pr_request *request, const struct pr_nexus_id *port)
{
	return (struct coverage){.request = request, .nexus = *port};
}

/* The next nexus that the request covers; NULL when there are no more. */
static const struct pr_nexus_id *coverage_next(struct coverage *coverage)
{
	const struct pr_request *request = coverage->request;
	uint16_t own = request->nexus.relative_target_port_id;
	uint32_t ports = request->all_tg_pt ? request->target_port_count + 1 : 1;

	while (coverage->at < ports) {
		uint32_t at = coverage->at++;
		uint16_t id = at == 0 ? own : request->target_ports[at - 1];

		if (at > 0 && id == own)
			continue; /* the first one again */
		coverage->nexus.relative_target_port_id = id;
		return &coverage->nexus;
	}
	return NULL;
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
	struct coverage coverage = coverage_of(request, &request->nexus);
	const struct pr_nexus_id *nexus;
	struct own_ports own = {0};

	while ((nexus = coverage_next(&coverage)) != NULL) {
		const struct pr_registration *registration = pr_state_find(planning->state, nexus);
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

/* With the request's key: registered, or re-keyed. With key 0: gone. */
static void change_own_ports(struct planning *planning)
{
	const struct pr_request *request = planning->request;
	struct coverage coverage = coverage_of(request, &request->nexus);
	uint64_t key = request->service_action_key;
	const struct pr_nexus_id *nexus;

	while ((nexus = coverage_next(&coverage)) != NULL) {
		const struct pr_registration *registration = pr_state_find(planning->state, nexus);
		if (registration && key != 0)
			pr_plan_set_key(planning, registration, key);
		else if (registration)
			pr_plan_remove(planning, registration);
		else if (key != 0)
			pr_plan_add(planning, nexus, key);
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

	for (uint32_t n = 0; n < named_count(request); n++) {
		if (request->named[n].initiator_name[0] == '\0')
			return false;
		if (is_named_before(request, n))
			continue;
		struct coverage coverage = coverage_of(request, &request->named[n]);
		const struct pr_nexus_id *nexus;
		while ((nexus = coverage_next(&coverage)) != NULL) {
			if (pr_state_find(planning->state, nexus))
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

	for (uint32_t n = 0; n < named_count(request); n++) {
		if (is_named_before(request, n))
			continue;
		struct coverage coverage = coverage_of(request, &request->named[n]);
		const struct pr_nexus_id *nexus;
		while ((nexus = coverage_next(&coverage)) != NULL)
			pr_plan_add(planning, nexus, request->service_action_key);
	}
}

/* ---- the rows of the tables ---- */

static enum pr_outcome register_or_replace(struct planning *planning)
{
	struct own_ports own;
	uint64_t named;

	if (!survey_own_ports(planning, &own))
		return pr_plan_conflict(planning, PR_CONFLICT_KEY_ELSEWHERE);
	if (!survey_named_ports(planning, &named))
		return pr_plan_refuse(planning, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST,
				      PR_FIELD_TRANSPORT_ID);
	if (!pr_plan_has_room(planning, own.unregistered + named))
		return PR_OUTCOME_INSUFFICIENT_REGISTRATION_RESOURCES;
	change_own_ports(planning);
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
		return pr_plan_conflict(planning, PR_CONFLICT_KEY_ELSEWHERE);
	if (reservation_goes(planning, &own)) {
		pr_plan_release(planning);
		if (pr_type_is_registrants_only(planning->reservation.type))
			planning->plan.others_unit_attention = PR_UA_RESERVATIONS_RELEASED;
	}
	change_own_ports(planning);
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
