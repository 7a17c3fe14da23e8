/* REGISTER and REGISTER AND IGNORE EXISTING KEY (the sheet's 3.2 and 3.3). */
#include <string.h>

#include "tests/property/model_request.h"

static bool known_name(const struct model_identity *list, unsigned count,
		       const struct model_identity *who)
{
	for (unsigned i = 0; i < count; i++)
		if (model_same_nexus(&list[i], who))
			return true;
	return false;
}

bool model_resolve(const struct model *m, const struct model_transport_id *id, uint16_t port,
		   struct model_identity *ret_who)
{
	struct model_identity found[MODEL_REGISTRATIONS_MAX + MODEL_NEXUSES_MAX];
	unsigned count = 0;

	if (id->has_isid) {
		memset(ret_who, 0, sizeof(*ret_who));
		strcpy(ret_who->name, id->name);
		memcpy(ret_who->isid, id->isid, 6);
		ret_who->port = port;
		return true;
	}
	for (unsigned i = 0; i < m->registration_count; i++) {
		const struct model_identity *who = &m->registrations[i].who;
		if (who->port == port && strcmp(who->name, id->name) == 0 &&
		    !known_name(found, count, who))
			found[count++] = *who;
	}
	for (unsigned i = 0; i < m->nexus_count; i++) {
		const struct model_identity *who = &m->nexuses[i].who;
		if (m->nexuses[i].logged_in && who->port == port &&
		    strcmp(who->name, id->name) == 0 && !known_name(found, count, who))
			found[count++] = *who;
	}
	if (count != 1)
		return false;
	*ret_who = found[0];
	return true;
}

/*
 * The TransportIDs of SPEC_I_PT, all on the caller's port. False: 5/26/00. One of format 00b names
 * a device and not a port, and may be refused (1.5); naming a port twice is naming it.
 */
static bool named_ports(const struct model *m, const struct model_request *r,
			struct model_identity named[NAMED_MAX], unsigned *ret_count)
{
	const uint8_t *p = r->list + SPEC_I_PT_LIST_LEN_MIN;
	size_t left = r->len - SPEC_I_PT_LIST_LEN_MIN;
	unsigned count = 0;

	while (left > 0) {
		struct model_transport_id id;
		size_t used;
		if (count == NAMED_MAX || !model_parse_transport_id(p, left, &used, &id) ||
		    !id.has_isid || !model_resolve(m, &id, r->caller->port, &named[count]))
			return false;
		if (!known_name(named, count, &named[count]))
			count++;
		p += used;
		left -= used;
	}
	*ret_count = count;
	return true;
}

/*
 * ALL_TG_PT: each initiator port through its own target port first, then through the others. (The
 * order among registrations made by one command is free; this is the one that the target has.)
 */
static unsigned on_all_ports(const struct model *m, struct model_identity *list, unsigned count)
{
	static struct model_identity all[(NAMED_MAX + 1) * MODEL_PORTS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++) {
		all[n++] = list[i];
		for (unsigned port = 1; port <= m->port_count; port++) {
			if (port == list[i].port)
				continue;
			all[n] = list[i];
			all[n++].port = (uint16_t)port;
		}
	}
	memcpy(list, all, n * sizeof(all[0]));
	return n;
}

static void register_first(struct model *m, const struct model_request *r, struct model_answer *a)
{
	struct model_identity who[(NAMED_MAX + 1) * MODEL_PORTS_MAX];
	unsigned named = 0, count, new_ones = 0;

	who[0] = *r->caller;
	if (r->spec_i_pt && !named_ports(m, r, who + 1, &named)) {
		model_check(a, 5, 0x26, 0, UNTOLD);
		return;
	}
	count = 1;
	for (unsigned i = 1; i <= named; i++)
		if (!model_same_nexus(&who[i], r->caller))
			who[count++] = who[i];
	if (r->all_ports)
		count = on_all_ports(m, who, count);
	for (unsigned i = 0; i < count; i++)
		if (!model_same_port(&who[i], r->caller) && model_find(m, &who[i]) >= 0) {
			model_check(a, 5, 0x26, 0, UNTOLD); /* already registered */
			return;
		}
	for (unsigned i = 0; i < count; i++)
		if (model_find(m, &who[i]) < 0)
			new_ones++;
	if (m->registration_count + new_ones > m->limit) {
		model_check(a, 5, 0x55, 0x04, UNTOLD);
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		int there = model_find(m, &who[i]);
		if (there >= 0)
			m->registrations[there].key = r->new_key;
		else
			model_add(m, &who[i], r->new_key);
	}
	m->aptpl = r->aptpl;
	m->generation++;
	model_good(a);
}

