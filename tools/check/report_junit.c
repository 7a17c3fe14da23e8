/*
 * The report as JUnit XML, which continuous integration reads: a test suite for each group, a test
 * case for each check.
 */
#include "tools/check/markup.h"
#include "tools/check/result.h"

static double seconds(const struct check_result *result)
{
	double ms = 0;

	for (size_t i = 0; i < result->run_count; i++)
		ms += result->runs[i].ms;
	return ms / 1000;
}

/* The words of all runs that have the check's verdict. */
static void print_whys(const struct check_result *result, FILE *out)
{
	for (size_t i = 0; i < result->run_count; i++) {
		const struct check_run_result *run = &result->runs[i];
		if (run->verdict != result->verdict)
			continue;
		if (run->run->variant) {
			check_markup(out, run->run->variant);
			fputs(": ", out);
		}
		check_markup(out, run->why);
		fputc('\n', out);
		if (run->output && result->verdict >= CHECK_INCONCLUSIVE)
			check_markup(out, run->output);
	}
}

static const char *first_why(const struct check_result *result)
{
	for (size_t i = 0; i < result->run_count; i++)
		if (result->runs[i].verdict == result->verdict)
			return result->runs[i].why;
	return "";
}

static const char *element_of(enum check_verdict verdict)
{
	switch (verdict) {
	case CHECK_FAIL:
		return "failure";
	case CHECK_INCONCLUSIVE:
		return "error";
	case CHECK_NOT_TESTABLE:
	case CHECK_VERDICT_NONE:
		return "skipped";
	case CHECK_WARN:
	case CHECK_INFO:
	case CHECK_PASS:
	case CHECK_VERDICTS:
		break;
	}
	return NULL;
}

static void print_case(const struct check_result *result, FILE *out)
{
	const char *element = element_of(result->verdict);

	fprintf(out, "    <testcase classname=\"%s\" name=\"%s\" time=\"%.3f\">",
		result->group->code, result->check->id, seconds(result));
	if (element) {
		fprintf(out, "<%s message=\"", element);
		check_markup(out, first_why(result));
		fputs("\">", out);
		check_markup(out, result->check->title);
		fputs("\n", out);
		print_whys(result, out);
		fprintf(out, "</%s>", element);
	} else if (result->verdict != CHECK_PASS) {
		fprintf(out, "<system-out>%s: ", check_verdict_name(result->verdict));
		print_whys(result, out);
		fputs("</system-out>", out);
	}
	fputs("</testcase>\n", out);
}

static size_t count_in(const struct check_report *report, const struct iscsi_check_group *group,
		       enum check_verdict verdict)
{
	size_t count = 0;

	for (size_t i = 0; i < report->count; i++)
		count += report->results[i].group == group &&
			 (verdict == CHECK_VERDICTS || report->results[i].verdict == verdict);
	return count;
}

static void print_suite(const struct check_report *report, const struct iscsi_check_group *group,
			FILE *out)
{
	fprintf(out, "  <testsuite name=\"%s ", group->code);
	check_markup(out, group->title);
	fprintf(out, "\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\">\n",
		count_in(report, group, CHECK_VERDICTS), count_in(report, group, CHECK_FAIL),
		count_in(report, group, CHECK_INCONCLUSIVE),
		count_in(report, group, CHECK_NOT_TESTABLE));
	for (size_t i = 0; i < report->count; i++)
		if (report->results[i].group == group)
			print_case(&report->results[i], out);
	fputs("  </testsuite>\n", out);
}

void check_report_junit(const struct check_report *report, FILE *out)
{
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuites name=\"holdfast check-initiator\" tests=\"%zu\" failures=\"%zu\" "
		"errors=\"%zu\" time=\"%.3f\">\n",
		report->count, check_report_count(report, CHECK_FAIL),
		check_report_count(report, CHECK_INCONCLUSIVE), report->ms / 1000.0);
	for (size_t g = 0; g < ISCSI_CHECK_GROUPS; g++)
		if (count_in(report, &iscsi_check_groups[g], CHECK_VERDICTS) > 0)
			print_suite(report, &iscsi_check_groups[g], out);
	fputs("</testsuites>\n", out);
}
