/*
 * What an acknowledged command tells about one LUN. Unlike the judge's model this one believes
 * every answer: a picture of a wrong target must show what that target said.
 */
#include <string.h>

#include "tools/lab/timeline_internal.h"

static bool all_registrants(uint8_t type)
{
	return type == 7 || type == 8;
}

bool timeline_changes(const struct history_command *command)
{
	return history_op_is_pr_out(command->op) || command->op == HISTORY_SPC2_RESERVE ||
	       command->op == HISTORY_SPC2_RELEASE || command->op == HISTORY_LUN_RESET ||
	       command->op == HISTORY_TARGET_RESET;
}

static void set_key(struct timeline_states *states, struct timeline_lu *lu, uint32_t nexus,
		    uint64_t key)
{
	struct timeline_place *place = &lu->places[nexus];

	if (place->key == key)
		return;
	place->key = key;
	place->changed_at = states->event;
}

static void hold(struct timeline_lu *lu, uint32_t nexus, uint8_t type)
{
	lu->type = type;
	lu->holder = type == 0 || all_registrants(type) ? HISTORY_NO_NEXUS : nexus;
}

/* A reservation goes with its holder's registration, or with the last one (SPC-4 5.13.11.2). */
static void drop_unheld(struct timeline_states *states, struct timeline_lu *lu)
{
	if (lu->type == 0)
		return;
	if (lu->holder != HISTORY_NO_NEXUS) {
		if (lu->places[lu->holder].key == 0)
			hold(lu, HISTORY_NO_NEXUS, 0);
		return;
	}
	if (!all_registrants(lu->type))
		return;
	for (uint32_t i = 0; i < states->history->nexus_count; i++)
		if (lu->places[i].key != 0)
			return;
	hold(lu, HISTORY_NO_NEXUS, 0);
}

static bool same_initiator_port(const struct history_nexus *a, const struct history_nexus *b)
{
	return memcmp(a->isid, b->isid, sizeof(a->isid)) == 0 && strcmp(a->name, b->name) == 0;
}

static void apply_register(struct timeline_states *states, struct timeline_lu *lu, uint32_t nexus,
			   const struct history_command *c)
{
	const struct history_nexus *nexuses = states->history->nexuses;

	for (uint32_t i = 0; i < states->history->nexus_count; i++)
		if (i == nexus ||
		    (c->all_tg_pt && same_initiator_port(&nexuses[i], &nexuses[nexus])))
			set_key(states, lu, i, c->action_key);
	lu->aptpl = c->aptpl;
}

static void apply_move(struct timeline_states *states, struct timeline_lu *lu, uint32_t nexus,
		       const struct history_command *c)
{
	if (c->move_to >= states->history->nexus_count)
		return;
	set_key(states, lu, c->move_to, c->action_key);
	if (lu->type != 0)
		hold(lu, c->move_to, lu->type);
	if (c->unregister_source)
		set_key(states, lu, nexus, 0);
	lu->aptpl = c->aptpl;
}

static void apply_preempt(struct timeline_states *states, struct timeline_lu *lu, size_t command,
			  const struct history_command *c)
{
	uint32_t nexus = states->history->events[states->event].nexus;
	bool take_all = all_registrants(lu->type) && c->action_key == 0;
	bool take = take_all || (lu->type != 0 && lu->holder != HISTORY_NO_NEXUS &&
				 lu->places[lu->holder].key == c->action_key);
	/* Whether the own registration goes, too, is the profile's choice (SPC-4 5.13.11.2.6). */
	bool own_kept = take || strcmp(states->history->head.profile, "dlt-s4") == 0;

	for (uint32_t i = 0; i < states->history->nexus_count; i++) {
		uint64_t key = lu->places[i].key;
		if (key == 0 || (!take_all && key != c->action_key) || (i == nexus && own_kept))
			continue;
		set_key(states, lu, i, 0);
		if (i != nexus)
			timeline_add_preempt(states, (struct timeline_preempt){.command = command,
									       .victim = i,
									       .lun = lu->lun});
	}
	if (take)
		hold(lu, nexus, c->type);
}

static void apply_clear(struct timeline_states *states, struct timeline_lu *lu)
{
	for (uint32_t i = 0; i < states->history->nexus_count; i++)
		set_key(states, lu, i, 0);
	hold(lu, HISTORY_NO_NEXUS, 0);
}

/*
 * Most service actions are GOOD only for a nexus that is registered with `key`. When it is not, its
 * REGISTER went unanswered and this tells that it was done - or the registration went between this
 * command's invoke and its return, and the command came first. False: the latter, and what it did
 * is already over.
 */
static bool learn_key(struct timeline_states *states, struct timeline_lu *lu, uint32_t nexus,
		      const struct history_command *c, size_t invoke)
{
	const struct timeline_place *place = &lu->places[nexus];

	if (c->op == HISTORY_REGISTER_AND_IGNORE || place->key == c->key)
		return true;
	if (place->changed_at != TIMELINE_NO_EVENT && place->changed_at > invoke)
		return c->op == HISTORY_REGISTER && c->key == 0;
	set_key(states, lu, nexus, c->key);
	return true;
}

