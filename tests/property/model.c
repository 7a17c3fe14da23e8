/* The order of checks, unit attentions, events. PR IN and PR OUT have files of their own. */
#include "tests/property/model.h"

#include <string.h>

uint64_t model_be(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < bytes; i++)
		v = v * 256 + p[i];
	return v;
}

void model_put_be(uint8_t *p, unsigned bytes, uint64_t v)
{
	for (unsigned i = bytes; i > 0; i--) {
		p[i - 1] = (uint8_t)(v % 256);
		v /= 256;
	}
}

bool model_open(struct model_script *script)
{
	bool bit = script->asked < 32 && (script->bits >> script->asked & 1) != 0;
	script->asked++;
	return bit;
}

void model_good(struct model_answer *a)
{
	a->status = MODEL_GOOD;
}

void model_conflict(struct model_answer *a)
{
	a->status = MODEL_CONFLICT;
}

void model_check(struct model_answer *a, uint8_t key, uint8_t asc, uint8_t ascq, int32_t pointer)
{
	a->status = MODEL_CHECK_CONDITION;
	a->key = key;
	a->asc = asc;
	a->ascq = ascq;
	a->pointer = pointer;
}

bool model_same_port(const struct model_identity *a, const struct model_identity *b)
{
	return strcmp(a->name, b->name) == 0 && memcmp(a->isid, b->isid, 6) == 0;
}

bool model_same_nexus(const struct model_identity *a, const struct model_identity *b)
{
	return model_same_port(a, b) && a->port == b->port;
}

int model_find(const struct model *m, const struct model_identity *who)
{
	for (unsigned i = 0; i < m->registration_count; i++)
		if (model_same_nexus(&m->registrations[i].who, who))
			return (int)i;
	return -1;
}

bool model_is_ar(uint8_t type)
{
	return type == 7 || type == 8;
}

/* Under the all-registrants types everybody who is registered holds the reservation (3.13). */
bool model_is_holder(const struct model *m, int registration)
{
	if (m->type == 0 || registration < 0)
		return false;
	return model_is_ar(m->type) || m->holder == registration;
}

bool model_type_supported(const struct model *m, uint8_t type)
{
	return type < 16 && (m->traits.types >> type & 1) != 0;
}

/* ---- unit attentions (3.12) ---- */

/* For a nexus that is logged in; one that is not has none. The same code is not queued twice. */
void model_raise(struct model *m, const struct model_identity *who, uint8_t asc, uint8_t ascq)
{
	for (unsigned n = 0; n < m->nexus_count; n++) {
		struct model_nexus *nexus = &m->nexuses[n];
		if (!nexus->logged_in || !model_same_nexus(&nexus->who, who))
			continue;
		bool queued = false;
		for (unsigned i = 0; i < nexus->ua_count; i++)
			if (nexus->uas[i].asc == asc && nexus->uas[i].ascq == ascq)
				queued = true;
		if (!queued && nexus->ua_count < MODEL_UAS_MAX)
			nexus->uas[nexus->ua_count++] = (struct model_ua){asc, ascq};
	}
}

static void drop_ua(struct model_nexus *nexus, unsigned index)
{
	for (unsigned i = index; i + 1 < nexus->ua_count; i++)
		nexus->uas[i] = nexus->uas[i + 1];
	nexus->ua_count--;
}

/*
 * Takes the unit attention that is to be reported now, the 29h class first. Whether a session that
 * has just begun starts with a 29/xx is open, and so is how many of several 29/xx are told.
 */
static bool take_ua(struct model_nexus *nexus, struct model_script *script, struct model_answer *a)
{
	if (nexus->resets_certain > 0 || (nexus->resets_possible > 0 && model_open(script))) {
		nexus->resets_certain = 0;
		nexus->resets_possible--;
		model_check(a, 6, 0x29, 0, -1);
		a->any_reset = true;
		return true;
	}
	nexus->resets_possible = 0;
	if (nexus->ua_count == 0)
		return false;

	/* "Several stay queued in order"; the order among those of one class is not told. */
	unsigned chosen = 0;
	while (chosen + 1 < nexus->ua_count && model_open(script))
		chosen++;
	model_check(a, 6, nexus->uas[chosen].asc, nexus->uas[chosen].ascq, -1);
	drop_ua(nexus, chosen);
	return true;
}

bool model_has_ua(const struct model_nexus *nexus)
{
	return nexus->resets_possible > 0 || nexus->ua_count > 0;
}

/* INQUIRY, REPORT LUNS: run regardless, and leave the unit attention. */
static bool skips_ua(uint8_t opcode)
{
	return opcode == 0x12 || opcode == 0xa0;
}

