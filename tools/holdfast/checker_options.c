/*
 * The command line of `holdfast check-initiator`.
 */
#include <stdlib.h>

#include "tools/common/option_error.h"
#include "tools/holdfast/checker.h"

#define TIME_LIMIT_S	  10
#define TIME_LIMIT_MAX_S  3600
#define JOBS_MAX	  64
#define WRONG_DATA_STATUS 3
/* Room for the largest work behind it. */
#define FIRST_LBA_MAX (CHECKER_BLOCKS - 4096)

enum option_id {
	OPTION_LIST = 256,
	OPTION_EXPLAIN,
	OPTION_GROUP,
	OPTION_CHECK,
	OPTION_JOBS,
	OPTION_TIME_LIMIT,
	OPTION_WRONG_DATA,
	OPTION_FIRST_LBA,
	OPTION_ALL,
	OPTION_JSON,
	OPTION_JUNIT,
	OPTION_HTML,
	OPTION_HOLDFASTD,
};

static const struct option long_options[] = {
	{"list", no_argument, NULL, OPTION_LIST},
	{"explain", required_argument, NULL, OPTION_EXPLAIN},
	{"group", required_argument, NULL, OPTION_GROUP},
	{"check", required_argument, NULL, OPTION_CHECK},
	{"jobs", required_argument, NULL, OPTION_JOBS},
	{"time-limit", required_argument, NULL, OPTION_TIME_LIMIT},
	{"wrong-data-status", required_argument, NULL, OPTION_WRONG_DATA},
	{"first-lba", required_argument, NULL, OPTION_FIRST_LBA},
	{"all", no_argument, NULL, OPTION_ALL},
	{"json", no_argument, NULL, OPTION_JSON},
	{"junit", required_argument, NULL, OPTION_JUNIT},
	{"html", required_argument, NULL, OPTION_HTML},
	{"holdfastd", required_argument, NULL, OPTION_HOLDFASTD},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void print_usage(FILE *out)
{
	fputs("usage: holdfast check-initiator [OPTION]... -- COMMAND [WORD]...\n"
	      "       holdfast check-initiator --list | --explain ID [--json]\n\n"
	      "Starts a target that misbehaves, once for each check, runs COMMAND against it and\n"
	      "judges what it does. In COMMAND's words {portal} {target} {lun} {user} {secret}\n"
	      "{target-user} {target-secret} {work} {check} are replaced.\n\n"
	      "      --group A1,A5    only checks of these groups\n"
	      "      --check ID       only this one; may be given again\n"
	      "      --jobs N         runs at a time (as many as there are processors)\n"
	      "      --time-limit S   for COMMAND, in seconds (10)\n"
	      "      --wrong-data-status N  COMMAND's exit status for wrong data (3)\n"
	      "      --first-lba N    faults of reads and writes hit only blocks from N on (0)\n"
	      "      --all            the table shows what passed, too\n"
	      "      --json [FILE]    the report for scripts, here or in a file\n"
	      "      --junit FILE     for continuous integration\n"
	      "      --html FILE      a page with the PDUs around each failure\n"
	      "      --holdfastd PATH the target to start\n"
	      "      --list           every check in a line\n"
	      "      --explain ID     all about one of them, and how it is tried\n\n"
	      "Exit status: 0 no check failed, 1 one did, 2 wrong usage, 4 a report could not be\n"
	      "written.\n",
	      out);
}

static bool parse_number(const char *option, const char *text, unsigned long most,
			 unsigned long *ret)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text >= '0' && *text <= '9' && *end == '\0' && value <= most) {
		*ret = value;
		return true;
	}
	fprintf(stderr, "holdfast: --%s `%s`: not a number of up to %lu\n", option, text, most);
	return false;
}

static bool take_number(int id, const char *text, struct check_options *options)
{
	unsigned long value;

	switch (id) {
	case OPTION_JOBS:
		if (!parse_number("jobs", text, JOBS_MAX, &value))
			return false;
		options->runs.jobs = (unsigned)value;
		return true;
	case OPTION_TIME_LIMIT:
		if (!parse_number("time-limit", text, TIME_LIMIT_MAX_S, &value))
			return false;
		options->runs.time_limit_s = (unsigned)value;
		return true;
	case OPTION_FIRST_LBA:
		if (!parse_number("first-lba", text, FIRST_LBA_MAX, &value))
			return false;
		options->runs.first_lba = (uint32_t)value;
		return true;
	default:
		if (!parse_number("wrong-data-status", text, 255, &value))
			return false;
		options->runs.wrong_data_status = (int)value;
		return true;
	}
}

static bool take_check(const char *id, struct check_options *options)
{
	if (options->check_count == CHECKER_CHECKS_MAX) {
		fprintf(stderr, "holdfast: more than %d times --check\n", CHECKER_CHECKS_MAX);
		return false;
	}
	options->checks[options->check_count++] = id;
	return true;
}

/* False: it is wrong, and this was said. */
static bool take(int id, struct check_options *options, char **argv)
{
	switch (id) {
	case OPTION_LIST:
		options->list = true;
		return true;
	case OPTION_EXPLAIN:
		options->explain = optarg;
		return true;
	case OPTION_GROUP:
		options->groups = optarg;
		return true;
	case OPTION_CHECK:
		return take_check(optarg, options);
	case OPTION_JOBS:
	case OPTION_TIME_LIMIT:
	case OPTION_WRONG_DATA:
	case OPTION_FIRST_LBA:
		return take_number(id, optarg, options);
	case OPTION_ALL:
		options->all = true;
		return true;
	case OPTION_JSON:
		options->json = argv[optind] && argv[optind][0] != '-' ? argv[optind++] : "-";
		return true;
	case OPTION_JUNIT:
		options->junit = optarg;
		return true;
	case OPTION_HTML:
		options->html = optarg;
		return true;
	case OPTION_HOLDFASTD:
		options->runs.holdfastd = optarg;
		return true;
	default:
		option_error("holdfast", long_options, id, argv);
		return false;
	}
}

/* Beside this program, or else wherever PATH says. */
static const char *find_holdfastd(char path[STATE_FILE_MAX])
{
	ssize_t len = readlink("/proc/self/exe", path, STATE_FILE_MAX - 2);

	if (len > 0) {
		path[len] = 'd';
		path[len + 1] = '\0';
		if (access(path, X_OK) == 0)
			return path;
	}
	return "/usr/sbin/holdfastd";
}

bool check_options_parse(int argc, char **argv, struct check_options *ret,
			 enum exit_status *ret_status)
{
	int id;

	memset(ret, 0, sizeof(*ret));
	ret->runs.time_limit_s = TIME_LIMIT_S;
	ret->runs.wrong_data_status = WRONG_DATA_STATUS;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	ret->runs.jobs = processors > 0 && processors < JOBS_MAX ? (unsigned)processors : 1;
	ret->runs.holdfastd = find_holdfastd(ret->own_path);
	*ret_status = STATUS_USAGE;
	opterr = 0;
	while ((id = getopt_long(argc, argv, "+:h", long_options, NULL)) != -1) {
		if (id == 'h') {
			print_usage(stdout);
			*ret_status = STATUS_OK;
			return false;
		}
		if (!take(id, ret, argv))
			return false;
	}
	ret->runs.command = (const char *const *)(argv + optind);
	if (ret->list || ret->explain || argv[optind])
		return true;
	fputs("holdfast: check-initiator needs a COMMAND behind --, or --list, or --explain ID\n",
	      stderr);
	return false;
}
