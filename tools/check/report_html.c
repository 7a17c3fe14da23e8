/*
 * The report as a page that needs nothing else: the table, and for each check that did not pass the
 * PDUs around the stimulus, decoded.
 */
#include <inttypes.h>
#include <string.h>

#include "tools/check/field.h"
#include "tools/check/markup.h"
#include "tools/check/result.h"

#define BEFORE		12 /* events shown before the stimulus */
#define AFTER		24 /* and behind it */
#define DESCRIPTION_MAX 512
#define DATA_SHOWN_MAX	256

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<title>holdfast check-initiator</title>\n<style>\n"
	"body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:78em;padding:0 1em;"
	"color:#1c1e21;background:#fff}\n"
	"h1{font-size:1.4em}h2{font-size:1.1em;margin-top:2em}\n"
	"code,pre,.pdus{font:12.5px/1.5 ui-monospace,monospace}\n"
	"table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25em .6em;"
	"border-bottom:1px solid #ddd;vertical-align:top}\n"
	".v{font-weight:600;white-space:nowrap}.FAIL{color:#b3001b}.WARN{color:#8a5a00}"
	".PASS{color:#156b2f}.INFO{color:#1b4f9c}.NOT-TESTABLE,.NOT-RUN{color:#666}"
	".INCONCLUSIVE{color:#7a2ea0}\n"
	"details{margin:.3em 0}summary{cursor:pointer}pre{white-space:pre-wrap;background:#f6f6f4;"
	"padding:.6em;overflow:auto}\n"
	".pdus td{border:0;padding:.05em .6em}.stimulus{background:#ffe9b8}"
	".number{color:#777;text-align:right;white-space:nowrap}\n"
	"@media(prefers-color-scheme:dark){body{background:#16181b;color:#dde}pre{background:#222}"
	"td,th{border-color:#333}.stimulus{background:#4a3b10}.FAIL{color:#ff7b88}"
	".WARN{color:#e8b04a}.PASS{color:#6fcf8f}.INFO{color:#8ab4f8}}\n"
	"</style></head><body>\n";

/* ---- PDUs ------------------------------------------------------------------------------------ */

static bool is_text(const struct check_event *event)
{
	uint8_t opcode = event->bhs[0] & 0x3f;

	return opcode == ISCSI_LOGIN_REQUEST || opcode == ISCSI_LOGIN_RESPONSE ||
	       opcode == ISCSI_TEXT_REQUEST || opcode == ISCSI_TEXT_RESPONSE;
}

static void print_data(const struct check_event *event, FILE *out)
{
	char text[2] = "";
	uint32_t len = event->data_len < DATA_SHOWN_MAX ? event->data_len : DATA_SHOWN_MAX;

	if (len == 0)
		return;
	fputs("<br>", out);
	for (uint32_t i = 0; is_text(event) && i < event->data_len; i++) {
		text[0] = event->data[i] ? (char)event->data[i] : ' ';
		check_markup(out, text);
	}
	for (uint32_t i = 0; !is_text(event) && i < len && i < 64; i++)
		fprintf(out, "%02x%s", event->data[i], i % 4 == 3 ? " " : "");
}

static void print_pdu(const struct check_event *event, FILE *out)
{
	char text[DESCRIPTION_MAX];

	check_describe(event->bhs, text, sizeof(text));
	fprintf(out, "<td>%s", event->from_target ? "&larr; " : "&rarr; ");
	check_markup(out, text);
	if (event->bad_header_digest)
		fputs(" <b>wrong header digest</b>", out);
	if (event->bad_data_digest)
		fputs(" <b>wrong data digest</b>", out);
	print_data(event, out);
	fputs("</td>", out);
}

static void print_event(const struct check_event *event, bool is_stimulus, FILE *out)
{
	const char *who = event->from_target ? "the target" : "the initiator";

	fprintf(out, "<tr%s><td class=number>%" PRIu32 ".%03" PRIu32 "</td><td class=number>",
		is_stimulus ? " class=stimulus" : "", event->ms / 1000, event->ms % 1000);
	if (event->connection > 0)
		fprintf(out, "connection %" PRIu32 "%s", event->connection,
			event->second_portal ? " (second portal)" : "");
	fputs("</td>", out);
	switch (event->kind) {
	case CHECK_OPENED:
		fputs("<td>the initiator connects</td>", out);
		break;
	case CHECK_PDU:
		print_pdu(event, out);
		break;
	case CHECK_CLOSED:
		fprintf(out, "<td>%s %s the connection</td>", who,
			event->reset ? "resets" : "closes");
		break;
	case CHECK_UNINTELLIGIBLE:
		fprintf(out, "<td>%s sends what is no PDU</td>", who);
		break;
	case CHECK_NOTE:
		fprintf(out, "<td><i>%s</i></td>", event->note);
		break;
	case CHECK_EVENT_INVALID:
		break;
	}
	fputs("</tr>\n", out);
}

