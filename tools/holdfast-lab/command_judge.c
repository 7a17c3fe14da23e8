/*
 * holdfast lab judge: a history's verdict.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tools/holdfast-lab/lab.h"

struct history *lab_read_history(const char *path)
{
	struct history *history = NULL;
	struct history_error error;
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");

	if (!in) {
		fprintf(stderr, "holdfast-lab: %s: %s\n", path, strerror(errno));
		return NULL;
	}
	if (history_read(in, &history, &error) != 0) {
		if (error.line > 0)
			fprintf(stderr, "holdfast-lab: %s, line %zu: %s\n", path, error.line,
				error.text);
		else
			fprintf(stderr, "holdfast-lab: %s: %s\n", path, error.text);
	}
	if (in != stdin)
		fclose(in);
	return history;
}

/* ---- for people ---- */

static size_t return_of(const struct history *history, size_t invoke)
{
	for (size_t i = invoke + 1; i < history->event_count; i++)
		if (history->events[i].kind == HISTORY_RETURN &&
		    history->events[i].command == history->events[invoke].command)
			return i;
	return SIZE_MAX;
}

static void print_rest(const struct history_event *e)
{
	const struct history_tag *tag = &e->u.medium.tag;

	if (e->kind != HISTORY_MEDIUM)
		printf("%s\n", history_kind_name(e->kind));
	else if (tag->torn || !tag->written)
		printf("block %" PRIu64 " on the medium: %s\n", e->u.medium.lba,
		       tag->torn ? "torn" : "no tag");
	else
		printf("block %" PRIu64 " on the medium: write #%" PRIu64 " of nexus %" PRIu32 "\n",
		       e->u.medium.lba, tag->sequence, tag->nexus);
}

/* One line for each command, and for each event that is none; a RETURN stands with its INVOKE. */
static void print_row(const struct history *history, size_t index, unsigned *number)
{
	const struct history_event *e = &history->events[index];
	size_t returned = e->kind == HISTORY_INVOKE ? return_of(history, index) : SIZE_MAX;
	char what[256], answer[256] = "no answer", who[48] = "-", count[16] = "", until[32] = "";

	if (e->kind == HISTORY_RETURN)
		return;
	if (e->nexus != HISTORY_NO_NEXUS) {
		const char *label = history->nexuses[e->nexus].label;
		snprintf(who, sizeof(who), "%" PRIu32 "%s%s", e->nexus, label[0] != '\0' ? " " : "",
			 label);
	}
	if (e->kind == HISTORY_INVOKE)
		snprintf(count, sizeof(count), "%u", ++*number);
	if (returned != SIZE_MAX) {
		snprintf(until, sizeof(until), "%.6f s",
			 (double)history->events[returned].at_ns / 1e9);
		history_result_text(&e->u.invoked, &history->events[returned].u.returned, answer,
				    sizeof(answer));
	}
	printf("    %2s  line %-8zu %12.6f s  %13s  nexus %-10s ", count, history->lines[index],
	       (double)e->at_ns / 1e9, until, who);
	if (e->kind == HISTORY_INVOKE)
		printf("%s: %s\n", history_command_text(&e->u.invoked, what, sizeof(what)), answer);
	else
		print_rest(e);
}

static void print_why(const char *why)
{
	const char *at = why;

	while (*at != '\0') {
		size_t len = strcspn(at, "\n");
		printf("    %.*s\n", (int)len, at);
		at += len + (at[len] != '\0');
	}
}

static unsigned count_commands(const struct history *history, const struct judge_violation *v)
{
	unsigned count = 0;

	for (size_t i = 0; i < v->event_count; i++)
		count += history->events[v->events[i]].kind == HISTORY_INVOKE;
	return count;
}

static void print_proof(const struct history *history, const struct judge_violation *v,
			uint64_t commands)
{
	unsigned number = 0, count = count_commands(history, v);

	if (v->proof == JUDGE_PROOF_NONE)
		printf("  what brought it about\n");
	else
		printf("  impossible by %s: %u of %" PRIu64 " command%s (%s)\n",
		       count == 1 ? "itself" : "themselves", count, commands,
		       commands == 1 ? "" : "s",
		       v->proof == JUDGE_PROOF_SMALLEST ? "smallest: without any one of these "
							  "answers there is an explanation"
							: "small, not proven smallest");
	for (size_t i = 0; i < v->event_count; i++)
		print_row(history, v->events[i], &number);
	if (!v->why)
		return;
	printf("  why\n");
	print_why(v->why);
}

