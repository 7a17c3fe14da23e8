/*
 * What each command does to the model: the rules of SPC-4 5.13 one after another, for one command
 * at a time.
 */
#include <assert.h>

#include "tools/lab/judge_lu_internal.h"

#define NOBODY ((uint32_t)LU_NOBODY)

bool lu_is_holder(const struct lu *lu, uint32_t nexus)
{
	if (lu->type == 0)
		return false;
	if (lu_all_registrants(lu->type))
		return lu->keys[nexus] != 0;
	return lu->holder == nexus;
}

void lu_end_reservation(struct lu *lu)
{
	lu_set(lu, &lu->type, 0);
	lu_set(lu, &lu->holder, NOBODY);
}

void lu_tell_registered(struct lu *lu, uint32_t but, uint32_t ua)
{
	for (uint32_t i = 0; i < lu->nexus_count; i++)
		if (i != but && lu->keys[i] != 0)
			lu_establish(lu, i, ua);
}

void lu_bump(struct lu *lu)
{
	lu_set(lu, &lu->generation, lu->generation + 1);
}

static void hold(struct lu *lu, uint32_t nexus, uint32_t type)
{
	lu_set(lu, &lu->type, type);
	lu_set(lu, &lu->holder, lu_all_registrants(type) ? NOBODY : nexus);
}

static bool type_known(const struct lu *lu, const struct history_command *c)
{
	const uint8_t *mask = lu->rules->type_mask;
	static const uint8_t bits[9][2] = {{0, 0},    {0x02, 0}, {0, 0},    {0x08, 0}, {0, 0},
					   {0x20, 0}, {0x40, 0}, {0x80, 0}, {0, 0x01}};

	if (c->scope != 0 || c->type > 8)
		return false;
	if (mask[0] == 0 && mask[1] == 0)
		return bits[c->type][0] != 0 || bits[c->type][1] != 0;
	return (mask[0] & bits[c->type][0]) != 0 || (mask[1] & bits[c->type][1]) != 0;
}

/* ---- RESERVE, RELEASE, CLEAR ---- */

static struct lu_answer do_reserve(struct lu *lu, uint32_t nexus, const struct history_command *c)
{
	if (lu->type == 0) {
		hold(lu, nexus, c->type);
		return (struct lu_answer){.outcome = HISTORY_GOOD, .changes = true};
	}
	return lu_is_holder(lu, nexus) && lu->type == c->type ? lu_good : lu_conflict;
}

static struct lu_answer do_release(struct lu *lu, uint32_t nexus, const struct history_command *c)
{
	uint32_t type = lu->type;

	if (!lu_is_holder(lu, nexus))
		return lu_good;
	if (type != c->type || c->scope != 0)
		return lu_check(0x26, 0x04);
	lu_end_reservation(lu);
	if (lu_registrants_only(type))
		lu_tell_registered(lu, nexus, LU_UA_RELEASED);
	return (struct lu_answer){.outcome = HISTORY_GOOD, .changes = true};
}

static struct lu_answer do_clear(struct lu *lu, uint32_t nexus)
{
	lu_tell_registered(lu, nexus, LU_UA_PREEMPTED);
	for (uint32_t i = 0; i < lu->nexus_count; i++)
		lu_set_key(lu, i, 0);
	lu_end_reservation(lu);
	lu_bump(lu);
	return (struct lu_answer){.outcome = HISTORY_GOOD, .changes = true};
}

/* ---- PREEMPT, PREEMPT AND ABORT ---- */

enum preempt_mode {
	PREEMPT_INVALID = 0,
	PREEMPT_TAKE,	     /* the holder's key: its reservation changes hands */
	PREEMPT_TAKE_ALL,    /* all registrants, key 0 */
	PREEMPT_REMOVE_ONLY, /* registrations go, the reservation stays as it is */
};

static enum preempt_mode preempt_mode(const struct lu *lu, uint64_t action_key)
{
	bool all = lu_all_registrants(lu->type);

	if (lu->type != 0 && !all && action_key != 0 && lu->keys[lu->holder] == action_key)
		return PREEMPT_TAKE;
	if (all && action_key == 0)
		return PREEMPT_TAKE_ALL;
	return action_key == 0 ? PREEMPT_INVALID : PREEMPT_REMOVE_ONLY;
}

static uint32_t ua_of_victims(const struct lu *lu)
{
	if (lu->rules->ua_preempt_03)
		return LU_UA_PREEMPTED;
	return lu->rules->ua_preempt_05 ? LU_UA_REGISTRATION_LOST : LU_UA_LOST_EITHER;
}

/* The victim's registration goes. Its commands may have been aborted. */
static void strike(struct lu *lu, uint32_t victim, bool abort)
{
	lu_establish(lu, victim, ua_of_victims(lu));
	lu_set_key(lu, victim, 0);
	if (abort)
		lu_establish_maybe(lu, victim, LU_UA_CLEARED);
}

