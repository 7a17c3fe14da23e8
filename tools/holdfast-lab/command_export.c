/*
 * holdfast lab export: a history for another checker.
 */
#include <getopt.h>

#include "tools/holdfast-lab/lab.h"
#include "tools/lab/export.h"

enum {
	OPTION_PORCUPINE = 256,
};

static const struct option long_options[] = {
	{"porcupine", no_argument, NULL, OPTION_PORCUPINE},
	{"output", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void print_usage(FILE *out)
{
	fputs("usage: holdfast lab export --porcupine -o FILE HISTORY\n\n"
	      "Writes the history in the form of another checker, see holdfast-lab(1).\n"
	      "HISTORY is a file, or - for standard input.\n\n"
	      "      --porcupine     calls and returns, one JSON object a line\n"
	      "  -o, --output FILE   where to; - for standard output\n"
	      "  -h, --help          show this text, and exit\n",
	      out);
}

static enum lab_status export_file(const char *from, const char *to)
{
	struct history *history = lab_read_history(from);
	enum lab_status status = LAB_FAILED;
	FILE *out;

	if (!history)
		return LAB_FAILED;
	out = lab_open_output(to);
	if (out)
		status = lab_close_output(out, to, export_porcupine(out, history));
	history_free(&history);
	return status;
}

enum lab_status lab_export(int argc, char **argv)
{
	const char *to = NULL;
	bool porcupine = false;
	int id;

	while ((id = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1) {
		switch (id) {
		case 'o':
			to = optarg;
			break;
		case OPTION_PORCUPINE:
			porcupine = true;
			break;
		case 'h':
			print_usage(stdout);
			return LAB_OK;
		default:
			return LAB_USAGE;
		}
	}
	if (!porcupine || !to || optind + 1 != argc) {
		print_usage(stderr);
		return LAB_USAGE;
	}
	return export_file(argv[optind], to);
}
