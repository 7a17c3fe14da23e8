#include "tests/unit/pr_engine/lu.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pr_engine/bytes.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

const struct pr_profile *lu_profile(int i)
{
	return i == 0 ? &pr_profile_dlt_s4 : &pr_profile_spc4;
}

struct lu *lu_open_with_capacity(const struct pr_profile *profile, uint32_t capacity)
{
	struct lu *lu = calloc(1, sizeof(*lu));
	ck_assert_ptr_nonnull(lu);
	void *memory = calloc(1, pr_state_size(capacity));
	ck_assert_ptr_nonnull(memory);

	lu->state = pr_state_init(memory, capacity, 42);
	lu->profile = profile;
	lu->time_ms = 1000;
	return lu;
}

struct lu *lu_open(const struct pr_profile *profile, const char *registered, char holder,
		   unsigned type)
{
	struct lu *lu = lu_open_with_capacity(profile, LU_CAPACITY);

	for (; *registered != '\0'; registered++)
		ck_assert_int_eq(lu_register(lu, *registered), PR_OUTCOME_GOOD);
	if (holder != 0)
		ck_assert_int_eq(lu_reserve(lu, holder, type), PR_OUTCOME_GOOD);
	return lu;
}

void lu_free(struct lu **lu)
{
	free((*lu)->state);
	free(*lu);
	*lu = NULL;
}

uint64_t lu_key(char letter)
{
	return 0x1000U + (unsigned char)letter;
}

struct pr_nexus_id lu_nexus_at(char letter, uint8_t isid, uint16_t port)
{
	struct pr_nexus_id nexus = {
		.initiator_name = "iqn.2020-01.test:?",
		.isid = {[PR_ISID_LEN - 1] = isid},
		.relative_target_port_id = port,
	};

	*strchr(nexus.initiator_name, '?') = letter;
	return nexus;
}

struct pr_nexus_id lu_nexus(char letter)
{
	return lu_nexus_at(letter, 0, 1);
}

struct pr_request lu_request(char caller, enum pr_out_action action, uint64_t reservation_key,
			     uint64_t service_action_key)
{
	return (struct pr_request){
		.action = action,
		.reservation_key = reservation_key,
		.service_action_key = service_action_key,
		.nexus = lu_nexus(caller),
	};
}

/* ---- what is true of every plan ---- */

static void check_plan(const struct pr_plan *plan)
{
	if (plan->outcome == PR_OUTCOME_GOOD) {
		ck_assert_int_eq(plan->field, PR_FIELD_NONE);
		ck_assert(!plan->must_persist || plan->changes_len > 0);
		return;
	}
	ck_assert_int_ne(plan->outcome, PR_OUTCOME_INVALID);
	ck_assert_uint_eq(plan->changes_len, 0);
	ck_assert(!plan->bumps_generation && !plan->must_persist);
	ck_assert(!plan->abort_victims && !plan->abort_caller);
	ck_assert_int_eq(plan->victims_unit_attention, PR_UA_NONE);
	ck_assert_int_eq(plan->others_unit_attention, PR_UA_NONE);
}

static void note_unit_attention(struct lu *lu, char letter, enum pr_unit_attention ua)
{
	static const char *const names[] = {
		[PR_UA_NONE] = NULL,
		[PR_UA_RESERVATIONS_PREEMPTED] = "PREEMPTED",
		[PR_UA_RESERVATIONS_RELEASED] = "RELEASED",
		[PR_UA_REGISTRATIONS_PREEMPTED] = "UNREGISTERED",
	};
	size_t at = strlen(lu->unit_attentions);

	if (ua != PR_UA_NONE)
		snprintf(lu->unit_attentions + at, sizeof(lu->unit_attentions) - at, "%s%c:%s",
			 at > 0 ? " " : "", letter, names[ua]);
}

static void note_unit_attentions(struct lu *lu, const struct pr_request *request,
				 const bool *was_registered)
{
	for (size_t i = 0; i < sizeof(LETTERS) - 1; i++) {
		struct pr_nexus_id nexus = lu_nexus(LETTERS[i]);
		bool is_registered = pr_state_find(lu->state, &nexus) != NULL;
		if (pr_nexus_id_equal(&nexus, &request->nexus))
			continue;
		if (was_registered[i] && !is_registered)
			note_unit_attention(lu, LETTERS[i], lu->plan.victims_unit_attention);
		if (is_registered)
			note_unit_attention(lu, LETTERS[i], lu->plan.others_unit_attention);
	}
}