static void request_sense(struct model *m, const struct model_command *c,
			  struct model_script *script, struct model_answer *a)
{
	if (!take_ua(&m->nexuses[c->nexus], script, a)) {
		a->key = 0;
		a->asc = 0;
		a->ascq = 0;
	}
	a->status = MODEL_GOOD;
	a->sense_is_data = true;
}

/* ---- SPC-2 RESERVE and RELEASE (5) ---- */

static void reserve_release(struct model *m, const struct model_command *c, struct model_answer *a)
{
	bool reserve = c->cdb[0] == 0x16 || c->cdb[0] == 0x56;
	const struct model_identity *who = &m->nexuses[c->nexus].who;
	int mine = model_find(m, who);

	if (m->registration_count > 0) {
		bool no_effect = m->traits.crh && m->type != 0 && mine >= 0 &&
				 (model_is_holder(m, mine) || m->type >= 5);
		if (no_effect)
			model_good(a);
		else
			model_conflict(a);
		return;
	}
	if (m->spc2_owner >= 0 && m->spc2_owner != (int)c->nexus) {
		if (reserve)
			model_conflict(a);
		else
			model_good(a); /* ignored */
		return;
	}
	m->spc2_owner = reserve ? (int)c->nexus : -1;
	model_good(a);
}

/* ---- one command ---- */

static void medium_or_other(struct model *m, const struct model_command *c, struct model_answer *a)
{
	const struct model_nexus *nexus = &m->nexuses[c->nexus];

	if (m->spc2_owner >= 0 && m->spc2_owner != (int)c->nexus && !model_spc2_allows(c->cdb)) {
		model_conflict(a);
		return;
	}
	if (model_refuses(m, &nexus->who, model_class_of(c->cdb))) {
		model_conflict(a);
		return;
	}
	m->nexuses[c->nexus].waiting_writes += c->data_withheld;
	m->nexuses[c->nexus].hanging_reads += c->disk_holds;
	a->waits = c->data_withheld || c->disk_holds;
	if (a->waits)
		return;
	model_good(a);
}

/* Step 1: what is refused without looking at anything but the CDB. */
static bool decodes(const struct model *m, const struct model_command *c, struct model_answer *a)
{
	if (c->cdb[0] == 0x5f)
		return model_pr_out_decodes(m, c, a);
	if (c->cdb[0] == 0x5e)
		return model_pr_in_decodes(m, c, a);
	if (c->unsupported != 0) {
		model_check(a, 5, c->unsupported, 0, -1);
		return false;
	}
	return true;
}

static void run(struct model *m, const struct model_command *c, struct model_script *script,
		struct model_answer *a)
{
	struct model_nexus *nexus = &m->nexuses[c->nexus];
	uint8_t opcode = c->cdb[0];

	if (!decodes(m, c, a)) {
		/*
		 * PERSISTENT RESERVE OUT decodes before unit attentions (3.1). Nothing says so of
		 * other commands, where either may come first.
		 */
		if (opcode != 0x5f && model_has_ua(nexus) && model_open(script))
			take_ua(nexus, script, a);
		return;
	}
	if (opcode == 0x03) {
		request_sense(m, c, script, a);
		return;
	}
	if (!skips_ua(opcode) && !c->queued && take_ua(nexus, script, a))
		return;

	if (opcode == 0x5e || opcode == 0x5f) {
		if (m->spc2_owner >= 0)
			model_conflict(a);
		else if (opcode == 0x5e)
			model_persistent_reserve_in(m, c, a);
		else
			model_persistent_reserve_out(m, c, script, a);
		return;
	}
	if (model_class_of(c->cdb) == MODEL_CLASS_RESERVE_RELEASE)
		reserve_release(m, c, a);
	else
		medium_or_other(m, c, a);
}

static bool same_reservations(const struct model *a, const struct model *b)
{
	if (a->registration_count != b->registration_count || a->type != b->type ||
	    a->holder != b->holder || a->aptpl != b->aptpl)
		return false;
	for (unsigned i = 0; i < a->registration_count; i++)
		if (a->registrations[i].key != b->registrations[i].key ||
		    !model_same_nexus(&a->registrations[i].who, &b->registrations[i].who))
			return false;
	return true;
}

/*
 * A store that fails (3.11): what must persist is refused, and nothing has happened. Whether a
 * target also writes what need not persist, or what changes nothing but the generation, is open.
 */
