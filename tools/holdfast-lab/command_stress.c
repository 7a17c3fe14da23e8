/*
 * holdfast lab stress: initiators that fight for a target, and the verdict.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "tools/holdfast-lab/stress.h"

#define INITIATORS_DEFAULT 32
#define SECONDS_DEFAULT	   60
#define BLOCKS_DEFAULT	   16
#define BLOCKS_MAX	   4096
#define INITIATORS_MAX	   512	      /* each may be met on two target ports */
#define SLICE_NS	   100000000u /* of the live picture: a column */

enum option_id {
	OPTION_INITIATORS = 256,
	OPTION_DEPTH,
	OPTION_SEED,
	OPTION_COMMANDS,
	OPTION_SECONDS,
	OPTION_KILLS,
	OPTION_KILL_EVERY,
	OPTION_POWER_CUTS,
	OPTION_POWER_CUT_EVERY,
	OPTION_BLOCKS,
	OPTION_ALL_TG_PT,
	OPTION_NO_RESETS,
	OPTION_NO_DEPARTURES,
};

static const struct option long_options[] = {
	SETUP_LONG_OPTIONS,
	{"initiators", required_argument, NULL, OPTION_INITIATORS},
	{"depth", required_argument, NULL, OPTION_DEPTH},
	{"seed", required_argument, NULL, OPTION_SEED},
	{"commands", required_argument, NULL, OPTION_COMMANDS},
	{"seconds", required_argument, NULL, OPTION_SECONDS},
	{"kills", required_argument, NULL, OPTION_KILLS},
	{"kill-every", required_argument, NULL, OPTION_KILL_EVERY},
	{"power-cuts", required_argument, NULL, OPTION_POWER_CUTS},
	{"power-cut-every", required_argument, NULL, OPTION_POWER_CUT_EVERY},
	{"blocks", required_argument, NULL, OPTION_BLOCKS},
	{"all-tg-pt", no_argument, NULL, OPTION_ALL_TG_PT},
	{"no-resets", no_argument, NULL, OPTION_NO_RESETS},
	{"no-departures", no_argument, NULL, OPTION_NO_DEPARTURES},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void print_usage(FILE *out)
{
	fputs("usage: holdfast lab stress [OPTION]... URL\n"
	      "       holdfast lab stress [OPTION]... --own HOLDFASTD\n\n"
	      "Initiators that reserve, preempt, write and read at random, and what the judge says\n"
	      "of it, see holdfast-lab(1). URL is iscsi://HOST:PORT/TARGET/LUN. ITS DATA IS LOST.\n\n"
	      "      --initiators N             how many (32)\n"
	      "      --depth N                  commands of each under way (2)\n"
	      "      --seed N                   of all choices (from the clock)\n"
	      "      --seconds N                how long (60, unless --commands)\n"
	      "      --commands N               end after so many commands\n"
	      "      --blocks N                 blocks that are fought over (16)\n"
	      "      --kills N                  kill the own target so many times (with --commands)\n"
	      "      --kill-every N             ... or every N seconds\n"
	      "      --power-cuts N             cut its power so many times: what it did not sync\n"
	      "                                 may be lost\n"
	      "      --power-cut-every N        ... or every N seconds\n"
	      "      --all-tg-pt                register on all target ports at once, too\n"
	      "      --no-resets                no LUN and target resets\n"
	      "      --no-departures            nobody logs out, hangs or loses its connection\n",
	      out);
	fputs(setup_usage, out);
	fputs("  -h, --help                     show this text, and exit\n", out);
}

struct arguments {
	struct setup_options setup;
	struct stress_options stress;
	bool help;
};

static bool take_number(const char *name, const char *text, uint64_t low, uint64_t high,
			unsigned *ret_number)
{
	uint64_t number;

	if (!setup_parse_number(name, text, low, high, &number))
		return false;
	*ret_number = (unsigned)number;
	return true;
}

static bool take_option(struct arguments *a, int id)
{
	struct stress_options *s = &a->stress;
	bool bad;

	if (setup_take_option(&a->setup, id, optarg, &bad))
		return !bad;
	switch (id) {
	case OPTION_INITIATORS:
		return take_number("--initiators", optarg, 1, INITIATORS_MAX, &s->initiators);
	case OPTION_DEPTH:
		return take_number("--depth", optarg, 1, 64, &s->depth);
	case OPTION_SEED:
		return setup_parse_number("--seed", optarg, 1, UINT64_MAX, &s->seed);
	case OPTION_COMMANDS:
		return setup_parse_number("--commands", optarg, 1, UINT32_MAX, &s->commands);
	case OPTION_SECONDS:
		return take_number("--seconds", optarg, 1, 1000000, &s->seconds);
	case OPTION_KILLS:
		return take_number("--kills", optarg, 0, 1000000, &s->kills);
	case OPTION_KILL_EVERY:
		return take_number("--kill-every", optarg, 1, 1000000, &s->kill_every);
	case OPTION_POWER_CUTS:
		return take_number("--power-cuts", optarg, 0, 1000000, &s->power_cuts);
	case OPTION_POWER_CUT_EVERY:
		return take_number("--power-cut-every", optarg, 1, 1000000, &s->power_cut_every);
	case OPTION_BLOCKS:
		return take_number("--blocks", optarg, 1, BLOCKS_MAX, &s->blocks);
	case OPTION_ALL_TG_PT:
		s->all_tg_pt = true;
		return true;
	case OPTION_NO_RESETS:
		s->resets = false;
		return true;
	case OPTION_NO_DEPARTURES:
		s->departures = false;
		return true;
	case 'h':
		a->help = true;
		return true;
	default:
		return false;
	}
}

static bool check(const struct arguments *a)
{
	const struct stress_options *s = &a->stress;
	bool dies = s->kills > 0 || s->kill_every > 0 || stress_cuts_power(s);

	if (dies && !a->setup.own)
		fputs("holdfast-lab: only a target of the lab's own (--own) can be killed\n",
		      stderr);
	else if ((s->kills > 0 || s->power_cuts > 0) && s->commands == 0)
		fputs("holdfast-lab: --kills and --power-cuts are for --commands; see "
		      "--kill-every and --power-cut-every\n",
		      stderr);
	else
		return setup_options_check(&a->setup);
	return false;
}

static uint64_t seed_from_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ((uint64_t)now.tv_sec << 20 ^ (uint64_t)now.tv_nsec) | 1;
}