static struct lu_answer take_over(struct lu *lu, uint32_t nexus, const struct history_command *c,
				  enum preempt_mode mode)
{
	bool changed = lu->type != c->type;
	bool abort = c->op == HISTORY_PREEMPT_AND_ABORT;

	for (uint32_t i = 0; i < lu->nexus_count; i++)
		if (i != nexus && lu->keys[i] != 0 &&
		    (mode == PREEMPT_TAKE_ALL || lu->keys[i] == c->action_key))
			strike(lu, i, abort);
	hold(lu, nexus, c->type);
	if (changed)
		lu_tell_registered(lu, nexus, LU_UA_RELEASED);
	lu_bump(lu);
	return (struct lu_answer){.outcome = HISTORY_GOOD, .changes = true};
}

static struct lu_answer remove_only(struct lu *lu, uint32_t nexus, const struct history_command *c,
				    bool own_too)
{
	bool abort = c->op == HISTORY_PREEMPT_AND_ABORT;
	bool any = false;

	for (uint32_t i = 0; i < lu->nexus_count; i++)
		any = any || lu->keys[i] == c->action_key;
	if (!any)
		return lu_conflict;
	for (uint32_t i = 0; i < lu->nexus_count; i++)
		if (i != nexus && lu->keys[i] == c->action_key)
			strike(lu, i, abort);
	if (own_too && lu->keys[nexus] == c->action_key)
		lu_set_key(lu, nexus, 0);
	if (lu->registered == 0)
		lu_end_reservation(lu);
	lu_bump(lu);
	return (struct lu_answer){.outcome = HISTORY_GOOD, .changes = true};
}

static struct lu_answer do_preempt(struct lu *lu, uint32_t nexus, const struct history_command *c,
				   unsigned variant, unsigned *ret_variants)
{
	enum preempt_mode mode = preempt_mode(lu, c->action_key);
	bool own_too = lu->rules->own_key_removed;

	if (mode == PREEMPT_INVALID)
		return lu_check(0x26, 0x00);
	if (mode != PREEMPT_REMOVE_ONLY)
		return type_known(lu, c) ? take_over(lu, nexus, c, mode) : lu_check(0x24, 0x00);
	if (!lu->rules->own_key_kept && !lu->rules->own_key_removed &&
	    lu->keys[nexus] == c->action_key) {
		*ret_variants = 2;
		own_too = variant == 0;
	}
	return remove_only(lu, nexus, c, own_too);
}

/* ---- REGISTER AND MOVE ---- */

static struct lu_answer do_move(struct lu *lu, uint32_t nexus, const struct history_command *c)
{
	if (lu->type == 0)
		return lu_check(0x24, 0x00);
	if (lu_all_registrants(lu->type) || lu->holder != nexus)
		return lu_conflict;
	if (c->action_key == 0 || c->move_to >= lu->nexus_count ||
	    lu_same_initiator_port(&lu->nexuses[nexus], &lu->nexuses[c->move_to]))
		return lu_check(0x26, 0x00);
	if (lu->rules->registrations_max != 0 && lu->keys[c->move_to] == 0 &&
	    lu->registered >= lu->rules->registrations_max)
		return lu_check(0x55, 0x04);
	lu_set_key(lu, c->move_to, c->action_key);
	lu_set(lu, &lu->holder, c->move_to);
	if (c->unregister_source)
		lu_set_key(lu, nexus, 0);
	lu_set(lu, &lu->aptpl, c->aptpl);
	lu_bump(lu);
	return (struct lu_answer){.outcome = HISTORY_GOOD, .changes = true};
}

/* ---- the order of checks of PERSISTENT RESERVE OUT ---- */

/* A reservation that somebody else holds keeps some service actions out (SPC-4 table 66). */
static bool refused_by_reservation(const struct lu *lu, uint32_t nexus,
				   const struct history_command *c)
{
	bool registered = lu->keys[nexus] != 0;

	if (lu->type == 0 || lu_is_holder(lu, nexus) || c->op == HISTORY_REGISTER ||
	    c->op == HISTORY_REGISTER_AND_IGNORE)
		return false;
	return !registered || c->op == HISTORY_RESERVE || c->op == HISTORY_REGISTER_AND_MOVE;
}

/* Of a Holdfast it is known that it does not. */
static bool may_tell_of_type_first(const struct lu *lu, const struct history_command *c)
{
	return !lu->rules->own_key_kept && !lu->rules->own_key_removed &&
	       (c->op == HISTORY_RESERVE || c->op == HISTORY_RELEASE || c->op == HISTORY_PREEMPT ||
		c->op == HISTORY_PREEMPT_AND_ABORT) &&
	       !type_known(lu, c);
}

