/*
 * holdfast lab run: one scenario, and the judge's verdict on it.
 */
#include <string.h>

#include "tools/holdfast-lab/scenario.h"

#define PACE_MS_DEFAULT 400 /* on a screen */
#define PACE_MS_MAX	60000

enum option_id {
	OPTION_PACE = 256,
};

static const struct option long_options[] = {
	SETUP_LONG_OPTIONS,
	{"pace", required_argument, NULL, OPTION_PACE},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void print_usage(FILE *out)
{
	fputs("usage: holdfast lab run [OPTION]... FILE.lua URL\n"
	      "       holdfast lab run [OPTION]... --own HOLDFASTD FILE.lua\n\n"
	      "Plays a scenario, see holdfast-lab(1), and has its history judged. URL is\n"
	      "iscsi://HOST:PORT/TARGET/LUN. ITS DATA AND RESERVATIONS ARE LOST.\n\n",
	      out);
	fputs(setup_usage, out);
	fputs("      --pace MS                  pause after each command (0; on a live screen 400)\n",
	      out);
	fputs("  -h, --help                     show this text, and exit\n", out);
}

/* What the scenario wants of the target, where the command line does not say otherwise. */
static bool agree(struct setup_options *options, const struct scenario_head *head, const char *path)
{
	if (!options->profile && options->own)
		options->profile = head->spc4 ? "spc4" : "dlt-s4";
	if (options->profile &&
	    !(strcmp(options->profile, "spc4") == 0 ? head->spc4 : head->dlt_s4)) {
		fprintf(stderr, "holdfast-lab: %s is not for profile %s\n", path, options->profile);
		return false;
	}
	if (head->needs_own && !options->own) {
		fprintf(stderr, "holdfast-lab: %s needs a target of the lab's own (--own)\n", path);
		return false;
	}
	options->luns = options->luns > 0 ? options->luns : head->luns;
	options->ports = options->ports > 0 || !options->own ? options->ports : head->ports;
	options->registrations_max = options->own ? head->registrations_max : 0;
	options->tas = options->own && (options->tas || head->tas);
	options->power_cuts = options->own && head->power_cuts;
	snprintf(options->comment, sizeof(options->comment), "%s", head->title);
	return true;
}

static enum lab_status play(const struct setup_options *options, const struct scenario_head *head,
			    const char *path, unsigned pace_ms)
{
	struct setup setup;
	enum lab_status status = LAB_BROKEN;
	bool played;

	if (!setup_begin(&setup, options))
		return LAB_FAILED;
	setup_show_begin(&setup, options, 0);
	played = scenario_play(&setup, path, pace_ms);
	if (!setup_close(&setup))
		status = LAB_FAILED;
	else if (played)
		status = setup_judge(&setup, !head->not_judged);
	setup_free(&setup);
	return status;
}

enum lab_status lab_run(int argc, char **argv)
{
	struct setup_options options = {.own = NULL};
	struct scenario_head head;
	uint64_t pace_ms = 0;
	bool bad, paced = false;
	int id;

	while ((id = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (id == 'h') {
			print_usage(stdout);
			return LAB_OK;
		}
		if (id == OPTION_PACE) {
			paced = true;
			if (!setup_parse_number("--pace", optarg, 0, PACE_MS_MAX, &pace_ms))
				return LAB_USAGE;
		} else if (!setup_take_option(&options, id, optarg, &bad) || bad) {
			return LAB_USAGE;
		}
	}
	if (optind == argc || optind + 2 < argc) {
		print_usage(stderr);
		return LAB_USAGE;
	}
	options.url = argv[optind + 1];
	if (!setup_options_check(&options))
		return LAB_USAGE;
	if (!scenario_read_head(argv[optind], &head))
		return LAB_FAILED;
	if (!agree(&options, &head, argv[optind]))
		return LAB_USAGE;
	if (!paced && options.live && screen_wanted())
		pace_ms = PACE_MS_DEFAULT;
	return play(&options, &head, argv[optind], (unsigned)pace_ms);
}
