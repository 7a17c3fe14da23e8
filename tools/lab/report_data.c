/*
 * The page's data as JSON. Commands are rows of numbers, and every text stands once in `texts`, so
 * that a long history still makes a page that opens.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "tools/common/escape.h"
#include "tools/lab/report.h"
#include "tools/lab/timeline.h"

/* Outcomes of the page: a unit attention is one of its own. */
#define OUTCOME_UNIT_ATTENTION HISTORY_OUTCOME_COUNT
#define FOREIGN_MAX	       1024 /* bytes of a text that the page shows */

struct text {
	size_t index;
	UT_hash_handle hh;
	char bytes[];
};

struct page {
	FILE *out;
	const struct history *history;
	struct timeline *timeline;
	struct text *texts; /* in the order of their indexes */
	bool no_memory;
};

/* What HTML or a line of script could take for its own is written as an escape. */
static void put_string(FILE *out, const char *text)
{
	putc('"', out);
	for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
		if (*at < 0x20 || *at == 0x7f || strchr("\"\\<>&'", *at))
			fprintf(out, "\\u%04x", (unsigned)*at);
		else
			putc(*at, out);
	}
	putc('"', out);
}

/* Names, labels and notes come from elsewhere: only whole, printable UTF-8 is let through. */
static void put_foreign(FILE *out, const char *text)
{
	char clean[4 * FOREIGN_MAX + 1];

	escape_text(text, clean, sizeof(clean));
	put_string(out, clean);
}

static void put_member(FILE *out, const char *name, const char *text)
{
	fprintf(out, "\"%s\":", name);
	put_foreign(out, text);
}

/* The text's index in `texts`. */
static size_t text_index(struct page *page, const char *text)
{
	size_t len = strlen(text);
	struct text *entry;

	HASH_FIND(hh, page->texts, text, len, entry);
	if (entry)
		return entry->index;
	entry = malloc(sizeof(*entry) + len + 1);
	if (!entry) {
		page->no_memory = true;
		return 0;
	}
	memcpy(entry->bytes, text, len + 1);
	entry->index = HASH_COUNT(page->texts);
	HASH_ADD_KEYPTR(hh, page->texts, entry->bytes, len, entry);
	return entry->index;
}

static void put_texts(struct page *page)
{
	fputs("\"texts\":[", page->out);
	for (const struct text *entry = page->texts; entry; entry = entry->hh.next) {
		fputs(entry->index == 0 ? "\n" : ",\n", page->out);
		put_foreign(page->out, entry->bytes);
	}
	putc(']', page->out);
}

static void free_texts(struct page *page)
{
	struct text *entry = page->texts, *next;

	/* Clearing the table leaves the entries and their order. */
	HASH_CLEAR(hh, page->texts);
	for (; entry; entry = next) {
		next = entry->hh.next;
		free(entry);
	}
}

/* An event is known to the page by its line in the file; 0: there is none. */
static size_t line_of(const struct page *page, size_t event)
{
	return event == TIMELINE_NO_EVENT ? 0 : page->history->lines[event];
}

static void put_head(const struct page *page)
{
	const struct history_head *head = &page->history->head;
	FILE *out = page->out;

	fputs("{\"head\":{", out);
	put_member(out, "target", head->target);
	putc(',', out);
	put_member(out, "profile", head->profile);
	putc(',', out);
	put_member(out, "vendor", head->vendor);
	putc(',', out);
	put_member(out, "product", head->product);
	putc(',', out);
	put_member(out, "comment", head->comment);
	fprintf(out,
		",\"seed\":\"0x%" PRIx64 "\",\"started_ms\":%" PRIu64 ",\"block_size\":%" PRIu32
		",\"aptpl\":%s},\n\"end_ns\":%" PRIu64 ",\"event_count\":%zu,\n",
		head->seed, head->started_ms, head->block_size,
		head->aptpl_claimed ? "true" : "false", page->timeline->end_ns,
		page->history->event_count);
}

/* Sentences, one a line. */
static void put_why(FILE *out, const char *why)
{
	const char *before = "";
	char sentence[FOREIGN_MAX + 1];

	while (why && *why != '\0') {
		size_t len = strcspn(why, "\n");
		snprintf(sentence, sizeof(sentence), "%.*s", (int)len, why);
		fputs(before, out);
		put_foreign(out, sentence);
		before = ",";
		why += len + (why[len] != '\0');
	}
}

