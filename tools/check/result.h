/*
 * What came of a check, and of all: for the reports.
 */
#ifndef TOOLS_CHECK_RESULT_H
#define TOOLS_CHECK_RESULT_H

#include <jansson.h>
#include <stdio.h>

#include "tools/check/judge.h"
#include "tools/check/row.h"

/* In order of weight: of a check's runs, the heaviest counts. */
enum check_verdict {
	CHECK_VERDICT_NONE = 0, /* not run */
	CHECK_NOT_TESTABLE,	/* what it needs did not come about */
	CHECK_PASS,
	CHECK_INFO,
	CHECK_INCONCLUSIVE, /* the run itself failed */
	CHECK_WARN,
	CHECK_FAIL,
	CHECK_VERDICTS,
};
const char *check_verdict_name(enum check_verdict verdict);

#define CHECK_WHY_MAX 512

struct check_run_result {
	const struct check_run *run;
	enum check_verdict verdict;
	char why[CHECK_WHY_MAX]; /* what did not hold */
	struct check_record record;
	struct check_evidence evidence;
	enum check_ended aftermath; /* meaningful when `aftermath_ran` */
	bool aftermath_ran;
	int status;   /* of waitpid */
	uint32_t ms;  /* how long the command took */
	char *output; /* what it said at the end; NULL: nothing */
};
void check_run_result_finish(struct check_run_result *result);

struct check_result {
	const struct iscsi_check *check;
	const struct iscsi_check_group *group;
	struct check_run_result *runs;
	size_t run_count;
	enum check_verdict verdict;
};

struct check_report {
	struct check_result *results;
	size_t count;
	const char *const *command; /* NULL-terminated */
	uint32_t ms;
	bool all; /* shows what passed as well */
};

/* The verdict of a run, from its evidence; `why` with it. True: all that had to hold did. */
bool check_run_judge(struct check_run_result *result);
/* Of a check, from its runs. */
void check_result_judge(struct check_result *result);
size_t check_report_count(const struct check_report *report, enum check_verdict verdict);

void check_report_text(const struct check_report *report, FILE *out);
/* NULL: no memory. */
json_t *check_report_json(const struct check_report *report);
void check_report_junit(const struct check_report *report, FILE *out);
void check_report_html(const struct check_report *report, FILE *out);

#endif
