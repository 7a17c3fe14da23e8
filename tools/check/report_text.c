/*
 * The report for people: a line for each check, and for each that did not pass what was wrong.
 */
#include <inttypes.h>
#include <string.h>

#include "tools/check/result.h"

static void print_run(const struct check_run_result *run, FILE *out)
{
	fprintf(out, "              %s%s%s\n", run->run->variant ? run->run->variant : "",
		run->run->variant ? ": " : "", run->why);
}

static void print_result(const struct check_result *result, FILE *out)
{
	fprintf(out, "%-12s  %-32s %-10s  %s\n", check_verdict_name(result->verdict),
		result->check->id, iscsi_severity_name(result->check->severity),
		result->check->title);
	if (result->verdict == CHECK_PASS)
		return;
	for (size_t i = 0; i < result->run_count; i++)
		if (result->runs[i].verdict == result->verdict)
			print_run(&result->runs[i], out);
}

void check_report_text(const struct check_report *report, FILE *out)
{
	static const enum check_verdict shown[] = {CHECK_FAIL,	       CHECK_WARN,
						   CHECK_INCONCLUSIVE, CHECK_INFO,
						   CHECK_NOT_TESTABLE, CHECK_PASS};
	const char *separator = "";

	for (size_t v = 0; v < sizeof(shown) / sizeof(shown[0]); v++)
		for (size_t i = 0; i < report->count; i++)
			if (report->results[i].verdict == shown[v] &&
			    (report->all ||
			     (shown[v] != CHECK_PASS && shown[v] != CHECK_NOT_TESTABLE)))
				print_result(&report->results[i], out);
	for (size_t v = 0; v < sizeof(shown) / sizeof(shown[0]); v++) {
		fprintf(out, "%s%s %zu", separator, check_verdict_name(shown[v]),
			check_report_count(report, shown[v]));
		separator = ", ";
	}
	fprintf(out, ", in %" PRIu32 ".%" PRIu32 " s\n", report->ms / 1000,
		report->ms % 1000 / 100);
}
