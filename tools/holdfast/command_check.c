/*
 * `holdfast check-initiator`: the catalogue of checks, and the active ones against a command.
 */
#include <errno.h>
#include <stdlib.h>

#include "tools/common/option_error.h"
#include "tools/holdfast/checker.h"
#include "tools/holdfast/text.h"
#include "transport/checks.h"

static const char *mode_of(const struct iscsi_check *check)
{
	return check->passive != ISCSI_CHECK_NONE ? "passive" : "active";
}

/* The reason, when none of its runs can be tried; or NULL. */
static const char *never_tried(const char *id)
{
	size_t count = 0;
	const struct check_run *runs = check_runs_find(id, &count);

	for (size_t i = 0; i < count; i++)
		if (!runs[i].never)
			return NULL;
	return count > 0 ? runs[0].never : NULL;
}

static json_t *check_object(const struct iscsi_check *check, const struct iscsi_check_group *group)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s*}", "id", check->id, "group",
			 group->code, "group_title", group->title, "mode", mode_of(check),
			 "severity", iscsi_severity_name(check->severity), "source", check->source,
			 "title", check->title, "stimulus", check->stimulus, "expectation",
			 check->expectation, "not_testable", never_tried(check->id));
}

static void list_json(void)
{
	json_t *checks = json_array();

	for (size_t g = 0; g < ISCSI_CHECK_GROUPS; g++)
		for (size_t i = 0; i < iscsi_check_groups[g].count; i++)
			json_array_append_new(checks, check_object(&iscsi_check_groups[g].checks[i],
								   &iscsi_check_groups[g]));
	json_t *object = json_pack("{s:o}", "checks", checks);
	print_json(object);
	json_decref(object);
}

static void list_text(void)
{
	for (size_t g = 0; g < ISCSI_CHECK_GROUPS; g++) {
		const struct iscsi_check_group *group = &iscsi_check_groups[g];
		printf("%s%s  %s\n", g > 0 ? "\n" : "", group->code, group->title);
		for (size_t i = 0; i < group->count; i++)
			printf("  %-36s %-7s  %-10s  %s\n", group->checks[i].id,
			       mode_of(&group->checks[i]),
			       iscsi_severity_name(group->checks[i].severity),
			       group->checks[i].title);
	}
}

static const char *suggest(const char *id)
{
	const char *best = NULL;
	size_t best_cost = SIZE_MAX;

	for (size_t g = 0; g < ISCSI_CHECK_GROUPS; g++)
		for (size_t i = 0; i < iscsi_check_groups[g].count; i++)
			config_consider(id, iscsi_check_groups[g].checks[i].id, &best, &best_cost);
	return best;
}

static void unknown_check(const char *id)
{
	const char *proposal = suggest(id);

	fprintf(stderr, "holdfast: there is no check `%s`%s%s%s\n", id,
		proposal ? ": did you mean `" : "", proposal ? proposal : "", proposal ? "`?" : "");
}

/* How an active check is tried. */
static void explain_runs(const char *id)
{
	size_t count = 0;
	const struct check_run *run = check_runs_find(id, &count);

	for (; count > 0; count--, run++) {
		printf("\n  run%s%s\n", run->variant ? ", " : "", run->variant ? run->variant : "");
		if (run->never) {
			printf("    not testable  %s\n", run->never);
			continue;
		}
		printf("    work        %s: %s\n", check_work_name(run->work),
		       check_work_words(run->work));
		for (size_t i = 0; i < CHECK_RULES_MAX && run->rules[i]; i++)
			printf("    fault       %s\n", run->rules[i]);
		if (run->policy)
			printf("    policy      %s\n", run->policy);
		if (run->needs)
			printf("    needs       %s\n", run->needs);
		for (size_t i = 0; i < CHECK_MUST_MAX && run->must[i]; i++)
			printf("    must        %s\n", run->must[i]);
	}
}

static enum exit_status explain(const char *id, bool json)
{
	const struct iscsi_check_group *group;
	const struct iscsi_check *check = iscsi_check_find(id, &group);

	if (!check) {
		unknown_check(id);
		return STATUS_USAGE;
	}
	if (json) {
		json_t *object = check_object(check, group);
		print_json(object);
		json_decref(object);
		return STATUS_OK;
	}
	printf("%s\n  %s\n\n", check->id, check->title);
	printf("  group       %s, %s\n  mode        %s\n  severity    %s\n", group->code,
	       group->title, mode_of(check), iscsi_severity_name(check->severity));
	printf("  source      %s\n  stimulus    %s\n  expectation %s\n", check->source,
	       check->stimulus, check->expectation);
	explain_runs(id);
	return STATUS_OK;
}

/* ---- which checks ---------------------------------------------------------------------------- */

/* "A1,A5": is it one of them? NULL: every group is. */
static bool is_in_list(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (list && *list) {
		size_t item = strcspn(list, ",");
		if (item == len && strncasecmp(list, word, len) == 0)
			return true;
		list += item + (list[item] == ',');
	}
	return false;
}

