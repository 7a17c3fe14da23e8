/*
 * Taking events in.
 */
#include "tools/lab/live_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SUMMARY_NS 1000000000u

struct live *live_create(const struct history_head *head, uint64_t slice_ns)
{
	struct live *live = calloc(1, sizeof(*live));

	if (!live)
		return NULL;
	live->head = *head;
	live->slice_ns = slice_ns;
	live->summary_at_ns = SUMMARY_NS;
	live->nexuses = calloc(HISTORY_NEXUSES_MAX, sizeof(*live->nexuses));
	live->up = calloc(HISTORY_NEXUSES_MAX, sizeof(*live->up));
	if (!live->nexuses || !live->up)
		live_free(&live);
	else
		live->field = (struct known_field){.nexuses = live->nexuses,
						   .profile = live->head.profile};
	return live;
}

void live_free(struct live **live)
{
	struct live_open *open, *next;

	if (!*live)
		return;
	HASH_ITER(hh, (*live)->open, open, next)
	{
		HASH_DEL((*live)->open, open);
		free(open);
	}
	for (size_t i = 0; i < (*live)->lu_count; i++) {
		known_release(&(*live)->lus[i].known);
		free((*live)->lus[i].lanes);
	}
	free((*live)->nexuses);
	free((*live)->up);
	free(*live);
	*live = NULL;
}

const char *live_who(const struct live *live, uint32_t nexus, char buffer[LIVE_WHO_MAX])
{
	if (nexus >= live->field.nexus_count)
		snprintf(buffer, LIVE_WHO_MAX, "target");
	else if (live->nexuses[nexus].label[0] != '\0')
		snprintf(buffer, LIVE_WHO_MAX, "%.*s", LIVE_WHO_MAX - 1,
			 live->nexuses[nexus].label);
	else
		snprintf(buffer, LIVE_WHO_MAX, "nexus %" PRIu32, nexus);
	/* A label of another program's making must not reach into the terminal. */
	for (char *at = buffer; *at; at++)
		*at = *at >= ' ' && *at <= '~' ? *at : '?';
	return buffer;
}

static struct live_lu *lu_of(struct live *live, uint16_t lun)
{
	struct live_lu *lu;

	for (size_t i = 0; i < live->lu_count; i++)
		if (live->lus[i].known.lun == lun)
			return &live->lus[i];
	if (live->lu_count == HISTORY_LUNS_MAX)
		return NULL;
	lu = &live->lus[live->lu_count];
	*lu = (struct live_lu){.lanes = calloc(HISTORY_NEXUSES_MAX, sizeof(*lu->lanes))};
	if (!lu->lanes || !known_init(&lu->known, &live->field, lun, HISTORY_NEXUSES_MAX)) {
		free(lu->lanes);
		live->no_memory = true;
		return NULL;
	}
	live->lu_count++;
	return lu;
}

/* ---- commands ---- */

static struct live_cell cell_of(const struct history_command *c, const struct history_result *r)
{
	static const char letters[HISTORY_OP_COUNT] = {
		[HISTORY_READ_KEYS] = 'k',
		[HISTORY_READ_RESERVATION] = 'k',
		[HISTORY_REPORT_CAPABILITIES] = 'k',
		[HISTORY_READ_FULL_STATUS] = 'k',
		[HISTORY_REGISTER] = 'R',
		[HISTORY_REGISTER_AND_IGNORE] = 'R',
		[HISTORY_REGISTER_AND_MOVE] = 'M',
		[HISTORY_RESERVE] = 'V',
		[HISTORY_RELEASE] = 'L',
		[HISTORY_CLEAR] = 'C',
		[HISTORY_PREEMPT] = 'P',
		[HISTORY_PREEMPT_AND_ABORT] = 'P',
		[HISTORY_SPC2_RESERVE] = 'V',
		[HISTORY_SPC2_RELEASE] = 'L',
		[HISTORY_TEST_UNIT_READY] = 't',
		[HISTORY_READ] = 'r',
		[HISTORY_WRITE] = 'w',
		[HISTORY_CDB] = 'o',
		[HISTORY_LUN_RESET] = 'Z',
		[HISTORY_TARGET_RESET] = 'Z',
	};

