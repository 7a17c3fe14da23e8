/*
 * A scenario: a Lua 5.4 program that plays initiators, told what it may do in holdfast-lab(1). It
 * cannot reach anything but the target.
 */
#ifndef TOOLS_HOLDFAST_LAB_SCENARIO_H
#define TOOLS_HOLDFAST_LAB_SCENARIO_H

#include "tools/holdfast-lab/setup.h"

/*
 * What the comment at the head of the file asks for:
 *
 *     -- profiles: spc4 dlt-s4
 *     -- target: luns=2 ports=2 registrations=4 tas power-cuts
 *     -- needs: own
 *     -- judge: no
 */
struct scenario_head {
	bool spc4, dlt_s4; /* profiles that it is for; both unless it says otherwise */
	bool needs_own;	   /* it kills the target, or wants it as it says */
	bool not_judged;   /* it does what the judge does not know */
	unsigned luns, ports, registrations_max;
	bool tas, power_cuts;
	char title[HISTORY_TEXT_MAX + 1]; /* its first line */
};

/* False: said why. */
bool scenario_read_head(const char *path, struct scenario_head *ret_head);

/* Runs it to its end, with a pause of pace_ms after each thing that is done. False: it failed, and
 * what and why was printed. */
bool scenario_play(struct setup *setup, const char *path, unsigned pace_ms);

#endif
