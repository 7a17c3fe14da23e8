/*
 * One walk over the events: commands are paired with their returns, sessions and outages become
 * bands, and acknowledged commands go to timeline_state.c.
 */
#include "tools/lab/timeline.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/lab/timeline_internal.h"

/* Room for one more; false: no memory. */
static bool make_room(void **items, size_t count, size_t *capacity, size_t size)
{
	size_t wanted = *capacity == 0 ? 64 : 2 * *capacity;
	void *grown;

	if (count < *capacity)
		return true;
	grown = wanted <= SIZE_MAX / size ? realloc(*items, wanted * size) : NULL;
	if (!grown)
		return false;
	*items = grown;
	*capacity = wanted;
	return true;
}

size_t timeline_open_band(struct timeline_states *states, struct timeline_band band)
{
	struct timeline *t = states->timeline;
	void *items = t->bands;

	if (!make_room(&items, t->band_count, &t->band_capacity, sizeof(band))) {
		states->no_memory = true;
		return TIMELINE_NO_BAND;
	}
	t->bands = items;
	band.from_event = states->event;
	band.from_ns = states->history->events[states->event].at_ns;
	band.to_event = TIMELINE_NO_EVENT;
	band.to_ns = t->end_ns;
	t->bands[t->band_count] = band;
	return t->band_count++;
}

void timeline_close_band(struct timeline_states *states, size_t *band)
{
	if (*band == TIMELINE_NO_BAND)
		return;
	states->timeline->bands[*band].to_event = states->event;
	states->timeline->bands[*band].to_ns = states->history->events[states->event].at_ns;
	*band = TIMELINE_NO_BAND;
}

void timeline_add_preempt(struct timeline_states *states, struct timeline_preempt preempt)
{
	struct timeline *t = states->timeline;
	void *items = t->preempts;

	if (!make_room(&items, t->preempt_count, &t->preempt_capacity, sizeof(preempt))) {
		states->no_memory = true;
		return;
	}
	t->preempts = items;
	t->preempts[t->preempt_count++] = preempt;
}

/* ---- commands and their returns ---- */

static void add_command(const struct history *history, struct timeline *t, size_t invoke)
{
	t->command_of[invoke] = t->command_count;
	t->commands[t->command_count++] =
		(struct timeline_command){.invoke = invoke,
					  .returned = TIMELINE_NO_EVENT,
					  .from_ns = history->events[invoke].at_ns,
					  .to_ns = t->end_ns};
}

static void end_command(const struct history *history, struct timeline *t, size_t invoke,
			size_t returned)
{
	struct timeline_command *command = &t->commands[t->command_of[invoke]];

	t->command_of[returned] = t->command_of[invoke];
	command->returned = returned;
	command->to_ns = history->events[returned].at_ns;
}

static bool pair_commands(const struct history *history, struct timeline *t)
{
	size_t *partner = NULL;

	if (history_pair(history, &partner) != 0)
		return false;
	for (size_t i = 0; i < history->event_count; i++) {
		t->command_of[i] = TIMELINE_NO_COMMAND;
		if (history->events[i].kind == HISTORY_INVOKE)
			add_command(history, t, i);
		else if (partner[i] != HISTORY_NO_EVENT)
			end_command(history, t, partner[i], i);
	}
	free(partner);
	return true;
}

/* Did the command go without an answer? (A history may say so in a RETURN, at whatever time.) */
static bool unanswered(const struct history *history, const struct timeline_command *command)
{
	return command->returned == TIMELINE_NO_EVENT ||
	       history->events[command->returned].u.returned.outcome == HISTORY_UNKNOWN;
}

/* What got no answer was given up where its session ended, at the latest. */
static bool end_unanswered(const struct history *history, struct timeline *t)
{
	uint64_t *ends = malloc((history->nexus_count + 1) * sizeof(*ends));

	if (!ends)
		return false;
	for (uint32_t n = 0; n < history->nexus_count; n++)
		ends[n] = t->end_ns;
	for (size_t i = history->event_count; i-- > 0;) {
		const struct history_event *e = &history->events[i];
		if (history_kind_is_crash(e->kind))
			for (uint32_t n = 0; n < history->nexus_count; n++)
				ends[n] = e->at_ns;
		else if (e->kind == HISTORY_LOST || e->kind == HISTORY_LOGOUT)
			ends[e->nexus] = e->at_ns;
		else if (e->kind == HISTORY_INVOKE &&
			 unanswered(history, &t->commands[t->command_of[i]]) &&
			 t->commands[t->command_of[i]].to_ns > ends[e->nexus])
			t->commands[t->command_of[i]].to_ns = ends[e->nexus];
	}
	free(ends);
	return true;
}