	switch (r->outcome) {
	case HISTORY_GOOD:
		return (struct live_cell){(uint8_t)letters[c->op], CANVAS_BOLD, LIVE_RANK_GOOD};
	case HISTORY_CONFLICT:
		return (struct live_cell){CANVAS_REFUSED, CANVAS_RED, LIVE_RANK_CONFLICT};
	case HISTORY_UNKNOWN:
		return (struct live_cell){'?', CANVAS_MAGENTA, LIVE_RANK_LOST};
	case HISTORY_CHECK:
		return (struct live_cell){'!', CANVAS_YELLOW, LIVE_RANK_OTHER};
	case HISTORY_BUSY:
	case HISTORY_TASK_ABORTED:
	case HISTORY_OUTCOME_INVALID:
	case HISTORY_OUTCOME_COUNT:
		break;
	}
	return (struct live_cell){'~', CANVAS_YELLOW, LIVE_RANK_OTHER};
}

/* ---- lines ---- */

static struct live_entry *add_line(struct live *live, uint64_t at_ns, uint32_t nexus)
{
	struct live_entry *entry = &live->log[live->logged++ % LIVE_LOG_MAX];

	memset(entry, 0, sizeof(*entry));
	entry->at_ns = at_ns;
	live_who(live, nexus, entry->who);
	return entry;
}

static void say(struct live *live, const struct history_event *event, const char *what,
		enum canvas_style style)
{
	struct live_entry *entry = add_line(live, event->at_ns, event->nexus);

	snprintf(entry->what, sizeof(entry->what), "%s", what);
	entry->style = style;
}

/* Where commands get no lines of their own, they are counted each second. */
static void summarize(struct live *live, uint64_t at_ns)
{
	const struct live_counts *c = &live->counts;
	struct live_entry *entry;

	if (live->slice_ns == 0 || at_ns < live->summary_at_ns)
		return;
	live->summary_at_ns = at_ns - at_ns % SUMMARY_NS + SUMMARY_NS;
	entry = add_line(live, at_ns, HISTORY_NO_NEXUS);
	snprintf(entry->who, sizeof(entry->who), "all");
	snprintf(entry->what, sizeof(entry->what),
		 "%" PRIu64 " commands, %" PRIu64 " conflicts, %" PRIu64 " preempts, %" PRIu64
		 " without answer",
		 c->commands, c->conflicts, c->preempts, c->unknown);
	entry->style = CANVAS_DIM;
}

static void take_invoke(struct live *live, const struct history_event *event)
{
	struct live_open *open = malloc(sizeof(*open));
	struct live_lu *lu = lu_of(live, event->u.invoked.lun);

	if (!open || !lu) {
		live->no_memory = true;
		free(open);
		return;
	}
	*open = (struct live_open){.number = event->command,
				   .at_ns = event->at_ns,
				   .event = live->events,
				   .nexus = event->nexus,
				   .command = event->u.invoked,
				   .changes_at_invoke = lu->changes,
				   .alone_at_invoke = lu->under_way == 0};
	HASH_ADD(hh, live->open, number, sizeof(open->number), open);
	live->counts.commands++;
	if (history_op_changes_state(open->command.op)) {
		lu->changes++;
		lu->under_way++;
	}
}

struct removal {
	struct live *live;
	const struct live_lu *lu;
	uint32_t attacker;
	char names[96];
};

