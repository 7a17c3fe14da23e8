/*
 * The stress: contenders that fight for one target's reservations until they have sent their share.
 */
#ifndef TOOLS_HOLDFAST_LAB_STRESS_H
#define TOOLS_HOLDFAST_LAB_STRESS_H

#include "tools/holdfast-lab/setup.h"

struct stress_options {
	uint32_t initiators;
	unsigned depth; /* commands of one initiator under way */
	uint64_t seed;
	uint64_t commands;		      /* end after so many; 0: no such end */
	unsigned seconds;		      /* end after this time; 0: no such end */
	unsigned kills;			      /* of the own target, spread over the commands */
	unsigned kill_every;		      /* seconds; 0: not by time */
	unsigned power_cuts, power_cut_every; /* the same of power cuts */
	uint32_t blocks;		      /* that are fought over, on each LUN */
	bool resets, departures, all_tg_pt;
};

bool stress_cuts_power(const struct stress_options *options);
/* False: it could not go on, and why was said. The history is complete up to there. */
bool stress_play(struct setup *setup, const struct stress_options *options);

/* Records what is registered and reserved, and what these blocks of each LUN hold. False: said why.
 */
bool stress_inspect(struct setup *setup, uint64_t lba, uint32_t blocks);

#endif