static void print_for_people(const struct history *history, const struct judge_report *report)
{
	printf("judged   %" PRIu64 " commands of %" PRIu32 " nexuses: %" PRIu64
	       " PERSISTENT RESERVE OUT, %" PRIu64 " IN,\n"
	       "         %" PRIu64 " reads, %" PRIu64 " writes, %" PRIu64 " blocks on the medium\n",
	       report->commands, history->nexus_count, report->pr_outs, report->pr_ins,
	       report->reads, report->writes, report->medium_blocks);
	printf("seen     %" PRIu64 " conflicts (%" PRIu64 " after a preempt), %" PRIu64
	       " unit attentions, %" PRIu64 " preempts,\n"
	       "         %" PRIu64 " crashes (%" PRIu64 " power cuts), %" PRIu64
	       " commands without answer; %" PRIu64 " states searched\n",
	       report->conflicts, report->fences_probed, report->unit_attentions, report->preempts,
	       report->crashes, report->power_cuts, report->unknowns, report->states);
	for (size_t i = 0; i < report->violation_count; i++) {
		const struct judge_violation *v = &report->violations[i];
		printf("\nBROKEN   %s: %s\n  %s\n", judge_rule_name(v->rule),
		       judge_rule_text(v->rule), v->text);
		print_proof(history, v, report->commands);
	}
	if (report->notes[0] != '\0')
		printf("\nnote     %s\n", report->notes);
	if (report->violation_count > 0)
		printf("\nverdict  broken: %zu violation%s\n", report->violation_count,
		       report->violation_count == 1 ? "" : "s");
	else if (report->undecided)
		printf("\nverdict  undecided\n");
	else
		printf("\nverdict  every rule held\n");
}

/* ---- for machines ---- */

static json_t *command_to_json(const struct history *history, size_t index)
{
	const struct history_event *e = &history->events[index];
	size_t returned = return_of(history, index);
	char what[256], answer[256] = "unknown";
	json_t *object;

	if (returned != SIZE_MAX)
		history_result_text(&e->u.invoked, &history->events[returned].u.returned, answer,
				    sizeof(answer));
	object = json_pack("{s:I, s:I, s:I, s:s, s:s}", "line", (json_int_t)history->lines[index],
			   "nexus", (json_int_t)e->nexus, "from_ns", (json_int_t)e->at_ns,
			   "command", history_command_text(&e->u.invoked, what, sizeof(what)),
			   "answer", answer);
	if (object && returned != SIZE_MAX)
		json_object_set_new(object, "to_ns",
				    json_integer((json_int_t)history->events[returned].at_ns));
	return object;
}

static json_t *why_to_json(const char *why)
{
	json_t *sentences = json_array();

	while (why && *why != '\0') {
		size_t len = strcspn(why, "\n");
		json_array_append_new(sentences, json_stringn(why, len));
		why += len + (why[len] != '\0');
	}
	return sentences;
}

static json_t *violation_to_json(const struct history *history, const struct judge_violation *v)
{
	static const char *const proofs[] = {
		[JUDGE_PROOF_NONE] = "none",
		[JUDGE_PROOF_SMALL] = "small",
		[JUDGE_PROOF_SMALLEST] = "smallest",
	};
	json_t *lines = json_array(), *commands = json_array();

	for (size_t i = 0; i < v->event_count; i++) {
		json_array_append_new(lines,
				      json_integer((json_int_t)history->lines[v->events[i]]));
		if (history->events[v->events[i]].kind == HISTORY_INVOKE)
			json_array_append_new(commands, command_to_json(history, v->events[i]));
	}
	return json_pack("{s:s, s:s, s:i, s:s, s:s, s:o, s:o, s:o}", "rule",
			 judge_rule_name(v->rule), "means", judge_rule_text(v->rule), "lun",
			 (int)v->lun, "text", v->text, "proof", proofs[v->proof], "commands",
			 commands, "why", why_to_json(v->why), "lines", lines);
}