/* ---- the walk ---- */

static struct timeline_lu *lu_of(struct timeline_states *states, uint16_t lun)
{
	struct timeline *t = states->timeline;
	struct timeline_lu *lu;

	for (size_t i = 0; i < t->lun_count; i++)
		if (t->luns[i] == lun)
			return &states->lus[i];
	if (t->lun_count == HISTORY_LUNS_MAX)
		return NULL;
	lu = &states->lus[t->lun_count];
	lu->places = malloc((states->history->nexus_count + 1) * sizeof(*lu->places));
	if (!lu->places ||
	    !known_init(&lu->known, &states->field, lun, states->history->nexus_count)) {
		free(lu->places);
		lu->places = NULL;
		states->no_memory = true;
		return NULL;
	}
	for (uint32_t i = 0; i < states->history->nexus_count; i++)
		lu->places[i] = (struct timeline_place){.registered_band = TIMELINE_NO_BAND,
							.holds_band = TIMELINE_NO_BAND,
							.spc2_band = TIMELINE_NO_BAND};
	t->luns[t->lun_count++] = lun;
	return lu;
}

/* Was the command GOOD, and one that changes something? */
static bool takes_effect(const struct timeline_states *states, size_t command)
{
	const struct timeline_command *c = &states->timeline->commands[command];
	const struct history_event *events = states->history->events;

	return c->returned != TIMELINE_NO_EVENT &&
	       events[c->returned].u.returned.outcome == HISTORY_GOOD &&
	       history_op_changes_state(events[c->invoke].u.invoked.op);
}

static void take_invoke(struct timeline_states *states, size_t command)
{
	struct timeline_lu *lu =
		lu_of(states, states->history->events[states->event].u.invoked.lun);

	if (!lu)
		return;
	states->changes_at_invoke[command] = lu->changes;
	states->alone_at_invoke[command] = lu->under_way == 0;
	if (!takes_effect(states, command))
		return;
	lu->changes++;
	lu->under_way++;
}

static void take_return(struct timeline_states *states, size_t command)
{
	const struct history_event *events = states->history->events;
	const struct history_command *c =
		&events[states->timeline->commands[command].invoke].u.invoked;
	const struct history_result *r = &events[states->event].u.returned;
	struct timeline_lu *lu = lu_of(states, c->lun);

	if (!lu || r->outcome != HISTORY_GOOD)
		return;
	if (takes_effect(states, command)) {
		lu->changes++;
		lu->under_way--;
		for (size_t i = 0; i < states->timeline->lun_count; i++)
			if (lu == &states->lus[i] || c->op == HISTORY_TARGET_RESET)
				timeline_apply(states, &states->lus[i], command);
	} else if (history_op_is_pr_in(c->op) && states->alone_at_invoke[command] &&
		   states->changes_at_invoke[command] == lu->changes) {
		known_correct(&lu->known, c, r, states->event);
		timeline_show(states, lu);
	}
}

static void end_session(struct timeline_states *states, uint32_t nexus)
{
	timeline_close_band(states, &states->session_bands[nexus]);
	for (size_t i = 0; i < states->timeline->lun_count; i++) {
		if (states->lus[i].known.spc2_owner != nexus)
			continue;
		known_session_ended(&states->lus[i].known, nexus);
		timeline_show(states, &states->lus[i]);
	}
}

static void take_crash(struct timeline_states *states)
{
	struct timeline *t = states->timeline;
	void *items = t->outages;

	for (uint32_t i = 0; i < states->history->nexus_count; i++)
		end_session(states, i);
	for (size_t i = 0; i < t->lun_count; i++) {
		known_crashed(&states->lus[i].known);
		timeline_show(states, &states->lus[i]);
	}
	if (!make_room(&items, t->outage_count, &t->outage_capacity, sizeof(*t->outages))) {
		states->no_memory = true;
		return;
	}
	t->outages = items;
	t->outages[t->outage_count++] =
		(struct timeline_outage){.crash = states->event,
					 .up = TIMELINE_NO_EVENT,
					 .from_ns = states->history->events[states->event].at_ns,
					 .to_ns = t->end_ns};
}