/* An arrow from the attacker's lane to the victim's. */
static void on_removed(void *context, uint32_t victim)
{
	struct removal *removal = context;
	bool down = victim > removal->attacker;
	uint32_t low = down ? removal->attacker : victim, high = down ? victim : removal->attacker;
	size_t used = strlen(removal->names);
	char who[LIVE_WHO_MAX];

	for (uint32_t n = low + 1; n < high; n++)
		live_mark(removal->live, removal->lu, n,
			  (struct live_cell){CANVAS_STEM, CANVAS_RED, LIVE_RANK_STEM});
	live_mark(removal->live, removal->lu, victim,
		  (struct live_cell){down ? CANVAS_HEAD_DOWN : CANVAS_HEAD_UP, CANVAS_RED,
				     LIVE_RANK_PREEMPT});
	snprintf(removal->names + used, sizeof(removal->names) - used, "%s%s", used > 0 ? ", " : "",
		 live_who(removal->live, victim, who));
	removal->live->counts.preempts++;
}

static void apply(struct live *live, struct live_lu *lu, const struct live_open *open,
		  struct removal *removal)
{
	struct known_command command = {.command = &open->command,
					.nexus = open->nexus,
					.invoked = open->event,
					.returned = live->events};

	for (size_t i = 0; i < live->lu_count; i++)
		if (&live->lus[i] == lu || open->command.op == HISTORY_TARGET_RESET)
			known_apply(&live->lus[i].known, &command, on_removed, removal);
	if (removal->names[0] != '\0')
		live_mark(live, lu, open->nexus,
			  (struct live_cell){'P', CANVAS_RED, LIVE_RANK_PREEMPT});
}

static void count(struct live_counts *counts, const struct history_result *r)
{
	counts->good += r->outcome == HISTORY_GOOD;
	counts->conflicts += r->outcome == HISTORY_CONFLICT;
	counts->unknown += r->outcome == HISTORY_UNKNOWN;
	counts->attentions += r->outcome == HISTORY_CHECK && r->sense_key == 6;
	counts->checks += r->outcome == HISTORY_CHECK && r->sense_key != 6;
	counts->others += r->outcome == HISTORY_BUSY || r->outcome == HISTORY_TASK_ABORTED;
}

/* How a command came out. Unit attentions that are about reservations are told in words. */
static const char *result_text(const struct history_command *c, const struct history_result *r,
			       char *buffer, size_t len)
{
	static const struct {
		uint8_t asc, ascq;
		const char *text;
	} attentions[] = {
		{0x29, 0x00, "told of a power on or reset"},
		{0x2a, 0x03, "told: reservations preempted"},
		{0x2a, 0x04, "told: reservations released"},
		{0x2a, 0x05, "told: registrations preempted"},
		{0x2f, 0x00, "told: commands cleared by another"},
	};

	for (size_t i = 0; i < sizeof(attentions) / sizeof(attentions[0]); i++)
		if (r->outcome == HISTORY_CHECK && r->sense_key == 6 &&
		    r->asc == attentions[i].asc && r->ascq == attentions[i].ascq)
			return attentions[i].text;
	if (r->outcome == HISTORY_UNKNOWN)
		return "no answer";
	return history_result_text(c, r, buffer, len);
}

static void log_command(struct live *live, uint64_t at_ns, const struct live_open *open,
			const struct history_result *r, const struct removal *removal)
{
	struct live_entry *entry;
	char text[96];
	const char *how;

	if (live->slice_ns > 0)
		return;
	entry = add_line(live, at_ns, open->nexus);
	history_command_text(&open->command, entry->what, sizeof(entry->what));
	how = result_text(&open->command, r, text, sizeof(text));
	snprintf(entry->how, sizeof(entry->how), "%s%s%.30s", how,
		 removal->names[0] != '\0' ? ", removed " : "", removal->names);
	entry->style = cell_of(&open->command, r).style;
	if (r->outcome == HISTORY_GOOD)
		entry->style = CANVAS_GREEN;
	entry->changed = r->outcome == HISTORY_GOOD && history_op_changes_state(open->command.op);
}