static bool print_json(const struct history *history, const struct judge_report *report)
{
	json_t *violations = json_array();
	json_t *object;
	int failed;

	for (size_t i = 0; i < report->violation_count; i++)
		json_array_append_new(violations,
				      violation_to_json(history, &report->violations[i]));
	object = json_pack(
		"{s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"verdict",
		report->violation_count > 0 ? "broken"
		: report->undecided	    ? "undecided"
					    : "held",
		"violations", violations, "notes", report->notes, "commands",
		(json_int_t)report->commands, "pr_outs", (json_int_t)report->pr_outs, "pr_ins",
		(json_int_t)report->pr_ins, "reads", (json_int_t)report->reads, "writes",
		(json_int_t)report->writes, "conflicts", (json_int_t)report->conflicts,
		"unit_attentions", (json_int_t)report->unit_attentions, "unknowns",
		(json_int_t)report->unknowns, "crashes", (json_int_t)report->crashes, "power_cuts",
		(json_int_t)report->power_cuts, "preempts", (json_int_t)report->preempts,
		"fences_probed", (json_int_t)report->fences_probed, "medium_blocks",
		(json_int_t)report->medium_blocks, "states", (json_int_t)report->states);
	failed = object ? json_dumpf(object, stdout, JSON_INDENT(2)) : -1;
	json_decref(object);
	putchar('\n');
	return failed == 0;
}

enum lab_status lab_print_verdict(const struct history *history, const struct judge_report *report,
				  bool json)
{
	if (!json)
		print_for_people(history, report);
	else if (!print_json(history, report))
		return LAB_FAILED;
	if (report->violation_count > 0)
		return LAB_BROKEN;
	return report->undecided ? LAB_UNDECIDED : LAB_OK;
}

/* ---- the command ---- */

enum option_id {
	OPTION_JSON = 256,
	OPTION_STATES,
	OPTION_WITHOUT_APTPL,
	OPTION_WITHOUT_ATTENTIONS,
};

static const struct option long_options[] = {
	{"json", no_argument, NULL, OPTION_JSON},
	{"states", required_argument, NULL, OPTION_STATES},
	{"without-aptpl", no_argument, NULL, OPTION_WITHOUT_APTPL},
	{"without-unit-attentions", no_argument, NULL, OPTION_WITHOUT_ATTENTIONS},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void print_usage(FILE *out)
{
	fputs("usage: holdfast lab judge [OPTION]... HISTORY\n\n"
	      "Says whether what initiators saw can be explained, see holdfast-lab(1).\n"
	      "HISTORY is a file, or - for standard input.\n\n"
	      "      --json                     output for scripts\n"
	      "      --states N                 give up after so many states\n"
	      "      --without-aptpl            the target claims to keep nothing over a crash\n"
	      "      --without-unit-attentions  ... and to report no unit attentions\n"
	      "  -h, --help                     show this text, and exit\n",
	      out);
}

static bool parse_count(const char *text, uint64_t *ret_count)
{
	char *end;
	unsigned long long count;

	errno = 0;
	count = strtoull(text, &end, 10);
	if (errno != 0 || *text < '1' || *text > '9' || *end != '\0') {
		fprintf(stderr, "holdfast-lab: --states: `%s` is not a number from 1\n", text);
		return false;
	}
	*ret_count = count;
	return true;
}

static enum lab_status judge_file(const char *path, const struct judge_options *options, bool json)
{
	struct history *history = lab_read_history(path);
	struct judge_report *report = NULL;
	enum lab_status status = LAB_FAILED;
	int error;

	if (!history)
		return LAB_FAILED;
	error = judge(history, options, &report);
	if (error == 0)
		status = lab_print_verdict(history, report, json);
	else
		fprintf(stderr, "holdfast-lab: %s: %s\n", path, strerror(-error));
	judge_report_free(&report);
	history_free(&history);
	return status;
}

enum lab_status lab_judge(int argc, char **argv)
{
	struct judge_options options = {.states_max = 0};
	bool json = false;
	int id;

	while ((id = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (id) {
		case OPTION_JSON:
			json = true;
			break;
		case OPTION_STATES:
			if (!parse_count(optarg, &options.states_max))
				return LAB_USAGE;
			break;
		case OPTION_WITHOUT_APTPL:
			options.without_aptpl = true;
			break;
		case OPTION_WITHOUT_ATTENTIONS:
			options.without_unit_attentions = true;
			break;
		case 'h':
			print_usage(stdout);
			return LAB_OK;
		default:
			return LAB_USAGE;
		}
	}
	if (optind + 1 != argc) {
		print_usage(stderr);
		return LAB_USAGE;
	}
	return judge_file(argv[optind], &options, json);
}
