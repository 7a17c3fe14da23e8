/*
 * PERSISTENT RESERVE OUT: the checks that all service actions share, in their order, and the table
 * of what each asks for. What an action does stands in plan_register.c, plan_reserve.c,
 * plan_preempt.c and plan_move.c.
 */
#include "pr_engine/plan_internal.h"

#include <assert.h>
#include <string.h>

/* What RESERVATION KEY has to be (the sheet's 3.1, step 7). */
enum key_rule {
	KEY_OF_CALLER = 0,  /* the caller is registered, with this key */
	KEY_OF_CALLER_OR_0, /* ... or is not, and the key is 0 */
	KEY_IGNORED,
};

/* What becomes of a set flag of byte 20 (step 8). */
enum flag_rule {
	FLAG_REFUSED = 0,
	FLAG_OF_PROFILE, /* refused unless the profile supports it */
	FLAG_IGNORED,
};

struct action {
	enum pr_outcome (*plan)(struct planning *planning);
	enum key_rule key;
	enum flag_rule spec_i_pt;
	enum flag_rule all_tg_pt;
	bool checks_scope; /* step 6; PREEMPT checks later, and only when it will reserve */
	bool checks_type;
};

static const struct action actions[PR_OUT_ACTION_COUNT] = {
	[PR_OUT_REGISTER] = {.plan = pr_plan_register,
			     .key = KEY_OF_CALLER_OR_0,
			     .spec_i_pt = FLAG_OF_PROFILE,
			     .all_tg_pt = FLAG_OF_PROFILE},
	[PR_OUT_RESERVE] = {.plan = pr_plan_reserve_action,
			    .all_tg_pt = FLAG_IGNORED,
			    .checks_scope = true,
			    .checks_type = true},
	[PR_OUT_RELEASE] = {.plan = pr_plan_release_action,
			    .all_tg_pt = FLAG_IGNORED,
			    .checks_scope = true},
	[PR_OUT_CLEAR] = {.plan = pr_plan_clear, .all_tg_pt = FLAG_IGNORED},
	[PR_OUT_PREEMPT] = {.plan = pr_plan_preempt, .all_tg_pt = FLAG_IGNORED},
	[PR_OUT_PREEMPT_AND_ABORT] = {.plan = pr_plan_preempt_and_abort, .all_tg_pt = FLAG_IGNORED},
	[PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY] = {.plan = pr_plan_register,
						     .key = KEY_IGNORED,
						     .all_tg_pt = FLAG_OF_PROFILE},
	/* Its parameter list has other things in byte 20. */
	[PR_OUT_REGISTER_AND_MOVE] = {.plan = pr_plan_move,
				      .spec_i_pt = FLAG_IGNORED,
				      .all_tg_pt = FLAG_IGNORED},
};

/* ---- what the actions use ---- */

enum pr_outcome pr_plan_refuse(struct planning *planning, enum pr_outcome outcome,
			       enum pr_field field)
{
	planning->plan.field = field;
	return outcome;
}

enum pr_outcome pr_plan_conflict(struct planning *planning, enum pr_conflict conflict)
{
	planning->plan.conflict = conflict;
	return PR_OUTCOME_RESERVATION_CONFLICT;
}

enum pr_outcome pr_plan_check_scope(struct planning *planning)
{
	if (planning->request->scope != 0)
		return pr_plan_refuse(planning, PR_OUTCOME_INVALID_FIELD_IN_CDB, PR_FIELD_SCOPE);
	return PR_OUTCOME_GOOD;
}

enum pr_outcome pr_plan_check_type(struct planning *planning)
{
	if (!pr_profile_has_type(planning->profile, planning->request->type))
		return pr_plan_refuse(planning, PR_OUTCOME_INVALID_FIELD_IN_CDB, PR_FIELD_TYPE);
	return PR_OUTCOME_GOOD;
}

bool pr_plan_has_room(const struct planning *planning, uint64_t additions)
{
	uint32_t room = pr_state_capacity(planning->state) - pr_state_count(planning->state);

	/* UINT64_MAX is never an id, but may be the next one: then there are no more. */
	return additions <= room && additions <= UINT64_MAX - planning->next_id;
}