static void print_events(const struct check_run_result *run, FILE *out)
{
	const struct check_evidence *evidence = &run->evidence;
	size_t at = evidence->mark > 0 ? evidence->mark - 1 : 0;
	size_t from = at > BEFORE ? at - BEFORE : 0, to = at + AFTER;

	if (to > run->record.count)
		to = run->record.count;
	if (from > 0)
		fprintf(out, "<p>%zu earlier events are left out.</p>", from);
	fputs("<table class=pdus>\n", out);
	for (size_t i = from; i < to; i++)
		print_event(&run->record.events[i], i == evidence->stimulus, out);
	fputs("</table>\n", out);
	if (to < run->record.count)
		fprintf(out, "<p>%zu later events are left out.</p>", run->record.count - to);
}

/* ---- checks ---------------------------------------------------------------------------------- */

static void print_run(const struct check_run_result *result, FILE *out)
{
	const struct check_run *run = result->run;

	fputs("<details><summary>", out);
	if (run->variant) {
		check_markup(out, run->variant);
		fputs(": ", out);
	}
	check_markup(out, result->why[0] ? result->why : "as it must be");
	fputs("</summary>\n<pre>", out);
	for (size_t i = 0; i < CHECK_RULES_MAX && run->rules[i]; i++) {
		fputs("fault  ", out);
		check_markup(out, run->rules[i]);
		fputc('\n', out);
	}
	for (size_t i = 0; i < CHECK_MUST_MAX && run->must[i]; i++) {
		fputs("must   ", out);
		check_markup(out, run->must[i]);
		fputc('\n', out);
	}
	if (result->output && result->output[0]) {
		fputs("\nthe command said:\n", out);
		check_markup(out, result->output);
	}
	fputs("</pre>\n", out);
	if (result->record.count > 0)
		print_events(result, out);
	fputs("</details>\n", out);
}

static void print_result(const struct check_result *result, bool all, FILE *out)
{
	const char *verdict = check_verdict_name(result->verdict);

	fprintf(out,
		"<tr id=\"%s\"><td class=\"v %s\">%s</td><td><code>%s</code></td><td>%s</td><td>",
		result->check->id, verdict, verdict, result->check->id,
		iscsi_severity_name(result->check->severity));
	check_markup(out, result->check->title);
	if (all || result->verdict != CHECK_PASS) {
		fputs("<br><small>", out);
		check_markup(out, result->check->source);
		fputs("</small>\n", out);
		for (size_t i = 0; i < result->run_count; i++)
			if (all || result->runs[i].verdict == result->verdict)
				print_run(&result->runs[i], out);
	}
	fputs("</td></tr>\n", out);
}

static void print_group(const struct check_report *report, const struct iscsi_check_group *group,
			FILE *out)
{
	bool begun = false;

	for (size_t i = 0; i < report->count; i++) {
		if (report->results[i].group != group)
			continue;
		if (!begun) {
			fprintf(out, "<h2>%s ", group->code);
			check_markup(out, group->title);
			fputs("</h2>\n<table>\n", out);
		}
		begun = true;
		print_result(&report->results[i], report->all, out);
	}
	if (begun)
		fputs("</table>\n", out);
}

void check_report_html(const struct check_report *report, FILE *out)
{
	fputs(head, out);
	fputs("<h1>What an initiator did with a target that misbehaves</h1>\n<p>Command: <code>",
	      out);
	for (size_t i = 0; report->command[i]; i++) {
		check_markup(out, report->command[i]);
		fputc(' ', out);
	}
	fputs("</code></p>\n<p>", out);
	for (int v = CHECK_VERDICTS - 1; v >= CHECK_NOT_TESTABLE; v--) {
		const char *name = check_verdict_name((enum check_verdict)v);
		fprintf(out, "<span class=\"v %s\">%s %zu</span> ", name, name,
			check_report_count(report, (enum check_verdict)v));
	}
	fputs("</p>\n", out);
	for (size_t g = 0; g < ISCSI_CHECK_GROUPS; g++)
		print_group(report, &iscsi_check_groups[g], out);
	fputs("</body></html>\n", out);
}
