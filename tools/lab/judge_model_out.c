/*
 * What each command does to the model: the rules of SPC-4 5.13 one after another, for one command
 * at a time.
 */
#include <assert.h>

#include "tools/lab/judge_model_internal.h"

#define NOBODY ((uint32_t)MODEL_NOBODY)

static const struct model_answer good = {.outcome = HISTORY_GOOD};
static const struct model_answer conflict = {.outcome = HISTORY_CONFLICT};

static struct model_answer check(uint8_t asc, uint8_t ascq)
{
	return (struct model_answer){
		.outcome = HISTORY_CHECK, .sense_key = 5, .asc = asc, .ascq = ascq};
}

static bool is_holder(const struct model *model, uint32_t nexus)
{
	if (model->type == 0)
		return false;
	if (model_all_registrants(model->type))
		return model->keys[nexus] != 0;
	return model->holder == nexus;
}

static void release(struct model *model)
{
	model_set(model, &model->type, 0);
	model_set(model, &model->holder, NOBODY);
}

static void hold(struct model *model, uint32_t nexus, uint32_t type)
{
	model_set(model, &model->type, type);
	model_set(model, &model->holder, model_all_registrants(type) ? NOBODY : nexus);
}

static void tell_registered(struct model *model, uint32_t but, uint32_t ua)
{
	for (uint32_t i = 0; i < model->nexus_count; i++)
		if (i != but && model->keys[i] != 0)
			model_establish(model, i, ua);
}

static void bump(struct model *model)
{
	model_set(model, &model->generation, model->generation + 1);
}

static bool type_known(const struct model *model, const struct history_command *c)
{
	const uint8_t *mask = model->rules->type_mask;
	static const uint8_t bits[9][2] = {{0, 0},    {0x02, 0}, {0, 0},    {0x08, 0}, {0, 0},
					   {0x20, 0}, {0x40, 0}, {0x80, 0}, {0, 0x01}};

	if (c->scope != 0 || c->type > 8)
		return false;
	if (mask[0] == 0 && mask[1] == 0)
		return bits[c->type][0] != 0 || bits[c->type][1] != 0;
	return (mask[0] & bits[c->type][0]) != 0 || (mask[1] & bits[c->type][1]) != 0;
}

/* ---- REGISTER, REGISTER AND IGNORE EXISTING KEY ---- */

static void unregister(struct model *model, uint32_t nexus)
{
	bool held = is_holder(model, nexus);

	model_set_key(model, nexus, 0);
	if (!held)
		return;
	if (model_all_registrants(model->type)) {
		if (model->registered == 0)
			release(model);
		return;
	}
	if (model_registrants_only(model->type))
		tell_registered(model, nexus, MODEL_UA_RELEASED);
	release(model);
}

/* The same initiator port, through whatever target port. */
static bool same_initiator_port(const struct history_nexus *a, const struct history_nexus *b)
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

/* Which nexuses a REGISTER of this nexus is for. */
static bool concerned(const struct model *model, uint32_t nexus, const struct history_command *c,
		      uint32_t other)
{
	return other == nexus || (c->all_tg_pt && same_initiator_port(&model->nexuses[nexus],
								      &model->nexuses[other]));
}

static struct model_answer do_register(struct model *model, uint32_t nexus,
				       const struct history_command *c)
{
	uint64_t key = model->keys[nexus];
	uint32_t room = model->rules->registrations_max;
	uint32_t added = 0;

	if (c->op == HISTORY_REGISTER && c->key != key)
		return conflict;
	if (key == 0 && c->action_key == 0)
		return good;
	for (uint32_t i = 0; i < model->nexus_count; i++)
		if (concerned(model, nexus, c, i) && model->keys[i] == 0 && c->action_key != 0)
			added++;
	if (room != 0 && model->registered + added > room)
		return check(0x55, 0x04);
	for (uint32_t i = 0; i < model->nexus_count; i++) {
		if (!concerned(model, nexus, c, i))
			continue;
		if (c->action_key != 0)
			model_set_key(model, i, c->action_key);
		else if (model->keys[i] != 0)
			unregister(model, i);
	}
	model_set(model, &model->aptpl, c->aptpl);
	bump(model);
	return (struct model_answer){.outcome = HISTORY_GOOD, .changes = true};
}