static void put_violation(const struct page *page, const struct judge_violation *v)
{
	static const char *const proofs[] = {
		[JUDGE_PROOF_NONE] = "none",
		[JUDGE_PROOF_SMALL] = "small",
		[JUDGE_PROOF_SMALLEST] = "smallest",
	};
	FILE *out = page->out;

	putc('{', out);
	put_member(out, "rule", judge_rule_name(v->rule));
	putc(',', out);
	put_member(out, "rule_text", judge_rule_text(v->rule));
	putc(',', out);
	put_member(out, "text", v->text);
	fprintf(out, ",\"proof\":\"%s\",\"why\":[", proofs[v->proof]);
	put_why(out, v->why);
	fprintf(out, "],\"lun\":%u,\"lines\":[", (unsigned)v->lun);
	for (size_t i = 0; i < v->event_count; i++)
		fprintf(out, "%s%zu", i == 0 ? "" : ",", line_of(page, v->events[i]));
	fputs("]}", out);
}

static void put_verdict(const struct page *page, const struct judge_report *verdict)
{
	FILE *out = page->out;

	fprintf(out, "\"judged\":%s,\"undecided\":%s,\"states\":%" PRIu64 ",",
		verdict ? "true" : "false", verdict && verdict->undecided ? "true" : "false",
		verdict ? verdict->states : 0);
	put_member(out, "notes", verdict ? verdict->notes : "");
	fputs(",\n\"violations\":[", out);
	for (size_t i = 0; verdict && i < verdict->violation_count; i++) {
		fputs(i == 0 ? "\n" : ",\n", out);
		put_violation(page, &verdict->violations[i]);
	}
	fputs("],\n", out);
}

static void put_nexuses(const struct page *page)
{
	FILE *out = page->out;

	fputs("\"nexuses\":[", out);
	for (uint32_t i = 0; i < page->history->nexus_count; i++) {
		const struct history_nexus *n = &page->history->nexuses[i];
		fputs(i == 0 ? "\n{" : ",\n{", out);
		put_member(out, "name", n->name);
		putc(',', out);
		put_member(out, "label", n->label);
		putc(',', out);
		put_member(out, "portal", n->portal);
		fprintf(out, ",\"isid\":\"%02x%02x%02x%02x%02x%02x\",\"port\":%u}",
			(unsigned)n->isid[0], (unsigned)n->isid[1], (unsigned)n->isid[2],
			(unsigned)n->isid[3], (unsigned)n->isid[4], (unsigned)n->isid[5],
			(unsigned)n->target_port);
	}
	fputs("],\n", out);
}

static void put_names(const struct page *page)
{
	FILE *out = page->out;

	fputs("\"luns\":[", out);
	for (size_t i = 0; i < page->timeline->lun_count; i++)
		fprintf(out, "%s%u", i == 0 ? "" : ",", (unsigned)page->timeline->luns[i]);
	fputs("],\n\"ops\":[\"\"", out);
	for (unsigned i = 1; i < HISTORY_OP_COUNT; i++)
		fprintf(out, ",\"%s\"", history_op_name((enum history_op)i));
	fputs("],\n\"outcomes\":[\"\"", out);
	for (unsigned i = 1; i < HISTORY_OUTCOME_COUNT; i++)
		fprintf(out, ",\"%s\"", history_outcome_name((enum history_outcome)i));
	fputs(",\"unit_attention\"],\n\"kinds\":[\"\"", out);
	for (unsigned i = 1; i < TIMELINE_KIND_COUNT; i++)
		fprintf(out, ",\"%s\"", timeline_kind_name((enum timeline_kind)i));
	fputs("],\n", out);
}

static unsigned outcome_of(const struct history_result *r)
{
	if (r->outcome == HISTORY_CHECK && r->sense_key == 6)
		return OUTCOME_UNIT_ATTENTION;
	return (unsigned)r->outcome;
}

static void put_commands(struct page *page)
{
	static const struct history_result unanswered = {.outcome = HISTORY_UNKNOWN};
	char command[512], result[512];

	fputs("\"commands\":[", page->out);
	for (size_t i = 0; i < page->timeline->command_count; i++) {
		const struct timeline_command *t = &page->timeline->commands[i];
		const struct history_event *e = &page->history->events[t->invoke];
		const struct history_result *r =
			t->returned == TIMELINE_NO_EVENT
				? &unanswered
				: &page->history->events[t->returned].u.returned;

		history_command_text(&e->u.invoked, command, sizeof(command));
		history_result_text(&e->u.invoked, r, result, sizeof(result));
		fprintf(page->out,
			"%s[%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%u,%u,%u,%zu,%zu,%zu,%zu]",
			i == 0 ? "\n" : ",\n", e->nexus, t->from_ns, t->to_ns,
			(unsigned)e->u.invoked.op, outcome_of(r), (unsigned)e->u.invoked.lun,
			text_index(page, command), text_index(page, result),
			line_of(page, t->invoke), line_of(page, t->returned));
	}
	fputs("],\n", page->out);
}