static bool groups_are_known(const char *list)
{
	char code[8];

	while (list && *list) {
		size_t len = strcspn(list, ","), g = 0;
		snprintf(code, sizeof(code), "%.*s", (int)(len < 7 ? len : 7), list);
		while (g < ISCSI_CHECK_GROUPS &&
		       (code[0] == 'P' || strcasecmp(iscsi_check_groups[g].code, code) != 0))
			g++;
		if (g == ISCSI_CHECK_GROUPS) {
			fprintf(stderr,
				"holdfast: there is no group `%s` of active checks: A1 to "
				"A12 (`--list` has them)\n",
				code);
			return false;
		}
		list += len + (list[len] == ',');
	}
	return true;
}

static bool is_wanted(const struct check_options *options, const struct iscsi_check *check,
		      const struct iscsi_check_group *group)
{
	if (check->passive != ISCSI_CHECK_NONE)
		return false;
	if (options->check_count == 0)
		return !options->groups || is_in_list(options->groups, group->code);
	for (size_t i = 0; i < options->check_count; i++)
		if (strcmp(options->checks[i], check->id) == 0)
			return true;
	return options->groups && is_in_list(options->groups, group->code);
}

static bool checks_are_known(const struct check_options *options)
{
	for (size_t i = 0; i < options->check_count; i++) {
		const struct iscsi_check *check = iscsi_check_find(options->checks[i], NULL);
		if (!check) {
			unknown_check(options->checks[i]);
			return false;
		}
		if (check->passive != ISCSI_CHECK_NONE) {
			fprintf(stderr,
				"holdfast: `%s` is a passive check: `holdfast observe` judges it\n",
				check->id);
			return false;
		}
	}
	return groups_are_known(options->groups);
}

/* ---- a report -------------------------------------------------------------------------------- */

static bool add_result(struct check_report *report, const struct iscsi_check *check,
		       const struct iscsi_check_group *group)
{
	struct check_result *result = &report->results[report->count];
	const struct check_run *runs = check_runs_find(check->id, &result->run_count);

	result->check = check;
	result->group = group;
	result->runs = calloc(result->run_count > 0 ? result->run_count : 1, sizeof(*result->runs));
	if (!result->runs)
		return false;
	for (size_t i = 0; i < result->run_count; i++)
		result->runs[i].run = &runs[i];
	report->count++;
	return true;
}

static bool fill_report(struct check_report *report, const struct check_options *options)
{
	report->results = calloc(ISCSI_CHECKS_TOTAL, sizeof(*report->results));
	if (!report->results)
		return false;
	report->command = options->runs.command;
	for (size_t g = 0; g < ISCSI_CHECK_GROUPS; g++) {
		const struct iscsi_check_group *group = &iscsi_check_groups[g];
		for (size_t i = 0; i < group->count; i++)
			if (is_wanted(options, &group->checks[i], group) &&
			    !add_result(report, &group->checks[i], group))
				return false;
	}
	return true;
}

static void report_finish(struct check_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		for (size_t k = 0; k < report->results[i].run_count; k++)
			check_run_result_finish(&report->results[i].runs[k]);
		free(report->results[i].runs);
	}
	free(report->results);
}

static void write_json(const struct check_report *report, FILE *out)
{
	json_t *object = check_report_json(report);

	if (object && json_dumpf(object, out, JSON_INDENT(2) | JSON_ENSURE_ASCII) == 0)
		fputc('\n', out);
	json_decref(object);
}

/* `path` NULL: not wanted. "-": standard output. */
static bool write_file(const char *path, const struct check_report *report,
		       void (*write)(const struct check_report *report, FILE *out))
{
	FILE *out = path && strcmp(path, "-") != 0 ? fopen(path, "w") : stdout;

	if (!path)
		return true;
	bool written = out != NULL;
	if (out) {
		write(report, out);
		written = ferror(out) == 0;
		written = (out == stdout ? fflush(out) : fclose(out)) == 0 && written;
	}
	if (!written)
		fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
	return written;
}

static enum exit_status run_checks(const struct check_options *options)
{
	struct check_report report = {.all = options->all};
	enum exit_status status = STATUS_FAILED;

	if (!checks_are_known(options))
		return STATUS_USAGE;
	if (fill_report(&report, options)) {
		checker_run_all(&report, &options->runs);
		bool silent = options->json && strcmp(options->json, "-") == 0;
		if (!silent)
			check_report_text(&report, stdout);
		bool written = write_file(options->json, &report, write_json) &&
			       write_file(options->junit, &report, check_report_junit) &&
			       write_file(options->html, &report, check_report_html);
		bool failed = check_report_count(&report, CHECK_FAIL) > 0 ||
			      check_report_count(&report, CHECK_INCONCLUSIVE) > 0;
		status = !written ? STATUS_FAILED : failed ? STATUS_DAMAGED : STATUS_OK;
	} else {
		fputs("holdfast: out of memory\n", stderr);
	}
	report_finish(&report);
	return status;
}

enum exit_status command_check_initiator(int argc, char **argv)
{
	struct check_options options;
	enum exit_status status;

	if (!check_options_parse(argc, argv, &options, &status))
		return status;
	if (options.explain)
		return explain(options.explain, options.json != NULL);
	if (!options.list)
		return run_checks(&options);
	if (options.json)
		list_json();
	else
		list_text();
	return STATUS_OK;
}
