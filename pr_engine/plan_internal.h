/*
 * What the plan functions share: for plan*.c only.
 *
 * One function an action, in the table of plan.c. When it runs, the caller's registration and key
 * have been checked as the table's row says, and the request's flags too. It judges the rest, emits
 * the changes, and returns the outcome; the plan's effects it sets on the way.
 */
#ifndef PR_ENGINE_PLAN_INTERNAL_H
#define PR_ENGINE_PLAN_INTERNAL_H

#include "pr_engine/bytes.h"
#include "pr_engine/plan.h"

struct planning {
	const struct pr_state *state;
	const struct pr_profile *profile;
	const struct pr_request *request;
	const struct pr_registration *caller; /* NULL: not registered */
	struct pr_reservation reservation;
	uint64_t next_id; /* for the next registration that this plan adds */
	bool aptpl_ever;  /* APTPL is in force before or after */
	struct byte_writer changes;
	struct pr_plan plan;
};

/* Sets the field at fault and returns the outcome. */
enum pr_outcome pr_plan_refuse(struct planning *planning, enum pr_outcome outcome,
			       enum pr_field field);

/* Sets the reason and returns RESERVATION_CONFLICT. */
enum pr_outcome pr_plan_conflict(struct planning *planning, enum pr_conflict conflict);

/* Scope and type of a reservation that is about to be made: GOOD, or the refusal. */
enum pr_outcome pr_plan_check_scope(struct planning *planning);
enum pr_outcome pr_plan_check_type(struct planning *planning);

/* Is there room for so many more registrations, and are there ids for them? */
bool pr_plan_has_room(const struct planning *planning, uint64_t additions);

/* Does this registration hold the reservation, alone or with all others? */
bool pr_plan_is_holder(const struct planning *planning, const struct pr_registration *registration);

/* Initiator ports: names and ISIDs, whatever the target ports are. */
bool pr_plan_same_initiator_port(const struct pr_nexus_id *a, const struct pr_nexus_id *b);

/* Each appends one change. add gives the new registration's id. */
uint64_t pr_plan_add(struct planning *planning, const struct pr_nexus_id *nexus, uint64_t key);
void pr_plan_remove(struct planning *planning, const struct pr_registration *registration);
void pr_plan_release(struct planning *planning);
void pr_plan_reserve(struct planning *planning, enum pr_type type, uint8_t scope,
		     uint64_t holder_id);

/* These two append nothing when the state is already so. */
void pr_plan_set_key(struct planning *planning, const struct pr_registration *registration,
		     uint64_t key);
void pr_plan_set_aptpl(struct planning *planning);

/* The actions. */
enum pr_outcome pr_plan_register(struct planning *planning);
enum pr_outcome pr_plan_reserve_action(struct planning *planning);
enum pr_outcome pr_plan_release_action(struct planning *planning);
enum pr_outcome pr_plan_clear(struct planning *planning);
enum pr_outcome pr_plan_preempt(struct planning *planning);
enum pr_outcome pr_plan_preempt_and_abort(struct planning *planning);
enum pr_outcome pr_plan_move(struct planning *planning);

#endif