/* What the target is not asked for, because it does not claim it. */
static void tell_lacks(FILE *say, const struct setup *setup)
{
	const char *before = "without  ";

	for (unsigned op = 0; op < HISTORY_OP_COUNT; op++) {
		if (!setup->lacks[op])
			continue;
		fprintf(say, "%s%s", before, history_op_name((enum history_op)op));
		before = ", ";
	}
	if (!setup->head.aptpl_claimed) {
		fprintf(say, "%sAPTPL", before);
		before = ", ";
	}
	if (before[0] == ',')
		fputs(": the target does not claim it\n", say);
}

static enum lab_status play(struct arguments *a)
{
	struct setup setup;
	enum lab_status status = LAB_FAILED;
	FILE *say = a->setup.json ? stderr : stdout;
	bool played;

	a->setup.seed = a->stress.seed;
	a->setup.power_cuts = stress_cuts_power(&a->stress);
	snprintf(a->setup.comment, sizeof(a->setup.comment), "stress of %u initiators",
		 a->stress.initiators);
	if (!setup_begin(&setup, &a->setup))
		return LAB_FAILED;
	fprintf(say, "seed     0x%" PRIx64 ", %u initiators at %s\n", a->stress.seed,
		a->stress.initiators, setup.target.portals[0].address);
	tell_lacks(say, &setup);
	fflush(say);
	setup_show_begin(&setup, &a->setup, SLICE_NS);
	played = stress_play(&setup, &a->stress);
	if (setup_close(&setup) && played)
		status = setup_judge(&setup, true);
	setup_free(&setup);
	return status;
}

enum lab_status lab_stress(int argc, char **argv)
{
	struct arguments a = {
		.stress = {.initiators = INITIATORS_DEFAULT,
			   .depth = 2,
			   .blocks = BLOCKS_DEFAULT,
			   .resets = true,
			   .departures = true},
	};
	int id;

	while ((id = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
		if (!take_option(&a, id))
			return LAB_USAGE;
	if (a.help) {
		print_usage(stdout);
		return LAB_OK;
	}
	if (optind + 1 < argc) {
		print_usage(stderr);
		return LAB_USAGE;
	}
	a.setup.url = argv[optind];
	if (!check(&a))
		return LAB_USAGE;
	if (a.stress.commands == 0 && a.stress.seconds == 0)
		a.stress.seconds = SECONDS_DEFAULT;
	if (a.stress.seed == 0)
		a.stress.seed = seed_from_clock();
	return play(&a);
}
