/*
 * A logical unit in memory, for tests of plans: initiators are single letters, keys are named after
 * them, and the whole state is one line of text.
 */
#ifndef TESTS_UNIT_PR_ENGINE_LU_H
#define TESTS_UNIT_PR_ENGINE_LU_H

#include <check.h>

#include "pr_engine/access.h"
#include "pr_engine/plan.h"

#define LU_CAPACITY 16

struct lu {
	struct pr_state *state;
	const struct pr_profile *profile;
	struct pr_plan plan;	   /* of the last request */
	char shown[1024];	   /* lu_show */
	char unit_attentions[256]; /* from the last request, e.g. "B:PREEMPTED C:RELEASED" */
	uint64_t time_ms;
};

/* Both profiles, for loop tests over _i: 0 is dlt-s4, 1 is spc4. */
#define LU_PROFILES 2
const struct pr_profile *lu_profile(int i);

/* Registers each letter of `registered` with its own key; then the holder, if any, reserves. */
struct lu *lu_open(const struct pr_profile *profile, const char *registered, char holder,
		   unsigned type);
struct lu *lu_open_with_capacity(const struct pr_profile *profile, uint32_t capacity);
void lu_free(struct lu **lu);

uint64_t lu_key(char letter);
/* The nexus of that initiator, ISID all zero, on target port 1. */
struct pr_nexus_id lu_nexus(char letter);
struct pr_nexus_id lu_nexus_at(char letter, uint8_t isid, uint16_t port);

struct pr_request lu_request(char caller, enum pr_out_action action, uint64_t reservation_key,
			     uint64_t service_action_key);

/*
 * Sends it as target/ would: access, plan, apply, effects. Asserts on the way what is true of every
 * plan, and the state's invariants.
 */
enum pr_outcome lu_send(struct lu *lu, const struct pr_request *request);

/* The usual ones. The caller uses its own key. */
enum pr_outcome lu_register(struct lu *lu, char caller);
enum pr_outcome lu_unregister(struct lu *lu, char caller);
enum pr_outcome lu_reserve(struct lu *lu, char caller, unsigned type);
enum pr_outcome lu_release(struct lu *lu, char caller, unsigned type);
enum pr_outcome lu_clear(struct lu *lu, char caller);
enum pr_outcome lu_preempt(struct lu *lu, char caller, uint64_t key, unsigned type);

/*
 * "A B=X C@2 D/7, B holds 5, aptpl": registrations in their order, with the key when it is not the
 * initiator's own, the target port when it is not 1, the ISID's last byte when it is not 0; who
 * holds which type ("all hold 7"); APTPL when set.
 */
const char *lu_show(struct lu *lu);

/* The last request ended so, did or did not bump PRGENERATION, and left this. */
#define ck_assert_lu(lu, expected_outcome, bumps, expected_shown, expected_unit_attentions) \
	do {                                                                                \
		ck_assert_int_eq((lu)->plan.outcome, (expected_outcome));                   \
		ck_assert_int_eq((lu)->plan.bumps_generation, (bumps));                     \
		ck_assert_str_eq(lu_show(lu), (expected_shown));                            \
		ck_assert_str_eq((lu)->unit_attentions, (expected_unit_attentions));        \
	} while (0)

/* It was refused, with this field at fault, and all is as it was. */
#define ck_assert_lu_refused(lu, expected_outcome, expected_field, expected_shown) \
	do {                                                                       \
		ck_assert_lu(lu, expected_outcome, false, expected_shown, "");     \
		ck_assert_int_eq((lu)->plan.field, (expected_field));              \
	} while (0)

#endif