static void apply_plan(struct lu *lu, const struct pr_request *request, const uint8_t *changes)
{
	bool was_registered[sizeof(LETTERS)];
	bool aptpl_before = pr_state_aptpl(lu->state);

	for (size_t i = 0; i < sizeof(LETTERS) - 1; i++) {
		struct pr_nexus_id nexus = lu_nexus(LETTERS[i]);
		was_registered[i] = pr_state_find(lu->state, &nexus) != NULL;
	}
	ck_assert(pr_state_apply_encoded(lu->state, changes, lu->plan.changes_len));
	ck_assert_ptr_null(pr_state_check(lu->state));
	ck_assert_int_eq(lu->plan.must_persist,
			 lu->plan.changes_len > 0 && (aptpl_before || pr_state_aptpl(lu->state)));
	if (lu->plan.bumps_generation)
		pr_state_set_generation(lu->state, pr_state_generation(lu->state) + 1);
	note_unit_attentions(lu, request, was_registered);
}

enum pr_outcome lu_send(struct lu *lu, const struct pr_request *request)
{
	struct pr_request stamped = *request;
	size_t max = pr_plan_changes_max(lu->state, &stamped);
	/* Exactly so many bytes, so that a sanitizer sees one too many. */
	uint8_t *changes = malloc(max);

	stamped.stamp = (struct pr_stamp){.time_ms = ++lu->time_ms, .sequence = lu->time_ms};
	lu->unit_attentions[0] = '\0';
	lu->plan = (struct pr_plan){.outcome = PR_OUTCOME_RESERVATION_CONFLICT};
	if (pr_access_permits_out(pr_state_reservation(lu->state).type,
				  pr_state_standing(lu->state, &stamped.nexus), stamped.action))
		pr_plan_make(lu->state, lu->profile, &stamped, changes, max, &lu->plan);
	check_plan(&lu->plan);
	if (lu->plan.outcome == PR_OUTCOME_GOOD)
		apply_plan(lu, &stamped, changes);
	free(changes);
	return lu->plan.outcome;
}

/* ---- the usual requests ---- */

enum pr_outcome lu_register(struct lu *lu, char caller)
{
	struct pr_request request = lu_request(caller, PR_OUT_REGISTER, 0, lu_key(caller));

	return lu_send(lu, &request);
}

enum pr_outcome lu_unregister(struct lu *lu, char caller)
{
	struct pr_request request = lu_request(caller, PR_OUT_REGISTER, lu_key(caller), 0);

	return lu_send(lu, &request);
}

static enum pr_outcome send_typed(struct lu *lu, char caller, enum pr_out_action action,
				  uint64_t service_action_key, unsigned type)
{
	struct pr_request request = lu_request(caller, action, lu_key(caller), service_action_key);

	request.type = (uint8_t)type;
	return lu_send(lu, &request);
}

enum pr_outcome lu_reserve(struct lu *lu, char caller, unsigned type)
{
	return send_typed(lu, caller, PR_OUT_RESERVE, 0, type);
}

enum pr_outcome lu_release(struct lu *lu, char caller, unsigned type)
{
	return send_typed(lu, caller, PR_OUT_RELEASE, 0, type);
}

enum pr_outcome lu_clear(struct lu *lu, char caller)
{
	return send_typed(lu, caller, PR_OUT_CLEAR, 0, 0);
}

enum pr_outcome lu_preempt(struct lu *lu, char caller, uint64_t key, unsigned type)
{
	return send_typed(lu, caller, PR_OUT_PREEMPT, key, type);
}

/* ---- the state as text ---- */

static void show_text(struct lu *lu, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void show_text(struct lu *lu, const char *format, ...)
{
	size_t at = strlen(lu->shown);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(lu->shown + at, sizeof(lu->shown) - at, format, arguments);
	va_end(arguments);
}

static char letter_of(const struct pr_registration *registration)
{
	return registration->nexus.initiator_name[strlen(registration->nexus.initiator_name) - 1];
}

static void show_registration(struct lu *lu, const struct pr_registration *registration)
{
	const struct pr_nexus_id *nexus = &registration->nexus;

	show_text(lu, "%s%c", lu->shown[0] != '\0' ? " " : "", letter_of(registration));
	if (nexus->isid[PR_ISID_LEN - 1] != 0)
		show_text(lu, "/%u", nexus->isid[PR_ISID_LEN - 1]);
	if (nexus->relative_target_port_id != 1)
		show_text(lu, "@%u", nexus->relative_target_port_id);
	if (registration->key != lu_key(letter_of(registration)))
		show_text(lu, "=%c", (char)(registration->key - lu_key(0)));
}

const char *lu_show(struct lu *lu)
{
	const struct pr_registration *registration = pr_state_first(lu->state);
	struct pr_reservation reservation = pr_state_reservation(lu->state);

	lu->shown[0] = '\0';
	for (; registration; registration = pr_state_next(lu->state, registration))
		show_registration(lu, registration);
	registration = pr_state_by_id(lu->state, reservation.holder_id);
	if (registration)
		show_text(lu, ", %c holds %d", letter_of(registration), reservation.type);
	else if (reservation.type != PR_TYPE_NONE)
		show_text(lu, ", all hold %d", reservation.type);
	if (pr_state_aptpl(lu->state))
		show_text(lu, ", aptpl");
	return lu->shown;
}
