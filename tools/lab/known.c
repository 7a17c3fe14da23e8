#include "tools/lab/known.h"

#include <stdlib.h>
#include <string.h>

bool known_init(struct known_lu *lu, const struct known_field *field, uint16_t lun,
		uint32_t nexuses_max)
{
	struct known_place *places = calloc(nexuses_max + (size_t)1, sizeof(*places));

	if (!places)
		return false;
	*lu = (struct known_lu){.field = field,
				.lun = lun,
				.holder = HISTORY_NO_NEXUS,
				.spc2_owner = HISTORY_NO_NEXUS,
				.places = places};
	return true;
}

void known_release(struct known_lu *lu)
{
	free(lu->places);
	lu->places = NULL;
}

bool known_all_registrants(uint8_t type)
{
	return type == 7 || type == 8;
}

bool known_holds(const struct known_lu *lu, uint32_t nexus)
{
	return lu->type != 0 && lu->places[nexus].key != 0 &&
	       (known_all_registrants(lu->type) || lu->holder == nexus);
}

static void set_key(struct known_lu *lu, uint32_t nexus, uint64_t key, size_t event)
{
	if (lu->places[nexus].key != key)
		lu->places[nexus] =
			(struct known_place){.key = key, .changed = true, .changed_at = event};
}

static void hold(struct known_lu *lu, uint32_t nexus, uint8_t type)
{
	lu->type = type;
	lu->holder = type == 0 || known_all_registrants(type) ? HISTORY_NO_NEXUS : nexus;
}

/* A reservation goes with its holder's registration, or with the last one (SPC-4 5.13.11.2). */
static void drop_unheld(struct known_lu *lu)
{
	if (lu->type == 0)
		return;
	if (lu->holder != HISTORY_NO_NEXUS) {
		if (lu->places[lu->holder].key == 0)
			hold(lu, HISTORY_NO_NEXUS, 0);
		return;
	}
	if (!known_all_registrants(lu->type))
		return;
	for (uint32_t i = 0; i < lu->field->nexus_count; i++)
		if (lu->places[i].key != 0)
			return;
	hold(lu, HISTORY_NO_NEXUS, 0);
}

/* ---- commands ---- */

static bool same_initiator_port(const struct history_nexus *a, const struct history_nexus *b)
{
	return memcmp(a->isid, b->isid, sizeof(a->isid)) == 0 && strcmp(a->name, b->name) == 0;
}

static void apply_register(struct known_lu *lu, const struct known_command *k)
{
	const struct history_nexus *nexuses = lu->field->nexuses;

	for (uint32_t i = 0; i < lu->field->nexus_count; i++)
		if (i == k->nexus ||
		    (k->command->all_tg_pt && same_initiator_port(&nexuses[i], &nexuses[k->nexus])))
			set_key(lu, i, k->command->action_key, k->returned);
	lu->aptpl = k->command->aptpl;
}

static void apply_move(struct known_lu *lu, const struct known_command *k)
{
	const struct history_command *c = k->command;

	if (c->move_to >= lu->field->nexus_count)
		return;
	set_key(lu, c->move_to, c->action_key, k->returned);
	if (lu->type != 0)
		hold(lu, c->move_to, lu->type);
	if (c->unregister_source)
		set_key(lu, k->nexus, 0, k->returned);
	lu->aptpl = c->aptpl;
}

static void apply_preempt(struct known_lu *lu, const struct known_command *k,
			  known_removed *removed, void *context)
{
	const struct history_command *c = k->command;
	bool take_all = known_all_registrants(lu->type) && c->action_key == 0;
	bool take = take_all || (lu->type != 0 && lu->holder != HISTORY_NO_NEXUS &&
				 lu->places[lu->holder].key == c->action_key);
	/* Whether the own registration goes, too, is the profile's choice (SPC-4 5.13.11.2.6). */
	bool own_kept = take || strcmp(lu->field->profile, "dlt-s4") == 0;

	for (uint32_t i = 0; i < lu->field->nexus_count; i++) {
		uint64_t key = lu->places[i].key;
		if (key == 0 || (!take_all && key != c->action_key) || (i == k->nexus && own_kept))
			continue;
		set_key(lu, i, 0, k->returned);
		if (i != k->nexus)
			removed(context, i);
	}
	if (take)
		hold(lu, k->nexus, c->type);
}

static void apply_clear(struct known_lu *lu, size_t event)
{
	for (uint32_t i = 0; i < lu->field->nexus_count; i++)
		set_key(lu, i, 0, event);
	hold(lu, HISTORY_NO_NEXUS, 0);
}

/*
 * Most service actions are GOOD only for a nexus that is registered with `key`. When it is not, its
 * REGISTER went unanswered and this tells that it was done - or the registration went between this
 * command's invoke and its return, and the command came first. False: the latter, and what it did
 * is already over.
 */