/* ---- RESERVE, RELEASE, CLEAR ---- */

static struct model_answer do_reserve(struct model *model, uint32_t nexus,
				      const struct history_command *c)
{
	if (model->type == 0) {
		hold(model, nexus, c->type);
		return (struct model_answer){.outcome = HISTORY_GOOD, .changes = true};
	}
	return is_holder(model, nexus) && model->type == c->type ? good : conflict;
}

static struct model_answer do_release(struct model *model, uint32_t nexus,
				      const struct history_command *c)
{
	uint32_t type = model->type;

	if (!is_holder(model, nexus))
		return good;
	if (type != c->type || c->scope != 0)
		return check(0x26, 0x04);
	release(model);
	if (model_registrants_only(type))
		tell_registered(model, nexus, MODEL_UA_RELEASED);
	return (struct model_answer){.outcome = HISTORY_GOOD, .changes = true};
}

static struct model_answer do_clear(struct model *model, uint32_t nexus)
{
	tell_registered(model, nexus, MODEL_UA_PREEMPTED);
	for (uint32_t i = 0; i < model->nexus_count; i++)
		model_set_key(model, i, 0);
	release(model);
	bump(model);
	return (struct model_answer){.outcome = HISTORY_GOOD, .changes = true};
}

/* ---- PREEMPT, PREEMPT AND ABORT ---- */

enum preempt_mode {
	PREEMPT_INVALID = 0,
	PREEMPT_TAKE,	     /* the holder's key: its reservation changes hands */
	PREEMPT_TAKE_ALL,    /* all registrants, key 0 */
	PREEMPT_REMOVE_ONLY, /* registrations go, the reservation stays as it is */
};

static enum preempt_mode preempt_mode(const struct model *model, uint64_t action_key)
{
	bool all = model_all_registrants(model->type);

	if (model->type != 0 && !all && action_key != 0 && model->keys[model->holder] == action_key)
		return PREEMPT_TAKE;
	if (all && action_key == 0)
		return PREEMPT_TAKE_ALL;
	return action_key == 0 ? PREEMPT_INVALID : PREEMPT_REMOVE_ONLY;
}

static uint32_t ua_of_victims(const struct model *model)
{
	if (model->rules->ua_preempt_03)
		return MODEL_UA_PREEMPTED;
	return model->rules->ua_preempt_05 ? MODEL_UA_REGISTRATION_LOST : MODEL_UA_LOST_EITHER;
}

/* The victim's registration goes. Its commands may have been aborted. */
static void strike(struct model *model, uint32_t victim, bool abort)
{
	model_establish(model, victim, ua_of_victims(model));
	model_set_key(model, victim, 0);
	if (abort && model->up[victim])
		model_set(model, &model->maybe[victim], model->maybe[victim] | MODEL_MAYBE_CLEARED);
}

static struct model_answer take_over(struct model *model, uint32_t nexus,
				     const struct history_command *c, enum preempt_mode mode)
{
	bool changed = model->type != c->type;
	bool abort = c->op == HISTORY_PREEMPT_AND_ABORT;

	for (uint32_t i = 0; i < model->nexus_count; i++)
		if (i != nexus && model->keys[i] != 0 &&
		    (mode == PREEMPT_TAKE_ALL || model->keys[i] == c->action_key))
			strike(model, i, abort);
	hold(model, nexus, c->type);
	if (changed)
		tell_registered(model, nexus, MODEL_UA_RELEASED);
	bump(model);
	return (struct model_answer){.outcome = HISTORY_GOOD, .changes = true};
}

static struct model_answer remove_only(struct model *model, uint32_t nexus,
				       const struct history_command *c, bool own_too)
{
	bool abort = c->op == HISTORY_PREEMPT_AND_ABORT;
	bool any = false;

	for (uint32_t i = 0; i < model->nexus_count; i++)
		any = any || model->keys[i] == c->action_key;
	if (!any)
		return conflict;
	for (uint32_t i = 0; i < model->nexus_count; i++)
		if (i != nexus && model->keys[i] == c->action_key)
			strike(model, i, abort);
	if (own_too && model->keys[nexus] == c->action_key)
		model_set_key(model, nexus, 0);
	if (model->registered == 0)
		release(model);
	bump(model);
	return (struct model_answer){.outcome = HISTORY_GOOD, .changes = true};
}