static void take_up(struct timeline_states *states)
{
	struct timeline *t = states->timeline;
	struct timeline_outage *last;

	if (t->outage_count == 0)
		return;
	last = &t->outages[t->outage_count - 1];
	if (last->up != TIMELINE_NO_EVENT)
		return;
	last->up = states->event;
	last->to_ns = states->history->events[states->event].at_ns;
}

static void take_event(struct timeline_states *states)
{
	const struct history_event *e = &states->history->events[states->event];
	size_t command = states->timeline->command_of[states->event];

	switch (e->kind) {
	case HISTORY_LOGIN:
		if (states->session_bands[e->nexus] == TIMELINE_NO_BAND)
			states->session_bands[e->nexus] = timeline_open_band(
				states, (struct timeline_band){.kind = TIMELINE_SESSION,
							       .nexus = e->nexus});
		break;
	case HISTORY_LOGOUT:
	case HISTORY_LOST:
		end_session(states, e->nexus);
		break;
	case HISTORY_INVOKE:
		take_invoke(states, command);
		break;
	case HISTORY_RETURN:
		if (command != TIMELINE_NO_COMMAND)
			take_return(states, command);
		break;
	case HISTORY_CRASH:
	case HISTORY_POWER_CUT:
		take_crash(states);
		break;
	case HISTORY_UP:
		take_up(states);
		break;
	case HISTORY_NEXUS:
	case HISTORY_MEDIUM:
	case HISTORY_NOTE:
	case HISTORY_APPLIED:
	case HISTORY_DECIDED:
	case HISTORY_KIND_INVALID:
	case HISTORY_KIND_COUNT:
		break;
	}
}

static bool walk(const struct history *history, struct timeline *t)
{
	struct timeline_states states = {.history = history,
					 .field = {.nexuses = history->nexuses,
						   .nexus_count = history->nexus_count,
						   .profile = history->head.profile},
					 .timeline = t};
	size_t nexuses = history->nexus_count + (size_t)1, commands = t->command_count + 1;

	states.changes_at_invoke = calloc(commands, sizeof(*states.changes_at_invoke));
	states.alone_at_invoke = calloc(commands, sizeof(*states.alone_at_invoke));
	states.session_bands = malloc(nexuses * sizeof(*states.session_bands));
	states.no_memory =
		!states.changes_at_invoke || !states.alone_at_invoke || !states.session_bands;
	for (size_t i = 0; i < nexuses && !states.no_memory; i++)
		states.session_bands[i] = TIMELINE_NO_BAND;
	for (; states.event < history->event_count && !states.no_memory; states.event++)
		take_event(&states);
	for (size_t i = 0; i < t->lun_count; i++) {
		known_release(&states.lus[i].known);
		free(states.lus[i].places);
	}
	free(states.changes_at_invoke);
	free(states.alone_at_invoke);
	free(states.session_bands);
	return !states.no_memory;
}

int timeline_build(const struct history *history, struct timeline **ret_timeline)
{
	struct timeline *t = calloc(1, sizeof(*t));
	size_t events = history->event_count + 1;

	if (!t)
		return -ENOMEM;
	if (history->event_count > 0)
		t->end_ns = history->events[history->event_count - 1].at_ns;
	t->commands = calloc(events, sizeof(*t->commands));
	t->command_of = malloc(events * sizeof(*t->command_of));
	if (!t->commands || !t->command_of || !pair_commands(history, t) ||
	    !end_unanswered(history, t) || !walk(history, t)) {
		timeline_free(&t);
		return -ENOMEM;
	}
	*ret_timeline = t;
	return 0;
}

void timeline_free(struct timeline **timeline)
{
	if (!*timeline)
		return;
	free((*timeline)->commands);
	free((*timeline)->command_of);
	free((*timeline)->bands);
	free((*timeline)->preempts);
	free((*timeline)->outages);
	free(*timeline);
	*timeline = NULL;
}
