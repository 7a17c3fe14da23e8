/*
 * What stress and scenarios have in common: a target (the lab's own, or somebody's), a history that
 * is being written, a loop of initiators, and the verdict at the end.
 */
#ifndef TOOLS_HOLDFAST_LAB_SETUP_H
#define TOOLS_HOLDFAST_LAB_SETUP_H

#include <getopt.h>

#include "tools/holdfast-lab/initiator.h"
#include "tools/holdfast-lab/lab.h"
#include "tools/holdfast-lab/own.h"
#include "tools/holdfast-lab/screen.h"

struct setup_options {
	const char *own;		      /* path of a holdfastd to start, or NULL */
	const char *url;		      /* else iscsi://HOST:PORT/TARGET/LUN */
	const char *profile;		      /* of the LUNs; NULL: not known (own: spc4) */
	const char *history;		      /* file to write; NULL: a temporary one */
	const char *portals[LAB_PORTALS_MAX]; /* besides the URL's */
	size_t portal_count;
	unsigned luns;	  /* from the URL's LUN on, or from 0 */
	unsigned ports;	  /* own */
	unsigned threads; /* own */
	unsigned registrations_max;
	unsigned timeout_ms; /* for a command's answer */
	bool tas;	     /* own */
	bool power_cuts;     /* own: its power is to be cut */
	bool json;
	bool live;	    /* show it while it happens */
	const char *report; /* page to write; NULL: none */
	uint64_t seed;
	char comment[HISTORY_TEXT_MAX + 1];
};

/* The options of getopt_long that go in here, for the tables of the commands. */
enum setup_option {
	SETUP_OPTION_OWN = 512,
	SETUP_OPTION_PROFILE,
	SETUP_OPTION_HISTORY,
	SETUP_OPTION_PORTAL,
	SETUP_OPTION_LUNS,
	SETUP_OPTION_PORTS,
	SETUP_OPTION_THREADS,
	SETUP_OPTION_TAS,
	SETUP_OPTION_TIMEOUT,
	SETUP_OPTION_JSON,
	SETUP_OPTION_LIVE,
	SETUP_OPTION_REPORT,
};
#define SETUP_LONG_OPTIONS                                                     \
	{"own", required_argument, NULL, SETUP_OPTION_OWN},                    \
		{"profile", required_argument, NULL, SETUP_OPTION_PROFILE},    \
		{"history", required_argument, NULL, SETUP_OPTION_HISTORY},    \
		{"portal", required_argument, NULL, SETUP_OPTION_PORTAL},      \
		{"luns", required_argument, NULL, SETUP_OPTION_LUNS},          \
		{"ports", required_argument, NULL, SETUP_OPTION_PORTS},        \
		{"threads", required_argument, NULL, SETUP_OPTION_THREADS},    \
		{"tas", no_argument, NULL, SETUP_OPTION_TAS},                  \
		{"timeout-ms", required_argument, NULL, SETUP_OPTION_TIMEOUT}, \
		{"live", no_argument, NULL, SETUP_OPTION_LIVE},                \
		{"report", required_argument, NULL, SETUP_OPTION_REPORT},      \
	{                                                                      \
		"json", no_argument, NULL, SETUP_OPTION_JSON                   \
	}
extern const char setup_usage[];

/* True: it was one of them. *ret_bad: and its value is wrong, which was said. */
bool setup_take_option(struct setup_options *options, int id, const char *value, bool *ret_bad);
/* False (said why) unless there is exactly one target. */
bool setup_options_check(const struct setup_options *options);
/* Decimal, or hexadecimal after 0x, from low to high; false: said why. */
bool setup_parse_number(const char *name, const char *text, uint64_t low, uint64_t high,
			uint64_t *ret_number);

struct setup {
	struct own *own; /* NULL: somebody else's target */
	struct lab_target target;
	struct history_head head;
	struct recorder *recorder;
	struct loop *loop;
	struct applied *applied; /* NULL: somebody else's target */
	struct decided *decided; /* ... and of its trace */
	FILE *history;
	struct screen *screen; /* NULL: nobody looks on */
	const char *report;
	int signals; /* SIGINT and its kin, which the run waits for; -1: it does not */
	uint16_t first_lun;
	unsigned luns;
	bool lacks[HISTORY_OP_COUNT]; /* what somebody else's target does not know */
	bool json;
	uint64_t power_seed; /* of the next power cut */
};

/* False: said why; nothing is left behind. */
bool setup_begin(struct setup *setup, const struct setup_options *options);
/*
 * From now on the run is shown as it happens, if the options say so; slice_ns is what one column of
 * the picture stands for (0: an event). Nothing else may be printed until setup_show_end.
 */
void setup_show_begin(struct setup *setup, const struct setup_options *options, uint64_t slice_ns);
void setup_show(struct setup *setup);
void setup_show_end(struct setup *setup);
/* Now and then, while commands are under way: writes down what the own target says of their order.
 */
void setup_quote(struct setup *setup);
/* Did somebody ask to stop? */
bool setup_interrupted(const struct setup *setup);
/* Ends the run without judging it. False: the history could not be written. */
bool setup_close(struct setup *setup);
/*
 * After setup_close: what the judge says of the history, printed, unless it is not to be judged;
 * and the report, if one is wanted.
 */
enum lab_status setup_judge(struct setup *setup, bool judged);
void setup_free(struct setup *setup);

/*
 * kill -9 of the lab's own target, so long after every command under way was sent; every session is
 * gone afterwards.
 */
void setup_kill(struct setup *setup, unsigned after_us);
/*
 * The same of a power cut: what the target had not made durable may be lost; what, says the seed
 * (0: one of the run's own). False: said why.
 */
bool setup_cut_power(struct setup *setup, unsigned after_us, uint64_t seed);
/* Starts it again. False: said why. */
bool setup_start(struct setup *setup);
/*
 * Stops the lab's own target in order, and records what these blocks hold from its backing files.
 * False: said why.
 */
bool setup_scan(struct setup *setup, uint64_t lba, uint32_t blocks);

#endif