static bool learn_key(struct known_lu *lu, const struct known_command *k)
{
	const struct known_place *place = &lu->places[k->nexus];

	if (k->command->op == HISTORY_REGISTER_AND_IGNORE || place->key == k->command->key)
		return true;
	if (place->changed && place->changed_at > k->invoked)
		return k->command->op == HISTORY_REGISTER && k->command->key == 0;
	set_key(lu, k->nexus, k->command->key, k->returned);
	return true;
}

static void apply_pr_out(struct known_lu *lu, const struct known_command *k, known_removed *removed,
			 void *context)
{
	const struct history_command *c = k->command;

	if (!learn_key(lu, k))
		return;
	if (c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE)
		apply_register(lu, k);
	else if (c->op == HISTORY_REGISTER_AND_MOVE)
		apply_move(lu, k);
	else if (c->op == HISTORY_RESERVE)
		hold(lu, k->nexus, c->type);
	else if (c->op == HISTORY_RELEASE && lu->type == c->type &&
		 (known_all_registrants(lu->type) || lu->holder == k->nexus))
		hold(lu, HISTORY_NO_NEXUS, 0);
	else if (c->op == HISTORY_CLEAR)
		apply_clear(lu, k->returned);
	else if (c->op == HISTORY_PREEMPT || c->op == HISTORY_PREEMPT_AND_ABORT)
		apply_preempt(lu, k, removed, context);
	drop_unheld(lu);
}

void known_apply(struct known_lu *lu, const struct known_command *command, known_removed *removed,
		 void *context)
{
	enum history_op op = command->command->op;

	if (history_op_is_pr_out(op)) {
		apply_pr_out(lu, command, removed, context);
	} else if (op == HISTORY_SPC2_RESERVE) {
		/* Where a persistent reservation admits it, RESERVE does nothing (SPC-3 5.6.3). */
		if (lu->type == 0)
			lu->spc2_owner = command->nexus;
	} else if (op != HISTORY_SPC2_RELEASE || lu->spc2_owner == command->nexus) {
		lu->spc2_owner = HISTORY_NO_NEXUS; /* RELEASE, or a reset */
	}
}

/* ---- what PERSISTENT RESERVE IN says ---- */

static bool has_key(const struct history_result *r, uint64_t key)
{
	for (uint32_t i = 0; i < r->key_count; i++)
		if (r->keys[i] == key)
			return true;
	return false;
}

static void correct_keys(struct known_lu *lu, const struct history_result *r, size_t event)
{
	uint32_t count = r->key_count;

	if (r->cut_off || (count > 0 && !history_keys_are_all(r)))
		return; /* not the whole of it */
	for (uint32_t i = 0; i < lu->field->nexus_count; i++)
		if (lu->places[i].key != 0 && !has_key(r, lu->places[i].key))
			set_key(lu, i, 0, event);
	if (!r->key_nexuses)
		return;
	for (uint32_t nexus = 0; nexus < lu->field->nexus_count; nexus++) {
		uint64_t key = 0;
		for (uint32_t i = 0; i < count; i++)
			if (r->key_nexuses[i] == nexus)
				key = r->keys[i];
		set_key(lu, nexus, key, event);
	}
}

/* The only nexus that is known with this key. */
static uint32_t nexus_with_key(const struct known_lu *lu, uint64_t key)
{
	uint32_t found = HISTORY_NO_NEXUS;

	for (uint32_t i = 0; i < lu->field->nexus_count; i++) {
		if (lu->places[i].key != key)
			continue;
		if (found != HISTORY_NO_NEXUS)
			return HISTORY_NO_NEXUS;
		found = i;
	}
	return found;
}

static void correct_holder(struct known_lu *lu, const struct history_result *r)
{
	bool as_known = lu->type == r->holder_type && lu->holder != HISTORY_NO_NEXUS &&
			lu->places[lu->holder].key == r->holder_key;

	if (as_known)
		return;
	hold(lu, r->holder_type == 0 ? HISTORY_NO_NEXUS : nexus_with_key(lu, r->holder_key),
	     r->holder_type);
}

void known_correct(struct known_lu *lu, const struct history_command *command,
		   const struct history_result *result, size_t event)
{
	if (command->op == HISTORY_READ_RESERVATION) {
		correct_holder(lu, result);
	} else if (command->op == HISTORY_READ_KEYS || command->op == HISTORY_READ_FULL_STATUS) {
		correct_keys(lu, result, event);
		drop_unheld(lu);
	}
}

/* ---- sessions and crashes ---- */

void known_session_ended(struct known_lu *lu, uint32_t nexus)
{
	if (lu->spc2_owner == nexus)
		lu->spc2_owner = HISTORY_NO_NEXUS;
}

void known_crashed(struct known_lu *lu)
{
	lu->spc2_owner = HISTORY_NO_NEXUS;
	if (lu->aptpl)
		return;
	for (uint32_t n = 0; n < lu->field->nexus_count; n++)
		lu->places[n].key = 0;
	lu->type = 0;
	lu->holder = HISTORY_NO_NEXUS;
}
