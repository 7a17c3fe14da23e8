/*
 * What taking events, drawing and printing share.
 */
#ifndef LAB_LIVE_INTERNAL_H
#define LAB_LIVE_INTERNAL_H

#include <uthash.h>

#include "tools/lab/canvas.h"
#include "tools/lab/known.h"
#include "tools/lab/live.h"

#define LIVE_STRIP_MAX 256 /* columns of a lane that are kept */
#define LIVE_LOG_MAX   256 /* lines that are kept */
#define LIVE_WHO_MAX   24

/* One column of a lane. What has the higher rank is shown. */
struct live_cell {
	uint8_t code, style, rank;
};
enum live_rank {
	LIVE_RANK_REST = 0, /* nothing happened */
	LIVE_RANK_GOOD,
	LIVE_RANK_OTHER,
	LIVE_RANK_CONFLICT,
	LIVE_RANK_LOST,
	LIVE_RANK_STEM,
	LIVE_RANK_PREEMPT,
	LIVE_RANK_CRASH,
};

struct live_lane {
	struct live_cell cells[LIVE_STRIP_MAX];
};

struct live_lu {
	struct known_lu known;
	uint64_t changes;	 /* invokes and returns of commands that may change something */
	uint32_t under_way;	 /* of them, those between invoke and return */
	struct live_lane *lanes; /* by nexus */
};

/* A command under way. */
struct live_open {
	uint64_t number;
	uint64_t at_ns;
	size_t event;
	uint32_t nexus;
	struct history_command command;
	uint64_t changes_at_invoke;
	bool alone_at_invoke;
	UT_hash_handle hh;
};

struct live_entry {
	uint64_t at_ns;
	char who[LIVE_WHO_MAX];
	char what[HISTORY_TEXT_MAX + 1], how[160];
	enum canvas_style style; /* of `how`, or of a line without one */
	bool changed;		 /* registrations or reservations are others now */
};

struct live_counts {
	uint64_t commands, good, conflicts, attentions, checks, unknown, others, preempts, crashes;
};

struct live {
	struct history_head head;
	struct history_nexus *nexuses;
	bool *up; /* by nexus */
	struct known_field field;
	struct live_lu lus[HISTORY_LUNS_MAX];
	size_t lu_count;
	struct live_open *open;
	size_t events;
	uint64_t columns; /* so far; the last one is at (columns - 1) % LIVE_STRIP_MAX */
	uint64_t slice_ns, slice_end_ns;
	uint64_t summary_at_ns;
	struct live_entry log[LIVE_LOG_MAX];
	uint64_t logged, printed;
	char caption[HISTORY_TEXT_MAX + 1]; /* the last note */
	bool target_dead;
	struct live_counts counts;
	bool no_memory; /* the picture is not whole */
};

/* Returns buffer. */
const char *live_who(const struct live *live, uint32_t nexus, char buffer[LIVE_WHO_MAX]);
/* "WE-RO"; "" for none. */
const char *live_type(uint8_t type);

/* What happens from here on stands in a new column, if it is due. */
void live_begin_column(struct live *live, uint64_t at_ns);
/* Where nothing happened in the column, it shows what is so now. */
void live_end_column(struct live *live);
void live_mark(struct live *live, const struct live_lu *lu, uint32_t nexus, struct live_cell cell);
void live_mark_all(struct live *live, struct live_cell cell);

#endif
