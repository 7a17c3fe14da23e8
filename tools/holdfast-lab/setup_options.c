/*
 * The options that name a target and say where the history goes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/holdfast-lab/setup.h"

#define THREADS_MAX 64

const char setup_usage[] =
	"      --own HOLDFASTD            start a target of the lab's own from this program\n"
	"      --profile PROFILE          spc4 or dlt-s4: of its LUNs, or of the URL's\n"
	"      --ports N                  target ports of the own target (1)\n"
	"      --luns N                   LUNs to play with (1)\n"
	"      --threads N                event loops of the own target\n"
	"      --tas                      own target: TASK ABORTED for what others abort\n"
	"      --portal ADDR:PORT         one more portal of the URL's target\n"
	"      --timeout-ms N             no answer after this long: unknown (3000)\n"
	"      --history FILE             keep the history there\n"
	"      --live                     show it while it happens\n"
	"      --report FILE              write the report, see `holdfast lab report`\n"
	"      --json                     verdict for scripts\n";

bool setup_parse_number(const char *name, const char *text, uint64_t low, uint64_t high,
			uint64_t *ret_number)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	char *end;
	uint64_t number;

	errno = 0;
	number = strtoull(hex ? text + 2 : text, &end, hex ? 16 : 10);
	if (errno != 0 || *end != '\0' || end == text + (hex ? 2 : 0) || strchr(text, '-') ||
	    number < low || number > high) {
		fprintf(stderr,
			"holdfast-lab: %s: `%s` is no number from %" PRIu64 " to %" PRIu64 "\n",
			name, text, low, high);
		return false;
	}
	*ret_number = number;
	return true;
}

static bool parse_unsigned(const char *name, const char *text, unsigned high, unsigned *ret_number)
{
	uint64_t number;

	if (!setup_parse_number(name, text, 1, high, &number))
		return false;
	*ret_number = (unsigned)number;
	return true;
}

static bool add_portal(struct setup_options *options, const char *value)
{
	/* One place is the URL's. */
	if (options->portal_count == LAB_PORTALS_MAX - 1 || strlen(value) > HISTORY_PORTAL_MAX) {
		fprintf(stderr, "holdfast-lab: --portal: too many, or `%s` is too long\n", value);
		return false;
	}
	options->portals[options->portal_count++] = value;
	return true;
}

static bool set_profile(struct setup_options *options, const char *value)
{
	options->profile = value;
	if (strcmp(value, "spc4") == 0 || strcmp(value, "dlt-s4") == 0)
		return true;
	fprintf(stderr, "holdfast-lab: --profile: `%s` is not spc4 or dlt-s4\n", value);
	return false;
}

bool setup_take_option(struct setup_options *options, int id, const char *value, bool *ret_bad)
{
	bool good = true;

	switch (id) {
	case SETUP_OPTION_OWN:
		options->own = value;
		break;
	case SETUP_OPTION_PROFILE:
		good = set_profile(options, value);
		break;
	case SETUP_OPTION_HISTORY:
		options->history = value;
		break;
	case SETUP_OPTION_PORTAL:
		good = add_portal(options, value);
		break;
	case SETUP_OPTION_LUNS:
		good = parse_unsigned("--luns", value, HISTORY_LUNS_MAX, &options->luns);
		break;
	case SETUP_OPTION_PORTS:
		good = parse_unsigned("--ports", value, LAB_PORTALS_MAX, &options->ports);
		break;
	case SETUP_OPTION_THREADS:
		good = parse_unsigned("--threads", value, THREADS_MAX, &options->threads);
		break;
	case SETUP_OPTION_TAS:
		options->tas = true;
		break;
	case SETUP_OPTION_TIMEOUT:
		good = parse_unsigned("--timeout-ms", value, 3600000, &options->timeout_ms);
		break;
	case SETUP_OPTION_JSON:
		options->json = true;
		break;
	case SETUP_OPTION_LIVE:
		options->live = true;
		break;
	case SETUP_OPTION_REPORT:
		options->report = value;
		break;
	default:
		return false;
	}
	*ret_bad = !good;
	return true;
}

bool setup_options_check(const struct setup_options *options)
{
	if (options->own && options->url)
		fputs("holdfast-lab: --own starts a target of its own: no URL then\n", stderr);
	else if (!options->own && !options->url)
		fputs("holdfast-lab: there is no target: a URL, or --own HOLDFASTD\n", stderr);
	else if (!options->own && (options->tas || options->ports > 0 || options->threads > 0))
		fputs("holdfast-lab: --tas, --ports and --threads are for --own\n", stderr);
	else if (options->live && options->json)
		fputs("holdfast-lab: --live and --json both want standard output\n", stderr);
	else
		return true;
	return false;
}
