/*
 * What one initiator of a stress does next: drawn from a table of weights by a generator that
 * starts with the seed, and guided by what it has seen, so that reservations really are fought for.
 * Everybody knows the keys that the others were given, as the nodes of a cluster do.
 */
#ifndef LAB_CONTENDER_H
#define LAB_CONTENDER_H

#include "tools/lab/history.h"

#define CONTENDERS_MAX		 HISTORY_NEXUSES_MAX
#define CONTENDER_BLOCKS_MAX	 8 /* of one READ or WRITE */
#define CONTENDER_OUT_BLOCKS_MAX 2 /* data out of a HISTORY_CDB */

/* The field, the same for all. */
struct contest {
	uint32_t contenders;
	uint16_t first_lun;
	unsigned luns;
	uint64_t lba; /* of the blocks that carry tags */
	uint32_t blocks;
	uint64_t scratch_lba; /* of blocks that other commands may change: right behind them */
	uint8_t type_mask[2]; /* types to reserve with, as in REPORT CAPABILITIES */
	bool all_tg_pt;	      /* the target takes it */
	bool full_status;     /* and READ FULL STATUS */
	bool aptpl;	      /* and APTPL */
	bool lacks[HISTORY_OP_COUNT]; /* what the target does not know at all */
	bool resets;		      /* LUN and target resets are part of it */
	bool departures;	      /* logouts and cuts are */
	uint32_t fua_percent;	      /* of the writes */
	uint32_t sync_percent;	      /* of the HISTORY_CDB: SYNCHRONIZE CACHE, however they fall */
	uint32_t block_size;
	uint32_t *nexuses;		    /* [contenders]: numbers in the history */
	uint64_t (*keys)[HISTORY_LUNS_MAX]; /* [contenders]: acknowledged; 0: none */
};

struct contender {
	uint32_t index;
	uint64_t generator;
	uint64_t sequence; /* of its last write */
	struct {
		uint32_t generation;
		uint64_t holder_key;
		uint8_t holder_type;
		bool spc2; /* it may hold an SPC-2 reservation */
	} luns[HISTORY_LUNS_MAX];
};

enum contender_act {
	CONTENDER_COMMAND = 1,
	CONTENDER_LOGOUT,
	CONTENDER_CUT,
};

struct contender_move {
	enum contender_act act;
	struct history_command command;
	uint8_t out[24]; /* data out of a HISTORY_CDB; what is longer is zeros */
	size_t out_len, in_len;
	uint32_t stall_ms; /* when it has sent this, it hangs for so long: it neither hears nor
			      says anything */
};

void contender_init(struct contender *contender, uint32_t index, uint64_t seed);
struct contender_move contender_next(struct contender *contender, const struct contest *contest);
/* What came back for its move. */
void contender_learn(struct contender *contender, struct contest *contest,
		     const struct history_command *command, const struct history_result *result);

/* The next of a generator (SplitMix64), and one below `bound`. */
uint64_t contender_random(uint64_t *generator);
uint32_t contender_below(uint64_t *generator, uint32_t bound);

#endif