bool pr_plan_is_holder(const struct planning *planning, const struct pr_registration *registration)
{
	if (planning->reservation.type == PR_TYPE_NONE)
		return false;
	return pr_type_is_all_registrants(planning->reservation.type) ||
	       planning->reservation.holder_id == registration->id;
}

bool pr_plan_same_initiator_port(const struct pr_nexus_id *a, const struct pr_nexus_id *b)
{
	return memcmp(a->isid, b->isid, PR_ISID_LEN) == 0 &&
	       strcmp(a->initiator_name, b->initiator_name) == 0;
}

uint64_t pr_plan_add(struct planning *planning, const struct pr_nexus_id *nexus, uint64_t key)
{
	struct pr_change change = {
		.op = PR_CHANGE_ADD,
		.registration_id = planning->next_id++,
		.key = key,
		.since = planning->request->stamp,
		.nexus = *nexus,
	};

	pr_change_encode(&change, &planning->changes);
	return change.registration_id;
}

void pr_plan_remove(struct planning *planning, const struct pr_registration *registration)
{
	struct pr_change change = {.op = PR_CHANGE_REMOVE, .registration_id = registration->id};

	pr_change_encode(&change, &planning->changes);
}

void pr_plan_release(struct planning *planning)
{
	struct pr_change change = {.op = PR_CHANGE_RELEASE};

	pr_change_encode(&change, &planning->changes);
}

void pr_plan_reserve(struct planning *planning, enum pr_type type, uint8_t scope,
		     uint64_t holder_id)
{
	struct pr_change change = {
		.op = PR_CHANGE_RESERVE,
		.type = type,
		.scope = scope,
		.registration_id = pr_type_is_all_registrants(type) ? 0 : holder_id,
		.since = planning->request->stamp,
	};

	pr_change_encode(&change, &planning->changes);
}

void pr_plan_set_key(struct planning *planning, const struct pr_registration *registration,
		     uint64_t key)
{
	struct pr_change change = {
		.op = PR_CHANGE_SET_KEY,
		.registration_id = registration->id,
		.key = key,
	};

	if (registration->key != key)
		pr_change_encode(&change, &planning->changes);
}

void pr_plan_set_aptpl(struct planning *planning)
{
	struct pr_change change = {.op = PR_CHANGE_APTPL, .aptpl = planning->request->aptpl};

	planning->aptpl_ever |= change.aptpl;
	if (pr_state_aptpl(planning->state) != change.aptpl)
		pr_change_encode(&change, &planning->changes);
}

/* ---- the checks in their order ---- */

static enum pr_outcome check_scope_and_type(struct planning *planning, const struct action *action)
{
	enum pr_outcome outcome = PR_OUTCOME_GOOD;

	if (action->checks_scope)
		outcome = pr_plan_check_scope(planning);
	if (outcome == PR_OUTCOME_GOOD && action->checks_type)
		outcome = pr_plan_check_type(planning);
	return outcome;
}

static bool key_is_right(const struct planning *planning, enum key_rule rule)
{
	uint64_t key = planning->request->reservation_key;

	if (rule == KEY_IGNORED)
		return true;
	if (planning->caller)
		return planning->caller->key == key;
	return rule == KEY_OF_CALLER_OR_0 && key == 0;
}

static bool flag_passes(bool flag, enum flag_rule rule, bool supported)
{
	return !flag || rule == FLAG_IGNORED || (rule == FLAG_OF_PROFILE && supported);
}

static enum pr_outcome check_flags(struct planning *planning, const struct action *action)
{
	const struct pr_request *request = planning->request;
	const struct pr_profile *profile = planning->profile;

	if (!flag_passes(request->spec_i_pt, action->spec_i_pt, profile->specify_initiator_ports))
		return pr_plan_refuse(planning, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST,
				      PR_FIELD_SPEC_I_PT);
	if (!flag_passes(request->all_tg_pt, action->all_tg_pt, profile->all_target_ports))
		return pr_plan_refuse(planning, PR_OUTCOME_INVALID_FIELD_IN_PARAMETER_LIST,
				      PR_FIELD_ALL_TG_PT);
	return PR_OUTCOME_GOOD;
}