static void apply_pr_out(struct timeline_states *states, struct timeline_lu *lu, size_t command)
{
	size_t invoke = states->timeline->commands[command].invoke;
	const struct history_command *c = &states->history->events[invoke].u.invoked;
	uint32_t nexus = states->history->events[invoke].nexus;

	if (!learn_key(states, lu, nexus, c, invoke))
		return;
	if (c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE)
		apply_register(states, lu, nexus, c);
	else if (c->op == HISTORY_REGISTER_AND_MOVE)
		apply_move(states, lu, nexus, c);
	else if (c->op == HISTORY_RESERVE)
		hold(lu, nexus, c->type);
	else if (c->op == HISTORY_RELEASE && lu->type == c->type &&
		 (all_registrants(lu->type) || lu->holder == nexus))
		hold(lu, HISTORY_NO_NEXUS, 0);
	else if (c->op == HISTORY_CLEAR)
		apply_clear(states, lu);
	else if (c->op == HISTORY_PREEMPT || c->op == HISTORY_PREEMPT_AND_ABORT)
		apply_preempt(states, lu, command, c);
	drop_unheld(states, lu);
}

void timeline_apply(struct timeline_states *states, struct timeline_lu *lu, size_t command)
{
	size_t invoke = states->timeline->commands[command].invoke;
	const struct history_event *e = &states->history->events[invoke];

	if (history_op_is_pr_out(e->u.invoked.op))
		apply_pr_out(states, lu, command);
	else if (e->u.invoked.op == HISTORY_SPC2_RESERVE) {
		/* Where a persistent reservation admits it, RESERVE does nothing (SPC-3 5.6.3). */
		if (lu->type == 0)
			lu->spc2_owner = e->nexus;
	} else if (e->u.invoked.op != HISTORY_SPC2_RELEASE || lu->spc2_owner == e->nexus)
		lu->spc2_owner = HISTORY_NO_NEXUS; /* RELEASE, or a reset */
	timeline_show(states, lu);
}

/* ---- what PERSISTENT RESERVE IN says ---- */

static bool has_key(const struct history_result *r, uint64_t key)
{
	for (uint32_t i = 0; i < r->key_count; i++)
		if (r->keys[i] == key)
			return true;
	return false;
}

static void correct_keys(struct timeline_states *states, struct timeline_lu *lu,
			 const struct history_result *r)
{
	uint32_t count = r->key_count;

	if (count > HISTORY_KEYS_MAX || (count > 0 && !r->keys))
		return; /* not the whole of it */
	for (uint32_t i = 0; i < states->history->nexus_count; i++)
		if (lu->places[i].key != 0 && !has_key(r, lu->places[i].key))
			set_key(states, lu, i, 0);
	if (!r->key_nexuses)
		return;
	for (uint32_t nexus = 0; nexus < states->history->nexus_count; nexus++) {
		uint64_t key = 0;
		for (uint32_t i = 0; i < count; i++)
			if (r->key_nexuses[i] == nexus)
				key = r->keys[i];
		set_key(states, lu, nexus, key);
	}
}

/* The only nexus that is known with this key. */
static uint32_t nexus_with_key(const struct timeline_states *states, const struct timeline_lu *lu,
			       uint64_t key)
{
	uint32_t found = HISTORY_NO_NEXUS;

	for (uint32_t i = 0; i < states->history->nexus_count; i++) {
		if (lu->places[i].key != key)
			continue;
		if (found != HISTORY_NO_NEXUS)
			return HISTORY_NO_NEXUS;
		found = i;
	}
	return found;
}

static void correct_holder(struct timeline_states *states, struct timeline_lu *lu,
			   const struct history_result *r)
{
	bool as_known = lu->type == r->holder_type && lu->holder != HISTORY_NO_NEXUS &&
			lu->places[lu->holder].key == r->holder_key;

	if (as_known)
		return;
	hold(lu, r->holder_type == 0 ? HISTORY_NO_NEXUS : nexus_with_key(states, lu, r->holder_key),
	     r->holder_type);
}

void timeline_correct(struct timeline_states *states, struct timeline_lu *lu,
		      const struct history_command *command, const struct history_result *result)
{
	if (command->op == HISTORY_READ_RESERVATION) {
		correct_holder(states, lu, result);
	} else if (command->op == HISTORY_READ_KEYS || command->op == HISTORY_READ_FULL_STATUS) {
		correct_keys(states, lu, result);
		drop_unheld(states, lu);
	}
	timeline_show(states, lu);
}

/* ---- states to bands ---- */

static void show_one(struct timeline_states *states, struct timeline_band band, bool wanted,
		     size_t *open)
{
	const struct timeline_band *shown =
		*open == TIMELINE_NO_BAND ? NULL : &states->timeline->bands[*open];

	if (shown && wanted && shown->type == band.type && shown->key == band.key)
		return;
	if (shown)
		timeline_close_band(states, open);
	if (wanted)
		*open = timeline_open_band(states, band);
}

void timeline_show(struct timeline_states *states, struct timeline_lu *lu)
{
	for (uint32_t i = 0; i < states->history->nexus_count; i++) {
		struct timeline_place *place = &lu->places[i];
		struct timeline_band band = {
			.kind = TIMELINE_REGISTERED, .nexus = i, .lun = lu->lun, .key = place->key};
		bool holds = lu->type != 0 && place->key != 0 &&
			     (all_registrants(lu->type) || lu->holder == i);

		show_one(states, band, place->key != 0, &place->registered_band);
		band.key = 0;
		band.kind = TIMELINE_SPC2;
		show_one(states, band, lu->spc2_owner == i, &place->spc2_band);
		band.kind = TIMELINE_HOLDS;
		band.type = lu->type;
		show_one(states, band, holds, &place->holds_band);
	}
}

const char *timeline_kind_name(enum timeline_kind kind)
{
	static const char *const names[TIMELINE_KIND_COUNT] = {
		[TIMELINE_SESSION] = "session",
		[TIMELINE_REGISTERED] = "registered",
		[TIMELINE_HOLDS] = "holds",
		[TIMELINE_SPC2] = "spc2",
	};
	return (size_t)kind < TIMELINE_KIND_COUNT && names[kind] ? names[kind] : "?";
}
