/*
 * Why the commands of a proof contradict each other, in sentences: what each of them says of the
 * state, and the one that does not fit.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_smallest.h"

#define TEXT_MAX 320

/* A command of the proof. */
struct row {
	size_t event;				       /* its INVOKE */
	const struct history_event *invoke, *returned; /* NULL: never */
};

struct why {
	const struct history *history;
	const struct judge_violation *violation;
	struct row *rows;
	size_t count;
	const struct history_event *seen; /* a block of the medium, behind all commands */
	FILE *out;
};

static double seconds(const struct history_event *event)
{
	return (double)event->at_ns / 1e9;
}

static const char *name_of(const struct why *why, uint32_t nexus, char *buffer, size_t len)
{
	const struct history_nexus *n = &why->history->nexuses[nexus];

	if (n->label[0] != '\0')
		snprintf(buffer, len, "%s", n->label);
	else
		snprintf(buffer, len, "nexus %" PRIu32, nexus);
	return buffer;
}

/* "b's write 1 block at 65 #9" */
static const char *command_of(const struct why *why, const struct row *row, char *buffer,
			      size_t len)
{
	char name[40], text[256];

	history_command_text(&row->invoke->u.invoked, text, sizeof(text));
	snprintf(buffer, len, "%s's %s", name_of(why, row->invoke->nexus, name, sizeof(name)),
		 text);
	return buffer;
}

static bool is_good(const struct row *row)
{
	return row->returned && row->returned->u.returned.outcome == HISTORY_GOOD;
}

static const char *attention_text(const struct history_result *r)
{
	if (r->asc == 0x29)
		return "of a reset, or that it is new";
	if (r->asc == 0x2f)
		return "COMMANDS CLEARED BY ANOTHER INITIATOR";
	if (r->asc == 0x2a && r->ascq == 0x03)
		return "RESERVATIONS PREEMPTED";
	if (r->asc == 0x2a && r->ascq == 0x04)
		return "RESERVATIONS RELEASED";
	if (r->asc == 0x2a && r->ascq == 0x05)
		return "REGISTRATIONS PREEMPTED";
	return "another unit attention";
}

/* ---- what a command that was GOOD did ---- */

/* Does another command of the proof show that this nexus had that key? */
static bool had_key(const struct row *row, uint64_t key)
{
	const struct history_command *c = &row->invoke->u.invoked;

	if (!is_good(row) || !history_op_is_pr_out(c->op))
		return false;
	if (c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE)
		return c->action_key == key;
	return c->key == key;
}

static void tell_victims(const struct why *why, const struct row *row)
{
	const struct history_command *c = &row->invoke->u.invoked;
	bool any = false;
	char name[40];

	for (const struct row *other = why->rows; other < row; other++) {
		if (other->invoke->nexus == row->invoke->nexus || !had_key(other, c->action_key))
			continue;
		fprintf(why->out, "%s%s", any ? " and " : "",
			name_of(why, other->invoke->nexus, name, sizeof(name)));
		any = true;
	}
	if (!any && c->action_key == 0)
		fputs("everybody else", why->out);
	else if (!any)
		fprintf(why->out, "whoever was registered with 0x%" PRIx64, c->action_key);
}

/* False: nothing more than that it was GOOD. */
static bool tell_change(const struct why *why, const struct row *row)
{
	const struct history_command *c = &row->invoke->u.invoked;
	char name[40], other[40], text[TEXT_MAX];

	name_of(why, row->invoke->nexus, name, sizeof(name));
	command_of(why, row, text, sizeof(text));
	if (c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE) {
		if (c->action_key == 0)
			fprintf(why->out, "%s was registered no longer", name);
		else
			fprintf(why->out, "%s was registered with 0x%" PRIx64, name, c->action_key);
	} else if (c->op == HISTORY_RESERVE) {
		fprintf(why->out, "%s held a reservation by %s", name, text);
	} else if (c->op == HISTORY_CLEAR) {
		fprintf(why->out, "nobody was registered after %s", text);
	} else if (c->op == HISTORY_PREEMPT || c->op == HISTORY_PREEMPT_AND_ABORT) {
		tell_victims(why, row);
		fprintf(why->out, " was removed by %s", text);
	} else if (c->op == HISTORY_REGISTER_AND_MOVE && c->move_to < why->history->nexus_count) {
		fprintf(why->out, "%s took over from %s, registered with 0x%" PRIx64,
			name_of(why, c->move_to, other, sizeof(other)), name, c->action_key);
	} else if (c->op == HISTORY_SPC2_RESERVE) {
		fprintf(why->out, "%s had the unit for itself by %s", name, text);
	} else {
		return false;
	}
	return true;
}

