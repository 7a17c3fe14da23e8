/*
 * What is known of one LUN as bands and arrows.
 */
#include "tools/lab/timeline_internal.h"

/* A PREEMPT that is being applied. */
struct removal {
	struct timeline_states *states;
	size_t command;
	uint16_t lun;
};

static void on_removed(void *context, uint32_t victim)
{
	const struct removal *removal = context;

	timeline_add_preempt(removal->states, (struct timeline_preempt){.command = removal->command,
									.victim = victim,
									.lun = removal->lun});
}

void timeline_apply(struct timeline_states *states, struct timeline_lu *lu, size_t command)
{
	size_t invoke = states->timeline->commands[command].invoke;
	const struct history_event *e = &states->history->events[invoke];
	struct known_command known = {.command = &e->u.invoked,
				      .nexus = e->nexus,
				      .invoked = invoke,
				      .returned = states->event};
	struct removal removal = {.states = states, .command = command, .lun = lu->known.lun};

	known_apply(&lu->known, &known, on_removed, &removal);
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
	const struct known_lu *known = &lu->known;

	for (uint32_t i = 0; i < states->history->nexus_count; i++) {
		struct timeline_place *place = &lu->places[i];
		struct timeline_band band = {.kind = TIMELINE_REGISTERED,
					     .nexus = i,
					     .lun = known->lun,
					     .key = known->places[i].key};

		show_one(states, band, band.key != 0, &place->registered_band);
		band.key = 0;
		band.kind = TIMELINE_SPC2;
		show_one(states, band, known->spc2_owner == i, &place->spc2_band);
		band.kind = TIMELINE_HOLDS;
		band.type = known->type;
		show_one(states, band, known_holds(known, i), &place->holds_band);
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