static void store_failed(const struct model *before, const struct model_command *c,
			 struct model_script *script, struct model_outcome *outcome)
{
	bool changed = !same_reservations(before, &outcome->after);
	bool must_persist = changed && (before->aptpl || outcome->after.aptpl);

	if (!changed && before->generation == outcome->after.generation)
		return;
	if (!must_persist && !model_open(script))
		return;
	outcome->after = *before;
	memset(outcome->answer.aborted, 0, sizeof(outcome->answer.aborted));
	outcome->answer.aborted_reads = 0;
	if (c->store == MODEL_STORE_NO_SPACE)
		model_check(&outcome->answer, 5, 0x55, 0x04, -1);
	else
		model_check(&outcome->answer, 4, 0x44, 0x00, -1);
}

void model_run(const struct model *before, const struct model_command *command, unsigned script,
	       struct model_outcome *ret_outcome)
{
	struct model_script s = {.bits = script};
	struct model_answer *a = &ret_outcome->answer;

	memset(a, 0, offsetof(struct model_answer, data));
	memset(a->aborted, 0, sizeof(a->aborted));
	a->aborted_reads = 0;
	a->aborted_with_status = false;
	a->pointer = -1;
	ret_outcome->after = *before;
	run(&ret_outcome->after, command, &s, a);
	if (command->cdb[0] == 0x5f && a->status == MODEL_GOOD &&
	    model_aptpl_refused(before, command, a)) {
		ret_outcome->after = *before;
		memset(a->aborted, 0, sizeof(a->aborted));
		a->aborted_reads = 0;
	}
	if (command->cdb[0] == 0x5f && command->store != MODEL_STORE_WORKS &&
	    a->status == MODEL_GOOD)
		store_failed(before, command, &s, ret_outcome);
	ret_outcome->asked = s.asked;
}

/* ---- events ---- */

/* The table of the sheet's section 0. */
const struct model_traits model_dlt_s4 = {
	.types = 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6,
	.in_actions = 0x07,
	.out_actions = 0xff,
	.crh = true,
	.aptpl = true,
	.preempt_ascq = 0x03,
	.clear_ascq = 0x03,
};

const struct model_traits model_spc4 = {
	.types = 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8,
	.in_actions = 0x0f,
	.out_actions = 0xff,
	.spec_i_pt = true,
	.all_ports = true,
	.crh = true,
	.aptpl = true,
	.allow_commands = 3,
	.preempt_ascq = 0x05,
	.clear_ascq = 0x03,
	.removes_own_key = true,
};

void model_init(struct model *m, const struct model_traits *traits, unsigned limit,
		unsigned port_count)
{
	memset(m, 0, sizeof(*m));
	m->traits = *traits;
	m->limit = limit;
	m->port_count = port_count;
	m->holder = -1;
	m->spc2_owner = -1;
}

void model_login(struct model *m, unsigned nexus)
{
	struct model_nexus *n = &m->nexuses[nexus];
	n->logged_in = true;
	n->resets_certain = 0;
	n->resets_possible = 1;
	n->ua_count = 0;
	n->waiting_writes = 0;
	n->hanging_reads = 0;
}

/* Registrations outlive the session; an SPC-2 reservation and unit attentions do not (3.11, 5.2).
 */
void model_logout(struct model *m, unsigned nexus)
{
	struct model_nexus *n = &m->nexuses[nexus];
	n->logged_in = false;
	n->resets_certain = 0;
	n->resets_possible = 0;
	n->ua_count = 0;
	n->waiting_writes = 0;
	n->hanging_reads = 0;
	if (m->spc2_owner == (int)nexus)
		m->spc2_owner = -1;
}

void model_reset(struct model *m)
{
	m->spc2_owner = -1;
	for (unsigned i = 0; i < m->nexus_count; i++) {
		struct model_nexus *n = &m->nexuses[i];
		n->waiting_writes = 0;
		n->hanging_reads = 0;
		if (n->logged_in) {
			n->resets_certain = 1;
			n->resets_possible++;
		}
	}
}

void model_power_cycle(struct model *m)
{
	for (unsigned i = 0; i < m->nexus_count; i++)
		model_logout(m, i);
	m->generation = 0;
	if (!m->aptpl) {
		m->registration_count = 0;
		m->type = 0;
		m->holder = -1;
	}
}

void model_write_finished(struct model *m, unsigned nexus)
{
	if (m->nexuses[nexus].waiting_writes > 0)
		m->nexuses[nexus].waiting_writes--;
}

void model_disk_released(struct model *m)
{
	for (unsigned i = 0; i < m->nexus_count; i++)
		m->nexuses[i].hanging_reads = 0;
}