static void put_bands(struct page *page)
{
	char key[24];

	fputs("\"bands\":[", page->out);
	for (size_t i = 0; i < page->timeline->band_count; i++) {
		const struct timeline_band *b = &page->timeline->bands[i];
		snprintf(key, sizeof(key), "0x%" PRIx64, b->key);
		fprintf(page->out, "%s[%u,%" PRIu32 ",%u,%u,%zu,%" PRIu64 ",%" PRIu64 ",%zu,%zu]",
			i == 0 ? "\n" : ",\n", (unsigned)b->kind, b->nexus, (unsigned)b->lun,
			(unsigned)b->type, text_index(page, key), b->from_ns, b->to_ns,
			line_of(page, b->from_event), line_of(page, b->to_event));
	}
	fputs("],\n\"preempts\":[", page->out);
	for (size_t i = 0; i < page->timeline->preempt_count; i++) {
		const struct timeline_preempt *p = &page->timeline->preempts[i];
		fprintf(page->out, "%s[%zu,%" PRIu32 ",%u]", i == 0 ? "\n" : ",\n", p->command,
			p->victim, (unsigned)p->lun);
	}
	fputs("],\n\"outages\":[", page->out);
	for (size_t i = 0; i < page->timeline->outage_count; i++) {
		const struct timeline_outage *o = &page->timeline->outages[i];
		fprintf(page->out, "%s[%" PRIu64 ",%" PRIu64 ",%zu,%zu]", i == 0 ? "\n" : ",\n",
			o->from_ns, o->to_ns, line_of(page, o->crash), line_of(page, o->up));
	}
	fputs("],\n", page->out);
}

static void medium_text(const struct history_event *e, char *text, size_t len)
{
	const struct history_tag *tag = &e->u.medium.tag;

	if (tag->torn)
		snprintf(text, len, "block %" PRIu64 " holds pieces of two writes",
			 e->u.medium.lba);
	else if (!tag->written)
		snprintf(text, len, "block %" PRIu64 " holds nothing of this run", e->u.medium.lba);
	else
		snprintf(text, len, "block %" PRIu64 " holds write #%" PRIu64 " of nexus %" PRIu32,
			 e->u.medium.lba, tag->sequence, tag->nexus);
}

/* Whatever is neither a command nor an introduction. */
static void put_events(struct page *page)
{
	const char *before = "\n";
	char text[HISTORY_TEXT_MAX + 1];

	fputs("\"events\":[", page->out);
	for (size_t i = 0; i < page->history->event_count; i++) {
		const struct history_event *e = &page->history->events[i];
		if (e->kind == HISTORY_NEXUS || e->kind == HISTORY_INVOKE ||
		    e->kind == HISTORY_RETURN || e->kind == HISTORY_APPLIED ||
		    e->kind == HISTORY_DECIDED)
			continue;
		text[0] = '\0';
		if (e->kind == HISTORY_NOTE)
			snprintf(text, sizeof(text), "%s", e->u.note);
		else if (e->kind == HISTORY_MEDIUM)
			medium_text(e, text, sizeof(text));
		fprintf(page->out, "%s[%zu,%" PRIu64 ",\"%s\",%" PRId64 ",%zu]", before,
			line_of(page, i), e->at_ns, history_kind_name(e->kind),
			e->nexus == HISTORY_NO_NEXUS ? INT64_C(-1) : (int64_t)e->nexus,
			text_index(page, text));
		before = ",\n";
	}
	fputs("],\n", page->out);
}

int report_write_data(FILE *out, const struct history *history, const struct judge_report *verdict)
{
	struct page page = {.out = out, .history = history};
	int error = timeline_build(history, &page.timeline);

	if (error != 0)
		return error;
	put_head(&page);
	put_verdict(&page, verdict);
	put_nexuses(&page);
	put_names(&page);
	put_commands(&page);
	put_bands(&page);
	put_events(&page);
	put_texts(&page);
	fputs("}\n", out);
	free_texts(&page);
	timeline_free(&page.timeline);
	if (page.no_memory)
		return -ENOMEM;
	return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}
