#include "target/pr_plan.h"

#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"

struct field_pointer {
	uint16_t byte;
	int bit;
};

/* SPC-4 6.16: where the fields that the engine refuses stand in the CDB or the parameter list. */
static const struct field_pointer field_pointers[] = {
	[PR_FIELD_NONE] = {0, -1},
	[PR_FIELD_SERVICE_ACTION] = {1, 4},
	[PR_FIELD_SCOPE] = {2, 7},
	[PR_FIELD_TYPE] = {2, 3},
	[PR_FIELD_SERVICE_ACTION_KEY] = {8, -1},
	[PR_FIELD_SPEC_I_PT] = {20, 3},
	[PR_FIELD_ALL_TG_PT] = {20, 2},
	[PR_FIELD_TRANSPORT_ID] = {24, -1},
	[PR_FIELD_RELATIVE_TARGET_PORT_ID] = {18, -1},
};

static bool changes_reserve(struct pr_changes *changes, size_t more)
{
	size_t need;

	if (!size_add(changes->len, more, &need))
		return false;
	if (need <= changes->cap)
		return true;
	size_t cap = need > SIZE_MAX / 2 ? need : need + need / 2;
	uint8_t *data = realloc(changes->data, cap);
	if (!data)
		return false;
	changes->data = data;
	changes->cap = cap;
	return true;
}

static void plan_refuse(struct pr_commit_request *request, uint16_t byte, int bit)
{
	request->plan = (struct pr_plan){.outcome = PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST};
	request->field_byte = byte;
	request->field_bit = bit;
}

/* ---- REGISTER AND MOVE to a name without an ISID ---- */

struct port_search {
	const struct pr_nexus_id *wanted; /* name and target port */
	uint8_t isid[PR_ISID_LEN];
	unsigned found; /* different ISIDs; counting stops at 2 */
};

static void port_search_look(struct port_search *search, const struct pr_nexus_id *id)
{
	if (id->relative_target_port_id != search->wanted->relative_target_port_id ||
	    strcmp(id->initiator_name, search->wanted->initiator_name) != 0)
		return;
	if (search->found > 0 && memcmp(search->isid, id->isid, PR_ISID_LEN) == 0)
		return;
	memcpy(search->isid, id->isid, PR_ISID_LEN);
	search->found++;
}

/* The sheet's 1.5: such a name is taken for a port when only one such port is known. */
static bool find_named_port(const struct scsi_lun *lun, const struct pr_state *state,
			    struct pr_nexus_id *named)
{
	struct port_search search = {.wanted = named};
	const struct pr_registration *registration = pr_state_first(state);
	const struct scsi_nexus *nexus, *next;

	for (; registration && search.found < 2; registration = pr_state_next(state, registration))
		port_search_look(&search, &registration->nexus);
	HASH_ITER(hh, lun->target->nexuses, nexus, next)
	if (search.found < 2 && !nexus->closed)
		port_search_look(&search, &nexus->id);
	if (search.found != 1)
		return false;
	memcpy(named->isid, search.isid, PR_ISID_LEN);
	return true;
}

/* ---- the plan ---- */

/*
 * A TransportID at fault is told only after everything that the sheet checks before it: the plan is
 * made with what there is, and refused for the TransportID where it does not fail earlier.
 */
static bool plan_fails_before_transport_id(const struct pr_plan *plan)
{
	if (plan->outcome == PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST)
		return plan->field != PR_FIELD_TRANSPORT_ID &&
		       plan->field != PR_FIELD_RELATIVE_TARGET_PORT_ID;
	return plan->outcome != PR_OUTCOME_GOOD &&
	       plan->outcome != PR_OUTCOME_INSUFFICIENT_REGISTRATION_RESOURCES;
}

static bool action_takes_aptpl(enum pr_out_action action)
{
	return action == PR_OUT_REGISTER || action == PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY ||
	       action == PR_OUT_REGISTER_AND_MOVE;
}

static void plan_make(const struct scsi_lun *lun, const struct pr_state *state,
		      struct pr_commit_request *request, struct pr_changes *changes)
{
	const struct pr_request *out = &request->request;

	if (!changes_reserve(changes, pr_plan_changes_max(state, out))) {
		request->sense = SCSI_SENSE_INSUFFICIENT_RESOURCES;
		return;
	}
	pr_plan_make(state, lun->config.profile, out, changes->data + changes->len,
		     changes->cap - changes->len, &request->plan);
	request->changes_at = changes->len;
	request->field_byte = field_pointers[request->plan.field].byte;
	request->field_bit = field_pointers[request->plan.field].bit;
}

/* Access as for a command that starts now: the sheet's 3.1, steps 3 and 4. */
static enum pr_conflict conflict_at_start(const struct scsi_lun *lun, const struct pr_state *state,
					  const struct pr_commit_request *request)
{
	enum pr_type type = pr_state_reservation(state).type;
	enum pr_standing standing = pr_state_standing(state, &request->request.nexus);

	if (lun->spc2_owner)
		return PR_CONFLICT_SPC2_BESIDE;
	return pr_access_permits_out(type, standing, request->request.action) ? PR_CONFLICT_NONE
									      : PR_CONFLICT_ACTION;
}

void pr_plan_request(const struct scsi_lun *lun, const struct pr_state *state,
		     struct pr_commit_request *request, bool persists, struct pr_changes *changes)
{
	uint16_t wrong_byte = request->wrong_byte;
	bool aptpl_is_taken = persists && lun->config.profile->persist_through_power_loss;

	request->plan = (struct pr_plan){.outcome = PR_OUTCOME_RESERVATION_CONFLICT};
	request->plan.conflict = conflict_at_start(lun, state, request);
	if (request->plan.conflict != PR_CONFLICT_NONE)
		return;
	if (request->named_by_name && !find_named_port(lun, state, request->named))
		wrong_byte = field_pointers[PR_FIELD_TRANSPORT_ID].byte;
	plan_make(lun, state, request, changes);
	if (request->sense != SCSI_SENSE_NONE)
		return;
	if (wrong_byte != 0 && !plan_fails_before_transport_id(&request->plan))
		plan_refuse(request, wrong_byte, -1);
	else if (request->plan.outcome == PR_OUTCOME_GOOD && request->request.aptpl &&
		 !aptpl_is_taken && action_takes_aptpl(request->request.action))
		plan_refuse(request, request->aptpl_byte, 0);
	changes->len += request->plan.changes_len;
}