static struct model_answer do_preempt(struct model *model, uint32_t nexus,
				      const struct history_command *c, unsigned variant,
				      unsigned *ret_variants)
{
	enum preempt_mode mode = preempt_mode(model, c->action_key);
	bool own_too = model->rules->own_key_removed;

	if (mode == PREEMPT_INVALID)
		return check(0x26, 0x00);
	if (mode != PREEMPT_REMOVE_ONLY)
		return type_known(model, c) ? take_over(model, nexus, c, mode) : check(0x24, 0x00);
	if (!model->rules->own_key_kept && !model->rules->own_key_removed &&
	    model->keys[nexus] == c->action_key) {
		*ret_variants = 2;
		own_too = variant == 0;
	}
	return remove_only(model, nexus, c, own_too);
}

/* ---- REGISTER AND MOVE ---- */

static struct model_answer do_move(struct model *model, uint32_t nexus,
				   const struct history_command *c)
{
	if (model->type == 0)
		return check(0x24, 0x00);
	if (model_all_registrants(model->type) || model->holder != nexus)
		return conflict;
	if (c->action_key == 0 || c->move_to >= model->nexus_count ||
	    same_initiator_port(&model->nexuses[nexus], &model->nexuses[c->move_to]))
		return check(0x26, 0x00);
	if (model->rules->registrations_max != 0 && model->keys[c->move_to] == 0 &&
	    model->registered >= model->rules->registrations_max)
		return check(0x55, 0x04);
	model_set_key(model, c->move_to, c->action_key);
	model_set(model, &model->holder, c->move_to);
	if (c->unregister_source)
		model_set_key(model, nexus, 0);
	model_set(model, &model->aptpl, c->aptpl);
	bump(model);
	return (struct model_answer){.outcome = HISTORY_GOOD, .changes = true};
}

/* ---- the order of checks of PERSISTENT RESERVE OUT ---- */

/* A reservation that somebody else holds keeps some service actions out (SPC-4 table 66). */
static bool refused_by_reservation(const struct model *model, uint32_t nexus,
				   const struct history_command *c)
{
	bool registered = model->keys[nexus] != 0;

	if (model->type == 0 || is_holder(model, nexus) || c->op == HISTORY_REGISTER ||
	    c->op == HISTORY_REGISTER_AND_IGNORE)
		return false;
	return !registered || c->op == HISTORY_RESERVE || c->op == HISTORY_REGISTER_AND_MOVE;
}

static struct model_answer do_pr_out(struct model *model, uint32_t nexus,
				     const struct history_command *c, unsigned variant,
				     unsigned *ret_variants)
{
	if (model->spc2_owner != NOBODY || refused_by_reservation(model, nexus, c))
		return conflict;
	if (c->op == HISTORY_RESERVE && !type_known(model, c))
		return check(0x24, 0x00);
	if (c->op == HISTORY_RELEASE && c->scope != 0)
		return check(0x24, 0x00);
	if (c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE)
		return do_register(model, nexus, c);
	if (model->keys[nexus] == 0 || c->key != model->keys[nexus])
		return conflict;
	if (c->op == HISTORY_RESERVE)
		return do_reserve(model, nexus, c);
	if (c->op == HISTORY_RELEASE)
		return do_release(model, nexus, c);
	if (c->op == HISTORY_CLEAR)
		return do_clear(model, nexus);
	if (c->op == HISTORY_REGISTER_AND_MOVE)
		return do_move(model, nexus, c);
	assert(c->op == HISTORY_PREEMPT || c->op == HISTORY_PREEMPT_AND_ABORT);
	return do_preempt(model, nexus, c, variant, ret_variants);
}

/* ---- RESERVE and RELEASE of SPC-2 ---- */

static struct model_answer do_spc2(struct model *model, uint32_t nexus, bool reserve)
{
	if (model->type != 0)
		return is_holder(model, nexus) || (model_registrants_only(model->type) &&
						   model->keys[nexus] != 0)
			       ? good
			       : conflict;
	if (model->registered != 0)
		return conflict;
	if (model->spc2_owner != NOBODY && model->spc2_owner != nexus)
		return reserve ? conflict : good;
	if ((model->spc2_owner == nexus) == reserve)
		return good;
	model_set(model, &model->spc2_owner, reserve ? nexus : NOBODY);
	return (struct model_answer){.outcome = HISTORY_GOOD, .changes = true};
}