static void tell_row(const struct why *why, const struct row *row)
{
	const struct history_command *c = &row->invoke->u.invoked;
	char text[TEXT_MAX], answer[256], name[40];

	if (!row->returned) {
		fprintf(why->out, "%s was not answered.\n",
			command_of(why, row, text, sizeof(text)));
		return;
	}
	const struct history_result *r = &row->returned->u.returned;
	if (r->outcome == HISTORY_CHECK && r->sense_key == 6)
		fprintf(why->out, "%s was told %s",
			name_of(why, row->invoke->nexus, name, sizeof(name)), attention_text(r));
	else if (r->outcome != HISTORY_GOOD || !tell_change(why, row))
		fprintf(why->out, "%s was answered %s", command_of(why, row, text, sizeof(text)),
			history_result_text(c, r, answer, sizeof(answer)));
	else {
		fprintf(why->out, " (GOOD at %.6f s).\n", seconds(row->returned));
		return;
	}
	fprintf(why->out, " at %.6f s.\n", seconds(row->returned));
}

/* ---- what was not sent ---- */

static bool gives_key(const struct history_event *e, uint32_t nexus)
{
	const struct history_command *c = &e->u.invoked;

	if (e->kind != HISTORY_INVOKE)
		return false;
	if (c->op == HISTORY_REGISTER_AND_MOVE)
		return c->move_to == nexus;
	return (c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE) &&
	       (e->nexus == nexus || c->all_tg_pt);
}

static bool strikes(const struct row *row)
{
	enum history_op op = row->invoke->u.invoked.op;

	return is_good(row) &&
	       (op == HISTORY_PREEMPT || op == HISTORY_PREEMPT_AND_ABORT || op == HISTORY_CLEAR);
}

/* Nobody registered it between the command that removed it and the one that does not fit. */
static void tell_absence(const struct why *why, const struct row *removing, const struct row *last)
{
	const struct history_event *end = last->returned ? last->returned : last->invoke;
	uint32_t nexus = last->invoke->nexus;
	char name[40];

	if (!strikes(removing) || removing->invoke->nexus == nexus)
		return;
	for (const struct history_event *e = removing->invoke; e < end; e++)
		if (gives_key(e, nexus))
			return;
	fprintf(why->out, "Nobody sent a command that registers %s after that was sent.\n",
		name_of(why, nexus, name, sizeof(name)));
}

/* ---- the one that does not fit ---- */

static void tell_last(const struct why *why, const struct row *row)
{
	const struct judge_violation *v = why->violation;
	const struct history_command *c = &row->invoke->u.invoked;
	char text[TEXT_MAX], answer[256] = "not answered";
	bool is_accused = row->event == v->accused;

	if (row->returned)
		history_result_text(c, &row->returned->u.returned, answer, sizeof(answer));
	fprintf(why->out, "%s%s, sent at %.6f s, ", why->count > 1 ? "Yet " : "",
		command_of(why, row, text, sizeof(text)), seconds(row->invoke));
	if (!row->returned)
		fputs("took effect, for its data was found", why->out);
	else
		fprintf(why->out, "ended with %s at %.6f s", answer, seconds(row->returned));
	if (is_accused && v->rule == JUDGE_UNIT_ATTENTION_LOST)
		fputs(", where a unit attention was due", why->out);
	else if (is_accused && row->returned && v->due != row->returned->u.returned.outcome)
		fprintf(why->out, ", where %s was due", history_outcome_name(v->due));
	fputs(".\n", why->out);
	if (!is_accused && v->accused != JUDGE_NO_EVENT)
		fputs("The answer that is named above is not needed for that: the same fault "
		      "shows itself here in fewer commands.\n",
		      why->out);
}

