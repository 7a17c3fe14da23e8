/*
 * A history from any text: read, written, judged, and shown in every form that the lab has.
 */
#ifndef TESTS_FUZZ_FUZZ_LAB_H
#define TESTS_FUZZ_FUZZ_LAB_H

#include <stdlib.h>
#include <string.h>

#include "tools/lab/export.h"
#include "tools/lab/report.h"

#define EVENTS_MAX 400	/* of a history that is judged: more takes long, and shows nothing new */
#define STATES_MAX 2000 /* that the judge looks at */

static inline void require(bool what)
{
	if (!what)
		abort();
}

static inline struct history *history_of(const char *text, size_t len)
{
	struct history *history = NULL;
	struct history_error error;
	FILE *in = fmemopen((void *)(uintptr_t)text, len, "r");

	if (!in)
		return NULL;
	int failed = history_read(in, &history, &error);
	fclose(in);
	require(failed ? !history && error.text[0] != '\0' : history != NULL);
	return history;
}

/* What the reader takes the writer writes. */
static inline char *text_of(const struct history *history, size_t *ret_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);
	struct history_writer *writer = history_writer_create(out, &history->head);

	require(writer != NULL);
	for (size_t i = 0; i < history->event_count; i++)
		require(history_write(writer, &history->events[i]) == 0);
	require(history_writer_finish(&writer) == 0 && fclose(out) == 0);
	return text;
}

/* What was written is read as it was. */
static inline void write_and_read(const struct history *history)
{
	size_t len = 0, again_len = 0;
	char *text = text_of(history, &len);
	struct history *read = history_of(text, len);

	require(read && read->event_count == history->event_count);
	char *again = text_of(read, &again_len);
	require(len == again_len && memcmp(text, again, len) == 0);
	history_free(&read);
	free(again);
	free(text);
}

static inline void check_violation(const struct history *history, const struct judge_violation *v)
{
	require(v->rule > JUDGE_RULE_INVALID && v->rule < JUDGE_RULE_COUNT);
	require(v->text[0] != '\0' && strlen(v->text) < sizeof(v->text));
	require(v->accused == SIZE_MAX || v->accused < history->event_count);
	for (size_t i = 0; i < v->event_count; i++)
		require(v->events[i] < history->event_count);
}

static inline void judge_and_show(const struct history *history, bool forgiving)
{
	struct judge_options options = {.states_max = STATES_MAX,
					.without_aptpl = forgiving,
					.without_unit_attentions = forgiving};
	struct judge_report *report = NULL;
	char *page = NULL;
	size_t len = 0;

	require(judge(history, &options, &report) == 0);
	for (size_t i = 0; i < report->violation_count; i++)
		check_violation(history, &report->violations[i]);
	FILE *out = open_memstream(&page, &len);
	require(report_write_data(out, history, report) == 0);
	require(export_porcupine(out, history) == 0 && fclose(out) == 0);
	free(page);
	judge_report_free(&report);
}

static inline void show_lines(const struct history *history)
{
	char line[256];

	for (size_t i = 0; i < history->event_count; i++) {
		const struct history_event *event = &history->events[i];

		if (event->kind == HISTORY_INVOKE || event->kind == HISTORY_APPLIED)
			require(strlen(history_command_text(&event->u.invoked, line,
							    sizeof(line))) < sizeof(line));
	}
}

static inline void use_history(const char *text, size_t len, bool forgiving)
{
	struct history *history = history_of(text, len);

	if (!history)
		return;
	write_and_read(history);
	show_lines(history);
	if (history->event_count <= EVENTS_MAX)
		judge_and_show(history, forgiving);
	history_free(&history);
}

#endif