/* ---- everything else ---- */

bool model_admits(const struct model *model, uint32_t nexus, bool write)
{
	if (model->spc2_owner != NOBODY && model->spc2_owner != nexus)
		return false;
	if (model->type == 0 || is_holder(model, nexus))
		return true;
	if (model_registrants_only(model->type) && model->keys[nexus] != 0)
		return true;
	return !write && (model->type == 1 || model->type == 5 || model->type == 7);
}

/* Under the SPC-2 reservation of another nexus few commands pass. */
static struct model_answer do_allowed(const struct model *model, uint32_t nexus,
				      const struct history_command *c)
{
	uint8_t opcode = c->op == HISTORY_CDB && c->cdb_len > 0 ? c->cdb[0] : 0;
	uint8_t action = c->cdb_len > 1 ? c->cdb[1] & 0x1f : 0;
	bool passes = opcode == 0x12 || opcode == 0x03 || opcode == 0xa0 || opcode == 0x4d ||
		      opcode == 0x25 || (opcode == 0x9e && action == 0x10) ||
		      (opcode == 0xa3 && action == 0x0a) || opcode == 0x1e;

	if (model->spc2_owner != NOBODY && model->spc2_owner != nexus && !passes)
		return conflict;
	return good;
}

struct model_answer model_step(struct model *model, uint32_t nexus, const struct history_command *c,
			       unsigned variant, unsigned *ret_variants)
{
	*ret_variants = 1;
	if (history_op_is_pr_out(c->op))
		return do_pr_out(model, nexus, c, variant, ret_variants);
	if (history_op_is_pr_in(c->op))
		return model->spc2_owner != NOBODY ? conflict : good;
	if (c->op == HISTORY_SPC2_RESERVE || c->op == HISTORY_SPC2_RELEASE)
		return do_spc2(model, nexus, c->op == HISTORY_SPC2_RESERVE);
	if (c->op == HISTORY_LUN_RESET || c->op == HISTORY_TARGET_RESET) {
		model_reset(model, nexus);
		return (struct model_answer){.outcome = HISTORY_GOOD, .changes = true};
	}
	if (c->op == HISTORY_READ || c->access == HISTORY_ACCESS_READ)
		return model_admits(model, nexus, false) ? good : conflict;
	if (c->op == HISTORY_WRITE || c->access == HISTORY_ACCESS_WRITE)
		return model_admits(model, nexus, true) ? good : conflict;
	return do_allowed(model, nexus, c);
}

/* ---- PERSISTENT RESERVE IN ---- */

static bool keys_shown(const struct model *model, const struct history_result *r)
{
	uint64_t sum = 0;

	if (r->key_count != model->registered)
		return false;
	if (!r->keys || r->key_count > HISTORY_KEYS_MAX)
		return true;
	for (uint32_t i = 0; i < r->key_count; i++)
		sum += model_key_mix(r->keys[i]);
	if (sum != model->keys_sum)
		return false;
	for (uint32_t i = 0; r->key_nexuses && i < r->key_count; i++)
		if (r->key_nexuses[i] < model->nexus_count &&
		    model->keys[r->key_nexuses[i]] != r->keys[i])
			return false;
	return true;
}

static bool holder_shown(const struct model *model, const struct history_result *r)
{
	uint64_t key = 0;

	if (r->holder_type != model->type)
		return false;
	if (model->type != 0 && !model_all_registrants(model->type))
		key = model->keys[model->holder];
	return r->holder_key == key;
}

bool model_shows(const struct model *model, const struct history_command *command,
		 const struct history_result *result, const char **ret_field)
{
	if (command->op == HISTORY_REPORT_CAPABILITIES)
		return true;
	if (result->generation != model->generation) {
		*ret_field = "generation";
		return false;
	}
	if (command->op == HISTORY_READ_RESERVATION) {
		*ret_field = "holder";
		return holder_shown(model, result);
	}
	*ret_field = "keys";
	return keys_shown(model, result);
}
