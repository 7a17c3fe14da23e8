/* PREEMPT and PREEMPT AND ABORT (the sheet's 3.7 and 3.8). */
#include "tests/property/model_request.h"

enum mode {
	TAKE,
	TAKE_ALL,
	REMOVE_ONLY
};

/* Aborts what nexus `who` has waiting. A victim learns of it: by status, or by unit attention. */
static void abort_commands(struct model *m, const struct model_identity *who, bool caller,
			   struct model_answer *a)
{
	for (unsigned n = 0; n < m->nexus_count; n++) {
		struct model_nexus *nexus = &m->nexuses[n];
		if (!nexus->logged_in || !model_same_nexus(&nexus->who, who) ||
		    nexus->waiting_writes + nexus->hanging_reads == 0)
			continue;
		a->aborted[n] = nexus->waiting_writes + nexus->hanging_reads;
		a->aborted_reads += nexus->hanging_reads;
		a->aborted_with_status = m->tas;
		nexus->waiting_writes = 0;
		nexus->hanging_reads = 0;
		if (!m->tas && !caller)
			model_raise(m, who, 0x2f, 0x00);
	}
}

static void remove_victims(struct model *m, const struct model_request *r, enum mode mode,
			   struct model_answer *a)
{
	bool abort = r->action == PREEMPT_AND_ABORT;
	bool remove_caller = m->traits.removes_own_key && mode == REMOVE_ONLY;
	unsigned i = 0;

	while (i < m->registration_count) {
		struct model_identity who = m->registrations[i].who;
		bool caller = model_same_nexus(&who, r->caller);
		bool matched = mode == TAKE_ALL ? !caller : m->registrations[i].key == r->new_key;
		if (matched && abort)
			abort_commands(m, &who, caller, a);
		if (!matched || (caller && !remove_caller)) {
			i++;
			continue;
		}
		if (!caller && m->traits.preempt_ascq != 0)
			model_raise(m, &who, 0x2a, m->traits.preempt_ascq);
		model_remove(m, (int)i);
	}
}

static bool key_is_registered(const struct model *m, uint64_t key)
{
	for (unsigned i = 0; i < m->registration_count; i++)
		if (m->registrations[i].key == key)
			return true;
	return false;
}

void model_preempt(struct model *m, const struct model_request *r, struct model_answer *a)
{
	bool ar = model_is_ar(m->type);
	enum mode mode = REMOVE_ONLY;

	if (m->type != 0 && !ar && r->new_key == m->registrations[m->holder].key) {
		mode = TAKE;
	} else if (ar && r->new_key == 0) {
		mode = TAKE_ALL;
	} else if (m->traits.always_checks_type && !model_type_supported(m, r->type)) {
		model_check(a, 5, 0x24, 0, POINTER_TYPE);
		return;
	} else if (r->new_key == 0 && !m->traits.key_0_conflicts) {
		model_check(a, 5, 0x26, 0, POINTER_SARK);
		return;
	}
	if (mode == REMOVE_ONLY) {
		if (!key_is_registered(m, r->new_key)) {
			model_conflict(a);
			return;
		}
	} else if (r->scope != 0) {
		model_check(a, 5, 0x24, 0, UNTOLD);
		return;
	} else if (!model_type_supported(m, r->type)) {
		model_check(a, 5, 0x24, 0, POINTER_TYPE);
		return;
	}

	uint8_t old_type = m->type;
	if (mode != REMOVE_ONLY) {
		m->type = 0;
		m->holder = -1;
	}
	remove_victims(m, r, mode, a);
	if (mode != REMOVE_ONLY) {
		model_reserve(m, r->caller, r->type);
		if (old_type != r->type)
			model_raise_for_registered(m, r->caller, 0x2a, 0x04);
	}
	m->generation++;
	model_good(a);
}
