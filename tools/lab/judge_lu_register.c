/*
 * REGISTER and REGISTER AND IGNORE EXISTING KEY in the model (SPC-4 5.13.7), for the caller, for
 * all its ports, and for others that it names.
 */
#include "tools/lab/judge_lu_internal.h"

bool lu_same_initiator_port(const struct history_nexus *a, const struct history_nexus *b)
{
	for (size_t i = 0; i < sizeof(a->isid); i++)
		if (a->isid[i] != b->isid[i])
			return false;
	for (size_t i = 0; i <= HISTORY_NAME_MAX; i++) {
		if (a->name[i] != b->name[i])
			return false;
		if (a->name[i] == '\0')
			return true;
	}
	return true;
}

static void unregister(struct lu *lu, uint32_t nexus)
{
	bool held = lu_is_holder(lu, nexus);

	lu_set_key(lu, nexus, 0);
	if (!held)
		return;
	if (lu_all_registrants(lu->type)) {
		if (lu->registered == 0)
			lu_end_reservation(lu);
		return;
	}
	if (lu_registrants_only(lu->type))
		lu_tell_registered(lu, nexus, LU_UA_RELEASED);
	lu_end_reservation(lu);
}

/* Which nexuses a REGISTER of this nexus is for. */
static bool is_own(const struct lu *lu, uint32_t nexus, const struct history_command *c,
		   uint32_t other)
{
	return other == nexus ||
	       (c->all_tg_pt && lu_same_initiator_port(&lu->nexuses[nexus], &lu->nexuses[other]));
}

/* SPEC_I_PT names initiator ports; they are registered on the port that the command came through,
 * or on all. */
static bool is_named(const struct lu *lu, uint32_t nexus, const struct history_command *c,
		     uint32_t other)
{
	if (!c->spec_i_pt ||
	    (!c->all_tg_pt && lu->nexuses[other].target_port != lu->nexuses[nexus].target_port))
		return false;
	for (uint32_t i = 0; i < c->other_count; i++)
		if (c->others[i] < lu->nexus_count &&
		    lu_same_initiator_port(&lu->nexuses[c->others[i]], &lu->nexuses[other]))
			return true;
	return false;
}

static bool concerned(const struct lu *lu, uint32_t nexus, const struct history_command *c,
		      uint32_t other)
{
	return is_own(lu, nexus, c, other) || is_named(lu, nexus, c, other);
}

bool lu_knows_others(const struct history_nexus *nexuses, uint32_t nexus_count, uint32_t nexus,
		     const struct history_command *c)
{
	for (uint32_t i = 0; i < c->other_count; i++) {
		bool known = false;
		for (uint32_t n = 0; c->others[i] < nexus_count && n < nexus_count; n++)
			known |= nexuses[n].target_port == nexuses[nexus].target_port &&
				 lu_same_initiator_port(&nexuses[n], &nexuses[c->others[i]]);
		if (!known)
			return false;
	}
	return c->others != NULL;
}

/* All or nothing: none of them may be registered. */
static bool named_are_free(const struct lu *lu, uint32_t nexus, const struct history_command *c)
{
	for (uint32_t i = 0; i < lu->nexus_count; i++)
		if (lu->keys[i] != 0 && !is_own(lu, nexus, c, i) && is_named(lu, nexus, c, i))
			return false;
	return true;
}

/* Is this initiator port registered on another target port, and with another key? */
static bool key_differs_elsewhere(const struct lu *lu, uint32_t nexus,
				  const struct history_command *c)
{
	for (uint32_t i = 0; c->all_tg_pt && i < lu->nexus_count; i++)
		if (i != nexus && lu->keys[i] != 0 && lu->keys[i] != c->key &&
		    is_own(lu, nexus, c, i))
			return true;
	return false;
}

struct lu_answer lu_do_register(struct lu *lu, uint32_t nexus, const struct history_command *c,
				unsigned variant, unsigned *ret_variants)
{
	uint64_t key = lu->keys[nexus];
	uint32_t room = lu->rules->registrations_max;
	uint32_t added = 0;

	if (c->op == HISTORY_REGISTER && c->key != key)
		return lu_conflict;
	if (c->spec_i_pt && (c->op != HISTORY_REGISTER || key != 0))
		return lu_check(0x26, 0x00);
	if (key == 0 && c->action_key == 0)
		return lu_good;
	if (c->spec_i_pt && !named_are_free(lu, nexus, c))
		return lu_check(0x26, 0x00);
	if (c->op == HISTORY_REGISTER && key_differs_elsewhere(lu, nexus, c)) {
		*ret_variants = lu->rules->all_ports_know ? 1 : 2;
		if (lu->rules->all_ports_know || variant == 1)
			return lu_conflict;
	}
	for (uint32_t i = 0; i < lu->nexus_count; i++)
		if (concerned(lu, nexus, c, i) && lu->keys[i] == 0 && c->action_key != 0)
			added++;
	if (room != 0 && lu->registered + added > room)
		return lu_check(0x55, 0x04);
	for (uint32_t i = 0; i < lu->nexus_count; i++) {
		if (!concerned(lu, nexus, c, i))
			continue;
		if (c->action_key != 0)
			lu_set_key(lu, i, c->action_key);
		else if (lu->keys[i] != 0)
			unregister(lu, i);
	}
	lu_set(lu, &lu->aptpl, c->aptpl);
	lu_bump(lu);
	return (struct lu_answer){.outcome = HISTORY_GOOD, .changes = true};
}