static void tell_found(const struct why *why)
{
	const struct history_tag *tag = &why->seen->u.medium.tag;
	char name[40] = "somebody else";

	fprintf(why->out, "Yet block %" PRIu64 " on the medium ", why->seen->u.medium.lba);
	if (tag->torn)
		fputs("holds pieces of two writes.\n", why->out);
	else if (!tag->written)
		fputs("holds nothing of this run.\n", why->out);
	else
		fprintf(why->out, "holds write #%" PRIu64 " of %s.\n", tag->sequence,
			tag->nexus < why->history->nexus_count
				? name_of(why, tag->nexus, name, sizeof(name))
				: name);
}

static void tell_rest(const struct why *why, size_t left_out)
{
	if (left_out == 0)
		return;
	fprintf(why->out,
		"Whatever the other %zu command%s answered, and whether %s effect or not, "
		"no order explains %s.\n",
		left_out, left_out == 1 ? " was" : "s were",
		left_out == 1 ? "it took" : "they took", why->count == 1 ? "this" : "these");
}

/* ---- all ---- */

static const struct history_event *return_of(const struct history *history, size_t invoke)
{
	for (size_t i = invoke + 1; i < history->event_count; i++)
		if (history->events[i].kind == HISTORY_RETURN &&
		    history->events[i].command == history->events[invoke].command)
			return &history->events[i];
	return NULL;
}

static bool gather(struct why *why)
{
	const struct judge_violation *v = why->violation;

	why->rows = calloc(v->event_count + 1, sizeof(*why->rows));
	if (!why->rows)
		return false;
	for (size_t i = 0; i < v->event_count; i++) {
		const struct history_event *e = &why->history->events[v->events[i]];
		if (e->kind == HISTORY_MEDIUM)
			why->seen = e;
		if (e->kind == HISTORY_INVOKE)
			why->rows[why->count++] =
				(struct row){.event = v->events[i],
					     .invoke = e,
					     .returned = return_of(why->history, v->events[i])};
	}
	return true;
}

/* The accused, or who was answered last. */
static size_t find_last(const struct why *why)
{
	size_t last = 0;

	for (size_t i = 0; i < why->count; i++) {
		const struct row *row = &why->rows[i], *so_far = &why->rows[last];
		if (row->event == why->violation->accused)
			return i;
		if (!row->returned || (so_far->returned && row->returned > so_far->returned))
			last = i;
	}
	return last;
}

char *smallest_why(const struct history *history, const struct judge_violation *violation)
{
	struct why why = {.history = history, .violation = violation};
	size_t len = 0, commands = 0, last;
	char *text = NULL;
	bool memory = gather(&why);

	why.out = memory ? open_memstream(&text, &len) : NULL;
	if (!why.out) {
		free(why.rows);
		return NULL;
	}
	for (size_t i = 0; i < history->event_count; i++)
		commands += history->events[i].kind == HISTORY_INVOKE;
	last = why.seen ? why.count : find_last(&why);
	for (size_t i = 0; i < why.count; i++)
		if (i != last)
			tell_row(&why, &why.rows[i]);
	for (size_t i = 0; i < why.count && last < why.count; i++)
		if (i != last)
			tell_absence(&why, &why.rows[i], &why.rows[last]);
	if (why.seen)
		tell_found(&why);
	else if (why.count > 0)
		tell_last(&why, &why.rows[last]);
	if (violation->proof != JUDGE_PROOF_NONE && !why.seen)
		tell_rest(&why, commands - why.count);
	memory = fclose(why.out) == 0;
	free(why.rows);
	if (!memory) {
		free(text);
		return NULL;
	}
	return text;
}