static void register_again(struct model *m, const struct model_request *r, struct model_answer *a)
{
	struct model_identity who[MODEL_PORTS_MAX + 1];
	unsigned count = 1, new_ones = 0;

	who[0] = *r->caller;
	if (r->all_ports)
		count = on_all_ports(m, who, 1);
	for (unsigned i = 0; i < count; i++)
		if (model_find(m, &who[i]) < 0)
			new_ones++;
	if (m->registration_count + new_ones > m->limit) {
		model_check(a, 5, 0x55, 0x04, UNTOLD);
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		int there = model_find(m, &who[i]);
		if (there >= 0)
			m->registrations[there].key = r->new_key;
		else
			model_add(m, &who[i], r->new_key);
	}
	m->aptpl = r->aptpl;
	m->generation++;
	model_good(a);
}

static void unregister(struct model *m, const struct model_request *r, struct model_answer *a)
{
	struct model_identity who[MODEL_PORTS_MAX + 1];
	unsigned count = 1;

	who[0] = *r->caller;
	if (r->all_ports)
		count = on_all_ports(m, who, 1);
	uint8_t type = m->type;
	bool released = false;
	for (unsigned i = 0; i < count; i++) {
		int there = model_find(m, &who[i]);
		if (there >= 0)
			released |= model_remove(m, there);
	}
	if (released && type >= 5)
		model_raise_for_registered(m, r->caller, 0x2a, 0x04);
	m->aptpl = r->aptpl;
	m->generation++;
	model_good(a);
}

bool model_port_bits_refused(const struct model *m, const struct model_request *r, bool registered,
			     struct model_answer *a)
{
	bool registers = r->action == REGISTER || r->action == REGISTER_AND_IGNORE;
	bool bad_spec =
		r->spec_i_pt && (!m->traits.spec_i_pt || r->action != REGISTER || registered);
	bool bad_all = r->all_ports && !m->traits.all_ports && registers;

	if (bad_spec && bad_all)
		model_check(a, 5, 0x26, 0, UNTOLD);
	else if (bad_spec)
		model_check(a, 5, 0x26, 0, POINTER_SPEC_I_PT);
	else if (bad_all)
		model_check(a, 5, 0x26, 0, POINTER_ALL_TG_PT);
	return bad_spec || bad_all;
}

/* REGISTER: RESERVATION KEY is that of the registration, or 0 where there is none. */
static bool knows_key(const struct model *m, const struct model_request *r,
		      const struct model_identity *who)
{
	int there = model_find(m, who);
	return r->key == (there >= 0 ? m->registrations[there].key : 0);
}

void model_register(struct model *m, const struct model_request *r, struct model_script *script,
		    struct model_answer *a)
{
	int mine = model_find(m, r->caller);

	if (r->action == REGISTER && !knows_key(m, r, r->caller)) {
		model_conflict(a);
		return;
	}
	if (model_port_bits_refused(m, r, mine >= 0, a))
		return;
	/*
	 * ALL_TG_PT: as if the same command had come through each port (SPC-4 6.16.3); a port with
	 * another key refuses it. One where the caller is not registered takes what there is to do.
	 */
	if (r->action == REGISTER && r->all_ports && (mine >= 0 || r->new_key != 0))
		for (unsigned port = 1; port <= m->port_count; port++) {
			struct model_identity who = *r->caller;
			who.port = (uint16_t)port;
			if (model_find(m, &who) >= 0 && !knows_key(m, r, &who)) {
				model_conflict(a);
				return;
			}
		}
	if (mine < 0 && r->new_key == 0) {
		/* Nothing changes; whether a bad list of ports is looked at is not told. */
		struct model_identity named[NAMED_MAX];
		unsigned count;
		if (r->spec_i_pt && !named_ports(m, r, named, &count) && !model_open(script))
			model_check(a, 5, 0x26, 0, UNTOLD);
		else
			model_good(a);
	} else if (mine < 0) {
		register_first(m, r, a);
	} else if (r->new_key == 0) {
		unregister(m, r, a);
	} else {
		register_again(m, r, a);
	}
}