static bool action_is_supported(const struct pr_profile *profile, unsigned action)
{
	return action < PR_OUT_ACTION_COUNT && (profile->out_actions >> action & 1) != 0;
}

static enum pr_outcome plan_action(struct planning *planning)
{
	if (!action_is_supported(planning->profile, planning->request->action))
		return pr_plan_refuse(planning, PR_OUTCOME_INVALID_FIELD_IN_CDB,
				      PR_FIELD_SERVICE_ACTION);

	const struct action *action = &actions[planning->request->action];
	enum pr_outcome outcome = check_scope_and_type(planning, action);
	if (outcome != PR_OUTCOME_GOOD)
		return outcome;
	if (!key_is_right(planning, action->key))
		return pr_plan_conflict(planning, planning->caller ? PR_CONFLICT_KEY
								   : PR_CONFLICT_NOT_REGISTERED);
	outcome = check_flags(planning, action);
	if (outcome != PR_OUTCOME_GOOD)
		return outcome;
	return action->plan(planning);
}

/* ---- the whole ---- */

static uint64_t additions_max(const struct pr_state *state, const struct pr_request *request)
{
	uint64_t room = pr_state_capacity(state) - pr_state_count(state);
	uint64_t additions = 1;

	if (request->spec_i_pt)
		additions += request->named_count;
	if (request->all_tg_pt)
		additions *= (uint64_t)request->target_port_count + 1;
	return additions < room ? additions : room;
}

size_t pr_plan_changes_max(const struct pr_state *state, const struct pr_request *request)
{
	/* RESERVE or RELEASE, APTPL, and one for the caller: of these there is one each. */
	size_t max = 3 * PR_CHANGE_SHORT_MAX;

	assert(request->target_port_count <= UINT16_MAX); /* ids of 16 bits, each once */
	switch (request->action) {
	case PR_OUT_REGISTER:
	case PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY:
		max += additions_max(state, request) * PR_CHANGE_ENCODED_MAX;
		if (request->all_tg_pt)
			max += (size_t)request->target_port_count * PR_CHANGE_SHORT_MAX;
		break;
	case PR_OUT_REGISTER_AND_MOVE:
		max += PR_CHANGE_ENCODED_MAX;
		break;
	case PR_OUT_PREEMPT:
	case PR_OUT_PREEMPT_AND_ABORT:
		max += (size_t)pr_state_count(state) * PR_CHANGE_SHORT_MAX;
		break;
	case PR_OUT_RESERVE:
	case PR_OUT_RELEASE:
	case PR_OUT_CLEAR:
	case PR_OUT_ACTION_COUNT:
		break;
	}
	return max;
}

void pr_plan_make(const struct pr_state *state, const struct pr_profile *profile,
		  const struct pr_request *request, uint8_t *changes, size_t changes_cap,
		  struct pr_plan *ret_plan)
{
	struct planning planning = {
		.state = state,
		.profile = profile,
		.request = request,
		.caller = pr_state_find(state, &request->nexus),
		.reservation = pr_state_reservation(state),
		.next_id = pr_state_next_id(state),
		.aptpl_ever = pr_state_aptpl(state),
		.changes = byte_writer_over(changes, changes_cap),
	};

	assert(changes_cap >= pr_plan_changes_max(state, request));
	enum pr_outcome outcome = plan_action(&planning);
	assert(!planning.changes.overflow);
	if (outcome != PR_OUTCOME_GOOD)
		planning.plan = (struct pr_plan){.field = planning.plan.field,
						 .conflict = planning.plan.conflict};
	planning.plan.outcome = outcome;
	*ret_plan = planning.plan;
	if (outcome != PR_OUTCOME_GOOD)
		return;
	ret_plan->changes_len = planning.changes.len;
	/* The sheet's 3.11: in force before or after, also when it is this command that ends it. */
	ret_plan->must_persist = planning.changes.len > 0 && planning.aptpl_ever;
}