static struct lu_answer do_pr_out(struct lu *lu, uint32_t nexus, const struct history_command *c,
				  unsigned variant, unsigned *ret_variants)
{
	if (lu->spc2_owner != NOBODY || refused_by_reservation(lu, nexus, c)) {
		/* Which of two faults is told, no standard says. */
		*ret_variants = may_tell_of_type_first(lu, c) ? 2 : 1;
		return variant == 1 ? lu_check(0x24, 0x00) : lu_conflict;
	}
	if (c->op == HISTORY_RESERVE && !type_known(lu, c))
		return lu_check(0x24, 0x00);
	if (c->op == HISTORY_RELEASE && c->scope != 0)
		return lu_check(0x24, 0x00);
	if (c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE)
		return lu_do_register(lu, nexus, c, variant, ret_variants);
	if (lu->keys[nexus] == 0 || c->key != lu->keys[nexus])
		return lu_conflict;
	if (c->op == HISTORY_RESERVE)
		return do_reserve(lu, nexus, c);
	if (c->op == HISTORY_RELEASE)
		return do_release(lu, nexus, c);
	if (c->op == HISTORY_CLEAR)
		return do_clear(lu, nexus);
	if (c->op == HISTORY_REGISTER_AND_MOVE)
		return do_move(lu, nexus, c);
	assert(c->op == HISTORY_PREEMPT || c->op == HISTORY_PREEMPT_AND_ABORT);
	return do_preempt(lu, nexus, c, variant, ret_variants);
}

/* ---- RESERVE and RELEASE of SPC-2 ---- */

static struct lu_answer do_spc2(struct lu *lu, uint32_t nexus, bool reserve)
{
	if (lu->type != 0)
		return lu_is_holder(lu, nexus) ||
				       (lu_registrants_only(lu->type) && lu->keys[nexus] != 0)
			       ? lu_good
			       : lu_conflict;
	if (lu->registered != 0)
		return lu_conflict;
	if (lu->spc2_owner != NOBODY && lu->spc2_owner != nexus)
		return reserve ? lu_conflict : lu_good;
	if ((lu->spc2_owner == nexus) == reserve)
		return lu_good;
	lu_set(lu, &lu->spc2_owner, reserve ? nexus : NOBODY);
	return (struct lu_answer){.outcome = HISTORY_GOOD, .changes = true};
}

/* ---- everything else ---- */

bool lu_admits(const struct lu *lu, uint32_t nexus, bool write)
{
	if (lu->spc2_owner != NOBODY && lu->spc2_owner != nexus)
		return false;
	if (lu->type == 0 || lu_is_holder(lu, nexus))
		return true;
	if (lu_registrants_only(lu->type) && lu->keys[nexus] != 0)
		return true;
	return !write && (lu->type == 1 || lu->type == 5 || lu->type == 7);
}

/* Under the SPC-2 reservation of another nexus few commands pass. */
static struct lu_answer do_allowed(const struct lu *lu, uint32_t nexus,
				   const struct history_command *c)
{
	uint8_t opcode = c->op == HISTORY_CDB && c->cdb_len > 0 ? c->cdb[0] : 0;
	uint8_t action = c->cdb_len > 1 ? c->cdb[1] & 0x1f : 0;
	bool passes = opcode == 0x12 || opcode == 0x03 || opcode == 0xa0 || opcode == 0x4d ||
		      opcode == 0x25 || (opcode == 0x9e && action == 0x10) ||
		      (opcode == 0xa3 && action == 0x0a) || opcode == 0x1e;

	if (lu->spc2_owner != NOBODY && lu->spc2_owner != nexus && !passes)
		return lu_conflict;
	return lu_good;
}

struct lu_answer lu_step(struct lu *lu, uint32_t nexus, const struct history_command *c,
			 unsigned variant, unsigned *ret_variants)
{
	*ret_variants = 1;
	if (history_op_is_pr_out(c->op))
		return do_pr_out(lu, nexus, c, variant, ret_variants);
	if (history_op_is_pr_in(c->op))
		return lu->spc2_owner != NOBODY ? lu_conflict : lu_good;
	if (c->op == HISTORY_SPC2_RESERVE || c->op == HISTORY_SPC2_RELEASE)
		return do_spc2(lu, nexus, c->op == HISTORY_SPC2_RESERVE);
	if (history_op_is_reset(c->op)) {
		lu_reset(lu, nexus);
		return (struct lu_answer){.outcome = HISTORY_GOOD, .changes = true};
	}
	if (c->op == HISTORY_READ || c->access == HISTORY_ACCESS_READ)
		return lu_admits(lu, nexus, false) ? lu_good : lu_conflict;
	if (c->op == HISTORY_WRITE || c->access == HISTORY_ACCESS_WRITE)
		return lu_admits(lu, nexus, true) ? lu_good : lu_conflict;
	return do_allowed(lu, nexus, c);
}
