/*
 * The subcommands of holdfast-lab(1): `holdfast lab ...` starts it.
 */
#ifndef TOOLS_HOLDFAST_LAB_LAB_H
#define TOOLS_HOLDFAST_LAB_LAB_H

#include "tools/lab/judge.h"

enum lab_status {
	LAB_OK = 0,
	LAB_BROKEN = 1,	   /* a rule was broken, or an expectation failed */
	LAB_USAGE = 2,	   /* the command line is wrong */
	LAB_UNDECIDED = 3, /* the judge could not decide */
	LAB_FAILED = 4,	   /* a file, the target or this machine said no */
};

struct lab_command {
	const char *name, *operands, *doc;
	/* argv[0] is the command's name; getopt starts afresh. */
	enum lab_status (*run)(int argc, char **argv);
};

enum lab_status lab_judge(int argc, char **argv);
enum lab_status lab_stress(int argc, char **argv);
enum lab_status lab_run(int argc, char **argv);
enum lab_status lab_report(int argc, char **argv);
enum lab_status lab_export(int argc, char **argv);

/* Reads a history and says on standard error what is wrong with it. NULL then. */
struct history *lab_read_history(const char *path);
/* Opens a file that a subcommand makes ("-": standard output). NULL, and said, when it cannot. */
FILE *lab_open_output(const char *path);
/* Closes it and says when `error` or the closing is not 0; a file that is not whole is removed. */
enum lab_status lab_close_output(FILE *out, const char *path, int error);
/* The report's page; `verdict` may be NULL. What went wrong was said. */
enum lab_status lab_write_report(const char *path, const struct history *history,
				 const struct judge_report *verdict);
/* The verdict for people, or as JSON; returns the exit status. */
enum lab_status lab_print_verdict(const struct history *history, const struct judge_report *report,
				  bool json);

#endif