static void take_return(struct live *live, const struct history_event *event)
{
	const struct history_result *r = &event->u.returned;
	struct live_open *open;
	struct live_lu *lu;
	struct removal removal = {.live = live, .attacker = event->nexus};

	HASH_FIND(hh, live->open, &event->command, sizeof(event->command), open);
	lu = open ? lu_of(live, open->command.lun) : NULL;
	if (!lu)
		return;
	removal.lu = lu;
	live_begin_column(live, event->at_ns);
	live_mark(live, lu, open->nexus, cell_of(&open->command, r));
	if (history_op_changes_state(open->command.op)) {
		lu->changes++;
		lu->under_way--;
		if (r->outcome == HISTORY_GOOD)
			apply(live, lu, open, &removal);
	} else if (history_op_is_pr_in(open->command.op) && r->outcome == HISTORY_GOOD &&
		   open->alone_at_invoke && open->changes_at_invoke == lu->changes) {
		known_correct(&lu->known, &open->command, r, live->events);
	}
	live_end_column(live);
	count(&live->counts, r);
	log_command(live, event->at_ns, open, r, &removal);
	HASH_DEL(live->open, open);
	free(open);
}

/* ---- sessions, and the target ---- */

static void take_session(struct live *live, const struct history_event *event, bool up,
			 const char *what, enum canvas_style style)
{
	live_begin_column(live, event->at_ns);
	live->up[event->nexus] = up;
	for (size_t i = 0; i < live->lu_count && !up; i++)
		known_session_ended(&live->lus[i].known, event->nexus);
	live_end_column(live);
	if (live->slice_ns == 0)
		say(live, event, what, style);
}

static void take_target(struct live *live, const struct history_event *event, bool dead)
{
	live_begin_column(live, event->at_ns);
	live->target_dead = dead;
	live->counts.crashes += dead;
	for (size_t i = 0; i < live->lu_count && dead; i++)
		known_crashed(&live->lus[i].known);
	if (dead)
		memset(live->up, 0, HISTORY_NEXUSES_MAX * sizeof(*live->up));
	live_end_column(live);
	live_mark_all(live,
		      dead ? (struct live_cell){CANVAS_CRASH, CANVAS_RED, LIVE_RANK_CRASH}
			   : (struct live_cell){CANVAS_REVIVED, CANVAS_GREEN, LIVE_RANK_CRASH});
	say(live, event,
	    event->kind == HISTORY_POWER_CUT ? "has lost its power, and all sessions with it"
	    : dead			     ? "is dead, and all sessions with it"
					     : "is up again",
	    dead ? CANVAS_RED : CANVAS_GREEN);
	live->log[(live->logged - 1) % LIVE_LOG_MAX].changed = dead;
}

void live_take(struct live *live, const struct history_event *event)
{
	live->events++;
	if (event->kind != HISTORY_NEXUS && event->nexus != HISTORY_NO_NEXUS &&
	    event->nexus >= live->field.nexus_count)
		return;
	summarize(live, event->at_ns);
	switch (event->kind) {
	case HISTORY_NEXUS:
		if (live->field.nexus_count < HISTORY_NEXUSES_MAX)
			live->nexuses[live->field.nexus_count++] = event->u.introduced;
		break;
	case HISTORY_LOGIN:
		take_session(live, event, true, "logged in", CANVAS_DIM);
		break;
	case HISTORY_LOGOUT:
		take_session(live, event, false, "logged out", CANVAS_DIM);
		break;
	case HISTORY_LOST:
		take_session(live, event, false, "has lost its connection", CANVAS_MAGENTA);
		break;
	case HISTORY_INVOKE:
		take_invoke(live, event);
		break;
	case HISTORY_RETURN:
		take_return(live, event);
		break;
	case HISTORY_CRASH:
	case HISTORY_POWER_CUT:
	case HISTORY_UP:
		take_target(live, event, history_kind_is_crash(event->kind));
		break;
	case HISTORY_NOTE:
		snprintf(live->caption, sizeof(live->caption), "%s", event->u.note);
		say(live, event, event->u.note, CANVAS_BOLD);
		live->log[(live->logged - 1) % LIVE_LOG_MAX].who[0] = '\0';
		break;
	case HISTORY_MEDIUM:
	case HISTORY_APPLIED:
	case HISTORY_DECIDED:
	case HISTORY_KIND_INVALID:
	case HISTORY_KIND_COUNT:
		break;
	}
}
