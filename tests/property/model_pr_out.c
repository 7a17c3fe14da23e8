/* PERSISTENT RESERVE OUT (the sheet's 1.2 to 1.6, 3 and 4.3), in the order of checks of 3.1. */
#include "tests/property/model_request.h"

bool model_pr_out_decodes(const struct model *m, const struct model_command *c,
			  struct model_answer *a)
{
	unsigned action = c->cdb[1] & 0x1f;

	if (action > LAST_ACTION || (m->traits.out_actions >> action & 1) == 0)
		model_check(a, 5, 0x24, 0, POINTER_SERVICE_ACTION);
	else if (c->cdb[9] & 0x04)
		model_check(a, 5, 0x24, 0, POINTER_NACA);
	else
		return true;
	return false;
}

/* ---- changing the state ---- */

bool model_remove(struct model *m, int index)
{
	bool released = false;

	if (m->type != 0 && !model_is_ar(m->type) && m->holder == index)
		released = true;
	for (unsigned i = (unsigned)index; i + 1 < m->registration_count; i++)
		m->registrations[i] = m->registrations[i + 1];
	m->registration_count--;
	if (m->holder > index)
		m->holder--;
	if (model_is_ar(m->type) && m->registration_count == 0)
		released = true;
	if (released) {
		m->type = 0;
		m->holder = -1;
	}
	return released;
}

void model_add(struct model *m, const struct model_identity *who, uint64_t key)
{
	struct model_registration *r = &m->registrations[m->registration_count++];
	r->who = *who;
	r->key = key;
}

void model_raise_for_registered(struct model *m, const struct model_identity *except, uint8_t asc,
				uint8_t ascq)
{
	for (unsigned i = 0; i < m->registration_count; i++)
		if (!model_same_nexus(&m->registrations[i].who, except))
			model_raise(m, &m->registrations[i].who, asc, ascq);
}

void model_reserve(struct model *m, const struct model_identity *who, uint8_t type)
{
	m->type = type;
	m->holder = model_is_ar(type) ? -1 : model_find(m, who);
}

/* ---- RESERVE, RELEASE, CLEAR (3.4 to 3.6) ---- */

static void reserve_action(struct model *m, const struct model_request *r, int mine,
			   struct model_answer *a)
{
	if (m->type == 0) {
		model_reserve(m, r->caller, r->type);
		model_good(a);
	} else if (model_is_holder(m, mine) && m->type == r->type) {
		model_good(a);
	} else {
		model_conflict(a);
	}
}

static void release_action(struct model *m, const struct model_request *r, int mine,
			   struct model_answer *a)
{
	model_good(a);
	if (m->type == 0 || !model_is_holder(m, mine))
		return;
	if (m->type != r->type) {
		model_check(a, 5, 0x26, 0x04, UNTOLD);
		return;
	}
	if (m->type >= 5)
		model_raise_for_registered(m, r->caller, 0x2a, 0x04);
	m->type = 0;
	m->holder = -1;
}

static void clear_action(struct model *m, const struct model_request *r, struct model_answer *a)
{
	if (m->traits.clear_ascq != 0)
		model_raise_for_registered(m, r->caller, 0x2a, m->traits.clear_ascq);
	m->registration_count = 0;
	m->type = 0;
	m->holder = -1;
	m->generation++;
	model_good(a);
}

/* ---- REGISTER AND MOVE (3.9) ---- */

static bool destination(const struct model *m, const struct model_request *r,
			struct model_identity *ret_who)
{
	size_t id_len = r->len - 24, used;
	uint16_t port = (uint16_t)model_be(r->list + 18, 2);
	struct model_transport_id id;

	if (id_len < 24 || id_len % 4 != 0)
		return false;
	if (!model_parse_transport_id(r->list + 24, id_len, &used, &id) || used != id_len)
		return false;
	if (port < 1 || port > m->port_count)
		return false;
	return model_resolve(m, &id, port, ret_who);
}

static void move_action(struct model *m, const struct model_request *r, int mine,
			struct model_script *script, struct model_answer *a)
{
	struct model_identity to;

	if (model_is_ar(m->type)) {
		model_conflict(a);
		return;
	}
	if (m->type == 0) {
		model_check(a, 5, 0x24, 0, UNTOLD);
		return;
	}
	if (r->new_key == 0) {
		model_check(a, 5, 0x26, 0, POINTER_SARK);
		return;
	}
	if (!destination(m, r, &to) || model_same_port(&to, r->caller)) {
		model_check(a, 5, 0x26, 0, UNTOLD);
		return;
	}
	int there = model_find(m, &to);
	if (there < 0 && m->registration_count >= m->limit) {
		/* UNREG makes room by itself; whether that counts is not told. */
		bool makes_room = r->unreg && m->registration_count == m->limit;
		if (!makes_room || !model_open(script)) {
			model_check(a, 5, 0x55, 0x04, UNTOLD);
			return;
		}
	}
	uint8_t type = m->type;
	m->type = 0;
	m->holder = -1;
	if (there >= 0)
		m->registrations[there].key = r->new_key;
	if (r->unreg)
		model_remove(m, mine);
	if (there < 0)
		model_add(m, &to, r->new_key);
	model_reserve(m, &to, type);
	m->aptpl = r->aptpl;
	m->generation++;
	model_good(a);
}

