/*
 * The report for scripts.
 */
#include <string.h>

#include "tools/check/result.h"

static json_t *strings(const char *const *texts, size_t max)
{
	json_t *array = json_array();

	for (size_t i = 0; i < max && texts[i]; i++)
		json_array_append_new(array, json_string(texts[i]));
	return array;
}

static const char *ended_name(enum check_ended ended)
{
	static const char *const names[] = {
		[CHECK_ENDED_NOT] = "time-limit",  [CHECK_ENDED_OK] = "ok",
		[CHECK_ENDED_FAILED] = "failed",   [CHECK_ENDED_WRONG_DATA] = "wrong-data",
		[CHECK_ENDED_CRASHED] = "crashed",
	};

	return names[ended];
}

static json_t *run_object(const struct check_run_result *result)
{
	const struct check_run *run = result->run;
	json_t *object = json_pack(
		"{s:s,s:s,s:o,s:o}", "verdict", check_verdict_name(result->verdict), "work",
		check_work_name(run->work), "faults", strings(run->rules, CHECK_RULES_MAX), "must",
		strings(run->must, CHECK_MUST_MAX));

	if (run->variant)
		json_object_set_new(object, "variant", json_string(run->variant));
	if (result->why[0])
		json_object_set_new(object, "why", json_string(result->why));
	if (run->never)
		return object;
	json_object_set_new(object, "ms", json_integer(result->ms));
	json_object_set_new(object, "command_ended",
			    json_string(ended_name(result->evidence.ended)));
	if (result->aftermath_ran)
		json_object_set_new(object, "afterwards",
				    json_string(ended_name(result->aftermath)));
	if (result->output && result->output[0]) {
		json_t *said = json_string(result->output); /* NULL: it is not UTF-8 */
		if (said)
			json_object_set_new(object, "output", said);
	}
	return object;
}

static json_t *result_object(const struct check_result *result)
{
	json_t *runs = json_array();

	for (size_t i = 0; i < result->run_count; i++)
		json_array_append_new(runs, run_object(&result->runs[i]));
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "id", result->check->id, "group",
			 result->group->code, "severity",
			 iscsi_severity_name(result->check->severity), "title",
			 result->check->title, "source", result->check->source, "verdict",
			 check_verdict_name(result->verdict), "runs", runs);
}

json_t *check_report_json(const struct check_report *report)
{
	json_t *checks = json_array(), *counts = json_object(), *command = json_array();

	for (int v = CHECK_NOT_TESTABLE; v < CHECK_VERDICTS; v++)
		json_object_set_new(counts, check_verdict_name((enum check_verdict)v),
				    json_integer((json_int_t)check_report_count(
					    report, (enum check_verdict)v)));
	for (size_t i = 0; report->command[i]; i++)
		json_array_append_new(command, json_string(report->command[i]));
	for (size_t i = 0; i < report->count; i++)
		json_array_append_new(checks, result_object(&report->results[i]));
	return json_pack("{s:o,s:I,s:o,s:o}", "command", command, "ms", (json_int_t)report->ms,
			 "counts", counts, "checks", checks);
}
