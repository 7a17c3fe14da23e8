#include "tools/check/result.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define CANNOT_START 127

const char *check_verdict_name(enum check_verdict verdict)
{
	static const char *const names[CHECK_VERDICTS] = {
		[CHECK_VERDICT_NONE] = "NOT-RUN",
		[CHECK_NOT_TESTABLE] = "NOT-TESTABLE",
		[CHECK_PASS] = "PASS",
		[CHECK_INFO] = "INFO",
		[CHECK_INCONCLUSIVE] = "INCONCLUSIVE",
		[CHECK_WARN] = "WARN",
		[CHECK_FAIL] = "FAIL",
	};

	return names[verdict];
}

void check_run_result_finish(struct check_run_result *result)
{
	check_record_free(&result->record);
	free(result->output);
	result->output = NULL;
}

size_t check_report_count(const struct check_report *report, enum check_verdict verdict)
{
	size_t count = 0;

	for (size_t i = 0; i < report->count; i++)
		count += report->results[i].verdict == verdict;
	return count;
}

/* ---- a run ----------------------------------------------------------------------------------- */

static void decide(struct check_run_result *result, enum check_verdict verdict, const char *format,
		   const char *argument)
{
	result->verdict = verdict;
	snprintf(result->why, sizeof(result->why), format, argument);
}

/* What a violation of this check weighs. */
static enum check_verdict violation(const struct check_run *run)
{
	const struct iscsi_check *check = iscsi_check_find(run->id, NULL);

	switch (check ? check->severity : ISCSI_SEVERITY_INVALID) {
	case ISCSI_SEVERITY_MUST:
		return CHECK_FAIL;
	case ISCSI_SEVERITY_SHOULD:
	case ISCSI_SEVERITY_ROBUST:
		return CHECK_WARN;
	case ISCSI_SEVERITY_RECORD:
	case ISCSI_SEVERITY_INVALID:
		break;
	}
	return CHECK_INFO;
}

/* A crash, a hang and wrong data are never a matter of taste. */
static enum check_verdict disaster(const struct check_run *run)
{
	enum check_verdict verdict = violation(run);

	return verdict == CHECK_WARN ? CHECK_FAIL : verdict;
}

/* True: there is nothing to judge, and it was said why. */
static bool says_nothing(struct check_run_result *result)
{
	const struct check_run *run = result->run;

	if (run->never)
		decide(result, CHECK_NOT_TESTABLE, "%s", run->never);
	else if (result->evidence.ended == CHECK_ENDED_FAILED && WIFEXITED(result->status) &&
		 WEXITSTATUS(result->status) == CANNOT_START)
		decide(result, CHECK_INCONCLUSIVE, "%s", "the command could not be started");
	else if (!result->evidence.fired && !(run->flags & CHECK_NOT_FIRED))
		decide(result, CHECK_NOT_TESTABLE,
		       "the stimulus never came; the command would have to: %s",
		       check_work_words(run->work));
	else if (run->needs && !check_requirement_holds(run->needs, &result->evidence))
		decide(result, CHECK_NOT_TESTABLE, "it takes: %s", run->needs);
	else
		return false;
	return true;
}

/* True: it ended as nothing may, and it was said how. */
static bool is_disaster(struct check_run_result *result)
{
	const struct check_run *run = result->run;

	if (result->evidence.ended == CHECK_ENDED_CRASHED)
		decide(result, CHECK_FAIL, "%s", "the command crashed");
	else if (result->evidence.ended == CHECK_ENDED_WRONG_DATA && !(run->flags & CHECK_CORRUPTS))
		decide(result, disaster(run), "%s",
		       "the command was told that all is well, and has wrong data");
	else if (result->evidence.ended == CHECK_ENDED_NOT && !(run->flags & CHECK_MAY_LAST))
		decide(result, disaster(run), "%s", "the command did not come to an end");
	else
		return false;
	return true;
}

bool check_run_judge(struct check_run_result *result)
{
	const struct check_run *run = result->run;

	if (result->evidence.ended == CHECK_ENDED_CRASHED && is_disaster(result))
		return false;
	if (says_nothing(result) || is_disaster(result))
		return false;
	for (size_t i = 0; i < CHECK_MUST_MAX && run->must[i]; i++) {
		if (check_requirement_holds(run->must[i], &result->evidence))
			continue;
		decide(result, violation(run), "expected: %s", run->must[i]);
		return false;
	}
	if (result->aftermath_ran && result->aftermath != CHECK_ENDED_OK) {
		decide(result, disaster(run), "%s",
		       "the command fails afterwards, with a target that behaves");
		return false;
	}
	decide(result, violation(run) == CHECK_INFO ? CHECK_INFO : CHECK_PASS, "%s",
	       violation(run) == CHECK_INFO ? "as expected" : "");
	return true;
}

/* ---- a check --------------------------------------------------------------------------------- */

void check_result_judge(struct check_result *result)
{
	result->verdict = result->run_count > 0 ? CHECK_VERDICT_NONE : CHECK_NOT_TESTABLE;
	for (size_t i = 0; i < result->run_count; i++)
		if (result->runs[i].verdict > result->verdict)
			result->verdict = result->runs[i].verdict;
}