/* ---- checks ---- */

/* Table 4.3: may this service action start against the reservation of somebody else? */
static bool blocked_by_reservation(const struct model *m, const struct model_request *r, int mine)
{
	if (m->type == 0 || model_is_holder(m, mine))
		return false;
	switch (r->action) {
	case REGISTER:
	case REGISTER_AND_IGNORE:
		return false;
	case RELEASE:
	case CLEAR:
	case PREEMPT:
	case PREEMPT_AND_ABORT:
		return mine < 0;
	default:
		return true;
	}
}

/* The length rules of 1.6. False: 5/1A/00. Decodes the list on the way. */
static bool read_list(const struct model *m, const struct model_command *c,
		      struct model_script *script, struct model_request *r)
{
	uint64_t len = model_be(c->cdb + 5, 4);

	if (len < 24 || len > MODEL_PARAMETER_MAX || c->expected_out < len || c->list_len < len)
		return false;
	r->list = c->list;
	r->len = (size_t)len;
	r->key = model_be(r->list, 8);
	r->new_key = model_be(r->list + 8, 8);
	if (r->action == REGISTER_AND_MOVE) {
		r->aptpl = (r->list[17] & 0x01) != 0;
		r->unreg = (r->list[17] & 0x02) != 0;
		return len >= MOVE_LIST_LEN_MIN && 24 + model_be(r->list + 20, 4) == len;
	}
	r->aptpl = (r->list[20] & 0x01) != 0;
	r->all_ports = (r->list[20] & 0x04) != 0;
	r->spec_i_pt = (r->list[20] & 0x08) != 0;
	if (!r->spec_i_pt)
		return len == 24;
	if (r->action == REGISTER && m->traits.spec_i_pt)
		return len >= SPEC_I_PT_LIST_LEN_MIN && 28 + model_be(r->list + 24, 4) == len;
	/* The bit is refused anyway (5/26/00): which of the two errors is told first is open. */
	return len == 24 || model_open(script);
}

static void act(struct model *m, const struct model_request *r, struct model_script *script,
		struct model_answer *a)
{
	int mine = model_find(m, r->caller);

	if (r->action == RESERVE || r->action == RELEASE) {
		if (r->scope != 0) {
			model_check(a, 5, 0x24, 0, UNTOLD);
			return;
		}
		if (r->action == RESERVE && !model_type_supported(m, r->type)) {
			model_check(a, 5, 0x24, 0, POINTER_TYPE);
			return;
		}
	}
	if (r->action == REGISTER || r->action == REGISTER_AND_IGNORE) {
		model_register(m, r, script, a);
		return;
	}
	if (mine < 0 || m->registrations[mine].key != r->key) {
		model_conflict(a);
		return;
	}
	if (model_port_bits_refused(m, r, true, a))
		return;
	if (r->action == RESERVE)
		reserve_action(m, r, mine, a);
	else if (r->action == RELEASE)
		release_action(m, r, mine, a);
	else if (r->action == CLEAR)
		clear_action(m, r, a);
	else if (r->action == REGISTER_AND_MOVE)
		move_action(m, r, mine, script, a);
	else
		model_preempt(m, r, a);
}

void model_persistent_reserve_out(struct model *m, const struct model_command *c,
				  struct model_script *script, struct model_answer *a)
{
	struct model_identity caller = m->nexuses[c->nexus].who;
	struct model_request r = {.action = c->cdb[1] & 0x1f,
				  .scope = c->cdb[2] >> 4,
				  .type = c->cdb[2] & 0x0f,
				  .caller = &caller,
				  .nexus = c->nexus};

	bool blocked = blocked_by_reservation(m, &r, model_find(m, &caller));
	bool readable = read_list(m, c, script, &r);
	/* Conflict first, but the length of a list can be refused before a command is queued. */
	if (blocked && (readable || !c->queued || !model_open(script))) {
		model_conflict(a);
		return;
	}
	if (!readable) {
		model_check(a, 5, 0x1a, 0, UNTOLD);
		return;
	}
	act(m, &r, script, a);
}

/* Where APTPL is not supported, it is what the last check finds: 5/26/00 where all else is well. */
bool model_aptpl_refused(const struct model *m, const struct model_command *c,
			 struct model_answer *a)
{
	unsigned action = c->cdb[1] & 0x1f;
	bool move = action == REGISTER_AND_MOVE;
	bool takes_it = action == REGISTER || action == REGISTER_AND_IGNORE || move;

	if (m->traits.aptpl || !takes_it || (c->list[move ? 17 : 20] & 0x01) == 0)
		return false;
	model_check(a, 5, 0x26, 0, move ? POINTER_MOVE_APTPL : POINTER_APTPL);
	return true;
}
