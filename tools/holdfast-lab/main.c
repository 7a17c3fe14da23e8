/*
 * holdfast-lab: plays initiators against a target, and judges what came back. See holdfast-lab(1).
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tools/holdfast-lab/lab.h"

static const struct lab_command commands[] = {
	{"judge", "HISTORY", "did the target keep the rules?", lab_judge},
	{"run", "FILE.lua URL", "play a scenario, and judge it", lab_run},
	{"stress", "URL", "play initiators that fight for a target, and judge it", lab_stress},
	{"report", "HISTORY", "the history as a picture, in one HTML page", lab_report},
	{"export", "HISTORY", "the history for another checker", lab_export},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
	fputs("usage: holdfast lab COMMAND [OPTION]...\n\n", out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-8s %-12s %s\n", commands[i].name, commands[i].operands,
			commands[i].doc);
	fputs("\n`holdfast lab COMMAND --help` shows a command's options.\n\n"
	      "Exit status: 0 every rule held, 1 one was broken or an expectation failed,\n"
	      "2 wrong usage, 3 undecided, 4 a file or the target said no.\n",
	      out);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "--help";

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		print_usage(argc > 1 ? stdout : stderr);
		return argc > 1 ? LAB_OK : LAB_USAGE;
	}
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		puts("holdfast-lab " HOLDFAST_VERSION);
		return LAB_OK;
	}
	signal(SIGPIPE, SIG_IGN); /* a connection that the target has closed is an answer, too */
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		enum lab_status status;
		if (strcmp(commands[i].name, name) != 0)
			continue;
		optind = 1;
		status = commands[i].run(argc - 1, argv + 1);
		if (fflush(stdout) != 0 && status == LAB_OK)
			status = LAB_FAILED;
		return (int)status;
	}
	fprintf(stderr, "holdfast-lab: unknown command `%s`\n\n", name);
	print_usage(stderr);
	return LAB_USAGE;
}
