/*
 * holdfast lab report: a history as a page to look at.
 */
#include <getopt.h>
#include <string.h>

#include "tools/holdfast-lab/lab.h"
#include "tools/lab/report.h"

enum {
	OPTION_NO_JUDGE = 256,
	OPTION_WITHOUT_APTPL,
	OPTION_WITHOUT_ATTENTIONS,
};

static const struct option long_options[] = {
	{"output", required_argument, NULL, 'o'},
	{"no-judge", no_argument, NULL, OPTION_NO_JUDGE},
	{"without-aptpl", no_argument, NULL, OPTION_WITHOUT_APTPL},
	{"without-unit-attentions", no_argument, NULL, OPTION_WITHOUT_ATTENTIONS},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void print_usage(FILE *out)
{
	fputs("usage: holdfast lab report [OPTION]... -o FILE HISTORY\n\n"
	      "Writes one HTML page that shows what every initiator did, who held what, and\n"
	      "which rules were broken. It needs no network. See holdfast-lab(1).\n"
	      "HISTORY is a file, or - for standard input.\n\n"
	      "  -o, --output FILE              the page; - for standard output\n"
	      "      --no-judge                 do not judge the history, only show it\n"
	      "      --without-aptpl            the target claims to keep nothing over a crash\n"
	      "      --without-unit-attentions  ... and to report no unit attentions\n"
	      "  -h, --help                     show this text, and exit\n",
	      out);
}

enum lab_status lab_write_report(const char *path, const struct history *history,
				 const struct judge_report *verdict)
{
	FILE *out = lab_open_output(path);

	return out ? lab_close_output(out, path, report_write(out, history, verdict)) : LAB_FAILED;
}

/* `options` NULL: not judged. */
static enum lab_status report_file(const char *from, const char *to,
				   const struct judge_options *options)
{
	struct history *history = lab_read_history(from);
	struct judge_report *verdict = NULL;
	enum lab_status status = LAB_FAILED;
	int error;

	if (!history)
		return LAB_FAILED;
	error = options ? judge(history, options, &verdict) : 0;
	if (error == 0)
		status = lab_write_report(to, history, verdict);
	else
		fprintf(stderr, "holdfast-lab: %s: %s\n", from, strerror(-error));
	judge_report_free(&verdict);
	history_free(&history);
	return status;
}

enum lab_status lab_report(int argc, char **argv)
{
	struct judge_options options = {.states_max = 0};
	const char *to = NULL;
	bool judged = true;
	int id;

	while ((id = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1) {
		switch (id) {
		case 'o':
			to = optarg;
			break;
		case OPTION_NO_JUDGE:
			judged = false;
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
	if (!to || optind + 1 != argc) {
		print_usage(stderr);
		return LAB_USAGE;
	}
	return report_file(argv[optind], to, judged ? &options : NULL);
}
